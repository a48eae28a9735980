/*  siege.h - a cluster with a good client in it, and what must be as before after any attack. */
#ifndef SIEGE_H_INCLUDED
#define SIEGE_H_INCLUDED

#include "tests/kit/hf_test.h"
#include "tests/cluster/harness/hf_cluster.h"
#include "tests/cluster/harness/hf_probe.h"
#include "tests/cluster/harness/hf_script.h"

typedef struct siege {
    hf_cluster_t *cluster;
    uint32_t nodes;      //  that run: 1 to this
    hf_script_t *client; //  holds lock W, with one byte staged for file W
    uint64_t session;    //  of the client
    uint64_t token;      //  of W
    hf_node_status_t before;
    uint64_t memory[8]; //  of each node before
} siege_t;

/*  A cluster of COUNT nodes, of which the first RUNNING are to run. */
siege_t *siege_new (unsigned count, uint32_t running);
/*  They run, node 1 leads, and the good client has its lock. */
void siege_begin (siege_t *self);
void siege_destroy (siege_t **self_p);

/*  Nothing has changed: W is held as before, its section as it was, sessions and locks are as
 *  many, no node has died or grown by more than 64 MiB, node 1 leads in the same term. */
void siege_must_stand (siege_t *self);
/*  And not even a command has been executed. */
void siege_must_be_untouched (siege_t *self);

/*  The last: the client ends its section, all nodes have it, and stop cleanly. */
void siege_end (siege_t *self);

/*  Frames dropped so far by node 1, from clients and peers. */
uint64_t siege_dropped (siege_t *self);

#endif
