//  A node's life: start, crash, lost disks.

#include "tests/sim/sim_internal.h"

//  ---- start ---------------------------------------------------------------------------

static void
s_add_roster (hf_restored_t *restored, hf_roster_at_t *list, uint64_t index, const blob_t *payload)
{
    assert (payload->size <= HF_ROSTER_MAX);
    hf_roster_at_t *roster = &list[restored->rosters_count++];
    *roster = (hf_roster_at_t){.index = index, .size = (uint32_t)payload->size};
    memcpy (roster->payload, payload->bytes, payload->size);
}

static hf_election_service_t *
s_restore (sim_t *sim, node_t *node)
{
    const disk_t *disk = &node->durable;
    size_t count = disk->items.count - disk->base_index + 1;
    hf_term_span_t *spans = hf_alloc (count * sizeof *spans);
    hf_roster_at_t *rosters = hf_alloc (count * sizeof *rosters);
    hf_restored_t restored = {.term = disk->term,
                              .voted_for = disk->voted_for,
                              .base_index = disk->base_index,
                              .base_term = disk->base_term,
                              .last_index = disk->items.count,
                              .spans = spans,
                              .rosters = rosters};
    if (disk->roster)
        s_add_roster (&restored, rosters, disk->roster_index, disk->roster);
    uint64_t term = 0;
    for (uint64_t index = disk->base_index + 1; index <= disk->items.count; index++) {
        item_t item = sim_disk_at (disk, index);
        if (item.type == HF_ENTRY_ROSTER)
            s_add_roster (&restored, rosters, index, item.payload);
        if (item.term != term)
            spans[restored.spans_count++] =
                (hf_term_span_t){.first_index = index, .term = item.term};
        term = item.term;
    }
    hf_election_config_t config = sim->odds.election;
    config.core.self = node->id;
    config.core.seed = sim_random (sim, UINT64_MAX);
    config.core.incarnation = disk->incarnation;
    config.core.start = node->old_release ? 0 : disk->start;
    config.core.life = disk->life;
    sim_members_config (sim, node, &config.core);
    hf_election_log_t log = sim_log (sim, node);
    hf_election_service_t *election =
        hf_election_service_new (&config, &restored, &log, sim_node_local (sim, node));
    free (spans);
    free (rosters);
    return election;
}

/*  A disk that is found damaged is refused; an operator wipes it. */
static void
s_refuses (sim_t *sim, node_t *node)
{
    sim_tell (sim, "node %u refuses its damaged disk", node->id);
    node->damaged = false;
    sim_wipe (sim, node);
    sim_start_later (sim, node, 3000000);
}

void
sim_start_later (sim_t *sim, const node_t *node, uint64_t limit_us)
{
    sim_post (sim, sim_random (sim, limit_us),
              (event_t){.type = EV_START, .to = node->id, .life = node->life});
}

static void
s_start_services (sim_t *sim, node_t *node)
{
    node->election = s_restore (sim, node);
    assert (node->election);
    node->seen = hf_election_service_view (node->election);
    hf_lock_config_t config = sim->odds.lock;
    config.self = node->id;
    hf_state_t *state = sim_rows_load (sim, node);
    assert (state); //  checked before
    node->lock = hf_lock_service_new (&config, state, sim_node_local (sim, node));
    sim_rights_start (sim, node);
    sim_file_start (sim, node);
}

void
sim_start (sim_t *sim, node_t *node)
{
    assert (!node->up);
    if (sim_lags (sim, node->id) && sim->odds.laggard_away)
        return;
    if (node->damaged) {
        s_refuses (sim, node);
        return;
    }
    if (node->ready && !sim_swap (sim, node))
        return;
    sim_check_start (sim, node);
    if (sim->failed)
        return;
    if (node->old_release && sim->watch.formed && sim_random (sim, 2) == 0)
        node->old_release = false;
    if (!node->old_release) { //  the release before does not count
        node->durable.start++;
        node->durable.life = sim_random (sim, UINT64_MAX - 1) + 1;
    }
    sim_tell (sim, "node %u starts: term %" PRIu64 ", entries %" PRIu64 "..%zu, state %" PRIu64,
              node->id, node->durable.term, node->durable.base_index + 1, node->durable.items.count,
              node->rows.index);
    node->written.items.count = node->written.base_index = 0;
    sim_disk_copy (&node->written, &node->durable, 0);
    node->written_from = node->written.items.count;
    node->reported = node->rows.index;
    node->frozen_until_us = 0;
    node->disk_stall_us = 0;
    node->disk_fails = node->stops = false;
    node->stops_us = 0;
    hf_array_free (&node->duty.unaware);
    node->duty = (duty_t){.term = 0};
    s_start_services (sim, node);
    node->up = true;
    sim_links (sim, node->id);
    for (hf_to_t actor = HF_TO_ELECTION; actor <= HF_TO_FILE; actor++)
        sim_wake (sim, &node->actors[actor].turn, 0);
}

