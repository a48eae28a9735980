//  Quorum arithmetic: what a majority of the members has.

#include "nodes/consensus/hf_quorum.h"
#include "msgs/hf_limits.h"
#include <assert.h>

uint32_t
hf_quorum_size (uint32_t count)
{
    assert (count > 0 && count <= HF_MEMBERS_MAX);
    return count / 2 + 1;
}

uint64_t
hf_quorum_value_of (const uint64_t *values, uint32_t mask, uint32_t count)
{
    uint64_t sorted[HF_MEMBERS_MAX];
    uint32_t size = hf_quorum_size (count);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t value = (mask >> i & 1) != 0 ? values[i] : 0;
        uint32_t at = i;
        for (; at > 0 && sorted[at - 1] < value; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = value;
    }
    return sorted[size - 1];
}

static uint32_t
s_members_in (uint32_t mask, uint32_t count)
{
    uint32_t members = 0;
    for (uint32_t i = 0; i < count; i++)
        members += mask >> i & 1;
    return members;
}

bool
hf_quorum_reached (uint32_t mask, uint32_t count)
{
    return s_members_in (mask, count) >= hf_quorum_size (count);
}

bool
hf_quorum_lost (uint32_t refused, uint32_t count)
{
    return count - s_members_in (refused, count) < hf_quorum_size (count);
}

bool
hf_quorum_all (uint32_t mask, uint32_t count)
{
    return s_members_in (mask, count) == count;
}
