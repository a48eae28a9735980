//  Pruning and reset: the log continues as if it had begun at its base.

#include "msgs/hf_msg.h"
#include "nodes/store/hf_log_store.h"
#include "store_fixture.h"
#include <stdlib.h>
#include <string.h>

static char s_error[HF_ERROR_SIZE];

STORE_OPEN (hf_log_store, s_open, s_reopen)

/*  Append and commit entries up to LAST. */
static void
s_grow (hf_log_store_t *store, uint64_t last, uint64_t term, uint32_t size)
{
    uint8_t *bytes = calloc (1, size + 1U);
    for (uint64_t i = hf_log_store_last_index (store) + 1; i <= last; i++)
        assert_ok (fixture_append (store, i, term, bytes, size));
    free (bytes);
    assert_ok (hf_log_store_commit (store));
}

/*  A ROSTER entry that names one node with INCARNATION. */
static void
s_grow_roster (hf_log_store_t *store, uint64_t term, uint64_t incarnation)
{
    hf_pack_t payload;
    hf_pack_init (&payload);
    hf_roster_put (&payload, &(hf_roster_t){.count = 1, .members = {{1, incarnation}}});
    hf_span_t span = hf_span (hf_pack_bytes (&payload), hf_pack_size (&payload));
    uint64_t next = hf_log_store_last_index (store) + 1;
    assert_ok (hf_log_store_append (store, next, &(hf_entry_t){term, HF_ENTRY_ROSTER, span}));
    assert_ok (hf_log_store_commit (store));
    hf_pack_done (&payload);
}

typedef struct heard {
    size_t count;
    uint64_t pairs[32];
} heard_t;

static void
s_hear_span (void *arg, uint64_t first_index, uint64_t term)
{
    heard_t *heard = arg;
    assert_true (heard->count < 16);
    heard->pairs[2 * heard->count] = first_index;
    heard->pairs[2 * heard->count++ + 1] = term;
}

static void
s_hear_roster (void *arg, uint64_t index, hf_span_t payload)
{
    hf_roster_t roster;
    assert_true (hf_roster_get (payload, &roster));
    s_hear_span (arg, index, roster.members[0].incarnation);
}

static void
s_expect_pairs (const heard_t *heard, size_t count, const uint64_t *pairs)
{
    assert_int_equal (heard->count, count);
    for (size_t i = 0; i < 2 * count; i++)
        assert_int_equal (heard->pairs[i], pairs[i]);
}

static void
s_expect_spans (hf_log_store_t *store, size_t count, const uint64_t *pairs)
{
    heard_t heard = {0};
    assert_ok (hf_log_store_spans (store, s_hear_span, &heard));
    s_expect_pairs (&heard, count, pairs);
}

static void
s_expect_roster (hf_log_store_t *store, size_t count, const uint64_t *pairs)
{
    heard_t heard = {0};
    hf_log_store_rosters (store, s_hear_roster, &heard);
    s_expect_pairs (&heard, count, pairs);
}

STORE_TEST (test_front_goes_and_the_log_goes_on)
{
    hf_log_store_t *store = s_open (*state);
    s_grow (store, 5, 1, 100);
    s_grow (store, 8, 3, 100);
    s_grow (store, 10, 4, 100);
    assert_int_equal (hf_log_store_base_term (store), 0);
    assert_int_equal (hf_log_store_prune (store, 0, 0, 1000), 0);
    assert_int_equal (hf_log_store_prune (store, 4, 0, 0), 0);
    assert_false (hf_log_store_dirty (store));
    assert_int_equal (hf_log_store_prune (store, 6, 0, 4), 4); //  MOST
    assert_true (hf_log_store_dirty (store));
    s_expect_spans (store, 3, (uint64_t[]){5, 1, 6, 3, 9, 4});
    assert_int_equal (hf_log_store_prune (store, 6, 0, 4), 2); //  UPTO
    assert_int_equal (hf_log_store_prune (store, 6, 0, 4), 0);
    assert_ok (hf_log_store_commit (store));
    for (int turn = 0; turn < 2; turn++) {
        assert_int_equal (hf_log_store_first_index (store), 7);
        assert_int_equal (hf_log_store_base_term (store), 3);
        assert_int_equal (hf_log_store_last_index (store), 10);
        s_expect_spans (store, 2, (uint64_t[]){7, 3, 9, 4});
        store = s_reopen (store, *state);
    }
    assert_ok (hf_log_store_truncate (store, 7)); //  all that is left
    assert_int_equal (hf_log_store_last_index (store), 6);
    s_expect_spans (store, 0, NULL);
    s_grow (store, 8, 5, 10);
    store = s_reopen (store, *state);
    s_expect_spans (store, 1, (uint64_t[]){7, 5});
    hf_log_store_close (&store);
}

