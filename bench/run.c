/*  The commands cycle, handoff, shared, sets and append, and scale's: warm up, measure, let the
 * workers finish, report.
 */
#include "bench/cpu.h"
#include "bench/load.h"
#include <stdio.h>

#define S_STOP_LIMIT_MS 10000

/*  A line each second for SECONDS; false when the run is to end early. */
static bool
s_watch (hf_load_t *load, hf_cluster_t *cluster, const char *what, uint32_t seconds)
{
    uint64_t before = hf_load_cycles (load), from_ns = hf_bench_now_ns ();
    for (uint64_t second = 1; second <= seconds; second++) {
        bool whole = hf_bench_wait_until (cluster, from_ns + second * 1000000000);
        uint64_t cycles = hf_load_cycles (load);
        if (!whole || !hf_load_works (load))
            return false;
        fprintf (stderr, "%s %3u s %10llu cycles/s %6llu errors\n", what, (unsigned)second,
                 (unsigned long long)(cycles - before), (unsigned long long)hf_load_errors (load));
        before = cycles;
    }
    return true;
}

/*  What each request of the run took of processors. */
typedef struct s_spent {
    hf_cpu_t from, to;
    uint64_t from_requests, to_requests;
} s_spent_t;

static uint64_t
s_requests (const hf_load_t *load)
{
    return 2 * hf_load_cycles (load) + hf_load_appends (load);
}

static hf_cpu_each_t
s_each (const s_spent_t *self)
{
    return hf_cpu_each (&self->from, &self->to, self->to_requests - self->from_requests);
}

static void
s_report_json (const hf_bench_options_t *options, const hf_load_result_t *result,
               const hf_cpu_each_t *each, json_t *facts)
{
    json_t *object = hf_report_options (options);
    json_object_update (object, facts);
    json_t *latency = json_object ();
    for (hf_load_latency_t i = 0; i < HF_LOAD_LATENCIES; i++) {
        if (hf_load_has_latency (options->command, i))
            json_object_set_new (latency, hf_load_latency_name (i),
                                 hf_report_latency (result->latency[i]));
    }
    json_object_update_new (object,
                            json_pack ("{s:f, s:I, s:f, s:o, s:o, s:o}", "seconds", result->seconds,
                                       "cycles", (json_int_t)result->cycles, "cycles_per_second",
                                       (double)result->cycles / result->seconds, "errors",
                                       hf_report_errors_json (result), "latency_us", latency,
                                       "cpu_us_per_request", hf_cpu_json (each)));
    hf_report_json (object);
}

static void
s_report_text (const hf_bench_options_t *options, const hf_load_result_t *result,
               const hf_cpu_each_t *each, json_t *facts)
{
    const char *name;
    json_t *value;
    hf_report_headline (options);
    json_object_foreach (facts, name, value) printf ("%s: %.7g\n", name, json_number_value (value));
    printf ("%.0f cycles/s: %llu acquired and released in %.1f s\n",
            (double)result->cycles / result->seconds, (unsigned long long)result->cycles,
            result->seconds);
    printf ("%-10s %10s %10s %10s %10s\n", "ms", "p50", "p99", "p99.9", "max");
    for (hf_load_latency_t i = 0; i < HF_LOAD_LATENCIES; i++) {
        const hf_histogram_t *histogram = result->latency[i];
        if (hf_load_has_latency (options->command, i))
            printf ("%-10s %10.3f %10.3f %10.3f %10.3f\n", hf_load_latency_name (i),
                    hf_report_ms (histogram, 0.5), hf_report_ms (histogram, 0.99),
                    hf_report_ms (histogram, 0.999), hf_report_ms (histogram, 1));
    }
    hf_cpu_print (each);
    if (!hf_report_errors (result))
        printf ("no errors\n");
}

int
hf_run_load (const hf_bench_options_t *options, hf_cluster_t *cluster)
{
    return hf_run_load_beside (options, cluster, json_object (), NULL);
}

int
hf_run_load_beside (const hf_bench_options_t *options, hf_cluster_t *cluster, json_t *facts,
                    hf_crowd_t *crowd)
{
    hf_load_t *load = hf_load_new (options);
    if (!load)
        json_decref (facts);
    if (!load)
        return HF_EXIT_UNAVAILABLE;
    hf_load_start (load);
    bool queue = options->command == HF_BENCH_HANDOFF && options->workers > HF_LOAD_LONG;
    bool whole = !queue || hf_load_queued (load, cluster);
    whole = whole && s_watch (load, cluster, "warmup ", options->warmup);
    s_spent_t spent;
    hf_cpu_take (&spent.from, cluster);
    spent.from_requests = s_requests (load);
    hf_load_begin (load);
    whole = whole && s_watch (load, cluster, "measure", options->seconds);
    hf_cpu_take (&spent.to, cluster);
    spent.to_requests = s_requests (load);
    hf_load_result_t result;
    hf_load_finish (load, S_STOP_LIMIT_MS, &result);
    hf_cpu_each_t each = s_each (&spent);
    uint64_t lost = hf_load_lost (load) + (crowd ? hf_crowd_lost (crowd) : 0);
    json_object_set_new (facts, "sessions_lost", json_integer ((json_int_t)lost));
    (options->json ? s_report_json : s_report_text) (options, &result, &each, facts);
    json_decref (facts);
    whole = whole && result.failed == 0 && lost == 0;
    hf_load_result_done (&result);
    hf_load_destroy (&load, cluster == NULL);
    return whole ? HF_EXIT_OK : HF_EXIT_ERRORS;
}
