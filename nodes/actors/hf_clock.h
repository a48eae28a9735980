/*  hf_clock.h - the one clock of a node: microseconds, monotonic, counting while suspended. */
#ifndef HF_CLOCK_H_INCLUDED
#define HF_CLOCK_H_INCLUDED

#include <stdint.h>

uint64_t hf_clock_us (void);

#endif
