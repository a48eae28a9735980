//  Leases, healing by ALIVE, openings and closings, and what becomes of requests at the end.

#include "base/hf_mutant.h"
#include "tests/unit/client/stage.h"

int hf_mutant = HF_MUTANT_none;

static uint64_t
s_left_ms (void)
{
    return hf_lease_remaining_us (hf_client_session_lease (g_stage.session), g_stage.now_us) / 1000;
}

static void
s_expired (void)
{
    hf_pack_t pack;
    hf_pack_init (&pack);
    hf_alive_one (&pack, 0, &(hf_kept_t){.session = g_stage.id, .status = HF_SESSION_EXPIRED}, 0);
    stage_pack (1, &pack);
}

//  ---- the lease --------------------------------------------------------------

STAGE_TEST (test_keepalives_keep_a_session, 1, 1000)
{
    stage_run_ms (60000);
    assert_in_range (g_stage.counts[1][HF_KIND_KEEPALIVE], 179, 181); //  every third of the TTL
    assert_in_range (s_left_ms (), 560, 900);
    stage_quiet ();
}

STAGE_TEST (test_without_acknowledgement_the_locks_are_lost_in_time, 1, 1000)
{
    hf_granted_t held = {.lock = hf_span_text ("a"), .token = 7, .index = 70};
    stage_hold ("a", 7);
    g_stage.node.held = &held;
    stage_run_ms (500);
    uint64_t left_ms = s_left_ms ();
    g_stage.node.autos = NODE_PROBE;
    stage_append ("a", 7, "x", 1);
    stage_requests ();
    stage_run_ms (left_ms);
    stage_quiet ();
    stage_run_ms (1);
    stage_event (HF_SESSION_LOST, 7, 0);
    stage_expect (HF_LOST, 0); //  the append goes with the lock
    stage_event (HF_SESSION_ENDED, 0, 0);
    assert_int_equal (s_left_ms (), 0);
    stage_end (HF_OP_RELEASE, "a", 7);
    stage_expect (HF_LOST, 0);
    hf_op_t *op;
    uint64_t now_us = g_stage.now_us;
    assert_int_equal (hf_op_acquire (g_stage.session, "b", now_us, &op), HF_SESSION_EXPIRED);
    assert_int_equal (hf_op_end (g_stage.session, HF_OP_RELEASE, 55, "a", 7, now_us, &op),
                      HF_SESSION_EXPIRED);
    //  Late words of the cluster revive nothing, and nothing more is sent.
    uint32_t keepalives = g_stage.counts[1][HF_KIND_KEEPALIVE];
    uint32_t requests = g_stage.counts[1][HF_KIND_REQUESTS];
    g_stage.node.autos = NODE_LEADS;
    stage_granted ("a", 9, 99);
    stage_run_ms (5000);
    stage_quiet ();
    assert_int_equal (g_stage.counts[1][HF_KIND_KEEPALIVE], keepalives);
    assert_int_equal (g_stage.counts[1][HF_KIND_REQUESTS], requests);
}

STAGE_TEST (test_a_grant_that_comes_too_late_is_not_given, 1, 1000)
{
    stage_queue ("a", HF_FOREVER, 50);
    g_stage.now_us += 2000000; //  no turn until the push
    stage_granted ("a", 9, 61);
    stage_expect (HF_LOST, 0);
    stage_event (HF_SESSION_ENDED, 0, 0);
}

STAGE_TEST (test_a_grant_whose_lease_ends_before_it_is_fetched_is_not_given, 1, 1000)
{
    stage_queue ("a", HF_FOREVER, 50);
    stage_granted ("a", 9, 61);
    g_stage.now_us += 2000000;
    stage_expect (HF_LOST, 0);
    stage_event (HF_SESSION_ENDED, 0, 0);
    stage_quiet ();
}

/*  A request is sent, and repeated for MS. Gives how long after its first sending the lease that
 * its answer renews ends. */
static uint64_t
s_lease_of_an_answer_us (int mutant, uint64_t ms)
{
    stage_acquire ("a", true, HF_FOREVER);
    uint64_t sent_us = g_stage.now_us;
    g_stage.node.autos = NODE_PROBE;
    stage_run_ms (ms);
    hf_mutant = mutant;
    stage_answer (1, HF_OK, 5, 5, 0);
    hf_mutant = HF_MUTANT_none;
    stage_expect (HF_OK, 5);
    return hf_lease_deadline_us (hf_client_session_lease (g_stage.session)) - sent_us;
}

