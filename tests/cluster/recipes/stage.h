/*  stage.h - what the tests of the recipes share: real nodes, one client, some sessions.
 */
#ifndef RECIPES_STAGE_H_INCLUDED
#define RECIPES_STAGE_H_INCLUDED

#include "client/holdfast.h"
#include "tests/cluster/harness/hf_cluster.h"
#include "tests/kit/hf_test.h"
#include <pthread.h>

#define LIMIT_MS 20000 //  for what should take a moment
#define PARTIES  8

typedef struct stage {
    hf_cluster_t *cluster;
    hf_client_t *client;
    hf_session_t *session[PARTIES];
} stage_t;

extern stage_t g_stage;

/*  For cmocka's group: the node, or three, and the client of all tests. */
int stage_begin (void **state);
int stage_begin_three (void **state);
int stage_end (void **state);
/*  For each test: the sessions are new, with a TTL of a minute. */
int stage_open (void **state);
int stage_close (void **state);
#define STAGE_TEST(name) HF_TEST_WITH (name, stage_open, stage_close)

/*  Wait until so many hold LOCK, or wait for it. */
void stage_wait_holders (const char *lock, uint64_t holders);
void stage_wait_waiters (const char *lock, uint64_t waiters);

/*  A call that blocks, on a thread of its own. */
typedef hf_status_t (call_fn) (void *recipe);
typedef struct call {
    pthread_t thread;
    call_fn *fn;
    void *recipe;
    hf_status_t status;
} call_t;
void call_begin (call_t *self, call_fn *fn, void *recipe);
hf_status_t call_end (call_t *self);

#endif
