/*  hf_cluster.h - a cluster of real holdfastd processes on 127.0.0.1, for tests.
 *
 *      hf_cluster_t *cluster = hf_cluster_new (3);
 *      assert_true (hf_cluster_begin (cluster));
 *      ...
 *      assert_true (hf_cluster_passed (cluster));
 *      hf_cluster_destroy (&cluster);      //  in the teardown, so that it runs on failure too
 *
 *  Every node has a data folder DIR/node-N under a fresh temporary DIR and a log DIR/node-N.log.
 *  Ids are 1..N. Nodes die with the test. Not thread-safe.
 */
#ifndef HF_CLUSTER_H_INCLUDED
#define HF_CLUSTER_H_INCLUDED

#include "tests/kit/hf_process.h"
#include "tests/kit/hf_wait.h"
#include <stddef.h>

typedef struct hf_cluster hf_cluster_t;

#define HF_CLUSTER_LIMIT_MS 30000 //  a limit for what should take a second

/*  Folder and ports of a cluster of COUNT nodes; nothing runs yet. Aborts if there is no folder. */
hf_cluster_t *hf_cluster_new (unsigned count);

/*  The same with the folder under ROOT (NULL: TMPDIR, or /tmp) and each node, in the order of ids,
 *  on a host (HOSTS NULL: all on 127.0.0.1). NULL with errno if there is no folder. */
typedef struct hf_host {
    const char *address; //  at most 31 bytes; the test itself must be able to reach it
    int network;         //  a network namespace's file descriptor; 0: as the test's
} hf_host_t;
hf_cluster_t *hf_cluster_new_on (const char *root, const hf_host_t *hosts, unsigned count);

/*  COUNT more nodes, with the next ids: they have folders and ports, and are not in the list. They
 *  are apart (hf_cluster_set_apart) and started one by one. */
void hf_cluster_add_spares (hf_cluster_t *self, unsigned count);

/*  Says that the test got to its end, and checks what every test must leave behind: the nodes
 *  that run end on SIGTERM with exit code 0, none has ended by itself, and no log has a failed
 *  assertion or a sanitizer's report. False, with the reason on stderr, when not. */
bool hf_cluster_passed (hf_cluster_t *self);

/*  The folder is kept, and named, even so. */
void hf_cluster_keep (hf_cluster_t *self);
/*  The test was interrupted: print nothing and keep nothing. */
void hf_cluster_forget (hf_cluster_t *self);

/*  Kill what runs. After hf_cluster_passed gave true the folder is removed; otherwise it is kept,
 *  named on stderr, and the ends of the nodes' logs are printed. */
void hf_cluster_destroy (hf_cluster_t **self_p);

/*  For cmocka: HF_TEST_ON (name, count) { ... } is a test of a CLUSTER of COUNT nodes, which it
 *  starts, and which must have passed. */
int hf_cluster_tear_down (void **state);
#define HF_TEST_ON(name, count)                                                                    \
    static void name##_on (hf_cluster_t *cluster);                                                 \
    HF_TEST_WITH (name, NULL, hf_cluster_tear_down)                                                \
    {                                                                                              \
        *state = hf_cluster_new (count);                                                           \
        name##_on (*state);                                                                        \
        assert_true (hf_cluster_passed (*state));                                                  \
    }                                                                                              \
    static void name##_on (hf_cluster_t *cluster)

//  ---- names and places --------------------------------------------------------

/*  With the spares. */
unsigned hf_cluster_count (const hf_cluster_t *self);
/*  The list for nodes and clients: of the nodes that the cluster began with, where they were then.
 */
const char *hf_cluster_endpoints (const hf_cluster_t *self);
const char *hf_cluster_dir (const hf_cluster_t *self);
const char *hf_cluster_node_dir (const hf_cluster_t *self, uint32_t id);
const char *hf_cluster_log_path (const hf_cluster_t *self, uint32_t id);
const char *hf_cluster_address (const hf_cluster_t *self, uint32_t id);
uint16_t hf_cluster_client_port (const hf_cluster_t *self, uint32_t id);
uint16_t hf_cluster_node_port (const hf_cluster_t *self, uint32_t id);
/*  The path of the program under test; another one than the build's, not copied. */
const char *hf_cluster_program (void);
void hf_cluster_set_program (const char *path);

