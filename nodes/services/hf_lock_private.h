/*  hf_lock_private.h - the inside of the lock service, shared by its files alone.
 *
 *  hf_lock_service.c  its life, the leader, the turn
 *  hf_lock_clients.c  frames of clients: checked, refused, proposed or set to wait for a barrier
 *  hf_lock_apply.c    committed entries: applied, and their outcomes answered; positions
 *  hf_lock_disk.c     what the file actor writes: sections, changed rows, snapshots; and credit
 *  hf_lock_reads.c    barriers, and the keepalives and closings that wait for them
 *  hf_lock_queries.c  queries
 *  hf_lock_members.c  who the members are, and what operators ask to change of them
 *  hf_lock_watch.c    what happens, told to clients that watch
 *  hf_lock_rights.c   who may do what: every check of a user's rights
 *  hf_lock_limits.c   how much one user may ask for
 *  hf_lock_audit.c    what operators did, and who was refused, for the log
 *  hf_lock_routes.c   where clients are: sessions, openings, closings, watchers
 */
#ifndef HF_LOCK_PRIVATE_H_INCLUDED
#define HF_LOCK_PRIVATE_H_INCLUDED

#include "base/hf_mutant.h"
#include "base/hf_table.h"
#include "nodes/services/hf_bucket.h"
#include "nodes/services/hf_expiry.h"
#include "nodes/services/hf_lock_service.h"
#include "nodes/services/hf_laps.h"
#include "nodes/services/hf_readers.h"
#include "nodes/services/hf_rights.h"
#include "nodes/services/hf_shares.h"
#include "nodes/services/hf_slow.h"
#include "nodes/services/hf_watches.h"
#include <assert.h>
#include <inttypes.h>

//  ---- routes --------------------------------------------------------------------

/*  A session that was opened by, or spoke to, this node as the leader: where its answers go. */
typedef struct hf_caller {
    hf_table_node_t by_session;
    uint64_t session;
    uint32_t first_item, last_item; //  in hf_routes_t.items, from 1; 0: none
    bool dirty;                     //  in the list of those that hf_lock_answers looks at
    bool ended;                     //  forget it then
    bool silent;                    //  it has not spoken yet
    bool packs;      //  its requests came over ROUTE in a packed frame: it takes such
    uint64_t rights; //  guard.version when ROUTE was last asked for the right to it
    hf_route_t route;
} hf_caller_t;

/*  Items of one caller that lie back to back. */
typedef struct hf_items {
    size_t at;
    uint32_t size, count;
    uint32_t next; //  of the same caller, from 1; 0: no more
} hf_items_t;

typedef struct hf_routes {
    hf_table_t callers;
    hf_table_t openings;      //  by nonce
    hf_table_t closings;      //  by session
    hf_table_t watchers;      //  by route
    hf_chain_t watchers_ages; //  the one that asked longest ago first
    hf_shares_t sessions;     //  of a client: callers and openings
    hf_shares_t opening;      //  of a user: openings
    hf_pack_t pack;           //  answers and pushes of this turn, of all callers
    HF_ARRAY (hf_items_t) items;
    HF_ARRAY (hf_caller_t *) dirty;
    size_t items_end; //  how much of the pack has an owner
    uint32_t items_count;
    hf_pack_t gathered; //  scratch: items of one caller that do not lie back to back
} hf_routes_t;

void hf_routes_init (hf_routes_t *self);
void hf_routes_done (hf_routes_t *self);

/*  The session speaks from ROUTE now. Gives its caller; NULL: it has none. */
hf_caller_t *hf_routes_move (hf_routes_t *self, uint64_t session, const hf_route_t *route);
/*  The same; the caller is made when it is new. NULL: too many. */
hf_caller_t *hf_routes_caller (hf_routes_t *self, uint64_t session, const hf_route_t *route);
/*  The session was opened by the client: it is one of its sessions, though it is not found until it
 *  speaks. It ended before that. */
void hf_routes_opened (hf_routes_t *self, uint64_t session, const hf_route_t *route);
void hf_routes_unused (hf_routes_t *self, uint64_t session);
/*  NULL when it never spoke here. */
hf_caller_t *hf_routes_find (const hf_routes_t *self, uint64_t session);
/*  What was packed into self->pack since the last call is an item of the caller. */
void hf_routes_put (hf_routes_t *self, hf_caller_t *caller);
/*  The caller's session has ended: forget it once its items are sent. */
void hf_routes_end (hf_routes_t *self, hf_caller_t *caller);
/*  Move the caller's items into OUT, as one ANSWERS frame; or those of all callers, one each, or
 *  packed where callers of one client that takes that come one after the other. */
