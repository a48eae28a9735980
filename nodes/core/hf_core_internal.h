/*  hf_core_internal.h - what the files of the consensus core share. Nobody else includes it.
 *
 *  hf_core.c takes an event to the file of its kind; each of those changes the
 *  state through the functions below; and hf_core_settle.c draws the conclusions
 *  (commit index, acks, barriers, notices, the next deadline) once at the end of
 *  every step. Every function may use self->now_us, the time of the event.
 *
 *  The fields of a peer's message are within the bounds that hf_core_read_peer
 *  checks, and may be lies beyond that: no assert on them, and nothing that
 *  is committed or verified gives way to them.
 */
#ifndef HF_CORE_INTERNAL_H_INCLUDED
#define HF_CORE_INTERNAL_H_INCLUDED

#include "nodes/core/hf_core.h"
#include "nodes/core/hf_mutant.h"
#include "nodes/core/hf_quorum.h"
#include <assert.h>

#define HF_CORE_ENTRIES_MAX  65536U       //  in one ENTRIES message
#define HF_CORE_NUMBER_MAX   (1ULL << 62) //  a term, index or round from a peer is below this
#define HF_CORE_BARRIERS_MAX 64
#define HF_CORE_BACKOFF_MAX  6 //  a transfer waits for at most stability << this

//  ---- the log: terms and indexes ------------------------------------------------

typedef struct hf_core_log {
    hf_term_span_t *spans; //  index and term both ascend strictly
    size_t count, room;
    uint64_t first_index; //  1, or behind what was pruned
    uint64_t last_index;  //  first_index - 1 when there is no entry
} hf_core_log_t;

/*  False when the spans make no sense. */
bool hf_core_log_init (hf_core_log_t *log, const hf_restored_t *restored);
void hf_core_log_done (hf_core_log_t *log);
uint64_t hf_core_log_last_term (const hf_core_log_t *log);
/*  0 when it is not in the log. */
uint64_t hf_core_log_term_at (const hf_core_log_t *log, uint64_t index);
/*  Whether (INDEX, TERM) is a point of the log: (0, 0) is one of every log, and
 *  so is what was pruned, as only what is committed is pruned. */
bool hf_core_log_has (const hf_core_log_t *log, uint64_t index, uint64_t term);
/*  The largest index, at most INDEX, whose term is at most TERM; 0 when there is none. */
uint64_t hf_core_log_point_below (const hf_core_log_t *log, uint64_t index, uint64_t term);
void hf_core_log_append (hf_core_log_t *log, uint64_t term, uint64_t count);
/*  Forget the entries from INDEX on. */
void hf_core_log_truncate (hf_core_log_t *log, uint64_t index);
void hf_core_log_check (const hf_core_log_t *log);

//  ---- the state -------------------------------------------------------------------

/*  What a leader knows of another member, in its term. */
typedef struct hf_core_peer {
    uint64_t match;    //  verified and durable there, by its acks
    uint64_t round;    //  the last heartbeat round it acknowledged
    uint64_t heard_us; //  its last ack; when the term began before the first
    uint32_t hears;    //  the members that it hears
    uint64_t fit_us;   //  since when it has been fit to lead; 0: it is not
} hf_core_peer_t;

typedef struct hf_core_barrier {
    uint64_t id;
    uint64_t round;
    uint64_t index;
} hf_core_barrier_t;

struct hf_core {
    hf_core_config_t config;
    uint32_t slot; //  ours in config.members
    hf_chunk_fn *chunk;
    void *chunk_arg;
    uint64_t random;
    uint64_t now_us;

    //  Durable once the driver has committed it.
    uint64_t term;
    uint32_t voted_for;
    hf_core_log_t log;
    uint64_t durable_index;

    //  Of every role.
    hf_role_t role;
    uint32_t leader; //  0: unknown, or its connection broke
    uint64_t commit_index;
    uint64_t verified_index; //  checked against the leader of this term; the commit index before
    uint64_t round;          //  of heartbeats in this term: heard, or sent by us as leader
    uint32_t links;
    bool vote_pending;                //  our candidacy in this term may not be durable yet
    uint64_t told_us[HF_MEMBERS_MAX]; //  when we last sent NEWER_TERM there
    uint64_t told_term;
    uint64_t stand_at_us;      //  unless a leader is heard before
    uint64_t abstain_until_us; //  a node that is about to stop does not stand

    //  What a follower knows in this term.
    uint32_t term_leader; //  who was heard to lead it, also after its connection broke
    uint64_t heard_us;
    uint32_t broken; //  the leader whose connection broke at broken_us
    uint64_t broken_us;
    uint64_t leader_commit;
    uint64_t leader_last;
    bool ack_due;
    uint64_t acked_index;

    //  Repair, in this term: see hf_core_repair.c.
    bool walking;
    uint64_t probe_index;
    bool asked;
    uint64_t ask_again_us;

    //  A candidate's votes, as masks of slots.
    uint32_t granted, refused;

    //  What a leader knows in its term.
    hf_core_peer_t peers[HF_MEMBERS_MAX];
    uint64_t open_index; //  the entry that opened the term
    bool announced;      //  that we lead
    uint64_t beat_at_us;
    uint64_t beat_commit; //  the commit index at the heartbeat before
    hf_core_barrier_t barriers[HF_CORE_BARRIERS_MAX];
    uint32_t barriers_count;
    uint32_t transfer_to; //  0: none under way
    bool transfer_sent;
    uint64_t transfer_until_us;
    uint32_t transfer_backoff;

    //  What the last notice said.
    bool notice_due;
    uint64_t noted_term;
    uint32_t noted_leader;
};

//  ---- hf_core.c -----------------------------------------------------------------------

