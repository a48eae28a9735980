/*  verdict.h - the end of a run under faults, and the verdict of the checker. */
#ifndef HF_LOSTFOUND_VERDICT_H_INCLUDED
#define HF_LOSTFOUND_VERDICT_H_INCLUDED

#include "tests/cluster/harness/hf_cluster.h"

/*  End this process with CODE when it still runs after LIMIT_S. */
void hf_watchdog (uint32_t limit_s, int code);

/*  Kill all nodes, start them, and wait for a leader and equal states. False, with the reason on
 *  stderr: a violation. */
bool hf_restart_all (hf_cluster_t *cluster, uint32_t limit_ms);

/*  Check the history in the file PATH against the files of nodes 1 to NODES, but
 * those that are absent. The files follow the
 * log within a moment, so wait up to LIMIT_MS until they are equal on all nodes; with LIMIT_MS 0
 * files that differ are no violation, and the history is checked alone. Prints violations and a
 * summary; gives the number of violations. */
unsigned hf_verdict (hf_cluster_t *cluster, uint32_t nodes, const char *path, uint32_t limit_ms);

#endif
