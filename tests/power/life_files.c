//  The file store's life, and its model.

#include "tests/kit/hf_test.h"
#include "base/hf_random.h"
#include "lives.h"
#include "msgs/hf_msg.h"
#include "nodes/store/hf_file_store.h"
#include <assert.h>
#include <inttypes.h>

#define FILES    4
#define APPENDS  256 //  of a whole life
#define VERSIONS 64
#define INDEXES  10 //  of the log between two sections

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
    uint64_t applied[VERSIONS]; //  of each version
} files_t;

static const char *s_names[FILES] = {"one", "two/with a slash", "three", "\xc3\xbc"};

static void
s_fill (const append_t *append, unsigned at, uint8_t *bytes)
{
    for (uint32_t i = 0; i < append->size; i++)
        bytes[i] = (uint8_t)(at * 37 + i * 5 + (i >> 8) + 1);
}

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
                unsigned known = 1 + (unsigned)version * FILES / (unsigned)self->life.versions;
                self->appends[self->count++] =
                    (append_t){.version = version,
                               .index = index,
                               .file = hf_random_u32 (&seed, known < FILES ? known : FILES),
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
    const files_t *self = life->arg;
    unsigned i = 0;
    while (i < self->count && self->appends[i].version < version)
        i++;
    while (i < self->count && self->appends[i].version == version) {
        uint64_t index = self->appends[i].index;
        hf_pack_t parts;
        hf_pack_init (&parts);
        for (; i < self->count && self->appends[i].index == index; i++) {
            uint8_t bytes[4096];
            const append_t *append = &self->appends[i];
            s_fill (append, i, bytes);
            hf_a_part_put (&parts, &(hf_a_part_t){.file = hf_span_text (s_names[append->file]),
                                                  .data = hf_span (bytes, append->size)});
        }
        int rc = hf_file_store_section (store, index, hf_pack_list (&parts));
        hf_pack_done (&parts);
        if (rc != 0)
            return -1;
    }
    return hf_file_store_commit (store);
}

static void
s_refuses (void *store)
{
    assert_int_equal (hf_file_store_section (store, UINT32_MAX, (hf_list_t){.count = 0}), -1);
    assert_int_equal (hf_file_store_commit (store), -1);
}

//  ---- looking ------------------------------------------------------------------------

static bool
s_same_file (const files_t *self, hf_file_store_t *store, unsigned file, uint64_t applied)
{
    static uint8_t want[256 << 10];
    uint8_t *bytes = NULL;
    size_t length = 0, size = 0;
    uint64_t total = 0;
    bool named = false;
    for (unsigned i = 0; i < self->count && self->appends[i].index <= applied; i++) {
        if (self->appends[i].file != file)
            continue;
        assert (length + self->appends[i].size <= sizeof want);
        s_fill (&self->appends[i], i, want + length);
        length += self->appends[i].size;
        named = true;
    }
    int rc = hf_file_store_read (store, hf_span_text (s_names[file]), 0, HF_DATA_MAX, &bytes, &size,
                                 &total);
    bool same = rc == (named ? HF_OK : HF_NOT_FOUND) && total == length && size == length &&
                (size == 0 || memcmp (bytes, want, length) == 0);
    free (bytes);
    return same;
}

static long
s_version (power_life_t *life, void *store, long low, long high, char *why)
{
    files_t *self = life->arg;
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

POWER_STORE_CALLS (hf_file_store)

power_life_t *
life_files_new (uint64_t seed, unsigned commits)
{
    static const power_store_t calls = {s_open, s_close,   s_error,  NULL,
                                        s_step, s_refuses, s_version};
    files_t *self = hf_alloc (sizeof *self);
    assert (commits + 2 <= VERSIONS);
    self->life = (power_life_t){.name = "files",
                                .run = power_store_run,
                                .look = power_store_look,
                                .store = &calls,
                                .versions = 1 + (long)commits,
                                .arg = self};
    s_plan (self, (hf_random_t){seed});
    return &self->life;
}
