//  Changes of the members, as a leader: what an operator asks for, and what the leader does by
//  itself: admit a new disk, promote who has caught up, close a joint roster. One at a time.

#include "nodes/consensus/hf_core_internal.h"
#include <string.h>

//  ---- the next roster -------------------------------------------------------------------

/*  Whether the next roster may be appended: the last one is committed, which shows that a majority
 *  of it agreed. */
static bool
s_free_to_change (const hf_core_t *self)
{
    const hf_core_roster_t *last = hf_core_roster (self);
    return last != NULL && hf_core_accepts (self) &&
           (last->index <= self->commit_index || HF_MUTANT (two_changes));
}

/*  A copy of the roster in force, closed: nobody joins or leaves, and who votes voted. */
static hf_roster_t
s_closed (const hf_core_roster_t *last)
{
    hf_roster_t next = last->is;
    uint32_t kept = 0;
    next.joins = 0;
    for (uint32_t i = 0; i < last->is.count; i++) {
        hf_seat_t seat = last->is.members[i];
        if ((seat.flags & HF_SEAT_LEAVES) != 0)
            continue;
        seat.flags &= ~(HF_SEAT_VOTED | HF_SEAT_CHANGED);
        if ((seat.flags & HF_SEAT_VOTES) != 0)
            seat.flags |= HF_SEAT_VOTED;
        next.members[kept++] = seat;
    }
    next.count = kept;
    return next;
}

static hf_seat_t *
s_seat (hf_roster_t *roster, uint32_t node)
{
    for (uint32_t i = 0; i < roster->count; i++) {
        if (roster->members[i].node == node)
            return &roster->members[i];
    }
    return NULL;
}

//  ---- by itself -------------------------------------------------------------------------

/*  The peer is reachable, and has everything committed as of the last heartbeat. A new leader does
 *  not yet know which earlier entries are committed, so also everything up to open_index. */
static bool
s_caught_up (const hf_core_t *self, uint32_t slot)
{
    const hf_core_peer_t *peer = &self->peers[slot];
    return peer->incarnation != 0 && hf_core_reachable (self, slot) &&
           ((peer->match >= self->beat_commit && peer->match >= self->open_index) ||
            HF_MUTANT (promoted_early));
}

static void
s_close (hf_core_t *self, const hf_core_roster_t *last, hf_effects_t *effects)
{
    hf_roster_t next = s_closed (last);
    uint64_t index = last->index;
    hf_roster_t was = last->is; //  the list may move
    hf_core_append_own (self, &next, effects);
    for (uint32_t i = 0; i < was.count; i++) {
        const hf_seat_t *seat = &was.members[i];
        bool came = (seat->flags & HF_SEAT_VOTED) == 0 && (seat->flags & HF_SEAT_VOTES) != 0;
        if (came)
            hf_core_notice (self, HF_NOTICE_JOINED, seat->node, index, effects);
        else if ((seat->flags & HF_SEAT_CHANGED) != 0)
            hf_core_notice (self, HF_NOTICE_ADMITTED, seat->node, index, effects);
    }
}

/*  A voter that came with another disk, or a member that is to vote. */
static bool
s_wants_in (const hf_core_t *self, const hf_seat_t *seat)
{
    uint64_t seen = self->peers[seat->slot].incarnation;
    //  What it said before the last heartbeat, it may have said with a disk that is lost by now,
    //  and a leader that stood still takes it late.
    bool said =
        self->peers[seat->slot].round >= self->beat_round || HF_MUTANT (promoted_by_old_ack);
    if (seat->slot == self->slot || !said || !s_caught_up (self, seat->slot))
        return false;
    return (seat->flags & HF_SEAT_JOINS) != 0 ||
           ((seat->flags & HF_SEAT_VOTES) != 0 && seat->incarnation != seen);
}

