//  A node's file actor: turns around its service, the disk under it, and the swap at the start.

#include "tests/sim/sim_internal.h"

#define PAGE_US 3000 //  at most, for a page of rows

//  ---- the disk --------------------------------------------------------------------------

static void
s_add (bytes_t *to, const void *bytes, size_t size)
{
    hf_array_reserve (to, size + 1);
    if (size > 0)
        memcpy (to->list + to->count, bytes, size);
    to->count += size;
}

static void
s_section (void *arg, uint64_t index, hf_list_t parts)
{
    const port_t *port = arg;
    node_t *node = port->node;
    hf_scan_t scan = hf_scan_list (parts);
    if (index <= node->section)
        sim_fail (port->sim, SIM_BROKEN, "P6: node %u writes section %" PRIu64 " again", node->id,
                  index);
    for (uint32_t i = 0; i < parts.count && !port->sim->failed; i++) {
        hf_a_part_t part;
        bool read = hf_a_part_get (&scan, &part);
        assert (read);
        size_t number = model_file (part.file);
        sim_file_t *file = &node->files[number];
        sim_oracle_file (port->sim, node, number, file->bytes.count, part.data);
        s_add (&file->bytes, part.data.at, part.data.size);
    }
    node->section = index;
}

static int
s_read (void *arg, hf_span_t name, uint64_t offset, uint32_t limit, uint8_t **bytes, size_t *size,
        uint64_t *total)
{
    const sim_file_t *file = &((const port_t *)arg)->node->files[model_file (name)];
    *bytes = NULL;
    *size = 0;
    *total = file->bytes.count;
    if (file->bytes.count == 0)
        return HF_NOT_FOUND;
    if (offset >= *total)
        return HF_OK;
    *size = *total - offset < limit ? (size_t)(*total - offset) : limit;
    *bytes = hf_alloc (*size + 1);
    memcpy (*bytes, file->bytes.list + offset, *size);
    return HF_OK;
}

static void
s_list (void *arg, hf_span_t after, uint32_t limit, hf_pack_t *rows, bool *more)
{
    const node_t *node = ((const port_t *)arg)->node;
    *more = false;
    for (size_t i = after.size > 0 ? model_file (after) + 1 : 0; i < MODEL_FILES; i++) {
        const sim_file_t *file = &node->files[i];
        if (file->bytes.count == 0)
            continue;
        *more = limit == 0;
        if (limit-- == 0)
            return;
        uint64_t sum = hf_fnv (HF_FNV_EMPTY, file->bytes.list, file->bytes.count);
        hf_file_row_put (rows, &(hf_file_row_t){.file = hf_span_text (sim_file_name (i)),
                                                .length = file->bytes.count,
                                                .checksum = sum});
    }
}

/*  By key, so that rows which are written between two pages would be seen. */
static void
s_rows (void *arg, bool begin, size_t bytes, hf_pack_t *rows, bool *more)
{
    node_t *node = ((const port_t *)arg)->node;
    size_t end = hf_pack_size (rows) + bytes;
    if (begin)
        node->paged = NULL;
    const row_t *row;
    while ((row = sim_rows_behind (&node->rows, node->paged)) && hf_pack_size (rows) < end) {
        node->paged = row->key;
        hf_state_row_put (
            rows, &(hf_state_row_t){.key = hf_span (row->key->bytes, row->key->size),
                                    .value = hf_span (row->value->bytes, row->value->size)});
    }
    *more = row != NULL;
}

/*  The service drops what it cannot use, and what another leader's replaces. */
static void
s_stage_drop (void *arg)
{
    node_t *node = ((const port_t *)arg)->node;
    node->stage.count = 0;
    node->stage_was_damaged = node->stage_was_damaged || node->stage_damaged;
    node->stage_damaged = false;
}

static void
s_stage_begin (void *arg, uint64_t total)
{
    (void)total;
    s_stage_drop (arg);
}

/*  Where the head ends; it has no checksum. */
static uint64_t
s_head_end (const bytes_t *stage)
{
    uint64_t size = 0;
    for (size_t i = 0; i < HF_SNAPSHOT_PREFIX && i < stage->count; i++)
        size = size << 8 | stage->list[i];
    return HF_SNAPSHOT_PREFIX + size;
}

