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
    hf_endpoints_t list;
    if (hf_endpoints_parse (&list, text, error) != 0)
        return 1;
    s_context = zmq_ctx_new ();
    hf_mesh_t *mesh = start (&list, id);
    for (uint64_t next_us = 0; getppid () != 1;) {
        hf_mesh_event_t event;
        while (hf_mesh_next (mesh, test_now_us (), &event) != HF_MESH_NONE)
            continue;
        if (test_now_us () >= next_us) {
            next_us = hf_mesh_tick (mesh, test_now_us ());
            send_newer_term (mesh, id, 0, term);
        }
        void *sockets[HF_MESH_SOCKETS];
        hf_mesh_sockets (mesh, sockets);
        zmq_pollitem_t items[] = {{.socket = sockets[0], .events = ZMQ_POLLIN},
                                  {.socket = sockets[1], .events = ZMQ_POLLIN}};
        zmq_poll (items, 2, 5);
    }
    return 1;
}

static pid_t
spawn (const hf_endpoints_t *list, uint32_t id, uint64_t term)
{
    char text[HF_ENDPOINTS_TEXT_SIZE];
    char number[2][24];
    hf_endpoints_text (list, text);
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

//  ---- tests -----------------------------------------------------------------------

WITH_CONTEXT (links_come_up_and_frames_arrive)
{
    cluster_t cluster;
    start_all (&cluster, "127.0.0.1");
    uint64_t start_us = test_now_us ();
    send_newer_term (cluster.mesh[0], 1, 0, 5);
    UNTIL (&cluster, cluster.seen[1].frames[1] == 1 && cluster.seen[2].frames[1] == 1);
    send_newer_term (cluster.mesh[2], 3, 2, 6);
    UNTIL (&cluster, cluster.seen[1].frames[3] == 1);
    assert_int_equal (cluster.seen[0].frames[3], 0); //  it was for node 2 alone
    hf_scan_t scan;
    uint32_t kind;
    hf_newer_term_t message;
    assert_int_equal (hf_frame_open (cluster.seen[1].last, cluster.seen[1].last_size, &scan, &kind),
                      HF_OK);
    assert_true (hf_newer_term_get (&scan, &message));
    assert_int_equal (message.term, 6);

    //  Nothing goes down by itself, and an idle mesh is quiet.
    UNTIL (&cluster, test_now_us () - start_us > 1500000);
    for (unsigned i = 0; i < NODES; i++) {
        assert_int_equal (hf_mesh_dropped (cluster.mesh[i]), 0);
        for (uint32_t id = 1; id <= NODES; id++) {
            assert_int_equal (cluster.seen[i].up[id], id != i + 1);
            assert_int_equal (cluster.seen[i].down[id] + cluster.seen[i].broken[id], 0);
        }
    }
    stop_all (&cluster);
}

WITH_CONTEXT (hellos_are_rare_when_all_is_up)
{
    cluster_t cluster;
    start_all (&cluster, "127.0.0.1");
    uint64_t now_us = test_now_us ();
    assert_in_range (hf_mesh_tick (cluster.mesh[0], now_us), now_us, now_us + 250000);
    hf_mesh_destroy (&cluster.mesh[1]);
    UNTIL (&cluster, cluster.seen[0].broken[2] == 1 && cluster.seen[0].down[2] == 1);
    now_us = test_now_us ();
    uint64_t next_us = hf_mesh_tick (cluster.mesh[0], now_us);
    assert_in_range (next_us, now_us, now_us + 20000);
    //  After a while without it, it costs less.
    next_us = hf_mesh_tick (cluster.mesh[0], now_us + 1500000);
    assert_int_equal (next_us, now_us + 1500000 + 100000);
    stop_all (&cluster);
}

WITH_CONTEXT (a_destroyed_mesh_is_seen_to_break)
{
    cluster_t cluster;
    start_all (&cluster, "127.0.0.1");
    for (unsigned round = 1; round <= 3; round++) {
        hf_mesh_destroy (&cluster.mesh[0]);
        uint64_t from_us = test_now_us ();
        UNTIL (&cluster, cluster.seen[1].broken[1] == round && cluster.seen[2].broken[1] == round);
        UNTIL (&cluster, cluster.seen[1].down[1] == round && cluster.seen[2].down[1] == round);
        assert_in_range (test_now_us () - from_us, 0, 1000000);
        assert_int_equal (cluster.seen[1].broken[3] + cluster.seen[2].broken[2], 0);
        cluster.mesh[0] = start (&cluster.list, 1);
        cluster.seen[0] = (seen_t){.last_size = 0};
        cluster.tick_us[0] = 0;
        UNTIL (&cluster, all_up (&cluster));
    }
    stop_all (&cluster);
}

/*  Kill node 3 again and again: each time its last frame comes before the break, and the
 *  break comes at once. By a name, libzmq calls the second connection by another address. */
static void
killed_and_restarted (const char *host)
{
    hf_endpoints_t list = test_endpoints (host, NODES);
    cluster_t cluster = {.list = list};
    pid_t pid = spawn (&list, 3, 1);
    cluster.mesh[0] = start (&list, 1);
    cluster.mesh[1] = start (&list, 2);
    for (unsigned round = 1; round <= 4; round++) {
        UNTIL (&cluster, cluster.seen[0].up[3] == round && cluster.seen[1].up[3] == round);
        unsigned frames = cluster.seen[0].frames[3];
        UNTIL (&cluster, cluster.seen[0].frames[3] > frames);
        slay (pid);
        uint64_t from_us = test_now_us ();
        UNTIL (&cluster, cluster.seen[0].broken[3] == round && cluster.seen[1].broken[3] == round);
        assert_in_range (test_now_us () - from_us, 0, 1000000);
        UNTIL (&cluster, cluster.seen[0].down[3] == round && cluster.seen[1].down[3] == round);
        assert_int_equal (cluster.seen[0].broken[2] + cluster.seen[1].broken[1], 0);
        pid = spawn (&list, 3, round + 1);
    }
    slay (pid);
    stop_all (&cluster);
}

WITH_CONTEXT (a_killed_process_is_seen_to_break)
{
    killed_and_restarted ("127.0.0.1");
}

WITH_CONTEXT (a_killed_process_known_by_name_too)
{
    killed_and_restarted ("localhost");
}

WITH_CONTEXT (a_stopped_process_goes_down_and_comes_back)
{
    hf_endpoints_t list = test_endpoints ("127.0.0.1", NODES);
    cluster_t cluster = {.list = list};
    pid_t pid = spawn (&list, 3, 1);
    cluster.mesh[0] = start (&list, 1);
    UNTIL (&cluster, cluster.seen[0].up[3] == 1);
    kill (pid, SIGSTOP);
    UNTIL (&cluster, cluster.seen[0].down[3] == 1);
    UNTIL (&cluster, cluster.seen[0].broken[3] == 1); //  by ZMTP's heartbeats, a little later
    kill (pid, SIGCONT);
    UNTIL (&cluster, cluster.seen[0].up[3] == 2);
    slay (pid);
    stop_all (&cluster);
}

/*  Another program has the peer's port for a while. */
WITH_CONTEXT (a_port_that_speaks_something_else_is_tried_again)
{
    cluster_t cluster = {.list = test_endpoints ("127.0.0.1", NODES)};
    int listener = test_listen (cluster.list.node[1].node_port);
    cluster.mesh[0] = start (&cluster.list, 1);
    struct pollfd waiting = {.fd = listener, .events = POLLIN};
    UNTIL (&cluster, poll (&waiting, 1, 0) == 1);
    int fd = accept (listener, NULL, NULL);
    char answer[200];
    memset (answer, 0x7f, sizeof (answer));
    assert_int_equal (write (fd, answer, sizeof (answer)), sizeof (answer));
    struct pollfd cut = {.fd = fd, .events = POLLIN};
    char byte;
    UNTIL (&cluster, poll (&cut, 1, 0) == 1 && recv (fd, &byte, 1, MSG_DONTWAIT) <= 0);
    close (fd);
    close (listener);
    cluster.mesh[1] = start (&cluster.list, 2);
    UNTIL (&cluster, all_up (&cluster));
    assert_int_equal (cluster.seen[0].broken[2], 0); //  it was never heard before
    stop_all (&cluster);
}

WITH_CONTEXT (raw_garbage_on_the_node_port_is_survived)
{
    cluster_t cluster;
    start_all (&cluster, "127.0.0.1");
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
        int fd = test_connect (cluster.list.node[0].node_port);
        send (fd, noise, size, MSG_NOSIGNAL);
        turn (&cluster);
        close (fd);
    }
    for (unsigned i = 0; i < 20; i++)
        turn (&cluster);
    send_newer_term (cluster.mesh[0], 1, 0, 5);
    UNTIL (&cluster, cluster.seen[1].frames[1] == 1 && cluster.seen[2].frames[1] == 1);
    assert_int_equal (cluster.seen[1].broken[1] + cluster.seen[2].broken[1], 0);
    stop_all (&cluster);
}

