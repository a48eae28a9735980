//  Rows that nobody wrote: each is refused, or gives a state that keeps its invariants and can be
//  written again. Never a crash.
#include "tests/unit/locks/check.h"
#include "tests/unit/locks/table.h"

static size_t s_refused, s_taken;

/*  Load it; when it is taken it must be sound, go on, and come back from its own rows. */
static bool
s_try (const table_t *table)
{
    hf_state_t *state = table_load (table, false);
    if (!state) {
        s_refused++;
        return false;
    }
    s_taken++;
    hf_state_check (state);
    table_t again = {.rows = NULL};
    table_fill (&again, state);
    hf_state_t *twin = table_load (&again, true);
    assert_non_null (twin);
    hf_state_check (twin);
    table_done (&again);
    hf_outcomes_t out;
    hf_outcomes_init (&out);
    uint64_t session = 0;
    uint32_t ttl_ms = 0;
    while (hf_state_next_session (state, session, &session, &ttl_ms)) {
        hf_pack_t commands, payload;
        hf_pack_init (&commands);
        hf_pack_init (&payload);
        hf_cmd_close_t close = {.session = session};
        hf_cmd_close_put (&commands, &close);
        hf_payload_put (&payload, hf_pack_list (&commands));
        hf_span_t span = hf_span (hf_pack_bytes (&payload), hf_pack_size (&payload));
        hf_state_apply (state, hf_state_applied_index (state) + 1,
                        &(hf_entry_t){1, HF_ENTRY_COMMANDS, span}, &out);
        hf_state_apply (twin, hf_state_applied_index (twin) + 1,
                        &(hf_entry_t){1, HF_ENTRY_COMMANDS, span}, &out);
        assert_int_equal (hf_state_hash (state), hf_state_hash (twin));
        hf_state_check (state);
        hf_outcomes_reset (&out);
        hf_pack_done (&commands);
        hf_pack_done (&payload);
    }
    assert_int_equal (hf_state_locks_count (state), 0);
    assert_int_equal (hf_state_staged_bytes (state), 0);
    hf_outcomes_done (&out);
    hf_state_destroy (&state);
    hf_state_destroy (&twin);
    return true;
}

static feed_t *
s_busy (uint64_t seed, int steps)
{
    feed_t *feed = feed_new (false);
    hf_random_t random = {.state = seed};
    for (int i = 0; i < steps; i++)
        table_step (feed, &random, 60);
    return feed;
}

HF_TEST (changed_bytes_are_refused_or_sound)
{
    hf_random_t random = {.state = 77};
    for (uint64_t seed = 1; seed <= 12; seed++) {
        feed_t *feed = s_busy (seed, 40 + 10 * (int)seed);
        for (int i = 0; i < 250; i++) {
            table_t table = {.rows = NULL};
            table_fill (&table, feed->state);
            for (uint64_t left = 1 + hf_random_below (&random, 2); left > 0; left--) {
                table_row_t *row = &table.rows[hf_random_below (&random, table.count)];
                uint64_t how = hf_random_below (&random, 5);
                if (how == 0)
                    row->key[hf_random_below (&random, row->key_size)] ^=
                        (uint8_t)(1U << hf_random_below (&random, 8));
                else if (how == 1)
                    row->key_size = (uint32_t)hf_random_below (&random, row->key_size + 1);
                else if (how == 2)
                    row->value_size = (uint32_t)hf_random_below (&random, row->value_size + 1);
                else if (row->value_size > 0)
                    row->value[hf_random_below (&random,
                                                row->value_size < 60 ? row->value_size : 60)] ^=
                        (uint8_t)(1U << hf_random_below (&random, 8));
            }
            s_try (&table);
            table_done (&table);
        }
        feed_destroy (&feed);
    }
    assert_true (s_refused > 500 && s_taken > 100);
}

