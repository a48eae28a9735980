/*  Handshakes that no honest peer makes, at both ports of a node with keys: recorded and said
 * again, cut at every byte, with bytes changed, and none at all; and keys in the wrong place: a
 * node's as a client, a client's as a node, a node of another cluster. The node says nothing in
 * return, goes on serving, and does not grow. */
#include "tests/cluster/harness/hf_cluster.h"
#include "tests/cluster/harness/hf_script.h"
#include "tests/kit/hf_ports.h"
#include "tests/kit/hf_test.h"
#include "base/hf_random.h"
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIMIT_MS   10000
#define RECORD_MAX 65536
#define FUZZED     400
#define CUT_STEP   5
//  A greeting of 64 bytes, a WELCOME of 170, and an ERROR: more is an answer.
#define REFUSAL_MAX 250
#ifdef __SANITIZE_ADDRESS__
#define GROWTH (512ULL << 20)
#else
#define GROWTH (32ULL << 20)
#endif

//  ---- a connection that is recorded ---------------------------------------------------------

typedef struct record {
    uint8_t bytes[RECORD_MAX]; //  of the first connection, from the client
    size_t count, answered;    //  and how many came back
} record_t;

/*  Pass on what waits at FROM; false at its end. */
static bool
s_pass_on (int from, int to, uint8_t *copy, size_t room, size_t *count)
{
    uint8_t bytes[4096];
    ssize_t got = recv (from, bytes, sizeof bytes, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return true;
    if (got <= 0)
        return false;
    if (copy && *count + (size_t)got <= room)
        memcpy (copy + *count, bytes, (size_t)got);
    *count += (size_t)got;
    return send (to, bytes, (size_t)got, MSG_NOSIGNAL) == got;
}

/*  Run the tool with ARGV against the node behind LISTENER, and record the first connection. */
static int
s_record (hf_cluster_t *cluster, const char *const *argv, int listener, record_t *record)
{
    char log[512];
    snprintf (log, sizeof log, "%s/recorded.log", hf_cluster_dir (cluster));
    hf_process_t *tool = hf_process_new (&(hf_process_config_t){.argv = argv, .log_path = log});
    int client = -1, node = -1;
    uint64_t end_ms = hf_wait_now_ms () + LIMIT_MS;
    while (hf_process_running (tool) && hf_wait_now_ms () < end_ms) {
        struct pollfd fds[] = {{.fd = listener, .events = POLLIN},
                               {.fd = client, .events = POLLIN},
                               {.fd = node, .events = POLLIN}};
        poll (fds, 3, 20);
        if (client < 0 && fds[0].revents != 0) {
            client = accept (listener, NULL, NULL);
            node = hf_port_connect (hf_cluster_client_port (cluster, 1), 0);
            assert_true (client >= 0 && node >= 0);
        }
        if (client >= 0 && fds[1].revents != 0 &&
            !s_pass_on (client, node, record->bytes, RECORD_MAX, &record->count))
            break;
        if (client >= 0 && fds[2].revents != 0 &&
            !s_pass_on (node, client, NULL, 0, &record->answered))
            break;
    }
    int code = hf_process_wait (tool, LIMIT_MS);
    hf_process_destroy (&tool);
    close (client);
    close (node);
    return code;
}

/*  The handshake and the question of a client with a key. */
static void
s_make_record (hf_cluster_t *cluster, record_t *record)
{
    char list[128];
    hf_port_t port = hf_port_take ();
    int listener = hf_port_listen (port.number, 0);
    assert_true (listener >= 0);
    *record = (record_t){.count = 0};
    snprintf (list, sizeof list, "1@127.0.0.1:%u:%u", port.number,
              hf_cluster_node_port (cluster, 1));
    const char *argv[] = {HF_TEST_TOOL, "--endpoints", list, "locks", "--stale", NULL};
    assert_int_equal (s_record (cluster, argv, listener, record), 0);
    //  A greeting of 64 bytes, HELLO of 200, INITIATE of 257 at least; and a question.
    assert_in_range (record->count, 550, RECORD_MAX);
    assert_true (record->answered > REFUSAL_MAX);
    close (listener);
    hf_port_give_back (&port);
}

//  ---- what is said to the node -----------------------------------------------------------------

/*  Say BYTES to a port of node 1, and hear until it closes the connection; HANG_UP: do not wait for
 *  that. Gives how many bytes came. */
static size_t
s_say (uint16_t port, const uint8_t *bytes, size_t size, bool hang_up)
{
    size_t heard = 0;
    struct timeval limit = {.tv_sec = LIMIT_MS / 1000};
    int fd = hf_port_connect (port, 0);
    assert_true (fd >= 0);
    setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ssize_t got = send (fd, bytes, size, MSG_NOSIGNAL); //  it may have been closed by then
    uint8_t answer[4096];
    while (!hang_up && (got = recv (fd, answer, sizeof answer, 0)) > 0)
        heard += (size_t)got;
    if (!hang_up && got < 0 && errno != ECONNRESET)
        fail_msg ("the node keeps a connection that said %zu bytes", size);
    close (fd);
    return heard;
}

static void
s_both_say (hf_cluster_t *cluster, const uint8_t *bytes, size_t size, bool hang_up)
{
    s_say (hf_cluster_client_port (cluster, 1), bytes, size, hang_up);
    s_say (hf_cluster_node_port (cluster, 1), bytes, size, hang_up);
}

static void
s_serves (hf_script_t *client)
{
    MUST (client, "acquire L");
    MUST (client, "release L");
}

/*  CLUSTER, of one node with keys, with a client that has a session. */
static hf_script_t *
s_begin (hf_cluster_t *cluster)
{
    hf_cluster_use_keys (cluster);
    assert_true (hf_cluster_begin (cluster));
    hf_script_t *client =
        hf_script_new ("client", hf_cluster_endpoints (cluster), hf_cluster_dir (cluster));
    MUST (client, "open 20000");
    s_serves (client);
    return client;
}

static void
s_end (hf_cluster_t *cluster, hf_script_t **client, uint64_t before)
{
    s_serves (*client);
    MUST (*client, "close");
    hf_script_destroy (client);
    uint64_t after = hf_cluster_memory (cluster, 1);
    if (after > before + GROWTH)
        fail_msg ("%llu KiB, then %llu", (unsigned long long)before / 1024,
                  (unsigned long long)after / 1024);
}

//  ---- tests ------------------------------------------------------------------------------------

static record_t s_recorded;

/*  The same bytes again: the cookie in INITIATE is of another connection, so nobody is let in and
 *  the question in it is not answered. */
HF_TEST_ON (a_recorded_handshake_opens_nothing, 1)
{
    hf_script_t *client = s_begin (cluster);
    uint64_t before = hf_cluster_memory (cluster, 1);
    s_make_record (cluster, &s_recorded);
    hf_node_status_t was, is;
    assert_true (hf_cluster_status (cluster, 1, &was));
    for (int i = 0; i < 3; i++) {
        size_t heard =
            s_say (hf_cluster_client_port (cluster, 1), s_recorded.bytes, s_recorded.count, false);
        assert_in_range (heard, 0, REFUSAL_MAX);
        heard =
            s_say (hf_cluster_node_port (cluster, 1), s_recorded.bytes, s_recorded.count, false);
        assert_in_range (heard, 0, REFUSAL_MAX);
    }
    assert_true (hf_cluster_status (cluster, 1, &is));
    assert_int_equal (is.dropped_frames, was.dropped_frames);
    assert_int_equal (is.dropped_peer_frames, was.dropped_peer_frames);
    s_end (cluster, &client, before);
}

HF_TEST_ON (handshakes_cut_anywhere_cost_nothing, 1)
{
    hf_script_t *client = s_begin (cluster);
    uint64_t before = hf_cluster_memory (cluster, 1);
    s_make_record (cluster, &s_recorded);
    size_t end = s_recorded.count < 700 ? s_recorded.count : 700;
    for (size_t size = 0; size < end; size += CUT_STEP)
        s_both_say (cluster, s_recorded.bytes, size, true);
    s_end (cluster, &client, before);
}

/*  Changed in some bytes, cut, or nothing but chance. */
HF_TEST_ON (fuzzed_handshakes_cost_nothing, 1)
{
    hf_script_t *client = s_begin (cluster);
    uint64_t before = hf_cluster_memory (cluster, 1);
    s_make_record (cluster, &s_recorded);
    const char *chosen = getenv ("HF_SEED");
    uint64_t seed = chosen ? strtoull (chosen, NULL, 10) : hf_wait_now_ms ();
    printf ("seed %llu (HF_SEED=N for another run with it)\n", (unsigned long long)seed);
    hf_random_t random = {.state = seed};
    for (unsigned i = 0; i < FUZZED; i++) {
        static uint8_t bytes[1024];
        size_t size = s_recorded.count < sizeof bytes ? s_recorded.count : sizeof bytes;
        memcpy (bytes, s_recorded.bytes, size);
        size = 1 + (size_t)hf_random_below (&random, size);
        uint64_t changes = i % 3 == 0 ? size : 1 + hf_random_below (&random, 4);
        for (uint64_t k = 0; k < changes; k++)
            bytes[i % 3 == 0 ? k : hf_random_below (&random, size)] =
                (uint8_t)hf_random_below (&random, 256);
        s_both_say (cluster, bytes, size, true);
        if (i % 100 == 0)
            s_serves (client);
    }
    s_end (cluster, &client, before);
}

static int
s_tool (const char *key, const char *list, const char *const *words, char text[8192])
{
    char tester[512];
    snprintf (tester, sizeof tester, "%s", getenv ("HOLDFAST_KEY"));
    const char *argv[16] = {HF_TEST_TOOL, "--endpoints", list};
    for (size_t i = 0; words[i]; i++)
        argv[i + 3] = words[i];
    setenv ("HOLDFAST_KEY", key, 1);
    int code = hf_process_run (argv, HF_CLUSTER_LIMIT_MS, text, 8192);
    setenv ("HOLDFAST_KEY", tester, 1);
    return code;
}
#define TOOL(key, list, text, ...)                                                                 \
    s_tool (key, list, (const char *const[]){__VA_ARGS__, NULL}, text)

static void
s_shell (const char *command)
{
    char text[8192];
    const char *argv[] = {"/bin/sh", "-c", command, NULL};
    if (hf_process_run (argv, LIMIT_MS, text, sizeof text) != 0)
        fail_msg ("%s: %s", command, text);
}

/*  The tool does not take a node's key. Whoever makes it look like a user's gets the one answer
 * that a node needs at its start, and no other. */
HF_TEST_ON (a_nodes_key_is_no_clients, 1)
{
    char text[8192], key[512], forged[512], command[2048];
    hf_script_t *client = s_begin (cluster);
    const char *list = hf_cluster_endpoints (cluster);
    snprintf (key, sizeof key, "%s", hf_cluster_key (cluster, "node-1"));
    assert_int_equal (TOOL (key, list, text, "members"), 64);
    assert_non_null (strstr (text, "is the key of node 1: a client needs one of its own"));
    snprintf (forged, sizeof forged, "%s/forged_secret", hf_cluster_dir (cluster));
    snprintf (command, sizeof command,
              "umask 077 && sed 's/^ *node *=.*/    name = \"eve\"/' %s > %s", key, forged);
    s_shell (command);
    //  A client that waits for long asks who leads as well, and that is not allowed.
    assert_true (HF_WAIT (TOOL (forged, list, text, "members", "--stale", "--timeout", "1s") == 0,
                          HF_CLUSTER_LIMIT_MS));
    hf_node_status_t was, is;
    assert_true (hf_cluster_status (cluster, 1, &was));
    assert_int_equal (TOOL (forged, list, text, "acquire", "stolen", "-w", "1"), 69);
    assert_int_equal (TOOL (forged, list, text, "locks", "--stale", "--timeout", "500ms"), 69);
    assert_int_equal (TOOL (forged, list, text, "cat", "F", "--timeout", "500ms"), 69);
    assert_true (hf_cluster_status (cluster, 1, &is));
    assert_int_equal (is.sessions, was.sessions);
    hf_lock_view_t view;
    assert_true (hf_cluster_wait_lock (cluster, "stolen", &view, LIMIT_MS));
    assert_int_equal (view.holder, 0);
    s_serves (client);
    hf_script_destroy (&client);
}

/*  A client's key does not open the port of the nodes. */
HF_TEST_ON (a_clients_key_is_no_nodes, 1)
{
    char text[8192], list[64];
    hf_script_t *client = s_begin (cluster);
    snprintf (list, sizeof list, "1@127.0.0.1:%u:1", hf_cluster_node_port (cluster, 1));
    assert_int_equal (TOOL (getenv ("HOLDFAST_KEY"), list, text, "leader", "--timeout", "500ms"),
                      69);
    assert_true (HF_WAIT (hf_cluster_log_has (cluster, 1, "refuses a node from 127.0.0.1: its key"),
                          HF_CLUSTER_LIMIT_MS));
    hf_node_status_t status;
    assert_true (hf_cluster_status (cluster, 1, &status));
    assert_int_equal (status.dropped_peer_frames, 0);
    s_serves (client);
    hf_script_destroy (&client);
}

/*  It is called node 2 and has a key of its own making: the folder of this cluster does not have
 *  it. */
HF_TEST_ON (a_node_of_another_cluster_is_kept_out, 1)
{
    char keys[256], secret[512], data[256], join[64], log[256], command[2048];
    hf_script_t *client = s_begin (cluster);
    snprintf (keys, sizeof keys, "%s/others", hf_cluster_dir (cluster));
    snprintf (command, sizeof command,
              "mkdir -p %s/nodes %s/clients && cd %s && %s keys new node-2 --node 2 --out . && "
              "cp node-2 nodes/ && cp %s/nodes/node-1 nodes/",
              keys, keys, keys, HF_TEST_TOOL, hf_cluster_keys (cluster));
    s_shell (command);
    snprintf (secret, sizeof secret, "%s/node-2_secret", keys);
    snprintf (data, sizeof data, "%s/other-data", hf_cluster_dir (cluster));
    snprintf (join, sizeof join, "127.0.0.1:%u", hf_cluster_client_port (cluster, 1));
    snprintf (log, sizeof log, "%s/other.log", hf_cluster_dir (cluster));
    const char *argv[] = {hf_cluster_program (),
                          "--id",
                          "2",
                          "--join",
                          join,
                          "--data",
                          data,
                          "--keys",
                          keys,
                          "--key",
                          secret,
                          NULL};
    hf_process_t *other = hf_process_new (&(hf_process_config_t){.argv = argv, .log_path = log});
    assert_true (HF_WAIT (hf_cluster_log_has (cluster, 1, "refuses a client from 127.0.0.1"),
                          HF_CLUSTER_LIMIT_MS));
    hf_node_status_t status;
    assert_true (hf_cluster_status (cluster, 1, &status));
    assert_int_equal (status.links_up, 0);
    assert_int_equal (status.dropped_peer_frames, 0);
    s_serves (client);
    hf_process_destroy (&other);
    hf_script_destroy (&client);
}

HF_TEST_MAIN (NULL, NULL)