void hf_routes_send (hf_routes_t *self, hf_caller_t *caller, hf_outbox_t *out);
void hf_routes_send_all (hf_routes_t *self, hf_outbox_t *out);

/*  Give back memory that a burst needed. */
void hf_routes_trim (hf_routes_t *self);

/*  Openings and closings under way, by nonce or session, until they are taken. False: too many, or
 *  none. */
bool hf_routes_pend_opening (hf_routes_t *self, hf_span_t nonce, const hf_route_t *route);
bool hf_routes_opens (const hf_routes_t *self, hf_span_t nonce);
/*  How many openings of the route's user are under way. */
uint64_t hf_routes_opening (const hf_routes_t *self, const hf_route_t *route);
bool hf_routes_take_opening (hf_routes_t *self, hf_span_t nonce, hf_route_t *route);
bool hf_routes_pend_closing (hf_routes_t *self, uint64_t session, uint64_t echo,
                             const hf_route_t *route);
bool hf_routes_take_closing (hf_routes_t *self, uint64_t session, uint64_t *echo,
                             hf_route_t *route);

/*  Send the client a REFUSED when there is a leader. Beyond the limit those that asked last are
 *  sent one; the others find the leader by themselves, a little later. */
void hf_routes_watch (hf_routes_t *self, const hf_route_t *route);
/*  All were sent one. */
void hf_routes_unwatch (hf_routes_t *self);
/*  The node stopped to lead: every client that waits for anything becomes a watcher. */
void hf_routes_unlead (hf_routes_t *self);
/*  Each watcher in turn: NULL at first, and at the end. */
const hf_route_t *hf_routes_watcher (const hf_routes_t *self, const hf_route_t *before);

//  ---- reads ---------------------------------------------------------------------

/*  A session of a keepalive whose answer waits until the log says that it was heard. */
typedef struct hf_held {
    hf_table_node_t by_session;
    hf_chain_t link;
    uint64_t session, echo;
    hf_route_t route;
} hf_held_t;

typedef struct hf_reads {
    hf_readers_t readers;
    bool barrier_out; //  asked and not passed
    uint64_t barrier_id;
    bool passed; //  what is under it may be answered once INDEX is applied
    uint64_t index;
    bool blocked; //  the next query waits for what the file actor owes
    uint64_t asked_bytes;
    hf_chain_t held;      //  sessions heard while the log says that they are silent
    hf_table_t held_by;   //  the same, by session
    hf_table_t asked;     //  queries that another actor works on, by id
    hf_shares_t asked_of; //  of a client
    uint64_t last_asked;
    hf_lock_page_t *page; //  of the query whose turn it is, begun in a step before; or NULL
    uint64_t page_serial; //  of that query
    uint64_t page_rights; //  guard.version when it was begun
    uint64_t page_index, page_number; //  when it was begun
} hf_reads_t;

//  ---- the service -----------------------------------------------------------------

/*  Sections up to INDEX that are not durable yet. */
typedef struct hf_debt {
    uint64_t index, bytes;
} hf_debt_t;

/*  A section that was released: the number of its last part in the journal of files. */
typedef struct hf_section_at {
    uint64_t index, last;
} hf_section_at_t;

typedef struct hf_watching {
    hf_watches_t watches;
    hf_journal_t locks, files;
    HF_ARRAY (hf_section_at_t) sections; //  not durable yet
    uint64_t durable;                    //  number of the last part that is
    uint64_t alone_us;                   //  since when no leader is known; 0: one is
    hf_pack_t events;                    //  scratch
    bool told;                           //  the election actor, that somebody watches
} hf_watching_t;

/*  Locks of which something is to be pushed, no more often than at intervals: the positions of
 *  waiters that moved, or that holders are wanted. */
typedef struct hf_shifted {
    hf_table_node_t by_name;
    uint32_t size;
    uint8_t name[];
} hf_shifted_t;

typedef struct hf_shifts {
    hf_table_t locks; //  since the last push
    uint64_t due_us;
} hf_shifts_t;

//  ---- members -------------------------------------------------------------------

#define HF_CHANGES_MAX 8 //  that wait for their verdicts

