/*  The door and the link with keys: who is let in, who is not and why, what a removed key ends. */
#include "test_keys.h"

#include "broker-less/hf_door.h"
#include "broker-less/hf_gate.h"
#include "broker-less/hf_link.h"
#include "msgs/hf_msg.h"

#define UNTIL(condition) UNTIL_BY (step (), condition)

static hf_endpoint_t s_endpoint;
static hf_door_t *s_door;
static hf_link_t *s_link;
static hf_keys_t *s_node, *s_client; //  their keys
static hf_route_t s_route;
static hf_span_t s_bytes;
static char s_news[4096]; //  of the door

static void
step (void)
{
    char text[HF_ERROR_SIZE];
    zmq_poll (NULL, 0, 1);
    if (s_client)
        hf_keys_refresh (s_client, NULL, NULL);
    if (!s_door)
        return;
    hf_door_tick (s_door, test_now_us ());
    while (hf_door_news (s_door, text)) {
        size_t used = strlen (s_news);
        snprintf (s_news + used, sizeof (s_news) - used, "%s\n", text);
    }
}

static hf_door_t *
new_door (bool keyed)
{
    char error[HF_ERROR_SIZE];
    hf_listen_t listen = test_listen (&s_endpoint);
    listen.keys = keyed ? s_node : NULL;
    return hf_door_new (s_context, s_endpoint.host, &listen, error);
}

static void
open_link (const char *name)
{
    hf_link_destroy (&s_link);
    hf_keys_destroy (&s_client);
    s_link = hf_link_new (s_context, &s_endpoint, NULL, 0);
    if (!name)
        return;
    s_client = keys_of (name);
    hf_link_secure (s_link, s_client);
}

static int
setup (void **state)
{
    char error[HF_ERROR_SIZE];
    open_context (state);
    keys_folder ();
    key_make ("node-1", 1, "nodes/node-1");
    key_make ("alice", 0, "clients/alice");
    s_node = keys_of ("node-1");
    s_zap = hf_zap_new (s_context, s_node, keys_say, NULL, error);
    s_endpoint = test_endpoints ("127.0.0.1", 1).node[0];
    UNTIL ((s_door = new_door (true)) != NULL);
    s_news[0] = 0;
    return s_zap ? 0 : -1;
}

static int
teardown (void **state)
{
    hf_link_destroy (&s_link);
    hf_door_destroy (&s_door);
    hf_zap_destroy (&s_zap);
    hf_keys_destroy (&s_client);
    hf_keys_destroy (&s_node);
    hf_folder_remove (s_dir);
    return close_context (state);
}

#define TEST(name) HF_TEST_WITH (name, setup, teardown)

static bool
door_next (void)
{
    return hf_door_next (s_door, &s_route, &s_bytes);
}

static bool
link_gives (hf_link_event_type_t wanted)
{
    hf_link_event_type_t event;
    do
        event = hf_link_next (s_link, test_now_us (), &s_bytes);
    while (event != HF_LINK_NONE && event != wanted);
    return event == wanted;
}

static void
there_and_back (const void *bytes, size_t size)
{
    UNTIL (!link_gives (HF_LINK_BROKEN) && hf_link_send (s_link, bytes, size));
    UNTIL (door_next ());
    assert_int_equal (s_bytes.size, size);
    assert_true (hf_door_send (s_door, &s_route, "back", 4));
    UNTIL (link_gives (HF_LINK_FRAME));
    assert_true (hf_span_equal (s_bytes, hf_span_text ("back")));
}

/*  The link is snubbed, and says why. */
static void
is_snubbed (const char *why)
{
    char text[HF_ERROR_SIZE] = "";
    UNTIL (link_gives (HF_LINK_SNUBBED));
    UNTIL (!link_gives (HF_LINK_CONNECTED) &&
           hf_link_trouble (s_link, test_now_us (), text, sizeof (text)) && strstr (text, why));
}

//  ---- tests -------------------------------------------------------------------------

