/*  What cannot be asked for: one clear answer, and no claim, lock or session is made or changed.
 *  Labels and notes that cannot be: test_rings.c, test_notes.c; at the service: test_lock_watch.c.
 */
#include "tests/unit/locks/check.h"
#include "tests/unit/locks/table.h"

enum { NAMES = HF_SET_MAX + 1 };

static char s_names[NAMES][16];

static hf_place_t
s_place (const char *lock, uint32_t units, uint32_t limit)
{
    return (hf_place_t){.lock = hf_span_text (lock),
                        .mode = units > 0 ? HF_MODE_SHARED : HF_MODE_EXCLUSIVE,
                        .units = units,
                        .limit = limit};
}

/*  EXCLUSIVE places at "000", "001" and so on. */
static void
s_places (hf_place_t *places, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        snprintf (s_names[i], sizeof s_names[i], "%03u", (unsigned)i);
        places[i] = s_place (s_names[i], 0, 0);
    }
}

static hf_answer_t
s_claim (feed_t *feed, uint64_t session, const hf_place_t *places, size_t count, bool wait)
{
    feed_start (feed, session);
    feed_claim (feed, places, count, wait);
    feed_apply (feed);
    return *feed_answer (feed, 0);
}

static hf_answer_t
s_claim_one (feed_t *feed, uint64_t session, const char *lock, uint32_t units, uint32_t limit)
{
    hf_place_t place = s_place (lock, units, limit);
    return s_claim (feed, session, &place, 1, true);
}

/*  The rows of claims: all that is known of places. */
static table_t
s_claims (const feed_t *feed)
{
    table_t all = {.count = 0}, claims = {.count = 0};
    table_fill (&all, feed->state);
    for (size_t i = 0; i < all.count; i++) {
        const table_row_t *row = &all.list[i];
        if (row->key[0] == 'p')
            table_put (&claims, hf_span (row->key, row->key_size),
                       hf_span (row->value, row->value_size));
    }
    table_done (&all);
    return claims;
}

/*  It is refused with STATUS, which is all that happens; the same without waiting. */
static hf_answer_t
s_refused (feed_t *feed, uint64_t session, const hf_place_t *places, size_t count,
           hf_status_t status)
{
    table_t before = s_claims (feed);
    uint64_t happened = hf_state_happened (feed->state);
    size_t sessions = hf_state_sessions_count (feed->state);
    size_t locks = hf_state_locks_count (feed->state);
    hf_answer_t answer = {.status = HF_OK};
    for (int wait = 0; wait < 2; wait++) {
        answer = s_claim (feed, session, places, count, wait);
        assert_int_equal (answer.status, status);
        assert_int_equal (answer.token, 0);
        assert_int_equal (feed->out.count, 1);
        table_t after = s_claims (feed);
        assert_true (table_equal (&before, &after));
        table_done (&after);
    }
    assert_int_equal (hf_state_happened (feed->state), happened);
    assert_int_equal (hf_state_sessions_count (feed->state), sessions);
    assert_int_equal (hf_state_locks_count (feed->state), locks);
    table_done (&before);
    return answer;
}

static hf_answer_t
s_refused_one (feed_t *feed, uint64_t session, hf_place_t place, hf_status_t status)
{
    return s_refused (feed, session, &place, 1, status);
}

FEED_TEST (units_and_modes_that_cannot_be, feed_with (2))
{
    hf_place_t shared = {.lock = hf_span_text ("a"), .mode = HF_MODE_SHARED};
    hf_place_t exclusive = s_place ("a", 0, 0), third = s_place ("a", 1, 0);
    //  On a lock that is free, and beside a holder.
    for (int held = 0; held < 2; held++) {
        shared.limit = 0;
        s_refused_one (feed, 1, shared, HF_BAD_REQUEST); //  no units
        shared.limit = 3;
        s_refused_one (feed, 1, shared, HF_BAD_REQUEST);
        s_refused_one (feed, 1, s_place ("a", 4, 3), HF_BAD_REQUEST); //  never granted
        s_refused_one (feed, 1, s_place ("a", UINT32_MAX, UINT32_MAX - 1), HF_BAD_REQUEST);
        exclusive.units = 1;
        exclusive.limit = 0;
        s_refused_one (feed, 1, exclusive, HF_BAD_REQUEST);
        exclusive.units = 0;
        exclusive.limit = 1;
        s_refused_one (feed, 1, exclusive, HF_BAD_REQUEST);
        third.mode = 2;
        s_refused_one (feed, 1, third, HF_BAD_REQUEST);
        third.mode = UINT32_MAX;
        s_refused_one (feed, 1, third, HF_BAD_REQUEST);
        assert_int_equal (s_claim_one (feed, 2, "a", 3, 3).status, HF_OK); //  all of them
    }
}

