//  Checks of the log: P1 one leader a term, P2 log matching, P3 leader completeness,
//  P4 the same entries everywhere, P7 on the disks of a majority.

#include "tests/sim/sim_internal.h"

void
sim_watch_new (watch_t *watch)
{
    watch->leaders = calloc (TERMS_MAX, sizeof *watch->leaders);
    assert (watch->leaders != NULL);
    watch->model = model_new ();
}

void
sim_watch_done (watch_t *watch)
{
    for (size_t i = 0; i < watch->entries_room; i++) {
        while (watch->entries[i]) {
            known_t *known = watch->entries[i];
            watch->entries[i] = known->next;
            free (known);
        }
    }
    for (size_t lock = 0; lock < MODEL_LOCKS; lock++) {
        free (watch->holders[lock]);
        free (watch->grants[lock]);
    }
    free (watch->entries);
    free (watch->leaders);
    free (watch->committed);
    free (watch->commit_terms);
    free (watch->state_hashes);
    free (watch->views);
    free (watch->sections);
    free (watch->named);
    free (watch->files);
    model_destroy (&watch->model);
}

static uint64_t
s_hash (item_t item)
{
    return (item.payload ? item.payload->hash : 0) + item.type;
}

static bool
s_same (item_t a, item_t b)
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
    for (size_t i = node->written.base_index; i < watch->committed_count; i++) {
        if (watch->commit_terms[i] < term &&
            (i >= node->written.count ||
             !s_same (watch->committed[i], sim_disk_at (&node->written, i + 1))))
            sim_fail (sim, SIM_BROKEN,
                      "P3: node %u leads term %" PRIu64 " without the committed entry %zu",
                      node->id, term, i + 1);
    }
}

void
sim_watch_step (sim_t *sim, node_t *node)
{
    hf_core_view_t view = hf_core_view (node->core);
    hf_core_view_t seen = node->seen;
    node->seen = view;
    if (view.term < seen.term || view.term >= TERMS_MAX)
        sim_fail (sim, SIM_BROKEN, "P1: the term of node %u fell", node->id);
    else if (view.role == HF_LEADER && (seen.role != HF_LEADER || seen.term != view.term))
        s_leads (sim, node, view.term);
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
    while (index >= watch->entries_room) {
        size_t room = watch->entries_room > 0 ? 2 * watch->entries_room : 1024;
        watch->entries = realloc (watch->entries, room * sizeof (known_t *));
        assert (watch->entries != NULL);
        memset (watch->entries + watch->entries_room, 0,
                (room - watch->entries_room) * sizeof (known_t *));
        watch->entries_room = room;
    }
    item_t item = sim_disk_at (&node->written, index);
    uint64_t prev_term = sim_disk_term (&node->written, index - 1);
    for (const known_t *known = watch->entries[index]; known; known = known->next) {
        if (known->term != item.term)
            continue;
        if (known->hash != s_hash (item) || known->prev_term != prev_term)
            sim_fail (sim, SIM_BROKEN,
                      "P2: entry %" PRIu64 " of term %" PRIu64 " differs on node %u", index,
                      item.term, node->id);
        return;
    }
    known_t *known = malloc (sizeof *known);
    assert (known != NULL);
    *known = (known_t){.term = item.term,
                       .prev_term = prev_term,
                       .hash = s_hash (item),
                       .next = watch->entries[index]};
    watch->entries[index] = known;
}

//  ---- P3, P4, P7 ---------------------------------------------------------------------------

static bool
s_has (const disk_t *disk, uint64_t index, item_t item)
{
    return disk->base_index >= index ||
           (disk->count >= index && s_same (sim_disk_at (disk, index), item));
}

/*  Disks that count; also if they were lost since: they are a minority, and the promise is about
 *  the others. */
static uint32_t
s_disks_with (const sim_t *sim, uint64_t index, item_t item)
{
    uint32_t disks = 0;
    for (uint32_t id = 1; id <= sim->odds.members; id++) {
        const node_t *node = &sim->nodes[id];
        bool has =
            sim_counts (sim, id, node->durable.incarnation) && s_has (&node->durable, index, item);
        for (size_t i = 0; i < node->lost_count && !has; i++)
            has = sim_counts (sim, id, node->lost[i].incarnation) &&
                  s_has (&node->lost[i], index, item);
        disks += has;
    }
    return disks;
}

static void
s_first (sim_t *sim, const node_t *node, uint64_t index, item_t item)
{
    watch_t *watch = &sim->watch;
    assert (index == watch->committed_count + 1);
    size_t room = watch->committed_room;
    watch->committed = sim_grow (watch->committed, watch->committed_count, &watch->committed_room,
                                 sizeof *watch->committed);
    if (room != watch->committed_room) {
        room = watch->committed_room;
        watch->commit_terms = realloc (watch->commit_terms, room * sizeof (uint64_t));
        watch->state_hashes = realloc (watch->state_hashes, room * sizeof (uint64_t));
        watch->views = realloc (watch->views, room * sizeof (uint64_t));
        watch->sections = realloc (watch->sections, room * sizeof (uint64_t));
        assert (watch->commit_terms != NULL && watch->state_hashes != NULL);
        assert (watch->views != NULL && watch->sections != NULL);
    }
    watch->commit_terms[watch->committed_count] = node->seen.term;
    watch->committed[watch->committed_count++] = item;
    uint32_t disks = s_disks_with (sim, index, item); //  whom the entry admits counts after it
    sim_roster_committed (sim, index, item);
    if (2 * disks <= sim->odds.members)
        sim_fail (sim, SIM_BROKEN, "P7: entry %" PRIu64 " is committed and on %u disks of %u",
                  index, disks, sim->odds.members);
}

void
sim_watch_commit (sim_t *sim, node_t *node, uint64_t index)
{
    if (index < node->reported || index > node->durable.count) {
        sim_fail (sim, SIM_BROKEN, "P7: node %u reports entry %" PRIu64 " and has %zu on its disk",
                  node->id, index, node->durable.count);
        return;
    }
    for (uint64_t i = node->reported + 1; i <= index; i++) {
        item_t item = sim_disk_at (&node->durable, i);
        if (i > sim->watch.committed_count)
            s_first (sim, node, i, item);
        else if (!s_same (sim->watch.committed[i - 1], item))
            sim_fail (sim, SIM_BROKEN,
                      "P4: node %u commits another entry %" PRIu64 " than was committed before",
                      node->id, i);
    }
    node->reported = index;
}
