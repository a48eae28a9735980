//  The queues of locks: what fits beside the holders, which claim is granted next (hf_locks.h).
#include "base/hf_mutant.h"
#include "nodes/locks/hf_locks.h"

//  ---- what excludes what ---------------------------------------------------------

/*  UNITS, 0: EXCLUSIVE, beside the present holders, of whom OWN are the asking session's. */
static bool
s_fits (const hf_state_lock_t *lock, uint32_t units, uint32_t limit, uint32_t own)
{
    if (units == 0)
        return lock->holders_count == own;
    if (lock->holders_count > 0 && lock->queue->units == 0)
        return false;
    return limit == 0 || lock->queue->units + units <= limit || HF_MUTANT (limit_ignored);
}

bool
hf_locks_fits (const hf_state_place_t *place)
{
    return s_fits (place->lock, place->units, place->lock->queue->limit,
                   hf_state_claim_of (place)->upgrade ? 1 : 0);
}

bool
hf_locks_conflict (const hf_lock_ask_t *ask)
{
    return ask->units > 0 && ask->lock && ask->lock->queue->shared > 0 &&
           ask->lock->queue->limit != ask->limit;
}

bool
hf_locks_open (const hf_lock_ask_t *asks, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (asks[i].lock && ((asks[i].lock->queue->waiters_count > 0 &&
                              !(HF_MUTANT (unfair_neighbour) && asks[i].units > 0)) ||
                             !s_fits (asks[i].lock, asks[i].units, asks[i].limit, 0)))
            return false;
    return true;
}

bool
hf_locks_grantable (const hf_state_claim_t *claim)
{
    if (claim->token > 0)
        return false;
    uint32_t count = HF_MUTANT (set_in_parts) ? 1 : claim->places_count;
    for (uint32_t i = 0; i < count; i++) {
        const hf_state_place_t *place = &claim->places[i];
        if (place->in_lock.prev != &place->lock->queue->waiters || !hf_locks_fits (place))
            return false;
    }
    return true;
}

//  ---- holders --------------------------------------------------------------------

void
hf_locks_take (hf_locks_t *self, hf_state_place_t *place)
{
    hf_state_lock_t *lock = place->lock;
    hf_chain_append (&lock->holders, &place->in_lock);
    lock->holders_count++;
    self->holds++;
    hf_state_claim_of (place)->session->holds_count++;
    if (place->units > 0)
        lock->queue->units += place->units;
}

void
hf_locks_give (hf_locks_t *self, hf_state_place_t *place)
{
    hf_state_lock_t *lock = place->lock;
    assert (lock->holders_count > 0 && self->holds > 0 && lock->queue->units >= place->units);
    hf_chain_remove (&place->in_lock);
    lock->holders_count--;
    self->holds--;
    hf_state_claim_of (place)->session->holds_count--;
    if (place->units > 0)
        lock->queue->units -= place->units;
}

//  ---- waiters --------------------------------------------------------------------

//  A queue of so few is gone through.
#define FEW 8

/*  The place is the last in the queue, whose turns are made. */
static void
s_join (hf_state_place_t *place)
{
    hf_turns_t *turns = &place->lock->queue->turns;
    uint32_t ticket = hf_state_seat_of (place)->ticket = hf_turns_join (turns);
    if (ticket == 0)
        hf_turns_done (turns); //  with room for more when they are asked for again
}

void
hf_locks_enqueue (hf_state_place_t *place, bool in_front)
{
    hf_state_queue_t *queue = place->lock->queue;
    if (in_front && queue->waiters_count > 0 && !HF_MUTANT (upgrade_starves))
        hf_chain_append (queue->waiters.next, &place->in_lock); //  before the first
    else
        hf_chain_append (&queue->waiters, &place->in_lock);
    queue->waiters_count++;
    if (queue->turns.counts && !in_front)
        s_join (place);
}

void
hf_locks_dequeue (hf_state_place_t *place)
{
    hf_state_queue_t *queue = place->lock->queue;
    uint32_t ticket = hf_state_seat_of (place)->ticket;
    assert (queue->waiters_count > 0);
    hf_chain_remove (&place->in_lock);
    queue->waiters_count--;
    if (queue->turns.counts && ticket > 0 && !HF_MUTANT (turn_kept))
        hf_turns_leave (&queue->turns, ticket);
    if (queue->waiters_count < FEW / 2)
        hf_turns_done (&queue->turns);
}

