//  Checks of what clients saw: P5 exclusive in real time, P7 what was acknowledged stays,
//  P9 no early end, P10 reads, exactly once.

#include "tests/sim/sim_internal.h"

static void
s_done (sim_t *sim, uint64_t index)
{
    if (index > sim->watch.answered_index)
        sim->watch.answered_index = index;
}

//  ---- P5 ---------------------------------------------------------------------------------

/*  In the order of the log, tokens rise; and no token is given twice. */
static void
s_tokens (sim_t *sim, size_t lock, granted_at_t grant)
{
    watch_t *watch = &sim->watch;
    for (size_t i = 0; i < watch->grants[lock].count; i++) {
        const granted_at_t *other = &watch->grants[lock].list[i];
        bool same = other->token == grant.token;
        bool good = same ? other->index == grant.index && other->session == grant.session
                         : other->index == grant.index || //  neighbours are granted together
                               (other->index < grant.index) == (other->token < grant.token);
        if (!good)
            sim_fail (sim, SIM_BROKEN,
                      "P5a: %s: token %" PRIu64 " at %" PRIu64 ", token %" PRIu64 " at %" PRIu64,
                      sim_lock_name (lock), other->token, other->index, grant.token, grant.index);
        if (same)
            return;
    }
    *hf_array_add (&watch->grants[lock]) = grant;
}

static uint64_t
s_deadline_us (const user_t *user)
{
    return hf_lease_deadline_us (hf_client_session_lease (user->session));
}

/*  With what the user relies on the lock at this moment; NULL: it does not. */
static const place_t *
s_believes (const sim_t *sim, const user_t *user, size_t lock)
{
    if (user->state != USER_HERE || sim_client_local (sim, user->client) >= s_deadline_us (user))
        return NULL;
    for (size_t first = 0; first < MODEL_LOCKS; first++)
        if (user->places[first].want == WANT_HELD && user->places[first].set >> lock & 1)
            return &user->places[first];
    return NULL;
}

/*  Nobody else relies on the lock in a mode that does not go with the user's PLACE. */
static void
s_alone (sim_t *sim, const user_t *user, const place_t *place, size_t lock)
{
    uint64_t units = place->units[lock];
    uint32_t limit = place->limits[lock];
    for (uint32_t id = 1; id <= sim->odds.clients; id++) {
        for (size_t i = 0; i < sim->odds.users; i++) {
            const user_t *other = &sim->clients[id].users[i];
            const place_t *held = other != user ? s_believes (sim, other, lock) : NULL;
            if (!held)
                continue;
            units += held->units[lock];
            bool shared = place->units[lock] > 0 && held->units[lock] > 0;
            if (!shared || held->limits[lock] != limit || (limit > 0 && units > limit))
                sim_fail (sim, SIM_BROKEN,
                          "P5b: sessions %" PRIu64 " (client %u, token %" PRIu64 ", units %u) and "
                          "%" PRIu64 " (client %u, token %" PRIu64 ", units %u) both hold %s",
                          other->id, id, held->token, held->units[lock], user->id, user->client->id,
                          place->token, place->units[lock], sim_lock_name (lock));
        }
    }
}

void
sim_belief_granted (sim_t *sim, const user_t *user, size_t lock, uint64_t token, uint64_t index)
{
    sim_tell (sim, "client %u (session %" PRIu64 ") holds %s, token %" PRIu64 ", index %" PRIu64,
              user->client->id, user->id, sim_lock_name (lock), token, index);
    s_done (sim, index);
    s_tokens (sim, lock, (granted_at_t){.session = user->id, .token = token, .index = index});
    if (sim_client_local (sim, user->client) >= s_deadline_us (user))
        sim_fail (sim, SIM_BROKEN, "P5b: client %u is given a grant past its deadline",
                  user->client->id);
    const place_t *place = &user->places[lock];
    for (size_t at = 0; at < MODEL_LOCKS; at++)
        if (place->set >> at & 1) {
            s_tokens (sim, at, (granted_at_t){.session = user->id, .token = token, .index = index});
            s_alone (sim, user, place, at);
        }
}

