/*  The mesh with keys: who takes part, who is refused, what a removed key ends. */
#include "test_keys.h"
#include "test_mesh.h"

static void
step (void)
{
    for (unsigned i = 1; i < NODES; i++)
        if (s_keys[i])
            hf_keys_refresh (s_keys[i], NULL, NULL);
    turn ();
}

#undef UNTIL
#define UNTIL(condition) UNTIL_BY (step (), condition)

static int
begin (void **state)
{
    char name[16], file[32], error[HF_ERROR_SIZE];
    setup (state);
    keys_folder ();
    for (uint32_t id = 1; id <= NODES; id++) {
        snprintf (name, sizeof (name), "node-%u", id);
        snprintf (file, sizeof (file), "nodes/node-%u", id);
        key_make (name, id, file);
    }
    for (uint32_t id = 1; id <= NODES; id++) {
        snprintf (name, sizeof (name), "node-%u", id);
        s_keys[id - 1] = keys_of (name);
    }
    s_zap = hf_zap_new (s_context, s_keys[0], keys_say, NULL, error);
    return s_zap ? 0 : -1;
}

static int
end (void **state)
{
    for (unsigned i = 0; i < NODES; i++)
        hf_mesh_destroy (&s_mesh[i]);
    hf_zap_destroy (&s_zap);
    for (unsigned i = 0; i < NODES; i++)
        hf_keys_destroy (&s_keys[i]);
    hf_folder_remove (s_dir);
    return close_context (state);
}

#define TEST(name) HF_TEST_WITH (name, begin, end)

static bool
up (uint32_t of, uint32_t id)
{
    return s_seen[of - 1].up[id] > s_seen[of - 1].down[id];
}

/*  Node ID has the pair of NAME_secret, and no longer that of the folder. */
static void
take_key (uint32_t id, const char *name)
{
    hf_keys_destroy (&s_keys[id - 1]);
    s_keys[id - 1] = keys_of (name);
}

//  ---- tests -------------------------------------------------------------------------

TEST (nodes_with_keys_hear_each_other)
{
    for (unsigned id = 1; id <= NODES; id++)
        start (id);
    UNTIL (all_up ());
    send_newer_term (1, 3, 7);
    send_newer_term (2, 0, 8);
    UNTIL (s_seen[2].frames[1] == 1 && s_seen[2].frames[2] == 1 && s_seen[0].frames[2] == 1);
    assert_string_equal (s_seen[0].names, "");
    assert_string_equal (s_said, "");
}

TEST (a_node_without_a_key_stays_outside)
{
    hf_keys_t *kept = s_keys[2];
    s_keys[2] = NULL;
    for (unsigned id = 1; id <= NODES; id++)
        start (id);
    UNTIL (up (1, 2) && up (2, 1));
    UNTIL (strstr (s_seen[2].names, "node 1 asks for a key"));
    UNTIL (strstr (s_seen[0].names, "node 3 speaks without keys"));
    UNTIL (strstr (s_seen[0].text, "connections of nodes without a key"));
    assert_false (up (1, 3) || up (3, 1));
    s_keys[2] = kept;
}

TEST (an_unknown_key_and_that_of_a_client_stay_outside)
{
    key_make ("alice", 0, "clients/alice");
    take_key (3, "alice");
    for (unsigned id = 1; id <= NODES; id++)
        start (id);
    UNTIL (keys_said ("refuses a node from 127.0.0.1: its key is that of client alice, not that of "
                      "a node"));
    UNTIL (strstr (s_seen[2].names, "node 1 does not admit the key of user alice in"));
    hf_mesh_destroy (&s_mesh[2]);
    key_make ("other", 3, NULL);
    take_key (3, "other");
    start (3);
    UNTIL (keys_said ("/nodes\n") && keys_said ("refuses a node from 127.0.0.1: its key "));
    UNTIL (strstr (s_seen[2].names, "node 1 does not admit the key of node 3 in"));
    UNTIL (strstr (s_seen[0].names, "node 3 ends the handshake: is its key the one in"));
    assert_false (up (1, 3) || up (3, 1));
}

TEST (a_removed_key_ends_the_links_of_its_node_alone)
{
    for (unsigned id = 1; id <= NODES; id++)
        start (id);
    UNTIL (all_up ());
    key_remove ("nodes/node-3");
    hf_zap_look (s_zap);
    UNTIL (!up (1, 3) && !up (2, 3) && !up (3, 1) && !up (3, 2));
    assert_true (keys_said ("accepts no longer the key of node 3 in nodes/node-3"));
    unsigned frames = s_seen[2].frames[1];
    send_newer_term (1, 0, 9);
    send_newer_term (3, 0, 9);
    UNTIL (s_seen[1].frames[1] == 1);
    UNTIL (strstr (s_seen[0].names, "there is no key of node 3 in"));
    assert_int_equal (s_seen[2].frames[1], frames);
    assert_int_equal (s_seen[0].frames[3], 0);
    assert_true (up (1, 2) && up (2, 1));
    assert_int_equal (s_seen[0].broken[2] + s_seen[1].broken[1], 0);
}

TEST (old_and_new_keys_are_valid_side_by_side)
{
    key_make ("node-3-2", 3, "nodes/node-3-2");
    for (unsigned id = 1; id <= NODES; id++)
        start (id);
    UNTIL (all_up ());
    hf_mesh_destroy (&s_mesh[2]);
    UNTIL (!up (1, 3) && !up (2, 3));
    take_key (3, "node-3-2");
    start (3);
    UNTIL (all_up ());
    key_remove ("nodes/node-3");
    hf_zap_look (s_zap);
    UNTIL (keys_said ("accepts no longer the key of node 3 in nodes/node-3\n"));
    unsigned frames = s_seen[2].frames[1];
    send_newer_term (1, 3, 9);
    UNTIL (s_seen[2].frames[1] == frames + 1);
    assert_true (all_up ());
}

HF_TEST_MAIN (NULL, NULL)
