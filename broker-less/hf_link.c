//  A client's connection to one node: DEALER socket, monitor, reconnecting.

#include "broker-less/hf_link.h"
#include "broker-less/hf_gate.h"
#include "broker-less/hf_socket.h"
#include "broker-less/hf_zap.h"
#include "base/hf_alloc.h"
#include "base/hf_chain.h"
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEND_MAX 1000
#define QUIET_US 500000 //  a node that was reached and says nothing for so long is in trouble

//  The sockets, as in hf_link_sockets, and what may be in them.
enum { DEALER = 0, MONITOR = 1 };
#define NEWS_OF(which) (1U << (which))
#define NEWS_OF_ALL    (NEWS_OF (DEALER) | NEWS_OF (MONITOR))

static const hf_socket_pulse_t s_pulse = {.interval_ms = 500, .timeout_ms = 1500};

/*  A frame that libzmq has not taken yet. */
typedef struct queued {
    hf_chain_t chain;
    size_t size;
    uint8_t bytes[];
} queued_t;

/*  How far the attempts to connect have come. */
typedef enum reach {
    REACH_NONE,    //  there was no attempt, or it is connected
    REACH_TRIED,   //  nothing came back
    REACH_REFUSED, //  the machine, or one on the way, said no
    REACH_OPEN     //  there is a connection, and nobody speaks
} reach_t;

struct hf_link {
    void *dealer;
    void *monitor;
    hf_resolver_t *resolver;
    uint32_t tag;
    hf_target_t target;
    zmq_msg_t body; //  the frame returned last
    bool connected;
    bool to_itself; //  the connection that was made last
    hf_chain_t queue;
    size_t queue_bytes;
    hf_keys_t *keys;      //  NULL: none
    uint32_t id;          //  of the node; 0: not known
    unsigned turn, tried; //  which of them; how many in a row, in vain
    hf_snub_t snub;
    reach_t reach;
    uint64_t reach_us; //  since when
    unsigned news;     //  bits: sockets that may have something
    bool told;         //  the caller says which have
};

static int
s_open (hf_link_t *self, void *context)
{
    self->dealer = hf_socket_new (context, ZMQ_DEALER, s_pulse);
    if (self->dealer == NULL)
        return -1;
    hf_socket_set (self->dealer, ZMQ_SNDHWM, SEND_MAX);
    hf_socket_set (self->dealer, ZMQ_IMMEDIATE, 1);
    hf_socket_set_reconnect (self->dealer, 20, 1000);
    self->monitor = hf_socket_monitor (context, self->dealer,
                                       ZMQ_EVENT_CONNECTED | ZMQ_EVENT_CONNECT_RETRIED |
                                           ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED |
                                           HF_SOCKET_SNUBS);
    return self->monitor == NULL ? -1 : 0;
}

hf_link_t *
hf_link_new (void *context, const hf_endpoint_t *endpoint, hf_resolver_t *resolver, uint32_t tag)
{
    assert (context && endpoint);
    hf_link_t *self = hf_alloc (sizeof (*self));
    hf_target_init (&self->target, endpoint->host, endpoint->client_port);
    assert (!self->target.named || resolver);
    self->id = endpoint->id;
    self->resolver = resolver;
    self->tag = tag;
    self->news = NEWS_OF_ALL;
    zmq_msg_init (&self->body);
    hf_chain_init (&self->queue);
    if (s_open (self, context) != 0) {
        int code = zmq_errno ();
        hf_link_destroy (&self);
        errno = code;
    }
    return self;
}

static void
s_drop_first (hf_link_t *self)
{
    queued_t *queued = HF_AROUND (self->queue.next, queued_t, chain);
    hf_chain_remove (&queued->chain);
    self->queue_bytes -= queued->size;
    free (queued);
}

static void
s_drop_queue (hf_link_t *self)
{
    while (!hf_chain_empty (&self->queue))
        s_drop_first (self);
    assert (self->queue_bytes == 0);
}