//  ---- P7, exactly once -----------------------------------------------------------------------

static const hf_answer_t *
s_answer (const sim_t *sim, uint64_t id, uint64_t seq)
{
    const model_session_t *session = &sim->watch.model->sessions[id];
    for (size_t i = 0; i < session->answers.count; i++)
        if (session->answers.list[i].seq == seq)
            return &session->answers.list[i];
    return NULL;
}

static void
s_check_answer (sim_t *sim, uint64_t session, const hf_answer_t *answer)
{
    if (answer->status == HF_STALE || answer->status == HF_SESSION_EXPIRED)
        return;
    const hf_answer_t *kept = s_answer (sim, session, answer->seq);
    //  Its leader said so by itself: it is not in the log, or got there when it was asked again
    //  after the session that it speaks for had ended, which is nobody's then. That changed
    //  nothing.
    if (answer->status == HF_DENIED && (!kept || kept->status == HF_NOT_HOLDER))
        return;
    if (!kept)
        sim_fail (sim, SIM_BROKEN,
                  "P7: seq %" PRIu64 " of session %" PRIu64 " was answered and is not in the log",
                  answer->seq, session);
    else if (kept->status != answer->status || kept->index != answer->index ||
             kept->token != answer->token || kept->position != answer->position)
        sim_fail (sim, SIM_BROKEN,
                  "once: seq %" PRIu64 " of session %" PRIu64 " got another answer than the log's",
                  answer->seq, session);
}

/*  A client takes FRAME. */
void
sim_belief_reply (sim_t *sim, hf_span_t frame)
{
    hf_scan_t scan;
    uint32_t kind;
    hf_answers_t answers;
    hf_answer_t answer;
    if (hf_frame_open (frame.at, frame.size, &scan, &kind) != HF_OK || kind != HF_KIND_ANSWERS)
        return;
    while (!hf_scan_at_end (&scan) && hf_answers_get (&scan, &answers)) {
        hf_scan_t items = hf_scan_list (answers.items);
        for (uint32_t i = 0; i < answers.items.count; i++) {
            if (hf_scan_kind (&items) != HF_KIND_ANSWER)
                hf_scan_skip (&items, 1);
            else if (hf_answer_get (&items, &answer))
                s_check_answer (sim, answers.session, &answer);
        }
    }
}

/*  A user gets the result of a request that was answered; or hears that it had no effect. */
void
sim_belief_result (sim_t *sim, const hf_op_t *op)
{
    if (op->kind == HF_OP_RELEASE && op->result.status == HF_LOST && op->seq != 0) {
        const hf_answer_t *done = s_answer (sim, op->result.session, op->seq);
        if (done && done->status == HF_OK)
            sim_fail (sim, SIM_BROKEN,
                      "once: a user of session %" PRIu64 " is told that seq %" PRIu64
                      " is lost, and it took effect",
                      op->result.session, op->seq);
        return;
    }
    bool ends = op->kind == HF_OP_RELEASE || op->kind == HF_OP_CANCEL || op->kind == HF_OP_APPEND;
    if (!ends || op->seq == 0 || (op->result.status != HF_OK && op->result.status != HF_NOT_HOLDER))
        return;
    const hf_answer_t *kept = s_answer (sim, op->result.session, op->seq);
    if (!kept || kept->status != (uint32_t)op->result.status || kept->index != op->result.index)
        sim_fail (sim, SIM_BROKEN,
                  "once: a user of session %" PRIu64 " gets %s for seq %" PRIu64
                  ", which is not in the log",
                  op->result.session, hf_status_name (op->result.status), op->seq);
    s_done (sim, op->result.index);
}

//  ---- P9 ---------------------------------------------------------------------------------------

