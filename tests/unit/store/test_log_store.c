//  The log as it runs: what goes in comes out, after a clean close and after a kill.

#include "store_fixture.h"
#include "base/hf_random.h"
#include "msgs/hf_msg.h"
#include "nodes/store/hf_log_store.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static char s_error[HF_ERROR_SIZE];

STORE_OPEN (hf_log_store, s_open, s_reopen, s_refused)

/*  Bytes that only this entry has. */
static void
s_fill (uint8_t *bytes, size_t size, uint64_t index, uint64_t term)
{
    hf_random_t random = {index << 32 ^ term};
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)hf_random_next (&random);
}

static int
s_append (hf_log_store_t *store, uint64_t index, uint64_t term, size_t size)
{
    uint8_t *bytes = malloc (size + 1);
    s_fill (bytes, size, index, term);
    int rc = fixture_append (store, index, term, bytes, size);
    free (bytes);
    return rc;
}

/*  Entry INDEX is what s_append wrote. */
static void
s_expect (hf_log_store_t *store, uint64_t index, uint64_t term, size_t size)
{
    hf_pack_t pack;
    hf_pack_init (&pack);
    assert_int_equal (hf_log_store_read (store, index, index, 0, &pack), 1);
    hf_scan_t scan = hf_scan_list (hf_pack_list (&pack));
    hf_entry_t entry;
    assert_true (hf_entry_get (&scan, &entry));
    assert_true (hf_scan_at_end (&scan));
    assert_int_equal (entry.term, term);
    assert_int_equal (entry.payload.size, size);
    uint8_t *bytes = malloc (size + 1);
    s_fill (bytes, size, index, term);
    if (size > 0)
        assert_memory_equal (entry.payload.at, bytes, size);
    free (bytes);
    hf_pack_done (&pack);
}

//  ---- clean -------------------------------------------------------------------

STORE_TEST (test_new_log_is_empty)
{
    hf_log_store_t *store = s_open (*state);
    fixture_expect_log (store, "1-0 base 0");
    assert_ok (hf_log_store_commit (store)); //  nothing to do
    hf_log_store_close (&store);
    hf_log_store_close (&store);
    assert_false (fixture_exists (fixture_path (*state, "log.db-shm")));
}

STORE_TEST (test_reopened_log_is_the_same)
{
    hf_log_store_t *store = s_open (*state);
    assert_ok (hf_log_store_vote (store, 7, (hf_member_t){3, 77}));
    const size_t sizes[] = {0, 1, 100, 4096, 65536, (1 << 20) + 77};
    for (uint64_t i = 1; i <= 6; i++)
        assert_ok (s_append (store, i, i < 4 ? 5 : 7, sizes[i - 1]));
    assert_ok (hf_log_store_commit (store));
    for (int turn = 0; turn < 2; turn++) {
        for (uint64_t i = 1; i <= 6; i++)
            s_expect (store, i, i < 4 ? 5 : 7, sizes[i - 1]);
        store = fixture_log_kept (store, *state, "term 7 vote 3:77 1-6 base 0 runs 1:5 4:7");
    }
    hf_log_store_close (&store);
}

STORE_TEST (test_uncommitted_changes_are_lost)
{
    hf_log_store_t *store = s_open (*state);
    assert_ok (hf_log_store_vote (store, 1, (hf_member_t){1, 77}));
    assert_ok (s_append (store, 1, 1, 10));
    assert_ok (hf_log_store_commit (store));
    assert_ok (hf_log_store_vote (store, 2, (hf_member_t){2, 77}));
    assert_ok (s_append (store, 2, 2, 10));
    s_expect (store, 2, 2, 10); //  the open transaction is seen
    store = s_reopen (store, *state);
    fixture_expect_log (store, "term 1 vote 1:77 1-1 base 0 runs 1:1");
    hf_log_store_close (&store);
}

