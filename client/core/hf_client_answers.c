//  What the leader says of requests: answers, grants, places in queues.
//
//  A grant may come three ways: in the answer, pushed, and listed in KEPT; any of them may be
//  lost, late or repeated. A grant belongs to a waiting acquire only when its index is not before
//  that of the answer that put it in the queue: an older one belongs to an earlier hold. And no
//  acquire waits for a grant that was given before: such a place in the queue became that hold.

#include "client/core/hf_client_internal.h"
#include <assert.h>

typedef struct grant {
    uint64_t token, index, replaces;
} grant_t;

/*  An answer of a later index shows that the hold is over. Report its loss, unless this session's
 * own release is on its way: then its answer comes. */
static void
s_over (hf_client_place_t *place)
{
    const hf_window_t *window = &place->session->window;
    for (uint64_t seq = window->floor; seq < window->next && place->held; seq++) {
        const hf_op_t *op = hf_window_get (window, seq);
        if (op && op->place == place && op->kind != HF_OP_APPEND && op->token == place->token)
            return;
    }
    hf_client_place_lost (place, NULL);
}

/*  A hold: OP's, or in another mode as OP asked for; NULL: the one that was listed. */
static void
s_hold (hf_client_place_t *place, const grant_t *grant, const hf_op_t *op)
{
    place->granted_index = grant->index;
    if (op) {
        place->mode = op->mode;
        place->units = op->units;
        place->limit = op->limit;
        place->held_wants = op->wants;
    }
    if (place->held && place->token == grant->token)
        return;
    //  An upgrade goes on with the section of the hold that it replaces.
    bool goes_on = place->held && place->token == grant->replaces && !HF_MUTANT (upgrade_is_loss);
    if (!goes_on)
        place->alias = 0;
    else if (place->given > 0) //  else the user does not know that token
        place->alias = place->token;
    if (!goes_on)
        s_over (place);
    place->held = true;
    place->given = 0;
    place->wanted = 0;
    place->token = grant->token;
    place->held_us = place->session->core->now_us;
}

/*  Give the grant to an acquire, unless the lease is over. */
static bool
s_give (hf_op_t *op, const grant_t *grant)
{
    hf_client_place_t *place = op->place;
    if (!HF_MUTANT (grant_past_deadline) && !hf_client_session_alive (op->session)) {
        hf_client_session_end (op->session);
        return false;
    }
    s_hold (place, grant, op);
    place->given++;
    place->early_token = 0;
    hf_op_finish (op, HF_OK, grant->index, grant->token);
    return true;
}

static hf_op_t *
s_waiting_since (const hf_client_place_t *place, uint64_t index)
{
    HF_CHAIN_EACH (&place->waiting, at)
    {
        hf_op_t *op = HF_AROUND (at, hf_op_t, chain);
        if (op->queued_index <= index || HF_MUTANT (old_grant_taken))
            return op;
    }
    return NULL;
}

/*  The session holds the lock: every acquire of it that waits is granted. */
static void
s_granted (hf_client_place_t *place, grant_t grant)
{
    if (grant.token == 0)
        return;
    place->refs++;
    hf_op_t *op = s_waiting_since (place, grant.index);
    if (!op && place->live > 0 && grant.index >= place->early_index) {
        //  The push overtook the answer to the acquire, which decides whether it fits.
        place->early_token = grant.token;
        place->early_index = grant.index;
        place->early_replaces = grant.replaces;
    }
    //  An upgrade that was given up was granted all the same: the hold goes on under this token.
    if (!op && place->live == 0 && place->held && place->token == grant.replaces)
        s_hold (place, &grant, NULL);
    while (op && s_give (op, &grant))
        op = s_waiting_since (place, grant.index);
    hf_client_place_let (place);
}

/*  So many others wait for the hold with that token. */
static void
s_wanted (hf_client_place_t *place, uint64_t token, uint64_t waiters)
{
    if (!place->held || place->token != token || place->wanted == waiters)
        return;
    place->wanted = waiters;
    if (waiters > 0)
        hf_client_session_event (place->session, HF_SESSION_WANTED, place, token, waiters, NULL);
}

