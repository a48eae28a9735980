//  A client that has nothing under way while nobody leads: it asks seldom, loses nothing, and makes
//  haste when it gets something to do.

#include "base/hf_mutant.h"
#include "tests/unit/client/stage.h"

int hf_mutant = HF_MUTANT_none;

/*  Questions who leads that came to any node. */
static uint32_t
s_asked (void)
{
    uint32_t asked = 0;
    for (uint32_t node = 1; node <= STAGE_NODES; node++)
        asked += g_stage.counts[node][HF_KIND_QUERY];
    return asked;
}

/*  Nobody leads from now on; node 1 is dead, and the others know it. */
static void
s_leader_dies (void)
{
    g_stage.leader = g_stage.names[2] = g_stage.names[3] = 0;
    g_stage.term = 2;
    hf_client_core_broken (g_stage.core, 1, g_stage.now_us);
}

static void
s_leads (uint32_t node)
{
    g_stage.leader = node;
    g_stage.term++;
}

static bool
s_lives (void)
{
    return hf_lease_alive (hf_client_session_lease (g_stage.session), g_stage.now_us);
}

static void
s_begin (int mutant, uint32_t ttl_ms)
{
    hf_mutant = mutant;
    stage_open (3, ttl_ms);
}

static void
s_end (void)
{
    stage_close (NULL);
    hf_mutant = HF_MUTANT_none;
}

//  ---- seldom ---------------------------------------------------------------------------

/*  What a client asks in the first second without a leader, at two nodes; it holds a lock. */
static uint32_t
s_asked_in_a_second (int mutant, bool waits)
{
    s_begin (mutant, 10000);
    stage_hold ("a", 5);
    if (waits)
        stage_queue ("b", HF_FOREVER, 60);
    uint32_t before = s_asked ();
    s_leader_dies ();
    stage_run_ms (1000);
    uint32_t asked = s_asked () - before;
    s_end ();
    return asked;
}

HF_TEST (p11_a_client_without_work_leaves_an_election_alone)
{
    uint32_t rest = s_asked_in_a_second (HF_MUTANT_none, false);
    uint32_t haste = s_asked_in_a_second (HF_MUTANT_idle_hurries, false);
    print_message ("%u questions, %u in haste\n", rest, haste);
    assert_in_range (rest, 2, 8);
    assert_true (haste >= 40);
}

HF_TEST (p11_who_waits_in_a_queue_asks_as_fast_as_an_election_goes)
{
    assert_true (s_asked_in_a_second (HF_MUTANT_none, true) >= 40);
    assert_in_range (s_asked_in_a_second (HF_MUTANT_works_at_rest, true), 2, 8);
}

//  ---- haste ----------------------------------------------------------------------------

/*  A request comes while the client rests, and a leader 100 ms later. How long it takes until the
 *  leader has the request. */
static uint64_t
s_request_ms (int mutant, uint32_t *asked)
{
    s_begin (mutant, 10000);
    s_leader_dies ();
    stage_run_ms (1500);
    uint32_t before = s_asked ();
    stage_acquire ("a", true, HF_FOREVER);
    *asked = s_asked () - before;
    stage_run_ms (100);
    s_leads (3);
    uint64_t ms = stage_until_ms (2000);
    assert_int_equal (stage_requests ()->node, 3);
    s_end ();
    return ms;
}

HF_TEST (p11_a_request_makes_a_client_ask_at_once_and_often)
{
    uint32_t asked;
    assert_in_range (s_request_ms (HF_MUTANT_none, &asked), 0, 40);
    assert_int_equal (asked, 2); //  both nodes, when it was made
    assert_true (s_request_ms (HF_MUTANT_works_at_rest, &asked) > 100);
    assert_int_equal (asked, 0);
}

HF_TEST (test_a_question_makes_a_client_ask_at_once_and_often)
{
    s_begin (HF_MUTANT_none, 0); //  without any session
    s_leader_dies ();
    stage_run_ms (5000);
    uint32_t before = s_asked ();
    hf_op_t *op = hf_op_query (HF_NODE_LEADER, HF_WHAT_STATUS, "", 0, 0);
    op->limit_us = g_stage.now_us + 300000;
    stage_submit (op);
    assert_int_equal (s_asked () - before, 2);
    stage_run_ms (299);
    assert_in_range (s_asked () - before, 14, 60);
    stage_run_ms (1);
    stage_expect (HF_TIMEOUT, 0);
    s_end ();
}

/*  Who asks and gives up again and again has no more quick rounds for it than who goes on asking.
 */
HF_TEST (test_haste_is_not_begun_anew_by_each_request)
{
    s_begin (HF_MUTANT_none, 600000);
    s_leader_dies ();
    for (uint32_t i = 0; i < 100; i++) {
        stage_acquire ("a", true, 50);
        stage_run_ms (100);
        stage_expect (HF_TIMEOUT, 0);
    }
    assert_in_range (s_asked (), 40, 160); //  in 10 s, of two nodes
    s_end ();
}

//  ---- sessions -------------------------------------------------------------------------

/*  Nodes tell whom they refused of a leader: nothing is waited for. */
HF_TEST (test_a_client_at_rest_follows_who_tells_of_a_leader)
{
    s_begin (HF_MUTANT_none, 10000);
    s_leader_dies ();
    stage_run_ms (700);
    uint32_t before = g_stage.counts[3][HF_KIND_KEEPALIVE];
    s_leads (3);
    stage_refuse (2, HF_NOT_LEADER, 3, g_stage.term);
    stage_run_ms (0);
    assert_int_equal (g_stage.counts[3][HF_KIND_KEEPALIVE], before + 1);
    s_end ();
}

/*  A leader that has a keepalive and does not answer is silent: a client with nothing else to do
 *  leaves it as fast as one that has. */
HF_TEST (test_a_keepalive_without_an_answer_is_work)
{
    s_begin (HF_MUTANT_none, 3000);
    g_stage.deaf = 1U << 1;
    g_stage.leader = 2;
    uint64_t end_us = g_stage.now_us + 1760000; //  a keepalive, its patience, and a round
    while (g_stage.now_us < end_us)
        stage_run_ms (1);
    assert_int_equal (g_stage.counts[2][HF_KIND_KEEPALIVE], 1);
    assert_true (s_lives ());
    s_end ();
}

/*  Nobody tells; a new leader comes so long before the lease is over. How many sessions live, of
 * those whose leader died at different times since their last keepalive. */
static uint32_t
s_living (int mutant, uint32_t ttl_ms, uint64_t before_ms)
{
    uint32_t living = 0;
    for (uint32_t i = 0; i < 30; i++) {
        s_begin (mutant, ttl_ms);
        stage_run_ms (2 * ttl_ms + i * ttl_ms / 90);
        s_leader_dies ();
        uint64_t left_us =
            hf_lease_remaining_us (hf_client_session_lease (g_stage.session), g_stage.now_us);
        stage_run_ms (left_us / 1000 - before_ms);
        assert_true (s_lives ());
        s_leads (3);
        stage_run_ms (before_ms + 50);
        living += s_lives ();
        s_end ();
    }
    return living;
}

HF_TEST (p9_a_client_at_rest_keeps_its_sessions)
{
    static const uint32_t ttls_ms[] = {1000, 3000, 10000, 60000};
    for (size_t i = 0; i < sizeof ttls_ms / sizeof *ttls_ms; i++)
        assert_int_equal (s_living (HF_MUTANT_none, ttls_ms[i], 50), 30);
    assert_true (s_living (HF_MUTANT_lease_at_rest, 1000, 50) < 20);
}

HF_TEST_MAIN (NULL, NULL)
