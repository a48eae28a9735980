//  Bytes and rows out of the files, the open transaction included, and names on disk.

#include "base/hf_alloc.h"
#include "base/hf_hash.h"
#include "nodes/store/hf_dir.h"
#include "nodes/store/hf_file_internal.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
hf_file_store_read (hf_file_store_t *self, hf_span_t name, uint64_t offset, uint32_t limit,
                    uint8_t **bytes, size_t *size, uint64_t *total)
{
    hf_file_found_t file;
    *bytes = NULL;
    *size = 0;
    *total = 0;
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
        return hf_error_cannot (self->tx.error, "read", self->folder_path, file.disk_name);
    uint8_t *buffer = hf_alloc (wanted);
    ssize_t done = hf_dir_pread (fd, buffer, wanted, offset);
    if (done < 0)
        hf_error_cannot (self->tx.error, "read", self->folder_path, file.disk_name);
    else if ((size_t)done < wanted)
        hf_error_set (self->tx.error, "cannot read %s/%s: it is shorter than was recorded",
                      self->folder_path, file.disk_name);
    close (fd);
    if (done < 0 || (size_t)done < wanted) {
        free (buffer);
        return -1;
    }
    *bytes = buffer;
    *size = wanted;
    return HF_OK;
}

int
hf_file_store_rows (hf_file_store_t *self, hf_span_t after, uint32_t limit, hf_pack_t *rows,
                    bool *more)
{
    *more = false;
    hf_tx_t *tx = &self->tx;
    hf_tx_bind (tx, HF_FILE_AFTER, hf_tx_bytes (after), hf_tx_number ((uint64_t)limit + 1));
    int rc;
    uint32_t count = 0;
    while ((rc = hf_tx_row (tx, HF_FILE_AFTER)) == 1 && count < limit) {
        hf_file_found_t file;
        if (hf_file_found_get (self, HF_FILE_AFTER, &file) != 0) {
            rc = -1;
            break;
        }
        hf_span_t name = hf_tx_span (tx, HF_FILE_AFTER, 0);
        hf_file_row_put (rows, &(hf_file_row_t){.file = name,
                                                .length = file.length,
                                                .checksum = file.sum,
                                                .xxh64 = hf_file_sums_get (&self->sums, name)});
        count++;
    }
    hf_tx_done (tx, HF_FILE_AFTER);
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
    int rc = hf_file_find (self, name, &file);
    memcpy (buffer, file.disk_name, HF_DISK_NAME_SIZE);
    return rc < 0 ? -1 : 0;
}

//  ---- names on disk: percent-encoded, so that no name leaves the folder --------------------

#define PLAIN_MAX 240 //  encoded names up to this stand as they are
#define LONG_HEAD 200 //  of a longer one so much stays, for people

static bool
s_plain (uint8_t byte, bool first)
{
    if ((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
        (byte >= '0' && byte <= '9'))
        return true;
    return byte == '-' || byte == '_' || (byte == '.' && !first);
}

void
hf_file_store_disk_name (hf_span_t name, char *buffer)
{
    char encoded[3 * 255 + 1];
    size_t size = 0;
    assert (name.size <= 255);
    size_t head = 0; //  the longest whole part within LONG_HEAD
    for (uint32_t i = 0; i < name.size; i++) {
        if (s_plain (name.at[i], i == 0))
            encoded[size++] = (char)name.at[i];
        else
            size += (size_t)snprintf (encoded + size, 4, "%%%02X", name.at[i]);
        if (size <= LONG_HEAD)
            head = size;
    }
    encoded[size] = 0;
    //  "%~" comes from no encoding: a long name never meets a short one.
    if (size <= PLAIN_MAX)
        memcpy (buffer, encoded, size + 1);
    else
        snprintf (buffer, HF_DISK_NAME_SIZE, "%.*s%%~%016" PRIx64, (int)head, encoded,
                  hf_hash (0, name.at, name.size));
}
