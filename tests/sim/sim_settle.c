//  All heals, and progress is demanded within bounded virtual time (P11).

#include "tests/sim/sim_internal.h"

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
    memset (sim->client_lag_until_us, 0, sizeof sim->client_lag_until_us);
    odds->jitter_us = odds->client_jitter_us = 200;
    odds->disk_us = 500;
    memset (sim->client_cut, 0, sizeof sim->client_cut);
    for (uint32_t id = 1; id <= odds->members; id++) {
        node_t *node = &sim->nodes[id];
        for (uint32_t peer = 1; peer <= odds->members; peer++)
            sim_cut (sim, id, peer, false);
        if (node->clock.stopped)
            sim_clock_stop (sim, &node->clock, false);
        node->slow_pipes = node->disk_fails = false;
        node->disk_stall_us = 0;
        node->frozen_until_us = 0;
        if (node->core == NULL)
            sim_start (sim, node);
        if (node->core == NULL) //  it was wiped just now
            continue;
        sim_election_wake (sim, node, 0);
        sim_lock_wake (sim, node, 0);
    }
}

static node_t *
s_leader (sim_t *sim)
{
    node_t *leader = NULL;
    for (uint32_t id = 1; id <= sim->odds.members; id++) {
        node_t *node = &sim->nodes[id];
        if (node->core && node->leading && node->seen.role == HF_LEADER &&
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

/*  Every client has been granted what it waited for and has gone; what the dead held and their
 *  sessions are gone too. */
static bool
s_has_served (sim_t *sim)
{
    const node_t *leader = s_leader (sim);
    for (uint32_t id = 1; id <= sim->odds.clients; id++)
        if (!sim->clients[id].done)
            return false;
    return leader && hf_state_sessions_count (leader->state) == 0 &&
           hf_state_locks_count (leader->state) == 0;
}

static bool
s_has_lowest (sim_t *sim)
{
    const node_t *leader = s_leader (sim);
    return leader && (leader->id == 1 || !sim->odds.prefer_lowest);
}

/*  Whoever came back without its disk counts again. */
static bool
s_has_admitted (sim_t *sim)
{
    for (uint32_t id = 1; id <= sim->odds.members; id++)
        if (sim->nodes[id].durable.incarnation != sim->watch.admitted[id])
            return false;
    return true;
}

/*  P12: all is flushed, and no more of the log is kept than it should be. */
static bool
s_has_pruned (sim_t *sim)
{
    if (!sim->odds.flushes)
        return true;
    for (uint32_t id = 1; id <= sim->odds.members; id++) {
        const node_t *node = &sim->nodes[id];
        if (node->core == NULL || node->rows.index != sim->watch.committed_count ||
            node->durable.count - node->durable.base_index > sim->odds.keep)
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
        if (node->core == NULL || node->durable.count != watch->committed_count ||
            hf_state_applied_index (node->state) != watch->committed_count)
            return false;
    }
    return true;
}

typedef bool (demand_fn) (sim_t *sim);

static void
s_wait (sim_t *sim, demand_fn *demand, uint64_t limit_us, const char *what)
{
    uint64_t until_us = sim->now_us + limit_us;
    while (!sim->failed && !demand (sim)) {
        if (sim->now_us >= until_us) {
            const node_t *leader = s_leader (sim);
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
        hf_core_check (node->core);
        hf_state_check (node->state);
        //  One row of the whole; a session of somebody who is gone may have been opened late.
        size_t rows = 1 + hf_state_sessions_count (node->state);
        if (sim->odds.flushes && node->rows.count > rows)
            sim_fail (sim, SIM_BROKEN, "P12: node %u keeps %zu rows of %zu", id, node->rows.count,
                      rows);
        for (size_t file = 0; file < MODEL_FILES; file++) {
            const model_text_t *text = &sim->watch.model->files[file];
            if (node->files[file].size != text->size ||
                (text->size > 0 && memcmp (node->files[file].bytes, text->bytes, text->size) != 0))
                sim_fail (sim, SIM_BROKEN,
                          "P6: file %s of node %u has %zu bytes, the released sections %zu",
                          sim_file_name (file), id, node->files[file].size, text->size);
        }
    }
}

void
sim_demand (sim_t *sim)
{
    s_wait (sim, s_has_leader, 8000000, "no leader"); //  lagging connections first catch up
    s_wait (sim, s_has_admitted, 20000000, "a node that lost its disk is not admitted");
    s_wait (sim, s_has_served, 60000000, "not every waiter was granted, or a dead session stays");
    //  A leader whose transfers failed waits for up to stability << 6.
    s_wait (sim, s_has_lowest, 5000000 + 66 * sim->odds.stability_us,
            "the lowest id does not lead");
    s_wait (sim, s_has_agreed, 5000000, "not all nodes have the whole log");
    s_wait (sim, s_has_pruned, 10000000 + sim->odds.flush_us + sim->odds.held_us,
            "state is not on disk, or the log is not pruned,");
    s_wait (sim, s_has_agreed, 5000000, "not all nodes have the whole log");
    s_check_end (sim);
}
