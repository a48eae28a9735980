//  holdfastd --dump: what a node held when it ended, as JSON.

#include "tests/kit/hf_test.h"
#include "base/hf_alloc.h"
#include "client/holdfast.h"
#include "tests/cluster/harness/hf_cluster.h"
#include "tests/cluster/harness/hf_script.h"
#include <jansson.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIMIT_MS 10000
#define LOCK     "a\"lock\"\\\xc3\xa9"
#define FILE1    "a\"file\"\xe2\x82\xac"

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
    hf_script_t *client[2];
    for (unsigned i = 0; i < 2; i++) {
        client[i] = hf_script_new (i == 0 ? "holder" : "waiter", hf_cluster_endpoints (cluster),
                                   hf_cluster_dir (cluster));
        MUST (client[i], "open 60000");
    }
    MUST (client[0], "acquire " LOCK);
    MUST (client[0], "append " LOCK " " FILE1 " kept");
    MUST (client[0], "release " LOCK);
    MUST (client[0], "acquire " LOCK);
    MUST (client[0], "append " LOCK " " FILE1 " staged");
    hf_script_say (client[1], "acquire " LOCK);
    assert_true (hf_cluster_wait_waiters (cluster, LOCK, 1, LIMIT_MS));
    //  The node ends while they hold and wait.
    assert_int_equal (hf_cluster_terminate (cluster, 1, LIMIT_MS), 0);
    hf_script_destroy (&client[0]);
    hf_script_destroy (&client[1]);
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
    const char *name, *mode;
    int token, staged;
    json_t *sessions, *queue;
    json_error_t error;
    //  One lock with one holder.
    if (json_unpack_ex (state, &error, 0, "{s:o, s:[{s:s, s:[{s:i, s:s, s:{s:i}}!], s:o}!]}",
                        "sessions", &sessions, "locks", "name", &name, "holders", "token", &token,
                        "mode", &mode, "staged", FILE1, &staged, "queue", &queue) != 0)
        fail_msg ("%s", error.text);
    assert_int_equal (json_array_size (sessions), 2);
    assert_string_equal (name, LOCK);
    assert_int_equal (token, 2);
    assert_string_equal (mode, "exclusive");
    assert_int_equal (staged, 6);
    assert_int_equal (json_array_size (queue), 1);
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
    assert_string_equal (json_string_value (s_get (file, "disk")), "a%22file%22%E2%82%AC");
}

HF_TEST_ON (test_stopped_node_is_dumped, 1)
{
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
}

/*  By a user who may not write there, or anything else on a machine without one: skipped. */
static int
s_dump_as_nobody (hf_cluster_t *cluster, char **text)
{
    const size_t room = 1U << 20;
    *text = hf_alloc (room);
    const char *dir = hf_cluster_node_dir (cluster, 1);
    const char *argv[] = {
        "setpriv", "--reuid=65534", "--clear-groups", hf_cluster_program (), "--dump", dir, NULL};
    return hf_process_run (geteuid () == 0 ? argv : argv + 3, LIMIT_MS, *text, room);
}

HF_TEST_ON (test_what_is_read_only_is_dumped, 1)
{
    assert_true (hf_cluster_begin (cluster));
    s_lock_stage_and_end (cluster);
    assert_int_equal (chmod (hf_cluster_dir (cluster), 0755), 0);
    assert_int_equal (chmod (hf_cluster_node_dir (cluster, 1), 0555), 0);
    char *text;
    int code = s_dump_as_nobody (cluster, &text);
    assert_int_equal (chmod (hf_cluster_node_dir (cluster, 1), 0755), 0);
    if (code > 1) { //  no such program, or not for that user
        free (text);
        assert_true (hf_cluster_start (cluster, 1));
        return;
    }
    assert_int_equal (code, 0);
    json_error_t error;
    json_t *json = json_loads (text, JSON_REJECT_DUPLICATES, &error);
    if (!json)
        fail_msg ("line %d: %s", error.line, error.text);
    s_expect_dump (json);
    assert_true (json_is_false (s_get (json, "files_checked")));
    json_decref (json);
    free (text);
    assert_true (hf_cluster_start (cluster, 1)); //  nothing has changed
}

//  ---- who it is ----------------------------------------------------------------------

static void
s_find_gone (void *arg, const hf_session_info_t *info)
{
    *(bool *)arg = *(bool *)arg || info->gone;
}

