//  Requests of a session: what each kind does, and that it does it exactly once.
#include "nodes/locks/hf_state_private.h"

//  ---- one handler for each kind: act, fill in the answer ---------------------------

typedef struct asking {
    hf_state_t *state;
    hf_state_session_t *session;
    hf_outcomes_t *out;
} asking_t;

static bool
s_no_place (const asking_t *asking, uint32_t count)
{
    return asking->session->places_count + count > HF_PLACES_MAX ||
           asking->state->locks.places + count > HF_PLACES_TOTAL_MAX;
}

/*  The answer that says where CLAIM is. */
static void
s_answer_claim (const hf_state_claim_t *claim, hf_answer_t *answer)
{
    answer->token = claim->token;
    if (claim->token > 0)
        answer->index = claim->index;
    else {
        answer->status = HF_QUEUED;
        answer->position = hf_locks_position (claim);
    }
}

static void
s_acquire (asking_t *asking, const hf_acquire_t *acquire, hf_answer_t *answer)
{
    if (acquire->mode != HF_MODE_EXCLUSIVE) {
        answer->status = HF_BAD_REQUEST;
        return;
    }
    if (!hf_name_valid (acquire->lock)) {
        answer->status = HF_BAD_NAME;
        return;
    }
    hf_locks_t *locks = &asking->state->locks;
    hf_lock_ask_t ask = hf_locks_ask (locks, acquire->lock);
    const hf_state_place_t *place =
        ask.lock ? hf_locks_place (locks, ask.lock, asking->session->id) : NULL;
    if (place) {
        s_answer_claim (hf_state_claim_of (place), answer);
        return;
    }
    bool queued = !hf_locks_open (&ask, 1);
    assert (ask.lock || !queued); //  a lock without a row is free
    if (queued && !acquire->wait)
        answer->status = HF_NOT_GRANTED;
    else if (s_no_place (asking, 1) || (queued && ask.lock->waiters_count >= HF_QUEUE_MAX))
        answer->status = HF_LIMIT;
    else
        s_answer_claim (hf_locks_join (locks, asking->session, &ask, 1, answer->index), answer);
}

/*  The hold that a request names by lock, token and owner; NULL: NOT_HOLDER. */
static hf_state_claim_t *
s_hold (const asking_t *asking, hf_span_t name, uint64_t token, uint64_t owner)
{
    return hf_locks_hold (&asking->state->locks, name, owner != 0 ? owner : asking->session->id,
                          token);
}

static void
s_commit_section (asking_t *asking, const hf_state_claim_t *hold, uint64_t index)
{
    if (!hold->section)
        return;
    hf_outcome_t *outcome = hf_outcomes_add (asking->out, HF_OUT_SECTION, hold->session->id);
    outcome->index = index;
    asking->state->section_index = index;
    outcome->owned = hf_section_pack (hold->section, &outcome->parts_list);
}

/*  RELEASE, and CANCEL: the same without the section. */
static void
s_release (asking_t *asking, const hf_release_t *release, bool commit, hf_answer_t *answer)
{
    hf_state_claim_t *hold = s_hold (asking, release->lock, release->token, release->owner);
    if (!hold) {
        answer->status = HF_NOT_HOLDER;
        return;
    }
    if (commit || HF_MUTANT (cancel_commits))
        s_commit_section (asking, hold, answer->index);
    hf_state_leave (asking->state, hold, asking->out);
}

static void
s_abandon (asking_t *asking, const hf_abandon_t *abandon)
{
    hf_locks_t *locks = &asking->state->locks;
    hf_state_lock_t *lock = hf_locks_find (locks, abandon->lock);
    hf_state_place_t *place = lock ? hf_locks_place (locks, lock, asking->session->id) : NULL;
    if (place)
        hf_state_leave (asking->state, hf_state_claim_of (place), asking->out);
}

static void
s_append (asking_t *asking, const hf_append_t *append, hf_answer_t *answer)
{
    hf_state_claim_t *hold = s_hold (asking, append->lock, append->token, append->owner);
    if (!hold) {
        answer->status = HF_NOT_HOLDER;
        return;
    }
    if (hold->session != asking->session)
        hf_outcomes_add (asking->out, HF_OUT_TOUCHED, hold->session->id)->index = answer->index;
    if (!hf_name_valid (append->file))
        answer->status = HF_BAD_NAME;
    else
        answer->status = hf_locks_append (&asking->state->locks, hold, append->file, append->data);
}

static void
s_execute (asking_t *asking, const hf_request_t *request, hf_answer_t *answer)
{
    switch (request->kind) {
    case HF_KIND_ACQUIRE:
        s_acquire (asking, &request->acquire, answer);
        break;
    case HF_KIND_RELEASE:
        s_release (asking, &request->release, true, answer);
        break;
    case HF_KIND_CANCEL: {
        const hf_cancel_t *cancel = &request->cancel;
        hf_release_t same = {.lock = cancel->lock, .token = cancel->token, .owner = cancel->owner};
        s_release (asking, &same, false, answer);
        break;
    }
    case HF_KIND_ABANDON:
        s_abandon (asking, &request->abandon);
        break;
    case HF_KIND_APPEND:
        s_append (asking, &request->append, answer);
        break;
    }
}

//  ---- exactly once -------------------------------------------------------------------

static void
s_request (asking_t *asking, const hf_request_t *request)
{
    hf_replies_t *replies = &asking->session->replies;
    hf_answer_t answer = {.seq = request->seq, .index = asking->state->command_index};
    switch (hf_replies_state (replies, request->seq)) {
    case HF_SEQ_STALE:
        answer.status = HF_STALE;
        if (HF_MUTANT (stale_executed) && request->status == HF_OK)
            s_execute (asking, request, &answer);
        break;
    case HF_SEQ_BEYOND:
        answer.status = HF_LIMIT;
        break;
    case HF_SEQ_KNOWN:
        answer = *hf_replies_find (replies, request->seq);
        break;
    case HF_SEQ_NEW:
        if (asking->state->sessions.answers >= HF_ANSWERS_TOTAL_MAX) {
            answer.status = HF_LIMIT;
            break;
        }
        answer.index = ++asking->state->command_index;
        answer.status = request->status;
        if (request->status == HF_OK)
            s_execute (asking, request, &answer);
        hf_sessions_keep (&asking->state->sessions, asking->session, &answer);
        break;
    }
    hf_outcomes_answer (asking->out, asking->session->id, &answer);
}

void
hf_state_requests (hf_state_t *self, hf_state_session_t *session, hf_list_t requests,
                   hf_outcomes_t *out)
{
    asking_t asking = {.state = self, .session = session, .out = out};
    hf_scan_t scan = hf_scan_list (requests);
    while (!hf_scan_at_end (&scan)) {
        hf_request_t request;
        if (hf_request_get (&scan, &request))
            s_request (&asking, &request);
    }
}

void
hf_state_refuse_requests (hf_state_t *self, uint64_t session, hf_list_t requests,
                          hf_status_t status, hf_outcomes_t *out)
{
    hf_scan_t scan = hf_scan_list (requests);
    while (!hf_scan_at_end (&scan)) {
        hf_request_t request;
        if (!hf_request_get (&scan, &request))
            continue;
        hf_answer_t answer = {.seq = request.seq, .status = status, .index = self->command_index};
        hf_outcomes_answer (out, session, &answer);
    }
}