TEST (a_known_key_opens_the_door)
{
    open_link ("alice");
    there_and_back ("hello", 5);
    there_and_back ("again", 5);
    assert_string_equal (s_said, "");
}

TEST (each_message_says_whose_it_is)
{
    key_make ("bob", 0, "clients/bob");
    hf_keys_refresh (s_node, NULL, NULL);
    open_link ("alice");
    there_and_back ("hello", 5);
    assert_int_equal (s_route.user, 1);
    assert_string_equal (hf_door_user (s_door, 1), "alice");
    assert_string_equal (hf_door_address (s_door, &s_route), "127.0.0.1");
    there_and_back ("again", 5);
    assert_int_equal (s_route.user, 1);
    open_link ("bob");
    there_and_back ("hello", 5);
    assert_int_equal (s_route.user, 2);
    assert_string_equal (hf_door_user (s_door, 2), "bob");
    //  Another connection of a user who is known.
    open_link ("alice");
    there_and_back ("hello", 5);
    assert_int_equal (s_route.user, 1);
    s_route.id[4] ^= 1;
    assert_null (hf_door_address (s_door, &s_route));
}

/*  Plain libzmq with the keys of KEYS; what it has sent is written out when it closes. */
static void *
raw_client (const hf_keys_t *keys)
{
    char address[HF_HOST_MAX + 32];
    void *client = zmq_socket (s_context, ZMQ_DEALER);
    int linger_ms = 10000;
    zmq_setsockopt (client, ZMQ_LINGER, &linger_ms, sizeof (linger_ms));
    zmq_setsockopt (client, ZMQ_CURVE_SERVERKEY, hf_keys_own (s_node)->public_text, HF_KEY_TEXT);
    zmq_setsockopt (client, ZMQ_CURVE_PUBLICKEY, hf_keys_own (keys)->public_text, HF_KEY_TEXT);
    zmq_setsockopt (client, ZMQ_CURVE_SECRETKEY, hf_keys_own (keys)->secret_text, HF_KEY_TEXT);
    test_address (&s_endpoint, s_endpoint.client_port, address);
    assert_int_equal (zmq_connect (client, address), 0);
    return client;
}

/*  Each sends the frame so many times and has left before the first is read. */
static void
send_and_leave (const hf_keys_t *keys, unsigned frames, const void *bytes, size_t size)
{
    uint64_t open = hf_door_facts (s_door).connections;
    void *brief = raw_client (keys);
    for (unsigned i = 0; i < frames; i++)
        assert_int_equal (zmq_send (brief, bytes, size, 0), size);
    UNTIL (hf_door_facts (s_door).connections == open + 1);
    zmq_close (brief);
    UNTIL (hf_door_facts (s_door).connections == open);
}

TEST (who_leaves_before_its_frame_is_read_is_still_a_user)
{
    s_client = keys_of ("alice");
    for (unsigned i = 0; i < 10; i++)
        send_and_leave (s_client, 3, "brief", 5);
    for (unsigned i = 0; i < 30; i++) {
        assert_true (door_next ());
        assert_true (hf_span_equal (s_bytes, hf_span_text ("brief")));
        assert_int_equal (s_route.user, 1);
    }
    assert_string_equal (hf_door_user (s_door, 1), "alice");
    assert_int_equal (hf_door_facts (s_door).known, 0);
    assert_false (hf_door_send (s_door, &s_route, "too late", 8));
    assert_false (door_next ());
}

TEST (who_leaves_once_it_is_known_is_still_the_same_user)
{
    s_client = keys_of ("alice");
    void *client = raw_client (s_client);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal (zmq_send (client, "hello", 5, 0), 5);
    UNTIL (door_next ()); //  the first; the others wait
    assert_int_equal (s_route.user, 1);
    UNTIL (hf_door_facts (s_door).connections == 1);
    zmq_close (client);
    UNTIL (hf_door_facts (s_door).connections == 0);
    for (unsigned i = 0; i < 2; i++) {
        assert_true (door_next ());
        assert_int_equal (s_route.user, 1);
    }
    assert_false (door_next ());
}

