/*  The mesh and a peer made by hand: other lists, other processes, order, malformed messages. */
#include "test_mesh.h"

#include "base/hf_hash.h"

//  ---- a peer made by hand -----------------------------------------------------------

static void *s_pub; //  in the place of node 2; node 1 is the only mesh
static char s_own[HF_ENDPOINTS_TEXT_SIZE];
static seen_t *const s_got = &s_seen[0];

/*  A PUB in the place of node ID, of the kind that shows who subscribes. */
static void *
forge_pub (uint32_t id)
{
    char address[HF_HOST_MAX + 32];
    void *pub = zmq_socket (s_context, ZMQ_XPUB);
    int linger = 2000;
    int limit = 0;
    int verbose = 1;
    zmq_setsockopt (pub, ZMQ_LINGER, &linger, sizeof (linger));
    zmq_setsockopt (pub, ZMQ_SNDHWM, &limit, sizeof (limit));
    zmq_setsockopt (pub, ZMQ_XPUB_VERBOSE, &verbose, sizeof (verbose));
    test_address (&s_list.node[id - 1], s_list.node[id - 1].node_port, address);
    uint64_t until_us = test_now_us () + TEST_LIMIT_US;
    while (zmq_bind (pub, address) != 0)
        assert_true (test_now_us () < until_us);
    return pub;
}

/*  Node 1 subscribes to two topics; from then on it gets all that PUB sends. */
static void
until_subscribed (void *pub)
{
    for (unsigned left = 2; left > 0;) {
        char topic[16];
        UNTIL (zmq_recv (pub, topic, sizeof (topic), ZMQ_DONTWAIT) > 0);
        left -= topic[0] == 1;
    }
}

static int
forge (void **state)
{
    setup (state);
    hf_endpoints_text (&s_list, s_own);
    s_pub = forge_pub (2);
    start (1);
    until_subscribed (s_pub);
    return 0;
}

static int
unforge (void **state)
{
    zmq_close (s_pub);
    return teardown (state);
}

#define TEST(name) HF_TEST_WITH (name, forge, unforge)

static void
publish (void *pub, hf_pack_t *pack)
{
    zmq_send (pub, "HF\0", 4, ZMQ_SNDMORE);
    zmq_send (pub, hf_pack_bytes (pack), hf_pack_size (pack), 0);
    hf_pack_done (pack);
}

static void
publish_term (void *pub, uint32_t from, uint64_t term)
{
    hf_pack_t pack;
    hf_pack_init (&pack);
    hf_newer_term_frame (&pack, &(hf_newer_term_t){.from = from, .term = term});
    publish (pub, &pack);
}

/*  The frame of a HELLO that echoes one nonce; none when NODE is 0. */
static void
pack_hello (hf_pack_t *pack, hf_hello_t hello, const char *list, uint32_t node, uint64_t echoed)
{
    hf_pack_t echoes;
    hf_pack_init (pack);
    hf_pack_init (&echoes);
    if (node != 0)
        hf_echo_put (&echoes, &(hf_echo_t){.node = node, .nonce = echoed});
    hello.list = hf_span_text (list);
    hello.list_hash = hf_hash (0, list, strlen (list));
    hello.echoes = hf_pack_list (&echoes);
    hf_hello_frame (pack, &hello);
    hf_pack_done (&echoes);
}

static void
publish_hello (void *pub, uint32_t from, const char *list, uint64_t nonce, uint32_t node,
               uint64_t echoed)
{
    hf_pack_t pack;
    pack_hello (&pack, (hf_hello_t){.from = from, .nonce = nonce}, list, node, echoed);
    publish (pub, &pack);
}

/*  A HELLO of node 2, which is of CLUSTER. */
static void
publish_cluster (const char *list, uint64_t cluster)
{
    hf_pack_t pack;
    pack_hello (&pack, (hf_hello_t){.from = 2, .nonce = 9, .cluster = cluster}, list, 0, 0);
    publish (s_pub, &pack);
}

/*  A HELLO of node 2 with the right list, which echoes nothing; NONCE: of its process. */
static void
publish_own (uint64_t nonce)
{
    publish_hello (s_pub, 2, s_own, nonce, 0, 0);
}

