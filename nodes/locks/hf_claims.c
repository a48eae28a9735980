//  Claims come, change and go (hf_locks.h).
#include "nodes/locks/hf_locks.h"
#include "base/hf_hash.h"
#include "base/hf_mutant.h"

//  ---- they come ------------------------------------------------------------------

static hf_state_lock_t *
s_lock_new (hf_locks_t *self, const hf_lock_ask_t *ask)
{
    assert (ask->name.size > 0 && ask->name.size <= UINT8_MAX);
    hf_state_lock_t *lock = hf_spare_take (&self->spare, hf_state_lock_size (ask->name.size));
    lock->name_size = (uint8_t)ask->name.size;
    memcpy (lock->name, ask->name.at, ask->name.size);
    hf_chain_init (&lock->holders);
    lock->queue = (hf_state_queue_t *)&hf_state_no_queue;
    hf_table_insert (&self->by_name, &lock->by_name, ask->hash);
    return lock;
}

/*  The lock has a queue from now on. */
static void
s_need_queue (hf_locks_t *self, hf_state_lock_t *lock)
{
    if (lock->queue != &hf_state_no_queue)
        return;
    lock->queue = hf_spare_take (&self->spare, sizeof (hf_state_queue_t));
    hf_chain_init (&lock->queue->waiters);
}

/*  The claim's own, to be written. */
static hf_state_extra_t *
s_extra (hf_state_claim_t *claim)
{
    if (claim->extra == &hf_state_no_extra) {
        claim->extra = hf_alloc (sizeof (hf_state_extra_t));
        claim->extra->claim = claim;
    }
    return claim->extra;
}

/*  The place is SHARED from now on, or for the last time. */
static void
s_share (hf_state_place_t *place, uint32_t limit)
{
    assert (place->units > 0 &&
            (place->lock->queue->shared == 0 || place->lock->queue->limit == limit));
    place->lock->queue->shared++;
    place->lock->queue->limit = limit;
}

static void
s_unshare (hf_state_place_t *place)
{
    assert (place->lock->queue->shared > 0);
    if (--place->lock->queue->shared == 0 && !HF_MUTANT (limit_kept))
        place->lock->queue->limit = 0;
}

/*  Others may be beside the claim at its locks. */
static void
s_seat (hf_locks_t *self, hf_state_claim_t *claim)
{
    for (uint32_t i = 0; i < claim->places_count; i++) {
        hf_state_seat_t *seat = hf_state_seat_of (&claim->places[i]);
        seat->place = &claim->places[i];
        s_need_queue (self, seat->place->lock);
        hf_table_insert (&self->by_session, &seat->by_session,
                         hf_hash_u64 (seat->place->lock->by_name.hash, claim->session->id));
    }
}

/*  In no ring of its locks yet. OPEN: it will hold at once, otherwise it will wait. */
static hf_state_claim_t *
s_new (hf_locks_t *self, hf_state_session_t *session, const hf_lock_ask_t *asks, uint32_t count,
       uint64_t born, bool open)
{
    bool seated = !open;
    for (uint32_t i = 0; i < count; i++)
        seated |= asks[i].units > 0;
    hf_state_claim_t *claim = hf_spare_take (&self->spare, hf_state_claim_size (count, seated));
    claim->session = session;
    claim->extra = (hf_state_extra_t *)&hf_state_no_extra;
    claim->born = claim->index = born;
    claim->places_count = (uint8_t)count;
    claim->seated = seated;
    claim->since_us = self->measures.now_us;
    for (uint32_t i = 0; i < count; i++) {
        hf_state_place_t *place = &claim->places[i];
        place->number = (uint8_t)i;
        place->units = asks[i].units;
        place->lock = asks[i].lock ? asks[i].lock : s_lock_new (self, &asks[i]);
    }
    if (seated)
        s_seat (self, claim);
    for (uint32_t i = 0; i < count; i++)
        if (asks[i].units > 0)
            s_share (&claim->places[i], asks[i].limit);
    hf_chain_append (&session->claims, &claim->in_session);
    session->places_count += count;
    self->places += count;
    hf_rows_dirty (self->rows, &self->rows->claims, &claim->row);
    return claim;
}

/*  It waits from now on, at the end of each queue; an upgrade in front. */
static void
s_wait (hf_locks_t *self, hf_state_claim_t *claim)
{
    for (uint32_t i = 0; i < claim->places_count; i++)
        hf_locks_enqueue (&claim->places[i], claim->upgrade);
    hf_chain_append (&self->waiting, &hf_state_wait_of (claim)->in_waiting);
}

