//  A node serves whatever becomes of its stderr: a pipe that nobody empties, or whose reader ended.

#include "tests/kit/hf_test.h"
#include "tests/cluster/harness/hf_cluster.h"
#include "tests/cluster/harness/hf_script.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIMIT_MS 10000

/*  Node 1's log is a pipe from now on. Gives its reading end. */
static int
s_pipe_as_log (hf_cluster_t *cluster)
{
    const char *path = hf_cluster_log_path (cluster, 1);
    assert_int_equal (mkfifo (path, 0600), 0);
    int fd = open (path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true (fd >= 0);
    return fd;
}

static void
s_fill (const char *path)
{
    static const char piece[4096] = "";
    int fd = open (path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true (fd >= 0);
    while (write (fd, piece, sizeof piece) > 0)
        continue;
    while (write (fd, piece, 1) > 0)
        continue;
    assert_int_equal (errno, EAGAIN);
    close (fd);
}

static void
s_empty (int fd, char *text, size_t size)
{
    char piece[4096];
    size_t used = 0;
    for (ssize_t got; (got = read (fd, piece, sizeof piece)) > 0;)
        for (ssize_t i = 0; i < got && used + 1 < size; i++)
            if (piece[i] != 0)
                text[used++] = piece[i];
    text[used] = 0;
}

/*  What is left is a file, so that the log can be looked at. */
static void
s_no_pipe (hf_cluster_t *cluster, const char *text)
{
    const char *path = hf_cluster_log_path (cluster, 1);
    assert_int_equal (unlink (path), 0);
    FILE *file = fopen (path, "w");
    assert_non_null (file);
    fputs (text, file);
    fclose (file);
}

static void
s_must_serve (hf_cluster_t *cluster)
{
    hf_script_t *client =
        hf_script_new ("client", hf_cluster_endpoints (cluster), hf_cluster_dir (cluster));
    MUST (client, "open 10000");
    MUST (client, "acquire L");
    MUST (client, "release L");
    MUST (client, "close");
    hf_script_destroy (&client);
}

HF_TEST_ON (test_stderr_that_nobody_reads, 1)
{
    int fd = s_pipe_as_log (cluster);
    s_fill (hf_cluster_log_path (cluster, 1));
    assert_true (hf_cluster_start (cluster, 1));
    s_must_serve (cluster);
    //  When there is room again, the log says what is missing.
    static char text[65536];
    s_empty (fd, text, sizeof text);
    assert_string_equal (text, "");
    assert_int_equal (hf_cluster_terminate (cluster, 1, LIMIT_MS), 0);
    s_empty (fd, text, sizeof text);
    assert_non_null (strstr (text, "lines were lost here: stderr was full)\n"));
    assert_non_null (strstr (text, "node 1: ended\n"));
    s_no_pipe (cluster, text);
    close (fd);
}

HF_TEST_ON (test_stderr_whose_reader_ended, 1)
{
    int fd = s_pipe_as_log (cluster);
    hf_cluster_launch (cluster, 1);
    close (fd);
    s_no_pipe (cluster, "");
    hf_node_status_t status;
    assert_true (HF_WAIT (hf_cluster_status (cluster, 1, &status), HF_CLUSTER_LIMIT_MS));
    s_must_serve (cluster);
    assert_int_equal (hf_cluster_terminate (cluster, 1, LIMIT_MS), 0);
}

HF_TEST_MAIN (NULL, NULL)
