/*  histogram.h - how often which latency was seen.
 *
 *  Log-linear buckets: 128 to each power of two, so that a quantile is read
 *  within 0.8 % of the true value at any size, in constant memory. Not
 *  thread-safe: one writer, then merge.
 */
#ifndef HF_BENCH_HISTOGRAM_H_INCLUDED
#define HF_BENCH_HISTOGRAM_H_INCLUDED

#include <stdint.h>

typedef struct hf_histogram hf_histogram_t;

hf_histogram_t *hf_histogram_new (void);
void hf_histogram_destroy (hf_histogram_t **self_p);

void hf_histogram_add (hf_histogram_t *self, uint64_t value);
/*  Add all that OTHER has seen. */
void hf_histogram_merge (hf_histogram_t *self, const hf_histogram_t *other);

uint64_t hf_histogram_count (const hf_histogram_t *self);
double hf_histogram_mean (const hf_histogram_t *self);

/*  The value that the share Q (0 to 1) of all values does not pass; 0 when empty. With 1 it is
 *  exact: the greatest. */
uint64_t hf_histogram_quantile (const hf_histogram_t *self, double q);

#endif
