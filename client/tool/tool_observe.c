//  holdfast watch, wait and observe: what happens, as it happens.

#include "client/tool/tool_events.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char s_help_watch[] =
    "usage: holdfast watch [OPTION...] [PREFIX]\n"
    "\n"
    "Print what happens to locks whose names begin with PREFIX (default: all), a line each:\n"
    "when, its number, what (queued, granted, released, lost, reopened, left, noted), the\n"
    "lock, session, token, and who it is. Nothing is left out and nothing comes twice, also\n"
    "when nodes die. A line `gap` says that what happened before its number is not kept any\n"
    "more. Until interrupted.\n"
    "\n"
    "options:\n"
    "      --files           what is appended to files, by released sections\n"
    "      --after NUMBER    begin behind this number, 0 is the first (default: now)\n"
    "      --json            print a JSON object a line: time, number, index, what, name,\n"
    "                        session, token, units, label, note, and size (of appended) or\n"
    "                        closed_ms (of lost)\n" TOOL_HELP_QUERY "  holdfast watch\n"
    "  holdfast watch --json deploy/ | jq -r 'select(.what == \"lost\").name'\n"
    "  holdfast watch --files journal\n";

static const char s_help_wait[] =
    "usage: holdfast wait [OPTION...] NAME\n"
    "\n"
    "Wait until nobody holds lock NAME. Exit code 0 then, also when nobody holds it now.\n"
    "\n"
    "options:\n"
    "  -n, --nonblock        do not wait: exit code 1 when somebody holds it\n"
    "  -w, --wait TIME       at most so long, then exit code 1\n"
    "  -E, --conflict-exit-code CODE\n"
    "                        for these two (default 1)\n"
    "      --connect-timeout TIME\n"
    "                        how long to wait for an answer (default 10s)\n"
    "      --endpoints LIST  the nodes (default: HOLDFAST_ENDPOINTS)\n"
    "\n"
    "examples:\n"
    "  holdfast wait backup && poweroff\n"
    "  holdfast wait -w 5m migration\n";

static const char s_help_observe[] =
    "usage: holdfast observe [OPTION...] NAME\n"
    "\n"
    "Print who holds lock NAME, and again at each change: session, token, who it is and its\n"
    "note, a line for each holder; or `nobody`. For elections: the holder is the leader.\n"
    "Until interrupted.\n"
    "\n"
    "options:\n"
    "      --json            print a JSON object a line: time, lock, and holders: session,\n"
    "                        token, units, label, note\n" TOOL_HELP_QUERY
    "  holdfast observe service\n"
    "  holdfast observe --json service | jq -r '.holders[0].note'\n";

//  ---- watch -----------------------------------------------------------------------------

static const char *
s_what (const hf_watch_event_t *event)
{
    return event->what == HF_WATCH_GAP ? "gap" : hf_happened_name (event->what);
}

static int
s_print_json (const tool_event_t *told)
{
    const hf_watch_event_t *it = &told->event;
    char time[TOOL_TIME_SIZE];
    tool_time_text (told->time_ms, true, time);
    json_t *json = json_pack ("{s:s, s:o, s:s}", "time", time, "number",
                              tool_json_number (it->number), "what", s_what (it));
    if (!json || it->what == HF_WATCH_GAP)
        return tool_print_line (json);
    json_object_set_new (json, "index", tool_json_number (it->index));
    json_object_set_new (json, "name", json_string (it->name));
    json_object_set_new (json, "session", tool_json_number (it->session));
    if (it->what == HF_HAPPENED_APPENDED) {
        json_object_set_new (json, "size", tool_json_number (it->size));
        return tool_print_line (json);
    }
    json_object_set_new (json, "token", tool_json_number (it->token));
    json_object_set_new (json, "units", tool_json_number (it->units));
    json_object_set_new (json, "label", json_string (it->label));
    json_object_set_new (json, "note", json_string (it->note));
    if (it->what == HF_HAPPENED_LOST)
        json_object_set_new (json, "closed_ms", tool_json_number (it->size));
    return tool_print_line (json);
}

static int
s_print_text (const tool_event_t *told)
{
    const hf_watch_event_t *it = &told->event;
    char time[TOOL_TIME_SIZE];
    tool_time_text (told->time_ms, false, time);
    printf ("%s  %" PRIu64 "  %s", time, it->number, s_what (it));
    if (it->what == HF_WATCH_GAP) {
        puts ("  what happened before is not kept any more");
        return tool_flush (TOOL_OK);
    }
    printf ("  %s  session %" PRIu64, it->name, it->session);
    if (it->token > 0)
        printf ("  token %" PRIu64, it->token);
    if (it->what == HF_HAPPENED_APPENDED)
        printf ("  %" PRIu64 " bytes", it->size);
    if (it->what == HF_HAPPENED_LOST && it->size > 0)
        printf ("  closed for %" PRIu64 " ms", it->size);
    if (*it->label)
        printf ("  %s", it->label);
    if (*it->note)
        printf ("  (%s)", it->note);
    putchar ('\n');
    return tool_flush (TOOL_OK);
}

