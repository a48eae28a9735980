#include "nodes/consensus/hf_core_internal.h"

void
hf_core_on_vote (hf_core_t *self, const hf_vote_t *m, hf_effects_t *effects)
{
    uint32_t bit = hf_core_bit (self, m->from);
    hf_role_t asked = m->pre ? HF_PRE_CANDIDATE : HF_CANDIDATE;
    //  What was granted counts only for the term that we stand, or would stand, in.
    uint64_t term = m->pre && m->granted ? self->term + 1 : self->term;
    if (self->role != asked || m->term != term)
        return;
    //  It was given to this node with the disk that it had before.
    if (m->candidate != self->config.incarnation && !HF_MUTANT (vote_names_id_only))
        return;
    if (m->granted)
        hf_core_grant (self, hf_core_slot (self, m->from), m->incarnation);
    else
        self->refused |= bit;
    hf_core_count_votes (self, effects);
}
