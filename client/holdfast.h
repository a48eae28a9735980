/*  holdfast.h - the client library of holdfast, a replicated lock service.
 *
 *  A client (hf_client_t) is a connection to a cluster with a thread in the background, its own or
 *  one that it shares (hf_client_options_t); a session (hf_session_t) lives on it and holds locks.
 *  One client serves many sessions, threads and locks at once. All calls are thread-safe unless
 *  they say otherwise.
 *
 *  Two forms. Asynchronous: hf_submit_* queue a request and return; the result comes to a
 *  callback on the client's thread (or on the program's: hf_client_dispatch), or, when the callback
 *  is NULL, to hf_client_poll.
 *  Blocking: hf_acquire and the like, made of the first form; they never block past LIMIT_MS. While
 *  nobody else uses the client, a blocking call sends and receives by itself, without the client's
 *  thread; results and events never come on the caller's. Only the FN of hf_query_* is called on
 *  it, before the call returns. A blocking call is no cancellation point. Who cancels its thread
 *  (pthread_cancel) waits until it has returned.
 *
 *  Safety. A session is kept alive in the background. Its own deadline runs from the moment a
 *  keepalive that was acknowledged was SENT, plus the TTL, less a margin (a tenth of the TTL); past
 *  it every lock of the session is reported lost (event, and HF_LOST by every later call with that
 *  token) before anyone else can hold it. A grant's token rises with every grant: hand it to the
 *  storage that you write to, and let that refuse a lower one.
 *
 *  Exactly once. A request is sent again, through any node, until it is answered, and takes
 *  effect once. When the session ends before its answer is known the result is HF_UNDECIDED
 *  (it may have taken effect); it is never sent again in another session.
 *
 *  Fork. A client belongs to the process that made it. In a child that inherits one every call
 *  gives HF_CLOSED or what says "no" (false, 0 ms left), at once, and nothing is sent; destroying
 *  it there clears the pointer and frees nothing. The parent's goes on. A child may make clients of
 *  its own. One that a callback forked must end, or start another program, before the callback
 *  returns: it ends then, with exit code 1.
 *
 *  Made of these calls, each with a header of its own: hf_mutex.h, hf_rwlock.h, hf_semaphore.h,
 *  hf_election.h, hf_barrier.h, hf_latch.h.
 *
 *  Times are milliseconds. Names are 1 to 255 bytes of UTF-8 without control characters.
 */
#ifndef HOLDFAST_H_INCLUDED
#define HOLDFAST_H_INCLUDED

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#include "msgs/hf_status.h"

#define HF_FOREVER UINT32_MAX //  a limit that never ends

typedef struct hf_client hf_client_t;
typedef struct hf_session hf_session_t;

/*  Texts of statuses. (Declared in hf_status.h:)
 *  const char *hf_status_text (hf_status_t); const char *hf_status_name (hf_status_t); */

//  ---- the client -------------------------------------------------------------

/*  Options. Each struct begins with its size and starts from its ..._INIT, so that it can grow: a
 *  program built with an older header goes on to work, and one that sets a field which this library
 *  does not have gets HF_INVALID. NULL for options means all the defaults.
 *
 *      hf_acquire_options_t options = HF_ACQUIRE_OPTIONS_INIT;
 *      options.limit_ms = 500; */

