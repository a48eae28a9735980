//  Files against sections: equal on all nodes (P4), sections whole (P6), there (P7) and once.
#include "tests/cluster/check/check_private.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const content_t *
s_content (const hf_check_t *self, uint32_t node, uint32_t file)
{
    for (size_t i = 0; i < self->contents.count; i++) {
        const content_t *content = &self->contents.list[i];
        if (content->node == node && content->file == file)
            return content;
    }
    return NULL;
}

static void
s_check_equal (hf_check_t *self, uint32_t file)
{
    const content_t *first = self->file[file].content;
    for (uint32_t node = 1; node < self->nodes; node++) {
        const content_t *other = s_content (self, node, file);
        size_t size = other ? other->size : 0, at = 0;
        while (at < size && at < first->size && other->bytes[at] == first->bytes[at])
            at++;
        if (at < size || at < first->size)
            check_wrong (self, HF_PROMISE_P4, NULL, NULL,
                         "file \"%s\": nodes 0 and %u differ from byte %zu on (of %zu and %zu)",
                         names_text (&self->files, file), node, at, first->size, size);
    }
}

/*  The contents as given; a file that the first node does not have is empty. */
static void
s_find_contents (hf_check_t *self)
{
    self->file = check_list (self->files.all.count + 1, sizeof *self->file);
    for (uint32_t file = 1; self->nodes > 0 && file <= self->files.all.count; file++) {
        file_state_t *state = &self->file[file];
        state->empty = (content_t){.file = file};
        state->content = s_content (self, 0, file);
        if (!state->content)
            state->content = &state->empty;
    }
}

/*  All of a section or nothing: over all its files. */
static void
s_check_whole (hf_check_t *self, const parts_t *parts)
{
    for (size_t i = 0; i < parts->count; i++) {
        const part_t *part = &parts->list[i];
        const hold_t *hold = part->hold;
        bool judged = self->file[part->file].content && !self->file[part->file].broken;
        if (part->seen || part->sure == 0 || !judged || hold->fate == FATE_VOID)
            continue;
        if (hold->seen > 0)
            check_wrong (self, HF_PROMISE_P6, part->appends[0], hold->end ? hold->end : hold->maybe,
                         "section %" PRIu64 " is in another file, and not in \"%s\"", hold->token,
                         names_text (&self->files, part->file));
        else if (hold->fate == FATE_SURE)
            check_wrong (self, HF_PROMISE_P7, part->appends[0], hold->end,
                         "section %" PRIu64 " was released, and is not in \"%s\"", hold->token,
                         names_text (&self->files, part->file));
    }
}

/*  Between which moments a section became visible. */
static void
s_date (const hf_check_t *self, segment_t *segment)
{
    const hold_t *hold = segment->hold;
    const op_t *release = hold->end ? hold->end : hold->maybe;
    if (!release || hold->fate == FATE_VOID)
        return; //  it should not be there at all: no bounds
    uint64_t low = hold->end ? hold->end->index : hold->low;
    uint64_t high = hold->end ? hold->end->index : hold->high;
    uint64_t before = order_before (&self->order, low);
    segment->before = before > release->start ? before : release->start;
    segment->known = high == NEVER ? NEVER : order_known (&self->order, high);
}

/*  What is in front in the file was there before, and what is behind came later. */
static void
s_date_all (hf_check_t *self, file_state_t *state)
{
    segment_t *list = state->segments.list;
    for (size_t i = 0; i < state->segments.count; i++) {
        list[i].known = NEVER;
        s_date (self, &list[i]);
        if (i > 0 && list[i].before < list[i - 1].before)
            list[i].before = list[i - 1].before;
    }
    for (size_t i = state->segments.count; i-- > 1;) {
        if (list[i].known < list[i - 1].known)
            list[i - 1].known = list[i].known;
    }
}

void
check_files (hf_check_t *self)
{
    s_find_contents (self);
    parts_t *parts = parts_new (self);
    for (uint32_t file = 1; file <= self->files.all.count; file++) {
        if (self->file[file].content)
            s_check_equal (self, file);
        walk_file (self, parts, file);
    }
    s_check_whole (self, parts);
    for (uint32_t file = 1; file <= self->files.all.count; file++)
        s_date_all (self, &self->file[file]);
    parts_destroy (&parts);
}
