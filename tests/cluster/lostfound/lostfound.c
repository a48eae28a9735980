/*  lostfound - clients append while nodes die and stall; is anything lost, doubled or torn?
 *
 *  Three nodes; every few seconds one of them, sometimes two, is killed (SIGKILL) or stands
 *  still (SIGSTOP) for a while. In the end all come back, the clients finish, all nodes are killed
 *  once more, and the files on their disks are compared with what the clients were answered (P5,
 * P6, P7, P11). Exit code 0: everything held; 1: a promise was broken; 2: no end within the limit.
 */
#include "tests/cluster/harness/hf_cluster.h"
#include "tests/cluster/lostfound/client.h"
#include "tests/cluster/lostfound/verdict.h"
#include "base/hf_std.h"
#include <assert.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define S_NODES       3
#define S_END_EXTRA_S 180 //  for the last sections and the verdict

typedef struct s_run {
    uint32_t seconds;
    uint64_t seed;
    uint32_t clients;
    hf_cluster_t *cluster;
    hf_test_client_t client[HF_CLIENTS_MAX];
    atomic_bool stop;
    hf_recorder_t *recorder;
    char record_path[512]; //  if not given, in the cluster's folder: kept when all is not well
    unsigned kills, stops;
} s_run_t;

static s_run_t s_run;

//  ---- options ---------------------------------------------------

