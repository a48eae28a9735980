/*  hf_fleet.h - a cluster of cores in memory, in virtual time.
 *
 *  Each node is a core and a driver as hf_core.h asks for: one open transaction,
 *  early messages at once, everything else after the commit. Disks take time
 *  and can stall, a crash loses what was not committed; the network delays, loses,
 *  doubles and cuts. Frames are packed and read as on the wire. Nodes are 1..N.
 *
 *  The fleet watches over the promises and asserts them: P1 one leader in a term;
 *  P2 log matching (hf_fleet_check); P3 and P4 what is committed once stays, the
 *  same everywhere; P7 what is committed is on the disks of a majority; P10 a
 *  barrier that passed covers all that was committed before it was asked for.
 */
#ifndef HF_FLEET_H_INCLUDED
#define HF_FLEET_H_INCLUDED

#include "nodes/consensus/hf_core.h"

typedef struct hf_fleet hf_fleet_t;

//  What to tell the observer of.
enum {
    HF_TELL_ROLES = 1,    //  roles, commits, barriers, who is admitted or needs state
    HF_TELL_DISK = 2,     //  persists
    HF_TELL_MESSAGES = 4, //  all but heartbeats and acks
    HF_TELL_BEATS = 8     //  those
};
typedef void (hf_tell_fn) (void *arg, const char *line);

typedef struct hf_fleet_options {
    uint32_t members;
    uint64_t seed;
    bool prefer_lowest;
    bool track;          //  who is known: every node has an incarnation
    uint64_t latency_us; //  of a message: this, and up to JITTER_US more
    uint64_t jitter_us;
    uint64_t disk_us; //  of a commit: up to this; 0: done in the same step
    uint32_t loss_permille;
    uint32_t double_permille;
    uint32_t chunk; //  entries in one chunk of a repair
    hf_tell_fn *tell;
    void *tell_arg;
    uint32_t tell_what;
} hf_fleet_options_t;

/*  All nodes are down. */
hf_fleet_t *hf_fleet_new (const hf_fleet_options_t *options);
void hf_fleet_destroy (hf_fleet_t **self_p);
hf_fleet_options_t *hf_fleet_options (hf_fleet_t *self); //  faults may change at any time

//  ---- what is on a disk, while the node is down ---------------------------------

void hf_fleet_set_vote (hf_fleet_t *self, uint32_t node, uint64_t term, uint32_t voted_for);
void hf_fleet_add_entries (hf_fleet_t *self, uint32_t node, uint64_t term, uint32_t count);

/*  A new disk, with another incarnation. */
void hf_fleet_wipe (hf_fleet_t *self, uint32_t node);
/*  The state of FROM, as of what it knows to be committed, is installed at NODE: unless the
 *  log has that point, it begins behind it now. */
void hf_fleet_install (hf_fleet_t *self, uint32_t node, uint32_t from);

//  ---- what happens ---------------------------------------------------------------

void hf_fleet_start (hf_fleet_t *self, uint32_t node);
/*  BREAK: the others see their connections break; else there is only silence. */
void hf_fleet_crash (hf_fleet_t *self, uint32_t node, bool breaks);
void hf_fleet_broken (hf_fleet_t *self, uint32_t node, uint32_t peer);
/*  Whether frames go from A to B. */
void hf_fleet_connect (hf_fleet_t *self, uint32_t a, uint32_t b, bool connected);
/*  Lose the next COUNT frames of KIND from A to B (0: anybody). */
void hf_fleet_drop (hf_fleet_t *self, uint32_t kind, uint32_t a, uint32_t b, uint32_t count);
void hf_fleet_drop_no_more (hf_fleet_t *self);
/*  Keep a second copy of the next COUNT frames of KIND from A to B, until hf_fleet_arrive. */
void hf_fleet_keep (hf_fleet_t *self, uint32_t kind, uint32_t a, uint32_t b, uint32_t count);
/*  All frames that were kept arrive now, in order. */
void hf_fleet_arrive (hf_fleet_t *self);
/*  A stalled disk commits nothing. */
void hf_fleet_stall (hf_fleet_t *self, uint32_t node, bool stalled);
/*  Delete the entries up to INDEX, or to what is committed and durable there, if that is less. */
void hf_fleet_prune (hf_fleet_t *self, uint32_t node, uint64_t index);
void hf_fleet_handover (hf_fleet_t *self, uint32_t node);
/*  False when the node does not take it. */
bool hf_fleet_propose (hf_fleet_t *self, uint32_t node, uint32_t count);
void hf_fleet_barrier (hf_fleet_t *self, uint32_t node, uint64_t id);
/*  Hand a frame to NODE as if a peer had sent it. False: it was not taken. */
bool hf_fleet_inject (hf_fleet_t *self, uint32_t node, const void *frame, size_t size);

/*  Let virtual time go on. */
void hf_fleet_run (hf_fleet_t *self, uint64_t us);
/*  Handle what comes next, at UNTIL_US at the latest. False when that time has come. */
bool hf_fleet_next (hf_fleet_t *self, uint64_t until_us);

//  ---- what there is to see -----------------------------------------------------------

uint64_t hf_fleet_now_us (const hf_fleet_t *self);
bool hf_fleet_up (const hf_fleet_t *self, uint32_t node);
hf_core_view_t hf_fleet_view (const hf_fleet_t *self, uint32_t node);
const hf_core_t *hf_fleet_core (const hf_fleet_t *self, uint32_t node);
/*  The node that is told to lead, with the highest term; 0: none. */
uint32_t hf_fleet_leader (const hf_fleet_t *self);
/*  The highest index that any node reported as committed. */
uint64_t hf_fleet_committed (const hf_fleet_t *self);
bool hf_fleet_passed (const hf_fleet_t *self, uint64_t id);
/*  Whether all nodes that are up have the same log, all of it committed. */
bool hf_fleet_agreed (const hf_fleet_t *self);
/*  Whether every node is up and known, by an entry that is committed and not the first of two. */
bool hf_fleet_whole (const hf_fleet_t *self);
/*  The terms of a node's log as "1x3 2x1", or "(4) 1x3 2x1" when 4 entries before were pruned. */
const char *hf_fleet_log_text (const hf_fleet_t *self, uint32_t node, char *text, size_t size);
/*  P2 over all pairs of logs, and every core's own invariants. */
void hf_fleet_check (const hf_fleet_t *self);

#endif