typedef struct hf_client_options {
    size_t size;
    const char *endpoints; //  "1@127.0.0.1:8080:8081,2@..."; NULL: the environment's
                           //  HOLDFAST_ENDPOINTS, else one node on 127.0.0.1. It may be old: one
                           //  address in it that is still a member's is enough
    uint32_t request_ms;   //  without an answer for this long a request is sent again; 0: 1000
    bool dispatch;         //  no callback comes on the client's thread: the program calls
                           //  hf_client_dispatch
    bool fixed; //  the nodes in ENDPOINTS are reached at these addresses alone, wherever the
                //  cluster says that they are: through a tunnel, or ports that are mapped. Also
                //  when the environment's HOLDFAST_FIXED is not empty
    const char *key;  //  the file of its own key pair (holdfast keys new); NULL: the environment's
                      //  HOLDFAST_KEY, else it speaks without encryption
    const char *keys; //  the folder that has the nodes' public keys in nodes/, which is needed with
                      //  a key; NULL: the environment's HOLDFAST_KEYS
    bool shared;      //  one thread serves all clients of the process that ask for this, instead of
                      //  one each, and their callbacks come on it. For processes with many: it
                      //  costs a fraction of the processor time. In such a callback blocking calls
                      //  on any of these clients give HF_INVALID, and none may be destroyed. One
                      //  that is slow holds up all of them: their callbacks, their keepalives and
                      //  what tells that locks are lost, and hf_client_destroy
} hf_client_options_t;
#define HF_CLIENT_OPTIONS_INIT                                                                     \
    {                                                                                              \
        sizeof (hf_client_options_t), NULL, 0, false, false, NULL, NULL, false                     \
    }

/*  Does not wait for a connection. NULL with one line in ERROR (may be NULL; HF_CLIENT_ERROR_SIZE
 *  bytes) and errno EINVAL: a bad list or bad options; EACCES: a key that cannot be used; EMFILE:
 *  too few descriptors are free, look at `ulimit -n`; EAGAIN: no thread or no socket. Those of the
 *  descriptors 0 to 2 that are closed are occupied with /dev/null, so that no socket gets the place
 *  of stderr. */
#define HF_CLIENT_ERROR_SIZE 512
hf_client_t *hf_client_new (const hf_client_options_t *options, char *error);

/*  Ends the thread, or its part in one that is shared. Open sessions are abandoned (they expire
 *  after their TTL); results that are still out come back as HF_CLOSED, to their callbacks, before
 *  this returns. Sessions' handles must be closed before. */
void hf_client_destroy (hf_client_t **self_p);

/*  What keeps the client from nodes that it is not connected to, in one line: names that cannot be
 *  resolved, connections that are refused or not answered, keys that are missing or not admitted.
 *  False, and an empty TEXT: it knows of nothing. */
bool hf_client_trouble (hf_client_t *self, char text[HF_CLIENT_ERROR_SIZE]);

/*  Why the last blocking call that failed with HF_DENIED or HF_LIMIT was refused, in one line:
 * which right is missing, for what; or which limit it is. False, and an empty TEXT: none was, or
 * the node did not say why. */
bool hf_client_denied (hf_client_t *self, char text[HF_CLIENT_ERROR_SIZE]);

//  One session of a ring of waits: it holds HOLDS, which the one before it in the ring waits for
//  (NULL: it only waits there, before that one), and waits for WAITS.
typedef struct hf_ring_place {
    uint64_t session;
    const char *label; //  "" for nobody
    const char *holds, *waits;
} hf_ring_place_t;

/*  What came of a request. Pointers are valid during the callback, or until the
 *  next hf_client_poll on that client. */
typedef struct hf_result {
    hf_status_t status;
    void *arg;           //  as given to the call
    const char *lock;    //  NULL where there is none
    uint64_t session;    //  id, of the session that asked
    uint64_t index;      //  place of the operation in the order all nodes share
    uint64_t token;      //  fencing token: of a grant
    uint64_t position;   //  place in the queue, 1 is next: of HF_QUEUED
    const uint8_t *data; //  of a read
    size_t size;
    uint64_t total;              //  of a read: the file's length
    const hf_ring_place_t *ring; //  of HF_DEADLOCK: who waits for whom; NULL when it was not told
    size_t ring_count;
    const char *text; //  of HF_DEADLOCK, HF_CONFLICT (both limits) and HF_DENIED (which right is
                      //  missing): why, in one line for people; NULL when it was not told
} hf_result_t;

/*  Called on the client's thread, or by hf_client_dispatch; must not block and must not destroy
 *  anything; may submit. */
typedef void (hf_done_fn) (void *arg, const hf_result_t *result);