/*  Units that a number of 32 bits cannot hold are counted all the same. */
FEED_TEST (units_without_a_limit_do_not_overflow, feed_with (3))
{
    assert_int_equal (s_claim_one (feed, 1, "a", UINT32_MAX, 0).status, HF_OK);
    assert_int_equal (s_claim_one (feed, 2, "a", UINT32_MAX, 0).status, HF_OK);
    assert_int_equal (s_claim_one (feed, 1, "b", UINT32_MAX, UINT32_MAX).status, HF_OK);
    assert_int_equal (s_claim_one (feed, 2, "b", 1, UINT32_MAX).status, HF_QUEUED);
}

FEED_TEST (another_limit_is_told_the_one_in_use, feed_with (3))
{
    s_claim_one (feed, 1, "a", 1, 3);
    assert_int_equal (s_refused_one (feed, 2, s_place ("a", 1, 4), HF_CONFLICT).position, 3);
    assert_int_equal (s_refused_one (feed, 2, s_place ("a", 1, 0), HF_CONFLICT).position, 3);
    hf_place_t set[] = {s_place ("b", 0, 0), s_place ("a", 1, 4)};
    assert_int_equal (s_refused (feed, 2, set, 2, HF_CONFLICT).position, 3);
    //  Also when only a waiter uses it.
    s_claim_one (feed, 1, "c", 0, 0);
    assert_int_equal (s_claim_one (feed, 2, "c", 1, 7).status, HF_QUEUED);
    assert_int_equal (s_refused_one (feed, 3, s_place ("c", 1, 8), HF_CONFLICT).position, 7);
}

FEED_TEST (sets_that_cannot_be, feed_with (2))
{
    hf_place_t places[NAMES];
    s_places (places, NAMES);
    s_refused (feed, 1, places, 0, HF_BAD_REQUEST);
    s_refused (feed, 1, places, NAMES, HF_BAD_REQUEST); //  65
    places[1].lock = places[0].lock;
    s_refused (feed, 1, places, 2, HF_BAD_REQUEST); //  one twice
    places[1].mode = HF_MODE_SHARED;                //  in whatever mode
    places[1].units = 1;
    s_refused (feed, 1, places, 2, HF_BAD_REQUEST);
    s_places (places, NAMES);
    places[HF_SET_MAX - 1].lock = places[0].lock; //  the first and the last of many
    s_refused (feed, 1, places, HF_SET_MAX, HF_BAD_REQUEST);
    //  One of them cannot be: none is made.
    places[HF_SET_MAX - 1].lock = hf_span_text ("a\x01z");
    s_refused (feed, 1, places, HF_SET_MAX, HF_BAD_NAME);
    places[HF_SET_MAX - 1] = s_place ("no units", 2, 1);
    s_refused (feed, 1, places, HF_SET_MAX, HF_BAD_REQUEST);
    s_places (places, NAMES);
    hf_answer_t answer = s_claim (feed, 1, places, HF_SET_MAX, true);
    assert_int_equal (answer.status, HF_OK);
    assert_int_equal (hf_state_locks_count (feed->state), HF_SET_MAX);
    assert_int_equal (feed_do_release (feed, 1, "063", answer.token), HF_OK);
    assert_int_equal (hf_state_locks_count (feed->state), 0);
}

/*  A place that one set cannot list is as if the frame had been cut. */
FEED_TEST (a_place_that_cannot_be_read, feed_with (2))
{
    hf_pack_t list, request;
    hf_pack_init (&list);
    hf_pack_init (&request);
    hf_place_t place = s_place ("a", 0, 0);
    hf_place_put (&list, &place);
    hf_note_put (&list, &(hf_note_t){.lock = hf_span_text ("no place")});
    feed_start (feed, 1);
    hf_claim_put (
        &request,
        &(hf_claim_t){.seq = feed_seq (feed, 1), .places = hf_pack_list (&list), .wait = true});
    feed_raw (feed, &request);
    feed_apply (feed);
    assert_int_equal (feed_answer (feed, 0)->status, HF_MALFORMED);
    assert_int_equal (feed->out.count, 1);
    assert_int_equal (hf_state_locks_count (feed->state), 0);
    hf_pack_done (&list);
    hf_pack_done (&request);
}

