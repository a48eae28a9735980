//  The invariants of the lock table, apart from the code that must keep them.
#include "base/hf_alloc.h"
#include "nodes/locks/hf_locks.h"

typedef struct tally {
    size_t places, waiters;
    uint64_t staged_bytes;
} tally_t;

static void
s_check_hold (const hf_locks_t *self, const hf_state_place_t *place, tally_t *tally)
{
    assert (place->token > 0 && place->token <= self->last_token);
    if (place->section) {
        assert (!hf_section_empty (place->section));
        hf_section_check (place->section);
        tally->staged_bytes += hf_section_cost (place->section);
    }
}

static void
s_check_waiter (const hf_state_place_t *place, uint64_t *last_ticket)
{
    const hf_state_lock_t *lock = place->lock;
    assert (place->token == 0 && !place->section);
    assert (place->ticket > *last_ticket && place->ticket <= lock->last_ticket);
    if (!lock->holes && *last_ticket > 0)
        assert (place->ticket == *last_ticket + 1);
    *last_ticket = place->ticket;
}

static void
s_check_lock (const hf_locks_t *self, const hf_state_lock_t *lock, tally_t *tally)
{
    assert (hf_name_valid (hf_state_lock_name (lock)));
    assert (hf_locks_find (self, hf_state_lock_name (lock)) == lock);
    size_t holders = 0, waiters = 0;
    HF_CHAIN_EACH (&lock->holders, at)
    {
        const hf_state_place_t *place = HF_AROUND (at, hf_state_place_t, in_lock);
        assert (place->lock == lock);
        assert (hf_locks_place (self, lock, place->session->id) == place);
        s_check_hold (self, place, tally);
        holders++;
    }
    uint64_t last_ticket = 0;
    HF_CHAIN_EACH (&lock->waiters, at)
    {
        const hf_state_place_t *place = HF_AROUND (at, hf_state_place_t, in_lock);
        assert (place->lock == lock);
        assert (hf_locks_place (self, lock, place->session->id) == place);
        s_check_waiter (place, &last_ticket);
        waiters++;
    }
    //  P5a: exclusive means one holder; and nobody waits for what nobody holds.
    assert (lock->mode == HF_MODE_EXCLUSIVE && holders == 1);
    assert (holders == lock->holders_count && waiters == lock->waiters_count);
    assert (waiters <= HF_QUEUE_MAX);
    if (!lock->holes && waiters > 0)
        assert (last_ticket == lock->last_ticket);
    tally->places += holders + waiters;
    tally->waiters += waiters;
}

void
hf_locks_check (const hf_locks_t *self)
{
    tally_t tally = {.places = 0};
    size_t locks = 0;
    hf_table_node_t *node = hf_table_first (&self->by_name);
    for (; node; node = hf_table_next (&self->by_name, node), locks++)
        s_check_lock (self, HF_AROUND (node, hf_state_lock_t, by_name), &tally);
    assert (locks == self->by_name.count);
    assert (tally.waiters == self->by_waiter.count);
    assert (tally.places == self->places && tally.places <= HF_PLACES_TOTAL_MAX);
    assert (tally.staged_bytes == self->staged_bytes);
    assert (self->staged_bytes <= HF_STAGED_BYTES_MAX);
}
