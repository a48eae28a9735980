/*  hf_election_service.h - every decision of a node's election actor, as a pure service.
 *
 *  Frames of peers, messages of the node's other actors and time in; frames, messages and log lines
 *  out (the outbox), and when to be woken. It owns the consensus core and the tail of the log,
 *  delivers committed entries, holds proposals back during a transfer, prunes the log, passes state
 *  transfer on between peers and the file actor, and reports missing members when a cluster forms.
 *
 *  From the lock actor:
 *    A_START    applied           once: deliver committed entries after this index
 *    A_PROPOSE  entries           append them as leader; dropped when this node does not lead
 *    A_BARRIER  id                begin a read barrier
 *    A_APPLIED  index, bytes      bytes of entries handled since the start (credit)
 *    A_FACTS    id                this actor's facts for a status query
 *    A_CHANGE   id, op, ...       an operator asks for a change of the members (hf_change_t)
 *    A_WATCHED  watched           whether clients of this node watch what happens
 *  From the file actor:
 *    A_FLUSHED  index             the state of this index is on disk: the log may be pruned to it
 *    STATE_ASK, STATE_PART        for a peer
 *  To the lock actor (HF_TO_LOCK):
 *    A_COMMITTED first, entries   committed entries, in order, without gaps. On a follower that
 *                                 nobody watches, while more come, those of 5 ms together
 *    A_LEADING   term, index      leads; the entry that opens the term is committed, and INDEX is
 *                                 what is committed
 *    A_FOLLOWING term, leader     does not lead; what was proposed or asked is void or undecided
 *    A_PASSED    id, index        the barrier passed: the state of INDEX is linearizable for it
 *    A_TOLD      id, rows         FACT_ROWs
 *    A_VERDICT   id, verdict      what became of that A_CHANGE; none if the lead was lost before
 *    A_ROSTER    index, roster    the roster in force; committed, but for the first after a start
 *  To the file actor (HF_TO_FILE):
 *    A_NEEDS_STATE term, leader   this node's log is too old for LEADER; 0: not any more
 *    STATE_ASK, STATE_PART        of a peer
 *  To the main thread (HF_TO_MAIN): the text "DONE" with its zero: nothing is to be handed over.
 *
 *  Durable before visible. One turn of the shell around it:
 *
 *      hf_election_service_begin (service, now);
 *      for each input at hand                 hf_election_service_from_..., now;
 *      hf_election_service_end (service, now);
 *      carry the outbox out
 *      while (hf_election_service_dirty (service)) {
 *          commit the log's one open transaction; if that fails, the process ends here
 *          hf_election_service_committed (service, now);
 *          carry the outbox out
 *      }
 *      sleep until something comes, or hf_election_service_wake_us
 *
 *  Up to the commit the outbox holds only what may leave early: a leader's entries, which travel
 *  while its own disk works, and a follower's request for those it lacks. All else (acks, votes,
 * deliveries, notices) is held back by the service until hf_election_service_committed; when the
 * turn wrote nothing, until the end of the turn. So the outbox may be carried out and reset at any
 * point of a turn, frames before messages, and must be before the next turn begins. Between `end`
 * and the last `committed` there is no input.
 *
 *  Time is in microseconds of one monotonic clock, read again for each call.
 */
#ifndef HF_ELECTION_SERVICE_H_INCLUDED
#define HF_ELECTION_SERVICE_H_INCLUDED

#include "msgs/hf_outbox.h"
#include "nodes/consensus/hf_core.h"

typedef struct hf_election_service hf_election_service_t;

typedef struct hf_election_config {
    hf_core_config_t core;
    uint64_t log_keep; //  bytes of the log kept for nodes that were away; 0: none

    //  0: the default.
    uint64_t repair_keep;   //  bytes kept for a member that is heard and still lacks them: 256 MiB
    uint64_t hold_us;       //  no pruning for so long after a node asked for the state: 60 s
    uint64_t handover_us;   //  a handover takes no longer: 1 s
    uint64_t stall_us;      //  a turn, or a wake-up late by so much, is a stall: 20 ms
    uint32_t prune_step;    //  entries deleted in one turn: 256
    uint32_t tail_bytes;    //  of entries in memory: 16 MiB
    uint32_t chunk_bytes;   //  of entries in one repair message: 256 KiB
    uint32_t propose_bytes; //  of entries in one step, so that its message fits a frame: 512 KiB
    uint32_t deliver_bytes; //  of entries in one A_COMMITTED: 128 KiB
    uint32_t deliver_ahead; //  of entries delivered and not yet credited. All of them may be
                            //  applied in one turn, and be rows of one step: 256 KiB
    uint64_t lag_us;        //  for which entries may wait for more, to be delivered together: 5 ms
} hf_election_config_t;

