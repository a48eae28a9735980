//  What the users of a client want, and what they make of results. Each has a session; they share
//  the client's core.

#include "tests/sim/sim_internal.h"
#include <stdio.h>

#define FOREIGN 1024 //  in op->waiter: done for another session

static void
s_place_free (sim_t *sim, place_t *place, uint64_t now_us)
{
    *place = (place_t){.want = WANT_NOTHING};
    place->act_us = now_us + sim_random (sim, sim->odds.think_us);
}

static void
s_submit (user_t *user, hf_op_t *op, size_t mark, uint64_t now_us)
{
    op->arg = user;
    op->waiter = (void *)(uintptr_t)mark;
    hf_client_core_submit (user->client->core, op, now_us);
}

//  ---- what becomes of a session ---------------------------------------------------------

static void
s_leave (user_t *user, uint64_t now_us)
{
    hf_op_t *op = hf_op_leave (user->session);
    uint64_t act_us = user->act_us;
    *user = (user_t){.client = user->client, .state = USER_AWAY, .act_us = act_us};
    s_submit (user, op, 0, now_us);
}

static void
s_ended (sim_t *sim, user_t *user, uint64_t now_us)
{
    const model_session_t *session = &sim->watch.model->sessions[user->id];
    sim_tell (sim, "client %u: session %" PRIu64 " is over", user->client->id, user->id);
    if (now_us < user->deadline_us && session->alive && user->state == USER_HERE)
        sim_fail (sim, SIM_BROKEN,
                  "P9: session %" PRIu64 " is given up %" PRIu64 " ms before its deadline",
                  user->id, (user->deadline_us - now_us) / 1000);
    for (size_t lock = 0; lock < MODEL_LOCKS; lock++)
        if (user->places[lock].want == WANT_HELD && user->state == USER_HERE)
            sim_fail (sim, SIM_BROKEN, "P5b: session %" PRIu64 " ends, and %s is not reported lost",
                      user->id, sim_lock_name (lock));
    s_leave (user, now_us);
}

static void
s_vanished (sim_t *sim, const user_t *user, size_t lock)
{
    sim_fail (sim, SIM_BROKEN, "P7: client %u, session %" PRIu64 ": its hold of %s vanished",
              user->client->id, user->id, sim_lock_name (lock));
}

static void
s_lost (sim_t *sim, user_t *user, size_t lock, uint64_t token, uint64_t now_us)
{
    place_t *place = &user->places[lock];
    bool alive = hf_lease_deadline_us (hf_client_session_lease (user->session)) > now_us;
    if (place->token != token || place->want == WANT_NOTHING || place->want == WANT_ASKED)
        return;
    if (alive && !place->foreign)
        s_vanished (sim, user, lock);
    s_place_free (sim, place, now_us);
}

//  ---- results -----------------------------------------------------------------------------

/*  Who had asked waits no more. */
static void
s_give_back (user_t *user, size_t lock, uint64_t token, uint64_t now_us)
{
    hf_op_t *op;
    if (hf_op_end (user->session, HF_OP_GIVE_BACK, 0, sim_lock_name (lock), token, now_us, &op) ==
        HF_OK)
        s_submit (user, op, lock, now_us);
}

static void
s_granted (sim_t *sim, user_t *user, size_t lock, const hf_op_t *op, uint64_t now_us)
{
    place_t *place = &user->places[lock];
    uint64_t token = op->result.token;
    if (place->want != WANT_ASKED) {
        if (place->token != token) //  else it asked twice, and has the lock once
            s_give_back (user, lock, token, now_us);
        return;
    }
    sim->result->totals.grants++;
    *place = (place_t){.want = WANT_HELD, .token = token};
    place->act_us = now_us + sim_random (sim, sim->odds.hold_us);
    sim_belief_granted (sim, user, lock, token, op->result.index);
    if (sim_random (sim, 30) == 0) {
        s_place_free (sim, place, now_us);
        s_give_back (user, lock, token, now_us);
    }
}

/*  A result that says that the lease is over must not come before that. */
static void
s_check_over (sim_t *sim, const user_t *user, const hf_op_t *op, uint64_t now_us)
{
    bool alive = hf_lease_deadline_us (hf_client_session_lease (user->session)) > now_us;
    if (alive)
        sim_fail (sim, SIM_BROKEN, "once: client %u, session %" PRIu64 ": %s, and it is alive",
                  user->client->id, user->id, hf_status_name (op->result.status));
}

