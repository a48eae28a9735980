/*  floor.h - the cost below which no replicated lock service gets on this machine.
 *
 *  The same messages over the same sockets to the same disks, with no logic: a client's DEALER, the
 *  ROUTER of a node that leads, its PUB to the others, a commit of SQLite (WAL, synchronous=FULL)
 * on every node, acks by PUB, and the answer when the leader's own commit and those of a majority
 * are done. Batches are what came while the node was busy. What holdfast does beyond that
 * (elections, leases, queues, exactly once) is the difference.
 */
#ifndef HF_BENCH_FLOOR_H_INCLUDED
#define HF_BENCH_FLOOR_H_INCLUDED

#include "bench/histogram.h"
#include "msgs/hf_limits.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct floor_options {
    const char *what; //  commands, echo, sync
    uint32_t nodes;   //  of commands
    uint32_t workers; //  commands under way at once
    uint32_t sockets; //  of echo; workers are shared out among them
    uint32_t seconds; //  that are measured, after one that is not
    uint32_t bytes;   //  of a command
    const char *root; //  where the disks are; NULL: TMPDIR or /tmp
    bool json;
} floor_options_t;

/*  Where the processes find each other: ports on 127.0.0.1. */
typedef struct floor_places {
    uint16_t clients;               //  the leader's ROUTER
    uint16_t nodes[HF_MEMBERS_MAX]; //  every node's PUB; the first leads
} floor_places_t;

/*  What the processes of one kind used, and what came of it. */
typedef struct floor_result {
    uint64_t count, elapsed_ns;
    uint64_t leader_us, followers_us, client_us; //  of processors, in all processes of that kind
    hf_histogram_t *latency;                     //  of one command, ns
} floor_result_t;

uint64_t floor_now_ns (void);

/*  A socket of TYPE that never drops and never lingers; it ends the process when that fails. */
void *floor_socket (void *context, int type);

/*  Run a node until the process is killed; NUMBER 0 leads. DIR is its disk. */
void floor_node (const floor_options_t *options, const floor_places_t *places, uint32_t number,
                 const char *dir) __attribute__ ((noreturn));

/*  Keep options->workers commands under way on each of OPTIONS->sockets (1 for commands) at
 *  tcp://127.0.0.1:PORT, for a second and then, counted, for the time asked. */
void floor_load (const floor_options_t *options, uint16_t port, uint32_t sockets,
                 floor_result_t *result);

/*  A ROUTER that gives back what it gets, until the process is killed. */
void floor_echo (uint16_t port) __attribute__ ((noreturn));

/*  Write and sync 4 KiB after 4 KiB of a file in ROOT. False: it cannot, which was reported. */
bool floor_sync (const floor_options_t *options, floor_result_t *result);

#endif
