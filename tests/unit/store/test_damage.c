//  What is damaged, foreign or missing is refused with the way out, and nothing is lost by it.

#include "store_fixture.h"
#include "msgs/hf_msg.h"
#include "nodes/store/hf_file_store.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char s_error[HF_ERROR_SIZE];

STORE_OPEN (hf_log_store, s_open_log, s_reopen_log, s_log_refused)
STORE_OPEN (hf_file_store, s_open_files, s_reopen_files, s_files_refused)

/*  A log of ten entries in two terms, closed. */
static const char *
s_make_log (const char *dir)
{
    hf_log_store_t *store = s_open_log (dir);
    assert_ok (hf_log_store_bind (store, 1, "1@127.0.0.1"));
    assert_ok (hf_log_store_vote (store, 5, (hf_member_t){1, 77}));
    for (uint64_t i = 1; i <= 10; i++)
        assert_ok (fixture_append (store, i, i < 6 ? 4 : 5, "payload", 7));
    assert_ok (hf_log_store_commit (store));
    hf_log_store_close (&store);
    return fixture_path (dir, "log.db");
}

static void
s_expect_log_damage (const char *dir, const char *what)
{
    s_log_refused (dir, "log.db", what);
    s_log_refused (dir, WAY_OUT, NULL);
}

/*  It opens: LAST is its last entry. */
static void
s_expect_log (const char *dir, uint64_t last)
{
    hf_log_store_t *store = s_open_log (dir);
    assert_int_equal (hf_log_store_state (store)->last_index, last);
    hf_log_store_close (&store);
}

//  ---- the log -----------------------------------------------------------------

STORE_TEST (test_any_change_of_an_entry_is_refused)
{
    const struct {
        const char *sql;
        const char *undo;
        const char *what;
    } changes[] = {
        {"UPDATE entries SET payload = CAST ('paylOad' AS BLOB) WHERE idx = 4",
         "UPDATE entries SET payload = CAST ('payload' AS BLOB) WHERE idx = 4",
         "entry 4 does not match its checksum"},
        {"UPDATE entries SET term = 5 WHERE idx = 5", "UPDATE entries SET term = 4 WHERE idx = 5",
         "entry 5 does not match its checksum"},
        {"UPDATE entries SET checksum = checksum + 1 WHERE idx = 10",
         "UPDATE entries SET checksum = checksum - 1 WHERE idx = 10",
         "entry 10 does not match its checksum"},
        {"UPDATE entries SET idx = 11 WHERE idx = 10", "UPDATE entries SET idx = 10 WHERE idx = 11",
         "entry 10 is missing"},
        {"UPDATE entries SET idx = 20 WHERE idx = 10", "UPDATE entries SET idx = 10 WHERE idx = 20",
         "entry 10 is missing"},
        {"UPDATE entries SET idx = 0 WHERE idx = 1", "UPDATE entries SET idx = 1 WHERE idx = 0",
         "entry 1 is missing"},
        {"UPDATE node SET term = 4", "UPDATE node SET term = 5", "term and vote"},
        {"UPDATE node SET voted_for = 2", "UPDATE node SET voted_for = 1", "term and vote"},
        {"UPDATE node SET voted_incarnation = 2", "UPDATE node SET voted_incarnation = 77",
         "term and vote"},
        {"UPDATE node SET voted_for = 4294967297", "UPDATE node SET voted_for = 1",
         "term and vote"},
        {"UPDATE node SET list = CAST ('' AS BLOB)",
         "UPDATE node SET list = CAST ('1@127.0.0.1' AS BLOB)", "term and vote"},
        {"UPDATE node SET base_index = 3", "UPDATE node SET base_index = 0", "term and vote"},
    };
    const char *path = s_make_log (*state);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        fixture_sql (path, changes[i].sql);
        s_expect_log_damage (*state, changes[i].what);
        fixture_sql (path, changes[i].undo); //  refused, not cut: it is all still there
        s_expect_log (*state, 10);
    }
}

