//  What can be read of the state; nothing here changes it.
#include "nodes/locks/hf_state_private.h"

uint64_t
hf_state_applied_index (const hf_state_t *self)
{
    return self->applied_index;
}

uint64_t
hf_state_applied_term (const hf_state_t *self)
{
    return self->applied_term;
}

hf_span_t
hf_state_roster (const hf_state_t *self)
{
    return hf_span (self->roster, self->roster_size);
}

uint64_t
hf_state_section_index (const hf_state_t *self)
{
    return self->section_index;
}

uint64_t
hf_state_last_token (const hf_state_t *self)
{
    return self->locks.last_token;
}

uint64_t
hf_state_command_index (const hf_state_t *self)
{
    return self->command_index;
}

uint64_t
hf_state_hash (const hf_state_t *self)
{
    return self->hash;
}

uint64_t
hf_state_happened (const hf_state_t *self)
{
    return self->locks.happened;
}

uint64_t
hf_state_appended (const hf_state_t *self)
{
    return self->appended;
}

size_t
hf_state_sessions_count (const hf_state_t *self)
{
    return hf_sessions_count (&self->sessions);
}

uint64_t
hf_state_answers_count (const hf_state_t *self)
{
    return self->sessions.answers;
}

uint64_t
hf_state_holds_count (const hf_state_t *self)
{
    return self->locks.holds;
}

uint64_t
hf_state_waiting_count (const hf_state_t *self)
{
    return self->locks.places - self->locks.holds;
}

size_t
hf_state_locks_count (const hf_state_t *self)
{
    return self->locks.by_name.count;
}

uint64_t
hf_state_staged_bytes (const hf_state_t *self)
{
    return self->locks.staged_bytes;
}

//  ---- sessions -----------------------------------------------------------------

bool
hf_state_next_session (const hf_state_t *self, uint64_t after, uint64_t *session,
                       uint32_t *lease_ms)
{
    const hf_state_session_t *found = hf_sessions_next (&self->sessions, after);
    if (!found)
        return false;
    *session = found->id;
    *lease_ms = hf_sessions_lease (found);
    return true;
}

bool
hf_state_session_gone (const hf_state_t *self, uint64_t session, uint32_t *delay_ms)
{
    const hf_state_session_t *found = hf_sessions_find_any (&self->sessions, session);
    if (!found || !found->gone)
        return false;
    *delay_ms = found->delay_ms;
    return true;
}

hf_span_t
hf_state_session_label (const hf_state_t *self, uint64_t session)
{
    const hf_state_session_t *found = hf_sessions_find_any (&self->sessions, session);
    return found ? hf_sessions_label (found) : hf_span ("", 0);
}

hf_span_t
hf_state_session_user (const hf_state_t *self, uint64_t session)
{
    const hf_state_session_t *found = hf_sessions_find_any (&self->sessions, session);
    return found ? hf_sessions_user (found) : hf_span ("", 0);
}

uint32_t
hf_state_user_sessions (const hf_state_t *self, hf_span_t user)
{
    return hf_owners_count (&self->sessions.owners, user);
}

uint32_t
hf_state_session_ran (const hf_state_t *self, uint64_t session)
{
    const hf_state_session_t *found = hf_sessions_find_any (&self->sessions, session);
    return found ? found->ran_ms : 0;
}

bool
hf_state_session_wanted (const hf_state_t *self, uint64_t session)
{
    const hf_state_session_t *found = hf_sessions_find_any (&self->sessions, session);
    if (!found)
        return false;
    HF_CHAIN_EACH (&found->claims, at)
    {
        const hf_state_claim_t *claim = HF_AROUND (at, hf_state_claim_t, in_session);
        for (uint32_t i = 0; i < claim->places_count; i++)
            if (claim->places[i].lock->queue->waiters_count > (claim->token == 0))
                return true;
    }
    return false;
}

uint64_t
hf_state_silences (const hf_state_t *self)
{
    return self->silences;
}

bool
hf_state_opened (const hf_state_t *self, hf_span_t nonce)
{
    assert (nonce.size == HF_NONCE_SIZE);
    return hf_sessions_find_nonce (&self->sessions, nonce.at) != NULL;
}

