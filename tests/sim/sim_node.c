//  A node's actors: mailboxes that keep their order, turns, and disks that take their time. What
//  the services decide is carried out here, as the actors do it.

#include "tests/sim/sim_internal.h"

uint64_t
sim_node_local (const sim_t *sim, const node_t *node)
{
    return sim_local (sim, &node->clock);
}

bool
sim_frozen (const sim_t *sim, const node_t *node)
{
    return node->frozen_until_us > sim->now_us;
}

#define HANDOVER_US 1000000 //  the default of the election service

//  ---- what a service wants -----------------------------------------------------------

/*  A pipe keeps its order, and is slow when a thread gets no processor. */
static void
s_to_actor (sim_t *sim, node_t *node, hf_to_t source, hf_out_message_t *message)
{
    uint64_t *last_us = &node->actors[source].pipe_us[message->to];
    uint64_t at_us = sim->now_us + 10 + sim_random (sim, 200);
    if (node->slow_pipes && sim_random (sim, 6) == 0)
        at_us += sim_random (sim, 3000000);
    if (at_us < *last_us)
        at_us = *last_us;
    *last_us = at_us;
    sim_post (sim, at_us - sim->now_us,
              (event_t){.type = EV_MESSAGE,
                        .to = node->id,
                        .life = node->life,
                        .actor = message->to,
                        .source = source,
                        .message = message->bytes,
                        .size = message->size});
    message->bytes = NULL;
}

/*  What an outbox says that the checks, and crashes at bad moments, are about. */
typedef struct news {
    bool voted, leads, commits, done, restart;
} news_t;

static void
s_look_frame (sim_t *sim, node_t *node, hf_span_t frame, news_t *news)
{
    hf_scan_t scan;
    uint32_t kind;
    hf_vote_t vote;
    hf_state_part_t part;
    if (hf_frame_open (frame.at, frame.size, &scan, &kind) != HF_OK)
        return;
    if (kind == HF_KIND_VOTE && hf_vote_get (&scan, &vote))
        news->voted = news->voted || (vote.granted && !vote.pre);
    else if (kind == HF_KIND_STATE_PART && hf_state_part_get (&scan, &part))
        node->duty.sent_index = part.index;
    sim->result->totals.transfers += kind == HF_KIND_TRANSFER;
}

static void
s_look_message (sim_t *sim, node_t *node, hf_to_t actor, const hf_out_message_t *message,
                news_t *news)
{
    if (message->to == HF_TO_MAIN) {
        news->done = actor == HF_TO_ELECTION;
        news->restart = actor == HF_TO_FILE;
        return;
    }
    uint32_t kind;
    hf_scan_t scan = hf_frame_own (message->bytes, message->size, &kind);
    hf_a_committed_t committed;
    hf_a_propose_t propose;
    hf_a_rows_t rows;
    hf_a_verdict_t verdict;
    if (kind == HF_KIND_A_COMMITTED && hf_a_committed_get (&scan, &committed)) {
        news->commits = true;
        assert (committed.first == node->reported + 1);
        sim_watch_commit (sim, node, node->reported + committed.entries.count);
        sim_duty_delivers (sim, node, committed.entries.size);
    } else if (kind == HF_KIND_A_PROPOSE && hf_a_propose_get (&scan, &propose)) {
        sim_duty_proposed (sim, node, propose.entries);
    } else if (kind == HF_KIND_A_LEADING) {
        news->leads = true;
        sim->result->totals.elections++;
    } else if (kind == HF_KIND_A_ROWS && hf_a_rows_get (&scan, &rows))
        sim_rows_left (node, &rows);
    else if (kind == HF_KIND_A_VERDICT && hf_a_verdict_get (&scan, &verdict))
        sim_verdict (sim, node, &verdict);
}

static bool
s_crashes (sim_t *sim, const node_t *node, const news_t *news)
{
    return (news->voted && sim_odds (sim, sim->odds.crash_voting)) ||
           (news->leads && sim_odds (sim, sim->odds.crash_leading)) ||
           (node->seen.role == HF_LEADER && news->commits &&
            sim_odds (sim, sim->odds.crash_committing));
}

static void
s_frames (sim_t *sim, node_t *node, hf_to_t actor, hf_outbox_t *outbox, news_t *news)
{
    for (size_t i = 0; i < outbox->frames.count && !sim->failed; i++) {
        const hf_out_frame_t *frame = &outbox->frames.list[i];
        hf_span_t bytes = hf_outbox_bytes (outbox, frame);
        if (actor == HF_TO_ELECTION) {
            s_look_frame (sim, node, bytes, news);
            sim_to_peers (sim, node, frame->peer, bytes);
            continue;
        }
        uint64_t route = sim_route_number (&frame->route);
        bool sent = sim_to_client (sim, node, route, bytes);
        sim_duty_sent (sim, node, route, sent, bytes);
        if (!sent) {
            sim->result->totals.unsent++;
            hf_lock_service_unsent (node->lock, frame->session, &frame->route);
        }
    }
}

