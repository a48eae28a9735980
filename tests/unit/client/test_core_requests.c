//  What the core sends and how it takes answers: order, repeats, batches, grants, limits.

#include "tests/unit/client/stage.h"

STAGE_TEST (test_unanswered_requests_are_repeated_with_the_same_bytes, 1, 10000)
{
    stage_acquire ("a", true, HF_FOREVER);
    const got_t *got = stage_requests ();
    uint64_t first = got->hash;
    assert_int_equal (got->floor, 1);
    assert_int_equal (stage_until_ms (5000), 1000);
    got = stage_requests ();
    assert_int_equal (got->hash, first);
    stage_answer (1, HF_OK, 5, 5, 0);
    //  The same answer again, and one to no request: they have no effect.
    stage_answer (1, HF_OK, 5, 5, 0);
    stage_answer (77, HF_OK, 5, 5, 0);
    stage_expect (HF_OK, 5);
    stage_quiet ();
    stage_hold ("b", 6);
}

STAGE_TEST (test_requests_for_one_lock_never_overtake_each_other, 1, 10000)
{
    stage_hold ("a", 7);
    stage_append ("a", 7, "1", 1);
    assert_int_equal (stage_requests ()->request[0].seq, 2);
    //  The frame with 1 is lost. What follows for this lock waits; another lock's does not.
    stage_append ("a", 7, "2", 1);
    stage_end (HF_OP_RELEASE, "a", 7);
    stage_acquire ("b", true, HF_FOREVER);
    const got_t *got = stage_requests ();
    assert_int_equal (got->count, 1);
    assert_string_equal (got->lock[0], "b");
    //  The repeat brings 1 again, and only its answer lets 2 and the release go, together.
    stage_until_ms (2000);
    got = stage_requests ();
    assert_int_equal (got->request[0].seq, 2);
    stage_answer (2, HF_OK, 80, 0, 0);
    stage_expect (HF_OK, 0);
    got = stage_requests ();
    assert_int_equal (got->floor, 3);
    assert_int_equal (got->count, 2);
    assert_int_equal (got->request[0].kind, HF_KIND_APPEND);
    assert_int_equal (got->request[1].kind, HF_KIND_RELEASE);
}

STAGE_TEST (test_seqs_stay_within_the_window, 1, 10000)
{
    enum { MANY = 5000 };
    for (int i = 0; i < MANY; i++) {
        char lock[16];
        hf_op_t *op;
        snprintf (lock, sizeof lock, "w%d", i);
        assert_int_equal (hf_op_acquire (g_stage.session, lock, g_stage.now_us, &op), HF_OK);
        hf_client_core_submit (g_stage.core, op, g_stage.now_us);
    }
    const got_t *got = stage_requests ();
    assert_int_equal (got->count, HF_WINDOW_MAX - 1);
    assert_int_equal (got->floor, 1);
    g_stage.node.autos |= NODE_REQUESTS;
    stage_run_ms (2000);
    for (int i = 0; i < MANY; i++)
        assert_int_equal (stage_status (), HF_OK);
    stage_quiet ();
}

STAGE_TEST (test_one_session_has_a_bound, 1, 10000)
{
    hf_op_t *op;
    enum { MOST = 100000 };
    static hf_op_t *ops[MOST];
    for (int i = 0; i < MOST; i++)
        assert_int_equal (hf_op_acquire (g_stage.session, "a", g_stage.now_us, &ops[i]), HF_OK);
    assert_int_equal (hf_op_acquire (g_stage.session, "a", g_stage.now_us, &op), HF_LIMIT);
    for (int i = 0; i < MOST; i++)
        hf_op_free (ops[i]);
    stage_hold ("a", 5);
}

STAGE_TEST (test_a_large_burst_is_split_into_frames_that_fit, 1, 10000)
{
    stage_hold ("a", 7);
    char *big = calloc (1, HF_DATA_MAX);
    for (int i = 0; i < 4; i++)
        stage_append ("a", 7, big, HF_DATA_MAX);
    free (big);
    for (uint64_t seq = 2; seq < 6; seq++) {
        assert_true (stage_requests ()->size <= HF_CLIENT_FRAME_MAX);
        stage_answer (seq, HF_OK, 100 + seq, 0, 0);
        stage_expect (HF_OK, 0);
    }
}

