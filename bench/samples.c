/*  Disk space of one node, read from its data folder; a series of measurements of each node, and
 *  whether it stays flat. */
#include "bench/samples.h"
#include "base/hf_array.h"
#include <assert.h>
#include <errno.h>
#include <fts.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

//  ---- one measurement ------------------------------------------------------------

/*  The part that a file of the data folder belongs to. */
static hf_usage_part_t
s_part (const char *name)
{
    static const char *const begins[HF_USAGE_PARTS] = {
        [HF_USAGE_LOG] = "log.db", "state.db", "files.db", "files/"};
    hf_usage_part_t part = HF_USAGE_LOG;
    while (part < HF_USAGE_OTHER && strncmp (name, begins[part], strlen (begins[part])) != 0)
        part++;
    return part;
}

int
hf_usage_take (const char *folder, hf_usage_t *usage)
{
    char *const folders[] = {(char *)folder, NULL};
    FTS *tree = fts_open (folders, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (!tree)
        return -1;
    *usage = (hf_usage_t){0};
    int error = 0;
    const FTSENT *entry;
    while ((entry = fts_read (tree)) != NULL) {
        if (entry->fts_errno && (entry->fts_errno != ENOENT || entry->fts_level == 0))
            error = entry->fts_errno;
        if (entry->fts_info == FTS_F)
            usage->kib[s_part (entry->fts_path + strlen (folder) + 1)] +=
                (uint64_t)entry->fts_statp->st_size;
    }
    fts_close (tree);
    for (unsigned i = 0; i < HF_USAGE_PARTS; i++)
        usage->kib[i] = (usage->kib[i] + 1023) / 1024;
    errno = error;
    return error ? -1 : 0;
}

uint64_t
hf_usage_databases_kib (const hf_usage_t *self)
{
    return self->kib[HF_USAGE_LOG] + self->kib[HF_USAGE_STATE] + self->kib[HF_USAGE_FILESDB];
}

//  ---- the series -----------------------------------------------------------------

struct hf_samples {
    uint32_t nodes;
    HF_ARRAY (uint64_t) operations;
    HF_ARRAY (hf_usage_t) usage; //  NODES to a sample
};

hf_samples_t *
hf_samples_new (uint32_t nodes)
{
    assert (nodes > 0);
    hf_samples_t *self = hf_alloc (sizeof *self);
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
    hf_array_free (&self->operations);
    hf_array_free (&self->usage);
    free (self);
    *self_p = NULL;
}

void
hf_samples_add (hf_samples_t *self, uint64_t operations, const hf_usage_t *nodes)
{
    size_t count = self->operations.count;
    assert (count == 0 || operations >= self->operations.list[count - 1]);
    *hf_array_add (&self->operations) = operations;
    for (uint32_t i = 0; i < self->nodes; i++)
        *hf_array_add (&self->usage) = nodes[i];
}

int
hf_samples_write (const hf_samples_t *self, const char *path)
{
    FILE *file = fopen (path, "we");
    if (!file)
        return -1;
    static const char *const names[] = {"rss", "log", "state", "filesdb", "files", "other"};
    fputs ("operations", file);
    for (uint32_t i = 0; i < self->nodes * HF_USAGE_PARTS; i++)
        fprintf (file, "\tn%u_%s_kib", i / HF_USAGE_PARTS + 1, names[i % HF_USAGE_PARTS]);
    for (size_t row = 0; row < self->operations.count; row++) {
        const hf_usage_t *usage = &self->usage.list[row * self->nodes];
        fprintf (file, "\n%" PRIu64, self->operations.list[row]);
        for (uint32_t i = 0; i < self->nodes * HF_USAGE_PARTS; i++)
            fprintf (file, "\t%" PRIu64, usage[i / HF_USAGE_PARTS].kib[i % HF_USAGE_PARTS]);
    }
    fputc ('\n', file);
    int failed = ferror (file);
    return fclose (file) || failed ? -1 : 0;
}

/*  The greatest of the samples after more than FROM and up to TO operations. */
static uint64_t
s_greatest (const hf_samples_t *self, uint32_t node, hf_samples_what_t what, double from, double to)
{
    uint64_t greatest = 0;
    for (size_t row = 0; row < self->operations.count; row++) {
        double at = (double)self->operations.list[row];
        if (at <= from || at > to)
            continue;
        const hf_usage_t *usage = &self->usage.list[row * self->nodes + node];
        uint64_t value =
            what == HF_SAMPLES_MEMORY ? usage->kib[HF_USAGE_RSS] : hf_usage_databases_kib (usage);
        if (value > greatest)
            greatest = value;
    }
    return greatest;
}

double
hf_samples_growth (const hf_samples_t *self, uint32_t node, hf_samples_what_t what)
{
    assert (node < self->nodes);
    if (self->operations.count == 0)
        return 0;
    double all = (double)self->operations.list[self->operations.count - 1];
    uint64_t before = s_greatest (self, node, what, all / 4, all / 2);
    uint64_t last = s_greatest (self, node, what, all * 3 / 4, all);
    return before ? (double)last / (double)before : 0;
}
