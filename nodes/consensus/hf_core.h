/*  hf_core.h - the consensus of a node, as one pure step function.
 *
 *  Raft (Ongaro, "Consensus: Bridging Theory and Practice", 2014) with
 *  pre-vote (9.6), check-quorum (6.2), leadership transfer (3.10), read
 *  barriers (6.4, ReadIndex) and multicast replication with verified acks.
 *
 *  The core does no I/O, reads no clock and keeps no entry's bytes: it knows
 *  indexes and terms. Time comes in with every event; what is to be done goes
 *  out as data. Entries are counted from 1. Times are microseconds of one
 *  monotonic clock. Not thread-safe: one actor owns it.
 *
 *  The driver's duty, for safety, in this order:
 *    1. hf_core_step for each event at hand; after each step, write
 *       effects->persists, in order, into ONE open transaction of the log store,
 *       and send the messages marked EARLY (they may go out before the commit:
 *       a leader's entries travel while its own disk works, 10.2.1; a NEED promises nothing).
 *    2. Commit the transaction. If that fails, end the process: nothing more leaves the node.
 *    3. Send the other messages; hand on the notices; report commit_index.
 *    4. If the transaction held anything: step HF_EV_DURABLE with the last index
 *       it made durable, and go on with 1.
 *  Effects pile up over several steps (batching) until hf_effects_reset.
 *
 *  The roster (design 4.6, 10). Each node has an incarnation, made with its disk. A ROSTER entry of
 *  the log, made by the core itself, names every member, the incarnation of its disk and whether it
 *  votes. The last one in a log is in force from its append, committed or not; the next one is
 *  appended only when it is committed. One that changes who votes is joint (dissertation 4.3): see
 *  hf_core_members.c.
 *    - A log with no roster in it or at its base is that of a cluster that was never formed: ALL
 *      members of the list must grant the vote (and the pre-vote), and the entry that opens the
 *      first term is the roster with the incarnations that their votes gave. A node with an empty
 *      list (members_count 0) waits for a leader instead.
 *    - A vote or ack of an incarnation that is not in the roster counts for nothing (elections,
 *      commit, rounds, check-quorum, fitness). What the old incarnation acknowledged is forgotten.
 *    - When such a node, or one that is to vote, has caught up (it has all that was committed at
 *      the last heartbeat), the leader appends a joint roster with its incarnation, and when that
 *      is committed a second one, which records that it is.
 *    - A leader tells the committed roster every so often, and every node tells it to one that
 * wants to stand and whose log ends before it: see hf_core_told.
 *    - A leader that votes no more leads until that is committed, without counting itself, and then
 *      hands over. A node that is no member any more is told so (HF_NOTICE_REMOVED).
 *    - Level 0 knows none but the members of the list; a roster names its level. Nothing of a
 *      higher level is written before HF_CHANGE_RAISE, which needs all members to speak it.
 *    - A node whose folder is an old copy of its own is noticed by those that know what it promised
 *      since: they refuse what it says and tell it (HF_NOTICE_OLD). It goes on as one that lost its
 *      disk. See hf_core_seen.c.
 *    - An invalid roster is refused: the message that carries it is dropped, and a log that holds
 *      it is not loaded. An entry of a type that is not in hf_msg.h is replicated like any other.
 *
 *  With config.incarnation 0 there is no roster and every member counts (for tests).
 */
#ifndef HF_CORE_H_INCLUDED
#define HF_CORE_H_INCLUDED

#include "base/hf_array.h"
#include "msgs/hf_msg.h"

typedef struct hf_core hf_core_t;

/*  Where a member is to be reached. HOST is empty: not known. */
typedef struct hf_core_place {
    char host[HF_HOST_MAX + 1];
    uint16_t client_port, node_port;
} hf_core_place_t;

typedef struct hf_core_config {
    uint32_t self;
    //  Who forms the cluster; once it is formed, the roster in the log says who the members are.
    uint32_t members[HF_MEMBERS_MAX]; //  ids, ascending
    uint32_t members_count;           //  0: this node joins a cluster, and forms none
    hf_core_place_t places[HF_MEMBERS_MAX];
    uint32_t speaks;       //  the highest feature level; default HF_LEVEL_NEWEST
    uint64_t heartbeat_us; //  default 50 ms
    uint64_t election_us;  //  default 300 ms
    uint64_t rank_step_us; //  added to election_us for each lower id; default 60 ms
    uint64_t stability_us; //  a lower id must be fit for so long to be handed the lead, without a
                           //  long standstill of this node; 2 s
    bool prefer_lowest;    //  hand over to the lowest fit id; default true
    uint64_t regret_us;    //  no such hand-over for so long after one that did not last; 2 min
    uint64_t believed_us;  //  what a sync took is believed for so long without another; 8 min
    uint64_t seed;         //  of the only randomness: jitter
    uint64_t incarnation;  //  of this node's disk; 0: every member counts
    uint64_t start;        //  how often that was opened; 0: it is not said
    uint64_t life;         //  a random number of this opening
} hf_core_config_t;

