/*  Workers that acquire and release locks, and the latencies that they measure. */
#include "bench/load.h"
#include "base/hf_array.h"
#include "bench/opening.h"
#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define S_QUEUE_LIMIT_MS 30000
#define S_QUIET_MS       100
#define S_CLOSE_LIMIT_MS 2000

typedef struct s_acquired {
    uint64_t asked_ns, took_ns;
} s_acquired_t;

typedef struct s_connection {
    hf_session_t **session; //  in hf_load_t.session
    //  The connection's thread alone writes. Those of one thread have those of the first: so much
    //  memory for each would not stay in the processor's caches.
    hf_histogram_t *latency[HF_LOAD_LATENCIES];
    HF_ARRAY (s_acquired_t) each; //  of CATCHUP
    atomic_uint_fast64_t cycles;  //  since the start
    atomic_uint_fast64_t counted; //  between begin and end
} s_connection_t;

typedef struct s_worker {
    hf_load_t *load;
    s_connection_t *connection;
    hf_session_t *session;
    uint32_t number;
    uint64_t turn; //  counts its cycles
    uint64_t token;
    char lock[64];
    uint32_t appended;    //  APPEND: so often in this section
    uint64_t asked_ns;    //  of the acquire
    uint64_t appended_ns; //  when the append was sent
    uint64_t released_ns; //  when the release was sent
} s_worker_t;

struct hf_load {
    hf_bench_options_t options;
    uint64_t run; //  names this load's locks apart from those of any other
    s_connection_t *connection;
    hf_client_t **client;   //  of each connection
    hf_session_t **session; //  of all connections, in their order
    s_worker_t *worker;
    atomic_uint_fast64_t lost; //  sessions
    atomic_bool stopping;
    atomic_bool counted; //  nothing is noted any more
    atomic_uint ended;
    atomic_uint_fast64_t appends;
    atomic_uint_fast64_t errors[HF_LOAD_STATUSES];
    atomic_uint_fast64_t begin_ns;   //  UINT64_MAX: not yet
    atomic_uint_fast64_t end_ns;     //  UINT64_MAX: not yet
    atomic_uint_fast64_t handed_ns;  //  HANDOFF: when its holder sent the release
    atomic_uint_fast64_t watch_ns;   //  UINT64_MAX: not watching
    atomic_uint_fast64_t granted_ns; //  the first grant while watching
};

static void s_acquire (s_worker_t *self, uint64_t now_ns);

//  ---- a worker -----------------------------------------------------------------

static bool
s_in_window (hf_load_t *load, uint64_t at_ns)
{
    return at_ns >= atomic_load (&load->begin_ns) && at_ns < atomic_load (&load->end_ns);
}

static void
s_note (s_worker_t *self, hf_load_latency_t which, uint64_t from_ns, uint64_t to_ns)
{
    assert (to_ns >= from_ns);
    if (s_in_window (self->load, from_ns) && !atomic_load (&self->load->counted))
        hf_histogram_add (self->connection->latency[which], to_ns - from_ns);
}

static void
s_fail (s_worker_t *self, hf_status_t status)
{
    assert ((uint32_t)status < HF_LOAD_STATUSES);
    atomic_fetch_add (&self->load->errors[status], 1);
    atomic_fetch_add (&self->load->ended, 1);
}

/*  False, and the worker ends, when a request was refused or answered with an error. */
static bool
s_check (s_worker_t *self, hf_status_t status)
{
    if (status != HF_OK)
        s_fail (self, status);
    return status == HF_OK;
}

static void
s_released (void *arg, const hf_result_t *result)
{
    s_worker_t *self = arg;
    if (!s_check (self, result->status))
        return;
    uint64_t now_ns = hf_bench_now_ns ();
    s_note (self, HF_LOAD_RELEASE, self->released_ns, now_ns);
    s_note (self, HF_LOAD_CYCLE, self->asked_ns, now_ns);
    atomic_fetch_add (&self->connection->cycles, 1);
    if (s_in_window (self->load, now_ns))
        atomic_fetch_add (&self->connection->counted, 1);
    if (atomic_load (&self->load->stopping))
        atomic_fetch_add (&self->load->ended, 1);
    else
        s_acquire (self, now_ns);
}

