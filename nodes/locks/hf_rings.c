//  The search for rings of waits (hf_rings.h).
#include "nodes/locks/hf_rings.h"
#include "base/hf_mutant.h"

//  A claim that waits, and why the search came to it.
typedef struct hop {
    const hf_state_claim_t *claim;
    uint32_t from;                    //  the hop that waits for this one
    const hf_state_lock_t *lock;      //  where
    const hf_state_session_t *holder; //  of that lock, which waits with the claim; NULL: the claim
                                      //  is before the other one in the queue
} hop_t;

typedef struct search {
    uint64_t number;
    const hf_state_session_t *ends[2]; //  whose holds close the ring
    hop_t hops[HF_RINGS_CLAIMS_MAX];
    uint32_t count, at, steps;
    hop_t closing; //  from the last claim of the ring to the session that closes it
    bool found;
} search_t;

/*  False: the search is over. */
static bool
s_step (search_t *self)
{
    return !self->found && self->count < HF_RINGS_CLAIMS_MAX && self->steps++ < HF_RINGS_STEPS_MAX;
}

/*  The claim at hand waits for CLAIM at LOCK. */
static void
s_visit (search_t *self, hf_state_claim_t *claim, const hf_state_lock_t *lock,
         const hf_state_session_t *holder)
{
    if (claim->token > 0 || hf_state_wait_of (claim)->seen == self->number)
        return;
    hf_state_wait_of (claim)->seen = self->number;
    self->hops[self->count++] =
        (hop_t){.claim = claim, .from = self->at, .lock = lock, .holder = holder};
}

/*  The claim at hand waits for a hold of SESSION at LOCK. */
static void
s_visit_holder (search_t *self, const hf_state_session_t *session, const hf_state_lock_t *lock)
{
    if (session == self->ends[0] || session == self->ends[1]) {
        self->closing = (hop_t){.from = self->at, .lock = lock, .holder = session};
        self->found = true;
        return;
    }
    if (session->detect || HF_MUTANT (detects_all))
        for (hf_chain_t *at = session->claims.next; at != &session->claims && s_step (self);
             at = at->next)
            s_visit (self, HF_AROUND (at, hf_state_claim_t, in_session), lock, session);
    for (hf_chain_t *at = session->acted.next;
         at != &session->acted && s_step (self) && !HF_MUTANT (acts_for_nobody); at = at->next)
        s_visit (self, HF_AROUND (at, hf_state_extra_t, in_acted)->claim, lock, session);
}

/*  Whether PLACE waits as long as the HOLD lasts, whoever else leaves. */
static bool
s_keeps_out (const hf_state_place_t *hold, const hf_state_place_t *place)
{
    uint32_t limit = place->lock->queue->limit;
    if (hf_state_claim_of (place)->upgrade &&
        hf_state_claim_of (hold)->session == hf_state_claim_of (place)->session)
        return false;
    return place->units == 0 || hold->units == 0 || HF_MUTANT (any_holder_waited_for) ||
           (limit > 0 && (uint64_t)hold->units + place->units > limit);
}

static void
s_look_at_holders (search_t *self, const hf_state_place_t *place)
{
    hf_state_lock_t *lock = place->lock;
    uint32_t units = place->units > 0 ? place->units : UINT32_MAX;
    hf_state_queue_t *queue = lock->queue;
    if (queue->seen == self->number && queue->seen_units >= units)
        return;
    //  An upgrade passes over one holder.
    if (!hf_state_claim_of (place)->upgrade) {
        queue->seen = self->number;
        queue->seen_units = units;
    }
    for (hf_chain_t *at = lock->holders.next; at != &lock->holders && s_step (self); at = at->next)
        if (s_keeps_out (hf_state_in_lock (at), place))
            s_visit_holder (self, hf_state_claim_of (hf_state_in_lock (at))->session, lock);
}

/*  Those before the place in its queue, the nearest first. Those before one that was seen were. */
static void
s_look_ahead (search_t *self, const hf_state_place_t *place)
{
    const hf_chain_t *queue = &place->lock->queue->waiters;
    for (hf_chain_t *at = place->in_lock.prev; at != queue && s_step (self); at = at->prev) {
        hf_state_place_t *other = hf_state_in_lock (at);
        if (hf_state_seat_of (other)->seen == self->number)
            return;
        hf_state_seat_of (other)->seen = self->number;
        s_visit (self, hf_state_claim_of (other), place->lock, NULL);
    }
}

//  ---- what is found ------------------------------------------------------------------

static void
s_put_row (hf_pack_t *rows, const hf_state_session_t *session, hf_span_t holds, hf_span_t waits)
{
    hf_ring_row_put (rows, &(hf_ring_row_t){.session = session->id,
                                            .label = hf_sessions_label (session),
                                            .holds = holds,
                                            .waits = waits});
}

/*  From the first claim on: the hops lead the other way. */
static void
s_tell (const search_t *self, hf_pack_t *rows)
{
    uint32_t path[HF_RINGS_CLAIMS_MAX], count = 0;
    for (uint32_t at = self->closing.from;; at = self->hops[at].from) {
        path[count++] = at;
        if (at == 0)
            break;
    }
    for (uint32_t i = count; i-- > 0 && rows->count < HF_RING_MAX;) {
        const hop_t *hop = path[i] == 0 ? &self->closing : &self->hops[path[i]];
        const hop_t *next = i == 0 ? &self->closing : &self->hops[path[i - 1]];
        hf_span_t holds = hop->holder ? hf_state_lock_name (hop->lock) : hf_span ("", 0);
        s_put_row (rows, hop->holder ? hop->holder : hop->claim->session, holds,
                   hf_state_lock_name (next->lock));
    }
}

bool
hf_rings_find (hf_locks_t *self, hf_state_claim_t *claim, hf_pack_t *rows)
{
    const hf_state_session_t *own = claim->session->detect ? claim->session : NULL;
    assert (claim->token == 0);
    if ((!own && !claim->extra->acts_for) || HF_MUTANT (rings_unseen))
        return false;
    search_t search = {.number = ++self->searches, .ends = {own, claim->extra->acts_for}};
    s_visit (&search, claim, NULL, NULL);
    for (; search.at < search.count && !search.found; search.at++) {
        const hf_state_claim_t *waiter = search.hops[search.at].claim;
        for (uint32_t i = 0; i < waiter->places_count && !search.found; i++)
            s_look_at_holders (&search, &waiter->places[i]);
        for (uint32_t i = 0; i < waiter->places_count && !search.found; i++)
            s_look_ahead (&search, &waiter->places[i]);
    }
    if (search.found)
        s_tell (&search, rows);
    return search.found;
}

void
hf_rings_upgrades (const hf_state_claim_t *hold, const hf_state_claim_t *upgrade, hf_pack_t *rows)
{
    hf_span_t name = hf_state_lock_name (hold->places[0].lock);
    s_put_row (rows, hold->session, name, name);
    s_put_row (rows, upgrade->session, name, name);
}
