//  The library with its thread and real sockets: it follows the members.

#include "tests/unit/client/fixture.h"
#include <pthread.h>

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
    for (int i = 0; i < FAKES_MAX && g_x.fake[i]; i++)
        fake_tell (g_x.fake[i], roster, members);
}

/*  Fake AT leads as node LEADER; the others name it. */
static void
s_lead (int at, uint32_t leader, uint64_t term)
{
    for (int i = 0; i < FAKES_MAX; i++)
        fake_follow (g_x.fake[i], i != at, leader, term);
}

/*  The sequence number of the next request that reaches fake AT, after LAST: a client that was
 *  refused by two nodes sends what is out twice. */
static uint64_t
s_asked (int at, uint64_t last)
{
    uint64_t seq;
    do
        seq = got_requests (at)->request[0].seq;
    while (seq <= last);
    return seq;
}

/*  A cycle, with fake AT. */
static void
s_cycle (int at, uint64_t token)
{
    static uint64_t last; //  of the one session that has cycles
    seen_t seen;
    hf_submit_acquire (g_x.session, "a", NULL, seen_result, NULL);
    last = s_asked (at, last);
    fake_answer (g_x.fake[at], g_x.id, last, HF_OK, token * 10, token, 0);
    assert_true (seen_take (&seen, LONG_MS));
    assert_true (seen.event == 0 && seen.status == HF_OK && seen.token == token);
    hf_submit_release (g_x.session, "a", token, seen_result, NULL);
    last = s_asked (at, last);
    fake_answer (g_x.fake[at], g_x.id, last, HF_OK, token * 10 + 1, 0, 0);
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
    s_tell (50, NULL); //  the rows end here
}

//  ---- the calls ---------------------------------------------------------------------

static void
s_on_member (void *arg, const hf_member_info_t *info)
{
    char *text = arg;
    snprintf (text + strlen (text), 60, "%u@%s:%u:%u%s ", info->id, info->host, info->client_port,
              info->node_port, info->votes ? " votes" : "");
}

FIXTURE_TEST (test_members_are_asked_for, 1, 0)
{
    char text[200] = "";
    hf_roster_info_t info;
    hf_member_row_t rows[] = {s_member (1, "127.0.0.1", 0), {0}, {0}};
    s_tell (40, rows);
    assert_int_equal (hf_query_members (g_x.client, NULL, &info, s_on_member, text, LONG_MS),
                      HF_OK);
    assert_true (info.index == 40 && info.level == 1 && info.count == 1);
    char expected[200];
    snprintf (expected, sizeof expected, "1@127.0.0.1:%u:1 votes ", g_x.port[0].number);
    assert_string_equal (text, expected);
    assert_int_equal (hf_query_members (g_x.client, NULL, NULL, NULL, NULL, LONG_MS), HF_OK);
    assert_int_equal (hf_query_members (NULL, NULL, NULL, NULL, NULL, LONG_MS), HF_INVALID);
    hf_query_options_t stale = HF_QUERY_OPTIONS_INIT;
    stale.stale = true;
    assert_int_equal (hf_query_members (g_x.client, &stale, NULL, NULL, NULL, LONG_MS), HF_OK);
    //  A row that is none.
    hf_member_row_t bad[] = {rows[0], {0}};
    bad[0].client_port = 65536;
    s_tell (40, bad);
    assert_int_equal (hf_query_members (g_x.client, NULL, NULL, NULL, NULL, LONG_MS), HF_MALFORMED);
    s_tell (40, NULL); //  the rows end here
}

/*  A node answers the change that it is asked for, from a thread of its own. */
static void *
s_decide (void *arg)
{
    hf_change_request_t *change = arg;
    fake_frame_t *frame = fake_take (g_x.fake[0], HF_KIND_CHANGE, LONG_MS);
    if (!frame || !hf_change_request_get (&frame->scan, change))
        return NULL;
    change->host = hf_span (NULL, change->host.size);
    hf_pack_t pack;
    hf_pack_init (&pack);
    hf_query_result_frame (&pack, &(hf_query_result_t){.id = change->id, .index = 60});
    fake_send (g_x.fake[0], &pack);
    free (frame);
    return NULL;
}

FIXTURE_TEST (test_a_change_of_the_members_is_asked_for, 1, 0)
{
    hf_member_change_t change = HF_MEMBER_CHANGE_INIT;
    hf_change_request_t got = {.id = 0};
    pthread_t thread;
    uint64_t index = 0;
    change.op = HF_MEMBER_ADD;
    change.node = 4;
    change.host = "delta";
    change.client_port = 8080;
    change.node_port = 8081;
    change.learns = true;
    pthread_create (&thread, NULL, s_decide, &got);
    assert_int_equal (hf_change_members (g_x.client, &change, &index, LONG_MS), HF_OK);
    pthread_join (thread, NULL);
    assert_true (index == 60 && change.id != 0 && got.id == change.id);
    assert_true (got.op == HF_CHANGE_ADD && got.node == 4 && got.host.size == 5);
    assert_true (got.client_port == 8080 && got.node_port == 8081 && got.learns && !got.force);
    //  The same again has the same id; it is not answered.
    assert_int_equal (hf_change_members (g_x.client, &change, NULL, 300), HF_TIMEOUT);
    assert_int_equal (change.id, got.id);
    change.id = UINT64_MAX;
    assert_int_equal (hf_change_members (g_x.client, &change, NULL, 300), HF_INVALID);
    assert_int_equal (hf_change_members (g_x.client, NULL, NULL, 300), HF_INVALID);
}

HF_TEST_MAIN (NULL, NULL)
