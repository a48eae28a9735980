/*  The sockets of the mesh and what arrives on them; hf_mesh_peer.c judges the HELLOs.
 *
 *  Order of events. The frames that a peer sent before it died are delivered before BROKEN:
 *  otherwise its last heartbeat would call off the election that its death began. A flood from
 *  other peers must not hide the death, so BROKEN is reported after BREAK_PATIENCE further frames.
 *  After a reconnect, the peer's frames are dropped until a HELLO has arrived on the new
 * connection. The monitor is read after each frame, so that no frame of a new connection counts as
 * one of the old connection.
 */
#include "broker-less/hf_mesh_private.h"
#include "base/hf_alloc.h"
#include "base/hf_hash.h"
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define TOPIC_SIZE     4
#define SEND_MAX       8192 //  frames queued for one slow peer; beyond, it loses them
#define BREAK_PATIENCE 1024 //  frames that may still be delivered before BROKEN
#define DROPS_IN_A_ROW 256  //  malformed messages taken in one call
#define HELLO_FAST_US  20000
#define HELLO_SLOW_US  100000 //  a peer has been absent for longer
#define HELLO_IDLE_US  250000 //  all links are up
#define RECONNECT_US   2000000
#define STALL_US       1000000

//  The consensus notices a silent peer long before this. ZMTP heartbeats drop its dead connection,
//  so that a new one is made when the peer is back.
static const hf_socket_pulse_t s_pulse = {.interval_ms = 500, .timeout_ms = 1500};

//  ---- making and ending ---------------------------------------------------------

static void
s_topic (uint8_t topic[TOPIC_SIZE], uint32_t to)
{
    assert (to <= UINT16_MAX);
    topic[0] = 'H';
    topic[1] = 'F';
    topic[2] = (uint8_t)(to >> 8);
    topic[3] = (uint8_t)to;
}

static void
s_subscribe (hf_mesh_t *self, uint32_t to)
{
    uint8_t topic[TOPIC_SIZE];
    s_topic (topic, to);
    int rc = zmq_setsockopt (self->sub, ZMQ_SUBSCRIBE, topic, sizeof (topic));
    assert (rc == 0);
}

static int
s_open (hf_mesh_t *self, void *context, char *error)
{
    self->pub = hf_socket_new (context, self->listen.keys ? ZMQ_XPUB : ZMQ_PUB, s_pulse);
    self->sub = hf_socket_new (context, ZMQ_SUB, s_pulse);
    if (self->sub != NULL)
        self->monitor = hf_socket_monitor (
            context, self->sub, ZMQ_EVENT_CONNECTED | ZMQ_EVENT_DISCONNECTED | HF_SOCKET_SNUBS);
    if (self->pub == NULL || self->monitor == NULL || hf_mesh_keys_open (self, context) != 0) {
        return hf_error_set (error, "cannot open a socket: %s", zmq_strerror (zmq_errno ()));
    }
    hf_socket_set (self->pub, ZMQ_SNDHWM, SEND_MAX);
    //  A restarted node must be found quickly.
    hf_socket_set_reconnect (self->sub, 20, 200);
    s_subscribe (self, 0);
    s_subscribe (self, self->me.id);
    return 0;
}

hf_mesh_t *
hf_mesh_new (void *context, const hf_endpoints_t *endpoints, const hf_endpoint_t *own,
             const hf_listen_t *listen, char *error)
{
    assert (context && endpoints && own && listen && error);
    error[0] = 0;
    hf_mesh_t *self = hf_alloc (sizeof (*self));
    self->me.id = own->id;
    self->own = *own;
    self->listen = *listen;
    if (hf_endpoints_find (endpoints, own->id) != NULL)
        hf_endpoints_text (endpoints, self->me.list);
    self->me.list_hash = hf_hash (0, self->me.list, strlen (self->me.list));
    while (self->me.nonce == 0) {
        ssize_t size = getrandom (&self->me.nonce, sizeof (self->me.nonce), 0);
        assert (size == sizeof (self->me.nonce));
    }
    zmq_msg_init (&self->body);
    hf_pack_init (&self->hello);
    hf_mesh_set_peers (self, endpoints, false);
    if (s_open (self, context, error) != 0 ||
        hf_socket_bind (self->pub, own->host, &listen->at, listen->node_port, "nodes", error) != 0)
        hf_mesh_destroy (&self);
    return self;
}

