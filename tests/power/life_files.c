//  The file store's life, and its model.

#include "tests/kit/hf_test.h"
#include "base/hf_random.h"
#include "power_life.h"
#include "msgs/hf_msg.h"
#include "nodes/store/hf_file_store.h"
#include <assert.h>
#include <inttypes.h>

#define FILES   4
#define APPENDS 256 //  of a whole life
#define INDEXES 10  //  of the log between two sections

/*  One append of a section. */
typedef struct append {
    long version; //  of the commit that records it
    uint64_t index;
    unsigned file;
    uint32_t size;
} append_t;

typedef struct files {
    power_life_t life;
    append_t appends[APPENDS];
    unsigned count;
    uint64_t applied[POWER_VERSIONS]; //  of each version
} files_t;

static const char *s_names[FILES] = {"one", "two/with a slash", "three", "\xc3\xbc"};

//  ---- the script --------------------------------------------------------------------

static void
s_plan (files_t *self, hf_random_t seed)
{
    uint64_t index = 0;
    for (long version = 2; version <= self->life.versions; version++) {
        unsigned sections = 1 + hf_random_u32 (&seed, 2);
        for (unsigned i = 0; i < sections; i++) {
            index += INDEXES;
            unsigned parts = 1 + hf_random_u32 (&seed, 4);
            for (unsigned j = 0; j < parts; j++) {
                assert (self->count < APPENDS);
                //  The files come one after another, so that new names come at any time.
                unsigned names = 1 + (unsigned)version * FILES / (unsigned)self->life.versions;
                self->appends[self->count++] =
                    (append_t){.version = version,
                               .index = index,
                               .file = hf_random_u32 (&seed, names < FILES ? names : FILES),
                               .size = hf_random_u32 (&seed, 3) ? hf_random_u32 (&seed, 90)
                                                                : hf_random_u32 (&seed, 3000)};
            }
        }
        self->applied[version] = index;
    }
}

/*  Writes the sections of VERSION and commits. */
static int
s_step (power_life_t *life, void *store, long version)
{
    const files_t *self = (void *)life;
    unsigned i = 0;
    while (i < self->count && self->appends[i].version < version)
        i++;
    while (i < self->count && self->appends[i].version == version) {
        uint64_t index = self->appends[i].index;
        hf_pack_t parts;
        hf_pack_init (&parts);
        for (; i < self->count && self->appends[i].index == index; i++) {
            const append_t *append = &self->appends[i];
            hf_a_part_put (&parts, &(hf_a_part_t){.file = hf_span_text (s_names[append->file]),
                                                  .data = power_bytes (i, append->size)});
        }
        int rc = hf_file_store_section (store, index, hf_pack_list (&parts));
        hf_pack_done (&parts);
        if (rc != 0)
            return -1;
    }
    return hf_file_store_commit (store);
}

static void
s_refuses (power_life_t *life, void *store, long kept)
{
    uint8_t *bytes;
    size_t size;
    uint64_t total;
    hf_pack_t rows;
    assert_int_equal (hf_file_store_section (store, UINT32_MAX, (hf_list_t){.count = 0}), -1);
    assert_int_equal (hf_file_store_commit (store), -1);
    assert_int_equal (
        hf_file_store_read (store, hf_span_text (s_names[0]), 0, 9, &bytes, &size, &total), -1);
    hf_pack_init (&rows);
    assert_int_equal (hf_file_store_all_rows (store, &rows), -1);
    hf_pack_done (&rows);
    assert_int_equal (hf_file_store_applied (store), ((files_t *)(void *)life)->applied[kept]);
}

//  ---- looking ------------------------------------------------------------------------

static bool
s_same_file (const files_t *self, hf_file_store_t *store, unsigned file, uint64_t applied)
{
    uint8_t *bytes;
    size_t length = 0, size;
    uint64_t total;
    bool named = false, same = true;
    int rc = hf_file_store_read (store, hf_span_text (s_names[file]), 0, HF_DATA_MAX, &bytes, &size,
                                 &total);
    for (unsigned i = 0; same && i < self->count && self->appends[i].index <= applied; i++) {
        const append_t *append = &self->appends[i];
        if (append->file != file)
            continue;
        same = length + append->size <= size &&
               (append->size == 0 ||
                memcmp (bytes + length, power_bytes (i, append->size).at, append->size) == 0);
        length += append->size;
        named = true;
    }
    free (bytes);
    return same && rc == (named ? HF_OK : HF_NOT_FOUND) && total == length && size == length;
}

static long
s_version (power_life_t *life, void *store, long low, long high, char *why)
{
    const files_t *self = (void *)life;
    uint64_t applied = hf_file_store_applied (store);
    long version = high;
    while (version >= low && self->applied[version] != applied)
        version--;
    if (version < low) {
        snprintf (why, POWER_WHY, "applied %" PRIu64 " is no version of %ld to %ld", applied, low,
                  high);
        version = -1;
    }
    for (unsigned i = 0; version >= 0 && i < FILES; i++)
        if (!s_same_file (self, store, i, applied)) {
            snprintf (why, POWER_WHY, "file %s is not as of %" PRIu64, s_names[i], applied);
            version = -1;
        }
    return version;
}

//  ---- life ----------------------------------------------------------------------------

POWER_STORE_CALLS (hf_file_store, NULL)

power_life_t *
life_files_new (uint64_t seed, unsigned commits)
{
    power_life_t *life = power_store_life (sizeof (files_t), "files", &s_calls, commits);
    s_plan ((files_t *)(void *)life, (hf_random_t){seed});
    return life;
}
