//  The roster (design 4.6): which incarnation of each member's disk votes and is counted.
//
//  A node that lost its disk comes back with another incarnation. It is another server with the
//  same id, so admitting it is a change of membership, one server for another. In the terms of the
//  dissertation (4.3), the ROSTER entry K that admits it is the joint configuration, and a second
//  ROSTER entry with the same incarnations, made when K is committed, is the new configuration:
//    - The last ROSTER entry of a log is in force from its append. But until K is known to be
//      committed, the members that it changes do not count: the OTHERS alone must make a majority
//      of ALL. That includes a majority of the old members and one of the new members. "It counts
//      from the append" (4.1) would not be safe: {1, old 2} and {new 2, 3} have no member in
//      common, and a vote of old 2 may still be under way when new 2 counts.
//    - So a candidate without K needs a vote of a member (other than 2) without K, and once K is
//      committed no such candidate can win. K comes after everything that was committed, and is on
//      a majority of the others, so no committed entry depends on the new member's disk.
//    - From then on the new member counts. A majority that commits with it, and a majority of the
//      others that elects a leader which does not know yet that K is committed, have a member in
//      common: twice (n + 1) / 2 is more than n.
//    - The second entry only records, also after a restart, that K is committed. The next member is
//      admitted after the second entry is committed: one change at a time.
//  So an entry says which member it admits. A leader whose log begins after K must make the second
//  entry all the same: a node that has both K and the entry before it may still be waiting for it.
//  The very first ROSTER entry needs no such care: every member had to vote for its author, so a
//  candidate without it needs the vote of a member that has it, and does not get it.

#include "nodes/consensus/hf_core_internal.h"
#include <string.h>

bool
hf_core_tracks (const hf_core_t *self)
{
    return self->config.incarnation != 0;
}

const hf_core_roster_t *
hf_core_roster (const hf_core_t *self)
{
    return self->rosters.count > 0 ? &self->rosters.list[self->rosters.count - 1] : NULL;
}

//  ---- the list ----------------------------------------------------------------------------

/*  The log is never truncated at or before the commit index, so of the committed rosters only the
 *  last one matters. */
void
hf_core_roster_forget (hf_core_t *self)
{
    size_t replaced = 0;
    while (replaced + 1 < self->rosters.count &&
           self->rosters.list[replaced + 1].index <= self->commit_index)
        replaced++;
    hf_array_drop (&self->rosters, replaced);
}

static void
s_add (hf_core_t *self, hf_core_roster_t roster)
{
    hf_core_roster_forget (self);
    const hf_core_roster_t *before = hf_core_roster (self);
    assert (before == NULL || before->index < roster.index);
    for (uint32_t i = 0; before != NULL && i < self->config.members_count; i++)
        roster.changed |= (roster.incarnation[i] != before->incarnation[i] ? 1U : 0) << i;
    *hf_array_add (&self->rosters) = roster;
}

bool
hf_core_roster_sane (const hf_core_t *self, const hf_entry_t *entry)
{
    hf_roster_t roster;
    if (entry->type != HF_ENTRY_ROSTER)
        return true;
    if (!hf_roster_get (entry->payload, &roster))
        return false;
    for (uint32_t i = 0; i < roster.count; i++) {
        if (hf_core_slot (self, roster.members[i].node) == self->config.members_count)
            return false;
    }
    return roster.count == self->config.members_count || HF_MUTANT (formed_by_majority);
}

void
hf_core_roster_append (hf_core_t *self, uint64_t index, const hf_entry_t *entry)
{
    hf_roster_t read;
    if (!hf_core_tracks (self) || entry->type != HF_ENTRY_ROSTER)
        return;
    bool sound = hf_roster_get (entry->payload, &read);
    assert (sound && hf_core_roster_sane (self, entry));
    hf_core_roster_t roster = {.index = index};
    for (uint32_t i = 0; i < read.count; i++) {
        uint32_t slot = hf_core_slot (self, read.members[i].node);
        roster.incarnation[slot] = read.members[i].incarnation;
        if (read.members[i].node == read.joins)
            roster.changed |= 1U << slot;
    }
    s_add (self, roster);
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
    while (self->rosters.count > 0 && self->rosters.list[self->rosters.count - 1].index >= index)
        self->rosters.count--;
}

void
hf_core_roster_add (hf_core_t *self, const uint64_t *incarnations, uint32_t joins,
                    hf_persist_t *persist)
{
    hf_roster_t roster = {.joins = joins};
    for (uint32_t i = 0; i < self->config.members_count; i++) {
        assert (incarnations[i] != 0 || HF_MUTANT (formed_by_majority));
        roster.members[roster.count] = (hf_member_t){self->config.members[i], incarnations[i]};
        roster.count += incarnations[i] != 0;
    }
    hf_pack_t payload;
    hf_pack_init (&payload);
    hf_roster_put (&payload, &roster);
    assert (hf_pack_size (&payload) <= sizeof persist->payload);
    persist->entry_type = HF_ENTRY_ROSTER;
    persist->payload_size = (uint8_t)hf_pack_size (&payload);
    memcpy (persist->payload, hf_pack_bytes (&payload), persist->payload_size);
    hf_pack_done (&payload);
    hf_entry_t entry = {.type = HF_ENTRY_ROSTER,
                        .payload = hf_span (persist->payload, persist->payload_size)};
    hf_core_roster_append (self, persist->index, &entry);
}

