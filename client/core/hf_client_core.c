//  The core's inputs and outputs: frames and submissions to where they belong, turns, results.

#include "client/core/hf_client_internal.h"
#include <assert.h>
#include <string.h>

#define REFUSAL_US 5000000 //  so long a refusal of a connection explains silence

//  ---- life -------------------------------------------------------------------

hf_client_core_t *
hf_client_core_new (const hf_client_config_t *config)
{
    assert (config->count > 0 && config->count <= HF_MEMBERS_MAX);
    hf_client_core_t *self = hf_alloc (sizeof *self);
    self->request_us = config->request_us > 0 ? config->request_us : HF_REQUEST_US;
    hf_outbox_init (&self->outbox);
    hf_chain_init (&self->done);
    for (uint32_t i = 0; i < HF_MEMBERS_MAX; i++) {
        atomic_init (&self->reached_us[i], 0);
        atomic_init (&self->refused_us[i], 0);
    }
    hf_choice_init (&self->choice, config->ids, config->count, config->seed);
    hf_client_members_init (self, config);
    self->next_key = hf_random_next (&self->choice.random) >> 2 | 1;
    self->asked_us = HF_NEVER;
    self->patience_us = self->request_us;
    hf_table_init (&self->sessions);
    hf_chain_init (&self->sessions_all);
    hf_chain_init (&self->dropped);
    hf_chain_init (&self->dirty);
    hf_table_init (&self->asks);
    hf_chain_init (&self->asks_all);
    hf_pack_init (&self->list);
    hf_pack_init (&self->packed);
    hf_pack_init (&self->keeps);
    hf_client_watch_init (self);
    return self;
}

void
hf_client_core_stop (hf_client_core_t *self)
{
    while (!hf_chain_empty (&self->sessions_all)) {
        hf_chain_t *at = self->sessions_all.next;
        hf_client_session_drop (HF_AROUND (at, hf_client_session_t, all));
        hf_chain_append (&self->dropped, at);
    }
    hf_client_ask_stop (self);
    hf_client_watch_stop (self);
}

void
hf_client_core_destroy (hf_client_core_t **self_p)
{
    hf_client_core_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    hf_client_core_stop (self);
    HF_CHAIN_EACH_SAFE (&self->done, at)
    {
        hf_op_free (HF_AROUND (at, hf_op_t, chain));
    }
    HF_CHAIN_EACH_SAFE (&self->dropped, at)
    {
        free (HF_AROUND (at, hf_client_session_t, all));
    }
    hf_outbox_done (&self->outbox);
    hf_table_done (&self->sessions);
    hf_table_done (&self->asks);
    hf_heap_done (&self->session_timers);
    hf_heap_done (&self->op_timers);
    hf_pack_done (&self->list);
    hf_pack_done (&self->packed);
    hf_pack_done (&self->keeps);
    hf_client_watch_done (self);
    free (self);
}

//  ---- in ---------------------------------------------------------------------

static void
s_now (hf_client_core_t *self, uint64_t now_us)
{
    if (now_us > self->now_us)
        self->now_us = now_us;
}

void
hf_client_core_connected (hf_client_core_t *self, uint32_t node, uint64_t now_us)
{
    s_now (self, now_us);
    int at = hf_client_members_slot (self, node);
    if (at < 0)
        return;
    atomic_store (&self->reached_us[at], HF_NEVER);
    atomic_store (&self->refused_us[at], 0);
    self->limited &= ~(1U << at);
    self->packs &= ~(1U << at);
    hf_choice_connected (&self->choice, (uint32_t)at);
    hf_client_ask_connected (self, (uint32_t)at);
    hf_client_watch_connected (self, (uint32_t)at);
}

void
hf_client_core_broken (hf_client_core_t *self, uint32_t node, uint64_t now_us)
{
    s_now (self, now_us);
    int at = hf_client_members_slot (self, node);
    if (at < 0)
        return;
    atomic_store (&self->reached_us[at], self->now_us);
    self->packs &= ~(1U << at); //  another release may come up there
    bool was = self->choice.connected[at];
    hf_choice_broken (&self->choice, (uint32_t)at, self->now_us);
    hf_client_watch_broken (self, (uint32_t)at);
    if (was)
        hf_client_members_broken (self);
}

