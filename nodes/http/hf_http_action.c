//  What an operator asks for over HTTP, a question at a time.

#include "nodes/http/hf_http_action.h"
#include "base/hf_alloc.h"
#include "base/hf_mutant.h"
#include "nodes/http/hf_http_admin.h"
#include "nodes/http/hf_http_rows.h"
#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX     "/v1/"
#define DOING_SIZE 640 //  what it is to people: with a name, and a label
#define WHY_SIZE   600
#define TTL_MS     HF_TTL_DEFAULT_MS

typedef enum end { END_HOLD, END_SESSION, END_CHANGE } end_t;

typedef struct op {
    const char *name, *form; //  of its JSON, for people
    end_t end;
    uint32_t change; //  END_CHANGE: which
    const char *doing;
} op_t;

#define NODE_FORM "{\"node\": N}"

static const op_t s_ops[] = {
    {"release", "{\"lock\": NAME}, and if it has several holders \"token\": N or \"session\": N",
     END_HOLD, 0, "end a hold of lock"},
    {"close", "{\"session\": N}", END_SESSION, 0, "close session"},
    {"lead", NODE_FORM, END_CHANGE, HF_CHANGE_LEAD, "hand the lead to node"},
    {"drain", NODE_FORM, END_CHANGE, HF_CHANGE_DRAIN, "drain node"},
    {"undrain", NODE_FORM, END_CHANGE, HF_CHANGE_UNDRAIN, "no longer drain node"},
};
#define OPS (sizeof s_ops / sizeof *s_ops)

typedef enum step {
    STEP_STATUS,  //  does this node lead?
    STEP_MEMBERS, //  it does not: where is the leader?
    STEP_LOOK,    //  what is there to end?
    STEP_OPEN,    //  a session, of which the end of a hold is asked
    STEP_DO,
    STEP_LEAVE, //  that session
    STEP_DONE
} step_t;

struct hf_http_action {
    const op_t *op;
    char lock[256], from[HF_HTTP_FROM_MAX], label[HF_LABEL_MAX + 1];
    uint64_t session, token, node; //  0: not given, or not found yet
    uint64_t held, queued;         //  of the session
    uint8_t nonce[HF_NONCE_SIZE];
    step_t step;
    bool asked;
    uint64_t id; //  of the last question
    hf_http_page_t page;
    json_t *rows;
    uint64_t leader, holders;
    uint64_t own; //  the session that asks
    uint64_t index;
    hf_http_answer_t answer;
    char *text; //  the answer's
    char audit[DOING_SIZE + WHY_SIZE + 160];
};

//  ---- the end -----------------------------------------------------------------------------

/*  "close session 42 (ann@build-1)" */
static void
s_describe (const hf_http_action_t *self, char doing[DOING_SIZE])
{
    uint64_t number = self->op->end == END_SESSION ? self->session : self->node;
    if (number == 0 && self->lock[0] == 0) { //  it could not be read
        snprintf (doing, DOING_SIZE, "POST " PREFIX "%s", self->op->name);
        return;
    }
    size_t used = (size_t)snprintf (doing, DOING_SIZE, "%s ", self->op->doing);
    if (self->op->end == END_HOLD)
        used += (size_t)snprintf (doing + used, DOING_SIZE - used, "%s", self->lock);
    else
        used += (size_t)snprintf (doing + used, DOING_SIZE - used, "%" PRIu64, number);
    if (self->op->end == END_HOLD && self->token > 0 && self->session > 0)
        used += (size_t)snprintf (doing + used, DOING_SIZE - used,
                                  " with token %" PRIu64 " of session %" PRIu64, self->token,
                                  self->session);
    if (self->label[0] != 0)
        snprintf (doing + used, DOING_SIZE - used, " (%s)", self->label);
}

