//  Checks of what a node starts with, be it its own disk or another node's state.

#include "tests/sim/sim_internal.h"

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
              model_look_state (state) != watch->committed.list[index - 1].view ||
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
