//  A series of measurements of each node, and whether it stays flat.

#include "bench/samples.h"
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct hf_samples {
    uint32_t nodes;
    size_t count, room;
    uint64_t *operations;
    hf_usage_t *usage; //  NODES to a sample
};

hf_samples_t *
hf_samples_new (uint32_t nodes)
{
    assert (nodes > 0);
    hf_samples_t *self = calloc (1, sizeof *self);
    assert (self);
    self->nodes = nodes;
    return self;
}

void
hf_samples_destroy (hf_samples_t **self_p)
{
    assert (self_p);
    hf_samples_t *self = *self_p;
    if (!self)
        return;
    free (self->operations);
    free (self->usage);
    free (self);
    *self_p = NULL;
}

void
hf_samples_add (hf_samples_t *self, uint64_t operations, const hf_usage_t *nodes)
{
    assert (self->count == 0 || operations >= self->operations[self->count - 1]);
    if (self->count == self->room) {
        self->room = self->room ? 2 * self->room : 128;
        self->operations = realloc (self->operations, self->room * sizeof *self->operations);
        self->usage = realloc (self->usage, self->room * self->nodes * sizeof *self->usage);
        assert (self->operations && self->usage);
    }
    self->operations[self->count] = operations;
    memcpy (self->usage + self->count * self->nodes, nodes, self->nodes * sizeof *nodes);
    self->count++;
}

size_t
hf_samples_count (const hf_samples_t *self)
{
    return self->count;
}

int
hf_samples_write (const hf_samples_t *self, const char *path)
{
    FILE *file = fopen (path, "we");
    if (!file)
        return -1;
    fputs ("operations", file);
    for (uint32_t i = 1; i <= self->nodes; i++)
        fprintf (file,
                 "\tn%u_rss_kib\tn%u_log_kib\tn%u_state_kib\tn%u_filesdb_kib\tn%u_files_kib"
                 "\tn%u_other_kib",
                 i, i, i, i, i, i);
    fputc ('\n', file);
    for (size_t row = 0; row < self->count; row++) {
        fprintf (file, "%" PRIu64, self->operations[row]);
        for (uint32_t i = 0; i < self->nodes; i++) {
            const hf_usage_t *usage = &self->usage[row * self->nodes + i];
            fprintf (file,
                     "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64,
                     usage->rss_kib, usage->log_kib, usage->state_kib, usage->filesdb_kib,
                     usage->files_kib, usage->other_kib);
        }
        fputc ('\n', file);
    }
    int failed = ferror (file);
    return fclose (file) || failed ? -1 : 0;
}

/*  The greatest of the samples after more than FROM and up to TO operations. */
static uint64_t
s_greatest (const hf_samples_t *self, uint32_t node, hf_samples_what_t what, double from, double to)
{
    uint64_t greatest = 0;
    for (size_t row = 0; row < self->count; row++) {
        double at = (double)self->operations[row];
        if (at <= from || at > to)
            continue;
        const hf_usage_t *usage = &self->usage[row * self->nodes + node];
        uint64_t value =
            what == HF_SAMPLES_MEMORY ? usage->rss_kib : hf_usage_databases_kib (usage);
        if (value > greatest)
            greatest = value;
    }
    return greatest;
}

double
hf_samples_growth (const hf_samples_t *self, uint32_t node, hf_samples_what_t what)
{
    assert (node < self->nodes);
    if (self->count == 0)
        return 0;
    double all = (double)self->operations[self->count - 1];
    uint64_t before = s_greatest (self, node, what, all / 4, all / 2);
    uint64_t last = s_greatest (self, node, what, all * 3 / 4, all);
    return before ? (double)last / (double)before : 0;
}
