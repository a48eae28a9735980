/*  holdfastd - one node of a holdfast cluster: wiring of the actors, signals. */
#include "nodes/actors/hf_clock.h"
#include "nodes/actors/hf_pipe.h"
#include "nodes/hf_dump.h"
#include "nodes/hf_node.h"
#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define HANDOVER_LIMIT_MS 2000

static void
s_configure (hf_node_t *node, const hf_options_t *options)
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
    node->election.log_keep = options->log_keep;
    node->file.dir = options->data;
    node->file.self = node->id;
    node->lock.endpoints = node->endpoints;
    node->lock.self = node->id;
}

/*  Run the actors until a signal ends them: lock first, so that nobody is answered any more.
 *  Gives the signal; SIGUSR1: the file actor has another node's state, to be swapped in. */
static int
s_run (hf_node_t *node, const sigset_t *signals)
{
    node->election.file = hf_pipe_new (&node->file.election);
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
    if (signal_number != SIGUSR1)
        hf_report (HF_INFO, "ends: %s", strsignal (signal_number));
    zsock_set_rcvtimeo (election, HANDOVER_LIMIT_MS);
    zstr_send (election, "HANDOVER");
    char *done = zstr_recv (election);
    zstr_free (&done);
    zactor_destroy (&lock);
    zactor_destroy (&election);
    zactor_destroy (&file);
    if (signal_number != SIGUSR1)
        hf_report (HF_INFO, "ended");
    return signal_number;
}

/*  Nothing of the old state may be open or in memory while another one is swapped in. */
static void
s_start_again (char **argv)
{
    execv ("/proc/self/exe", argv);
    fprintf (stderr, "holdfastd: cannot start again: %s; start this node by hand\n",
             strerror (errno));
}

int
main (int argc, char **argv)
{
    hf_options_t options;
    int rc = hf_options_parse (&options, argc, argv);
    if (rc >= 0)
        return rc;
    if (options.dump)
        return hf_dump (options.dump, stdout) == 0 ? EXIT_OK : EXIT_CANNOT_START;
    //  Threads inherit the mask: signals come to sigwait alone.
    sigset_t signals;
    sigemptyset (&signals);
    sigaddset (&signals, SIGTERM);
    sigaddset (&signals, SIGINT);
    sigaddset (&signals, SIGUSR1);
    pthread_sigmask (SIG_BLOCK, &signals, NULL);
    signal (SIGPIPE, SIG_IGN);
    zsys_handler_set (NULL);

    static hf_node_t node;
    if (hf_node_find (&node, &options) == 0) {
        hf_report_init (options.level, node.id);
        rc = hf_node_open (&node, &options);
    }
    int signal_number = 0;
    if (rc == 0) {
        s_configure (&node, &options);
        signal_number = s_run (&node, &signals);
    } else {
        hf_node_close (&node);
    }
    hf_dir_close (&node.dir);
    zsys_shutdown ();
    if (signal_number == SIGUSR1) {
        s_start_again (argv);
        rc = -1;
    }
    return rc == 0 ? EXIT_OK : EXIT_CANNOT_START;
}
