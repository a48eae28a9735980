//  Repair, the leader's side: see hf_core_repair.c.

#include "nodes/consensus/hf_core_internal.h"

/*  We have no point in common with that node, or none that we can go on from: what follows
 *  was pruned. Only the whole state can help it. */
static void
s_offer (const hf_core_t *self, uint32_t to, hf_effects_t *effects)
{
    hf_outgoing_t *out = hf_core_send (effects, HF_KIND_STATE_OFFER, to);
    out->state_offer = (hf_state_offer_t){.from = self->config.self,
                                          .to = to,
                                          .term = self->term,
                                          .first_index = self->log.first_index};
}

void
hf_core_on_need (hf_core_t *self, const hf_need_t *m, hf_effects_t *effects)
{
    if (self->role != HF_LEADER)
        return;
    uint64_t index = m->probe_index;
    uint64_t term = m->probe_term;
    uint32_t count = 0;
    if (index + 1 < self->log.first_index) {
        s_offer (self, m->from, effects);
        return;
    }
    bool ours = hf_core_log_term_at (&self->log, index) == term;
    if (ours && index < self->log.last_index) {
        uint64_t left = self->log.last_index - index;
        uint32_t most = left < HF_CORE_ENTRIES_MAX ? (uint32_t)left : HF_CORE_ENTRIES_MAX;
        count = self->chunk != NULL ? self->chunk (self->chunk_arg, index + 1, most) : 1;
        assert (count > 0 && count <= most);
    }
    if (!ours) {
        index = hf_core_log_point_below (&self->log, index, term);
        if (index + 1 < self->log.first_index) {
            s_offer (self, m->from, effects);
            return;
        }
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