void
hf_core_admit (hf_core_t *self, hf_effects_t *effects)
{
    const hf_core_roster_t *last = hf_core_roster (self);
    bool early = HF_MUTANT (closed_early) && last != NULL && last->joint && hf_core_accepts (self);
    if (!s_free_to_change (self) && !early)
        return;
    if (last->joint) {
        s_close (self, last, effects);
        return;
    }
    hf_roster_t next = s_closed (last);
    for (uint32_t i = 0; i < next.count; i++) {
        hf_seat_t *seat = &next.members[i];
        if (!s_wants_in (self, seat))
            continue;
        uint32_t stay = HF_SEAT_VOTED | (HF_MUTANT (drain_lost) ? 0 : HF_SEAT_DRAINED);
        seat->flags = HF_SEAT_VOTES | (seat->flags & stay) |
                      ((seat->flags & HF_SEAT_VOTED) != 0 ? HF_SEAT_CHANGED : 0);
        seat->incarnation = self->peers[seat->slot].incarnation;
        next.joins = next.level == 0 ? seat->node : 0;
        hf_core_append_own (self, &next, effects);
        return; //  one at a time
    }
}

//  ---- what an operator asks for ------------------------------------------------------------

static bool
s_same_place (const hf_seat_t *a, const hf_seat_t *b)
{
    return a->client_port == b->client_port && a->node_port == b->node_port &&
           hf_span_equal (a->host, b->host);
}

/*  Another member is at that place, or at one of its ports. */
static bool
s_place_taken (const hf_roster_t *roster, const hf_seat_t *place)
{
    for (uint32_t i = 0; i < roster->count; i++) {
        const hf_seat_t *seat = &roster->members[i];
        bool ports = seat->client_port == place->client_port ||
                     seat->client_port == place->node_port ||
                     seat->node_port == place->client_port || seat->node_port == place->node_port;
        if (seat->node != place->node && hf_span_equal (seat->host, place->host) && ports)
            return true;
    }
    return false;
}

static uint32_t
s_free_slot (const hf_roster_t *roster)
{
    uint32_t taken = 0, slot = 0;
    for (uint32_t i = 0; i < roster->count; i++)
        taken |= 1U << roster->members[i].slot;
    while ((taken >> slot & 1) != 0)
        slot++;
    return slot;
}

static hf_verdict_t
s_add (hf_roster_t *next, const hf_change_t *change)
{
    hf_seat_t *seat = s_seat (next, change->place.node);
    if (seat != NULL)
        return s_same_place (seat, &change->place) ? HF_VERDICT_DONE : HF_VERDICT_ID_TAKEN;
    if (s_place_taken (next, &change->place))
        return HF_VERDICT_PLACE_TAKEN;
    if (next->count == HF_MEMBERS_MAX)
        return HF_VERDICT_FULL;
    hf_seat_t added = change->place;
    added.incarnation = 0;
    added.slot = s_free_slot (next);
    added.flags = change->learns ? 0 : HF_SEAT_JOINS;
    uint32_t at = next->count++;
    for (; at > 0 && next->members[at - 1].node > added.node; at--)
        next->members[at] = next->members[at - 1];
    next->members[at] = added;
    return HF_VERDICT_TAKEN;
}

/*  Whether those of VOTERS that are up and have caught up are a majority of them, without those in
 *  WITHOUT. ANYHOW: they need not have caught up. They must be up in any case: what a change leads
 *  to is needed for the change itself, and there would be no way back. */
static bool
s_majority_is_up (const hf_core_t *self, uint32_t voters, uint32_t without, bool anyhow)
{
    uint32_t up = 0, counted = hf_core_counted (self) & ~without;
    for (uint32_t i = 0; i < HF_MEMBERS_MAX; i++) {
        bool here =
            i == self->slot || s_caught_up (self, i) || (anyhow && hf_core_reachable (self, i));
        up |= ((counted >> i & 1) != 0 && here ? 1U : 0) << i;
    }
    return hf_quorum_reached (up, voters) || HF_MUTANT (majority_not_looked_at);
}

static hf_verdict_t
s_remove (const hf_core_t *self, hf_roster_t *next, const hf_change_t *change)
{
    hf_seat_t *seat = s_seat (next, change->place.node);
    if (seat == NULL)
        return HF_VERDICT_DONE;
    if ((seat->flags & HF_SEAT_VOTES) == 0) {
        size_t behind = (size_t)(&next->members[next->count] - seat) - 1;
        memmove (seat, seat + 1, behind * sizeof *seat);
        next->count--;
        return HF_VERDICT_TAKEN;
    }
    uint32_t left = hf_core_roster (self)->now & ~(1U << seat->slot);
    if (left == 0)
        return HF_VERDICT_LAST;
    if (!s_majority_is_up (self, left, 0, change->force))
        return HF_VERDICT_NO_MAJORITY;
    seat->flags = HF_SEAT_VOTED | HF_SEAT_LEAVES;
    return HF_VERDICT_TAKEN;
}

