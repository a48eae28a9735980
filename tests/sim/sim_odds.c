//  What the seed decides, and faults as they happen.

#include "tests/sim/sim_internal.h"

#define FAULT_TICK_US 50000

//  ---- the odds ------------------------------------------------------------------------

/*  0 in half of all runs, else up to MAX: each run has a few kinds of faults. */
static uint32_t
s_some (sim_t *sim, uint32_t max)
{
    return sim_random (sim, 2) == 0 ? 0 : 1 + (uint32_t)sim_random (sim, max);
}

/*  Some numbers are small, so that bounds are met. */
static uint64_t
s_bound (sim_t *sim, uint64_t least, uint64_t small, uint64_t large)
{
    return least + sim_random (sim, sim_random (sim, 2) == 0 ? small : large);
}

static void
s_pick_election (sim_t *sim, odds_t *odds)
{
    hf_election_config_t *config = &odds->election;
    hf_core_config_defaults (&config->core);
    config->core.members_count = odds->members;
    for (uint32_t i = 0; i < odds->members; i++)
        config->core.members[i] = i + 1;
    config->core.prefer_lowest = sim_random (sim, 8) != 0;
    config->core.stability_us = 200000 + sim_random (sim, 1800000);
    config->core.regret_us = 2000000 + sim_random (sim, 3000000);
    uint64_t calm_us = 10 * config->core.stability_us, regret_us = 4 * config->core.regret_us;
    config->core.believed_us = regret_us > calm_us ? regret_us : calm_us;
    config->log_keep = s_bound (sim, 0, 1000, 10000);
    config->hold_us = 500000 + sim_random (sim, 5000000);
    config->prune_step = 1 + (uint32_t)sim_random (sim, 64);
    config->tail_bytes = (uint32_t)s_bound (sim, 1, 300, 10000);
    config->chunk_bytes = (uint32_t)s_bound (sim, 1, 300, 1000);
    config->propose_bytes = (uint32_t)s_bound (sim, 1, 300, 5000);
    config->deliver_bytes = (uint32_t)s_bound (sim, 1, 500, 5000);
    odds->lock.credit_bytes = s_bound (sim, 1, 300, 5000);
    config->deliver_ahead = (uint32_t)(odds->lock.credit_bytes + s_bound (sim, 1, 500, 5000));
}

static void
s_pick_lock (sim_t *sim, odds_t *odds)
{
    hf_lock_config_t *config = &odds->lock;
    odds->flushes = sim_random (sim, 3) != 0;
    config->endpoint = "node:1";
    config->version = "sim";
    config->flush_us = odds->flushes ? s_bound (sim, 10000, 200000, 2000000) : 1000000000;
    config->flush_bytes = odds->flushes ? s_bound (sim, 1, 500, 10000) : 1U << 20;
    config->unwritten_max = config->flush_bytes + s_bound (sim, 0, 2000, 1U << 20);
    config->undecided_max = s_bound (sim, 1, 400, 1U << 20);
    config->readings_max = (uint32_t)s_bound (sim, 4, 6, 1000);
    odds->door = (uint32_t)s_bound (sim, 1, 3, 1000);
    odds->link_frames = sim->seed % 4 == 3 ? 1 + (uint32_t)(sim->seed / 4 % 3) : 0;
    odds->poll_us = sim_random (sim, 2) * sim_random (sim, 3000);
    hf_file_config_t *file = &odds->file;
    file->part_bytes = 50 + (uint32_t)sim_random (sim, 500);
    file->window_bytes = file->part_bytes * (1 + (uint32_t)sim_random (sim, 4));
    file->page_bytes = (uint32_t)s_bound (sim, 1, 100, 10000);
    file->batch_bytes = (uint32_t)s_bound (sim, 1, 500, 10000);
    file->ask_again_us = 50000 + sim_random (sim, 200000);
    file->fresh_us = 1 + sim_random (sim, 1000000);
    file->shared_us = file->fresh_us + sim_random (sim, 2000000);
    file->forget_us = 300000 + sim_random (sim, 3000000);
    odds->damage = sim_random (sim, 3) == 0 ? 20 : 0;
}

