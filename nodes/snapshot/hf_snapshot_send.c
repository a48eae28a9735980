//  The pieces of a snapshot: prefix and head, blocks of rows, then one piece for each file.

#include "nodes/snapshot/hf_snapshot_send.h"
#include "base/hf_array.h"
#include "base/hf_hash.h"
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

//  Rows lie in blocks of this size, all but the last of them full, so that many of them are never
//  moved. A multiple of 8: see hf_hash_more.
#define BLOCK_BYTES (1U << 20)
#define SEAL_BLOCKS 4 //  in one step of the sum

struct hf_snapshot_send {
    uint64_t index, term;
    uint64_t total;
    hf_pack_t head; //  a STATE_HEAD record; once it is sealed, prefix and head
    HF_ARRAY (uint8_t *) blocks;
    uint64_t rows_size;
    size_t summed; //  of the blocks
    uint64_t sum;  //  of these
    bool sealed;
    HF_ARRAY (piece_t) pieces;
};

//  ---- made in steps ---------------------------------------------------------------

hf_snapshot_send_t *
hf_snapshot_send_new (const hf_state_head_t *head)
{
    hf_snapshot_send_t *self = hf_alloc (sizeof *self);
    self->index = head->index;
    self->term = head->term;
    hf_pack_init (&self->head);
    hf_state_head_put (&self->head, head);
    return self;
}

void
hf_snapshot_send_rows (hf_snapshot_send_t *self, hf_span_t rows)
{
    assert (self->summed == 0 && !self->sealed);
    for (uint32_t done = 0; done < rows.size;) {
        uint32_t used = (uint32_t)(self->rows_size % BLOCK_BYTES), left = rows.size - done;
        if (used == 0)
            *hf_array_add (&self->blocks) = hf_alloc (BLOCK_BYTES);
        uint32_t size = left < BLOCK_BYTES - used ? left : BLOCK_BYTES - used;
        memcpy (self->blocks.list[self->blocks.count - 1] + used, rows.at + done, size);
        self->rows_size += size;
        done += size;
    }
}

/*  One piece for each file that has bytes; names point into our own copy of the head. */
static void
s_add_files (hf_snapshot_send_t *self, const hf_state_head_t *head)
{
    hf_scan_t scan = hf_scan_list (head->files);
    for (uint32_t i = 0; i < head->files.count; i++) {
        hf_file_row_t row;
        bool good = hf_file_row_get (&scan, &row);
        assert (good && row.length <= INT64_MAX);
        if (row.length == 0)
            continue;
        *hf_array_add (&self->pieces) =
            (piece_t){.offset = self->total, .size = row.length, .name = row.file};
        self->total += row.length;
    }
    assert (self->total <= INT64_MAX);
}

static void
s_get_head (const hf_snapshot_send_t *self, size_t at, hf_state_head_t *head)
{
    hf_scan_t scan = hf_scan (hf_pack_bytes (&self->head) + at, hf_pack_size (&self->head) - at);
    bool good = hf_state_head_get (&scan, head);
    assert (good);
}

/*  The head comes first, and is known last. */
static void
s_put_head (hf_snapshot_send_t *self)
{
    hf_state_head_t head;
    hf_pack_t whole;
    s_get_head (self, 0, &head);
    head.rows_size = self->rows_size;
    head.rows_sum = hf_hash_finish (self->sum);
    hf_pack_init (&whole);
    hf_snapshot_pack_whole_head (&whole, &head);
    hf_pack_reset (&self->head);
    hf_pack_raw (&self->head, hf_pack_bytes (&whole), hf_pack_size (&whole));
    hf_pack_done (&whole);
    self->total = hf_pack_size (&self->head) + self->rows_size;
    s_get_head (self, HF_SNAPSHOT_PREFIX, &head);
    s_add_files (self, &head);
    self->sealed = true;
}

bool
hf_snapshot_send_seal (hf_snapshot_send_t *self)
{
    assert (!self->sealed);
    if (self->summed == 0)
        self->sum = hf_hash_mix (0, self->rows_size);
    for (unsigned i = 0; i < SEAL_BLOCKS && self->summed < self->blocks.count; i++) {
        uint64_t left = self->rows_size - (uint64_t)self->summed * BLOCK_BYTES;
        self->sum = hf_hash_more (self->sum, self->blocks.list[self->summed++],
                                  left < BLOCK_BYTES ? (size_t)left : BLOCK_BYTES);
    }
    if (self->summed == self->blocks.count)
        s_put_head (self);
    return self->sealed;
}

void
hf_snapshot_send_destroy (hf_snapshot_send_t **self_p)
{
    hf_snapshot_send_t *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < self->blocks.count; i++)
        free (self->blocks.list[i]);
    hf_array_free (&self->blocks);
    hf_pack_done (&self->head);
    hf_array_free (&self->pieces);
    free (self);
    *self_p = NULL;
}

//  ---- read ------------------------------------------------------------------------

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

/*  What is in memory from OFFSET on, up to the end of the head or of a block of rows; no bytes: it
 *  lies in a file. */
static hf_span_t
s_memory (const hf_snapshot_send_t *self, uint64_t offset)
{
    size_t head = hf_pack_size (&self->head);
    if (offset < head)
        return hf_span (hf_pack_bytes (&self->head) + offset, head - offset);
    uint64_t at = offset - head;
    if (at >= self->rows_size)
        return hf_span (NULL, 0);
    uint64_t left = self->rows_size - at, from = at % BLOCK_BYTES;
    return hf_span (self->blocks.list[at / BLOCK_BYTES] + from,
                    left < BLOCK_BYTES - from ? left : BLOCK_BYTES - from);
}

uint8_t *
hf_snapshot_send_read (const hf_snapshot_send_t *self, uint64_t offset, uint32_t limit,
                       hf_snapshot_file_fn *file, void *arg, size_t *size)
{
    assert (limit > 0 && self->sealed);
    *size = 0;
    uint8_t *bytes = NULL;
    if (offset >= self->total)
        return NULL;
    if (limit > HF_DATA_MAX)
        limit = HF_DATA_MAX;
    hf_span_t memory = s_memory (self, offset);
    if (memory.size > 0) {
        *size = memory.size < limit ? memory.size : limit;
        bytes = hf_alloc (*size);
        memcpy (bytes, memory.at, *size);
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
