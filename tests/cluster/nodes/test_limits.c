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
#define STRANGERS 1500 //  more than a node may open files

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
    for (unsigned wave = 0; wave < 3; wave++) {
        s_come (hf_cluster_node_port (cluster, 1), STRANGERS / 5);
        s_come (hf_cluster_client_port (cluster, 1), STRANGERS);
        s_is_served (cluster, "tester", "L");
    }
    uint64_t cut = s_fact (client, 1, "cut_handshakes"),
             most = s_fact (client, 1, "connections_max");
    printf ("%u came, three times; %u fit; %u were cut off or refused\n", STRANGERS, (unsigned)most,
            (unsigned)cut);
    assert_in_range (most, 800, 1000);
    assert_true (cut > STRANGERS);
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

HF_TEST_MAIN (NULL, NULL)
