//  The whole state of another node: sent, received, checked, swapped in; cut short at every step.

#include "base/hf_hash.h"
#include "msgs/hf_msg.h"
#include "nodes/store/hf_file_store.h"
#include "nodes/store/hf_install.h"
#include "nodes/store/hf_outgoing.h"
#include "nodes/store/hf_state_store.h"
#include "store_fixture.h"
#include "store_wrap.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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
    hf_roster_put (pack, &(hf_member_t){.node = 2, .incarnation = 4711}, 1);
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

static hf_outgoing_t *
s_outgoing (hf_file_store_t *files)
{
    hf_pack_t roster, rows;
    hf_pack_init (&roster);
    hf_pack_init (&rows);
    s_roster (&roster);
    assert_int_equal (hf_file_store_all_rows (files, &rows), 0);
    bytes_t bytes = s_rows ();
    hf_state_head_t head = {.index = AS_OF_INDEX,
                            .term = AS_OF_TERM,
                            .roster = hf_span (hf_pack_bytes (&roster), hf_pack_size (&roster)),
                            .section = AS_OF_SECTION,
                            .files = hf_pack_list (&rows)};
    hf_outgoing_t *outgoing = hf_outgoing_new (&head, bytes.at, bytes.size, files);
    hf_pack_done (&roster);
    hf_pack_done (&rows);
    assert_int_equal (hf_outgoing_index (outgoing), AS_OF_INDEX);
    assert_int_equal (hf_outgoing_term (outgoing), AS_OF_TERM);
    return outgoing;
}

/*  The whole stream, read in pieces of at most LIMIT. */
static bytes_t
s_read_all (hf_outgoing_t *outgoing, uint32_t limit)
{
    bytes_t all = {.at = malloc (hf_outgoing_total (outgoing))};
    for (;;) {
        uint8_t *bytes;
        size_t size;
        assert_int_equal (hf_outgoing_read (outgoing, all.size, limit, &bytes, &size), 0);
        if (size == 0)
            break;
        assert_true (size <= limit && size <= HF_DATA_MAX);
        assert_true (all.size + size <= hf_outgoing_total (outgoing));
        memcpy (all.at + all.size, bytes, size);
        all.size += size;
        free (bytes);
    }
    assert_int_equal (all.size, hf_outgoing_total (outgoing));
    return all;
}

/*  The stream of a node with its files in DIR/from. */
static bytes_t
s_stream (const char *dir)
{
    hf_file_store_t *files = s_files (fixture_path (dir, "from"));
    hf_outgoing_t *outgoing = s_outgoing (files);
    bytes_t stream = s_read_all (outgoing, UINT32_MAX);
    hf_outgoing_destroy (&outgoing);
    hf_file_store_close (&files);
    return stream;
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
    assert_int_equal (hf_log_store_vote (log, 9, 2), 0);
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
    hf_incoming_t *incoming = hf_incoming_new (to, stream.size, s_error);
    assert_non_null (incoming);
    size_t step = 1;
    while (hf_incoming_have (incoming) < stream.size) {
        uint64_t have = hf_incoming_have (incoming);
        size_t left = stream.size - have;
        size_t size = step < left ? step : left;
        assert_int_equal (hf_incoming_write (incoming, have, hf_span (stream.at + have, size)), 0);
        step = step < 500000 ? step * 7 : 500000;
    }
    int rc = hf_incoming_finish (incoming);
    snprintf (s_error, sizeof s_error, "%s", hf_incoming_error (incoming));
    hf_incoming_destroy (&incoming);
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
    hf_member_t members[HF_MEMBERS_MAX];
    assert_int_equal (hf_roster_get (payload, members), 1);
    assert_int_equal (members[0].incarnation, 4711);
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
    assert_int_equal (hf_log_store_voted_for (log), 2);
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
    int rc = hf_install_pending (to, index, s_error);
    assert_true ((rc < 0) == (s_error[0] != 0));
    return rc;
}

//  ---- clean -------------------------------------------------------------------------

static void
test_stream_is_the_same_in_pieces_of_any_size (void **state)
{
    hf_file_store_t *files = s_files (fixture_path (*state, "from"));
    s_expect_sent_files (files);
    hf_outgoing_t *outgoing = s_outgoing (files);
    bytes_t whole = s_read_all (outgoing, UINT32_MAX);
    static const uint32_t limits[] = {997, 65536, 300001};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        if (i == 1) //  the node goes on while it sends
            s_append (files, AS_OF_SECTION + 1, "small", "later", 5);
        bytes_t stream = s_read_all (outgoing, limits[i]);
        assert_memory_equal (stream.at, whole.at, whole.size);
        free (stream.at);
    }
    uint8_t *bytes;
    size_t size;
    assert_int_equal (hf_outgoing_read (outgoing, UINT64_MAX, 9, &bytes, &size), 0);
    assert_null (bytes);
    assert_int_equal (size, 0);
    free (whole.at);
    hf_outgoing_destroy (&outgoing);
    hf_outgoing_destroy (&outgoing);
    hf_file_store_close (&files);
}

