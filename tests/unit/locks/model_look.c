//  Comparing the slow and obvious state with the real one (model.h).
#include "tests/unit/locks/model_private.h"
#include "base/hf_hash.h"
#include <assert.h>

static bool
s_agrees_section (const model_t *self, const model_event_t *event, const hf_outcome_t *got)
{
    hf_scan_t scan = hf_scan_list (got->parts_list);
    uint32_t seen = 0;
    for (uint32_t i = 0; i < got->parts_list.count; i++) {
        hf_a_part_t part;
        size_t file = hf_a_part_get (&scan, &part) ? model_file (part.file) : MODEL_FILES;
        if (file == MODEL_FILES || seen >> file & 1 ||
            !hf_span_equal (part.data, hf_span (self->files[file].bytes + event->from[file],
                                                event->to[file] - event->from[file])))
            return false;
        seen |= 1U << file;
    }
    return seen == event->parts;
}

/*  Whether SESSION holds the lock of that NAME. */
static bool
s_holds (const model_t *self, uint64_t session, hf_span_t name)
{
    size_t number = model_lock (name);
    const model_claim_t *claim =
        number < MODEL_LOCKS ? model_find (self, number, session, false) : NULL;
    return claim && claim->token > 0;
}

//  Each holds what the one before it waits for, all around.
bool
model_agrees_ring (const model_t *self, const hf_outcome_t *got)
{
    hf_ring_row_t rows[HF_RING_MAX];
    hf_scan_t scan = hf_scan_list (got->ring);
    uint32_t count = got->ring.count;
    for (uint32_t i = 0; i < count; i++)
        if (i == HF_RING_MAX || !hf_ring_row_get (&scan, &rows[i]))
            return false;
    for (uint32_t i = 0; i < count; i++) {
        hf_span_t wanted = rows[(i + count - 1) % count].waits;
        bool ahead = rows[i].holds.size == 0 && i > 0;
        if (model_lock (rows[i].waits) == MODEL_LOCKS ||
            (!ahead &&
             (!hf_span_equal (rows[i].holds, wanted) || !s_holds (self, rows[i].session, wanted))))
            return false;
    }
    return true;
}

bool
model_agrees (const model_t *self, const model_event_t *event, const hf_outcome_t *got)
{
    const hf_answer_t *a = &got->answer, *b = &event->answer;
    bool named =
        got->type == HF_OUT_GRANTED || got->type == HF_OUT_MOVED || got->type == HF_OUT_WANTED;
    return got->type == event->type && got->session == event->session &&
           got->status == event->status && got->index == event->index &&
           got->ttl_ms == event->ttl_ms && got->waiters == event->waiters && a->seq == b->seq &&
           a->status == b->status && a->token == b->token && a->position == b->position &&
           a->index == b->index && (!named || model_lock (got->lock) == event->lock) &&
           (got->ring.count == 0 || got->status == HF_DEADLOCK) &&
           (got->type != HF_OUT_SECTION || s_agrees_section (self, event, got));
}

#define MIX(hash, ...)                                                                             \
    hf_hash (hash, (const uint64_t[]){__VA_ARGS__}, sizeof ((const uint64_t[]){__VA_ARGS__}))

/*  The places of a session; their order does not count. */
static uint64_t
s_look_places (const hf_state_t *state, uint64_t session)
{
    hf_pack_t held, queued;
    hf_pack_init (&held);
    hf_pack_init (&queued);
    uint32_t delay_ms;
    bool alive = hf_state_session_places (state, session, &held, &queued);
    assert (alive != hf_state_session_gone (state, session, &delay_ms));
    uint64_t sum = 0;
    hf_scan_t scan = hf_scan_list (hf_pack_list (&held));
    hf_granted_t granted;
    while (!hf_scan_at_end (&scan) && hf_granted_get (&scan, &granted))
        sum += MIX (1, model_lock (granted.lock), granted.token, granted.index, granted.waiters,
                    granted.replaces);
    scan = hf_scan_list (hf_pack_list (&queued));
    hf_moved_t moved;
    while (!hf_scan_at_end (&scan) && hf_moved_get (&scan, &moved))
        sum += MIX (2, model_lock (moved.lock), moved.position);
    hf_pack_done (&held);
    hf_pack_done (&queued);
    return sum;
}

