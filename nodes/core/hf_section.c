#include "nodes/core/hf_section.h"
#include "nodes/core/hf_alloc.h"
#include "msgs/hf_hash.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_MIN 64

typedef struct staged_file {
    uint64_t hash; //  of the name: 256 files are looked through in no time
    uint8_t name[255];
    uint8_t name_size;
    uint8_t *bytes;
    uint32_t size, room;
} staged_file_t;

struct hf_section {
    staged_file_t **files;
    uint32_t files_count, files_room;
    uint32_t bytes;
};

hf_section_t *
hf_section_new (void)
{
    return hf_alloc (sizeof (hf_section_t));
}

void
hf_section_destroy (hf_section_t **self_p)
{
    hf_section_t *self = *self_p;
    if (!self)
        return;
    for (uint32_t i = 0; i < self->files_count; i++) {
        free (self->files[i]->bytes);
        free (self->files[i]);
    }
    free (self->files);
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
    //  From the newest on: most appends go on where the last one was.
    for (uint32_t i = self->files_count; i > 0; i--) {
        staged_file_t *file = self->files[i - 1];
        if (file->hash == hash && hf_span_equal (s_name (file), name))
            return file;
    }
    return NULL;
}

static staged_file_t *
s_add (hf_section_t *self, hf_span_t name, uint64_t hash)
{
    assert (name.size > 0 && name.size <= sizeof (((staged_file_t *)0)->name));
    if (self->files_count == self->files_room) {
        self->files_room = self->files_room > 0 ? 2 * self->files_room : 2;
        self->files = hf_alloc_again (self->files, self->files_room * sizeof (staged_file_t *));
    }
    staged_file_t *file = hf_alloc (sizeof (*file));
    file->hash = hash;
    file->name_size = (uint8_t)name.size;
    memcpy (file->name, name.at, name.size);
    self->files[self->files_count++] = file;
    return file;
}

static void
s_extend (staged_file_t *file, hf_span_t data)
{
    uint32_t need = file->size + data.size;
    if (need > file->room) {
        uint32_t room = file->room > 0 ? file->room : ROOM_MIN;
        while (room < need)
            room *= 2;
        file->bytes = hf_alloc_again (file->bytes, room);
        file->room = room;
    }
    if (data.size > 0)
        memcpy (file->bytes + file->size, data.at, data.size);
    file->size = need;
}

hf_status_t
hf_section_append (hf_section_t *self, hf_span_t file_name, hf_span_t data, uint64_t *staged)
{
    assert (self->bytes <= HF_SECTION_BYTES_MAX && *staged <= HF_STAGED_BYTES_MAX);
    if (data.size > HF_DATA_MAX || data.size > HF_SECTION_BYTES_MAX - self->bytes ||
        data.size > HF_STAGED_BYTES_MAX - *staged)
        return HF_TOO_LARGE;
    uint64_t hash = hf_hash (0, file_name.at, file_name.size);
    staged_file_t *file = s_find (self, file_name, hash);
    if (!file && self->files_count == HF_SECTION_FILES_MAX)
        return HF_TOO_LARGE;
    if (!file)
        file = s_add (self, file_name, hash);
    s_extend (file, data);
    self->bytes += data.size;
    *staged += data.size;
    return HF_OK;
}

uint64_t
hf_section_bytes (const hf_section_t *self)
{
    return self->bytes;
}

bool
hf_section_empty (const hf_section_t *self)
{
    return self->files_count == 0;
}

uint8_t *
hf_section_pack (const hf_section_t *self, hf_list_t *parts)
{
    hf_pack_t pack;
    hf_pack_init (&pack);
    for (uint32_t i = 0; i < self->files_count; i++) {
        const staged_file_t *file = self->files[i];
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

void
hf_section_check (const hf_section_t *self)
{
    assert (self->files_count <= self->files_room && self->files_count <= HF_SECTION_FILES_MAX);
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < self->files_count; i++) {
        const staged_file_t *file = self->files[i];
        assert (file->size <= file->room && file->name_size > 0);
        assert (hf_name_valid (s_name (file)));
        assert (s_find (self, s_name (file), file->hash) == file);
        bytes += file->size;
    }
    assert (bytes == self->bytes && bytes <= HF_SECTION_BYTES_MAX);
}
