//  Free TCP ports that stay free for this process.

#include "tests/kit/hf_ports.h"
#include <assert.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

//  Below 32768, where the kernel's range for outgoing connections begins by default.
#define LOWEST  12000
#define HIGHEST 32000

/*  Bind a name that only one process can have; -1: another process has it. */
static int
s_reserve (uint16_t port)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int size = snprintf (name.sun_path + 1, sizeof name.sun_path - 1, "holdfast-test-%u", port);
    int fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert (fd >= 0);
    socklen_t length = (socklen_t)(offsetof (struct sockaddr_un, sun_path) + 1 + (size_t)size);
    if (bind (fd, (struct sockaddr *)&name, length) == 0)
        return fd;
    close (fd);
    return -1;
}

static int
s_socket (uint16_t port, int flags, struct sockaddr_in *address)
{
    int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    assert (fd >= 0);
    *address = (struct sockaddr_in){.sin_family = AF_INET,
                                    .sin_port = htons (port),
                                    .sin_addr.s_addr = htonl (INADDR_LOOPBACK)};
    return fd;
}

int
hf_port_listen (uint16_t port, int flags)
{
    struct sockaddr_in address;
    int fd = s_socket (port, flags, &address), on = 1;
    setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind (fd, (struct sockaddr *)&address, sizeof address) == 0 && listen (fd, 64) == 0)
        return fd;
    close (fd);
    return -1;
}

int
hf_port_connect (uint16_t port, int flags)
{
    struct sockaddr_in address;
    int fd = s_socket (port, flags, &address);
    if (connect (fd, (struct sockaddr *)&address, sizeof address) == 0 || errno == EINPROGRESS)
        return fd;
    close (fd);
    return -1;
}

/*  No process listens on it. */
static bool
s_is_free (uint16_t port)
{
    int fd = hf_port_listen (port, 0);
    if (fd >= 0)
        close (fd);
    return fd >= 0;
}

hf_port_t
hf_port_take (void)
{
    for (int i = 0; i < 1000; i++) {
        uint16_t draw = 0;
        ssize_t got = getrandom (&draw, sizeof draw, 0);
        assert (got == sizeof draw);
        uint16_t port = (uint16_t)(LOWEST + draw % (HIGHEST - LOWEST));
        int fd = s_reserve (port);
        if (fd >= 0 && s_is_free (port))
            return (hf_port_t){.number = port, .reservation = fd};
        if (fd >= 0)
            close (fd);
    }
    fputs ("harness: no free port\n", stderr);
    abort ();
}

void
hf_port_give_back (hf_port_t *self)
{
    if (self->number != 0)
        close (self->reservation);
    *self = (hf_port_t){.number = 0, .reservation = -1};
}
