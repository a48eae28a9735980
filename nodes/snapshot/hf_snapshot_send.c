//  The pieces of a snapshot: what is in memory (prefix, head, rows), then one piece for each file.

#include "nodes/snapshot/hf_snapshot_send.h"
#include "base/hf_array.h"
#include "base/hf_mutant.h"
#include "nodes/snapshot/hf_snapshot_format.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

typedef struct piece {
    uint64_t offset; //  in the snapshot
    uint64_t size;   //  never 0
    hf_span_t name;  //  points into the memory
} piece_t;

struct hf_snapshot_send {
    uint64_t index, term;
    uint64_t total;
    hf_pack_t memory;
    HF_ARRAY (piece_t) pieces;
};

/*  One piece for each file that has bytes; names point into our own copy of the head. */
static void
s_add_files (hf_snapshot_send_t *self)
{
    hf_scan_t scan = hf_scan (hf_pack_bytes (&self->memory) + HF_SNAPSHOT_PREFIX,
                              hf_pack_size (&self->memory) - HF_SNAPSHOT_PREFIX);
    hf_state_head_t head;
    bool good = hf_state_head_get (&scan, &head);
    assert (good);
    scan = hf_scan_list (head.files);
    for (uint32_t i = 0; i < head.files.count; i++) {
        hf_file_row_t row;
        good = hf_file_row_get (&scan, &row);
        assert (good && row.length <= INT64_MAX);
        if (row.length == 0)
            continue;
        *hf_array_add (&self->pieces) =
            (piece_t){.offset = self->total, .size = row.length, .name = row.file};
        self->total += row.length;
    }
    assert (self->total <= INT64_MAX);
}

hf_snapshot_send_t *
hf_snapshot_send_new (const hf_state_head_t *head, hf_span_t rows)
{
    hf_snapshot_send_t *self = hf_alloc (sizeof *self);
    self->index = head->index;
    self->term = head->term;
    hf_pack_init (&self->memory);
    hf_snapshot_pack_head (&self->memory, head, rows);
    hf_pack_raw (&self->memory, rows.at, rows.size);
    self->total = hf_pack_size (&self->memory);
    s_add_files (self);
    return self;
}

void
hf_snapshot_send_destroy (hf_snapshot_send_t **self_p)
{
    hf_snapshot_send_t *self = *self_p;
    if (!self)
        return;
    hf_pack_done (&self->memory);
    hf_array_free (&self->pieces);
    free (self);
    *self_p = NULL;
}

uint64_t
hf_snapshot_send_total (const hf_snapshot_send_t *self)
{
    return self->total;
}

uint64_t
hf_snapshot_send_index (const hf_snapshot_send_t *self)
{
    return self->index;
}

uint64_t
hf_snapshot_send_term (const hf_snapshot_send_t *self)
{
    return self->term;
}

/*  The piece that OFFSET lies in; it lies in one. */
static const piece_t *
s_find (const hf_snapshot_send_t *self, uint64_t offset)
{
    size_t low = 0, high = self->pieces.count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (self->pieces.list[middle].offset <= offset)
            low = middle;
        else
            high = middle;
    }
    const piece_t *piece = &self->pieces.list[low];
    assert (low < self->pieces.count);
    assert (offset >= piece->offset && offset - piece->offset < piece->size);
    return piece;
}

uint8_t *
hf_snapshot_send_read (const hf_snapshot_send_t *self, uint64_t offset, uint32_t limit,
                       hf_snapshot_file_fn *file, void *arg, size_t *size)
{
    assert (limit > 0);
    *size = 0;
    uint8_t *bytes = NULL;
    uint64_t memory = hf_pack_size (&self->memory);
    if (offset >= self->total)
        return NULL;
    if (limit > HF_DATA_MAX)
        limit = HF_DATA_MAX;
    if (offset < memory) {
        *size = memory - offset < limit ? (size_t)(memory - offset) : limit;
        bytes = hf_alloc (*size);
        memcpy (bytes, hf_pack_bytes (&self->memory) + offset, *size);
        return bytes;
    }
    const piece_t *piece = s_find (self, offset);
    uint64_t at = offset - piece->offset;
    if (piece->size - at < limit)
        limit = (uint32_t)(piece->size - at);
    if (HF_MUTANT (transfer_file_start))
        at = 0;
    uint64_t length;
    int rc = file (arg, piece->name, at, limit, &bytes, size, &length);
    assert (rc == HF_OK && *size > 0); //  files never shrink
    return bytes;
}
