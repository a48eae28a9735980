//  Requests of a session: what each kind does, and that it does it exactly once.
#include "nodes/locks/hf_rings.h"
#include "nodes/locks/hf_state_private.h"

//  ---- one handler for each kind: act, fill in the answer ---------------------------

typedef struct asking {
    hf_state_t *state;
    hf_state_session_t *session;
    hf_outcomes_t *out;
    hf_state_session_t *acts_for; //  of the request at hand; NULL: itself alone
    hf_span_t note;               //  so, too
    hf_pack_t ring;               //  RING_ROWs, when it is refused for that
} asking_t;

static bool
s_no_place (const asking_t *asking, uint32_t count)
{
    return asking->session->places_count + count > HF_PLACES_MAX ||
           asking->state->locks.places + count > HF_PLACES_TOTAL_MAX;
}

/*  The answer that says where CLAIM is; of an upgrade that waits, with the hold that stays. */
static void
s_answer_claim (const asking_t *asking, const hf_state_claim_t *claim, hf_answer_t *answer)
{
    answer->token = claim->token;
    if (claim->token > 0) {
        answer->index = claim->index;
        answer->position = claim->extra->replaces;
    } else {
        answer->status = HF_QUEUED;
        answer->position = hf_locks_position (claim);
        if (claim->upgrade)
            answer->token =
                hf_state_claim_of (hf_locks_place (&asking->state->locks, claim->places[0].lock,
                                                   claim->session->id))
                    ->token;
    }
}

//  ---- ACQUIRE and CLAIM --------------------------------------------------------------

/*  What a request asks for at one lock, if that can be asked for. */
static hf_status_t
s_read_place (const asking_t *asking, const hf_place_t *place, hf_lock_ask_t *ask)
{
    bool exclusive = place->mode == HF_MODE_EXCLUSIVE && place->units == 0 && place->limit == 0;
    bool shared = place->mode == HF_MODE_SHARED && place->units > 0 &&
                  (place->limit == 0 || place->units <= place->limit);
    if (!exclusive && !shared)
        return HF_BAD_REQUEST;
    if (!hf_name_valid (place->lock))
        return HF_BAD_NAME;
    *ask = hf_locks_ask (&asking->state->locks, place->lock);
    ask->units = place->units;
    ask->limit = place->limit;
    return HF_OK;
}

/*  What the request says of CLAIM, which was just made. */
static void
s_dress (asking_t *asking, hf_state_claim_t *claim)
{
    if (asking->acts_for)
        hf_locks_act_for (&asking->state->locks, claim, asking->acts_for);
    if (asking->note.size > 0)
        hf_locks_note (&asking->state->locks, claim, asking->note);
}

/*  CLAIM, which was just made, waits. Who holds a lock that nobody waited for learns of it. */
static void
s_want (const asking_t *asking, const hf_state_claim_t *claim)
{
    for (uint32_t i = 0; i < claim->places_count && claim->token == 0; i++) {
        const hf_state_lock_t *lock = claim->places[i].lock;
        if (lock->queue->waiters_count > 1 || lock->holders_count == 0 || HF_MUTANT (wanted_untold))
            continue;
        hf_outcomes_add (asking->out, HF_OUT_WANTED, 0)->index = asking->state->command_index;
        hf_outcomes_name (asking->out, hf_state_lock_name (lock));
    }
}

/*  Refuse CLAIM, which was just made and waits, if it would wait for ever. */
static bool
s_would_never_end (asking_t *asking, hf_state_claim_t *claim, hf_answer_t *answer)
{
    if (!hf_rings_find (&asking->state->locks, claim, &asking->ring))
        return false;
    answer->status = HF_DEADLOCK;
    hf_locks_remove (&asking->state->locks, claim, HF_HAPPENED_NOTHING);
    hf_locks_settle (&asking->state->locks);
    return true;
}

