//  What can be read: rows in order, page by page, and places.
#include "tests/unit/locks/check.h"

//  ---- lock rows --------------------------------------------------------------------

#define NAMES 500

static void
s_name (int number, char *name)
{
    //  Names of several lengths, prefixes of each other, with bytes above 0x7f.
    const char *tail[] = {"", "/", "/ä", "a", "-"};
    sprintf (name, "%d%s", number % 100, tail[number / 100]);
}

static int
s_order (const void *a, const void *b)
{
    return strcmp (a, b); //  strcmp compares as unsigned bytes, too
}

static feed_t *
s_feed_of_names (char (*names)[16])
{
    feed_t *feed = feed_new (true);
    feed_open (feed, 1, 5000);
    feed_open (feed, 2, 5000);
    feed_start (feed, 1);
    for (int i = 0; i < NAMES; i++) {
        s_name (i, names[i]);
        feed_acquire (feed, names[i], true);
    }
    feed_apply (feed);
    qsort (names, NAMES, sizeof (names[0]), s_order);
    return feed;
}

HF_TEST (lock_rows_come_in_the_order_of_bytes_page_by_page)
{
    char names[NAMES][16];
    feed_t *feed = s_feed_of_names (names);
    const uint32_t limits[] = {1, 2, 7, 100, 499, 500, 501, UINT32_MAX};
    for (size_t i = 0; i < sizeof (limits) / sizeof (*limits); i++) {
        char after[16] = "";
        int at = 0;
        bool more = true;
        while (more) {
            hf_pack_t rows;
            hf_pack_init (&rows);
            more = hf_state_lock_rows (feed->state, hf_span_text (after), limits[i], NULL, &rows);
            hf_scan_t scan = hf_scan_list (hf_pack_list (&rows));
            assert_true (rows.count > 0 && rows.count / 2 <= limits[i]);
            for (uint32_t row = 0; row < rows.count; row += 2) {
                hf_lock_row_t lock;
                hf_holder_row_t hold;
                assert_true (hf_lock_row_get (&scan, &lock) && hf_holder_row_get (&scan, &hold));
                assert_true (hf_span_equal (lock.lock, hf_span_text (names[at])));
                assert_int_equal (lock.holders, 1);
                assert_int_equal (hold.session, 1);
                memcpy (after, names[at++], sizeof (after));
            }
            assert_true (hf_scan_at_end (&scan));
            assert_int_equal (more, at < NAMES);
            hf_pack_done (&rows);
        }
        assert_int_equal (at, NAMES);
    }
    feed_destroy (&feed);
}

HF_TEST (lock_rows_of_nothing)
{
    char names[NAMES][16];
    feed_t *feed = s_feed_of_names (names);
    hf_pack_t rows;
    hf_pack_init (&rows);
    assert_true (hf_state_lock_rows (feed->state, hf_span_text (""), 0, NULL, &rows));
    assert_false (
        hf_state_lock_rows (feed->state, hf_span_text (names[NAMES - 1]), 5, NULL, &rows));
    assert_false (
        hf_state_lock_rows (feed->state, hf_span_text (names[NAMES - 1]), 0, NULL, &rows));
    feed_do_close (feed, 1);
    assert_false (hf_state_lock_rows (feed->state, hf_span_text (""), 5, NULL, &rows));
    assert_int_equal (rows.count, 0);
    hf_pack_done (&rows);
    feed_destroy (&feed);
}

/*  Sessions 1 (the holder) to COUNT at one lock. */
static feed_t *
s_feed_of_waiters (uint64_t count)
{
    feed_t *feed = feed_new (true);
    for (uint64_t i = 1; i <= count; i++) {
        feed_open (feed, i, 5000);
        feed_do_acquire (feed, i, "a", true);
    }
    feed_do_append (feed, 1, "a", 1, "f", "12345");
    return feed;
}

FEED_TEST (one_lock_in_detail_page_by_page, s_feed_of_waiters (12))
{
    hf_pack_t rows;
    hf_pack_init (&rows);
    bool more = false;
    for (uint64_t seen = 0; seen < 12;) {
        hf_pack_reset (&rows);
        assert_true (hf_state_lock_detail (feed->state, hf_span_text ("a"), seen > 0 ? seen + 1 : 0,
                                           4, &rows, &more)); //  0 is the first place, as 1 is
        hf_scan_t scan = hf_scan_list (hf_pack_list (&rows));
        hf_lock_row_t lock;
        assert_true (hf_lock_row_get (&scan, &lock));
        assert_int_equal (lock.holders, 1);
        assert_int_equal (lock.waiters, 11);
        if (seen == 0) {
            hf_holder_row_t hold;
            assert_true (hf_holder_row_get (&scan, &hold));
            assert_int_equal (hold.session, 1);
            assert_int_equal (hold.token, 1);
            assert_int_equal (hold.mode, HF_MODE_EXCLUSIVE);
            assert_int_equal (hold.staged, 5);
            seen++;
        }
        for (; !hf_scan_at_end (&scan); seen++) {
            hf_waiter_row_t waiter;
            assert_true (hf_waiter_row_get (&scan, &waiter));
            assert_int_equal (waiter.position, seen);
            assert_int_equal (waiter.session, seen + 1);
            assert_int_equal (waiter.mode, HF_MODE_EXCLUSIVE);
        }
        assert_int_equal (more, seen < 12);
    }
    hf_pack_reset (&rows);
    assert_true (hf_state_lock_detail (feed->state, hf_span_text ("a"), 99, 4, &rows, &more));
    assert_int_equal (rows.count, 1);
    assert_false (more);
    assert_true (hf_state_lock_detail (feed->state, hf_span_text ("a"), 1, 0, &rows, &more));
    assert_true (more);
    assert_false (hf_state_lock_detail (feed->state, hf_span_text ("b"), 1, 4, &rows, &more));
    assert_false (more);
    hf_pack_done (&rows);
}

FEED_TEST (a_session_sees_what_it_holds_and_waits_for, s_feed_of_waiters (4))
{
    hf_answer_t hold = feed_do_acquire (feed, 4, "mine", true);
    hf_pack_t held, queued;
    hf_pack_init (&held);
    hf_pack_init (&queued);
    assert_true (hf_state_session_places (feed->state, 4, &held, &queued));
    assert_int_equal (held.count, 1);
    assert_int_equal (queued.count, 1);
    hf_scan_t scan = hf_scan_list (hf_pack_list (&held));
    hf_granted_t granted;
    assert_true (hf_granted_get (&scan, &granted));
    assert_true (hf_span_equal (granted.lock, hf_span_text ("mine")));
    assert_int_equal (granted.token, hold.token);
    assert_int_equal (granted.index, hold.index);
    scan = hf_scan_list (hf_pack_list (&queued));
    hf_moved_t moved;
    assert_true (hf_moved_get (&scan, &moved));
    assert_true (hf_span_equal (moved.lock, hf_span_text ("a")));
    assert_int_equal (moved.position, 3);
    assert_false (hf_state_session_places (feed->state, 77, &held, &queued));
    hf_pack_done (&held);
    hf_pack_done (&queued);
}

HF_TEST_MAIN (NULL, NULL)
