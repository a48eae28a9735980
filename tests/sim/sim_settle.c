//  All heals, and progress is demanded within bounded virtual time (P11).

#include "tests/sim/sim_internal.h"

/*  Sometimes a leader does not heal with the others: it stands still, and its connections with it.
 *  The others are enough without it. */
static node_t *
s_pick_silent (sim_t *sim)
{
    node_t *silent = NULL;
    if (sim_voters (sim) < 3 || sim->stale || !sim->watch.formed ||
        hf_roster_joint (&sim->watch.roster) || sim_random (sim, 2) == 0)
        return NULL;
    for (uint32_t id = 1; id <= sim->odds.members; id++) {
        node_t *node = &sim->nodes[id];
        if (!sim_votes (sim, id))
            continue;
        if (node->durable.incarnation != sim_seat (sim, id)->incarnation || node->damaged)
            return NULL;
        if (node->up && node->seen.role == HF_LEADER)
            silent = node;
    }
    return silent && sim_may_lose (sim, silent) && !sim_last_founder (sim, silent->id) ? silent
                                                                                       : NULL;
}

void
sim_wake_up (sim_t *sim, node_t *node)
{
    if (node->clock.stopped)
        sim_clock_stop (sim, &node->clock, false);
    node->frozen_until_us = 0;
    for (hf_to_t actor = HF_TO_ELECTION; actor <= HF_TO_FILE && node->up; actor++)
        sim_wake (sim, &node->actors[actor].turn, 0);
}

void
sim_heal (sim_t *sim)
{
    sim_tell (sim, "all heals");
    sim->healed = true;
    sim->calm = false;
    odds_t *odds = &sim->odds;
    odds->loss = odds->twice = odds->client_loss = odds->disk_slow = 0;
    odds->crash_voting = odds->crash_leading = odds->crash_committing = odds->crash_syncing = 0;
    odds->crash_swapping = 0;
    memset (sim->lag_until_us, 0, sizeof sim->lag_until_us);
    odds->jitter_us = odds->client_jitter_us = 200;
    odds->disk_us = 500;
    odds->slow_turn = odds->damage = 0;
    for (uint32_t id = 1; id <= odds->clients; id++) {
        sim->clients[id].stalled_until_us = 0;
        sim_wake (sim, &sim->clients[id].turn, 0);
        for (uint32_t node = 1; node <= odds->members; node++) {
            sim->connections[id][node].cut = false;
            sim->connections[id][node].lag_until_us[0] = 0;
            sim->connections[id][node].lag_until_us[1] = 0;
        }
    }
    sim_copy_heal (sim);
    sim->silent = s_pick_silent (sim);
    for (uint32_t id = 1; id <= odds->members; id++) {
        node_t *node = &sim->nodes[id];
        for (uint32_t peer = 1; peer <= odds->members; peer++)
            sim_cut (sim, id, peer, false);
        node->slow_pipes = node->disk_fails = false;
        node->disk_stall_us = 0;
        if (!node->up)
            sim_start (sim, node);
        sim_wake_up (sim, node);
    }
    if (sim->silent) {
        sim_tell (sim, "node %u, which leads, stands still", sim->silent->id);
        sim->silent->frozen_until_us = sim->now_us + 100000000;
    }
}

static const hf_state_t *
s_state (const node_t *node)
{
    return hf_lock_service_state (node->lock);
}

static node_t *
s_leader (sim_t *sim)
{
    node_t *leader = NULL;
    for (uint32_t id = 1; id <= sim->odds.members; id++) {
        node_t *node = &sim->nodes[id];
        if (node->up && node != sim->silent && node->seen.role == HF_LEADER &&
            hf_core_accepts (hf_election_service_core (node->election)) &&
            (!leader || node->seen.term > leader->seen.term))
            leader = node;
    }
    return leader;
}

static bool
s_has_leader (sim_t *sim)
{
    return s_leader (sim) != NULL;
}

/*  Every client has been granted what it waited for and has left; locks and sessions of dead
 * clients have ended. */
