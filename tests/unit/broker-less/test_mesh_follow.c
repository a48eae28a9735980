/*  The mesh follows members that come, go and move while it runs. */
#define NODES 5
#include "test_mesh.h"

#define OURS   0x1234
#define THEIRS 0xabcd

//  ---- members -----------------------------------------------------------------------

/*  The nodes of s_list whose ids are in MASK. */
static hf_endpoints_t
members (unsigned mask)
{
    hf_endpoints_t list = {.count = 0};
    for (uint32_t i = 0; i < s_list.count; i++) {
        if ((mask >> s_list.node[i].id & 1) != 0)
            hf_endpoints_add (&list, &s_list.node[i]);
    }
    return list;
}

#define M(id) (1U << (id))

static void
follow (uint32_t id, unsigned mask)
{
    hf_endpoints_t list = members (mask);
    hf_mesh_follow (s_mesh[id - 1], &list, OURS);
    s_tick_us[id - 1] = hf_mesh_tick (s_mesh[id - 1], test_now_us ());
}

/*  Start node ID with LIST, or to join the nodes of LIST. */
static void
start_with (uint32_t id, const hf_endpoints_t *list)
{
    char error[HF_ERROR_SIZE];
    const hf_endpoint_t *own = hf_endpoints_find (&s_list, id);
    hf_listen_t listen = test_listen (own);
    hf_mesh_t *mesh = NULL;
    for (uint64_t from = test_now_us (); mesh == NULL && test_now_us () - from < TEST_LIMIT_US;)
        mesh = hf_mesh_new (s_context, list, own, &listen, error);
    assert_non_null (mesh);
    s_mesh[id - 1] = mesh;
    s_seen[id - 1] = (seen_t){.last_size = 0};
    s_tick_us[id - 1] = 0;
}

/*  Nodes 1, 2 and 3 are a cluster with an id; s_list has two more. */
static int
begin (void **state)
{
    setup (state);
    hf_endpoints_t first = members (M (1) | M (2) | M (3));
    for (uint32_t id = 1; id <= 3; id++) {
        start_with (id, &first);
        follow (id, M (1) | M (2) | M (3));
    }
    UNTIL (all_up ());
    return 0;
}

#define TEST(name) HF_TEST_WITH (name, begin, teardown)

static bool
up (uint32_t at, uint32_t node)
{
    return s_seen[at - 1].up[node] > s_seen[at - 1].down[node];
}

/*  A frame of node FROM arrives AT that node; as a frame may be sent before its first HELLO, it is
 * sent again. */
static void
until_frame (uint32_t from, uint32_t at)
{
    unsigned frames = s_seen[at - 1].frames[from];
    UNTIL_BY (
        {
            send_newer_term (from, 0, 1);
            turn ();
        },
        s_seen[at - 1].frames[from] > frames);
}

//  ---- coming and going --------------------------------------------------------------

TEST (a_node_joins_and_is_a_peer_from_then_on)
{
    hf_endpoints_t contacts = members (M (1) | M (2) | M (3));
    start_with (4, &contacts);
    for (uint32_t id = 1; id <= 3; id++)
        until_frame (id, 4); //  it hears them, and they do not hear it
    assert_int_equal (s_seen[3].up[1] + s_seen[0].up[4] + s_seen[0].frames[4], 0);

    unsigned all = M (1) | M (2) | M (3) | M (4);
    for (uint32_t id = 1; id <= 3; id++)
        follow (id, all);
    for (uint32_t id = 1; id <= 3; id++) {
        UNTIL (up (id, 4) && up (4, id));
        until_frame (4, id);
    }
    follow (4, all);
    for (uint32_t id = 1; id <= 3; id++) {
        until_frame (id, 4);
        assert_int_equal (s_seen[3].down[id] + s_seen[3].peers[id], 0);
        assert_int_equal (s_seen[id - 1].peers[4], 1);
        assert_int_equal (hf_mesh_dropped (s_mesh[id - 1]), 0);
    }
    char text[HF_ENDPOINTS_TEXT_SIZE];
    snprintf (text, sizeof (text), "connects to node 4 at 127.0.0.1:%u, as the members are now",
              (unsigned)s_list.node[3].node_port);
    assert_string_equal (s_seen[0].text, text);
}

