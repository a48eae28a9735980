//  Leadership transfer (3.10): to the lowest id that has been fit for a while; when this node stops
//  or is drained, to the fittest peer; or to the one that an operator asks for, which keeps the
//  lead until it stops, loses it, or is drained.

#include "nodes/consensus/hf_core_internal.h"

/*  It answered a heartbeat of ours a moment ago; our own link to it may not be up yet. */
static bool
s_heard (const hf_core_t *self, uint32_t slot)
{
    const hf_core_peer_t *peer = &self->peers[slot];
    return slot != self->slot && peer->round > 0 &&
           self->now_us <= peer->heard_us + 3 * self->config.heartbeat_us;
}

bool
hf_core_reachable (const hf_core_t *self, uint32_t slot)
{
    return (self->links >> slot & 1) != 0 && s_heard (self, slot);
}

/*  It counts, has everything that was committed a heartbeat ago, and hears a majority. */
static bool
s_able (const hf_core_t *self, uint32_t slot)
{
    const hf_core_peer_t *peer = &self->peers[slot];
    return (hf_core_full (self) >> slot & 1) != 0 && hf_core_reachable (self, slot) &&
           peer->match >= self->beat_commit &&
           hf_core_majority (self, peer->hears & hf_core_counted (self));
}

/*  Its syncs take much longer than ours, or so long that its heartbeats come late. */
static bool
s_slow (const hf_core_t *self, uint32_t slot)
{
    uint64_t sync_us = self->peers[slot].sync_us;
    uint64_t election_us = self->config.election_us;
    return (sync_us > election_us / 2 || sync_us > 4 * hf_core_sync_us (self) + election_us / 6) &&
           !HF_MUTANT (disk_not_looked_at);
}

/*  It is able to lead, its disk is not slow, and it hears every member that this node hears: a
 * member that only this node reaches would be left behind. */
static bool
s_fit (const hf_core_t *self, uint32_t slot)
{
    uint32_t heard = 0;
    for (uint32_t i = 0; i < HF_MEMBERS_MAX; i++)
        heard |= (s_heard (self, i) ? 1U : 0) << i;
    bool covers = (heard & ~self->peers[slot].hears) == 0 || HF_MUTANT (leaves_behind);
    return s_able (self, slot) && covers && !s_slow (self, slot);
}

static void
s_begin (hf_core_t *self, uint32_t slot, bool wished)
{
    self->wished = wished;
    self->transfer_to = self->nodes[slot];
    self->transfer_sent = false;
    self->asked_id = 0;
    self->transfer_until_us = self->now_us + self->config.election_us;
}

static bool
s_drained (const hf_core_t *self, uint32_t slot)
{
    return slot < HF_MEMBERS_MAX && (hf_core_drained (self) >> slot & 1) != 0;
}

/*  Whether this leader hands over by itself to a lower id. */
static bool
s_prefers_lowest (const hf_core_t *self)
{
    bool kept = self->kept_term == self->term && !HF_MUTANT (lead_not_kept);
    return self->config.prefer_lowest && !kept && self->now_us >= self->regret_until_us;
}

/*  Whether SLOT is a better leader than BEST: fit, and then of a lower id. */
static bool
s_better (const hf_core_t *self, uint32_t slot, uint32_t best)
{
    if (best == HF_MEMBERS_MAX || s_fit (self, slot) != s_fit (self, best))
        return best == HF_MEMBERS_MAX || s_fit (self, slot);
    return self->nodes[slot] < self->nodes[best];
}

void
hf_core_prefer_lowest (hf_core_t *self)
{
    assert (self->role == HF_LEADER);
    uint64_t window_us = self->config.stability_us << self->transfer_backoff;
    bool drained = s_drained (self, self->slot) && !HF_MUTANT (drained_leads);
    bool moves = (drained || s_prefers_lowest (self)) && hf_core_accepts (self);
    bool regrets = self->now_us < self->regret_until_us;
    if (HF_MUTANT (never_hands_over))
        return;
    if (drained && self->transfer_backoff == 0)
        window_us = 0; //  the first time at once
    uint32_t best = HF_MEMBERS_MAX;
    for (uint32_t slot = 0; slot < HF_MEMBERS_MAX; slot++) {
        hf_core_peer_t *peer = &self->peers[slot];
        bool wanted = drained || self->nodes[slot] < self->config.self;
        //  A drained leader takes what it can get; but one that is not fit not again and again.
        bool good = wanted && (s_fit (self, slot) || (drained && !regrets && s_able (self, slot)));
        if (!wanted || !good || (s_drained (self, slot) && !HF_MUTANT (handed_to_drained)))
            peer->fit_us = 0;
        else if (peer->fit_us == 0)
            peer->fit_us = self->now_us;
        else if (moves && self->now_us >= peer->fit_us + window_us && s_better (self, slot, best))
            best = slot;
    }
    if (best < HF_MEMBERS_MAX)
        s_begin (self, best, true);
}

hf_verdict_t
hf_core_hand_to (hf_core_t *self, const hf_change_t *change, hf_effects_t *effects)
{
    assert (self->role == HF_LEADER && change->op == HF_CHANGE_LEAD);
    uint32_t slot = hf_core_slot (self, change->place.node);
    if (slot == HF_MEMBERS_MAX || change->place.node == 0)
        return HF_VERDICT_NO_MEMBER;
    if (self->transfer_to != 0 && self->asked_id == change->id)
        return HF_VERDICT_TAKEN; //  asked again
    if (!hf_core_accepts (self))
        return HF_VERDICT_BUSY;
    if (s_drained (self, slot))
        return HF_VERDICT_CANNOT_LEAD;
    if (slot == self->slot) {
        self->kept_term = self->term;
        return HF_VERDICT_DONE;
    }
    if (!s_able (self, slot))
        return HF_VERDICT_CANNOT_LEAD;
    s_begin (self, slot, false);
    self->asked_id = change->id;
    hf_core_push_transfer (self, false, effects);
    return HF_VERDICT_TAKEN;
}

