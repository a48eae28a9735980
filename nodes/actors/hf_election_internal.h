/*  hf_election_internal.h - what the files of the election actor share. Not for others.
 *
 *  hf_election_actor.c   wiring, the loop, what comes in
 *  hf_election_driver.c  the one driver of the core: writes, sends, commits, hands on
 *  hf_election_state.c   pruning, and state transfer passed on between peers and file actor
 */
#ifndef HF_ELECTION_INTERNAL_H_INCLUDED
#define HF_ELECTION_INTERNAL_H_INCLUDED

#include "nodes/actors/hf_actors.h"
#include "nodes/actors/hf_tail.h"

#define HF_ELECTION_STEP_BYTES                                                                     \
    (512U << 10) //  proposed in one step, so that its message fits a frame

typedef struct hf_election {
    hf_election_args_t *args;
    zsock_t *pipe;
    hf_core_t *core;
    hf_effects_t effects;
    hf_tail_t *tail;
    hf_pack_t frame;     //  scratch: the frame that is being sent
    hf_pack_t records;   //  scratch: records read from the store
    hf_pack_t proposals; //  ENTRY records that wait for a step as leader
    hf_list_t proposing; //  those of them that are stepped now
    bool started;
    uint64_t delivered;       //  last index handed to the lock actor
    uint64_t delivered_bytes; //  all entries' bytes handed over so far
    uint64_t credited_bytes;  //  of these, handled
    uint64_t flushed;         //  the state of this index is on disk
    bool prunes;              //  there is more to prune than one step took
    uint64_t held_index;      //  entries behind it are kept for a node that takes the state over
    uint64_t held_until_us;
    uint64_t missing;           //  members (by slot) without whom a new cluster does not form
    uint64_t missing_told_us;   //  when that was reported, or when this node started
    bool needs_state;           //  as last told to the file actor
    bool leading;               //  as last told
    uint64_t handover_until_us; //  0: not handing over
    uint64_t dropped;           //  frames of peers that the mesh let pass and the core cannot use
    bool stop;
} hf_election_t;

/*  Step the core at the time it is now, write what it wants durable into the open transaction, and
 *  send its early messages. */
void hf_election_step (hf_election_t *self, hf_event_t *event);
void hf_election_step_type (hf_election_t *self, hf_event_type_t type);

/*  Append what was proposed, if this node may; hold it back while a transfer is under way. */
void hf_election_step_proposals (hf_election_t *self);

/*  Make it durable, then visible; until there is nothing more to do. */
void hf_election_flush (hf_election_t *self);

//  hf_election_state.c
/*  Delete what the log need not keep, one small step, in the open transaction. No message that the
 *  core wants sent may wait: it could name what goes. */
void hf_election_prune (hf_election_t *self);
/*  This node is too far behind its LEADER; 0: it is so no more. */
void hf_election_needs_state (hf_election_t *self, uint64_t term, uint32_t leader);
/*  Say now and then for whom a new cluster waits. */
void hf_election_watch_forming (hf_election_t *self, uint64_t now_us);
/*  A peer's STATE_ASK or STATE_PART, to the file actor. False: drop and count it. */
bool hf_election_state_from_peer (hf_election_t *self, hf_span_t frame);
/*  The file actor's, to the peers. */
void hf_election_drain_file (hf_election_t *self);

/*  hf_chunk_fn: how many entries from FIRST on make one repair message. */
uint32_t hf_election_chunk (void *arg, uint64_t first, uint32_t max);

#endif
