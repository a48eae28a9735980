//  Elections: roles and terms, pre-votes and votes, asked and given.

#include "nodes/consensus/hf_core_internal.h"
#include <string.h>

static void s_count_votes (hf_core_t *self, hf_effects_t *effects);

//  ---- delays ----------------------------------------------------------------------------

uint64_t
hf_core_election_timeout (hf_core_t *self)
{
    uint64_t step_us = self->config.rank_step_us;
    //  A node whose disk makes it miss heartbeats stands after all others.
    bool slow = hf_core_sync_us (self) > self->config.election_us / 2;
    uint32_t rank = hf_core_rank (self, self->config.self) + (slow ? HF_MEMBERS_MAX : 0);
    return self->config.election_us + rank * step_us + hf_random_below (&self->random, step_us / 2);
}

/*  30 to 40 ms for the lowest id at a heartbeat of 50 ms, 10 ms more for each rank. */
static uint64_t
s_retry_delay (hf_core_t *self)
{
    uint64_t step_us = self->config.heartbeat_us / 5;
    return (3 + hf_core_rank (self, self->config.self)) * step_us +
           hf_random_below (&self->random, step_us);
}

//  ---- following ------------------------------------------------------------------------------

/*  What a leader said holds in its own term only. */
static void
s_forget_term (hf_core_t *self)
{
    self->term_leader = 0;
    self->broken = 0;
    self->leader_commit = 0;
    self->leader_last = 0;
    self->round = 0;
    self->ack_due = false;
    self->acked_index = 0;
    if (!HF_MUTANT (verified_kept))
        self->verified_index = self->commit_index;
    self->granted = 0;
    self->refused = 0;
    self->needs_state = false;
    self->offer_noted = false;
    hf_core_repair_reset (self);
}

/*  Messages that are not sent yet lose their entries: by the time they are read, another leader's
 *  entries may be in their place, which this term's leader never had. */
static void
s_stop_leading (hf_core_t *self, hf_effects_t *effects)
{
    for (size_t i = 0; i < effects->messages.count; i++) {
        if (effects->messages.list[i].message.kind == HF_KIND_ENTRIES)
            effects->messages.list[i].entries_count = 0;
    }
    //  What members lack that are away is kept on, whoever leads next.
    self->leader_keep = hf_core_keep (self);
    self->keep_us = self->now_us;
    self->barriers.count = 0;
    self->transfer_to = 0;
    self->verified_index = self->commit_index;
    self->stand_at_us = self->now_us + hf_core_election_timeout (self);
    self->notice_due = true;
}

void
hf_core_step_down (hf_core_t *self, uint64_t term, hf_effects_t *effects)
{
    assert (term >= self->term);
    if (self->role == HF_LEADER)
        s_stop_leading (self, effects);
    if (term > self->term) {
        self->term = term;
        self->voted_for = (hf_member_t){.node = 0};
        hf_core_persist_vote (self, effects);
        s_forget_term (self);
    }
    self->role = HF_FOLLOWER;
    self->leader = 0;
}

static bool
s_hears_leader (const hf_core_t *self)
{
    if (self->role == HF_LEADER)
        return true; //  check-quorum ensures it
    return self->leader != 0 && self->now_us < self->heard_us + self->config.election_us;
}

bool
hf_core_hear_leader (hf_core_t *self, uint32_t from)
{
    if (self->role == HF_LEADER)
        return false;
    //  A second leader in this term: one of the two messages is forged. The one that is heard
    //  counts, and nothing that the other said.
    if (self->term_leader != 0 && self->term_leader != from) {
        if (s_hears_leader (self) || HF_MUTANT (leader_pinned))
            return false;
        s_forget_term (self);
    }
    //  A dead leader's messages may still be in our queues when its connection breaks.
    if (self->broken == from && self->now_us < self->broken_us + self->config.heartbeat_us / 2)
        return false;
    self->broken = 0;
    self->role = HF_FOLLOWER;
    self->waiting_noted = 0;
    self->leader = from;
    self->term_leader = from;
    self->heard_us = self->now_us;
    self->stand_at_us = self->now_us + hf_core_election_timeout (self);
    return true;
}

void
hf_core_tell_newer_term (hf_core_t *self, uint32_t to, hf_effects_t *effects)
{
    uint32_t slot = hf_core_slot (self, to); //  HF_MEMBERS_MAX: one that is no member
    uint64_t again_us = self->newer_sent_us[slot] + self->config.heartbeat_us / 2;
    if (self->newer_sent_term == self->term && self->newer_sent_us[slot] > 0 &&
        self->now_us < again_us)
        return;
    self->newer_sent_term = self->term;
    self->newer_sent_us[slot] = self->now_us;
    hf_core_send (self, HF_KIND_NEWER_TERM, to, effects);
}

