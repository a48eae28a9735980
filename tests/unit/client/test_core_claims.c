//  Several locks at once, shared locks, and changes of mode, as the client's core sees them.

#include "base/hf_mutant.h"
#include "tests/unit/client/stage.h"

int hf_mutant = HF_MUTANT_none;

static void
s_claim (const hf_want_t *wants, size_t count, uint64_t limit_ms)
{
    hf_op_t *op;
    assert_int_equal (hf_op_claim (g_stage.session, wants, count, NULL, 0, g_stage.now_us, &op),
                      HF_OK);
    op->limit_us = limit_ms == HF_FOREVER ? HF_NEVER : g_stage.now_us + limit_ms * 1000;
    stage_submit (op);
}

/*  SHARED with UNITS of any number; 0: EXCLUSIVE. */
static void
s_want (const char *lock, uint32_t units, uint64_t limit_ms)
{
    hf_want_t want = {.lock = lock, .mode = units > 0 ? HF_MODE_SHARED : HF_MODE_EXCLUSIVE};
    want.units = units;
    s_claim (&want, 1, limit_ms);
}

static void
s_hold_shared (const char *lock, uint64_t token)
{
    s_want (lock, 1, HF_FOREVER);
    stage_answer (stage_requests ()->request[0].seq, HF_OK, token * 10, token, 0);
    stage_expect (HF_OK, token);
}

static void
s_granted (const char *lock, uint64_t token, uint64_t index, uint64_t waiters, uint64_t replaces)
{
    hf_pack_t item, frame;
    hf_pack_init (&item);
    hf_pack_init (&frame);
    hf_granted_put (&item, &(hf_granted_t){hf_span_text (lock), token, index, waiters, replaces});
    node_items (&frame, g_stage.id, &item);
    stage_pack (1, &frame);
}

//  ---- the cluster goes on from an older state ----------------------------------------------

/*  ALIVE to the last KEEPALIVE lists a hold of LOCK. */
static void
s_list_hold (const char *lock, uint64_t token)
{
    hf_pack_t held, frame;
    hf_pack_init (&held);
    hf_pack_init (&frame);
    hf_granted_put (&held, &(hf_granted_t){hf_span_text (lock), token, 10 * token, 0, 0});
    hf_alive_one (&frame, g_stage.keepalive.echo,
                  &(hf_kept_t){.session = g_stage.id, .held = hf_pack_list (&held)}, 0);
    stage_pack (1, &frame);
    hf_pack_done (&held);
}

/*  It goes back, once; then the lock can be had as any other. */
STAGE_TEST (test_a_hold_that_nobody_knows_of_goes_back, 1, 10000)
{
    stage_run_ms (4000);
    s_list_hold ("a", 7);
    const got_t *got = stage_requests ();
    assert_int_equal (got->count, 1);
    assert_int_equal (got->request[0].kind, HF_KIND_CANCEL);
    assert_int_equal (got->request[0].release.token, 7);
    uint64_t seq = got->request[0].seq;
    s_list_hold ("a", 7);
    stage_requests_none ();
    stage_acquire ("a", true, HF_FOREVER);
    stage_requests_none (); //  it waits for that
    stage_answer (seq, HF_OK, 80, 0, 0);
    stage_answer (stage_requests ()->request[0].seq, HF_OK, 90, 9, 0);
    stage_expect (HF_OK, 9);
    s_list_hold ("a", 9);
    stage_requests_none ();
    stage_quiet ();
}

/*  It was said late, and is over: nothing is lost by it. */
STAGE_TEST (test_what_was_released_meanwhile_is_not_lost, 1, 10000)
{
    stage_run_ms (4000);
    s_list_hold ("a", 7);
    stage_answer (stage_requests ()->request[0].seq, HF_NOT_HOLDER, 0, 0, 0);
    stage_quiet ();
    stage_hold ("a", 9);
    stage_quiet ();
}

