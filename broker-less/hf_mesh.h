/*  hf_mesh.h - the mesh between the nodes: each publishes, each subscribes to all others.
 *
 *  A PUB socket bound on this node's node port, a SUB socket connected to all
 *  peers' (RCVHWM 0: drain it), and a socket monitor on the SUB. The peers are those of a list at
 *  first; hf_mesh_follow names others while the mesh runs. Topics have a
 *  fixed width of four bytes: "HF" and the receiver's id, big-endian; 0 is
 *  everybody. A message is the topic part and one frame.
 *
 *  Subscriptions are lost silently, so a link to a peer is UP only while that peer's
 *  HELLOs echo this process's nonce: then both sides hear each other. hf_mesh_tick sends
 *  HELLOs: often until all links are up, then every 250 ms; without an echo for
 *  1 s a link is down.
 *
 *  Two clusters never mix. A HELLO also carries the id of the sender's cluster, if the sender knows
 *  it, and its canonical cluster list. Two nodes that both know an id compare the ids; their lists
 *  may differ. If one of them knows none they compare the lists. A node without a list, one that
 *  joins, takes the peers that know an id, keeps to the first id that it hears, if hf_mesh_follow
 * has told it none, and is taken by nodes that know an id. What differs is reported, and that
 * peer's messages are dropped.
 *
 *  Plain libzmq on the caller's context. Not thread-safe: one actor owns it.
 */
#ifndef HF_MESH_H_INCLUDED
#define HF_MESH_H_INCLUDED

#include "base/hf_error.h"
#include "broker-less/hf_listen.h"
#include "msgs/hf_msg.h"

typedef struct hf_mesh hf_mesh_t;

/*  Bind by LISTEN. OWN: this node, and where others call it. ENDPOINTS is the cluster list; without
 *  OWN in it this node joins a cluster of which these are some nodes, and it has no list.
 *  NULL with one line in ERROR: a port in use, an address that is not here. */
hf_mesh_t *hf_mesh_new (void *context, const hf_endpoints_t *endpoints, const hf_endpoint_t *own,
                        const hf_listen_t *listen, char *error);
void hf_mesh_destroy (hf_mesh_t **self_p);

/*  Sockets to poll for input, plain libzmq: the SUB and its monitor. */
#define HF_MESH_SOCKETS 2
void hf_mesh_sockets (const hf_mesh_t *self, void *sockets[HF_MESH_SOCKETS]);

typedef enum hf_mesh_event_type {
    HF_MESH_NONE = 0,       //  nothing is waiting
    HF_MESH_FRAME = 1,      //  a consensus frame from a peer: bytes, valid until the next call
    HF_MESH_UP = 2,         //  the link to NODE is up
    HF_MESH_DOWN = 3,       //  the link to NODE is down: no echo for a while
    HF_MESH_BROKEN = 4,     //  the connection to NODE broke; a DOWN follows if it was UP
    HF_MESH_OTHER_LIST = 5, //  NODE was started with another cluster list: text (once per change)
    HF_MESH_NAMES = 6,      //  what is wrong with the names in the list: text (once per change)
    HF_MESH_OTHER_CLUSTER = 7, //  NODE is not of our cluster: a sentence in text (once per change)
    HF_MESH_PEERS = 8          //  NODE is a peer from now on, or no longer: a sentence in text
} hf_mesh_event_type_t;

typedef struct hf_mesh_event {
    hf_mesh_event_type_t type;
    uint32_t node;
    hf_span_t bytes; //  of a FRAME
    hf_span_t text;  //  valid until the next call; of NAMES, empty: all is well
} hf_mesh_event_t;

/*  From now on the peers are MEMBERS without ourselves, who need not be among them, and CLUSTER is
 *  the id of our cluster; 0: not sure yet, what was known of it stays. Peers that are at the same
 *  place as before are not disturbed. The link to one that is gone goes down, and nothing of it is
 *  delivered any more, nor a BROKEN. The bound address stays. Call hf_mesh_tick next. */
void hf_mesh_follow (hf_mesh_t *self, const hf_endpoints_t *members, uint64_t cluster);

/*  The next event, without waiting. HELLOs are handled inside. Malformed messages
 *  are dropped and counted. NOW in microseconds, monotonic. */
hf_mesh_event_type_t hf_mesh_next (hf_mesh_t *self, uint64_t now_us, hf_mesh_event_t *event);

/*  The caller waited, and the monitor had nothing: hf_mesh_next looks at it behind a frame, but not
 *  when there is none. NOR_SUB: the SUB had nothing either, and is not received from. Until
 *  hf_mesh_next gives HF_MESH_NONE. */
void hf_mesh_is_quiet (hf_mesh_t *self, bool nor_sub);

/*  Whether the last call on the SUB was a receive that found nothing (hf_poll.h). */
bool hf_mesh_emptied (const hf_mesh_t *self);

/*  Send what is due, follow names; returns the time of the next tick. Links may go down here;
 * hf_mesh_next reports it. */
uint64_t hf_mesh_tick (hf_mesh_t *self, uint64_t now_us);

/*  Publish a frame to node TO (0: everybody). Never blocks; a slow peer loses it. */
void hf_mesh_send (hf_mesh_t *self, uint32_t to, const void *frame, size_t size);

/*  Messages dropped because they were malformed, too large or from another cluster. */
uint64_t hf_mesh_dropped (const hf_mesh_t *self);

#endif
