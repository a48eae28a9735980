//  Results and events on their way to the program: by callbacks on the loop's thread, or, when
//  the program has a loop of its own, through a queue to the thread that dispatches; or to
//  hf_client_poll.

#include "client/io/hf_io.h"
#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

//  The client whose callback runs on this thread in hf_client_dispatch; NULL: none.
static _Thread_local const hf_client_t *s_dispatching;

//  ---- the queues -----------------------------------------------------------------

/*  With the mutex held, after a queue changed: the descriptor is readable while one has something.
 */
static void
s_signal (hf_client_t *self)
{
    uint64_t count = 1;
    bool ready = !hf_chain_empty (&self->called) || !hf_chain_empty (&self->polled);
    if (self->ready_fd < 0 || ready == self->ready)
        return;
    ssize_t rc = ready ? write (self->ready_fd, &count, sizeof count)
                       : read (self->ready_fd, &count, sizeof count);
    assert (rc == sizeof count);
    (void)rc;
    self->ready = ready;
}

static void
s_keep (hf_client_t *self, hf_chain_t *queue, hf_op_t *op)
{
    pthread_mutex_lock (&self->mutex);
    hf_chain_append (queue, &op->chain);
    s_signal (self);
    pthread_cond_signal (&self->polled_cond);
    pthread_mutex_unlock (&self->mutex);
}

/*  With the mutex held: the first op of QUEUE; NULL: it is empty. */
static hf_op_t *
s_take (hf_client_t *self, hf_chain_t *queue)
{
    if (hf_chain_empty (queue))
        return NULL;
    hf_op_t *op = HF_AROUND (queue->next, hf_op_t, chain);
    hf_chain_remove (&op->chain);
    s_signal (self);
    return op;
}

//  ---- callbacks --------------------------------------------------------------------

/*  Call back with what OP tells, or free the handle that it closed, and free it. */
static void
s_call (hf_op_t *op)
{
    if (op->kind == HF_OP_EVENT) {
        const hf_session_t *session = op->arg;
        if (session->fn && (op->event.type != HF_SESSION_WANTED || session->wanted))
            session->fn (session->arg, &op->event);
    } else if (op->kind == HF_OP_HAPPENED)
        hf_watch_tell (op);
    else if (op->kind == HF_OP_LEAVE || op->kind == HF_OP_UNWATCH)
        free (op->arg);
    else
        op->fn (op->arg, &op->result);
    hf_op_free (op);
}

/*  OP has something to call, or a handle to free behind what is called. */
static bool
s_is_call (const hf_op_t *op)
{
    return op->kind == HF_OP_EVENT || op->kind == HF_OP_HAPPENED || op->kind == HF_OP_LEAVE ||
           op->kind == HF_OP_UNWATCH || op->fn;
}

bool
hf_io_calls_back (const hf_client_t *self, const hf_op_t *op)
{
    return s_is_call (op) && self->ready_fd < 0;
}

void
hf_io_give (hf_client_t *self, hf_op_t *op)
{
    bool call = s_is_call (op);
    if (!call && op->kind == HF_OP_CLOSE) {
        hf_op_free (op);
        return;
    }
    if (!call || self->ready_fd >= 0) {
        s_keep (self, call ? &self->called : &self->polled, op);
        return;
    }
    s_call (op);
    //  A child that the callback forked must not touch the parent's sockets.
    if (hf_io_inherited (self))
        _exit (EXIT_FAILURE);
}

bool
hf_io_dispatching (const hf_client_t *self)
{
    return s_dispatching == self;
}

int
hf_client_fd (const hf_client_t *self)
{
    return self && !hf_io_inherited (self) ? self->ready_fd : -1;
}

size_t
hf_client_dispatch (hf_client_t *self)
{
    if (!self || hf_io_inherited (self) || self->ready_fd < 0 || hf_io_on_thread (self))
        return 0;
    const hf_client_t *outer = s_dispatching;
    size_t waiting = 0, done = 0;
    pthread_mutex_lock (&self->mutex);
    HF_CHAIN_EACH (&self->called, at)
    {
        waiting++;
    }
    pthread_mutex_unlock (&self->mutex);
    while (done < waiting && !hf_io_inherited (self)) {
        pthread_mutex_lock (&self->mutex);
        hf_op_t *op = s_take (self, &self->called);
        pthread_mutex_unlock (&self->mutex);
        if (!op)
            break;
        s_dispatching = self;
        s_call (op);
        s_dispatching = outer;
        done++;
    }
    return done;
}

void
hf_io_closed (hf_client_t *self, hf_status_t status, void *handle)
{
    if (status == HF_CLOSED)
        return; //  it is in the client's list, and ends with it
    hf_client_dispatch (self);
    free (handle);
}

bool
hf_client_poll (hf_client_t *self, hf_result_t *result, uint32_t limit_ms)
{
    if (!self || !result || hf_io_on_thread (self) || hf_io_inherited (self))
        return false;
    struct timespec until = hf_wait_until (limit_ms);
    pthread_mutex_lock (&self->mutex);
    while (hf_chain_empty (&self->polled) &&
           hf_wait (&self->mutex, &self->polled_cond, limit_ms, &until))
        continue;
    hf_op_t *last = self->polled_last;
    hf_op_t *op = self->polled_last = s_take (self, &self->polled);
    pthread_mutex_unlock (&self->mutex);
    if (last)
        hf_op_free (last);
    if (op)
        *result = op->result;
    return op != NULL;
}
