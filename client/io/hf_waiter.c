//  One blocking call: its caller sleeps on a condition until the client's thread hands the op over.

#include "client/io/hf_waiter.h"
#include "base/hf_alloc.h"
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define GRACE_MS 20 //  the client's thread keeps limits too and should be the one to decide

struct hf_waiter {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    int refs;
    bool gone; //  the caller went away before it was done
    hf_op_t *op;
};

hf_waiter_t *
hf_waiter_new (void)
{
    hf_waiter_t *self = hf_alloc (sizeof *self);
    self->refs = 2;
    pthread_condattr_t attr;
    pthread_condattr_init (&attr);
    pthread_condattr_setclock (&attr, CLOCK_MONOTONIC);
    pthread_mutex_init (&self->mutex, NULL);
    pthread_cond_init (&self->cond, &attr);
    pthread_condattr_destroy (&attr);
    return self;
}

/*  With the mutex held; it is released. */
static void
s_drop (hf_waiter_t *self)
{
    assert (self->refs > 0);
    bool last = --self->refs == 0;
    pthread_mutex_unlock (&self->mutex);
    if (!last)
        return;
    pthread_cond_destroy (&self->cond);
    pthread_mutex_destroy (&self->mutex);
    free (self);
}

void
hf_waiter_drop (hf_waiter_t *self)
{
    pthread_mutex_lock (&self->mutex);
    s_drop (self);
}

bool
hf_waiter_give (hf_waiter_t *self, hf_op_t *op)
{
    pthread_mutex_lock (&self->mutex);
    assert (!self->op && op);
    bool there = !self->gone;
    if (there)
        self->op = op;
    pthread_cond_signal (&self->cond);
    s_drop (self);
    return there;
}

hf_op_t *
hf_waiter_take (hf_waiter_t *self, uint32_t limit_ms)
{
    uint64_t wait_ms = (uint64_t)limit_ms + GRACE_MS;
    struct timespec until;
    clock_gettime (CLOCK_MONOTONIC, &until);
    uint64_t nanos = (uint64_t)until.tv_nsec + wait_ms % 1000 * 1000000;
    until.tv_sec += (time_t)(wait_ms / 1000 + nanos / 1000000000);
    until.tv_nsec = (long)(nanos % 1000000000);
    pthread_mutex_lock (&self->mutex);
    int rc = 0;
    while (!self->op && rc == 0) {
        if (limit_ms == HF_FOREVER)
            rc = pthread_cond_wait (&self->cond, &self->mutex);
        else
            rc = pthread_cond_timedwait (&self->cond, &self->mutex, &until);
    }
    hf_op_t *op = self->op;
    self->gone = !op;
    s_drop (self);
    return op;
}
