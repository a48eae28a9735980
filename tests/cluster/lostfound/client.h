/*  client.h - one client of the test, in a thread of its own; torture has them, too.
 *
 *  Until it must end it opens sessions, takes a lock that all share or one of its own, or several,
 *  in some mode, which it may change; appends unique lines to one file or two, and releases or
 *  cancels; holds a lock while it waits for another. It writes down all answers. Its last section
 * is one that must succeed: the faults are over by then.
 */
#ifndef HF_LOSTFOUND_CLIENT_H_INCLUDED
#define HF_LOSTFOUND_CLIENT_H_INCLUDED

#include "client/holdfast.h"
#include "base/hf_random.h"
#include "tests/cluster/check/hf_history.h"
#include <pthread.h>
#include <stdatomic.h>

#define HF_CLIENTS_MAX 32
#define HF_FILES       2 //  "found", "also found"

extern const char *const hf_file_names[HF_FILES];

typedef struct hf_test_client {
    //  Given.
    uint32_t number; //  1 and up
    const char *endpoints;
    bool follows; //  the members of the cluster, instead of staying at ENDPOINTS
    hf_random_t seed;
    const atomic_bool *stop;
    hf_recorder_t *recorder; //  all clients' own
    bool early;              //  write down what begins, too: for a client that may be killed
    uint32_t ttl_ms;         //  of its sessions; 0: 1 to 5 s, by chance
    uint32_t shared;         //  more locks that all share, beside the first
    void (*gate) (void *);   //  called before every step, and may wait; NULL: none
    void *gate_arg;

    //  Its own.
    pthread_t thread;
    hf_client_t *client;
    hf_session_t *session;         //  NULL: none now
    uint64_t counter;              //  of lines; set when a client starts again
    uint64_t calls;                //  asked with hf_submit_*
    atomic_uint asked;             //  the lock that it waits for, + 1
    atomic_uint_fast64_t moved_us; //  when its place in the queue was first reported
    uint64_t length[HF_FILES];     //  as last read
    uint64_t sessions;             //  opened
    uint64_t timeouts;             //  waits given up
    uint64_t losses;               //  sections that came to nothing
    uint64_t deadlocks;            //  waits refused, as they would have closed a ring
    atomic_uint_fast64_t failures; //  calls that failed, and locks lost: not with sound nodes
    atomic_uint_fast64_t sections; //  released
    bool finished;                 //  the last section succeeded
} hf_test_client_t;

/*  Start its thread; pthread_join it. */
void hf_test_client_start (hf_test_client_t *self);

#endif
