/*  The command soak: does a node take more and more, or does it come to a level and stay there?
 *
 *  Workers cycle through locks that were never seen before, some cycles append, and every
 *  hundredth part of the way each node's memory and disk are looked at. Replicated files grow with
 *  what is appended to them, and nothing else may: so they are counted apart from the databases.
 */
#include "bench/load.h"
#include "bench/samples.h"
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define S_SAMPLES       100
#define S_LINES         10 //  lines of the table that people read
#define S_STOP_LIMIT_MS 10000
#define S_FILE_LIMIT_MS 30000

typedef struct s_soak {
    const hf_bench_options_t *options;
    hf_cluster_t *cluster;
    hf_load_t *load;
    hf_samples_t *samples;
} s_soak_t;

/*  Acquires, releases and appends. */
static uint64_t
s_operations (const s_soak_t *self)
{
    return 2 * hf_load_cycles (self->load) + hf_load_appends (self->load);
}

//  ---- looking --------------------------------------------------------------------

static void
s_print_head (const s_soak_t *self)
{
    FILE *to = self->options->json ? stderr : stdout;
    fprintf (to, "MiB: resident memory, the three databases, the replicated files\n");
    fprintf (to, "%12s", "operations");
    for (uint32_t id = 1; id <= self->options->start; id++)
        fprintf (to, " | n%u %6s %8s %7s", id, "memory", "database", "files");
    fputc ('\n', to);
    fflush (to);
}

static void
s_print (const s_soak_t *self, uint64_t operations, const hf_usage_t *nodes)
{
    FILE *to = self->options->json ? stderr : stdout;
    fprintf (to, "%12" PRIu64, operations);
    for (uint32_t i = 0; i < self->options->start; i++)
        fprintf (to, " | %9.1f %8.1f %7.1f", (double)nodes[i].kib[HF_USAGE_RSS] / 1024,
                 (double)hf_usage_databases_kib (&nodes[i]) / 1024,
                 (double)nodes[i].kib[HF_USAGE_FILES] / 1024);
    fputc ('\n', to);
    fflush (to);
}

/*  Measure each node. False: one has ended, which has been reported. */
static bool
s_look (const s_soak_t *self, hf_usage_t nodes[HF_MEMBERS_MAX])
{
    if (!hf_bench_wait (self->cluster, 0))
        return false;
    for (uint32_t id = 1; id <= self->options->start; id++) {
        if (hf_usage_take (hf_cluster_node_dir (self->cluster, id), &nodes[id - 1])) {
            hf_bench_say ("cannot look at node %u: %s", id, strerror (errno));
            return false;
        }
        nodes[id - 1].kib[HF_USAGE_RSS] = hf_cluster_memory (self->cluster, id) / 1024;
    }
    return true;
}

/*  Take a sample; PRINT it too. */
static bool
s_sample (s_soak_t *self, bool print)
{
    hf_usage_t nodes[HF_MEMBERS_MAX];
    uint64_t operations = s_operations (self);
    if (!s_look (self, nodes))
        return false;
    hf_samples_add (self->samples, operations, nodes);
    if (print)
        s_print (self, operations, nodes);
    return true;
}

/*  Until CYCLES are done. False: it cannot go on, or shall not. */
static bool
s_await (const s_soak_t *self, uint64_t cycles)
{
    bool whole = true;
    while (whole && hf_load_cycles (self->load) < cycles)
        whole = hf_bench_wait (self->cluster, 2) && hf_load_works (self->load);
    return whole;
}

/*  Until every node's files hold what was appended: they are written behind the answers. */
static bool
s_await_files (const s_soak_t *self)
{
    hf_usage_t nodes[HF_MEMBERS_MAX];
    uint64_t want_kib = (hf_load_appends (self->load) * self->options->append_bytes + 1023) / 1024;
    uint64_t limit_ns = hf_bench_in_ms (S_FILE_LIMIT_MS);
    while (s_look (self, nodes)) {
        uint32_t i = 0;
        while (i < self->options->start && nodes[i].kib[HF_USAGE_FILES] == want_kib)
            i++;
        if (i == self->options->start)
            return true;
        if (hf_bench_now_ns () >= limit_ns) {
            hf_bench_say ("the files of node %u have %" PRIu64 " KiB; %" PRIu64 " were appended",
                          i + 1, nodes[i].kib[HF_USAGE_FILES], want_kib);
            return false;
        }
        hf_bench_wait (self->cluster, 5);
    }
    return false;
}

//  ---- the report --------------------------------------------------------------------

