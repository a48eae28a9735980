/*  stage.h - what every scenario uses: a cluster, up to four clients, their networks.
 *
 *  A scenario reads top to bottom as in the table of scenarios. Clients are 1 to 4, each a process;
 *  all of them use the lock "L", unless a scenario says so.
 */
#ifndef SCENARIO_STAGE_H_INCLUDED
#define SCENARIO_STAGE_H_INCLUDED

#include "tests/kit/hf_test.h"
#include "tests/cluster/harness/hf_cluster.h"
#include "tests/cluster/harness/hf_proxy.h"
#include "tests/cluster/harness/hf_script.h"

#define CLIENTS_MAX 4
#define LONG_MS     20000 //  a TTL that outlives every fault of a scenario
#define SHORT_MS    2000  //  one that is meant to run out

typedef struct stage {
    hf_cluster_t *cluster;
    hf_proxy_t *network[CLIENTS_MAX + 1]; //  of client i; NULL: it talks to the nodes directly
    hf_script_t *client[CLIENTS_MAX + 1];
} stage_t;

/*  For cmocka: *state becomes an empty stage; and all of it is removed. */
int stage_setup (void **state);
int stage_teardown (void **state);
#define SCENE(name) HF_TEST_WITH (name, stage_setup, stage_teardown)

/*  The STATE of a scene, with NODES real nodes, all up, node 1 in the lead; proxies between them
 * and the first clients, as many as NETWORKS; and clients with open sessions of these TTLs (0: no
 * more).
 */
stage_t *stage_begin (void *state, unsigned nodes, unsigned networks, const uint32_t *ttl_ms);
#define TTLS(...) ((const uint32_t[CLIENTS_MAX]){__VA_ARGS__})

/*  One more: client I. */
hf_script_t *stage_client (stage_t *self, unsigned i, uint32_t ttl_ms);

/*  The last scene: each of the FILES (words) is CONTENT on all nodes, which have the same state;
 *  clients end by themselves, and nodes stop cleanly. */
void stage_end (stage_t *self, const char *files, const char *content);

//  Steps of a client; MUST (client, command) is any that must succeed.
/*  Append each of the LETTERS by itself, and release. */
void must_write (hf_script_t *client, const char *file, const char *letters);
/*  Ask for the lock, and wait until one session is in the queue. */
void must_queue (stage_t *self, hf_script_t *client);
/*  The result of the last command. */
hf_script_result_t must_hear (hf_script_t *client);

/*  The lock, as the leader reports it. */
hf_lock_view_t stage_lock (stage_t *self);
/*  The highest term that a node reports: it rises when the leader changes. */
uint64_t stage_term (stage_t *self);

/*  Give NETWORK a rule; its number. */
#define RULE(network, ...) hf_proxy_add (network, &(hf_rule_t){__VA_ARGS__})

/*  Since when, and in which term, a client has been silent. */
typedef struct silence_start {
    uint64_t at_ms;
    uint64_t term;
} silence_start_t;
silence_start_t stage_silence_begins (stage_t *self);
/*  CLIENT, which waits for a lock whose holder is silent since START, is granted within the
 * holder's TTL_MS and a second. On a slow machine the leader may change meanwhile: each new leader
 *  restarts the TTL, so it adds that time again. */
hf_script_result_t must_hear_in_time (stage_t *self, hf_script_t *client, silence_start_t start,
                                      uint32_t ttl_ms);

/*  CLIENT, which lost the lock, learns that when it tries to append to FILE. */
void must_find_lost (hf_script_t *client, const char *file);
/*  Whether a status says that the caller does not hold the lock, or no longer. */
bool says_not_holder (hf_status_t status);

#endif
