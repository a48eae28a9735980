//  A node's election half: the driver of the core, as nodes/actors/hf_election_actor.c
//  is one. A turn drains what came in, steps the core, and then commits; while the disk
//  works, nothing is heard.

#include "tests/sim/sim_internal.h"

uint64_t
sim_node_local (const sim_t *sim, const node_t *node)
{
    return sim_local (sim, &node->clock);
}

void
sim_election_wake (sim_t *sim, node_t *node, uint64_t after_us)
{
    if (sim->now_us + after_us >= node->turn_at_us)
        return;
    node->turn_at_us = sim->now_us + after_us;
    sim_post (sim, after_us,
              (event_t){.type = EV_TURN_ELECTION, .to = node->id, .life = node->life});
}

//  ---- what a step wants durable ------------------------------------------------------------

static void
s_add (sim_t *sim, node_t *node, item_t item)
{
    sim_disk_add (&node->written, item);
    sim_watch_written (sim, node, node->written.count);
}

static void
s_append (sim_t *sim, node_t *node, const hf_persist_t *persist, const hf_event_t *event)
{
    assert (persist->index == node->written.count + 1);
    if (event->type == HF_EV_PROPOSE) {
        assert (persist->count == event->propose.count && persist->count == node->proposals_count);
        for (uint32_t i = 0; i < persist->count; i++)
            s_add (sim, node, (item_t){persist->term, HF_ENTRY_COMMANDS, node->proposals[i]});
        return;
    }
    assert (event->type == HF_EV_PEER && event->peer.kind == HF_KIND_ENTRIES);
    hf_scan_t scan = hf_scan_list (event->peer.entries.entries);
    hf_scan_skip (&scan, persist->skip);
    for (uint32_t i = 0; i < persist->count; i++) {
        hf_entry_t entry;
        bool read = hf_entry_get (&scan, &entry);
        assert (read);
        const blob_t *payload =
            entry.payload.size > 0 ? sim_blob (sim, entry.payload.at, entry.payload.size) : NULL;
        s_add (sim, node, (item_t){entry.term, entry.type, payload});
    }
    assert (hf_scan_at_end (&scan) && !scan.bad);
}

static void
s_own (sim_t *sim, node_t *node, const hf_persist_t *persist)
{
    assert (persist->index == node->written.count + 1);
    const blob_t *payload =
        persist->payload_size > 0 ? sim_blob (sim, persist->payload, persist->payload_size) : NULL;
    s_add (sim, node, (item_t){persist->term, persist->entry_type, payload});
}

static void
s_persist (sim_t *sim, node_t *node, const hf_persist_t *persist, const hf_event_t *event)
{
    uint64_t index = persist->index;
    if (index > 0 && index - 1 < node->written_from)
        node->written_from = index - 1;
    switch (persist->type) {
    case HF_PERSIST_VOTE:
        assert (persist->term >= node->written.term);
        node->written.term = persist->term;
        node->written.voted_for = persist->voted_for;
        break;
    case HF_PERSIST_TRUNCATE:
        assert (index > node->written.base_index && index <= node->written.count);
        node->written.count = index - 1;
        break;
    case HF_PERSIST_APPEND:
        s_append (sim, node, persist, event);
        break;
    case HF_PERSIST_OWN:
        s_own (sim, node, persist);
        break;
    }
}

static void
s_send (sim_t *sim, node_t *node, hf_outgoing_t *out)
{
    if (out->kind == 0)
        return;
    sim_send (sim, node, out);
    out->kind = 0; //  sent
}

void
sim_step (sim_t *sim, node_t *node, hf_event_t *event)
{
    hf_effects_t *effects = &node->effects;
    event->now_us = sim_node_local (sim, node);
    hf_core_step (node->core, event, effects);
    hf_core_check (node->core);
    node->dirty = node->dirty || effects->persists_count > 0;
    for (size_t i = 0; i < effects->persists_count; i++)
        s_persist (sim, node, &effects->persists[i], event);
    hf_effects_persisted (effects);
    for (; node->early_done < effects->messages_count; node->early_done++) {
        hf_outgoing_t *out = &effects->messages[node->early_done];
        bool acks = HF_MUTANT (ack_before_durable) && out->kind == HF_KIND_ACK;
        if (out->early || acks || HF_MUTANT (send_before_durable))
            s_send (sim, node, out);
    }
    sim_watch_step (sim, node);
}

//  ---- after the commit ------------------------------------------------------------------------

