/*  Bytes that clients have sent are counted until they are handled, and no longer: whatever a
 * client sends, and whenever libzmq gives its connection up. */
#include "test_net.h"

#include "broker-less/hf_door.h"
#include "broker-less/hf_gate.h"

#define CLIENTS 8
#define ROUNDS  600
#define ROOM    20000

static hf_endpoint_t s_endpoint;
static hf_door_t *s_door;

//  One context for all tests: hf_intake.h is of one I/O thread.
static int
s_open (void **state)
{
    open_context (state);
    s_endpoint = test_endpoints ("127.0.0.1", 1).node[0];
    hf_listen_t listen = test_listen (&s_endpoint);
    char error[HF_ERROR_SIZE];
    hf_gate_set (s_endpoint.client_port, &(hf_gate_limits_t){.top = 0, .held_back = true});
    s_door = hf_door_new (s_context, s_endpoint.host, &listen, error);
    return s_door ? 0 : -1;
}

static int
s_close (void **state)
{
    hf_door_destroy (&s_door);
    return close_context (state);
}

static unsigned
s_drain (void)
{
    hf_route_t route;
    hf_span_t bytes;
    unsigned count = 0;
    while (hf_door_next (s_door, &route, &bytes))
        count++;
    return count;
}

static void
s_step (void)
{
    zmq_poll (NULL, 0, 1);
    hf_door_tick (s_door, test_now_us ());
    s_drain ();
}

//  ---- what a client sends ---------------------------------------------------------------

typedef struct stream {
    uint8_t bytes[ROOM];
    size_t size, handshake;
} stream_t;

static void
s_put (stream_t *stream, const void *bytes, size_t size)
{
    assert_true (stream->size + size <= ROOM);
    memcpy (stream->bytes + stream->size, bytes, size);
    stream->size += size;
}

#define PUT_TEXT(stream, text) s_put (stream, text, sizeof (text) - 1)

static void
s_put_frame (stream_t *stream, unsigned flags, size_t size)
{
    static const uint8_t zeros[256];
    s_put (stream, (uint8_t[]){(uint8_t)flags, (uint8_t)size}, 2);
    s_put (stream, zeros, size);
}

/*  As the first command: what a DEALER says, or what libzmq refuses. */
static void
s_put_handshake (stream_t *stream, uint64_t which)
{
    uint8_t greeting[TEST_GREETING_SIZE];
    test_greeting (greeting);
    if (which == 1)
        memcpy (greeting + 12, "PLAIN", 5);
    if (which == 2)
        greeting[32] = 1; //  as a server
    s_put (stream, greeting, sizeof greeting);
    if (which == 3)
        PUT_TEXT (stream, "\x04\x19\x05READY\x0bSocket-Type\0\0\0\x03"
                          "PUB");
    else if (which == 4)
        PUT_TEXT (stream, "\x04\x0a\x05READY\x0bSoc"); //  ends within a property
    else if (which == 5)
        PUT_TEXT (stream, "\x04\x0a\x05"
                          "ERROR\x03"
                          "300");
    else if (which == 6)
        s_put_frame (stream, 0, 5); //  a message before the handshake
    else
        PUT_TEXT (stream, "\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06"
                          "DEALER");
}

/*  What ends a connection after the handshake, or is odd. */
static void
s_put_trouble (stream_t *stream, uint64_t which)
{
    if (which == 0)
        PUT_TEXT (stream, "\x02\x7f\xff\xff\xff\xff\xff\xff\xff"); //  too large
    else if (which == 1)
        PUT_TEXT (stream, "\x04\x0a\x09SUBSCRIBE");
    else if (which == 2)
        PUT_TEXT (stream, "\x04\x00"); //  a command without a name
    else if (which == 3)
        PUT_TEXT (stream, "\x04\x05\x04PING"); //  without its TTL
    else if (which == 4)
        PUT_TEXT (stream, "\x04\x04\xffPIN");
    else if (which == 5)
        PUT_TEXT (stream, "\xf8\x03"
                          "abc"); //  flags that mean nothing
    else if (which == 6)
        PUT_TEXT (stream, "\x05\x03"
                          "abc"); //  a command with more to come
    else if (which == 7)
        PUT_TEXT (stream, "\x02\x00\x00\x00\x00\x00\x50\x00\x00"); //  larger than libzmq takes
}

static void
s_put_messages (stream_t *stream, hf_random_t *random)
{
    for (uint64_t count = hf_random_below (random, 60); count > 0; count--)
        s_put_frame (stream, hf_random_below (random, 4) == 0, hf_random_below (random, 100));
}

static void
s_make (stream_t *stream, hf_random_t *random)
{
    stream->size = 0;
    s_put_handshake (stream, hf_random_below (random, 12));
    stream->handshake = stream->size;
    s_put_messages (stream, random);
    s_put_trouble (stream, hf_random_below (random, 12));
    s_put_messages (stream, random);
}

/*  In pieces of MOST bytes: what libzmq reads at once differs. */
static void
s_send (int fd, const uint8_t *bytes, size_t size, size_t most)
{
    for (size_t at = 0, part; at < size; at += part) {
        part = most < size - at ? most : size - at;
        if (send (fd, bytes + at, part, MSG_NOSIGNAL) <= 0)
            return;
    }
}

/*  What comes before the node has said READY, libzmq takes for a handshake. */
static void
s_send_all (int fd, const stream_t *stream, hf_random_t *random)
{
    size_t most = hf_random_below (random, 2) ? ROOM : 1 + hf_random_below (random, 300);
    uint8_t theirs[TEST_GREETING_SIZE + 1];
    s_send (fd, stream->bytes, stream->handshake, most);
    if (hf_random_below (random, 4) > 0)
        (void)!recv (fd, theirs, sizeof theirs, MSG_WAITALL); //  or it is cut off
    s_send (fd, stream->bytes + stream->handshake, stream->size - stream->handshake, most);
}

//  ---- tests -----------------------------------------------------------------------------

/*  What would be counted for ever would hold all clients back in the end. */
HF_TEST (test_nothing_is_counted_for_ever)
{
    static stream_t stream;
    hf_random_t random = {.state = 4};
    int fds[CLIENTS];
    unsigned handled = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        int *fd = &fds[round % CLIENTS];
        if (round >= CLIENTS)
            close (*fd);
        *fd = hf_port_connect (s_endpoint.client_port, 0);
        s_make (&stream, &random);
        s_send_all (*fd, &stream, &random);
        hf_door_tick (s_door, test_now_us ());
        handled += s_drain ();
    }
    for (unsigned i = 0; i < CLIENTS; i++)
        close (fds[i]);
    assert_true (handled > ROUNDS);
    UNTIL_BY (s_step (),
              hf_door_facts (s_door).connections == 0 && hf_door_facts (s_door).received == 0);
}

HF_TEST_MAIN (s_open, s_close)