/*  A change that the election actor was asked for. */
typedef struct hf_changing {
    uint64_t id;
    uint32_t op, number; //  of the node, or the level
    hf_route_t route;
} hf_changing_t;

typedef struct hf_lock_members {
    uint64_t index;     //  of the roster in force; 0: there is none
    hf_roster_t roster; //  its hosts point into BYTES
    uint8_t bytes[HF_ROSTER_MAX];
    hf_changing_t changes[HF_CHANGES_MAX];
    uint32_t changes_count;
} hf_lock_members_t;

//  ---- rights --------------------------------------------------------------------

typedef struct hf_lock_user {
    char name[HF_USER_MAX + 1];
    hf_rules_t rules;         //  of the rights in force; without rights, none
    uint64_t window_us;       //  of his refusals: until when they count together
    uint32_t said;            //  in it, in the log ...
    uint64_t unsaid;          //  ... and not
    hf_bucket_t bucket;       //  of his requests
    hf_slow_t hasty, crowded; //  that he was refused for his rate, and for his sessions: in the log
} hf_lock_user_t;

/*  What an operator asked for, until it is known what became of it. */
typedef struct hf_operated {
    uint64_t session, seq; //  of the request; 0: a CLOSE
    hf_route_t route;
    char *what;
} hf_operated_t;

#define HF_WHY_SIZE     560 //  a refusal, in one line
#define HF_DOING_SIZE   460 //  what was asked for, in it
#define HF_OPERATED_MAX 256

typedef struct hf_guard {
    hf_rights_t *rights;             //  NULL: nothing is checked
    uint64_t version;                //  another one whenever they change
    HF_ARRAY (hf_lock_user_t) users; //  by number, from 1 on
    hf_pack_t sifted;                //  scratch: requests that are allowed
    uint64_t session, seq;           //  of the request that is looked at
    char why[HF_WHY_SIZE];           //  the last refusal, as its user is told
    char doing[HF_DOING_SIZE];       //  what the last was that an operator may do; "": nothing
    uint64_t unsaid_us;              //  when refusals that were not told are; 0: there are none
    HF_ARRAY (hf_operated_t) operated;
} hf_guard_t;

#define HF_WANTED_MAX 2

struct hf_lock_service {
    hf_lock_config_t config;
    hf_state_t *state;
    hf_expiry_t *expiry;
    hf_pack_t silences;     //  SILENCE records of the next CMD_SILENCE
    uint64_t silences_sent; //  number of the last CMD_SILENCE, counted as hf_state_silences does
    bool silences_applied;  //  one was, since held keepalives were looked at
    uint64_t resumed, restarted; //  sessions whose time went on, or began anew, as this node led
    hf_routes_t routes;
    hf_reads_t reads;
    hf_watching_t watching;
    hf_outbox_t out;
    hf_outcomes_t outcomes;
    hf_pack_t rows, more_rows, kept; //  scratch: lists in the frame that is packed
    HF_ARRAY (uint64_t) named;       //  scratch: sessions of a keepalive

    bool elected;        //  the election actor says that this node leads
    bool leading;        //  and everything before its term is applied: it may serve
    uint64_t lead_index; //  what must be applied first
    uint64_t term;
    uint32_t leader; //  0: unknown

    hf_pack_t commands;       //  CMD_ records of the entry being built
    hf_pack_t payload;        //  scratch: that entry
    hf_pack_t entries;        //  ENTRY records of this turn's proposal
    size_t patient_bytes;     //  of the commands: of requests that can only join a queue
    uint64_t patient_us;      //  when the first of them came
    uint64_t undecided_bytes; //  proposed in this term and not applied yet
    //  Of a client: of late, and before that. What was before is dropped when undecided_before more
    //  bytes are decided, which is all that was undecided then.
    hf_shares_t undecided_of, undecided_old;
    uint64_t undecided_before;
    uint64_t frame_bytes; //  proposed for the frame at hand, which is nobody's share yet

    uint64_t handled_bytes;  //  of entries applied so far
    uint64_t credited_bytes; //  of these, credited to the election actor

    hf_pack_t sections;      //  A_SECTION records that wait to be handed to the file actor
    uint64_t sections_index; //  of the last of them
    HF_ARRAY (hf_debt_t) debts;
    uint64_t debt_bytes;