/*  Now and then a byte of rows or files goes wrong on the way. */
static void
s_stage_write (void *arg, uint64_t offset, hf_span_t bytes)
{
    const port_t *port = arg;
    node_t *node = port->node;
    assert (offset == node->stage.count);
    s_add (&node->stage, bytes.at, bytes.size);
    if (offset >= s_head_end (&node->stage) && sim_odds (port->sim, port->sim->odds.damage)) {
        node->stage.list[offset + sim_random (port->sim, bytes.size)] ^= 1;
        node->stage_damaged = true;
    }
}

static void
s_stage_read (void *arg, uint64_t offset, uint8_t *bytes, size_t size)
{
    const node_t *node = ((const port_t *)arg)->node;
    assert (offset <= node->stage.count && size <= node->stage.count - offset);
    memcpy (bytes, node->stage.list + offset, size);
}

//  ---- steps ---------------------------------------------------------------------------------

static void
s_do (sim_t *sim, node_t *node, hf_file_step_t step)
{
    if (step == HF_FILE_COMMIT) {
        for (size_t i = 0; i < MODEL_FILES; i++)
            node->files[i].durable = node->files[i].bytes.count;
        node->section_durable = node->section;
    } else if (step == HF_FILE_ROWS) {
        hf_list_t changes = hf_file_service_rows (node->file, &node->rows.index);
        sim_rows_change (sim, &node->rows, changes);
        node->duty.flushed = node->duty.left;
        sim_rows_durable (sim, node);
    } else
        node->ready = sim_blob (sim, node->stage.list, node->stage.count);
}

static bool
s_again (sim_t *sim, node_t *node)
{
    hf_file_service_end (node->file, sim_node_local (sim, node));
    const hf_outbox_t *outbox = hf_file_service_outbox (node->file);
    return hf_file_service_step (node->file) != HF_FILE_NOTHING || outbox->frames.count > 0 ||
           outbox->messages.count > 0;
}

/*  Do what must be durable, until there is nothing more or the disk takes its time. */
static void
s_steps (sim_t *sim, node_t *node)
{
    hf_file_step_t step;
    while ((step = hf_file_service_step (node->file)) != HF_FILE_NOTHING) {
        if (sim_begin_sync (sim, node, HF_TO_FILE))
            return;
        s_do (sim, node, step);
        hf_file_service_done (node->file, step);
        if (!sim_carry_out (sim, node, HF_TO_FILE, hf_file_service_outbox (node->file)))
            return;
    }
    uint64_t wake_us = hf_file_service_wake_us (node->file);
    if (wake_us == 0) //  it goes on at once, with what takes its time
        sim_wake_at (sim, node, HF_TO_FILE, sim_node_local (sim, node) + sim_random (sim, PAGE_US));
    else
        sim_sleep (sim, node, HF_TO_FILE, wake_us, s_again);
}

void
sim_file_synced (sim_t *sim, node_t *node)
{
    hf_file_step_t step = hf_file_service_step (node->file);
    s_do (sim, node, step);
    hf_file_service_done (node->file, step);
    if (sim_carry_out (sim, node, HF_TO_FILE, hf_file_service_outbox (node->file)))
        s_steps (sim, node);
}

void
sim_file_turn (sim_t *sim, node_t *node)
{
    actor_t *actor = &node->actors[HF_TO_FILE];
    for (size_t box = HF_TO_ELECTION; box <= HF_TO_LOCK; box++) {
        event_t *event;
        while (!hf_file_service_full (node->file) && (event = sim_take (&actor->boxes[box]))) {
            uint32_t kind;
            hf_scan_t scan = hf_frame_own (event->message, event->size, &kind);
            hf_file_service_from_actor (node->file, &scan, kind, sim_node_local (sim, node));
            sim_drop (sim, event);
        }
    }
    hf_file_service_end (node->file, sim_node_local (sim, node));
    if (sim_carry_out (sim, node, HF_TO_FILE, hf_file_service_outbox (node->file)))
        s_steps (sim, node);
}

//  ---- life ------------------------------------------------------------------------------------

void
sim_file_start (sim_t *sim, node_t *node)
{
    hf_file_disk_t disk = {.arg = &node->port,
                           .section = s_section,
                           .read = s_read,
                           .list = s_list,
                           .rows = s_rows,
                           .stage_begin = s_stage_begin,
                           .stage_write = s_stage_write,
                           .stage_read = s_stage_read,
                           .stage_drop = s_stage_drop};
    hf_file_config_t config = sim->odds.file;
    config.self = node->id;
    node->file = hf_file_service_new (&config, &disk, node->section_durable);
}