/*  Take up to one result that has no callback; waits up to LIMIT_MS. False: none came. */
bool hf_client_poll (hf_client_t *self, hf_result_t *result, uint32_t limit_ms);

/*  For programs with a loop of their own, with the option `dispatch`. All that callbacks would
 *  tell, results, events of sessions and of watches, waits in one queue, in order; the client's
 *  thread only keeps sessions alive and talks to the nodes. The loop polls the descriptor for
 *  reading and then calls hf_client_dispatch, which calls back on this thread. A loss that waits in
 *  the queue is true all the same: before you rely on a lock ask hf_session_remaining_ms.
 *
 *  One thread at a time dispatches, and the same one closes sessions and watches and destroys the
 *  client: these calls give first what waits. Callbacks keep to the rules for callbacks. */

/*  Readable while something waits for hf_client_dispatch or, without a callback, for
 *  hf_client_poll. The client's own: neither read nor close it. -1: the option is not set. */
int hf_client_fd (const hf_client_t *self);

/*  Call back with what waits now; never blocks. Gives how many results and groups of events it
 *  took. */
size_t hf_client_dispatch (hf_client_t *self);

//  ---- sessions ---------------------------------------------------------------

typedef enum hf_session_event_type {
    HF_SESSION_LOST = 1,   //  lock, token: no longer held; the section's appends are void
    HF_SESSION_MOVED = 2,  //  lock, position: the place in the queue changed
    HF_SESSION_WANTED = 4, //  lock, token, position: so many others wait for what is held; only
                           //  when the session's options ask for it
    HF_SESSION_ENDED = 3   //  the session is over; every lock was reported lost before this
} hf_session_event_type_t;

typedef struct hf_session_event {
    hf_session_event_type_t type;
    uint64_t session;
    const char *lock;
    uint64_t token;
    uint64_t position;
    const char *text; //  of LOST: who ended the hold, in words for people, when another session
                      //  did; else NULL
} hf_session_event_t;

/*  Called on the client's thread; must not block and must not destroy anything; may submit. */
typedef void (hf_session_fn) (void *arg, const hf_session_event_t *event);

typedef struct hf_session_options {
    size_t size;
    uint32_t ttl_ms;   //  1,000 to 600,000; 0: 10,000
    hf_session_fn *fn; //  its events; may be NULL
    void *arg;
    const char *label; //  who it is, for people: at most 255 bytes of UTF-8 without control
                       //  characters; NULL: nobody
    bool detect;       //  it holds locks while it waits for others: a wait that would close a ring
                       //  of such sessions is refused with HF_DEADLOCK
    uint32_t delay_ms; //  what it loses when it EXPIRES stays closed for so long more, 100 to
                       //  600,000: for resources that cannot check a token
    bool wanted;       //  give HF_SESSION_WANTED events, too
} hf_session_options_t;
#define HF_SESSION_OPTIONS_INIT                                                                    \
    {                                                                                              \
        sizeof (hf_session_options_t), 0, NULL, NULL, NULL, false, 0, false                        \
    }

/*  Open a session; waits up to LIMIT_MS. On HF_OK *session_p is the caller's, to be closed.
 *  HF_UNREACHABLE: no node could be reached within the limit; HF_FULL: those that could take no
 *  more connections; HF_TIMEOUT: nodes were reached but none could decide (no majority). */
hf_status_t hf_session_open (hf_client_t *client, const hf_session_options_t *options,
                             uint32_t limit_ms, hf_session_t **session_p);

/*  End the session in the cluster (its locks go to the next in line, its sections are dropped) and
 *  free the handle. Waits up to LIMIT_MS for the answer; the handle is freed in any case. Results
 *  still out come back as HF_CLOSED before this returns. Not from a callback. */
hf_status_t hf_session_close (hf_session_t **session_p, uint32_t limit_ms);

/*  Free the handle and keep nothing alive any more, but leave the session to its TTL: for a
 *  process that ends and hands its lock (session id, token) to another. Not from a callback. */
void hf_session_leave (hf_session_t **session_p);

