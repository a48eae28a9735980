/*  hf_pipe.h - messages between the actors of one node, over PAIR sockets. */
#ifndef HF_PIPE_H_INCLUDED
#define HF_PIPE_H_INCLUDED

#include "msgs/hf_msg.h"
#include "msgs/hf_outbox.h"
#include <czmq.h>

/*  Make a connected pair without a high-water mark: what goes through is bounded by credit
 *  (A_APPLIED, A_FILES_DURABLE), and a full pipe must not block two actors on each other. */
zsock_t *hf_pipe_new (zsock_t **other_p);

/*  Send what is in PACK; the pack is empty afterwards. */
void hf_pipe_send (zsock_t *sock, hf_pack_t *pack);

/*  Send the messages of an outbox, PIPES[to] is who gets them, report its lines, and reset it. Its
 *  frames are sent by the caller before. The answer has the bit of each TO that got something. */
unsigned hf_pipe_carry_out (zsock_t *const pipes[], hf_outbox_t *out);

/*  The next frame, without waiting. MESSAGE is initialised by the caller and holds the bytes
 *  until the next call; SCAN stands at the record. False when there is none. */
bool hf_pipe_next (zsock_t *sock, zmq_msg_t *message, hf_scan_t *scan, uint32_t *kind);

/*  How long an actor may poll until its timer at WAKE_US: 1 s at most. */
long hf_pipe_wait_ms (uint64_t wake_us);

/*  The next frame on an actor's own pipe, which main sent, as hf_pipe_next gives it. False: there
 * is none; *ends is true if "$TERM" came before. */
bool hf_pipe_told (zsock_t *pipe, zmq_msg_t *message, hf_scan_t *scan, uint32_t *kind, bool *ends);

/*  Take the commands on an actor's own pipe, without waiting: whether "$TERM" was among them; and
 *  with HANDOVER, whether that was. */
bool hf_pipe_ends (zsock_t *pipe, bool *handover);

#endif
