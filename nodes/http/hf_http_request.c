//  A request at the HTTP port: what its path asks, the pages of the answer, and the answer.

#include "nodes/http/hf_http_request.h"
#include "base/hf_alloc.h"
#include "msgs/hf_limits.h"
#include "nodes/http/hf_http_rows.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_ROWS   256
#define LOCK_PREFIX "/v1/locks/"

typedef enum form { FORM_TEXT, FORM_READY, FORM_METRICS, FORM_STATUS, FORM_LIST, FORM_LOCK } form_t;

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
    {"/", NULL,
     "/healthz\n/readyz\n/metrics\n/v1/status\n/v1/members\n/v1/locks\n/v1/locks/NAME\n"
     "/v1/sessions\n/v1/files\n/v1/busy\n",
     FORM_TEXT, 0},
};

static const path_t s_one_lock = {LOCK_PREFIX, NULL, NULL, FORM_LOCK, HF_WHAT_LOCK};

struct hf_http_request {
    const path_t *path;
    uint32_t what; //  is asked now
    json_t *busy;  //  of metrics: the busiest locks, which are asked for behind the facts
    char lock[256];
    hf_http_page_t page; //  the next
    json_t *rows;        //  so far
    size_t bytes;        //  of pages so far, packed
    bool asks;           //  there is more to ask
    bool asked;
    uint64_t id; //  of the question that was asked last
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

static void
s_say_json (hf_http_request_t *self, json_t *root)
{
    self->text = json_dumps (root, JSON_INDENT (2));
    json_decref (root);
    s_say (self, 200, self->text ? self->text : "out of memory\n");
    self->answer.code = self->text ? 200 : 500;
    self->answer.type = "application/json";
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

hf_http_request_t *
hf_http_request_new (const char *method, const char *path)
{
    assert (method && path);
    hf_http_request_t *self = hf_alloc (sizeof *self);
    s_find (self, path);
    if (strcmp (method, "GET") != 0 && strcmp (method, "HEAD") != 0)
        s_say (self, 405, "only GET and HEAD: this port changes nothing\n");
    else if (!self->path)
        s_say (self, 404, "no such path; / lists them\n");
    else if (self->path->what == 0)
        s_say (self, 200, self->path->text);
    else {
        self->asks = true;
        self->what = self->path->what;
        self->rows = self->path->what == HF_WHAT_STATUS ? json_object () : json_array ();
    }
    return self;
}

void
hf_http_request_destroy (hf_http_request_t **self_p)
{
    assert (self_p);
    if (!*self_p)
        return;
    json_decref ((*self_p)->rows);
    json_decref ((*self_p)->busy);
    free ((*self_p)->text);
    free (*self_p);
    *self_p = NULL;
}

//  ---- questions ---------------------------------------------------------------------------

bool
hf_http_request_next (hf_http_request_t *self, uint64_t id, hf_pack_t *frame)
{
    assert (!self->asked);
    if (!self->asks)
        return false;
    bool lock = self->path->form == FORM_LOCK;
    bool by_number = lock || self->path->what == HF_WHAT_SESSIONS;
    self->asked = true;
    self->id = id;
    hf_query_frame (frame, &(hf_query_t){.id = id,
                                         .what = self->what,
                                         .name = hf_span_text (lock ? self->lock : self->page.name),
                                         .offset = by_number ? self->page.offset : 0,
                                         .limit = PAGE_ROWS,
                                         .stale = true});
    return true;
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
    case FORM_STATUS:
        s_say_json (self, json_incref (self->rows));
        break;
    case FORM_LOCK:
        s_finish_lock (self);
        break;
    default:
        s_say_json (self, json_pack ("{s:O}", self->path->key, self->rows));
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

static void
s_take (hf_http_request_t *self, const hf_query_result_t *result)
{
    bool lock = self->path->form == FORM_LOCK;
    hf_http_page_t before = self->page;
    //  Of a lock, everybody may have left since the page before.
    if (lock && result->status == HF_NOT_FOUND) {
        s_finish (self);
        return;
    }
    if (result->status != HF_OK) {
        s_say (self, 503, hf_status_text ((hf_status_t)result->status));
        return;
    }
    self->bytes += result->rows.size;
    json_t *list = self->what == self->path->what ? self->rows : self->busy;
    if (!hf_http_rows (self->what, result->rows, list, &self->page))
        s_say (self, 500, "the node's own answer cannot be read\n");
    else if (self->bytes > HF_HTTP_BYTES_MAX)
        s_say (self, 507, "the list is too long for one answer: use holdfast\n");
    else if (!result->more ||
             (before.offset == self->page.offset && strcmp (before.name, self->page.name) == 0))
        s_next_kind (self);
}

bool
hf_http_request_asks (const hf_http_request_t *self)
{
    return self->asks;
}

bool
hf_http_request_frame (hf_http_request_t *self, hf_span_t frame)
{
    hf_scan_t scan;
    uint32_t kind;
    hf_query_result_t result;
    hf_refused_t refused;
    if (!self->asked || hf_frame_open (frame.at, frame.size, &scan, &kind) != HF_OK)
        return false;
    if (kind == HF_KIND_RESULT && hf_query_result_get (&scan, &result) && result.id == self->id) {
        self->asked = false;
        s_take (self, &result);
    } else if (kind == HF_KIND_REFUSED && hf_refused_get (&scan, &refused)) {
        self->asked = false;
        s_say (self, 503, hf_status_text ((hf_status_t)refused.status));
    }
    return !self->asked;
}

void
hf_http_request_late (hf_http_request_t *self)
{
    if (!self->asked)
        return;
    self->asked = false;
    s_say (self, 503, "this node is busy: no answer in time\n");
}

hf_http_answer_t
hf_http_request_answer (const hf_http_request_t *self)
{
    assert (!self->asks && self->answer.code != 0);
    return self->answer;
}
