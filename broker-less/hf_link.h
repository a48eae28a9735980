/*  hf_link.h - a client's DEALER socket to one node, with its monitor.
 *
 *  Plain libzmq on the caller's context: a library must not start czmq's global context in the
 *  program that uses it. Reconnects by itself (20 ms to 1 s); a name is looked up again meanwhile,
 *  and its addresses are tried in turn. Nothing is queued for a node that is not connected
 *  (ZMQ_IMMEDIATE): sending fails at once, and the caller tries another node.
 *  ZMTP heartbeats are on. Times in microseconds. Not thread-safe.
 */
#ifndef HF_LINK_H_INCLUDED
#define HF_LINK_H_INCLUDED

#include "broker-less/hf_keys.h"
#include "broker-less/hf_resolver.h"
#include "msgs/hf_wire.h"

typedef struct hf_link hf_link_t;

/*  RESOLVER, which must outlive it, is asked under TAG if the endpoint has a name; else it may be
 *  NULL. NULL when out of sockets; errno says why. */
hf_link_t *hf_link_new (void *context, const hf_endpoint_t *endpoint, hf_resolver_t *resolver,
                        uint32_t tag);
void hf_link_destroy (hf_link_t **self_p);

/*  Before the first hf_link_next: it speaks CURVE with KEYS, which must outlive it, and takes the
 *  keys of the endpoint's node in turn for that of the other end; of all nodes if its id is 0.
 *  Whoever owns KEYS refreshes them. */
void hf_link_secure (hf_link_t *self, hf_keys_t *keys);

/*  Sockets to poll for input: the DEALER and its monitor. */
#define HF_LINK_SOCKETS 2
void hf_link_sockets (const hf_link_t *self, void *sockets[HF_LINK_SOCKETS]);

/*  For who waits by descriptors and not by zmq_poll. FDS, of the same two, are readable when a
 *  socket has news, and hf_link_news says so of FDS[WHICH]. From now on hf_link_next asks a socket,
 *  which is a system call, only then, or when another call may have taken the news in by the way;
 *  hf_link_asks: that is so now, and no descriptor tells of it. The descriptors are libzmq's. */
void hf_link_descriptors (hf_link_t *self, int fds[HF_LINK_SOCKETS]);
void hf_link_news (hf_link_t *self, unsigned which);
bool hf_link_asks (const hf_link_t *self);

typedef enum hf_link_event_type {
    HF_LINK_NONE = 0,
    HF_LINK_FRAME = 1,     //  bytes, valid until the next call
    HF_LINK_CONNECTED = 2, //  handshake done: may send
    HF_LINK_BROKEN = 3,    //  the connection broke; it is being made again
    HF_LINK_REFUSED = 4,   //  the node takes no more connections; it is tried again later
    HF_LINK_SNUBBED = 5    //  keys are missing or wrong: see hf_link_trouble; likewise
} hf_link_event_type_t;

/*  Call it after hf_link_new, when a socket has input, and when it is due, until it gives NONE. */
hf_link_event_type_t hf_link_next (hf_link_t *self, uint64_t now_us, hf_span_t *bytes);
uint64_t hf_link_due_us (const hf_link_t *self);

/*  The resolver's answer to this link. */
void hf_link_resolved (hf_link_t *self, const hf_looked_t *answer, uint64_t now_us);

/*  As hf_target_trouble; whether it refuses, or does not answer; what is wrong with the keys. */
bool hf_link_trouble (const hf_link_t *self, uint64_t now_us, char *text, size_t size);

/*  Without waiting. What libzmq does not take now waits in a queue of the link, in order, until
 *  hf_link_flush or until the connection breaks. False: it is not connected, or that queue is full,
 *  and the frame is dropped. */
#define HF_LINK_QUEUE_BYTES (64U << 20)
bool hf_link_send (hf_link_t *self, const void *frame, size_t size);

/*  Whether frames wait: poll the DEALER for output, too, and flush. Its descriptor tells of that by
 *  itself. */
bool hf_link_waits (const hf_link_t *self);
void hf_link_flush (hf_link_t *self);

#endif