STAGE_TEST (p5b_the_lease_counts_from_the_first_sending, 1, 10000)
{
    assert_int_equal (s_lease_of_an_answer_us (HF_MUTANT_none, 2500), 9000000);
}

STAGE_TEST (p5b_a_lease_that_counts_from_the_last_sending_is_too_long, 1, 10000)
{
    assert_int_equal (s_lease_of_an_answer_us (HF_MUTANT_renewed_from_repeat, 2500), 11000000);
}

//  ---- the end ----------------------------------------------------------------

STAGE_TEST (test_expired_ends_everything_at_once, 1, 1000)
{
    stage_hold ("a", 7);
    stage_queue ("b", HF_FOREVER, 80);
    hf_op_t *append, *release;
    hf_op_append (g_stage.session, 0, "a", 7, "f", "x", 1, g_stage.now_us, &append);
    hf_op_end (g_stage.session, HF_OP_RELEASE, 0, "a", 7, g_stage.now_us, &release);
    hf_client_core_submit (g_stage.core, append, g_stage.now_us);
    stage_submit (release);
    assert_int_equal (stage_requests ()->count, 2);
    s_expired ();
    stage_event (HF_SESSION_LOST, 7, 0);
    stage_expect (HF_UNDECIDED, 0); //  the release may have saved the append
    stage_expect (HF_UNDECIDED, 0);
    stage_expect (HF_LOST, 0); //  the waiter has lost its place for certain
    stage_event (HF_SESSION_ENDED, 0, 0);
    stage_submit (hf_op_leave (g_stage.session));
    stage_expect (HF_SESSION_EXPIRED, 0);
}

STAGE_TEST (test_an_answer_session_expired_ends_it_too, 1, 1000)
{
    stage_hold ("a", 7);
    stage_end (HF_OP_RELEASE, "a", 7);
    stage_answer (stage_requests ()->request[0].seq, HF_SESSION_EXPIRED, 0, 0, 0);
    stage_event (HF_SESSION_LOST, 7, 0);
    stage_expect (HF_UNDECIDED, 0);
    stage_event (HF_SESSION_ENDED, 0, 0);
}

STAGE_TEST (test_leaving_gives_every_result_first, 1, 1000)
{
    hf_op_free (hf_op_leave (g_stage.session)); //  what is not submitted changes nothing
    stage_hold ("c", 7);
    stage_queue ("a", HF_FOREVER, 50);
    stage_acquire ("b", true, HF_FOREVER);
    stage_submit (hf_op_leave (g_stage.session));
    stage_expect (HF_CLOSED, 0);
    stage_expect (HF_CLOSED, 0);
    stage_expect (HF_OK, 0);
    stage_quiet ();
    assert_int_equal (g_stage.counts[1][HF_KIND_CLOSE], 0);
}

//  ---- healing ----------------------------------------------------------------

STAGE_TEST (test_alive_heals_a_lost_grant, 1, 1000)
{
    hf_granted_t held = {.lock = hf_span_text ("a"), .token = 9, .index = 61};
    stage_queue ("a", HF_FOREVER, 50);
    g_stage.node.held = &held;
    stage_until_ms (1000);
    stage_expect (HF_OK, 9);
    //  Held and no longer listed: another session ended it.
    g_stage.node.held = NULL;
    stage_until_ms (1000);
    stage_event (HF_SESSION_LOST, 9, 0);
}

STAGE_TEST (test_a_place_that_vanished_is_asked_for_anew, 1, 1000)
{
    hf_moved_t queued = {hf_span_text ("a"), 2};
    g_stage.node.queued = &queued;
    stage_queue ("a", HF_FOREVER, 50);
    stage_run_ms (1000);
    stage_requests_none ();
    g_stage.node.queued = NULL;
    stage_until_ms (1000);
    const got_t *got = stage_requests ();
    assert_int_equal (got->request[0].kind, HF_KIND_ACQUIRE);
    assert_int_equal (got->request[0].seq, 2);
    stage_answer (2, HF_OK, 90, 9, 0);
    stage_expect (HF_OK, 9);
}

