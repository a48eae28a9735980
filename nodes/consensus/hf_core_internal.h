/*  hf_core_internal.h - shared by the files of the consensus core alone.
 *
 *  hf_core.c dispatches an event to its handler, which changes the state through the functions
 *  below; hf_core_settle.c draws the conclusions (commit index, acks, barriers, notices, the next
 *  deadline) once, at the end of every step. Every function may use self->now_us, the event's time.
 *
 *  The fields of a peer's message are within the bounds that hf_core_read_peer checks, and may be
 *  wrong beyond that: they are never asserted, and never override what is committed or verified.
 */
#ifndef HF_CORE_INTERNAL_H_INCLUDED
#define HF_CORE_INTERNAL_H_INCLUDED

#include "nodes/consensus/hf_core.h"
#include "base/hf_mutant.h"
#include "base/hf_random.h"
#include "nodes/consensus/hf_quorum.h"
#include "nodes/consensus/hf_seen.h"
#include <assert.h>

#define HF_CORE_ENTRIES_MAX 65536U       //  in one ENTRIES message
#define HF_CORE_NUMBER_MAX  (1ULL << 62) //  a term, index or round from a peer is below this
//  Elections that a peer may have seen and this node has not: one each 300 ms for 40 years.
#define HF_CORE_AHEAD_MAX    (1ULL << 32)
#define HF_CORE_BARRIERS_MAX 64
#define HF_CORE_LINKS_MAX    16
#define HF_CORE_TELL_ROSTER  10 //  heartbeats between two that tell the roster
#define HF_CORE_BACKOFF_MAX  6  //  a transfer waits for at most stability << this
#define HF_CORE_REGRETS_MAX  2  //  and for at most regret_us << this

//  ---- the log: terms and indexes ------------------------------------------------

typedef struct hf_core_log {
    HF_ARRAY (hf_term_span_t) spans; //  index and term both ascend strictly
    uint64_t first_index; //  1, or behind what was pruned: the base is at first_index - 1
    uint64_t base_term;   //  of the last entry that was pruned; 0 with base 0
    uint64_t last_index;  //  first_index - 1 when there is no entry
} hf_core_log_t;

/*  False when the spans make no sense. */
bool hf_core_log_init (hf_core_log_t *log, const hf_restored_t *restored);
void hf_core_log_done (hf_core_log_t *log);
uint64_t hf_core_log_last_term (const hf_core_log_t *log);
/*  The term at the base too; 0 when it is neither in the log nor its base. */
uint64_t hf_core_log_term_at (const hf_core_log_t *log, uint64_t index);
/*  Whether (INDEX, TERM) is a point of the log. (0, 0) is a point of every log. So is any point
 *  before the base: its term is forgotten, but only committed entries are pruned. */
bool hf_core_log_has (const hf_core_log_t *log, uint64_t index, uint64_t term);
/*  The largest index, of an entry or the base, that is at most INDEX and whose term is at most
 * TERM; 0 when there is none. */
uint64_t hf_core_log_point_below (const hf_core_log_t *log, uint64_t index, uint64_t term);
void hf_core_log_append (hf_core_log_t *log, uint64_t term, uint64_t count);
/*  Forget the entries from INDEX on. */
void hf_core_log_truncate (hf_core_log_t *log, uint64_t index);
/*  Forget the entries up to INDEX, which becomes the base. */
void hf_core_log_prune (hf_core_log_t *log, uint64_t index);
void hf_core_log_check (const hf_core_log_t *log);

//  ---- rosters: hf_core_roster.c ----------------------------------------------------

/*  A ROSTER entry of the log. The masks are of slots: who votes now, who voted before, whose
 *  disk of before was lost, and who is drained. JOINT: the first two differ. */
typedef struct hf_core_roster {
    uint64_t index;
    hf_roster_t is;   //  its hosts point into the payload
    uint8_t *payload; //  allocated
    uint32_t size;
    uint32_t now, before, lost, drained;
    bool joint;
    uint64_t incarnation[HF_MEMBERS_MAX]; //  by slot
} hf_core_roster_t;

/*  Of whom a majority is needed: of NOW, and unless it is 0 of BEFORE, where LOST never count. */
typedef struct hf_core_voters {
    uint32_t now, before, lost;
} hf_core_voters_t;

//  ---- the state -------------------------------------------------------------------