/*  Another client ended the section of session OWNER, whose user waits for that. */
static void
s_ended_for (sim_t *sim, uint64_t owner, size_t lock, uint64_t token)
{
    for (uint32_t id = 1; id <= sim->odds.clients; id++) {
        for (size_t i = 0; i < sim->odds.users; i++) {
            user_t *user = &sim->clients[id].users[i];
            if (user->state == USER_HERE && user->id == owner && user->places[lock].token == token)
                user->places[lock].ended = true;
        }
    }
}

static void
s_request_result (sim_t *sim, user_t *user, const hf_op_t *op, uint64_t now_us)
{
    size_t lock = (uintptr_t)op->waiter;
    hf_status_t status = op->result.status;
    bool over = status == HF_LOST || status == HF_UNDECIDED || status == HF_SESSION_EXPIRED;
    if (over)
        s_check_over (sim, user, op, now_us);
    if (lock >= FOREIGN) {
        if (op->kind != HF_OP_APPEND && status == HF_OK)
            s_ended_for (sim, op->owner, lock - FOREIGN, op->token);
        return;
    }
    place_t *place = &user->places[lock];
    if (op->kind == HF_OP_ACQUIRE) {
        if (status == HF_OK)
            s_granted (sim, user, lock, op, now_us);
        else if (status != HF_NOT_GRANTED && status != HF_TIMEOUT && !over)
            sim_fail (sim, SIM_BROKEN, "once: client %u: an acquire is answered %s",
                      user->client->id, hf_status_name (status));
        else if (place->want == WANT_ASKED)
            s_place_free (sim, place, now_us);
        return;
    }
    if (op->token != place->token)
        return;
    if (status == HF_NOT_HOLDER && !place->foreign)
        s_vanished (sim, user, lock);
    else if (status != HF_OK && status != HF_NOT_HOLDER && !over)
        sim_fail (sim, SIM_BROKEN, "client %u: a request was answered %s", user->client->id,
                  hf_status_name (status));
    if (op->kind == HF_OP_APPEND && place->out > 0)
        place->out--;
    else if (op->kind != HF_OP_APPEND)
        s_place_free (sim, place, now_us);
}

static void
s_event (sim_t *sim, user_t *user, const hf_session_event_t *event, uint64_t now_us)
{
    if (event->type == HF_SESSION_LOST)
        s_lost (sim, user, model_lock (hf_span_text (event->lock)), event->token, now_us);
    else if (event->type == HF_SESSION_ENDED && user->state == USER_HERE)
        s_ended (sim, user, now_us);
}

static void
s_opened (sim_t *sim, user_t *user, hf_op_t *op, uint64_t now_us)
{
    user->state = USER_AWAY;
    user->act_us = now_us + sim_random (sim, sim->odds.think_us);
    if (op->result.status != HF_OK) {
        if (op->result.status != HF_TIMEOUT && op->result.status != HF_UNREACHABLE &&
            op->result.status != HF_BAD_TTL)
            sim_fail (sim, SIM_BROKEN, "client %u: OPEN was answered %s", user->client->id,
                      hf_status_name (op->result.status));
        return;
    }
    user->state = USER_HERE;
    user->session = op->session;
    user->id = hf_client_session_id (op->session);
    sim_tell (sim, "client %u has session %" PRIu64, user->client->id, user->id);
}

void
sim_people_result (sim_t *sim, client_t *client, hf_op_t *op, uint64_t now_us)
{
    if (op->kind == HF_OP_QUERY) {
        client->asks = false;
        if (op->reply)
            sim_belief_query (sim, client, op);
        return;
    }
    user_t *user = op->arg;
    sim_belief_result (sim, op);
    if (op->kind == HF_OP_OPEN)
        s_opened (sim, user, op, now_us);
    else if (op->kind == HF_OP_CLOSE) {
        if (user->state != USER_CLOSING || op->session_id != user->id)
            return; //  of a session that had ended before
        if (op->result.status == HF_OK && sim->watch.model->sessions[user->id].alive)
            sim_fail (sim, SIM_BROKEN, "P7: session %" PRIu64 " was closed and lives", user->id);
        s_leave (user, now_us);
    } else if (user->state != USER_HERE && op->kind != HF_OP_EVENT)
        return; //  of a session that it has left
    else if (op->kind == HF_OP_EVENT && op->event.session == user->id)
        s_event (sim, user, &op->event, now_us);
    else if (op->kind != HF_OP_EVENT && op->result.session == user->id)
        s_request_result (sim, user, op, now_us);
}

//  ---- what they want ---------------------------------------------------------------------------

