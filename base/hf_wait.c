//  Waiting for a condition of threads (hf_wait.h).

#include "base/hf_wait.h"

void
hf_wait_init (pthread_mutex_t *mutex, pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    pthread_condattr_init (&attr);
    pthread_condattr_setclock (&attr, CLOCK_MONOTONIC);
    pthread_mutex_init (mutex, NULL);
    pthread_cond_init (cond, &attr);
    pthread_condattr_destroy (&attr);
}

void
hf_wait_done (pthread_mutex_t *mutex, pthread_cond_t *cond)
{
    pthread_cond_destroy (cond);
    pthread_mutex_destroy (mutex);
}

struct timespec
hf_wait_until (uint64_t limit_ms)
{
    struct timespec until;
    clock_gettime (CLOCK_MONOTONIC, &until);
    uint64_t nanos = (uint64_t)until.tv_nsec + limit_ms % 1000 * 1000000;
    until.tv_sec += (time_t)(limit_ms / 1000 + nanos / 1000000000);
    until.tv_nsec = (long)(nanos % 1000000000);
    return until;
}

bool
hf_wait (pthread_mutex_t *mutex, pthread_cond_t *cond, uint32_t limit_ms,
         const struct timespec *until)
{
    return (limit_ms == HF_WAIT_FOREVER ? pthread_cond_wait (cond, mutex)
                                        : pthread_cond_timedwait (cond, mutex, until)) == 0;
}