//  Nor does a node that has left say more than a guest may; and a key that is gone says nothing.
TEST (who_leaves_says_no_more_than_who_stays)
{
    hf_pack_t frame;
    key_make ("node-2", 2, "nodes/node-2");
    hf_keys_refresh (s_node, NULL, NULL);
    hf_keys_t *node = keys_of ("node-2");
    hf_pack_init (&frame);
    hf_query_frame (&frame, &(hf_query_t){.id = 1, .what = HF_WHAT_STATUS});
    send_and_leave (node, 3, hf_pack_bytes (&frame), hf_pack_size (&frame));
    hf_pack_done (&frame);
    assert_false (door_next ());
    s_client = keys_of ("alice");
    send_and_leave (s_client, 3, "brief", 5);
    key_remove ("clients/alice");
    hf_keys_refresh (s_node, NULL, NULL);
    assert_false (door_next ());
    hf_keys_destroy (&node);
}

TEST (strangers_are_told_what_is_missing)
{
    open_link (NULL);
    is_snubbed ("node 1 asks for a key: --key FILE and --keys DIR");
    UNTIL (strstr (s_news, "connections of clients without a key"));
    key_make ("eve", 0, NULL);
    open_link ("eve");
    is_snubbed ("node 1 does not admit the key of user eve in ");
    UNTIL (keys_said ("refuses a client from 127.0.0.1: its key "));
    assert_false (door_next ());
}

TEST (a_key_comes_and_goes_while_the_node_runs)
{
    char text[HF_KEY_FILE_ROOM];
    hf_key_t eve = key_make ("eve", 0, NULL);
    open_link ("eve");
    is_snubbed ("does not admit");
    hf_key_write (&eve, false, text);
    key_put ("clients/eve", text);
    there_and_back ("in", 2);
    assert_true (keys_said ("accepts the key of client eve in clients/eve"));
    key_remove ("clients/eve");
    hf_zap_look (s_zap);
    UNTIL (link_gives (HF_LINK_BROKEN));
    UNTIL (strstr (s_news, "cuts off client eve: its key is not in the folder any more"));
    assert_false (hf_door_send (s_door, &s_route, "lost", 4));
    is_snubbed ("does not admit");
}

//  What a client has sent before its key was removed, and what the door reads after that.
TEST (frames_of_a_removed_key_do_not_count)
{
    open_link ("alice");
    there_and_back ("hello", 5);
    for (unsigned i = 0; i < 100; i++)
        assert_true (hf_link_send (s_link, "late", 4));
    key_remove ("clients/alice");
    hf_zap_look (s_zap);
    UNTIL (strstr (s_news, "cuts off client alice"));
    assert_false (door_next ());
    UNTIL (link_gives (HF_LINK_BROKEN));
    assert_false (door_next ());
}

TEST (the_name_of_a_key_may_change)
{
    char text[HF_KEY_FILE_ROOM];
    hf_key_t key = key_make ("eve", 0, "clients/eve");
    open_link ("eve");
    there_and_back ("in", 2);
    strcpy (key.name, "mallory");
    hf_key_write (&key, false, text);
    key_put ("clients/eve", text);
    UNTIL (strstr (s_news, "cuts off client eve"));
    UNTIL (link_gives (HF_LINK_BROKEN));
    there_and_back ("in", 2);
}

TEST (a_node_may_ask_who_the_members_are)
{
    hf_pack_t frame;
    key_make ("node-2", 2, "nodes/node-2");
    open_link ("node-2");
    hf_pack_init (&frame);
    hf_query_frame (&frame, &(hf_query_t){.id = 1, .what = HF_WHAT_MEMBERS});
    there_and_back (hf_pack_bytes (&frame), hf_pack_size (&frame));
    there_and_back (hf_pack_bytes (&frame), hf_pack_size (&frame));
    assert_string_equal (s_news, "");
    //  And nothing else.
    hf_pack_reset (&frame);
    hf_query_frame (&frame, &(hf_query_t){.id = 1, .what = HF_WHAT_STATUS});
    assert_true (hf_link_send (s_link, hf_pack_bytes (&frame), hf_pack_size (&frame)));
    hf_pack_done (&frame);
    UNTIL (link_gives (HF_LINK_BROKEN) || door_next ());
    assert_false (door_next ());
    UNTIL (strstr (s_news, "cuts off a client with the key of node 2, which is for nodes alone"));
}

