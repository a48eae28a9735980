//  The ROUTER socket for clients: routes in, bounded queues out.

#include "broker-less/hf_door.h"
#include "broker-less/hf_socket.h"
#include "base/hf_tsan.h"
#include "base/hf_alloc.h"
#include "base/hf_hash.h"
#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEND_MAX       4096 //  messages queued for one client that does not read; beyond, they are lost
#define DROPS_IN_A_ROW 256 //  malformed messages skipped in one call

#define SMALL_BYTES  4096 //  messages up to this are bounded by their number alone
#define CLIENT_SLOTS 4096 //  by a hash of the route: two clients may share one allowance

static const hf_socket_pulse_t s_pulse = {.interval_ms = 1000, .timeout_ms = 4000};

/*  Bytes that libzmq has accepted and not yet written or dropped. libzmq's threads count them down,
 *  some after the door is closed: the last reference frees this. */
typedef struct debts {
    atomic_size_t refs; //  the door, and every counted message
    atomic_size_t all;
    atomic_size_t client[CLIENT_SLOTS];
} debts_t;

struct hf_door {
    void *router;
    zmq_msg_t body; //  the message returned last
    uint64_t dropped;
    debts_t *debts;
};

static void
s_unref (debts_t *debts)
{
    if (atomic_fetch_sub (&debts->refs, 1) == 1)
        free (debts);
}

hf_door_t *
hf_door_new (void *context, const hf_endpoint_t *self_endpoint, char *error)
{
    assert (context && self_endpoint && error);
    error[0] = 0;
    hf_door_t *self = hf_alloc (sizeof (*self));
    zmq_msg_init (&self->body);
    self->debts = hf_alloc (sizeof (*self->debts));
    atomic_init (&self->debts->refs, 1);
    self->router = hf_socket_new (context, ZMQ_ROUTER, s_pulse);
    if (self->router == NULL) {
        hf_error_set (error, "cannot open a socket: %s", zmq_strerror (zmq_errno ()));
        hf_door_destroy (&self);
        return NULL;
    }
    hf_socket_set (self->router, ZMQ_SNDHWM, SEND_MAX);
    hf_socket_set (self->router, ZMQ_ROUTER_MANDATORY, 1);
    if (hf_socket_bind (self->router, self_endpoint->host, self_endpoint->client_port, "clients",
                        error) != 0)
        hf_door_destroy (&self);
    return self;
}

void
hf_door_destroy (hf_door_t **self_p)
{
    assert (self_p);
    hf_door_t *self = *self_p;
    if (self == NULL)
        return;
    hf_socket_close (self->router, NULL);
    zmq_msg_close (&self->body);
    s_unref (self->debts);
    free (self);
    *self_p = NULL;
}

void *
hf_door_socket (const hf_door_t *self)
{
    assert (self);
    return self->router;
}

uint64_t
hf_door_dropped (const hf_door_t *self)
{
    assert (self);
    return self->dropped;
}

//  ---- receiving -------------------------------------------------------------------

/*  Receive the next part of the same message into self->body; false when there is none. */
static bool
s_next_part (hf_door_t *self, bool more)
{
    if (!more)
        return false;
    int rc = zmq_msg_recv (&self->body, self->router, ZMQ_DONTWAIT);
    assert (rc >= 0 || zmq_errno () == ETERM); //  a message comes in whole or not at all
    return rc >= 0;
}

/*  Receive the parts behind the routing id; true when they are one frame, perhaps with a delimiter.
 */
static bool
s_take_parts (hf_door_t *self, bool more, hf_route_t *route)
{
    if (!s_next_part (self, more))
        return false;
    route->delimiter = zmq_msg_size (&self->body) == 0 && zmq_msg_more (&self->body);
    bool fits = !route->delimiter || s_next_part (self, true);
    fits = fits && !zmq_msg_more (&self->body);
    while (s_next_part (self, zmq_msg_more (&self->body)))
        continue;
    return fits;
}

