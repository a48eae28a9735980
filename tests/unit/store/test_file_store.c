//  The files as they grow: sections whole and once (P6), lasting (P7), under any name.

#include "base/hf_hash.h"
#include "store_fixture.h"
#include "msgs/hf_msg.h"
#include "nodes/store/hf_file_internal.h"
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

static char s_error[HF_ERROR_SIZE];

STORE_OPEN (hf_file_store, s_open, s_reopen, s_refused)

/*  One section with one append, of text. */
static int
s_section (hf_file_store_t *store, uint64_t index, const char *file, const char *text)
{
    return fixture_section (store, index, PARTS ({file, text, strlen (text)}));
}

static void
s_commit (hf_file_store_t *store)
{
    if (hf_file_store_commit (store) != 0)
        fail_msg ("%s", hf_file_store_error (store));
}

/*  The file's bytes as the store gives them are TEXT; NULL: there is no such file. */
static void
s_expect (hf_file_store_t *store, const char *file, const char *text)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    uint64_t total = 0;
    int status =
        hf_file_store_read (store, hf_span_text (file), 0, HF_DATA_MAX, &bytes, &size, &total);
    assert_int_equal (status, text ? HF_OK : HF_NOT_FOUND);
    if (text) {
        assert_int_equal (total, strlen (text));
        assert_int_equal (size, strlen (text));
        if (size > 0)
            assert_memory_equal (bytes, text, size);
    }
    free (bytes);
}

/*  The row of FILE. Its strings are void. */
static hf_file_row_t
s_row (hf_file_store_t *store, const char *file)
{
    hf_pack_t rows;
    hf_pack_init (&rows);
    bool more;
    bool found = false;
    assert_ok (hf_file_store_rows (store, hf_span_text (""), HF_ROWS_MAX, &rows, &more));
    hf_scan_t scan = hf_scan_list (hf_pack_list (&rows));
    hf_file_row_t row = {.length = 0};
    while (!found && !hf_scan_at_end (&scan)) {
        assert_true (hf_file_row_get (&scan, &row));
        found = hf_span_equal (row.file, hf_span_text (file));
    }
    assert_true (found);
    hf_pack_done (&rows);
    return row;
}

static uint64_t
s_sum (hf_file_store_t *store, const char *file)
{
    return s_row (store, file).checksum;
}

static unsigned
s_files_on_disk (const char *dir)
{
    DIR *folder = opendir (fixture_path (dir, "files"));
    assert_non_null (folder);
    unsigned count = 0;
    while (readdir (folder))
        count++;
    closedir (folder);
    return count - 2;
}

//  ---- clean -------------------------------------------------------------------

STORE_TEST (test_new_store_is_empty)
{
    hf_file_store_t *store = s_open (*state);
    assert_int_equal (hf_file_store_applied (store), 0);
    s_expect (store, "a", NULL);
    s_expect (store, "", NULL);
    assert_ok (hf_file_store_commit (store));
    hf_file_store_close (&store);
    hf_file_store_close (&store);
}

STORE_TEST (test_sections_are_concatenated_in_order)
{
    hf_file_store_t *store = s_open (*state);
    assert_ok (fixture_section (
        store, 5, PARTS ({"a", "one ", 4}, {"b", "ONE ", 4}, {"a", "two ", 4}, {"empty", "", 0})));
    s_expect (store, "a", "one two ");                   //  visible at once
    assert_int_equal (hf_file_store_applied (store), 0); //  not durable yet
    s_commit (store);
    assert_int_equal (hf_file_store_applied (store), 5);
    assert_ok (s_section (store, 9, "a", "three"));
    s_commit (store);
    for (int turn = 0; turn < 2; turn++) {
        s_expect (store, "a", "one two three");
        s_expect (store, "b", "ONE ");
        s_expect (store, "empty", "");
        assert_int_equal (hf_file_store_applied (store), 9);
        store = s_reopen (store, *state);
    }
    hf_file_store_close (&store);
    size_t size;
    char *bytes = fixture_read (fixture_path (*state, "files/a"), &size);
    assert_string_equal (bytes, "one two three");
    free (bytes);
}

STORE_TEST (test_P6_section_is_written_once_however_often_it_comes)
{
    hf_file_store_t *store = s_open (*state);
    assert_ok (s_section (store, 3, "a", "x"));
    assert_ok (s_section (store, 3, "a", "x")); //  written since
    s_commit (store);
    assert_ok (s_section (store, 3, "a", "x")); //  applied
    assert_ok (s_section (store, 2, "a", "y")); //  before it
    store = s_reopen (store, *state);
    assert_ok (s_section (store, 3, "a", "x"));
    s_expect (store, "a", "x");
    hf_file_store_close (&store);
}

