//  Since when proposals wait (hf_laps.h).

#include "nodes/services/hf_laps.h"
#include <assert.h>

static hf_lap_t *
s_at (hf_laps_t *self, uint32_t number)
{
    return &self->ring[(self->first + number) % HF_LAPS];
}

void
hf_laps_put (hf_laps_t *self, uint64_t at, uint64_t since_us, uint64_t count)
{
    if (self->count == HF_LAPS)
        return;
    assert (self->count == 0 || s_at (self, self->count - 1)->at <= at);
    *s_at (self, self->count++) = (hf_lap_t){.at = at, .since_us = since_us, .count = count};
}

void
hf_laps_reach (hf_laps_t *self, uint64_t at, uint64_t now_us, hf_times_t *times)
{
    while (self->count > 0 && s_at (self, 0)->at <= at) {
        const hf_lap_t *lap = s_at (self, 0);
        assert (now_us >= lap->since_us);
        hf_times_add (times, now_us - lap->since_us, lap->count);
        self->first = (self->first + 1) % HF_LAPS;
        self->count--;
    }
}

void
hf_laps_clear (hf_laps_t *self)
{
    self->count = 0;
}
