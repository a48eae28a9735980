/*  siege.h - a cluster with a well-behaved client, which must not notice an attack.
 *
 *  SIEGE (name, ..) { ... } is a test: it forms the cluster, lets the client take lock W, runs the
 *  attack, which leaves no session or lock of its own, checks that nothing has changed, and ends
 *  everything cleanly.
 */
#ifndef SIEGE_H_INCLUDED
#define SIEGE_H_INCLUDED

#include "tests/kit/hf_test.h"
#include "tests/cluster/harness/hf_cluster.h"
#include "tests/cluster/harness/hf_probe.h"
#include "tests/cluster/harness/hf_script.h"

#define SIEGE_LIMIT_MS 20000

typedef struct siege {
    hf_cluster_t *cluster;
    uint32_t running;    //  nodes 1 to this
    hf_script_t *client; //  holds lock W, with one byte staged for file W
    uint64_t session;    //  of the client
    uint64_t token;      //  of W
    hf_node_status_t before;
    uint64_t memory[8]; //  of each node before
} siege_t;

/*  On a cluster of NODES nodes, of which the first RUNNING run. With EXECUTES commands of the
 * attack are executed. */
#define SIEGE_ON(name, nodes, running, executes)                                                   \
    static void name (siege_t *siege);                                                             \
    HF_TEST_WITH (name##_##nodes, NULL, siege_tear_down)                                           \
    {                                                                                              \
        siege_play (state, nodes, running, executes, name);                                        \
    }
#define SIEGE(name, nodes, running, executes)                                                      \
    SIEGE_ON (name, nodes, running, executes) static void name (siege_t *siege)
/*  Once on one node and once on three. */
#define SIEGES(name, executes)                                                                     \
    SIEGE_ON (name, 1, 1, executes)                                                                \
    SIEGE_ON (name, 3, 3, executes)                                                                \
    static void name (siege_t *siege)

int siege_tear_down (void **state);
void siege_play (void **state, unsigned nodes, uint32_t running, bool executes,
                 void (*attack) (siege_t *));

/*  W is held as before, its section is as it was, the numbers of sessions and locks are the same,
 *  no node has died or grown by more than 64 MiB, node 1 leads in the same term, and no command
 *  has been executed. */
void siege_must_be_untouched (siege_t *self);

/*  Frames dropped so far by node 1, from clients and peers. */
uint64_t siege_dropped (siege_t *self);

/*  A client's socket to node ID. */
hf_probe_t *siege_probe (siege_t *self, uint32_t id);

#endif
