/*  hf_client_core.h - the decisions of a client: sessions, leases, requests, choice of the leader.
 *
 *  Pure: frames, connections, submissions and the time come in; frames, results and events come
 *  out as data. No clock, thread, lock, socket or source of random numbers. The shell around it is
 *  the library's thread or the simulator. A turn of the shell:
 *
 *      hf_client_core_connected, _broken, _frame    what the links saw, with the time of each
 *      hf_client_core_submit                        what the user asks for
 *      hf_client_core_turn                          timers; packs what is to be sent
 *      while ((op = hf_client_core_next (core, now_us)))
 *          report op, then hf_op_free (op)
 *      while (hf_client_core_link (core, &link))    also after each frame and each turn
 *          make the link, or break it
 *      send the frames of hf_client_core_outbox; hf_outbox_reset
 *      sleep until hf_client_core_due_us
 *
 *  Results may be fetched after every input, and should be: a grant is checked against the lease at
 *  the time given to hf_client_core_next. Times are of one clock that never goes back and goes on
 *  while the machine sleeps. Nodes are named by their ids. Which nodes there are may change: the
 * core learns it from them, and says which links to make and to break.
 *
 *  One thread makes all calls, except those marked "any thread": these may run at any time.
 */
#ifndef HF_CLIENT_CORE_H_INCLUDED
#define HF_CLIENT_CORE_H_INCLUDED

#include "base/hf_chain.h"
#include "base/hf_heap.h"
#include "base/hf_table.h"
#include "client/core/hf_lease.h"
#include "client/holdfast.h"
#include "msgs/hf_msg.h"
#include "msgs/hf_outbox.h"

typedef struct hf_client_core hf_client_core_t;
typedef struct hf_client_session hf_client_session_t;
typedef struct hf_client_place hf_client_place_t; //  the core's own
typedef struct hf_client_watch hf_client_watch_t;

//  ---- ops: what is submitted, and what comes back --------------------------------

typedef enum hf_op_kind {
    HF_OP_OPEN = HF_KIND_OPEN,     //  a session; on HF_OK op->session is set
    HF_OP_CLOSE = HF_KIND_CLOSE,   //  end the session SESSION_ID in the cluster, whoever opened it
    HF_OP_QUERY = HF_KIND_QUERY,   //  a question; on HF_OK op->reply is the RESULT record
    HF_OP_CHANGE = HF_KIND_CHANGE, //  of the members; result.index: of the roster
    HF_OP_ACQUIRE = HF_KIND_ACQUIRE, //  requests of a session ...
    HF_OP_RELEASE = HF_KIND_RELEASE,
    HF_OP_CANCEL = HF_KIND_CANCEL,
    HF_OP_APPEND = HF_KIND_APPEND,
    HF_OP_NOTE = HF_KIND_NOTE,
    HF_OP_WATCH = HF_KIND_WATCH, //  open a watch; on HF_OK op->watch is set, and result.total: its
                                 //  events begin after this number
    HF_OP_ABANDON = HF_KIND_ABANDON, //  the core's own: leave the queue, or hand the grant back
    HF_OP_GIVE_BACK = 256,           //  a grant that nobody waited for any more
    HF_OP_LEAVE = 257,   //  free the session: every result comes as HF_CLOSED, then this op.
                         //  HF_OK, or HF_SESSION_EXPIRED when the cluster had ended it
    HF_OP_EVENT = 258,   //  comes out only: op->event, with the session's arg
    HF_OP_UNWATCH = 259, //  close a watch: nothing is told of it after this op's result
    HF_OP_HAPPENED = 260 //  comes out only: read it with hf_op_next_event; ARG as of the WATCH
} hf_op_kind_t;

#define HF_NODE_LEADER 0U         //  a query is sent to the leader,
#define HF_NODE_ANY    UINT32_MAX //  or to every node: the first answer counts; else: a node's id

/*  Made by one of the functions below; what stands under "set by the caller" may be changed until
 *  it is submitted. The core owns it from hf_client_core_submit until hf_client_core_next gives it
 *  back, with its result; then hf_op_free. */
