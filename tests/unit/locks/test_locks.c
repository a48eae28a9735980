//  Locks: granted, queued, handed on. Every test here runs on two replicas (P4).
#include "nodes/locks/hf_state_private.h"
#include "tests/unit/locks/check.h"
static void
s_expect_queue (const feed_t *feed, const char *lock, uint64_t holder, const char *queue)
{
    char text[512];
    assert_int_equal (feed_holder (feed, lock, NULL), holder);
    assert_string_equal (feed_queue (feed, lock, text), queue);
}

static void
s_expect_moved (const feed_t *feed, const char *lock)
{
    assert_int_equal (feed_count (feed, HF_OUT_MOVED), 1);
    assert_true (hf_span_equal (feed_outcome (feed, HF_OUT_MOVED, 0)->lock, hf_span_text (lock)));
}

static void
s_expect_granted (const feed_t *feed, size_t nth, uint64_t session, const char *lock,
                  uint64_t token)
{
    const hf_outcome_t *granted = feed_outcome (feed, HF_OUT_GRANTED, nth);
    assert_int_equal (granted->session, session);
    assert_true (hf_span_equal (granted->lock, hf_span_text (lock)));
    assert_int_equal (granted->answer.token, token);
    assert_int_equal (granted->answer.index, hf_state_command_index (feed->state));
    uint64_t seen = 0;
    assert_int_equal (feed_holder (feed, lock, &seen), session);
    assert_int_equal (seen, token);
}

/*  P8: grants follow queue order, over every way in which a holder can leave. */
FEED_TEST (p8_grants_follow_queue_order, feed_with (6))
{
    for (uint64_t i = 1; i <= 6; i++)
        feed_do_acquire (feed, i, "a", true);
    s_expect_queue (feed, "a", 1, "2 3 4 5 6");
    assert_int_equal (feed_do_release (feed, 1, "a", 1), HF_OK);
    s_expect_granted (feed, 0, 2, "a", 2);
    s_expect_moved (feed, "a");
    assert_int_equal (feed_do_cancel (feed, 2, "a", 2), HF_OK);
    s_expect_granted (feed, 0, 3, "a", 3);
    assert_int_equal (feed_do_abandon (feed, 3, "a"), HF_OK);
    s_expect_granted (feed, 0, 4, "a", 4);
    feed_do_close (feed, 4);
    s_expect_granted (feed, 0, 5, "a", 5);
    s_expect_moved (feed, "a");
    feed_cmd_expire (feed, 5, FEED_TERM);
    feed_apply (feed);
    s_expect_granted (feed, 0, 6, "a", 6);
    assert_int_equal (feed_count (feed, HF_OUT_MOVED), 0);
    assert_int_equal (feed_do_release (feed, 6, "a", 6), HF_OK);
    assert_int_equal (feed_count (feed, HF_OUT_GRANTED), 0);
    assert_int_equal (hf_state_locks_count (feed->state), 0);
}

/*  P5a: tokens strictly increase, per lock and over all, also when a lock was forgotten. */
FEED_TEST (p5a_tokens_rise_and_are_never_reused, feed_with (6))
{
    uint64_t last = 0;
    for (int round = 0; round < 50; round++) {
        const char *lock = round % 3 == 0 ? "b" : "a";
        uint64_t session = 1 + (uint64_t)round % 6;
        hf_answer_t answer = feed_do_acquire (feed, session, lock, true);
        assert_int_equal (answer.status, HF_OK);
        assert_true (answer.token > last);
        last = answer.token;
        assert_int_equal (feed_do_release (feed, session, lock, answer.token), HF_OK);
        assert_int_equal (hf_state_locks_count (feed->state), 0);
    }
}

FEED_TEST (abandon_in_every_state, feed_with (6))
{
    assert_int_equal (feed_do_abandon (feed, 1, "a"), HF_OK); //  no such lock
    assert_int_equal (feed->out.count, 1);
    for (uint64_t i = 1; i <= 5; i++)
        feed_do_acquire (feed, i, "a", true);
    assert_int_equal (feed_do_abandon (feed, 6, "a"), HF_OK); //  neither holds nor waits
    assert_int_equal (feed->out.count, 1);
    assert_int_equal (feed_do_abandon (feed, 3, "a"), HF_OK); //  from the middle
    s_expect_queue (feed, "a", 1, "2 4 5");
    s_expect_moved (feed, "a");
    assert_int_equal (feed_do_acquire (feed, 5, "a", true).position, 3);
    assert_int_equal (feed_do_abandon (feed, 5, "a"), HF_OK); //  the last: nobody moves
    assert_int_equal (feed_count (feed, HF_OUT_MOVED), 0);
    assert_int_equal (feed_do_abandon (feed, 2, "a"), HF_OK); //  the next
    s_expect_queue (feed, "a", 1, "4");
    s_expect_moved (feed, "a");
    assert_int_equal (feed_do_abandon (feed, 1, "a"), HF_OK); //  the holder: handed back
    s_expect_granted (feed, 0, 4, "a", 2);
    assert_int_equal (feed_do_abandon (feed, 4, "a"), HF_OK);
    assert_int_equal (hf_state_locks_count (feed->state), 0);
    assert_int_equal (feed_do_abandon (feed, 4, "a"), HF_OK); //  again
}

