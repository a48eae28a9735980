//  Disks that are lost, and who counts: by the rosters that were committed.

#include "tests/sim/sim_internal.h"

//  ---- incarnations -------------------------------------------------------------------------

void
sim_incarnation (sim_t *sim, node_t *node)
{
    assert (node->incarnations_count < INCARNATIONS_MAX);
    bool again = HF_MUTANT (incarnation_kept) && node->incarnations_count > 0;
    uint64_t incarnation = again ? node->incarnations[0] : sim_random (sim, UINT64_MAX - 1) + 1;
    node->durable.incarnation = incarnation;
    node->incarnations[node->incarnations_count++] = incarnation;
}

/*  Which of its incarnations it is; SIZE_MAX: none. */
static size_t
s_which (const node_t *node, uint64_t incarnation)
{
    for (size_t i = 0; i < node->incarnations_count; i++)
        if (node->incarnations[i] == incarnation)
            return i;
    return SIZE_MAX;
}

bool
sim_counts (const sim_t *sim, uint32_t node, uint64_t incarnation)
{
    for (size_t i = 0; i < sim->watch.named_count; i++)
        if (sim->watch.named[i].node == node && sim->watch.named[i].incarnation == incarnation)
            return true;
    return !sim->watch.formed;
}

static void
s_note_named (watch_t *watch, const hf_member_t *member)
{
    watch->named =
        sim_grow (watch->named, watch->named_count, &watch->named_room, sizeof *watch->named);
    watch->named[watch->named_count].node = member->node;
    watch->named[watch->named_count++].incarnation = member->incarnation;
}

/*  An entry with a new incarnation is committed: its disk counts. But only a second entry says so
 *  to everybody, and without that nobody may know any more, so the others must not be lost before.
 */
static void
s_named (sim_t *sim, uint64_t index, const hf_member_t *member)
{
    watch_t *watch = &sim->watch;
    const node_t *node = &sim->nodes[member->node];
    uint64_t *last = &watch->incarnations[member->node];
    uint64_t *admitted = &watch->admitted[member->node];
    size_t which = s_which (node, member->incarnation);
    if (which == SIZE_MAX || (watch->formed && which < s_which (node, *last)))
        sim_fail (sim, SIM_BROKEN,
                  "P7: entry %" PRIu64 " names an incarnation of node %u that it %s", index,
                  node->id, which == SIZE_MAX ? "never had" : "lost");
    if (*last != member->incarnation)
        s_note_named (watch, member);
    if (!watch->formed)
        *admitted = member->incarnation;
    else if (*last == member->incarnation && *admitted != *last) {
        sim_tell (sim, "node %u is admitted at %" PRIu64, node->id, index);
        sim->result->totals.admissions++;
        *admitted = *last;
    }
    *last = member->incarnation;
}

void
sim_roster_committed (sim_t *sim, uint64_t index, item_t item)
{
    watch_t *watch = &sim->watch;
    hf_member_t members[HF_MEMBERS_MAX];
    uint32_t count = 0;
    if (item.type != HF_ENTRY_ROSTER) {
        if (!watch->formed)
            sim_fail (sim, SIM_BROKEN, "P7: entry %" PRIu64 " is committed, and there is no roster",
                      index);
        return;
    }
    count = hf_roster_get (sim_entry (&item).payload, members);
    for (uint32_t i = 0; i < count; i++) {
        if (members[i].node != i + 1 || members[i].node > sim->odds.members) {
            count = 0;
            break;
        }
        s_named (sim, index, &members[i]);
    }
    if (count != sim->odds.members) {
        sim_fail (sim, SIM_BROKEN, "P7: entry %" PRIu64 " does not name every member", index);
        return;
    }
    watch->formed = true;
    sim_formed (sim);
}

//  ---- what is lost ---------------------------------------------------------------------------

/*  The disks that the promises rest on are those of incarnations that were admitted. */
bool
sim_may_lose (const sim_t *sim, const node_t *node)
{
    uint32_t left = 0;
    for (uint32_t id = 1; id <= sim->odds.members; id++) {
        const node_t *other = &sim->nodes[id];
        left += other != node && !other->damaged && sim->watch.formed &&
                other->durable.incarnation == sim->watch.admitted[id];
    }
    return 2 * left > sim->odds.members && node->incarnations_count < INCARNATIONS_MAX - 1;
}

void
sim_wipe (sim_t *sim, node_t *node)
{
    assert (node->core == NULL);
    sim_tell (sim, "the disk of node %u is wiped", node->id);
    sim->result->totals.wipes++;
    if (sim_counts (sim, node->id, node->durable.incarnation)) {
        node->lost = sim_grow (node->lost, node->lost_count, &node->lost_room, sizeof *node->lost);
        node->lost[node->lost_count++] = node->durable;
    } else
        free (node->durable.items);
    node->durable = (disk_t){0};
    node->rows.count = 0;
    node->rows.index = 0;
    for (size_t file = 0; file < MODEL_FILES; file++)
        node->files[file].size = node->files[file].durable = 0;
    node->files_index = node->files_durable_index = 0;
    node->ready = NULL;
    node->promised_term = node->promised_vote = 0;
    sim_incarnation (sim, node);
}