static void
s_open (sim_t *sim, user_t *user, uint64_t now_us)
{
    uint8_t nonce[HF_NONCE_SIZE] = {0};
    sim->nonces++;
    memcpy (nonce, &sim->nonces, sizeof sim->nonces);
    bool odd = sim_random (sim, 40) == 0;
    hf_op_t *op =
        hf_op_open (nonce, odd ? 500 : sim->odds.ttl_ms + (uint32_t)sim_random (sim, 1000));
    op->limit_us = now_us + 300000 + sim_random (sim, 10000000);
    user->state = USER_OPENING;
    s_submit (user, op, 0, now_us);
}

static void
s_append (sim_t *sim, user_t *user, uint64_t owner, size_t lock, uint64_t token, size_t mark,
          uint64_t now_us)
{
    char text[64];
    snprintf (text, sizeof text, "<%" PRIu64 ".%" PRIu64 ">", token, sim->nonces++);
    const char *file = sim_file_name (sim_random (sim, MODEL_FILES));
    hf_op_t *op;
    if (hf_op_append (user->session, owner, sim_lock_name (lock), token, file, text, strlen (text),
                      now_us, &op) != HF_OK)
        return;
    if (mark < FOREIGN)
        user->places[lock].out++;
    s_submit (user, op, mark, now_us);
}

static void
s_end (sim_t *sim, user_t *user, uint64_t owner, size_t lock, uint64_t token, size_t mark,
       uint64_t now_us)
{
    hf_op_kind_t kind = sim_random (sim, 6) == 0 ? HF_OP_CANCEL : HF_OP_RELEASE;
    hf_op_t *op;
    if (hf_op_end (user->session, kind, owner, sim_lock_name (lock), token, now_us, &op) == HF_OK)
        s_submit (user, op, mark, now_us);
}

/*  Somebody who may act for the holder: the lock is handed over, or only the token. */
static void
s_for_another (sim_t *sim, user_t *user, uint64_t now_us)
{
    client_t *client = &sim->clients[1 + sim_random (sim, sim->odds.clients)];
    user_t *owner = &client->users[sim_random (sim, sim->odds.users)];
    size_t lock = sim_random (sim, sim->odds.locks);
    place_t *place = &owner->places[lock];
    if (owner == user || owner->state != USER_HERE || place->want != WANT_HELD)
        return;
    s_append (sim, user, owner->id, lock, place->token, FOREIGN + lock, now_us);
    if (sim_random (sim, 3) != 0)
        return;
    place->want = WANT_HANDED;
    place->foreign = true;
    place->act_us = sim_client_local (sim, client) + 2000000;
    s_end (sim, user, owner->id, lock, place->token, FOREIGN + lock, now_us);
}

static void
s_acquire (sim_t *sim, user_t *user, size_t lock, uint64_t now_us)
{
    for (uint64_t i = sim_random (sim, 20) == 0 ? 2 : 1; i > 0; i--) {
        hf_op_t *op;
        if (hf_op_acquire (user->session, sim_lock_name (lock), now_us, &op) != HF_OK)
            return;
        op->wait = sim_random (sim, 8) != 0;
        if (sim_random (sim, 2) == 0)
            op->limit_us = now_us + 20000 + sim_random (sim, 8000000);
        user->places[lock] = (place_t){.want = WANT_ASKED};
        s_submit (user, op, lock, now_us);
    }
}

static void
s_hold (sim_t *sim, user_t *user, size_t lock, uint64_t now_us)
{
    place_t *place = &user->places[lock];
    place->act_us = now_us + sim_random (sim, sim->odds.hold_us);
    uint64_t appends = sim_random (sim, 3);
    for (uint64_t i = 0; i < appends; i++, place->appends++)
        s_append (sim, user, 0, lock, place->token, lock, now_us);
    if (appends > 0 && place->appends < 8 && sim_random (sim, 2) == 0)
        return;
    place->want = WANT_LEAVE; //  from here on it acts no more
    s_end (sim, user, 0, lock, place->token, lock, now_us);
}

static void
s_act (sim_t *sim, user_t *user, size_t lock, uint64_t now_us)
{
    place_t *place = &user->places[lock];
    bool due = now_us >= place->act_us;
    if (place->want == WANT_NOTHING && due && !sim_resting (sim))
        s_acquire (sim, user, lock, now_us);
    else if (place->want == WANT_HELD && (due || sim_resting (sim)))
        s_hold (sim, user, lock, now_us);
    else if (place->want == WANT_HANDED && due && !place->ended) {
        place->want = WANT_LEAVE; //  it takes too long
        s_end (sim, user, 0, lock, place->token, lock, now_us);
    }
}

