/*  The rows of the state, version 3: layout and writer. A key is a letter, then big-endian numbers
 * of fixed width, then a name; a value is a msgpack array.
 *
 *    m                          the state   [version, applied index, its term, command index, hash,
 *                                           last session, last token, section index, happened,
 *                                           appended, roster: bin]
 *    s session:8                a session   [nonce: bin, ttl_ms, ran_ms, floor, label, detect,
 *                                           delay_ms, gone: flag, [ANSWER, ...]], by seq; when it
 *                                           belongs to a user, he comes before the answers
 *    p born:8                   a claim     [session, token, index, replaces, [place, ...],
 *                                           upgrade: flag, acts_for: session or 0, note]; token 0:
 * it waits. Claims of a session are in the order of born, those of a queue, too; but an upgrade is
 * the first. A place: [lock] when it is EXCLUSIVE, [lock, units, limit] when it is SHARED c token:8
 * file:4 offset:4  a piece of what the hold with that token staged for its file number FILE, from
 * 0: [name: empty but at offset 0, bytes: bin]. HF_ROW_PIECE bytes; fewer in a file's last piece;
 * none at all only when the file is empty
 *
 *  Rows depend on the state alone, not on when it was flushed. hf_state_load.c reads them.
 */
#include "nodes/locks/hf_state_private.h"
#include <string.h>

typedef struct putter {
    hf_pack_t *out;
    hf_pack_t value;
    bool change;
} putter_t;

static void
s_put (putter_t *self, const uint8_t *key, const uint8_t *end)
{
    assert (hf_pack_size (&self->value) <= HF_STATE_ROW_MAX);
    hf_rows_put (self->out, self->change, hf_span (key, (size_t)(end - key)),
                 hf_span (hf_pack_bytes (&self->value), hf_pack_size (&self->value)));
    hf_pack_reset (&self->value);
}

static void
s_put_whole (putter_t *self, const hf_state_t *state)
{
    const uint8_t key[] = {'m'};
    hf_put_array (&self->value, 11);
    hf_put_u64 (&self->value, HF_STATE_ROWS_VERSION);
    hf_put_u64 (&self->value, state->applied_index);
    hf_put_u64 (&self->value, state->applied_term);
    hf_put_u64 (&self->value, state->command_index);
    hf_put_u64 (&self->value, state->hash);
    hf_put_u64 (&self->value, state->sessions.last_id);
    hf_put_u64 (&self->value, state->locks.last_token);
    hf_put_u64 (&self->value, state->section_index);
    hf_put_u64 (&self->value, HF_MUTANT (happened_uncounted) ? 0 : state->locks.happened);
    hf_put_u64 (&self->value, state->appended);
    hf_put_bin (&self->value, hf_state_roster (state));
    s_put (self, key, key + sizeof (key));
}

static void
s_put_session (putter_t *self, const hf_state_session_t *session)
{
    uint8_t key[HF_ROW_KEY_MAX] = {'s'};
    bool owned = session->user_size > 0 && !HF_MUTANT (owner_lost);
    hf_put_array (&self->value, owned ? 10 : 9);
    hf_put_bin (&self->value, hf_span (session->nonce, HF_NONCE_SIZE));
    hf_put_u32 (&self->value, session->ttl_ms);
    hf_put_u32 (&self->value, session->ran_ms);
    hf_put_u64 (&self->value, session->replies.floor);
    hf_put_str (&self->value, hf_sessions_label (session));
    hf_put_flag (&self->value, session->detect);
    hf_put_u32 (&self->value, session->delay_ms);
    hf_put_flag (&self->value, session->gone && !HF_MUTANT (delay_lost));
    if (owned)
        hf_put_str (&self->value, hf_sessions_user (session));
    hf_put_array (&self->value, session->replies.count);
    uint32_t put = 0;
    for (uint64_t ahead = 0; put < session->replies.count; ahead++) {
        uint64_t seq = session->replies.floor + ahead;
        assert (ahead < HF_WINDOW_MAX);
        if (hf_replies_state (&session->replies, seq) != HF_SEQ_KNOWN)
            continue;
        hf_answer_put (&self->value, hf_replies_find (&session->replies, seq));
        put++;
    }
    s_put (self, key, hf_row_key_u64 (key + 1, session->id));
}