uint64_t hf_session_id (const hf_session_t *self);
uint32_t hf_session_ttl_ms (const hf_session_t *self);
/*  How long locks of this session may still be relied on; 0: they are lost. */
uint32_t hf_session_remaining_ms (const hf_session_t *self);

//  ---- locks and sections, asynchronous -----------------------------------------
//  These return HF_OK (queued; FN will be called exactly once, or hf_client_poll will give it),
//  or a refusal at once (HF_INVALID, HF_BAD_NAME, HF_TOO_LARGE, HF_LIMIT, HF_SESSION_EXPIRED):
//  then FN is not called. LIMIT_MS counts from the call; HF_FOREVER: no limit.

/*  What is asked for at one lock. EXCLUSIVE: units and limit are 0. SHARED: UNITS, 1 and up, of the
 *  LIMIT that the lock has; 0: it has none. All who share a lock name the same limit. */
typedef struct hf_want {
    const char *lock;
    uint32_t mode;
    uint32_t units;
    uint32_t limit;
} hf_want_t;

typedef struct hf_acquire_options {
    size_t size;
    uint32_t mode;     //  default: HF_MODE_EXCLUSIVE
    bool wait;         //  in the queue while another holds it; default: true
    uint32_t limit_ms; //  default: HF_FOREVER
    uint32_t units;    //  of HF_MODE_SHARED; 0: 1
    uint32_t limit;    //  units that the lock has, for HF_MODE_SHARED; 0: any number
    const char *note;  //  for people, at most 1,024 bytes of UTF-8; NULL: none
    uint64_t acts_for; //  a session that holds what it holds while this one waits; 0: none
} hf_acquire_options_t;
#define HF_ACQUIRE_OPTIONS_INIT                                                                    \
    {                                                                                              \
        sizeof (hf_acquire_options_t), HF_MODE_EXCLUSIVE, true, HF_FOREVER, 0, 0, NULL, 0          \
    }

/*  Ask for LOCK. The result comes when it is granted (HF_OK: token, index), or not: HF_NOT_GRANTED
 *  (no wait, and another holds it), HF_TIMEOUT (gave up its place; if the grant crossed with
 *  that it was handed back), HF_LOST or HF_UNDECIDED. Asking for what the session holds already
 *  gives the same grant again, and several that wait for one lock get one grant between them:
 *  it ends with one release. Positions come as HF_SESSION_MOVED events, at most ten a second, and
 *  far behind in a queue fewer. */
hf_status_t hf_submit_acquire (hf_session_t *self, const char *lock,
                               const hf_acquire_options_t *options, hf_done_fn *fn, void *arg);

/*  Ask for COUNT locks at once, at most 64, each as in WANTS (the mode, units and limit of OPTIONS
 *  do not count): all or nothing, with one token and one section. Every other call may name any of
 *  them, and concerns all. */
hf_status_t hf_submit_acquire_set (hf_session_t *self, const hf_want_t *wants, size_t count,
                                   const hf_acquire_options_t *options, hf_done_fn *fn, void *arg);

/*  Another note for the hold with TOKEN; 0: for what the session waits for. HF_NOT_HOLDER. */
hf_status_t hf_submit_note (hf_session_t *self, const char *lock, uint64_t token, const char *note,
                            hf_done_fn *fn, void *arg);

/*  End the section: commit its appends to all their files at once and hand the lock on.
 *  HF_OK; HF_LOST, HF_NOT_HOLDER: nothing was committed; HF_UNDECIDED. */
hf_status_t hf_submit_release (hf_session_t *self, const char *lock, uint64_t token, hf_done_fn *fn,
                               void *arg);

/*  End the section and drop its appends. */
hf_status_t hf_submit_cancel (hf_session_t *self, const char *lock, uint64_t token, hf_done_fn *fn,
                              void *arg);

/*  Append SIZE bytes (at most 1 MiB; copied) to FILE within the section. HF_OK: staged, durable,
 *  and part of the file once the section is released. HF_TOO_LARGE: the section stays as it was.
 *  HF_LOST: void, like the rest of the section. Requests for one lock take effect in the order
 *  in which they were submitted; those for different locks in any order. */
