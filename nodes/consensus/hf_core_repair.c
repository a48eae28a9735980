//  Repair, the follower's side: asking for what the leader has and we have not.
//
//  NEED names a point of our log. If the leader has the same point, it answers
//  with the entries behind it, one chunk for each NEED: that is the credit. If
//  not, it answers with no entries and with its own largest point that is, in
//  index and in term, at most ours; and if that is none of ours, we ask from our
//  largest point that is at most this one. Index and term never rise and one of
//  them falls each time, so the walk ends, at the latest at what is committed,
//  which every leader has. It skips whole terms, not single entries.
//
//  The first question in a term names the end of our log, as it is mostly a part
//  of the leader's; later ones name what is verified.

#include "nodes/consensus/hf_core_internal.h"

void
hf_core_repair_reset (hf_core_t *self)
{
    self->walking = true;
    self->probe_index = UINT64_MAX; //  the end of the log, wherever that is when we ask
    self->asked = false;
}

static void
s_send_need (hf_core_t *self, hf_effects_t *effects)
{
    if (self->probe_index > self->log.last_index)
        self->probe_index = self->log.last_index;
    if (self->probe_index <= self->verified_index)
        self->walking = false;
    uint64_t index = self->walking ? self->probe_index : self->verified_index;
    hf_outgoing_t *out = hf_core_send (effects, HF_KIND_NEED, self->leader);
    out->need = (hf_need_t){.from = self->config.self,
                            .to = self->leader,
                            .term = self->term,
                            .probe_index = index,
                            .probe_term = hf_core_log_term_at (&self->log, index)};
    uint64_t least_us = self->config.heartbeat_us * 4 / 5;
    self->asked = true;
    self->ask_again_us = self->now_us + least_us + hf_core_random (self, least_us);
}

void
hf_core_repair_ask (hf_core_t *self, hf_effects_t *effects)
{
    assert (self->role != HF_LEADER);
    if (self->asked || self->leader == 0 || self->verified_index >= self->leader_last)
        return;
    if (HF_MUTANT (never_repairs))
        return;
    s_send_need (self, effects);
}

void
hf_core_repair_walk (hf_core_t *self, uint64_t index, uint64_t term, hf_effects_t *effects)
{
    //  An answer to an older question, which we are past.
    if (!self->asked || !self->walking)
        return;
    uint64_t point = hf_core_log_point_below (&self->log, index, term);
    if (point >= self->probe_index)
        return;
    self->probe_index = point;
    s_send_need (self, effects);
}

void
hf_core_repair_progress (hf_core_t *self, bool answer, hf_effects_t *effects)
{
    if (self->verified_index >= self->leader_last) {
        self->walking = false;
        self->asked = false;
        return;
    }
    if (answer) {
        self->walking = false;
        self->asked = false;
    }
    hf_core_repair_ask (self, effects);
}
