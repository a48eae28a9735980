/*  hf_outcomes.h - adding to the list of what apply caused. Private to the replicated state. */
#ifndef HF_OUTCOMES_H_INCLUDED
#define HF_OUTCOMES_H_INCLUDED

#include "nodes/locks/hf_state.h"

/*  A new outcome at the end, all zero but its type and session; valid until the next is added. */
hf_outcome_t *hf_outcomes_add (hf_outcomes_t *self, hf_outcome_type_t type, uint64_t session);

void hf_outcomes_answer (hf_outcomes_t *self, uint64_t session, const hf_answer_t *answer);

/*  A copy of NAME that lives as long as the outcomes; for outcome->lock of the one added last. */
void hf_outcomes_name (hf_outcomes_t *self, hf_span_t name);

/*  HASH, continued over what the outcomes from FIRST on say. */
uint64_t hf_outcomes_hash (const hf_outcomes_t *self, size_t first, uint64_t hash);

#endif
