//  Waiting for a condition, with a limit.

#include "tests/kit/hf_wait.h"
#include <assert.h>
#include <time.h>

#define POLL_MS 5

uint64_t
hf_wait_now_ms (void)
{
    struct timespec now;
    int rc = clock_gettime (CLOCK_MONOTONIC, &now);
    assert (rc == 0);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

bool
hf_wait_pause (uint64_t end_ms)
{
    if (hf_wait_now_ms () >= end_ms)
        return false;
    nanosleep (&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
    return true;
}