STORE_TEST (test_missing_rows_are_refused)
{
    const char *path = s_make_log (*state);
    fixture_sql (path, "DELETE FROM entries WHERE idx = 7");
    s_expect_log_damage (*state, "entry 7 is missing");
    fixture_sql (path, "DELETE FROM entries WHERE idx > 7; DELETE FROM node");
    s_expect_log_damage (*state, "term and vote of this node are missing");
}

STORE_TEST (test_damaged_pages_are_refused)
{
    const char *path = s_make_log (*state);
    fixture_flip (path, 4); //  in the file's magic
    s_expect_log_damage (*state, "is damaged");
    fixture_flip (path, 4);
    size_t size;
    char *bytes = fixture_read (path, &size);
    //  Every payload byte on disk: one flipped bit is found, wherever it is.
    unsigned found = 0;
    for (size_t at = 0; at + 7 <= size; at++) {
        if (memcmp (bytes + at, "payload", 7) != 0 || bytes[at + 7] == ' ')
            continue;
        fixture_flip (path, (int64_t)at + 3);
        if (hf_log_store_open (*state, s_error) != NULL)
            fail_msg ("a flipped bit at %zu was not seen", at);
        assert_contains (s_error, WAY_OUT);
        fixture_flip (path, (int64_t)at + 3);
        found++;
    }
    assert_true (found >= 10);
    free (bytes);
    assert_int_equal (truncate (path, (off_t)size - 4096), 0);
    s_expect_log_damage (*state, "is damaged");
}

STORE_TEST (test_foreign_databases_are_refused)
{
    const char *path = fixture_path (*state, "log.db");
    fixture_write (path, "", 0);
    fixture_sql (path, "CREATE TABLE mail (x)");
    s_log_refused (*state, "log.db", "a database of something else");
    fixture_sql (path, "INSERT INTO mail VALUES (1)"); //  nothing was done to it
    assert_int_equal (remove (path), 0);

    s_make_log (*state);
    assert_int_equal (rename (path, fixture_path (*state, "files.db")), 0);
    s_files_refused (*state, "a database of something else", NULL); //  not the table of files
    assert_int_equal (rename (fixture_path (*state, "files.db"), path), 0);

    fixture_sql (path, "PRAGMA user_version = 9");
    s_log_refused (*state, "has format 9", "start the newer release that has written it");
    fixture_sql (path, "PRAGMA user_version = 2");
    s_log_refused (*state, "log.db", "has format 2; this holdfastd knows format 4");
    fixture_write (path, "this is no database at all, but it is long enough to be looked at", 64);
    s_expect_log_damage (*state, "is damaged");
}

static void
s_die_committed (const char *dir, int steps)
{
    hf_log_store_t *store = hf_log_store_open (dir, s_error);
    static uint8_t large[20000]; //  several frames to a commit
    for (uint64_t i = 1; store && i <= 5; i++)
        if (fixture_append (store, i, 1, large, sizeof large) == 0 &&
            hf_log_store_commit (store) == 0)
            fixture_step (steps);
}

/*  SQLite would throw the WAL away, and with it what was acknowledged. */
STORE_TEST (test_wal_without_its_database_is_refused)
{
    assert_int_equal (fixture_kill (s_die_committed, *state), 5);
    const char *path = fixture_path (*state, "log.db");
    int64_t wal = fixture_size (fixture_path (*state, "log.db-wal"));
    assert_true (wal > 0);
    assert_int_equal (rename (path, fixture_path (*state, "aside")), 0);
    s_expect_log_damage (*state, "is missing or empty");
    fixture_write (path, "", 0);
    s_expect_log_damage (*state, "is missing or empty");
    assert_int_equal (fixture_size (fixture_path (*state, "log.db-wal")), wal);
    assert_int_equal (rename (fixture_path (*state, "aside"), path), 0);
    s_expect_log (*state, 5);
}