bool
hf_state_session_ttl (const hf_state_t *self, uint64_t session, uint32_t *ttl_ms)
{
    const hf_state_session_t *found = hf_sessions_find (&self->sessions, session);
    if (!found)
        return false;
    *ttl_ms = found->ttl_ms;
    return true;
}

uint32_t
hf_state_answers_below (const hf_state_t *self, uint64_t session, uint64_t floor)
{
    const hf_state_session_t *found = hf_sessions_find (&self->sessions, session);
    return found && floor > found->replies.floor ? hf_replies_weight (&found->replies) : 0;
}

bool
hf_state_session_places (const hf_state_t *self, uint64_t session, hf_pack_t *held,
                         hf_pack_t *queued)
{
    const hf_state_session_t *found = hf_sessions_find (&self->sessions, session);
    if (!found)
        return false;
    HF_CHAIN_EACH (&found->claims, at)
    {
        const hf_state_claim_t *claim = HF_AROUND (at, hf_state_claim_t, in_session);
        hf_span_t lock = hf_state_claim_name (claim);
        if (claim->token > 0) {
            hf_granted_t granted = {.lock = lock,
                                    .token = claim->token,
                                    .index = claim->index,
                                    .waiters = hf_locks_wanting (claim),
                                    .replaces = claim->extra->replaces};
            hf_granted_put (held, &granted);
        } else {
            hf_moved_t moved = {.lock = lock, .position = hf_locks_position (claim)};
            hf_moved_put (queued, &moved);
        }
    }
    return true;
}

static bool
s_all_answered (const hf_replies_t *replies, hf_list_t requests)
{
    hf_scan_t scan = hf_scan_list (requests);
    while (!hf_scan_at_end (&scan)) {
        hf_request_t request;
        if (!hf_request_get (&scan, &request) ||
            hf_replies_state (replies, request.seq) != HF_SEQ_KNOWN)
            return false;
    }
    return !scan.bad;
}

bool
hf_state_knows (const hf_state_t *self, uint64_t session, uint64_t seq)
{
    const hf_state_session_t *found = hf_sessions_find (&self->sessions, session);
    return found && hf_replies_state (&found->replies, seq) == HF_SEQ_KNOWN;
}

bool
hf_state_answered (const hf_state_t *self, uint64_t session, hf_list_t requests, hf_pack_t *items)
{
    const hf_state_session_t *found = hf_sessions_find (&self->sessions, session);
    if (!found || !s_all_answered (&found->replies, requests))
        return false;
    hf_scan_t scan = hf_scan_list (requests);
    while (!hf_scan_at_end (&scan)) {
        hf_request_t request;
        hf_request_get (&scan, &request);
        hf_answer_put (items, hf_replies_find (&found->replies, request.seq));
    }
    return true;
}

//  ---- locks ----------------------------------------------------------------------

uint32_t
hf_state_queued (const hf_state_t *self, hf_span_t lock, uint64_t session)
{
    const hf_state_lock_t *found = hf_locks_find (&self->locks, lock);
    if (!found || hf_locks_place (&self->locks, found, session))
        return 0;
    return found->queue->waiters_count;
}

bool
hf_state_waiters (const hf_state_t *self, hf_span_t lock, uint32_t skip, uint32_t most,
                  hf_waiter_fn *fn, void *arg)
{
    const hf_state_lock_t *found = hf_locks_find (&self->locks, lock);
    if (!found)
        return false;
    HF_CHAIN_EACH (&found->queue->waiters, at)
    {
        const hf_state_claim_t *claim = hf_state_claim_of (hf_state_in_lock (at));
        if (skip > 0) {
            skip--;
            continue;
        }
        if (most-- == 0)
            return true;
        fn (arg, hf_state_claim_name (claim), claim->session->id, hf_locks_position (claim));
    }
    return false;
}