static int
s_watch (tool_options_t *options, hf_client_t *client)
{
    hf_watch_options_t watch = HF_WATCH_OPTIONS_INIT;
    if (options->after && !tool_parse_number (options->after, &watch.after))
        return tool_misuse (options, "--after: '%s' is not a number", options->after);
    watch.what = options->files ? HF_WATCH_FILES : HF_WATCH_LOCKS;
    watch.prefix = options->count > 0 ? options->args[0] : NULL;
    int code = TOOL_OK;
    tool_events_t *events = tool_events_open (client, options, &watch, false, true, &code);
    while (events && code == TOOL_OK) {
        tool_event_t *told = tool_events_next (events, HF_FOREVER);
        if (told->event.what == HF_WATCH_ENDED)
            code = tool_fail (told->event.status, NULL, "the watch has ended");
        else
            code = options->json ? s_print_json (told) : s_print_text (told);
        free (told);
    }
    tool_events_close (&events);
    return code;
}

const tool_command_t tool_follow = {.name = "watch",
                                    .help = s_help_watch,
                                    .options = TOOL_TIMEOUT | TOOL_JSON | TOOL_WATCH,
                                    .most = 1,
                                    .many = "one prefix at a time",
                                    .ask = s_watch};

//  ---- wait ------------------------------------------------------------------------------

static void
s_count (void *arg, const hf_lock_info_t *lock, const hf_place_info_t *place)
{
    uint64_t *holders = arg;
    (void)place;
    *holders = lock->holders;
}

/*  Until what may end a hold is told. False: END_MS has passed. */
static bool
s_wait_change (tool_events_t *events, uint64_t end_ms, hf_status_t *ended)
{
    for (;;) {
        uint64_t now_ms = tool_now_ms ();
        uint32_t left_ms = end_ms == UINT64_MAX ? HF_FOREVER
                           : end_ms > now_ms    ? (uint32_t)(end_ms - now_ms)
                                                : 0;
        tool_event_t *told = tool_events_next (events, left_ms);
        if (!told)
            return false;
        uint32_t what = told->event.what;
        *ended = what == HF_WATCH_ENDED ? told->event.status : HF_OK;
        free (told);
        if (what != HF_HAPPENED_QUEUED && what != HF_HAPPENED_LEFT && what != HF_HAPPENED_NOTED)
            return true;
    }
}

static int
s_wait (tool_options_t *options, hf_client_t *client)
{
    const char *lock = options->args[0];
    uint64_t end_ms =
        options->wait_ms == HF_FOREVER ? UINT64_MAX : tool_now_ms () + options->wait_ms;
    int code = TOOL_OK;
    hf_watch_options_t watch = HF_WATCH_OPTIONS_INIT;
    watch.prefix = lock;
    tool_events_t *events = NULL;
    if (options->wait_ms > 0 &&
        !(events = tool_events_open (client, options, &watch, true, false, &code)))
        return code;
    for (;;) {
        uint64_t holders = 0;
        hf_status_t status =
            hf_query_lock_as (client, lock, NULL, s_count, &holders, options->timeout_ms);
        if (status == HF_NOT_FOUND || (status == HF_OK && holders == 0))
            break;
        if (status == HF_OK && (!events || !s_wait_change (events, end_ms, &status))) {
            code = tool_error (options->conflict_code, "lock %s is held", lock);
            break;
        }
        if (status != HF_OK) {
            code = tool_fail (status, lock, "cannot wait for lock %s", lock);
            break;
        }
    }
    tool_events_close (&events);
    return code;
}

const tool_command_t tool_wait = {.name = "wait",
                                  .help = s_help_wait,
                                  .options = TOOL_WAIT,
                                  .least = 1,
                                  .most = 1,
                                  .missing = "wait for which lock?",
                                  .many = "one lock at a time",
                                  .ask = s_wait};

//  ---- observe -----------------------------------------------------------------------------

#define SOON_MS 100 //  what comes of one request is told together

typedef struct holder {
    uint64_t session, token;
    uint32_t units;
    char *label, *note;
} holder_t;

typedef struct observed {
    const tool_options_t *options;
    const char *lock;
    holder_t *list;
    size_t count;
    uint64_t token; //  the highest so far
} observed_t;

static holder_t *
s_find (observed_t *self, uint64_t token)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->list[i].token == token)
            return &self->list[i];
    return NULL;
}

static void
s_add (observed_t *self, holder_t holder)
{
    self->list = tool_alloc_again (self->list, (self->count + 1) * sizeof *self->list);
    self->list[self->count++] = holder;
    if (holder.token > self->token)
        self->token = holder.token;
}

static void
s_remove (observed_t *self, holder_t *holder)
{
    free (holder->label);
    free (holder->note);
    *holder = self->list[--self->count];
}

