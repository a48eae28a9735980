/*  hf_io.h - what the files of the library's shell share; nothing of it is exported.
 *
 *  Who owns what. The client's thread owns the core, the links and every op that was submitted; it
 *  takes no lock for them. Other threads make ops, compare leases, and hand ops over through the
 *  inbox, under the one mutex; they wake the thread once per burst. Callbacks run on that thread
 *  with no lock held; what they submit goes to the inbox too and leaves in the same turn. When the
 *  program dispatches, ops go through a queue to its thread, which calls back and frees them, and
 *  frees the handles of what was closed.
 */
#ifndef HF_IO_H_INCLUDED
#define HF_IO_H_INCLUDED

#include "base/hf_alloc.h"
#include "base/hf_wait.h"
#include "broker-less/hf_link.h"
#include "client/core/hf_client_core.h"

struct hf_session {
    hf_chain_t chain; //  in client->sessions once it is open; the client's thread alone
    hf_client_t *client;
    hf_client_session_t *core;
    hf_session_fn *fn;
    void *arg;
    bool wanted;
    bool closing; //  under the client's mutex: takes no more ops
};

struct hf_watch {
    hf_chain_t chain; //  in client->watches once it is open; the client's thread alone
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
} hf_io_node_t;

struct hf_client {
    hf_client_core_t *core;
    hf_io_node_t nodes[HF_MEMBERS_MAX];
    uint32_t last_tag;
    uint64_t retry_us;       //  when links that could not be made are tried again; HF_NEVER: none
    hf_resolver_t *resolver; //  NULL: no node had a name
    hf_keys_t *keys;         //  NULL: without
    bool snubbed;            //  a link has or had trouble with keys
    uint64_t told_us;        //  when its troubles are to be told again
    uint64_t keys_us;        //  when the folder of keys was looked at
    hf_chain_t sessions, watches;
    pthread_t thread;
    unsigned forks; //  that lie between the program's first process and the one that made it
    void *context;
    int wake_fd;
    int ready_fd; //  of a client whose program dispatches; else -1

    pthread_mutex_t mutex; //  for the rest
    hf_chain_t inbox;
    hf_chain_t called; //  results and events for hf_client_dispatch
    hf_chain_t polled; //  results for hf_client_poll
    bool ready;        //  READY_FD is readable
    bool woken;
    bool stop;
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
/*  Hand OP over to the client's thread; SESSION: whose request it is, or NULL. False: the session
 *  or the client is being closed, and the op was freed. */
bool hf_io_post (hf_client_t *self, hf_session_t *session, hf_op_t *op);
/*  The same, and wait for the result's status. The op comes back in *op_p for hf_op_free, unless
 *  OP_P is NULL; NULL when it is not done within LIMIT_MS, and then it goes on in the background.
 */
hf_status_t hf_io_ask (hf_client_t *self, hf_session_t *session, hf_op_t *op, uint32_t limit_ms,
                       hf_op_t **op_p);

/*  OURS, of SIZE bytes, has the defaults: take from THEIRS (NULL: nothing) what its program knew.
 *  False: it sets fields that this library does not have. */
bool hf_options_take (void *ours, size_t size, const void *theirs);

//  hf_dispatch.c
/*  The client's thread: OP, without a waiter, came out of the core. It is called back, or kept for
 *  who dispatches or polls; and freed. */
void hf_io_give (hf_client_t *self, hf_op_t *op);
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

//  hf_loop.c
void *hf_loop_run (void *client);

//  hf_waiter.c: one blocking call, shared by its caller and the client's thread.
typedef struct hf_waiter hf_waiter_t;

/*  With two references: each of hf_waiter_give and hf_waiter_take drops one. */
hf_waiter_t *hf_waiter_new (void);
void hf_waiter_drop (hf_waiter_t *self);

/*  The client's thread: the call is done. False: the caller gave up; OP stays the giver's.
 */
bool hf_waiter_give (hf_waiter_t *self, hf_op_t *op);

/*  The caller: the op that is done, its own from now on; NULL when LIMIT_MS passed. */
hf_op_t *hf_waiter_take (hf_waiter_t *self, uint32_t limit_ms);

#endif
