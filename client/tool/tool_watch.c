//  The guard's own process (tool_guard.h): one loop around the rules.

#include "client/tool/tool.h"
#include "client/tool/tool_child.h"
#include "client/tool/tool_guard.h"
#include "client/tool/tool_pass.h"
#include "client/tool/tool_rules.h"
#include "client/tool/tool_tree.h"
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <unistd.h>

typedef struct watch {
    int fd;
    const tool_shared_t *shared;
    tool_signals_t *signals;
    char **argv;
    char *lock, *title;
    tool_tree_t *tree;
    tool_rules_t rules;
    int timer;
    pid_t command;
    int status;
    bool ended, alone, said;
    bool left; //  processes of the command go on
    tool_pass_t pass;
} watch_t;

//  ---- the start -----------------------------------------------------------------

static void
s_take_title (const tool_guard_config_t *config, const char *held)
{
    char title[400];
    char *words = program_invocation_name;
    snprintf (title, sizeof title, "hf-guard of %d, lock %s", (int)getppid (), held);
    prctl (PR_SET_NAME, "hf-guard");
    if (!config->words_end || config->words_end <= words)
        return;
    size_t room = (size_t)(config->words_end - words);
    memset (words, 0, room);
    strncpy (words, title, room - 1);
}

static char **
s_copy_words (char **words)
{
    size_t count = 0;
    while (words[count])
        count++;
    char **copy = tool_alloc ((count + 1) * sizeof *copy);
    for (size_t i = 0; i < count; i++)
        copy[i] = tool_copy (words[i]);
    return copy;
}

static void
s_set_environment (const watch_t *self, const tool_lease_t *lease)
{
    char number[24];
    setenv ("HOLDFAST_LOCK", self->lock, 1);
    snprintf (number, sizeof number, "%" PRIu64, lease->token);
    setenv ("HOLDFAST_TOKEN", number, 1);
    snprintf (number, sizeof number, "%" PRIu64, lease->session);
    setenv ("HOLDFAST_SESSION", number, 1);
}

