/*  bad_bytes.h - bytes that no client or node should send, by seed; and plain TCP, for bytes that
 * are not ZMTP. */
#ifndef BAD_BYTES_H_INCLUDED
#define BAD_BYTES_H_INCLUDED

#include "msgs/hf_msg.h"
#include "base/hf_random.h"

void bad_fill (hf_random_t *self, uint8_t *bytes, size_t size);

/*  One msgpack value of any type, nested up to DEPTH. No number in it names a session or a
 *  term that may exist, and no string is 16 bytes long, so that no OPEN can be made of it. */
void bad_value (hf_pack_t *pack, hf_random_t *random, unsigned depth);

/*  A frame [1, [KIND, values...]] of which one at least is of no type the protocol has. FROM is
 *  the first field when it is not 0. */
void bad_frame (hf_pack_t *pack, hf_random_t *random, uint32_t kind, uint32_t from);

//  Good frames, one of each kind, to be cut short: one pack each; the caller calls hf_pack_done.
#define BAD_PLUS_ONE(kind, name) +1
#define BAD_CLIENT_FRAMES        (5 HF_REQUEST_TABLE (BAD_PLUS_ONE))
#define BAD_PEER_FRAMES          (1 HF_PEER_TABLE (BAD_PLUS_ONE))
void bad_client_frames (hf_pack_t frames[BAD_CLIENT_FRAMES], uint64_t session);
void bad_peer_frames (hf_pack_t frames[BAD_PEER_FRAMES], uint32_t from);

/*  Frames whose heads promise more than can be there: number I of them; false: there are no more.
 */
bool bad_promise (hf_pack_t *pack, unsigned i);

/*  Connect to 127.0.0.1:PORT, send, and hang up. What the other side does not take is dropped. */
void bad_throw (uint16_t port, hf_span_t bytes);

/*  Accept one connection at the listening socket FD within LIMIT_MS, send BYTES and hang up.
 *  False: no connection came. */
bool bad_answer (int fd, hf_span_t bytes, uint32_t limit_ms);

#endif
