/*  shim.c - loaded into a node, it sends connects to some ports of 127.0.0.1 to others.
 *
 *  HF_SHIM_PORTS is a list of PORT=OTHER, with a comma behind each. All nodes must be given
 *  the same list of nodes, so that list cannot give each pair a port of its own.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

typedef int (s_connect_fn) (int, const struct sockaddr *, socklen_t);

static uint16_t
s_other_port (uint16_t port)
{
    const char *at = getenv ("HF_SHIM_PORTS");
    while (at && *at) {
        char *end = NULL;
        unsigned long one = strtoul (at, &end, 10);
        unsigned long other = *end == '=' ? strtoul (end + 1, &end, 10) : 0;
        if (one == port && other != 0)
            return (uint16_t)other;
        at = strchr (at, ',');
        at = at ? at + 1 : NULL;
    }
    return port;
}

int connect (int fd, const struct sockaddr *address, socklen_t size);

int
connect (int fd, const struct sockaddr *address, socklen_t size)
{
    s_connect_fn *next = NULL;
    void *symbol = dlsym (RTLD_NEXT, "connect");
    memcpy (&next, &symbol, sizeof next);
    struct sockaddr_in changed;
    if (address && address->sa_family == AF_INET && size >= (socklen_t)sizeof changed) {
        memcpy (&changed, address, sizeof changed);
        changed.sin_port = htons (s_other_port (ntohs (changed.sin_port)));
        return next (fd, (const struct sockaddr *)&changed, sizeof changed);
    }
    return next (fd, address, size);
}
