/*  The door and the link: what clients and nodes say to each other arrives, or its loss is told. */
#include "test_net.h"

#include "broker-less/hf_door.h"
#include "broker-less/hf_link.h"
#include <stdlib.h>

//  ---- help --------------------------------------------------------------------------

#define UNTIL(condition) UNTIL_BY (zmq_poll (NULL, 0, 1), condition)

static hf_door_t *
open_door (const hf_endpoint_t *endpoint)
{
    char error[HF_ERROR_SIZE];
    hf_door_t *door = NULL;
    //  The port of one that was just destroyed is given back by libzmq a moment later.
    for (uint64_t from = test_now_us (); door == NULL && test_now_us () - from < TEST_LIMIT_US;)
        door = hf_door_new (s_context, endpoint, error);
    if (door == NULL)
        fail_msg ("%s", error);
    return door;
}

typedef struct ends {
    hf_endpoints_t list;
    hf_door_t *door;
    hf_link_t *link;
} ends_t;

static void
open_ends (ends_t *self)
{
    self->list = test_endpoints ("127.0.0.1", 1);
    self->door = open_door (&self->list.node[0]);
    self->link = hf_link_new (s_context, &self->list.node[0]);
    assert_non_null (self->link);
}

static void
close_ends (ends_t *self)
{
    hf_link_destroy (&self->link);
    hf_door_destroy (&self->door);
    assert_null (self->door);
}

/*  The next event of a link that is WANTED, within the limit; others are stepped over. */
static bool
link_gives (hf_link_t *link, hf_link_event_type_t wanted, hf_span_t *bytes)
{
    hf_link_event_type_t event;
    while ((event = hf_link_next (link, bytes)) != HF_LINK_NONE) {
        if (event == wanted)
            return true;
    }
    return false;
}

/*  Take what is waiting and send TEXT; false when the link is not connected yet. */
static bool
link_sends (hf_link_t *link, const char *text)
{
    hf_span_t bytes;
    while (hf_link_next (link, &bytes) != HF_LINK_NONE)
        continue;
    return hf_link_send (link, text, strlen (text));
}

static void *
raw_client (int type, uint16_t port)
{
    char address[64];
    void *client = zmq_socket (s_context, type);
    int linger = 0;
    zmq_setsockopt (client, ZMQ_LINGER, &linger, sizeof (linger));
    snprintf (address, sizeof (address), "tcp://127.0.0.1:%u", port);
    assert_int_equal (zmq_connect (client, address), 0);
    return client;
}

//  ---- tests -------------------------------------------------------------------------

WITH_CONTEXT (a_frame_goes_there_and_back)
{
    ends_t ends;
    hf_route_t route;
    hf_span_t bytes;
    open_ends (&ends);
    assert_false (hf_link_connected (ends.link));
    assert_false (hf_link_send (ends.link, "early", 5)); //  nothing is queued for later
    assert_false (hf_door_next (ends.door, &route, &bytes));
    UNTIL (hf_link_next (ends.link, &bytes) == HF_LINK_CONNECTED);
    assert_true (hf_link_connected (ends.link));
    assert_true (hf_link_send (ends.link, "hello", 5)); //  at once after the event
    UNTIL (hf_door_next (ends.door, &route, &bytes));
    assert_int_equal (route.size, 5);
    assert_false (route.delimiter);
    assert_true (hf_span_equal (bytes, hf_span_text ("hello")));
    assert_true (hf_door_send (ends.door, &route, "there", 5));
    UNTIL (link_gives (ends.link, HF_LINK_FRAME, &bytes));
    assert_true (hf_span_equal (bytes, hf_span_text ("there")));
    assert_int_equal (hf_door_dropped (ends.door), 0);
    close_ends (&ends);
}