static uint64_t
s_look_lock (uint64_t hash, const hf_state_t *state, size_t lock)
{
    hf_pack_t rows;
    hf_pack_init (&rows);
    bool more = false;
    bool held =
        hf_state_lock_detail (state, hf_span_text (model_locks[lock]), 1, UINT32_MAX, &rows, &more);
    hf_scan_t scan = hf_scan_list (hf_pack_list (&rows));
    hf_lock_row_t row = {.holders = 0};
    hf_holder_row_t hold;
    hf_waiter_row_t waiter;
    bool good = !held || hf_lock_row_get (&scan, &row);
    hash = MIX (hash, row.holders, row.waiters, row.limit);
    while (good && !hf_scan_at_end (&scan))
        if (hf_scan_kind (&scan) == HF_KIND_HOLDER_ROW) {
            good = hf_holder_row_get (&scan, &hold);
            hash = MIX (hash, hold.session, hold.mode, hold.units, hold.token, hold.staged,
                        model_note (hold.note), model_label (hold.label));
        } else {
            good = hf_waiter_row_get (&scan, &waiter);
            hash = MIX (hash, waiter.session, waiter.mode, waiter.units, waiter.position,
                        model_note (waiter.note), model_label (waiter.label));
        }
    assert (good && !more);
    hf_pack_done (&rows);
    return hash;
}

uint64_t
model_look_state (const hf_state_t *state)
{
    uint64_t session = 0, hash = 0;
    uint32_t ttl_ms;
    for (size_t lock = 0; lock < MODEL_LOCKS; lock++)
        hash = s_look_lock (hash, state, lock);
    hash = MIX (hash, hf_state_command_index (state), hf_state_sessions_count (state),
                hf_state_locks_count (state), hf_state_staged_bytes (state));
    while (hf_state_next_session (state, session, &session, &ttl_ms))
        hash = MIX (hash, session, ttl_ms, s_look_places (state, session));
    return hash;
}

/*  How many bytes a claim has staged; with COST, of each file. */
static uint64_t
s_staged (const model_claim_t *claim, uint64_t cost)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < MODEL_FILES; i++)
        bytes += claim->staged[i].size + (claim->appended[i] ? cost : 0);
    return bytes;
}

/*  The holders by token, the waiters by their places. *HELD counts locks with any. */
static uint64_t
s_look_line (uint64_t hash, const model_t *self, size_t number, uint64_t *held)
{
    const model_claim_t *waiters[MODEL_SESSIONS] = {NULL}, *hold;
    uint64_t holders = 0, waiting = 0, limit = 0;
    for (size_t i = 0; i < self->claims.count; i++) {
        const model_claim_t *claim = &self->claims.list[i];
        const model_place_t *place = model_at (claim, number);
        holders += place && claim->token > 0;
        limit = place && place->units > 0 ? place->limit : limit;
        if (!place || claim->token > 0)
            continue;
        waiters[model_before (self, claim, number)] = claim;
        waiting++;
    }
    *held += holders + waiting > 0;
    hash = MIX (hash, holders, waiting, limit);
    for (size_t i = 0; (hold = model_holder (self, number, i)); i++) {
        uint32_t units = model_at (hold, number)->units;
        hash = MIX (hash, hold->session, units > 0, units, hold->token, s_staged (hold, 0),
                    hold->note, self->sessions[hold->session].label);
    }
    for (size_t i = 0; i < waiting; i++) {
        uint32_t units = model_at (waiters[i], number)->units;
        hash = MIX (hash, waiters[i]->session, units > 0, units, i + 1, waiters[i]->note,
                    self->sessions[waiters[i]->session].label);
    }
    return hash;
}

uint64_t
model_look (const model_t *self)
{
    uint64_t live = 0, held = 0, staged = 0, places[MODEL_SESSIONS] = {0}, hash = 0;
    for (size_t number = 0; number < MODEL_LOCKS; number++)
        hash = s_look_line (hash, self, number, &held);
    for (size_t i = 0; i < self->claims.count; i++) {
        const model_claim_t *claim = &self->claims.list[i];
        size_t number = claim->places[0].lock;
        staged += s_staged (claim, HF_STAGED_FILE_COST);
        if (claim->token > 0)
            places[claim->session] += MIX (1, number, claim->token, claim->index,
                                           (uint64_t)model_wanting (self, claim), claim->replaces);
        else
            places[claim->session] += MIX (2, number, model_position (self, claim));
    }
    for (uint64_t id = 1; id <= self->last_session; id++)
        live += self->sessions[id].alive || self->sessions[id].gone;
    hash = MIX (hash, self->commands, live, held, staged);
    for (uint64_t id = 1; id <= self->last_session; id++)
        if (self->sessions[id].alive)
            hash = MIX (hash, id, self->sessions[id].ttl_ms, places[id]);
        else if (self->sessions[id].gone)
            hash = MIX (hash, id, self->sessions[id].delay_ms, (uint64_t)0);
    return hash;
}
