//  Waits that would never end: found, named, and not seen where there are none (hf_rings.h).
#include "base/hf_mutant.h"
#include "nodes/locks/hf_rings.h"
#include "nodes/locks/hf_state_private.h"
#include "tests/unit/locks/check.h"

int hf_mutant = HF_MUTANT_none;

/*  Sessions 1 to COUNT that detect rings, each with a label: "one" and so on. */
static feed_t *
s_feed (uint64_t count)
{
    static const char *const labels[] = {"one", "two", "three", "four"};
    feed_t *feed = feed_new (true);
    feed->detect = true;
    for (uint64_t i = 0; i < count; i++) {
        feed->label = i < 4 ? labels[i] : NULL;
        feed_open (feed, 101 + i, 5000);
    }
    return feed;
}

/*  SESSION claims LOCK: SHARED with UNITS of LIMIT, or EXCLUSIVE without any. */
static hf_status_t
s_claim (feed_t *feed, uint64_t session, const char *lock, uint32_t units, uint32_t limit)
{
    hf_place_t place = {.lock = hf_span_text (lock),
                        .mode = units > 0 ? HF_MODE_SHARED : HF_MODE_EXCLUSIVE,
                        .units = units,
                        .limit = limit};
    feed_start (feed, session);
    feed_claim (feed, &place, 1, true);
    feed_apply (feed);
    return (hf_status_t)feed_answer (feed, 0)->status;
}

/*  On behalf of another session. */
static hf_status_t
s_claim_for (feed_t *feed, uint64_t session, uint64_t acts_for, const char *lock)
{
    feed->acts_for = acts_for;
    hf_status_t status = s_claim (feed, session, lock, 0, 0);
    feed->acts_for = 0;
    return status;
}

/*  What the last answer says, as "one holds a, waits for b; ..." with the labels. */
static void
s_expect_ring (const feed_t *feed, const char *expected)
{
    char text[512] = "";
    size_t used = 0;
    hf_ring_row_t row;
    const hf_outcome_t *answer = feed_outcome (feed, HF_OUT_ANSWER, 0);
    hf_scan_t scan = hf_scan_list (answer->ring);
    for (uint32_t i = 0; i < answer->ring.count; i++) {
        assert_true (hf_ring_row_get (&scan, &row));
        used +=
            (size_t)snprintf (text + used, sizeof text - used, "%s%.*s holds %.*s, waits for %.*s",
                              i > 0 ? "; " : "", (int)row.label.size, row.label.at,
                              (int)row.holds.size, row.holds.at, (int)row.waits.size, row.waits.at);
    }
    assert_string_equal (text, expected);
}

FEED_TEST (two_that_hold_what_the_other_wants, s_feed (2))
{
    assert_int_equal (s_claim (feed, 1, "a", 0, 0), HF_OK);
    assert_int_equal (s_claim (feed, 2, "b", 0, 0), HF_OK);
    assert_int_equal (s_claim (feed, 1, "b", 0, 0), HF_QUEUED);
    size_t rows = hf_state_locks_count (feed->state);
    assert_int_equal (s_claim (feed, 2, "a", 0, 0), HF_DEADLOCK);
    s_expect_ring (feed, "two holds b, waits for a; one holds a, waits for b");
    assert_int_equal (hf_state_locks_count (feed->state), rows);
    //  It was not queued; the other one gets its lock when this one gives up.
    assert_int_equal (feed_do_abandon (feed, 2, "a"), HF_OK);
    assert_int_equal (feed_count (feed, HF_OUT_GRANTED), 0);
    assert_int_equal (feed_do_release (feed, 2, "b", 2), HF_OK);
    assert_int_equal (feed_count (feed, HF_OUT_GRANTED), 1);
    assert_int_equal (s_claim (feed, 2, "a", 0, 0), HF_QUEUED);
}

FEED_TEST (three_in_a_ring, s_feed (3))
{
    static const char *const locks[] = {"a", "b", "c"};
    for (uint64_t i = 0; i < 3; i++)
        assert_int_equal (s_claim (feed, i + 1, locks[i], 0, 0), HF_OK);
    assert_int_equal (s_claim (feed, 1, "b", 0, 0), HF_QUEUED);
    assert_int_equal (s_claim (feed, 2, "c", 0, 0), HF_QUEUED);
    assert_int_equal (s_claim (feed, 3, "a", 0, 0), HF_DEADLOCK);
    s_expect_ring (feed, "three holds c, waits for a; one holds a, waits for b; "
                         "two holds b, waits for c");
}

/*  Nothing says that they keep what they hold while they wait. */
FEED_TEST (sessions_that_do_not_detect, feed_with (2))
{
    s_claim (feed, 1, "a", 0, 0);
    s_claim (feed, 2, "b", 0, 0);
    assert_int_equal (s_claim (feed, 1, "b", 0, 0), HF_QUEUED);
    assert_int_equal (s_claim (feed, 2, "a", 0, 0), HF_QUEUED);
}