/*  As many may join as there are before this is done again. */
static void
s_make_turns (hf_state_queue_t *queue)
{
    hf_turns_begin (&queue->turns, 2 * queue->waiters_count);
    HF_CHAIN_EACH (&queue->waiters, at)
    {
        hf_state_place_t *place = hf_state_in_lock (at);
        if (!hf_state_claim_of (place)->upgrade)
            s_join (place);
    }
}

static uint64_t
s_position (const hf_state_place_t *waiter)
{
    hf_state_queue_t *queue = waiter->lock->queue;
    if (waiter->in_lock.next == &queue->waiters)
        return queue->waiters_count;
    if (queue->waiters_count > FEW && !hf_state_claim_of (waiter)->upgrade &&
        !HF_MUTANT (queue_walked)) {
        if (!queue->turns.counts)
            s_make_turns (queue);
        return hf_turns_upto (&queue->turns, hf_state_seat_of (waiter)->ticket) +
               (hf_locks_upgrade (waiter->lock) ? 1 : 0);
    }
    uint64_t position = 1;
    for (const hf_chain_t *at = waiter->in_lock.prev; at != &queue->waiters; at = at->prev)
        position++;
    return position;
}

uint64_t
hf_locks_position (const hf_state_claim_t *waiter)
{
    assert (waiter->token == 0);
    uint64_t worst = 0;
    for (uint32_t i = 0; i < waiter->places_count; i++) {
        uint64_t position = s_position (&waiter->places[i]);
        worst = position > worst ? position : worst;
    }
    return worst;
}

//  ---- grants -----------------------------------------------------------------------

void
hf_locks_touch (hf_locks_t *self, hf_state_lock_t *lock, bool moved)
{
    lock->moved |= moved;
    if (lock->touched)
        return;
    lock->touched = true;
    *hf_array_add (&self->touched) = lock;
}

/*  The claim of the first waiter, if it can be granted. */
static hf_state_claim_t *
s_next (const hf_state_lock_t *lock)
{
    if (hf_chain_empty (&lock->queue->waiters))
        return NULL;
    const hf_chain_t *first =
        HF_MUTANT (queue_backwards) ? lock->queue->waiters.prev : lock->queue->waiters.next;
    hf_state_place_t *place = HF_AROUND (first, hf_state_place_t, in_lock);
    hf_state_claim_t *claim = hf_state_claim_of (place);
    if (HF_MUTANT (queue_backwards))
        return hf_locks_fits (place) ? claim : NULL;
    return hf_locks_fits (place) && hf_locks_grantable (claim) ? claim : NULL;
}

hf_state_claim_t *
hf_locks_grant_next (hf_locks_t *self, uint64_t index)
{
    for (;;) {
        for (; self->touched_at < self->touched.count; self->touched_at++) {
            hf_state_claim_t *claim = s_next (self->touched.list[self->touched_at]);
            if (!claim)
                continue;
            self->touched_again |= claim->places_count > 1 && !HF_MUTANT (set_grants_once);
            self->touched_at += HF_MUTANT (one_neighbour);
            hf_locks_grant (self, claim, index);
            return claim;
        }
        if (!self->touched_again)
            return NULL;
        self->touched_again = false;
        self->touched_at = 0;
    }
}

void
hf_locks_settle (hf_locks_t *self)
{
    for (size_t i = 0; i < self->touched.count; i++) {
        hf_state_lock_t *lock = self->touched.list[i];
        lock->touched = lock->moved = false;
        if (lock->holders_count + lock->queue->waiters_count > 0)
            continue;
        hf_table_remove (&self->by_name, &lock->by_name);
        assert (!lock->queue->turns.counts);
        hf_locks_free_lock (self, lock);
    }
    self->touched.count = self->touched_at = 0;
    if (HF_MUTANT (token_again) && self->by_name.count == 0)
        self->last_token = 0;
}

uint32_t
hf_locks_wanting (const hf_state_claim_t *hold)
{
    const hf_state_claim_t *upgrade = hf_locks_upgrade (hold->places[0].lock);
    uint32_t most = 0, own = upgrade && upgrade->session == hold->session;
    for (uint32_t i = 0; i < hold->places_count; i++) {
        uint32_t waiters = hold->places[i].lock->queue->waiters_count - own;
        most = waiters > most ? waiters : most;
    }
    return most;
}
