/*  What the library sends and how it takes answers: order, repeats, batches, grants, limits. */
#include "tests/kit/hf_test.h"
#include "msgs/hf_limits.h"
#include "tests/unit/client/fixture.h"

#define TTL_MS 10000

static fixture_t s_x;

static int
s_setup (void **state)
{
    (void)state;
    fixture_open (&s_x, 1, TTL_MS);
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
s_submit_acquire (const char *lock, bool wait, uint32_t limit_ms)
{
    hf_acquire_options_t options = {.size = sizeof options, .wait = wait, .limit_ms = limit_ms};
    hf_status_t status = hf_submit_acquire (s_x.session, lock, &options, seen_result, NULL);
    assert_int_equal (status, HF_OK);
}

/*  Take LOCK, by the fake's answer. */
static void
s_hold (const char *lock, uint64_t token)
{
    s_submit_acquire (lock, true, HF_FOREVER);
    const got_t *got = got_requests (s_x.fake[0], SOON_MS);
    assert_int_equal (got->count, 1);
    assert_int_equal (got->request[0].kind, HF_KIND_ACQUIRE);
    fake_answer (s_x.fake[0], s_x.id, got->request[0].seq, HF_OK, token * 10, token, 0);
    s_expect_result (HF_OK, token);
}

static uint64_t
s_queue (const char *lock, uint32_t limit_ms, uint64_t index)
{
    s_submit_acquire (lock, true, limit_ms);
    const got_t *got = got_requests (s_x.fake[0], SOON_MS);
    uint64_t seq = got->request[0].seq;
    fake_answer (s_x.fake[0], s_x.id, seq, HF_QUEUED, index, 0, 2);
    s_expect_event (HF_SESSION_MOVED, 0, 2);
    return seq;
}

static void
test_a_cycle_sends_what_the_protocol_says (void **state)
{
    (void)state;
    s_hold ("a", 7);
    assert_int_equal (hf_submit_append (s_x.session, "a", 7, "file", "bytes", 5, seen_result, NULL),
                      HF_OK);
    fake_frame_t *frame = fake_take (s_x.fake[0], HF_KIND_REQUESTS, SOON_MS);
    assert_non_null (frame);
    hf_requests_t requests;
    hf_append_t append;
    assert_true (hf_requests_get (&frame->scan, &requests));
    assert_int_equal (requests.session, s_x.id);
    assert_int_equal (requests.floor, 2);
    hf_scan_t list = hf_scan_list (requests.requests);
    assert_true (hf_append_get (&list, &append));
    assert_int_equal (append.seq, 2);
    assert_int_equal (append.token, 7);
    assert_int_equal (append.owner, 0);
    assert_true (hf_span_equal (append.file, hf_span_text ("file")));
    assert_true (hf_span_equal (append.data, hf_span_text ("bytes")));
    free (frame);
    fake_answer (s_x.fake[0], s_x.id, 2, HF_OK, 71, 0, 0);
    s_expect_result (HF_OK, 0);
    assert_int_equal (hf_submit_release (s_x.session, "a", 7, seen_result, NULL), HF_OK);
    const got_t *got = got_requests (s_x.fake[0], SOON_MS);
    assert_int_equal (got->request[0].kind, HF_KIND_RELEASE);
    assert_int_equal (got->request[0].seq, 3);
    assert_int_equal (got->floor, 3);
    fake_answer (s_x.fake[0], s_x.id, 3, HF_OK, 72, 0, 0);
    s_expect_result (HF_OK, 0);
    assert_int_equal (hf_session_close (&s_x.session, LONG_MS), HF_OK);
    fake_frame_t *closing = fake_take (s_x.fake[0], HF_KIND_CLOSE, SOON_MS);
    assert_non_null (closing);
    free (closing);
}

static void
s_burst (void *arg, const hf_result_t *result)
{
    seen_result (arg, result);
    for (int i = 0; i < 100; i++) {
        char lock[16] = {'l', (char)('a' + i / 10), (char)('a' + i % 10), 0};
        hf_submit_acquire (s_x.session, lock, NULL, seen_result, NULL);
    }
}

static void
test_what_a_callback_submits_leaves_in_one_frame (void **state)
{
    (void)state;
    assert_int_equal (hf_submit_acquire (s_x.session, "x", NULL, s_burst, NULL), HF_OK);
    const got_t *got = got_requests (s_x.fake[0], SOON_MS);
    fake_answer (s_x.fake[0], s_x.id, got->request[0].seq, HF_OK, 1, 1, 0);
    got = got_requests (s_x.fake[0], SOON_MS);
    assert_int_equal (got->count, 100);
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal (got->request[i].seq, 2 + i);
}

static void
test_unanswered_requests_are_repeated_with_the_same_bytes (void **state)
{
    (void)state;
    s_submit_acquire ("a", true, HF_FOREVER);
    got_t *first = malloc (sizeof *first);
    *first = *got_requests (s_x.fake[0], SOON_MS);
    const got_t *again = got_requests (s_x.fake[0], LONG_MS);
    assert_int_equal (again->size, first->size);
    assert_memory_equal (again->bytes, first->bytes, first->size);
    fake_answer (s_x.fake[0], s_x.id, 1, HF_OK, 5, 5, 0);
    //  The same answer again, and one that nobody asked for: nothing comes of them.
    fake_answer (s_x.fake[0], s_x.id, 1, HF_OK, 5, 5, 0);
    fake_answer (s_x.fake[0], s_x.id, 77, HF_OK, 5, 5, 0);
    s_expect_result (HF_OK, 5);
    s_hold ("b", 6);
    free (first);
}

static void
test_requests_for_one_lock_never_overtake_each_other (void **state)
{
    (void)state;
    s_hold ("a", 7);
    hf_submit_append (s_x.session, "a", 7, "f", "1", 1, seen_result, NULL);
    const got_t *got = got_requests (s_x.fake[0], SOON_MS);
    assert_int_equal (got->request[0].seq, 2);
    //  The frame with 1 is lost. What follows for this lock waits; another lock's does not.
    hf_submit_append (s_x.session, "a", 7, "f", "2", 1, seen_result, NULL);
    hf_submit_release (s_x.session, "a", 7, seen_result, NULL);
    hf_submit_acquire (s_x.session, "b", NULL, seen_result, NULL);
    got = got_requests (s_x.fake[0], SOON_MS);
    assert_int_equal (got->count, 1);
    assert_string_equal (got->request[0].lock, "b");
    //  The repeat brings 1 again, and only its answer lets 2 and the release go, together.
    uint32_t answered = 0;
    while (answered == 0) {
        got = got_requests (s_x.fake[0], LONG_MS);
        for (uint32_t i = 0; i < got->count; i++) {
            assert_true (got->request[i].seq <= 3);
            answered += got->request[i].seq == 2;
        }
    }
    fake_answer (s_x.fake[0], s_x.id, 2, HF_OK, 80, 0, 0);
    s_expect_result (HF_OK, 0);
    do
        got = got_requests (s_x.fake[0], LONG_MS);
    while (got->request[0].kind != HF_KIND_APPEND);
    assert_int_equal (got->count, 2);
    assert_int_equal (got->request[1].kind, HF_KIND_RELEASE);
}

static void
test_seqs_stay_within_the_window (void **state)
{
    (void)state;
    enum { MANY = 5000 };
    for (int i = 0; i < MANY; i++) {
        char lock[16] = {'w',
                         (char)('0' + i / 1000),
                         (char)('0' + i / 100 % 10),
                         (char)('0' + i / 10 % 10),
                         (char)('0' + i % 10),
                         0};
        hf_submit_acquire (s_x.session, lock, NULL, seen_result, NULL);
    }
    uint64_t top = 0;
    while (top < HF_WINDOW_MAX - 1) {
        const got_t *got = got_requests (s_x.fake[0], SOON_MS);
        for (uint32_t i = 0; i < got->count; i++)
            top = got->request[i].seq > top ? got->request[i].seq : top;
        assert_int_equal (got->floor, 1);
    }
    assert_int_equal (top, HF_WINDOW_MAX - 1);
    fake_set_autos (s_x.fake[0], FAKE_LEADS);
    for (int i = 0; i < MANY; i++) {
        seen_t seen;
        assert_true (seen_take (&seen, LONG_MS));
        assert_int_equal (seen.status, HF_OK);
    }
}

//  ---- grants ---------------------------------------------------------------------

static void
test_a_push_grants_the_one_who_waits (void **state)
{
    (void)state;
    s_queue ("a", HF_FOREVER, 50);
    fake_moved (s_x.fake[0], s_x.id, "a", 1);
    s_expect_event (HF_SESSION_MOVED, 0, 1);
    //  A grant of an earlier hold that comes late is not this one.
    fake_granted (s_x.fake[0], s_x.id, "a", 3, 40);
    fake_granted (s_x.fake[0], s_x.id, "unknown", 4, 60);
    fake_granted (s_x.fake[0], s_x.id, "a", 9, 61);
    fake_granted (s_x.fake[0], s_x.id, "a", 9, 61);
    s_expect_result (HF_OK, 9);
}

static void
test_a_push_that_overtakes_its_answer_is_kept (void **state)
{
    (void)state;
    s_submit_acquire ("a", true, HF_FOREVER);
    got_requests (s_x.fake[0], SOON_MS);
    fake_granted (s_x.fake[0], s_x.id, "a", 9, 61);
    fake_answer (s_x.fake[0], s_x.id, 1, HF_QUEUED, 50, 0, 1);
    s_expect_event (HF_SESSION_MOVED, 0, 1);
    s_expect_result (HF_OK, 9);
}

static void
test_every_acquire_of_a_lock_gets_the_same_grant (void **state)
{
    (void)state;
    s_queue ("a", HF_FOREVER, 50);
    s_submit_acquire ("a", true, HF_FOREVER);
    const got_t *got = got_requests (s_x.fake[0], SOON_MS);
    fake_answer (s_x.fake[0], s_x.id, got->request[0].seq, HF_QUEUED, 51, 0, 1);
    s_expect_event (HF_SESSION_MOVED, 0, 1);
    fake_granted (s_x.fake[0], s_x.id, "a", 9, 61);
    s_expect_result (HF_OK, 9);
    s_expect_result (HF_OK, 9);
}

static void
test_a_wait_that_runs_out_gives_its_place_back (void **state)
{
    (void)state;
    uint64_t start = now_ms ();
    s_queue ("a", 300, 50);
    s_expect_result (HF_TIMEOUT, 0);
    assert_in_range (now_ms () - start, 290, 1500);
    const got_t *got = got_requests (s_x.fake[0], SOON_MS);
    assert_int_equal (got->request[0].kind, HF_KIND_ABANDON);
    uint64_t seq = got->request[0].seq;
    //  The grant that crossed with it is nobody's; asking anew waits for the abandon's answer.
    fake_granted (s_x.fake[0], s_x.id, "a", 9, 61);
    s_submit_acquire ("a", true, HF_FOREVER);
    fake_answer (s_x.fake[0], s_x.id, seq, HF_OK, 62, 0, 0);
    got = got_requests (s_x.fake[0], SOON_MS);
    assert_int_equal (got->request[0].kind, HF_KIND_ACQUIRE);
    fake_answer (s_x.fake[0], s_x.id, got->request[0].seq, HF_QUEUED, 63, 0, 1);
    s_expect_event (HF_SESSION_MOVED, 0, 1);
    fake_granted (s_x.fake[0], s_x.id, "a", 9, 61);
    fake_granted (s_x.fake[0], s_x.id, "a", 12, 70);
    s_expect_result (HF_OK, 12);
}

static void
test_a_grant_after_giving_up_goes_back (void **state)
{
    (void)state;
    s_submit_acquire ("a", true, 200);
    got_requests (s_x.fake[0], SOON_MS);
    s_expect_result (HF_TIMEOUT, 0);
    fake_answer (s_x.fake[0], s_x.id, 1, HF_OK, 5, 5, 0);
    const got_t *got;
    do
        got = got_requests (s_x.fake[0], SOON_MS);
    while (got->request[0].seq == 1);
    assert_int_equal (got->request[0].kind, HF_KIND_ABANDON);
    assert_string_equal (got->request[0].lock, "a");
}

static void
test_not_granted_and_errors_come_back_as_they_are (void **state)
{
    (void)state;
    s_submit_acquire ("a", false, HF_FOREVER);
    got_requests (s_x.fake[0], SOON_MS);
    fake_answer (s_x.fake[0], s_x.id, 1, HF_NOT_GRANTED, 5, 0, 0);
    s_expect_result (HF_NOT_GRANTED, 0);
    hf_submit_append (s_x.session, "a", 99, "f", "x", 1, seen_result, NULL);
    got_requests (s_x.fake[0], SOON_MS);
    fake_answer (s_x.fake[0], s_x.id, 2, HF_NOT_HOLDER, 6, 0, 0);
    s_expect_result (HF_NOT_HOLDER, 0);
    assert_int_equal (hf_submit_acquire (s_x.session, "", NULL, seen_result, NULL), HF_BAD_NAME);
    assert_int_equal (hf_submit_acquire (s_x.session, "a\n", NULL, NULL, NULL), HF_BAD_NAME);
    static char big[HF_DATA_MAX + 1];
    assert_int_equal (
        hf_submit_append (s_x.session, "a", 1, "f", big, sizeof big, seen_result, NULL),
        HF_TOO_LARGE);
    assert_int_equal (hf_submit_append (s_x.session, "a", 1, "f", NULL, 1, seen_result, NULL),
                      HF_INVALID);
}

static void
test_blocking_calls_keep_their_limits (void **state)
{
    (void)state;
    uint64_t start = now_ms ();
    hf_grant_t grant = {0, 0};
    assert_int_equal (hf_acquire (s_x.session, "a", 250, &grant), HF_TIMEOUT);
    assert_int_equal (hf_release (s_x.session, "b", 1, 250), HF_TIMEOUT);
    assert_int_equal (hf_append (s_x.session, "c", 1, "f", "x", 1, 250), HF_TIMEOUT);
    assert_in_range (now_ms () - start, 740, 2500);
    fake_set_autos (s_x.fake[0], FAKE_LEADS);
    assert_int_equal (hf_acquire (s_x.session, "d", LONG_MS, &grant), HF_OK);
    assert_true (grant.token > 0);
    assert_int_equal (hf_append (s_x.session, "d", grant.token, "f", "x", 1, LONG_MS), HF_OK);
    assert_int_equal (hf_release (s_x.session, "d", grant.token, LONG_MS), HF_OK);
}

static void
test_a_large_burst_is_split_into_frames_that_fit (void **state)
{
    (void)state;
    s_hold ("a", 7);
    char *big = calloc (1, HF_DATA_MAX);
    for (int i = 0; i < 4; i++)
        hf_submit_append (s_x.session, "a", 7, "f", big, HF_DATA_MAX, seen_result, NULL);
    free (big);
    uint64_t next = 2;
    while (next < 6) {
        fake_frame_t *frame = fake_take (s_x.fake[0], HF_KIND_REQUESTS, SOON_MS);
        assert_non_null (frame);
        assert_true (frame->size <= HF_CLIENT_FRAME_MAX);
        free (frame);
        fake_answer (s_x.fake[0], s_x.id, next, HF_OK, 100 + next, 0, 0);
        next++;
        s_expect_result (HF_OK, 0);
    }
}

static void
test_results_without_a_callback_are_polled (void **state)
{
    (void)state;
    fake_set_autos (s_x.fake[0], FAKE_LEADS);
    int one, two;
    hf_submit_acquire (s_x.session, "a", NULL, NULL, &one);
    hf_result_t result;
    assert_true (hf_client_poll (s_x.client, &result, LONG_MS));
    assert_int_equal (result.status, HF_OK);
    assert_ptr_equal (result.arg, &one);
    assert_string_equal (result.lock, "a");
    hf_submit_release (s_x.session, "a", result.token, NULL, &two);
    assert_true (hf_client_poll (s_x.client, &result, LONG_MS));
    assert_ptr_equal (result.arg, &two);
    assert_false (hf_client_poll (s_x.client, &result, 20));
}

static void
test_closing_gives_every_result_first (void **state)
{
    (void)state;
    s_queue ("a", HF_FOREVER, 50);
    s_submit_acquire ("b", true, HF_FOREVER);
    got_requests (s_x.fake[0], SOON_MS);
    assert_int_equal (hf_session_close (&s_x.session, LONG_MS), HF_OK);
    seen_t seen;
    for (int i = 0; i < 2; i++) {
        assert_true (seen_take (&seen, 0));
        assert_int_equal (seen.status, HF_CLOSED);
    }
    assert_false (seen_take (&seen, 0));
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, s_setup, s_teardown)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_a_cycle_sends_what_the_protocol_says),
        TEST (test_what_a_callback_submits_leaves_in_one_frame),
        TEST (test_unanswered_requests_are_repeated_with_the_same_bytes),
        TEST (test_requests_for_one_lock_never_overtake_each_other),
        TEST (test_seqs_stay_within_the_window),
        TEST (test_a_push_grants_the_one_who_waits),
        TEST (test_a_push_that_overtakes_its_answer_is_kept),
        TEST (test_every_acquire_of_a_lock_gets_the_same_grant),
        TEST (test_a_wait_that_runs_out_gives_its_place_back),
        TEST (test_a_grant_after_giving_up_goes_back),
        TEST (test_not_granted_and_errors_come_back_as_they_are),
        TEST (test_blocking_calls_keep_their_limits),
        TEST (test_a_large_burst_is_split_into_frames_that_fit),
        TEST (test_results_without_a_callback_are_polled),
        TEST (test_closing_gives_every_result_first),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
