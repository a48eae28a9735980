//  A received snapshot on the disk: staged, swapped in, refused. Cut short at every step and on a
//  full disk: tests/power, life_swap.c.

#include "msgs/hf_msg.h"
#include "nodes/snapshot/disk/hf_snapshot_install.h"
#include "nodes/snapshot/disk/hf_snapshot_stage.h"
#include "nodes/snapshot/hf_snapshot_send.h"
#include "nodes/store/hf_file_store.h"
#include "nodes/store/hf_state_store.h"
#include "store_fixture.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char s_error[HF_ERROR_SIZE];

#define AS_OF_INDEX   400
#define AS_OF_TERM    6
#define AS_OF_SECTION 33

//  ---- what is sent ------------------------------------------------------------------

typedef struct bytes {
    uint8_t *at;
    size_t size;
} bytes_t;

static uint8_t s_large[3000000]; //  the large file
#define ROW_SIZE 200000          //  bytes of a large row

STORE_OPEN (hf_log_store, s_open_log, s_reopen_log, s_log_refused)
STORE_OPEN (hf_file_store, s_open_files, s_reopen_files, s_files_refused)
STORE_OPEN (hf_state_store, s_open_state, s_reopen_state, s_state_refused)

static hf_file_store_t *
s_files (const char *dir)
{
    mkdir (dir, 0700);
    hf_file_store_t *files = s_open_files (dir);
    for (size_t i = 0; i < sizeof s_large; i++)
        s_large[i] = (uint8_t)(i * 2654435761U >> 13);
    assert_ok (fixture_section (files, 12,
                                PARTS ({"empty", "", 0}, {"../odd \xc3\xa9\"name", "odd", 3},
                                       {"large", s_large, sizeof s_large})));
    assert_ok (fixture_section (files, 20, PARTS ({"small", "small", 5})));
    assert_int_equal (hf_file_store_applied (files), 0);
    assert_ok (hf_file_store_commit (files));
    //  Not committed: it counts all the same.
    assert_ok (fixture_section (files, AS_OF_SECTION, PARTS ({"small", " and more", 9})));
    assert_int_equal (hf_file_store_applied (files), 20);
    return files;
}

/*  "name length" of each, for a test to compare. */
static void
s_expect_files (hf_file_store_t *files, const char *text)
{
    hf_pack_t rows;
    hf_pack_init (&rows);
    assert_int_equal (hf_file_store_all_rows (files, &rows), 0);
    hf_scan_t scan = hf_scan_list (hf_pack_list (&rows));
    char found[1000] = "";
    while (!hf_scan_at_end (&scan)) {
        hf_file_row_t row;
        assert_true (hf_file_row_get (&scan, &row));
        size_t used = strlen (found);
        snprintf (found + used, sizeof found - used, "%s%.*s %llu", used > 0 ? ", " : "",
                  (int)row.file.size, (const char *)row.file.at, (unsigned long long)row.length);
    }
    assert_string_equal (found, text);
    hf_pack_done (&rows);
}

/*  Ten rows, all but the first large. */
static bytes_t
s_rows (void)
{
    hf_pack_t rows;
    hf_pack_init (&rows);
    hf_state_row_put (&rows,
                      &(hf_state_row_t){.key = hf_span_text (""), .value = hf_span_text ("whole")});
    for (int i = 0; i < 9; i++) {
        char key[8];
        snprintf (key, sizeof key, "big%d", i);
        hf_state_row_put (&rows, &(hf_state_row_t){.key = hf_span_text (key),
                                                   .value = hf_span (s_large + i, ROW_SIZE)});
    }
    bytes_t bytes;
    bytes.at = hf_pack_take (&rows, &bytes.size);
    return bytes;
}

static int
s_read_file (void *arg, hf_span_t name, uint64_t offset, uint32_t limit, uint8_t **bytes,
             size_t *size, uint64_t *total)
{
    return hf_file_store_read (arg, name, offset, limit, bytes, size, total);
}

