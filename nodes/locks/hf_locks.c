//  The lock table: locks by name, places by session; invariants (hf_locks.h).
#include "nodes/locks/hf_locks.h"
#include "base/hf_hash.h"
#include "base/hf_mutant.h"

const hf_state_queue_t hf_state_no_queue = {
    .waiters = {(hf_chain_t *)&hf_state_no_queue.waiters, (hf_chain_t *)&hf_state_no_queue.waiters},
};
const hf_state_extra_t hf_state_no_extra = {.claim = NULL};

void
hf_locks_init (hf_locks_t *self, hf_rows_t *rows, const uint64_t *command)
{
    *self = (hf_locks_t){.rows = rows, .command = command};
    hf_table_init (&self->by_name);
    hf_table_init (&self->by_session);
    hf_chain_init (&self->waiting);
}

static hf_state_lock_t *
s_by_name (hf_table_node_t *node)
{
    return HF_AROUND (node, hf_state_lock_t, by_name);
}

void
hf_locks_free_claim (hf_locks_t *self, hf_state_claim_t *claim)
{
    if (claim->extra != &hf_state_no_extra) {
        hf_section_destroy (&claim->extra->section);
        free (claim->extra->note);
        free (claim->extra);
    }
    hf_spare_give (&self->spare, claim, hf_state_claim_size (claim->places_count, claim->seated));
}

void
hf_locks_free_lock (hf_locks_t *self, hf_state_lock_t *lock)
{
    if (lock->queue != &hf_state_no_queue) {
        hf_turns_done (&lock->queue->turns);
        hf_spare_give (&self->spare, lock->queue, sizeof *lock->queue);
    }
    hf_spare_give (&self->spare, lock, hf_state_lock_size (lock->name_size));
}

void
hf_locks_done (hf_locks_t *self, const hf_sessions_t *sessions)
{
    HF_CHAIN_EACH (&sessions->in_order, in_order)
    {
        hf_state_session_t *session = HF_AROUND (in_order, hf_state_session_t, in_order);
        HF_CHAIN_EACH_SAFE (&session->claims, at)
        {
            hf_locks_free_claim (self, HF_AROUND (at, hf_state_claim_t, in_session));
        }
    }
    hf_table_node_t *node = hf_table_first (&self->by_name), *next = NULL;
    for (; node; node = next) {
        next = hf_table_next (&self->by_name, node);
        hf_locks_free_lock (self, s_by_name (node));
    }
    hf_table_done (&self->by_name);
    hf_table_done (&self->by_session);
    hf_array_free (&self->touched);
    hf_spare_done (&self->spare);
}

void
hf_locks_tell (hf_locks_t *self, hf_what_happened_t what, const hf_state_claim_t *claim)
{
    if (what == HF_HAPPENED_NOTHING)
        return;
    const hf_state_session_t *session = claim->session;
    uint32_t count = HF_MUTANT (happened_once) ? 1 : claim->places_count;
    self->happened += count;
    for (uint32_t i = 0; self->fn && i < count; i++) {
        const hf_state_place_t *place = &claim->places[i];
        uint64_t delay_ms = what == HF_HAPPENED_LOST && session->gone ? session->delay_ms : 0;
        self->fn (self->arg, &(hf_happened_t){.number = self->happened - count + i + 1,
                                              .index = *self->command,
                                              .what = what,
                                              .name = hf_state_lock_name (place->lock),
                                              .session = session->id,
                                              .token = claim->token,
                                              .units = place->units,
                                              .size = delay_ms,
                                              .label = hf_sessions_label (session),
                                              .note = hf_state_claim_note (claim)});
    }
}

//  ---- finding ------------------------------------------------------------------

