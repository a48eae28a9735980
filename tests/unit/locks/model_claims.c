//  The claims of the slow and obvious state: what is granted when, and who leaves (model.h).
#include "tests/unit/locks/model_private.h"
#include <assert.h>

void
model_drop_staged (model_claim_t *claim)
{
    for (size_t i = 0; i < MODEL_FILES; i++)
        free (claim->staged[i].bytes);
}

/*  The claim's place at lock NUMBER; NULL: it has none. */
const model_place_t *
model_at (const model_claim_t *claim, size_t number)
{
    for (size_t i = 0; i < claim->count; i++)
        if (claim->places[i].lock == number)
            return &claim->places[i];
    return NULL;
}

/*  The claim of SESSION at lock NUMBER, its upgrade there or not; NULL: it has none. */
model_claim_t *
model_find (const model_t *self, size_t number, uint64_t session, bool upgrade)
{
    for (size_t i = 0; i < self->claims.count; i++) {
        model_claim_t *claim = &self->claims.list[i];
        if (claim->session == session && claim->upgrade == upgrade && model_at (claim, number))
            return claim;
    }
    return NULL;
}

/*  How many claims wait in the queue of lock NUMBER before this one, which waits there. */
size_t
model_before (const model_t *self, const model_claim_t *claim, size_t number)
{
    size_t before = 0;
    for (size_t i = 0; i < self->claims.count; i++) {
        const model_claim_t *other = &self->claims.list[i];
        if (other->token == 0 && model_at (other, number) && !claim->upgrade)
            before += other->upgrade || other->born < claim->born;
    }
    return before;
}

/*  Design 5a: EXCLUSIVE takes the whole lock, SHARED takes units of it. An upgrade fits beside the
 *  hold that it replaces. */
bool
model_fits (const model_t *self, const model_claim_t *claim, const model_place_t *place)
{
    uint64_t units = place->units;
    for (size_t i = 0; i < self->claims.count; i++) {
        const model_claim_t *other = &self->claims.list[i];
        const model_place_t *hold = other->token > 0 ? model_at (other, place->lock) : NULL;
        if (!hold || (claim->upgrade && other->session == claim->session))
            continue;
        if (place->units == 0 || hold->units == 0)
            return false;
        units += hold->units;
    }
    return place->limit == 0 || units <= place->limit;
}

bool
model_grantable (const model_t *self, const model_claim_t *claim)
{
    for (size_t i = 0; i < claim->count; i++)
        if (model_before (self, claim, claim->places[i].lock) > 0 ||
            !model_fits (self, claim, &claim->places[i]))
            return false;
    return claim->token == 0;
}

bool
model_starves (const model_t *self)
{
    for (size_t i = 0; i < self->claims.count; i++)
        if (model_grantable (self, &self->claims.list[i]))
            return true;
    return false;
}

const model_claim_t *
model_holder (const model_t *self, size_t number, size_t nth)
{
    uint64_t after = 0;
    const model_claim_t *found;
    do {
        found = NULL;
        for (size_t i = 0; i < self->claims.count; i++) {
            const model_claim_t *claim = &self->claims.list[i];
            if (claim->token > after && model_at (claim, number) &&
                (!found || claim->token < found->token))
                found = claim;
        }
        after = found ? found->token : 0;
    } while (found && nth-- > 0);
    return found;
}

uint32_t
model_wanting (const model_t *self, const model_claim_t *claim)
{
    uint32_t most = 0;
    for (size_t i = 0; i < claim->count; i++) {
        uint32_t waiters = 0;
        for (size_t k = 0; k < self->claims.count; k++) {
            const model_claim_t *other = &self->claims.list[k];
            waiters += other->token == 0 && other->session != claim->session &&
                       model_at (other, claim->places[i].lock);
        }
        most = waiters > most ? waiters : most;
    }
    return most;
}

uint64_t
model_position (const model_t *self, const model_claim_t *claim)
{
    uint64_t worst = 0;
    for (size_t i = 0; i < claim->count; i++) {
        uint64_t position = 1 + model_before (self, claim, claim->places[i].lock);
        worst = position > worst ? position : worst;
    }
    return worst;
}

