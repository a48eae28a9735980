//  Quorum arithmetic: what a majority of the voters has.

#include "nodes/consensus/hf_quorum.h"
#include "msgs/hf_limits.h"
#include <assert.h>

static uint32_t
s_count (uint32_t mask)
{
    uint32_t count = 0;
    for (; mask != 0; mask &= mask - 1)
        count++;
    return count;
}

uint32_t
hf_quorum_size (uint32_t voters)
{
    assert (voters != 0 && voters >> HF_MEMBERS_MAX == 0);
    return s_count (voters) / 2 + 1;
}

uint64_t
hf_quorum_value_of (const uint64_t *values, uint32_t mask, uint32_t voters)
{
    uint64_t sorted[HF_MEMBERS_MAX] = {0};
    uint32_t size = hf_quorum_size (voters), found = 0;
    for (uint32_t i = 0; i < HF_MEMBERS_MAX; i++) {
        if ((voters & mask) >> i & 1) {
            uint32_t at = found++;
            for (; at > 0 && sorted[at - 1] < values[i]; at--)
                sorted[at] = sorted[at - 1];
            sorted[at] = values[i];
        }
    }
    return sorted[size - 1];
}

bool
hf_quorum_reached (uint32_t mask, uint32_t voters)
{
    return s_count (mask & voters) >= hf_quorum_size (voters);
}

bool
hf_quorum_lost (uint32_t refused, uint32_t voters)
{
    return s_count (voters & ~refused) < hf_quorum_size (voters);
}

bool
hf_quorum_all (uint32_t mask, uint32_t voters)
{
    assert (voters != 0);
    return (voters & ~mask) == 0;
}