hf_lock_ask_t
hf_locks_ask (const hf_locks_t *self, hf_span_t name)
{
    hf_lock_ask_t ask = {.name = name, .hash = hf_hash (0, name.at, name.size)};
    hf_table_node_t *node = hf_table_seek (&self->by_name, ask.hash);
    for (; node && !ask.lock; node = hf_table_again (node))
        if (hf_span_equal (hf_state_lock_name (s_by_name (node)), name))
            ask.lock = s_by_name (node);
    return ask;
}

bool
hf_locks_distinct (const hf_lock_ask_t *asks, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t k = 0; k < i; k++)
            if (asks[i].hash == asks[k].hash && hf_span_equal (asks[i].name, asks[k].name))
                return false;
    return true;
}

hf_state_lock_t *
hf_locks_find (const hf_locks_t *self, hf_span_t name)
{
    return hf_locks_ask (self, name).lock;
}

hf_state_place_t *
hf_locks_place (const hf_locks_t *self, const hf_state_lock_t *lock, uint64_t session)
{
    //  The oldest holder alone may be without a seat.
    if (lock->holders_count > 0) {
        hf_state_place_t *oldest = hf_state_in_lock (lock->holders.next);
        if (hf_state_claim_of (oldest)->session->id == session)
            return oldest;
    }
    if (lock->queue == &hf_state_no_queue)
        return NULL;
    uint64_t hash = hf_hash_u64 (lock->by_name.hash, session);
    hf_table_node_t *node = hf_table_seek (&self->by_session, hash);
    for (; node; node = hf_table_again (node)) {
        hf_state_place_t *place = HF_AROUND (node, hf_state_seat_t, by_session)->place;
        const hf_state_claim_t *claim = hf_state_claim_of (place);
        if (place->lock == lock && claim->session->id == session && !claim->upgrade)
            return place;
    }
    return NULL;
}

hf_state_claim_t *
hf_locks_hold (const hf_locks_t *self, hf_span_t name, uint64_t session, uint64_t token)
{
    const hf_state_lock_t *lock = hf_locks_find (self, name);
    hf_state_place_t *place = lock ? hf_locks_place (self, lock, session) : NULL;
    hf_state_claim_t *claim = place ? hf_state_claim_of (place) : NULL;
    return claim && claim->token > 0 && claim->token == token ? claim : NULL;
}

hf_state_claim_t *
hf_locks_upgrade (const hf_state_lock_t *lock)
{
    if (lock->queue->waiters_count == 0)
        return NULL;
    hf_state_claim_t *first = hf_state_claim_of (hf_state_in_lock (lock->queue->waiters.next));
    return first->upgrade ? first : NULL;
}

//  ---- invariants -----------------------------------------------------------------

static void
s_check_place (const hf_locks_t *self, const hf_state_lock_t *lock, const hf_state_place_t *place)
{
    const hf_state_claim_t *claim = hf_state_claim_of (place);
    assert (place->lock == lock && place == &claim->places[place->number]);
    assert (place->number < claim->places_count && claim->token <= self->last_token);
    assert (lock->queue->limit == 0 || place->units <= lock->queue->limit);
    assert (claim->extra->acts_for != claim->session);
    assert (claim->extra == &hf_state_no_extra || claim->extra->claim == claim);
    if (claim->seated)
        assert (hf_state_seat_of (place)->place == place &&
                hf_state_wait_of (claim)->seen <= self->searches);
    else
        assert (lock->holders.next == &place->in_lock);
    const hf_state_place_t *found = hf_locks_place (self, lock, claim->session->id);
    assert (found == place || (claim->upgrade && found));
    if (claim->upgrade)
        assert (claim->token == 0 && claim->places_count == 1 && place->units == 0 &&
                found->units > 0 && hf_state_claim_of (found)->token > 0 &&
                hf_state_claim_of (found)->places_count == 1 && hf_locks_upgrade (lock) == claim);
}

