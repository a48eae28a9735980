//  A thread that asks all the time which node leads.

#include "tests/cluster/torture/watch.h"
#include "tests/cluster/harness/hf_probe.h"
#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S_ASK_MS   300
#define S_PAUSE_MS 200

typedef struct s_place {
    char address[32];
    uint16_t port;
} s_place_t;

struct hf_watch {
    unsigned nodes;
    s_place_t place[8]; //  from 1
    pthread_t thread;
    atomic_bool stop;
    uint64_t term;
    atomic_uint leader;
    atomic_uint changes;
};

static bool
s_stopped (void *arg)
{
    return atomic_load (&((hf_watch_t *)arg)->stop);
}

/*  Whether the node says that it leads, and in which term. */
static bool
s_leads (const s_place_t *place, uint64_t *term)
{
    hf_probe_t *probe = hf_probe_new_to (place->address, place->port);
    hf_query_result_t result;
    bool leads = false;
    if (hf_probe_query (probe, HF_WHAT_STATUS, "", &result, S_ASK_MS) && result.status == HF_OK) {
        hf_scan_t scan = hf_scan_list (result.rows);
        hf_fact_row_t fact;
        while (!hf_scan_at_end (&scan) && hf_fact_row_get (&scan, &fact)) {
            if (hf_span_equal (fact.key, hf_span_text ("role")))
                leads = hf_span_equal (fact.text, hf_span_text ("leader"));
            if (hf_span_equal (fact.key, hf_span_text ("term")))
                *term = fact.number;
        }
    }
    hf_probe_destroy (&probe);
    return leads;
}

static void *
s_run (void *arg)
{
    hf_watch_t *self = arg;
    while (!s_stopped (self)) {
        for (unsigned id = 1; id <= self->nodes && !s_stopped (self); id++) {
            uint64_t term = 0;
            if (!s_leads (&self->place[id], &term) || term <= self->term)
                continue;
            self->term = term;
            atomic_store (&self->leader, id);
            atomic_fetch_add (&self->changes, 1);
        }
        hf_wait_for (s_stopped, self, S_PAUSE_MS);
    }
    return NULL;
}

hf_watch_t *
hf_watch_new (const hf_cluster_t *cluster)
{
    hf_watch_t *self = calloc (1, sizeof *self);
    assert (self);
    self->nodes = hf_cluster_count (cluster);
    for (uint32_t id = 1; id <= self->nodes; id++) {
        snprintf (self->place[id].address, sizeof self->place[id].address, "%s",
                  hf_cluster_address (cluster, id));
        self->place[id].port = hf_cluster_client_port (cluster, id);
    }
    sigset_t all, before;
    sigfillset (&all);
    pthread_sigmask (SIG_SETMASK, &all, &before);
    int rc = pthread_create (&self->thread, NULL, s_run, self);
    assert (rc == 0);
    pthread_sigmask (SIG_SETMASK, &before, NULL);
    return self;
}

void
hf_watch_destroy (hf_watch_t **self_p)
{
    hf_watch_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    atomic_store (&self->stop, true);
    pthread_join (self->thread, NULL);
    free (self);
}

uint32_t
hf_watch_leader (const hf_watch_t *self)
{
    return atomic_load (&self->leader);
}

unsigned
hf_watch_changes (const hf_watch_t *self)
{
    unsigned changes = atomic_load (&self->changes);
    return changes ? changes - 1 : 0; //  the first one is no change
}