STAGE_TEST (test_the_mutant_that_keeps_strange_holds_is_seen, 1, 10000)
{
    stage_run_ms (4000);
    hf_mutant = HF_MUTANT_strange_hold_kept;
    s_list_hold ("a", 7);
    stage_requests_none ();
    hf_mutant = HF_MUTANT_none;
}

//  ---- upgrades -------------------------------------------------------------------------

/*  A SHARED hold of token 5 waits to become EXCLUSIVE; gives the seq. */
static uint64_t
s_upgrade (uint64_t limit_ms)
{
    s_hold_shared ("a", 5);
    s_want ("a", 0, limit_ms);
    uint64_t seq = stage_requests ()->request[0].seq;
    stage_answer (seq, HF_QUEUED, 60, 5, 1);
    stage_event (HF_SESSION_MOVED, 0, 1);
    return seq;
}

STAGE_TEST (test_an_upgrade_replaces_the_hold, 1, 10000)
{
    s_upgrade (HF_FOREVER);
    stage_quiet (); //  the hold is not lost
    s_granted ("a", 9, 70, 0, 5);
    stage_expect (HF_OK, 9);
    stage_quiet ();
    stage_end (HF_OP_RELEASE, "a", 9);
    assert_int_equal (stage_requests ()->request[0].release.token, 9);
}

STAGE_TEST (test_a_hold_that_was_lost_is_not_upgraded, 1, 10000)
{
    s_upgrade (HF_FOREVER);
    s_granted ("a", 9, 70, 0, 8); //  another hold than that of token 5
    stage_event (HF_SESSION_LOST, 5, 0);
    stage_expect (HF_OK, 9);
}

STAGE_TEST (test_the_mutant_that_loses_upgrades_is_seen, 1, 10000)
{
    s_hold_shared ("a", 5);
    hf_mutant = HF_MUTANT_upgrade_is_loss;
    s_want ("a", 0, HF_FOREVER);
    stage_answer (stage_requests ()->request[0].seq, HF_QUEUED, 60, 5, 1);
    stage_event (HF_SESSION_LOST, 5, 0);
    hf_mutant = HF_MUTANT_none;
}

/*  It is given up: what is held is asked for as it is. */
STAGE_TEST (test_an_upgrade_whose_limit_has_passed_is_withdrawn, 1, 10000)
{
    s_upgrade (500);
    stage_run_ms (600);
    stage_expect (HF_TIMEOUT, 0);
    const got_t *got = stage_requests ();
    assert_int_equal (got->count, 1);
    assert_int_equal (got->request[0].acquire.mode, HF_MODE_SHARED);
    stage_answer (got->request[0].seq, HF_OK, 50, 5, 0);
    stage_quiet ();
    stage_end (HF_OP_RELEASE, "a", 5);
    assert_int_equal (stage_requests ()->request[0].release.token, 5);
}

/*  The grant crossed with that: the user goes on with the token that it knows. */
STAGE_TEST (test_a_token_that_was_replaced_unseen_is_good, 1, 10000)
{
    s_upgrade (500);
    stage_run_ms (600);
    stage_expect (HF_TIMEOUT, 0);
    stage_answer (stage_requests ()->request[0].seq, HF_OK, 70, 9, 5);
    stage_quiet ();
    stage_append ("a", 5, "x", 1);
    const got_t *got = stage_requests ();
    assert_int_equal (got->request[0].append.token, 9);
    stage_answer (got->request[0].seq, HF_OK, 80, 0, 0);
    stage_expect (HF_OK, 0);
    stage_end (HF_OP_RELEASE, "a", 5);
    got = stage_requests ();
    assert_int_equal (got->request[0].release.token, 9);
    stage_answer (got->request[0].seq, HF_OK, 81, 0, 0);
    stage_expect (HF_OK, 0);
    stage_quiet ();
}

/*  An upgrade is given up before it is answered, and is granted all the same: the hold is not lost,
 *  and ends with the token that its user has. */
