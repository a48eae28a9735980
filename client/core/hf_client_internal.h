/*  hf_client_internal.h - what the files of the client's core share.
 *
 *  Nothing here calls back: results and events are appended to core->done. So lists do not change
 *  under a loop except by what the loop itself does.
 */
#ifndef HF_CLIENT_INTERNAL_H_INCLUDED
#define HF_CLIENT_INTERNAL_H_INCLUDED

#include "base/hf_alloc.h"
#include "base/hf_mutant.h"
#include "base/hf_table.h"
#include "client/core/hf_choice.h"
#include "client/core/hf_client_core.h"
#include "client/core/hf_window.h"

#define HF_PROBE_ID     UINT64_MAX       //  of the query that looks for the leader
#define HF_MEMBERS_ID   (UINT64_MAX - 1) //  of the query who the members are
#define HF_LOCAL_MAX    100000           //  requests of one session that are not decided
#define HF_REQUEST_US   1000000
#define HF_BATCH_TARGET (256U << 10) //  a frame is closed at this size; one request may pass it
#define HF_LATE_MAX     16
#define HF_KEEPS_TARGET 1000 //  sessions in one KEEPALIVE

//  Where an op is (op->state).
enum {
    HF_OP_NEW = 0, //  nowhere
    HF_OP_READY,   //  in session->ready: goes out with the next frame
    HF_OP_PARKED,  //  in place->parked: an earlier request for this lock is out
    HF_OP_OUT,     //  in session->window: sent, not answered
    HF_OP_WAITING, //  in place->waiting: an acquire that was answered QUEUED
    HF_OP_LEFT     //  a LEAVE that was carried out: it owns the session
};

/*  What a session has to do with one lock. Lives while it is held or an op names it. */
struct hf_client_place {
    hf_table_node_t node;
    hf_chain_t all;
    hf_client_session_t *session;
    uint32_t refs;  //  ops attached
    uint32_t out;   //  ops in the window
    uint64_t frame; //  of those
    uint32_t live;  //  acquires attached whose result is still wanted
    bool held;
    bool release_out; //  while the session ends: the section may have been committed
    uint64_t seen_us; //  echo of the last ALIVE that listed it
    uint64_t position;
    uint32_t given;         //  results that gave the present grant
    uint64_t held_us;       //  when the grant was received
    uint64_t granted_index; //  of the last grant that was given; the hold may be over
    uint64_t early_token;   //  a grant that was pushed before its acquire was answered; 0: none
    uint64_t early_index;
    uint64_t early_replaces;
    uint64_t token;
    uint64_t alias;  //  the token that the user was given, if others have replaced it; 0: none have
    uint64_t wanted; //  how many wait for the hold, as was told
    uint64_t listed_us;          //  echo of the last ALIVE that listed the hold
    uint32_t mode, units, limit; //  of the hold
    bool wide;                   //  a claim of it was of several locks
    bool mixed;                  //  its live acquires ask for different things
    bool left;           //  one that was given up may have a place in the queue, for the others
    uint64_t wants;      //  what the last of them asks for
    uint64_t held_wants; //  what was asked for when the hold was granted
    hf_chain_t parked;
    hf_chain_t waiting;
    uint32_t lock_size;
    char lock[];
};

struct hf_client_session {
    hf_table_node_t node; //  in core->sessions
    hf_chain_t all;
    hf_chain_t dirty; //  in core->dirty: has something to send
    hf_client_core_t *core;
    void *arg;
    uint64_t id;
    uint32_t ttl_ms;
    hf_lease_t lease;
    atomic_uint load;     //  ops not decided
    bool closing;         //  its results come as HF_CLOSED, events no more
    bool ended;           //  the loss was reported
    bool expired;         //  the cluster ended it
    hf_heap_node_t timer; //  its key is never later than due_us
    uint64_t due_us;
    uint64_t keepalive_at_us;
    uint64_t keepalive_sent_us; //  the last one, which is its echo too
    bool keepalive_out;
    uint64_t epoch;    //  of the choice, when everything was last sent again
    uint64_t check_us; //  when to look for requests without an answer; HF_NEVER: none is out
    uint64_t frames;   //  built so far
    uint64_t ordered;  //  requests submitted so far
    uint32_t out;      //  ops in the window
    uint32_t out_now;  //  of these, how many went out in the frame that is being built
    uint32_t wide_out; //  and how many concern several locks
    hf_window_t window;
    hf_table_t places;
    hf_chain_t places_all;
    hf_chain_t ready;
};

