//  A client by the rules of docs/protocol.md: what it wants, and what it makes of answers.

#include "tests/sim/sim_internal.h"
#include <stdio.h>

uint64_t
sim_client_local (const sim_t *sim, const client_t *client)
{
    return sim_local (sim, &client->clock);
}

void
sim_client_start (sim_t *sim, client_t *client)
{
    events_t inbox = client->inbox;
    inbox.count = 0;
    uint64_t queries = client->queries;
    *client = (client_t){.id = client->id, .life = client->life + 1, .inbox = inbox};
    client->queries = queries;
    sim_clock_start (sim, &client->clock);
    client->node = 1 + (uint32_t)sim_random (sim, sim->odds.members);
}

void
sim_client_lose (sim_t *sim, client_t *client, const char *why)
{
    if (client->session == 0)
        return;
    sim_tell (sim, "client %u: session %" PRIu64 " is lost: %s", client->id, client->session, why);
    client->session = 0;
    client->closing = false;
    client->alive_out = false;
    client->requests_count = 0;
    memset (client->locks, 0, sizeof client->locks);
}

//  ---- what it makes of answers -----------------------------------------------------------

void
sim_client_granted (sim_t *sim, client_t *client, size_t lock, uint64_t token, uint64_t index)
{
    client_lock_t *own = &client->locks[lock];
    uint64_t now_us = sim_client_local (sim, client);
    if (own->want == WANT_ASKED && index > own->early_index) {
        own->early_token = token; //  it overtook the answer QUEUED
        own->early_index = index;
    }
    if (own->want != WANT_WAITING || index < own->index)
        return;
    *own = (client_lock_t){.want = WANT_HELD, .token = token, .index = index};
    own->changed_us = now_us;
    own->act_us = now_us + sim_random (sim, sim->odds.hold_us);
    sim->result->totals.grants++;
    sim_belief_granted (sim, client, lock, token, index);
}

static void
s_acquired (sim_t *sim, client_t *client, size_t lock, const hf_answer_t *answer)
{
    client_lock_t *own = &client->locks[lock];
    uint64_t now_us = sim_client_local (sim, client);
    if (answer->status == HF_NOT_GRANTED) {
        own->want = WANT_NOTHING;
        return;
    }
    uint64_t early_token = own->early_token;
    uint64_t early_index = own->early_index;
    own->want = WANT_WAITING;
    own->index = answer->index;
    own->act_us = now_us + 500000 + sim_random (sim, 8000000);
    if (answer->status == HF_OK)
        sim_client_granted (sim, client, lock, answer->token, answer->index);
    else if (answer->status == HF_QUEUED && early_index >= answer->index)
        sim_client_granted (sim, client, lock, early_token, early_index);
    else if (answer->status != HF_QUEUED)
        sim_fail (sim, SIM_BROKEN, "client %u: ACQUIRE was answered %s", client->id,
                  hf_status_name ((hf_status_t)answer->status));
}

static void
s_vanished (sim_t *sim, const client_t *client, size_t lock)
{
    sim_fail (sim, SIM_BROKEN, "P7: client %u, session %" PRIu64 ": its place at %s vanished",
              client->id, client->session, sim_lock_name (lock));
}

void
sim_client_answered (sim_t *sim, client_t *client, const request_t *request,
                     const hf_answer_t *answer)
{
    client_lock_t *own = &client->locks[request->lock];
    if (answer->status == HF_SESSION_EXPIRED) {
        sim_client_lose (sim, client, "the cluster says so");
        return;
    }
    own->changed_us = sim_client_local (sim, client);
    if (request->verb == MODEL_ACQUIRE) {
        if (own->want == WANT_ASKED && own->last_seq == request->seq)
            s_acquired (sim, client, request->lock, answer);
        return;
    }
    bool gives_back = request->verb == MODEL_CANCEL && !own->released;
    if (answer->status == HF_NOT_HOLDER && !gives_back)
        s_vanished (sim, client, request->lock);
    else if (answer->status != HF_OK && answer->status != HF_NOT_HOLDER)
        sim_fail (sim, SIM_BROKEN, "client %u: a request was answered %s", client->id,
                  hf_status_name ((hf_status_t)answer->status));
    if (request->seq != own->last_seq)
        return;
    if (own->want == WANT_APPEND)
        own->want = WANT_HELD;
    else if (own->want == WANT_LEAVE) {
        *own = (client_lock_t){.want = WANT_NOTHING, .changed_us = own->changed_us};
        own->act_us = own->changed_us + sim_random (sim, sim->odds.think_us);
    }
}

static void
s_leave (sim_t *sim, client_t *client, size_t lock, model_verb_t verb)
{
    client_lock_t *own = &client->locks[lock];
    own->want = WANT_LEAVE;
    own->last_seq = sim_talk_ask (sim, client, verb, lock, false, 0, NULL);
}

void
sim_client_listed (sim_t *sim, client_t *client, size_t lock, uint64_t sent_us,
                   const hf_granted_t *held, bool queued)
{
    client_lock_t *own = &client->locks[lock];
    if (sent_us <= own->changed_us || client->closing || sim_talk_out (client, lock))
        return;
    if (own->want == WANT_NOTHING && held->token != 0) {
        own->token = held->token; //  nobody waits for it any more
        s_leave (sim, client, lock, MODEL_CANCEL);
    } else if (own->want == WANT_NOTHING && queued)
        s_leave (sim, client, lock, MODEL_ABANDON);
    else if (own->want == WANT_WAITING && held->token != 0)
        sim_client_granted (sim, client, lock, held->token, held->index);
    else if (own->want == WANT_WAITING && !queued)
        s_vanished (sim, client, lock);
    else if (own->want == WANT_HELD && held->token != own->token)
        s_vanished (sim, client, lock);
}

