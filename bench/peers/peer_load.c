//  The loads of the other lock services: threads, measures, the result as JSON.

#include "bench/peers/peer.h"
#include "base/hf_alloc.h"
#include "bench/histogram.h"
#include <getopt.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DONE = 0, FAILED = 1, USAGE = 64, UNAVAILABLE = 69 };

typedef enum s_latency { ACQUIRE, RELEASE, CYCLE, HANDOFF, LATENCIES } s_latency_t;

typedef struct s_run s_run_t;

typedef struct s_thread {
    s_run_t *run;
    peer_worker_t *worker;
    pthread_t id;
    bool started, good;
    uint64_t cycles, counted;
    hf_histogram_t *latency[LATENCIES];
} s_thread_t;

struct s_run {
    peer_options_t options;
    bool one; //  lock for all
    uint64_t begin_ns, end_ns;
    atomic_uint_fast64_t handed_ns; //  when its holder sent the release
    atomic_bool held;
    atomic_uint broken; //  two held it at once
    s_thread_t *thread;
};

void
peer_say (const char *format, ...)
{
    va_list args;
    va_start (args, format);
    vfprintf (stderr, format, args);
    fputc ('\n', stderr);
    va_end (args);
}

uint64_t
peer_now_ns (void)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

//  ---- a worker -----------------------------------------------------------------------------

static void
s_note (s_thread_t *self, s_latency_t which, uint64_t from_ns, uint64_t to_ns)
{
    if (from_ns >= self->run->begin_ns && from_ns < self->run->end_ns)
        hf_histogram_add (self->latency[which], to_ns - from_ns);
}

static bool
s_cycle (s_thread_t *self)
{
    s_run_t *run = self->run;
    uint64_t asked_ns = peer_now_ns ();
    if (!peer_acquire (self->worker))
        return false;
    uint64_t granted_ns = peer_now_ns ();
    s_note (self, ACQUIRE, asked_ns, granted_ns);
    if (run->one) {
        uint64_t handed_ns = atomic_load (&run->handed_ns);
        if (atomic_exchange (&run->held, true))
            atomic_fetch_add (&run->broken, 1);
        if (handed_ns > 0)
            s_note (self, HANDOFF, handed_ns, granted_ns);
        atomic_store (&run->held, false);
    }
    uint64_t released_ns = peer_now_ns ();
    atomic_store (&run->handed_ns, released_ns);
    if (!peer_release (self->worker))
        return false;
    uint64_t now_ns = peer_now_ns ();
    s_note (self, RELEASE, released_ns, now_ns);
    s_note (self, CYCLE, asked_ns, now_ns);
    self->cycles++;
    self->counted += now_ns >= run->begin_ns && now_ns < run->end_ns;
    return true;
}

static void *
s_work (void *arg)
{
    s_thread_t *self = arg;
    self->good = true;
    while (self->good && peer_now_ns () < self->run->end_ns)
        self->good = s_cycle (self);
    return NULL;
}

//  ---- the run ------------------------------------------------------------------------------

static bool
s_open (s_run_t *self)
{
    char lock[48];
    for (uint32_t i = 0; i < self->options.workers; i++) {
        s_thread_t *thread = &self->thread[i];
        thread->run = self;
        for (s_latency_t k = 0; k < LATENCIES; k++)
            thread->latency[k] = hf_histogram_new ();
        snprintf (lock, sizeof lock, "bench-%llx-%u", (unsigned long long)self->options.run,
                  self->one ? 0 : i);
        thread->worker = peer_open (&self->options, i, lock);
        if (!thread->worker)
            return false;
    }
    return true;
}

static bool
s_measure (s_run_t *self)
{
    self->begin_ns = peer_now_ns () + self->options.warmup * 1000000000ULL;
    self->end_ns = self->begin_ns + self->options.seconds * 1000000000ULL;
    bool good = true;
    for (uint32_t i = 0; good && i < self->options.workers; i++) {
        s_thread_t *thread = &self->thread[i];
        thread->started = good = pthread_create (&thread->id, NULL, s_work, thread) == 0;
        if (!good)
            peer_say ("%u workers need as many threads, and there are only %u",
                      self->options.workers, i);
    }
    for (uint32_t i = 0; i < self->options.workers; i++)
        if (self->thread[i].started)
            pthread_join (self->thread[i].id, NULL);
    return good;
}