WITH_CONTEXT (a_burst_of_small_frames_arrives_whole)
{
    cluster_t cluster;
    start_all (&cluster, "127.0.0.1");
    for (unsigned i = 0; i < 5000; i++)
        send_newer_term (cluster.mesh[0], 1, 0, i);
    UNTIL (&cluster, cluster.seen[1].frames[1] == 5000 && cluster.seen[2].frames[1] == 5000);
    stop_all (&cluster);
}

WITH_CONTEXT (a_port_in_use_is_told)
{
    hf_endpoints_t list = test_endpoints ("127.0.0.1", NODES);
    char error[HF_ERROR_SIZE];
    char expected[HF_ERROR_SIZE];
    hf_mesh_t *first = start (&list, 1);
    assert_null (hf_mesh_new (s_context, &list, 1, error));
    snprintf (expected, sizeof (expected),
              "cannot listen on 127.0.0.1:%u for nodes: Address already in use; is another "
              "holdfastd running?",
              list.node[0].node_port);
    assert_string_equal (error, expected);
    hf_mesh_destroy (&first);
    assert_null (hf_mesh_new (s_context, &list, 9, error));
    assert_string_equal (error, "node 9 is not in the list of endpoints");
    snprintf (list.node[0].host, sizeof (list.node[0].host), "192.0.2.1");
    assert_null (hf_mesh_new (s_context, &list, 1, error));
    snprintf (expected, sizeof (expected),
              "cannot listen on 192.0.2.1:%u for nodes: Cannot assign requested address; is that "
              "an address of this machine?",
              list.node[0].node_port);
    assert_string_equal (error, expected);
    snprintf (list.node[0].host, sizeof (list.node[0].host), "no-such-host.invalid");
    assert_null (hf_mesh_new (s_context, &list, 1, error));
    assert_non_null (strstr (error, "cannot listen on no-such-host.invalid:"));
}

WITH_CONTEXT (hosts_of_all_kinds_mix)
{
    cluster_t cluster = {.list = test_endpoints ("127.0.0.1", NODES)};
    snprintf (cluster.list.node[1].host, sizeof (cluster.list.node[1].host), "[::1]");
    snprintf (cluster.list.node[2].host, sizeof (cluster.list.node[2].host), "localhost");
    char error[HF_ERROR_SIZE];
    cluster.mesh[1] = hf_mesh_new (s_context, &cluster.list, 2, error);
    if (cluster.mesh[1] == NULL && strstr (error, "Cannot assign") != NULL)
        skip (); //  no IPv6 here
    cluster.mesh[0] = start (&cluster.list, 1);
    cluster.mesh[2] = start (&cluster.list, 3);
    UNTIL (&cluster, all_up (&cluster));
    stop_all (&cluster);
}

int
main (int argc, char **argv)
{
    if (argc == 4)
        return run_node (argv[1], (uint32_t)strtoul (argv[2], NULL, 10),
                         strtoull (argv[3], NULL, 10));
    return hf_test_run (NULL, NULL);
}
