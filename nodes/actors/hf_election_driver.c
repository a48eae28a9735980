//  The one driver of the core. The order of hf_core.h is kept in hf_election_step (persists and
//  early messages) and hf_election_flush (commit, then everything else); nothing else sends.

#include "nodes/actors/hf_clock.h"
#include "nodes/actors/hf_election_internal.h"
#include "nodes/actors/hf_pipe.h"
#include "nodes/actors/hf_report.h"
#include <assert.h>

#define CHUNK_BYTES   (64U << 10) //  of one repair message
#define DELIVER_BYTES (1U << 20)  //  of one A_COMMITTED
#define DELIVER_AHEAD (8U << 20)  //  bytes that may wait in the lock actor

//  ---- entries' bytes ----------------------------------------------------------

/*  Entries from FIRST on, up to LAST, at least one, about BYTES: from the tail or the store.
 *  Valid until the next call or append. */
static hf_list_t
s_entries (hf_election_t *self, uint64_t first, uint64_t last, size_t bytes)
{
    hf_list_t list;
    if (hf_tail_range (self->tail, first, last, bytes, &list))
        return list;
    hf_pack_reset (&self->records);
    int count = hf_log_store_read (self->args->store, first, last, bytes, &self->records);
    if (count <= 0)
        hf_die ("the log cannot be read at entry %" PRIu64 ": %s", first,
                hf_log_store_error (self->args->store));
    return hf_pack_list (&self->records);
}

/*  hf_chunk_fn: how many entries from FIRST on make one repair message. */
uint32_t
hf_election_chunk (void *arg, uint64_t first, uint32_t max)
{
    hf_election_t *self = arg;
    assert (max > 0);
    return s_entries (self, first, first + max - 1, CHUNK_BYTES).count;
}

static void
s_store_entry (hf_election_t *self, uint64_t index, const hf_entry_t *entry)
{
    if (hf_log_store_append (self->args->store, index, entry->term, entry->payload) != 0)
        hf_die ("cannot write the log: %s", hf_log_store_error (self->args->store));
    hf_tail_append (self->tail, entry);
}

/*  COUNT entries of LIST behind the first SKIP become entries INDEX.. of the log; a TERM other
 *  than 0 is given to all of them (they were proposed, not received). */
static void
s_store_list (hf_election_t *self, const hf_persist_t *persist, hf_list_t list, uint64_t term)
{
    hf_scan_t scan = hf_scan_list (list);
    hf_scan_skip (&scan, persist->skip);
    for (uint32_t i = 0; i < persist->count; i++) {
        hf_entry_t entry;
        bool good = hf_entry_get (&scan, &entry);
        assert (good); //  the core has read this list before
        if (term != 0)
            entry.term = term;
        s_store_entry (self, persist->index + i, &entry);
    }
}

//  ---- sending -----------------------------------------------------------------

static void
s_frame (hf_election_t *self, const hf_outgoing_t *out)
{
    hf_pack_reset (&self->frame);
    switch (out->kind) {
    case HF_KIND_HEARTBEAT:
        hf_heartbeat_frame (&self->frame, &out->heartbeat);
        break;
    case HF_KIND_ACK:
        hf_ack_frame (&self->frame, &out->ack);
        break;
    case HF_KIND_NEED:
        hf_need_frame (&self->frame, &out->need);
        break;
    case HF_KIND_VOTE_REQUEST:
        hf_vote_request_frame (&self->frame, &out->vote_request);
        break;
    case HF_KIND_VOTE:
        hf_vote_frame (&self->frame, &out->vote);
        break;
    case HF_KIND_TRANSFER:
        hf_transfer_frame (&self->frame, &out->transfer);
        break;
    case HF_KIND_NEWER_TERM:
        hf_newer_term_frame (&self->frame, &out->newer_term);
        break;
    case HF_KIND_STATE_OFFER:
        hf_state_offer_frame (&self->frame, &out->state_offer);
        break;
    default:
        assert (false && "the core sends no such message");
    }
}

