//  The network between one client and the cluster: connections and delays.

#include "tests/cluster/harness/hf_proxy_internal.h"
#include "base/hf_alloc.h"
#include "tests/kit/hf_ports.h"
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define PEERS_MAX 256 //  connections of the client, over the whole test
#define ID_MAX    32

/*  One connection of the client to one of the fronts, and the way on to the node. */
typedef struct peer {
    unsigned front;
    uint8_t id[ID_MAX];
    size_t id_size;
    void *dealer;
} peer_t;

/*  A message that waits. */
typedef struct held {
    struct held *next;
    hf_way_t way;
    unsigned peer;
    uint32_t rule; //  that holds it
    uint32_t copies;
    size_t size;
    uint8_t bytes[];
} held_t;

struct hf_proxy {
    unsigned count;
    hf_port_t port[HF_MEMBERS_MAX];
    uint16_t node_port[HF_MEMBERS_MAX];
    char list[1024];
    void *context;
    pthread_t thread;
    atomic_bool stop;
    //  Of the thread alone.
    void *front[HF_MEMBERS_MAX];
    peer_t peer[PEERS_MAX];
    unsigned peers;
    held_t *held; //  in the order they came
    //  Shared with the test's thread, under the mutex.
    pthread_mutex_t mutex;
    hf_rules_t rules;
};

//  ---- passing on ------------------------------------------------------------------

static void
s_send (hf_proxy_t *self, hf_way_t way, unsigned index, const void *bytes, size_t size)
{
    peer_t *peer = &self->peer[index];
    if (way == HF_TO_NODE) {
        zmq_send (peer->dealer, bytes, size, ZMQ_DONTWAIT);
        return;
    }
    //  The client may have left: then the answer is lost, as on a real network.
    if (zmq_send (self->front[peer->front], peer->id, peer->id_size, ZMQ_DONTWAIT | ZMQ_SNDMORE) >=
        0)
        zmq_send (self->front[peer->front], bytes, size, ZMQ_DONTWAIT);
}

static void
s_hold (hf_proxy_t *self, hf_way_t way, unsigned index, hf_verdict_t verdict, const void *bytes,
        size_t size)
{
    held_t *held = hf_alloc (sizeof *held + size);
    *held = (held_t){
        .way = way, .peer = index, .rule = verdict.held_by, .copies = verdict.copies, .size = size};
    memcpy (held->bytes, bytes, size);
    held_t **end = &self->held;
    while (*end)
        end = &(*end)->next;
    *end = held;
}

static void s_let_go (hf_proxy_t *self);

static void
s_pass (hf_proxy_t *self, hf_way_t way, unsigned index, const void *bytes, size_t size)
{
    s_let_go (self); //  what was held and may go stays before what comes later
    pthread_mutex_lock (&self->mutex);
    hf_verdict_t verdict = hf_rules_judge (&self->rules, way, bytes, size);
    pthread_mutex_unlock (&self->mutex);
    if (verdict.held_by)
        s_hold (self, way, index, verdict, bytes, size);
    else
        for (uint32_t i = 0; i < verdict.copies; i++)
            s_send (self, way, index, bytes, size);
}

/*  Pass on what rules held that are lifted now, in the order it came. */
static void
s_let_go (hf_proxy_t *self)
{
    held_t **at = &self->held;
    while (*at) {
        held_t *held = *at;
        pthread_mutex_lock (&self->mutex);
        bool lifted = self->rules.list[held->rule - 1].lifted;
        pthread_mutex_unlock (&self->mutex);
        if (!lifted) {
            at = &held->next;
            continue;
        }
        *at = held->next;
        for (uint32_t i = 0; i < held->copies; i++)
            s_send (self, held->way, held->peer, held->bytes, held->size);
        free (held);
    }
}

//  ---- sockets ----------------------------------------------------------------------

static void *
s_socket (hf_proxy_t *self, int type)
{
    void *socket = zmq_socket (self->context, type);
    assert (socket);
    int none = 0;
    int soon_ms = 10;
    int most_ms = 100;
    zmq_setsockopt (socket, ZMQ_LINGER, &none, sizeof none);
    zmq_setsockopt (socket, ZMQ_SNDHWM, &none, sizeof none);
    zmq_setsockopt (socket, ZMQ_RCVHWM, &none, sizeof none);
    zmq_setsockopt (socket, ZMQ_RECONNECT_IVL, &soon_ms, sizeof soon_ms);
    zmq_setsockopt (socket, ZMQ_RECONNECT_IVL_MAX, &most_ms, sizeof most_ms);
    return socket;
}

/*  The peer that sends from ID at FRONT; a new one when it has not been seen. */
static unsigned
s_peer (hf_proxy_t *self, unsigned front, const void *id, size_t id_size)
{
    for (unsigned i = 0; i < self->peers; i++) {
        peer_t *peer = &self->peer[i];
        if (peer->front == front && peer->id_size == id_size && memcmp (peer->id, id, id_size) == 0)
            return i;
    }
    assert (self->peers < PEERS_MAX && id_size <= ID_MAX);
    peer_t *peer = &self->peer[self->peers];
    *peer = (peer_t){.front = front, .id_size = id_size, .dealer = s_socket (self, ZMQ_DEALER)};
    memcpy (peer->id, id, id_size);
    char address[64];
    snprintf (address, sizeof address, "tcp://127.0.0.1:%u", self->node_port[front]);
    int rc = zmq_connect (peer->dealer, address);
    assert (rc == 0);
    return self->peers++;
}

