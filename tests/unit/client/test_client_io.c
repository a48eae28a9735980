//  The library with its thread and real sockets: callbacks, polling, blocking calls, handles, ends.

#include "tests/unit/client/fixture.h"
#include <pthread.h>

static void
s_expect_result (hf_status_t status, uint64_t token)
{
    seen_t seen;
    assert_true (seen_take (&seen, LONG_MS));
    assert_int_equal (seen.event, 0);
    assert_int_equal (seen.status, status);
    assert_int_equal (seen.token, token);
}

static void
s_expect_event (int event, uint64_t token, uint64_t position)
{
    seen_t seen;
    assert_true (seen_take (&seen, LONG_MS));
    assert_int_equal (seen.event, event);
    assert_int_equal (seen.token, token);
    assert_int_equal (seen.position, position);
}

static void
s_hold (const char *lock, uint64_t token)
{
    hf_submit_acquire (g_x.session, lock, NULL, seen_result, NULL);
    const got_t *got = got_requests (0);
    fake_answer (g_x.fake[0], g_x.id, got->request[0].seq, HF_OK, token * 10, token, 0);
    s_expect_result (HF_OK, token);
}

static void
s_queue (const char *lock, uint64_t index)
{
    hf_submit_acquire (g_x.session, lock, NULL, seen_result, NULL);
    const got_t *got = got_requests (0);
    fake_answer (g_x.fake[0], g_x.id, got->request[0].seq, HF_QUEUED, index, 0, 1);
    s_expect_event (HF_SESSION_MOVED, 0, 1);
}

FIXTURE_TEST (test_a_cycle_sends_what_the_protocol_says, 1, 3000)
{
    s_hold ("a", 7);
    assert_int_equal (hf_submit_append (g_x.session, "a", 7, "file", "bytes", 5, seen_result, NULL),
                      HF_OK);
    const got_t *got = got_requests (0);
    const hf_append_t *append = &got->request[0].append;
    assert_int_equal (got->request[0].kind, HF_KIND_APPEND);
    assert_int_equal (got->session, g_x.id);
    assert_int_equal (got->floor, 2);
    assert_int_equal (append->seq, 2);
    assert_int_equal (append->token, 7);
    assert_int_equal (append->owner, 0);
    assert_true (hf_span_equal (append->file, hf_span_text ("file")));
    assert_true (hf_span_equal (append->data, hf_span_text ("bytes")));
    fake_answer (g_x.fake[0], g_x.id, 2, HF_OK, 71, 0, 0);
    s_expect_result (HF_OK, 0);
    assert_int_equal (hf_submit_release (g_x.session, "a", 7, seen_result, NULL), HF_OK);
    got = got_requests (0);
    assert_int_equal (got->request[0].kind, HF_KIND_RELEASE);
    assert_int_equal (got->request[0].seq, 3);
    assert_int_equal (got->floor, 3);
    fake_answer (g_x.fake[0], g_x.id, 3, HF_OK, 72, 0, 0);
    s_expect_result (HF_OK, 0);
    assert_int_equal (hf_session_close (&g_x.session, LONG_MS), HF_OK);
    fake_frame_t *closing = fake_take (g_x.fake[0], HF_KIND_CLOSE, SOON_MS);
    assert_non_null (closing);
    free (closing);
}

static void
s_burst (void *arg, const hf_result_t *result)
{
    seen_result (arg, result);
    for (int i = 0; i < 100; i++) {
        char lock[16] = {'l', (char)('a' + i / 10), (char)('a' + i % 10), 0};
        hf_submit_acquire (g_x.session, lock, NULL, seen_result, NULL);
    }
}

FIXTURE_TEST (test_what_a_callback_submits_leaves_in_one_frame, 1, 3000)
{
    assert_int_equal (hf_submit_acquire (g_x.session, "x", NULL, s_burst, NULL), HF_OK);
    const got_t *got = got_requests (0);
    fake_answer (g_x.fake[0], g_x.id, got->request[0].seq, HF_OK, 1, 1, 0);
    got = got_requests (0);
    assert_int_equal (got->count, 100);
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal (got->request[i].seq, 2 + i);
}