//  ---- what it wants ---------------------------------------------------------------------------

static void
s_append (sim_t *sim, client_t *client, size_t lock)
{
    client_lock_t *own = &client->locks[lock];
    char text[64];
    snprintf (text, sizeof text, "<%" PRIu64 ".%u>", own->token, ++own->appends);
    size_t file = sim_random (sim, MODEL_FILES);
    own->last_seq = sim_talk_ask (sim, client, MODEL_APPEND, lock, false, file, text);
}

static void
s_hold (sim_t *sim, client_t *client, size_t lock, uint64_t now_us)
{
    client_lock_t *own = &client->locks[lock];
    if (now_us < own->act_us && !sim->healed)
        return;
    own->act_us = now_us + sim_random (sim, sim->odds.hold_us);
    uint64_t appends = sim_random (sim, 3);
    for (uint64_t i = 0; i < appends; i++)
        s_append (sim, client, lock);
    own->want = WANT_APPEND;
    if (appends > 0 && own->appends < 8 && sim_random (sim, 2) == 0)
        return;
    own->released = true; //  from here on it acts no more
    s_leave (sim, client, lock, sim_random (sim, 6) == 0 ? MODEL_CANCEL : MODEL_RELEASE);
}

static void
s_act (sim_t *sim, client_t *client, size_t lock, uint64_t now_us)
{
    client_lock_t *own = &client->locks[lock];
    switch (own->want) {
    case WANT_NOTHING:
        if (sim->healed || now_us < own->act_us)
            return;
        own->act_us = now_us + sim_random (sim, sim->odds.think_us);
        own->want = WANT_ASKED;
        own->early_index = 0;
        own->last_seq =
            sim_talk_ask (sim, client, MODEL_ACQUIRE, lock, sim_random (sim, 8) != 0, 0, NULL);
        break;
    case WANT_WAITING:
        if (!sim->healed && now_us >= own->act_us)
            s_leave (sim, client, lock, MODEL_ABANDON);
        break;
    case WANT_HELD:
        s_hold (sim, client, lock, now_us);
        break;
    default:
        break;
    }
}

static bool
s_idle (const client_t *client)
{
    for (size_t lock = 0; lock < MODEL_LOCKS; lock++)
        if (client->locks[lock].want != WANT_NOTHING)
            return false;
    return true;
}

/*  Past this, nothing it holds may be used; whoever was granted meanwhile relies on that. */
static void
s_give_up_all (client_t *client)
{
    memset (client->locks, 0, sizeof client->locks);
    client->requests_count = 0;
}

static void
s_want (sim_t *sim, client_t *client, uint64_t now_us)
{
    if (client->session == 0 && !client->opening) {
        bool room =
            sim->watch.model->last_session < MODEL_SESSIONS - 60 && sim->nonces < NONCES_MAX - 1;
        if (sim->healed || !room)
            client->done = sim->healed;
        else
            sim_talk_open (sim, client);
        return;
    }
    if (client->session == 0 || client->closing)
        return;
    for (size_t lock = 0; lock < sim->odds.locks; lock++)
        if (client->requests_count + 8 < REQUESTS_MAX)
            s_act (sim, client, lock, now_us);
    bool leaves = sim->healed ? s_idle (client) : sim_random (sim, 2000) == 0;
    if (leaves) {
        s_give_up_all (client);
        sim_talk_close (sim, client);
    } else if (client->query_id == 0 && sim_random (sim, 20) == 0) {
        size_t name = sim_random (sim, sim->odds.locks < 3 ? sim->odds.locks : 3);
        bool file = sim_random (sim, 3) == 0;
        sim_talk_query (sim, client, file ? HF_WHAT_READ : HF_WHAT_LOCK, name);
    }
}

//  ---- its turn
//  ------------------------------------------------------------------------------------

static void
s_wake_up (sim_t *sim, client_t *client)
{
    for (size_t i = 0; i < client->inbox.count && !sim->failed; i++)
        if (client->inbox.list[i].life == client->life)
            sim_talk_reply (sim, client, &client->inbox.list[i]);
    client->inbox.count = 0;
}

void
sim_client_tick (sim_t *sim, client_t *client)
{
    uint64_t again_us = 5000 + sim_random (sim, 20000);
    if (client->dead_until_us > sim->now_us)
        again_us = client->dead_until_us - sim->now_us;
    else if (client->stalled_until_us > sim->now_us)
        again_us = client->stalled_until_us - sim->now_us;
    else {
        if (client->dead_until_us != 0)
            sim_client_start (sim, client);
        s_wake_up (sim, client);
        uint64_t now_us = sim_client_local (sim, client);
        if (client->session != 0 && now_us >= client->deadline_us)
            sim_client_lose (sim, client, "its deadline passed");
        s_want (sim, client, now_us);
        sim_talk_flush (sim, client);
        sim_talk_tick (sim, client);
    }
    sim_post (sim, again_us, (event_t){.type = EV_CLIENT, .to = client->id});
}
