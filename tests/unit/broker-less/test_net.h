/*  test_net.h - what the tests of the sockets share: free ports, the clock, raw connections. */
#ifndef TEST_NET_H_INCLUDED
#define TEST_NET_H_INCLUDED

#include <arpa/inet.h>
#include <poll.h>

#include "tests/kit/hf_test.h"
#include "base/hf_random.h"
#include "broker-less/hf_endpoints.h"
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

/*  COUNT ports that nobody has. They are held together, so that all differ. */
static inline void
test_ports (uint16_t *port, unsigned count)
{
    int held[32];
    assert_true (count <= 32);
    for (unsigned i = 0; i < count; i++) {
        struct sockaddr_in address = {.sin_family = AF_INET};
        socklen_t size = sizeof (address);
        address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
        held[i] = socket (AF_INET, SOCK_STREAM, 0);
        assert_int_equal (bind (held[i], (struct sockaddr *)&address, size), 0);
        assert_int_equal (getsockname (held[i], (struct sockaddr *)&address, &size), 0);
        port[i] = ntohs (address.sin_port);
    }
    for (unsigned i = 0; i < count; i++)
        close (held[i]);
}

/*  A list of COUNT nodes 1.. on HOST at free ports. */
static inline hf_endpoints_t
test_endpoints (const char *host, unsigned count)
{
    uint16_t port[2 * HF_MEMBERS_MAX];
    hf_endpoints_t list = {.count = count};
    test_ports (port, 2 * count);
    for (unsigned i = 0; i < count; i++) {
        list.node[i].id = i + 1;
        snprintf (list.node[i].host, sizeof (list.node[i].host), "%s", host);
        list.node[i].client_port = port[2 * i];
        list.node[i].node_port = port[2 * i + 1];
    }
    return list;
}

/*  A plain TCP connection to PORT here. */
static inline int
test_connect (uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons (port)};
    address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    int fd = socket (AF_INET, SOCK_STREAM, 0);
    assert_int_equal (connect (fd, (struct sockaddr *)&address, sizeof (address)), 0);
    return fd;
}

/*  A plain TCP listener on PORT here. */
static inline int
test_listen (uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons (port)};
    address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    int fd = socket (AF_INET, SOCK_STREAM, 0);
    int on = 1;
    setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof (on));
    assert_int_equal (bind (fd, (struct sockaddr *)&address, sizeof (address)), 0);
    assert_int_equal (listen (fd, 8), 0);
    return fd;
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

#define WITH_CONTEXT(test) HF_TEST_WITH (test, open_context, close_context)

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
