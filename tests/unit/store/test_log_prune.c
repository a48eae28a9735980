//  Pruning and reset: the log continues as if it had begun at its base.

#include "msgs/hf_msg.h"
#include "nodes/store/hf_log_store.h"
#include "store_fixture.h"
#include <stdlib.h>
#include <string.h>

STORE_OPEN (hf_log_store, s_open, s_reopen, s_refused)

/*  Append and commit entries up to LAST. */
static void
s_grow (hf_log_store_t *store, uint64_t last, uint64_t term, uint32_t size)
{
    uint8_t *bytes = calloc (1, size + 1U);
    for (uint64_t i = hf_log_store_state (store)->last_index + 1; i <= last; i++)
        assert_ok (fixture_append (store, i, term, bytes, size));
    free (bytes);
    assert_ok (hf_log_store_commit (store));
}

/*  The payload of a ROSTER entry that names one node with INCARNATION; until the next call. */
static hf_span_t
s_roster (uint64_t incarnation)
{
    static uint8_t bytes[HF_ROSTER_MAX];
    hf_pack_t payload;
    hf_pack_init (&payload);
    hf_roster_put (
        &payload, &(hf_roster_t){.count = 1, .members = {{.node = 1, .incarnation = incarnation}}});
    size_t size = hf_pack_size (&payload);
    memcpy (bytes, hf_pack_bytes (&payload), size);
    hf_pack_done (&payload);
    return hf_span (bytes, size);
}

/*  The same of level 1, with the node's place. */
static hf_span_t
s_placed_roster (void)
{
    static uint8_t bytes[HF_ROSTER_MAX];
    hf_pack_t payload;
    hf_pack_init (&payload);
    hf_roster_put (&payload, &(hf_roster_t){.count = 1,
                                            .level = 1,
                                            .cluster = 5,
                                            .members = {{.node = 1,
                                                         .incarnation = 77,
                                                         .flags = HF_SEAT_VOTES | HF_SEAT_VOTED,
                                                         .host = hf_span_text ("alpha"),
                                                         .client_port = 1,
                                                         .node_port = 2}}});
    size_t size = hf_pack_size (&payload);
    memcpy (bytes, hf_pack_bytes (&payload), size);
    hf_pack_done (&payload);
    return hf_span (bytes, size);
}

/*  The format that a program of another release finds in the log of DIR, which is closed. */
static int
s_format (const char *dir)
{
    size_t size;
    char *bytes = fixture_read (fixture_path (dir, "log.db"), &size);
    int format = (unsigned char)bytes[63]; //  the last byte of SQLite's user_version
    free (bytes);
    return format;
}

static void
s_grow_roster (hf_log_store_t *store, uint64_t term, hf_span_t payload)
{
    uint64_t next = hf_log_store_state (store)->last_index + 1;
    assert_ok (hf_log_store_append (store, next, &(hf_entry_t){term, HF_ENTRY_ROSTER, payload}));
    assert_ok (hf_log_store_commit (store));
}

/*  Prune up to UPTO, COUNT entries, and commit. */
static void
s_prune (hf_log_store_t *store, uint64_t upto, int count)
{
    assert_int_equal (hf_log_store_prune (store, upto, 0, 100), count);
    assert_ok (hf_log_store_commit (store));
}

STORE_TEST (test_pruned_log_takes_more_entries)
{
    hf_log_store_t *store = s_open (*state);
    s_grow (store, 5, 1, 100);
    s_grow (store, 8, 3, 100);
    s_grow (store, 10, 4, 100);
    assert_int_equal (hf_log_store_prune (store, 0, 0, 1000), 0);
    assert_int_equal (hf_log_store_prune (store, 4, 0, 0), 0);
    assert_int_equal (hf_log_store_prune (store, 6, 0, 4), 4); //  MOST
    fixture_expect_log (store, "5-10 base 1 runs 5:1 6:3 9:4");
    assert_int_equal (hf_log_store_prune (store, 6, 0, 4), 2); //  UPTO
    s_prune (store, 6, 0);
    store = fixture_log_kept (store, *state, "7-10 base 3 runs 7:3 9:4");
    assert_ok (hf_log_store_truncate (store, 7)); //  all that is left
    fixture_expect_log (store, "7-6 base 3");
    s_grow (store, 8, 5, 10);
    store = fixture_log_kept (store, *state, "7-8 base 3 runs 7:5");
    hf_log_store_close (&store);
}

