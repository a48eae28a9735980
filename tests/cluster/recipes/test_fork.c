//  A process that forks: the child that inherits a client is refused by every call, and sends
//  nothing; the parent's client goes on; a child may make its own.

#include "client/recipes/hf_mutex.h"
#include "tests/cluster/recipes/stage.h"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

//  In a child: what is not so ends it.
#define CHECK(condition)                                                                           \
    do                                                                                             \
        if (!(condition)) {                                                                        \
            fprintf (stderr, "child, line %d: %s\n", __LINE__, #condition);                        \
            _exit (1);                                                                             \
        }                                                                                          \
    while (0)

static hf_grant_t s_grant; //  of lock "mine", session 0

static void
s_none (void *arg, const hf_result_t *result)
{
    (void)result;
    (*(int *)arg)++;
}

static void
s_no_fact (void *arg, const char *key, const char *text, uint64_t number)
{
    (void)key;
    (void)text;
    (void)number;
    (*(int *)arg)++;
}

static void
s_no_lock (void *arg, const hf_lock_info_t *lock, const hf_place_info_t *place)
{
    (void)lock;
    (void)place;
    (*(int *)arg)++;
}

static void
s_no_file (void *arg, const hf_file_info_t *info)
{
    (void)info;
    (*(int *)arg)++;
}

static void
s_no_session (void *arg, const hf_session_info_t *info)
{
    (void)info;
    (*(int *)arg)++;
}

static void
s_no_event (void *arg, const hf_watch_event_t *event)
{
    (void)event;
    (*(int *)arg)++;
}

static int
s_wait_child (pid_t child)
{
    int status = -1;
    if (!HF_WAIT (waitpid (child, &status, WNOHANG) == child, LIMIT_MS)) {
        kill (child, SIGKILL);
        waitpid (child, NULL, 0);
        fail_msg ("the child hangs");
    }
    return WIFEXITED (status) ? WEXITSTATUS (status) : 128 + WTERMSIG (status);
}

/*  The parent holds what it held, and works on. */
static void
s_expect_sound (const char *text)
{
    hf_session_t *session = g_stage.session[0];
    assert_true (hf_session_remaining_ms (session) > 0);
    assert_int_equal (
        hf_append (session, "mine", s_grant.token, "forked", text, strlen (text), LIMIT_MS), HF_OK);
    assert_int_equal (hf_release (session, "mine", s_grant.token, LIMIT_MS), HF_OK);
}

static void
s_requests_are_refused (hf_session_t *session, int *called)
{
    uint64_t token = s_grant.token;
    CHECK (hf_submit_acquire (session, "l", NULL, s_none, called) == HF_CLOSED);
    CHECK (hf_submit_note (session, "mine", token, "n", s_none, called) == HF_CLOSED);
    CHECK (hf_submit_release (session, "mine", token, s_none, called) == HF_CLOSED);
    CHECK (hf_submit_cancel (session, "mine", token, s_none, called) == HF_CLOSED);
    CHECK (hf_submit_append (session, "mine", token, "f", "x", 1, s_none, called) == HF_CLOSED);
    CHECK (hf_submit_append_for (session, 5, "l", 6, "f", "x", 1, s_none, called) == HF_CLOSED);
    CHECK (hf_submit_read (g_stage.client, "f", 0, 1, LIMIT_MS, s_none, called) == HF_CLOSED);
    CHECK (hf_acquire (session, "l", HF_FOREVER, NULL) == HF_CLOSED);
    CHECK (hf_note (session, "mine", token, "n", LIMIT_MS) == HF_CLOSED);
    CHECK (hf_append (session, "mine", token, "f", "x", 1, LIMIT_MS) == HF_CLOSED);
    CHECK (hf_release (session, "mine", token, HF_FOREVER) == HF_CLOSED);
    CHECK (hf_cancel_for (session, 5, "l", 6, HF_FOREVER) == HF_CLOSED);
    hf_mutex_t *mutex = hf_mutex_new (session, "mutex");
    CHECK (hf_mutex_lock (mutex, HF_FOREVER, NULL) == HF_CLOSED);
    hf_mutex_destroy (&mutex);
}

static void
s_questions_are_refused (hf_client_t *client, int *called)
{
    hf_session_t *session = NULL;
    hf_leader_info_t leader;
    hf_result_t result;
    char buffer[HF_CLIENT_ERROR_SIZE] = "";
    size_t size = sizeof buffer;
    CHECK (hf_session_open (client, NULL, HF_FOREVER, &session) == HF_CLOSED && !session);
    CHECK (hf_close_session_id (client, 7, HF_FOREVER) == HF_CLOSED);
    CHECK (hf_read (client, "f", 0, buffer, &size, NULL, HF_FOREVER) == HF_CLOSED);
    CHECK (hf_query_leader (client, &leader, HF_FOREVER) == HF_CLOSED);
    CHECK (hf_query_status (client, 0, s_no_fact, called, HF_FOREVER) == HF_CLOSED);
    CHECK (hf_query_locks (client, s_no_lock, called, HF_FOREVER) == HF_CLOSED);
    CHECK (hf_query_lock (client, "mine", s_no_lock, called, HF_FOREVER) == HF_CLOSED);
    CHECK (hf_query_files (client, s_no_file, called, HF_FOREVER) == HF_CLOSED);
    CHECK (hf_query_sessions (client, NULL, s_no_session, called, HF_FOREVER) == HF_CLOSED);
    hf_watch_options_t options = HF_WATCH_OPTIONS_INIT;
    hf_watch_t *watch = NULL;
    options.fn = s_no_event;
    options.arg = called;
    CHECK (hf_watch_open (client, &options, HF_FOREVER, &watch, NULL) == HF_CLOSED && !watch);
    CHECK (!hf_client_poll (client, &result, HF_FOREVER));
    CHECK (hf_client_trouble (client, buffer) && strstr (buffer, "belongs to the process"));
}

STAGE_TEST (test_a_child_is_refused_by_every_call)
{
    hf_session_t *session = g_stage.session[0];
    assert_int_equal (hf_acquire (session, "mine", LIMIT_MS, &s_grant), HF_OK);
    pid_t child = fork ();
    assert_true (child >= 0);
    if (child == 0) {
        hf_client_t *client = g_stage.client;
        int called = 0;
        CHECK (hf_session_remaining_ms (session) == 0);
        s_requests_are_refused (session, &called);
        s_questions_are_refused (client, &called);
        CHECK (hf_session_close (&session, HF_FOREVER) == HF_CLOSED && !session);
        session = g_stage.session[1];
        hf_session_leave (&session);
        hf_client_destroy (&client);
        CHECK (!client && !session && called == 0);
        _exit (0);
    }
    assert_int_equal (s_wait_child (child), 0);
    s_expect_sound ("one");
}

STAGE_TEST (test_a_child_has_a_client_of_its_own)
{
#ifdef __SANITIZE_THREAD__
    skip (); //  the sanitizer ends a child that makes threads after a fork with threads
#endif
    assert_int_equal (hf_acquire (g_stage.session[0], "mine", LIMIT_MS, &s_grant), HF_OK);
    pid_t child = fork ();
    assert_true (child >= 0);
    if (child == 0) {
        hf_client_options_t options = HF_CLIENT_OPTIONS_INIT;
        options.endpoints = hf_cluster_endpoints (g_stage.cluster);
        hf_session_t *session = NULL;
        hf_client_destroy (&g_stage.client);
        hf_client_t *own = hf_client_new (&options, NULL);
        CHECK (own && hf_session_open (own, NULL, LIMIT_MS, &session) == HF_OK);
        hf_grant_t grant;
        CHECK (hf_acquire (session, "mine", 0, &grant) == HF_NOT_GRANTED);
        CHECK (hf_acquire (session, "child's", LIMIT_MS, &grant) == HF_OK);
        CHECK (hf_release (session, "child's", grant.token, LIMIT_MS) == HF_OK);
        CHECK (hf_session_close (&session, LIMIT_MS) == HF_OK);
        hf_client_destroy (&own);
        _exit (0);
    }
    assert_int_equal (s_wait_child (child), 0);
    s_expect_sound ("two");
}

static void
s_fork (void *arg, const hf_result_t *result)
{
    (void)result;
    pid_t child = fork (); //  and return, which a child must not: it ends
    if (child != 0)
        __atomic_store_n ((pid_t *)arg, child, __ATOMIC_SEQ_CST);
}

STAGE_TEST (test_a_child_of_a_callback_sends_nothing)
{
    pid_t child = 0;
    hf_session_t *session = g_stage.session[0];
    assert_int_equal (hf_acquire (session, "mine", LIMIT_MS, &s_grant), HF_OK);
    assert_int_equal (hf_submit_read (g_stage.client, "f", 0, 1, LIMIT_MS, s_fork, &child), HF_OK);
    assert_true (HF_WAIT (__atomic_load_n (&child, __ATOMIC_SEQ_CST) != 0, LIMIT_MS));
    assert_true (child > 0);
    assert_int_equal (s_wait_child (child), 1);
    s_expect_sound ("three");
}

HF_TEST_MAIN (stage_begin, stage_end)
