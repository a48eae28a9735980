/*  hf_client.c - a client's life, and the door through which other threads hand it work. */
#include "client/hf_impl.h"
#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

uint64_t
hf_client_now_us (void)
{
    //  Counts while the machine is suspended: a lease runs out in its sleep too.
    struct timespec now;
    clock_gettime (CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

bool
hf_client_on_thread (const hf_client_t *self)
{
    return pthread_equal (pthread_self (), self->thread);
}

//  ---- handing over -----------------------------------------------------------

/*  With the mutex held. At most one wake-up per burst; none by the thread itself. */
static void
s_wake (hf_client_t *self)
{
    if (self->woken || hf_client_on_thread (self))
        return;
    self->woken = true;
    uint64_t one = 1;
    ssize_t rc = write (self->wake_fd, &one, sizeof one);
    assert (rc == sizeof one);
    (void)rc;
}

bool
hf_client_post_op (hf_client_t *self, hf_op_t *op)
{
    pthread_mutex_lock (&self->mutex);
    bool open = !op->session->closing;
    if (open) {
        if (op->kind == HF_OP_CLOSE || op->kind == HF_OP_LEAVE)
            op->session->closing = true;
        hf_ops_push (&self->inbox, op);
        s_wake (self);
    }
    pthread_mutex_unlock (&self->mutex);
    return open;
}

bool
hf_client_post_ask (hf_client_t *self, hf_ask_t *ask)
{
    pthread_mutex_lock (&self->mutex);
    bool open = !self->stop || !hf_client_on_thread (self);
    if (open) {
        ask->next = self->asks_in;
        self->asks_in = ask;
        s_wake (self);
    }
    pthread_mutex_unlock (&self->mutex);
    return open;
}

//  ---- life -------------------------------------------------------------------

static void
s_init (hf_client_t *self)
{
    pthread_condattr_t attr;
    pthread_condattr_init (&attr);
    pthread_condattr_setclock (&attr, CLOCK_MONOTONIC);
    pthread_mutex_init (&self->mutex, NULL);
    pthread_cond_init (&self->polled_cond, &attr);
    pthread_condattr_destroy (&attr);
    uint32_t ids[HF_MEMBERS_MAX];
    for (uint32_t i = 0; i < self->endpoints.count; i++) {
        ids[i] = self->endpoints.node[i].id;
        atomic_init (&self->reached_us[i], 0);
    }
    uint64_t seed[2];
    if (getrandom (seed, sizeof seed, 0) != sizeof seed)
        abort ();
    hf_choice_init (&self->choice, ids, self->endpoints.count, seed[0]);
    atomic_init (&self->next_key, seed[1] >> 2 | 1);
    self->asked_us = HF_NEVER;
    self->patience_us = HF_REQUEST_US;
    hf_timers_init (&self->timers);
    hf_knots_init (&self->sessions);
    hf_knots_init (&self->asks);
    hf_pack_init (&self->list);
    hf_pack_init (&self->frame);
    hf_pack_init (&self->probe);
}

static void
s_free (hf_client_t *self)
{
    for (uint32_t i = 0; i < self->endpoints.count; i++)
        hf_link_destroy (&self->links[i]);
    if (self->context)
        zmq_ctx_term (self->context);
    if (self->wake_fd >= 0)
        close (self->wake_fd);
    if (self->polled_last)
        hf_op_free (self, self->polled_last);
    hf_op_t *op;
    while ((op = hf_ops_pop (&self->polled)))
        hf_op_free (self, op);
    while ((op = self->pool)) {
        self->pool = op->next;
        free (op);
    }
    hf_place_t *place;
    while ((place = self->place_pool)) {
        self->place_pool = (hf_place_t *)place->knot.next;
        free (place);
    }
    hf_timers_done (&self->timers);
    hf_knots_done (&self->sessions);
    hf_knots_done (&self->asks);
    hf_pack_done (&self->list);
    hf_pack_done (&self->frame);
    hf_pack_done (&self->probe);
    pthread_cond_destroy (&self->polled_cond);
    pthread_mutex_destroy (&self->mutex);
    free (self);
}

/*  The links, and the thread with all signals blocked: they are the program's, not ours. */
static int
s_start (hf_client_t *self)
{
    self->wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    self->context = zmq_ctx_new ();
    if (self->wake_fd < 0 || !self->context)
        return -1;
    zmq_ctx_set (self->context, ZMQ_BLOCKY, 0);
    for (uint32_t i = 0; i < self->endpoints.count; i++) {
        self->links[i] = hf_link_new (self->context, &self->endpoints.node[i]);
        if (!self->links[i])
            return -1;
    }
    sigset_t all, before;
    sigfillset (&all);
    pthread_sigmask (SIG_SETMASK, &all, &before);
    pthread_mutex_lock (&self->mutex); //  the thread looks at self->thread
    int rc = pthread_create (&self->thread, NULL, hf_client_run, self);
    pthread_mutex_unlock (&self->mutex);
    pthread_sigmask (SIG_SETMASK, &before, NULL);
    return rc == 0 ? 0 : -1;
}

hf_client_t *
hf_client_new (const char *endpoints, char *error)
{
    char line[HF_ERROR_SIZE] = "";
    if (!endpoints)
        endpoints = getenv ("HOLDFAST_ENDPOINTS");
    if (!endpoints || !*endpoints)
        endpoints = HF_ENDPOINTS_DEFAULT;
    hf_client_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    if (hf_endpoints_parse (&self->endpoints, endpoints, line) != 0) {
        if (error)
            snprintf (error, HF_CLIENT_ERROR_SIZE, "%s", line);
        free (self);
        return NULL;
    }
    self->wake_fd = -1;
    s_init (self);
    if (s_start (self) != 0) {
        if (error)
            snprintf (error, HF_CLIENT_ERROR_SIZE, "cannot make sockets or a thread");
        s_free (self);
        return NULL;
    }
    return self;
}

void
hf_client_destroy (hf_client_t **self_p)
{
    if (!self_p || !*self_p)
        return;
    hf_client_t *self = *self_p;
    assert (!hf_client_on_thread (self));
    *self_p = NULL;
    pthread_mutex_lock (&self->mutex);
    self->stop = true;
    s_wake (self);
    pthread_mutex_unlock (&self->mutex);
    pthread_join (self->thread, NULL);
    s_free (self);
}

//  ---- what it can tell ---------------------------------------------------------

size_t
hf_client_nodes (const hf_client_t *client, uint32_t ids[7])
{
    for (uint32_t i = 0; i < client->endpoints.count; i++)
        ids[i] = client->endpoints.node[i].id;
    return client->endpoints.count;
}

bool
hf_client_reached (hf_client_t *self, uint32_t node_id, uint64_t start_us)
{
    for (uint32_t i = 0; i < self->endpoints.count; i++) {
        uint64_t last = atomic_load (&self->reached_us[i]);
        bool meant = node_id == 0 || self->endpoints.node[i].id == node_id;
        if (meant && last != 0 && last >= start_us)
            return true;
    }
    return false;
}

bool
hf_client_poll (hf_client_t *self, hf_result_t *result, uint32_t limit_ms)
{
    if (!self || !result || hf_client_on_thread (self))
        return false;
    struct timespec until;
    clock_gettime (CLOCK_MONOTONIC, &until);
    uint64_t nanos = (uint64_t)until.tv_nsec + (uint64_t)(limit_ms % 1000) * 1000000;
    until.tv_sec += (time_t)(limit_ms / 1000 + nanos / 1000000000);
    until.tv_nsec = (long)(nanos % 1000000000);
    pthread_mutex_lock (&self->mutex);
    int rc = 0;
    while (!self->polled.first && rc == 0) {
        if (limit_ms == HF_FOREVER)
            rc = pthread_cond_wait (&self->polled_cond, &self->mutex);
        else
            rc = pthread_cond_timedwait (&self->polled_cond, &self->mutex, &until);
    }
    hf_op_t *last = self->polled_last;
    hf_op_t *op = hf_ops_pop (&self->polled);
    self->polled_last = op;
    pthread_mutex_unlock (&self->mutex);
    if (last)
        hf_op_free (self, last);
    if (op)
        *result = op->result;
    return op != NULL;
}
