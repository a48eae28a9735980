//  accept() with a limit. It runs on libzmq's I/O thread.

#include "broker-less/hf_gate.h"
#include "broker-less/hf_door_rules.h"
#include "broker-less/hf_intake.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PORTS_MAX 8

typedef struct gate {
    atomic_uint port; //  0: none
    atomic_uint top, most, halves;
    atomic_bool held_back;
    atomic_uint_fast64_t refused;
} gate_t;

static gate_t s_gates[PORTS_MAX];
static atomic_int s_spare = -1; //  closed when there is no descriptor left even to refuse

static atomic_bool s_curve;

static gate_t *
s_find (uint16_t port)
{
    for (unsigned i = 0; i < PORTS_MAX; i++)
        if (atomic_load (&s_gates[i].port) == port)
            return &s_gates[i];
    return NULL;
}

static int
s_open_spare (void)
{
    return open ("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

void
hf_gate_set (uint16_t port, const hf_gate_limits_t *limits)
{
    assert (port > 0);
    if (atomic_load (&s_spare) < 0)
        atomic_store (&s_spare, s_open_spare ());
    gate_t *gate = s_find (port);
    gate = gate ? gate : s_find (0);
    assert (gate); //  two ports of a node
    assert (limits->most == 0 || limits->held_back);
    atomic_store (&gate->top, limits->top);
    atomic_store (&gate->most, limits->most);
    atomic_store (&gate->halves, limits->halves);
    atomic_store (&gate->held_back, limits->held_back);
    atomic_store (&gate->port, port);
}

void
hf_gate_secure (void)
{
    atomic_store (&s_curve, true);
}

uint64_t
hf_gate_refused (uint16_t port)
{
    const gate_t *gate = s_find (port);
    return gate ? atomic_load (&gate->refused) : 0;
}

//  ---- accepting --------------------------------------------------------------------

static gate_t *
s_gate_of (int listener)
{
    union {
        struct sockaddr any;
        struct sockaddr_in ip4;
        struct sockaddr_in6 ip6;
        struct sockaddr_storage room;
    } address;
    socklen_t size = sizeof address;
    if (getsockname (listener, &address.any, &size) != 0)
        return NULL;
    uint16_t port = 0;
    if (address.any.sa_family == AF_INET)
        port = ntohs (address.ip4.sin_port);
    else if (address.any.sa_family == AF_INET6)
        port = ntohs (address.ip6.sin6_port);
    return port != 0 ? s_find (port) : NULL;
}

/*  The client's greeting is read first where it has come: closing over unread bytes resets the
 *  connection, which can overtake what we say. */
static void
s_refuse (int fd)
{
    char text[] = "\xff\0\0\0\0\0\0\0\x01\x7f\x03\0NULL\0\0\0\0\0\0\0\0"
                  "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                  "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                  "\x04\x0a\x05"
                  "ERROR\x03"
                  "300";
    _Static_assert(sizeof text - 1 == 64 + 12, "a greeting and a command");
    if (atomic_load (&s_curve))
        memcpy (text + 12, "CURVE", 5);
    char theirs[256];
    ssize_t got = recv (fd, theirs, sizeof theirs, MSG_DONTWAIT);
    ssize_t sent = send (fd, text, sizeof text - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)got;
    (void)sent; //  a client that does not take it sees its connection break
    close (fd);
}

static int
s_accept (int listener, struct sockaddr *address, socklen_t *size, int flags)
{
    int fd = (int)syscall (SYS_accept4, listener, address, size, flags);
    if (fd >= 0 || (errno != EMFILE && errno != ENFILE))
        return fd;
    //  The connection would stay in the listener's queue, and libzmq would try again at once.
    int spare = atomic_exchange (&s_spare, -1);
    if (spare >= 0)
        close (spare);
    fd = (int)syscall (SYS_accept4, listener, address, size, flags);
    if (fd >= 0)
        s_refuse (fd);
    atomic_store (&s_spare, s_open_spare ());
    errno = EMFILE;
    return -1;
}

/*  Whether the connection is kept, and hf_intake.h knows of it. */
static hf_intake_step_t
s_enter (const gate_t *gate, int fd)
{
    uint32_t top = atomic_load (&gate->top);
    hf_intake_port_t port = {.number = (unsigned)(gate - s_gates),
                             .most = atomic_load (&gate->most),
                             .halves = atomic_load (&gate->halves),
                             .held_back = atomic_load (&gate->held_back)};
    if (top != 0 && !hf_door_fits (fd, top))
        return HF_INTAKE_FULL;
    return port.held_back || port.halves > 0 ? hf_intake_open (fd, &port) : HF_INTAKE_TAKEN;
}

int
accept4 (int listener, struct sockaddr *restrict address, socklen_t *restrict size, int flags)
{
    gate_t *gate = s_gate_of (listener);
    if (!gate)
        return (int)syscall (SYS_accept4, listener, address, size, flags);
    int fd = s_accept (listener, address, size, flags);
    int code = errno;
    hf_intake_step_t step = fd >= 0 ? s_enter (gate, fd) : HF_INTAKE_FULL;
    if (step == HF_INTAKE_TAKEN || (fd < 0 && code != EMFILE)) {
        errno = code;
        return fd;
    }
    atomic_fetch_add (&gate->refused, step == HF_INTAKE_FULL);
    if (fd >= 0)
        s_refuse (fd);
    errno = ECONNABORTED;
    return -1;
}

int
accept (int listener, struct sockaddr *restrict address, socklen_t *restrict size)
{
    return accept4 (listener, address, size, 0);
}
