//  The pieces of a stream: what is in memory (size, head, rows), then one piece for each file.

#include "nodes/store/hf_outgoing.h"
#include "base/hf_hash.h"
#include "nodes/store/hf_stream.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

typedef struct piece {
    uint64_t offset; //  in the stream
    uint64_t size;   //  never 0
    hf_span_t name;  //  points into the head
} piece_t;

struct hf_outgoing {
    hf_file_store_t *store; //  not owned
    uint64_t index, term;
    uint64_t total;
    hf_pack_t head; //  with its size before it
    uint8_t *rows;
    size_t rows_size;
    piece_t *pieces;
    size_t count;
};

static void
s_pack_head (hf_outgoing_t *self, const hf_state_head_t *head)
{
    hf_state_head_t whole = *head;
    whole.rows_size = self->rows_size;
    whole.rows_sum = hf_hash (0, self->rows, self->rows_size);
    hf_pack_t record;
    hf_pack_init (&record);
    hf_state_head_put (&record, &whole);
    uint64_t size = hf_pack_size (&record);
    uint8_t prefix[HF_STREAM_PREFIX];
    for (unsigned i = 0; i < sizeof prefix; i++)
        prefix[i] = (uint8_t)(size >> (8 * (sizeof prefix - 1 - i)));
    hf_pack_raw (&self->head, prefix, sizeof prefix);
    hf_pack_raw (&self->head, hf_pack_bytes (&record), hf_pack_size (&record));
    hf_pack_done (&record);
}

/*  One piece for each file that has bytes; names point into our own copy of the head. */
static void
s_add_files (hf_outgoing_t *self)
{
    hf_scan_t scan = hf_scan (hf_pack_bytes (&self->head) + HF_STREAM_PREFIX,
                              hf_pack_size (&self->head) - HF_STREAM_PREFIX);
    hf_state_head_t head;
    bool good = hf_state_head_get (&scan, &head);
    assert (good);
    self->pieces = calloc (head.files.count + 1U, sizeof *self->pieces);
    assert (self->pieces);
    scan = hf_scan_list (head.files);
    for (uint32_t i = 0; i < head.files.count; i++) {
        hf_file_row_t row;
        good = hf_file_row_get (&scan, &row);
        assert (good && row.length <= INT64_MAX);
        if (row.length == 0)
            continue;
        self->pieces[self->count++] =
            (piece_t){.offset = self->total, .size = row.length, .name = row.file};
        self->total += row.length;
    }
    assert (self->total <= INT64_MAX);
}

hf_outgoing_t *
hf_outgoing_new (const hf_state_head_t *head, uint8_t *rows, size_t rows_size,
                 hf_file_store_t *store)
{
    assert (head && store);
    assert (rows || rows_size == 0);
    hf_outgoing_t *self = calloc (1, sizeof *self);
    assert (self);
    self->store = store;
    self->index = head->index;
    self->term = head->term;
    self->rows = rows;
    self->rows_size = rows_size;
    hf_pack_init (&self->head);
    s_pack_head (self, head);
    self->total = hf_pack_size (&self->head) + rows_size;
    s_add_files (self);
    return self;
}

void
hf_outgoing_destroy (hf_outgoing_t **self_p)
{
    hf_outgoing_t *self = *self_p;
    if (!self)
        return;
    hf_pack_done (&self->head);
    free (self->rows);
    free (self->pieces);
    free (self);
    *self_p = NULL;
}

uint64_t
hf_outgoing_total (const hf_outgoing_t *self)
{
    return self->total;
}

uint64_t
hf_outgoing_index (const hf_outgoing_t *self)
{
    return self->index;
}

uint64_t
hf_outgoing_term (const hf_outgoing_t *self)
{
    return self->term;
}

static int
s_copy (const uint8_t *from, uint64_t left, uint32_t limit, uint8_t **bytes, size_t *size)
{
    *size = left < limit ? (size_t)left : limit;
    *bytes = malloc (*size);
    assert (*bytes && *size > 0);
    memcpy (*bytes, from, *size);
    return 0;
}

/*  The piece that OFFSET lies in; it lies in one. */
static const piece_t *
s_find (const hf_outgoing_t *self, uint64_t offset)
{
    size_t low = 0, high = self->count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (self->pieces[middle].offset <= offset)
            low = middle;
        else
            high = middle;
    }
    const piece_t *piece = &self->pieces[low];
    assert (low < self->count && offset >= piece->offset && offset - piece->offset < piece->size);
    return piece;
}

int
hf_outgoing_read (hf_outgoing_t *self, uint64_t offset, uint32_t limit, uint8_t **bytes,
                  size_t *size)
{
    assert (limit > 0);
    *bytes = NULL;
    *size = 0;
    if (offset >= self->total)
        return 0;
    if (limit > HF_DATA_MAX)
        limit = HF_DATA_MAX;
    uint64_t head_size = hf_pack_size (&self->head);
    if (offset < head_size)
        return s_copy (hf_pack_bytes (&self->head) + offset, head_size - offset, limit, bytes,
                       size);
    if (offset < head_size + self->rows_size)
        return s_copy (self->rows + (offset - head_size), self->rows_size - (offset - head_size),
                       limit, bytes, size);
    const piece_t *piece = s_find (self, offset);
    uint64_t at = offset - piece->offset;
    if (piece->size - at < limit)
        limit = (uint32_t)(piece->size - at);
    uint64_t length;
    int rc = hf_file_store_read (self->store, piece->name, at, limit, bytes, size, &length);
    assert (rc != HF_OK || *size > 0); //  files never shrink
    return rc == HF_OK ? 0 : -1;
}
