//  The ROUTER socket for clients: routes in, bounded queues out.

#include "broker-less/hf_door.h"
#include "base/hf_alloc.h"
#include "base/hf_array.h"
#include "base/hf_tsan.h"
#include "broker-less/hf_door_clients.h"
#include "broker-less/hf_door_rules.h"
#include "broker-less/hf_gate.h"
#include "broker-less/hf_inflow.h"
#include "broker-less/hf_intake.h"
#include "broker-less/hf_socket.h"
#include "broker-less/hf_zap.h"
#include "msgs/hf_msg.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DROPS_IN_A_ROW 256 //  malformed messages skipped in one call
#define SWEEP_US       50000
#define SAY_US         10000000 //  between two lines about strangers; and in which ...
#define SAY_AWAY_US    60000000 //  between two about users with too many connections
#define SAY_MOST       10       //  ... so many trespasses are told
#define NEWS_MAX       32       //  lines that wait to be read: more are dropped
#define BOX_BYTES      33       //  of a frame in CURVE: a name, a nonce, a tag and flags

/*  For each answer to a heartbeat libzmq 4.3.4 looks for its timer among those of all connections:
 * at a heartbeat a second, 6,000 clients took a core of a node. Clients send heartbeats themselves.
 */
static const hf_socket_pulse_t s_pulse = {.interval_ms = 30000, .timeout_ms = 4000};

typedef struct hf_door_news {
    char text[HF_ERROR_SIZE];
} hf_door_news_t;

typedef struct hf_door_user {
    char name[HF_KEY_NAME_MAX + 1];
    bool crowded; //  as hf_keys_crowd was told
} hf_door_user_t;

struct hf_door {
    void *router;
    void *monitor;
    uint16_t port;
    zmq_msg_t body; //  the message returned last
    size_t cost;    //  of that with its other parts, while it waited
    bool emptied;   //  the last call on the socket found nothing
    uint64_t dropped;
    hf_door_clients_t clients;
    uint64_t sweep_us; //  when the next sweep is due
    size_t part_cost;  //  of a part of no bytes
    hf_keys_t *keys;   //  NULL: none
    uint64_t keys_version;
    uint64_t strangers, strangers_us; //  handshakes that came to nothing; not to be told before
    unsigned trespasses;              //  of late; forgotten ...
    uint64_t trespasses_us;           //  ... then
    HF_ARRAY (hf_door_news_t) news;
    HF_ARRAY (hf_door_user_t) users; //  by number
    uint32_t met;                    //  user of who was met last; 0: none
    uint32_t user_connections;       //  that one may have; 0: any number
    uint64_t turned_away;            //  here; others are by hf_keys.h
    uint64_t said_away, said_away_us;
};

hf_door_t *
hf_door_new (void *context, const char *host, const hf_listen_t *listen, char *error)
{
    assert (context && host && listen && error);
    error[0] = 0;
    hf_door_t *self = hf_alloc (sizeof (*self));
    zmq_msg_init (&self->body);
    hf_door_clients_init (&self->clients);
    self->port = listen->client_port;
    self->router = hf_socket_new (context, ZMQ_ROUTER, s_pulse);
    if (self->router != NULL)
        self->monitor = hf_socket_monitor (context, self->router,
                                           ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED |
                                               ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL);
    if (self->monitor == NULL) {
        hf_error_set (error, "cannot open a socket: %s", zmq_strerror (zmq_errno ()));
        hf_door_destroy (&self);
        return NULL;
    }
    //  What waits for a client is bounded in bytes. With a bound on messages, too, one client with
    //  many sessions lost answers that came all at once.
    hf_socket_set (self->router, ZMQ_SNDHWM, 0);
    hf_socket_set (self->router, ZMQ_ROUTER_MANDATORY, 1);
    self->keys = listen->keys;
    self->user_connections = listen->user_connections;
    self->keys_version = self->keys ? hf_keys_version (self->keys) : 0;
    self->part_cost = hf_inflow_cost (self->keys ? BOX_BYTES : 0);
    hf_socket_admit (self->router, self->keys, HF_KEY_OF_CLIENT);
    if (hf_socket_bind (self->router, host, &listen->at, listen->client_port, "clients", error) !=
        0)
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
    hf_socket_close (self->router, self->monitor);
    zmq_msg_close (&self->body);
    hf_door_clients_done (&self->clients);
    hf_array_free (&self->news);
    hf_array_free (&self->users);
    free (self);
    *self_p = NULL;
}

void *
hf_door_socket (const hf_door_t *self)
{
    assert (self);
    return self->router;
}