STORE_TEST (test_all_of_it_can_go)
{
    hf_log_store_t *store = s_open (*state);
    s_grow (store, 7, 2, 100);
    assert_int_equal (hf_log_store_prune (store, UINT64_MAX, 0, UINT32_MAX), 7);
    assert_ok (hf_log_store_commit (store));
    for (int turn = 0; turn < 2; turn++) {
        assert_int_equal (hf_log_store_first_index (store), 8);
        assert_int_equal (hf_log_store_last_index (store), 7);
        assert_int_equal (hf_log_store_base_term (store), 2);
        s_expect_spans (store, 0, NULL);
        store = s_reopen (store, *state);
    }
    s_grow (store, 9, 2, 1);
    s_expect_spans (store, 1, (uint64_t[]){8, 2});
    store = s_reopen (store, *state);
    s_expect_spans (store, 1, (uint64_t[]){8, 2});
    hf_log_store_close (&store);
}

STORE_TEST (test_what_was_not_committed_is_not_pruned)
{
    hf_log_store_t *store = s_open (*state);
    s_grow_roster (store, 1, 77);
    s_grow (store, 7, 2, 100);
    assert_int_equal (hf_log_store_prune (store, 5, 0, 100), 5);
    store = s_reopen (store, *state);
    assert_int_equal (hf_log_store_first_index (store), 1);
    s_expect_spans (store, 2, (uint64_t[]){1, 1, 2, 2});
    s_expect_roster (store, 1, (uint64_t[]){1, 77});
    assert_ok (hf_log_store_reset (store, 50, 9, hf_span ("", 0)));
    assert_int_equal (hf_log_store_last_index (store), 50);
    store = s_reopen (store, *state);
    assert_int_equal (hf_log_store_last_index (store), 7);
    assert_int_equal (hf_log_store_term (store), 0);
    hf_log_store_close (&store);
}

STORE_TEST (test_newest_bytes_are_kept)
{
    hf_log_store_t *store = s_open (*state);
    s_grow (store, 1000, 1, 1024);
    for (int turn = 0; turn < 2; turn++) {
        assert_int_equal (hf_log_store_prune (store, 1000, 2 << 20, 5000), 0);
        store = s_reopen (store, *state); //  the marks are found again
    }
    int gone = hf_log_store_prune (store, 1000, 512 << 10, 5000);
    assert_in_range (gone, 1000 - 512 - 64, 1000 - 400);
    assert_int_equal (hf_log_store_prune (store, 1000, 512 << 10, 5000), 0);
    assert_ok (hf_log_store_commit (store));
    s_grow (store, 1100, 1, 1024);
    assert_in_range (hf_log_store_prune (store, 1100, 512 << 10, 5000), 36, 164);
    //  What is cut off the end counts no more.
    assert_ok (hf_log_store_truncate (store, 1001));
    assert_int_equal (hf_log_store_prune (store, 1000, 512 << 10, 5000), 0);
    assert_ok (hf_log_store_commit (store));
    hf_log_store_close (&store);
}

STORE_TEST (test_the_roster_outlives_the_entries)
{
    hf_log_store_t *store = s_open (*state);
    s_expect_roster (store, 0, NULL);
    s_grow (store, 2, 1, 10);
    s_grow_roster (store, 1, 30);
    s_grow (store, 5, 1, 10);
    s_grow_roster (store, 2, 60);
    s_grow (store, 8, 2, 10);
    s_grow_roster (store, 2, 90);
    for (int turn = 0; turn < 2; turn++) {
        s_expect_roster (store, 3, (uint64_t[]){3, 30, 6, 60, 9, 90});
        store = s_reopen (store, *state);
    }
    assert_ok (hf_log_store_truncate (store, 9));
    s_expect_roster (store, 2, (uint64_t[]){3, 30, 6, 60});
    assert_int_equal (hf_log_store_prune (store, 2, 0, 100), 2); //  before the first
    s_expect_roster (store, 2, (uint64_t[]){3, 30, 6, 60});
    assert_int_equal (hf_log_store_prune (store, 3, 0, 100), 1); //  with it
    s_expect_roster (store, 2, (uint64_t[]){3, 30, 6, 60});
    assert_int_equal (hf_log_store_prune (store, 7, 0, 100), 4);
    assert_ok (hf_log_store_commit (store));
    for (int turn = 0; turn < 2; turn++) {
        s_expect_roster (store, 1, (uint64_t[]){7, 60}); //  in force at the base
        store = s_reopen (store, *state);
    }
    assert_ok (hf_log_store_truncate (store, 8)); //  what is at the base stays
    s_expect_roster (store, 1, (uint64_t[]){7, 60});
    s_grow_roster (store, 3, 80);
    assert_int_equal (hf_log_store_prune (store, 8, 0, 100), 1);
    assert_ok (hf_log_store_commit (store));
    store = s_reopen (store, *state);
    s_expect_roster (store, 1, (uint64_t[]){8, 80});
    hf_log_store_close (&store);
}