static void
s_pick_faults (sim_t *sim, odds_t *odds)
{
    odds->crash = s_some (sim, 50);
    odds->cut = s_some (sim, 60);
    odds->freeze = s_some (sim, 40);
    odds->stall = s_some (sim, 40);
    odds->fail = s_some (sim, 10);
    odds->wipe = s_some (sim, sim_random (sim, 4) == 0 ? 200 : 20);
    odds->slow = s_some (sim, 20);
    odds->spurious = s_some (sim, 30);
    odds->handover = s_some (sim, 30);
    odds->client_stall = s_some (sim, 50);
    odds->client_death = s_some (sim, 20);
    odds->crash_voting = s_some (sim, 700);
    odds->crash_leading = s_some (sim, 300);
    odds->crash_committing = s_some (sim, sim_random (sim, 4) == 0 ? 300 : 15);
    odds->crash_syncing = s_some (sim, 60);
    odds->crash_swapping = s_some (sim, 500);
    odds->lag = s_some (sim, 150);
    odds->reconnect = s_some (sim, 100);
    odds->slow_turn = s_some (sim, 30);
    odds->long_cuts = sim_random (sim, 2) == 0;
    odds->disk_slow = s_some (sim, 60);
    odds->forge = s_some (sim, 200);
    odds->copy = sim_random (sim, 4) == 0 ? 0 : 1 + (uint32_t)sim_random (sim, 300);
}

void
sim_odds_pick (sim_t *sim)
{
    static const uint32_t sizes[] = {3, 5, 3, 5, 3, 7, 1};
    odds_t *odds = &sim->odds;
    odds->members = sizes[sim_random (sim, 7)];
    odds->clients = 1 + (uint32_t)sim_random (sim, CLIENTS_MAX - 2);
    odds->locks = 1 + (uint32_t)sim_random (sim, MODEL_LOCKS);
    odds->shared = sim_random (sim, 10) < 7 ? 20 + (unsigned)sim_random (sim, 70) : 0;
    odds->sets = sim_random (sim, 10) < 6 ? 10 + (unsigned)sim_random (sim, 50) : 0;
    odds->detect = sim_random (sim, 2) == 0 ? 60 : 0;
    odds->delayed = sim_random (sim, 2) == 0 ? 40 : 0;
    for (size_t lock = 0; lock < MODEL_LOCKS; lock++)
        odds->limits[lock] = sim_random (sim, 2) == 0 ? 0 : 1 + (uint32_t)sim_random (sim, 4);
    odds->users = 1 + (uint32_t)sim_random (sim, USERS_MAX);
    odds->latency_us = 50 + sim_random (sim, 1000);
    odds->jitter_us = sim_random (sim, 4) == 0 ? sim_random (sim, 100000) : sim_random (sim, 2000);
    odds->client_jitter_us =
        sim_random (sim, 3) == 0 ? sim_random (sim, 500000) : sim_random (sim, 5000);
    odds->loss = s_some (sim, 150);
    odds->twice = s_some (sim, 100);
    odds->client_loss = s_some (sim, 250);
    odds->disk_us = sim_random (sim, 3) == 0 ? 0 : sim_random (sim, 20000);
    odds->ttl_ms = 1000 + (uint32_t)sim_random (sim, 2500);
    odds->think_us = 20000 + sim_random (sim, sim_random (sim, 2) == 0 ? 200000 : 1000000);
    odds->hold_us = 20000 + sim_random (sim, sim_random (sim, 2) == 0 ? 200000 : 1000000);
    odds->past = sim_random (sim, 2) == 0;
    odds->faults_until_us = sim->now_us + 3000000 + sim_random (sim, 15000000);
    odds->late = sim_random (sim, 4) == 0 ? 1 + (uint32_t)sim_random (sim, odds->members) : 0;
    s_pick_election (sim, odds);
    sim_members_pick (sim);
    s_pick_lock (sim, odds);
    s_pick_faults (sim, odds);
    odds->watchers = sim_random (sim, 5) == 0 ? 0 : 1 + (uint32_t)sim_random (sim, WATCHERS_MAX);
    odds->lock.journal_bytes = sim_random (sim, 2) == 0 ? 0 : 17U << 16;
    //  Mostly nothing goes wrong before the cluster is formed, for which all must be heard.
    sim->storm = *odds;
    sim->calm = sim_random (sim, 4) != 0;
    if (sim->calm) {
        odds->loss = odds->disk_slow = odds->crash_voting = odds->crash_leading = 0;
        odds->crash_committing = odds->crash_syncing = 0;
    }
}

void
sim_formed (sim_t *sim)
{
    if (!sim->calm || sim->stale)
        return;
    sim_tell (sim, "the cluster is formed");
    sim->calm = false;
    sim->odds = sim->storm;
}

