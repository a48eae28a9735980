//  Bytes and rows out of the files; the open transaction is seen.

#include "nodes/store/hf_file_internal.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int
s_fail (hf_file_store_t *self, const char *disk_name, const char *cause)
{
    return hf_db_say (self->error, "cannot read %s/%s: %s", self->folder_path, disk_name, cause);
}

int
hf_file_store_read (hf_file_store_t *self, hf_span_t name, uint64_t offset, uint32_t limit,
                    uint8_t **bytes, size_t *size, uint64_t *total)
{
    hf_file_found_t file;
    *bytes = NULL;
    *size = 0;
    *total = 0;
    if (self->failed)
        return -1;
    int rc = hf_file_find (self, name, &file);
    if (rc <= 0)
        return rc < 0 ? -1 : HF_NOT_FOUND;
    *total = file.length;
    uint64_t left = offset < file.length ? file.length - offset : 0;
    size_t wanted = left < limit ? (size_t)left : limit;
    if (wanted > HF_DATA_MAX)
        wanted = HF_DATA_MAX;
    if (wanted == 0)
        return HF_OK;
    int fd = openat (self->folder, file.disk_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return s_fail (self, file.disk_name, strerror (errno));
    uint8_t *buffer = malloc (wanted);
    assert (buffer);
    size_t done = 0;
    ssize_t n = 1;
    while (done < wanted && n > 0) {
        n = pread (fd, buffer + done, wanted - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            n = 1;
        else if (n > 0)
            done += (size_t)n;
    }
    int cause = errno;
    close (fd);
    if (done < wanted) {
        free (buffer);
        return s_fail (self, file.disk_name,
                       n < 0 ? strerror (cause) : "it is shorter than was recorded");
    }
    *bytes = buffer;
    *size = done;
    return HF_OK;
}

int
hf_file_store_rows (hf_file_store_t *self, hf_span_t after, uint32_t limit, hf_pack_t *rows,
                    bool *more)
{
    *more = false;
    if (self->failed)
        return -1;
    hf_db_bind_span (self->after, 1, after);
    hf_db_bind_u64 (self->after, 2, (uint64_t)limit + 1);
    int rc;
    uint32_t count = 0;
    while ((rc = hf_db_row (self->after, self->error)) == 1 && count < limit) {
        hf_file_found_t file;
        if (hf_file_found_get (self, self->after, &file) != 0) {
            rc = -1;
            break;
        }
        hf_file_row_put (rows, &(hf_file_row_t){.file = hf_db_span (self->after, 0),
                                                .length = file.length,
                                                .checksum = file.sum});
        count++;
    }
    sqlite3_reset (self->after); //  left open, it would keep the WAL from being folded in
    *more = rc == 1;
    return rc < 0 ? -1 : 0;
}

int
hf_file_store_all_rows (hf_file_store_t *self, hf_pack_t *rows)
{
    bool more;
    int rc = hf_file_store_rows (self, hf_span ("", 0), UINT32_MAX, rows, &more);
    assert (rc != 0 || !more);
    return rc;
}

int
hf_file_store_recorded_name (hf_file_store_t *self, hf_span_t name, char *buffer)
{
    hf_file_found_t file = {.length = 0};
    int rc = self->failed ? -1 : hf_file_find (self, name, &file);
    memcpy (buffer, file.disk_name, HF_DISK_NAME_SIZE);
    return rc < 0 ? -1 : 0;
}