/*  Gives how many of them are SHARED. */
static uint32_t
s_check_holders (const hf_locks_t *self, const hf_state_lock_t *lock)
{
    uint32_t count = 0, shared = 0;
    uint64_t token = 0, units = 0;
    HF_CHAIN_EACH (&lock->holders, at)
    {
        const hf_state_place_t *hold = hf_state_in_lock (at);
        s_check_place (self, lock, hold);
        //  P5a: tokens rise; EXCLUSIVE holds alone.
        assert (hf_state_claim_of (hold)->token > token);
        assert (hold->units > 0 || lock->holders_count == 1);
        token = hf_state_claim_of (hold)->token;
        units += hold->units;
        shared += hold->units > 0;
        count++;
    }
    assert (count == lock->holders_count && units == lock->queue->units);
    assert (lock->queue->limit == 0 || units <= lock->queue->limit);
    return shared;
}

static void
s_check_queue (const hf_locks_t *self, const hf_state_lock_t *lock)
{
    uint32_t count = 0, shared = s_check_holders (self, lock);
    uint64_t born = 0;
    uint32_t turn = 0;
    HF_CHAIN_EACH (&lock->queue->waiters, at)
    {
        const hf_state_place_t *place = hf_state_in_lock (at);
        const hf_state_claim_t *claim = hf_state_claim_of (place);
        s_check_place (self, lock, place);
        assert (claim->token == 0 && !claim->extra->section && !hf_locks_grantable (claim));
        assert (claim->upgrade || claim->born > born);
        turn += !claim->upgrade;
        assert (!claim->upgrade || hf_state_seat_of (place)->ticket == 0);
        if (lock->queue->turns.counts && !claim->upgrade)
            assert (hf_state_seat_of (place)->ticket > 0 &&
                    hf_turns_upto (&lock->queue->turns, hf_state_seat_of (place)->ticket) == turn);
        born = claim->upgrade ? 0 : claim->born;
        shared += place->units > 0;
        count++;
    }
    assert (count == lock->queue->waiters_count && count <= HF_QUEUE_MAX);
    assert (!lock->queue->turns.counts ||
            hf_turns_upto (&lock->queue->turns, lock->queue->turns.last) == turn);
    assert (shared == lock->queue->shared && (shared > 0 || lock->queue->limit == 0));
}

void
hf_locks_check (const hf_locks_t *self)
{
    size_t locks = 0, places = 0, holds = 0, seats = 0;
    uint64_t staged = 0;
    hf_table_node_t *node = hf_table_first (&self->by_name);
    for (; node; node = hf_table_next (&self->by_name, node), locks++) {
        const hf_state_lock_t *lock = s_by_name (node);
        assert (hf_name_valid (hf_state_lock_name (lock)) && !lock->touched && !lock->moved);
        assert (hf_locks_find (self, hf_state_lock_name (lock)) == lock);
        s_check_queue (self, lock);
        assert (lock->holders_count + lock->queue->waiters_count > 0);
        HF_CHAIN_EACH (&lock->holders, at)
        {
            seats += hf_state_claim_of (hf_state_in_lock (at))->seated;
        }
        seats += lock->queue->waiters_count;
        places += (size_t)lock->holders_count + lock->queue->waiters_count;
        holds += lock->holders_count;
        HF_CHAIN_EACH (&lock->holders, at)
        {
            const hf_state_place_t *hold = hf_state_in_lock (at);
            const hf_section_t *section = hf_state_claim_of (hold)->extra->section;
            if (!section || hold->number > 0)
                continue;
            assert (!hf_section_empty (section));
            hf_section_check (section);
            staged += hf_section_cost (section);
        }
    }
    HF_CHAIN_EACH (&self->waiting, at)
    {
        assert (hf_state_waiting (at)->token == 0);
    }
    assert (locks == self->by_name.count && self->touched.count == 0);
    assert (holds == self->holds && places == self->places && seats == self->by_session.count);
    assert (places <= HF_PLACES_TOTAL_MAX);
    assert (staged == self->staged_bytes && staged <= HF_STAGED_BYTES_MAX);
}
