/*  The door and the link: frames between clients and nodes arrive, or their loss is reported. */
#include "test_net.h"

#include "broker-less/hf_door.h"
#include "broker-less/hf_door_rules.h"
#include "broker-less/hf_gate.h"
#include "broker-less/hf_link.h"

#define UNTIL(condition) UNTIL_BY (step (), condition)

//  Each test has a door and a link to it.
static hf_endpoint_t s_endpoint;
static hf_door_t *s_door;
static hf_link_t *s_link;
static hf_route_t s_route; //  of the last frame that came in by the door
static hf_span_t s_bytes;  //  the last frame

static void
step (void)
{
    zmq_poll (NULL, 0, 1);
    if (s_door)
        hf_door_tick (s_door, test_now_us ());
}

static hf_door_t *
new_door (const hf_endpoint_t *endpoint, char *error)
{
    hf_listen_t listen = test_listen (endpoint);
    return hf_door_new (s_context, endpoint->host, &listen, error);
}

static void
open_door (void)
{
    char error[HF_ERROR_SIZE];
    //  The port of one that was just destroyed is given back by libzmq a moment later.
    UNTIL ((s_door = new_door (&s_endpoint, error)) != NULL);
}

static int
setup (void **state)
{
    open_context (state);
    s_endpoint = test_endpoints ("127.0.0.1", 1).node[0];
    open_door ();
    s_link = hf_link_new (s_context, &s_endpoint, NULL, 0);
    return s_link ? 0 : -1;
}

static int
teardown (void **state)
{
    hf_link_destroy (&s_link);
    hf_door_destroy (&s_door);
    return s_door ? -1 : close_context (state);
}

#define TEST(name) HF_TEST_WITH (name, setup, teardown)

static bool
door_next (void)
{
    return hf_door_next (s_door, &s_route, &s_bytes);
}

static void
door_gets (const char *text)
{
    UNTIL (door_next ());
    assert_true (hf_span_equal (s_bytes, hf_span_text (text)));
}

/*  The next event of a link that is WANTED, if it waits; others are stepped over. */
static bool
link_gives (hf_link_t *link, hf_link_event_type_t wanted)
{
    hf_link_event_type_t event;
    do
        event = hf_link_next (link, test_now_us (), &s_bytes);
    while (event != HF_LINK_NONE && event != wanted);
    return event == wanted;
}

static void
link_gets (hf_link_t *link, const char *text)
{
    UNTIL (link_gives (link, HF_LINK_FRAME));
    assert_true (hf_span_equal (s_bytes, hf_span_text (text)));
}

/*  The next event is that the link connects, or breaks. */
static void
until_link (hf_link_event_type_t event)
{
    UNTIL (hf_link_next (s_link, test_now_us (), &s_bytes) == event);
}

/*  When the link is connected, it sends TEXT, which comes in by the door. */
static void
link_sends (hf_link_t *link, const char *text)
{
    UNTIL (!link_gives (link, HF_LINK_BROKEN) && hf_link_send (link, text, strlen (text)));
    door_gets (text);
}

/*  A client of TYPE with plain libzmq, with one option more. */
static void *
raw_client (int type, int option, const void *value, size_t size)
{
    char address[HF_HOST_MAX + 32];
    void *client = zmq_socket (s_context, type);
    int linger = 0;
    zmq_setsockopt (client, ZMQ_LINGER, &linger, sizeof (linger));
    zmq_setsockopt (client, option, value, size);
    test_address (&s_endpoint, s_endpoint.client_port, address);
    assert_int_equal (zmq_connect (client, address), 0);
    return client;
}

//  ---- tests -------------------------------------------------------------------------

TEST (a_frame_goes_there_and_back)
{
    assert_false (hf_link_send (s_link, "early", 5)); //  nothing is queued for later
    assert_false (door_next ());
    until_link (HF_LINK_CONNECTED);
    assert_true (hf_link_send (s_link, "hello", 5)); //  at once after the event
    door_gets ("hello");
    assert_int_equal (s_route.size, 5);
    assert_false (s_route.delimiter);
    assert_true (hf_door_send (s_door, &s_route, "there", 5));
    link_gets (s_link, "there");
    assert_int_equal (hf_door_facts (s_door).dropped, 0);
}