void
hf_mesh_destroy (hf_mesh_t **self_p)
{
    assert (self_p);
    hf_mesh_t *self = *self_p;
    if (self == NULL)
        return;
    hf_socket_close (self->sub, self->monitor);
    hf_socket_close (self->pub, self->pub_monitor);
    hf_array_free (&self->subs);
    hf_resolver_destroy (&self->resolver);
    hf_array_free (&self->news);
    hf_array_free (&self->left);
    zmq_msg_close (&self->body);
    hf_pack_done (&self->hello);
    free (self);
    *self_p = NULL;
}

void
hf_mesh_sockets (const hf_mesh_t *self, void *sockets[HF_MESH_SOCKETS])
{
    assert (self);
    sockets[0] = self->sub;
    sockets[1] = self->monitor;
}

uint64_t
hf_mesh_dropped (const hf_mesh_t *self)
{
    assert (self);
    return self->dropped;
}

//  ---- sending ---------------------------------------------------------------------

void
hf_mesh_send (hf_mesh_t *self, uint32_t to, const void *frame, size_t size)
{
    assert (self && frame && size > 0);
    assert (to != self->me.id);
    uint8_t topic[TOPIC_SIZE];
    s_topic (topic, to);
    //  The peer would refuse it and close the connection.
    if (size > HF_SOCKET_BYTES_MAX) {
        self->dropped++;
        return;
    }
    //  A PUB socket never blocks and loses whole messages only.
    int rc = zmq_send (self->pub, topic, sizeof (topic), ZMQ_SNDMORE | ZMQ_DONTWAIT);
    assert (rc == TOPIC_SIZE || zmq_errno () == ETERM);
    rc = zmq_send (self->pub, frame, size, ZMQ_DONTWAIT);
    assert (rc == (int)size || zmq_errno () == ETERM);
}

static void
s_hello_send (hf_mesh_t *self, uint64_t now_us)
{
    hf_pack_t echoes;
    hf_pack_init (&echoes);
    for (uint32_t i = 0; i < self->count; i++) {
        const hf_mesh_peer_t *peer = &self->peer[i];
        if (hf_mesh_peer_heard (peer, now_us))
            hf_echo_put (&echoes, &(hf_echo_t){.node = peer->id, .nonce = peer->nonce});
    }
    hf_hello_t hello = {.from = self->me.id,
                        .nonce = self->me.nonce,
                        .list_hash = self->me.list_hash,
                        .list = hf_span_text (self->me.list),
                        .echoes = hf_pack_list (&echoes),
                        .cluster = self->me.cluster};
    hf_pack_reset (&self->hello);
    hf_hello_frame (&self->hello, &hello);
    hf_pack_done (&echoes);
    hf_mesh_send (self, 0, hf_pack_bytes (&self->hello), hf_pack_size (&self->hello));
    self->hello_us = now_us;
}

static uint64_t
s_hello_interval_us (const hf_mesh_t *self, uint64_t now_us)
{
    bool all_up = true;
    for (uint32_t i = 0; i < self->count; i++)
        all_up = all_up && self->peer[i].up;
    if (all_up)
        return HELLO_IDLE_US;
    return now_us < self->hurry_us ? HELLO_FAST_US : HELLO_SLOW_US;
}

void
hf_mesh_peer_leave (hf_mesh_t *self, hf_mesh_peer_t *peer, uint64_t now_us)
{
    if (peer->known && !peer->broken) { //  every end of a connection is reported
        peer->broken = true;
        self->patience = BREAK_PATIENCE;
    }
    peer->trusted = false;
    hf_target_silent (&peer->target, now_us);
}

/*  libzmq gives up for good on a peer that sends bytes that are not ZMTP, or a frame that is too
 *  large, and connecting again does nothing while it remembers the address. So disconnect from a
 *  silent peer and connect again; but not right after this process itself was held up: then the
 *  frames that wait must be read first. */
