#include "nodes/consensus/hf_core_internal.h"

void
hf_core_on_propose (hf_core_t *self, uint32_t count, hf_effects_t *effects)
{
    assert (count > 0 && count <= HF_CORE_ENTRIES_MAX);
    if (!hf_core_accepts (self))
        return;
    hf_persist_t *persist = hf_core_persist (effects, HF_PERSIST_APPEND);
    persist->term = self->term;
    persist->index = self->log.last_index + 1;
    persist->count = count;
    hf_core_publish (self, count, effects);
}