/*  At NOW_NS, which was read for the answer before: a clock costs as much as much of a request. */
static void
s_release (s_worker_t *self, uint64_t now_ns)
{
    self->released_ns = now_ns;
    atomic_store (&self->load->handed_ns, self->released_ns);
    s_check (self, hf_submit_release (self->session, self->lock, self->token, s_released, self));
}

static void s_append (s_worker_t *self);

static void
s_appended (void *arg, const hf_result_t *result)
{
    s_worker_t *self = arg;
    if (!s_check (self, result->status))
        return;
    atomic_fetch_add (&self->load->appends, 1);
    uint64_t now_ns = hf_bench_now_ns ();
    if (self->load->options.command == HF_BENCH_APPEND)
        s_note (self, HF_LOAD_APPEND, self->appended_ns, now_ns);
    if (++self->appended < self->load->options.appends)
        s_append (self);
    else
        s_release (self, now_ns);
}

static void
s_append (s_worker_t *self)
{
    char file[32], number[24];
    uint32_t size = self->load->options.append_bytes;
    char *data = hf_alloc (size);
    memset (data, ' ', size);
    data[size - 1] = '\n';
    int digits =
        snprintf (number, sizeof number, "%llu", (unsigned long long)self->token % 1000000);
    memcpy (data, number, (uint32_t)digits < size ? (size_t)digits : size - 1);
    snprintf (file, sizeof file, "bench-%u", self->number % HF_LOAD_FILES);
    self->appended_ns = hf_bench_now_ns ();
    s_check (self, hf_submit_append (self->session, self->lock, self->token, file, data, size,
                                     s_appended, self));
    free (data);
}

static void
s_granted (void *arg, const hf_result_t *result)
{
    s_worker_t *self = arg;
    hf_load_t *load = self->load;
    if (!s_check (self, result->status))
        return;
    uint64_t now_ns = hf_bench_now_ns ();
    s_note (self, HF_LOAD_ACQUIRE, self->asked_ns, now_ns);
    if (load->options.command == HF_BENCH_CATCHUP)
        *hf_array_add (&self->connection->each) =
            (s_acquired_t){self->asked_ns, now_ns - self->asked_ns};
    if (load->options.command == HF_BENCH_HANDOFF) {
        uint64_t handed_ns = atomic_load (&load->handed_ns);
        if (handed_ns)
            s_note (self, HF_LOAD_HANDOFF, handed_ns, now_ns);
    }
    if (self->asked_ns >= atomic_load (&load->watch_ns)) {
        uint_fast64_t none = 0;
        atomic_compare_exchange_strong (&load->granted_ns, &none, now_ns);
    }
    self->token = result->token;
    self->appended = 0;
    bool appends =
        load->options.command == HF_BENCH_SOAK || load->options.command == HF_BENCH_REJOIN;
    uint32_t every = appends                                    ? load->options.append_every
                     : load->options.command == HF_BENCH_APPEND ? 1
                                                                : 0;
    //  Not all workers in the same turn.
    if (every && (self->turn + self->number) % every == 0)
        s_append (self);
    else
        s_release (self, now_ns);
}

/*  Its own lock, and others named after it. */
static hf_status_t
s_submit_set (s_worker_t *self)
{
    uint32_t count = self->load->options.locks;
    char names[HF_SET_MAX][sizeof self->lock + 8];
    hf_want_t wants[HF_SET_MAX];
    assert (count >= 1 && count <= HF_SET_MAX);
    for (uint32_t i = 0; i < count; i++) {
        snprintf (names[i], sizeof names[i], i > 0 ? "%s/%u" : "%s", self->lock, i);
        wants[i] = (hf_want_t){.lock = names[i], .mode = HF_MODE_EXCLUSIVE};
    }
    return hf_submit_acquire_set (self->session, wants, count, NULL, s_granted, self);
}

