//  Frames on their way. One connection keeps its order; different ones do not.

#include "tests/sim/sim_internal.h"

//  ---- between nodes ------------------------------------------------------------------

static void
s_pack_entries (const node_t *node, const hf_outgoing_t *out, hf_pack_t *pack)
{
    hf_pack_t list;
    hf_pack_init (&list);
    hf_entries_t entries = out->entries;
    //  Up to here they are in the store, with the open transaction.
    //  (With none of them it is a point of the log as it was when the message was made.)
    for (uint32_t i = 0; i < out->entries_count; i++) {
        item_t item = sim_disk_at (&node->written, entries.prev_index + i + 1);
        hf_entry_t entry = sim_entry (&item);
        hf_entry_put (&list, &entry);
    }
    entries.entries = hf_pack_list (&list);
    hf_entries_frame (pack, &entries);
    hf_pack_done (&list);
}

static void
s_pack (const node_t *node, const hf_outgoing_t *out, hf_pack_t *pack)
{
    switch (out->kind) {
    case HF_KIND_HEARTBEAT:
        hf_heartbeat_frame (pack, &out->heartbeat);
        break;
    case HF_KIND_ENTRIES:
        s_pack_entries (node, out, pack);
        break;
    case HF_KIND_ACK:
        hf_ack_frame (pack, &out->ack);
        break;
    case HF_KIND_NEED:
        hf_need_frame (pack, &out->need);
        break;
    case HF_KIND_VOTE_REQUEST:
        hf_vote_request_frame (pack, &out->vote_request);
        break;
    case HF_KIND_VOTE:
        hf_vote_frame (pack, &out->vote);
        break;
    case HF_KIND_TRANSFER:
        hf_transfer_frame (pack, &out->transfer);
        break;
    case HF_KIND_NEWER_TERM:
        hf_newer_term_frame (pack, &out->newer_term);
        break;
    case HF_KIND_STATE_OFFER:
        hf_state_offer_frame (pack, &out->state_offer);
        break;
    default:
        assert (false);
    }
}

static void
s_post_frame (sim_t *sim, uint32_t from, uint32_t to, uint32_t kind, const blob_t *bytes)
{
    uint64_t *last_us = &sim->last_us[from][to];
    uint64_t at_us = sim->now_us + sim->odds.latency_us + sim_random (sim, sim->odds.jitter_us + 1);
    if (at_us < sim->lag_until_us[from][to])
        at_us = sim->lag_until_us[from][to];
    if (at_us < *last_us)
        at_us = *last_us;
    *last_us = at_us;
    sim_post (sim, at_us - sim->now_us,
              (event_t){.type = EV_PEER, .to = to, .from = from, .kind = kind, .bytes = bytes});
}

void
sim_send (sim_t *sim, const node_t *node, const hf_outgoing_t *out)
{
    hf_pack_t pack;
    hf_pack_init (&pack);
    s_pack (node, out, &pack);
    if (out->kind == HF_KIND_TRANSFER)
        sim->result->totals.transfers++;
    sim_send_frame (sim, node, out->to, out->kind, &pack);
    hf_pack_done (&pack);
}

void
sim_send_frame (sim_t *sim, const node_t *node, uint32_t to, uint32_t kind, const hf_pack_t *frame)
{
    const blob_t *bytes = sim_blob (sim, hf_pack_bytes (frame), hf_pack_size (frame));
    for (uint32_t id = 1; id <= sim->odds.members; id++) {
        if (id == node->id || (to != 0 && to != id) || sim->cut[node->id][id] ||
            sim_odds (sim, sim->odds.loss))
            continue;
        s_post_frame (sim, node->id, id, kind, bytes);
        if (sim_odds (sim, sim->odds.twice))
            s_post_frame (sim, node->id, id, kind, bytes);
    }
}

/*  The mesh notices after a while that a link is up, or is not. */
static void
s_link (sim_t *sim, uint32_t at, uint32_t peer)
{
    const node_t *node = &sim->nodes[at];
    if (node->core != NULL)
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
    s_link (sim, a, b);
    s_link (sim, b, a);
}

//  ---- to and from clients ---------------------------------------------------------------

static uint64_t
s_client_delay (sim_t *sim, uint32_t client, uint32_t node, uint64_t *last_us)
{
    uint64_t at_us =
        sim->now_us + sim->odds.latency_us + sim_random (sim, sim->odds.client_jitter_us + 1);
    if (at_us < sim->client_lag_until_us[client][node])
        at_us = sim->client_lag_until_us[client][node];
    if (at_us < *last_us)
        at_us = *last_us;
    *last_us = at_us;
    return at_us - sim->now_us;
}

void
sim_to_node (sim_t *sim, client_t *client, uint32_t node, const hf_pack_t *frame)
{
    if (sim->client_cut[client->id][node] || sim_odds (sim, sim->odds.client_loss))
        return;
    sim_post (sim,
              s_client_delay (sim, client->id, node, &sim->client_last_us[client->id][node][0]),
              (event_t){.type = EV_FROM_CLIENT,
                        .to = node,
                        .from = client->id,
                        .a = client->life,
                        .bytes = sim_blob (sim, hf_pack_bytes (frame), hf_pack_size (frame))});
}

void
sim_to_client (sim_t *sim, const node_t *node, uint32_t client, uint64_t life,
               const hf_pack_t *frame)
{
    if (sim->client_cut[client][node->id] || sim_odds (sim, sim->odds.client_loss))
        return;
    sim_post (sim,
              s_client_delay (sim, client, node->id, &sim->client_last_us[client][node->id][1]),
              (event_t){.type = EV_REPLY,
                        .to = client,
                        .from = node->id,
                        .life = life,
                        .bytes = sim_blob (sim, hf_pack_bytes (frame), hf_pack_size (frame))});
}