TEST (the_right_one_of_two_keys_is_found)
{
    char text[HF_KEY_FILE_ROOM];
    hf_key_t old = {.node = 1};
    zmq_curve_keypair (old.public_text, old.secret_text);
    hf_key_write (&old, false, text);
    key_put ("nodes/a-former-one", text);
    open_link ("alice");
    uint64_t from_us = test_now_us ();
    there_and_back ("hello", 5);
    assert_true (test_now_us () - from_us < HF_TARGET_TRY_US); //  not a turn later
}

TEST (a_node_with_another_key_is_told)
{
    char text[HF_KEY_FILE_ROOM];
    hf_key_t other = {.node = 1};
    open_link ("alice");
    key_remove ("nodes/node-1");
    hf_keys_refresh (s_client, NULL, NULL);
    is_snubbed ("there is no key of node 1 in ");
    zmq_curve_keypair (other.public_text, other.secret_text);
    hf_key_write (&other, false, text);
    key_put ("nodes/node-1", text);
    is_snubbed ("node 1 ends the handshake: is its key the one in ");
    UNTIL (strstr (s_news, "or with another key of this node than it has"));
}

TEST (a_node_without_keys_is_told)
{
    hf_door_destroy (&s_door);
    UNTIL ((s_door = new_door (false)) != NULL);
    open_link ("alice");
    is_snubbed ("node 1 speaks without keys: start it with --keys and --key");
    UNTIL (strstr (s_news, "connections of clients that want keys: this node has none"));
}

TEST (who_names_a_routing_id_is_refused)
{
    char address[HF_HOST_MAX + 32];
    s_client = keys_of ("alice");
    void *client = zmq_socket (s_context, ZMQ_DEALER);
    int none = 0;
    zmq_setsockopt (client, ZMQ_LINGER, &none, sizeof (none));
    zmq_setsockopt (client, ZMQ_ROUTING_ID, "bob", 3);
    zmq_setsockopt (client, ZMQ_CURVE_SERVERKEY, hf_keys_own (s_node)->public_text, HF_KEY_TEXT);
    zmq_setsockopt (client, ZMQ_CURVE_PUBLICKEY, hf_keys_own (s_client)->public_text, HF_KEY_TEXT);
    zmq_setsockopt (client, ZMQ_CURVE_SECRETKEY, hf_keys_own (s_client)->secret_text, HF_KEY_TEXT);
    test_address (&s_endpoint, s_endpoint.client_port, address);
    assert_int_equal (zmq_connect (client, address), 0);
    assert_int_equal (zmq_send (client, "hello", 5, 0), 5);
    UNTIL (door_next () || strstr (s_news, "cuts off a client that names a routing id"));
    assert_false (door_next ());
    zmq_close (client);
}

