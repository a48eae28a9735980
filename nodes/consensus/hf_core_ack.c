//  A follower's acknowledgements: what it has on disk, and when it says so.
//
//  A commit needs a majority, and each acknowledgement costs its sender and the leader a wake-up of
//  a thread or two. So a voter that the leader does not need for a majority, by ids and links,
//  waits: mostly the leader's next entries tell that the others were enough, and one
//  acknowledgement then serves for many entries. If nothing is told for as long as two syncs take
//  here, SPARE_US at most, the others may be dead or slow, or their disks slower than ours: the
//  acknowledgement goes out, and for a time that doubles with each such failure all do at once.
//  Heartbeats are answered at once in any case, and so is what they call committed: a leader that
//  looks for a member that lacks nothing asks for that. Only when something is said changes here:
//  what is said is always true, and is said again.

#include "nodes/consensus/hf_core_internal.h"

#define BACKOFF_US      20000 //  after the first failure
#define BACKOFF_MOST_US 1280000

/*  In a new term, or after a start: whose links are up says little yet. */
void
hf_core_ack_reset (hf_core_t *self)
{
    self->acked_index = self->spared_index = self->owed_index = 0;
    self->ack_due = false;
    self->spare_until_us = 0;
    self->spare_backoff_us = BACKOFF_US;
    self->needed_until_us = self->now_us + self->config.stability_us;
}

/*  Whether voters with lower ids make a majority together with the leader, and we lack nothing. */
static bool
s_is_spare (const hf_core_t *self)
{
    if (self->config.spare_us == 0 || self->now_us < self->needed_until_us ||
        self->verified_index < self->leader_last)
        return false;
    hf_core_voters_t voters = hf_core_voters (self);
    uint32_t leader = hf_core_slot (self, self->leader);
    uint32_t full = hf_core_full (self), up = full & self->links;
    if (voters.before != 0 || self->slot == HF_MEMBERS_MAX || leader == HF_MEMBERS_MAX ||
        (full >> self->slot & voters.now >> leader & 1) == 0)
        return false;
    uint32_t count = 0, others = 0;
    for (uint32_t i = 0; i < HF_MEMBERS_MAX; i++) {
        count += voters.now >> i & 1;
        others += i != leader && self->nodes[i] < self->config.self ? up >> i & 1 : 0;
    }
    //  Of more than three nodes one more: the majority is then that of the quickest.
    return others >= count / 2 + (count > 3);
}

/*  How long others get to be enough. */
static uint64_t
s_spare_us (const hf_core_t *self)
{
    uint64_t syncs_us = 2 * hf_core_sync_us (self);
    return syncs_us > 0 && syncs_us < self->config.spare_us ? syncs_us : self->config.spare_us;
}

/*  Whether the acknowledgement of INDEX is to wait. */
static bool
s_waits (hf_core_t *self, uint64_t index)
{
    bool owed = self->acked_index < self->owed_index && !HF_MUTANT (spare_owes_nothing);
    if (owed || !s_is_spare (self))
        return false;
    bool first = self->spare_until_us == 0;
    if (first || (index > self->spared_index && self->spared_index <= self->commit_index)) {
        if (!first) //  the others were enough
            self->spare_backoff_us = BACKOFF_US;
        self->spared_index = index;
        self->spare_until_us = self->now_us + s_spare_us (self);
    }
    if (self->now_us < self->spare_until_us || HF_MUTANT (spare_for_ever))
        return true;
    if (self->spared_index <= self->commit_index) { //  they were, and nothing follows
        self->spare_backoff_us = BACKOFF_US;
        return false;
    }
    self->needed_until_us = self->now_us + self->spare_backoff_us;
    if (self->spare_backoff_us < BACKOFF_MOST_US)
        self->spare_backoff_us *= 2;
    return false;
}

void
hf_core_acknowledge (hf_core_t *self, hf_effects_t *effects)
{
    uint64_t index =
        self->verified_index < self->durable_index ? self->verified_index : self->durable_index;
    if (HF_MUTANT (ack_before_durable))
        index = self->verified_index;
    bool news = self->leader != 0 && index > self->acked_index;
    if (!self->ack_due && news && s_waits (self, index))
        return;
    self->spare_until_us = 0;
    if (self->leader == 0 || (!self->ack_due && !news))
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
