//  The lock table: places come, move up and go (hf_locks.h).
#include "nodes/locks/hf_locks.h"
#include "base/hf_alloc.h"
#include "base/hf_mutant.h"
#include "base/hf_hash.h"
#include <stdlib.h>
#include <string.h>

void
hf_locks_init (hf_locks_t *self, hf_rows_t *rows)
{
    *self = (hf_locks_t){.rows = rows};
    hf_table_init (&self->by_name);
    hf_table_init (&self->by_session);
}

static hf_state_lock_t *
s_by_name (hf_table_node_t *node)
{
    return HF_AROUND (node, hf_state_lock_t, by_name);
}

static hf_state_place_t *
s_in_lock (hf_chain_t *at)
{
    return HF_AROUND (at, hf_state_place_t, in_lock);
}

static hf_state_place_t *
s_by_session (hf_table_node_t *node)
{
    return HF_AROUND (node, hf_state_place_t, by_session);
}

void
hf_locks_done (hf_locks_t *self)
{
    hf_table_node_t *next = NULL;
    for (hf_table_node_t *node = hf_table_first (&self->by_session); node; node = next) {
        next = hf_table_next (&self->by_session, node);
        hf_section_destroy (&s_by_session (node)->section);
        free (s_by_session (node));
    }
    for (hf_table_node_t *node = hf_table_first (&self->by_name); node; node = next) {
        next = hf_table_next (&self->by_name, node);
        free (s_by_name (node));
    }
    hf_table_done (&self->by_name);
    hf_table_done (&self->by_session);
}

//  ---- finding ------------------------------------------------------------------

static uint64_t
s_name_hash (hf_span_t name)
{
    return hf_hash (0, name.at, name.size);
}

static uint64_t
s_place_hash (const hf_state_lock_t *lock, uint64_t session)
{
    return hf_hash_u64 (lock->by_name.hash, session);
}

hf_state_lock_t *
hf_locks_find (const hf_locks_t *self, hf_span_t name)
{
    hf_table_node_t *node = hf_table_seek (&self->by_name, s_name_hash (name));
    for (; node; node = hf_table_again (node))
        if (hf_span_equal (hf_state_lock_name (s_by_name (node)), name))
            return s_by_name (node);
    return NULL;
}

hf_state_place_t *
hf_locks_place (const hf_locks_t *self, const hf_state_lock_t *lock, uint64_t session)
{
    hf_table_node_t *node = hf_table_seek (&self->by_session, s_place_hash (lock, session));
    for (; node; node = hf_table_again (node)) {
        hf_state_place_t *place = s_by_session (node);
        if (place->lock == lock && place->session->id == session)
            return place;
    }
    return NULL;
}

hf_state_place_t *
hf_locks_hold (const hf_locks_t *self, hf_span_t name, uint64_t session, uint64_t token)
{
    const hf_state_lock_t *lock = hf_locks_find (self, name);
    hf_state_place_t *place = lock ? hf_locks_place (self, lock, session) : NULL;
    return place && place->token > 0 && place->token == token ? place : NULL;
}

uint64_t
hf_locks_position (const hf_state_place_t *waiter)
{
    assert (waiter->token == 0);
    hf_state_lock_t *lock = waiter->lock;
    if (waiter->in_lock.next == &lock->waiters)
        return lock->waiters_count;
    if (lock->holes) {
        //  Once for any number of positions asked for until a waiter leaves the middle again.
        lock->last_ticket = 0;
        HF_CHAIN_EACH (&lock->waiters, at)
        s_in_lock (at)->ticket = ++lock->last_ticket;
        lock->holes = false;
    }
    return waiter->ticket + lock->waiters_count - lock->last_ticket;
}

//  ---- what excludes what ---------------------------------------------------------

/*  Whether a place of MODE may join the present holders: the one rule of what excludes what. */
static bool
s_fits (const hf_state_lock_t *lock, uint32_t mode)
{
    //  EXCLUSIVE, the only mode, takes the whole lock.
    assert (mode == HF_MODE_EXCLUSIVE);
    return lock->holders_count == 0;
}

bool
hf_locks_open (const hf_state_lock_t *lock, uint32_t mode)
{
    return !lock || (lock->waiters_count == 0 && s_fits (lock, mode));
}

//  ---- places come ----------------------------------------------------------------

static hf_state_place_t *
s_place_new (hf_locks_t *self, hf_state_lock_t *lock, hf_state_session_t *session, uint32_t mode,
             uint64_t born)
{
    hf_state_place_t *place = hf_alloc (sizeof (*place));
    place->session = session;
    place->lock = lock;
    place->mode = mode;
    place->born = place->index = born;
    hf_chain_append (&session->places, &place->in_session);
    session->places_count++;
    self->places++;
    hf_table_insert (&self->by_session, &place->by_session, s_place_hash (lock, session->id));
    hf_rows_dirty (self->rows, &self->rows->places, &place->row);
    return place;
}

