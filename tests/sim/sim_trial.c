//  After all has healed: one thing goes on going wrong while clients are busy, and one of them has
//  died. The lead must come to rest (P11), and the dead client's sessions must end.

#include "tests/sim/sim_internal.h"

#define STEP_US   20000
#define WARM_US   5000000  //  moves of the lead before this are not counted
#define LENGTH_US 30000000 //  of a trial after that

//  ---- what goes wrong -------------------------------------------------------------------

static node_t *
s_leader (sim_t *sim)
{
    node_t *leader = NULL;
    for (uint32_t id = 1; id <= sim->odds.members; id++) {
        node_t *node = &sim->nodes[id];
        if (node->up && node->seen.role == HF_LEADER && !sim_frozen (sim, node) &&
            (!leader || node->seen.term > leader->seen.term))
            leader = node;
    }
    return leader;
}

static void
s_still_for (sim_t *sim, node_t *node, uint64_t us)
{
    sim_tell (sim, "node %u stands still for %" PRIu64 " ms", node->id, us / 1000);
    node->frozen_until_us = sim->now_us + us;
}

/*  *SINCE_US: since when *TERM has had its leader. */
static void
s_step (sim_t *sim, uint64_t *since_us, uint64_t *term)
{
    node_t *leader = s_leader (sim);
    if (!leader || leader->seen.term != *term) {
        *since_us = sim->now_us;
        *term = leader ? leader->seen.term : 0;
        return;
    }
    uint64_t led_us = sim->now_us - *since_us;
    if (sim->trial == TRIAL_STILL && leader->id == 1 && led_us > 300000)
        s_still_for (sim, leader, 500000);
    else if (sim->trial == TRIAL_MOVES && led_us > 700 * (uint64_t)sim->odds.ttl_ms)
        s_still_for (sim, leader, 600000);
    client_t *client = &sim->clients[1 + sim_random (sim, sim->odds.clients)];
    if (sim->trial == TRIAL_MOVES && client->core && sim_random (sim, 50) == 0)
        client->stalled_until_us =
            sim->now_us + sim_random (sim, 1500 * (uint64_t)sim->odds.ttl_ms);
}

static void
s_run (sim_t *sim, uint64_t for_us)
{
    uint64_t until_us = sim->now_us + for_us, since_us = sim->now_us, term = 0;
    while (!sim->failed && sim->now_us < until_us) {
        uint64_t next_us = sim->now_us + STEP_US;
        while (sim_next (sim, next_us))
            ;
        sim->now_us = next_us;
        s_step (sim, &since_us, &term);
    }
}

//  ---- what is demanded --------------------------------------------------------------------

/*  How often the lead may move: away from the lowest id and back, for each of its chances. */
static uint64_t
s_moves_max (const sim_t *sim)
{
    //  Without a load nobody knows after a while that the disk is slow.
    if (sim->trial == TRIAL_SLOW)
        return 4 + 2 * (LENGTH_US / sim->odds.election.core.believed_us - 1);
    uint64_t moves = 4, pause_us = sim->odds.election.core.regret_us;
    for (uint64_t us = 0; us < LENGTH_US; us += pause_us) {
        moves += 2;
        if (pause_us < 4 * sim->odds.election.core.regret_us)
            pause_us *= 2;
    }
    return moves;
}

/*  A client dies, for longer than the trial. Gives its sessions. */
static void
s_kill (sim_t *sim, uint64_t sessions[USERS_MAX])
{
    client_t *client = &sim->clients[1 + sim_random (sim, sim->odds.clients)];
    for (size_t i = 0; i < USERS_MAX; i++)
        sessions[i] = client->users[i].id;
    if (client->core)
        sim_client_die (sim, client);
    client->dead_until_us = sim->now_us + 2 * LENGTH_US;
    sim_wake (sim, &client->turn, 2 * LENGTH_US);
}

void
sim_try (sim_t *sim)
{
    static const trial_t trials[] = {TRIAL_SLOW, TRIAL_STILL, TRIAL_MOVES, TRIAL_MOVES};
    uint64_t pick = sim_random (sim, 12);
    if (sim->failed || pick >= 4 || sim_leads (sim) || sim_voters (sim) < 3 || !sim_votes (sim, 1))
        return;
    if (trials[pick] != TRIAL_MOVES && !sim->odds.election.core.prefer_lowest)
        return;
    sim->trial = trials[pick];
    sim_tell (sim, "trial %d", (int)sim->trial);
    if (sim->trial == TRIAL_SLOW)
        sim->nodes[1].sync_us = sim->odds.election.core.election_us + sim_random (sim, 300000);
    for (uint32_t id = 1; id <= sim->odds.clients; id++)
        sim_wake (sim, &sim->clients[id].turn, 0);
    s_run (sim, WARM_US);
    uint64_t sessions[USERS_MAX];
    uint64_t before = sim->result->totals.elections;
    s_kill (sim, sessions);
    s_run (sim, LENGTH_US);
    uint64_t moves = sim->result->totals.elections - before;
    sim_tell (sim, "the lead moved %" PRIu64 " times", moves);
    if (sim->trial != TRIAL_MOVES && moves > s_moves_max (sim))
        sim_fail (sim, SIM_STUCK, "P11: the lead moved %" PRIu64 " times in 30 s", moves);
    for (size_t i = 0; i < USERS_MAX; i++)
        if (sim->watch.model->sessions[sessions[i]].alive)
            sim_fail (sim, SIM_STUCK, "P11: session %" PRIu64 " of a dead client lives for 30 s",
                      sessions[i]);
    sim->trial = TRIAL_NONE;
    sim->nodes[1].sync_us = 0;
    for (uint32_t id = 1; id <= sim->odds.clients; id++) {
        sim->clients[id].dead_until_us = sim->clients[id].stalled_until_us = 0;
        sim_wake (sim, &sim->clients[id].turn, 0);
    }
}
