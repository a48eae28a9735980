//  The HTTP port of real nodes: what it answers, whom it does not disturb, and when it says "not
//  ready".

#include "tests/kit/hf_test.h"
#include "client/holdfast.h"
#include "tests/cluster/harness/hf_cluster.h"
#include "tests/cluster/harness/hf_web.h"
#include "tests/kit/hf_ports.h"
#include <inttypes.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIMIT_MS 10000
#define STALLED  100 //  connections that say half a request
#define LOCKS    300
#define QUICK_MS 1000

static uint16_t s_port; //  of the node that is asked

/*  From the next start on; node ID is asked. */
static void
s_serve_http (hf_cluster_t *cluster, uint32_t id)
{
    hf_cluster_serve_http (cluster);
    s_port = hf_cluster_http_port (cluster, id);
}

static const char *
s_ask (const char *method, const char *path)
{
    return hf_web_ask (s_port, method, path, "", NULL);
}

static bool
s_is (const char *path, const char *head, const char *has)
{
    const char *text = s_ask ("GET", path);
    return strncmp (text, head, strlen (head)) == 0 && strstr (text, has) != NULL;
}

static hf_session_t *
s_open (const hf_cluster_t *cluster, hf_client_t **client)
{
    hf_client_options_t options = HF_CLIENT_OPTIONS_INIT;
    options.endpoints = hf_cluster_endpoints (cluster);
    *client = hf_client_new (&options, NULL);
    assert_non_null (*client);
    hf_session_t *session;
    assert_int_equal (hf_session_open (*client, NULL, LIMIT_MS, &session), HF_OK);
    return session;
}

static unsigned
s_count (const char *text, const char *part)
{
    unsigned count = 0;
    for (; (text = strstr (text, part)) != NULL; text++)
        count++;
    return count;
}

/*  Prometheus's own tool has nothing to say against them, where it is. */
static void
s_check_metrics (const hf_cluster_t *cluster)
{
    char command[600];
    const char *text = strstr (s_ask ("GET", "/metrics"), "\r\n\r\n");
    assert_non_null (text);
    snprintf (command, sizeof command,
              "cat > %s/metrics; command -v promtool > /dev/null || exit 0; "
              "promtool check metrics < %s/metrics",
              hf_cluster_dir (cluster), hf_cluster_dir (cluster));
    FILE *pipe = popen (command, "w");
    assert_non_null (pipe);
    fputs (text + 4, pipe);
    assert_int_equal (pclose (pipe), 0);
}

