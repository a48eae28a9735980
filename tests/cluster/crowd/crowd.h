/*  crowd.h - many connections to the nodes of a cluster, and what a node says while they are there.
 */
#ifndef CROWD_H_INCLUDED
#define CROWD_H_INCLUDED

#include "tests/cluster/harness/hf_cluster.h"
#include "tests/cluster/harness/hf_probe.h"

/*  Print the line and end with 1 unless HOLDS; the cluster's folder is kept. */
#define CROWD_MUST(holds, ...) ((holds) ? (void)0 : crowd_fail (__VA_ARGS__))
void crowd_fail (const char *format, ...) __attribute__ ((format (printf, 1, 2), noreturn));

/*  A cluster of COUNT nodes that may open FILES files each (0: as this process), led by node 1. */
hf_cluster_t *crowd_begin (unsigned count, unsigned files, const char *program);
void crowd_end (void);

/*  A number of node ID's status, over a connection that was there before the crowd; 0: it has
 *  no such fact. */
uint64_t crowd_fact (uint32_t id, const char *key);

/*  Milliseconds of processor time that the node has used. */
uint64_t crowd_cpu_ms (uint32_t id);

/*  A connection that has shaken hands by ZMTP; a blocking descriptor. */
int crowd_raw (uint16_t port);
/*  Send a frame of at most 255 bytes as one message. False: the connection is cut. */
bool crowd_raw_send (int fd, const void *bytes, size_t size);

#endif
