/*  hf_session.c - a session on the I/O thread: keepalives, its deadline, its end. */
#include "client/hf_impl.h"
#include <assert.h>
#include <stdlib.h>

hf_session_t *
hf_session_find (hf_client_t *client, uint64_t id)
{
    hf_knot_t *knot = hf_knots_first (&client->sessions, id);
    return (hf_session_t *)knot; //  the id is its own hash: no two share one
}

/*  It has something to send: look at it before this turn ends. */
void
hf_session_mark (hf_session_t *self)
{
    if (self->dirty)
        return;
    self->dirty = true;
    self->next_dirty = self->client->dirty;
    self->client->dirty = self;
}

void
hf_session_schedule (hf_session_t *self)
{
    hf_client_t *client = self->client;
    uint64_t at = hf_lease_deadline_us (&self->lease);
    if (hf_leader_ready (client)) {
        at = self->keepalive_at_us < at ? self->keepalive_at_us : at;
        at = self->check_us < at ? self->check_us : at;
    }
    if (self->ended)
        at = HF_NEVER;
    if (self->timer.slot == 0 || self->timer.at_us != at)
        hf_timers_set (&client->timers, &self->timer, at);
}

void
hf_session_start (hf_session_t *self, uint64_t id, uint32_t ttl_ms, uint64_t sent_us)
{
    hf_client_t *client = self->client;
    self->id = id;
    self->ttl_ms = ttl_ms;
    hf_lease_init (&self->lease, ttl_ms, sent_us);
    hf_knots_put (&client->sessions, &self->knot, id);
    self->epoch = client->choice.epoch;
    self->check_us = HF_NEVER;
    self->keepalive_at_us = sent_us + hf_lease_interval_us (&self->lease);
    self->next = client->all;
    if (client->all)
        client->all->prev = self;
    client->all = self;
    //  A lease that is short must survive a leader that falls silent.
    uint64_t patience = (uint64_t)ttl_ms * 1000 / 4;
    if (patience < client->patience_us)
        client->patience_us = patience;
    hf_session_mark (self);
}

void
hf_session_tell (hf_session_t *self, hf_session_event_type_t type, const hf_place_t *place,
                 uint64_t token, uint64_t position)
{
    if (!self->fn || self->closing_io)
        return;
    hf_session_event_t event = {.type = type,
                                .session = self->id,
                                .lock = place ? place->lock : NULL,
                                .token = token,
                                .position = position};
    self->fn (self->arg, &event);
}

//  ---- keepalives -----------------------------------------------------------------

static void
s_keepalive (hf_session_t *self)
{
    hf_client_t *client = self->client;
    uint64_t now = client->now_us;
    //  The echo is the time of sending; strictly rising, so that each is known apart.
    self->keepalive_sent_us = now > self->keepalive_sent_us ? now : self->keepalive_sent_us + 1;
    self->keepalive_at_us = now + hf_lease_interval_us (&self->lease);
    if (!self->keepalive_out) {
        self->keepalive_out = true;
        hf_leader_owes (client);
    }
    hf_pack_reset (&client->frame);
    hf_keepalive_frame (&client->frame, &(hf_keepalive_t){self->id, self->keepalive_sent_us});
    hf_leader_send (client, &client->frame);
}

static void
s_keepalive_paid (hf_session_t *self)
{
    if (self->keepalive_out)
        hf_leader_paid (self->client);
    self->keepalive_out = false;
}

void
hf_session_alive (hf_client_t *client, const hf_alive_t *alive)
{
    hf_session_t *self = hf_session_find (client, alive->session);
    if (!self || self->ended)
        return;
    //  Told unasked (echo 0) when somebody closes it. Ids are never reused: it is true for good.
    if (alive->status == HF_SESSION_EXPIRED) {
        self->expired = true;
        hf_session_end (self);
        return;
    }
    if (alive->status != HF_OK || alive->echo == 0 || alive->echo > self->keepalive_sent_us)
        return;
    if (alive->echo == self->keepalive_sent_us)
        s_keepalive_paid (self);
    if (!hf_lease_renew (&self->lease, alive->echo, hf_client_now_us ())) {
        hf_session_end (self);
        return;
    }
    hf_answers_alive (self, alive);
}