HF_TEST (a_row_twice_is_refused_and_one_less_is_refused_or_sound)
{
    feed_t *feed = s_busy (3, 80);
    table_t table = {.rows = NULL};
    table_fill (&table, feed->state);
    for (size_t i = 0; i < table.count; i++) {
        table_row_t row = table.rows[i];
        table_t twice = table;
        twice.rows = calloc (table.count + 1, sizeof (row));
        memcpy (twice.rows, table.rows, table.count * sizeof (row));
        twice.rows[twice.count++] = row;
        assert_false (s_try (&twice));
        //  Without it.
        twice.rows[i] = twice.rows[table.count - 1];
        twice.count = table.count - 1;
        bool taken = s_try (&twice);
        if (row.key[0] == 'm')
            assert_false (taken);
        free (twice.rows);
    }
    table_done (&table);
    feed_destroy (&feed);
}

//  ---- one contradiction each -----------------------------------------------------------

static feed_t *
s_small (table_t *table)
{
    static uint8_t data[40000];
    feed_t *feed = feed_new (false);
    feed_open (feed, 1, 10000);
    feed_open (feed, 2, 10000);
    uint64_t token = feed_do_acquire (feed, 1, "a", true).token;
    feed_do_acquire (feed, 2, "a", true);
    feed_do_acquire (feed, 2, "b", true);
    feed_start (feed, 1);
    feed_append (feed, "a", token, 0, "f", hf_span (data, sizeof (data)));
    feed_append (feed, "a", token, 0, "g", hf_span (data, 10));
    feed_apply (feed);
    table_fill (table, feed->state);
    assert_int_equal (table->count, 4 + 1 + 3 + 2);
    return feed;
}

/*  With the row of KEY in place of what is there: numbers packed as an array. */
static bool
s_with (const hf_state_t *state, const char *key, size_t key_size, const uint64_t *fields,
        uint32_t count)
{
    table_t table = {.rows = NULL};
    table_fill (&table, state);
    hf_pack_t value;
    hf_pack_init (&value);
    hf_put_array (&value, count);
    for (uint32_t i = 0; i < count; i++)
        hf_put_u64 (&value, fields[i]);
    table_put (&table, hf_span (key, key_size),
               hf_span (hf_pack_bytes (&value), hf_pack_size (&value)));
    bool taken = s_try (&table);
    hf_pack_done (&value);
    table_done (&table);
    return taken;
}

HF_TEST (contradicting_places_are_refused)
{
    table_t table = {.rows = NULL};
    feed_t *feed = s_small (&table);
    const hf_state_t *sound = feed->state;
#define PLACE(session, lock) "p\0\0\0\0\0\0\0" session lock, 10
#define WITH(key, ...)       s_with (sound, key, (const uint64_t[]){__VA_ARGS__}, 4)
    //  Commands: 1 and 2 the sessions, 3 to 5 the places, 6 and 7 the appends; tokens 1 and 2.
    assert_true (WITH (PLACE ("\2", "a"), 0, 4, 4, 0));  //  as it is
    assert_false (WITH (PLACE ("\2", "a"), 2, 4, 4, 0)); //  a second holder
    assert_false (WITH (PLACE ("\2", "a"), 1, 4, 4, 0)); //  with the token of the first
    assert_false (WITH (PLACE ("\2", "a"), 2, 5, 2, 0)); //  who asked before the first
    assert_false (WITH (PLACE ("\1", "a"), 0, 3, 3, 0)); //  waiters alone
    assert_false (WITH (PLACE ("\2", "b"), 0, 5, 5, 0)); //  a waiter for what nobody holds
    assert_false (WITH (PLACE ("\2", "b"), 1, 5, 5, 0)); //  the token of another hold
    assert_false (WITH (PLACE ("\2", "b"), 3, 5, 5, 0)); //  a token never given
    assert_false (WITH (PLACE ("\2", "b"), 2, 8, 5, 0)); //  by a command to come
    assert_false (WITH (PLACE ("\2", "b"), 2, 5, 6, 0)); //  granted before it was asked for
    assert_false (WITH (PLACE ("\2", "b"), 2, 5, 4, 0)); //  two by one command
    assert_false (WITH (PLACE ("\2", "b"), 2, 5, 0, 0));
    assert_false (WITH (PLACE ("\2", "b"), 2, 5, 5, 1)); //  a mode that is not known
    assert_false (WITH (PLACE ("\2", "a"), 0, 5, 4, 0)); //  a waiter that was granted
    assert_false (WITH (PLACE ("\3", "c"), 2, 6, 6, 0)); //  of no session
    assert_false (WITH (PLACE ("\2", "\n"), 2, 6, 6, 0));
    assert_false (WITH (PLACE ("\1", "a"), 2, 3, 3, 0)); //  pieces without a hold
    assert_false (s_with (sound, PLACE ("\2", "a"), (const uint64_t[]){0, 4, 4}, 3));
    assert_false (s_with (sound, PLACE ("\2", "a"), (const uint64_t[]){0, 4, 4, 0, 0}, 5));
#undef WITH
#undef PLACE
    table_done (&table);
    feed_destroy (&feed);
}

