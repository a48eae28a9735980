//  Writes that fail: said plainly, nothing counted, nothing taken afterwards, whole when reopened.

#include "store_fixture.h"
#include "msgs/hf_msg.h"
#include "nodes/store/hf_file_store.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static char s_error[HF_ERROR_SIZE];
static uint8_t s_bytes[200000];

STORE_OPEN (hf_log_store, s_open_log, s_reopen_log)

/*  Votes and entries until one fails; every commit that was acknowledged is counted. */
static uint64_t
s_fill_log (hf_log_store_t *store)
{
    for (uint64_t i = 1; i < 100000; i++) {
        if (hf_log_store_vote (store, i, (hf_member_t){(uint32_t)i, 77}) != 0 ||
            fixture_append (store, i, i, s_bytes, 20000) != 0 || hf_log_store_commit (store) != 0)
            return i - 1;
    }
    fail_msg ("the disk is never full");
    return 0;
}

static void
s_expect_log_failed (hf_log_store_t *store, uint64_t committed)
{
    assert_true (committed > 0);
    assert_int_equal (hf_log_store_last_index (store), committed);
    assert_int_equal (hf_log_store_term (store), committed);
    assert_int_equal (hf_log_store_voted_for (store).node, committed);
    assert_false (hf_log_store_dirty (store));
    assert_contains (hf_log_store_error (store), "log.db");
    assert_null (strchr (hf_log_store_error (store), '\n'));
    char first[HF_ERROR_SIZE];
    strcpy (first, hf_log_store_error (store));
    //  Even when there is room again: only the next process may go on.
    hf_pack_t pack;
    hf_pack_init (&pack);
    assert_int_equal (hf_log_store_vote (store, committed + 5, (hf_member_t){1, 77}), -1);
    assert_int_equal (fixture_append (store, committed + 1, 9, s_bytes, 1), -1);
    assert_int_equal (hf_log_store_truncate (store, 1), -1);
    assert_int_equal (hf_log_store_commit (store), -1);
    assert_int_equal (hf_log_store_read (store, 1, 1, 100, &pack), -1);
    assert_string_equal (hf_log_store_error (store), first);
    hf_pack_done (&pack);
}

static void
s_expect_log_after (const char *dir, uint64_t committed)
{
    hf_log_store_t *store = s_open_log (dir);
    //  The commit under way may be there, whole, if what failed was folding the WAL in.
    uint64_t last = hf_log_store_last_index (store);
    assert_true (last == committed || last == committed + 1);
    assert_int_equal (hf_log_store_term (store), last);
    assert_ok (fixture_append (store, last + 1, last, s_bytes, 9));
    assert_ok (hf_log_store_commit (store));
    hf_log_store_close (&store);
}

//  ---- a limit on file sizes ---------------------------------------------------

STORE_TEST (test_failed_write_of_the_log_counts_nothing)
{
    hf_log_store_t *store = s_open_log (*state);
    fixture_limit (300000);
    uint64_t committed = s_fill_log (store);
    fixture_unlimit ();
    assert_contains (hf_log_store_error (store), "log.db: disk I/O error");
    assert_contains (hf_log_store_error (store), "a write failed");
    s_expect_log_failed (store, committed);
    hf_log_store_close (&store);
    s_expect_log_after (*state, committed);
}

static int
s_section (hf_file_store_t *store, uint64_t index, size_t size)
{
    return fixture_section (store, index, PARTS ({"small", "x", 1}, {"large", s_bytes, size}));
}

STORE_OPEN (hf_file_store, s_open_files, s_reopen_files)

static void
s_expect_files_failed (hf_file_store_t *store, uint64_t applied)
{
    assert_int_equal (hf_file_store_applied (store), applied);
    assert_false (hf_file_store_dirty (store));
    assert_int_equal (s_section (store, 1000, 1), -1);
    assert_int_equal (hf_file_store_commit (store), -1);
    uint8_t *bytes;
    size_t size;
    uint64_t total;
    assert_int_equal (
        hf_file_store_read (store, hf_span_text ("small"), 0, 9, &bytes, &size, &total), -1);
    hf_pack_t rows;
    hf_pack_init (&rows);
    bool more;
    assert_int_equal (hf_file_store_rows (store, hf_span_text (""), 9, &rows, &more), -1);
    hf_pack_done (&rows);
}