static void
test_nothing_is_pending (void **state)
{
    uint64_t index = 1;
    assert_int_equal (s_install (*state, &index), 0);
    assert_int_equal (index, 0);
    assert_false (fixture_exists (fixture_path (*state, "log.db")));
}

static void
test_state_is_swapped_in (void **state)
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

static void
test_log_that_is_further_on_keeps_its_state (void **state)
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

static void
test_stream_that_is_not_whole_is_removed (void **state)
{
    const char *to = s_node (*state, 20);
    hf_incoming_t *incoming = hf_incoming_new (to, 100, s_error);
    assert_int_equal (hf_incoming_write (incoming, 0, hf_span_text ("part")), 0);
    assert_int_equal (hf_incoming_write (incoming, 0, hf_span_text ("part")), -1);
    assert_contains (hf_incoming_error (incoming), "offset 0, where 4 of 100");
    assert_int_equal (hf_incoming_write (incoming, 5, hf_span_text ("part")), -1);
    assert_int_equal (hf_incoming_write (incoming, 4, hf_span (s_large, 97)), -1);
    assert_int_equal (hf_incoming_have (incoming), 4);
    assert_int_equal (hf_incoming_finish (incoming), -1);
    assert_contains (hf_incoming_error (incoming), "4 bytes of 100");
    hf_incoming_destroy (&incoming);
    assert_false (fixture_exists (fixture_path (to, "incoming")));
    //  A kill leaves it there.
    assert_int_equal (mkdir (fixture_path (to, "incoming"), 0700), 0);
    fixture_write (fixture_path (to, "incoming/stream"), "abc", 3);
    uint64_t index;
    assert_int_equal (s_install (to, &index), 0);
    assert_false (fixture_exists (fixture_path (to, "incoming")));
    assert_null (hf_incoming_new (to, 0, s_error));
    assert_null (hf_incoming_new (to, UINT64_MAX, s_error));
    assert_contains (s_error, "makes no sense");
}

//  ---- what is not as it should be -------------------------------------------------------

/*  A stream with this head, no rows, and TAIL behind it. */
static bytes_t
s_made (const hf_state_head_t *head, const char *tail)
{
    hf_pack_t pack;
    hf_pack_init (&pack);
    hf_pack_raw (&pack, "\0\0\0\0\0\0\0", 7);
    hf_pack_t record;
    hf_pack_init (&record);
    hf_state_head_put (&record, head);
    uint8_t size = (uint8_t)hf_pack_size (&record);
    hf_pack_raw (&pack, &size, 1);
    hf_pack_raw (&pack, hf_pack_bytes (&record), size);
    hf_pack_raw (&pack, tail, strlen (tail));
    hf_pack_done (&record);
    bytes_t bytes;
    bytes.at = hf_pack_take (&pack, &bytes.size);
    return bytes;
}

static void
s_expect_refused (const char *to, const hf_state_head_t *head, const char *tail, const char *text)
{
    bytes_t stream = s_made (head, tail);
    int rc = s_receive (to, stream);
    if (text) {
        assert_int_equal (rc, -1);
        assert_contains (s_error, text);
        assert_false (fixture_exists (fixture_path (to, "incoming")));
    } else if (rc != 0) {
        fail_msg ("%s", s_error);
    }
    free (stream.at);
}

static hf_list_t
s_file_rows (hf_pack_t *pack, const char *first, uint64_t length, const char *second)
{
    hf_pack_reset (pack);
    hf_file_row_put (pack, &(hf_file_row_t){.file = hf_span_text (first),
                                            .length = length,
                                            .checksum = 0xaf63dc4c8601ec8cULL}); //  of "a"
    if (second)
        hf_file_row_put (pack, &(hf_file_row_t){.file = hf_span_text (second),
                                                .checksum = 0xcbf29ce484222325ULL}); //  of ""
    return hf_pack_list (pack);
}

