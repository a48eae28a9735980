//  A node's disk, and its life.

#include "tests/sim/sim_internal.h"

void
sim_disk_add (disk_t *disk, item_t item)
{
    disk->items = sim_grow (disk->items, disk->count, &disk->room, sizeof *disk->items);
    disk->items[disk->count++] = item;
}

/*  TO becomes as FROM, which differs only behind the first SAME items. */
void
sim_disk_copy (disk_t *to, const disk_t *from, size_t same)
{
    assert (same <= from->count && same <= to->count);
    to->term = from->term;
    to->voted_for = from->voted_for;
    to->count = same;
    for (size_t i = same; i < from->count; i++)
        sim_disk_add (to, from->items[i]);
}

//  ---- start ---------------------------------------------------------------------------

static uint32_t
s_chunk (void *arg, uint64_t first, uint32_t max)
{
    const sim_t *sim = arg;
    assert (first > 0 && max > 0);
    return sim->odds.chunk < max ? sim->odds.chunk : max;
}

static hf_core_t *
s_restore (sim_t *sim, const node_t *node)
{
    hf_term_span_t *spans = NULL;
    size_t room = 0;
    hf_restored_t restored = {.term = node->durable.term,
                              .voted_for = node->durable.voted_for,
                              .last_index = node->durable.count};
    uint64_t term = 0;
    for (size_t i = 0; i < node->durable.count; i++) {
        if (node->durable.items[i].term == term)
            continue;
        term = node->durable.items[i].term;
        spans = sim_grow (spans, restored.spans_count, &room, sizeof *spans);
        spans[restored.spans_count++] = (hf_term_span_t){.first_index = i + 1, .term = term};
    }
    restored.spans = spans;
    hf_core_config_t config;
    hf_core_config_defaults (&config);
    config.self = node->id;
    config.members_count = sim->odds.members;
    for (uint32_t i = 0; i < config.members_count; i++)
        config.members[i] = i + 1;
    config.prefer_lowest = sim->odds.prefer_lowest;
    config.stability_us = sim->odds.stability_us;
    config.seed = sim_random (sim, UINT64_MAX);
    hf_core_t *core = hf_core_new (&config, &restored, sim_node_local (sim, node), s_chunk, sim);
    free (spans);
    return core;
}

void
sim_start (sim_t *sim, node_t *node)
{
    assert (node->core == NULL && !node->gone);
    sim_tell (sim, "node %u starts: term %" PRIu64 ", %zu entries", node->id, node->durable.term,
              node->durable.count);
    sim_disk_copy (&node->written, &node->durable, 0);
    node->written_from = node->written.count;
    node->dirty = node->syncing = false;
    node->early_done = 0;
    node->reported = 0;
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
    sim_lock_start (node);
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
