//  The fleet: nodes, their drivers and disks, and the course of time.

#include "hf_fleet_internal.h"
#include "base/hf_alloc.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

uint64_t
hf_fleet_random (hf_fleet_t *self, uint64_t limit)
{
    return hf_random_below (&self->random, limit);
}

void
hf_fleet_tell (const hf_fleet_t *self, uint32_t what, const char *format, ...)
{
    if (self->options.tell == NULL || (self->options.tell_what & what) == 0)
        return;
    char line[256];
    va_list args;
    va_start (args, format);
    vsnprintf (line, sizeof line, format, args);
    va_end (args);
    self->options.tell (self->options.tell_arg, line);
}

hf_fleet_t *
hf_fleet_new (const hf_fleet_options_t *options)
{
    assert (options->members > 0 && options->members <= HF_MEMBERS_MAX);
    hf_fleet_t *self = hf_alloc (sizeof *self);
    self->options = *options;
    self->random = (hf_random_t){options->seed};
    self->now_us = 1000000;
    for (uint32_t id = 1; id <= options->members; id++) {
        self->nodes[id].id = id;
        self->nodes[id].incarnation = 100 * id + 1;
        hf_effects_init (&self->nodes[id].effects);
    }
    return self;
}

void
hf_fleet_destroy (hf_fleet_t **self_p)
{
    hf_fleet_t *self = *self_p;
    for (uint32_t id = 1; id <= self->options.members; id++) {
        node_t *node = &self->nodes[id];
        hf_core_destroy (&node->core);
        hf_effects_done (&node->effects);
        hf_array_free (&node->written.items);
        hf_array_free (&node->durable.items);
    }
    for (size_t i = 0; i < self->packets.count; i++)
        free (self->packets.list[i].bytes);
    hf_array_free (&self->packets);
    hf_array_free (&self->committed);
    hf_array_free (&self->asked);
    free (self);
    *self_p = NULL;
}

node_t *
hf_fleet_node (hf_fleet_t *self, uint32_t id)
{
    assert (id > 0 && id <= self->options.members);
    return &self->nodes[id];
}

hf_fleet_options_t *
hf_fleet_options (hf_fleet_t *self)
{
    return &self->options;
}

//  ---- disks ------------------------------------------------------------------------

hf_span_t
hf_fleet_payload (const item_t *item)
{
    if (item->value != 0)
        return hf_span (&item->value, sizeof item->value);
    return hf_span (item->payload, item->size);
}

bool
hf_fleet_same (const item_t *a, const item_t *b)
{
    hf_span_t of_a = hf_fleet_payload (a);
    hf_span_t of_b = hf_fleet_payload (b);
    return a->term == b->term && a->type == b->type && of_a.size == of_b.size &&
           (of_a.size == 0 || memcmp (of_a.at, of_b.at, of_a.size) == 0);
}

/*  TO becomes as FROM, which differs only behind the first SAME items. */
static void
s_copy_disk (disk_t *to, const disk_t *from, size_t same)
{
    assert (same <= from->items.count && same <= to->items.count);
    to->term = from->term;
    to->voted_for = from->voted_for;
    to->base = from->base;
    to->items.count = same;
    for (size_t i = same; i < from->items.count; i++)
        *hf_array_add (&to->items) = from->items.list[i];
}

void
hf_fleet_set_vote (hf_fleet_t *self, uint32_t node, uint64_t term, uint32_t voted_for)
{
    disk_t *disk = &hf_fleet_node (self, node)->durable;
    disk->term = term;
    disk->voted_for = (hf_member_t){voted_for, 0};
}

void
hf_fleet_add_entries (hf_fleet_t *self, uint32_t node, uint64_t term, uint32_t count)
{
    disk_t *disk = &hf_fleet_node (self, node)->durable;
    assert (self->nodes[node].core == NULL);
    for (uint32_t i = 0; i < count; i++)
        *hf_array_add (&disk->items) =
            (item_t){term, HF_ENTRY_COMMANDS, .value = term << 32 | (disk->items.count + 1)};
    if (disk->term < term)
        disk->term = term;
}

