//  Processes of this program with the command idle.

#include "bench/helpers.h"
#include "base/hf_alloc.h"
#include "base/hf_files.h"
#include "tests/kit/hf_process.h"
#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define S_EACH         1000 //  connections of a helper, at most
#define S_OWN_FILES    200
#define S_FILES_MAX    1000000
#define S_LIMIT_S      120 //  for all connections to be open
#define S_END_LIMIT_MS 20000

typedef struct s_helper {
    hf_process_t *process;
    uint32_t connections;
    char said[512]; //  on stdout
    size_t size;
} s_helper_t;

struct hf_helpers {
    s_helper_t *helper;
    uint32_t count;
};

/*  A client has four descriptors for each node, and two. */
static uint32_t
s_each (const hf_bench_options_t *options)
{
    uint64_t files = hf_files_raise (S_FILES_MAX);
    uint32_t nodes = options->start > 0 ? options->start : HF_MEMBERS_MAX;
    uint64_t each = files > S_OWN_FILES ? (files - S_OWN_FILES) / (4 * nodes + 2) : 1;
    return each < 1 ? 1 : each < S_EACH ? (uint32_t)each : S_EACH;
}

static void
s_start (s_helper_t *self, const hf_bench_options_t *options, uint32_t connections)
{
    char count[16], ttl[16], program[4096];
    snprintf (count, sizeof count, "%u", connections);
    snprintf (ttl, sizeof ttl, "%u", options->ttl_ms);
    snprintf (program, sizeof program, "%s", hf_beside ("holdfast-bench"));
    //  Without an option for the list it takes that of the environment, as this one does.
    const char *argv[] = {program,
                          "--connections",
                          count,
                          "--ttl",
                          ttl,
                          "--warmup",
                          "0",
                          "--seconds",
                          "86400",
                          "idle",
                          options->endpoints ? "--endpoints" : NULL,
                          options->endpoints,
                          NULL};
    self->connections = connections;
    self->process = hf_process_new (&(hf_process_config_t){.argv = argv, .pipes = true});
}

/*  Whether it has said TEXT by now. */
static bool
s_says (s_helper_t *self, const char *text)
{
    ssize_t size;
    while (self->size < sizeof self->said - 1 &&
           (size = read (hf_process_out (self->process), self->said + self->size,
                         sizeof self->said - 1 - self->size)) > 0)
        self->size += (size_t)size;
    return strstr (self->said, text) != NULL;
}

static bool
s_is_open (s_helper_t *self, hf_cluster_t *cluster)
{
    uint64_t limit_ns = hf_bench_in_ms (S_LIMIT_S * 1000);
    while (!s_says (self, "are open")) {
        bool runs = hf_process_running (self->process);
        if (!runs || hf_bench_now_ns () > limit_ns) {
            hf_bench_say ("a helper with %u idle connections %s: %s", self->connections,
                          runs ? "is too slow" : "has ended", self->said);
            return false;
        }
        if (!hf_bench_wait (cluster, 20))
            return false;
    }
    return true;
}

/*  Each connection has a port of this machine of its own, also those to different nodes. */
static bool
s_ports_suffice (const hf_bench_options_t *options, uint32_t count)
{
    FILE *file = fopen ("/proc/sys/net/ipv4/ip_local_port_range", "r");
    unsigned first = 0, last = 0;
    bool known = file && fscanf (file, "%u %u", &first, &last) == 2 && last > first;
    if (file)
        fclose (file);
    uint32_t clients = count + options->connections, nodes = options->start;
    if (!known || (uint64_t)clients * nodes < last - first)
        return true;
    hf_bench_say ("%u clients of %u nodes need more ports than the %u of this machine "
                  "(net.ipv4.ip_local_port_range)",
                  clients, nodes, last - first);
    return false;
}

hf_helpers_t *
hf_helpers_new (const hf_bench_options_t *options, hf_cluster_t *cluster, uint32_t count)
{
    if (!s_ports_suffice (options, count))
        return NULL;
    uint32_t each = s_each (options);
    hf_helpers_t *self = hf_alloc (sizeof *self);
    self->helper = hf_alloc ((count / each + 1) * sizeof *self->helper);
    //  One after the other: all at once they would take all of the processors.
    for (uint32_t left = count; left > 0;) {
        uint32_t some = left < each ? left : each;
        s_helper_t *helper = &self->helper[self->count++];
        s_start (helper, options, some);
        left -= some;
        if (!s_is_open (helper, cluster)) {
            hf_helpers_destroy (&self);
            return NULL;
        }
    }
    return self;
}

void
hf_helpers_destroy (hf_helpers_t **self_p)
{
    assert (self_p);
    hf_helpers_t *self = *self_p;
    if (!self)
        return;
    for (uint32_t i = 0; i < self->count; i++)
        hf_process_destroy (&self->helper[i].process);
    free (self->helper);
    free (self);
    *self_p = NULL;
}

/*  What it says last. */
static uint32_t
s_lost (s_helper_t *self)
{
    static const char words[] = "sessions lost: ";
    hf_process_wait (self->process, S_END_LIMIT_MS);
    if (!s_says (self, words)) {
        hf_bench_say ("a helper with %u idle connections has failed: %s", self->connections,
                      self->said);
        return self->connections;
    }
    return (uint32_t)strtoul (strstr (self->said, words) + sizeof words - 1, NULL, 10);
}

uint32_t
hf_helpers_end (hf_helpers_t *self)
{
    uint32_t lost = 0;
    for (uint32_t i = 0; i < self->count; i++)
        hf_process_signal (self->helper[i].process, SIGTERM);
    for (uint32_t i = 0; i < self->count; i++)
        lost += s_lost (&self->helper[i]);
    return lost;
}
