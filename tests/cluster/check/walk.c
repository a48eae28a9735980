//  One file, byte by byte: which section each part belongs to, and whether it may be there.
#include "tests/cluster/check/check_private.h"
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

typedef struct walk {
    hf_check_t *check;
    parts_t *parts;
    file_state_t *state;
    const content_t *content;
    const char *name;
    part_t **due; //  of released sections, in the order of their indexes
    uint32_t due_count, next;
    uint64_t low; //  index of the last released section that was passed
    size_t at;
} walk_t;

CHECK_COMPARE (s_by_release, part_t *, (*row)->hold->end->index)

static void
s_due (walk_t *walk, uint32_t file)
{
    size_t count;
    part_t *list = parts_in (walk->parts, file, &count);
    walk->due = check_list (count, sizeof *walk->due);
    for (size_t i = 0; i < count; i++) {
        if (list[i].hold->fate == FATE_SURE)
            walk->due[walk->due_count++] = &list[i];
    }
    check_sort (walk->due, walk->due_count, sizeof *walk->due, s_by_release);
    for (uint32_t i = 0; i < walk->due_count; i++)
        walk->due[i]->place = i;
}

//  ---- one section's bytes --------------------------------------------------------------

static op_t *
s_next_maybe (const walk_t *walk, const part_t *part)
{
    for (uint32_t i = part->sure; i < part->sure + part->maybe; i++) {
        if (part->appends[i]->seen == 0 && part_matches (part->appends[i], walk->content, walk->at))
            return part->appends[i];
    }
    return NULL;
}

/*  Whether a part can begin here. */
static bool
s_begins (const walk_t *walk, const part_t *part)
{
    if (part->sure > 0 && part_matches (part->appends[0], walk->content, walk->at))
        return true;
    return s_next_maybe (walk, part) != NULL;
}

static void
s_lay (walk_t *walk, part_t *part, size_t start)
{
    *hf_array_add (&walk->state->segments) =
        (segment_t){.start = start, .end = walk->at, .hold = part->hold};
    if (!part->seen)
        part->hold->seen++;
    part->seen = true;
}

/*  Take the bytes of PART that are here; report what is missing of it. */
static void
s_consume (walk_t *walk, part_t *part)
{
    size_t start = walk->at;
    uint32_t taken = 0;
    const op_t *missing = NULL;
    for (;;) {
        op_t *op = taken < part->sure ? part->appends[taken] : NULL;
        if (op && part_matches (op, walk->content, walk->at))
            taken++;
        else if ((op = s_next_maybe (walk, part)) == NULL) {
            if (taken == part->sure)
                break;
            //  Step over a missing append, and see whether the rest is there.
            if (!missing)
                missing = part->appends[taken];
            taken++;
            continue;
        }
        op->seen++;
        walk->at += op->data.size;
    }
    if (missing)
        check_wrong (walk->check, HF_PROMISE_P6, missing, part->hold->end,
                     "file \"%s\", byte %zu: section %" PRIu64 " is there without all of its "
                     "appends",
                     walk->name, start, part->hold->token);
    s_lay (walk, part, start);
}

/*  Bytes that must not be here at all, or not again: step over them. */
static void
s_step_over (walk_t *walk, const part_t *part, const op_t *op)
{
    uint32_t count = part->sure + part->maybe + part->refused, i = 0;
    while (i < count && part->appends[i] != op)
        i++;
    assert (i < count);
    for (; i < count && part_matches (part->appends[i], walk->content, walk->at); i++)
        walk->at += part->appends[i]->data.size;
}

//  ---- a section that was not expected here -----------------------------------------------

/*  A section whose release was not answered: it happened after all, and must fit in between. */
static void
s_settle (walk_t *walk, part_t *part, const op_t *op)
{
    hold_t *hold = part->hold;
    uint32_t next = walk->next; //  that must come: some may have put nothing into the file
    while (next < walk->due_count && walk->due[next]->sure == 0)
        next++;
    uint64_t high = next < walk->due_count ? walk->due[next]->hold->end->index - 1 : NEVER;
    uint64_t low = walk->low + 1;
    hold->low = low > hold->low ? low : hold->low;
    hold->high = high < hold->high ? high : hold->high;
    size_t count = walk->state->segments.count;
    const hold_t *before = count ? walk->state->segments.list[count - 1].hold : NULL;
    bool swapped = before && before->first_file && before->first_file == hold->first_file &&
                   before->first_at > hold->first_at;
    if (hold->low > hold->high || swapped)
        check_wrong (walk->check, HF_PROMISE_P6, op, hold->maybe,
                     "file \"%s\", byte %zu: section %" PRIu64 " is at a place where it cannot "
                     "have been released",
                     walk->name, walk->at, hold->token);
    if (!hold->first_file) {
        hold->first_file = part->file;
        hold->first_at = walk->at;
    }
    s_consume (walk, part);
}