//  Whoever speaks no CURVE at all to the handler gets no.
TEST (the_handler_answers_odd_requests_with_no)
{
    void *asker = zmq_socket (s_context, ZMQ_REQ);
    int limit_ms = 10000, none = 0;
    zmq_setsockopt (asker, ZMQ_RCVTIMEO, &limit_ms, sizeof (limit_ms));
    zmq_setsockopt (asker, ZMQ_LINGER, &none, sizeof (none));
    zmq_setsockopt (asker, ZMQ_REQ_RELAXED, &(int){1}, sizeof (int));
    assert_int_equal (zmq_connect (asker, "inproc://zeromq.zap.01"), 0);
    static const char *const requests[][9] = {
        {"1.0", "1", "clients", "127.0.0.1", "", "NULL", NULL},
        {"1.0", "2", "clients", "127.0.0.1", "", "PLAIN", "admin", "secret", NULL},
        {"1.0", "3", "clients", "127.0.0.1", "", "CURVE", "short", NULL},
        {"1.0", "4", "clients", "127.0.0.1", "", "CURVE", NULL},
        {"2.0", "5", NULL}, //  no answer
        {"1.0", "6", "other", "127.0.0.1", "", "CURVE", "01234567890123456789012345678901", NULL},
    };
    for (size_t i = 0; i < sizeof (requests) / sizeof (*requests); i++) {
        char answer[16];
        for (unsigned k = 0; requests[i][k]; k++)
            zmq_send (asker, requests[i][k], strlen (requests[i][k]),
                      requests[i][k + 1] ? ZMQ_SNDMORE : 0);
        if (i == 4)
            continue;
        assert_int_equal (zmq_recv (asker, answer, 3, 0), 3);
        assert_memory_equal (answer, "1.0", 3);
        assert_int_equal (zmq_recv (asker, answer, 1, 0), 1);
        assert_int_equal (answer[0], '1' + (char)i);
        assert_int_equal (zmq_recv (asker, answer, 3, 0), 3);
        assert_memory_equal (answer, "400", 3);
    }
    zmq_close (asker);
}

//  A refusal at the gate is told apart from one of the key. From then on the gate
//  speaks CURVE.
TEST (one_too_many_is_told_so)
{
    hf_gate_secure ();
    hf_gate_set (s_endpoint.client_port, &(hf_gate_limits_t){.top = 1, .held_back = false});
    open_link ("alice");
    UNTIL (link_gives (HF_LINK_REFUSED));
    hf_gate_set (s_endpoint.client_port, &(hf_gate_limits_t){.top = 0, .held_back = false});
    there_and_back ("hello", 5);
}

//  ---- users ---------------------------------------------------------------------------

/*  Another connection with the key of NAME, for one frame; its answer, in TEXT. */
static void *
ask_aside (const char *name, hf_refused_t *refused, char text[512])
{
    char place[64];
    uint8_t frame[512];
    hf_keys_t *keys = keys_of (name);
    void *socket = zmq_socket (s_context, ZMQ_DEALER);
    int none = 0, size = -1;
    zmq_setsockopt (socket, ZMQ_LINGER, &none, sizeof none);
    zmq_setsockopt (socket, ZMQ_CURVE_SERVERKEY, hf_keys_own (s_node)->public_text, 40);
    zmq_setsockopt (socket, ZMQ_CURVE_PUBLICKEY, hf_keys_own (keys)->public_text, 40);
    zmq_setsockopt (socket, ZMQ_CURVE_SECRETKEY, hf_keys_own (keys)->secret_text, 40);
    snprintf (place, sizeof place, "tcp://127.0.0.1:%u", s_endpoint.client_port);
    assert_int_equal (zmq_connect (socket, place), 0);
    assert_int_equal (zmq_send (socket, "hello", 5, 0), 5);
    assert_int_equal (zmq_send (socket, "hello", 5, 0), 5);
    UNTIL ((assert_false (door_next ()),
            (size = zmq_recv (socket, frame, sizeof frame, ZMQ_DONTWAIT)) > 0));
    hf_scan_t scan;
    uint32_t kind;
    assert_int_equal (hf_frame_open (frame, (size_t)size, &scan, &kind), HF_OK);
    assert_true (kind == HF_KIND_REFUSED && hf_refused_get (&scan, refused));
    snprintf (text, 512, "%.*s", (int)refused->text.size, (const char *)refused->text.at);
    hf_keys_destroy (&keys);
    return socket;
}