HF_TEST_ON (test_what_a_node_answers, 1)
{
    hf_client_t *client;
    char lock[16];
    s_serve_http (cluster, 1);
    assert_true (hf_cluster_begin (cluster));
    hf_session_t *session = s_open (cluster, &client);
    for (int i = 0; i < LOCKS; i++) {
        snprintf (lock, sizeof lock, "lock %d", i);
        assert_int_equal (hf_acquire (session, lock, LIMIT_MS, NULL), HF_OK);
    }
    assert_true (s_is ("/healthz", "HTTP/1.1 200 ", "\r\n\r\nok\n"));
    assert_true (s_is ("/readyz", "HTTP/1.1 200 ", "\r\n\r\nready\n"));
    assert_true (s_is ("/metrics", "HTTP/1.1 200 ", "\nholdfast_locks 300\n"));
    assert_true (s_is ("/metrics", "HTTP/1.1 200 ", "\nholdfast_holds 300\n"));
    assert_true (s_is ("/metrics", "HTTP/1.1 200 ", "\nholdfast_waiting 0\n"));
    s_check_metrics (cluster);
    assert_int_equal (s_count (s_ask ("GET", "/v1/locks"), "\"lock\": "), LOCKS);
    assert_true (s_is ("/v1/locks/lock%20299", "HTTP/1.1 200 ", "\"held\": true"));
    assert_true (s_is ("/v1/locks/none", "HTTP/1.1 404 ", "nobody"));
    assert_true (s_is ("/v1/sessions", "HTTP/1.1 200 ", "\"held\": 300"));
    assert_true (s_is ("/v1/members", "HTTP/1.1 200 ", "\"votes\": true"));
    assert_true (s_is ("/", "HTTP/1.1 200 ", "Content-Security-Policy: default-src 'none';"));
    assert_int_equal (s_count (s_ask ("GET", "/v1/locks?sort=age&limit=7"), "\"lock\": "), 7);
    assert_true (s_is ("/v1/locks?search=K%20299", "HTTP/1.1 200 ", "\"found\": 1"));
    assert_true (s_is ("/v1/locks?limit=none", "HTTP/1.1 400 ", "from 1 to 1000"));
    assert_true (s_is ("/v1/events?after=299", "HTTP/1.1 200 ", "\"upto\": 300"));
    assert_null (strstr (s_ask ("HEAD", "/v1/locks"), "\r\n\r\n{"));
    assert_non_null (strstr (s_ask ("POST", "/v1/locks"), " 405 "));
    //  Two on one connection, and none of HTTP.
    int fd = hf_web_connect (s_port);
    hf_web_say (fd, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
                    "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_int_equal (s_count (hf_web_read_all (fd), "HTTP/1.1 200 "), 2);
    fd = hf_web_connect (s_port);
    hf_web_say (fd, "\x00\x01\xff\xfe not a request\r\n\r\n");
    shutdown (fd, SHUT_WR);
    assert_int_equal (s_count (hf_web_read_all (fd), " 200 "), 0);
    hf_client_destroy (&client);
}

/*  They take the places of other HTTP requests for a while, and nothing else. */
HF_TEST_ON (test_connections_that_stall_disturb_nobody, 1)
{
    int fds[STALLED];
    hf_client_t *client;
    s_serve_http (cluster, 1);
    assert_true (hf_cluster_begin (cluster));
    hf_session_t *session = s_open (cluster, &client);
    for (int i = 0; i < STALLED; i++) {
        fds[i] = hf_web_connect (s_port);
        hf_web_say (fds[i], "GET /metrics HTTP/1.1\r\nHost: ");
    }
    uint64_t start_ms = hf_wait_now_ms (), token;
    hf_grant_t grant;
    assert_int_equal (hf_acquire (session, "a", LIMIT_MS, &grant), HF_OK);
    token = grant.token;
    assert_int_equal (hf_release (session, "a", token, LIMIT_MS), HF_OK);
    assert_true (hf_wait_now_ms () < start_ms + QUICK_MS);
    for (int i = 0; i < STALLED; i++)
        close (fds[i]);
    assert_true (s_is ("/healthz", "HTTP/1.1 200 ", "ok"));
    hf_client_destroy (&client);
}

static bool
s_all_reached (void)
{
    uint64_t last = 0, index[3] = {0};
    const char *text = s_ask ("GET", "/v1/status");
    const char *commit = strstr (text, "\"commit_index\": ");
    const char *reached = strstr (text, "\"reached\": ");
    return commit && reached && sscanf (commit, "\"commit_index\": %" SCNu64, &last) == 1 &&
           sscanf (reached, "\"reached\": \"1:%" SCNu64 " 2:%" SCNu64 " 3:%" SCNu64 "\"", &index[0],
                   &index[1], &index[2]) == 3 &&
           last > 0 && index[0] >= last && index[1] >= last && index[2] >= last;
}

HF_TEST_ON (test_a_node_without_a_leader_is_not_ready, 3)
{
    assert_true (hf_cluster_begin (cluster));
    hf_cluster_kill (cluster, 2);
    s_serve_http (cluster, 2);
    assert_true (hf_cluster_start (cluster, 2));
    assert_true (HF_WAIT (s_is ("/readyz", "HTTP/1.1 200 ", "ready"), LIMIT_MS));
    assert_true (HF_WAIT (s_is ("/metrics", "HTTP/1.1 200 ", "\nholdfast_leads 0\n"), LIMIT_MS));
    //  All have the log as far as it is committed, and are heard.
    assert_true (HF_WAIT (s_all_reached (), LIMIT_MS));
    hf_cluster_kill (cluster, 1);
    hf_cluster_kill (cluster, 3);
    assert_true (HF_WAIT (s_is ("/readyz", "HTTP/1.1 503 ", "no leader"), LIMIT_MS));
    assert_true (HF_WAIT (s_is ("/v1/status", "HTTP/1.1 200 ", "! 2:"), LIMIT_MS));
    assert_true (s_is ("/v1/status", "HTTP/1.1 200 ", "\"led_ms\": 0,"));
    assert_true (s_is ("/healthz", "HTTP/1.1 200 ", "ok"));
    assert_true (s_is ("/v1/members", "HTTP/1.1 200 ", "\"id\": 3"));
}

HF_TEST_ON (test_a_port_in_use_is_said, 1)
{
    char text[4096];
    s_serve_http (cluster, 1);
    char option[48];
    snprintf (option, sizeof option, "--http=127.0.0.1:%u", s_port);
    int fd = hf_port_listen (s_port, 0);
    assert_true (fd >= 0);
    const char *argv[] = {hf_cluster_program (),
                          "--cluster",
                          hf_cluster_endpoints (cluster),
                          "--data",
                          hf_cluster_node_dir (cluster, 1),
                          option,
                          NULL};
    assert_int_equal (hf_process_run (argv, LIMIT_MS, text, sizeof text), 1);
    assert_non_null (strstr (text, "for HTTP: Address already in use"));
    close (fd);
}

HF_TEST_MAIN (NULL, NULL)
