/*  hf_outbox.h - what a pure service wants sent and said: the effects of its steps, as data.
 *
 *  A service writes frames, messages and lines into its outbox; the shell around it (an actor, the
 *  client's thread, the simulator) carries them out in the order in which they were put and then
 *  resets the outbox. Nothing here sends anything.
 *
 *  Frames are for the outside: for a client's route, or for a peer (node id; 0: all peers). Their
 *  bytes lie back to back in one buffer that is used again: nothing is allocated for one frame.
 *
 *  Messages are for another actor of this node. Each owns its bytes, so that the shell can hand
 * them over without a copy.
 *
 *  Lines are for the log.
 *
 *      hf_opened_frame (&outbox->frame, &opened);      then
 *      hf_outbox_to_client (outbox, &route, 0);        or hf_outbox_to_peer
 *
 *      hf_a_barrier_frame (&outbox->message, &barrier); then
 *      hf_outbox_to_actor (outbox, HF_TO_ELECTION);
 */
#ifndef HF_OUTBOX_H_INCLUDED
#define HF_OUTBOX_H_INCLUDED

#include "base/hf_array.h"
#include "msgs/hf_level.h"
#include "msgs/hf_route.h"
#include "msgs/hf_wire.h"

typedef enum hf_to { HF_TO_ELECTION = 1, HF_TO_LOCK, HF_TO_FILE, HF_TO_MAIN } hf_to_t;

typedef struct hf_out_frame {
    hf_route_t route; //  of a client
    uint64_t session; //  of a client: whose it is; 0: nobody's in particular
    uint32_t peer;    //  of a node: its id, 0 for all
    uint32_t size;
    size_t at; //  in the bytes of outbox->frame
} hf_out_frame_t;

typedef struct hf_out_message {
    hf_to_t to;
    uint8_t *bytes; //  the outbox's until the shell sets it to NULL, having taken it
    size_t size;
} hf_out_message_t;

typedef struct hf_out_line {
    hf_level_t level;
    hf_route_t route; //  of the client that it is about; of no size: none
    char *text;
} hf_out_line_t;

typedef struct hf_outbox {
    hf_pack_t frame;   //  pack the next frame behind what is there
    hf_pack_t message; //  pack the next message; empty between two
    size_t frames_end; //  where the last frame that was put ends
    HF_ARRAY (hf_out_frame_t) frames;
    HF_ARRAY (hf_out_message_t) messages;
    HF_ARRAY (hf_out_line_t) lines;
} hf_outbox_t;

/*  The struct must stay where it is until hf_outbox_done. */
void hf_outbox_init (hf_outbox_t *self);
void hf_outbox_done (hf_outbox_t *self);

/*  Whether there is nothing to carry out. */
bool hf_outbox_empty (const hf_outbox_t *self);

/*  All was carried out: forget it, keep the memory. */
void hf_outbox_reset (hf_outbox_t *self);

/*  What was packed into FRAME since the last frame is one frame for the client at ROUTE. SESSION:
 *  whose frame it is, so that the shell can report that it could not be sent; 0: no matter. */
void hf_outbox_to_client (hf_outbox_t *self, const hf_route_t *route, uint64_t session);
/*  The same for a peer, by its node id; 0: all of them. */
void hf_outbox_to_peer (hf_outbox_t *self, uint32_t peer);

/*  What was packed into MESSAGE is one message for an actor of this node. */
void hf_outbox_to_actor (hf_outbox_t *self, hf_to_t to);

/*  A line for the log, printf-like, without a newline. */
void hf_outbox_say (hf_outbox_t *self, hf_level_t level, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

/*  The same about the client at ROUTE: the shell adds where he is. */
void hf_outbox_say_of (hf_outbox_t *self, const hf_route_t *route, hf_level_t level,
                       const char *format, ...) __attribute__ ((format (printf, 4, 5)));

/*  The bytes of a frame in the outbox; valid until the outbox changes. */
hf_span_t hf_outbox_bytes (const hf_outbox_t *self, const hf_out_frame_t *frame);

#endif