/*  A leader's view of another member, in its term. */
typedef struct hf_core_peer {
    uint64_t incarnation; //  of its last ack in this term; 0: it sent none
    uint64_t match;       //  verified and durable there, by its acks
    uint64_t round;       //  the last heartbeat round it acknowledged
    uint64_t heard_us;    //  its last ack; when the term began before the first
    uint32_t hears;       //  the members that it hears
    uint64_t fit_us;      //  since when it has been fit to lead; 0: it is not
    uint32_t sync_us;     //  how long its disk takes for a sync; 0: not known lately
    uint32_t speaks;      //  the highest feature level that it speaks, by its last ack
} hf_core_peer_t;

typedef struct hf_core_barrier {
    uint64_t id;
    uint64_t round;
    uint64_t index;
} hf_core_barrier_t;

struct hf_core {
    hf_core_config_t config;
    uint32_t nodes[HF_MEMBERS_MAX]; //  by slot, as the roster in force says; 0: nobody
    uint32_t slot;                  //  ours; HF_MEMBERS_MAX: we are no member
    hf_chunk_fn *chunk;
    void *chunk_arg;
    hf_random_t random;
    uint64_t now_us;

    //  Durable once the driver has committed it.
    uint64_t term;
    hf_member_t voted_for; //  node 0: nobody
    hf_core_log_t log;
    uint64_t durable_index;
    HF_ARRAY (hf_core_roster_t) rosters; //  ascending; the last is in force

    //  Of every role.
    hf_role_t role;
    uint32_t leader; //  0: unknown, or its connection broke
    uint64_t commit_index;
    uint64_t verified_index; //  checked against the leader of this term; the commit index before
    uint64_t round;          //  of heartbeats in this term: heard, or sent by us as leader
    uint32_t linked[HF_CORE_LINKS_MAX], linked_count; //  the nodes whose link is up
    uint32_t links;                                   //  and their slots
    bool vote_pending; //  our candidacy in this term may not be durable yet
    uint64_t newer_sent_us[HF_MEMBERS_MAX + 1]; //  when we last sent NEWER_TERM there; [last]: to
                                                //  one that is no member
    uint64_t newer_sent_term;                   //  and the term in it
    uint64_t stand_at_us;                       //  unless a leader is heard before
    uint64_t sync_us;                           //  of our own disk, as of sync_at_us
    uint64_t sync_at_us;
    uint64_t leader_keep; //  what the last heartbeat said, of any leader, and when; 0: nothing
    uint64_t keep_us;
    uint64_t abstain_until_us; //  a node that is about to stop does not stand

    //  A follower's, in this term.
    uint32_t term_leader; //  its leader once heard, also after its connection broke
    uint64_t heard_us;
    uint32_t broken; //  the leader whose connection broke at broken_us
    uint64_t broken_us;
    uint64_t leader_commit;
    uint64_t leader_last;
    bool ack_due;
    uint64_t acked_index;
    bool needs_state; //  the leader's log begins behind ours, and nothing was verified since
    bool offer_noted; //  since the last FOLLOWING

    //  Repair, in this term: see hf_core_replicate.c.
    bool walking;
    uint64_t probe_index;
    bool asked;
    uint64_t ask_again_us;

    //  A candidate's votes, as masks of slots; granted ones that count, and from whom.
    uint32_t granted, refused;
    uint64_t voters[HF_MEMBERS_MAX];   //  incarnations
    uint64_t promised[HF_MEMBERS_MAX]; //  of who forms a cluster: whose pre-votes let it stand
    uint32_t voters_speak;             //  the lowest level that one of them speaks
    uint32_t waiting_noted;            //  the mask of the last WAITING; 0: none since a leader

    //  A leader's, in its term.
    hf_core_peer_t peers[HF_MEMBERS_MAX];
    uint64_t open_index; //  the entry that opened the term
    bool announced;      //  that we lead
    uint64_t beat_at_us;
    uint64_t beat_commit;                  //  the commit index at the heartbeat before
    uint64_t beat_round;                   //  and the round that it began; 0: none was yet
    uint64_t told_commit;                  //  what the peers were told last
    uint64_t tell_at_us;                   //  when they must be told of a later one; 0: none
    HF_ARRAY (hf_core_barrier_t) barriers; //  at most HF_CORE_BARRIERS_MAX; rounds ascend
    uint32_t transfer_to;                  //  0: none under way
    bool transfer_sent;
    uint64_t transfer_until_us;
    uint32_t transfer_backoff;
    bool wished;        //  the transfer is to a lower id, not because this node stops
    uint64_t asked_id;  //  the change that asked for the transfer; 0: none did
    uint64_t kept_term; //  in which an operator wants this node to lead: it is not handed on