/*  A voter that moves is not heard for a while: the others must be enough, unless there are none.
 * Of two, one cannot be moved without a risk. */
static hf_verdict_t
s_move (const hf_core_t *self, hf_roster_t *next, const hf_change_t *change)
{
    hf_seat_t *seat = s_seat (next, change->place.node);
    if (seat == NULL)
        return HF_VERDICT_NO_MEMBER;
    if (s_same_place (seat, &change->place))
        return HF_VERDICT_DONE;
    if (s_place_taken (next, &change->place))
        return HF_VERDICT_PLACE_TAKEN;
    uint32_t now = hf_core_roster (self)->now, bit = 1U << seat->slot;
    bool needed = (now & bit) != 0 && (now & ~bit) != 0;
    if (needed && !change->force && !s_majority_is_up (self, now, bit, false))
        return HF_VERDICT_NO_MAJORITY;
    seat->host = change->place.host;
    seat->client_port = change->place.client_port;
    seat->node_port = change->place.node_port;
    return HF_VERDICT_TAKEN;
}

static hf_verdict_t
s_promote (hf_roster_t *next, const hf_change_t *change)
{
    hf_seat_t *seat = s_seat (next, change->place.node);
    if (seat == NULL)
        return HF_VERDICT_NO_MEMBER;
    if ((seat->flags & (HF_SEAT_VOTES | HF_SEAT_JOINS)) != 0)
        return HF_VERDICT_DONE;
    seat->flags |= HF_SEAT_JOINS;
    return HF_VERDICT_TAKEN;
}

static hf_verdict_t
s_drain (hf_roster_t *next, const hf_change_t *change)
{
    hf_seat_t *seat = s_seat (next, change->place.node);
    bool drain = change->op == HF_CHANGE_DRAIN, others = false;
    if (seat == NULL)
        return HF_VERDICT_NO_MEMBER;
    if (((seat->flags & HF_SEAT_DRAINED) != 0) == drain)
        return HF_VERDICT_DONE;
    for (uint32_t i = 0; i < next->count; i++) {
        const hf_seat_t *other = &next->members[i];
        bool may = (other->flags & HF_SEAT_VOTES) != 0 && (other->flags & HF_SEAT_DRAINED) == 0;
        others = others || (other != seat && may);
    }
    if (drain && !others)
        return HF_VERDICT_ALL_DRAINED;
    seat->flags ^= HF_SEAT_DRAINED;
    return HF_VERDICT_TAKEN;
}

/*  The places that the first roster of version 2 names are those of the cluster list. */
static bool
s_fill_places (const hf_core_t *self, hf_roster_t *next)
{
    for (uint32_t i = 0; i < next->count; i++) {
        for (uint32_t m = 0; m < self->config.members_count; m++) {
            const hf_core_place_t *place = &self->config.places[m];
            hf_seat_t *seat = &next->members[i];
            if (self->config.members[m] != seat->node || place->host[0] == '\0')
                continue;
            seat->host = hf_span_text (place->host);
            seat->client_port = place->client_port;
            seat->node_port = place->node_port;
        }
        if (next->members[i].host.size == 0)
            return false;
    }
    return true;
}

static hf_verdict_t
s_raise (const hf_core_t *self, hf_roster_t *next, const hf_change_t *change)
{
    if (next->level >= change->level)
        return HF_VERDICT_DONE;
    if (change->level > self->config.speaks)
        return HF_VERDICT_LEVEL;
    for (uint32_t i = 0; i < next->count; i++) {
        uint32_t slot = next->members[i].slot;
        //  Who was not heard a moment ago may be of any level.
        bool speaks = slot == self->slot ||
                      (hf_core_reachable (self, slot) && self->peers[slot].speaks >= change->level);
        if (!speaks && !HF_MUTANT (level_not_asked))
            return HF_VERDICT_LEVEL;
    }
    if (next->level == 0) {
        next->cluster = hf_core_cluster_id (next);
        if (!s_fill_places (self, next))
            return HF_VERDICT_NO_PLACE;
    }
    next->level = change->level;
    return HF_VERDICT_TAKEN;
}

