//  The files as they grow: one transaction at a time, sections in.

#include "base/hf_alloc.h"
#include "base/hf_hash.h"
#include "nodes/store/hf_file_internal.h"
#include "nodes/store/hf_dir.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

//  ---- life ----------------------------------------------------------------------

static const hf_tx_format_t s_format = {
    .file = "files.db",
    .what = "holdfast's record of its files",
    .application_id = 0x68664631, //  "hfF1"
    .version = 1,
    .schema = "CREATE TABLE node ("
              " one INTEGER PRIMARY KEY CHECK (one = 1),"
              " applied INTEGER NOT NULL," //  there is no row before the first section
              " row_sum INTEGER NOT NULL);"
              "CREATE TABLE files ("
              " name BLOB PRIMARY KEY,"
              " disk TEXT NOT NULL UNIQUE,"
              " length INTEGER NOT NULL,"
              " sum INTEGER NOT NULL,"
              " row_sum INTEGER NOT NULL) WITHOUT ROWID;",
    .statements =
        {
            [HF_FILE_FIND] = "SELECT " HF_FILE_COLUMNS " FROM files WHERE name = ?1",
            [HF_FILE_SAVE] =
                "INSERT OR REPLACE INTO files (" HF_FILE_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5)",
            [HF_FILE_TAKEN] = "SELECT 1 FROM files WHERE disk = ?1",
            [HF_FILE_AFTER] =
                "SELECT " HF_FILE_COLUMNS " FROM files WHERE name > ?1 ORDER BY name LIMIT ?2",
            [HF_FILE_LOAD] = "SELECT applied, row_sum, (SELECT count(*) FROM files) FROM node"
                             " UNION ALL SELECT 0, 0, count(*) FROM files",
            [HF_FILE_APPLIED] = "INSERT OR REPLACE INTO node VALUES (1, ?1, ?2)",
        },
};

static int
s_open_folder (hf_file_store_t *self, const char *dir)
{
    if (asprintf (&self->folder_path, "%s/files", dir) < 0)
        abort ();
    bool made = mkdir (self->folder_path, 0755) == 0;
    if (!made && errno != EEXIST)
        return hf_error_cannot (self->tx.error, "make", dir, "files");
    self->folder = open (self->folder_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (self->folder < 0)
        return hf_error_cannot (self->tx.error, "open", dir, "files");
    return made ? hf_dir_sync (dir, self->tx.error) : 0;
}

static uint64_t
s_applied_sum (uint64_t applied)
{
    return hf_hash_u64 (HF_FNV_EMPTY, applied);
}

static int
s_load_applied (hf_file_store_t *self)
{
    hf_tx_t *tx = &self->tx;
    int rc = hf_tx_row (tx, HF_FILE_LOAD);
    if (rc == 1) {
        uint64_t applied = hf_tx_u64 (tx, HF_FILE_LOAD, 0);
        uint64_t sum = hf_tx_u64 (tx, HF_FILE_LOAD, 1);
        bool is_new = applied == 0 && sum == 0 && hf_tx_u64 (tx, HF_FILE_LOAD, 2) == 0;
        self->applied = self->written = applied;
        if (!is_new && sum != s_applied_sum (applied))
            rc = hf_tx_damaged (tx, "the applied index is not what was written");
    }
    hf_tx_done (tx, HF_FILE_LOAD);
    return rc < 0 ? -1 : 0;
}

static hf_file_store_t *
s_open (const char *dir, bool check, char *error)
{
    hf_file_store_t *self = hf_alloc (sizeof *self);
    self->folder = -1;
    hf_file_sums_init (&self->sums);
    if (hf_tx_open (&self->tx, dir, &s_format) != 0 || s_open_folder (self, dir) != 0 ||
        s_load_applied (self) != 0 || (check && hf_file_check_all (self) != 0)) {
        memcpy (error, self->tx.error, HF_ERROR_SIZE);
        hf_file_store_close (&self);
    }
    return self;
}

hf_file_store_t *
hf_file_store_open (const char *dir, char *error)
{
    return s_open (dir, true, error);
}

hf_file_store_t *
hf_file_store_look (const char *dir, char *error)
{
    return s_open (dir, false, error);
}

void
hf_file_store_close (hf_file_store_t **self_p)
{
    hf_file_store_t *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < self->touched_count; i++)
        close (self->touched[i].fd);
    if (self->folder >= 0)
        close (self->folder);
    hf_tx_close (&self->tx);
    free (self->folder_path);
    hf_file_sums_done (&self->sums);
    free (self);
    *self_p = NULL;
}

