//  A client by the rules of docs/protocol.md: what it sends and hears.

#include "tests/sim/sim_internal.h"

static void
s_send (sim_t *sim, client_t *client, hf_pack_t *frame)
{
    sim_to_node (sim, client, client->node, frame);
    hf_pack_done (frame);
}

bool
sim_talk_out (const client_t *client, size_t lock)
{
    for (size_t i = 0; i < client->requests_count; i++)
        if (client->requests[i].lock == lock)
            return true;
    return false;
}

/*  The node owes something from now on, if it did not before. */
static void
s_owed (client_t *client, uint64_t now_us)
{
    bool owes = client->alive_out || client->opening || client->closing || client->query_id != 0 ||
                client->requests_count > 0;
    if (!owes)
        client->owed_us = now_us;
}

//  ---- single frames -----------------------------------------------------------------------

static void
s_send_open (sim_t *sim, client_t *client)
{
    uint8_t nonce[HF_NONCE_SIZE] = {0};
    memcpy (nonce, &client->nonce, sizeof client->nonce);
    hf_pack_t frame;
    hf_pack_init (&frame);
    hf_open_frame (&frame, &(hf_open_t){.nonce = hf_span (nonce, sizeof nonce),
                                        .ttl_ms = (uint32_t)(client->ttl_us / 1000)});
    client->open_sent_us = sim_client_local (sim, client);
    s_send (sim, client, &frame);
}

void
sim_talk_open (sim_t *sim, client_t *client)
{
    s_owed (client, sim_client_local (sim, client));
    client->opening = true;
    client->nonce = ++sim->nonces;
    client->ttl_us = 1000 * (sim->odds.ttl_ms + sim_random (sim, 1000));
    client->open_first_us = sim_client_local (sim, client);
    s_send_open (sim, client);
}

void
sim_talk_keepalive (sim_t *sim, client_t *client)
{
    uint64_t now_us = sim_client_local (sim, client);
    s_owed (client, now_us);
    client->alive_out = true;
    client->keepalive_us = now_us + client->ttl_us / 3;
    hf_pack_t frame;
    hf_pack_init (&frame);
    hf_keepalive_frame (&frame, &(hf_keepalive_t){.session = client->session, .echo = now_us});
    s_send (sim, client, &frame);
}

static void
s_send_close (sim_t *sim, client_t *client, uint64_t session)
{
    hf_pack_t frame;
    hf_pack_init (&frame);
    hf_close_frame (&frame, &(hf_close_t){.session = session, .echo = session});
    client->close_sent_us = sim_client_local (sim, client);
    s_send (sim, client, &frame);
}

void
sim_talk_close (sim_t *sim, client_t *client)
{
    s_owed (client, sim_client_local (sim, client));
    client->closing = true;
    s_send_close (sim, client, client->session);
}

static void
s_send_query (sim_t *sim, client_t *client)
{
    const char *name = client->query_what == HF_WHAT_LOCK ? sim_lock_name (client->query_name)
                                                          : sim_file_name (client->query_name);
    hf_pack_t frame;
    hf_pack_init (&frame);
    hf_query_frame (&frame, &(hf_query_t){.id = client->query_id,
                                          .what = client->query_what,
                                          .name = hf_span_text (name),
                                          .limit = 1 << 20});
    client->query_sent_us = sim_client_local (sim, client);
    //  Whoever answers must be right, so ask anybody now and then.
    uint32_t node =
        sim_random (sim, 2) == 0 ? client->node : 1 + (uint32_t)sim_random (sim, sim->odds.members);
    sim_to_node (sim, client, node, &frame);
    hf_pack_done (&frame);
}

void
sim_talk_query (sim_t *sim, client_t *client, uint32_t what, size_t name)
{
    s_owed (client, sim_client_local (sim, client));
    client->query_id = ++client->queries;
    client->query_what = what;
    client->query_name = name;
    client->query_low = sim->watch.told_index;
    s_send_query (sim, client);
}

//  ---- requests ------------------------------------------------------------------------------

