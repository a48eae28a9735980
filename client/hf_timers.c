#include "client/hf_timers.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

void
hf_timers_init (hf_timers_t *self)
{
    memset (self, 0, sizeof *self);
}

void
hf_timers_done (hf_timers_t *self)
{
    free (self->heap);
    memset (self, 0, sizeof *self);
}

static void
s_put (hf_timers_t *self, size_t slot, hf_timer_t *timer)
{
    self->heap[slot] = timer;
    timer->slot = slot;
}

static void
s_up (hf_timers_t *self, hf_timer_t *timer)
{
    size_t slot = timer->slot;
    for (; slot > 1 && self->heap[slot / 2]->at_us > timer->at_us; slot /= 2)
        s_put (self, slot, self->heap[slot / 2]);
    s_put (self, slot, timer);
}

static void
s_down (hf_timers_t *self, hf_timer_t *timer)
{
    size_t slot = timer->slot;
    for (;;) {
        size_t child = slot * 2;
        if (child > self->count)
            break;
        if (child < self->count && self->heap[child + 1]->at_us < self->heap[child]->at_us)
            child++;
        if (self->heap[child]->at_us >= timer->at_us)
            break;
        s_put (self, slot, self->heap[child]);
        slot = child;
    }
    s_put (self, slot, timer);
}

void
hf_timers_clear (hf_timers_t *self, hf_timer_t *timer)
{
    if (timer->slot == 0)
        return;
    size_t slot = timer->slot;
    assert (slot <= self->count && self->heap[slot] == timer);
    timer->slot = 0;
    hf_timer_t *last = self->heap[self->count--];
    if (last == timer)
        return;
    s_put (self, slot, last);
    s_up (self, last);
    s_down (self, last);
}

void
hf_timers_set (hf_timers_t *self, hf_timer_t *timer, uint64_t at_us)
{
    if (at_us == HF_NEVER) {
        hf_timers_clear (self, timer);
        return;
    }
    timer->at_us = at_us;
    if (timer->slot == 0) {
        if (self->count + 1 >= self->room) {
            self->room = self->room ? self->room * 2 : 64;
            self->heap = realloc (self->heap, self->room * sizeof *self->heap);
            if (!self->heap)
                abort ();
        }
        s_put (self, ++self->count, timer);
    }
    s_up (self, timer);
    s_down (self, timer);
}

uint64_t
hf_timers_due_us (const hf_timers_t *self)
{
    return self->count > 0 ? self->heap[1]->at_us : HF_NEVER;
}

hf_timer_t *
hf_timers_take (hf_timers_t *self, uint64_t now_us)
{
    if (hf_timers_due_us (self) > now_us)
        return NULL;
    hf_timer_t *timer = self->heap[1];
    hf_timers_clear (self, timer);
    return timer;
}
