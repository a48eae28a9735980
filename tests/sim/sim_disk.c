//  A node's disk, and its life.

#include "tests/sim/sim_internal.h"

void
sim_disk_add (disk_t *disk, item_t item)
{
    disk->items = sim_grow (disk->items, disk->count, &disk->room, sizeof *disk->items);
    disk->items[disk->count++] = item;
}

item_t
sim_disk_at (const disk_t *disk, uint64_t index)
{
    assert (index > disk->base_index && index <= disk->count);
    return disk->items[index - 1];
}

uint64_t
sim_disk_term (const disk_t *disk, uint64_t index)
{
    return index == disk->base_index ? disk->base_term : sim_disk_at (disk, index).term;
}

/*  TO becomes as FROM, which differs only behind the first SAME items. */
void
sim_disk_copy (disk_t *to, const disk_t *from, size_t same)
{
    assert (same <= from->count && same <= to->count && to->base_index <= from->base_index);
    for (size_t i = to->base_index; i < from->base_index && i < same; i++)
        to->items[i] = (item_t){0};
    disk_t old = *to;
    *to = *from;
    to->items = old.items;
    to->room = old.room;
    to->count = same;
    for (size_t i = same; i < from->count; i++)
        sim_disk_add (to, from->items[i]);
}

hf_entry_t
sim_entry (const item_t *item)
{
    hf_entry_t entry = {.term = item->term, .type = item->type};
    if (item->payload)
        entry.payload = hf_span (item->payload->bytes, item->payload->size);
    return entry;
}

void
sim_disk_prune (disk_t *disk, uint64_t upto)
{
    assert (upto > disk->base_index && upto <= disk->count);
    uint64_t term = sim_disk_term (disk, upto);
    for (uint64_t index = disk->base_index + 1; index <= upto; index++) {
        item_t item = sim_disk_at (disk, index);
        if (item.type == HF_ENTRY_ROSTER) {
            disk->roster_index = index;
            disk->roster = item.payload;
        }
        disk->items[index - 1] = (item_t){0};
    }
    disk->base_index = upto;
    disk->base_term = term;
}

void
sim_disk_reset (disk_t *disk, uint64_t index, uint64_t term, const blob_t *roster)
{
    disk->count = 0;
    for (uint64_t i = 0; i < index; i++)
        sim_disk_add (disk, (item_t){0});
    disk->base_index = index;
    disk->base_term = term;
    disk->roster_index = roster ? index : 0;
    disk->roster = roster;
    if (disk->term < term) {
        disk->term = term;
        disk->voted_for = 0;
    }
}

//  ---- start ---------------------------------------------------------------------------

static uint32_t
s_chunk (void *arg, uint64_t first, uint32_t max)
{
    const sim_t *sim = arg;
    assert (first > 0 && max > 0);
    return sim->odds.chunk < max ? sim->odds.chunk : max;
}

/*  The ROSTER entry at INDEX, as the core wants it. */
static void
s_add_roster (hf_roster_at_t **list, size_t *count, size_t *room, uint64_t index,
              const blob_t *payload)
{
    assert (payload->size <= HF_ROSTER_MAX);
    *list = sim_grow (*list, *count, room, sizeof **list);
    hf_roster_at_t *roster = &(*list)[(*count)++];
    *roster = (hf_roster_at_t){.index = index, .size = (uint8_t)payload->size};
    memcpy (roster->payload, payload->bytes, payload->size);
}

static void
s_config (sim_t *sim, const node_t *node, hf_core_config_t *config)
{
    hf_core_config_defaults (config);
    config->self = node->id;
    config->members_count = sim->odds.members;
    for (uint32_t i = 0; i < config->members_count; i++)
        config->members[i] = i + 1;
    config->prefer_lowest = sim->odds.prefer_lowest;
    config->stability_us = sim->odds.stability_us;
    config->seed = sim_random (sim, UINT64_MAX);
    config->incarnation = node->durable.incarnation;
}

