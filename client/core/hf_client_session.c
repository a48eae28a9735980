//  A session: keepalives, its deadline, its end.

#include "client/core/hf_client_internal.h"
#include <assert.h>
#include <stdlib.h>

#define TOGETHER_US    50000 //  keepalives that are due so soon go along with others
#define EARLY_PERMILLE 250
#define FEW            8 //  sessions: with more, one may wake up the client in vain

uint64_t
hf_client_session_id (const hf_client_session_t *self)
{
    return self->id;
}

uint32_t
hf_client_session_ttl_ms (const hf_client_session_t *self)
{
    return self->ttl_ms;
}

hf_lease_t *
hf_client_session_lease (hf_client_session_t *self)
{
    return &self->lease;
}

hf_client_session_t *
hf_client_session_find (const hf_client_core_t *core, uint64_t id)
{
    hf_table_node_t *node = hf_table_seek (&core->sessions, id); //  the id is its own hash
    return node ? HF_AROUND (node, hf_client_session_t, node) : NULL;
}

void
hf_client_session_mark (hf_client_session_t *self)
{
    if (!self->dirty.next)
        hf_chain_append (&self->core->dirty, &self->dirty);
}

bool
hf_client_session_alive (hf_client_session_t *self)
{
    return hf_lease_alive (&self->lease, self->core->now_us);
}

uint64_t
hf_client_session_left_us (hf_client_core_t *core)
{
    uint64_t left_us = HF_NEVER;
    HF_CHAIN_EACH (&core->sessions_all, at)
    {
        hf_client_session_t *self = HF_AROUND (at, hf_client_session_t, all);
        uint64_t deadline_us = hf_lease_deadline_us (&self->lease);
        if (deadline_us > core->now_us && deadline_us - core->now_us < left_us)
            left_us = deadline_us - core->now_us;
    }
    return left_us;
}

/*  A leader that is busy takes them all the same, if it can. */
static bool
s_may_keep (const hf_client_core_t *core)
{
    return HF_MUTANT (keepalive_backs_off) ? hf_client_leader_ready (core)
                                           : core->choice.target >= 0;
}

/*  A time that is put off, as with most answers, is not at once moved in the heap. */
static void
s_schedule (hf_client_session_t *self)
{
    uint64_t at = hf_lease_deadline_us (&self->lease);
    if (s_may_keep (self->core) && self->keepalive_at_us < at)
        at = self->keepalive_at_us;
    if (hf_client_leader_ready (self->core) && self->check_us < at)
        at = self->check_us;
    self->due_us = at;
    if (self->timer.slot == 0 || at < self->timer.key)
        hf_heap_set (&self->core->session_timers, &self->timer, at);
}

/*  Its key came up in the heap. Whether it was put off since that was set: then it is set anew. */
static bool
s_put_off (hf_client_session_t *self)
{
    if (self->due_us <= self->timer.key)
        return false;
    if (!HF_MUTANT (put_off_forgotten))
        hf_heap_set (&self->core->session_timers, &self->timer, self->due_us);
    return true;
}

void
hf_client_session_due (hf_client_core_t *core)
{
    hf_heap_node_t *node;
    while ((node = hf_heap_take (&core->session_timers, core->now_us))) {
        hf_client_session_t *self = HF_AROUND (node, hf_client_session_t, timer);
        if (!s_put_off (self))
            hf_client_session_mark (self);
    }
}

void
hf_client_session_look (hf_client_core_t *core)
{
    hf_heap_node_t *node;
    while (core->session_timers.count <= FEW && (node = hf_heap_top (&core->session_timers)))
        if (!s_put_off (HF_AROUND (node, hf_client_session_t, timer)) ||
            HF_MUTANT (put_off_forgotten))
            return;
}

hf_client_session_t *
hf_client_session_start (hf_client_core_t *core, uint64_t id, uint32_t ttl_ms, uint64_t sent_us,
                         void *arg)
{
    hf_client_session_t *self = hf_alloc (sizeof *self);
    self->core = core;
    self->arg = arg;
    self->id = id;
    self->ttl_ms = ttl_ms;
    atomic_init (&self->load, 0);
    hf_window_init (&self->window);
    hf_table_init (&self->places);
    hf_chain_init (&self->places_all);
    hf_chain_init (&self->ready);
    hf_lease_init (&self->lease, ttl_ms, sent_us);
    hf_table_insert (&core->sessions, &self->node, id);
    hf_chain_append (&core->sessions_all, &self->all);
    self->epoch = core->choice.epoch;
    self->check_us = HF_NEVER;
    self->keepalive_at_us = sent_us + hf_lease_interval_us (&self->lease);
    //  A lease that is short must survive a leader that falls silent.
    uint64_t patience = (uint64_t)ttl_ms * 1000 / 4;
    if (patience < core->patience_us)
        core->patience_us = patience;
    hf_client_session_mark (self);
    return self;
}

