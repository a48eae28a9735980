//  failover_sessions: many sessions of few clients, and a leader that dies. None may be lost.

#include "tests/cluster/load/load.h"
#include <stdio.h>

static uint64_t
s_seconds (uint64_t since_ms)
{
    return (hf_wait_now_ms () - since_ms) / 1000;
}

/*  The new leader counts all of them, two TTLs after the old one died. */
static bool
s_survive (load_sessions_t *sessions, hf_cluster_t *cluster)
{
    uint32_t old = hf_cluster_leader (cluster);
    uint64_t start_ms = hf_wait_now_ms ();
    hf_cluster_kill (cluster, old);
    uint32_t leader = hf_cluster_wait_leader (cluster, HF_CLUSTER_LIMIT_MS);
    printf ("node %u was killed; node %u leads after %llu ms\n", old, leader,
            (unsigned long long)(hf_wait_now_ms () - start_ms));
    bool ended =
        HF_WAIT (atomic_load (&sessions->ended) == sessions->count, 2 * sessions->ttl_ms + 1000);
    uint32_t lost = load_sessions_lost (sessions);
    hf_node_status_t status = {.sessions = 0};
    bool asked = hf_cluster_status (cluster, leader, &status);
    printf ("%u of %u sessions are lost; the leader has %llu\n", lost, sessions->count,
            (unsigned long long)status.sessions);
    return !ended && lost == 0 && atomic_load (&sessions->ended) == 0 && asked &&
           status.sessions == sessions->count;
}

int
main (int argc, char **argv)
{
    uint32_t clients = 4, count = 100000, ttl_s = 10;
    load_options (argc, argv,
                  (load_option_t[]){
                      {"clients", &clients}, {"sessions", &count}, {"ttl", &ttl_s}, {NULL, NULL}});
    hf_cluster_t *cluster = load_begin ();
    load_sessions_t sessions;
    uint64_t start_ms = hf_wait_now_ms ();
    bool good = load_sessions_open (&sessions, cluster, clients, count, ttl_s * 1000);
    printf ("%u sessions of %u clients in %llu s; %u ended meanwhile\n", count, clients,
            (unsigned long long)s_seconds (start_ms), atomic_load (&sessions.ended));
    good = good && s_survive (&sessions, cluster);
    load_sessions_leave (&sessions);
    return load_end (cluster, good);
}