/*  A watch; in core->watching. */
struct hf_client_watch {
    hf_table_node_t by_id;
    hf_chain_t chain; //  of its node, or of those at no node
    hf_heap_node_t timer;
    hf_op_t *opening; //  NULL: it was opened
    void *arg;
    uint64_t id;
    uint64_t after; //  it was told all up to this number; HF_WATCH_NOW: not yet known
    uint64_t sent_us;
    uint32_t used;       //  bytes told since then
    int node;            //  its slot; -1: none
    bool there;          //  the node may have the watch,
    bool asked;          //  and owes an answer
    bool ended;          //  the user was told, and closes it
    uint32_t refused;    //  bits: nodes that do not tell what comes next
    int gap_node;        //  of these: one that has not kept it; -1: none
    uint64_t gap_upto;   //  where it goes on there
    hf_status_t limit;   //  of these: why one takes no watch at all; HF_OK: none
    uint32_t pauses;     //  in a row, as all refused
    bool later;          //  of these: one may do so later
    uint32_t what, size; //  of the prefix
    char prefix[256];
};

typedef struct hf_client_watching {
    hf_table_t by_id;
    hf_heap_t timers;
    hf_chain_t at[HF_MEMBERS_MAX];     //  watches by node, the one asked for longest ago first
    hf_chain_t idle;                   //  those at no node
    uint64_t heard_us[HF_MEMBERS_MAX]; //  when a node last sent EVENTS
    uint32_t silent;                   //  bits: nodes that did not answer of late
} hf_client_watching_t;

typedef struct hf_client_list {
    uint32_t count;
    uint32_t ids[HF_MEMBERS_MAX];
    hf_client_address_t addresses[HF_MEMBERS_MAX];
} hf_client_list_t;

//  Who the nodes are.
typedef struct hf_client_members {
    hf_client_address_t addresses[HF_MEMBERS_MAX]; //  by slot
    uint32_t relink;                               //  bits: slots whose links are to change
    uint64_t index;           //  of the roster that was learned last; 0: none was
    int asked;                //  the slot of the node that was asked for it; -1: none
    uint64_t asked_us, told;  //  when; and the index that it had told, 0: none
    bool strange;             //  it named a leader that is not in the list, or not there
    hf_client_list_t given;   //  by the program,
    hf_client_list_t learned; //  and by that roster; count 0: none was
    bool fixed;               //  who is in both is where the program says
    bool on_given;            //  none of those learned could be reached: the others are tried
    uint64_t alone_us;        //  since when no node is connected
} hf_client_members_t;

struct hf_client_core {
    _Atomic uint32_t ids[HF_MEMBERS_MAX]; //  by slot; 0: it is free
    hf_client_members_t members;
    uint64_t request_us;
    uint64_t now_us;
    hf_outbox_t outbox;
    hf_chain_t done;                             //  results and events, in order
    _Atomic uint64_t reached_us[HF_MEMBERS_MAX]; //  last seen connected; HF_NEVER: is; 0: never
    _Atomic uint64_t
        refused_us[HF_MEMBERS_MAX]; //  when it last took no more connections; 0: it does

