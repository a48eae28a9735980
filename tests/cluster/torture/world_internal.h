/*  world_internal.h - for the files that make up the world. */
#ifndef HF_WORLD_INTERNAL_H_INCLUDED
#define HF_WORLD_INTERNAL_H_INCLUDED

#include "tests/cluster/torture/world.h"

/*  Tell the links what all troubles together come to. */
void hf_world_relink (hf_world_t *self);

#endif
