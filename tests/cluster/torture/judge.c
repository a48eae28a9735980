//  After the faults: does everything work again, and was every promise kept?

#include "tests/cluster/torture/judge.h"
#include "tests/cluster/check/check.h"
#include "tests/cluster/lostfound/client.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define S_LIMIT_MS 60000

//  ---- progress -------------------------------------------------------------------

static void
s_tell_nodes (hf_world_t *world)
{
    for (uint32_t id = 1; id <= world->nodes; id++) {
        hf_node_status_t status;
        if (hf_cluster_status (world->cluster, id, &status))
            fprintf (stderr,
                     "torture: node %u: %s of term %" PRIu64 ", leader %u, last %" PRIu64
                     ", commit %" PRIu64 ", applied %" PRIu64 ", hash %016" PRIx64
                     ", links %" PRIu64 "\n",
                     id, status.role, status.term, status.leader, status.last_index,
                     status.commit_index, status.applied_index, status.state_hash, status.links_up);
        else
            fprintf (stderr, "torture: node %u does not answer\n", id);
    }
}

/*  Who lost its disk is one of them again. */
static bool
s_all_count (void *arg)
{
    hf_world_t *world = arg;
    for (uint32_t id = 1; id <= world->nodes; id++) {
        hf_node_status_t status;
        if (!hf_cluster_status (world->cluster, id, &status) || status.not_counted != 0)
            return false;
    }
    return true;
}

/*  Clients end, and nodes agree. */
static bool
s_progress (hf_world_t *world)
{
    uint64_t start_ms = hf_wait_now_ms ();
    if (hf_cluster_wait_leader (world->cluster, S_LIMIT_MS) == 0) {
        fprintf (stderr, "violation: no leader %u ms after all healed\n", S_LIMIT_MS);
        s_tell_nodes (world);
        return false;
    }
    hf_world_note (world, "all name one leader after %llu ms",
                   (unsigned long long)(hf_wait_now_ms () - start_ms));
    if (!hf_crew_finish (world->crew, S_LIMIT_MS)) {
        s_tell_nodes (world);
        return false;
    }
    hf_world_note (world, "clients have ended");
    if (!hf_wait_for (s_all_count, world, S_LIMIT_MS)) {
        fprintf (stderr, "violation: a node that lost its disk was not taken in again\n");
        s_tell_nodes (world);
        return false;
    }
    return true;
}

static bool
s_all_again (hf_world_t *world)
{
    for (uint32_t id = 1; id <= world->nodes; id++)
        hf_cluster_kill (world->cluster, id);
    hf_world_note (world, "all killed once more");
    if (hf_cluster_start_all (world->cluster) &&
        hf_cluster_wait_leader (world->cluster, S_LIMIT_MS) != 0 &&
        hf_cluster_wait_equal (world->cluster, S_LIMIT_MS))
        return true;
    fprintf (stderr, "violation: the nodes did not agree after a restart\n");
    s_tell_nodes (world);
    return false;
}

//  ---- files ------------------------------------------------------------------------

typedef struct s_file {
    char *at;
    size_t size;
} s_file_t;

typedef struct s_files {
    hf_world_t *world;
    s_file_t file[8][HF_FILES]; //  by node
} s_files_t;

static void
s_forget (s_files_t *self)
{
    for (unsigned id = 0; id < 8; id++) {
        for (unsigned i = 0; i < HF_FILES; i++) {
            free (self->file[id][i].at);
            self->file[id][i] = (s_file_t){0};
        }
    }
}

static bool
s_equal (const s_file_t *a, const s_file_t *b)
{
    return a->size == b->size && (a->size == 0 || memcmp (a->at, b->at, a->size) == 0);
}

/*  Files follow the log within a moment. */
static bool
s_files_are_equal (void *arg)
{
    s_files_t *self = arg;
    bool equal = true;
    s_forget (self);
    for (uint32_t id = 1; id <= self->world->nodes; id++) {
        for (unsigned i = 0; i < HF_FILES; i++) {
            s_file_t *file = &self->file[id][i];
            file->at = hf_cluster_read (self->world->cluster, id, hf_file_names[i], &file->size);
            equal = equal && s_equal (file, &self->file[1][i]);
        }
    }
    return equal;
}

static unsigned
s_tell_difference (const s_files_t *self)
{
    for (unsigned i = 0; i < HF_FILES; i++) {
        fprintf (stderr, "violation: the nodes' disks differ: \"%s\" has", hf_file_names[i]);
        for (uint32_t id = 1; id <= self->world->nodes; id++)
            fprintf (stderr, " %zu", self->file[id][i].size);
        fprintf (stderr, " bytes\n");
    }
    return 1;
}

//  ---- the history ------------------------------------------------------------------

static unsigned
s_check (s_files_t *files)
{
    char error[HF_ERROR_SIZE] = "";
    const char *path = hf_crew_history (files->world->crew);
    FILE *stream = fopen (path, "re");
    hf_check_t *check = hf_check_new (stderr);
    bool readable = stream && hf_check_read (check, stream, path, error);
    if (stream)
        fclose (stream);
    for (uint32_t id = 1; id <= files->world->nodes; id++) {
        for (unsigned i = 0; i < HF_FILES; i++) {
            if (files->file[id][i].at)
                hf_check_content (check, id - 1, hf_file_names[i], files->file[id][i].at,
                                  files->file[id][i].size);
        }
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

hf_verdict_code_t
hf_judge (hf_world_t *world, unsigned *violations)
{
    world->leader_changes = hf_watch_changes (world->watch);
    hf_watch_destroy (&world->watch);
    bool progress = s_progress (world) && s_all_again (world);
    s_files_t files = {.world = world};
    bool equal = hf_wait_for (s_files_are_equal, &files, progress ? S_LIMIT_MS : 0);
    if (!equal && progress)
        *violations += s_tell_difference (&files);
    if (!equal)
        s_forget (&files); //  what the history says by itself can still be checked
    *violations += s_check (&files);
    s_forget (&files);
    return *violations ? HF_VERDICT_BROKEN : progress ? HF_VERDICT_FINE : HF_VERDICT_NO_PROGRESS;
}