STORE_TEST (test_checksum_tells_the_bytes_not_how_they_came)
{
    uint8_t *bytes = malloc (300000);
    for (size_t i = 0; i < 300000; i++)
        bytes[i] = (uint8_t)(i * i >> 3);
    hf_file_store_t *store = s_open (*state);
    const char *names[] = {"whole", "pieces", "reopened"};
    const size_t steps[] = {300000, 777, 50001};
    uint64_t index = 0;
    for (int i = 0; i < 3; i++) {
        for (size_t at = 0; at < 300000; at += steps[i]) {
            size_t size = 300000 - at < steps[i] ? 300000 - at : steps[i];
            assert_ok (fixture_section (store, ++index, PARTS ({names[i], bytes + at, size})));
            if (i == 2) {
                s_commit (store);
                store = s_reopen (store, *state);
            }
        }
    }
    assert_ok (s_section (store, ++index, "other", "foobar"));
    s_commit (store);
    assert_true (s_sum (store, "whole") == s_sum (store, "pieces"));
    assert_true (s_sum (store, "whole") == s_sum (store, "reopened"));
    assert_true (s_sum (store, "whole") != s_sum (store, "other"));
    //  The value that FNV-1a's authors publish for these bytes: people may check it elsewhere.
    assert_true (s_sum (store, "other") == 0x85944171f73967e8ULL);
    //  And what xxhsum -H64 prints for them, when a file was written and when a start read it.
    assert_ok (s_section (store, ++index, "empty", ""));
    s_commit (store);
    for (int turn = 0; turn < 2; turn++) {
        for (int i = 0; i < 3; i++)
            assert_true (s_row (store, names[i]).xxh64 == XXH64 (bytes, 300000, 0));
        assert_true (s_row (store, "other").xxh64 == XXH64 ("foobar", 6, 0));
        assert_true (s_row (store, "empty").xxh64 == 0xef46db3751d8e999ULL);
        store = s_reopen (store, *state);
    }
    hf_file_store_close (&store);
    free (bytes);
}

STORE_TEST (test_reads_come_in_chunks)
{
    size_t whole = 2 * HF_DATA_MAX + 5;
    char *text = malloc (whole);
    for (size_t i = 0; i < whole; i++)
        text[i] = (char)(i / 7);
    hf_file_store_t *store = s_open (*state);
    assert_ok (fixture_section (store, 1, PARTS ({"big", text, whole})));
    const struct {
        uint64_t offset;
        uint32_t limit;
        size_t size;
    } reads[] = {
        {0, 10, 10},
        {3, HF_DATA_MAX, HF_DATA_MAX},
        {1, UINT32_MAX, HF_DATA_MAX},
        {0, 0, 0},
        {whole - 5, 100, 5},
        {whole, 100, 0},
        {UINT64_MAX, 100, 0},
    };
    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++) {
        uint8_t *bytes = NULL;
        size_t size = 99;
        uint64_t total = 0;
        int status = hf_file_store_read (store, hf_span_text ("big"), reads[i].offset,
                                         reads[i].limit, &bytes, &size, &total);
        assert_int_equal (status, HF_OK);
        assert_int_equal (size, reads[i].size);
        assert_int_equal (total, whole);
        if (size > 0)
            assert_memory_equal (bytes, text + reads[i].offset, size);
        free (bytes);
    }
    hf_file_store_close (&store);
    free (text);
}

