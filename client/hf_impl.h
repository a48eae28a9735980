/*  hf_impl.h - what the files of the client library share; nothing of it is exported.
 *
 *  Who owns what. The I/O thread owns sessions, places, links and everything sent or awaited; it
 *  takes no lock for them. Other threads hand it ops and asks through the client's inbox, under
 *  the one mutex, and wake it once per burst. A session's lease is atomic: every call compares
 *  the clock with it before anything else. Callbacks run on the I/O thread with no lock
 *  held; what they submit goes to the inbox too and leaves in the same turn.
 */
#ifndef HF_IMPL_H_INCLUDED
#define HF_IMPL_H_INCLUDED

#include "broker-less/hf_link.h"
#include "client/core/hf_choice.h"
#include "client/core/hf_lease.h"
#include "client/hf_knots.h"
#include "client/hf_timers.h"
#include "client/core/hf_window.h"
#include "client/holdfast.h"
#include "msgs/hf_msg.h"
#include <pthread.h>

#define HF_NAME_SIZE      256
#define HF_PROBE_ID       UINT64_MAX   //  of the query that looks for the leader
#define HF_LOCAL_MAX      100000       //  requests of one session that are not decided
#define HF_REQUEST_US     1000000      //  without an answer for this long: send again
#define HF_BATCH_TARGET   (256U << 10) //  a frame is closed at this size; one request may pass it
#define HF_ANSWER_WAIT_MS 10000        //  for an answer that no limit of the caller bounds

//  ---- ops: requests of sessions ------------------------------------------------

typedef enum hf_op_kind {
    HF_OP_ACQUIRE = 1,
    HF_OP_RELEASE,
    HF_OP_CANCEL,
    HF_OP_APPEND,
    HF_OP_ABANDON,   //  our own: give the place in the queue, or the grant, back
    HF_OP_GIVE_BACK, //  our own, local: a grant that nobody waited for any more
    HF_OP_CLOSE,     //  local: flush the session, close it in the cluster, free it
    HF_OP_LEAVE      //  local: flush and free
} hf_op_kind_t;

typedef enum hf_op_state {
    HF_OP_NEW = 0, //  in the inbox
    HF_OP_READY,   //  in session->ready: goes out with the next frame
    HF_OP_PARKED,  //  in place->parked: an earlier request for this lock is out
    HF_OP_OUT,     //  in session->window: sent, not answered
    HF_OP_WAITING  //  in place->waiting: an acquire that was answered QUEUED
} hf_op_state_t;

typedef struct hf_op hf_op_t;
typedef struct hf_place hf_place_t;
typedef struct hf_ask hf_ask_t;
typedef struct hf_waiter hf_waiter_t;

typedef struct hf_ops {
    hf_op_t *first;
    hf_op_t *last;
} hf_ops_t;

struct hf_op {
    hf_op_t *next;
    hf_op_t *prev;
    hf_op_kind_t kind;
    hf_op_state_t state;
    hf_session_t *session;
    hf_place_t *place;
    hf_done_fn *fn; //  NULL: to hf_client_poll
    void *arg;
    hf_timer_t timer; //  of an acquire: its limit
    uint64_t limit_us;
    uint64_t seq;
    uint64_t frame; //  number of the frame that it first went out with
    uint64_t first_us;
    uint64_t sent_us;
    uint32_t tries;
    bool wait;
    bool orphan;           //  the result was given already, or nobody wants it
    bool lost;             //  the lease was over when it was submitted
    uint64_t queued_index; //  of the answer QUEUED
    uint64_t queued_us;    //  when that came
    uint64_t token;
    uint64_t owner;
    uint8_t *blob; //  of an append: the file's name with its zero, then the data
    uint32_t file_size;
    uint32_t data_size;
    hf_result_t result;
    uint32_t lock_size;
    char lock[HF_NAME_SIZE];
};

