//  The promises that a fleet watches over, and what it tells and shows.

#include "hf_fleet_internal.h"
#include <stdio.h>
#include <string.h>

static const char *
s_role_text (hf_role_t role)
{
    static const char *texts[] = {"follower", "pre-candidate", "candidate", "leader"};
    return texts[role];
}

void
hf_fleet_watch_step (hf_fleet_t *self, node_t *node)
{
    hf_core_view_t view = hf_core_view (node->core);
    hf_core_view_t seen = node->seen;
    node->seen = view;
    assert (view.term < TERMS_MAX && view.term >= seen.term);
    if (view.role == HF_LEADER) {
        //  P1
        assert (self->leaders[view.term] == 0 || self->leaders[view.term] == node->id);
        self->leaders[view.term] = node->id;
    }
    if (view.role == seen.role && view.term == seen.term && view.leader == seen.leader)
        return;
    if (view.role == HF_FOLLOWER && view.leader != 0)
        hf_fleet_tell (self, HF_TELL_ROLES, "%u: follower of %u in term %lu", node->id, view.leader,
                       view.term);
    else
        hf_fleet_tell (self, HF_TELL_ROLES, "%u: %s in term %lu", node->id, s_role_text (view.role),
                       view.term);
}

static void
s_first_commit (hf_fleet_t *self, uint64_t index, item_t item)
{
    assert (index == self->committed.count + 1);
    *hf_array_add (&self->committed) = item;
    uint32_t disks = 0; //  P7
    for (uint32_t id = 1; id <= self->options.members; id++) {
        const disk_t *disk = &self->nodes[id].durable;
        disks += disk->items.count >= index && hf_fleet_same (&disk->items.list[index - 1], &item);
    }
    //  A disk may have been lost between its acknowledgement and this.
    bool lost = self->wiped_us != 0 && self->now_us < self->wiped_us + 2000000;
    assert (2 * disks > self->options.members || lost);
}

void
hf_fleet_watch_commit (hf_fleet_t *self, node_t *node, uint64_t index)
{
    assert (index >= node->reported && index <= node->durable.items.count);
    if (index == node->reported)
        return;
    for (uint64_t i = node->reported + 1; i <= index; i++) {
        item_t item = node->durable.items.list[i - 1];
        if (i > self->committed.count)
            s_first_commit (self, i, item);
        assert (hf_fleet_same (&self->committed.list[i - 1], &item)); //  P3, P4
    }
    node->reported = index;
    hf_fleet_tell (self, HF_TELL_ROLES, "%u: committed %lu", node->id, index);
}

static void
s_watch_passed (hf_fleet_t *self, node_t *node, const hf_notice_t *notice)
{
    asked_t *asked = NULL;
    for (size_t i = 0; i < self->asked.count; i++) {
        if (self->asked.list[i].id == notice->id)
            asked = &self->asked.list[i];
    }
    assert (asked != NULL && !asked->passed);
    asked->passed = true;
    assert (notice->index >= asked->committed); //  P10
    assert (notice->index <= node->reported);
    hf_fleet_tell (self, HF_TELL_ROLES, "%u: barrier %lu passed at %lu", node->id, notice->id,
                   notice->index);
}

void
hf_fleet_watch_notice (hf_fleet_t *self, node_t *node, const hf_notice_t *notice)
{
    switch (notice->type) {
    case HF_NOTICE_LEADING:
        assert (!node->told_leading && notice->term >= node->told_term);
        assert (self->leaders[notice->term] == node->id);
        assert (node->durable.items.list[node->reported - 1].term == notice->term);
        node->told_leading = true;
        node->told_leader = node->id;
        hf_fleet_tell (self, HF_TELL_ROLES, "%u: LEADING term %lu", node->id, notice->term);
        break;
    case HF_NOTICE_FOLLOWING:
        assert (notice->leader != node->id);
        node->told_leading = false;
        node->told_leader = notice->leader;
        node->told_term = notice->term;
        break;
    case HF_NOTICE_PASSED:
        assert (node->told_leading); //  the lock actor takes it only while it leads
        s_watch_passed (self, node, notice);
        break;
    case HF_NOTICE_NEEDS_STATE:
        assert (node->told_leader == notice->leader || node->seen.leader == notice->leader);
        hf_fleet_tell (self, HF_TELL_ROLES, "%u: NEEDS STATE of %u in term %lu", node->id,
                       notice->leader, notice->term);
        break;
    case HF_NOTICE_ADMITTED:
        hf_fleet_tell (self, HF_TELL_ROLES, "%u: ADMITTED %lu by entry %lu", node->id, notice->id,
                       notice->index);
        break;
    case HF_NOTICE_WAITING:
        hf_fleet_tell (self, HF_TELL_ROLES, "%u: WAITING for mask %lx", node->id, notice->id);
        break;
    }
}

//  ---- to see -----------------------------------------------------------------------------

uint64_t
hf_fleet_now_us (const hf_fleet_t *self)
{
    return self->now_us;
}

