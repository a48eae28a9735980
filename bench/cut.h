/*  cut.h - a cluster whose nodes live in network namespaces of their own, so that one can be cut
 * off from all others and from the clients. One such cluster in this process.
 */
#ifndef HF_BENCH_CUT_H_INCLUDED
#define HF_BENCH_CUT_H_INCLUDED

#include "tests/cluster/harness/hf_cluster.h"

#define HF_CUT_WHY_SIZE 256

/*  So many NODES, with their data in ROOT (NULL: TMPDIR, or /tmp); nothing runs yet. Before there
 * is any thread: this process moves into a namespace, too. NULL, with the reason in WHY: namespaces
 *  cannot be had here. */
hf_cluster_t *hf_cut_cluster (const char *root, uint32_t nodes, char why[HF_CUT_WHY_SIZE]);

/*  All links of node ID are cut, in both directions and without a word, or whole again. */
void hf_cut (uint32_t id, bool cut);

/*  After the cluster's end. Nothing happens if there was none. */
void hf_cut_done (void);

#endif