    bool step_out;                     //  changed rows are with the file actor, not acknowledged
    uint64_t step_index;               //  of the last step: the applied index that it leads to
    uint64_t step_bytes;               //  handled_bytes then
    uint64_t flushed_bytes;            //  and of the last step that is acknowledged
    uint64_t step_due_us;              //  when the next step is due; 0: nothing changed
    uint32_t wanted_by[HF_WANTED_MAX]; //  who wants the whole state with the next step
    unsigned wanted_count;

    //  Requests until they are applied, by the bytes of entries that were proposed in this term.
    hf_laps_t asked;
    uint64_t asked_us; //  of the first in the entry being built; 0: there is none
    uint64_t proposed_bytes, decided_bytes;
    uint64_t barrier_us; //  when the barrier was asked for
    hf_times_t request, barrier;
    hf_slow_t slow_turn;
    uint64_t stuck_look_us; //  when queues are looked at next

    hf_shifts_t moved, moved_far, wanted; //  FAR: of places beyond the first pushes_near
    hf_lock_members_t members;
    hf_guard_t guard;

    uint64_t turn_us;    //  when this turn began
    uint64_t now_us;     //  when the last input came
    uint64_t flooded_us; //  since when the door has not been drained to the end; 0: it was
    uint64_t started_us;
    uint64_t refused_frames;
    uint64_t limited_requests, limited_sessions; //  frames, openings: by what one user may ask for
    hf_lock_door_t door;
    uint64_t said_refused, said_refused_us, said_cut, said_cut_us; //  in the log
    uint64_t said_halves, said_halves_us;
};

//  hf_lock_clients.c
/*  Refuse, as REFUSED. TEXT: NULL is that of the status. */
void hf_lock_refuse (hf_lock_service_t *self, const hf_route_t *route, hf_status_t status,
                     const char *text);
/*  Refuse, as BUSY: ALL clients together, or this one, have reached a limit. */
void hf_lock_refuse_busy (hf_lock_service_t *self, const hf_route_t *route, bool all);
/*  Refuse, as NOT_LEADER. The client also gets a REFUSED when the leader changes: that makes a
 *  failover fast for clients that ask while an election is under way. */
void hf_lock_send_away (hf_lock_service_t *self, const hf_route_t *route);
/*  Make an entry of the commands put so far, when they are enough for one, or EVEN_SMALL. */
void hf_lock_close_entry (hf_lock_service_t *self, bool even_small);
/*  Hand this turn's proposal to the election actor; not if all of it may wait for more. */
void hf_lock_propose (hf_lock_service_t *self);
void hf_lock_drop_proposals (hf_lock_service_t *self);
/*  So many bytes of what this node proposed are applied. */
void hf_lock_decided (hf_lock_service_t *self, uint64_t bytes);
/*  An item for the caller was packed: count it, and send when much waits. */
void hf_lock_item (hf_lock_service_t *self, hf_caller_t *caller);
/*  The log says, or will, that some of the session's TTL has run: if this node acknowledged it
 * before that is cleared, the next leader could end it too early (P9). */
bool hf_lock_marked (const hf_lock_service_t *self, uint64_t session);
/*  Make a command of the SILENCE records put so far. */
void hf_lock_close_silences (hf_lock_service_t *self);
void hf_lock_silence (hf_lock_service_t *self, uint64_t session, uint32_t ran_ms);
/*  The session is heard now. False: there is no such session. *marked: as hf_lock_marked. */
bool hf_lock_heard (hf_lock_service_t *self, uint64_t session, bool *marked);

//  hf_lock_apply.c
/*  What the state measures goes by the time of this turn. */
void hf_lock_measure (hf_lock_service_t *self);
void hf_lock_apply (hf_lock_service_t *self, const hf_a_committed_t *committed);
/*  Push changed positions, and who is wanted, when it is time. */
void hf_lock_push (hf_lock_service_t *self);
/*  When it is; UINT64_MAX: there is nothing to push. */
uint64_t hf_lock_push_due_us (const hf_lock_service_t *self);

//  hf_lock_disk.c
void hf_lock_section (hf_lock_service_t *self, const hf_outcome_t *out);
void hf_lock_send_sections (hf_lock_service_t *self);
void hf_lock_files_durable (hf_lock_service_t *self, uint64_t index);
/*  Hand changed rows to the file actor, when it is time. */
void hf_lock_step (hf_lock_service_t *self);
uint64_t hf_lock_step_due_us (const hf_lock_service_t *self);
void hf_lock_flushed (hf_lock_service_t *self, uint64_t index);
void hf_lock_credit (hf_lock_service_t *self);
/*  The file actor is to make a snapshot for NODE, or a backup (0): it gets one with the next step,
 *  as soon as no other is under way. */
