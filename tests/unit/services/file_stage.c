//  The file service on a disk in memory.

#include "file_stage.h"
#include "base/hf_hash.h"
#include <assert.h>
#include <inttypes.h>

static void __attribute__ ((format (printf, 2, 3)))
s_trace (file_stage_t *self, const char *format, ...)
{
    size_t used = strlen (self->trace);
    va_list args;
    va_start (args, format);
    used += (size_t)snprintf (self->trace + used, sizeof self->trace - used, used > 0 ? " " : "");
    if (used < sizeof self->trace)
        vsnprintf (self->trace + used, sizeof self->trace - used, format, args);
    va_end (args);
}

//  ---- the disk ------------------------------------------------------------------

static int
s_compare (const file_stage_file_t *file, hf_span_t name)
{
    size_t size = strlen (file->name), less = size < name.size ? size : name.size;
    int order = less > 0 ? memcmp (file->name, name.at, less) : 0;
    return order != 0 ? order : (size > name.size) - (size < name.size);
}

static file_stage_file_t *
s_find (file_stage_t *self, hf_span_t name)
{
    uint32_t at = 0;
    while (at < self->count && s_compare (&self->files[at], name) < 0)
        at++;
    file_stage_file_t *file = &self->files[at];
    if (at < self->count && s_compare (file, name) == 0)
        return file;
    assert_true (self->count < 8 && name.size < sizeof file->name);
    memmove (file + 1, file, (self->count++ - at) * sizeof *file);
    *file = (file_stage_file_t){0};
    memcpy (file->name, name.at, name.size);
    return file;
}

hf_span_t
file_stage_file (const file_stage_t *self, hf_span_t name)
{
    for (uint32_t i = 0; i < self->count; i++)
        if (s_compare (&self->files[i], name) == 0)
            return hf_span (self->files[i].bytes.list, self->files[i].bytes.count);
    return hf_span (NULL, 0);
}

static void
s_section (void *arg, uint64_t index, hf_list_t parts)
{
    file_stage_t *self = arg;
    hf_scan_t scan = hf_scan_list (parts);
    for (uint32_t i = 0; i < parts.count; i++) {
        hf_a_part_t part;
        assert_true (hf_a_part_get (&scan, &part));
        file_stage_file_t *file = s_find (self, part.file);
        hf_array_reserve (&file->bytes, part.data.size + 1); //  not NULL, also when it is empty
        memcpy (file->bytes.list + file->bytes.count, part.data.at, part.data.size);
        file->bytes.count += part.data.size;
    }
    s_trace (self, "section:%" PRIu64, index);
}

static int
s_read (void *arg, hf_span_t name, uint64_t offset, uint32_t limit, uint8_t **bytes, size_t *size,
        uint64_t *total)
{
    hf_span_t file = file_stage_file (arg, name);
    *bytes = NULL;
    *size = 0;
    *total = file.size;
    if (!file.at)
        return HF_NOT_FOUND;
    if (offset >= file.size)
        return HF_OK;
    *size = file.size - offset < limit ? (size_t)(file.size - offset) : limit;
    *bytes = hf_alloc (*size);
    memcpy (*bytes, file.at + offset, *size);
    return HF_OK;
}

static void
s_list (void *arg, hf_span_t after, uint32_t limit, hf_pack_t *rows, bool *more)
{
    const file_stage_t *self = arg;
    *more = false;
    for (uint32_t i = 0; i < self->count && !*more; i++) {
        const file_stage_file_t *file = &self->files[i];
        if (s_compare (file, after) <= 0)
            continue;
        if ((*more = limit-- == 0))
            break;
        uint64_t sum = hf_fnv (HF_FNV_EMPTY, file->bytes.list, file->bytes.count);
        hf_file_row_put (rows, &(hf_file_row_t){.file = hf_span_text (file->name),
                                                .length = file->bytes.count,
                                                .checksum = sum});
    }
}

