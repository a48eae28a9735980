//  The state of a leader, pulled by a node whose log ends before the leader's begins: both ends by
//  the rules of nodes/actors/hf_takeover.c, and the swap by those of nodes/store/hf_install.h.

#include "tests/sim/sim_internal.h"
#include "base/hf_hash.h"

#define ASK_AGAIN_US 200000

//  ---- the stream ---------------------------------------------------------------------------

/*  The state and the files as they are now. After a start the files may be ahead of the state: the
 *  section is that of the files, so that no entry is written to them again. */
static const blob_t *
s_stream (sim_t *sim, const node_t *node)
{
    hf_pack_t rows, files, head;
    hf_pack_init (&rows);
    hf_pack_init (&files);
    hf_pack_init (&head);
    hf_state_rows (node->state, &rows);
    size_t size = 8 + hf_pack_size (&rows);
    for (size_t i = 0; i < MODEL_FILES; i++) {
        const sim_file_t *file = &node->files[i];
        hf_file_row_put (&files, &(hf_file_row_t){.file = hf_span_text (sim_file_name (i)),
                                                  .length = file->size,
                                                  .checksum = rows.count});
        size += file->size;
    }
    hf_state_head_put (&head,
                       &(hf_state_head_t){.index = hf_state_applied_index (node->state),
                                          .term = hf_state_applied_term (node->state),
                                          .roster = hf_state_roster (node->state),
                                          .section = HF_MUTANT (transfer_section)
                                                         ? hf_state_section_index (node->state)
                                                         : node->files_index,
                                          .rows_size = hf_pack_size (&rows),
                                          .rows_sum = rows.count,
                                          .files = hf_pack_list (&files)});
    size += hf_pack_size (&head);
    uint8_t *bytes = malloc (size), *at = bytes;
    assert (bytes != NULL);
    for (int shift = 56; shift >= 0; shift -= 8)
        *at++ = (uint8_t)(hf_pack_size (&head) >> shift);
    memcpy (at, hf_pack_bytes (&head), hf_pack_size (&head));
    at += hf_pack_size (&head);
    memcpy (at, hf_pack_bytes (&rows), hf_pack_size (&rows));
    at += hf_pack_size (&rows);
    for (size_t i = 0; i < MODEL_FILES; i++) {
        if (node->files[i].size > 0)
            memcpy (at, node->files[i].bytes, node->files[i].size);
        at += node->files[i].size;
    }
    assert (at == bytes + size);
    const blob_t *stream = sim_blob (sim, bytes, size);
    free (bytes);
    hf_pack_done (&rows);
    hf_pack_done (&files);
    hf_pack_done (&head);
    return stream;
}

typedef struct parts {
    hf_state_head_t head;
    hf_list_t rows;
    hf_span_t files[MODEL_FILES];
} parts_t;

/*  Rows, as many as the head says, and nothing else. */
static bool
s_read_rows (parts_t *parts)
{
    hf_scan_t scan = hf_scan_list (parts->rows);
    for (uint32_t i = 0; i < parts->rows.count; i++) {
        hf_state_row_t row;
        if (!hf_state_row_get (&scan, &row))
            return false;
    }
    return hf_scan_at_end (&scan) && !scan.bad;
}

static bool
s_read (const uint8_t *bytes, size_t size, parts_t *parts)
{
    uint64_t head_size = 0;
    for (size_t i = 0; i < 8 && i < size; i++)
        head_size = head_size << 8 | bytes[i];
    if (size < 8 || head_size > size - 8)
        return false;
    hf_scan_t scan = hf_scan (bytes + 8, (size_t)head_size);
    size_t at = 8 + (size_t)head_size;
    if (!hf_state_head_get (&scan, &parts->head) || parts->head.rows_size > size - at)
        return false;
    parts->rows = (hf_list_t){.at = bytes + at,
                              .size = (uint32_t)parts->head.rows_size,
                              .count = (uint32_t)parts->head.rows_sum};
    at += parts->rows.size;
    scan = hf_scan_list (parts->head.files);
    for (size_t i = 0; i < MODEL_FILES; i++) {
        hf_file_row_t row;
        if (!hf_file_row_get (&scan, &row) || row.length > size - at)
            return false;
        parts->files[i] = hf_span (bytes + at, (size_t)row.length);
        at += (size_t)row.length;
    }
    return at == size && s_read_rows (parts);
}

//  ---- the sender ---------------------------------------------------------------------------

static void
s_send_parts (sim_t *sim, node_t *node, const hf_state_ask_t *ask, uint64_t from)
{
    const serve_t *serve = &node->serve;
    uint64_t total = serve->stream->size, end = from + sim->odds.window;
    hf_pack_t frame;
    hf_pack_init (&frame);
    for (uint64_t offset = from; offset < total && offset < end; offset += sim->odds.part) {
        uint64_t rest = total - offset;
        hf_pack_reset (&frame);
        hf_state_part_frame (
            &frame,
            &(hf_state_part_t){.from = node->id,
                               .to = ask->from,
                               .term = ask->term,
                               .id = serve->id,
                               .index = serve->index,
                               .index_term = serve->term,
                               .total = total,
                               .offset = offset,
                               .data = hf_span (serve->stream->bytes + offset,
                                                rest < sim->odds.part ? rest : sim->odds.part)});
        sim_send_frame (sim, node, ask->from, HF_KIND_STATE_PART, &frame);
        node->held_index = serve->index;
        node->held_until_us = sim_node_local (sim, node) + sim->odds.held_us;
    }
    hf_pack_done (&frame);
}