//  ---- standing ---------------------------------------------------------------------------------

static void
s_request_votes (hf_core_t *self, uint64_t term, bool pre, hf_effects_t *effects)
{
    if (hf_core_alone (self))
        return;
    hf_vote_request_t *m =
        &hf_core_send (self, HF_KIND_VOTE_REQUEST, 0, effects)->message.vote_request;
    m->term = term;
    m->last_index = self->log.last_index;
    m->last_term = hf_core_log_last_term (&self->log);
    m->pre = pre;
    m->incarnation = self->config.incarnation;
    HF_CORE_SAY_OPENING (self, m);
}

/*  The member in SLOT voted for us; recorded if its vote counts. */
static void
s_grant (hf_core_t *self, uint32_t slot, uint64_t incarnation, uint32_t speaks)
{
    const hf_core_roster_t *roster = hf_core_roster (self);
    hf_core_voters_t voters = hf_core_voters (self);
    bool counts = ((voters.now | voters.before) >> slot & 1) != 0;
    if (hf_core_tracks (self))
        counts = counts && incarnation != 0 &&
                 (roster == NULL || roster->incarnation[slot] == incarnation);
    //  An older release on this disk can take nothing of this cluster; its folder is from before.
    if (roster != NULL && speaks < roster->is.level && !HF_MUTANT (outdated_counts))
        counts = false;
    //  A disk that is newer than our candidacy: the one before it may have formed the cluster.
    if (hf_core_tracks (self) && roster == NULL && self->role == HF_CANDIDATE &&
        slot < HF_MEMBERS_MAX && incarnation != self->promised[slot] &&
        !HF_MUTANT (formed_by_new_disk))
        return;
    if (slot == HF_MEMBERS_MAX || (!counts && !HF_MUTANT (unknown_votes)))
        return;
    self->granted |= 1U << slot;
    if (speaks < self->voters_speak)
        self->voters_speak = speaks;
    self->voters[slot] = incarnation;
}

/*  We vote for ourselves. */
static void
s_clear_votes (hf_core_t *self)
{
    self->granted = 0;
    self->refused = 0;
    memset (self->voters, 0, sizeof self->voters);
    self->voters_speak = self->config.speaks;
    s_grant (self, self->slot, self->config.incarnation, self->config.speaks);
}

/*  Whether every vote is needed: the cluster was never formed. */
static bool
s_needs_all (const hf_core_t *self)
{
    return hf_core_tracks (self) && hf_core_roster (self) == NULL &&
           !HF_MUTANT (formed_by_majority);
}

/*  Forming a cluster needs every member once, so report which ones are missing. */
static void
s_notice_waiting (hf_core_t *self, hf_effects_t *effects)
{
    uint32_t missing = hf_core_voters (self).now & ~self->granted;
    if (!s_needs_all (self) || missing == 0 || missing == self->waiting_noted)
        return;
    self->waiting_noted = missing;
    hf_core_notice (self, HF_NOTICE_WAITING, missing, 0, effects);
}

void
hf_core_pre_stand (hf_core_t *self, hf_effects_t *effects)
{
    assert (self->role != HF_LEADER && hf_core_may_stand (self));
    if (self->role != HF_FOLLOWER)
        s_notice_waiting (self, effects);
    self->role = HF_PRE_CANDIDATE;
    self->leader = 0;
    s_clear_votes (self);
    self->stand_at_us = self->now_us + s_retry_delay (self);
    //  The request names the term that we would stand in; ours does not change.
    s_request_votes (self, self->term + 1, true, effects);
    s_count_votes (self, effects);
}

void
hf_core_stand (hf_core_t *self, hf_effects_t *effects)
{
    memcpy (self->promised, self->voters, sizeof self->promised);
    hf_core_step_down (self, self->term + 1, effects);
    self->role = HF_CANDIDATE;
    self->voted_for = (hf_member_t){self->config.self, self->config.incarnation};
    hf_core_persist_vote (self, effects);
    self->vote_pending = true;
    s_clear_votes (self);
    self->stand_at_us = self->now_us + hf_core_election_timeout (self);
    s_request_votes (self, self->term, false, effects);
    s_count_votes (self, effects);
}

/*  Whether too few members may still vote for us: the others refused, or there is no link to them.
 *  Without a refusal it is too early to say: links come up late. */
static bool
s_lost (const hf_core_t *self)
{
    uint32_t cannot = self->refused | ~(self->links | 1U << self->slot);
    return self->refused != 0 && (s_needs_all (self) || hf_core_no_majority (self, cannot));
}