static void
s_listed_grant (hf_client_place_t *place, const hf_granted_t *granted)
{
    s_granted (place, (grant_t){granted->token, granted->index, granted->replaces});
}

static void
s_moved (hf_client_place_t *place, uint64_t position)
{
    if (hf_chain_empty (&place->waiting) || place->position == position)
        return;
    place->position = position;
    hf_client_session_event (place->session, HF_SESSION_MOVED, place, 0, position, NULL);
}

/*  Another session ended a hold. It is found by its token: of a set the name may be any. */
static void
s_taken (hf_client_session_t *session, const hf_taken_t *taken)
{
    HF_CHAIN_EACH_SAFE (&session->places_all, at)
    {
        hf_client_place_t *place = HF_AROUND (at, hf_client_place_t, all);
        if (!place->held || (place->token != taken->token && !HF_MUTANT (taken_by_name)))
            continue;
        place->refs++;
        hf_client_place_lost (place, hf_client_why_taken (taken));
        hf_client_place_let (place);
        return;
    }
}

//  ---- answers ----------------------------------------------------------------

static void
s_queued (hf_op_t *op, const hf_answer_t *answer)
{
    hf_client_place_t *place = op->place;
    hf_op_remove (op);
    if (place->granted_index > 0 && answer->index <= place->granted_index) {
        //  The answer was overtaken by the grant, which other acquires of this session got. Its
        //  hold may be over, so ask again.
        hf_client_place_unpark (place);
        hf_client_requests_line_up (op, op->session->ready.next);
        return;
    }
    //  An upgrade waits, and the hold stays.
    if (!place->held || place->token != answer->token || HF_MUTANT (upgrade_is_loss))
        s_over (place);
    op->state = HF_OP_WAITING;
    op->queued_index = answer->index;
    op->queued_us = op->session->core->now_us;
    hf_chain_append (&place->waiting, &op->chain);
    hf_client_place_unpark (place);
    place->position = 0;
    s_moved (place, answer->position);
    if (place->early_token != 0 && place->early_index >= answer->index)
        s_granted (place, (grant_t){place->early_token, place->early_index, place->early_replaces});
}

/*  Whether the grant is of what the session holds already, or has replaced it. */
static bool
s_keeps (const hf_client_place_t *place, const grant_t *grant)
{
    return place->held && (place->token == grant->token || place->token == grant->replaces);
}

static void
s_acquire_answered (hf_op_t *op, const hf_answer_t *answer, const hf_behind_t *behind)
{
    hf_client_place_t *place = op->place;
    place->refs++;
    bool wanted = !op->orphan;
    grant_t grant = {answer->token, answer->index, answer->position};
    hf_client_gone_t gone = {.wants = op->wants, .order = op->order};
    if (answer->status == HF_OK && wanted) {
        //  Earlier acquires of this session that wait have it too: it ends with one release.
        if (s_give (op, &grant))
            s_granted (place, grant);
    } else if (answer->status == HF_OK && s_keeps (place, &grant)) {
        //  An upgrade was given up, and the hold stays, if under another token.
        bool changed = place->mode != op->mode;
        s_hold (place, &grant, NULL);
        hf_op_finish (op, HF_NOT_GRANTED, answer->index, 0);
        if (changed)
            hf_client_requests_withdraw (place, gone);
    } else if (answer->status == HF_QUEUED && wanted && op->wait) {
        s_queued (op, answer);
    } else if (answer->status == HF_OK || answer->status == HF_QUEUED) {
        //  The acquire was given up, or an earlier one that was given up left its place.
        bool upgrade = place->held && place->token == answer->token && place->mode != op->mode;
        if (place->held && place->token != answer->token && answer->index > place->granted_index)
            s_over (place);
        hf_op_finish (op, HF_NOT_GRANTED, answer->index, 0);
        if (upgrade)
            hf_client_requests_withdraw (place, gone);
        else
            hf_client_requests_abandon (place, gone);
    } else {
        if (wanted)
            hf_client_why (op, answer, behind);
        hf_op_finish (op, (hf_status_t)answer->status, answer->index, 0);
    }
    hf_client_place_let (place);
}

