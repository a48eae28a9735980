/*  hf_door.h - the ROUTER socket for clients.
 *
 *  ROUTER picks the routing ids; ROUTER_MANDATORY, DONTWAIT, RCVHWM 0 (drain it),
 *  frames beyond HF_FRAME_MAX cut the connection. A message is one part behind the
 *  routing id; an empty delimiter part before it is accepted from REQ-like clients
 *  and remembered in the route, so that answers carry it too.
 *  ZMTP heartbeats are on, so that the routes of dead clients are dropped.
 *  Plain libzmq on the caller's context. Not thread-safe: one actor owns it.
 */
#ifndef HF_DOOR_H_INCLUDED
#define HF_DOOR_H_INCLUDED

#include "base/hf_error.h"
#include "broker-less/hf_endpoints.h"
#include "msgs/hf_route.h"
#include "msgs/hf_wire.h"

typedef struct hf_door hf_door_t;

#define HF_DOOR_CLIENT_BYTES (32U << 20)  //  queued for one client, beside small messages
#define HF_DOOR_ALL_BYTES    (512U << 20) //  and for all

/*  Bind. NULL with one line in ERROR: a port in use, an address that is not here. */
hf_door_t *hf_door_new (void *context, const hf_endpoint_t *self_endpoint, char *error);
void hf_door_destroy (hf_door_t **self_p);

/*  The socket to poll for input, plain libzmq. */
void *hf_door_socket (const hf_door_t *self);

/*  The next message, without waiting; false when there is none. BYTES is valid until the
 *  next call. Messages of another shape are dropped and counted. */
bool hf_door_next (hf_door_t *self, hf_route_t *route, hf_span_t *bytes);

/*  Send without waiting. False when the client is disconnected or does not read: the message is
 *  dropped and counted. Clients must cope with a lost message. The queue of one client is bounded
 * in messages and in bytes, and so are all queues together. */
bool hf_door_send (hf_door_t *self, const hf_route_t *route, const void *frame, size_t size);

uint64_t hf_door_dropped (const hf_door_t *self);

#endif