static bool
s_with_piece (const hf_state_t *state, uint32_t file, uint32_t offset, const char *name,
              uint32_t size)
{
    static uint8_t data[20000];
    table_t table = {.rows = NULL};
    table_fill (&table, state);
    const uint8_t key[17] = {'c',
                             [8] = 1,
                             [11] = (uint8_t)(file >> 8),
                             [12] = (uint8_t)file,
                             [15] = (uint8_t)(offset >> 8),
                             [16] = (uint8_t)offset};
    hf_pack_t value;
    hf_pack_init (&value);
    hf_put_array (&value, 2);
    hf_put_str (&value, hf_span_text (name));
    hf_put_bin (&value, hf_span (data, size));
    table_put (&table, hf_span (key, sizeof (key)),
               hf_span (hf_pack_bytes (&value), hf_pack_size (&value)));
    bool taken = s_try (&table);
    hf_pack_done (&value);
    table_done (&table);
    return taken;
}

HF_TEST (gaps_between_pieces_are_refused)
{
    table_t table = {.rows = NULL};
    feed_t *feed = s_small (&table);
    assert_true (s_with_piece (feed->state, 1, 0, "g", 10));
    assert_true (s_with_piece (feed->state, 2, 0, "h", 0));
    assert_true (s_with_piece (feed->state, 0, 32768, "", 1));
    assert_false (s_with_piece (feed->state, 3, 0, "h", 1));         //  a file left out
    assert_false (s_with_piece (feed->state, 2, 0, "f", 1));         //  a name twice
    assert_false (s_with_piece (feed->state, 2, 0, "", 1));          //  no name
    assert_false (s_with_piece (feed->state, 0, 0, "f", 16383));     //  a hole behind it
    assert_false (s_with_piece (feed->state, 0, 0, "f", 16385));     //  more than a piece
    assert_false (s_with_piece (feed->state, 0, 16384, "f", 16384)); //  named again
    assert_false (s_with_piece (feed->state, 0, 32768, "", 0));      //  of nothing
    assert_false (s_with_piece (feed->state, 1, 10, "", 5)); //  behind one that is not whole
    assert_false (s_with_piece (feed->state, 2, 16384, "h", 5));
    table_done (&table);
    feed_destroy (&feed);
}

HF_TEST (bounds_come_first)
{
    static uint8_t bytes[HF_STATE_ROW_MAX + 1];
    hf_span_t one = hf_span ("s", 1);
    hf_state_t *self = hf_state_new ();
    assert_false (hf_state_load (self, hf_span (bytes, 0), one));
    assert_false (hf_state_load (self, hf_span (bytes, 265), one));
    assert_false (hf_state_load (self, one, hf_span (bytes, sizeof (bytes))));
    assert_true (hf_state_load (self, one, hf_span (bytes, sizeof (bytes) - 1)));
    assert_false (hf_state_loaded (self));
    hf_state_destroy (&self);
}

HF_TEST_MAIN (NULL, NULL)