TEST (a_removed_node_is_not_heard_any_more)
{
    send_newer_term (3, 0, 1);
    follow (1, M (1) | M (2));
    for (unsigned i = 0; i < 200; i++)
        send_newer_term (3, 0, 1);
    UNTIL (s_seen[0].down[3] == 1);
    until_frame (3, 2);
    assert_int_equal (s_seen[0].frames[3], 0);
    //  It goes on hearing node 1, but sees that it is not heard.
    until_frame (1, 3);
    UNTIL (s_seen[2].down[1] == 1);
    until_frame (1, 3);
    assert_int_equal (s_seen[2].broken[1], 0);
    //  Its end is not seen as a break, and what stayed was not disturbed.
    hf_mesh_destroy (&s_mesh[2]);
    UNTIL (s_seen[1].broken[3] == 1);
    until_frame (2, 1);
    assert_int_equal (s_seen[0].broken[3] + s_seen[0].frames[3], 0);
    assert_int_equal (s_seen[0].down[2] + s_seen[1].down[1], 0);
    assert_int_equal (s_seen[0].peers[3], 1);
    assert_non_null (strstr (s_seen[0].text, "disconnects from node 3 at 127.0.0.1:"));
}

/*  A break that was not reported yet is not reported any more. */
TEST (a_node_that_died_before_it_was_removed_is_only_down)
{
    void *sockets[HF_MESH_SOCKETS];
    hf_mesh_sockets (s_mesh[0], sockets);
    hf_mesh_destroy (&s_mesh[2]);
    zmq_pollitem_t item = {.socket = sockets[1], .events = ZMQ_POLLIN};
    assert_int_equal (zmq_poll (&item, 1, 10000), 1);
    follow (1, M (1) | M (2));
    UNTIL (s_seen[0].down[3] == 1 && s_seen[1].broken[3] == 1);
    until_frame (2, 1);
    assert_int_equal (s_seen[0].broken[3], 0);
}

/*  A removed node comes back: it is a new peer. */
TEST (a_node_may_go_and_come_again)
{
    for (unsigned round = 1; round <= 10; round++) {
        follow (1, M (1) | M (2));
        UNTIL (s_seen[0].down[3] == round);
        follow (1, M (1) | M (2) | M (3));
        UNTIL (s_seen[0].up[3] == round + 1);
        until_frame (3, 1);
    }
    //  At once, so that nothing was seen of it in between.
    follow (1, M (1) | M (2));
    follow (1, M (1) | M (2) | M (3));
    UNTIL (s_seen[0].down[3] == 11 && s_seen[0].up[3] == 12);
    assert_int_equal (s_seen[0].broken[3] + s_seen[0].down[2], 0);
    assert_int_equal (hf_mesh_dropped (s_mesh[0]), 0);
}

TEST (the_same_members_again_change_nothing)
{
    for (unsigned i = 0; i < 100; i++) {
        follow (1, M (1) | M (2) | M (3));
        turn ();
    }
    follow (1, M (2) | M (3)); //  without itself, too
    until_frame (2, 1);
    until_frame (3, 1);
    for (uint32_t id = 2; id <= 3; id++)
        assert_int_equal (s_seen[0].down[id] + s_seen[0].peers[id] + s_seen[0].broken[id], 0);
}

//  ---- moving ------------------------------------------------------------------------

