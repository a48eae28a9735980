#include "nodes/consensus/hf_core_internal.h"

void
hf_core_on_pruned (hf_core_t *self, uint64_t index, hf_effects_t *effects)
{
    //  Our own driver deleted them, and only what is committed and on this disk.
    assert (index <= self->commit_index && index <= self->durable_index);
    if (index < self->log.first_index)
        return;
    hf_core_log_prune (&self->log, index);
    hf_core_roster_forget (self);
    //  Entries that were to be sent and are gone: the message says only where they begin.
    for (size_t i = 0; i < effects->messages_count; i++) {
        hf_outgoing_t *out = &effects->messages[i];
        if (out->kind == HF_KIND_ENTRIES && out->entries.prev_index < index)
            out->entries_count = 0;
    }
}
