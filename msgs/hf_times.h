/*  hf_times.h - how often something took how long: a histogram with fixed buckets.
 *
 *  Adding is a walk over a few bounds and two additions: no allocation, and no clock. Not
 *  thread-safe. On the wire it is a FACT_ROW whose text has the counts and whose number is the sum.
 */
#ifndef HF_TIMES_H_INCLUDED
#define HF_TIMES_H_INCLUDED

#include "base/hf_span.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HF_TIMES_BOUNDS 20
#define HF_TIMES_TEXT   (21 * (HF_TIMES_BOUNDS + 1))

/*  Upper bounds of the buckets, in microseconds: 0.1 ms to half an hour. What takes longer than the
 *  last is counted behind it. */
extern const uint64_t hf_times_bounds_us[HF_TIMES_BOUNDS];

typedef struct hf_times {
    uint64_t counts[HF_TIMES_BOUNDS + 1]; //  of each bucket, not summed up
    uint64_t sum_us;
} hf_times_t;

/*  COUNT times it took US. */
void hf_times_add (hf_times_t *self, uint64_t us, uint64_t count);

uint64_t hf_times_count (const hf_times_t *self);

/*  About the time that PERCENT of all do not exceed, taken as spread evenly in their bucket; the
 *  last bound when it is behind that, 0 when there is none. */
uint64_t hf_times_percentile_us (const hf_times_t *self, unsigned percent);

/*  The counts, with blanks between them; those at the end that are 0 are left out, but one. */
void hf_times_text (const hf_times_t *self, char text[HF_TIMES_TEXT]);

/*  From such a text, which may be of another node, and the sum. False: it is none; *self is void.
 */
bool hf_times_get (hf_times_t *self, hf_span_t text, uint64_t sum_us);

#endif