STAGE_TEST (test_a_hold_is_not_lost_by_an_old_alive, 1, 1000)
{
    g_stage.node.autos &= ~(unsigned)NODE_ALIVE;
    stage_run_ms (340);
    uint64_t echo = g_stage.keepalive.echo;
    assert_int_not_equal (echo, 0);
    stage_hold ("a", 7);
    //  It was made before the grant.
    hf_pack_t pack;
    hf_pack_init (&pack);
    hf_alive_one (&pack, echo, &(hf_kept_t){.session = g_stage.id}, 0);
    stage_pack (1, &pack);
    stage_quiet ();
    g_stage.node.autos = NODE_LEADS;
    stage_until_ms (1000);
    stage_event (HF_SESSION_LOST, 7, 0); //  but a new one, without it, does
}

//  ---- opening and closing ----------------------------------------------------

STAGE_TEST (test_opening_is_repeated_with_its_nonce, 1, 0)
{
    static const uint8_t nonce[HF_NONCE_SIZE] = {9, 8, 7};
    g_stage.node.autos &= ~(unsigned)NODE_OPEN;
    hf_op_t *op = hf_op_open (nonce, 10000);
    op->limit_us = g_stage.now_us + 1500000;
    stage_submit (op);
    assert_int_equal (stage_until_ms (5000), 1500);
    stage_expect (HF_TIMEOUT, 0);
    assert_int_equal (g_stage.counts[1][HF_KIND_OPEN], 2);
    assert_memory_equal (g_stage.nonce, nonce, HF_NONCE_SIZE);
    //  The answer comes after all: the unused session is closed.
    hf_pack_t pack;
    hf_pack_init (&pack);
    hf_opened_frame (
        &pack,
        &(hf_opened_t){.nonce = hf_span (nonce, HF_NONCE_SIZE), .session = 4242, .ttl_ms = 10000});
    stage_pack (1, &pack);
    stage_run_ms (0);
    assert_int_equal (g_stage.closing.session, 4242);
    //  Until that is answered, or the session's TTL has passed; nothing is reported.
    stage_run_ms (20000);
    assert_int_equal (g_stage.counts[1][HF_KIND_CLOSE], 10);
    stage_quiet ();
}

/*  The answer comes after the TTL, long before the limit. */
static void
s_open_late (void)
{
    static const uint8_t nonce[HF_NONCE_SIZE] = {9, 8, 7};
    g_stage.node.autos &= ~(unsigned)NODE_OPEN;
    stage_submit (hf_op_open (nonce, 1000));
    stage_run_ms (1000);
    g_stage.node.autos |= NODE_OPEN;
    stage_run_ms (1000); //  the repeat is answered
}

STAGE_TEST (test_an_opening_that_took_too_long_is_no_session, 1, 0)
{
    static const uint8_t nonce[HF_NONCE_SIZE] = {9, 8, 7};
    s_open_late ();
    stage_expect (HF_OK, 0);
    assert_int_equal (g_stage.closing.session, 101);
    assert_memory_not_equal (g_stage.nonce, nonce, HF_NONCE_SIZE);
    stage_quiet ();
}

STAGE_TEST (mutant_opening_given_up, 1, 0)
{
    hf_mutant = HF_MUTANT_opening_given_up;
    s_open_late ();
    hf_mutant = HF_MUTANT_none;
    stage_expect (HF_TIMEOUT, 0);
}

STAGE_TEST (test_any_session_can_be_closed_by_id, 1, 0)
{
    stage_submit (hf_op_close (777));
    assert_int_equal (g_stage.closing.session, 777);
    hf_pack_t pack;
    hf_pack_init (&pack);
    hf_closed_frame (&pack, &(hf_closed_t){.session = 777, .echo = g_stage.closing.echo});
    stage_pack (1, &pack);
    stage_expect (HF_OK, 0);
}

STAGE_TEST (test_stopping_gives_every_result, 1, 1000)
{
    stage_queue ("a", HF_FOREVER, 50);
    g_stage.node.autos = 0;
    stage_submit (hf_op_query (HF_NODE_LEADER, HF_WHAT_READ, "f", 0, 10));
    hf_client_core_stop (g_stage.core);
    stage_expect (HF_CLOSED, 0);
    stage_expect (HF_CLOSED, 0);
    stage_quiet ();
}

HF_TEST_MAIN (NULL, NULL)