/*  Where the frames of the WAL begin that end a transaction. */
static unsigned
s_commit_frames (const char *wal, int64_t *ends, unsigned max)
{
    size_t size;
    char *bytes = fixture_read (wal, &size);
    unsigned count = 0;
    for (size_t at = 32; at + 24 + 4096 <= size; at += 24 + 4096) {
        if (memcmp (bytes + at + 4, "\0\0\0\0", 4) != 0 &&
            memcmp (bytes + at + 8, bytes + 16, 8) == 0) {
            assert_true (count < max);
            ends[count++] = (int64_t)at;
        }
    }
    free (bytes);
    return count;
}

/*  SQLite would take any bad frame for the end, and drop the commits behind it. */
STORE_TEST (test_P7_wal_damaged_in_the_middle_is_refused)
{
    assert_int_equal (fixture_kill (s_die_committed, *state), 5);
    const char *path = fixture_path (*state, "log.db");
    const char *wal = fixture_path (*state, "log.db-wal");
    int64_t ends[64];
    unsigned count = s_commit_frames (wal, ends, 64);
    assert_true (count >= 6); //  the node, five commits
    size_t size, db_size;
    char *bytes = fixture_read (wal, &size);
    char *db = fixture_read (path, &db_size);
    //  A bit in the head, in either sum, or in the page of any frame before the last commit but
    //  one.
    int64_t last = ends[count - 3];
    for (int64_t at = 0; at <= last + 24 + 4095; at += at < 32 ? 3 : 487) {
        fixture_flip (wal, at);
        s_expect_log_damage (*state, "log.db-wal is damaged in the middle");
        fixture_flip (wal, at);
    }
    //  A power cut in the last commit: part of it is there, even its end. It was not acknowledged.
    const int64_t torn[] = {ends[count - 1] + 24 + 7, ends[count - 1] + 3,
                            ends[count - 2] + 4096 + 24 + 30};
    for (size_t i = 0; i < 3; i++) {
        fixture_flip (wal, torn[i]);
        s_expect_log (*state, 4);
        fixture_write (wal, bytes, size);
        fixture_write (path, db, db_size);
    }
    //  Cut anywhere in the last commit, likewise.
    assert_int_equal (truncate (wal, ends[count - 1] + 1000), 0);
    s_expect_log (*state, 4);
    //  A WAL that was made and never written, as after a power cut.
    char zeros[5000] = {0};
    fixture_write (wal, zeros, sizeof zeros);
    s_expect_log (*state, 4);
    free (bytes);
    free (db);
}

STORE_TEST (test_second_store_on_one_log_is_refused)
{
    hf_log_store_t *store = s_open_log (*state);
    s_log_refused (*state, "log.db", "in use by another process");
    hf_log_store_close (&store);
    s_log_refused (fixture_path (*state, "nowhere"), "nowhere/log.db", NULL);
}

//  ---- the files ---------------------------------------------------------------

static void
s_make_files (const char *dir)
{
    hf_file_store_t *store = s_open_files (dir);
    assert_ok (fixture_section (store, 4, PARTS ({"a", "the bytes of a", 14}, {"b", "B", 1})));
    assert_ok (hf_file_store_commit (store));
    hf_file_store_close (&store);
}

STORE_TEST (test_damaged_files_are_refused)
{
    s_make_files (*state);
    const char *a = fixture_path (*state, "files/a");
    fixture_flip (a, 13);
    s_files_refused (*state, "files/a is damaged: its checksum", WAY_OUT);
    fixture_flip (a, 13);

    assert_int_equal (truncate (a, 13), 0);
    s_files_refused (*state, "files/a is damaged: it is shorter", WAY_OUT);
    fixture_write (a, "the bytes of a, and what was not committed", 42);
    fixture_flip (a, 0);
    s_files_refused (*state, "files/a is damaged: its checksum", WAY_OUT);
    assert_int_equal (fixture_size (a), 42); //  nothing is cut from what is wrong
    fixture_flip (a, 0);
    hf_file_store_t *store = s_open_files (*state);
    assert_int_equal (fixture_size (a), 14);
    hf_file_store_close (&store);

    assert_int_equal (remove (a), 0);
    s_files_refused (*state, "files/a is damaged: it is not there", WAY_OUT);
    assert_int_equal (mkfifo (a, 0600), 0);
    s_files_refused (*state, "files/a is damaged: it is no regular file", WAY_OUT);
}

