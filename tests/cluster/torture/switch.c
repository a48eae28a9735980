//  Links as namespaces: one TUN device in each, and a switch between them in user space.

#include "base/hf_alloc.h"
#include "tests/kit/hf_wait.h"
#include "tests/cluster/torture/links_internal.h"
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#define S_MTU         1500
#define S_PACKET_SIZE 2048
#define S_HELD_MAX    (4 << 20) //  bytes under way on one link; more are lost, as in any switch
#define S_BURST       64        //  packets from one device before the next one's turn

typedef struct s_switch {
    unsigned hub;               //  the end where this process lives
    int tun[HF_ENDS_MAX + 1];   //  by end; 0: none
    int space[HF_ENDS_MAX + 1]; //  namespaces
    hf_parcels_t late[HF_ENDS_MAX + 1][HF_ENDS_MAX + 1];
} s_switch_t;

//  ---- namespaces and devices -----------------------------------------------------

static bool
s_fail (char why[HF_WHY_SIZE], const char *what)
{
    snprintf (why, HF_WHY_SIZE, "%s: %s", what, strerror (errno));
    return false;
}

static bool
s_write_text (const char *path, const char *text)
{
    int fd = open (path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool written = write (fd, text, strlen (text)) == (ssize_t)strlen (text);
    close (fd);
    return written;
}

/*  Into a network and a mount namespace of our own; as root of a user namespace if need be. */
static bool
s_leave_home (char why[HF_WHY_SIZE])
{
    unsigned user = (unsigned)geteuid (), group = (unsigned)getegid ();
    if (unshare (CLONE_NEWNET | CLONE_NEWNS) != 0) {
        if (unshare (CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS) != 0)
            return s_fail (why, "no namespaces");
        char map[64];
        snprintf (map, sizeof map, "0 %u 1", user);
        bool mapped = s_write_text ("/proc/self/setgroups", "deny") &&
                      s_write_text ("/proc/self/uid_map", map);
        snprintf (map, sizeof map, "0 %u 1", group);
        if (!mapped || !s_write_text ("/proc/self/gid_map", map))
            return s_fail (why, "no user namespace");
    }
    //  What is mounted from now on is seen by our children only.
    if (mount ("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return s_fail (why, "no mounts of our own");
    return true;
}

/*  10.77.0.END. */
static void
s_address (unsigned end, char text[32])
{
    snprintf (text, 32, "10.77.0.%u", end);
}

static bool
s_bring_up (int sock, const char *device)
{
    struct ifreq request = {0};
    snprintf (request.ifr_name, sizeof request.ifr_name, "%s", device);
    if (ioctl (sock, SIOCGIFFLAGS, &request) != 0)
        return false;
    request.ifr_flags = (short)(request.ifr_flags | IFF_UP | IFF_RUNNING);
    return ioctl (sock, SIOCSIFFLAGS, &request) == 0;
}

static bool
s_set_address (int sock, unsigned long what, const char *text)
{
    struct ifreq request = {0};
    snprintf (request.ifr_name, sizeof request.ifr_name, "hf0");
    struct sockaddr_in address = {.sin_family = AF_INET};
    inet_pton (AF_INET, text, &address.sin_addr);
    memcpy (&request.ifr_addr, &address, sizeof address);
    return ioctl (sock, what, &request) == 0;
}

/*  The device of END, made in the namespace that this thread is in. */
static bool
s_plug_in (hf_links_t *self, unsigned end, char why[HF_WHY_SIZE])
{
    s_switch_t *own = self->own;
    int tun = open ("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (tun < 0)
        return s_fail (why, "/dev/net/tun");
    own->tun[end] = tun;
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    snprintf (request.ifr_name, sizeof request.ifr_name, "hf0");
    if (ioctl (tun, TUNSETIFF, &request) != 0)
        return s_fail (why, "no TUN device");
    int sock = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (sock < 0)
        return s_fail (why, "no socket");
    char address[32];
    s_address (end, address);
    request.ifr_mtu = S_MTU;
    bool up = s_set_address (sock, SIOCSIFADDR, address) &&
              s_set_address (sock, SIOCSIFNETMASK, "255.255.0.0") &&
              ioctl (sock, SIOCSIFMTU, &request) == 0 && s_bring_up (sock, "hf0") &&
              s_bring_up (sock, "lo");
    close (sock);
    return up || s_fail (why, "a device could not be set up");
}

static int
s_here (void)
{
    return open ("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

static bool
s_make_ends (hf_links_t *self, char why[HF_WHY_SIZE])
{
    s_switch_t *own = self->own;
    own->hub = self->nodes + self->clients + 1;
    assert (own->hub <= HF_ENDS_MAX);
    if (!s_leave_home (why) || !s_plug_in (self, own->hub, why))
        return false;
    own->space[own->hub] = s_here ();
    for (unsigned end = 1; end < own->hub; end++) {
        if (unshare (CLONE_NEWNET) != 0)
            return s_fail (why, "no more namespaces");
        own->space[end] = s_here ();
        bool plugged = own->space[end] > 0 && s_plug_in (self, end, why);
        int rc = setns (own->space[own->hub], CLONE_NEWNET);
        assert (rc == 0);
        if (!plugged)
            return false;
    }
    return true;
}

static void
s_close (hf_links_t *self)
{
    s_switch_t *own = self->own;
    for (unsigned from = 0; from <= HF_ENDS_MAX; from++) {
        if (own->tun[from] > 0)
            close (own->tun[from]);
        if (own->space[from] > 0)
            close (own->space[from]);
        for (unsigned to = 0; to <= HF_ENDS_MAX; to++)
            hf_parcels_clear (&own->late[from][to]);
    }
    free (own);
}

static hf_cluster_t *
s_open (hf_links_t *self, char why[HF_WHY_SIZE])
{
    s_switch_t *own = self->own = hf_alloc (sizeof *own);
    bool open = access ("/dev/net/tun", R_OK | W_OK) == 0 ? s_make_ends (self, why)
                                                          : s_fail (why, "/dev/net/tun");
    if (!open) {
        s_close (self);
        int sock = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0); //  proxies will need it
        s_bring_up (sock, "lo");
        close (sock);
        return NULL;
    }
    hf_host_t hosts[7];
    char address[7][32];
    for (unsigned i = 0; i < self->nodes; i++) {
        s_address (i + 1, address[i]);
        hosts[i] = (hf_host_t){.address = address[i], .network = own->space[i + 1]};
    }
    hf_cluster_t *cluster = hf_cluster_new_on (NULL, hosts, self->nodes);
    for (unsigned client = 1; client <= self->clients; client++)
        self->place[client] =
            (hf_place_t){hf_cluster_endpoints (cluster), own->space[self->nodes + client]};
    return cluster;
}

//  ---- the switch -----------------------------------------------------------------

static void
s_deliver (s_switch_t *own, unsigned to, const uint8_t *bytes, size_t size)
{
    //  A full device loses the packet, as any does.
    ssize_t ignored = write (own->tun[to], bytes, size);
    (void)ignored;
}

static void
s_forward (hf_links_t *self, unsigned from, const uint8_t *bytes, size_t size)
{
    s_switch_t *own = self->own;
    bool ours = size >= 20 && bytes[0] >> 4 == 4 && bytes[16] == 10 && bytes[17] == 77;
    unsigned to = ours ? bytes[19] : 0;
    if (to == 0 || to > own->hub || to == from)
        return; //  the kernel's own talk, such as IPv6's
    uint32_t delay_ms;
    hf_fate_t fate = hf_links_draw (self, from, to, &delay_ms);
    hf_parcels_t *late = &own->late[from][to];
    if (fate == HF_CUT || fate == HF_LOST || late->held > S_HELD_MAX)
        return;
    if (delay_ms || late->first)
        hf_parcels_add (late, hf_wait_now_ms () + delay_ms, bytes, size);
    else
        s_deliver (own, to, bytes, size);
}

/*  Send on what is due; gives the time until the next one is. */
static int
s_release (s_switch_t *own, int wait_ms)
{
    uint64_t now_ms = hf_wait_now_ms ();
    for (unsigned from = 1; from <= own->hub; from++) {
        for (unsigned to = 1; to <= own->hub; to++) {
            hf_parcels_t *late = &own->late[from][to];
            for (; late->first && late->first->due_ms <= now_ms; hf_parcels_drop (late))
                s_deliver (own, to, late->first->bytes, late->first->size);
            if (late->first)
                wait_ms = hf_parcels_wait (late, wait_ms);
        }
    }
    return wait_ms;
}

static void
s_carry (hf_links_t *self, int wait_ms)
{
    s_switch_t *own = self->own;
    struct pollfd wait[HF_ENDS_MAX + 1];
    wait_ms = s_release (own, wait_ms);
    for (unsigned end = 1; end <= own->hub; end++)
        wait[end] = (struct pollfd){.fd = own->tun[end], .events = POLLIN};
    if (poll (wait + 1, own->hub, wait_ms) <= 0)
        return;
    uint8_t bytes[S_PACKET_SIZE];
    for (unsigned end = 1; end <= own->hub; end++) {
        if (!(wait[end].revents & POLLIN))
            continue;
        ssize_t size = 0;
        for (unsigned i = 0; i < S_BURST && (size = read (own->tun[end], bytes, sizeof bytes)) > 0;
             i++)
            s_forward (self, end, bytes, (size_t)size);
    }
}

const hf_links_class_t hf_links_switch = {HF_LINKS_NAMESPACES, s_open, s_carry, s_close};
