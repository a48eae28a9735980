//  holdfastd --dump: what a node held when it ended, as JSON.

#include "tests/kit/hf_test.h"
#include "base/hf_alloc.h"
#include "client/holdfast.h"
#include "tests/cluster/harness/hf_cluster.h"
#include <jansson.h>

#define LIMIT_MS 10000
#define LOCK     "a \"lock\" \\ \xc3\xa9"
#define FILE1    "a \"file\" \xe2\x82\xac"

/*  Run the dump of node 1; the exit code. TEXT gets what it said: the caller frees. */
static int
s_dump (hf_cluster_t *cluster, char **text)
{
    const size_t room = 1U << 20;
    *text = hf_alloc (room);
    const char *argv[] = {hf_cluster_program (), "--dump", hf_cluster_node_dir (cluster, 1), NULL};
    return hf_process_run (argv, LIMIT_MS, *text, room);
}

static void
s_lock_stage_and_end (hf_cluster_t *cluster)
{
    char error[HF_CLIENT_ERROR_SIZE];
    hf_client_options_t options = {.size = sizeof options,
                                   .endpoints = hf_cluster_endpoints (cluster)};
    hf_session_options_t minute = {.size = sizeof minute, .ttl_ms = 60000};
    hf_client_t *client = hf_client_new (&options, error);
    assert_non_null (client);
    hf_session_t *holder, *waiter;
    hf_grant_t grant;
    assert_int_equal (hf_session_open (client, &minute, LIMIT_MS, &holder), HF_OK);
    assert_int_equal (hf_session_open (client, &minute, LIMIT_MS, &waiter), HF_OK);
    assert_int_equal (hf_acquire (holder, LOCK, LIMIT_MS, &grant), HF_OK);
    assert_int_equal (hf_append (holder, LOCK, grant.token, FILE1, "kept", 4, LIMIT_MS), HF_OK);
    assert_int_equal (hf_release (holder, LOCK, grant.token, LIMIT_MS), HF_OK);
    assert_int_equal (hf_acquire (holder, LOCK, LIMIT_MS, &grant), HF_OK);
    assert_int_equal (hf_append (holder, LOCK, grant.token, FILE1, "staged", 6, LIMIT_MS), HF_OK);
    assert_int_equal (hf_submit_acquire (waiter, LOCK, NULL, NULL, NULL), HF_OK);
    assert_true (hf_cluster_wait_waiters (cluster, LOCK, 1, LIMIT_MS));
    //  The node ends while they hold and wait.
    assert_int_equal (hf_cluster_terminate (cluster, 1, LIMIT_MS), 0);
    hf_session_leave (&holder);
    hf_session_leave (&waiter);
    hf_client_destroy (&client);
}

static json_t *
s_get (json_t *json, const char *name)
{
    json_t *found = json_object_get (json, name);
    if (!found)
        fail_msg ("there is no \"%s\"", name);
    return found;
}

/*  Whether one of the entries behind the state has requests of clients in it. */
static bool
s_has_requests (json_t *entries)
{
    size_t i, j;
    json_t *entry, *name;
    bool found = false;
    json_array_foreach (entries, i, entry) json_array_foreach (s_get (entry, "commands"), j, name)
        found = found || strcmp (json_string_value (name), "CMD_REQUESTS") == 0;
    return found;
}

static void
s_expect_lock (json_t *state)
{
    assert_int_equal (json_array_size (s_get (state, "sessions")), 2);
    assert_int_equal (json_array_size (s_get (state, "locks")), 1);
    json_t *lock = json_array_get (s_get (state, "locks"), 0);
    assert_string_equal (json_string_value (s_get (lock, "name")), LOCK);
    assert_int_equal (json_array_size (s_get (lock, "holders")), 1);
    json_t *hold = json_array_get (s_get (lock, "holders"), 0);
    assert_int_equal (json_integer_value (s_get (hold, "token")), 2);
    assert_string_equal (json_string_value (s_get (hold, "mode")), "exclusive");
    assert_int_equal (json_integer_value (s_get (s_get (hold, "staged"), FILE1)), 6);
    assert_int_equal (json_array_size (s_get (lock, "queue")), 1);
}

static void
s_expect_dump (json_t *json)
{
    json_t *log = s_get (json, "log");
    json_t *entries = s_get (json, "entries_after");
    json_t *state = s_get (json, "state");
    assert_int_equal (json_integer_value (s_get (s_get (json, "node"), "id")), 1);
    json_int_t as_of = json_is_null (state) ? 0 : json_integer_value (s_get (state, "index"));
    assert_int_equal (as_of + (json_int_t)json_array_size (entries),
                      json_integer_value (s_get (log, "last")));
    //  What is not in the state yet is in the log behind it.
    if (!s_has_requests (entries))
        s_expect_lock (state);
    json_t *file = json_array_get (s_get (json, "files"), 0);
    assert_string_equal (json_string_value (s_get (file, "name")), FILE1);
    assert_int_equal (json_integer_value (s_get (file, "length")), 4);
    assert_string_equal (json_string_value (s_get (file, "disk")), "a%20%22file%22%20%E2%82%AC");
}

HF_TEST_ON_ONE (test_stopped_node_is_dumped)
{
    hf_cluster_t *cluster = *state;
    assert_true (hf_cluster_begin (cluster));
    char *text;
    assert_int_equal (s_dump (cluster, &text), 1); //  it runs
    assert_non_null (strstr (text, "is in use by process"));
    assert_int_equal (strlen (strchr (text, '\n')), 1);
    free (text);
    s_lock_stage_and_end (cluster);
    assert_int_equal (s_dump (cluster, &text), 0);
    json_error_t error;
    json_t *json = json_loads (text, JSON_REJECT_DUPLICATES, &error);
    if (!json)
        fail_msg ("line %d: %s", error.line, error.text);
    s_expect_dump (json);
    json_decref (json);
    free (text);
    assert_true (hf_cluster_start (cluster, 1)); //  the dump has changed nothing
    assert_true (hf_cluster_passed (cluster));
}

HF_TEST_MAIN (NULL, NULL)