STORE_TEST (test_damaged_records_are_refused_and_cost_no_bytes)
{
    const struct {
        const char *sql;
        const char *undo;
        const char *what;
    } changes[] = {
        {"UPDATE files SET length = 3 WHERE length = 14",
         "UPDATE files SET length = 14 WHERE length = 3", "row of a file"},
        {"UPDATE files SET sum = sum + 1", "UPDATE files SET sum = sum - 1", "row of a file"},
        {"UPDATE files SET name = x'63' WHERE name = x'61'",
         "UPDATE files SET name = x'61' WHERE name = x'63'", "row of a file"},
        {"UPDATE files SET disk = '../files/a' WHERE name = x'61'",
         "UPDATE files SET disk = 'a' WHERE name = x'61'", "row of a file"},
        {"UPDATE node SET applied = 3", "UPDATE node SET applied = 4", "applied index"},
    };
    s_make_files (*state);
    const char *path = fixture_path (*state, "files.db");
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        fixture_sql (path, changes[i].sql);
        s_files_refused (*state, changes[i].what, WAY_OUT);
        assert_int_equal (fixture_size (fixture_path (*state, "files/a")), 14);
        assert_int_equal (fixture_size (fixture_path (*state, "files/b")), 1);
        fixture_sql (path, changes[i].undo);
    }
    fixture_sql (path, "DELETE FROM node");
    s_files_refused (*state, "applied index", WAY_OUT);
    fixture_flip (path, 4);
    s_files_refused (*state, "files.db is damaged", WAY_OUT);
    assert_int_equal (fixture_size (fixture_path (*state, "files/a")), 14);
}

//  ---- writes that fail ----------------------------------------------------------

/*  That such a store takes no more and is whole when it is opened again: tests/power. */
STORE_TEST (test_a_failed_write_names_its_file_and_its_cause)
{
    static uint8_t bytes[100000];
    fixture_limit (1000);
    s_log_refused (*state, "log.db", NULL);
    fixture_unlimit ();
    hf_log_store_t *log = s_open_log (*state); //  and does no harm
    fixture_limit (300000);
    uint64_t next = 1;
    while (fixture_append (log, next, 1, bytes, 20000) == 0 && hf_log_store_commit (log) == 0)
        next++;
    fixture_unlimit ();
    assert_in_range (next, 2, 15);
    assert_contains (hf_log_store_error (log), "log.db: disk I/O error");
    assert_contains (hf_log_store_error (log),
                     "a write failed: is the size of files limited (ulimit -f)?");
    hf_log_store_close (&log);

    hf_file_store_t *files = s_open_files (*state);
    assert_ok (fixture_section (files, 1, PARTS ({"large", bytes, 100000})));
    assert_ok (hf_file_store_commit (files));
    fixture_limit (150000);
    assert_int_equal (fixture_section (files, 2, PARTS ({"large", bytes, 100000})), -1);
    fixture_unlimit ();
    assert_contains (hf_file_store_error (files), "files/large: File too large");
    files = s_reopen_files (files, *state);
    assert_int_equal (fixture_size (fixture_path (*state, "files/large")), 100000);
    assert_ok (fixture_section (files, 2, PARTS ({"small", bytes, 10})));
    fixture_limit (8000); //  the file is smaller, the WAL is not
    assert_int_equal (hf_file_store_commit (files), -1);
    fixture_unlimit ();
    assert_contains (hf_file_store_error (files), "files.db: disk I/O error");
    hf_file_store_close (&files);
}

HF_TEST_MAIN (NULL, NULL)
