//  The life of a node that takes over the state of another one.

#include "tests/kit/hf_test.h"
#include "power_life.h"
#include "base/hf_hash.h"
#include "msgs/hf_msg.h"
#include "nodes/snapshot/disk/hf_snapshot_install.h"
#include "nodes/snapshot/disk/hf_snapshot_stage.h"
#include "nodes/snapshot/hf_snapshot_format.h"
#include "nodes/store/hf_file_store.h"
#include "nodes/store/hf_log_store.h"
#include "nodes/store/hf_state_store.h"
#include <assert.h>
#include <inttypes.h>
#include <sys/stat.h>

#define TERM   6 //  the node's own, and its vote in it
#define VOTE   2
#define MEMBER 11 //  its incarnation in the roster
#define TEXT   1024

/*  Something named, of SIZE bytes that follow from SALT. */
typedef struct thing {
    const char *name;
    uint32_t size;
    uint8_t salt;
} thing_t;

typedef struct picture {
    uint64_t first, last, base_term; //  of the log
    uint64_t index;                  //  of the rows
    uint64_t section;                //  of the files
    thing_t rows[4], files[4];       //  in the order of names
} picture_t;

//  The new state is less in one place, more in others, and changes what both have.
static const picture_t s_old = {
    .first = 1,
    .last = 8,
    .index = 8,
    .section = 7,
    .rows = {{"a", 30, 1}, {"b", 5000, 2}},
    .files = {{"goes", 4000, 3}, {"stays", 900, 4}},
};
static const picture_t s_new = {
    .first = 51,
    .last = 50,
    .base_term = 5,
    .index = 50,
    .section = 41,
    .rows = {{"b", 70, 5}, {"c", 9000, 6}, {"d", 0, 7}},
    .files = {{"empty", 0, 8}, {"new", 6000, 9}, {"stays", 2500, 4}},
};

typedef struct swap {
    power_life_t life;
    size_t size;
    uint64_t incarnation;
} swap_t;

static hf_span_t
s_bytes (const thing_t *thing)
{
    return power_bytes (thing->salt, thing->size);
}

//  ---- the stream ----------------------------------------------------------------------

static void
s_make_stream (swap_t *self)
{
    hf_pack_t all, roster, rows, files;
    hf_pack_init (&all);
    hf_pack_init (&rows);
    hf_pack_init (&files);
    hf_pack_init (&roster);
    hf_roster_put (&roster,
                   &(hf_roster_t){.count = 1, .members = {{.node = 1, .incarnation = MEMBER}}});
    for (const thing_t *row = s_new.rows; row->name; row++)
        hf_state_row_put (
            &rows, &(hf_state_row_t){.key = hf_span_text (row->name), .value = s_bytes (row)});
    for (const thing_t *file = s_new.files; file->name; file++)
        hf_file_row_put (
            &files,
            &(hf_file_row_t){.file = hf_span_text (file->name),
                             .length = file->size,
                             .checksum = hf_fnv (HF_FNV_EMPTY, s_bytes (file).at, file->size)});
    hf_state_head_t head = {.index = s_new.index,
                            .term = s_new.base_term,
                            .roster = hf_span (hf_pack_bytes (&roster), hf_pack_size (&roster)),
                            .section = s_new.section,
                            .files = hf_pack_list (&files)};
    hf_snapshot_pack_head (&all, &head, hf_span (hf_pack_bytes (&rows), hf_pack_size (&rows)));
    hf_pack_raw (&all, hf_pack_bytes (&rows), hf_pack_size (&rows));
    for (const thing_t *file = s_new.files; file->name; file++)
        hf_pack_raw (&all, s_bytes (file).at, file->size);
    self->life.bytes = hf_pack_take (&all, &self->size);
    hf_pack_done (&roster);
    hf_pack_done (&rows);
    hf_pack_done (&files);
}

//  ---- the script ----------------------------------------------------------------------

