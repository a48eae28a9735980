//  A blocking call drives its client while it waits.

#include "client/io/hf_io.h"
#include <assert.h>

bool
hf_drive_begin (hf_client_t *self)
{
    if (self->driver != HF_DRIVER_NONE || self->stop || hf_turn_left (self))
        return false;
    self->driver = HF_DRIVER_CALL;
    self->driving = pthread_self ();
    hf_loop_mind (self, false);
    return true;
}

/*  With the mutex held: nobody drives. The loop comes for what a call left, and when it would come
 *  too late by itself. */
static void
s_end (hf_client_t *self)
{
    uint64_t due_us = hf_turn_due_us (self);
    self->driver = HF_DRIVER_NONE;
    hf_loop_mind (self, true);
    if (due_us < self->loop_due_us)
        hf_io_wake (self);
}

void
hf_drive (hf_client_t *self, hf_waiter_t *waiter, uint32_t limit_ms)
{
    uint64_t until_us = hf_io_until_us (limit_ms);
    until_us = until_us == HF_NEVER ? HF_NEVER : until_us + HF_WAITER_GRACE_MS * 1000;
    for (;;) {
        hf_turn (self);
        bool done = hf_waiter_done (waiter) || hf_io_now_us () >= until_us;
        pthread_mutex_lock (&self->mutex);
        assert (self->driver == HF_DRIVER_CALL);
        if (done || self->stop || hf_turn_left (self)) {
            s_end (self);
            pthread_mutex_unlock (&self->mutex); //  it may be freed from now on
            return;
        }
        uint64_t due_us = hf_turn_due_us (self);
        pthread_mutex_unlock (&self->mutex);
        hf_io_wait (self, hf_turn_wait_ms (due_us < until_us ? due_us : until_us));
        if (hf_io_inherited (self))
            return; //  a signal's handler forked, and this is the child: all is its parent's
    }
}