void
hf_state_holders (const hf_state_t *self, hf_span_t lock, uint32_t most, hf_holder_fn *fn,
                  void *arg)
{
    const hf_state_lock_t *found = hf_locks_find (&self->locks, lock);
    if (!found)
        return;
    HF_CHAIN_EACH (&found->holders, at)
    {
        const hf_state_claim_t *hold = hf_state_claim_of (hf_state_in_lock (at));
        uint32_t waiters = hf_locks_wanting (hold);
        if (most-- == 0)
            break;
        if (waiters > 0 && !hold->session->gone)
            fn (arg, hf_state_claim_name (hold), hold->session->id, hold->token, waiters);
    }
}

static void
s_put_lock_row (const hf_state_lock_t *lock, hf_pack_t *rows)
{
    hf_lock_row_t row = {.lock = hf_state_lock_name (lock),
                         .holders = lock->holders_count,
                         .waiters = lock->queue->waiters_count,
                         .limit = lock->queue->limit};
    hf_lock_row_put (rows, &row);
}

/*  For how long the claim has held or waited, as far as this node knows: at least. */
static uint64_t
s_age_ms (const hf_measures_t *measures, const hf_state_claim_t *claim)
{
    uint64_t since_us = claim->since_us;
    if (since_us == 0 && !HF_MUTANT (loaded_is_old)) //  from a row
        since_us = measures->began_us;
    assert (measures->now_us >= since_us);
    return (measures->now_us - since_us) / 1000;
}

/*  PLACES: the holders, or the waiters, of a lock. Pack those from number FROM (1: the first) on,
 *  at most *left, which counts down. Gives whether all of them were packed. */
static bool
s_put_places (const hf_state_t *self, const hf_chain_t *places, uint64_t from, uint32_t *left,
              hf_pack_t *rows)
{
    uint64_t number = 0;
    HF_CHAIN_EACH (places, at)
    {
        const hf_state_place_t *place = hf_state_in_lock (at);
        const hf_state_claim_t *claim = hf_state_claim_of (place);
        if (++number < from)
            continue;
        if ((*left)-- == 0)
            return false;
        uint32_t mode = place->units > 0 ? HF_MODE_SHARED : HF_MODE_EXCLUSIVE;
        uint64_t age_ms = s_age_ms (&self->locks.measures, claim);
        uint64_t staged = claim->extra->section ? hf_section_bytes (claim->extra->section) : 0;
        if (claim->token > 0)
            hf_holder_row_put (rows, &(hf_holder_row_t){.session = claim->session->id,
                                                        .token = claim->token,
                                                        .mode = mode,
                                                        .staged = staged,
                                                        .units = place->units,
                                                        .label = hf_sessions_label (claim->session),
                                                        .note = hf_state_claim_note (claim),
                                                        .age_ms = age_ms});
        else
            hf_waiter_row_put (rows, &(hf_waiter_row_t){.session = claim->session->id,
                                                        .position = number,
                                                        .mode = mode,
                                                        .units = place->units,
                                                        .label = hf_sessions_label (claim->session),
                                                        .note = hf_state_claim_note (claim),
                                                        .age_ms = age_ms});
    }
    return true;
}

void
hf_state_put_lock (const hf_state_t *self, const hf_state_lock_t *lock, hf_pack_t *rows)
{
    uint32_t listed = HF_HOLDERS_LISTED;
    s_put_lock_row (lock, rows);
    s_put_places (self, &lock->holders, 1, &listed, rows);
}

bool
hf_state_lock_detail (const hf_state_t *self, hf_span_t name, uint64_t from, uint32_t limit,
                      hf_pack_t *rows, bool *more)
{
    *more = false;
    const hf_state_lock_t *lock = hf_locks_find (&self->locks, name);
    if (!lock)
        return false;
    s_put_lock_row (lock, rows);
    uint64_t behind = from > lock->holders_count ? from - lock->holders_count : 1;
    *more = !s_put_places (self, &lock->holders, from, &limit, rows) ||
            !s_put_places (self, &lock->queue->waiters, behind, &limit, rows);
    return true;
}

//  ---- sessions, for people ------------------------------------------------------------