TEST (routes_differ_by_client)
{
    hf_link_t *other = hf_link_new (s_context, &s_endpoint, NULL, 0);
    link_sends (s_link, "1");
    hf_route_t first = s_route, delimited = s_route;
    link_sends (other, "2");
    assert_true (hf_route_equal (&first, &first));
    assert_false (hf_route_equal (&first, &s_route));
    delimited.delimiter = true;
    assert_false (hf_route_equal (&first, &delimited));
    assert_true (hf_door_send (s_door, &s_route, "for 2", 5));
    assert_true (hf_door_send (s_door, &first, "for 1", 5));
    link_gets (s_link, "for 1");
    link_gets (other, "for 2");
    hf_link_destroy (&other);
}

TEST (a_req_client_gets_its_delimiter_back)
{
    char buffer[16];
    int size;
    void *req = raw_client (ZMQ_REQ, 0, NULL, 0);
    for (unsigned round = 0; round < 3; round++) {
        assert_int_equal (zmq_send (req, "ask", 3, 0), 3);
        door_gets ("ask");
        assert_true (s_route.delimiter);
        assert_true (hf_door_send (s_door, &s_route, "answer", 6));
        UNTIL ((size = zmq_recv (req, buffer, sizeof (buffer), ZMQ_DONTWAIT)) >= 0);
        assert_int_equal (size, 6);
    }
    zmq_close (req);
}

TEST (other_shapes_are_dropped_and_counted)
{
    static const char *const messages[][5] = {
        {"a", "b"},        //  two parts
        {"", "a", "b"},    //  two behind a delimiter
        {"", "", "", "x"}, //  many delimiters
        {""},              //  one empty part is a message, and an empty one
        {"", ""},
        {"good"},
    };
    void *dealer = raw_client (ZMQ_DEALER, 0, NULL, 0);
    for (size_t i = 0; i < sizeof (messages) / sizeof (messages[0]); i++)
        for (const char *const *part = messages[i]; *part != NULL; part++)
            zmq_send (dealer, *part, strlen (*part), part[1] ? ZMQ_SNDMORE : 0);
    door_gets ("");
    assert_int_equal (hf_door_facts (s_door).dropped, 3);
    assert_false (s_route.delimiter);
    door_gets ("");
    assert_true (s_route.delimiter);
    door_gets ("good");
    zmq_close (dealer);
    //  A routing id of the client's own choice, longer than a route can hold.
    dealer =
        raw_client (ZMQ_DEALER, ZMQ_ROUTING_ID, "0123456789012345678901234567890123456789", 40);
    zmq_send (dealer, "lost", 4, 0);
    UNTIL (door_next () || hf_door_facts (s_door).dropped == 4);
    assert_int_equal (hf_door_facts (s_door).dropped, 4);
    zmq_close (dealer);
}

TEST (a_disconnected_client_is_reported)
{
    hf_route_t none;
    link_sends (s_link, "1");
    hf_link_destroy (&s_link);
    UNTIL (!hf_door_next (s_door, &none, &s_bytes) &&
           !hf_door_send (s_door, &s_route, "too late", 8));
    assert_int_equal (hf_door_facts (s_door).dropped, 1);
    s_route.id[0] ^= 1; //  and one that never was
    assert_false (hf_door_send (s_door, &s_route, "nobody", 6));
}

/*  A frame may be read when its connection has ended: by then nobody is left to be known. */
TEST (p12_who_leaves_before_its_frame_is_read_is_not_kept)
{
    until_link (HF_LINK_CONNECTED);
    for (unsigned i = 0; i < 30; i++) {
        void *brief = raw_client (ZMQ_DEALER, ZMQ_LINGER, &(int){1000}, sizeof (int));
        zmq_send (brief, "brief", 5, 0);
        UNTIL (hf_door_facts (s_door).connections == 2);
        zmq_close (brief);
        UNTIL (hf_door_facts (s_door).connections == 1);
    }
    hf_route_t gone = {.size = 0};
    for (unsigned i = 0; i < 30; i++) {
        assert_true (door_next ());
        assert_true (hf_span_equal (s_bytes, hf_span_text ("brief")));
        gone = s_route;
    }
    assert_false (door_next ());
    assert_int_equal (hf_door_facts (s_door).known, 0);
    assert_false (hf_door_send (s_door, &gone, "too late", 8));
    link_sends (s_link, "here");
    assert_int_equal (hf_door_facts (s_door).known, 1);
}