static void
s_prepare (power_life_t *life, const char *dir)
{
    swap_t *self = (void *)life;
    char error[HF_ERROR_SIZE];
    hf_log_store_t *log = hf_log_store_open (dir, error);
    hf_state_store_t *state = hf_state_store_open (dir, error);
    hf_file_store_t *files = hf_file_store_open (dir, error);
    hf_pack_t changes, parts;
    hf_pack_init (&changes);
    hf_pack_init (&parts);
    assert_true (log && state && files);
    self->incarnation = hf_log_store_incarnation (log);
    assert_int_equal (hf_log_store_vote (log, TERM, (hf_member_t){VOTE, 77}), 0);
    for (uint64_t i = 1; i <= s_old.last; i++)
        assert_int_equal (
            hf_log_store_append (log, i,
                                 &(hf_entry_t){3, HF_ENTRY_COMMANDS, s_bytes (&s_old.rows[0])}),
            0);
    assert_int_equal (hf_log_store_commit (log), 0);
    for (const thing_t *row = s_old.rows; row->name; row++)
        hf_state_change_put (&changes, &(hf_state_change_t){.key = hf_span_text (row->name),
                                                            .value = s_bytes (row)});
    assert_int_equal (hf_state_store_write (state, s_old.index, hf_pack_list (&changes)), 0);
    for (const thing_t *file = s_old.files; file->name; file++)
        hf_a_part_put (&parts,
                       &(hf_a_part_t){.file = hf_span_text (file->name), .data = s_bytes (file)});
    assert_int_equal (hf_file_store_section (files, s_old.section, hf_pack_list (&parts)), 0);
    assert_int_equal (hf_file_store_commit (files), 0);
    hf_pack_done (&changes);
    hf_pack_done (&parts);
    hf_log_store_close (&log);
    hf_state_store_close (&state);
    hf_file_store_close (&files);
}

static bool
s_receive (swap_t *self, const char *dir, char *error)
{
    hf_snapshot_stage_t *stage = hf_snapshot_stage_new (dir, self->size, error);
    if (!stage)
        return false;
    bool well = true;
    for (size_t at = 0; well && at < self->size;) {
        size_t size = self->size - at < 5000 ? self->size - at : 5000;
        well = hf_snapshot_stage_write (stage, at, hf_span (self->life.bytes + at, size)) == 0;
        at += size;
    }
    well = well && hf_snapshot_stage_ready (stage) == 0;
    if (!well)
        memcpy (error, hf_snapshot_stage_error (stage), HF_ERROR_SIZE);
    hf_snapshot_stage_destroy (&stage);
    return well;
}

static bool
s_go_on (const char *dir, char *error)
{
    uint64_t index = 0;
    if (hf_snapshot_install (dir, &index, error) < 0)
        return false;
    assert_int_equal (index, s_new.index);
    hf_log_store_t *log = hf_log_store_open (dir, error);
    bool well =
        log &&
        hf_log_store_append (log, s_new.last + 1,
                             &(hf_entry_t){TERM, HF_ENTRY_COMMANDS, hf_span ("x", 1)}) == 0 &&
        hf_log_store_commit (log) == 0;
    if (log && !well)
        memcpy (error, hf_log_store_error (log), HF_ERROR_SIZE);
    if (well)
        power_ack ();
    hf_log_store_close (&log);
    return well;
}

static bool
s_run (power_life_t *life, const char *dir)
{
    char error[HF_ERROR_SIZE] = "";
    power_ack ();
    bool well = s_receive ((void *)life, dir, error);
    if (well)
        power_ack ();
    well = well && s_go_on (dir, error);
    if (!well)
        assert_true (error[0] != 0 && !strchr (error, '\n'));
    return well;
}

//  ---- looking ---------------------------------------------------------------------------

/*  Append to a description of the log, the rows and the files. */
static void
s_say (char *text, const char *format, ...)
{
    size_t size = strlen (text);
    va_list args;
    va_start (args, format);
    vsnprintf (text + size, TEXT - size, format, args);
    va_end (args);
}

static bool
s_say_thing (void *text, hf_span_t name, hf_span_t bytes)
{
    s_say (text, " %.*s:%u:%" PRIx64, (int)name.size, (const char *)name.at, bytes.size,
           hf_hash (0, bytes.at, bytes.size));
    return true;
}

static void
s_say_log (char *text, uint64_t first, uint64_t last, uint64_t base_term, bool roster)
{
    s_say (text, "log %" PRIu64 "..%" PRIu64 " behind term %" PRIu64 "%s;", first, last, base_term,
           roster ? " with its roster" : "");
}