void
hf_link_destroy (hf_link_t **self_p)
{
    assert (self_p);
    hf_link_t *self = *self_p;
    if (self == NULL)
        return;
    hf_socket_close (self->dealer, self->monitor);
    zmq_msg_close (&self->body);
    s_drop_queue (self);
    free (self);
    *self_p = NULL;
}

void
hf_link_sockets (const hf_link_t *self, void *sockets[HF_LINK_SOCKETS])
{
    assert (self);
    sockets[DEALER] = self->dealer;
    sockets[MONITOR] = self->monitor;
}

void
hf_link_descriptors (hf_link_t *self, int fds[HF_LINK_SOCKETS])
{
    assert (self);
    void *sockets[HF_LINK_SOCKETS];
    hf_link_sockets (self, sockets);
    for (unsigned i = 0; i < HF_LINK_SOCKETS; i++) {
        size_t size = sizeof fds[i];
        int rc = zmq_getsockopt (sockets[i], ZMQ_FD, &fds[i], &size);
        assert (rc == 0);
    }
    self->told = true;
    self->news = NEWS_OF_ALL;
}

void
hf_link_news (hf_link_t *self, unsigned which)
{
    assert (self && which < HF_LINK_SOCKETS);
    self->news |= NEWS_OF (which);
}

bool
hf_link_asks (const hf_link_t *self)
{
    assert (self);
    return self->news != 0;
}

/*  Whether it is worth asking the socket. */
static bool
s_may_have (const hf_link_t *self, unsigned which)
{
    return !self->told || (self->news & NEWS_OF (which)) != 0;
}

/*  The socket has given nothing: it is empty, unless a signal came between. */
static void
s_gave_none (hf_link_t *self, unsigned which)
{
    if (zmq_errno () == EAGAIN)
        self->news &= ~NEWS_OF (which);
}

/*  Asking for events makes libzmq process what its I/O thread has reported: a new connection, room
 *  in the queue. Otherwise a send may miss that for a millisecond. What comes after an answer
 *  without IN and OUT shows on the descriptor. */
static int
s_catch_up (hf_link_t *self)
{
    int events;
    size_t size = sizeof (events);
    self->news |= NEWS_OF (DEALER);
    if (zmq_getsockopt (self->dealer, ZMQ_EVENTS, &events, &size) != 0)
        return ZMQ_POLLIN | ZMQ_POLLOUT; //  a signal came: there may be either
    return events;
}

void
hf_link_secure (hf_link_t *self, hf_keys_t *keys)
{
    assert (self && keys);
    self->keys = keys;
}

/*  Its time goes on while the same is seen again: attempts come in a row. */
static void
s_reach (hf_link_t *self, reach_t reach, uint64_t now_us)
{
    if (self->reach != reach)
        self->reach_us = now_us;
    self->reach = reach;
}

static hf_link_event_type_t
s_connect (hf_link_t *self, const char *address, uint64_t now_us)
{
    if (self->reach == REACH_NONE)
        s_reach (self, REACH_TRIED, now_us);
    char key[HF_KEY_TEXT + 1];
    if (self->keys) {
        if (!hf_keys_of_node (self->keys, self->id, self->turn, key)) {
            self->snub = HF_SNUB_UNKNOWN;
            return HF_LINK_SNUBBED; //  the target comes back to it
        }
        hf_socket_present (self->dealer, self->keys, key);
    }
    hf_socket_connect (self->dealer, address);
    self->news |= NEWS_OF (DEALER);
    return HF_LINK_NONE;
}

/*  The next key at once, until all were tried. */
static void
s_snubbed (hf_link_t *self, hf_snub_t snub, uint64_t now_us)
{
    self->snub = snub;
    if (!self->keys || !hf_snub_by_key (snub))
        return;
    unsigned count = hf_keys_count (self->keys, self->id);
    self->turn++;
    bool more = ++self->tried < count;
    if (!more)
        self->tried = 0;
    if (count > 1 && more)
        hf_target_silent (&self->target, now_us);
}