WITH_CONTEXT (routes_differ_by_client)
{
    ends_t ends;
    hf_route_t route[2];
    hf_span_t bytes;
    open_ends (&ends);
    hf_link_t *other = hf_link_new (s_context, &ends.list.node[0]);
    UNTIL (link_sends (ends.link, "1"));
    UNTIL (hf_door_next (ends.door, &route[0], &bytes));
    UNTIL (link_sends (other, "2"));
    UNTIL (hf_door_next (ends.door, &route[1], &bytes));
    assert_true (hf_route_equal (&route[0], &route[0]));
    assert_false (hf_route_equal (&route[0], &route[1]));
    hf_route_t delimited = route[0];
    delimited.delimiter = true;
    assert_false (hf_route_equal (&route[0], &delimited));
    assert_true (hf_door_send (ends.door, &route[1], "for 2", 5));
    assert_true (hf_door_send (ends.door, &route[0], "for 1", 5));
    UNTIL (link_gives (ends.link, HF_LINK_FRAME, &bytes));
    assert_true (hf_span_equal (bytes, hf_span_text ("for 1")));
    UNTIL (link_gives (other, HF_LINK_FRAME, &bytes));
    assert_true (hf_span_equal (bytes, hf_span_text ("for 2")));
    hf_link_destroy (&other);
    close_ends (&ends);
}

WITH_CONTEXT (a_req_client_gets_its_delimiter_back)
{
    ends_t ends;
    hf_route_t route;
    hf_span_t bytes;
    char buffer[16];
    open_ends (&ends);
    void *req = raw_client (ZMQ_REQ, ends.list.node[0].client_port);
    for (unsigned round = 0; round < 3; round++) {
        assert_int_equal (zmq_send (req, "ask", 3, 0), 3);
        UNTIL (hf_door_next (ends.door, &route, &bytes));
        assert_true (route.delimiter);
        assert_true (hf_span_equal (bytes, hf_span_text ("ask")));
        assert_true (hf_door_send (ends.door, &route, "answer", 6));
        int size = -1;
        UNTIL ((size = zmq_recv (req, buffer, sizeof (buffer), ZMQ_DONTWAIT)) >= 0);
        assert_int_equal (size, 6);
    }
    zmq_close (req);
    close_ends (&ends);
}

WITH_CONTEXT (other_shapes_are_dropped_and_counted)
{
    ends_t ends;
    hf_route_t route;
    hf_span_t bytes;
    open_ends (&ends);
    void *dealer = raw_client (ZMQ_DEALER, ends.list.node[0].client_port);
    zmq_send (dealer, "a", 1, ZMQ_SNDMORE); //  two parts
    zmq_send (dealer, "b", 1, 0);
    zmq_send (dealer, "", 0, ZMQ_SNDMORE); //  two behind a delimiter
    zmq_send (dealer, "a", 1, ZMQ_SNDMORE);
    zmq_send (dealer, "b", 1, 0);
    zmq_send (dealer, "", 0, ZMQ_SNDMORE); //  many delimiters
    zmq_send (dealer, "", 0, ZMQ_SNDMORE);
    zmq_send (dealer, "", 0, ZMQ_SNDMORE);
    zmq_send (dealer, "x", 1, 0);
    zmq_send (dealer, "", 0, 0); //  one empty part is a message, and an empty one
    zmq_send (dealer, "", 0, ZMQ_SNDMORE);
    zmq_send (dealer, "", 0, 0);
    zmq_send (dealer, "good", 4, 0);
    UNTIL (hf_door_next (ends.door, &route, &bytes));
    assert_int_equal (hf_door_dropped (ends.door), 3);
    assert_int_equal (bytes.size, 0);
    assert_false (route.delimiter);
    UNTIL (hf_door_next (ends.door, &route, &bytes));
    assert_int_equal (bytes.size, 0);
    assert_true (route.delimiter);
    UNTIL (hf_door_next (ends.door, &route, &bytes));
    assert_true (hf_span_equal (bytes, hf_span_text ("good")));
    zmq_close (dealer);

    //  A routing id of the client's own choice, longer than a route can hold.
    dealer = zmq_socket (s_context, ZMQ_DEALER);
    char address[64];
    int linger = 0;
    zmq_setsockopt (dealer, ZMQ_LINGER, &linger, sizeof (linger));
    zmq_setsockopt (dealer, ZMQ_ROUTING_ID, "0123456789012345678901234567890123456789", 40);
    snprintf (address, sizeof (address), "tcp://127.0.0.1:%u", ends.list.node[0].client_port);
    assert_int_equal (zmq_connect (dealer, address), 0);
    zmq_send (dealer, "lost", 4, 0);
    UNTIL (hf_door_next (ends.door, &route, &bytes) || hf_door_dropped (ends.door) == 4);
    assert_int_equal (hf_door_dropped (ends.door), 4);
    zmq_close (dealer);
    close_ends (&ends);
}