void
hf_client_core_unsent (hf_client_core_t *self, uint32_t node, uint64_t now_us)
{
    s_now (self, now_us);
    int at = hf_client_members_slot (self, node);
    if (at >= 0)
        hf_client_leader_unsent (self, (uint32_t)at);
}

void
hf_client_core_refused (hf_client_core_t *self, uint32_t node, uint64_t now_us)
{
    s_now (self, now_us);
    int at = hf_client_members_slot (self, node);
    if (at >= 0)
        atomic_store (&self->refused_us[at], self->now_us);
}

hf_status_t
hf_client_core_silence (hf_client_core_t *self, uint32_t node, uint64_t start_us)
{
    hf_status_t status = HF_UNREACHABLE;
    for (uint32_t i = 0; i < HF_MEMBERS_MAX; i++) {
        uint32_t id = atomic_load (&self->ids[i]);
        if (id == 0 || (node != 0 && id != node))
            continue;
        uint64_t last_us = atomic_load (&self->reached_us[i]);
        if (last_us != 0 && last_us >= start_us)
            return HF_TIMEOUT;
        //  It is tried again at times only: an earlier refusal counts, too.
        uint64_t refused_us = atomic_load (&self->refused_us[i]);
        if (refused_us != 0 && refused_us + REFUSAL_US >= start_us)
            status = HF_FULL;
    }
    return status;
}

/*  A malformed frame is dropped: whatever it should have carried is sent again. */
/*  What it said last counts: what was left of a connection to another release may be read late. */
static void
s_packs (hf_client_core_t *self, uint32_t node, bool packs)
{
    uint32_t others = HF_MUTANT (packs_kept) ? self->packs : self->packs & ~(1U << node);
    self->packs = others | (uint32_t)packs << node;
}

void
hf_client_core_frame (hf_client_core_t *self, uint32_t from, hf_span_t frame, uint64_t now_us)
{
    s_now (self, now_us);
    int at = hf_client_members_slot (self, from);
    uint32_t node = (uint32_t)at;
    hf_scan_t scan;
    uint32_t kind, records;
    if (at < 0 || hf_frame_open_packed (frame.at, frame.size, &scan, &kind, &records) != HF_OK)
        return;
    union {
        hf_opened_t opened;
        hf_alive_t alive;
        hf_answers_t answers;
        hf_closed_t closed;
        hf_query_result_t result;
        hf_refused_t refused;
        hf_events_t events;
    } m;
    self->watching.silent &= ~(1U << node);
    if (kind == HF_KIND_ANSWERS && hf_answers_get (&scan, &m.answers)) {
        hf_client_leader_heard (self, node);
        do
            hf_client_answers_take (self, &m.answers);
        while (--records > 0 && hf_answers_get (&scan, &m.answers));
    } else if (kind == HF_KIND_ALIVE && hf_alive_get (&scan, &m.alive)) {
        hf_client_leader_heard (self, node);
        s_packs (self, node, m.alive.packs);
        hf_client_session_take_alive (self, &m.alive);
        hf_client_members_told (self, node, m.alive.roster);
    } else if (kind == HF_KIND_OPENED && hf_opened_get (&scan, &m.opened) &&
               m.opened.nonce.size == HF_NONCE_SIZE) {
        hf_client_leader_heard (self, node);
        s_packs (self, node, m.opened.packs);
        hf_client_ask_opened (self, &m.opened);
        hf_client_members_told (self, node, m.opened.roster);
    } else if (kind == HF_KIND_CLOSED_REPLY && hf_closed_get (&scan, &m.closed)) {
        hf_client_leader_heard (self, node);
        hf_client_ask_closed (self, &m.closed);
    } else if (kind == HF_KIND_RESULT && hf_query_result_get (&scan, &m.result)) {
        if (m.result.id == HF_MEMBERS_ID)
            hf_client_members_take (self, node, &m.result);
        else if (m.result.id != HF_PROBE_ID)
            hf_client_ask_result (self, node, &m.result);
        else if (m.result.status == HF_OK)
            hf_choice_answered (&self->choice, node);
    } else if (kind == HF_KIND_EVENTS && hf_events_get (&scan, &m.events)) {
        hf_client_watch_events (self, node, &m.events);
    } else if (kind == HF_KIND_REFUSED && hf_refused_get (&scan, &m.refused)) {
        hf_client_leader_refused (self, node, &m.refused);
    }
}

