//  holdfastd --restore. The state goes the way that a leader's takes (nodes/snapshot/disk): it is
//  staged, durable and then swapped in, so a cut leaves no node that looks whole and is not.

#include "nodes/hf_restore.h"
#include "base/hf_alloc.h"
#include "msgs/hf_limits.h"
#include "nodes/snapshot/disk/hf_snapshot_install.h"
#include "nodes/snapshot/disk/hf_snapshot_stage.h"
#include "nodes/snapshot/hf_backup_format.h"
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE_BYTES (1U << 20)

typedef struct restore {
    const hf_node_t *node;
    const hf_options_t *options;
    int fd;
    hf_backup_t backup;
    hf_snapshot_t snapshot;
    hf_state_t *state;
    char error[HF_ERROR_SIZE];
} restore_t;

//  ---- the folder, the backup ----------------------------------------------------------

static int
s_check_folder (restore_t *self)
{
    const char *path = self->options->data;
    DIR *folder = opendir (path);
    if (!folder && errno == ENOENT)
        return 0;
    if (!folder)
        return hf_error_set (self->error, "cannot open %s: %s", path, strerror (errno));
    int rc = 0;
    for (const struct dirent *entry; rc == 0 && (entry = readdir (folder));)
        if (strcmp (entry->d_name, ".") != 0 && strcmp (entry->d_name, "..") != 0)
            rc = hf_error_set (self->error,
                               "%s is not empty: a backup is restored to a new folder alone", path);
    closedir (folder);
    return rc;
}

static int
s_read (void *arg, uint64_t offset, uint8_t *bytes, size_t size, char error[HF_ERROR_SIZE])
{
    const restore_t *self = arg;
    return hf_snapshot_stage_pread (self->fd, self->options->restore, offset, bytes, size, error);
}

/*  Check all of it before anything is made of it. */
static int
s_open_backup (restore_t *self)
{
    struct stat info;
    const char *path = self->options->restore;
    self->fd = open (path, O_RDONLY | O_CLOEXEC);
    if (self->fd < 0 || fstat (self->fd, &info) != 0)
        return hf_error_set (self->error, "cannot open %s: %s", path, strerror (errno));
    hf_snapshot_source_t file = {
        .arg = self, .name = path, .total = (uint64_t)info.st_size, .read = s_read};
    if (hf_backup_open (&self->backup, &file, self->error) != 0)
        return -1;
    hf_snapshot_source_t source = hf_backup_source (&self->backup);
    if (hf_snapshot_open (&self->snapshot, &source) != 0 ||
        hf_snapshot_check (&self->snapshot) != 0)
        return hf_error_set (self->error, "%s", self->snapshot.error);
    return 0;
}

//  ---- the state -----------------------------------------------------------------------

/*  Close every session as its own client would: what it holds is free, what it staged is gone. */
static void
s_drop_sessions (const restore_t *self, hf_pack_t *commands)
{
    uint64_t session = 0;
    uint32_t lease_ms;
    while (hf_state_next_session (self->state, session, &session, &lease_ms))
        hf_cmd_close_put (commands, &(hf_cmd_close_t){.session = session});
}

/*  The old cluster went on after the backup: what it has given out since is left out. */
static void
s_begin_anew (restore_t *self)
{
    hf_pack_t commands, payload;
    hf_outcomes_t outcomes;
    hf_pack_init (&commands);
    hf_pack_init (&payload);
    hf_outcomes_init (&outcomes);
    hf_cmd_skip_put (&commands, &(hf_cmd_skip_t){.by = HF_SKIP_MAX});
    if (self->options->drop_sessions)
        s_drop_sessions (self, &commands);
    hf_payload_put (&payload, hf_pack_list (&commands));
    hf_entry_t entry = {.term = hf_state_applied_term (self->state),
                        .type = HF_ENTRY_COMMANDS,
                        .payload = hf_span (hf_pack_bytes (&payload), hf_pack_size (&payload))};
    hf_state_apply (self->state, hf_state_applied_index (self->state) + 1, &entry, &outcomes);
    assert (!self->options->drop_sessions || hf_state_sessions_count (self->state) == 0);
    hf_outcomes_done (&outcomes);
    hf_pack_done (&payload);
    hf_pack_done (&commands);
}

static int
s_load_state (restore_t *self)
{
    uint8_t *rows;
    const hf_state_head_t *head = &self->snapshot.head;
    if (hf_snapshot_rows (&self->snapshot, &rows) != 0)
        return hf_error_set (self->error, "%s", self->snapshot.error);
    self->state = hf_state_new ();
    hf_scan_t scan = hf_scan (rows, (size_t)head->rows_size);
    bool good = true;
    while (good && !hf_scan_at_end (&scan)) {
        hf_state_row_t row;
        good = hf_state_row_get (&scan, &row) && hf_state_load (self->state, row.key, row.value);
    }
    free (rows);
    good = good && hf_state_loaded (self->state) &&
           hf_state_applied_index (self->state) == head->index &&
           hf_state_section_index (self->state) == head->section;
    if (!good)
        return hf_error_set (self->error, "%s is damaged: its rows contradict each other",
                             self->options->restore);
    hf_state_forget_members (self->state);
    s_begin_anew (self);
    return 0;
}