/*  Node 3 is started again at another port, while the old process is still there and speaks. */
TEST (a_moved_node_is_taken_from_its_new_place_only)
{
    hf_mesh_t *old = s_mesh[2];
    s_list.node[2].node_port = s_list.node[3].node_port;
    for (uint32_t id = 1; id <= 2; id++)
        follow (id, M (1) | M (2) | M (3));
    UNTIL (s_seen[0].down[3] == 1 && s_seen[1].down[3] == 1);
    for (unsigned i = 0; i < 50; i++) {
        send_newer_term (3, 0, 1);
        turn ();
    }
    assert_int_equal (s_seen[0].frames[3] + s_seen[1].frames[3], 0);
    assert_int_equal (s_seen[0].up[3] + s_seen[1].up[3], 2);

    hf_endpoints_t list = members (M (1) | M (2) | M (3));
    start_with (3, &list);
    follow (3, M (1) | M (2) | M (3));
    UNTIL (s_seen[0].up[3] == 2 && s_seen[1].up[3] == 2);
    until_frame (3, 1);
    hf_mesh_destroy (&old);
    until_frame (3, 1);
    until_frame (3, 2);
    assert_int_equal (s_seen[0].broken[3] + s_seen[1].broken[3], 0);
    assert_int_equal (s_seen[0].down[2] + s_seen[1].down[1], 0);
}

/*  Two nodes change places: an address that one leaves and the other takes is a new connection. */
TEST (two_nodes_change_places)
{
    hf_mesh_destroy (&s_mesh[1]);
    hf_mesh_destroy (&s_mesh[2]);
    uint16_t port = s_list.node[1].node_port;
    s_list.node[1].node_port = s_list.node[2].node_port;
    s_list.node[2].node_port = port;
    hf_endpoints_t list = members (M (1) | M (2) | M (3));
    start_with (2, &list);
    start_with (3, &list);
    for (uint32_t id = 1; id <= 3; id++)
        follow (id, M (1) | M (2) | M (3));
    uint64_t from_us = test_now_us ();
    UNTIL (s_seen[0].up[2] == 2 && s_seen[0].up[3] == 2);
    assert_in_range (test_now_us () - from_us, 0, 1900000); //  a lost connection is made anew later
    until_frame (2, 1);
    until_frame (3, 1);
    assert_int_equal (s_seen[0].down[2], 1);
    assert_int_equal (s_seen[0].down[3], 1);
}

/*  Another node in the place of one that is removed. */
TEST (a_node_takes_the_place_of_another)
{
    hf_mesh_destroy (&s_mesh[2]);
    s_list.node[3].node_port = s_list.node[2].node_port;
    hf_endpoints_t contacts = members (M (1) | M (2));
    start_with (4, &contacts);
    follow (1, M (1) | M (2) | M (4));
    UNTIL (up (1, 4) && up (4, 1) && s_seen[0].down[3] == 1);
    until_frame (4, 1);
}

TEST (a_new_peer_may_have_a_name)
{
    hf_endpoints_t contacts = members (M (1) | M (2) | M (3));
    start_with (4, &contacts);
    snprintf (s_list.node[3].host, sizeof (s_list.node[3].host), "localhost");
    snprintf (s_list.node[4].host, sizeof (s_list.node[4].host), "no-such-host.invalid");
    follow (1, M (1) | M (2) | M (3) | M (4) | M (5));
    UNTIL (up (1, 4) && s_seen[0].names[0] != 0);
    assert_non_null (strstr (s_seen[0].names, "cannot resolve no-such-host.invalid"));
    //  While it is looked up again, it goes: the answer is nobody's.
    for (unsigned i = 0; i < 20; i++) {
        follow (1, M (1) | M (2) | M (3) | M (4));
        turn ();
        follow (1, M (1) | M (2) | M (3) | M (4) | M (5));
        turn ();
    }
    follow (1, M (1) | M (2) | M (3) | M (4));
    UNTIL (s_seen[0].names[0] == 0);
    assert_int_equal (s_seen[0].down[4], 0);
}

//  ---- what stays is not disturbed ------------------------------------------------------

