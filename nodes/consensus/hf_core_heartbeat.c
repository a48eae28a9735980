#include "nodes/consensus/hf_core_internal.h"

void
hf_core_on_heartbeat (hf_core_t *self, const hf_heartbeat_t *m, hf_effects_t *effects)
{
    if (!hf_core_hear_leader (self, m->from))
        return;
    if (m->round > self->round)
        self->round = m->round;
    self->ack_due = true;
    if (m->commit > self->leader_commit)
        self->leader_commit = m->commit;
    if (m->last_index > self->leader_last)
        self->leader_last = m->last_index;
    //  One point in common, and everything before it is (log matching, 3.5).
    if (m->last_index > self->verified_index &&
        hf_core_log_has (&self->log, m->last_index, m->last_term)) {
        self->verified_index = m->last_index;
        self->needs_state = false;
        hf_core_repair_progress (self, false, effects);
    } else
        hf_core_repair_ask (self, effects);
}
