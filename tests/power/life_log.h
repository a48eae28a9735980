/*  life_log.h - the log store's life: votes, appends, truncations, prunings, new beginnings,
 * restarts, and a model.
 */
#ifndef LIFE_LOG_H_INCLUDED
#define LIFE_LOG_H_INCLUDED

#include "power_life.h"

/*  COMMITS transactions by SEED. */
power_life_t *life_log_new (uint64_t seed, unsigned commits);
void life_log_destroy (power_life_t **self_p);

#endif
