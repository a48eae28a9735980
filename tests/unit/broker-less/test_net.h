/*  test_net.h - what the tests of the sockets share: free ports, the clock, raw connections. */
#ifndef TEST_NET_H_INCLUDED
#define TEST_NET_H_INCLUDED

#include "tests/kit/hf_ports.h"
#include "tests/kit/hf_test.h"
#include "base/hf_random.h"
#include "broker-less/hf_listen.h"
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#define TEST_LIMIT_US 10000000 //  what is waited for must come within this

static inline uint64_t
test_now_us (void)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/*  A list of COUNT nodes 1.. on HOST at free ports. */
static inline hf_endpoints_t
test_endpoints (const char *host, unsigned count)
{
    hf_endpoints_t list = {.count = count};
    for (unsigned i = 0; i < count; i++) {
        list.node[i].id = i + 1;
        snprintf (list.node[i].host, sizeof (list.node[i].host), "%s", host);
        list.node[i].client_port = hf_port_take ().number;
        list.node[i].node_port = hf_port_take ().number;
    }
    return list;
}

/*  The address of ENDPOINT, a number, for libzmq. */
static inline void
test_address (const hf_endpoint_t *endpoint, uint16_t port, char address[HF_HOST_MAX + 32])
{
    snprintf (address, HF_HOST_MAX + 32, "tcp://%s:%u", endpoint->host, port);
}

/*  Where the node of ENDPOINT listens: there, or on 127.0.0.1 if its host is a name. */
static inline hf_listen_t
test_listen (const hf_endpoint_t *endpoint)
{
    hf_listen_t listen = {
        .at.count = 1, .client_port = endpoint->client_port, .node_port = endpoint->node_port};
    snprintf (listen.at.text[0], HF_ADDRESS_SIZE, "%.63s",
              hf_host_is_name (endpoint->host) ? "127.0.0.1" : endpoint->host);
    return listen;
}

/*  Another program listens on LISTENER, and the one that connects to it cuts the connection: it
 *  speaks no ZMTP. Do STEP while that is awaited. */
static inline void
test_speak_nonsense (int listener, void (*step) (void))
{
    struct pollfd waiting = {.fd = listener, .events = POLLIN};
    while (poll (&waiting, 1, 0) != 1)
        step ();
    struct pollfd cut = {.fd = accept (listener, NULL, NULL), .events = POLLIN};
    char answer[200], byte;
    memset (answer, 0x7f, sizeof (answer));
    assert_int_equal (write (cut.fd, answer, sizeof (answer)), sizeof (answer));
    while (poll (&cut, 1, 0) != 1 || recv (cut.fd, &byte, 1, MSG_DONTWAIT) > 0)
        step ();
    close (cut.fd);
    close (listener);
}

/*  The greeting of ZMTP 3.0 with the NULL mechanism. */
#define TEST_GREETING_SIZE 64

static inline void
test_greeting (uint8_t bytes[TEST_GREETING_SIZE])
{
    memset (bytes, 0, TEST_GREETING_SIZE);
    memcpy (bytes, "\xff\0\0\0\0\0\0\0\x01\x7f\x03\0NULL", 16);
}

//  ---- tests with a context of their own -----------------------------------------------

static void *s_context;

static inline int
open_context (void **state)
{
    (void)state;
    s_context = zmq_ctx_new ();
    return 0;
}

/*  Ends only when every socket is closed; a socket that leaked, or that a failed test left open,
 * ends the program (CMOCKA_TEST_ABORT=1 in the environment shows which assertion it was). */
static inline int
close_context (void **state)
{
    (void)state;
    alarm (20);
    int rc = zmq_ctx_term (s_context);
    alarm (0);
    return rc;
}

/*  Do STEP until CONDITION holds; the test fails after the limit. */
#define UNTIL_BY(step, condition)                                                                  \
    do {                                                                                           \
        uint64_t until_us = test_now_us () + TEST_LIMIT_US;                                        \
        while (!(condition)) {                                                                     \
            if (test_now_us () > until_us)                                                         \
                fail_msg ("never: %s", #condition);                                                \
            step;                                                                                  \
        }                                                                                          \
    } while (0)

#endif