/*  A process that ends, soon to start again: while others still remember what it said. */
static bool
s_ends (sim_t *sim, node_t *node, bool soon)
{
    sim_crash (sim, node, sim_random (sim, 2) == 0);
    sim_start_later (sim, node, soon || sim_random (sim, 3) != 0 ? 30000 : 3000000);
    return false;
}

static void
s_lines (sim_t *sim, node_t *node, hf_to_t actor, const hf_outbox_t *outbox)
{
    for (size_t i = 0; i < outbox->lines.count; i++) {
        const hf_out_line_t *line = &outbox->lines.list[i];
        if (sim->trace)
            sim_tell (sim, "node %u: %s", node->id, line->text);
        if (actor == HF_TO_FILE && line->level == HF_ERROR && !node->stage_was_damaged)
            sim_fail (sim, SIM_BROKEN, "P4: on node %u, though no byte went wrong on the way: %s",
                      node->id, line->text);
    }
    if (actor == HF_TO_FILE)
        node->stage_was_damaged = false;
}

/*  Operators are not clients here: what they asked for did not come through the lock actor. */
static bool
s_is_verdict (const hf_out_message_t *message)
{
    uint32_t kind;
    hf_frame_own (message->bytes, message->size, &kind);
    return kind == HF_KIND_A_VERDICT;
}

bool
sim_carry_out (sim_t *sim, node_t *node, hf_to_t actor, hf_outbox_t *outbox)
{
    news_t news = {0};
    s_lines (sim, node, actor, outbox);
    s_frames (sim, node, actor, outbox, &news);
    node->duty.turn += actor == HF_TO_LOCK;
    for (size_t i = 0; i < outbox->messages.count && !sim->failed; i++)
        s_look_message (sim, node, actor, &outbox->messages.list[i], &news);
    bool crashes = s_crashes (sim, node, &news);
    bool silent = crashes && sim_random (sim, 2) == 0; //  the node's other actors hear nothing
    for (size_t i = 0; i < outbox->messages.count && !silent && !sim->failed; i++)
        if (outbox->messages.list[i].to != HF_TO_MAIN && !s_is_verdict (&outbox->messages.list[i]))
            s_to_actor (sim, node, actor, &outbox->messages.list[i]);
    hf_outbox_reset (outbox);
    sim->result->totals.faults += crashes;
    if (sim->failed || (actor == HF_TO_ELECTION && sim_removed (sim, node)))
        return false;
    if (actor == HF_TO_ELECTION && sim_copy_noticed (sim, node))
        return false;
    if (news.done) {
        sim_tell (sim, "node %u has handed over what it had, and stops", node->id);
        node->stops = false;
    }
    return crashes || news.done || news.restart ? s_ends (sim, node, news.restart) : true;
}

/*  A service goes to sleep: AGAIN makes another turn at this moment, without input, which must find
 *  nothing to do. Otherwise that work waits for the next message, or for a timer. */
void
sim_sleep (sim_t *sim, node_t *node, hf_to_t actor, uint64_t wake_us,
           bool (*again) (sim_t *sim, node_t *node))
{
    static const char *const names[] = {
        [HF_TO_ELECTION] = "election", [HF_TO_LOCK] = "lock", [HF_TO_FILE] = "file"};
    if (wake_us > sim_node_local (sim, node) && again (sim, node))
        sim_fail (sim, SIM_STUCK, "P11: the %s service of node %u sleeps with work left",
                  names[actor], node->id);
    else
        sim_wake_at (sim, node, actor, wake_us);
}

static bool
s_any (const hf_outbox_t *outbox)
{
    return outbox->frames.count > 0 || outbox->messages.count > 0;
}

//  ---- the election actor ------------------------------------------------------------------

void
sim_wake_at (sim_t *sim, node_t *node, hf_to_t actor, uint64_t local_us)
{
    for (size_t box = 0; box <= HF_TO_FILE; box++)
        if (node->actors[actor].boxes[box].count > 0)
            sim_wake (sim, &node->actors[actor].turn, 1 + sim_random (sim, 1000));
    if (local_us != UINT64_MAX)
        sim_wake (sim, &node->actors[actor].turn, 1 + sim_until (sim, &node->clock, local_us));
}

/*  The disk works, or what it had to write is durable. */
bool
sim_begin_sync (sim_t *sim, node_t *node, hf_to_t actor)
{
    uint64_t sync_us = sim_sync_us (sim, node);
    if (sync_us == 0 && !node->disk_fails)
        return false;
    node->actors[actor].syncing = true;
    sim_post (sim, sync_us,
              (event_t){.type = EV_SYNCED, .to = node->id, .actor = actor, .life = node->life});
    return true;
}

