//  The ROSTER entries of the log (design 4.6, 10), and who sits in which slot.
//
//  The last ROSTER entry of a log is in force from its append, committed or not (dissertation 4.1):
//  a node that waited for its commit could elect or commit by an older majority. The next one is
//  appended only when it is committed: one change at a time.

#include "nodes/consensus/hf_core_internal.h"
#include "base/hf_alloc.h"
#include <stdlib.h>
#include <string.h>

bool
hf_core_tracks (const hf_core_t *self)
{
    return self->config.incarnation != 0;
}

const hf_core_roster_t *
hf_core_roster (const hf_core_t *self)
{
    size_t count = self->rosters.count;
    if (HF_MUTANT (roster_at_commit)) {
        while (count > 1 && self->rosters.list[count - 1].index > self->commit_index)
            count--;
    }
    return count > 0 ? &self->rosters.list[count - 1] : NULL;
}

const hf_roster_t *
hf_core_members (const hf_core_t *self, uint64_t *index)
{
    const hf_core_roster_t *roster = hf_core_roster (self);
    *index = roster != NULL ? roster->index : 0;
    return roster != NULL ? &roster->is : NULL;
}

/*  The last one up to INDEX; NULL: none. */
static const hf_core_roster_t *
s_last_up_to (const hf_core_t *self, uint64_t index)
{
    const hf_core_roster_t *last = NULL;
    for (size_t i = 0; i < self->rosters.count; i++) {
        if (self->rosters.list[i].index <= index)
            last = &self->rosters.list[i];
    }
    return last;
}

const hf_core_roster_t *
hf_core_roster_committed (const hf_core_t *self)
{
    return s_last_up_to (self, self->commit_index);
}

//  ---- slots -----------------------------------------------------------------------------

uint32_t
hf_core_slot (const hf_core_t *self, uint32_t node)
{
    uint32_t slot = 0;
    while (slot < HF_MEMBERS_MAX && self->nodes[slot] != node)
        slot++;
    return slot;
}

static void
s_sit (hf_core_t *self, uint32_t slot, uint32_t node)
{
    if (self->nodes[slot] == node)
        return;
    self->nodes[slot] = node;
    if (HF_MUTANT (slot_inherited))
        return;
    self->newer_sent_us[slot] = 0;
    self->granted &= ~(1U << slot);
    self->refused &= ~(1U << slot);
    self->voters[slot] = 0;
    self->seen[slot] = (hf_seen_t){.start = 0};
    self->peers[slot] = (hf_core_peer_t){.heard_us = self->now_us};
}

void
hf_core_links_update (hf_core_t *self)
{
    self->links = 0;
    for (uint32_t i = 0; i < self->linked_count; i++) {
        uint32_t slot = hf_core_slot (self, self->linked[i]);
        if (slot < HF_MEMBERS_MAX)
            self->links |= 1U << slot;
    }
}

void
hf_core_sit (hf_core_t *self)
{
    const hf_core_roster_t *roster = hf_core_roster (self);
    uint32_t nodes[HF_MEMBERS_MAX] = {0};
    for (uint32_t i = 0; roster == NULL && i < self->config.members_count; i++)
        nodes[i] = self->config.members[i];
    for (uint32_t i = 0; roster != NULL && i < roster->is.count; i++)
        nodes[roster->is.members[i].slot] = roster->is.members[i].node;
    for (uint32_t slot = 0; slot < HF_MEMBERS_MAX; slot++)
        s_sit (self, slot, nodes[slot]);
    self->slot = hf_core_slot (self, self->config.self);
    self->was_member = self->was_member || (roster != NULL && self->slot < HF_MEMBERS_MAX);
    hf_core_links_update (self);
}

//  ---- the list ----------------------------------------------------------------------------

static void
s_free (hf_core_roster_t *roster)
{
    free (roster->payload);
}

void
hf_core_roster_done (hf_core_t *self)
{
    for (size_t i = 0; i < self->rosters.count; i++)
        s_free (&self->rosters.list[i]);
    hf_array_free (&self->rosters);
}

/*  The log is never truncated at or before the commit index, so of the committed rosters only the
 *  last one matters. */
void
hf_core_roster_forget (hf_core_t *self)
{
    size_t replaced = 0;
    while (replaced + 1 < self->rosters.count &&
           self->rosters.list[replaced + 1].index <= self->commit_index)
        s_free (&self->rosters.list[replaced++]);
    hf_array_drop (&self->rosters, replaced);
}