/*  From the next start on, node ID is given this list instead of the cluster's. */
void hf_cluster_set_list (hf_cluster_t *self, uint32_t id, const char *list);

/*  From the next start on, node ID is given no list: it joins, and asks the member VIA where that
 *  is now. */
void hf_cluster_set_join (hf_cluster_t *self, uint32_t id, uint32_t via);

/*  Node ID has other ports from now on; one that runs does not notice. Nobody else gets the old
 *  ones. */
void hf_cluster_move (hf_cluster_t *self, uint32_t id);
/*  Where it is, as operators write it: HOST:CLIENT_PORT:NODE_PORT; until the next call for it. */
const char *hf_cluster_place (const hf_cluster_t *self, uint32_t id);

/*  Node ID is apart, or no longer: what concerns all nodes (to start them, their leader, equal
 * states and files) does not concern it. One that is no member of the cluster is. */
void hf_cluster_set_apart (hf_cluster_t *self, uint32_t id, bool apart);
bool hf_cluster_apart (const hf_cluster_t *self, uint32_t id);

/*  From the next start on, node ID is given this --listen. */
void hf_cluster_set_listen (hf_cluster_t *self, uint32_t id, const char *listen);

/*  From the next start on, all nodes are given this argument, too; at most 7. Not copied. */
void hf_cluster_add_argument (hf_cluster_t *self, const char *argument);
/*  From the next start on, each node serves HTTP at its address, at a port of its own. */
void hf_cluster_serve_http (hf_cluster_t *self);
/*  0: it does not. */
uint16_t hf_cluster_http_port (const hf_cluster_t *self, uint32_t id);
/*  From the next start on, node ID is started by "/usr/bin/env VARIABLES", a list that ends with
 *  NULL. Not copied. */
void hf_cluster_set_environment (hf_cluster_t *self, uint32_t id, const char *const *variables);

/*  From the next start on, each sync of node ID's disk takes at least as long as
 * hf_cluster_set_sync says, which may change while the node runs. It replaces the node's
 * environment. */
void hf_cluster_slow_disk (hf_cluster_t *self, uint32_t id);
void hf_cluster_set_sync (hf_cluster_t *self, uint32_t id, uint32_t sync_ms);

/*  The list of the cluster names its nodes node-1.test and so on, and what this test starts from
 * now on resolves these as hf_cluster_set_name says: ANSWER is addresses with commas between them
 *  ("127.0.0.1" at first), "fail" or "hang". It may change at any time. */
void hf_cluster_use_names (hf_cluster_t *self);
/*  The list that it had before, of addresses. */
const char *hf_cluster_numbers (const hf_cluster_t *self);
void hf_cluster_set_name (hf_cluster_t *self, uint32_t id, const char *answer);

//  ---- keys --------------------------------------------------------------------

/*  Nodes have keys, and what this test starts from now on is the client "tester", whose key is in
 * its environment. Before the first start and after hf_cluster_add_spares. One such cluster at a
 * time: hf_cluster_forget_keys, or the cluster's end, takes the environment back. */
void hf_cluster_use_keys (hf_cluster_t *self);
void hf_cluster_forget_keys (void);
/*  The folder of public keys. */
const char *hf_cluster_keys (const hf_cluster_t *self);
/*  A new pair, of node NODE or else of the client NAME; ADMITTED: the public file is in the folder,
 *  too, as NAME. */
void hf_cluster_make_key (hf_cluster_t *self, const char *name, uint32_t node, bool admitted);
/*  The secret file of NAME; of nodes node-1 and so on; until the next call. */
const char *hf_cluster_key (hf_cluster_t *self, const char *name);

//  ---- processes ---------------------------------------------------------------

/*  Start the node and wait until it answers a status query; false when it ended before that
 *  (its log says why) or said nothing for 30 s. */
bool hf_cluster_start (hf_cluster_t *self, uint32_t id);
/*  Start all that do not run, at once, and wait for them. */
bool hf_cluster_start_all (hf_cluster_t *self);

/*  Start all, and wait until node 1 leads them. */
bool hf_cluster_begin (hf_cluster_t *self);

/*  Start it and do not wait. */
void hf_cluster_launch (hf_cluster_t *self, uint32_t id);

bool hf_cluster_running (hf_cluster_t *self, uint32_t id);
pid_t hf_cluster_pid (const hf_cluster_t *self, uint32_t id);