    uint64_t change_id, change_index; //  asked for, appended, not told as done; 0: none
    uint32_t beats;                   //  until the roster is told again
    uint64_t leaves_at_us;            //  it was removed, and leads no longer; 0: it was not

    //  Hand-overs to a lower id that did not last, of all terms in which this node led.
    uint64_t given_us; //  when TRANSFER was sent last; 0: never, or the lead was handed back
    uint64_t regret_until_us;
    uint32_t regrets;

    hf_seen_mark_t opened;          //  as this folder was
    hf_seen_t seen[HF_MEMBERS_MAX]; //  of the others, by slot
    hf_pack_t marks;                //  as the last heartbeat tells them
    bool old;                       //  this folder is an old copy: we say nothing any more

    uint64_t told_index; //  of the roster that another node told last; 0: none did
    uint32_t told_size;
    uint8_t told[HF_ROSTER_MAX];
    bool was_member; //  by a roster of our log, or with one by the list
    bool removed;    //  and the driver was told
    uint64_t roster_noted;

    //  What the last notice said.
    bool notice_due;
    uint64_t noted_term;
    uint32_t noted_leader;
};

//  ---- hf_core.c -----------------------------------------------------------------------

/*  How long our disk takes for a sync; 0: not known lately. */
uint64_t hf_core_sync_us (const hf_core_t *self);

//  ---- hf_core_effects.c ------------------------------------------------------------------

/*  Add one; the pointer is valid until the next is added. A message has our id and term. */
hf_persist_t *hf_core_persist (hf_effects_t *effects, hf_persist_type_t type);
hf_outgoing_t *hf_core_send (const hf_core_t *self, uint32_t kind, uint32_t to,
                             hf_effects_t *effects);
/*  ENTRIES without their bytes: COUNT entries after the point (PREV_INDEX, PREV_TERM). */
hf_outgoing_t *hf_core_send_entries (const hf_core_t *self, uint32_t to, uint64_t prev_index,
                                     uint64_t prev_term, uint32_t count, hf_effects_t *effects);
void hf_core_notice (const hf_core_t *self, hf_notice_type_t type, uint64_t id, uint64_t index,
                     hf_effects_t *effects);
/*  Persist the term and vote as they are now. */
void hf_core_persist_vote (hf_core_t *self, hf_effects_t *effects);

//  ---- hf_core_roster.c: the ROSTER entries of the log ---------------------------------

bool hf_core_tracks (const hf_core_t *self);
/*  The ROSTER entry in force; NULL when incarnations are not tracked or the cluster was never
 * formed. */
const hf_core_roster_t *hf_core_roster (const hf_core_t *self);
/*  The last one that is known to be committed; NULL: none is. */
const hf_core_roster_t *hf_core_roster_committed (const hf_core_t *self);
/*  The slot of a member; HF_MEMBERS_MAX when it is none. */
uint32_t hf_core_slot (const hf_core_t *self, uint32_t node);
/*  Seat the members as the roster in force says, or without one the list. */
void hf_core_sit (hf_core_t *self);
/*  Find the slots of the nodes whose link is up. */
void hf_core_links_update (hf_core_t *self);
/*  Load from RESTORED. False when it is inconsistent. */
bool hf_core_roster_init (hf_core_t *self, const hf_restored_t *restored);
void hf_core_roster_done (hf_core_t *self);
/*  Whether ENTRY is no ROSTER, or a valid one of a level that we speak. */
bool hf_core_roster_sane (const hf_core_t *self, const hf_entry_t *entry);
/*  ENTRY was appended at INDEX; an entry of another type changes nothing. */
void hf_core_roster_append (hf_core_t *self, uint64_t index, const hf_entry_t *entry);
/*  Tell node TO, 0: everybody, the roster that is committed, unless it is of level 0 or joint. */
void hf_core_send_roster (hf_core_t *self, uint32_t to, hf_effects_t *effects);
/*  As a leader: make PERSIST this ROSTER entry, and put it in force. */
void hf_core_roster_add (hf_core_t *self, const hf_roster_t *roster, hf_persist_t *persist);
void hf_core_roster_truncate (hf_core_t *self, uint64_t index);
/*  Drop roster entries that a later committed one replaces. */
void hf_core_roster_forget (hf_core_t *self);
void hf_core_roster_check (const hf_core_t *self);

