/*  The command scrape: what it costs that /metrics of each node is read each --every seconds, while
 * a load runs and thousands of locks are held: how long a scrape takes, and acquires with and
 * without.
 *
 *  Times with and without scrapes take turns under one load, which never stops.
 */
#include "bench/load.h"
#include "tests/kit/hf_ports.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define S_HOLDERS       10 //  sessions
#define S_LIMIT_MS      30000
#define S_STOP_LIMIT_MS 30000
#define S_PART_BYTES    65536

typedef struct s_scrape {
    const hf_bench_options_t *options;
    hf_cluster_t *cluster;
    hf_client_t *client;
    hf_session_t *session[S_HOLDERS];
    atomic_uint held, refused;
    hf_histogram_t *took;        //  scrapes, in ns
    hf_histogram_t *acquires[2]; //  without, with
    uint64_t bytes;              //  of the last scrape
    uint64_t errors;
} s_scrape_t;

bool
hf_scrape_launch (hf_cluster_t *cluster)
{
    hf_cluster_serve_http (cluster);
    for (uint32_t id = 1; id <= hf_cluster_count (cluster); id++)
        hf_cluster_launch (cluster, id);
    return true;
}

//  ---- what is held ------------------------------------------------------------------

static void
s_on_held (void *arg, const hf_result_t *result)
{
    s_scrape_t *self = arg;
    atomic_fetch_add (result->status == HF_OK ? &self->held : &self->refused, 1);
}

static bool
s_hold (s_scrape_t *self)
{
    char lock[32];
    self->client = hf_bench_client (self->options->endpoints, false);
    for (uint32_t i = 0; i < S_HOLDERS; i++)
        if (hf_session_open (self->client, NULL, S_LIMIT_MS, &self->session[i]) != HF_OK)
            return false;
    for (uint32_t i = 0; i < self->options->held; i++) {
        snprintf (lock, sizeof lock, "held/%u", i);
        if (hf_submit_acquire (self->session[i % S_HOLDERS], lock, NULL, s_on_held, self) != HF_OK)
            return false;
    }
    uint64_t limit_ns = hf_bench_in_ms (S_LIMIT_MS);
    while (atomic_load (&self->held) < self->options->held && hf_bench_now_ns () < limit_ns)
        if (!hf_bench_wait (self->cluster, 10))
            return false;
    return atomic_load (&self->held) == self->options->held;
}

//  ---- scrapes -----------------------------------------------------------------------

/*  The bytes of the answer of a node; 0: it gave none. */
static uint64_t
s_get (const hf_cluster_t *cluster, uint32_t id)
{
    static const char request[] =
        "GET /metrics HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n";
    static char part[S_PART_BYTES];
    struct timeval limit = {.tv_sec = 10};
    uint64_t bytes = 0;
    int fd = hf_port_connect (hf_cluster_http_port (cluster, id), 0);
    if (fd < 0)
        return 0;
    setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ssize_t got = send (fd, request, sizeof request - 1, MSG_NOSIGNAL);
    bool good = got == (ssize_t)sizeof request - 1;
    while (good && (got = recv (fd, part, sizeof part, 0)) > 0) {
        good = bytes > 0 || strncmp (part, "HTTP/1.1 200", 12) == 0;
        bytes += (uint64_t)got;
    }
    close (fd);
    return good && got == 0 ? bytes : 0;
}

/*  Scrape all nodes once; false: one did not answer. */
static bool
s_round (s_scrape_t *self)
{
    for (uint32_t id = 1; id <= self->options->start; id++) {
        uint64_t from_ns = hf_bench_now_ns ();
        self->bytes = s_get (self->cluster, id);
        if (self->bytes == 0) {
            hf_bench_say ("node %u does not answer at /metrics", id);
            self->errors++;
            return false;
        }
        hf_histogram_add (self->took, hf_bench_now_ns () - from_ns);
    }
    return true;
}

/*  Some seconds, with scrapes or without. */
static bool
s_part (s_scrape_t *self, bool scrapes)
{
    bool whole = true;
    for (uint32_t i = 0; whole && i < self->options->seconds; i++) {
        uint64_t until_ns = hf_bench_in_ms (1000);
        whole = !scrapes || i % self->options->every != 0 || s_round (self);
        whole = hf_bench_wait_until (self->cluster, until_ns) && whole;
    }
    return whole;
}