/*  Of a ring all must wait in that way: here session 3 may still give up what it holds. */
FEED_TEST (one_that_does_not_detect_opens_the_ring, s_feed (2))
{
    feed->detect = false;
    feed_open (feed, 200, 5000);
    s_claim (feed, 1, "a", 0, 0);
    s_claim (feed, 3, "b", 0, 0);
    assert_int_equal (s_claim (feed, 3, "a", 0, 0), HF_QUEUED);
    assert_int_equal (s_claim (feed, 1, "b", 0, 0), HF_QUEUED);
}

/*  Sessions 1 and 2 hold; 3 and 4 wait for them, as a command that was started under a lock does.
 */
FEED_TEST (on_behalf_of_others, feed_with (4))
{
    assert_int_equal (s_claim (feed, 1, "a", 0, 0), HF_OK);
    assert_int_equal (s_claim (feed, 2, "b", 0, 0), HF_OK);
    assert_int_equal (s_claim_for (feed, 3, 1, "b"), HF_QUEUED);
    assert_int_equal (s_claim_for (feed, 4, 2, "a"), HF_DEADLOCK);
    s_expect_ring (feed, " holds b, waits for a;  holds a, waits for b");
    //  For itself it may wait; and for one that has ended, or never was.
    assert_int_equal (s_claim_for (feed, 4, 77, "a"), HF_QUEUED);
    assert_int_equal (feed_do_abandon (feed, 4, "a"), HF_OK);
    assert_int_equal (s_claim_for (feed, 4, 4, "a"), HF_QUEUED);
    assert_int_equal (feed_do_abandon (feed, 4, "a"), HF_OK);
    //  When session 1 has ended, nobody waits for it.
    feed_do_close (feed, 1);
    assert_int_equal (s_claim_for (feed, 4, 2, "a"), HF_OK);
}

/*  What a command needs that the one around it holds, it never gets. */
FEED_TEST (a_command_that_needs_what_the_outer_one_holds, feed_with (2))
{
    s_claim (feed, 1, "a", 0, 0);
    assert_int_equal (s_claim_for (feed, 2, 1, "a"), HF_DEADLOCK);
    s_expect_ring (feed, " holds a, waits for a");
}

/*  The claim of session 3 is before that of session 2 in the queue, and waits for session 1. */
FEED_TEST (a_ring_through_a_queue, s_feed (3))
{
    s_claim (feed, 1, "a", 0, 0);
    s_claim (feed, 2, "b", 0, 0);
    hf_place_t both[] = {{.lock = hf_span_text ("b")}, {.lock = hf_span_text ("c")}};
    feed_start (feed, 3);
    feed_claim (feed, both, 2, true);
    feed_apply (feed);
    assert_int_equal (feed_answer (feed, 0)->status, HF_QUEUED);
    //  Session 1 would wait behind session 3, which waits for session 2.
    assert_int_equal (s_claim (feed, 1, "c", 0, 0), HF_QUEUED);
    assert_int_equal (s_claim (feed, 2, "a", 0, 0), HF_DEADLOCK);
    s_expect_ring (feed, "two holds b, waits for a; one holds a, waits for c; "
                         "three holds , waits for b");
}

/*  Sessions 1 and 2 hold a semaphore, and 3 waits for it. Session 1 waits for what 3 holds, but 2
 *  may leave. */
static hf_status_t
s_wait_beside_a_semaphore (feed_t *feed, uint32_t units)
{
    s_claim (feed, 1, "pool", 2, 3);
    s_claim (feed, 2, "pool", 1, 3);
    s_claim (feed, 3, "b", 0, 0);
    assert_int_equal (s_claim (feed, 3, "pool", units, 3), HF_QUEUED);
    return s_claim (feed, 1, "b", 0, 0);
}

FEED_TEST (one_of_several_holders_may_leave, s_feed (3))
{
    assert_int_equal (s_wait_beside_a_semaphore (feed, 1), HF_QUEUED);
}

FEED_TEST (mutant_any_holder_waited_for, s_feed (3))
{
    hf_mutant = HF_MUTANT_any_holder_waited_for;
    assert_int_equal (s_wait_beside_a_semaphore (feed, 1), HF_DEADLOCK);
    hf_mutant = HF_MUTANT_none;
}

FEED_TEST (a_holder_of_too_many_units_is_waited_for, s_feed (3))
{
    assert_int_equal (s_wait_beside_a_semaphore (feed, 2), HF_DEADLOCK);
    s_expect_ring (feed, "one holds pool, waits for b; three holds b, waits for pool");
}