static keepalive_t *
s_keepalive (sim_t *sim, uint64_t session, uint64_t echo)
{
    uint64_t hash = hf_hash_u64 (session, echo);
    return &sim->watch.keepalives[hash % (sizeof sim->watch.keepalives / sizeof (keepalive_t))];
}

/*  A node takes FRAME. */
void
sim_belief_request (sim_t *sim, hf_span_t frame)
{
    hf_scan_t scan;
    uint32_t kind;
    hf_keepalive_t in;
    hf_keep_t keep;
    if (hf_frame_open (frame.at, frame.size, &scan, &kind) != HF_OK || kind != HF_KIND_KEEPALIVE ||
        !hf_keepalive_get (&scan, &in))
        return;
    hf_scan_t list = hf_scan_list (in.sessions);
    while (hf_keep_get (&list, &keep))
        *s_keepalive (sim, keep.session, in.echo) =
            (keepalive_t){.session = keep.session, .echo = in.echo, .arrived_us = sim->now_us};
}

/*  A node acknowledges. */
void
sim_belief_kept (sim_t *sim, uint64_t session, uint64_t echo)
{
    const keepalive_t *in = s_keepalive (sim, session, echo);
    uint64_t *alive_us = &sim->watch.alive_us[session];
    if (in->session == session && in->echo == echo && in->arrived_us > *alive_us)
        *alive_us = in->arrived_us;
}

void
sim_belief_expired (sim_t *sim, uint64_t session, uint32_t ttl_ms)
{
    uint64_t passed_us = sim->now_us - sim->watch.alive_us[session];
    uint64_t least_us = (uint64_t)ttl_ms * 1000 * 1000000 / (1000000 + DRIFT_PPM_MAX);
    if (passed_us < least_us)
        sim_fail (sim, SIM_BROKEN,
                  "P9: session %" PRIu64 " (TTL %u ms) ends %" PRIu64
                  " ms after a keepalive that was acknowledged",
                  session, ttl_ms, passed_us / 1000);
    for (uint32_t id = 1; id <= sim->odds.clients; id++) {
        for (size_t i = 0; i < sim->odds.users; i++) {
            const user_t *user = &sim->clients[id].users[i];
            uint64_t local_us = sim_client_local (sim, user->client);
            if (user->state == USER_HERE && user->id == session && local_us < s_deadline_us (user))
                sim_fail (sim, SIM_BROKEN,
                          "P9: session %" PRIu64 " ends %" PRIu64
                          " ms before its client's deadline",
                          session, (s_deadline_us (user) - local_us) / 1000);
        }
    }
}

//  ---- P10 --------------------------------------------------------------------------------------

static held_at_t
s_held (const watch_t *watch, size_t lock, uint64_t index)
{
    held_at_t held = {0};
    for (size_t i = 0; i < watch->holders[lock].count; i++)
        if (watch->holders[lock].list[i].index <= index)
            held = watch->holders[lock].list[i];
    return held;
}

static void
s_check_holder (sim_t *sim, size_t lock, uint64_t index, const hf_holder_row_t *row)
{
    held_at_t held = s_held (&sim->watch, lock, index);
    if (row->session != held.session || row->token != held.token)
        sim_fail (sim, SIM_BROKEN,
                  "P10: a read of %s at %" PRIu64 " shows session %" PRIu64 ", not %" PRIu64,
                  sim_lock_name (lock), index, row->session, held.session);
}

