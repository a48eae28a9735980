//  The clients of the door, and what waits for each.

#include "broker-less/hf_door_clients.h"
#include "base/hf_hash.h"
#include "base/hf_tsan.h"
#include "broker-less/hf_door_rules.h"
#include "broker-less/hf_socket.h"
#include <assert.h>
#include <stdlib.h>

#define AWAY_US 500000 //  to read why

//  ---- debts ------------------------------------------------------------------------

static size_t
s_debt_bytes (const hf_door_debt_t *self)
{
    return (size_t)(atomic_load (&self->sum) % HF_DOOR_REFERENCE);
}

void
hf_door_debt_drop (hf_door_debt_t *self, size_t bytes)
{
    HF_TSAN_GIVE (self);
    uint64_t gone = HF_DOOR_REFERENCE + bytes;
    if (atomic_fetch_sub (&self->sum, gone) != gone)
        return;
    HF_TSAN_TAKE (self);
    free (self);
}

//  ---- clients ----------------------------------------------------------------------

void
hf_door_clients_init (hf_door_clients_t *self)
{
    *self = (hf_door_clients_t){.all = 0};
    hf_table_init (&self->table);
    hf_chain_init (&self->indebted);
    hf_chain_init (&self->away);
}

static void
s_unlist (hf_door_client_t *client)
{
    if (!client->listed)
        return;
    hf_chain_remove (&client->indebted);
    client->listed = false;
}

/*  The newest of a slot counts, if it is served. */
static void
s_count (hf_door_clients_t *self, hf_door_client_t *client)
{
    if (!client || client->user == 0 || client->counted)
        return;
    self->of_user.list[client->user - 1]++;
    client->counted = true;
}

static void
s_uncount (hf_door_clients_t *self, hf_door_client_t *client)
{
    if (client->counted)
        self->of_user.list[client->user - 1]--;
    client->counted = false;
}

static void
s_forget (hf_door_clients_t *self, hf_door_client_t *client)
{
    s_unlist (client);
    s_uncount (self, client);
    if (client->away.next)
        hf_chain_remove (&client->away);
    hf_door_client_t **at = &self->slots.list[client->fd].clients;
    while (*at != client)
        at = &(*at)->next_of_fd;
    *at = client->next_of_fd;
    s_count (self, self->slots.list[client->fd].clients);
    hf_table_remove (&self->table, &client->by_route);
    hf_door_debt_drop (client->debt, 0);
    free (client->key);
    free (client->address);
    free (client);
}

void
hf_door_clients_done (hf_door_clients_t *self)
{
    hf_table_node_t *node;
    while ((node = hf_table_first (&self->table)))
        s_forget (self, HF_AROUND (node, hf_door_client_t, by_route));
    hf_table_done (&self->table);
    hf_array_free (&self->slots);
    hf_array_free (&self->of_user);
}

//  Guests are in the same table under other hashes.
enum { OF_CLIENT = 0, OF_GUEST = 1 };

static uint64_t
s_hash (const hf_route_t *route, uint64_t seed)
{
    return hf_hash (seed, route->id, route->size);
}

static inline hf_door_client_t *
s_find (const hf_door_clients_t *self, const hf_route_t *route, uint64_t seed)
{
    hf_table_node_t *node = hf_table_seek (&self->table, s_hash (route, seed));
    for (; node; node = hf_table_again (node)) {
        hf_door_client_t *client = HF_AROUND (node, hf_door_client_t, by_route);
        if (client->route.size == route->size &&
            memcmp (client->route.id, route->id, route->size) == 0)
            return client;
    }
    return NULL;
}

hf_door_client_t *
hf_door_clients_find (const hf_door_clients_t *self, const hf_route_t *route)
{
    return s_find (self, route, OF_CLIENT);
}

hf_door_client_t *
hf_door_clients_find_guest (const hf_door_clients_t *self, const hf_route_t *route)
{
    return s_find (self, route, OF_GUEST);
}

static hf_door_slot_t *
s_slot (hf_door_clients_t *self, int fd)
{
    assert (fd >= 0);
    while (self->slots.count <= (size_t)fd)
        *hf_array_add (&self->slots) = (hf_door_slot_t){.open = false};
    return &self->slots.list[fd];
}

static hf_door_client_t *
s_add (hf_door_clients_t *self, const hf_route_t *route, int fd, uint64_t seed)
{
    if (fd < 0 || !s_slot (self, fd)->open)
        return NULL;
    hf_door_slot_t *slot = s_slot (self, fd);
    if (slot->clients)
        s_uncount (self, slot->clients);
    hf_door_client_t *client = hf_alloc (sizeof *client);
    client->route = *route;
    client->fd = fd;
    client->next_of_fd = slot->clients;
    slot->clients = client;
    client->debt = hf_alloc (sizeof *client->debt);
    atomic_init (&client->debt->sum, HF_DOOR_REFERENCE);
    hf_table_insert (&self->table, &client->by_route, s_hash (route, seed));
    return client;
}

hf_door_client_t *
hf_door_clients_add (hf_door_clients_t *self, const hf_route_t *route, int fd)
{
    return s_add (self, route, fd, OF_CLIENT);
}

