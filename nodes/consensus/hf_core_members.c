//  Which members count (design 4.6, 10): in elections, commits, barriers and check-quorum alike.
//
//  A change of who votes is a joint one (dissertation 4.3): the ROSTER entry K that makes it names
//  the voters before and now, and as long as K is not known to be committed both must make a
//  majority. When it is, NOW alone does, and a second ROSTER entry, F, names only them:
//    - A candidate without K needs a majority of BEFORE. K is on a majority of BEFORE when it is
//      committed, and comes after all that was committed before it: so no such candidate wins then,
//      and no committed entry depends on who is new.
//    - Whoever has K needs a majority of NOW, whether or not it knows that K is committed.
//    - F records, also for those that restart, that K is committed. The next change begins when F
//      is committed.
//  A node that lost its disk comes back with another incarnation. It is another server with the
//  same id, so admitting it is a change of one voter for another. Its lost disk is one of BEFORE
//  and can never be counted there: K waits for a majority of BEFORE among the others. "It counts
//  from the append" (4.1) would not be safe: {1, old 2} and {new 2, 3} have no member in common,
//  and a vote of old 2 may still be under way when new 2 counts.
//  A leader whose log begins behind K must make F all the same: a node that has both K and the
//  entry before it may still be waiting for it.
//  The very first ROSTER entry needs no such care: every member had to vote for its author, so a
//  candidate without it needs the vote of a member that has it, and does not get it. That holds if
//  the votes are of the disks that gave the pre-votes: else the author's disk may be lost while
//  another node still stands in a term in between, with a vote that a member gave before it had the
//  entry, and the author's new disk gives it the vote that the lost one refused (tests/model).

#include "nodes/consensus/hf_core_internal.h"

static uint32_t
s_listed (const hf_core_t *self)
{
    return (1U << self->config.members_count) - 1;
}

/*  The roster in force is joint, and not known to be committed. */
static bool
s_pending (const hf_core_t *self, const hf_core_roster_t *roster)
{
    return roster->joint && roster->index > self->commit_index;
}

hf_core_voters_t
hf_core_voters (const hf_core_t *self)
{
    const hf_core_roster_t *roster = hf_core_roster (self);
    if (!hf_core_tracks (self) || roster == NULL)
        return (hf_core_voters_t){.now = s_listed (self)};
    hf_core_voters_t voters = {.now = roster->now};
    if (!s_pending (self, roster) || HF_MUTANT (admitted_at_once))
        return voters;
    voters.before = roster->before;
    voters.lost = HF_MUTANT (replaced_counts_early) ? 0 : roster->lost;
    if (HF_MUTANT (old_majority_alone)) {
        voters.now = voters.before;
        voters.before = 0;
    }
    return voters;
}

bool
hf_core_majority (const hf_core_t *self, uint32_t mask)
{
    hf_core_voters_t voters = hf_core_voters (self);
    return hf_quorum_reached (mask, voters.now) &&
           (voters.before == 0 || hf_quorum_reached (mask & ~voters.lost, voters.before) ||
            HF_MUTANT (votes_by_new));
}

bool
hf_core_no_majority (const hf_core_t *self, uint32_t refused)
{
    hf_core_voters_t voters = hf_core_voters (self);
    return hf_quorum_lost (refused, voters.now) ||
           (voters.before != 0 && hf_quorum_lost (refused | voters.lost, voters.before));
}

uint64_t
hf_core_majority_value (const hf_core_t *self, const uint64_t *values, uint32_t counted)
{
    hf_core_voters_t voters = hf_core_voters (self);
    uint64_t now = hf_quorum_value_of (values, counted, voters.now);
    if (voters.before == 0 || HF_MUTANT (commits_by_new))
        return now;
    uint64_t before = hf_quorum_value_of (values, counted & ~voters.lost, voters.before);
    return before < now ? before : now;
}

