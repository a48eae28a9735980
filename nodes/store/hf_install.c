//  Swapping in the state of another node, at the start. The stream stays until all of it is on
//  disk: until the log says so, every step is simply done again by the next start.
//
//    1. state.db anew, from the rows
//    2. files.db and the files anew
//    3. the folder synced: what was there before is gone for good
//    4. the log begins behind the stream's point, in one transaction
//    5. the stream goes
//
//  A cut before 4 leaves a log without the point: all is done again. A cut after 4 leaves a log
//  that has it: the stream is only thrown away.

#include "nodes/store/hf_install.h"
#include "nodes/store/hf_file_internal.h"
#include "nodes/store/hf_state_store.h"
#include "nodes/store/hf_stream.h"
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
    hf_stream_t *stream;
    char *error;
} install_t;

static int
s_fail (const install_t *self, const char *what, const char *name)
{
    return hf_db_say (self->error, "cannot %s %s/%s: %s", what, self->dir, name, strerror (errno));
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
    const hf_state_head_t *head = &self->stream->head;
    hf_scan_t scan = hf_scan (bytes, (size_t)head->rows_size);
    hf_pack_t changes;
    hf_pack_init (&changes);
    int rc = 0;
    do { //  at least once: the index must be there, even without a row
        hf_pack_reset (&changes);
        while (!hf_scan_at_end (&scan) && hf_pack_size (&changes) < PIECE_BYTES) {
            hf_state_row_t row;
            bool good = hf_state_row_get (&scan, &row);
            assert (good); //  hf_stream_rows has seen it
            hf_state_change_put (&changes,
                                 &(hf_state_change_t){.key = row.key, .value = row.value});
        }
        rc = hf_state_store_write (store, head->index, hf_pack_list (&changes));
    } while (rc == 0 && !hf_scan_at_end (&scan));
    if (rc != 0)
        hf_db_say (self->error, "%s", hf_state_store_error (store));
    hf_pack_done (&changes);
    return rc;
}

static int
s_install_rows (const install_t *self)
{
    uint8_t *bytes;
    if (s_remove_database (self, "state.db") != 0)
        return -1;
    if (hf_stream_rows (self->stream, &bytes) != 0)
        return hf_db_say (self->error, "%s", self->stream->error);
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
    uint64_t sum = HF_FILE_SUM_EMPTY;
    do { //  at least once: a file may be empty
        uint64_t left = row->length - done;
        size_t size = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
        if (hf_stream_read (self->stream, offset + done, buffer, size) != 0)
            return hf_db_say (self->error, "%s", self->stream->error);
        if (hf_file_put (store, row->file, hf_span (buffer, size)) != 0)
            return hf_db_say (self->error, "%s", hf_file_store_error (store));
        sum = hf_file_sum (sum, buffer, size);
        done += size;
    } while (done < row->length);
    return sum == row->checksum
               ? 0
               : hf_db_say (self->error, "%s changed while it was read", self->stream->path);
}

static int
s_write_files (const install_t *self, hf_file_store_t *store, uint8_t *buffer)
{
    const hf_state_head_t *head = &self->stream->head;
    hf_scan_t scan = hf_scan_list (head->files);
    uint64_t offset = self->stream->files_at;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < head->files.count; i++) {
        hf_file_row_t row;
        bool good = hf_file_row_get (&scan, &row);
        assert (good); //  hf_stream_init has seen it
        if (s_copy_file (self, store, &row, offset, buffer) != 0)
            return -1;
        offset += row.length;
        bytes += row.length;
        if (bytes < COMMIT_BYTES && (i + 1) % COMMIT_FILES != 0)
            continue;
        bytes = 0;
        if (hf_file_store_commit (store) != 0)
            return hf_db_say (self->error, "%s", hf_file_store_error (store));
    }
    if (hf_file_set_written (store, head->section) != 0 || hf_file_store_commit (store) != 0)
        return hf_db_say (self->error, "%s", hf_file_store_error (store));
    return 0;
}

