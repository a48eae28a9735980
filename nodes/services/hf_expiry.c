//  The expiry clock: a heap of sessions by when they are due. Being heard only puts that off, and
//  the heap learns of it when the session comes to its top: hearing costs one look-up.

#include "nodes/services/hf_expiry.h"
#include "base/hf_alloc.h"
#include "base/hf_hash.h"
#include "base/hf_heap.h"
#include "base/hf_mutant.h"
#include "base/hf_table.h"
#include <assert.h>
#include <stdlib.h>

typedef struct watch {
    hf_table_node_t by_session;
    hf_heap_node_t by_due; //  its key is never later than due_us
    uint64_t session;
    uint64_t due_us;
    bool ending; //  taken as due, and no longer in the heap
} watch_t;

struct hf_expiry {
    hf_table_t by_session;
    hf_heap_t by_due;
};

hf_expiry_t *
hf_expiry_new (void)
{
    hf_expiry_t *self = hf_alloc (sizeof *self);
    hf_table_init (&self->by_session);
    return self;
}

void
hf_expiry_destroy (hf_expiry_t **self_p)
{
    if (!*self_p)
        return;
    hf_expiry_clear (*self_p);
    free (*self_p);
    *self_p = NULL;
}

void
hf_expiry_clear (hf_expiry_t *self)
{
    hf_table_free (&self->by_session);
    hf_heap_done (&self->by_due);
}

static watch_t *
s_find (const hf_expiry_t *self, uint64_t session)
{
    hf_table_node_t *node = hf_table_seek (&self->by_session, hf_hash_u64 (0, session));
    for (; node; node = hf_table_again (node))
        if (HF_AROUND (node, watch_t, by_session)->session == session)
            return HF_AROUND (node, watch_t, by_session);
    return NULL;
}

void
hf_expiry_heard (hf_expiry_t *self, uint64_t session, uint32_t ttl_ms, uint64_t now_us)
{
    assert (session != 0);
    uint64_t due_us = now_us + (uint64_t)ttl_ms * (HF_MUTANT (expires_early) ? 600 : 1000);
    watch_t *watch = s_find (self, session);
    if (!watch) {
        watch = hf_alloc (sizeof *watch);
        watch->session = session;
        watch->due_us = due_us;
        hf_table_insert (&self->by_session, &watch->by_session, hf_hash_u64 (0, session));
        hf_heap_set (&self->by_due, &watch->by_due, due_us);
    } else if (watch->ending && HF_MUTANT (ending_heard)) {
        watch->ending = false;
        watch->due_us = due_us;
        hf_heap_set (&self->by_due, &watch->by_due, due_us);
    } else if (!watch->ending && watch->due_us < due_us)
        watch->due_us = due_us;
}

void
hf_expiry_forget (hf_expiry_t *self, uint64_t session)
{
    watch_t *watch = s_find (self, session);
    if (!watch)
        return;
    hf_heap_remove (&self->by_due, &watch->by_due);
    hf_table_remove (&self->by_session, &watch->by_session);
    free (watch);
}

bool
hf_expiry_ending (const hf_expiry_t *self, uint64_t session)
{
    const watch_t *watch = s_find (self, session);
    return watch && watch->ending;
}

uint64_t
hf_expiry_next_us (hf_expiry_t *self)
{
    hf_heap_node_t *top;
    while ((top = hf_heap_top (&self->by_due))) {
        const watch_t *watch = HF_AROUND (top, watch_t, by_due);
        assert (top->key <= watch->due_us);
        if (top->key == watch->due_us)
            break;
        hf_heap_set (&self->by_due, top, watch->due_us);
    }
    return hf_heap_key (&self->by_due);
}

uint64_t
hf_expiry_take (hf_expiry_t *self, uint64_t now_us)
{
    hf_expiry_next_us (self);
    hf_heap_node_t *top = hf_heap_take (&self->by_due, now_us);
    if (!top)
        return 0;
    watch_t *watch = HF_AROUND (top, watch_t, by_due);
    watch->ending = true;
    return watch->session;
}