WITH_CONTEXT (a_client_that_is_gone_is_told)
{
    ends_t ends;
    hf_route_t route;
    hf_span_t bytes;
    open_ends (&ends);
    UNTIL (link_sends (ends.link, "1"));
    UNTIL (hf_door_next (ends.door, &route, &bytes));
    hf_link_destroy (&ends.link);
    hf_route_t none;
    UNTIL (!hf_door_next (ends.door, &none, &bytes) &&
           !hf_door_send (ends.door, &route, "too late", 8));
    assert_int_equal (hf_door_dropped (ends.door), 1);
    route.id[0] ^= 1; //  and one that never was
    assert_false (hf_door_send (ends.door, &route, "nobody", 6));
    close_ends (&ends);
}

WITH_CONTEXT (a_frame_a_little_too_large_comes_in_and_a_larger_one_cuts)
{
    ends_t ends;
    hf_route_t route;
    hf_span_t bytes;
    size_t size = 2 * HF_FRAME_MAX;
    uint8_t *large = calloc (1, size);
    open_ends (&ends);
    UNTIL (hf_link_next (ends.link, &bytes) == HF_LINK_CONNECTED);
    assert_true (hf_link_send (ends.link, large, HF_FRAME_MAX + 1000));
    UNTIL (hf_door_next (ends.door, &route, &bytes));
    assert_int_equal (bytes.size, HF_FRAME_MAX + 1000);
    assert_true (hf_link_send (ends.link, large, size));
    UNTIL (hf_link_next (ends.link, &bytes) == HF_LINK_BROKEN);
    assert_false (hf_door_next (ends.door, &route, &bytes));
    //  It may come again.
    UNTIL (hf_link_next (ends.link, &bytes) == HF_LINK_CONNECTED);
    assert_true (hf_link_send (ends.link, "small", 5));
    UNTIL (hf_door_next (ends.door, &route, &bytes));
    assert_int_equal (bytes.size, 5);
    free (large);
    close_ends (&ends);
}

/*  It comes from no node of ours. libzmq drops the address for good; the link does not. */
WITH_CONTEXT (a_frame_beyond_all_limits_from_a_node_cuts_the_link_for_a_while)
{
    ends_t ends;
    hf_route_t route;
    hf_span_t bytes;
    size_t size = 2 * HF_FRAME_MAX;
    uint8_t *large = calloc (1, size);
    open_ends (&ends);
    UNTIL (link_sends (ends.link, "1"));
    UNTIL (hf_door_next (ends.door, &route, &bytes));
    assert_true (hf_door_send (ends.door, &route, large, size));
    UNTIL (hf_link_next (ends.link, &bytes) == HF_LINK_BROKEN);
    UNTIL (hf_link_next (ends.link, &bytes) == HF_LINK_CONNECTED);
    assert_true (hf_link_send (ends.link, "2", 1));
    UNTIL (hf_door_next (ends.door, &route, &bytes));
    free (large);
    close_ends (&ends);
}

