//  A member that lost its disk is admitted again (design 4.6): see hf_core_roster.c.

#include "nodes/consensus/hf_core_internal.h"
#include <string.h>

/*  Another than the known one, there, and with all that was committed a heartbeat ago: at
 *  least what is before our term, of which a new leader does not know yet what is. */
static bool
s_ready (const hf_core_t *self, const hf_core_roster_t *table, uint32_t slot)
{
    const hf_core_peer_t *peer = &self->peers[slot];
    return peer->incarnation != 0 && peer->incarnation != table->incarnation[slot] &&
           hf_core_reachable (self, slot) && peer->match >= self->beat_commit &&
           peer->match >= self->open_index;
}

static void
s_confirm (hf_core_t *self, const hf_core_roster_t *table, hf_effects_t *effects)
{
    hf_core_append_own (self, table->incarnation, effects);
    for (uint32_t slot = 0; slot < self->config.members_count; slot++) {
        if ((table->changed >> slot & 1) == 0)
            continue;
        hf_notice_t *notice = hf_core_notice (effects, HF_NOTICE_ADMITTED);
        notice->term = self->term;
        notice->leader = self->config.self;
        notice->id = self->config.members[slot];
        notice->index = table->index;
    }
}

void
hf_core_admit (hf_core_t *self, hf_effects_t *effects)
{
    const hf_core_roster_t *last = hf_core_roster (self);
    if (last == NULL || last->index > self->commit_index || !hf_core_accepts (self))
        return;
    hf_core_roster_t table = *last; //  the list may move
    if (table.changed != 0) {
        s_confirm (self, &table, effects);
        return;
    }
    for (uint32_t slot = 0; slot < self->config.members_count; slot++) {
        if (slot == self->slot || !s_ready (self, &table, slot))
            continue;
        table.incarnation[slot] = self->peers[slot].incarnation;
        hf_core_append_own (self, table.incarnation, effects);
        return; //  one at a time
    }
}
