/*  What is slow is said, and not too often. */
#include "tests/kit/hf_test.h"
#include "base/hf_mutant.h"
#include "nodes/services/hf_slow.h"

#define MS     1000ULL
#define SECOND 1000000ULL

int hf_mutant = HF_MUTANT_none;

//  ---- slow things -----------------------------------------------------------------------

/*  One slow thing each 10 s, for two minutes: how many lines. */
static unsigned
s_lines (int mutant)
{
    hf_slow_t slow = {.count = 0}, told;
    unsigned lines = 0;
    hf_mutant = mutant;
    for (uint64_t at = 0; at < 120; at += 10)
        lines += hf_slow_look (&slow, SECOND, SECOND, (1000 + at) * SECOND, &told);
    hf_mutant = HF_MUTANT_none;
    return lines;
}

HF_TEST (test_once_a_minute)
{
    assert_int_equal (s_lines (HF_MUTANT_none), 2);
    assert_int_equal (s_lines (HF_MUTANT_slow_said_each_time), 12);
}

HF_TEST (test_what_came_in_between_is_told_with_the_next)
{
    hf_slow_t slow = {.count = 0}, told;
    assert_false (hf_slow_look (&slow, 499 * MS, 500 * MS, 1 * SECOND, &told));
    assert_true (hf_slow_look (&slow, 500 * MS, 500 * MS, 2 * SECOND, &told));
    assert_true (told.count == 1 && told.worst_us == 500 * MS);
    assert_false (hf_slow_look (&slow, 3 * SECOND, 500 * MS, 3 * SECOND, &told));
    assert_false (hf_slow_look (&slow, 10 * MS, 500 * MS, 90 * SECOND, &told)); //  it is not slow
    assert_true (hf_slow_look (&slow, 700 * MS, 500 * MS, 91 * SECOND, &told));
    assert_true (told.count == 2 && told.worst_us == 3 * SECOND);
}

//  ---- links -----------------------------------------------------------------------------

static unsigned
s_flaps (int mutant, uint64_t each_us)
{
    hf_flaps_t flaps = {.count = 0};
    unsigned lines = 0;
    hf_mutant = mutant;
    for (uint64_t at = 0; at < 12; at++)
        lines += hf_flaps_down (&flaps, 1000 * SECOND + at * each_us);
    hf_mutant = HF_MUTANT_none;
    return lines;
}

HF_TEST (test_links_that_flap)
{
    assert_int_equal (s_flaps (HF_MUTANT_none, SECOND), 1);
    assert_int_equal (s_flaps (HF_MUTANT_none, 10 * SECOND), 2); //  6 in each minute
    assert_int_equal (s_flaps (HF_MUTANT_none, 21 * SECOND), 0); //  3 in each
    assert_int_equal (s_flaps (HF_MUTANT_each_end_flaps, SECOND), 9);
}

//  ---- the clock -------------------------------------------------------------------------

static bool
s_jumps (hf_jumps_t *jumps, uint64_t now_us, int64_t ahead_us, int64_t *by_us)
{
    uint64_t wall_us = (uint64_t)((int64_t)(now_us + 1000000 * SECOND) + ahead_us);
    return hf_jumps_look (jumps, wall_us, now_us - 1, now_us, by_us);
}

HF_TEST (test_jumps_both_ways)
{
    hf_jumps_t jumps = {.known = false};
    int64_t by_us;
    assert_false (s_jumps (&jumps, 10 * SECOND, 0, &by_us));
    assert_false (s_jumps (&jumps, 11 * SECOND, 900000, &by_us));
    assert_true (s_jumps (&jumps, 12 * SECOND, 3900000, &by_us));
    assert_int_equal (by_us, 3000000);
    assert_false (s_jumps (&jumps, 13 * SECOND, 3900000, &by_us));
    assert_false (s_jumps (&jumps, 14 * SECOND, -3900000, &by_us)); //  once a minute
    assert_true (s_jumps (&jumps, 100 * SECOND, -9000000, &by_us));
    assert_int_equal (by_us, -5100000);
}

/*  The reader stood still between the two clocks. */
HF_TEST (test_a_look_that_took_long_is_none)
{
    hf_jumps_t jumps = {.known = false};
    int64_t by_us;
    assert_false (hf_jumps_look (&jumps, 1000 * SECOND, 9 * SECOND, 9 * SECOND, &by_us));
    assert_false (hf_jumps_look (&jumps, 1001 * SECOND, 10 * SECOND, 15 * SECOND, &by_us));
    assert_false (hf_jumps_look (&jumps, 1007 * SECOND, 16 * SECOND, 16 * SECOND, &by_us));
}

/*  200 ppm, as much as a bad clock drifts, over a day. */
static unsigned
s_drift (int mutant)
{
    hf_jumps_t jumps = {.known = false};
    unsigned lines = 0;
    int64_t by_us;
    hf_mutant = mutant;
    for (uint64_t at = 1; at < 86400; at += 10)
        lines += s_jumps (&jumps, at * SECOND, (int64_t)(at * 200), &by_us);
    hf_mutant = HF_MUTANT_none;
    return lines;
}

HF_TEST (test_drift_is_no_jump)
{
    assert_int_equal (s_drift (HF_MUTANT_none), 0);
    assert_true (s_drift (HF_MUTANT_drift_is_a_jump) > 0);
}

HF_TEST_MAIN (NULL, NULL)