static void *
s_lazy_client (const hf_endpoint_t *endpoint)
{
    void *lazy = zmq_socket (s_context, ZMQ_DEALER);
    int one = 1;
    int linger = 0;
    char address[64];
    zmq_setsockopt (lazy, ZMQ_RCVHWM, &one, sizeof (one));
    zmq_setsockopt (lazy, ZMQ_LINGER, &linger, sizeof (linger));
    snprintf (address, sizeof (address), "tcp://127.0.0.1:%u", endpoint->client_port);
    assert_int_equal (zmq_connect (lazy, address), 0);
    zmq_send (lazy, "1", 1, 0);
    return lazy;
}

WITH_CONTEXT (a_client_that_does_not_read_blocks_nobody)
{
    ends_t ends;
    hf_route_t route, slow;
    hf_span_t bytes;
    open_ends (&ends);
    //  It speaks ZMTP and then reads nothing, not even in its library.
    void *lazy = s_lazy_client (&ends.list.node[0]);
    UNTIL (hf_door_next (ends.door, &slow, &bytes));
    UNTIL (link_sends (ends.link, "2"));
    UNTIL (hf_door_next (ends.door, &route, &bytes));

    uint8_t frame[4096] = {0};
    unsigned sent = 0;
    uint64_t start_us = test_now_us ();
    while (hf_door_send (ends.door, &slow, frame, sizeof (frame))) {
        assert_in_range (test_now_us () - start_us, 0, TEST_LIMIT_US);
        sent++;
    }
    assert_in_range (sent, 4096, 20000); //  bounded: its queue and what the sockets hold
    assert_int_equal (hf_door_dropped (ends.door), 1);
    start_us = test_now_us ();
    assert_false (hf_door_send (ends.door, &slow, frame, sizeof (frame)));
    assert_true (hf_door_send (ends.door, &route, "quick", 5));
    assert_in_range (test_now_us () - start_us, 0, 1000000);
    UNTIL (link_gives (ends.link, HF_LINK_FRAME, &bytes));
    assert_int_equal (bytes.size, 5);
    zmq_close (lazy);
    close_ends (&ends);
}

/*  Frames of SIZE bytes that the door takes for ROUTE. */
static unsigned
s_taken (hf_door_t *door, const hf_route_t *route, const void *frame, size_t size)
{
    unsigned taken = 0;
    uint64_t start_us = test_now_us ();
    while (hf_door_send (door, route, frame, size)) {
        assert_in_range (test_now_us () - start_us, 0, TEST_LIMIT_US);
        taken++;
    }
    return taken;
}

WITH_CONTEXT (large_answers_that_are_not_read_are_bounded_in_bytes)
{
    ends_t ends;
    hf_route_t route, slow;
    hf_span_t bytes;
    size_t size = 1U << 20;
    uint8_t *frame = calloc (1, size);
    open_ends (&ends);
    void *lazy = s_lazy_client (&ends.list.node[0]);
    UNTIL (hf_door_next (ends.door, &slow, &bytes));
    UNTIL (link_sends (ends.link, "2"));
    UNTIL (hf_door_next (ends.door, &route, &bytes));
    //  What the sockets of both sides hold has left the door.
    unsigned most = (unsigned)(HF_DOOR_CLIENT_BYTES / size);
    assert_in_range (s_taken (ends.door, &slow, frame, size), most, most + 64);
    assert_true (hf_door_send (ends.door, &slow, "small", 5));
    //  Others get theirs.
    UNTIL (hf_door_send (ends.door, &route, frame, size));
    UNTIL (link_gives (ends.link, HF_LINK_FRAME, &bytes));
    assert_int_equal (bytes.size, size);
    //  What was read counts no more. At once: who reads nothing for four seconds is cut off.
    for (unsigned i = 0; i <= most; i++) {
        UNTIL (zmq_recv (lazy, frame, size, ZMQ_DONTWAIT) == (int)size);
    }
    UNTIL (hf_door_send (ends.door, &slow, frame, size));
    for (unsigned i = 0; i < 2 * most; i++) {
        UNTIL (hf_door_send (ends.door, &route, frame, size));
        UNTIL (link_gives (ends.link, HF_LINK_FRAME, &bytes));
    }
    zmq_close (lazy);
    close_ends (&ends);
    free (frame);
}