/*  What a session has to do with one lock. Lives while it is held or an op names it. */
struct hf_place {
    hf_knot_t knot; //  first
    hf_session_t *session;
    uint32_t refs;  //  ops attached
    uint32_t out;   //  ops in the window
    uint64_t frame; //  of those
    uint32_t live;  //  acquires attached whose result is still wanted
    bool held;
    bool release_out; //  while the session ends: the section may have been committed
    uint64_t seen_us; //  echo of the last ALIVE that listed it
    uint64_t position;
    uint32_t given;       //  results that gave the present grant
    uint64_t held_us;     //  when it was learned of
    uint64_t early_token; //  a grant that was pushed before its acquire was answered; 0: none
    uint64_t early_index;
    uint64_t token;
    uint64_t index;
    hf_ops_t parked;
    hf_ops_t waiting;
    uint32_t lock_size;
    char lock[HF_NAME_SIZE];
};

struct hf_session {
    hf_knot_t knot;     //  first; in client->sessions while known to the cluster
    hf_session_t *next; //  in client->all
    hf_session_t *prev;
    hf_session_t *next_dirty;
    bool dirty;
    hf_client_t *client;
    hf_session_fn *fn;
    void *arg;
    uint64_t id;
    uint32_t ttl_ms;
    hf_lease_t lease;
    atomic_uint load; //  ops not decided
    bool closing;     //  under the client's mutex: takes no more ops
    bool closing_io;  //  its results come back as HF_CLOSED, events no more
    bool ended;       //  the loss was told
    bool expired;     //  the cluster said so
    hf_timer_t timer;
    uint64_t keepalive_at_us;
    uint64_t keepalive_sent_us; //  the last one, which is its echo too
    bool keepalive_out;
    uint64_t epoch;    //  of the choice, when everything was last sent again
    uint64_t check_us; //  when to look for requests without an answer; HF_NEVER: none is out
    uint64_t frames;   //  built so far
    uint32_t out;      //  ops in the window
    hf_window_t window;
    hf_knots_t places;
    hf_ops_t ready;
};

//  ---- asks: idempotent questions, each with its own answer ------------------------

typedef enum hf_ask_kind { HF_ASK_OPEN = 1, HF_ASK_CLOSE, HF_ASK_QUERY } hf_ask_kind_t;

#define HF_NODE_LEADER 0U
#define HF_NODE_ANY    UINT32_MAX

/*  REPLY: the record that answered, NULL when none did (status tells). On the I/O thread. */
typedef void (hf_ask_fn) (hf_client_t *client, hf_ask_t *ask, hf_status_t status,
                          const void *reply);

struct hf_ask {
    hf_knot_t knot; //  first
    hf_ask_t *next;
    hf_ask_t *prev;
    hf_ask_kind_t kind;
    uint64_t key; //  its id, echo or the head of its nonce
    uint8_t nonce[HF_NONCE_SIZE];
    uint32_t ttl_ms;
    uint32_t node; //  HF_NODE_LEADER, HF_NODE_ANY or an id
    uint8_t *frame;
    size_t frame_size;
    uint64_t start_us;
    uint64_t limit_us;
    uint64_t first_us;
    uint64_t sent_us;
    uint32_t tries;
    uint64_t epoch;
    hf_timer_t timer;
    hf_ask_fn *done;
    hf_waiter_t *waiter;
    hf_done_fn *fn;
    void *arg;
    hf_session_t *session;
    uint64_t session_id;
};

//  ---- the client -----------------------------------------------------------------

enum { HF_TIMER_OP = 1, HF_TIMER_SESSION, HF_TIMER_ASK };

struct hf_client {
    hf_endpoints_t endpoints;
    pthread_t thread;
    void *context;
    int wake_fd;

    pthread_mutex_t mutex; //  for the next six
    hf_ops_t inbox;
    hf_ask_t *asks_in;
    hf_op_t *pool;
    hf_ops_t polled; //  results for hf_client_poll
    bool woken;
    bool stop;
    pthread_cond_t polled_cond;
    hf_op_t *polled_last; //  the one whose pointers the caller may still use