STORE_TEST (test_largest_numbers_are_kept)
{
    hf_log_store_t *store = s_open (*state);
    assert_ok (hf_log_store_vote (store, UINT64_MAX, (hf_member_t){UINT32_MAX, 77}));
    assert_ok (s_append (store, 1, UINT64_MAX, 8));
    assert_ok (hf_log_store_commit (store));
    store = fixture_log_kept (store, *state,
                              "term 18446744073709551615 vote 4294967295:77 1-1 base 0 runs "
                              "1:18446744073709551615");
    s_expect (store, 1, UINT64_MAX, 8);
    hf_log_store_close (&store);
}

STORE_TEST (test_truncated_log_takes_other_entries)
{
    hf_log_store_t *store = s_open (*state);
    for (uint64_t i = 1; i <= 10; i++)
        assert_ok (s_append (store, i, i <= 5 ? 1 : i <= 8 ? 2 : 3, 50));
    assert_ok (hf_log_store_commit (store));
    fixture_expect_log (store, "1-10 base 0 runs 1:1 6:2 9:3");
    assert_ok (hf_log_store_truncate (store, 11)); //  nothing there

    //  Cut inside a run, and go on with another term, in one transaction.
    assert_ok (hf_log_store_truncate (store, 8));
    fixture_expect_log (store, "1-7 base 0 runs 1:1 6:2");
    assert_ok (s_append (store, 8, 4, 60));
    assert_ok (hf_log_store_commit (store));
    for (int turn = 0; turn < 2; turn++) {
        s_expect (store, 7, 2, 50);
        s_expect (store, 8, 4, 60);
        store = fixture_log_kept (store, *state, "1-8 base 0 runs 1:1 6:2 8:4");
    }
    //  Cut where a run begins: the run is removed, and the next entry begins a new one.
    assert_ok (hf_log_store_truncate (store, 6));
    fixture_expect_log (store, "1-5 base 0 runs 1:1");
    assert_ok (s_append (store, 6, 2, 1));
    fixture_expect_log (store, "1-6 base 0 runs 1:1 6:2");
    assert_ok (hf_log_store_truncate (store, 1));
    assert_ok (hf_log_store_commit (store));
    store = fixture_log_kept (store, *state, "1-0 base 0");
    hf_log_store_close (&store);
}

STORE_TEST (test_reads_come_in_chunks)
{
    hf_log_store_t *store = s_open (*state);
    for (uint64_t i = 1; i <= 100; i++)
        assert_ok (s_append (store, i, 1, 1000));
    hf_pack_t pack;
    hf_pack_init (&pack);
    //  At least one, however little fits; never beyond BYTES otherwise.
    assert_int_equal (hf_log_store_read (store, 1, 100, 1, &pack), 1);
    assert_int_equal (hf_pack_list (&pack).count, 1);
    hf_pack_reset (&pack);
    int count = hf_log_store_read (store, 5, 100, 10000, &pack);
    assert_in_range (count, 8, 9);
    assert_int_equal (hf_pack_list (&pack).count, count);
    assert_true (hf_pack_size (&pack) <= 10000);
    hf_pack_reset (&pack);
    assert_int_equal (hf_log_store_read (store, 98, 99, 1 << 20, &pack), 2); //  up to LAST
    hf_pack_reset (&pack);
    assert_int_equal (hf_log_store_read (store, 98, 1000, 1 << 20, &pack), 3); //  up to the end
    hf_pack_reset (&pack);
    assert_ok (hf_log_store_read (store, 101, 101, 1 << 20, &pack));
    //  The whole log in chunks is the whole log.
    uint64_t next = 1;
    while (next <= 100) {
        hf_pack_reset (&pack);
        count = hf_log_store_read (store, next, 100, 5000, &pack);
        assert_true (count > 0);
        next += (uint64_t)count;
    }
    assert_int_equal (next, 101);
    hf_pack_done (&pack);
    assert_ok (hf_log_store_commit (store));
    hf_log_store_close (&store);
}

