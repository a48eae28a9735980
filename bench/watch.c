/*  The command watch: one writer, many watchers, spread over the nodes; how long after a release is
 *  sent they are told of it.
 *
 *  The writer acquires a lock, releases it, and goes on when the last watcher was told. Each node's
 *  watchers are on connections to that node alone.
 */
#include "base/hf_alloc.h"
#include "bench/load.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S_LIMIT_MS   10000
#define S_CLIENT_MAX 1000 //  watches of one client, as a node allows
#define S_NODES_MAX  HF_MEMBERS_MAX

typedef struct s_watch s_watch_t;

typedef struct s_group {
    s_watch_t *run;
    hf_client_t *client;
    hf_watch_t **watch;
    uint32_t count;
    hf_histogram_t *told; //  the client's thread alone writes
} s_group_t;

struct s_watch {
    const hf_bench_options_t *options;
    char lock[64];
    char nodes[S_NODES_MAX][256]; //  endpoint lists of one node
    uint32_t nodes_count;
    s_group_t *group;
    uint32_t groups;
    hf_client_t *client; //  the writer's
    hf_session_t *session;
    hf_histogram_t *last; //  release sent to last watcher told
    uint64_t releases;

    //  The release at hand.
    pthread_mutex_t mutex;
    pthread_cond_t all_told;
    atomic_uint_fast64_t token, released_ns, errors;
    atomic_uint told;
    uint64_t last_ns; //  0: not all were told yet
};

//  ---- watchers -----------------------------------------------------------------------------

/*  On the client's thread. */
static void
s_event (void *arg, const hf_watch_event_t *event)
{
    s_group_t *group = arg;
    s_watch_t *self = group->run;
    if (event->what >= HF_WATCH_GAP)
        atomic_fetch_add (&self->errors, 1);
    if (event->what != HF_HAPPENED_RELEASED || event->token != atomic_load (&self->token))
        return;
    uint64_t now_ns = hf_bench_now_ns ();
    hf_histogram_add (group->told, now_ns - atomic_load (&self->released_ns));
    if (atomic_fetch_add (&self->told, 1) + 1 < self->options->watchers)
        return;
    pthread_mutex_lock (&self->mutex);
    self->last_ns = now_ns;
    pthread_cond_signal (&self->all_told);
    pthread_mutex_unlock (&self->mutex);
}

static bool
s_open (s_watch_t *self, s_group_t *group, const char *endpoints, uint32_t count)
{
    group->run = self;
    group->told = hf_histogram_new ();
    group->watch = hf_alloc ((count > 0 ? count : 1) * sizeof *group->watch);
    group->client = hf_bench_client (endpoints, false);
    hf_watch_options_t options = HF_WATCH_OPTIONS_INIT;
    options.prefix = self->lock;
    options.fn = s_event;
    options.arg = group;
    for (; group->client && group->count < count; group->count++) {
        hf_status_t status =
            hf_watch_open (group->client, &options, S_LIMIT_MS, &group->watch[group->count], NULL);
        if (status == HF_OK)
            continue;
        hf_bench_say ("cannot open a watch: %s", hf_status_text (status));
        return false;
    }
    return group->client != NULL;
}

/*  As many to each node, at most S_CLIENT_MAX to a connection. */
static bool
s_open_all (s_watch_t *self)
{
    uint32_t watchers = self->options->watchers;
    uint32_t each = (watchers + self->nodes_count - 1) / self->nodes_count;
    uint32_t clients = (each + S_CLIENT_MAX - 1) / S_CLIENT_MAX * self->nodes_count;
    self->group = hf_alloc (clients * sizeof *self->group);
    for (uint32_t left = watchers; self->groups < clients; self->groups++) {
        uint32_t count = left / (clients - self->groups);
        left -= count;
        if (!s_open (self, &self->group[self->groups],
                     self->nodes[self->groups % self->nodes_count], count)) {
            self->groups++;
            return false;
        }
    }
    return true;
}

//  ---- the writer ---------------------------------------------------------------------------

static bool
s_await (s_watch_t *self)
{
    struct timespec end;
    clock_gettime (CLOCK_REALTIME, &end);
    end.tv_sec += S_LIMIT_MS / 1000;
    pthread_mutex_lock (&self->mutex);
    int rc = 0;
    while (self->last_ns == 0 && rc == 0)
        rc = pthread_cond_timedwait (&self->all_told, &self->mutex, &end);
    bool told = self->last_ns != 0;
    pthread_mutex_unlock (&self->mutex);
    if (!told)
        hf_bench_say ("%u of %u watchers were told within %u s", atomic_load (&self->told),
                      self->options->watchers, S_LIMIT_MS / 1000);
    return told;
}

/*  One release; false: it failed, which is reported. */
static bool
s_round (s_watch_t *self)
{
    hf_grant_t grant = {0};
    hf_status_t status = hf_acquire (self->session, self->lock, S_LIMIT_MS, &grant);
    atomic_store (&self->told, 0);
    self->last_ns = 0;
    atomic_store (&self->released_ns, hf_bench_now_ns ());
    atomic_store (&self->token, grant.token);
    if (status == HF_OK)
        status = hf_release (self->session, self->lock, grant.token, S_LIMIT_MS);
    if (status == HF_OK)
        return s_await (self);
    hf_bench_say ("the writer: %s", hf_status_text (status));
    return false;
}