static void
s_put (hf_pack_t *pack, client_t *client, const request_t *request, bool wait, size_t file,
       const char *text)
{
    hf_span_t lock = hf_span_text (sim_lock_name (request->lock));
    uint64_t token = client->locks[request->lock].token;
    switch (request->verb) {
    case MODEL_ACQUIRE:
        hf_acquire_put (pack, &(hf_acquire_t){.seq = request->seq, .lock = lock, .wait = wait});
        break;
    case MODEL_RELEASE:
        hf_release_put (pack, &(hf_release_t){.seq = request->seq, .lock = lock, .token = token});
        break;
    case MODEL_CANCEL:
        hf_cancel_put (pack, &(hf_cancel_t){.seq = request->seq, .lock = lock, .token = token});
        break;
    case MODEL_ABANDON:
        hf_abandon_put (pack, &(hf_abandon_t){.seq = request->seq, .lock = lock});
        break;
    case MODEL_APPEND:
        hf_append_put (pack, &(hf_append_t){.seq = request->seq,
                                            .lock = lock,
                                            .token = token,
                                            .file = hf_span_text (sim_file_name (file)),
                                            .data = hf_span_text (text)});
        break;
    }
}

uint64_t
sim_talk_ask (sim_t *sim, client_t *client, model_verb_t verb, size_t lock, bool wait, size_t file,
              const char *text)
{
    assert (client->requests_count < REQUESTS_MAX);
    s_owed (client, sim_client_local (sim, client));
    request_t *request = &client->requests[client->requests_count++];
    *request = (request_t){.seq = client->next_seq++, .lock = lock, .verb = verb};
    client->locks[lock].changed_us = sim_client_local (sim, client);
    hf_pack_t pack;
    hf_pack_init (&pack);
    s_put (&pack, client, request, wait, file, text);
    request->record = sim_blob (sim, hf_pack_bytes (&pack), hf_pack_size (&pack));
    hf_pack_done (&pack);
    return request->seq;
}

/*  Send those that never left; AGAIN: all that are undecided, in order. */
static void
s_flush (sim_t *sim, client_t *client, bool again)
{
    uint64_t now_us = sim_client_local (sim, client);
    hf_pack_t list, frame;
    hf_pack_init (&list);
    for (size_t i = 0; i < client->requests_count; i++) {
        request_t *request = &client->requests[i];
        if (!again && request->sent_us != 0)
            continue;
        if (request->first_sent_us == 0)
            request->first_sent_us = now_us;
        request->sent_us = now_us;
        hf_pack_raw (&list, request->record->bytes, request->record->size);
        list.count++;
    }
    if (list.count > 0) {
        uint64_t floor = client->requests[0].seq;
        hf_pack_init (&frame);
        hf_requests_frame (&frame, &(hf_requests_t){.session = client->session,
                                                    .floor = floor,
                                                    .requests = hf_pack_list (&list)});
        s_send (sim, client, &frame);
    }
    hf_pack_done (&list);
}

void
sim_talk_flush (sim_t *sim, client_t *client)
{
    if (client->session != 0 && !client->closing)
        s_flush (sim, client, false);
}

//  ---- who leads -----------------------------------------------------------------------------

static void
s_move (sim_t *sim, client_t *client, uint32_t node)
{
    client->node = node;
    client->ask_us = 0;
    client->owed_us = sim_client_local (sim, client);
    if (client->opening)
        s_send_open (sim, client);
    if (client->session != 0 && client->closing)
        s_send_close (sim, client, client->session);
    else if (client->session != 0) {
        sim_talk_keepalive (sim, client);
        s_flush (sim, client, true);
    }
    if (client->query_id != 0)
        s_send_query (sim, client);
}

static void
s_refused (sim_t *sim, client_t *client, uint32_t from, const hf_refused_t *refused)
{
    uint64_t now_us = sim_client_local (sim, client);
    if (from != client->node && refused->leader != from)
        return;
    bool soon = now_us < client->owed_us + 10000; //  no ping-pong
    if (refused->leader != 0 && refused->leader <= sim->odds.members && !soon)
        s_move (sim, client, refused->leader);
    else if (client->ask_us == 0)
        client->ask_us = now_us + 10000 + sim_random (sim, 60000);
}