STORE_TEST (test_every_entry_can_be_pruned)
{
    hf_log_store_t *store = s_open (*state);
    s_grow (store, 7, 2, 100);
    s_prune (store, UINT64_MAX, 7);
    store = fixture_log_kept (store, *state, "8-7 base 2");
    s_grow (store, 9, 2, 1);
    store = fixture_log_kept (store, *state, "8-9 base 2 runs 8:2");
    hf_log_store_close (&store);
}

STORE_TEST (test_uncommitted_prune_and_reset_are_lost)
{
    hf_log_store_t *store = s_open (*state);
    s_grow_roster (store, 1, s_roster (77));
    s_grow (store, 7, 2, 100);
    assert_int_equal (hf_log_store_prune (store, 5, 0, 100), 5);
    store = s_reopen (store, *state);
    fixture_expect_log (store, "1-7 base 0 runs 1:1 2:2 rosters 1:77");
    assert_ok (hf_log_store_reset (store, 50, 9, hf_span ("", 0)));
    fixture_expect_log (store, "term 9 51-50 base 9");
    store = s_reopen (store, *state);
    fixture_expect_log (store, "1-7 base 0 runs 1:1 2:2 rosters 1:77");
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
    int pruned = hf_log_store_prune (store, 1000, 512 << 10, 5000);
    assert_in_range (pruned, 1000 - 512 - 64, 1000 - 400);
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
    s_grow (store, 2, 1, 10);
    s_grow_roster (store, 1, s_roster (30));
    s_grow (store, 5, 1, 10);
    s_grow_roster (store, 2, s_roster (60));
    s_grow (store, 8, 2, 10);
    s_grow_roster (store, 2, s_roster (90));
    store = fixture_log_kept (store, *state, "1-9 base 0 runs 1:1 6:2 rosters 3:30 6:60 9:90");
    assert_ok (hf_log_store_truncate (store, 9));
    fixture_expect_log (store, "1-8 base 0 runs 1:1 6:2 rosters 3:30 6:60");
    s_prune (store, 2, 2); //  before the first
    fixture_expect_log (store, "3-8 base 1 runs 3:1 6:2 rosters 3:30 6:60");
    s_prune (store, 3, 1); //  with it
    fixture_expect_log (store, "4-8 base 1 runs 4:1 6:2 rosters 3:30 6:60");
    s_prune (store, 7, 4); //  the one in force at the base stays
    store = fixture_log_kept (store, *state, "8-8 base 2 runs 8:2 rosters 7:60");
    assert_ok (hf_log_store_truncate (store, 8));
    fixture_expect_log (store, "8-7 base 2 rosters 7:60");
    s_grow_roster (store, 3, s_roster (80));
    s_prune (store, 8, 1);
    store = fixture_log_kept (store, *state, "9-8 base 3 rosters 8:80");
    hf_log_store_close (&store);
}

/*  Commands whose bytes begin as a roster's once did, shorter and longer than one can be. */
STORE_TEST (test_an_entry_is_a_roster_by_its_type_alone)
{
    hf_log_store_t *store = s_open (*state);
    const uint8_t bytes[HF_ROSTER_MAX + 40] = {0x92, 0x02};
    s_grow_roster (store, 1, s_roster (30));
    for (uint64_t i = 2; i < 6; i++)
        assert_ok (fixture_append (store, i, 1, bytes, i % 2 == 0 ? 20 : sizeof bytes));
    assert_ok (hf_log_store_commit (store));
    store = fixture_log_kept (store, *state, "1-5 base 0 runs 1:1 rosters 1:30");
    s_prune (store, 4, 4);
    store = fixture_log_kept (store, *state, "5-5 base 1 runs 5:1 rosters 4:30");
    hf_log_store_close (&store);
}