/*  The answer is ROOT, and the audit tells why. */
static void
s_answer (hf_http_action_t *self, unsigned code, json_t *root, const char *why)
{
    char doing[DOING_SIZE];
    s_describe (self, doing);
    snprintf (self->audit, sizeof self->audit, "audit: http: %s: %s (from %s)", doing, why,
              self->from);
    self->text = json_dumps (root, JSON_INDENT (2));
    json_decref (root);
    self->answer = (hf_http_answer_t){.code = self->text ? code : 500,
                                      .type = "application/json",
                                      .text = self->text ? self->text : "{}"};
    self->answer.size = strlen (self->answer.text);
    json_decref (self->rows);
    self->rows = NULL;
    self->step = self->own > 0 && !HF_MUTANT (asker_stays) ? STEP_LEAVE : STEP_DONE;
}

static void s_refuse (hf_http_action_t *self, unsigned code, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

static void
s_refuse (hf_http_action_t *self, unsigned code, const char *format, ...)
{
    char why[WHY_SIZE];
    va_list args;
    va_start (args, format);
    vsnprintf (why, sizeof why, format, args);
    va_end (args);
    s_answer (self, code, json_pack ("{s:s}", "error", why), why);
}

/*  It may have been done, or be done yet. */
static void
s_unknown (hf_http_action_t *self, const char *why)
{
    s_refuse (self, 504, "it is not known whether it was done: %s; look before you repeat it", why);
}

static void
s_done (hf_http_action_t *self)
{
    char why[64];
    json_t *root;
    json_int_t index = (json_int_t)self->index;
    if (self->op->end == END_HOLD)
        root =
            json_pack ("{s:s, s:I, s:I, s:s}", "lock", self->lock, "token", (json_int_t)self->token,
                       "session", (json_int_t)self->session, "label", self->label);
    else if (self->op->end == END_SESSION)
        root = json_pack ("{s:I, s:s, s:I, s:I}", "session", (json_int_t)self->session, "label",
                          self->label, "held", (json_int_t)self->held, "queued",
                          (json_int_t)self->queued);
    else
        root = json_pack ("{s:I}", "node", (json_int_t)self->node);
    //  A lead that is handed over is in no command.
    if (index > 0)
        json_object_set_new (root, "index", json_integer (index));
    snprintf (why, sizeof why, index > 0 ? "%s, index %" PRIu64 : "%s", hf_status_text (HF_OK),
              self->index);
    s_answer (self, 200, root, why);
}

static void
s_refuse_status (hf_http_action_t *self, uint32_t status)
{
    bool missing = status == HF_NOT_FOUND || status == HF_NO_MEMBER || status == HF_SESSION_EXPIRED;
    unsigned code = missing                                             ? 404
                    : status == HF_BUSY                                 ? 503
                    : status == HF_BAD_REQUEST || status == HF_BAD_NAME ? 400
                    : status == HF_DENIED                               ? 403
                                                                        : 409;
    s_refuse (self, code, "%s", hf_status_text ((hf_status_t)status));
}

//  ---- what is asked for -------------------------------------------------------------------

static const op_t *
s_op (const char *path)
{
    size_t prefix = strlen (PREFIX);
    for (size_t i = 0; i < OPS; i++)
        if (strncmp (path, PREFIX, prefix) == 0 && strcmp (path + prefix, s_ops[i].name) == 0)
            return &s_ops[i];
    return NULL;
}

bool
hf_http_action_is (const char *path)
{
    return s_op (path) != NULL;
}

char *
hf_http_actions (bool taken)
{
    json_t *list = json_array ();
    for (size_t i = 0; i < OPS && taken; i++)
        json_array_append_new (list, json_string (s_ops[i].name));
    json_t *root = json_pack ("{s:o}", "actions", list);
    char *text = json_dumps (root, JSON_INDENT (2));
    json_decref (root);
    return text;
}

/*  0: it is not there, or none above 0. */
static uint64_t
s_integer (const json_t *object, const char *key)
{
    json_int_t value = json_integer_value (json_object_get (object, key));
    return value > 0 ? (uint64_t)value : 0;
}

/*  A number that may be left out: 0, then. */
static bool
s_read_number (const json_t *root, const char *key, uint64_t *number)
{
    const json_t *value = json_object_get (root, key);
    *number = s_integer (root, key);
    return !value || *number > 0;
}

/*  All that its form has and nothing else, in its range. */
static bool
s_read (hf_http_action_t *self, const json_t *root)
{
    const json_t *lock = json_object_get (root, "lock");
    size_t size = json_string_length (lock);
    static const char *const known[] = {"lock", "token", "session", "node"};
    size_t fields = 0;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        fields += json_object_get (root, known[i]) != NULL;
    if (fields == 0 || json_object_size (root) != fields ||
        !s_read_number (root, "token", &self->token) ||
        !s_read_number (root, "session", &self->session) ||
        !s_read_number (root, "node", &self->node) || self->node > UINT16_MAX)
        return false;
    if (self->op->end == END_HOLD && lock && self->node == 0 &&
        hf_name_valid (hf_span (json_string_value (lock), size))) {
        memcpy (self->lock, json_string_value (lock), size); //  the rest is zero
        return true;
    }
    return fields == 1 && (self->op->end == END_SESSION  ? self->session > 0
                           : self->op->end == END_CHANGE ? self->node > 0
                                                         : false);
}

hf_http_action_t *
hf_http_action_new (const char *path, hf_span_t body, const char *from,
                    const uint8_t nonce[HF_NONCE_SIZE])
{
    hf_http_action_t *self = hf_alloc (sizeof *self);
    self->op = s_op (path);
    assert (self->op && strlen (from) < sizeof self->from);
    strcpy (self->from, from);
    memcpy (self->nonce, nonce, sizeof self->nonce);
    json_t *root = body.size > 0 && body.size <= HF_HTTP_BODY_MAX
                       ? json_loadb ((const char *)body.at, body.size, JSON_REJECT_DUPLICATES, NULL)
                       : NULL;
    if (!root || !s_read (self, root)) {
        //  What was read of it is in no line.
        self->session = self->token = self->node = 0;
        self->lock[0] = 0;
        s_refuse (self, 400, "it wants %s", self->op->form);
    }
    json_decref (root);
    return self;
}

void
hf_http_action_destroy (hf_http_action_t **self_p)
{
    assert (self_p);
    if (!*self_p)
        return;
    json_decref ((*self_p)->rows);
    free ((*self_p)->text);
    free (*self_p);
    *self_p = NULL;
}

//  ---- questions ---------------------------------------------------------------------------

bool
hf_http_action_asks (const hf_http_action_t *self)
{
    return self->step != STEP_DONE;
}

static uint32_t
s_what (const hf_http_action_t *self)
{
    return self->step == STEP_STATUS      ? HF_WHAT_STATUS
           : self->step == STEP_MEMBERS   ? HF_WHAT_MEMBERS
           : self->op->end == END_SESSION ? HF_WHAT_SESSIONS
                                          : HF_WHAT_LOCK;
}

/*  Of the leader, behind a barrier, but for what it is asked of itself. */
static void
s_query (hf_http_action_t *self, hf_pack_t *frame)
{
    uint32_t what = s_what (self);
    bool one = what == HF_WHAT_SESSIONS;
    if (!self->rows)
        self->rows = what == HF_WHAT_STATUS ? json_object () : json_array ();
    if (what == HF_WHAT_LOCK && self->page.offset == 0)
        self->page.offset = 1;
    hf_query_frame (frame,
                    &(hf_query_t){.id = self->id,
                                  .what = what,
                                  .name = hf_span_text (what == HF_WHAT_LOCK ? self->lock : ""),
                                  .offset = one ? self->session - 1 : self->page.offset,
                                  .limit = one ? 1 : HF_ROWS_MAX});
}

/*  Who asks, as the log of every node and the one who is ended are told. */
static hf_span_t
s_by (const hf_http_action_t *self, char by[HF_LABEL_MAX + 1])
{
    snprintf (by, HF_LABEL_MAX + 1, "http from %s", self->from);
    return hf_span_text (by);
}

static void
s_cancel (const hf_http_action_t *self, hf_pack_t *frame)
{
    hf_pack_t requests;
    hf_pack_init (&requests);
    hf_cancel_put (&requests, &(hf_cancel_t){.seq = 1,
                                             .lock = hf_span_text (self->lock),
                                             .token = self->token,
                                             .owner = self->session});
    hf_requests_frame (
        frame,
        &(hf_requests_t){.session = self->own, .floor = 1, .requests = hf_pack_list (&requests)});
    hf_pack_done (&requests);
}

static uint64_t
s_change_id (const hf_http_action_t *self)
{
    uint64_t id;
    memcpy (&id, self->nonce, sizeof id);
    return id | 1;
}

static void
s_do (const hf_http_action_t *self, hf_pack_t *frame)
{
    char by[HF_LABEL_MAX + 1];
    if (self->op->end == END_HOLD)
        s_cancel (self, frame);
    else if (self->op->end == END_SESSION)
        hf_close_frame (
            frame,
            &(hf_close_t){.session = self->session, .echo = self->id, .by = s_by (self, by)});
    else
        hf_change_request_frame (frame, &(hf_change_request_t){.id = s_change_id (self),
                                                               .op = self->op->change,
                                                               .node = (uint32_t)self->node,
                                                               .host = hf_span_text (""),
                                                               .by = s_by (self, by)});
}

void
hf_http_action_next (hf_http_action_t *self, uint64_t id, hf_pack_t *frame)
{
    char by[HF_LABEL_MAX + 1];
    assert (self->step != STEP_DONE && !self->asked && id > 0);
    self->asked = true;
    self->id = id;
    switch (self->step) {
    case STEP_OPEN:
        hf_open_frame (frame, &(hf_open_t){.nonce = hf_span (self->nonce, sizeof self->nonce),
                                           .ttl_ms = TTL_MS,
                                           .label = s_by (self, by)});
        break;
    case STEP_DO:
        s_do (self, frame);
        break;
    case STEP_LEAVE:
        hf_close_frame (frame, &(hf_close_t){.session = self->own, .echo = id});
        break;
    default:
        s_query (self, frame);
    }
}

//  ---- what comes back ---------------------------------------------------------------------

static void
s_forget_rows (hf_http_action_t *self)
{
    json_decref (self->rows);
    self->rows = NULL;
    self->page = (hf_http_page_t){.offset = 0};
}

static void
s_take_status (hf_http_action_t *self)
{
    self->leader = s_integer (self->rows, "leader");
    bool leads = self->leader > 0 && self->leader == s_integer (self->rows, "node");
    s_forget_rows (self);
    if (self->leader == 0)
        s_refuse (self, 503, "nobody is known to lead: nothing was done");
    else if (!leads && !HF_MUTANT (acts_anywhere))
        self->step = STEP_MEMBERS;
    else
        self->step = self->op->end == END_CHANGE ? STEP_DO : STEP_LOOK;
}

/*  Somebody else leads. */
static void
s_take_members (hf_http_action_t *self)
{
    char why[WHY_SIZE], where[300] = "";
    size_t i;
    json_t *member;
    json_array_foreach (self->rows, i, member)
    {
        if (s_integer (member, "id") == self->leader)
            snprintf (where, sizeof where, "%s",
                      json_string_value (json_object_get (member, "host")));
    }
    snprintf (why, sizeof why, "node %" PRIu64 " leads%s%s: nothing was done; ask at its HTTP port",
              self->leader, where[0] ? ", at " : "", where);
    s_answer (self, 409,
              json_pack ("{s:s, s:I, s:s}", "error", why, "leader", (json_int_t)self->leader,
                         "host", where),
              why);
}

static void
s_take_session (hf_http_action_t *self)
{
    const json_t *row = json_array_get (self->rows, 0);
    if (s_integer (row, "session") != self->session ||
        json_is_true (json_object_get (row, "gone"))) {
        s_refuse (self, 404, "there is no such session");
        return;
    }
    self->held = s_integer (row, "held");
    self->queued = s_integer (row, "queued");
    snprintf (self->label, sizeof self->label, "%s",
              json_string_value (json_object_get (row, "label")));
    s_forget_rows (self);
    self->step = STEP_DO;
}

/*  Which hold is meant, if only one can be. */
static void
s_take_lock (hf_http_action_t *self)
{
    const json_t *holders = json_object_get (json_array_get (self->rows, 0), "holders");
    const json_t *meant = NULL;
    for (size_t i = 0; i < json_array_size (holders); i++) {
        const json_t *holder = json_array_get (holders, i);
        if ((self->token != 0 && self->token != s_integer (holder, "token")) ||
            (self->session != 0 && self->session != s_integer (holder, "session")))
            continue;
        self->holders++;
        meant = holder;
    }
    if (!meant && json_array_size (holders) > 0)
        s_refuse (self, 409, "nobody holds it with that token or session");
    else if (!meant)
        s_refuse (self, 404, "nobody holds it");
    else if (self->holders > 1 && !HF_MUTANT (any_hold_ended))
        s_refuse (self, 409, "it has %" PRIu64 " holders: say which by its token or session",
                  self->holders);
    else {
        self->session = s_integer (meant, "session");
        self->token = s_integer (meant, "token");
        snprintf (self->label, sizeof self->label, "%s",
                  json_string_value (json_object_get (meant, "label")));
        s_forget_rows (self);
        self->step = STEP_OPEN;
    }
}

/*  Rows of a query. Of a lock, those that wait need not be looked at. */
static void
s_take_rows (hf_http_action_t *self, const hf_query_result_t *result)
{
    uint32_t what = s_what (self);
    uint64_t before = self->page.offset;
    if (what == HF_WHAT_LOCK && result->status == HF_NOT_FOUND) {
        s_take_lock (self);
        return;
    }
    if (result->status != HF_OK) {
        s_refuse_status (self, result->status);
        return;
    }
    if (!hf_http_rows (what, result->rows, self->rows, &self->page)) {
        s_refuse (self, 500, "the node's own answer cannot be read");
        return;
    }
    const json_t *queue = json_object_get (json_array_get (self->rows, 0), "queue");
    if (what == HF_WHAT_LOCK && result->more && json_array_size (queue) == 0 &&
        self->page.offset > before)
        return; //  there are more holders
    if (what == HF_WHAT_STATUS)
        s_take_status (self);
    else if (what == HF_WHAT_MEMBERS)
        s_take_members (self);
    else if (what == HF_WHAT_LOCK)
        s_take_lock (self);
    else
        s_take_session (self);
}

static void
s_take_verdict (hf_http_action_t *self, const hf_query_result_t *result)
{
    self->index = result->index;
    if (result->status == HF_OK)
        s_done (self);
    else
        s_refuse_status (self, result->status);
}

static void
s_take_end (hf_http_action_t *self, uint32_t status, uint64_t index)
{
    self->index = index;
    if (status == HF_NOT_HOLDER)
        s_refuse (self, 409, "it changed hands meanwhile: nothing was ended");
    else if (status == HF_OK || (status == HF_SESSION_EXPIRED && self->op->end == END_SESSION))
        s_done (self); //  it may have ended by itself
    else
        s_refuse_status (self, status);
}

/*  Among what the session is told. False: its answer is not there. */
static bool
s_take_answers (hf_http_action_t *self, hf_list_t items)
{
    hf_scan_t scan = hf_scan_list (items);
    hf_answer_t answer;
    for (uint32_t i = 0; i < items.count && !scan.bad; i++) {
        if (hf_scan_kind (&scan) != HF_KIND_ANSWER) {
            hf_scan_skip (&scan, 1);
            continue;
        }
        if (hf_answer_get (&scan, &answer) && answer.seq == 1) {
            s_take_end (self, answer.status, answer.index);
            return true;
        }
    }
    return false;
}

/*  Who hands the lead over is told by losing it. Gives whether that was the answer. */
static bool
s_take_loss (hf_http_action_t *self, uint32_t leader)
{
    bool lead = self->op->change == HF_CHANGE_LEAD && self->step == STEP_DO;
    if (lead && leader == 0)
        return false; //  it is told again when one is known
    if (lead && leader == self->node)
        s_done (self);
    else if (lead)
        s_refuse (self, 409, "node %" PRIu32 " leads now", leader);
    else if (self->step == STEP_DO)
        s_unknown (self, "this node lost the lead");
    else
        s_refuse (self, 503, "the lead changes hands: nothing was done; ask again");
    return true;
}

static bool
s_take_refusal (hf_http_action_t *self, const hf_refused_t *refused)
{
    if (self->step == STEP_LEAVE) {
        self->step = STEP_DONE;
        return true;
    }
    if (refused->status == HF_NOT_LEADER)
        return s_take_loss (self, refused->leader);
    s_refuse_status (self, refused->status);
    return true;
}

/*  It is the kind of answer that the step waits for. */
static bool
s_take (hf_http_action_t *self, hf_scan_t *scan, uint32_t kind)
{
    union {
        hf_query_result_t result;
        hf_opened_t opened;
        hf_answers_t answers;
        hf_closed_t closed;
        hf_refused_t refused;
    } in;
    bool does = self->step == STEP_DO;
    if (kind == HF_KIND_REFUSED && hf_refused_get (scan, &in.refused))
        return s_take_refusal (self, &in.refused);
    if (kind == HF_KIND_RESULT && hf_query_result_get (scan, &in.result)) {
        if (does && self->op->end == END_CHANGE && in.result.id == s_change_id (self))
            s_take_verdict (self, &in.result);
        else if (self->step <= STEP_LOOK && in.result.id == self->id)
            s_take_rows (self, &in.result);
        else
            return false;
        return true;
    }
    if (kind == HF_KIND_OPENED && self->step == STEP_OPEN && hf_opened_get (scan, &in.opened) &&
        hf_span_equal (in.opened.nonce, hf_span (self->nonce, sizeof self->nonce))) {
        self->own = in.opened.session;
        self->step = STEP_DO;
        if (in.opened.status != HF_OK)
            s_refuse_status (self, in.opened.status);
        return true;
    }
    if (kind == HF_KIND_ANSWERS && does && self->op->end == END_HOLD &&
        hf_answers_get (scan, &in.answers) && in.answers.session == self->own)
        return s_take_answers (self, in.answers.items);
    if (kind != HF_KIND_CLOSED_REPLY || !hf_closed_get (scan, &in.closed) ||
        in.closed.echo != self->id)
        return false;
    if (self->step == STEP_LEAVE)
        self->step = STEP_DONE; //  it has its answer
    else if (does && self->op->end == END_SESSION)
        s_take_end (self, in.closed.status, in.closed.index);
    return true;
}

bool
hf_http_action_frame (hf_http_action_t *self, hf_span_t frame)
{
    hf_scan_t scan;
    uint32_t kind;
    if (!self->asked || hf_frame_open (frame.at, frame.size, &scan, &kind) != HF_OK ||
        !s_take (self, &scan, kind))
        return false;
    self->asked = false;
    return true;
}

void
hf_http_action_late (hf_http_action_t *self)
{
    self->asked = false;
    if (self->step == STEP_LEAVE)
        self->step = STEP_DONE;
    else if (self->step == STEP_DO)
        s_unknown (self, "the cluster did not answer in time");
    else if (self->step != STEP_DONE)
        s_refuse (self, 503, "the cluster did not answer in time: nothing was done");
}

hf_http_answer_t
hf_http_action_answer (const hf_http_action_t *self)
{
    assert (self->step == STEP_DONE);
    return self->answer;
}

const char *
hf_http_action_audit (hf_http_action_t *self)
{
    if (self->audit[0] == 0)
        hf_http_action_late (self);
    return self->audit;
}