/*  Commands whose bytes begin as a roster's once did, shorter and longer than one can be. */
STORE_TEST (test_an_entry_is_a_roster_by_its_type_alone)
{
    hf_log_store_t *store = s_open (*state);
    const uint8_t bytes[HF_ROSTER_MAX + 40] = {0x92, 0x02};
    s_grow_roster (store, 1, 30);
    for (uint64_t i = 2; i < 6; i++)
        assert_ok (fixture_append (store, i, 1, bytes, i % 2 == 0 ? 20 : sizeof bytes));
    assert_ok (hf_log_store_commit (store));
    for (int turn = 0; turn < 2; turn++) {
        s_expect_roster (store, 1, (uint64_t[]){1, 30});
        store = s_reopen (store, *state);
    }
    assert_int_equal (hf_log_store_prune (store, 4, 0, 100), 4);
    assert_ok (hf_log_store_commit (store));
    store = s_reopen (store, *state);
    s_expect_roster (store, 1, (uint64_t[]){4, 30});
    hf_log_store_close (&store);
}

STORE_TEST (test_damage_of_the_roster_is_refused)
{
    hf_log_store_t *store = s_open (*state);
    s_grow_roster (store, 1, 30);
    assert_int_equal (hf_log_store_prune (store, 1, 0, 100), 1);
    assert_ok (hf_log_store_commit (store));
    hf_log_store_close (&store);
    fixture_sql (fixture_path (*state, "log.db"), "UPDATE node SET roster = x''");
    assert_null (hf_log_store_open (*state, s_error));
    assert_contains (s_error, "term and vote");
    assert_contains (s_error, "docs/operating.md");
}

STORE_TEST (test_a_roster_that_names_nobody_is_refused)
{
    const uint8_t nobody[] = {0x92, 1, 0x90};
    const uint8_t large[HF_ROSTER_MAX + 1] = {0x92, 1, 0x91, 0x93, 0xcc, 150, 3, 9};
    const hf_span_t bad[] = {hf_span (nobody, 0), hf_span (nobody, 3),
                             hf_span (large, sizeof large)};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        hf_log_store_t *store = s_open (*state);
        uint64_t next = hf_log_store_last_index (store) + 1;
        assert_ok (hf_log_store_append (store, next, &(hf_entry_t){1, HF_ENTRY_ROSTER, bad[i]}));
        assert_ok (hf_log_store_commit (store));
        hf_log_store_close (&store);
        assert_null (hf_log_store_open (*state, s_error));
        assert_contains (s_error, "names no members");
        fixture_sql (fixture_path (*state, "log.db"), "DELETE FROM entries");
    }
}

STORE_TEST (test_entries_before_the_base_are_refused)
{
    hf_log_store_t *store = s_open (*state);
    s_grow (store, 9, 1, 10);
    assert_int_equal (hf_log_store_prune (store, 5, 0, 100), 5);
    assert_ok (hf_log_store_commit (store));
    hf_log_store_close (&store);
    fixture_sql (
        fixture_path (*state, "log.db"),
        "INSERT INTO entries SELECT 5, term, type, checksum, payload FROM entries LIMIT 1");
    assert_null (hf_log_store_open (*state, s_error));
    assert_contains (s_error, "entry 6 is missing");
}

