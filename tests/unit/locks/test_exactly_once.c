//  Exactly once: a request repeated any number of times takes effect once, and gets one answer.
#include "tests/unit/locks/check.h"
#include "nodes/locks/hf_replies.h"

static void
s_expect_same (const hf_answer_t *a, const hf_answer_t *b)
{
    assert_int_equal (a->seq, b->seq);
    assert_int_equal (a->status, b->status);
    assert_int_equal (a->index, b->index);
    assert_int_equal (a->token, b->token);
    assert_int_equal (a->position, b->position);
}

FEED_TEST (exactly_once_a_repeat_has_no_effect_and_the_same_answer, feed_with (2))
{
    feed_do_acquire (feed, 2, "b", true);
    feed_start (feed, 1);
    feed_acquire (feed, "a", true); //  1
    feed_append (feed, "a", 2, 0, "f", hf_span_text ("once"));
    feed_acquire (feed, "b", true);  //  3: queued
    feed_acquire (feed, "b", false); //  4: queued still
    feed_abandon (feed, "b");        //  5
    feed_acquire (feed, "b", false); //  6: not granted
    feed_acquire (feed, "", true);   //  7: bad name
    feed_release (feed, "a", 2, 0);  //  8
    feed_release (feed, "a", 2, 0);  //  9: not holder
    feed_apply (feed);
    assert_int_equal (feed_count (feed, HF_OUT_ANSWER), 9);
    hf_answer_t first[9];
    for (size_t i = 0; i < 9; i++)
        first[i] = *feed_answer (feed, i);
    assert_int_equal (first[7].status, HF_OK);
    assert_string_equal (feed_file (feed, "f"), "once");
    feed_do_release (feed, 2, "b", 1); //  so that a second run would give other answers
    uint64_t index = hf_state_command_index (feed->state);
    for (int round = 0; round < 3; round++) {
        feed_start (feed, 1);
        feed->floor = 1;
        for (uint64_t seq = 9; seq >= 1; seq--) { //  in any order
            feed_again (feed, seq);
            feed_acquire (feed, "whatever it says now", true);
        }
        feed_apply (feed);
        assert_int_equal (feed->out.count, 9);
        for (size_t i = 0; i < 9; i++)
            s_expect_same (feed_answer (feed, i), &first[8 - i]);
    }
    assert_int_equal (hf_state_command_index (feed->state), index);
    assert_int_equal (hf_state_locks_count (feed->state), 0);
    assert_string_equal (feed_file (feed, "f"), "once");
}

FEED_TEST (beyond_the_window_is_the_limit, feed_with (2))
{
    uint64_t index = hf_state_command_index (feed->state);
    feed_start (feed, 1);
    feed_again (feed, 1 + HF_WINDOW_MAX);
    feed_acquire (feed, "a", true);
    feed_again (feed, UINT64_MAX);
    feed_acquire (feed, "a", true);
    feed_apply (feed);
    assert_int_equal (feed_answer (feed, 0)->status, HF_LIMIT);
    assert_int_equal (feed_answer (feed, 1)->status, HF_LIMIT);
    assert_int_equal (hf_state_command_index (feed->state), index);
    assert_int_equal (hf_state_locks_count (feed->state), 0);
    feed_start (feed, 1);
    feed->floor = 1;
    feed_again (feed, HF_WINDOW_MAX); //  the last one in it
    feed_acquire (feed, "a", true);
    feed_apply (feed);
    assert_int_equal (feed_answer (feed, 0)->status, HF_OK);
    //  It was not cached: it goes through once the floor has risen.
    feed_start (feed, 1);
    feed->floor = 2;
    feed_again (feed, 1 + HF_WINDOW_MAX);
    feed_acquire (feed, "b", true);
    feed_apply (feed);
    assert_int_equal (feed_answer (feed, 0)->status, HF_OK);
    //  A floor at the end of all numbers harms nobody but its session.
    feed_start (feed, 1);
    feed->floor = UINT64_MAX;
    feed_again (feed, 5);
    feed_acquire (feed, "c", true);
    feed_apply (feed);
    assert_int_equal (feed_answer (feed, 0)->status, HF_STALE);
}

static hf_list_t
s_two_requests (hf_pack_t *pack, uint64_t first, uint64_t second)
{
    hf_pack_reset (pack);
    hf_acquire_t acquire = {.seq = first, .lock = hf_span_text ("a"), .wait = true};
    hf_acquire_put (pack, &acquire);
    hf_abandon_t abandon = {.seq = second, .lock = hf_span_text ("a")};
    hf_abandon_put (pack, &abandon);
    return hf_pack_list (pack);
}

FEED_TEST (a_leader_can_answer_repeats_without_the_log, feed_with (2))
{
    hf_pack_t requests, items;
    hf_pack_init (&requests);
    hf_pack_init (&items);
    feed_start (feed, 1);
    feed_acquire (feed, "a", true);
    feed_abandon (feed, "x");
    feed_apply (feed);
    hf_answer_t first[2] = {*feed_answer (feed, 0), *feed_answer (feed, 1)};
    assert_true (hf_state_answered (feed->state, 1, s_two_requests (&requests, 2, 1), &items));
    assert_int_equal (items.count, 2);
    hf_scan_t scan = hf_scan_list (hf_pack_list (&items));
    hf_answer_t answer;
    assert_true (hf_answer_get (&scan, &answer));
    s_expect_same (&answer, &first[1]);
    assert_true (hf_answer_get (&scan, &answer));
    s_expect_same (&answer, &first[0]);
    assert_true (hf_scan_at_end (&scan));
    //  One that is not there: none of them, and nothing packed.
    hf_pack_reset (&items);
    assert_false (hf_state_answered (feed->state, 1, s_two_requests (&requests, 1, 3), &items));
    assert_false (hf_state_answered (feed->state, 2, s_two_requests (&requests, 1, 2), &items));
    assert_false (hf_state_answered (feed->state, 9, s_two_requests (&requests, 1, 2), &items));
    hf_pack_reset (&requests);
    hf_put_u64 (&requests, 1); //  not a record
    requests.count = 1;
    assert_false (hf_state_answered (feed->state, 1, hf_pack_list (&requests), &items));
    feed_do_abandon (feed, 1, "x"); //  raises the floor: 1 and 2 are forgotten
    assert_false (hf_state_answered (feed->state, 1, s_two_requests (&requests, 1, 2), &items));
    assert_int_equal (items.count, 0);
    hf_pack_done (&requests);
    hf_pack_done (&items);
}

HF_TEST (a_large_ring_is_given_back)
{
    hf_replies_t ring;
    hf_replies_init (&ring);
    for (uint64_t seq = 1; seq <= HF_WINDOW_MAX; seq++) {
        hf_answer_t answer = {.seq = seq};
        hf_replies_keep (&ring, &answer);
    }
    assert_int_equal (ring.room, HF_WINDOW_MAX);
    hf_replies_raise (&ring, HF_WINDOW_MAX);
    assert_int_equal (ring.count, 1);
    hf_replies_raise (&ring, HF_WINDOW_MAX + 1);
    assert_int_equal (ring.count, 0);
    assert_int_equal (ring.room, 0);
    hf_replies_done (&ring);
}

HF_TEST_MAIN (NULL, NULL)
