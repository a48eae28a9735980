//  A binary heap of rows that carry their own links.

#include "base/hf_heap.h"
#include "base/hf_array.h"
#include <assert.h>
#include <stdbool.h>

void
hf_heap_done (hf_heap_t *self)
{
    free (self->list);
    *self = (hf_heap_t){.list = NULL};
}

static bool
s_before (const hf_heap_node_t *a, const hf_heap_node_t *b)
{
    return a->key != b->key ? a->key < b->key : a->order < b->order;
}

static void
s_put (hf_heap_t *self, size_t slot, hf_heap_node_t *node)
{
    self->list[slot] = node;
    node->slot = slot;
}

static void
s_up (hf_heap_t *self, hf_heap_node_t *node)
{
    size_t slot = node->slot;
    for (; slot > 1 && s_before (node, self->list[slot / 2]); slot /= 2)
        s_put (self, slot, self->list[slot / 2]);
    s_put (self, slot, node);
}

static void
s_down (hf_heap_t *self, hf_heap_node_t *node)
{
    size_t slot = node->slot;
    for (;;) {
        size_t child = slot * 2;
        if (child < self->count && s_before (self->list[child + 1], self->list[child]))
            child++;
        if (child > self->count || s_before (node, self->list[child]))
            break;
        s_put (self, slot, self->list[child]);
        slot = child;
    }
    s_put (self, slot, node);
}

void
hf_heap_remove (hf_heap_t *self, hf_heap_node_t *node)
{
    if (node->slot == 0)
        return;
    size_t slot = node->slot;
    assert (slot <= self->count && self->list[slot] == node);
    node->slot = 0;
    hf_heap_node_t *last = self->list[self->count--];
    if (last == node)
        return;
    s_put (self, slot, last);
    s_up (self, last);
    s_down (self, last);
}

void
hf_heap_set (hf_heap_t *self, hf_heap_node_t *node, uint64_t key)
{
    if (key == HF_NEVER) {
        hf_heap_remove (self, node);
        return;
    }
    node->key = key;
    node->order = self->order++;
    if (node->slot == 0) {
        self->list =
            hf_array_room (self->list, &self->room, self->count + 2, sizeof (hf_heap_node_t *));
        s_put (self, ++self->count, node);
    }
    s_up (self, node);
    s_down (self, node);
}

hf_heap_node_t *
hf_heap_top (const hf_heap_t *self)
{
    return self->count > 0 ? self->list[1] : NULL;
}

uint64_t
hf_heap_key (const hf_heap_t *self)
{
    return self->count > 0 ? self->list[1]->key : HF_NEVER;
}

hf_heap_node_t *
hf_heap_take (hf_heap_t *self, uint64_t limit)
{
    hf_heap_node_t *top = hf_heap_top (self);
    if (!top || top->key > limit)
        return NULL;
    hf_heap_remove (self, top);
    return top;
}