//  ---- the past ---------------------------------------------------------------------------

/*  A payload that is unlike every other, and does nothing: the end of a session that never was. */
static const blob_t *
s_filler (sim_t *sim, uint64_t number)
{
    hf_pack_t commands, payload;
    hf_pack_init (&commands);
    hf_pack_init (&payload);
    hf_cmd_close_put (&commands, &(hf_cmd_close_t){.session = (1ULL << 40) + number});
    hf_payload_put (&payload, hf_pack_list (&commands));
    const blob_t *blob = sim_blob (sim, hf_pack_bytes (&payload), hf_pack_size (&payload));
    hf_pack_done (&commands);
    hf_pack_done (&payload);
    return blob;
}

/*  The first entry of every log: the roster. */
static const blob_t *
s_everybody (sim_t *sim)
{
    hf_roster_t roster = {.count = sim->odds.founders};
    hf_pack_t payload;
    hf_pack_init (&payload);
    for (uint32_t i = 0; i < sim->odds.founders; i++)
        roster.members[i] =
            (hf_seat_t){.node = i + 1, .incarnation = sim->nodes[i + 1].incarnations.list[0]};
    hf_roster_put (&payload, &roster);
    const blob_t *blob = sim_blob (sim, hf_pack_bytes (&payload), hf_pack_size (&payload));
    hf_pack_done (&payload);
    return blob;
}

static void
s_past_add (sim_t *sim, node_t *node, item_t item)
{
    sim_disk_add (&node->written, item);
    sim_watch_written (sim, node, node->written.items.count);
}

/*  In TERM a node adds to its log, and some others take a part of that over. Whoever leads after
 * the first term has the entry that formed the cluster. */
static void
s_past_term (sim_t *sim, uint64_t term, uint64_t *number)
{
    uint32_t members = sim->odds.founders;
    node_t *leader = &sim->nodes[1 + sim_random (sim, members)];
    if (term == 1)
        s_past_add (sim, leader, (item_t){term, HF_ENTRY_ROSTER, s_everybody (sim)});
    if (leader->written.items.count == 0)
        return;
    for (uint64_t i = sim_random (sim, 6) + 1; i > 0; i--)
        s_past_add (sim, leader, (item_t){term, HF_ENTRY_COMMANDS, s_filler (sim, ++*number)});
    for (uint32_t id = 1; id <= members; id++) {
        node_t *node = &sim->nodes[id];
        if (node == leader || sim_random (sim, 3) > 0)
            continue;
        size_t least = node->written.items.count > 0 ? 1 : 0;
        size_t count = least + sim_random (sim, leader->written.items.count + 1 - least);
        node->written.items.count = 0;
        for (size_t i = 0; i < count; i++)
            sim_disk_add (&node->written, leader->written.items.list[i]);
    }
}

/*  Figure 8 of the paper: one node has entries of a term, a node that starts later has one of the
 *  next term instead, and whoever leads is likely to crash as soon as something is committed. */
static uint64_t
s_past_eight (sim_t *sim)
{
    odds_t *odds = &sim->odds;
    uint32_t early = 1 + (uint32_t)sim_random (sim, odds->founders);
    odds->late = 1 + early % odds->founders;
    item_t roster = {1, HF_ENTRY_ROSTER, s_everybody (sim)};
    for (uint32_t id = 1; id <= odds->founders; id++)
        s_past_add (sim, &sim->nodes[id], roster);
    for (uint64_t i = 1; i <= 3; i++)
        s_past_add (sim, &sim->nodes[early], (item_t){2, HF_ENTRY_COMMANDS, s_filler (sim, i)});
    s_past_add (sim, &sim->nodes[odds->late], (item_t){3, HF_ENTRY_COMMANDS, s_filler (sim, 4)});
    odds->election.chunk_bytes = 1;
    odds->crash_committing = 700;
    sim->calm = false;
    return 3;
}

/*  Logs that went apart; none of it is committed. */
void
sim_past (sim_t *sim)
{
    bool eight = sim->odds.founders > 1 && sim_random (sim, 6) == 0;
    uint64_t terms = eight ? s_past_eight (sim) : sim_random (sim, 8);
    uint64_t number = 0;
    for (uint64_t term = 1; term <= terms && !eight; term++)
        s_past_term (sim, term, &number);
    for (uint32_t id = 1; id <= sim->odds.founders; id++) {
        node_t *node = &sim->nodes[id];
        node->written.incarnation = node->durable.incarnation;
        node->written.term = terms + sim_random (sim, 2);
        sim_disk_copy (&node->durable, &node->written, 0);
    }
}