static void
s_put_claim (putter_t *self, const hf_state_claim_t *claim)
{
    uint8_t key[HF_ROW_KEY_MAX] = {'p'};
    hf_put_array (&self->value, 8);
    hf_put_u64 (&self->value, claim->session->id);
    hf_put_u64 (&self->value, claim->token);
    hf_put_u64 (&self->value, claim->index);
    hf_put_u64 (&self->value, HF_MUTANT (replaces_lost) ? 0 : claim->extra->replaces);
    uint32_t count = HF_MUTANT (set_place_lost) ? 1 : claim->places_count;
    hf_put_array (&self->value, count);
    for (uint32_t i = 0; i < count; i++) {
        const hf_state_place_t *place = &claim->places[i];
        hf_put_array (&self->value, place->units > 0 ? 3 : 1);
        hf_put_str (&self->value, hf_state_lock_name (place->lock));
        if (place->units == 0)
            continue;
        hf_put_u32 (&self->value, place->units);
        hf_put_u32 (&self->value, place->lock->queue->limit);
    }
    hf_put_flag (&self->value, claim->upgrade);
    hf_put_u64 (&self->value, claim->extra->acts_for ? claim->extra->acts_for->id : 0);
    hf_put_str (&self->value,
                HF_MUTANT (note_lost) ? hf_span ("", 0) : hf_state_claim_note (claim));
    s_put (self, key, hf_row_key_u64 (key + 1, claim->born));
}

//  ---- changes --------------------------------------------------------------------

size_t
hf_state_changed_rows (const hf_state_t *self)
{
    return self->rows.count;
}

uint64_t
hf_state_changed_bytes (const hf_state_t *self)
{
    return self->rows.bytes;
}

void
hf_state_changes (hf_state_t *self, hf_pack_t *changes)
{
    assert (!self->loading);
    hf_rows_t *rows = &self->rows;
    putter_t putter = {.out = changes, .change = true};
    hf_pack_init (&putter.value);
    if (changes) {
        s_put_whole (&putter, self);
        //  Tombstones first: a deleted key may have been created again.
        hf_pack_raw (changes, hf_pack_bytes (&rows->tombstones), hf_pack_size (&rows->tombstones));
        changes->count += rows->tombstones.count;
    }
    for (size_t i = 0; changes && i < rows->sessions.count; i++)
        s_put_session (&putter, HF_AROUND (rows->sessions.list[i], hf_state_session_t, row));
    for (size_t i = 0; changes && i < rows->claims.count; i++)
        s_put_claim (&putter, HF_AROUND (rows->claims.list[i], hf_state_claim_t, row));
    hf_rows_clean (rows, &rows->sessions);
    hf_rows_clean (rows, &rows->claims);
    hf_section_changes (rows, changes);
    rows->count -= rows->tombstones.count;
    hf_pack_reset (&rows->tombstones);
    assert (rows->count == 0 && rows->bytes == 0);
    hf_pack_done (&putter.value);
}

//  ---- everything -----------------------------------------------------------------

void
hf_state_rows (const hf_state_t *self, hf_pack_t *rows)
{
    assert (!self->loading);
    putter_t putter = {.out = rows, .change = false};
    hf_pack_init (&putter.value);
    s_put_whole (&putter, self);
    HF_CHAIN_EACH (&self->sessions.in_order, in_order)
    {
        const hf_state_session_t *session = HF_AROUND (in_order, hf_state_session_t, in_order);
        s_put_session (&putter, session);
        HF_CHAIN_EACH (&session->claims, at)
        {
            const hf_state_claim_t *claim = HF_AROUND (at, hf_state_claim_t, in_session);
            s_put_claim (&putter, claim);
            if (claim->extra->section)
                hf_section_rows (claim->extra->section, rows);
        }
    }
    hf_pack_done (&putter.value);
}
