/*  The command idle: sessions that are kept alive and ask for nothing; what that takes of
 *  processors, and how many are lost meanwhile.
 */
#include "base/hf_alloc.h"
#include "bench/cpu.h"
#include "bench/load.h"
#include "bench/opening.h"
#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct s_idle {
    const hf_bench_options_t *options;
    hf_client_t **client;
    hf_session_t **session;
    atomic_uint lost;
} s_idle_t;

static uint32_t
s_sessions (const s_idle_t *self)
{
    return self->options->connections * self->options->sessions;
}

static void
s_event (void *arg, const hf_session_event_t *event)
{
    s_idle_t *self = arg;
    if (event->type == HF_SESSION_ENDED)
        atomic_fetch_add (&self->lost, 1);
}

static bool
s_open (s_idle_t *self, hf_cluster_t *cluster)
{
    const hf_bench_options_t *options = self->options;
    self->client = hf_alloc (options->connections * sizeof (hf_client_t *));
    self->session = hf_alloc (s_sessions (self) * sizeof (hf_session_t *));
    hf_opening_t opening = {.options = options,
                            .cluster = cluster,
                            .shared = !options->threads,
                            .clients_count = options->connections,
                            .each = options->sessions,
                            .clients = self->client,
                            .sessions = self->session,
                            .fn = s_event,
                            .arg = self};
    return hf_opening_run (&opening);
}

static void
s_close (s_idle_t *self)
{
    for (uint32_t i = 0; i < s_sessions (self); i++)
        if (self->session[i])
            hf_session_leave (&self->session[i]);
    for (uint32_t i = 0; i < self->options->connections; i++)
        hf_client_destroy (&self->client[i]);
    free (self->session);
    free (self->client);
}

/*  In percent of a core, between two moments. */
typedef struct s_spent {
    hf_cpu_t from, to;
    uint64_t from_ns, to_ns;
} s_spent_t;

static void
s_report (const s_idle_t *self, const s_spent_t *spent, unsigned lost)
{
    double seconds = (double)(spent->to_ns - spent->from_ns) / 1e9;
    //  Microseconds of each hundred.
    hf_cpu_each_t each = hf_cpu_each (&spent->from, &spent->to, (uint64_t)(seconds * 1e4));
    if (self->options->json) {
        json_t *object = hf_report_options (self->options);
        json_object_update_new (object,
                                json_pack ("{s:f, s:I, s:I, s:o}", "seconds", seconds, "sessions",
                                           (json_int_t)s_sessions (self), "sessions_lost",
                                           (json_int_t)lost, "core_percent", hf_cpu_json (&each)));
        hf_report_json (object);
        return;
    }
    printf ("percent of a core, in %.1f s: ", seconds);
    if (each.nodes)
        printf ("leader %.2f, a follower %.2f, ", each.leader_us, each.follower_us);
    printf ("client %.2f\nsessions lost: %u\n", each.client_us, lost);
}

int
hf_run_idle (const hf_bench_options_t *options, hf_cluster_t *cluster)
{
    s_idle_t self = {.options = options};
    bool whole = s_open (&self, cluster);
    if (whole) {
        if (!options->json)
            printf ("idle: %u sessions on %u connections are open\n", s_sessions (&self),
                    options->connections);
        fflush (stdout); //  who started this waits for it
        s_spent_t spent;
        whole = hf_bench_wait (cluster, (uint64_t)options->warmup * 1000);
        hf_cpu_take (&spent.from, cluster);
        spent.from_ns = hf_bench_now_ns ();
        hf_bench_wait (cluster, (uint64_t)options->seconds * 1000);
        hf_cpu_take (&spent.to, cluster);
        spent.to_ns = hf_bench_now_ns ();
        unsigned lost = atomic_load (&self.lost);
        s_report (&self, &spent, lost);
        whole = whole && lost == 0;
    }
    s_close (&self);
    return whole ? HF_EXIT_OK : HF_EXIT_ERRORS;
}