static void
s_frame_entries (hf_election_t *self, const hf_outgoing_t *out)
{
    hf_entries_t message = out->entries;
    if (out->entries_count > 0) {
        uint64_t first = message.prev_index + 1;
        uint64_t last = message.prev_index + out->entries_count;
        message.entries = s_entries (self, first, last, HF_FRAME_MAX);
        assert (message.entries.count == out->entries_count);
    }
    hf_pack_reset (&self->frame);
    hf_entries_frame (&self->frame, &message);
}

static void
s_send (hf_election_t *self, hf_outgoing_t *out)
{
    if (out->kind == HF_KIND_ENTRIES)
        s_frame_entries (self, out);
    else
        s_frame (self, out);
    hf_mesh_send (self->args->mesh, out->to, hf_pack_bytes (&self->frame),
                  hf_pack_size (&self->frame));
    out->kind = 0; //  sent
}

//  ---- stepping ----------------------------------------------------------------

/*  Write what the step wants durable into the open transaction. */
static void
s_write (hf_election_t *self, const hf_event_t *event)
{
    hf_log_store_t *store = self->args->store;
    for (size_t i = 0; i < self->effects.persists_count; i++) {
        const hf_persist_t *persist = &self->effects.persists[i];
        int rc = 0;
        switch (persist->type) {
        case HF_PERSIST_VOTE:
            rc = hf_log_store_vote (store, persist->term, persist->voted_for);
            break;
        case HF_PERSIST_TRUNCATE:
            rc = hf_log_store_truncate (store, persist->index);
            hf_tail_truncate (self->tail, persist->index);
            break;
        case HF_PERSIST_OWN:
            s_store_entry (
                self, persist->index,
                &(hf_entry_t){.term = persist->term,
                              .payload = hf_span (persist->payload, persist->payload_size)});
            break;
        case HF_PERSIST_APPEND:
            if (event->type == HF_EV_PROPOSE)
                s_store_list (self, persist, self->proposing, persist->term);
            else
                s_store_list (self, persist, event->peer.entries.entries, 0);
            break;
        }
        if (rc != 0)
            hf_die ("cannot write the log: %s", hf_log_store_error (store));
    }
    hf_effects_persisted (&self->effects);
}

void
hf_election_step (hf_election_t *self, hf_event_t *event)
{
    event->now_us = hf_clock_us ();
    size_t before = self->effects.messages_count;
    hf_core_step (self->core, event, &self->effects);
    s_write (self, event);
    for (size_t i = before; i < self->effects.messages_count; i++)
        if (self->effects.messages[i].early)
            s_send (self, &self->effects.messages[i]);
}

void
hf_election_step_type (hf_election_t *self, hf_event_type_t type)
{
    hf_event_t event = {.type = type};
    hf_election_step (self, &event);
}

/*  As many records of LIST, at least one, as one step may take; *left: those behind them. */
static hf_list_t
s_one_step (hf_list_t list, hf_list_t *left)
{
    assert (list.count > 0);
    hf_scan_t scan = hf_scan_list (list);
    hf_list_t step = {.at = list.at};
    while (step.count < list.count && step.size < HF_ELECTION_STEP_BYTES) {
        hf_scan_skip (&scan, 1);
        step.count++;
        step.size = (uint32_t)(scan.at - list.at);
    }
    assert (!scan.bad);
    *left =
        (hf_list_t){.at = scan.at, .size = list.size - step.size, .count = list.count - step.count};
    return step;
}

/*  Append what was proposed, if this node may; hold it back while a transfer is under way. What
 *  was held back may be more than one message can carry. */
void
hf_election_step_proposals (hf_election_t *self)
{
    if (self->proposals.count == 0)
        return;
    if (!hf_core_accepts (self->core)) {
        if (hf_core_view (self->core).role != HF_LEADER)
            hf_pack_reset (&self->proposals);
        return;
    }
    hf_list_t left = hf_pack_list (&self->proposals);
    while (left.count > 0) {
        assert (hf_core_accepts (self->core)); //  to append changes nothing about it
        self->proposing = s_one_step (left, &left);
        hf_event_t event = {.type = HF_EV_PROPOSE, .propose.count = self->proposing.count};
        hf_election_step (self, &event);
    }
    hf_pack_reset (&self->proposals);
}

