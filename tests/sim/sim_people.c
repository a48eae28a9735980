//  What the users of a client want, and what they make of results. Each has a session; they share
//  the client's core.

#include "tests/sim/sim_internal.h"
#include <stdio.h>

#define FOREIGN 1024 //  in op->waiter: done for another session
#define CHANGE  2048 //  an acquire of what is held, in another mode

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
    sim_rights_granted (sim, user->client, lock);
    sim->result->totals.grants++;
    place->want = WANT_HELD;
    place->token = token;
    place->act_us = now_us + sim_random (sim, sim->odds.hold_us);
    sim_belief_granted (sim, user, lock, token, op->result.index);
    if (sim_random (sim, 30) == 0) {
        s_place_free (sim, place, now_us);
        s_give_back (user, lock, token, now_us);
    }
}

/*  An acquire of what is held, in another mode, is decided. */
static void
s_changed (sim_t *sim, user_t *user, size_t lock, const hf_op_t *op, uint64_t now_us)
{
    place_t *place = &user->places[lock];
    bool good = op->result.status == HF_OK;
    if (place->want != WANT_HELD || !place->changing) {
        if (good && place->token != op->result.token)
            s_give_back (user, lock, op->result.token, now_us);
        return;
    }
    place->changing = false;
    if (!good)
        return;
    place->token = op->result.token;
    place->units[lock] = op->units;
    place->limits[lock] = op->limit;
    sim_belief_granted (sim, user, lock, place->token, op->result.index);
}

