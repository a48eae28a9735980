//  The leader's log begins behind what we asked from: only its whole state helps us, and that
//  is the driver's business. We go on acknowledging rounds, and asking whenever a heartbeat or
//  the time comes for it, so that we recover when the next leader, or this one, can serve us.

#include "nodes/consensus/hf_core_internal.h"

void
hf_core_on_offer (hf_core_t *self, const hf_state_offer_t *m, hf_effects_t *effects)
{
    if (self->role != HF_FOLLOWER || self->leader == 0 || self->leader != m->from)
        return;
    //  An answer to an older question, or a lie: what follows our last verified point is there.
    if (m->first_index <= self->verified_index + 1)
        return;
    self->needs_state = true;
    if (self->offer_noted)
        return;
    self->offer_noted = true;
    hf_notice_t *notice = hf_core_notice (effects, HF_NOTICE_NEEDS_STATE);
    notice->term = self->term;
    notice->leader = self->leader;
    notice->index = m->first_index;
}