bool
hf_fleet_up (const hf_fleet_t *self, uint32_t node)
{
    return self->nodes[node].core != NULL;
}

const hf_core_t *
hf_fleet_core (const hf_fleet_t *self, uint32_t node)
{
    return self->nodes[node].core;
}

hf_core_view_t
hf_fleet_view (const hf_fleet_t *self, uint32_t node)
{
    assert (self->nodes[node].core != NULL);
    return hf_core_view (self->nodes[node].core);
}

uint32_t
hf_fleet_leader (const hf_fleet_t *self)
{
    uint32_t leader = 0;
    uint64_t term = 0;
    for (uint32_t id = 1; id <= self->options.members; id++) {
        if (self->nodes[id].core == NULL || !self->nodes[id].told_leading)
            continue;
        hf_core_view_t view = hf_core_view (self->nodes[id].core);
        if (view.role == HF_LEADER && view.term > term) {
            leader = id;
            term = view.term;
        }
    }
    return leader;
}

uint64_t
hf_fleet_committed (const hf_fleet_t *self)
{
    return self->committed.count;
}

bool
hf_fleet_passed (const hf_fleet_t *self, uint64_t id)
{
    for (size_t i = 0; i < self->asked.count; i++) {
        if (self->asked.list[i].id == id && self->asked.list[i].passed)
            return true;
    }
    return false;
}

bool
hf_fleet_agreed (const hf_fleet_t *self)
{
    for (uint32_t id = 1; id <= self->options.members; id++) {
        const node_t *node = &self->nodes[id];
        if (node->core == NULL)
            continue;
        if (node->reported != self->committed.count || node->durable.items.count != node->reported)
            return false;
    }
    return true;
}

/*  The last ROSTER entry among the first COUNT that are committed; NULL when there is none. */
static const item_t *
s_last_roster (const hf_fleet_t *self, size_t *count)
{
    while (*count > 0) {
        const item_t *item = &self->committed.list[--*count];
        if (item->type == HF_ENTRY_ROSTER)
            return item;
    }
    return NULL;
}

bool
hf_fleet_whole (const hf_fleet_t *self)
{
    hf_roster_t roster;
    size_t left = self->committed.count;
    const item_t *last = s_last_roster (self, &left);
    if (last == NULL)
        return false;
    //  The first of two that admit a member: until the second is committed too, somebody may
    //  not know that the first is, and waits for a majority of the others.
    const item_t *before = s_last_roster (self, &left);
    bool whole = before == NULL || (before->size == last->size &&
                                    memcmp (before->payload, last->payload, last->size) == 0);
    whole = whole && hf_roster_get (hf_fleet_payload (last), &roster) &&
            roster.count == self->options.members;
    for (uint32_t id = 1; id <= self->options.members && whole; id++)
        whole = self->nodes[id].core != NULL &&
                roster.members[id - 1].incarnation == self->nodes[id].incarnation;
    return whole;
}

const char *
hf_fleet_log_text (const hf_fleet_t *self, uint32_t node, char *text, size_t size)
{
    const disk_t *disk = &self->nodes[node].durable;
    size_t used = 0;
    text[0] = '\0';
    if (disk->base > 0)
        used = (size_t)snprintf (text, size, "(%zu)", disk->base);
    for (size_t first = disk->base, i = first + 1; i <= disk->items.count; i++) {
        if (i < disk->items.count && disk->items.list[i].term == disk->items.list[first].term)
            continue;
        int rc = snprintf (text + used, size - used, "%s%lux%zu", used > 0 ? " " : "",
                           disk->items.list[first].term, i - first);
        assert (rc > 0 && (size_t)rc < size - used);
        used += (size_t)rc;
        first = i;
    }
    return text;
}

//  ---- P2 -------------------------------------------------------------------------------------

static void
s_check_pair (const disk_t *a, const disk_t *b)
{
    size_t same = a->items.count < b->items.count ? a->items.count : b->items.count;
    while (same > 0 && a->items.list[same - 1].term != b->items.list[same - 1].term)
        same--;
    for (size_t i = 0; i < same; i++)
        assert (hf_fleet_same (&a->items.list[i], &b->items.list[i]));
}

void
hf_fleet_check (const hf_fleet_t *self)
{
    for (uint32_t id = 1; id <= self->options.members; id++) {
        const node_t *node = &self->nodes[id];
        if (node->core == NULL)
            continue;
        hf_core_check (node->core);
        hf_core_view_t view = hf_core_view (node->core);
        assert (view.last_index == node->written.items.count);
        assert (view.first_index == node->written.base + 1);
        for (size_t i = node->written.base; i < node->written.items.count; i++)
            assert (hf_core_term_at (node->core, i + 1) == node->written.items.list[i].term);
        //  When nothing is under way, the lock actor knows what the core knows.
        if (!node->dirty && view.role != HF_LEADER)
            assert (!node->told_leading && node->told_leader == view.leader);
        for (uint32_t other = id + 1; other <= self->options.members; other++) {
            if (self->nodes[other].core != NULL)
                s_check_pair (&node->written, &self->nodes[other].written);
        }
    }
}