    //  The leader.
    hf_choice_t choice;
    uint64_t asked_us;   //  the target owes an answer since then; HF_NEVER: it does not
    uint64_t doubted_us; //  the value of asked_us for which others were asked
    uint64_t busy_until_us;
    uint32_t busy_count;
    uint64_t outstanding; //  sent to the leader, not answered: requests, keepalives, questions
    uint64_t undecided; //  requests of all sessions that name a place: sent, to be sent, or waiting
    uint64_t patience_us;
    uint32_t limited;        //  bits: nodes that say so of our user's connections
    uint64_t hasty_until_us; //  BUSY was said of late: what gives back goes in frames of its own
    bool resend;             //  after BUSY: everything undecided goes out again
    bool unsent;    //  that is because a link took no more, which is no answer of the leader
    bool owed_only; //  in this turn, for the same leader: keepalives that were answered do not go
                    //  out again
    uint64_t epoch_seen; //  of the choice, when everything was last sent again

    hf_table_t sessions; //  by id
    hf_chain_t sessions_all;
    hf_chain_t dropped; //  when the client ends: freed with the core
    hf_chain_t dirty;
    hf_heap_t session_timers;
    hf_heap_t op_timers; //  limits of acquires; limits and repeats of questions
    hf_table_t asks;     //  questions (OPEN, CLOSE, QUERY, CHANGE) by key
    hf_chain_t asks_all;
    uint64_t next_key;
    uint8_t late[HF_LATE_MAX][HF_NONCE_SIZE]; //  openings that were given up
    uint32_t late_next;
    hf_pack_t list;
    bool list_gives_back; //  the last request in it does
    uint32_t packs;       //  bits: nodes that take packed frames
    hf_pack_t packed;     //  REQUESTS of sessions that go out together
    hf_client_watching_t watching;

    //  Keepalives of many sessions that go out together.
    hf_pack_t keeps;      //  KEEP records of the frame that is being built
    uint64_t echo_us;     //  of that frame: the time of sending
    uint32_t keeps_early; //  the next keepalive of its sessions comes so much earlier, of 1000
};

//  hf_client_leader.c
/*  Whether requests may go out now. */
bool hf_client_leader_ready (const hf_client_core_t *self);
/*  What was packed into the outbox's frame goes to the target, which must be there. */
void hf_client_leader_send (hf_client_core_t *self);
/*  NODE (its slot) gave an answer of a leader; it refused. */
void hf_client_leader_heard (hf_client_core_t *self, uint32_t node);
/*  The link to NODE took no more. */
void hf_client_leader_unsent (hf_client_core_t *self, uint32_t node);
void hf_client_leader_refused (hf_client_core_t *self, uint32_t node, const hf_refused_t *refused);
/*  One of those outstanding is answered, or given up. */
void hf_client_leader_paid (hf_client_core_t *self);
void hf_client_leader_turn (hf_client_core_t *self);
uint64_t hf_client_leader_due_us (const hf_client_core_t *self);

//  hf_client_session.c
hf_client_session_t *hf_client_session_find (const hf_client_core_t *core, uint64_t id);
hf_client_session_t *hf_client_session_start (hf_client_core_t *core, uint64_t id, uint32_t ttl_ms,
                                              uint64_t sent_us, void *arg);
/*  It has something to send: look at it before the next turn ends. */
void hf_client_session_mark (hf_client_session_t *self);
bool hf_client_session_alive (hf_client_session_t *self);
/*  The least that is left of a lease that is not over; HF_NEVER: there is none. Looks at every
 * session. */
uint64_t hf_client_session_left_us (hf_client_core_t *core);
/*  Mark the sessions whose time has come. */
void hf_client_session_due (hf_client_core_t *core);
/*  At the end of a turn: find out when the next one is due. If there are many sessions, it may be
 * told too early. */
void hf_client_session_look (hf_client_core_t *core);
void hf_client_session_take_alive (hf_client_core_t *core, const hf_alive_t *alive);
/*  Send the keepalives that are due, of all sessions. */
void hf_client_session_keep_all (hf_client_core_t *core);
void hf_client_session_flush (hf_client_session_t *self);
/*  WHY, which may be NULL, is the event's from now on. */
void hf_client_session_event (hf_client_session_t *self, hf_session_event_type_t type,
                              const hf_client_place_t *place, uint64_t token, uint64_t position,
                              char *why);