/*  Whether the hold had that token since its user was given one. */
static bool
s_replaced (const hf_client_place_t *place, uint64_t token)
{
    if (HF_MUTANT (replaced_twice_lost))
        return token == place->alias;
    return place->alias != 0 && token >= place->alias && token < place->token;
}

static void
s_other_answered (hf_op_t *op, const hf_answer_t *answer, const hf_behind_t *behind)
{
    hf_client_place_t *place = op->place;
    bool own = op->owner == 0 || op->owner == op->session->id;
    bool ends = op->kind == HF_OP_RELEASE || op->kind == HF_OP_CANCEL;
    if (own && answer->status == HF_NOT_HOLDER && op->token != 0 && place->held &&
        s_replaced (place, op->token)) {
        //  It was on its way when the hold got another token.
        op->token = place->token;
        hf_op_remove (op);
        hf_client_place_unpark (place);
        hf_client_requests_line_up (op, op->session->ready.next);
        return;
    }
    place->refs++;
    if (own && place->held && place->token == op->token && op->kind != HF_OP_NOTE) {
        if (answer->status == HF_OK && ends)
            place->held = false;
        else if (answer->status == HF_NOT_HOLDER)
            hf_client_place_lost (place, NULL);
    }
    //  STALE: the cluster has dropped this answer, so the outcome is unknown.
    bool stale = answer->status == HF_STALE;
    if (!op->orphan)
        hf_client_why (op, answer, behind);
    hf_op_finish (op, stale ? HF_UNDECIDED : (hf_status_t)answer->status, answer->index, 0);
    hf_client_place_let (place);
}

/*  Whether a node may answer this request so. */
static bool
s_sensible (const hf_op_t *op, const hf_answer_t *answer)
{
    if (answer->status >= HF_TIMEOUT)
        return false;
    bool acquire = op->kind == HF_OP_ACQUIRE;
    if (answer->status == HF_QUEUED || answer->status == HF_NOT_GRANTED)
        return acquire;
    return answer->status != HF_OK || !acquire || answer->token != 0;
}

static void
s_answer (hf_client_session_t *session, const hf_answer_t *answer, const hf_behind_t *behind)
{
    hf_op_t *op = hf_window_get (&session->window, answer->seq);
    if (!op || !s_sensible (op, answer))
        return;
    if (answer->status == HF_SESSION_EXPIRED) {
        session->expired = true;
        hf_client_session_end (session);
        return;
    }
    //  These went through the log after the request was first sent: as good as a keepalive.
    uint64_t sent_us = HF_MUTANT (renewed_from_repeat) ? op->sent_us : op->first_us;
    if (answer->status <= HF_NOT_HOLDER)
        hf_lease_renew (&session->lease, sent_us, session->core->now_us);
    if (op->kind == HF_OP_ACQUIRE)
        s_acquire_answered (op, answer, behind);
    else
        s_other_answered (op, answer, behind);
    hf_client_session_mark (session); //  the window has room, parked requests may go
}

static void
s_item (hf_client_session_t *session, hf_scan_t *scan)
{
    hf_answer_t answer;
    hf_granted_t granted;
    hf_moved_t moved;
    hf_wanted_t wanted;
    hf_taken_t taken;
    hf_client_place_t *place = NULL;
    switch (hf_scan_kind (scan)) {
    case HF_KIND_ANSWER:
        if (hf_answer_get (scan, &answer)) {
            hf_behind_t behind = {.kind = 0};
            if (answer.status > HF_NOT_GRANTED) //  nothing says why one went through
                behind = hf_client_why_behind (*scan, answer.seq);
            s_answer (session, &answer, &behind);
        }
        break;
    case HF_KIND_GRANTED:
        if (hf_granted_get (scan, &granted))
            place = hf_client_place_find (session, granted.lock.at, granted.lock.size);
        if (place) {
            place->refs++;
            s_listed_grant (place, &granted);
            s_wanted (place, granted.token, granted.waiters);
            hf_client_place_let (place);
        }
        break;
    case HF_KIND_WANTED:
        if (hf_wanted_get (scan, &wanted))
            place = hf_client_place_find (session, wanted.lock.at, wanted.lock.size);
        if (place)
            s_wanted (place, wanted.token, wanted.waiters);
        break;
    case HF_KIND_TAKEN:
        if (hf_taken_get (scan, &taken))
            s_taken (session, &taken);
        break;
    case HF_KIND_MOVED:
        if (hf_moved_get (scan, &moved))
            place = hf_client_place_find (session, moved.lock.at, moved.lock.size);
        if (place)
            s_moved (place, moved.position);
        break;
    default:
        hf_scan_skip (scan, 1);
    }
}