FEED_TEST (a_helper_acts_on_behalf_of_the_owner, feed_with (6))
{
    uint64_t token = feed_do_acquire (feed, 1, "a", true).token;
    feed_do_acquire (feed, 2, "a", true);
    feed_start (feed, 3);
    feed_append (feed, "a", token, 1, "f", hf_span_text ("one"));
    feed_append (feed, "a", token, 2, "f", hf_span_text ("not the holder"));
    feed_append (feed, "a", token + 1, 1, "f", hf_span_text ("not the token"));
    feed_append (feed, "a", token, 77, "f", hf_span_text ("no such session"));
    feed_append (feed, "a", token, 0, "f", hf_span_text ("not itself"));
    feed_apply (feed);
    assert_int_equal (feed_answer (feed, 0)->status, HF_OK);
    assert_int_equal (feed_outcome (feed, HF_OUT_ANSWER, 0)->session, 3);
    for (size_t i = 1; i <= 4; i++)
        assert_int_equal (feed_answer (feed, i)->status, HF_NOT_HOLDER);
    //  Only what found its holder counts as that session's keepalive.
    assert_int_equal (feed_count (feed, HF_OUT_TOUCHED), 1);
    assert_int_equal (feed_outcome (feed, HF_OUT_TOUCHED, 0)->session, 1);
    feed_start (feed, 3);
    feed_release (feed, "a", token, 2);
    feed_release (feed, "a", token, 1);
    feed_apply (feed);
    assert_int_equal (feed_answer (feed, 0)->status, HF_NOT_HOLDER);
    assert_int_equal (feed_answer (feed, 1)->status, HF_OK);
    assert_string_equal (feed_file (feed, "f"), "one");
    s_expect_granted (feed, 0, 2, "a", token + 1);
    feed_start (feed, 1);
    feed_cancel (feed, "a", token + 1, 2);
    feed_apply (feed);
    assert_int_equal (feed_answer (feed, 0)->status, HF_OK);
    assert_int_equal (hf_state_locks_count (feed->state), 0);
}

FEED_TEST (names_and_modes_are_checked, feed_with (6))
{
    char longest[257];
    memset (longest, 'n', sizeof (longest));
    longest[255] = 0;
    assert_int_equal (feed_do_acquire (feed, 1, longest, true).status, HF_OK);
    longest[255] = 'n';
    longest[256] = 0;
    assert_int_equal (feed_do_acquire (feed, 1, longest, true).status, HF_BAD_NAME);
    assert_int_equal (feed_do_acquire (feed, 1, "", true).status, HF_BAD_NAME);
    assert_int_equal (feed_do_acquire (feed, 1, "a\nb", true).status, HF_BAD_NAME);
    assert_int_equal (feed_do_acquire (feed, 1, "\xff\xfe", true).status, HF_BAD_NAME);
    assert_int_equal (feed_do_acquire (feed, 1, "../grüße/äöü", true).status, HF_OK);
    assert_int_equal (hf_state_locks_count (feed->state), 2);
    feed_start (feed, 1);
    feed_acquire_mode (feed, "m", 2, true);
    feed_acquire_mode (feed, longest, UINT32_MAX, false); //  the mode is looked at first
    feed_apply (feed);
    assert_int_equal (feed_answer (feed, 0)->status, HF_BAD_REQUEST);
    assert_int_equal (feed_answer (feed, 1)->status, HF_BAD_REQUEST);
    assert_int_equal (hf_state_locks_count (feed->state), 2);
}

FEED_TEST (a_session_has_at_most_so_many_places, feed_new (false))
{
    feed_open (feed, 1, 10000);
    feed_open (feed, 2, 10000);
    assert_int_equal (feed_do_acquire (feed, 1, "held by 1", true).status, HF_OK);
    char name[32];
    for (int i = 1; i <= HF_PLACES_MAX; i++) {
        snprintf (name, sizeof (name), "lock %d", i);
        assert_int_equal (feed_do_acquire (feed, 2, name, true).status, HF_OK);
    }
    assert_int_equal (feed_do_acquire (feed, 2, "one more", true).status, HF_LIMIT);
    assert_int_equal (feed_do_acquire (feed, 2, "held by 1", true).status, HF_LIMIT);
    assert_int_equal (feed_do_acquire (feed, 2, "held by 1", false).status, HF_NOT_GRANTED);
    assert_int_equal (feed_do_acquire (feed, 2, name, true).status, HF_OK); //  held already
    assert_int_equal (hf_state_locks_count (feed->state), HF_PLACES_MAX + 1);
    assert_int_equal (feed_do_abandon (feed, 2, name), HF_OK);
    assert_int_equal (feed_do_acquire (feed, 2, "held by 1", true).status, HF_QUEUED);
    assert_int_equal (feed_do_acquire (feed, 2, "one more", true).status, HF_LIMIT);
    hf_state_check (feed->state);
    //  All places end in one step.
    feed_do_close (feed, 2);
    assert_int_equal (hf_state_locks_count (feed->state), 1);
    hf_state_check (feed->state);
}

//  ---- P12: what all sessions have together -------------------------------------------

//  The counters are set near their caps by hand, for a million places take long to make; they are
//  put back before the check.

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

HF_TEST_MAIN (NULL, NULL)