STAGE_TEST (test_a_grant_of_what_was_given_up_is_the_same_hold, 1, 10000)
{
    s_hold_shared ("a", 5);
    s_want ("a", 0, 500);
    uint64_t seq = stage_requests ()->request[0].seq;
    stage_run_ms (600);
    stage_expect (HF_TIMEOUT, 0);
    s_granted ("a", 9, 70, 0, 5);
    stage_answer (seq, HF_QUEUED, 60, 5, 1); //  the answer is older
    stage_quiet ();
    stage_end (HF_OP_RELEASE, "a", 5);
    const got_t *got = stage_requests ();
    assert_int_equal (got->request[got->count - 1].kind, HF_KIND_RELEASE);
    assert_int_equal (got->request[got->count - 1].release.token, 9);
    stage_answer (got->request[got->count - 1].seq, HF_OK, 81, 0, 0);
    stage_expect (HF_OK, 0);
    stage_quiet ();
}

/*  Two upgrades are given up, and granted all the same, the second while the release is out. */
static void
s_replaced_twice (void)
{
    s_upgrade (500);
    stage_run_ms (600);
    stage_expect (HF_TIMEOUT, 0);
    stage_answer (stage_requests ()->request[0].seq, HF_OK, 70, 9, 5);
    s_want ("a", 0, 500);
    uint64_t seq = stage_requests ()->request[0].seq;
    stage_answer (seq, HF_QUEUED, 75, 9, 1);
    stage_event (HF_SESSION_MOVED, 0, 1);
    stage_run_ms (600);
    stage_expect (HF_TIMEOUT, 0);
    const got_t *got = stage_requests ();
    uint64_t back = got->request[0].seq;
    stage_answer (back, HF_QUEUED, 76, 9, 1);
    stage_end (HF_OP_RELEASE, "a", 5);
    got = stage_requests ();
    seq = got->request[got->count - 1].seq;
    assert_int_equal (got->request[got->count - 1].release.token, 9);
    s_granted ("a", 12, 80, 0, 9);
    stage_answer (seq, HF_NOT_HOLDER, 81, 0, 0);
}

STAGE_TEST (test_a_token_that_was_replaced_twice_unseen_is_good, 1, 10000)
{
    s_replaced_twice ();
    const got_t *got = stage_requests ();
    assert_int_equal (got->request[got->count - 1].release.token, 12);
    stage_answer (got->request[got->count - 1].seq, HF_OK, 85, 0, 0);
    stage_expect (HF_OK, 0);
    stage_quiet ();
}

STAGE_TEST (test_the_mutant_that_loses_what_was_replaced_twice_is_seen, 1, 10000)
{
    hf_mutant = HF_MUTANT_replaced_twice_lost;
    s_replaced_twice ();
    stage_expect (HF_NOT_HOLDER, 0);
    hf_mutant = HF_MUTANT_none;
}

STAGE_TEST (test_the_mutant_that_keeps_upgrades_is_seen, 1, 10000)
{
    s_upgrade (500);
    hf_mutant = HF_MUTANT_upgrade_kept;
    stage_run_ms (600);
    stage_expect (HF_TIMEOUT, 0);
    stage_requests_none ();
    hf_mutant = HF_MUTANT_none;
}

//  ---- given up, and asked for otherwise --------------------------------------------------

/*  An acquire is given up while it is out; then the lock is asked for in another mode. Gives how
 *  many requests follow its answer. */
static uint32_t
s_asked_otherwise (int mutant)
{
    s_want ("a", 1, 500);
    uint64_t seq = stage_requests ()->request[0].seq;
    stage_run_ms (600);
    stage_expect (HF_TIMEOUT, 0);
    s_want ("a", 0, HF_FOREVER);
    stage_requests_none ();
    hf_mutant = mutant;
    stage_answer (seq, HF_QUEUED, 60, 0, 1);
    hf_mutant = HF_MUTANT_none;
    const got_t *got = stage_requests ();
    if (got->count == 2)
        assert_int_equal (got->request[0].kind, HF_KIND_ABANDON);
    assert_int_equal (got->request[got->count - 1].kind, HF_KIND_ACQUIRE);
    return got->count;
}