/*  What its target wants. libzmq does not reconnect by itself to a peer that does not speak ZMTP,
 *  such as another program on that port: the target starts over. */
static hf_link_event_type_t
s_move (hf_link_t *self, uint64_t now_us)
{
    char address[HF_ADDRESS_SIZE + 8];
    hf_link_event_type_t event = HF_LINK_NONE;
    for (;;) {
        switch (hf_target_next (&self->target, now_us, address)) {
        case HF_TARGET_REST:
            return event;
        case HF_TARGET_LOOK:
            hf_resolver_ask (self->resolver, self->tag, self->target.host);
            break;
        case HF_TARGET_CONNECT:
            event = s_connect (self, address, now_us);
            break;
        case HF_TARGET_DISCONNECT:
            hf_socket_disconnect (self->dealer, address);
            self->news |= NEWS_OF (DEALER);
            break;
        }
    }
}

void
hf_link_resolved (hf_link_t *self, const hf_looked_t *answer, uint64_t now_us)
{
    assert (answer->tag == self->tag);
    if (answer->found.count > 0)
        hf_target_found (&self->target, &answer->found, now_us);
    else
        hf_target_failed (&self->target, answer->why, now_us);
    s_move (self, now_us);
}

static bool
s_reach_text (const hf_link_t *self, uint64_t now_us, char *text, size_t size)
{
    static const char *const why[] = {
        [REACH_NONE] = "",
        [REACH_TRIED] = "does not answer",
        [REACH_REFUSED] = "refuses connections, or there is no way to it",
        [REACH_OPEN] = "takes connections, and says nothing",
    };
    if (self->reach == REACH_NONE ||
        (self->reach != REACH_REFUSED && now_us < self->reach_us + QUIET_US))
        return false;
    snprintf (text, size, "%s:%u %s", self->target.host, (unsigned)self->target.port,
              why[self->reach]);
    return true;
}

bool
hf_link_trouble (const hf_link_t *self, uint64_t now_us, char *text, size_t size)
{
    if (self->connected)
        return false;
    if (self->snub == HF_SNUB_NONE)
        return hf_target_trouble (&self->target, now_us, text, size) ||
               s_reach_text (self, now_us, text, size);
    const hf_keys_t *keys = self->keys;
    hf_snub_text (self->snub, self->id, keys ? hf_keys_own (keys) : NULL,
                  keys ? hf_keys_own_file (keys) : NULL, keys ? hf_keys_dir (keys) : NULL, text,
                  size);
    return true;
}

uint64_t
hf_link_due_us (const hf_link_t *self)
{
    return hf_target_due_us (&self->target);
}

/*  The gate refuses. With CURVE its word comes before libzmq has said HELLO, and is unexpected. */
static bool
s_is_full (const hf_socket_sight_t *sight)
{
    return (sight->event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH &&
            (sight->value == HF_GATE_REASON || sight->value == HF_ZAP_CROWDED)) ||
           (sight->event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL &&
            sight->value == ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND);
}

static hf_link_event_type_t
s_see (hf_link_t *self, uint64_t now_us)
{
    hf_socket_sight_t sight;
    while (hf_socket_seen (self->monitor, &sight)) {
        if (s_is_full (&sight))
            return HF_LINK_REFUSED;
        hf_snub_t snub = hf_socket_snub (&sight, self->keys != NULL);
        if (snub != HF_SNUB_NONE) {
            s_snubbed (self, snub, now_us);
            return HF_LINK_SNUBBED;
        }
        if (sight.event == ZMQ_EVENT_CONNECTED) {
            self->to_itself = hf_socket_to_itself (sight.value);
            if (self->to_itself)
                hf_target_to_itself (&self->target, now_us);
            else
                s_reach (self, REACH_OPEN, now_us);
            continue;
        }
        if (sight.event == ZMQ_EVENT_CONNECT_RETRIED) {
            s_reach (self, REACH_REFUSED, now_us);
            continue;
        }
        bool connected = sight.event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
        if (connected == self->connected || (connected && self->to_itself))
            continue; //  an attempt that failed
        self->connected = connected;
        s_reach (self, connected ? REACH_NONE : REACH_TRIED, now_us);
        if (connected) {
            hf_target_connected (&self->target);
            self->snub = HF_SNUB_NONE;
            self->tried = 0;
        } else
            hf_target_broken (&self->target, now_us);
        s_catch_up (self);
        if (!connected) //  the next connection begins anew
            s_drop_queue (self);
        return connected ? HF_LINK_CONNECTED : HF_LINK_BROKEN;
    }
    s_gave_none (self, MONITOR);
    return HF_LINK_NONE;
}

