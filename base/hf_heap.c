//  A heap of rows that carry their own links.

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

#define BELOW 4 //  places below each

static bool
s_before (const hf_heap_place_t *a, const hf_heap_place_t *b)
{
    return a->key != b->key ? a->key < b->key : a->order < b->order;
}

static void
s_put (hf_heap_t *self, size_t slot, hf_heap_place_t place)
{
    self->list[slot] = place;
    place.node->slot = slot;
}

static size_t
s_above (size_t slot)
{
    return (slot - 2) / BELOW + 1;
}

/*  PLACE goes to SLOT, or nearer to the top. Gives where it is. */
static size_t
s_up (hf_heap_t *self, size_t slot, hf_heap_place_t place)
{
    while (slot > 1 && s_before (&place, &self->list[s_above (slot)])) {
        s_put (self, slot, self->list[s_above (slot)]);
        slot = s_above (slot);
    }
    s_put (self, slot, place);
    return slot;
}

/*  The first of the places below SLOT; 0: there are none. */
static size_t
s_first_below (const hf_heap_t *self, size_t slot)
{
    size_t first = (slot - 1) * BELOW + 2, best = first;
    for (size_t at = first + 1; at < first + BELOW && at <= self->count; at++)
        if (s_before (&self->list[at], &self->list[best]))
            best = at;
    return first <= self->count ? best : 0;
}

static void
s_down (hf_heap_t *self, size_t slot)
{
    hf_heap_place_t place = self->list[slot];
    size_t below;
    while ((below = s_first_below (self, slot)) != 0 && s_before (&self->list[below], &place)) {
        s_put (self, slot, self->list[below]);
        slot = below;
    }
    s_put (self, slot, place);
}

void
hf_heap_remove (hf_heap_t *self, hf_heap_node_t *node)
{
    if (node->slot == 0)
        return;
    size_t slot = node->slot;
    assert (slot <= self->count && self->list[slot].node == node);
    node->slot = 0;
    hf_heap_place_t last = self->list[self->count--];
    if (last.node != node)
        s_down (self, s_up (self, slot, last));
}

void
hf_heap_set (hf_heap_t *self, hf_heap_node_t *node, uint64_t key)
{
    if (key == HF_NEVER) {
        hf_heap_remove (self, node);
        return;
    }
    size_t slot = node->slot;
    if (slot == 0) {
        self->list = hf_array_room (self->list, &self->room, self->count + 2, sizeof *self->list);
        slot = ++self->count;
    }
    node->key = key;
    hf_heap_place_t place = {.key = key, .order = self->order++, .node = node};
    s_down (self, s_up (self, slot, place));
}

hf_heap_node_t *
hf_heap_top (const hf_heap_t *self)
{
    return self->count > 0 ? self->list[1].node : NULL;
}

uint64_t
hf_heap_key (const hf_heap_t *self)
{
    return self->count > 0 ? self->list[1].key : HF_NEVER;
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
