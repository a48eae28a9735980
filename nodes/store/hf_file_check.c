//  At the start, every file is checked and cut back to its recorded length, and files without a
//  record are removed: they belong to a section that was never committed here.

#include "base/hf_hash.h"
#include "base/hf_alloc.h"
#include "nodes/store/hf_dir.h"
#include "nodes/store/hf_file_internal.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_BYTES (1U << 20)

static int
s_damaged (hf_file_store_t *self, const char *disk_name, const char *what)
{
    return hf_error_set (self->tx.error, "%s/%s is damaged: %s; %s", self->folder_path, disk_name,
                         what, HF_WAY_OUT);
}

static int
s_failed (hf_file_store_t *self, const char *disk_name, const char *verb)
{
    return hf_error_cannot (self->tx.error, verb, self->folder_path, disk_name);
}

static int
s_check_sum (hf_file_store_t *self, int fd, hf_span_t name, const hf_file_found_t *file)
{
    const char *disk_name = file->disk_name;
    uint64_t length = file->length;
    uint8_t *buffer = hf_alloc (length < READ_BYTES ? (size_t)length + 1 : READ_BYTES);
    uint64_t found = HF_FNV_EMPTY;
    uint64_t done = 0;
    int rc = 0;
    hf_file_sums_add (&self->sums, name, hf_span ("", 0)); //  also of an empty one
    while (done < length && rc == 0) {
        //  Behind LENGTH there may be bytes that do not count: they are cut later.
        size_t want = length - done < READ_BYTES ? (size_t)(length - done) : READ_BYTES;
        ssize_t n = hf_dir_pread (fd, buffer, want, done);
        if (n < 0)
            rc = s_failed (self, disk_name, "read");
        else if ((size_t)n < want)
            rc = s_damaged (self, disk_name, "it is shorter than was recorded");
        found = hf_fnv (found, buffer, rc == 0 ? want : 0);
        hf_file_sums_add (&self->sums, name, hf_span (buffer, rc == 0 ? want : 0));
        done += want;
    }
    free (buffer);
    if (rc == 0 && found != file->sum)
        rc = s_damaged (self, disk_name, "its checksum is not the one recorded");
    return rc;
}

/*  Checked first, cut afterwards: a record that is wrong must not cost bytes. */
static int
s_check (hf_file_store_t *self, hf_span_t name, const hf_file_found_t *file)
{
    const char *disk_name = file->disk_name;
    uint64_t length = file->length;
    //  O_NONBLOCK: opening a FIFO under a file's name must not hang.
    int fd = openat (self->folder, disk_name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ? s_damaged (self, disk_name, "it is not there")
                               : s_failed (self, disk_name, "open");
    struct stat info;
    int rc = 0;
    if (fstat (fd, &info) != 0)
        rc = s_failed (self, disk_name, "look at");
    else if (!S_ISREG (info.st_mode))
        rc = s_damaged (self, disk_name, "it is no regular file");
    else if ((uint64_t)info.st_size < length)
        rc = s_damaged (self, disk_name, "it is shorter than was recorded");
    else
        rc = s_check_sum (self, fd, name, file);
    if (rc == 0 && (uint64_t)info.st_size > length &&
        (ftruncate (fd, (off_t)length) != 0 || fdatasync (fd) != 0))
        rc = s_failed (self, disk_name, "cut back");
    close (fd);
    return rc;
}

static int
s_check_recorded (hf_file_store_t *self)
{
    hf_tx_t *tx = &self->tx;
    hf_tx_bind (tx, HF_FILE_AFTER, hf_tx_bytes (hf_span ("", 0)), hf_tx_number (INT64_MAX));
    int rc;
    while ((rc = hf_tx_row (tx, HF_FILE_AFTER)) == 1) {
        hf_file_found_t file;
        rc = hf_file_found_get (self, HF_FILE_AFTER, &file);
        if (rc == 0)
            rc = s_check (self, hf_tx_span (tx, HF_FILE_AFTER, 0), &file);
        if (rc < 0)
            break;
    }
    hf_tx_done (tx, HF_FILE_AFTER);
    return rc;
}

static int
s_remove_unrecorded (hf_file_store_t *self)
{
    int fd = openat (self->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir (fd);
    if (!folder) {
        int failed = s_failed (self, "", "list");
        if (fd >= 0)
            close (fd);
        return failed;
    }
    int rc = 0;
    const struct dirent *entry;
    while (rc >= 0 && (entry = readdir (folder))) {
        struct stat info;
        if (fstatat (self->folder, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG (info.st_mode))
            continue;
        rc = hf_file_taken (self, entry->d_name);
        if (rc == 0 && unlinkat (self->folder, entry->d_name, 0) != 0)
            rc = s_failed (self, entry->d_name, "remove");
    }
    closedir (folder);
    return rc < 0 ? -1 : 0;
}

int
hf_file_check_all (hf_file_store_t *self)
{
    return s_check_recorded (self) != 0 ? -1 : s_remove_unrecorded (self);
}