void
sim_serve_asked (sim_t *sim, node_t *node, hf_scan_t *scan)
{
    hf_state_ask_t ask;
    bool read = hf_state_ask_get (scan, &ask);
    assert (read && ask.to == node->id);
    //  Also before its term is open: that may need the very node that asks. What is applied is
    //  committed all the same.
    if (node->seen.role != HF_LEADER || ask.term != node->seen.term)
        return;
    serve_t *serve = &node->serve;
    uint64_t now_us = sim_node_local (sim, node);
    //  A state that the log no longer goes on from would only be asked for again.
    bool useful = serve->stream && serve->index >= node->written.base_index;
    bool begun = useful && (ask.id == serve->id || HF_MUTANT (transfer_mixed));
    //  One that somebody is in the middle of is not taken away from him; mostly.
    bool shared = useful && (now_us < serve->made_us + sim->odds.fresh_us ||
                             now_us < serve->asked_us + 5 * ASK_AGAIN_US);
    bool forgets = !sim->healed && sim_random (sim, 12) == 0;
    if ((!begun && !shared) || forgets) {
        *serve = (serve_t){.id = ++sim->streams,
                           .index = hf_state_applied_index (node->state),
                           .term = hf_state_applied_term (node->state),
                           .stream = s_stream (sim, node),
                           .made_us = now_us};
        begun = HF_MUTANT (transfer_mixed);
        sim_tell (sim, "node %u sends its state of %" PRIu64 ", %u bytes", node->id, serve->index,
                  serve->stream->size);
    }
    serve->asked_us = now_us;
    s_send_parts (sim, node, &ask, begun ? ask.offset : 0);
}

//  ---- the receiver ---------------------------------------------------------------------------

static void
s_tick_later (sim_t *sim, node_t *node)
{
    if (node->pull.ticks)
        return;
    node->pull.ticks = true;
    sim_post (sim, sim_until (sim, &node->clock, node->pull.ask_us),
              (event_t){.type = EV_PULL, .to = node->id, .life = node->life});
}

static void
s_ask (sim_t *sim, node_t *node)
{
    pull_t *pull = &node->pull;
    pull->window_end = pull->have + sim->odds.window;
    pull->ask_us = sim_node_local (sim, node) + ASK_AGAIN_US;
    hf_pack_t frame;
    hf_pack_init (&frame);
    hf_state_ask_frame (&frame, &(hf_state_ask_t){.from = node->id,
                                                  .to = pull->leader,
                                                  .term = pull->term,
                                                  .id = pull->id,
                                                  .offset = pull->have});
    sim_send_frame (sim, node, pull->leader, HF_KIND_STATE_ASK, &frame);
    hf_pack_done (&frame);
    s_tick_later (sim, node);
}

void
sim_pull_start (sim_t *sim, node_t *node, uint64_t term, uint32_t leader)
{
    if (node->arriving)
        return;
    sim_tell (sim, "node %u needs the state of node %u", node->id, leader);
    node->pull.leader = leader;
    node->pull.term = term;
    node->pull.id = 0;
    node->pull.have = 0;
    s_ask (sim, node);
}

void
sim_pull_stop (sim_t *sim, node_t *node, const char *why)
{
    if (node->pull.leader != 0)
        sim_tell (sim, "node %u pulls no more: %s", node->id, why);
    node->pull.leader = 0;
}

void
sim_pull_tick (sim_t *sim, node_t *node)
{
    pull_t *pull = &node->pull;
    if (node->frozen_until_us > sim->now_us) {
        sim_post (sim, node->frozen_until_us - sim->now_us,
                  (event_t){.type = EV_PULL, .to = node->id, .life = node->life});
        return;
    }
    pull->ticks = false;
    uint64_t now_us = sim_node_local (sim, node);
    if (pull->leader == 0)
        return;
    if (now_us >= pull->ask_us)
        s_ask (sim, node);
    else
        s_tick_later (sim, node);
}

/*  The whole stream is here. Nothing on the way changes bytes, so it is sound. */
static void
s_finish (sim_t *sim, node_t *node)
{
    pull_t *pull = &node->pull;
    parts_t parts;
    if (!s_read (pull->bytes, pull->have, &parts)) {
        sim_fail (sim, SIM_BROKEN, "P4: the state that node %u got from node %u cannot be read",
                  node->id, pull->leader);
        return;
    }
    node->arriving = sim_blob (sim, pull->bytes, pull->have);
    pull->leader = 0;
    sim_post (sim, sim_random (sim, sim->odds.disk_us + 1),
              (event_t){.type = EV_READY, .to = node->id, .life = node->life});
}

