//  The watches of all clients (hf_watches.h).

#include "nodes/services/hf_watches.h"
#include "base/hf_hash.h"
#include "base/hf_mutant.h"

void
hf_watches_init (hf_watches_t *self, size_t most, size_t most_of_client)
{
    *self = (hf_watches_t){.most = most, .most_of_client = most_of_client};
    hf_table_init (&self->by_id);
    hf_table_init (&self->clients);
    hf_chain_init (&self->ages);
    hf_chain_init (&self->behind);
    hf_chain_init (&self->idle);
}

void
hf_watches_done (hf_watches_t *self)
{
    hf_table_free (&self->by_id);
    hf_table_free (&self->clients);
}

//  ---- finding ------------------------------------------------------------------------

static uint64_t
s_route_hash (const hf_route_t *route)
{
    return hf_hash (0, route->id, route->size);
}

static uint64_t
s_hash (const hf_route_t *route, uint64_t id)
{
    return hf_hash_u64 (s_route_hash (route), id);
}

static hf_watcher_t *
s_client (const hf_watches_t *self, const hf_route_t *route)
{
    hf_table_node_t *node = hf_table_seek (&self->clients, s_route_hash (route));
    for (; node; node = hf_table_again (node))
        if (hf_route_equal (&HF_AROUND (node, hf_watcher_t, by_route)->route, route))
            return HF_AROUND (node, hf_watcher_t, by_route);
    return NULL;
}

hf_watch_t *
hf_watches_find (const hf_watches_t *self, const hf_route_t *route, uint64_t id)
{
    hf_table_node_t *node = hf_table_seek (&self->by_id, s_hash (route, id));
    for (; node; node = hf_table_again (node)) {
        hf_watch_t *watch = HF_AROUND (node, hf_watch_t, by_id);
        if (watch->id == id && hf_route_equal (&watch->client->route, route))
            return watch;
    }
    return NULL;
}

//  ---- they come and go ---------------------------------------------------------------

static hf_watch_t *
s_new (hf_watches_t *self, const hf_route_t *route, uint64_t id)
{
    hf_watcher_t *client = s_client (self, route);
    if (self->by_id.count >= self->most || (client && client->count >= self->most_of_client))
        return NULL;
    if (!client) {
        client = hf_alloc (sizeof *client);
        client->route = *route;
        hf_chain_init (&client->watches);
        hf_table_insert (&self->clients, &client->by_route, s_route_hash (route));
    }
    hf_watch_t *watch = hf_alloc (sizeof *watch);
    watch->id = id;
    watch->client = client;
    client->count++;
    hf_chain_append (&client->watches, &watch->of_client);
    hf_chain_append (&self->ages, &watch->age);
    hf_table_insert (&self->by_id, &watch->by_id, s_hash (route, id));
    return watch;
}

hf_watch_t *
hf_watches_hear (hf_watches_t *self, const hf_route_t *route, uint64_t id, uint64_t now_us)
{
    hf_watch_t *watch = hf_watches_find (self, route, id);
    watch = watch ? watch : s_new (self, route, id);
    if (!watch)
        return NULL;
    watch->heard_us = now_us;
    hf_chain_remove (&watch->age);
    hf_chain_append (&self->ages, &watch->age);
    hf_watches_turn (self, watch, HF_WATCH_BEHIND);
    return watch;
}

void
hf_watches_drop (hf_watches_t *self, hf_watch_t *watch)
{
    hf_watcher_t *client = watch->client;
    hf_watches_turn (self, watch, HF_WATCH_FULL);
    hf_chain_remove (&watch->of_client);
    hf_chain_remove (&watch->age);
    hf_table_remove (&self->by_id, &watch->by_id);
    free (watch);
    if (--client->count > 0)
        return;
    hf_table_remove (&self->clients, &client->by_route);
    free (client);
}

void
hf_watches_leave (hf_watches_t *self, const hf_route_t *route)
{
    hf_watcher_t *client = s_client (self, route);
    for (size_t left = client ? client->count : 0; left > 0; left--)
        hf_watches_drop (self, HF_AROUND (client->watches.next, hf_watch_t, of_client));
}

void
hf_watches_forget (hf_watches_t *self, uint64_t since_us)
{
    while (!hf_chain_empty (&self->ages)) {
        hf_watch_t *oldest = HF_AROUND (self->ages.next, hf_watch_t, age);
        if (oldest->heard_us >= since_us)
            return;
        hf_watches_drop (self, oldest);
    }
}

//  ---- turns --------------------------------------------------------------------------

void
hf_watches_stir (hf_watches_t *self)
{
    hf_chain_splice (&self->behind, &self->idle);
}

hf_watch_t *
hf_watches_next (const hf_watches_t *self)
{
    return hf_chain_empty (&self->behind) ? NULL : HF_AROUND (self->behind.next, hf_watch_t, turn);
}

void
hf_watches_turn (hf_watches_t *self, hf_watch_t *watch, hf_watch_now_t now)
{
    if (watch->turn.next)
        hf_chain_remove (&watch->turn);
    if (now == HF_WATCH_BEHIND)
        hf_chain_append (&self->behind, &watch->turn);
    else if (now == HF_WATCH_IDLE)
        hf_chain_append (&self->idle, &watch->turn);
}
