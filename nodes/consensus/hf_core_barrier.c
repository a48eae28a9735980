//  Read barriers (6.4): a round begun now, that a majority acknowledges in this term.

#include "nodes/consensus/hf_core_internal.h"

void
hf_core_on_barrier (hf_core_t *self, uint64_t id, hf_effects_t *effects)
{
    if (self->role != HF_LEADER)
        return;
    //  Full: the oldest gives way. Whoever waits for it waits for a later one too,
    //  which promises at least as much.
    if (self->barriers_count == HF_CORE_BARRIERS_MAX) {
        self->barriers_count--;
        for (uint32_t i = 0; i < self->barriers_count; i++)
            self->barriers[i] = self->barriers[i + 1];
    }
    //  A heartbeat may be on its way the moment the step that made it is over
    //  (it is early), so a barrier never shares the round of one before.
    if (!HF_MUTANT (barrier_old_round) || self->round == 0)
        hf_core_beat (self, effects);
    uint64_t index = self->commit_index > self->open_index ? self->commit_index : self->open_index;
    if (HF_MUTANT (serves_early))
        index = self->commit_index;
    self->barriers[self->barriers_count++] =
        (hf_core_barrier_t){.id = id, .round = self->round, .index = index};
}