static void
model_drop (model_t *self, model_claim_t *claim)
{
    size_t at = (size_t)(claim - self->claims.list);
    model_drop_staged (claim);
    memmove (claim, claim + 1, (self->claims.count - at - 1) * sizeof (*claim));
    self->claims.count--;
}

/*  The claim becomes a hold. An upgrade takes over what the hold that it replaces has staged. */
void
model_grant (model_t *self, model_claim_t *claim)
{
    claim->token = ++self->last_token;
    claim->index = self->commands;
    if (!claim->upgrade)
        return;
    model_claim_t *hold = model_find (self, claim->places[0].lock, claim->session, false);
    assert (hold);
    memcpy (claim->appended, hold->appended, sizeof (hold->appended));
    memcpy (claim->staged, hold->staged, sizeof (hold->staged));
    memset (hold->staged, 0, sizeof (hold->staged));
    claim->note = claim->note != 0 ? claim->note : hold->note;
    claim->replaces = hold->token;
    claim->upgrade = false;
    model_drop (self, hold);
}

//  ---- a command changes claims -----------------------------------------------------

model_change_t
model_begin (const model_t *self)
{
    model_change_t change = {.count = 0};
    for (size_t i = 0; i < self->claims.count; i++)
        *hf_array_add (&change.before) = self->claims.list[i];
    return change;
}

void
model_touch (model_change_t *change, const model_claim_t *claim)
{
    for (size_t i = 0; i < claim->count; i++) {
        bool known = false;
        for (size_t k = 0; k < change->count; k++)
            known = known || change->locks[k] == claim->places[i].lock;
        if (!known)
            change->locks[change->count++] = claim->places[i].lock;
    }
}

/*  Whether a claim that waits at lock NUMBER had another place in its queue, or a new one came in
 *  front. */
static bool
s_moved (const model_t *self, const model_change_t *change, size_t number)
{
    model_t old = {.commands = 0};
    old.claims.list = change->before.list;
    old.claims.count = change->before.count;
    for (size_t i = 0; i < self->claims.count; i++) {
        const model_claim_t *claim = &self->claims.list[i];
        if (claim->token > 0 || !model_at (claim, number))
            continue;
        for (size_t k = 0; k < old.claims.count; k++)
            if (old.claims.list[k].born == claim->born &&
                model_before (&old, &old.claims.list[k], number) !=
                    model_before (self, claim, number))
                return true;
        if (claim->upgrade && claim->born == self->commands)
            return true;
    }
    return false;
}

/*  Grant the first in the queue of lock NUMBER, if it can be granted. */
static bool
s_grant_first (model_t *self, model_change_t *change, size_t number)
{
    for (size_t i = 0; i < self->claims.count; i++) {
        model_claim_t *claim = &self->claims.list[i];
        if (!model_at (claim, number) || !model_grantable (self, claim))
            continue;
        uint64_t born = claim->born;
        model_touch (change, claim);
        model_grant (self, claim);
        for (size_t k = 0; k < self->claims.count; k++) {
            claim = &self->claims.list[k];
            if (claim->born != born)
                continue;
            model_event_t *event = model_add_event (self, HF_OUT_GRANTED, claim->session);
            event->lock = claim->places[0].lock;
            event->answer.token = claim->token;
            event->answer.index = claim->index;
            event->answer.position = claim->replaces;
            event->waiters = model_wanting (self, claim);
        }
        return true;
    }
    return false;
}

/*  Grant at the touched locks, in order and again, until nothing can be granted. */
void
model_finish (model_t *self, model_change_t *change)
{
    bool again = true;
    while (again) {
        again = false;
        for (size_t i = 0; i < change->count; i++)
            while (s_grant_first (self, change, change->locks[i]))
                again = true;
    }
    for (size_t i = 0; i < change->count; i++)
        if (s_moved (self, change, change->locks[i]))
            model_add_event (self, HF_OUT_MOVED, 0)->lock = change->locks[i];
    hf_array_free (&change->before);
    assert (!model_starves (self));
}

void
model_leave (model_t *self, model_claim_t *claim)
{
    model_change_t change = model_begin (self);
    model_touch (&change, claim);
    size_t number = claim->places[0].lock;
    uint64_t session = claim->session;
    bool hold = !claim->upgrade;
    model_drop (self, claim);
    if (hold && (claim = model_find (self, number, session, true)))
        model_drop (self, claim);
    model_finish (self, &change);
}