void hf_lock_want_state (hf_lock_service_t *self, uint32_t node);

//  hf_lock_slow.c
/*  At the end of a turn: log that it took long; and now and then that a queue does not move. */
void hf_lock_slow (hf_lock_service_t *self);

//  hf_lock_watch.c
void hf_lock_watch_init (hf_lock_service_t *self);
void hf_lock_watch_done (hf_lock_service_t *self);
void hf_lock_watch (hf_lock_service_t *self, const hf_route_t *route,
                    const hf_watch_request_t *message);
void hf_lock_watch_section (hf_lock_service_t *self, const hf_outcome_t *out);
/*  The state has left out numbers of what happens. */
void hf_lock_watch_skipped (hf_lock_service_t *self);
/*  Sections up to INDEX are on disk. */
void hf_lock_watch_durable (hf_lock_service_t *self, uint64_t index);
/*  Tell the watch whose turn it is; false: none is behind. */
bool hf_lock_watch_step (hf_lock_service_t *self);
bool hf_lock_watch_due (const hf_lock_service_t *self);
/*  Another leader is known, or none. For how long none may be, while clients watch. */
void hf_lock_watch_leader (hf_lock_service_t *self);
uint64_t hf_lock_watch_wake_us (const hf_lock_service_t *self);
/*  Of clients that have been silent for long. */
void hf_lock_watch_forget (hf_lock_service_t *self);
/*  Tell the election actor whether anybody watches, when that changed. */
void hf_lock_watch_tell (hf_lock_service_t *self);
/*  The number of the last that may be told of locks, or of files. */
uint64_t hf_lock_watch_number (const hf_lock_service_t *self, bool files);

//  hf_lock_reads.c
/*  Wait for a barrier, or be refused: false. READING is copied, with its bytes. */
bool hf_lock_read (hf_lock_service_t *self, const hf_reading_t *reading);
void hf_lock_passed (hf_lock_service_t *self, const hf_a_passed_t *passed);
/*  Answer what the applied state is far enough for; keepalives and queries go on to
 *  hf_lock_service_more. */
void hf_lock_answer_reads (hf_lock_service_t *self);
/*  Answer for sessions that are marked no more. */
void hf_lock_answer_held (hf_lock_service_t *self);
/*  Whether there is anything to be answered now. */
bool hf_lock_reads_due (const hf_lock_service_t *self);
/*  A step for the client whose turn it is: one ALIVE of a keepalive; false: none is due. Or a
 * query, unless the file actor owes too much. */
bool hf_lock_answer_keepalive (hf_lock_service_t *self);
void hf_lock_answer_query (hf_lock_service_t *self);
/*  Whether there is another step. */
bool hf_lock_answers_due (const hf_lock_service_t *self);
/*  Begin a barrier for what waits, unless one is under way. */
void hf_lock_ask_barrier (hf_lock_service_t *self);
/*  A frame could not be sent to the client. */
void hf_lock_reads_unsent (hf_lock_service_t *self, const hf_route_t *route);
/*  The node stopped to lead: with WATCH, every client that waits becomes a watcher. */
void hf_lock_drop_reads (hf_lock_service_t *self, bool watch);
void hf_lock_reads_init (hf_lock_service_t *self);
void hf_lock_reads_done (hf_lock_service_t *self);

//  hf_lock_members.c
void hf_lock_take_roster (hf_lock_service_t *self, const hf_a_roster_t *in);
/*  Leave out tokens below the floor of the config, if it is above all that were given. */
void hf_lock_keep_floor (hf_lock_service_t *self);
/*  What OPENED and ALIVE tell: the index of the roster in force; 0 at feature level 0. */
uint64_t hf_lock_roster (const hf_lock_service_t *self);
/*  The roster does not name this node: it hears little or nothing of what happens, and tells it to
 *  nobody. */
bool hf_lock_is_stranger (const hf_lock_service_t *self);
void hf_lock_query_members (hf_lock_service_t *self, const hf_reading_t *reading);
/*  An operator's, to this node, which leads. */
void hf_lock_change (hf_lock_service_t *self, const hf_route_t *route,
                     const hf_change_request_t *message);