void
hf_core_push_transfer (hf_core_t *self, bool again, hf_effects_t *effects)
{
    if (self->role != HF_LEADER || self->transfer_to == 0 || (self->transfer_sent && !again))
        return;
    uint32_t slot = hf_core_slot (self, self->transfer_to);
    if (slot == HF_MEMBERS_MAX || self->peers[slot].match != self->log.last_index)
        return;
    self->transfer_sent = true;
    //  Also when the transfer is given up: a slow disk may stand later.
    if (self->wished)
        self->given_us = self->now_us;
    hf_transfer_t *m =
        &hf_core_send (self, HF_KIND_TRANSFER, self->transfer_to, effects)->message.transfer;
    m->last_index = self->log.last_index;
    m->last_term = hf_core_log_last_term (&self->log);
    m->asked = self->asked_id != 0;
}

void
hf_core_fail_transfer (hf_core_t *self, hf_effects_t *effects)
{
    assert (self->role == HF_LEADER && self->transfer_to != 0);
    uint32_t slot = hf_core_slot (self, self->transfer_to);
    if (slot < HF_MEMBERS_MAX)
        self->peers[slot].fit_us = 0;
    self->transfer_to = 0;
    if (self->asked_id != 0)
        hf_core_notice (self, HF_NOTICE_VERDICT, self->asked_id, HF_VERDICT_CANNOT_LEAD, effects);
    self->asked_id = 0;
    if (self->transfer_backoff < HF_CORE_BACKOFF_MAX)
        self->transfer_backoff++;
}

/*  The lead came back soon though the other node did not hand it back: its disk, machine or network
 *  is not up to it. The pause doubles, until a lead that was handed over has lasted. */
void
hf_core_regret (hf_core_t *self)
{
    uint64_t since_us = self->now_us - self->given_us;
    if (self->given_us == 0 || HF_MUTANT (no_backoff))
        return;
    self->given_us = 0;
    if (since_us < self->config.regret_us << self->regrets) {
        self->regret_until_us = self->now_us + (self->config.regret_us << self->regrets);
        if (self->regrets < HF_CORE_REGRETS_MAX)
            self->regrets++;
    } else if (since_us >= 5 * self->config.regret_us)
        self->regrets = 0;
}

/*  Of those in SLOTS: the lowest id that is fit; else the lowest that is able to lead; else the
 *  reachable one with the most entries; else our own slot. */
static uint32_t
s_fittest (const hf_core_t *self, uint32_t slots)
{
    uint32_t fit = self->slot, able = self->slot, most = self->slot;
    for (uint32_t slot = 0; slot < HF_MEMBERS_MAX; slot++) {
        if (slot == self->slot || (hf_core_full (self) & slots & 1U << slot) == 0 ||
            !hf_core_reachable (self, slot))
            continue;
        if (s_fit (self, slot) && (fit == self->slot || self->nodes[slot] < self->nodes[fit]))
            fit = slot;
        if (s_able (self, slot) && (able == self->slot || self->nodes[slot] < self->nodes[able]))
            able = slot;
        if (most == self->slot || self->peers[slot].match > self->peers[most].match)
            most = slot;
    }
    if (fit != self->slot)
        return fit;
    return able != self->slot ? able : most;
}

void
hf_core_on_handover (hf_core_t *self, hf_effects_t *effects)
{
    if (hf_core_alone (self))
        return;
    //  This node is about to stop: if it stood, the others would soon have to elect again.
    self->abstain_until_us = self->now_us + 10 * self->config.election_us;
    if (self->role != HF_LEADER || self->transfer_to != 0)
        return;
    uint32_t slot = s_fittest (self, ~hf_core_drained (self));
    if (slot == self->slot || !s_able (self, slot))
        slot = s_fittest (self, UINT32_MAX);
    if (slot == self->slot)
        return;
    s_begin (self, slot, false);
    hf_core_push_transfer (self, false, effects);
}

/*  The roster without us is committed: we lead only until another can. */
void
hf_core_leave (hf_core_t *self, hf_effects_t *effects)
{
    const hf_core_roster_t *roster = hf_core_roster (self);
    assert (self->role == HF_LEADER);
    if (!hf_core_tracks (self) || roster->joint || roster->index > self->commit_index ||
        (roster->now >> self->slot & 1) != 0 || HF_MUTANT (removed_leads))
        return;
    if (self->leaves_at_us == 0) {
        //  Who follows learns that it is committed, and this node too that it was removed.
        hf_core_tell_commit (self, effects);
        self->leaves_at_us = self->now_us + self->config.election_us;
        hf_core_on_handover (self, effects);
    } else if (self->now_us >= self->leaves_at_us)
        hf_core_step_down (self, self->term, effects);
}

//  ---- a transfer to this node ---------------------------------------------------

void
hf_core_on_transfer (hf_core_t *self, const hf_transfer_t *m, hf_effects_t *effects)
{
    if (self->role != HF_FOLLOWER || self->leader != m->from)
        return;
    self->given_us = 0; //  it is handed back
    //  Valid only for the log end that it names, and only when that is on our disk.
    bool same = self->log.last_index == m->last_index &&
                hf_core_log_last_term (&self->log) == m->last_term &&
                self->durable_index == m->last_index;
    if (!same || self->now_us < self->abstain_until_us || !hf_core_may_stand (self))
        return;
    hf_core_stand (self, effects);
    self->kept_term = m->asked ? self->term : 0;
}
