/*  holdfastd - one node of a holdfast cluster: options, wiring of the actors, signals. */
#include "nodes/actors/hf_actors.h"
#include "nodes/actors/hf_clock.h"
#include "nodes/actors/hf_pipe.h"
#include "nodes/actors/hf_report.h"
#include "nodes/hf_dump.h"
#include "nodes/store/hf_db.h"
#include "nodes/store/hf_dir.h"
#include <assert.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { EXIT_OK = 0, EXIT_CANNOT_START = 1, EXIT_USAGE = 64 };

#define HANDOVER_LIMIT_MS 2000

static const char s_help[] =
    "Usage: holdfastd [OPTION]...\n"
    "Run one node of a holdfast cluster: a replicated lock service.\n"
    "\n"
    "  -i, --id N            this node's id in the cluster list (default: the only one)\n"
    "  -c, --cluster LIST    all nodes, the same list on every node and client:\n"
    "                        ID@HOST:CLIENT-PORT:NODE-PORT,... with 1, 3, 5 or 7 nodes;\n"
    "                        ports may be left out (8080, 8081).\n"
    "                        Default: " HF_ENDPOINTS_DEFAULT "\n"
    "  -d, --data DIR        where this node keeps its log and files\n"
    "                        (default: ./holdfast-data; made when it is not there)\n"
    "  -l, --log-level LEVEL error, warn, info (default) or debug; lines go to stderr\n"
    "      --no-prefer-lowest  do not hand the lead over to the lowest id\n"
    "      --dump DIR        print the state of a node that does not run, as JSON, and exit\n"
    "  -h, --help            show this and exit\n"
    "  -V, --version         show the version and exit\n"
    "\n"
    "With no arguments it is a cluster of one on 127.0.0.1. A cluster of three on one machine:\n"
    "\n"
    "  L=1@127.0.0.1:8080:8081,2@127.0.0.1:8082:8083,3@127.0.0.1:8084:8085\n"
    "  holdfastd --id 1 --cluster $L --data d1 &\n"
    "  holdfastd --id 2 --cluster $L --data d2 &\n"
    "  holdfastd --id 3 --cluster $L --data d3 &\n"
    "  holdfast --endpoints $L status\n"
    "\n"
    "SIGTERM ends it cleanly: a leader hands over first. Exit codes: 0 ended by a signal\n"
    "or dumped, 1 it could not start or a disk failed (stderr says which), 64 wrong usage.\n";

typedef struct options {
    uint32_t id; //  0: not given
    const char *cluster;
    const char *data;
    const char *dump; //  NULL: run
    hf_level_t level;
    bool prefer_lowest;
} options_t;

static int
s_usage (const char *text, const char *value)
{
    fprintf (stderr, "holdfastd: %s%s%s%s; try 'holdfastd --help'\n", text, value ? " \"" : "",
             value ? value : "", value ? "\"" : "");
    return EXIT_USAGE;
}

static bool
s_parse_id (const char *text, uint32_t *id)
{
    char *end;
    unsigned long value = strtoul (text, &end, 10);
    *id = (uint32_t)value;
    return *text >= '0' && *text <= '9' && *end == 0 && value >= 1 && value <= 65535;
}

/*  -1: go on; else the exit code. */
static int
s_parse (options_t *options, int argc, char **argv)
{
    enum { NO_PREFER = 256, DUMP };
    static const struct option longs[] = {{"id", required_argument, NULL, 'i'},
                                          {"cluster", required_argument, NULL, 'c'},
                                          {"data", required_argument, NULL, 'd'},
                                          {"log-level", required_argument, NULL, 'l'},
                                          {"dump", required_argument, NULL, DUMP},
                                          {"no-prefer-lowest", no_argument, NULL, NO_PREFER},
                                          {"help", no_argument, NULL, 'h'},
                                          {"version", no_argument, NULL, 'V'},
                                          {NULL, 0, NULL, 0}};
    int c;
    while ((c = getopt_long (argc, argv, "i:c:d:l:hV", longs, NULL)) != -1) {
        switch (c) {
        case 'i':
            if (!s_parse_id (optarg, &options->id))
                return s_usage ("--id must be a number from 1 to 65535, not", optarg);
            break;
        case 'c':
            options->cluster = optarg;
            break;
        case 'd':
            options->data = optarg;
            break;
        case 'l':
            if (hf_report_level (optarg, &options->level) != 0)
                return s_usage ("--log-level must be error, warn, info or debug, not", optarg);
            break;
        case NO_PREFER:
            options->prefer_lowest = false;
            break;
        case DUMP:
            options->dump = optarg;
            break;
        case 'h':
            fputs (s_help, stdout);
            return EXIT_OK;
        case 'V':
            puts ("holdfastd " HF_VERSION);
            return EXIT_OK;
        default:
            return s_usage ("unknown or incomplete option", NULL);
        }
    }
    if (optind < argc)
        return s_usage ("unexpected argument", argv[optind]);
    return -1;
}

/*  What a node is made of, opened before anything runs. */
typedef struct node {
    hf_endpoints_t endpoints;
    char list[HF_ENDPOINTS_TEXT_SIZE];
    uint32_t id;
    hf_dir_t *dir;
    hf_election_args_t election;
    hf_lock_args_t lock;
    hf_file_args_t file;
} node_t;

static int
s_refuse (const char *text)
{
    fprintf (stderr, "holdfastd: %s\n", text);
    return -1;
}

