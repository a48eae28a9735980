//  A node's lock half, by the rules of nodes/actors/hf_lock_{actor,clients,apply}.c.

#include "tests/sim/sim_internal.h"

void
sim_lock_wake (sim_t *sim, node_t *node, uint64_t after_us)
{
    if (after_us > 1000000000 || sim->now_us + after_us >= node->lock_turn_at_us)
        return;
    node->lock_turn_at_us = sim->now_us + after_us;
    sim_post (sim, after_us, (event_t){.type = EV_TURN_LOCK, .to = node->id, .life = node->life});
}

/*  The pipes between the halves: in order, and slow when a thread gets no processor. */
static uint64_t
s_pipe_delay (sim_t *sim, const node_t *node, uint64_t *last_us)
{
    uint64_t at_us = sim->now_us + 10 + sim_random (sim, 200);
    if (node->slow_pipes && sim_random (sim, 6) == 0)
        at_us += sim_random (sim, 3000000);
    if (at_us < *last_us)
        at_us = *last_us;
    *last_us = at_us;
    return at_us - sim->now_us;
}

void
sim_lock_tell (sim_t *sim, node_t *node, uint32_t kind, uint64_t a, uint64_t b, const blob_t *bytes)
{
    sim_post (sim, s_pipe_delay (sim, node, &node->to_lock_us),
              (event_t){.type = EV_FROM_ELECTION,
                        .to = node->id,
                        .life = node->life,
                        .kind = kind,
                        .a = a,
                        .b = b,
                        .bytes = bytes});
}

void
sim_tell_election (sim_t *sim, node_t *node, uint32_t kind, uint64_t a, const blob_t *bytes)
{
    sim_post (sim, s_pipe_delay (sim, node, &node->to_election_us),
              (event_t){.type = EV_FROM_LOCK,
                        .to = node->id,
                        .life = node->life,
                        .kind = kind,
                        .a = a,
                        .bytes = bytes});
}

//  ---- its life -------------------------------------------------------------------------

void
sim_lock_start (sim_t *sim, node_t *node)
{
    node->state = sim_rows_load (sim, node);
    assert (node->state != NULL); //  checked before
    node->flush = (flush_t){.stage = FLUSH_NONE};
    node->expiry = hf_expiry_new ();
    hf_outcomes_init (&node->outcomes);
    hf_pack_init (&node->commands);
    node->elected = node->leading = false;
    node->leader = 0;
    node->term = 0;
    node->watchers = 0;
    node->barrier_out = node->barrier_passed = false;
    node->waiting.count = node->under.count = 0;
    memset (node->opening, 0, sizeof node->opening);
    memset (node->closing, 0, sizeof node->closing);
}

void
sim_lock_stop (node_t *node)
{
    if (!node->state)
        return;
    for (size_t i = 0; i < SESSIONS_MAX; i++)
        if (node->callers[i].has_pack)
            hf_pack_done (&node->callers[i].items);
    memset (node->callers, 0, sizeof node->callers);
    hf_state_destroy (&node->state);
    hf_expiry_destroy (&node->expiry);
    hf_outcomes_done (&node->outcomes);
    hf_pack_done (&node->commands);
}

//  ---- who is where -----------------------------------------------------------------------

caller_t *
sim_caller (node_t *node, uint64_t session, uint32_t client, uint64_t life)
{
    if (session == 0 || session >= SESSIONS_MAX)
        return NULL;
    caller_t *caller = &node->callers[session];
    if (!caller->has_pack)
        hf_pack_init (&caller->items);
    caller->has_pack = caller->known = true;
    caller->gone = false;
    caller->client = client;
    caller->client_life = life;
    return caller;
}

static caller_t *
s_find (node_t *node, uint64_t session)
{
    return session < SESSIONS_MAX && node->callers[session].known ? &node->callers[session] : NULL;
}

static void
s_flush_caller (sim_t *sim, node_t *node, uint64_t session)
{
    caller_t *caller = &node->callers[session];
    if (caller->items.count > 0) {
        hf_pack_t frame;
        hf_pack_init (&frame);
        hf_answers_frame (
            &frame, &(hf_answers_t){.session = session, .items = hf_pack_list (&caller->items)});
        sim_to_client (sim, node, caller->client, caller->client_life, &frame);
        hf_pack_done (&frame);
        hf_pack_reset (&caller->items);
    }
    if (caller->gone)
        caller->known = false;
}

