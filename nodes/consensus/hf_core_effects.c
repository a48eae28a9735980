//  The effects of a step: persists, messages, notices.

#include "nodes/consensus/hf_core_internal.h"
#include <string.h>

void
hf_effects_init (hf_effects_t *self)
{
    memset (self, 0, sizeof *self);
}

void
hf_effects_done (hf_effects_t *self)
{
    hf_array_free (&self->persists);
    hf_array_free (&self->messages);
    hf_array_free (&self->notices);
    hf_effects_init (self);
}

void
hf_effects_persisted (hf_effects_t *self)
{
    self->persists.count = 0;
}

void
hf_effects_reset (hf_effects_t *self)
{
    hf_effects_persisted (self);
    self->messages.count = 0;
    self->notices.count = 0;
}

hf_persist_t *
hf_core_persist (hf_effects_t *effects, hf_persist_type_t type)
{
    hf_persist_t *persist = hf_array_add (&effects->persists);
    *persist = (hf_persist_t){.type = type};
    return persist;
}

hf_outgoing_t *
hf_core_send (const hf_core_t *self, uint32_t kind, uint32_t to, hf_effects_t *effects)
{
    hf_outgoing_t *out = hf_array_add (&effects->messages);
    memset (out, 0, sizeof *out);
    out->message.kind = kind;
    out->message.head.from = self->config.self;
    out->message.head.to = out->to = to;
    out->message.head.term = self->term;
    return out;
}

hf_outgoing_t *
hf_core_send_entries (const hf_core_t *self, uint32_t to, uint64_t prev_index, uint64_t prev_term,
                      uint32_t count, hf_effects_t *effects)
{
    hf_outgoing_t *out = hf_core_send (self, HF_KIND_ENTRIES, to, effects);
    out->entries_count = count;
    out->message.entries.commit = self->commit_index;
    out->message.entries.prev_index = prev_index;
    out->message.entries.prev_term = prev_term;
    return out;
}

void
hf_core_notice (const hf_core_t *self, hf_notice_type_t type, uint64_t id, uint64_t index,
                hf_effects_t *effects)
{
    hf_notice_t *notice = hf_array_add (&effects->notices);
    *notice = (hf_notice_t){type, self->term, self->leader, id, index};
}

void
hf_core_persist_vote (hf_core_t *self, hf_effects_t *effects)
{
    //  A new term and the vote in it are one write.
    size_t count = effects->persists.count;
    hf_persist_t *persist = count > 0 ? &effects->persists.list[count - 1] : NULL;
    if (persist == NULL || persist->type != HF_PERSIST_VOTE)
        persist = hf_core_persist (effects, HF_PERSIST_VOTE);
    persist->term = self->term;
    persist->voted_for = self->voted_for;
}
