//  One session that acquires one lock and watches it together with signals.

#include "client/tool/tool_hold.h"
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define CLOSE_LIMIT_MS 2000
#define LAST_WORDS_MS  1000
#define HURRY_MS       3000 //  with -n or a short -w
#define PATIENCE_MS    1000 //  for a release, before it is said what is waited for

/*  What the client's thread reports; the mutex guards it. */
typedef struct news {
    bool answered, moved, lost;
    hf_result_t result; //  its pointers are void
    uint64_t position;
} news_t;

struct tool_hold {
    hf_client_t *client;
    tool_signals_t *signals;
    const tool_options_t *options;
    tool_wants_t wants;
    bool show;
    hf_session_t *session;
    hf_grant_t grant;
    int wake_fd;
    pthread_mutex_t mutex;
    news_t news;
    uint64_t began_ms; //  when the lock was asked for first
    bool releasing;    //  it is not said yet that the release is waited for
    char *taken;       //  who ended the hold, when another session did; NULL
    bool said;         //  and that was said
    char *why;         //  the text of the last answer, or NULL; written before it is answered
};

//  ---- on the client's thread ----------------------------------------------------

static void
s_wake (tool_hold_t *self)
{
    uint64_t one = 1;
    ssize_t size = write (self->wake_fd, &one, sizeof one);
    assert (size == (ssize_t)sizeof one || errno == EAGAIN);
    (void)size;
}

static void
s_on_done (void *arg, const hf_result_t *result)
{
    tool_hold_t *self = arg;
    pthread_mutex_lock (&self->mutex);
    self->news.answered = true;
    self->news.result = *result;
    free (self->why);
    self->why = result->text ? tool_copy (result->text) : NULL;
    pthread_mutex_unlock (&self->mutex);
    s_wake (self);
}

static void
s_on_event (void *arg, const hf_session_event_t *event)
{
    tool_hold_t *self = arg;
    pthread_mutex_lock (&self->mutex);
    if (event->type == HF_SESSION_MOVED) {
        self->news.moved = true;
        self->news.position = event->position;
    } else if (event->type == HF_SESSION_LOST || event->type == HF_SESSION_ENDED)
        self->news.lost = true;
    if (event->text && !self->taken)
        self->taken = tool_copy (event->text);
    pthread_mutex_unlock (&self->mutex);
    s_wake (self);
}

//  ---- on the main thread --------------------------------------------------------

/*  Fetch the news; each piece is reported once. */
static news_t
s_news (tool_hold_t *self)
{
    uint64_t count;
    ssize_t size = read (self->wake_fd, &count, sizeof count);
    assert (size == (ssize_t)sizeof count || errno == EAGAIN);
    (void)size;
    pthread_mutex_lock (&self->mutex);
    news_t news = self->news;
    self->news.moved = false;
    self->news.answered = false;
    const char *taken = self->said ? NULL : self->taken;
    pthread_mutex_unlock (&self->mutex);
    if (taken) {
        self->said = true;
        tool_error (0, "lock %s was taken away: %s", self->wants.title, taken);
    }
    return news;
}

static void
s_show_place (const tool_hold_t *self, uint64_t position)
{
    if (self->show && position > 0)
        tool_error (0, "waiting for lock %s: place %" PRIu64 " in the queue", self->wants.title,
                    position);
}

/*  The release was not acknowledged at once: say for how long it is waited for. */
static void
s_say_waits (tool_hold_t *self)
{
    uint32_t left_ms = hf_session_remaining_ms (self->session);
    self->releasing = false;
    tool_error (0,
                "waiting for the cluster to acknowledge the release of lock %s, for at most "
                "%" PRIu32 ".%" PRIu32 " s",
                self->wants.title, left_ms / 1000, left_ms % 1000 / 100);
}

/*  Wait for the answer to what was submitted: TOOL_OK with NEWS, or 128+signal. */
static int
s_await (tool_hold_t *self, news_t *news)
{
    struct pollfd fds[] = {{.fd = tool_signals_fd (self->signals), .events = POLLIN},
                           {.fd = self->wake_fd, .events = POLLIN}};
    for (;;) {
        *news = s_news (self);
        if (news->moved)
            s_show_place (self, news->position);
        if (news->answered)
            return TOOL_OK;
        pid_t from;
        int signal = tool_signals_next (self->signals, &from);
        if (tool_signals_stops (signal))
            tool_signals_suffer (signal);
        else if (signal > 0 && signal != SIGCHLD && signal != SIGCONT)
            return TOOL_SIGNALLED + signal;
        else if (signal == 0 && poll (fds, 2, self->releasing ? PATIENCE_MS : -1) == 0)
            s_say_waits (self);
    }
}

