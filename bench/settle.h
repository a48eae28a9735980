/*  settle.h - what the nodes say of themselves, and whether all is well with them. */
#ifndef HF_BENCH_SETTLE_H_INCLUDED
#define HF_BENCH_SETTLE_H_INCLUDED

#include "bench/bench.h"
#include "bench/local.h"

typedef struct hf_facts {
    bool leads;
    uint64_t leader, term, first, commit, applied, links; //  FIRST of its log; 0: unknown
    bool counts_told;                                     //  it reports which nodes count
    uint32_t not_counted; //  bit ID: that node does not, as far as this one knows
} hf_facts_t;

/*  Ask node ID; false: it does not answer within LIMIT_MS. */
bool hf_facts_ask (hf_client_t *client, uint32_t id, hf_facts_t *facts, uint32_t limit_ms);

/*  Wait until every one of COUNT nodes follows one leader in one term, is linked to all others,
 *  has applied what the leader had committed a moment before, and counts, all this for a while; and
 *  node 1 leads, unless that takes too long. False: that did not come, which has been told, or the
 *  program is to end. */
bool hf_settle (hf_client_t *client, hf_local_t *local, uint32_t count, uint32_t *leader);

#endif