static const struct {
    hf_samples_what_t what;
    const char *name;
} s_whats[] = {{HF_SAMPLES_MEMORY, "memory"}, {HF_SAMPLES_DATABASES, "databases"}};

static double
s_worst (const s_soak_t *self, hf_samples_what_t what)
{
    double worst = 0;
    for (uint32_t i = 0; i < self->options->start; i++) {
        double growth = hf_samples_growth (self->samples, i, what);
        worst = growth > worst ? growth : worst;
    }
    return worst;
}

static void
s_report_text (const s_soak_t *self, const hf_load_result_t *result)
{
    printf ("%.0f cycles/s: %" PRIu64 " in %.1f s, %" PRIu64 " of them with an append\n",
            (double)result->cycles / result->seconds, hf_load_cycles (self->load), result->seconds,
            hf_load_appends (self->load));
    printf ("the last quarter's greatest against the second quarter's, by node:\n");
    for (size_t k = 0; k < sizeof s_whats / sizeof *s_whats; k++) {
        double worst = s_worst (self, s_whats[k].what);
        printf ("%-10s", s_whats[k].name);
        for (uint32_t i = 0; i < self->options->start; i++)
            printf (" %6.3f", hf_samples_growth (self->samples, i, s_whats[k].what));
        printf ("   %s\n", worst == 0                 ? "too few samples to say"
                           : worst <= HF_SAMPLES_FLAT ? "flat"
                                                      : "it grows");
    }
    if (!hf_report_errors (result))
        printf ("no errors\n");
}

static void
s_report_json (const s_soak_t *self, const hf_load_result_t *result)
{
    json_t *object = hf_report_options (self->options);
    json_object_update_new (object,
                            json_pack ("{s:f, s:I, s:I, s:I, s:o}", "seconds", result->seconds,
                                       "cycles", (json_int_t)hf_load_cycles (self->load), "appends",
                                       (json_int_t)hf_load_appends (self->load), "operations",
                                       (json_int_t)s_operations (self), "errors",
                                       hf_report_errors_json (result)));
    for (size_t k = 0; k < sizeof s_whats / sizeof *s_whats; k++) {
        json_t *growth = json_array ();
        for (uint32_t i = 0; i < self->options->start; i++)
            json_array_append_new (
                growth, json_real (hf_samples_growth (self->samples, i, s_whats[k].what)));
        double worst = s_worst (self, s_whats[k].what);
        json_object_set_new (object, s_whats[k].name,
                             json_pack ("{s:o, s:b}", "growth", growth, "flat",
                                        worst > 0 && worst <= HF_SAMPLES_FLAT));
    }
    hf_report_json (object);
}

static bool
s_write (const s_soak_t *self)
{
    const char *out = self->options->out;
    if (!out || hf_samples_write (self->samples, out) == 0)
        return true;
    hf_bench_say ("cannot write %s: %s", out, strerror (errno));
    return false;
}

//  ---- the command ----------------------------------------------------------------

static bool
s_run (s_soak_t *self)
{
    uint64_t all = self->options->cycles;
    hf_load_start (self->load);
    hf_load_begin (self->load);
    bool whole = s_sample (self, true);
    for (uint32_t i = 1; i < S_SAMPLES && whole; i++) {
        whole =
            s_await (self, all * i / S_SAMPLES) && s_sample (self, i % (S_SAMPLES / S_LINES) == 0);
    }
    whole = whole && s_await (self, all);
    hf_load_result_t result;
    hf_load_finish (self->load, S_STOP_LIMIT_MS, &result);
    if (result.failed == 0)
        whole = s_await_files (self) && whole;
    whole = whole && s_sample (self, true);
    (self->options->json ? s_report_json : s_report_text) (self, &result);
    hf_load_result_done (&result);
    return s_write (self) && whole && result.failed == 0;
}

int
hf_run_soak (const hf_bench_options_t *options, hf_cluster_t *cluster)
{
    assert (cluster && options->start > 0);
    s_soak_t soak = {.options = options, .cluster = cluster, .load = hf_load_new (options)};
    if (!soak.load)
        return HF_EXIT_UNAVAILABLE;
    soak.samples = hf_samples_new (options->start);
    if (!options->json)
        hf_report_headline (options);
    bool whole = s_write (&soak); //  a mistake shows now, not after the run
    if (whole) {
        s_print_head (&soak);
        whole = s_run (&soak);
    }
    hf_samples_destroy (&soak.samples);
    hf_load_destroy (&soak.load, false);
    return whole ? HF_EXIT_OK : HF_EXIT_ERRORS;
}