static uint64_t
s_turned_away (const hf_door_t *self)
{
    return self->turned_away + (self->keys ? hf_keys_turned_away (self->keys) : 0);
}

hf_door_facts_t
hf_door_facts (const hf_door_t *self)
{
    assert (self);
    hf_intake_facts_t intake = hf_intake_facts ();
    return (hf_door_facts_t){.dropped = self->dropped,
                             .connections = self->clients.connections,
                             .refused = hf_gate_refused (self->port),
                             .cut = self->clients.cut + intake.cut,
                             .halves = intake.halves,
                             .turned_away = s_turned_away (self),
                             .received = intake.waiting,
                             .waiting = self->clients.all,
                             .known = self->clients.table.count};
}

//  ---- who is there ------------------------------------------------------------------

static void
s_watch (hf_door_t *self)
{
    hf_socket_sight_t sight;
    while (hf_socket_seen (self->monitor, &sight)) {
        if (sight.event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL)
            self->strangers++;
        else if (sight.value >= 0 && sight.event == ZMQ_EVENT_ACCEPTED)
            hf_door_clients_opened (&self->clients, sight.value);
        else if (sight.value >= 0)
            hf_door_clients_closed (&self->clients, sight.value);
    }
}

static void __attribute__ ((format (printf, 2, 3)))
s_tell (hf_door_t *self, const char *format, ...)
{
    if (self->news.count >= NEWS_MAX)
        return;
    va_list args;
    va_start (args, format);
    vsnprintf (hf_array_add (&self->news)->text, HF_ERROR_SIZE, format, args);
    va_end (args);
}

bool
hf_door_news (hf_door_t *self, char text[HF_ERROR_SIZE])
{
    if (self->news.count == 0)
        return false;
    memcpy (text, self->news.list[0].text, HF_ERROR_SIZE);
    hf_array_drop (&self->news, 1);
    return true;
}

static void
s_tell_strangers (hf_door_t *self, uint64_t now_us)
{
    if (now_us >= self->trespasses_us) {
        self->trespasses = 0;
        self->trespasses_us = now_us + SAY_US;
    }
    if (self->strangers == 0 || now_us < self->strangers_us)
        return;
    s_tell (self,
            self->keys ? "refused %llu connections of clients without a key, or with another "
                         "key of this node than it has"
                       : "refused %llu connections of clients that want keys: this node has "
                         "none",
            (unsigned long long)self->strangers);
    self->strangers = 0;
    self->strangers_us = now_us + SAY_US;
}

/*  Cut off those whose keys are gone. */
static void
s_revoke (hf_door_t *self)
{
    const hf_door_client_t *client;
    uint64_t version = self->keys ? hf_keys_version (self->keys) : 0;
    if (version == self->keys_version)
        return;
    self->keys_version = version;
    for (int fd = 0; (client = hf_door_clients_revoked (&self->clients, self->keys, &fd)); fd++) {
        s_tell (self, "cuts off client %s: its key is not in the folder any more",
                client->key->name[0] ? client->key->name : "of a node");
        hf_door_clients_expel (&self->clients, fd);
    }
}

/*  Whether the user of that NUMBER has all the connections that he may have. The next are refused
 * in their handshake, which costs less. */
static bool
s_crowded (hf_door_t *self, uint32_t number)
{
    hf_door_user_t *user = &self->users.list[number - 1];
    bool crowded =
        hf_door_crowded (hf_door_clients_of (&self->clients, number), self->user_connections);
    if (crowded != user->crowded)
        hf_keys_crowd (self->keys, user->name, crowded);
    user->crowded = crowded;
    return crowded;
}

static void
s_look_at_crowds (hf_door_t *self, uint64_t now_us)
{
    for (uint32_t number = 1; number <= self->users.count && self->user_connections > 0; number++)
        s_crowded (self, number);
    uint64_t turned_away = s_turned_away (self);
    if (turned_away == self->said_away || now_us < self->said_away_us)
        return;
    s_tell (self,
            "users want more connections than %u each (--user-connections); refused so far: %llu",
            self->user_connections, (unsigned long long)turned_away);
    self->said_away = turned_away;
    self->said_away_us = now_us + SAY_AWAY_US;
}

void
hf_door_tick (hf_door_t *self, uint64_t now_us)
{
    assert (self);
    if (now_us < self->sweep_us)
        return;
    self->sweep_us = now_us + SWEEP_US;
    s_watch (self);
    s_revoke (self);
    s_tell_strangers (self, now_us);
    hf_door_clients_sweep (&self->clients, now_us);
    s_look_at_crowds (self, now_us);
}

