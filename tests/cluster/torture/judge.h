/*  judge.h - after the faults: does it all work again, and was every promise kept? */
#ifndef HF_JUDGE_H_INCLUDED
#define HF_JUDGE_H_INCLUDED

#include "tests/cluster/torture/world.h"

//  Exit codes.
typedef enum hf_verdict_code {
    HF_VERDICT_FINE = 0,
    HF_VERDICT_CRASH = 2,
    HF_VERDICT_NO_PROGRESS = 3,
    HF_VERDICT_BROKEN = 4
} hf_verdict_code_t;

/*  All is healed: the clients end, then all nodes are killed once more and come back, equal in
 *  state and, byte for byte, in files; and the history holds. Reasons go to stderr. */
hf_verdict_code_t hf_judge (hf_world_t *world, unsigned *violations);

#endif