/*  Wait for the lock, and execute the command. */
static void
s_start (watch_t *self)
{
    tool_note_t note;
    int taken;
    struct pollfd fd = {.fd = self->fd, .events = POLLIN};
    while ((taken = tool_note_take (self->fd, &note)) == 0 ||
           (taken > 0 && note.what != TOOL_NOTE_START))
        poll (&fd, 1, -1);
    if (taken < 0)
        _exit (0);
    tool_rules_init (&self->rules, true, note.lease.ttl_ms, note.lease.grace_ms);
    s_set_environment (self, &note.lease);
    self->tree = tool_tree_new ();
    self->timer = timerfd_create (CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    int error = self->timer < 0 ? errno
                                : tool_child_start (self->argv, self->signals,
                                                    &self->shared->deadline_ms, &self->command);
    tool_note_send (self->fd, &(tool_note_t){.what = TOOL_NOTE_STARTED, .number = error});
    if (error != 0)
        _exit (0);
}

//  ---- what happens --------------------------------------------------------------

static void
s_take_signals (watch_t *self)
{
    pid_t from;
    for (int signal; (signal = tool_signals_next (self->signals, &from)) > 0;)
        if (from != 0)
            tool_pass_seen (&self->pass, signal, from, tool_now_ms ());
}

static void
s_take_notes (watch_t *self)
{
    tool_note_t note;
    int taken;
    while ((taken = tool_note_take (self->fd, &note)) > 0)
        if (note.what == TOOL_NOTE_SIGNAL)
            tool_pass_hold (&self->pass, note.number, note.from, tool_now_ms ());
    self->alone = taken < 0;
}

static void
s_pass (watch_t *self, int signal)
{
    tool_tree_signal (self->tree, self->command, signal);
    if (signal == SIGTERM || signal == SIGHUP)
        tool_tree_signal (self->tree, self->command, SIGCONT); //  what is stopped would not see it
    const char *refused = tool_tree_refused (self->tree);
    if (*refused)
        tool_error (0, "cannot pass signal %d on to process %s: another user's", signal, refused);
}

/*  NOW_MS: read before the signals and notes were taken. */
static void
s_pass_all (watch_t *self, uint64_t now_ms)
{
    bool inside = self->ended || getpgid (self->command) == getpgrp ();
    for (int signal; (signal = tool_pass_next (&self->pass, inside, now_ms)) > 0;)
        s_pass (self, signal);
}

//  ---- what is done --------------------------------------------------------------

static void
s_say (watch_t *self)
{
    if (self->said)
        return;
    self->said = true;
    uint64_t deadline_ms = atomic_load (&self->shared->deadline_ms);
    if (deadline_ms <= tool_now_ms ())
        tool_error (0, TOOL_SAY_LOST, self->title);
    else if (self->alone)
        tool_error (0, "the process that keeps lock %s was killed: ending the command",
                    self->title);
    else
        tool_error (0, TOOL_SAY_SOON, self->title);
}

static void
s_end (watch_t *self)
{
    tool_news_t news = self->left ? TOOL_NEWS_LEFT : self->said ? TOOL_NEWS_OVER : TOOL_NEWS_ENDED;
    tool_note_send (self->fd, &(tool_note_t){.what = (int)news, .number = self->status});
    _exit (0);
}

static void
s_do (watch_t *self, unsigned todo)
{
    if (todo & TOOL_DO_ASK)
        tool_note_send (self->fd, &(tool_note_t){.what = TOOL_NEWS_ASK});
    if (todo & TOOL_DO_TERM) {
        tool_tree_signal (self->tree, self->command, SIGTERM);
        tool_tree_signal (self->tree, self->command, SIGCONT);
    }
    if (todo & TOOL_DO_KILL)
        tool_tree_kill (self->tree, self->ended ? 0 : self->command);
    if (todo & (TOOL_DO_TERM | TOOL_DO_KILL))
        s_say (self);
    if (todo & TOOL_DO_TELL) {
        tool_tree_tell (self->tree);
        self->left = true;
    }
    if (todo & TOOL_DO_END)
        s_end (self);
}

static void
s_step (watch_t *self, tool_event_t event)
{
    uint64_t deadline_ms = atomic_load (&self->shared->deadline_ms);
    s_do (self, tool_rules_step (&self->rules, event, tool_now_ms (), deadline_ms));
}

static void
s_turn (watch_t *self)
{
    uint64_t now_ms = tool_now_ms ();
    s_take_signals (self);
    s_take_notes (self);
    s_pass_all (self, now_ms);
    bool nobody;
    if (tool_tree_reap (self->tree, self->command, &self->status, &nobody))
        self->ended = true;
    if (nobody)
        s_step (self, TOOL_EVENT_NOBODY); //  before it is told that some are left
    s_step (self, TOOL_EVENT_TIME);
    if (self->ended)
        s_step (self, TOOL_EVENT_ENDED);
    if (self->alone)
        s_step (self, TOOL_EVENT_ALONE);
    if (nobody)
        s_step (self, TOOL_EVENT_NOBODY);
    else if (tool_tree_hopeless (self->tree))
        s_step (self, TOOL_EVENT_HOPELESS);
}

static void
s_sleep (watch_t *self)
{
    uint64_t due_ms = tool_rules_due_ms (&self->rules);
    if (tool_pass_due_ms (&self->pass) < due_ms)
        due_ms = tool_pass_due_ms (&self->pass);
    struct itimerspec due = {.it_value = {.tv_sec = (time_t)(due_ms / 1000),
                                          .tv_nsec = (long)(due_ms % 1000) * 1000000 + 1}};
    if (due_ms == UINT64_MAX)
        memset (&due, 0, sizeof due);
    timerfd_settime (self->timer, TFD_TIMER_ABSTIME, &due, NULL);
    struct pollfd fds[] = {{.fd = tool_signals_fd (self->signals), .events = POLLIN},
                           {.fd = self->timer, .events = POLLIN},
                           {.fd = self->alone ? -1 : self->fd, .events = POLLIN}};
    poll (fds, 3, -1);
}

void
tool_watch (const tool_guard_config_t *config, int fd, const tool_shared_t *shared)
{
    watch_t *self = tool_alloc (sizeof *self);
    self->fd = fd;
    self->shared = shared;
    self->signals = config->signals;
    self->argv = s_copy_words (config->argv);
    self->lock = tool_copy (config->lock);
    self->title = tool_copy (config->title);
    tool_error_wait (0);
    prctl (PR_SET_CHILD_SUBREAPER, 1);
    s_take_title (config, self->title);
    s_start (self);
    for (;;) {
        s_turn (self);
        s_sleep (self);
    }
}