//  ---- hf_core_members.c: which members count ---------------------------------------------

hf_core_voters_t hf_core_voters (const hf_core_t *self);
/*  Whether the slots in MASK, all of the incarnations on record, are a majority. */
bool hf_core_majority (const hf_core_t *self, uint32_t mask);
/*  Whether without those in REFUSED there is none. */
bool hf_core_no_majority (const hf_core_t *self, uint32_t refused);
/*  What a majority has reached: VALUES by slot, of the slots in COUNTED. */
uint64_t hf_core_majority_value (const hf_core_t *self, const uint64_t *values, uint32_t counted);
/*  Whether we vote with the disk that we have, or there is no roster yet; or are needed to lead
 *  until our own removal is committed. */
bool hf_core_may_stand (const hf_core_t *self);
/*  As a leader: the slots of members that were heard, or are us, with the disk on record. */
uint32_t hf_core_counted (const hf_core_t *self);
/*  The slots of voters that count without reserve, as far as we know. */
uint32_t hf_core_full (const hf_core_t *self);
/*  The slots of members that lead only when no other can. */
uint32_t hf_core_drained (const hf_core_t *self);
/*  How many voters stand before NODE: those with a lower id that are not drained. One that is
 *  drained comes after all others. */
uint32_t hf_core_rank (const hf_core_t *self, uint32_t node);
/*  Whether there is no other member. */
bool hf_core_alone (const hf_core_t *self);

//  ---- hf_core_change.c: changes of the members ---------------------------------------------

/*  At each heartbeat: make the next step of a change, if there is one. */
void hf_core_admit (hf_core_t *self, hf_effects_t *effects);
void hf_core_on_change (hf_core_t *self, const hf_change_t *change, hf_effects_t *effects);
/*  Tell who asked for a change that it is committed. */
void hf_core_settle_change (hf_core_t *self, hf_effects_t *effects);

//  ---- hf_core_election.c: roles and votes ---------------------------------------------------

/*  Become a follower without a leader, in TERM: our own or a higher one. */
void hf_core_step_down (hf_core_t *self, uint64_t term, hf_effects_t *effects);
/*  FROM sent a message as the leader of our term. False: drop the message. */
bool hf_core_hear_leader (hf_core_t *self, uint32_t from);
/*  Start a pre-vote; with no peers to ask, stand for election. */
void hf_core_pre_stand (hf_core_t *self, hf_effects_t *effects);
void hf_core_stand (hf_core_t *self, hf_effects_t *effects);
/*  How long to wait for a leader, and before asking again for votes. */
uint64_t hf_core_election_timeout (hf_core_t *self);
/*  A leader or candidate of a lower term sent a message: send it NEWER_TERM, rate-limited. */
void hf_core_tell_newer_term (hf_core_t *self, uint32_t to, hf_effects_t *effects);

//  ---- hf_core_lead.c: the leader ----------------------------------------------------

void hf_core_lead (hf_core_t *self, hf_effects_t *effects);
/*  Begin a new round. */
void hf_core_beat (hf_core_t *self, hf_effects_t *effects);
/*  At each heartbeat: every so often, tell the roster that is committed. Who was removed while it
 *  was away learns it so. */
void hf_core_tell_roster (hf_core_t *self, hf_effects_t *effects);
/*  Append one entry of our own: this ROSTER, or with NULL OPEN_TERM. */
void hf_core_append_own (hf_core_t *self, const hf_roster_t *roster, hf_effects_t *effects);
/*  Add COUNT entries of our term to the log and publish them; the caller persists them. */
void hf_core_publish (hf_core_t *self, uint32_t count, hf_effects_t *effects);
/*  Tell the peers the commit index, when nothing else that goes to them has told it. */
void hf_core_tell_commit (hf_core_t *self, hf_effects_t *effects);

