/*  bench.h - what the parts of holdfast-bench share: options, time, nodes started here, and the
 *  commands. */
#ifndef HF_BENCH_BENCH_H_INCLUDED
#define HF_BENCH_BENCH_H_INCLUDED

#include "client/holdfast.h"
#include "msgs/hf_limits.h"
#include "tests/cluster/harness/hf_cluster.h"

typedef enum hf_bench_command {
    HF_BENCH_CYCLE = 1,
    HF_BENCH_HANDOFF,
    HF_BENCH_FAILOVER,
    HF_BENCH_SOAK,
    HF_BENCH_CATCHUP,
    HF_BENCH_REJOIN,
    HF_BENCH_SHARED,
    HF_BENCH_SETS,
    HF_BENCH_WATCH,
    HF_BENCH_APPEND,
    HF_BENCH_STOP,
    HF_BENCH_READ,
    HF_BENCH_SCALE,
    HF_BENCH_CUT,
    HF_BENCH_SCRAPE,
    HF_BENCH_IDLE,
    HF_BENCH_LAST = HF_BENCH_IDLE
} hf_bench_command_t;

//  Exit codes, as in sysexits.h where there is one.
enum { HF_EXIT_OK = 0, HF_EXIT_ERRORS = 1, HF_EXIT_USAGE = 64, HF_EXIT_UNAVAILABLE = 69 };

typedef struct hf_bench_options {
    hf_bench_command_t command;
    const char *endpoints; //  NULL: the environment's, or the nodes started here
    uint32_t start;        //  nodes to start here; 0: none
    const char *holdfastd; //  NULL: look for it
    const char *data_root; //  NULL: TMPDIR or /tmp
    uint32_t workers;
    uint32_t connections;
    uint32_t sessions; //  on each connection; 0: the workload's default
    uint32_t seconds;
    uint32_t warmup;
    uint32_t rounds;
    uint32_t ttl_ms;
    uint32_t cycles;       //  of soak
    uint32_t append_every; //  soak: one cycle in so many appends; 0: none
    const char *out;       //  soak: the table of samples goes here; NULL: nowhere
    uint32_t ops;          //  catchup: what a node misses; an acquire is one, a release another
    uint32_t append_bytes; //  of each append
    uint32_t appends;      //  append: in each section
    uint32_t away;         //  rejoin: seconds
    uint32_t locks;        //  sets: in each
    uint32_t watchers;     //  watch
    uint32_t sync_ms;      //  that each sync of a node started here takes longer
    const char *log_keep;  //  of the nodes started here; NULL: their default
    uint32_t held;         //  scale, scrape: locks
    uint32_t every;        //  scrape: seconds from one to the next
    uint32_t waiters;      //  scale: for one lock
    uint32_t idle;         //  scale: connections
    bool stale;            //  read: from any node
    bool curve;            //  nodes started here have keys
    bool threads;          //  each connection of a load has a thread of its own
    bool json;
} hf_bench_options_t;

/*  HF_EXIT_OK: go on with OPTIONS. Anything else: end with *exit_code (help, version or a
 *  mistake has been reported). */
bool hf_bench_options_read (hf_bench_options_t *self, int argc, char **argv, int *exit_code);

const char *hf_bench_command_name (hf_bench_command_t command);

/*  One line on stderr. */
void hf_bench_say (const char *format, ...) __attribute__ ((format (printf, 1, 2)));

/*  A client of ENDPOINTS, or of the environment's when that is NULL; SHARED: on one thread with the
 *  others that are. NULL: reported. */
hf_client_t *hf_bench_client (const char *endpoints, bool shared);

/*  Nanoseconds, monotonic: now, and so much later. */
uint64_t hf_bench_now_ns (void);
uint64_t hf_bench_in_ms (uint64_t ms);

/*  Block the signals that end the program; call it before any thread starts. */
void hf_bench_signals_block (void);
/*  Wait until then. True, from then on always and at once: the program was asked to end. */
bool hf_bench_interrupted (uint64_t until_ns);
/*  The same for MS; false: the program was asked to end, or a node of the CLUSTER (may be NULL)
 *  ended by itself, which is reported with the end of its log. */
bool hf_bench_wait (hf_cluster_t *cluster, uint64_t ms);
bool hf_bench_wait_until (hf_cluster_t *cluster, uint64_t until_ns);

/*  Wait until all nodes follow one leader in one term, are linked to all others, have applied what
 *  the leader had committed a moment before, and count, all this for a while; and node 1 leads,
 *  unless that takes too long. LEADER gets its id. False: that did not come, which is reported, or
 *  as hf_bench_wait. */
bool hf_bench_settle (hf_cluster_t *cluster, uint32_t *leader);

/*  The commands; each gives the exit code. CLUSTER: the nodes started here; NULL for hf_run_load,
 *  which is cycle, handoff, shared, sets and append, and for hf_run_watch, hf_run_read,
 *  hf_run_scale and hf_run_idle, if none were. */
int hf_run_load (const hf_bench_options_t *options, hf_cluster_t *cluster);
int hf_run_idle (const hf_bench_options_t *options, hf_cluster_t *cluster);
int hf_run_scale (const hf_bench_options_t *options, hf_cluster_t *cluster);
int hf_run_read (const hf_bench_options_t *options, hf_cluster_t *cluster);
/*  failover, stop and cut. */
int hf_run_failover (const hf_bench_options_t *options, hf_cluster_t *cluster);
int hf_run_soak (const hf_bench_options_t *options, hf_cluster_t *cluster);
int hf_run_rejoin (const hf_bench_options_t *options, hf_cluster_t *cluster);
int hf_run_watch (const hf_bench_options_t *options, hf_cluster_t *cluster);
int hf_run_scrape (const hf_bench_options_t *options, hf_cluster_t *cluster);
/*  Launch the nodes with an HTTP port each. False: that failed. */
bool hf_scrape_launch (hf_cluster_t *cluster);
int hf_run_catchup (const hf_bench_options_t *options, hf_cluster_t *cluster);

#endif