void
sim_refuse (sim_t *sim, node_t *node, uint32_t client, uint64_t life)
{
    bool ready = node->leading || !node->elected;
    hf_pack_t frame;
    hf_pack_init (&frame);
    hf_refused_frame (&frame, &(hf_refused_t){.status = HF_NOT_LEADER,
                                              .leader = ready ? node->leader : 0,
                                              .term = node->term});
    sim_to_client (sim, node, client, life, &frame);
    hf_pack_done (&frame);
}

static void
s_tell_watchers (sim_t *sim, node_t *node)
{
    for (uint32_t id = 1; id <= sim->odds.clients; id++)
        if (node->watchers >> id & 1)
            sim_refuse (sim, node, id, sim->clients[id].life);
    if (node->leader != 0 && (node->leading || !node->elected))
        node->watchers = 0;
}

//  ---- what was applied ---------------------------------------------------------------------

static void
s_opened (sim_t *sim, node_t *node, const hf_outcome_t *out)
{
    if ((node->leading || HF_MUTANT (ttl_not_restarted)) && out->status == HF_OK)
        hf_expiry_heard (node->expiry, out->session, out->ttl_ms, sim_node_local (sim, node));
    uint64_t nonce;
    memcpy (&nonce, out->nonce, sizeof nonce);
    if (nonce >= NONCES_MAX || node->opening[nonce].client == 0)
        return;
    hf_pack_t frame;
    hf_pack_init (&frame);
    hf_opened_frame (&frame, &(hf_opened_t){.nonce = hf_span (out->nonce, HF_NONCE_SIZE),
                                            .status = (uint32_t)out->status,
                                            .session = out->session,
                                            .ttl_ms = out->ttl_ms});
    sim_to_client (sim, node, node->opening[nonce].client, node->opening[nonce].life, &frame);
    hf_pack_done (&frame);
    node->opening[nonce].client = 0;
}

static void
s_ended (sim_t *sim, node_t *node, const hf_outcome_t *out)
{
    hf_expiry_forget (node->expiry, out->session);
    hf_pack_t frame;
    hf_pack_init (&frame);
    uint64_t session = out->session;
    if (session < SESSIONS_MAX && node->closing[session].client != 0) {
        hf_closed_frame (&frame, &(hf_closed_t){.session = session,
                                                .echo = node->closing[session].echo,
                                                .status = (uint32_t)out->status});
        sim_to_client (sim, node, node->closing[session].client, node->closing[session].life,
                       &frame);
        node->closing[session].client = 0;
    }
    caller_t *caller = s_find (node, session);
    if (caller) {
        caller->gone = true;
        s_flush_caller (sim, node, session); //  what it was answered comes before its end
        hf_pack_reset (&frame);
        hf_alive_frame (&frame, &(hf_alive_t){.session = session, .status = HF_SESSION_EXPIRED});
        sim_to_client (sim, node, caller->client, caller->client_life, &frame);
    }
    hf_pack_done (&frame);
}

static void
s_outcome (sim_t *sim, node_t *node, const hf_outcome_t *out)
{
    caller_t *caller = s_find (node, out->session);
    uint32_t ttl_ms;
    switch (out->type) {
    case HF_OUT_OPENED:
        s_opened (sim, node, out);
        break;
    case HF_OUT_ANSWER:
        if (!caller)
            break;
        hf_answer_put (&caller->items, &out->answer);
        caller->gone = caller->gone || out->answer.status == HF_SESSION_EXPIRED;
        break;
    case HF_OUT_GRANTED:
        if (caller)
            hf_granted_put (&caller->items, &(hf_granted_t){.lock = out->lock,
                                                            .token = out->answer.token,
                                                            .index = out->answer.index});
        break;
    case HF_OUT_MOVED:
        break; //  soft; ALIVE tells positions
    case HF_OUT_ENDED:
        s_ended (sim, node, out);
        break;
    case HF_OUT_SECTION:
        sim_section (sim, node, out);
        break;
    case HF_OUT_TOUCHED:
        if (node->leading && hf_state_session_ttl (node->state, out->session, &ttl_ms))
            hf_expiry_heard (node->expiry, out->session, ttl_ms, sim_node_local (sim, node));
        break;
    }
}

static void
s_apply (sim_t *sim, node_t *node, const event_t *event)
{
    for (uint64_t i = 0; i < event->b && !sim->failed; i++) {
        item_t item;
        memcpy (&item, event->bytes->bytes + i * sizeof item, sizeof item);
        hf_entry_t entry = sim_entry (&item);
        hf_state_apply (node->state, event->a + i, &entry, &node->outcomes);
        sim_oracle_applied (sim, node, event->a + i, &item);
        for (size_t k = 0; k < node->outcomes.count && !sim->failed; k++)
            s_outcome (sim, node, &node->outcomes.list[k]);
        hf_outcomes_reset (&node->outcomes);
    }
    if (sim_random (sim, 64) == 0)
        hf_state_check (node->state);
}

