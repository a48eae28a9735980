//  Old copies: a node's folder is put back as it was a while ago (hf_core_seen.c). The promises
//  hold as long as every other node is up and knows what the copy lacks: then the copy is refused,
//  learns it, and goes on as a node that lost its disk. So nothing else goes wrong until it has;
//  and when another node restarts all the same, which forgets what it knew, an operator takes the
//  copy away.

#include "tests/sim/sim_internal.h"
#include "nodes/consensus/hf_core_internal.h"

#define NOTICED_US 10000000

//  ---- the image ----------------------------------------------------------------------------

static void
s_take (sim_t *sim, const node_t *node)
{
    image_t *image = &sim->image;
    if (node->ready || node->damaged || node->old_release || node->durable.items.count == 0 ||
        sim->watch.roster.level == 0)
        return;
    image->node = node->id;
    image->disk.items.count = image->disk.base_index = 0;
    sim_disk_copy (&image->disk, &node->durable, 0);
    image->rows.index = node->rows.index;
    image->rows.all.count = 0;
    for (size_t i = 0; i < node->rows.all.count; i++)
        *hf_array_add (&image->rows.all) = node->rows.all.list[i];
    image->section = node->section_durable;
    for (size_t file = 0; file < MODEL_FILES; file++) {
        image->files[file].count = 0;
        for (size_t i = 0; i < node->files[file].durable; i++)
            *hf_array_add (&image->files[file]) = node->files[file].bytes.list[i];
    }
    sim_tell (sim, "the folder of node %u is copied: term %" PRIu64 ", %zu entries", node->id,
              image->disk.term, image->disk.items.count);
}

void
sim_copy_free (sim_t *sim)
{
    hf_array_free (&sim->image.disk.items);
    hf_array_free (&sim->image.rows.all);
    for (size_t file = 0; file < MODEL_FILES; file++)
        hf_array_free (&sim->image.files[file]);
}

//  ---- put back ---------------------------------------------------------------------------------

/*  Whether OTHER would refuse what the copy says. */
static bool
s_knows (const node_t *other, const image_t *image)
{
    const hf_core_t *core = hf_election_service_core (other->election);
    const hf_core_roster_t *roster = hf_core_roster (core);
    uint32_t slot = hf_core_slot (core, image->node);
    hf_said_t said = {
        .incarnation = image->disk.incarnation,
        .start = image->disk.start + 1,
        .opened = {image->disk.term, image->disk.voted_for.node != 0, image->disk.items.count}};
    return roster && roster->is.level > 0 && slot < HF_MEMBERS_MAX &&
           roster->incarnation[slot] == said.incarnation &&
           core->seen[slot].incarnation == said.incarnation &&
           hf_seen_old (&core->seen[slot], &said);
}

/*  Whether by the copy's own log it can lead alone: then it need not ask anybody. */
static bool
s_leads_alone (const disk_t *disk)
{
    const blob_t *last = disk->roster;
    hf_roster_t roster;
    uint32_t voters = 0;
    for (uint64_t index = disk->base_index + 1; index <= disk->items.count; index++) {
        item_t item = sim_disk_at (disk, index);
        last = item.type == HF_ENTRY_ROSTER ? item.payload : last;
    }
    bool sound = last && hf_roster_get (hf_span (last->bytes, last->size), &roster);
    for (uint32_t i = 0; sound && i < roster.count; i++)
        voters += (roster.members[i].flags & HF_SEAT_VOTES) != 0;
    return voters < 2;
}

/*  Nobody but the copy itself could count it. */
static bool
s_is_known (const sim_t *sim, const node_t *node)
{
    const image_t *image = &sim->image;
    const hf_seat_t *seat = sim_seat (sim, node->id);
    if (sim->stale || image->node != node->id || node->damaged || node->ready || node->gone ||
        node->old_release || image->disk.incarnation != node->durable.incarnation || !seat ||
        seat->incarnation != image->disk.incarnation || !sim_may_lose (sim, node) ||
        s_leads_alone (&image->disk))
        return false;
    for (uint32_t id = 1; id <= sim->odds.members; id++) {
        const node_t *other = &sim->nodes[id];
        if (other != node && (other->up ? !s_knows (other, image) : sim_seat (sim, id) != NULL))
            return false;
    }
    return true;
}

static void
s_copy (sim_t *sim, node_t *node)
{
    const image_t *image = &sim->image;
    *hf_array_add (&node->lost) = node->durable;
    node->durable = (disk_t){0};
    sim_disk_copy (&node->durable, &image->disk, 0);
    node->rows.index = image->rows.index;
    node->rows.all.count = 0;
    for (size_t i = 0; i < image->rows.all.count; i++)
        *hf_array_add (&node->rows.all) = image->rows.all.list[i];
    node->section = node->section_durable = image->section;
    for (size_t file = 0; file < MODEL_FILES; file++) {
        sim_file_t *to = &node->files[file];
        to->bytes.count = 0;
        for (size_t i = 0; i < image->files[file].count; i++)
            *hf_array_add (&to->bytes) = image->files[file].list[i];
        to->durable = to->bytes.count;
    }
    node->promised_term = image->disk.term;
    node->promised_vote = image->disk.voted_for;
    sim_tell (sim, "the folder of node %u is put back: term %" PRIu64 ", %zu entries", node->id,
              image->disk.term, image->disk.items.count);
}