static bool
s_election_again (sim_t *sim, node_t *node)
{
    hf_election_service_begin (node->election, sim_node_local (sim, node));
    hf_election_service_end (node->election, sim_node_local (sim, node));
    return hf_election_service_dirty (node->election) ||
           s_any (hf_election_service_outbox (node->election));
}

/*  Commit and carry out until nothing is left to do, or the disk takes its time. */
static void
s_election_flush (sim_t *sim, node_t *node)
{
    hf_outbox_t *outbox = hf_election_service_outbox (node->election);
    if (!sim_carry_out (sim, node, HF_TO_ELECTION, outbox))
        return;
    while (hf_election_service_dirty (node->election)) {
        if (sim_begin_sync (sim, node, HF_TO_ELECTION))
            return;
        sim_log_durable (sim, node);
        hf_election_service_committed (node->election, sim_node_local (sim, node));
        sim_watch_step (sim, node);
        if (!sim_carry_out (sim, node, HF_TO_ELECTION, outbox))
            return;
    }
    if (node->stops_us != 0 && sim_node_local (sim, node) >= node->stops_us)
        sim_fail (sim, SIM_STUCK, "P11: node %u hands over for longer than a second", node->id);
    sim_sleep (sim, node, HF_TO_ELECTION, hf_election_service_wake_us (node->election),
               s_election_again);
}

static void
s_election_synced (sim_t *sim, node_t *node)
{
    sim_log_durable (sim, node);
    hf_election_service_committed (node->election, sim_node_local (sim, node));
    sim_watch_step (sim, node);
    s_election_flush (sim, node);
}

static void
s_from_mesh (sim_t *sim, node_t *node, const event_t *event)
{
    uint64_t now_us = sim_node_local (sim, node);
    if (event->type == EV_PEER) {
        hf_span_t frame = hf_span (event->frame->bytes, event->frame->size);
        sim_duty_peer (sim, node, frame);
        hf_election_service_from_peer (node->election, frame, now_us);
    } else if (event->type == EV_LINK)
        hf_election_service_link (node->election, event->from, event->a != 0, now_us);
    else
        hf_election_service_broken (node->election, event->from, now_us);
}

static void
s_election_turn (sim_t *sim, node_t *node)
{
    actor_t *actor = &node->actors[HF_TO_ELECTION];
    hf_election_service_begin (node->election, sim_node_local (sim, node));
    sim_watch_step (sim, node);
    for (size_t box = 0; box <= HF_TO_FILE; box++) {
        event_t *event;
        while ((event = sim_take (&actor->boxes[box]))) {
            if (box == 0)
                s_from_mesh (sim, node, event);
            else {
                uint32_t kind;
                hf_scan_t scan = hf_frame_own (event->message, event->size, &kind);
                hf_election_service_from_actor (node->election, &scan, kind,
                                                sim_node_local (sim, node));
            }
            sim_watch_step (sim, node);
            sim_drop (sim, event);
        }
    }
    if (node->stops) {
        node->stops_us = sim_node_local (sim, node) + HANDOVER_US;
        hf_election_service_handover (node->election, sim_node_local (sim, node));
    }
    node->stops = false;
    hf_election_service_end (node->election, sim_node_local (sim, node));
    sim_watch_step (sim, node);
    hf_core_check (hf_election_service_core (node->election));
    s_election_flush (sim, node);
}

//  ---- the lock actor ------------------------------------------------------------------------

/*  The turn stops in the midst of it: it goes on later. */
static bool
s_pauses (sim_t *sim, node_t *node)
{
    if (!sim_odds (sim, sim->odds.slow_turn))
        return false;
    sim_wake (sim, &node->actors[HF_TO_LOCK].turn, sim_random (sim, 900 * sim->odds.ttl_ms));
    return true;
}

static void
s_lock_messages (sim_t *sim, node_t *node)
{
    actor_t *actor = &node->actors[HF_TO_LOCK];
    for (size_t box = HF_TO_ELECTION; box <= HF_TO_FILE; box++) {
        event_t *event;
        while ((event = sim_take (&actor->boxes[box]))) {
            uint32_t kind;
            hf_scan_t scan = hf_frame_own (event->message, event->size, &kind);
            sim_duty_message (node, scan, kind);
            hf_lock_service_from_actor (node->lock, &scan, kind, sim_node_local (sim, node));
            if (kind == HF_KIND_A_COMMITTED)
                sim_oracle_state (sim, node);
            sim_drop (sim, event);
        }
    }
}

