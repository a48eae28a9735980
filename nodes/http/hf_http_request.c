//  A request at the HTTP port: what its path asks, the pages of the answer, and the answer.

#include "nodes/http/hf_http_request.h"
#include "base/hf_alloc.h"
#include "msgs/hf_limits.h"
#include "nodes/http/hf_http_rows.h"
#include "nodes/http/hf_page.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define LOCK_PREFIX "/v1/locks/"
#define EVENTS_ROOM (256U << 10)

typedef enum form {
    FORM_TEXT,
    FORM_READY,
    FORM_METRICS,
    FORM_STATUS,
    FORM_LIST,
    FORM_LOCK,
    FORM_EVENTS,
    FORM_HISTORY,
    FORM_SAMPLE
} form_t;

/*  A path, what is asked for it, and under which key its rows stand. */
typedef struct path {
    const char *path, *key, *text;
    form_t form;
    uint32_t what; //  0: nothing is asked
} path_t;

static const path_t s_paths[] = {
    {"/healthz", NULL, "ok\n", FORM_TEXT, 0},
    {"/readyz", NULL, NULL, FORM_READY, HF_WHAT_STATUS},
    {"/metrics", NULL, NULL, FORM_METRICS, HF_WHAT_STATUS},
    {"/v1/status", NULL, NULL, FORM_STATUS, HF_WHAT_STATUS},
    {"/v1/members", "members", NULL, FORM_LIST, HF_WHAT_MEMBERS},
    {"/v1/locks", "locks", NULL, FORM_LIST, HF_WHAT_LOCKS},
    {"/v1/sessions", "sessions", NULL, FORM_LIST, HF_WHAT_SESSIONS},
    {"/v1/files", "files", NULL, FORM_LIST, HF_WHAT_FILES},
    {"/v1/busy", "busy", NULL, FORM_LIST, HF_WHAT_BUSY},
    {"/v1/events", "events", NULL, FORM_EVENTS, HF_WHAT_LEADER},
    {"/v1/history", NULL, NULL, FORM_HISTORY, 0},
    {"/v1/", NULL,
     "/healthz\n/readyz\n/metrics\n/v1/status\n/v1/members\n/v1/locks\n/v1/locks/NAME\n"
     "/v1/sessions\n/v1/files\n/v1/busy\n/v1/events\n/v1/history\n/v1/actions\n",
     FORM_TEXT, 0},
};

static const char s_too_long[] =
    "the list is too long for one answer: ask for a part of it (?limit=100), or use holdfast\n";

static const path_t s_sample = {NULL, NULL, NULL, FORM_SAMPLE, HF_WHAT_STATUS};
static const path_t s_one_lock = {LOCK_PREFIX, NULL, NULL, FORM_LOCK, HF_WHAT_LOCK};

/*  Of events: how many there are is asked first, then for the last of them, once. */
typedef struct events {
    bool known;    //  the number that follows was given
    uint64_t seen; //  the last that is known there
    uint64_t from; //  what is asked for comes after it
    enum { EVENTS_COUNT, EVENTS_WATCH, EVENTS_END } stage;
    uint64_t watch, upto;
    bool gap; //  what follows FROM is not kept any more
} events_t;

struct hf_http_request {
    const path_t *path;
    uint32_t what; //  is asked now
    json_t *busy;  //  of metrics: the busiest locks, which are asked for behind the facts
    char lock[256];
    hf_http_page_t page; //  the next
    hf_http_pick_t pick;
    events_t events;
    hf_history_t *history; //  of a sample: where it goes
    uint64_t now_us;       //  and when it was asked for
    json_t *rows;          //  so far
    size_t bytes;          //  of pages so far, packed
    bool picked;           //  there are rows that were not looked at
    bool asks;             //  there is more to ask
    bool asked;
    uint64_t until_us;        //  the last question is asked before that; 0: none was asked yet
    uint64_t id;              //  of the question that was asked last
    bool noticed;             //  it was told once that this node does not lead
    hf_http_action_t *action; //  an operator's; all the rest is of no concern then
    hf_http_answer_t answer;
    char *text; //  the answer's, if it was made here
};

static void
s_say (hf_http_request_t *self, unsigned code, const char *text)
{
    self->asks = false;
    self->answer = (hf_http_answer_t){
        .code = code, .type = "text/plain; charset=utf-8", .text = text, .size = strlen (text)};
}

/*  TEXT of JSON is the request's; NULL: there was no memory for it. */
static void
s_say_text (hf_http_request_t *self, char *text)
{
    self->text = text;
    s_say (self, 200, self->text ? self->text : "out of memory\n");
    self->answer.code = self->text ? 200 : 500;
    self->answer.type = "application/json";
}

static void
s_say_json (hf_http_request_t *self, json_t *root)
{
    s_say_text (self, json_dumps (root, JSON_INDENT (2)));
    json_decref (root);
}