hf_door_client_t *
hf_door_clients_add_keyed (hf_door_clients_t *self, const hf_route_t *route, int fd,
                           const hf_key_t *key, bool guest)
{
    hf_door_client_t *client = s_add (self, route, fd, guest ? OF_GUEST : OF_CLIENT);
    if (!client)
        return NULL;
    client->key = hf_alloc (sizeof *client->key);
    *client->key = *key;
    return client;
}

static void
s_forget_all (hf_door_clients_t *self, hf_door_slot_t *slot)
{
    while (slot->clients)
        s_forget (self, slot->clients);
}

void
hf_door_clients_opened (hf_door_clients_t *self, int fd)
{
    hf_door_slot_t *slot = s_slot (self, fd);
    self->connections += !slot->open;
    slot->open = true;
    s_forget_all (self, slot);
}

void
hf_door_clients_closed (hf_door_clients_t *self, int fd)
{
    hf_door_slot_t *slot = s_slot (self, fd);
    self->connections -= slot->open;
    slot->open = false;
    s_forget_all (self, slot);
}

//  ---- users ---------------------------------------------------------------------------

void
hf_door_clients_serve (hf_door_clients_t *self, hf_door_client_t *client, uint32_t user)
{
    assert (user > 0 && client->user == 0);
    while (self->of_user.count < user)
        *hf_array_add (&self->of_user) = 0;
    client->user = user;
    s_count (self, client);
}

uint32_t
hf_door_clients_of (const hf_door_clients_t *self, uint32_t user)
{
    return user <= self->of_user.count ? self->of_user.list[user - 1] : 0;
}

void
hf_door_clients_turn_away (hf_door_clients_t *self, hf_door_client_t *client)
{
    assert (client->user == 0);
    client->away_us = self->swept_us + AWAY_US;
    hf_chain_append (&self->away, &client->away);
}

void
hf_door_clients_forget (hf_door_clients_t *self, hf_door_client_t *client)
{
    s_forget (self, client);
}

static void
s_send_away (hf_door_clients_t *self)
{
    while (!hf_chain_empty (&self->away)) {
        hf_door_client_t *client = HF_AROUND (self->away.next, hf_door_client_t, away);
        if (self->swept_us < client->away_us)
            return;
        if (client->next_of_fd || s_slot (self, client->fd)->clients != client)
            s_forget (self, client);
        else
            hf_door_clients_expel (self, client->fd);
    }
}

//  ---- keys ---------------------------------------------------------------------------

void
hf_door_clients_expel (hf_door_clients_t *self, int fd)
{
    if (fd < 0 || !s_slot (self, fd)->open)
        return;
    hf_socket_cut (fd);
    s_forget_all (self, s_slot (self, fd));
}

static bool
s_admitted (const hf_door_client_t *client, hf_keys_t *keys)
{
    hf_key_t whose;
    bool guest = client->key->name[0] == 0;
    return hf_keys_admit (keys, guest ? HF_KEY_OF_NODE : HF_KEY_OF_CLIENT, client->key->public_text,
                          &whose) &&
           (guest || strcmp (whose.name, client->key->name) == 0);
}

const hf_door_client_t *
hf_door_clients_revoked (const hf_door_clients_t *self, hf_keys_t *keys, int *fd)
{
    for (; (size_t)*fd < self->slots.count; (*fd)++) {
        const hf_door_client_t *client = self->slots.list[*fd].clients;
        for (; client; client = client->next_of_fd)
            if (client->key && !s_admitted (client, keys))
                return client;
    }
    return NULL;
}

//  ---- what waits ---------------------------------------------------------------------

static void
s_look (hf_door_clients_t *self, hf_door_client_t *client)
{
    size_t owed = s_debt_bytes (client->debt);
    if (owed < client->owed + client->put)
        client->moved_us = self->watched_us;
    client->owed = owed;
    client->put = 0;
    self->all += owed;
    if (owed == 0)
        s_unlist (client);
}

static void
s_cut (hf_door_clients_t *self, hf_door_client_t *client)
{
    client->cut = true;
    self->cut++;
    hf_socket_cut (client->fd);
}

void
hf_door_clients_sweep (hf_door_clients_t *self, uint64_t now_us)
{
    self->watched_us += hf_door_watched_us (now_us > self->swept_us ? now_us - self->swept_us : 0);
    self->swept_us = now_us;
    s_send_away (self);
    self->all = 0;
    HF_CHAIN_EACH_SAFE (&self->indebted, at)
    {
        s_look (self, HF_AROUND (at, hf_door_client_t, indebted));
    }
    HF_CHAIN_EACH (&self->indebted, at)
    {
        hf_door_client_t *client = HF_AROUND (at, hf_door_client_t, indebted);
        if (!client->cut &&
            hf_door_cuts (client->owed, self->all, self->watched_us - client->moved_us))
            s_cut (self, client);
    }
}

bool
hf_door_clients_admit (const hf_door_clients_t *self, const hf_door_client_t *client)
{
    return !client->cut && hf_door_admits (s_debt_bytes (client->debt), self->all);
}

void
hf_door_clients_sent (hf_door_clients_t *self, hf_door_client_t *client, size_t cost)
{
    self->all += cost;
    client->put += cost;
    if (client->listed)
        return;
    client->listed = true;
    client->moved_us = self->watched_us;
    hf_chain_append (&self->indebted, &client->indebted);
}