/*  Fill in the defaults; self and members are left to the caller. */
void hf_core_config_defaults (hf_core_config_t *config);

/*  A run of entries of one term, as found in the log. */
typedef struct hf_term_span {
    uint64_t first_index;
    uint64_t term;
} hf_term_span_t;

/*  A ROSTER entry of the log: its index and its payload. */
typedef struct hf_roster_at {
    uint64_t index;
    uint32_t size;
    uint8_t payload[HF_ROSTER_MAX];
} hf_roster_at_t;

/*  What the log store held at the start. */
typedef struct hf_restored {
    uint64_t term;
    hf_member_t voted_for; //  node 0: nobody
    uint64_t base_index;   //  the log begins behind this; 0: nothing was pruned
    uint64_t base_term;
    uint64_t last_index;         //  base_index when there is no entry
    const hf_term_span_t *spans; //  ascending; the first starts at base_index + 1
    size_t spans_count;
    const hf_roster_at_t *rosters; //  ascending; the first may be at or before the base
    size_t rosters_count;
} hf_restored_t;

//  ---- changes of the members ----------------------------------------------------

/*  What an operator asks for. ID, a random number, makes it idempotent: the last
 *  HF_ROSTER_DONE_MAX are remembered. */
typedef struct hf_change {
    uint64_t id;
    hf_change_op_t op;
    hf_seat_t place;
    bool learns, force;
    uint32_t level;
} hf_change_t;

typedef enum hf_verdict {
    HF_VERDICT_DONE = 1, //  committed, or there was nothing to do
    HF_VERDICT_BUSY = 2, //  another change is under way, or this leader is not ready: ask again
    HF_VERDICT_NOT_LEADER = 3,
    HF_VERDICT_LEVEL = 4,        //  the feature level is too low, or a member does not speak it
    HF_VERDICT_NO_MEMBER = 5,    //  there is no such member
    HF_VERDICT_ID_TAKEN = 6,     //  a member at another place has that id
    HF_VERDICT_PLACE_TAKEN = 7,  //  another member is at that place
    HF_VERDICT_FULL = 8,         //  there are HF_MEMBERS_MAX members
    HF_VERDICT_LAST = 9,         //  nobody would be left to vote
    HF_VERDICT_NO_MAJORITY = 10, //  too few of the voters that would be left are up and caught up
    HF_VERDICT_NO_PLACE = 11,    //  it is not known where a member is to be reached
    HF_VERDICT_TAKEN = 12,       //  (never told) appended; told as DONE when it is committed. Or
                                 //  the lead is being handed over; told by the new leader
    HF_VERDICT_CANNOT_LEAD = 13, //  the member does not vote, is drained, or was not able to
    HF_VERDICT_ALL_DRAINED = 14, //  no voter would be left that is not drained
} hf_verdict_t;

//  ---- events -----------------------------------------------------------------

typedef enum hf_event_type {
    HF_EV_TICK = 1,     //  effects->wake_at_us has come, or nothing else happened
    HF_EV_PEER = 2,     //  a message from another node: kind + message
    HF_EV_PROPOSE = 3,  //  as leader, append COUNT entries of the own term; see hf_core_accepts
    HF_EV_BARRIER = 4,  //  a read barrier named ID is wanted
    HF_EV_DURABLE = 5,  //  the log is on disk up to INDEX, whose term is TERM
    HF_EV_LINK = 6,     //  the link to NODE went UP (it echoes our nonce) or down (it stopped to)
    HF_EV_BROKEN = 7,   //  the connection to NODE was seen to break
    HF_EV_HANDOVER = 8, //  the node is about to stop: hand over to the fittest peer
    HF_EV_STALL = 9,    //  this node did not run for FOR_US: its disk or its machine was stalled
    HF_EV_PRUNED = 10,  //  entries up to INDEX (committed, durable) were deleted from the log
    HF_EV_CHANGE = 11,  //  an operator asks for a change of the members
} hf_event_type_t;

typedef struct hf_event {
    hf_event_type_t type;
    uint64_t now_us;
    union {
        hf_peer_message_t peer;
        struct {
            uint32_t count;
        } propose;
        struct {
            uint64_t id;
        } barrier;
        struct {
            uint64_t index;
            uint64_t term;
            uint64_t took_us; //  the sync
        } durable;
        struct {
            uint32_t node;
            bool up;
        } link; //  HF_EV_LINK, HF_EV_BROKEN
        struct {
            uint64_t for_us;
        } stall;
        struct {
            uint64_t index;
        } pruned;
        hf_change_t change;
    };
} hf_event_t;

