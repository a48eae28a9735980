//  grants: many sessions of one client wait for one lock, all are granted at once, also by a leader
//  that is new. No grant may have to wait for a keepalive.

#include "tests/cluster/load/load.h"
#include <stdio.h>

#define LOCK    "lock"
#define WAIT_MS 60000

static struct {
    load_sessions_t sessions;
    atomic_uint granted, failed;
    atomic_bool released;
    uint64_t waiters;
} s_run;

static void
s_granted (void *arg, const hf_result_t *result)
{
    (void)arg;
    atomic_fetch_add (result->status == HF_OK ? &s_run.granted : &s_run.failed, 1);
}

static void
s_released (void *arg, const hf_result_t *result)
{
    (void)arg;
    if (result->status != HF_OK)
        printf ("the release: %s\n", hf_status_name (result->status));
    atomic_store (&s_run.released, true);
}

static void
s_lock (void *arg, const hf_lock_info_t *lock, const hf_place_info_t *place)
{
    (void)arg;
    (void)place;
    s_run.waiters = lock->waiters;
}

static bool
s_all_wait (hf_client_t *client)
{
    return hf_query_locks (client, s_lock, NULL, 5000) == HF_OK &&
           s_run.waiters == s_run.sessions.count;
}

static bool
s_queue (hf_client_t *other)
{
    hf_acquire_options_t options = HF_ACQUIRE_OPTIONS_INIT;
    options.mode = HF_MODE_SHARED;
    for (uint32_t i = 0; i < s_run.sessions.count; i++)
        if (hf_submit_acquire (s_run.sessions.list[i], LOCK, &options, s_granted, NULL) != HF_OK)
            return false;
    return HF_WAIT (s_all_wait (other), WAIT_MS);
}

/*  The holder releases the lock. Whether all have their grants soon after it knows that. */
static bool
s_hand_on (hf_cluster_t *cluster, hf_session_t *holder, uint64_t token, bool kill,
           uint32_t limit_ms)
{
    if (kill)
        hf_cluster_kill (cluster, hf_cluster_leader (cluster));
    uint64_t asked_ms = hf_wait_now_ms ();
    if (hf_submit_release (holder, LOCK, token, s_released, NULL) != HF_OK ||
        !HF_WAIT (atomic_load (&s_run.released), WAIT_MS))
        return false;
    uint64_t released_ms = hf_wait_now_ms ();
    uint32_t count = s_run.sessions.count;
    unsigned at_once = atomic_load (&s_run.granted);
    bool all =
        HF_WAIT (atomic_load (&s_run.granted) + atomic_load (&s_run.failed) == count, WAIT_MS);
    uint64_t last_ms = hf_wait_now_ms () - released_ms;
    printf ("%s: released after %llu ms; %u of %u sessions were granted by then, the last %llu ms "
            "later; %u failed\n",
            kill ? "a new leader" : "the leader", (unsigned long long)(released_ms - asked_ms),
            at_once, count, (unsigned long long)last_ms, atomic_load (&s_run.failed));
    return all && atomic_load (&s_run.failed) == 0 && last_ms <= limit_ms;
}

int
main (int argc, char **argv)
{
    uint32_t count = 25000, ttl_s = 30, limit_ms = 3000, kill = 1;
    load_options (argc, argv,
                  (load_option_t[]){{"sessions", &count},
                                    {"ttl", &ttl_s},
                                    {"limit", &limit_ms},
                                    {"kill", &kill},
                                    {NULL, NULL}});
    hf_cluster_t *cluster = load_begin ();
    hf_client_t *other = load_client (cluster);
    hf_session_t *holder;
    hf_grant_t grant;
    bool good = hf_session_open (other, NULL, WAIT_MS, &holder) == HF_OK &&
                hf_acquire (holder, LOCK, WAIT_MS, &grant) == HF_OK &&
                load_sessions_open (&s_run.sessions, cluster, 1, count, ttl_s * 1000) &&
                s_queue (other) && s_hand_on (cluster, holder, grant.token, kill != 0, limit_ms);
    load_sessions_leave (&s_run.sessions);
    hf_session_leave (&holder);
    hf_client_destroy (&other);
    return load_end (cluster, good);
}
