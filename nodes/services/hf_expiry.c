#include "nodes/services/hf_expiry.h"
#include "base/hf_alloc.h"
#include "base/hf_table.h"
#include "base/hf_hash.h"
#include <assert.h>
#include <stdlib.h>

typedef struct watch {
    hf_table_node_t by_session;
    uint64_t session;
    uint64_t due_us; //  when it is due by all that was heard
    uint64_t key_us; //  what the heap is ordered by: never later than due_us
    size_t at;       //  its place in the heap
    bool ending;     //  taken as due, and no longer in the heap
} watch_t;

/*  A heap by key, the soonest on top. Being heard only raises due_us; the heap
 *  learns of it when the watch comes to the top, so hearing costs one look-up. */
struct hf_expiry {
    hf_table_t by_session;
    watch_t **heap;
    size_t count, room;
};

hf_expiry_t *
hf_expiry_new (void)
{
    hf_expiry_t *self = hf_alloc (sizeof (*self));
    hf_table_init (&self->by_session);
    return self;
}

void
hf_expiry_destroy (hf_expiry_t **self_p)
{
    hf_expiry_t *self = *self_p;
    if (!self)
        return;
    hf_expiry_clear (self);
    free (self->heap);
    free (self);
    *self_p = NULL;
}

void
hf_expiry_clear (hf_expiry_t *self)
{
    hf_table_node_t *node = hf_table_first (&self->by_session);
    while (node) {
        watch_t *watch = HF_AROUND (node, watch_t, by_session);
        node = hf_table_next (&self->by_session, node);
        free (watch);
    }
    hf_table_done (&self->by_session);
    self->count = 0;
}

static watch_t *
s_find (const hf_expiry_t *self, uint64_t session)
{
    hf_table_node_t *node = hf_table_seek (&self->by_session, hf_hash_u64 (0, session));
    for (; node; node = hf_table_again (node)) {
        watch_t *watch = HF_AROUND (node, watch_t, by_session);
        if (watch->session == session)
            return watch;
    }
    return NULL;
}

//  ---- the heap -----------------------------------------------------------------

static void
s_put (watch_t **heap, size_t at, watch_t *watch)
{
    heap[at] = watch;
    watch->at = at;
}

/*  Put WATCH into the gap at AT, or where it belongs above it. */
static void
s_rise (watch_t **heap, size_t at, watch_t *watch)
{
    while (at > 0 && heap[(at - 1) / 2]->key_us > watch->key_us) {
        s_put (heap, at, heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    s_put (heap, at, watch);
}

/*  Put WATCH into the gap at AT, or where it belongs below it. */
static void
s_sink (watch_t **heap, size_t count, size_t at, watch_t *watch)
{
    for (;;) {
        size_t child = 2 * at + 1;
        if (child + 1 < count && heap[child + 1]->key_us < heap[child]->key_us)
            child++;
        if (child >= count || heap[child]->key_us >= watch->key_us)
            break;
        s_put (heap, at, heap[child]);
        at = child;
    }
    s_put (heap, at, watch);
}

static void
s_push (hf_expiry_t *self, watch_t *watch)
{
    if (self->count == self->room) {
        self->room = self->room > 0 ? 2 * self->room : 64;
        self->heap = hf_alloc_again (self->heap, self->room * sizeof (watch_t *));
    }
    s_rise (self->heap, self->count++, watch);
}

static void
s_remove (hf_expiry_t *self, const watch_t *watch)
{
    size_t at = watch->at;
    assert (at < self->count && self->heap[at] == watch);
    watch_t *last = self->heap[--self->count];
    if (last == watch)
        return;
    if (last->key_us < watch->key_us)
        s_rise (self->heap, at, last);
    else
        s_sink (self->heap, self->count, at, last);
}

/*  The watch that is due first. Bring the heap up to date as far as that needs it. */
static watch_t *
s_soonest (const hf_expiry_t *self)
{
    while (self->count > 0) {
        watch_t *top = self->heap[0];
        assert (top->key_us <= top->due_us);
        if (top->key_us == top->due_us)
            return top;
        top->key_us = top->due_us;
        s_sink (self->heap, self->count, 0, top);
    }
    return NULL;
}

//  ---- the class ------------------------------------------------------------------

void
hf_expiry_heard (hf_expiry_t *self, uint64_t session, uint32_t ttl_ms, uint64_t now_us)
{
    assert (session != 0);
    uint64_t due_us = now_us + (uint64_t)ttl_ms * 1000;
    watch_t *watch = s_find (self, session);
    if (watch) {
        if (!watch->ending && watch->due_us < due_us)
            watch->due_us = due_us;
        return;
    }
    watch = hf_alloc (sizeof (*watch));
    *watch = (watch_t){.session = session, .due_us = due_us, .key_us = due_us};
    hf_table_insert (&self->by_session, &watch->by_session, hf_hash_u64 (0, session));
    s_push (self, watch);
}

void
hf_expiry_forget (hf_expiry_t *self, uint64_t session)
{
    watch_t *watch = s_find (self, session);
    if (!watch)
        return;
    if (!watch->ending)
        s_remove (self, watch);
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
hf_expiry_take (hf_expiry_t *self, uint64_t now_us)
{
    watch_t *watch = s_soonest (self);
    if (!watch || watch->due_us > now_us)
        return 0;
    s_remove (self, watch);
    watch->ending = true;
    return watch->session;
}

uint64_t
hf_expiry_next_us (const hf_expiry_t *self)
{
    const watch_t *watch = s_soonest (self);
    return watch ? watch->due_us : UINT64_MAX;
}