typedef struct hf_op {
    hf_chain_t chain; //  free for use by whoever owns the op
    hf_op_kind_t kind;
    hf_client_session_t *session; //  lives until its LEAVE is freed, or the core is destroyed
    hf_client_watch_t *watch;     //  lives until its UNWATCH is submitted, or the core is destroyed

    //  Set by the caller.
    hf_done_fn *fn; //  the core only carries these three; ARG of OPEN is that of its events
    void *arg;
    void *waiter;
    uint64_t limit_us; //  of ACQUIRE, OPEN, CLOSE, QUERY, WATCH: give up then; HF_NEVER: no limit
    bool wait;         //  of ACQUIRE
    uint32_t mode;     //  so, too: of its first lock, as the next two
    uint32_t units, limit;
    char *label; //  of OPEN: who it is; of CLOSE and CHANGE: who asks; the op owns it; NULL: nobody
    bool detect;
    uint32_t delay_ms;
    hf_change_request_t change; //  of CHANGE, its host in the op
    bool stale;                 //  of QUERY
    uint64_t number;            //  likewise

    //  What comes back. Pointers are into the op.
    hf_result_t result;
    hf_session_event_t event;
    uint8_t *reply; //  of a query, when a node answered
    size_t reply_size;
    hf_ring_place_t *ring; //  what result.ring and result.text point to
    char *why;

    //  The rest is the core's.
    uint64_t token, owner;
    uint64_t given_token; //  as the user gave it; TOKEN may have replaced it
    bool wide;            //  it concerns several locks: see s_must_wait
    uint64_t order;       //  of submission, in its session
    uint64_t session_id;
    uint64_t acts_for; //  of ACQUIRE
    char *note;        //  of ACQUIRE and NOTE; NULL: none
    uint8_t *claim;    //  of ACQUIRE: PLACE records, when it is more than a plain ACQUIRE; or NULL
    size_t claim_size;
    uint32_t claim_count;
    uint64_t wants; //  a hash of what it asks for
    uint8_t nonce[HF_NONCE_SIZE];
    uint32_t ttl_ms;
    uint32_t node, what, size;
    uint64_t offset;
    hf_table_node_t by_key;
    hf_chain_t all;
    hf_heap_node_t timer;
    hf_client_place_t *place;
    int state;
    bool orphan;  //  its result was given already, or nobody wants it
    bool lost;    //  the lease was over when it was made
    bool counted; //  in the session's load
    uint64_t seq; //  of a request; of a question: its id, echo or the head of its nonce
    uint64_t frame;
    uint64_t start_us, first_us, sent_us;
    uint32_t tries;
    uint64_t queued_index, queued_us;
    uint32_t lock_size, file_size, data_size;
    char text[]; //  the lock (of a query: the name) and the file, each with a zero; then the data
} hf_op_t;

/*  Any thread. A request of SESSION for LOCK in *op_p, or why not: HF_BAD_NAME, HF_TOO_LARGE,
 *  HF_LIMIT, and for what needs a live session HF_SESSION_EXPIRED. The lease is compared with
 *  NOW_US before anything else. OWNER: the session that holds the lock; 0: this one.
 *  hf_op_claim waits in the queue without limit unless changed; hf_op_end makes RELEASE, CANCEL
 *  or GIVE_BACK. */
/*  For COUNT locks, each as in WANTS, all or nothing; the first is the one that the others go by.
 *  HF_INVALID: no lock or more than HF_SET_MAX, a lock twice, units or a limit that cannot be.
 *  HF_BAD_NOTE. NOTE may be NULL. */
hf_status_t hf_op_claim (hf_client_session_t *session, const hf_want_t *wants, size_t count,
                         const char *note, uint64_t acts_for, uint64_t now_us, hf_op_t **op_p);
/*  For one lock, exclusively. */
static inline hf_status_t
hf_op_acquire (hf_client_session_t *session, const char *lock, uint64_t now_us, hf_op_t **op_p)
{
    return hf_op_claim (session, &(hf_want_t){.lock = lock}, 1, NULL, 0, now_us, op_p);
}
/*  Another note for a hold; TOKEN 0: for what the session waits for. */
hf_status_t hf_op_note (hf_client_session_t *session, uint64_t owner, const char *lock,
                        uint64_t token, const char *note, uint64_t now_us, hf_op_t **op_p);
hf_status_t hf_op_end (hf_client_session_t *session, hf_op_kind_t kind, uint64_t owner,
                       const char *lock, uint64_t token, uint64_t now_us, hf_op_t **op_p);
hf_status_t hf_op_append (hf_client_session_t *session, uint64_t owner, const char *lock,
                          uint64_t token, const char *file, const void *data, size_t size,
                          uint64_t now_us, hf_op_t **op_p);

/*  Any thread. NONCE: 16 random bytes that are used once. TTL_MS, NAME and SIZE must be valid. */
hf_op_t *hf_op_open (const uint8_t nonce[HF_NONCE_SIZE], uint32_t ttl_ms);
hf_op_t *hf_op_close (uint64_t session_id);
/*  Its id is not 0 and below 2^63. */
hf_op_t *hf_op_change (const hf_change_request_t *change);
hf_op_t *hf_op_leave (hf_client_session_t *session);
hf_op_t *hf_op_query (uint32_t node, uint32_t what, const char *name, uint64_t offset,
                      uint32_t size);
/*  What happens to names that begin with PREFIX, which is valid or empty; as in hf_watch_options_t.
 */
hf_op_t *hf_op_watch (uint32_t what, const char *prefix, uint64_t after);
hf_op_t *hf_op_unwatch (hf_client_watch_t *watch);

/*  What an op of kind HF_OP_HAPPENED tells, one after the other, into SELF, which is all zero at
 *  first. Its strings are valid until the next call. */
