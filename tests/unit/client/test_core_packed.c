//  Requests of several sessions in one frame, to a node that takes that; and answers so.

#include "base/hf_mutant.h"
#include "tests/unit/client/stage.h"

int hf_mutant = HF_MUTANT_none;

static hf_client_session_t *s_second;
static uint64_t s_second_id;

/*  Two sessions, at a node that PACKS or does not. */
static void
s_open (bool packs)
{
    static const uint8_t nonce[HF_NONCE_SIZE] = "the second one";
    stage_open (3, 0);
    g_stage.node.packs = packs;
    stage_submit (hf_op_open ((const uint8_t *)"the first one   ", 10000));
    hf_op_t *op = stage_result ();
    g_stage.session = op->session;
    g_stage.id = op->result.session;
    hf_op_free (op);
    stage_submit (hf_op_open (nonce, 10000));
    op = stage_result ();
    s_second = op->session;
    s_second_id = op->result.session;
    hf_op_free (op);
}

/*  Each session asks for a lock, in one turn. Gives how many frames that took. */
static uint32_t
s_ask (const char *first, const char *second)
{
    hf_op_t *op = NULL;
    uint32_t before = g_stage.counts[1][HF_KIND_REQUESTS];
    assert_int_equal (hf_op_acquire (s_second, second, g_stage.now_us, &op), HF_OK);
    hf_client_core_submit (g_stage.core, op, g_stage.now_us);
    stage_acquire (first, true, HF_FOREVER);
    return g_stage.counts[1][HF_KIND_REQUESTS] - before;
}

static void
s_close (void)
{
    hf_mutant = HF_MUTANT_none;
    stage_close (NULL);
}

HF_TEST (test_sessions_share_a_frame_where_the_node_takes_that)
{
    s_open (true);
    assert_int_equal (s_ask ("a", "b"), 1);
    const got_t *got = stage_requests ();
    assert_int_equal (got->records, 2);
    assert_int_equal (got->session, s_second_id);
    assert_string_equal (got->lock[0], "b");
    stage_requests_none ();
    //  The answers come so, too.
    hf_pack_t frame, one, other;
    hf_pack_init (&frame);
    hf_pack_init (&one);
    hf_pack_init (&other);
    hf_answer_put (&one, &(hf_answer_t){1, HF_OK, 40, 11, 0});
    hf_answer_put (&other, &(hf_answer_t){1, HF_OK, 41, 12, 0});
    hf_frame_begin (&frame, 2);
    hf_answers_put (&frame, &(hf_answers_t){g_stage.id, hf_pack_list (&one)});
    hf_answers_put (&frame, &(hf_answers_t){s_second_id, hf_pack_list (&other)});
    stage_pack (1, &frame);
    hf_pack_done (&one);
    hf_pack_done (&other);
    stage_expect (HF_OK, 11);
    stage_expect (HF_OK, 12);
    s_close ();
}

/*  Whatever was lost of it is sent again, in one frame. */
HF_TEST (test_a_packed_frame_that_is_lost_goes_out_again)
{
    s_open (true);
    s_ask ("a", "b");
    stage_requests ();
    stage_until_ms (1500);
    assert_int_equal (stage_requests ()->records, 2);
    s_close ();
}

HF_TEST (test_a_node_that_does_not_say_so_gets_a_frame_a_session)
{
    s_open (false);
    assert_int_equal (s_ask ("a", "b"), 2);
    assert_int_equal (stage_requests ()->records, 1);
    assert_int_equal (stage_requests ()->records, 1);
    s_close ();
}

HF_TEST (p11_mutant_packed_unasked)
{
    s_open (false);
    hf_mutant = HF_MUTANT_packed_unasked;
    assert_int_equal (s_ask ("a", "b"), 1);
    s_close ();
}

/*  An older release may come up in its place: until the node says so again, nothing is packed. */
HF_TEST (test_a_broken_connection_is_asked_anew)
{
    s_open (true);
    g_stage.node.packs = false;
    hf_client_core_broken (g_stage.core, 1, g_stage.now_us);
    hf_client_core_connected (g_stage.core, 1, g_stage.now_us);
    stage_run_ms (100);
    assert_int_equal (s_ask ("a", "b"), 2);
    g_stage.node.packs = true;
    stage_run_ms (4000); //  a keepalive is answered
    while (g_stage.counts[1][HF_KIND_REQUESTS]-- > 0)
        stage_requests ();
    g_stage.counts[1][HF_KIND_REQUESTS] = 0;
    assert_int_equal (s_ask ("c", "d"), 1);
    s_close ();
}

/*  What the node before it had said is read late, behind the new connection. Gives how many frames
 *  two sessions take then. */
static uint32_t
s_said_late (void)
{
    hf_pack_t frame;
    s_open (true);
    g_stage.node.packs = false;
    hf_client_core_broken (g_stage.core, 1, g_stage.now_us);
    hf_client_core_connected (g_stage.core, 1, g_stage.now_us);
    hf_pack_init (&frame);
    hf_alive_frame (&frame, &(hf_alive_t){.echo = 1, .packs = true});
    stage_pack (1, &frame);
    stage_run_ms (8000); //  keepalives are answered
    return s_ask ("a", "b");
}

HF_TEST (test_what_a_node_says_last_counts)
{
    assert_int_equal (s_said_late (), 2);
    s_close ();
}

HF_TEST (p11_mutant_packs_kept)
{
    hf_mutant = HF_MUTANT_packs_kept;
    assert_int_equal (s_said_late (), 1);
    s_close ();
}

/*  To a node that is busy what gives back goes by itself: nothing is packed for a while. */
HF_TEST (test_a_busy_node_gets_a_frame_a_session)
{
    s_open (true);
    assert_int_equal (s_ask ("a", "b"), 1);
    stage_requests ();
    stage_refuse (1, HF_BUSY, 0, 0);
    stage_until_ms (1000);
    assert_int_equal (stage_requests ()->records, 1);
    assert_int_equal (stage_requests ()->records, 1);
    s_close ();
}

HF_TEST_MAIN (NULL, NULL)