static void
test_heads_that_make_no_sense_are_refused (void **state)
{
    const char *to = s_node (*state, 3);
    hf_pack_t rows;
    hf_pack_init (&rows);
    const uint64_t none = hf_hash (0, NULL, 0);
    hf_state_head_t head = {.index = 5, .term = 1, .rows_sum = none};
    s_expect_refused (to, &head, "", NULL);
    s_expect_refused (to, &head, "a", "longer than its files");
    head.files = s_file_rows (&rows, "f", 1, "g");
    s_expect_refused (to, &head, "a", NULL);
    s_expect_refused (to, &head, "b", "does not match its checksum");
    s_expect_refused (to, &head, "", "its files are longer");
    head.files = s_file_rows (&rows, "f", UINT64_MAX, NULL);
    s_expect_refused (to, &head, "a", "its files are longer");
    head.files = s_file_rows (&rows, "f", 1, "f");
    s_expect_refused (to, &head, "a", "list of files");
    head.files = s_file_rows (&rows, "f", 1, "e");
    s_expect_refused (to, &head, "a", "list of files");
    head.files = s_file_rows (&rows, "f\n", 1, NULL);
    s_expect_refused (to, &head, "a", "list of files");
    head.files = s_file_rows (&rows, "", 1, NULL);
    s_expect_refused (to, &head, "a", "list of files");
    head.files = (hf_list_t){.count = 0};
    head.rows_size = 2;
    s_expect_refused (to, &head, "a", "its rows are longer");
    head.rows_size = UINT64_MAX;
    s_expect_refused (to, &head, "a", "its rows are longer");
    head.rows_size = 1;
    s_expect_refused (to, &head, "a", "its rows are not");
    head.rows_sum = hf_hash (0, "a", 1);
    s_expect_refused (to, &head, "a", "its rows are not"); //  not records
    head = (hf_state_head_t){.index = 5, .term = 1, .rows_sum = none};
    head.roster = hf_span_text ("junk");
    s_expect_refused (to, &head, "", "its head makes no sense");
    head.roster = hf_span ("", 0);
    head.index = 0;
    s_expect_refused (to, &head, "", "its head makes no sense");
    head.index = UINT64_MAX;
    s_expect_refused (to, &head, "", "its head makes no sense");
    hf_pack_done (&rows);
}

static void
test_changed_bytes_are_refused (void **state)
{
    const char *to = s_node (*state, 20);
    bytes_t stream = s_stream (*state);
    for (size_t at = 0; at < stream.size; at += at < 250 ? 1 : stream.size / 12) {
        stream.at[at] ^= 0x20;
        bool refused = s_receive (to, stream) != 0;
        //  The head has no sum: an index, say, may be another. It is never more than that.
        assert_true (refused || at < 250);
        stream.at[at] ^= 0x20;
    }
    for (size_t cut = 1; cut < stream.size; cut += 1 + stream.size / 7)
        assert_int_equal (s_receive (to, (bytes_t){stream.at, stream.size - cut}), -1);
    free (stream.at);
}

static void
test_damage_of_what_is_ready_leaves_the_old_state (void **state)
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
        _exit (hf_install_pending (to, &index, s_error) >= 0 ? 0 : 1);
    }
    int status = 0;
    assert_int_equal (waitpid (pid, &status, 0), pid);
    assert_true (WIFEXITED (status));
    assert_true (WEXITSTATUS (status) == 0 || WEXITSTATUS (status) == WRAP_EXIT_CODE);
    return WEXITSTATUS (status) == WRAP_EXIT_CODE;
}

static void
test_P7_cut_at_every_call_ends_whole (void **state)
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

static void
test_disk_that_is_full_says_so_and_the_next_start_ends_it (void **state)
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

static void
test_disk_that_is_full_while_it_comes_in (void **state)
{
    const char *to = s_node (*state, 20);
    hf_incoming_t *incoming = hf_incoming_new (to, 1000000, s_error);
    fixture_limit (1000);
    int rc = hf_incoming_write (incoming, 0, hf_span (s_large, 5000));
    fixture_unlimit ();
    assert_int_equal (rc, -1);
    assert_contains (hf_incoming_error (incoming), "cannot write");
    hf_incoming_destroy (&incoming);
    assert_false (fixture_exists (fixture_path (to, "incoming")));
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, s_setup, fixture_teardown)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_stream_is_the_same_in_pieces_of_any_size),
        TEST (test_nothing_is_pending),
        TEST (test_state_is_swapped_in),
        TEST (test_log_that_is_further_on_keeps_its_state),
        TEST (test_stream_that_is_not_whole_is_removed),
        TEST (test_heads_that_make_no_sense_are_refused),
        TEST (test_changed_bytes_are_refused),
        TEST (test_damage_of_what_is_ready_leaves_the_old_state),
        TEST (test_P7_cut_at_every_call_ends_whole),
        TEST (test_disk_that_is_full_says_so_and_the_next_start_ends_it),
        TEST (test_disk_that_is_full_while_it_comes_in),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
