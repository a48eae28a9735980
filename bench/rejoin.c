/*  The command rejoin: whether a follower that was away gets back while the others work as fast as
 *  their disks let them.
 *
 *  The load never pauses. In each round a follower is stopped, killed, or killed and wiped; after
 *  --away seconds it runs again. It is back when it has applied what the leader had committed a
 *  moment before, and counts. How often it took the whole state over, and how many bytes that were,
 *  is in its own log. What the load does while the node is away and while it comes back is set
 *  against its rate before.
 */
#include "base/hf_alloc.h"
#include "bench/load.h"
#include "tests/kit/hf_folder.h"
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S_BACK_LIMIT_MS 90000
#define S_STOP_LIMIT_MS 60000
#define S_POLL_MS       20

typedef struct s_way {
    const char *name;
    bool stop, wipe;
} s_way_t;

static const s_way_t s_ways[] = {
    {"stopped", true, false}, {"killed", false, false}, {"wiped", false, true}};

typedef struct s_round {
    const s_way_t *way;
    bool back;
    double seconds;
    uint64_t states, state_bytes;      //  taken over
    double rate, rate_away, rate_back; //  cycles a second: before, while it was away, until back
} s_round_t;

typedef struct s_rejoin {
    const hf_bench_options_t *options;
    hf_cluster_t *cluster;
    hf_load_t *load;
    uint32_t leader, node;
    uint64_t then; //  what the leader had committed at the last look
} s_rejoin_t;

//  ---- the load --------------------------------------------------------------------

typedef struct s_clock {
    uint64_t at_ns, cycles;
} s_clock_t;

static s_clock_t
s_now (const s_rejoin_t *self)
{
    return (s_clock_t){hf_bench_now_ns (), hf_load_cycles (self->load)};
}

static double
s_rate (s_clock_t from, s_clock_t to)
{
    return (double)(to.cycles - from.cycles) * 1e9 / (double)(to.at_ns - from.at_ns + 1);
}

//  ---- states taken over ---------------------------------------------------------------

/*  The node's log says each: "has the state of entry N (ALL bytes, BYTES of them sent)". */
static void
s_states (const s_rejoin_t *self, uint64_t *count, uint64_t *bytes)
{
    *count = *bytes = 0;
    FILE *file = fopen (hf_cluster_log_path (self->cluster, self->node), "r");
    char line[1024];
    while (file && fgets (line, sizeof line, file)) {
        const char *at = strstr (line, "has the state of entry ");
        at = at ? strstr (at, "bytes, ") : NULL;
        if (at) {
            *count += 1;
            *bytes += strtoull (at + strlen ("bytes, "), NULL, 10);
        }
    }
    if (file)
        fclose (file);
}

//  ---- a round -----------------------------------------------------------------------

/*  Whether the node has what the leader had committed at the last look: under load it is always
 * some entries behind. */
static bool
s_is_back (s_rejoin_t *self)
{
    hf_node_status_t leader = {.node = 0}, node;
    uint32_t id = hf_cluster_leader (self->cluster);
    uint64_t then = self->then;
    self->leader = id ? id : self->leader;
    bool leads = hf_cluster_status (self->cluster, self->leader, &leader) &&
                 leader.not_counted == 0 && strcmp (leader.role, "leader") == 0;
    self->then = leads ? leader.commit_index : UINT64_MAX;
    return leads && hf_cluster_status (self->cluster, self->node, &node) && node.not_counted == 0 &&
           node.leader == self->leader && node.applied_index >= then;
}

static bool
s_take_away (s_rejoin_t *self, const s_way_t *way)
{
    if (way->stop) {
        hf_cluster_stop (self->cluster, self->node);
        return true;
    }
    hf_cluster_kill (self->cluster, self->node);
    if (!way->wipe || hf_folder_remove (hf_cluster_node_dir (self->cluster, self->node)) == 0)
        return true;
    hf_bench_say ("cannot remove the data of node %u: %s", self->node, strerror (errno));
    return false;
}

/*  Node NODE serves again while the load goes on. */
static bool
s_await_back (s_rejoin_t *self, s_round_t *round)
{
    uint64_t from_ns = hf_bench_now_ns (), limit_ns = hf_bench_in_ms (S_BACK_LIMIT_MS);
    bool whole = true;
    self->then = UINT64_MAX;
    while (whole && !round->back && hf_bench_now_ns () < limit_ns) {
        round->back = s_is_back (self);
        whole =
            round->back || (hf_bench_wait (self->cluster, S_POLL_MS) && hf_load_works (self->load));
    }
    round->seconds = (double)(hf_bench_now_ns () - from_ns) / 1e9;
    return whole;
}

