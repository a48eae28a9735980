/*  life_swap.h - a node takes the whole state of another one, and goes on with it.
 *
 *  Versions: 1 the old state; 2 the stream is whole and named ready; 3 swapped in, and an entry
 * more. A look swaps in what is ready, as a node does at its start.
 */
#ifndef LIFE_SWAP_H_INCLUDED
#define LIFE_SWAP_H_INCLUDED

#include "power_life.h"

power_life_t *life_swap_new (void);
void life_swap_destroy (power_life_t **self_p);

#endif
