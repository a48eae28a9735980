//  The lock service says what is slow: turns, and queues that do not move.

#include "nodes/services/hf_lock_private.h"

#define STUCK_US 60000000 //  so long a queue may stand still
#define LOOK_US  10000000 //  between two looks

static void
s_look_at_turn (hf_lock_service_t *self)
{
    hf_slow_t told;
    if (!hf_slow_look (&self->slow_turn, self->now_us - self->turn_us, HF_SLOW_TURN_US,
                       self->now_us, &told))
        return;
    hf_outbox_say (
        &self->out, HF_WARN,
        "a turn of the lock actor took %.1f s: is the processor busy? so slow since that "
        "was last said: %" PRIu64,
        (double)told.worst_us / 1e6, told.count);
}

static void
s_look_at_queues (hf_lock_service_t *self)
{
    hf_stuck_t stuck;
    if (!self->leading || self->turn_us < self->stuck_look_us)
        return;
    self->stuck_look_us = self->turn_us + LOOK_US;
    if (!hf_state_stuck (self->state, STUCK_US, self->turn_us, &stuck))
        return;
    self->stuck_look_us = self->turn_us + HF_SLOW_AGAIN_US;
    hf_outbox_say (&self->out, HF_INFO,
                   "the queue of lock %.*s has not moved for %" PRIu64 " s: %u wait; first holder: "
                   "session %" PRIu64 "%s%.*s",
                   (int)stuck.lock.size, stuck.lock.at, stuck.for_us / 1000000, stuck.waiters,
                   stuck.holder, stuck.label.size > 0 ? ", " : "", (int)stuck.label.size,
                   stuck.label.at);
}

void
hf_lock_slow (hf_lock_service_t *self)
{
    s_look_at_turn (self);
    s_look_at_queues (self);
}
