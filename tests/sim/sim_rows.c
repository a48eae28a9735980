//  A node's state on its disk: rows, written in steps behind the log and the files, by the rules of
//  nodes/actors/hf_lock_flush.c; and the log pruned behind them.

#include "tests/sim/sim_internal.h"

//  ---- the table --------------------------------------------------------------------------

static hf_span_t
s_span (const blob_t *blob)
{
    return hf_span (blob->bytes, blob->size);
}

static int
s_order (hf_span_t a, hf_span_t b)
{
    uint32_t common = a.size < b.size ? a.size : b.size;
    int order = common > 0 ? memcmp (a.at, b.at, common) : 0;
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

/*  The first row whose key is not below KEY. */
static size_t
s_lower (const rows_t *rows, hf_span_t key)
{
    size_t low = 0, high = rows->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (s_order (s_span (rows->list[middle].key), key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void
s_put (sim_t *sim, rows_t *rows, hf_span_t key, hf_span_t value)
{
    size_t at = s_lower (rows, key);
    bool there = at < rows->count && hf_span_equal (s_span (rows->list[at].key), key);
    if (!there) {
        rows->list = sim_grow (rows->list, rows->count, &rows->room, sizeof *rows->list);
        memmove (&rows->list[at + 1], &rows->list[at], (rows->count - at) * sizeof *rows->list);
        rows->count++;
        rows->list[at].key = sim_blob (sim, key.at, key.size);
    }
    rows->list[at].value = sim_blob (sim, value.at, value.size);
}

static void
s_remove (rows_t *rows, hf_span_t key, bool prefix)
{
    size_t first = s_lower (rows, key), end = first;
    while (end < rows->count) {
        hf_span_t at = s_span (rows->list[end].key);
        bool meant = prefix ? at.size >= key.size && memcmp (at.at, key.at, key.size) == 0
                            : hf_span_equal (at, key);
        if (!meant)
            break;
        end++;
    }
    memmove (&rows->list[first], &rows->list[end], (rows->count - end) * sizeof *rows->list);
    rows->count -= end - first;
}

void
sim_rows_change (sim_t *sim, rows_t *rows, hf_list_t records)
{
    hf_scan_t scan = hf_scan_list (records);
    for (uint32_t i = 0; i < records.count; i++) {
        hf_state_change_t change;
        bool read = hf_state_change_get (&scan, &change);
        assert (read);
        if (change.gone)
            s_remove (rows, change.key, change.prefix);
        else
            s_put (sim, rows, change.key, change.value);
    }
}

void
sim_rows_replace (sim_t *sim, rows_t *rows, hf_list_t records)
{
    rows->count = 0;
    hf_scan_t scan = hf_scan_list (records);
    for (uint32_t i = 0; i < records.count; i++) {
        hf_state_row_t row;
        bool read = hf_state_row_get (&scan, &row);
        assert (read);
        s_put (sim, rows, row.key, row.value);
    }
}

/*  NULL when it cannot be read. */
hf_state_t *
sim_rows_load (sim_t *sim, const node_t *node)
{
    hf_state_t *state = hf_state_new ();
    bool good = true;
    //  In any order.
    size_t first = node->rows.count > 0 ? sim_random (sim, node->rows.count) : 0;
    for (size_t i = 0; i < node->rows.count && good; i++) {
        const row_t *row = &node->rows.list[(first + i) % node->rows.count];
        good = hf_state_load (state, s_span (row->key), s_span (row->value));
    }
    if (!good || !hf_state_loaded (state))
        hf_state_destroy (&state);
    return state;
}

//  ---- a step -----------------------------------------------------------------------------

static const blob_t *
s_keep (sim_t *sim, const hf_pack_t *pack, uint32_t *count)
{
    *count = pack->count;
    return sim_blob (sim, hf_pack_bytes (pack), hf_pack_size (pack));
}

static void
s_take (sim_t *sim, node_t *node, uint64_t now_us)
{
    flush_t *flush = &node->flush;
    hf_pack_t pack;
    hf_pack_init (&pack);
    hf_state_rows (node->state, &pack);
    flush->all = s_keep (sim, &pack, &flush->all_count);
    hf_pack_reset (&pack);
    hf_state_changes (node->state, &pack);
    flush->changes = s_keep (sim, &pack, &flush->changes_count);
    hf_pack_done (&pack);
    flush->index = hf_state_applied_index (node->state);
    flush->section = hf_state_section_index (node->state);
    flush->stage = FLUSH_FILES;
    flush->due_us = now_us + sim->odds.flush_us;
}

static void
s_write (sim_t *sim, node_t *node)
{
    node->flush.stage = FLUSH_WRITING;
    sim_post (sim, sim_random (sim, sim->odds.disk_us + 1),
              (event_t){.type = EV_ROWS_SYNCED, .to = node->id, .life = node->life});
}

void
sim_flush (sim_t *sim, node_t *node)
{
    flush_t *flush = &node->flush;
    if (!sim->odds.flushes || sim->failed)
        return;
    uint64_t now_us = sim_node_local (sim, node);
    bool anything = hf_state_applied_index (node->state) > node->rows.index;
    if (flush->stage == FLUSH_NONE && anything) {
        if (flush->due_us == 0)
            flush->due_us = now_us + sim->odds.flush_us;
        if (now_us >= flush->due_us || hf_state_changed_rows (node->state) >= sim->odds.flush_rows)
            s_take (sim, node, now_us);
        else
            sim_lock_wake (sim, node, sim_until (sim, &node->clock, flush->due_us));
    }
    //  A node that starts from these rows does not see their entries' sections again.
    if (flush->stage == FLUSH_FILES &&
        (node->files_durable_index >= flush->section || HF_MUTANT (flushed_before_files)))
        s_write (sim, node);
}

/*  The rows become what was taken; which must be what the state was then. */
static void
s_written (sim_t *sim, node_t *node)
{
    flush_t *flush = &node->flush;
    sim_rows_change (sim, &node->rows,
                     (hf_list_t){.at = flush->changes->bytes,
                                 .size = flush->changes->size,
                                 .count = flush->changes_count});
    node->rows.index = flush->index;
    flush->stage = FLUSH_NONE;
    rows_t all = {0};
    sim_rows_replace (
        sim, &all,
        (hf_list_t){.at = flush->all->bytes, .size = flush->all->size, .count = flush->all_count});
    bool same = all.count == node->rows.count;
    for (size_t i = 0; i < all.count && same; i++)
        same = hf_span_equal (s_span (all.list[i].key), s_span (node->rows.list[i].key)) &&
               hf_span_equal (s_span (all.list[i].value), s_span (node->rows.list[i].value));
    free (all.list);
    if (!same)
        sim_fail (sim, SIM_BROKEN, "P7: the rows of node %u are not its state at %" PRIu64,
                  node->id, flush->index);
}

void
sim_rows_synced (sim_t *sim, node_t *node)
{
    assert (node->flush.stage == FLUSH_WRITING);
    if (node->frozen_until_us > sim->now_us) {
        sim_post (sim, node->frozen_until_us - sim->now_us,
                  (event_t){.type = EV_ROWS_SYNCED, .to = node->id, .life = node->life});
        return;
    }
    if (node->disk_fails || sim_odds (sim, sim->odds.crash_syncing)) {
        sim_tell (sim, "node %u cannot write its state: it ends", node->id);
        sim_crash (sim, node, true);
        sim_post (sim, sim_random (sim, 3000000),
                  (event_t){.type = EV_START, .to = node->id, .life = node->life});
        return;
    }
    s_written (sim, node);
    uint64_t index =
        HF_MUTANT (pruned_before_flushed) ? hf_state_applied_index (node->state) : node->rows.index;
    sim_tell_election (sim, node, HF_KIND_A_FLUSHED, index, NULL);
    sim_flush (sim, node);
}

void
sim_flush_crash (sim_t *sim, node_t *node)
{
    //  As a whole or not at all.
    if (node->flush.stage == FLUSH_WRITING && sim_random (sim, 2) == 0)
        s_written (sim, node);
    node->flush = (flush_t){.stage = FLUSH_NONE};
}

//  ---- the log behind it ----------------------------------------------------------------------

bool
sim_prune (sim_t *sim, node_t *node)
{
    if (!node->prunes || node->core == NULL)
        return false;
    assert (node->effects.messages_count == 0 && node->effects.persists_count == 0);
    disk_t *log = &node->written;
    uint64_t keeps = log->count > sim->odds.keep ? log->count - sim->odds.keep : 0;
    uint64_t upto = node->flushed < keeps ? node->flushed : keeps;
    bool held = sim_node_local (sim, node) < node->held_until_us && node->held_index < upto;
    if (held)
        upto = node->held_index;
    bool early = node->effects.commit_index < upto; //  after a start the core learns it anew
    if (early)
        upto = node->effects.commit_index;
    node->prunes = held || early;
    if (upto <= log->base_index)
        return false;
    if (upto - log->base_index > sim->odds.prune_step) {
        upto = log->base_index + sim->odds.prune_step;
        node->prunes = true;
    }
    sim->result->totals.prunes++;
    sim_tell (sim, "node %u prunes its log up to %" PRIu64, node->id, upto);
    sim_disk_prune (log, upto);
    sim_check_base (sim, node, upto, log->base_term);
    node->dirty = true;
    hf_event_t event = {.type = HF_EV_PRUNED};
    event.pruned.index = upto;
    sim_step (sim, node, &event);
    if (hf_core_view (node->core).first_index != upto + 1)
        sim_fail (sim, SIM_BROKEN, "P12: the core of node %u did not forget what was pruned",
                  node->id);
    return !sim->failed;
}
