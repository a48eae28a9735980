//  The driver of the core: what a step wants written and sent, and what waits for the commit.

#include "nodes/services/hf_election_private.h"
#include <assert.h>

#define LAG_MOST 64 //  committed entries that wait for more

//  ---- entries' bytes ----------------------------------------------------------

/*  Entries from FIRST on, up to LAST, at least one, about BYTES: from the tail or the store.
 *  Valid until the next call or append. */
static hf_list_t
s_entries (hf_election_service_t *self, uint64_t first, uint64_t last, size_t bytes)
{
    hf_list_t list;
    if (hf_tail_range (self->tail, first, last, bytes, &list))
        return list;
    hf_pack_reset (&self->records);
    uint32_t count = self->log.read (self->log.arg, first, last, bytes, &self->records);
    list = hf_pack_list (&self->records);
    assert (count > 0 && list.count == count);
    return list;
}

uint32_t
hf_election_chunk (void *arg, uint64_t first, uint32_t max)
{
    hf_election_service_t *self = arg;
    assert (max > 0);
    return s_entries (self, first, first + max - 1, self->config.chunk_bytes).count;
}

//  ---- writing -----------------------------------------------------------------

static void
s_append (hf_election_service_t *self, uint64_t index, const hf_entry_t *entry)
{
    self->log.append (self->log.arg, index, entry);
    hf_tail_append (self->tail, entry);
}

/*  COUNT entries of LIST after the first SKIP become entries INDEX.. of the log. TERM, if it is not
 *  0, is given to all of them: they were proposed, not received. */
static void
s_append_list (hf_election_service_t *self, const hf_persist_t *persist, hf_list_t list,
               uint64_t term)
{
    hf_scan_t scan = hf_scan_list (list);
    hf_scan_skip (&scan, persist->skip);
    for (uint32_t i = 0; i < persist->count; i++) {
        hf_entry_t entry;
        bool good = hf_entry_get (&scan, &entry);
        assert (good); //  the core, or the lock service, has read this list before
        if (term != 0)
            entry.term = term;
        s_append (self, persist->index + i, &entry);
    }
}

static void
s_write (hf_election_service_t *self, const hf_persist_t *persist, hf_list_t list, bool proposed)
{
    switch (persist->type) {
    case HF_PERSIST_VOTE:
        self->log.vote (self->log.arg, persist->term, persist->voted_for);
        break;
    case HF_PERSIST_TRUNCATE:
        self->log.truncate (self->log.arg, persist->index);
        hf_tail_truncate (self->tail, persist->index);
        if (!HF_MUTANT (cut_is_committed)) //  nor what is appended in its place
            hf_laps_clear (&self->appended);
        break;
    case HF_PERSIST_OWN:
        s_append (self, persist->index,
                  &(hf_entry_t){.term = persist->term,
                                .type = persist->entry_type,
                                .payload = persist->payload});
        break;
    case HF_PERSIST_APPEND:
        self->flows = !proposed;
        s_append_list (self, persist, list, proposed ? persist->term : 0);
        if (proposed)
            hf_laps_put (&self->appended, persist->index + persist->count - 1, self->now_us,
                         persist->count);
        break;
    }
    self->dirty = true;
}

//  ---- messages ----------------------------------------------------------------

static void
s_frame_entries (hf_election_service_t *self, const hf_outgoing_t *out, hf_pack_t *frame)
{
    hf_entries_t message = out->message.entries;
    if (out->entries_count > 0) {
        uint64_t first = message.prev_index + 1;
        uint64_t last = message.prev_index + out->entries_count;
        message.entries = s_entries (self, first, last, HF_FRAME_MAX);
        assert (message.entries.count == out->entries_count);
    }
    hf_entries_frame (frame, &message);
}

/*  A message is framed as soon as it is made: a later step of the turn may cut the entries that it
 *  carries from the log. */
static void
s_frame (hf_election_service_t *self, const hf_outgoing_t *out, hf_outbox_t *outbox)
{
    if (out->message.kind == HF_KIND_ENTRIES)
        s_frame_entries (self, out, &outbox->frame);
    else
        hf_peer_frame (&outbox->frame, &out->message);
    hf_outbox_to_peer (outbox, out->to);
}

//  ---- stepping ----------------------------------------------------------------

