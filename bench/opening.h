/*  opening.h - many connections and sessions: to open one is to wait for its answer, so many
 * threads do it. Not all connections come at once, as their handshakes have a limit of time.
 */
#ifndef HF_BENCH_OPENING_H_INCLUDED
#define HF_BENCH_OPENING_H_INCLUDED

#include "bench/bench.h"

typedef struct hf_opening {
    const hf_bench_options_t *options;
    hf_cluster_t *cluster; //  may be NULL
    bool shared;           //  clients that are made are on one thread
    uint32_t clients_count;
    uint32_t each;           //  sessions of a client
    hf_client_t **clients;   //  those that are NULL are made
    hf_session_t **sessions; //  each of the first client, then of the next; all are NULL before
    hf_session_fn *fn;       //  their events; may be NULL
    void *arg;
} hf_opening_t;

/*  Until all are open. False: not all are, which is reported; or hf_bench_wait is false. What there
 *  is is the caller's in any case. */
bool hf_opening_run (const hf_opening_t *self);

#endif