/*  Drop messages of more than one part: no node sends them. */
static bool
s_receive (hf_link_t *self)
{
    while (zmq_msg_recv (&self->body, self->dealer, ZMQ_DONTWAIT) >= 0) {
        bool single = !zmq_msg_more (&self->body);
        while (zmq_msg_more (&self->body)) {
            if (zmq_msg_recv (&self->body, self->dealer, ZMQ_DONTWAIT) < 0)
                return false;
        }
        if (single)
            return true;
    }
    s_gave_none (self, DEALER);
    return false;
}

hf_link_event_type_t
hf_link_next (hf_link_t *self, uint64_t now_us, hf_span_t *bytes)
{
    assert (self && bytes);
    *bytes = (hf_span_t){.at = NULL, .size = 0};
    if (s_may_have (self, MONITOR)) {
        hf_link_event_type_t seen = s_see (self, now_us);
        if (seen != HF_LINK_NONE)
            return seen;
    }
    if (s_may_have (self, DEALER) && s_receive (self)) {
        *bytes = hf_span (zmq_msg_data (&self->body), zmq_msg_size (&self->body));
        return HF_LINK_FRAME;
    }
    return s_move (self, now_us);
}

/*  Hand a frame to libzmq. False: it takes no more now, and either the link has news or the
 *  descriptor tells when it is worth another attempt: who waits for that must not be sent round in
 *  circles by attempts in vain. */
static bool
s_send (hf_link_t *self, const void *frame, size_t size)
{
    int sent = zmq_send (self->dealer, frame, size, ZMQ_DONTWAIT);
    self->news |= NEWS_OF (DEALER);
    if (sent < 0 && zmq_errno () == EAGAIN) {
        int events = s_catch_up (self);
        if ((events & ZMQ_POLLOUT) != 0)
            sent = zmq_send (self->dealer, frame, size, ZMQ_DONTWAIT);
        else if ((events & ZMQ_POLLIN) == 0)
            self->news &= ~NEWS_OF (DEALER);
    }
    return sent == (int)size;
}

void
hf_link_flush (hf_link_t *self)
{
    assert (self);
    while (!hf_chain_empty (&self->queue)) {
        const queued_t *queued = HF_AROUND (self->queue.next, queued_t, chain);
        if (!s_send (self, queued->bytes, queued->size))
            return;
        s_drop_first (self);
    }
}

bool
hf_link_waits (const hf_link_t *self)
{
    assert (self);
    return !hf_chain_empty (&self->queue);
}

bool
hf_link_send (hf_link_t *self, const void *frame, size_t size)
{
    assert (self && frame && size > 0);
    if (!self->connected)
        return false;
    if (hf_chain_empty (&self->queue) && s_send (self, frame, size))
        return true;
    if (self->queue_bytes + size > HF_LINK_QUEUE_BYTES)
        return false;
    queued_t *queued = hf_alloc_again (NULL, sizeof (*queued) + size);
    *queued = (queued_t){.size = size};
    memcpy (queued->bytes, frame, size);
    hf_chain_append (&self->queue, &queued->chain);
    self->queue_bytes += size;
    return true;
}