//  ---- which members count
//  ----------------------------------------------------------------------------

static uint32_t
s_all (const hf_core_t *self)
{
    return (1U << self->config.members_count) - 1;
}

/*  The slots that the roster in force changes and that must not count yet. */
static uint32_t
s_pending (const hf_core_t *self)
{
    const hf_core_roster_t *roster = hf_core_roster (self);
    if (roster == NULL || roster->index <= self->commit_index || HF_MUTANT (admitted_at_once))
        return 0;
    return roster->changed;
}

bool
hf_core_may_stand (const hf_core_t *self)
{
    const hf_core_roster_t *roster = hf_core_roster (self);
    return !hf_core_tracks (self) || roster == NULL ||
           roster->incarnation[self->slot] == self->config.incarnation;
}

uint32_t
hf_core_voters (const hf_core_t *self)
{
    const hf_core_roster_t *roster = hf_core_roster (self);
    uint32_t mask = s_all (self);
    if (!hf_core_tracks (self) || roster == NULL)
        return mask;
    for (uint32_t i = 0; i < self->config.members_count; i++) {
        if (roster->incarnation[i] == 0)
            mask &= ~(1U << i);
    }
    return mask & ~s_pending (self);
}

uint32_t
hf_core_counted (const hf_core_t *self)
{
    assert (self->role == HF_LEADER);
    if (!hf_core_tracks (self))
        return s_all (self);
    const hf_core_roster_t *roster = hf_core_roster (self);
    assert (roster != NULL); //  the first leader's first entry is one
    uint32_t mask = hf_core_voters (self);
    for (uint32_t i = 0; i < self->config.members_count; i++) {
        uint64_t seen = self->peers[i].incarnation;
        if (roster->incarnation[i] != (i == self->slot ? self->config.incarnation : seen))
            mask &= ~(1U << i);
    }
    return mask;
}

uint32_t
hf_core_roster_view (const hf_core_t *self)
{
    if (!hf_core_tracks (self))
        return s_all (self);
    if (hf_core_roster (self) == NULL)
        return 0;
    if (self->role == HF_LEADER)
        return hf_core_counted (self);
    uint32_t own = hf_core_may_stand (self) ? 0 : 1U << self->slot;
    return hf_core_voters (self) & ~own;
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
        assert ((roster->changed & ~s_all (self)) == 0);
    }
    bool leads = self->role == HF_LEADER && hf_core_tracks (self);
    assert (!leads || hf_core_roster (self) != NULL);
    assert (!leads || hf_core_may_stand (self)); //  its own incarnation is in the roster
}

//  ---- admission -----------------------------------------------------------------

/*  The peer reports an incarnation other than the one on record, is reachable, and has everything
 *  committed as of the last heartbeat. A new leader does not yet know which earlier entries are
 *  committed, so the peer must also have everything up to open_index. */
static bool
s_ready (const hf_core_t *self, const hf_core_roster_t *roster, uint32_t slot)
{
    const hf_core_peer_t *peer = &self->peers[slot];
    return peer->incarnation != 0 && peer->incarnation != roster->incarnation[slot] &&
           hf_core_reachable (self, slot) && peer->match >= self->beat_commit &&
           peer->match >= self->open_index;
}

static void
s_confirm (hf_core_t *self, const hf_core_roster_t *roster, hf_effects_t *effects)
{
    hf_core_append_own (self, roster->incarnation, 0, effects);
    for (uint32_t slot = 0; slot < self->config.members_count; slot++) {
        if ((roster->changed >> slot & 1) != 0)
            hf_core_notice (self, HF_NOTICE_ADMITTED, self->config.members[slot], roster->index,
                            effects);
    }
}

void
hf_core_admit (hf_core_t *self, hf_effects_t *effects)
{
    const hf_core_roster_t *last = hf_core_roster (self);
    if (last == NULL || last->index > self->commit_index || !hf_core_accepts (self))
        return;
    hf_core_roster_t roster = *last; //  the list may move
    if (roster.changed != 0) {
        s_confirm (self, &roster, effects);
        return;
    }
    for (uint32_t slot = 0; slot < self->config.members_count; slot++) {
        if (slot == self->slot || !s_ready (self, &roster, slot))
            continue;
        roster.incarnation[slot] = self->peers[slot].incarnation;
        hf_core_append_own (self, roster.incarnation, self->config.members[slot], effects);
        return; //  one at a time
    }
}