//  ---- faults -----------------------------------------------------------------------------

/*  Whoever leads, every second time. */
static node_t *
s_anyone (sim_t *sim)
{
    node_t *leader = NULL;
    for (uint32_t id = 1; id <= sim->odds.members; id++) {
        node_t *node = &sim->nodes[id];
        if (node->up && node->seen.role == HF_LEADER &&
            (!leader || node->seen.term > leader->seen.term))
            leader = node;
    }
    if (leader && sim_random (sim, 2) == 0)
        return leader;
    return &sim->nodes[1 + sim_random (sim, sim->odds.members)];
}

static void
s_broken (sim_t *sim, const node_t *node, uint32_t peer)
{
    if (node->up)
        sim_post (sim, sim_random (sim, 2000),
                  (event_t){.type = EV_BROKEN, .to = node->id, .from = peer, .life = node->life});
}

/*  Every second client. A connection that breaks is seen; one that is cut is only silent. */
static void
s_cut_client (sim_t *sim, client_t *client, uint32_t node, bool broken)
{
    if (sim_random (sim, 2) == 0)
        return;
    sim->connections[client->id][node].cut = true;
    if (broken || sim_random (sim, 4) == 0)
        sim_disconnect (sim, client->id, node, broken);
}

static void
s_freeze_for (sim_t *sim, node_t *node, uint64_t us, bool clock)
{
    sim_tell (sim, "node %u freezes for %" PRIu64 " ms", node->id, us / 1000);
    node->frozen_until_us = sim->now_us + us;
    if (clock && !node->clock.stopped)
        sim_clock_stop (sim, &node->clock, true);
}

/*  NODE is cut off, which is seen at once; and its machine stands still, so that it believes to
 *  lead when the others are further on. Or it only stops to be heard, and hears late. */
static void
s_late_news (sim_t *sim, node_t *node)
{
    bool frozen = node->up && !node->clock.stopped && sim_random (sim, 2) == 0;
    uint64_t us = 30000 + sim_random (sim, frozen ? 900000 : 400000);
    sim_tell (sim, "node %u hears late%s", node->id, frozen ? ", and is frozen" : "");
    for (uint32_t id = 1; id <= sim->odds.members; id++) {
        if (id == node->id)
            continue;
        sim_cut (sim, node->id, id, true);
        if (frozen)
            sim_cut (sim, id, node->id, true);
        else
            sim->lag_until_us[id][node->id] = sim->now_us + us;
        if (sim_random (sim, 8) != 0)
            s_broken (sim, &sim->nodes[id], node->id);
    }
    for (uint32_t id = 1; id <= sim->odds.clients; id++)
        s_cut_client (sim, &sim->clients[id], node->id, true);
    if (frozen)
        s_freeze_for (sim, node, us, true);
    sim->heal_cuts_us = sim->now_us + us + 200000 + sim_random (sim, 1000000);
}

static void
s_cut (sim_t *sim)
{
    if (sim_random (sim, 4) == 0) {
        s_late_news (sim, s_anyone (sim));
        return;
    }
    uint32_t a = s_anyone (sim)->id;
    uint32_t b = 1 + (uint32_t)sim_random (sim, sim->odds.members);
    uint64_t how = sim_random (sim, 5);
    bool broken = sim_random (sim, 2) == 0; //  and the others see it at once
    sim_tell (sim, "cut around node %u (and %u), kind %" PRIu64, a, b, how);
    for (uint32_t id = 1; id <= sim->odds.members; id++) {
        bool meant = how < 3 || id == b; //  from all, or from one
        if (!meant || id == a)
            continue;
        if (how != 1)
            sim_cut (sim, a, id, true);
        if (how != 2)
            sim_cut (sim, id, a, true);
        if (broken)
            s_broken (sim, &sim->nodes[id], a);
    }
    if (how == 0 && sim_random (sim, 2) == 0) //  with some clients on its side
        for (uint32_t id = 1; id <= sim->odds.clients; id++)
            s_cut_client (sim, &sim->clients[id], a, broken);
    if (how == 4)
        for (uint32_t id = 1; id <= sim->odds.members; id++)
            sim->connections[1 + sim_random (sim, sim->odds.clients)][id].cut = true;
    uint64_t longest_us = sim->odds.long_cuts ? 5000000 : 800000;
    sim->heal_cuts_us = sim->now_us + 50000 + sim_random (sim, longest_us);
}