static hf_core_t *
s_restore (sim_t *sim, const node_t *node)
{
    const disk_t *disk = &node->durable;
    hf_term_span_t *spans = NULL;
    hf_roster_at_t *rosters = NULL;
    size_t room = 0, roster_room = 0;
    hf_restored_t restored = {.term = disk->term,
                              .voted_for = disk->voted_for,
                              .base_index = disk->base_index,
                              .base_term = disk->base_term,
                              .last_index = disk->count};
    if (disk->roster)
        s_add_roster (&rosters, &restored.rosters_count, &roster_room, disk->roster_index,
                      disk->roster);
    uint64_t term = 0;
    for (uint64_t index = disk->base_index + 1; index <= disk->count; index++) {
        item_t item = sim_disk_at (disk, index);
        if (item.type == HF_ENTRY_ROSTER)
            s_add_roster (&rosters, &restored.rosters_count, &roster_room, index, item.payload);
        if (item.term == term)
            continue;
        term = item.term;
        spans = sim_grow (spans, restored.spans_count, &room, sizeof *spans);
        spans[restored.spans_count++] = (hf_term_span_t){.first_index = index, .term = term};
    }
    restored.spans = spans;
    restored.rosters = rosters;
    hf_core_config_t config;
    s_config (sim, node, &config);
    hf_core_t *core = hf_core_new (&config, &restored, sim_node_local (sim, node), s_chunk, sim);
    free (spans);
    free (rosters);
    return core;
}

/*  A disk that is found damaged is refused; somebody comes and wipes it. */
static void
s_refuses (sim_t *sim, node_t *node)
{
    sim_tell (sim, "node %u refuses its damaged disk", node->id);
    node->damaged = false;
    sim_wipe (sim, node);
    sim_post (sim, sim_random (sim, 3000000),
              (event_t){.type = EV_START, .to = node->id, .life = node->life});
}

void
sim_start (sim_t *sim, node_t *node)
{
    assert (node->core == NULL);
    if (node->damaged) {
        s_refuses (sim, node);
        return;
    }
    if (node->ready && !sim_swap (sim, node))
        return;
    sim_check_start (sim, node);
    if (sim->failed)
        return;
    sim_tell (sim, "node %u starts: term %" PRIu64 ", entries %" PRIu64 "..%zu, state %" PRIu64,
              node->id, node->durable.term, node->durable.base_index + 1, node->durable.count,
              node->rows.index);
    node->written.count = node->written.base_index = 0;
    sim_disk_copy (&node->written, &node->durable, 0);
    node->written_from = node->written.count;
    node->dirty = node->syncing = false;
    node->early_done = 0;
    node->reported = node->flushed = node->rows.index;
    node->prunes = true;
    node->held_until_us = 0;
    node->proposals_count = 0;
    node->mesh.count = node->pipe.count = node->said.count = node->door.count = 0;
    node->to_lock_us = node->to_election_us = 0;
    node->turn_at_us = node->lock_turn_at_us = UINT64_MAX;
    node->frozen_until_us = 0;
    node->disk_stall_us = 0;
    node->disk_fails = false;
    node->core = s_restore (sim, node);
    assert (node->core != NULL);
    node->seen = hf_core_view (node->core);
    node->listened_us = sim_node_local (sim, node);
    sim_lock_start (sim, node);
    sim_links (sim, node->id);
    sim_election_wake (sim, node, 0);
}

//  ---- crash ----------------------------------------------------------------------------

static void
s_files_crash (sim_t *sim, node_t *node)
{
    for (size_t i = 0; i < MODEL_FILES; i++)
        node->files[i].size = node->files[i].durable;
    node->files_index = node->files_durable_index;
    node->files_syncing = false;
    (void)sim;
}

void
sim_crash (sim_t *sim, node_t *node, bool seen)
{
    assert (node->core != NULL);
    //  A transaction under way may have reached the disk, or not; as a whole.
    if (node->syncing && sim_random (sim, 2) == 0)
        sim_disk_copy (&node->durable, &node->written, node->written_from);
    sim_tell (sim, "node %u crashes: %zu entries on its disk", node->id, node->durable.count);
    hf_core_destroy (&node->core);
    hf_effects_done (&node->effects);
    sim_lock_stop (node);
    s_files_crash (sim, node);
    sim_flush_crash (sim, node);
    sim_pull_crash (sim, node);
    node->promised_term = node->durable.term;
    node->promised_vote = node->durable.voted_for;
    if (node->clock.stopped)
        sim_clock_stop (sim, &node->clock, false);
    node->life++;
    for (uint32_t peer = 1; peer <= sim->odds.members; peer++) {
        if (peer == node->id || sim->nodes[peer].core == NULL)
            continue;
        sim_post (
            sim, 300000 + sim_random (sim, 500000),
            (event_t){
                .type = EV_LINK, .to = peer, .from = node->id, .life = sim->nodes[peer].life});
        if (seen && !sim->cut[node->id][peer] && !sim->cut[peer][node->id])
            sim_post (sim, 200 + sim_random (sim, 5000),
                      (event_t){.type = EV_CONNECTION,
                                .to = peer,
                                .from = node->id,
                                .life = sim->nodes[peer].life});
    }
}
