//  A state stream, taken apart: bounds first, then sums.

#include "nodes/store/hf_stream.h"
#include "base/hf_hash.h"
#include "nodes/locks/hf_state.h"
#include "nodes/store/hf_file_internal.h"
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES (1U << 20)

static int
s_damaged (hf_stream_t *self, const char *what)
{
    return hf_db_say (self->error, "%s is damaged: %s", self->path, what);
}

int
hf_stream_read (hf_stream_t *self, uint64_t offset, uint8_t *bytes, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = pread (self->fd, bytes + done, size - done, (off_t)(offset + done));
        if (n > 0)
            done += (size_t)n;
        else if (n == 0)
            return s_damaged (self, "it is shorter than it was");
        else if (errno != EINTR)
            return hf_db_say (self->error, "cannot read %s: %s", self->path, strerror (errno));
    }
    return 0;
}

//  ---- the head --------------------------------------------------------------------

static bool
s_ascending (hf_span_t before, hf_span_t name)
{
    uint32_t size = before.size < name.size ? before.size : name.size;
    int order = size > 0 ? memcmp (before.at, name.at, size) : 0;
    return order < 0 || (order == 0 && before.size < name.size);
}

/*  Names that can be, each once, and lengths that make exactly what is left. */
static int
s_check_files (hf_stream_t *self)
{
    hf_scan_t scan = hf_scan_list (self->head.files);
    hf_span_t before = {.size = 0};
    uint64_t left = self->total - self->files_at;
    for (uint32_t i = 0; i < self->head.files.count; i++) {
        hf_file_row_t row;
        if (!hf_file_row_get (&scan, &row) || !hf_name_valid (row.file) ||
            !s_ascending (before, row.file))
            return s_damaged (self, "its list of files makes no sense");
        if (row.length > left)
            return s_damaged (self, "its files are longer than the stream");
        left -= row.length;
        before = row.file;
    }
    return left == 0 ? 0 : s_damaged (self, "it is longer than its files");
}

static int
s_check_head (hf_stream_t *self)
{
    const hf_state_head_t *head = &self->head;
    hf_member_t members[HF_MEMBERS_MAX];
    if (head->index == 0 || head->index > INT64_MAX || head->term == 0 ||
        (head->roster.size > 0 && hf_roster_get (head->roster, members) == 0))
        return s_damaged (self, "its head makes no sense");
    if (head->rows_size > HF_STREAM_ROWS_MAX || head->rows_size > self->total - self->rows_at)
        return s_damaged (self, "its rows are longer than they can be");
    self->files_at = self->rows_at + head->rows_size;
    return s_check_files (self);
}

static int
s_read_head (hf_stream_t *self)
{
    uint8_t prefix[HF_STREAM_PREFIX];
    if (self->total < sizeof prefix)
        return s_damaged (self, "it is too short");
    if (hf_stream_read (self, 0, prefix, sizeof prefix) != 0)
        return -1;
    uint64_t size = 0;
    for (unsigned i = 0; i < sizeof prefix; i++)
        size = size << 8 | prefix[i];
    if (size > HF_STREAM_HEAD_MAX || size > self->total - sizeof prefix)
        return s_damaged (self, "its head is longer than it can be");
    self->rows_at = sizeof prefix + size;
    self->head_bytes = malloc (size + 1);
    assert (self->head_bytes);
    if (hf_stream_read (self, sizeof prefix, self->head_bytes, size) != 0)
        return -1;
    hf_scan_t scan = hf_scan (self->head_bytes, size);
    if (!hf_state_head_get (&scan, &self->head) || !hf_scan_at_end (&scan))
        return s_damaged (self, "its head makes no sense");
    return s_check_head (self);
}

int
hf_stream_init (hf_stream_t *self, int fd, const char *path, uint64_t total)
{
    *self = (hf_stream_t){.fd = fd, .total = total};
    snprintf (self->path, sizeof self->path, "%s", path);
    return s_read_head (self);
}

void
hf_stream_done (hf_stream_t *self)
{
    free (self->head_bytes);
    self->head_bytes = NULL;
}

//  ---- rows and files ----------------------------------------------------------------

static bool
s_rows_good (const hf_stream_t *self, const uint8_t *bytes, size_t size)
{
    if (hf_hash (0, bytes, size) != self->head.rows_sum)
        return false;
    hf_scan_t scan = hf_scan (bytes, size);
    bool good = true;
    while (good && !hf_scan_at_end (&scan)) {
        hf_state_row_t row;
        good = hf_state_row_get (&scan, &row) && row.value.size <= HF_STATE_ROW_MAX;
    }
    return good;
}

int
hf_stream_rows (hf_stream_t *self, uint8_t **bytes)
{
    size_t size = (size_t)self->head.rows_size;
    *bytes = malloc (size + 1);
    assert (*bytes);
    int rc = hf_stream_read (self, self->rows_at, *bytes, size);
    if (rc == 0 && !s_rows_good (self, *bytes, size))
        rc = s_damaged (self, "its rows are not what was sent");
    if (rc != 0) {
        free (*bytes);
        *bytes = NULL;
    }
    return rc;
}

static int
s_check_file (hf_stream_t *self, uint64_t offset, const hf_file_row_t *row, uint8_t *buffer)
{
    uint64_t sum = HF_FILE_SUM_EMPTY;
    for (uint64_t done = 0; done < row->length;) {
        uint64_t left = row->length - done;
        size_t size = left < READ_BYTES ? (size_t)left : READ_BYTES;
        if (hf_stream_read (self, offset + done, buffer, size) != 0)
            return -1;
        sum = hf_file_sum (sum, buffer, size);
        done += size;
    }
    return sum == row->checksum ? 0 : s_damaged (self, "a file in it does not match its checksum");
}

int
hf_stream_check (hf_stream_t *self)
{
    uint8_t *rows = NULL;
    int rc = hf_stream_rows (self, &rows);
    free (rows);
    uint8_t *buffer = malloc (READ_BYTES);
    assert (buffer);
    hf_scan_t scan = hf_scan_list (self->head.files);
    uint64_t offset = self->files_at;
    for (uint32_t i = 0; i < self->head.files.count && rc == 0; i++) {
        hf_file_row_t row;
        bool good = hf_file_row_get (&scan, &row);
        assert (good); //  checked with the head
        rc = s_check_file (self, offset, &row, buffer);
        offset += row.length;
    }
    free (buffer);
    return rc;
}
