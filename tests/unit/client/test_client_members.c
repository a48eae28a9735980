//  The library with its thread and real sockets: it follows the members.

#include "tests/unit/client/fixture.h"

/*  NODE, named HOST, at the port of fake AT. */
static hf_member_row_t
s_member (uint32_t node, const char *host, int at)
{
    return (hf_member_row_t){.node = node,
                             .host = hf_span_text (host),
                             .client_port = g_x.port[at].number,
                             .node_port = 1,
                             .votes = true};
}

static void
s_tell (uint64_t roster, const hf_member_row_t *members)
{
    for (int i = 0; i < FAKES_MAX; i++)
        fake_tell (g_x.fake[i], roster, members);
}

/*  Fake AT leads as node LEADER; the others name it. */
static void
s_lead (int at, uint32_t leader, uint64_t term)
{
    for (int i = 0; i < FAKES_MAX; i++)
        fake_follow (g_x.fake[i], i != at, leader, term);
}

/*  A cycle, with fake AT. */
static void
s_cycle (int at, uint64_t token)
{
    seen_t seen;
    hf_submit_acquire (g_x.session, "a", NULL, seen_result, NULL);
    const got_t *got = got_requests (at);
    fake_answer (g_x.fake[at], g_x.id, got->request[0].seq, HF_OK, token * 10, token, 0);
    assert_true (seen_take (&seen, LONG_MS));
    assert_true (seen.event == 0 && seen.status == HF_OK && seen.token == token);
    hf_submit_release (g_x.session, "a", token, seen_result, NULL);
    got = got_requests (at);
    fake_answer (g_x.fake[at], g_x.id, got->request[0].seq, HF_OK, token * 10 + 1, 0, 0);
    assert_true (seen_take (&seen, LONG_MS));
    assert_true (seen.event == 0 && seen.status == HF_OK);
}

/*  Two nodes are given; the first goes, a third comes, under a name; then the second moves to where
 *  the first was. */
FIXTURE_TEST (test_members_come_go_and_move_and_the_session_goes_on, 2, 3000)
{
    g_x.port[2] = hf_port_take ();
    g_x.fake[2] = fake_new (g_x.port[2].number, NODE_LEADS | NODE_CLOSE);
    uint32_t ids[HF_MEMBERS_MAX];
    s_cycle (0, 7);
    hf_member_row_t first[] = {s_member (2, "127.0.0.1", 1), s_member (3, "localhost", 2), {0}};
    s_tell (40, first);
    assert_true (
        HF_WAIT (hf_client_nodes (g_x.client, ids) == 2 && ids[0] == 2 && ids[1] == 3, LONG_MS));
    s_lead (2, 3, 5);
    s_cycle (2, 8);
    hf_member_row_t then[] = {s_member (2, "127.0.0.1", 0), s_member (3, "127.0.0.1", 2), {0}};
    uint32_t asked = fake_count (g_x.fake[2], HF_KIND_QUERY);
    s_tell (50, then);
    assert_true (HF_WAIT (fake_count (g_x.fake[2], HF_KIND_QUERY) > asked, LONG_MS));
    s_lead (0, 2, 6);
    s_cycle (0, 9);
    assert_int_equal (hf_client_nodes (g_x.client, ids), 2);
    assert_int_equal (hf_query_status (g_x.client, 1, NULL, NULL, 0), HF_INVALID);
    hf_session_leave (&g_x.session);
}

HF_TEST_MAIN (NULL, NULL)
