//  Connections whose handshake has not ended (hf_halves.h).

#include "broker-less/hf_halves.h"
#include "base/hf_mutant.h"
#include <assert.h>

void
hf_halves_init (hf_halves_t *self)
{
    *self = (hf_halves_t){.first = -1, .last = -1};
}

void
hf_halves_add (hf_halves_t *self, int fd, uint64_t now_us)
{
    assert (fd >= 0);
    while (self->list.count <= (size_t)fd)
        *hf_array_add (&self->list) = (hf_half_t){.in = false};
    assert (!self->list.list[fd].in);
    self->list.list[fd] =
        (hf_half_t){.in = true, .before = self->last, .after = -1, .since_us = now_us};
    if (self->last >= 0)
        self->list.list[self->last].after = fd;
    else
        self->first = fd;
    self->last = fd;
    self->count++;
}

void
hf_halves_drop (hf_halves_t *self, int fd)
{
    if (fd < 0 || (size_t)fd >= self->list.count || !self->list.list[fd].in)
        return;
    hf_half_t *half = &self->list.list[fd];
    *(half->before >= 0 ? &self->list.list[half->before].after : &self->first) = half->after;
    *(half->after >= 0 ? &self->list.list[half->after].before : &self->last) = half->before;
    half->in = false;
    assert (self->count > 0);
    self->count--;
}

hf_half_step_t
hf_halves_next (const hf_halves_t *self, uint32_t most, uint64_t young_us, uint64_t now_us,
                int *oldest)
{
    *oldest = -1;
    if (most == 0 || self->count < most || HF_MUTANT (halves_unlimited))
        return HF_HALF_TAKE;
    *oldest = HF_MUTANT (youngest_cut) ? self->last : self->first;
    bool young = now_us < self->list.list[self->first].since_us + young_us;
    return young && !HF_MUTANT (young_cut) ? HF_HALF_REFUSE : HF_HALF_CUT;
}