/*  Whether a guest may ask what is in self->body. */
static bool
s_guest_may (hf_door_t *self)
{
    hf_scan_t scan;
    uint32_t kind;
    hf_query_t query;
    return hf_frame_open (zmq_msg_data (&self->body), zmq_msg_size (&self->body), &scan, &kind) ==
               HF_OK &&
           kind == HF_KIND_QUERY && hf_query_get (&scan, &query) && query.what == HF_WHAT_MEMBERS;
}

/*  One who comes again and again does not fill the log. */
static void
s_trespass (hf_door_t *self, const char *line)
{
    if (self->trespasses++ < SAY_MOST)
        s_tell (self, "%s", line);
}

static hf_door_client_t s_refused; //  what such a one says does not count

static hf_door_user_t *
s_add_user (hf_door_t *self)
{
    hf_door_user_t *user = hf_array_add (&self->users);
    *user = (hf_door_user_t){.crowded = false};
    return user;
}

/*  The number of the user of that NAME. Once for each connection; names come from key files. */
static uint32_t
s_user (hf_door_t *self, const char *name)
{
    uint32_t number = 0;
    while (number < self->users.count && strcmp (self->users.list[number].name, name) != 0)
        number++;
    if (number == self->users.count)
        strcpy (s_add_user (self)->name, name);
    return number + 1;
}

/*  It is told why, and cut off then; if it has left, its descriptor is another's now. */
static void
s_turn_away (hf_door_t *self, const hf_route_t *route, hf_door_client_t *client)
{
    char text[HF_ERROR_SIZE];
    hf_pack_t frame;
    snprintf (
        text, sizeof text,
        "%s has %u connections, and a user may have %u (--user-connections): end some, or use "
        "one for more",
        self->users.list[self->met - 1].name, hf_door_clients_of (&self->clients, self->met),
        self->user_connections);
    hf_pack_init (&frame);
    hf_refused_frame (&frame, &(hf_refused_t){.status = HF_LIMIT, .text = hf_span_text (text)});
    bool told = hf_door_send (self, route, hf_pack_bytes (&frame), hf_pack_size (&frame));
    hf_pack_done (&frame);
    if (told)
        hf_door_clients_turn_away (&self->clients, client);
    else
        hf_door_clients_forget (&self->clients, client);
    self->turned_away++;
}

static hf_door_client_t *
s_welcome (hf_door_t *self, const hf_route_t *route, int fd, const hf_key_t *whose)
{
    //  Also of who has left: what is read of it later is still its.
    self->met = s_user (self, whose->name);
    hf_door_client_t *client = hf_door_clients_add_keyed (&self->clients, route, fd, whose, false);
    const char *address = zmq_msg_gets (&self->body, "Peer-Address");
    if (!client)
        return NULL;
    if (s_crowded (self, self->met)) {
        s_turn_away (self, route, client);
        return &s_refused;
    }
    hf_door_clients_serve (&self->clients, client, self->met);
    client->address = address ? strdup (address) : NULL;
    s_crowded (self, self->met);
    return client;
}

const char *
hf_door_user (const hf_door_t *self, uint32_t number)
{
    assert (number > 0 && number <= self->users.count);
    return self->users.list[number - 1].name;
}

const char *
hf_door_address (const hf_door_t *self, const hf_route_t *route)
{
    const hf_door_client_t *client = hf_door_clients_find (&self->clients, route);
    return client ? client->address : NULL;
}

/*  Of a connection with the key in self->body, a client or a guest; or &s_refused. */
static hf_door_client_t *
s_meet_keyed (hf_door_t *self, const hf_route_t *route)
{
    int fd = zmq_msg_get (&self->body, ZMQ_SRCFD);
    const char *key = zmq_msg_gets (&self->body, HF_ZAP_KEY);
    hf_key_t whose;
    hf_door_client_t *guest = hf_door_clients_find_guest (&self->clients, route);
    //  ROUTER picks five bytes that begin with 0. Who names others cannot be told by hf_inflow.h.
    if (route->size != 5 || route->id[0] != 0) {
        s_trespass (self, "cuts off a client that names a routing id");
        key = NULL;
    }
    if (!guest && key && hf_keys_admit (self->keys, HF_KEY_OF_CLIENT, key, &whose))
        return s_welcome (self, route, fd, &whose);
    if (!guest && key && hf_keys_admit (self->keys, HF_KEY_OF_NODE, key, &whose)) {
        whose.name[0] = 0;
        guest = hf_door_clients_add_keyed (&self->clients, route, fd, &whose, true);
    }
    if (guest && s_guest_may (self))
        return guest;
    if (guest) {
        char line[HF_ERROR_SIZE];
        snprintf (line, sizeof line,
                  "cuts off a client with the key of node %u, which is for nodes alone",
                  guest->key->node);
        s_trespass (self, line);
    }
    hf_door_clients_expel (&self->clients, fd);
    return &s_refused;
}