void
sim_pull_part (sim_t *sim, node_t *node, hf_scan_t *scan)
{
    hf_state_part_t part;
    bool read = hf_state_part_get (scan, &part);
    assert (read && part.to == node->id && part.data.size > 0);
    pull_t *pull = &node->pull;
    if (pull->leader == 0 || part.from != pull->leader || part.term != pull->term)
        return;
    if (part.id != pull->id && !(HF_MUTANT (transfer_mixed) && pull->id != 0)) {
        if (part.offset != 0)
            return;
        pull->id = part.id; //  the sender has forgotten ours, and begun another one
        pull->total = part.total;
        pull->have = 0;
    }
    if (HF_MUTANT (transfer_mixed))
        pull->total = part.total;
    if (part.offset != pull->have || part.total != pull->total)
        return;
    while (pull->have + part.data.size > pull->room) {
        pull->room = pull->room > 0 ? 2 * pull->room : 1024;
        pull->bytes = realloc (pull->bytes, pull->room);
        assert (pull->bytes != NULL);
    }
    memcpy (pull->bytes + pull->have, part.data.at, part.data.size);
    pull->have += part.data.size;
    pull->ask_us = sim_node_local (sim, node) + ASK_AGAIN_US;
    if (pull->have >= pull->total)
        s_finish (sim, node);
    else if (pull->have >= pull->window_end)
        s_ask (sim, node);
    else
        s_tick_later (sim, node);
}

void
sim_pull_ready (sim_t *sim, node_t *node)
{
    if (node->frozen_until_us > sim->now_us) {
        sim_post (sim, node->frozen_until_us - sim->now_us,
                  (event_t){.type = EV_READY, .to = node->id, .life = node->life});
        return;
    }
    if (!node->disk_fails)
        node->ready = node->arriving;
    sim_tell (sim, "node %u has the whole state", node->id);
    sim_crash (sim, node, true); //  it starts again with it
    sim_post (sim, sim_random (sim, 20000),
              (event_t){.type = EV_START, .to = node->id, .life = node->life});
}

void
sim_pull_crash (sim_t *sim, node_t *node)
{
    if (node->arriving && !node->ready && !node->disk_fails && sim_random (sim, 2) == 0)
        node->ready = node->arriving;
    node->arriving = NULL;
    node->pull.leader = 0;
    node->pull.ticks = false;
    node->serve.stream = NULL;
}

//  ---- the swap ---------------------------------------------------------------------------------

static bool
s_has_point (const disk_t *log, uint64_t index, uint64_t term)
{
    return log->base_index > index || (log->count >= index && sim_disk_term (log, index) == term);
}

static bool
s_cut_short (sim_t *sim, const node_t *node)
{
    if (!sim_odds (sim, sim->odds.crash_swapping))
        return false;
    sim_tell (sim, "node %u crashes while it swaps the state in", node->id);
    sim->result->totals.faults++;
    sim_post (sim, sim_random (sim, 200000),
              (event_t){.type = EV_START, .to = node->id, .life = node->life});
    return true;
}

static void
s_swap_files (node_t *node, const parts_t *parts)
{
    for (size_t i = 0; i < MODEL_FILES; i++) {
        sim_file_t *file = &node->files[i];
        uint32_t size = parts->files[i].size;
        free (file->bytes);
        *file = (sim_file_t){.bytes = malloc (size + 1U), .size = size, .room = size + 1U};
        assert (file->bytes != NULL);
        if (size > 0)
            memcpy (file->bytes, parts->files[i].at, size);
        file->durable = size;
    }
    node->files_index = node->files_durable_index = parts->head.section;
}

static void
s_swap_log (sim_t *sim, node_t *node, const hf_state_head_t *head)
{
    if (HF_MUTANT (swap_keeps_log))
        return;
    const blob_t *roster =
        head->roster.size > 0 ? sim_blob (sim, head->roster.at, head->roster.size) : NULL;
    if (HF_MUTANT (swap_drops_vote))
        node->durable.term = node->durable.voted_for = 0;
    sim_disk_reset (&node->durable, head->index, head->term, roster);
}

bool
sim_swap (sim_t *sim, node_t *node)
{
    parts_t parts;
    bool read = s_read (node->ready->bytes, node->ready->size, &parts);
    assert (read);
    if (s_has_point (&node->durable, parts.head.index, parts.head.term)) {
        sim_tell (sim, "node %u throws the state of %" PRIu64 " away: its log goes on from there",
                  node->id, parts.head.index);
        node->ready = NULL;
        return true;
    }
    sim_rows_replace (sim, &node->rows, parts.rows);
    node->rows.index = parts.head.index;
    if (s_cut_short (sim, node))
        return false;
    s_swap_files (node, &parts);
    if (s_cut_short (sim, node))
        return false;
    //  The log comes last: with the point in it, the stream would be thrown away.
    s_swap_log (sim, node, &parts.head);
    if (s_cut_short (sim, node))
        return false;
    node->ready = NULL;
    sim->result->totals.states++;
    sim_tell (sim, "node %u has swapped in the state of %" PRIu64, node->id, parts.head.index);
    return true;
}
