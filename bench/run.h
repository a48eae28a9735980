/*  run.h - the commands: each gives the exit code. */
#ifndef HF_BENCH_RUN_H_INCLUDED
#define HF_BENCH_RUN_H_INCLUDED

#include "bench/bench.h"
#include "bench/local.h"

/*  LOCAL: the nodes started here, NULL when none were. */
int hf_run_load (const hf_bench_options_t *options, hf_local_t *local);
//  These need nodes that were started here.
int hf_run_failover (const hf_bench_options_t *options, hf_local_t *local);
int hf_run_soak (const hf_bench_options_t *options, hf_local_t *local);
int hf_run_catchup (const hf_bench_options_t *options, hf_local_t *local);

#endif