/*  Node 2 counts; whatever else node 1 connects to and leaves, no number is missing. */
TEST (nothing_is_lost_of_a_peer_that_stays)
{
    hf_endpoints_t contacts = members (M (1) | M (2) | M (3));
    start_with (4, &contacts);
    hf_random_t random = {11};
    unsigned sent = 0;
    uint64_t end_us = test_now_us () + 2000000;
    for (unsigned round = 0; test_now_us () < end_us || round < 200; round++) {
        for (unsigned i = 0; i < 20; i++) {
            send_newer_term (2, 0, ++sent);
            send_newer_term (3, 0, 1);
            send_newer_term (4, 0, 1);
        }
        //  Changes fall between a poll of the sockets and the next message, too.
        if (hf_random_below (&random, 2) == 0)
            turn ();
        follow (1, M (1) | M (2) | (unsigned)hf_random_below (&random, 4) << 3);
        if (hf_random_below (&random, 2) == 0)
            follow (1, M (1) | M (2) | (unsigned)hf_random_below (&random, 4) << 3);
    }
    UNTIL (s_seen[0].frames[2] == sent);
    assert_int_equal (s_seen[0].down[2] + s_seen[0].broken[2] + s_seen[0].broken[3], 0);
    assert_true (s_seen[0].peers[3] > 20 && s_seen[0].peers[4] > 20);
}

/*  A SUB that was polled holds the first part of a message: closing its connection must wait. */
TEST (a_peer_is_left_while_its_message_is_half_read)
{
    void *sockets[HF_MESH_SOCKETS];
    hf_mesh_sockets (s_mesh[0], sockets);
    for (unsigned round = 0; round < 20; round++) {
        UNTIL (up (1, 3));
        unsigned frames = s_seen[0].frames[3];
        for (unsigned i = 0; i < 20; i++)
            send_newer_term (3, 0, 1);
        zmq_pollitem_t item = {.socket = sockets[0], .events = ZMQ_POLLIN};
        assert_int_equal (zmq_poll (&item, 1, 10000), 1);
        follow (1, M (1) | M (2));
        until_frame (2, 1);
        assert_int_equal (s_seen[0].frames[3], frames);
        follow (1, M (1) | M (2) | M (3));
    }
}

//  ---- clusters ------------------------------------------------------------------------

/*  A cluster of node 4 alone, whose list has node 1 in it, and which node 1 takes for a member. */
TEST (two_clusters_never_mix)
{
    hf_endpoints_t theirs = members (M (1) | M (4));
    start_with (4, &theirs);
    hf_mesh_follow (s_mesh[3], &theirs, THEIRS);
    follow (1, M (1) | M (2) | M (3) | M (4));
    UNTIL (s_seen[0].foreign[4] == 1 && s_seen[3].foreign[1] == 1);
    assert_string_equal (s_seen[0].text,
                         "node 4 is of cluster 000000000000abcd and this node of cluster "
                         "0000000000001234: its messages are dropped, since two clusters never "
                         "mix. If one of both was recovered from one disk, the node of the other "
                         "one is left over: wipe that, and add it. Else one of them has the data "
                         "folder of another cluster, or a wrong address in its list");
    uint64_t dropped = hf_mesh_dropped (s_mesh[0]);
    for (unsigned i = 0; i < 10; i++)
        send_newer_term (4, 0, 1);
    UNTIL (hf_mesh_dropped (s_mesh[0]) >= dropped + 10);
    uint64_t from_us = test_now_us ();
    UNTIL (test_now_us () - from_us > 700000); //  some HELLOs more
    assert_int_equal (s_seen[0].frames[4] + s_seen[0].up[4] + s_seen[0].other[4], 0);
    assert_int_equal (s_seen[0].foreign[4], 1);
    assert_int_equal (s_seen[3].foreign[1], 1);

    hf_mesh_follow (s_mesh[3], &theirs, OURS); //  as if it had been ours
    UNTIL (up (1, 4) && up (4, 1));
    until_frame (4, 1);
    assert_int_equal (s_seen[0].foreign[4], 1);
}

TEST (lists_do_not_matter_in_one_cluster)
{
    hf_mesh_destroy (&s_mesh[2]);
    hf_endpoints_t other = members (M (3) | M (1) | M (5));
    start_with (3, &other);
    UNTIL (s_seen[0].other[3] == 1); //  until its id is known
    assert_int_equal (s_seen[2].frames[1], 0);
    follow (3, M (1) | M (2) | M (3));
    UNTIL (up (1, 3) && up (3, 1) && up (2, 3) && up (3, 2));
    until_frame (3, 1);
    until_frame (1, 3);
    assert_int_equal (s_seen[0].other[3], 1);
    assert_int_equal (s_seen[0].foreign[3] + s_seen[2].foreign[1], 0);
}

