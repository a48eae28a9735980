//  Links and connections: what the mesh sees of the other nodes.

#include "nodes/consensus/hf_core_internal.h"

void
hf_core_on_link (hf_core_t *self, uint32_t node, bool up)
{
    uint32_t slot = hf_core_slot (self, node);
    if (slot == self->config.members_count || slot == self->slot)
        return;
    if (up)
        self->links |= 1U << slot;
    else
        self->links &= ~(1U << slot);
}

void
hf_core_on_broken (hf_core_t *self, uint32_t node, hf_effects_t *effects)
{
    if (self->role != HF_FOLLOWER || self->leader == 0 || self->leader != node)
        return;
    self->broken = node;
    self->broken_us = self->now_us;
    self->leader = 0;
    //  Those who are left stand one after the other, the lowest at once.
    uint32_t rank = self->slot - (node < self->config.self ? 1 : 0);
    if (rank == 0 && self->now_us >= self->abstain_until_us && hf_core_may_stand (self)) {
        hf_core_pre_stand (self, effects);
        return;
    }
    uint64_t step_us = self->config.heartbeat_us * 3 / 10;
    self->stand_at_us = self->now_us + rank * step_us + hf_core_random (self, step_us / 5);
}
