/*  The mesh: links come up, breaks are noticed, garbage stays outside. */
#include "test_mesh.h"

#include <signal.h>
#include <sys/wait.h>

//  ---- a process of its own, which can be killed -------------------------------------

/*  What the child does: run node ID's mesh, sending TERM to all, until it is killed. */
static int
run_node (const char *text, uint32_t id, uint64_t term)
{
    char error[HF_ERROR_SIZE];
    if (hf_endpoints_parse (&s_list, text, error) != 0)
        return 1;
    s_context = zmq_ctx_new ();
    start (id);
    for (uint64_t next_us = 0; getppid () != 1;) {
        turn ();
        if (s_tick_us[id - 1] != next_us)
            send_newer_term (id, 0, term);
        next_us = s_tick_us[id - 1];
    }
    return 1;
}

static pid_t
spawn (uint32_t id, uint64_t term)
{
    char text[HF_ENDPOINTS_TEXT_SIZE];
    char number[2][24];
    hf_endpoints_text (&s_list, text);
    snprintf (number[0], sizeof (number[0]), "%u", id);
    snprintf (number[1], sizeof (number[1]), "%llu", (unsigned long long)term);
    char *args[] = {"test_mesh", text, number[0], number[1], NULL};
    pid_t pid = fork ();
    assert_true (pid >= 0);
    if (pid == 0) {
        execv ("/proc/self/exe", args);
        _exit (1);
    }
    return pid;
}

static void
slay (pid_t pid)
{
    assert_int_equal (kill (pid, SIGKILL), 0);
    assert_int_equal (waitpid (pid, NULL, 0), pid);
}

#define TEST(name) HF_TEST_WITH (name, setup, teardown)

//  ---- tests -----------------------------------------------------------------------

TEST (links_come_up_and_frames_arrive)
{
    start_all ();
    uint64_t start_us = test_now_us ();
    send_newer_term (1, 0, 5);
    UNTIL (s_seen[1].frames[1] == 1 && s_seen[2].frames[1] == 1);
    send_newer_term (3, 2, 6);
    UNTIL (s_seen[1].frames[3] == 1);
    assert_int_equal (s_seen[0].frames[3], 0); //  it was for node 2 alone
    hf_scan_t scan;
    uint32_t kind;
    hf_newer_term_t message;
    assert_int_equal (hf_frame_open (s_seen[1].last, s_seen[1].last_size, &scan, &kind), HF_OK);
    assert_true (hf_newer_term_get (&scan, &message));
    assert_int_equal (message.term, 6);

    //  Nothing goes down by itself, and an idle mesh is quiet.
    UNTIL (test_now_us () - start_us > 1500000);
    for (unsigned i = 0; i < NODES; i++) {
        assert_int_equal (hf_mesh_dropped (s_mesh[i]), 0);
        for (uint32_t id = 1; id <= NODES; id++) {
            assert_int_equal (s_seen[i].up[id], id != i + 1);
            assert_int_equal (s_seen[i].down[id] + s_seen[i].broken[id], 0);
        }
    }
}

/*  A turn whose wait found nothing receives nothing. */
TEST (a_frame_that_comes_after_the_wait_is_taken_by_the_next_turn)
{
    start_all ();
    hf_mesh_event_t event;
    void *sockets[HF_MESH_SOCKETS];
    hf_mesh_sockets (s_mesh[1], sockets);
    UNTIL (all_up ());
    send_newer_term (1, 2, 5);
    zmq_pollitem_t item = {.socket = sockets[0], .events = ZMQ_POLLIN};
    assert_int_equal (zmq_poll (&item, 1, 10000), 1);
    hf_mesh_is_quiet (s_mesh[1], true);
    assert_int_equal (hf_mesh_next (s_mesh[1], test_now_us (), &event), HF_MESH_NONE);
    UNTIL (s_seen[1].frames[1] == 1);
}

TEST (hellos_are_rare_when_all_is_up)
{
    start_all ();
    uint64_t now_us = test_now_us ();
    assert_in_range (hf_mesh_tick (s_mesh[0], now_us), now_us, now_us + 250000);
    hf_mesh_destroy (&s_mesh[1]);
    UNTIL (s_seen[0].broken[2] == 1 && s_seen[0].down[2] == 1);
    now_us = test_now_us ();
    uint64_t next_us = hf_mesh_tick (s_mesh[0], now_us);
    assert_in_range (next_us, now_us, now_us + 20000);
    //  After a while without it, it costs less.
    next_us = hf_mesh_tick (s_mesh[0], now_us + 1500000);
    assert_int_equal (next_us, now_us + 1500000 + 100000);
}

TEST (a_destroyed_mesh_is_seen_to_break)
{
    start_all ();
    for (unsigned round = 1; round <= 3; round++) {
        hf_mesh_destroy (&s_mesh[0]);
        uint64_t from_us = test_now_us ();
        UNTIL (s_seen[1].broken[1] == round && s_seen[2].broken[1] == round);
        UNTIL (s_seen[1].down[1] == round && s_seen[2].down[1] == round);
        assert_in_range (test_now_us () - from_us, 0, 1000000);
        assert_int_equal (s_seen[1].broken[3] + s_seen[2].broken[2], 0);
        start (1);
        UNTIL (all_up ());
    }
}