/*  What is being committed is durable, or not; as a whole. */
void
sim_file_crash (sim_t *sim, node_t *node)
{
    if (node->actors[HF_TO_FILE].syncing && !node->disk_fails && sim_random (sim, 2) == 0)
        s_do (sim, node, hf_file_service_step (node->file));
    for (size_t i = 0; i < MODEL_FILES; i++)
        node->files[i].bytes.count = node->files[i].durable;
    node->section = node->section_durable;
    node->stage.count = 0;
}

//  ---- the swap ----------------------------------------------------------------------------------

static int
s_ready_read (void *arg, uint64_t offset, uint8_t *bytes, size_t size, char error[HF_ERROR_SIZE])
{
    const blob_t *ready = arg;
    (void)error;
    assert (offset <= ready->size && size <= ready->size - offset);
    memcpy (bytes, ready->bytes + offset, size);
    return 0;
}

static bool
s_cut_short (sim_t *sim, const node_t *node)
{
    if (!sim_odds (sim, sim->odds.crash_swapping))
        return false;
    sim_tell (sim, "node %u crashes while it swaps the state in", node->id);
    sim->result->totals.faults++;
    sim_start_later (sim, node, 200000);
    return true;
}

static void
s_swap_rows (sim_t *sim, node_t *node, hf_snapshot_t *snapshot)
{
    uint8_t *bytes;
    int rc = hf_snapshot_rows (snapshot, &bytes);
    assert (rc == 0);
    hf_scan_t scan = hf_scan (bytes, (size_t)snapshot->head.rows_size);
    hf_state_row_t row;
    node->rows.all.count = 0;
    while (!hf_scan_at_end (&scan) && hf_state_row_get (&scan, &row))
        sim_rows_put (sim, &node->rows, row.key, row.value);
    node->rows.index = snapshot->head.index;
    free (bytes);
}

static void
s_swap_files (node_t *node, const hf_snapshot_t *snapshot)
{
    const uint8_t *at = node->ready->bytes + snapshot->files_at;
    hf_scan_t scan = hf_scan_list (snapshot->head.files);
    for (size_t i = 0; i < MODEL_FILES; i++)
        node->files[i].bytes.count = node->files[i].durable = 0;
    for (uint32_t i = 0; i < snapshot->head.files.count; i++) {
        hf_file_row_t row;
        bool read = hf_file_row_get (&scan, &row);
        assert (read);
        sim_file_t *file = &node->files[model_file (row.file)];
        s_add (&file->bytes, at, (size_t)row.length);
        file->durable = file->bytes.count;
        at += row.length;
    }
    node->section = node->section_durable = snapshot->head.section;
}

static bool
s_swap (sim_t *sim, node_t *node, hf_snapshot_t *snapshot)
{
    const hf_state_head_t *head = &snapshot->head;
    disk_t *disk = &node->durable;
    hf_log_state_t after, log = {.term = disk->term,
                                 .voted_for = disk->voted_for,
                                 .base_index = disk->base_index,
                                 .base_term = disk->base_term,
                                 .last_index = disk->items.count};
    bool has = head->index >= disk->base_index && head->index <= disk->items.count;
    if (!hf_snapshot_swap (&log, head, has ? sim_disk_term (disk, head->index) : 0, &after)) {
        sim_tell (sim, "node %u throws the state of %" PRIu64 " away", node->id, head->index);
        return true;
    }
    s_swap_rows (sim, node, snapshot);
    if (s_cut_short (sim, node))
        return false;
    s_swap_files (node, snapshot);
    if (s_cut_short (sim, node))
        return false;
    //  The log comes last: with the point in it, the snapshot would be thrown away.
    sim_disk_reset (disk, &after,
                    head->roster.size > 0 ? sim_blob (sim, head->roster.at, head->roster.size)
                                          : NULL);
    if (s_cut_short (sim, node))
        return false;
    sim->result->totals.states++;
    sim_tell (sim, "node %u has swapped in the state of %" PRIu64, node->id, head->index);
    return true;
}

bool
sim_swap (sim_t *sim, node_t *node)
{
    hf_snapshot_t snapshot;
    hf_snapshot_source_t source = {.arg = (void *)(uintptr_t)node->ready,
                                   .name = "ready",
                                   .total = node->ready->size,
                                   .read = s_ready_read};
    int rc = hf_snapshot_open (&snapshot, &source);
    assert (rc == 0);
    bool done = s_swap (sim, node, &snapshot);
    hf_snapshot_close (&snapshot);
    if (done)
        node->ready = NULL;
    return done;
}
