//  Frames on their way, and connections. One connection keeps its order; different ones do not.

#include "tests/sim/sim_internal.h"

//  ---- between nodes ------------------------------------------------------------------

static void
s_post_frame (sim_t *sim, uint32_t from, uint32_t to, const blob_t *frame)
{
    uint64_t *last_us = &sim->last_us[from][to];
    uint64_t at_us = sim->now_us + sim->odds.latency_us + sim_random (sim, sim->odds.jitter_us + 1);
    if (at_us < sim->lag_until_us[from][to])
        at_us = sim->lag_until_us[from][to];
    if (at_us < *last_us)
        at_us = *last_us;
    *last_us = at_us;
    sim_post (sim, at_us - sim->now_us,
              (event_t){.type = EV_PEER, .to = to, .from = from, .frame = frame});
}

/*  Keep the votes of term 1: they may come again when the elected node has lost its disk. Gives the
 *  frame's bytes if they are kept. */
static const blob_t *
s_keep_vote (sim_t *sim, const node_t *node, uint32_t to, hf_span_t frame)
{
    hf_scan_t scan;
    uint32_t kind;
    hf_vote_t vote;
    if (hf_frame_open (frame.at, frame.size, &scan, &kind) != HF_OK || kind != HF_KIND_VOTE ||
        !hf_vote_get (&scan, &vote) || !vote.granted || vote.term != 1)
        return NULL;
    const blob_t *blob = sim_blob (sim, frame.at, frame.size);
    sim->votes[node->id][to][vote.pre ? 0 : 1] = blob;
    return blob;
}

void
sim_to_peers (sim_t *sim, const node_t *node, uint32_t to, hf_span_t frame)
{
    const blob_t *blob = s_keep_vote (sim, node, to, frame);
    for (uint32_t id = 1; id <= sim->odds.members; id++) {
        if (id == node->id || (to != 0 && to != id) || sim->cut[node->id][id] ||
            sim_odds (sim, sim->odds.loss) || sim_is_kept_back (sim, id, frame))
            continue;
        if (!blob)
            blob = sim_blob (sim, frame.at, frame.size);
        s_post_frame (sim, node->id, id, blob);
        if (sim_odds (sim, sim->odds.twice))
            s_post_frame (sim, node->id, id, blob);
    }
}

/*  The mesh notices after a while that a link is up, or is not. */
static void
s_link (sim_t *sim, uint32_t at, uint32_t peer)
{
    const node_t *node = &sim->nodes[at];
    if (node->up)
        sim_post (sim, 1000 + sim_random (sim, 150000),
                  (event_t){.type = EV_LINK, .to = at, .from = peer, .life = node->life});
}

void
sim_links (sim_t *sim, uint32_t a)
{
    for (uint32_t b = 1; b <= sim->odds.members; b++) {
        if (a == b)
            continue;
        s_link (sim, a, b);
        s_link (sim, b, a);
    }
}

void
sim_cut (sim_t *sim, uint32_t a, uint32_t b, bool cut)
{
    if (a == b || sim->cut[a][b] == cut)
        return;
    sim->cut[a][b] = cut;
    sim->cut_us[a][b] = sim->now_us;
    s_link (sim, a, b);
    s_link (sim, b, a);
}

bool
sim_long_cut (const sim_t *sim, uint32_t a, uint32_t b, bool cut)
{
    bool there = sim->cut[a][b] == cut && sim->now_us >= sim->cut_us[a][b] + 1000000;
    bool back = sim->cut[b][a] == cut && sim->now_us >= sim->cut_us[b][a] + 1000000;
    return cut ? there || back : there && back;
}

//  ---- forged frames --------------------------------------------------------------------

/*  It names a peer, and numbers that no honest one can have reached. */
void
sim_forge (sim_t *sim, const node_t *node)
{
    uint32_t from = 1 + (uint32_t)sim_random (sim, sim->odds.members);
    uint64_t term = node->seen.term;
    uint32_t kind = (uint32_t)sim_random (sim, 4);
    if (kind < 2 && node->seen.role == HF_FOLLOWER && node->seen.leader != 0)
        from = node->seen.leader;
    if (from == node->id || term == 0)
        return;
    hf_pack_t frame;
    hf_pack_init (&frame);
    if (kind < 2)
        hf_heartbeat_frame (&frame, &(hf_heartbeat_t){.from = from,
                                                      .term = term,
                                                      .round = SIM_ABSURD,
                                                      .last_index = SIM_ABSURD,
                                                      .last_term = term});
    else if (kind == 2)
        hf_newer_term_frame (&frame,
                             &(hf_newer_term_t){.from = from, .to = node->id, .term = SIM_ABSURD});
    else
        hf_ack_frame (&frame, &(hf_ack_t){.from = from,
                                          .to = node->id,
                                          .term = term,
                                          .index = SIM_ABSURD,
                                          .round = SIM_ABSURD,
                                          .hears = UINT32_MAX});
    sim_tell (sim, "node %u gets a forged frame, kind %u, of node %u", node->id, kind, from);
    s_post_frame (sim, from, node->id,
                  sim_blob (sim, hf_pack_bytes (&frame), hf_pack_size (&frame)));
    hf_pack_done (&frame);
}

