//  A table of rows, and random commands (table.h).
#include "tests/unit/locks/table.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

//  ---- rows -------------------------------------------------------------------------

static void
s_row_done (table_row_t *row)
{
    free (row->key);
    free (row->value);
}

void
table_done (table_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        s_row_done (&self->rows[i]);
    free (self->rows);
    *self = (table_t){.rows = NULL};
}

static uint8_t *
s_copy (hf_span_t span)
{
    uint8_t *copy = malloc (span.size > 0 ? span.size : 1);
    assert (copy);
    if (span.size > 0)
        memcpy (copy, span.at, span.size);
    return copy;
}

/*  The place of the first row whose key is not below KEY. */
static size_t
s_seek (const table_t *self, hf_span_t key)
{
    size_t low = 0, high = self->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const table_row_t *row = &self->rows[middle];
        uint32_t common = row->key_size < key.size ? row->key_size : key.size;
        int order = memcmp (row->key, key.at, common);
        if (order < 0 || (order == 0 && row->key_size < key.size))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool
s_begins (const table_t *self, size_t at, hf_span_t key)
{
    return at < self->count && self->rows[at].key_size >= key.size &&
           memcmp (self->rows[at].key, key.at, key.size) == 0;
}

void
table_put (table_t *self, hf_span_t key, hf_span_t value)
{
    size_t at = s_seek (self, key);
    if (s_begins (self, at, key) && self->rows[at].key_size == key.size) {
        s_row_done (&self->rows[at]);
    } else {
        if (self->count == self->room) {
            self->room = 2 * self->room + 16;
            self->rows = realloc (self->rows, self->room * sizeof (*self->rows));
            assert (self->rows);
        }
        memmove (self->rows + at + 1, self->rows + at, (self->count++ - at) * sizeof (*self->rows));
    }
    self->rows[at] = (table_row_t){.key = s_copy (key),
                                   .value = s_copy (value),
                                   .key_size = key.size,
                                   .value_size = value.size};
}

static void
s_remove (table_t *self, size_t at)
{
    s_row_done (&self->rows[at]);
    memmove (self->rows + at, self->rows + at + 1, (--self->count - at) * sizeof (*self->rows));
}

void
table_change (table_t *self, const hf_pack_t *changes)
{
    hf_scan_t scan = hf_scan_list (hf_pack_list (changes));
    while (!hf_scan_at_end (&scan)) {
        hf_state_change_t change;
        bool sound = hf_state_change_get (&scan, &change);
        assert (sound && change.key.size + change.value.size <= HF_STATE_ROW_MAX);
        if (!change.gone) {
            table_put (self, change.key, change.value);
            continue;
        }
        //  A tombstone names rows that were flushed.
        size_t at = s_seek (self, change.key), before = self->count;
        while (s_begins (self, at, change.key) &&
               (change.prefix || self->rows[at].key_size == change.key.size))
            s_remove (self, at);
        assert (self->count < before && (change.prefix || self->count == before - 1));
    }
}

void
table_fill (table_t *self, const hf_state_t *state)
{
    hf_pack_t rows;
    hf_pack_init (&rows);
    hf_state_rows (state, &rows);
    hf_scan_t scan = hf_scan_list (hf_pack_list (&rows));
    uint32_t count = 0;
    for (; !hf_scan_at_end (&scan); count++) {
        hf_state_row_t row;
        bool sound = hf_state_row_get (&scan, &row);
        assert (sound && row.key.size + row.value.size <= HF_STATE_ROW_MAX);
        table_put (self, row.key, row.value);
    }
    assert (count == rows.count && count == self->count);
    hf_pack_done (&rows);
}

bool
table_equal (const table_t *a, const table_t *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const table_row_t *left = &a->rows[i], *right = &b->rows[i];
        if (!hf_span_equal (hf_span (left->key, left->key_size),
                            hf_span (right->key, right->key_size)) ||
            !hf_span_equal (hf_span (left->value, left->value_size),
                            hf_span (right->value, right->value_size)))
            return false;
    }
    return true;
}

