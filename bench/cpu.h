/*  cpu.h - processor time of a run, by who spent it: the leader, the followers, this program with
 *  its clients. Of nodes started here alone: of others the pids are not known.
 */
#ifndef HF_BENCH_CPU_H_INCLUDED
#define HF_BENCH_CPU_H_INCLUDED

#include "bench/bench.h"
#include <jansson.h>

typedef struct hf_cpu {
    uint32_t nodes;  //  0: none were started here
    uint32_t leader; //  at that moment; 0: nobody
    uint64_t node_ns[HF_MEMBERS_MAX], client_ns;
} hf_cpu_t;

/*  All that was spent until now. CLUSTER may be NULL. */
void hf_cpu_take (hf_cpu_t *self, hf_cluster_t *cluster);

typedef struct hf_cpu_each {
    bool nodes; //  LEADER_US and FOLLOWER_US are known: nodes run here, and one led all the time
    double leader_us, follower_us; //  one follower, not all together
    double client_us;
} hf_cpu_each_t;

/*  Between two moments, for each of REQUESTS. */
hf_cpu_each_t hf_cpu_each (const hf_cpu_t *from, const hf_cpu_t *to, uint64_t requests);

/*  The same as a JSON object, the caller's, and as a line on stdout. */
json_t *hf_cpu_json (const hf_cpu_each_t *self);
void hf_cpu_print (const hf_cpu_each_t *self);

#endif