/*  For how long the cluster is looked for, or asked: who does not want to wait long for the lock
 *  does not want to wait long for this. */
static uint32_t
s_patience_ms (const tool_options_t *options)
{
    if (options->timeout_given || options->wait_ms >= options->timeout_ms)
        return options->timeout_ms;
    return options->wait_ms > HURRY_MS ? options->wait_ms : HURRY_MS;
}

static int
s_open (tool_hold_t *self)
{
    memset (&self->news, 0, sizeof self->news);
    //  Nothing is held or waited for yet: until then a signal may end this process as usual.
    tool_signals_restore (self->signals);
    hf_session_options_t options = HF_SESSION_OPTIONS_INIT;
    options.ttl_ms = self->options->ttl_ms;
    options.delay_ms = self->options->delay_ms;
    options.fn = s_on_event;
    options.arg = self;
    tool_options_t asked = *self->options;
    asked.timeout_ms = s_patience_ms (self->options);
    hf_status_t status = tool_session_open (&asked, self->client, &options, &self->session);
    tool_signals_block (self->signals);
    if (status != HF_OK)
        return tool_fail (status, NULL, "cannot open a session for lock %s", self->wants.title);
    return TOOL_OK;
}

static bool
s_session_ended (hf_status_t status)
{
    return status == HF_LOST || status == HF_UNDECIDED || status == HF_SESSION_EXPIRED;
}

static int
s_not_granted (const tool_hold_t *self, hf_status_t status)
{
    const tool_options_t *options = self->options;
    if (options->wait_ms > 0 && status == HF_TIMEOUT)
        status = HF_NOT_GRANTED;
    if (self->why && status == HF_DENIED)
        return tool_error (TOOL_DENIED, "cannot acquire lock %s: %s", self->wants.title, self->why);
    if (self->why)
        return tool_error (TOOL_REFUSED, "cannot acquire lock %s: %s: %s", self->wants.title,
                           hf_status_text (status), self->why);
    if (status != HF_NOT_GRANTED)
        return tool_fail (status, self->wants.list[0].lock, "cannot acquire lock %s",
                          self->wants.title);
    if (options->verbose)
        tool_error (0,
                    options->wait_ms > 0 ? "lock %s was not granted in time"
                                         : "lock %s is held by another session",
                    self->wants.title);
    return options->conflict_code;
}

/*  Ask once, in a session of its own: TOOL_HELD, or the exit code; or *ended, when the session
 * ended before the answer. */
static int
s_ask (tool_hold_t *self, bool *ended)
{
    *ended = false;
    int code = s_open (self);
    if (code != TOOL_OK)
        return code;
    uint64_t spent_ms = tool_now_ms () - self->began_ms;
    uint32_t limit_ms = self->options->wait_ms;
    if (limit_ms != HF_FOREVER) //  that it took so long to reach the cluster counts
        limit_ms = spent_ms < limit_ms ? limit_ms - (uint32_t)spent_ms : 1;
    hf_acquire_options_t options = HF_ACQUIRE_OPTIONS_INIT;
    options.wait = self->options->wait_ms > 0;
    options.limit_ms = options.wait ? limit_ms : s_patience_ms (self->options);
    options.note = self->options->note;
    options.acts_for = tool_wants_outer (self->options);
    hf_status_t status = hf_submit_acquire_set (self->session, self->wants.list, self->wants.count,
                                                &options, s_on_done, self);
    news_t news = {.result.status = status};
    if (status == HF_OK)
        code = s_await (self, &news);
    if (code != TOOL_OK)
        return code;
    if (news.result.status == HF_OK) {
        self->grant = (hf_grant_t){news.result.token, news.result.index};
        return TOOL_HELD;
    }
    *ended = options.wait && s_session_ended (news.result.status);
    return *ended ? TOOL_OK : s_not_granted (self, news.result.status);
}

