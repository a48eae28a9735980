//  The leader's pace: slower step by step for a member that does not catch up, and with an end.

#include "base/hf_mutant.h"
#include "nodes/services/hf_pace.h"
#include "tests/kit/hf_test.h"

#define SECOND  1000000ULL
#define SYNC_US 4000

int hf_mutant = HF_MUTANT_none;

static uint64_t s_now_us;

/*  The next look: node 2 is DISTANCE behind; 100 more entries were committed. */
static hf_pace_news_t
s_look (hf_pace_t *pace, uint64_t distance)
{
    s_now_us += HF_PACE_LOOK_US;
    uint64_t commit = pace->commit + 100;
    return hf_pace_look (pace, 2, commit - distance, commit, s_now_us);
}

/*  A pace that is at the last step, for a member that comes no nearer. */
static hf_pace_t
s_slowest (void)
{
    hf_pace_t pace = {.commit = 100000};
    s_now_us = SECOND;
    assert_int_equal (s_look (&pace, 1000), HF_PACE_NOTHING);
    assert_int_equal (s_look (&pace, 1000), HF_PACE_SLOWS);
    for (uint32_t step = 2; step <= HF_PACE_STEPS; step++) {
        assert_int_equal (s_look (&pace, 1000), HF_PACE_NOTHING);
        assert_int_equal (pace.step, step);
    }
    return pace;
}

HF_TEST (everybody_is_a_moment_behind)
{
    hf_pace_t pace = {.commit = 100000};
    for (int i = 0; i < 100; i++)
        assert_int_equal (s_look (&pace, 100), HF_PACE_NOTHING);
    assert_int_equal (pace.step, 0);
    hf_pace_proposed (&pace, SYNC_US, s_now_us);
    assert_int_equal (pace.next_us, 0);
    assert_int_equal (hf_pace_slowed_us (&pace, s_now_us), 0);
}

HF_TEST (who_comes_nearer_is_not_waited_for)
{
    hf_pace_t pace = {.commit = 100000};
    for (uint64_t distance = 100000; distance > 100; distance -= distance / 8)
        assert_int_equal (s_look (&pace, distance), HF_PACE_NOTHING);
    assert_int_equal (pace.step, 0);
}

HF_TEST (a_pause_is_bounded)
{
    hf_pace_t pace = s_slowest ();
    hf_pace_proposed (&pace, SYNC_US, s_now_us);
    assert_int_equal (pace.next_us, s_now_us + 6 * SYNC_US);
    assert_int_equal (s_look (&pace, 1000), HF_PACE_NOTHING);
    assert_int_equal (pace.step, HF_PACE_STEPS);
}

HF_TEST (the_load_comes_back_step_by_step)
{
    hf_pace_t pace = s_slowest ();
    uint64_t began_us = pace.since_us;
    assert_int_equal (s_look (&pace, 60), HF_PACE_NOTHING); //  near, not nearer than that
    assert_int_equal (pace.step, HF_PACE_STEPS);
    for (uint32_t step = HF_PACE_STEPS - 1; step > 0; step--) {
        assert_int_equal (s_look (&pace, 20), HF_PACE_NOTHING);
        assert_int_equal (pace.step, step);
    }
    assert_int_equal (s_look (&pace, 20), HF_PACE_ENDS);
    assert_int_equal (pace.step, 0);
    assert_int_equal (hf_pace_slowed_us (&pace, s_now_us + SECOND), s_now_us - began_us);
}

HF_TEST (who_is_not_heard_is_not_waited_for)
{
    hf_pace_t pace = s_slowest ();
    s_now_us += HF_PACE_LOOK_US;
    assert_int_equal (hf_pace_look (&pace, 0, 0, pace.commit + 100, s_now_us), HF_PACE_ENDS);
    assert_int_equal (pace.step, 0);
}

/*  How long a member that never comes nearer slows the cluster; UINT64_MAX: for ever. */
static uint64_t
s_vain_us (int mutant)
{
    hf_pace_t pace = s_slowest ();
    uint64_t start_us = s_now_us;
    hf_mutant = mutant;
    while (s_look (&pace, 1000) != HF_PACE_GIVES_UP && s_now_us < start_us + 1000 * SECOND)
        ;
    hf_mutant = HF_MUTANT_none;
    if (s_now_us >= start_us + 1000 * SECOND)
        return UINT64_MAX;
    //  For five minutes nobody is waited for.
    uint64_t rest_us = s_now_us + HF_PACE_REST_US;
    while (s_now_us + 2 * HF_PACE_LOOK_US < rest_us)
        assert_int_equal (s_look (&pace, 1000), HF_PACE_NOTHING);
    assert_int_equal (pace.step, 0);
    return rest_us - HF_PACE_REST_US - start_us;
}

HF_TEST (p11_a_hopeless_member_is_given_up)
{
    assert_in_range (s_vain_us (HF_MUTANT_none), HF_PACE_VAIN_US, HF_PACE_VAIN_US + SECOND);
    assert_true (s_vain_us (HF_MUTANT_waits_for_ever) == UINT64_MAX);
}

/*  Proposals come faster than the pauses let them pass: when the next is due, and how much of it.
 */
static bool
s_made_in_parts (int mutant, uint64_t waited_us)
{
    hf_pace_t pace = s_slowest ();
    hf_pace_emptied (&pace, s_now_us);
    hf_mutant = mutant;
    uint64_t now_us = s_now_us + waited_us;
    hf_pace_proposed (&pace, HF_PACE_WAIT_US, now_us); //  a very slow disk
    bool parts = hf_pace_in_parts (&pace, now_us);
    uint64_t due_us = hf_pace_due_us (&pace);
    hf_mutant = HF_MUTANT_none;
    assert_int_equal (due_us, mutant ? now_us + 6 * HF_PACE_WAIT_US : s_now_us + HF_PACE_WAIT_US);
    return parts;
}

HF_TEST (p9_no_proposal_waits_for_long)
{
    assert_true (s_made_in_parts (HF_MUTANT_none, HF_PACE_WAIT_US - 1));
    assert_false (s_made_in_parts (HF_MUTANT_none, HF_PACE_WAIT_US));
    assert_true (s_made_in_parts (HF_MUTANT_waits_in_line, HF_PACE_WAIT_US));
    hf_pace_t full_speed = {.step = 0};
    assert_false (hf_pace_in_parts (&full_speed, s_now_us));
}

/*  A little is enough to go on. */
HF_TEST (who_comes_nearer_slowly_is_waited_for)
{
    hf_pace_t pace = s_slowest ();
    for (uint64_t distance = 100000; distance > 50000; distance -= 100)
        assert_int_equal (s_look (&pace, distance), HF_PACE_NOTHING);
    assert_int_equal (pace.step, HF_PACE_STEPS);
}

HF_TEST_MAIN (NULL, NULL)