static int
s_cluster (node_t *node, const options_t *options)
{
    char error[HF_STORE_ERROR_SIZE];
    if (hf_endpoints_parse (&node->endpoints, options->cluster, error) != 0 ||
        hf_endpoints_check_cluster (&node->endpoints, error) != 0)
        return s_refuse (error);
    node->id = options->id;
    if (node->id == 0 && node->endpoints.count == 1)
        node->id = node->endpoints.node[0].id;
    if (node->id == 0)
        return s_refuse ("--id is needed: which node of the cluster list is this one?");
    hf_endpoints_text (&node->endpoints, node->list);
    if (!hf_endpoints_find (&node->endpoints, node->id)) {
        snprintf (error, sizeof error, "id %u is not in the cluster list; it has", node->id);
        for (uint32_t i = 0; i < node->endpoints.count; i++) {
            size_t used = strlen (error);
            snprintf (error + used, sizeof error - used, " %u", node->endpoints.node[i].id);
        }
        return s_refuse (error);
    }
    return 0;
}

/*  Sections are counted by the log: with another log, new ones would pass for old and be skipped.
 */
static int
s_check_files (const node_t *node, const options_t *options)
{
    char error[HF_STORE_ERROR_SIZE];
    if (hf_file_store_applied (node->file.store) == 0 ||
        hf_log_store_last_index (node->election.store) > 0)
        return 0;
    snprintf (
        error, sizeof error,
        "%s/files.db holds sections and %s/log.db holds nothing: the log was lost; " HF_DB_WAY_OUT,
        options->data, options->data);
    return s_refuse (error);
}

static int
s_open (node_t *node, const options_t *options)
{
    char error[HF_STORE_ERROR_SIZE];
    node->dir = hf_dir_open (options->data, error);
    if (!node->dir)
        return s_refuse (error);
    node->election.store = hf_log_store_open (options->data, error);
    if (!node->election.store)
        return s_refuse (error);
    if (hf_log_store_bind (node->election.store, node->id, node->list) != 0)
        return s_refuse (hf_log_store_error (node->election.store));
    node->file.store = hf_file_store_open (options->data, error);
    if (!node->file.store)
        return s_refuse (error);
    if (s_check_files (node, options) != 0)
        return -1;
    void *context = zsys_init ();
    node->election.mesh = hf_mesh_new (context, &node->endpoints, node->id, error);
    if (!node->election.mesh)
        return s_refuse (error);
    node->lock.door = hf_door_new (context, hf_endpoints_find (&node->endpoints, node->id), error);
    if (!node->lock.door)
        return s_refuse (error);
    return 0;
}

static void
s_configure (node_t *node, const options_t *options)
{
    hf_core_config_t *config = &node->election.config;
    hf_core_config_defaults (config);
    config->self = node->id;
    config->members_count = node->endpoints.count;
    for (uint32_t i = 0; i < node->endpoints.count; i++)
        config->members[i] = node->endpoints.node[i].id;
    config->prefer_lowest = options->prefer_lowest;
    //  Nodes must not share their jitter; nothing else rests on this number.
    config->seed = hf_clock_us () ^ (uint64_t)getpid () << 32 ^ node->id;
    node->lock.endpoints = node->endpoints;
    node->lock.self = node->id;
}

/*  Run the actors until a signal ends them: lock first, so that nobody is answered any more. */
static void
s_run (node_t *node, const sigset_t *signals)
{
    node->lock.election = hf_pipe_new (&node->election.lock);
    node->lock.file = hf_pipe_new (&node->file.lock);
    zactor_t *file = zactor_new (hf_file_actor, &node->file);
    zactor_t *election = zactor_new (hf_election_actor, &node->election);
    zactor_t *lock = zactor_new (hf_lock_actor, &node->lock);
    assert (file && election && lock);
    const hf_endpoint_t *self = hf_endpoints_find (&node->endpoints, node->id);
    hf_report (HF_INFO, "holdfastd " HF_VERSION " serves clients on %s:%u, cluster %s", self->host,
               (unsigned)self->client_port, node->list);
    int signal_number = 0;
    sigwait (signals, &signal_number);
    hf_report (HF_INFO, "ends: %s", strsignal (signal_number));
    zsock_set_rcvtimeo (election, HANDOVER_LIMIT_MS);
    zstr_send (election, "HANDOVER");
    char *done = zstr_recv (election);
    zstr_free (&done);
    zactor_destroy (&lock);
    zactor_destroy (&election);
    zactor_destroy (&file);
    hf_report (HF_INFO, "ended");
}

int
main (int argc, char **argv)
{
    options_t options = {.cluster = HF_ENDPOINTS_DEFAULT,
                         .data = "./holdfast-data",
                         .level = HF_INFO,
                         .prefer_lowest = true};
    int rc = s_parse (&options, argc, argv);
    if (rc >= 0)
        return rc;
    if (options.dump)
        return hf_dump (options.dump, stdout) == 0 ? EXIT_OK : EXIT_CANNOT_START;
    //  Threads inherit the mask: signals come to sigwait alone.
    sigset_t signals;
    sigemptyset (&signals);
    sigaddset (&signals, SIGTERM);
    sigaddset (&signals, SIGINT);
    pthread_sigmask (SIG_BLOCK, &signals, NULL);
    signal (SIGPIPE, SIG_IGN);
    zsys_handler_set (NULL);

    static node_t node;
    if (s_cluster (&node, &options) == 0) {
        hf_report_init (options.level, node.id);
        rc = s_open (&node, &options);
    }
    if (rc == 0) {
        s_configure (&node, &options);
        s_run (&node, &signals);
    } else {
        hf_mesh_destroy (&node.election.mesh);
        hf_file_store_close (&node.file.store);
        hf_log_store_close (&node.election.store);
    }
    hf_dir_close (&node.dir);
    zsys_shutdown ();
    return rc == 0 ? EXIT_OK : EXIT_CANNOT_START;
}
