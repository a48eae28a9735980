//  One section: the staged bytes of each file, and their rows (hf_section.h).
#include "nodes/locks/hf_section.h"
#include "base/hf_array.h"
#include "base/hf_hash.h"
#include <assert.h>

#define ROOM_MIN     64
#define ROOM_DOUBLED (64U << 10)

typedef struct staged_file {
    uint64_t hash; //  of the name
    uint8_t name[255];
    uint8_t name_size;
    uint8_t *bytes;
    uint32_t size, room;
    hf_chain_t dirty;      //  in hf_rows_t.files while pieces are dirty
    bool flushed;          //  a flush contained it
    uint32_t flushed_size; //  as of the last flush; the last piece becomes dirty when it grows
    uint32_t number;
    hf_section_t *section;
} staged_file_t;

struct hf_section {
    uint64_t token;
    hf_rows_t *rows;
    bool flushed; //  at least one piece was
    HF_ARRAY (staged_file_t *) files;
    uint32_t bytes;
};

hf_section_t *
hf_section_new (uint64_t token, hf_rows_t *rows)
{
    hf_section_t *self = hf_alloc (sizeof (*self));
    self->token = token;
    self->rows = rows;
    return self;
}

void
hf_section_destroy (hf_section_t **self_p)
{
    hf_section_t *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < self->files.count; i++) {
        free (self->files.list[i]->bytes);
        free (self->files.list[i]);
    }
    hf_array_free (&self->files);
    free (self);
    *self_p = NULL;
}

static hf_span_t
s_name (const staged_file_t *file)
{
    return (hf_span_t){.at = file->name, .size = file->name_size};
}

static staged_file_t *
s_find (const hf_section_t *self, hf_span_t name, uint64_t hash)
{
    //  From the newest on: most appends continue the last file.
    for (size_t i = self->files.count; i > 0; i--) {
        staged_file_t *file = self->files.list[i - 1];
        if (file->hash == hash && hf_span_equal (s_name (file), name))
            return file;
    }
    return NULL;
}

static staged_file_t *
s_add (hf_section_t *self, hf_span_t name, uint64_t hash)
{
    assert (name.size > 0 && name.size <= sizeof (((staged_file_t *)0)->name));
    staged_file_t *file = hf_alloc (sizeof (*file));
    file->hash = hash;
    file->name_size = (uint8_t)name.size;
    memcpy (file->name, name.at, name.size);
    file->section = self;
    file->number = (uint32_t)self->files.count;
    *hf_array_add (&self->files) = file;
    return file;
}

static void
s_extend (staged_file_t *file, hf_span_t data)
{
    uint32_t need = file->size + data.size;
    if (need > file->room) {
        //  Double it while it is small; later an eighth more, so that idle room stays small.
        uint32_t room = file->room > 0 ? file->room : ROOM_MIN;
        while (room < need)
            room += room < ROOM_DOUBLED ? room : room / 8;
        file->bytes = hf_alloc_again (file->bytes, room);
        file->room = room;
    }
    if (data.size > 0)
        memcpy (file->bytes + file->size, data.at, data.size);
    file->size = need;
}

//  ---- dirty pieces -----------------------------------------------------------------

static uint32_t
s_pieces (const staged_file_t *file)
{
    return file->size > 0 ? (file->size - 1) / HF_ROW_PIECE + 1 : 1;
}

/*  All pieces from this one on are dirty. */
static uint32_t
s_first_dirty (const staged_file_t *file)
{
    if (!file->dirty.next)
        return s_pieces (file);
    return file->flushed ? file->flushed_size / HF_ROW_PIECE : 0;
}

static void
s_add_dirty (const staged_file_t *file, size_t *rows, uint64_t *bytes)
{
    uint32_t first = s_first_dirty (file);
    *rows += s_pieces (file) - first;
    *bytes += first < s_pieces (file) ? file->size - first * HF_ROW_PIECE : 0;
}

static void
s_count (const staged_file_t *file)
{
    s_add_dirty (file, &file->section->rows->count, &file->section->rows->bytes);
}

static void
s_uncount (const staged_file_t *file)
{
    size_t count = 0;
    uint64_t bytes = 0;
    s_add_dirty (file, &count, &bytes);
    assert (file->section->rows->count >= count && file->section->rows->bytes >= bytes);
    file->section->rows->count -= count;
    file->section->rows->bytes -= bytes;
}

/*  Mark the file clean. */
static void
s_settle (staged_file_t *file)
{
    s_uncount (file);
    if (file->dirty.next)
        hf_chain_remove (&file->dirty);
}

static void
s_flushed (staged_file_t *file)
{
    s_settle (file);
    file->flushed_size = file->size;
    file->flushed = file->section->flushed = true;
}

//  ---- appending --------------------------------------------------------------------

hf_status_t
hf_section_append (hf_section_t *self, hf_span_t file_name, hf_span_t data, uint64_t *staged)
{
    assert (self->bytes <= HF_SECTION_BYTES_MAX && *staged <= HF_STAGED_BYTES_MAX);
    if (data.size > HF_DATA_MAX || data.size > HF_SECTION_BYTES_MAX - self->bytes)
        return HF_TOO_LARGE;
    uint64_t hash = hf_hash (0, file_name.at, file_name.size);
    staged_file_t *file = s_find (self, file_name, hash);
    uint32_t cost = data.size + (file ? 0 : HF_STAGED_FILE_COST);
    if (cost > HF_STAGED_BYTES_MAX - *staged)
        return HF_TOO_LARGE;
    if (!file && self->files.count == HF_SECTION_FILES_MAX)
        return HF_TOO_LARGE;
    bool added = !file;
    if (added)
        file = s_add (self, file_name, hash);
    s_uncount (file);
    s_extend (file, data);
    if (!file->dirty.next && (added || data.size > 0))
        hf_chain_append (&self->rows->files, &file->dirty);
    s_count (file);
    self->bytes += data.size;
    *staged += cost;
    return HF_OK;
}

