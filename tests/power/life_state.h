/*  life_state.h - the state store's life: rows put, changed, gone one by one and by prefix. */
#ifndef LIFE_STATE_H_INCLUDED
#define LIFE_STATE_H_INCLUDED

#include "power_life.h"

/*  COMMITS transactions by SEED. */
power_life_t *life_state_new (uint64_t seed, unsigned commits);
void life_state_destroy (power_life_t **self_p);

#endif
