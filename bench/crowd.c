//  Locks held, waiters, idle connections: made as fast as the cluster takes them.

#include "bench/crowd.h"
#include "base/hf_alloc.h"
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define S_LIMIT_MS     20000
#define S_OPENERS      32   //  threads: opening a session waits for its answer
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

//  Sessions that many threads open, of one client or with a client each.
typedef struct s_opening {
    hf_crowd_t *crowd;
    hf_client_t *client;   //  NULL: one for each session
    hf_client_t **clients; //  those
    hf_session_t **sessions;
    uint32_t count;
    atomic_uint next, done;
    atomic_bool failed;
} s_opening_t;

struct hf_crowd {
    const hf_bench_options_t *options;
    hf_cluster_t *cluster;
    unsigned long long run; //  in the names of locks
    hf_client_t *client;    //  of holders
    hf_client_t *queue;     //  of waiters
    s_holder_t *holder;
    uint32_t holders;
    s_opening_t waiter, idle;
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

//  ---- sessions -----------------------------------------------------------------------------

static hf_status_t
s_open_one (s_opening_t *self, uint32_t i)
{
    const hf_bench_options_t *options = self->crowd->options;
    hf_session_options_t life = HF_SESSION_OPTIONS_INIT;
    life.ttl_ms = options->ttl_ms;
    hf_client_t *client = self->client;
    if (!client)
        client = self->clients[i] = hf_bench_client (options->endpoints, !options->threads);
    return client ? hf_session_open (client, &life, S_LIMIT_MS, &self->sessions[i]) : HF_LIMIT;
}

static void *
s_opener (void *arg)
{
    s_opening_t *self = arg;
    for (uint32_t i = 0; (i = atomic_fetch_add (&self->next, 1)) < self->count;) {
        hf_status_t status = atomic_load (&self->failed) ? HF_CLOSED : s_open_one (self, i);
        if (status != HF_OK) {
            atomic_store (&self->failed, true);
            s_fail (self->crowd, status);
            break;
        }
        atomic_fetch_add (&self->done, 1);
    }
    return NULL;
}

/*  COUNT sessions, of CLIENT or (NULL) on a connection each. */
static bool
s_open (hf_crowd_t *crowd, s_opening_t *self, const char *what, hf_client_t *client, uint32_t count)
{
    self->crowd = crowd;
    self->client = client;
    self->count = count;
    self->sessions = hf_alloc (count * sizeof (hf_session_t *));
    self->clients = client ? NULL : hf_alloc (count * sizeof (hf_client_t *));
    pthread_t thread[S_OPENERS];
    uint32_t threads = 0;
    while (threads < S_OPENERS && threads < count &&
           pthread_create (&thread[threads], NULL, s_opener, self) == 0)
        threads++;
    bool whole = threads > 0 && s_await (crowd, what, &self->done, count);
    atomic_store (&self->failed, !whole); //  so that they end
    for (uint32_t i = 0; i < threads; i++)
        pthread_join (thread[i], NULL);
    return whole;
}

static void
s_open_done (s_opening_t *self)
{
    for (uint32_t i = 0; i < self->count; i++) {
        if (self->sessions[i])
            hf_session_leave (&self->sessions[i]);
        if (self->clients)
            hf_client_destroy (&self->clients[i]);
    }
    free (self->sessions);
    free (self->clients);
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
    for (uint32_t i = 0; i < self->waiter.count; i++) {
        hf_acquire_options_t options = HF_ACQUIRE_OPTIONS_INIT;
        hf_status_t status =
            hf_submit_acquire (self->waiter.sessions[i], name, &options, s_waited, self);
        if (status != HF_OK)
            s_fail (self, status);
    }
    uint64_t limit_ns = hf_bench_in_ms (S_STANDSTILL_S * 1000);
    atomic_uint waiters = 0;
    while (atomic_load (&self->errors) == 0 && hf_bench_now_ns () < limit_ns) {
        hf_query_lock (self->client, name, s_count, &waiters, S_LIMIT_MS);
        if (waiters == self->waiter.count)
            return s_await (self, "sessions wait for one lock", &waiters, self->waiter.count);
        if (!hf_bench_wait (self->cluster, 100))
            return false;
    }
    hf_bench_say ("%u of %u sessions wait for one lock", atomic_load (&waiters),
                  self->waiter.count);
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
        self->queue = hf_bench_client (options->endpoints, false);
        if (!self->queue ||
            !s_open (self, &self->waiter, "sessions are open", self->queue, options->waiters) ||
            !s_queue_up (self))
            return false;
        self->queued_s = s_since (from_ns);
    }
    from_ns = hf_bench_now_ns ();
    if (options->idle > 0 &&
        !s_open (self, &self->idle, "connections are idle", NULL, options->idle))
        return false;
    self->idle_s = options->idle > 0 ? s_since (from_ns) : 0;
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
    s_open_done (&self->waiter);
    s_open_done (&self->idle);
    for (uint32_t i = 0; i < self->holders; i++)
        if (self->holder[i].session)
            hf_session_leave (&self->holder[i].session);
    hf_client_destroy (&self->queue);
    hf_client_destroy (&self->client);
    free (self->holder);
    free (self);
    *self_p = NULL;
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
