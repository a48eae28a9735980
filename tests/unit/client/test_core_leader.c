//  Who leads: redirects, breaks, silence, BUSY, and nodes that lie or talk nonsense.

#include "tests/unit/client/stage.h"

static int
s_setup (void **state)
{
    (void)state;
    stage_open (3, 10000);
    //  Three requests that node 1 got and does not answer.
    stage_acquire ("a", true, HF_FOREVER);
    stage_acquire ("b", true, HF_FOREVER);
    stage_acquire ("c", true, HF_FOREVER);
    for (int i = 0; i < 3; i++)
        assert_int_equal (stage_requests ()->node, 1);
    return 0;
}

/*  NODE leads from now on, in TERM, and the others say so. */
static void
s_lead (uint32_t node, uint64_t term)
{
    g_stage.leader = node;
    for (uint32_t i = 1; i <= STAGE_NODES; i++)
        g_stage.names[i] = i == node ? 0 : node;
    g_stage.term = term;
}

/*  NODE gets a keepalive and the three, in order, with the same seqs. */
static void
s_moved_to (uint32_t node)
{
    const got_t *got = stage_requests ();
    assert_int_equal (got->node, node);
    assert_int_equal (g_stage.counts[node][HF_KIND_KEEPALIVE], 1);
    assert_int_equal (got->count, 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal (got->request[i].seq, i + 1);
    for (uint64_t seq = 1; seq <= 3; seq++) {
        stage_answer (seq, HF_OK, seq, seq + 10, 0);
        stage_expect (HF_OK, seq + 10);
    }
}

#define TEST(name) HF_TEST_WITH (name, s_setup, stage_close)

TEST (test_a_redirect_is_followed_at_once)
{
    s_lead (2, 2);
    stage_refuse (1, HF_NOT_LEADER, 2, 2);
    s_moved_to (2);
    assert_int_equal (g_stage.counts[2][HF_KIND_QUERY], 1); //  that of the start
}

TEST (test_a_broken_connection_moves_the_client)
{
    //  For a while the others still name the node that died; then there is an election.
    g_stage.leader = 0;
    uint32_t before = g_stage.counts[3][HF_KIND_QUERY];
    hf_client_core_broken (g_stage.core, 1, g_stage.now_us);
    stage_run_ms (200);
    assert_in_range (g_stage.counts[3][HF_KIND_QUERY] - before, 5, 21); //  probes every 10 to 40 ms
    stage_requests_none ();
    s_lead (3, 5);
    assert_in_range (stage_until_ms (1000), 0, 40);
    s_moved_to (3);
}

TEST (test_silence_moves_the_whole_client_once)
{
    g_stage.deaf = 1U << 1; //  connected, and says nothing
    g_stage.leader = 2;     //  and node 3 still names node 1
    assert_in_range (stage_until_ms (5000), 240, 1000);
    s_moved_to (2);
}

TEST (test_a_silent_leader_is_left_early_for_a_later_term)
{
    g_stage.deaf = 1U << 1;
    g_stage.node.autos &= ~(unsigned)NODE_PROBE;
    s_lead (2, 9); //  there was an election already
    assert_in_range (stage_until_ms (5000), 200, 300);
    s_moved_to (2);
}

TEST (test_two_that_point_at_each_other_cause_no_storm)
{
    g_stage.leader = 0;
    g_stage.names[1] = 2;
    g_stage.term = 2;
    for (int i = 0; i < 50; i++) {
        stage_refuse (1, HF_NOT_LEADER, 2, 2);
        stage_refuse (2, HF_NOT_LEADER, 1, 2);
        stage_run_ms (10);
    }
    stage_quiet ();
    for (int i = 1; i <= 3; i++) {
        assert_true (g_stage.counts[i][HF_KIND_QUERY] < 80);
        assert_true (g_stage.counts[i][HF_KIND_REQUESTS] < 20);
    }
    s_lead (2, 3);
    g_stage.node.autos |= NODE_REQUESTS;
    stage_run_ms (2000);
    for (int i = 0; i < 3; i++)
        assert_int_equal (stage_status (), HF_OK);
}

TEST (test_busy_is_retried_at_the_same_node)
{
    stage_refuse (1, HF_BUSY, 0, 0);
    stage_requests_none ();
    assert_in_range (stage_until_ms (1000), 5, 20);
    const got_t *got = stage_requests ();
    assert_int_equal (got->node, 1);
    assert_int_equal (got->count, 3);
}

TEST (test_nonsense_changes_nothing)
{
    stage_frame (1, "\xff\xff\xff\xff", 4);
    stage_frame (1, "\x92\x02\x91\x23", 4);
    stage_frame (9, "\x92", 1); //  there is no such node
    //  Answers that make no sense for what they answer.
    stage_answer (1, HF_LOST, 0, 0, 0);
    stage_answer (1, (hf_status_t)4000, 0, 0, 0);
    stage_answer (1, HF_OK, 1, 0, 0);
    stage_answer (UINT64_MAX, HF_OK, 1, 1, 0);
    stage_answer (0, HF_OK, 1, 1, 0);
    stage_granted ("a", 0, UINT64_MAX);
    stage_granted ("", 1, 1);
    stage_moved ("a", 0);
    //  An answer to another session.
    g_stage.id++;
    stage_answer (1, HF_SESSION_EXPIRED, 0, 0, 0);
    g_stage.id--;
    //  Every prefix and many a damaged copy of a good frame.
    hf_pack_t items, pack;
    hf_pack_init (&items);
    hf_pack_init (&pack);
    hf_answer_put (&items, &(hf_answer_t){500, HF_OK, 1, 1, 1});
    hf_moved_put (&items, &(hf_moved_t){hf_span_text ("zz"), 3});
    hf_answers_frame (&pack, &(hf_answers_t){g_stage.id, hf_pack_list (&items)});
    uint8_t bytes[256];
    size_t size = hf_pack_size (&pack);
    assert_true (size < sizeof bytes);
    for (size_t i = 0; i < size; i++) {
        memcpy (bytes, hf_pack_bytes (&pack), size);
        stage_frame (1, bytes, i);
        bytes[i] ^= 0x80;
        stage_frame (1, bytes, size);
        bytes[i] = 0xdd;
        stage_frame (1, bytes, size);
    }
    hf_pack_done (&items);
    hf_pack_done (&pack);
    stage_quiet ();
    for (uint64_t seq = 1; seq <= 3; seq++) {
        stage_answer (seq, HF_OK, seq, seq + 10, 0);
        stage_expect (HF_OK, seq + 10);
    }
}

static hf_op_t *
s_query (uint32_t node, uint64_t limit_ms)
{
    hf_op_t *op = hf_op_query (node, HF_WHAT_STATUS, "", 0, 0);
    op->limit_us = g_stage.now_us + limit_ms * 1000;
    return op;
}

TEST (test_no_majority_is_a_timeout)
{
    s_lead (0, 2);
    g_stage.node.autos = 0;
    stage_submit (s_query (HF_NODE_LEADER, 400));
    stage_run_ms (400);
    stage_expect (HF_TIMEOUT, 0);
    //  A node that is asked itself needs no majority, but must be there.
    hf_client_core_broken (g_stage.core, 3, g_stage.now_us);
    stage_run_ms (1);
    stage_submit (s_query (3, 400));
    stage_submit (s_query (HF_NODE_ANY, 400));
    stage_run_ms (400);
    stage_expect (HF_UNREACHABLE, 0);
    stage_expect (HF_TIMEOUT, 0);
}

HF_TEST_MAIN (NULL, NULL)
