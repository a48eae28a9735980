//  idle_answers: sessions that asked much and have fallen idle. Others must be served all the same.

#include "tests/cluster/load/load.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define TTL_MS 10000

static struct {
    load_sessions_t sessions;
    uint32_t answers;
    atomic_uint next, refused, out;
} s_run;

static void
s_done (void *arg, const hf_result_t *result)
{
    (void)arg;
    if (result->status != HF_OK && result->status != HF_NOT_GRANTED)
        atomic_fetch_add (&s_run.refused, 1);
    atomic_fetch_sub (&s_run.out, 1);
}

/*  Ask for a lock without waiting. False: the library does not take it. */
static bool
s_submit (hf_session_t *session, uint32_t number, hf_done_fn *fn)
{
    hf_acquire_options_t options = HF_ACQUIRE_OPTIONS_INIT;
    options.wait = false;
    char lock[32];
    snprintf (lock, sizeof lock, "lock-%u", number); //  different ones: they go out together
    atomic_fetch_add (&s_run.out, 1);
    return hf_submit_acquire (session, lock, &options, fn, session) == HF_OK;
}

/*  On the client's thread: what is submitted now goes out in one frame, so that no later one tells
 *  the cluster that the answers have come. */
static void
s_first (void *arg, const hf_result_t *result)
{
    for (uint32_t i = 1; i < s_run.answers; i++)
        if (!s_submit (arg, i, s_done))
            atomic_fetch_add (&s_run.refused, 1);
    s_done (arg, result);
}

static bool
s_ask (hf_session_t *session)
{
    return s_submit (session, 0, s_first) && HF_WAIT (atomic_load (&s_run.out) == 0, 60000);
}

/*  One more session asks and is served. Gives after how long; UINT64_MAX: never. */
static uint64_t
s_others_ms (hf_cluster_t *cluster)
{
    hf_client_t *client = load_client (cluster);
    hf_session_t *session;
    uint64_t start_ms = hf_wait_now_ms (), ms = UINT64_MAX;
    if (hf_session_open (client, NULL, HF_CLUSTER_LIMIT_MS, &session) == HF_OK) {
        hf_grant_t grant;
        if (HF_WAIT (hf_acquire (session, "other", 0, &grant) == HF_OK, 10000))
            ms = hf_wait_now_ms () - start_ms;
        hf_session_close (&session, HF_CLUSTER_LIMIT_MS);
    }
    hf_client_destroy (&client);
    return ms;
}

static void
s_fact (void *arg, const char *key, const char *text, uint64_t number)
{
    if (!text && strcmp (key, "answers") == 0)
        *(uint64_t *)arg = number;
}

/*  The sessions live on, idle. Whether the leader forgets their answers, but for a few. */
static bool
s_forgotten (hf_cluster_t *cluster)
{
    uint64_t answers = UINT64_MAX, most = 8ULL * s_run.sessions.count;
    uint32_t leader = hf_cluster_leader (cluster);
    hf_client_t *client = s_run.sessions.clients[0];
    bool good = HF_WAIT (hf_query_status (client, leader, s_fact, &answers, 5000) == HF_OK &&
                             answers < most,
                         3 * TTL_MS);
    printf ("the leader keeps %llu answers\n", (unsigned long long)answers);
    return good;
}

static uint64_t
s_memory_mib (hf_cluster_t *cluster)
{
    return hf_cluster_memory (cluster, hf_cluster_leader (cluster)) >> 20;
}

int
main (int argc, char **argv)
{
    uint32_t count = 1000;
    s_run.answers = 4010; //  more than are kept for all
    load_options (
        argc, argv,
        (load_option_t[]){{"sessions", &count}, {"answers", &s_run.answers}, {NULL, NULL}});
    hf_cluster_t *cluster = load_begin ();
    printf ("the leader has %llu MiB\n", (unsigned long long)s_memory_mib (cluster));
    bool good = load_sessions_open (&s_run.sessions, cluster, 4, count, TTL_MS);
    for (uint32_t i = 0; i < count && good; i++)
        good = s_ask (s_run.sessions.list[i]);
    printf ("%u sessions got %u answers each, %u of them refused; the leader has %llu MiB\n", count,
            s_run.answers, atomic_load (&s_run.refused),
            (unsigned long long)s_memory_mib (cluster));
    uint64_t ms = good ? s_others_ms (cluster) : UINT64_MAX;
    printf ("another session is served after %lld ms\n", (long long)ms);
    good = s_forgotten (cluster) && good;
    printf ("the leader has %llu MiB\n", (unsigned long long)s_memory_mib (cluster));
    load_sessions_leave (&s_run.sessions);
    return load_end (cluster, good && ms != UINT64_MAX && atomic_load (&s_run.refused) == 0);
}