void
hf_client_session_event (hf_client_session_t *self, hf_session_event_type_t type,
                         const hf_client_place_t *place, uint64_t token, uint64_t position,
                         char *why)
{
    if (self->closing) {
        free (why);
        return;
    }
    const char *lock = place ? place->lock : "";
    hf_op_t *op = hf_op_silent (NULL, HF_OP_EVENT, lock, place ? place->lock_size : 0);
    op->session = self;
    op->arg = self->arg;
    op->event = (hf_session_event_t){.type = type,
                                     .session = self->id,
                                     .lock = place ? op->text : NULL,
                                     .token = token,
                                     .position = position,
                                     .text = why};
    op->why = why;
    hf_chain_append (&self->core->done, &op->chain);
}

//  ---- keepalives -------------------------------------------------------------

/*  Close the frame that is being built and send it. */
static void
s_send_keeps (hf_client_core_t *core)
{
    if (core->keeps.count == 0)
        return;
    hf_keepalive_frame (&core->outbox.frame,
                        &(hf_keepalive_t){core->echo_us, hf_pack_list (&core->keeps)});
    hf_client_leader_send (core);
    hf_pack_reset (&core->keeps);
    //  Sessions that are many do not all come at one moment for ever.
    core->keeps_early = (uint32_t)hf_random_below (&core->choice.random, EARLY_PERMILLE);
}

/*  The keepalive is due by LIMIT_US: it goes with those of the others. */
static void
s_keep (hf_client_session_t *self, uint64_t limit_us)
{
    hf_client_core_t *core = self->core;
    bool again = self->epoch != core->choice.epoch && (!core->owed_only || self->keepalive_out);
    if (!(again || limit_us >= self->keepalive_at_us) || self->ended ||
        !hf_client_session_alive (self))
        return;
    uint64_t interval_us = hf_lease_interval_us (&self->lease);
    self->keepalive_sent_us = core->echo_us;
    self->keepalive_at_us = core->now_us + interval_us - interval_us * core->keeps_early / 1000;
    core->outstanding += !self->keepalive_out;
    self->keepalive_out = true;
    hf_keep_put (&core->keeps, &(hf_keep_t){self->id, self->window.floor});
    if (core->keeps.count >= (HF_MUTANT (keepalives_alone) ? 1 : HF_KEEPS_TARGET))
        s_send_keeps (core);
}

void
hf_client_session_keep_all (hf_client_core_t *core)
{
    if (!s_may_keep (core))
        return;
    //  The echo is the time of sending; strictly rising, so that no two of a session are the same.
    uint64_t last_us = core->echo_us;
    core->echo_us = core->now_us > last_us ? core->now_us : last_us + 1;
    core->keeps_early = 0;
    size_t before = core->outbox.frames.count;
    HF_CHAIN_EACH (&core->dirty, at)
    {
        s_keep (HF_AROUND (at, hf_client_session_t, dirty), core->now_us);
    }
    hf_heap_node_t *node;
    while ((core->keeps.count > 0 || core->outbox.frames.count > before) &&
           (node = hf_heap_take (&core->session_timers, core->now_us + TOGETHER_US))) {
        hf_client_session_t *self = HF_AROUND (node, hf_client_session_t, timer);
        s_keep (self, core->now_us + TOGETHER_US);
        hf_client_session_mark (self);
    }
    s_send_keeps (core);
    if (core->outbox.frames.count == before)
        core->echo_us = last_us;
}

static void
s_keepalive_paid (hf_client_session_t *self)
{
    if (self->keepalive_out)
        hf_client_leader_paid (self->core);
    self->keepalive_out = false;
}