static void
s_append (hf_fleet_t *self, node_t *node, const hf_persist_t *persist, const hf_event_t *event)
{
    assert (persist->index == node->written.items.count + 1);
    if (event->type == HF_EV_PROPOSE) {
        assert (persist->count == event->propose.count);
        for (uint32_t i = 0; i < persist->count; i++)
            *hf_array_add (&node->written.items) =
                (item_t){persist->term, HF_ENTRY_COMMANDS, .value = ++self->value};
        return;
    }
    assert (event->type == HF_EV_PEER && event->peer.kind == HF_KIND_ENTRIES);
    hf_scan_t scan = hf_scan_list (event->peer.entries.entries);
    hf_scan_skip (&scan, persist->skip);
    for (uint32_t i = 0; i < persist->count; i++) {
        hf_entry_t entry;
        item_t item = {0};
        bool read = hf_entry_get (&scan, &entry);
        assert (read);
        item.term = entry.term;
        item.type = entry.type;
        if (entry.type == HF_ENTRY_COMMANDS) {
            assert (entry.payload.size == sizeof item.value);
            memcpy (&item.value, entry.payload.at, sizeof item.value);
        } else {
            assert (entry.payload.size <= sizeof item.payload);
            item.size = (uint8_t)entry.payload.size;
            memcpy (item.payload, entry.payload.at, item.size);
        }
        *hf_array_add (&node->written.items) = item;
    }
    assert (hf_scan_at_end (&scan) && !scan.bad);
}

static void
s_append_own (node_t *node, const hf_persist_t *persist)
{
    item_t item = {persist->term, persist->entry_type, .size = persist->payload_size};
    memcpy (item.payload, persist->payload, item.size);
    *hf_array_add (&node->written.items) = item;
}

static void
s_persist (hf_fleet_t *self, node_t *node, const hf_persist_t *persist, const hf_event_t *event)
{
    uint64_t index = persist->index;
    if (persist->index > 0 && index - 1 < node->written_from)
        node->written_from = index - 1;
    switch (persist->type) {
    case HF_PERSIST_VOTE:
        assert (persist->term >= node->written.term);
        node->written.term = persist->term;
        node->written.voted_for = persist->voted_for;
        hf_fleet_tell (self, HF_TELL_DISK, "%u: disk: term %lu, vote for %u", node->id,
                       persist->term, persist->voted_for.node);
        break;
    case HF_PERSIST_TRUNCATE:
        assert (index > node->written.base && index <= node->written.items.count);
        node->written.items.count = index - 1;
        hf_fleet_tell (self, HF_TELL_DISK, "%u: disk: cut from %lu", node->id, index);
        break;
    case HF_PERSIST_APPEND:
        s_append (self, node, persist, event);
        hf_fleet_tell (self, HF_TELL_DISK, "%u: disk: entries %lu..%lu", node->id, index,
                       index + persist->count - 1);
        break;
    case HF_PERSIST_OWN:
        assert (index == node->written.items.count + 1);
        s_append_own (node, persist);
        hf_fleet_tell (self, HF_TELL_DISK, "%u: disk: entry %lu %s term %lu", node->id, index,
                       persist->entry_type == HF_ENTRY_OPEN_TERM ? "opens" : "is a roster of",
                       persist->term);
        break;
    }
}

//  ---- disks that are lost, pruned, filled ------------------------------------------------------

void
hf_fleet_wipe (hf_fleet_t *self, uint32_t id)
{
    node_t *node = hf_fleet_node (self, id);
    assert (node->core == NULL && self->options.track);
    hf_array_free (&node->durable.items);
    node->durable = (disk_t){0};
    node->incarnation++;
    node->told_term = 0;
    self->wiped_us = self->now_us;
}

void
hf_fleet_prune (hf_fleet_t *self, uint32_t id, uint64_t index)
{
    node_t *node = hf_fleet_node (self, id);
    hf_core_view_t view = hf_core_view (node->core);
    index = index < view.durable_index ? index : view.durable_index;
    index = index < view.commit_index ? index : view.commit_index;
    if (index <= node->durable.base)
        return;
    assert (index <= node->durable.items.count);
    node->durable.base = index;
    node->written.base = index;
    hf_event_t event = {.type = HF_EV_PRUNED, .pruned = {.index = index}};
    hf_fleet_step (self, node, &event);
}

void
hf_fleet_install (hf_fleet_t *self, uint32_t id, uint32_t from)
{
    node_t *node = hf_fleet_node (self, id);
    const node_t *sender = hf_fleet_node (self, from);
    disk_t *disk = &node->durable;
    size_t index = sender->reported;
    assert (node->core == NULL && id != from);
    if (index == 0 || index <= disk->base ||
        (disk->items.count >= index &&
         disk->items.list[index - 1].term == sender->durable.items.list[index - 1].term))
        return;
    disk->items.count = 0;
    for (size_t i = 0; i < index; i++)
        *hf_array_add (&disk->items) = sender->durable.items.list[i];
    disk->base = index;
    if (disk->term < disk->items.list[index - 1].term) {
        disk->term = disk->items.list[index - 1].term;
        disk->voted_for = (hf_member_t){.node = 0};
    }
}

//  ---- the driver -----------------------------------------------------------------------

