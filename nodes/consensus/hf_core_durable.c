#include "nodes/consensus/hf_core_internal.h"

void
hf_core_on_durable (hf_core_t *self, uint64_t index, uint64_t term)
{
    //  What was made durable may have been cut off since; then it says nothing.
    if (hf_core_log_term_at (&self->log, index) != term || term == 0)
        return;
    assert (index <= self->log.last_index);
    if (index > self->durable_index)
        self->durable_index = index;
}