WITH_CONTEXT (a_link_breaks_and_connects_again)
{
    ends_t ends;
    hf_route_t route;
    hf_span_t bytes;
    open_ends (&ends);
    for (unsigned round = 0; round < 3; round++) {
        UNTIL (hf_link_next (ends.link, &bytes) == HF_LINK_CONNECTED);
        assert_true (hf_link_send (ends.link, "x", 1));
        UNTIL (hf_door_next (ends.door, &route, &bytes));
        assert_true (hf_door_send (ends.door, &route, "y", 1));
        UNTIL (hf_link_next (ends.link, &bytes) == HF_LINK_FRAME);
        hf_door_destroy (&ends.door);
        uint64_t start_us = test_now_us ();
        UNTIL (hf_link_next (ends.link, &bytes) == HF_LINK_BROKEN);
        assert_in_range (test_now_us () - start_us, 0, 1000000);
        assert_false (hf_link_connected (ends.link));
        assert_false (hf_link_send (ends.link, "x", 1));
        ends.door = open_door (&ends.list.node[0]);
    }
    UNTIL (hf_link_next (ends.link, &bytes) == HF_LINK_CONNECTED);
    //  Nothing of what could not be sent was kept.
    assert_true (hf_link_send (ends.link, "last", 4));
    UNTIL (hf_door_next (ends.door, &route, &bytes));
    assert_true (hf_span_equal (bytes, hf_span_text ("last")));
    close_ends (&ends);
}

/*  Another program has the node's port for a while. */
WITH_CONTEXT (a_port_that_speaks_something_else_is_tried_again)
{
    ends_t ends = {.list = test_endpoints ("127.0.0.1", 1)};
    hf_span_t bytes;
    int listener = test_listen (ends.list.node[0].client_port);
    ends.link = hf_link_new (s_context, &ends.list.node[0]);
    int fd = accept (listener, NULL, NULL);
    char answer[200];
    char byte;
    memset (answer, 0x7f, sizeof (answer));
    assert_int_equal (write (fd, answer, sizeof (answer)), sizeof (answer));
    struct pollfd cut = {.fd = fd, .events = POLLIN};
    UNTIL (poll (&cut, 1, 0) == 1 && recv (fd, &byte, 1, MSG_DONTWAIT) <= 0);
    close (fd);
    close (listener);
    assert_int_equal (hf_link_next (ends.link, &bytes), HF_LINK_NONE); //  it never was connected
    ends.door = open_door (&ends.list.node[0]);
    UNTIL (hf_link_next (ends.link, &bytes) == HF_LINK_CONNECTED);
    close_ends (&ends);
}

