/*  hf_election_private.h - what the files of the election service share. Not for others.
 *
 *  hf_election_service.c   life, inputs, the turn
 *  hf_election_drive.c     the driver of the core: writes, messages, proposals, delivery, notices
 *  hf_election_upkeep.c    pruning, state transfer passed on, missing members, facts
 *  hf_election_slow.c      slow syncs and turns, links that flap, jumps of the clock
 *  hf_pace.c               proposals slowed for a member that does not catch up
 *  hf_tail.c               the newest entries, in memory
 */
#ifndef HF_ELECTION_PRIVATE_H_INCLUDED
#define HF_ELECTION_PRIVATE_H_INCLUDED

#include "base/hf_mutant.h"
#include "nodes/services/hf_election_service.h"
#include "nodes/services/hf_laps.h"
#include "nodes/services/hf_pace.h"
#include "nodes/services/hf_slow.h"
#include "nodes/services/hf_tail.h"
#include <inttypes.h>

struct hf_election_service {
    hf_election_config_t config;
    hf_election_log_t log;
    hf_core_t *core;
    hf_effects_t effects;
    size_t framed; //  of effects.messages: these are in OUT or HELD
    hf_tail_t *tail;
    hf_outbox_t out;
    hf_outbox_t held;  //  frames that may leave only after the commit
    hf_pack_t records; //  scratch: records read from the store
    uint64_t now_us;   //  of the last call
    bool dirty;

    //  The turn.
    uint64_t began_us;  //  when it began
    uint64_t turn_us;   //  how long the previous turn took
    uint64_t due_us;    //  when this one should have begun at the latest
    uint64_t listen_us; //  the end of the previous turn
    uint64_t sync_us;   //  since when the disk has been working

    //  Proposals and deliveries.
    hf_pack_t proposals;   //  ENTRY records that wait for a step as leader; PROPOSED at their begin
    uint32_t proposed;     //  wait no more
    size_t proposed_bytes; //  of these
    hf_pace_t pace;
    bool started;
    uint64_t delivered;       //  last index handed to the lock actor
    uint64_t delivered_bytes; //  all entries' bytes handed over so far
    uint64_t credited_bytes;  //  of these, handled
    bool leading;             //  as last reported
    bool watched;             //  clients of this node wait for what happens
    bool flows;               //  the last frame of a peer had entries that are new
    uint64_t lag_us;          //  since when committed entries wait for more; 0: none do

    //  Upkeep.
    uint64_t flushed; //  the state of this index is on disk
    uint64_t
        prune_us; //  when there may be something to prune; UINT64_MAX: not before the next flush
    uint64_t held_index; //  entries after it are kept for a node that takes the state over
    uint64_t held_until_us;
    bool needs_state; //  as last reported to the file actor
    uint64_t missing; //  members (by slot) without whom a new cluster does not form
    uint64_t missing_told_us;
    uint32_t led_by;             //  the last leader that was known,
    uint64_t led_term, led_us;   //  its term, and since when
    uint64_t leaderless_us;      //  since when nobody leads; 0: somebody does
    uint64_t leaderless_told_us; //  when that was logged; 0: it was not
    uint64_t handover_until_us;  //  0: not handing over
    uint64_t removed;            //  as of this entry it is no member any more; 0: it is
    bool old;                    //  its folder is an old copy
    bool roster_shown;           //  the lock actor knows one,
    uint64_t roster_told;        //  and this is the last that was committed when it was told
    uint64_t dropped;            //  frames of peers that the core cannot use
    bool newer_told;             //  that the cluster's level is one that we do not speak
    uint32_t outdated;           //  members (by slot) that do not speak it, as told
    char names[HF_NAMES_MAX];
    hf_laps_t appended; //  as leader, by the last index of a proposal
    hf_times_t commit, sync;
    hf_slow_t slow_sync, slow_turn, slow_wake;
    hf_flaps_t flaps[HF_MEMBERS_MAX]; //  by slot
    hf_jumps_t jumps;
    uint64_t mesh_dropped; //  and those that the mesh did not let pass
};

//  hf_election_drive.c

/*  Step the core, write what it wants durable, and frame its messages: early ones into the outbox,
 *  others into HELD. LIST: the entries of a PROPOSE or an ENTRIES event. */
void hf_election_step (hf_election_service_t *self, hf_event_t *event, hf_list_t list);
void hf_election_event (hf_election_service_t *self, hf_event_t event);

/*  Append what was proposed, if this node may; hold it back during a transfer. As much as the pace
 *  allows, or ALL. */
void hf_election_propose (hf_election_service_t *self, bool all);

/*  Hand committed entries to the lock actor, as far as it keeps up. */
void hf_election_deliver (hf_election_service_t *self);

/*  What waited for the commit: messages, committed entries, notices. */
void hf_election_release (hf_election_service_t *self);

/*  hf_chunk_fn: how many entries from FIRST on make one repair message. */
uint32_t hf_election_chunk (void *arg, uint64_t first, uint32_t max);

//  hf_election_upkeep.c

/*  Delete what the log need not keep, one small step. */
void hf_election_prune (hf_election_service_t *self);
/*  When there may be something to prune; UINT64_MAX: not before the next flush or commit. */
uint64_t hf_election_prune_us (const hf_election_service_t *self);

/*  This node's log is too old for LEADER; 0: not any more. */
void hf_election_needs_state (hf_election_service_t *self, uint64_t term, uint32_t leader);

/*  A STATE_ASK or STATE_PART of a peer, for the file actor. False: malformed or not for us. */
bool hf_election_state_from_peer (hf_election_service_t *self, hf_scan_t *scan, uint32_t kind);

/*  The file actor's, for a peer. */
void hf_election_state_ask (hf_election_service_t *self, const hf_state_ask_t *ask);
void hf_election_state_part (hf_election_service_t *self, const hf_state_part_t *part);

/*  See whether a member does not catch up. */
void hf_election_pace (hf_election_service_t *self);

/*  The members whose bits (by slot) are set, as text. Gives how many. */
uint64_t hf_election_nodes_text (const hf_election_service_t *self, uint64_t mask, char *text,
                                 size_t size);
/*  The slots of the members that vote. */
uint64_t hf_election_voters (const hf_election_service_t *self);

//  hf_election_leaderless.c

/*  Log that nobody leads, and when it is over. */
void hf_election_watch_leader (hf_election_service_t *self);

//  hf_election_upkeep.c

/*  Log who the members are now. */
void hf_election_members (hf_election_service_t *self);
/*  Tell the lock actor, when it does not know them. */
void hf_election_tell_roster (hf_election_service_t *self);

/*  The leader told the committed roster: a node whose own log has none passes it on, so that its
 *  clients hear where the others are. */
void hf_election_heard_members (hf_election_service_t *self, const hf_members_t *m);

/*  Log now and then which members a new cluster waits for. */
void hf_election_watch_forming (hf_election_service_t *self);
/*  As a leader, report members of an older release. */
void hf_election_watch_levels (hf_election_service_t *self);

//  hf_election_slow.c

/*  Log a slow sync; a turn that took long, without its sync, or began late; a link that flaps. */
void hf_election_slow_sync (hf_election_service_t *self, uint64_t took_us);
void hf_election_slow_turn (hf_election_service_t *self);
void hf_election_link_down (hf_election_service_t *self, uint32_t node);

//  hf_election_upkeep.c

void hf_election_facts (hf_election_service_t *self, uint64_t id);

#endif
