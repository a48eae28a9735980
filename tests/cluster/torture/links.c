//  The network between nodes and clients: by namespaces or by proxies.

#include "tests/cluster/torture/links_internal.h"
#include "base/hf_alloc.h"
#include "tests/kit/hf_wait.h"
#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S_ROUND_MS 20 //  the thread looks so often whether it is to end

//  ---- trouble ------------------------------------------------------------------

void
hf_links_trouble (hf_links_t *self, unsigned from, unsigned to, hf_trouble_t trouble)
{
    assert (from >= 1 && from <= HF_ENDS_MAX && to >= 1 && to <= HF_ENDS_MAX && from != to);
    assert (trouble.loss_percent <= 100);
    atomic_store (&self->trouble[from][to], trouble);
}

hf_trouble_t
hf_links_trouble_of (const hf_links_t *self, unsigned from, unsigned to)
{
    return atomic_load (&self->trouble[from][to]);
}

hf_fate_t
hf_links_draw (hf_links_t *self, unsigned from, unsigned to, uint32_t *delay_ms)
{
    hf_trouble_t trouble = hf_links_trouble_of (self, from, to);
    bool lost = !trouble.cut && trouble.loss_percent &&
                hf_random_u32 (&self->random, 100) < trouble.loss_percent;
    *delay_ms = trouble.delay_ms;
    if (trouble.jitter_ms)
        *delay_ms += hf_random_u32 (&self->random, trouble.jitter_ms);
    hf_fate_t fate = trouble.cut ? HF_CUT : lost ? HF_LOST : *delay_ms ? HF_LATE : HF_PASSED;
    atomic_fetch_add (&self->count[fate], 1);
    return fate;
}

uint64_t
hf_links_count (const hf_links_t *self, hf_fate_t fate)
{
    return atomic_load (&self->count[fate]);
}

//  ---- parcels --------------------------------------------------------------------

void
hf_parcels_add (hf_parcels_t *self, uint64_t due_ms, const void *bytes, size_t size)
{
    hf_parcel_t *parcel = hf_alloc (sizeof *parcel + size);
    *parcel = (hf_parcel_t){.due_ms = due_ms, .size = size};
    memcpy (parcel->bytes, bytes, size);
    if (self->last)
        self->last->next = parcel;
    else
        self->first = parcel;
    self->last = parcel;
    self->held += size;
}

void
hf_parcels_drop (hf_parcels_t *self)
{
    hf_parcel_t *parcel = self->first;
    self->held -= parcel->size;
    self->first = parcel->next;
    if (!self->first)
        self->last = NULL;
    free (parcel);
}

void
hf_parcels_clear (hf_parcels_t *self)
{
    while (self->first)
        hf_parcels_drop (self);
}

int
hf_parcels_wait (const hf_parcels_t *self, int wait_ms)
{
    uint64_t now_ms = hf_wait_now_ms (), due_ms = self->first ? self->first->due_ms : UINT64_MAX;
    uint64_t left_ms = due_ms > now_ms ? due_ms - now_ms : 0;
    return left_ms < (uint64_t)wait_ms ? (int)left_ms : wait_ms;
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

hf_links_t *
hf_links_new (hf_links_kind_t kind, unsigned nodes, unsigned clients, uint64_t seed,
              char why[HF_WHY_SIZE], hf_cluster_t **cluster)
{
    assert (nodes >= 1 && nodes <= 7 && clients <= HF_CREW_MAX);
    hf_links_t *self = hf_alloc (sizeof *self);
    self->nodes = nodes;
    self->clients = clients;
    self->random = (hf_random_t){seed};
    why[0] = 0;
    *cluster = NULL;
    if (kind != HF_LINKS_PROXIES) {
        self->class = &hf_links_switch;
        *cluster = self->class->open (self, why);
    }
    if (!*cluster && kind != HF_LINKS_NAMESPACES) {
        self->class = &hf_links_proxies;
        *cluster = self->class->open (self, why);
    }
    if (!*cluster) {
        free (self);
        return NULL;
    }
    hf_thread_start (&self->thread, s_run, self);
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
    pthread_join (self->thread, NULL);
    self->class->close (self);
    free (self);
}

hf_links_kind_t
hf_links_kind (const hf_links_t *self)
{
    return self->class->kind;
}

hf_place_t
hf_links_place (const hf_links_t *self, unsigned client)
{
    assert (client >= 1 && client <= self->clients);
    return self->place[client];
}

void
hf_links_set_list (hf_links_t *self, const char *list)
{
    for (unsigned client = 1; client <= self->clients; client++)
        self->place[client].list = list;
}
