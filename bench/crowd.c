//  Locks held, waiters, idle connections: made as fast as the cluster takes them.

#include "bench/crowd.h"
#include "base/hf_alloc.h"
#include "bench/helpers.h"
#include "bench/opening.h"
#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define S_LIMIT_MS     20000
#define S_HELD_EACH    9000 //  by one session; a node allows a thousand more
#define S_CHAINS       64   //  requests that a session has out at once
#define S_STANDSTILL_S 30   //  with no progress for so long it is given up

static_assert (S_HELD_EACH < HF_PLACES_MAX, "a session can hold them");

typedef struct s_holder {
    hf_crowd_t *crowd;
    hf_session_t *session;
    uint32_t next,
        end; //  numbers of locks: to ask for, and behind the last. On the client's thread
} s_holder_t;

struct hf_crowd {
    const hf_bench_options_t *options;
    hf_cluster_t *cluster;
    unsigned long long run; //  in the names of locks
    hf_client_t *client;    //  of holders
    hf_client_t *queue;     //  of waiters
    s_holder_t *holder;
    uint32_t holders;
    hf_session_t **waiter;
    hf_helpers_t *idle;
    atomic_uint lost; //  sessions
    atomic_uint held;
    atomic_uint errors;
    atomic_uint first_error; //  its status
    atomic_bool ending;
    double held_s, queued_s, idle_s;
};

static double
s_since (uint64_t from_ns)
{
    return (double)(hf_bench_now_ns () - from_ns) / 1e9;
}

static void
s_fail (hf_crowd_t *self, hf_status_t status)
{
    if (atomic_load (&self->ending))
        return;
    if (atomic_fetch_add (&self->errors, 1) == 0)
        atomic_store (&self->first_error, status);
}

static void
s_event (void *arg, const hf_session_event_t *event)
{
    hf_crowd_t *self = arg;
    if (event->type == HF_SESSION_ENDED)
        atomic_fetch_add (&self->lost, 1);
}

/*  Until *COUNT is WANTED. */
static bool
s_await (hf_crowd_t *self, const char *what, atomic_uint *count, uint32_t wanted)
{
    uint32_t before = 0;
    uint64_t since_ns = hf_bench_now_ns ();
    for (uint32_t now = 0; (now = atomic_load (count)) < wanted;) {
        if (now > before)
            since_ns = hf_bench_now_ns ();
        before = now;
        if (atomic_load (&self->errors) > 0) {
            hf_status_t status = (hf_status_t)atomic_load (&self->first_error);
            hf_bench_say ("%u of %u %s: %s", now, wanted, what, hf_status_text (status));
            return false;
        }
        if (s_since (since_ns) > S_STANDSTILL_S) {
            hf_bench_say ("%u of %u %s, and no more for %u s", now, wanted, what, S_STANDSTILL_S);
            return false;
        }
        if (!hf_bench_wait (self->cluster, 20))
            return false;
    }
    fprintf (stderr, "%u %s\n", wanted, what);
    return true;
}

//  ---- held ---------------------------------------------------------------------------------

static void s_hold (s_holder_t *self);

static void
s_held (void *arg, const hf_result_t *result)
{
    s_holder_t *self = arg;
    if (result->status != HF_OK) {
        s_fail (self->crowd, result->status);
        return;
    }
    atomic_fetch_add (&self->crowd->held, 1);
    s_hold (self);
}

static void
s_hold (s_holder_t *self)
{
    if (self->next == self->end || atomic_load (&self->crowd->ending))
        return;
    char name[64];
    snprintf (name, sizeof name, "scale/%016llx/%u", self->crowd->run, self->next++);
    hf_acquire_options_t options = HF_ACQUIRE_OPTIONS_INIT;
    hf_status_t status = hf_submit_acquire (self->session, name, &options, s_held, self);
    if (status != HF_OK)
        s_fail (self->crowd, status);
}

/*  The first request of a session comes back on the client's thread, and that one goes on with all
 * of its chains: no two threads have a holder's numbers. */
static void
s_first (void *arg, const hf_result_t *result)
{
    s_holder_t *self = arg;
    for (uint32_t i = 1; i < S_CHAINS && result->status == HF_OK; i++)
        s_hold (self);
    s_held (arg, result);
}

static bool
s_hold_all (hf_crowd_t *self)
{
    uint32_t held = self->options->held + 1; //  and the one that others wait for, number 0
    self->holders = (held + S_HELD_EACH - 1) / S_HELD_EACH;
    self->holder = hf_alloc (self->holders * sizeof *self->holder);
    hf_session_options_t life = HF_SESSION_OPTIONS_INIT;
    life.ttl_ms = self->options->ttl_ms;
    life.fn = s_event;
    life.arg = self;
    for (uint32_t i = 0; i < self->holders; i++) {
        s_holder_t *holder = &self->holder[i];
        uint32_t end = (i + 1) * S_HELD_EACH;
        *holder = (s_holder_t){
            .crowd = self, .next = i * S_HELD_EACH + 1, .end = end < held ? end : held};
        hf_status_t status = hf_session_open (self->client, &life, S_LIMIT_MS, &holder->session);
        char name[64];
        snprintf (name, sizeof name, "scale/%016llx/%u", self->run, i * S_HELD_EACH);
        hf_acquire_options_t options = HF_ACQUIRE_OPTIONS_INIT;
        if (status == HF_OK)
            status = hf_submit_acquire (holder->session, name, &options, s_first, holder);
        if (status != HF_OK)
            s_fail (self, status);
    }
    return s_await (self, "locks are held", &self->held, held);
}

