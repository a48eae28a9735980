//  Links as proxies: a port for each link, on 127.0.0.1.

#include "tests/kit/hf_ports.h"
#include "tests/kit/hf_wait.h"
#include "tests/cluster/torture/links_internal.h"
#include "base/hf_alloc.h"
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define S_PIECE_SIZE  8192
#define S_HELD_MAX    (512 * 1024) //  bytes under way; then the sender waits
#define S_AGAIN_MS    220          //  after so long TCP repeats what was lost
#define S_STREAMS_MAX 512
#define S_DOORS_MAX   (HF_ENDS_MAX * 7)
#define S_TEXT_SIZE   600

//  ---- one connection through this process, with troubles in each direction ----------------

/*  One direction. */
typedef struct s_way {
    unsigned from, to;
    int in, out;
    hf_parcels_t held;
    bool ended; //  nothing comes any more
} s_way_t;

typedef struct s_stream {
    uint16_t port;
    bool reached;    //  the other end has been called
    bool connecting; //  and has not answered yet
    s_way_t way[2];  //  as the connection was made, and back
} s_stream_t;

/*  A connection that end FROM made (the file descriptor is ours now), meant for end TO, which
 *  listens on 127.0.0.1:PORT. */
static s_stream_t *
s_stream_new (int accepted, unsigned from, unsigned to, uint16_t port)
{
    s_stream_t *self = hf_alloc (sizeof *self);
    self->port = port;
    self->way[0] = (s_way_t){.from = from, .to = to, .in = accepted, .out = -1};
    self->way[1] = (s_way_t){.from = to, .to = from, .in = -1, .out = accepted};
    int on = 1;
    setsockopt (accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return self;
}

static void
s_stream_destroy (s_stream_t *self)
{
    for (unsigned i = 0; i < 2; i++) {
        hf_parcels_clear (&self->way[i].held);
        if (self->way[i].in >= 0)
            close (self->way[i].in);
    }
    free (self);
}

/*  Connect to the other end; false when that fails at once. */
static bool
s_reach (s_stream_t *self)
{
    int fd = hf_port_connect (self->port, SOCK_NONBLOCK);
    int on = 1;
    setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    self->reached = true;
    self->connecting = fd >= 0;
    self->way[0].out = fd;
    self->way[1].in = fd;
    return fd >= 0;
}

static bool
s_is_cut (const hf_links_t *links, const s_way_t *way)
{
    return hf_links_trouble_of (links, way->from, way->to).cut;
}

/*  False: the sender has closed. */
static bool
s_receive (s_way_t *way, hf_links_t *links)
{
    uint8_t bytes[S_PIECE_SIZE];
    ssize_t got = recv (way->in, bytes, sizeof bytes, 0);
    if (got <= 0)
        return got < 0 && (errno == EAGAIN || errno == EINTR);
    uint32_t delay_ms;
    if (hf_links_draw (links, way->from, way->to, &delay_ms) == HF_LOST)
        delay_ms += S_AGAIN_MS;
    hf_parcels_add (&way->held, hf_wait_now_ms () + delay_ms, bytes, (size_t)got);
    return true;
}

/*  Send on what is due; false: the receiver has closed. */
static bool
s_send (s_way_t *way)
{
    uint64_t now_ms = hf_wait_now_ms ();
    for (hf_parcel_t *piece; (piece = way->held.first) && piece->due_ms <= now_ms;) {
        ssize_t sent = send (way->out, piece->bytes + piece->sent, piece->size - piece->sent,
                             MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0)
            return errno == EAGAIN || errno == EINTR;
        piece->sent += (size_t)sent;
        if (piece->sent < piece->size)
            return true;
        hf_parcels_drop (&way->held);
    }
    return true;
}

/*  What to wait for: two places of WAIT are set; WAIT_MS becomes shorter if something is due. */
static void
s_stream_prepare (s_stream_t *self, const hf_links_t *links, struct pollfd wait[2], int *wait_ms)
{
    bool cut[2] = {s_is_cut (links, &self->way[0]), s_is_cut (links, &self->way[1])};
    wait[0] = (struct pollfd){.fd = -1};
    wait[1] = (struct pollfd){.fd = -1};
    //  A call through a cut gets nowhere: not even to be refused.
    if (!self->reached && !cut[0] && !cut[1] && !s_reach (self))
        self->way[1].ended = true;
    if (self->connecting) {
        wait[1] = (struct pollfd){.fd = self->way[1].in, .events = POLLOUT};
        return;
    }
    uint64_t now_ms = hf_wait_now_ms ();
    for (unsigned i = 0; i < 2 && self->reached; i++) {
        s_way_t *way = &self->way[i], *back = &self->way[1 - i];
        short events = 0;
        if (!cut[i] && !way->ended && way->held.held < S_HELD_MAX)
            events |= POLLIN;
        if (!cut[1 - i] && back->held.first && back->held.first->due_ms <= now_ms)
            events |= POLLOUT;
        //  With nothing to wait for, an end that hung up would wake us for ever.
        if (events)
            wait[i] = (struct pollfd){.fd = way->in, .events = events};
        if (!cut[i] && way->held.first && way->held.first->due_ms > now_ms)
            *wait_ms = hf_parcels_wait (&way->held, *wait_ms);
    }
}

/*  Carry what can be; false: it is over. */
static bool
s_stream_carry (s_stream_t *self, hf_links_t *links, const struct pollfd wait[2])
{
    if (self->connecting && wait[1].revents) {
        int error = 0;
        socklen_t size = sizeof error;
        getsockopt (self->way[1].in, SOL_SOCKET, SO_ERROR, &error, &size);
        self->connecting = false;
        self->way[1].ended = error != 0;
        return true;
    }
    if (self->connecting || !self->reached)
        return !self->way[1].ended;
    for (unsigned i = 0; i < 2; i++) {
        s_way_t *way = &self->way[i];
        if (s_is_cut (links, way))
            continue;
        if (wait[i].revents && (wait[i].events & POLLIN) && !s_receive (way, links))
            way->ended = true;
        if (!s_send (way) || (way->ended && !way->held.first))
            return false;
    }
    return true;
}

//  ---- doors ------------------------------------------------------------------------

/*  Where connections of FROM to TO arrive. */
typedef struct s_door {
    unsigned from, to;
    int fd;
    hf_port_t port;
    uint16_t target; //  where TO listens
} s_door_t;

typedef struct s_proxies {
    s_door_t door[S_DOORS_MAX];
    unsigned doors;
    s_stream_t *stream[S_STREAMS_MAX];
    unsigned streams;
    char list[HF_CREW_MAX + 1][S_TEXT_SIZE]; //  by client
    char ports[8][S_TEXT_SIZE];              //  by node: for the shim
    char preload[S_TEXT_SIZE];
    const char *variables[8][4];
} s_proxies_t;

static void
s_close (hf_links_t *self)
{
    s_proxies_t *own = self->own;
    for (unsigned i = 0; i < own->streams; i++)
        s_stream_destroy (own->stream[i]);
    for (unsigned i = 0; i < own->doors; i++) {
        close (own->door[i].fd);
        hf_port_give_back (&own->door[i].port);
    }
    free (own);
}

static uint16_t
s_add_door (s_proxies_t *own, unsigned from, unsigned to, uint16_t target)
{
    assert (own->doors < S_DOORS_MAX);
    s_door_t *door = &own->door[own->doors++];
    *door = (s_door_t){.from = from, .to = to, .target = target, .port = hf_port_take ()};
    door->fd = hf_port_listen (door->port.number, SOCK_NONBLOCK);
    assert (door->fd >= 0);
    return door->port.number;
}

/*  Add to TEXT, which has S_TEXT_SIZE bytes. */
static void __attribute__ ((format (printf, 2, 3))) s_add_text (char *text, const char *format, ...)
{
    size_t size = strlen (text);
    va_list args;
    va_start (args, format);
    int more = vsnprintf (text + size, S_TEXT_SIZE - size, format, args);
    va_end (args);
    assert (more >= 0 && (size_t)more < S_TEXT_SIZE - size);
}

/*  The ports by which node FROM reaches the other nodes. */
static void
s_wire_node (hf_links_t *self, hf_cluster_t *cluster, unsigned from)
{
    s_proxies_t *own = self->own;
    s_add_text (own->ports[from], "HF_SHIM_PORTS=");
    for (unsigned to = 1; to <= self->nodes; to++) {
        if (to == from)
            continue;
        uint16_t target = hf_cluster_node_port (cluster, to);
        s_add_text (own->ports[from], "%u=%u,", target, s_add_door (own, from, to, target));
    }
    snprintf (own->preload, sizeof own->preload, "LD_PRELOAD=%s", hf_beside ("libtorture-shim.so"));
    own->variables[from][0] = own->preload;
    //  The address sanitizer wants to be loaded first; the shim does nothing that it would miss.
    own->variables[from][1] = "ASAN_OPTIONS=verify_asan_link_order=0";
    own->variables[from][2] = own->ports[from];
    hf_cluster_set_environment (cluster, from, own->variables[from]);
}

static void
s_wire_client (hf_links_t *self, const hf_cluster_t *cluster, unsigned client)
{
    s_proxies_t *own = self->own;
    for (unsigned to = 1; to <= self->nodes; to++) {
        uint16_t port =
            s_add_door (own, self->nodes + client, to, hf_cluster_client_port (cluster, to));
        s_add_text (own->list[client], "%s%u@127.0.0.1:%u:%u", to > 1 ? "," : "", to, port,
                    hf_cluster_node_port (cluster, to));
    }
}

static hf_cluster_t *
s_open (hf_links_t *self, char why[HF_WHY_SIZE])
{
    (void)why; //  it says why there are no namespaces
    s_proxies_t *own = self->own = hf_alloc (sizeof *own);
    hf_cluster_t *cluster = hf_cluster_new (self->nodes);
    for (unsigned id = 1; id <= self->nodes; id++)
        s_wire_node (self, cluster, id);
    for (unsigned client = 1; client <= self->clients; client++) {
        s_wire_client (self, cluster, client);
        self->place[client].list = own->list[client];
    }
    return cluster;
}

//  ---- the thread -------------------------------------------------------------------

static void
s_accept (s_proxies_t *own, const s_door_t *door)
{
    int fd = accept4 (door->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    if (own->streams == S_STREAMS_MAX)
        close (fd);
    else
        own->stream[own->streams++] = s_stream_new (fd, door->from, door->to, door->target);
}

static void
s_carry (hf_links_t *self, int wait_ms)
{
    s_proxies_t *own = self->own;
    struct pollfd wait[S_DOORS_MAX + 2 * S_STREAMS_MAX];
    unsigned doors = own->doors, streams = own->streams;
    for (unsigned i = 0; i < doors; i++)
        wait[i] = (struct pollfd){.fd = own->door[i].fd, .events = POLLIN};
    for (unsigned i = 0; i < streams; i++)
        s_stream_prepare (own->stream[i], self, wait + doors + 2 * i, &wait_ms);
    if (poll (wait, doors + 2 * streams, wait_ms) < 0)
        return;
    unsigned kept = 0;
    for (unsigned i = 0; i < streams; i++) {
        if (s_stream_carry (own->stream[i], self, wait + doors + 2 * i))
            own->stream[kept++] = own->stream[i];
        else
            s_stream_destroy (own->stream[i]);
    }
    own->streams = kept;
    for (unsigned i = 0; i < doors; i++) {
        if (wait[i].revents & POLLIN)
            s_accept (own, &own->door[i]);
    }
}

const hf_links_class_t hf_links_proxies = {HF_LINKS_PROXIES, s_open, s_carry, s_close};
