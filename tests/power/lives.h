/*  lives.h - the lives of the stores. COMMITS transactions by SEED; power_life_destroy ends one. */
#ifndef LIVES_H_INCLUDED
#define LIVES_H_INCLUDED

#include "power_life.h"

//  The log: votes, appends, truncations, prunings, new beginnings.
power_life_t *life_log_new (uint64_t seed, unsigned commits);
//  The files: sections over several files.
power_life_t *life_files_new (uint64_t seed, unsigned commits);
//  The lock state: rows put, changed, removed one by one and by prefix.
power_life_t *life_state_new (uint64_t seed, unsigned commits);
/*  A node takes the whole state of another one, and goes on with it: the same whatever the seed.
 *  Versions: 1 the old state; 2 the stream is whole and named ready; 3 swapped in, and an entry
 *  more. A look swaps in what is ready, as a node does at its start. */
power_life_t *life_swap_new (uint64_t seed, unsigned commits);

#endif