typedef struct hf_op_events {
    hf_watch_event_t event;
    size_t at;
    char name[256], label[HF_LABEL_MAX + 1], note[HF_NOTE_MAX + 1];
} hf_op_events_t;
bool hf_op_next_event (const hf_op_t *op, hf_op_events_t *self);

/*  Any thread; also for an op that was never submitted. */
void hf_op_free (hf_op_t *op);

//  ---- the core ---------------------------------------------------------------

/*  Where clients reach a node. HOST is empty: only the shell knows. */
typedef struct hf_client_address {
    char host[HF_HOST_MAX + 1];
    uint16_t port;
} hf_client_address_t;

typedef struct hf_client_config {
    uint32_t ids[HF_MEMBERS_MAX]; //  of the nodes, ascending
    hf_client_address_t addresses[HF_MEMBERS_MAX];
    bool fixed; //  they stay at these, whatever the cluster says
    uint32_t count;
    uint64_t seed;       //  of jitter and of the ids of questions: random
    uint64_t request_us; //  without an answer for this long a request is sent again; 0: a second
} hf_client_config_t;

hf_client_core_t *hf_client_core_new (const hf_client_config_t *config);
/*  Frees sessions and ops; results that were not fetched are dropped. */
void hf_client_core_destroy (hf_client_core_t **self_p);

/*  SLOT, 0 to HF_MEMBERS_MAX - 1, is to have a link to NODE at ADDRESS and no other: the one that
 * it has is broken, of which the core need not hear. NODE 0: it is to have none. At the start the
 * nodes of the configuration have theirs, in the slots of their order there. False: nothing is to
 * change.
 */
typedef struct hf_client_link {
    uint32_t slot, node;
    hf_client_address_t address;
} hf_client_link_t;
bool hf_client_core_link (hf_client_core_t *self, hf_client_link_t *link);

/*  Any thread: the ids of the nodes that the core knows, ascending. Gives how many. */
uint32_t hf_client_core_nodes (hf_client_core_t *self, uint32_t ids[HF_MEMBERS_MAX]);

/*  The link to NODE can be sent to; the node takes no more connections; the link broke, and is
 * being made again; FRAME came from it. */
void hf_client_core_connected (hf_client_core_t *self, uint32_t node, uint64_t now_us);
void hf_client_core_refused (hf_client_core_t *self, uint32_t node, uint64_t now_us);
void hf_client_core_broken (hf_client_core_t *self, uint32_t node, uint64_t now_us);
/*  The link to NODE took no more: what the core gave for it after some frame is dropped. */
void hf_client_core_unsent (hf_client_core_t *self, uint32_t node, uint64_t now_us);
void hf_client_core_frame (hf_client_core_t *self, uint32_t node, hf_span_t frame, uint64_t now_us);

/*  The op is the core's now. Nothing may be submitted for a session after its LEAVE. */
void hf_client_core_submit (hf_client_core_t *self, hf_op_t *op, uint64_t now_us);

/*  Timers, and all that is to be sent: call it after a batch of inputs and when due. */
void hf_client_core_turn (hf_client_core_t *self, uint64_t now_us);
/*  When the next turn is due; 0: now; HF_NEVER: when something comes in. */
uint64_t hf_client_core_due_us (const hf_client_core_t *self);

/*  OP, which came out or is about to, is a grant. */
static inline bool
hf_op_grants (const hf_op_t *op)
{
    return op->kind == HF_OP_ACQUIRE && op->result.status == HF_OK;
}

/*  The next result or event, the caller's to free; NULL: no more. A grant whose lease is over at
 *  NOW_US comes as HF_LOST, and ends the session: so fetch it when it is given, and not before.
 *  NOW_US is looked at for a grant alone. */
hf_op_t *hf_client_core_next (hf_client_core_t *self, uint64_t now_us);
/*  That op, which stays in the core: for who gives some results and leaves the rest to another. A
 *  grant in it is not checked. */
const hf_op_t *hf_client_core_peek (const hf_client_core_t *self);

/*  Frames to be sent, in order; peer is the node's id. The shell resets it. A frame that a link
 * does not take may be dropped when the core hears of it: hf_client_core_unsent. */
hf_outbox_t *hf_client_core_outbox (hf_client_core_t *self);

/*  The client ends: every result comes as HF_CLOSED, the sessions are left to their TTL and freed.
 *  Nothing may be submitted afterwards. */
void hf_client_core_stop (hf_client_core_t *self);

/*  Any thread: why NODE (0: any) did not answer what was asked at START_US: HF_TIMEOUT: it was
 *  connected at some time since; HF_FULL: it takes no more connections; or HF_UNREACHABLE. */
hf_status_t hf_client_core_silence (hf_client_core_t *self, uint32_t node, uint64_t start_us);

/*  Any thread, while the session lives. */
uint64_t hf_client_session_id (const hf_client_session_t *self);
uint32_t hf_client_session_ttl_ms (const hf_client_session_t *self);
hf_lease_t *hf_client_session_lease (hf_client_session_t *self);

#endif
