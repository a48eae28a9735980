#include "nodes/consensus/hf_core_internal.h"

void
hf_core_on_transfer (hf_core_t *self, const hf_transfer_t *m, hf_effects_t *effects)
{
    if (self->role != HF_FOLLOWER || self->leader != m->from)
        return;
    //  Void for any other log end than the one that the leader had in mind, on disk.
    bool same = self->log.last_index == m->last_index &&
                hf_core_log_last_term (&self->log) == m->last_term &&
                self->durable_index == m->last_index;
    if (same && self->now_us >= self->abstain_until_us && hf_core_may_stand (self))
        hf_core_stand (self, effects);
}