void
hf_fleet_flush (hf_fleet_t *self, node_t *node)
{
    hf_effects_t *effects = &node->effects;
    bool held_any = node->dirty;
    if (node->dirty)
        s_copy_disk (&node->durable, &node->written, node->written_from);
    node->written_from = node->written.items.count;
    node->dirty = false;
    for (size_t i = 0; i < effects->messages.count; i++) {
        if (!effects->messages.list[i].early)
            hf_fleet_send (self, node, &effects->messages.list[i]);
    }
    hf_fleet_watch_commit (self, node, effects->commit_index);
    for (size_t i = 0; i < effects->notices.count; i++)
        hf_fleet_watch_notice (self, node, &effects->notices.list[i]);
    hf_effects_reset (effects);
    node->early_done = 0;
    if (!held_any)
        return;
    hf_event_t event = {.type = HF_EV_DURABLE};
    event.durable.index = node->durable.items.count;
    if (node->durable.items.count > 0)
        event.durable.term = node->durable.items.list[node->durable.items.count - 1].term;
    hf_fleet_step (self, node, &event);
}

void
hf_fleet_step (hf_fleet_t *self, node_t *node, hf_event_t *event)
{
    hf_effects_t *effects = &node->effects;
    assert (node->core != NULL);
    event->now_us = self->now_us;
    hf_core_step (node->core, event, effects);
    hf_core_check (node->core);
    if (effects->persists.count > 0 && !node->dirty) {
        node->dirty = true;
        node->flush_us = self->now_us + hf_fleet_random (self, self->options.disk_us);
    }
    for (size_t i = 0; i < effects->persists.count; i++)
        s_persist (self, node, &effects->persists.list[i], event);
    hf_effects_persisted (effects);
    for (; node->early_done < effects->messages.count; node->early_done++) {
        if (effects->messages.list[node->early_done].early)
            hf_fleet_send (self, node, &effects->messages.list[node->early_done]);
    }
    hf_fleet_watch_step (self, node);
    if (!node->dirty || (!node->stalled && self->options.disk_us == 0))
        hf_fleet_flush (self, node);
}

//  ---- what happens -------------------------------------------------------------------------

static uint32_t
s_chunk (void *arg, uint64_t first, uint32_t max)
{
    const hf_fleet_t *self = arg;
    assert (first > 0 && max > 0);
    uint32_t chunk = self->options.chunk > 0 ? self->options.chunk : 1;
    return chunk < max ? chunk : max;
}

static hf_core_t *
s_restore (hf_fleet_t *self, const node_t *node)
{
    const disk_t *disk = &node->durable;
    HF_ARRAY (hf_term_span_t) spans = {0};
    HF_ARRAY (hf_roster_at_t) rosters = {0};
    uint64_t term = 0;
    for (size_t i = 0; i < disk->items.count; i++) {
        const item_t *item = &disk->items.list[i];
        if (item->type == HF_ENTRY_ROSTER) {
            if (i < disk->base)
                rosters.count = 0; //  the last one at or before the base is in force there
            hf_roster_at_t *at = hf_array_add (&rosters);
            *at = (hf_roster_at_t){.index = i + 1, .size = item->size};
            memcpy (at->payload, item->payload, item->size);
        }
        if (i >= disk->base && item->term != term)
            *hf_array_add (&spans) = (hf_term_span_t){i + 1, term = item->term};
    }
    hf_restored_t restored = {.term = disk->term,
                              .voted_for = disk->voted_for,
                              .base_index = disk->base,
                              .base_term =
                                  disk->base > 0 ? disk->items.list[disk->base - 1].term : 0,
                              .last_index = disk->items.count,
                              .spans = spans.list,
                              .spans_count = spans.count,
                              .rosters = rosters.list,
                              .rosters_count = rosters.count};
    hf_core_config_t config;
    hf_core_config_defaults (&config);
    config.self = node->id;
    config.members_count = self->options.members;
    for (uint32_t i = 0; i < config.members_count; i++)
        config.members[i] = i + 1;
    config.prefer_lowest = self->options.prefer_lowest;
    config.incarnation = self->options.track ? node->incarnation : 0;
    config.seed = self->options.seed + node->id + self->now_us;
    hf_core_t *core = hf_core_new (&config, &restored, self->now_us, s_chunk, self);
    hf_array_free (&spans);
    hf_array_free (&rosters);
    return core;
}

