/*  life_files.h - the file store's life: sections over several files, commits, restarts, a model.
 */
#ifndef LIFE_FILES_H_INCLUDED
#define LIFE_FILES_H_INCLUDED

#include "power_life.h"

/*  COMMITS transactions by SEED. */
power_life_t *life_files_new (uint64_t seed, unsigned commits);
void life_files_destroy (power_life_t **self_p);

#endif
