/*  Disk space of one node, read from its data folder; a series of measurements of each node, and
 *  whether it stays flat. */
#include "bench/samples.h"
#include "base/hf_array.h"
#include <assert.h>
#include <errno.h>
#include <fts.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

//  ---- one measurement ------------------------------------------------------------

static bool
s_begins (const char *text, const char *with)
{
    return strncmp (text, with, strlen (with)) == 0;
}

int
hf_usage_take (const char *folder, hf_usage_t *usage)
{
    char *const folders[] = {(char *)folder, NULL};
    FTS *tree = fts_open (folders, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    hf_usage_t bytes = {0};
    int error = 0;
    const FTSENT *entry;
    while (tree && (entry = fts_read (tree)) != NULL) {
        if (entry->fts_errno && (entry->fts_errno != ENOENT || entry->fts_level == 0))
            error = entry->fts_errno;
        if (entry->fts_info != FTS_F)
            continue;
        const char *name = entry->fts_path + strlen (folder) + 1;
        uint64_t *part = s_begins (name, "log.db")     ? &bytes.log_kib
                         : s_begins (name, "state.db") ? &bytes.state_kib
                         : s_begins (name, "files.db") ? &bytes.filesdb_kib
                         : s_begins (name, "files/")   ? &bytes.files_kib
                                                       : &bytes.other_kib;
        *part += (uint64_t)entry->fts_statp->st_size;
    }
    if (!tree)
        return -1;
    fts_close (tree);
    *usage = (hf_usage_t){.log_kib = (bytes.log_kib + 1023) / 1024,
                          .state_kib = (bytes.state_kib + 1023) / 1024,
                          .filesdb_kib = (bytes.filesdb_kib + 1023) / 1024,
                          .files_kib = (bytes.files_kib + 1023) / 1024,
                          .other_kib = (bytes.other_kib + 1023) / 1024};
    errno = error;
    return error ? -1 : 0;
}

uint64_t
hf_usage_databases_kib (const hf_usage_t *self)
{
    return self->log_kib + self->state_kib + self->filesdb_kib;
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
    fputs ("operations", file);
    for (uint32_t i = 1; i <= self->nodes; i++)
        fprintf (file,
                 "\tn%u_rss_kib\tn%u_log_kib\tn%u_state_kib\tn%u_filesdb_kib\tn%u_files_kib"
                 "\tn%u_other_kib",
                 i, i, i, i, i, i);
    fputc ('\n', file);
    for (size_t row = 0; row < self->operations.count; row++) {
        fprintf (file, "%" PRIu64, self->operations.list[row]);
        for (uint32_t i = 0; i < self->nodes; i++) {
            const hf_usage_t *usage = &self->usage.list[row * self->nodes + i];
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
    for (size_t row = 0; row < self->operations.count; row++) {
        double at = (double)self->operations.list[row];
        if (at <= from || at > to)
            continue;
        const hf_usage_t *usage = &self->usage.list[row * self->nodes + node];
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
    if (self->operations.count == 0)
        return 0;
    double all = (double)self->operations.list[self->operations.count - 1];
    uint64_t before = s_greatest (self, node, what, all / 4, all / 2);
    uint64_t last = s_greatest (self, node, what, all * 3 / 4, all);
    return before ? (double)last / (double)before : 0;
}
