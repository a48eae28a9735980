//  Operators at the HTTP port of real nodes: what each action does, who is refused, and what the
//  log says of it.

#include "tests/kit/hf_test.h"
#include "client/holdfast.h"
#include "tests/cluster/harness/hf_cluster.h"
#include "tests/cluster/harness/hf_web.h"
#include <inttypes.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIMIT_MS 10000
#define TOKEN    "correct-horse-battery"
#define JSON     "Content-Type: application/json\r\n"
#define RIGHT    JSON "Authorization: Bearer " TOKEN "\r\n"
#define GUESSES  10 //  that are answered 401

static char s_option[600];

/*  A file of the test with TEXT in it. */
static const char *
s_put (const hf_cluster_t *cluster, const char *text, mode_t mode)
{
    static char path[560];
    snprintf (path, sizeof path, "%s/token", hf_cluster_dir (cluster));
    FILE *file = fopen (path, "we");
    assert_non_null (file);
    assert_true (fputs (text, file) >= 0);
    assert_int_equal (fclose (file), 0);
    assert_int_equal (chmod (path, mode), 0);
    return path;
}

static void
s_begin (hf_cluster_t *cluster)
{
    snprintf (s_option, sizeof s_option, "--http-admin=%s", s_put (cluster, TOKEN "\n", 0600));
    hf_cluster_serve_http (cluster);
    hf_cluster_add_argument (cluster, s_option);
    //  Whoever leads.
    assert_true (hf_cluster_start_all (cluster));
    assert_true (hf_cluster_wait_leader (cluster, HF_CLUSTER_LIMIT_MS) > 0);
}

/*  Whether some node's log has TEXT: each does what it was asked while it led. */
static bool
s_logged (const hf_cluster_t *cluster, const char *text)
{
    bool logged = false;
    for (uint32_t id = 1; id <= hf_cluster_count (cluster); id++)
        logged = logged || hf_cluster_log_has (cluster, id, text);
    return logged;
}

/*  Whether the answer to a POST at node ID has that CODE and HAS. */
static bool
s_answers (const hf_cluster_t *cluster, uint32_t id, const char *path, const char *headers,
           const char *body, const char *code, const char *has, const char **text)
{
    char head[32];
    *text = hf_web_ask (hf_cluster_http_port (cluster, id), "POST", path, headers, body);
    snprintf (head, sizeof head, "HTTP/1.1 %s ", code);
    return strncmp (*text, head, strlen (head)) == 0 && strstr (*text, has) != NULL;
}

/*  It must. */
static bool
s_post (const hf_cluster_t *cluster, uint32_t id, const char *path, const char *headers,
        const char *body, const char *code, const char *has)
{
    const char *text;
    bool good = s_answers (cluster, id, path, headers, body, code, has, &text);
    if (!good)
        fprintf (stderr, "POST %s %s: no '%s' with %s in:\n%s\n", path, body, has, code, text);
    return good;
}

/*  It does in the end, at whoever leads then: the lead may move, and others catch up. */
static bool
s_leads_to (hf_cluster_t *cluster, const char *path, const char *body, const char *code,
            const char *has)
{
    const char *text = "";
    bool good = HF_WAIT (s_answers (cluster, hf_cluster_wait_leader (cluster, LIMIT_MS), path,
                                    RIGHT, body, code, has, &text),
                         LIMIT_MS);
    if (!good)
        fprintf (stderr, "POST %s %s: no '%s' with %s at last in:\n%s\n", path, body, has, code,
                 text);
    return good;
}

static bool
s_shows (const hf_cluster_t *cluster, uint32_t id, const char *path, const char *has)
{
    const char *text = hf_web_ask (hf_cluster_http_port (cluster, id), "GET", path, "", NULL);
    return strstr (text, has) != NULL;
}

static hf_session_t *
s_open (hf_client_t *client, const char *label)
{
    hf_session_t *session;
    hf_session_options_t options = HF_SESSION_OPTIONS_INIT;
    options.label = label;
    options.ttl_ms = 60000;
    assert_int_equal (hf_session_open (client, &options, LIMIT_MS, &session), HF_OK);
    return session;
}

static void
s_acquire (hf_session_t *session, const char *lock)
{
    assert_int_equal (hf_acquire (session, lock, LIMIT_MS, NULL), HF_OK);
}