/*  Kill node 3 again and again: each time its last frame comes before the break, and the
 *  break comes at once. */
static void
killed_and_restarted (const char *host)
{
    s_list = test_endpoints (host, NODES);
    pid_t pid = spawn (3, 1);
    start (1);
    start (2);
    for (unsigned round = 1; round <= 4; round++) {
        UNTIL (s_seen[0].up[3] == round && s_seen[1].up[3] == round);
        unsigned frames = s_seen[0].frames[3];
        UNTIL (s_seen[0].frames[3] > frames);
        slay (pid);
        uint64_t from_us = test_now_us ();
        UNTIL (s_seen[0].broken[3] == round && s_seen[1].broken[3] == round);
        assert_in_range (test_now_us () - from_us, 0, 1000000);
        UNTIL (s_seen[0].down[3] == round && s_seen[1].down[3] == round);
        assert_int_equal (s_seen[0].broken[2] + s_seen[1].broken[1], 0);
        pid = spawn (3, round + 1);
    }
    slay (pid);
}

TEST (a_killed_process_is_seen_to_break)
{
    killed_and_restarted ("127.0.0.1");
}

TEST (a_killed_process_known_by_name_too)
{
    killed_and_restarted ("localhost");
}

TEST (a_stopped_process_goes_down_and_comes_back)
{
    pid_t pid = spawn (3, 1);
    start (1);
    UNTIL (s_seen[0].up[3] == 1);
    kill (pid, SIGSTOP);
    UNTIL (s_seen[0].down[3] == 1);
    UNTIL (s_seen[0].broken[3] == 1); //  by ZMTP's heartbeats, a little later
    kill (pid, SIGCONT);
    UNTIL (s_seen[0].up[3] == 2);
    slay (pid);
}

/*  Another program has the peer's port for a while. */
TEST (a_port_that_speaks_something_else_is_tried_again)
{
    int listener = hf_port_listen (s_list.node[1].node_port, 0);
    start (1);
    test_speak_nonsense (listener, turn);
    start (2);
    UNTIL (all_up ());
    assert_int_equal (s_seen[0].broken[2], 0); //  it was never heard before
}

TEST (raw_garbage_on_the_node_port_is_survived)
{
    start_all ();
    uint8_t greeting[TEST_GREETING_SIZE];
    test_greeting (greeting);
    hf_random_t seed = {7};
    for (unsigned round = 0; round < 60; round++) {
        uint8_t noise[600];
        size_t size = 0;
        if (round % 2 == 0) {
            size =
                round < 20 ? TEST_GREETING_SIZE : hf_random_below (&seed, TEST_GREETING_SIZE + 1);
            memcpy (noise, greeting, size);
        }
        size_t more = hf_random_below (&seed, 400);
        for (size_t i = 0; i < more; i++)
            noise[size++] = (uint8_t)hf_random_next (&seed);
        int fd = hf_port_connect (s_list.node[0].node_port, 0);
        send (fd, noise, size, MSG_NOSIGNAL);
        turn ();
        close (fd);
    }
    for (unsigned i = 0; i < 20; i++)
        turn ();
    send_newer_term (1, 0, 5);
    UNTIL (s_seen[1].frames[1] == 1 && s_seen[2].frames[1] == 1);
    assert_int_equal (s_seen[1].broken[1] + s_seen[2].broken[1], 0);
}

TEST (a_burst_of_small_frames_arrives_whole)
{
    start_all ();
    for (unsigned i = 0; i < 5000; i++)
        send_newer_term (1, 0, i);
    UNTIL (s_seen[1].frames[1] == 5000 && s_seen[2].frames[1] == 5000);
}

TEST (a_failed_bind_names_the_port_and_the_cause)
{
    char error[HF_ERROR_SIZE];
    char expected[HF_ERROR_SIZE];
    start (1);
    assert_null (new_mesh (1, error));
    snprintf (expected, sizeof (expected),
              "cannot listen on 127.0.0.1:%u for nodes: Address already in use; is another "
              "holdfastd running?",
              s_list.node[0].node_port);
    assert_string_equal (error, expected);
    hf_mesh_destroy (&s_mesh[0]);
    snprintf (s_list.node[0].host, sizeof (s_list.node[0].host), "192.0.2.1");
    assert_null (new_mesh (1, error));
    snprintf (expected, sizeof (expected),
              "cannot listen on 192.0.2.1:%u for nodes: Cannot assign requested address; is that "
              "an address of this machine? --listen ADDRESS names another",
              s_list.node[0].node_port);
    assert_string_equal (error, expected);
}

TEST (hosts_of_all_kinds_mix)
{
    snprintf (s_list.node[1].host, sizeof (s_list.node[1].host), "[::1]");
    snprintf (s_list.node[2].host, sizeof (s_list.node[2].host), "localhost");
    char error[HF_ERROR_SIZE];
    s_mesh[1] = new_mesh (2, error);
    if (s_mesh[1] == NULL && strstr (error, "Cannot assign") != NULL)
        skip (); //  no IPv6 here
    start (1);
    start (3);
    UNTIL (all_up ());
}

int
main (int argc, char **argv)
{
    if (argc == 4)
        return run_node (argv[1], (uint32_t)strtoul (argv[2], NULL, 10),
                         strtoull (argv[3], NULL, 10));
    return hf_test_run (NULL, NULL);
}
