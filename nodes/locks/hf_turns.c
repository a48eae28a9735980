//  A line from which anybody may leave (hf_turns.h).
#include "nodes/locks/hf_turns.h"
#include "base/hf_alloc.h"
#include <assert.h>
#include <stdlib.h>

void
hf_turns_begin (hf_turns_t *self, uint32_t room)
{
    hf_turns_done (self);
    assert (room > 0 && room <= 1U << 30);
    for (self->room = 1; self->room < room;)
        self->room *= 2;
    self->counts = hf_alloc ((self->room + 1) * sizeof *self->counts);
}

void
hf_turns_done (hf_turns_t *self)
{
    free (self->counts);
    *self = (hf_turns_t){.counts = NULL};
}

/*  The lowest bit of AT: so many tickets end there. */
static uint32_t
s_span (uint32_t at)
{
    return at & (~at + 1);
}

uint32_t
hf_turns_join (hf_turns_t *self)
{
    assert (self->counts);
    if (self->last == self->room)
        return 0;
    self->last++;
    for (uint32_t at = self->last; at <= self->room; at += s_span (at))
        self->counts[at]++;
    return self->last;
}

void
hf_turns_leave (hf_turns_t *self, uint32_t ticket)
{
    assert (ticket > 0 && ticket <= self->last);
    for (uint32_t at = ticket; at <= self->room; at += s_span (at)) {
        assert (self->counts[at] > 0);
        self->counts[at]--;
    }
}

uint32_t
hf_turns_upto (const hf_turns_t *self, uint32_t ticket)
{
    assert (ticket <= self->last);
    uint32_t count = 0;
    for (uint32_t at = ticket; at > 0; at -= s_span (at))
        count += self->counts[at];
    return count;
}
