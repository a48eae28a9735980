/*  test_space.h - a network namespace for the tests of a program, whose only device can vanish. */
#ifndef TEST_SPACE_H_INCLUDED
#define TEST_SPACE_H_INCLUDED

#include "tests/kit/hf_test.h"
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define TEST_SKIPPED 77

static inline bool
test_write_text (const char *path, const char *text)
{
    int fd = open (path, O_WRONLY | O_CLOEXEC);
    bool written = fd >= 0 && write (fd, text, strlen (text)) == (ssize_t)strlen (text);
    if (fd >= 0)
        close (fd);
    return written;
}

/*  The ports that the kernel has for outgoing connections: "40001 40100". */
static inline bool
test_set_range (const char *range)
{
    return test_write_text ("/proc/sys/net/ipv4/ip_local_port_range", range);
}

/*  Down, all that is on its way is lost, and nobody is told. */
static inline bool
test_set_device (bool up)
{
    short flags = up ? IFF_UP | IFF_RUNNING : 0;
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = flags};
    int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool set = ioctl (fd, SIOCSIFFLAGS, &request) == 0;
    close (fd);
    return set;
}

/*  False: this process may not have one. */
static inline bool
test_enter_space (void)
{
    char map[64];
    unsigned user = (unsigned)geteuid ();
    if (unshare (CLONE_NEWNET) != 0) {
        snprintf (map, sizeof (map), "0 %u 1", user);
        if (unshare (CLONE_NEWUSER | CLONE_NEWNET) != 0 ||
            !test_write_text ("/proc/self/uid_map", map))
            return false;
    }
    return test_set_device (true);
}

#endif
