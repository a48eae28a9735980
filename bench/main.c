/*  holdfast-bench - throughput and latency, failover times, and use of memory and disk. */
#include "bench/bench.h"
#include "bench/cut.h"
#include "base/hf_files.h"
#include "base/hf_std.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define S_START_LIMIT_MS 20000
#define S_FILES_MAX      1000000

/*  Nodes that can be cut off; NULL: there can be none, which is reported. */
static hf_cluster_t *
s_cut_nodes (const hf_bench_options_t *options)
{
    char why[HF_CUT_WHY_SIZE];
    hf_cluster_t *cluster = hf_cut_cluster (options->data_root, options->start, why);
    if (!cluster)
        hf_bench_say ("cut needs network namespaces and /dev/net/tun: %s", why);
    return cluster;
}

/*  Nodes with a leader; NULL: they cannot be started, which is reported. */
static hf_cluster_t *
s_start_nodes (const hf_bench_options_t *options)
{
    const char *program = options->holdfastd ? options->holdfastd : hf_beside ("holdfastd");
    if (!options->holdfastd && access (program, X_OK) != 0)
        program = hf_cluster_program (); //  where the build puts it
    hf_cluster_set_program (program);
    hf_cluster_t *cluster = NULL;
    if (access (program, X_OK) != 0)
        hf_bench_say ("%s: %s; give --holdfastd", program, strerror (errno));
    else if (options->command == HF_BENCH_CUT)
        cluster = s_cut_nodes (options);
    else if (!(cluster = hf_cluster_new_on (options->data_root, NULL, options->start)))
        hf_bench_say ("%s: %s",
                      options->data_root ? options->data_root : "the folder for temporary files",
                      strerror (errno));
    if (!cluster)
        return NULL;
    if (options->curve)
        hf_cluster_use_keys (cluster);
    if (options->log_keep) {
        hf_cluster_add_argument (cluster, "--log-keep");
        hf_cluster_add_argument (cluster, options->log_keep);
    }
    for (uint32_t id = 1; options->sync_ms && id <= options->start; id++) {
        hf_cluster_slow_disk (cluster, id);
        hf_cluster_set_sync (cluster, id, options->sync_ms);
    }
    bool launched = options->command == HF_BENCH_SCRAPE ? hf_scrape_launch (cluster)
                                                        : hf_cluster_start_all (cluster);
    if (launched && hf_cluster_wait_leader (cluster, S_START_LIMIT_MS))
        return cluster;
    hf_bench_say ("the nodes started here have no leader");
    hf_cluster_destroy (&cluster);
    hf_cut_done ();
    return NULL;
}

static int
s_run (const hf_bench_options_t *options, hf_cluster_t *cluster)
{
    switch (options->command) {
    case HF_BENCH_CYCLE:
    case HF_BENCH_HANDOFF:
    case HF_BENCH_SHARED:
    case HF_BENCH_SETS:
    case HF_BENCH_APPEND:
        return hf_run_load (options, cluster);
    case HF_BENCH_SCALE:
        return hf_run_scale (options, cluster);
    case HF_BENCH_IDLE:
        return hf_run_idle (options, cluster);
    case HF_BENCH_READ:
        return hf_run_read (options, cluster);
    case HF_BENCH_WATCH:
        return hf_run_watch (options, cluster);
    case HF_BENCH_FAILOVER:
    case HF_BENCH_STOP:
    case HF_BENCH_CUT:
        return hf_run_failover (options, cluster);
    case HF_BENCH_SOAK:
        return hf_run_soak (options, cluster);
    case HF_BENCH_CATCHUP:
        return hf_run_catchup (options, cluster);
    case HF_BENCH_REJOIN:
        return hf_run_rejoin (options, cluster);
    case HF_BENCH_SCRAPE:
        return hf_run_scrape (options, cluster);
    }
    return HF_EXIT_USAGE;
}

int
main (int argc, char **argv)
{
    hf_std_open ();
    hf_bench_options_t options;
    int exit_code;
    if (!hf_bench_options_read (&options, argc, argv, &exit_code))
        return exit_code;
    hf_bench_signals_block ();
    hf_files_raise (S_FILES_MAX); //  of this program, and of the nodes that it starts
    hf_cluster_t *cluster = NULL;
    if (options.start) {
        cluster = s_start_nodes (&options);
        if (!cluster)
            return HF_EXIT_UNAVAILABLE;
        options.endpoints = hf_cluster_endpoints (cluster);
    }
    hf_client_t *client = hf_bench_client (options.endpoints, false); //  or the list is wrong
    exit_code = client ? HF_EXIT_OK : HF_EXIT_USAGE;
    hf_client_destroy (&client);
    if (exit_code == HF_EXIT_OK)
        exit_code = s_run (&options, cluster);
    if (cluster)
        hf_cluster_forget (cluster);
    hf_cluster_destroy (&cluster);
    hf_cut_done ();
    if (hf_bench_interrupted (0))
        hf_bench_say ("ended early, as asked");
    return exit_code;
}