static void
s_make_holder (hf_locks_t *self, hf_state_place_t *place, uint64_t token, uint64_t index)
{
    assert (s_fits (place->lock, place->mode));
    place->token = token;
    place->index = index;
    hf_chain_append (&place->lock->holders, &place->in_lock);
    place->lock->holders_count++;
    hf_rows_dirty (self->rows, &self->rows->places, &place->row);
}

static void
s_make_waiter (hf_state_place_t *place)
{
    hf_state_lock_t *lock = place->lock;
    place->ticket = ++lock->last_ticket;
    hf_chain_append (&lock->waiters, &place->in_lock);
    lock->waiters_count++;
}

static hf_state_lock_t *
s_lock_new (hf_locks_t *self, hf_span_t name)
{
    hf_state_lock_t *lock = hf_alloc (sizeof (*lock) + name.size);
    lock->name_size = name.size;
    memcpy (lock->name, name.at, name.size);
    hf_chain_init (&lock->holders);
    hf_chain_init (&lock->waiters);
    hf_table_insert (&self->by_name, &lock->by_name, s_name_hash (name));
    return lock;
}

hf_state_place_t *
hf_locks_join (hf_locks_t *self, hf_state_lock_t *lock, hf_span_t name, hf_state_session_t *session,
               uint32_t mode, uint64_t index)
{
    bool open = hf_locks_open (lock, mode);
    if (!lock)
        lock = s_lock_new (self, name);
    assert (hf_span_equal (hf_state_lock_name (lock), name));
    hf_state_place_t *place = s_place_new (self, lock, session, mode, index);
    if (open)
        s_make_holder (self, place, ++self->last_token, index);
    else
        s_make_waiter (place);
    return place;
}

hf_state_place_t *
hf_locks_load (hf_locks_t *self, hf_span_t name, hf_state_session_t *session,
               const hf_state_place_t *like)
{
    hf_state_lock_t *lock = hf_locks_find (self, name);
    if (!lock)
        lock = s_lock_new (self, name);
    if ((like->token == 0 && lock->waiters_count >= HF_QUEUE_MAX) ||
        session->places_count >= HF_PLACES_MAX || self->places >= HF_PLACES_TOTAL_MAX ||
        hf_locks_place (self, lock, session->id))
        return NULL;
    hf_state_place_t *place = s_place_new (self, lock, session, like->mode, like->born);
    if (like->token == 0)
        s_make_waiter (place);
    place->token = like->token;
    place->index = like->index;
    return place;
}

bool
hf_locks_load_hold (hf_locks_t *self, hf_state_place_t *hold)
{
    if (!s_fits (hold->lock, hold->mode))
        return false;
    s_make_holder (self, hold, hold->token, hold->index);
    return true;
}

/*  The first waiter, if it fits beside the holders. */
static hf_state_place_t *
s_next (const hf_state_lock_t *lock)
{
    if (hf_chain_empty (&lock->waiters))
        return NULL;
    hf_state_place_t *first =
        s_in_lock (HF_MUTANT (queue_backwards) ? lock->waiters.prev : lock->waiters.next);
    return s_fits (lock, first->mode) ? first : NULL;
}

bool
hf_locks_loaded (const hf_locks_t *self)
{
    hf_table_node_t *node = hf_table_first (&self->by_name);
    for (; node; node = hf_table_next (&self->by_name, node))
        if (s_next (s_by_name (node)))
            return false;
    return true;
}

hf_status_t
hf_locks_append (hf_locks_t *self, hf_state_place_t *hold, hf_span_t file, hf_span_t data)
{
    assert (hold->token > 0);
    if (!hold->section)
        hold->section = hf_section_new (hold->token, self->rows);
    hf_status_t status = hf_section_append (hold->section, file, data, &self->staged_bytes);
    if (hf_section_empty (hold->section))
        hf_section_destroy (&hold->section);
    return status;
}

bool
hf_locks_load_piece (hf_locks_t *self, hf_state_place_t *hold, uint32_t number, uint32_t offset,
                     hf_span_t file, hf_span_t data)
{
    assert (hold->token > 0);
    if (!hold->section)
        hold->section = hf_section_new (hold->token, self->rows);
    return hf_section_load (hold->section, number, offset, file, data, &self->staged_bytes);
}

//  ---- places go ------------------------------------------------------------------

/*  Take a waiter out of its queue; it is in neither ring of the lock afterwards. */
static void
s_dequeue (hf_state_place_t *place)
{
    hf_state_lock_t *lock = place->lock;
    assert (place->token == 0 && lock->waiters_count > 0);
    if (place->in_lock.next == &lock->waiters)
        lock->last_ticket = place->ticket - 1;
    else if (place->in_lock.prev != &lock->waiters)
        lock->holes = true;
    hf_chain_remove (&place->in_lock);
    lock->waiters_count--;
}

