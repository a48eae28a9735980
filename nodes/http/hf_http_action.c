//  What an operator asks for over HTTP: its JSON, and a question at a time.

#include "base/hf_alloc.h"
#include "nodes/http/hf_http_action_private.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TTL_MS HF_TTL_DEFAULT_MS

#define NODE_FORM "{\"node\": N}"

static const hf_http_op_t s_ops[] = {
    {"release", "{\"lock\": NAME}, and if it has several holders \"token\": N or \"session\": N",
     HF_END_HOLD, 0, "end a hold of lock"},
    {"close", "{\"session\": N}", HF_END_SESSION, 0, "close session"},
    {"lead", NODE_FORM, HF_END_CHANGE, HF_CHANGE_LEAD, "hand the lead to node"},
    {"drain", NODE_FORM, HF_END_CHANGE, HF_CHANGE_DRAIN, "drain node"},
    {"undrain", NODE_FORM, HF_END_CHANGE, HF_CHANGE_UNDRAIN, "no longer drain node"},
};
#define OPS (sizeof s_ops / sizeof *s_ops)

//  ---- what is asked for -------------------------------------------------------------------

static const hf_http_op_t *
s_op (const char *path)
{
    size_t prefix = strlen (HF_HTTP_V1);
    for (size_t i = 0; i < OPS; i++)
        if (strncmp (path, HF_HTTP_V1, prefix) == 0 && strcmp (path + prefix, s_ops[i].name) == 0)
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

uint64_t
hf_http_action_integer (const json_t *object, const char *key)
{
    json_int_t value = json_integer_value (json_object_get (object, key));
    return value > 0 ? (uint64_t)value : 0;
}

/*  A number that may be left out: 0, then. */
static bool
s_read_number (const json_t *root, const char *key, uint64_t *number)
{
    const json_t *value = json_object_get (root, key);
    *number = hf_http_action_integer (root, key);
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
    if (self->op->end == HF_END_HOLD && lock && self->node == 0 &&
        hf_name_valid (hf_span (json_string_value (lock), size))) {
        memcpy (self->lock, json_string_value (lock), size); //  the rest is zero
        return true;
    }
    return fields == 1 && (self->op->end == HF_END_SESSION  ? self->session > 0
                           : self->op->end == HF_END_CHANGE ? self->node > 0
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
        hf_http_action_refuse (self, 400, "it wants %s", self->op->form);
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
    return self->step != HF_STEP_DONE;
}

uint32_t
hf_http_action_what (const hf_http_action_t *self)
{
    return self->step == HF_STEP_STATUS      ? HF_WHAT_STATUS
           : self->step == HF_STEP_MEMBERS   ? HF_WHAT_MEMBERS
           : self->op->end == HF_END_SESSION ? HF_WHAT_SESSIONS
                                             : HF_WHAT_LOCK;
}

/*  Of the leader, behind a barrier, but for what it is asked of itself. */
static void
s_query (hf_http_action_t *self, hf_pack_t *frame)
{
    uint32_t what = hf_http_action_what (self);
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

uint64_t
hf_http_action_change_id (const hf_http_action_t *self)
{
    uint64_t id;
    memcpy (&id, self->nonce, sizeof id);
    return id | 1;
}

static void
s_do (const hf_http_action_t *self, hf_pack_t *frame)
{
    char by[HF_LABEL_MAX + 1];
    if (self->op->end == HF_END_HOLD)
        s_cancel (self, frame);
    else if (self->op->end == HF_END_SESSION)
        hf_close_frame (
            frame,
            &(hf_close_t){.session = self->session, .echo = self->id, .by = s_by (self, by)});
    else
        hf_change_request_frame (frame,
                                 &(hf_change_request_t){.id = hf_http_action_change_id (self),
                                                        .op = self->op->change,
                                                        .node = (uint32_t)self->node,
                                                        .host = hf_span_text (""),
                                                        .by = s_by (self, by)});
}

void
hf_http_action_next (hf_http_action_t *self, uint64_t id, hf_pack_t *frame)
{
    char by[HF_LABEL_MAX + 1];
    assert (self->step != HF_STEP_DONE && !self->asked && id > 0);
    self->asked = true;
    self->id = id;
    switch (self->step) {
    case HF_STEP_OPEN:
        hf_open_frame (frame, &(hf_open_t){.nonce = hf_span (self->nonce, sizeof self->nonce),
                                           .ttl_ms = TTL_MS,
                                           .label = s_by (self, by)});
        break;
    case HF_STEP_DO:
        s_do (self, frame);
        break;
    case HF_STEP_LEAVE:
        hf_close_frame (frame, &(hf_close_t){.session = self->own, .echo = id});
        break;
    default:
        s_query (self, frame);
    }
}

void
hf_http_action_strays (hf_http_action_t *self, bool stray)
{
    self->stray = stray;
}

void
hf_http_action_late (hf_http_action_t *self)
{
    self->asked = false;
    if (self->step == HF_STEP_LEAVE)
        self->step = HF_STEP_DONE;
    else if (self->step == HF_STEP_DO)
        hf_http_action_unknown (self, "the cluster did not answer in time");
    else if (self->step != HF_STEP_DONE)
        hf_http_action_refuse (self, 503, "the cluster did not answer in time: nothing was done");
}

hf_http_answer_t
hf_http_action_answer (const hf_http_action_t *self)
{
    assert (self->step == HF_STEP_DONE);
    return self->answer;
}

const char *
hf_http_action_audit (hf_http_action_t *self)
{
    if (self->audit[0] == 0)
        hf_http_action_late (self);
    return self->audit;
}
