//  Checks of what a node starts with, be it its own disk or another node's state; and the state as
//  its readers show it, which must be what the model shows.

#include "tests/sim/sim_internal.h"

//  ---- what can be read ---------------------------------------------------------------------

static uint64_t
s_look_lock (uint64_t hash, const hf_state_t *state, size_t lock)
{
    hf_pack_t rows;
    hf_pack_init (&rows);
    bool more;
    bool held = hf_state_lock_detail (state, hf_span_text (sim_lock_name (lock)), 1, UINT32_MAX,
                                      &rows, &more);
    hf_scan_t scan = hf_scan_list (hf_pack_list (&rows));
    hf_lock_row_t row;
    hf_holder_row_t hold;
    hf_waiter_row_t waiter;
    bool good = held && hf_lock_row_get (&scan, &row);
    while (good && !hf_scan_at_end (&scan)) {
        if (hf_scan_kind (&scan) == HF_KIND_HOLDER_ROW) {
            good = hf_holder_row_get (&scan, &hold);
            hash = hf_hash_u64 (hf_hash_u64 (hash, hold.session), hold.token);
            hash = hf_hash_u64 (hash, hold.staged);
        } else {
            good = hf_waiter_row_get (&scan, &waiter);
            hash = hf_hash_u64 (hash, waiter.session);
        }
    }
    assert (good == held);
    hf_pack_done (&rows);
    return hf_hash_u64 (hash, UINT64_MAX);
}

uint64_t
sim_look_state (const hf_state_t *state)
{
    uint64_t hash = hf_hash_u64 (0, hf_state_command_index (state));
    uint64_t session = 0;
    uint32_t ttl_ms;
    while (hf_state_next_session (state, session, &session, &ttl_ms))
        hash = hf_hash_u64 (hf_hash_u64 (hash, session), ttl_ms);
    for (size_t lock = 0; lock < MODEL_LOCKS; lock++)
        hash = s_look_lock (hash, state, lock);
    return hash;
}

uint64_t
sim_look_model (const model_t *model)
{
    uint64_t hash = hf_hash_u64 (0, model->commands);
    for (uint64_t id = 1; id <= model->last_session && id < MODEL_SESSIONS; id++)
        if (model->sessions[id].alive)
            hash = hf_hash_u64 (hf_hash_u64 (hash, id), model->sessions[id].ttl_ms);
    for (size_t number = 0; number < MODEL_LOCKS; number++) {
        const model_lock_t *lock = &model->locks[number];
        for (size_t i = 0; i < lock->line_count; i++) {
            hash = hf_hash_u64 (hash, lock->line[i].session);
            if (i < lock->holders) {
                hash = hf_hash_u64 (hash, lock->line[i].token);
                hash = hf_hash_u64 (hash, model_staged (&lock->line[i]));
            }
        }
        hash = hf_hash_u64 (hash, UINT64_MAX);
    }
    return hash;
}

//  ---- a start ----------------------------------------------------------------------------

void
sim_check_base (sim_t *sim, const node_t *node, uint64_t index, uint64_t term)
{
    const watch_t *watch = &sim->watch;
    if (index > watch->committed.count ||
        (index > 0 && watch->committed.list[index - 1].item.term != term))
        sim_fail (sim, SIM_BROKEN,
                  "P7: the log of node %u begins behind (%" PRIu64 ", %" PRIu64
                  "), which was never committed",
                  node->id, index, term);
}

static void
s_check_files (sim_t *sim, const node_t *node)
{
    const watch_t *watch = &sim->watch;
    size_t at = 0;
    while (at < watch->files.count && watch->files.list[at].index < node->section_durable)
        at++;
    for (size_t file = 0; file < MODEL_FILES; file++) {
        bool none = node->section_durable == 0;
        size_t size = none || at == watch->files.count ? 0 : watch->files.list[at].size[file];
        const sim_file_t *own = &node->files[file];
        if (own->bytes.count != size ||
            (size > 0 && memcmp (own->bytes.list, watch->model->files[file].bytes, size) != 0))
            sim_fail (sim, SIM_BROKEN,
                      "P6: node %u starts with file %s of %zu bytes, not the %zu of the sections "
                      "up to %" PRIu64,
                      node->id, sim_file_name (file), own->bytes.count, size,
                      node->section_durable);
    }
}

static void
s_check_state (sim_t *sim, const node_t *node)
{
    const watch_t *watch = &sim->watch;
    uint64_t index = node->rows.index;
    hf_state_t *state = sim_rows_load (sim, node);
    if (!state) {
        sim_fail (sim, SIM_BROKEN, "P7: the rows of node %u cannot be read", node->id);
        return;
    }
    hf_state_check (state);
    if (hf_state_applied_index (state) != index || index > watch->committed.count)
        sim_fail (sim, SIM_BROKEN, "P4: node %u loads the state of %" PRIu64 ", not %" PRIu64,
                  node->id, hf_state_applied_index (state), index);
    else if (index > 0 &&
             (hf_state_hash (state) != watch->committed.list[index - 1].state_hash ||
              sim_look_state (state) != watch->committed.list[index - 1].view ||
              hf_state_applied_term (state) != watch->committed.list[index - 1].item.term))
        sim_fail (sim, SIM_BROKEN, "P4: node %u loads another state of %" PRIu64, node->id, index);
    else if (index > 0 &&
             hf_state_section_index (state) != watch->committed.list[index - 1].section)
        sim_fail (sim, SIM_BROKEN,
                  "P6: node %u loads section %" PRIu64 " as the last one, not %" PRIu64, node->id,
                  hf_state_section_index (state), watch->committed.list[index - 1].section);
    else if (node->section_durable < hf_state_section_index (state))
        sim_fail (sim, SIM_BROKEN,
                  "P6: the files of node %u end with section %" PRIu64 ", its state with %" PRIu64,
                  node->id, node->section_durable, hf_state_section_index (state));
    hf_state_destroy (&state);
}

void
sim_check_start (sim_t *sim, node_t *node)
{
    const disk_t *log = &node->durable;
    sim_check_base (sim, node, log->base_index, log->base_term);
    if (node->rows.index < log->base_index || node->rows.index > log->items.count)
        sim_fail (sim, SIM_BROKEN,
                  "P7: the rows of node %u are of %" PRIu64 ", its log is %" PRIu64 "..%zu",
                  node->id, node->rows.index, log->base_index + 1, log->items.count);
    bool revoted = node->promised_vote.node != 0 &&
                   (node->promised_vote.node != log->voted_for.node ||
                    node->promised_vote.incarnation != log->voted_for.incarnation);
    if (log->term < node->promised_term || (log->term == node->promised_term && revoted))
        sim_fail (sim, SIM_BROKEN,
                  "P1: node %u forgets its vote for %u in term %" PRIu64 ": its term is %" PRIu64,
                  node->id, node->promised_vote.node, node->promised_term, log->term);
    if (!sim->failed)
        s_check_files (sim, node);
    if (!sim->failed)
        s_check_state (sim, node);
}