TEST (a_frame_a_little_too_large_comes_in_and_a_larger_one_cuts)
{
    size_t size = 2 * HF_FRAME_MAX;
    uint8_t *large = calloc (1, size);
    until_link (HF_LINK_CONNECTED);
    assert_true (hf_link_send (s_link, large, HF_FRAME_MAX + 1000));
    UNTIL (door_next ());
    assert_int_equal (s_bytes.size, HF_FRAME_MAX + 1000);
    assert_true (hf_link_send (s_link, large, size));
    until_link (HF_LINK_BROKEN);
    assert_false (door_next ());
    //  It may come again.
    until_link (HF_LINK_CONNECTED);
    assert_true (hf_link_send (s_link, "small", 5));
    door_gets ("small");
    //  None comes from a node of ours. libzmq drops the address for good; the link does not.
    assert_true (hf_door_send (s_door, &s_route, large, size));
    until_link (HF_LINK_BROKEN);
    until_link (HF_LINK_CONNECTED);
    assert_true (hf_link_send (s_link, "again", 5));
    door_gets ("again");
    free (large);
}

/*  Frames of SIZE bytes that the door takes for ROUTE. */
static unsigned
s_taken (const hf_route_t *route, const void *frame, size_t size)
{
    unsigned taken = 0;
    uint64_t start_us = test_now_us ();
    while (hf_door_send (s_door, route, frame, size)) {
        assert_in_range (test_now_us () - start_us, 0, TEST_LIMIT_US);
        taken++;
    }
    return taken;
}

/*  A client that speaks ZMTP and then reads nothing, not even in its library. */
static void *
s_lazy_client (hf_route_t *route)
{
    void *lazy = raw_client (ZMQ_DEALER, ZMQ_RCVHWM, &(int){1}, sizeof (int));
    zmq_send (lazy, "1", 1, 0);
    door_gets ("1");
    *route = s_route;
    return lazy;
}

TEST (a_client_that_does_not_read_blocks_nobody)
{
    hf_route_t slow;
    void *lazy = s_lazy_client (&slow);
    link_sends (s_link, "2");
    uint8_t frame[4096] = {0};
    //  Bounded: what may wait for it and what the sockets hold.
    assert_in_range (s_taken (&slow, frame, sizeof (frame)), 4096, 20000);
    assert_int_equal (hf_door_facts (s_door).dropped, 1);
    uint64_t start_us = test_now_us ();
    assert_false (hf_door_send (s_door, &slow, frame, sizeof (frame)));
    assert_true (hf_door_send (s_door, &s_route, "quick", 5));
    assert_in_range (test_now_us () - start_us, 0, 1000000);
    link_gets (s_link, "quick");
    zmq_close (lazy);
}

/*  Many sessions of one client are granted a lock in one step; more than the sockets hold. */
TEST (p11_answers_that_come_all_at_once_are_all_sent)
{
    uint8_t frame[300] = {0};
    unsigned sent = 0, total = 50000;
    void *client = raw_client (ZMQ_DEALER, ZMQ_RCVHWM, &(int){1000}, sizeof (int));
    zmq_send (client, "1", 1, 0);
    door_gets ("1");
    while (sent < total && hf_door_send (s_door, &s_route, frame, sizeof (frame)))
        sent++;
    zmq_pollitem_t item = {.socket = client, .events = ZMQ_POLLIN};
    for (unsigned i = 0; i < sent; i++)
        UNTIL_BY (zmq_poll (&item, 1, 10),
                  zmq_recv (client, frame, sizeof (frame), ZMQ_DONTWAIT) == sizeof (frame));
    zmq_close (client);
    assert_int_equal (sent, total);
}

