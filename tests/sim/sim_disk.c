//  A node's disks: the log, the rows of the state, the files. A commit is whole or not at all.

#include "tests/sim/sim_internal.h"

//  ---- the log ----------------------------------------------------------------------------

#define ENTRY_BYTES 16 //  of an entry, besides its payload

void
sim_disk_add (disk_t *disk, item_t item)
{
    *hf_array_add (&disk->items) = item;
}

item_t
sim_disk_at (const disk_t *disk, uint64_t index)
{
    assert (index > disk->base_index && index <= disk->items.count);
    return disk->items.list[index - 1];
}

uint64_t
sim_disk_term (const disk_t *disk, uint64_t index)
{
    return index == disk->base_index ? disk->base_term : sim_disk_at (disk, index).term;
}

/*  TO becomes as FROM, which differs only after the first SAME items. */
void
sim_disk_copy (disk_t *to, const disk_t *from, size_t same)
{
    assert (same <= from->items.count && same <= to->items.count);
    assert (to->base_index <= from->base_index);
    items_t items = to->items;
    for (size_t i = to->base_index; i < from->base_index && i < same; i++)
        items.list[i] = (item_t){0};
    *to = *from;
    to->items = items;
    to->items.count = same;
    for (size_t i = same; i < from->items.count; i++)
        sim_disk_add (to, from->items.list[i]);
}

hf_entry_t
sim_entry (const item_t *item)
{
    hf_entry_t entry = {.term = item->term, .type = item->type};
    if (item->payload)
        entry.payload = hf_span (item->payload->bytes, item->payload->size);
    return entry;
}

uint64_t
sim_disk_keeps (const disk_t *disk, uint64_t bytes)
{
    uint64_t index = disk->items.count, kept = 0;
    while (index > disk->base_index && kept < bytes) {
        item_t item = sim_disk_at (disk, index--);
        kept += ENTRY_BYTES + sim_entry (&item).payload.size;
    }
    return index;
}

static void
s_prune (disk_t *disk, uint64_t upto)
{
    uint64_t term = sim_disk_term (disk, upto);
    for (uint64_t index = disk->base_index + 1; index <= upto; index++) {
        item_t item = sim_disk_at (disk, index);
        if (item.type == HF_ENTRY_ROSTER) {
            disk->roster_index = index;
            disk->roster = item.payload;
        }
        disk->items.list[index - 1] = (item_t){0};
    }
    disk->base_index = upto;
    disk->base_term = term;
}

void
sim_disk_reset (disk_t *disk, const hf_log_state_t *log, const blob_t *roster)
{
    assert (log->last_index == log->base_index);
    disk->items.count = 0;
    for (uint64_t i = 0; i < log->base_index; i++)
        sim_disk_add (disk, (item_t){0});
    disk->base_index = log->base_index;
    disk->base_term = log->base_term;
    disk->term = log->term;
    disk->voted_for = log->voted_for;
    disk->roster_index = roster ? log->base_index : 0;
    disk->roster = roster;
}

/*  Its term is not on disk yet: nothing leaves that it wrote in it. */
static bool
s_secret (const node_t *node)
{
    return node->written.term > node->durable.term;
}

void
sim_log_durable (sim_t *sim, node_t *node)
{
    if (s_secret (node))
        for (size_t index = node->written_from + 1; index <= node->written.items.count; index++)
            if (index > node->written.base_index)
                sim_watch_written (sim, node, index);
    sim_disk_copy (&node->durable, &node->written, node->written_from);
    node->written_from = node->written.items.count;
}

//  ---- the log's port ------------------------------------------------------------------------

static void
s_log_vote (void *arg, uint64_t term, hf_member_t voted_for)
{
    node_t *node = ((port_t *)arg)->node;
    assert (term >= node->written.term);
    node->written.term = term;
    node->written.voted_for = voted_for;
}

static void
s_log_truncate (void *arg, uint64_t index)
{
    node_t *node = ((port_t *)arg)->node;
    assert (index > node->written.base_index && index <= node->written.items.count);
    node->written.items.count = index - 1;
    if (index - 1 < node->written_from)
        node->written_from = index - 1;
}

static void
s_log_append (void *arg, uint64_t index, const hf_entry_t *entry)
{
    port_t *port = arg;
    disk_t *disk = &port->node->written;
    assert (index == disk->items.count + 1);
    const blob_t *payload = NULL;
    if (entry->payload.size > 0)
        payload = sim_blob (port->sim, entry->payload.at, entry->payload.size);
    sim_disk_add (disk, (item_t){entry->term, entry->type, payload});
    if (!s_secret (port->node))
        sim_watch_written (port->sim, port->node, index);
}

static uint32_t
s_log_prune (void *arg, uint64_t upto, uint64_t keep_bytes, uint32_t most)
{
    port_t *port = arg;
    disk_t *disk = &port->node->written;
    uint64_t first = disk->base_index, keeps = sim_disk_keeps (disk, keep_bytes);
    upto = upto < keeps ? upto : keeps;
    upto = upto < first + most ? upto : first + most;
    if (upto <= first)
        return 0;
    sim_duty_prunes (port->sim, port->node, upto);
    s_prune (disk, upto);
    port->sim->result->totals.prunes++;
    sim_check_base (port->sim, port->node, upto, disk->base_term);
    sim_tell (port->sim, "node %u prunes its log up to %" PRIu64, port->node->id, upto);
    return (uint32_t)(upto - first);
}