STAGE_TEST (test_errors_come_back_as_they_are, 1, 10000)
{
    stage_acquire ("a", false, HF_FOREVER);
    assert_false (stage_requests ()->request[0].acquire.wait);
    stage_answer (1, HF_NOT_GRANTED, 5, 0, 0);
    stage_expect (HF_NOT_GRANTED, 0);
    stage_append ("a", 99, "x", 1);
    stage_answer (2, HF_NOT_HOLDER, 6, 0, 0);
    stage_expect (HF_NOT_HOLDER, 0);
    stage_append ("a", 99, "x", 1);
    stage_answer (3, HF_STALE, 6, 0, 0); //  dropped: the outcome is unknown
    stage_expect (HF_UNDECIDED, 0);
    stage_end (HF_OP_RELEASE, "a", 99);
    stage_answer (4, HF_QUEUED, 6, 0, 1); //  not an answer to that
    stage_quiet ();
}

//  ---- grants -----------------------------------------------------------------

STAGE_TEST (test_a_push_grants_to_the_waiter, 1, 10000)
{
    stage_queue ("a", HF_FOREVER, 50);
    stage_moved ("a", 1);
    stage_event (HF_SESSION_MOVED, 0, 1);
    //  A grant of an earlier hold that comes late is not this one.
    stage_granted ("a", 3, 40);
    stage_granted ("unknown", 4, 60);
    stage_quiet ();
    stage_granted ("a", 9, 61);
    stage_granted ("a", 9, 61);
    stage_expect (HF_OK, 9);
    stage_quiet ();
}

STAGE_TEST (test_a_push_that_overtakes_its_answer_is_kept, 1, 10000)
{
    stage_acquire ("a", true, HF_FOREVER);
    stage_granted ("a", 9, 61);
    stage_quiet ();
    stage_answer (1, HF_QUEUED, 50, 0, 1);
    stage_event (HF_SESSION_MOVED, 0, 1);
    stage_expect (HF_OK, 9);
}

STAGE_TEST (test_every_acquire_of_a_lock_gets_the_same_grant, 1, 10000)
{
    stage_queue ("a", HF_FOREVER, 50);
    stage_queue ("a", HF_FOREVER, 51);
    stage_granted ("a", 9, 61);
    stage_expect (HF_OK, 9);
    stage_expect (HF_OK, 9);
    //  One of the two gives it back: the other still has it.
    stage_requests_none ();
    stage_end (HF_OP_GIVE_BACK, "a", 9);
    stage_requests_none ();
    stage_end (HF_OP_GIVE_BACK, "a", 9);
    assert_int_equal (stage_requests ()->request[0].kind, HF_KIND_ABANDON);
}

STAGE_TEST (test_an_answer_grants_to_those_that_wait_already, 1, 10000)
{
    stage_queue ("a", HF_FOREVER, 50);
    stage_acquire ("a", true, HF_FOREVER);
    uint64_t seq = stage_requests ()->request[0].seq;
    stage_answer (seq, HF_OK, 61, 9, 0); //  its push was lost
    stage_expect (HF_OK, 9);
    stage_expect (HF_OK, 9);
    //  An old push finds no waiter.
    stage_end (HF_OP_RELEASE, "a", 9);
    stage_answer (stage_requests ()->request[0].seq, HF_OK, 62, 0, 0);
    stage_expect (HF_OK, 0);
    stage_granted ("a", 9, 61);
    stage_quiet ();
}

/*  The answer says that the acquire waits, and comes after the grant of the place that it joined:
 * it asks again, and a late push of that grant is not taken for a new one. */
STAGE_TEST (test_an_answer_that_the_grant_overtook_is_asked_again, 1, 10000)
{
    stage_queue ("a", HF_FOREVER, 50);
    stage_acquire ("a", true, HF_FOREVER);
    uint64_t late = stage_requests ()->request[0].seq;
    stage_granted ("a", 9, 61);
    stage_expect (HF_OK, 9);
    stage_end (HF_OP_RELEASE, "a", 9);
    stage_answer (late, HF_QUEUED, 55, 0, 1);
    const got_t *got = stage_requests ();
    assert_int_equal (got->count, 2);
    assert_int_equal (got->request[0].kind, HF_KIND_ACQUIRE);
    assert_int_equal (got->request[1].kind, HF_KIND_RELEASE);
    uint64_t seq = got->request[0].seq;
    stage_answer (seq, HF_OK, 61, 9, 0);
    stage_expect (HF_OK, 9);
    stage_answer (seq + 1, HF_OK, 62, 0, 0);
    stage_expect (HF_OK, 0);
    stage_granted ("a", 9, 61);
    stage_quiet ();
}

