/*  Keys of the mesh: which one to take for a peer, who subscribes, and whom to cut off when a key
 * is revoked.
 *
 *  A PUB does not say who subscribes to it. With keys it is an XPUB, whose subscriptions carry the
 *  key and the descriptor of their connection; with the monitor of the socket these are kept apart
 *  from later connections of the same number. Both are read in each tick.
 */
#include "broker-less/hf_mesh_private.h"
#include "broker-less/hf_zap.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

#define SAY_US 10000000 //  between two lines about strangers

//  ---- the peers that we connect to ------------------------------------------------------

void
hf_mesh_connect (hf_mesh_t *self, hf_mesh_peer_t *peer, const char *address)
{
    if (self->keys != NULL) {
        if (!hf_keys_of_node (self->keys, peer->id, peer->turn, peer->key)) {
            peer->snub = HF_SNUB_UNKNOWN;
            return; //  its target comes back to it
        }
        hf_socket_present (self->sub, self->keys, peer->key);
    }
    self->emptied = false;
    hf_socket_connect (self->sub, address);
}

void
hf_mesh_snubbed (hf_mesh_t *self, hf_mesh_peer_t *peer, hf_snub_t snub, uint64_t now_us)
{
    peer->snub = snub;
    if (self->keys == NULL || !hf_snub_by_key (snub))
        return;
    //  The next key at once, until all were tried.
    peer->turn++;
    bool more = ++peer->tried < hf_keys_count (self->keys, peer->id);
    if (!more)
        peer->tried = 0;
    if (more)
        hf_target_silent (&peer->target, now_us);
}

bool
hf_mesh_key_trouble (const hf_mesh_t *self, const hf_mesh_peer_t *peer, char *text, size_t size)
{
    const hf_keys_t *keys = self->keys;
    if (peer->up || peer->snub == HF_SNUB_NONE)
        return false;
    hf_snub_text (peer->snub, peer->id, keys ? hf_keys_own (keys) : NULL,
                  keys ? hf_keys_own_file (keys) : NULL, keys ? hf_keys_dir (keys) : NULL, text,
                  size);
    return true;
}

/*  Leave the peers whose key is none of theirs any more. */
static void
s_leave_revoked (hf_mesh_t *self, uint64_t now_us)
{
    for (uint32_t i = 0; i < self->count; i++) {
        hf_mesh_peer_t *peer = &self->peer[i];
        hf_key_t whose;
        if (peer->key[0] == 0 || (hf_keys_admit (self->keys, HF_KEY_OF_NODE, peer->key, &whose) &&
                                  whose.node == peer->id))
            continue;
        peer->key[0] = 0;
        peer->tried = 0;
        hf_mesh_peer_leave (self, peer, now_us);
    }
}

//  ---- those that connect to us ------------------------------------------------------------

static hf_mesh_sub_t *
s_sub (hf_mesh_t *self, int fd)
{
    for (size_t i = 0; i < self->subs.count; i++)
        if (self->subs.list[i].fd == fd)
            return &self->subs.list[i];
    return NULL;
}

static void
s_judge_sub (hf_mesh_t *self, hf_mesh_sub_t *sub)
{
    if (sub->key[0] != 0 && !hf_keys_admit (self->keys, HF_KEY_OF_NODE, sub->key, NULL))
        hf_socket_cut (sub->fd);
}

static void
s_read_monitor (hf_mesh_t *self)
{
    hf_socket_sight_t sight;
    while (hf_socket_seen (self->pub_monitor, &sight)) {
        hf_mesh_sub_t *sub = s_sub (self, sight.value);
        if (sight.event == ZMQ_EVENT_ACCEPTED) {
            sub = sub != NULL ? sub : hf_array_add (&self->subs);
            *sub = (hf_mesh_sub_t){.fd = sight.value};
        } else if (sight.event == ZMQ_EVENT_DISCONNECTED && sub != NULL) {
            *sub = self->subs.list[--self->subs.count];
        } else if (sight.event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL)
            self->strangers++;
    }
}

static void
s_read_subscriptions (hf_mesh_t *self)
{
    zmq_msg_t message;
    zmq_msg_init (&message);
    while (zmq_msg_recv (&message, self->pub, ZMQ_DONTWAIT) >= 0) {
        const char *key = zmq_msg_gets (&message, HF_ZAP_KEY);
        hf_mesh_sub_t *sub = s_sub (self, zmq_msg_get (&message, ZMQ_SRCFD));
        if (sub == NULL)
            continue;
        snprintf (sub->key, sizeof sub->key, "%s", key != NULL ? key : "none");
        s_judge_sub (self, sub);
    }
    zmq_msg_close (&message);
}

static void
s_say_strangers (hf_mesh_t *self, uint64_t now_us)
{
    if (self->strangers == 0 || now_us < self->strangers_us)
        return;
    hf_mesh_news_t *news = hf_array_add (&self->news);
    *news = (hf_mesh_news_t){.type = HF_MESH_PEERS, .node = self->me.id};
    snprintf (
        news->text, sizeof (news->text),
        "refused %u connections of nodes without a key, or with another key of this node than "
        "it has",
        self->strangers);
    self->strangers = 0;
    self->strangers_us = now_us + SAY_US;
}

//  ---- life ----------------------------------------------------------------------------------

int
hf_mesh_keys_open (hf_mesh_t *self, void *context)
{
    self->keys = self->listen.keys;
    if (self->keys == NULL)
        return 0;
    self->keys_version = hf_keys_version (self->keys);
    hf_socket_admit (self->pub, self->keys, HF_KEY_OF_NODE);
    hf_socket_set (self->pub, ZMQ_XPUB_VERBOSE, 1);
    self->pub_monitor = hf_socket_monitor (context, self->pub,
                                           ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED |
                                               ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL);
    return self->pub_monitor == NULL ? -1 : 0;
}

void
hf_mesh_keys_tick (hf_mesh_t *self, uint64_t now_us)
{
    if (self->keys == NULL)
        return;
    s_read_monitor (self);
    s_read_subscriptions (self);
    s_say_strangers (self, now_us);
    uint64_t version = hf_keys_version (self->keys);
    if (version == self->keys_version)
        return;
    self->keys_version = version;
    s_leave_revoked (self, now_us);
    for (size_t i = 0; i < self->subs.count; i++) {
        hf_mesh_sub_t *sub = &self->subs.list[i];
        //  Whose subscription was read before its connection was seen has no key here: it comes
        //  again.
        if (sub->key[0] == 0)
            hf_socket_cut (sub->fd);
        else
            s_judge_sub (self, sub);
    }
}
