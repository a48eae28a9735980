/*  hf_expiry.h - which sessions fell silent: the leader's expiry clock.
 *
 *  Soft state of the node that leads. Time is the caller's (microseconds,
 *  monotonic). A session is due when its TTL has passed since it was last
 *  heard; never before (P9). Once taken as due, a session is "ending": it is
 *  acknowledged no more (design 4.7) until the leader changes or the session ends.
 */
#ifndef HF_EXPIRY_H_INCLUDED
#define HF_EXPIRY_H_INCLUDED

#include "msgs/hf_msg.h"

typedef struct hf_expiry hf_expiry_t;

hf_expiry_t *hf_expiry_new (void);
void hf_expiry_destroy (hf_expiry_t **self_p);

/*  Forget everything: the node stopped to lead, or begins to. */
void hf_expiry_clear (hf_expiry_t *self);

/*  SESSION was heard at NOW (starts its watch when new). No effect on one that is ending. */
void hf_expiry_heard (hf_expiry_t *self, uint64_t session, uint32_t ttl_ms, uint64_t now_us);

/*  The session has ended. */
void hf_expiry_forget (hf_expiry_t *self, uint64_t session);

/*  Whether its end has been proposed by this leader: acknowledge nothing to it. */
bool hf_expiry_ending (const hf_expiry_t *self, uint64_t session);

/*  Take one session that is due at NOW; it becomes ending. 0 when there is none. */
uint64_t hf_expiry_take (hf_expiry_t *self, uint64_t now_us);

/*  When the next one may be due; UINT64_MAX when none is watched. Amortized O(log n). */
uint64_t hf_expiry_next_us (hf_expiry_t *self);

#endif
