//  A snapshot, built and taken apart: bounds first, then sums. The rule of the swap, and which
//  parts are taken.

#include "nodes/snapshot/hf_snapshot_format.h"
#include "base/hf_alloc.h"
#include "base/hf_hash.h"
#include "base/hf_mutant.h"
#include "nodes/locks/hf_state.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define READ_BYTES (1U << 20)

void
hf_snapshot_pack_head (hf_pack_t *pack, const hf_state_head_t *head, hf_span_t rows)
{
    hf_state_head_t whole = *head;
    whole.rows_size = rows.size;
    whole.rows_sum = hf_hash (0, rows.at, rows.size);
    hf_snapshot_pack_whole_head (pack, &whole);
}

void
hf_snapshot_pack_whole_head (hf_pack_t *pack, const hf_state_head_t *head)
{
    hf_pack_t record;
    hf_pack_init (&record);
    hf_state_head_put (&record, head);
    uint64_t size = hf_pack_size (&record);
    uint8_t prefix[HF_SNAPSHOT_PREFIX];
    for (unsigned i = 0; i < sizeof prefix; i++)
        prefix[i] = (uint8_t)(size >> (8 * (sizeof prefix - 1 - i)));
    hf_pack_raw (pack, prefix, sizeof prefix);
    hf_pack_raw (pack, hf_pack_bytes (&record), size);
    hf_pack_done (&record);
}

static int
s_damaged (hf_snapshot_t *self, const char *what)
{
    return hf_error_set (self->error, "%s is damaged: %s", self->source.name, what);
}

int
hf_snapshot_read (hf_snapshot_t *self, uint64_t offset, uint8_t *bytes, size_t size)
{
    return size > 0 ? self->source.read (self->source.arg, offset, bytes, size, self->error) : 0;
}

//  ---- the head --------------------------------------------------------------------

static bool
s_ascending (hf_span_t before, hf_span_t name)
{
    uint32_t size = before.size < name.size ? before.size : name.size;
    int order = size > 0 ? memcmp (before.at, name.at, size) : 0;
    return order < 0 || (order == 0 && before.size < name.size);
}

/*  Names that can be, each once, and lengths that make exactly what is left. */
static int
s_check_files (hf_snapshot_t *self)
{
    hf_scan_t scan = hf_scan_list (self->head.files);
    hf_span_t before = {.size = 0};
    uint64_t left = self->source.total - self->files_at;
    for (uint32_t i = 0; i < self->head.files.count; i++) {
        hf_file_row_t row;
        if (!hf_file_row_get (&scan, &row) || !hf_name_valid (row.file) ||
            !s_ascending (before, row.file))
            return s_damaged (self, "its list of files makes no sense");
        if (row.length > left)
            return s_damaged (self, "its files are longer than the stream");
        left -= row.length;
        before = row.file;
    }
    return left == 0 ? 0 : s_damaged (self, "it is longer than its files");
}

static int
s_check_head (hf_snapshot_t *self)
{
    const hf_state_head_t *head = &self->head;
    if (head->index == 0 || head->index > INT64_MAX || head->term == 0 ||
        (head->roster.size > 0 && !hf_roster_valid (head->roster)))
        return s_damaged (self, "its head makes no sense");
    if (head->rows_size > HF_SNAPSHOT_ROWS_MAX ||
        head->rows_size > self->source.total - self->rows_at)
        return s_damaged (self, "its rows are longer than they can be");
    self->files_at = self->rows_at + head->rows_size;
    return s_check_files (self);
}

static int
s_read_head (hf_snapshot_t *self)
{
    uint8_t prefix[HF_SNAPSHOT_PREFIX];
    if (self->source.total < sizeof prefix)
        return s_damaged (self, "it is too short");
    if (hf_snapshot_read (self, 0, prefix, sizeof prefix) != 0)
        return -1;
    uint64_t size = 0;
    for (unsigned i = 0; i < sizeof prefix; i++)
        size = size << 8 | prefix[i];
    if (size > HF_SNAPSHOT_HEAD_MAX || size > self->source.total - sizeof prefix)
        return s_damaged (self, "its head is longer than it can be");
    self->rows_at = sizeof prefix + size;
    self->head_bytes = hf_alloc ((size_t)size + 1);
    if (hf_snapshot_read (self, sizeof prefix, self->head_bytes, (size_t)size) != 0)
        return -1;
    hf_scan_t scan = hf_scan (self->head_bytes, (size_t)size);
    if (!hf_state_head_get (&scan, &self->head) || !hf_scan_at_end (&scan))
        return s_damaged (self, "its head makes no sense");
    return s_check_head (self);
}

int
hf_snapshot_open (hf_snapshot_t *self, const hf_snapshot_source_t *source)
{
    *self = (hf_snapshot_t){.source = *source};
    return s_read_head (self);
}

void
hf_snapshot_close (hf_snapshot_t *self)
{
    free (self->head_bytes);
    self->head_bytes = NULL;
}