/*  What PUB sent before is taken in when a frame of an unknown id behind it is dropped.
    REFUSED frames before that one are to be dropped too, of those not read so far. */
static void
until_refused (void *pub, unsigned refused)
{
    uint64_t dropped = hf_mesh_dropped (s_mesh[0]) + refused;
    publish_term (pub, 77, 1);
    UNTIL (hf_mesh_dropped (s_mesh[0]) > dropped);
}

static void
until_taken (void *pub)
{
    until_refused (pub, 0);
}

TEST (another_list_is_reported_once_and_its_frames_dropped)
{
    const char *other = "1@other:1:2,2@other:3:4,3@other:5:6";
    publish_hello (s_pub, 2, other, 9, 0, 0);
    publish_hello (s_pub, 2, other, 9, 0, 0);
    until_taken (s_pub);
    assert_int_equal (s_got->other[2], 1);
    assert_string_equal (s_got->text, other);
    uint64_t dropped = hf_mesh_dropped (s_mesh[0]);
    publish_term (s_pub, 2, 3);
    until_refused (s_pub, 1);
    assert_int_equal (s_got->frames[2], 0);
    assert_int_equal (hf_mesh_dropped (s_mesh[0]), dropped + 2);

    publish_hello (s_pub, 2, "1@third", 9, 0, 0); //  a change is reported again
    until_taken (s_pub);
    assert_int_equal (s_got->other[2], 2);
    assert_string_equal (s_got->text, "1@third");

    publish_own (9);
    publish_term (s_pub, 2, 3);
    UNTIL (s_got->frames[2] == 1);
    assert_int_equal (s_got->other[2], 2);
    assert_int_equal (s_got->up[2], 0); //  it never echoed our nonce
}

static void
until_term (unsigned frames)
{
    publish_term (s_pub, 2, 3);
    UNTIL (s_got->frames[2] == frames);
}

TEST (another_cluster_is_reported_once_and_its_frames_dropped)
{
    const char *other = "1@other:1:2,2@other:3:4,3@other:5:6";
    publish_cluster (s_own, 0x77); //  this node knows no id: the list decides
    until_term (1);
    hf_mesh_follow (s_mesh[0], &s_list, 0x11);
    until_term (2); //  it was trusted, and its next HELLO says whether it is still
    publish_cluster (s_own, 0x77);
    publish_cluster (other, 0x77);
    publish_cluster (s_own, 0x77);
    publish_term (s_pub, 2, 3);
    until_refused (s_pub, 1);
    assert_int_equal (s_got->foreign[2], 1);
    assert_non_null (strstr (s_got->text, "cluster 0000000000000077"));
    assert_non_null (strstr (s_got->text, "cluster 0000000000000011"));
    publish_cluster (s_own, UINT64_MAX); //  a change is reported again
    until_taken (s_pub);
    assert_int_equal (s_got->foreign[2], 2);
    assert_non_null (strstr (s_got->text, "cluster ffffffffffffffff"));
    assert_int_equal (s_got->frames[2], 2);
    assert_int_equal (s_got->other[2], 0);

    //  With our id the list does not matter, with none it does; and who has no list joins.
    publish_cluster (other, 0x11);
    until_term (3);
    publish_cluster (other, 0);
    until_taken (s_pub);
    assert_int_equal (s_got->other[2], 1);
    assert_string_equal (s_got->text, other);
    publish_cluster (s_own, 0);
    until_term (4);
    publish_cluster (other, 0);
    publish_cluster ("", 0);
    until_term (5);
    publish_cluster ("", 0x77);
    until_taken (s_pub);
    assert_int_equal (s_got->foreign[2], 3);
    assert_int_equal (s_got->up[2] + s_got->down[2], 0);
}

