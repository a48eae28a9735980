/*  judge.h - what must hold in every state. */
#ifndef MODEL_JUDGE_H_INCLUDED
#define MODEL_JUDGE_H_INCLUDED

#include "world.h"

/*  The node at WHO has moved: remember in WORLD what it shows, and compare it with what was shown
 *  before. NULL: all is well; else what is wrong. */
const char *judge (world_t *world, const node_t *before, size_t who);

#endif
