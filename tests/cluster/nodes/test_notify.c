//  What a node tells a service manager, which here is a socket: that it is ready when it knows a
//  leader, who leads, that it lives as long as all of its actors do, and that it ends.

#include "tests/kit/hf_test.h"
#include "tests/cluster/harness/hf_cluster.h"
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LIMIT_MS    20000
#define WATCHDOG_US "4000000"
#define HANG_MS     5000
#define WINDOW_MS   4000

static int s_socket = -1;
static char s_told[1 << 16]; //  all datagrams, a line break behind each
static size_t s_size;

/*  Nodes that are started from now on tell it to this test. */
static void
s_listen (const hf_cluster_t *cluster)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int size =
        snprintf (address.sun_path, sizeof address.sun_path, "%s/notify", hf_cluster_dir (cluster));
    assert_in_range (size, 1, sizeof address.sun_path - 1);
    s_socket = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal (bind (s_socket, (struct sockaddr *)&address, sizeof address), 0);
    setenv ("NOTIFY_SOCKET", address.sun_path, 1);
    s_size = 0;
    s_told[0] = 0;
}

static void
s_listen_no_more (void)
{
    unsetenv ("NOTIFY_SOCKET");
    unsetenv ("WATCHDOG_USEC");
    close (s_socket);
}

static const char *
s_hear (void)
{
    ssize_t size;
    while ((size = recv (s_socket, s_told + s_size, sizeof s_told - s_size - 2, 0)) > 0) {
        s_size += (size_t)size;
        s_told[s_size++] = '\n';
        s_told[s_size] = 0;
        assert_true (s_size < sizeof s_told - 4096);
    }
    return s_told;
}

static unsigned
s_count (const char *text)
{
    unsigned count = 0;
    for (const char *at = s_hear (); (at = strstr (at, text)) != NULL; at++)
        count++;
    return count;
}

static bool
s_told_in_time (const char *text)
{
    return HF_WAIT (s_count (text) > 0, LIMIT_MS);
}

static void
s_forget (void)
{
    s_hear ();
    s_size = 0;
    s_told[0] = 0;
}

HF_TEST_ON (ready_when_it_knows_a_leader, 3)
{
    s_listen (cluster);
    hf_cluster_launch (cluster, 2);
    assert_true (s_told_in_time ("STATUS=waits for a leader"));
    assert_true (HF_WAIT_NEVER (s_count ("READY=1") > 0, 1000)); //  alone of three
    assert_true (hf_cluster_start (cluster, 3));
    assert_true (hf_cluster_start (cluster, 1));
    assert_true (HF_WAIT (s_count ("READY=1") == 3, LIMIT_MS));
    assert_true (s_told_in_time ("STATUS=node 1 leads"));
    assert_true (s_told_in_time ("STATUS=node 2 follows node 1"));
    s_forget ();
    hf_cluster_kill (cluster, 1);
    hf_cluster_kill (cluster, 3);
    assert_true (s_told_in_time ("STATUS=node 2 knows no leader"));
    assert_true (hf_cluster_start (cluster, 3));
    assert_true (s_told_in_time ("STATUS=node 3 follows node 2") ||
                 s_told_in_time ("STATUS=node 3 leads"));
    assert_int_equal (s_count ("READY=1"), 1); //  of node 3 alone: the other was ready before
    s_forget ();
    assert_int_equal (hf_cluster_terminate (cluster, 2, LIMIT_MS), 0);
    assert_int_equal (s_count ("STOPPING=1"), 1);
    assert_int_equal (s_count ("WATCHDOG"), 0);
    s_listen_no_more ();
}

//  The main thread goes on while an actor waits for its disk: no sign of life may be sent then.
HF_TEST_ON (a_hanging_actor_is_no_life, 1)
{
    s_listen (cluster);
    setenv ("WATCHDOG_USEC", WATCHDOG_US, 1);
    hf_cluster_slow_disk (cluster, 1);
    assert_true (hf_cluster_begin (cluster));
    assert_true (s_told_in_time ("READY=1\nWATCHDOG_USEC=" WATCHDOG_US));
    s_forget ();
    assert_true (HF_WAIT (s_count ("WATCHDOG=1") >= 3, LIMIT_MS));
    hf_cluster_set_sync (cluster, 1, HANG_MS);
    const char *argv[] = {HF_TEST_TOOL, "--endpoints", hf_cluster_endpoints (cluster),
                          "run",        "x",           "--",
                          "true",       NULL};
    hf_process_config_t config = {.argv = argv, .log_path = hf_cluster_log_path (cluster, 1)};
    hf_process_t *tool = hf_process_new (&config);
    hf_node_status_t status;
    assert_true (hf_cluster_status (cluster, 1, &status)); //  the tool has asked by then
    s_forget ();
    //  One or two may have been due; a node that lives sends one a second.
    assert_true (HF_WAIT_NEVER (s_count ("WATCHDOG=1") > 2, WINDOW_MS));
    hf_cluster_set_sync (cluster, 1, 0);
    s_forget ();
    assert_true (HF_WAIT (s_count ("WATCHDOG=1") >= 3, LIMIT_MS));
    assert_int_equal (hf_process_wait (tool, LIMIT_MS), 0);
    hf_process_destroy (&tool);
    s_listen_no_more ();
}

HF_TEST_MAIN (NULL, NULL)