FIXTURE_TEST (test_bad_arguments_are_refused_at_once, 1, 3000)
{
    assert_int_equal (hf_submit_acquire (g_x.session, "", NULL, seen_result, NULL), HF_BAD_NAME);
    assert_int_equal (hf_submit_acquire (g_x.session, "a\n", NULL, NULL, NULL), HF_BAD_NAME);
    static char big[HF_DATA_MAX + 1];
    assert_int_equal (
        hf_submit_append (g_x.session, "a", 1, "f", big, sizeof big, seen_result, NULL),
        HF_TOO_LARGE);
    assert_int_equal (hf_submit_append (g_x.session, "a", 1, "f", NULL, 1, seen_result, NULL),
                      HF_INVALID);
}

/*  Options of a program that was built with another version of holdfast.h. */
FIXTURE_TEST (test_options_of_other_versions, 1, 3000)
{
    struct {
        hf_acquire_options_t known;
        uint64_t newer;
    } options = {.known = HF_ACQUIRE_OPTIONS_INIT};
    options.known.size = sizeof options;
    options.known.wait = false;
    assert_int_equal (hf_submit_acquire (g_x.session, "a", &options.known, seen_result, NULL),
                      HF_OK);
    options.newer = 1;
    assert_int_equal (hf_submit_acquire (g_x.session, "b", &options.known, seen_result, NULL),
                      HF_INVALID);
    options.known.size = 1;
    assert_int_equal (hf_submit_acquire (g_x.session, "b", &options.known, seen_result, NULL),
                      HF_INVALID);
    //  An older one, which knew no field but the mode.
    options.known.size = offsetof (hf_acquire_options_t, wait);
    options.known.mode = HF_MODE_SHARED;
    assert_int_equal (hf_submit_acquire (g_x.session, "c", &options.known, seen_result, NULL),
                      HF_OK);
    hf_acquire_t acquire[2]; //  in one frame or in two
    for (uint32_t i = 0; i < 2;) {
        const got_t *got = got_requests (0);
        for (uint32_t k = 0; k < got->count; k++)
            acquire[i++] = got->request[k].acquire;
    }
    assert_false (acquire[0].wait);
    assert_int_equal (acquire[0].mode, HF_MODE_EXCLUSIVE);
    assert_true (acquire[1].wait);
    assert_int_equal (acquire[1].mode, HF_MODE_SHARED);
    hf_session_options_t session = {.size = 3};
    assert_int_equal (hf_session_open (g_x.client, &session, 100, &(hf_session_t *){NULL}),
                      HF_INVALID);
    char error[HF_CLIENT_ERROR_SIZE] = "";
    hf_client_options_t client = {.size = 3};
    assert_null (hf_client_new (&client, error));
    assert_string_not_equal (error, "");
}

FIXTURE_TEST (test_blocking_calls_keep_their_limits, 1, 3000)
{
    uint64_t start = hf_wait_now_ms ();
    hf_grant_t grant = {0, 0};
    assert_int_equal (hf_acquire (g_x.session, "a", 250, &grant), HF_TIMEOUT);
    assert_int_equal (hf_release (g_x.session, "b", 1, 250), HF_TIMEOUT);
    assert_int_equal (hf_append (g_x.session, "c", 1, "f", "x", 1, 250), HF_TIMEOUT);
    assert_in_range (hf_wait_now_ms () - start, 740, 2500);
    fake_set_autos (g_x.fake[0], NODE_ALL);
    assert_int_equal (hf_acquire (g_x.session, "d", LONG_MS, &grant), HF_OK);
    assert_true (grant.token > 0);
    assert_int_equal (hf_append (g_x.session, "d", grant.token, "f", "x", 1, LONG_MS), HF_OK);
    assert_int_equal (hf_release (g_x.session, "d", grant.token, LONG_MS), HF_OK);
}

