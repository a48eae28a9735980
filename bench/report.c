//  Results as text and as JSON.

#include "bench/load.h"
#include <stdio.h>

json_t *
hf_report_options (const hf_bench_options_t *options)
{
    json_t *object =
        json_pack ("{s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "command",
                   hf_bench_command_name (options->command), "version", HF_VERSION, "nodes_started",
                   (json_int_t)options->start, "workers", (json_int_t)options->workers,
                   "connections", (json_int_t)options->connections, "sessions_per_connection",
                   (json_int_t)options->sessions, "ttl_ms", (json_int_t)options->ttl_ms);
    if (options->command == HF_BENCH_SETS)
        json_object_set_new (object, "locks", json_integer (options->locks));
    if (options->command == HF_BENCH_APPEND) {
        json_object_set_new (object, "appends", json_integer (options->appends));
        json_object_set_new (object, "append_bytes", json_integer (options->append_bytes));
    }
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
    if (options->command == HF_BENCH_SETS)
        printf ("%u locks at once, ", options->locks);
    if (options->command == HF_BENCH_APPEND)
        printf ("%u append%s of %u bytes, ", options->appends, options->appends == 1 ? "" : "s",
                options->append_bytes);
    if (options->start)
        printf ("%u node%s started here%s\n", options->start, options->start == 1 ? "" : "s",
                options->curve ? ", with keys" : "");
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

json_t *
hf_report_latency (const hf_histogram_t *histogram)
{
    return json_pack (
        "{s:I, s:f, s:f, s:f, s:f, s:f}", "count", (json_int_t)hf_histogram_count (histogram),
        "mean", hf_histogram_mean (histogram) / 1e3, "p50", hf_report_ms (histogram, 0.5) * 1e3,
        "p99", hf_report_ms (histogram, 0.99) * 1e3, "p999", hf_report_ms (histogram, 0.999) * 1e3,
        "max", hf_report_ms (histogram, 1) * 1e3);
}

double
hf_report_ms (const hf_histogram_t *histogram, double q)
{
    return (double)hf_histogram_quantile (histogram, q) / 1e6;
}

//  ---- errors -------------------------------------------------------------------

bool
hf_report_errors (const hf_load_result_t *result)
{
    if (result->unanswered)
        printf ("error: %u worker%s got no answer\n", result->unanswered,
                result->unanswered == 1 ? "" : "s");
    for (uint32_t status = 0; status < HF_LOAD_STATUSES; status++) {
        if (result->errors[status])
            printf ("error: %llu x %s: %s\n", (unsigned long long)result->errors[status],
                    hf_status_name ((hf_status_t)status), hf_status_text ((hf_status_t)status));
    }
    return result->failed > 0;
}

json_t *
hf_report_errors_json (const hf_load_result_t *result)
{
    json_t *object = json_object ();
    if (result->unanswered)
        json_object_set_new (object, "UNANSWERED", json_integer (result->unanswered));
    for (uint32_t status = 0; status < HF_LOAD_STATUSES; status++) {
        if (result->errors[status])
            json_object_set_new (object, hf_status_name ((hf_status_t)status),
                                 json_integer ((json_int_t)result->errors[status]));
    }
    return object;
}