/*  The session has HOLD, and asks for the same lock in another mode. */
static void
s_change (asking_t *asking, hf_state_claim_t *hold, const hf_lock_ask_t *ask, bool wait,
          hf_answer_t *answer)
{
    hf_locks_t *locks = &asking->state->locks;
    hf_state_claim_t *upgrade = hf_locks_upgrade (ask->lock);
    bool own = upgrade && upgrade->session == asking->session;
    if (ask->units > 0 && hold->places[0].units == 0) {
        hf_locks_downgrade (locks, hold, ask);
        hf_locks_tell (locks, HF_HAPPENED_GRANTED, hold);
        hf_state_grant (asking->state, asking->out);
        s_answer_claim (asking, hold, answer);
    } else if (ask->units > 0)
        answer->status = HF_OVERLAP; //  other units
    else if (own)
        s_answer_claim (asking, upgrade, answer);
    else if (ask->lock->holders_count > 1 && (!wait || (upgrade && !HF_MUTANT (two_upgrades)))) {
        answer->status = wait ? HF_DEADLOCK : HF_NOT_GRANTED;
        if (wait)
            hf_rings_upgrades (hold, upgrade, &asking->ring);
    } else if (s_no_place (asking, 1) || ask->lock->queue->waiters_count >= HF_QUEUE_MAX)
        answer->status = HF_LIMIT;
    else {
        bool alone = ask->lock->holders_count == 1;
        upgrade = hf_locks_join_upgrade (locks, hold, answer->index);
        s_dress (asking, upgrade);
        if (!alone && s_would_never_end (asking, upgrade, answer))
            return;
        if (alone) {
            hf_locks_grant (locks, upgrade, answer->index);
            hf_locks_settle (locks);
        } else {
            hf_locks_tell (locks, HF_HAPPENED_QUEUED, upgrade);
            hf_locks_touch (locks, ask->lock, true);
            hf_state_grant (asking->state, asking->out);
        }
        s_want (asking, upgrade);
        s_answer_claim (asking, upgrade, answer);
    }
}

/*  The session has CLAIM at a lock that is asked for. */
static void
s_again (asking_t *asking, hf_state_claim_t *claim, const hf_lock_ask_t *asks, uint32_t count,
         bool wait, hf_answer_t *answer)
{
    bool same = true, units = true;
    for (uint32_t i = 0; i < count; i++) {
        const hf_state_place_t *place =
            asks[i].lock ? hf_locks_place (&asking->state->locks, asks[i].lock, asking->session->id)
                         : NULL;
        same = same && place && hf_state_claim_of (place) == claim;
        units = units && same && place->units == asks[i].units;
    }
    if (!same || count != claim->places_count)
        answer->status = HF_OVERLAP;
    else if (units) {
        hf_state_claim_t *upgrade = hf_locks_upgrade (asks[0].lock);
        if (upgrade && upgrade->session == asking->session && asks[0].units > 0)
            hf_state_leave (asking->state, upgrade, HF_HAPPENED_LEFT, asking->out);
        s_answer_claim (asking, claim, answer);
    } else if (claim->token > 0 && count == 1)
        s_change (asking, claim, &asks[0], wait, answer);
    else
        answer->status = HF_OVERLAP;
}

/*  One answer for a claim of all of ASKS, with WAIT or without. */
static void
s_claim (asking_t *asking, const hf_lock_ask_t *asks, uint32_t count, bool wait,
         hf_answer_t *answer)
{
    hf_locks_t *locks = &asking->state->locks;
    const hf_state_place_t *own = NULL;
    bool full = s_no_place (asking, count), queued = !hf_locks_open (asks, count);
    for (uint32_t i = 0; i < count; i++) {
        const hf_state_lock_t *lock = asks[i].lock;
        if (!lock)
            continue;
        if (hf_locks_conflict (&asks[i])) {
            answer->status = HF_CONFLICT;
            answer->position = lock->queue->limit;
            return;
        }
        own = own ? own : hf_locks_place (locks, lock, asking->session->id);
        full = full || (queued && lock->queue->waiters_count >= HF_QUEUE_MAX);
    }
    if (own)
        s_again (asking, hf_state_claim_of (own), asks, count, wait, answer);
    else if (queued && !wait)
        answer->status = HF_NOT_GRANTED;
    else if (full)
        answer->status = HF_LIMIT;
    else {
        hf_state_claim_t *claim =
            hf_locks_join (locks, asking->session, asks, count, answer->index);
        s_dress (asking, claim);
        if (claim->token == 0 && s_would_never_end (asking, claim, answer))
            return;
        hf_locks_tell (locks, claim->token > 0 ? HF_HAPPENED_GRANTED : HF_HAPPENED_QUEUED, claim);
        s_want (asking, claim);
        s_answer_claim (asking, claim, answer);
    }
}