/*  When a majority was last heard, counting ourselves as heard now. */
uint64_t hf_core_majority_heard_us (const hf_core_t *self);
void hf_core_advance_commit (hf_core_t *self);
/*  The lowest index that a member acknowledged which was heard not long ago, counting or not, and
 *  behind which our log still goes on; UINT64_MAX: none. A follower has it from its leader. A new
 *  leader, which has not heard a member that is away, has it for a while from the leader before. */
uint64_t hf_core_lagging (const hf_core_t *self);
/*  The first entry that members may still need, as heartbeats name it; 0: none. */
uint64_t hf_core_keep (const hf_core_t *self);
/*  The member that has it, if it was heard within an election timeout, and the index; 0: none. */
uint32_t hf_core_behind (const hf_core_t *self, uint64_t *index);
void hf_core_pass_barriers (hf_core_t *self, hf_effects_t *effects);

//  ---- hf_core_handover.c: leadership transfer --------------------------------------

/*  At each heartbeat: track which peers are fit, and begin a transfer to a lower id that has been
 * fit for the stability window. */
void hf_core_prefer_lowest (hf_core_t *self);
/*  Send TRANSFER if the target has the whole log; AGAIN: even if it was sent before. */
void hf_core_push_transfer (hf_core_t *self, bool again, hf_effects_t *effects);
void hf_core_fail_transfer (hf_core_t *self, hf_effects_t *effects);
/*  As a leader: an operator wants NODE to lead. TAKEN: a transfer is under way for CHANGE. */
hf_verdict_t hf_core_hand_to (hf_core_t *self, const hf_change_t *change, hf_effects_t *effects);
/*  A leader that was removed hands over, or after an election timeout steps down. */
void hf_core_leave (hf_core_t *self, hf_effects_t *effects);
/*  The peer was heard within three heartbeats, over a link that works both ways. */
bool hf_core_reachable (const hf_core_t *self, uint32_t slot);
/*  This node leads again: if that is soon after it handed the lead to a lower id, wait before the
 *  next time. */
void hf_core_regret (hf_core_t *self);

//  ---- hf_core_replicate.c: gaps -------------------------------------------------------------

void hf_core_repair_reset (hf_core_t *self);
/*  Ask for the entries we lack, unless an answer is outstanding. */
void hf_core_repair_ask (hf_core_t *self, hf_effects_t *effects);
/*  The verified index rose; an ANSWER asks for the next chunk. */
void hf_core_repair_progress (hf_core_t *self, bool answer, hf_effects_t *effects);

//  ---- hf_core_seen.c: old copies of a node's folder ------------------------------------------

/*  Say in message M how our folder was opened. */
#define HF_CORE_SAY_OPENING(self, m)                                                               \
    ((m)->start = (self)->config.start, (m)->life = (self)->config.life,                           \
     (m)->open_term = (self)->opened.term, (m)->open_voted = (self)->opened.voted,                 \
     (m)->open_index = (self)->opened.index)
/*  Remember what MESSAGE says of its sender. True: the sender has an old copy; it was told so, and
 *  its message must do nothing. */
bool hf_core_refuses_copy (hf_core_t *self, const hf_peer_message_t *message,
                           hf_effects_t *effects);
/*  What we know, for a heartbeat; valid until the next one. */
hf_list_t hf_core_tell_marks (hf_core_t *self);
void hf_core_hear_marks (hf_core_t *self, const hf_heartbeat_t *m);

//  ---- hf_core_settle.c ----------------------------------------------------------------------

void hf_core_settle (hf_core_t *self, hf_effects_t *effects);

//  ---- events --------------------------------------------------------------------------------

void hf_core_on_barrier (hf_core_t *self, uint64_t id, hf_effects_t *effects);
void hf_core_on_handover (hf_core_t *self, hf_effects_t *effects);
void hf_core_on_peer (hf_core_t *self, const hf_event_t *event, hf_effects_t *effects);
/*  Whether an honest node can have sent M: what is not is refused, so it must not be sent either.
 */
bool hf_core_sane (const hf_peer_message_t *m);

#define HF_CORE_HANDLER(kind, name)                                                                \
    void hf_core_on_##name (hf_core_t *self, const hf_##name##_t *m, hf_effects_t *effects);
HF_PEER_TABLE (HF_CORE_HANDLER)
#undef HF_CORE_HANDLER

#endif