TEST (large_answers_that_are_not_read_are_bounded_in_bytes)
{
    hf_route_t slow;
    size_t size = 1U << 20;
    uint8_t *frame = calloc (1, size);
    void *lazy = s_lazy_client (&slow);
    link_sends (s_link, "2");
    //  What the sockets of both sides hold has left the door.
    unsigned most = (unsigned)(HF_DOOR_CLIENT_BYTES / size);
    assert_in_range (s_taken (&slow, frame, size), most, most + 64);
    assert_false (hf_door_send (s_door, &slow, "small", 5));
    //  Others get theirs.
    UNTIL (hf_door_send (s_door, &s_route, frame, size));
    UNTIL (link_gives (s_link, HF_LINK_FRAME));
    assert_int_equal (s_bytes.size, size);
    //  What was read counts no more. At once: who reads nothing for four seconds is cut off.
    for (unsigned i = 0; i <= most; i++)
        UNTIL (zmq_recv (lazy, frame, size, ZMQ_DONTWAIT) == (int)size);
    UNTIL (hf_door_send (s_door, &slow, frame, size));
    for (unsigned i = 0; i < 2 * most; i++) {
        UNTIL (hf_door_send (s_door, &s_route, frame, size));
        UNTIL (link_gives (s_link, HF_LINK_FRAME));
    }
    zmq_close (lazy);
    free (frame);
}

/*  In a time of its own: the sweeps do not wait for the real one. */
TEST (a_client_that_does_not_read_is_cut_off)
{
    hf_route_t slow;
    uint8_t frame[2000] = {0};
    void *lazy = s_lazy_client (&slow);
    link_sends (s_link, "2");
    while (hf_door_send (s_door, &slow, frame, sizeof (frame)))
        continue;
    UNTIL (hf_door_facts (s_door).connections == 2);
    assert_true (hf_door_facts (s_door).waiting > 1000000);
    //  The node stands still twice: it did not see who read meanwhile.
    uint64_t later_us = test_now_us ();
    for (unsigned i = 0; i < 3; i++)
        hf_door_tick (s_door, later_us += 2 * HF_DOOR_STALL_US);
    assert_int_equal (hf_door_facts (s_door).cut, 0);
    for (uint64_t end_us = later_us + 2 * HF_DOOR_STALL_US; later_us < end_us;)
        hf_door_tick (s_door, later_us += 100000);
    assert_int_equal (hf_door_facts (s_door).cut, 1);
    UNTIL_BY ((zmq_poll (NULL, 0, 1), hf_door_tick (s_door, later_us += 100000)),
              hf_door_facts (s_door).waiting == 0 && hf_door_facts (s_door).connections < 2);
    assert_false (hf_door_send (s_door, &slow, "x", 1));
    assert_true (hf_door_send (s_door, &s_route, "quick", 5));
    link_gets (s_link, "quick");
    assert_int_equal (hf_door_facts (s_door).cut, 1);
    zmq_close (lazy);
}

/*  The limit is moved below what is open, and back. */
TEST (connections_beyond_the_limit_are_refused)
{
    until_link (HF_LINK_CONNECTED);
    uint64_t refused = hf_gate_refused (s_endpoint.client_port);
    hf_gate_set (s_endpoint.client_port, &(hf_gate_limits_t){.top = 1, .held_back = false});
    hf_link_t *other = hf_link_new (s_context, &s_endpoint, NULL, 0);
    UNTIL (link_gives (other, HF_LINK_REFUSED));
    assert_int_equal (hf_gate_refused (s_endpoint.client_port), refused + 1);
    //  Those that were there stay.
    assert_true (hf_link_send (s_link, "hello", 5));
    door_gets ("hello");
    hf_gate_set (s_endpoint.client_port, &(hf_gate_limits_t){.top = 0, .held_back = false});
    UNTIL (link_gives (other, HF_LINK_CONNECTED));
    link_sends (other, "late");
    hf_link_destroy (&other);
}

