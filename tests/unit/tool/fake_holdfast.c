/*  fake_holdfast.c - the client library as the tool sees it, with no cluster behind it.
 *
 *  The environment says what its calls give: HF_FAKE_OPEN, _ACQUIRE, _RELEASE, _APPEND, _QUERY are
 *  status numbers. HF_FAKE_LOG names a file that gets a line for each call. HF_FAKE_CONTROL names a
 *  FIFO: the session then does what its lines say: "move N", "grant", "status N", "lose", "silence"
 *  (from now on its lease runs out).
 *  HF_FAKE_TAKEN: the text of what is lost.
 *  HF_FAKE_WHY: the text of the answer to an acquire.
 *  HF_FAKE_OLD: nodes up to this id know of no feature level; not set: none does.
 *  HF_FAKE_LEVEL: the feature level; above 0 the members are not those of the list.
 *  HF_FAKE_CHANGE is the status of a change of the members, after HF_CHANGING for HF_FAKE_CHANGING
 *  times; it comes to its end when the members were asked for HF_FAKE_LOOKS times (2).
 *  HF_FAKE_AWAY: the node that is changed does not answer from this look on.
 *  HF_FAKE_EMPTY: nodes from this id on have no log; not set: it is not said.
 *  HF_FAKE_NOT_COUNTED: what nodes say of that.
 *  HF_FAKE_NODES: how many of three nodes answer. HF_FAKE_TROUBLE: what the client says of names.
 */
#include "client/holdfast.h"
#include "client/recipes/hf_barrier.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct hf_client {
    int unused;
};

struct hf_session {
    hf_session_fn *fn;
    void *arg;
    uint32_t ttl_ms;
    hf_done_fn *done;
    void *done_arg;
    atomic_bool lost;
    _Atomic uint64_t deadline_ms; //  0: it is kept alive
    pthread_t thread;
    int control; //  0: no thread
};

static unsigned
s_number (const char *name, unsigned otherwise)
{
    const char *text = getenv (name);
    return text ? (unsigned)strtoul (text, NULL, 10) : otherwise;
}

static hf_status_t
s_status (const char *name)
{
    return (hf_status_t)s_number (name, HF_OK);
}

static hf_status_t s_last; //  of a blocking call

/*  The status of a blocking call, which has a client or session and a limit. */
static hf_status_t
s_blocking (const char *name, const void *asker, uint32_t limit_ms)
{
    assert (asker && limit_ms > 0);
    s_last = s_status (name);
    return s_last;
}

static void __attribute__ ((format (printf, 1, 2))) s_log (const char *format, ...)
{
    const char *path = getenv ("HF_FAKE_LOG");
    FILE *file = path ? fopen (path, "a") : NULL;
    if (!file)
        return;
    va_list args;
    va_start (args, format);
    vfprintf (file, format, args);
    va_end (args);
    fclose (file);
}

//  ---- client and sessions -------------------------------------------------------

hf_client_t *
hf_client_new (const hf_client_options_t *options, char *error)
{
    assert (!options);
    const char *list = getenv ("HOLDFAST_ENDPOINTS");
    if (list && !strchr (list, '@')) {
        snprintf (error, HF_CLIENT_ERROR_SIZE, "not a list: %s", list);
        errno = EINVAL;
        return NULL;
    }
    return calloc (1, sizeof (hf_client_t));
}

void
hf_client_destroy (hf_client_t **self_p)
{
    free (*self_p);
    *self_p = NULL;
}

hf_status_t
hf_session_open (hf_client_t *client, const hf_session_options_t *options, uint32_t limit_ms,
                 hf_session_t **session_p)
{
    hf_session_options_t own = HF_SESSION_OPTIONS_INIT;
    own = options ? *options : own;
    hf_status_t status = s_blocking ("HF_FAKE_OPEN", client, limit_ms);
    s_log ("open %" PRIu32, own.ttl_ms);
    if (own.delay_ms > 0)
        s_log (" delay %" PRIu32, own.delay_ms);
    s_log ("\n");
    assert (own.label && strstr (own.label, " pid ")); //  every session says who it is
    if (getenv ("HF_FAKE_LABEL"))
        s_log ("label %s\n", own.label);
    *session_p = NULL;
    if (status != HF_OK)
        return status;
    hf_session_t *self = calloc (1, sizeof *self);
    self->fn = own.fn;
    self->arg = own.arg;
    self->ttl_ms = own.ttl_ms > 0 ? own.ttl_ms : 10000;
    *session_p = self;
    return HF_OK;
}

