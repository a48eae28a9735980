//  libzmq sockets as we use them: options, binding by name, the monitor.

#include "broker-less/hf_socket.h"
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define CONNECT_TIMEOUT_MS   1000 //  a host that is down does not answer: try again after this
#define HANDSHAKE_TIMEOUT_MS 3000 //  a connection without a ZMTP handshake is closed after this

//  ---- options -------------------------------------------------------------------

void
hf_socket_set (void *socket, int option, int value)
{
    int rc = zmq_setsockopt (socket, option, &value, sizeof (value));
    assert (rc == 0);
}

void
hf_socket_set_reconnect (void *socket, int first_ms, int most_ms)
{
    assert (first_ms > 0 && first_ms < most_ms);
    hf_socket_set (socket, ZMQ_RECONNECT_IVL, first_ms);
    hf_socket_set (socket, ZMQ_RECONNECT_IVL_MAX, most_ms);
    hf_socket_set (socket, ZMQ_CONNECT_TIMEOUT, CONNECT_TIMEOUT_MS);
}

void *
hf_socket_new (void *context, int type, hf_socket_pulse_t pulse)
{
    assert (context);
    void *socket = zmq_socket (context, type);
    if (socket == NULL)
        return NULL;
    hf_socket_set (socket, ZMQ_LINGER, 0);
    //  With a limit, a stalled receiver with heartbeats on aborts inside libzmq 4.3.4.
    hf_socket_set (socket, ZMQ_RCVHWM, 0);
    int64_t bytes_max = HF_SOCKET_BYTES_MAX;
    int rc = zmq_setsockopt (socket, ZMQ_MAXMSGSIZE, &bytes_max, sizeof (bytes_max));
    assert (rc == 0);
    hf_socket_set (socket, ZMQ_HEARTBEAT_IVL, pulse.interval_ms);
    hf_socket_set (socket, ZMQ_HEARTBEAT_TIMEOUT, pulse.timeout_ms);
    hf_socket_set (socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_TIMEOUT_MS);
    return socket;
}

//  ---- bind and connect ------------------------------------------------------------

static const char *
s_hint (int code)
{
    switch (code) {
    case EADDRINUSE:
        return "; is another holdfastd running?";
    case EADDRNOTAVAIL:
        return "; is that an address of this machine?";
    case EACCES:
        return "; ports below 1024 need a privilege";
    default:
        return "";
    }
}

static int
s_bind_failed (const char *host, uint16_t port, const char *users, int code, char *error)
{
    return hf_error_set (error, "cannot listen on %s:%u for %s: %s%s", host, port, users,
                         zmq_strerror (code), s_hint (code));
}

static int
s_bind_one (void *socket, const char *host, uint16_t port)
{
    char address[HF_HOST_MAX + 32];
    snprintf (address, sizeof (address), "tcp://%s:%u", host, port);
    if (zmq_bind (socket, address) == 0)
        return 0;
    //  libzmq reports ENODEV for an address that is not of this machine.
    int code = zmq_errno ();
    return code == ENODEV ? EADDRNOTAVAIL : code;
}

/*  libzmq resolves names when it connects but not when it binds, so do that here. */
static int
s_bind_name (void *socket, const char *host, uint16_t port, const char *users, char *error)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int rc = getaddrinfo (host, NULL, &hints, &found);
    if (rc != 0) {
        return hf_error_set (error, "cannot listen on %s:%u for %s: %s", host, port, users,
                             gai_strerror (rc));
    }
    unsigned bound = 0;
    int code = 0;
    for (struct addrinfo *at = found; at != NULL; at = at->ai_next) {
        char text[INET_ADDRSTRLEN];
        struct sockaddr_in ip;
        memcpy (&ip, at->ai_addr, sizeof (ip));
        inet_ntop (AF_INET, &ip.sin_addr, text, sizeof (text));
        int one = s_bind_one (socket, text, port);
        bound += one == 0;
        if (one != 0 && one != EADDRNOTAVAIL) {
            code = one;
            break;
        }
        code = one;
    }
    freeaddrinfo (found);
    bool usable = bound > 0 && (code == 0 || code == EADDRNOTAVAIL);
    return usable ? 0 : s_bind_failed (host, port, users, code, error);
}

int
hf_socket_bind (void *socket, const char *host, uint16_t port, const char *users, char *error)
{
    assert (socket && host[0] != 0 && error);
    error[0] = 0;
    struct in_addr ip;
    bool ipv6 = host[0] == '[';
    if (!ipv6 && inet_pton (AF_INET, host, &ip) != 1)
        return s_bind_name (socket, host, port, users, error);
    hf_socket_set (socket, ZMQ_IPV6, ipv6);
    int code = s_bind_one (socket, host, port);
    return code == 0 ? 0 : s_bind_failed (host, port, users, code, error);
}

int
hf_socket_connect (void *socket, const char *address)
{
    assert (strncmp (address, "tcp://", 6) == 0);
    //  The option applies to the next connection, so IPv4 and IPv6 peers can mix.
    hf_socket_set (socket, ZMQ_IPV6, address[6] == '[');
    return zmq_connect (socket, address);
}

//  ---- the monitor -------------------------------------------------------------------

void *
hf_socket_monitor (void *context, void *socket, int events)
{
    static atomic_uint_fast64_t s_serial;
    char name[64];
    snprintf (name, sizeof (name), "inproc://hf-monitor-%llu",
              (unsigned long long)atomic_fetch_add (&s_serial, 1));
    void *monitor = zmq_socket (context, ZMQ_PAIR);
    if (monitor == NULL)
        return NULL;
    //  No limit: at a limit libzmq's I/O thread would wait for us.
    hf_socket_set (monitor, ZMQ_RCVHWM, 0);
    hf_socket_set (monitor, ZMQ_LINGER, 0);
    if (zmq_socket_monitor (socket, name, events) != 0 || zmq_connect (monitor, name) != 0) {
        int code = zmq_errno ();
        zmq_close (monitor);
        errno = code;
        return NULL;
    }
    return monitor;
}

bool
hf_socket_seen (void *monitor, hf_socket_sight_t *sight)
{
    uint8_t head[6];
    int size = zmq_recv (monitor, head, sizeof (head), ZMQ_DONTWAIT);
    if (size < 0)
        return false;
    assert (size == sizeof (head)); //  libzmq's own message: a number of 16 bits and one of 32
    uint16_t event;
    uint32_t value;
    memcpy (&event, head, sizeof (event));
    memcpy (&value, head + sizeof (event), sizeof (value));
    sight->event = event;
    sight->value = (int)value;

    size = zmq_recv (monitor, sight->address, sizeof (sight->address) - 1, ZMQ_DONTWAIT);
    assert (size >= 0);
    size_t kept = sizeof (sight->address) - 1;
    kept = (size_t)size < kept ? (size_t)size : kept;
    sight->address[kept] = 0;
    return true;
}

void
hf_socket_close (void *socket, void *monitor)
{
    if (socket != NULL && monitor != NULL)
        zmq_socket_monitor (socket, NULL, 0);
    if (socket != NULL)
        zmq_close (socket);
    if (monitor != NULL)
        zmq_close (monitor);
}