static void
s_leave_silent (hf_mesh_t *self, uint64_t now_us)
{
    bool held_up = hf_since_us (self->tick_us, now_us) > STALL_US;
    self->tick_us = now_us;
    if (held_up)
        self->reconnect_us = now_us;
    bool due = hf_since_us (self->reconnect_us, now_us) >= RECONNECT_US;
    if (due)
        self->reconnect_us = now_us;
    for (uint32_t i = 0; i < self->count; i++) {
        hf_mesh_peer_t *peer = &self->peer[i];
        if (held_up)
            hf_target_held_up (&peer->target, now_us);
        if (!due || peer->broken || !peer->target.connected ||
            hf_since_us (peer->said_us, now_us) < RECONNECT_US)
            continue;
        hf_mesh_peer_leave (self, peer, now_us);
    }
}

//  ---- ticks ---------------------------------------------------------------------

uint64_t
hf_mesh_tick (hf_mesh_t *self, uint64_t now_us)
{
    assert (self);
    if (!self->started) {
        self->started = true;
        self->hurry_us = now_us + HF_MESH_HURRY_US;
        s_hello_send (self, now_us);
    }
    for (uint32_t i = 0; i < self->count; i++)
        hf_mesh_peer_age (&self->peer[i], now_us);
    s_leave_silent (self, now_us);
    hf_mesh_keys_tick (self, now_us);
    hf_mesh_follow_names (self, now_us);
    if (now_us >= self->hello_us + s_hello_interval_us (self, now_us))
        s_hello_send (self, now_us);
    return self->hello_us + s_hello_interval_us (self, now_us);
}

//  ---- the monitor -------------------------------------------------------

/*  The peer of a connection, NULL: it was left. Two names may stand for one address; then the peer
 *  is found by the file descriptor on which its last HELLO arrived. */
static hf_mesh_peer_t *
s_peer_seen (hf_mesh_t *self, const hf_socket_sight_t *sight)
{
    for (uint32_t i = 0; i < self->count; i++) {
        if (sight->event == ZMQ_EVENT_DISCONNECTED && self->peer[i].fd == sight->value &&
            !self->peer[i].broken)
            return &self->peer[i];
    }
    for (uint32_t i = 0; i < self->count; i++) {
        if (strcmp (self->peer[i].target.address, sight->address) == 0)
            return &self->peer[i];
    }
    return NULL;
}

/*  A connection to PEER is made: its frames count when its HELLO has come. */
static void
s_connected (hf_mesh_t *self, hf_mesh_peer_t *peer, int fd, uint64_t now_us)
{
    bool to_itself = hf_socket_to_itself (fd);
    for (uint32_t i = 0; i < self->count; i++) {
        if (&self->peer[i] == peer || (peer == NULL && self->peer[i].broken))
            self->peer[i].trusted = false;
    }
    if (to_itself && peer != NULL)
        hf_target_to_itself (&peer->target, now_us);
}

/*  Process the monitor's events; true when a connection broke. */
static bool
s_monitor_drain (hf_mesh_t *self, uint64_t now_us)
{
    hf_socket_sight_t sight;
    bool broken = false;
    while (hf_socket_seen (self->monitor, &sight)) {
        hf_mesh_peer_t *peer = s_peer_seen (self, &sight);
        hf_snub_t snub = hf_socket_snub (&sight, self->keys != NULL);
        if (snub != HF_SNUB_NONE && peer != NULL) {
            hf_mesh_snubbed (self, peer, snub, now_us);
            continue;
        }
        if (sight.event == ZMQ_EVENT_CONNECTED) {
            s_connected (self, peer, sight.value, now_us);
        } else if (sight.event == ZMQ_EVENT_DISCONNECTED && peer != NULL && peer->known &&
                   !peer->broken) {
            hf_target_broken (&peer->target, now_us);
            peer->broken = true;
            self->patience = BREAK_PATIENCE;
            broken = true;
        }
    }
    return broken;
}

//  ---- receiving ---------------------------------------------------------------

typedef enum { GOT_NONE, GOT_BAD, GOT_FRAME } got_t;

