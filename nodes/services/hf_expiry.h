/*  hf_expiry.h - which sessions fell silent: the leader's expiry clock.
 *
 *  Soft state of the node that leads. Time is the caller's (microseconds,
 *  monotonic). A session is due when its TTL has passed since it was last
 *  heard; never before (P9). Once taken as due, a session is "ending": it is
 *  acknowledged no more (design 4.7) until the leader changes or the session ends.
 *
 *  Before that, the time that has run is to be logged, so that the next leader goes on from there:
 * at half of the TTL; healthy sessions are heard each third. Of a session that this leader has not
 * heard yet it is logged after a quarter or 2.5 s, or 0.25 s when somebody waits for the session.
 * Then again after as much time again, an eighth of the TTL at most: at least half of each lead
 * that is longer than that counts.
 */
#ifndef HF_EXPIRY_H_INCLUDED
#define HF_EXPIRY_H_INCLUDED

#include "msgs/hf_msg.h"

typedef struct hf_expiry hf_expiry_t;

hf_expiry_t *hf_expiry_new (void);
void hf_expiry_destroy (hf_expiry_t **self_p);

/*  Forget everything: the node stopped to lead, or begins to. */
void hf_expiry_clear (hf_expiry_t *self);

/*  A new leader begins: SESSION was not heard yet, and RAN_MS of its TTL have run. WANTED: somebody
 * waits until it ends. */
void hf_expiry_start (hf_expiry_t *self, uint64_t session, uint32_t ttl_ms, uint32_t ran_ms,
                      bool wanted, uint64_t now_us);

/*  SESSION was heard at NOW (starts its watch when new). No effect on one that is ending. Gives
 * what hf_expiry_mark does. */
uint64_t hf_expiry_heard (hf_expiry_t *self, uint64_t session, uint32_t ttl_ms, uint64_t now_us);

/*  The session has ended. */
void hf_expiry_forget (hf_expiry_t *self, uint64_t session);

/*  Whether its end has been proposed by this leader: acknowledge nothing to it. */
bool hf_expiry_ending (const hf_expiry_t *self, uint64_t session);

/*  Take one session that is due at NOW. 0 when there is none. *ran_ms 0: its TTL has run out, and
 * it becomes ending. Else so much has run: log that, in the command number MARK, and acknowledge
 * nothing to the session until a later command has cleared it. */
uint64_t hf_expiry_take (hf_expiry_t *self, uint64_t now_us, uint64_t mark, uint32_t *ran_ms);

/*  The MARK of the last command that says how much has run; 0: none. */
uint64_t hf_expiry_mark (const hf_expiry_t *self, uint64_t session);
/*  Whether to clear what the log says: true once after each mark. */
bool hf_expiry_clears (hf_expiry_t *self, uint64_t session);

/*  When the next one may be due; UINT64_MAX when none is watched. It may be too early by any time:
 *  what is more than 100 ms after NOW is not looked at again. Amortized O(log n). */
uint64_t hf_expiry_next_us (hf_expiry_t *self, uint64_t now_us);

#endif