void
hf_fleet_start (hf_fleet_t *self, uint32_t id)
{
    node_t *node = hf_fleet_node (self, id);
    assert (node->core == NULL);
    s_copy_disk (&node->written, &node->durable, 0);
    node->written_from = node->written.items.count;
    node->dirty = false;
    node->stalled = false;
    node->early_done = 0;
    node->reported = node->durable.base;
    node->told_leading = false;
    node->told_leader = 0;
    node->core = s_restore (self, node);
    assert (node->core != NULL);
    node->seen = hf_core_view (node->core);
    for (uint32_t peer = 1; peer <= self->options.members; peer++)
        hf_fleet_set_link (self, id, peer);
}

void
hf_fleet_crash (hf_fleet_t *self, uint32_t id, bool breaks)
{
    node_t *node = hf_fleet_node (self, id);
    assert (node->core != NULL);
    hf_core_destroy (&node->core);
    hf_effects_done (&node->effects);
    for (uint32_t peer = 1; peer <= self->options.members; peer++) {
        hf_fleet_set_link (self, id, peer);
        if (breaks && peer != id && self->nodes[peer].core != NULL && !self->cut[id][peer])
            hf_fleet_broken (self, peer, id);
    }
}

void
hf_fleet_broken (hf_fleet_t *self, uint32_t node, uint32_t peer)
{
    hf_event_t event = {.type = HF_EV_BROKEN, .link.node = peer};
    hf_fleet_step (self, hf_fleet_node (self, node), &event);
}

void
hf_fleet_stall (hf_fleet_t *self, uint32_t id, bool stalled)
{
    node_t *node = hf_fleet_node (self, id);
    node->stalled = stalled;
    if (!stalled && node->core != NULL && node->dirty)
        hf_fleet_flush (self, node);
}

void
hf_fleet_handover (hf_fleet_t *self, uint32_t node)
{
    hf_event_t event = {.type = HF_EV_HANDOVER};
    hf_fleet_step (self, hf_fleet_node (self, node), &event);
}

bool
hf_fleet_propose (hf_fleet_t *self, uint32_t id, uint32_t count)
{
    node_t *node = hf_fleet_node (self, id);
    if (node->core == NULL || !hf_core_accepts (node->core))
        return false;
    hf_event_t event = {.type = HF_EV_PROPOSE, .propose.count = count};
    hf_fleet_step (self, node, &event);
    return true;
}

void
hf_fleet_barrier (hf_fleet_t *self, uint32_t node, uint64_t id)
{
    *hf_array_add (&self->asked) = (asked_t){.id = id, .committed = self->committed.count};
    hf_event_t event = {.type = HF_EV_BARRIER, .barrier.id = id};
    hf_fleet_step (self, hf_fleet_node (self, node), &event);
}

//  ---- time --------------------------------------------------------------------------------------

/*  The next frame to arrive; packets_count when there is none. */
static size_t
s_next_packet (const hf_fleet_t *self)
{
    size_t next = self->packets.count;
    for (size_t i = 0; i < self->packets.count; i++) {
        const packet_t *a = &self->packets.list[i];
        const packet_t *b = &self->packets.list[next < self->packets.count ? next : i];
        if (a->deliver_us < b->deliver_us ||
            (a->deliver_us == b->deliver_us && a->order <= b->order))
            next = i;
    }
    return next;
}

bool
hf_fleet_next (hf_fleet_t *self, uint64_t until_us)
{
    size_t packet = s_next_packet (self);
    uint64_t next_us = until_us;
    node_t *ticks = NULL;
    node_t *flushes = NULL;
    //  What arrived comes before what a timer would conclude from its absence.
    bool delivers = packet < self->packets.count && self->packets.list[packet].deliver_us < next_us;
    if (delivers)
        next_us = self->packets.list[packet].deliver_us;
    for (uint32_t id = 1; id <= self->options.members; id++) {
        node_t *node = &self->nodes[id];
        if (node->core != NULL && node->dirty && !node->stalled && node->flush_us < next_us) {
            flushes = node;
            next_us = node->flush_us;
        }
    }
    for (uint32_t id = 1; id <= self->options.members; id++) {
        node_t *node = &self->nodes[id];
        if (node->core != NULL && node->effects.wake_at_us < next_us) {
            ticks = node;
            next_us = node->effects.wake_at_us;
        }
    }
    if (next_us > self->now_us)
        self->now_us = next_us;
    if (ticks != NULL) {
        hf_event_t event = {.type = HF_EV_TICK};
        hf_fleet_step (self, ticks, &event);
        assert (ticks->effects.wake_at_us > self->now_us); //  or time would stand still
    } else if (flushes != NULL)
        hf_fleet_flush (self, flushes);
    else if (delivers)
        hf_fleet_deliver (self, packet);
    else
        return false;
    return true;
}

void
hf_fleet_run (hf_fleet_t *self, uint64_t us)
{
    uint64_t until_us = self->now_us + us;
    while (hf_fleet_next (self, until_us))
        ;
}
