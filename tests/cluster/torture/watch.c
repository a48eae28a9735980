//  A thread that keeps asking the nodes which of them leads.

#include "tests/cluster/torture/world.h"
#include "base/hf_alloc.h"
#include "tests/cluster/torture/links_internal.h"
#include <stdlib.h>
#include <string.h>

#define S_ASK_MS   300
#define S_PAUSE_MS 200

struct hf_watch {
    const hf_cluster_t *cluster;
    pthread_t thread;
    atomic_bool stop;
    uint64_t term;
    atomic_uint leader;
    atomic_uint port[8]; //  of nodes, by id; 0: not asked
    atomic_uint changes;
};

static void *
s_run (void *arg)
{
    hf_watch_t *self = arg;
    while (!atomic_load (&self->stop)) {
        for (unsigned id = 1; id <= hf_cluster_count (self->cluster) && !atomic_load (&self->stop);
             id++) {
            hf_node_status_t status;
            uint16_t port = (uint16_t)atomic_load (&self->port[id]);
            if (port == 0 ||
                !hf_status_ask (hf_cluster_address (self->cluster, id), port, &status, S_ASK_MS) ||
                strcmp (status.role, "leader") != 0 || status.term <= self->term)
                continue;
            self->term = status.term;
            atomic_store (&self->leader, id);
            atomic_fetch_add (&self->changes, 1);
        }
        HF_WAIT (atomic_load (&self->stop), S_PAUSE_MS);
    }
    return NULL;
}

void
hf_watch_look (hf_watch_t *self, uint32_t id)
{
    bool there = !hf_cluster_apart (self->cluster, id);
    atomic_store (&self->port[id], there ? hf_cluster_client_port (self->cluster, id) : 0u);
}

hf_watch_t *
hf_watch_new (const hf_cluster_t *cluster)
{
    hf_watch_t *self = hf_alloc (sizeof *self);
    self->cluster = cluster;
    for (uint32_t id = 1; id <= hf_cluster_count (cluster); id++)
        hf_watch_look (self, id);
    hf_thread_start (&self->thread, s_run, self);
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
