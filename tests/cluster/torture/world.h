/*  world.h - the cluster, its network, its clients, and what is wrong with them now. */
#ifndef HF_WORLD_H_INCLUDED
#define HF_WORLD_H_INCLUDED

#include "tests/cluster/torture/crew.h"
#include "tests/cluster/torture/links.h"
#include "tests/cluster/torture/plan.h"
#include "tests/cluster/torture/watch.h"
#include <stdio.h>

#define HF_LINK_FAULTS_MAX 16

typedef enum hf_node_state {
    HF_NODE_UP,
    HF_NODE_DOWN,
    HF_NODE_STOPPED,
    HF_NODE_FULL
} hf_node_state_t;

typedef struct hf_node_now {
    hf_node_state_t state;
    uint64_t until_ms;
    bool small_disk;
    bool returning;  //  wiped, and not yet as good as the others
    bool filled;     //  in this life of the process its disk was full
    size_t log_size; //  then
} hf_node_now_t;

typedef enum hf_client_state { HF_CLIENT_UP, HF_CLIENT_DEAD, HF_CLIENT_STOPPED } hf_client_state_t;

typedef struct hf_client_now {
    hf_client_state_t state;
    uint64_t until_ms;
} hf_client_now_t;

/*  Trouble on all links from one set of ends to another (bit N: end N). */
typedef struct hf_link_now {
    uint64_t from, to;
    hf_trouble_t trouble;
    uint64_t until_ms;
    uint32_t victim; //  a node that is cut off; 0: none
} hf_link_now_t;

typedef struct hf_world {
    unsigned nodes, clients;
    bool wipe;      //  nodes may lose their disks
    bool wipe_owed; //  as soon as nothing else is wrong
    hf_fault_t wipe_fault;
    uint32_t hurry; //  faults last 1/HURRY of their time
    hf_cluster_t *cluster;
    hf_links_t *links;
    hf_crew_t *crew;
    hf_watch_t *watch;
    FILE *journal; //  what was done when, for people
    uint64_t start_ms;
    hf_node_now_t node[8];
    hf_client_now_t client[HF_CREW_MAX + 1];
    hf_link_now_t link[HF_LINK_FAULTS_MAX];
    unsigned link_count;
    unsigned leader_changes; //  once the watch has ended
    unsigned done[HF_FAULT_KINDS];
} hf_world_t;

/*  Do it, if that leaves a majority (or is meant not to); false: not now. */
bool hf_world_fault (hf_world_t *self, const hf_fault_t *fault);

/*  What has lasted its time ends; nodes that ended by themselves are looked at. False, with the
 *  reason on stderr: one did that must not. */
bool hf_world_tick (hf_world_t *self);

/*  All that is wrong ends now; false as above. */
bool hf_world_heal (hf_world_t *self);

void hf_world_note (hf_world_t *self, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));

#endif
