//  Lock by lock, in the order of grants: holders fit beside each other (P5a), in real time too
//  (P5b), and first come, first served (P8).
#include "tests/cluster/check/check_private.h"
#include <inttypes.h>
#include <stdlib.h>

CHECK_COMPARE (s_by_grant, stay_t, row->place.lock, row->hold->index, row->hold->token)
CHECK_COMPARE (s_by_receipt, stay_t, row->place.lock, row->hold->grant->end)
CHECK_COMPARE (s_by_index, hold_t *, (*row)->index)

typedef struct s_held { //  an HF_ARRAY
    const stay_t **list;
    size_t count, room;
} s_held_t;

//  ---- in the order of indexes --------------------------------------------------------

/*  What the stays at a lock so far come to. */
typedef struct s_lock {
    s_held_t held;        //  that may not have ended yet
    const hold_t *newest; //  of the highest token
    const hold_t *behind; //  took its place in the queue at the highest index...
    uint64_t behind_low;  //  ...not below this
    const hold_t *late;   //  asked last
} s_lock_t;

/*  Whether it surely lasted beyond INDEX. */
static bool
s_lasts (const hold_t *hold, uint64_t index)
{
    bool handed = (hold->end && hold->end->index == index) ||
                  (hold->replaced && hold->replaced->index == index);
    return hold->last > index || (hold->last == index && !handed);
}

static void
s_check_grant (hf_check_t *self, s_lock_t *lock, const stay_t *stay)
{
    const hold_t *hold = stay->hold;
    if (lock->newest && hold->token <= lock->newest->token)
        check_wrong (self, HF_PROMISE_P5A, hold->grant, lock->newest->grant,
                     "token %" PRIu64 " was granted after token %" PRIu64, hold->token,
                     lock->newest->token);
    uint64_t units = stay->place.units;
    size_t left = 0;
    for (size_t i = 0; i < lock->held.count; i++) {
        const stay_t *held = lock->held.list[i];
        if (!s_lasts (held->hold, hold->index))
            continue;
        lock->held.list[left++] = held;
        units += held->place.units;
        if (check_excludes (self, held, stay, hold->index))
            check_wrong (self, HF_PROMISE_P5A, hold->grant, held->hold->last_op,
                         "token %" PRIu64 " was granted while token %" PRIu64 " held the lock",
                         hold->token, held->hold->token);
        if (held->place.units > 0 && stay->place.units > 0 &&
            held->place.limit != stay->place.limit)
            check_wrong (self, HF_PROMISE_P5A, hold->grant, held->hold->grant,
                         "token %" PRIu64 " has another limit than token %" PRIu64, hold->token,
                         held->hold->token);
    }
    lock->held.count = left;
    if (stay->place.limit > 0 && units > stay->place.limit)
        check_wrong (self, HF_PROMISE_P5A, hold->grant, NULL,
                     "token %" PRIu64 " makes %" PRIu64 " units of %u", hold->token, units,
                     stay->place.limit);
    *hf_array_add (&lock->held) = stay;
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
    stay_t *stays = check_stays (self, s_by_grant, &count);
    s_lock_t lock = {0};
    for (size_t i = 0; i < count; i++) {
        hold_t *hold = stays[i].hold;
        bool first = i == 0 || stays[i - 1].place.lock != stays[i].place.lock;
        if (first)
            lock = (s_lock_t){.held = {.list = lock.held.list, .room = lock.held.room}};
        else if (stays[i - 1].hold->fate == FATE_MAYBE && hold->index < stays[i - 1].hold->high &&
                 check_excludes (self, &stays[i - 1], &stays[i], NEVER))
            stays[i - 1].hold->high = hold->index; //  by then it was released, or never
        s_check_grant (self, &lock, &stays[i]);
        if (hold->grant->ask.replaces == 0) //  an upgrade waits in front
            s_check_queue (self, &lock, hold);
        if (!lock.newest || hold->token > lock.newest->token)
            lock.newest = hold;
    }
    hf_array_free (&lock.held);
    free (stays);
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

/*  Until when HELD excludes NEXT: when it goes over to SHARED, that may be earlier. */
static uint64_t
s_excludes_until (const hf_check_t *self, const stay_t *held, const stay_t *next)
{
    const op_t *shared = held->hold->shared;
    bool early = shared && next->place.units > 0 && shared->start < held->until;
    if (!check_excludes (self, held, next, early ? 0 : NEVER))
        return 0;
    return early ? shared->start : held->until;
}

static void
s_check_receipt (hf_check_t *self, s_held_t *held, const stay_t *stay)
{
    uint64_t now = stay->hold->grant->end, units = stay->place.units;
    size_t left = 0;
    for (size_t i = 0; i < held->count; i++) {
        const stay_t *other = held->list[i];
        if (other->until <= now)
            continue;
        held->list[left++] = other;
        units += stay->hold->grant->ask.replaces != other->hold->token ? other->place.units : 0;
        uint64_t until = s_excludes_until (self, other, stay);
        if (now < until)
            check_wrong (self, HF_PROMISE_P5B, stay->hold->grant, other->hold->grant,
                         "token %" PRIu64 " came %" PRIu64 " us before the holder of token %" PRIu64
                         " was done",
                         stay->hold->token, until - now, other->hold->token);
    }
    held->count = left;
    if (stay->place.limit > 0 && units > stay->place.limit)
        check_wrong (self, HF_PROMISE_P5B, stay->hold->grant, NULL,
                     "token %" PRIu64 " came when others relied on %" PRIu64 " units of %u",
                     stay->hold->token, units - stay->place.units, stay->place.limit);
    *hf_array_add (held) = stay;
}

static void
s_check_clock (hf_check_t *self)
{
    size_t count;
    stay_t *stays = check_stays (self, s_by_receipt, &count);
    s_held_t held = {.count = 0};
    for (size_t i = 0; i < count; i++) {
        stays[i].until = s_until (stays[i].hold);
        if (i > 0 && stays[i - 1].place.lock != stays[i].place.lock)
            held.count = 0;
        s_check_receipt (self, &held, &stays[i]);
    }
    hf_array_free (&held);
    free (stays);
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