/*  Leave a tombstone for the place's row. */
static void
s_bury (hf_locks_t *self, hf_state_place_t *place)
{
    hf_state_lock_t *lock = place->lock;
    uint8_t key[HF_ROW_KEY_MAX] = {'p'};
    uint8_t *end = hf_row_key_u64 (key + 1, place->session->id);
    memcpy (end, lock->name, lock->name_size);
    end += lock->name_size;
    hf_rows_delete (self->rows, &place->row, hf_span (key, (size_t)(end - key)));
}

bool
hf_locks_remove (hf_locks_t *self, hf_state_place_t *place)
{
    hf_state_lock_t *lock = place->lock;
    bool moved = false;
    if (place->token == 0) {
        moved = place->in_lock.next != &lock->waiters;
        s_dequeue (place);
    } else {
        hf_chain_remove (&place->in_lock);
        assert (lock->holders_count > 0);
        lock->holders_count--;
    }
    if (place->section) {
        assert (self->staged_bytes >= hf_section_cost (place->section));
        self->staged_bytes -= hf_section_cost (place->section);
        hf_section_delete_rows (place->section);
        hf_section_destroy (&place->section);
    }
    hf_chain_remove (&place->in_session);
    place->session->places_count--;
    assert (self->places > 0);
    self->places--;
    hf_table_remove (&self->by_session, &place->by_session);
    s_bury (self, place);
    free (place);
    return moved;
}

hf_state_place_t *
hf_locks_grant_next (hf_locks_t *self, hf_state_lock_t *lock, uint64_t index)
{
    hf_state_place_t *place = s_next (lock);
    if (place) {
        s_dequeue (place);
        s_make_holder (self, place, ++self->last_token, index);
    }
    return place;
}

void
hf_locks_settle (hf_locks_t *self, hf_state_lock_t *lock)
{
    if (lock->holders_count + lock->waiters_count > 0)
        return;
    hf_table_remove (&self->by_name, &lock->by_name);
    free (lock);
    if (HF_MUTANT (token_again) && self->by_name.count == 0)
        self->last_token = 0;
}

//  ---- invariants -----------------------------------------------------------------

/*  What holds for every place; the bytes that it has staged. */
static uint64_t
s_check_place (const hf_locks_t *self, const hf_state_lock_t *lock, const hf_state_place_t *place)
{
    assert (place->lock == lock && place->token <= self->last_token);
    assert (hf_locks_place (self, lock, place->session->id) == place);
    if (!place->section)
        return 0;
    assert (place->token > 0 && !hf_section_empty (place->section));
    hf_section_check (place->section);
    return hf_section_cost (place->section);
}

static void
s_check_holders (const hf_locks_t *self, const hf_state_lock_t *lock, uint64_t *staged)
{
    uint32_t count = 0;
    uint64_t token = 0;
    HF_CHAIN_EACH (&lock->holders, at)
    {
        const hf_state_place_t *hold = s_in_lock (at);
        *staged += s_check_place (self, lock, hold);
        //  P5a: tokens rise; EXCLUSIVE holds alone.
        assert (hold->token > token);
        assert (hold->mode == HF_MODE_EXCLUSIVE && lock->holders_count == 1);
        token = hold->token;
        count++;
    }
    assert (count == lock->holders_count);
}

static void
s_check_queue (const hf_locks_t *self, const hf_state_lock_t *lock)
{
    uint32_t count = 0;
    uint64_t ticket = 0;
    HF_CHAIN_EACH (&lock->waiters, at)
    {
        const hf_state_place_t *place = s_in_lock (at);
        uint64_t staged = s_check_place (self, lock, place);
        assert (place->token == 0 && staged == 0);
        assert (place->ticket > ticket && place->ticket <= lock->last_ticket);
        assert (lock->holes || ticket == 0 || place->ticket == ticket + 1);
        ticket = place->ticket;
        count++;
    }
    assert (count == lock->waiters_count && count <= HF_QUEUE_MAX);
    assert (lock->holes || count == 0 || ticket == lock->last_ticket);
}

void
hf_locks_check (const hf_locks_t *self)
{
    size_t locks = 0, places = 0;
    uint64_t staged = 0;
    hf_table_node_t *node = hf_table_first (&self->by_name);
    for (; node; node = hf_table_next (&self->by_name, node), locks++) {
        const hf_state_lock_t *lock = s_by_name (node);
        assert (hf_name_valid (hf_state_lock_name (lock)));
        assert (hf_locks_find (self, hf_state_lock_name (lock)) == lock);
        s_check_holders (self, lock, &staged);
        s_check_queue (self, lock);
        assert (lock->holders_count + lock->waiters_count > 0 && !s_next (lock));
        places += (size_t)lock->holders_count + lock->waiters_count;
    }
    assert (locks == self->by_name.count);
    assert (places == self->places && places == self->by_session.count);
    assert (places <= HF_PLACES_TOTAL_MAX);
    assert (staged == self->staged_bytes && staged <= HF_STAGED_BYTES_MAX);
}