static void
s_on_holder (void *arg, const hf_lock_info_t *lock, const hf_place_info_t *place)
{
    (void)lock;
    if (place->token > 0)
        s_add (arg, (holder_t){place->session, place->token, place->units, tool_copy (place->label),
                               tool_copy (place->note)});
}

/*  As the leader says. Events of before may still come: grants with a lower token. */
static hf_status_t
s_ask (observed_t *self, hf_client_t *client)
{
    while (self->count > 0)
        s_remove (self, self->list);
    hf_status_t status =
        hf_query_lock_as (client, self->lock, NULL, s_on_holder, self, self->options->timeout_ms);
    return status == HF_NOT_FOUND ? HF_OK : status;
}

/*  Whether EVENT changes what is printed. */
static bool
s_change (observed_t *self, const hf_watch_event_t *it)
{
    holder_t *holder = it->token > 0 ? s_find (self, it->token) : NULL;
    switch (it->what) {
    case HF_HAPPENED_GRANTED:
        if (!holder && it->token <= self->token)
            return false;
        if (holder)
            s_remove (self, holder);
        s_add (self, (holder_t){it->session, it->token, it->units, tool_copy (it->label),
                                tool_copy (it->note)});
        return true;
    case HF_HAPPENED_RELEASED:
    case HF_HAPPENED_LOST:
    case HF_HAPPENED_REOPENED:
        if (holder)
            s_remove (self, holder);
        return holder != NULL;
    case HF_HAPPENED_NOTED:
        if (!holder || strcmp (holder->note, it->note) == 0)
            return false;
        free (holder->note);
        holder->note = tool_copy (it->note);
        return true;
    default:
        return false;
    }
}

static int
s_show (const observed_t *self, uint64_t time_ms)
{
    char time[TOOL_TIME_SIZE];
    tool_time_text (time_ms, self->options->json, time);
    json_t *list = json_array ();
    for (size_t i = 0; i < self->count; i++) {
        const holder_t *it = &self->list[i];
        json_array_append_new (
            list, json_pack ("{s:o, s:o, s:o, s:s, s:s}", "session", tool_json_number (it->session),
                             "token", tool_json_number (it->token), "units",
                             tool_json_number (it->units), "label", it->label, "note", it->note));
        if (!self->options->json)
            printf ("%s  session %" PRIu64 "  token %" PRIu64 "%s%s%s%s%s\n", time, it->session,
                    it->token, *it->label ? "  " : "", it->label, *it->note ? "  (" : "", it->note,
                    *it->note ? ")" : "");
    }
    if (self->options->json)
        return tool_print_line (
            json_pack ("{s:s, s:s, s:o}", "time", time, "lock", self->lock, "holders", list));
    json_decref (list);
    if (self->count == 0)
        printf ("%s  nobody\n", time);
    return tool_flush (TOOL_OK);
}

/*  Print, and again what changes, until an error's code. */
static int
s_observe_all (observed_t *self, hf_client_t *client, tool_events_t *events)
{
    struct timespec now;
    clock_gettime (CLOCK_REALTIME, &now);
    uint64_t time_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    bool changed = true, ask = true;
    for (;;) {
        if (ask) {
            hf_status_t status = s_ask (self, client);
            if (status != HF_OK)
                return tool_fail (status, self->lock, "cannot observe lock %s", self->lock);
        }
        //  Between a release and the next grant nobody holds it, for no time at all.
        tool_event_t *told = changed && (ask || self->count > 0)
                                 ? NULL
                                 : tool_events_next (events, changed ? SOON_MS : HF_FOREVER);
        ask = false;
        if (!told) {
            int code = s_show (self, time_ms);
            if (code != TOOL_OK)
                return code;
            changed = false;
            continue;
        }
        time_ms = told->time_ms;
        ask = told->event.what == HF_WATCH_GAP;
        hf_status_t ended = told->event.what == HF_WATCH_ENDED ? told->event.status : HF_OK;
        changed = s_change (self, &told->event) || changed || ask;
        free (told);
        if (ended != HF_OK)
            return tool_fail (ended, NULL, "the watch has ended");
    }
}

static int
s_observe (tool_options_t *options, hf_client_t *client)
{
    observed_t self = {.options = options, .lock = options->args[0]};
    int code = TOOL_OK;
    hf_watch_options_t watch = HF_WATCH_OPTIONS_INIT;
    watch.prefix = self.lock;
    tool_events_t *events = tool_events_open (client, options, &watch, true, false, &code);
    if (events)
        code = s_observe_all (&self, client, events);
    tool_events_close (&events);
    while (self.count > 0)
        s_remove (&self, self.list);
    free (self.list);
    return code;
}

const tool_command_t tool_observe = {.name = "observe",
                                     .help = s_help_observe,
                                     .options = TOOL_TIMEOUT | TOOL_JSON,
                                     .least = 1,
                                     .most = 1,
                                     .missing = "observe which lock?",
                                     .many = "one lock at a time",
                                     .ask = s_observe};