bool
hf_door_next (hf_door_t *self, hf_route_t *route, hf_span_t *bytes)
{
    assert (self && route && bytes);
    for (unsigned turn = 0; turn < DROPS_IN_A_ROW; turn++) {
        *route = (hf_route_t){.size = 0};
        if (zmq_msg_recv (&self->body, self->router, ZMQ_DONTWAIT) < 0)
            return false;
        size_t size = zmq_msg_size (&self->body);
        bool short_id = size > 0 && size <= HF_ROUTE_MAX;
        if (short_id) {
            memcpy (route->id, zmq_msg_data (&self->body), size);
            route->size = (uint8_t)size;
        }
        if (s_take_parts (self, zmq_msg_more (&self->body), route) && short_id) {
            *bytes = hf_span (zmq_msg_data (&self->body), zmq_msg_size (&self->body));
            return true;
        }
        self->dropped++;
    }
    *route = (hf_route_t){.size = 0};
    return false;
}

//  ---- sending -------------------------------------------------------------------

/*  The first part decides: libzmq refuses it when the client is disconnected or its queue is full.
 */
static bool
s_send_id (hf_door_t *self, const hf_route_t *route)
{
    for (unsigned attempt = 0; attempt < 2; attempt++) {
        int rc = zmq_send (self->router, route->id, route->size, ZMQ_SNDMORE | ZMQ_DONTWAIT);
        if (rc >= 0)
            return true;
        if (zmq_errno () != EAGAIN)
            return false;
        //  Asking for events makes libzmq notice room in the queue.
        int events;
        size_t size = sizeof (events);
        zmq_getsockopt (self->router, ZMQ_EVENTS, &events, &size);
    }
    return false;
}

/*  Send the parts before the frame. */
static bool
s_send_head (hf_door_t *self, const hf_route_t *route)
{
    if (!s_send_id (self, route))
        return false;
    return !route->delimiter || zmq_send (self->router, "", 0, ZMQ_SNDMORE | ZMQ_DONTWAIT) == 0;
}

//  In front of the bytes of a counted message.
typedef struct counted {
    debts_t *debts;
    size_t size;
    uint32_t slot;
} counted_t;

/*  Called on a libzmq thread when the message was written or dropped. */
static void
s_settled (void *data, void *hint)
{
    (void)data;
    counted_t *counted = hint;
    HF_TSAN_TAKE (counted);
    debts_t *debts = counted->debts;
    atomic_fetch_sub (&debts->all, counted->size);
    atomic_fetch_sub (&debts->client[counted->slot], counted->size);
    free (counted);
    s_unref (debts);
}

/*  Send a large message if the client's allowance has room. */
static bool
s_send_counted (hf_door_t *self, const hf_route_t *route, const void *frame, size_t size)
{
    debts_t *debts = self->debts;
    uint32_t slot = (uint32_t)hf_hash (0, route->id, route->size) % CLIENT_SLOTS;
    if (atomic_load (&debts->client[slot]) + size > HF_DOOR_CLIENT_BYTES ||
        atomic_load (&debts->all) + size > HF_DOOR_ALL_BYTES || !s_send_head (self, route))
        return false;
    counted_t *counted = hf_alloc_again (NULL, sizeof (*counted) + size);
    *counted = (counted_t){.debts = debts, .size = size, .slot = slot};
    memcpy (counted + 1, frame, size);
    atomic_fetch_add (&debts->refs, 1);
    atomic_fetch_add (&debts->all, size);
    atomic_fetch_add (&debts->client[slot], size);
    HF_TSAN_GIVE (counted);
    zmq_msg_t message;
    int rc = zmq_msg_init_data (&message, counted + 1, size, s_settled, counted);
    assert (rc == 0);
    rc = zmq_msg_send (&message, self->router, ZMQ_DONTWAIT);
    if (rc < 0)
        zmq_msg_close (&message);
    return rc >= 0;
}

bool
hf_door_send (hf_door_t *self, const hf_route_t *route, const void *frame, size_t size)
{
    assert (self && route && frame && size > 0);
    assert (route->size > 0 && route->size <= HF_ROUTE_MAX);
    bool sent = false;
    if (size > SMALL_BYTES)
        sent = s_send_counted (self, route, frame, size);
    else if (s_send_head (self, route))
        sent = zmq_send (self->router, frame, size, ZMQ_DONTWAIT) == (int)size;
    self->dropped += !sent;
    return sent;
}