static void
s_count_votes (hf_core_t *self, hf_effects_t *effects)
{
    assert (self->role == HF_PRE_CANDIDATE || self->role == HF_CANDIDATE);
    bool won = s_needs_all (self) ? hf_quorum_all (self->granted, hf_core_voters (self).now)
                                  : hf_core_majority (self, self->granted);
    if (won && self->role == HF_PRE_CANDIDATE)
        hf_core_stand (self, effects);
    else if (won)
        hf_core_lead (self, effects);
    else if (self->role == HF_CANDIDATE && s_lost (self)) {
        //  No need to wait for the timeout.
        uint64_t retry_us = self->now_us + s_retry_delay (self);
        if (retry_us < self->stand_at_us)
            self->stand_at_us = retry_us;
    }
}

//  ---- a vote is asked for -------------------------------------------------------

/*  Whether the candidate's log is at least as up to date as ours (3.6.1). */
static bool
s_up_to_date (const hf_core_t *self, const hf_vote_request_t *m)
{
    uint64_t last_term = hf_core_log_last_term (&self->log);
    if (HF_MUTANT (vote_for_older))
        return true;
    if (m->last_term != last_term)
        return m->last_term > last_term;
    return m->last_index >= self->log.last_index;
}

static void
s_reply (hf_core_t *self, const hf_vote_request_t *m, bool granted, hf_effects_t *effects)
{
    assert (self->term > 0 || granted); //  there is no term 0
    hf_vote_t *vote = &hf_core_send (self, HF_KIND_VOTE, m->from, effects)->message.vote;
    if (granted)
        vote->term = m->term; //  of a pre-vote, the term that was asked for
    vote->pre = m->pre;
    vote->granted = granted;
    vote->incarnation = self->config.incarnation;
    vote->candidate = m->incarnation;
    vote->speaks = self->config.speaks;
    HF_CORE_SAY_OPENING (self, vote);
}

/*  It wants to stand because it hears no leader. If its log ends before the committed roster, the
 *  leader may be at a place that it does not know, and nobody but we can tell it. */
static void
s_pass_on_roster (hf_core_t *self, const hf_vote_request_t *m, hf_effects_t *effects)
{
    const hf_core_roster_t *roster = hf_core_roster_committed (self);
    if (roster != NULL && m->last_index < roster->index && !HF_MUTANT (roster_kept_back))
        hf_core_send_roster (self, m->from, effects);
}

void
hf_core_on_vote_request (hf_core_t *self, const hf_vote_request_t *m, hf_effects_t *effects)
{
    bool good = s_up_to_date (self, m);
    if (m->pre) {
        good = good && m->term > self->term && !s_hears_leader (self);
        s_reply (self, m, good, effects);
        s_pass_on_roster (self, m, effects);
        return;
    }
    assert (m->term == self->term);
    bool again = HF_MUTANT (vote_twice) && self->role == HF_FOLLOWER;
    bool same = self->voted_for.node == m->from &&
                (self->voted_for.incarnation == m->incarnation || HF_MUTANT (vote_names_id_only));
    good = good && (self->voted_for.node == 0 || same || again);
    if (good) {
        //  A leader or candidate has voted for itself; a pre-candidate gives way.
        assert (self->role == HF_FOLLOWER || self->role == HF_PRE_CANDIDATE);
        self->role = HF_FOLLOWER;
        if (self->voted_for.node == 0) {
            self->voted_for = (hf_member_t){m->from, m->incarnation};
            if (!HF_MUTANT (vote_forgotten))
                hf_core_persist_vote (self, effects);
        }
        self->stand_at_us = self->now_us + hf_core_election_timeout (self);
    }
    s_reply (self, m, good, effects);
}

//  ---- a vote is given -----------------------------------------------------------

void
hf_core_on_vote (hf_core_t *self, const hf_vote_t *m, hf_effects_t *effects)
{
    uint32_t slot = hf_core_slot (self, m->from);
    hf_role_t asked = m->pre ? HF_PRE_CANDIDATE : HF_CANDIDATE;
    //  A vote counts only for the term that we stand in, a pre-vote for the next one.
    uint64_t term = m->pre && m->granted ? self->term + 1 : self->term;
    if (self->role != asked || m->term != term)
        return;
    //  The vote was given to this node with the disk that it had before.
    if (m->candidate != self->config.incarnation && !HF_MUTANT (vote_names_id_only))
        return;
    if (m->granted)
        s_grant (self, slot, m->incarnation, m->speaks);
    else
        self->refused |= 1U << slot;
    s_count_votes (self, effects);
}

//  ---- a newer term --------------------------------------------------------------

/*  The term was taken over already, before the message was dispatched. */
void
hf_core_on_newer_term (hf_core_t *self, const hf_newer_term_t *m, hf_effects_t *effects)
{
    (void)effects;
    assert (m->term == self->term);
}