void hf_cluster_kill (hf_cluster_t *self, uint32_t id);  //  SIGKILL, and wait
void hf_cluster_stop (hf_cluster_t *self, uint32_t id);  //  SIGSTOP
void hf_cluster_go_on (hf_cluster_t *self, uint32_t id); //  SIGCONT
bool hf_cluster_stopped (const hf_cluster_t *self, uint32_t id);
/*  The exit code (128 + signal) of a node that has ended by itself, which hf_cluster_passed then
 *  accepts; -1 when it has not. */
int hf_cluster_take_end (hf_cluster_t *self, uint32_t id);
/*  SIGTERM, and wait. The exit code, or -1 when it still runs after LIMIT_MS. */
int hf_cluster_terminate (hf_cluster_t *self, uint32_t id, uint32_t limit_ms);

//  ---- status of nodes ---------------------------------------------------------

typedef struct hf_node_status {
    uint32_t node, leader;
    char role[16]; //  leader, follower, candidate
    uint64_t term, last_index, commit_index, applied_index, command_index, state_hash;
    uint64_t sessions, locks, staged_bytes, links_up;
    uint64_t first_index;         //  of the log: 1, or behind what was pruned
    uint64_t flushed_index;       //  the state on the disk is of this entry
    uint64_t not_counted;         //  members whose disk is not the one on record
    uint64_t level, speaks;       //  0, too, of a node that knows of no feature levels
    uint64_t dropped_frames;      //  from clients
    uint64_t dropped_peer_frames; //  from other nodes
} hf_node_status_t;

/*  False when the node does not run, is stopped, or did not answer within 5 s. */
bool hf_cluster_status (hf_cluster_t *self, uint32_t id, hf_node_status_t *status);

/*  The same of the node whose clients' port this is, on any thread; false after LIMIT_MS. */
bool hf_status_ask (const char *address, uint16_t port, hf_node_status_t *status,
                    uint32_t limit_ms);

/*  The node that says it leads, of the highest term; 0: none. */
uint32_t hf_cluster_leader (hf_cluster_t *self);
/*  Wait for a leader that every running node also names; its id, 0 after LIMIT_MS. */
uint32_t hf_cluster_wait_leader (hf_cluster_t *self, uint32_t limit_ms);

/*  Wait until all nodes run and have equal applied_index and state_hash (P4). */
bool hf_cluster_wait_equal (hf_cluster_t *self, uint32_t limit_ms);

/*  What the leader says of LOCK, linearizable. False: no leader answered. HOLDER 0: it is free. */
typedef struct hf_lock_view {
    uint64_t holder; //  session
    uint64_t token;
    uint64_t waiters;
    uint64_t staged;
} hf_lock_view_t;
bool hf_cluster_lock (hf_cluster_t *self, const char *lock, hf_lock_view_t *view);
/*  Ask until a leader answers. */
bool hf_cluster_wait_lock (hf_cluster_t *self, const char *lock, hf_lock_view_t *view,
                           uint32_t limit_ms);
/*  Wait until so many sessions wait for LOCK. */
bool hf_cluster_wait_waiters (hf_cluster_t *self, const char *lock, uint64_t waiters,
                              uint32_t limit_ms);

//  ---- replicated files, as they are on a node's disk ------------------------------

/*  The bytes of FILE in the node's folder, for the caller to free, with a zero behind them; NULL
 *  when there is no such file. */
char *hf_cluster_read (const hf_cluster_t *self, uint32_t id, const char *file, size_t *size);

/*  Wait until FILE is CONTENT on every node ("": or is missing), then compare once more, byte for
 *  byte. False after LIMIT_MS, with each node's content on stderr. */
bool hf_cluster_wait_file (hf_cluster_t *self, const char *file, const char *content,
                           uint32_t limit_ms);
/*  Whether the log of a node has TEXT in it; from the start of the test. */
bool hf_cluster_log_has (const hf_cluster_t *self, uint32_t id, const char *text);
/*  The log's last lines on stderr. */
void hf_cluster_print_tail (const hf_cluster_t *self, uint32_t id);

/*  Bytes of memory the process has in RAM; 0 when it does not run. */
uint64_t hf_cluster_memory (const hf_cluster_t *self, uint32_t id);

#endif