static void
s_print (const s_run_t *self)
{
    static const char *const names[LATENCIES] = {"acquire", "release", "cycle", "handoff"};
    hf_histogram_t *all[LATENCIES];
    uint64_t cycles = 0, counted = 0;
    uint32_t failed = 0;
    for (s_latency_t k = 0; k < LATENCIES; k++)
        all[k] = hf_histogram_new ();
    for (uint32_t i = 0; i < self->options.workers; i++) {
        cycles += self->thread[i].cycles;
        counted += self->thread[i].counted;
        failed += !self->thread[i].good;
        for (s_latency_t k = 0; k < LATENCIES; k++)
            hf_histogram_merge (all[k], self->thread[i].latency[k]);
    }
    printf ("{\"command\": \"%s\", \"workers\": %u, \"seconds\": %u, \"cycles\": %llu, "
            "\"cycles_with_warmup\": %llu, \"cycles_per_second\": %.3f, \"failed\": %u, "
            "\"held_by_two\": %u, \"latency_us\": {",
            self->options.load, self->options.workers, self->options.seconds,
            (unsigned long long)counted, (unsigned long long)cycles,
            (double)counted / self->options.seconds, failed, atomic_load (&self->broken));
    s_latency_t last = self->one ? HANDOFF : CYCLE;
    for (s_latency_t k = 0; k < LATENCIES; k++) {
        if (k <= last)
            printf ("\"%s\": {\"p50\": %.3f, \"p99\": %.3f, \"max\": %.3f}%s", names[k],
                    (double)hf_histogram_quantile (all[k], 0.5) / 1e3,
                    (double)hf_histogram_quantile (all[k], 0.99) / 1e3,
                    (double)hf_histogram_quantile (all[k], 1) / 1e3, k < last ? ", " : "");
        hf_histogram_destroy (&all[k]);
    }
    printf ("}}\n");
}

//  ---- the command line -----------------------------------------------------------------------

static const char s_help[] =
    "usage: %s [OPTION...] --places HOST:PORT[,HOST:PORT...] cycle|handoff\n"
    "\n"
    "The loads of holdfast-bench that have these names, against another lock service. The result\n"
    "is one JSON object, with times in microseconds. bench/run.sh starts the servers and this.\n"
    "\n"
    "  -p, --places LIST  the servers\n"
    "  -w, --workers N    1 to 4096 (default 64)\n"
    "  -t, --seconds N    that are measured (default 10)\n"
    "      --warmup N     seconds before that which are not (default 2)\n"
    "  -h, --help\n";

static bool
s_number (const char *text, uint32_t least, uint32_t most, uint32_t *number)
{
    char *end;
    unsigned long value = strtoul (text, &end, 10);
    *number = (uint32_t)value;
    return *text >= '0' && *text <= '9' && *end == 0 && value >= least && value <= most;
}

/*  -1: go on. */
static int
s_read (peer_options_t *self, int argc, char **argv)
{
    enum { WARMUP = 256 };
    static const struct option longs[] = {{"places", 1, NULL, 'p'},  {"workers", 1, NULL, 'w'},
                                          {"seconds", 1, NULL, 't'}, {"warmup", 1, NULL, WARMUP},
                                          {"help", 0, NULL, 'h'},    {NULL, 0, NULL, 0}};
    *self = (peer_options_t){.workers = 64, .seconds = 10, .warmup = 2, .ttl_ms = 10000};
    self->run = peer_now_ns ();
    int option;
    bool good = true;
    while (good && (option = getopt_long (argc, argv, "p:w:t:h", longs, NULL)) != -1) {
        if (option == 'p')
            self->places = optarg;
        else if (option == 'w')
            good = s_number (optarg, 1, 4096, &self->workers);
        else if (option == 't')
            good = s_number (optarg, 1, 3600, &self->seconds);
        else if (option == WARMUP)
            good = s_number (optarg, 0, 3600, &self->warmup);
        else if (option == 'h') {
            printf (s_help, argv[0]);
            return DONE;
        } else
            good = false;
    }
    self->load = optind + 1 == argc ? argv[optind] : "";
    if (good && self->places &&
        (strcmp (self->load, "cycle") == 0 || strcmp (self->load, "handoff") == 0))
        return -1;
    fprintf (stderr, s_help, argv[0]);
    return USAGE;
}

int
main (int argc, char **argv)
{
    s_run_t run = {.end_ns = 0};
    int code = s_read (&run.options, argc, argv);
    if (code >= 0)
        return code;
    run.one = strcmp (run.options.load, "handoff") == 0;
    run.thread = hf_alloc (run.options.workers * sizeof *run.thread);
    code = s_open (&run) ? FAILED : UNAVAILABLE;
    if (code == FAILED && s_measure (&run)) {
        s_print (&run);
        code = DONE;
    }
    for (uint32_t i = 0; i < run.options.workers; i++) {
        if (run.thread[i].worker && !run.thread[i].good)
            code = code == DONE ? FAILED : code;
        peer_close (&run.thread[i].worker);
        for (s_latency_t k = 0; k < LATENCIES; k++)
            hf_histogram_destroy (&run.thread[i].latency[k]);
    }
    free (run.thread);
    if (atomic_load (&run.broken) > 0)
        peer_say ("the lock was held by two at once, %u times", atomic_load (&run.broken));
    return code;
}