/*  Read a peer's record into event->peer. The caller has opened the frame, and knows that it comes
 *  from a node of this cluster: it need not be a member as far as this node knows.
 *  False when it is malformed, of no kind a peer sends here,
 *  from ourselves, or not to us: drop and count it. Lists point into the scanned bytes. */
bool hf_core_read_peer (const hf_core_t *self, hf_scan_t *scan, uint32_t kind, hf_event_t *event);

//  ---- effects ----------------------------------------------------------------

typedef enum hf_persist_type {
    HF_PERSIST_VOTE = 1,     //  term and voted_for, with its incarnation
    HF_PERSIST_TRUNCATE = 2, //  delete entries from INDEX on
    HF_PERSIST_APPEND = 3,   //  COUNT entries at INDEX.. from the event just stepped: of an ENTRIES
                             //  message those after its first SKIP; of a PROPOSE all (of TERM)
    HF_PERSIST_OWN = 4       //  one entry at INDEX of TERM and ENTRY_TYPE, made by the core itself:
                             //  OPEN_TERM, or ROSTER with PAYLOAD
} hf_persist_type_t;

typedef struct hf_persist {
    hf_persist_type_t type;
    uint64_t term;
    hf_member_t voted_for;
    uint64_t index;
    uint32_t count;
    uint32_t skip;
    hf_entry_type_t entry_type; //  of an OWN entry, like the payload
    hf_span_t payload;          //  valid until the next step
} hf_persist_t;

/*  A message to send. For ENTRIES the driver fills in the bytes of the entries
 *  (prev_index, prev_index + entries_count]; message.entries.entries is empty here. */
typedef struct hf_outgoing {
    uint32_t to; //  0: everybody; the same as message.head.to
    bool early;  //  may leave before the transaction is committed; others MUST NOT
    uint32_t entries_count;
    hf_peer_message_t message;
} hf_outgoing_t;

typedef enum hf_notice_type {
    HF_NOTICE_LEADING = 1,     //  this node leads TERM, and the entry that opens it is committed
    HF_NOTICE_FOLLOWING = 2,   //  it does not lead; LEADER is 0 while unknown. All barriers and
                               //  proposals that are not committed yet are void or undecided.
    HF_NOTICE_PASSED = 3,      //  barrier ID passed: state at INDEX or later is linearizable for it
    HF_NOTICE_NEEDS_STATE = 4, //  LEADER's log begins behind our own: only its whole state helps.
                               //  Cancelled by the next FOLLOWING; given again if still needed.
    HF_NOTICE_ADMITTED = 5,    //  as leader, ID (a node), which voted before, was admitted with
                               //  another disk, by the ROSTER entry at INDEX, which is committed
    HF_NOTICE_WAITING = 6,     //  the cluster was never formed: ID is the mask (by slot) of members
                               //  whose votes it still waits for; when it changes
    HF_NOTICE_ROSTER = 7,      //  another roster is in force: hf_core_members
    HF_NOTICE_VERDICT = 8,     //  of the change that was asked for with ID: INDEX, an hf_verdict_t.
                               //  None when the lead is lost before it is committed: ask again
    HF_NOTICE_REMOVED = 9,     //  as of INDEX, which is committed, this node with its disk
                               //  is no member any more; once
    HF_NOTICE_OLD = 10,        //  ID (a node) has seen that this folder is an old copy; once. The
                               //  core says and does nothing any more: draw a new incarnation
    HF_NOTICE_JOINED = 11,     //  as leader, ID (a node), which did not vote before, votes, by the
                               //  ROSTER entry at INDEX, which is committed
} hf_notice_type_t;

typedef struct hf_notice {
    hf_notice_type_t type;
    uint64_t term;
    uint32_t leader;
    uint64_t id;
    uint64_t index;
} hf_notice_t;

/*  The driver decides how many bytes of entries one repair message holds. Gives how many entries
 *  from FIRST on, at most MAX and at least 1, make one chunk. */
typedef uint32_t (hf_chunk_fn) (void *arg, uint64_t first, uint32_t max);

typedef struct hf_effects {
    HF_ARRAY (hf_persist_t)
    persists;                          //  1. written in order, before the next step; then the
                                       //     driver clears them (hf_effects_persisted)
    HF_ARRAY (hf_outgoing_t) messages; //  2. EARLY ones may go at once; others after the commit
    HF_ARRAY (hf_notice_t) notices;    //  3. only after the commit
    uint64_t commit_index; //  3. entries up to here are committed (and in our log); never falls
    uint64_t wake_at_us;   //  step a TICK at this time at the latest
} hf_effects_t;

