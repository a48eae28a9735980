//  Swapping in the state of another node, at the start. The snapshot stays until all of it is on
//  disk: until the log says so, the next start does every step again.
//
//    1. state.db anew, from the rows
//    2. files.db and the files anew
//    3. the folder synced: the old state is removed for good
//    4. the log begins behind the snapshot's point, in one transaction
//    5. the snapshot is removed
//
//  A cut before 4 leaves a log without the point: all is done again. A cut after 4 leaves a log
//  that has it: the snapshot is only thrown away.

#include "nodes/snapshot/disk/hf_snapshot_install.h"
#include "base/hf_alloc.h"
#include "base/hf_hash.h"
#include "nodes/snapshot/hf_snapshot_format.h"
#include "nodes/snapshot/disk/hf_snapshot_stage.h"
#include "nodes/store/hf_dir.h"
#include "nodes/store/hf_file_internal.h"
#include "nodes/store/hf_state_store.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE_BYTES  (1U << 20)  //  of rows in one write, and of a file
#define COMMIT_BYTES (64U << 20) //  of files between two commits
#define COMMIT_FILES 1000        //  likewise

typedef struct install {
    const char *dir;
    int dir_fd;
    hf_snapshot_t *snapshot;
    char *error;
} install_t;

static int
s_fail (const install_t *self, const char *verb, const char *name)
{
    return hf_error_cannot (self->error, verb, self->dir, name);
}

static int
s_remove (const install_t *self, const char *name)
{
    if (unlinkat (self->dir_fd, name, 0) != 0 && errno != ENOENT)
        return s_fail (self, "remove", name);
    return 0;
}

/*  The database NAME and what SQLite keeps beside it. Its WAL first: one without its database is
 *  refused as damage. */
static int
s_remove_database (const install_t *self, const char *name)
{
    static const char *const ends[] = {"-wal", "-shm", "-journal", ""};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        char path[64];
        snprintf (path, sizeof path, "%s%s", name, ends[i]);
        if (s_remove (self, path) != 0)
            return -1;
    }
    return 0;
}

//  ---- the rows ----------------------------------------------------------------------

static int
s_write_rows (const install_t *self, hf_state_store_t *store, const uint8_t *bytes)
{
    const hf_state_head_t *head = &self->snapshot->head;
    hf_scan_t scan = hf_scan (bytes, (size_t)head->rows_size);
    hf_pack_t changes;
    hf_pack_init (&changes);
    int rc = 0;
    do { //  at least once: the index must be there, even without a row
        hf_pack_reset (&changes);
        while (!hf_scan_at_end (&scan) && hf_pack_size (&changes) < PIECE_BYTES) {
            hf_state_row_t row;
            bool good = hf_state_row_get (&scan, &row);
            assert (good); //  hf_snapshot_rows has seen it
            hf_state_change_put (&changes,
                                 &(hf_state_change_t){.key = row.key, .value = row.value});
        }
        rc = hf_state_store_write (store, head->index, hf_pack_list (&changes));
    } while (rc == 0 && !hf_scan_at_end (&scan));
    if (rc != 0)
        hf_error_set (self->error, "%s", hf_state_store_error (store));
    hf_pack_done (&changes);
    return rc;
}

static int
s_install_rows (const install_t *self)
{
    uint8_t *bytes;
    if (s_remove_database (self, "state.db") != 0)
        return -1;
    if (hf_snapshot_rows (self->snapshot, &bytes) != 0)
        return hf_error_set (self->error, "%s", self->snapshot->error);
    hf_state_store_t *store = hf_state_store_open (self->dir, self->error);
    int rc = store ? s_write_rows (self, store, bytes) : -1;
    hf_state_store_close (&store);
    free (bytes);
    return rc;
}

//  ---- the files ---------------------------------------------------------------------

static int
s_copy_file (const install_t *self, hf_file_store_t *store, const hf_file_row_t *row,
             uint64_t offset, uint8_t *buffer)
{
    uint64_t done = 0;
    uint64_t sum = HF_FNV_EMPTY;
    do { //  at least once: a file may be empty
        uint64_t left = row->length - done;
        size_t size = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
        if (hf_snapshot_read (self->snapshot, offset + done, buffer, size) != 0)
            return hf_error_set (self->error, "%s", self->snapshot->error);
        if (hf_file_put (store, row->file, hf_span (buffer, size)) != 0)
            return hf_error_set (self->error, "%s", hf_file_store_error (store));
        sum = hf_fnv (sum, buffer, size);
        done += size;
    } while (done < row->length);
    return sum == row->checksum ? 0
                                : hf_error_set (self->error, "%s changed while it was read",
                                                self->snapshot->source.name);
}

static int
s_write_files (const install_t *self, hf_file_store_t *store, uint8_t *buffer)
{
    const hf_state_head_t *head = &self->snapshot->head;
    hf_scan_t scan = hf_scan_list (head->files);
    uint64_t offset = self->snapshot->files_at;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < head->files.count; i++) {
        hf_file_row_t row;
        bool good = hf_file_row_get (&scan, &row);
        assert (good); //  hf_snapshot_open has seen it
        if (s_copy_file (self, store, &row, offset, buffer) != 0)
            return -1;
        offset += row.length;
        bytes += row.length;
        if (bytes < COMMIT_BYTES && (i + 1) % COMMIT_FILES != 0)
            continue;
        bytes = 0;
        if (hf_file_store_commit (store) != 0)
            return hf_error_set (self->error, "%s", hf_file_store_error (store));
    }
    if (hf_file_set_written (store, head->section) != 0 || hf_file_store_commit (store) != 0)
        return hf_error_set (self->error, "%s", hf_file_store_error (store));
    return 0;
}