STORE_TEST (test_rows_come_in_pages_in_the_order_of_bytes)
{
    hf_file_store_t *store = s_open (*state);
    const char *names[] = {"b", "a", "ab", "\xc3\xa9", "B", "b.txt"};
    const char *sorted[] = {"B", "a", "ab", "b", "b.txt", "\xc3\xa9"};
    for (uint64_t i = 0; i < 6; i++)
        assert_ok (s_section (store, i + 1, names[i], "12345"));
    hf_pack_t rows;
    hf_pack_init (&rows);
    char after[16] = "";
    bool more = true;
    for (size_t at = 0; at < 6; at += 2) {
        hf_pack_reset (&rows);
        assert_true (more);
        assert_ok (hf_file_store_rows (store, hf_span_text (after), 2, &rows, &more));
        hf_scan_t scan = hf_scan_list (hf_pack_list (&rows));
        for (size_t i = 0; i < 2; i++) {
            hf_file_row_t row;
            assert_true (hf_file_row_get (&scan, &row));
            assert_true (hf_span_equal (row.file, hf_span_text (sorted[at + i])));
            assert_int_equal (row.length, 5);
        }
        assert_true (hf_scan_at_end (&scan));
        strcpy (after, sorted[at + 1]);
    }
    assert_false (more);
    hf_pack_reset (&rows);
    assert_ok (hf_file_store_rows (store, hf_span_text (""), 0, &rows, &more));
    assert_int_equal (hf_pack_list (&rows).count, 0);
    assert_true (more);
    assert_ok (hf_file_store_rows (store, hf_span_text ("\xff"), 9, &rows, &more));
    assert_false (more);
    hf_pack_done (&rows);
    hf_file_store_close (&store);
}

STORE_TEST (test_more_files_than_are_kept_open)
{
    hf_file_store_t *store = s_open (*state);
    static fixture_part_t parts[2 * HF_SECTION_FILES_MAX + 1];
    char name[32], names[HF_SECTION_FILES_MAX][32];
    for (int i = 0; i < HF_SECTION_FILES_MAX; i++) {
        snprintf (names[i], sizeof names[i], "file %d", i);
        parts[i] = (fixture_part_t){names[i], "one ", 4};
        //  The second round comes back to files that were closed.
        parts[HF_SECTION_FILES_MAX + i] = (fixture_part_t){names[i], "two", 3};
    }
    assert_ok (fixture_section (store, 1, parts));
    s_commit (store);
    store = s_reopen (store, *state);
    for (int i = 0; i < HF_SECTION_FILES_MAX; i++) {
        snprintf (name, sizeof name, "file %d", i);
        s_expect (store, name, "one two");
    }
    assert_int_equal (s_files_on_disk (*state), HF_SECTION_FILES_MAX);
    hf_file_store_close (&store);
}

//  ---- names -------------------------------------------------------------------

static void
s_expect_disk (hf_span_t name, const char *expected)
{
    char disk[256];
    memset (disk, 1, sizeof disk);
    hf_file_store_disk_name (name, disk);
    assert_string_equal (disk, expected);
}

STORE_TEST (test_names_are_percent_encoded)
{
    s_expect_disk (hf_span_text ("Plain-name_1.txt"), "Plain-name_1.txt");
    s_expect_disk (hf_span_text ("."), "%2E");
    s_expect_disk (hf_span_text (".."), "%2E.");
    s_expect_disk (hf_span_text ("../../etc/passwd"), "%2E.%2F..%2Fetc%2Fpasswd");
    s_expect_disk (hf_span_text ("/"), "%2F");
    s_expect_disk (hf_span_text ("a b%c~d"), "a%20b%25c%7Ed");
    s_expect_disk (hf_span_text ("\xc3\xa9"), "%C3%A9");
    s_expect_disk (hf_span ("a\0b\\", 4), "a%00b%5C");
}

STORE_TEST (test_longest_names_are_kept_apart)
{
    char first[256], second[256], cut[256], disk[256], disk2[256];
    memset (first, '%', 255);
    first[255] = 0;
    strcpy (second, first);
    second[254] = '&';
    hf_file_store_disk_name (hf_span_text (first), disk);
    hf_file_store_disk_name (hf_span_text (second), disk2);
    assert_in_range (strlen (disk), 200, 240);
    assert_string_not_equal (disk, disk2);
    //  No name that stands as it is looks like a long one's: what is on disk as such is encoded.
    snprintf (cut, sizeof cut, "%s", disk);
    hf_file_store_disk_name (hf_span_text (cut), disk2);
    assert_string_not_equal (disk, disk2);

    hf_file_store_t *store = s_open (*state);
    assert_ok (s_section (store, 1, first, "first"));
    assert_ok (s_section (store, 2, second, "second"));
    assert_ok (s_section (store, 3, "../../outside", "third"));
    assert_ok (s_section (store, 4, "..", "fourth"));
    s_commit (store);
    store = s_reopen (store, *state);
    s_expect (store, first, "first");
    s_expect (store, second, "second");
    s_expect (store, "../../outside", "third");
    s_expect (store, "..", "fourth");
    assert_int_equal (s_files_on_disk (*state), 4);
    hf_file_store_close (&store);
}

/*  Two long names whose hashes clash: the store's hash steps can be run backwards, so that a client
 *  can make such names. A file that has a row under the name on disk stands for the other one. */