    _Atomic uint64_t reached_us[HF_MEMBERS_MAX]; //  last seen connected; UINT64_MAX: is; 0: never
    atomic_uint_fast64_t next_key;

    //  The rest belongs to the I/O thread.
    hf_link_t *links[HF_MEMBERS_MAX];
    hf_choice_t choice;
    uint64_t now_us;
    uint64_t asked_us;   //  the target owes an answer since then; HF_NEVER: it does not
    uint64_t doubted_us; //  the value of asked_us for which others were asked
    uint64_t busy_until_us;
    uint32_t busy_count;
    uint64_t outstanding; //  sent to the leader, not answered: ops, keepalives, asks
    uint64_t patience_us;
    bool resend;         //  after BUSY: everything undecided goes out again
    uint64_t epoch_seen; //  of the choice, when all sessions were last told to send again
    hf_timers_t timers;
    hf_knots_t sessions;
    hf_knots_t asks;
    hf_session_t *all;
    hf_session_t *dirty;
    hf_ask_t *ask_list;
    uint8_t late_nonces[16][HF_NONCE_SIZE]; //  openings that were given up
    uint32_t late_next;
    hf_pack_t list;
    hf_pack_t frame;
    hf_pack_t probe;
    hf_place_t *place_pool;
};

//  hf_client.c
uint64_t hf_client_now_us (void);
bool hf_client_on_thread (const hf_client_t *self);
/*  For other threads and callbacks: hand over, wake once. */
/*  False: its session is being closed; the op is still the caller's. */
bool hf_client_post_op (hf_client_t *self, hf_op_t *op);
/*  False: a callback asks while the client ends; the ask is still the caller's. */
bool hf_client_post_ask (hf_client_t *self, hf_ask_t *ask);
/*  Whether any node (NODE_ID 0) or this one was connected at some time since START_US. */
bool hf_client_reached (hf_client_t *self, uint32_t node_id, uint64_t start_us);

//  hf_client_io.c
void *hf_client_run (void *arg);

//  hf_client_leader.c
/*  Send to the target; false when there is none or it takes nothing now. Counts as asking. */
bool hf_leader_send (hf_client_t *self, const hf_pack_t *frame);
/*  NODE gave an answer of a leader. */
void hf_leader_heard (hf_client_t *self, uint32_t node);
void hf_leader_refused (hf_client_t *self, uint32_t node, const hf_refused_t *refused);
/*  One thing more or less that the target owes. */
void hf_leader_owes (hf_client_t *self);
void hf_leader_paid (hf_client_t *self);
bool hf_leader_ready (const hf_client_t *self);
void hf_leader_turn (hf_client_t *self);
uint64_t hf_leader_due_us (const hf_client_t *self);

//  hf_session.c
hf_session_t *hf_session_find (hf_client_t *client, uint64_t id);
void hf_session_mark (hf_session_t *self);
void hf_session_schedule (hf_session_t *self);
void hf_session_wake (hf_session_t *self);
void hf_session_start (hf_session_t *self, uint64_t id, uint32_t ttl_ms, uint64_t sent_us);
void hf_session_renew (hf_session_t *self, uint64_t sent_us);
/*  Its lease is over: tell everybody. */
void hf_session_end (hf_session_t *self);
void hf_session_flush (hf_session_t *self);
void hf_session_alive (hf_client_t *client, const hf_alive_t *alive);
void hf_session_tell (hf_session_t *self, hf_session_event_type_t type, const hf_place_t *place,
                      uint64_t token, uint64_t position);
/*  Off the lists, all results given as HF_CLOSED; then freed. */
void hf_session_drop (hf_session_t *self);

//  hf_session_open.c
void hf_session_opened_late (hf_client_t *client, const hf_opened_t *opened);
void hf_session_close_ask (hf_client_t *client, uint64_t id, uint32_t ttl_ms, hf_waiter_t *waiter);

