/*  hf_clock.h - the one clock of a node: microseconds, monotonic, counting while suspended. And the
 *  clock that can be set, by which nothing goes. */
#ifndef HF_CLOCK_H_INCLUDED
#define HF_CLOCK_H_INCLUDED

#include <stdint.h>

uint64_t hf_clock_us (void);

/*  Since 1970. */
uint64_t hf_clock_wall_us (void);

#endif
