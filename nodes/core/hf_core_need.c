//  Repair, the leader's side: see hf_core_repair.c.

#include "nodes/core/hf_core_internal.h"

void
hf_core_on_need (hf_core_t *self, const hf_need_t *m, hf_effects_t *effects)
{
    if (self->role != HF_LEADER)
        return;
    uint64_t index = m->probe_index;
    uint64_t term = m->probe_term;
    uint32_t count = 0;
    bool ours = hf_core_log_term_at (&self->log, index) == term;
    if (ours && index < self->log.last_index) {
        //  Entries that were pruned here: only the whole state can help that node.
        if (index + 1 < self->log.first_index)
            return;
        uint64_t left = self->log.last_index - index;
        uint32_t most = left < HF_CORE_ENTRIES_MAX ? (uint32_t)left : HF_CORE_ENTRIES_MAX;
        count = self->chunk != NULL ? self->chunk (self->chunk_arg, index + 1, most) : 1;
        assert (count > 0 && count <= most);
    }
    if (!ours) {
        index = hf_core_log_point_below (&self->log, index, term);
        term = hf_core_log_term_at (&self->log, index);
    }
    hf_outgoing_t *out = hf_core_send (effects, HF_KIND_ENTRIES, m->from);
    out->entries_count = count;
    out->entries = (hf_entries_t){.from = self->config.self,
                                  .to = m->from,
                                  .term = self->term,
                                  .commit = self->commit_index,
                                  .prev_index = index,
                                  .prev_term = term};
}
