//  The files as they grow: one transaction at a time, sections in.

#include "base/hf_hash.h"
#include "nodes/store/hf_file_internal.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

uint64_t
hf_file_sum (uint64_t sum, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < size; i++)
        sum = (sum ^ at[i]) * 0x100000001b3ULL;
    return sum;
}

//  ---- life ----------------------------------------------------------------------

static const hf_db_format_t s_format = {
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
};

static int
s_prepare (hf_file_store_t *self)
{
    struct {
        sqlite3_stmt **stmt;
        const char *sql;
    } list[] = {
        {&self->begin, "BEGIN IMMEDIATE"},
        {&self->commit, "COMMIT"},
        {&self->rollback, "ROLLBACK"},
        {&self->find, "SELECT " HF_FILE_COLUMNS " FROM files WHERE name = ?1"},
        {&self->save,
         "INSERT OR REPLACE INTO files (" HF_FILE_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5)"},
        {&self->taken, "SELECT 1 FROM files WHERE disk = ?1"},
        {&self->after,
         "SELECT " HF_FILE_COLUMNS " FROM files WHERE name > ?1 ORDER BY name LIMIT ?2"},
        {&self->applied_save, "INSERT OR REPLACE INTO node VALUES (1, ?1, ?2)"},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (!(*list[i].stmt = hf_db_prepare (self->db, list[i].sql, self->error)))
            return -1;
    return 0;
}

static int
s_open_folder (hf_file_store_t *self, const char *dir)
{
    if (asprintf (&self->folder_path, "%s/files", dir) < 0)
        abort ();
    bool made = mkdir (self->folder_path, 0755) == 0;
    if (!made && errno != EEXIST)
        return hf_db_say (self->error, "cannot make %s: %s", self->folder_path, strerror (errno));
    self->folder = open (self->folder_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (self->folder < 0)
        return hf_db_say (self->error, "cannot open %s: %s", self->folder_path, strerror (errno));
    return made ? hf_db_sync_folder (dir, self->error) : 0;
}

static uint64_t
s_applied_sum (uint64_t applied)
{
    return hf_hash_u64 (HF_FILE_SUM_EMPTY, applied);
}

static int
s_load_applied (hf_file_store_t *self)
{
    const char *sql = "SELECT applied, row_sum, (SELECT count(*) FROM files) FROM node"
                      " UNION ALL SELECT 0, 0, count(*) FROM files";
    sqlite3_stmt *stmt = hf_db_prepare (self->db, sql, self->error);
    if (!stmt)
        return -1;
    int rc = hf_db_row (stmt, self->error);
    if (rc == 1) {
        uint64_t applied = hf_db_u64 (stmt, 0);
        bool fresh = applied == 0 && hf_db_u64 (stmt, 1) == 0 && hf_db_u64 (stmt, 2) == 0;
        self->applied = self->written = applied;
        if (!fresh && hf_db_u64 (stmt, 1) != s_applied_sum (applied))
            rc = hf_db_say (self->error,
                            "%s is damaged: the applied index is not what was written; %s",
                            sqlite3_db_filename (self->db, "main"), HF_DB_WAY_OUT);
    }
    hf_db_finalize (&stmt);
    return rc < 0 ? -1 : 0;
}

hf_file_store_t *
hf_file_store_open (const char *dir, char *error)
{
    hf_file_store_t *self = calloc (1, sizeof *self);
    assert (self);
    self->folder = -1;
    char *path;
    if (asprintf (&path, "%s/files.db", dir) < 0)
        abort ();
    self->db = hf_db_open (path, &s_format, self->error);
    free (path);
    if (!self->db || s_prepare (self) != 0 || s_open_folder (self, dir) != 0 ||
        s_load_applied (self) != 0 || hf_file_check_all (self) != 0) {
        memcpy (error, self->error, HF_ERROR_SIZE);
        hf_file_store_close (&self);
    }
    return self;
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
    sqlite3_stmt **list[] = {&self->begin, &self->commit, &self->rollback, &self->find,
                             &self->save,  &self->taken,  &self->after,    &self->applied_save};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        hf_db_finalize (list[i]);
    if (self->db)
        hf_db_close (&self->db);
    free (self->folder_path);
    free (self);
    *self_p = NULL;
}

const char *
hf_file_store_error (const hf_file_store_t *self)
{
    return self->error;
}

uint64_t
hf_file_store_applied (const hf_file_store_t *self)
{
    return self->applied;
}

uint64_t
hf_file_store_written (const hf_file_store_t *self)
{
    return self->written;
}

bool
hf_file_store_dirty (const hf_file_store_t *self)
{
    return self->open;
}

//  ---- sections --------------------------------------------------------------------

static int
s_fail (hf_file_store_t *self)
{
    assert (self->error[0] != 0);
    self->failed = true;
    self->open = false;
    self->written = self->applied;
    char ignored[HF_ERROR_SIZE]; //  the first error is the one to tell
    if (!sqlite3_get_autocommit (self->db))
        hf_db_run (self->rollback, ignored);
    return -1;
}

static int
s_fail_errno (hf_file_store_t *self, const char *what, const char *disk_name)
{
    const char *cause = errno == ENOSPC || errno == EDQUOT ? "the disk is full" : strerror (errno);
    hf_db_say (self->error, "cannot %s %s/%s: %s", what, self->folder_path, disk_name, cause);
    return s_fail (self);
}

uint64_t
hf_file_found_sum (hf_span_t name, const hf_file_found_t *file)
{
    uint64_t sum = hf_hash (0, name.at, name.size);
    sum = hf_hash (sum, file->disk_name, strlen (file->disk_name));
    return hf_hash_u64 (hf_hash_u64 (sum, file->length), file->sum);
}

int
hf_file_found_get (hf_file_store_t *self, sqlite3_stmt *row, hf_file_found_t *file)
{
    *file = (hf_file_found_t){.length = hf_db_u64 (row, 2), .sum = hf_db_u64 (row, 3)};
    hf_span_t name = hf_db_span (row, 0);
    hf_span_t disk = hf_db_span (row, 1);
    bool fits = disk.size > 0 && disk.size < HF_DISK_NAME_SIZE && disk.at[0] != '.' &&
                memchr (disk.at, '/', disk.size) == NULL && file->length <= INT64_MAX;
    if (fits)
        memcpy (file->disk_name, disk.at, disk.size);
    if (!fits || hf_db_u64 (row, 4) != hf_file_found_sum (name, file))
        return hf_db_say (self->error,
                          "%s is damaged: the row of a file is not what was written; %s",
                          sqlite3_db_filename (self->db, "main"), HF_DB_WAY_OUT);
    return 0;
}

int
hf_file_find (hf_file_store_t *self, hf_span_t name, hf_file_found_t *found)
{
    hf_db_bind_span (self->find, 1, name);
    int rc = hf_db_row (self->find, self->error);
    if (rc == 1 && hf_file_found_get (self, self->find, found) != 0)
        rc = -1;
    sqlite3_reset (self->find);
    return rc;
}

/*  A name on disk that no other file has: two long names may share their hash. */
static int
s_free_disk_name (hf_file_store_t *self, hf_span_t name, char *disk_name)
{
    hf_file_store_disk_name (name, disk_name);
    size_t size = strlen (disk_name);
    for (unsigned suffix = 1;; suffix++) {
        hf_db_bind_text (self->taken, 1, disk_name);
        int rc = hf_db_row (self->taken, self->error);
        sqlite3_reset (self->taken);
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
    *found = (hf_file_found_t){.sum = HF_FILE_SUM_EMPTY};
    return s_free_disk_name (self, name, found->disk_name);
}

/*  Let go of the file that was opened first: its bytes are made durable now, which is always
 *  early enough. */
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
    //  Of a file that is new, bytes of a section that never was committed may be there.
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
s_write (hf_file_store_t *self, int fd, const hf_file_found_t *file, hf_span_t data)
{
    size_t done = 0;
    while (done < data.size) {
        ssize_t n = pwrite (fd, data.at + done, data.size - done, (off_t)(file->length + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return s_fail_errno (self, "write", file->disk_name);
        done += (size_t)n;
    }
    return 0;
}

static int
s_save (hf_file_store_t *self, hf_span_t name, const hf_file_found_t *file)
{
    hf_db_bind_span (self->save, 1, name);
    hf_db_bind_text (self->save, 2, file->disk_name);
    hf_db_bind_u64 (self->save, 3, file->length);
    hf_db_bind_u64 (self->save, 4, file->sum);
    hf_db_bind_u64 (self->save, 5, hf_file_found_sum (name, file));
    return hf_db_run (self->save, self->error);
}

static int
s_part (hf_file_store_t *self, const hf_a_part_t *part)
{
    hf_file_found_t file = {.length = 0};
    if (s_row (self, part->file, &file) != 0)
        return s_fail (self);
    int fd = s_touch (self, &file);
    if (fd < 0 || s_write (self, fd, &file, part->data) != 0)
        return -1;
    file.length += part->data.size;
    file.sum = hf_file_sum (file.sum, part->data.at, part->data.size);
    return s_save (self, part->file, &file) == 0 ? 0 : s_fail (self);
}

static int
s_begin (hf_file_store_t *self)
{
    if (self->failed)
        return -1;
    if (!self->open && hf_db_run (self->begin, self->error) != 0)
        return s_fail (self);
    self->open = true;
    return 0;
}

int
hf_file_put (hf_file_store_t *self, hf_span_t name, hf_span_t bytes)
{
    assert (hf_name_valid (name));
    if (s_begin (self) != 0)
        return -1;
    return s_part (self, &(hf_a_part_t){.file = name, .data = bytes});
}

int
hf_file_set_written (hf_file_store_t *self, uint64_t index)
{
    assert (index >= self->written);
    if (s_begin (self) != 0)
        return -1;
    self->written = index;
    return 0;
}

int
hf_file_store_section (hf_file_store_t *self, uint64_t index, hf_list_t parts)
{
    if (!self->failed && index <= self->written)
        return 0;
    if (s_begin (self) != 0)
        return -1;
    hf_scan_t scan = hf_scan_list (parts);
    for (uint32_t i = 0; i < parts.count; i++) {
        hf_a_part_t part;
        bool good = hf_a_part_get (&scan, &part);
        assert (good && hf_name_valid (part.file)); //  our own state packed and checked it
        if (s_part (self, &part) != 0)
            return -1;
    }
    self->written = index;
    return 0;
}

int
hf_file_store_commit (hf_file_store_t *self)
{
    if (self->failed)
        return -1;
    if (!self->open)
        return 0;
    while (self->touched_count > 0)
        if (s_drop_oldest (self) != 0)
            return -1;
    if (self->made_file && fsync (self->folder) != 0)
        return s_fail_errno (self, "sync", "");
    hf_db_bind_u64 (self->applied_save, 1, self->written);
    hf_db_bind_u64 (self->applied_save, 2, s_applied_sum (self->written));
    if (hf_db_run (self->applied_save, self->error) != 0 ||
        hf_db_run (self->commit, self->error) != 0)
        return s_fail (self);
    self->made_file = false;
    self->open = false;
    self->applied = self->written;
    return 0;
}