/*  An id that comes to be known disturbs nobody, in whatever order the nodes learn it. */
HF_TEST_WITH (a_cluster_gets_its_id_while_it_runs, setup, teardown)
{
    s_list = members (M (1) | M (2) | M (3));
    for (uint32_t id = 1; id <= 3; id++)
        start (id);
    UNTIL (up (1, 2) && up (1, 3) && up (2, 1) && up (2, 3) && up (3, 1) && up (3, 2));
    for (uint32_t id = 1; id <= 3; id++) {
        hf_endpoints_t list = members (M (1) | M (2) | M (3));
        hf_mesh_follow (s_mesh[id - 1], &list, 0); //  not sure yet
        follow (id, M (1) | M (2) | M (3));
        hf_mesh_follow (s_mesh[id - 1], &list, 0);
        uint64_t from_us = test_now_us ();
        UNTIL (test_now_us () - from_us > 300000); //  a HELLO of each
        for (uint32_t from = 1; from <= 3; from++) {
            until_frame (from, from % 3 + 1);
            until_frame (from, (from + 1) % 3 + 1);
        }
    }
    for (unsigned i = 0; i < 3; i++) {
        for (uint32_t id = 1; id <= 3; id++)
            assert_int_equal (s_seen[i].down[id] + s_seen[i].other[id] + s_seen[i].foreign[id], 0);
    }
}

/*  A node that joins keeps to the first cluster that it hears of. */
TEST (a_node_joins_one_cluster_only)
{
    hf_endpoints_t theirs = members (M (4));
    start_with (4, &theirs);
    hf_endpoints_t contacts = members (M (1) | M (4));
    hf_mesh_t *mesh = s_mesh[3];
    s_mesh[3] = NULL; //  it says nothing yet
    start_with (5, &contacts);
    until_frame (1, 5);
    s_mesh[3] = mesh;
    hf_mesh_follow (mesh, &theirs, THEIRS);
    s_tick_us[3] = 0;
    UNTIL (s_seen[4].foreign[4] == 1);
    until_frame (1, 5);
    uint64_t dropped = hf_mesh_dropped (s_mesh[4]);
    send_newer_term (4, 0, 1);
    UNTIL (hf_mesh_dropped (s_mesh[4]) > dropped);
    assert_int_equal (s_seen[4].frames[4], 0);
}

/*  ... and none that has no id: of level 0. */
HF_TEST_WITH (a_cluster_without_an_id_cannot_be_joined, setup, teardown)
{
    hf_endpoints_t one = members (M (1));
    start_with (1, &one);
    start_with (2, &one);
    UNTIL (s_seen[1].foreign[1] == 1);
    assert_string_equal (s_seen[1].text,
                         "the cluster of node 1 has no id yet, so that no node can join it: its "
                         "messages are dropped until the cluster's feature level is raised");
    hf_mesh_follow (s_mesh[0], &one, OURS);
    until_frame (1, 2);
    assert_int_equal (s_seen[1].foreign[1], 1);
}

/*  Who joined lets those in that are started with the list of the members. */
TEST (who_joined_knows_the_members_list)
{
    hf_endpoints_t contacts = members (M (1) | M (2) | M (3));
    unsigned all = M (1) | M (2) | M (3) | M (4) | M (5);
    start_with (4, &contacts);
    for (uint32_t id = 1; id <= 4; id++)
        follow (id, all);
    hf_endpoints_t list = members (all);
    start_with (5, &list); //  its disk is empty
    UNTIL (up (4, 5) && up (5, 4));
    assert_int_equal (s_seen[0].other[5] + s_seen[4].other[1], 2); //  not those with an older list
}

HF_TEST_MAIN (NULL, NULL)