FEED_TEST (two_upgrades, s_feed (2))
{
    s_claim (feed, 1, "a", 1, 0);
    s_claim (feed, 2, "a", 1, 0);
    assert_int_equal (s_claim (feed, 1, "a", 0, 0), HF_QUEUED);
    assert_int_equal (s_claim (feed, 2, "a", 0, 0), HF_DEADLOCK);
    s_expect_ring (feed, "two holds a, waits for a; one holds a, waits for a");
}

/*  An upgrade that waits for a holder that waits for the upgrader. */
FEED_TEST (an_upgrade_in_a_ring, s_feed (2))
{
    s_claim (feed, 1, "a", 1, 0);
    s_claim (feed, 2, "a", 1, 0);
    s_claim (feed, 1, "b", 0, 0);
    assert_int_equal (s_claim (feed, 2, "b", 0, 0), HF_QUEUED);
    assert_int_equal (s_claim (feed, 1, "a", 0, 0), HF_DEADLOCK);
    s_expect_ring (feed, "one holds b, waits for a; two holds a, waits for b");
    //  Its hold is as it was.
    assert_int_equal (s_claim (feed, 1, "a", 1, 0), HF_OK);
}

/*  A repeated request gets the same status. */
FEED_TEST (the_answer_is_kept, s_feed (2))
{
    s_claim (feed, 1, "a", 0, 0);
    s_claim (feed, 2, "b", 0, 0);
    s_claim (feed, 1, "b", 0, 0);
    uint64_t seq = feed_seq (feed, 2);
    assert_int_equal (s_claim (feed, 2, "a", 0, 0), HF_DEADLOCK);
    feed_start (feed, 2);
    feed->floor = 0;
    feed_again (feed, seq);
    feed_acquire (feed, "a", true);
    feed_apply (feed);
    assert_int_equal (feed_answer (feed, 0)->status, HF_DEADLOCK);
}

/*  A chain of waits: each session holds a lock and waits for the next one's. */
static hf_status_t
s_close_ring_of (uint64_t count)
{
    char lock[32];
    feed_t *feed = feed_new (false);
    feed->detect = true;
    for (uint64_t i = 1; i <= count; i++) {
        feed_open (feed, i, 5000);
        snprintf (lock, sizeof lock, "%u", (unsigned)i);
        s_claim (feed, i, lock, 0, 0);
    }
    for (uint64_t i = 1; i < count; i++) {
        snprintf (lock, sizeof lock, "%u", (unsigned)i + 1);
        assert_int_equal (s_claim (feed, i, lock, 0, 0), HF_QUEUED);
    }
    hf_status_t status = s_claim (feed, count, "1", 0, 0);
    uint32_t named = feed_outcome (feed, HF_OUT_ANSWER, 0)->ring.count;
    assert_int_equal (named, status != HF_DEADLOCK ? 0 : count < HF_RING_MAX ? count : HF_RING_MAX);
    feed_destroy (&feed);
    return status;
}

/*  Beyond the bound a ring is not found; whoever waits can still give up. */
HF_TEST (rings_are_found_within_bounds)
{
    assert_int_equal (s_close_ring_of (HF_RING_MAX), HF_DEADLOCK);
    assert_int_equal (s_close_ring_of (HF_RINGS_CLAIMS_MAX - 2), HF_DEADLOCK);
    assert_int_equal (s_close_ring_of (HF_RINGS_CLAIMS_MAX + 2), HF_QUEUED);
}

/*  In a queue of many that detect, each that joins is looked at once. */
HF_TEST (a_long_queue_is_no_ring)
{
    feed_t *feed = feed_new (false);
    feed->detect = true;
    for (uint64_t i = 1; i <= 3000; i++) {
        feed_open (feed, i, 5000);
        assert_int_equal (s_claim (feed, i, "a", 0, 0), i == 1 ? HF_OK : HF_QUEUED);
    }
    feed_destroy (&feed);
}

FEED_TEST (labels_that_cannot_be, feed_new (true))
{
    static char long_label[HF_LABEL_MAX + 2];
    memset (long_label, 'x', HF_LABEL_MAX + 1);
    const char *const labels[] = {"a\tb", "\xff", long_label};
    for (size_t i = 0; i < 3; i++) {
        feed->label = labels[i];
        feed_cmd_open (feed, 300 + i, 5000);
        feed_apply (feed);
        assert_int_equal (feed_outcome (feed, HF_OUT_OPENED, 0)->status, HF_BAD_LABEL);
    }
    feed->label = long_label + 1;
    uint64_t session = feed_open (feed, 400, 5000);
    assert_int_equal (hf_state_session_label (feed->state, session).size, HF_LABEL_MAX);
    assert_int_equal (hf_state_session_label (feed->state, 99).size, 0);
}

HF_TEST_MAIN (NULL, NULL)