static void
s_tell_notice (sim_t *sim, node_t *node, const hf_notice_t *notice)
{
    switch (notice->type) {
    case HF_NOTICE_LEADING:
        sim_tell (sim, "node %u leads term %" PRIu64, node->id, notice->term);
        sim->result->totals.elections++;
        sim_lock_tell (sim, node, HF_KIND_A_LEADING, notice->term, node->effects.commit_index,
                       NULL);
        break;
    case HF_NOTICE_FOLLOWING:
        sim_pull_stop (sim, node, "another term, or another leader");
        sim_lock_tell (sim, node, HF_KIND_A_FOLLOWING, notice->term, notice->leader, NULL);
        break;
    case HF_NOTICE_PASSED:
        sim_lock_tell (sim, node, HF_KIND_A_PASSED, notice->id, notice->index, NULL);
        break;
    case HF_NOTICE_NEEDS_STATE:
        sim_pull_start (sim, node, notice->term, notice->leader);
        break;
    case HF_NOTICE_ADMITTED:
        sim_tell (sim, "node %u admits node %" PRIu64, node->id, notice->id);
        break;
    case HF_NOTICE_WAITING:
        sim_tell (sim, "node %u waits for members %" PRIx64, node->id, notice->id);
        break;
    }
}

/*  Hand committed entries on, as they are in our log now. */
static void
s_deliver (sim_t *sim, node_t *node)
{
    uint64_t commit = node->effects.commit_index;
    if (commit <= node->reported)
        return; //  the state was loaded further on
    uint64_t first = node->reported + 1;
    sim_watch_commit (sim, node, commit);
    if (sim->failed)
        return;
    const blob_t *items = sim_blob (sim, &node->written.items[first - 1],
                                    (size_t)(commit - first + 1) * sizeof (item_t));
    sim_lock_tell (sim, node, HF_KIND_A_COMMITTED, first, commit - first + 1, items);
}

/*  Soon, mostly: while others still remember what it said. */
static void
s_start_again (sim_t *sim, const node_t *node)
{
    uint64_t us = sim_random (sim, sim_random (sim, 3) == 0 ? 3000000 : 30000);
    sim_post (sim, us, (event_t){.type = EV_START, .to = node->id, .life = node->life});
}

static bool
s_crashes_here (sim_t *sim, node_t *node, bool voted)
{
    const hf_effects_t *effects = &node->effects;
    bool leads = false;
    for (size_t i = 0; i < effects->notices_count; i++)
        leads = leads || effects->notices[i].type == HF_NOTICE_LEADING;
    return (voted && sim_odds (sim, sim->odds.crash_voting)) ||
           (leads && sim_odds (sim, sim->odds.crash_leading)) ||
           (node->seen.role == HF_LEADER && effects->commit_index > node->reported &&
            sim_odds (sim, sim->odds.crash_committing));
}

/*  Everything is on disk: now it may be seen. False when the node crashed in the midst of it. */
static bool
s_publish (sim_t *sim, node_t *node)
{
    hf_effects_t *effects = &node->effects;
    bool voted = false;
    for (size_t i = 0; i < effects->messages_count; i++) {
        voted = voted || (effects->messages[i].kind == HF_KIND_VOTE &&
                          effects->messages[i].vote.granted && !effects->messages[i].vote.pre);
        s_send (sim, node, &effects->messages[i]);
    }
    bool crashes = s_crashes_here (sim, node, voted);
    if (crashes && sim_random (sim, 2) == 0)
        effects->notices_count = 0; //  and nobody hears the rest
    else
        s_deliver (sim, node);
    for (size_t i = 0; i < effects->notices_count && !sim->failed; i++)
        s_tell_notice (sim, node, &effects->notices[i]);
    hf_effects_reset (effects);
    node->early_done = 0;
    if (!crashes || sim->failed)
        return !sim->failed;
    sim->result->totals.faults++;
    sim_crash (sim, node, sim_random (sim, 2) == 0);
    s_start_again (sim, node);
    return false;
}

static void
s_durable (node_t *node)
{
    sim_disk_copy (&node->durable, &node->written, node->written_from);
    node->written_from = node->written.count;
    node->dirty = false;
}

static void
s_step_durable (sim_t *sim, node_t *node)
{
    hf_event_t event = {.type = HF_EV_DURABLE};
    event.durable.index = node->durable.count;
    event.durable.term = hf_core_term_at (node->core, node->durable.count);
    sim_step (sim, node, &event);
}

/*  How long the disk takes for what was written. */
static uint64_t
s_sync_us (sim_t *sim, node_t *node)
{
    uint64_t sync_us = sim_random (sim, sim->odds.disk_us + 1) + node->disk_stall_us;
    if (node->disk_stall_us > 0 && node->deaf_when_stalled) {
        for (uint32_t peer = 1; peer <= sim->odds.members; peer++)
            sim_cut (sim, peer, node->id, true);
        sim->heal_cuts_us = sim->now_us + sync_us + sim_random (sim, 1000000);
    }
    node->disk_stall_us = 0;
    if (sim_odds (sim, sim->odds.disk_slow))
        sync_us += sim_random (sim, 200000);
    return sync_us;
}