//  hf_op.c
hf_op_t *hf_op_new (hf_client_t *client);
void hf_op_free (hf_client_t *client, hf_op_t *op);
void hf_ops_push (hf_ops_t *self, hf_op_t *op);
hf_op_t *hf_ops_pop (hf_ops_t *self);
void hf_ops_remove (hf_ops_t *self, hf_op_t *op);
hf_place_t *hf_place_find (hf_session_t *session, const char *lock, uint32_t size);
hf_place_t *hf_place_have (hf_session_t *session, const char *lock, uint32_t size);
void hf_place_check (hf_place_t *self); //  free it when it is of no use
void hf_place_unpark (hf_place_t *self);
void hf_place_lost (hf_place_t *self); //  no longer held: tell
void hf_place_attach (hf_place_t *self, hf_op_t *op);
void hf_op_put (hf_pack_t *pack, const hf_op_t *op);
/*  Give the result, once; the op stays where it is, as an orphan. */
void hf_op_tell (hf_op_t *op, hf_status_t status, uint64_t index, uint64_t token,
                 uint64_t position);
/*  Out of every list, told if it was not; and freed. */
void hf_op_finish (hf_op_t *op, hf_status_t status, uint64_t index, uint64_t token,
                   uint64_t position);

//  hf_submit.c
void hf_submit_give_back (hf_session_t *self, const char *lock, uint64_t token);

//  hf_requests.c
void hf_requests_take (hf_op_t *op);
void hf_requests_limit (hf_op_t *op);
/*  Send what is ready and what is due again; ALL: everything undecided. */
void hf_requests_send (hf_session_t *session, bool all);
void hf_requests_abandon (hf_place_t *place);

//  hf_answers.c
void hf_answers_alive (hf_session_t *session, const hf_alive_t *alive);
void hf_answers_take (hf_client_t *client, const hf_answers_t *answers);
/*  The cluster says that this session holds the lock: whoever waits for it has it. */
void hf_answers_grant (hf_place_t *place, uint64_t token, uint64_t index);

//  hf_ask.c
hf_ask_t *hf_ask_new (hf_client_t *client, hf_ask_kind_t kind, uint32_t limit_ms);
void hf_ask_start (hf_client_t *client, hf_ask_t *ask);
void hf_ask_finish (hf_client_t *client, hf_ask_t *ask, hf_status_t status, const void *reply);
void hf_ask_wake (hf_client_t *client, hf_ask_t *ask);
void hf_ask_send_all (hf_client_t *client);
hf_ask_t *hf_ask_find (hf_client_t *client, hf_ask_kind_t kind, uint64_t key);
void hf_ask_refused (hf_client_t *client, uint32_t node, hf_status_t status);
void hf_ask_connected (hf_client_t *client, uint32_t node);
void hf_ask_free (hf_ask_t *ask);
/*  A query, not started; DONE and what it needs are the caller's to set. */
hf_ask_t *hf_ask_query (hf_client_t *client, const hf_query_t *query, uint32_t limit_ms);

//  hf_waiter.c: one blocking call, shared by its caller and the I/O thread
struct hf_waiter {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    int refs;
    bool flushed;
    bool done;
    bool gone; //  the caller went away before it was done
    hf_status_t status;
    uint64_t token;
    uint64_t index;
    hf_session_t *session;
    uint8_t *reply; //  a RESULT record, packed anew
    size_t reply_size;
};
hf_waiter_t *hf_waiter_new (void);
void hf_waiter_drop (hf_waiter_t *self);
/*  Lock it and see whether the caller is still there; then hf_waiter_leave. */
bool hf_waiter_enter (hf_waiter_t *self);
void hf_waiter_leave (hf_waiter_t *self, hf_status_t status);
/*  The caller's side: false when LIMIT_MS passed and it is not done. */
bool hf_waiter_wait (hf_waiter_t *self, uint32_t limit_ms);
void hf_waiter_flushed (hf_waiter_t *self);
void hf_waiter_wait_flushed (hf_waiter_t *self);

#endif