STORE_TEST (test_incarnation_belongs_to_the_database)
{
    hf_log_store_t *store = s_open (*state);
    uint64_t first = hf_log_store_incarnation (store);
    assert_true (first != 0);
    store = s_reopen (store, *state);
    assert_true (hf_log_store_incarnation (store) == first);
    hf_log_store_close (&store);
    assert_int_equal (remove (fixture_path (*state, "log.db")), 0);
    store = s_open (*state);
    assert_true (hf_log_store_incarnation (store) != first);
    hf_log_store_close (&store);
}

STORE_TEST (test_another_cluster_is_refused)
{
    const char *list = "1@10.0.0.1:8080:8081,2@10.0.0.2:8080:8081";
    hf_log_store_t *store = s_open (*state);
    assert_ok (hf_log_store_bind (store, 2, list));
    assert_ok (hf_log_store_bind (store, 2, list));
    store = s_reopen (store, *state);
    assert_ok (hf_log_store_bind (store, 2, list));
    assert_int_equal (hf_log_store_bind (store, 2, "1@10.0.0.9"), -1);
    assert_contains (hf_log_store_error (store), "node 2 of cluster 1@10.0.0.1:8080:8081,2@");
    assert_contains (hf_log_store_error (store), "1@10.0.0.9");
    assert_int_equal (hf_log_store_bind (store, 1, list), -1);
    assert_contains (hf_log_store_error (store), "not to node 1");
    //  It was asked, not changed: the right list is still taken, and the store still works.
    assert_ok (hf_log_store_bind (store, 2, list));
    assert_ok (hf_log_store_vote (store, 1, (hf_member_t){2, 77}));
    assert_ok (hf_log_store_commit (store));
    store = s_reopen (store, *state);
    assert_ok (hf_log_store_bind (store, 2, list));
    hf_log_store_close (&store);
}

STORE_TEST (test_P12_wal_is_bounded)
{
    hf_log_store_t *store = s_open (*state);
    int64_t largest = 0;
    for (uint64_t i = 1; i <= 1500; i++) {
        assert_ok (s_append (store, i, 1, 20000));
        if (i % 3 != 0)
            continue;
        assert_ok (hf_log_store_commit (store));
        int64_t size = fixture_size (fixture_path (*state, "log.db-wal"));
        largest = size > largest ? size : largest;
    }
    assert_true (largest > 0);
    assert_in_range (largest, 1, 2 << 20); //  30 MB went through it
    hf_log_store_close (&store);
}

/*  A transaction that was begun ahead holds nothing and keeps nothing from being folded in. */
STORE_TEST (test_transactions_begun_ahead)
{
    hf_log_store_t *store = s_open (*state);
    int64_t largest = 0;
    for (uint64_t i = 1; i <= 500; i++) {
        assert_ok (hf_log_store_ready (store));
        assert_ok (hf_log_store_ready (store));
        assert_ok (hf_log_store_commit (store)); //  nothing to do
        assert_ok (s_append (store, i, 1, 20000));
        assert_ok (hf_log_store_commit (store));
        int64_t size = fixture_size (fixture_path (*state, "log.db-wal"));
        largest = size > largest ? size : largest;
    }
    assert_in_range (largest, 1, 2 << 20); //  10 MB went through it
    assert_ok (hf_log_store_ready (store));
    s_expect (store, 500, 1, 20000); //  a read sees all
    assert_ok (hf_log_store_disown (store));
    assert_ok (hf_log_store_ready (store));
    store = fixture_log_kept (store, *state, "1-500 base 0 runs 1:1");
    hf_log_store_close (&store);
}

//  ---- starts --------------------------------------------------------------------

