//  The clock of a node: it goes on while the machine sleeps.

#include "nodes/actors/hf_clock.h"
#include <time.h>

static uint64_t
s_us (clockid_t clock)
{
    struct timespec now;
    clock_gettime (clock, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t
hf_clock_us (void)
{
    return s_us (CLOCK_BOOTTIME);
}

uint64_t
hf_clock_wall_us (void)
{
    return s_us (CLOCK_REALTIME);
}