/*  The seat that ROSTER gives us with the disk that we have; NULL: none. */
static const hf_seat_t *
s_own_seat (const hf_core_t *self, const hf_core_roster_t *roster)
{
    const hf_seat_t *seat = hf_roster_seat (&roster->is, self->config.self);
    return seat != NULL && seat->incarnation == self->config.incarnation ? seat : NULL;
}

/*  Who is on its way out stands until F, which leaves it out, is known to be committed. It may have
 *  the longest log: then who does not know that K is committed needs its vote, and does not get it.
 *  It does not count, and when F is committed it hands over (4.2.2). */
static bool
s_stands_for_others (const hf_core_t *self, const hf_core_roster_t *roster)
{
    if (HF_MUTANT (removed_never_stands))
        return false;
    if (!roster->joint && roster->index > self->commit_index && self->rosters.count > 1)
        roster--;
    const hf_seat_t *seat = s_own_seat (self, roster);
    return roster->joint && seat != NULL && (seat->flags & HF_SEAT_LEAVES) != 0;
}

bool
hf_core_may_stand (const hf_core_t *self)
{
    const hf_core_roster_t *roster = hf_core_roster (self);
    if (!hf_core_tracks (self))
        return true;
    if (roster == NULL) //  a node that joins a cluster waits for it
        return self->config.members_count > 0 || HF_MUTANT (joins_alone);
    const hf_seat_t *seat = s_own_seat (self, roster);
    return (seat != NULL && (seat->flags & HF_SEAT_VOTES) != 0) ||
           s_stands_for_others (self, roster);
}

uint32_t
hf_core_counted (const hf_core_t *self)
{
    assert (self->role == HF_LEADER);
    if (!hf_core_tracks (self))
        return s_listed (self);
    const hf_core_roster_t *roster = hf_core_roster (self);
    assert (roster != NULL); //  the first leader's first entry is one
    uint32_t mask = 0;
    for (uint32_t i = 0; i < HF_MEMBERS_MAX; i++) {
        bool own = i == self->slot;
        uint64_t seen = own ? self->config.incarnation : self->peers[i].incarnation;
        bool speaks =
            own || self->peers[i].speaks >= roster->is.level || HF_MUTANT (outdated_counts);
        mask |= (self->nodes[i] != 0 && roster->incarnation[i] == seen && speaks ? 1U : 0) << i;
    }
    return mask;
}

uint32_t
hf_core_full (const hf_core_t *self)
{
    if (!hf_core_tracks (self))
        return s_listed (self);
    const hf_core_roster_t *roster = hf_core_roster (self);
    if (roster == NULL)
        return 0;
    hf_core_voters_t voters = hf_core_voters (self);
    uint32_t full = voters.now & ~voters.lost;
    if (self->role == HF_LEADER)
        return full & hf_core_counted (self);
    return hf_core_may_stand (self) ? full : full & ~(1U << self->slot);
}

uint32_t
hf_core_drained (const hf_core_t *self)
{
    const hf_core_roster_t *roster = hf_core_roster (self);
    return hf_core_tracks (self) && roster != NULL ? roster->drained : 0;
}

uint32_t
hf_core_rank (const hf_core_t *self, uint32_t node)
{
    uint32_t voters = hf_core_voters (self).now, drained = hf_core_drained (self);
    uint32_t slot = hf_core_slot (self, node), rank = 0;
    bool last =
        slot < HF_MEMBERS_MAX && (drained >> slot & 1) != 0 && !HF_MUTANT (drained_stands_first);
    if (!last)
        voters &= ~drained;
    for (uint32_t i = 0; i < HF_MEMBERS_MAX; i++)
        rank += (voters >> i & 1) != 0 && self->nodes[i] < node ? 1 : 0;
    return last ? rank + HF_MEMBERS_MAX : rank;
}

bool
hf_core_alone (const hf_core_t *self)
{
    for (uint32_t i = 0; i < HF_MEMBERS_MAX; i++) {
        if (self->nodes[i] != 0 && i != self->slot)
            return false;
    }
    return true;
}