static void
s_acquire (s_worker_t *self, uint64_t now_ns)
{
    self->turn++;
    if (self->load->options.command == HF_BENCH_SOAK)
        snprintf (self->lock, sizeof self->lock, "bench/%016llx/%u/%llu",
                  (unsigned long long)self->load->run, self->number,
                  (unsigned long long)self->turn);
    self->asked_ns = now_ns;
    hf_acquire_options_t options = HF_ACQUIRE_OPTIONS_INIT;
    if (self->load->options.command == HF_BENCH_SHARED)
        options.mode = HF_MODE_SHARED;
    s_check (self, self->load->options.command == HF_BENCH_SETS
                       ? s_submit_set (self)
                       : hf_submit_acquire (self->session, self->lock, &options, s_granted, self));
}

//  ---- set up and take down -------------------------------------------------------

/*  All connections are served by one thread. */
static bool
s_shares (const hf_bench_options_t *options)
{
    return options->connections > 1 && !options->threads;
}

static void
s_event (void *arg, const hf_session_event_t *event)
{
    hf_load_t *self = arg;
    if (event->type == HF_SESSION_ENDED)
        atomic_fetch_add (&self->lost, 1);
}

static bool
s_connect (hf_load_t *self)
{
    const hf_bench_options_t *options = &self->options;
    bool shares = s_shares (options);
    uint32_t each = options->sessions, count = options->connections * each;
    self->connection = hf_alloc (options->connections * sizeof *self->connection);
    self->client = hf_alloc (options->connections * sizeof *self->client);
    self->session = hf_alloc (count * sizeof *self->session);
    for (uint32_t i = 0; i < options->connections; i++) {
        s_connection_t *connection = &self->connection[i];
        connection->session = &self->session[i * each];
        for (uint32_t which = 0; which < HF_LOAD_LATENCIES; which++)
            connection->latency[which] =
                shares && i > 0 ? self->connection->latency[which] : hf_histogram_new ();
    }
    hf_opening_t opening = {.options = options,
                            .shared = shares,
                            .clients_count = options->connections,
                            .each = each,
                            .clients = self->client,
                            .sessions = self->session,
                            .fn = s_event,
                            .arg = self};
    return hf_opening_run (&opening);
}

hf_load_t *
hf_load_new (const hf_bench_options_t *options)
{
    assert (options->workers && options->connections && options->sessions);
    hf_load_t *self = hf_alloc (sizeof *self);
    self->options = *options;
    self->worker = hf_alloc (options->workers * sizeof *self->worker);
    atomic_init (&self->begin_ns, UINT64_MAX);
    atomic_init (&self->end_ns, UINT64_MAX);
    atomic_init (&self->watch_ns, UINT64_MAX);
    if (!s_connect (self)) {
        hf_load_destroy (&self, true);
        return NULL;
    }
    bool one = options->command == HF_BENCH_HANDOFF || options->command == HF_BENCH_SHARED;
    self->run = hf_bench_now_ns () ^ ((uint64_t)getpid () << 40);
    for (uint32_t i = 0; i < options->workers; i++) {
        s_worker_t *worker = &self->worker[i];
        worker->load = self;
        worker->connection = &self->connection[i % options->connections];
        worker->session = worker->connection->session[i / options->connections % options->sessions];
        worker->number = i;
        snprintf (worker->lock, sizeof worker->lock, "bench/%016llx/%u",
                  (unsigned long long)self->run, one ? 0 : i);
    }
    return self;
}

static void
s_end_sessions (hf_load_t *self, bool close)
{
    for (uint32_t i = 0; i < self->options.connections * self->options.sessions; i++) {
        if (!self->session[i])
            continue;
        if (!close)
            hf_session_leave (&self->session[i]);
        else if (hf_session_close (&self->session[i], S_CLOSE_LIMIT_MS) != HF_OK)
            close = false; //  no cluster: the other sessions would only wait as long
    }
}