/*  Of one lock, or of all. */
static void
s_locks (sim_t *sim, const client_t *client, const hf_query_result_t *result)
{
    hf_holder_row_t holders[MODEL_LOCKS] = {{.session = 0}};
    hf_scan_t scan = hf_scan_list (result->rows);
    bool one = client->query_what == HF_WHAT_LOCK;
    size_t at = MODEL_LOCKS;
    for (uint32_t i = 0; i < result->rows.count && !scan.bad; i++) {
        hf_lock_row_t row;
        uint32_t kind = hf_scan_kind (&scan);
        if (kind == HF_KIND_LOCK_ROW && hf_lock_row_get (&scan, &row))
            at = model_lock (row.lock);
        else if (kind == HF_KIND_HOLDER_ROW && at < MODEL_LOCKS && holders[at].session == 0)
            hf_holder_row_get (&scan, &holders[at]);
        else
            hf_scan_skip (&scan, 1);
    }
    assert (!scan.bad);
    if (result->index < client->query_low)
        sim_fail (sim, SIM_BROKEN,
                  "P10: a read sees the state at %" PRIu64 ", and %" PRIu64
                  " was complete before it was sent",
                  result->index, client->query_low);
    for (size_t lock = 0; lock < MODEL_LOCKS; lock++)
        if (!one || lock == client->query_name)
            s_check_holder (sim, lock, result->index, &holders[lock]);
}

/*  LENGTH bytes are a number of whole sections, with all that was complete before. */
static void
s_check_length (sim_t *sim, const client_t *client, size_t file, uint64_t length)
{
    const watch_t *watch = &sim->watch;
    size_t least = 0;
    bool whole = length == 0;
    for (size_t i = 0; i < watch->files.count; i++) {
        if (watch->files.list[i].index <= client->query_low)
            least = watch->files.list[i].size[file];
        whole = whole || watch->files.list[i].size[file] == length;
    }
    if (length < least)
        sim_fail (sim, SIM_BROKEN,
                  "P10: a read of %s sees %" PRIu64 " bytes, and %zu were complete before",
                  sim_file_name (file), length, least);
    else if (!whole)
        sim_fail (sim, SIM_BROKEN, "P6: a read of %s sees no whole sections", sim_file_name (file));
}

static void
s_read (sim_t *sim, const client_t *client, const hf_query_result_t *result)
{
    const model_text_t *text = &sim->watch.model->files[client->query_name];
    uint64_t at = client->query_offset;
    s_check_length (sim, client, client->query_name, result->total);
    bool all = at + result->data.size == result->total || at > result->total;
    if (!all || (result->data.size > 0 &&
                 (at + result->data.size > text->size ||
                  memcmp (result->data.at, text->bytes + at, result->data.size) != 0)))
        sim_fail (sim, SIM_BROKEN, "P6: a read of %s at %" PRIu64 " gives other bytes",
                  sim_file_name (client->query_name), at);
}

static void
s_files (sim_t *sim, const client_t *client, const hf_query_result_t *result)
{
    uint64_t lengths[MODEL_FILES] = {0};
    hf_scan_t scan = hf_scan_list (result->rows);
    for (uint32_t i = 0; i < result->rows.count; i++) {
        hf_file_row_t row;
        bool read = hf_file_row_get (&scan, &row);
        assert (read);
        lengths[model_file (row.file)] = row.length;
    }
    for (size_t file = 0; file < MODEL_FILES; file++)
        s_check_length (sim, client, file, lengths[file]);
}

void
sim_belief_query (sim_t *sim, const client_t *client, const hf_op_t *op)
{
    hf_query_result_t result;
    hf_scan_t scan = hf_scan (op->reply, op->reply_size);
    bool read = hf_query_result_get (&scan, &result);
    assert (read);
    sim->result->totals.reads++;
    if (result.status != HF_OK && result.status != HF_NOT_FOUND)
        sim_fail (sim, SIM_BROKEN, "P10: a read is answered %s",
                  hf_status_name ((hf_status_t)result.status));
    else if (client->query_what == HF_WHAT_LOCK || client->query_what == HF_WHAT_LOCKS)
        s_locks (sim, client, &result);
    else if (client->query_what == HF_WHAT_READ)
        s_read (sim, client, &result);
    else if (client->query_what == HF_WHAT_FILES)
        s_files (sim, client, &result);
}
