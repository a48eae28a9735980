//  Results as text and as JSON.

#include "bench/report.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

json_t *
hf_report_options (const hf_bench_options_t *options)
{
    json_t *object = json_object ();
    json_object_set_new (object, "command", json_string (hf_bench_command_name (options->command)));
    json_object_set_new (object, "version", json_string (HF_VERSION));
    json_object_set_new (object, "nodes_started", json_integer (options->start));
    json_object_set_new (object, "workers", json_integer (options->workers));
    json_object_set_new (object, "connections", json_integer (options->connections));
    json_object_set_new (object, "sessions_per_connection", json_integer (options->sessions));
    json_object_set_new (object, "ttl_ms", json_integer (options->ttl_ms));
    return object;
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

static const double s_quantiles[] = {0.5, 0.99, 0.999};
static const char *const s_quantile_names[] = {"p50", "p99", "p999"};

static json_t *
s_latency_json (const hf_histogram_t *histogram)
{
    json_t *object = json_object ();
    json_object_set_new (object, "count",
                         json_integer ((json_int_t)hf_histogram_count (histogram)));
    json_object_set_new (object, "mean", json_real (hf_histogram_mean (histogram) / 1e3));
    for (size_t i = 0; i < sizeof s_quantiles / sizeof *s_quantiles; i++)
        json_object_set_new (
            object, s_quantile_names[i],
            json_real ((double)hf_histogram_quantile (histogram, s_quantiles[i]) / 1e3));
    json_object_set_new (object, "max", json_real ((double)hf_histogram_max (histogram) / 1e3));
    return object;
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
        printf ("%-10s", hf_load_latency_name (i));
        for (size_t q = 0; q < sizeof s_quantiles / sizeof *s_quantiles; q++)
            printf (" %10.3f", (double)hf_histogram_quantile (histogram, s_quantiles[q]) / 1e6);
        printf (" %10.3f\n", (double)hf_histogram_max (histogram) / 1e6);
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