static bool
s_measure (s_watch_t *self, hf_cluster_t *cluster)
{
    uint64_t warm_ns = hf_bench_in_ms (self->options->warmup * 1000ULL);
    uint64_t end_ns = warm_ns + self->options->seconds * 1000000000ULL;
    bool warm = false;
    for (uint64_t now_ns = 0; now_ns < end_ns; now_ns = hf_bench_now_ns ()) {
        if (!warm && now_ns >= warm_ns) {
            warm = true;
            for (uint32_t i = 0; i < self->groups; i++) { //  nobody is being told now
                hf_histogram_destroy (&self->group[i].told);
                self->group[i].told = hf_histogram_new ();
            }
        }
        if (!s_round (self) || !hf_bench_wait_until (cluster, 0))
            return false;
        if (!warm)
            continue;
        hf_histogram_add (self->last, self->last_ns - atomic_load (&self->released_ns));
        self->releases++;
    }
    return atomic_load (&self->errors) == 0;
}

//  ---- the report ---------------------------------------------------------------------------

static void
s_line (const char *what, const hf_histogram_t *histogram)
{
    printf ("%-14s %10.3f %10.3f %10.3f %10.3f\n", what, hf_report_ms (histogram, 0.5),
            hf_report_ms (histogram, 0.99), hf_report_ms (histogram, 0.999),
            hf_report_ms (histogram, 1));
}

static void
s_report (const s_watch_t *self)
{
    hf_histogram_t *told = hf_histogram_new ();
    uint64_t errors = atomic_load (&self->errors);
    for (uint32_t i = 0; i < self->groups; i++)
        hf_histogram_merge (told, self->group[i].told);
    if (self->options->json)
        hf_report_json (json_pack (
            "{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:{s:o, s:o}}", "command",
            hf_bench_command_name (self->options->command), "version", HF_VERSION, "nodes_started",
            (json_int_t)self->options->start, "watchers", (json_int_t)self->options->watchers,
            "nodes", (json_int_t)self->nodes_count, "connections", (json_int_t)self->groups,
            "releases", (json_int_t)self->releases, "errors", (json_int_t)errors, "latency_us",
            "watcher", hf_report_latency (told), "last", hf_report_latency (self->last)));
    else {
        printf ("watch: 1 writer, %u watchers on %u connections to %u node%s\n",
                self->options->watchers, self->groups, self->nodes_count,
                self->nodes_count == 1 ? "" : "s");
        printf ("%llu releases; from a release to the watchers told:\n",
                (unsigned long long)self->releases);
        printf ("%-14s %10s %10s %10s %10s\n", "ms", "p50", "p99", "p99.9", "max");
        s_line ("each watcher", told);
        s_line ("the last one", self->last);
        if (errors > 0)
            printf ("error: %llu gaps and ends of watches\n", (unsigned long long)errors);
        else
            printf ("no errors\n");
    }
    hf_histogram_destroy (&told);
}

//  ---- the command --------------------------------------------------------------------------

/*  The list, node by node. False: it is not that of a cluster. */
static bool
s_split (s_watch_t *self, const char *endpoints)
{
    const char *list = endpoints ? endpoints : getenv ("HOLDFAST_ENDPOINTS");
    for (list = list ? list : "1@127.0.0.1"; *list && self->nodes_count < S_NODES_MAX;) {
        size_t size = strcspn (list, ",");
        if (size >= sizeof self->nodes[0])
            return false;
        memcpy (self->nodes[self->nodes_count++], list, size);
        list += size + (list[size] == ',');
    }
    return self->nodes_count > 0;
}

static void
s_clear (s_watch_t *self)
{
    for (uint32_t i = 0; i < self->groups; i++) {
        s_group_t *group = &self->group[i];
        for (uint32_t k = 0; k < group->count; k++)
            hf_watch_close (&group->watch[k]);
        hf_client_destroy (&group->client);
        hf_histogram_destroy (&group->told);
        free (group->watch);
    }
    free (self->group);
    if (self->session)
        hf_session_close (&self->session, S_LIMIT_MS);
    hf_client_destroy (&self->client);
    hf_histogram_destroy (&self->last);
    pthread_cond_destroy (&self->all_told);
    pthread_mutex_destroy (&self->mutex);
}

int
hf_run_watch (const hf_bench_options_t *options, hf_cluster_t *cluster)
{
    s_watch_t self = {.options = options, .last = hf_histogram_new ()};
    pthread_mutex_init (&self.mutex, NULL);
    pthread_cond_init (&self.all_told, NULL);
    snprintf (self.lock, sizeof self.lock, "bench/%llx", (unsigned long long)hf_bench_now_ns ());
    hf_session_options_t life = HF_SESSION_OPTIONS_INIT;
    life.ttl_ms = options->ttl_ms;
    self.client = hf_bench_client (options->endpoints, false);
    bool ready = self.client &&
                 hf_session_open (self.client, &life, S_LIMIT_MS, &self.session) == HF_OK &&
                 s_split (&self, options->endpoints) && s_open_all (&self);
    bool whole = ready && s_measure (&self, cluster);
    if (ready)
        s_report (&self);
    s_clear (&self);
    return whole ? HF_EXIT_OK : ready ? HF_EXIT_ERRORS : HF_EXIT_UNAVAILABLE;
}
