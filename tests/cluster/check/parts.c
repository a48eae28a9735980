//  The parts of sections, and which append wrote given bytes.
#include "tests/cluster/check/check_private.h"
#include "base/hf_hash.h"
#include <assert.h>
#include <stdlib.h>

#define SAME_MAX 64 //  so many appends of equal bytes are looked at

/*  0: staged for sure; 1: it may be; 2: it cannot be. */
static int
s_sort_of (const op_t *op)
{
    return op->said == SAID_OK ? 0 : op->said == SAID_MAYBE ? 1 : 2;
}

CHECK_COMPARE (s_by_part, op_t *, (*row)->file, (*row)->token, (uint64_t)s_sort_of (*row),
               s_sort_of (*row) == 0 ? (*row)->index : 0, (*row)->start)
CHECK_COMPARE (s_by_bytes, op_t *, (*row)->file, (*row)->data.size, (*row)->data.hash,
               (*row)->token)

static void
s_select (hf_check_t *check, parts_t *self)
{
    HF_ARRAY (op_t *) appends = {0};
    for (size_t i = 0; i < check->ops.count; i++) {
        op_t *op = &check->ops.list[i];
        if (op->kind == OP_APPEND && op->hold != NO_HOLD && op->data.size > 0)
            *hf_array_add (&appends) = op;
    }
    size_t count = self->appends_count = appends.count;
    self->appends = appends.list;
    self->by_bytes = check_list (count, sizeof (op_t *));
    if (count > 0)
        memcpy (self->by_bytes, self->appends, count * sizeof (op_t *));
    check_sort (self->appends, count, sizeof (op_t *), s_by_part);
    check_sort (self->by_bytes, count, sizeof (op_t *), s_by_bytes);
}

parts_t *
parts_new (hf_check_t *check)
{
    parts_t *self = hf_alloc (sizeof *self);
    s_select (check, self);
    self->part_of = check_list (check->ops.count, sizeof *self->part_of);
    self->list = check_list (self->appends_count, sizeof *self->list);
    for (size_t i = 0; i < self->appends_count; i++) {
        op_t *op = self->appends[i];
        const op_t *before = i > 0 ? self->appends[i - 1] : NULL;
        if (!before || before->file != op->file || before->hold != op->hold)
            self->list[self->count++] = (part_t){
                .file = op->file, .hold = &check->holds[op->hold], .appends = self->appends + i};
        part_t *part = &self->list[self->count - 1];
        part->sure += s_sort_of (op) == 0;
        part->maybe += s_sort_of (op) == 1;
        part->refused += s_sort_of (op) == 2;
        self->part_of[op - check->ops.list] = (uint32_t)(self->count - 1);
    }
    return self;
}

void
parts_destroy (parts_t **self_p)
{
    parts_t *self = *self_p;
    free (self->appends);
    free (self->by_bytes);
    free (self->part_of);
    free (self->list);
    free (self);
    *self_p = NULL;
}

part_t *
parts_in (const parts_t *self, uint32_t file, size_t *count)
{
    size_t first = CHECK_FIRST (i, 0, self->count, self->list[i].file < file);
    *count = CHECK_FIRST (i, first, self->count, self->list[i].file <= file) - first;
    return self->list + first;
}

part_t *
parts_of (const hf_check_t *check, const parts_t *self, const op_t *op)
{
    return &self->list[self->part_of[op - check->ops.list]];
}

bool
part_matches (const op_t *op, const content_t *content, size_t at)
{
    assert (at <= content->size);
    if (op->data.size > content->size - at)
        return false;
    return hf_fnv (HF_FNV_EMPTY, content->bytes + at, op->data.size) == op->data.hash;
}

//  ---- which append wrote this -----------------------------------------------------------------

/*  The first append to the file, by bytes, of at least this size, and of that size this hash. */
static size_t
s_find (const parts_t *self, uint32_t file, uint64_t size, uint64_t hash)
{
    const op_t *const *list = (const op_t *const *)self->by_bytes;
    return CHECK_FIRST (i, 0, self->appends_count,
                        list[i]->file != file        ? list[i]->file < file
                        : list[i]->data.size != size ? list[i]->data.size < size
                                                     : list[i]->data.hash < hash);
}

/*  The append with these bytes that fits best: unseen, and of a section that may
 *  be there. */
static op_t *
s_best (const hf_check_t *check, const parts_t *self, size_t at)
{
    op_t *best = NULL;
    int best_rank = -1;
    const op_t *first = self->by_bytes[at];
    for (size_t i = at; i < self->appends_count && i < at + SAME_MAX; i++) {
        op_t *op = self->by_bytes[i];
        if (op->file != first->file || op->data.size != first->data.size ||
            op->data.hash != first->data.hash)
            break;
        const part_t *part = parts_of (check, self, op);
        int rank = (op->seen == 0) * 4 + (part->hold->fate != FATE_VOID) * 2 + (s_sort_of (op) < 2);
        if (rank > best_rank) {
            best = op;
            best_rank = rank;
        }
    }
    return best;
}

op_t *
parts_recognize (const hf_check_t *check, const parts_t *self, const content_t *content, size_t at)
{
    uint64_t hash = HF_FNV_EMPTY;
    size_t hashed = 0;
    for (;;) {
        //  The next greater size of an append to this file.
        size_t next = s_find (self, content->file, hashed + 1, 0);
        if (next == self->appends_count || self->by_bytes[next]->file != content->file)
            return NULL;
        size_t size = self->by_bytes[next]->data.size;
        if (size > content->size - at)
            return NULL;
        hash = hf_fnv (hash, content->bytes + at + hashed, size - hashed);
        hashed = size;
        size_t found = s_find (self, content->file, size, hash);
        if (found < self->appends_count) {
            const op_t *op = self->by_bytes[found];
            if (op->file == content->file && op->data.size == size && op->data.hash == hash)
                return s_best (check, self, found);
        }
    }
}
