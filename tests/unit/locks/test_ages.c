//  How long a hold has held, when it is not known since when: as long as the state was there.
#include "nodes/locks/hf_state_private.h"
#include "tests/unit/locks/check.h"

int hf_mutant = HF_MUTANT_none;

static uint64_t
s_age_ms (const feed_t *feed, const char *lock)
{
    bool more;
    hf_pack_t rows;
    hf_lock_row_t head;
    hf_holder_row_t hold;
    hf_pack_init (&rows);
    assert_true (hf_state_lock_detail (feed->state, hf_span_text (lock), 1, 100, &rows, &more));
    hf_scan_t scan = hf_scan_list (hf_pack_list (&rows));
    assert_true (hf_lock_row_get (&scan, &head) && hf_holder_row_get (&scan, &hold));
    hf_pack_done (&rows);
    return hold.age_ms;
}

/*  Granted before the state was told a time, as what is loaded from rows is. */
FEED_TEST (what_was_there_is_as_old_as_the_state, feed_with (1))
{
    feed_do_acquire (feed, 1, "a", true);
    assert_int_equal (s_age_ms (feed, "a"), 0);
    hf_state_measure (feed->state, 100000000, true);
    assert_int_equal (s_age_ms (feed, "a"), 0);
    hf_state_measure (feed->state, 103000000, true);
    assert_int_equal (s_age_ms (feed, "a"), 3000);
    hf_mutant = HF_MUTANT_loaded_is_old;
    assert_int_equal (s_age_ms (feed, "a"), 103000);
    hf_mutant = HF_MUTANT_none;
}

HF_TEST_MAIN (NULL, NULL)
