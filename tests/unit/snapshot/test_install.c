//  A received snapshot on the disk: staged, swapped in, cut short at every step.

#include "msgs/hf_msg.h"
#include "nodes/snapshot/disk/hf_snapshot_install.h"
#include "nodes/snapshot/disk/hf_snapshot_stage.h"
#include "nodes/snapshot/hf_snapshot_send.h"
#include "nodes/store/hf_file_store.h"
#include "nodes/store/hf_state_store.h"
#include "store_fixture.h"
#include "store_wrap.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEST(name) HF_TEST_WITH (name, s_setup, fixture_teardown)

static char s_error[HF_ERROR_SIZE];

#define AS_OF_INDEX   400
#define AS_OF_TERM    6
#define AS_OF_SECTION 33

//  ---- what is sent ------------------------------------------------------------------

typedef struct bytes {
    uint8_t *at;
    size_t size;
} bytes_t;

static void
s_append (hf_file_store_t *files, uint64_t index, const char *name, const void *data, size_t size)
{
    hf_pack_t parts;
    hf_pack_init (&parts);
    hf_a_part_put (&parts,
                   &(hf_a_part_t){.file = hf_span_text (name), .data = hf_span (data, size)});
    assert_int_equal (hf_file_store_section (files, index, hf_pack_list (&parts)), 0);
    hf_pack_done (&parts);
}

static uint8_t s_large[3000000];
static size_t s_large_size; //  bytes of the large file
static size_t s_row_size;   //  bytes of a large row

static int
s_setup (void **state)
{
    s_large_size = sizeof s_large;
    s_row_size = 200000;
    return fixture_setup (state);
}

static hf_file_store_t *
s_files (const char *dir)
{
    mkdir (dir, 0700);
    hf_file_store_t *files = hf_file_store_open (dir, s_error);
    assert_non_null (files);
    for (size_t i = 0; i < sizeof s_large; i++)
        s_large[i] = (uint8_t)(i * 2654435761U >> 13);
    s_append (files, 10, "empty", "", 0);
    s_append (files, 11, "../odd \xc3\xa9\"name", "odd", 3);
    s_append (files, 12, "large", s_large, s_large_size);
    s_append (files, 20, "small", "small", 5);
    assert_int_equal (hf_file_store_written (files), 20);
    assert_int_equal (hf_file_store_applied (files), 0);
    assert_int_equal (hf_file_store_commit (files), 0);
    s_append (files, AS_OF_SECTION, "small", " and more", 9); //  not committed: counts all the same
    assert_int_equal (hf_file_store_written (files), AS_OF_SECTION);
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

static void
s_expect_sent_files (hf_file_store_t *files)
{
    char text[100];
    snprintf (text, sizeof text, "../odd \xc3\xa9\"name 3, empty 0, large %zu, small 14",
              s_large_size);
    s_expect_files (files, text);
}

static void
s_roster (hf_pack_t *pack)
{
    hf_roster_put (pack, &(hf_roster_t){.count = 1, .members = {{2, 4711}}});
}

/*  Three rows: the middle one large. */
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
                                                   .value = hf_span (s_large + i, s_row_size)});
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
    s_roster (&roster);
    assert_int_equal (hf_file_store_all_rows (files, &list), 0);
    bytes_t rows = s_rows ();
    hf_state_head_t head = {.index = AS_OF_INDEX,
                            .term = AS_OF_TERM,
                            .roster = hf_span (hf_pack_bytes (&roster), hf_pack_size (&roster)),
                            .section = AS_OF_SECTION,
                            .files = hf_pack_list (&list)};
    hf_snapshot_send_t *send = hf_snapshot_send_new (&head, hf_span (rows.at, rows.size));
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
    hf_log_store_t *log = hf_log_store_open (to, s_error);
    assert_non_null (log);
    for (uint64_t i = 1; i <= last; i++)
        assert_int_equal (hf_log_store_append (
                              log, i, &(hf_entry_t){5, HF_ENTRY_COMMANDS, hf_span_text ("entry")}),
                          0);
    assert_int_equal (hf_log_store_vote (log, 9, (hf_member_t){2, 77}), 0);
    assert_int_equal (hf_log_store_commit (log), 0);
    hf_log_store_close (&log);
    hf_file_store_t *files = hf_file_store_open (to, s_error);
    assert_non_null (files);
    s_append (files, 7, "small", "another one", 11);
    s_append (files, 8, "gone", "gone", 4);
    assert_int_equal (hf_file_store_commit (files), 0);
    hf_file_store_close (&files);
    hf_state_store_t *state = hf_state_store_open (to, s_error);
    assert_non_null (state);
    hf_pack_t changes;
    hf_pack_init (&changes);
    hf_state_change_put (&changes, &(hf_state_change_t){.key = hf_span_text ("old")});
    assert_int_equal (hf_state_store_write (state, 3, hf_pack_list (&changes)), 0);
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
        assert_true (hf_span_equal (value, hf_span (s_large + *rows - 1, s_row_size)));
    }
    ++*rows;
    return true;
}