static bool
s_has_served (sim_t *sim)
{
    const node_t *leader = s_leader (sim);
    for (uint32_t id = 1; id <= sim->odds.clients; id++)
        if (!sim_people_done (&sim->clients[id]))
            return false;
    return leader && hf_state_applied_index (s_state (leader)) == sim->watch.committed.count &&
           hf_state_sessions_count (s_state (leader)) == 0 &&
           hf_state_locks_count (s_state (leader)) == 0;
}

static bool
s_has_lowest (sim_t *sim)
{
    const node_t *leader = s_leader (sim);
    uint32_t lowest = 1;
    if (sim_leads (sim))
        return leader && sim_well_led (sim, leader->id);
    while (lowest < sim->odds.members && !sim_votes (sim, lowest))
        lowest++;
    return leader && (leader->id == lowest || !sim->odds.election.core.prefer_lowest);
}

/*  What of its log a node keeps: more for a member that gets no entries and is heard. */
static uint64_t
s_log_keep (const sim_t *sim)
{
    const hf_election_config_t *config = &sim->odds.election;
    bool lags = sim_seat (sim, sim->odds.laggard) && !sim->odds.laggard_away;
    return lags && config->repair_keep > config->log_keep ? config->repair_keep : config->log_keep;
}

/*  P12: all is flushed, and no more of the log is kept than it should be. */
static bool
s_has_pruned (sim_t *sim)
{
    if (!sim->odds.flushes)
        return true;
    for (uint32_t id = 1; id <= sim->odds.members; id++) {
        const node_t *node = &sim->nodes[id];
        if (!sim_seat (sim, id) || sim_lags (sim, id))
            continue;
        if (!node->up || node->rows.index != sim->watch.committed.count ||
            sim_disk_keeps (&node->durable, s_log_keep (sim)) > node->durable.base_index)
            return false;
    }
    return true;
}

static bool
s_has_agreed (sim_t *sim)
{
    const watch_t *watch = &sim->watch;
    for (uint32_t id = 1; id <= sim->odds.members; id++) {
        const node_t *node = &sim->nodes[id];
        if (!sim_seat (sim, id) || sim_lags (sim, id))
            continue;
        uint64_t section =
            watch->files.count > 0 ? watch->files.list[watch->files.count - 1].index : 0;
        if (!node->up || node->durable.items.count != watch->committed.count ||
            node->section_durable != section ||
            hf_state_applied_index (s_state (node)) != watch->committed.count)
            return false;
    }
    return true;
}

/*  What is not as it should be. */
static void
s_tell_rest (const sim_t *sim)
{
    for (uint32_t id = 1; id <= sim->odds.clients; id++)
        for (size_t i = 0; i < sim->odds.users; i++) {
            const user_t *user = &sim->clients[id].users[i];
            for (size_t lock = 0; lock < MODEL_LOCKS; lock++)
                if (user->places[lock].want != WANT_NOTHING)
                    sim_tell (sim, "client %u, session %" PRIu64 ": %s is %d", id, user->id,
                              sim_lock_name (lock), (int)user->places[lock].want);
            if (user->state != USER_AWAY)
                sim_tell (sim, "client %u, session %" PRIu64 " is %d", id, user->id,
                          (int)user->state);
        }
    for (uint32_t id = 1; id <= sim->odds.clients; id++)
        for (size_t i = 0; i < WATCHERS_MAX; i++) {
            const watcher_t *watcher = &sim->clients[id].watchers[i];
            if (watcher->state != WATCHER_NONE)
                sim_tell (sim, "client %u, watcher %zu of %u \"%s\" is told up to %" PRIu64, id, i,
                          watcher->what, watcher->prefix, watcher->told);
        }
    for (uint64_t id = 1; id <= sim->watch.model->last_session; id++)
        if (sim->watch.model->sessions[id].alive)
            sim_tell (sim, "session %" PRIu64 " lives", id);
}

typedef bool (demand_fn) (sim_t *sim);