/*  The snapshot of a node with its files in DIR/from. */
static bytes_t
s_stream (const char *dir)
{
    hf_file_store_t *files = s_files (fixture_path (dir, "from"));
    hf_pack_t roster, list;
    hf_pack_init (&roster);
    hf_pack_init (&list);
    hf_roster_put (&roster,
                   &(hf_roster_t){.count = 1, .members = {{.node = 2, .incarnation = 4711}}});
    assert_int_equal (hf_file_store_all_rows (files, &list), 0);
    bytes_t rows = s_rows ();
    hf_state_head_t head = {.index = AS_OF_INDEX,
                            .term = AS_OF_TERM,
                            .roster = hf_span (hf_pack_bytes (&roster), hf_pack_size (&roster)),
                            .section = AS_OF_SECTION,
                            .files = hf_pack_list (&list)};
    hf_snapshot_send_t *send = hf_snapshot_send_new (&head);
    hf_snapshot_send_rows (send, hf_span (rows.at, rows.size));
    assert_true (hf_snapshot_send_seal (send));
    bytes_t all = {.at = malloc (hf_snapshot_send_total (send))};
    while (all.size < hf_snapshot_send_total (send)) {
        size_t size;
        uint8_t *bytes =
            hf_snapshot_send_read (send, all.size, UINT32_MAX, s_read_file, files, &size);
        memcpy (all.at + all.size, bytes, size);
        all.size += size;
        free (bytes);
    }
    hf_snapshot_send_destroy (&send);
    hf_pack_done (&roster);
    hf_pack_done (&list);
    free (rows.at);
    hf_file_store_close (&files);
    return all;
}

//  ---- where it goes -------------------------------------------------------------------

/*  A node in DIR/to with a state of its own, its log up to LAST. */
static const char *
s_node (const char *dir, uint64_t last)
{
    static char to[1024];
    snprintf (to, sizeof to, "%s/to", dir);
    assert_int_equal (mkdir (to, 0700), 0);
    hf_log_store_t *log = s_open_log (to);
    for (uint64_t i = 1; i <= last; i++)
        assert_ok (fixture_append (log, i, 5, "entry", 5));
    assert_ok (hf_log_store_vote (log, 9, (hf_member_t){2, 77}));
    assert_ok (hf_log_store_commit (log));
    hf_log_store_close (&log);
    hf_file_store_t *files = s_open_files (to);
    assert_ok (fixture_section (files, 8, PARTS ({"small", "another one", 11}, {"old", "old", 3})));
    assert_ok (hf_file_store_commit (files));
    hf_file_store_close (&files);
    hf_state_store_t *state = s_open_state (to);
    hf_pack_t changes;
    hf_pack_init (&changes);
    hf_state_change_put (&changes, &(hf_state_change_t){.key = hf_span_text ("old")});
    assert_ok (hf_state_store_write (state, 3, hf_pack_list (&changes)));
    hf_pack_done (&changes);
    hf_state_store_close (&state);
    return to;
}

static int
s_receive (const char *to, bytes_t stream)
{
    hf_snapshot_stage_t *stage = hf_snapshot_stage_new (to, stream.size, s_error);
    assert_non_null (stage);
    size_t step = 1;
    for (size_t have = 0; have < stream.size;) {
        size_t left = stream.size - have;
        size_t size = step < left ? step : left;
        assert_int_equal (hf_snapshot_stage_write (stage, have, hf_span (stream.at + have, size)),
                          0);
        step = step < 500000 ? step * 7 : 500000;
        have += size;
    }
    uint8_t last;
    assert_int_equal (hf_snapshot_stage_read (stage, stream.size - 1, &last, 1), 0);
    assert_int_equal (last, stream.at[stream.size - 1]);
    int rc = hf_snapshot_stage_ready (stage);
    hf_snapshot_stage_destroy (&stage);
    return rc;
}

static bool
s_hear_row (void *arg, hf_span_t key, hf_span_t value)
{
    int *rows = arg;
    const char *want_key = (char[]){'b', 'i', 'g', (char)('0' + *rows - 1), 0};
    if (*rows == 0) {
        assert_int_equal (key.size, 0);
        assert_true (hf_span_equal (value, hf_span_text ("whole")));
    } else {
        assert_true (hf_span_equal (key, hf_span_text (want_key)));
        assert_true (hf_span_equal (value, hf_span (s_large + *rows - 1, ROW_SIZE)));
    }
    ++*rows;
    return true;
}

/*  The state of the stream, whole, and nothing of the old one but the node's own vote and term. */
static void
s_expect_installed (const char *to)
{
    hf_log_store_t *log = s_open_log (to);
    fixture_expect_log (log, "term 9 vote 2:77 401-400 base 6 rosters 400:4711");
    hf_log_store_close (&log);

    hf_state_store_t *state = s_open_state (to);
    int rows = 0;
    assert_ok (hf_state_store_read (state, s_hear_row, &rows));
    assert_int_equal (rows, 10);
    assert_int_equal (hf_state_store_index (state), AS_OF_INDEX);
    hf_state_store_close (&state);

    hf_file_store_t *files = s_open_files (to); //  checks every file's bytes
    assert_int_equal (hf_file_store_applied (files), AS_OF_SECTION);
    s_expect_files (files, "../odd \xc3\xa9\"name 3, empty 0, large 3000000, small 14");
    hf_file_store_close (&files);
    assert_false (fixture_exists (fixture_path (to, "incoming")));
    assert_false (fixture_exists (fixture_path (to, "files/old")));
}