/*  An entry of version 1 says only who joins. Who else has another disk than in the entry before,
 *  which another leader made, is changed, too. */
static void
s_find_changed (const hf_core_t *self, hf_roster_t *roster)
{
    if (self->rosters.count == 0 || roster->level > 0)
        return;
    const hf_roster_t *before = &self->rosters.list[self->rosters.count - 1].is;
    for (uint32_t i = 0; i < roster->count; i++) {
        const hf_seat_t *seat = hf_roster_seat (before, roster->members[i].node);
        if (seat != NULL && seat->incarnation != roster->members[i].incarnation)
            roster->members[i].flags |= HF_SEAT_CHANGED;
    }
}

static void
s_mask (hf_core_roster_t *roster)
{
    for (uint32_t i = 0; i < roster->is.count; i++) {
        const hf_seat_t *seat = &roster->is.members[i];
        uint32_t bit = 1U << seat->slot;
        roster->incarnation[seat->slot] = seat->incarnation;
        if ((seat->flags & HF_SEAT_VOTES) != 0 || HF_MUTANT (learner_votes))
            roster->now |= bit;
        if ((seat->flags & HF_SEAT_VOTED) != 0)
            roster->before |= bit;
        if ((seat->flags & HF_SEAT_CHANGED) != 0)
            roster->lost |= bit;
        if ((seat->flags & HF_SEAT_DRAINED) != 0)
            roster->drained |= bit;
    }
    roster->joint = hf_roster_joint (&roster->is);
}

bool
hf_core_roster_sane (const hf_core_t *self, const hf_entry_t *entry)
{
    hf_roster_t roster;
    return entry->type != HF_ENTRY_ROSTER ||
           (hf_roster_get (entry->payload, &roster) && roster.level <= self->config.speaks);
}

void
hf_core_roster_append (hf_core_t *self, uint64_t index, const hf_entry_t *entry)
{
    if (!hf_core_tracks (self) || entry->type != HF_ENTRY_ROSTER)
        return;
    hf_core_roster_t roster = {.index = index, .size = (uint32_t)entry->payload.size};
    roster.payload = hf_alloc (entry->payload.size);
    memcpy (roster.payload, entry->payload.at, entry->payload.size);
    bool sound = hf_roster_get (hf_span (roster.payload, roster.size), &roster.is);
    assert (sound);
    hf_core_roster_forget (self);
    assert (self->rosters.count == 0 ||
            self->rosters.list[self->rosters.count - 1].index < roster.index);
    s_find_changed (self, &roster.is);
    s_mask (&roster);
    *hf_array_add (&self->rosters) = roster;
    hf_core_sit (self);
}

bool
hf_core_roster_init (hf_core_t *self, const hf_restored_t *restored)
{
    uint64_t before = 0;
    for (size_t i = 0; i < restored->rosters_count; i++) {
        const hf_roster_at_t *at = &restored->rosters[i];
        hf_entry_t entry = {.type = HF_ENTRY_ROSTER, .payload = hf_span (at->payload, at->size)};
        bool based = i == 0 && at->index <= restored->base_index;
        if (at->index <= before || at->index > restored->last_index ||
            at->size > sizeof at->payload || (!based && at->index <= restored->base_index) ||
            !hf_core_roster_sane (self, &entry))
            return false;
        before = at->index;
        hf_core_roster_append (self, at->index, &entry);
    }
    return true;
}

void
hf_core_roster_truncate (hf_core_t *self, uint64_t index)
{
    if (HF_MUTANT (truncated_roster_kept))
        return;
    while (self->rosters.count > 0 && self->rosters.list[self->rosters.count - 1].index >= index)
        s_free (&self->rosters.list[--self->rosters.count]);
    if (self->roster_noted >= index)
        self->roster_noted = UINT64_MAX; //  another one may come at that index
    hf_core_sit (self);
}

