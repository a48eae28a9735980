/*  load.h - workers that acquire and release, and their latencies.
 *
 *  A worker is a chain of callbacks on its connection's thread: granted, so release; released,
 *  so acquire. There is no thread per worker. One that fails counts its error and ends.
 */
#ifndef HF_BENCH_LOAD_H_INCLUDED
#define HF_BENCH_LOAD_H_INCLUDED

#include "bench/bench.h"
#include "bench/histogram.h"

typedef struct hf_load hf_load_t;

typedef struct hf_load_config {
    const char *endpoints; //  NULL: the environment's
    uint32_t workers;
    uint32_t connections; //  workers are spread over them
    uint32_t sessions;    //  on each connection; its workers are spread over them
    uint32_t ttl_ms;
    bool one_lock;         //  all want the same lock; each needs a session of its own then
    bool fresh_locks;      //  every cycle has a lock of its own, never seen before
    bool keep_each;        //  for hf_load_window
    uint32_t append_every; //  one cycle in so many appends HF_LOAD_APPEND bytes; 0: none
} hf_load_config_t;

#define HF_LOAD_APPEND   16 //  bytes
#define HF_LOAD_FILES    4  //  that appends go to, in turn
#define HF_LOAD_STATUSES 96 //  above every status there is

/*  As the options say; the fields below ttl_ms are left to the command. */
hf_load_config_t hf_load_config (const hf_bench_options_t *options);

/*  Connect and open the sessions. NULL: that failed, which is reported. */
hf_load_t *hf_load_new (const hf_load_config_t *config);
/*  Ends the sessions too. CLOSE false: their cluster ends anyway, do not take the time. */
void hf_load_destroy (hf_load_t **self_p, bool close);

void hf_load_start (hf_load_t *self);

/*  From now on results count, until hf_load_end. */
void hf_load_begin (hf_load_t *self);
void hf_load_end (hf_load_t *self);

/*  Let every worker finish its cycle. Gives how many did not within LIMIT_MS. */
uint32_t hf_load_stop (hf_load_t *self, uint32_t limit_ms);

//  While it runs.
uint64_t hf_load_cycles (const hf_load_t *self); //  since the start
uint64_t hf_load_appends (const hf_load_t *self);
uint64_t hf_load_errors (const hf_load_t *self);
uint32_t hf_load_ended (const hf_load_t *self); //  workers that gave up

/*  Note when the first grant comes that was asked for at or after FROM_NS. */
void hf_load_watch (hf_load_t *self, uint64_t from_ns);
uint64_t hf_load_first_grant_ns (const hf_load_t *self); //  0: none yet

/*  Latencies of what was asked for between begin and end, in nanoseconds. */
typedef enum hf_load_latency {
    HF_LOAD_ACQUIRE, //  asked to granted, waiting in the queue included
    HF_LOAD_RELEASE, //  release sent to answered
    HF_LOAD_CYCLE,   //  both
    HF_LOAD_HANDOFF, //  one_lock: release sent by one to grant received by the next
    HF_LOAD_LATENCIES
} hf_load_latency_t;
const char *hf_load_latency_name (hf_load_latency_t latency);

typedef struct hf_load_result {
    uint64_t cycles; //  completed between begin and end
    double seconds;  //  between begin and end
    uint64_t errors[HF_LOAD_STATUSES];
    hf_histogram_t *latency[HF_LOAD_LATENCIES]; //  the caller's, see hf_load_result_done
} hf_load_result_t;

/*  After hf_load_stop. */
void hf_load_result (const hf_load_t *self, hf_load_result_t *result);
void hf_load_result_done (hf_load_result_t *result);

/*  With keep_each, after hf_load_stop: how long the acquires took that were asked for from FROM_NS
 *  on and before TO_NS. The histogram is the caller's. */
hf_histogram_t *hf_load_window (const hf_load_t *self, uint64_t from_ns, uint64_t to_ns);

#endif
