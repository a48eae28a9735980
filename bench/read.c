/*  The command read: how fast a file is read, from the leader or, with --stale, from followers.
 *
 *  A worker is a thread that reads and waits for the answer. The file is one append of
 *  --append-bytes, and is read whole. Stale: each connection knows one node alone, followers in
 * turn where it is known who leads, else all nodes in turn.
 */
#include "base/hf_alloc.h"
#include "bench/cpu.h"
#include "bench/load.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S_LIMIT_MS 10000
#define S_FILE     "bench-read"

typedef struct s_read s_read_t;

typedef struct s_reader {
    s_read_t *run;
    hf_client_t *client;
    pthread_t thread;
    bool started;
    hf_status_t status; //  HF_OK, or of the read that ended it
    atomic_uint_fast64_t reads;
    uint64_t counted, bytes;
    hf_histogram_t *latency;
} s_reader_t;

struct s_read {
    const hf_bench_options_t *options;
    hf_client_t **client;
    s_reader_t *reader;
    atomic_uint_fast64_t begin_ns, end_ns; //  UINT64_MAX: not yet
};

typedef struct s_sum {
    hf_histogram_t *latency;
    uint64_t reads, bytes, failed;
    double seconds;
    hf_cpu_each_t cpu;
} s_sum_t;

//  ---- a reader -----------------------------------------------------------------------------

static hf_status_t
s_read_file (const s_read_t *self, hf_client_t *client, void *buffer, size_t *size)
{
    hf_query_options_t how = HF_QUERY_OPTIONS_INIT;
    how.stale = self->options->stale;
    *size = self->options->append_bytes;
    return hf_read_as (client, S_FILE, &how, 0, buffer, size, NULL, S_LIMIT_MS);
}

static void *
s_work (void *arg)
{
    s_reader_t *self = arg;
    s_read_t *run = self->run;
    void *buffer = hf_alloc (run->options->append_bytes);
    for (uint64_t now_ns = hf_bench_now_ns (); now_ns < atomic_load (&run->end_ns);) {
        uint64_t asked_ns = now_ns;
        size_t size;
        hf_status_t status = s_read_file (run, self->client, buffer, &size);
        now_ns = hf_bench_now_ns ();
        if (status == HF_NOT_FOUND && run->options->stale)
            continue; //  of a node that does not have the file yet
        self->status = status;
        if (status != HF_OK)
            break;
        atomic_fetch_add (&self->reads, 1);
        if (asked_ns < atomic_load (&run->begin_ns) || now_ns >= atomic_load (&run->end_ns))
            continue;
        self->counted++;
        self->bytes += size;
        hf_histogram_add (self->latency, now_ns - asked_ns);
    }
    free (buffer);
    return NULL;
}

static uint64_t
s_reads (const s_read_t *self)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < self->options->workers; i++)
        sum += atomic_load (&self->reader[i].reads);
    return sum;
}

//  ---- set up ---------------------------------------------------------------------------------

/*  A section that makes the file. */
static bool
s_write (const s_read_t *self)
{
    hf_client_t *client = hf_bench_client (self->options->endpoints, false);
    hf_session_t *session = NULL;
    hf_session_options_t life = HF_SESSION_OPTIONS_INIT;
    hf_grant_t grant;
    char *data = hf_alloc (self->options->append_bytes);
    memset (data, 'x', self->options->append_bytes);
    hf_status_t status =
        client ? hf_session_open (client, &life, S_LIMIT_MS, &session) : HF_UNREACHABLE;
    if (status == HF_OK)
        status = hf_acquire (session, S_FILE, S_LIMIT_MS, &grant);
    if (status == HF_OK)
        status = hf_append (session, S_FILE, grant.token, S_FILE, data, self->options->append_bytes,
                            S_LIMIT_MS);
    if (status == HF_OK)
        status = hf_release (session, S_FILE, grant.token, S_LIMIT_MS);
    if (status != HF_OK)
        hf_bench_say ("cannot write the file that is to be read: %s", hf_status_text (status));
    if (session)
        hf_session_close (&session, S_LIMIT_MS);
    hf_client_destroy (&client);
    free (data);
    return status == HF_OK;
}

/*  Until the file is there for CLIENT: a follower has it a moment later. */
static bool
s_await_file (const s_read_t *self, hf_client_t *client, hf_cluster_t *cluster)
{
    uint64_t limit_ns = hf_bench_in_ms (S_LIMIT_MS);
    void *buffer = hf_alloc (self->options->append_bytes);
    size_t size;
    hf_status_t status = HF_NOT_FOUND;
    while (status == HF_NOT_FOUND && hf_bench_now_ns () < limit_ns) {
        status = s_read_file (self, client, buffer, &size);
        if (status == HF_NOT_FOUND && !hf_bench_wait (cluster, 5))
            break;
    }
    free (buffer);
    if (status != HF_OK)
        hf_bench_say ("cannot read: %s", hf_status_text (status));
    return status == HF_OK;
}

static bool
s_connect (s_read_t *self, hf_cluster_t *cluster)
{
    for (uint32_t i = 0; i < self->options->connections; i++) {
        self->client[i] = hf_bench_client (self->options->endpoints, false);
        if (!self->client[i] || !s_await_file (self, self->client[i], cluster))
            return false;
    }
    return true;
}

