//  A client's thread around its core: frames, connections and the clock; it may stall and die.

#include "tests/sim/sim_internal.h"

uint64_t
sim_client_local (const sim_t *sim, const client_t *client)
{
    return sim_local (sim, &client->clock);
}

//  ---- life -----------------------------------------------------------------------------

void
sim_client_start (sim_t *sim, client_t *client)
{
    client->life++;
    client->dead_until_us = client->stalled_until_us = 0;
    client->asks = false;
    sim_clock_start (sim, &client->clock);
    hf_client_config_t config = {.count = sim->odds.founders,
                                 .seed = sim_random (sim, UINT64_MAX),
                                 .request_us = 200000 + sim_random (sim, 800000)};
    memset (client->links, 0, sizeof client->links);
    for (uint32_t i = 0; i < config.count; i++) {
        config.ids[i] = client->links[i] = i + 1;
        snprintf (config.addresses[i].host, sizeof config.addresses[i].host, "node%u", i + 1);
        config.addresses[i].port = 1;
    }
    client->core = hf_client_core_new (&config);
    for (size_t i = 0; i < USERS_MAX; i++)
        client->users[i] = (user_t){.client = client};
    memset (client->watchers, 0, sizeof client->watchers);
    for (uint32_t node = 1; node <= config.count; node++)
        sim_connect_later (sim, client, node, 30000);
    sim_wake (sim, &client->turn, sim_random (sim, 500000));
}

/*  The process ends, and with it all that it knew; another one comes later. */
void
sim_client_die (sim_t *sim, client_t *client)
{
    sim_tell (sim, "client %u dies", client->id);
    client->dead_until_us = sim->now_us + 10000 + sim_random (sim, 5000000);
    client->life++;
    hf_client_core_destroy (&client->core);
    for (size_t i = 0; i < USERS_MAX; i++)
        client->users[i] = (user_t){.client = client};
    memset (client->watchers, 0, sizeof client->watchers);
    sim_drop_all (sim, &client->inbox);
    for (uint32_t node = 1; node <= sim->odds.members; node++)
        sim->connections[client->id][node].up = false;
    hf_heap_remove (&sim->events, &client->turn.due);
    sim_wake (sim, &client->turn, client->dead_until_us - sim->now_us);
}

//  ---- what goes in and out ----------------------------------------------------------------

static void
s_results (sim_t *sim, client_t *client)
{
    hf_op_t *op;
    uint64_t now_us = sim_client_local (sim, client);
    while (!sim->failed && (op = hf_client_core_next (client->core, now_us))) {
        sim_people_result (sim, client, op, now_us);
        hf_op_free (op);
    }
}

/*  A link may take a few frames in one turn and no more. */
static void
s_send (sim_t *sim, client_t *client)
{
    hf_outbox_t *outbox = hf_client_core_outbox (client->core);
    uint32_t taken[HF_MEMBERS_MAX + 1] = {0};
    for (size_t i = 0; i < outbox->frames.count; i++) {
        const hf_out_frame_t *frame = &outbox->frames.list[i];
        if (sim->odds.link_frames > 0 && ++taken[frame->peer] > sim->odds.link_frames)
            hf_client_core_unsent (client->core, frame->peer, sim_client_local (sim, client));
        else
            sim_to_node (sim, client, frame->peer, hf_outbox_bytes (outbox, frame));
    }
    hf_outbox_reset (outbox);
}

bool
sim_client_linked (const client_t *client, uint32_t node)
{
    bool linked = false;
    for (size_t slot = 0; slot < HF_MEMBERS_MAX; slot++)
        linked = linked || client->links[slot] == node;
    return linked;
}

/*  The core follows the roster: links are broken and made. */
static void
s_link (sim_t *sim, client_t *client)
{
    hf_client_link_t link;
    while (hf_client_core_link (client->core, &link)) {
        uint32_t *node = &client->links[link.slot];
        if (*node != 0)
            sim_unlink (sim, client->id, *node);
        *node = link.node;
        if (link.node != 0)
            sim_connect_later (sim, client, link.node, 30000);
    }
}

/*  The core goes to sleep: another turn at this moment must find nothing to do. */
static void
s_check_sleep (sim_t *sim, client_t *client, uint64_t now_us)
{
    if (hf_client_core_due_us (client->core) <= now_us || sim->failed)
        return;
    hf_client_core_turn (client->core, now_us);
    if (hf_client_core_outbox (client->core)->frames.count > 0)
        sim_fail (sim, SIM_STUCK, "P11: client %u sleeps with frames left", client->id);
}

/*  Timers, people, and what follows from both. */
static void
s_pump (sim_t *sim, client_t *client)
{
    uint64_t now_us = sim_client_local (sim, client);
    s_results (sim, client);
    if (now_us >= client->people_us) {
        sim_people (sim, client, now_us);
        client->people_us = now_us + 5000 + sim_random (sim, 30000);
    }
    hf_client_core_turn (client->core, now_us);
    s_link (sim, client);
    s_results (sim, client);
    s_send (sim, client);
    s_check_sleep (sim, client, now_us);
    uint64_t due_us = hf_client_core_due_us (client->core);
    due_us = client->people_us < due_us ? client->people_us : due_us;
    sim_wake (sim, &client->turn, 1 + sim_until (sim, &client->clock, due_us));
}

static void
s_take (sim_t *sim, client_t *client, event_t *event)
{
    uint64_t now_us = sim_client_local (sim, client);
    const connection_t *connection = &sim->connections[client->id][event->from];
    if (!sim_client_linked (client, event->from))
        ;
    else if (event->type == EV_CONNECT)
        hf_client_core_connected (client->core, event->from, now_us);
    else if (connection->route != event->a)
        ; //  of a connection that was broken off since
    else if (event->type == EV_DISCONNECT)
        hf_client_core_broken (client->core, event->from, now_us);
    else {
        hf_span_t frame = hf_span (event->frame->bytes, event->frame->size);
        sim_belief_reply (sim, frame);
        hf_client_core_frame (client->core, event->from, frame, now_us);
        s_link (sim, client);
    }
    sim_drop (sim, event);
}

void
sim_client_input (sim_t *sim, client_t *client, event_t *event)
{
    if (client->stalled_until_us > sim->now_us) {
        sim_keep (&client->inbox, event);
        return;
    }
    s_take (sim, client, event);
    s_pump (sim, client);
}

void
sim_client_turn (sim_t *sim, client_t *client)
{
    if (client->stalled_until_us > sim->now_us) {
        sim_wake (sim, &client->turn, client->stalled_until_us - sim->now_us);
        return;
    }
    if (!client->core) {
        sim_client_start (sim, client);
        return;
    }
    event_t *event;
    while ((event = sim_take (&client->inbox)))
        s_take (sim, client, event);
    s_pump (sim, client);
}
