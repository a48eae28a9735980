//  Histograms of times, and how they are written.

#include "msgs/hf_times.h"
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MS     1000ULL
#define SECOND 1000000ULL

const uint64_t hf_times_bounds_us[HF_TIMES_BOUNDS] = {
    100,        200,         500,         1 * MS,      2 * MS,       5 * MS,       10 * MS,
    20 * MS,    50 * MS,     100 * MS,    200 * MS,    500 * MS,     1 * SECOND,   2 * SECOND,
    5 * SECOND, 10 * SECOND, 30 * SECOND, 60 * SECOND, 300 * SECOND, 1800 * SECOND};

void
hf_times_add (hf_times_t *self, uint64_t us, uint64_t count)
{
    size_t at = 0;
    while (at < HF_TIMES_BOUNDS && us > hf_times_bounds_us[at])
        at++;
    self->counts[at] += count;
    self->sum_us += us * count;
}

uint64_t
hf_times_count (const hf_times_t *self)
{
    uint64_t count = 0;
    for (size_t i = 0; i <= HF_TIMES_BOUNDS; i++)
        count += self->counts[i];
    return count;
}

uint64_t
hf_times_percentile_us (const hf_times_t *self, unsigned percent)
{
    assert (percent <= 100);
    double left = (double)hf_times_count (self) * percent / 100;
    uint64_t below = 0;
    for (size_t i = 0; i < HF_TIMES_BOUNDS && left > 0; i++) {
        double count = (double)self->counts[i];
        if (left <= count)
            return below + (uint64_t)((double)(hf_times_bounds_us[i] - below) * left / count);
        left -= count;
        below = hf_times_bounds_us[i];
    }
    return below;
}

void
hf_times_text (const hf_times_t *self, char text[HF_TIMES_TEXT])
{
    size_t last = HF_TIMES_BOUNDS, used = 0;
    while (last > 0 && self->counts[last] == 0)
        last--;
    for (size_t i = 0; i <= last; i++) {
        int size = snprintf (text + used, HF_TIMES_TEXT - used, i > 0 ? " %" PRIu64 : "%" PRIu64,
                             self->counts[i]);
        assert (size > 0 && used + (size_t)size < HF_TIMES_TEXT);
        used += (size_t)size;
    }
}

/*  A number of at most 18 digits at *text, and what follows it; false: there is none. */
static bool
s_number (hf_span_t *text, uint64_t *number)
{
    size_t digits = 0;
    *number = 0;
    for (; digits < text->size && text->at[digits] >= '0' && text->at[digits] <= '9'; digits++) {
        if (digits == 18)
            return false;
        *number = *number * 10 + (uint64_t)(text->at[digits] - '0');
    }
    *text = hf_span (text->at + digits, text->size - digits);
    return digits > 0;
}

bool
hf_times_get (hf_times_t *self, hf_span_t text, uint64_t sum_us)
{
    *self = (hf_times_t){.sum_us = sum_us};
    for (size_t i = 0; i <= HF_TIMES_BOUNDS; i++) {
        if (!s_number (&text, &self->counts[i]))
            return false;
        if (text.size == 0)
            return true;
        if (text.at[0] != ' ')
            return false;
        text = hf_span (text.at + 1, text.size - 1);
    }
    return false;
}
