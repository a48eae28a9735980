//  The state as rows: all flushes together give the state, and a state that was loaded from rows
//  goes on like the state that wrote them (P4, P7, P12).
#include "tests/unit/locks/check.h"
#include "tests/unit/locks/play.h"
#include "tests/unit/locks/table.h"

static void
s_flush (hf_state_t *state, table_t *table)
{
    size_t announced = hf_state_changed_rows (state);
    hf_pack_t changes;
    hf_pack_init (&changes);
    hf_state_changes (state, &changes);
    assert_int_equal (changes.count, announced + 1);
    table_change (table, &changes);
    hf_pack_done (&changes);
    assert_int_equal (hf_state_changed_rows (state), 0);
    assert_int_equal (hf_state_changed_bytes (state), 0);
    hf_state_check (state);
}

static void
s_assert_table (const hf_state_t *state, const table_t *table)
{
    table_t all = {.count = 0};
    table_fill (&all, state);
    assert_true (table_equal (&all, table));
    table_done (&all);
}

//  ---- random histories ---------------------------------------------------------------

HF_TEST (what_was_flushed_is_the_state)
{
    for (uint64_t seed = 1; seed <= 30; seed++) {
        hf_random_t random = {.state = seed};
        play_t play = play_at_random (seed);
        feed_t *feed = play.feed; //  its twin is never flushed
        table_t table = {.count = 0};
        uint64_t pause = 1 + hf_random_below (&random, 12);
        for (int i = 0; i < 250; i++) {
            play_entry (&play);
            if (hf_random_below (&random, pause) > 0)
                continue;
            s_flush (feed->state, &table);
            s_assert_table (feed->state, &table);
            s_assert_table (feed->twin, &table);
        }
        table_done (&table);
        play_done (&play);
    }
}

/*  The twin is again and again replaced by what rows give: a checked feed compares all outcomes. */
HF_TEST (p4_a_loaded_state_goes_on_like_the_one_that_was_not)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        hf_random_t random = {.state = seed};
        play_t play = play_at_random (seed);
        feed_t *feed = play.feed;
        table_t flushed = {.count = 0};
        for (int i = 0; i < 400; i++) {
            play_entry (&play);
            if (hf_random_below (&random, 25) > 0)
                continue;
            s_flush (feed->state, &flushed);
            hf_state_destroy (&feed->twin);
            feed->twin = table_load (&flushed, hf_random_below (&random, 2) == 0);
            assert_non_null (feed->twin);
            hf_state_check (feed->twin);
            assert_int_equal (hf_state_changed_rows (feed->twin), 0);
            assert_int_equal (hf_state_hash (feed->twin), hf_state_hash (feed->state));
            assert_int_equal (hf_state_applied_term (feed->twin), FEED_TERM);
            assert_int_equal (hf_state_section_index (feed->twin),
                              hf_state_section_index (feed->state));
            assert_true (
                hf_span_equal (hf_state_roster (feed->twin), hf_state_roster (feed->state)));
            s_assert_table (feed->twin, &flushed);
        }
        table_done (&flushed);
        play_done (&play);
    }
}

//  ---- what it costs ------------------------------------------------------------------

FEED_TEST (what_came_and_went_between_two_flushes_leaves_no_trace, feed_new (false))
{
    table_t table = {.count = 0};
    s_flush (feed->state, &table);
    assert_int_equal (table.count, 1);
    feed_open (feed, 1, 10000);
    s_flush (feed->state, &table);
    for (int i = 0; i < 50; i++) {
        uint64_t token = feed_do_acquire (feed, 1, "a", true).token;
        feed_do_append (feed, 1, "a", token, "f", "text");
        assert_int_equal (hf_state_changed_rows (feed->state), 3); //  session, place, piece
        assert_int_equal (hf_state_changed_bytes (feed->state), 4);
        feed_do_release (feed, 1, "a", token);
        assert_int_equal (hf_state_changed_rows (feed->state), 1);
    }
    feed_open (feed, 2, 10000);
    feed_do_close (feed, 2);
    assert_int_equal (hf_state_changed_rows (feed->state), 1);
    s_flush (feed->state, &table);
    s_assert_table (feed->state, &table);
    table_done (&table);
}

HF_TEST (an_append_makes_the_last_piece_dirty_and_a_release_leaves_one_tombstone)
{
    static uint8_t data[100000];
    feed_t *feed = feed_new (false);
    table_t table = {.count = 0};
    feed_open (feed, 1, 10000);
    uint64_t token = feed_do_acquire (feed, 1, "a", true).token;
    feed_start (feed, 1);
    feed_append (feed, "a", token, 0, "f", hf_span (data, sizeof (data)));
    feed_append (feed, "a", token, 0, "empty", hf_span (data, 0));
    feed_apply (feed);
    assert_int_equal (hf_state_changed_bytes (feed->state), sizeof (data));
    s_flush (feed->state, &table);
    assert_int_equal (table.count, 1 + 1 + 1 + 7 + 1);
    feed_do_append (feed, 1, "a", token, "f", "x");
    assert_int_equal (hf_state_changed_rows (feed->state), 2);
    assert_int_equal (hf_state_changed_bytes (feed->state), sizeof (data) % 16384 + 1);
    s_flush (feed->state, &table);
    feed_do_release (feed, 1, "a", token);
    assert_int_equal (hf_state_changed_rows (feed->state),
                      3); //  session; tombstones of place and pieces
    s_flush (feed->state, &table);
    assert_int_equal (table.count, 2);
    table_done (&table);
    feed_destroy (&feed);
}

