/*  hf_rings.h - waits that would never end.
 *
 *  A claim waits for the holders that keep it out and for the claims before it in its queues. A
 *  holder gives its lock up by itself, unless its session waits too and holds meanwhile: it was
 *  opened with `detect`, or another session's claim waits and acts for it. So a ring is: a claim
 *  waits for a session that holds, a claim of that session, or for it, waits, and so on until the
 *  session of the first claim, or the one that it acts for (Coffman, Elphick, Shoshani, 1971).
 *
 *  A SHARED claim that waits for units waits for a holder only if that one alone keeps it out: of
 *  several, another may leave. So every ring that is found is one; the search is breadth first from
 *  the youngest wait, which alone can close a ring, in an order that the state gives, and bounded:
 *  a ring behind the bound is not found. Private to the replicated state.
 */
#ifndef HF_RINGS_H_INCLUDED
#define HF_RINGS_H_INCLUDED

#include "nodes/locks/hf_locks.h"

#define HF_RINGS_CLAIMS_MAX 1000 //  that wait, in one search
#define HF_RINGS_STEPS_MAX  5000 //  holders, waiters and claims that are looked at

/*  Whether CLAIM, which waits, closes a ring. Then packs RING_ROWs into ROWS, at most HF_RING_MAX:
 *  who holds what and waits for what, from the claim's session on; each holds what the one before
 *  it waits for, and the first holds what the last one waits for. */
bool hf_rings_find (hf_locks_t *self, hf_state_claim_t *claim, hf_pack_t *rows);

/*  The same for a holder of a SHARED lock that wants it EXCLUSIVE, as another one does already. */
void hf_rings_upgrades (const hf_state_claim_t *hold, const hf_state_claim_t *upgrade,
                        hf_pack_t *rows);

#endif
