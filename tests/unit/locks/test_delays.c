/*  Lock delay: what a session loses by expiry stays closed for a while, for resources that cannot
 *  check a token. */
#include "tests/unit/locks/check.h"

#define DELAY_MS 7000

/*  Session 1 asks for a delay; 2 and 3 do not. */
static feed_t *
s_feed (void)
{
    feed_t *feed = feed_new (true);
    feed->delay_ms = DELAY_MS;
    feed_open (feed, 101, 5000);
    feed->delay_ms = 0;
    feed_open (feed, 102, 5000);
    feed_open (feed, 103, 5000);
    return feed;
}

static void
s_expire (feed_t *feed, uint64_t session)
{
    feed_cmd_expire (feed, session, FEED_TERM);
    feed_apply (feed);
}

static hf_answer_t
s_shared (feed_t *feed, uint64_t session, const char *lock)
{
    feed_start (feed, session);
    feed_acquire_mode (feed, lock, HF_MODE_SHARED, true);
    feed_apply (feed);
    return *feed_answer (feed, 0);
}

/*  The session is told at once, its place in queues is the next one's at once, and what it held
 *  only when it expires again. */
FEED_TEST (what_expires_stays_closed, s_feed ())
{
    feed_do_acquire (feed, 1, "a", true);
    feed_do_acquire (feed, 2, "a", true);
    feed_do_acquire (feed, 3, "b", true);
    feed_do_acquire (feed, 1, "b", true);
    feed_do_acquire (feed, 2, "b", true);
    s_expire (feed, 1);
    assert_int_equal (feed_count (feed, HF_OUT_ENDED), 1);
    assert_int_equal (feed_outcome (feed, HF_OUT_ENDED, 0)->status, HF_SESSION_EXPIRED);
    assert_int_equal (feed_count (feed, HF_OUT_GRANTED), 0);
    char queue[64];
    assert_string_equal (feed_queue (feed, "b", queue), "2");
    uint32_t lease_ms;
    uint64_t session;
    assert_true (hf_state_session_gone (feed->state, 1, &lease_ms));
    assert_int_equal (lease_ms, DELAY_MS);
    assert_true (hf_state_next_session (feed->state, 0, &session, &lease_ms));
    assert_int_equal (session, 1);
    assert_int_equal (lease_ms, DELAY_MS);
    assert_false (hf_state_session_ttl (feed->state, 1, &lease_ms));
    assert_false (hf_state_session_gone (feed->state, 2, &lease_ms));
    //  Of a session that is no more, as far as it can see.
    assert_int_equal (feed_do_acquire (feed, 1, "c", true).status, HF_SESSION_EXPIRED);
    feed_do_close (feed, 1);
    assert_int_equal (feed_outcome (feed, HF_OUT_ENDED, 0)->status, HF_SESSION_EXPIRED);
    assert_int_equal (feed_holder (feed, "a", NULL), 1);
    s_expire (feed, 1);
    assert_int_equal (feed_count (feed, HF_OUT_ENDED), 0);
    assert_int_equal (feed_count (feed, HF_OUT_REOPENED), 1);
    assert_int_equal (feed_outcome (feed, HF_OUT_GRANTED, 0)->session, 2);
    assert_int_equal (hf_state_sessions_count (feed->state), 2);
}

FEED_TEST (what_was_staged_is_dropped, s_feed ())
{
    feed_do_acquire (feed, 1, "a", true);
    feed_do_append (feed, 1, "a", 1, "f", "half");
    s_expire (feed, 1);
    assert_int_equal (hf_state_staged_bytes (feed->state), 0);
    //  Nobody appends for it any more.
    feed_start (feed, 2);
    feed_append (feed, "a", 1, 1, "f", hf_span_text ("more"));
    feed_note (feed, "a", 1, 1, "note");
    feed_apply (feed);
    assert_int_equal (feed_answer (feed, 0)->status, HF_NOT_HOLDER);
    assert_int_equal (feed_answer (feed, 1)->status, HF_NOT_HOLDER);
    s_expire (feed, 1);
    assert_string_equal (feed_file (feed, "f"), "");
}