//  ---- the folder is made --------------------------------------------------------------

static int
s_put (restore_t *self, hf_snapshot_stage_t *stage, uint64_t at, hf_span_t bytes)
{
    return hf_snapshot_stage_write (stage, at, bytes) == 0
               ? 0
               : hf_error_set (self->error, "%s", hf_snapshot_stage_error (stage));
}

/*  The bytes of the files are the backup's. */
static int
s_copy_files (restore_t *self, hf_snapshot_stage_t *stage, uint64_t at)
{
    uint8_t *piece = hf_alloc (PIECE_BYTES);
    int rc = 0;
    for (uint64_t from = self->snapshot.files_at; rc == 0 && from < self->backup.total;) {
        uint64_t left = self->backup.total - from;
        uint32_t size = left < PIECE_BYTES ? (uint32_t)left : PIECE_BYTES;
        if (hf_snapshot_read (&self->snapshot, from, piece, size) != 0)
            rc = hf_error_set (self->error, "%s", self->snapshot.error);
        else
            rc = s_put (self, stage, at, hf_span (piece, size));
        from += size;
        at += size;
    }
    free (piece);
    return rc;
}

/*  Head and rows of the new cluster's state, then the same files. */
static int
s_stage (restore_t *self)
{
    hf_pack_t rows, memory;
    hf_pack_init (&rows);
    hf_pack_init (&memory);
    hf_state_rows (self->state, &rows);
    hf_state_head_t head = self->snapshot.head;
    head.index = hf_state_applied_index (self->state);
    head.roster = hf_span (NULL, 0);
    hf_span_t all = hf_span (hf_pack_bytes (&rows), hf_pack_size (&rows));
    hf_snapshot_pack_head (&memory, &head, all);
    uint64_t rows_at = hf_pack_size (&memory), files_at = rows_at + all.size;
    uint64_t total = files_at + self->backup.total - self->snapshot.files_at;
    hf_snapshot_stage_t *stage = hf_snapshot_stage_new (self->options->data, total, self->error);
    int rc = -1;
    if (stage && s_put (self, stage, 0, hf_span (hf_pack_bytes (&memory), rows_at)) == 0 &&
        s_put (self, stage, rows_at, all) == 0)
        rc = s_copy_files (self, stage, files_at);
    if (rc == 0 && hf_snapshot_stage_ready (stage) != 0)
        rc = hf_error_set (self->error, "%s", hf_snapshot_stage_error (stage));
    hf_snapshot_stage_destroy (&stage);
    hf_pack_done (&memory);
    hf_pack_done (&rows);
    return rc;
}

static int
s_bind (restore_t *self)
{
    hf_log_store_t *log = hf_log_store_open (self->options->data, self->error);
    if (!log)
        return -1;
    int rc = hf_log_store_bind (log, self->node->id, self->node->list);
    if (rc != 0)
        hf_error_set (self->error, "%s", hf_log_store_error (log));
    hf_log_store_close (&log);
    return rc;
}

static int
s_make_folder (restore_t *self)
{
    uint64_t index;
    hf_dir_t *lock = hf_dir_open (self->options->data, self->error);
    int rc = lock ? s_stage (self) : -1;
    if (rc == 0 && hf_snapshot_install (self->options->data, &index, self->error) != 1)
        rc = -1;
    if (rc == 0)
        rc = s_bind (self);
    hf_dir_close (&lock);
    return rc;
}

int
hf_restore (const hf_node_t *node, const hf_options_t *options)
{
    restore_t *self = hf_alloc (sizeof *self);
    self->node = node;
    self->options = options;
    self->fd = -1;
    int rc = s_check_folder (self) == 0 && s_open_backup (self) == 0 && s_load_state (self) == 0 &&
                     s_make_folder (self) == 0
                 ? 0
                 : -1;
    if (rc != 0)
        fprintf (stderr, "holdfastd: %s\n", self->error);
    else
        printf ("%s has the state of entry %" PRIu64 ", command %" PRIu64
                ", for node %u of a new cluster: start it, and the others with empty folders\n",
                options->data, hf_state_applied_index (self->state),
                hf_state_command_index (self->state), node->id);
    hf_state_destroy (&self->state);
    hf_snapshot_close (&self->snapshot);
    if (self->fd >= 0)
        close (self->fd);
    free (self);
    return rc;
}