//  ---- the path --------------------------------------------------------------------------

static void
s_find (hf_http_request_t *self, const char *path)
{
    size_t prefix = strlen (LOCK_PREFIX);
    for (size_t i = 0; i < sizeof s_paths / sizeof *s_paths; i++) {
        if (strcmp (path, s_paths[i].path) == 0)
            self->path = &s_paths[i];
    }
    if (!self->path && strncmp (path, LOCK_PREFIX, prefix) == 0 &&
        hf_name_valid (hf_span_text (path + prefix))) {
        self->path = &s_one_lock;
        memcpy (self->lock, path + prefix, strlen (path + prefix) + 1);
        self->page.offset = 1;
    }
}

/*  A file of the page, or NULL. */
static const hf_page_file_t *
s_file (const char *path)
{
    for (size_t i = 0; i < hf_page_files_count; i++) {
        if (strcmp (path, hf_page_files[i].path) == 0)
            return &hf_page_files[i];
    }
    return NULL;
}

static void
s_begin (hf_http_request_t *self, const hf_http_params_t *params)
{
    const char *wrong = hf_http_pick_init (&self->pick, params);
    self->events.known = params->after != NULL;
    if (!wrong && params->after &&
        !hf_http_number (params->after, 0, UINT64_MAX, &self->events.seen))
        wrong = "after: a number\n";
    if (wrong) {
        s_say (self, 400, wrong);
        return;
    }
    self->asks = true;
    self->what = self->path->what;
    self->rows = self->path->what == HF_WHAT_STATUS ? json_object () : json_array ();
}

hf_http_request_t *
hf_http_request_new (const char *method, const char *path, const hf_http_params_t *params,
                     const hf_history_t *history)
{
    assert (method && path && params && history);
    hf_http_request_t *self = hf_alloc (sizeof *self);
    const hf_page_file_t *file = s_file (path);
    s_find (self, path);
    if (strcmp (method, "GET") != 0 && strcmp (method, "HEAD") != 0)
        s_say (self, 405, "only GET and HEAD here\n");
    else if (hf_http_action_is (path))
        s_say (self, 405, "only POST here\n");
    else if (file)
        self->answer = (hf_http_answer_t){200, file->type, file->text, file->size};
    else if (!self->path)
        s_say (self, 404, "no such path; /v1/ lists them\n");
    else if (self->path->form == FORM_HISTORY)
        s_say_json (self, hf_history_json (history));
    else if (self->path->what == 0)
        s_say (self, 200, self->path->text);
    else
        s_begin (self, params);
    return self;
}

hf_http_request_t *
hf_http_request_sample (hf_history_t *history, uint64_t now_us)
{
    assert (history);
    hf_http_request_t *self = hf_alloc (sizeof *self);
    self->path = &s_sample;
    self->history = history;
    self->now_us = now_us;
    s_begin (self, &(hf_http_params_t){.limit = NULL});
    return self;
}

hf_http_request_t *
hf_http_request_act (hf_http_action_t *action)
{
    assert (action);
    hf_http_request_t *self = hf_alloc (sizeof *self);
    self->action = action;
    return self;
}

hf_http_request_t *
hf_http_request_said (const hf_http_answer_t *answer)
{
    assert (answer);
    hf_http_request_t *self = hf_alloc (sizeof *self);
    self->answer = *answer;
    return self;
}

hf_http_request_t *
hf_http_request_json (char *text)
{
    hf_http_request_t *self = hf_alloc (sizeof *self);
    s_say_text (self, text);
    return self;
}

void
hf_http_request_destroy (hf_http_request_t **self_p)
{
    assert (self_p);
    if (!*self_p)
        return;
    hf_http_action_destroy (&(*self_p)->action);
    hf_http_pick_done (&(*self_p)->pick);
    json_decref ((*self_p)->rows);
    json_decref ((*self_p)->busy);
    free ((*self_p)->text);
    free (*self_p);
    *self_p = NULL;
}

//  ---- questions ---------------------------------------------------------------------------

static void
s_query (const hf_http_request_t *self, hf_pack_t *frame)
{
    bool lock = self->path->form == FORM_LOCK, picks = self->pick.limit > 0;
    bool by_number = lock || self->path->what == HF_WHAT_SESSIONS;
    //  Each page is a walk over the whole list, so there are few of them.
    uint32_t limit = lock && picks ? self->pick.limit : HF_ROWS_MAX;
    hf_query_frame (frame, &(hf_query_t){.id = self->id,
                                         .what = self->what,
                                         .name = hf_span_text (lock ? self->lock : self->page.name),
                                         .offset = by_number ? self->page.offset : 0,
                                         .limit = limit,
                                         .stale = true});
}