static bool
s_round (s_rejoin_t *self, s_round_t *round)
{
    uint64_t states, bytes;
    s_states (self, &states, &bytes);
    s_clock_t start = s_now (self);
    if (!hf_bench_wait (self->cluster, self->options->seconds * 1000))
        return false;
    s_clock_t gone = s_now (self);
    round->rate = s_rate (start, gone);
    if (!s_take_away (self, round->way) ||
        !hf_bench_wait (self->cluster, self->options->away * 1000))
        return false;
    s_clock_t returned = s_now (self);
    round->rate_away = s_rate (gone, returned);
    if (round->way->stop)
        hf_cluster_go_on (self->cluster, self->node);
    else
        hf_cluster_launch (self->cluster, self->node);
    bool whole = s_await_back (self, round);
    round->rate_back = s_rate (returned, s_now (self));
    s_states (self, &round->states, &round->state_bytes);
    round->states -= states;
    round->state_bytes -= bytes;
    fprintf (stderr, "node %u, %s for %u s: %s after %.2f s\n", self->node, round->way->name,
             self->options->away, round->back ? "back" : "NOT back", round->seconds);
    return whole;
}

//  ---- the report -----------------------------------------------------------------------

static void
s_report (const s_rejoin_t *self, const s_round_t *rounds, size_t count)
{
    json_t *list = json_array ();
    if (!self->options->json) {
        hf_report_headline (self->options);
        printf ("%-8s %6s %9s %7s %12s %10s %10s %10s\n", "", "back", "after", "states", "bytes",
                "cycles/s", "away", "until back");
    }
    for (size_t i = 0; i < count; i++) {
        const s_round_t *r = &rounds[i];
        if (!self->options->json)
            printf ("%-8s %6s %7.2f s %7" PRIu64 " %12" PRIu64 " %10.0f %10.0f %10.0f\n",
                    r->way->name, r->back ? "yes" : "NO", r->seconds, r->states, r->state_bytes,
                    r->rate, r->rate_away, r->rate_back);
        json_array_append_new (list,
                               json_pack ("{s:s, s:b, s:f, s:I, s:I, s:f, s:f, s:f}", "way",
                                          r->way->name, "back", (int)r->back, "seconds", r->seconds,
                                          "states", (json_int_t)r->states, "state_bytes",
                                          (json_int_t)r->state_bytes, "rate", r->rate, "rate_away",
                                          r->rate_away, "rate_until_back", r->rate_back));
    }
    json_t *object = hf_report_options (self->options);
    json_object_set_new (object, "rejoin", list);
    if (self->options->json)
        hf_report_json (object);
    else
        json_decref (object);
}

//  ---- the command ----------------------------------------------------------------------

int
hf_run_rejoin (const hf_bench_options_t *options, hf_cluster_t *cluster)
{
    assert (cluster && options->start >= 3);
    s_rejoin_t self = {.options = options, .cluster = cluster, .node = options->start};
    size_t ways = sizeof s_ways / sizeof *s_ways, count = ways * options->rounds, done = 0;
    s_round_t *rounds = hf_alloc (count * sizeof *rounds);
    bool whole = hf_bench_settle (cluster, &self.leader);
    self.load = whole ? hf_load_new (options) : NULL;
    if (self.load) {
        hf_load_start (self.load);
        whole = hf_bench_wait (cluster, options->warmup * 1000);
        while (whole && done < count) {
            rounds[done].way = &s_ways[done % ways];
            whole = s_round (&self, &rounds[done]) && rounds[done].back;
            done++;
        }
        s_report (&self, rounds, done);
        hf_load_result_t result;
        hf_load_finish (self.load, S_STOP_LIMIT_MS, &result);
        if (result.failed)
            hf_bench_say ("%" PRIu64 " requests failed", result.failed);
        whole = whole && result.failed == 0;
        hf_load_result_done (&result);
    }
    bool ran = self.load != NULL;
    hf_load_destroy (&self.load, false);
    free (rounds);
    return ran && whole ? HF_EXIT_OK : HF_EXIT_ERRORS;
}
