//  The clock of a node: it goes on while the machine sleeps.

#include "nodes/actors/hf_clock.h"
#include <time.h>

uint64_t
hf_clock_us (void)
{
    struct timespec now;
    clock_gettime (CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}
