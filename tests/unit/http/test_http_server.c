/*  The HTTP port itself, with a lock actor that the test plays: in which order requests ask. */
#include "tests/kit/hf_test.h"
#include "nodes/actors/hf_http_server.h"
#include "msgs/hf_facts.h"
#include "msgs/hf_msg.h"
#include "tests/kit/hf_ports.h"
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIMIT_MS   10000
#define STEP_US    1000
#define PAGES_MOST 1000

static hf_port_t s_port;
static hf_http_server_t *s_server;
static hf_pack_t s_frame, s_rows;
static uint64_t s_now_us;

static int
s_setup (void **state)
{
    (void)state;
    char error[HF_ERROR_SIZE], text[32];
    hf_listen_t where = {.client_port = 0};
    s_port = hf_port_take ();
    snprintf (text, sizeof text, "127.0.0.1:%u", s_port.number);
    assert_true (hf_listen_parse (&where, text));
    s_server = hf_http_server_new (&where, hf_span ("", 0), error);
    assert_non_null (s_server);
    hf_pack_init (&s_frame);
    hf_pack_init (&s_rows);
    s_now_us = 1;
    return 0;
}

static int
s_teardown (void **state)
{
    (void)state;
    hf_http_server_destroy (&s_server);
    hf_port_give_back (&s_port);
    hf_pack_done (&s_frame);
    hf_pack_done (&s_rows);
    return 0;
}

#define TEST(name) HF_TEST_WITH (name, s_setup, s_teardown)

//  ---- a client, and the lock actor --------------------------------------------------------

static int
s_get (const char *path)
{
    char text[128];
    int fd = hf_port_connect (s_port.number, 0);
    assert_true (fd >= 0);
    snprintf (text, sizeof text, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path);
    assert_int_equal (send (fd, text, strlen (text), MSG_NOSIGNAL), strlen (text));
    return fd;
}

/*  One turn of the server when there is something to do; each takes STEP_US. */
static void
s_turn (void)
{
    struct pollfd item = {.fd = hf_http_server_fd (s_server), .events = POLLIN};
    poll (&item, 1, (int)hf_http_server_wait_ms (s_server, 10));
    s_now_us += STEP_US;
    hf_http_server_turn (s_server, s_now_us);
}

/*  The next question of the server, which must have one. */
static hf_query_t
s_asked (void)
{
    hf_scan_t scan;
    hf_query_t query;
    uint32_t kind;
    hf_pack_reset (&s_frame);
    for (int i = 0; !hf_http_server_asks (s_server, &s_frame, s_now_us); i++) {
        assert_in_range (i, 0, LIMIT_MS / 10);
        s_turn ();
    }
    assert_int_equal (
        hf_frame_open (hf_pack_bytes (&s_frame), hf_pack_size (&s_frame), &scan, &kind), HF_OK);
    assert_int_equal (kind, HF_KIND_QUERY);
    assert_true (hf_query_get (&scan, &query));
    return query;
}

static void
s_answer (uint64_t id, bool more)
{
    hf_pack_reset (&s_frame);
    hf_query_result_frame (
        &s_frame, &(hf_query_result_t){.id = id, .more = more, .rows = hf_pack_list (&s_rows)});
    hf_http_server_answer (s_server, hf_span (hf_pack_bytes (&s_frame), hf_pack_size (&s_frame)));
    hf_pack_reset (&s_rows);
}

/*  Answer QUERY with pages of one lock each, behind which more come, until another one asks: gives
 *  that question. A turn between is enough to hear a request; a slow machine may need more. */
static hf_query_t
s_until_another (hf_query_t query)
{
    char name[16];
    uint64_t count = 0;
    do {
        assert_in_range (++count, 1, PAGES_MOST);
        snprintf (name, sizeof name, "%08u", (unsigned)count);
        hf_lock_row_put (&s_rows, &(hf_lock_row_t){.lock = hf_span_text (name), .waiters = 1});
        s_turn ();
        s_answer (query.id, true);
        query = s_asked ();
    } while (query.what == HF_WHAT_LOCKS && query.name.size > 0);
    return query;
}

static void
s_facts (uint64_t id)
{
    hf_fact_put (&s_rows, HF_FACT_leader, "", 3);
    s_answer (id, false);
}

/*  What FD was answered begins with HEAD and has TEXT. */
static void
s_gets (int fd, const char *head, const char *has)
{
    char text[4096];
    size_t count = 0;
    ssize_t size = 1;
    for (int i = 0; size != 0; i++) {
        assert_in_range (i, 0, LIMIT_MS / 10);
        hf_pack_reset (&s_frame);
        assert_false (hf_http_server_asks (s_server, &s_frame, s_now_us));
        s_turn ();
        size = recv (fd, text + count, sizeof text - 1 - count, MSG_DONTWAIT);
        count += size > 0 ? (size_t)size : 0;
    }
    text[count] = 0;
    close (fd);
    if (strncmp (text, head, strlen (head)) != 0 || !strstr (text, has))
        fail_msg ("no '%s' with '%s': %s", head, has, text);
}

//  ---- turns -------------------------------------------------------------------------------

/*  The server's own sample is first. */
static void
s_begin (void)
{
    hf_query_t sample = s_asked ();
    assert_int_equal (sample.what, HF_WHAT_STATUS);
    s_facts (sample.id);
}

TEST (a_long_list_lets_others_ask)
{
    s_begin ();
    int list = s_get ("/v1/locks?sort=waiters&limit=1");
    hf_query_t query = s_asked ();
    assert_int_equal (query.what, HF_WHAT_LOCKS);
    int ready = s_get ("/readyz");
    query = s_until_another (query);
    assert_int_equal (query.what, HF_WHAT_STATUS);
    s_facts (query.id);
    query = s_asked ();
    assert_true (query.what == HF_WHAT_LOCKS && query.name.size > 0);
    s_answer (query.id, false);
    s_gets (ready, "HTTP/1.1 200", "ready\n");
    s_gets (list, "HTTP/1.1 200", "\"found\": ");
}

/*  Each has its own time, and waits for no answer when that is over. */
TEST (a_list_that_does_not_end_is_ended)
{
    s_begin ();
    int list = s_get ("/v1/locks?sort=waiters&limit=1");
    hf_query_t query = s_asked ();
    int all = s_get ("/v1/locks");
    query = s_until_another (query);
    assert_int_equal (query.what, HF_WHAT_LOCKS);
    hf_lock_row_put (&s_rows, &(hf_lock_row_t){.lock = hf_span_text ("a"), .waiters = 1});
    s_answer (query.id, true);
    s_now_us += 3000000;
    s_gets (list, "HTTP/1.1 200", "\"looked\": ");
    s_gets (all, "HTTP/1.1 507", "ask for a part of it");
}

HF_TEST_MAIN (NULL, NULL)