hf_state_claim_t *
hf_locks_join (hf_locks_t *self, hf_state_session_t *session, const hf_lock_ask_t *asks,
               uint32_t count, uint64_t index)
{
    bool open = hf_locks_open (asks, count);
    hf_state_claim_t *claim = s_new (self, session, asks, count, index, open);
    if (!open)
        s_wait (self, claim);
    for (uint32_t i = 0; i < count && open; i++)
        hf_locks_take (self, &claim->places[i]);
    claim->token = open ? ++self->last_token : 0;
    return claim;
}

void
hf_locks_act_for (hf_locks_t *self, hf_state_claim_t *claim, hf_state_session_t *session)
{
    assert (session != claim->session && (session || claim->extra->acts_for));
    hf_state_extra_t *extra = s_extra (claim);
    if (extra->acts_for)
        hf_chain_remove (&extra->in_acted);
    extra->acts_for = session;
    if (session)
        hf_chain_append (&session->acted, &extra->in_acted);
    hf_rows_dirty (self->rows, &self->rows->claims, &claim->row);
}

hf_status_t
hf_locks_append (hf_locks_t *self, hf_state_claim_t *hold, hf_span_t file, hf_span_t data)
{
    assert (hold->token > 0);
    hf_state_extra_t *extra = s_extra (hold);
    if (!extra->section)
        extra->section = hf_section_new (hold->token, self->rows);
    hf_status_t status = hf_section_append (extra->section, file, data, &self->staged_bytes);
    if (hf_section_empty (extra->section))
        hf_section_destroy (&extra->section);
    return status;
}

//  ---- how long (hf_measures.h) -----------------------------------------------------

/*  Whether the end of what the claim does now is counted, and for how long it did. */
static bool
s_measured (const hf_locks_t *self, const hf_state_claim_t *claim, uint64_t *us)
{
    const hf_measures_t *measures = &self->measures;
    *us = measures->now_us - claim->since_us;
    return claim->since_us > 0 && measures->counts;
}

/*  It waits no more: from now on it holds. */
static void
s_waited (hf_locks_t *self, hf_state_claim_t *claim)
{
    uint64_t us;
    if (s_measured (self, claim, &us)) {
        hf_times_add (&self->measures.wait, us, 1);
        for (uint32_t i = 0; i < claim->places_count; i++)
            hf_busy_waited (&self->measures.busy, claim->places[i].lock->by_name.hash, us);
    }
    if (!HF_MUTANT (held_since_asked))
        claim->since_us = self->measures.now_us;
}

/*  It goes: if it held, it held for so long. */
static void
s_held (hf_locks_t *self, const hf_state_claim_t *claim)
{
    uint64_t us;
    if (claim->token == 0 || !s_measured (self, claim, &us))
        return;
    hf_times_add (&self->measures.hold, us, 1);
    for (uint32_t i = 0; i < claim->places_count; i++)
        hf_busy_held (&self->measures.busy, hf_state_lock_name (claim->places[i].lock),
                      claim->places[i].lock->by_name.hash, us, self->measures.now_us);
}

//  ---- they go --------------------------------------------------------------------

/*  Leave a tombstone for the claim's row. */
static void
s_bury (hf_locks_t *self, hf_state_claim_t *claim)
{
    uint8_t key[HF_ROW_KEY_MAX] = {'p'};
    uint8_t *end = hf_row_key_u64 (key + 1, claim->born);
    hf_rows_delete (self->rows, &self->rows->claims, &claim->row,
                    hf_span (key, (size_t)(end - key)));
}

void
hf_locks_drop_section (hf_locks_t *self, hf_state_claim_t *claim)
{
    hf_section_t *section = claim->extra->section;
    if (!section)
        return;
    assert (self->staged_bytes >= hf_section_cost (section));
    self->staged_bytes -= hf_section_cost (section);
    hf_section_delete_rows (section);
    hf_section_destroy (&claim->extra->section);
}

static void
s_drop_note (hf_locks_t *self, hf_state_claim_t *claim)
{
    hf_state_extra_t *extra = claim->extra;
    if (!extra->note)
        return;
    assert (self->note_bytes >= extra->note_size && claim->session->note_bytes >= extra->note_size);
    self->note_bytes -= extra->note_size;
    claim->session->note_bytes -= extra->note_size;
    free (extra->note);
    extra->note = NULL;
    extra->note_size = 0;
}