void hf_effects_init (hf_effects_t *self);
void hf_effects_done (hf_effects_t *self);
/*  Forget persists that were written. */
void hf_effects_persisted (hf_effects_t *self);
/*  Forget messages and notices too; commit_index and wake_at_us stay. */
void hf_effects_reset (hf_effects_t *self);

//  ---- the core ---------------------------------------------------------------

/*  NULL when the configuration or what was restored makes no sense (a self not
 *  among the members, spans out of order). CHUNK may be NULL: one entry a chunk. */
hf_core_t *hf_core_new (const hf_core_config_t *config, const hf_restored_t *restored,
                        uint64_t now_us, hf_chunk_fn *chunk, void *chunk_arg);
void hf_core_destroy (hf_core_t **self_p);

void hf_core_step (hf_core_t *self, const hf_event_t *event, hf_effects_t *effects);

/*  Whether a PROPOSE would be taken now: it leads, its term is open, and no
 *  transfer is under way. While it leads but does not accept, the driver holds proposals back. */
bool hf_core_accepts (const hf_core_t *self);

typedef enum hf_role { HF_FOLLOWER, HF_PRE_CANDIDATE, HF_CANDIDATE, HF_LEADER } hf_role_t;

/*  For status and tests. */
typedef struct hf_core_view {
    hf_role_t role;
    uint64_t term;
    uint32_t voted_for;
    uint32_t leader; //  0: unknown
    uint64_t commit_index;
    uint64_t verified_index;
    uint64_t durable_index;
    uint64_t last_index;
    uint64_t last_term;
    uint64_t first_index; //  of the log: 1, or behind what was pruned
    uint32_t links;       //  bit i: the link to the member in slot i is up
    uint32_t counted;     //  bit i: it votes and counts, as far as this node knows
    uint64_t sync_us;     //  how long this node's disk takes for a sync; 0: not known lately
    uint32_t transfer_to; //  the node that is handed the lead; 0: none
    uint64_t lagging;     //  what every member has that was heard lately and that the log can still
                          //  help: see hf_core_lagging. UINT64_MAX: no such member
    uint32_t behind;      //  as leader: of those members the one that was heard within an election
    uint64_t behind_index; //  timeout and has the least, and what it has; 0: there is none
    uint32_t outdated; //  as leader: bit i: the member in slot i speaks a lower feature level than
                       //  the one in force, and can take nothing
    bool needs_state;
} hf_core_view_t;

hf_core_view_t hf_core_view (const hf_core_t *self);

/*  Of the view what a driver looks at several times in each turn: no member is looked through for
 *  it. */
typedef struct hf_core_brief {
    hf_role_t role;
    uint32_t leader;
    uint64_t term;
    uint64_t commit_index;
    uint64_t last_index;
    uint64_t last_term;
    uint64_t sync_us;
} hf_core_brief_t;

hf_core_brief_t hf_core_brief (const hf_core_t *self);

/*  As in the view: the slots of members that said in this term that they speak a lower level. */
uint32_t hf_core_outdated (const hf_core_t *self);

/*  The roster in force and where it is in the log; NULL and 0 when there is none. Valid until the
 *  next step. */
const hf_roster_t *hf_core_members (const hf_core_t *self, uint64_t *index);
/*  The newest committed roster that another node told and that is behind the one in force, where it
 *  will be in the log in INDEX; empty and 0: none. It decides nothing, but says where members are
 *  now: a node that was away may lack the place of the very one that leads. Valid until the next
 *  step. */
hf_span_t hf_core_told (const hf_core_t *self, uint64_t *index);
/*  The member in SLOT, by the roster or without one by the list; 0: none. */
uint32_t hf_core_member (const hf_core_t *self, uint32_t slot);
/*  The entry up to which the member in SLOT is known to have the log, on its disk: what it has
 *  acknowledged, to this node or as the leader tells. 0: nothing is known. For people. */
uint64_t hf_core_reached (const hf_core_t *self, uint32_t slot);

/*  The id of the cluster that ROSTER forms, or takes to level 1: it is made of the random numbers
 * of all disks, so that a leader that tries it again gives the same. */
uint64_t hf_core_cluster_id (const hf_roster_t *roster);

/*  The term of the entry at INDEX, or of the base; 0 when it is neither. */
uint64_t hf_core_term_at (const hf_core_t *self, uint64_t index);

/*  Check every internal invariant (asserts); for tests and the simulator. */
void hf_core_check (const hf_core_t *self);

#endif