static int
s_install (const char *to, uint64_t *index)
{
    s_error[0] = 0;
    int rc = hf_snapshot_install (to, index, s_error);
    assert_true ((rc < 0) == (s_error[0] != 0));
    return rc;
}

//  ---- clean -------------------------------------------------------------------------

STORE_TEST (test_nothing_is_pending)
{
    uint64_t index = 1;
    assert_int_equal (s_install (*state, &index), 0);
    assert_int_equal (index, 0);
    assert_false (fixture_exists (fixture_path (*state, "log.db")));
}

STORE_TEST (test_state_is_swapped_in)
{
    const char *to = s_node (*state, 20);
    bytes_t stream = s_stream (*state);
    uint64_t index;
    if (s_receive (to, stream) != 0)
        fail_msg ("%s", s_error);
    assert_int_equal (s_install (to, &index), 1);
    assert_int_equal (index, AS_OF_INDEX);
    s_expect_installed (to);
    assert_int_equal (s_install (to, &index), 0);
    s_expect_installed (to);
    free (stream.at);
}

STORE_TEST (test_log_that_is_further_on_keeps_its_state)
{
    //  The same point in the log, though of another term, is not further on.
    const char *to = s_node (*state, AS_OF_INDEX + 5);
    bytes_t stream = s_stream (*state);
    uint64_t index;
    assert_ok (s_receive (to, stream));
    assert_int_equal (s_install (to, &index), 1);
    s_expect_installed (to);
    hf_log_store_t *log = s_open_log (to);
    for (uint64_t i = 1; i <= 10; i++)
        assert_ok (fixture_append (log, AS_OF_INDEX + i, 9, "", 0));
    assert_ok (hf_log_store_commit (log));
    hf_log_store_close (&log);
    //  Now it has the point, first as its base, then as less than that.
    for (int turn = 0; turn < 2; turn++) {
        assert_ok (s_receive (to, stream));
        assert_int_equal (s_install (to, &index), 0);
        assert_false (fixture_exists (fixture_path (to, "incoming")));
        log = s_open_log (to);
        assert_int_equal (hf_log_store_state (log)->last_index, AS_OF_INDEX + 10);
        if (turn == 0)
            assert_int_equal (hf_log_store_prune (log, AS_OF_INDEX + 5, 0, 100), 5);
        assert_ok (hf_log_store_commit (log));
        hf_log_store_close (&log);
    }
    free (stream.at);
}

STORE_TEST (test_snapshot_that_is_not_whole_is_removed)
{
    const char *to = s_node (*state, 20);
    hf_snapshot_stage_t *stage = hf_snapshot_stage_new (to, 100, s_error);
    assert_int_equal (hf_snapshot_stage_write (stage, 0, hf_span_text ("part")), 0);
    hf_snapshot_stage_destroy (&stage);
    assert_false (fixture_exists (fixture_path (to, "incoming")));
    //  A kill leaves it there.
    assert_int_equal (mkdir (fixture_path (to, "incoming"), 0700), 0);
    fixture_write (fixture_path (to, "incoming/stream"), "abc", 3);
    uint64_t index;
    assert_int_equal (s_install (to, &index), 0);
    assert_false (fixture_exists (fixture_path (to, "incoming")));
}

//  ---- what is not as it should be -------------------------------------------------------

STORE_TEST (test_damage_of_what_is_ready_leaves_the_old_state)
{
    const char *to = s_node (*state, 20);
    bytes_t stream = s_stream (*state);
    assert_ok (s_receive (to, stream));
    fixture_flip (fixture_path (to, "incoming/ready"), (int64_t)stream.size - 1);
    uint64_t index;
    assert_int_equal (s_install (to, &index), -1);
    assert_contains (s_error, "incoming/ready is damaged: a file");
    assert_contains (s_error, "docs/operating.md");
    hf_file_store_t *files = s_open_files (to);
    s_expect_files (files, "old 3, small 11");
    hf_file_store_close (&files);
    free (stream.at);
}

STORE_TEST (test_disk_that_is_full_while_it_comes_in)
{
    const char *to = s_node (*state, 20);
    hf_snapshot_stage_t *stage = hf_snapshot_stage_new (to, 1000000, s_error);
    fixture_limit (1000);
    int rc = hf_snapshot_stage_write (stage, 0, hf_span (s_large, 5000));
    fixture_unlimit ();
    assert_int_equal (rc, -1);
    assert_contains (hf_snapshot_stage_error (stage), "cannot write");
    hf_snapshot_stage_destroy (&stage);
    assert_false (fixture_exists (fixture_path (to, "incoming")));
}

HF_TEST_MAIN (NULL, NULL)
