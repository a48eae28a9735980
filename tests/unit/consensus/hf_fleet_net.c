//  The network of a fleet.

#include "hf_fleet_internal.h"
#include <stdio.h>
#include <string.h>

#define KEPT UINT64_MAX

/*  Whether one of the rules is for this packet; it then counts it. */
static bool
s_ruled (rule_t *rules, size_t count, const packet_t *packet)
{
    for (size_t i = 0; i < count; i++) {
        rule_t *rule = &rules[i];
        if (rule->count == 0 || rule->kind != packet->kind || rule->from != packet->from ||
            (rule->to != 0 && rule->to != packet->to))
            continue;
        rule->count--;
        return true;
    }
    return false;
}

static void
s_queue (hf_fleet_t *self, uint32_t kind, uint32_t from, uint32_t to, const hf_pack_t *pack)
{
    const hf_fleet_options_t *options = &self->options;
    packet_t packet = {.kind = kind, .from = from, .to = to, .size = hf_pack_size (pack)};
    packet.deliver_us =
        self->now_us + options->latency_us + hf_fleet_random (self, options->jitter_us);
    packet.order = self->order++;
    packet.bytes = malloc (packet.size); //  to the byte, so that a sanitizer sees a read beyond
    assert (packet.bytes != NULL);
    memcpy (packet.bytes, hf_pack_bytes (pack), packet.size);
    *hf_array_add (&self->packets) = packet;
}

/*  One copy for one receiver. */
static void
s_post (hf_fleet_t *self, const hf_outgoing_t *out, uint32_t from, uint32_t to,
        const hf_pack_t *pack)
{
    packet_t packet = {.kind = out->message.kind, .from = from, .to = to};
    if (self->cut[from][to])
        return;
    if (s_ruled (self->rules, self->rules_count, &packet)) {
        hf_fleet_tell (self, HF_TELL_MESSAGES, "%u -> %u %s is lost", from, to,
                       hf_kind_name (out->message.kind));
        return;
    }
    if (hf_fleet_random (self, 1000) < self->options.loss_permille)
        return;
    s_queue (self, out->message.kind, from, to, pack);
    if (s_ruled (self->doubles, self->doubles_count, &packet)) {
        s_queue (self, out->message.kind, from, to, pack);
        self->packets.list[self->packets.count - 1].deliver_us = KEPT;
    }
    if (hf_fleet_random (self, 1000) < self->options.double_permille)
        s_queue (self, out->message.kind, from, to, pack);
}

//  ---- frames ---------------------------------------------------------------------------

static void
s_pack_entries (const node_t *node, const hf_outgoing_t *out, hf_pack_t *pack)
{
    hf_pack_t list;
    hf_pack_init (&list);
    hf_entries_t entries = out->message.entries;
    //  Up to here they are in the store, with the open transaction.
    assert (entries.prev_index + out->entries_count <= node->written.items.count);
    assert (out->entries_count == 0 || entries.prev_index >= node->written.base);
    for (uint32_t i = 0; i < out->entries_count; i++) {
        const item_t *item = &node->written.items.list[entries.prev_index + i];
        hf_entry_t entry = {item->term, item->type, hf_fleet_payload (item)};
        hf_entry_put (&list, &entry);
    }
    entries.entries = hf_pack_list (&list);
    hf_entries_frame (pack, &entries);
    hf_pack_done (&list);
}

void
hf_fleet_send (hf_fleet_t *self, const node_t *node, const hf_outgoing_t *out)
{
    hf_pack_t pack;
    hf_pack_init (&pack);
    if (out->message.kind == HF_KIND_ENTRIES)
        s_pack_entries (node, out, &pack);
    else
        hf_peer_frame (&pack, &out->message);
    for (uint32_t to = 1; to <= self->options.members; to++) {
        if (to != node->id && (out->to == 0 || out->to == to))
            s_post (self, out, node->id, to, &pack);
    }
    hf_pack_done (&pack);
}

//  ---- arriving --------------------------------------------------------------------------

