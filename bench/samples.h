/*  samples.h - what nodes took, over a run, and whether it stays the same. */
#ifndef HF_BENCH_SAMPLES_H_INCLUDED
#define HF_BENCH_SAMPLES_H_INCLUDED

#include "bench/usage.h"
#include <stddef.h>

typedef struct hf_samples hf_samples_t;

hf_samples_t *hf_samples_new (uint32_t nodes);
void hf_samples_destroy (hf_samples_t **self_p);

/*  One sample of every node, after so many operations; never fewer than before. */
void hf_samples_add (hf_samples_t *self, uint64_t operations, const hf_usage_t *nodes);
size_t hf_samples_count (const hf_samples_t *self);

/*  A table with a line of names and tabs between columns: operations, then for each node rss_kib,
 *  log_kib, state_kib, filesdb_kib, files_kib, other_kib. 0, or -1 with errno. */
int hf_samples_write (const hf_samples_t *self, const char *path);

typedef enum hf_samples_what { HF_SAMPLES_MEMORY, HF_SAMPLES_DATABASES } hf_samples_what_t;

/*  The greatest value in the last quarter of all operations, divided by the greatest in the second
 *  quarter: 1 where it is flat, 2.3 or so where it grows with the operations. The first quarter is
 *  for what grows once. NODE: from 0. 0: too few samples to say. */
double hf_samples_growth (const hf_samples_t *self, uint32_t node, hf_samples_what_t what);

#define HF_SAMPLES_FLAT 1.1 //  up to this it counts as flat

#endif
