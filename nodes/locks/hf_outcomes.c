//  The list of what apply caused.
#include "nodes/locks/hf_state_private.h"
#include "base/hf_hash.h"

void
hf_outcomes_init (hf_outcomes_t *self)
{
    *self = (hf_outcomes_t){.count = 0};
}

void
hf_outcomes_done (hf_outcomes_t *self)
{
    hf_outcomes_reset (self);
    hf_array_free (self);
}

void
hf_outcomes_reset (hf_outcomes_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        free (self->list[i].owned);
    self->count = 0;
}

hf_outcome_t *
hf_outcomes_add (hf_outcomes_t *self, hf_outcome_type_t type, uint64_t session)
{
    hf_outcome_t *outcome = hf_array_add (self);
    hf_zero (outcome, sizeof *outcome);
    outcome->type = type;
    outcome->session = session;
    return outcome;
}

void
hf_outcomes_answer (hf_outcomes_t *self, uint64_t session, const hf_answer_t *answer)
{
    hf_outcome_t *outcome = hf_outcomes_add (self, HF_OUT_ANSWER, session);
    outcome->status = (hf_status_t)answer->status;
    outcome->answer = *answer;
    outcome->index = answer->index;
}

void
hf_outcomes_name (hf_outcomes_t *self, hf_span_t name)
{
    assert (self->count > 0 && name.size > 0);
    hf_outcome_t *last = &self->list[self->count - 1];
    assert (!last->owned);
    last->owned = hf_alloc (name.size);
    memcpy (last->owned, name.at, name.size);
    last->lock = hf_span (last->owned, name.size);
}

void
hf_outcomes_label (hf_outcomes_t *self, size_t which, hf_span_t by)
{
    assert (which < self->count && !self->list[which].owned);
    hf_outcome_t *outcome = &self->list[which];
    if (by.size == 0)
        return;
    outcome->owned = memcpy (hf_alloc (by.size), by.at, by.size);
    outcome->by = hf_span (outcome->owned, by.size);
}

void
hf_outcomes_ring (hf_outcomes_t *self, const hf_pack_t *rows)
{
    size_t size = hf_pack_size (rows);
    assert (self->count > 0 && size > 0);
    hf_outcome_t *last = &self->list[self->count - 1];
    assert (!last->owned && last->type == HF_OUT_ANSWER);
    last->owned = memcpy (hf_alloc (size), hf_pack_bytes (rows), size);
    last->ring = (hf_list_t){.at = last->owned, .size = (uint32_t)size, .count = rows->count};
}

uint64_t
hf_outcomes_hash (const hf_outcomes_t *self, size_t first, uint64_t hash)
{
    for (size_t i = first; i < self->count; i++) {
        const hf_outcome_t *outcome = &self->list[i];
        if (outcome->type == HF_OUT_TAKEN)
            continue; //  release 0.9 has none, and all nodes have the same hash
        hash = hf_hash_u64 (hash, (uint64_t)outcome->type << 32 | outcome->status);
        hash = hf_hash_u64 (hash, outcome->session);
        hash = hf_hash_u64 (hash, outcome->index);
        hash = hf_hash_u64 (hash, outcome->answer.token);
        hash = hf_hash_u64 (hash, outcome->waiters);
        hash = hf_hash_u64 (hash, outcome->answer.position << 32 ^ outcome->parts_list.size);
        if (outcome->ring.count > 0)
            hash = hf_hash (hash, outcome->ring.at, outcome->ring.size);
    }
    return hash;
}
