/*  Sessions that belong to users: who opens one again, who acts for one, and that it is known after
 *  a restart. Each mutant spoils one test. */
#include "base/hf_mutant.h"
#include "tests/unit/locks/check.h"

int hf_mutant = HF_MUTANT_none;

static const hf_outcome_t *
s_open (feed_t *feed, const char *user, uint64_t nonce)
{
    feed->user = user;
    feed_cmd_open (feed, nonce, 5000);
    feed_apply (feed);
    return feed_outcome (feed, HF_OUT_OPENED, 0);
}

static void
s_owns (const hf_state_t *state, uint64_t session, const char *user)
{
    assert_true (hf_span_equal (hf_state_session_user (state, session), hf_span_text (user)));
}

FEED_TEST (a_session_belongs_to_who_opened_it, feed_new (true))
{
    feed->label = "her label";
    assert_int_equal (s_open (feed, "kim", 1)->session, 1);
    feed->label = NULL;
    assert_int_equal (s_open (feed, "lee", 2)->session, 2);
    assert_int_equal (s_open (feed, NULL, 3)->session, 3);
    s_owns (feed->state, 1, "kim");
    s_owns (feed->state, 2, "lee");
    s_owns (feed->state, 3, "");
    s_owns (feed->state, 4, "");
    assert_true (
        hf_span_equal (hf_state_session_label (feed->state, 1), hf_span_text ("her label")));
}

FEED_TEST (an_opening_is_repeated_by_its_user_alone, feed_new (true))
{
    s_open (feed, "kim", 1);
    assert_int_equal (s_open (feed, "kim", 1)->session, 1);
    assert_int_equal (s_open (feed, "lee", 1)->status, HF_DENIED);
    assert_int_equal (s_open (feed, "lee", 1)->session, 0);
    assert_int_equal (s_open (feed, NULL, 1)->status, HF_DENIED);
    //  It was opened at feature level 0: nobody's name was kept.
    assert_int_equal (s_open (feed, NULL, 2)->session, 2);
    assert_int_equal (s_open (feed, "lee", 2)->session, 2);
    hf_mutant = HF_MUTANT_opened_by_another;
    assert_int_equal (s_open (feed, "lee", 1)->session, 1);
    hf_mutant = HF_MUTANT_none;
}

FEED_TEST (a_name_that_no_user_can_have, feed_new (true))
{
    char name[HF_USER_MAX + 2];
    memset (name, 'x', sizeof name);
    name[HF_USER_MAX + 1] = 0;
    assert_int_equal (s_open (feed, name, 1)->status, HF_BAD_REQUEST);
    assert_int_equal (s_open (feed, "k m", 1)->status, HF_BAD_REQUEST);
    assert_int_equal (s_open (feed, name + 1, 1)->session, 1);
    //  As good as a CMD_OPEN.
    assert_int_equal (s_open (feed, "", 2)->session, 2);
    s_owns (feed->state, 2, "");
}

static hf_status_t
s_claim_for (feed_t *feed, uint64_t session, uint64_t acts_for)
{
    hf_place_t place = {.lock = hf_span_text ("L")};
    feed->acts_for = acts_for;
    feed_start (feed, session);
    feed_claim (feed, &place, 1, true);
    feed_apply (feed);
    feed->acts_for = 0;
    return (hf_status_t)feed_outcome (feed, HF_OUT_ANSWER, 0)->answer.status;
}

FEED_TEST (a_claim_acts_for_sessions_of_the_same_user, feed_new (true))
{
    for (uint64_t i = 1; i <= 3; i++)
        s_open (feed, i < 3 ? "kim" : "lee", i);
    s_open (feed, NULL, 4);
    assert_int_equal (s_claim_for (feed, 1, 3), HF_DENIED);
    assert_int_equal (s_claim_for (feed, 4, 3), HF_DENIED);
    assert_int_equal (hf_state_locks_count (feed->state), 0);
    assert_int_equal (s_claim_for (feed, 1, 2), HF_OK);
    assert_int_equal (s_claim_for (feed, 2, 4), HF_QUEUED); //  everybody's
    assert_int_equal (s_claim_for (feed, 3, 9), HF_QUEUED); //  there is none such
    hf_mutant = HF_MUTANT_acts_for_anybody;
    assert_int_equal (s_claim_for (feed, 4, 3), HF_QUEUED);
    hf_mutant = HF_MUTANT_none;
}

typedef struct copy {
    hf_state_t *state;
    hf_pack_t rows;
} copy_t;

/*  The state, read again from its rows. */
static copy_t
s_copy (const feed_t *feed)
{
    copy_t copy = {.state = hf_state_new ()};
    hf_pack_init (&copy.rows);
    hf_state_rows (feed->state, &copy.rows);
    hf_scan_t scan = hf_scan_list (hf_pack_list (&copy.rows));
    hf_state_row_t row;
    while (!hf_scan_at_end (&scan) && hf_state_row_get (&scan, &row))
        assert_true (hf_state_load (copy.state, row.key, row.value));
    assert_true (hf_state_loaded (copy.state));
    return copy;
}

static void
s_drop (copy_t *copy)
{
    hf_state_destroy (&copy->state);
    hf_pack_done (&copy->rows);
}

FEED_TEST (owners_are_known_after_a_restart, feed_new (true))
{
    s_open (feed, "kim", 1);
    s_open (feed, NULL, 2);
    feed->delay_ms = 5000;
    s_open (feed, "lee", 3);
    feed_do_acquire (feed, 3, "L", true);
    feed_cmd_expire (feed, 3, FEED_TERM);
    feed_apply (feed);
    copy_t copy = s_copy (feed);
    s_owns (copy.state, 1, "kim");
    s_owns (copy.state, 2, "");
    s_owns (copy.state, 3, "lee");
    s_drop (&copy);
    hf_mutant = HF_MUTANT_owner_lost;
    copy = s_copy (feed);
    hf_mutant = HF_MUTANT_none;
    s_owns (copy.state, 1, "");
    s_drop (&copy);
}

//  What the release before reads, as long as nobody has a name.
FEED_TEST (a_session_of_nobody_has_the_row_that_it_always_had, feed_new (true))
{
    s_open (feed, NULL, 1);
    s_open (feed, "kim", 2);
    copy_t copy = s_copy (feed);
    hf_scan_t scan = hf_scan_list (hf_pack_list (&copy.rows));
    hf_state_row_t row;
    uint32_t fields[2], count = 0;
    while (!hf_scan_at_end (&scan) && hf_state_row_get (&scan, &row)) {
        hf_scan_t value = hf_scan (row.value.at, row.value.size);
        if (row.key.at[0] == 's' && count < 2)
            fields[count++] = hf_scan_array (&value);
    }
    assert_int_equal (count, 2);
    assert_int_equal (fields[0], 9);
    assert_int_equal (fields[1], 10);
    s_drop (&copy);
}

HF_TEST_MAIN (NULL, NULL)