hf_status_t hf_submit_append (hf_session_t *self, const char *lock, uint64_t token,
                              const char *file, const void *data, size_t size, hf_done_fn *fn,
                              void *arg);

/*  The same for a lock that another session, OWNER, holds: for a process that was handed
 *  (session id, token), as by the environment of `holdfast run`. */
hf_status_t hf_submit_release_for (hf_session_t *self, uint64_t owner, const char *lock,
                                   uint64_t token, hf_done_fn *fn, void *arg);
hf_status_t hf_submit_cancel_for (hf_session_t *self, uint64_t owner, const char *lock,
                                  uint64_t token, hf_done_fn *fn, void *arg);
hf_status_t hf_submit_append_for (hf_session_t *self, uint64_t owner, const char *lock,
                                  uint64_t token, const char *file, const void *data, size_t size,
                                  hf_done_fn *fn, void *arg);

/*  Read up to SIZE bytes (at most 1 MiB) of FILE from OFFSET; linearizable, needs no session.
 *  Result: data, size, total; HF_NOT_FOUND. */
hf_status_t hf_submit_read (hf_client_t *client, const char *file, uint64_t offset, uint32_t size,
                            uint32_t limit_ms, hf_done_fn *fn, void *arg);

//  ---- locks and sections, blocking -----------------------------------------------
//  Like the above; HF_TIMEOUT when LIMIT_MS passed. A release or append that timed out goes on in
//  the background: whether it takes effect is not known then.

typedef struct hf_grant {
    uint64_t token;
    uint64_t index;
} hf_grant_t;

/*  LIMIT_MS 0: do not wait in the queue (HF_NOT_GRANTED when another holds it); the answer is
 *  still waited for, up to 10 s. */
hf_status_t hf_acquire (hf_session_t *self, const char *lock, uint32_t limit_ms, hf_grant_t *grant);
/*  With options, of which limit_ms does not count. */
hf_status_t hf_acquire_as (hf_session_t *self, const char *lock,
                           const hf_acquire_options_t *options, uint32_t limit_ms,
                           hf_grant_t *grant);
hf_status_t hf_acquire_set (hf_session_t *self, const hf_want_t *wants, size_t count,
                            const hf_acquire_options_t *options, uint32_t limit_ms,
                            hf_grant_t *grant);
hf_status_t hf_note (hf_session_t *self, const char *lock, uint64_t token, const char *note,
                     uint32_t limit_ms);
hf_status_t hf_release (hf_session_t *self, const char *lock, uint64_t token, uint32_t limit_ms);
hf_status_t hf_cancel (hf_session_t *self, const char *lock, uint64_t token, uint32_t limit_ms);
hf_status_t hf_append (hf_session_t *self, const char *lock, uint64_t token, const char *file,
                       const void *data, size_t size, uint32_t limit_ms);
hf_status_t hf_release_for (hf_session_t *self, uint64_t owner, const char *lock, uint64_t token,
                            uint32_t limit_ms);
hf_status_t hf_cancel_for (hf_session_t *self, uint64_t owner, const char *lock, uint64_t token,
                           uint32_t limit_ms);
hf_status_t hf_append_for (hf_session_t *self, uint64_t owner, const char *lock, uint64_t token,
                           const char *file, const void *data, size_t size, uint32_t limit_ms);

/*  End session ID, whoever opened it. */
hf_status_t hf_close_session_id (hf_client_t *client, uint64_t id, uint32_t limit_ms);
/*  The same for operators: the nodes log that BY (a label) closed it. HF_BAD_LABEL. */
hf_status_t hf_close_session_as (hf_client_t *client, uint64_t id, const char *by,
                                 uint32_t limit_ms);

/*  Into BUFFER; *size in: its room (at most 1 MiB is read), out: bytes read. TOTAL may be NULL. */
hf_status_t hf_read (hf_client_t *client, const char *file, uint64_t offset, void *buffer,
                     size_t *size, uint64_t *total, uint32_t limit_ms);

