//  Notes on holds and waits: kept, changed, bounded.
#include "nodes/locks/hf_state_private.h"
#include "tests/unit/locks/check.h"

/*  SESSION claims LOCK with that note. */
static hf_status_t
s_claim (feed_t *feed, uint64_t session, const char *lock, const char *note)
{
    hf_place_t place = {.lock = hf_span_text (lock)};
    feed->note = note;
    feed_start (feed, session);
    feed_claim (feed, &place, 1, true);
    feed_apply (feed);
    return (hf_status_t)feed_answer (feed, 0)->status;
}

static hf_status_t
s_change (feed_t *feed, uint64_t session, const char *lock, uint64_t token, uint64_t owner,
          const char *note)
{
    feed_start (feed, session);
    feed_note (feed, lock, token, owner, note);
    feed_apply (feed);
    return (hf_status_t)feed_answer (feed, 0)->status;
}

/*  The notes at LOCK: of the holders by token, then of the waiters. */
static void
s_expect (const feed_t *feed, const char *lock, const char *expected)
{
    char text[HF_NOTE_MAX + 512] = "";
    size_t used = 0;
    bool more;
    hf_pack_t rows;
    hf_pack_init (&rows);
    assert_true (hf_state_lock_detail (feed->state, hf_span_text (lock), 1, 100, &rows, &more));
    hf_scan_t scan = hf_scan_list (hf_pack_list (&rows));
    hf_lock_row_t head;
    assert_true (hf_lock_row_get (&scan, &head));
    while (!hf_scan_at_end (&scan)) {
        hf_holder_row_t hold;
        hf_waiter_row_t wait;
        bool holds = hf_scan_kind (&scan) == HF_KIND_HOLDER_ROW;
        assert_true (holds ? hf_holder_row_get (&scan, &hold) : hf_waiter_row_get (&scan, &wait));
        hf_span_t note = holds ? hold.note : wait.note;
        used += (size_t)snprintf (text + used, sizeof text - used, "%s%.*s", used > 0 ? ", " : "",
                                  (int)note.size, note.at);
    }
    hf_pack_done (&rows);
    assert_string_equal (text, expected);
}

FEED_TEST (a_note_goes_with_its_claim, feed_with (3))
{
    assert_int_equal (s_claim (feed, 1, "a", "node 1, port 80"), HF_OK);
    assert_int_equal (s_claim (feed, 2, "a", "node 2"), HF_QUEUED);
    assert_int_equal (s_claim (feed, 3, "a", "node 3"), HF_QUEUED);
    s_expect (feed, "a", "node 1, port 80, node 2, node 3");
    assert_int_equal (s_claim (feed, 2, "a", "another"), HF_QUEUED); //  asked again: as it was
    feed_do_release (feed, 1, "a", 1);
    s_expect (feed, "a", "node 2, node 3");
}

FEED_TEST (a_note_is_changed, feed_with (3))
{
    s_claim (feed, 1, "a", "one");
    s_claim (feed, 2, "a", "two");
    assert_int_equal (s_change (feed, 1, "a", 1, 0, "eins"), HF_OK);
    assert_int_equal (s_change (feed, 2, "a", 0, 0, "zwei"), HF_OK); //  what it waits for
    s_expect (feed, "a", "eins, zwei");
    assert_int_equal (s_change (feed, 3, "a", 1, 1, "of another"), HF_OK);
    s_expect (feed, "a", "of another, zwei");
    assert_int_equal (s_change (feed, 3, "a", 0, 0, "x"), HF_NOT_HOLDER);
    assert_int_equal (s_change (feed, 3, "a", 0, 2, "x"), HF_NOT_HOLDER); //  a wait is its own
    assert_int_equal (s_change (feed, 1, "a", 2, 0, "x"), HF_NOT_HOLDER);
    assert_int_equal (s_change (feed, 1, "b", 1, 0, "x"), HF_NOT_HOLDER);
    assert_int_equal (s_change (feed, 1, "a", 1, 0, ""), HF_OK);
    s_expect (feed, "a", "zwei");
}

FEED_TEST (notes_that_cannot_be, feed_with (2))
{
    static char note[HF_NOTE_MAX + 2];
    memset (note, 'x', HF_NOTE_MAX + 1);
    const char *const bad[] = {"a\nb", "\xff", "\xc3", note};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal (s_claim (feed, 1, "a", bad[i]), HF_BAD_NOTE);
        assert_int_equal (hf_state_locks_count (feed->state), 0);
    }
    assert_int_equal (s_claim (feed, 1, "a", note + 1), HF_OK);
    assert_int_equal (s_change (feed, 1, "a", 1, 0, note), HF_BAD_NOTE);
    assert_int_equal (s_change (feed, 1, "a", 1, 0, "\t"), HF_BAD_NOTE);
    s_expect (feed, "a", note + 1);
}

/*  P12. What one session has in notes leaves room for others; it is given back. */
FEED_TEST (p12_notes_are_bounded, feed_with (2))
{
    static char note[HF_NOTE_MAX + 1];
    memset (note, 'x', HF_NOTE_MAX);
    char lock[16];
    for (uint32_t i = 0; i < HF_NOTES_PART_MAX / HF_NOTE_MAX; i++) {
        snprintf (lock, sizeof lock, "l%u", i);
        assert_int_equal (s_claim (feed, 1, lock, note), HF_OK);
    }
    assert_int_equal (s_claim (feed, 1, "a", "x"), HF_LIMIT);
    assert_int_equal (s_claim (feed, 1, "a", ""), HF_OK);
    assert_int_equal (s_claim (feed, 2, "b", note), HF_OK);
    assert_int_equal (feed->state->locks.note_bytes, HF_NOTES_PART_MAX + HF_NOTE_MAX);
    //  All together.
    uint64_t rest = HF_NOTES_TOTAL_MAX - feed->state->locks.note_bytes;
    feed->state->locks.note_bytes += rest;
    hf_span_t x = hf_span ("x", 1);
    hf_state_session_t *session = hf_sessions_find (&feed->state->sessions, 2);
    assert_int_equal (hf_locks_note_fits (&feed->state->locks, session, x), HF_LIMIT);
    feed->state->locks.note_bytes -= rest;
    feed_do_close (feed, 1);
    feed_do_close (feed, 2);
    assert_int_equal (feed->state->locks.note_bytes, 0);
}

HF_TEST_MAIN (NULL, NULL)
