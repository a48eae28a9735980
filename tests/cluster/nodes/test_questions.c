//  Questions and refusals of real nodes, as the library tells them.

#include "tests/kit/hf_test.h"
#include "client/holdfast.h"
#include "tests/cluster/harness/hf_cluster.h"

#define LIMIT_MS 10000

static hf_client_t *s_client;

static hf_session_t *
s_open (const char *label)
{
    hf_session_options_t options = HF_SESSION_OPTIONS_INIT;
    options.label = label;
    options.detect = true;
    hf_session_t *session;
    assert_int_equal (hf_session_open (s_client, &options, LIMIT_MS, &session), HF_OK);
    return session;
}

static void
s_begin (hf_cluster_t *cluster)
{
    hf_client_options_t options = HF_CLIENT_OPTIONS_INIT;
    assert_true (hf_cluster_begin (cluster));
    options.endpoints = hf_cluster_endpoints (cluster);
    s_client = hf_client_new (&options, NULL);
    assert_non_null (s_client);
}

/*  The result of what was submitted without a callback. */
static void
s_result (hf_status_t status, hf_result_t *result)
{
    assert_true (hf_client_poll (s_client, result, LIMIT_MS));
    assert_int_equal (result->status, status);
}

//  ---- refusals -----------------------------------------------------------------------

/*  Each holds a lock and waits for the next one's. */
HF_TEST_ON (test_a_ring_of_three_is_named, 1)
{
    static const char *const locks[] = {"a", "b", "c"}, *const labels[] = {"ann", "", "kim@beta"};
    hf_session_t *session[3];
    hf_result_t result;
    s_begin (cluster);
    for (int i = 0; i < 3; i++) {
        session[i] = s_open (labels[i]);
        assert_int_equal (hf_acquire (session[i], locks[i], LIMIT_MS, NULL), HF_OK);
    }
    for (int i = 0; i < 2; i++) {
        hf_submit_acquire (session[i], locks[i + 1], NULL, NULL, NULL);
        assert_true (hf_cluster_wait_waiters (cluster, locks[i + 1], 1, LIMIT_MS));
    }
    hf_submit_acquire (session[2], "a", NULL, NULL, NULL);
    s_result (HF_DEADLOCK, &result);
    unsigned id[3];
    for (int i = 0; i < 3; i++)
        id[i] = (unsigned)hf_session_id (session[i]);
    char text[200];
    snprintf (text, sizeof text,
              "session %u (kim@beta) holds c and waits for a; session %u (ann) holds a and waits "
              "for b; session %u holds b and waits for c",
              id[2], id[0], id[1]);
    assert_string_equal (result.text, text);
    assert_int_equal (result.ring_count, 3);
    assert_int_equal (result.ring[1].session, id[0]);
    //  The last one gives up what it holds: the others go on.
    assert_int_equal (hf_session_close (&session[2], LIMIT_MS), HF_OK);
    s_result (HF_OK, &result);
    assert_string_equal (result.lock, "c");
    assert_int_equal (hf_session_close (&session[1], LIMIT_MS), HF_OK);
    assert_int_equal (hf_session_close (&session[0], LIMIT_MS), HF_OK);
    hf_client_destroy (&s_client);
}

HF_TEST_ON (test_both_limits_are_named, 1)
{
    s_begin (cluster);
    hf_session_t *ours = s_open ("ours"), *theirs = s_open ("theirs");
    hf_acquire_options_t options = HF_ACQUIRE_OPTIONS_INIT;
    hf_result_t result;
    options.mode = HF_MODE_SHARED;
    options.limit = 5;
    assert_int_equal (hf_acquire_as (theirs, "sem", &options, LIMIT_MS, NULL), HF_OK);
    options.limit = 3;
    hf_submit_acquire (ours, "sem", &options, NULL, NULL);
    s_result (HF_CONFLICT, &result);
    assert_string_equal (result.text, "lock sem is used with a limit of 5 units, and was asked for "
                                      "with a limit of 3 units");
    assert_int_equal (hf_session_close (&ours, LIMIT_MS), HF_OK);
    assert_int_equal (hf_session_close (&theirs, LIMIT_MS), HF_OK);
    hf_client_destroy (&s_client);
}

//  ---- questions ----------------------------------------------------------------------

typedef struct count {
    uint64_t calls, last;
} count_t;

static void
s_count_place (void *arg, const hf_lock_info_t *lock, const hf_place_info_t *place)
{
    count_t *self = arg;
    self->calls++;
    assert_int_equal (lock->limit, 1000);
    assert_int_equal (place->units, 2);
    assert_string_equal (place->label, "many");
    assert_string_equal (place->note, "mine");
}

static void
s_count_session (void *arg, const hf_session_info_t *info)
{
    count_t *self = arg;
    self->calls++;
    assert_true (info->session > self->last);
    self->last = info->session;
    assert_string_equal (info->label, "many");
    assert_int_equal (info->held, 1);
    assert_true (info->detect && !info->gone && info->queued == 0 && info->delay_ms == 0);
}

/*  More than one page of each kind, at the leader and, in the end, at all nodes. */
HF_TEST_ON (test_long_answers, 3)
{
    enum { SESSIONS = 300 };
    static hf_session_t *session[SESSIONS];
    s_begin (cluster);
    hf_acquire_options_t options = HF_ACQUIRE_OPTIONS_INIT;
    options.mode = HF_MODE_SHARED;
    options.units = 2;
    options.limit = 1000;
    options.note = "mine";
    for (int i = 0; i < SESSIONS; i++) {
        session[i] = s_open ("many");
        assert_int_equal (hf_submit_acquire (session[i], "sem", &options, NULL, NULL), HF_OK);
    }
    hf_result_t result;
    for (int i = 0; i < SESSIONS; i++)
        s_result (HF_OK, &result);
    hf_query_options_t query = HF_QUERY_OPTIONS_INIT;
    uint64_t number;
    query.number = &number;
    for (int stale = 0; stale < 2; stale++) {
        count_t places = {0, 0}, sessions = {0, 0};
        query.stale = stale == 1;
        assert_true (hf_cluster_wait_equal (cluster, HF_CLUSTER_LIMIT_MS));
        number = 0;
        assert_int_equal (
            hf_query_lock_as (s_client, "sem", &query, s_count_place, &places, LIMIT_MS), HF_OK);
        assert_int_equal (places.calls, SESSIONS);
        assert_int_equal (number, SESSIONS); //  so many were granted
        assert_int_equal (
            hf_query_sessions (s_client, &query, s_count_session, &sessions, LIMIT_MS), HF_OK);
        assert_int_equal (sessions.calls, SESSIONS);
        number = 0;
        assert_int_equal (
            hf_query_lock_as (s_client, "other", &query, s_count_place, &places, LIMIT_MS),
            HF_NOT_FOUND);
        assert_int_equal (number, SESSIONS);
    }
    for (int i = 0; i < SESSIONS; i++)
        hf_session_leave (&session[i]);
    hf_client_destroy (&s_client);
}

HF_TEST_MAIN (NULL, NULL)