//  ---- waiters ------------------------------------------------------------------------------

/*  None is granted; they end with their sessions. */
static void
s_waited (void *arg, const hf_result_t *result)
{
    s_fail (arg, result->status == HF_OK ? HF_NOT_GRANTED : result->status);
}

static void
s_count (void *arg, const hf_lock_info_t *lock, const hf_place_info_t *place)
{
    (void)place;
    atomic_store ((atomic_uint *)arg, (unsigned)lock->waiters);
}

static bool
s_queue_up (hf_crowd_t *self)
{
    char name[64];
    snprintf (name, sizeof name, "scale/%016llx/0", self->run);
    for (uint32_t i = 0; i < self->options->waiters; i++) {
        hf_acquire_options_t options = HF_ACQUIRE_OPTIONS_INIT;
        hf_status_t status = hf_submit_acquire (self->waiter[i], name, &options, s_waited, self);
        if (status != HF_OK)
            s_fail (self, status);
    }
    uint64_t limit_ns = hf_bench_in_ms (S_STANDSTILL_S * 1000);
    atomic_uint waiters = 0;
    //  All of a long queue are listed: not so often that this is what the nodes are busy with.
    for (uint64_t pause_ms = 100; atomic_load (&self->errors) == 0; pause_ms += pause_ms / 2) {
        if (hf_bench_now_ns () > limit_ns)
            break;
        hf_query_lock (self->client, name, s_count, &waiters, S_LIMIT_MS);
        if (waiters == self->options->waiters)
            return s_await (self, "sessions wait for one lock", &waiters, self->options->waiters);
        if (!hf_bench_wait (self->cluster, pause_ms))
            return false;
    }
    hf_bench_say ("%u of %u sessions wait for one lock", atomic_load (&waiters),
                  self->options->waiters);
    return false;
}

//  ---- all of it ----------------------------------------------------------------------------

hf_crowd_t *
hf_crowd_new (const hf_bench_options_t *options, hf_cluster_t *cluster)
{
    hf_crowd_t *self = hf_alloc (sizeof *self);
    self->options = options;
    self->cluster = cluster;
    self->run = (unsigned long long)(hf_bench_now_ns () ^ ((uint64_t)getpid () << 40));
    uint64_t from_ns = hf_bench_now_ns ();
    self->client = hf_bench_client (options->endpoints, false);
    if (!self->client || !s_hold_all (self))
        hf_crowd_destroy (&self);
    else
        self->held_s = s_since (from_ns);
    return self;
}

bool
hf_crowd_join (hf_crowd_t *self)
{
    const hf_bench_options_t *options = self->options;
    uint64_t from_ns = hf_bench_now_ns ();
    assert (!self->queue);
    if (options->waiters > 0) {
        self->waiter = hf_alloc (options->waiters * sizeof (hf_session_t *));
        hf_opening_t opening = {.options = options,
                                .cluster = self->cluster,
                                .clients_count = 1,
                                .each = options->waiters,
                                .clients = &self->queue,
                                .sessions = self->waiter,
                                .fn = s_event,
                                .arg = self};
        if (!hf_opening_run (&opening) || !s_queue_up (self))
            return false;
        self->queued_s = s_since (from_ns);
    }
    from_ns = hf_bench_now_ns ();
    if (options->idle > 0) {
        self->idle = hf_helpers_new (options, self->cluster, options->idle);
        if (!self->idle)
            return false;
        fprintf (stderr, "%u connections are idle\n", options->idle);
        self->idle_s = s_since (from_ns);
    }
    return true;
}

void
hf_crowd_destroy (hf_crowd_t **self_p)
{
    assert (self_p);
    hf_crowd_t *self = *self_p;
    if (!self)
        return;
    atomic_store (&self->ending, true);
    for (uint32_t i = 0; self->waiter && i < self->options->waiters; i++)
        if (self->waiter[i])
            hf_session_leave (&self->waiter[i]);
    free (self->waiter);
    hf_helpers_destroy (&self->idle);
    for (uint32_t i = 0; i < self->holders; i++)
        if (self->holder[i].session)
            hf_session_leave (&self->holder[i].session);
    hf_client_destroy (&self->queue);
    hf_client_destroy (&self->client);
    free (self->holder);
    free (self);
    *self_p = NULL;
}

uint32_t
hf_crowd_lost (hf_crowd_t *self)
{
    uint32_t lost = atomic_load (&self->lost);
    return lost + (self->idle ? hf_helpers_end (self->idle) : 0);
}

double
hf_crowd_held_s (const hf_crowd_t *self)
{
    return self->held_s;
}

double
hf_crowd_queued_s (const hf_crowd_t *self)
{
    return self->queued_s;
}

double
hf_crowd_idle_s (const hf_crowd_t *self)
{
    return self->idle_s;
}