/*  The log store. The first write after a commit opens the one transaction; reads see it. No
 *  function may fail: the shell ends the process inside one that does. */
typedef struct hf_election_log {
    void *arg;
    void (*vote) (void *arg, uint64_t term, hf_member_t voted_for);
    /*  Delete the entries from INDEX on. */
    void (*truncate) (void *arg, uint64_t index);
    /*  Append ENTRY at INDEX, the next one. Its bytes are the caller's. */
    void (*append) (void *arg, uint64_t index, const hf_entry_t *entry);
    /*  Delete entries from the front: at most MOST, none above UPTO, none of the newest that make
     *  KEEP_BYTES together. Gives how many; with 0 no transaction is opened. */
    uint32_t (*prune) (void *arg, uint64_t upto, uint64_t keep_bytes, uint32_t most);
    /*  Pack ENTRY records from FIRST on, up to LAST: at least one, then while the pack stays below
     *  BYTES. Gives how many. */
    uint32_t (*read) (void *arg, uint64_t first, uint64_t last, size_t bytes, hf_pack_t *pack);
} hf_election_log_t;

/*  RESTORED: what the log holds (hf_core.h); it and CONFIG are copied. The first turn needs no
 *  input. NULL when the log and the configuration do not fit each other. */
hf_election_service_t *hf_election_service_new (const hf_election_config_t *config,
                                                const hf_restored_t *restored,
                                                const hf_election_log_t *log, uint64_t now_us);
void hf_election_service_destroy (hf_election_service_t **self_p);

//  ---- inputs ---------------------------------------------------------------------

/*  A turn begins: the sleep is over. Prunes one step, in the transaction. */
void hf_election_service_begin (hf_election_service_t *self, uint64_t now_us);

/*  A frame of a peer: any bytes. */
void hf_election_service_from_peer (hf_election_service_t *self, hf_span_t frame, uint64_t now_us);

/*  The link to NODE went up or down; the connection to it was seen to break. */
void hf_election_service_link (hf_election_service_t *self, uint32_t node, bool up,
                               uint64_t now_us);
void hf_election_service_broken (hf_election_service_t *self, uint32_t node, uint64_t now_us);

/*  A message of the lock or the file actor; SCAN stands at its record. It was written by our own
 *  code: one that is malformed is an assertion. */
void hf_election_service_from_actor (hf_election_service_t *self, hf_scan_t *scan, uint32_t kind,
                                     uint64_t now_us);

/*  The node is about to stop: hand the lead over, then say DONE; at once if there is nothing to
 *  hand over. */
void hf_election_service_handover (hf_election_service_t *self, uint64_t now_us);

/*  How many frames of peers the mesh has dropped since its start: a fact of the status. */
void hf_election_service_dropped (hf_election_service_t *self, uint64_t frames);

/*  What is wrong with the names in the cluster list, for the facts; cut to HF_NAMES_MAX - 1 bytes.
 */
#define HF_NAMES_MAX 480
void hf_election_service_names (hf_election_service_t *self, hf_span_t text);

/*  It was WALL_US by the clock that can be set, in microseconds since 1970, at some moment since
 *  BEFORE_US: jumps are logged. */
void hf_election_service_wall (hf_election_service_t *self, uint64_t wall_us, uint64_t before_us,
                               uint64_t now_us);

/*  All inputs at hand were given: timers, proposals. When nothing was written, everything is
 *  released. */
void hf_election_service_end (hf_election_service_t *self, uint64_t now_us);

/*  There is an open transaction: commit it, then call hf_election_service_committed. */
bool hf_election_service_dirty (const hf_election_service_t *self);

/*  The transaction is on disk: release what waited for it. May write again. */
void hf_election_service_committed (hf_election_service_t *self, uint64_t now_us);

//  ---- outputs --------------------------------------------------------------------

hf_outbox_t *hf_election_service_outbox (hf_election_service_t *self);

/*  When the next turn must begin at the latest. */
uint64_t hf_election_service_wake_us (const hf_election_service_t *self);

/*  This node is no member of its cluster any more, as of that entry: it is to end. 0: it is
 *  one. */
uint64_t hf_election_service_removed (const hf_election_service_t *self);

/*  A peer has seen that this node's folder is an old copy: nothing leaves it any more. When nothing
 *  is dirty, give the folder a new incarnation, and start the node again. */
bool hf_election_service_old (const hf_election_service_t *self);

hf_core_view_t hf_election_service_view (const hf_election_service_t *self);
const hf_core_t *hf_election_service_core (const hf_election_service_t *self);

#endif
