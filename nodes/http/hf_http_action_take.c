//  What comes back to an operator's action, and what is asked next.

#include "base/hf_mutant.h"
#include "nodes/http/hf_http_action_private.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void
s_forget_rows (hf_http_action_t *self)
{
    json_decref (self->rows);
    self->rows = NULL;
    self->page = (hf_http_page_t){.offset = 0};
}

/*  It goes into a line of the log: of what is no text, nothing does. */
static void
s_text (const json_t *object, const char *key, char *text, size_t room)
{
    const char *value = json_string_value (json_object_get (object, key));
    bool good = value && strlen (value) < room && hf_text_valid (hf_span_text (value));
    snprintf (text, room, "%s", good ? value : "");
}

static void
s_take_status (hf_http_action_t *self)
{
    self->leader = hf_http_action_integer (self->rows, "leader");
    bool leads = self->leader > 0 && self->leader == hf_http_action_integer (self->rows, "node");
    s_forget_rows (self);
    if (self->leader == 0)
        hf_http_action_refuse (self, 503, "nobody is known to lead: nothing was done");
    else if (!leads && !HF_MUTANT (acts_anywhere))
        self->step = HF_STEP_MEMBERS;
    else
        self->step = self->op->end == HF_END_CHANGE ? HF_STEP_DO : HF_STEP_LOOK;
}

/*  Somebody else leads. */
static void
s_take_members (hf_http_action_t *self)
{
    char why[HF_WHY_MAX], where[300] = "";
    size_t i;
    json_t *member;
    json_array_foreach (self->rows, i, member)
    {
        if (hf_http_action_integer (member, "id") == self->leader)
            s_text (member, "host", where, sizeof where);
    }
    snprintf (why, sizeof why, "node %" PRIu64 " leads%s%s: nothing was done; ask at its HTTP port",
              self->leader, where[0] ? ", at " : "", where);
    hf_http_action_end (self, 409,
                        json_pack ("{s:s, s:I, s:s}", "error", why, "leader",
                                   (json_int_t)self->leader, "host", where),
                        why);
}

static void
s_take_session (hf_http_action_t *self)
{
    const json_t *row = json_array_get (self->rows, 0);
    if (hf_http_action_integer (row, "session") != self->session ||
        json_is_true (json_object_get (row, "gone"))) {
        hf_http_action_refuse (self, 404, "there is no such session");
        return;
    }
    self->held = hf_http_action_integer (row, "held");
    self->queued = hf_http_action_integer (row, "queued");
    s_text (row, "label", self->label, sizeof self->label);
    s_forget_rows (self);
    self->step = HF_STEP_DO;
}

/*  Which hold is meant, if only one can be. */
static void
s_take_lock (hf_http_action_t *self)
{
    const json_t *holders = json_object_get (json_array_get (self->rows, 0), "holders");
    const json_t *meant = NULL;
    for (size_t i = 0; i < json_array_size (holders); i++) {
        const json_t *holder = json_array_get (holders, i);
        if ((self->token != 0 && self->token != hf_http_action_integer (holder, "token")) ||
            (self->session != 0 && self->session != hf_http_action_integer (holder, "session")))
            continue;
        self->holders++;
        meant = holder;
    }
    if (!meant && json_array_size (holders) > 0)
        hf_http_action_refuse (self, 409, "nobody holds it with that token or session");
    else if (!meant)
        hf_http_action_refuse (self, 404, "nobody holds it");
    else if (self->holders > 1 && !HF_MUTANT (any_hold_ended))
        hf_http_action_refuse (self, 409,
                               "it has %" PRIu64 " holders: say which by its token or session",
                               self->holders);
    else {
        self->session = hf_http_action_integer (meant, "session");
        self->token = hf_http_action_integer (meant, "token");
        s_text (meant, "label", self->label, sizeof self->label);
        s_forget_rows (self);
        self->step = HF_STEP_OPEN;
    }
}

