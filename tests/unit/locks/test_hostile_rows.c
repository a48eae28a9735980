//  Rows that contradict each other: refused, or a state that table_check_loaded takes. Rows with
//  any byte changed: fuzz_state_rows.
#include "tests/unit/locks/check.h"
#include "tests/unit/locks/play.h"
#include "tests/unit/locks/table.h"

static bool
s_try (const table_t *table)
{
    hf_state_t *state = table_load (table, false);
    if (state)
        table_check_loaded (state);
    return state != NULL;
}

HF_TEST (a_row_twice_is_refused_and_one_less_is_refused_or_sound)
{
    play_t play = play_at_random (3);
    for (int i = 0; i < 80; i++)
        play_entry (&play);
    table_t table = {.count = 0};
    table_fill (&table, play.feed->state);
    for (size_t i = 0; i < table.count; i++) {
        table_row_t row = table.list[i];
        table_t twice = table;
        twice.list = calloc (table.count + 1, sizeof (row));
        memcpy (twice.list, table.list, table.count * sizeof (row));
        twice.list[twice.count++] = row;
        assert_false (s_try (&twice));
        //  Without it.
        twice.list[i] = twice.list[table.count - 1];
        twice.count = table.count - 1;
        bool taken = s_try (&twice);
        if (row.key[0] == 'm')
            assert_false (taken);
        free (twice.list);
    }
    table_done (&table);
    play_done (&play);
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

/*  The rows of STATE with that of KEY replaced by VALUE, which is freed. */
static bool
s_with (const hf_state_t *state, const void *key, size_t key_size, hf_pack_t *value)
{
    table_t table = {.count = 0};
    table_fill (&table, state);
    table_put (&table, hf_span (key, key_size),
               hf_span (hf_pack_bytes (value), hf_pack_size (value)));
    bool taken = s_try (&table);
    hf_pack_done (value);
    table_done (&table);
    return taken;
}

/*  The value of a claim's row: SESSION, TOKEN, INDEX, and a place at each of the LOCKS, whose names
 *  are of one byte each: EXCLUSIVE, or with UNITS and LIMIT. */
typedef struct claim_row {
    uint8_t born;
    uint64_t session, token, index;
    const char *locks;
    uint32_t units, limit;
    bool upgrade;
    uint64_t acts_for, replaces;
    const char *note;
} claim_row_t;

static bool
s_with_claim (const hf_state_t *state, claim_row_t row)
{
    hf_pack_t value;
    hf_pack_init (&value);
    hf_put_array (&value, 8);
    hf_put_u64 (&value, row.session);
    hf_put_u64 (&value, row.token);
    hf_put_u64 (&value, row.index);
    hf_put_u64 (&value, row.replaces);
    hf_put_array (&value, (uint32_t)strlen (row.locks));
    for (const char *lock = row.locks; *lock; lock++) {
        hf_put_array (&value, row.units > 0 ? 3 : 1);
        hf_put_str (&value, hf_span (lock, 1));
        if (row.units == 0)
            continue;
        hf_put_u32 (&value, row.units);
        hf_put_u32 (&value, row.limit);
    }
    hf_put_flag (&value, row.upgrade);
    hf_put_u64 (&value, row.acts_for);
    hf_put_str (&value, hf_span (row.note, row.note ? strlen (row.note) : 0));
    const uint8_t key[9] = {'p', [8] = row.born};
    return s_with (state, key, sizeof (key), &value);
}

HF_TEST (contradicting_claims_are_refused)
{
    table_t table = {.count = 0};
    feed_t *feed = s_small (&table);
    const hf_state_t *sound = feed->state;
#define WITH(b, s, t, i, l, ...)                                                                   \
    s_with_claim (                                                                                 \
        sound,                                                                                     \
        (claim_row_t){.born = b, .session = s, .token = t, .index = i, .locks = l, __VA_ARGS__})
    //  Commands: 1 and 2 the sessions, 3 to 5 the claims, 6 and 7 the appends; tokens 1 and 2.
    assert_true (WITH (4, 2, 0, 4, "a"));  //  as it is
    assert_false (WITH (4, 2, 2, 4, "a")); //  a second holder
    assert_false (WITH (4, 2, 1, 4, "a")); //  with the token of the first
    assert_false (WITH (3, 1, 0, 3, "a")); //  waiters alone
    assert_false (WITH (5, 2, 0, 5, "b")); //  a waiter at a lock without holder
    assert_false (WITH (5, 2, 1, 5, "b")); //  the token of another hold
    assert_false (WITH (5, 2, 3, 5, "b")); //  a token never given
    assert_false (WITH (5, 2, 2, 8, "b")); //  by a command to come
    assert_false (WITH (5, 2, 2, 4, "b")); //  granted before it was asked for
    assert_false (WITH (0, 2, 0, 0, "c"));
    assert_false (WITH (4, 2, 0, 5, "a")); //  a waiter that was granted
    assert_false (WITH (6, 3, 2, 6, "c")); //  of no session
    assert_false (WITH (6, 2, 0, 6, "b")); //  a second claim of one session at a lock
    assert_false (WITH (6, 2, 2, 6, "\n"));
    assert_false (WITH (6, 2, 2, 6, ""));
    assert_false (WITH (4, 2, 0, 4, "aa"));                        //  a lock twice
    assert_false (WITH (3, 1, 2, 3, "a"));                         //  pieces without a hold
    assert_true (WITH (4, 2, 0, 4, "a", .units = 1, .limit = 1));  //  SHARED behind EXCLUSIVE
    assert_false (WITH (4, 2, 0, 4, "a", .units = 2, .limit = 1)); //  more units than the limit
    assert_false (WITH (4, 2, 2, 4, "a", .units = 1));             //  SHARED beside EXCLUSIVE
    assert_false (WITH (4, 2, 0, 4, "a", .upgrade = true));        //  an upgrade of nothing
    assert_false (WITH (6, 1, 0, 6, "a", .upgrade = true));        //  of an EXCLUSIVE hold
    assert_true (WITH (5, 2, 2, 5, "b", .units = 7, .limit = 9));
    assert_true (WITH (5, 2, 2, 5, "bc"));  //  a set
    assert_false (WITH (5, 2, 2, 5, "ba")); //  and one whose second lock is held
    assert_true (WITH (4, 2, 0, 4, "a", .note = "for people", .acts_for = 1));
    assert_false (WITH (4, 2, 0, 4, "a", .note = "a\nb"));
    assert_true (WITH (5, 2, 2, 5, "b", .replaces = 1));
    assert_false (WITH (5, 2, 2, 5, "b", .replaces = 2)); //  itself
    assert_false (WITH (4, 2, 0, 4, "a", .replaces = 1)); //  a wait
    assert_false (WITH (4, 2, 0, 4, "a", .acts_for = 2)); //  for itself
    assert_false (WITH (4, 2, 0, 4, "a", .acts_for = 3)); //  for nobody
    char many[66] = "";
    for (size_t i = 0; i < sizeof (many) - 1; i++)
        many[i] = (char)('0' + i);
    assert_false (WITH (5, 2, 2, 5, many)); //  65 locks
    many[64] = 0;
    assert_false (WITH (5, 2, 2, 5, many)); //  64, and among them a, which is held
#undef WITH
    table_done (&table);
    feed_destroy (&feed);
}

static bool
s_with_piece (const hf_state_t *state, uint32_t file, uint32_t offset, const char *name,
              uint32_t size)
{
    static uint8_t data[20000];
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
    return s_with (state, key, sizeof (key), &value);
}

HF_TEST (gaps_between_pieces_are_refused)
{
    table_t table = {.count = 0};
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
