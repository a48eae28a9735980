/*  Who the peers are, and where: the members that the roster names, the addresses of their names,
 *  connecting and leaving.
 *
 *  A connection is closed by hf_mesh_next only, when no message is half read (see
 *  hf_socket_disconnect). Until then nothing is connected, so that an address that is left by one
 *  peer and taken by another is a new connection; and nothing is taken from the node that is left,
 *  which may be a peer at another place already.
 */
#include "broker-less/hf_mesh_private.h"
#include "base/hf_hash.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

//  ---- leaving -----------------------------------------------------------------------

static void
s_add_left (hf_mesh_t *self, uint32_t node, const char *address)
{
    hf_mesh_left_t *left = hf_array_add (&self->left);
    *left = (hf_mesh_left_t){.node = node};
    snprintf (left->address, sizeof (left->address), "%s", address);
}

void
hf_mesh_leave (hf_mesh_t *self)
{
    size_t done = 0;
    self->emptied = self->emptied && self->left.count == 0;
    while (done < self->left.count &&
           hf_socket_disconnect (self->sub, self->left.list[done].address) == 0)
        done++;
    hf_array_drop (&self->left, done);
}

bool
hf_mesh_leaves (const hf_mesh_t *self, uint32_t node)
{
    for (size_t i = 0; i < self->left.count; i++) {
        if (self->left.list[i].node == node)
            return true;
    }
    return false;
}

//  ---- members ------------------------------------------------------------------------

static void
s_tell (hf_mesh_t *self, const hf_mesh_peer_t *peer, const char *does)
{
    hf_mesh_news_t *news = hf_array_add (&self->news);
    *news = (hf_mesh_news_t){.type = HF_MESH_PEERS, .node = peer->id};
    snprintf (news->text, sizeof (news->text), "%s node %u at %s:%u, as the members are now", does,
              peer->id, peer->target.host, (unsigned)peer->target.port);
}

/*  PEER is none any more. Two names may stand for one address: the connection of a peer that stays
 *  is not closed. */
static void
s_part (hf_mesh_t *self, const hf_mesh_peer_t *peer)
{
    if (peer->reported_up)
        *hf_array_add (&self->news) =
            (hf_mesh_news_t){.type = HF_MESH_DOWN, .node = peer->id, .text = ""};
    s_tell (self, peer, "disconnects from");
    bool shared = false;
    for (uint32_t i = 0; i < self->count; i++)
        shared = shared || strcmp (self->peer[i].target.address, peer->target.address) == 0;
    if (peer->target.address[0] != 0 && !shared)
        s_add_left (self, peer->id, peer->target.address);
}

static bool
s_is_at (const hf_mesh_peer_t *peer, const hf_endpoint_t *place)
{
    return peer->id == place->id && peer->target.port == place->node_port &&
           strcmp (peer->target.host, place->host) == 0;
}

void
hf_mesh_set_peers (hf_mesh_t *self, const hf_endpoints_t *members, bool say)
{
    hf_mesh_peer_t old[HF_MEMBERS_MAX];
    uint32_t old_count = self->count;
    bool stays[HF_MEMBERS_MAX] = {false}, comes[HF_MEMBERS_MAX] = {false};
    memcpy (old, self->peer, old_count * sizeof (*old));
    self->count = 0;
    for (uint32_t i = 0; i < members->count; i++) {
        const hf_endpoint_t *place = &members->node[i];
        if (place->id == self->me.id)
            continue;
        uint32_t at = 0;
        while (at < old_count && !s_is_at (&old[at], place))
            at++;
        assert (self->count < HF_MEMBERS_MAX);
        if (at < old_count) {
            self->peer[self->count] = old[at];
            stays[at] = true;
        } else {
            hf_mesh_peer_init (&self->peer[self->count], place, ++self->tags);
            comes[self->count] = true;
        }
        self->count++;
    }
    for (uint32_t i = 0; i < old_count; i++) {
        if (!stays[i])
            s_part (self, &old[i]);
    }
    for (uint32_t i = 0; say && i < self->count; i++) {
        if (comes[i])
            s_tell (self, &self->peer[i], "connects to");
    }
    self->list = *members;
    hf_endpoints_add (&self->list, &self->own);
}