static void
s_end (hf_session_t **session_p)
{
    hf_session_t *self = *session_p;
    if (self->control > 0 && write (self->control, "stop\n", 5) == 5)
        pthread_join (self->thread, NULL);
    free (self);
    *session_p = NULL;
}

hf_status_t
hf_session_close (hf_session_t **session_p, uint32_t limit_ms)
{
    s_end (session_p);
    s_log ("close\n");
    return s_blocking ("HF_FAKE_CLOSE", session_p, limit_ms);
}

void
hf_session_leave (hf_session_t **session_p)
{
    s_end (session_p);
    s_log ("leave\n");
}

uint64_t
hf_session_id (const hf_session_t *self)
{
    assert (self);
    return 7;
}

uint32_t
hf_session_ttl_ms (const hf_session_t *self)
{
    return self->ttl_ms;
}

static uint64_t
s_now_ms (void)
{
    struct timespec now;
    clock_gettime (CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint32_t
hf_session_remaining_ms (const hf_session_t *self)
{
    uint64_t now_ms = s_now_ms ();
    uint64_t deadline_ms = self->deadline_ms > 0 ? self->deadline_ms : now_ms + self->ttl_ms;
    return self->lost || deadline_ms <= now_ms ? 0 : (uint32_t)(deadline_ms - now_ms);
}

//  ---- what the session lives through ----------------------------------------------

static void
s_answer (hf_session_t *self, hf_status_t status)
{
    hf_result_t result = {.status = status, .arg = self->done_arg, .token = 42, .index = 9};
    //  It is valid during the call alone.
    const char *why = getenv ("HF_FAKE_WHY");
    char *text = why ? strdup (why) : NULL;
    result.text = text;
    self->done (self->done_arg, &result);
    if (text)
        memset (text, 'x', strlen (text));
    free (text);
}

static void
s_event (hf_session_t *self, hf_session_event_type_t type, uint64_t position)
{
    self->fn (self->arg, &(hf_session_event_t){.type = type,
                                               .session = 7,
                                               .lock = "lock",
                                               .token = 42,
                                               .position = position,
                                               .text = getenv ("HF_FAKE_TAKEN")});
}

static void
s_obey (hf_session_t *self, const char *line)
{
    unsigned number = 0;
    if (sscanf (line, "move %u", &number) == 1)
        s_event (self, HF_SESSION_MOVED, number);
    else if (strncmp (line, "grant", 5) == 0)
        s_answer (self, HF_OK);
    else if (sscanf (line, "status %u", &number) == 1)
        s_answer (self, (hf_status_t)number);
    else if (strncmp (line, "silence", 7) == 0)
        self->deadline_ms = s_now_ms () + self->ttl_ms;
    else if (strncmp (line, "lose", 4) == 0) {
        self->lost = true;
        s_event (self, HF_SESSION_LOST, 0);
        s_event (self, HF_SESSION_ENDED, 0);
    }
}

static void *
s_live (void *arg)
{
    hf_session_t *self = arg;
    FILE *control = fdopen (self->control, "r");
    char line[64];
    while (fgets (line, sizeof line, control) && strcmp (line, "stop\n") != 0)
        s_obey (self, line);
    fclose (control);
    return NULL;
}

hf_status_t
hf_submit_acquire_set (hf_session_t *self, const hf_want_t *wants, size_t count,
                       const hf_acquire_options_t *options, hf_done_fn *fn, void *arg)
{
    s_log ("acquire");
    for (size_t i = 0; i < count; i++)
        s_log (wants[i].mode == HF_MODE_SHARED ? " %s:%" PRIu32 "/%" PRIu32 : " %s", wants[i].lock,
               wants[i].units, wants[i].limit);
    s_log (" %s %" PRIu32, options->wait ? "wait" : "at-once", options->limit_ms);
    if (options->note)
        s_log (" note %s", options->note);
    if (options->acts_for > 0)
        s_log (" for %" PRIu64, options->acts_for);
    s_log ("\n");
    self->done = fn;
    self->done_arg = arg;
    const char *path = getenv ("HF_FAKE_CONTROL");
    if (!path)
        s_answer (self, s_status ("HF_FAKE_ACQUIRE"));
    else {
        //  For writing too: so that it never comes to an end when a writer closes it.
        self->control = open (path, O_RDWR | O_CLOEXEC);
        if (self->control < 0 || pthread_create (&self->thread, NULL, s_live, self) != 0)
            abort ();
    }
    return HF_OK;
}

static hf_status_t
s_end_section (const hf_session_t *self, const char *verb, const char *lock, uint64_t token,
               hf_done_fn *fn, void *arg)
{
    s_log ("%s %s %" PRIu64 "\n", verb, lock, token);
    hf_result_t result = {.status = self->lost ? HF_LOST : s_status ("HF_FAKE_RELEASE")};
    fn (arg, &result);
    return HF_OK;
}

hf_status_t
hf_submit_release (hf_session_t *self, const char *lock, uint64_t token, hf_done_fn *fn, void *arg)
{
    return s_end_section (self, "release", lock, token, fn, arg);
}

hf_status_t
hf_submit_cancel (hf_session_t *self, const char *lock, uint64_t token, hf_done_fn *fn, void *arg)
{
    return s_end_section (self, "cancel", lock, token, fn, arg);
}

//  ---- blocking calls --------------------------------------------------------------

hf_status_t
hf_append_for (hf_session_t *self, uint64_t owner, const char *lock, uint64_t token,
               const char *file, const void *data, size_t size, uint32_t limit_ms)
{
    if (owner > 0)
        s_log ("for %" PRIu64 " ", owner);
    s_log ("append %s %" PRIu64 " %s %zu %.*s\n", lock, token, file, size,
           (int)(size < 20 ? size : 0), (const char *)data);
    return s_blocking ("HF_FAKE_APPEND", self, limit_ms);
}

hf_status_t
hf_release_for (hf_session_t *self, uint64_t owner, const char *lock, uint64_t token,
                uint32_t limit_ms)
{
    s_log ("for %" PRIu64 " release %s %" PRIu64 "\n", owner, lock, token);
    return s_blocking ("HF_FAKE_RELEASE", self, limit_ms);
}

hf_status_t
hf_cancel_for (hf_session_t *self, uint64_t owner, const char *lock, uint64_t token,
               uint32_t limit_ms)
{
    s_log ("for %" PRIu64 " cancel %s %" PRIu64 "\n", owner, lock, token);
    return s_blocking ("HF_FAKE_RELEASE", self, limit_ms);
}

hf_status_t
hf_close_session_id (hf_client_t *client, uint64_t id, uint32_t limit_ms)
{
    s_log ("close-id %" PRIu64 "\n", id);
    return s_blocking ("HF_FAKE_CLOSE", client, limit_ms);
}

hf_status_t
hf_close_session_as (hf_client_t *client, uint64_t id, const char *by, uint32_t limit_ms)
{
    assert (strstr (by, " pid ") && strstr (by, " holdfast close"));
    s_log ("close-as %" PRIu64 "\n", id);
    return s_blocking ("HF_FAKE_CLOSE", client, limit_ms);
}

/*  "text" is 10 letters, "bytes" is no UTF-8, "long" is 2.5 MiB of x; others are not there. */
hf_status_t
hf_read_as (hf_client_t *client, const char *file, const hf_query_options_t *options,
            uint64_t offset, void *buffer, size_t *size, uint64_t *total, uint32_t limit_ms)
{
    s_log (options->stale ? "stale read\n" : "");
    *total = strcmp (file, "text") == 0    ? 10
             : strcmp (file, "bytes") == 0 ? 2
             : strcmp (file, "long") == 0  ? 5 << 19
                                           : 0;
    if (*total == 0)
        return HF_NOT_FOUND;
    size_t room = *size < (1U << 20) ? *size : 1U << 20;
    *size = 0;
    for (; *size < room && offset < *total; (*size)++, offset++)
        ((uint8_t *)buffer)[*size] = *total == 10  ? (uint8_t)("0123456789"[offset])
                                     : *total == 2 ? (uint8_t)(0xfe + offset)
                                                   : 'x';
    return s_blocking ("HF_FAKE_QUERY", client, limit_ms);
}

//  ---- watches ---------------------------------------------------------------------

/*  What happens at once to locks, or to files; then the watch ends. */
static const hf_watch_event_t s_locks_happen[] = {
    {.what = HF_HAPPENED_QUEUED, .number = 4, .index = 9, .name = "one", .session = 13},
    {.what = HF_HAPPENED_RELEASED,
     .number = 5,
     .index = 10,
     .name = "one",
     .session = 7,
     .token = 42},
    {.what = HF_HAPPENED_NOTED,
     .number = 6,
     .index = 11,
     .name = "one",
     .session = 9,
     .token = 43,
     .units = 2,
     .note = "node 2"},
    {.what = HF_HAPPENED_LOST,
     .number = 7,
     .index = 12,
     .name = "one",
     .session = 9,
     .token = 43,
     .units = 2,
     .size = 500,
     .label = "kim",
     .note = "node 2"},
    {.what = HF_HAPPENED_GRANTED,
     .number = 8,
     .index = 12,
     .name = "one",
     .session = 13,
     .token = 44,
     .label = "z\303\266"},
    {.what = HF_HAPPENED_GRANTED,
     .number = 9,
     .index = 13,
     .name = "one too",
     .session = 1,
     .token = 45},
    {.what = HF_WATCH_GAP, .number = 20},
};
static const hf_watch_event_t s_files_happen[] = {
    {.what = HF_HAPPENED_APPENDED,
     .number = UINT64_MAX,
     .index = 9,
     .name = "text",
     .session = 13,
     .size = 10},
};

hf_status_t
hf_watch_open (hf_client_t *client, const hf_watch_options_t *options, uint32_t limit_ms,
               hf_watch_t **watch_p, uint64_t *number)
{
    bool files = options->what == HF_WATCH_FILES;
    const hf_watch_event_t *list = files ? s_files_happen : s_locks_happen;
    size_t count = files ? 1 : sizeof s_locks_happen / sizeof *s_locks_happen;
    hf_status_t status = s_blocking ("HF_FAKE_WATCH", client, limit_ms);
    s_log ("watch %s after %" PRId64 "\n", options->prefix ? options->prefix : "all",
           (int64_t)options->after);
    (void)number;
    *watch_p = NULL;
    for (size_t i = 0; i < count && status == HF_OK; i++) {
        hf_watch_event_t event = list[i];
        event.name = event.name ? event.name : "";
        event.label = event.label ? event.label : "";
        event.note = event.note ? event.note : "";
        options->fn (options->arg, &event);
    }
    if (status == HF_OK)
        options->fn (
            options->arg,
            &(hf_watch_event_t){
                .what = HF_WATCH_ENDED, .name = "", .label = "", .note = "", .status = HF_LIMIT});
    return status;
}

void
hf_watch_close (hf_watch_t **watch_p)
{
    *watch_p = NULL;
}

//  ---- questions -------------------------------------------------------------------

hf_status_t
hf_query_leader (hf_client_t *client, hf_leader_info_t *info, uint32_t limit_ms)
{
    *info = (hf_leader_info_t){.id = 2, .term = 3, .endpoint = "127.0.0.1:8082", .index = 4};
    return s_blocking ("HF_FAKE_QUERY", client, limit_ms);
}

static const hf_lock_info_t s_one = {"one", 2, 2, 5};
static const hf_place_info_t s_one_7 = {7,   1,   42, 0, 100, 2, "kim@alpha pid 4711 ./backup.sh",
                                        "n", 7999};
static const hf_place_info_t s_one_9 = {9, 1, 43, 0, 0, 3, "", "", 125000};

hf_status_t
hf_query_locks_as (hf_client_t *client, const hf_query_options_t *options, hf_lock_info_fn *fn,
                   void *arg, uint32_t limit_ms)
{
    s_log (options->stale ? "stale locks\n" : "");
    fn (arg, &s_one, &s_one_7);
    fn (arg, &s_one, &s_one_9);
    fn (arg, &(hf_lock_info_t){"zw\303\266lf", 1, 0, 0},
        &(hf_place_info_t){8, 0, UINT64_MAX, 0, 0, 0, "", "", 187200000});
    return s_blocking ("HF_FAKE_QUERY", client, limit_ms);
}

hf_status_t
hf_query_lock_as (hf_client_t *client, const char *lock, const hf_query_options_t *options,
                  hf_lock_info_fn *fn, void *arg, uint32_t limit_ms)
{
    s_log (options && options->stale ? "stale lock\n" : "");
    if (strcmp (lock, "one") != 0)
        return HF_NOT_FOUND;
    fn (arg, &s_one, &s_one_7);
    fn (arg, &s_one, &s_one_9);
    fn (arg, &s_one, &(hf_place_info_t){11, 0, 0, 1, 0, 0, "ann", "when idle", 10920000});
    fn (arg, &s_one, &(hf_place_info_t){12, 1, 0, 2, 0, 1, "", "", 0});
    return s_blocking ("HF_FAKE_QUERY", client, limit_ms);
}

hf_status_t
hf_query_sessions (hf_client_t *client, const hf_query_options_t *options, hf_session_info_fn *fn,
                   void *arg, uint32_t limit_ms)
{
    s_log (options->stale ? "stale sessions\n" : "");
    fn (arg, &(hf_session_info_t){7, "kim", 10000, 0, true, false, 2, 1, "kim"});
    fn (arg, &(hf_session_info_t){UINT64_MAX, "", 1000, 500, false, true, 1, 0, ""});
    return s_blocking ("HF_FAKE_QUERY", client, limit_ms);
}

hf_status_t
hf_query_files_as (hf_client_t *client, const hf_query_options_t *options, hf_file_info_fn *fn,
                   void *arg, uint32_t limit_ms)
{
    s_log (options->stale ? "stale files\n" : "");
    fn (arg, &(hf_file_info_t){"ledger", 1234, 0xfeed, 0xbead});
    return s_blocking ("HF_FAKE_QUERY", client, limit_ms);
}

//  ---- members ---------------------------------------------------------------------

static hf_member_change_t s_change;
static unsigned s_looks; //  since then

static void
s_member (hf_member_info_fn *fn, void *arg, const hf_member_info_t *info)
{
    const hf_member_change_t *change = &s_change;
    hf_member_info_t now = *info;
    bool over = s_looks > s_number ("HF_FAKE_LOOKS", 2);
    if (change->op == 0 || change->node != info->id) {
        fn (arg, &now);
        return;
    }
    if (change->op == HF_MEMBER_REMOVE && over)
        return;
    if (change->op == HF_MEMBER_REMOVE) {
        now.votes = false;
        now.leaves = true;
    } else if (change->op == HF_MEMBER_MOVE) {
        now.host = change->host;
        now.client_port = change->client_port;
        now.node_port = change->node_port;
        now.incarnation += over;
    } else if (change->op == HF_MEMBER_PROMOTE || info->joins) {
        now.votes = over && !change->learns;
        now.joins = !over && !change->learns;
    }
    fn (arg, &now);
}

static uint64_t s_roster = 40; //  index of the roster in force

hf_status_t
hf_query_members (hf_client_t *client, const hf_query_options_t *options, hf_roster_info_t *info,
                  hf_member_info_fn *fn, void *arg, uint32_t limit_ms)
{
    if (fn && options && options->stale)
        s_log ("stale members\n");
    s_looks += s_change.op != 0;
    if (!fn)
        return s_blocking ("HF_FAKE_QUERY", client, limit_ms);
    s_member (fn, arg,
              &(hf_member_info_t){1, "alpha", 8080, 8081, true, false, false, 0xabc, false});
    s_member (fn, arg, &(hf_member_info_t){2, "beta", 80, 81, true, false, false, 5, true});
    s_member (fn, arg, &(hf_member_info_t){3, "", 0, 0, false, false, false, 0, false});
    if (s_change.op == HF_MEMBER_ADD && s_change.node > 3)
        s_member (
            fn, arg,
            &(hf_member_info_t){s_change.node, s_change.host, 1, 2, false, true, false, 0, false});
    if (info)
        *info = (hf_roster_info_t){
            .index = s_roster, .level = s_number ("HF_FAKE_LEVEL", 0), .count = 3};
    return s_blocking ("HF_FAKE_QUERY", client, limit_ms);
}

hf_status_t
hf_change_members (hf_client_t *client, hf_member_change_t *change, uint64_t *index,
                   uint32_t limit_ms)
{
    static unsigned changing;
    static uint64_t id;
    assert (change->by && strstr (change->by, " pid ")); //  for the nodes' logs
    assert (index && (changing == 0 || change->id == id));
    change->id = id = 77;
    s_log ("change %u node %u %s:%u:%u%s%s level %u\n", change->op, change->node,
           change->host ? change->host : "", change->client_port, change->node_port,
           change->learns ? " learns" : "", change->force ? " force" : "", change->level);
    if (changing++ < s_number ("HF_FAKE_CHANGING", 0))
        return HF_CHANGING;
    *index = s_roster = 60;
    s_change = *change;
    return s_blocking ("HF_FAKE_CHANGE", client, limit_ms);
}

hf_status_t
hf_query_status (hf_client_t *client, uint32_t id, hf_fact_fn *fn, void *arg, uint32_t limit_ms)
{
    if (id > s_number ("HF_FAKE_NODES", 3))
        return HF_UNREACHABLE;
    if (id == s_change.node && s_looks >= s_number ("HF_FAKE_AWAY", 99))
        return HF_UNREACHABLE;
    fn (arg, "role", id == 1 ? "leader" : "follower", 0);
    fn (arg, "leader", NULL, s_number ("HF_FAKE_LEADER", 1));
    fn (arg, "term", NULL, 5);
    fn (arg, "state_hash", NULL, 0xabc);
    if (getenv ("HF_FAKE_EMPTY"))
        fn (arg, "last_index", NULL, id >= s_number ("HF_FAKE_EMPTY", 0) ? 0 : 9);
    if (getenv ("HF_FAKE_NOT_COUNTED"))
        fn (arg, "not_counted", getenv ("HF_FAKE_NOT_COUNTED"), 0);
    char place[300];
    if (getenv ("HF_FAKE_OLD") && id > s_number ("HF_FAKE_OLD", 0))
        fn (arg, "speaks", NULL, 1);
    if (s_change.op != 0) {
        fn (arg, "applied_index", NULL, id != s_change.node ? 90 : 30 + 20 * (uint64_t)s_looks);
        snprintf (place, sizeof place, "%s:%u", s_change.host ? s_change.host : "",
                  s_change.client_port);
        fn (arg, "endpoint", place, 0);
        fn (arg, "incarnation", NULL, id == 1 ? 0xabd : 6);
        fn (arg, "not_counted", s_looks < 4 ? "7,2" : NULL, 0);
    }
    return s_blocking ("HF_FAKE_STATUS", client, limit_ms);
}

bool
hf_client_trouble (hf_client_t *self, char text[HF_CLIENT_ERROR_SIZE])
{
    (void)self;
    const char *trouble = getenv ("HF_FAKE_TROUBLE");
    snprintf (text, HF_CLIENT_ERROR_SIZE, "%s", trouble ? trouble : "");
    return text[0] != 0;
}

bool
hf_client_denied (hf_client_t *self, char text[HF_CLIENT_ERROR_SIZE])
{
    (void)self;
    snprintf (text, HF_CLIENT_ERROR_SIZE, "%s", "kim may not do it: the right \"x\" is missing");
    return s_last == HF_DENIED;
}

size_t
hf_client_nodes (const hf_client_t *client, uint32_t ids[7])
{
    assert (client);
    for (uint32_t i = 0; i < 3; i++)
        ids[i] = i + 1;
    return 3;
}

//  ---- a barrier -------------------------------------------------------------------

hf_barrier_t *
hf_barrier_new (hf_client_t *client, hf_session_t *session, const char *name, uint32_t parties)
{
    assert (client && session);
    s_log ("barrier %s %" PRIu32 "\n", name, parties);
    return calloc (1, 1);
}

void
hf_barrier_destroy (hf_barrier_t **self_p)
{
    free (*self_p);
    *self_p = NULL;
}

hf_status_t
hf_barrier_wait (hf_barrier_t *self, uint32_t limit_ms)
{
    return s_blocking ("HF_FAKE_BARRIER", self, limit_ms);
}

//  ---- a backup --------------------------------------------------------------------

/*  Of 20 bytes, ten at a time, which are no snapshot. HF_FAKE_BEGIN, of the node HF_FAKE_DOWN if it
 *  is given, and HF_FAKE_REST are the statuses; HF_FAKE_HANG: the rest never comes. */
hf_status_t
hf_backup_read (hf_client_t *client, uint32_t node, hf_backup_info_t *info, uint64_t offset,
                void *buffer, size_t *size, uint32_t limit_ms)
{
    bool begins = info->number == 0;
    assert (client && *size >= 10);
    s_log ("backup of node %" PRIu32 " from %" PRIu64 "\n", node, offset);
    if (!begins && getenv ("HF_FAKE_HANG"))
        pause ();
    *info = (hf_backup_info_t){.number = 1, .index = 5, .total = 20};
    *size = 10;
    memset (buffer, 'x', 10);
    if (!begins)
        return s_blocking ("HF_FAKE_REST", client, limit_ms);
    bool down = node == s_number ("HF_FAKE_DOWN", node);
    return down ? s_blocking ("HF_FAKE_BEGIN", client, limit_ms) : HF_OK;
}