uint32_t
hf_core_outdated (const hf_core_t *self)
{
    const hf_core_roster_t *last = hf_core_roster (self);
    uint32_t mask = 0;
    for (uint32_t i = 0; self->role == HF_LEADER && last != NULL && i < last->is.count; i++) {
        uint32_t slot = last->is.members[i].slot;
        const hf_core_peer_t *peer = &self->peers[slot];
        bool outdated =
            slot != self->slot && peer->incarnation != 0 && peer->speaks < last->is.level;
        mask |= (outdated ? 1U : 0) << slot;
    }
    return mask;
}

static hf_verdict_t
s_apply (const hf_core_t *self, hf_roster_t *next, const hf_change_t *change)
{
    if (change->op != HF_CHANGE_RAISE && next->level == 0)
        return HF_VERDICT_LEVEL;
    switch (change->op) {
    case HF_CHANGE_ADD:
        return s_add (next, change);
    case HF_CHANGE_REMOVE:
        return s_remove (self, next, change);
    case HF_CHANGE_MOVE:
        return s_move (self, next, change);
    case HF_CHANGE_PROMOTE:
        return s_promote (next, change);
    case HF_CHANGE_RAISE:
        return s_raise (self, next, change);
    case HF_CHANGE_DRAIN:
    case HF_CHANGE_UNDRAIN:
        return s_drain (next, change);
    case HF_CHANGE_LEAD:
        break; //  no roster is made: see hf_core_hand_to
    }
    return HF_VERDICT_NO_MEMBER;
}

static bool
s_was_done (const hf_roster_t *roster, uint64_t id)
{
    for (uint32_t i = 0; i < roster->done_count; i++) {
        if (roster->done[i] == id)
            return !HF_MUTANT (change_twice);
    }
    return false;
}

static void
s_remember (hf_roster_t *roster, uint64_t id)
{
    if (roster->done_count == HF_ROSTER_DONE_MAX) {
        memmove (roster->done, roster->done + 1, sizeof roster->done - sizeof roster->done[0]);
        roster->done_count--;
    }
    roster->done[roster->done_count++] = id;
}

void
hf_core_on_change (hf_core_t *self, const hf_change_t *change, hf_effects_t *effects)
{
    const hf_core_roster_t *last = hf_core_roster (self);
    hf_verdict_t verdict = HF_VERDICT_BUSY;
    hf_roster_t next;
    if (!hf_core_tracks (self) || self->role != HF_LEADER || last == NULL)
        verdict = HF_VERDICT_NOT_LEADER;
    else if (change->op == HF_CHANGE_LEAD)
        verdict = hf_core_hand_to (self, change, effects);
    else if (s_was_done (&last->is, change->id)) {
        //  It is told as done when it is committed.
        verdict = HF_VERDICT_DONE;
        if (last->index > self->commit_index) {
            verdict = HF_VERDICT_TAKEN;
            self->change_id = change->id;
            self->change_index = last->index;
        }
    } else if (s_free_to_change (self) && !last->joint) {
        next = s_closed (last);
        verdict = s_apply (self, &next, change);
        if (verdict == HF_VERDICT_TAKEN) {
            s_remember (&next, change->id);
            hf_core_append_own (self, &next, effects);
            self->change_id = change->id;
            self->change_index = self->log.last_index;
        }
    }
    if (verdict != HF_VERDICT_TAKEN)
        hf_core_notice (self, HF_NOTICE_VERDICT, change->id, verdict, effects);
    else if (HF_MUTANT (change_told_early))
        hf_core_notice (self, HF_NOTICE_VERDICT, change->id, HF_VERDICT_DONE, effects);
}

void
hf_core_settle_change (hf_core_t *self, hf_effects_t *effects)
{
    if (self->change_id == 0 || self->change_index > self->commit_index)
        return;
    hf_core_notice (self, HF_NOTICE_VERDICT, self->change_id, HF_VERDICT_DONE, effects);
    self->change_id = 0;
}
