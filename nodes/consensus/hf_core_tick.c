//  Time has come: heartbeats and check-quorum of a leader; standing; asking again.

#include "nodes/consensus/hf_core_internal.h"

static void
s_leader_tick (hf_core_t *self, hf_effects_t *effects)
{
    if (self->now_us >= hf_core_majority_heard_us (self) + self->config.election_us) {
        hf_core_step_down (self, self->term, effects); //  check-quorum (6.2)
        return;
    }
    if (self->transfer_to != 0 && self->now_us >= self->transfer_until_us)
        hf_core_fail_transfer (self);
    if (self->now_us < self->beat_at_us)
        return;
    self->beat_at_us = self->now_us + self->config.heartbeat_us;
    hf_core_prefer_lowest (self);
    hf_core_admit (self, effects);
    self->beat_commit = self->commit_index;
    hf_core_beat (self, effects);
    hf_core_push_transfer (self, true, effects);
}

void
hf_core_on_tick (hf_core_t *self, hf_effects_t *effects)
{
    if (self->role == HF_LEADER) {
        s_leader_tick (self, effects);
        return;
    }
    if (self->asked && self->now_us >= self->ask_again_us) {
        self->asked = false;
        hf_core_repair_ask (self, effects);
    }
    if (self->now_us < self->stand_at_us)
        return;
    if (self->now_us < self->abstain_until_us)
        self->stand_at_us = self->abstain_until_us;
    else if (!hf_core_may_stand (self)) {
        self->leader = 0;
        self->stand_at_us = self->now_us + hf_core_election_timeout (self);
    } else
        hf_core_pre_stand (self, effects);
}
