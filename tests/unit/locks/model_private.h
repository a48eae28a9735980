/*  model_private.h - the inside of the model, shared by its files alone.
 *
 *  model.c         sessions, requests, commands
 *  model_claims.c  claims: what is granted when, and who leaves
 *  model_rings.c   waits that would never end
 *  model_look.c    comparing with the real state
 */
#ifndef MODEL_PRIVATE_H_INCLUDED
#define MODEL_PRIVATE_H_INCLUDED

#include "tests/unit/locks/model.h"

model_event_t *model_add_event (model_t *self, hf_outcome_type_t type, uint64_t session);

//  ---- looking ----------------------------------------------------------------------------

/*  The claim's place at lock NUMBER; NULL: it has none. */
const model_place_t *model_at (const model_claim_t *claim, size_t number);
/*  The claim of SESSION at lock NUMBER, its upgrade there or not; NULL: it has none. */
model_claim_t *model_find (const model_t *self, size_t number, uint64_t session, bool upgrade);
/*  How many claims wait in the queue of lock NUMBER before this one, which waits there. */
size_t model_before (const model_t *self, const model_claim_t *claim, size_t number);
/*  Whether the claim's PLACE fits beside the holders. */
bool model_fits (const model_t *self, const model_claim_t *claim, const model_place_t *place);
bool model_grantable (const model_t *self, const model_claim_t *claim);
/*  Whether WANTED, which is no claim yet, would wait for a session that waits for it. */
bool model_rings (const model_t *self, const model_claim_t *wanted);
/*  How many claims of others wait where CLAIM is, at the lock where most do. */
uint32_t model_wanting (const model_t *self, const model_claim_t *claim);
uint64_t model_position (const model_t *self, const model_claim_t *claim);

//  ---- a command changes claims -----------------------------------------------------------

/*  The locks that it touched, in order, and the queues as they were before. */
typedef struct model_change {
    size_t locks[MODEL_LOCKS], count;
    HF_ARRAY (model_claim_t) before;
} model_change_t;

model_change_t model_begin (const model_t *self);
void model_touch (model_change_t *change, const model_claim_t *claim);
/*  Grant at the touched locks, in order and again, until nothing can be granted; report moves. */
void model_finish (model_t *self, model_change_t *change);
/*  The claim becomes a hold. */
void model_grant (model_t *self, model_claim_t *claim);
/*  The claim goes, with its upgrade, and its successors are granted. */
void model_leave (model_t *self, model_claim_t *claim);
void model_drop_staged (model_claim_t *claim);

#endif
