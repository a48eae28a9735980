//  A program with a loop of its own: poll(2) on the client's descriptor, and every callback on the
//  thread that dispatches.

#include "client/recipes/hf_barrier.h"
#include "client/recipes/hf_election.h"
#include "client/recipes/hf_latch.h"
#include "tests/cluster/recipes/stage.h"
#include <poll.h>

#define SEEN_MAX 64

typedef struct seen {
    char what;  //  r: a result, e: an event of a session, w: of a watch
    int detail; //  its status or type
} seen_t;

typedef struct loop {
    hf_client_t *client;
    hf_session_t *session, *other;
    pthread_t thread;
    seen_t seen[SEEN_MAX];
    size_t count;
    uint64_t token;
    hf_status_t blocking; //  what a blocking call gave in a callback
} loop_t;

static loop_t s_loop;

static void
s_see (char what, int detail)
{
    assert_true (pthread_equal (pthread_self (), s_loop.thread));
    assert_true (s_loop.count < SEEN_MAX);
    s_loop.seen[s_loop.count++] = (seen_t){what, detail};
}

static void
s_result (void *arg, const hf_result_t *result)
{
    assert_ptr_equal (arg, &s_loop);
    s_loop.token = result->token;
    s_see ('r', (int)result->status);
}

static void
s_event (void *arg, const hf_session_event_t *event)
{
    assert_ptr_equal (arg, &s_loop);
    s_see ('e', (int)event->type);
}

static void
s_watched (void *arg, const hf_watch_event_t *event)
{
    assert_ptr_equal (arg, &s_loop);
    s_see ('w', (int)event->what);
}

static bool
s_readable (int limit_ms)
{
    struct pollfd item = {.fd = hf_client_fd (s_loop.client), .events = POLLIN};
    return poll (&item, 1, limit_ms) == 1 && (item.revents & POLLIN);
}

/*  Run the loop until this has been seen; forget all up to it. */
static bool
s_loop_sees (char what, int detail)
{
    uint64_t end_ms = hf_wait_now_ms () + LIMIT_MS;
    for (size_t i = 0;; i++) {
        while (i == s_loop.count) {
            if (hf_wait_now_ms () >= end_ms)
                return false;
            if (s_readable (100))
                assert_true (hf_client_dispatch (s_loop.client) > 0);
        }
        if (s_loop.seen[i].what != what || s_loop.seen[i].detail != detail)
            continue;
        s_loop.count -= i + 1;
        memmove (s_loop.seen, s_loop.seen + i + 1, s_loop.count * sizeof s_loop.seen[0]);
        return true;
    }
}

static int
s_loop_open (void **state)
{
    hf_client_options_t options = HF_CLIENT_OPTIONS_INIT;
    hf_session_options_t life = HF_SESSION_OPTIONS_INIT;
    options.endpoints = hf_cluster_endpoints (g_stage.cluster);
    options.dispatch = true;
    life.ttl_ms = 60000;
    life.fn = s_event;
    life.arg = &s_loop;
    s_loop = (loop_t){.client = hf_client_new (&options, NULL), .thread = pthread_self ()};
    bool open = s_loop.client &&
                hf_session_open (s_loop.client, &life, LIMIT_MS, &s_loop.session) == HF_OK &&
                hf_session_open (s_loop.client, NULL, LIMIT_MS, &s_loop.other) == HF_OK;
    return open && stage_open (state) == 0 ? 0 : -1;
}

static int
s_loop_close (void **state)
{
    if (s_loop.session)
        hf_session_close (&s_loop.session, LIMIT_MS);
    if (s_loop.other)
        hf_session_close (&s_loop.other, LIMIT_MS);
    hf_client_destroy (&s_loop.client);
    return stage_close (state);
}
#define LOOP_TEST(name) HF_TEST_WITH (name, s_loop_open, s_loop_close)

LOOP_TEST (test_results_and_events_come_to_the_loop)
{
    hf_grant_t grant;
    hf_watch_options_t options = HF_WATCH_OPTIONS_INIT;
    hf_watch_t *watch;
    options.prefix = "loop";
    options.fn = s_watched;
    options.arg = &s_loop;
    assert_false (s_readable (0));
    assert_int_equal (hf_client_dispatch (s_loop.client), 0);
    assert_int_equal (hf_watch_open (s_loop.client, &options, LIMIT_MS, &watch, NULL), HF_OK);
    assert_int_equal (hf_acquire (g_stage.session[0], "loop", LIMIT_MS, &grant), HF_OK);
    assert_true (s_loop_sees ('w', HF_HAPPENED_GRANTED));
    assert_int_equal (hf_submit_acquire (s_loop.session, "loop", NULL, s_result, &s_loop), HF_OK);
    assert_true (s_loop_sees ('e', HF_SESSION_MOVED));
    assert_int_equal (hf_release (g_stage.session[0], "loop", grant.token, LIMIT_MS), HF_OK);
    assert_true (s_loop_sees ('r', HF_OK));
    assert_true (s_loop.token > grant.token);
    hf_submit_release (s_loop.session, "loop", s_loop.token, s_result, &s_loop);
    assert_true (s_loop_sees ('r', HF_OK));
    assert_int_equal (hf_acquire (g_stage.session[0], "loop", LIMIT_MS, &grant), HF_OK);
    assert_true (
        HF_WAIT (s_readable (0), LIMIT_MS)); //  what the close has to give before it returns
    hf_watch_close (&watch);
    assert_null (watch);
    assert_true (s_loop.count > 0);
    assert_false (s_readable (0));
}