//  ---- the run -----------------------------------------------------------------------

static bool
s_measure (s_scrape_t *self)
{
    hf_bench_options_t options = *self->options;
    options.command = HF_BENCH_CATCHUP; //  each acquire is kept, with its time
    hf_load_t *load = hf_load_new (&options);
    if (!load)
        return false;
    uint32_t parts = 2 * self->options->rounds;
    uint64_t *at_ns = calloc (parts + 1, sizeof *at_ns);
    hf_load_start (load);
    bool whole = hf_bench_wait (self->cluster, self->options->warmup * 1000);
    at_ns[0] = hf_bench_now_ns ();
    //  without, with; with, without: a load that changes with time changes both.
    for (uint32_t i = 0; whole && i < parts; i++) {
        whole = s_part (self, i % 4 == 1 || i % 4 == 2);
        at_ns[i + 1] = hf_bench_now_ns ();
    }
    hf_load_result_t result;
    hf_load_finish (load, S_STOP_LIMIT_MS, &result);
    self->errors += result.failed;
    hf_load_result_done (&result);
    for (uint32_t i = 0; whole && i < parts; i++) {
        hf_histogram_t *part = hf_load_window (load, at_ns[i], at_ns[i + 1]);
        hf_histogram_merge (self->acquires[i % 4 == 1 || i % 4 == 2], part);
        hf_histogram_destroy (&part);
    }
    free (at_ns);
    hf_load_destroy (&load, true);
    return whole;
}

static void
s_report (const s_scrape_t *self)
{
    double without = hf_report_ms (self->acquires[0], 0.99);
    double with = hf_report_ms (self->acquires[1], 0.99);
    if (self->options->json) {
        hf_report_json (json_pack (
            "{s:o, s:i, s:o, s:I, s:o, s:o, s:f, s:I}", "options",
            hf_report_options (self->options), "held", (int)self->options->held, "scrape_us",
            hf_report_latency (self->took), "scrape_bytes", (json_int_t)self->bytes,
            "acquire_without_us", hf_report_latency (self->acquires[0]), "acquire_with_us",
            hf_report_latency (self->acquires[1]), "p99_ratio", with / without, "errors",
            (json_int_t)self->errors));
        return;
    }
    hf_report_headline (self->options);
    printf ("held       %u locks\n", self->options->held);
    printf ("scrapes    %llu of %llu bytes: half within %.2f ms, 99 %% within %.2f ms, all within "
            "%.2f ms\n",
            (unsigned long long)hf_histogram_count (self->took), (unsigned long long)self->bytes,
            hf_report_ms (self->took, 0.5), hf_report_ms (self->took, 0.99),
            hf_report_ms (self->took, 1));
    static const char *const names[] = {"without", "with"};
    for (int i = 0; i < 2; i++)
        printf ("%-10s %llu acquires: half within %.2f ms, 99 %% within %.2f ms\n", names[i],
                (unsigned long long)hf_histogram_count (self->acquires[i]),
                hf_report_ms (self->acquires[i], 0.5), hf_report_ms (self->acquires[i], 0.99));
    printf ("p99        with / without: %.3f\n", with / without);
    puts (self->errors > 0 ? "there were errors" : "no errors");
}

int
hf_run_scrape (const hf_bench_options_t *options, hf_cluster_t *cluster)
{
    s_scrape_t self = {.options = options, .cluster = cluster, .took = hf_histogram_new ()};
    self.acquires[0] = hf_histogram_new ();
    self.acquires[1] = hf_histogram_new ();
    bool held = s_hold (&self);
    if (!held)
        hf_bench_say ("%u of %u locks are held: no more were granted", atomic_load (&self.held),
                      options->held);
    bool whole = held && s_measure (&self);
    if (whole)
        s_report (&self);
    hf_client_destroy (&self.client);
    for (int i = 0; i < 2; i++)
        hf_histogram_destroy (&self.acquires[i]);
    hf_histogram_destroy (&self.took);
    return whole && self.errors == 0 ? HF_EXIT_OK : HF_EXIT_ERRORS;
}
