/*  load.h - workers that acquire and release, their latencies, and reports of these.
 *
 *  A worker is a chain of callbacks on its connection's thread: granted, so release; released,
 *  so acquire. There is no thread per worker. One that fails counts its error and ends.
 */
#ifndef HF_BENCH_LOAD_H_INCLUDED
#define HF_BENCH_LOAD_H_INCLUDED

#include "bench/bench.h"
#include "bench/crowd.h"
#include "bench/histogram.h"
#include <jansson.h>

typedef struct hf_load hf_load_t;

#define HF_LOAD_FILES    4    //  that appends go to, in turn
#define HF_LOAD_STATUSES 96   //  above every status there is
#define HF_LOAD_LONG     1000 //  HANDOFF: the queue of so many workers is long

/*  Connect and open the sessions, as the options say: workers are spread over the connections, and
 *  those of a connection over its sessions. HANDOFF and SHARED: all workers want the same lock, and
 *  each needs a session of its own. SETS: each wants several of its own at once. SOAK: every cycle
 * has a lock never seen before. SOAK and REJOIN: one cycle in so many appends; APPEND: every one
 *  does, so often. CATCHUP: each
 * acquire is kept, for hf_load_window. NULL: that failed, which is reported. */
hf_load_t *hf_load_new (const hf_bench_options_t *options);
/*  Ends the sessions too. CLOSE false: their cluster ends anyway, do not take the time. */
void hf_load_destroy (hf_load_t **self_p, bool close);

void hf_load_start (hf_load_t *self);
/*  Of HANDOFF, while it runs: until all workers but the one that holds the lock wait for it, and
 * the nodes have written that down: it is 200,000 rows for 100,000 workers. CLUSTER may be NULL:
 * then that is not known. False: it did not come, which is reported. */
bool hf_load_queued (hf_load_t *self, hf_cluster_t *cluster);
/*  Instead: every worker does one cycle, and has ended then. May be called again. */
void hf_load_once (hf_load_t *self);
bool hf_load_ended (const hf_load_t *self);
/*  From now on results count, until hf_load_finish. */
void hf_load_begin (hf_load_t *self);

//  While it runs: since the start.
uint64_t hf_load_cycles (const hf_load_t *self);
uint64_t hf_load_appends (const hf_load_t *self);
uint64_t hf_load_errors (const hf_load_t *self); //  one for each worker that gave up
uint64_t hf_load_lost (const hf_load_t *self);   //  sessions
/*  False: every worker has given up, which is reported. */
bool hf_load_works (const hf_load_t *self);

/*  Note when the first grant comes that was asked for at or after FROM_NS. */
void hf_load_watch (hf_load_t *self, uint64_t from_ns);
uint64_t hf_load_first_grant_ns (const hf_load_t *self); //  0: none yet

/*  Latencies of what was asked for between begin and finish, in nanoseconds. */
typedef enum hf_load_latency {
    HF_LOAD_ACQUIRE, //  asked to granted, waiting in the queue included
    HF_LOAD_RELEASE, //  release sent to answered
    HF_LOAD_CYCLE,   //  both, and APPEND's appends between them
    HF_LOAD_APPEND,  //  APPEND: sent to answered
    HF_LOAD_HANDOFF, //  HANDOFF: release sent by one to grant received by the next
    HF_LOAD_LATENCIES
} hf_load_latency_t;
const char *hf_load_latency_name (hf_load_latency_t latency);
/*  Whether COMMAND measures this one. */
bool hf_load_has_latency (hf_bench_command_t command, hf_load_latency_t latency);

typedef struct hf_load_result {
    uint64_t cycles; //  completed between begin and finish
    double seconds;  //  between begin and finish
    uint64_t errors[HF_LOAD_STATUSES];
    uint32_t unanswered;                        //  workers that did not finish their cycle
    uint64_t failed;                            //  all of these together
    hf_histogram_t *latency[HF_LOAD_LATENCIES]; //  the caller's, see hf_load_result_done
} hf_load_result_t;

/*  The end: let every worker finish its cycle, within LIMIT_MS. Where more than HF_LOAD_LONG wait
 * for one lock, only those that were granted it are waited for. */
void hf_load_finish (hf_load_t *self, uint32_t limit_ms, hf_load_result_t *result);
void hf_load_result_done (hf_load_result_t *result);

/*  Of CATCHUP, after hf_load_finish: how long the acquires took that were asked for from
 *  FROM_NS on and before TO_NS. The histogram is the caller's. */
hf_histogram_t *hf_load_window (const hf_load_t *self, uint64_t from_ns, uint64_t to_ns);

/*  The command scale's cycles, beside CROWD; FACTS, a JSON object that this takes over, are in the
 *  report, with how many sessions were lost. CROWD may be NULL. */
int hf_run_load_beside (const hf_bench_options_t *options, hf_cluster_t *cluster, json_t *facts,
                        hf_crowd_t *crowd);

//  ---- reports --------------------------------------------------------------------

/*  The options that shape a run, as one JSON object (the caller's) and as one line on stdout. */
json_t *hf_report_options (const hf_bench_options_t *options);
void hf_report_headline (const hf_bench_options_t *options);

/*  Print one JSON object on stdout; takes it over. */
void hf_report_json (json_t *object);

/*  What a histogram of nanoseconds has, in microseconds; a quantile of it in milliseconds. */
json_t *hf_report_latency (const hf_histogram_t *histogram);
double hf_report_ms (const hf_histogram_t *histogram, double q);

/*  What failed, as lines on stdout (false: nothing did) or as a JSON object. */
bool hf_report_errors (const hf_load_result_t *result);
json_t *hf_report_errors_json (const hf_load_result_t *result);

#endif
