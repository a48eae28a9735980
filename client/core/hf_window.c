//  The requests of a session that wait for their answers, by seq.

#include "client/core/hf_window.h"
#include "base/hf_alloc.h"
#include "msgs/hf_limits.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_START 4   //  sizes are powers of two
#define SIZE_KEPT  256 //  a window that is empty gives back more than this

void
hf_window_init (hf_window_t *self)
{
    *self = (hf_window_t){.size = SIZE_START, .floor = 1, .next = 1};
    self->slots = hf_alloc (self->size * sizeof *self->slots);
}

void
hf_window_done (hf_window_t *self)
{
    free (self->slots);
    memset (self, 0, sizeof *self);
}

bool
hf_window_full (const hf_window_t *self)
{
    //  One less than the cluster takes, so that an off-by-one over there costs nothing here.
    return self->next - self->floor >= HF_WINDOW_MAX - 1;
}

static void **
s_slot (const hf_window_t *self, uint64_t seq)
{
    return &self->slots[seq & (self->size - 1)];
}

static void
s_grow (hf_window_t *self)
{
    uint64_t size = self->size * 2;
    assert (size <= HF_WINDOW_MAX);
    void **slots = hf_alloc (size * sizeof *slots);
    for (uint64_t seq = self->floor; seq < self->next; seq++)
        slots[seq & (size - 1)] = *s_slot (self, seq);
    free (self->slots);
    self->slots = slots;
    self->size = size;
}

uint64_t
hf_window_put (hf_window_t *self, void *item)
{
    assert (item && !hf_window_full (self));
    if (self->next - self->floor >= self->size)
        s_grow (self);
    uint64_t seq = self->next++;
    assert (!*s_slot (self, seq));
    *s_slot (self, seq) = item;
    return seq;
}

void *
hf_window_get (const hf_window_t *self, uint64_t seq)
{
    return seq >= self->floor && seq < self->next ? *s_slot (self, seq) : NULL;
}

void *
hf_window_take (hf_window_t *self, uint64_t seq)
{
    void *item = hf_window_get (self, seq);
    if (!item)
        return NULL;
    *s_slot (self, seq) = NULL;
    while (self->floor < self->next && !*s_slot (self, self->floor))
        self->floor++;
    if (self->floor == self->next && self->size > SIZE_KEPT) {
        hf_window_t empty;
        hf_window_init (&empty);
        free (self->slots);
        self->slots = empty.slots;
        self->size = empty.size;
    }
    return item;
}
