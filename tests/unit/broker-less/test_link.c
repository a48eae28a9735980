/*  The link's own queue: what libzmq does not take waits, and nothing is lost unseen. */
#include "test_net.h"

#include "broker-less/hf_door.h"
#include "broker-less/hf_link.h"
#include <poll.h>

#define UNTIL(condition) UNTIL_BY (zmq_poll (NULL, 0, 1), condition)
#define FRAMES           4000U

static hf_endpoint_t s_endpoint;
static hf_door_t *s_door;
static hf_link_t *s_link;

static int
setup (void **state)
{
    char error[HF_ERROR_SIZE];
    hf_span_t bytes;
    open_context (state);
    s_endpoint = test_endpoints ("127.0.0.1", 1).node[0];
    hf_listen_t listen = test_listen (&s_endpoint);
    s_door = hf_door_new (s_context, s_endpoint.host, &listen, error);
    s_link = hf_link_new (s_context, &s_endpoint, NULL, 0);
    UNTIL (hf_link_next (s_link, test_now_us (), &bytes) == HF_LINK_CONNECTED);
    return s_door && s_link ? 0 : -1;
}

static int
teardown (void **state)
{
    hf_link_destroy (&s_link);
    hf_door_destroy (&s_door);
    return close_context (state);
}

#define TEST(name) HF_TEST_WITH (name, setup, teardown)

/*  In one go, as a client with thousands of sessions does; the I/O thread cannot keep up. */
TEST (test_a_burst_arrives_whole_and_in_order)
{
    static uint8_t frame[10000];
    uint32_t next = 0;
    for (uint32_t i = 0; i < FRAMES; i++) {
        memcpy (frame, &i, sizeof i);
        assert_true (hf_link_send (s_link, frame, sizeof frame));
    }
    assert_true (hf_link_waits (s_link));
    while (next < FRAMES) {
        hf_route_t route;
        hf_span_t bytes;
        hf_link_flush (s_link);
        UNTIL (hf_door_next (s_door, &route, &bytes));
        assert_memory_equal (bytes.at, &next, sizeof next);
        next++;
    }
    assert_false (hf_link_waits (s_link));
}

/*  The queue is bounded, and dropped with the connection. */
TEST (test_the_queue_is_bounded_and_ends_with_the_connection)
{
    static uint8_t frame[1U << 20];
    size_t taken = 0;
    hf_span_t bytes;
    hf_door_destroy (&s_door); //  the link has not seen it yet
    while (hf_link_send (s_link, frame, sizeof frame))
        assert_true (++taken < 5000);
    assert_true (taken >= HF_LINK_QUEUE_BYTES / sizeof frame);
    assert_true (hf_link_waits (s_link));
    UNTIL (hf_link_next (s_link, test_now_us (), &bytes) == HF_LINK_BROKEN);
    assert_false (hf_link_waits (s_link));
    assert_false (hf_link_send (s_link, frame, 1));
}

/*  Whether FD is readable within some seconds. */
static bool
s_readable (int fd)
{
    struct pollfd item = {.fd = fd, .events = POLLIN};
    return poll (&item, 1, 5000) == 1;
}