void
sim_talk_tick (sim_t *sim, client_t *client)
{
    uint64_t now_us = sim_client_local (sim, client);
    bool owes = client->alive_out || client->opening || client->closing || client->query_id != 0 ||
                client->requests_count > 0;
    uint64_t since_us = client->heard_us > client->owed_us ? client->heard_us : client->owed_us;
    uint64_t limit_us = client->ttl_us / 4 < 1000000 ? client->ttl_us / 4 : 1000000;
    bool silent = owes && now_us > since_us + limit_us;
    if (silent || (client->ask_us != 0 && now_us >= client->ask_us)) {
        s_move (sim, client, 1 + (uint32_t)sim_random (sim, sim->odds.members));
        return;
    }
    if (client->session != 0 && !client->closing && now_us >= client->keepalive_us)
        sim_talk_keepalive (sim, client);
    if (client->requests_count > 0 && now_us > client->requests[0].sent_us + 1000000)
        s_flush (sim, client, true);
    if (client->opening && now_us > client->open_sent_us + 1000000)
        s_send_open (sim, client);
    if (client->opening && now_us > client->open_first_us + 10000000)
        client->opening = false; //  given up
    if (client->closing && now_us > client->close_sent_us + 1000000)
        s_send_close (sim, client, client->session);
    if (client->query_id != 0 && now_us > client->query_sent_us + 300000)
        client->query_id = 0;
}

//  ---- what it hears ---------------------------------------------------------------------------

static void
s_extend (sim_t *sim, client_t *client, uint64_t sent_us)
{
    uint64_t margin_us = client->ttl_us / 10 > 100000 ? client->ttl_us / 10 : 100000;
    uint64_t from_us = HF_MUTANT (deadline_from_answer) ? sim_client_local (sim, client) : sent_us;
    if (from_us + client->ttl_us - margin_us > client->deadline_us)
        client->deadline_us = from_us + client->ttl_us - margin_us;
}

static void
s_opened (sim_t *sim, client_t *client, const hf_opened_t *opened)
{
    uint64_t nonce;
    memcpy (&nonce, opened->nonce.at, sizeof nonce);
    if (opened->status != HF_OK) {
        sim_fail (sim, SIM_BROKEN, "client %u: OPEN was answered %s", client->id,
                  hf_status_name ((hf_status_t)opened->status));
        return;
    }
    if (!client->opening || nonce != client->nonce) {
        if (opened->session != client->session)
            s_send_close (sim, client, opened->session); //  given up before
        return;
    }
    uint64_t now_us = sim_client_local (sim, client);
    client->opening = false;
    client->session = opened->session;
    client->next_seq = 1;
    client->requests_count = 0;
    client->deadline_us = 0;
    client->keepalive_us = now_us + client->ttl_us / 3;
    client->alive_out = false;
    memset (client->locks, 0, sizeof client->locks);
    s_extend (sim, client, client->open_first_us);
    sim_tell (sim, "client %u has session %" PRIu64, client->id, client->session);
    if (now_us >= client->deadline_us)
        sim_client_lose (sim, client, "it came too late");
}

static void
s_alive (sim_t *sim, client_t *client, const hf_alive_t *alive)
{
    if (alive->session != client->session || client->session == 0)
        return;
    if (alive->status != HF_OK) {
        sim_client_lose (sim, client, "the cluster says that it ended");
        return;
    }
    client->alive_out = false;
    s_extend (sim, client, alive->echo);
    hf_granted_t held[MODEL_LOCKS] = {{.token = 0}};
    bool queued[MODEL_LOCKS] = {false};
    hf_scan_t scan = hf_scan_list (alive->held);
    for (uint32_t i = 0; i < alive->held.count; i++) {
        hf_granted_t granted;
        bool read = hf_granted_get (&scan, &granted);
        assert (read);
        held[sim_lock_number (granted.lock)] = granted;
    }
    scan = hf_scan_list (alive->queued);
    for (uint32_t i = 0; i < alive->queued.count; i++) {
        hf_moved_t moved;
        bool read = hf_moved_get (&scan, &moved);
        assert (read);
        queued[sim_lock_number (moved.lock)] = true;
    }
    for (size_t lock = 0; lock < sim->odds.locks; lock++)
        sim_client_listed (sim, client, lock, alive->echo, &held[lock], queued[lock]);
}