FIXTURE_TEST (test_a_blocking_acquire_that_nobody_waits_for_any_more, 1, 3000)
{
    hf_grant_t grant;
    assert_int_equal (hf_acquire (g_x.session, "a", 100, &grant), HF_TIMEOUT);
    const got_t *got = got_requests (0);
    fake_answer (g_x.fake[0], g_x.id, got->request[0].seq, HF_OK, 5, 5, 0);
    do
        got = got_requests (0);
    while (got->request[0].kind != HF_KIND_ABANDON);
}

FIXTURE_TEST (test_results_without_a_callback_are_polled, 1, 3000)
{
    fake_set_autos (g_x.fake[0], NODE_ALL);
    int one, two;
    hf_submit_acquire (g_x.session, "a", NULL, NULL, &one);
    hf_result_t result;
    assert_true (hf_client_poll (g_x.client, &result, LONG_MS));
    assert_int_equal (result.status, HF_OK);
    assert_ptr_equal (result.arg, &one);
    assert_string_equal (result.lock, "a");
    hf_submit_release (g_x.session, "a", result.token, NULL, &two);
    assert_true (hf_client_poll (g_x.client, &result, LONG_MS));
    assert_ptr_equal (result.arg, &two);
    assert_false (hf_client_poll (g_x.client, &result, 20));
}

/*  COUNT results that were given before the call that ended them came back, and no more. */
static void
s_expect_closed (int count)
{
    seen_t seen;
    for (int i = 0; i < count; i++) {
        assert_true (seen_take (&seen, 0));
        assert_int_equal (seen.status, HF_CLOSED);
    }
    assert_false (seen_take (&seen, 0));
}

FIXTURE_TEST (test_closing_gives_every_result_first, 1, 3000)
{
    s_queue ("a", 50);
    hf_submit_acquire (g_x.session, "b", NULL, seen_result, NULL);
    got_requests (0);
    assert_int_equal (hf_session_close (&g_x.session, LONG_MS), HF_OK);
    s_expect_closed (2);
}

FIXTURE_TEST (test_leaving_sends_no_close, 1, 3000)
{
    s_queue ("a", 50);
    hf_session_leave (&g_x.session);
    assert_null (g_x.session);
    s_expect_closed (1);
    hf_client_destroy (&g_x.client);
    assert_int_equal (fake_count (g_x.fake[0], HF_KIND_CLOSE), 0);
}

FIXTURE_TEST (test_destroying_a_client_gives_every_result, 1, 3000)
{
    s_queue ("a", 50);
    hf_submit_acquire (g_x.session, "b", NULL, seen_result, NULL);
    hf_submit_read (g_x.client, "f", 0, 10, HF_FOREVER, seen_result, NULL);
    hf_client_destroy (&g_x.client);
    g_x.session = NULL;
    s_expect_closed (3);
}

static int s_again_refused;

/*  A worker that never gives up: it submits anew whatever came back. */
static void
s_again (void *arg, const hf_result_t *result)
{
    seen_result (arg, result);
    hf_status_t status = hf_submit_acquire (g_x.session, "a", NULL, s_again, arg);
    s_again_refused += status == HF_CLOSED;
    status = hf_submit_read (g_x.client, "f", 0, 1, HF_FOREVER, s_again, arg);
    s_again_refused += status == HF_CLOSED;
}

FIXTURE_TEST (test_an_end_is_not_kept_off_by_callbacks, 1, 3000)
{
    s_again_refused = 0;
    hf_submit_acquire (g_x.session, "a", NULL, s_again, NULL);
    got_requests (0);
    hf_client_t *client = g_x.client; //  the callbacks use it to the last
    hf_client_destroy (&client);
    g_x.client = NULL;
    g_x.session = NULL;
    assert_int_equal (s_again_refused, 2);
}

//  ---- threads ----------------------------------------------------------------

#define THREADS 4
#define CYCLES  200

static void *
s_cycles (void *arg)
{
    const char *lock = arg;
    for (int i = 0; i < CYCLES; i++) {
        hf_grant_t grant;
        if (hf_acquire (g_x.session, lock, LONG_MS, &grant) != HF_OK ||
            hf_append (g_x.session, lock, grant.token, "f", "x", 1, LONG_MS) != HF_OK ||
            hf_release (g_x.session, lock, grant.token, LONG_MS) != HF_OK)
            return arg;
    }
    return NULL;
}