/*  Receive one message whole; the frame is then in self->body. */
static got_t
s_receive (hf_mesh_t *self)
{
    int size = zmq_msg_recv (&self->body, self->sub, ZMQ_DONTWAIT);
    self->emptied = size < 0 && zmq_errno () == EAGAIN;
    if (size < 0)
        return GOT_NONE;
    unsigned parts = 1;
    int more = zmq_msg_more (&self->body);
    while (more && zmq_msg_recv (&self->body, self->sub, ZMQ_DONTWAIT) >= 0) {
        more = zmq_msg_more (&self->body);
        parts++;
    }
    return size == TOPIC_SIZE && parts == 2 ? GOT_FRAME : GOT_BAD;
}

/*  What the HELLO of another cluster means, in self->text. */
static void
s_say_other_cluster (hf_mesh_t *self, const hf_hello_t *hello)
{
    if (hello->cluster != 0)
        snprintf (self->text, sizeof (self->text),
                  "node %u is of cluster %016" PRIx64 " and this node of cluster %016" PRIx64
                  ": its messages are dropped, since two clusters never mix. If one of both was "
                  "recovered from one disk, the node of the other one is left over: wipe that, and "
                  "add it. Else one of them has the data folder of another cluster, or a wrong "
                  "address in its list",
                  hello->from, hello->cluster, self->me.cluster);
    else
        snprintf (self->text, sizeof (self->text),
                  "the cluster of node %u has no id yet, so that no node can join it: its messages "
                  "are dropped until the cluster's feature level is raised",
                  hello->from);
}

/*  Process the HELLO at SCAN; true when EVENT was filled for the caller. */
static bool
s_take_hello (hf_mesh_t *self, hf_mesh_peer_t *peer, hf_scan_t *scan, uint64_t now_us,
              hf_mesh_event_t *event)
{
    hf_hello_t hello;
    if (!hf_hello_get (scan, &hello)) {
        self->dropped++;
        return false;
    }
    if (peer != NULL)
        hf_target_connected (&peer->target);
    int fd = zmq_msg_get (&self->body, ZMQ_SRCFD);
    switch (hf_mesh_peer_hello (peer, &self->me, &hello, fd, now_us)) {
    case HF_HELLO_BAD:
        self->dropped++;
        break;
    case HF_HELLO_OTHER_LIST:
        *event =
            (hf_mesh_event_t){.type = HF_MESH_OTHER_LIST, .node = hello.from, .text = hello.list};
        return true;
    case HF_HELLO_OTHER_CLUSTER:
        s_say_other_cluster (self, &hello);
        *event = (hf_mesh_event_t){
            .type = HF_MESH_OTHER_CLUSTER, .node = hello.from, .text = hf_span_text (self->text)};
        return true;
    case HF_HELLO_NOT_ECHOED: //  the peer does not know yet that we hear it
        if (hf_since_us (self->hello_us, now_us) >= HELLO_FAST_US)
            s_hello_send (self, now_us);
        break;
    case HF_HELLO_TAKEN:
        break;
    }
    return false;
}

/*  Process the frame in self->body; true when EVENT was filled for the caller. */
static bool
s_take (hf_mesh_t *self, uint64_t now_us, hf_mesh_event_t *event)
{
    hf_scan_t scan;
    uint32_t kind = 0;
    uint32_t from = 0;
    size_t size = zmq_msg_size (&self->body);
    if (hf_frame_open (zmq_msg_data (&self->body), size, &scan, &kind) == HF_OK) {
        hf_scan_t peek = scan;
        hf_scan_array (&peek);
        hf_get_u32 (&peek, &kind);
        hf_get_u32 (&peek, &from); //  the first field of every message between nodes
    }
    //  A node that is left may be a peer at another place already.
    if (hf_mesh_leaves (self, from))
        return false;
    hf_mesh_peer_t *peer = hf_mesh_peer_find (self->peer, self->count, from);
    if (kind == HF_KIND_HELLO)
        return s_take_hello (self, peer, &scan, now_us, event);
    if (peer == NULL || peer->foreign) {
        self->dropped++;
        return false;
    }
    //  Until its HELLO has arrived the peer's cluster is unknown: drop the frame, do not count it.
    if (!peer->trusted)
        return false;
    *event = (hf_mesh_event_t){
        .type = HF_MESH_FRAME, .node = from, .bytes = hf_span (zmq_msg_data (&self->body), size)};
    return true;
}