/*  Commit and publish until there is nothing more to do, or the disk takes its time. */
static void
s_flush (sim_t *sim, node_t *node)
{
    for (;;) {
        if (node->dirty) {
            uint64_t sync_us = s_sync_us (sim, node);
            if (HF_MUTANT (count_before_durable))
                s_deliver (sim, node);
            if (sync_us > 0 || node->disk_fails) {
                node->syncing = true;
                sim_post (sim, sync_us,
                          (event_t){.type = EV_SYNCED, .to = node->id, .life = node->life});
                return;
            }
        }
        bool wrote = node->dirty;
        if (wrote)
            s_durable (node);
        if (!s_publish (sim, node))
            return;
        if (wrote)
            s_step_durable (sim, node);
        if (!wrote && node->effects.messages_count == 0 && node->effects.notices_count == 0 &&
            !sim_prune (sim, node))
            break;
    }
    node->listened_us = sim_node_local (sim, node);
    uint64_t wake_us = sim_until (sim, &node->clock, node->effects.wake_at_us);
    sim_election_wake (sim, node, node->mesh.count + node->pipe.count > 0 ? 0 : wake_us);
}

void
sim_election_synced (sim_t *sim, node_t *node)
{
    assert (node->syncing && node->dirty);
    if (node->frozen_until_us > sim->now_us) {
        sim_post (sim, node->frozen_until_us - sim->now_us,
                  (event_t){.type = EV_SYNCED, .to = node->id, .life = node->life});
        return;
    }
    if (node->disk_fails || sim_odds (sim, sim->odds.crash_syncing)) {
        sim_tell (sim, "node %u cannot write: it ends", node->id);
        sim_crash (sim, node, true);
        s_start_again (sim, node);
        return;
    }
    node->syncing = false;
    s_durable (node);
    if (!s_publish (sim, node))
        return;
    s_step_durable (sim, node);
    s_flush (sim, node);
}

//  ---- what comes in
//  ------------------------------------------------------------------------------

static void
s_from_mesh (sim_t *sim, node_t *node, const event_t *in)
{
    hf_event_t event = {.type = HF_EV_LINK};
    event.link.node = in->from;
    event.link.up = in->a != 0;
    if (in->type == EV_CONNECTION)
        event.type = HF_EV_BROKEN;
    if (in->type == EV_PEER) {
        hf_scan_t scan;
        uint32_t kind;
        hf_status_t status = hf_frame_open (in->bytes->bytes, in->bytes->size, &scan, &kind);
        assert (status == HF_OK);
        if (kind == HF_KIND_STATE_ASK) {
            sim_serve_asked (sim, node, &scan);
            return;
        }
        if (kind == HF_KIND_STATE_PART) {
            sim_pull_part (sim, node, &scan);
            return;
        }
        bool read = hf_core_read_peer (node->core, &scan, kind, &event);
        assert (read);
    }
    sim_step (sim, node, &event);
}

static void
s_step_proposals (sim_t *sim, node_t *node)
{
    if (node->proposals_count == 0)
        return;
    if (hf_core_accepts (node->core)) {
        hf_event_t event = {.type = HF_EV_PROPOSE};
        event.propose.count = node->proposals_count;
        sim_step (sim, node, &event);
        node->proposals_count = 0;
    } else if (hf_core_view (node->core).role != HF_LEADER)
        node->proposals_count = 0;
}

static void
s_from_lock (sim_t *sim, node_t *node, const event_t *in)
{
    if (in->kind == HF_KIND_A_BARRIER) {
        hf_event_t event = {.type = HF_EV_BARRIER};
        event.barrier.id = in->a;
        sim_step (sim, node, &event);
        return;
    }
    if (in->kind == HF_KIND_A_FLUSHED) {
        node->flushed = in->a;
        node->prunes = true;
        return;
    }
    assert (in->kind == HF_KIND_A_PROPOSE);
    if (node->proposals_count == sizeof node->proposals / sizeof *node->proposals)
        s_step_proposals (sim, node);
    if (node->proposals_count < sizeof node->proposals / sizeof *node->proposals)
        node->proposals[node->proposals_count++] = in->bytes;
}

void
sim_election_turn (sim_t *sim, node_t *node)
{
    if (node->core == NULL || node->syncing || node->frozen_until_us > sim->now_us)
        return;
    uint64_t stall_us = sim_node_local (sim, node) - node->listened_us;
    bool late = sim_node_local (sim, node) > node->effects.wake_at_us + 20000;
    for (size_t i = 0; i < node->mesh.count; i++)
        s_from_mesh (sim, node, &node->mesh.list[i]);
    node->mesh.count = 0;
    for (size_t i = 0; i < node->pipe.count; i++)
        s_from_lock (sim, node, &node->pipe.list[i]);
    node->pipe.count = 0;
    if (late && stall_us >= 20000) {
        hf_event_t event = {.type = HF_EV_STALL};
        event.stall.for_us = stall_us;
        sim_step (sim, node, &event);
    }
    if (sim_node_local (sim, node) >= node->effects.wake_at_us) {
        hf_event_t event = {.type = HF_EV_TICK};
        sim_step (sim, node, &event);
    }
    s_step_proposals (sim, node);
    s_flush (sim, node);
}
