/*  What a node takes, with the usual 1,024 open files: strangers who connect and stall at both of
 * its ports leave room for clients and for nodes; it refuses what it cannot take, and goes on. One
 * user has so many sessions and asks so often, and nobody else notices. */
#include "tests/cluster/harness/hf_cluster.h"
#include "tests/cluster/harness/hf_probe.h"
#include "tests/kit/hf_ports.h"
#include "tests/kit/hf_test.h"
#include "client/holdfast.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIMIT_MS  20000
#define STRANGERS 1000 //  more than a node may open files

//  ---- strangers --------------------------------------------------------------------------

static int s_fds[STRANGERS];

static void
s_leave (unsigned i)
{
    if (s_fds[i] > 0)
        close (s_fds[i]);
    s_fds[i] = 0;
}

/*  COUNT of them come, each in the place of one who came long before, and say half of a greeting.
 */
static void
s_come (uint16_t port, unsigned count)
{
    static unsigned next;
    for (unsigned i = 0; i < count; i++, next = (next + 1) % STRANGERS) {
        s_leave (next);
        s_fds[next] = hf_port_connect (port, 0);
        if (s_fds[next] < 0)
            fail_msg ("stranger: %s", strerror (errno));
        ssize_t rc = send (s_fds[next], "\xff\0\0\0\0\0\0\0\x01\x7f\x03\0CURVE", 17, MSG_NOSIGNAL);
        (void)rc; //  it may be cut off already
    }
}

static hf_client_t *
s_client (hf_cluster_t *cluster, const char *user)
{
    char error[HF_CLIENT_ERROR_SIZE];
    hf_client_options_t options = HF_CLIENT_OPTIONS_INIT;
    options.endpoints = hf_cluster_endpoints (cluster);
    setenv ("HOLDFAST_KEY", hf_cluster_key (cluster, user), 1);
    hf_client_t *client = hf_client_new (&options, error);
    if (!client)
        fail_msg ("no client: %s", error);
    setenv ("HOLDFAST_KEY", hf_cluster_key (cluster, "tester"), 1);
    return client;
}

typedef struct fact {
    const char *key;
    uint64_t number;
} fact_t;

static void
s_note_fact (void *arg, const char *key, const char *text, uint64_t number)
{
    fact_t *fact = arg;
    if (!text && strcmp (key, fact->key) == 0)
        fact->number = number;
}

static uint64_t
s_fact (hf_client_t *client, uint32_t node, const char *key)
{
    fact_t fact = {.key = key};
    assert_int_equal (hf_query_status (client, node, s_note_fact, &fact, LIMIT_MS), HF_OK);
    return fact.number;
}

/*  A new client of the cluster is served. */
static void
s_is_served (hf_cluster_t *cluster, const char *user, const char *lock)
{
    hf_client_t *client = s_client (cluster, user);
    hf_session_t *session;
    hf_grant_t grant;
    assert_int_equal (hf_session_open (client, NULL, LIMIT_MS, &session), HF_OK);
    assert_int_equal (hf_acquire (session, lock, LIMIT_MS, &grant), HF_OK);
    assert_int_equal (hf_release (session, lock, grant.token, LIMIT_MS), HF_OK);
    assert_int_equal (hf_session_close (&session, LIMIT_MS), HF_OK);
    hf_client_destroy (&client);
}

HF_TEST_ON (strangers_leave_room_at_both_ports, 3)
{
    static const char *const variables[] = {"prlimit", "--nofile=1024:1024", NULL};
    for (uint32_t id = 1; id <= 3; id++)
        hf_cluster_set_environment (cluster, id, variables);
    hf_cluster_use_keys (cluster);
    assert_true (hf_cluster_begin (cluster));
    hf_client_t *client = s_client (cluster, "tester");
    for (unsigned wave = 0; wave < 2; wave++) {
        s_come (hf_cluster_node_port (cluster, 1), STRANGERS / 5);
        s_come (hf_cluster_client_port (cluster, 1), STRANGERS);
        s_is_served (cluster, "tester", "L");
    }
    uint64_t cut = s_fact (client, 1, "cut_handshakes"),
             most = s_fact (client, 1, "connections_max");
    printf ("%u came, twice; %u fit; %u were cut off or refused\n", STRANGERS, (unsigned)most,
            (unsigned)cut);
    assert_in_range (most, 800, 1000);
    assert_true (cut > STRANGERS / 2);
    assert_int_equal (s_fact (client, 1, "refused_connections"), 0); //  it was never full
    //  Another node finds this one again, while they go on.
    assert_int_equal (hf_cluster_terminate (cluster, 2, LIMIT_MS), 0);
    s_come (hf_cluster_node_port (cluster, 1), 200);
    assert_true (hf_cluster_start (cluster, 2));
    assert_true (HF_WAIT (
        (s_come (hf_cluster_node_port (cluster, 1), 20), s_fact (client, 1, "links_up") == 2),
        LIMIT_MS));
    assert_true (
        hf_cluster_log_has (cluster, 1, "too many connections do not end their handshake"));
    for (unsigned i = 0; i < STRANGERS; i++)
        s_leave (i);
    hf_client_destroy (&client);
}