/*  Its lease is over: report every loss, and give every result. */
void hf_client_session_end (hf_client_session_t *self);
/*  Give all results as HF_CLOSED and take it off every list. It is freed later: until its results
 *  were reported a callback may still make ops for it. */
void hf_client_session_drop (hf_client_session_t *self);

//  hf_client_op.c
/*  An op of the core's own, without a result for anybody. */
hf_op_t *hf_op_silent (hf_client_session_t *session, hf_op_kind_t kind, const char *lock,
                       uint32_t size);
/*  What an acquire asks for; sound. */
void hf_op_want (hf_op_t *op, const hf_want_t *wants, size_t count);
/*  Give the result, once; the op stays where it is, as an orphan. */
void hf_op_tell (hf_op_t *op, hf_status_t status);
/*  Out of every list; the result is given unless it was. */
void hf_op_finish (hf_op_t *op, hf_status_t status, uint64_t index, uint64_t token);
/*  A result without a session. */
void hf_op_done (hf_client_core_t *core, hf_op_t *op, hf_status_t status);
void hf_op_remove (hf_op_t *op);

//  hf_client_place.c
hf_client_place_t *hf_client_place_find (const hf_client_session_t *session, const void *lock,
                                         uint32_t size);
hf_client_place_t *hf_client_place_have (hf_client_session_t *session, const char *lock,
                                         uint32_t size);
void hf_client_place_attach (hf_client_place_t *self, hf_op_t *op);
void hf_client_place_check (hf_client_place_t *self); //  free it when it is of no use
void hf_client_place_let (hf_client_place_t *self);   //  the same, with one reference less
void hf_client_place_unpark (hf_client_place_t *self);
/*  WHY, which may be NULL, is the event's from now on. */
void hf_client_place_lost (hf_client_place_t *self, char *why);

//  hf_client_requests.c
void hf_client_requests_take (hf_op_t *op);
/*  To be sent in the order of submission: what was asked for earlier and had to wait goes before
 * what was submitted since. Else an ABANDON behind a new acquire of the lock would give its grant
 * away. FROM: where to look for its place in the session's ring of what is ready. */
void hf_client_requests_line_up (hf_op_t *op, hf_chain_t *from);
void hf_client_requests_limit (hf_op_t *op);
/*  Send what is ready and what is due again; ALL: everything undecided. What goes to a node that
 *  takes packed frames waits for other sessions', until hf_client_requests_flush. */
void hf_client_requests_send (hf_client_session_t *session, bool all);
void hf_client_requests_flush (hf_client_core_t *core);
/*  An acquire that was given up, or the hold that came of it: what it asked for, and when. */
typedef struct hf_client_gone {
    uint64_t wants, order;
} hf_client_gone_t;

/*  Leave the queue, or hand back the grant, unless another acquire, which lives, has it now. */
void hf_client_requests_abandon (hf_client_place_t *place, hf_client_gone_t gone);
/*  What is held is held in the mode that it had: an upgrade that waits is given up. */
void hf_client_requests_withdraw (hf_client_place_t *place, hf_client_gone_t gone);
/*  Hand back a hold that the session has and that nobody here knows of. */
void hf_client_requests_return (hf_client_session_t *session, hf_span_t lock, uint64_t token);

//  hf_client_answers.c
void hf_client_answers_take (hf_client_core_t *core, const hf_answers_t *answers);
/*  What KEPT lists, in an answer to the keepalive of ECHO. */
void hf_client_answers_kept (hf_client_session_t *session, const hf_kept_t *kept, uint64_t echo);

//  hf_client_why.c
/*  What comes behind the ANSWER to request SEQ and says why. One that comes later is of no use: the
 *  result was given. */
