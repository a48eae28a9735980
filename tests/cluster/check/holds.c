//  From operations to holds: what each token was, from its grant to its end.
#include "tests/cluster/check/check_private.h"
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

//  ---- acquires ---------------------------------------------------------------------

static bool
s_is_acquire (const op_t *op)
{
    return op->kind == OP_ACQUIRE;
}

CHECK_COMPARE (s_by_asker, op_t *, (*row)->session, (*row)->lock, (*row)->start)

/*  A try that was given up may have left a place, which a later try of the same session then
 *  takes over: so a place, or a grant, may be as old as the first of them. */
void
check_asks (hf_check_t *self)
{
    size_t count;
    const op_t **asks = check_select (self, s_is_acquire, s_by_asker, &count);
    uint64_t since = NEVER;
    const op_t *granted = NULL;
    for (size_t i = 0; i < count; i++) {
        op_t *op = &self->ops.list[asks[i] - self->ops.list];
        bool same = i > 0 && asks[i - 1]->session == op->session && asks[i - 1]->lock == op->lock;
        if (!same) {
            since = NEVER;
            granted = NULL;
        }
        if (since < op->start)
            op->since = since;
        if (op->said == SAID_OK) {
            op->again = granted && granted->token == op->token && granted->index == op->index;
            if (!op->again)
                granted = op;
            //  Others that were out at the same time may still be; those before are settled.
            since = NEVER;
        } else if (op->said != SAID_REFUSED && op->said != SAID_EXPIRED) {
            if (op->since < op->start)
                op->index = 0; //  the index may be that of a grant before
            since = since < op->start ? since : op->start;
        }
    }
    free (asks);
}

//  ---- holds ------------------------------------------------------------------------

static bool
s_names_token (const op_t *op)
{
    if (op->token == 0)
        return false;
    if (op->kind == OP_ACQUIRE)
        return op->said == SAID_OK;
    return op->kind == OP_APPEND || op->kind == OP_RELEASE || op->kind == OP_CANCEL ||
           op->kind == OP_SHARE || op->kind == OP_NOTE;
}

static bool
s_ends (const op_t *op)
{
    return op->kind == OP_RELEASE || op->kind == OP_CANCEL;
}

CHECK_COMPARE (s_by_token, op_t *, (*row)->token, (*row)->kind != OP_ACQUIRE,
               (*row)->said == SAID_OK ? (*row)->index : NEVER, (*row)->start)

static void
s_grant (hf_check_t *self, hold_t *hold, const op_t *op)
{
    if (!hold->grant) {
        hold->grant = op;
        hold->index = hold->last = op->index;
        hold->last_op = op;
        return;
    }
    if (op->session != hold->session || op->lock != hold->lock || op->index != hold->index)
        check_wrong (self, HF_PROMISE_P5A, op, hold->grant, "token %" PRIu64 " was granted twice",
                     op->token);
    else if (op->end < hold->grant->end)
        hold->grant = op;
}

/*  An append, release or cancel that was answered with OK. */
static void
s_use (hf_check_t *self, hold_t *hold, const op_t *op)
{
    uint64_t holder = op->owner ? op->owner : op->session;
    if (holder != hold->session || !check_has (self, hold, op->lock))
        check_wrong (self, HF_PROMISE_P5A, op, hold->grant,
                     "token %" PRIu64 " was taken for a session that does not hold it", op->token);
    else if (hold->grant && op->index <= hold->index)
        check_wrong (self, HF_PROMISE_P5A, op, hold->grant,
                     "token %" PRIu64 " was used before it was granted", op->token);
    else if (hold->end && s_ends (op))
        check_wrong (self, HF_PROMISE_ONCE, hold->end, op, "token %" PRIu64 " was given back twice",
                     op->token);
    else if (hold->end)
        check_wrong (self, HF_PROMISE_P5A, op, hold->end,
                     "token %" PRIu64 " was used after it was given back", op->token);
    if (s_ends (op) && !hold->end) {
        hold->end = op;
        hold->fate = op->kind == OP_RELEASE ? FATE_SURE : FATE_VOID;
    }
    if (op->index > hold->last) {
        hold->last = op->index;
        hold->last_op = op;
    }
}