static bool
s_refused (hf_status_t status)
{
    return status == HF_NOT_GRANTED || status == HF_TIMEOUT || status == HF_DEADLOCK ||
           status == HF_CONFLICT || status == HF_DENIED;
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
    if (op->kind != HF_OP_APPEND)
        sim_tell (sim, "client %u (session %" PRIu64 "): %s %s, token %" PRIu64 ": %s",
                  user->client->id, user->id, hf_kind_name ((uint32_t)op->kind), op->text,
                  op->token, hf_status_name (status));
    bool over = status == HF_LOST || status == HF_UNDECIDED || status == HF_SESSION_EXPIRED;
    if (over)
        s_check_over (sim, user, op, now_us);
    if (lock >= CHANGE) {
        user->asked[lock - CHANGE]--;
        s_changed (sim, user, lock - CHANGE, op, now_us);
        return;
    }
    if (lock >= FOREIGN) {
        if (op->kind != HF_OP_APPEND && status == HF_OK)
            s_ended_for (sim, op->owner, lock - FOREIGN, op->token);
        return;
    }
    place_t *place = &user->places[lock];
    if (op->kind == HF_OP_ACQUIRE) {
        user->asked[lock]--;
        if (status == HF_OK)
            s_granted (sim, user, lock, op, now_us);
        else if (!s_refused (status) && !over) {
            sim_tell (sim, "session %" PRIu64 " %s seq %" PRIu64, user->id, op->text, op->seq);
            sim_fail (sim, SIM_BROKEN, "once: client %u: an acquire is answered %s",
                      user->client->id, hf_status_name (status));
        } else if (place->want == WANT_ASKED && user->asked[lock] == 0)
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
    if (sim_told_result (sim, op))
        return;
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
    const char *label = model_labels[sim_random (sim, MODEL_LABELS)];
    op->label = strdup (label);
    op->detect = sim_random (sim, 100) < sim->odds.detect;
    if (sim_random (sim, 100) < sim->odds.delayed)
        op->delay_ms = HF_DELAY_MIN_MS + (uint32_t)sim_random (sim, 5000);
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

/*  Whether the user has anything to do with the lock, by itself or in a set. */
static bool
s_busy (const user_t *user, size_t lock)
{
    for (size_t first = 0; first < MODEL_LOCKS; first++)
        if ((user->places[first].want != WANT_NOTHING &&
             (first == lock || user->places[first].set >> lock & 1)) ||
            (user->asked[first] > 0 && user->asked_set[first] >> lock & 1))
            return true;
    return false;
}

static hf_want_t
s_want (sim_t *sim, size_t lock, bool shared)
{
    uint32_t limit = sim->odds.limits[lock];
    hf_want_t want = {.lock = sim_lock_name (lock)};
    if (!shared)
        return want;
    want.mode = HF_MODE_SHARED;
    want.limit = limit + (sim_random (sim, 200) == 0);
    want.units = 1 + (uint32_t)sim_random (sim, limit > 0 ? limit : 3);
    return want;
}

/*  Some locks that the user has nothing to do with, LOCK first. PLACE says which. */
static size_t
s_choose (sim_t *sim, const user_t *user, size_t lock, hf_want_t *wants, place_t *place)
{
    bool set = sim_random (sim, 100) < sim->odds.sets;
    size_t count = 0;
    *place = (place_t){.want = WANT_ASKED};
    for (size_t i = 0; i < sim->odds.locks; i++) {
        size_t at = (lock + i) % sim->odds.locks;
        if (i > 0 && (!set || s_busy (user, at) || sim_random (sim, 2) == 0))
            continue;
        wants[count] = s_want (sim, at, sim_random (sim, 100) < sim->odds.shared);
        place->set |= 1U << at;
        place->units[at] = wants[count].units;
        place->limits[at] = wants[count++].limit;
    }
    return count;
}

static void
s_limit (sim_t *sim, hf_op_t *op, uint64_t now_us)
{
    op->wait = sim_random (sim, 8) != 0;
    if (sim_random (sim, 2) == 0)
        op->limit_us = now_us + 20000 + sim_random (sim, 8000000);
}

static void
s_acquire (sim_t *sim, user_t *user, size_t lock, uint64_t now_us)
{
    hf_want_t wants[MODEL_LOCKS];
    place_t place;
    size_t count = s_choose (sim, user, lock, wants, &place);
    const char *note = model_notes[sim_random (sim, MODEL_NOTES)];
    uint64_t acts_for = sim_random (sim, 20) == 0 ? 1 + sim_random (sim, MODEL_SESSIONS) : 0;
    for (uint64_t i = sim_random (sim, 20) == 0 ? 2 : 1; i > 0; i--) {
        hf_op_t *op;
        if (hf_op_claim (user->session, wants, count, note, acts_for, now_us, &op) != HF_OK)
            return;
        s_limit (sim, op, now_us);
        sim_tell (sim, "client %u (session %" PRIu64 ") asks for %s: locks %x, units %u, wants %x",
                  user->client->id, user->id, wants[0].lock, place.set, wants[0].units,
                  (unsigned)op->wants);
        user->places[lock] = place;
        user->asked[lock]++;
        user->asked_set[lock] = place.set;
        s_submit (user, op, lock, now_us);
    }
}

/*  What is held is wanted in another mode. Who asks for less relies on less at once. */
static void
s_change (sim_t *sim, user_t *user, size_t lock, uint64_t now_us)
{
    place_t *place = &user->places[lock];
    hf_want_t want = s_want (sim, lock, place->units[lock] == 0);
    want.limit = want.units > 0 ? sim->odds.limits[lock] : 0;
    hf_op_t *op;
    if (hf_op_claim (user->session, &want, 1, NULL, 0, now_us, &op) != HF_OK)
        return;
    s_limit (sim, op, now_us);
    if (want.units == 0 && sim_random (sim, 2) == 0)
        op->limit_us = now_us + 20000 + sim_random (sim, 500000); //  and it may go on as before
    sim_tell (sim, "client %u (session %" PRIu64 ") changes %s: units %u", user->client->id,
              user->id, want.lock, want.units);
    place->changing = true;
    user->asked[lock]++;
    user->asked_set[lock] = place->set;
    if (want.units > 0) {
        place->units[lock] = want.units;
        place->limits[lock] = want.limit;
    }
    s_submit (user, op, CHANGE + lock, now_us);
}

static void
s_hold (sim_t *sim, user_t *user, size_t lock, uint64_t now_us)
{
    place_t *place = &user->places[lock];
    place->act_us = now_us + sim_random (sim, sim->odds.hold_us);
    if (place->changing)
        return;
    if (place->set == 1U << lock && sim->odds.shared > 0 && sim_random (sim, 4) == 0 &&
        !sim_resting (sim)) {
        s_change (sim, user, lock, now_us);
        return;
    }
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
    if (place->want == WANT_NOTHING && due && !sim_resting (sim) && !s_busy (user, lock))
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
    sim_told_people (sim, client, now_us);
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