/*  All that is due, towards the leader. */
void
hf_session_flush (hf_session_t *self)
{
    hf_client_t *client = self->client;
    if (self->ended)
        return;
    if (!hf_lease_alive (&self->lease, hf_client_now_us ())) {
        hf_session_end (self);
        return;
    }
    if (hf_leader_ready (client)) {
        bool all = self->epoch != client->choice.epoch;
        self->epoch = client->choice.epoch;
        if (all || client->now_us >= self->keepalive_at_us)
            s_keepalive (self);
        hf_requests_send (self, all);
    }
    hf_session_schedule (self);
}

void
hf_session_wake (hf_session_t *self)
{
    hf_session_mark (self);
}

//  ---- the end --------------------------------------------------------------------

/*  What a request comes to when its session is over before its answer. */
static hf_status_t
s_final_status (const hf_op_t *op)
{
    bool own = op->owner == 0 || op->owner == op->session->id;
    if (op->state == HF_OP_OUT) {
        //  Staged bytes go with the lock, unless a release on its way may have saved them.
        bool void_now = op->kind == HF_OP_APPEND && own && !op->place->release_out;
        return void_now ? HF_LOST : HF_UNDECIDED;
    }
    if (op->kind == HF_OP_ACQUIRE)
        return op->tries > 0 ? HF_LOST : HF_SESSION_EXPIRED;
    return own ? HF_LOST : HF_SESSION_EXPIRED;
}

static void
s_finish_list (hf_ops_t *list, bool closed)
{
    while (list->first) {
        hf_status_t status = closed ? HF_CLOSED : s_final_status (list->first);
        hf_op_finish (list->first, status, 0, 0, 0);
    }
}

/*  Every request gets its result: first what was sent, in order, then the rest. */
static void
s_finish_all (hf_session_t *self, bool closed)
{
    hf_window_t *window = &self->window;
    for (uint64_t seq = window->floor; seq < window->next; seq++) {
        hf_op_t *op = hf_window_get (window, seq);
        if (op && op->kind == HF_OP_RELEASE)
            op->place->release_out = true;
    }
    for (uint64_t seq = window->floor; seq < window->next; seq++) {
        hf_op_t *op = hf_window_get (window, seq);
        if (op)
            hf_op_finish (op, closed ? HF_CLOSED : s_final_status (op), 0, 0, 0);
    }
    //  Finishing what was out has moved everything parked into the ready list.
    s_finish_list (&self->ready, closed);
    for (size_t i = 0; i < self->places.size; i++) {
        hf_knot_t *knot = self->places.buckets[i];
        while (knot) {
            hf_knot_t *next = knot->next;
            hf_place_t *place = (hf_place_t *)knot;
            place->refs++;
            s_finish_list (&place->parked, closed);
            s_finish_list (&place->waiting, closed);
            place->held = false;
            place->refs--;
            hf_place_check (place);
            knot = next;
        }
    }
    s_finish_list (&self->ready, closed);
}

static void
s_lose_all (hf_session_t *self)
{
    for (size_t i = 0; i < self->places.size; i++) {
        for (hf_knot_t *knot = self->places.buckets[i]; knot; knot = knot->next)
            hf_place_lost ((hf_place_t *)knot);
    }
}

void
hf_session_end (hf_session_t *self)
{
    if (self->ended)
        return;
    self->ended = true;
    hf_lease_end (&self->lease);
    s_keepalive_paid (self);
    s_lose_all (self);
    s_finish_all (self, false);
    hf_timers_clear (&self->client->timers, &self->timer);
    hf_session_tell (self, HF_SESSION_ENDED, NULL, 0, 0);
}

static void
s_unmark (hf_session_t *self)
{
    hf_session_t **at = &self->client->dirty;
    while (*at && *at != self)
        at = &(*at)->next_dirty;
    if (*at)
        *at = self->next_dirty;
}

void
hf_session_drop (hf_session_t *self)
{
    hf_client_t *client = self->client;
    self->closing_io = self->ended = true;
    s_keepalive_paid (self);
    s_finish_all (self, true);
    hf_timers_clear (&client->timers, &self->timer);
    s_unmark (self);
    hf_knots_take (&client->sessions, &self->knot);
    if (self->prev)
        self->prev->next = self->next;
    else
        client->all = self->next;
    if (self->next)
        self->next->prev = self->prev;
    assert (self->places.count == 0 && self->out == 0);
    hf_window_done (&self->window);
    hf_knots_done (&self->places);
    free (self);
}