HF_TEST_ON (test_holds_and_sessions_are_ended, 3)
{
    char body[64];
    hf_client_options_t options = HF_CLIENT_OPTIONS_INIT;
    s_begin (cluster);
    options.endpoints = hf_cluster_endpoints (cluster);
    hf_client_t *client = hf_client_new (&options, NULL);
    assert_non_null (client);
    hf_session_t *ann = s_open (client, "ann"), *kim = s_open (client, "kim");
    s_acquire (ann, "db");
    assert_int_equal (hf_submit_acquire (kim, "db", NULL, NULL, NULL), HF_OK);
    assert_true (HF_WAIT (s_shows (cluster, 1, "/v1/locks/db", "\"kim\""), LIMIT_MS));
    assert_true (s_shows (cluster, 3, "/v1/actions", "\"undrain\""));

    assert_true (s_leads_to (cluster, "/v1/release", "{\"lock\": \"db\"}", "200", "\"ann\""));
    assert_true (HF_WAIT (!s_shows (cluster, 1, "/v1/locks/db", "\"ann\""), LIMIT_MS));
    assert_true (s_shows (cluster, 1, "/v1/locks/db", "\"kim\""));
    assert_true (s_logged (cluster, "audit: http: end a hold of lock db with token 1 of session "));
    assert_true (s_leads_to (cluster, "/v1/release", "{\"lock\": \"no\"}", "404", "nobody"));

    snprintf (body, sizeof body, "{\"session\": %" PRIu64 "}", hf_session_id (kim));
    assert_true (s_leads_to (cluster, "/v1/close", body, "200", "\"held\": 1"));
    assert_true (HF_WAIT (s_shows (cluster, 1, "/v1/locks/db", "nobody"), LIMIT_MS));
    assert_true (s_logged (cluster, "(kim): done, index "));
    assert_true (s_logged (cluster, "closed by http from 127.0.0.1"));
    assert_true (s_leads_to (cluster, "/v1/close", body, "404", "no such session"));
    hf_client_destroy (&client);
    //  No session of the port is left.
    assert_true (HF_WAIT (!s_shows (cluster, 1, "/v1/sessions", "\"http"), LIMIT_MS));
    assert_true (s_shows (cluster, 1, "/v1/sessions", "\"ann\""));
}

/*  Whether some node says that another one leads. */
static bool
s_sent_away (const hf_cluster_t *cluster)
{
    const char *text;
    bool sent = false;
    for (uint32_t id = 1; id <= hf_cluster_count (cluster) && !sent; id++)
        sent = s_answers (cluster, id, "/v1/lead", RIGHT, "{\"node\": 9}", "409",
                          "\"leader\": ", &text);
    return sent;
}

HF_TEST_ON (test_nodes_are_led_and_drained, 3)
{
    static const char two[] = "{\"node\": 2}";
    s_begin (cluster);
    assert_true (s_leads_to (cluster, "/v1/lead", two, "200", "\"node\": 2"));
    assert_true (HF_WAIT (s_shows (cluster, 2, "/v1/status", "\"leader\": 2,"), LIMIT_MS));
    assert_true (s_sent_away (cluster));
    assert_true (s_logged (cluster, "audit: http: hand the lead to node 2: done"));
    assert_true (s_leads_to (cluster, "/v1/drain", two, "200", "\"index\""));
    assert_true (HF_WAIT (s_shows (cluster, 2, "/v1/status", "\"leader\": 1,") ||
                              s_shows (cluster, 2, "/v1/status", "\"leader\": 3,"),
                          LIMIT_MS));
    assert_true (s_shows (cluster, 2, "/v1/members", "\"drained\": true"));
    assert_true (s_logged (cluster, "audit: http: drain node 2: done, index "));
    assert_false (s_logged (cluster, "audit: a client: "));
    assert_true (s_leads_to (cluster, "/v1/lead", two, "409", "cannot lead"));
    assert_true (s_leads_to (cluster, "/v1/drain", "{\"node\": 9}", "404", "no member"));
    assert_true (s_leads_to (cluster, "/v1/undrain", two, "200", "\"index\""));
    assert_true (HF_WAIT (!s_shows (cluster, 2, "/v1/members", "\"drained\": true"), LIMIT_MS));
}