static void
s_answer (sim_t *sim, client_t *client, const hf_answer_t *answer)
{
    sim_belief_answer (sim, client, answer);
    size_t at = 0;
    while (at < client->requests_count && client->requests[at].seq != answer->seq)
        at++;
    if (at == client->requests_count || client->requests[at].first_sent_us == 0)
        return;
    if (answer->status == HF_STALE)
        sim_fail (sim, SIM_BROKEN, "once: client %u cannot have the answer to seq %" PRIu64,
                  client->id, answer->seq);
    request_t request = client->requests[at];
    client->requests_count--;
    memmove (&client->requests[at], &client->requests[at + 1],
             (client->requests_count - at) * sizeof request);
    if (answer->status == HF_OK || answer->status == HF_QUEUED ||
        answer->status == HF_NOT_GRANTED || answer->status == HF_NOT_HOLDER)
        s_extend (sim, client, request.first_sent_us);
    sim_client_answered (sim, client, &request, answer);
}

static void
s_answers (sim_t *sim, client_t *client, const hf_answers_t *answers)
{
    hf_scan_t scan = hf_scan_list (answers->items);
    for (uint32_t i = 0; i < answers->items.count; i++) {
        if (answers->session != client->session || client->session == 0 || client->closing)
            return;
        hf_answer_t answer;
        hf_granted_t granted;
        if (hf_scan_kind (&scan) == HF_KIND_ANSWER) {
            bool read = hf_answer_get (&scan, &answer);
            assert (read);
            s_answer (sim, client, &answer);
        } else {
            bool read = hf_granted_get (&scan, &granted);
            assert (read);
            sim_client_granted (sim, client, sim_lock_number (granted.lock), granted.token,
                                granted.index);
        }
    }
}

static void
s_result (sim_t *sim, client_t *client, const hf_query_result_t *result)
{
    if (result->id != client->query_id)
        return;
    sim->result->totals.reads++;
    if (client->query_what == HF_WHAT_LOCK)
        sim_belief_lock (sim, client, result);
    else
        sim_belief_read (sim, client, result);
    client->query_id = 0;
}

static void
s_dispatch (sim_t *sim, client_t *client, hf_scan_t *scan, uint32_t kind, uint32_t from)
{
    union {
        hf_opened_t opened;
        hf_alive_t alive;
        hf_answers_t answers;
        hf_closed_t closed;
        hf_query_result_t result;
        hf_refused_t refused;
    } in;
    bool read = false;
    if (kind == HF_KIND_OPENED && (read = hf_opened_get (scan, &in.opened)))
        s_opened (sim, client, &in.opened);
    else if (kind == HF_KIND_ALIVE && (read = hf_alive_get (scan, &in.alive)))
        s_alive (sim, client, &in.alive);
    else if (kind == HF_KIND_ANSWERS && (read = hf_answers_get (scan, &in.answers)))
        s_answers (sim, client, &in.answers);
    else if (kind == HF_KIND_CLOSED_REPLY && (read = hf_closed_get (scan, &in.closed))) {
        if (client->closing && in.closed.session == client->session)
            sim_client_lose (sim, client, "closed");
    } else if (kind == HF_KIND_RESULT && (read = hf_query_result_get (scan, &in.result)))
        s_result (sim, client, &in.result);
    else if (kind == HF_KIND_REFUSED && (read = hf_refused_get (scan, &in.refused)))
        s_refused (sim, client, from, &in.refused);
    assert (read);
}

void
sim_talk_reply (sim_t *sim, client_t *client, const event_t *event)
{
    uint64_t now_us = sim_client_local (sim, client);
    //  The clock comes before every answer.
    if (client->session != 0 && now_us >= client->deadline_us && !HF_MUTANT (grant_past_deadline))
        sim_client_lose (sim, client, "its deadline passed");
    hf_scan_t scan;
    uint32_t kind;
    hf_status_t status = hf_frame_open (event->bytes->bytes, event->bytes->size, &scan, &kind);
    assert (status == HF_OK);
    if (event->from == client->node && kind != HF_KIND_REFUSED)
        client->heard_us = now_us;
    s_dispatch (sim, client, &scan, kind, event->from);
    //  What follows from it leaves with the next tick.
}