STORE_TEST (test_damage_of_the_roster_is_refused)
{
    hf_log_store_t *store = s_open (*state);
    s_grow_roster (store, 1, s_roster (30));
    s_prune (store, 1, 1);
    hf_log_store_close (&store);
    fixture_sql (fixture_path (*state, "log.db"), "UPDATE node SET roster = x''");
    s_refused (*state, "term and vote", "docs/operating.md");
}

STORE_TEST (test_a_roster_that_names_nobody_is_refused)
{
    const uint8_t nobody[] = {0x93, 1, 0x90, 0};
    const uint8_t large[HF_ROSTER_MAX + 1] = {0x93, 1, 0x91, 0x93, 0xcc, 150, 3, 9};
    const hf_span_t bad[] = {hf_span (nobody, 0), hf_span (nobody, sizeof nobody),
                             hf_span (large, sizeof large)};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        hf_log_store_t *store = s_open (*state);
        s_grow_roster (store, 1, bad[i]);
        hf_log_store_close (&store);
        s_refused (*state, "names no members", NULL);
        fixture_sql (fixture_path (*state, "log.db"), "DELETE FROM entries");
    }
}

STORE_TEST (test_entries_before_the_base_are_refused)
{
    hf_log_store_t *store = s_open (*state);
    s_grow (store, 9, 1, 10);
    s_prune (store, 5, 5);
    hf_log_store_close (&store);
    fixture_sql (
        fixture_path (*state, "log.db"),
        "INSERT INTO entries SELECT 5, term, type, checksum, payload FROM entries LIMIT 1");
    s_refused (*state, "entry 6 is missing", NULL);
}

STORE_TEST (test_reset_begins_behind_another_state)
{
    hf_log_store_t *store = s_open (*state);
    uint64_t incarnation = hf_log_store_incarnation (store);
    assert_ok (hf_log_store_vote (store, 7, (hf_member_t){3, 77}));
    s_grow_roster (store, 5, s_roster (30));
    s_grow (store, 9, 5, 10);
    assert_ok (hf_log_store_reset (store, 1000, 6, s_roster (70)));
    assert_ok (hf_log_store_commit (store));
    store = fixture_log_kept (store, *state, "term 7 vote 3:77 1001-1000 base 6 rosters 1000:70");
    assert_true (hf_log_store_incarnation (store) == incarnation);
    s_grow (store, 1002, 8, 10);
    assert_ok (hf_log_store_reset (store, 500, 9, hf_span ("", 0)));
    assert_ok (hf_log_store_commit (store));
    store = fixture_log_kept (store, *state, "term 9 501-500 base 9"); //  it rose, with no vote
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
    assert_true (
        hf_log_store_state (store)->last_index - hf_log_store_state (store)->base_index + 1 < 2000);
    hf_log_store_close (&store);
    assert_in_range (fixture_size (path), 1, full + full / 4);
}

//  A release that cannot read rosters with places must not take the log for a damaged one.
STORE_TEST (test_a_roster_with_places_is_a_newer_format)
{
    hf_log_store_t *store = s_open (*state);
    s_grow_roster (store, 1, s_roster (77));
    hf_log_store_close (&store);
    assert_int_equal (s_format (*state), 3);
    store = s_open (*state);
    hf_entry_t entry = {1, HF_ENTRY_ROSTER, s_placed_roster ()};
    assert_ok (hf_log_store_append (store, 2, &entry));
    hf_log_store_close (&store); //  not committed
    assert_int_equal (s_format (*state), 3);
    store = s_open (*state);
    s_grow_roster (store, 1, s_placed_roster ());
    s_grow_roster (store, 1, s_placed_roster ());
    hf_log_store_close (&store);
    assert_int_equal (s_format (*state), 4);
    store = s_open (*state);
    fixture_expect_log (store, "1-3 base 0 runs 1:1 rosters 1:77 2:77 3:77");
    hf_log_store_close (&store);
}

STORE_TEST (test_a_state_with_places_is_a_newer_format)
{
    hf_log_store_t *store = s_open (*state);
    assert_ok (hf_log_store_reset (store, 40, 3, s_placed_roster ()));
    assert_ok (hf_log_store_commit (store));
    hf_log_store_close (&store);
    assert_int_equal (s_format (*state), 4);
    store = s_open (*state);
    hf_log_store_close (&store);
}

HF_TEST_MAIN (NULL, NULL)