//  ---- who leads -------------------------------------------------------------------------------

static void
s_try_serve (sim_t *sim, node_t *node)
{
    bool applied = hf_state_applied_index (node->state) >= node->lead_index;
    if (!node->elected || node->leading || !applied)
        return;
    node->leading = true;
    if (!HF_MUTANT (ttl_not_restarted))
        hf_expiry_clear (node->expiry);
    uint64_t session = 0;
    uint32_t ttl_ms;
    while (hf_state_next_session (node->state, session, &session, &ttl_ms))
        if (!HF_MUTANT (ttl_not_restarted))
            hf_expiry_heard (node->expiry, session, ttl_ms, sim_node_local (sim, node));
    s_tell_watchers (sim, node);
}

static void
s_following (sim_t *sim, node_t *node, uint64_t term, uint32_t leader)
{
    bool told = node->elected || leader != 0;
    node->elected = node->leading = false;
    node->term = term;
    node->leader = leader;
    hf_pack_reset (&node->commands);
    if (!HF_MUTANT (ttl_not_restarted))
        hf_expiry_clear (node->expiry);
    sim_drop_reads (node);
    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        if (node->callers[i].known)
            node->watchers |= 1U << node->callers[i].client;
        node->callers[i].known = false;
        if (node->callers[i].has_pack)
            hf_pack_reset (&node->callers[i].items);
    }
    memset (node->opening, 0, sizeof node->opening);
    memset (node->closing, 0, sizeof node->closing);
    if (told)
        s_tell_watchers (sim, node);
}

static void
s_from_election (sim_t *sim, node_t *node, const event_t *event)
{
    switch (event->kind) {
    case HF_KIND_A_COMMITTED:
        s_apply (sim, node, event);
        break;
    case HF_KIND_A_LEADING:
        node->elected = true;
        node->leading = false;
        node->term = event->a;
        node->lead_index = event->b;
        node->leader = node->id;
        hf_pack_reset (&node->commands);
        break;
    case HF_KIND_A_FOLLOWING:
        s_following (sim, node, event->a, (uint32_t)event->b);
        break;
    default:
        assert (event->kind == HF_KIND_A_PASSED);
        if (node->barrier_out && event->a == node->barrier_id) {
            node->barrier_out = false;
            node->barrier_passed = true;
            node->barrier_index = event->b;
        }
        break;
    }
    s_try_serve (sim, node);
}

//  ---- frames from clients
//  ------------------------------------------------------------------------

static void
s_heard (sim_t *sim, node_t *node, uint64_t session)
{
    uint32_t ttl_ms;
    if (hf_state_session_ttl (node->state, session, &ttl_ms))
        hf_expiry_heard (node->expiry, session, ttl_ms, sim_node_local (sim, node));
}

static void
s_requests (sim_t *sim, node_t *node, const event_t *event, hf_scan_t *scan)
{
    hf_requests_t message;
    bool read = hf_requests_get (scan, &message);
    assert (read && message.requests.count > 0);
    caller_t *caller = sim_caller (node, message.session, event->from, event->a);
    if (!caller)
        return;
    s_heard (sim, node, message.session);
    if (hf_state_answered (node->state, message.session, message.requests, &caller->items))
        return;
    hf_cmd_requests_put (&node->commands, &(hf_cmd_requests_t){.session = message.session,
                                                               .floor = message.floor,
                                                               .requests = message.requests});
}

static void
s_close (node_t *node, const event_t *event, hf_scan_t *scan)
{
    hf_close_t message;
    uint32_t ttl_ms;
    bool read = hf_close_get (scan, &message);
    assert (read && message.session < SESSIONS_MAX);
    if (!hf_state_session_ttl (node->state, message.session, &ttl_ms)) {
        sim_read (node, &(reading_t){.type = READING_CLOSE,
                                     .client = event->from,
                                     .client_life = event->a,
                                     .session = message.session,
                                     .id = message.echo});
        return;
    }
    node->closing[message.session].client = event->from;
    node->closing[message.session].life = event->a;
    node->closing[message.session].echo = message.echo;
    hf_cmd_close_put (&node->commands, &(hf_cmd_close_t){.session = message.session});
}

static void
s_open (node_t *node, const event_t *event, hf_scan_t *scan)
{
    hf_open_t open;
    uint64_t nonce;
    bool read = hf_open_get (scan, &open);
    assert (read && open.nonce.size == HF_NONCE_SIZE);
    memcpy (&nonce, open.nonce.at, sizeof nonce);
    assert (nonce < NONCES_MAX);
    node->opening[nonce].client = event->from;
    node->opening[nonce].life = event->a;
    hf_cmd_open_put (&node->commands, &(hf_cmd_open_t){.nonce = open.nonce, .ttl_ms = open.ttl_ms});
}