static void
s_rows (void *arg, bool begin, size_t bytes, hf_pack_t *rows, bool *more)
{
    file_stage_t *self = arg;
    assert_true (bytes > 0);
    self->rows_read = begin ? 0 : self->rows_read;
    if (self->rows_read < self->rows_count)
        hf_state_row_put (
            rows, &(hf_state_row_t){.key = hf_span (&self->rows_read, sizeof self->rows_read),
                                    .value = hf_span (&self->rows_index, sizeof self->rows_index)});
    *more = ++self->rows_read < self->rows_count;
}

static void
s_stage_begin (void *arg, uint64_t total)
{
    file_stage_t *self = arg;
    free (self->stage);
    self->stage = hf_alloc ((size_t)total);
    self->stage_total = total;
    self->stage_have = 0;
}

static void
s_stage_write (void *arg, uint64_t offset, hf_span_t bytes)
{
    file_stage_t *self = arg;
    assert_true (!self->staged && offset == self->stage_have);
    assert_true (bytes.size <= self->stage_total - offset);
    memcpy (self->stage + offset, bytes.at, bytes.size);
    self->stage_have += bytes.size;
}

static void
s_stage_read (void *arg, uint64_t offset, uint8_t *bytes, size_t size)
{
    file_stage_t *self = arg;
    assert_true (offset <= self->stage_have && size <= self->stage_have - offset);
    memcpy (bytes, self->stage + offset, size);
}

static void
s_stage_drop (void *arg)
{
    file_stage_t *self = arg;
    assert_false (self->staged);
    free (self->stage);
    self->stage = NULL;
    self->stage_total = self->stage_have = 0;
}

//  ---- life ----------------------------------------------------------------------

static void
s_result (file_stage_t *self, uint64_t id, const hf_out_message_t *out)
{
    s_trace (self, "result:%" PRIu64, id);
    hf_pack_reset (&self->result);
    hf_pack_raw (&self->result, out->bytes, out->size);
}

static void
s_message (file_stage_t *self, hf_out_message_t *out)
{
    uint32_t kind;
    hf_scan_t scan = hf_frame_own (out->bytes, out->size, &kind);
    bool for_peer = kind == HF_KIND_STATE_ASK || kind == HF_KIND_STATE_PART;
    const char *to = out->to == HF_TO_LOCK ? "lock" : "election";
    if (kind != HF_KIND_A_FLUSHED)
        assert_int_equal (out->to, for_peer                    ? HF_TO_ELECTION
                                   : kind == HF_KIND_A_RESTART ? HF_TO_MAIN
                                                               : HF_TO_LOCK);
    switch (kind) {
        HF_OWN_CASE (&scan, A_FILES_DURABLE, a_files_durable,
                     s_trace (self, "durable:%" PRIu64, in.index));
        HF_OWN_CASE (&scan, A_FLUSHED, a_flushed,
                     s_trace (self, "flushed:%" PRIu64 ">%s", in.index, to));
        HF_OWN_CASE (&scan, A_FILE_RESULT, a_file_result, s_result (self, in.id, out));
        HF_OWN_CASE (&scan, A_WANT_STATE, a_want_state, s_trace (self, "want:%u", in.node));
        HF_OWN_CASE (&scan, A_RESTART, a_restart, s_trace (self, "restart:%" PRIu64, in.index));
    default:
        assert_true (for_peer);
        s_trace (self, kind == HF_KIND_STATE_ASK ? "ask" : "part");
        *hf_array_add (&self->peers) = *out;
        out->bytes = NULL;
    }
}

static void
s_carry_out (file_stage_t *self)
{
    hf_outbox_t *out = hf_file_service_outbox (self->service);
    for (size_t i = 0; i < out->messages.count; i++)
        s_message (self, &out->messages.list[i]);
    for (size_t i = 0; i < out->lines.count; i++) {
        size_t used = strlen (self->lines);
        snprintf (self->lines + used, sizeof self->lines - used, "%s\n", out->lines.list[i].text);
    }
    hf_outbox_reset (out);
}

