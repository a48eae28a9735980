//  The checker itself: memory, names, verdicts, and the order of its parts.
#include "tests/cluster/check/check_private.h"
#include "base/hf_hash.h"
#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>

hf_check_t *
hf_check_new (FILE *out)
{
    hf_check_t *self = hf_alloc (sizeof *self);
    hf_table_init (&self->locks.table);
    hf_table_init (&self->files.table);
    self->out = out;
    *hf_array_add (&self->sources) = strdup ("record");
    return self;
}

static void
s_names_done (names_t *self)
{
    for (size_t i = 0; i < self->all.count; i++)
        free (self->all.list[i]);
    hf_array_free (&self->all);
    hf_table_done (&self->table);
}

void
hf_check_destroy (hf_check_t **self_p)
{
    assert (self_p);
    hf_check_t *self = *self_p;
    if (!self)
        return;
    for (uint32_t i = 0; self->file && i <= self->files.all.count; i++)
        hf_array_free (&self->file[i].segments);
    free (self->file);
    for (size_t i = 0; i < self->contents.count; i++)
        free (self->contents.list[i].bytes);
    hf_array_free (&self->contents);
    for (size_t i = 0; i < self->sources.count; i++)
        free (self->sources.list[i]);
    hf_array_free (&self->sources);
    s_names_done (&self->locks);
    s_names_done (&self->files);
    free (self->order.ops);
    free (self->order.ended);
    free (self->order.known);
    free (self->order.before);
    free (self->order.reached);
    free (self->holds);
    hf_array_free (&self->ops);
    hf_array_free (&self->places);
    free (self);
    *self_p = NULL;
}

//  ---- lists ------------------------------------------------------------------------

int
check_compare (const uint64_t left[CHECK_KEYS], const uint64_t right[CHECK_KEYS])
{
    size_t i = 0;
    while (i + 1 < CHECK_KEYS && left[i] == right[i])
        i++;
    return left[i] < right[i] ? -1 : left[i] > right[i];
}

void
check_sort (void *array, size_t count, size_t size, op_compare_fn *compare)
{
    if (count > 1)
        qsort (array, count, size, compare);
}

void *
check_list (size_t count, size_t size)
{
    return hf_alloc ((count > 0 ? count : 1) * size);
}

const op_t **
check_select (const hf_check_t *self, op_filter_fn *takes, op_compare_fn *compare, size_t *count)
{
    HF_ARRAY (const op_t *) ops = {0};
    for (size_t i = 0; i < self->ops.count; i++) {
        if (takes (&self->ops.list[i]))
            *hf_array_add (&ops) = &self->ops.list[i];
    }
    check_sort (ops.list, ops.count, sizeof *ops.list, compare);
    *count = ops.count;
    return ops.list;
}

hold_t **
check_granted (const hf_check_t *self, op_compare_fn *compare, size_t *count)
{
    hold_t **holds = check_list (self->holds_count, sizeof *holds);
    *count = 0;
    for (uint32_t i = 0; i < self->holds_count; i++) {
        if (self->holds[i].grant)
            holds[(*count)++] = &self->holds[i];
    }
    check_sort (holds, *count, sizeof *holds, compare);
    return holds;
}

stay_t *
check_stays (const hf_check_t *self, op_compare_fn *compare, size_t *count)
{
    HF_ARRAY (stay_t) stays = {0};
    for (uint32_t i = 0; i < self->holds_count; i++) {
        hold_t *hold = &self->holds[i];
        for (uint32_t k = 0; hold->grant && k < hold->grant->ask.count; k++)
            *hf_array_add (&stays) =
                (stay_t){.hold = hold, .place = self->places.list[hold->grant->ask.first + k]};
    }
    check_sort (stays.list, stays.count, sizeof *stays.list, compare);
    *count = stays.count;
    return stays.list;
}

//  ---- names ------------------------------------------------------------------------

uint32_t
names_put (names_t *self, const char *text)
{
    size_t size = strlen (text);
    uint64_t hash = hf_hash (0, text, size);
    for (hf_table_node_t *node = hf_table_seek (&self->table, hash); node;
         node = hf_table_again (node)) {
        const name_t *name = HF_AROUND (node, name_t, node);
        if (strcmp (name->text, text) == 0)
            return name->number;
    }
    name_t *name = hf_alloc (sizeof *name + size + 1);
    memcpy (name->text, text, size);
    *hf_array_add (&self->all) = name;
    name->number = (uint32_t)self->all.count;
    hf_table_insert (&self->table, &name->node, hash);
    return name->number;
}

const char *
names_text (const names_t *self, uint32_t number)
{
    assert (number >= 1 && number <= self->all.count);
    return self->all.list[number - 1]->text;
}

//  ---- verdicts ---------------------------------------------------------------------

static const char *const s_promise_names[HF_PROMISES] = {
#define S_NAME(name, text) text,
    HF_PROMISE_LIST (S_NAME)};

const char *const check_kind_names[] = {"?",      "open",    "close",  "acquire", "release",
                                        "cancel", "abandon", "append", "read",    "keepalive",
                                        "lost",   "ended",   "share",  "note",    NULL};
static const char *const s_said_names[] = {"undecided", "OK",   "NOT_GRANTED", "NOT_HOLDER",
                                           "expired",   "LOST", "NOT_FOUND",   "refused"};

static void
s_report_op (const hf_check_t *self, const op_t *op)
{
    if (!op)
        return;
    fprintf (self->out, "    %s:%u: %s", self->sources.list[op->source], op->line,
             check_kind_names[op->kind]);
    if (op->lock)
        fprintf (self->out, " lock \"%s\"", names_text (&self->locks, op->lock));
    if (op->file)
        fprintf (self->out, " file \"%s\"", names_text (&self->files, op->file));
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
    s_report_op (self, op);
    s_report_op (self, other);
}

unsigned
hf_check_found (const hf_check_t *self, hf_promise_t promise)
{
    assert (promise < HF_PROMISES);
    return self->found[promise];
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
    check_rings (self);
    check_files (self);
    check_reads (self);
    return self->total;
}

void
hf_check_summary (const hf_check_t *self, FILE *out)
{
    fprintf (out,
             "holdfast-check: %zu operations, %zu grants, %zu sections (%zu undecided), %zu reads "
             "(%zu checked), %zu locks, %zu files on %u nodes, %zu deadlocks: %u violations",
             self->ops.count, self->grants, self->sections, self->undecided, self->reads,
             self->reads_checked, self->locks.all.count, self->files.all.count, self->nodes,
             self->deadlocks, self->total);
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