/*  A socket is asked when its descriptor has told, and after a send, which may take news in. */
TEST (test_who_waits_by_descriptors_says_what_to_ask)
{
    int fds[HF_LINK_SOCKETS];
    hf_route_t route;
    hf_span_t bytes;
    hf_link_descriptors (s_link, fds);
    UNTIL (hf_link_next (s_link, test_now_us (), &bytes) == HF_LINK_NONE);
    assert_false (hf_link_asks (s_link));
    assert_true (hf_link_send (s_link, "hello", 5));
    assert_true (hf_link_asks (s_link));
    UNTIL (hf_link_next (s_link, test_now_us (), &bytes) == HF_LINK_NONE);
    assert_false (hf_link_asks (s_link));
    UNTIL (hf_door_next (s_door, &route, &bytes));
    assert_true (hf_door_send (s_door, &route, "world", 5));
    assert_true (s_readable (fds[0]));
    assert_int_equal (hf_link_next (s_link, test_now_us (), &bytes), HF_LINK_NONE);
    hf_link_news (s_link, 0);
    assert_int_equal (hf_link_next (s_link, test_now_us (), &bytes), HF_LINK_FRAME);
    assert_memory_equal (bytes.at, "world", 5);
    assert_int_equal (hf_link_next (s_link, test_now_us (), &bytes), HF_LINK_NONE);
    hf_door_destroy (&s_door);
    assert_true (s_readable (fds[1]));
    assert_int_equal (hf_link_next (s_link, test_now_us (), &bytes), HF_LINK_NONE);
    hf_link_news (s_link, 1);
    UNTIL (hf_link_next (s_link, test_now_us (), &bytes) == HF_LINK_BROKEN);
}

/*  What its driver does when the link asks, or a descriptor has told; else nothing. Gives whether
 *  there was cause to. */
static bool
s_serve (const int fds[HF_LINK_SOCKETS])
{
    hf_span_t bytes;
    for (unsigned i = 0; i < HF_LINK_SOCKETS; i++) {
        struct pollfd item = {.fd = fds[i], .events = POLLIN};
        if (poll (&item, 1, 0) == 1)
            hf_link_news (s_link, i);
    }
    if (!hf_link_asks (s_link))
        return false;
    assert_int_equal (hf_link_next (s_link, test_now_us (), &bytes), HF_LINK_NONE);
    hf_link_flush (s_link);
    return true;
}

/*  A link that is full is silent until the node reads again, and then its descriptor tells. */
TEST (test_a_full_link_lets_its_driver_sleep)
{
    static uint8_t frame[10000];
    int fds[HF_LINK_SOCKETS];
    hf_route_t route;
    hf_span_t bytes;
    uint32_t sent = 0, next = 0;
    hf_link_descriptors (s_link, fds);
    for (memcpy (frame, &sent, sizeof sent); hf_link_send (s_link, frame, sizeof frame);) {
        sent++;
        memcpy (frame, &sent, sizeof sent);
    }
    UNTIL (!s_serve (fds));
    assert_true (hf_link_waits (s_link));
    while (next < sent) {
        UNTIL_BY (s_serve (fds), hf_door_next (s_door, &route, &bytes));
        assert_memory_equal (bytes.at, &next, sizeof next);
        next++;
    }
    assert_false (hf_link_waits (s_link));
}

/*  A link to where no node is says what it meets there. */
static void
expect_trouble (hf_link_t *link, const char *what)
{
    char text[200], wanted[200];
    hf_span_t bytes;
    snprintf (wanted, sizeof wanted, "127.0.0.1:%u %s", s_endpoint.client_port, what);
    UNTIL (hf_link_next (link, test_now_us (), &bytes) == HF_LINK_NONE &&
           hf_link_trouble (link, test_now_us (), text, sizeof text) && strcmp (text, wanted) == 0);
}

TEST (test_it_says_whether_a_node_refuses_or_is_silent)
{
    char text[200];
    hf_span_t bytes;
    assert_false (hf_link_trouble (s_link, test_now_us (), text, sizeof text));
    hf_door_destroy (&s_door);
    expect_trouble (s_link, "refuses connections, or there is no way to it");
    int other = hf_port_listen (s_endpoint.client_port, 0); //  a program that only listens
    expect_trouble (s_link, "takes connections, and says nothing");
    close (other);
    //  It is a node again, and there is no trouble.
    char error[HF_ERROR_SIZE];
    hf_listen_t listen = test_listen (&s_endpoint);
    s_door = hf_door_new (s_context, s_endpoint.host, &listen, error);
    UNTIL (hf_link_next (s_link, test_now_us (), &bytes) == HF_LINK_CONNECTED);
    assert_false (hf_link_trouble (s_link, test_now_us (), text, sizeof text));
}

HF_TEST_MAIN (NULL, NULL)
