//  Checks of what clients saw: P5 exclusive in real time, P7 what was acknowledged stays,
//  P9 no early end, P10 reads, exactly once.

#include "tests/sim/sim_internal.h"

static void
s_told (sim_t *sim, uint64_t index)
{
    if (index > sim->watch.told_index)
        sim->watch.told_index = index;
}

//  ---- P5 ---------------------------------------------------------------------------------

/*  In the order of the log, tokens rise; and no token is given twice. */
static void
s_tokens (sim_t *sim, size_t lock, granted_at_t grant)
{
    watch_t *watch = &sim->watch;
    for (size_t i = 0; i < watch->grants_count[lock]; i++) {
        const granted_at_t *other = &watch->grants[lock][i];
        bool same = other->token == grant.token;
        bool good = same ? other->index == grant.index && other->session == grant.session
                         : (other->index < grant.index) == (other->token < grant.token);
        if (!good)
            sim_fail (sim, SIM_BROKEN,
                      "P5a: %s: token %" PRIu64 " at %" PRIu64 ", token %" PRIu64 " at %" PRIu64,
                      sim_lock_name (lock), other->token, other->index, grant.token, grant.index);
        if (same)
            return;
    }
    watch->grants[lock] = sim_grow (watch->grants[lock], watch->grants_count[lock],
                                    &watch->grants_room[lock], sizeof grant);
    watch->grants[lock][watch->grants_count[lock]++] = grant;
}

static bool
s_believes (const sim_t *sim, const client_t *client, size_t lock)
{
    const client_lock_t *own = &client->locks[lock];
    bool holds = own->want == WANT_HELD || own->want == WANT_APPEND ||
                 (own->want == WANT_LEAVE && own->token != 0 && !own->released);
    return client->session != 0 && client->dead_until_us <= sim->now_us && holds &&
           sim_client_local (sim, client) < client->deadline_us;
}

void
sim_belief_granted (sim_t *sim, const client_t *client, size_t lock, uint64_t token, uint64_t index)
{
    sim_tell (sim, "client %u holds %s, token %" PRIu64 ", index %" PRIu64, client->id,
              sim_lock_name (lock), token, index);
    s_told (sim, index);
    s_tokens (sim, lock,
              (granted_at_t){.session = client->session, .token = token, .index = index});
    if (sim_client_local (sim, client) >= client->deadline_us)
        sim_fail (sim, SIM_BROKEN, "P5b: client %u takes a grant past its deadline", client->id);
    for (uint32_t id = 1; id <= sim->odds.clients; id++) {
        if (id != client->id && s_believes (sim, &sim->clients[id], lock))
            sim_fail (sim, SIM_BROKEN,
                      "P5b: clients %u (session %" PRIu64 ", token %" PRIu64
                      ") and %u (session %" PRIu64 ", token %" PRIu64 ") both hold %s",
                      id, sim->clients[id].session, sim->clients[id].locks[lock].token, client->id,
                      client->session, token, sim_lock_name (lock));
    }
}

//  ---- P7, exactly once -----------------------------------------------------------------------

void
sim_belief_answer (sim_t *sim, const client_t *client, const hf_answer_t *answer)
{
    if (answer->status == HF_STALE || answer->status == HF_SESSION_EXPIRED)
        return;
    const model_session_t *session = &sim->watch.model->sessions[client->session];
    for (size_t i = 0; i < session->answers.count; i++) {
        const hf_answer_t *kept = &session->answers.list[i];
        if (kept->seq != answer->seq)
            continue;
        if (kept->status != answer->status || kept->index != answer->index ||
            kept->token != answer->token || kept->position != answer->position)
            sim_fail (sim, SIM_BROKEN,
                      "once: seq %" PRIu64 " of session %" PRIu64
                      " got another answer than the log's",
                      answer->seq, client->session);
        s_told (sim, answer->index);
        return;
    }
    sim_fail (sim, SIM_BROKEN,
              "P7: seq %" PRIu64 " of session %" PRIu64 " was answered and is not in the log",
              answer->seq, client->session);
}

//  ---- P9
//  -----------------------------------------------------------------------------------------

void
sim_belief_alive (sim_t *sim, uint64_t session, uint64_t arrived_us)
{
    if (arrived_us > sim->watch.alive_us[session])
        sim->watch.alive_us[session] = arrived_us;
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
        const client_t *client = &sim->clients[id];
        if (client->session == session && !client->closing &&
            client->dead_until_us <= sim->now_us &&
            sim_client_local (sim, client) < client->deadline_us)
            sim_fail (sim, SIM_BROKEN,
                      "P9: session %" PRIu64 " ends %" PRIu64 " ms before its client's deadline",
                      session, (client->deadline_us - sim_client_local (sim, client)) / 1000);
    }
}

//  ---- P10
//  ----------------------------------------------------------------------------------------

void
sim_belief_lock (sim_t *sim, const client_t *client, const hf_query_result_t *result)
{
    const watch_t *watch = &sim->watch;
    size_t lock = client->query_name;
    hf_lock_row_t row = {0};
    hf_holder_row_t hold = {0};
    hf_scan_t scan = hf_scan_list (result->rows);
    if (result->status == HF_OK) {
        bool read = hf_lock_row_get (&scan, &row) && hf_holder_row_get (&scan, &hold);
        assert (read);
    }
    held_at_t held = {0};
    for (size_t i = 0; i < watch->holders_count[lock]; i++)
        if (watch->holders[lock][i].index <= result->index)
            held = watch->holders[lock][i];
    if (result->index < client->query_low)
        sim_fail (sim, SIM_BROKEN,
                  "P10: a read sees the state at %" PRIu64 ", and %" PRIu64
                  " was complete before it was sent",
                  result->index, client->query_low);
    else if (hold.session != held.session || hold.token != held.token)
        sim_fail (sim, SIM_BROKEN,
                  "P10: a read of %s at %" PRIu64 " shows session %" PRIu64 ", not %" PRIu64,
                  sim_lock_name (lock), result->index, hold.session, held.session);
}

void
sim_belief_read (sim_t *sim, const client_t *client, const hf_query_result_t *result)
{
    const watch_t *watch = &sim->watch;
    size_t file = client->query_name;
    const model_text_t *text = &watch->model->files[file];
    size_t least = 0;
    bool whole = result->total == 0;
    for (size_t i = 0; i < watch->files_count; i++) {
        if (watch->files[i].index <= client->query_low)
            least = watch->files[i].size[file];
        whole = whole || watch->files[i].size[file] == result->total;
    }
    if (result->total < least)
        sim_fail (sim, SIM_BROKEN,
                  "P10: a read of %s sees %" PRIu64 " bytes, and %zu were complete before",
                  sim_file_name (file), result->total, least);
    else if (!whole || result->data.size > text->size ||
             memcmp (result->data.at, text->bytes, result->data.size) != 0)
        sim_fail (sim, SIM_BROKEN, "P6: a read of %s sees no whole sections", sim_file_name (file));
}
