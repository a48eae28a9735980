/*  crowd.h - what a cluster has to carry while it is measured: locks that are held, waiters in one
 *  queue, connections that do nothing.
 */
#ifndef HF_BENCH_CROWD_H_INCLUDED
#define HF_BENCH_CROWD_H_INCLUDED

#include "bench/bench.h"

typedef struct hf_crowd hf_crowd_t;

/*  Hold OPTIONS->held locks, and one more for those who wait. All are held when this returns.
 *  CLUSTER may be NULL. NULL: that failed, which is reported. */
hf_crowd_t *hf_crowd_new (const hf_bench_options_t *options, hf_cluster_t *cluster);

/*  Then let OPTIONS->waiters sessions wait for that one, and open OPTIONS->idle connections with a
 *  session each. False: as above. Once. */
bool hf_crowd_join (hf_crowd_t *self);

/*  Their sessions are left to their time to live. */
void hf_crowd_destroy (hf_crowd_t **self_p);

/*  How many of its sessions were lost until now; the idle connections are then closed. Once. */
uint32_t hf_crowd_lost (hf_crowd_t *self);

/*  How long each of the three took to make. */
double hf_crowd_held_s (const hf_crowd_t *self);
double hf_crowd_queued_s (const hf_crowd_t *self);
double hf_crowd_idle_s (const hf_crowd_t *self);

#endif
