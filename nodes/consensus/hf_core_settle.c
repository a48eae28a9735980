//  The end of every step: the commit index, acks, barriers, notices and the next deadline.

#include "nodes/consensus/hf_core_internal.h"

static uint64_t
s_min (uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

//  Followers apply, tell watchers and answer stale reads up to the commit index that they know. The
//  next entries tell it; under a light load there are none for long, so after this part of a
//  heartbeat it is told alone.
#define TELL_PART 10

static void
s_tell_later (hf_core_t *self)
{
    if (self->commit_index > self->told_commit && self->tell_at_us == 0 && !hf_core_alone (self))
        self->tell_at_us = self->now_us + self->config.heartbeat_us / TELL_PART;
}

static void
s_settle_leader (hf_core_t *self, hf_effects_t *effects)
{
    hf_core_advance_commit (self);
    //  Again: when that committed a roster, the member that it admits counts from here on.
    hf_core_advance_commit (self);
    s_tell_later (self);
    bool opened = self->commit_index >= self->open_index || HF_MUTANT (serves_early);
    if (!self->announced && opened) {
        self->announced = true;
        hf_core_notice (self, HF_NOTICE_LEADING, 0, self->open_index, effects);
    }
    hf_core_pass_barriers (self, effects);
    hf_core_settle_change (self, effects);
    hf_core_push_transfer (self, false, effects);
    hf_core_leave (self, effects);
}

static void
s_settle_follower (hf_core_t *self, hf_effects_t *effects)
{
    if (HF_MUTANT (unclamped_commit) && self->leader_commit > self->verified_index)
        self->verified_index = s_min (self->leader_commit, self->log.last_index);
    uint64_t commit = s_min (self->leader_commit, self->verified_index);
    if (commit > self->commit_index)
        self->commit_index = commit;
    if (self->leader == 0)
        return;
    uint64_t index = s_min (self->verified_index, self->durable_index);
    if (HF_MUTANT (ack_before_durable))
        index = self->verified_index;
    if (!self->ack_due && index <= self->acked_index)
        return;
    self->ack_due = false;
    self->acked_index = index;
    hf_ack_t *m = &hf_core_send (self, HF_KIND_ACK, self->leader, effects)->message.ack;
    m->index = index;
    m->round = self->round;
    m->hears = self->links | (self->slot < HF_MEMBERS_MAX ? 1U << self->slot : 0);
    m->incarnation = self->config.incarnation;
    uint64_t sync_us = hf_core_sync_us (self);
    m->sync_us = sync_us < UINT32_MAX ? (uint32_t)sync_us : UINT32_MAX;
    m->speaks = self->config.speaks;
    HF_CORE_SAY_OPENING (self, m);
}

/*  Another roster is in force. */
static void
s_notice_roster (hf_core_t *self, hf_effects_t *effects)
{
    uint64_t index;
    hf_core_members (self, &index);
    if (index == self->roster_noted)
        return;
    self->roster_noted = index;
    hf_core_notice (self, HF_NOTICE_ROSTER, 0, index, effects);
}

static void
s_notice_following (hf_core_t *self, hf_effects_t *effects)
{
    bool news =
        self->notice_due || self->noted_term != self->term || self->noted_leader != self->leader;
    if (self->role == HF_LEADER || !news)
        return;
    self->notice_due = false;
    self->needs_state = self->offer_noted =
        false; //  FOLLOWING cancels it; it is given again if needed
    self->noted_term = self->term;
    self->noted_leader = self->leader;
    hf_core_notice (self, HF_NOTICE_FOLLOWING, 0, 0, effects);
}

static uint64_t
s_wake_at (const hf_core_t *self)
{
    uint64_t wake_us = self->stand_at_us;
    if (self->role == HF_LEADER) {
        wake_us = hf_core_majority_heard_us (self) + self->config.election_us;
        wake_us = s_min (wake_us, self->beat_at_us);
        if (self->tell_at_us != 0)
            wake_us = s_min (wake_us, self->tell_at_us);
        if (self->transfer_to != 0)
            wake_us = s_min (wake_us, self->transfer_until_us);
        if (self->leaves_at_us != 0)
            wake_us = s_min (wake_us, self->leaves_at_us);
    } else if (self->asked)
        wake_us = s_min (wake_us, self->ask_again_us);
    return wake_us;
}

void
hf_core_settle (hf_core_t *self, hf_effects_t *effects)
{
    if (self->role == HF_LEADER)
        s_settle_leader (self, effects);
    else
        s_settle_follower (self, effects);
    s_notice_following (self, effects);
    s_notice_roster (self, effects);
    assert (self->commit_index >= effects->commit_index);
    assert (self->commit_index <= self->verified_index);
    assert (self->verified_index <= self->log.last_index);
    effects->commit_index = self->commit_index;
    effects->wake_at_us = s_wake_at (self);
}
