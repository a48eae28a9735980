//  The client follows the roster: it asks when it is told of another, and makes and breaks links.

#include "base/hf_mutant.h"
#include "tests/unit/client/stage.h"

int hf_mutant = HF_MUTANT_none;

#define MEMBER(id, name, number)                                                                   \
    {                                                                                              \
        .node = (id), .host = {(const uint8_t *)(name), sizeof (name) - 1},                        \
        .client_port = (number), .node_port = 9, .votes = true                                     \
    }

//  2 is at another place, 3 is gone, 4 is new.
static const hf_member_row_t s_changed[] = {
    MEMBER (1, "a", 1), MEMBER (2, "m", 2), MEMBER (4, "d", 4), {.node = 0}};

static const hf_member_row_t s_as_given[] = {
    MEMBER (1, "a", 1), MEMBER (2, "b", 2), MEMBER (3, "c", 3), {.node = 0}};

//  Nobody who was given.
static const hf_member_row_t s_all_new[] = {MEMBER (4, "d", 4), MEMBER (5, "e", 5), {.node = 0}};

static void
s_tell (uint64_t index, const hf_member_row_t *members)
{
    g_stage.node.roster = index;
    g_stage.node.members = members;
}

/*  The next change of a link; the test fails when it is another. */
static void
s_link (uint32_t slot, uint32_t node, const char *host, uint16_t port)
{
    hf_client_link_t link;
    assert_true (hf_client_core_link (g_stage.core, &link));
    assert_int_equal (link.slot, slot);
    assert_int_equal (link.node, node);
    if (node == 0)
        return;
    assert_string_equal (link.address.host, host);
    assert_int_equal (link.address.port, port);
}

static void
s_no_links (void)
{
    hf_client_link_t link;
    assert_false (hf_client_core_link (g_stage.core, &link));
}

/*  The nodes that the core knows, as digits. */
static uint32_t
s_nodes (void)
{
    uint32_t ids[HF_MEMBERS_MAX], digits = 0;
    uint32_t count = hf_client_core_nodes (g_stage.core, ids);
    for (uint32_t i = 0; i < count; i++)
        digits = digits * 10 + ids[i];
    return digits;
}

static void
s_connect (uint32_t node)
{
    hf_client_core_connected (g_stage.core, node, g_stage.now_us);
    stage_run_ms (0);
}

static void
s_break (uint32_t node)
{
    hf_client_core_broken (g_stage.core, node, g_stage.now_us);
    stage_run_ms (0);
}

//  ---- told, asked, followed ------------------------------------------------------------

STAGE_TEST (test_a_roster_is_followed_and_the_session_goes_on, 3, 3000)
{
    static const hf_granted_t held = {.lock = {(const uint8_t *)"held", 4}, .token = 9};
    stage_hold ("held", 9);
    g_stage.node.held = &held;
    s_tell (40, s_changed);
    stage_run_ms (1000); //  a keepalive
    s_link (1, 2, "m", 2);
    s_link (2, 4, "d", 4);
    s_no_links ();
    assert_int_equal (s_nodes (), 124);
    stage_run_ms (10000);
    assert_int_equal (g_stage.node.members_asked, 1);
    stage_quiet (); //  nothing is lost
    stage_end (HF_OP_RELEASE, "held", 9);
    assert_int_equal (stage_requests ()->node, 1);
    //  The next one.
    s_tell (50, s_as_given);
    stage_run_ms (1000);
    s_link (1, 2, "b", 2);
    s_link (2, 3, "c", 3);
    s_no_links ();
    assert_int_equal (s_nodes (), 123);
    assert_int_equal (g_stage.node.members_asked, 2);
}

STAGE_TEST (test_opened_tells_too, 3, 0)
{
    static const uint8_t nonce[HF_NONCE_SIZE] = {7};
    s_tell (40, s_changed);
    stage_submit (hf_op_open (nonce, 3000));
    stage_expect (HF_OK, 0);
    assert_int_equal (s_nodes (), 124);
}

STAGE_TEST (test_a_roster_with_the_nodes_that_were_given_changes_no_link, 3, 3000)
{
    s_tell (40, s_as_given);
    stage_run_ms (1000);
    assert_int_equal (g_stage.node.members_asked, 1);
    s_no_links ();
    assert_int_equal (s_nodes (), 123);
}

