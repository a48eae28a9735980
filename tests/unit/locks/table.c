//  A table of rows (table.h).
#include "tests/unit/locks/table.h"
#include "tests/unit/locks/feed.h"
#include <assert.h>

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
        s_row_done (&self->list[i]);
    hf_array_free (self);
}

static uint8_t *
s_copy (hf_span_t span)
{
    uint8_t *copy = hf_alloc (span.size > 0 ? span.size : 1);
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
        const table_row_t *row = &self->list[middle];
        if (hf_span_compare (hf_span (row->key, row->key_size), key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool
s_begins (const table_t *self, size_t at, hf_span_t key)
{
    return at < self->count && self->list[at].key_size >= key.size &&
           memcmp (self->list[at].key, key.at, key.size) == 0;
}

void
table_put (table_t *self, hf_span_t key, hf_span_t value)
{
    size_t at = s_seek (self, key);
    if (s_begins (self, at, key) && self->list[at].key_size == key.size) {
        s_row_done (&self->list[at]);
    } else {
        hf_array_add (self);
        memmove (self->list + at + 1, self->list + at,
                 (self->count - 1 - at) * sizeof (*self->list));
    }
    self->list[at] = (table_row_t){.key = s_copy (key),
                                   .value = s_copy (value),
                                   .key_size = key.size,
                                   .value_size = value.size};
}

static void
s_remove (table_t *self, size_t at)
{
    s_row_done (&self->list[at]);
    memmove (self->list + at, self->list + at + 1, (--self->count - at) * sizeof (*self->list));
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
               (change.prefix || self->list[at].key_size == change.key.size))
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
        const table_row_t *left = &a->list[i], *right = &b->list[i];
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
        const table_row_t *row = &self->list[backwards ? self->count - 1 - i : i];
        sound = hf_state_load (state, hf_span (row->key, row->key_size),
                               hf_span (row->value, row->value_size));
    }
    if (!sound || !hf_state_loaded (state))
        hf_state_destroy (&state);
    return state;
}

void
table_check_loaded (hf_state_t *state)
{
    table_t rows = {.count = 0}, again = {.count = 0};
    hf_state_check (state);
    assert (hf_state_changed_rows (state) == 0);
    table_fill (&rows, state);
    feed_t *feed = feed_over (state, table_load (&rows, true));
    assert (feed->twin);
    hf_state_check (feed->twin);
    table_fill (&again, feed->twin);
    assert (table_equal (&rows, &again));
    uint64_t session = 0;
    uint32_t ttl_ms;
    while (hf_state_next_session (state, session, &session, &ttl_ms)) {
        uint32_t delay_ms;
        if (hf_state_session_gone (state, session, &delay_ms))
            feed_cmd_expire (feed, session, feed->term);
        else
            feed_cmd_close (feed, session);
        feed_apply (feed);
    }
    assert (hf_state_locks_count (state) == 0 && hf_state_staged_bytes (state) == 0);
    table_done (&rows);
    table_done (&again);
    feed_destroy (&feed);
}