STAGE_TEST (test_a_place_in_another_mode_is_left_first, 1, 10000)
{
    assert_int_equal (s_asked_otherwise (HF_MUTANT_none), 2);
}

STAGE_TEST (test_the_mutant_that_keeps_such_places_is_seen, 1, 10000)
{
    assert_int_equal (s_asked_otherwise (HF_MUTANT_mixed_reused), 1);
}

/*  An acquire is given up while it is out, and its place is for one that asks for the same, which
 * is given up before it was ever sent: no leader was known. Gives how many requests follow. */
static uint32_t
s_left_by_two (int mutant)
{
    s_want ("a", 1, 500);
    uint64_t seq = stage_requests ()->request[0].seq;
    stage_run_ms (600);
    stage_expect (HF_TIMEOUT, 0);
    s_want ("a", 1, 1000);
    stage_requests_none ();
    g_stage.leader = 0;
    stage_refuse (1, HF_NOT_LEADER, 0, 0);
    stage_answer (seq, HF_QUEUED, 60, 0, 1);
    hf_mutant = mutant;
    stage_run_ms (1100);
    hf_mutant = HF_MUTANT_none;
    stage_expect (HF_TIMEOUT, 0);
    s_want ("a", 0, HF_FOREVER);
    stage_requests_none ();
    g_stage.leader = 1;
    stage_run_ms (1000);
    const got_t *got = stage_requests ();
    if (got->count == 2)
        assert_int_equal (got->request[0].kind, HF_KIND_ABANDON);
    assert_int_equal (got->request[got->count - 1].kind, HF_KIND_ACQUIRE);
    return got->count;
}

STAGE_TEST (test_a_place_that_two_gave_up_is_left, 1, 10000)
{
    assert_int_equal (s_left_by_two (HF_MUTANT_none), 2);
}

STAGE_TEST (test_the_mutant_that_leaves_such_places_is_seen, 1, 10000)
{
    assert_int_equal (s_left_by_two (HF_MUTANT_left_forgotten), 1);
}

//  ---- several locks ------------------------------------------------------------------------

static const hf_want_t s_set[] = {{"a", HF_MODE_EXCLUSIVE, 0, 0}, {"b", HF_MODE_SHARED, 2, 3}};

STAGE_TEST (test_a_set_is_one_request, 1, 10000)
{
    s_claim (s_set, 2, HF_FOREVER);
    const got_t *got = stage_requests ();
    assert_int_equal (got->count, 1);
    assert_int_equal (got->request[0].kind, HF_KIND_CLAIM);
    assert_int_equal (got->request[0].claim.places.count, 2);
    stage_answer (1, HF_OK, 50, 5, 0);
    stage_expect (HF_OK, 5);
    stage_end (HF_OP_RELEASE, "a", 5);
    assert_int_equal (stage_requests ()->request[0].release.token, 5);
}

/*  Neither does it overtake what concerns one of its locks, nor is it overtaken. */
static bool
s_overtakes (int mutant)
{
    stage_hold ("b", 4);
    hf_mutant = mutant;
    stage_end (HF_OP_RELEASE, "b", 4);
    stage_requests ();
    s_claim (s_set, 2, HF_FOREVER);
    stage_acquire ("c", true, HF_FOREVER);
    bool overtakes = g_stage.counts[1][HF_KIND_REQUESTS] > 2;
    hf_mutant = HF_MUTANT_none;
    return overtakes;
}

STAGE_TEST (test_a_set_keeps_its_order, 1, 10000)
{
    assert_false (s_overtakes (HF_MUTANT_none));
    stage_requests_none ();
    stage_answer (2, HF_OK, 50, 0, 0);
    stage_expect (HF_OK, 0);
    const got_t *got = stage_requests (); //  in one frame they keep their order
    assert_int_equal (got->count, 2);
    assert_int_equal (got->request[0].kind, HF_KIND_CLAIM);
}

STAGE_TEST (test_the_mutant_that_overtakes_is_seen, 1, 10000)
{
    assert_true (s_overtakes (HF_MUTANT_sets_overtake));
}

