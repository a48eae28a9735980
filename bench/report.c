//  Results as text and as JSON.

#include "bench/report.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

json_t *
hf_report_options (const hf_bench_options_t *options)
{
    return json_pack ("{s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "command",
                      hf_bench_command_name (options->command), "version", HF_VERSION,
                      "nodes_started", (json_int_t)options->start, "workers",
                      (json_int_t)options->workers, "connections", (json_int_t)options->connections,
                      "sessions_per_connection", (json_int_t)options->sessions, "ttl_ms",
                      (json_int_t)options->ttl_ms);
}

void
hf_report_headline (const hf_bench_options_t *options)
{
    printf ("%s: %u worker%s, %u connection%s with %u session%s each, ",
            hf_bench_command_name (options->command), options->workers,
            options->workers == 1 ? "" : "s", options->connections,
            options->connections == 1 ? "" : "s", options->sessions,
            options->sessions == 1 ? "" : "s");
    if (options->start)
        printf ("%u node%s started here\n", options->start, options->start == 1 ? "" : "s");
    else
        printf ("a running cluster\n");
}

void
hf_report_json (json_t *object)
{
    json_dumpf (object, stdout, JSON_INDENT (2) | JSON_REAL_PRECISION (7));
    putchar ('\n');
    json_decref (object);
}

//  ---- errors -------------------------------------------------------------------

uint64_t
hf_report_errors (const hf_load_result_t *result, uint32_t unanswered)
{
    uint64_t sum = unanswered;
    if (unanswered)
        printf ("error: %u worker%s got no answer\n", unanswered, unanswered == 1 ? "" : "s");
    for (uint32_t status = 0; status < HF_LOAD_STATUSES; status++) {
        if (result->errors[status] == 0)
            continue;
        sum += result->errors[status];
        printf ("error: %llu x %s: %s\n", (unsigned long long)result->errors[status],
                hf_status_name ((hf_status_t)status), hf_status_text ((hf_status_t)status));
    }
    return sum;
}

json_t *
hf_report_errors_json (const hf_load_result_t *result, uint32_t unanswered)
{
    json_t *object = json_object ();
    if (unanswered)
        json_object_set_new (object, "UNANSWERED", json_integer (unanswered));
    for (uint32_t status = 0; status < HF_LOAD_STATUSES; status++) {
        if (result->errors[status])
            json_object_set_new (object, hf_status_name ((hf_status_t)status),
                                 json_integer ((json_int_t)result->errors[status]));
    }
    return object;
}

//  ---- cycle and handoff ----------------------------------------------------------

static double
s_quantile (const hf_histogram_t *histogram, double q)
{
    return (double)hf_histogram_quantile (histogram, q);
}

static json_t *
s_latency_json (const hf_histogram_t *histogram)
{
    return json_pack (
        "{s:I, s:f, s:f, s:f, s:f, s:f}", "count", (json_int_t)hf_histogram_count (histogram),
        "mean", hf_histogram_mean (histogram) / 1e3, "p50", s_quantile (histogram, 0.5) / 1e3,
        "p99", s_quantile (histogram, 0.99) / 1e3, "p999", s_quantile (histogram, 0.999) / 1e3,
        "max", (double)hf_histogram_max (histogram) / 1e3);
}

static void
s_load_json (const hf_bench_options_t *options, const hf_load_result_t *result, uint32_t unanswered)
{
    json_t *object = hf_report_options (options);
    json_object_set_new (object, "seconds", json_real (result->seconds));
    json_object_set_new (object, "cycles", json_integer ((json_int_t)result->cycles));
    json_object_set_new (object, "cycles_per_second",
                         json_real ((double)result->cycles / result->seconds));
    json_object_set_new (object, "errors", hf_report_errors_json (result, unanswered));
    json_t *latency = json_object ();
    for (hf_load_latency_t i = 0; i < HF_LOAD_LATENCIES; i++) {
        if (i != HF_LOAD_HANDOFF || options->command == HF_BENCH_HANDOFF)
            json_object_set_new (latency, hf_load_latency_name (i),
                                 s_latency_json (result->latency[i]));
    }
    json_object_set_new (object, "latency_us", latency);
    hf_report_json (object);
}

static void
s_load_text (const hf_bench_options_t *options, const hf_load_result_t *result)
{
    hf_report_headline (options);
    printf ("%.0f cycles/s: %llu acquired and released in %.1f s\n",
            (double)result->cycles / result->seconds, (unsigned long long)result->cycles,
            result->seconds);
    printf ("%-10s %10s %10s %10s %10s\n", "ms", "p50", "p99", "p99.9", "max");
    for (hf_load_latency_t i = 0; i < HF_LOAD_LATENCIES; i++) {
        if (i == HF_LOAD_HANDOFF && options->command != HF_BENCH_HANDOFF)
            continue;
        const hf_histogram_t *histogram = result->latency[i];
        printf ("%-10s %10.3f %10.3f %10.3f %10.3f\n", hf_load_latency_name (i),
                s_quantile (histogram, 0.5) / 1e6, s_quantile (histogram, 0.99) / 1e6,
                s_quantile (histogram, 0.999) / 1e6, (double)hf_histogram_max (histogram) / 1e6);
    }
}

void
hf_report_load (const hf_bench_options_t *options, const hf_load_result_t *result,
                uint32_t unanswered)
{
    if (options->json) {
        s_load_json (options, result, unanswered);
        return;
    }
    s_load_text (options, result);
    if (hf_report_errors (result, unanswered) == 0)
        printf ("no errors\n");
}