void
hf_core_roster_add (hf_core_t *self, const hf_roster_t *roster, hf_persist_t *persist)
{
    hf_pack_t payload;
    hf_pack_init (&payload);
    hf_roster_put (&payload, roster);
    assert (hf_pack_size (&payload) <= HF_ROSTER_MAX);
    hf_entry_t entry = {.type = HF_ENTRY_ROSTER,
                        .payload = hf_span (hf_pack_bytes (&payload), hf_pack_size (&payload))};
    assert (hf_core_roster_sane (self, &entry));
    hf_core_roster_append (self, persist->index, &entry);
    hf_pack_done (&payload);
    const hf_core_roster_t *added = &self->rosters.list[self->rosters.count - 1];
    persist->entry_type = HF_ENTRY_ROSTER;
    persist->payload = hf_span (added->payload, added->size);
}

void
hf_core_roster_check (const hf_core_t *self)
{
    assert (hf_core_tracks (self) || self->rosters.count == 0);
    for (size_t i = 0; i < self->rosters.count; i++) {
        const hf_core_roster_t *roster = &self->rosters.list[i];
        assert (roster->index > (i > 0 ? roster[-1].index : 0));
        assert (roster->index <= self->log.last_index);
        assert (i == 0 || roster->index >= self->log.first_index);
        assert (roster->now != 0 && roster->before != 0);
        assert ((roster->lost & ~(roster->now & roster->before)) == 0);
    }
    bool leads = self->role == HF_LEADER && hf_core_tracks (self);
    assert (!leads || hf_core_roster (self) != NULL);
}

//  ---- told by other nodes -----------------------------------------------------------------

void
hf_core_send_roster (hf_core_t *self, uint32_t to, hf_effects_t *effects)
{
    const hf_core_roster_t *roster = hf_core_roster_committed (self);
    if (roster == NULL || roster->is.level == 0 || roster->joint)
        return;
    hf_members_t *m = &hf_core_send (self, HF_KIND_MEMBERS, to, effects)->message.members;
    m->index = roster->index;
    m->roster = hf_span (roster->payload, roster->size);
}

/*  A node that was removed is heard by nobody soon, so its log may never say so; and its log may be
 *  old news: it may be a member again. So what is told counts. A node was removed when it was a
 *  member and is none now, or when another disk has the place of the one that it still has. */
static bool
s_is_removed (const hf_core_t *self, const hf_roster_t *last, const hf_roster_t *roster)
{
    const hf_seat_t *own = hf_roster_seat (last, self->config.self);
    const hf_seat_t *now = hf_roster_seat (roster, self->config.self);
    if (now == NULL)
        return own != NULL || self->was_member;
    return own != NULL && now->incarnation != 0 && now->incarnation != self->config.incarnation &&
           own->incarnation == self->config.incarnation;
}

/*  Else another disk has the place that was to be this one's: its place is none of ours. */
static bool
s_is_meant (const hf_core_t *self, const hf_core_roster_t *last, const hf_roster_t *roster)
{
    const hf_seat_t *own = last != NULL ? hf_roster_seat (&last->is, self->config.self) : NULL;
    const hf_seat_t *now = hf_roster_seat (roster, self->config.self);
    return own == NULL || now == NULL ||
           hf_roster_means (now->incarnation, self->config.incarnation, own->incarnation);
}

void
hf_core_on_members (hf_core_t *self, const hf_members_t *m, hf_effects_t *effects)
{
    const hf_core_roster_t *last = hf_core_roster (self);
    //  What is not verified may be what another leader had that nobody followed.
    const hf_core_roster_t *sure = s_last_up_to (self, self->verified_index);
    hf_roster_t roster;
    bool sound = hf_roster_get (m->roster, &roster);
    assert (sound && m->roster.size <= sizeof self->told); //  see hf_core_sane
    if (self->role == HF_LEADER || self->removed || (sure != NULL && m->index < sure->index))
        return;
    if (last != NULL && s_is_removed (self, &last->is, &roster)) {
        self->removed = true;
        hf_core_notice (self, HF_NOTICE_REMOVED, self->config.self, m->index, effects);
    } else if (s_is_meant (self, last, &roster) && roster.level > 0 &&
               m->index > self->told_index) {
        self->told_index = m->index;
        self->told_size = m->roster.size;
        memcpy (self->told, m->roster.at, m->roster.size);
    }
}

hf_span_t
hf_core_told (const hf_core_t *self, uint64_t *index)
{
    const hf_core_roster_t *last = hf_core_roster (self);
    bool newer = self->told_index > (last != NULL ? last->index : 0);
    *index = newer ? self->told_index : 0;
    return newer ? hf_span (self->told, self->told_size) : hf_span (NULL, 0);
}