TEST (a_link_breaks_and_connects_again)
{
    for (unsigned round = 0; round < 3; round++) {
        until_link (HF_LINK_CONNECTED);
        assert_true (hf_link_send (s_link, "x", 1));
        door_gets ("x");
        assert_true (hf_door_send (s_door, &s_route, "y", 1));
        until_link (HF_LINK_FRAME);
        hf_door_destroy (&s_door);
        uint64_t start_us = test_now_us ();
        until_link (HF_LINK_BROKEN);
        assert_in_range (test_now_us () - start_us, 0, 1000000);
        assert_false (hf_link_send (s_link, "x", 1));
        open_door ();
    }
    until_link (HF_LINK_CONNECTED);
    //  Nothing of what could not be sent was kept.
    assert_true (hf_link_send (s_link, "last", 4));
    door_gets ("last");
}

/*  Another program has the node's port for a while. */
TEST (a_port_that_speaks_something_else_is_tried_again)
{
    hf_link_destroy (&s_link);
    hf_door_destroy (&s_door);
    s_endpoint = test_endpoints ("127.0.0.1", 1).node[0];
    int listener = hf_port_listen (s_endpoint.client_port, 0);
    s_link = hf_link_new (s_context, &s_endpoint, NULL, 0);
    assert_int_equal (hf_link_next (s_link, test_now_us (), &s_bytes), HF_LINK_NONE);
    test_speak_nonsense (listener, step);
    assert_int_equal (hf_link_next (s_link, test_now_us (), &s_bytes),
                      HF_LINK_NONE); //  it never was connected
    open_door ();
    until_link (HF_LINK_CONNECTED);
}

TEST (raw_garbage_on_the_client_port_is_survived)
{
    until_link (HF_LINK_CONNECTED);
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
        fds[round % 8] = hf_port_connect (s_endpoint.client_port, 0);
        send (fds[round % 8], noise, size, MSG_NOSIGNAL);
        while (door_next ())
            continue;
    }
    for (unsigned i = 0; i < 8; i++)
        close (fds[i]);
    //  The template is right: with a pause for the other READY, it is a client with a message.
    int fd = hf_port_connect (s_endpoint.client_port, 0);
    send (fd, zmtp, whole - 4, MSG_NOSIGNAL);
    uint8_t theirs[TEST_GREETING_SIZE + 1];
    assert_int_equal (recv (fd, theirs, sizeof (theirs), MSG_WAITALL), sizeof (theirs));
    send (fd, zmtp + whole - 4, 4, MSG_NOSIGNAL);
    UNTIL (door_next () && hf_span_equal (s_bytes, hf_span_text ("hi")));
    close (fd);
    assert_true (hf_link_send (s_link, "still here", 10));
    UNTIL (door_next () && hf_span_equal (s_bytes, hf_span_text ("still here")));
}

TEST (bind_errors_name_the_port_and_the_cause)
{
    char error[HF_ERROR_SIZE];
    char expected[HF_ERROR_SIZE];
    assert_null (new_door (&s_endpoint, error));
    snprintf (expected, sizeof (expected),
              "cannot listen on 127.0.0.1:%u for clients: Address already in use; is another "
              "holdfastd running?",
              s_endpoint.client_port);
    assert_string_equal (error, expected);
    hf_endpoint_t elsewhere = s_endpoint;
    snprintf (elsewhere.host, sizeof (elsewhere.host), "localhost");
    assert_null (new_door (&elsewhere, error));
    assert_non_null (strstr (error, "cannot listen on localhost (127.0.0.1):"));
    assert_non_null (strstr (error, "Address already in use"));
}

/*  Not a benchmark: it fails only when something is wrong by far. */
TEST (many_frames_go_through_quickly)
{
    uint8_t frame[100] = {0};
    until_link (HF_LINK_CONNECTED);
    unsigned sent = 0;
    unsigned back = 0;
    unsigned total = 40000;
    uint64_t start_us = test_now_us ();
    while (back < total) {
        assert_in_range (test_now_us () - start_us, 0, TEST_LIMIT_US);
        while (sent < total && sent < back + 500 && hf_link_send (s_link, frame, 100))
            sent++;
        while (door_next ())
            assert_true (hf_door_send (s_door, &s_route, s_bytes.at, s_bytes.size));
        while (hf_link_next (s_link, test_now_us (), &s_bytes) == HF_LINK_FRAME)
            back++;
    }
    assert_int_equal (hf_door_facts (s_door).dropped, 0);
}

HF_TEST_MAIN (NULL, NULL)