STAGE_TEST (test_roster_unasked, 3, 3000)
{
    hf_mutant = HF_MUTANT_roster_unasked;
    s_tell (40, s_changed);
    stage_run_ms (5000);
    hf_mutant = HF_MUTANT_none;
    assert_int_equal (g_stage.node.members_asked, 0);
    assert_int_equal (s_nodes (), 123);
}

STAGE_TEST (test_gone_node_kept, 3, 3000)
{
    hf_mutant = HF_MUTANT_gone_node_kept;
    s_tell (40, s_changed);
    stage_run_ms (1000);
    hf_mutant = HF_MUTANT_none;
    assert_int_equal (s_nodes (), 1234);
}

/*  The question, or its answer, is lost: it is asked again, but no more often than it is told. */
STAGE_TEST (test_a_lost_answer_is_asked_for_again, 3, 3000)
{
    s_tell (40, NULL);
    stage_run_ms (10000);
    assert_in_range (g_stage.node.members_asked, 8, 13);
    s_tell (40, s_changed);
    stage_run_ms (2000);
    assert_int_equal (s_nodes (), 124);
}

//  ---- nodes that go ----------------------------------------------------------------------

STAGE_TEST (test_the_leader_goes_and_what_it_was_asked_goes_to_the_next, 3, 3000)
{
    static const hf_member_row_t others[] = {MEMBER (2, "b", 2), MEMBER (3, "c", 3), {.node = 0}};
    stage_acquire ("L", true, HF_FOREVER);
    assert_int_equal (stage_requests ()->node, 1);
    s_tell (40, others);
    stage_run_ms (300);
    g_stage.deaf = 1U << 1;
    g_stage.leader = 2;
    stage_run_ms (1000);
    s_link (0, 0, "", 0);
    s_no_links ();
    assert_int_equal (s_nodes (), 23);
    assert_int_equal (stage_requests ()->node, 2);
    assert_true (g_stage.counts[2][HF_KIND_KEEPALIVE] > 0);
    //  What it still says, and whatever happens to its connection, is nobody's.
    stage_refuse (1, HF_NOT_LEADER, 3, 9);
    s_connect (1);
    s_break (1);
    assert_int_equal (hf_client_core_silence (g_stage.core, 1, g_stage.now_us), HF_UNREACHABLE);
}

STAGE_TEST (test_a_slot_that_is_used_again_knows_nothing_of_the_node_before, 3, 3000)
{
    stage_refuse (3, HF_NOT_LEADER, 1, 100);
    hf_client_core_refused (g_stage.core, 3, g_stage.now_us);
    s_tell (40, s_changed);
    stage_run_ms (1000);
    assert_int_equal (s_nodes (), 124);
    assert_int_equal (hf_client_core_silence (g_stage.core, 4, g_stage.now_us), HF_UNREACHABLE);
    //  3 refused in term 100, 4 did not: it is followed.
    s_connect (4);
    g_stage.leader = 4;
    stage_acquire ("L", true, HF_FOREVER);
    stage_requests ();
    stage_refuse (1, HF_NOT_LEADER, 4, 5);
    assert_int_equal (stage_requests ()->node, 4);
}

//  ---- who leads is not in the list --------------------------------------------------------

STAGE_TEST (test_a_leader_that_is_not_in_the_list_is_learned, 2, 0)
{
    static const uint8_t nonce[HF_NONCE_SIZE] = {7};
    s_tell (40, s_all_new);
    g_stage.leader = 4;
    g_stage.names[1] = g_stage.names[2] = 4;
    stage_refuse (1, HF_NOT_LEADER, 4, 2);
    stage_refuse (2, HF_NOT_LEADER, 4, 2);
    stage_run_ms (100);
    s_link (0, 4, "d", 4);
    s_link (1, 5, "e", 5);
    s_connect (4);
    stage_submit (hf_op_open (nonce, 3000));
    stage_expect (HF_OK, 0);
    assert_int_equal (g_stage.node.members_asked, 1);
}

STAGE_TEST (test_a_leader_that_has_moved_is_found, 3, 0)
{
    static const uint8_t nonce[HF_NONCE_SIZE] = {7};
    s_break (2);
    s_tell (40, s_changed);
    g_stage.leader = 2;
    g_stage.names[1] = g_stage.names[3] = 2;
    stage_refuse (1, HF_NOT_LEADER, 2, 2);
    stage_run_ms (100);
    s_link (1, 2, "m", 2);
    s_link (2, 4, "d", 4);
    s_connect (2);
    stage_submit (hf_op_open (nonce, 3000));
    stage_expect (HF_OK, 0);
    assert_int_equal (g_stage.node.members_asked, 1);
}