/*  Report what hf_mesh_follow did. */
static bool
s_report_news (hf_mesh_t *self, hf_mesh_event_t *event)
{
    if (self->news.count == 0)
        return false;
    const hf_mesh_news_t *news = &self->news.list[0];
    memcpy (self->text, news->text, sizeof (self->text));
    *event = (hf_mesh_event_t){
        .type = news->type, .node = news->node, .text = hf_span_text (self->text)};
    hf_array_drop (&self->news, 1);
    return true;
}

/*  Report a break, or a link that went up or down. */
static bool
s_report (hf_mesh_t *self, uint64_t now_us, bool breaks, hf_mesh_event_t *event)
{
    if (s_report_news (self, event))
        return true;
    if (self->names_changed) {
        self->names_changed = false;
        *event = (hf_mesh_event_t){
            .type = HF_MESH_NAMES, .node = self->me.id, .text = hf_span_text (self->names)};
        return true;
    }
    for (uint32_t i = 0; i < self->count; i++) {
        hf_mesh_peer_t *peer = &self->peer[i];
        if (breaks && peer->broken) {
            hf_mesh_peer_forget (peer);
            self->hurry_us = now_us + HF_MESH_HURRY_US;
            *event = (hf_mesh_event_t){.type = HF_MESH_BROKEN, .node = peer->id};
            return true;
        }
        if (peer->up != peer->reported_up) {
            peer->reported_up = peer->up;
            self->hurry_us = peer->up ? self->hurry_us : now_us + HF_MESH_HURRY_US;
            *event =
                (hf_mesh_event_t){.type = peer->up ? HF_MESH_UP : HF_MESH_DOWN, .node = peer->id};
            return true;
        }
    }
    return false;
}

static bool
s_any_broken (const hf_mesh_t *self)
{
    for (uint32_t i = 0; i < self->count; i++) {
        if (self->peer[i].broken)
            return true;
    }
    return false;
}

void
hf_mesh_is_quiet (hf_mesh_t *self, bool nor_sub)
{
    assert (self);
    self->quiet = true;
    self->idle = nor_sub;
}

bool
hf_mesh_emptied (const hf_mesh_t *self)
{
    assert (self);
    return self->emptied;
}

/*  Look at the monitor, behind what was received; true when a connection broke. */
static bool
s_look (hf_mesh_t *self, got_t got, uint64_t now_us)
{
    if (got == GOT_NONE && self->quiet)
        return false;
    return s_monitor_drain (self, now_us);
}

hf_mesh_event_type_t
hf_mesh_next (hf_mesh_t *self, uint64_t now_us, hf_mesh_event_t *event)
{
    assert (self && event);
    *event = (hf_mesh_event_t){.type = HF_MESH_NONE};
    for (unsigned turn = 0; turn < DROPS_IN_A_ROW; turn++) {
        bool broken = s_any_broken (self);
        if (s_report (self, now_us, broken && self->patience == 0, event))
            return event->type;
        //  A receive that finds nothing is a system call, before what others wait for.
        bool idle = self->idle && !broken && self->left.count == 0;
        self->idle = false;
        if (idle) {
            self->quiet = false;
            return HF_MESH_NONE;
        }
        got_t got = s_receive (self);
        bool seen = s_look (self, got, now_us);
        bool taken = got == GOT_FRAME && s_take (self, now_us, event);
        hf_mesh_leave (self);
        if (got == GOT_NONE) {
            //  The peer whose connection just broke may have sent a frame before that.
            if (!seen && !broken) {
                self->quiet = false;
                return HF_MESH_NONE;
            }
            if (!seen && s_report (self, now_us, true, event))
                return event->type;
            continue;
        }
        self->patience -= broken && self->patience > 0;
        if (got == GOT_BAD)
            self->dropped++;
        if (taken)
            return event->type;
    }
    return HF_MESH_NONE;
}