static void
s_expect_files_after (const char *dir, uint64_t applied, size_t size)
{
    hf_file_store_t *store = s_open_files (dir);
    assert_int_equal (hf_file_store_applied (store), applied);
    assert_int_equal (fixture_size (fixture_path (dir, "files/small")), applied);
    assert_int_equal (fixture_size (fixture_path (dir, "files/large")), applied * size);
    assert_ok (s_section (store, applied + 1, size)); //  the replay
    assert_ok (hf_file_store_commit (store));
    hf_file_store_close (&store);
    assert_int_equal (fixture_size (fixture_path (dir, "files/small")), applied + 1);
}

STORE_TEST (test_P6_failed_write_of_a_file_leaves_nothing_of_the_section)
{
    hf_file_store_t *store = s_open_files (*state);
    assert_ok (s_section (store, 1, 100000));
    assert_ok (hf_file_store_commit (store));
    fixture_limit (150000);
    assert_int_equal (s_section (store, 2, 100000), -1); //  half of it fits
    fixture_unlimit ();
    assert_contains (hf_file_store_error (store), "files/large: File too large");
    assert_int_equal (fixture_size (fixture_path (*state, "files/large")), 150000);
    s_expect_files_failed (store, 1);
    hf_file_store_close (&store);
    s_expect_files_after (*state, 1, 100000);
}

STORE_TEST (test_P6_failed_commit_of_files_leaves_nothing_of_the_section)
{
    hf_file_store_t *store = s_open_files (*state);
    assert_ok (s_section (store, 1, 10));
    assert_ok (hf_file_store_commit (store));
    assert_ok (s_section (store, 2, 10));
    fixture_limit (8000); //  the files are smaller, the WAL is not
    assert_int_equal (hf_file_store_commit (store), -1);
    fixture_unlimit ();
    assert_contains (hf_file_store_error (store), "files.db: disk I/O error");
    s_expect_files_failed (store, 1);
    hf_file_store_close (&store);
    s_expect_files_after (*state, 1, 10);
}

STORE_TEST (test_log_that_cannot_be_made_is_told)
{
    fixture_limit (1000);
    assert_null (hf_log_store_open (*state, s_error));
    fixture_unlimit ();
    assert_contains (s_error, "log.db");
    hf_log_store_t *store = s_open_log (*state); //  and does no harm
    hf_log_store_close (&store);
}

//  ---- a disk that is full -----------------------------------------------------

static const char *
s_small_disk (void **state)
{
    const char *path = fixture_path (*state, "disk");
    assert_int_equal (mkdir (path, 0700), 0);
    if (mount ("tmpfs", path, "tmpfs", 0, "size=3m") != 0) {
        print_message ("skipped: no tmpfs can be mounted here: %s\n", strerror (errno));
        skip ();
    }
    return path;
}

static int
s_teardown_disk (void **state)
{
    umount2 (fixture_path (*state, "disk"), MNT_DETACH); //  fails where none was mounted
    return fixture_teardown (state);
}

HF_TEST_WITH (test_full_disk_stops_the_log, fixture_setup, s_teardown_disk)
{
    const char *path = s_small_disk (state);
    hf_log_store_t *store = s_open_log (path);
    uint64_t committed = s_fill_log (store);
    assert_contains (hf_log_store_error (store), "the disk is full");
    s_expect_log_failed (store, committed);
    hf_log_store_close (&store);
    assert_int_equal (mount ("tmpfs", path, "tmpfs", MS_REMOUNT, "size=30m"), 0);
    s_expect_log_after (path, committed);
}

HF_TEST_WITH (test_full_disk_stops_the_files, fixture_setup, s_teardown_disk)
{
    const char *path = s_small_disk (state);
    hf_file_store_t *store = s_open_files (path);
    uint64_t index = 1;
    while (s_section (store, index, sizeof s_bytes) == 0 && hf_file_store_commit (store) == 0)
        index++;
    assert_contains (hf_file_store_error (store), "the disk is full");
    s_expect_files_failed (store, index - 1);
    hf_file_store_close (&store);
    assert_int_equal (mount ("tmpfs", path, "tmpfs", MS_REMOUNT, "size=30m"), 0);
    s_expect_files_after (path, index - 1, sizeof s_bytes);
}

HF_TEST_MAIN (NULL, NULL)
