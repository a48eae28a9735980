/*  The command catchup: how soon a node that was away is back, and what that costs the others.
 *
 *  A follower is killed and misses some operations. Then it is started again under a light load.
 *  It is back when it has applied what the leader had committed a moment before and
 *  counts. The light load's acquires, from the start of the node to
 *  its return (2 s at least), are held against those of a quiet time with all nodes up. Whether the
 *  node counts is tried out in the end: others are killed until there is no majority without it.
 */
#include "bench/load.h"
#include "tests/kit/hf_folder.h"
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define S_BURST_WORKERS  64
#define S_WINDOW_MIN_MS  2000
#define S_BACK_LIMIT_MS  120000
#define S_GRANT_LIMIT_MS 10000
#define S_STOP_LIMIT_MS  30000
#define S_POLL_MS        10

//  What a cluster should keep to.
#define S_WANTED_SECONDS 10
#define S_WANTED_RATIO   5

typedef struct s_phase {
    const char *name;
    bool wipe;
    bool done;
    uint64_t had;  //  the last entry it had in common with the others, at least
    bool by_state; //  the leader's log began behind that: only its whole state could help
    double back_s;
    hf_histogram_t *acquire;  //  from the start of the node on: to its return, 2 s at least
    hf_histogram_t *narrowly; //  to its return
} s_phase_t;

typedef struct s_catchup {
    const hf_bench_options_t *options;
    hf_cluster_t *cluster;
    uint32_t leader, node; //  NODE is the one that is killed
    uint64_t then;         //  what the leader had committed at the last look
    hf_histogram_t *quiet;
    s_phase_t phase[2];
    uint64_t errors;
} s_catchup_t;

//  ---- loads ----------------------------------------------------------------------

static hf_load_t *
s_load_start (const s_catchup_t *self, uint32_t workers)
{
    hf_bench_options_t options = *self->options;
    if (workers != options.workers) {
        options.workers = workers;
        options.connections = options.sessions = 1;
    }
    hf_load_t *load = hf_load_new (&options);
    if (load)
        hf_load_start (load);
    return load;
}

/*  False: it failed, which has been reported. */
static bool
s_load_stop (s_catchup_t *self, hf_load_t *load)
{
    hf_load_result_t result;
    hf_load_finish (load, S_STOP_LIMIT_MS, &result);
    hf_load_result_done (&result);
    self->errors += result.failed;
    if (result.failed)
        hf_bench_say ("%llu requests failed, %u of them without an answer",
                      (unsigned long long)result.failed, result.unanswered);
    return result.failed == 0;
}

static bool
s_quiet (s_catchup_t *self)
{
    hf_load_t *load = s_load_start (self, self->options->workers);
    if (!load)
        return false;
    bool whole = hf_bench_wait (self->cluster, self->options->warmup * 1000);
    uint64_t from_ns = hf_bench_now_ns ();
    whole = whole && hf_bench_wait (self->cluster, self->options->seconds * 1000);
    uint64_t to_ns = hf_bench_now_ns ();
    whole = s_load_stop (self, load) && whole;
    if (whole)
        self->quiet = hf_load_window (load, from_ns, to_ns);
    hf_load_destroy (&load, true);
    return whole;
}

/*  The operations that the node misses, as fast as they go. */
static bool
s_burst (s_catchup_t *self)
{
    hf_load_t *load = s_load_start (self, S_BURST_WORKERS);
    if (!load)
        return false;
    bool whole = true;
    uint64_t from_ns = hf_bench_now_ns ();
    while (whole && hf_load_cycles (load) < (self->options->ops + 1) / 2)
        whole = hf_bench_wait (self->cluster, S_POLL_MS) && hf_load_works (load);
    fprintf (stderr, "%llu operations in %.1f s without node %u\n",
             2 * (unsigned long long)hf_load_cycles (load),
             (double)(hf_bench_now_ns () - from_ns) / 1e9, self->node);
    whole = s_load_stop (self, load) && whole;
    hf_load_destroy (&load, true);
    return whole;
}

//  ---- being back -----------------------------------------------------------------

/*  Whether the node counts, and has what the leader had committed at the last look: under load it
 * is always some entries behind. */