//  ---- crash ----------------------------------------------------------------------------

void
sim_services_stop (node_t *node)
{
    hf_election_service_destroy (&node->election);
    hf_lock_service_destroy (&node->lock);
    hf_file_service_destroy (&node->file);
}

static void
s_stop_actors (sim_t *sim, node_t *node)
{
    for (hf_to_t actor = HF_TO_ELECTION; actor <= HF_TO_FILE; actor++) {
        actor_t *self = &node->actors[actor];
        for (size_t box = 0; box <= HF_TO_FILE; box++) {
            sim_drop_all (sim, &self->boxes[box]);
            self->pipe_us[box] = 0;
        }
        hf_heap_remove (&sim->events, &self->turn.due);
        self->in_turn = self->syncing = false;
    }
}

void
sim_crash (sim_t *sim, node_t *node, bool seen)
{
    assert (node->up);
    //  A transaction under way may have reached the disk, or not; as a whole.
    if (node->actors[HF_TO_ELECTION].syncing && sim_random (sim, 2) == 0)
        sim_log_durable (sim, node);
    sim_file_crash (sim, node);
    sim_tell (sim, "node %u crashes: %zu entries on its disk", node->id, node->durable.items.count);
    sim_services_stop (node);
    s_stop_actors (sim, node);
    node->up = false;
    node->promised_term = node->durable.term;
    node->promised_vote = node->durable.voted_for;
    if (node->clock.stopped)
        sim_clock_stop (sim, &node->clock, false);
    node->life++;
    for (uint32_t peer = 1; peer <= sim->odds.members; peer++) {
        if (peer == node->id || !sim->nodes[peer].up)
            continue;
        event_t event = {.to = peer, .from = node->id, .life = sim->nodes[peer].life};
        event.type = EV_LINK;
        sim_post (sim, 300000 + sim_random (sim, 500000), event);
        event.type = EV_BROKEN;
        if (seen && !sim->cut[node->id][peer] && !sim->cut[peer][node->id])
            sim_post (sim, 200 + sim_random (sim, 5000), event);
    }
    for (uint32_t id = 1; id <= sim->odds.clients; id++)
        sim_disconnect (sim, id, node->id, seen && !sim->connections[id][node->id].cut);
    sim_copy_crashed (sim, node);
}

//  ---- incarnations -------------------------------------------------------------------------

void
sim_incarnation (sim_t *sim, node_t *node)
{
    node->durable.incarnation = sim_random (sim, UINT64_MAX - 1) + 1;
    *hf_array_add (&node->incarnations) = node->durable.incarnation;
}

void
sim_wipe (sim_t *sim, node_t *node)
{
    assert (!node->up);
    sim_tell (sim, "the disk of node %u is wiped", node->id);
    sim->result->totals.wipes++;
    node->wiped_us = sim->now_us;
    //  Also one that does not count: the entry that admits it may be on its way.
    *hf_array_add (&node->lost) = node->durable;
    node->durable = (disk_t){0};
    node->rows.all.count = 0;
    node->rows.index = 0;
    for (size_t file = 0; file < MODEL_FILES; file++)
        node->files[file].bytes.count = node->files[file].durable = 0;
    node->section = node->section_durable = 0;
    node->ready = NULL;
    node->promised_term = 0;
    node->promised_vote = (hf_member_t){.node = 0};
    sim_incarnation (sim, node);
}
