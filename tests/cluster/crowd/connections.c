/*  connections - more clients than a node may open files, who do nothing.
 *
 *      connections [--files 1024] [--clients 1100] [--program HOLDFASTD]
 *
 *  Three nodes whose limit on open files is FILES, soft and hard. A client with a session was there
 *  before; then CLIENTS connect to each node and stay. All nodes live, none spins, the client
 * appends to new files, a new client is told what the matter is, and when the others leave it is
 * served. Exit code 1: something did not hold, its line says what.
 */
#include "tests/cluster/crowd/crowd.h"
#include "base/hf_std.h"
#include "client/holdfast.h"
#include <assert.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <zmq.h>

#define NODES    3
#define LIMIT_MS 30000
#define QUIET_MS 1000
#define CPU_PART 3 //  a node uses less than a third of the time

typedef struct options {
    unsigned files, clients;
    const char *program;
} options_t;

static hf_cluster_t *s_cluster;

static bool
s_read_options (options_t *self, int argc, char **argv)
{
    static const struct option options[] = {{"files", required_argument, NULL, 'f'},
                                            {"clients", required_argument, NULL, 'c'},
                                            {"program", required_argument, NULL, 'p'},
                                            {NULL, 0, NULL, 0}};
    *self = (options_t){.files = 1024, .clients = 1100};
    int option;
    while ((option = getopt_long (argc, argv, "", options, NULL)) != -1) {
        if (option == 'f')
            self->files = (unsigned)strtoul (optarg, NULL, 10);
        else if (option == 'c')
            self->clients = (unsigned)strtoul (optarg, NULL, 10);
        else if (option == 'p')
            self->program = optarg;
        else
            return false;
    }
    return optind == argc && self->files > 0 && self->clients > 0;
}

//  ---- a client ---------------------------------------------------------------------

static hf_client_t *
s_client (void)
{
    char error[HF_CLIENT_ERROR_SIZE];
    hf_client_options_t options = HF_CLIENT_OPTIONS_INIT;
    options.endpoints = hf_cluster_endpoints (s_cluster);
    hf_client_t *client = hf_client_new (&options, error);
    CROWD_MUST (client, "no client: %s", error);
    return client;
}

static void
s_append (hf_session_t *session, const char *file)
{
    hf_grant_t grant;
    hf_status_t status = hf_acquire (session, "lock", LIMIT_MS, &grant);
    if (status == HF_OK)
        status = hf_append (session, "lock", grant.token, file, file, strlen (file), LIMIT_MS);
    if (status == HF_OK)
        status = hf_release (session, "lock", grant.token, LIMIT_MS);
    CROWD_MUST (status == HF_OK, "append to %s: %s", file, hf_status_text (status));
    CROWD_MUST (hf_cluster_wait_file (s_cluster, file, file, LIMIT_MS), "%s is missing", file);
}

//  ---- the crowd --------------------------------------------------------------------

static void **
s_gather (void *context, unsigned clients)
{
    void **crowd = calloc ((size_t)clients * NODES, sizeof *crowd);
    assert (crowd);
    for (unsigned i = 0; i < clients * NODES; i++) {
        uint32_t id = i % NODES + 1;
        char address[64];
        snprintf (address, sizeof address, "tcp://%s:%u", hf_cluster_address (s_cluster, id),
                  hf_cluster_client_port (s_cluster, id));
        crowd[i] = zmq_socket (context, ZMQ_DEALER);
        int none = 0;
        CROWD_MUST (crowd[i] && zmq_setsockopt (crowd[i], ZMQ_LINGER, &none, sizeof none) == 0 &&
                        zmq_connect (crowd[i], address) == 0,
                    "cannot make %u sockets: %s", clients * NODES, zmq_strerror (zmq_errno ()));
    }
    return crowd;
}

static void
s_look (unsigned clients, bool *busy)
{
    uint64_t before_ms[NODES];
    for (uint32_t id = 1; id <= NODES; id++) {
        bool full = HF_WAIT (
            crowd_fact (id, "refused_connections") > 0 &&
                crowd_fact (id, "connections") + crowd_fact (id, "refused_connections") >= clients,
            LIMIT_MS);
        printf ("node %u: %u connections, at least %u fit, %u refused\n", id,
                (unsigned)crowd_fact (id, "connections"),
                (unsigned)crowd_fact (id, "connections_max"),
                (unsigned)crowd_fact (id, "refused_connections"));
        CROWD_MUST (full, "node %u is not full", id);
        CROWD_MUST (crowd_fact (id, "connections") >= crowd_fact (id, "connections_max"),
                    "node %u refuses too early", id);
        before_ms[id - 1] = crowd_cpu_ms (id);
    }
    uint64_t end_ms = hf_wait_now_ms () + QUIET_MS;
    while (hf_wait_pause (end_ms))
        continue;
    for (uint32_t id = 1; id <= NODES; id++) {
        uint64_t used_ms = crowd_cpu_ms (id) - before_ms[id - 1];
        printf ("node %u: %u ms of processor time in %u ms\n", id, (unsigned)used_ms, QUIET_MS);
        *busy = *busy || used_ms > QUIET_MS / CPU_PART;
    }
}

int
main (int argc, char **argv)
{
    hf_std_open ();
    options_t options;
    if (!s_read_options (&options, argc, argv))
        return 64;
    struct rlimit limit;
    getrlimit (RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit (RLIMIT_NOFILE, &limit);
    s_cluster = crowd_begin (NODES, options.files, options.program);
    hf_client_t *client = s_client ();
    hf_session_t *session;
    CROWD_MUST (hf_session_open (client, NULL, LIMIT_MS, &session) == HF_OK, "no session");
    s_append (session, "before");

    void *context = zmq_ctx_new ();
    zmq_ctx_set (context, ZMQ_MAX_SOCKETS, (int)(options.clients * NODES) + 1);
    void **crowd = s_gather (context, options.clients);
    bool busy = false;
    for (uint32_t id = 1; id <= NODES; id++)
        CROWD_MUST (
            HF_WAIT (hf_cluster_log_has (s_cluster, id, "takes no more connections"), LIMIT_MS),
            "node %u says nothing", id);
    s_look (options.clients, &busy);
    CROWD_MUST (!busy, "a node spins");
    for (unsigned i = 0; i < 8; i++) {
        char file[16];
        snprintf (file, sizeof file, "new-%u", i);
        s_append (session, file);
    }
    hf_client_t *late = s_client ();
    hf_session_t *none;
    hf_status_t status = hf_session_open (late, NULL, 3000, &none);
    printf ("a new client: %s\n", hf_status_text (status));
    CROWD_MUST (status == HF_FULL, "that is not what it should be told");

    for (unsigned i = 0; i < options.clients * NODES; i++)
        zmq_close (crowd[i]);
    zmq_ctx_term (context);
    free (crowd);
    uint64_t left_ms = hf_wait_now_ms ();
    status = hf_session_open (late, NULL, LIMIT_MS, &none);
    printf ("and %u ms after the others left: %s\n", (unsigned)(hf_wait_now_ms () - left_ms),
            hf_status_text (status));
    CROWD_MUST (status == HF_OK, "a new client is not served");
    s_append (none, "after");
    hf_session_close (&none, LIMIT_MS);
    hf_session_close (&session, LIMIT_MS);
    hf_client_destroy (&late);
    hf_client_destroy (&client);
    crowd_end ();
    return 0;
}
