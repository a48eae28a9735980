/*  hf_door.h - the ROUTER socket for clients.
 *
 *  ROUTER picks the routing ids; ROUTER_MANDATORY, DONTWAIT, no high-water marks (drain it),
 *  frames beyond HF_FRAME_MAX cut the connection. A message is one part behind the
 *  routing id; an empty delimiter part before it is accepted from REQ-like clients
 *  and remembered in the route, so that answers carry it too.
 *  ZMTP heartbeats are on, so that the routes of dead clients are dropped.
 *  Every byte that libzmq holds for a client is counted; limits and who is cut off are in
 *  hf_door_rules.h. How many may connect: hf_gate.h. Who sends more than is handled is held back:
 *  hf_intake.h.
 *  With keys (hf_listen.h) it speaks CURVE: who is heard, is known by the key of its connection,
 * which is looked up once, with the first message. A key that is revoked ends its connections:
 * nothing of them is handed out any more. The key of a node opens the door for one question: who
 * the members are, which a node asks before it knows its own place. Plain libzmq on the caller's
 * context. Not thread-safe: one actor owns it.
 */
#ifndef HF_DOOR_H_INCLUDED
#define HF_DOOR_H_INCLUDED

#include "base/hf_error.h"
#include "broker-less/hf_listen.h"
#include "msgs/hf_route.h"
#include "msgs/hf_wire.h"

typedef struct hf_door hf_door_t;

/*  Bind where LISTEN says; HOST is this node's in the cluster list. NULL with one line in ERROR: a
 *  port in use, an address that is not here. */
hf_door_t *hf_door_new (void *context, const char *host, const hf_listen_t *listen, char *error);
void hf_door_destroy (hf_door_t **self_p);

/*  The socket to poll for input, plain libzmq. */
void *hf_door_socket (const hf_door_t *self);

/*  The next message, without waiting; false when there is none. BYTES is valid until the
 *  next call. Messages of another shape are dropped and counted. */
bool hf_door_next (hf_door_t *self, hf_route_t *route, hf_span_t *bytes);

/*  Whether the last call on the socket was a receive that found nothing (hf_poll.h). */
bool hf_door_emptied (const hf_door_t *self);

/*  Send without waiting. False when the client is disconnected or does not read: the message is
 *  dropped and counted. Clients must cope with a lost message. */
bool hf_door_send (hf_door_t *self, const hf_route_t *route, const void *frame, size_t size);

/*  The name, in his key file, of the user of that number, as routes give it: 1 for the first that
 *  was heard since the start; 0 in a route: it has the key of a node, or there are no keys. Who has
 *  left before its frame is read has its number all the same. */
const char *hf_door_user (const hf_door_t *self, uint32_t number);
/*  Where a client with a key is connected from; NULL: it has left, or has no key. */
const char *hf_door_address (const hf_door_t *self, const hf_route_t *route);

/*  Something about keys that people should know, in one line: who was cut off, who tried in vain.
 *  False: nothing new. */
bool hf_door_news (hf_door_t *self, char text[HF_ERROR_SIZE]);

/*  Call it in every turn: at times it looks who connected and left, and cuts off those who do not
 *  read. */
void hf_door_tick (hf_door_t *self, uint64_t now_us);

typedef struct hf_door_facts {
    uint64_t dropped;     //  frames in and out, since the start
    uint64_t connections; //  open now
    uint64_t refused;     //  connections beyond the limit, since the start
    uint64_t cut;         //  clients cut off since the start: see hf_door_rules.h, hf_inflow.h
    uint64_t halves;      //  cut off or refused in a crowd that did not end its handshakes, also at
                          //  other ports
    uint64_t turned_away; //  connections of users that had all that they may have
    uint64_t received;    //  bytes that have come from clients and are not handled yet
    uint64_t waiting;     //  bytes that wait for clients to read them
    uint64_t known;       //  clients that something can be sent to
} hf_door_facts_t;
hf_door_facts_t hf_door_facts (const hf_door_t *self);

#endif
