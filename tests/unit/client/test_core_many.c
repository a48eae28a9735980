//  A client with thousands of sessions, whose leader dies, and links that do not take everything.
//
//  The links are as a DEALER is: they take so many frames in a moment, and no more.

#include "base/hf_mutant.h"
#include "tests/kit/hf_test.h"
#include "tests/unit/client/crowd.h"

#define SESSIONS 10000
#define TTL_MS   10000
#define ASKING   20

int hf_mutant = HF_MUTANT_none;

static struct {
    uint32_t leader, opened, lost;
    hf_client_session_t *sessions[ASKING];
} s_world;

static bool
s_leads (uint32_t node)
{
    return node == s_world.leader;
}

/*  Each request is granted. */
static void
s_requests (hf_scan_t *scan, hf_pack_t *frame)
{
    hf_requests_t message;
    hf_acquire_t acquire;
    hf_pack_t items;
    hf_pack_init (&items);
    assert_true (hf_requests_get (scan, &message));
    hf_scan_t requests = hf_scan_list (message.requests);
    while (hf_acquire_get (&requests, &acquire))
        hf_answer_put (&items, &(hf_answer_t){.seq = acquire.seq, .index = 7, .token = 5});
    hf_answers_frame (frame,
                      &(hf_answers_t){.session = message.session, .items = hf_pack_list (&items)});
    hf_pack_done (&items);
}

static void
s_result (hf_op_t *op)
{
    s_world.lost += op->kind == HF_OP_EVENT && op->event.type == HF_SESSION_ENDED;
    if (op->kind == HF_OP_OPEN && op->result.status == HF_OK && s_world.opened++ < ASKING)
        s_world.sessions[s_world.opened - 1] = op->session;
}

/*  So many sessions are open at node 1. */
static void
s_open (int mutant, uint32_t sessions)
{
    hf_mutant = mutant;
    memset (&s_world, 0, sizeof s_world);
    s_world.leader = 1;
    crowd_begin (2, TTL_MS);
    g_crowd.leads = s_leads;
    g_crowd.requests = s_requests;
    g_crowd.result = s_result;
    g_crowd.takes = 5000;
    for (uint32_t i = 0; i < sessions; i++) {
        crowd_open (i + 1);
        if (i % 1000 == 999)
            crowd_run_ms (10);
    }
    crowd_run_ms (20); //  the leader was found
    assert_int_equal (s_world.opened, sessions);
}

/*  How many of SESSIONS are lost when the leader dies. */
static uint32_t
s_failover (int mutant, size_t takes, bool says)
{
    s_open (mutant, SESSIONS);
    g_crowd.takes = takes;
    g_crowd.says = says;
    crowd_run_ms (1000);
    s_world.leader = 2;
    hf_client_core_broken (g_crowd.core, 1, g_crowd.now_us);
    crowd_run_ms (4 * TTL_MS);
    crowd_end ();
    hf_mutant = HF_MUTANT_none;
    return s_world.lost;
}

/*  How many KEEPALIVEs ASKING sessions send that ask for something once. */
static unsigned
s_ask (int mutant)
{
    s_open (mutant, ASKING);
    for (uint32_t i = 0; i < ASKING; i++) {
        hf_op_t *op = NULL;
        hf_client_session_t *session = s_world.sessions[i];
        assert_int_equal (hf_op_acquire (session, "lock", g_crowd.now_us, &op), HF_OK);
        hf_client_core_submit (g_crowd.core, op, g_crowd.now_us);
    }
    crowd_run_ms (4 * TTL_MS);
    crowd_end ();
    hf_mutant = HF_MUTANT_none;
    assert_int_equal (s_world.lost, 0);
    return g_crowd.alive;
}

//  ---- tests ------------------------------------------------------------------------

/*  P11. Sessions share their keepalives, so no queue overflows however many they are. */
HF_TEST (p11_a_thousand_frames_at_once_are_enough_for_all_sessions)
{
    assert_int_equal (s_failover (HF_MUTANT_none, 1000, false), 0);
    assert_in_range (g_crowd.alive, SESSIONS / 1000 * 12, SESSIONS / 1000 * 40);
    assert_true (s_failover (HF_MUTANT_keepalives_alone, 1000, false) > 0);
}

/*  P11. What a link did not take goes out again soon, and what was answered does not. */
HF_TEST (p11_what_a_link_did_not_take_is_sent_again)
{
    assert_int_equal (s_failover (HF_MUTANT_none, 2, true), 0);
    assert_true (s_failover (HF_MUTANT_unsent_unseen, 2, true) > 0);
}

/*  P9. When a request is answered, the look for its answer is put off to the next keepalive. */
HF_TEST (p9_many_sessions_that_ask_are_kept_alive)
{
    assert_in_range (s_ask (HF_MUTANT_none), 11, 20);
    assert_int_equal (s_ask (HF_MUTANT_put_off_forgotten), 0);
}

HF_TEST_MAIN (NULL, NULL)