/*  Take in all that waits at SOCKET. PEER is ignored for a front. */
static void
s_drain (hf_proxy_t *self, void *socket, hf_way_t way, unsigned index)
{
    zmq_msg_t message;
    zmq_msg_init (&message);
    while (zmq_msg_recv (&message, socket, ZMQ_DONTWAIT) >= 0) {
        if (way == HF_TO_NODE) {
            unsigned peer = s_peer (self, index, zmq_msg_data (&message), zmq_msg_size (&message));
            while (zmq_msg_more (&message))
                zmq_msg_recv (&message, socket, 0);
            s_pass (self, way, peer, zmq_msg_data (&message), zmq_msg_size (&message));
        } else
            s_pass (self, way, index, zmq_msg_data (&message), zmq_msg_size (&message));
    }
    zmq_msg_close (&message);
}

static void *
s_run (void *arg)
{
    hf_proxy_t *self = arg;
    while (!atomic_load (&self->stop)) {
        zmq_pollitem_t items[HF_MEMBERS_MAX + PEERS_MAX] = {0};
        unsigned count = 0;
        for (unsigned i = 0; i < self->count; i++)
            items[count++] = (zmq_pollitem_t){.socket = self->front[i], .events = ZMQ_POLLIN};
        unsigned peers = self->peers;
        for (unsigned i = 0; i < peers; i++)
            items[count++] = (zmq_pollitem_t){.socket = self->peer[i].dealer, .events = ZMQ_POLLIN};
        zmq_poll (items, (int)count, 5);
        for (unsigned i = 0; i < self->count; i++) {
            if (items[i].revents)
                s_drain (self, self->front[i], HF_TO_NODE, i);
        }
        for (unsigned i = 0; i < peers; i++) {
            if (items[self->count + i].revents)
                s_drain (self, self->peer[i].dealer, HF_TO_CLIENT, i);
        }
        s_let_go (self);
    }
    return NULL;
}

//  ---- the class ------------------------------------------------------------------------

static void
s_bind (hf_proxy_t *self, unsigned front)
{
    self->port[front] = hf_port_take ();
    self->front[front] = s_socket (self, ZMQ_ROUTER);
    char address[64];
    snprintf (address, sizeof address, "tcp://127.0.0.1:%u", self->port[front].number);
    int rc = zmq_bind (self->front[front], address);
    assert (rc == 0);
}

hf_proxy_t *
hf_proxy_new (const hf_cluster_t *cluster)
{
    hf_proxy_t *self = hf_alloc (sizeof *self);
    self->count = hf_cluster_count (cluster);
    self->context = zmq_ctx_new ();
    zmq_ctx_set (self->context, ZMQ_MAX_SOCKETS, 2048);
    size_t length = 0;
    for (unsigned i = 0; i < self->count; i++) {
        self->node_port[i] = hf_cluster_client_port (cluster, i + 1);
        s_bind (self, i);
        length += (size_t)snprintf (self->list + length, sizeof self->list - length,
                                    "%s%u@127.0.0.1:%u:%u", i > 0 ? "," : "", i + 1,
                                    self->port[i].number, hf_cluster_node_port (cluster, i + 1));
    }
    pthread_mutex_init (&self->mutex, NULL);
    int rc = pthread_create (&self->thread, NULL, s_run, self);
    assert (rc == 0);
    return self;
}

void
hf_proxy_destroy (hf_proxy_t **self_p)
{
    hf_proxy_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    atomic_store (&self->stop, true);
    pthread_join (self->thread, NULL);
    for (unsigned i = 0; i < self->peers; i++)
        zmq_close (self->peer[i].dealer);
    for (unsigned i = 0; i < self->count; i++) {
        zmq_close (self->front[i]);
        hf_port_give_back (&self->port[i]);
    }
    while (self->held) {
        held_t *held = self->held;
        self->held = held->next;
        free (held);
    }
    zmq_ctx_term (self->context);
    pthread_mutex_destroy (&self->mutex);
    free (self);
}

const char *
hf_proxy_endpoints (const hf_proxy_t *self)
{
    return self->list;
}

//  ---- rules ------------------------------------------------------------------------------

uint32_t
hf_proxy_add (hf_proxy_t *self, const hf_rule_t *rule)
{
    assert (rule->way == HF_TO_NODE || rule->way == HF_TO_CLIENT);
    pthread_mutex_lock (&self->mutex);
    assert (self->rules.count < HF_RULES_MAX);
    self->rules.list[self->rules.count] =
        (hf_rule_state_t){.rule = *rule, .random = {rule->seed}, .answer = -1};
    uint32_t number = ++self->rules.count;
    pthread_mutex_unlock (&self->mutex);
    return number;
}

/*  A copy of the rule's state as it is now. */
static hf_rule_state_t
s_look (hf_proxy_t *self, uint32_t rule)
{
    pthread_mutex_lock (&self->mutex);
    assert (rule >= 1 && rule <= self->rules.count);
    hf_rule_state_t state = self->rules.list[rule - 1];
    pthread_mutex_unlock (&self->mutex);
    return state;
}

void
hf_proxy_lift (hf_proxy_t *self, uint32_t rule)
{
    pthread_mutex_lock (&self->mutex);
    assert (rule >= 1 && rule <= self->rules.count);
    self->rules.list[rule - 1].lifted = true;
    pthread_mutex_unlock (&self->mutex);
}

uint64_t
hf_proxy_fired (hf_proxy_t *self, uint32_t rule)
{
    return s_look (self, rule).fired;
}

int
hf_proxy_answer_to (hf_proxy_t *self, uint32_t rule)
{
    return s_look (self, rule).answer;
}

bool
hf_proxy_wait_fired (hf_proxy_t *self, uint32_t rule, uint64_t times, uint32_t limit_ms)
{
    return HF_WAIT (hf_proxy_fired (self, rule) >= times, limit_ms);
}
