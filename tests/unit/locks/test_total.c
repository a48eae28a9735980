//  P12: what all sessions have together is bounded too. The counters are set near their caps by
//  hand, for a million places take long to make; they are put back before anything is checked.
#include "tests/unit/locks/check.h"
#include "nodes/locks/hf_state_private.h"

FEED_TEST (all_places_together_are_capped, feed_new (false))
{
    feed_open (feed, 1, 10000);
    feed_open (feed, 2, 10000);
    feed->state->locks.places = HF_PLACES_TOTAL_MAX - 1;
    assert_int_equal (feed_do_acquire (feed, 1, "a", true).status, HF_OK);
    assert_int_equal (feed_do_acquire (feed, 1, "b", true).status, HF_LIMIT);
    assert_int_equal (feed_do_acquire (feed, 2, "a", true).status, HF_LIMIT);
    assert_int_equal (feed_do_acquire (feed, 1, "a", true).status, HF_OK); //  held already
    assert_int_equal (feed_do_acquire (feed, 2, "a", false).status, HF_NOT_GRANTED);
    assert_int_equal (feed_do_abandon (feed, 1, "a"), HF_OK);
    assert_int_equal (feed_do_acquire (feed, 2, "c", true).status, HF_OK);
    feed->state->locks.places = 1;
    hf_state_check (feed->state);
}

FEED_TEST (all_answers_together_are_capped, feed_new (false))
{
    feed_open (feed, 1, 10000);
    feed_open (feed, 2, 10000);
    assert_int_equal (feed_do_acquire (feed, 1, "a", true).status, HF_OK);
    hf_answer_t first = *feed_answer (feed, 0);
    feed->state->sessions.answers = HF_ANSWERS_TOTAL_MAX;
    uint64_t commands = hf_state_command_index (feed->state);
    //  Neither executed nor kept, so it can be asked again later.
    assert_int_equal (feed_do_acquire (feed, 2, "b", true).status, HF_LIMIT);
    assert_int_equal (hf_state_command_index (feed->state), commands);
    assert_int_equal (hf_state_locks_count (feed->state), 1);
    //  A repeat is answered all the same.
    feed_start (feed, 1);
    feed->floor = 0;
    feed_again (feed, first.seq);
    feed_acquire (feed, "a", true);
    feed_apply (feed);
    assert_int_equal (feed_answer (feed, 0)->token, first.token);
    //  What a floor gives back is free again, for everybody.
    feed_start (feed, 1);
    feed_acquire (feed, "c", true);
    feed_apply (feed);
    assert_int_equal (feed_answer (feed, 0)->status, HF_OK);
    assert_int_equal (feed_do_acquire (feed, 2, "b", true).status, HF_LIMIT);
    feed_do_close (feed, 1);
    assert_int_equal (feed_do_acquire (feed, 2, "b", true).status, HF_OK);
    feed->state->sessions.answers = 1;
    hf_state_check (feed->state);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (all_places_together_are_capped),
        cmocka_unit_test (all_answers_together_are_capped),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