/*  As nodes say it that know no ids of clusters: without the last field. */
TEST (a_hello_of_the_release_before_is_taken)
{
    hf_pack_t pack;
    pack_hello (&pack, (hf_hello_t){.from = 2, .nonce = 9}, s_own, 0, 0);
    size_t size = hf_pack_size (&pack) - 1;
    uint8_t *bytes = malloc (size);
    memcpy (bytes, hf_pack_bytes (&pack), size);
    assert_int_equal (bytes[2], 0x97); //  an array of its kind and six fields
    bytes[2] = 0x96;
    zmq_send (s_pub, "HF\0", 4, ZMQ_SNDMORE);
    zmq_send (s_pub, bytes, size, 0);
    until_term (1);
    assert_int_equal (s_got->other[2] + s_got->foreign[2], 0);
    free (bytes);
    hf_pack_done (&pack);
}

/*  HELLOs with bytes changed, cut off or added; then all is as before. */
TEST (hostile_hellos_do_no_harm)
{
    hf_random_t random = {23};
    hf_mesh_follow (s_mesh[0], &s_list, 0x11);
    for (unsigned i = 0; i < 3000; i++) {
        hf_pack_t pack;
        uint8_t bytes[600];
        uint32_t from = (uint32_t)hf_random_below (&random, 5);
        hf_hello_t hello = {.from = from, .nonce = hf_random_below (&random, 3)};
        hello.cluster = 0x10 + hf_random_below (&random, 3);
        pack_hello (&pack, hello, i % 3 == 0 ? "" : s_own, (uint32_t)hf_random_below (&random, 3),
                    hf_random_next (&random));
        size_t size = hf_pack_size (&pack);
        assert_true (size < sizeof (bytes) - 100);
        memcpy (bytes, hf_pack_bytes (&pack), size);
        hf_pack_done (&pack);
        for (uint64_t left = hf_random_below (&random, 4); left > 0; left--)
            bytes[hf_random_below (&random, size)] = (uint8_t)hf_random_next (&random);
        if (i % 4 == 0)
            size = hf_random_below (&random, size + 1);
        for (uint64_t left = i % 5 == 0 ? hf_random_below (&random, 100) : 0; left > 0; left--)
            bytes[size++] = (uint8_t)hf_random_next (&random);
        zmq_send (s_pub, "HF\0", 4, ZMQ_SNDMORE);
        zmq_send (s_pub, bytes, size, 0);
        if (i % 50 == 0)
            hf_mesh_follow (s_mesh[0], &s_list, 0x11);
        if (i % 10 == 0)
            turn ();
    }
    until_taken (s_pub);
    publish_cluster (s_own, 0x11);
    until_term (s_got->frames[2] + 1);
    assert_int_equal (s_got->up[2] + s_got->broken[2], 0);
}

/*  A contact that says what it likes to a node that joins: the first id counts. */
TEST (who_joins_keeps_to_the_first_id)
{
    char error[HF_ERROR_SIZE];
    hf_endpoints_t contacts = {.count = 0};
    hf_endpoint_t own = s_list.node[0];
    own.id = 5;
    own.node_port = hf_port_take ().number;
    hf_listen_t listen = test_listen (&own);
    hf_endpoints_add (&contacts, &s_list.node[1]);
    hf_mesh_destroy (&s_mesh[0]);
    s_mesh[0] = hf_mesh_new (s_context, &contacts, &own, &listen, error);
    assert_non_null (s_mesh[0]);
    s_tick_us[0] = 0;
    until_subscribed (s_pub);
    publish_cluster (s_own, 0);
    publish_cluster ("", 0); //  it joins, too
    until_taken (s_pub);
    assert_int_equal (s_got->foreign[2], 1);
    publish_cluster (s_own, 0x22);
    until_term (1);
    publish_cluster (s_own, 0x33);
    until_taken (s_pub);
    assert_int_equal (s_got->foreign[2], 2);
    publish_cluster ("1@other", 0x22);
    until_term (2);
    hf_mesh_follow (s_mesh[0], &contacts, 0x33); //  the log knows better
    publish_term (s_pub, 2, 3);
    until_taken (s_pub);
    assert_int_equal (s_got->frames[2], 2);
    publish_cluster (s_own, 0x33);
    until_term (3);
}

TEST (frames_before_the_hello_are_not_taken)
{
    publish_term (s_pub, 2, 3);
    until_taken (s_pub);
    assert_int_equal (s_got->frames[2], 0);
}