static void
s_find_indexes (void *arg, const char *key, const char *text, uint64_t number)
{
    uint64_t *indexes = arg;
    (void)text;
    if (strcmp (key, "flushed_index") == 0)
        indexes[0] = number;
    else if (strcmp (key, "last_index") == 0)
        indexes[1] = number;
}

/*  Whether the state on the node's disk is of its last entry. */
static bool
s_flushed (hf_client_t *client)
{
    uint64_t indexes[2] = {0, 1};
    return hf_query_status (client, 1, s_find_indexes, indexes, LIMIT_MS) == HF_OK &&
           indexes[0] == indexes[1];
}

/*  One that shares a semaphore has expired, and what it had stays closed; another waits. */
static void
s_expire_and_end (hf_cluster_t *cluster)
{
    hf_client_options_t client_options = HF_CLIENT_OPTIONS_INIT;
    client_options.endpoints = hf_cluster_endpoints (cluster);
    hf_client_t *client = hf_client_new (&client_options, NULL);
    hf_session_options_t options = HF_SESSION_OPTIONS_INIT;
    hf_session_t *gone, *waits;
    options.label = "kim@alpha";
    options.ttl_ms = 1000;
    options.delay_ms = 600000;
    assert_int_equal (hf_session_open (client, &options, LIMIT_MS, &gone), HF_OK);
    options = (hf_session_options_t)HF_SESSION_OPTIONS_INIT;
    options.detect = true;
    assert_int_equal (hf_session_open (client, &options, LIMIT_MS, &waits), HF_OK);
    hf_acquire_options_t acquire = HF_ACQUIRE_OPTIONS_INIT;
    acquire.mode = HF_MODE_SHARED;
    acquire.units = 4;
    acquire.limit = 5;
    acquire.note = "mine";
    assert_int_equal (hf_acquire_as (gone, "sem", &acquire, LIMIT_MS, NULL), HF_OK);
    acquire.units = 2;
    assert_int_equal (hf_submit_acquire (waits, "sem", &acquire, NULL, NULL), HF_OK);
    assert_true (hf_cluster_wait_waiters (cluster, "sem", 1, LIMIT_MS));
    hf_session_leave (&gone);
    bool found = false;
    HF_WAIT (hf_query_sessions (client, NULL, s_find_gone, &found, LIMIT_MS) != HF_OK || found,
             LIMIT_MS);
    assert_true (found);
    assert_true (HF_WAIT (s_flushed (client), LIMIT_MS));
    assert_int_equal (hf_cluster_terminate (cluster, 1, LIMIT_MS), 0);
    hf_session_leave (&waits);
    hf_client_destroy (&client);
}

static void
s_expect_kinds (json_t *state)
{
    const char *label[4], *note[2], *lock;
    int delay, detect[2], gone[2], limit, units[2];
    json_error_t error;
    if (json_unpack_ex (
            state, &error, 0,
            "{s:[{s:s, s:i, s:b, s:b}, {s:s, s:b, s:b, s:[{s:s}!]}!], s:[{s:i, s:[{s:i, s:s, "
            "s:s}!], s:[{s:i, s:s, s:s}!]}!]}",
            "sessions", "label", &label[0], "delay_ms", &delay, "detect", &detect[0], "gone",
            &gone[0], "label", &label[1], "detect", &detect[1], "gone", &gone[1], "waits", "lock",
            &lock, "locks", "limit", &limit, "holders", "units", &units[0], "label", &label[3],
            "note", &note[0], "queue", "units", &units[1], "label", &label[2], "note",
            &note[1]) != 0)
        fail_msg ("%s", error.text);
    assert_string_equal (label[0], "kim@alpha");
    assert_string_equal (label[1], "");
    assert_string_equal (label[2], "");
    assert_string_equal (label[3], "kim@alpha");
    assert_string_equal (lock, "sem");
    assert_true (delay == 600000 && detect[0] == 0 && gone[0] == 1);
    assert_true (detect[1] == 1 && gone[1] == 0);
    assert_true (limit == 5 && units[0] == 4 && units[1] == 2);
    assert_string_equal (note[0], "mine");
    assert_string_equal (note[1], "mine");
}

HF_TEST_ON (test_labels_notes_and_the_gone_are_dumped, 1)
{
    assert_true (hf_cluster_begin (cluster));
    s_expire_and_end (cluster);
    char *text;
    assert_int_equal (s_dump (cluster, &text), 0);
    json_t *json = json_loads (text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null (json);
    s_expect_kinds (s_get (json, "state"));
    json_decref (json);
    free (text);
}

HF_TEST_MAIN (NULL, NULL)
