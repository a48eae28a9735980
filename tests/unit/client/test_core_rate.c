//  A client with many sessions whose user asks more often than a node lets him.
//
//  The leader takes so many frames of requests in a second, and refuses the rest as they come.

#include "base/hf_mutant.h"
#include "tests/kit/hf_test.h"
#include "tests/unit/client/crowd.h"

#define SESSIONS 400
#define RATE     100 //  frames in a second
#define TTL_MS   60000

int hf_mutant = HF_MUTANT_none;

static struct {
    uint64_t from_us;
    bool again;     //  who was answered asks for more
    uint32_t asked; //  frames of requests that came
    uint32_t taken;
    uint32_t opened, answered;
    hf_client_session_t *session[SESSIONS + 1];
    uint32_t answers[SESSIONS + 1];
} s_world;

//  ---- the leader -------------------------------------------------------------------

static bool
s_leads (uint32_t node)
{
    return node == 1;
}

static void
s_requests (hf_scan_t *scan, hf_pack_t *frame)
{
    hf_requests_t message;
    hf_request_t request;
    assert_true (hf_requests_get (scan, &message));
    s_world.asked++;
    if (s_world.taken >= (g_crowd.now_us - s_world.from_us) * RATE / 1000000 + RATE) {
        hf_refused_frame (frame, &(hf_refused_t){.status = HF_BUSY});
        return;
    }
    s_world.taken++;
    hf_pack_t items;
    hf_pack_init (&items);
    hf_scan_t list = hf_scan_list (message.requests);
    while (hf_request_get (&list, &request))
        hf_answer_put (&items, &(hf_answer_t){.seq = request.seq,
                                              .status = HF_OK,
                                              .index = s_world.taken,
                                              .token = s_world.taken});
    hf_answers_frame (frame,
                      &(hf_answers_t){.session = message.session, .items = hf_pack_list (&items)});
    hf_pack_done (&items);
}

//  ---- the sessions -----------------------------------------------------------------

static void
s_asks (uint64_t session)
{
    hf_op_t *op;
    char lock[32];
    snprintf (lock, sizeof lock, "%u-%u", (unsigned)session, s_world.answers[session]);
    assert_int_equal (hf_op_acquire (s_world.session[session], lock, g_crowd.now_us, &op), HF_OK);
    op->wait = true;
    hf_client_core_submit (g_crowd.core, op, g_crowd.now_us);
}

static void
s_result (hf_op_t *op)
{
    if (op->kind == HF_OP_OPEN) {
        s_world.session[hf_client_session_id (op->session)] = op->session;
        s_world.opened++;
    } else if (op->kind == HF_OP_ACQUIRE) {
        uint64_t session = op->result.session;
        assert_int_equal (op->result.status, HF_OK);
        s_world.answered += s_world.answers[session]++ == 0;
        if (s_world.again)
            s_asks (session);
    }
}

/*  Each of SESSIONS asks for a lock at one moment, AGAIN: and for the next when it has that. */
static void
s_play (int mutant, bool again, uint64_t ms)
{
    memset (&s_world, 0, sizeof s_world);
    s_world.again = again;
    crowd_begin (1, TTL_MS);
    g_crowd.leads = s_leads;
    g_crowd.requests = s_requests;
    g_crowd.result = s_result;
    for (uint32_t number = 1; number <= SESSIONS; number++)
        crowd_open (number);
    crowd_run_ms (100);
    assert_int_equal (s_world.opened, SESSIONS);
    hf_mutant = mutant;
    s_world.from_us = g_crowd.now_us;
    for (uint64_t session = 1; session <= SESSIONS; session++)
        s_asks (session);
    crowd_run_ms (ms);
    hf_mutant = HF_MUTANT_none;
    crowd_end ();
}

//  ---- tests ------------------------------------------------------------------------

/*  P12. What is refused goes out again as often as nothing were taken. */
HF_TEST (p12_some_answers_do_not_end_the_back_off)
{
    s_play (HF_MUTANT_none, false, 10000);
    assert_int_equal (s_world.answered, SESSIONS);
    uint32_t asked = s_world.asked;
    s_play (HF_MUTANT_heard_is_ready, false, 10000);
    assert_int_equal (s_world.answered, SESSIONS);
    print_message ("%u frames, %u without the rule\n", asked, s_world.asked);
    assert_in_range (asked, SESSIONS, 20 * SESSIONS);
    assert_true (s_world.asked > 5 * asked);
}

/*  P11. Nobody waits for ever for others of his client that ask for more. */
HF_TEST (p11_each_session_has_its_turn)
{
    s_play (HF_MUTANT_none, true, 60000);
    assert_int_equal (s_world.answered, SESSIONS);
    s_play (HF_MUTANT_last_stays_last, true, 60000);
    print_message ("%u of %u without the rule\n", s_world.answered, SESSIONS);
    assert_true (s_world.answered < SESSIONS);
}

HF_TEST_MAIN (NULL, NULL)
