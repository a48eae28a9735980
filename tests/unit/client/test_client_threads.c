//  Which thread of a process does what for its clients: those of blocking calls, the client's own,
//  and the one that clients share.

#include "tests/unit/client/fixture.h"
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define CLIENTS 5
#define CYCLES  200

static atomic_int s_thread; //  the last callback's

static void
s_here (void *arg, const hf_result_t *result)
{
    atomic_store (&s_thread, (int)gettid ());
    seen_result (arg, result);
}

static int
s_threads (void)
{
    int count = 0;
    DIR *dir = opendir ("/proc/self/task");
    assert_non_null (dir);
    for (const struct dirent *entry; (entry = readdir (dir)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir (dir);
    return count;
}

/*  How often THREAD went to sleep so far. */
static long
s_sleeps (int thread)
{
    char path[64], line[128];
    long sleeps = -1;
    snprintf (path, sizeof path, "/proc/self/task/%d/status", thread);
    FILE *file = fopen (path, "r");
    assert_non_null (file);
    while (fgets (line, sizeof line, file))
        sscanf (line, "voluntary_ctxt_switches: %ld", &sleeps);
    fclose (file);
    assert_true (sleeps >= 0);
    return sleeps;
}

static void
s_expect (hf_status_t status, uint64_t token)
{
    seen_t seen;
    assert_true (seen_take (&seen, LONG_MS));
    assert_int_equal (seen.event, 0);
    assert_int_equal (seen.status, status);
    assert_int_equal (seen.token, token);
}

//  ---- blocking calls -------------------------------------------------------------

typedef struct call {
    const char *lock;
    pthread_t thread;
    int id;
    hf_status_t status;
    atomic_bool done;
} call_t;

static void *
s_acquire (void *arg)
{
    call_t *self = arg;
    hf_grant_t grant;
    self->id = (int)gettid ();
    self->status = hf_acquire (g_x.session, self->lock, LONG_MS, &grant);
    atomic_store (&self->done, true);
    return NULL;
}

/*  Gives the request's number. */
static uint64_t
s_call (call_t *self, const char *lock)
{
    *self = (call_t){.lock = lock};
    int rc = pthread_create (&self->thread, NULL, s_acquire, self);
    assert_int_equal (rc, 0);
    return got_requests (0)->request[0].seq;
}

static void
s_returns (call_t *self, uint64_t seq, uint64_t token)
{
    fake_answer (g_x.fake[0], g_x.id, seq, HF_OK, token, token, 0);
    assert_true (HF_WAIT (atomic_load (&self->done), LONG_MS));
    pthread_join (self->thread, NULL);
    assert_int_equal (self->status, HF_OK);
}

FIXTURE_TEST (test_a_blocking_call_leaves_the_clients_thread_asleep, 1, 600000)
{
    fake_set_autos (g_x.fake[0], NODE_ALL);
    hf_submit_acquire (g_x.session, "a", NULL, s_here, NULL);
    s_expect (HF_OK, 1);
    long sleeps = s_sleeps (atomic_load (&s_thread));
    for (int i = 0; i < CYCLES; i++) {
        hf_grant_t grant;
        assert_int_equal (hf_acquire (g_x.session, "b", LONG_MS, &grant), HF_OK);
        assert_int_equal (hf_release (g_x.session, "b", grant.token, LONG_MS), HF_OK);
    }
    //  Some: what came in the moment between two calls.
    assert_true (s_sleeps (atomic_load (&s_thread)) - sleeps < CYCLES / 2);
}

FIXTURE_TEST (test_no_callback_comes_on_the_thread_of_a_call, 1, 600000)
{
    call_t call;
    hf_submit_acquire (g_x.session, "a", NULL, s_here, NULL);
    uint64_t first = got_requests (0)->request[0].seq;
    uint64_t second = s_call (&call, "b");
    fake_answer (g_x.fake[0], g_x.id, first, HF_OK, 1, 1, 0);
    s_expect (HF_OK, 1);
    assert_int_not_equal (atomic_load (&s_thread), call.id);
    assert_int_not_equal (atomic_load (&s_thread), (int)gettid ());
    assert_false (atomic_load (&call.done));
    s_returns (&call, second, 2);
}

/*  The first that waits drives for both, whichever ends first. */
FIXTURE_TEST (test_calls_wait_side_by_side, 1, 600000)
{
    call_t call[2];
    for (unsigned first = 0; first < 2; first++) {
        uint64_t seq[2] = {s_call (&call[0], first ? "a" : "c"), 0};
        seq[1] = s_call (&call[1], first ? "b" : "d");
        s_returns (&call[first], seq[first], 10 + first);
        assert_false (atomic_load (&call[!first].done));
        s_returns (&call[!first], seq[!first], 20 + first);
    }
}

/*  Keepalives go out and are answered while a call waits, and between calls. */
FIXTURE_TEST (test_a_waiting_call_keeps_the_session, 1, 1000)
{
    call_t call;
    uint64_t seq = s_call (&call, "a");
    for (int i = 0; i < 5; i++) {
        fake_frame_t *frame = fake_take (g_x.fake[0], HF_KIND_KEEPALIVE, SOON_MS);
        assert_non_null (frame);
        free (frame);
        assert_true (hf_session_remaining_ms (g_x.session) > 0);
    }
    s_returns (&call, seq, 1);
    uint32_t before = fake_count (g_x.fake[0], HF_KIND_KEEPALIVE);
    assert_true (HF_WAIT (fake_count (g_x.fake[0], HF_KIND_KEEPALIVE) >= before + 3, LONG_MS));
    assert_true (hf_session_remaining_ms (g_x.session) > 0);
}

typedef struct opening {
    hf_client_t *client;
    atomic_int status;
} opening_t;

static void *
s_open (void *arg)
{
    opening_t *self = arg;
    hf_session_t *session;
    atomic_store (&self->status, (int)hf_session_open (self->client, NULL, HF_FOREVER, &session));
    return NULL;
}

FIXTURE_TEST (test_a_call_ends_with_its_client, 1, 0)
{
    opening_t opening = {.client = g_x.client};
    pthread_t thread;
    fake_set_autos (g_x.fake[0], NODE_PROBE);
    atomic_store (&opening.status, -1);
    pthread_create (&thread, NULL, s_open, &opening);
    fake_frame_t *frame = fake_take (g_x.fake[0], HF_KIND_OPEN, SOON_MS);
    assert_non_null (frame);
    free (frame);
    hf_client_destroy (&g_x.client);
    pthread_join (thread, NULL);
    assert_int_equal (atomic_load (&opening.status), HF_CLOSED);
}

/*  It ends when it would have, and the client goes on. */
FIXTURE_TEST (test_a_call_is_not_cancelled, 1, 600000)
{
    call_t call;
    uint64_t seq = s_call (&call, "a");
    pthread_cancel (call.thread);
    s_returns (&call, seq, 1);
}

//  ---- many threads, blocking and not ------------------------------------------------

static atomic_int s_called;

static void
s_count (void *arg, const hf_result_t *result)
{
    atomic_fetch_add (&s_called, 1);
    atomic_fetch_add ((atomic_int *)arg, result->status != HF_OK);
}

static void *
s_mixed (void *arg)
{
    hf_grant_t grant;
    char lock[2] = {*(const char *)arg, 0}, other[3] = {lock[0], '2', 0};
    static atomic_int s_failed;
    for (int i = 0; i < CYCLES; i++) {
        if (hf_submit_acquire (g_x.session, other, NULL, s_count, &s_failed) != HF_OK ||
            hf_acquire (g_x.session, lock, LONG_MS, &grant) != HF_OK ||
            hf_release (g_x.session, lock, grant.token, LONG_MS) != HF_OK)
            return arg;
    }
    return atomic_load (&s_failed) > 0 ? arg : NULL;
}

FIXTURE_TEST (test_threads_that_wait_and_do_not, 1, 600000)
{
    fake_set_autos (g_x.fake[0], NODE_ALL);
    static char names[] = "abcd";
    pthread_t thread[4];
    atomic_store (&s_called, 0);
    for (int i = 0; i < 4; i++)
        pthread_create (&thread[i], NULL, s_mixed, &names[i]);
    for (int i = 0; i < 4; i++) {
        void *failed;
        pthread_join (thread[i], &failed);
        assert_null (failed);
    }
    assert_true (HF_WAIT (atomic_load (&s_called) == 4 * CYCLES, LONG_MS));
}

//  ---- a thread that clients share -----------------------------------------------------

static hf_client_t *
s_shared (void)
{
    hf_client_options_t options = HF_CLIENT_OPTIONS_INIT;
    options.endpoints = g_x.list;
    options.shared = true;
    hf_client_t *client = hf_client_new (&options, NULL);
    assert_non_null (client);
    return client;
}

FIXTURE_TEST (test_clients_share_one_thread, 1, 0)
{
    hf_client_t *client[CLIENTS];
    hf_session_t *session[CLIENTS];
    fake_set_autos (g_x.fake[0], NODE_ALL);
    int before = s_threads (), thread = 0;
    for (int i = 0; i < CLIENTS; i++) {
        client[i] = s_shared ();
        assert_int_equal (hf_session_open (client[i], NULL, LONG_MS, &session[i]), HF_OK);
        assert_int_equal (hf_submit_acquire (session[i], "a", NULL, s_here, NULL), HF_OK);
        seen_t seen;
        assert_true (seen_take (&seen, LONG_MS));
        thread = i > 0 ? thread : atomic_load (&s_thread);
        assert_int_equal (atomic_load (&s_thread), thread);
    }
    assert_int_equal (s_threads (), before + 1);
    for (int i = 0; i < CLIENTS; i++) {
        hf_session_leave (&session[i]);
        hf_client_destroy (&client[i]);
    }
    assert_int_equal (s_threads (), before);
}

/*  In a callback of one: asynchronous calls on another work, blocking ones are refused. */
static hf_session_t *s_other;
static atomic_int s_refused;

static void
s_across (void *arg, const hf_result_t *result)
{
    hf_grant_t grant;
    atomic_store (&s_refused, (int)hf_acquire (s_other, "c", LONG_MS, &grant));
    hf_submit_acquire (s_other, "b", NULL, s_here, NULL);
    seen_result (arg, result);
}

FIXTURE_TEST (test_a_callback_uses_another_client_of_its_thread, 1, 0)
{
    hf_client_t *client[2] = {s_shared (), s_shared ()};
    hf_session_t *session;
    seen_t seen;
    fake_set_autos (g_x.fake[0], NODE_ALL);
    assert_int_equal (hf_session_open (client[0], NULL, LONG_MS, &session), HF_OK);
    assert_int_equal (hf_session_open (client[1], NULL, LONG_MS, &s_other), HF_OK);
    hf_submit_acquire (session, "a", NULL, s_across, NULL);
    for (int i = 0; i < 2; i++) {
        assert_true (seen_take (&seen, SOON_MS));
        assert_int_equal (seen.status, HF_OK);
    }
    assert_int_equal (atomic_load (&s_refused), HF_INVALID);
    hf_session_leave (&s_other);
    hf_session_leave (&session);
    hf_client_destroy (&client[0]);
    hf_client_destroy (&client[1]);
}

/*  Its lease ends, also the last part of a millisecond. */
static bool
s_runs_out (const hf_session_t *session)
{
    return HF_WAIT (hf_session_remaining_ms (session) == 0, LONG_MS) &&
           HF_WAIT_NEVER (hf_session_remaining_ms (session) > 0, 3);
}

/*  A session for whose lease nobody answers: what is asked of it is refused at once. */
static hf_session_t *
s_lost_session (hf_client_t *client)
{
    hf_session_options_t life = HF_SESSION_OPTIONS_INIT;
    hf_session_t *session;
    life.ttl_ms = 1000;
    fake_set_autos (g_x.fake[0], NODE_OPEN | NODE_PROBE);
    assert_int_equal (hf_session_open (client, &life, LONG_MS, &session), HF_OK);
    assert_true (s_runs_out (session));
    return session;
}

static atomic_uint s_rounds;
static atomic_bool s_goes_on;

static void
s_again (void *arg, const hf_result_t *result)
{
    atomic_fetch_add (&s_rounds, 1);
    if (atomic_load (&s_goes_on))
        hf_submit_release (arg, "a", 1, s_again, arg);
    else
        seen_result (arg, result);
}

/*  One that always has something to do does not keep the thread from the others. */
FIXTURE_TEST (test_a_busy_client_leaves_its_thread_to_others, 1, 0)
{
    hf_client_t *busy = s_shared (), *other = s_shared ();
    hf_session_t *lost = s_lost_session (busy), *session;
    fake_set_autos (g_x.fake[0], NODE_ALL);
    assert_int_equal (hf_session_open (other, NULL, LONG_MS, &session), HF_OK);
    atomic_store (&s_rounds, 0);
    atomic_store (&s_goes_on, true);
    hf_submit_release (lost, "a", 1, s_again, lost);
    assert_true (HF_WAIT (atomic_load (&s_rounds) > 1000, LONG_MS));
    hf_submit_acquire (session, "b", NULL, s_here, NULL);
    seen_t seen;
    assert_true (seen_take (&seen, LONG_MS));
    assert_int_equal (seen.status, HF_OK);
    hf_session_leave (&session);
    hf_client_destroy (&other);
    unsigned rounds = atomic_load (&s_rounds);
    assert_true (HF_WAIT (atomic_load (&s_rounds) > rounds, LONG_MS));
    atomic_store (&s_goes_on, false);
    s_expect (HF_LOST, 0);
    hf_session_leave (&lost);
    hf_client_destroy (&busy);
}

/*  A callback that goes on until the lease of the session ARG is over. */
static atomic_bool s_holds_up;

static void
s_outlast (void *arg, const hf_result_t *result)
{
    (void)result;
    atomic_store (&s_holds_up, true);
    atomic_store (&s_holds_up, !s_runs_out (arg));
}

static void *
s_wait_for_c (void *arg)
{
    hf_grant_t grant;
    return hf_acquire (arg, "c", LONG_MS, &grant) == HF_OK ? arg : NULL;
}

/*  A grant that a call took in, and that the thread gives to a callback when the lease is over, is
 *  none. */
FIXTURE_TEST (test_a_grant_that_waits_for_its_callback_ends_with_the_lease, 1, 0)
{
    hf_client_t *slow = s_shared (), *client = s_shared ();
    hf_session_options_t life = HF_SESSION_OPTIONS_INIT;
    hf_session_t *other, *session;
    pthread_t thread;
    void *granted;
    life.ttl_ms = 1000;
    assert_int_equal (hf_session_open (slow, NULL, LONG_MS, &other), HF_OK);
    assert_int_equal (hf_session_open (client, &life, LONG_MS, &session), HF_OK);
    atomic_store (&s_holds_up, false);
    fake_set_autos (g_x.fake[0], NODE_ALL);
    hf_submit_acquire (other, "a", NULL, s_outlast, session);
    got_requests (0);
    assert_true (HF_WAIT (atomic_load (&s_holds_up), LONG_MS));
    fake_set_autos (g_x.fake[0], NODE_LEADS);
    pthread_create (&thread, NULL, s_wait_for_c, session);
    got_requests (0);
    hf_submit_acquire (session, "b", NULL, s_here, NULL);
    uint64_t seq = got_requests (0)->request[0].seq;
    fake_answer (g_x.fake[0], hf_session_id (session), seq, HF_OK, 2, 2, 0);
    s_expect (HF_LOST, 0);
    assert_false (atomic_load (&s_holds_up));
    pthread_join (thread, &granted);
    assert_null (granted);
    hf_session_leave (&session);
    hf_session_leave (&other);
    hf_client_destroy (&client);
    hf_client_destroy (&slow);
}

/*  A child that was forked has a thread and sockets of its own; its parent's go on. */
static int
s_child (hf_client_t *inherited)
{
    hf_session_t *session;
    if (hf_session_open (inherited, NULL, 100, &session) != HF_CLOSED)
        return 1;
    hf_client_destroy (&inherited);
#ifdef __SANITIZE_THREAD__ //  it ends a child that makes threads
    return 0;
#endif
    hf_client_t *own = s_shared ();
    if (hf_session_open (own, NULL, LONG_MS, &session) != HF_OK)
        return 2;
    hf_session_leave (&session);
    hf_client_destroy (&own);
    return 0;
}

FIXTURE_TEST (test_a_child_shares_nothing_with_its_parent, 1, 0)
{
    hf_client_t *client = s_shared ();
    hf_session_t *session;
    int status = -1;
    assert_int_equal (hf_session_open (client, NULL, LONG_MS, &session), HF_OK);
    pid_t child = fork ();
    if (child == 0)
        _exit (s_child (client));
    assert_int_equal (waitpid (child, &status, 0), child);
    assert_int_equal (status, 0);
    fake_set_autos (g_x.fake[0], NODE_ALL);
    hf_grant_t grant;
    assert_int_equal (hf_acquire (session, "a", LONG_MS, &grant), HF_OK);
    hf_session_leave (&session);
    hf_client_destroy (&client);
}

HF_TEST_MAIN (NULL, NULL)