static void
s_wait (sim_t *sim, demand_fn *demand, uint64_t limit_us, const char *what)
{
    uint64_t until_us = sim->now_us + limit_us;
    while (!sim->failed && !demand (sim)) {
        if (sim->now_us >= until_us) {
            const node_t *leader = s_leader (sim);
            s_tell_rest (sim);
            sim_fail (sim, SIM_STUCK, "P11: %s within %" PRIu64 " s; %u members, %u leads", what,
                      limit_us / 1000000, sim->odds.members, leader ? leader->id : 0);
            return;
        }
        uint64_t next_us = sim->now_us + 20000;
        while (sim_next (sim, next_us))
            ;
        sim->now_us = next_us;
    }
}

static void
s_check_end (sim_t *sim)
{
    for (uint32_t id = 1; id <= sim->odds.members && !sim->failed; id++) {
        node_t *node = &sim->nodes[id];
        if (!sim_seat (sim, id) || sim_lags (sim, id))
            continue;
        hf_core_check (hf_election_service_core (node->election));
        hf_state_check (s_state (node));
        //  One row of the whole; a session of a client that left may have been opened late, and
        //  ended a moment ago.
        size_t rows = 1 + hf_state_sessions_count (s_state (node));
        bool flushed = node->rows.index == hf_state_applied_index (s_state (node));
        if (sim->odds.flushes && flushed && node->rows.all.count > rows)
            sim_fail (sim, SIM_BROKEN, "P12: node %u keeps %zu rows of %zu", id,
                      node->rows.all.count, rows);
        for (size_t file = 0; file < MODEL_FILES; file++) {
            const model_text_t *text = &sim->watch.model->files[file];
            if (node->files[file].bytes.count != text->size ||
                (text->size > 0 &&
                 memcmp (node->files[file].bytes.list, text->bytes, text->size) != 0))
                sim_fail (sim, SIM_BROKEN,
                          "P6: file %s of node %u has %zu bytes, the released sections %zu",
                          sim_file_name (file), id, node->files[file].bytes.count, text->size);
        }
    }
}

void
sim_demand (sim_t *sim)
{
    s_wait (sim, s_has_leader, 8000000, "no leader"); //  lagging connections first catch up
    if (sim->silent) {
        s_wait (sim, s_has_served, 60000000,
                "not every waiter was granted, and one node is silent,");
        s_wait (sim, sim_told_all, 20000000, "a watcher is not told all, and one node is silent,");
        sim_wake_up (sim, sim->silent);
        sim->silent = NULL;
    }
    s_wait (sim, sim_members_settled, 20000000,
            "a node that is to vote does not, or one that was removed does not know");
    sim_copy_settled (sim);
    s_wait (sim, sim_copy_is_over, 20000000, "an old copy is not noticed");
    s_wait (sim, sim_members_settled, 20000000, "a node that had an old copy does not vote");
    sim_try (sim);
    s_wait (sim, s_has_served, 60000000, "not every waiter was granted, or a dead session stays");
    //  A leader whose transfers failed waits for up to stability << 6; one that got the lead back
    //  soon, for up to regret << 2; and a slow sync is remembered for a while.
    const hf_core_config_t *core = &sim->odds.election.core;
    s_wait (sim, s_has_lowest,
            5000000 + 66 * core->stability_us + 4 * core->regret_us + core->believed_us,
            "the lowest id does not lead");
    s_wait (sim, s_has_agreed, 10000000, "not all nodes have the whole log"); //  lagging ones too
    if (!sim->failed)
        sim_load (sim);
    //  The load was made past the lock actors, as much as the disks take: they need a while.
    s_wait (sim, s_has_agreed, 20000000, "not all nodes have the whole log");
    //  After a load some tens of thousands of entries are pruned, in steps of a few in some lives.
    s_wait (sim, s_has_pruned, 40000000 + sim->odds.lock.flush_us + sim->odds.election.hold_us,
            "state is not on disk, or the log is not pruned,");
    s_wait (sim, s_has_agreed, 5000000, "not all nodes have the whole log");
    //  One whose node's connection lagged tries again after up to 8 s.
    s_wait (sim, sim_told_all, 20000000, "a watcher is not told all that happened");
    s_check_end (sim);
}
