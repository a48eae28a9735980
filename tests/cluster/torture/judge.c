//  After the faults: does everything work again, and was every promise kept?

#include "tests/cluster/torture/world.h"
#include "tests/cluster/lostfound/verdict.h"
#include <inttypes.h>

#define S_LIMIT_MS 60000

static void
s_report_nodes (hf_world_t *world)
{
    for (uint32_t id = 1; id <= world->nodes; id++) {
        hf_node_status_t status;
        if (!world->node[id].member)
            continue;
        if (hf_cluster_status (world->cluster, id, &status))
            fprintf (stderr,
                     "torture: node %u: %s of term %" PRIu64 ", leader %u, last %" PRIu64
                     ", commit %" PRIu64 ", applied %" PRIu64 ", hash %016" PRIx64
                     ", links %" PRIu64 "\n",
                     id, status.role, status.term, status.leader, status.last_index,
                     status.commit_index, status.applied_index, status.state_hash, status.links_up);
        else
            fprintf (stderr, "torture: node %u does not answer\n", id);
    }
}

/*  Every node counts, also those that lost their disks. */
static bool
s_all_count (hf_world_t *world)
{
    for (uint32_t id = 1; id <= world->nodes; id++) {
        hf_node_status_t status;
        if (world->node[id].member &&
            (!hf_cluster_status (world->cluster, id, &status) || status.not_counted != 0))
            return false;
    }
    return true;
}

/*  Clients end, and nodes agree, also when all were killed once more. */
static bool
s_progress (hf_world_t *world)
{
    uint64_t start_ms = hf_wait_now_ms ();
    if (hf_cluster_wait_leader (world->cluster, S_LIMIT_MS) == 0) {
        fprintf (stderr, "violation: no leader %u ms after all healed\n", S_LIMIT_MS);
        return false;
    }
    hf_world_note (world, "all name one leader after %llu ms",
                   (unsigned long long)(hf_wait_now_ms () - start_ms));
    if (!hf_crew_finish (world->crew, S_LIMIT_MS))
        return false;
    hf_world_note (world, "clients have ended");
    if (!HF_WAIT (s_all_count (world), S_LIMIT_MS)) {
        fprintf (stderr, "violation: a node that lost its disk was not taken in again\n");
        return false;
    }
    hf_world_note (world, "all killed once more");
    return hf_restart_all (world->cluster, S_LIMIT_MS);
}

hf_verdict_code_t
hf_judge (hf_world_t *world, unsigned *violations)
{
    bool settled = !world->members || hf_members_settle (world, S_LIMIT_MS);
    world->leader_changes = hf_watch_changes (world->watch);
    hf_watch_destroy (&world->watch);
    bool progress = settled && s_progress (world);
    progress = progress && (!world->members || hf_members_check (world));
    if (!progress)
        s_report_nodes (world);
    *violations += hf_verdict (world->cluster, world->nodes, hf_crew_history (world->crew),
                               progress ? S_LIMIT_MS : 0);
    return *violations ? HF_VERDICT_BROKEN : progress ? HF_VERDICT_FINE : HF_VERDICT_NO_PROGRESS;
}