static uint32_t
s_log_read (void *arg, uint64_t first, uint64_t last, size_t bytes, hf_pack_t *pack)
{
    const disk_t *disk = &((port_t *)arg)->node->written;
    uint32_t count = 0;
    for (uint64_t index = first; index <= last; index++, count++) {
        if (count > 0 && hf_pack_size (pack) >= bytes)
            break;
        item_t item = sim_disk_at (disk, index);
        hf_entry_t entry = sim_entry (&item);
        hf_entry_put (pack, &entry);
    }
    return count;
}

hf_election_log_t
sim_log (sim_t *sim, node_t *node)
{
    node->port = (port_t){.sim = sim, .node = node};
    return (hf_election_log_t){.arg = &node->port,
                               .vote = s_log_vote,
                               .truncate = s_log_truncate,
                               .append = s_log_append,
                               .prune = s_log_prune,
                               .read = s_log_read};
}

//  ---- rows ------------------------------------------------------------------------------------

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
    size_t low = 0, high = rows->all.count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (s_order (s_span (rows->all.list[middle].key), key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const row_t *
sim_rows_behind (const rows_t *rows, const blob_t *key)
{
    size_t at = key ? s_lower (rows, s_span (key)) : 0;
    if (key && at < rows->all.count &&
        hf_span_equal (s_span (rows->all.list[at].key), s_span (key)))
        at++;
    return at < rows->all.count ? &rows->all.list[at] : NULL;
}

void
sim_rows_put (sim_t *sim, rows_t *rows, hf_span_t key, hf_span_t value)
{
    size_t at = s_lower (rows, key);
    row_t *row = &rows->all.list[at];
    if (at == rows->all.count || !hf_span_equal (s_span (row->key), key)) {
        size_t behind = rows->all.count - at;
        hf_array_add (&rows->all);
        row = &rows->all.list[at];
        memmove (row + 1, row, behind * sizeof *row);
        row->key = sim_blob (sim, key.at, key.size);
    }
    row->value = sim_blob (sim, value.at, value.size);
}

static void
s_remove (rows_t *rows, hf_span_t key, bool prefix)
{
    size_t first = s_lower (rows, key), end = first;
    while (end < rows->all.count) {
        hf_span_t at = s_span (rows->all.list[end].key);
        bool meant = prefix ? at.size >= key.size && memcmp (at.at, key.at, key.size) == 0
                            : hf_span_equal (at, key);
        if (!meant)
            break;
        end++;
    }
    memmove (&rows->all.list[first], &rows->all.list[end],
             (rows->all.count - end) * sizeof *rows->all.list);
    rows->all.count -= end - first;
}

void
sim_rows_change (sim_t *sim, rows_t *rows, hf_list_t changes)
{
    hf_scan_t scan = hf_scan_list (changes);
    for (uint32_t i = 0; i < changes.count; i++) {
        hf_state_change_t change;
        bool read = hf_state_change_get (&scan, &change);
        assert (read);
        if (change.gone)
            s_remove (rows, change.key, change.prefix);
        else
            sim_rows_put (sim, rows, change.key, change.value);
    }
}

static uint64_t
s_sum (hf_span_t key, hf_span_t value)
{
    return hf_hash (hf_hash (0, key.at, key.size), value.at, value.size);
}

/*  Changed rows leave the lock actor: what the rows must add up to when these are written. */
void
sim_rows_left (node_t *node, const hf_a_rows_t *rows)
{
    const hf_state_t *state = hf_lock_service_state (node->lock);
    hf_pack_t pack;
    hf_pack_init (&pack);
    hf_state_rows (state, &pack);
    hf_scan_t scan = hf_scan_list (hf_pack_list (&pack));
    hf_state_row_t row;
    node->left_index = rows->index;
    node->duty.left = node->duty.handled;
    node->left_sum = 0;
    while (!hf_scan_at_end (&scan) && hf_state_row_get (&scan, &row))
        node->left_sum += s_sum (row.key, row.value);
    hf_pack_done (&pack);
}

void
sim_rows_durable (sim_t *sim, const node_t *node)
{
    uint64_t sum = 0;
    if (node->rows.index != node->left_index)
        return;
    for (size_t i = 0; i < node->rows.all.count; i++)
        sum += s_sum (s_span (node->rows.all.list[i].key), s_span (node->rows.all.list[i].value));
    if (sum != node->left_sum)
        sim_fail (sim, SIM_BROKEN, "P7: the rows of node %u are not its state at %" PRIu64,
                  node->id, node->rows.index);
}

/*  NULL when it cannot be read. */
hf_state_t *
sim_rows_load (sim_t *sim, const node_t *node)
{
    hf_state_t *state = hf_state_new ();
    bool good = true;
    size_t count = node->rows.all.count;
    size_t first = count > 0 ? sim_random (sim, count) : 0; //  in any order
    for (size_t i = 0; i < count && good; i++) {
        const row_t *row = &node->rows.all.list[(first + i) % count];
        good = hf_state_load (state, s_span (row->key), s_span (row->value));
    }
    if (!good || !hf_state_loaded (state))
        hf_state_destroy (&state);
    return state;
}