const char *
hf_file_store_error (const hf_file_store_t *self)
{
    return self->tx.error;
}

uint64_t
hf_file_store_applied (const hf_file_store_t *self)
{
    return self->applied;
}

//  ---- sections --------------------------------------------------------------------

static int
s_fail_errno (hf_file_store_t *self, const char *verb, const char *disk_name)
{
    hf_error_cannot (self->tx.error, verb, self->folder_path, disk_name);
    return hf_tx_fail (&self->tx);
}

uint64_t
hf_file_found_sum (hf_span_t name, const hf_file_found_t *file)
{
    uint64_t sum = hf_hash (0, name.at, name.size);
    sum = hf_hash (sum, file->disk_name, strlen (file->disk_name));
    return hf_hash_u64 (hf_hash_u64 (sum, file->length), file->sum);
}

int
hf_file_found_get (hf_file_store_t *self, unsigned stmt, hf_file_found_t *file)
{
    hf_tx_t *tx = &self->tx;
    *file = (hf_file_found_t){.length = hf_tx_u64 (tx, stmt, 2), .sum = hf_tx_u64 (tx, stmt, 3)};
    hf_span_t name = hf_tx_span (tx, stmt, 0);
    hf_span_t disk = hf_tx_span (tx, stmt, 1);
    bool fits = disk.size > 0 && disk.size < HF_DISK_NAME_SIZE && disk.at[0] != '.' &&
                memchr (disk.at, '/', disk.size) == NULL && file->length <= INT64_MAX;
    if (fits)
        memcpy (file->disk_name, disk.at, disk.size);
    if (!fits || hf_tx_u64 (tx, stmt, 4) != hf_file_found_sum (name, file))
        return hf_tx_damaged (tx, "the row of a file is not what was written");
    return 0;
}

int
hf_file_find (hf_file_store_t *self, hf_span_t name, hf_file_found_t *found)
{
    hf_tx_bind (&self->tx, HF_FILE_FIND, hf_tx_bytes (name));
    int rc = hf_tx_row (&self->tx, HF_FILE_FIND);
    if (rc == 1 && hf_file_found_get (self, HF_FILE_FIND, found) != 0)
        rc = -1;
    hf_tx_done (&self->tx, HF_FILE_FIND);
    return rc;
}

int
hf_file_taken (hf_file_store_t *self, const char *disk_name)
{
    hf_tx_bind (&self->tx, HF_FILE_TAKEN, hf_tx_text (disk_name));
    int rc = hf_tx_row (&self->tx, HF_FILE_TAKEN);
    hf_tx_done (&self->tx, HF_FILE_TAKEN);
    return rc;
}

/*  A name on disk that no other file has: two long names may share their hash. */
static int
s_free_disk_name (hf_file_store_t *self, hf_span_t name, char *disk_name)
{
    hf_file_store_disk_name (name, disk_name);
    size_t size = strlen (disk_name);
    for (unsigned suffix = 1;; suffix++) {
        int rc = hf_file_taken (self, disk_name);
        if (rc <= 0)
            return rc;
        snprintf (disk_name + size, HF_DISK_NAME_SIZE - size, ".%u", suffix);
    }
}

/*  The row of NAME, or what it will be when the file is new. */
static int
s_row (hf_file_store_t *self, hf_span_t name, hf_file_found_t *found)
{
    int rc = hf_file_find (self, name, found);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    *found = (hf_file_found_t){.sum = HF_FNV_EMPTY};
    return s_free_disk_name (self, name, found->disk_name);
}