//  ---- watches ----------------------------------------------------------------------
//  What happens to locks, or to files, whose names begin with a prefix: told in order, without gap
//  or repeat, also when nodes die. Any node serves it; the client picks one and goes over to
//  another.

enum {
    //  besides those of HF_HAPPENED_TABLE (hf_status.h):
    HF_WATCH_GAP = 256,  //  what happened before NUMBER was missed: it is not kept any more. Ask
                         //  anew (hf_query_lock); the watch goes on after NUMBER
    HF_WATCH_ENDED = 257 //  the watch is over, for the reason in STATUS
};

typedef struct hf_watch_event {
    uint32_t what;   //  an hf_what_happened_t, or one of the above; more may come, skip them
    uint64_t number; //  1, 2, 3, ... the same at all nodes; locks and files are numbered apart
    uint64_t index;  //  place of the operation in the order all nodes share
    const char *name;
    uint64_t session, token; //  token 0: it waits
    uint32_t units;          //  0: EXCLUSIVE
    uint64_t size;           //  bytes APPENDED; ms for which what was LOST stays closed
    const char *label, *note;
    hf_status_t status;
} hf_watch_event_t;

/*  Called on the client's thread; must not block and must not destroy anything; may submit. The
 *  strings are valid during the call. */
typedef void (hf_watch_fn) (void *arg, const hf_watch_event_t *event);

#define HF_WATCH_NOW UINT64_MAX

typedef struct hf_watch_options {
    size_t size;
    uint32_t what;      //  HF_WATCH_LOCKS, HF_WATCH_FILES
    const char *prefix; //  of names; NULL: all
    uint64_t after;     //  events with numbers above this; HF_WATCH_NOW: from now on
    hf_watch_fn *fn;
    void *arg;
} hf_watch_options_t;
#define HF_WATCH_OPTIONS_INIT                                                                      \
    {                                                                                              \
        sizeof (hf_watch_options_t), HF_WATCH_LOCKS, NULL, HF_WATCH_NOW, NULL, NULL                \
    }

typedef struct hf_watch hf_watch_t;

/*  Waits up to LIMIT_MS until a node has taken it, so that what happens after the return is told;
 *  *number (may be NULL): the events begin after this. HF_INVALID, HF_BAD_NAME (the prefix),
 *  HF_LIMIT, HF_UNREACHABLE, HF_TIMEOUT. On HF_OK *watch_p is the caller's. Not from a callback. */
hf_status_t hf_watch_open (hf_client_t *client, const hf_watch_options_t *options,
                           uint32_t limit_ms, hf_watch_t **watch_p, uint64_t *number);

/*  FN is not called after this returned. Not from a callback. */
void hf_watch_close (hf_watch_t **watch_p);

//  ---- questions, blocking; linearizable unless it says otherwise -------------------

typedef struct hf_query_options {
    size_t size;
    bool stale; //  any node may answer from what it has applied; default: the leader, after it
                //  made sure that it leads
    uint64_t *number; //  filled, unless NULL, on HF_OK and HF_NOT_FOUND: the answer is as of this
                      //  event of a watch, so a watch opened with it as `after` tells all that
                      //  comes later; of a long answer a part may be newer, and is told again
} hf_query_options_t;
#define HF_QUERY_OPTIONS_INIT                                                                      \
    {                                                                                              \
        sizeof (hf_query_options_t), false, NULL                                                   \
    }
//  The forms below with ..._as take them; the others are linearizable.

typedef struct hf_leader_info {
    uint32_t id;
    uint64_t term;
    char endpoint[300]; //  host:client-port
    uint64_t index;     //  of the last command that it had applied
} hf_leader_info_t;
hf_status_t hf_query_leader (hf_client_t *client, hf_leader_info_t *info, uint32_t limit_ms);