static void
s_heal_cuts (sim_t *sim)
{
    if (sim->heal_cuts_us == 0 || sim->now_us < sim->heal_cuts_us)
        return;
    sim_tell (sim, "cuts heal");
    sim->heal_cuts_us = 0;
    for (uint32_t id = 1; id <= sim->odds.clients; id++)
        for (uint32_t node = 1; node <= sim->odds.members; node++)
            sim->connections[id][node].cut = false;
    for (uint32_t a = 1; a <= sim->odds.members; a++)
        for (uint32_t b = 1; b <= sim->odds.members; b++)
            sim_cut (sim, a, b, false);
}

static void
s_freeze (sim_t *sim, node_t *node)
{
    uint64_t us = 30000 + sim_random (sim, sim_random (sim, 2) == 0 ? 300000 : 3000000);
    s_freeze_for (sim, node, us, sim_random (sim, 2) == 0);
}

static void
s_crash (sim_t *sim, node_t *node)
{
    sim_crash (sim, node, sim_random (sim, 2) == 0);
    sim_start_later (sim, node, sim_random (sim, 3) == 0 ? 30000 : 4000000);
}

/*  NODE, which was wiped, hears for a while only what was under way to it: the votes that once
 *  elected it. False when not all voted for it. */
static bool
s_late_votes (sim_t *sim, const node_t *node)
{
    uint64_t start_us = 20000;
    uint64_t late_us = start_us + 300000 + sim_random (sim, 400000);
    for (uint32_t id = 1; id <= sim->odds.founders; id++)
        if (id != node->id && (!sim->votes[id][node->id][0] || !sim->votes[id][node->id][1]))
            return false;
    sim_tell (sim, "votes for what node %u was are late", node->id);
    for (uint32_t id = 1; id <= sim->odds.founders; id++) {
        sim->lag_until_us[id][node->id] = sim->now_us + late_us + 100000;
        event_t event = {.type = EV_PEER, .to = node->id, .from = id};
        for (uint64_t i = 0; id != node->id && i < 2; i++) {
            event.frame = sim->votes[id][node->id][i];
            sim_post (sim, late_us + 5000 * i, event);
        }
    }
    sim_post (sim, start_us, (event_t){.type = EV_START, .to = node->id, .life = node->life});
    return true;
}

/*  A minority of the disks, at most: the promises are about the others. Wiped, or damaged and
 *  then refused, which comes to the same a while later. */
static bool
s_lose_disk (sim_t *sim, node_t *node)
{
    if (!sim_may_lose (sim, node))
        return false;
    bool down = !node->up;
    if (sim_random (sim, 4) == 0) {
        sim_tell (sim, "the disk of node %u is damaged", node->id);
        node->damaged = true;
        if (!down)
            s_crash (sim, node);
        return true;
    }
    if (!down)
        sim_crash (sim, node, true);
    sim_wipe (sim, node);
    if (!down && (sim_random (sim, 2) == 0 || !s_late_votes (sim, node)))
        sim_start_later (sim, node, 4000000);
    return true;
}

static void
s_stop_all (sim_t *sim)
{
    for (uint32_t id = 1; id <= sim->odds.members; id++)
        if (sim->nodes[id].up)
            s_crash (sim, &sim->nodes[id]);
}

/*  A connection lags: what is sent comes late, all at once. */
static void
s_lag (sim_t *sim)
{
    uint32_t node = s_anyone (sim)->id;
    uint64_t until_us = sim->now_us + 100000 + sim_random (sim, 2000 * sim->odds.ttl_ms);
    client_t *client = &sim->clients[1 + sim_random (sim, sim->odds.clients)];
    const user_t *user = &client->users[sim_random (sim, sim->odds.users)];
    connection_t *connection = &sim->connections[client->id][node];
    if (sim_random (sim, 3) == 0)
        sim->lag_until_us[node][1 + sim_random (sim, sim->odds.members)] = until_us;
    else if (user->state != USER_HERE || sim_random (sim, 2) == 0) {
        connection->lag_until_us[0] = sim_random (sim, 3) == 0 ? 0 : until_us;
        connection->lag_until_us[1] =
            sim_random (sim, 3) == 0 ? until_us : sim->now_us + sim_random (sim, 1000000);
    } else { //  what it said in time comes when it is found silent
        uint64_t ttl_us = hf_client_session_lease (user->session)->ttl_us;
        uint64_t rate = (uint64_t)(1000000 + sim->nodes[node].clock.drift_ppm);
        uint64_t client_rate = (uint64_t)(1000000 + client->clock.drift_ppm);
        connection->lag_until_us[0] = sim->now_us + sim->odds.latency_us +
                                      sim_until (sim, &client->clock, user->deadline_us) +
                                      ttl_us * 1000000 / rate - ttl_us * 900000 / client_rate +
                                      sim_random (sim, 100000) * sim_random (sim, 2) / 2;
    }
}

