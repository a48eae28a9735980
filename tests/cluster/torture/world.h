/*  world.h - the cluster, its network, its clients, and what is wrong with them now. */
#ifndef HF_WORLD_H_INCLUDED
#define HF_WORLD_H_INCLUDED

#include "base/hf_random.h"
#include "tests/cluster/torture/crew.h"
#include "tests/kit/hf_process.h"
#include <stdio.h>

//  ---- what is wrong next, drawn from a seed and nothing else --------------------------------

/*  name, text, weight of 100 or so, shortest and longest in milliseconds */
#define HF_FAULTS(X)                                                                               \
    X (KILL, "kills", 22, 50, 5000)                                                                \
    X (STOP, "stops", 16, 200, 5000)                                                               \
    X (CUT_WAY, "one-way cuts", 10, 200, 8000)                                                     \
    X (CUT_PAIR, "pair cuts", 8, 200, 8000)                                                        \
    X (ISOLATE, "isolations", 12, 200, 8000)                                                       \
    X (LOSS, "losses", 8, 1000, 8000)                                                              \
    X (DELAY, "delays", 8, 1000, 8000)                                                             \
    X (FULL, "full disks", 6, 2000, 6000)                                                          \
    X (MAJORITY, "majority kills", 3, 500, 4000)                                                   \
    X (ALL, "kills of all", 2, 50, 2000)                                                           \
    X (WIPE, "wiped nodes", 5, 100, 3000)                                                          \
    X (CLIENT_KILL, "client kills", 7, 100, 5000)                                                  \
    X (CLIENT_STOP, "client stops", 8, 500, 8000)                                                  \
    X (CLIENT_CUT, "client cuts", 7, 200, 8000)                                                    \
    HF_MEMBER_FAULTS (X)

//  Only with --members.
#define HF_MEMBER_FAULTS(X)                                                                        \
    X (ADD, "added nodes", 24, 50, 3000)                                                           \
    X (REMOVE, "removed nodes", 24, 50, 3000)                                                      \
    X (REPLACE, "replaced nodes", 8, 50, 3000)                                                     \
    X (MOVE, "moved nodes", 16, 50, 3000)

typedef enum hf_fault_kind {
#define HF_FAULT_ENUM(name, text, weight, from_ms, to_ms) HF_FAULT_##name,
    HF_FAULTS (HF_FAULT_ENUM) HF_FAULT_KINDS
} hf_fault_kind_t;

const char *hf_fault_text (hf_fault_kind_t kind);

/*  One fault. Every field is drawn for every kind: what one fault needs does not shift the
 *  next one. */
typedef struct hf_fault {
    hf_fault_kind_t kind;
    uint32_t after_ms;    //  since the fault before
    bool leader;          //  the victim is the leader, if there is one
    uint32_t node, other; //  any numbers, taken modulo the nodes
    uint32_t client;
    uint32_t share; //  of 1,000: how long it lasts in the range of its kind
    uint32_t way;   //  0: towards the victim, 1: from it, 2: both
    uint32_t loss_percent, delay_ms;
} hf_fault_t;

typedef struct hf_plan {
    hf_random_t seed;
    uint32_t pause_ms; //  between two faults, on average
    bool members;      //  they change, too
} hf_plan_t;

hf_fault_t hf_plan_next (hf_plan_t *self);

//  ---- a thread that keeps asking which node leads, so that no fault waits for the answer --------

typedef struct hf_watch hf_watch_t;

hf_watch_t *hf_watch_new (const hf_cluster_t *cluster);
void hf_watch_destroy (hf_watch_t **self_p);

/*  Node ID has come, gone, or has other ports. */
void hf_watch_look (hf_watch_t *self, uint32_t id);

/*  The leader of the highest term that was heard of; 0: none yet. */
uint32_t hf_watch_leader (const hf_watch_t *self);
/*  How often another term's leader was found: less than there were, when they come fast. */
unsigned hf_watch_changes (const hf_watch_t *self);

//  ---- small disks (tmpfs) under nodes' data folders, which can be filled up ------------------
//
//  Mounted in the mount namespace of links of kind "namespaces": no other process sees them, and
//  they end with the last process in it. Elsewhere there are none.

/*  A small disk for node ID, before its first start; false, with the reason on stderr. */
bool hf_disk_mount (const hf_cluster_t *cluster, uint32_t id, unsigned mib);
/*  KEEP: copy what is on it to the folder below. */
void hf_disk_unmount (const hf_cluster_t *cluster, uint32_t id, bool keep);