STAGE_TEST (test_sets_that_cannot_be, 1, 10000)
{
    hf_want_t many[65], bad[] = {{"a", HF_MODE_EXCLUSIVE, 1, 0},
                                 {"a", HF_MODE_SHARED, 0, 0},
                                 {"a", HF_MODE_SHARED, 4, 3},
                                 {"a", 2, 0, 0}};
    char names[65][4];
    hf_op_t *op = NULL;
    for (size_t i = 0; i < 65; i++) {
        snprintf (names[i], sizeof names[i], "%zu", i);
        many[i] = (hf_want_t){.lock = names[i]};
    }
#define CLAIM(wants, count, note)                                                                  \
    hf_op_claim (g_stage.session, wants, count, note, 0, g_stage.now_us, &op)
    for (size_t i = 0; i < 4; i++)
        assert_int_equal (CLAIM (&bad[i], 1, NULL), HF_INVALID);
    assert_int_equal (CLAIM (many, 0, NULL), HF_INVALID);
    assert_int_equal (CLAIM (many, 65, NULL), HF_INVALID);
    many[1].lock = "0";
    assert_int_equal (CLAIM (many, 2, NULL), HF_INVALID); //  a lock twice
    many[1].lock = "a\nb";
    assert_int_equal (CLAIM (many, 2, NULL), HF_BAD_NAME);
    assert_int_equal (CLAIM (many, 1, "a\nb"), HF_BAD_NOTE);
    assert_null (op);
#undef CLAIM
    stage_quiet ();
}

//  ---- who ended it ------------------------------------------------------------------

static void
s_taken (const char *lock, uint64_t token, const char *label)
{
    hf_pack_t items;
    hf_pack_init (&items);
    hf_taken_put (&items, &(hf_taken_t){.lock = hf_span_text (lock),
                                        .token = token,
                                        .index = 61,
                                        .by = 9,
                                        .label = hf_span_text (label),
                                        .dropped = true});
    stage_items (&items);
}

/*  The hold is over at once, and the event says who ended it; of another hold nothing is said. */
static bool
s_loses_one (int mutant)
{
    stage_hold ("a", 7);
    stage_hold ("b", 8);
    hf_mutant = mutant;
    s_taken ("b", 6, "an older hold");
    s_taken ("b", 8, "ann@host");
    s_taken ("b", 8, "again");
    hf_mutant = HF_MUTANT_none;
    hf_op_t *lost = stage_result ();
    bool right = lost->event.type == HF_SESSION_LOST && lost->event.token == 8;
    if (right)
        assert_string_equal (lost->event.text, "session 9 (ann@host) ended it, by command 61");
    free (lost->why);
    free (lost);
    return right;
}

STAGE_TEST (test_who_ended_a_hold_is_told, 1, 10000)
{
    assert_true (s_loses_one (HF_MUTANT_none));
    stage_quiet ();
    s_taken ("a", 7, "no\nlabel");
    hf_op_t *lost = stage_result ();
    assert_string_equal (lost->event.text, "session 9 ended it, by command 61");
    free (lost->why);
    free (lost);
}

STAGE_TEST (test_the_mutant_that_takes_any_hold_is_seen, 1, 10000)
{
    assert_false (s_loses_one (HF_MUTANT_taken_by_name));
}

//  ---- who wants it -------------------------------------------------------------------------

STAGE_TEST (test_a_holder_hears_that_others_wait, 1, 10000)
{
    stage_queue ("a", HF_FOREVER, 50);
    s_granted ("a", 7, 60, 3, 0);
    stage_expect (HF_OK, 7);
    stage_event (HF_SESSION_WANTED, 7, 3);
    s_granted ("a", 7, 60, 3, 0); //  again: nothing new
    stage_quiet ();
    s_granted ("a", 7, 60, 0, 0);
    stage_quiet ();
    s_granted ("a", 7, 60, 1, 0);
    stage_event (HF_SESSION_WANTED, 7, 1);
}

HF_TEST_MAIN (NULL, NULL)