TEST (a_user_has_so_many_connections)
{
    char error[HF_ERROR_SIZE], text[512];
    hf_refused_t refused;
    hf_listen_t listen = test_listen (&s_endpoint);
    listen.keys = s_node;
    listen.user_connections = 1;
    hf_door_destroy (&s_door);
    UNTIL ((s_door = hf_door_new (s_context, s_endpoint.host, &listen, error)) != NULL);
    //  Both are let in before one of them has said anything.
    open_link ("alice");
    UNTIL (link_gives (HF_LINK_CONNECTED));
    there_and_back ("hello", 5);
    hf_keys_crowd (s_node, "alice", false); //  as if it shook hands before that
    void *other = ask_aside ("alice", &refused, text);
    assert_int_equal (refused.status, HF_LIMIT);
    assert_string_equal (text, "alice has 1 connections, and a user may have 1 "
                               "(--user-connections): end some, or use one for more");
    assert_int_equal (hf_door_facts (s_door).turned_away, 1);
    UNTIL (hf_door_facts (s_door).connections == 1); //  it is cut off
    zmq_close (other);
    there_and_back ("still", 5);
    UNTIL (strstr (s_news, "more connections than 1 each"));
    //  Another user is served.
    key_make ("bob", 0, "clients/bob");
    hf_keys_refresh (s_node, NULL, NULL);
    hf_link_t *first = s_link;
    hf_keys_t *first_keys = s_client;
    s_link = NULL;
    s_client = NULL;
    open_link ("bob");
    there_and_back ("hello", 5);
    hf_link_destroy (&first);
    hf_keys_destroy (&first_keys);
    UNTIL (hf_door_facts (s_door).connections == 1);
    //  The next is refused in its handshake, until there is room.
    hf_keys_crowd (s_node, "alice", true);
    open_link ("alice");
    UNTIL (link_gives (HF_LINK_REFUSED));
    assert_true (hf_door_facts (s_door).turned_away >= 2);
    hf_keys_crowd (s_node, "alice", false);
    there_and_back ("hello", 5);
}

/*  A message of who has left is read when his descriptor is another's, mostly: libzmq takes the
 *  lowest that is free. He is turned away, and the other one stays. */
TEST (nobody_is_cut_off_for_who_has_left)
{
    char error[HF_ERROR_SIZE];
    hf_listen_t listen = test_listen (&s_endpoint);
    listen.keys = s_node;
    listen.user_connections = 1;
    hf_door_destroy (&s_door);
    UNTIL ((s_door = hf_door_new (s_context, s_endpoint.host, &listen, error)) != NULL);
    key_make ("bob", 0, "clients/bob");
    hf_keys_refresh (s_node, NULL, NULL);
    hf_keys_t *bob = keys_of ("bob");
    open_link ("alice");
    there_and_back ("hello", 5);
    for (unsigned i = 0; i < 3; i++) {
        hf_keys_crowd (s_node, "alice", false);
        send_and_leave (s_client, 1, "brief", 5);
        void *other = raw_client (bob);
        UNTIL (hf_door_facts (s_door).connections == 2);
        uint64_t dropped = hf_door_facts (s_door).dropped;
        UNTIL (door_next () || hf_door_facts (s_door).dropped > dropped);
        uint64_t end_us = test_now_us () + 700000;
        UNTIL ((assert_int_equal (hf_door_facts (s_door).connections, 2), test_now_us () > end_us));
        assert_int_equal (zmq_send (other, "here", 4, 0), 4);
        UNTIL (door_next ());
        assert_string_equal (hf_door_user (s_door, s_route.user), "bob");
        zmq_close (other);
        UNTIL (hf_door_facts (s_door).connections == 1);
    }
    hf_keys_destroy (&bob);
}

//  ---- the disk ------------------------------------------------------------------------

static void
own_key_refused (const char *file, const char *why)
{
    char path[KEY_PATH_SIZE], error[HF_ERROR_SIZE] = "";
    key_path (file, path);
    assert_null (hf_keys_new (path, s_dir, error));
    if (!strstr (error, why))
        fail_msg ("%s", error);
}

