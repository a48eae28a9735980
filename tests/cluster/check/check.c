//  The checker itself: memory, names, verdicts, and the order of its parts.
#include "tests/cluster/check/check_private.h"
#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

hf_check_t *
hf_check_new (FILE *out)
{
    hf_check_t *self = check_alloc (1, sizeof *self);
    self->out = out;
    return self;
}

static void
s_files_done (hf_check_t *self)
{
    for (uint32_t i = 0; self->file && i <= self->files.count; i++)
        free (self->file[i].segments);
    free (self->file);
    for (size_t i = 0; i < self->contents_count; i++)
        free (self->contents[i].bytes);
    free (self->contents);
}

void
hf_check_destroy (hf_check_t **self_p)
{
    assert (self_p);
    hf_check_t *self = *self_p;
    if (!self)
        return;
    s_files_done (self);
    for (uint16_t i = 0; i < self->sources_count; i++)
        free (self->sources[i]);
    free (self->sources);
    names_done (&self->locks);
    names_done (&self->files);
    order_done (&self->order);
    free (self->holds);
    free (self->ops);
    free (self);
    *self_p = NULL;
}

//  ---- memory -----------------------------------------------------------------------

void *
check_alloc (size_t count, size_t size)
{
    void *memory = calloc (count ? count : 1, size);
    assert (memory);
    return memory;
}

void *
check_grow (void *array, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return array;
    *room = *room ? *room * 2 : 64;
    array = realloc (array, *room * size);
    assert (array);
    return array;
}

void
check_sort (void *array, size_t count, size_t size, op_compare_fn *compare)
{
    if (count > 1)
        qsort (array, count, size, compare);
}

const op_t **
check_select (const hf_check_t *self, op_filter_fn *takes, op_compare_fn *compare, size_t *count)
{
    size_t total = 0;
    for (size_t i = 0; i < self->ops_count; i++)
        total += takes (&self->ops[i]);
    const op_t **list = check_alloc (total, sizeof *list);
    *count = 0;
    for (size_t i = 0; i < self->ops_count; i++) {
        if (takes (&self->ops[i]))
            list[(*count)++] = &self->ops[i];
    }
    check_sort (list, total, sizeof *list, compare);
    return list;
}

//  ---- names ------------------------------------------------------------------------

static uint32_t
s_name_hash (const char *name, size_t size)
{
    uint32_t hash = 2166136261U;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (uint8_t)name[i]) * 16777619U;
    return hash;
}

static uint32_t *
s_slot (const names_t *self, const char *name, size_t size)
{
    uint32_t mask = self->slots_count - 1;
    uint32_t at = s_name_hash (name, size) & mask;
    while (self->slots[at]) {
        const char *other = self->name[self->slots[at] - 1];
        if (strlen (other) == size && memcmp (other, name, size) == 0)
            break;
        at = (at + 1) & mask;
    }
    return &self->slots[at];
}

static void
s_names_widen (names_t *self)
{
    free (self->slots);
    self->slots_count = self->slots_count ? self->slots_count * 2 : 256;
    self->slots = check_alloc (self->slots_count, sizeof *self->slots);
    for (uint32_t i = 0; i < self->count; i++)
        *s_slot (self, self->name[i], strlen (self->name[i])) = i + 1;
}

uint32_t
names_put (names_t *self, const char *name, size_t size)
{
    if (2 * (self->count + 1) > self->slots_count)
        s_names_widen (self);
    uint32_t *slot = s_slot (self, name, size);
    if (*slot)
        return *slot;
    size_t room = self->room;
    self->name = check_grow (self->name, self->count, &room, sizeof *self->name);
    self->room = (uint32_t)room;
    self->name[self->count] = strndup (name, size);
    assert (self->name[self->count]);
    *slot = ++self->count;
    return self->count;
}

void
names_done (names_t *self)
{
    for (uint32_t i = 0; i < self->count; i++)
        free (self->name[i]);
    free (self->name);
    free (self->slots);
}