void
hf_mesh_follow (hf_mesh_t *self, const hf_endpoints_t *members, uint64_t cluster)
{
    assert (self && members);
    if (self->me.list[0] == 0 && (cluster != 0 || self->me.cluster != 0)) {
        //  It joined. A member that lost its disk and was started with the list of the members is
        //  let in by this one, too.
        hf_endpoints_text (members, self->me.list);
        self->me.list_hash = hf_hash (0, self->me.list, strlen (self->me.list));
    }
    for (uint32_t i = 0; cluster != 0 && cluster != self->me.cluster && i < self->count; i++) {
        //  Those that were judged by their lists are judged again, but stay until then.
        if (self->me.cluster != 0 || self->peer[i].foreign)
            hf_mesh_peer_doubt (&self->peer[i]);
    }
    if (cluster != 0)
        self->me.cluster = cluster;
    hf_mesh_set_peers (self, members, true);
    self->hurry_us = self->tick_us + HF_MESH_HURRY_US;
}

//  ---- names and addresses -----------------------------------------------------------

/*  Ask for the addresses of PEER's name. */
static void
s_look (hf_mesh_t *self, hf_mesh_peer_t *peer, uint64_t now_us)
{
    if (self->resolver == NULL)
        self->resolver = hf_resolver_new ();
    if (self->resolver != NULL)
        hf_resolver_ask (self->resolver, peer->tag, peer->target.host);
    else
        hf_target_failed (&peer->target, zmq_strerror (zmq_errno ()), now_us);
}

static void
s_move (hf_mesh_t *self, hf_mesh_peer_t *peer, uint64_t now_us)
{
    char address[HF_ADDRESS_SIZE + 8];
    for (;;) {
        switch (hf_target_next (&peer->target, now_us, address)) {
        case HF_TARGET_REST:
            return;
        case HF_TARGET_LOOK:
            s_look (self, peer, now_us);
            break;
        case HF_TARGET_CONNECT:
            hf_mesh_connect (self, peer, address);
            break;
        case HF_TARGET_DISCONNECT:
            s_add_left (self, peer->id, address);
            return;
        }
    }
}

/*  What is wrong with the names now. */
static void
s_judge (hf_mesh_t *self, uint64_t now_us)
{
    char text[HF_NAMES_TEXT_SIZE], line[HF_NAMES_TEXT_SIZE];
    hf_addresses_t addresses[HF_MEMBERS_MAX] = {0};
    uint32_t own = self->list.count; //  not in the list, which is full
    for (uint32_t i = 0; i < self->list.count; i++) {
        hf_mesh_peer_t *peer = hf_mesh_peer_find (self->peer, self->count, self->list.node[i].id);
        if (self->list.node[i].id == self->me.id) {
            own = i;
            if (!hf_listen_is_mapped (&self->listen, &self->list.node[i]))
                addresses[i] = self->listen.at;
        } else if (!peer->up) //  a peer that is up is no trouble, whatever its name stands for
            addresses[i] = peer->target.found;
    }
    text[0] = 0;
    if (own < self->list.count)
        hf_names_judge (&self->list, addresses, own, self->listen.chosen, text);
    for (uint32_t i = 0; i < self->count; i++) {
        if (!self->peer[i].up &&
            hf_target_trouble (&self->peer[i].target, now_us, line, sizeof (line)))
            hf_names_add (text, line);
        if (hf_mesh_key_trouble (self, &self->peer[i], line, sizeof (line)))
            hf_names_add (text, line);
    }
    if (strcmp (text, self->names) == 0)
        return;
    strcpy (self->names, text);
    self->names_changed = true;
}

void
hf_mesh_follow_names (hf_mesh_t *self, uint64_t now_us)
{
    hf_looked_t answer;
    while (self->resolver != NULL && hf_resolver_next (self->resolver, &answer)) {
        uint32_t at = 0;
        while (at < self->count && self->peer[at].tag != answer.tag)
            at++;
        if (at == self->count)
            continue; //  of a peer that is left
        if (answer.found.count > 0)
            hf_target_found (&self->peer[at].target, &answer.found, now_us);
        else
            hf_target_failed (&self->peer[at].target, answer.why, now_us);
    }
    for (uint32_t i = 0; i < self->count && self->left.count == 0; i++)
        s_move (self, &self->peer[i], now_us);
    s_judge (self, now_us);
}