/*  Nothing else goes wrong for a while. */
static void
s_quiet (sim_t *sim)
{
    odds_t *odds = &sim->odds;
    sim->calm = true;
    sim->storm = *odds;
    odds->loss = odds->disk_slow = odds->crash_voting = odds->crash_leading = 0;
    odds->crash_committing = odds->crash_syncing = odds->crash_swapping = 0;
    sim->heal_cuts_us = 0;
    memset (sim->lag_until_us, 0, sizeof sim->lag_until_us);
    for (uint32_t id = 1; id <= odds->members; id++) {
        node_t *node = &sim->nodes[id];
        for (uint32_t peer = 1; peer <= odds->members; peer++)
            sim_cut (sim, id, peer, false);
        sim_wake_up (sim, node);
        node->disk_fails = node->stops = false;
        node->disk_stall_us = 0;
    }
}

static void
s_noisy (sim_t *sim)
{
    sim->stale = NULL;
    if (sim->healed)
        return;
    sim->calm = false;
    sim->odds = sim->storm;
}

static bool
s_put_back (sim_t *sim, node_t *node)
{
    if (!s_is_known (sim, node))
        return false;
    if (node->up)
        sim_crash (sim, node, sim_random (sim, 2) == 0);
    if (!sim->healed)
        s_quiet (sim);
    s_copy (sim, node);
    sim->stale = node;
    sim->stale_until_us = sim->now_us + NOTICED_US;
    sim->result->totals.copies++;
    sim_start_later (sim, node, 30000);
    return true;
}

bool
sim_copy_fault (sim_t *sim, node_t *node)
{
    if (sim->image.node != 0 && s_put_back (sim, &sim->nodes[sim->image.node]))
        return true;
    if (sim_random (sim, 4) == 0)
        s_take (sim, node);
    return false;
}

void
sim_copy_heal (sim_t *sim)
{
    if (sim->odds.copy > 0 && sim_random (sim, 2) == 0)
        s_take (sim, &sim->nodes[1 + sim_random (sim, sim->odds.members)]);
}

void
sim_copy_settled (sim_t *sim)
{
    sim->removing_until_us = 0; //  nobody wants another change
    if (!sim->failed && sim->image.node != 0)
        s_put_back (sim, &sim->nodes[sim->image.node]);
}

//  ---- how it ends -----------------------------------------------------------------------

/*  A leader's state took the place of all that it had, before it said anything: it lacks nothing of
 *  what it promised. */
static bool
s_is_whole (const node_t *node)
{
    const disk_t *has = &node->durable, *lost = &node->lost.list[node->lost.count - 1];
    bool vote = lost->voted_for.node == 0 || has->voted_for.node == lost->voted_for.node;
    return has->base_index >= lost->items.count &&
           (has->term > lost->term || (has->term == lost->term && vote));
}

/*  Others have seen a start of this number, and that was another. */
static bool
s_is_started_anew (const node_t *node)
{
    return node->durable.start <= node->lost.list[node->lost.count - 1].start;
}

/*  What is whole may be noticed by its start alone; it need not be. */
bool
sim_copy_is_over (sim_t *sim)
{
    if (sim->stale && s_is_whole (sim->stale) &&
        (!s_is_started_anew (sim->stale) || sim->now_us > sim->stale_until_us)) {
        sim_tell (sim, "the old copy of node %u got all that it lacks", sim->stale->id);
        s_noisy (sim);
    }
    return !sim->stale;
}

void
sim_copy_watch (sim_t *sim)
{
    if (!sim_copy_is_over (sim) && sim->now_us > sim->stale_until_us)
        sim_fail (sim, SIM_STUCK, "P7: nobody notices that the folder of node %u is an old copy",
                  sim->stale->id);
}

/*  Not while its start is under way: an earlier one may be, too. */
static void
s_take_away (sim_t *sim)
{
    node_t *node = sim->stale;
    bool up = node->up;
    if (up)
        sim_crash (sim, node, true);
    s_noisy (sim);
    sim_wipe (sim, node);
    if (up && !node->gone)
        sim_start_later (sim, node, 1000000);
}

void
sim_copy_crashed (sim_t *sim, const node_t *node)
{
    if (!sim->stale || sim->stale == node || sim->failed)
        return;
    sim_tell (sim, "the old copy of node %u is taken away", sim->stale->id);
    s_take_away (sim);
}

void
sim_copy_removed (sim_t *sim, const node_t *node)
{
    if (sim->stale == node)
        s_take_away (sim);
}

bool
sim_copy_noticed (sim_t *sim, node_t *node)
{
    if (!hf_election_service_old (node->election))
        return false;
    if (sim->stale != node) {
        sim_fail (sim, SIM_BROKEN, "P11: node %u is taken for an old copy, and is none", node->id);
        return true;
    }
    sim_crash (sim, node, true);
    sim_tell (sim, "node %u is an old copy, and takes another incarnation", node->id);
    s_noisy (sim);
    node->durable.voted_for = node->promised_vote = (hf_member_t){.node = 0};
    sim_incarnation (sim, node);
    sim_start_later (sim, node, 30000);
    return true;
}
