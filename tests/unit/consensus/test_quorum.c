//  Quorum arithmetic against a slow and obvious twin, on random input.

#include "tests/kit/hf_test.h"
#include "base/hf_random.h"
#include "msgs/hf_limits.h"
#include "nodes/consensus/hf_quorum.h"

static hf_random_t s_seed = {1};

static uint64_t
s_random (uint64_t limit)
{
    return hf_random_below (&s_seed, limit);
}

/*  More than half of COUNT, said as it is. */
static bool
s_majority (uint32_t some, uint32_t count)
{
    return some > count - some;
}

static uint64_t
s_slow_value (const uint64_t *values, uint32_t count)
{
    uint64_t best = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t reached = 0;
        for (uint32_t j = 0; j < count; j++)
            reached += values[j] >= values[i];
        if (s_majority (reached, count) && values[i] > best)
            best = values[i];
    }
    return best;
}

HF_TEST (value_of)
{
    for (int turn = 0; turn < 300000; turn++) {
        uint64_t values[HF_MEMBERS_MAX];
        uint64_t counted[HF_MEMBERS_MAX];
        uint32_t voters = (uint32_t)s_random ((1U << HF_MEMBERS_MAX) - 1) + 1, count = 0;
        uint32_t mask = s_random (2) ? UINT32_MAX : (uint32_t)s_random (1U << HF_MEMBERS_MAX);
        uint64_t spread = s_random (2) ? 4 : UINT32_MAX;
        for (uint32_t i = 0; i < HF_MEMBERS_MAX; i++) {
            values[i] = s_random (8) ? s_random (spread) : UINT64_MAX;
            if ((voters & 1U << i) != 0)
                counted[count++] = (mask & 1U << i) != 0 ? values[i] : 0;
        }
        uint64_t value = hf_quorum_value_of (values, mask, voters);
        assert_true (value == s_slow_value (counted, count));
    }
}

HF_TEST (masks)
{
    for (uint32_t voters = 1; voters < 1U << HF_MEMBERS_MAX; voters++) {
        for (uint32_t mask = 0; mask < 1U << (HF_MEMBERS_MAX + 1); mask++) {
            uint32_t inside = 0, count = 0;
            for (uint32_t i = 0; i < HF_MEMBERS_MAX; i++) {
                count += (voters & 1U << i) != 0;
                inside += (voters & mask & 1U << i) != 0;
            }
            assert_int_equal (hf_quorum_reached (mask, voters), s_majority (inside, count));
            assert_int_equal (hf_quorum_all (mask, voters), inside == count);
            assert_int_equal (hf_quorum_lost (mask, voters), !s_majority (count - inside, count));
        }
    }
}

HF_TEST (size)
{
    static const uint32_t sizes[] = {0, 1, 2, 2, 3, 3, 4, 4};
    for (uint32_t count = 1; count <= HF_MEMBERS_MAX; count++)
        assert_int_equal (hf_quorum_size ((1U << count) - 1), sizes[count]);
}

HF_TEST_MAIN (NULL, NULL)