FIXTURE_TEST (test_many_threads_share_a_session, 1, 3000)
{
    fake_set_autos (g_x.fake[0], NODE_ALL & ~(unsigned)NODE_ALIVE);
    static char names[THREADS][2] = {"a", "b", "c", "d"};
    pthread_t thread[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create (&thread[i], NULL, s_cycles, names[i]);
    for (int i = 0; i < THREADS; i++) {
        void *failed;
        pthread_join (thread[i], &failed);
        assert_null (failed);
    }
}

FIXTURE_TEST (test_a_refused_opening_says_why, 1, 0)
{
    hf_session_options_t options = {.size = sizeof options, .ttl_ms = 999};
    assert_int_equal (hf_session_open (g_x.client, &options, 100, &g_x.session), HF_BAD_TTL);
    options.ttl_ms = 600001;
    assert_int_equal (hf_session_open (g_x.client, &options, 100, &g_x.session), HF_BAD_TTL);
    assert_null (g_x.session);
}

//  ---- who leads --------------------------------------------------------------

FIXTURE_TEST (test_a_broken_connection_moves_the_client, 3, 10000)
{
    //  A request that node 1 got and does not answer.
    hf_submit_acquire (g_x.session, "a", NULL, seen_result, NULL);
    got_requests (0);
    uint64_t start = hf_wait_now_ms ();
    fake_destroy (&g_x.fake[0]);
    //  For a while the others still name the node that died; then there is an election.
    for (int i = 0; i < 5; i++) {
        fake_frame_t *probe = fake_take (g_x.fake[2], HF_KIND_QUERY, SOON_MS);
        assert_non_null (probe);
        free (probe);
    }
    assert_true (hf_wait_now_ms () - start < 900); //  probes at the pace of an election
    fake_follow (g_x.fake[1], true, 3, 5);
    fake_follow (g_x.fake[2], false, 0, 0);
    start = hf_wait_now_ms ();
    assert_int_equal (got_requests (2)->request[0].seq, 1);
    assert_true (fake_count (g_x.fake[2], HF_KIND_KEEPALIVE) > 0);
    fake_answer (g_x.fake[2], g_x.id, 1, HF_OK, 1, 11, 0);
    s_expect_result (HF_OK, 11);
    assert_true (hf_wait_now_ms () - start < 200);
}

HF_TEST (test_without_any_node_calls_end_unreachable)
{
    hf_port_t port = hf_port_take ();
    char list[64];
    snprintf (list, sizeof list, "1@127.0.0.1:%u:1", port.number);
    hf_client_options_t options = {.size = sizeof options, .endpoints = list};
    hf_client_t *client = hf_client_new (&options, NULL);
    assert_non_null (client);
    uint64_t start = hf_wait_now_ms ();
    hf_session_t *session;
    hf_leader_info_t leader;
    assert_int_equal (hf_session_open (client, NULL, 300, &session), HF_UNREACHABLE);
    assert_int_equal (hf_query_leader (client, &leader, 300), HF_UNREACHABLE);
    assert_int_equal (hf_query_status (client, 1, NULL, NULL, 300), HF_UNREACHABLE);
    assert_in_range (hf_wait_now_ms () - start, 890, 2500);
    //  And when one comes up it is found.
    fake_t *fake = fake_new (port.number, NODE_ALL);
    assert_int_equal (hf_session_open (client, NULL, LONG_MS, &session), HF_OK);
    hf_session_leave (&session);
    hf_client_destroy (&client);
    fake_destroy (&fake);
    hf_port_give_back (&port);
}

HF_TEST (test_bad_lists_are_named)
{
    char error[HF_CLIENT_ERROR_SIZE] = "";
    hf_client_options_t options = {.size = sizeof options, .endpoints = "1@"};
    assert_null (hf_client_new (&options, error));
    assert_true (strlen (error) > 0);
    options.endpoints = "1@a:1:2,1@b:1:2";
    assert_null (hf_client_new (&options, NULL));
}

HF_TEST_MAIN (NULL, NULL)
