/*  holdfast-bench - throughput and latency, failover times, and use of memory and disk. */
#include "bench/bench.h"
#include "bench/local.h"
#include "bench/run.h"
#include <stdio.h>

#define S_START_LIMIT_MS 20000

/*  Whether the nodes started here have agreed on a leader. */
static bool
s_ready (hf_local_t *local)
{
    hf_client_t *client = hf_bench_client (hf_local_endpoints (local));
    if (!client)
        return false;
    uint64_t limit_ns = hf_bench_now_ns () + (uint64_t)S_START_LIMIT_MS * 1000000;
    hf_leader_info_t info;
    hf_status_t status = HF_TIMEOUT;
    bool alive = true;
    while (alive && status != HF_OK && hf_bench_now_ns () < limit_ns && !hf_bench_interrupted (0)) {
        status = hf_query_leader (client, &info, 500);
        alive = hf_local_check (local);
    }
    hf_client_destroy (&client);
    if (alive && status != HF_OK)
        hf_bench_say ("the nodes started here have no leader: %s", hf_status_text (status));
    return alive && status == HF_OK;
}

static int
s_run (const hf_bench_options_t *options, hf_local_t *local)
{
    switch (options->command) {
    case HF_BENCH_CYCLE:
    case HF_BENCH_HANDOFF:
        return hf_run_load (options, local);
    case HF_BENCH_FAILOVER:
        return hf_run_failover (options, local);
    case HF_BENCH_SOAK:
        return hf_run_soak (options, local);
    case HF_BENCH_CATCHUP:
        return hf_run_catchup (options, local);
    }
    return HF_EXIT_USAGE;
}

int
main (int argc, char **argv)
{
    hf_bench_options_t options;
    int exit_code;
    if (!hf_bench_options_read (&options, argc, argv, &exit_code))
        return exit_code;
    hf_bench_signals_block ();
    hf_local_t *local = NULL;
    hf_client_t *client = options.start ? NULL : hf_bench_client (options.endpoints);
    if (!options.start && !client)
        return HF_EXIT_USAGE; //  the list of endpoints is wrong
    hf_client_destroy (&client);
    if (options.start) {
        hf_local_config_t config = {.count = options.start,
                                    .holdfastd = options.holdfastd,
                                    .data_root = options.data_root,
                                    .log_keep = options.log_keep};
        local = hf_local_new (&config);
        if (!local)
            return HF_EXIT_UNAVAILABLE;
        options.endpoints = hf_local_endpoints (local);
    }
    exit_code = HF_EXIT_UNAVAILABLE;
    if (!local || s_ready (local))
        exit_code = s_run (&options, local);
    hf_local_destroy (&local);
    if (hf_bench_interrupted (0))
        hf_bench_say ("ended early, as asked");
    return exit_code;
}
