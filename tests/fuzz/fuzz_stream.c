//  A state stream from bytes, as another node would send it: refused with one error, or all in it
//  is within bounds and is what its sums say. The first byte picks how large its sender says it is.

#include "nodes/snapshot/hf_snapshot_format.h"
#include "base/hf_hash.h"
#include "tests/fuzz/fuzz.h"

typedef struct input {
    const uint8_t *data;
    size_t size;
} input_t;

static int
s_read (void *arg, uint64_t offset, uint8_t *bytes, size_t size, char error[HF_ERROR_SIZE])
{
    const input_t *input = arg;
    if (offset > input->size || size > input->size - offset)
        return hf_error_set (error, "the stream is shorter than it was");
    memcpy (bytes, input->data + offset, size);
    return 0;
}

/*  What a head that was taken must keep to, by arithmetic of its own. */
static void
s_check_head (const hf_snapshot_t *stream)
{
    uint64_t end = stream->rows_at + stream->head.rows_size;
    assert (stream->rows_at >= HF_SNAPSHOT_PREFIX && end == stream->files_at);
    hf_scan_t scan = hf_scan_list (stream->head.files);
    for (uint32_t i = 0; i < stream->head.files.count; i++) {
        hf_file_row_t file;
        bool good = hf_file_row_get (&scan, &file) && hf_name_valid (file.file);
        assert (good && file.length <= stream->source.total - end);
        end += file.length;
    }
    assert (end == stream->source.total);
}

static void
s_check_rows (hf_snapshot_t *stream)
{
    uint8_t *bytes = NULL;
    if (hf_snapshot_rows (stream, &bytes) != 0)
        return;
    hf_scan_t scan = hf_scan (bytes, stream->head.rows_size);
    hf_state_row_t row;
    while (!hf_scan_at_end (&scan)) {
        bool good = hf_state_row_get (&scan, &row);
        assert (good);
    }
    assert (hf_hash (0, bytes, stream->head.rows_size) == stream->head.rows_sum);
    free (bytes);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    uint64_t total = size - 1;
    if (data[0] & 1)
        total += data[0] >> 1; //  more than there is
    else if ((uint64_t)(data[0] >> 1) <= total)
        total -= data[0] >> 1;
    input_t input = {data + 1, size - 1};
    hf_snapshot_source_t source = {
        .arg = &input, .name = "the stream", .total = total, .read = s_read};
    hf_snapshot_t stream;
    if (hf_snapshot_open (&stream, &source) == 0) {
        s_check_head (&stream);
        s_check_rows (&stream);
        if (hf_snapshot_check (&stream) == 0)
            assert (total <= size - 1);
        else
            assert (stream.error[0] != 0);
    } else
        assert (stream.error[0] != 0);
    hf_snapshot_close (&stream);
    return 0;
}