static bool
s_options (s_run_t *run, int argc, char **argv)
{
    static const struct option options[] = {{"seconds", required_argument, NULL, 't'},
                                            {"seed", required_argument, NULL, 's'},
                                            {"clients", required_argument, NULL, 'c'},
                                            {"history", required_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    run->seconds = 60;
    run->clients = 8;
    run->seed = hf_recorder_now_us ();
    int option;
    while ((option = getopt_long (argc, argv, "t:s:c:h:", options, NULL)) != -1) {
        if (option == 't')
            run->seconds = (uint32_t)strtoul (optarg, NULL, 10);
        else if (option == 's')
            run->seed = strtoull (optarg, NULL, 10);
        else if (option == 'c')
            run->clients = (uint32_t)strtoul (optarg, NULL, 10);
        else if (option == 'h')
            snprintf (run->record_path, sizeof run->record_path, "%s", optarg);
        else
            return false;
    }
    return optind == argc && run->seconds >= 1 && run->clients >= 1 &&
           run->clients <= HF_CLIENTS_MAX;
}

//  ---- faults -----------------------------------------------------------------------

static void
s_fault (s_run_t *run, uint32_t id, bool stop)
{
    if (!hf_cluster_running (run->cluster, id) || hf_cluster_stopped (run->cluster, id))
        return;
    (stop ? hf_cluster_stop : hf_cluster_kill) (run->cluster, id);
    *(stop ? &run->stops : &run->kills) += 1;
}

static bool
s_heal (s_run_t *run)
{
    for (uint32_t id = 1; id <= S_NODES; id++) {
        if (hf_cluster_stopped (run->cluster, id))
            hf_cluster_go_on (run->cluster, id);
    }
    return hf_cluster_start_all (run->cluster);
}

/*  Faults until the time is over; false when a node did not come back. */
static bool
s_trouble (s_run_t *run)
{
    uint64_t end_ms = hf_wait_now_ms () + (uint64_t)run->seconds * 1000;
    hf_random_t seed = {run->seed};
    while (hf_wait_now_ms () < end_ms) {
        HF_WAIT (false, 500 + hf_random_u32 (&seed, 2500));
        //  The leader as often as both others together: its end is the harder case.
        uint32_t leader = hf_random_u32 (&seed, 2) ? hf_cluster_leader (run->cluster) : 0;
        uint32_t victim = leader ? leader : 1 + hf_random_u32 (&seed, S_NODES);
        bool stop = hf_random_u32 (&seed, 3) == 0;
        s_fault (run, victim, stop);
        uint32_t duration_ms = 200 + hf_random_u32 (&seed, 3000);
        if (hf_random_u32 (&seed, 5) == 0) { //  no majority: long enough for leases to run out
            s_fault (run, 1 + victim % S_NODES, hf_random_u32 (&seed, 2) == 0);
            duration_ms = 500 + hf_random_u32 (&seed, 6000);
        }
        HF_WAIT (false, duration_ms);
        if (!s_heal (run))
            return false;
    }
    return true;
}

//  ---- the end ------------------------------------------------------------------------

static bool
s_finish_clients (s_run_t *run)
{
    bool finished = true;
    atomic_store (&run->stop, true);
    for (uint32_t i = 0; i < run->clients; i++) {
        pthread_join (run->client[i].thread, NULL);
        if (!run->client[i].finished)
            fprintf (stderr, "violation: client %u could not finish with all nodes up\n",
                     run->client[i].number);
        finished = finished && run->client[i].finished;
    }
    return finished;
}

static void
s_totals (const s_run_t *run, unsigned wrong)
{
    uint64_t sections = 0, sessions = 0, timeouts = 0, losses = 0;
    for (uint32_t i = 0; i < run->clients; i++) {
        sections += atomic_load (&run->client[i].sections);
        sessions += run->client[i].sessions;
        timeouts += run->client[i].timeouts;
        losses += run->client[i].losses;
    }
    printf ("lostfound: %u clients, %u s, seed %llu: %u kills, %u stops; %llu sessions, "
            "%llu sections ended, %llu lost, %llu waits given up; %u violations\n",
            run->clients, run->seconds, (unsigned long long)run->seed, run->kills, run->stops,
            (unsigned long long)sessions, (unsigned long long)sections, (unsigned long long)losses,
            (unsigned long long)timeouts, wrong);
}

//  ---- the run ------------------------------------------------------------------------

static void
s_start_clients (s_run_t *run)
{
    for (uint32_t i = 0; i < run->clients; i++) {
        hf_test_client_t *client = &run->client[i];
        client->number = i + 1;
        client->endpoints = hf_cluster_endpoints (run->cluster);
        client->seed = (hf_random_t){run->seed + i + 1};
        client->stop = &run->stop;
        client->recorder = run->recorder;
        hf_test_client_start (client);
    }
}

/*  Gives the number of violations. */
static unsigned
s_all (s_run_t *run)
{
    if (!hf_cluster_start_all (run->cluster) ||
        hf_cluster_wait_leader (run->cluster, HF_CLUSTER_LIMIT_MS) == 0) {
        fprintf (stderr, "lostfound: the cluster did not start\n");
        return 1;
    }
    if (!run->record_path[0])
        snprintf (run->record_path, sizeof run->record_path, "%s/history.jsonl",
                  hf_cluster_dir (run->cluster));
    run->recorder = hf_recorder_new (run->record_path);
    if (!run->recorder) {
        fprintf (stderr, "lostfound: %s cannot be written\n", run->record_path);
        return 1;
    }
    s_start_clients (run);
    unsigned wrong = 0;
    if (!s_trouble (run)) {
        fprintf (stderr, "violation: a node did not come back\n");
        wrong++;
    }
    wrong += !s_finish_clients (run);
    wrong += !hf_recorder_destroy (&run->recorder);
    wrong += !hf_restart_all (run->cluster, HF_CLUSTER_LIMIT_MS);
    wrong += hf_verdict (run->cluster, S_NODES, run->record_path, HF_CLUSTER_LIMIT_MS);
    s_totals (run, wrong);
    return wrong;
}

int
main (int argc, char **argv)
{
    hf_std_open ();
    s_run_t *run = &s_run;
    if (!s_options (run, argc, argv)) {
        fprintf (stderr,
                 "usage: lostfound [--seconds N] [--seed N] [--clients 1..%u] [--history FILE]\n",
                 HF_CLIENTS_MAX);
        return 64;
    }
    setvbuf (stdout, NULL, _IOLBF, 0);
    printf ("lostfound: seed %llu\n", (unsigned long long)run->seed);
    hf_watchdog (run->seconds + S_END_EXTRA_S, 2);
    run->cluster = hf_cluster_new (S_NODES);
    unsigned wrong = s_all (run);
    bool passed = wrong == 0 && hf_cluster_passed (run->cluster);
    hf_cluster_destroy (&run->cluster);
    return passed ? 0 : 1;
}
