//  The parts of sections, and who wrote given bytes.
#include "tests/cluster/check/files.h"
#include "tests/cluster/check/hf_history.h"
#include <assert.h>
#include <stdlib.h>

#define SAME_MAX 64 //  so many appends of equal bytes are looked at

/*  0: staged for sure; 1: it may be; 2: it cannot be. */
static int
s_sort_of (const op_t *op)
{
    return op->said == SAID_OK ? 0 : op->said == SAID_MAYBE ? 1 : 2;
}

static int
s_by_part (const void *a, const void *b)
{
    const op_t *left = *(op_t *const *)a, *right = *(op_t *const *)b;
    if (left->file != right->file)
        return ORDER (left->file, right->file);
    if (left->token != right->token)
        return ORDER (left->token, right->token);
    if (s_sort_of (left) != s_sort_of (right))
        return s_sort_of (left) - s_sort_of (right);
    if (s_sort_of (left) == 0 && left->index != right->index)
        return ORDER (left->index, right->index);
    return ORDER (left->start, right->start);
}

static int
s_by_bytes (const void *a, const void *b)
{
    const op_t *left = *(op_t *const *)a, *right = *(op_t *const *)b;
    if (left->file != right->file)
        return ORDER (left->file, right->file);
    if (left->data.size != right->data.size)
        return ORDER (left->data.size, right->data.size);
    if (left->data.hash != right->data.hash)
        return ORDER (left->data.hash, right->data.hash);
    return ORDER (left->token, right->token);
}

static void
s_select (hf_check_t *check, parts_t *self)
{
    for (size_t i = 0; i < check->ops_count; i++) {
        const op_t *op = &check->ops[i];
        self->appends_count += op->kind == OP_APPEND && op->hold != NO_HOLD && op->data.size > 0;
    }
    self->appends = check_alloc (self->appends_count, sizeof (op_t *));
    self->by_bytes = check_alloc (self->appends_count, sizeof (op_t *));
    size_t count = 0;
    for (size_t i = 0; i < check->ops_count; i++) {
        op_t *op = &check->ops[i];
        if (op->kind == OP_APPEND && op->hold != NO_HOLD && op->data.size > 0) {
            self->appends[count] = op;
            self->by_bytes[count++] = op;
        }
    }
    check_sort (self->appends, count, sizeof (op_t *), s_by_part);
    check_sort (self->by_bytes, count, sizeof (op_t *), s_by_bytes);
}

parts_t *
parts_new (hf_check_t *check)
{
    parts_t *self = check_alloc (1, sizeof *self);
    s_select (check, self);
    self->part_of = check_alloc (check->ops_count, sizeof *self->part_of);
    self->list = check_alloc (self->appends_count, sizeof *self->list);
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
        self->part_of[op - check->ops] = (uint32_t)(self->count - 1);
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

static size_t
s_first_in (const parts_t *self, uint32_t file)
{
    size_t low = 0, high = self->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (self->list[middle].file < file)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

part_t *
parts_in (const parts_t *self, uint32_t file, size_t *count)
{
    size_t first = s_first_in (self, file);
    *count = s_first_in (self, file + 1) - first;
    return self->list + first;
}

part_t *
parts_of (const hf_check_t *check, const parts_t *self, const op_t *op)
{
    return &self->list[self->part_of[op - check->ops]];
}

bool
part_matches (const op_t *op, const content_t *content, size_t at)
{
    assert (at <= content->size);
    if (op->data.size > content->size - at)
        return false;
    return hf_recorder_hash (HF_FNV_START, content->bytes + at, op->data.size) == op->data.hash;
}

//  ---- who wrote this -----------------------------------------------------------------

/*  The first append to the file, by bytes, of at least this size, and of that size this hash. */
static size_t
s_find (const parts_t *self, uint32_t file, uint64_t size, uint64_t hash)
{
    size_t low = 0, high = self->appends_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const op_t *op = self->by_bytes[middle];
        bool below = op->file != file        ? op->file < file
                     : op->data.size != size ? op->data.size < size
                                             : op->data.hash < hash;
        if (below)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/*  Of appends with equal bytes the one that can be meant: unseen, and of a section that may
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
    uint64_t hash = HF_FNV_START;
    size_t hashed = 0;
    for (;;) {
        //  The next greater size of an append to this file.
        size_t next = s_find (self, content->file, hashed + 1, 0);
        if (next == self->appends_count || self->by_bytes[next]->file != content->file)
            return NULL;
        size_t size = self->by_bytes[next]->data.size;
        if (size > content->size - at)
            return NULL;
        hash = hf_recorder_hash (hash, content->bytes + at + hashed, size - hashed);
        hashed = size;
        size_t found = s_find (self, content->file, size, hash);
        if (found < self->appends_count) {
            const op_t *op = self->by_bytes[found];
            if (op->file == content->file && op->data.size == size && op->data.hash == hash)
                return s_best (check, self, found);
        }
    }
}
