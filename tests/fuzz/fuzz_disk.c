//  A folder with damaged databases and files, for the fuzz targets of the stores.

#include "tests/fuzz/fuzz_disk.h"
#include "tests/kit/hf_folder.h"
#include "base/hf_hash.h"
#include "nodes/store/hf_file_store.h"
#include "nodes/store/hf_log_store.h"
#include "tests/fuzz/fuzz.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct kept {
    const char *name;
    bool log;
    bool killed;
    uint8_t *bytes; //  NULL: it must not be there
    size_t size;
} kept_t;

struct fuzz_disk {
    char dir[PATH_MAX];
    kept_t *kept; //  those that are in place now
    kept_t all[2][12];
    bool killed;
};

static const struct {
    const char *name;
    bool log;
} s_names[] = {
    {"log.db", true},         {"log.db-wal", true},        {"log.db-shm", true},
    {"log.db-journal", true}, {"files.db", false},         {"files.db-wal", false},
    {"files.db-shm", false},  {"files.db-journal", false}, {"files/one", false},
    {"files/two%2Fb", false}, {"files/new", false},        {"files/stray", false},
};

#define NAMES (sizeof s_names / sizeof *s_names)

//  ---- folders and files ----------------------------------------------------------------------

static fuzz_disk_t s_disk;

static void
s_remove_all (void)
{
    hf_folder_remove (s_disk.dir);
    for (int i = 0; i < 2; i++)
        for (size_t k = 0; k < NAMES; k++)
            free (s_disk.all[i][k].bytes);
}

static uint8_t *
s_read (const char *dir, const char *name, size_t *size)
{
    char path[PATH_MAX + 32];
    snprintf (path, sizeof path, "%s/%s", dir, name);
    int fd = open (path, O_RDONLY);
    struct stat info;
    *size = 0;
    if (fd < 0 || fstat (fd, &info) != 0)
        return NULL;
    uint8_t *bytes = malloc ((size_t)info.st_size + 1);
    assert (bytes);
    ssize_t found = read (fd, bytes, (size_t)info.st_size);
    assert (found == info.st_size);
    *size = (size_t)found;
    close (fd);
    return bytes;
}

void
fuzz_disk_write (fuzz_disk_t *self, const char *name, const uint8_t *bytes, size_t size)
{
    char path[PATH_MAX + 32];
    snprintf (path, sizeof path, "%s/%s", self->dir, name);
    int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert (fd >= 0);
    ssize_t done = write (fd, bytes, size);
    assert (done == (ssize_t)size);
    close (fd);
}

static void
s_keep (fuzz_disk_t *self, bool killed)
{
    for (size_t i = 0; i < NAMES; i++) {
        kept_t *kept = &self->all[killed][i];
        *kept = (kept_t){.name = s_names[i].name, .log = s_names[i].log, .killed = killed};
        kept->bytes = s_read (self->dir, kept->name, &kept->size);
    }
}

//  ---- the model -----------------------------------------------------------------------------

static hf_log_store_t *
s_make_log (const char *dir)
{
    char error[HF_ERROR_SIZE];
    hf_log_store_t *store = hf_log_store_open (dir, error);
    assert (store);
    int rc = hf_log_store_bind (store, 1, FUZZ_DISK_LIST);
    for (uint64_t index = 1; index <= 8; index++) {
        rc |= hf_log_store_vote (store, (index + 3) / 4, (hf_member_t){1, 77});
        rc |= hf_log_store_append (store, index,
                                   &(hf_entry_t){(index + 3) / 4, HF_ENTRY_COMMANDS,
                                                 hf_span ("payload", index == 1 ? 0 : 7)});
        rc |= hf_log_store_commit (store);
    }
    assert (rc == 0);
    return store;
}