TEST (what_was_said_before_the_break_comes_before_it)
{
    publish_own (9);
    until_taken (s_pub);
    for (unsigned i = 0; i < 500; i++)
        publish_term (s_pub, 2, i);
    zmq_close (s_pub); //  lingers until all is sent
    UNTIL (s_got->broken[2] == 1);
    assert_int_equal (s_got->frames_at_break[2], 500);

    //  Another process in its place: nothing of it is taken before its s_own HELLO.
    s_pub = forge_pub (2);
    until_subscribed (s_pub);
    publish_term (s_pub, 2, 1);
    until_taken (s_pub);
    assert_int_equal (s_got->frames[2], 500);
    publish_own (10);
    publish_term (s_pub, 2, 1);
    UNTIL (s_got->frames[2] == 501);
}

/*  The same when this process was held up while the other was replaced. */
TEST (a_peer_replaced_while_we_were_held_up_is_not_mistaken)
{
    publish_own (9);
    until_taken (s_pub);
    zmq_close (s_pub);
    s_pub = forge_pub (2);
    void *sockets[HF_MESH_SOCKETS];
    hf_mesh_sockets (s_mesh[0], sockets);
    for (unsigned left = 2; left > 0;) {
        char topic[16];
        //  The SUB sends its subscriptions again when it is asked for its events.
        zmq_pollitem_t item = {.socket = sockets[0], .events = ZMQ_POLLIN};
        zmq_poll (&item, 1, 0);
        UNTIL_BY (zmq_poll (&item, 1, 1), zmq_recv (s_pub, topic, 16, ZMQ_DONTWAIT) > 0);
        left -= topic[0] == 1;
    }
    publish_term (s_pub, 2, 666); //  of the new process, which may have another list
    zmq_pollitem_t item = {.socket = sockets[0], .events = ZMQ_POLLIN};
    assert_int_equal (zmq_poll (&item, 1, 5000), 1);
    until_taken (s_pub);
    assert_int_equal (s_got->frames[2], 0);
    UNTIL (s_got->broken[2] == 1);
}

/*  Node 3 has much to say while node 2 dies. */
TEST (a_flood_does_not_hide_a_break)
{
    void *other = forge_pub (3);
    until_subscribed (other);
    publish_own (9);
    publish_hello (other, 3, s_own, 9, 0, 0);
    until_taken (s_pub);
    until_taken (other);
    for (unsigned i = 0; i < 20000; i++)
        publish_term (other, 3, i);
    zmq_close (s_pub);
    void *sockets[HF_MESH_SOCKETS];
    hf_mesh_sockets (s_mesh[0], sockets);
    zmq_pollitem_t item = {.socket = sockets[1], .events = ZMQ_POLLIN};
    assert_int_equal (zmq_poll (&item, 1, 10000), 1); //  the break waits to be read
    UNTIL (s_got->frames[3] == 20000 && s_got->broken[2] == 1);
    assert_in_range (s_got->frames_at_break[2], 1, 2000);
    s_pub = other;
}

/*  Catch one HELLO of node 1 to learn its nonce. */
static uint64_t
learn_nonce (void)
{
    char address[HF_HOST_MAX + 32];
    void *sub = zmq_socket (s_context, ZMQ_SUB);
    zmq_setsockopt (sub, ZMQ_SUBSCRIBE, "HF", 2);
    test_address (&s_list.node[0], s_list.node[0].node_port, address);
    assert_int_equal (zmq_connect (sub, address), 0);
    uint8_t bytes[4096];
    int size = -1;
    UNTIL ((size = zmq_recv (sub, bytes, sizeof (bytes), ZMQ_DONTWAIT)) > 0);
    assert_int_equal (size, 4);
    size = zmq_recv (sub, bytes, sizeof (bytes), 0);
    hf_scan_t scan;
    uint32_t kind;
    hf_hello_t hello;
    assert_int_equal (hf_frame_open (bytes, (size_t)size, &scan, &kind), HF_OK);
    assert_true (hf_hello_get (&scan, &hello));
    zmq_close (sub);
    return hello.nonce;
}

