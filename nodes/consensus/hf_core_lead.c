//  What a leader does: rounds, publishing, the commit index.

#include "nodes/consensus/hf_core_internal.h"

void
hf_core_lead (hf_core_t *self, hf_effects_t *effects)
{
    assert (self->role == HF_CANDIDATE && self->voted_for.node == self->config.self);
    self->role = HF_LEADER;
    self->leader = self->config.self;
    self->term_leader = self->config.self;
    self->round = 0;
    self->announced = false;
    self->barriers_count = 0;
    self->transfer_to = 0;
    self->transfer_backoff = 0;
    self->beat_commit = self->commit_index;
    for (uint32_t i = 0; i < self->config.members_count; i++)
        self->peers[i] = (hf_core_peer_t){.heard_us = self->now_us};
    self->open_index = self->log.last_index + 1;
    //  The first leader of all: all voted for it, and from here on they are known.
    bool forms = hf_core_tracks (self) && hf_core_roster (self) == NULL;
    hf_core_append_own (self, forms ? self->voters : NULL, effects);
    self->beat_at_us = self->now_us + self->config.heartbeat_us;
    hf_core_beat (self, effects);
}

void
hf_core_beat (hf_core_t *self, hf_effects_t *effects)
{
    assert (self->role == HF_LEADER);
    self->round++;
    if (self->config.members_count == 1)
        return;
    hf_outgoing_t *out = hf_core_send (effects, HF_KIND_HEARTBEAT, 0);
    out->early = !self->vote_pending;
    out->heartbeat = (hf_heartbeat_t){.from = self->config.self,
                                      .term = self->term,
                                      .round = self->round,
                                      .commit = self->commit_index,
                                      .last_index = self->log.last_index,
                                      .last_term = hf_core_log_last_term (&self->log)};
}

void
hf_core_append_own (hf_core_t *self, const uint64_t *table, hf_effects_t *effects)
{
    hf_persist_t *persist = hf_core_persist (effects, HF_PERSIST_OWN);
    persist->index = self->log.last_index + 1;
    persist->term = self->term;
    persist->count = 1;
    persist->entry_type = HF_ENTRY_OPEN_TERM;
    if (table != NULL)
        hf_core_roster_add (self, table, persist);
    hf_core_publish (self, 1, effects);
}

void
hf_core_publish (hf_core_t *self, uint32_t count, hf_effects_t *effects)
{
    assert (self->role == HF_LEADER && count > 0);
    uint64_t prev_index = self->log.last_index;
    uint64_t prev_term = hf_core_log_last_term (&self->log);
    hf_core_log_append (&self->log, self->term, count);
    self->verified_index = self->log.last_index; //  our log is what others are checked against
    if (self->config.members_count == 1)
        return;
    hf_outgoing_t *out = hf_core_send (effects, HF_KIND_ENTRIES, 0);
    //  They may travel before our own disk has them: only a leader of this term
    //  makes entries of it, and after a crash we do not lead this term again, as
    //  our vote in it is on disk. Hence not while that vote is still pending.
    out->early = !self->vote_pending;
    out->entries_count = count;
    out->entries = (hf_entries_t){.from = self->config.self,
                                  .term = self->term,
                                  .commit = self->commit_index,
                                  .prev_index = prev_index,
                                  .prev_term = prev_term};
}

uint64_t
hf_core_majority_heard_us (const hf_core_t *self)
{
    uint64_t heard_us[HF_MEMBERS_MAX];
    for (uint32_t i = 0; i < self->config.members_count; i++)
        heard_us[i] = i == self->slot ? self->now_us : self->peers[i].heard_us;
    //  One that was not heard yet in this term may still turn out to be known.
    uint32_t counted = hf_core_counted (self);
    for (uint32_t i = 0; i < self->config.members_count; i++) {
        if (self->peers[i].incarnation == 0)
            counted |= hf_core_voters (self) & 1U << i;
    }
    return hf_quorum_value_of (heard_us, counted, self->config.members_count);
}

void
hf_core_advance_commit (hf_core_t *self)
{
    assert (self->role == HF_LEADER);
    uint64_t match[HF_MEMBERS_MAX];
    for (uint32_t i = 0; i < self->config.members_count; i++)
        match[i] = i == self->slot ? self->durable_index : self->peers[i].match;
    if (HF_MUTANT (count_before_durable))
        match[self->slot] = self->log.last_index;
    uint32_t counted = HF_MUTANT (unknown_counts) ? UINT32_MAX : hf_core_counted (self);
    uint64_t index = hf_quorum_value_of (match, counted, self->config.members_count);
    //  An entry of an earlier term is committed only by one of ours behind it (3.6.2).
    bool ours = hf_core_log_term_at (&self->log, index) == self->term;
    if (index > self->commit_index && (ours || HF_MUTANT (counted_old_term)))
        self->commit_index = index;
}

void
hf_core_pass_barriers (hf_core_t *self, hf_effects_t *effects)
{
    assert (self->role == HF_LEADER);
    bool opened = self->commit_index >= self->open_index || HF_MUTANT (serves_early);
    if (self->barriers_count == 0 || !opened)
        return;
    uint64_t rounds[HF_MEMBERS_MAX];
    for (uint32_t i = 0; i < self->config.members_count; i++)
        rounds[i] = i == self->slot ? self->round : self->peers[i].round;
    uint64_t round =
        hf_quorum_value_of (rounds, hf_core_counted (self), self->config.members_count);
    uint32_t passed = 0; //  rounds ascend
    while (passed < self->barriers_count && self->barriers[passed].round <= round) {
        hf_notice_t *notice = hf_core_notice (effects, HF_NOTICE_PASSED);
        notice->term = self->term;
        notice->leader = self->config.self;
        notice->id = self->barriers[passed].id;
        notice->index = self->barriers[passed].index;
        assert (notice->index <= self->commit_index);
        passed++;
    }
    self->barriers_count -= passed;
    for (uint32_t i = 0; i < self->barriers_count; i++)
        self->barriers[i] = self->barriers[i + passed];
}