static hf_file_store_t *
s_make_files (const char *dir)
{
    char error[HF_ERROR_SIZE];
    hf_file_store_t *store = hf_file_store_open (dir, error);
    assert (store);
    for (uint64_t index = 3; index <= 9; index += 2) {
        hf_pack_t parts;
        hf_pack_init (&parts);
        hf_a_part_put (&parts, &(hf_a_part_t){hf_span_text ("one"), hf_span_text ("line\n")});
        hf_a_part_put (&parts, &(hf_a_part_t){hf_span_text ("two/b"), hf_span_text ("x")});
        int rc = hf_file_store_section (store, index, hf_pack_list (&parts));
        assert (rc == 0);
        rc = hf_file_store_commit (store);
        assert (rc == 0);
        hf_pack_done (&parts);
    }
    return store;
}

fuzz_disk_t *
fuzz_disk (void)
{
    fuzz_disk_t *self = &s_disk;
    if (self->dir[0] != 0)
        return self;
    const char *root = access ("/dev/shm", W_OK) == 0 ? "/dev/shm" : NULL;
    int made = hf_folder_make (root, "hf-fuzz", self->dir);
    assert (made == 0);
    hf_log_store_t *log = s_make_log (self->dir);
    hf_file_store_t *files = s_make_files (self->dir);
    s_keep (self, true);
    hf_log_store_close (&log);
    hf_file_store_close (&files);
    s_keep (self, false);
    atexit (s_remove_all);
    return self;
}

const char *
fuzz_disk_dir (const fuzz_disk_t *self)
{
    return self->dir;
}

void
fuzz_disk_restore (fuzz_disk_t *self, bool log, bool killed)
{
    self->killed = killed;
    for (size_t i = 0; i < NAMES; i++) {
        const kept_t *kept = &self->all[killed][i];
        if (kept->log != log)
            continue;
        if (kept->bytes) {
            fuzz_disk_write (self, kept->name, kept->bytes, kept->size);
            continue;
        }
        char path[PATH_MAX + 32];
        snprintf (path, sizeof path, "%s/%s", self->dir, kept->name);
        int rc = unlink (path);
        assert (rc == 0 || errno == ENOENT);
    }
}

uint8_t *
fuzz_disk_copy (fuzz_disk_t *self, const char *name, size_t *size)
{
    *size = 0;
    for (size_t i = 0; i < NAMES; i++) {
        const kept_t *kept = &self->all[self->killed][i];
        if (strcmp (kept->name, name) != 0 || !kept->bytes)
            continue;
        uint8_t *copy = malloc (kept->size + 1);
        assert (copy);
        memcpy (copy, kept->bytes, kept->size);
        *size = kept->size;
        return copy;
    }
    return NULL;
}

//  ---- sums ------------------------------------------------------------------------------------

/*  hf_sum (SEED, FORM, VALUE...): the stores' sums. FORM: u, a number; b, bytes. */
static void
s_sum (sqlite3_context *context, int count, sqlite3_value **values)
{
    uint64_t sum = (uint64_t)sqlite3_value_int64 (values[0]);
    const char *form = (const char *)sqlite3_value_text (values[1]);
    for (int i = 2; i < count; i++) {
        if (form[i - 2] == 'u') {
            sum = hf_hash_u64 (sum, (uint64_t)sqlite3_value_int64 (values[i]));
            continue;
        }
        const void *bytes = sqlite3_value_blob (values[i]);
        sum = hf_hash (sum, bytes, bytes ? (size_t)sqlite3_value_bytes (values[i]) : 0);
    }
    sqlite3_result_int64 (context, (sqlite3_int64)sum);
}

void
fuzz_disk_mend (sqlite3 *db, bool log)
{
    sqlite3_create_function (db, "hf_sum", -1, SQLITE_UTF8, NULL, s_sum, NULL, NULL);
    const char *sql =
        log ? "UPDATE node SET checksum = hf_sum (0, 'uuuuuuubb', incarnation, term, voted_for,"
              " voted_incarnation,"
              " base_index, base_term, member, list, roster);"
              "UPDATE entries SET checksum = hf_sum (0, 'uuub', idx, term, type, payload);"
            : "UPDATE node SET row_sum = hf_sum (0xcbf29ce484222325, 'u', applied);"
              "UPDATE files SET row_sum = hf_sum (0, 'bbuu', name, disk, length, sum);";
    sqlite3_exec (db, sql, NULL, NULL, NULL);
}