static bool
s_start (s_read_t *self)
{
    for (uint32_t i = 0; i < self->options->workers; i++) {
        s_reader_t *reader = &self->reader[i];
        reader->run = self;
        reader->client = self->client[i % self->options->connections];
        reader->latency = hf_histogram_new ();
    }
    for (uint32_t i = 0; i < self->options->workers; i++) {
        s_reader_t *reader = &self->reader[i];
        reader->started = pthread_create (&reader->thread, NULL, s_work, reader) == 0;
        if (!reader->started) {
            hf_bench_say ("read needs a thread for each worker, and there can be only %u", i);
            return false;
        }
    }
    return true;
}

static void
s_end (s_read_t *self)
{
    atomic_store (&self->end_ns, hf_bench_now_ns ());
    for (uint32_t i = 0; i < self->options->workers; i++)
        if (self->reader[i].started)
            pthread_join (self->reader[i].thread, NULL);
}

//  ---- the report -------------------------------------------------------------------------------

static void
s_report (const s_read_t *self, const s_sum_t *sum)
{
    double rate = (double)sum->reads / sum->seconds;
    if (self->options->json) {
        json_t *object = hf_report_options (self->options);
        json_object_update_new (
            object,
            json_pack ("{s:b, s:I, s:f, s:I, s:f, s:f, s:I, s:{s:o}, s:o}", "stale",
                       self->options->stale, "append_bytes",
                       (json_int_t)self->options->append_bytes, "seconds", sum->seconds, "reads",
                       (json_int_t)sum->reads, "reads_per_second", rate, "bytes_per_second",
                       (double)sum->bytes / sum->seconds, "failed", (json_int_t)sum->failed,
                       "latency_us", "read", hf_report_latency (sum->latency), "cpu_us_per_request",
                       hf_cpu_json (&sum->cpu)));
        hf_report_json (object);
        return;
    }
    hf_report_headline (self->options);
    printf ("%.0f reads/s of %u bytes from %s: %llu in %.1f s\n", rate, self->options->append_bytes,
            self->options->stale ? "any node" : "the leader", (unsigned long long)sum->reads,
            sum->seconds);
    printf ("%-10s %10s %10s %10s %10s\n", "ms", "p50", "p99", "p99.9", "max");
    printf ("%-10s %10.3f %10.3f %10.3f %10.3f\n", "read", hf_report_ms (sum->latency, 0.5),
            hf_report_ms (sum->latency, 0.99), hf_report_ms (sum->latency, 0.999),
            hf_report_ms (sum->latency, 1));
    hf_cpu_print (&sum->cpu);
    if (sum->failed > 0)
        printf ("error: %llu readers gave up\n", (unsigned long long)sum->failed);
    else
        printf ("no errors\n");
}

/*  What all readers saw; the histogram is the caller's. */
static void
s_add_up (const s_read_t *self, s_sum_t *sum)
{
    sum->latency = hf_histogram_new ();
    for (uint32_t i = 0; i < self->options->workers; i++) {
        const s_reader_t *reader = &self->reader[i];
        sum->reads += reader->counted;
        sum->bytes += reader->bytes;
        hf_histogram_merge (sum->latency, reader->latency);
        if (reader->started && reader->status == HF_OK)
            continue;
        if (sum->failed++ == 0)
            hf_bench_say ("a reader gave up: %s", hf_status_text (reader->status));
    }
}

static bool
s_measure (s_read_t *self, hf_cluster_t *cluster)
{
    hf_cpu_t from, to;
    bool whole = s_start (self) && hf_bench_wait (cluster, self->options->warmup * 1000ULL);
    hf_cpu_take (&from, cluster);
    uint64_t before = s_reads (self), begin_ns = hf_bench_now_ns ();
    atomic_store (&self->begin_ns, begin_ns);
    whole = whole && hf_bench_wait (cluster, self->options->seconds * 1000ULL);
    hf_cpu_take (&to, cluster);
    s_sum_t sum = {.cpu = hf_cpu_each (&from, &to, s_reads (self) - before)};
    s_end (self);
    sum.seconds = (double)(atomic_load (&self->end_ns) - begin_ns) / 1e9;
    s_add_up (self, &sum);
    whole = whole && sum.failed == 0;
    s_report (self, &sum);
    hf_histogram_destroy (&sum.latency);
    return whole;
}

int
hf_run_read (const hf_bench_options_t *options, hf_cluster_t *cluster)
{
    s_read_t self = {.options = options,
                     .client = hf_alloc (options->connections * sizeof (hf_client_t *)),
                     .reader = hf_alloc (options->workers * sizeof (s_reader_t))};
    atomic_init (&self.begin_ns, UINT64_MAX);
    atomic_init (&self.end_ns, UINT64_MAX);
    bool ready = s_write (&self) && s_connect (&self, cluster);
    bool whole = ready && s_measure (&self, cluster);
    for (uint32_t i = 0; i < options->connections; i++)
        hf_client_destroy (&self.client[i]);
    for (uint32_t i = 0; i < options->workers; i++)
        hf_histogram_destroy (&self.reader[i].latency);
    free (self.client);
    free (self.reader);
    return whole ? HF_EXIT_OK : ready ? HF_EXIT_ERRORS : HF_EXIT_UNAVAILABLE;
}