typedef struct hf_lock_info {
    const char *lock; //  valid during the call of FN
    uint64_t holders;
    uint64_t waiters;
    uint32_t limit; //  units that it has; 0: any number
} hf_lock_info_t;
//  A session's place at a lock: a hold, or a turn in the queue.
typedef struct hf_place_info {
    uint64_t session;
    uint32_t mode;            //  HF_MODE_EXCLUSIVE
    uint64_t token;           //  0: it waits
    uint64_t position;        //  in the queue, 1 is next; 0: it holds the lock
    uint64_t staged;          //  bytes
    uint32_t units;           //  0: EXCLUSIVE
    const char *label, *note; //  "": none
    uint64_t age_ms;          //  it has held or waited for so long at least
} hf_place_info_t;
typedef void (hf_lock_info_fn) (void *arg, const hf_lock_info_t *lock,
                                const hf_place_info_t *place);
/*  Every lock that is held, by name: FN for each of its holders, at most the first 8. Pages are
 *  fetched as needed. */
hf_status_t hf_query_locks (hf_client_t *client, hf_lock_info_fn *fn, void *arg, uint32_t limit_ms);
hf_status_t hf_query_locks_as (hf_client_t *client, const hf_query_options_t *options,
                               hf_lock_info_fn *fn, void *arg, uint32_t limit_ms);
/*  FN for each holder of LOCK, by token, then for each waiter in queue order. HF_NOT_FOUND: nobody
 *  holds it. */
hf_status_t hf_query_lock (hf_client_t *client, const char *lock, hf_lock_info_fn *fn, void *arg,
                           uint32_t limit_ms);
hf_status_t hf_query_lock_as (hf_client_t *client, const char *lock,
                              const hf_query_options_t *options, hf_lock_info_fn *fn, void *arg,
                              uint32_t limit_ms);

typedef struct hf_session_info {
    uint64_t session;
    const char *label; //  "": none; valid during the call of FN
    uint32_t ttl_ms, delay_ms;
    bool detect;
    bool gone;             //  expired; what it held stays closed for its delay
    uint64_t held, queued; //  places
    const char *user;      //  whose it is; "": everybody's; valid during the call of FN
} hf_session_info_t;
typedef void (hf_session_info_fn) (void *arg, const hf_session_info_t *info);
/*  Every session, by id. */
hf_status_t hf_query_sessions (hf_client_t *client, const hf_query_options_t *options,
                               hf_session_info_fn *fn, void *arg, uint32_t limit_ms);

typedef struct hf_file_info {
    const char *file; //  valid during the call of FN
    uint64_t length;
    uint64_t checksum; //  FNV-1a
    uint64_t xxh64;    //  as xxhsum -H64; 0: the node did not tell
} hf_file_info_t;
typedef void (hf_file_info_fn) (void *arg, const hf_file_info_t *info);
hf_status_t hf_query_files (hf_client_t *client, hf_file_info_fn *fn, void *arg, uint32_t limit_ms);
hf_status_t hf_query_files_as (hf_client_t *client, const hf_query_options_t *options,
                               hf_file_info_fn *fn, void *arg, uint32_t limit_ms);
hf_status_t hf_read_as (hf_client_t *client, const char *file, const hf_query_options_t *options,
                        uint64_t offset, void *buffer, size_t *size, uint64_t *total,
                        uint32_t limit_ms);

/*  The whole state of node NODE, rows and files as of one command, as a stream of bytes, whose
 *  format is in docs/protocol.md. With info->number 0 one begins, in which command OFFSET must be
 *  (0: any), and *INFO is filled; with that, the bytes from OFFSET on are read, of the same NODE.
 * At most *size bytes; *size becomes how many there are: 0 at the end. HF_BUSY: the node makes none
 *  now, try again in a while; HF_NOT_FOUND: it does not have this one any more, begin anew. */
typedef struct hf_backup_info {
    uint64_t number; //  the node's own
    uint64_t index;  //  as of this command
    uint64_t total;  //  bytes
} hf_backup_info_t;
hf_status_t hf_backup_read (hf_client_t *client, uint32_t node, hf_backup_info_t *info,
                            uint64_t offset, void *buffer, size_t *size, uint32_t limit_ms);