//  ---- users ------------------------------------------------------------------------------

#define RATE   10
#define CYCLES 30

static void
s_must_say (hf_client_t *client, const char *what)
{
    char text[HF_CLIENT_ERROR_SIZE];
    if (!hf_client_denied (client, text) || !strstr (text, what))
        fail_msg ("not \"%s\", but: %s", what, text);
}

/*  Acquires and releases; how many milliseconds that takes. */
static uint64_t
s_cycle (hf_client_t *client, unsigned count)
{
    hf_session_t *session;
    hf_grant_t grant;
    assert_int_equal (hf_session_open (client, NULL, LIMIT_MS, &session), HF_OK);
    uint64_t begin_ms = hf_wait_now_ms ();
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal (hf_acquire (session, "L", LIMIT_MS, &grant), HF_OK);
        assert_int_equal (hf_release (session, "L", grant.token, LIMIT_MS), HF_OK);
    }
    uint64_t ms = hf_wait_now_ms () - begin_ms;
    assert_int_equal (hf_session_close (&session, LIMIT_MS), HF_OK);
    return ms;
}

HF_TEST_ON (a_user_has_so_much_and_others_do_not_notice, 1)
{
    static const char *const arguments[] = {"--user-connections", "3", "--user-sessions", "2",
                                            "--user-rate",        "10"};
    for (size_t i = 0; i < sizeof arguments / sizeof *arguments; i++)
        hf_cluster_add_argument (cluster, arguments[i]);
    hf_cluster_use_keys (cluster);
    hf_cluster_make_key (cluster, "kim", 0, true);
    hf_cluster_make_key (cluster, "lee", 0, true);
    assert_true (hf_cluster_begin (cluster));
    hf_client_t *kim[4], *lee = s_client (cluster, "lee");
    hf_session_t *sessions[2], *none;
    for (unsigned i = 0; i < 2; i++) {
        kim[i] = s_client (cluster, "kim");
        assert_int_equal (hf_session_open (kim[i], NULL, LIMIT_MS, &sessions[i]), HF_OK);
    }
    //  He is told at once, though he would wait.
    assert_int_equal (hf_session_open (kim[0], NULL, LIMIT_MS, &none), HF_LIMIT);
    s_must_say (kim[0], "kim has 2 sessions, and a user may have 2 (--user-sessions)");
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal (hf_session_close (&sessions[i], LIMIT_MS), HF_OK);
    //  He who asks often takes longer, and loses nothing.
    uint64_t took_ms = s_cycle (kim[0], CYCLES);
    printf ("%u cycles at %u a second took %u ms\n", CYCLES, RATE, (unsigned)took_ms);
    assert_in_range (took_ms, (CYCLES - 2 * RATE) * 1000 / RATE, LIMIT_MS);
    s_is_served (cluster, "lee", "other");
    //  One connection too many, of however many that come at once.
    kim[2] = s_client (cluster, "kim");
    s_cycle (kim[2], 1);
    kim[3] = s_client (cluster, "kim");
    hf_status_t status = hf_session_open (kim[3], NULL, 3000, &none);
    if (status != HF_LIMIT && status != HF_FULL)
        fail_msg ("a fourth connection: %s", hf_status_text (status));
    s_is_served (cluster, "lee", "other");
    hf_client_destroy (&kim[2]);
    assert_true (HF_WAIT (hf_session_open (kim[3], NULL, 3000, &sessions[0]) == HF_OK, LIMIT_MS));
    assert_int_equal (hf_session_close (&sessions[0], LIMIT_MS), HF_OK);
    assert_true (s_fact (lee, 1, "limited_requests") > 0);
    assert_int_equal (s_fact (lee, 1, "limited_sessions"), 1);
    assert_true (s_fact (lee, 1, "limited_connections") > 0);
    assert_true (hf_cluster_log_has (cluster, 1, "kim asks for more than 10 requests in a second"));
    assert_true (hf_cluster_log_has (cluster, 1, "kim has 2 sessions, and a user may have 2"));
    hf_client_destroy (&kim[0]);
    hf_client_destroy (&kim[1]);
    hf_client_destroy (&kim[3]);
    hf_client_destroy (&lee);
}

HF_TEST_MAIN (NULL, NULL)