/*  The place of a member in the list; members_count when it is none. */
uint32_t hf_core_slot (const hf_core_t *self, uint32_t node);
uint32_t hf_core_bit (const hf_core_t *self, uint32_t node);
/*  A number below LIMIT; 0 when LIMIT is 0. */
uint64_t hf_core_random (hf_core_t *self, uint64_t limit);

//  ---- hf_core_effects.c ------------------------------------------------------------------

/*  Add one; the pointer is valid until the next is added. */
hf_persist_t *hf_core_persist (hf_effects_t *effects, hf_persist_type_t type);
hf_outgoing_t *hf_core_send (hf_effects_t *effects, uint32_t kind, uint32_t to);
hf_notice_t *hf_core_notice (hf_effects_t *effects, hf_notice_type_t type);
/*  Persist the term and vote as they are now. */
void hf_core_persist_vote (hf_core_t *self, hf_effects_t *effects);

//  ---- hf_core_role.c: who we are --------------------------------------------------------

/*  Follow nobody, in TERM: our own or a higher one. */
void hf_core_step_down (hf_core_t *self, uint64_t term, hf_effects_t *effects);
/*  A message of our term came from its leader FROM. False: drop it. */
bool hf_core_hear_leader (hf_core_t *self, uint32_t from);
bool hf_core_hears_leader (const hf_core_t *self);
/*  Ask whether we would be elected; if we need not ask, stand. */
void hf_core_pre_stand (hf_core_t *self, hf_effects_t *effects);
void hf_core_stand (hf_core_t *self, hf_effects_t *effects);
void hf_core_count_votes (hf_core_t *self, hf_effects_t *effects);
/*  How long to wait for a leader, and before asking again for votes. */
uint64_t hf_core_election_timeout (hf_core_t *self);
uint64_t hf_core_retry_delay (hf_core_t *self);
/*  A lower-term message from one who leads or stands: tell it, not too often. */
void hf_core_tell_newer_term (hf_core_t *self, uint32_t to, hf_effects_t *effects);

//  ---- hf_core_lead.c: what a leader does ----------------------------------------------------

void hf_core_lead (hf_core_t *self, hf_effects_t *effects);
/*  Begin a new round. */
void hf_core_beat (hf_core_t *self, hf_effects_t *effects);
/*  Add COUNT entries of our term to the log and publish them; the caller persists them. */
void hf_core_publish (hf_core_t *self, uint32_t count, hf_effects_t *effects);
/*  When a majority was last heard, counting ourselves as heard now. */
uint64_t hf_core_majority_heard_us (const hf_core_t *self);
void hf_core_advance_commit (hf_core_t *self);
void hf_core_pass_barriers (hf_core_t *self, hf_effects_t *effects);

//  ---- hf_core_handover.c: to whom a leader gives the lead --------------------------------------

/*  At each heartbeat: note who is fit, and begin a transfer to a lower id that has long been. */
void hf_core_prefer_lowest (hf_core_t *self);
/*  Send TRANSFER if the target has the whole log; AGAIN: even if it was sent before. */
void hf_core_push_transfer (hf_core_t *self, bool again, hf_effects_t *effects);
void hf_core_fail_transfer (hf_core_t *self);

//  ---- hf_core_repair.c: what a follower asks for
//  ---------------------------------------------------

void hf_core_repair_reset (hf_core_t *self);
/*  Ask for what the leader has and we have not, unless we are waiting for an answer. */
void hf_core_repair_ask (hf_core_t *self, hf_effects_t *effects);
/*  The leader answered that (INDEX, TERM) is its largest point below our probe, and it is none
 *  of ours. */
void hf_core_repair_walk (hf_core_t *self, uint64_t index, uint64_t term, hf_effects_t *effects);
/*  Something was verified; an ANSWER asks for the next chunk. */
void hf_core_repair_progress (hf_core_t *self, bool answer, hf_effects_t *effects);

//  ---- hf_core_settle.c
//  ------------------------------------------------------------------------------

void hf_core_settle (hf_core_t *self, hf_effects_t *effects);

//  ---- one file each
//  ------------------------------------------------------------------------------

void hf_core_on_tick (hf_core_t *self, hf_effects_t *effects);
void hf_core_on_propose (hf_core_t *self, uint32_t count, hf_effects_t *effects);
void hf_core_on_barrier (hf_core_t *self, uint64_t id, hf_effects_t *effects);
void hf_core_on_durable (hf_core_t *self, uint64_t index, uint64_t term);
void hf_core_on_link (hf_core_t *self, uint32_t node, bool up);
void hf_core_on_broken (hf_core_t *self, uint32_t node, hf_effects_t *effects);
void hf_core_on_handover (hf_core_t *self, hf_effects_t *effects);
void hf_core_on_stall (hf_core_t *self, uint64_t for_us);
void hf_core_on_peer (hf_core_t *self, const hf_event_t *event, hf_effects_t *effects);

void hf_core_on_heartbeat (hf_core_t *self, const hf_heartbeat_t *m, hf_effects_t *effects);
void hf_core_on_entries (hf_core_t *self, const hf_entries_t *m, hf_effects_t *effects);
void hf_core_on_ack (hf_core_t *self, const hf_ack_t *m);
void hf_core_on_need (hf_core_t *self, const hf_need_t *m, hf_effects_t *effects);
void hf_core_on_vote_request (hf_core_t *self, const hf_vote_request_t *m, hf_effects_t *effects);
void hf_core_on_vote (hf_core_t *self, const hf_vote_t *m, hf_effects_t *effects);
void hf_core_on_transfer (hf_core_t *self, const hf_transfer_t *m, hf_effects_t *effects);

#endif