static void
s_take_kept (hf_client_core_t *core, const hf_kept_t *kept, uint64_t echo)
{
    hf_client_session_t *self = hf_client_session_find (core, kept->session);
    if (!self || self->ended)
        return;
    //  Pushed (echo 0) when the session is closed by its id. Ids are never reused.
    if (kept->status == HF_SESSION_EXPIRED) {
        self->expired = true;
        hf_client_session_end (self);
        return;
    }
    if (kept->status != HF_OK || echo == 0 || echo > self->keepalive_sent_us)
        return;
    if (echo == self->keepalive_sent_us)
        s_keepalive_paid (self);
    if (!hf_lease_renew (&self->lease, echo, core->now_us))
        hf_client_session_end (self);
    else
        hf_client_answers_kept (self, kept, echo);
}

void
hf_client_session_take_alive (hf_client_core_t *core, const hf_alive_t *alive)
{
    hf_scan_t scan = hf_scan_list (alive->sessions);
    hf_kept_t kept;
    for (uint32_t i = 0; i < alive->sessions.count && hf_kept_get (&scan, &kept); i++)
        s_take_kept (core, &kept, alive->echo);
}

/*  All that is due, towards the leader. */
void
hf_client_session_flush (hf_client_session_t *self)
{
    hf_client_core_t *core = self->core;
    if (self->ended)
        return;
    if (!hf_client_session_alive (self)) {
        hf_client_session_end (self);
        return;
    }
    if (hf_client_leader_ready (core)) {
        bool all = self->epoch != core->choice.epoch;
        self->epoch = core->choice.epoch;
        hf_client_requests_send (self, all);
    }
    s_schedule (self);
}

//  ---- the end ----------------------------------------------------------------

/*  The result of a request whose session ends before the answer. */
static hf_status_t
s_final_status (const hf_client_session_t *self, const hf_op_t *op)
{
    bool own = op->owner == 0 || op->owner == self->id;
    if (self->closing)
        return HF_CLOSED;
    if (op->state == HF_OP_OUT) {
        //  Staged bytes go with the lock, unless a release on its way may have saved them.
        bool dropped = op->kind == HF_OP_APPEND && own && !op->place->release_out;
        return dropped || HF_MUTANT (undecided_lost) ? HF_LOST : HF_UNDECIDED;
    }
    if (op->kind == HF_OP_ACQUIRE)
        return op->tries > 0 ? HF_LOST : HF_SESSION_EXPIRED;
    return own ? HF_LOST : HF_SESSION_EXPIRED;
}

static void
s_finish_list (hf_client_session_t *self, hf_chain_t *list)
{
    while (!hf_chain_empty (list)) {
        hf_op_t *op = HF_AROUND (list->next, hf_op_t, chain);
        hf_op_finish (op, s_final_status (self, op), 0, 0);
    }
}

/*  Every request gets its result: first what was sent, in order, then the rest. */
static void
s_finish_all (hf_client_session_t *self)
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
            hf_op_finish (op, s_final_status (self, op), 0, 0);
    }
    //  Finishing what was out has moved everything parked into the ready list.
    s_finish_list (self, &self->ready);
    HF_CHAIN_EACH_SAFE (&self->places_all, at)
    {
        hf_client_place_t *place = HF_AROUND (at, hf_client_place_t, all);
        place->refs++;
        s_finish_list (self, &place->waiting);
        place->held = false;
        hf_client_place_let (place);
    }
    assert (hf_chain_empty (&self->ready));
}

void
hf_client_session_end (hf_client_session_t *self)
{
    if (self->ended)
        return;
    self->ended = true;
    hf_lease_end (&self->lease);
    s_keepalive_paid (self);
    HF_CHAIN_EACH (&self->places_all, at)
    {
        hf_client_place_lost (HF_AROUND (at, hf_client_place_t, all), NULL);
    }
    s_finish_all (self);
    hf_heap_remove (&self->core->session_timers, &self->timer);
    hf_client_session_event (self, HF_SESSION_ENDED, NULL, 0, 0, NULL);
}

void
hf_client_session_drop (hf_client_session_t *self)
{
    hf_client_core_t *core = self->core;
    self->closing = self->ended = true;
    s_keepalive_paid (self);
    s_finish_all (self);
    hf_heap_remove (&core->session_timers, &self->timer);
    if (self->dirty.next)
        hf_chain_remove (&self->dirty);
    hf_table_remove (&core->sessions, &self->node);
    hf_chain_remove (&self->all);
    assert (self->places.count == 0 && self->out == 0);
    hf_window_done (&self->window);
    hf_table_done (&self->places);
}
