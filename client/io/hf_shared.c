//  What the clients of a process have in common: libzmq's contexts, and the loop of those who share
//  one. A child that was forked has none of its parent's: it forgets them, and makes its own.

#include "client/io/hf_io.h"
#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <zmq.h>

//  A context has one thread for all that comes and goes, and a fixed number of sockets; a link has
//  its DEALER and both ends of its monitor.
#define CLIENTS_PER_CONTEXT 256
#define SOCKETS_PER_CONTEXT (CLIENTS_PER_CONTEXT * HF_MEMBERS_MAX * 3)

typedef struct context {
    hf_chain_t chain;
    void *context;
    unsigned clients;
} context_t;

static pthread_mutex_t s_mutex = PTHREAD_MUTEX_INITIALIZER; //  for the rest
static hf_chain_t s_contexts = {&s_contexts, &s_contexts};
static hf_loop_t *s_loop;
static unsigned s_loop_clients;
//  Counted by each child, so that no call has to ask the kernel who it is.
static _Atomic unsigned s_forks;

//  ---- forks ------------------------------------------------------------------

static void
s_before_fork (void)
{
    pthread_mutex_lock (&s_mutex);
}

static void
s_after_fork (void)
{
    pthread_mutex_unlock (&s_mutex);
}

/*  The threads behind all that stayed with the parent. */
static void
s_forked (void)
{
    s_forks++;
    hf_chain_init (&s_contexts);
    s_loop = NULL;
    s_loop_clients = 0;
    pthread_mutex_unlock (&s_mutex);
}

static void
s_mind_forks (void)
{
    int rc = pthread_atfork (s_before_fork, s_after_fork, s_forked);
    assert (rc == 0);
    (void)rc;
}

unsigned
hf_shared_forks (void)
{
    static pthread_once_t s_once = PTHREAD_ONCE_INIT;
    pthread_once (&s_once, s_mind_forks);
    return atomic_load_explicit (&s_forks, memory_order_relaxed);
}

//  ---- contexts -----------------------------------------------------------------

static context_t *
s_new_context (void)
{
    void *context = zmq_ctx_new ();
    if (!context)
        return NULL;
    zmq_ctx_set (context, ZMQ_BLOCKY, 0);
    zmq_ctx_set (context, ZMQ_MAX_SOCKETS, SOCKETS_PER_CONTEXT);
    context_t *self = hf_alloc (sizeof *self);
    self->context = context;
    hf_chain_append (&s_contexts, &self->chain);
    return self;
}

void *
hf_shared_context (void)
{
    context_t *found = NULL;
    pthread_mutex_lock (&s_mutex);
    HF_CHAIN_EACH (&s_contexts, at)
    {
        context_t *one = HF_AROUND (at, context_t, chain);
        if (!found && one->clients < CLIENTS_PER_CONTEXT)
            found = one;
    }
    found = found ? found : s_new_context ();
    if (found)
        found->clients++;
    void *context = found ? found->context : NULL;
    pthread_mutex_unlock (&s_mutex);
    return context;
}

void
hf_shared_give_context (void *context)
{
    context_t *last = NULL;
    pthread_mutex_lock (&s_mutex);
    HF_CHAIN_EACH_SAFE (&s_contexts, at)
    {
        context_t *one = HF_AROUND (at, context_t, chain);
        if (one->context != context || --one->clients > 0)
            continue;
        hf_chain_remove (at);
        last = one;
    }
    pthread_mutex_unlock (&s_mutex);
    if (!last)
        return;
    while (zmq_ctx_term (last->context) != 0 && zmq_errno () == EINTR)
        continue; //  a signal came
    free (last);
}

//  ---- the loop -------------------------------------------------------------------

hf_loop_t *
hf_shared_loop (void)
{
    pthread_mutex_lock (&s_mutex);
    if (!s_loop)
        s_loop = hf_loop_new ();
    hf_loop_t *loop = s_loop;
    s_loop_clients += loop != NULL;
    int code = errno;
    pthread_mutex_unlock (&s_mutex);
    errno = code;
    return loop;
}

void
hf_shared_give_loop (hf_loop_t *loop)
{
    pthread_mutex_lock (&s_mutex);
    assert (loop == s_loop && s_loop_clients > 0);
    bool last = --s_loop_clients == 0;
    if (last)
        s_loop = NULL;
    pthread_mutex_unlock (&s_mutex);
    if (last)
        hf_loop_destroy (&loop);
}
