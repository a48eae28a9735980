//  One blocking call: its caller sleeps on a condition until the driver hands the op over.

#include "client/io/hf_io.h"
#include <assert.h>
#include <stdlib.h>

struct hf_waiter {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    int refs;
    bool left; //  the caller gave up before it was done
    hf_op_t *op;
};

hf_waiter_t *
hf_waiter_new (void)
{
    hf_waiter_t *self = hf_alloc (sizeof *self);
    self->refs = 2;
    hf_wait_init (&self->mutex, &self->cond);
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
    hf_wait_done (&self->mutex, &self->cond);
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
    bool there = !self->left;
    if (there)
        self->op = op;
    pthread_cond_signal (&self->cond);
    s_drop (self);
    return there;
}

bool
hf_waiter_done (hf_waiter_t *self)
{
    pthread_mutex_lock (&self->mutex);
    bool done = self->op != NULL;
    pthread_mutex_unlock (&self->mutex);
    return done;
}

hf_op_t *
hf_waiter_take (hf_waiter_t *self, uint32_t limit_ms)
{
    struct timespec until = hf_wait_until ((uint64_t)limit_ms + HF_WAITER_GRACE_MS);
    pthread_mutex_lock (&self->mutex);
    while (!self->op && hf_wait (&self->mutex, &self->cond, limit_ms, &until))
        continue;
    hf_op_t *op = self->op;
    self->left = !op;
    s_drop (self);
    return op;
}