//  ---- rows and files ----------------------------------------------------------------

static bool
s_rows_good (const hf_snapshot_t *self, const uint8_t *bytes, size_t size)
{
    if (hf_hash (0, bytes, size) != self->head.rows_sum && !HF_MUTANT (transfer_rows_unchecked))
        return false;
    hf_scan_t scan = hf_scan (bytes, size);
    bool good = true;
    while (good && !hf_scan_at_end (&scan)) {
        hf_state_row_t row;
        good = hf_state_row_get (&scan, &row) && row.key.size <= HF_STATE_KEY_MAX &&
               row.value.size <= HF_STATE_ROW_MAX;
    }
    return good;
}

int
hf_snapshot_rows (hf_snapshot_t *self, uint8_t **bytes)
{
    size_t size = (size_t)self->head.rows_size;
    *bytes = hf_alloc (size + 1);
    int rc = hf_snapshot_read (self, self->rows_at, *bytes, size);
    if (rc == 0 && !s_rows_good (self, *bytes, size))
        rc = s_damaged (self, "its rows are not what was sent");
    if (rc != 0) {
        free (*bytes);
        *bytes = NULL;
    }
    return rc;
}

static int
s_check_file (hf_snapshot_t *self, uint64_t offset, const hf_file_row_t *row, uint8_t *buffer)
{
    uint64_t sum = HF_FNV_EMPTY;
    for (uint64_t done = 0; done < row->length;) {
        uint64_t left = row->length - done;
        size_t size = left < READ_BYTES ? (size_t)left : READ_BYTES;
        if (hf_snapshot_read (self, offset + done, buffer, size) != 0)
            return -1;
        sum = hf_fnv (sum, buffer, size);
        done += size;
    }
    return sum == row->checksum || HF_MUTANT (transfer_file_unchecked)
               ? 0
               : s_damaged (self, "a file in it does not match its checksum");
}

int
hf_snapshot_check (hf_snapshot_t *self)
{
    uint8_t *rows = NULL;
    int rc = hf_snapshot_rows (self, &rows);
    free (rows);
    uint8_t *buffer = hf_alloc (READ_BYTES);
    hf_scan_t scan = hf_scan_list (self->head.files);
    uint64_t offset = self->files_at;
    for (uint32_t i = 0; i < self->head.files.count && rc == 0; i++) {
        hf_file_row_t row;
        bool good = hf_file_row_get (&scan, &row);
        assert (good); //  checked with the head
        rc = s_check_file (self, offset, &row, buffer);
        offset += row.length;
    }
    free (buffer);
    return rc;
}

//  ---- the swap ------------------------------------------------------------------------

bool
hf_snapshot_swap (const hf_log_state_t *log, const hf_state_head_t *head, uint64_t there,
                  hf_log_state_t *after)
{
    assert (log->base_index <= log->last_index && head->index > 0);
    *after = *log;
    if (head->index < log->base_index || there == head->term)
        return false;
    //  The term and the vote in it stay: they are this node's word, not part of the state.
    if (HF_MUTANT (swap_drops_vote))
        *after = (hf_log_state_t){.base_index = log->base_index,
                                  .base_term = log->base_term,
                                  .last_index = log->last_index};
    if (HF_MUTANT (swap_keeps_log))
        return true;
    after->base_index = after->last_index = head->index;
    after->base_term = head->term;
    if (after->term < head->term) {
        after->term = head->term;
        after->voted_for = (hf_member_t){.node = 0};
    }
    return true;
}

//  ---- parts, as they come in ----------------------------------------------------------

/*  The sender chose the size: one that cannot be must not end this node. */
static bool
s_begins (const hf_state_part_t *part)
{
    return part->offset == 0 && part->total > HF_SNAPSHOT_PREFIX && part->total <= INT64_MAX;
}

hf_received_t
hf_snapshot_receive_part (hf_snapshot_receive_t *self, const hf_state_part_t *part)
{
    assert (self->have <= self->total || HF_MUTANT (transfer_mixed));
    if (part->id == 0 || part->data.size == 0)
        return HF_RECEIVED_NOTHING;
    hf_snapshot_receive_t next = *self;
    bool first = part->id != self->id && !(HF_MUTANT (transfer_mixed) && self->id != 0);
    if (first) {
        if (!s_begins (part))
            return HF_RECEIVED_NOTHING;
        next = (hf_snapshot_receive_t){.id = part->id, .total = part->total};
    }
    if (HF_MUTANT (transfer_mixed))
        next.total = part->total;
    bool in_order = part->offset == next.have || HF_MUTANT (transfer_any_order);
    if (!in_order || part->total != next.total || next.have > next.total ||
        part->data.size > next.total - next.have)
        return HF_RECEIVED_NOTHING;
    next.have += part->data.size;
    *self = next;
    return first ? HF_RECEIVED_FIRST : HF_RECEIVED_MORE;
}
