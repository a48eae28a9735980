//  This node stood still: a slow sync, a stopped process. The time in which it could not
//  listen is not silence of the others. Without this, a disk that all nodes of a machine share
//  could make every one of them take the others for dead at once. Liveness alone rests on it:
//  no promise rests on clocks between nodes (design 4.3).

#include "nodes/consensus/hf_core_internal.h"

static uint64_t
s_later (const hf_core_t *self, uint64_t heard_us, uint64_t for_us)
{
    uint64_t since_us = self->now_us - heard_us;
    return since_us > for_us ? heard_us + for_us : self->now_us;
}

void
hf_core_on_stall (hf_core_t *self, uint64_t for_us)
{
    if (for_us > self->now_us)
        return;
    if (self->role != HF_LEADER) {
        //  With nobody to hear, there is nothing to be patient about.
        if (self->leader != 0) {
            self->heard_us = s_later (self, self->heard_us, for_us);
            self->stand_at_us += for_us;
        }
        return;
    }
    for (uint32_t i = 0; i < self->config.members_count; i++)
        self->peers[i].heard_us = s_later (self, self->peers[i].heard_us, for_us);
    if (self->transfer_to != 0)
        self->transfer_until_us += for_us;
}
