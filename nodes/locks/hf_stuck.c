//  Queues that do not move, for the log (hf_state.h).
#include "base/hf_mutant.h"
#include "nodes/locks/hf_state_private.h"

#define WALK 1000 //  claims that are looked at: those that wait the longest

/*  For how long the queue at whose head CLAIM waits has not moved; 0: CLAIM is not at the head, or
 *  it is not known. It moved when somebody was granted the lock. */
static uint64_t
s_still_us (const hf_state_claim_t *claim, uint64_t now_us)
{
    const hf_state_lock_t *lock = claim->places[0].lock;
    uint64_t since_us = claim->since_us;
    if (since_us == 0 || lock->queue->waiters.next != &claim->places[0].in_lock)
        return 0;
    if (lock->holders_count > 0 && !HF_MUTANT (moved_is_stuck)) {
        uint64_t granted_us = hf_state_claim_of (hf_state_in_lock (lock->holders.prev))->since_us;
        since_us = granted_us > since_us ? granted_us : since_us;
    }
    return now_us > since_us ? now_us - since_us : 0;
}

static void
s_tell (const hf_state_claim_t *claim, hf_stuck_t *stuck)
{
    const hf_state_lock_t *lock = claim->places[0].lock;
    const hf_state_claim_t *hold =
        lock->holders_count > 0 ? hf_state_claim_of (hf_state_in_lock (lock->holders.next)) : NULL;
    *stuck = (hf_stuck_t){.lock = hf_state_lock_name (lock),
                          .for_us = hf_state_wait_of (claim)->told_us,
                          .waiters = lock->queue->waiters_count,
                          .holder = hold ? hold->session->id : 0,
                          .label = hold ? hf_sessions_label (hold->session) : hf_span ("", 0)};
}

bool
hf_state_stuck (hf_state_t *self, uint64_t limit_us, uint64_t now_us, hf_stuck_t *stuck)
{
    uint32_t walked = 0;
    HF_CHAIN_EACH (&self->locks.waiting, at)
    {
        hf_state_claim_t *claim = hf_state_waiting (at);
        hf_state_wait_t *wait = hf_state_wait_of (claim);
        uint64_t still_us = s_still_us (claim, now_us);
        uint64_t again_us = HF_MUTANT (stuck_said_each_time) ? limit_us : 2 * wait->told_us;
        if (still_us >= limit_us && still_us >= again_us) {
            wait->told_us = still_us;
            s_tell (claim, stuck);
            return true;
        }
        if (++walked == WALK)
            break;
    }
    return false;
}
