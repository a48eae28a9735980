//  The choice of the leader put to work: probes, silence, BUSY.

#include "client/core/hf_client_internal.h"
#include <assert.h>

#define PATIENCE_LEAST_US 200000
#define DOUBT_PART        4 //  after this part of the patience others are asked
#define BUSY_MIN_US       20000
#define BUSY_MAX_US       1000000
#define BUSY_LEAST_US     5000
#define REST_PART         10       //  of a lease: a client that rests lets no more of it pass
#define HASTY_US          10000000 //  so long after BUSY frames are taken apart

bool
hf_client_leader_ready (const hf_client_core_t *self)
{
    return self->choice.target >= 0 && self->now_us >= self->busy_until_us;
}

void
hf_client_leader_paid (hf_client_core_t *self)
{
    assert (self->outstanding > 0);
    if (--self->outstanding == 0)
        self->asked_us = HF_NEVER;
}

void
hf_client_leader_send (hf_client_core_t *self)
{
    assert (self->choice.target >= 0);
    if (self->asked_us == HF_NEVER)
        self->asked_us = self->now_us;
    hf_outbox_to_peer (&self->outbox, self->ids[self->choice.target]);
}

void
hf_client_leader_heard (hf_client_core_t *self, uint32_t node)
{
    if (self->choice.target != (int)node)
        return;
    hf_choice_answered (&self->choice, node);
    //  Of what went out again some may be taken, and the rest refused. When a second has gone
    //  without that it is over.
    if (self->now_us >= self->busy_until_us + BUSY_MAX_US || HF_MUTANT (heard_is_ready))
        self->busy_count = 0;
    self->asked_us = self->outstanding > 0 ? self->now_us : HF_NEVER;
}

/*  After a while everything undecided goes out again. */
static void
s_back_off (hf_client_core_t *self)
{
    uint64_t most = (uint64_t)BUSY_MIN_US << (self->busy_count < 6 ? self->busy_count : 6);
    most = most < BUSY_MAX_US ? most : BUSY_MAX_US;
    self->busy_count++;
    self->busy_until_us =
        self->now_us + BUSY_LEAST_US + hf_random_below (&self->choice.random, most - BUSY_LEAST_US);
    self->resend = true;
}

/*  What is lost was not seen by the leader, which goes on owing answers since asked_us. */
void
hf_client_leader_unsent (hf_client_core_t *self, uint32_t node)
{
    if (self->choice.target != (int)node || self->now_us < self->busy_until_us ||
        HF_MUTANT (unsent_unseen))
        return;
    s_back_off (self);
    self->unsent = true;
}

/*  The user of our key has too many connections there. When none of the nodes that are connected is
 *  left, waiting helps nobody who asks anew; sessions go on trying as long as they live. */
static void
s_limited (hf_client_core_t *self, uint32_t node, hf_span_t text)
{
    self->limited |= 1U << node;
    for (uint32_t i = 0; i < HF_MEMBERS_MAX; i++)
        if (self->choice.connected[i] && (self->limited & 1U << i) == 0)
            return;
    hf_client_ask_limited (self, text);
}

void
hf_client_leader_refused (hf_client_core_t *self, uint32_t node, const hf_refused_t *refused)
{
    bool target = self->choice.target == (int)node;
    if (refused->status == HF_NOT_LEADER) {
        hf_choice_refused (&self->choice, node, refused->leader, refused->term, self->now_us);
        //  A list may be so old that it does not have the leader, or has it where it was.
        int leader = hf_client_members_slot (self, refused->leader);
        if (refused->leader != 0 && (leader < 0 || !self->choice.connected[leader]))
            hf_client_members_strange (self, node);
    } else if (refused->status == HF_BUSY) {
        self->hasty_until_us = HF_MUTANT (released_in_the_crowd) ? 0 : self->now_us + HASTY_US;
        if (target && self->now_us >= self->busy_until_us) {
            s_back_off (self);
            self->asked_us = HF_NEVER;
        }
    } else if (refused->status == HF_LIMIT) {
        s_limited (self, node, refused->text);
    } else {
        //  It does not understand us. No other node of this version will.
        if (target)
            hf_client_leader_heard (self, node);
        hf_client_ask_refused (self, node, (hf_status_t)refused->status);
        hf_client_watch_refused (self, node, (hf_status_t)refused->status);
    }
}

static void
s_probe (hf_client_core_t *self, uint32_t bits)
{
    hf_query_t query = {.id = HF_PROBE_ID, .what = HF_WHAT_LEADER, .name = hf_span_text ("")};
    for (uint32_t i = 0; i < HF_MEMBERS_MAX; i++) {
        if ((bits & 1U << i) == 0)
            continue;
        hf_query_frame (&self->outbox.frame, &query);
        hf_outbox_to_peer (&self->outbox, self->ids[i]);
    }
}

