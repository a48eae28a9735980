#include "tests/kit/hf_test.h"
#include "base/hf_random.h"
#include "life_files.h"
#include "msgs/hf_msg.h"
#include "nodes/store/hf_file_store.h"
#include <assert.h>
#include <inttypes.h>

#define FILES    4
#define APPENDS  256 //  of a whole life
#define VERSIONS 64
#define REOPEN   5
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

/*  Writes the sections of VERSION and commits. *DONE: appends before that. */
static int
s_step (files_t *self, hf_file_store_t *store, long version, unsigned *done)
{
    while (*done < self->count && self->appends[*done].version == version) {
        uint64_t index = self->appends[*done].index;
        hf_pack_t parts;
        hf_pack_init (&parts);
        for (; *done < self->count && self->appends[*done].index == index; ++*done) {
            uint8_t bytes[4096];
            const append_t *append = &self->appends[*done];
            s_fill (append, *done, bytes);
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
s_expect_failed (hf_file_store_t *store)
{
    if (hf_file_store_error (store)[0] == 0)
        fail_msg ("a file store failed without a word");
    size_t count = power_life_count ();
    hf_pack_t parts;
    hf_pack_init (&parts);
    assert_int_equal (hf_file_store_section (store, UINT32_MAX, hf_pack_list (&parts)), -1);
    hf_pack_done (&parts);
    assert_int_equal (hf_file_store_commit (store), -1);
    assert_int_equal (power_life_count (), count);
}

static bool
s_run (power_life_t *life, const char *dir)
{
    files_t *self = life->arg;
    char error[HF_ERROR_SIZE] = "";
    hf_file_store_t *store = hf_file_store_open (dir, error);
    bool well = store != NULL;
    unsigned done = 0;
    if (well)
        power_ack ();
    for (long i = 2; well && i <= life->versions; i++) {
        well = s_step (self, store, i, &done) == 0;
        if (!well) {
            s_expect_failed (store);
            break;
        }
        power_ack ();
        if (i % REOPEN == 0) {
            hf_file_store_close (&store);
            store = hf_file_store_open (dir, error);
            well = store != NULL;
        }
    }
    if (!store)
        assert_true (error[0] != 0 && !strchr (error, '\n'));
    hf_file_store_close (&store);
    return well;
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
s_look (power_life_t *life, const char *dir, long low, long high, char *why)
{
    files_t *self = life->arg;
    char error[HF_ERROR_SIZE] = "";
    hf_file_store_t *store = hf_file_store_open (dir, error);
    if (!store) {
        snprintf (why, POWER_WHY, "refused: %s", error);
        return -1;
    }
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
    power_shown ();
    hf_file_store_close (&store);
    return version;
}

//  ---- life ----------------------------------------------------------------------------

power_life_t *
life_files_new (uint64_t seed, unsigned commits)
{
    files_t *self = calloc (1, sizeof *self);
    assert (self && commits + 2 <= VERSIONS);
    self->life = (power_life_t){
        .name = "files", .run = s_run, .look = s_look, .versions = 1 + (long)commits, .arg = self};
    s_plan (self, (hf_random_t){seed});
    return &self->life;
}

void
life_files_destroy (power_life_t **self_p)
{
    free ((*self_p)->arg);
    *self_p = NULL;
}