static void
s_hear_roster (void *arg, uint64_t index, hf_span_t payload)
{
    hf_roster_t roster;
    assert_true (hf_roster_get (payload, &roster));
    assert_int_equal (roster.members[0].incarnation, 4711);
    *(uint64_t *)arg = index;
}

/*  The state of the stream is there, whole, and nothing of the old one but what is the node's. */
static void
s_expect_installed (const char *to)
{
    hf_log_store_t *log = hf_log_store_open (to, s_error);
    assert_non_null (log);
    assert_int_equal (hf_log_store_first_index (log), AS_OF_INDEX + 1);
    assert_int_equal (hf_log_store_last_index (log), AS_OF_INDEX);
    assert_int_equal (hf_log_store_base_term (log), AS_OF_TERM);
    assert_int_equal (hf_log_store_term (log), 9);
    assert_int_equal (hf_log_store_voted_for (log).node, 2);
    uint64_t roster_at = 0;
    hf_log_store_rosters (log, s_hear_roster, &roster_at);
    assert_int_equal (roster_at, AS_OF_INDEX);
    hf_log_store_close (&log);

    hf_state_store_t *state = hf_state_store_open (to, s_error);
    assert_non_null (state);
    int rows = 0;
    assert_int_equal (hf_state_store_read (state, s_hear_row, &rows), 0);
    assert_int_equal (rows, 10);
    assert_int_equal (hf_state_store_index (state), AS_OF_INDEX);
    hf_state_store_close (&state);

    hf_file_store_t *files = hf_file_store_open (to, s_error); //  checks every file's bytes
    assert_non_null (files);
    assert_int_equal (hf_file_store_applied (files), AS_OF_SECTION);
    s_expect_sent_files (files);
    hf_file_store_close (&files);
    assert_false (fixture_exists (fixture_path (to, "incoming")));
    assert_false (fixture_exists (fixture_path (to, "files/gone")));
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

TEST (test_nothing_is_pending)
{
    uint64_t index = 1;
    assert_int_equal (s_install (*state, &index), 0);
    assert_int_equal (index, 0);
    assert_false (fixture_exists (fixture_path (*state, "log.db")));
}

TEST (test_state_is_swapped_in)
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

TEST (test_log_that_is_further_on_keeps_its_state)
{
    //  The same point in the log, though of another term, is not further on.
    const char *to = s_node (*state, AS_OF_INDEX + 5);
    bytes_t stream = s_stream (*state);
    uint64_t index;
    assert_int_equal (s_receive (to, stream), 0);
    assert_int_equal (s_install (to, &index), 1);
    s_expect_installed (to);
    hf_log_store_t *log = hf_log_store_open (to, s_error);
    for (uint64_t i = 1; i <= 10; i++)
        assert_int_equal (
            hf_log_store_append (log, AS_OF_INDEX + i,
                                 &(hf_entry_t){9, HF_ENTRY_COMMANDS, hf_span ("", 0)}),
            0);
    assert_int_equal (hf_log_store_commit (log), 0);
    hf_log_store_close (&log);
    //  Now it has the point, first as its base, then as less than that.
    for (int turn = 0; turn < 2; turn++) {
        assert_int_equal (s_receive (to, stream), 0);
        assert_int_equal (s_install (to, &index), 0);
        assert_false (fixture_exists (fixture_path (to, "incoming")));
        log = hf_log_store_open (to, s_error);
        assert_int_equal (hf_log_store_last_index (log), AS_OF_INDEX + 10);
        if (turn == 0)
            assert_int_equal (hf_log_store_prune (log, AS_OF_INDEX + 5, 0, 100), 5);
        assert_int_equal (hf_log_store_commit (log), 0);
        hf_log_store_close (&log);
    }
    free (stream.at);
}

TEST (test_snapshot_that_is_not_whole_is_removed)
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

TEST (test_damage_of_what_is_ready_leaves_the_old_state)
{
    const char *to = s_node (*state, 20);
    bytes_t stream = s_stream (*state);
    assert_int_equal (s_receive (to, stream), 0);
    fixture_flip (fixture_path (to, "incoming/ready"), (int64_t)stream.size - 1);
    uint64_t index;
    assert_int_equal (s_install (to, &index), -1);
    assert_contains (s_error, "incoming/ready is damaged: a file");
    assert_contains (s_error, "docs/operating.md");
    hf_file_store_t *files = hf_file_store_open (to, s_error);
    assert_non_null (files);
    s_expect_files (files, "gone 4, small 11");
    hf_file_store_close (&files);
    free (stream.at);
}

//  ---- cut short -------------------------------------------------------------------------

/*  Install in a child that ends at its CALL-th call that changes the disk. False: it needed fewer.
 */
static bool
s_cut (const char *to, unsigned call)
{
    pid_t pid = fork ();
    assert_true (pid >= 0);
    if (pid == 0) {
        uint64_t index;
        wrap_exit_at (call);
        _exit (hf_snapshot_install (to, &index, s_error) >= 0 ? 0 : 1);
    }
    int status = 0;
    assert_int_equal (waitpid (pid, &status, 0), pid);
    assert_true (WIFEXITED (status));
    assert_true (WEXITSTATUS (status) == 0 || WEXITSTATUS (status) == WRAP_EXIT_CODE);
    return WEXITSTATUS (status) == WRAP_EXIT_CODE;
}

TEST (test_P7_cut_at_every_call_ends_whole)
{
    s_large_size = 70000; //  many turns: little to write in each
    s_row_size = 3000;
    bytes_t stream = s_stream (*state);
    unsigned cuts = 0;
    bool was_cut = true;
    for (unsigned call = 1; was_cut; call += call < 60 ? 1 : 1 + call / 20) {
        char folder[32];
        snprintf (folder, sizeof folder, "n%u", call);
        const char *base = fixture_path (*state, folder);
        assert_int_equal (mkdir (base, 0700), 0);
        const char *to = s_node (base, 20);
        assert_int_equal (s_receive (to, stream), 0);
        was_cut = s_cut (to, call);
        cuts += was_cut;
        if (was_cut && call % 3 == 0)
            s_cut (to, 1 + call / 2); //  and the next start is cut too
        uint64_t index;
        if (s_install (to, &index) < 0)
            fail_msg ("after call %u: %s", call, s_error);
        s_expect_installed (to);
    }
    assert_true (cuts > 40);
    free (stream.at);
}

TEST (test_disk_that_is_full_says_so_and_the_next_start_ends_it)
{
    const char *to = s_node (*state, 20);
    bytes_t stream = s_stream (*state);
    assert_int_equal (s_receive (to, stream), 0);
    uint64_t index;
    for (uint64_t limit = 30000; limit < sizeof s_large; limit += 300000) {
        fixture_limit (limit);
        int rc = s_install (to, &index);
        fixture_unlimit ();
        assert_int_equal (rc, -1);
    }
    assert_int_equal (s_install (to, &index), 1);
    s_expect_installed (to);
    free (stream.at);
}

TEST (test_disk_that_is_full_while_it_comes_in)
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