/*  The watch is ended at once: its first answer is all that is wanted of it. */
static void
s_watch (const hf_http_request_t *self, hf_pack_t *frame)
{
    bool ends = self->events.stage == EVENTS_END;
    hf_watch_request_frame (frame, &(hf_watch_request_t){.id = self->events.watch,
                                                         .what = HF_WATCH_LOCKS,
                                                         .after = self->events.from,
                                                         .room = ends ? 0 : EVENTS_ROOM});
}

static void
s_finish_lock (hf_http_request_t *self)
{
    json_t *lock = json_array_get (self->rows, 0);
    if (!lock) {
        s_say (self, 404, "nobody holds this lock or waits for it\n");
        return;
    }
    json_incref (lock);
    json_object_set_new (lock, "held",
                         json_boolean (json_array_size (json_object_get (lock, "holders")) > 0));
    s_say_json (self, lock);
}

static void
s_finish_list (hf_http_request_t *self)
{
    if (self->pick.limit == 0)
        s_say_json (self, json_pack ("{s:O}", self->path->key, self->rows));
    else
        s_say_json (self, hf_http_pick_answer (&self->pick, self->path->key, !self->picked));
    hf_http_pick_done (&self->pick);
}

static void
s_finish (hf_http_request_t *self)
{
    switch (self->path->form) {
    case FORM_READY: {
        bool led = json_integer_value (json_object_get (self->rows, "leader")) > 0;
        s_say (self, led ? 200 : 503, led ? "ready\n" : "this node knows no leader\n");
        break;
    }
    case FORM_METRICS:
        self->text = hf_http_metrics (self->rows, self->busy);
        s_say (self, 200, self->text);
        self->answer.type = "text/plain; version=0.0.4; charset=utf-8";
        break;
    case FORM_SAMPLE:
        hf_history_add (self->history, self->now_us, self->rows);
        s_say (self, 200, "");
        break;
    case FORM_STATUS:
        s_say_json (self, json_incref (self->rows));
        break;
    case FORM_LOCK:
        s_finish_lock (self);
        break;
    default:
        s_finish_list (self);
    }
    //  Who reads slowly keeps the text alone.
    json_decref (self->rows);
    json_decref (self->busy);
    self->rows = self->busy = NULL;
}

/*  All of one kind are here. */
static void
s_next_kind (hf_http_request_t *self)
{
    if (self->path->form != FORM_METRICS || self->busy) {
        s_finish (self);
        return;
    }
    self->busy = json_array ();
    self->what = HF_WHAT_BUSY;
}

static bool
s_picks (const hf_http_request_t *self)
{
    return self->path->form == FORM_LIST && self->pick.limit > 0;
}

/*  Move the rows of a page to those that are picked. MORE follow. */
static void
s_pick (hf_http_request_t *self, bool more)
{
    for (size_t i = 0; i < json_array_size (self->rows) && !self->picked; i++)
        self->picked = !hf_http_pick_add (&self->pick, json_array_get (self->rows, i));
    self->pick.stopped = more && !self->picked && self->pick.looked >= HF_HTTP_LOOKED_MAX;
    json_array_clear (self->rows);
    self->bytes = 0;
}

/*  It has asked for too long: the lock actor has other work, and others wait. */
static void
s_stop (hf_http_request_t *self)
{
    self->pick.stopped = s_picks (self);
    if (self->pick.stopped || self->busy)
        s_finish (self);
    else if (self->path->form != FORM_EVENTS)
        s_say (self, 507, s_too_long);
}

/*  A question got no answer. Metrics have the facts without the busiest locks, too. */
static void
s_fail (hf_http_request_t *self, const char *why)
{
    if (self->busy)
        s_finish (self);
    else
        s_say (self, 503, why);
}

static void
s_take (hf_http_request_t *self, const hf_query_result_t *result)
{
    bool lock = self->path->form == FORM_LOCK, picks = self->pick.limit > 0;
    hf_http_page_t before = self->page;
    //  Of a lock, everybody may have left since the page before.
    if (lock && result->status == HF_NOT_FOUND) {
        s_finish (self);
        return;
    }
    if (result->status != HF_OK) {
        s_fail (self, hf_status_text ((hf_status_t)result->status));
        return;
    }
    self->bytes += result->rows.size;
    json_t *list = self->what == self->path->what ? self->rows : self->busy;
    if (!hf_http_rows (self->what, result->rows, list, &self->page)) {
        s_say (self, 500, "the node's own answer cannot be read\n");
        return;
    }
    if (s_picks (self))
        s_pick (self, result->more);
    if (self->bytes > HF_HTTP_BYTES_MAX)
        s_say (self, 507, s_too_long);
    else if (!result->more || self->picked || self->pick.stopped || (picks && lock) ||
             (before.offset == self->page.offset && strcmp (before.name, self->page.name) == 0))
        s_next_kind (self);
}

