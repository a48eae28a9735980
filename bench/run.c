/*  The commands cycle and handoff: warm up, measure, let the workers finish, report. */
#include "bench/run.h"
#include "bench/load.h"
#include "bench/report.h"
#include <stdio.h>

#define S_STOP_LIMIT_MS 10000

/*  A line each second for SECONDS; false when the run is to end early. */
static bool
s_watch (hf_load_t *load, hf_local_t *local, const char *what, uint32_t seconds, uint32_t workers)
{
    uint64_t before = hf_load_cycles (load), from_ns = hf_bench_now_ns ();
    for (uint32_t second = 1; second <= seconds; second++) {
        uint64_t due_ns = from_ns + (uint64_t)second * 1000000000, now_ns = hf_bench_now_ns ();
        if (hf_bench_interrupted (due_ns > now_ns ? (uint32_t)((due_ns - now_ns) / 1000000) : 0))
            return false;
        uint64_t cycles = hf_load_cycles (load);
        fprintf (stderr, "%s %3u s %10llu cycles/s %6llu errors\n", what, second,
                 (unsigned long long)(cycles - before), (unsigned long long)hf_load_errors (load));
        before = cycles;
        if (local && !hf_local_check (local))
            return false;
        if (hf_load_ended (load) == workers) {
            hf_bench_say ("every worker has given up");
            return false;
        }
    }
    return true;
}

int
hf_run_load (const hf_bench_options_t *options, hf_local_t *local)
{
    hf_load_config_t config = hf_load_config (options);
    config.one_lock = options->command == HF_BENCH_HANDOFF;
    hf_load_t *load = hf_load_new (&config);
    if (!load)
        return HF_EXIT_UNAVAILABLE;
    hf_load_start (load);
    bool whole = s_watch (load, local, "warmup ", options->warmup, options->workers);
    hf_load_begin (load);
    whole = whole && s_watch (load, local, "measure", options->seconds, options->workers);
    hf_load_end (load);
    uint32_t unanswered = hf_load_stop (load, S_STOP_LIMIT_MS);
    hf_load_result_t result;
    hf_load_result (load, &result);
    hf_report_load (options, &result, unanswered);
    bool failed = hf_load_errors (load) > 0 || unanswered > 0 || !whole;
    hf_load_result_done (&result);
    hf_load_destroy (&load, local == NULL);
    return failed ? HF_EXIT_ERRORS : HF_EXIT_OK;
}