void
hf_load_destroy (hf_load_t **self_p, bool close)
{
    assert (self_p);
    hf_load_t *self = *self_p;
    if (!self)
        return;
    atomic_store (&self->stopping, true);
    s_end_sessions (self, close);
    for (uint32_t i = 0; i < self->options.connections; i++) {
        hf_client_destroy (&self->client[i]);
        hf_array_free (&self->connection[i].each);
    }
    //  Nobody writes any more.
    for (uint32_t i = 0; i < self->options.connections && (i == 0 || !s_shares (&self->options));
         i++)
        for (uint32_t which = 0; which < HF_LOAD_LATENCIES; which++)
            hf_histogram_destroy (&self->connection[i].latency[which]);
    free (self->session);
    free (self->client);
    free (self->connection);
    free (self->worker);
    free (self);
    *self_p = NULL;
}

//  ---- a run ----------------------------------------------------------------------

void
hf_load_start (hf_load_t *self)
{
    for (uint32_t i = 0; i < self->options.workers; i++)
        s_acquire (&self->worker[i], hf_bench_now_ns ());
}

static void
s_waiters (void *arg, const hf_lock_info_t *lock, const hf_place_info_t *place)
{
    (void)place;
    uint64_t *most = arg;
    *most = lock->waiters > *most ? lock->waiters : *most;
}

/*  The last command that made the queue is in the state on each node's disk. */
static bool
s_written (hf_cluster_t *cluster)
{
    hf_node_status_t leader, node;
    bool known = hf_cluster_status (cluster, hf_cluster_leader (cluster), &leader);
    uint64_t limit_ns = hf_bench_in_ms (S_QUEUE_LIMIT_MS);
    for (uint32_t id = 1; known && id <= hf_cluster_count (cluster); id++)
        while (!hf_cluster_status (cluster, id, &node) || node.flushed_index < leader.commit_index)
            if (hf_bench_now_ns () > limit_ns) {
                hf_bench_say ("node %u has not written the queue down", id);
                return false;
            } else if (!hf_bench_wait (cluster, 50))
                return false;
    if (!known)
        hf_bench_say ("the leader does not say how far it is");
    return known;
}

bool
hf_load_queued (hf_load_t *self, hf_cluster_t *cluster)
{
    //  One row for each lock: what lists one lock lists all who wait for it.
    hf_query_options_t any = HF_QUERY_OPTIONS_INIT;
    any.stale = true;
    uint64_t waiters = 0, limit_ns = hf_bench_in_ms (S_QUEUE_LIMIT_MS);
    while (hf_bench_now_ns () < limit_ns) {
        waiters = 0;
        hf_query_locks_as (self->client[0], &any, s_waiters, &waiters, S_CLOSE_LIMIT_MS);
        //  One holds it, and one has released it and asks again.
        if (waiters + 2 >= self->options.workers)
            return !cluster || s_written (cluster);
        if (!hf_bench_wait (cluster, 100))
            return false;
    }
    hf_bench_say ("%llu of %u workers wait for the lock", (unsigned long long)waiters,
                  self->options.workers);
    return false;
}

void
hf_load_once (hf_load_t *self)
{
    atomic_store (&self->stopping, true);
    atomic_store (&self->ended, 0);
    hf_load_start (self);
}

bool
hf_load_ended (const hf_load_t *self)
{
    return atomic_load (&self->ended) == self->options.workers;
}

void
hf_load_begin (hf_load_t *self)
{
    atomic_store (&self->begin_ns, hf_bench_now_ns ());
}

void
hf_load_watch (hf_load_t *self, uint64_t from_ns)
{
    atomic_store (&self->watch_ns, UINT64_MAX);
    atomic_store (&self->granted_ns, 0);
    atomic_store (&self->watch_ns, from_ns);
}

uint64_t
hf_load_first_grant_ns (const hf_load_t *self)
{
    return atomic_load (&self->granted_ns);
}

//  ---- results -----------------------------------------------------------------------

