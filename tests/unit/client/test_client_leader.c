/*  Who leads: redirects, breaks, silence, BUSY, and nodes that lie or talk nonsense. */
#include "tests/kit/hf_test.h"
#include "tests/unit/client/fixture.h"

#define TTL_MS 10000

static fixture_t s_x;

static int
s_setup (void **state)
{
    (void)state;
    fixture_open (&s_x, 3, TTL_MS);
    return 0;
}

static int
s_teardown (void **state)
{
    (void)state;
    fixture_close (&s_x);
    return 0;
}

static void
s_expect_result (hf_status_t status, uint64_t token)
{
    seen_t seen;
    assert_true (seen_take (&seen, LONG_MS));
    assert_int_equal (seen.event, 0);
    assert_int_equal (seen.status, status);
    assert_int_equal (seen.token, token);
}

/*  Three requests that fake 0 got and does not answer. */
static void
s_three_undecided (void)
{
    static const char *locks[] = {"a", "b", "c"};
    for (int i = 0; i < 3; i++) {
        hf_submit_acquire (s_x.session, locks[i], NULL, seen_result, NULL);
        const got_t *got = got_requests (s_x.fake[0], SOON_MS);
        assert_string_equal (got->request[0].lock, locks[i]);
    }
}

/*  NODE gets a keepalive and the three, in order, with the same seqs; answers them. */
static void
s_moved_to (int node)
{
    fake_frame_t *frame = fake_take (s_x.fake[node], HF_KIND_KEEPALIVE, LONG_MS);
    assert_non_null (frame);
    free (frame);
    const got_t *got = got_requests (s_x.fake[node], SOON_MS);
    assert_int_equal (got->count, 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal (got->request[i].seq, i + 1);
    for (uint64_t seq = 1; seq <= 3; seq++) {
        fake_answer (s_x.fake[node], s_x.id, seq, HF_OK, seq, seq + 10, 0);
        s_expect_result (HF_OK, seq + 10);
    }
}

static void
test_a_redirect_is_followed_at_once (void **state)
{
    (void)state;
    s_three_undecided ();
    fake_follow (s_x.fake[1], false, 0, 0);
    fake_follow (s_x.fake[0], true, 2, 2);
    uint64_t start = now_ms ();
    fake_refuse (s_x.fake[0], HF_NOT_LEADER, 2, 2);
    s_moved_to (1);
    assert_true (now_ms () - start < 500);
}

static void
test_a_broken_connection_moves_the_client (void **state)
{
    (void)state;
    s_three_undecided ();
    uint64_t start = now_ms ();
    fake_destroy (&s_x.fake[0]);
    //  For a while the others still believe in the one that died; then there is an election.
    fake_frame_t *probe = NULL;
    for (int i = 0; i < 5; i++) {
        probe = fake_take (s_x.fake[2], HF_KIND_QUERY, SOON_MS);
        assert_non_null (probe);
        free (probe);
    }
    assert_true (now_ms () - start < 900); //  probes at the pace of an election
    fake_follow (s_x.fake[1], true, 3, 5);
    fake_follow (s_x.fake[2], false, 0, 0);
    start = now_ms ();
    s_moved_to (2);
    assert_true (now_ms () - start < 200);
}

static void
test_silence_moves_the_whole_client_once (void **state)
{
    (void)state;
    s_three_undecided ();
    uint64_t start = now_ms ();
    fake_set_autos (s_x.fake[0], 0); //  stopped, as it were: connected, and says nothing
    fake_set_autos (s_x.fake[1], FAKE_LEADS & ~(unsigned)FAKE_REQUESTS);
    fake_follow (s_x.fake[1], false, 0, 0);
    fake_follow (s_x.fake[2], true, 1, 1); //  this one still believes in it
    s_moved_to (1);
    assert_true (now_ms () - start < 2500);
}

static void
test_a_silent_leader_is_left_early_for_a_later_term (void **state)
{
    (void)state;
    s_three_undecided ();
    uint64_t start = now_ms ();
    fake_set_autos (s_x.fake[0], 0);
    fake_follow (s_x.fake[2], true, 2, 9); //  there was an election already
    fake_set_autos (s_x.fake[1], FAKE_LEADS & ~(unsigned)(FAKE_LEADER | FAKE_REQUESTS));
    fake_follow (s_x.fake[1], false, 0, 0);
    s_moved_to (1);
    assert_true (now_ms () - start < 900);
}

static void
test_two_that_point_at_each_other_cause_no_storm (void **state)
{
    (void)state;
    s_three_undecided ();
    fake_follow (s_x.fake[1], true, 1, 2);
    fake_follow (s_x.fake[2], true, 1, 2);
    fake_follow (s_x.fake[0], true, 2, 2);
    fake_refuse (s_x.fake[0], HF_NOT_LEADER, 2, 2);
    seen_t seen;
    assert_false (seen_take (&seen, 500));
    for (int i = 0; i < 3; i++) {
        assert_true (fake_count (s_x.fake[i], HF_KIND_QUERY) < 80);
        assert_true (fake_count (s_x.fake[i], HF_KIND_REQUESTS) < 20);
    }
    fake_follow (s_x.fake[1], false, 0, 0);
    fake_set_autos (s_x.fake[1], FAKE_LEADS);
    for (int i = 0; i < 3; i++) {
        assert_true (seen_take (&seen, LONG_MS));
        assert_int_equal (seen.status, HF_OK);
    }
}

static void
test_busy_is_retried_at_the_same_node (void **state)
{
    (void)state;
    s_three_undecided ();
    fake_refuse (s_x.fake[0], HF_BUSY, 0, 0);
    const got_t *got = got_requests (s_x.fake[0], 900);
    assert_int_equal (got->count, 3);
    assert_int_equal (fake_count (s_x.fake[1], HF_KIND_REQUESTS), 0);
}

static void
test_nonsense_changes_nothing (void **state)
{
    (void)state;
    s_three_undecided ();
    fake_t *fake = s_x.fake[0];
    fake_send_bytes (fake, "\xff\xff\xff\xff", 4);
    fake_send_bytes (fake, "\x92\x02\x91\x23", 4);
    //  Answers that make no sense for what they answer.
    fake_answer (fake, s_x.id, 1, HF_LOST, 0, 0, 0);
    fake_answer (fake, s_x.id, 1, (hf_status_t)4000, 0, 0, 0);
    fake_answer (fake, s_x.id, 1, HF_OK, 1, 0, 0);
    fake_answer (fake, s_x.id, UINT64_MAX, HF_OK, 1, 1, 0);
    fake_answer (fake, s_x.id, 0, HF_OK, 1, 1, 0);
    fake_answer (fake, s_x.id + 1, 1, HF_SESSION_EXPIRED, 0, 0, 0);
    fake_granted (fake, s_x.id, "a", 0, UINT64_MAX);
    fake_granted (fake, s_x.id, "", 1, 1);
    fake_moved (fake, s_x.id, "a", 0);
    //  Every prefix and many a damaged copy of a good frame.
    hf_pack_t items, pack;
    hf_pack_init (&items);
    hf_pack_init (&pack);
    hf_answer_put (&items, &(hf_answer_t){500, HF_OK, 1, 1, 1});
    hf_moved_put (&items, &(hf_moved_t){hf_span_text ("zz"), 3});
    hf_answers_frame (&pack, &(hf_answers_t){s_x.id, hf_pack_list (&items)});
    uint8_t bytes[256];
    size_t size = hf_pack_size (&pack);
    assert_true (size < sizeof bytes);
    for (size_t i = 0; i < size; i++) {
        memcpy (bytes, hf_pack_bytes (&pack), size);
        if (i > 0)
            fake_send_bytes (fake, bytes, i);
        bytes[i] ^= 0x80;
        fake_send_bytes (fake, bytes, size);
        bytes[i] = 0xdd;
        fake_send_bytes (fake, bytes, size);
    }
    hf_pack_done (&items);
    hf_pack_done (&pack);
    for (uint64_t seq = 1; seq <= 3; seq++) {
        fake_answer (fake, s_x.id, seq, HF_OK, seq, seq + 10, 0);
        s_expect_result (HF_OK, seq + 10);
    }
}

static void
test_without_any_node_calls_end_unreachable (void **state)
{
    (void)state;
    uint16_t port = fake_port ();
    char list[512];
    fake_list (list, &port, 1);
    hf_client_options_t options = {.size = sizeof options, .endpoints = list};
    hf_client_t *client = hf_client_new (&options, NULL);
    assert_non_null (client);
    uint64_t start = now_ms ();
    hf_session_t *session;
    hf_leader_info_t leader;
    assert_int_equal (hf_session_open (client, NULL, 300, &session), HF_UNREACHABLE);
    assert_int_equal (hf_query_leader (client, &leader, 300), HF_UNREACHABLE);
    assert_int_equal (hf_query_status (client, 1, NULL, NULL, 300), HF_UNREACHABLE);
    assert_in_range (now_ms () - start, 890, 2500);
    //  And when one comes up it is found.
    fake_t *fake = fake_new (port, FAKE_LEADS);
    assert_int_equal (hf_session_open (client, NULL, LONG_MS, &session), HF_OK);
    hf_session_leave (&session);
    hf_client_destroy (&client);
    fake_destroy (&fake);
}

static void
test_no_majority_is_a_timeout (void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        fake_follow (s_x.fake[i], true, 0, 9);
    hf_leader_info_t leader;
    uint64_t start = now_ms ();
    assert_int_equal (hf_query_leader (s_x.client, &leader, 400), HF_TIMEOUT);
    assert_in_range (now_ms () - start, 390, 2000);
}

static void
test_bad_lists_are_named (void **state)
{
    (void)state;
    char error[HF_CLIENT_ERROR_SIZE] = "";
    hf_client_options_t options = {.size = sizeof options, .endpoints = "1@"};
    assert_null (hf_client_new (&options, error));
    assert_true (strlen (error) > 0);
    options.endpoints = "1@a:1:2,1@b:1:2";
    assert_null (hf_client_new (&options, NULL));
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, s_setup, s_teardown)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_a_redirect_is_followed_at_once),
        TEST (test_a_broken_connection_moves_the_client),
        TEST (test_silence_moves_the_whole_client_once),
        TEST (test_a_silent_leader_is_left_early_for_a_later_term),
        TEST (test_two_that_point_at_each_other_cause_no_storm),
        TEST (test_busy_is_retried_at_the_same_node),
        TEST (test_nonsense_changes_nothing),
        cmocka_unit_test (test_without_any_node_calls_end_unreachable),
        TEST (test_no_majority_is_a_timeout),
        cmocka_unit_test (test_bad_lists_are_named),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