/*  A session that waits, or is granted anew, holds no longer what it held: another session ended
 * it. Its own release is no loss. */
STAGE_TEST (test_a_later_answer_shows_that_a_hold_is_over, 1, 10000)
{
    stage_hold ("a", 9);
    stage_acquire ("a", true, HF_FOREVER);
    stage_answer (stage_requests ()->request[0].seq, HF_QUEUED, 200, 0, 0);
    stage_event (HF_SESSION_LOST, 9, 0);
    stage_granted ("a", 25, 250);
    stage_expect (HF_OK, 25);
    stage_acquire ("a", true, HF_FOREVER);
    stage_answer (stage_requests ()->request[0].seq, HF_OK, 300, 30, 0);
    stage_event (HF_SESSION_LOST, 25, 0);
    stage_expect (HF_OK, 30);
    stage_append ("a", 30, "x", 1);
    stage_end (HF_OP_RELEASE, "a", 30);
    stage_acquire ("a", true, HF_FOREVER);
    stage_answer (stage_requests ()->request[0].seq, HF_OK, 310, 0, 0);
    stage_expect (HF_OK, 0);
    uint64_t seq = stage_requests ()->request[0].seq;
    stage_answer (seq + 1, HF_OK, 400, 40, 0);
    stage_expect (HF_OK, 40);
    stage_answer (seq, HF_OK, 390, 0, 0);
    stage_expect (HF_OK, 0);
    stage_quiet ();
}

STAGE_TEST (test_a_wait_that_runs_out_gives_its_place_back, 1, 10000)
{
    stage_queue ("a", 300, 50);
    assert_int_equal (stage_until_ms (5000), 300);
    stage_expect (HF_TIMEOUT, 0);
    const got_t *got = stage_requests ();
    assert_int_equal (got->request[0].kind, HF_KIND_ABANDON);
    uint64_t seq = got->request[0].seq;
    //  A grant that crossed with it is not reported; a new acquire waits for ABANDON's answer.
    stage_granted ("a", 9, 61);
    stage_acquire ("a", true, HF_FOREVER);
    stage_requests_none ();
    stage_answer (seq, HF_OK, 62, 0, 0);
    got = stage_requests ();
    assert_int_equal (got->request[0].kind, HF_KIND_ACQUIRE);
    stage_answer (got->request[0].seq, HF_QUEUED, 63, 0, 1);
    stage_event (HF_SESSION_MOVED, 0, 1);
    stage_granted ("a", 9, 61);
    stage_granted ("a", 12, 70);
    stage_expect (HF_OK, 12);
}

/*  ABANDON waits for an answer; the acquire that is submitted in the turn of that answer goes
 * behind it. In the other order ABANDON would give away what the acquire is granted. */
STAGE_TEST (test_what_waited_goes_before_what_was_submitted_later, 1, 10000)
{
    stage_queue ("a", 300, 50);
    stage_run_ms (200);
    stage_end (HF_OP_RELEASE, "a", 4);
    uint64_t seq = stage_requests ()->request[0].seq;
    stage_run_ms (100);
    stage_expect (HF_TIMEOUT, 0);
    stage_requests_none ();
    hf_op_t *op;
    assert_int_equal (hf_op_acquire (g_stage.session, "a", g_stage.now_us, &op), HF_OK);
    hf_client_core_submit (g_stage.core, op, g_stage.now_us);
    stage_answer (seq, HF_NOT_HOLDER, 60, 0, 0);
    stage_expect (HF_NOT_HOLDER, 0);
    const got_t *got = stage_requests ();
    assert_int_equal (got->count, 2);
    assert_int_equal (got->request[0].kind, HF_KIND_ABANDON);
    assert_int_equal (got->request[1].kind, HF_KIND_ACQUIRE);
}

STAGE_TEST (test_a_grant_after_giving_up_goes_back, 1, 10000)
{
    stage_acquire ("a", true, 200);
    stage_requests ();
    stage_run_ms (200);
    stage_expect (HF_TIMEOUT, 0);
    stage_requests_none ();
    stage_answer (1, HF_OK, 5, 5, 0);
    const got_t *got = stage_requests ();
    assert_int_equal (got->request[0].kind, HF_KIND_ABANDON);
    assert_string_equal (got->lock[0], "a");
    stage_quiet ();
}

HF_TEST_MAIN (NULL, NULL)
