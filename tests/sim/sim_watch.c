//  Checks of the log: P1 one leader a term, P2 log matching, P3 leader completeness,
//  P4 the same entries everywhere, P7 on the disks of a majority.

#include "tests/sim/sim_internal.h"

void
sim_watch_new (watch_t *watch)
{
    watch->leaders = hf_alloc (TERMS_MAX * sizeof *watch->leaders);
    watch->model = model_new ();
    watch->state = hf_state_new ();
    hf_outcomes_init (&watch->outcomes);
    hf_state_listen (watch->state, sim_told_lock, watch);
}

void
sim_watch_done (watch_t *watch)
{
    for (size_t i = 0; i < watch->entries.count; i++) {
        while (watch->entries.list[i]) {
            known_t *known = watch->entries.list[i];
            watch->entries.list[i] = known->next;
            free (known);
        }
    }
    for (size_t lock = 0; lock < MODEL_LOCKS; lock++) {
        hf_array_free (&watch->holders[lock]);
        hf_array_free (&watch->grants[lock]);
    }
    free (watch->leaders);
    hf_array_free (&watch->entries);
    hf_array_free (&watch->committed);
    hf_array_free (&watch->changes);
    hf_array_free (&watch->files);
    hf_array_free (&watch->happened[HF_WATCH_LOCKS]);
    hf_array_free (&watch->happened[HF_WATCH_FILES]);
    hf_outcomes_done (&watch->outcomes);
    hf_state_destroy (&watch->state);
    model_destroy (&watch->model);
}

static uint64_t
s_hash (item_t item)
{
    return (item.payload ? item.payload->hash : 0) + item.type;
}

bool
sim_same_item (item_t a, item_t b)
{
    return a.term == b.term && a.type == b.type && s_hash (a) == s_hash (b);
}

//  ---- P1, P3 --------------------------------------------------------------------------

static void
s_leads (sim_t *sim, const node_t *node, uint64_t term)
{
    watch_t *watch = &sim->watch;
    if (watch->leaders[term] != 0 && watch->leaders[term] != node->id)
        sim_fail (sim, SIM_BROKEN, "P1: nodes %u and %u lead term %" PRIu64, watch->leaders[term],
                  node->id, term);
    watch->leaders[term] = node->id;
    //  What was committed in earlier terms. What it pruned was committed.
    for (size_t i = node->written.base_index; i < watch->committed.count; i++) {
        if (watch->committed.list[i].term < term &&
            (i >= node->written.items.count ||
             !sim_same_item (watch->committed.list[i].item, sim_disk_at (&node->written, i + 1))))
            sim_fail (sim, SIM_BROKEN,
                      "P3: node %u leads term %" PRIu64 " without the committed entry %zu",
                      node->id, term, i + 1);
    }
}

void
sim_watch_step (sim_t *sim, node_t *node)
{
    hf_core_view_t view = hf_election_service_view (node->election);
    hf_core_view_t seen = node->seen;
    node->seen = view;
    if (view.term < seen.term || view.term >= TERMS_MAX)
        sim_fail (sim, SIM_BROKEN, "P1: the term of node %u fell", node->id);
    //  Before its term is on disk, the leader of a cluster with one voter says nothing; it may lose
    //  the term, and another may win that.
    else if (view.role == HF_LEADER && node->led != view.term && node->durable.term == view.term)
        s_leads (sim, node, node->led = view.term);
    if (view.transfer_to != 0 && seen.transfer_to == 0)
        sim_duty_transfers (sim, node, view.transfer_to);
    if (view.role != seen.role || view.leader != seen.leader)
        sim_tell (
            sim, "node %u: role %d, leader %u, term %" PRIu64 ", log %" PRIu64 ", commit %" PRIu64,
            node->id, (int)view.role, view.leader, view.term, view.last_index, view.commit_index);
}

//  ---- P2 ---------------------------------------------------------------------------------

void
sim_watch_written (sim_t *sim, const node_t *node, uint64_t index)
{
    watch_t *watch = &sim->watch;
    while (index >= watch->entries.count)
        *hf_array_add (&watch->entries) = NULL;
    item_t item = sim_disk_at (&node->written, index);
    uint64_t prev_term = sim_disk_term (&node->written, index - 1);
    for (const known_t *known = watch->entries.list[index]; known; known = known->next) {
        if (known->term != item.term)
            continue;
        if (known->hash != s_hash (item) || known->prev_term != prev_term)
            sim_fail (sim, SIM_BROKEN,
                      "P2: entry %" PRIu64 " of term %" PRIu64 " differs on node %u", index,
                      item.term, node->id);
        return;
    }
    known_t *known = hf_alloc (sizeof *known);
    *known = (known_t){.term = item.term,
                       .prev_term = prev_term,
                       .hash = s_hash (item),
                       .next = watch->entries.list[index]};
    watch->entries.list[index] = known;
}

//  ---- P3, P4, P7 ---------------------------------------------------------------------------

static void
s_first (sim_t *sim, const node_t *node, uint64_t index, item_t item)
{
    watch_t *watch = &sim->watch;
    assert (index == watch->committed.count + 1);
    *hf_array_add (&watch->committed) = (committed_t){.item = item, .term = node->seen.term};
    sim_members_check_disks (sim, index, item);
    if (!sim->failed)
        sim_roster_committed (sim, index, item);
    if (!sim->failed)
        sim_oracle_committed (sim, index, item);
}

void
sim_watch_commit (sim_t *sim, node_t *node, uint64_t index)
{
    if (index < node->reported || index > node->durable.items.count) {
        sim_fail (sim, SIM_BROKEN, "P7: node %u reports entry %" PRIu64 " and has %zu on its disk",
                  node->id, index, node->durable.items.count);
        return;
    }
    for (uint64_t i = node->reported + 1; i <= index && !sim->failed; i++) {
        item_t item = sim_disk_at (&node->durable, i);
        if (i > sim->watch.committed.count)
            s_first (sim, node, i, item);
        else if (!sim_same_item (sim->watch.committed.list[i - 1].item, item))
            sim_fail (sim, SIM_BROKEN,
                      "P4: node %u commits another entry %" PRIu64 " than was committed before",
                      node->id, i);
    }
    node->reported = index;
}