uint64_t
hf_section_bytes (const hf_section_t *self)
{
    return self->bytes;
}

uint64_t
hf_section_cost (const hf_section_t *self)
{
    return self->bytes + (uint64_t)HF_STAGED_FILE_COST * self->files.count;
}

bool
hf_section_empty (const hf_section_t *self)
{
    return self->files.count == 0;
}

uint8_t *
hf_section_pack (const hf_section_t *self, hf_list_t *parts)
{
    hf_pack_t pack;
    hf_pack_init (&pack);
    for (size_t i = 0; i < self->files.count; i++) {
        const staged_file_t *file = self->files.list[i];
        hf_a_part_t part = {.file = s_name (file), .data = hf_span (file->bytes, file->size)};
        hf_a_part_put (&pack, &part);
    }
    *parts = hf_pack_list (&pack);
    size_t size = 0;
    uint8_t *bytes = hf_pack_take (&pack, &size);
    assert (bytes == parts->at && size == parts->size);
    hf_pack_done (&pack);
    return bytes;
}

//  ---- rows -------------------------------------------------------------------------

void
hf_section_delete_rows (hf_section_t *self)
{
    for (size_t i = 0; i < self->files.count; i++)
        s_settle (self->files.list[i]);
    if (!self->flushed)
        return;
    uint8_t key[HF_ROW_KEY_MAX] = {'c'};
    uint8_t *end = hf_row_key_u64 (key + 1, self->token);
    hf_rows_bury (self->rows, hf_span (key, (size_t)(end - key)), true);
}

void
hf_section_rekey (hf_section_t *self, uint64_t token)
{
    hf_section_delete_rows (self);
    self->token = token;
    self->flushed = false;
    for (size_t i = 0; i < self->files.count; i++) {
        staged_file_t *file = self->files.list[i];
        file->flushed = false;
        file->flushed_size = 0;
        hf_chain_append (&self->rows->files, &file->dirty);
        s_count (file);
    }
}

static void
s_put_pieces (const staged_file_t *file, uint32_t first, bool change, hf_pack_t *out)
{
    uint8_t key[HF_ROW_KEY_MAX] = {'c'};
    uint8_t *at = hf_row_key_u64 (key + 1, file->section->token);
    at = hf_row_key_u32 (at, file->number);
    hf_pack_t value;
    hf_pack_init (&value);
    for (uint32_t piece = first; piece < s_pieces (file); piece++) {
        uint32_t offset = piece * HF_ROW_PIECE;
        uint32_t left = file->size - offset;
        uint8_t *end = hf_row_key_u32 (at, offset);
        hf_pack_reset (&value);
        hf_put_array (&value, 2);
        hf_put_str (&value, piece == 0 ? s_name (file) : hf_span (NULL, 0));
        hf_put_bin (&value, hf_span (left > 0 ? file->bytes + offset : NULL,
                                     left < HF_ROW_PIECE ? left : HF_ROW_PIECE));
        hf_rows_put (out, change, hf_span (key, (size_t)(end - key)),
                     hf_span (hf_pack_bytes (&value), hf_pack_size (&value)));
    }
    hf_pack_done (&value);
}

void
hf_section_rows (const hf_section_t *self, hf_pack_t *rows)
{
    for (size_t i = 0; i < self->files.count; i++)
        s_put_pieces (self->files.list[i], 0, false, rows);
}

void
hf_section_changes (hf_rows_t *rows, hf_pack_t *changes)
{
    while (!hf_chain_empty (&rows->files)) {
        staged_file_t *file = HF_AROUND (rows->files.next, staged_file_t, dirty);
        if (changes)
            s_put_pieces (file, s_first_dirty (file), true, changes);
        s_flushed (file);
    }
}

bool
hf_section_load (hf_section_t *self, uint32_t number, uint32_t offset, hf_span_t name,
                 hf_span_t data, uint64_t *staged)
{
    if (data.size > HF_ROW_PIECE)
        return false;
    if (number == self->files.count) {
        if (offset != 0 || !hf_name_valid (name) ||
            s_find (self, name, hf_hash (0, name.at, name.size)))
            return false;
        return hf_section_append (self, name, data, staged) == HF_OK;
    }
    if (number + 1 != self->files.count || offset == 0)
        return false;
    //  It must continue the file, and only full pieces can be continued.
    const staged_file_t *file = self->files.list[number];
    return offset == file->size && offset % HF_ROW_PIECE == 0 && name.size == 0 && data.size > 0 &&
           hf_section_append (self, s_name (file), data, staged) == HF_OK;
}

//  ---- invariants ---------------------------------------------------------------------

void
hf_section_dirty (const hf_section_t *self, size_t *rows, uint64_t *bytes)
{
    for (size_t i = 0; i < self->files.count; i++)
        s_add_dirty (self->files.list[i], rows, bytes);
}

void
hf_section_check (const hf_section_t *self)
{
    assert (self->files.count <= HF_SECTION_FILES_MAX);
    uint64_t bytes = 0;
    for (size_t i = 0; i < self->files.count; i++) {
        const staged_file_t *file = self->files.list[i];
        assert (file->size <= file->room && file->name_size > 0);
        assert (file->section == self && file->number == i && file->flushed_size <= file->size);
        assert (file->dirty.next || (file->flushed && file->flushed_size == file->size));
        assert (hf_name_valid (s_name (file)));
        assert (s_find (self, s_name (file), file->hash) == file);
        bytes += file->size;
    }
    assert (bytes == self->bytes && bytes <= HF_SECTION_BYTES_MAX);
}
