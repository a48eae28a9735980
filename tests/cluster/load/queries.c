//  queries: the questions of the tool, one after another on a quiet cluster. None may be slow.

#include "tests/cluster/load/load.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KINDS    4
#define LIMIT_MS 20000

static const char *const s_names[KINDS] = {"leader", "locks", "ls", "cat"};
static uint32_t s_limit_ms = 100;
static uint32_t
    s_slow; //  so many of 100 may take longer: on a machine that is busy with other things

static void
s_lock (void *arg, const hf_lock_info_t *lock, const hf_place_info_t *place)
{
    (void)arg, (void)lock, (void)place;
}

static void
s_file (void *arg, const hf_file_info_t *info)
{
    (void)arg, (void)info;
}

static hf_status_t
s_ask (hf_client_t *client, uint32_t kind)
{
    hf_leader_info_t leader;
    char bytes[100];
    size_t size = sizeof bytes;
    switch (kind) {
    case 0:
        return hf_query_leader (client, &leader, LIMIT_MS);
    case 1:
        return hf_query_locks (client, s_lock, NULL, LIMIT_MS);
    case 2:
        return hf_query_files (client, s_file, NULL, LIMIT_MS);
    default:
        return hf_read (client, "book", 0, bytes, &size, NULL, LIMIT_MS);
    }
}

//  ---- the ways to ask ---------------------------------------------------------------

static hf_client_t *s_client;

static bool
s_same_client (hf_cluster_t *cluster, uint32_t kind)
{
    (void)cluster;
    return s_ask (s_client, kind) == HF_OK;
}

/*  Its search for the leader and its question come close together. */
static bool
s_fresh_client (hf_cluster_t *cluster, uint32_t kind)
{
    hf_client_t *client = load_client (cluster);
    bool good = s_ask (client, kind) == HF_OK;
    hf_client_destroy (&client);
    return good;
}

static bool
s_tool (hf_cluster_t *cluster, uint32_t kind)
{
    (void)cluster;
    bool cat = strcmp (s_names[kind], "cat") == 0;
    const char *const argv[] = {HF_TEST_TOOL, s_names[kind], cat ? "book" : NULL, NULL};
    return hf_process_run (argv, LIMIT_MS, NULL, 0) == 0;
}

//  ---- what it took -------------------------------------------------------------------

static void
s_histogram (const char *way, const uint32_t *ms, uint32_t count, uint32_t slowest)
{
    static const uint32_t bounds[] = {5, 10, 20, 50, 100, 200, 500, 1000, UINT32_MAX};
    printf ("%s: %u questions, the slowest %u ms\n", way, count, slowest);
    uint32_t from = 0;
    for (size_t b = 0; b < sizeof bounds / sizeof *bounds; b++) {
        uint32_t in = 0;
        for (uint32_t i = 0; i < count; i++)
            in += ms[i] >= from && ms[i] < bounds[b];
        if (in > 0)
            printf ("  from %4u ms: %u\n", from, in);
        from = bounds[b];
    }
}

static bool
s_measure (hf_cluster_t *cluster, const char *way, uint32_t count,
           bool (*ask) (hf_cluster_t *cluster, uint32_t kind))
{
    uint32_t *ms = hf_alloc (count * sizeof *ms), slowest = 0, slow = 0;
    bool good = true;
    for (uint32_t i = 0; i < count && good; i++) {
        uint64_t start_ms = hf_wait_now_ms ();
        good = ask (cluster, i % KINDS);
        ms[i] = (uint32_t)(hf_wait_now_ms () - start_ms);
        slowest = ms[i] > slowest ? ms[i] : slowest;
        slow += ms[i] >= s_limit_ms;
    }
    if (good)
        s_histogram (way, ms, count, slowest);
    else
        printf ("%s: a question failed\n", way);
    free (ms);
    return good && slow * 100 <= s_slow * count;
}

int
main (int argc, char **argv)
{
    uint32_t count = 400;
    load_options (argc, argv,
                  (load_option_t[]){
                      {"count", &count}, {"limit", &s_limit_ms}, {"slow", &s_slow}, {NULL, NULL}});
    if (count == 0)
        return 64;
    hf_cluster_t *cluster = load_begin ();
    setenv ("HOLDFAST_ENDPOINTS", hf_cluster_endpoints (cluster), 1);
    s_client = load_client (cluster);
    hf_session_t *session;
    hf_grant_t grant;
    //  A session that lives on, but whose keepalives are rare: they would wake a leader that
    //  sleeps.
    bool good = hf_session_open (s_client, NULL, LIMIT_MS, &session) == HF_OK &&
                hf_acquire (session, "lock", LIMIT_MS, &grant) == HF_OK &&
                hf_append (session, "lock", grant.token, "book", "line\n", 5, LIMIT_MS) == HF_OK &&
                hf_release (session, "lock", grant.token, LIMIT_MS) == HF_OK;
    bool same = good && s_measure (cluster, "one client", count, s_same_client);
    bool fresh = good && s_measure (cluster, "a new client each", count, s_fresh_client);
    bool tool = good && s_measure (cluster, "the tool", count, s_tool);
    if (good)
        hf_session_close (&session, LIMIT_MS);
    hf_client_destroy (&s_client);
    return load_end (cluster, same && fresh && tool);
}