STORE_TEST (test_clash_of_names_on_disk_is_resolved)
{
    char name[256], disk[256], sql[700];
    memset (name, '%', 255);
    name[255] = 0;
    hf_file_store_disk_name (hf_span_text (name), disk);
    hf_file_found_t other = {.length = 0, .sum = HF_FNV_EMPTY};
    strcpy (other.disk_name, disk);
    uint64_t sum = hf_file_found_sum (hf_span_text ("other"), &other);
    hf_file_store_t *store = s_open (*state);
    assert_ok (s_section (store, 1, "a", "a"));
    s_commit (store);
    hf_file_store_close (&store);
    snprintf (sql, sizeof sql,
              "INSERT INTO files VALUES (CAST ('other' AS BLOB), '%s', 0, %lld, %lld)", disk,
              (long long)HF_FNV_EMPTY, (long long)sum);
    fixture_sql (fixture_path (*state, "files.db"), sql);
    char path[600];
    snprintf (path, sizeof path, "%s/files/%s", (char *)*state, disk);
    fixture_write (path, "", 0);

    store = s_open (*state);
    assert_ok (s_section (store, 2, name, "mine"));
    assert_ok (s_section (store, 3, "other", "theirs"));
    s_commit (store);
    store = s_reopen (store, *state);
    s_expect (store, name, "mine");
    s_expect (store, "other", "theirs");
    hf_file_store_close (&store);
}

//  ---- kills -------------------------------------------------------------------

static void
s_die_before_commit (const char *dir, int steps)
{
    hf_file_store_t *store = hf_file_store_open (dir, s_error);
    const fixture_part_t *parts =
        PARTS ({"old", " torn", 5}, {"new", "torn", 4}, {"old", " torn", 5});
    if (store && fixture_section (store, 7, parts) == 0)
        fixture_step (steps);
}

STORE_TEST (test_P6_kill_between_write_and_commit_leaves_nothing_of_the_section)
{
    hf_file_store_t *store = s_open (*state);
    assert_ok (s_section (store, 1, "old", "kept"));
    s_commit (store);
    hf_file_store_close (&store);
    assert_int_equal (fixture_kill (s_die_before_commit, *state), 1);
    //  Its bytes are on disk, so that there is something to cut.
    assert_int_equal (fixture_size (fixture_path (*state, "files/old")), 14);
    assert_int_equal (fixture_size (fixture_path (*state, "files/new")), 4);

    store = s_open (*state);
    assert_int_equal (hf_file_store_applied (store), 1);
    s_expect (store, "old", "kept");
    s_expect (store, "new", NULL);
    assert_int_equal (fixture_size (fixture_path (*state, "files/old")), 4);
    assert_false (fixture_exists (fixture_path (*state, "files/new")));
    //  Its replay writes it, once.
    assert_ok (s_section (store, 7, "new", "again"));
    s_commit (store);
    store = s_reopen (store, *state);
    assert_ok (s_section (store, 7, "new", "again"));
    s_expect (store, "new", "again");
    hf_file_store_close (&store);
}

//  ---- strangers ---------------------------------------------------------------

STORE_TEST (test_what_is_not_recorded_is_removed)
{
    hf_file_store_t *store = s_open (*state);
    assert_ok (s_section (store, 1, "a", "kept"));
    s_commit (store);
    hf_file_store_close (&store);
    fixture_write (fixture_path (*state, "files/stray"), "x", 1);
    fixture_write (fixture_path (*state, "files/.hidden"), "x", 1);
    assert_int_equal (mkdir (fixture_path (*state, "files/folder"), 0700), 0);
    fixture_write (fixture_path (*state, "outside"), "x", 1);
    assert_int_equal (symlink ("../outside", fixture_path (*state, "files/link")), 0);
    store = s_open (*state);
    assert_false (fixture_exists (fixture_path (*state, "files/stray")));
    assert_false (fixture_exists (fixture_path (*state, "files/.hidden")));
    assert_true (fixture_exists (fixture_path (*state, "files/folder"))); //  we never make one
    s_expect (store, "a", "kept");
    //  A link under a file's name is not followed.
    assert_int_equal (s_section (store, 2, "link", "through"), -1);
    assert_contains (hf_file_store_error (store), "files/link");
    assert_int_equal (fixture_size (fixture_path (*state, "outside")), 1);
    hf_file_store_close (&store);
}

HF_TEST_MAIN (NULL, NULL)
