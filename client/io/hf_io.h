/*  hf_io.h - what the files of the library's shell share; nothing of it is exported.
 *
 *  Who owns what. At any time at most one thread drives a client: the loop's, or that of a blocking
 *  call while it waits. The driver owns the core, the links and every op that was submitted; it
 *  takes no lock for them. Who drives changes under the mutex. Other threads make ops, compare
 *  leases, and hand ops over through the inbox, under the mutex too; they wake the driver once per
 *  burst.
 *
 *  How a blocking call becomes the driver without waking anybody: all that a client waits for is in
 *  its own epoll set, and the loop waits for that set in its own. The call turns the client's set
 *  off in the loop's, waits for it alone, and turns it on again when it leaves. So a call costs no
 *  hand-over between threads when nobody else uses the client.
 *
 *  Callbacks run on the loop's thread alone, with no lock held; what they submit goes to the inbox
 *  and leaves in the same turn. A call that meets a result for a callback leaves it in the core,
 * and all that come after it, and the client to the loop. When the program dispatches, ops go
 * through a queue to its thread, which calls back and frees them, and frees the handles of what was
 * closed.
 */
#ifndef HF_IO_H_INCLUDED
#define HF_IO_H_INCLUDED

#include "base/hf_alloc.h"
#include "base/hf_heap.h"
#include "base/hf_wait.h"
#include "broker-less/hf_link.h"
#include "client/core/hf_client_core.h"

struct hf_session {
    hf_chain_t chain; //  in client->sessions once it is open; the driver's alone
    hf_client_t *client;
    hf_client_session_t *core;
    hf_session_fn *fn;
    void *arg;
    bool wanted;
    bool closing; //  under the client's mutex: takes no more ops
};

struct hf_watch {
    hf_chain_t chain; //  in client->watches once it is open; the driver's alone
    hf_client_t *client;
    hf_client_watch_t *core;
    hf_watch_fn *fn;
    void *arg;
};

/*  A node, in its slot. */
typedef struct hf_io_node {
    hf_endpoint_t endpoint; //  id 0: none
    hf_link_t *link;        //  NULL: it could not be made yet
    uint32_t tag;           //  of its look-ups
    bool up;                //  it is connected
} hf_io_node_t;

/*  One blocking call. */
typedef struct hf_waiter hf_waiter_t;

/*  A thread that drives clients while nobody else does. */
typedef struct hf_loop hf_loop_t;

typedef enum hf_driver { HF_DRIVER_NONE = 0, HF_DRIVER_LOOP = 1, HF_DRIVER_CALL = 2 } hf_driver_t;

struct hf_client {
    hf_client_core_t *core;
    hf_io_node_t nodes[HF_MEMBERS_MAX];
    uint32_t last_tag;
    uint64_t retry_us;       //  when links that could not be made are tried again; HF_NEVER: none
    hf_resolver_t *resolver; //  NULL: no node had a name
    hf_keys_t *keys;         //  NULL: without
    bool snubbed;            //  a link has or had trouble with keys
    uint64_t told_us;        //  when its troubles are to be told again
    bool untold;             //  they may be others by now, and are told then
    uint64_t keys_us;        //  when the folder of keys was looked at
    hf_chain_t sessions, watches;
    bool sparse; //  the last turn had no more than one frame
    hf_loop_t *loop;
    bool shares;          //  it, with other clients
    hf_heap_node_t timer; //  in the loop's heap: its thread's alone
    unsigned forks;       //  that lie between the program's first process and the one that made it
    void *context;
    int wait_fd; //  the epoll set of all that it waits for
    int wake_fd;
    int ready_fd; //  of a client whose program dispatches; else -1

    pthread_mutex_t mutex; //  for the rest
    hf_driver_t driver;
    pthread_t driving;    //  its thread
    uint64_t loop_due_us; //  when the loop comes back by itself; HF_NEVER: it does not
    hf_chain_t inbox;
    hf_chain_t called; //  results and events for hf_client_dispatch
    hf_chain_t polled; //  results for hf_client_poll
    bool ready;        //  READY_FD is readable
    bool woken;
    bool stop;
    bool ended; //  the loop has seen that, and left it: under the loop's mutex
    char trouble[HF_CLIENT_ERROR_SIZE];
    char denied[HF_CLIENT_ERROR_SIZE]; //  why the last blocking call was
    pthread_cond_t polled_cond;
    hf_op_t *polled_last; //  the caller may still use its pointers
};

//  hf_client.c
/*  Goes on while the machine is suspended: a lease runs out in its sleep too. */
uint64_t hf_io_now_us (void);
/*  Now and LIMIT_MS; HF_NEVER for HF_FOREVER. */
uint64_t hf_io_until_us (uint32_t limit_ms);
/*  The caller is a callback of this client. */
bool hf_io_on_thread (const hf_client_t *self);
/*  The client came to this process by fork: its thread did not, and its mutex may be locked for
 *  ever. Nothing of it may be used. */
bool hf_io_inherited (const hf_client_t *self);
/*  Hand OP over to the driver; SESSION: whose request it is, or NULL. False: the session or the
 *  client is being closed, and the op was freed. */
bool hf_io_post (hf_client_t *self, hf_session_t *session, hf_op_t *op);
/*  The same, and wait for the result's status. The op comes back in *op_p for hf_op_free, unless
 *  OP_P is NULL; NULL when it is not done within LIMIT_MS, and then it goes on in the background.
 */
