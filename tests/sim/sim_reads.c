//  The rest of a node's lock half: what waits for a barrier; and the node's files.

#include "tests/sim/sim_internal.h"

void
sim_read (node_t *node, const reading_t *reading)
{
    readings_t *waiting = &node->waiting;
    waiting->list = sim_grow (waiting->list, waiting->count, &waiting->room, sizeof *waiting->list);
    waiting->list[waiting->count++] = *reading;
}

static void
s_watch_all (node_t *node, readings_t *readings)
{
    for (size_t i = 0; i < readings->count; i++)
        node->watchers |= 1U << readings->list[i].client;
    readings->count = 0;
}

void
sim_drop_reads (node_t *node)
{
    s_watch_all (node, &node->waiting);
    s_watch_all (node, &node->under);
    node->barrier_out = node->barrier_passed = false;
}

//  ---- answers ------------------------------------------------------------------------------

static void
s_alive (sim_t *sim, node_t *node, const reading_t *reading)
{
    if (hf_expiry_ending (node->expiry, reading->session) && !HF_MUTANT (alive_while_ending))
        return;
    hf_pack_t held, queued, frame;
    hf_pack_init (&held);
    hf_pack_init (&queued);
    hf_pack_init (&frame);
    hf_alive_t alive = {.session = reading->session, .echo = reading->id, .status = HF_OK};
    if (hf_state_session_places (node->state, reading->session, &held, &queued)) {
        alive.held = hf_pack_list (&held);
        alive.queued = hf_pack_list (&queued);
        sim_caller (node, reading->session, reading->client, reading->client_life);
        sim_belief_alive (sim, reading->session, reading->arrived_us);
    } else
        alive.status = HF_SESSION_EXPIRED;
    hf_alive_frame (&frame, &alive);
    sim_to_client (sim, node, reading->client, reading->client_life, &frame);
    hf_pack_done (&held);
    hf_pack_done (&queued);
    hf_pack_done (&frame);
}

static void
s_closed (sim_t *sim, const node_t *node, const reading_t *reading)
{
    hf_pack_t frame;
    hf_pack_init (&frame);
    hf_closed_frame (&frame, &(hf_closed_t){.session = reading->session,
                                            .echo = reading->id,
                                            .status = HF_SESSION_EXPIRED});
    sim_to_client (sim, node, reading->client, reading->client_life, &frame);
    hf_pack_done (&frame);
}

static void
s_query (sim_t *sim, const node_t *node, const reading_t *reading)
{
    hf_pack_t rows, frame;
    hf_pack_init (&rows);
    hf_pack_init (&frame);
    hf_query_result_t result = {
        .id = reading->id, .status = HF_OK, .index = hf_state_command_index (node->state)};
    if (reading->what == HF_WHAT_LOCK) {
        hf_span_t name = hf_span_text (sim_lock_name (reading->lock));
        if (!hf_state_lock_detail (node->state, name, 1, 10, &rows, &result.more))
            result.status = HF_NOT_FOUND;
        result.rows = hf_pack_list (&rows);
    } else {
        //  The file half has every section of the entries applied here: its pipe keeps its order.
        const sim_file_t *file = &node->files[reading->lock];
        result.total = file->size;
        result.data = hf_span (file->bytes, file->size);
    }
    hf_query_result_frame (&frame, &result);
    sim_to_client (sim, node, reading->client, reading->client_life, &frame);
    hf_pack_done (&rows);
    hf_pack_done (&frame);
}

static void
s_answer (sim_t *sim, node_t *node, const reading_t *reading)
{
    if (reading->type == READING_KEEPALIVE)
        s_alive (sim, node, reading);
    else if (reading->type == READING_CLOSE)
        s_closed (sim, node, reading);
    else
        s_query (sim, node, reading);
}

#ifdef HF_MUTANTS
static void
s_answer_early (sim_t *sim, node_t *node, readings_t *readings)
{
    size_t kept = 0;
    for (size_t i = 0; i < readings->count; i++) {
        reading_t reading = readings->list[i];
        if ((reading.type == READING_KEEPALIVE && HF_MUTANT (keepalive_unbarred)) ||
            (reading.type == READING_QUERY && HF_MUTANT (read_unbarred)))
            s_answer (sim, node, &reading);
        else
            readings->list[kept++] = reading;
    }
    readings->count = kept;
}
#endif

void
sim_answer_reads (sim_t *sim, node_t *node)
{
#ifdef HF_MUTANTS
    if (node->leading) {
        s_answer_early (sim, node, &node->waiting);
        s_answer_early (sim, node, &node->under);
    }
#endif
    bool applied = hf_state_applied_index (node->state) >= node->barrier_index;
    if (!node->barrier_passed || !applied)
        return;
    for (size_t i = 0; i < node->under.count; i++)
        s_answer (sim, node, &node->under.list[i]);
    node->under.count = 0;
    node->barrier_passed = false;
    sim_ask_barrier (sim, node);
}

//  ---- files ---------------------------------------------------------------------------------

static void
s_write (sim_t *sim, node_t *node, size_t number, hf_span_t data)
{
    sim_file_t *file = &node->files[number];
    while (file->size + data.size > file->room) {
        file->room = file->room > 0 ? 2 * file->room : 256;
        file->bytes = realloc (file->bytes, file->room);
        assert (file->bytes != NULL);
    }
    sim_oracle_file (sim, node, number, file->size, data);
    if (data.size > 0)
        memcpy (file->bytes + file->size, data.at, data.size);
    file->size += data.size;
}

void
sim_section (sim_t *sim, node_t *node, const hf_outcome_t *out)
{
    //  Replay after a restart: what is durable is not written again.
    if (out->index <= node->files_index && !HF_MUTANT (section_again))
        return;
    hf_scan_t scan = hf_scan_list (out->parts_list);
    for (uint32_t i = 0; i < out->parts_list.count && !sim->failed; i++) {
        hf_a_part_t part;
        bool read = hf_a_part_get (&scan, &part);
        assert (read);
        if (i > 0 && i + 1 == out->parts_list.count && HF_MUTANT (section_torn))
            continue;
        s_write (sim, node, sim_file_number (part.file), part.data);
    }
    node->files_index = out->index;
    if (!node->files_syncing) {
        node->files_syncing = true;
        sim_post (sim, sim_random (sim, 20000),
                  (event_t){.type = EV_FILES_SYNCED, .to = node->id, .life = node->life});
    }
}

void
sim_files_synced (sim_t *sim, node_t *node)
{
    for (size_t i = 0; i < MODEL_FILES; i++)
        node->files[i].durable = node->files[i].size;
    node->files_durable_index = node->files_index;
    node->files_syncing = false;
    sim_flush (sim, node);
}