//  ---- events ----------------------------------------------------------------------------------

/*  So much has HAPPENED here. A node that was started anew may have applied less than it had. */
static void
s_take_count (hf_http_request_t *self, uint64_t number)
{
    events_t *events = &self->events;
    uint64_t least = number > HF_HTTP_EVENTS_MAX ? number - HF_HTTP_EVENTS_MAX : 0;
    bool kept = events->known && events->seen >= least && events->seen <= number;
    events->from = kept ? events->seen : events->known && events->seen > number ? number : least;
    events->stage = EVENTS_WATCH;
}

static void
s_take_events (hf_http_request_t *self, const hf_events_t *message)
{
    events_t *events = &self->events;
    if (events->stage == EVENTS_WATCH) {
        events->upto = message->upto;
        events->gap = message->status == HF_GAP;
        events->stage = EVENTS_END;
        if (!hf_http_events (message->events, self->rows))
            s_say (self, 500, "the node's own answer cannot be read\n");
        return;
    }
    uint64_t from = events->gap ? events->upto : events->from;
    uint64_t skipped = events->known && from > events->seen ? from - events->seen : 0;
    s_say_json (self, json_pack ("{s:O, s:I, s:I}", "events", self->rows, "upto",
                                 (json_int_t)events->upto, "skipped", (json_int_t)skipped));
}

//  ---- frames ----------------------------------------------------------------------------------

bool
hf_http_request_asks (const hf_http_request_t *self)
{
    return self->action ? hf_http_action_asks (self->action) : self->asks;
}

bool
hf_http_request_yields (const hf_http_request_t *self)
{
    if (self->action)
        return hf_http_action_asks (self->action);
    return self->asks && self->path->form != FORM_EVENTS;
}

bool
hf_http_request_next (hf_http_request_t *self, uint64_t id, uint64_t now_us, hf_pack_t *frame)
{
    if (self->action) {
        bool asks = hf_http_action_asks (self->action);
        if (asks)
            hf_http_action_next (self->action, id, frame);
        return asks;
    }
    assert (!self->asked);
    if (self->asks && self->until_us == 0)
        self->until_us = now_us + HF_HTTP_ASKS_US;
    if (self->asks && now_us >= self->until_us)
        s_stop (self);
    if (!self->asks)
        return false;
    self->asked = true;
    self->id = id;
    if (self->events.stage == EVENTS_WATCH)
        self->events.watch = id;
    if (self->events.stage == EVENTS_COUNT)
        s_query (self, frame);
    else
        s_watch (self, frame);
    return true;
}

void
hf_http_request_strays (hf_http_request_t *self, bool stray)
{
    if (self->action)
        hf_http_action_strays (self->action, stray);
}

bool
hf_http_request_frame (hf_http_request_t *self, hf_span_t frame)
{
    hf_scan_t scan;
    uint32_t kind;
    hf_query_result_t result;
    hf_refused_t refused;
    hf_events_t events;
    if (self->action)
        return hf_http_action_frame (self->action, frame);
    if (!self->asked || hf_frame_open (frame.at, frame.size, &scan, &kind) != HF_OK)
        return false;
    bool watches = self->events.stage != EVENTS_COUNT;
    if (kind == HF_KIND_RESULT && !watches && hf_query_result_get (&scan, &result) &&
        result.id == self->id) {
        self->asked = false;
        if (self->path->form == FORM_EVENTS)
            s_take_count (self, result.number);
        else
            s_take (self, &result);
    } else if (kind == HF_KIND_EVENTS && watches && hf_events_get (&scan, &events) &&
               events.id == self->events.watch) {
        self->asked = false;
        s_take_events (self, &events);
    } else if (kind == HF_KIND_REFUSED && hf_refused_get (&scan, &refused)) {
        //  Who waited for a leader is told so, too: it may be no answer to this.
        bool notice = refused.status == HF_NOT_LEADER && !self->noticed && !watches;
        self->asked = false;
        self->noticed = self->noticed || notice;
        if (!notice)
            s_fail (self, hf_status_text ((hf_status_t)refused.status));
    }
    return !self->asked;
}

void
hf_http_request_late (hf_http_request_t *self)
{
    if (self->action)
        hf_http_action_late (self->action);
    if (!self->asked)
        return;
    self->asked = false;
    s_fail (self, "this node is busy: no answer in time\n");
}

hf_http_answer_t
hf_http_request_answer (const hf_http_request_t *self)
{
    if (self->action)
        return hf_http_action_answer (self->action);
    assert (!self->asks && self->answer.code != 0);
    return self->answer;
}

const char *
hf_http_request_audit (hf_http_request_t *self)
{
    return self->action ? hf_http_action_audit (self->action) : NULL;
}