hf_status_t hf_io_ask (hf_client_t *self, hf_session_t *session, hf_op_t *op, uint32_t limit_ms,
                       hf_op_t **op_p);

/*  With the mutex held: have the driver come. At most one wake-up per burst; none by the driver. */
void hf_io_wake (hf_client_t *self);

/*  OURS, of SIZE bytes, has the defaults: take from THEIRS (NULL: nothing) what its program knew.
 *  False: it sets fields that this library does not have. */
bool hf_options_take (void *ours, size_t size, const void *theirs);

//  hf_dispatch.c
/*  OP, without a waiter, came out of the core. It is called back, or kept for who dispatches or
 *  polls; and freed. */
void hf_io_give (hf_client_t *self, hf_op_t *op);
/*  That would call back on this thread: it must be the loop's. */
bool hf_io_calls_back (const hf_client_t *self, const hf_op_t *op);
/*  This thread is in a callback of hf_client_dispatch. */
bool hf_io_dispatching (const hf_client_t *self);
/*  A blocking call has closed HANDLE, with STATUS: free it, after what waits in the queue for it
 *  was given. */
void hf_io_closed (hf_client_t *self, hf_status_t status, void *handle);

//  hf_watch.c
/*  Call back with what an HF_OP_HAPPENED tells. */
void hf_watch_tell (const hf_op_t *op);

//  hf_links.c
/*  The links to the nodes of ENDPOINTS, which the core was made with. -1: errno. */
int hf_io_links_start (hf_client_t *self, const hf_endpoints_t *endpoints);
/*  Make and break links as the core says. Gives whether any was. */
bool hf_io_links_follow (hf_client_t *self);
void hf_io_links_destroy (hf_client_t *self);
/*  The set that the client waits for, with what wakes it. -1: errno. */
int hf_io_wait_start (hf_client_t *self);
/*  Until there is news for the client, or LIMIT_MS have passed, or a signal came. The links hear of
 *  what is theirs. */
void hf_io_wait (hf_client_t *self, int limit_ms);

//  hf_turn.c: for the driver.
/*  Take in what there is, let the core decide, give results, send. */
void hf_turn (hf_client_t *self);
/*  With the mutex held: when the next one is due; 0: now. */
uint64_t hf_turn_due_us (hf_client_t *self);
/*  The milliseconds from now to DUE_US. */
int hf_turn_wait_ms (uint64_t due_us);
/*  Results are left, for callbacks or behind such: the loop is to give them. */
bool hf_turn_left (const hf_client_t *self);
/*  The loop: give what a call left. */
void hf_turn_late (hf_client_t *self);
/*  The loop: the client ends. Results that are still out come as HF_CLOSED. */
void hf_turn_end (hf_client_t *self);

//  hf_loop.c
/*  A thread without clients, with all signals blocked: they are the program's. NULL: errno. */
hf_loop_t *hf_loop_new (void);
/*  No client is in it. It waits until the thread has ended. */
void hf_loop_destroy (hf_loop_t **self_p);
/*  Drive CLIENT, until hf_loop_leave, which waits until the loop has ended it (hf_turn_end). -1:
 *  errno. */
int hf_loop_join (hf_loop_t *self, hf_client_t *client);
void hf_loop_leave (hf_client_t *client);
/*  This thread is the loop's. */
bool hf_loop_here (const hf_loop_t *self);
/*  A call drives CLIENT: the loop does not wait for it while that is so. */
void hf_loop_mind (const hf_client_t *client, bool on);

//  hf_drive.c
/*  With the mutex held: the caller drives the client from now on, if nobody does. */
bool hf_drive_begin (hf_client_t *self);
/*  Then, without the mutex: drive it until WAITER is done, LIMIT_MS have passed, or the loop is
 *  needed. In a child that was forked meanwhile it returns at once: hf_io_inherited. */
void hf_drive (hf_client_t *self, hf_waiter_t *waiter, uint32_t limit_ms);

//  hf_shared.c: what the clients of a process have in common.
/*  How many forks lie between the program's first process and this one. */
unsigned hf_shared_forks (void);
/*  A context for one client more, to be given back; NULL: errno. */
void *hf_shared_context (void);
void hf_shared_give_context (void *context);
/*  The loop for those who share one, likewise. */
hf_loop_t *hf_shared_loop (void);
void hf_shared_give_loop (hf_loop_t *loop);

//  hf_waiter.c: one blocking call, shared by its caller and the driver.

/*  With two references: each of hf_waiter_give and hf_waiter_take drops one. */
hf_waiter_t *hf_waiter_new (void);
void hf_waiter_drop (hf_waiter_t *self);

/*  The driver: the call is done. False: the caller gave up; OP stays the giver's. */
bool hf_waiter_give (hf_waiter_t *self, hf_op_t *op);
/*  The caller: whether it is. */
bool hf_waiter_done (hf_waiter_t *self);
/*  So much longer than LIMIT_MS it waits: the core keeps limits too and should be the one to
 * decide.
 */
#define HF_WAITER_GRACE_MS 20

/*  The caller: the op that is done, its own from now on; NULL when LIMIT_MS passed. */
hf_op_t *hf_waiter_take (hf_waiter_t *self, uint32_t limit_ms);

#endif
