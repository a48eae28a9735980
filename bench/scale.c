/*  The command scale: cycles beside many locks that are held, waiters and idle connections; what
 *  each lock takes of a node's memory, and how long a node with them takes to be back.
 */
#include "bench/crowd.h"
#include "bench/load.h"
#include <assert.h>

#define S_BACK_LIMIT_MS 60000

/*  KiB of the node that takes most. */
static uint64_t
s_memory_kib (const hf_bench_options_t *options, hf_cluster_t *cluster)
{
    uint64_t most = 0;
    for (uint32_t id = 1; cluster && id <= options->start; id++) {
        uint64_t bytes = hf_cluster_memory (cluster, id);
        most = bytes > most ? bytes : most;
    }
    return most / 1024;
}

/*  Kill a follower and start it: until it has applied what the leader had then. 0: it did not come,
 *  which is reported. */
static double
s_back_s (hf_cluster_t *cluster)
{
    uint32_t leader = hf_cluster_wait_leader (cluster, S_BACK_LIMIT_MS), id = leader == 1 ? 2 : 1;
    hf_node_status_t then, now = {.applied_index = 0};
    if (leader == 0 || !hf_cluster_status (cluster, leader, &then)) {
        hf_bench_say ("nobody leads");
        return 0;
    }
    hf_cluster_kill (cluster, id);
    uint64_t from_ns = hf_bench_now_ns (), limit_ns = hf_bench_in_ms (S_BACK_LIMIT_MS);
    bool back = hf_cluster_start (cluster, id);
    while (back && hf_bench_now_ns () < limit_ns) {
        if (hf_cluster_status (cluster, id, &now) && now.applied_index >= then.commit_index)
            return (double)(hf_bench_now_ns () - from_ns) / 1e9;
        back = hf_bench_wait (cluster, 5);
    }
    hf_bench_say ("node %u, started again, is not back within %u s", id, S_BACK_LIMIT_MS / 1000);
    return 0;
}

static void
s_add (json_t *facts, const char *name, double value)
{
    json_object_set_new (facts, name, json_real (value));
}

int
hf_run_scale (const hf_bench_options_t *options, hf_cluster_t *cluster)
{
    uint64_t before_kib = s_memory_kib (options, cluster);
    hf_crowd_t *crowd = hf_crowd_new (options, cluster);
    if (!crowd)
        return HF_EXIT_ERRORS;
    uint64_t after_kib = s_memory_kib (options, cluster);
    if (!hf_crowd_join (crowd)) {
        hf_crowd_destroy (&crowd);
        return HF_EXIT_ERRORS;
    }
    json_t *facts =
        json_pack ("{s:I, s:I, s:I}", "held", (json_int_t)options->held, "waiters",
                   (json_int_t)options->waiters, "idle_connections", (json_int_t)options->idle);
    s_add (facts, "held_after_seconds", hf_crowd_held_s (crowd));
    s_add (facts, "waiting_after_seconds", hf_crowd_queued_s (crowd));
    s_add (facts, "connected_after_seconds", hf_crowd_idle_s (crowd));
    bool back = true;
    if (cluster) {
        s_add (facts, "node_memory_kib", (double)after_kib);
        s_add (facts, "node_memory_kib_without", (double)before_kib);
        s_add (facts, "memory_bytes_per_lock",
               ((double)after_kib - (double)before_kib) * 1024 / (options->held + 1));
        bool has = options->start >= 3 && options->held > 0;
        double back_s = has ? s_back_s (cluster) : 0;
        back = !has || back_s > 0;
        s_add (facts, "node_back_after_seconds", back_s);
    }
    int code = hf_run_load_beside (options, cluster, facts, crowd);
    hf_crowd_destroy (&crowd);
    return back ? code : HF_EXIT_ERRORS;
}