static void
s_question (sim_t *sim, node_t *node, const event_t *event, hf_scan_t *scan, uint32_t kind)
{
    reading_t reading = {.type = READING_QUERY,
                         .client = event->from,
                         .client_life = event->a,
                         .arrived_us = sim->now_us};
    if (kind == HF_KIND_KEEPALIVE) {
        hf_keepalive_t message;
        bool read = hf_keepalive_get (scan, &message);
        assert (read);
        s_heard (sim, node, message.session);
        reading.type = READING_KEEPALIVE;
        reading.session = message.session;
        reading.id = message.echo;
    } else {
        hf_query_t query;
        bool read = hf_query_get (scan, &query);
        assert (read);
        reading.id = query.id;
        reading.what = query.what;
        reading.lock = query.what == HF_WHAT_LOCK ? sim_lock_number (query.name)
                                                  : sim_file_number (query.name);
    }
    sim_read (node, &reading);
}

static void
s_from_client (sim_t *sim, node_t *node, const event_t *event)
{
    hf_scan_t scan;
    uint32_t kind;
    hf_status_t status = hf_frame_open (event->bytes->bytes, event->bytes->size, &scan, &kind);
    assert (status == HF_OK);
    if (!node->leading) {
        node->watchers |= 1U << event->from;
        sim_refuse (sim, node, event->from, event->a);
    } else if (kind == HF_KIND_OPEN)
        s_open (node, event, &scan);
    else if (kind == HF_KIND_REQUESTS)
        s_requests (sim, node, event, &scan);
    else if (kind == HF_KIND_CLOSE)
        s_close (node, event, &scan);
    else
        s_question (sim, node, event, &scan, kind);
}

//  ---- the turn
//  --------------------------------------------------------------------------------------

static void
s_expire (sim_t *sim, node_t *node)
{
    uint64_t session;
    while (node->leading &&
           (session = hf_expiry_take (node->expiry, sim_node_local (sim, node))) != 0) {
        sim_tell (sim, "node %u finds session %" PRIu64 " silent, in term %" PRIu64, node->id,
                  session, node->term);
        hf_cmd_expire_put (&node->commands,
                           &(hf_cmd_expire_t){.session = session, .term = node->term});
    }
}

static void
s_propose (sim_t *sim, node_t *node)
{
    if (node->commands.count == 0 && hf_pack_size (&node->commands) == 0)
        return;
    hf_pack_t payload;
    hf_pack_init (&payload);
    hf_payload_put (&payload, hf_pack_list (&node->commands));
    sim_tell_election (sim, node, HF_KIND_A_PROPOSE, 0,
                       sim_blob (sim, hf_pack_bytes (&payload), hf_pack_size (&payload)));
    hf_pack_done (&payload);
    hf_pack_reset (&node->commands);
}

void
sim_ask_barrier (sim_t *sim, node_t *node)
{
    if (!node->leading || node->under.count > 0 || node->waiting.count == 0)
        return;
    readings_t empty = node->under;
    node->under = node->waiting;
    node->waiting = empty;
    node->barrier_out = true;
    node->barrier_passed = false;
    sim_tell_election (sim, node, HF_KIND_A_BARRIER, ++node->barrier_id, NULL);
}

void
sim_lock_turn (sim_t *sim, node_t *node)
{
    if (node->core == NULL || node->frozen_until_us > sim->now_us)
        return;
    for (size_t i = 0; i < node->said.count && !sim->failed; i++)
        s_from_election (sim, node, &node->said.list[i]);
    node->said.count = 0;
    for (size_t i = 0; i < node->door.count && !sim->failed; i++)
        s_from_client (sim, node, &node->door.list[i]);
    node->door.count = 0;
    if (sim->failed)
        return;
    if (!HF_MUTANT (never_expires))
        s_expire (sim, node);
    s_propose (sim, node);
    sim_ask_barrier (sim, node);
    sim_answer_reads (sim, node);
    sim_flush (sim, node);
    for (uint64_t session = 1; session <= sim->watch.model->last_session; session++)
        if (node->callers[session].known)
            s_flush_caller (sim, node, session);
    if (node->leading && !HF_MUTANT (never_expires)) {
        uint64_t due_us = hf_expiry_next_us (node->expiry);
        if (due_us != UINT64_MAX)
            sim_lock_wake (sim, node, sim_until (sim, &node->clock, due_us));
    }
}