STORE_TEST (test_reset_begins_behind_another_state)
{
    hf_log_store_t *store = s_open (*state);
    uint64_t incarnation = hf_log_store_incarnation (store);
    assert_ok (hf_log_store_vote (store, 7, (hf_member_t){3, 77}));
    s_grow_roster (store, 5, 30);
    s_grow (store, 9, 5, 10);
    hf_pack_t pack;
    hf_pack_init (&pack);
    hf_roster_put (&pack, &(hf_roster_t){.count = 1, .members = {{1, 70}}});
    hf_span_t roster = hf_span (hf_pack_bytes (&pack), hf_pack_size (&pack));
    assert_ok (hf_log_store_reset (store, 1000, 6, roster));
    assert_ok (hf_log_store_commit (store));
    hf_pack_done (&pack);
    for (int turn = 0; turn < 2; turn++) {
        assert_int_equal (hf_log_store_term (store), 7);
        assert_int_equal (hf_log_store_voted_for (store).node, 3);
        assert_int_equal (hf_log_store_first_index (store), 1001);
        assert_int_equal (hf_log_store_last_index (store), 1000);
        assert_int_equal (hf_log_store_base_term (store), 6);
        assert_true (hf_log_store_incarnation (store) == incarnation);
        s_expect_spans (store, 0, NULL);
        s_expect_roster (store, 1, (uint64_t[]){1000, 70});
        store = s_reopen (store, *state);
    }
    s_grow (store, 1002, 8, 10);
    assert_ok (hf_log_store_reset (store, 500, 9, hf_span ("", 0)));
    assert_ok (hf_log_store_commit (store));
    store = s_reopen (store, *state);
    assert_int_equal (hf_log_store_term (store), 9); //  it rose, with no vote
    assert_int_equal (hf_log_store_voted_for (store).node, 0);
    assert_int_equal (hf_log_store_last_index (store), 500);
    s_expect_roster (store, 0, NULL);
    s_grow (store, 501, 9, 10);
    hf_log_store_close (&store);
}

STORE_TEST (test_P12_a_pruned_log_stays_flat)
{
    hf_log_store_t *store = s_open (*state);
    const char *path = fixture_path (*state, "log.db");
    const char *wal = fixture_path (*state, "log.db-wal");
    const uint64_t keep = 1 << 20;
    int64_t full = 0;
    for (uint64_t last = 50; last <= 20000; last += 50) { //  20 MB through 1 MB
        s_grow (store, last, 1, last % 300 == 0 ? 9000 : 900);
        assert_true (hf_log_store_prune (store, last, keep, 200) >= 0);
        assert_ok (hf_log_store_commit (store));
        if (last == 3000)
            full = fixture_size (path);
        if (last > 3000)
            assert_in_range (fixture_size (path), 1, full + full / 4);
        assert_in_range (fixture_size (wal), 1, 4 << 20);
    }
    assert_in_range (full, (int64_t)keep, 3 * (int64_t)keep);
    assert_true (hf_log_store_last_index (store) - hf_log_store_first_index (store) < 2000);
    hf_log_store_close (&store);
    assert_in_range (fixture_size (path), 1, full + full / 4);
}

/*  Entries come and go in one transaction, until the kill. */
static void
s_prune_on (const char *dir, int steps)
{
    hf_log_store_t *store = hf_log_store_open (dir, s_error);
    static uint8_t bytes[3000];
    while (store) {
        uint64_t last = hf_log_store_last_index (store);
        if (fixture_append (store, last + 1, 1, bytes, sizeof bytes) != 0 ||
            fixture_append (store, last + 2, 1, bytes, sizeof bytes) != 0 ||
            (last > 50 && hf_log_store_prune (store, last - 50, 0, 2) != 2) ||
            hf_log_store_commit (store) != 0)
            return;
        fixture_step (steps);
    }
}

STORE_TEST (test_P7_kills_between_append_and_prune_leave_both_or_none)
{
    for (unsigned round = 1; round <= 8; round++) {
        fixture_kill (s_prune_on, *state, 1 + round * 53 % 90);
        hf_log_store_t *store = s_open (*state);
        uint64_t last = hf_log_store_last_index (store);
        assert_int_equal (last % 2, 0);
        assert_int_equal (hf_log_store_first_index (store) - 1, last > 52 ? last - 52 : 0);
        hf_log_store_close (&store);
    }
}

STORE_TEST (test_failed_prune_leaves_a_store_that_takes_no_more)
{
    hf_log_store_t *store = s_open (*state);
    s_grow (store, 20, 1, 200);
    fixture_limit (1); //  every write fails
    int rc = hf_log_store_prune (store, 10, 0, 100);
    rc = rc < 0 ? rc : hf_log_store_commit (store);
    fixture_unlimit ();
    assert_int_equal (rc, -1);
    assert_int_equal (hf_log_store_first_index (store), 1);
    assert_int_equal (hf_log_store_last_index (store), 20);
    assert_int_equal (hf_log_store_prune (store, 10, 0, 100), -1);
    assert_int_equal (hf_log_store_reset (store, 10, 1, hf_span ("", 0)), -1);
    store = s_reopen (store, *state);
    assert_int_equal (hf_log_store_first_index (store), 1);
    assert_int_equal (hf_log_store_last_index (store), 20);
    hf_log_store_close (&store);
}

HF_TEST_MAIN (NULL, NULL)