WITH_CONTEXT (raw_garbage_on_the_client_port_is_survived)
{
    ends_t ends;
    hf_route_t route;
    hf_span_t bytes;
    open_ends (&ends);
    UNTIL (hf_link_next (ends.link, &bytes) == HF_LINK_CONNECTED);
    //  A whole ZMTP 3.0 greeting and READY command of a DEALER, and a message after it.
    static const char ready[] = "\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06"
                                "DEALER\0\x02hi";
    uint8_t zmtp[TEST_GREETING_SIZE + sizeof (ready) - 1];
    const size_t whole = sizeof (zmtp);
    test_greeting (zmtp);
    memcpy (zmtp + TEST_GREETING_SIZE, ready, sizeof (ready) - 1);
    hf_random_t seed = {11};
    int fds[8];
    for (unsigned round = 0; round < 200; round++) {
        uint8_t noise[600];
        size_t size = 0;
        if (round % 4 != 0) {
            size = round % 4 == 1 ? whole : hf_random_below (&seed, whole);
            memcpy (noise, zmtp, size);
        }
        size_t more = hf_random_below (&seed, 300);
        for (size_t i = 0; i < more && round % 4 != 2; i++)
            noise[size++] = (uint8_t)hf_random_next (&seed);
        if (round >= 8)
            close (fds[round % 8]); //  most are cut while the node still expects more
        fds[round % 8] = test_connect (ends.list.node[0].client_port);
        send (fds[round % 8], noise, size, MSG_NOSIGNAL);
        while (hf_door_next (ends.door, &route, &bytes))
            continue;
    }
    for (unsigned i = 0; i < 8; i++)
        close (fds[i]);
    //  The template is right: with a pause for the other READY, it is a client with a message.
    int fd = test_connect (ends.list.node[0].client_port);
    send (fd, zmtp, whole - 4, MSG_NOSIGNAL);
    uint8_t theirs[256];
    size_t got = 0;
    while (got <= TEST_GREETING_SIZE) {
        ssize_t size = recv (fd, theirs + got, sizeof (theirs) - got, 0);
        assert_true (size > 0);
        got += (size_t)size;
    }
    send (fd, zmtp + whole - 4, 4, MSG_NOSIGNAL);
    UNTIL (hf_door_next (ends.door, &route, &bytes) && hf_span_equal (bytes, hf_span_text ("hi")));
    close (fd);
    assert_true (hf_link_connected (ends.link));
    assert_true (hf_link_send (ends.link, "still here", 10));
    UNTIL (hf_door_next (ends.door, &route, &bytes) &&
           hf_span_equal (bytes, hf_span_text ("still here")));
    close_ends (&ends);
}

WITH_CONTEXT (bind_errors_are_told)
{
    ends_t ends;
    char error[HF_ERROR_SIZE];
    char expected[HF_ERROR_SIZE];
    open_ends (&ends);
    assert_null (hf_door_new (s_context, &ends.list.node[0], error));
    snprintf (expected, sizeof (expected),
              "cannot listen on 127.0.0.1:%u for clients: Address already in use; is another "
              "holdfastd running?",
              ends.list.node[0].client_port);
    assert_string_equal (error, expected);
    hf_endpoint_t elsewhere = ends.list.node[0];
    snprintf (elsewhere.host, sizeof (elsewhere.host), "localhost");
    assert_null (hf_door_new (s_context, &elsewhere, error));
    assert_non_null (strstr (error, "cannot listen on localhost:"));
    assert_non_null (strstr (error, "Address already in use"));
    close_ends (&ends);
}

/*  Not a benchmark: it fails only when something is wrong by far. */
WITH_CONTEXT (many_frames_go_through_quickly)
{
    ends_t ends;
    hf_route_t route;
    hf_span_t bytes;
    uint8_t frame[100] = {0};
    open_ends (&ends);
    UNTIL (hf_link_next (ends.link, &bytes) == HF_LINK_CONNECTED);
    unsigned sent = 0;
    unsigned back = 0;
    unsigned total = 40000;
    uint64_t start_us = test_now_us ();
    while (back < total) {
        assert_in_range (test_now_us () - start_us, 0, TEST_LIMIT_US);
        while (sent < total && sent < back + 500 && hf_link_send (ends.link, frame, 100))
            sent++;
        while (hf_door_next (ends.door, &route, &bytes))
            assert_true (hf_door_send (ends.door, &route, bytes.at, bytes.size));
        while (hf_link_next (ends.link, &bytes) == HF_LINK_FRAME)
            back++;
    }
    print_message ("%u round trips in %llu us\n", total,
                   (unsigned long long)(test_now_us () - start_us));
    assert_int_equal (hf_door_dropped (ends.door), 0);
    close_ends (&ends);
}

HF_TEST_MAIN (NULL, NULL)
