//  The network between nodes and clients: by namespaces or by proxies.

#include "tests/cluster/torture/links_internal.h"
#include "tests/cluster/torture/plan.h"
#include "base/hf_alloc.h"
#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define S_ROUND_MS 20 //  the thread looks so often whether it is to end

//  ---- trouble ------------------------------------------------------------------

static uint64_t
s_pack (hf_trouble_t trouble)
{
    return (uint64_t)trouble.cut | (uint64_t)trouble.loss_percent << 8 |
           (uint64_t)trouble.delay_ms << 16 | (uint64_t)trouble.jitter_ms << 32;
}

static hf_trouble_t
s_unpack (uint64_t packed)
{
    return (hf_trouble_t){.cut = packed & 1,
                          .loss_percent = (uint8_t)(packed >> 8),
                          .delay_ms = (uint16_t)(packed >> 16),
                          .jitter_ms = (uint16_t)(packed >> 32)};
}

void
hf_links_trouble (hf_links_t *self, unsigned from, unsigned to, hf_trouble_t trouble)
{
    assert (from >= 1 && from <= HF_ENDS_MAX && to >= 1 && to <= HF_ENDS_MAX && from != to);
    assert (trouble.loss_percent <= 100);
    atomic_store (&self->trouble[from][to], s_pack (trouble));
}

hf_trouble_t
hf_links_trouble_of (const hf_links_t *self, unsigned from, unsigned to)
{
    return s_unpack (atomic_load (&self->trouble[from][to]));
}

void
hf_links_heal (hf_links_t *self)
{
    for (unsigned from = 1; from <= HF_ENDS_MAX; from++) {
        for (unsigned to = 1; to <= HF_ENDS_MAX; to++)
            atomic_store (&self->trouble[from][to], 0);
    }
}

hf_passage_t
hf_links_draw (hf_links_t *self, unsigned from, unsigned to)
{
    hf_trouble_t trouble = hf_links_trouble_of (self, from, to);
    hf_passage_t passage = {.cut = trouble.cut};
    if (!passage.cut && trouble.loss_percent)
        passage.lost = hf_random_u32 (&self->random, 100) < trouble.loss_percent;
    passage.delay_ms = trouble.delay_ms;
    if (trouble.jitter_ms)
        passage.delay_ms += hf_random_u32 (&self->random, trouble.jitter_ms);
    atomic_fetch_add (passage.cut             ? &self->cut
                      : passage.lost          ? &self->lost
                      : passage.delay_ms != 0 ? &self->delayed
                                              : &self->passed,
                      1);
    return passage;
}

hf_links_counts_t
hf_links_counts (const hf_links_t *self)
{
    return (hf_links_counts_t){.passed = atomic_load (&self->passed),
                               .cut = atomic_load (&self->cut),
                               .lost = atomic_load (&self->lost),
                               .delayed = atomic_load (&self->delayed)};
}

//  ---- made and ended -------------------------------------------------------------

static void *
s_run (void *arg)
{
    hf_links_t *self = arg;
    while (!atomic_load (&self->stop))
        self->class->carry (self, S_ROUND_MS);
    return NULL;
}

void
hf_thread_start (pthread_t *thread, void *(*run) (void *), void *arg)
{
    sigset_t all, before;
    sigfillset (&all);
    pthread_sigmask (SIG_SETMASK, &all, &before);
    int rc = pthread_create (thread, NULL, run, arg);
    assert (rc == 0);
    pthread_sigmask (SIG_SETMASK, &before, NULL);
}

static void
s_start (hf_links_t *self)
{
    hf_thread_start (&self->thread, s_run, self);
    self->started = true;
}

hf_links_t *
hf_links_new (hf_links_kind_t kind, unsigned nodes, unsigned clients, uint64_t seed,
              char why[HF_WHY_SIZE])
{
    assert (nodes >= 1 && nodes <= 7 && clients <= HF_CREW_MAX);
    hf_links_t *self = hf_alloc (sizeof *self);
    self->nodes = nodes;
    self->clients = clients;
    self->random = (hf_random_t){seed};
    why[0] = 0;
    bool open = false;
    if (kind != HF_LINKS_PROXIES) {
        self->class = &hf_links_switch;
        open = self->class->open (self, why);
    }
    if (!open && kind != HF_LINKS_NAMESPACES) {
        self->class = &hf_links_proxies;
        open = self->class->open (self, why);
    }
    if (!open) {
        free (self);
        return NULL;
    }
    //  Proxies learn the nodes' ports first.
    if (self->class->kind == HF_LINKS_NAMESPACES)
        s_start (self);
    return self;
}

void
hf_links_destroy (hf_links_t **self_p)
{
    hf_links_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    atomic_store (&self->stop, true);
    if (self->started)
        pthread_join (self->thread, NULL);
    self->class->close (self);
    free (self);
}

hf_links_kind_t
hf_links_kind (const hf_links_t *self)
{
    return self->class->kind;
}

hf_cluster_t *
hf_links_cluster (hf_links_t *self)
{
    assert (!self->cluster);
    self->cluster = self->class->cluster (self);
    if (!self->started)
        s_start (self);
    return self->cluster;
}

const char *
hf_links_list (hf_links_t *self, unsigned client)
{
    assert (self->cluster && client >= 1 && client <= self->clients);
    return self->class->list (self, client);
}

int
hf_links_namespace (const hf_links_t *self, unsigned client)
{
    assert (client >= 1 && client <= self->clients);
    return self->class->network (self, client);
}