/*  Opening alone is no start. */
STORE_TEST (test_starts_are_counted)
{
    uint64_t life, before = 0;
    hf_log_store_t *store = s_open (*state);
    assert_int_equal (hf_log_store_start (store, &life), 0);
    for (uint64_t start = 1; start <= 3; start++) {
        assert_ok (hf_log_store_begin (store));
        assert_int_equal (hf_log_store_start (store, &life), start);
        assert_true (life != 0 && life != before);
        before = life;
        store = s_reopen (s_reopen (store, *state), *state);
        assert_int_equal (hf_log_store_start (store, &life), start);
        assert_true (life == before);
    }
    //  A log that begins elsewhere is on the same disk.
    assert_ok (hf_log_store_reset (store, 90, 4, (hf_span_t){.size = 0}));
    assert_ok (hf_log_store_commit (store));
    store = s_reopen (store, *state);
    assert_int_equal (hf_log_store_start (store, &life), 3);
    hf_log_store_close (&store);
}

/*  Release 0.9 makes no such table, and leaves it alone. */
STORE_TEST (test_starts_of_an_older_log)
{
    uint64_t life;
    hf_log_store_t *store = s_open (*state);
    assert_ok (s_append (store, 1, 1, 10));
    assert_ok (hf_log_store_commit (store));
    hf_log_store_close (&store);
    fixture_sql (fixture_path (*state, "log.db"), "DROP TABLE start");
    store = s_open (*state);
    assert_int_equal (hf_log_store_start (store, &life), 0);
    assert_ok (hf_log_store_begin (store));
    store = s_reopen (store, *state);
    assert_int_equal (hf_log_store_start (store, &life), 1);
    hf_log_store_close (&store);
    fixture_sql (fixture_path (*state, "log.db"), "UPDATE start SET start = 2");
    s_refused (*state, "number of starts does not match", WAY_OUT);
}

/*  The next disk has the log and the term, and has voted for nobody. */
STORE_TEST (test_disowned)
{
    uint64_t life;
    hf_log_store_t *store = s_open (*state);
    uint64_t before = hf_log_store_incarnation (store);
    assert_ok (hf_log_store_begin (store));
    assert_ok (hf_log_store_vote (store, 7, (hf_member_t){3, 77}));
    assert_ok (s_append (store, 1, 7, 10));
    assert_ok (hf_log_store_commit (store));
    assert_ok (hf_log_store_disown (store));
    uint64_t after = hf_log_store_incarnation (store);
    assert_true (after != 0 && after != before);
    store = fixture_log_kept (store, *state, "term 7 1-1 base 0 runs 1:7");
    assert_true (hf_log_store_incarnation (store) == after);
    assert_int_equal (hf_log_store_start (store, &life), 1);
    hf_log_store_close (&store);
}

//  ---- kills -------------------------------------------------------------------

/*  Whoever hears of a start finds it on the disk. */
static void
s_die_after_starts (const char *dir, int steps)
{
    for (int i = 0; i < 5; i++) {
        hf_log_store_t *store = hf_log_store_open (dir, s_error);
        if (!store || hf_log_store_begin (store) != 0)
            return;
        fixture_step (steps);
        if (i < 4)
            hf_log_store_close (&store);
    }
}

STORE_TEST (test_P7_kill_keeps_the_start)
{
    uint64_t life;
    assert_int_equal (fixture_kill (s_die_after_starts, *state), 5);
    hf_log_store_t *store = s_open (*state);
    assert_int_equal (hf_log_store_start (store, &life), 5);
    hf_log_store_close (&store);
}

/*  Ten commits, then a transaction larger than SQLite's cache, so that some of it is in the WAL. */
static void
s_die_in_transaction (const char *dir, int steps)
{
    hf_log_store_t *store = hf_log_store_open (dir, s_error);
    for (uint64_t i = 1; store && i <= 10; i++)
        if (hf_log_store_vote (store, i, (hf_member_t){(uint32_t)i, 77}) == 0 &&
            s_append (store, i, i, 300) == 0 && hf_log_store_commit (store) == 0)
            fixture_step (steps);
    if (hf_log_store_vote (store, 99, (hf_member_t){9, 77}) != 0)
        return;
    for (uint64_t i = 11; i <= 400; i++)
        if (s_append (store, i, 99, 20000) != 0)
            return;
    fixture_step (steps);
}