/*  What cannot be is refused at once, and nothing leaves. */
static void
s_nonsense (sim_t *sim, user_t *user, uint64_t now_us)
{
    static uint8_t large[HF_DATA_MAX + 1];
    hf_op_t *op = NULL;
    hf_status_t status = sim_random (sim, 2) == 0
                             ? hf_op_append (user->session, 0, sim_lock_name (0), 1,
                                             sim_file_name (0), large, sizeof large, now_us, &op)
                             : hf_op_acquire (user->session, "a\nb", now_us, &op);
    if (op || (status != HF_TOO_LARGE && status != HF_BAD_NAME))
        sim_fail (sim, SIM_BROKEN, "a request that cannot be is answered %s",
                  hf_status_name (status));
}

static bool
s_idle (const user_t *user)
{
    for (size_t lock = 0; lock < MODEL_LOCKS; lock++)
        if (user->places[lock].want != WANT_NOTHING)
            return false;
    return true;
}

static void
s_go (sim_t *sim, user_t *user, uint64_t now_us)
{
    if (!sim_resting (sim) && sim_random (sim, 3) == 0) {
        s_leave (user, now_us); //  the session is left to its TTL
        return;
    }
    memset (user->places, 0, sizeof user->places); //  it relies on nothing any more
    user->state = USER_CLOSING;
    hf_op_t *op = hf_op_close (user->id);
    if (!sim_resting (sim))
        op->limit_us = now_us + sim_random (sim, 5000000);
    s_submit (user, op, 0, now_us);
}

static void
s_user (sim_t *sim, user_t *user, uint64_t now_us)
{
    bool room = sim->watch.model->last_session < MODEL_SESSIONS - 60;
    if (user->state == USER_AWAY && !sim_resting (sim) && room && now_us >= user->act_us)
        s_open (sim, user, now_us);
    if (user->state != USER_HERE)
        return;
    for (size_t lock = 0; lock < sim->odds.locks; lock++)
        s_act (sim, user, lock, now_us);
    if (sim_resting (sim) ? s_idle (user) : sim_random (sim, 1000) == 0)
        s_go (sim, user, now_us);
    else if (!sim_resting (sim) && sim_random (sim, 50) == 0)
        s_for_another (sim, user, now_us);
    else if (sim_random (sim, 500) == 0)
        s_nonsense (sim, user, now_us);
}

static void
s_query (sim_t *sim, client_t *client, uint64_t now_us)
{
    static const uint32_t whats[] = {HF_WHAT_LOCK,  HF_WHAT_LOCK,  HF_WHAT_READ,  HF_WHAT_READ,
                                     HF_WHAT_LOCKS, HF_WHAT_FILES, HF_WHAT_STATUS};
    uint32_t what = client->query_what = whats[sim_random (sim, 7)];
    size_t name = client->query_name = sim_random (sim, 3);
    const char *text = what == HF_WHAT_LOCK   ? sim_lock_name (name)
                       : what == HF_WHAT_READ ? sim_file_name (name)
                                              : "";
    client->query_offset =
        what == HF_WHAT_READ && sim_random (sim, 2) == 0 ? sim_random (sim, 50) : 0;
    uint32_t node = what == HF_WHAT_STATUS ? HF_NODE_ANY : HF_NODE_LEADER;
    //  Whoever answers must be right, so ask anybody now and then.
    if (what != HF_WHAT_STATUS && sim_random (sim, 2) == 0)
        node = 1 + (uint32_t)sim_random (sim, sim->odds.members);
    hf_op_t *op =
        hf_op_query (node, what, text, what == HF_WHAT_LOCK ? 1 : client->query_offset, 1 << 20);
    op->limit_us = now_us + 300000 + sim_random (sim, 1000000);
    client->asks = true;
    client->query_low = sim->watch.answered_index;
    hf_client_core_submit (client->core, op, now_us);
}

void
sim_people (sim_t *sim, client_t *client, uint64_t now_us)
{
    for (size_t i = 0; i < sim->odds.users; i++) {
        user_t *user = &client->users[i];
        s_user (sim, user, now_us);
        if (user->state == USER_HERE)
            user->deadline_us = hf_lease_deadline_us (hf_client_session_lease (user->session));
    }
    if (!client->asks && !sim_resting (sim) && sim_random (sim, 8) == 0)
        s_query (sim, client, now_us);
}

bool
sim_people_done (const client_t *client)
{
    for (size_t i = 0; i < USERS_MAX; i++)
        if (client->users[i].state != USER_AWAY)
            return false;
    return client->core != NULL;
}