//  ---- lists that are none -------------------------------------------------------------------

STAGE_TEST (test_a_bad_list_is_not_followed, 3, 3000)
{
    static const hf_member_row_t lists[][9] = {
        {{.node = 0}},
        {MEMBER (2, "b", 2), MEMBER (1, "a", 1)},
        {MEMBER (1, "a", 1), MEMBER (1, "a", 1)},
        {MEMBER (1, "", 1)},
        {MEMBER (1, "a\n", 1)},
        {MEMBER (1, "a", 0)},
        {MEMBER (1, "a", 65536)},
        {MEMBER (65536, "a", 1)},
        {MEMBER (1, "a", 1), MEMBER (2, "a", 1), MEMBER (3, "a", 1), MEMBER (4, "a", 1),
         MEMBER (5, "a", 1), MEMBER (6, "a", 1), MEMBER (7, "a", 1), MEMBER (8, "a", 1)},
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        s_tell (40 + i, lists[i]);
        stage_run_ms (2000);
        s_no_links ();
        assert_int_equal (s_nodes (), 123);
    }
    assert_true (g_stage.node.members_asked >= sizeof lists / sizeof *lists);
}

/*  RESULT of NODE to a question that it was not asked, or with another index. */
static void
s_result (uint32_t node, uint64_t index)
{
    hf_pack_t rows, frame;
    hf_pack_init (&rows);
    hf_pack_init (&frame);
    for (const hf_member_row_t *row = s_changed; row->node != 0; row++)
        hf_member_row_put (&rows, row);
    hf_query_result_frame (
        &frame,
        &(hf_query_result_t){.id = g_stage.query.id, .index = index, .rows = hf_pack_list (&rows)});
    hf_pack_done (&rows);
    stage_pack (node, &frame);
}

STAGE_TEST (test_only_the_node_that_was_asked_may_answer_and_not_with_an_older_roster, 3, 3000)
{
    s_tell (40, s_as_given);
    stage_run_ms (1500);
    s_tell (50, NULL);
    while (g_stage.node.members_asked < 2)
        stage_run_ms (10);
    assert_int_equal (g_stage.query.what, HF_WHAT_MEMBERS);
    s_result (2, 50);
    s_no_links ();
    s_result (1, 39);
    s_no_links ();
    s_result (1, 50); //  answered, with an older one
    s_no_links ();
    //  The leader itself may have an older one: a roster that was not committed is gone.
    s_tell (30, s_changed);
    stage_run_ms (1500);
    assert_int_equal (s_nodes (), 124);
}

//  ---- nobody can be reached --------------------------------------------------------------

STAGE_TEST (test_addresses_that_were_given_are_tried_when_no_other_answers, 3, 60000)
{
    //  Of the program's own: it reaches no other.
    static const hf_member_row_t elsewhere[] = {
        MEMBER (1, "x", 1), MEMBER (2, "y", 2), MEMBER (3, "z", 3), {.node = 0}};
    s_tell (40, elsewhere);
    while (g_stage.node.members_asked == 0)
        stage_run_ms (100);
    s_link (0, 1, "x", 1);
    s_link (1, 2, "y", 2);
    s_link (2, 3, "z", 3);
    stage_run_ms (2000);
    s_link (0, 1, "a", 1);
    s_link (1, 2, "b", 2);
    s_link (2, 3, "c", 3);
    for (uint32_t node = 1; node <= 3; node++)
        s_connect (node);
    stage_run_ms (50000);
    s_no_links (); //  the same roster: it stays with what it reaches
    assert_int_equal (g_stage.node.members_asked, 1);
    stage_quiet ();
}

/*  It says so itself: then it never leaves them, and new nodes are where the roster says. */
STAGE_TEST (test_addresses_that_are_fixed_are_kept, 1, 0)
{
    static const hf_member_row_t elsewhere[] = {
        MEMBER (1, "x", 1), MEMBER (2, "y", 2), MEMBER (4, "d", 4), {.node = 0}};
    static const uint8_t nonce[HF_NONCE_SIZE] = {7};
    stage_close (NULL);
    stage_open_with (3, 0, true);
    s_tell (40, elsewhere);
    stage_submit (hf_op_open (nonce, 3000));
    stage_expect (HF_OK, 0);
    s_link (2, 4, "d", 4);
    s_no_links ();
}