/*  Sync and close the file that was opened first. */
static int
s_drop_oldest (hf_file_store_t *self)
{
    hf_touched_t *oldest = &self->touched[0];
    if (fdatasync (oldest->fd) != 0)
        return s_fail_errno (self, "sync", oldest->disk_name);
    close (oldest->fd);
    self->touched_count--;
    memmove (self->touched, self->touched + 1, self->touched_count * sizeof *self->touched);
    return 0;
}

/*  The file, open for writing until the commit. -1 with the error set. */
static int
s_touch (hf_file_store_t *self, const hf_file_found_t *file)
{
    for (size_t i = 0; i < self->touched_count; i++)
        if (strcmp (self->touched[i].disk_name, file->disk_name) == 0)
            return self->touched[i].fd;
    if (self->touched_count == HF_FILE_OPEN_MAX && s_drop_oldest (self) != 0)
        return -1;
    //  A new file may have bytes on disk, of a section that was never committed.
    int flags = file->length == 0 ? O_CREAT | O_TRUNC : 0;
    int fd =
        openat (self->folder, file->disk_name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | flags, 0644);
    if (fd < 0)
        return s_fail_errno (self, "open", file->disk_name);
    self->made_file = self->made_file || file->length == 0;
    hf_touched_t *touched = &self->touched[self->touched_count++];
    memcpy (touched->disk_name, file->disk_name, sizeof touched->disk_name);
    touched->fd = fd;
    return fd;
}

static int
s_part (hf_file_store_t *self, hf_span_t name, hf_span_t data)
{
    hf_tx_t *tx = &self->tx;
    hf_file_found_t file = {.length = 0};
    if (s_row (self, name, &file) != 0)
        return hf_tx_fail (tx);
    int fd = s_touch (self, &file);
    if (fd < 0)
        return -1;
    if (hf_dir_pwrite (fd, data, file.length) != 0)
        return s_fail_errno (self, "write", file.disk_name);
    file.length += data.size;
    file.sum = hf_fnv (file.sum, data.at, data.size);
    hf_file_sums_add (&self->sums, name, data);
    return hf_tx_write (tx, HF_FILE_SAVE, hf_tx_bytes (name), hf_tx_text (file.disk_name),
                        hf_tx_number (file.length), hf_tx_number (file.sum),
                        hf_tx_number (hf_file_found_sum (name, &file)));
}

int
hf_file_put (hf_file_store_t *self, hf_span_t name, hf_span_t bytes)
{
    assert (hf_name_valid (name));
    return hf_tx_begin (&self->tx) != 0 ? -1 : s_part (self, name, bytes);
}

int
hf_file_set_written (hf_file_store_t *self, uint64_t index)
{
    assert (index >= self->written);
    if (hf_tx_begin (&self->tx) != 0)
        return -1;
    self->written = index;
    return 0;
}

int
hf_file_store_section (hf_file_store_t *self, uint64_t index, hf_list_t parts)
{
    if (!self->tx.failed && index <= self->written)
        return 0;
    if (hf_tx_begin (&self->tx) != 0)
        return -1;
    hf_scan_t scan = hf_scan_list (parts);
    for (uint32_t i = 0; i < parts.count; i++) {
        hf_a_part_t part;
        bool good = hf_a_part_get (&scan, &part);
        assert (good && hf_name_valid (part.file)); //  our own state packed and checked it
        if (s_part (self, part.file, part.data) != 0)
            return -1;
    }
    self->written = index;
    return 0;
}

int
hf_file_store_commit (hf_file_store_t *self)
{
    hf_tx_t *tx = &self->tx;
    if (!tx->open)
        return tx->failed ? -1 : 0;
    while (self->touched_count > 0)
        if (s_drop_oldest (self) != 0)
            return -1;
    if (self->made_file && fsync (self->folder) != 0)
        return s_fail_errno (self, "sync", "");
    if (hf_tx_write (tx, HF_FILE_APPLIED, hf_tx_number (self->written),
                     hf_tx_number (s_applied_sum (self->written))) != 0 ||
        hf_tx_commit (tx) != 0)
        return -1;
    self->made_file = false;
    self->applied = self->written;
    return 0;
}