static void
s_acquire (asking_t *asking, const hf_acquire_t *acquire, hf_answer_t *answer)
{
    hf_place_t place = {
        .lock = acquire->lock, .mode = acquire->mode, .units = acquire->mode == HF_MODE_SHARED};
    hf_lock_ask_t ask;
    answer->status = s_read_place (asking, &place, &ask);
    if (answer->status == HF_OK)
        s_claim (asking, &ask, 1, acquire->wait, answer);
}

static void
s_acquire_set (asking_t *asking, const hf_claim_t *claim, hf_answer_t *answer)
{
    hf_lock_ask_t asks[HF_SET_MAX];
    hf_scan_t scan = hf_scan_list (claim->places);
    uint32_t count = claim->places.count;
    if (count == 0 || count > HF_SET_MAX)
        answer->status = HF_BAD_REQUEST;
    for (uint32_t i = 0; i < count && answer->status == HF_OK; i++) {
        hf_place_t place;
        answer->status =
            hf_place_get (&scan, &place) ? s_read_place (asking, &place, &asks[i]) : HF_MALFORMED;
    }
    if (answer->status == HF_OK && !hf_locks_distinct (asks, count))
        answer->status = HF_BAD_REQUEST;
    //  One that has ended holds nothing.
    hf_state_session_t *acts_for = hf_sessions_find (&asking->state->sessions, claim->acts_for);
    asking->acts_for = acts_for != asking->session ? acts_for : NULL;
    asking->note = claim->note;
    if (answer->status == HF_OK && asking->acts_for &&
        !hf_sessions_may_act (asking->session, asking->acts_for) && !HF_MUTANT (acts_for_anybody))
        answer->status = HF_DENIED;
    if (answer->status == HF_OK)
        answer->status = hf_locks_note_fits (&asking->state->locks, asking->session, claim->note);
    if (answer->status == HF_OK)
        s_claim (asking, asks, count, claim->wait, answer);
}

//  ---- the others -----------------------------------------------------------------------

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
    if (!hold->extra->section)
        return;
    hf_outcome_t *outcome = hf_outcomes_add (asking->out, HF_OUT_SECTION, hold->session->id);
    outcome->index = index;
    asking->state->section_index = index;
    outcome->owned = hf_section_pack (hold->extra->section, &outcome->parts_list);
    outcome->number = asking->state->appended + 1;
    asking->state->appended += outcome->parts_list.count;
}

/*  Whose HOLD it is learns that another session ended it. */
static void
s_tell_taken (const asking_t *asking, const hf_state_claim_t *hold, bool commit, uint64_t index)
{
    if (hold->session == asking->session || HF_MUTANT (taken_untold))
        return;
    hf_outcome_t *outcome = hf_outcomes_add (asking->out, HF_OUT_TAKEN, hold->session->id);
    outcome->status = commit ? HF_OK : HF_NOT_GRANTED;
    outcome->index = index;
    outcome->answer.token = hold->token;
    outcome->answer.position = asking->session->id;
    hf_outcomes_name (asking->out, hf_state_lock_name (hold->places[0].lock));
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
    s_tell_taken (asking, hold, commit, answer->index);
    hf_state_session_t *owner = hold->session;
    hf_state_leave (asking->state, hold, HF_HAPPENED_RELEASED, asking->out);
    if (owner->gone && hf_chain_empty (&owner->claims))
        hf_state_reopen (asking->state, owner, asking->out);
}

/*  What the session has at the lock of that name: its upgrade, if one waits; NULL: nothing. */
static hf_state_claim_t *
s_own (const asking_t *asking, hf_span_t name)
{
    hf_locks_t *locks = &asking->state->locks;
    hf_state_lock_t *lock = hf_locks_find (locks, name);
    hf_state_place_t *place = lock ? hf_locks_place (locks, lock, asking->session->id) : NULL;
    if (!place)
        return NULL;
    hf_state_claim_t *upgrade = hf_locks_upgrade (lock);
    return upgrade && upgrade->session == asking->session ? upgrade : hf_state_claim_of (place);
}

