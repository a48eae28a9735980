//  Until when a session may rely on its locks.

#include "client/core/hf_lease.h"
#include "base/hf_mutant.h"
#include "msgs/hf_limits.h"
#include <assert.h>

void
hf_lease_init (hf_lease_t *self, uint32_t ttl_ms, uint64_t sent_us)
{
    assert (ttl_ms >= HF_TTL_MIN_MS);
    self->ttl_us = (uint64_t)ttl_ms * 1000;
    self->margin_us = HF_MUTANT (margin_left_out) ? 0 : self->ttl_us / 10;
    atomic_init (&self->deadline_us, sent_us + self->ttl_us - self->margin_us);
}

bool
hf_lease_alive (hf_lease_t *self, uint64_t now_us)
{
    uint64_t deadline = atomic_load (&self->deadline_us);
    while (deadline != 0 && now_us >= deadline) {
        //  Whoever compares and finds it past ends it, so that no two threads ever disagree.
        if (atomic_compare_exchange_weak (&self->deadline_us, &deadline, 0))
            return false;
    }
    return deadline != 0;
}

bool
hf_lease_renew (hf_lease_t *self, uint64_t sent_us, uint64_t now_us)
{
    if (HF_MUTANT (deadline_from_answer))
        sent_us = now_us;
    uint64_t until = sent_us + self->ttl_us - self->margin_us;
    if (sent_us > now_us || until <= now_us)
        return hf_lease_alive (self, now_us);
    uint64_t deadline = atomic_load (&self->deadline_us);
    while (deadline != 0 && deadline < until) {
        if (atomic_compare_exchange_weak (&self->deadline_us, &deadline, until))
            return true;
    }
    return hf_lease_alive (self, now_us);
}

uint64_t
hf_lease_remaining_us (hf_lease_t *self, uint64_t now_us)
{
    if (!hf_lease_alive (self, now_us))
        return 0;
    uint64_t deadline = atomic_load (&self->deadline_us);
    return deadline > now_us ? deadline - now_us : 0;
}

void
hf_lease_end (hf_lease_t *self)
{
    atomic_store (&self->deadline_us, 0);
}

uint64_t
hf_lease_deadline_us (hf_lease_t *self)
{
    return atomic_load (&self->deadline_us);
}

uint64_t
hf_lease_interval_us (const hf_lease_t *self)
{
    return self->ttl_us / 3;
}