STAGE_TEST (test_both_lists_take_turns_and_the_leader_is_found_in_either, 3, 60000)
{
    s_tell (40, s_all_new);
    while (g_stage.node.members_asked == 0)
        stage_run_ms (100);
    g_stage.leader = 0;
    assert_int_equal (s_nodes (), 45);
    s_link (0, 4, "d", 4);
    s_link (1, 5, "e", 5);
    s_link (2, 0, "", 0);
    stage_run_ms (2000);
    assert_int_equal (s_nodes (), 123);
    s_link (0, 1, "a", 1);
    s_link (1, 2, "b", 2);
    s_link (2, 3, "c", 3);
    stage_run_ms (2000);
    assert_int_equal (s_nodes (), 45);
    s_link (0, 4, "d", 4);
    s_link (1, 5, "e", 5);
    s_link (2, 0, "", 0);
    s_connect (5); //  connected: no more turns
    stage_run_ms (5000);
    assert_int_equal (s_nodes (), 45);
    s_break (5);
    stage_run_ms (1900);
    assert_int_equal (s_nodes (), 45);
    stage_run_ms (200);
    assert_int_equal (s_nodes (), 123);
    //  One of these is a member all the same, but does not lead.
    g_stage.names[2] = 4;
    s_connect (2);
    stage_run_ms (1000);
    assert_int_equal (s_nodes (), 45);
    g_stage.leader = 4;
    s_connect (4);
    stage_run_ms (30000);
    assert_true (g_stage.counts[4][HF_KIND_KEEPALIVE] > 0);
    stage_quiet ();
}

//  ---- the program asks ----------------------------------------------------------------------

static void
s_done (uint32_t node, hf_status_t status, uint64_t index)
{
    hf_pack_t frame;
    hf_pack_init (&frame);
    hf_query_result_frame (
        &frame,
        &(hf_query_result_t){.id = g_stage.change.id, .status = (uint32_t)status, .index = index});
    stage_pack (node, &frame);
}

static void
s_change (uint64_t id, uint64_t limit_us)
{
    hf_op_t *op = hf_op_change (&(hf_change_request_t){.id = id,
                                                       .op = HF_CHANGE_ADD,
                                                       .node = 4,
                                                       .host = hf_span_text ("d"),
                                                       .client_port = 4,
                                                       .node_port = 5});
    op->limit_us = limit_us;
    stage_submit (op);
}

STAGE_TEST (test_a_change_goes_to_whoever_leads_with_the_same_id, 3, 0)
{
    s_change (77, HF_NEVER);
    assert_int_equal (g_stage.counts[1][HF_KIND_CHANGE], 1);
    assert_true (g_stage.change.op == HF_CHANGE_ADD && g_stage.change.node == 4);
    stage_run_ms (2500); //  it is not decided yet
    assert_true (g_stage.counts[1][HF_KIND_CHANGE] > 1);
    stage_quiet ();
    g_stage.leader = 2;
    g_stage.term = 2;
    stage_refuse (1, HF_NOT_LEADER, 2, 2);
    stage_run_ms (0);
    assert_int_equal (g_stage.counts[2][HF_KIND_CHANGE], 1);
    assert_int_equal (g_stage.change.id, 77);
    s_done (2, HF_OK, 60);
    hf_op_t *op = stage_result ();
    assert_true (op->result.status == HF_OK && op->result.index == 60);
    hf_op_free (op);
    s_change (78, HF_NEVER);
    s_done (2, HF_CHANGING, 60);
    stage_expect (HF_CHANGING, 0);
    s_change (79, g_stage.now_us + 3000000);
    stage_run_ms (3100);
    stage_expect (HF_TIMEOUT, 0);
}

STAGE_TEST (test_a_list_that_the_program_asked_for_is_followed, 3, 0)
{
    hf_op_t *op = hf_op_query (HF_NODE_LEADER, HF_WHAT_MEMBERS, "", 0, 0);
    op->limit_us = HF_NEVER;
    s_tell (40, s_changed);
    stage_submit (op);
    stage_expect (HF_OK, 0);
    assert_int_equal (s_nodes (), 124);
    s_link (1, 2, "m", 2);
    s_link (2, 4, "d", 4);
    s_no_links ();
}

HF_TEST_MAIN (NULL, NULL)