LOOP_TEST (test_results_without_a_callback_are_polled)
{
    hf_result_t result;
    assert_int_equal (hf_submit_read (s_loop.client, "none", 0, 1, LIMIT_MS, NULL, NULL), HF_OK);
    assert_true (s_readable (LIMIT_MS));
    assert_int_equal (hf_client_dispatch (s_loop.client), 0);
    assert_true (s_readable (0));
    assert_true (hf_client_poll (s_loop.client, &result, LIMIT_MS));
    assert_int_equal (result.status, HF_NOT_FOUND);
    assert_false (s_readable (0));
    assert_false (hf_client_poll (s_loop.client, &result, 0));
}

static void
s_block (void *arg, const hf_result_t *result)
{
    hf_session_t *session = s_loop.session;
    hf_result_t other;
    assert_int_equal (hf_session_close (&session, LIMIT_MS), HF_INVALID);
    assert_int_equal (hf_client_dispatch (s_loop.client), 0);
    assert_false (hf_client_poll (s_loop.client, &other, 0));
    s_loop.blocking = hf_acquire (session, "x", LIMIT_MS, NULL);
    assert_int_equal (hf_submit_read (s_loop.client, "none", 0, 1, LIMIT_MS, s_result, arg), HF_OK);
    s_result (arg, result);
}

LOOP_TEST (test_callbacks_may_submit_and_not_block)
{
    assert_int_equal (hf_submit_read (s_loop.client, "none", 0, 1, LIMIT_MS, s_block, &s_loop),
                      HF_OK);
    assert_true (s_loop_sees ('r', HF_NOT_FOUND));
    assert_int_equal (s_loop.blocking, HF_INVALID);
    assert_true (s_loop_sees ('r', HF_NOT_FOUND));
    assert_int_equal (hf_acquire (s_loop.session, "x", LIMIT_MS, NULL), HF_OK);
}

LOOP_TEST (test_what_is_out_comes_back_when_a_session_is_closed)
{
    hf_grant_t grant;
    assert_int_equal (hf_acquire (s_loop.other, "busy", LIMIT_MS, &grant), HF_OK);
    hf_submit_acquire (s_loop.session, "busy", NULL, s_result, &s_loop);
    stage_wait_waiters ("busy", 1);
    assert_int_equal (hf_session_close (&s_loop.session, LIMIT_MS), HF_OK);
    assert_true (s_loop.count >= 1);
    assert_int_equal (s_loop.seen[s_loop.count - 1].detail, HF_CLOSED);
    s_loop.count = 0;
    //  And when the client ends.
    hf_submit_acquire (s_loop.other, "taken", NULL, s_result, &s_loop);
    assert_true (s_loop_sees ('r', HF_OK));
    hf_grant_t none;
    assert_int_equal (hf_acquire (g_stage.session[0], "taken", 0, &none), HF_NOT_GRANTED);
    hf_submit_read (s_loop.client, "none", 0, 1, LIMIT_MS, s_result, &s_loop);
    hf_session_close (&s_loop.other, LIMIT_MS);
    hf_client_destroy (&s_loop.client);
    assert_int_equal (s_loop.count, 1);
}

LOOP_TEST (test_a_loss_comes_to_the_loop)
{
    hf_grant_t grant;
    assert_int_equal (hf_acquire (s_loop.session, "lost", LIMIT_MS, &grant), HF_OK);
    uint64_t id = hf_session_id (s_loop.session);
    assert_int_equal (hf_close_session_id (g_stage.client, id, LIMIT_MS), HF_OK);
    assert_true (s_loop_sees ('e', HF_SESSION_LOST));
    assert_true (s_loop_sees ('e', HF_SESSION_ENDED));
    assert_int_equal (hf_session_remaining_ms (s_loop.session), 0);
}

/*  What waits for a watch would wait for ever: nobody dispatches meanwhile. */
LOOP_TEST (test_recipes_that_watch_are_refused)
{
    hf_barrier_t *barrier = hf_barrier_new (s_loop.client, s_loop.session, "doors", 1);
    assert_int_equal (hf_barrier_wait (barrier, LIMIT_MS), HF_INVALID);
    assert_int_equal (hf_barrier_enter (barrier, LIMIT_MS), HF_INVALID);
    hf_barrier_destroy (&barrier);
    hf_latch_t *latch = hf_latch_new (s_loop.client, s_loop.session, "latch", 1);
    assert_int_equal (hf_latch_wait (latch, LIMIT_MS), HF_INVALID);
    hf_latch_destroy (&latch);
    hf_observer_t *observer = NULL;
    assert_int_equal (hf_observer_open (s_loop.client, "post", LIMIT_MS, &observer), HF_INVALID);
    assert_null (observer);
    hf_grant_t grant; //  and nobody has arrived
    assert_int_equal (hf_acquire (g_stage.session[0], "doors", 0, &grant), HF_OK);
    assert_int_equal (hf_release (g_stage.session[0], "doors", grant.token, LIMIT_MS), HF_OK);
}

HF_TEST (test_without_the_option_there_is_no_descriptor)
{
    assert_int_equal (hf_client_fd (g_stage.client), -1);
    assert_int_equal (hf_client_fd (NULL), -1);
    assert_int_equal (hf_client_dispatch (g_stage.client), 0);
    assert_int_equal (hf_client_dispatch (NULL), 0);
}

HF_TEST_MAIN (stage_begin, stage_end)
