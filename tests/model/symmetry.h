/*  symmetry.h - states that differ in the names of nodes alone are one: what the core decides here
 *  depends on who is who, never on which id is lower. */
#ifndef MODEL_SYMMETRY_H_INCLUDED
#define MODEL_SYMMETRY_H_INCLUDED

#include "world.h"

/*  The hash of the state under those names that give the least. SAME: the nodes 1 to 3 which the
 *  scenario treats alike, as bits by place. */
uint64_t symmetry_hash (const world_t *world, uint8_t same);
/*  Forget what was remembered of payloads. */
void symmetry_reset (void);

#endif
