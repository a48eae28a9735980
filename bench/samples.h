/*  samples.h - what nodes took, over a run: memory, and disk by part of the data folder; and
 * whether it stays the same. */
#ifndef HF_BENCH_SAMPLES_H_INCLUDED
#define HF_BENCH_SAMPLES_H_INCLUDED

#include <stddef.h>
#include <stdint.h>

/*  KiB of one node at one moment, rounded up. A database's size has its write-ahead log in it. */
typedef enum hf_usage_part {
    HF_USAGE_RSS,
    HF_USAGE_LOG,
    HF_USAGE_STATE,
    HF_USAGE_FILESDB,
    HF_USAGE_FILES, //  the replicated files themselves
    HF_USAGE_OTHER, //  the rest of the folder: a state that comes in, for one
    HF_USAGE_PARTS
} hf_usage_part_t;
typedef struct hf_usage {
    uint64_t kib[HF_USAGE_PARTS];
} hf_usage_t;

/*  All of it but the memory, of a node with its data in FOLDER. 0, or -1 with errno. A file that is
 *  removed meanwhile is no error. */
int hf_usage_take (const char *folder, hf_usage_t *usage);

/*  The three databases together. */
uint64_t hf_usage_databases_kib (const hf_usage_t *self);

typedef struct hf_samples hf_samples_t;

hf_samples_t *hf_samples_new (uint32_t nodes);
void hf_samples_destroy (hf_samples_t **self_p);

/*  One sample of every node, after so many operations; never fewer than before. */
void hf_samples_add (hf_samples_t *self, uint64_t operations, const hf_usage_t *nodes);

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