void
hf_client_answers_take (hf_client_core_t *core, const hf_answers_t *answers)
{
    hf_client_session_t *session = hf_client_session_find (core, answers->session);
    if (HF_MUTANT (other_session) && !session && !hf_chain_empty (&core->sessions_all))
        session = HF_AROUND (core->sessions_all.next, hf_client_session_t, all);
    hf_scan_t scan = hf_scan_list (answers->items);
    for (uint32_t i = 0; i < answers->items.count && !scan.bad; i++) {
        if (!session || session->ended)
            return;
        s_item (session, &scan);
    }
}

//  ---- KEPT lists what is held and queued -------------------------------------

static void
s_listed (hf_client_session_t *session, const hf_kept_t *kept, uint64_t echo)
{
    hf_scan_t scan = hf_scan_list (kept->held);
    for (uint32_t i = 0; i < kept->held.count && !scan.bad && !session->ended; i++) {
        hf_granted_t granted;
        if (!hf_granted_get (&scan, &granted))
            return;
        hf_client_place_t *place =
            hf_client_place_find (session, granted.lock.at, granted.lock.size);
        if (!place) {
            //  The cluster has forgotten that it was released: it goes on from an older state.
            hf_client_requests_return (session, granted.lock, granted.token);
            continue;
        }
        place->refs++;
        if (!place->held || place->token == granted.token || place->token == granted.replaces)
            place->seen_us = place->listed_us = echo;
        if (!HF_MUTANT (push_unhealed))
            s_listed_grant (place, &granted);
        s_wanted (place, granted.token, granted.waiters);
        hf_client_place_let (place);
    }
    scan = hf_scan_list (kept->queued);
    for (uint32_t i = 0; i < kept->queued.count && !scan.bad && !session->ended; i++) {
        hf_moved_t moved;
        if (!hf_moved_get (&scan, &moved))
            return;
        hf_client_place_t *place = hf_client_place_find (session, moved.lock.at, moved.lock.size);
        if (place && !hf_chain_empty (&place->waiting)) {
            place->seen_us = echo;
            s_moved (place, moved.position);
        }
    }
}

/*  KEPT did not list the place: a hold is lost, a place in the queue is asked for anew. This holds
 *  only for what was there before the keepalive was sent and what no request is changing. */
static void
s_unlisted (hf_client_place_t *place, uint64_t echo)
{
    if (place->out > 0 || !hf_chain_empty (&place->parked))
        return;
    if (place->listed_us != echo && place->held && place->held_us < echo &&
        !HF_MUTANT (unlisted_kept))
        hf_client_place_lost (place, NULL);
    if (place->seen_us == echo)
        return;
    HF_CHAIN_EACH_SAFE (&place->waiting, at)
    {
        hf_op_t *op = HF_AROUND (at, hf_op_t, chain);
        if (op->queued_us < echo) {
            hf_chain_remove (&op->chain);
            hf_client_requests_line_up (op, place->session->ready.next);
        }
    }
    hf_client_place_check (place);
}

void
hf_client_answers_kept (hf_client_session_t *session, const hf_kept_t *kept, uint64_t echo)
{
    s_listed (session, kept, echo);
    HF_CHAIN_EACH_SAFE (&session->places_all, at)
    {
        if (!session->ended)
            s_unlisted (HF_AROUND (at, hf_client_place_t, all), echo);
    }
}