static void
s_leave (hf_client_core_t *self, hf_op_t *op)
{
    bool expired = op->session->expired;
    hf_client_session_drop (op->session);
    op->state = HF_OP_LEFT;
    hf_op_done (self, op, expired ? HF_SESSION_EXPIRED : HF_OK);
}

void
hf_client_core_submit (hf_client_core_t *self, hf_op_t *op, uint64_t now_us)
{
    s_now (self, now_us);
    assert (op->state == HF_OP_NEW && op->kind != HF_OP_EVENT);
    if (op->kind == HF_OP_LEAVE)
        s_leave (self, op);
    else if (op->session)
        hf_client_requests_take (op);
    else if (op->kind == HF_OP_WATCH)
        hf_client_watch_open (self, op);
    else if (op->kind == HF_OP_UNWATCH)
        hf_client_watch_close (self, op);
    else
        hf_client_ask_start (self, op);
}

//  ---- turns ------------------------------------------------------------------

static void
s_timers (hf_client_core_t *self)
{
    hf_heap_node_t *node;
    while ((node = hf_heap_take (&self->op_timers, self->now_us))) {
        hf_op_t *op = HF_AROUND (node, hf_op_t, timer);
        if (op->session)
            hf_client_requests_limit (op);
        else if (op->kind == HF_OP_WATCH)
            hf_client_watch_limit (self, op);
        else
            hf_client_ask_wake (self, op);
    }
    hf_client_session_due (self);
}

void
hf_client_core_turn (hf_client_core_t *self, uint64_t now_us)
{
    s_now (self, now_us);
    hf_client_members_turn (self);
    hf_client_leader_turn (self);
    s_timers (self);
    hf_client_watch_turn (self);
    //  First, so that no amount of requests keeps them waiting.
    hf_client_session_keep_all (self);
    while (!hf_chain_empty (&self->dirty)) {
        hf_client_session_t *session = HF_AROUND (self->dirty.next, hf_client_session_t, dirty);
        hf_chain_remove (&session->dirty);
        hf_client_session_flush (session);
    }
    hf_client_requests_flush (self);
    hf_client_session_look (self);
    hf_pack_trim (&self->packed);
}

uint64_t
hf_client_core_due_us (const hf_client_core_t *self)
{
    if (!hf_chain_empty (&self->dirty))
        return 0;
    uint64_t due_us = hf_client_leader_due_us (self);
    uint64_t sessions_us = hf_heap_key (&self->session_timers);
    uint64_t ops_us = hf_heap_key (&self->op_timers);
    uint64_t watches_us = hf_client_watch_due_us (self);
    uint64_t members_us = hf_client_members_due_us (self);
    due_us = members_us < due_us ? members_us : due_us;
    due_us = sessions_us < due_us ? sessions_us : due_us;
    due_us = watches_us < due_us ? watches_us : due_us;
    return ops_us < due_us ? ops_us : due_us;
}

//  ---- out --------------------------------------------------------------------

/*  The lease may have run out since the grant was taken: then it is not given. */
static void
s_check_grant (hf_client_core_t *self, hf_op_t *op, uint64_t now_us)
{
    hf_client_session_t *session = hf_client_session_find (self, op->result.session);
    if (session && (HF_MUTANT (grant_past_deadline) || hf_lease_alive (&session->lease, now_us)))
        return;
    uint64_t token = op->result.token;
    op->result.status = session ? HF_LOST : HF_CLOSED;
    op->result.token = op->result.index = 0;
    if (!session || session->ended)
        return;
    //  The hold was never reported, so its loss is not either.
    hf_client_place_t *place = hf_client_place_find (session, op->text, op->lock_size);
    if (place && place->held && place->token == token && --place->given == 0)
        place->held = false;
    hf_client_session_end (session);
}

const hf_op_t *
hf_client_core_peek (const hf_client_core_t *self)
{
    return hf_chain_empty (&self->done) ? NULL : HF_AROUND (self->done.next, hf_op_t, chain);
}

hf_op_t *
hf_client_core_next (hf_client_core_t *self, uint64_t now_us)
{
    if (hf_chain_empty (&self->done))
        return NULL;
    hf_op_t *op = HF_AROUND (self->done.next, hf_op_t, chain);
    hf_chain_remove (&op->chain);
    if (hf_op_grants (op))
        s_check_grant (self, op, now_us);
    return op;
}

hf_outbox_t *
hf_client_core_outbox (hf_client_core_t *self)
{
    return &self->outbox;
}
