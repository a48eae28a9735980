//  Waits that would never end, found by going everywhere (model.h).
#include "tests/unit/locks/model_private.h"
#include <assert.h>

typedef struct hunt {
    const model_t *model;
    uint64_t ends[2]; //  sessions; 0: none
    bool seen[1000];  //  claims
} hunt_t;

/*  Design 5a: whether PLACE of CLAIM cannot have what it wants while HOLD lasts, whoever else goes.
 */
static bool
s_blocks (const model_claim_t *hold, const model_claim_t *claim, const model_place_t *place)
{
    const model_place_t *held = hold->token > 0 ? model_at (hold, place->lock) : NULL;
    if (!held || (claim->upgrade && hold->session == claim->session))
        return false;
    return place->units == 0 || held->units == 0 ||
           (place->limit > 0 && (uint64_t)place->units + held->units > place->limit);
}

static bool
s_is_before (const model_claim_t *other, const model_claim_t *claim, size_t lock)
{
    return other->token == 0 && model_at (other, lock) && !claim->upgrade &&
           (other->upgrade || other->born < claim->born);
}

/*  Whether CLAIM waits, over whatever others, for a session that ends the hunt. */
static bool
s_waits_for_end (hunt_t *hunt, const model_claim_t *claim)
{
    const model_t *model = hunt->model;
    for (size_t i = 0; i < claim->count; i++)
        for (size_t k = 0; k < model->claims.count; k++) {
            const model_claim_t *other = &model->claims.list[k];
            bool blocks = s_blocks (other, claim, &claim->places[i]);
            if (blocks && (other->session == hunt->ends[0] || other->session == hunt->ends[1]))
                return true;
            for (size_t n = 0; n < model->claims.count; n++) {
                const model_claim_t *next = &model->claims.list[n];
                bool own =
                    model->sessions[other->session].detect && next->session == other->session;
                bool holds =
                    blocks && next->token == 0 && (own || next->acts_for == other->session);
                bool ahead = next == other && s_is_before (other, claim, claim->places[i].lock);
                if ((!holds && !ahead) || hunt->seen[n])
                    continue;
                hunt->seen[n] = true;
                if (s_waits_for_end (hunt, next))
                    return true;
            }
        }
    return false;
}

bool
model_rings (const model_t *self, const model_claim_t *wanted)
{
    hunt_t hunt = {.model = self, .ends = {0, wanted->acts_for}};
    if (self->sessions[wanted->session].detect)
        hunt.ends[0] = wanted->session;
    assert (self->claims.count <= sizeof hunt.seen);
    return (hunt.ends[0] != 0 || hunt.ends[1] != 0) && s_waits_for_end (&hunt, wanted);
}
