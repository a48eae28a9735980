//  Plain TCP to and from a port, for bytes that are not ZMTP.

#include "tests/cluster/badinput/tcp.h"
#include "tests/kit/hf_ports.h"
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

static void
s_push (int fd, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        ssize_t sent = send (fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent <= 0)
            break; //  the other side has had enough
        bytes += sent;
        size -= (size_t)sent;
    }
    //  Closing with unread input would send a reset, which could overtake our bytes.
    shutdown (fd, SHUT_WR);
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    char unread[4096];
    while (poll (&wait, 1, 20) > 0 && recv (fd, unread, sizeof unread, MSG_DONTWAIT) > 0)
        continue;
}

void
tcp_throw (uint16_t port, const void *bytes, size_t size)
{
    int fd = hf_port_connect (port, 0);
    if (fd < 0)
        return;
    s_push (fd, bytes, size);
    close (fd);
}

bool
tcp_answer (int fd, const void *bytes, size_t size, uint32_t limit_ms)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    if (poll (&wait, 1, (int)limit_ms) <= 0)
        return false;
    int caller = accept (fd, NULL, NULL);
    if (caller < 0)
        return false;
    s_push (caller, bytes, size);
    close (caller);
    return true;
}
