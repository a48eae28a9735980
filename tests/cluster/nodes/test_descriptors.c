//  A node whose standard descriptors are closed, or that may open few files.

#include "tests/kit/hf_test.h"
#include "tests/cluster/harness/hf_cluster.h"
#include "tests/kit/hf_folder.h"
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LIMIT_MS 10000

static char *
s_slurp (const char *dir, const char *name)
{
    char path[512];
    snprintf (path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen (path, "r");
    assert_non_null (file);
    char *text = calloc (1, 4096);
    assert_non_null (text);
    size_t size = fread (text, 1, 4095, file);
    text[size] = 0;
    fclose (file);
    return text;
}

/*  Run node 1 by a shell with REDIRECTION, until it has served and SIGTERM has ended it: DIR/lock
 *  holds its process id and no more. */
static void
s_must_serve (hf_cluster_t *cluster, const char *redirection)
{
    char script[256];
    snprintf (script, sizeof script, "exec \"$0\" --id 1 --cluster \"$1\" --data \"$2\" %s",
              redirection);
    const char *dir = hf_cluster_node_dir (cluster, 1);
    const char *argv[] = {
        "/bin/sh", "-c", script, hf_cluster_program (), hf_cluster_endpoints (cluster), dir, NULL};
    hf_process_config_t config = {.argv = argv, .log_path = hf_cluster_log_path (cluster, 1)};
    hf_process_t *node = hf_process_new (&config);
    hf_node_status_t status;
    bool led = HF_WAIT (hf_status_ask (hf_cluster_address (cluster, 1),
                                       hf_cluster_client_port (cluster, 1), &status, 500) &&
                            status.leader == 1,
                        HF_CLUSTER_LIMIT_MS);
    char expected[32];
    snprintf (expected, sizeof expected, "%d\n", (int)hf_process_pid (node));
    hf_process_signal (node, SIGTERM);
    int code = hf_process_wait (node, LIMIT_MS);
    hf_process_destroy (&node);
    char *lock = s_slurp (dir, "lock");
    if (!led || code != 0 || strcmp (lock, expected) != 0)
        fail_msg ("with %s: serves %d, code %d, lock holds \"%s\", not \"%s\"", redirection, led,
                  code, lock, expected);
    free (lock);
}

HF_TEST_ON (test_standard_descriptors_closed, 1)
{
    s_must_serve (cluster, "2>&-");
    s_must_serve (cluster, "0<&-");
    s_must_serve (cluster, "1>&- 2>&-");
    s_must_serve (cluster, "0<&- 1>&- 2>&-");
}

//  ---- few descriptors -----------------------------------------------------------------

/*  One line that names the limit, and no abort within libzmq or czmq. */
HF_TEST_ON (test_too_few_to_start, 1)
{
    static const unsigned limits[] = {12, 16, 20, 24, 28, 32, 40, 64, 90};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        char limit[32], text[4096];
        snprintf (limit, sizeof limit, "--nofile=%u:%u", limits[i], limits[i]);
        const char *argv[] = {"/usr/bin/env",
                              "prlimit",
                              limit,
                              hf_cluster_program (),
                              "--cluster",
                              hf_cluster_endpoints (cluster),
                              "--data",
                              hf_cluster_node_dir (cluster, 1),
                              NULL};
        int code = hf_process_run (argv, LIMIT_MS, text, sizeof text);
        const char *end = strchr (text, '\n');
        if (code != 1 || !end || end[1] != 0 || !strstr (text, "open files") ||
            !strstr (text, "ulimit -n"))
            fail_msg ("%s: code %d, %s", limit, code, text);
    }
    assert_int_not_equal (access (hf_cluster_node_dir (cluster, 1), F_OK), 0);
}

HF_TEST_ON (test_the_soft_limit_is_raised, 1)
{
    static const char *const variables[] = {"prlimit", "--nofile=64:1000", NULL};
    hf_cluster_set_environment (cluster, 1, variables);
    assert_true (hf_cluster_begin (cluster));
    char dir[64];
    snprintf (dir, sizeof dir, "/proc/%d", (int)hf_cluster_pid (cluster, 1));
    char *limits = s_slurp (dir, "limits");
    const char *row = strstr (limits, "Max open files");
    unsigned soft = 0;
    assert_non_null (row);
    assert_int_equal (sscanf (row, "Max open files %u", &soft), 1);
    free (limits);
    assert_int_equal (soft, 1000);
}

HF_TEST_MAIN (NULL, NULL)
