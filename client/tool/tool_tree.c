//  All processes below this one (tool_tree.h).

#include "client/tool/tool_tree.h"
#include "base/hf_array.h"
#include "client/tool/tool.h"
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STOP_ROUNDS 20
#define REFUSED_MAX 8
#define STAT_START  22 //  the field of /proc/ID/stat that says when it was started

/*  A process as /proc shows it. */
typedef struct row {
    long id, parent;
    unsigned long long start;
    char state;
    bool member;
} row_t;

struct tool_tree {
    long self; //  this process, as /proc names it
    int level; //  /proc is of an outer namespace: our ids are the LEVELth of NSpid; 0: it is ours
    HF_ARRAY (row_t) rows;
    HF_ARRAY (row_t) before;       //  what was below this process at first
    size_t members, sent, refused; //  in the last pass
    char names[REFUSED_MAX * 48];
};

//  ---- /proc ---------------------------------------------------------------------

/*  Read /proc/ID/NAME (ID 0: self) into TEXT, with a zero at the end. */
static bool
s_read (long id, const char *name, char *text, size_t size)
{
    char path[64];
    if (id > 0)
        snprintf (path, sizeof path, "/proc/%ld/%s", id, name);
    else
        snprintf (path, sizeof path, "/proc/self/%s", name);
    int fd = open (path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read (fd, text, size - 1);
    if (fd >= 0)
        close (fd);
    text[got > 0 ? got : 0] = '\0';
    return got > 0;
}

static bool
s_stat (long id, row_t *row)
{
    char text[1024];
    *row = (row_t){.id = id};
    const char *at = s_read (id, "stat", text, sizeof text) ? strrchr (text, ')') : NULL;
    if (!at || sscanf (at + 1, " %c %ld", &row->state, &row->parent) != 2)
        return false;
    for (int field = 2; at && field < STAT_START; field++)
        at = strchr (at + 1, ' ');
    row->start = at ? strtoull (at, NULL, 10) : 0;
    return at != NULL;
}

/*  The number at place LEVEL, from 1, of the ids that process ID has in its namespaces; 0: it has
 *  fewer. *COUNT: how many. */
static long
s_namespaced (long id, int level, int *count)
{
    char text[4096];
    *count = 0;
    const char *at = s_read (id, "status", text, sizeof text) ? strstr (text, "\nNSpid:") : NULL;
    long found = 0;
    for (at = at ? at + 7 : "\n"; *at == '\t' || *at == ' ';) {
        char *end;
        long number = strtol (at, &end, 10);
        if (++*count == level)
            found = number;
        at = end;
    }
    return found;
}

//  ---- one pass ------------------------------------------------------------------

static void
s_refused (tool_tree_t *self, const row_t *row, pid_t id)
{
    char name[24] = "?";
    size_t used = strlen (self->names);
    self->refused++;
    s_read (row->id, "comm", name, sizeof name);
    name[strcspn (name, "\n")] = '\0';
    if (self->refused <= REFUSED_MAX)
        snprintf (self->names + used, sizeof self->names - used, "%s%d (%s)", used > 0 ? ", " : "",
                  (int)id, name);
}

/*  Through a descriptor, when the system has them: between two looks nobody else can be meant. */
static int
s_send (const tool_tree_t *self, const row_t *row, pid_t id, int signal)
{
    row_t again;
    int rc;
    int fd = (int)syscall (SYS_pidfd_open, id, 0);
    if (fd < 0)
        return errno == ENOSYS || errno == EPERM ? kill (id, signal) : -1;
    if (s_stat (row->id, &again) && again.start == row->start && row->id != self->self)
        rc = (int)syscall (SYS_pidfd_send_signal, fd, signal, NULL, 0);
    else {
        rc = -1;
        errno = ESRCH;
    }
    int error = errno;
    close (fd);
    errno = error;
    return rc;
}

static void
s_signal (tool_tree_t *self, row_t *row, int signal)
{
    int count;
    row->member = true;
    self->members++;
    if (signal == SIGSTOP && strchr ("TZXx", row->state))
        return;
    pid_t id = (pid_t)(self->level > 0 ? s_namespaced (row->id, self->level, &count) : row->id);
    if (id <= 0)
        return;
    int rc = s_send (self, row, id, signal);
    if (strchr ("ZXx", row->state))
        return; //  it has ended, but for threads that may live on
    if (rc == 0)
        self->sent++;
    else if (errno == EPERM)
        s_refused (self, row, id);
}

static const row_t *
s_find (const tool_tree_t *self, long id)
{
    size_t low = 0;
    for (size_t high = self->rows.count; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (self->rows.list[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < self->rows.count && self->rows.list[low].id == id ? &self->rows.list[low] : NULL;
}

static bool
s_was_before (const tool_tree_t *self, const row_t *row)
{
    for (size_t i = 0; i < self->before.count; i++)
        if (self->before.list[i].id == row->id && self->before.list[i].start == row->start)
            return true;
    return false;
}

static bool
s_below (const tool_tree_t *self, const row_t *row)
{
    const row_t *parent = row->parent == self->self ? NULL : s_find (self, row->parent);
    bool below = row->parent == self->self || (parent && parent->member);
    return below && !s_was_before (self, row);
}

/*  /proc lists processes by their ids, and a child's is mostly above its parent's. So each is
 *  signalled as soon as it is seen, and the pass catches up with a program that forks as fast as it
 *  can. SIGNAL 0: only look. False: there is no /proc. */
static bool
s_pass (tool_tree_t *self, int signal)
{
    self->rows.count = self->members = self->sent = self->refused = 0;
    self->names[0] = '\0';
    DIR *folder = self->self > 0 ? opendir ("/proc") : NULL;
    if (!folder)
        return false;
    for (const struct dirent *entry; (entry = readdir (folder));) {
        row_t row;
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9' ||
            !s_stat (strtol (entry->d_name, NULL, 10), &row))
            continue;
        if (s_below (self, &row))
            s_signal (self, &row, signal);
        *hf_array_add (&self->rows) = row;
    }
    closedir (folder);
    for (bool more = true; more;) {
        more = false;
        for (row_t *row = self->rows.list; row < self->rows.list + self->rows.count; row++)
            if (!row->member && s_below (self, row)) {
                s_signal (self, row, signal);
                more = true;
            }
    }
    return true;
}

//  ---- start and end -------------------------------------------------------------

static void
s_note_before (tool_tree_t *self)
{
    siginfo_t info;
    if (waitid (P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || !s_pass (self, 0))
        return; //  no children, as usual
    for (size_t i = 0; i < self->rows.count; i++)
        if (self->rows.list[i].member)
            *hf_array_add (&self->before) = self->rows.list[i];
}

tool_tree_t *
tool_tree_new (void)
{
    tool_tree_t *self = tool_alloc (sizeof *self);
    char link[24] = "";
    if (readlink ("/proc/self", link, sizeof link - 1) > 0)
        self->self = strtol (link, NULL, 10);
    //  A new namespace in which nobody has mounted its /proc: the ids there are not ours.
    if (self->self > 0 && self->self != (long)getpid ())
        s_namespaced (0, 0, &self->level);
    s_note_before (self);
    return self;
}

void
tool_tree_destroy (tool_tree_t **self_p)
{
    assert (self_p);
    if (*self_p) {
        hf_array_free (&(*self_p)->rows);
        hf_array_free (&(*self_p)->before);
    }
    free (*self_p);
    *self_p = NULL;
}

//  ---- signals -------------------------------------------------------------------

void
tool_tree_signal (tool_tree_t *self, pid_t command, int signal)
{
    if (!s_pass (self, signal) && command > 0)
        kill (command, signal);
}

void
tool_tree_kill (tool_tree_t *self, pid_t command)
{
    size_t rounds = 0;
    while (s_pass (self, SIGSTOP) && self->sent > 0 && ++rounds < STOP_ROUNDS)
        ;
    tool_tree_signal (self, command, SIGKILL);
}

bool
tool_tree_hopeless (const tool_tree_t *self)
{
    return self->refused > 0 && self->sent == 0;
}

const char *
tool_tree_refused (tool_tree_t *self)
{
    return self->names;
}

void
tool_tree_tell (tool_tree_t *self)
{
    if (self->refused > 0)
        tool_error (0, "cannot end process %s: another user's; it goes on WITHOUT the lock",
                    self->names);
    else
        tool_error (0, "processes of the command do not end, though they were killed");
}

/*  Whether a child had ended. *CHILDREN: there are some that have not. */
static bool
s_reap (pid_t command, int *status, bool *ended, bool *children)
{
    bool any = false;
    int one;
    pid_t child;
    while ((child = waitpid (-1, &one, WNOHANG)) > 0) {
        any = true;
        if (child == command) {
            *status = one;
            *ended = true;
        }
    }
    *children = child == 0 || errno != ECHILD;
    return any;
}

bool
tool_tree_reap (tool_tree_t *self, pid_t command, int *status, bool *nobody)
{
    bool ended = false, children;
    s_reap (command, status, &ended, &children);
    *nobody = !children;
    if (!children || self->before.count == 0)
        return ended;
    //  Each tree hangs on a child of this process. A child that does not end while /proc is read is
    //  seen there; if one ends, its own children may have been missed: then look again later.
    *nobody =
        s_pass (self, 0) && self->members == 0 && !s_reap (command, status, &ended, &children);
    return ended;
}