void
hf_election_step (hf_election_service_t *self, hf_event_t *event, hf_list_t list)
{
    event->now_us = self->now_us;
    hf_effects_t *effects = &self->effects;
    hf_core_step (self->core, event, effects);
    for (size_t i = 0; i < effects->persists.count; i++)
        s_write (self, &effects->persists.list[i], list, event->type == HF_EV_PROPOSE);
    hf_effects_persisted (effects);
    hf_laps_reach (&self->appended, effects->commit_index, self->now_us, &self->commit);
    for (; self->framed < effects->messages.count; self->framed++) {
        const hf_outgoing_t *out = &effects->messages.list[self->framed];
        bool early = out->early || HF_MUTANT (send_before_durable) ||
                     (HF_MUTANT (ack_before_durable) && out->message.kind == HF_KIND_ACK);
        s_frame (self, out, early ? &self->out : &self->held);
    }
}

void
hf_election_event (hf_election_service_t *self, hf_event_t event)
{
    hf_election_step (self, &event, (hf_list_t){0});
}

/*  As many records of *left, at least one, as one step may take; *left: those after them. */
static hf_list_t
s_one_step (const hf_election_service_t *self, hf_list_t *left)
{
    assert (left->count > 0);
    hf_scan_t scan = hf_scan_list (*left);
    hf_list_t step = {.at = left->at};
    while (step.count < left->count && step.size < self->config.propose_bytes) {
        hf_scan_skip (&scan, 1);
        step.count++;
        step.size = (uint32_t)(scan.at - left->at);
    }
    assert (!scan.bad);
    *left = (hf_list_t){
        .at = scan.at, .size = left->size - step.size, .count = left->count - step.count};
    return step;
}

/*  Proposals that wait. */
static hf_list_t
s_waiting (const hf_election_service_t *self)
{
    hf_list_t list = hf_pack_list (&self->proposals);
    list.at += self->proposed_bytes;
    list.size -= (uint32_t)self->proposed_bytes;
    list.count -= self->proposed;
    return list;
}

static void
s_drop_proposals (hf_election_service_t *self)
{
    hf_pack_reset (&self->proposals);
    self->proposed = 0;
    self->proposed_bytes = 0;
}

/*  All but LEFT are proposed. */
static void
s_keep_left (hf_election_service_t *self, hf_list_t left)
{
    self->proposed_bytes = hf_pack_size (&self->proposals) - left.size;
    self->proposed = self->proposals.count - left.count;
    if (left.count > 0 && self->proposed_bytes < left.size)
        return; //  not worth a copy yet
    hf_pack_reset (&self->records);
    hf_pack_raw (&self->records, left.at, left.size);
    s_drop_proposals (self);
    hf_pack_raw (&self->proposals, hf_pack_bytes (&self->records), left.size);
    self->proposals.count = left.count;
}

void
hf_election_propose (hf_election_service_t *self, bool all)
{
    bool slow = !all && hf_pace_in_parts (&self->pace, self->now_us);
    if (self->proposals.count == 0)
        hf_pace_emptied (&self->pace, self->now_us);
    if (self->proposals.count == 0 || (slow && self->now_us < hf_pace_due_us (&self->pace)))
        return;
    if (!hf_core_accepts (self->core)) {
        if (hf_core_brief (self->core).role != HF_LEADER)
            s_drop_proposals (self);
        return;
    }
    //  What was held back may be more than one message can carry.
    hf_list_t left = s_waiting (self);
    do {
        hf_list_t step = s_one_step (self, &left);
        hf_event_t event = {.type = HF_EV_PROPOSE, .propose.count = step.count};
        hf_election_step (self, &event, step);
    } while (left.count > 0 && !slow && hf_core_accepts (self->core));
    if (left.count > 0)
        s_keep_left (self, left);
    else {
        s_drop_proposals (self);
        hf_pace_emptied (&self->pace, self->now_us);
    }
    hf_pace_proposed (&self->pace, hf_core_brief (self->core).sync_us, self->now_us);
}

//  ---- after the commit ----------------------------------------------------------

/*  On a follower nobody waits for what is committed unless clients watch there. While the leader
 *  sends more, what is committed waits for that: else each commit wakes up the lock actor. */
static bool
s_may_lag (hf_election_service_t *self, uint64_t commit)
{
    hf_core_brief_t brief = hf_core_brief (self->core);
    bool may = self->flows && !self->watched && self->effects.notices.count == 0 &&
               brief.role == HF_FOLLOWER && brief.leader != 0 &&
               commit - self->delivered < LAG_MOST;
    if (may && self->lag_us == 0)
        self->lag_us = self->now_us;
    return may && (self->now_us - self->lag_us < self->config.lag_us || HF_MUTANT (lags_for_ever));
}

