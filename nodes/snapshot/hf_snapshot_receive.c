//  The order of parts.

#include "nodes/snapshot/hf_snapshot_receive.h"
#include "base/hf_mutant.h"
#include "nodes/snapshot/hf_snapshot_format.h"
#include <assert.h>

/*  The sender chose the size: one that cannot be must not end this node. */
static bool
s_begins (const hf_state_part_t *part)
{
    return part->offset == 0 && part->total > HF_SNAPSHOT_PREFIX && part->total <= INT64_MAX;
}

hf_received_t
hf_snapshot_receive_part (hf_snapshot_receive_t *self, const hf_state_part_t *part)
{
    assert (self->have <= self->total || HF_MUTANT (transfer_mixed));
    if (part->id == 0 || part->data.size == 0)
        return HF_RECEIVED_NOTHING;
    hf_snapshot_receive_t next = *self;
    bool first = part->id != self->id && !(HF_MUTANT (transfer_mixed) && self->id != 0);
    if (first) {
        if (!s_begins (part))
            return HF_RECEIVED_NOTHING;
        next = (hf_snapshot_receive_t){.id = part->id, .total = part->total};
    }
    if (HF_MUTANT (transfer_mixed))
        next.total = part->total;
    bool in_order = part->offset == next.have || HF_MUTANT (transfer_any_order);
    if (!in_order || part->total != next.total || next.have > next.total ||
        part->data.size > next.total - next.have)
        return HF_RECEIVED_NOTHING;
    next.have += part->data.size;
    *self = next;
    return first ? HF_RECEIVED_FIRST : HF_RECEIVED_MORE;
}