static bool
s_is_back (s_catchup_t *self)
{
    hf_node_status_t leader, node;
    uint64_t then = self->then;
    self->then = UINT64_MAX;
    if (!hf_cluster_status (self->cluster, self->leader, &leader) ||
        strcmp (leader.role, "leader") != 0) {
        uint32_t id = hf_cluster_leader (self->cluster);
        self->leader = id ? id : self->leader;
        return false;
    }
    self->then = leader.commit_index;
    //  The leader goes by the disk that it heard last; the node itself knows whether its disk of
    //  today is the one in the log.
    return leader.not_counted == 0 && hf_cluster_status (self->cluster, self->node, &node) &&
           node.not_counted == 0 && node.applied_index >= then;
}

/*  When it was back; 0: not within the limit. */
static uint64_t
s_await_back (s_catchup_t *self)
{
    uint64_t limit_ns = hf_bench_in_ms (S_BACK_LIMIT_MS);
    self->then = UINT64_MAX;
    while (hf_bench_now_ns () < limit_ns) {
        if (s_is_back (self))
            return hf_bench_now_ns ();
        if (!hf_bench_wait (self->cluster, S_POLL_MS))
            return 0;
    }
    hf_bench_say ("node %u was not back within %u s", self->node, S_BACK_LIMIT_MS / 1000);
    return 0;
}

/*  Kill followers until every majority needs the node; then a lock must still be granted. */
static bool
s_counts (s_catchup_t *self, hf_load_t *load)
{
    uint32_t left = (self->options->start - 1) / 2;
    for (uint32_t id = self->options->start; id > 0 && left > 0; id--) {
        if (id == self->leader || id == self->node)
            continue;
        hf_cluster_kill (self->cluster, id);
        left--;
    }
    hf_load_watch (load, hf_bench_now_ns ());
    uint64_t limit_ns = hf_bench_in_ms (S_GRANT_LIMIT_MS);
    bool whole = true;
    while (whole && hf_load_first_grant_ns (load) == 0 && hf_bench_now_ns () < limit_ns)
        whole = hf_bench_wait (self->cluster, S_POLL_MS);
    bool granted = hf_load_first_grant_ns (load) != 0;
    for (uint32_t id = 1; id <= self->options->start; id++)
        if (!hf_cluster_running (self->cluster, id))
            hf_cluster_launch (self->cluster, id);
    if (whole && !granted)
        hf_bench_say ("node %u does not count: no grant in %u s with a majority that needs it",
                      self->node, S_GRANT_LIMIT_MS / 1000);
    return whole && granted;
}

/*  Start it under the light load, and see. */
static bool
s_return (s_catchup_t *self, s_phase_t *phase, hf_load_t *load)
{
    if (!hf_bench_wait (self->cluster, self->options->warmup * 1000))
        return false;
    hf_node_status_t leader;
    phase->by_state = hf_cluster_status (self->cluster, self->leader, &leader) &&
                      leader.first_index > phase->had + 1;
    uint64_t from_ns = hf_bench_now_ns ();
    hf_cluster_launch (self->cluster, self->node);
    uint64_t back_ns = s_await_back (self);
    if (back_ns == 0)
        return false;
    phase->back_s = (double)(back_ns - from_ns) / 1e9;
    uint64_t to_ns = from_ns + (uint64_t)S_WINDOW_MIN_MS * 1000000;
    if (to_ns < back_ns)
        to_ns = back_ns;
    bool whole = hf_bench_wait_until (self->cluster, to_ns) && s_counts (self, load);
    if (!s_load_stop (self, load) || !whole)
        return false;
    phase->acquire = hf_load_window (load, from_ns, to_ns);
    phase->narrowly = hf_load_window (load, from_ns, back_ns);
    return true;
}

static bool
s_phase (s_catchup_t *self, s_phase_t *phase)
{
    if (!hf_bench_settle (self->cluster, &self->leader))
        return false;
    self->node = self->options->start;
    if (self->node == self->leader)
        self->node--;
    hf_node_status_t before;
    if (!phase->wipe && hf_cluster_status (self->cluster, self->node, &before))
        phase->had = before.commit_index;
    hf_cluster_kill (self->cluster, self->node);
    if (phase->wipe && hf_folder_remove (hf_cluster_node_dir (self->cluster, self->node))) {
        hf_bench_say ("cannot remove the data of node %u: %s", self->node, strerror (errno));
        return false;
    }
    if (!s_burst (self))
        return false;
    hf_load_t *load = s_load_start (self, self->options->workers);
    if (!load)
        return false;
    phase->done = s_return (self, phase, load);
    hf_load_destroy (&load, false);
    if (phase->done)
        fprintf (stderr, "node %u, %s, is back after %.2f s and counts\n", self->node, phase->name,
                 phase->back_s);
    return phase->done;
}