/*  An operator who knows that nothing is written any more need not wait. */
FEED_TEST (somebody_else_may_release_it, s_feed ())
{
    feed_do_acquire (feed, 1, "a", true);
    feed_do_acquire (feed, 1, "b", true);
    feed_do_acquire (feed, 2, "a", true);
    s_expire (feed, 1);
    feed_start (feed, 3);
    feed_release (feed, "a", 1, 1);
    feed_apply (feed);
    assert_int_equal (feed_answer (feed, 0)->status, HF_OK);
    assert_int_equal (feed_outcome (feed, HF_OUT_GRANTED, 0)->session, 2);
    assert_int_equal (feed_count (feed, HF_OUT_REOPENED), 0); //  b is closed still
    feed_start (feed, 3);
    feed_release (feed, "b", 2, 1);
    feed_apply (feed);
    assert_int_equal (feed_count (feed, HF_OUT_REOPENED), 1);
    assert_int_equal (hf_state_sessions_count (feed->state), 2);
}

/*  It keeps its mode: readers beside a reader that is gone, and no writer. */
FEED_TEST (a_shared_hold_stays_shared, s_feed ())
{
    assert_int_equal (s_shared (feed, 1, "a").status, HF_OK);
    s_expire (feed, 1);
    assert_int_equal (s_shared (feed, 2, "a").status, HF_OK);
    assert_int_equal (feed_do_acquire (feed, 3, "a", true).status, HF_QUEUED);
    feed_do_release (feed, 2, "a", 2);
    assert_int_equal (feed_count (feed, HF_OUT_GRANTED), 0);
    s_expire (feed, 1);
    assert_int_equal (feed_outcome (feed, HF_OUT_GRANTED, 0)->session, 3);
}

FEED_TEST (nothing_stays_closed_after_a_release_or_a_close, s_feed ())
{
    feed_do_acquire (feed, 1, "a", true);
    feed_do_acquire (feed, 2, "a", true);
    feed_do_release (feed, 1, "a", 1);
    assert_int_equal (feed_outcome (feed, HF_OUT_GRANTED, 0)->session, 2);
    feed_do_acquire (feed, 1, "b", true);
    feed_do_acquire (feed, 3, "b", true);
    feed_do_close (feed, 1);
    assert_int_equal (feed_outcome (feed, HF_OUT_GRANTED, 0)->session, 3);
}

/*  Its nonce may open another session; and one that held nothing leaves nothing. */
FEED_TEST (nobody_knows_it_any_more, s_feed ())
{
    feed_do_acquire (feed, 1, "a", true);
    s_expire (feed, 1);
    uint64_t again = feed_open (feed, 101, 5000);
    assert_int_equal (again, 4);
    feed->delay_ms = DELAY_MS;
    uint64_t idle = feed_open (feed, 105, 5000);
    feed_do_acquire (feed, idle, "a", true);
    s_expire (feed, idle);
    assert_int_equal (feed_count (feed, HF_OUT_ENDED), 1);
    assert_int_equal (hf_state_sessions_count (feed->state), 4);
}

FEED_TEST (a_delay_has_a_limit, feed_new (true))
{
    static const uint32_t bad_ms[] = {1, HF_DELAY_MIN_MS - 1, HF_DELAY_MAX_MS + 1, UINT32_MAX};
    for (size_t i = 0; i < 4; i++) {
        feed->delay_ms = bad_ms[i];
        feed_cmd_open (feed, 1, 5000);
        feed_apply (feed);
        assert_int_equal (feed_outcome (feed, HF_OUT_OPENED, 0)->status, HF_BAD_REQUEST);
    }
    feed->delay_ms = HF_DELAY_MAX_MS;
    feed_open (feed, 1, 5000);
    feed->delay_ms = HF_DELAY_MIN_MS;
    feed_open (feed, 2, 5000);
}

HF_TEST_MAIN (NULL, NULL)