uint64_t
hf_load_cycles (const hf_load_t *self)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < self->options.connections; i++)
        sum += atomic_load (&self->connection[i].cycles);
    return sum;
}

uint64_t
hf_load_appends (const hf_load_t *self)
{
    return atomic_load (&self->appends);
}

uint64_t
hf_load_errors (const hf_load_t *self)
{
    uint64_t sum = 0;
    for (uint32_t status = 0; status < HF_LOAD_STATUSES; status++)
        sum += atomic_load (&self->errors[status]);
    return sum;
}

uint64_t
hf_load_lost (const hf_load_t *self)
{
    return atomic_load (&self->lost);
}

bool
hf_load_works (const hf_load_t *self)
{
    bool works = hf_load_errors (self) < self->options.workers;
    if (!works)
        hf_bench_say ("every worker has given up");
    return works;
}

const char *
hf_load_latency_name (hf_load_latency_t latency)
{
    static const char *const names[HF_LOAD_LATENCIES] = {"acquire", "release", "cycle", "append",
                                                         "handoff"};
    assert (latency < HF_LOAD_LATENCIES);
    return names[latency];
}

bool
hf_load_has_latency (hf_bench_command_t command, hf_load_latency_t latency)
{
    return latency == HF_LOAD_APPEND    ? command == HF_BENCH_APPEND
           : latency == HF_LOAD_HANDOFF ? command == HF_BENCH_HANDOFF
                                        : true;
}

void
hf_load_finish (hf_load_t *self, uint32_t limit_ms, hf_load_result_t *result)
{
    uint64_t end_ns = hf_bench_now_ns (), workers = self->options.workers;
    atomic_store (&self->end_ns, end_ns);
    atomic_store (&self->stopping, true);
    uint32_t unanswered = 0;
    bool queue = self->options.command == HF_BENCH_HANDOFF && workers > HF_LOAD_LONG;
    atomic_store (&self->counted, queue);
    if (queue)
        hf_bench_wait (NULL, S_QUIET_MS); //  until who is at it has noted
    else if (!HF_WAIT (hf_load_ended (self), limit_ms))
        unanswered = (uint32_t)(workers - atomic_load (&self->ended));
    *result = (hf_load_result_t){.unanswered = unanswered,
                                 .seconds = (double)(end_ns - atomic_load (&self->begin_ns)) / 1e9};
    result->failed = result->unanswered + hf_load_errors (self);
    for (uint32_t status = 0; status < HF_LOAD_STATUSES; status++)
        result->errors[status] = atomic_load (&self->errors[status]);
    for (uint32_t which = 0; which < HF_LOAD_LATENCIES; which++)
        result->latency[which] = hf_histogram_new ();
    for (uint32_t i = 0; i < self->options.connections; i++) {
        const s_connection_t *connection = &self->connection[i];
        result->cycles += atomic_load (&connection->counted);
        for (uint32_t which = 0;
             which < HF_LOAD_LATENCIES && (i == 0 || !s_shares (&self->options)); which++)
            hf_histogram_merge (result->latency[which], connection->latency[which]);
    }
}

void
hf_load_result_done (hf_load_result_t *result)
{
    for (uint32_t i = 0; i < HF_LOAD_LATENCIES; i++)
        hf_histogram_destroy (&result->latency[i]);
}

hf_histogram_t *
hf_load_window (const hf_load_t *self, uint64_t from_ns, uint64_t to_ns)
{
    assert (self->options.command == HF_BENCH_CATCHUP && atomic_load (&self->stopping));
    hf_histogram_t *histogram = hf_histogram_new ();
    for (uint32_t i = 0; i < self->options.connections; i++) {
        const s_connection_t *connection = &self->connection[i];
        for (size_t k = 0; k < connection->each.count; k++) {
            const s_acquired_t *one = &connection->each.list[k];
            if (one->asked_ns >= from_ns && one->asked_ns < to_ns)
                hf_histogram_add (histogram, one->took_ns);
        }
    }
    return histogram;
}