static void
s_lock_door (sim_t *sim, node_t *node)
{
    queue_t *door = &node->actors[HF_TO_LOCK].boxes[0];
    for (uint32_t i = 0; i < sim->odds.door && !hf_lock_service_full (node->lock); i++) {
        event_t *event = sim_take (door);
        if (!event)
            return;
        hf_route_t route = sim_route (event);
        route.user = sim_rights_users (sim) ? event->from : 0;
        hf_span_t frame = hf_span (event->frame->bytes, event->frame->size);
        sim_belief_request (sim, frame);
        sim_duty_taken (node, event);
        hf_lock_service_from_client (node->lock, &route, frame, sim_node_local (sim, node));
        sim_drop (sim, event);
    }
}

static bool
s_lock_again (sim_t *sim, node_t *node)
{
    hf_lock_service_begin (node->lock, sim_node_local (sim, node));
    hf_lock_service_end (node->lock, node->actors[HF_TO_LOCK].boxes[0].count == 0);
    while (hf_lock_service_more (node->lock))
        ;
    return s_any (hf_lock_service_outbox (node->lock));
}

static void
s_lock_turn (sim_t *sim, node_t *node)
{
    actor_t *actor = &node->actors[HF_TO_LOCK];
    if (!actor->in_turn) {
        node->duty.turn_us = sim_node_local (sim, node);
        hf_lock_service_begin (node->lock, node->duty.turn_us);
        actor->in_turn = true;
        if (s_pauses (sim, node))
            return;
    }
    s_lock_messages (sim, node);
    s_lock_door (sim, node);
    if (sim->failed || s_pauses (sim, node))
        return;
    actor->in_turn = false;
    bool drained = actor->boxes[0].count == 0;
    hf_lock_service_end (node->lock, drained);
    for (uint64_t i = sim_random (sim, 4); i > 0 && hf_lock_service_more (node->lock); i--)
        ;
    if (sim_random (sim, 64) == 0)
        hf_state_check (hf_lock_service_state (node->lock));
    if (!sim_carry_out (sim, node, HF_TO_LOCK, hf_lock_service_outbox (node->lock)))
        return;
    sim_duty_turned (sim, node);
    sim_sleep (sim, node, HF_TO_LOCK, hf_lock_service_wake_us (node->lock), s_lock_again);
}

//  ---- turns ------------------------------------------------------------------------------------

void
sim_turn (sim_t *sim, node_t *node, hf_to_t actor)
{
    if (!node->up || node->actors[actor].syncing)
        return;
    if (sim_frozen (sim, node))
        sim_wake (sim, &node->actors[actor].turn, node->frozen_until_us - sim->now_us);
    else if (actor == HF_TO_ELECTION)
        s_election_turn (sim, node);
    else if (actor == HF_TO_LOCK)
        s_lock_turn (sim, node);
    else
        sim_file_turn (sim, node);
}

void
sim_arrive (sim_t *sim, node_t *node, event_t *event)
{
    if (event->type == EV_PEER && sim->cut[event->from][node->id]) {
        sim_drop (sim, event);
        return;
    }
    if (event->type == EV_LINK) //  as things are now
        event->a = sim->nodes[event->from].up && !sim->cut[node->id][event->from] &&
                   !sim->cut[event->from][node->id];
    hf_to_t actor = event->type == EV_MESSAGE   ? event->actor
                    : event->type == EV_REQUEST ? HF_TO_LOCK
                                                : HF_TO_ELECTION;
    hf_to_t box = event->type == EV_MESSAGE ? event->source : 0;
    sim_keep (&node->actors[actor].boxes[box], event);
    if (node->actors[actor].in_turn)
        return; //  it comes by itself
    if (sim->odds.poll_us > 0)
        sim_wake (sim, &node->actors[actor].turn, sim_random (sim, sim->odds.poll_us));
    else
        sim_turn (sim, node, actor);
}

void
sim_synced (sim_t *sim, node_t *node, const event_t *event)
{
    assert (node->actors[event->actor].syncing);
    if (sim_frozen (sim, node)) {
        uint64_t frozen_us = node->frozen_until_us - sim->now_us;
        sim_post (sim, frozen_us < 50000 ? frozen_us : 50000, *event);
        return;
    }
    if (node->disk_fails || sim_odds (sim, sim->odds.crash_syncing)) {
        sim_tell (sim, "node %u cannot write: it ends", node->id);
        s_ends (sim, node, false);
        return;
    }
    node->actors[event->actor].syncing = false;
    if (event->actor == HF_TO_ELECTION)
        s_election_synced (sim, node);
    else
        sim_file_synced (sim, node);
}

uint64_t
sim_sync_us (sim_t *sim, node_t *node)
{
    uint64_t sync_us =
        sim_random (sim, sim->odds.disk_us + 1) + node->disk_stall_us + node->sync_us;
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