/*  However long the queue: two places and two sessions. Asking for positions makes no row dirty. */
FEED_TEST (a_hand_off_in_a_long_queue_makes_few_rows_dirty, feed_new (false))
{
    table_t table = {.count = 0};
    for (uint64_t session = 1; session <= 500; session++) {
        feed_open (feed, session, 10000);
        feed_do_acquire (feed, session, "a", true);
    }
    s_flush (feed->state, &table);
    for (uint64_t session = 1; session < 400; session++) {
        uint64_t token = 0;
        assert_int_equal (feed_holder (feed, "a", &token), session);
        feed_do_release (feed, session, "a", token);
        assert_int_equal (hf_state_changed_rows (feed->state), 3);
        s_flush (feed->state, &table);
    }
    feed_do_abandon (feed, 450, "a");
    assert_int_equal (hf_state_changed_rows (feed->state), 2);
    hf_pack_t held, queued;
    hf_pack_init (&held);
    hf_pack_init (&queued);
    hf_state_session_places (feed->state, 500, &held, &queued);
    assert_int_equal (hf_state_changed_rows (feed->state), 2);
    hf_pack_done (&held);
    hf_pack_done (&queued);
    s_flush (feed->state, &table);
    s_assert_table (feed->state, &table);
    table_done (&table);
}

//  ---- beginnings ---------------------------------------------------------------------

HF_TEST (no_rows_are_the_state_of_index_0)
{
    table_t table = {.count = 0};
    for (int i = 0; i < 2; i++) {
        hf_state_t *loaded = table_load (&table, false);
        assert_non_null (loaded);
        hf_state_check (loaded);
        assert_int_equal (hf_state_applied_index (loaded), 0);
        assert_int_equal (hf_state_applied_term (loaded), 0);
        assert_int_equal (hf_state_section_index (loaded), 0);
        assert_int_equal (hf_state_roster (loaded).size, 0);
        table_fill (&table, loaded);
        hf_state_destroy (&loaded);
    }
    table_done (&table);
}

FEED_TEST (a_roster_is_kept_and_nothing_else_changes, feed_new (true))
{
    const uint8_t sound[] = {0x93, 1, 0x91, 0x93, 0xcc, 150, 3, 9, 0};
    const uint8_t zero[] = {0x93, 1, 0x91, 0x93, 0xcc, 150, 3, 0, 0};
    const uint8_t nobody[] = {0x93, 1, 0x90, 0};
    uint8_t large[HF_ROSTER_MAX + 1] = {0x93, 1, 0x91, 0x93, 0xcc, 150, 3, 9, 0};
    feed_apply_entry (feed, HF_ENTRY_ROSTER, hf_span (sound, sizeof (sound)));
    hf_span_t roster = hf_state_roster (feed->state);
    assert_true (hf_span_equal (roster, hf_span (sound, sizeof (sound))));
    assert_int_equal (hf_state_command_index (feed->state), 0);
    uint64_t hash = hf_state_hash (feed->state);
    feed_apply_entry (feed, HF_ENTRY_ROSTER, hf_span (zero, sizeof (zero)));
    feed_apply_entry (feed, HF_ENTRY_ROSTER, hf_span (nobody, sizeof (nobody)));
    feed_apply_entry (feed, HF_ENTRY_ROSTER, hf_span (large, sizeof (large)));
    feed_apply_entry (feed, HF_ENTRY_COMMANDS, hf_span (sound, sizeof (sound) - 1));
    feed_apply_entry (feed, HF_ENTRY_OPEN_TERM, hf_span (sound, sizeof (sound)));
    feed_apply_entry (feed, UINT32_MAX, hf_span (sound, sizeof (sound)));
    assert_true (hf_span_equal (hf_state_roster (feed->state), hf_span (sound, sizeof (sound))));
    assert_int_equal (hf_state_applied_index (feed->state), 7);
    assert_int_not_equal (hf_state_hash (feed->state), hash);
    assert_int_equal (hf_state_changed_rows (feed->state), 0);
}

FEED_TEST (what_an_entry_does_its_type_decides, feed_new (true))
{
    hf_pack_t commands, payload;
    hf_pack_init (&commands);
    hf_pack_init (&payload);
    hf_cmd_open_put (&commands,
                     &(hf_cmd_open_t){.nonce = hf_span_text ("0123456789abcdef"), .ttl_ms = 1000});
    hf_payload_put (&payload, hf_pack_list (&commands));
    hf_span_t open = hf_span (hf_pack_bytes (&payload), hf_pack_size (&payload));
    const uint32_t types[] = {0, HF_ENTRY_OPEN_TERM, HF_ENTRY_ROSTER, 4, 77, UINT32_MAX};
    for (size_t i = 0; i < sizeof (types) / sizeof (*types); i++) {
        feed_apply_entry (feed, types[i], open);
        assert_int_equal (hf_state_sessions_count (feed->state), 0);
        assert_int_equal (hf_state_roster (feed->state).size, 0);
    }
    feed_apply_entry (feed, HF_ENTRY_COMMANDS, open);
    assert_int_equal (hf_state_sessions_count (feed->state), 1);
    hf_pack_done (&commands);
    hf_pack_done (&payload);
}

HF_TEST_MAIN (NULL, NULL)