/*  The disk stands still; sometimes the node hears no other node either, but clients. */
static void
s_stall (sim_t *sim, node_t *node)
{
    uint64_t us = 100000 + sim_random (sim, 3000000);
    sim_tell (sim, "the disk of node %u stalls", node->id);
    node->disk_stall_us = us;
    node->deaf_when_stalled = sim_random (sim, 3) == 0;
}

static bool
s_fault_node (sim_t *sim, node_t *node)
{
    const odds_t *odds = &sim->odds;
    if (!node->up)
        return sim_odds (sim, odds->wipe) && s_lose_disk (sim, node);
    if (sim_odds (sim, odds->crash)) {
        if (sim_random (sim, 8) == 0)
            s_stop_all (sim);
        else
            s_crash (sim, node);
    } else if (sim_odds (sim, odds->freeze))
        s_freeze (sim, node);
    else if (sim_odds (sim, odds->stall))
        s_stall (sim, node);
    else if (sim_odds (sim, odds->fail))
        node->disk_fails = true;
    else if (sim_odds (sim, odds->wipe))
        return s_lose_disk (sim, node);
    else if (sim_odds (sim, odds->slow))
        node->slow_pipes = !node->slow_pipes;
    else if (sim_odds (sim, odds->spurious))
        s_broken (sim, node, 1 + (uint32_t)sim_random (sim, odds->members));
    else if (sim_odds (sim, odds->handover)) {
        node->stops = true;
        sim_wake (sim, &node->actors[HF_TO_ELECTION].turn, 0);
    } else
        return false;
    return true;
}

static bool
s_fault_client (sim_t *sim, client_t *client)
{
    if (!client->core || client->stalled_until_us > sim->now_us)
        return false;
    if (sim_odds (sim, sim->odds.client_stall)) {
        client->stalled_until_us = sim->now_us + 10000 + sim_random (sim, 6000000);
        sim_tell (sim, "client %u stalls", client->id);
        return true;
    }
    if (!sim_odds (sim, sim->odds.client_death))
        return false;
    sim_client_die (sim, client);
    return true;
}

void
sim_fault (sim_t *sim)
{
    if (sim->healed)
        return;
    sim_copy_watch (sim);
    if (sim->calm) {
        sim_post (sim, FAULT_TICK_US, (event_t){.type = EV_FAULT});
        return;
    }
    s_heal_cuts (sim);
    for (uint32_t id = 1; id <= sim->odds.members; id++) {
        node_t *node = &sim->nodes[id];
        if (node->clock.stopped && node->frozen_until_us <= sim->now_us)
            sim_clock_stop (sim, &node->clock, false);
    }
    uint64_t faults = s_fault_node (sim, s_anyone (sim));
    if (sim_odds (sim, sim->odds.cut)) {
        s_cut (sim);
        faults++;
    }
    if (sim_odds (sim, sim->odds.lag)) {
        s_lag (sim);
        faults++;
    }
    if (sim_odds (sim, sim->odds.reconnect)) {
        sim_disconnect (sim, 1 + (uint32_t)sim_random (sim, sim->odds.clients), s_anyone (sim)->id,
                        true);
        faults++;
    }
    if (sim_odds (sim, sim->odds.forge))
        sim_forge (sim, s_anyone (sim));
    faults += s_fault_client (sim, &sim->clients[1 + sim_random (sim, sim->odds.clients)]);
    if (sim_odds (sim, sim->odds.copy))
        faults += sim_copy_fault (sim, s_anyone (sim));
    sim->result->totals.faults += faults;
    sim_post (sim, FAULT_TICK_US, (event_t){.type = EV_FAULT});
}
