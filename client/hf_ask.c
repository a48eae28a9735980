/*  hf_ask.c - idempotent questions: sent, repeated and re-routed until answered or out of time. */
#include "client/hf_impl.h"
#include <assert.h>
#include <stdlib.h>

hf_ask_t *
hf_ask_new (hf_client_t *client, hf_ask_kind_t kind, uint32_t limit_ms)
{
    hf_ask_t *ask = calloc (1, sizeof *ask);
    if (!ask)
        abort ();
    ask->kind = kind;
    ask->key = atomic_fetch_add (&client->next_key, 1);
    ask->timer.kind = HF_TIMER_ASK;
    ask->start_us = hf_client_now_us ();
    ask->limit_us = limit_ms == HF_FOREVER ? HF_NEVER : ask->start_us + (uint64_t)limit_ms * 1000;
    return ask;
}

void
hf_ask_free (hf_ask_t *ask)
{
    free (ask->frame);
    free (ask);
}

hf_ask_t *
hf_ask_query (hf_client_t *client, const hf_query_t *query, uint32_t limit_ms)
{
    hf_ask_t *ask = hf_ask_new (client, HF_ASK_QUERY, limit_ms);
    hf_query_t numbered = *query;
    numbered.id = ask->key;
    hf_pack_t pack;
    hf_pack_init (&pack);
    hf_query_frame (&pack, &numbered);
    ask->frame = hf_pack_take (&pack, &ask->frame_size);
    hf_pack_done (&pack);
    return ask;
}

hf_ask_t *
hf_ask_find (hf_client_t *client, hf_ask_kind_t kind, uint64_t key)
{
    hf_knot_t *knot = hf_knots_first (&client->asks, key);
    while (knot && ((hf_ask_t *)knot)->kind != kind)
        knot = hf_knots_next (knot);
    return (hf_ask_t *)knot;
}

//  ---- sending ----------------------------------------------------------------

/*  To one particular node, or to all that are connected: the first answer counts. */
static bool
s_send_aside (hf_client_t *client, const hf_ask_t *ask)
{
    bool sent = false;
    for (uint32_t i = 0; i < client->endpoints.count; i++) {
        if (ask->node == HF_NODE_ANY || client->endpoints.node[i].id == ask->node)
            sent |= hf_link_send (client->links[i], ask->frame, ask->frame_size);
    }
    return sent;
}

static bool
s_send_leader (hf_client_t *client, hf_ask_t *ask)
{
    if (!hf_leader_ready (client))
        return false;
    if (ask->tries == 0)
        hf_leader_owes (client);
    if (client->asked_us == HF_NEVER)
        client->asked_us = client->now_us;
    ask->epoch = client->choice.epoch;
    hf_link_send (client->links[client->choice.target], ask->frame, ask->frame_size);
    return true;
}

static void
s_send (hf_client_t *client, hf_ask_t *ask)
{
    bool leader = ask->node == HF_NODE_LEADER;
    bool sent = leader ? s_send_leader (client, ask) : s_send_aside (client, ask);
    uint64_t again = HF_NEVER;
    if (sent) {
        if (ask->tries++ == 0)
            ask->first_us = client->now_us;
        ask->sent_us = client->now_us;
        again = client->now_us + HF_REQUEST_US;
    }
    hf_timers_set (&client->timers, &ask->timer, again < ask->limit_us ? again : ask->limit_us);
}

void
hf_ask_start (hf_client_t *client, hf_ask_t *ask)
{
    ask->prev = NULL;
    ask->next = client->ask_list;
    if (client->ask_list)
        client->ask_list->prev = ask;
    client->ask_list = ask;
    hf_knots_put (&client->asks, &ask->knot, ask->key);
    s_send (client, ask);
}

/*  Its timer: the limit, or the time to send again. */
void
hf_ask_wake (hf_client_t *client, hf_ask_t *ask)
{
    uint32_t node = ask->node == HF_NODE_ANY || ask->node == HF_NODE_LEADER ? 0 : ask->node;
    if (client->now_us < ask->limit_us)
        s_send (client, ask);
    else
        hf_ask_finish (
            client, ask,
            hf_client_reached (client, node, ask->start_us) ? HF_TIMEOUT : HF_UNREACHABLE, NULL);
}

/*  There is another leader, or the old one takes requests again. */
void
hf_ask_send_all (hf_client_t *client)
{
    for (hf_ask_t *ask = client->ask_list; ask; ask = ask->next) {
        if (ask->node == HF_NODE_LEADER)
            s_send (client, ask);
    }
}

void
hf_ask_connected (hf_client_t *client, uint32_t node)
{
    uint32_t id = client->endpoints.node[node].id;
    for (hf_ask_t *ask = client->ask_list; ask; ask = ask->next) {
        if (ask->node == id || ask->node == HF_NODE_ANY)
            s_send (client, ask);
    }
}

//  ---- ending -----------------------------------------------------------------

void
hf_ask_finish (hf_client_t *client, hf_ask_t *ask, hf_status_t status, const void *reply)
{
    if (ask->prev)
        ask->prev->next = ask->next;
    else
        client->ask_list = ask->next;
    if (ask->next)
        ask->next->prev = ask->prev;
    hf_knots_take (&client->asks, &ask->knot);
    hf_timers_clear (&client->timers, &ask->timer);
    if (ask->node == HF_NODE_LEADER && ask->tries > 0)
        hf_leader_paid (client);
    ask->done (client, ask, status, reply);
    hf_ask_free (ask);
}

/*  NODE does not take a frame of ours, and does not say which. Questions that it has not
 *  answered are as good as refused; requests of sessions stay undecided until their end. */
void
hf_ask_refused (hf_client_t *client, uint32_t node, hf_status_t status)
{
    bool target = client->choice.target == (int)node;
    if (status >= HF_TIMEOUT || status <= HF_NOT_GRANTED)
        return;
    hf_ask_t *ask = client->ask_list;
    while (ask) {
        hf_ask_t *next = ask->next;
        bool meant =
            ask->node == HF_NODE_LEADER ? target : ask->node == client->endpoints.node[node].id;
        if (meant && ask->tries > 0)
            hf_ask_finish (client, ask, status, NULL);
        ask = next;
    }
}