/*  A released section, out of its turn. */
static void
s_jump (walk_t *walk, part_t *part, const op_t *op)
{
    if (part->place < walk->next)
        check_wrong (walk->check, HF_PROMISE_P6, op, part->hold->end,
                     "file \"%s\", byte %zu: section %" PRIu64 " comes too late", walk->name,
                     walk->at, part->hold->token);
    else {
        //  Those before it are missing, or come too late: reported when that is certain.
        walk->next = part->place + 1;
        walk->low = part->hold->end->index;
    }
    s_consume (walk, part);
}

/*  False: no append wrote what is here. */
static bool
s_unexpected (walk_t *walk)
{
    op_t *op = parts_recognize (walk->check, walk->parts, walk->content, walk->at);
    if (!op) {
        check_wrong (walk->check, HF_PROMISE_P6, NULL, NULL,
                     "file \"%s\", byte %zu: no append wrote these bytes: \"%.40s\"", walk->name,
                     walk->at, walk->content->bytes + walk->at);
        return false;
    }
    part_t *part = parts_of (walk->check, walk->parts, op);
    size_t at = walk->at;
    bool again = op->seen > 0;
    if (part->seen) {
        check_wrong (walk->check, again ? HF_PROMISE_ONCE : HF_PROMISE_P6, op, part->hold->end,
                     again ? "file \"%s\", byte %zu: this is there twice"
                           : "file \"%s\", byte %zu: this stands apart from its section",
                     walk->name, at);
        op->seen++;
        s_step_over (walk, part, op);
    } else if (part->hold->fate == FATE_VOID || (op->said != SAID_OK && op->said != SAID_MAYBE)) {
        check_wrong (walk->check, HF_PROMISE_P6, op, part->hold->end,
                     "file \"%s\", byte %zu: this was not released, and is there", walk->name, at);
        s_step_over (walk, part, op);
    } else if (part->hold->fate == FATE_MAYBE)
        s_settle (walk, part, op);
    else
        s_jump (walk, part, op);
    return true;
}

//  ---- the walk ---------------------------------------------------------------------------

static void
s_walk (walk_t *walk)
{
    while (walk->at < walk->content->size && !walk->state->broken) {
        part_t *part = walk->next < walk->due_count ? walk->due[walk->next] : NULL;
        if (part && !part->seen && s_begins (walk, part)) {
            walk->next++;
            walk->low = part->hold->end->index;
            s_consume (walk, part);
        } else if (part && part->seen)
            walk->next++; //  it came out of its turn
        else if (!s_unexpected (walk))
            walk->state->broken = true;
    }
    walk->state->laid = true;
}

/*  Without the file: what it must be, when nothing is open. */
static void
s_suppose (walk_t *walk, uint32_t file)
{
    for (size_t i = 0; i < walk->parts->count; i++) {
        const part_t *part = &walk->parts->list[i];
        bool open =
            part->hold->fate == FATE_MAYBE || (part->hold->fate == FATE_SURE && part->maybe > 0);
        if (part->file == file && open) {
            walk->check->unread_files++;
            return;
        }
    }
    for (uint32_t i = 0; i < walk->due_count; i++) {
        size_t start = walk->at;
        for (uint32_t j = 0; j < walk->due[i]->sure; j++)
            walk->at += walk->due[i]->appends[j]->data.size;
        s_lay (walk, walk->due[i], start);
    }
    walk->state->laid = true;
}

void
walk_file (hf_check_t *check, parts_t *parts, uint32_t file)
{
    walk_t walk = {.check = check,
                   .parts = parts,
                   .state = &check->file[file],
                   .content = check->file[file].content,
                   .name = names_text (&check->files, file)};
    s_due (&walk, file);
    if (walk.content)
        s_walk (&walk);
    else
        s_suppose (&walk, file);
    free (walk.due);
}
