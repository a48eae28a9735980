/*  bad_bytes.h - bytes that no client or node should send; the seed repeats a run. */
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

//  Good frames, to be cut short: one pack each; the caller calls hf_pack_done.
#define BAD_CLIENT_FRAMES 9
void bad_client_frames (hf_pack_t frames[BAD_CLIENT_FRAMES], uint64_t session);
#define BAD_PEER_FRAMES 8
void bad_peer_frames (hf_pack_t frames[BAD_PEER_FRAMES], uint32_t from);

/*  Frames whose heads promise more than can be there: number I of them; false: there are no more.
 */
bool bad_promise (hf_pack_t *pack, unsigned i);

#endif
