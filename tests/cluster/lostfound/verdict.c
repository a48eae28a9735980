//  The end of a run: the watchdog, the last restart, and the checker's verdict.

#include "tests/cluster/lostfound/verdict.h"
#include "tests/cluster/check/check.h"
#include "tests/cluster/lostfound/client.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define S_NODES_MAX 8

//  ---- the end of a run -----------------------------------------------------------

static int s_watchdog_code;

static void
s_bark (int signal_number)
{
    (void)signal_number;
    static const char text[] = "violation: no end within the limit\n";
    ssize_t ignored = write (STDERR_FILENO, text, sizeof text - 1);
    (void)ignored;
    _exit (s_watchdog_code);
}

void
hf_watchdog (uint32_t limit_s, int code)
{
    s_watchdog_code = code;
    signal (SIGALRM, s_bark);
    alarm (limit_s);
}

bool
hf_restart_all (hf_cluster_t *cluster, uint32_t limit_ms)
{
    for (uint32_t id = 1; id <= hf_cluster_count (cluster); id++)
        hf_cluster_kill (cluster, id);
    bool agree = hf_cluster_start_all (cluster) &&
                 hf_cluster_wait_leader (cluster, limit_ms) != 0 &&
                 hf_cluster_wait_equal (cluster, limit_ms);
    if (!agree)
        fprintf (stderr, "violation: the nodes did not agree after a restart\n");
    return agree;
}

//  ---- the verdict ----------------------------------------------------------------

typedef struct s_file {
    char *at;
    size_t size;
} s_file_t;

typedef struct s_disks {
    hf_cluster_t *cluster;
    uint32_t nodes;
    uint32_t first;                       //  of those that are there
    s_file_t file[S_NODES_MAX][HF_FILES]; //  by node id
} s_disks_t;

static void
s_forget (s_disks_t *self)
{
    for (uint32_t id = 1; id <= self->nodes; id++) {
        for (unsigned i = 0; i < HF_FILES; i++) {
            free (self->file[id][i].at);
            self->file[id][i] = (s_file_t){0};
        }
    }
}

/*  Read all files from all disks; true when every node has the same bytes. */
static bool
s_equal (s_disks_t *self)
{
    bool equal = true;
    s_forget (self);
    for (uint32_t id = 1; id <= self->nodes; id++) {
        for (unsigned i = 0; i < HF_FILES; i++) {
            s_file_t *file = &self->file[id][i];
            const s_file_t *first = &self->file[self->first][i];
            if (hf_cluster_absent (self->cluster, id))
                continue;
            file->at = hf_cluster_read (self->cluster, id, hf_file_names[i], &file->size);
            equal = equal && file->size == first->size &&
                    (file->size == 0 || memcmp (file->at, first->at, file->size) == 0);
        }
    }
    return equal;
}

static void
s_report_difference (const s_disks_t *self)
{
    for (unsigned i = 0; i < HF_FILES; i++) {
        fprintf (stderr, "violation: the nodes' disks differ: \"%s\" has", hf_file_names[i]);
        for (uint32_t id = 1; id <= self->nodes; id++) {
            if (!hf_cluster_absent (self->cluster, id))
                fprintf (stderr, " %zu", self->file[id][i].size);
        }
        fprintf (stderr, " bytes\n");
    }
}

static unsigned
s_check (const s_disks_t *disks, const char *path)
{
    char error[HF_ERROR_SIZE] = "";
    FILE *stream = fopen (path, "re");
    hf_check_t *check = hf_check_new (stderr);
    bool readable = stream && hf_check_read (check, stream, path, error);
    if (stream)
        fclose (stream);
    for (uint32_t id = 1, place = 0; id <= disks->nodes; id++) {
        for (unsigned i = 0; i < HF_FILES; i++) {
            const s_file_t *file = &disks->file[id][i];
            if (file->at)
                hf_check_content (check, place, hf_file_names[i], file->at, file->size);
        }
        place += !hf_cluster_absent (disks->cluster, id);
    }
    unsigned violations = hf_check_run (check);
    if (!readable) {
        fprintf (stderr, "violation: no history to check: %s\n", error);
        violations++;
    }
    hf_check_summary (check, stdout);
    hf_check_destroy (&check);
    return violations;
}

unsigned
hf_verdict (hf_cluster_t *cluster, uint32_t nodes, const char *path, uint32_t limit_ms)
{
    s_disks_t disks = {.cluster = cluster, .nodes = nodes, .first = 1};
    while (disks.first < nodes && hf_cluster_absent (cluster, disks.first))
        disks.first++;
    unsigned violations = 0;
    if (!HF_WAIT (s_equal (&disks), limit_ms)) {
        if (limit_ms > 0) {
            s_report_difference (&disks);
            violations++;
        }
        s_forget (&disks); //  the history by itself can still be checked
    }
    violations += s_check (&disks, path);
    s_forget (&disks);
    return violations;
}
