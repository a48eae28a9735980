/*  watch.h - a thread that keeps asking which node leads, so that no fault waits for the answer. */
#ifndef HF_WATCH_H_INCLUDED
#define HF_WATCH_H_INCLUDED

#include "tests/cluster/harness/hf_cluster.h"

typedef struct hf_watch hf_watch_t;

hf_watch_t *hf_watch_new (const hf_cluster_t *cluster);
void hf_watch_destroy (hf_watch_t **self_p);

/*  The leader of the highest term that was heard of; 0: none yet. */
uint32_t hf_watch_leader (const hf_watch_t *self);
/*  How often another term's leader was found: less than there were, when they come fast. */
unsigned hf_watch_changes (const hf_watch_t *self);

#endif