static int
s_take (tool_hold_t *self)
{
    self->began_ms = tool_now_ms ();
    for (;;) {
        bool ended;
        int code = s_ask (self, &ended);
        if (!ended)
            return code;
        tool_error (0, "lost the place in the queue for lock %s with its session; asking again",
                    self->wants.title);
        hf_session_close (&self->session, CLOSE_LIMIT_MS);
        uint64_t spent_ms = tool_now_ms () - self->began_ms;
        if (self->options->wait_ms != HF_FOREVER && spent_ms >= self->options->wait_ms)
            return s_not_granted (self, HF_TIMEOUT);
    }
}

static void
s_free (tool_hold_t **self_p)
{
    tool_hold_t *self = *self_p;
    assert (!self->session);
    hf_client_destroy (&self->client);
    tool_error_wait (LAST_WORDS_MS);
    close (self->wake_fd);
    pthread_mutex_destroy (&self->mutex);
    free (self->why);
    free (self->taken);
    free (self);
    *self_p = NULL;
}

int
tool_hold_take (tool_hold_t **self_p, const tool_options_t *options, const tool_wants_t *wants,
                tool_signals_t *signals, bool show)
{
    assert (self_p && options && wants->count > 0 && signals);
    tool_hold_t *self = tool_alloc (sizeof *self);
    self->signals = signals;
    tool_error_wait (0);
    self->options = options;
    self->wants = *wants;
    self->show = show;
    self->wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init (&self->mutex, NULL);
    if (self->wake_fd < 0) {
        perror ("holdfast: eventfd");
        exit (TOOL_INTERNAL);
    }
    int code = tool_client_new (&self->client);
    uint64_t began_ms = tool_now_ms ();
    if (self->client)
        code = s_take (self);
    assert (code != TOOL_HELD || self->grant.token > 0);
    if (code != TOOL_HELD)
        tool_hold_destroy (&self);
    else if (options->verbose) {
        uint64_t spent_ms = tool_now_ms () - began_ms;
        tool_error (0, "getting lock %s took %" PRIu64 ".%03u seconds, token %" PRIu64,
                    wants->title, spent_ms / 1000, (unsigned)(spent_ms % 1000), self->grant.token);
    }
    *self_p = self;
    return code;
}

void
tool_hold_destroy (tool_hold_t **self_p)
{
    assert (self_p);
    if (!*self_p)
        return;
    //  Best effort: a session that cannot be closed now ends with its TTL.
    if ((*self_p)->session)
        hf_session_close (&(*self_p)->session, CLOSE_LIMIT_MS);
    s_free (self_p);
}

void
tool_hold_leave (tool_hold_t **self_p)
{
    assert (self_p && *self_p);
    if ((*self_p)->session)
        hf_session_leave (&(*self_p)->session);
    s_free (self_p);
}

hf_session_t *
tool_hold_session (const tool_hold_t *self)
{
    return self->session;
}

hf_grant_t
tool_hold_grant (const tool_hold_t *self)
{
    return self->grant;
}

int
tool_hold_fd (const tool_hold_t *self)
{
    return self->wake_fd;
}

bool
tool_hold_lost (tool_hold_t *self)
{
    //  The clock too, not the event alone: after a stop the client's thread may be behind.
    return s_news (self).lost || hf_session_remaining_ms (self->session) == 0;
}

int
tool_hold_release (tool_hold_t *self, bool cancel)
{
    hf_status_t status = cancel ? hf_submit_cancel (self->session, self->wants.list[0].lock,
                                                    self->grant.token, s_on_done, self)
                                : hf_submit_release (self->session, self->wants.list[0].lock,
                                                     self->grant.token, s_on_done, self);
    news_t news = {.result.status = status};
    self->releasing = true;
    if (status == HF_OK && s_await (self, &news) != TOOL_OK)
        news.result.status = HF_UNDECIDED;
    if (news.result.status == HF_OK)
        return TOOL_OK;
    if (news.result.status == HF_UNDECIDED || news.result.status == HF_TIMEOUT ||
        news.result.status == HF_CLOSED)
        return tool_error (TOOL_LOST,
                           "the release of lock %s was not acknowledged: whether its appends "
                           "took effect is not known; see: holdfast ls, holdfast cat",
                           self->wants.title);
    return tool_error (TOOL_LOST, "lock %s was lost before its release: its appends are dropped",
                       self->wants.title);
}