/*  Take all the room that is left; give it back. */
bool hf_disk_fill (const hf_cluster_t *cluster, uint32_t id);
void hf_disk_free (const hf_cluster_t *cluster, uint32_t id);

//  ---- the world ------------------------------------------------------------------------------

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
    bool member;       //  or about to be one, or not any more, as soon as that is done
    bool removed;      //  that is under way, or done: it may end by itself with code 0
    bool ended;        //  and has
    bool joins;        //  it is not what the list of the first start says
    bool held;         //  it does not start before the members have been changed
    uint64_t since_ms; //  it is where it is; 0: since the start
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

/*  A change of the members, made by the tool in a process of its own, as often as it takes. */
typedef enum hf_change_step {
    HF_CHANGE_NONE,
    HF_CHANGE_ASKED, //  until it is committed
    HF_CHANGE_MADE,  //  until the node counts, or is no member
    HF_CHANGE_ENDS   //  until the process of a removed node has ended
} hf_change_step_t;

typedef struct hf_change_now {
    hf_change_step_t step;
    hf_fault_kind_t kind;
    uint32_t id;
    uint64_t start_ms, next_ms; //  of the next try
    uint64_t alone_ms;          //  a removed node could hear the others since then; 0: it cannot
    unsigned tries;
    bool learns;        //  it is added as one that learns, and then
    bool promoted;      //  made a voter
    hf_process_t *tool; //  NULL: not now
} hf_change_now_t;

typedef struct hf_world {
    unsigned nodes; //  the highest id
    unsigned clients;
    bool members;       //  they change
    unsigned founders;  //  nodes 1 to FOUNDERS are the first members
    char founding[512]; //  their list
    char list[512];     //  where the members are, for clients and tools
    hf_change_now_t change;
    uint64_t trouble_ms;      //  when something was wrong last
    unsigned fewest, largest; //  numbers of members
    unsigned promotions;
    unsigned started_again; //  nodes that did not get to their new place by themselves
    bool wipe;              //  nodes may lose their disks
    bool wipe_owed;         //  as soon as nothing else is wrong
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

//  ---- who is there, and may fail: of world.c and faults.c

/*  Member number N (from 0; any number), by id; the next one behind ID. */
uint32_t hf_world_member (const hf_world_t *self, uint32_t n);
uint32_t hf_world_next (const hf_world_t *self, uint32_t id);
unsigned hf_world_members (const hf_world_t *self);

/*  How many cannot do their part now. */
unsigned hf_world_weak (const hf_world_t *self);
uint32_t hf_world_victim (const hf_world_t *self, const hf_fault_t *fault);
/*  The node may fail, and a majority is still left. */
bool hf_world_may_fail (const hf_world_t *self, uint32_t id);
/*  A disk may be lost: all are there, and no change is under way. */
bool hf_world_may_lose (const hf_world_t *self);
void hf_world_kill (hf_world_t *self, uint32_t id, uint64_t until_ms);
uint64_t hf_fault_until (const hf_world_t *self, const hf_fault_t *fault);

//  ---- changes of the members: members.c

void hf_members_init (hf_world_t *self);
/*  Begin one; false: not now. */
bool hf_members_fault (hf_world_t *self, const hf_fault_t *fault);
/*  What node ID is started with from now on. */
void hf_members_prepare (hf_world_t *self, uint32_t id);
/*  The change that is under way goes on. False, with the reason on stderr: it went wrong. */
bool hf_members_tick (hf_world_t *self, uint64_t now_ms);
/*  All is healed: wait until it is done. False after LIMIT_MS. */
bool hf_members_settle (hf_world_t *self, uint32_t limit_ms);
/*  Whether the members are exactly those, and vote; if not, it says so on stderr. */
bool hf_members_check (hf_world_t *self);

/*  Tell the links what all troubles together come to. */
void hf_world_relink (hf_world_t *self);

void hf_world_note (hf_world_t *self, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));

//  ---- after the faults -----------------------------------------------------------------------

//  Exit codes.
typedef enum hf_verdict_code {
    HF_VERDICT_FINE = 0,
    HF_VERDICT_CRASH = 2,
    HF_VERDICT_NO_PROGRESS = 3,
    HF_VERDICT_BROKEN = 4
} hf_verdict_code_t;

/*  All is healed: the clients end, then all nodes are killed once more and come back, equal in
 *  state and, byte for byte, in files; and the history holds. Reasons go to stderr. */
hf_verdict_code_t hf_judge (hf_world_t *world, unsigned *violations);

#endif