TEST (a_link_is_up_while_its_echo_is_fresh_and_right)
{
    uint64_t nonce = learn_nonce ();
    publish_hello (s_pub, 2, s_own, 9, 1, nonce + 1); //  of a process that was here before
    publish_hello (s_pub, 2, s_own, 9, 3, nonce);     //  of another node
    until_taken (s_pub);
    assert_int_equal (s_got->up[2], 0);
    publish_hello (s_pub, 2, s_own, 9, 1, nonce);
    UNTIL (s_got->up[2] == 1);

    //  A new nonce is another process: down first, and up with the next echo.
    publish_hello (s_pub, 2, s_own, 10, 1, nonce);
    UNTIL (s_got->down[2] == 1);
    assert_int_equal (s_got->up[2], 1);
    publish_hello (s_pub, 2, s_own, 10, 1, nonce);
    UNTIL (s_got->up[2] == 2);

    //  It is heard but does not echo any more: after a second the link is down.
    uint64_t from_us = test_now_us ();
    while (s_got->down[2] == 1) {
        assert_in_range (test_now_us () - from_us, 0, TEST_LIMIT_US);
        publish_own (10);
        turn ();
    }
    assert_in_range (test_now_us () - from_us, 900000, 2500000);
    assert_int_equal (s_got->broken[2], 0);
}

TEST (malformed_messages_are_dropped_and_counted)
{
    static const char good[] = "\x92\x01\x94\xcc\x89\x02\x00\x01"; //  NEWER_TERM from node 2
    publish_own (9);
    until_taken (s_pub);
    hf_mesh_t *mesh = s_mesh[0];
    uint64_t dropped = hf_mesh_dropped (mesh);
    uint8_t *large = calloc (1, HF_FRAME_MAX + 1);
    memcpy (large, good, 8);

    zmq_send (s_pub, "HF\0", 4, 0);               //  no frame
    zmq_send (s_pub, "HF\0\0\0", 5, ZMQ_SNDMORE); //  a topic that is too long
    zmq_send (s_pub, good, 8, 0);
    zmq_send (s_pub, "HF\0", 4, ZMQ_SNDMORE); //  empty
    zmq_send (s_pub, "", 0, 0);
    zmq_send (s_pub, "HF\0", 4, ZMQ_SNDMORE); //  three parts
    zmq_send (s_pub, good, 8, ZMQ_SNDMORE);
    zmq_send (s_pub, "x", 1, 0);
    zmq_send (s_pub, "HF\0", 4, ZMQ_SNDMORE); //  another version
    zmq_send (s_pub, "\x92\x02\x94\xcc\x89\x02\x00\x01", 8, 0);
    zmq_send (s_pub, "HF\0", 4, ZMQ_SNDMORE);
    zmq_send (s_pub, large, HF_FRAME_MAX + 1, 0);
    publish_hello (s_pub, 2, "a list with spaces", 1, 0, 0);
    publish_hello (s_pub, 2, "", 1, 0, 0);
    publish_hello (s_pub, 1, s_own, 1, 0, 0); //  from ourselves
    publish_term (s_pub, 1, 1);
    UNTIL (hf_mesh_dropped (mesh) == dropped + 10);
    assert_int_equal (s_got->frames[2], 0);
    zmq_send (s_pub, "HF\0", 4, ZMQ_SNDMORE);
    zmq_send (s_pub, good, 8, 0); //  and this one is taken
    UNTIL (s_got->frames[2] == 1);
    assert_int_equal (hf_mesh_dropped (mesh), dropped + 10);
    free (large);
}

TEST (a_frame_beyond_all_limits_cuts_the_peer_and_it_comes_back)
{
    publish_own (9);
    until_taken (s_pub);
    size_t size = 2 * HF_FRAME_MAX;
    uint8_t *large = calloc (1, size);
    zmq_send (s_pub, "HF\0", 4, ZMQ_SNDMORE);
    zmq_send (s_pub, large, size, 0);
    UNTIL (s_got->broken[2] == 1);
    until_subscribed (s_pub); //  libzmq alone would not connect again
    publish_own (9);
    publish_term (s_pub, 2, 1);
    UNTIL (s_got->frames[2] == 1);
    free (large);
}

HF_TEST_MAIN (NULL, NULL)