static void
s_want (char *text, const picture_t *picture, unsigned more)
{
    text[0] = 0;
    s_say_log (text, picture->first, picture->last + more, picture->base_term,
               picture->base_term > 0);
    s_say (text, " rows as of %" PRIu64, picture->index);
    for (const thing_t *row = picture->rows; row->name; row++)
        s_say_thing (text, hf_span_text (row->name), s_bytes (row));
    s_say (text, "; files as of %" PRIu64, picture->section);
    for (const thing_t *file = picture->files; file->name; file++)
        s_say_thing (text, hf_span_text (file->name), s_bytes (file));
}

static void
s_note_roster (void *arg, uint64_t index, hf_span_t payload)
{
    hf_roster_t roster;
    bool *right = arg;
    *right = index == s_new.index && hf_roster_get (payload, &roster) &&
             roster.members[0].incarnation == MEMBER;
}

static void
s_say_files (char *text, hf_file_store_t *files)
{
    hf_pack_t rows;
    hf_pack_init (&rows);
    bool more = false;
    int rc = hf_file_store_rows (files, hf_span_text (""), 100, &rows, &more);
    s_say (text, "; files as of %" PRIu64 "%s", hf_file_store_applied (files),
           rc != 0 || more ? " that cannot be listed" : "");
    hf_scan_t scan = hf_scan_list (hf_pack_list (&rows));
    hf_file_row_t row;
    while (!hf_scan_at_end (&scan) && hf_file_row_get (&scan, &row)) {
        uint8_t *bytes;
        size_t size;
        uint64_t total;
        rc = hf_file_store_read (files, row.file, 0, HF_DATA_MAX, &bytes, &size, &total);
        s_say_thing (text, row.file, hf_span (bytes, rc == HF_OK ? size : 0));
        free (bytes);
    }
    hf_pack_done (&rows);
}

static bool
s_say_all (swap_t *self, const char *dir, char *text, char *error)
{
    hf_log_store_t *log = hf_log_store_open (dir, error);
    hf_state_store_t *state = log ? hf_state_store_open (dir, error) : NULL;
    hf_file_store_t *files = state ? hf_file_store_open (dir, error) : NULL;
    text[0] = 0;
    if (files) {
        bool roster = false;
        const hf_log_state_t *now = hf_log_store_state (log);
        hf_log_store_rosters (log, s_note_roster, &roster);
        s_say_log (text, now->base_index + 1, now->last_index, now->base_term, roster);
        s_say (text, " rows as of %" PRIu64, hf_state_store_index (state));
        if (hf_state_store_read (state, s_say_thing, text) != 0)
            s_say (text, " that cannot be read");
        s_say_files (text, files);
        if (now->term != TERM || now->voted_for.node != VOTE ||
            hf_log_store_incarnation (log) != self->incarnation)
            s_say (text, ", not the node's own vote");
    }
    power_shown ();
    bool opened = files != NULL;
    hf_log_store_close (&log);
    hf_state_store_close (&state);
    hf_file_store_close (&files);
    return opened;
}

static long
s_look (power_life_t *life, const char *dir, long low, long high, char *why)
{
    char error[HF_ERROR_SIZE] = "";
    char found[TEXT], want[TEXT];
    uint64_t index;
    power_shown ();
    if (hf_snapshot_install (dir, &index, error) < 0 ||
        !s_say_all ((void *)life, dir, found, error)) {
        snprintf (why, POWER_WHY, "refused: %s", error);
        return -1;
    }
    for (long version = high; version >= low; version--) {
        s_want (want, version == 1 ? &s_old : &s_new, version == 3);
        if (strcmp (found, want) == 0)
            return version;
    }
    snprintf (why, POWER_WHY, "%.400s, not %ld to %ld: %.400s", found, low, high, want);
    return -1;
}

//  ---- life ------------------------------------------------------------------------------

power_life_t *
life_swap_new (uint64_t seed, unsigned commits)
{
    (void)seed, (void)commits;
    swap_t *self = hf_alloc (sizeof *self);
    self->life = (power_life_t){
        .name = "swap", .prepare = s_prepare, .run = s_run, .look = s_look, .versions = 3};
    s_make_stream (self);
    return &self->life;
}
