/*  The commands failover, stop and cut: how long the cluster grants nothing when its leader dies,
 *  stands still with its connections open, or loses its links.
 *
 *  The clock starts just before the signal. Only a grant counts that was asked for
 *  after the process had ended or stopped (waitpid has returned) or was cut off, so that nothing
 * that the old leader had sent counts. A worker of the load gets it, or the probe: a client of its
 * own, idle until then, that asks once.
 */
#include "base/hf_alloc.h"
#include "bench/cut.h"
#include "bench/load.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define S_GRANT_LIMIT_MS 30000

typedef struct s_failover {
    const hf_bench_options_t *options;
    hf_cluster_t *cluster;
    hf_load_t *load, *probe;
    uint64_t *any_ns;   //  by round: signal to the first grant
    uint64_t *probe_ns; //  by round: signal to the probe's grant
    uint32_t rounds;    //  done
} s_failover_t;

//  ---- what the leader meets --------------------------------------------------------

static void
s_take (const s_failover_t *self, uint32_t leader)
{
    if (self->options->command == HF_BENCH_STOP)
        hf_cluster_stop (self->cluster, leader);
    else if (self->options->command == HF_BENCH_CUT)
        hf_cut (leader, true);
    else
        hf_cluster_kill (self->cluster, leader);
}

static void
s_give_back (const s_failover_t *self, uint32_t leader)
{
    if (self->options->command == HF_BENCH_STOP)
        hf_cluster_go_on (self->cluster, leader);
    else if (self->options->command == HF_BENCH_CUT)
        hf_cut (leader, false);
    else
        hf_cluster_launch (self->cluster, leader);
}

static const char *
s_verb (const s_failover_t *self)
{
    return self->options->command == HF_BENCH_STOP  ? "stopped"
           : self->options->command == HF_BENCH_CUT ? "cut off"
                                                    : "killed";
}

//  ---- a round ------------------------------------------------------------------------

/*  Until both the probe and a worker were granted. */
static bool
s_await_grants (s_failover_t *self)
{
    uint64_t limit_ns = hf_bench_in_ms (S_GRANT_LIMIT_MS);
    while (hf_bench_now_ns () < limit_ns && hf_load_works (self->load)) {
        if (hf_load_first_grant_ns (self->load) && hf_load_ended (self->probe))
            return hf_load_works (self->probe);
        if (!hf_bench_wait (self->cluster, 5))
            return false;
    }
    hf_bench_say ("no grant within %u s", S_GRANT_LIMIT_MS / 1000);
    return false;
}

static bool
s_round (s_failover_t *self)
{
    uint32_t leader = 0;
    if (!hf_bench_settle (self->cluster, &leader))
        return false;
    uint64_t from_ns = hf_bench_now_ns ();
    s_take (self, leader);
    hf_load_watch (self->load, hf_bench_now_ns ());
    hf_load_watch (self->probe, from_ns);
    hf_load_once (self->probe);
    bool granted = s_await_grants (self);
    s_give_back (self, leader);
    if (!granted)
        return false;
    uint64_t probe_ns = hf_load_first_grant_ns (self->probe) - from_ns;
    uint64_t worker_ns = hf_load_first_grant_ns (self->load) - from_ns;
    self->probe_ns[self->rounds] = probe_ns;
    self->any_ns[self->rounds] = worker_ns < probe_ns ? worker_ns : probe_ns;
    fprintf (stderr, "round %3u: %s node %u; next grant after %.1f ms (probe %.1f ms)\n",
             self->rounds + 1, s_verb (self), leader, (double)self->any_ns[self->rounds] / 1e6,
             (double)probe_ns / 1e6);
    self->rounds++;
    return true;
}

//  ---- the report -----------------------------------------------------------------------

static int
s_compare (const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

/*  Sort the list; MS gets its median and the worst. */
static void
s_sum_up (uint64_t *values, uint32_t count, double ms[2])
{
    qsort (values, count, sizeof *values, s_compare);
    if (count == 0)
        return;
    uint32_t low = (count - 1) / 2, high = count / 2;
    ms[0] = ((double)values[low] + (double)values[high]) / 2e6;
    ms[1] = (double)values[count - 1] / 1e6;
}

static void
s_report (s_failover_t *self, const hf_load_result_t *result)
{
    json_t *each = json_array ();
    for (uint32_t i = 0; i < self->rounds; i++)
        json_array_append_new (each, json_real ((double)self->any_ns[i] / 1e6));
    double any[2] = {0}, probe[2] = {0};
    s_sum_up (self->any_ns, self->rounds, any);
    s_sum_up (self->probe_ns, self->rounds, probe);
    if (self->options->json) {
        json_t *object = hf_report_options (self->options);
        json_object_update_new (object, json_pack ("{s:I, s:o, s:f, s:f, s:f, s:f, s:I, s:o}",
                                                   "rounds", (json_int_t)self->rounds, "each_ms",
                                                   each, "median_ms", any[0], "worst_ms", any[1],
                                                   "probe_median_ms", probe[0], "probe_worst_ms",
                                                   probe[1], "cycles", (json_int_t)result->cycles,
                                                   "errors", hf_report_errors_json (result)));
        hf_report_json (object);
        return;
    }
    json_decref (each);
    hf_report_headline (self->options);
    printf ("leader %s %u times; from then to the next grant, in ms:\n", s_verb (self),
            self->rounds);
    printf ("%-30s %10s %10s\n", "", "median", "worst");
    printf ("%-30s %10.1f %10.1f\n", "of any client", any[0], any[1]);
    printf ("%-30s %10.1f %10.1f\n", "of a client that was idle", probe[0], probe[1]);
    if (!hf_report_errors (result))
        printf ("no errors in %llu cycles of the load\n", (unsigned long long)result->cycles);
}

//  ---- the command ------------------------------------------------------------------------

static bool
s_run (s_failover_t *self)
{
    hf_bench_options_t one = *self->options;
    one.workers = one.connections = one.sessions = 1;
    self->load = hf_load_new (self->options);
    self->probe = self->load ? hf_load_new (&one) : NULL;
    if (!self->probe)
        return false;
    hf_load_begin (self->load);
    hf_load_start (self->load);
    bool whole = true;
    while (whole && self->rounds < self->options->rounds)
        whole = s_round (self);
    hf_load_result_t result, probe;
    hf_load_finish (self->load, S_GRANT_LIMIT_MS, &result);
    hf_load_finish (self->probe, 0, &probe);
    for (uint32_t status = 0; status < HF_LOAD_STATUSES; status++)
        result.errors[status] += probe.errors[status];
    result.failed += hf_load_errors (self->probe);
    s_report (self, &result);
    hf_load_result_done (&result);
    hf_load_result_done (&probe);
    return whole && result.failed == 0;
}

int
hf_run_failover (const hf_bench_options_t *options, hf_cluster_t *cluster)
{
    assert (cluster && options->start >= 3);
    s_failover_t self = {.options = options,
                         .cluster = cluster,
                         .any_ns = hf_alloc (options->rounds * sizeof *self.any_ns),
                         .probe_ns = hf_alloc (options->rounds * sizeof *self.probe_ns)};
    bool whole = s_run (&self);
    hf_load_destroy (&self.probe, false);
    hf_load_destroy (&self.load, false);
    free (self.any_ns);
    free (self.probe_ns);
    return whole ? HF_EXIT_OK : HF_EXIT_ERRORS;
}