static void
s_put_session_row (const hf_state_session_t *session, hf_pack_t *rows)
{
    hf_session_row_t row = {.session = session->id,
                            .label = hf_sessions_label (session),
                            .user = hf_sessions_user (session),
                            .ttl_ms = session->ttl_ms,
                            .delay_ms = session->delay_ms,
                            .detect = session->detect,
                            .gone = session->gone,
                            .held = session->holds_count,
                            .queued = session->places_count - session->holds_count};
    hf_session_row_put (rows, &row);
}

bool
hf_state_session_rows (const hf_state_t *self, uint64_t after, uint32_t limit,
                       const hf_shown_t *shown, hf_pack_t *rows)
{
    const hf_state_session_t *session = hf_sessions_next (&self->sessions, after);
    for (; session; session = hf_sessions_next (&self->sessions, session->id)) {
        if (shown && !shown->fn (shown->arg, hf_sessions_user (session)))
            continue;
        if (limit-- == 0)
            return true;
        s_put_session_row (session, rows);
    }
    return false;
}

//  ---- staged -----------------------------------------------------------------------

void
hf_state_staged (const hf_state_t *self, hf_span_t lock, uint64_t session, hf_pack_t *rows)
{
    const hf_state_lock_t *found = hf_locks_find (&self->locks, lock);
    hf_state_place_t *place = found ? hf_locks_place (&self->locks, found, session) : NULL;
    const hf_state_claim_t *hold = place ? hf_state_claim_of (place) : NULL;
    if (!hold || !hold->extra->section)
        return;
    hf_list_t parts;
    uint8_t *bytes = hf_section_pack (hold->extra->section, &parts);
    hf_scan_t scan = hf_scan_list (parts);
    for (uint32_t i = 0; i < parts.count; i++) {
        hf_a_part_t part;
        bool good = hf_a_part_get (&scan, &part);
        assert (good); //  the section packed it
        hf_file_row_put (rows, &(hf_file_row_t){.file = part.file, .length = part.data.size});
    }
    free (bytes);
}

//  ---- invariants -------------------------------------------------------------------

void
hf_state_check (const hf_state_t *self)
{
    hf_sessions_check (&self->sessions);
    hf_locks_check (&self->locks);
    //  Every claim is in its session's ring, and there in the order of birth; hf_locks_check saw
    //  that each place is in its lock's.
    size_t places = 0, dirty = self->rows.tombstones.count, notes = 0;
    uint64_t dirty_bytes = 0;
    HF_CHAIN_EACH (&self->sessions.in_order, in_order)
    {
        const hf_state_session_t *session = HF_AROUND (in_order, hf_state_session_t, in_order);
        uint32_t count = 0, holds = 0, note_bytes = 0;
        assert (!session->gone || !hf_chain_empty (&session->claims));
        uint64_t born = 0;
        dirty += session->row.at > 0;
        HF_CHAIN_EACH (&session->claims, at)
        {
            const hf_state_claim_t *claim = HF_AROUND (at, hf_state_claim_t, in_session);
            assert (claim->session == session && claim->index <= self->command_index);
            assert (!session->gone || (claim->token > 0 && !claim->extra->section));
            assert (claim->born > born && claim->born <= claim->index);
            assert (claim->places_count > 0 && claim->places_count <= HF_SET_MAX);
            born = claim->born;
            dirty += claim->row.at > 0;
            if (claim->extra->section)
                hf_section_dirty (claim->extra->section, &dirty, &dirty_bytes);
            count += claim->places_count;
            holds += claim->token > 0 ? claim->places_count : 0;
            note_bytes += claim->extra->note_size;
        }
        assert (note_bytes == session->note_bytes && note_bytes <= HF_NOTES_PART_MAX);
        notes += note_bytes;
        assert (count == session->places_count && holds == session->holds_count);
        assert (count <= HF_PLACES_MAX);
        places += count;
    }
    assert (places == self->locks.places);
    assert (notes == self->locks.note_bytes && notes <= HF_NOTES_TOTAL_MAX);
    assert (dirty == self->rows.count && dirty_bytes == self->rows.bytes);
    assert (self->locks.last_token <= self->command_index);
    assert (self->section_index <= self->command_index && !self->loading);
}
