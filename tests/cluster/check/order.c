//  The one order of all operations, by index: unique, and in agreement with real time (P10).
#include "tests/cluster/check/check_private.h"
#include <inttypes.h>
#include <stdlib.h>

/*  Answers of these have an index of their own, or share it as grants do. */
static bool
s_has_place (const op_t *op)
{
    if (op->index == 0 || op->again || op->kind < OP_ACQUIRE || op->kind > OP_APPEND)
        return false;
    return op->said == SAID_OK || op->said == SAID_NOT_GRANTED || op->said == SAID_NOT_HOLDER;
}

static bool
s_is_placed_read (const op_t *op)
{
    return op->kind == OP_READ && op->index > 0 && op->end != NEVER;
}

CHECK_COMPARE (s_by_index, op_t *, (*row)->index, (*row)->start)
CHECK_COMPARE (s_by_end, op_t *, (*row)->end)

//  ---- questions --------------------------------------------------------------------

/*  The first operation whose index is at least INDEX. */
static size_t
s_find (const order_t *self, uint64_t index)
{
    return CHECK_FIRST (i, 0, self->count, self->ops[i]->index < index);
}

uint64_t
order_known (const order_t *self, uint64_t index)
{
    size_t at = s_find (self, index);
    return at < self->count ? self->known[at] : NEVER;
}

uint64_t
order_before (const order_t *self, uint64_t index)
{
    size_t at = s_find (self, index);
    return at > 0 ? self->before[at - 1] : 0;
}

uint64_t
order_reached (const order_t *self, uint64_t time)
{
    size_t at = CHECK_FIRST (i, 0, self->count, self->ended[i]->end <= time);
    return at > 0 ? self->reached[at - 1] : 0;
}

//  ---- the checks -------------------------------------------------------------------

static bool
s_granted (const op_t *op)
{
    return op->kind == OP_ACQUIRE && op->said == SAID_OK;
}

/*  Whether the hold has a lock that was granted. */
static bool
s_meet (const hf_check_t *self, const hold_t *hold, const op_t *grant)
{
    for (uint32_t i = 0; i < grant->ask.count; i++)
        if (check_has (self, hold, self->places.list[grant->ask.first + i].lock))
            return true;
    return false;
}

/*  Whether GRANT follows from CAUSE, which has ended a hold: at one of its locks; or behind a set,
 *  which was granted with it or whose grant nobody saw. */
static bool
s_follows (const hf_check_t *self, const op_t *grant, const op_t *cause, const op_t **ops,
           size_t count)
{
    if (cause->hold == NO_HOLD || s_meet (self, &self->holds[cause->hold], grant))
        return true;
    for (size_t i = 0; i < count; i++)
        if (s_granted (ops[i]) && ops[i]->ask.count > 1 && ops[i]->token < grant->token &&
            s_meet (self, &self->holds[ops[i]->hold], grant))
            return true;
    for (size_t i = 0; i < self->ops.count; i++) {
        const op_t *op = &self->ops.list[i];
        hold_t unseen = {.grant = op};
        bool may = op->said == SAID_MAYBE || op->said == SAID_LOST;
        if (op->kind == OP_ACQUIRE && may && op->ask.count > 1 && op->start < grant->end &&
            s_meet (self, &unseen, grant))
            return true;
    }
    return false;
}

/*  Operations with one index: one that causes it, and the grants that it causes. */
static void
s_check_group (hf_check_t *self, const op_t **ops, size_t count)
{
    const op_t *cause = NULL;
    for (size_t i = 0; i < count; i++) {
        //  Many are granted at once; who fits beside whom is seen lock by lock.
        if (s_granted (ops[i]))
            continue;
        if (cause)
            check_wrong (self, HF_PROMISE_P10, ops[i], cause, "two operations have index %" PRIu64,
                         ops[i]->index);
        cause = ops[i];
    }
    bool hands_on = cause && cause->said == SAID_OK && cause->kind != OP_APPEND;
    for (size_t i = 0; i < count && cause; i++)
        if (s_granted (ops[i]) && !(hands_on && s_follows (self, ops[i], cause, ops, count)))
            check_wrong (self, HF_PROMISE_P10, ops[i], cause,
                         "a grant has the index of what cannot have caused it");
}

static void
s_check_groups (hf_check_t *self)
{
    const order_t *order = &self->order;
    for (size_t i = 0, next; i < order->count; i = next) {
        for (next = i + 1; next < order->count && order->ops[next]->index == order->ops[i]->index;)
            next++;
        if (next - i > 1)
            s_check_group (self, order->ops + i, next - i);
    }
}

/*  Nothing was answered before something with a lower index was asked. */
static void
s_check_time (hf_check_t *self)
{
    const order_t *order = &self->order;
    const op_t *latest = NULL; //  asked last, of those with lower indexes
    for (size_t i = 0, next; i < order->count; i = next) {
        for (next = i; next < order->count && order->ops[next]->index == order->ops[i]->index;
             next++) {
            const op_t *op = order->ops[next];
            if (latest && latest->since > op->end)
                check_wrong (self, HF_PROMISE_P10, op, latest,
                             "index %" PRIu64 " was answered before index %" PRIu64 " was asked",
                             op->index, latest->index);
        }
        for (size_t j = i; j < next; j++) {
            if (!latest || order->ops[j]->since > latest->since)
                latest = order->ops[j];
        }
    }
}

/*  A read's index is of its answer: not below what was answered before it was asked, and
 *  above nothing that was asked later. */
static void
s_check_reads (hf_check_t *self)
{
    const order_t *order = &self->order;
    for (size_t i = 0; i < self->ops.count; i++) {
        const op_t *op = &self->ops.list[i];
        if (!s_is_placed_read (op))
            continue;
        uint64_t reached = order_reached (order, op->start - 1);
        if (op->index < reached)
            check_wrong (self, HF_PROMISE_P10, op, NULL,
                         "a read of index %" PRIu64 " was asked after index %" PRIu64
                         " was answered",
                         op->index, reached);
        if (order_before (order, op->index + 1) > op->end)
            check_wrong (self, HF_PROMISE_P10, op, NULL,
                         "a read has index %" PRIu64 ", and something below was asked later",
                         op->index);
    }
}

void
check_order (hf_check_t *self)
{
    order_t *order = &self->order;
    order->ops = check_select (self, s_has_place, s_by_index, &order->count);
    order->ended = check_select (self, s_has_place, s_by_end, &order->count);
    order->known = check_list (order->count, sizeof *order->known);
    order->before = check_list (order->count, sizeof *order->before);
    order->reached = check_list (order->count, sizeof *order->reached);
    uint64_t most = 0, least = NEVER, reached = 0;
    for (size_t i = 0; i < order->count; i++) {
        most = order->ops[i]->since > most ? order->ops[i]->since : most;
        order->before[i] = most;
        reached = order->ended[i]->index > reached ? order->ended[i]->index : reached;
        order->reached[i] = reached;
    }
    for (size_t i = order->count; i-- > 0;) {
        least = order->ops[i]->end < least ? order->ops[i]->end : least;
        order->known[i] = least;
    }
    s_check_groups (self);
    s_check_time (self);
    s_check_reads (self);
}
