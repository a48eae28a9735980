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
        uint32_t count = (uint32_t)s_random (HF_MEMBERS_MAX) + 1;
        uint32_t mask = s_random (2) ? UINT32_MAX : (uint32_t)s_random (1U << HF_MEMBERS_MAX);
        uint64_t spread = s_random (2) ? 4 : UINT32_MAX;
        for (uint32_t i = 0; i < count; i++) {
            values[i] = s_random (8) ? s_random (spread) : UINT64_MAX;
            counted[i] = (mask & 1U << i) != 0 ? values[i] : 0;
        }
        uint64_t value = hf_quorum_value_of (values, mask, count);
        assert_true (value == s_slow_value (counted, count));
    }
}

HF_TEST (masks)
{
    for (uint32_t count = 1; count <= HF_MEMBERS_MAX; count++) {
        for (uint32_t mask = 0; mask < 1U << (HF_MEMBERS_MAX + 1); mask++) {
            uint32_t inside = 0;
            for (uint32_t i = 0; i < count; i++)
                inside += (mask & 1U << i) != 0;
            assert_int_equal (hf_quorum_reached (mask, count), s_majority (inside, count));
            assert_int_equal (hf_quorum_all (mask, count), inside == count);
            assert_int_equal (hf_quorum_lost (mask, count), !s_majority (count - inside, count));
        }
    }
}

HF_TEST (size)
{
    static const uint32_t sizes[] = {0, 1, 2, 2, 3, 3, 4, 4};
    for (uint32_t count = 1; count <= HF_MEMBERS_MAX; count++)
        assert_int_equal (hf_quorum_size (count), sizes[count]);
}

HF_TEST_MAIN (NULL, NULL)