void
file_stage_init (file_stage_t *self, hf_file_config_t config, uint64_t durable)
{
    *self = (file_stage_t){.now_us = 1000000};
    hf_pack_init (&self->frame);
    hf_pack_init (&self->result);
    hf_file_disk_t disk = {.arg = self,
                           .section = s_section,
                           .read = s_read,
                           .list = s_list,
                           .rows = s_rows,
                           .stage_begin = s_stage_begin,
                           .stage_write = s_stage_write,
                           .stage_read = s_stage_read,
                           .stage_drop = s_stage_drop};
    self->service = hf_file_service_new (&config, &disk, durable);
    s_carry_out (self);
}

void
file_stage_done (file_stage_t *self)
{
    hf_file_service_destroy (&self->service);
    for (uint32_t i = 0; i < self->count; i++)
        hf_array_free (&self->files[i].bytes);
    for (size_t i = 0; i < self->peers.count; i++)
        free (self->peers.list[i].bytes);
    hf_array_free (&self->peers);
    hf_pack_done (&self->frame);
    hf_pack_done (&self->result);
    free (self->stage);
}

//  ---- the turn ------------------------------------------------------------------

void
file_stage_give (file_stage_t *self)
{
    uint32_t kind;
    hf_scan_t scan =
        hf_frame_own (hf_pack_bytes (&self->frame), hf_pack_size (&self->frame), &kind);
    hf_file_service_from_actor (self->service, &scan, kind, self->now_us);
    hf_pack_reset (&self->frame);
}

void
file_stage_section (file_stage_t *self, uint64_t index, const char *file, hf_span_t data)
{
    hf_pack_t parts, sections;
    hf_pack_init (&parts);
    hf_pack_init (&sections);
    hf_a_part_put (&parts, &(hf_a_part_t){.file = hf_span_text (file), .data = data});
    hf_a_part_put (&parts, &(hf_a_part_t){.file = hf_span_text ("all"), .data = data});
    hf_a_section_put (&sections, &(hf_a_section_t){.index = index, .parts = hf_pack_list (&parts)});
    hf_a_sections_frame (&self->frame, &(hf_a_sections_t){.sections = hf_pack_list (&sections)});
    file_stage_give (self);
    hf_pack_done (&parts);
    hf_pack_done (&sections);
}

void
file_stage_rows (file_stage_t *self, uint64_t index, uint64_t section)
{
    hf_pack_t changes;
    hf_pack_init (&changes);
    hf_state_change_put (&changes, &(hf_state_change_t){.key = hf_span_text ("k")});
    hf_state_change_put (&changes, &(hf_state_change_t){.gone = true, .key = hf_span_text ("l")});
    hf_a_rows_frame (
        &self->frame,
        &(hf_a_rows_t){.index = index, .section = section, .changes = hf_pack_list (&changes)});
    file_stage_give (self);
    hf_pack_done (&changes);
}

void
file_stage_end (file_stage_t *self)
{
    hf_file_service_end (self->service, self->now_us);
    s_carry_out (self);
    hf_file_step_t step;
    while ((step = hf_file_service_step (self->service)) != HF_FILE_NOTHING) {
        uint64_t index;
        if (step == HF_FILE_COMMIT)
            s_trace (self, "commit");
        else if (step == HF_FILE_ROWS) {
            hf_list_t rows = hf_file_service_rows (self->service, &index);
            self->rows_index = index;
            s_trace (self, "rows:%" PRIu64 "(%u)", index, rows.count);
        } else {
            assert_int_equal (self->stage_have, self->stage_total);
            self->staged = true;
            s_trace (self, "staged");
        }
        hf_file_service_done (self->service, step);
        s_carry_out (self);
    }
}

void
file_stage_expect (file_stage_t *self, const char *trace)
{
    assert_string_equal (self->trace, trace);
    self->trace[0] = 0;
}
