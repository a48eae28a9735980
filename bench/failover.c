/*  The command failover: how long the cluster grants nothing when its leader dies.
 *
 *  The clock starts just before SIGKILL. Only a grant counts that was asked for
 *  after the process was gone (waitpid has returned), so that nothing the dead
 *  leader had sent can be taken for life. Who gets it may be a worker of the
 *  load or the probe: a client of its own, idle until then, that asks once.
 */
#include "base/hf_alloc.h"
#include "bench/load.h"
#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define S_GRANT_LIMIT_MS 30000

typedef struct s_probe {
    hf_client_t *client;
    hf_session_t *session;
    atomic_uint_fast64_t granted_ns; //  0: not yet
    atomic_uint status;              //  of what failed; HF_OK
    atomic_bool idle;                //  nothing is out
} s_probe_t;

typedef struct s_failover {
    const hf_bench_options_t *options;
    hf_cluster_t *cluster;
    hf_load_t *load;
    s_probe_t probe;
    uint64_t *any_ns;   //  by round: kill to the first grant of anybody
    uint64_t *probe_ns; //  by round: kill to the probe's grant
    uint32_t rounds;    //  done
} s_failover_t;

//  ---- the probe ------------------------------------------------------------------

static void
s_probe_done (s_probe_t *self, hf_status_t status)
{
    if (status != HF_OK)
        atomic_store (&self->status, (unsigned)status);
    atomic_store (&self->idle, true);
}

static void
s_probe_released (void *arg, const hf_result_t *result)
{
    s_probe_t *self = arg;
    s_probe_done (self, result->status);
}

static void
s_probe_granted (void *arg, const hf_result_t *result)
{
    s_probe_t *self = arg;
    hf_status_t status = result->status;
    if (status == HF_OK) {
        atomic_store (&self->granted_ns, hf_bench_now_ns ());
        status =
            hf_submit_release (self->session, "bench/probe", result->token, s_probe_released, self);
    }
    if (status != HF_OK)
        s_probe_done (self, status);
}

static void
s_probe_ask (s_probe_t *self)
{
    assert (atomic_load (&self->idle));
    atomic_store (&self->granted_ns, 0);
    atomic_store (&self->idle, false);
    hf_status_t status =
        hf_submit_acquire (self->session, "bench/probe", NULL, s_probe_granted, self);
    if (status != HF_OK)
        s_probe_done (self, status);
}

static bool
s_probe_open (s_probe_t *self, const hf_bench_options_t *options)
{
    atomic_init (&self->idle, true);
    self->client = hf_bench_client (options->endpoints);
    if (!self->client)
        return false;
    hf_session_options_t life = {.size = sizeof life, .ttl_ms = options->ttl_ms};
    hf_status_t status = hf_session_open (self->client, &life, 10000, &self->session);
    if (status != HF_OK)
        hf_bench_say ("cannot open the probe's session: %s", hf_status_text (status));
    return status == HF_OK;
}

//  ---- a round ------------------------------------------------------------------------

/*  Until both the probe and a worker were granted. */
static bool
s_await_grants (s_failover_t *self)
{
    uint64_t limit_ns = hf_bench_in_ms (S_GRANT_LIMIT_MS);
    while (hf_bench_now_ns () < limit_ns && hf_load_works (self->load)) {
        if (hf_load_first_grant_ns (self->load) && atomic_load (&self->probe.idle))
            return atomic_load (&self->probe.status) == HF_OK;
        if (!hf_bench_wait (self->cluster, 5))
            return false;
    }
    hf_bench_say ("no grant within %u s of the kill", S_GRANT_LIMIT_MS / 1000);
    return false;
}

static bool
s_round (s_failover_t *self)
{
    uint32_t leader = 0;
    if (!hf_bench_settle (self->cluster, &leader))
        return false;
    uint64_t kill_ns = hf_bench_now_ns ();
    hf_cluster_kill (self->cluster, leader);
    hf_load_watch (self->load, hf_bench_now_ns ());
    s_probe_ask (&self->probe);
    bool granted = s_await_grants (self);
    hf_cluster_launch (self->cluster, leader);
    if (!granted)
        return false;
    uint64_t probe_ns = atomic_load (&self->probe.granted_ns) - kill_ns;
    uint64_t worker_ns = hf_load_first_grant_ns (self->load) - kill_ns;
    self->probe_ns[self->rounds] = probe_ns;
    self->any_ns[self->rounds] = worker_ns < probe_ns ? worker_ns : probe_ns;
    fprintf (stderr, "round %3u: killed node %u; next grant after %.1f ms (probe %.1f ms)\n",
             self->rounds + 1, leader, (double)self->any_ns[self->rounds] / 1e6,
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
    if (count)
        ms[0] = ((double)values[(count - 1) / 2] + (double)values[count / 2]) / 2e6;
    if (count)
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
    printf ("leader killed %u times; from the kill to the next grant, in ms:\n", self->rounds);
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
    hf_load_config_t config = hf_load_config (self->options);
    self->load = hf_load_new (&config);
    if (!self->load)
        return false;
    hf_load_begin (self->load);
    hf_load_start (self->load);
    bool whole = true;
    while (whole && self->rounds < self->options->rounds)
        whole = s_round (self);
    hf_load_result_t result;
    hf_load_finish (self->load, S_GRANT_LIMIT_MS, &result);
    s_report (self, &result);
    unsigned status = atomic_load (&self->probe.status);
    if (status != HF_OK)
        hf_bench_say ("the probe failed: %s", hf_status_text ((hf_status_t)status));
    whole = whole && status == HF_OK && result.failed == 0;
    hf_load_result_done (&result);
    return whole;
}

int
hf_run_failover (const hf_bench_options_t *options, hf_cluster_t *cluster)
{
    assert (cluster && options->start >= 3);
    s_failover_t *self = hf_alloc (sizeof *self);
    self->options = options;
    self->cluster = cluster;
    self->any_ns = hf_alloc (options->rounds * sizeof *self->any_ns);
    self->probe_ns = hf_alloc (options->rounds * sizeof *self->probe_ns);
    bool whole = s_probe_open (&self->probe, options) && s_run (self);
    if (self->probe.session)
        hf_session_leave (&self->probe.session);
    hf_client_destroy (&self->probe.client);
    hf_load_destroy (&self->load, false);
    free (self->any_ns);
    free (self->probe_ns);
    free (self);
    return whole ? HF_EXIT_OK : HF_EXIT_ERRORS;
}
