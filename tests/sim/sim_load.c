//  A member that was away comes back under a load that the others sustain (P11).
//
//  After all healed and agreed, proposals are made all the time, as many as the disks take. A
//  follower is down for a while. Then it must reach what was committed a moment before within
//  bounded time while the load goes on, and take the whole state over at most once; not at all
//  after a short absence, also when the lead moves meanwhile, if its disk is no slower. In half of
//  these lives its disk is slower than the load, so that it can come back only if the leader
//  proposes more slowly.

#include "tests/sim/sim_internal.h"

#define BRIEFLY_US 1000000
#define LONG_US    4000000
#define BACK_US    8000000
#define SLOW_US    60000000 //  the leader has to slow down until a node with a slow disk is back
#define MOMENT_US  100000
#define ENTRY_SIZE 31 //  of a load's entry, as a record

/*  Its own dice: what came before is the same with and without a load. */
static bool
s_wants (const sim_t *sim)
{
    //  Not where the log is kept for a node that needs more of it.
    return sim_voters (sim) >= 3 && sim->odds.election.repair_keep == 0 &&
           hf_hash_u64 (1, sim->seed) % 5 == 0;
}

static node_t *
s_leader (sim_t *sim)
{
    for (uint32_t id = 1; id <= sim->odds.members; id++) {
        node_t *node = &sim->nodes[id];
        if (node->up && node->seen.role == HF_LEADER && !sim_frozen (sim, node) &&
            hf_core_accepts (hf_election_service_core (node->election)))
            return node;
    }
    return NULL;
}

/*  Propose COUNT entries that do nothing, each unlike all others. */
static void
s_propose (sim_t *sim, const node_t *leader, uint64_t count, uint64_t *number)
{
    hf_pack_t commands, payload, entries, message;
    hf_pack_init (&commands);
    hf_pack_init (&payload);
    hf_pack_init (&entries);
    hf_pack_init (&message);
    for (uint64_t i = 0; i < count; i++) {
        hf_pack_reset (&commands);
        hf_pack_reset (&payload);
        hf_cmd_close_put (&commands, &(hf_cmd_close_t){.session = (1ULL << 41) + ++*number});
        hf_payload_put (&payload, hf_pack_list (&commands));
        hf_entry_put (&entries, &(hf_entry_t){.type = HF_ENTRY_COMMANDS,
                                              .payload = hf_span (hf_pack_bytes (&payload),
                                                                  hf_pack_size (&payload))});
    }
    hf_a_propose_frame (&message, &(hf_a_propose_t){.entries = hf_pack_list (&entries)});
    size_t size = hf_pack_size (&message);
    uint8_t *bytes = memcpy (hf_alloc (size), hf_pack_bytes (&message), size);
    sim_post (sim, sim_random (sim, 200),
              (event_t){.type = EV_MESSAGE,
                        .to = leader->id,
                        .life = leader->life,
                        .actor = HF_TO_ELECTION,
                        .source = HF_TO_LOCK,
                        .message = bytes,
                        .size = size});
    hf_pack_done (&commands);
    hf_pack_done (&payload);
    hf_pack_done (&entries);
    hf_pack_done (&message);
}

typedef struct load {
    uint64_t batch;  //  entries in one proposal: a part of what one repair message holds
    uint64_t number; //  of entries so far
    uint64_t posted; //  up to this index, if all goes on
    uint64_t term;   //  in this term
    uint64_t moment_us;
} load_t;

/*  Go on for US, or until NODE has what was committed a moment ago. Gives whether it has. */
static bool
s_go_on (sim_t *sim, load_t *load, const node_t *node, uint64_t us)
{
    uint64_t until_us = sim->now_us + us, look_us = 0, mark = UINT64_MAX;
    while (!sim->failed && sim->now_us < until_us) {
        const node_t *leader = s_leader (sim);
        if (leader && leader->seen.term != load->term)
            load->posted = leader->seen.last_index;
        load->term = leader ? leader->seen.term : load->term;
        if (leader && load->posted < leader->seen.commit_index)
            load->posted = leader->seen.commit_index;
        if (leader && load->posted - leader->seen.commit_index <= load->batch) {
            s_propose (sim, leader, load->batch, &load->number);
            load->posted += load->batch;
        }
        if (node && node->up && node->seen.commit_index >= mark)
            return true;
        if (leader && sim->now_us >= look_us) {
            mark = leader->seen.commit_index;
            look_us = sim->now_us + load->moment_us;
        }
        uint64_t next_us = sim->now_us + 500;
        while (sim_next (sim, next_us))
            ;
        sim->now_us = next_us;
    }
    return false;
}

/*  Until all that is on its way between nodes has arrived. */
static uint64_t
s_lag_us (const sim_t *sim)
{
    uint64_t last_us = sim->now_us;
    for (uint32_t from = 1; from <= sim->odds.members; from++)
        for (uint32_t to = 1; to <= sim->odds.members; to++) {
            uint64_t sent_us = sim->last_us[from][to], lag_us = sim->lag_until_us[from][to];
            last_us = sent_us > last_us ? sent_us : last_us;
            last_us = lag_us > last_us ? lag_us : last_us;
        }
    return last_us - sim->now_us;
}

void
sim_load (sim_t *sim)
{
    node_t *leader = s_leader (sim);
    load_t load = {.moment_us = MOMENT_US,
                   .batch = sim->odds.election.chunk_bytes * 7 / 10 / ENTRY_SIZE};
    if (!s_wants (sim) || !leader || load.batch < 2)
        return;
    uint32_t id = leader->id;
    do
        id = id == sim->odds.members ? 1 : id + 1;
    while (!sim_votes (sim, id));
    node_t *node = &sim->nodes[id];
    //  Who was heard a short time ago is repaired from the log.
    bool briefly = hf_hash_u64 (2, sim->seed) % 2 == 0;
    sim_tell (sim, "load: %" PRIu64 " entries a proposal; node %u goes away", load.batch, node->id);
    uint64_t disk_us = sim->odds.disk_us;
    sim->odds.disk_us = 10000;
    load.posted = leader->seen.last_index;
    uint64_t states = sim->result->totals.states;
    //  The leader has to hear what the node has.
    s_go_on (sim, &load, NULL, 100000 + s_lag_us (sim));
    sim_crash (sim, node, true);
    if (hf_hash_u64 (4, sim->seed) % 2 == 0) {
        sim_tell (sim, "load: node %u stands still", leader->id);
        leader->frozen_until_us = sim->now_us + 3 * sim->odds.election.core.election_us / 2;
    }
    s_go_on (sim, &load, NULL, briefly ? BRIEFLY_US : LONG_US);
    if (sim->failed)
        return;
    sim_start (sim, node);
    bool slow = hf_hash_u64 (3, sim->seed) % 2 == 0;
    node->sync_us = slow ? 15000 : 0;
    load.moment_us = slow ? 10 * MOMENT_US : MOMENT_US;
    if (!s_go_on (sim, &load, node, slow ? SLOW_US : BACK_US))
        sim_fail (sim, SIM_STUCK, "P11: node %u does not catch up under load: %" PRIu64 " of %zu",
                  node->id, node->seen.commit_index, sim->watch.committed.count);
    states = sim->result->totals.states - states;
    if (states > (briefly && !slow ? 0 : 1))
        sim_fail (sim, SIM_STUCK, "P11: node %u took %" PRIu64 " states under load", node->id,
                  states);
    sim->odds.disk_us = disk_us;
    node->sync_us = 0;
    sim_tell (sim, "load: node %u is back", node->id);
}
