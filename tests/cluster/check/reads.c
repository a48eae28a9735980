//  Reads: all that was complete when they were asked, nothing that came after their answer
//  (P10), and whole sections.
#include "tests/cluster/check/check_private.h"
#include "base/hf_hash.h"
#include <inttypes.h>

/*  How many sections lie within the first TOTAL bytes; false: it ends inside of one. */
static bool
s_sections_in (const file_state_t *state, uint64_t total, size_t *count)
{
    const segment_t *list = state->segments.list;
    *count = CHECK_FIRST (i, 0, state->segments.count, list[i].end <= total);
    return total == (*count > 0 ? list[*count - 1].end : 0);
}

/*  How many were visible for sure by TIME. */
static size_t
s_known (const file_state_t *state, uint64_t time)
{
    const segment_t *list = state->segments.list;
    return CHECK_FIRST (i, 0, state->segments.count, list[i].known < time);
}

static void
s_check_length (hf_check_t *self, const file_state_t *state, const op_t *op, uint64_t total)
{
    size_t count;
    if (!s_sections_in (state, total, &count)) {
        check_wrong (self, HF_PROMISE_P6, op, NULL,
                     "a read saw %" PRIu64 " bytes: that is in the middle of a section", total);
        return;
    }
    size_t least = s_known (state, op->start);
    if (count < least) {
        const hold_t *hold = state->segments.list[count].hold;
        check_wrong (self, HF_PROMISE_P10, op, hold->end ? hold->end : hold->maybe,
                     "a read saw %" PRIu64 " bytes; section %" PRIu64
                     ", behind them, was complete before it was asked",
                     total, hold->token);
        return;
    }
    if (count == 0)
        return;
    const segment_t *last = &state->segments.list[count - 1];
    const op_t *release = last->hold->end ? last->hold->end : last->hold->maybe;
    if (last->before > op->end)
        check_wrong (self, HF_PROMISE_P10, op, release,
                     "a read saw section %" PRIu64 ", which was released after its answer",
                     last->hold->token);
    else if (op->index > 0 && last->hold->end && last->hold->end->index > op->index)
        check_wrong (self, HF_PROMISE_P10, op, release,
                     "a read of index %" PRIu64 " saw a section of a higher index", op->index);
}

static void
s_check_bytes (hf_check_t *self, const file_state_t *state, const op_t *op, uint64_t total)
{
    uint64_t offset = op->data.offset, size = op->data.size;
    if (size == 0)
        return;
    if (offset > total || size > total - offset) {
        check_wrong (self, HF_PROMISE_P10, op, NULL,
                     "a read gave bytes beyond the length that it reported");
        return;
    }
    const content_t *content = state->content;
    if (!content || offset + size > content->size)
        return;
    if (hf_fnv (HF_FNV_EMPTY, content->bytes + offset, size) != op->data.hash)
        check_wrong (self, HF_PROMISE_P10, op, NULL,
                     "a read gave other bytes than those that are in the file");
}

void
check_reads (hf_check_t *self)
{
    for (size_t i = 0; i < self->ops.count; i++) {
        const op_t *op = &self->ops.list[i];
        if (op->kind != OP_READ)
            continue;
        self->reads++;
        bool answered = op->said == SAID_OK || op->said == SAID_NOT_FOUND;
        const file_state_t *state = &self->file[op->file];
        if (!answered || op->end == NEVER || !state->laid || state->broken)
            continue;
        self->reads_checked++;
        uint64_t total = op->said == SAID_OK ? op->data.total : 0;
        s_check_length (self, state, op, total);
        s_check_bytes (self, state, op, total);
    }
}
