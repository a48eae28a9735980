//  libzmq sockets as we use them: options, binding, connecting, the monitor.

#include "broker-less/hf_socket.h"
#include "broker-less/hf_zap.h"
#include "base/hf_files.h"
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define CONNECT_TIMEOUT_MS   1000 //  a host that is down does not answer: try again after this
#define HANDSHAKE_TIMEOUT_MS 3000 //  a connection without a ZMTP handshake is closed after this
#define BACKLOG              1024 //  that the kernel has accepted; one more tries again after 1 s

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

//  ---- keys ------------------------------------------------------------------------

static void
s_set_text (void *socket, int option, const char *text)
{
    int rc = zmq_setsockopt (socket, option, text, strlen (text));
    assert (rc == 0);
}

void
hf_socket_admit (void *socket, const hf_keys_t *keys, hf_key_kind_t kind)
{
    if (keys == NULL)
        return;
    hf_socket_set (socket, ZMQ_CURVE_SERVER, 1);
    s_set_text (socket, ZMQ_CURVE_SECRETKEY, hf_keys_own (keys)->secret_text);
    s_set_text (socket, ZMQ_ZAP_DOMAIN, hf_key_folder (kind));
}

void
hf_socket_present (void *socket, const hf_keys_t *keys, const char *server)
{
    s_set_text (socket, ZMQ_CURVE_SERVERKEY, server);
    s_set_text (socket, ZMQ_CURVE_PUBLICKEY, hf_keys_own (keys)->public_text);
    s_set_text (socket, ZMQ_CURVE_SECRETKEY, hf_keys_own (keys)->secret_text);
}

//  ---- bind ------------------------------------------------------------------------

static const char *
s_hint (int code)
{
    switch (code) {
    case EADDRINUSE:
        return "; is another holdfastd running?";
    case EADDRNOTAVAIL:
        return "; is that an address of this machine? --listen ADDRESS names another";
    case EACCES:
        return "; ports below 1024 need a privilege";
    default:
        return "";
    }
}

static int
s_bind_one (void *socket, const char *host, uint16_t port)
{
    char address[HF_ADDRESS_SIZE + 16];
    snprintf (address, sizeof (address), "tcp://%s:%u", host, port);
    //  The option applies to the next bind, so IPv4 and IPv6 can mix.
    hf_socket_set (socket, ZMQ_IPV6, host[0] == '[');
    if (zmq_bind (socket, address) == 0)
        return 0;
    //  libzmq reports ENODEV for an address that is not of this machine.
    int code = zmq_errno ();
    return code == ENODEV || code == EAFNOSUPPORT ? EADDRNOTAVAIL : code;
}

int
hf_socket_bind (void *socket, const char *host, const hf_addresses_t *listen, uint16_t port,
                const char *users, char *error)
{
    assert (socket && listen->count > 0 && error);
    error[0] = 0;
    hf_socket_set (socket, ZMQ_BACKLOG, BACKLOG);
    unsigned bound = 0;
    int code = 0;
    uint32_t i = 0;
    for (; i < listen->count; i++) {
        code = s_bind_one (socket, listen->text[i], port);
        bound += code == 0;
        if (code != 0 && code != EADDRNOTAVAIL)
            break;
    }
    if (bound > 0 && (code == 0 || code == EADDRNOTAVAIL))
        return 0;
    const char *address = listen->text[i < listen->count ? i : 0];
    bool same = strcmp (host, address) == 0;
    return hf_error_set (error, "cannot listen on %s%s%s%s:%u for %s: %s%s", host, same ? "" : " (",
                         same ? "" : address, same ? "" : ")", port, users, zmq_strerror (code),
                         s_hint (code));
}

//  ---- connect ----------------------------------------------------------------------

//  Naming a source, even any, makes libzmq set SO_REUSEADDR: our connections, also those that have
//  ended, then keep no node from a port that the kernel has given to them. "[*]" is any source
//  without a look through the machine's interfaces, which aborts when no descriptor is left.
static void
s_target (const char *address, char target[HF_ADDRESS_SIZE + 32])
{
    snprintf (target, HF_ADDRESS_SIZE + 32, "tcp://[*]:0;%s", address);
}