/*  Rows of a query. Of a lock, those that wait need not be looked at. */
static void
s_take_rows (hf_http_action_t *self, const hf_query_result_t *result)
{
    uint32_t what = hf_http_action_what (self);
    uint64_t before = self->page.offset;
    if (what == HF_WHAT_LOCK && result->status == HF_NOT_FOUND) {
        s_take_lock (self);
        return;
    }
    if (result->status != HF_OK) {
        hf_http_action_refuse_status (self, result->status);
        return;
    }
    if (!hf_http_rows (what, result->rows, self->rows, &self->page)) {
        hf_http_action_refuse (self, 500, "the node's own answer cannot be read");
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
        hf_http_action_done (self);
    else
        hf_http_action_refuse_status (self, result->status);
}

static void
s_take_end (hf_http_action_t *self, uint32_t status, uint64_t index)
{
    self->index = index;
    if (status == HF_NOT_HOLDER)
        hf_http_action_refuse (self, 409, "it changed hands meanwhile: nothing was ended");
    else if (status == HF_OK || (status == HF_SESSION_EXPIRED && self->op->end == HF_END_SESSION))
        hf_http_action_done (self); //  it may have ended by itself
    else
        hf_http_action_refuse_status (self, status);
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
    bool lead = self->op->change == HF_CHANGE_LEAD && self->step == HF_STEP_DO;
    if (lead && leader == 0)
        return false; //  it is told again when one is known
    if (lead && leader == self->node)
        hf_http_action_done (self);
    else if (lead)
        hf_http_action_refuse (self, 409, "node %" PRIu32 " leads now", leader);
    else if (self->step == HF_STEP_DO)
        hf_http_action_unknown (self, "this node lost the lead");
    else
        hf_http_action_refuse (self, 503, "the lead changes hands: nothing was done; ask again");
    return true;
}

/*  It names no question. Of what is done, only what ends it for certain is taken for its answer. */
static bool
s_take_refusal (hf_http_action_t *self, const hf_refused_t *refused)
{
    if (self->step == HF_STEP_LEAVE) {
        self->step = HF_STEP_DONE;
        return true;
    }
    bool does = self->step == HF_STEP_DO, lost = refused->status == HF_NOT_LEADER;
    //  Who waited for a leader is told that this node is it.
    if (does && lost && refused->leader == self->leader && !HF_MUTANT (notice_is_answer))
        return false;
    if (lost)
        return s_take_loss (self, refused->leader);
    if (does && self->stray && !HF_MUTANT (stray_is_answer))
        hf_http_action_unknown (self, "what was refused may be a question before");
    else
        hf_http_action_refuse_status (self, refused->status);
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
    bool does = self->step == HF_STEP_DO;
    if (kind == HF_KIND_REFUSED && hf_refused_get (scan, &in.refused))
        return s_take_refusal (self, &in.refused);
    if (kind == HF_KIND_RESULT && hf_query_result_get (scan, &in.result)) {
        if (does && self->op->end == HF_END_CHANGE &&
            in.result.id == hf_http_action_change_id (self))
            s_take_verdict (self, &in.result);
        else if (self->step <= HF_STEP_LOOK && in.result.id == self->id)
            s_take_rows (self, &in.result);
        else
            return false;
        return true;
    }
    if (kind == HF_KIND_OPENED && self->step == HF_STEP_OPEN && hf_opened_get (scan, &in.opened) &&
        hf_span_equal (in.opened.nonce, hf_span (self->nonce, sizeof self->nonce))) {
        self->own = in.opened.session;
        self->step = HF_STEP_DO;
        if (in.opened.status != HF_OK)
            hf_http_action_refuse_status (self, in.opened.status);
        return true;
    }
    if (kind == HF_KIND_ANSWERS && does && self->op->end == HF_END_HOLD &&
        hf_answers_get (scan, &in.answers) && in.answers.session == self->own)
        return s_take_answers (self, in.answers.items);
    if (kind != HF_KIND_CLOSED_REPLY || !hf_closed_get (scan, &in.closed) ||
        in.closed.echo != self->id)
        return false;
    if (self->step == HF_STEP_LEAVE)
        self->step = HF_STEP_DONE; //  it has its answer
    else if (does && self->op->end == HF_END_SESSION)
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
