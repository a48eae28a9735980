/*  The HTTP port itself, with a lock actor that the test plays: in which order requests ask, and
 * what comes of those that are not answered. */
#include "tests/kit/hf_test.h"
#include "nodes/actors/hf_http_server.h"
#include "msgs/hf_facts.h"
#include "msgs/hf_limits.h"
#include "msgs/hf_msg.h"
#include "tests/kit/hf_ports.h"
#include "tests/kit/hf_wait.h"
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIMIT_MS   10000
#define STEP_US    1000
#define PAGES_MOST 1000
#define LATE_US    5000000
#define TOKEN      "correct-horse-battery"

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
    s_server = hf_http_server_new (&where, hf_span_text (TOKEN), error);
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

static int
s_post (const char *path, const char *json)
{
    char text[512];
    int fd = hf_port_connect (s_port.number, 0);
    assert_true (fd >= 0);
    snprintf (text, sizeof text,
              "POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer " TOKEN
              "\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
              path, strlen (json), json);
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

/*  The kind of the next question of the server, which must have one. */
static uint32_t
s_question (hf_scan_t *scan)
{
    uint32_t kind;
    hf_pack_reset (&s_frame);
    for (int i = 0; !hf_http_server_asks (s_server, &s_frame, s_now_us); i++) {
        assert_in_range (i, 0, LIMIT_MS / 10);
        s_turn ();
    }
    assert_int_equal (
        hf_frame_open (hf_pack_bytes (&s_frame), hf_pack_size (&s_frame), scan, &kind), HF_OK);
    return kind;
}

static hf_query_t
s_asked (void)
{
    hf_scan_t scan;
    hf_query_t query;
    assert_int_equal (s_question (&scan), HF_KIND_QUERY);
    assert_true (hf_query_get (&scan, &query));
    return query;
}

/*  What is in s_frame is the lock actor's answer. */
static void
s_give (void)
{
    hf_http_server_answer (s_server, hf_span (hf_pack_bytes (&s_frame), hf_pack_size (&s_frame)));
}

static void
s_answer (uint64_t id, bool more)
{
    hf_pack_reset (&s_frame);
    hf_query_result_frame (
        &s_frame, &(hf_query_result_t){.id = id, .more = more, .rows = hf_pack_list (&s_rows)});
    s_give ();
    hf_pack_reset (&s_rows);
}

static void
s_refuse (hf_status_t status)
{
    hf_pack_reset (&s_frame);
    hf_refused_frame (&s_frame, &(hf_refused_t){.status = (uint32_t)status, .leader = 3});
    s_give ();
}

/*  The last question gets no answer in time. */
static void
s_late (void)
{
    s_now_us += LATE_US;
    s_turn ();
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
    hf_fact_put (&s_rows, HF_FACT_node, "", 3);
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

//  ---- actions -----------------------------------------------------------------------------

/*  Up to the question that ends the hold. */
static int
s_release (void)
{
    hf_scan_t scan;
    hf_open_t open;
    int fd = s_post ("/v1/release", "{\"lock\": \"db\"}");
    s_facts (s_asked ().id);
    hf_query_t query = s_asked ();
    assert_int_equal (query.what, HF_WHAT_LOCK);
    hf_lock_row_put (&s_rows, &(hf_lock_row_t){.lock = hf_span_text ("db")});
    hf_holder_row_put (&s_rows, &(hf_holder_row_t){.session = 7, .token = 70});
    s_answer (query.id, false);
    assert_int_equal (s_question (&scan), HF_KIND_OPEN);
    assert_true (hf_open_get (&scan, &open));
    uint8_t nonce[HF_NONCE_SIZE];
    memcpy (nonce, open.nonce.at, sizeof nonce);
    hf_pack_reset (&s_frame);
    hf_opened_frame (&s_frame,
                     &(hf_opened_t){.nonce = hf_span (nonce, sizeof nonce), .session = 9});
    s_give ();
    assert_int_equal (s_question (&scan), HF_KIND_REQUESTS);
    return fd;
}

/*  The session that asked is closed all the same. */
TEST (a_release_that_is_late_leaves)
{
    hf_scan_t scan;
    hf_close_t close;
    s_begin ();
    int fd = s_release ();
    s_late ();
    assert_int_equal (s_question (&scan), HF_KIND_CLOSE);
    assert_true (hf_close_get (&scan, &close));
    hf_pack_reset (&s_frame);
    hf_closed_frame (&s_frame, &(hf_closed_t){.session = 9, .echo = close.echo});
    s_give ();
    s_gets (fd, "HTTP/1.1 504", "it is not known whether it was done");
}

/*  Nor is that answered in time. Who waits asks first: here the server, for its next sample. */
TEST (a_release_that_is_late_twice)
{
    hf_scan_t scan;
    s_begin ();
    s_now_us += LATE_US;
    int fd = s_release ();
    s_late ();
    hf_query_t sample = s_asked ();
    assert_int_equal (sample.what, HF_WHAT_STATUS);
    s_facts (sample.id);
    assert_int_equal (s_question (&scan), HF_KIND_CLOSE);
    s_late ();
    s_gets (fd, "HTTP/1.1 504", "it is not known whether it was done");
}

/*  Up to the question that drains; with LATE, the question before it, of another, is late. */
static int
s_drain (bool late)
{
    hf_scan_t scan;
    int list = s_get ("/v1/locks?sort=waiters&limit=1");
    hf_query_t query = s_asked ();
    int fd = s_post ("/v1/drain", "{\"node\": 1}");
    query = s_until_another (query);
    assert_int_equal (query.what, HF_WHAT_STATUS);
    s_facts (query.id);
    query = s_asked ();
    assert_int_equal (query.what, HF_WHAT_LOCKS);
    if (late)
        s_late ();
    else
        s_answer (query.id, false);
    assert_int_equal (s_question (&scan), HF_KIND_CHANGE);
    close (list);
    return fd;
}

/*  A refusal does not say of what. */
TEST (a_refusal_that_may_be_of_a_question_that_was_late)
{
    s_begin ();
    int fd = s_drain (false);
    s_refuse (HF_BUSY);
    s_gets (fd, "HTTP/1.1 503", hf_status_text (HF_BUSY));
    fd = s_drain (true);
    s_refuse (HF_BUSY);
    s_gets (fd, "HTTP/1.1 504", "it is not known whether it was done");
    fd = s_drain (false);
    s_refuse (HF_BUSY);
    s_gets (fd, "HTTP/1.1 503", hf_status_text (HF_BUSY));
}

#define UNREAD       4            //  lists fill ...
#define SENDING_MOST (128U << 20) //  ... what may be sent at once
#define IDLE_MS      10000        //  after which the server gives up who does not read
#define PAGES        10           //  of each list, of one row

/*  Ask for a list, and do not read its answer, which is LABELS bytes long and some more: how many,
 * in SIZE. */
static int
s_leave_unread (size_t labels, size_t *size)
{
    static char text[HF_FRAME_MAX];
    char head[2048];
    ssize_t got = -1;
    memset (text, 'x', sizeof text);
    int fd = s_get ("/v1/sessions");
    for (uint64_t i = 1; i <= PAGES; i++) {
        size_t part = i < PAGES ? labels / PAGES : labels - (PAGES - 1) * (labels / PAGES);
        hf_session_row_put (&s_rows,
                            &(hf_session_row_t){.session = 100 + i, .label = hf_span (text, part)});
        s_answer (s_asked ().id, i < PAGES);
    }
    hf_pack_reset (&s_frame);
    assert_false (hf_http_server_asks (s_server, &s_frame, s_now_us));
    for (int i = 0; got <= 0; i++) {
        assert_in_range (i, 0, LIMIT_MS / 10);
        s_turn ();
        got = recv (fd, head, sizeof head - 1, MSG_PEEK | MSG_DONTWAIT);
    }
    head[got] = 0;
    const char *length = strstr (head, "Content-Length: ");
    assert_non_null (length);
    *size = strtoul (length + strlen ("Content-Length: "), NULL, 10);
    return fd;
}

/*  Also when others have left so much unread that nothing else is sent. */
TEST (what_came_of_an_action_is_told)
{
    int fds[UNREAD];
    size_t most = SENDING_MOST / UNREAD, labels = most - 10000, size = 0, sum = 0;
    uint64_t begin_ms = hf_wait_now_ms ();
    s_begin ();
    for (int i = 0; i < UNREAD; i++) {
        if (i == UNREAD - 1) //  all that is left but for some bytes
            labels = SENDING_MOST - sum - (size - labels) - 10;
        fds[i] = s_leave_unread (labels, &size);
        sum += size;
    }
    assert_int_equal (sum, SENDING_MOST - 10);
    //  Who has not read for 10 s is cut off: on a machine that slow there is nothing to see.
    if (hf_wait_now_ms () < begin_ms + IDLE_MS / 2) {
        int refused = s_get ("/v1/status");
        s_facts (s_asked ().id);
        s_gets (refused, "HTTP/1.1 503", "others have not read");
    }
    int fd = s_drain (false);
    s_refuse (HF_NO_MEMBER);
    s_gets (fd, "HTTP/1.1 404", hf_status_text (HF_NO_MEMBER));
    for (int i = 0; i < UNREAD; i++)
        close (fds[i]);
}

HF_TEST_MAIN (NULL, NULL)
