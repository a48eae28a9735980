/*  helpers.h - connections that do nothing, in processes of their own: each takes more descriptors
 *  of its process than of a node, so that one process has too few for many.
 */
#ifndef HF_BENCH_HELPERS_H_INCLUDED
#define HF_BENCH_HELPERS_H_INCLUDED

#include "bench/bench.h"

typedef struct hf_helpers hf_helpers_t;

/*  COUNT connections with a session each, kept alive from then on; they are open when this returns.
 *  CLUSTER may be NULL. NULL: that failed, which is reported. From the main thread. */
hf_helpers_t *hf_helpers_new (const hf_bench_options_t *options, hf_cluster_t *cluster,
                              uint32_t count);
void hf_helpers_destroy (hf_helpers_t **self_p);

/*  End them. How many sessions were lost until then, those of a helper that failed included. */
uint32_t hf_helpers_end (hf_helpers_t *self);

#endif