void hf_lock_verdict (hf_lock_service_t *self, const hf_a_verdict_t *verdict);
/*  The lead was lost: those whose changes wait ask the next leader. */
void hf_lock_drop_changes (hf_lock_service_t *self);

//  hf_lock_rights.c
/*  What a frame or a request wants: its kind; what decides besides (the mode of a lock, WHAT of a
 *  query); the name it is about; and the session that it names, 0: the one that asks. */
typedef struct hf_asked {
    uint32_t kind, what;
    hf_span_t name;
    uint64_t session;
} hf_asked_t;
/*  Whether the user of the connection has the rights for it: the one place where that is decided.
 *  False: it was written to the log, and self->guard.why says which one is missing. */
bool hf_lock_may (hf_lock_service_t *self, const hf_route_t *route, const hf_asked_t *asked);
/*  Whether any right, or none, is known to be needed for a frame of that kind. Nothing is written.
 */
bool hf_lock_covers (const hf_lock_service_t *self, const hf_route_t *route, uint32_t kind);
/*  Whether he may speak for the session. Nothing is written. */
bool hf_lock_speaks (const hf_lock_service_t *self, const hf_route_t *route, uint64_t session);
/*  Whether he may read, or watch, what has that name. Nothing is written. */
bool hf_lock_sees (const hf_lock_service_t *self, const hf_route_t *route, hf_right_t right,
                   hf_span_t name);
/*  The RING_ROWs of ROWS whose names he may read. Valid until the next that is sifted. */
hf_list_t hf_lock_sift_ring (hf_lock_service_t *self, const hf_route_t *route, hf_list_t rows);
/*  The requests of MESSAGE that are allowed. Those that are not are answered. */
hf_list_t hf_lock_sift (hf_lock_service_t *self, const hf_route_t *route, hf_caller_t *caller,
                        const hf_requests_t *message);
/*  Answer all of them DENIED, as guard.why says. */
void hf_lock_deny_all (hf_lock_service_t *self, const hf_route_t *route,
                       const hf_requests_t *message);
/*  The same for a QUERY or a CHANGE, with why as its data. */
void hf_lock_deny_question (hf_lock_service_t *self, const hf_route_t *route, uint64_t id);
void hf_lock_guard_init (hf_guard_t *self);
void hf_lock_guard_done (hf_guard_t *self);
/*  The name of the user of a connection; "a client": without a key. */
const char *hf_lock_user (const hf_lock_service_t *self, const hf_route_t *route);

//  hf_lock_limits.c
/*  Whether the user of the connection may have another session, opened with NONCE, if he is known
 *  by his key. False: it was counted, and self->guard.why says which limit it is. */
bool hf_lock_may_open (hf_lock_service_t *self, const hf_route_t *route, hf_span_t nonce);
/*  Whether he may ask for COUNT things now; then they are counted. LENT: with something that gives
 *  back. False: he was answered BUSY. */
bool hf_lock_may_ask (hf_lock_service_t *self, const hf_route_t *route, uint32_t count, bool lent);

//  hf_lock_audit.c
/*  It was refused, as guard.why says. Of a user many refusals are told in one line. */
void hf_lock_audit_refusal (hf_lock_service_t *self, const hf_route_t *route);
/*  WHAT an operator did is told once it is known what became of it. */
void hf_lock_audit_later (hf_lock_service_t *self, const hf_route_t *route, uint64_t session,
                          uint64_t seq, const char *what);
void hf_lock_audit_done (hf_lock_service_t *self, uint64_t session, uint64_t seq,
                         hf_status_t status, uint64_t index);
/*  The lead was lost: what became of it is not known. */
void hf_lock_audit_drop (hf_lock_service_t *self);
/*  Tell what was not told, when it is time. */
void hf_lock_audit_rest (hf_lock_service_t *self);

//  hf_lock_queries.c
/*  A step of it. False: it goes on in the next. */
bool hf_lock_query (hf_lock_service_t *self, const hf_reading_t *reading);
/*  Whether the query must wait until the file actor has answered others. */
bool hf_lock_query_blocked (const hf_lock_service_t *self, const hf_reading_t *reading);
void hf_lock_query_status (hf_lock_service_t *self, const hf_reading_t *reading);
void hf_lock_facts (hf_lock_service_t *self, const hf_a_told_t *told);
void hf_lock_file_result (hf_lock_service_t *self, const hf_a_file_result_t *result);

#endif