hf_state_t *
table_load (const table_t *self, bool backwards)
{
    hf_state_t *state = hf_state_new ();
    bool sound = true;
    for (size_t i = 0; i < self->count && sound; i++) {
        const table_row_t *row = &self->rows[backwards ? self->count - 1 - i : i];
        sound = hf_state_load (state, hf_span (row->key, row->key_size),
                               hf_span (row->value, row->value_size));
    }
    if (!sound || !hf_state_loaded (state))
        hf_state_destroy (&state);
    return state;
}

//  ---- commands -----------------------------------------------------------------------

static void
s_request (feed_t *feed, hf_random_t *random)
{
    static const char *const locks[] = {"a", "b", "c", "lock/\xc3\xa9", "e", "bad\n"};
    static const char *const files[] = {"f", "g", "h", "a/b", "", "i", "j"};
    static uint8_t data[60000];
    const char *lock = locks[hf_random_below (random, 6)];
    uint64_t dice = hf_random_below (random, 100), token = 0;
    uint64_t owner = feed_holder (feed, lock, &token);
    if (dice < 40)
        feed_acquire (feed, lock, dice < 38);
    else if (dice < 52)
        feed_release (feed, lock, token, owner);
    else if (dice < 55)
        feed_cancel (feed, lock, token, owner);
    else if (dice < 65)
        feed_abandon (feed, lock);
    else {
        //  Mostly small; sometimes over several pieces, or just to the end of one.
        static const uint32_t sizes[] = {0, 1, 7, 100, 16384, 16383, 40000, 32768};
        uint32_t size = sizes[hf_random_below (random, dice < 95 ? 4 : 8)];
        data[0]++;
        feed_append (feed, lock, token, owner, files[hf_random_below (random, 7)],
                     hf_span (data, size));
    }
}

static void
s_requests (feed_t *feed, hf_random_t *random, uint64_t session, unsigned behind)
{
    feed_start (feed, session);
    uint64_t next = feed_seq (feed, session);
    if (hf_random_below (random, 100) < behind)
        feed->floor = 0;
    if (next > 1 && hf_random_below (random, 10) == 0)
        feed_again (feed, 1 + hf_random_below (random, next));
    for (uint64_t left = 1 + hf_random_below (random, 4); left > 0; left--)
        s_request (feed, random);
}

/*  A roster, now and then; sometimes of a form that is not taken. */
static void
s_roster (feed_t *feed, hf_random_t *random)
{
    hf_roster_t roster = {.count = (uint32_t)hf_random_below (random, HF_MEMBERS_MAX + 1),
                          .joins = (uint32_t)hf_random_below (random, 4)};
    hf_pack_t payload;
    hf_pack_init (&payload);
    for (uint32_t i = 0; i < roster.count; i++)
        roster.members[i] = (hf_member_t){i + 1, hf_random_below (random, 5)};
    hf_roster_put (&payload, &roster);
    feed_apply_entry (feed, HF_ENTRY_ROSTER,
                      hf_span (hf_pack_bytes (&payload), hf_pack_size (&payload)));
    hf_pack_done (&payload);
}

void
table_step (feed_t *feed, hf_random_t *random, unsigned behind)
{
    for (uint64_t left = 1 + hf_random_below (random, 3); left > 0; left--) {
        uint64_t dice = hf_random_below (random, 100);
        uint64_t last = 0,
                 after = hf_random_below (random, 4) == 0 ? 0 : hf_random_below (random, 60);
        uint32_t ttl_ms = 0;
        uint64_t count = hf_state_sessions_count (feed->state);
        if (!hf_state_next_session (feed->state, after, &last, &ttl_ms))
            hf_state_next_session (feed->state, 0, &last, &ttl_ms);
        for (uint64_t skip = hf_random_below (random, count + 1); skip > 0; skip--)
            hf_state_next_session (feed->state, last, &last, &ttl_ms);
        if (last == 0 || (dice < 12 && count < 12))
            feed_cmd_open (feed, 1 + hf_random_below (random, 30), 1000);
        else if (dice < 15)
            feed_cmd_close (feed, last);
        else if (dice < 18)
            feed_cmd_expire (feed, last, FEED_TERM);
        else
            s_requests (feed, random, last, behind);
    }
    feed_apply (feed);
    if (hf_random_below (random, 20) == 0)
        s_roster (feed, random);
}