/*  Free a claim that is in no ring of its locks any more. */
static void
s_free (hf_locks_t *self, hf_state_claim_t *claim)
{
    hf_locks_drop_section (self, claim);
    for (uint32_t i = 0; i < claim->places_count; i++) {
        hf_state_place_t *place = &claim->places[i];
        if (place->units > 0)
            s_unshare (place);
        if (claim->seated)
            hf_table_remove (&self->by_session, &hf_state_seat_of (place)->by_session);
    }
    hf_chain_remove (&claim->in_session);
    if (claim->token == 0)
        hf_chain_remove (&hf_state_wait_of (claim)->in_waiting);
    if (claim->extra->acts_for)
        hf_chain_remove (&claim->extra->in_acted);
    s_drop_note (self, claim);
    assert (self->places >= claim->places_count);
    claim->session->places_count -= claim->places_count;
    self->places -= claim->places_count;
    s_bury (self, claim);
    hf_locks_free_claim (self, claim);
}

void
hf_locks_remove (hf_locks_t *self, hf_state_claim_t *claim, hf_what_happened_t what)
{
    hf_state_claim_t *upgrade = hf_locks_upgrade (claim->places[0].lock);
    if (upgrade && upgrade != claim && upgrade->session == claim->session)
        hf_locks_remove (self, upgrade, what);
    hf_locks_tell (self, claim->token > 0 || !what ? what : HF_HAPPENED_LEFT, claim);
    s_held (self, claim);
    for (uint32_t i = 0; i < claim->places_count; i++) {
        hf_state_place_t *place = &claim->places[i];
        bool moved = claim->token == 0 && place->in_lock.next != &place->lock->queue->waiters;
        if (claim->token == 0)
            hf_locks_dequeue (place);
        else
            hf_locks_give (self, place);
        hf_locks_touch (self, place->lock, moved);
    }
    s_free (self, claim);
}

//  ---- they change ------------------------------------------------------------------

hf_state_claim_t *
hf_locks_join_upgrade (hf_locks_t *self, const hf_state_claim_t *hold, uint64_t index)
{
    hf_state_lock_t *lock = hold->places[0].lock;
    assert (hold->token > 0 && hold->places_count == 1 && !hf_locks_upgrade (lock));
    hf_lock_ask_t ask = {.lock = lock};
    hf_state_claim_t *claim = s_new (self, hold->session, &ask, 1, index, false);
    claim->upgrade = true;
    s_wait (self, claim);
    return claim;
}

void
hf_locks_downgrade (hf_locks_t *self, hf_state_claim_t *hold, const hf_lock_ask_t *ask)
{
    hf_state_place_t *place = &hold->places[0];
    assert (hold->token > 0 && hold->places_count == 1 && place->units == 0 && ask->units > 0);
    s_need_queue (self, place->lock);
    place->units = ask->units;
    place->lock->queue->units += ask->units;
    s_share (place, ask->limit);
    if (!HF_MUTANT (downgrade_alone))
        hf_locks_touch (self, place->lock, false);
    hf_rows_dirty (self->rows, &self->rows->claims, &hold->row);
}

hf_status_t
hf_locks_note_fits (const hf_locks_t *self, const hf_state_session_t *session, hf_span_t note)
{
    if (note.size > HF_NOTE_MAX || !hf_text_valid (note))
        return HF_BAD_NOTE;
    bool fits = session->note_bytes + note.size <= HF_NOTES_PART_MAX &&
                self->note_bytes + note.size <= HF_NOTES_TOTAL_MAX;
    return note.size == 0 || fits ? HF_OK : HF_LIMIT;
}

void
hf_locks_note (hf_locks_t *self, hf_state_claim_t *claim, hf_span_t note)
{
    assert (hf_locks_note_fits (self, claim->session, note) == HF_OK);
    if (hf_span_equal (hf_state_claim_note (claim), note))
        return;
    s_drop_note (self, claim);
    hf_rows_dirty (self->rows, &self->rows->claims, &claim->row);
    if (note.size == 0)
        return;
    hf_state_extra_t *extra = s_extra (claim);
    extra->note = memcpy (hf_alloc (note.size), note.at, note.size);
    extra->note_size = (uint16_t)note.size;
    claim->session->note_bytes += note.size;
    self->note_bytes += note.size;
}

/*  The hold that an upgrade replaces goes; its section stays, and its note unless the upgrade has
 *  one of its own. */
