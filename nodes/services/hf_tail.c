//  The tail of the log: one buffer of records, and where each of them ends.

#include "nodes/services/hf_tail.h"
#include "base/hf_array.h"
#include "base/hf_mutant.h"
#include <assert.h>

/*  Records of entries first .. first + ends.count - 1; entry i ends at ends.list[i] in the pack's
 * bytes, and the first begins at zero. */
struct hf_tail {
    hf_pack_t records;
    HF_ARRAY (size_t) ends;
    uint64_t first;
    size_t limit_bytes;
};

hf_tail_t *
hf_tail_new (uint64_t last_index, size_t limit_bytes)
{
    hf_tail_t *self = hf_alloc (sizeof *self);
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
    hf_array_free (&self->ends);
    free (self);
    *self_p = NULL;
}

/*  Where the record of the I-th entry begins. */
static size_t
s_start (const hf_tail_t *self, size_t i)
{
    assert (i <= self->ends.count);
    return i == 0 ? 0 : self->ends.list[i - 1];
}

static void
s_forget_oldest (hf_tail_t *self, size_t count)
{
    size_t cut = s_start (self, count);
    size_t size = hf_pack_size (&self->records);
    char *bytes = self->records.buffer.data;
    memmove (bytes, bytes + cut, size - cut);
    self->records.buffer.size = size - cut;
    hf_array_drop (&self->ends, count);
    for (size_t i = 0; i < self->ends.count; i++)
        self->ends.list[i] -= cut;
    self->first += count;
}

void
hf_tail_append (hf_tail_t *self, const hf_entry_t *entry)
{
    if (hf_pack_size (&self->records) > self->limit_bytes)
        s_forget_oldest (self, self->ends.count / 2 + 1);
    hf_entry_put (&self->records, entry);
    *hf_array_add (&self->ends) = hf_pack_size (&self->records);
}

void
hf_tail_truncate (hf_tail_t *self, uint64_t index)
{
    if (HF_MUTANT (tail_keeps_cut) && index > self->first)
        return;
    if (index < self->first) {
        self->first = index;
        self->ends.count = 0;
    } else if (index - self->first < self->ends.count)
        self->ends.count = (size_t)(index - self->first);
    self->records.buffer.size = s_start (self, self->ends.count);
}

bool
hf_tail_range (const hf_tail_t *self, uint64_t first, uint64_t last, size_t bytes, hf_list_t *list)
{
    if (first < self->first || first - self->first >= self->ends.count || last < first)
        return false;
    size_t from = (size_t)(first - self->first);
    size_t most = last - first < self->ends.count - from ? (size_t)(last - first) + 1
                                                         : self->ends.count - from;
    size_t start = s_start (self, from);
    //  The ends ascend: look for the last one that still fits.
    size_t low = 1;
    size_t high = most;
    while (low < high) {
        size_t middle = low + (high - low + 1) / 2;
        if (self->ends.list[from + middle - 1] - start <= bytes)
            low = middle;
        else
            high = middle - 1;
    }
    size_t end = self->ends.list[from + low - 1];
    *list = (hf_list_t){.at = hf_pack_bytes (&self->records) + start,
                        .size = (uint32_t)(end - start),
                        .count = (uint32_t)low};
    return true;
}
