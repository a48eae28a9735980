/*  hf_client_io.c - the I/O thread: wait, drain, handle, send; one send per session and turn. */
#include "client/hf_impl.h"
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#define FRAMES_PER_TURN 256
#define POLL_MAX        (1 + HF_MEMBERS_MAX * HF_LINK_SOCKETS)
#define WAIT_MAX_US     60000000

#define CONTAINER(pointer, type, member) ((type *)((char *)(pointer)-offsetof (type, member)))

//  ---- frames -------------------------------------------------------------------

static void
s_result (hf_client_t *self, uint32_t node, const hf_query_result_t *result)
{
    if (result->id == HF_PROBE_ID) {
        if (result->status == HF_OK)
            hf_choice_answered (&self->choice, node);
        return;
    }
    hf_ask_t *ask = hf_ask_find (self, HF_ASK_QUERY, result->id);
    if (!ask)
        return;
    if (ask->node == HF_NODE_LEADER)
        hf_leader_heard (self, node);
    hf_ask_finish (self, ask, HF_OK, result);
}

static void
s_opened (hf_client_t *self, uint32_t node, const hf_opened_t *opened)
{
    if (opened->nonce.size != HF_NONCE_SIZE)
        return;
    uint64_t key;
    memcpy (&key, opened->nonce.at, sizeof key);
    hf_leader_heard (self, node);
    hf_ask_t *ask = hf_ask_find (self, HF_ASK_OPEN, key);
    if (ask && memcmp (ask->nonce, opened->nonce.at, HF_NONCE_SIZE) == 0)
        hf_ask_finish (self, ask, HF_OK, opened);
    else
        hf_session_opened_late (self, opened);
}

static void
s_closed (hf_client_t *self, uint32_t node, const hf_closed_t *closed)
{
    hf_leader_heard (self, node);
    hf_ask_t *ask = hf_ask_find (self, HF_ASK_CLOSE, closed->echo);
    if (ask && ask->session_id == closed->session)
        hf_ask_finish (self, ask, HF_OK, closed);
}

/*  Anything that is not as the protocol says is dropped: what it should have said comes again. */
static void
s_frame (hf_client_t *self, uint32_t node, hf_span_t bytes)
{
    hf_scan_t scan;
    uint32_t kind;
    if (hf_frame_open (bytes.at, bytes.size, &scan, &kind) != HF_OK)
        return;
    union {
        hf_opened_t opened;
        hf_alive_t alive;
        hf_answers_t answers;
        hf_closed_t closed;
        hf_query_result_t result;
        hf_refused_t refused;
    } m;
    if (kind == HF_KIND_ANSWERS && hf_answers_get (&scan, &m.answers)) {
        hf_leader_heard (self, node);
        hf_answers_take (self, &m.answers);
    } else if (kind == HF_KIND_ALIVE && hf_alive_get (&scan, &m.alive)) {
        hf_leader_heard (self, node);
        hf_session_alive (self, &m.alive);
    } else if (kind == HF_KIND_OPENED && hf_opened_get (&scan, &m.opened)) {
        s_opened (self, node, &m.opened);
    } else if (kind == HF_KIND_CLOSED_REPLY && hf_closed_get (&scan, &m.closed)) {
        s_closed (self, node, &m.closed);
    } else if (kind == HF_KIND_RESULT && hf_query_result_get (&scan, &m.result)) {
        s_result (self, node, &m.result);
    } else if (kind == HF_KIND_REFUSED && hf_refused_get (&scan, &m.refused)) {
        hf_leader_refused (self, node, &m.refused);
    }
}

static void
s_drain_link (hf_client_t *self, uint32_t node)
{
    hf_span_t bytes;
    for (int i = 0; i < FRAMES_PER_TURN; i++) {
        switch (hf_link_next (self->links[node], &bytes)) {
        case HF_LINK_NONE:
            return;
        case HF_LINK_FRAME:
            s_frame (self, node, bytes);
            break;
        case HF_LINK_CONNECTED:
            atomic_store (&self->reached_us[node], HF_NEVER);
            hf_choice_connected (&self->choice, node);
            hf_ask_connected (self, node);
            break;
        case HF_LINK_BROKEN:
            atomic_store (&self->reached_us[node], self->now_us);
            hf_choice_broken (&self->choice, node, self->now_us);
            break;
        }
    }
}

//  ---- timers and the inbox -----------------------------------------------------------

static void
s_timers (hf_client_t *self)
{
    hf_timer_t *timer;
    while ((timer = hf_timers_take (&self->timers, self->now_us))) {
        if (timer->kind == HF_TIMER_OP)
            hf_requests_limit (CONTAINER (timer, hf_op_t, timer));
        else if (timer->kind == HF_TIMER_SESSION)
            hf_session_wake (CONTAINER (timer, hf_session_t, timer));
        else
            hf_ask_wake (self, CONTAINER (timer, hf_ask_t, timer));
    }
}

