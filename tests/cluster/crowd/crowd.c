//  What the programs of this folder share.

#include "tests/cluster/crowd/crowd.h"
#include "msgs/hf_limits.h"
#include "tests/kit/hf_ports.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ASK_LIMIT_MS 20000

static hf_cluster_t *s_cluster;
static hf_probe_t *s_probes[HF_MEMBERS_MAX]; //  by id - 1
static char s_limit[64];
static const char *s_variables[] = {"prlimit", s_limit, NULL};

void
crowd_fail (const char *format, ...)
{
    va_list args;
    va_start (args, format);
    vprintf (format, args);
    va_end (args);
    printf ("\n");
    fflush (stdout);
    hf_cluster_destroy (&s_cluster);
    exit (1);
}

hf_cluster_t *
crowd_begin (unsigned count, unsigned files, const char *program)
{
    setvbuf (stdout, NULL, _IOLBF, 0);
    if (program)
        hf_cluster_set_program (program);
    s_cluster = hf_cluster_new (count);
    snprintf (s_limit, sizeof s_limit, "--nofile=%u:%u", files, files);
    for (uint32_t id = 1; id <= count && files > 0; id++)
        hf_cluster_set_environment (s_cluster, id, s_variables);
    CROWD_MUST (hf_cluster_begin (s_cluster), "the cluster does not start");
    for (uint32_t id = 1; id <= count; id++) {
        s_probes[id - 1] = hf_probe_new (hf_cluster_address (s_cluster, id),
                                         hf_cluster_client_port (s_cluster, id));
        crowd_fact (id, "node");
    }
    return s_cluster;
}

void
crowd_end (void)
{
    for (size_t i = 0; i < HF_MEMBERS_MAX; i++)
        hf_probe_destroy (&s_probes[i]);
    CROWD_MUST (hf_cluster_passed (s_cluster), "the nodes did not end well");
    hf_cluster_destroy (&s_cluster);
}

uint64_t
crowd_fact (uint32_t id, const char *key)
{
    hf_query_result_t result;
    CROWD_MUST (hf_cluster_running (s_cluster, id), "node %u has ended", id);
    CROWD_MUST (hf_probe_query (s_probes[id - 1], HF_WHAT_STATUS, "", &result, ASK_LIMIT_MS),
                "node %u does not answer", id);
    hf_scan_t scan = hf_scan_list (result.rows);
    hf_fact_row_t fact;
    for (uint32_t i = 0; i < result.rows.count && hf_fact_row_get (&scan, &fact); i++)
        if (hf_span_equal (fact.key, hf_span_text (key)))
            return fact.number;
    return 0;
}

uint64_t
crowd_cpu_ms (uint32_t id)
{
    char path[64];
    unsigned long user = 0, kernel = 0;
    snprintf (path, sizeof path, "/proc/%d/stat", (int)hf_cluster_pid (s_cluster, id));
    FILE *file = fopen (path, "r");
    CROWD_MUST (file, "node %u has ended", id);
    int count = fscanf (file, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
                        &kernel);
    fclose (file);
    assert (count == 2);
    return (user + kernel) * 1000 / (uint64_t)sysconf (_SC_CLK_TCK);
}

//  ---- ZMTP by hand -------------------------------------------------------------------

static const char s_hello[] = "\xff\0\0\0\0\0\0\0\x01\x7f\x03\0NULL\0\0\0\0\0\0\0\0"
                              "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                              "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                              "\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06"
                              "DEALER";

int
crowd_raw (uint16_t port)
{
    int fd = hf_port_connect (port, 0);
    CROWD_MUST (fd >= 0, "cannot connect to port %u", port);
    char theirs[64 + 2]; //  and the head of their READY
    bool greeted = send (fd, s_hello, sizeof s_hello - 1, MSG_NOSIGNAL) > 0 &&
                   recv (fd, theirs, sizeof theirs, MSG_WAITALL) == sizeof theirs;
    CROWD_MUST (greeted, "the node does not greet");
    return fd;
}

bool
crowd_raw_send (int fd, const void *bytes, size_t size)
{
    assert (size < 256);
    char frame[2 + 256] = {0, (char)size};
    memcpy (frame + 2, bytes, size);
    return send (fd, frame, size + 2, MSG_NOSIGNAL) == (ssize_t)size + 2;
}