/*  What the session has at one of the locks is another claim: as it holds, and as it waits. */
FEED_TEST (sets_that_have_what_they_ask_for, feed_with (2))
{
    hf_place_t ab[] = {s_place ("a", 0, 0), s_place ("b", 0, 0)};
    hf_place_t bc[] = {s_place ("b", 0, 0), s_place ("c", 0, 0)};
    hf_place_t abc[] = {ab[0], ab[1], bc[1]}, ba[] = {ab[1], ab[0]};
    hf_answer_t held = s_claim (feed, 1, ab, 2, true);
    assert_int_equal (s_claim (feed, 2, bc, 2, true).status, HF_QUEUED);
    for (uint64_t session = 1; session <= 2; session++) {
        s_refused (feed, session, session == 1 ? bc : ab, 2, HF_OVERLAP);
        s_refused (feed, session, abc, 3, HF_OVERLAP);
        s_refused_one (feed, session, s_place ("b", 0, 0), HF_OVERLAP);
        s_refused_one (feed, session, s_place ("b", 1, 0), HF_OVERLAP);
    }
    //  The same set is the same claim, in whatever order.
    hf_answer_t again = s_claim (feed, 1, ba, 2, true);
    assert_int_equal (again.status, HF_OK);
    assert_int_equal (again.token, held.token);
    assert_int_equal (s_claim (feed, 2, bc, 2, true).position, 1);
}

/*  Only a hold of one lock changes its mode, and only between EXCLUSIVE and SHARED. */
FEED_TEST (changes_of_mode_that_cannot_be, feed_with (3))
{
    s_claim_one (feed, 1, "a", 2, 3);
    assert_int_equal (s_claim_one (feed, 2, "a", 2, 3).status, HF_QUEUED);
    assert_int_equal (s_claim_one (feed, 3, "a", 0, 0).status, HF_QUEUED);
    s_refused_one (feed, 1, s_place ("a", 1, 3), HF_OVERLAP); //  other units
    s_refused_one (feed, 2, s_place ("a", 1, 3), HF_OVERLAP); //  of what it waits for
    s_refused_one (feed, 2, s_place ("a", 0, 0), HF_OVERLAP); //  it does not hold it
    s_refused_one (feed, 3, s_place ("a", 1, 3), HF_OVERLAP);
    s_refused_one (feed, 1, s_place ("a", 1, 4), HF_CONFLICT);
    //  One lock of a set.
    hf_place_t set[] = {s_place ("b", 1, 0), s_place ("c", 0, 0)};
    assert_int_equal (s_claim (feed, 1, set, 2, true).status, HF_OK);
    s_refused_one (feed, 1, s_place ("b", 0, 0), HF_OVERLAP);
    set[0] = s_place ("b", 0, 0);
    s_refused (feed, 1, set, 2, HF_OVERLAP);
}

/*  Neither a token nor a name of another hold releases, notes or appends anything. */
FEED_TEST (what_is_not_held, feed_with (2))
{
    hf_place_t set[] = {s_place ("a", 0, 0), s_place ("b", 1, 3)};
    uint64_t token = s_claim (feed, 1, set, 2, true).token;
    table_t before = s_claims (feed);
    feed_start (feed, 1);
    feed_release (feed, "c", token, 0);
    feed_release (feed, "a", token + 1, 0);
    feed_release (feed, "a", 0, 0);
    feed_cancel (feed, "b", token - 1, 0);
    feed_note (feed, "c", token, 0, "x");
    feed_note (feed, "c", 0, 0, "x");
    feed_append (feed, "c", token, 0, "f", hf_span_text ("x"));
    feed_append (feed, "b", 0, 0, "f", hf_span_text ("x"));
    feed_apply (feed);
    assert_int_equal (feed->out.count, 8);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal (feed_answer (feed, i)->status, HF_NOT_HOLDER);
    table_t after = s_claims (feed);
    assert_true (table_equal (&before, &after));
    table_done (&before);
    table_done (&after);
    //  Either name of the set releases both.
    assert_int_equal (feed_do_release (feed, 1, "b", token), HF_OK);
    assert_int_equal (hf_state_locks_count (feed->state), 0);
}

HF_TEST_MAIN (NULL, NULL)
