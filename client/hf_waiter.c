#include "client/hf_impl.h"
#include <assert.h>
#include <stdlib.h>
#include <time.h>

#define GRACE_MS 20 //  the I/O thread keeps limits too and should be the one to decide

hf_waiter_t *
hf_waiter_new (void)
{
    hf_waiter_t *self = calloc (1, sizeof *self);
    if (!self)
        abort ();
    self->refs = 2;
    pthread_condattr_t attr;
    pthread_condattr_init (&attr);
    pthread_condattr_setclock (&attr, CLOCK_MONOTONIC);
    pthread_mutex_init (&self->mutex, NULL);
    pthread_cond_init (&self->cond, &attr);
    pthread_condattr_destroy (&attr);
    return self;
}

void
hf_waiter_drop (hf_waiter_t *self)
{
    pthread_mutex_lock (&self->mutex);
    assert (self->refs > 0);
    bool last = --self->refs == 0;
    pthread_mutex_unlock (&self->mutex);
    if (!last)
        return;
    pthread_cond_destroy (&self->cond);
    pthread_mutex_destroy (&self->mutex);
    free (self->reply);
    free (self);
}

bool
hf_waiter_enter (hf_waiter_t *self)
{
    pthread_mutex_lock (&self->mutex);
    assert (!self->done);
    return !self->gone;
}

void
hf_waiter_leave (hf_waiter_t *self, hf_status_t status)
{
    self->status = status;
    self->done = true;
    self->flushed = true;
    pthread_cond_broadcast (&self->cond);
    pthread_mutex_unlock (&self->mutex);
    hf_waiter_drop (self);
}

void
hf_waiter_flushed (hf_waiter_t *self)
{
    pthread_mutex_lock (&self->mutex);
    self->flushed = true;
    pthread_cond_broadcast (&self->cond);
    pthread_mutex_unlock (&self->mutex);
}

void
hf_waiter_wait_flushed (hf_waiter_t *self)
{
    pthread_mutex_lock (&self->mutex);
    while (!self->flushed)
        pthread_cond_wait (&self->cond, &self->mutex);
    pthread_mutex_unlock (&self->mutex);
}

static void
s_until (struct timespec *until, uint64_t limit_ms)
{
    clock_gettime (CLOCK_MONOTONIC, until);
    until->tv_sec += (time_t)(limit_ms / 1000);
    until->tv_nsec += (long)(limit_ms % 1000) * 1000000;
    if (until->tv_nsec >= 1000000000) {
        until->tv_sec++;
        until->tv_nsec -= 1000000000;
    }
}

bool
hf_waiter_wait (hf_waiter_t *self, uint32_t limit_ms)
{
    struct timespec until;
    s_until (&until, (uint64_t)limit_ms + GRACE_MS);
    pthread_mutex_lock (&self->mutex);
    int rc = 0;
    while (!self->done && rc == 0) {
        if (limit_ms == HF_FOREVER)
            rc = pthread_cond_wait (&self->cond, &self->mutex);
        else
            rc = pthread_cond_timedwait (&self->cond, &self->mutex, &until);
    }
    bool done = self->done;
    self->gone = !done;
    pthread_mutex_unlock (&self->mutex);
    return done;
}