/*  A node that takes but a part takes what comes first: each time another session does. */
static void
s_take_turns (hf_client_core_t *self)
{
    if (self->busy_count == 0 || self->sessions.count < 2 || HF_MUTANT (last_stays_last))
        return;
    uint64_t skip = hf_random_below (&self->choice.random, self->sessions.count);
    for (uint64_t i = 0; i < skip; i++) {
        hf_chain_t *first = self->sessions_all.next;
        hf_chain_remove (first);
        hf_chain_append (&self->sessions_all, first);
    }
}

/*  Everything undecided goes to the target (again): all sessions and questions. */
static void
s_turn_all (hf_client_core_t *self, bool same)
{
    if (!self->unsent || self->asked_us == HF_NEVER)
        self->asked_us = self->outstanding > 0 ? self->now_us : HF_NEVER;
    //  The same leader knows of those that it has answered.
    self->owed_only = same && !HF_MUTANT (all_kept_again);
    self->unsent = false;
    s_take_turns (self);
    HF_CHAIN_EACH (&self->sessions_all, at)
    {
        hf_client_session_mark (HF_AROUND (at, hf_client_session_t, all));
    }
    hf_client_ask_send_all (self);
}

static uint64_t
s_patience_us (const hf_client_core_t *self)
{
    return self->patience_us > PATIENCE_LEAST_US ? self->patience_us : PATIENCE_LEAST_US;
}

/*  When the target has been silent for too long. */
static uint64_t
s_silence_us (const hf_client_core_t *self)
{
    return self->asked_us == HF_NEVER ? HF_NEVER : self->asked_us + s_patience_us (self);
}

/*  When to ask the others whether they know another leader: once for each silence. */
static uint64_t
s_doubt_us (const hf_client_core_t *self)
{
    bool none = self->asked_us == HF_NEVER || self->doubted_us == self->asked_us;
    return none ? HF_NEVER : self->asked_us + s_patience_us (self) / DOUBT_PART;
}

/*  Whether somebody waits for what the leader does: for a request, in a queue, for a question, or
 * for a keepalive that went out. */
static bool
s_has_work (const hf_client_core_t *self)
{
    if (HF_MUTANT (works_at_rest))
        return false;
    return self->undecided > 0 || self->asks.count > 0 || self->outstanding > 0;
}

/*  How fast to look for a leader. A client without work that learns of it later loses nothing as
 * long as much is left of its leases. */
static void
s_pace (hf_client_core_t *self)
{
    hf_choice_t *choice = &self->choice;
    if (s_has_work (self) || HF_MUTANT (idle_hurries)) {
        hf_choice_pace (choice, 0, self->now_us);
    } else if (self->now_us >= hf_choice_due_us (choice)) {
        uint64_t left_us = HF_MUTANT (lease_at_rest) ? HF_NEVER : hf_client_session_left_us (self);
        hf_choice_pace (choice, left_us / REST_PART, self->now_us);
    }
}

void
hf_client_leader_turn (hf_client_core_t *self)
{
    hf_choice_t *choice = &self->choice;
    self->owed_only = false;
    if (HF_MUTANT (silent_leader_kept))
        self->asked_us = HF_NEVER;
    if (self->now_us >= s_silence_us (self)) {
        hf_choice_silent (choice, self->now_us);
    } else if (self->now_us >= s_doubt_us (self)) {
        self->doubted_us = self->asked_us;
        hf_choice_doubt (choice);
    }
    if (choice->target < 0) {
        self->asked_us = HF_NEVER;
        self->busy_until_us = 0;
        self->busy_count = 0;
        self->resend = self->unsent = false;
        s_pace (self);
    }
    uint32_t bits = hf_choice_tick (choice, self->now_us);
    if (bits != 0)
        s_probe (self, bits);
    bool same = self->epoch_seen == choice->epoch;
    if (self->resend && hf_client_leader_ready (self)) {
        self->resend = false;
        choice->epoch++;
    }
    if (self->epoch_seen != choice->epoch && hf_client_leader_ready (self)) {
        self->epoch_seen = choice->epoch;
        s_turn_all (self, same);
    }
}

uint64_t
hf_client_leader_due_us (const hf_client_core_t *self)
{
    uint64_t due = hf_choice_due_us (&self->choice);
    uint64_t silence = s_silence_us (self), doubt = s_doubt_us (self);
    due = silence < due ? silence : due;
    due = doubt < due ? doubt : due;
    if (self->resend && self->busy_until_us < due)
        due = self->busy_until_us;
    return due;
}
