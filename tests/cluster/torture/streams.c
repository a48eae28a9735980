//  One TCP connection through this process, with faults in each direction.

#include "tests/cluster/torture/streams.h"
#include "tests/kit/hf_ports.h"
#include "tests/kit/hf_wait.h"
#include "base/hf_alloc.h"
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define S_PIECE_SIZE 8192
#define S_HELD_MAX   (512 * 1024) //  bytes under way; then the sender waits
#define S_AGAIN_MS   220          //  after so long TCP repeats what was lost

/*  One direction. */
typedef struct s_way {
    unsigned from, to;
    int in, out;
    hf_parcels_t held;
    bool ended; //  nothing comes any more
} s_way_t;

struct hf_stream {
    uint16_t port;
    bool reached;    //  the other end has been called
    bool connecting; //  and has not answered yet
    s_way_t way[2];  //  as the connection was made, and back
};

hf_stream_t *
hf_stream_new (int accepted, unsigned from, unsigned to, uint16_t port)
{
    hf_stream_t *self = hf_alloc (sizeof *self);
    self->port = port;
    self->way[0] = (s_way_t){.from = from, .to = to, .in = accepted, .out = -1};
    self->way[1] = (s_way_t){.from = to, .to = from, .in = -1, .out = accepted};
    int on = 1;
    setsockopt (accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return self;
}

void
hf_stream_destroy (hf_stream_t **self_p)
{
    hf_stream_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    for (unsigned i = 0; i < 2; i++) {
        hf_parcels_clear (&self->way[i].held);
        if (self->way[i].in >= 0)
            close (self->way[i].in);
    }
    free (self);
}

/*  Connect to the other end; false when that fails at once. */
static bool
s_reach (hf_stream_t *self)
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

//  ---- one direction --------------------------------------------------------------

/*  False: the sender has closed. */
static bool
s_take (s_way_t *way, hf_links_t *links)
{
    uint8_t bytes[S_PIECE_SIZE];
    ssize_t got = recv (way->in, bytes, sizeof bytes, 0);
    if (got <= 0)
        return got < 0 && (errno == EAGAIN || errno == EINTR);
    hf_passage_t passage = hf_links_draw (links, way->from, way->to);
    uint64_t late_ms = passage.delay_ms + (passage.lost ? S_AGAIN_MS : 0);
    hf_parcels_add (&way->held, hf_wait_now_ms () + late_ms, bytes, (size_t)got);
    return true;
}

/*  Send on what is due; false: the receiver has closed. */
static bool
s_give (s_way_t *way)
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

//  ---- both -------------------------------------------------------------------------

void
hf_stream_prepare (hf_stream_t *self, const hf_links_t *links, struct pollfd wait[2], int *wait_ms)
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

bool
hf_stream_carry (hf_stream_t *self, hf_links_t *links, const struct pollfd wait[2])
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
        if (wait[i].revents && (wait[i].events & POLLIN) && !s_take (way, links))
            way->ended = true;
        if (!s_give (way) || (way->ended && !way->held.first))
            return false;
    }
    return true;
}
