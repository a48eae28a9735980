/*  What all parts of holdfast-bench use: messages, the clock, signals, clients, the nodes' health.
 */
#include "bench/bench.h"
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define S_STABLE_LIMIT_MS 60000
#define S_STABLE_MS       500  //  nothing may change for so long
#define S_HANDBACK_MS     8000 //  so long node 1 may take to lead again

void
hf_bench_say (const char *format, ...)
{
    va_list args;
    va_start (args, format);
    fputs ("holdfast-bench: ", stderr);
    vfprintf (stderr, format, args);
    fputc ('\n', stderr);
    va_end (args);
}

uint64_t
hf_bench_now_ns (void)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t
hf_bench_in_ms (uint64_t ms)
{
    return hf_bench_now_ns () + ms * 1000000;
}

//  ---- the end --------------------------------------------------------------------

static void
s_ending_signals (sigset_t *set)
{
    sigemptyset (set);
    sigaddset (set, SIGINT);
    sigaddset (set, SIGTERM);
    sigaddset (set, SIGHUP);
}

void
hf_bench_signals_block (void)
{
    sigset_t set;
    s_ending_signals (&set);
    int rc = pthread_sigmask (SIG_BLOCK, &set, NULL);
    assert (rc == 0);
}

bool
hf_bench_interrupted (uint64_t until_ns)
{
    static bool s_asked;
    sigset_t set;
    s_ending_signals (&set);
    while (!s_asked) {
        uint64_t now_ns = hf_bench_now_ns ();
        uint64_t left_ns = now_ns < until_ns ? until_ns - now_ns : 0;
        struct timespec wait = {.tv_sec = (time_t)(left_ns / 1000000000),
                                .tv_nsec = (long)(left_ns % 1000000000)};
        if (sigtimedwait (&set, NULL, &wait) > 0)
            s_asked = true;
        else if (errno == EAGAIN)
            break;
        else
            assert (errno == EINTR);
    }
    return s_asked;
}

bool
hf_bench_wait_until (hf_cluster_t *cluster, uint64_t until_ns)
{
    if (hf_bench_interrupted (until_ns))
        return false;
    for (uint32_t id = 1; cluster && id <= hf_cluster_count (cluster); id++) {
        int code = hf_cluster_take_end (cluster, id);
        if (code < 0)
            continue;
        hf_bench_say ("node %u ended by itself (%s %d)", id, code > 128 ? "signal" : "exit code",
                      code > 128 ? code - 128 : code);
        hf_cluster_print_tail (cluster, id);
        return false;
    }
    return true;
}

bool
hf_bench_wait (hf_cluster_t *cluster, uint64_t ms)
{
    return hf_bench_wait_until (cluster, hf_bench_in_ms (ms));
}

//  ---- health ---------------------------------------------------------------------

/*  Whether all nodes agree at this moment, and on which leader; all have applied what was committed
 *  at the last look, as far as index THEN: under load a follower is always some entries behind. */
static bool
s_agree (hf_cluster_t *cluster, uint64_t then, hf_node_status_t *leader)
{
    uint32_t id = hf_cluster_leader (cluster), count = hf_cluster_count (cluster);
    bool agree = id != 0 && hf_cluster_status (cluster, id, leader) && leader->not_counted == 0;
    for (uint32_t i = 1; agree && i <= count; i++) {
        hf_node_status_t node;
        agree = hf_cluster_status (cluster, i, &node) && node.leader == id &&
                node.term == leader->term && node.links_up == count - 1 &&
                node.applied_index >= then;
    }
    return agree;
}

bool
hf_bench_settle (hf_cluster_t *cluster, uint32_t *leader)
{
    uint64_t start_ms = hf_wait_now_ms (), since_ms = 0, term_then = 0, index_then = 0;
    while (hf_wait_now_ms () - start_ms < S_STABLE_LIMIT_MS) {
        uint64_t now_ms = hf_wait_now_ms ();
        hf_node_status_t now = {.node = 0};
        bool agree = s_agree (cluster, index_then, &now);
        index_then = now.commit_index;
        if (!agree || now.term != term_then)
            since_ms = now_ms;
        term_then = agree ? now.term : 0;
        *leader = now.node;
        if (agree && now_ms - since_ms >= S_STABLE_MS &&
            (*leader == 1 || now_ms - start_ms >= S_HANDBACK_MS))
            return true;
        if (!hf_bench_wait (cluster, 50))
            return false;
    }
    hf_bench_say ("the cluster did not settle within %u s", S_STABLE_LIMIT_MS / 1000);
    return false;
}

//  ---- names and clients ----------------------------------------------------------

const char *
hf_bench_command_name (hf_bench_command_t command)
{
    static const char *const names[] = {
        "unknown", "cycle",  "handoff", "failover", "soak",  "catchup", "rejoin", "shared", "sets",
        "watch",   "append", "stop",    "read",     "scale", "cut",     "scrape", "idle"};
    return names[command];
}

hf_client_t *
hf_bench_client (const char *endpoints, bool shared)
{
    char error[HF_CLIENT_ERROR_SIZE];
    hf_client_options_t options = {
        .size = sizeof options, .endpoints = endpoints, .shared = shared};
    hf_client_t *client = hf_client_new (&options, error);
    if (!client)
        hf_bench_say ("%s", error);
    return client;
}