static void
s_replace (hf_locks_t *self, hf_state_claim_t *upgrade)
{
    hf_state_place_t *place = hf_locks_place (self, upgrade->places[0].lock, upgrade->session->id);
    hf_state_claim_t *hold = hf_state_claim_of (place);
    if (!HF_MUTANT (replaced_untold))
        hf_locks_tell (self, HF_HAPPENED_RELEASED, hold);
    s_held (self, hold);
    hf_locks_give (self, place);
    if (HF_MUTANT (upgrade_keeps_token))
        upgrade->token = hold->token;
    hf_state_extra_t *from = hold->extra, *to = s_extra (upgrade);
    if (from->section && !HF_MUTANT (upgrade_drops_section)) {
        to->section = from->section;
        from->section = NULL;
        hf_section_rekey (to->section, self->last_token);
    }
    if (from->note && to->note_size == 0) {
        to->note = from->note;
        to->note_size = from->note_size;
        from->note = NULL;
        from->note_size = 0;
    }
    to->replaces = hold->token;
    s_free (self, hold);
    upgrade->upgrade = false;
}

void
hf_locks_grant (hf_locks_t *self, hf_state_claim_t *claim, uint64_t index)
{
    hf_chain_remove (&hf_state_wait_of (claim)->in_waiting);
    s_waited (self, claim);
    claim->token = ++self->last_token;
    if (claim->upgrade)
        s_replace (self, claim);
    for (uint32_t i = 0; i < claim->places_count; i++) {
        hf_state_place_t *place = &claim->places[i];
        hf_locks_dequeue (place);
        hf_locks_touch (self, place->lock, true);
        hf_locks_take (self, place);
    }
    claim->index = index;
    hf_rows_dirty (self->rows, &self->rows->claims, &claim->row);
    hf_locks_tell (self, HF_HAPPENED_GRANTED, claim);
}

//  ---- they come from rows ------------------------------------------------------------

/*  Whether the session's place OWN can have an upgrade that is LIKE this. */
static bool
s_upgradable (const hf_state_place_t *own, const hf_state_claim_t *like, const hf_lock_ask_t *ask,
              uint32_t count)
{
    const hf_state_claim_t *hold = own ? hf_state_claim_of (own) : NULL;
    return hold && hold->token > 0 && hold->places_count == 1 && own->units > 0 &&
           like->token == 0 && ask->units == 0 && count == 1 && !hf_locks_upgrade (own->lock);
}

hf_state_claim_t *
hf_locks_load (hf_locks_t *self, hf_state_session_t *session, const hf_state_claim_t *like,
               hf_lock_ask_t *asks, uint32_t count)
{
    if (session->places_count + count > HF_PLACES_MAX || self->places + count > HF_PLACES_TOTAL_MAX)
        return NULL;
    for (uint32_t i = 0; i < count; i++) {
        hf_lock_ask_t found = hf_locks_ask (self, asks[i].name);
        asks[i].lock = found.lock;
        asks[i].hash = found.hash;
        if (found.lock && ((like->token == 0 && found.lock->queue->waiters_count >= HF_QUEUE_MAX) ||
                           hf_locks_conflict (&asks[i])))
            return NULL;
        hf_state_place_t *own = found.lock ? hf_locks_place (self, found.lock, session->id) : NULL;
        if (like->upgrade ? !s_upgradable (own, like, &asks[i], count) : own != NULL)
            return NULL;
    }
    if (!hf_locks_distinct (asks, count))
        return NULL;
    hf_state_claim_t *claim = s_new (self, session, asks, count, like->born, like->token > 0);
    claim->upgrade = like->upgrade;
    if (like->extra->acts_for)
        hf_locks_act_for (self, claim, like->extra->acts_for);
    claim->token = like->token;
    if (like->extra->replaces > 0)
        s_extra (claim)->replaces = like->extra->replaces;
    claim->index = like->index;
    if (claim->token == 0)
        s_wait (self, claim);
    return claim;
}

bool
hf_locks_load_hold (hf_locks_t *self, hf_state_claim_t *hold)
{
    for (uint32_t i = 0; i < hold->places_count; i++) {
        if (!hf_locks_fits (&hold->places[i]))
            return false;
        //  One without a seat was not seen when others of its session were loaded.
        if (!hold->seated && hf_locks_place (self, hold->places[i].lock, hold->session->id))
            return false;
        hf_locks_take (self, &hold->places[i]);
    }
    return true;
}

bool
hf_locks_loaded (const hf_locks_t *self)
{
    HF_CHAIN_EACH (&self->waiting, at)
    {
        if (hf_locks_grantable (hf_state_waiting (at)))
            return false;
    }
    return true;
}

bool
hf_locks_load_piece (hf_locks_t *self, hf_state_claim_t *hold, uint32_t number, uint32_t offset,
                     hf_span_t file, hf_span_t data)
{
    assert (hold->token > 0);
    hf_state_extra_t *extra = s_extra (hold);
    if (!extra->section)
        extra->section = hf_section_new (hold->token, self->rows);
    return hf_section_load (extra->section, number, offset, file, data, &self->staged_bytes);
}