typedef struct hf_behind {
    uint32_t kind; //  HF_KIND_RING or HF_KIND_DENIAL; 0: nothing
    union {
        hf_ring_t ring;
        hf_denial_t denial;
    };
} hf_behind_t;
hf_behind_t hf_client_why_behind (hf_scan_t scan, uint64_t seq);
/*  Why OP was refused, in its result: what came BEHIND, or the limit in ANSWER. */
void hf_client_why (hf_op_t *op, const hf_answer_t *answer, const hf_behind_t *behind);
/*  The node said so in TEXT; one that is not fit for people is left out. */
void hf_client_why_text (hf_op_t *op, hf_span_t text);

/*  Who ended the hold, for people; to be freed. */
char *hf_client_why_taken (const hf_taken_t *taken);

//  hf_client_ask.c
void hf_client_ask_start (hf_client_core_t *core, hf_op_t *ask);
void hf_client_ask_wake (hf_client_core_t *core, hf_op_t *ask);
void hf_client_ask_send_all (hf_client_core_t *core);
void hf_client_ask_connected (hf_client_core_t *core, uint32_t node);
void hf_client_ask_refused (hf_client_core_t *core, uint32_t node, hf_status_t status);
void hf_client_ask_stop (hf_client_core_t *core);
/*  No node takes questions of our user on this connection, as TEXT says. */
void hf_client_ask_limited (hf_client_core_t *core, hf_span_t text);
void hf_client_ask_opened (hf_client_core_t *core, const hf_opened_t *opened);
void hf_client_ask_closed (hf_client_core_t *core, const hf_closed_t *closed);
void hf_client_ask_result (hf_client_core_t *core, uint32_t node, const hf_query_result_t *result);

//  hf_client_members.c
void hf_client_members_init (hf_client_core_t *core, const hf_client_config_t *config);
/*  The slot of node ID; -1: there is none. */
int hf_client_members_slot (const hf_client_core_t *core, uint32_t id);
/*  NODE says which roster is in force; 0: it does not say. */
void hf_client_members_told (hf_client_core_t *core, uint32_t node, uint64_t roster);
/*  NODE named a leader that is not in the list, or that is not connected. */
void hf_client_members_strange (hf_client_core_t *core, uint32_t node);
/*  NODE is asked for something else: ask it for the members, too, if that was long ago. A client
 * that only watches hears of them in no other way. */
void hf_client_members_look (hf_client_core_t *core, uint32_t node);
void hf_client_members_take (hf_client_core_t *core, uint32_t node,
                             const hf_query_result_t *result);
/*  The program itself has asked, and this is the answer. */
void hf_client_members_heard (hf_client_core_t *core, const hf_query_result_t *result);
/*  A link broke that was connected. */
void hf_client_members_broken (hf_client_core_t *core);
void hf_client_members_turn (hf_client_core_t *core);
uint64_t hf_client_members_due_us (const hf_client_core_t *core);

//  hf_client_watch.c
/*  NODE is another from now on, or none. */
void hf_client_watch_forget (hf_client_core_t *core, uint32_t node);
void hf_client_watch_init (hf_client_core_t *core);
void hf_client_watch_done (hf_client_core_t *core);
void hf_client_watch_stop (hf_client_core_t *core);
void hf_client_watch_open (hf_client_core_t *core, hf_op_t *op);
void hf_client_watch_close (hf_client_core_t *core, hf_op_t *op);
void hf_client_watch_limit (hf_client_core_t *core, hf_op_t *op);
void hf_client_watch_connected (hf_client_core_t *core, uint32_t node);
void hf_client_watch_broken (hf_client_core_t *core, uint32_t node);
void hf_client_watch_refused (hf_client_core_t *core, uint32_t node, hf_status_t status);
void hf_client_watch_events (hf_client_core_t *core, uint32_t node, const hf_events_t *events);
void hf_client_watch_turn (hf_client_core_t *core);
uint64_t hf_client_watch_due_us (const hf_client_core_t *core);

#endif
