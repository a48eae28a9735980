#include "nodes/consensus/hf_core_internal.h"

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
    if (self->term == 0 && !granted)
        return; //  there is no such term to speak of
    hf_outgoing_t *out = hf_core_send (effects, HF_KIND_VOTE, m->from);
    //  A pre-vote is for the term that was asked for; a refusal tells our own.
    out->vote = (hf_vote_t){.from = self->config.self,
                            .to = m->from,
                            .term = granted ? m->term : self->term,
                            .pre = m->pre,
                            .granted = granted,
                            .incarnation = self->config.incarnation,
                            .candidate = m->incarnation};
}

void
hf_core_on_vote_request (hf_core_t *self, const hf_vote_request_t *m, hf_effects_t *effects)
{
    bool good = s_up_to_date (self, m);
    if (m->pre) {
        good = good && m->term > self->term && !hf_core_hears_leader (self);
        s_reply (self, m, good, effects);
        return;
    }
    assert (m->term == self->term);
    bool again = HF_MUTANT (vote_twice) && self->role == HF_FOLLOWER;
    bool same = self->voted_for.node == m->from &&
                (self->voted_for.incarnation == m->incarnation || HF_MUTANT (vote_names_id_only));
    good = good && (self->voted_for.node == 0 || same || again);
    if (good) {
        //  Who leads or stands has voted for itself; a pre-candidate gives way.
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