static int
s_install_files (const install_t *self)
{
    if (s_remove_database (self, "files.db") != 0)
        return -1;
    //  With no record of any, opening removes all files.
    hf_file_store_t *store = hf_file_store_open (self->dir, self->error);
    uint8_t *buffer = hf_alloc (PIECE_BYTES);
    int rc = store ? s_write_files (self, store, buffer) : -1;
    free (buffer);
    hf_file_store_close (&store);
    return rc;
}

//  ---- the log -----------------------------------------------------------------------

typedef struct point {
    uint64_t index;
    uint64_t term; //  of that entry, by the runs of terms
} point_t;

static void
s_find_term (void *arg, uint64_t first_index, uint64_t term)
{
    point_t *point = arg;
    if (first_index <= point->index)
        point->term = term;
}

/*  What hf_snapshot_swap gives. */
static bool
s_swaps (hf_log_store_t *log, const hf_state_head_t *head, hf_log_state_t *after)
{
    hf_log_state_t before = *hf_log_store_state (log);
    point_t point = {.index = head->index};
    if (head->index >= before.base_index && head->index <= before.last_index) {
        point.term = before.base_term;
        hf_log_store_spans (log, s_find_term, &point);
    }
    return hf_snapshot_swap (&before, head, point.term, after);
}

static int
s_reset_log (const install_t *self, hf_log_store_t *log, const hf_log_state_t *after)
{
    if (hf_log_store_reset (log, after->base_index, after->base_term,
                            self->snapshot->head.roster) != 0 ||
        hf_log_store_commit (log) != 0)
        return hf_error_set (self->error, "%s", hf_log_store_error (log));
    assert (hf_log_store_state (log)->term == after->term);
    assert (hf_log_store_state (log)->voted_for.node == after->voted_for.node);
    return 0;
}

//  ---- all of it -----------------------------------------------------------------------

typedef struct ready {
    int fd;
    char path[256];
} ready_t;

static int
s_discard (const install_t *self)
{
    if (s_remove (self, HF_STAGE_PARTIAL) != 0 || s_remove (self, HF_STAGE_READY) != 0)
        return -1;
    if (unlinkat (self->dir_fd, HF_STAGE_FOLDER, AT_REMOVEDIR) != 0 && errno != ENOENT)
        return s_fail (self, "remove", HF_STAGE_FOLDER);
    return hf_dir_sync (self->dir, self->error);
}

/*  1: swapped in; 0: the log is further on. */
static int
s_swap_in (const install_t *self)
{
    hf_log_store_t *log = hf_log_store_open (self->dir, self->error);
    if (!log)
        return -1;
    hf_log_state_t after;
    int rc = s_swaps (log, &self->snapshot->head, &after) ? 1 : 0;
    if (rc == 1 && hf_snapshot_check (self->snapshot) != 0)
        rc = hf_error_set (self->error, "%s; %s", self->snapshot->error, HF_WAY_OUT);
    if (rc == 1 &&
        (s_install_rows (self) != 0 || s_install_files (self) != 0 ||
         hf_dir_sync (self->dir, self->error) != 0 || s_reset_log (self, log, &after) != 0))
        rc = -1;
    hf_log_store_close (&log);
    return rc;
}

static int
s_read_fd (void *arg, uint64_t offset, uint8_t *bytes, size_t size, char error[HF_ERROR_SIZE])
{
    const ready_t *ready = arg;
    return hf_snapshot_stage_pread (ready->fd, ready->path, offset, bytes, size, error);
}

static int
s_take_ready (const install_t *self, int fd, uint64_t *index)
{
    struct stat info;
    if (fstat (fd, &info) != 0)
        return s_fail (self, "look at", HF_STAGE_READY);
    ready_t ready = {.fd = fd};
    snprintf (ready.path, sizeof ready.path, "%s/" HF_STAGE_READY, self->dir);
    hf_snapshot_source_t source = {
        .arg = &ready, .name = ready.path, .total = (uint64_t)info.st_size, .read = s_read_fd};
    int rc = hf_snapshot_open (self->snapshot, &source);
    if (rc != 0)
        rc = hf_error_set (self->error, "%s; %s", self->snapshot->error, HF_WAY_OUT);
    else
        rc = s_swap_in (self);
    *index = rc == 1 ? self->snapshot->head.index : 0;
    hf_snapshot_close (self->snapshot);
    return rc;
}

int
hf_snapshot_install (const char *dir, uint64_t *index, char error[HF_ERROR_SIZE])
{
    hf_snapshot_t snapshot;
    install_t self = {.dir = dir, .snapshot = &snapshot, .error = error};
    *index = 0;
    self.dir_fd = open (dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (self.dir_fd < 0)
        return s_fail (&self, "open", "");
    int rc = 0;
    if (faccessat (self.dir_fd, HF_STAGE_FOLDER, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        int fd = openat (self.dir_fd, HF_STAGE_READY, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0 && errno != ENOENT)
            rc = s_fail (&self, "open", HF_STAGE_READY);
        if (fd >= 0) {
            rc = s_take_ready (&self, fd, index);
            close (fd);
        }
        if (rc >= 0 && s_discard (&self) != 0)
            rc = -1;
    }
    close (self.dir_fd);
    return rc;
}