void
hf_election_deliver (hf_election_service_t *self)
{
    uint64_t commit = self->effects.commit_index;
    if (self->delivered < commit && s_may_lag (self, commit))
        return;
    self->lag_us = 0;
    if (HF_MUTANT (delivered_uncommitted))
        commit = hf_core_view (self->core).durable_index;
    while (self->started && self->delivered < commit &&
           self->delivered_bytes - self->credited_bytes < self->config.deliver_ahead) {
        uint64_t first = self->delivered + 1;
        uint64_t from = HF_MUTANT (delivery_skips) && first < commit ? first + 1 : first;
        hf_list_t list = s_entries (self, from, commit, self->config.deliver_bytes);
        hf_a_committed_frame (&self->out.message,
                              &(hf_a_committed_t){.first = first, .entries = list});
        hf_outbox_to_actor (&self->out, HF_TO_LOCK);
        self->delivered += list.count;
        self->delivered_bytes += list.size;
    }
}

static void
s_following (hf_election_service_t *self, const hf_notice_t *notice)
{
    hf_election_needs_state (self, notice->term, 0);
    if (notice->leader != 0) {
        self->missing = 0;
        hf_outbox_say (&self->out, HF_INFO, "follows node %u in term %" PRIu64, notice->leader,
                       notice->term);
    } else if (self->leading)
        hf_outbox_say (&self->out, HF_INFO, "leads no more; term %" PRIu64, notice->term);
    self->leading = false;
    hf_a_following_frame (&self->out.message,
                          &(hf_a_following_t){.term = notice->term, .leader = notice->leader});
    hf_outbox_to_actor (&self->out, HF_TO_LOCK);
}

static void
s_notice (hf_election_service_t *self, const hf_notice_t *notice)
{
    switch (notice->type) {
    case HF_NOTICE_LEADING:
        self->missing = 0;
        self->leading = true;
        hf_election_needs_state (self, notice->term, 0);
        hf_outbox_say (&self->out, HF_INFO, "leads term %" PRIu64, notice->term);
        hf_a_leading_frame (
            &self->out.message,
            &(hf_a_leading_t){.term = notice->term, .index = self->effects.commit_index});
        hf_outbox_to_actor (&self->out, HF_TO_LOCK);
        break;
    case HF_NOTICE_FOLLOWING:
        s_following (self, notice);
        break;
    case HF_NOTICE_PASSED:
        hf_a_passed_frame (&self->out.message,
                           &(hf_a_passed_t){.id = notice->id, .index = notice->index});
        hf_outbox_to_actor (&self->out, HF_TO_LOCK);
        break;
    case HF_NOTICE_NEEDS_STATE:
        hf_election_needs_state (self, notice->term, notice->leader);
        break;
    case HF_NOTICE_ADMITTED:
        hf_outbox_say (&self->out, HF_WARN,
                       "node %" PRIu64 " has a new disk and has caught up: it votes and counts",
                       notice->id);
        break;
    case HF_NOTICE_JOINED:
        hf_outbox_say (&self->out, HF_INFO, "node %" PRIu64 " has caught up: it votes now",
                       notice->id);
        break;
    case HF_NOTICE_WAITING:
        self->missing = notice->id;
        break;
    case HF_NOTICE_ROSTER:
        hf_election_members (self);
        break;
    case HF_NOTICE_VERDICT:
        hf_a_verdict_frame (
            &self->out.message,
            &(hf_a_verdict_t){.id = notice->id, .verdict = (uint32_t)notice->index});
        hf_outbox_to_actor (&self->out, HF_TO_LOCK);
        break;
    case HF_NOTICE_REMOVED:
        hf_outbox_say (&self->out, HF_WARN,
                       "this node was removed from the cluster, as of entry %" PRIu64,
                       notice->index);
        self->removed = notice->index;
        break;
    case HF_NOTICE_OLD:
        hf_outbox_say (&self->out, HF_WARN,
                       "this node's folder is an old copy of its own: node %" PRIu64
                       " has seen what it did since; goes on as a node that lost its disk",
                       notice->id);
        self->old = true;
        break;
    }
}

void
hf_election_release (hf_election_service_t *self)
{
    for (size_t i = 0; i < self->held.frames.count; i++) {
        const hf_out_frame_t *frame = &self->held.frames.list[i];
        hf_span_t bytes = hf_outbox_bytes (&self->held, frame);
        hf_pack_raw (&self->out.frame, bytes.at, bytes.size);
        hf_outbox_to_peer (&self->out, frame->peer);
    }
    hf_outbox_reset (&self->held);
    //  Entries before notices: what A_LEADING and A_PASSED name was delivered, or will be.
    hf_election_deliver (self);
    hf_election_tell_roster (self); //  before the verdict that it is in force
    for (size_t i = 0; i < self->effects.notices.count; i++)
        s_notice (self, &self->effects.notices.list[i]);
    hf_effects_reset (&self->effects);
    self->framed = 0;
}