//  ---- clients' connections ------------------------------------------------------------

void
sim_connect_later (sim_t *sim, const client_t *client, uint32_t node, uint64_t limit_us)
{
    sim_post (sim, sim_random (sim, limit_us),
              (event_t){.type = EV_CONNECT, .to = client->id, .from = node, .life = client->life});
}

/*  Each connection has a route of its own, which is never used again. */
void
sim_connect (sim_t *sim, event_t *event)
{
    client_t *client = &sim->clients[event->to];
    connection_t *connection = &sim->connections[event->to][event->from];
    if (!sim_client_linked (client, event->from)) {
        sim_drop (sim, event);
        return;
    }
    bool reached = sim->nodes[event->from].up && !sim_lags (sim, event->from);
    if (reached && !connection->cut && !connection->up) {
        connection->up = true;
        connection->route = ++sim->routes << 8 | client->id;
        connection->last_us[0] = connection->last_us[1] = 0;
        event->a = connection->route;
        sim_client_input (sim, client, event);
        return;
    }
    if (!connection->up)
        sim_connect_later (sim, client, event->from, 300000);
    sim_drop (sim, event);
}

void
sim_unlink (sim_t *sim, uint32_t client, uint32_t node)
{
    sim->connections[client][node].up = false;
    sim->connections[client][node].route = 0; //  what is on its way comes to nobody
}

void
sim_disconnect (sim_t *sim, uint32_t id, uint32_t node, bool seen)
{
    connection_t *connection = &sim->connections[id][node];
    if (!connection->up)
        return;
    connection->up = false;
    event_t event = {.type = EV_DISCONNECT,
                     .to = id,
                     .from = node,
                     .life = sim->clients[id].life,
                     .a = connection->route};
    uint64_t seen_us = seen ? sim_random (sim, 5000) : 300000 + sim_random (sim, 1000000);
    sim_post (sim, seen_us, event);
    event.type = EV_CONNECT;
    sim_post (sim, seen_us + sim_random (sim, 300000), event);
}

static uint64_t
s_client_delay (sim_t *sim, connection_t *connection, int way)
{
    uint64_t at_us =
        sim->now_us + sim->odds.latency_us + sim_random (sim, sim->odds.client_jitter_us + 1);
    if (at_us < connection->lag_until_us[way])
        at_us = connection->lag_until_us[way];
    if (at_us < connection->last_us[way])
        at_us = connection->last_us[way];
    connection->last_us[way] = at_us;
    return at_us - sim->now_us;
}

void
sim_to_node (sim_t *sim, const client_t *client, uint32_t node, hf_span_t frame)
{
    connection_t *connection = &sim->connections[client->id][node];
    if (!connection->up || connection->cut || sim_odds (sim, sim->odds.client_loss))
        return;
    sim_post (sim, s_client_delay (sim, connection, 0),
              (event_t){.type = EV_REQUEST,
                        .to = node,
                        .from = client->id,
                        .life = sim->nodes[node].life,
                        .a = connection->route,
                        .frame = sim_blob (sim, frame.at, frame.size)});
}

hf_route_t
sim_route (const event_t *event)
{
    hf_route_t route = {.size = sizeof event->a};
    memcpy (route.id, &event->a, sizeof event->a);
    return route;
}

uint64_t
sim_route_number (const hf_route_t *route)
{
    uint64_t number;
    assert (route->size == sizeof number);
    memcpy (&number, route->id, sizeof number);
    return number;
}

bool
sim_to_client (sim_t *sim, const node_t *node, uint64_t number, hf_span_t frame)
{
    uint32_t id = (uint32_t)(number & 255);
    connection_t *connection = &sim->connections[id][node->id];
    if (!connection->up || connection->route != number)
        return false;
    if (!connection->cut && !sim_odds (sim, sim->odds.client_loss))
        sim_post (sim, s_client_delay (sim, connection, 1),
                  (event_t){.type = EV_REPLY,
                            .to = id,
                            .from = node->id,
                            .life = sim->clients[id].life,
                            .a = number,
                            .frame = sim_blob (sim, frame.at, frame.size)});
    return true;
}