static void
s_tell_event (const hf_fleet_t *self, uint32_t from, uint32_t to, const hf_event_t *event)
{
    uint32_t kind = event->peer.kind;
    char text[128] = "";
    uint32_t what = HF_TELL_MESSAGES;
    if (kind == HF_KIND_HEARTBEAT) {
        const hf_heartbeat_t *m = &event->peer.heartbeat;
        what = HF_TELL_BEATS;
        snprintf (text, sizeof text, "%lu round %lu commit %lu last %lu/%lu", m->term, m->round,
                  m->commit, m->last_index, m->last_term);
    } else if (kind == HF_KIND_ENTRIES) {
        const hf_entries_t *m = &event->peer.entries;
        snprintf (text, sizeof text, "%lu commit %lu prev %lu/%lu entries %u", m->term, m->commit,
                  m->prev_index, m->prev_term, m->entries.count);
    } else if (kind == HF_KIND_ACK) {
        const hf_ack_t *m = &event->peer.ack;
        what = HF_TELL_BEATS;
        snprintf (text, sizeof text, "%lu index %lu round %lu", m->term, m->index, m->round);
    } else if (kind == HF_KIND_NEED) {
        const hf_need_t *m = &event->peer.need;
        snprintf (text, sizeof text, "%lu probe %lu/%lu", m->term, m->probe_index, m->probe_term);
    } else if (kind == HF_KIND_VOTE_REQUEST) {
        const hf_vote_request_t *m = &event->peer.vote_request;
        snprintf (text, sizeof text, "%lu last %lu/%lu%s", m->term, m->last_index, m->last_term,
                  m->pre ? " pre" : "");
    } else if (kind == HF_KIND_VOTE) {
        const hf_vote_t *m = &event->peer.vote;
        snprintf (text, sizeof text, "%lu%s %s", m->term, m->pre ? " pre" : "",
                  m->granted ? "yes" : "no");
    } else if (kind == HF_KIND_TRANSFER) {
        const hf_transfer_t *m = &event->peer.transfer;
        snprintf (text, sizeof text, "%lu last %lu/%lu", m->term, m->last_index, m->last_term);
    } else if (kind == HF_KIND_STATE_OFFER) {
        const hf_state_offer_t *m = &event->peer.state_offer;
        snprintf (text, sizeof text, "%lu first %lu", m->term, m->first_index);
    } else
        snprintf (text, sizeof text, "%lu", event->peer.newer_term.term);
    hf_fleet_tell (self, what, "%u -> %u %s term %s", from, to, hf_kind_name (kind), text);
}

void
hf_fleet_deliver (hf_fleet_t *self, size_t at)
{
    packet_t packet = self->packets.list[at];
    self->packets.list[at] = self->packets.list[--self->packets.count];
    node_t *node = &self->nodes[packet.to];
    if (node->core != NULL && !self->cut[packet.from][packet.to]) {
        hf_event_t event;
        hf_scan_t scan;
        uint32_t kind;
        hf_status_t status = hf_frame_open (packet.bytes, packet.size, &scan, &kind);
        assert (status == HF_OK);
        bool read = hf_core_read_peer (node->core, &scan, kind, &event);
        assert (read);
        s_tell_event (self, packet.from, packet.to, &event);
        hf_fleet_step (self, node, &event);
    }
    free (packet.bytes);
}

bool
hf_fleet_inject (hf_fleet_t *self, uint32_t id, const void *frame, size_t size)
{
    node_t *node = hf_fleet_node (self, id);
    hf_event_t event;
    hf_scan_t scan;
    uint32_t kind;
    if (hf_frame_open (frame, size, &scan, &kind) != HF_OK ||
        !hf_core_read_peer (node->core, &scan, kind, &event))
        return false;
    hf_fleet_step (self, node, &event);
    return true;
}

//  ---- links -------------------------------------------------------------------------------

static void
s_link (hf_fleet_t *self, uint32_t at, uint32_t peer, bool up)
{
    if (self->nodes[at].core == NULL)
        return;
    hf_event_t event = {.type = HF_EV_LINK};
    event.link.node = peer;
    event.link.up = up;
    hf_fleet_step (self, &self->nodes[at], &event);
}

void
hf_fleet_set_link (hf_fleet_t *self, uint32_t a, uint32_t b)
{
    if (a == b)
        return;
    bool up = self->nodes[a].core != NULL && self->nodes[b].core != NULL && !self->cut[a][b] &&
              !self->cut[b][a];
    s_link (self, a, b, up);
    s_link (self, b, a, up);
}

void
hf_fleet_connect (hf_fleet_t *self, uint32_t a, uint32_t b, bool connected)
{
    assert (a != b);
    self->cut[a][b] = !connected;
    hf_fleet_set_link (self, a, b);
}

void
hf_fleet_drop (hf_fleet_t *self, uint32_t kind, uint32_t a, uint32_t b, uint32_t count)
{
    assert (self->rules_count < RULES_MAX);
    self->rules[self->rules_count++] = (rule_t){.kind = kind, .from = a, .to = b, .count = count};
}

void
hf_fleet_keep (hf_fleet_t *self, uint32_t kind, uint32_t a, uint32_t b, uint32_t count)
{
    assert (self->doubles_count < RULES_MAX);
    self->doubles[self->doubles_count++] = (rule_t){kind, a, b, count};
}

void
hf_fleet_arrive (hf_fleet_t *self)
{
    for (size_t i = 0; i < self->packets.count; i++) {
        if (self->packets.list[i].deliver_us == KEPT)
            self->packets.list[i].deliver_us = self->now_us;
    }
}

void
hf_fleet_drop_no_more (hf_fleet_t *self)
{
    self->rules_count = 0;
}