int
hf_socket_connect (void *socket, const char *address)
{
    char target[HF_ADDRESS_SIZE + 32];
    s_target (address, target);
    //  The option applies to the next connection, so IPv4 and IPv6 peers can mix.
    hf_socket_set (socket, ZMQ_IPV6, address[0] == '[');
    return zmq_connect (socket, target);
}

/*  libzmq looks through the machine's interfaces for an address that it does not know any more, and
 *  aborts when there is no descriptor for that. The connection is then left to it. */
int
hf_socket_disconnect (void *socket, const char *address)
{
    char target[HF_ADDRESS_SIZE + 32], error[HF_ERROR_SIZE];
    if (hf_files_check (2, "a connection", error) != 0) {
        errno = EMFILE;
        return -1;
    }
    s_target (address, target);
    return zmq_disconnect (socket, target) == 0 || zmq_errno () == ENOENT ? 0 : -1;
}

typedef union end {
    struct sockaddr any;
    struct sockaddr_in ip4;
    struct sockaddr_in6 ip6;
} end_t;

static bool
s_same_end (const end_t *a, const end_t *b)
{
    if (a->any.sa_family != b->any.sa_family)
        return false;
    if (a->any.sa_family == AF_INET)
        return a->ip4.sin_port == b->ip4.sin_port &&
               a->ip4.sin_addr.s_addr == b->ip4.sin_addr.s_addr;
    return a->any.sa_family == AF_INET6 && a->ip6.sin6_port == b->ip6.sin6_port &&
           memcmp (&a->ip6.sin6_addr, &b->ip6.sin6_addr, sizeof (a->ip6.sin6_addr)) == 0;
}

bool
hf_socket_to_itself (int fd)
{
    end_t here, there;
    socklen_t here_size = sizeof (here), there_size = sizeof (there);
    if (getsockname (fd, &here.any, &here_size) != 0 ||
        getpeername (fd, &there.any, &there_size) != 0 || !s_same_end (&here, &there))
        return false;
    //  No TIME_WAIT.
    struct linger none = {.l_onoff = 1, .l_linger = 0};
    setsockopt (fd, SOL_SOCKET, SO_LINGER, &none, sizeof (none));
    return true;
}

void
hf_socket_cut (int fd)
{
    struct linger none = {.l_onoff = 1, .l_linger = 0};
    setsockopt (fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    shutdown (fd, SHUT_RDWR);
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

    //  tcp://[SOURCE;]ADDRESS
    char text[256];
    size = zmq_recv (monitor, text, sizeof (text) - 1, ZMQ_DONTWAIT);
    assert (size >= 0);
    size_t most = sizeof (text) - 1;
    text[(size_t)size < most ? (size_t)size : most] = 0;
    const char *address = strchr (text, ';');
    address = address ? address + 1 : strncmp (text, "tcp://", 6) == 0 ? text + 6 : text;
    snprintf (sight->address, sizeof (sight->address), "%.*s", (int)sizeof (sight->address) - 1,
              address);
    return true;
}

hf_snub_t
hf_socket_snub (const hf_socket_sight_t *sight, bool keyed)
{
    switch (sight->event) {
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
        if (sight->value == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH)
            return keyed ? HF_SNUB_PLAIN : HF_SNUB_KEYLESS;
        return keyed ? HF_SNUB_OTHER_KEY : HF_SNUB_NONE;
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        return keyed && sight->value == HF_ZAP_REASON ? HF_SNUB_REFUSED : HF_SNUB_NONE;
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
        //  Cut, and not merely slow.
        return keyed && (sight->value == EPIPE || sight->value == ECONNRESET) ? HF_SNUB_OTHER_KEY
                                                                              : HF_SNUB_NONE;
    default:
        return HF_SNUB_NONE;
    }
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
