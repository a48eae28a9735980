//  Lock by lock, in the order of grants: one holder (P5a), in real time too (P5b), and first
//  come, first served (P8).
#include "tests/cluster/check/check_private.h"
#include <inttypes.h>
#include <stdlib.h>

CHECK_COMPARE (s_by_grant, hold_t *, (*row)->lock, (*row)->index, (*row)->token)
CHECK_COMPARE (s_by_receipt, hold_t *, (*row)->lock, (*row)->grant->end)
CHECK_COMPARE (s_by_index, hold_t *, (*row)->index)

//  ---- in the order of indexes --------------------------------------------------------

/*  What the holds of a lock so far come to. */
typedef struct s_lock {
    const hold_t *latest; //  held to the highest index
    const hold_t *newest; //  of the highest token
    const hold_t *behind; //  took its place in the queue at the highest index...
    uint64_t behind_low;  //  ...not below this
    const hold_t *late;   //  asked last
} s_lock_t;

static void
s_check_grant (hf_check_t *self, const s_lock_t *lock, const hold_t *hold)
{
    if (!lock->latest)
        return;
    if (hold->token <= lock->newest->token)
        check_wrong (self, HF_PROMISE_P5A, hold->grant, lock->newest->grant,
                     "token %" PRIu64 " was granted after token %" PRIu64, hold->token,
                     lock->newest->token);
    const hold_t *latest = lock->latest;
    bool handed = latest->end && latest->end->index == hold->index;
    if (latest->last > hold->index || (latest->last == hold->index && !handed))
        check_wrong (self, HF_PROMISE_P5A, hold->grant, latest->last_op,
                     "token %" PRIu64 " was granted while token %" PRIu64 " held the lock",
                     hold->token, latest->token);
}

/*  Whoever surely queued before another is granted before it. */
static void
s_check_queue (hf_check_t *self, s_lock_t *lock, const hold_t *hold)
{
    const op_t *ask = hold->grant;
    bool clear = ask->since == ask->start; //  no place of an earlier try can have been taken over
    uint64_t high = ask->ask.queued ? ask->ask.queued : hold->index;
    if (clear && lock->behind && high < lock->behind_low)
        check_wrong (self, HF_PROMISE_P8, lock->behind->grant, ask,
                     "token %" PRIu64 " was granted before token %" PRIu64
                     ", which was in the queue before it",
                     lock->behind->token, hold->token);
    else if (clear && lock->late && ask->ask.queued_us &&
             ask->ask.queued_us < lock->late->grant->since)
        check_wrong (self, HF_PROMISE_P8, lock->late->grant, ask,
                     "token %" PRIu64 " was asked for when token %" PRIu64
                     " waited, and was granted first",
                     lock->late->token, hold->token);
    uint64_t low = clear && ask->ask.queued ? ask->ask.queued
                                            : order_reached (&self->order, ask->since - 1) + 1;
    if (low > lock->behind_low) {
        lock->behind_low = low;
        lock->behind = hold;
    }
    if (!lock->late || ask->since > lock->late->grant->since)
        lock->late = hold;
}

static void
s_check_log (hf_check_t *self)
{
    size_t count;
    hold_t **holds = check_granted (self, s_by_grant, &count);
    s_lock_t lock = {0};
    for (size_t i = 0; i < count; i++) {
        hold_t *hold = holds[i];
        if (i == 0 || holds[i - 1]->lock != hold->lock)
            lock = (s_lock_t){0};
        else if (holds[i - 1]->fate == FATE_MAYBE)
            holds[i - 1]->high = hold->index; //  by then it was released, or never
        s_check_grant (self, &lock, hold);
        s_check_queue (self, &lock, hold);
        if (!lock.latest || hold->last > lock.latest->last)
            lock.latest = hold;
        if (!lock.newest || hold->token > lock.newest->token)
            lock.newest = hold;
    }
    free (holds);
}

/*  All grants draw from one counter. */
static void
s_check_counter (hf_check_t *self)
{
    size_t count;
    hold_t **holds = check_granted (self, s_by_index, &count);
    const hold_t *newest = NULL;
    for (size_t i = 0, next; i < count; i = next) {
        for (next = i; next < count && holds[next]->index == holds[i]->index; next++) {
            if (newest && newest->lock != holds[next]->lock && newest->token > holds[next]->token)
                check_wrong (self, HF_PROMISE_P5A, holds[next]->grant, newest->grant,
                             "the counter of tokens fell from %" PRIu64 " to %" PRIu64,
                             newest->token, holds[next]->token);
        }
        for (size_t j = i; j < next; j++) {
            if (!newest || holds[j]->token > newest->token)
                newest = holds[j];
        }
    }
    free (holds);
}

//  ---- in real time -------------------------------------------------------------------

/*  Until when the holder relied on it, as far as it reported. */
static uint64_t
s_until (const hold_t *hold)
{
    uint64_t until = hold->grant->ask.until;
    if (until == 0 && hold->end)
        until = hold->end->start;
    else if (until == 0)
        until = hold->last_op->start;
    return until > hold->grant->end ? until : hold->grant->end;
}

static void
s_check_clock (hf_check_t *self)
{
    size_t count;
    hold_t **holds = check_granted (self, s_by_receipt, &count);
    const hold_t *longest = NULL;
    for (size_t i = 0; i < count; i++) {
        const hold_t *hold = holds[i];
        if (i == 0 || holds[i - 1]->lock != hold->lock)
            longest = NULL;
        if (longest && hold->grant->end < s_until (longest))
            check_wrong (self, HF_PROMISE_P5B, hold->grant, longest->grant,
                         "token %" PRIu64 " came %" PRIu64 " us before the holder of token %" PRIu64
                         " was done",
                         hold->token, s_until (longest) - hold->grant->end, longest->token);
        if (!longest || s_until (hold) > s_until (longest))
            longest = hold;
    }
    free (holds);
}

void
check_locks (hf_check_t *self)
{
    for (uint32_t i = 0; i < self->holds_count; i++) {
        hold_t *hold = &self->holds[i];
        if (hold->fate == FATE_MAYBE) {
            uint64_t reached = order_reached (&self->order, hold->maybe->start - 1);
            hold->low = (reached > hold->last ? reached : hold->last) + 1;
        }
    }
    s_check_log (self);
    s_check_counter (self);
    s_check_clock (self);
}
