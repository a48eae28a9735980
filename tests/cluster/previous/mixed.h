/*  mixed.h - a cluster of nodes of two releases: what its tests share. */
#ifndef HF_MIXED_H_INCLUDED
#define HF_MIXED_H_INCLUDED

#include "tests/kit/hf_test.h"
#include "tests/cluster/harness/hf_cluster.h"
#include "tests/cluster/members/field.h"
#include "tests/cluster/previous/crew.h"

#define MIXED_LIMIT_MS 30000

typedef enum mixed_release { MIXED_OLD, MIXED_NEW } mixed_release_t;

/*  The programs of a release; those of the previous one are built by a fixture. */
const char *mixed_node (mixed_release_t release);
const char *mixed_tool (mixed_release_t release);

/*  Whether the previous release was built; if not, it is said. */
bool mixed_built (void);

#define MIXED_MAIN                                                                                 \
    int main (void)                                                                                \
    {                                                                                              \
        return mixed_built () ? hf_test_run (NULL, NULL) : 77;                                     \
    }

/*  field_begin with nodes of that release. */
void mixed_begin (field_t *field, unsigned founders, unsigned spares, mixed_release_t release);

/*  Start node ID in that release, which does not run, and do not wait. */
void mixed_launch (hf_cluster_t *cluster, uint32_t id, mixed_release_t release);

/*  Node ID ends on SIGTERM and starts in that release. Wait until it has what was committed and
 *  all nodes agree on a leader. */
void mixed_roll (hf_cluster_t *cluster, uint32_t id, mixed_release_t release);
void mixed_wait_caught_up (hf_cluster_t *cluster, uint32_t id);

/*  Wait until the nodes of the new release that run say that LEVEL is in force. */
void mixed_wait_level (hf_cluster_t *cluster, uint64_t level);

/*  Run the new `holdfast WORDS`: it must end with CODE and have TEXT in what it says. */
void mixed_must (hf_cluster_t *cluster, int code, const char *words, const char *text);

/*  `holdfast upgrade`, until the leader has heard that every node speaks the newest level. */
void mixed_upgrade (hf_cluster_t *cluster);

/*  End the crew: every acknowledged line is on all nodes, once and in order. */
void mixed_check (hf_cluster_t *cluster, crew_t *crew);

#endif
