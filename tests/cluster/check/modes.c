/*  Kinds of locks: which stays exclude each other, and to whom DEADLOCK was said. */
#include "tests/cluster/check/check_private.h"
#include <inttypes.h>

hold_t *
check_hold (const hf_check_t *self, uint64_t token)
{
    size_t at = CHECK_FIRST (i, 0, self->holds_count, self->holds[i].token < token);
    bool found = at < self->holds_count && self->holds[at].token == token && token > 0;
    return found ? &self->holds[at] : NULL;
}

static bool
s_asks (const hf_check_t *self, const op_t *ask, uint32_t lock)
{
    for (uint32_t i = 0; i < ask->ask.count; i++)
        if (self->places.list[ask->ask.first + i].lock == lock)
            return true;
    return false;
}

bool
check_has (const hf_check_t *self, const hold_t *hold, uint32_t lock)
{
    return !hold->grant || s_asks (self, hold->grant, lock);
}

/*  Whether it may be SHARED by INDEX, or NEVER, though it was granted EXCLUSIVE. */
static bool
s_may_share (const hf_check_t *self, const stay_t *stay, uint64_t index)
{
    const op_t *shared = stay->hold->shared;
    return shared && order_reached (&self->order, shared->start - 1) < index;
}

bool
check_excludes (const hf_check_t *self, const stay_t *held, const stay_t *next, uint64_t index)
{
    if (next->hold->grant->ask.replaces == held->hold->token)
        return false;
    return (held->place.units == 0 && !s_may_share (self, held, index)) || next->place.units == 0;
}

//  ---- DEADLOCK --------------------------------------------------------------------------

/*  Whether SESSION may have held something at the lock of OP's other end while OP was out: what
 *  somebody else may have waited for, or what OP itself asks for on its behalf. */
static bool
s_closes (const hf_check_t *self, const op_t *op, uint64_t session)
{
    for (uint32_t i = 0; i < self->holds_count; i++) {
        const hold_t *hold = &self->holds[i];
        if (hold->session != session || (hold->grant && hold->grant->since > op->end) ||
            (hold->end && hold->end->end < op->start))
            continue;
        for (size_t k = 0; k < self->ops.count; k++) {
            const op_t *ask = &self->ops.list[k];
            bool own = ask == op && session != op->session;
            bool other = ask != op && ask->session != session && ask->kind == OP_ACQUIRE &&
                         ask->start < op->end && (ask->end > op->start || ask->said == SAID_MAYBE);
            if (!own && !other)
                continue;
            for (uint32_t n = 0; n < ask->ask.count; n++)
                if (check_has (self, hold, self->places.list[ask->ask.first + n].lock))
                    return true;
        }
    }
    return false;
}

/*  A ring ends at a hold of who asks, or of whom it acts for, and somebody must wait for it. */
void
check_rings (hf_check_t *self)
{
    for (size_t i = 0; i < self->ops.count; i++) {
        const op_t *op = &self->ops.list[i];
        if (op->kind != OP_ACQUIRE || !op->deadlock)
            continue;
        self->deadlocks++;
        if (!s_closes (self, op, op->session) &&
            !(op->ask.acts_for && s_closes (self, op, op->ask.acts_for)))
            check_wrong (self, HF_PROMISE_DEADLOCK, op, NULL,
                         "DEADLOCK was said, and nobody waited for anything that session %" PRIu64
                         " held",
                         op->session);
    }
}