/*  A client is known from its first message; NULL: it has left. What the monitor saw before it
 * comes first: the descriptor may have been another connection's. */
static hf_door_client_t *
s_meet (hf_door_t *self, const hf_route_t *route)
{
    s_watch (self);
    if (self->keys)
        return s_meet_keyed (self, route);
    return hf_door_clients_add (&self->clients, route, zmq_msg_get (&self->body, ZMQ_SRCFD));
}

/*  Of nobody nothing is checked: with keys, nobody says more than a guest may. */
static bool
s_is_somebodys (hf_door_t *self, const hf_route_t *route)
{
    return !self->keys || route->user > 0 || s_guest_may (self);
}

/*  The message at hand, with all its parts, waits no more. */
static void
s_handled (hf_door_t *self, const hf_door_client_t *client)
{
    //  What the message says of it is right, but slow.
    int fd = client ? client->fd : zmq_msg_get (&self->body, ZMQ_SRCFD);
    hf_intake_handled (fd, self->cost);
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
    self->cost += rc >= 0 ? (size_t)rc + self->part_cost : 0;
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
        uint64_t passed = hf_intake_passed ();
        self->emptied = false;
        if (zmq_msg_recv (&self->body, self->router, ZMQ_DONTWAIT) < 0) {
            self->emptied = zmq_errno () == EAGAIN;
            hf_intake_emptied (passed);
            return false;
        }
        size_t size = zmq_msg_size (&self->body);
        bool short_id = size > 0 && size <= HF_ROUTE_MAX;
        if (short_id) {
            memcpy (route->id, zmq_msg_data (&self->body), size);
            route->size = (uint8_t)size;
        }
        self->cost = 0;
        bool good = s_take_parts (self, zmq_msg_more (&self->body), route) && short_id;
        hf_door_client_t *client = NULL;
        if (good && !(client = hf_door_clients_find (&self->clients, route))) {
            self->met = 0;
            client = s_meet (self, route);
            good = client != &s_refused;
            client = good ? client : NULL;
        } else if (good)
            good = client->away.next == NULL;
        s_handled (self, client);
        route->user = client ? client->user : self->met;
        if (good && s_is_somebodys (self, route)) {
            *bytes = hf_span (zmq_msg_data (&self->body), zmq_msg_size (&self->body));
            return true;
        }
        self->dropped++;
    }
    *route = (hf_route_t){.size = 0};
    return false;
}

bool
hf_door_emptied (const hf_door_t *self)
{
    assert (self);
    return self->emptied;
}

//  ---- sending -------------------------------------------------------------------

/*  Send the parts before the frame. The first decides: libzmq refuses it when the client is gone.
 */
static bool
s_send_head (hf_door_t *self, const hf_route_t *route)
{
    if (zmq_send (self->router, route->id, route->size, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0)
        return false;
    return !route->delimiter || zmq_send (self->router, "", 0, ZMQ_SNDMORE | ZMQ_DONTWAIT) == 0;
}

//  In front of the bytes of a message.
typedef struct counted {
    hf_door_debt_t *debt;
    size_t cost;
} counted_t;

/*  Called on a libzmq thread when the message was written or dropped. */
static void
s_settled (void *data, void *hint)
{
    (void)data;
    counted_t *counted = hint;
    HF_TSAN_TAKE (counted);
    hf_door_debt_drop (counted->debt, counted->cost);
    free (counted);
}

static bool
s_send_counted (hf_door_t *self, hf_door_client_t *client, hf_span_t frame)
{
    counted_t *counted = hf_alloc_again (NULL, sizeof (*counted) + frame.size);
    *counted = (counted_t){.debt = client->debt, .cost = hf_door_cost (frame.size)};
    memcpy (counted + 1, frame.at, frame.size);
    atomic_fetch_add (&client->debt->sum, HF_DOOR_REFERENCE + counted->cost);
    HF_TSAN_GIVE (counted);
    zmq_msg_t message;
    int rc = zmq_msg_init_data (&message, counted + 1, frame.size, s_settled, counted);
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
    self->emptied = false;
    hf_door_client_t *client = hf_door_clients_find (&self->clients, route);
    if (!client)
        client = hf_door_clients_find_guest (&self->clients, route);
    bool sent = client && hf_door_clients_admit (&self->clients, client) &&
                s_send_head (self, route) && s_send_counted (self, client, hf_span (frame, size));
    if (sent)
        hf_door_clients_sent (&self->clients, client, hf_door_cost (size));
    self->dropped += !sent;
    return sent;
}