static void
s_unsure (hold_t *hold, const op_t *op)
{
    if (!s_ends (op))
        return;
    hold->dropped = true;
    if (op->kind != OP_RELEASE || hold->end)
        return;
    hold->fate = FATE_MAYBE;
    if (!hold->maybe || op->start < hold->maybe->start)
        hold->maybe = op;
}

static void
s_take (hf_check_t *self, hold_t *hold, const op_t *op)
{
    self->ops.list[op - self->ops.list].hold = (uint32_t)(hold - self->holds);
    hold->foreign = hold->foreign || (s_ends (op) && op->session != hold->session);
    if (op->kind == OP_ACQUIRE)
        s_grant (self, hold, op);
    else if (op->kind == OP_SHARE) {
        if (op->said == SAID_OK || op->said == SAID_MAYBE || op->said == SAID_LOST)
            hold->shared = hold->shared && hold->shared->start < op->start ? hold->shared : op;
        //  Giving up may have taken the hold with it.
        hold->dropped = hold->dropped || op->said == SAID_MAYBE || op->said == SAID_LOST;
    } else if (op->said == SAID_OK)
        s_use (self, hold, op);
    else if (op->said == SAID_MAYBE)
        s_unsure (hold, op);
    else if (op->said == SAID_NOT_HOLDER && op->index > hold->index && op->index < hold->last &&
             (op->owner ? op->owner : op->session) == hold->session &&
             check_has (self, hold, op->lock))
        check_wrong (self, HF_PROMISE_P5A, op, hold->last_op,
                     "the holder of token %" PRIu64 " was answered NOT_HOLDER", op->token);
}

/*  A hold ends when its upgrade is granted; it may have when that is not known. */
static void
s_replace (hf_check_t *self)
{
    for (size_t i = 0; i < self->ops.count; i++) {
        const op_t *op = &self->ops.list[i];
        hold_t *old = op->kind == OP_ACQUIRE ? check_hold (self, op->ask.replaces) : NULL;
        if (!old)
            continue;
        if (op->said == SAID_MAYBE || op->said == SAID_LOST)
            old->dropped = true;
        if (op->said != SAID_OK)
            continue;
        if (old->session != op->session || !check_has (self, old, op->lock))
            check_wrong (self, HF_PROMISE_P5A, op, old->grant,
                         "token %" PRIu64 " replaced a hold that the session did not have",
                         op->token);
        else if (old->last > op->index || old->end)
            check_wrong (self, HF_PROMISE_P5A, old->last_op, op,
                         "token %" PRIu64 " was used after token %" PRIu64 " had replaced it",
                         old->token, op->token);
        old->last = op->index > old->last ? op->index : old->last;
        old->replaced = op;
    }
}

void
check_holds (hf_check_t *self)
{
    size_t count;
    const op_t **ops = check_select (self, s_names_token, s_by_token, &count);
    size_t holds = 0;
    for (size_t i = 0; i < count; i++)
        holds += i == 0 || ops[i]->token != ops[i - 1]->token;
    self->holds = check_list (holds, sizeof *self->holds);
    for (size_t i = 0; i < count; i++) {
        const op_t *op = ops[i];
        if (i == 0 || op->token != ops[i - 1]->token) {
            self->holds[self->holds_count++] =
                (hold_t){.token = op->token,
                         .session = op->owner ? op->owner : op->session,
                         .lock = op->lock,
                         .high = NEVER};
        }
        s_take (self, &self->holds[self->holds_count - 1], op);
    }
    assert (self->holds_count == holds);
    free (ops);
    s_replace (self);
    for (uint32_t i = 0; i < self->holds_count; i++) {
        self->grants += self->holds[i].grant != NULL;
        self->sections += self->holds[i].fate == FATE_SURE;
        self->undecided += self->holds[i].fate == FATE_MAYBE;
    }
}
