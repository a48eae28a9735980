#include "nodes/actors/hf_tail.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

/*  Records of entries first .. first + count - 1; entry i ends at ends[i] in the pack's bytes,
 *  and the first begins at zero. */
struct hf_tail {
    hf_pack_t records;
    size_t *ends;
    size_t ends_room;
    uint64_t first;
    size_t count;
    size_t limit_bytes;
};

hf_tail_t *
hf_tail_new (uint64_t last_index, size_t limit_bytes)
{
    hf_tail_t *self = calloc (1, sizeof *self);
    assert (self);
    hf_pack_init (&self->records);
    self->first = last_index + 1;
    self->limit_bytes = limit_bytes;
    return self;
}

void
hf_tail_destroy (hf_tail_t **self_p)
{
    hf_tail_t *self = *self_p;
    if (!self)
        return;
    hf_pack_done (&self->records);
    free (self->ends);
    free (self);
    *self_p = NULL;
}

/*  Where the record of the I-th entry begins. */
static size_t
s_start (const hf_tail_t *self, size_t i)
{
    assert (i <= self->count);
    return i == 0 ? 0 : self->ends[i - 1];
}

static void
s_forget_oldest (hf_tail_t *self, size_t count)
{
    size_t cut = s_start (self, count);
    size_t size = hf_pack_size (&self->records);
    char *bytes = self->records.buffer.data;
    memmove (bytes, bytes + cut, size - cut);
    self->records.buffer.size = size - cut;
    for (size_t i = count; i < self->count; i++)
        self->ends[i - count] = self->ends[i] - cut;
    self->first += count;
    self->count -= count;
}

void
hf_tail_append (hf_tail_t *self, const hf_entry_t *entry)
{
    if (hf_pack_size (&self->records) > self->limit_bytes)
        s_forget_oldest (self, self->count / 2 + 1);
    if (self->count == self->ends_room) {
        self->ends_room = self->ends_room ? 2 * self->ends_room : 1024;
        self->ends = realloc (self->ends, self->ends_room * sizeof *self->ends);
        assert (self->ends);
    }
    hf_entry_put (&self->records, entry);
    self->ends[self->count++] = hf_pack_size (&self->records);
}

void
hf_tail_truncate (hf_tail_t *self, uint64_t index)
{
    if (index < self->first) {
        self->first = index;
        self->count = 0;
    } else if (index - self->first < self->count)
        self->count = (size_t)(index - self->first);
    self->records.buffer.size = s_start (self, self->count);
}

bool
hf_tail_range (const hf_tail_t *self, uint64_t first, uint64_t last, size_t bytes, hf_list_t *list)
{
    if (first < self->first || first - self->first >= self->count || last < first)
        return false;
    size_t from = (size_t)(first - self->first);
    size_t most =
        last - first < self->count - from ? (size_t)(last - first) + 1 : self->count - from;
    size_t start = s_start (self, from);
    //  The ends ascend: look for the last one that still fits.
    size_t low = 1;
    size_t high = most;
    while (low < high) {
        size_t middle = low + (high - low + 1) / 2;
        if (self->ends[from + middle - 1] - start <= bytes)
            low = middle;
        else
            high = middle - 1;
    }
    size_t end = self->ends[from + low - 1];
    *list = (hf_list_t){.at = hf_pack_bytes (&self->records) + start,
                        .size = (uint32_t)(end - start),
                        .count = (uint32_t)low};
    return true;
}
