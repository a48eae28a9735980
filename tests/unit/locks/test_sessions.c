//  Sessions: opened, closed, expired; and what goes with them.
#include "tests/unit/locks/check.h"

FEED_TEST (a_ttl_must_be_in_range, feed_new (true))
{
    const uint32_t wrong[] = {0, HF_TTL_MIN_MS - 1, HF_TTL_MAX_MS + 1, UINT32_MAX};
    for (size_t i = 0; i < sizeof (wrong) / sizeof (*wrong); i++) {
        feed_cmd_open (feed, i + 1, wrong[i]);
        feed_apply (feed);
        const hf_outcome_t *opened = feed_outcome (feed, HF_OUT_OPENED, 0);
        assert_int_equal (opened->status, HF_BAD_TTL);
        assert_int_equal (opened->session, 0);
        assert_int_equal (opened->nonce[0], i + 1);
    }
    assert_int_equal (hf_state_sessions_count (feed->state), 0);
    feed_open (feed, 1, HF_TTL_MIN_MS);
    feed_open (feed, 2, HF_TTL_MAX_MS);
}

FEED_TEST (a_nonce_of_another_size_opens_nothing, feed_new (true))
{
    uint8_t nonce[HF_NONCE_SIZE + 1] = {0};
    for (size_t size = 0; size <= sizeof (nonce); size++) {
        if (size == HF_NONCE_SIZE)
            continue;
        hf_cmd_open_t open = {.nonce = hf_span (nonce, size), .ttl_ms = 5000};
        hf_cmd_open_put (&feed->commands, &open);
        feed_apply (feed);
        assert_int_equal (feed->out.count, 0);
    }
    assert_int_equal (hf_state_command_index (feed->state), 0);
}

FEED_TEST (sessions_are_limited, feed_new (false))
{
    for (uint64_t i = 1; i <= HF_SESSIONS_MAX; i++) {
        feed_cmd_open (feed, i, 5000);
        if (i % 1000 == 0)
            feed_apply (feed);
    }
    assert_int_equal (hf_state_sessions_count (feed->state), HF_SESSIONS_MAX);
    feed_cmd_open (feed, HF_SESSIONS_MAX + 1, 5000);
    feed_cmd_open (feed, 1, 5000); //  an old one, again
    feed_apply (feed);
    assert_int_equal (feed_outcome (feed, HF_OUT_OPENED, 0)->status, HF_LIMIT);
    assert_int_equal (feed_outcome (feed, HF_OUT_OPENED, 0)->session, 0);
    assert_int_equal (feed_outcome (feed, HF_OUT_OPENED, 1)->status, HF_OK);
    feed_do_close (feed, 5);
    assert_true (feed_open (feed, HF_SESSIONS_MAX + 1, 5000) > HF_SESSIONS_MAX);
}

FEED_TEST (an_expiry_of_another_term_does_nothing, feed_new (true))
{
    uint64_t session = feed_open (feed, 1, 5000);
    feed_do_acquire (feed, session, "a", true);
    uint64_t before = hf_state_command_index (feed->state);
    feed_cmd_expire (feed, session, FEED_TERM - 1);
    feed_cmd_expire (feed, session, FEED_TERM + 1);
    feed_cmd_expire (feed, session, 0);
    feed_cmd_expire (feed, session + 1, FEED_TERM); //  no such session
    feed_apply (feed);
    assert_int_equal (feed->out.count, 0);
    assert_int_equal (hf_state_command_index (feed->state), before);
    assert_int_equal (feed_holder (feed, "a", NULL), session);
    feed_cmd_expire (feed, session, FEED_TERM);
    feed_cmd_expire (feed, session, FEED_TERM); //  it has ended by then
    feed_apply (feed);
    assert_int_equal (feed->out.count, 1);
    const hf_outcome_t *ended = feed_outcome (feed, HF_OUT_ENDED, 0);
    assert_int_equal (ended->session, session);
    assert_int_equal (ended->status, HF_SESSION_EXPIRED);
    assert_int_equal (hf_state_command_index (feed->state), before + 1);
    assert_int_equal (hf_state_sessions_count (feed->state), 0);
    assert_int_equal (hf_state_locks_count (feed->state), 0);
}

/*  One end: holds, places in queues and staged appends go in one step, with all successors. */
FEED_TEST (an_end_grants_several_successors_in_one_step, feed_new (true))
{
    for (uint64_t i = 1; i <= 4; i++)
        feed_open (feed, i, 5000);
    uint64_t a = feed_do_acquire (feed, 1, "a", true).token;
    feed_do_acquire (feed, 1, "b", true);
    feed_do_acquire (feed, 1, "c", true);
    feed_do_acquire (feed, 4, "d", true);
    feed_do_acquire (feed, 2, "a", true);
    feed_do_acquire (feed, 3, "a", true);
    feed_do_acquire (feed, 3, "b", true);
    feed_do_acquire (feed, 1, "d", true);
    feed_do_acquire (feed, 2, "d", true);
    feed_do_append (feed, 1, "a", a, "f", "dropped");
    uint64_t index = hf_state_command_index (feed->state);
    feed_cmd_expire (feed, 1, FEED_TERM);
    feed_apply (feed);
    assert_int_equal (hf_state_command_index (feed->state), index + 1);
    assert_int_equal (feed_count (feed, HF_OUT_GRANTED), 2);
    uint64_t token_a = 0, token_b = 0;
    assert_int_equal (feed_holder (feed, "a", &token_a), 2);
    assert_int_equal (feed_holder (feed, "b", &token_b), 3);
    assert_int_equal (feed_holder (feed, "c", NULL), 0);
    assert_int_equal (feed_holder (feed, "d", NULL), 4);
    assert_true (token_a != token_b);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal (feed_outcome (feed, HF_OUT_GRANTED, i)->answer.index, index + 1);
    //  At "a" 3 is next now, at "d" 2 is: one MOVED each. At "b" nobody waits.
    assert_int_equal (feed_count (feed, HF_OUT_MOVED), 2);
    char text[64];
    assert_string_equal (feed_queue (feed, "a", text), "3");
    assert_string_equal (feed_queue (feed, "d", text), "2");
    assert_int_equal (feed_count (feed, HF_OUT_SECTION), 0);
    assert_int_equal (hf_state_staged_bytes (feed->state), 0);
}

FEED_TEST (sessions_are_listed_in_order, feed_new (true))
{
    for (uint64_t i = 1; i <= 6; i++)
        feed_open (feed, i, 1000 * (uint32_t)i);
    feed_do_close (feed, 1);
    feed_do_close (feed, 4);
    const uint64_t expected[] = {2, 3, 5, 6};
    uint64_t session = 0;
    uint32_t ttl_ms = 0;
    for (size_t i = 0; i < 4; i++) {
        assert_true (hf_state_next_session (feed->state, session, &session, &ttl_ms));
        assert_int_equal (session, expected[i]);
        assert_int_equal (ttl_ms, 1000 * expected[i]);
    }
    assert_false (hf_state_next_session (feed->state, session, &session, &ttl_ms));
    assert_false (hf_state_next_session (feed->state, 77, &session, &ttl_ms));
    assert_true (hf_state_next_session (feed->state, 4, &session, &ttl_ms));
    assert_int_equal (session, 5);
    assert_true (hf_state_session_ttl (feed->state, 6, &ttl_ms));
    assert_int_equal (ttl_ms, 6000);
    assert_false (hf_state_session_ttl (feed->state, 4, &ttl_ms));
}

HF_TEST_MAIN (NULL, NULL)