static void
s_part (hf_client_t *self, hf_op_t *op)
{
    hf_session_t *session = op->session;
    hf_waiter_t *waiter = op->arg;
    bool leave = op->kind == HF_OP_LEAVE;
    bool expired = session->expired;
    uint64_t id = session->id;
    uint32_t ttl_ms = session->ttl_ms;
    hf_op_free (self, op);
    hf_session_drop (session);
    hf_waiter_flushed (waiter);
    if (leave || expired) {
        hf_waiter_enter (waiter);
        hf_waiter_leave (waiter, expired ? HF_SESSION_EXPIRED : HF_OK);
    } else {
        hf_session_close_ask (self, id, ttl_ms, waiter);
    }
}

/*  What was handed over; callbacks may hand over more, so until there is none, within reason. */
static void
s_inbox (hf_client_t *self)
{
    for (int round = 0; round < 4; round++) {
        pthread_mutex_lock (&self->mutex);
        hf_ops_t ops = self->inbox;
        hf_ask_t *asks = self->asks_in;
        self->inbox = (hf_ops_t){NULL, NULL};
        self->asks_in = NULL;
        pthread_mutex_unlock (&self->mutex);
        if (!ops.first && !asks)
            return;
        while (asks) {
            hf_ask_t *ask = asks;
            asks = ask->next;
            hf_ask_start (self, ask);
        }
        hf_op_t *op;
        while ((op = hf_ops_pop (&ops))) {
            if (op->kind == HF_OP_CLOSE || op->kind == HF_OP_LEAVE)
                s_part (self, op);
            else
                hf_requests_take (op);
        }
    }
}

static void
s_flush (hf_client_t *self)
{
    hf_session_t *session;
    while ((session = self->dirty)) {
        self->dirty = session->next_dirty;
        session->dirty = false;
        hf_session_flush (session);
    }
}

//  ---- the loop -----------------------------------------------------------------------

static long
s_timeout_ms (hf_client_t *self)
{
    pthread_mutex_lock (&self->mutex);
    bool waiting = self->inbox.first || self->asks_in || self->stop;
    pthread_mutex_unlock (&self->mutex);
    if (waiting || self->dirty)
        return 0;
    uint64_t due = hf_timers_due_us (&self->timers);
    uint64_t leader = hf_leader_due_us (self);
    due = leader < due ? leader : due;
    uint64_t now = hf_client_now_us ();
    if (due <= now)
        return 0;
    uint64_t wait = due - now < WAIT_MAX_US ? due - now : WAIT_MAX_US;
    return (long)((wait + 999) / 1000);
}

static void
s_woken (hf_client_t *self)
{
    uint64_t count;
    pthread_mutex_lock (&self->mutex);
    if (self->woken && read (self->wake_fd, &count, sizeof count) == sizeof count)
        self->woken = false;
    pthread_mutex_unlock (&self->mutex);
}

static size_t
s_poll_items (hf_client_t *self, zmq_pollitem_t items[POLL_MAX])
{
    size_t count = 0;
    items[count++] = (zmq_pollitem_t){.fd = self->wake_fd, .events = ZMQ_POLLIN};
    for (uint32_t i = 0; i < self->endpoints.count; i++) {
        void *sockets[HF_LINK_SOCKETS];
        hf_link_sockets (self->links[i], sockets);
        for (int k = 0; k < HF_LINK_SOCKETS; k++)
            items[count++] = (zmq_pollitem_t){.socket = sockets[k], .events = ZMQ_POLLIN};
    }
    return count;
}

/*  Results that are still out come back as HF_CLOSED; sessions are left to their TTL. What
 *  callbacks submit meanwhile is refused, so that this ends. */
static void
s_wind_up (hf_client_t *self)
{
    pthread_mutex_lock (&self->mutex);
    for (hf_session_t *session = self->all; session; session = session->next)
        session->closing = true;
    pthread_mutex_unlock (&self->mutex);
    self->now_us = hf_client_now_us ();
    s_inbox (self);
    while (self->all)
        hf_session_drop (self->all);
    while (self->ask_list)
        hf_ask_finish (self, self->ask_list, HF_CLOSED, NULL);
    pthread_mutex_lock (&self->mutex);
    hf_ask_t *asks = self->asks_in;
    self->asks_in = NULL;
    pthread_mutex_unlock (&self->mutex);
    while (asks) {
        hf_ask_t *ask = asks;
        asks = ask->next;
        hf_ask_start (self, ask);
        hf_ask_finish (self, ask, HF_CLOSED, NULL);
    }
}

static bool
s_stopped (hf_client_t *self)
{
    pthread_mutex_lock (&self->mutex);
    bool stop = self->stop;
    pthread_mutex_unlock (&self->mutex);
    return stop;
}

void *
hf_client_run (void *arg)
{
    hf_client_t *self = arg;
    zmq_pollitem_t items[POLL_MAX];
    size_t count = s_poll_items (self, items);
    while (!s_stopped (self)) {
        int rc = zmq_poll (items, (int)count, s_timeout_ms (self));
        assert (rc >= 0 || errno == EINTR);
        self->now_us = hf_client_now_us ();
        s_woken (self);
        //  Sockets before timers: after a stall the answers may already be here.
        for (uint32_t i = 0; i < self->endpoints.count; i++)
            s_drain_link (self, i);
        hf_leader_turn (self);
        s_timers (self);
        s_inbox (self);
        s_flush (self);
    }
    s_wind_up (self);
    return NULL;
}