/*  What one node says of itself: key and either a text or (text NULL) a number. Any node answers
 *  for itself, leader or not. ID 0: the first that answers. */
typedef void (hf_fact_fn) (void *arg, const char *key, const char *text, uint64_t number);
hf_status_t hf_query_status (hf_client_t *client, uint32_t id, hf_fact_fn *fn, void *arg,
                             uint32_t limit_ms);

//  ---- members ----------------------------------------------------------------

typedef struct hf_member_info {
    uint32_t id;
    const char *host; //  "": not told, at feature level 0; valid during the call of FN
    uint16_t client_port, node_port;
    bool votes;           //  it counts for majorities, and may lead
    bool joins;           //  it is to vote as soon as it has caught up
    bool leaves;          //  it votes no more, and is no member in a moment
    uint64_t incarnation; //  a number of its disk; 0: not known yet
    bool drained;         //  it leads only when no other member can
} hf_member_info_t;
typedef void (hf_member_info_fn) (void *arg, const hf_member_info_t *info);

typedef struct hf_roster_info {
    uint64_t index; //  of the entry of the log that names these members; 0: none does
    uint32_t level; //  the feature level; 0: the members are those of the list and do not change
    size_t count;   //  of the members
} hf_roster_info_t;

/*  Who the members are, by id, as the leader knows them; with the option STALE, as any node does.
 * FN and INFO may be NULL. */
hf_status_t hf_query_members (hf_client_t *client, const hf_query_options_t *options,
                              hf_roster_info_t *info, hf_member_info_fn *fn, void *arg,
                              uint32_t limit_ms);

typedef enum hf_member_op {
    HF_MEMBER_ADD = 1,     //  NODE at HOST; it votes when it has caught up, unless LEARNS
    HF_MEMBER_REMOVE = 2,  //  NODE; FORCE: even if too few of the others are up
    HF_MEMBER_MOVE = 3,    //  NODE is at HOST now, with its disk or, when it has caught up, another
    HF_MEMBER_PROMOTE = 4, //  NODE, which learns, votes when it has caught up
    HF_MEMBER_RAISE = 5,   //  the feature level to LEVEL
    HF_MEMBER_LEAD = 6,    //  NODE leads now, and keeps the lead until it stops or loses it
    HF_MEMBER_DRAIN = 7,   //  NODE leads only when no other member can
    HF_MEMBER_UNDRAIN = 8  //  and again as any other
} hf_member_op_t;

typedef struct hf_member_change {
    size_t size;
    uint64_t id; //  random, the same for each repetition; 0: a new one is made
    uint32_t op; //  an hf_member_op_t; what it needs of the rest:
    uint32_t node;
    const char *host;
    uint16_t client_port, node_port;
    bool learns, force;
    uint32_t level;
    const char *by; //  who asks, for the nodes' logs: a label; NULL: it is not said
} hf_member_change_t;
#define HF_MEMBER_CHANGE_INIT                                                                      \
    {                                                                                              \
        sizeof (hf_member_change_t), 0, 0, 0, NULL, 0, 0, false, false, 0, NULL                    \
    }

/*  Change the members. HF_OK: the change is committed, and *INDEX (may be NULL) is that of the
 *  roster; whether a new member has caught up and votes, hf_query_members says. HF_CHANGING:
 * another one is under way, ask again. HF_TIMEOUT: it is not known whether it takes effect: ask
 * again with the same id, which is in CHANGE then. */
hf_status_t hf_change_members (hf_client_t *client, hf_member_change_t *change, uint64_t *index,
                               uint32_t limit_ms);

/*  The ids of the nodes that the client knows, ascending; gives how many, at most 7. At first those
 * of its endpoint list; then, as it learns of them, the members of the cluster. */
size_t hf_client_nodes (const hf_client_t *client, uint32_t ids[7]);

#ifdef __cplusplus
}
#endif

#endif