STORE_TEST (test_P7_kill_in_a_transaction_leaves_what_was_committed)
{
    assert_int_equal (fixture_kill (s_die_in_transaction, *state), 11);
    //  The kill came in the middle: bytes of the transaction are on disk.
    assert_true (fixture_size (fixture_path (*state, "log.db-wal")) > 1000000);
    hf_log_store_t *store = s_open (*state);
    fixture_expect_log (store, "term 10 vote 10:77 1-10 base 0 runs 1:1 2:2 3:3 4:4 5:5 6:6 7:7 "
                               "8:8 9:9 10:10");
    for (uint64_t i = 1; i <= 10; i++)
        s_expect (store, i, i, 300);
    assert_int_equal (fixture_size (fixture_path (*state, "log.db-wal")), 0); //  folded in
    assert_ok (s_append (store, 11, 11, 5));
    assert_ok (hf_log_store_commit (store));
    hf_log_store_close (&store);
}

/*  What the state is made of was committed: another log that wants it replaced is refused. */
STORE_TEST (test_what_was_applied_is_not_truncated)
{
    hf_log_store_t *store = s_open (*state);
    for (uint64_t i = 1; i <= 3; i++)
        assert_ok (s_append (store, i, 1, 10));
    assert_ok (hf_log_store_commit (store));
    hf_log_store_applied (store, 2);
    assert_ok (hf_log_store_truncate (store, 3));
    assert_ok (hf_log_store_commit (store));
    assert_int_equal (hf_log_store_truncate (store, 2), -1);
    assert_non_null (
        strstr (hf_log_store_error (store), "entry 2 is to be replaced, and the state"));
    store = s_reopen (store, *state);
    fixture_expect_log (store, "1-2 base 0 runs 1:1");
    hf_log_store_close (&store);
}

//  ---- begun anew with one disk ---------------------------------------------------

/*  Another incarnation, with the entries of the same transaction or not at all. */
STORE_TEST (test_renewed_data_have_another_incarnation)
{
    const char *list;
    hf_log_store_t *store = s_open (*state);
    assert_ok (hf_log_store_bind (store, 3, "1@a:1:2,2@b:1:2,3@c:1:2"));
    assert_ok (s_append (store, 1, 0, 10));
    assert_ok (hf_log_store_commit (store));
    uint64_t first = hf_log_store_incarnation (store);
    assert_ok (hf_log_store_renew (store));
    assert_ok (s_append (store, 2, 0, 10));
    assert_true (hf_log_store_incarnation (store) != first);
    store = s_reopen (store, *state); //  not committed
    assert_true (hf_log_store_incarnation (store) == first);
    assert_int_equal (hf_log_store_bound (store, &list), 3);
    assert_string_equal (list, "1@a:1:2,2@b:1:2,3@c:1:2");
    fixture_expect_log (store, "1-1 base 0 runs 1:0");
    assert_ok (hf_log_store_renew (store));
    uint64_t second = hf_log_store_incarnation (store);
    assert_ok (hf_log_store_vote (store, 8, (hf_member_t){3, second}));
    assert_ok (s_append (store, 2, 8, 10));
    assert_ok (hf_log_store_commit (store));
    store = s_reopen (store, *state);
    assert_true (second != first && hf_log_store_incarnation (store) == second);
    assert_int_equal (hf_log_store_bound (store, &list), 3);
    assert_string_equal (list, HF_LOG_RENEWED);
    assert_ok (hf_log_store_bind (store, 3, NULL));
    hf_log_store_close (&store);
}

HF_TEST_MAIN (NULL, NULL)