static void
s_tell_notice (hf_election_t *self, const hf_notice_t *notice)
{
    hf_pack_reset (&self->frame);
    switch (notice->type) {
    case HF_NOTICE_NEEDS_STATE:
        hf_election_needs_state (self, notice->term, notice->leader);
        return;
    case HF_NOTICE_ADMITTED:
        hf_report (HF_WARN,
                   "node %" PRIu64 " came back with another disk and has caught up: "
                   "it counts again",
                   notice->id);
        return;
    case HF_NOTICE_WAITING:
        self->missing = notice->id;
        return;
    case HF_NOTICE_LEADING:
        self->missing = 0;
        hf_election_needs_state (self, notice->term, 0);
        hf_report (HF_INFO, "leads term %" PRIu64, notice->term);
        self->leading = true;
        hf_a_leading_frame (&self->frame, &(hf_a_leading_t){.term = notice->term,
                                                            .index = self->effects.commit_index});
        break;
    case HF_NOTICE_FOLLOWING:
        hf_election_needs_state (self, notice->term, 0);
        if (notice->leader != 0)
            self->missing = 0;
        if (notice->leader != 0)
            hf_report (HF_INFO, "follows node %u in term %" PRIu64, notice->leader, notice->term);
        else if (self->leading)
            hf_report (HF_INFO, "leads no more; term %" PRIu64, notice->term);
        self->leading = false;
        hf_a_following_frame (&self->frame,
                              &(hf_a_following_t){.term = notice->term, .leader = notice->leader});
        break;
    case HF_NOTICE_PASSED:
        hf_a_passed_frame (&self->frame,
                           &(hf_a_passed_t){.id = notice->id, .index = notice->index});
        break;
    }
    hf_pipe_send (self->args->lock, &self->frame);
}

/*  Hand committed entries to the lock actor, as far as it keeps up. */
static void
s_deliver (hf_election_t *self)
{
    uint64_t commit = self->effects.commit_index;
    while (self->started && self->delivered < commit &&
           self->delivered_bytes - self->credited_bytes < DELIVER_AHEAD) {
        uint64_t first = self->delivered + 1;
        hf_list_t list = s_entries (self, first, commit, DELIVER_BYTES);
        hf_pack_reset (&self->frame);
        hf_a_committed_frame (&self->frame, &(hf_a_committed_t){.first = first, .entries = list});
        self->delivered += list.count;
        self->delivered_bytes += list.size;
        hf_pipe_send (self->args->lock, &self->frame);
    }
}

/*  Make it durable, then visible; until there is nothing more to do. */
void
hf_election_flush (hf_election_t *self)
{
    hf_log_store_t *store = self->args->store;
    bool wrote;
    do {
        wrote = hf_log_store_dirty (store);
        if (wrote && hf_log_store_commit (store) != 0)
            hf_die ("cannot write the log: %s", hf_log_store_error (store));
        for (size_t i = 0; i < self->effects.messages_count; i++)
            if (self->effects.messages[i].kind != 0)
                s_send (self, &self->effects.messages[i]);
        s_deliver (self);
        for (size_t i = 0; i < self->effects.notices_count; i++)
            s_tell_notice (self, &self->effects.notices[i]);
        hf_effects_reset (&self->effects);
        if (wrote) {
            uint64_t last = hf_log_store_last_index (store);
            hf_event_t event = {
                .type = HF_EV_DURABLE,
                .durable = {.index = last, .term = hf_core_term_at (self->core, last)}};
            hf_election_step (self, &event);
        }
    } while (wrote || self->effects.messages_count > 0 || self->effects.notices_count > 0);
    s_deliver (self);
}
