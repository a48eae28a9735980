//  slow_lowest: the disk of the node with the lowest id is slow, and almost nobody asks for
//  anything. A dead holder's lock must go to the next one all the same, and the lead may not go to
//  and fro.

#include "tests/cluster/load/load.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define TICK_MS 250 //  between two looks

/*  One of two sessions that take the lock from each other: one holds it, the other waits. */
typedef struct person {
    hf_session_t *session;
    atomic_bool granted;
} person_t;

static struct {
    hf_cluster_t *cluster;
    hf_client_t *client;
    uint32_t seconds, sync_ms, ttl_s, every_ms, limit_s, moves;
    uint32_t moved, grants, late;
    uint64_t term, begin_ms, killed_ms, next_request_ms, slowest_ms, slowest_request_ms;
    person_t people[2];
    int holder;
} s_run = {
    .seconds = 600, .sync_ms = 400, .ttl_s = 10, .every_ms = 3000, .limit_s = 15, .moves = 2};

static double
s_seconds (void)
{
    return (double)(hf_wait_now_ms () - s_run.begin_ms) / 1000;
}

static void
s_granted (void *arg, const hf_result_t *result)
{
    person_t *person = arg;
    if (result->status == HF_OK)
        atomic_store (&person->granted, true);
}

/*  A new session asks for the lock. */
static void
s_ask (person_t *person)
{
    hf_session_options_t options = HF_SESSION_OPTIONS_INIT;
    options.ttl_ms = s_run.ttl_s * 1000;
    atomic_store (&person->granted, false);
    hf_status_t status =
        hf_session_open (s_run.client, &options, HF_CLUSTER_LIMIT_MS, &person->session);
    if (status == HF_OK)
        status = hf_submit_acquire (person->session, "the-lock", NULL, s_granted, person);
    if (status == HF_OK)
        return;
    printf ("%6.1f s: no session: %s\n", s_seconds (), hf_status_name (status));
    exit (1);
}

/*  The holder dies: it says nothing more. */
static void
s_kill_holder (void)
{
    hf_session_leave (&s_run.people[s_run.holder].session);
    s_run.killed_ms = hf_wait_now_ms ();
}

/*  One small request, which costs every node a sync. */
static void
s_request (hf_session_t *session)
{
    uint64_t now_ms = hf_wait_now_ms ();
    if (now_ms < s_run.next_request_ms)
        return;
    s_run.next_request_ms = now_ms + s_run.every_ms;
    hf_grant_t grant;
    hf_status_t status = hf_acquire (session, "another", HF_CLUSTER_LIMIT_MS, &grant);
    if (status == HF_OK)
        status = hf_release (session, "another", grant.token, HF_CLUSTER_LIMIT_MS);
    uint64_t took_ms = hf_wait_now_ms () - now_ms;
    if (took_ms > s_run.slowest_request_ms)
        s_run.slowest_request_ms = took_ms;
    if (status != HF_OK)
        printf ("%6.1f s: a request: %s\n", s_seconds (), hf_status_name (status));
}

/*  Each term is a move: a leader may have come and gone between two looks. */
static void
s_look_at_lead (void)
{
    hf_node_status_t status;
    uint32_t leader = hf_cluster_leader (s_run.cluster);
    if (leader == 0 || !hf_cluster_status (s_run.cluster, leader, &status))
        return;
    if (s_run.term != 0 && status.term > s_run.term) {
        printf ("%6.1f s: node %u leads; %" PRIu64 " more terms\n", s_seconds (), leader,
                status.term - s_run.term);
        s_run.moved += (uint32_t)(status.term - s_run.term);
    }
    s_run.term = status.term;
}

/*  The next one holds the lock, or should: the old holder's place is taken by a new session. */
static void
s_look_at_lock (void)
{
    uint64_t took_ms = hf_wait_now_ms () - s_run.killed_ms;
    bool granted = atomic_load (&s_run.people[!s_run.holder].granted);
    if (s_run.killed_ms == 0 || (!granted && took_ms < 10000ULL * s_run.limit_s))
        return;
    if (took_ms > s_run.slowest_ms)
        s_run.slowest_ms = took_ms;
    s_run.grants += granted;
    s_run.late += took_ms > 1000ULL * s_run.limit_s;
    printf ("%6.1f s: the lock %s %.1f s after its holder died\n", s_seconds (),
            granted ? "moved on" : "had NOT moved on", (double)took_ms / 1000);
    s_run.killed_ms = 0;
    if (!granted) {
        s_run.begin_ms = 0; //  no more of this
        return;
    }
    s_ask (&s_run.people[s_run.holder]);
    s_run.holder = !s_run.holder;
    s_kill_holder ();
}

static bool
s_over (void)
{
    return s_seconds () > s_run.seconds;
}

static bool
s_go_on (void)
{
    hf_session_t *session;
    if (hf_session_open (s_run.client, NULL, HF_CLUSTER_LIMIT_MS, &session) != HF_OK)
        return false;
    s_ask (&s_run.people[0]);
    if (!HF_WAIT (atomic_load (&s_run.people[0].granted), HF_CLUSTER_LIMIT_MS))
        return false;
    s_ask (&s_run.people[1]);
    s_look_at_lead ();
    hf_cluster_set_sync (s_run.cluster, 1, s_run.sync_ms);
    s_run.begin_ms = hf_wait_now_ms ();
    s_kill_holder ();
    while (!s_over ()) {
        s_request (session);
        s_look_at_lead ();
        s_look_at_lock ();
        HF_WAIT (s_over (), TICK_MS);
    }
    //  The last holder's time may not have run out yet.
    uint64_t waited_ms = s_run.killed_ms == 0 ? 0 : hf_wait_now_ms () - s_run.killed_ms;
    if (waited_ms > 1000ULL * s_run.limit_s) {
        printf ("%6.1f s: the lock had NOT moved on after %.1f s\n", s_seconds (),
                (double)waited_ms / 1000);
        s_run.late++;
    }
    hf_cluster_set_sync (s_run.cluster, 1, 0);
    for (int i = 0; i < 2; i++)
        if (s_run.people[i].session)
            hf_session_leave (&s_run.people[i].session);
    hf_session_leave (&session);
    return true;
}

int
main (int argc, char **argv)
{
    load_options (argc, argv,
                  (load_option_t[]){{"seconds", &s_run.seconds},
                                    {"sync-ms", &s_run.sync_ms},
                                    {"ttl", &s_run.ttl_s},
                                    {"every-ms", &s_run.every_ms},
                                    {"limit", &s_run.limit_s},
                                    {"moves", &s_run.moves},
                                    {NULL, NULL}});
    s_run.cluster = hf_cluster_new (3);
    hf_cluster_slow_disk (s_run.cluster, 1);
    bool good = hf_cluster_begin (s_run.cluster);
    if (good) {
        s_run.client = load_client (s_run.cluster);
        good = s_go_on ();
        hf_client_destroy (&s_run.client);
    }
    printf (
        "%u grants, the slowest after %.1f s, %u after more than %u s; the lead moved %u times; "
        "the slowest request took %" PRIu64 " ms\n",
        s_run.grants, (double)s_run.slowest_ms / 1000, s_run.late, s_run.limit_s, s_run.moved,
        s_run.slowest_request_ms);
    good = good && s_run.grants > 0 && s_run.late == 0 && s_run.moved <= s_run.moves;
    return load_end (s_run.cluster, good);
}