//  ---- verdicts ---------------------------------------------------------------------

static const char *const s_promise_names[HF_PROMISES] = {
    [HF_PROMISE_P4] = "P4", [HF_PROMISE_P5A] = "P5a", [HF_PROMISE_P5B] = "P5b",
    [HF_PROMISE_P6] = "P6", [HF_PROMISE_P7] = "P7",   [HF_PROMISE_P8] = "P8",
    [HF_PROMISE_P9] = "P9", [HF_PROMISE_P10] = "P10", [HF_PROMISE_ONCE] = "exactly-once",
};

static const char *const s_kind_names[] = {"?",       "open",      "close",   "acquire",
                                           "release", "cancel",    "abandon", "append",
                                           "read",    "keepalive", "lost",    "ended"};
static const char *const s_said_names[] = {"undecided", "OK",   "NOT_GRANTED", "NOT_HOLDER",
                                           "expired",   "LOST", "NOT_FOUND",   "refused"};

static void
s_tell_op (const hf_check_t *self, const op_t *op)
{
    if (!op)
        return;
    fprintf (self->out, "    %s:%u: %s", self->sources[op->source], op->line,
             s_kind_names[op->kind]);
    if (op->lock)
        fprintf (self->out, " lock \"%s\"", self->locks.name[op->lock - 1]);
    if (op->file)
        fprintf (self->out, " file \"%s\"", self->files.name[op->file - 1]);
    if (op->token)
        fprintf (self->out, " token %" PRIu64, op->token);
    if (op->index)
        fprintf (self->out, " index %" PRIu64, op->index);
    fprintf (self->out, " client %u session %" PRIu64 " from %" PRIu64, op->client, op->session,
             op->start);
    if (op->end != NEVER)
        fprintf (self->out, " to %" PRIu64, op->end);
    fprintf (self->out, " us: %s\n", s_said_names[op->said]);
}

void
check_wrong (hf_check_t *self, hf_promise_t promise, const op_t *op, const op_t *other,
             const char *format, ...)
{
    self->found[promise]++;
    self->total++;
    if (!self->out || self->total > HF_CHECK_REPORT_MAX)
        return;
    va_list args;
    va_start (args, format);
    fprintf (self->out, "violation %s: ", s_promise_names[promise]);
    vfprintf (self->out, format, args);
    fputc ('\n', self->out);
    va_end (args);
    s_tell_op (self, op);
    s_tell_op (self, other);
}

unsigned
hf_check_found (const hf_check_t *self, hf_promise_t promise)
{
    assert (promise < HF_PROMISES);
    return self->found[promise];
}

const char *
hf_promise_name (hf_promise_t promise)
{
    assert (promise < HF_PROMISES);
    return s_promise_names[promise];
}

unsigned
hf_check_run (hf_check_t *self)
{
    assert (!self->holds && !self->file);
    check_asks (self);
    check_holds (self);
    check_order (self);
    check_locks (self);
    check_sessions (self);
    check_files (self);
    check_reads (self);
    return self->total;
}

void
hf_check_summary (const hf_check_t *self, FILE *out)
{
    fprintf (out,
             "holdfast-check: %zu operations, %zu grants, %zu sections (%zu undecided), %zu reads "
             "(%zu checked), %u locks, %u files on %u nodes: %u violations",
             self->ops_count, self->grants, self->sections, self->undecided, self->reads,
             self->reads_checked, self->locks.count, self->files.count, self->nodes, self->total);
    for (unsigned i = 0; i < HF_PROMISES; i++) {
        if (self->found[i])
            fprintf (out, ", %s %u", s_promise_names[i], self->found[i]);
    }
    fputc ('\n', out);
    if (self->unread_files)
        fprintf (out,
                 "note: %zu files have undecided sections and their contents were not given: "
                 "reads of them were not checked\n",
                 self->unread_files);
}
