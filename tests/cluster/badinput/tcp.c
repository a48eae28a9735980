//  Plain TCP to and from a port, for bytes that are not ZMTP.

#include "tests/cluster/badinput/tcp.h"
#include <assert.h>
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in
s_address (uint16_t port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons (port),
                                .sin_addr.s_addr = htonl (INADDR_LOOPBACK)};
}

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
    //  With what it said unread, closing would be a reset, and could outrun our bytes.
    shutdown (fd, SHUT_WR);
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    char gone[4096];
    while (poll (&wait, 1, 20) > 0 && recv (fd, gone, sizeof gone, MSG_DONTWAIT) > 0)
        continue;
}

void
tcp_throw (uint16_t port, const void *bytes, size_t size)
{
    int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert (fd >= 0);
    struct sockaddr_in address = s_address (port);
    if (connect (fd, (struct sockaddr *)&address, sizeof address) == 0)
        s_push (fd, bytes, size);
    close (fd);
}

int
tcp_listen (uint16_t port)
{
    int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert (fd >= 0);
    int on = 1;
    setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in address = s_address (port);
    int rc = bind (fd, (struct sockaddr *)&address, sizeof address);
    assert (rc == 0);
    rc = listen (fd, 16);
    assert (rc == 0);
    return fd;
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