TEST (an_own_key_must_be_whole_and_secret)
{
    char path[KEY_PATH_SIZE], text[HF_KEY_FILE_ROOM], error[HF_ERROR_SIZE];
    hf_key_t key = key_make ("eve", 0, "clients/eve");
    own_key_refused ("nothing", "No such file or directory");
    own_key_refused ("nodes", "cannot read the key file");
    own_key_refused ("clients/eve", "has no secret key: that is the file whose name ends with");
    key_path ("eve_secret", path);
    chmod (path, 0644);
    own_key_refused ("eve_secret", "is open to everybody: chmod 600");
    chmod (path, 0600);
    assert_null (hf_keys_new (path, "/nowhere", error));
    assert_string_equal (error, "cannot read the folder of keys /nowhere: No such file or "
                                "directory");
    memcpy (key.public_text, hf_keys_own (s_node)->public_text, sizeof (key.public_text));
    hf_key_write (&key, true, text);
    key_put ("eve_secret", text);
    own_key_refused ("eve_secret", "its two keys do not belong together");
    key_put ("eve_secret", "curve\n    public-key = x\n");
    own_key_refused ("eve_secret", "line 2: a key is 40 characters of Z85");
}

TEST (a_bad_file_is_told_once_and_changes_nothing)
{
    open_link ("alice");
    there_and_back ("hello", 5);
    key_put ("clients/alice", "half of i");
    UNTIL (keys_said ("/clients/alice: line 1: that is no line of a key file"));
    there_and_back ("still", 5);
    pthread_mutex_lock (&s_said_mutex);
    char *first = strstr (s_said, "half") ? NULL : strstr (s_said, "line 1");
    assert_non_null (first);
    assert_null (strstr (first + 1, "line 1"));
    pthread_mutex_unlock (&s_said_mutex);
    assert_string_equal (s_news, "");
}

/*  In CURVE the flag that more parts follow is inside of the box: each part is counted as it comes,
 *  also when the door, which wants the whole, finds nothing. */
TEST (a_message_in_parts_is_counted_once)
{
    enum { PARTS = 40, PART = 400000 };
    char place[64];
    hf_gate_set (s_endpoint.client_port, &(hf_gate_limits_t){.top = 0, .held_back = true});
    open_link ("alice"); //  for its keys; another socket talks
    hf_link_destroy (&s_link);
    const hf_key_t *own = hf_keys_own (s_client), *node = hf_keys_own (s_node);
    void *socket = zmq_socket (s_context, ZMQ_DEALER);
    int none = 0;
    zmq_setsockopt (socket, ZMQ_LINGER, &none, sizeof none);
    zmq_setsockopt (socket, ZMQ_SNDHWM, &none, sizeof none);
    zmq_setsockopt (socket, ZMQ_CURVE_SERVERKEY, node->public_text, 40);
    zmq_setsockopt (socket, ZMQ_CURVE_PUBLICKEY, own->public_text, 40);
    zmq_setsockopt (socket, ZMQ_CURVE_SECRETKEY, own->secret_text, 40);
    snprintf (place, sizeof place, "tcp://127.0.0.1:%u", s_endpoint.client_port);
    assert_int_equal (zmq_connect (socket, place), 0);
    char *part = calloc (1, PART);
    for (int i = 0; i < PARTS; i++) {
        assert_int_equal (zmq_send (socket, part, PART, ZMQ_SNDMORE), PART);
        assert_int_equal (zmq_send (socket, part, PART, 0), PART);
    }
    free (part);
    //  Of this shape nothing is for the door: all of it is dropped, and nothing waits at the end.
    uint64_t dropped = hf_door_facts (s_door).dropped;
    UNTIL ((door_next (), hf_door_facts (s_door).dropped >= dropped + PARTS));
    UNTIL ((door_next (), hf_door_facts (s_door).received == 0));
    zmq_close (socket);
    hf_gate_set (s_endpoint.client_port, &(hf_gate_limits_t){.top = 0, .held_back = false});
}

HF_TEST_MAIN (NULL, NULL)