static void
s_abandon (asking_t *asking, const hf_abandon_t *abandon)
{
    hf_state_claim_t *claim = s_own (asking, abandon->lock);
    if (claim)
        hf_state_leave (asking->state, claim, HF_HAPPENED_RELEASED, asking->out);
}

static void
s_append (asking_t *asking, const hf_append_t *append, hf_answer_t *answer)
{
    hf_state_claim_t *hold = s_hold (asking, append->lock, append->token, append->owner);
    if (!hold || hold->session->gone) {
        answer->status = HF_NOT_HOLDER;
        return;
    }
    if (hold->session != asking->session) {
        hf_outcomes_add (asking->out, HF_OUT_TOUCHED, hold->session->id)->index = answer->index;
        hf_sessions_run (&asking->state->sessions, hold->session, 0);
    }
    if (!hf_name_valid (append->file))
        answer->status = HF_BAD_NAME;
    else
        answer->status = hf_locks_append (&asking->state->locks, hold, append->file, append->data);
}

static void
s_note (asking_t *asking, const hf_note_t *note, hf_answer_t *answer)
{
    hf_locks_t *locks = &asking->state->locks;
    hf_state_claim_t *claim = s_hold (asking, note->lock, note->token, note->owner);
    if (note->token == 0 && note->owner == 0)
        claim = s_own (asking, note->lock);
    if (!claim || claim->session->gone) {
        answer->status = HF_NOT_HOLDER;
        return;
    }
    answer->status = hf_locks_note_fits (locks, claim->session, note->note);
    if (answer->status == HF_OK)
        hf_locks_note (locks, claim, note->note);
    if (answer->status == HF_OK)
        hf_locks_tell (locks, HF_HAPPENED_NOTED, claim);
}

static void
s_execute (asking_t *asking, const hf_request_t *request, hf_answer_t *answer)
{
    switch (request->kind) {
    case HF_KIND_ACQUIRE:
        s_acquire (asking, &request->acquire, answer);
        break;
    case HF_KIND_CLAIM:
        s_acquire_set (asking, &request->claim, answer);
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
    case HF_KIND_NOTE:
        s_note (asking, &request->note, answer);
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
        if (!hf_sessions_may_keep (&asking->state->sessions, asking->session)) {
            answer.status = HF_LIMIT;
            break;
        }
        answer.index = ++asking->state->command_index;
        answer.status = request->status;
        asking->acts_for = NULL;
        asking->note = hf_span ("", 0);
        hf_pack_reset (&asking->ring);
        if (request->status == HF_OK)
            s_execute (asking, request, &answer);
        hf_sessions_keep (&asking->state->sessions, asking->session, &answer);
        break;
    }
    hf_outcomes_answer (asking->out, asking->session->id, &answer);
    if (asking->ring.count > 0)
        hf_outcomes_ring (asking->out, &asking->ring);
    hf_pack_reset (&asking->ring);
}

void
hf_state_requests (hf_state_t *self, hf_state_session_t *session, hf_scan_t *scan, uint32_t count,
                   hf_outcomes_t *out)
{
    asking_t asking = {.state = self, .session = session, .out = out};
    hf_pack_init (&asking.ring);
    for (uint32_t i = 0; i < count; i++) {
        hf_request_t request;
        if (hf_request_get (scan, &request))
            s_request (&asking, &request);
    }
    hf_pack_done (&asking.ring);
}

void
hf_state_refuse_requests (hf_state_t *self, uint64_t session, hf_scan_t *scan, uint32_t count,
                          hf_status_t status, hf_outcomes_t *out)
{
    for (uint32_t i = 0; i < count; i++) {
        hf_request_t request;
        if (!hf_request_get (scan, &request))
            continue;
        hf_answer_t answer = {.seq = request.seq, .status = status, .index = self->command_index};
        hf_outcomes_answer (out, session, &answer);
    }
}