HF_TEST_ON (test_who_is_refused, 1)
{
    static const char elsewhere[] = RIGHT "Origin: http://evil\r\n";
    static const char own[] = RIGHT "Origin: http://x\r\nSec-Fetch-Site: same-origin\r\n";
    static const char body[] = "{\"node\": 1}", wrong[] = JSON "Authorization: Bearer wrong\r\n";
    char text[6000];
    s_begin (cluster);
    uint16_t port = hf_cluster_http_port (cluster, 1);
    assert_true (s_post (cluster, 1, "/v1/drain", JSON, body, "401", "WWW-Authenticate: Bearer"));
    assert_true (s_post (cluster, 1, "/v1/drain", wrong, body, "401", "token is wrong"));
    assert_true (s_post (cluster, 1, "/v1/drain", elsewhere, body, "403", "another site"));
    assert_true (s_post (cluster, 1, "/v1/drain", "Content-Type: text/plain\r\n", body, "415",
                         "application/json"));
    memset (text, ' ', sizeof text - 1);
    text[sizeof text - 1] = 0;
    memcpy (text, body, sizeof body - 1);
    assert_true (s_post (cluster, 1, "/v1/drain", RIGHT, text, "413", "4096"));
    assert_true (s_post (cluster, 1, "/v1/drain", RIGHT, "{\"node\": ", "400", "it wants"));
    assert_true (s_post (cluster, 1, "/v1/members", RIGHT, body, "405", "Allow: GET, HEAD"));
    const char *got = hf_web_ask (port, "GET", "/v1/drain", RIGHT, NULL);
    assert_non_null (strstr (got, " 405 "));
    assert_non_null (strstr (got, "Allow: POST\r\n"));
    //  A browser's question before it would send one from elsewhere gets no leave.
    got = hf_web_ask (port, "OPTIONS", "/v1/drain", "Origin: http://evil\r\n", NULL);
    assert_non_null (strstr (got, " 405 "));
    assert_null (strstr (got, "Access-Control"));
    assert_false (s_shows (cluster, 1, "/v1/members", "\"drained\": true"));
    assert_true (hf_cluster_log_has (cluster, 1,
                                     "audit: http: refused: POST /v1/drain: the token is wrong "
                                     "(from 127.0.0.1)"));
    assert_true (hf_cluster_log_has (cluster, 1, "a page of another site may not act here"));
    //  The last member cannot be drained: the page's own request gets that far.
    assert_true (s_post (cluster, 1, "/v1/drain", own, body, "409", "not drained"));
    for (int i = 1; i < GUESSES; i++) //  one came before
        assert_true (s_post (cluster, 1, "/v1/drain", wrong, body, "401", "token is wrong"));
    assert_true (s_post (cluster, 1, "/v1/drain", wrong, body, "429", "too many"));
    //  Who knows the token is not kept out by others at his address.
    assert_true (s_post (cluster, 1, "/v1/drain", RIGHT, body, "409", "not drained"));
}

/*  An endless body is cut; what comes in pieces, and after a pause, is taken. */
HF_TEST_ON (test_bodies_in_pieces, 1)
{
    char piece[4200];
    s_begin (cluster);
    uint16_t port = hf_cluster_http_port (cluster, 1);
    int fd = hf_web_connect (port);
    hf_web_say (fd, "POST /v1/drain HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" RIGHT
                    "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"nod\r\n");
    assert_true (s_shows (cluster, 1, "/healthz", "ok"));
    hf_web_say (fd, "5\r\ne\": 1\r\n1\r\n}\r\n0\r\n\r\n");
    assert_non_null (strstr (hf_web_read_all (fd), "not drained"));
    fd = hf_web_connect (port);
    hf_web_say (fd, "POST /v1/drain HTTP/1.1\r\nHost: x\r\n" RIGHT
                    "Content-Length: 4000000000\r\n\r\n");
    memset (piece, ' ', sizeof piece);
    bool cut = false;
    for (int i = 0; i < 10000 && !cut; i++)
        cut = send (fd, piece, sizeof piece, MSG_NOSIGNAL) <= 0;
    assert_true (cut);
    close (fd);
    assert_true (s_shows (cluster, 1, "/healthz", "ok"));
}

//  ---- the option ----------------------------------------------------------------------------

HF_TEST_ON (test_without_the_option_nothing_is_taken, 1)
{
    hf_cluster_serve_http (cluster);
    assert_true (hf_cluster_begin (cluster));
    assert_true (s_shows (cluster, 1, "/v1/actions", "\"actions\": []"));
    assert_true (
        s_post (cluster, 1, "/v1/drain", RIGHT, "{\"node\": 1}", "403", "takes no actions"));
}

/*  What the node says with these arguments, which must not start it. */
static const char *
s_start (const hf_cluster_t *cluster, const char *http, const char *admin)
{
    static char text[4096];
    const char *argv[] = {hf_cluster_program (),
                          "--cluster",
                          hf_cluster_endpoints (cluster),
                          "--data",
                          hf_cluster_node_dir (cluster, 1),
                          admin,
                          http,
                          NULL};
    assert_int_not_equal (hf_process_run (argv, LIMIT_MS, text, sizeof text), 0);
    return text;
}

HF_TEST_ON (test_a_token_that_others_know_is_refused, 1)
{
    char admin[600];
    snprintf (admin, sizeof admin, "--http-admin=%s", s_put (cluster, TOKEN, 0644));
    assert_non_null (strstr (s_start (cluster, "--http=127.0.0.1:1", admin), "chmod 600"));
    assert_non_null (strstr (s_start (cluster, NULL, admin), "--http-admin goes with --http"));
    s_put (cluster, TOKEN, 0620);
    assert_non_null (strstr (s_start (cluster, "--http=127.0.0.1:1", admin), "chmod 600"));
    s_put (cluster, "short\n", 0600);
    assert_non_null (strstr (s_start (cluster, "--http=127.0.0.1:1", admin), "at least 16"));
    assert_non_null (strstr (s_start (cluster, "--http=127.0.0.1:1", "--http-admin=/no/such"),
                             "/no/such: No such file"));
}

HF_TEST_MAIN (NULL, NULL)