static int
s_install_files (const install_t *self)
{
    if (s_remove_database (self, "files.db") != 0)
        return -1;
    //  With no record of any, opening removes all files.
    hf_file_store_t *store = hf_file_store_open (self->dir, self->error);
    uint8_t *buffer = malloc (PIECE_BYTES);
    assert (buffer);
    int rc = store ? s_write_files (self, store, buffer) : -1;
    free (buffer);
    hf_file_store_close (&store);
    return rc;
}

//  ---- the log -----------------------------------------------------------------------

typedef struct point {
    uint64_t index;
    uint64_t term; //  of that entry, as far as the runs tell
} point_t;

static void
s_find_term (void *arg, uint64_t first_index, uint64_t term)
{
    point_t *point = arg;
    if (first_index <= point->index)
        point->term = term;
}

/*  Whether the log is as far as the stream, or further. */
static bool
s_has_point (hf_log_store_t *log, const hf_state_head_t *head)
{
    uint64_t base = hf_log_store_first_index (log) - 1;
    if (head->index > hf_log_store_last_index (log))
        return false;
    point_t point = {.index = head->index, .term = hf_log_store_base_term (log)};
    hf_log_store_spans (log, s_find_term, &point);
    return head->index < base || point.term == head->term;
}

static int
s_reset_log (const install_t *self, hf_log_store_t *log)
{
    const hf_state_head_t *head = &self->stream->head;
    if (hf_log_store_reset (log, head->index, head->term, head->roster) != 0 ||
        hf_log_store_commit (log) != 0)
        return hf_db_say (self->error, "%s", hf_log_store_error (log));
    return 0;
}

//  ---- all of it -----------------------------------------------------------------------

static int
s_discard (const install_t *self)
{
    if (s_remove (self, HF_STREAM_PARTIAL) != 0 || s_remove (self, HF_STREAM_READY) != 0)
        return -1;
    if (unlinkat (self->dir_fd, HF_STREAM_FOLDER, AT_REMOVEDIR) != 0 && errno != ENOENT)
        return s_fail (self, "remove", HF_STREAM_FOLDER);
    return hf_db_sync_folder (self->dir, self->error);
}

/*  1: swapped in; 0: the log is further on. */
static int
s_swap_in (const install_t *self)
{
    hf_log_store_t *log = hf_log_store_open (self->dir, self->error);
    if (!log)
        return -1;
    int rc = s_has_point (log, &self->stream->head) ? 0 : 1;
    if (rc == 1 && hf_stream_check (self->stream) != 0)
        rc = hf_db_say (self->error, "%s; %s", self->stream->error, HF_DB_WAY_OUT);
    if (rc == 1 &&
        (s_install_rows (self) != 0 || s_install_files (self) != 0 ||
         hf_db_sync_folder (self->dir, self->error) != 0 || s_reset_log (self, log) != 0))
        rc = -1;
    hf_log_store_close (&log);
    return rc;
}

static int
s_take_ready (const install_t *self, int fd, uint64_t *index)
{
    struct stat info;
    if (fstat (fd, &info) != 0)
        return s_fail (self, "look at", HF_STREAM_READY);
    char path[256];
    snprintf (path, sizeof path, "%s/" HF_STREAM_READY, self->dir);
    int rc = hf_stream_init (self->stream, fd, path, (uint64_t)info.st_size);
    if (rc != 0)
        rc = hf_db_say (self->error, "%s; %s", self->stream->error, HF_DB_WAY_OUT);
    else
        rc = s_swap_in (self);
    *index = rc == 1 ? self->stream->head.index : 0;
    hf_stream_done (self->stream);
    return rc;
}

int
hf_install_pending (const char *dir, uint64_t *index, char *error)
{
    hf_stream_t stream;
    install_t self = {.dir = dir, .stream = &stream, .error = error};
    *index = 0;
    self.dir_fd = open (dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (self.dir_fd < 0)
        return s_fail (&self, "open", "");
    int rc = 0;
    if (faccessat (self.dir_fd, HF_STREAM_FOLDER, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        int fd = openat (self.dir_fd, HF_STREAM_READY, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0 && errno != ENOENT)
            rc = s_fail (&self, "open", HF_STREAM_READY);
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
