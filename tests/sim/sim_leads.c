//  Operators who say who leads: in some lives the lead is asked for, and members are drained.

#include "tests/sim/sim_internal.h"
#include "base/hf_hash.h"

bool
sim_leads (const sim_t *sim)
{
    //  Not drawn from the life's own numbers: all other lives stay as they are.
    return sim->odds.changes != 0 && hf_hash_u64 (17, sim->seed) % 4 == 0;
}

bool
sim_wish_lead (sim_t *sim, hf_a_change_t *change)
{
    static const hf_change_op_t ops[] = {HF_CHANGE_LEAD, HF_CHANGE_LEAD, HF_CHANGE_DRAIN,
                                         HF_CHANGE_UNDRAIN};
    if (!sim_leads (sim) || sim_random (sim, 2) == 0)
        return false;
    change->op = ops[sim_random (sim, sizeof ops / sizeof *ops)];
    return true;
}

/*  P11: a member that is drained leads in the end only when all that vote are. */
bool
sim_well_led (const sim_t *sim, uint32_t leader)
{
    const hf_roster_t *roster = &sim->watch.roster;
    const hf_seat_t *seat = hf_roster_seat (roster, leader);
    bool others = false;
    for (uint32_t i = 0; i < roster->count; i++) {
        uint32_t flags = roster->members[i].flags;
        others = others || ((flags & HF_SEAT_VOTES) != 0 && (flags & HF_SEAT_DRAINED) == 0);
    }
    return seat && ((seat->flags & HF_SEAT_DRAINED) == 0 || !others);
}