//  ---- the report -----------------------------------------------------------------

static double
s_ratio (const s_catchup_t *self, const s_phase_t *phase)
{
    double quiet = hf_report_ms (self->quiet, 0.99);
    return quiet > 0 ? hf_report_ms (phase->acquire, 0.99) / quiet : 0;
}

static bool
s_as_wanted (const s_catchup_t *self, const s_phase_t *phase)
{
    return phase->done && phase->back_s <= S_WANTED_SECONDS &&
           s_ratio (self, phase) < S_WANTED_RATIO;
}

static const char *
s_by (const s_phase_t *phase)
{
    return phase->by_state ? "state" : "log";
}

static void
s_report_text (const s_catchup_t *self)
{
    hf_report_headline (self->options);
    printf ("node %u missed %u operations; acquire in ms while it came back:\n", self->node,
            self->options->ops);
    printf ("%-8s %9s %9s %9s %9s %13s %9s  %s\n", "", "p50", "p99", "max", "p99/quiet",
            "p99 till back", "back", "by");
    printf ("%-8s %9.3f %9.3f %9.3f\n", "quiet", hf_report_ms (self->quiet, 0.5),
            hf_report_ms (self->quiet, 0.99), hf_report_ms (self->quiet, 1));
    for (size_t i = 0; i < sizeof self->phase / sizeof *self->phase; i++) {
        const s_phase_t *phase = &self->phase[i];
        if (phase->done)
            printf ("%-8s %9.3f %9.3f %9.3f %9.2f %13.3f %7.2f s  %s\n", phase->name,
                    hf_report_ms (phase->acquire, 0.5), hf_report_ms (phase->acquire, 0.99),
                    hf_report_ms (phase->acquire, 1), s_ratio (self, phase),
                    hf_report_ms (phase->narrowly, 0.99), phase->back_s, s_by (phase));
        else
            printf ("%-8s did not come back\n", phase->name);
    }
    bool wanted = s_as_wanted (self, &self->phase[0]) && s_as_wanted (self, &self->phase[1]);
    printf ("back within %u s, p99 under %u times its quiet value: %s\n", S_WANTED_SECONDS,
            S_WANTED_RATIO, wanted ? "yes" : "no");
}

static void
s_report_json (const s_catchup_t *self)
{
    json_t *object = hf_report_options (self->options);
    json_object_set_new (object, "ops", json_integer (self->options->ops));
    if (self->options->log_keep)
        json_object_set_new (object, "log_keep", json_string (self->options->log_keep));
    json_object_set_new (object, "errors", json_integer ((json_int_t)self->errors));
    json_object_set_new (object, "quiet_acquire_us", hf_report_latency (self->quiet));
    for (size_t i = 0; i < sizeof self->phase / sizeof *self->phase; i++) {
        const s_phase_t *phase = &self->phase[i];
        json_t *member = json_object ();
        json_object_set_new (member, "back", json_boolean (phase->done));
        if (phase->done) {
            json_object_update_new (
                member, json_pack ("{s:f, s:s, s:f, s:o, s:o}", "seconds", phase->back_s, "by",
                                   s_by (phase), "ratio", s_ratio (self, phase), "acquire_us",
                                   hf_report_latency (phase->acquire), "acquire_till_back_us",
                                   hf_report_latency (phase->narrowly)));
        }
        json_object_set_new (member, "as_wanted", json_boolean (s_as_wanted (self, phase)));
        json_object_set_new (object, phase->name, member);
    }
    hf_report_json (object);
}

//  ---- the command ----------------------------------------------------------------

int
hf_run_catchup (const hf_bench_options_t *options, hf_cluster_t *cluster)
{
    assert (cluster && options->start >= 3);
    s_catchup_t self = {.options = options,
                        .cluster = cluster,
                        .phase = {{.name = "away"}, {.name = "wiped", .wipe = true}}};
    bool whole = hf_bench_settle (cluster, &self.leader) && s_quiet (&self);
    whole = whole && s_phase (&self, &self.phase[0]) && s_phase (&self, &self.phase[1]);
    if (self.quiet && options->json)
        s_report_json (&self);
    else if (self.quiet)
        s_report_text (&self);
    hf_histogram_destroy (&self.quiet);
    for (size_t i = 0; i < sizeof self.phase / sizeof *self.phase; i++) {
        hf_histogram_destroy (&self.phase[i].acquire);
        hf_histogram_destroy (&self.phase[i].narrowly);
    }
    return whole ? HF_EXIT_OK : HF_EXIT_ERRORS;
}
