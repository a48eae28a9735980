//  What a leader does: rounds, publishing, the commit index.

#include "nodes/consensus/hf_core_internal.h"
#include "base/hf_hash.h"

uint64_t
hf_core_cluster_id (const hf_roster_t *roster)
{
    uint64_t id = 0;
    for (uint32_t i = 0; i < roster->count; i++)
        id =
            hf_hash_u64 (hf_hash_u64 (id, roster->members[i].node), roster->members[i].incarnation);
    return id != 0 ? id : 1;
}

/*  Whether the places of all members are known. */
static bool
s_places_known (const hf_core_t *self)
{
    for (uint32_t i = 0; i < self->config.members_count; i++) {
        if (self->config.places[i].host[0] == '\0')
            return false;
    }
    return true;
}

/*  The roster of the incarnations that voted, of the highest level that all of them speak. */
static void
s_form (const hf_core_t *self, hf_roster_t *roster)
{
    if (s_places_known (self))
        roster->level = self->voters_speak;
    for (uint32_t i = 0; i < self->config.members_count; i++) {
        assert (self->nodes[i] == self->config.members[i]);
        if (self->voters[i] == 0 && HF_MUTANT (formed_by_majority))
            continue;
        assert (self->voters[i] != 0);
        const hf_core_place_t *place = &self->config.places[i];
        roster->members[roster->count++] = (hf_seat_t){.node = self->config.members[i],
                                                       .incarnation = self->voters[i],
                                                       .slot = i,
                                                       .flags = HF_SEAT_VOTES | HF_SEAT_VOTED,
                                                       .host = hf_span_text (place->host),
                                                       .client_port = place->client_port,
                                                       .node_port = place->node_port};
    }
    if (roster->level > 0)
        roster->cluster = hf_core_cluster_id (roster);
}

void
hf_core_lead (hf_core_t *self, hf_effects_t *effects)
{
    assert (self->role == HF_CANDIDATE && self->voted_for.node == self->config.self);
    self->role = HF_LEADER;
    self->leader = self->config.self;
    self->term_leader = self->config.self;
    self->round = 0;
    self->announced = false;
    self->barriers.count = 0;
    self->transfer_to = 0;
    self->transfer_backoff = 0;
    hf_core_regret (self);
    self->beat_commit = self->commit_index;
    self->beat_round = 0;
    for (uint32_t i = 0; i < HF_MEMBERS_MAX; i++)
        self->peers[i] = (hf_core_peer_t){.heard_us = self->now_us};
    self->change_id = self->asked_id = 0;
    self->leaves_at_us = 0;
    self->beats = 0;
    self->open_index = self->log.last_index + 1;
    //  The first leader of all: every member voted for it, and its first entry is their roster.
    hf_roster_t first = {.count = 0};
    bool forms = hf_core_tracks (self) && hf_core_roster (self) == NULL;
    if (forms)
        s_form (self, &first);
    hf_core_append_own (self, forms ? &first : NULL, effects);
    self->beat_at_us = self->now_us + self->config.heartbeat_us;
    hf_core_beat (self, effects);
}

/*  A message that carries the commit index goes to all. */
static void
s_told (hf_core_t *self)
{
    self->told_commit = self->commit_index;
    self->tell_at_us = 0;
}

void
hf_core_beat (hf_core_t *self, hf_effects_t *effects)
{
    assert (self->role == HF_LEADER);
    self->round++;
    if (hf_core_alone (self))
        return;
    hf_outgoing_t *out = hf_core_send (self, HF_KIND_HEARTBEAT, 0, effects);
    hf_heartbeat_t *m = &out->message.heartbeat;
    out->early = !self->vote_pending;
    m->round = self->round;
    m->commit = self->commit_index;
    m->last_index = self->log.last_index;
    m->last_term = hf_core_log_last_term (&self->log);
    m->keep = hf_core_keep (self);
    m->marks = hf_core_tell_marks (self);
    s_told (self);
}

void
hf_core_tell_roster (hf_core_t *self, hf_effects_t *effects)
{
    if (self->beats-- > 0)
        return;
    self->beats = HF_CORE_TELL_ROSTER - 1;
    //  Also when nobody is left: who was removed may listen.
    //  Before its term is open, a leader may know less than what is committed.
    if (self->commit_index >= self->open_index && !HF_MUTANT (roster_untold))
        hf_core_send_roster (self, 0, effects);
}

void
hf_core_tell_commit (hf_core_t *self, hf_effects_t *effects)
{
    assert (self->role == HF_LEADER);
    if (hf_core_alone (self))
        return;
    //  No entries: the end of our log, and the commit index, which a majority has on disk.
    hf_core_send_entries (self, 0, self->log.last_index, hf_core_log_last_term (&self->log), 0,
                          effects)
        ->early = !self->vote_pending;
    s_told (self);
}

void
hf_core_append_own (hf_core_t *self, const hf_roster_t *roster, hf_effects_t *effects)
{
    hf_persist_t *persist = hf_core_persist (effects, HF_PERSIST_OWN);
    persist->index = self->log.last_index + 1;
    persist->term = self->term;
    persist->count = 1;
    persist->entry_type = HF_ENTRY_OPEN_TERM;
    if (roster != NULL)
        hf_core_roster_add (self, roster, persist);
    hf_core_publish (self, 1, effects);
}

void
hf_core_publish (hf_core_t *self, uint32_t count, hf_effects_t *effects)
{
    assert (self->role == HF_LEADER && count > 0);
    uint64_t prev_index = self->log.last_index;
    uint64_t prev_term = hf_core_log_last_term (&self->log);
    hf_core_log_append (&self->log, self->term, count);
    self->verified_index = self->log.last_index; //  our log is what others are checked against
    if (hf_core_alone (self))
        return;
    //  Entries may travel before our own disk has them: only the leader of a term makes entries of
    //  it, and after a crash we do not lead this term again, because our vote in it is on disk. So
    //  not while that vote is pending.
    bool early = !self->vote_pending;
    hf_core_send_entries (self, 0, prev_index, prev_term, count, effects)->early = early;
    s_told (self);
}

uint64_t
hf_core_majority_heard_us (const hf_core_t *self)
{
    uint64_t heard_us[HF_MEMBERS_MAX];
    for (uint32_t i = 0; i < HF_MEMBERS_MAX; i++)
        heard_us[i] = i == self->slot ? self->now_us : self->peers[i].heard_us;
    //  A member that was not heard yet in this term may still turn out to count.
    uint32_t counted = hf_core_counted (self);
    for (uint32_t i = 0; i < HF_MEMBERS_MAX; i++)
        counted |= (i != self->slot && self->peers[i].incarnation == 0 ? 1U : 0) << i;
    return hf_core_majority_value (self, heard_us, counted);
}

void
hf_core_advance_commit (hf_core_t *self)
{
    assert (self->role == HF_LEADER);
    uint64_t match[HF_MEMBERS_MAX];
    uint64_t own = HF_MUTANT (count_before_durable) ? self->log.last_index : self->durable_index;
    for (uint32_t i = 0; i < HF_MEMBERS_MAX; i++)
        match[i] = i == self->slot ? own : self->peers[i].match;
    uint32_t counted = HF_MUTANT (unknown_counts) ? UINT32_MAX : hf_core_counted (self);
    uint64_t index = hf_core_majority_value (self, match, counted);
    //  An entry of an earlier term is committed only by one of ours behind it (3.6.2).
    bool ours = hf_core_log_term_at (&self->log, index) == self->term;
    if (index > self->commit_index && (ours || HF_MUTANT (counted_old_term)))
        self->commit_index = index;
}

/*  The peer that has acknowledged the least, of those that were heard within US and behind which
 * our log still goes on; NULL: none, or we do not lead. */
static const hf_core_peer_t *
s_last (const hf_core_t *self, uint64_t us)
{
    const hf_core_peer_t *last = NULL;
    for (uint32_t i = 0; self->role == HF_LEADER && i < HF_MEMBERS_MAX; i++) {
        const hf_core_peer_t *peer = &self->peers[i];
        bool heard =
            i != self->slot && peer->incarnation != 0 && self->now_us < peer->heard_us + us;
        if (heard && peer->match + 1 >= self->log.first_index &&
            (!last || peer->match < last->match))
            last = peer;
    }
    return last;
}

uint64_t
hf_core_lagging (const hf_core_t *self)
{
    uint64_t lately_us = 10 * self->config.election_us, lowest = UINT64_MAX;
    const hf_core_peer_t *last = s_last (self, lately_us);
    //  Of what the leader keeps we may have less; the member may have more by the time we lead.
    if (self->leader_keep > 0 && !HF_MUTANT (prune_by_follower) &&
        self->now_us < self->keep_us + lately_us)
        lowest = (self->leader_keep > self->log.first_index ? self->leader_keep
                                                            : self->log.first_index) -
                 1;
    return last && last->match < lowest ? last->match : lowest;
}

uint64_t
hf_core_keep (const hf_core_t *self)
{
    uint64_t lagging = hf_core_lagging (self), last = self->log.last_index;
    if (lagging == UINT64_MAX)
        return 0;
    //  The leader before us may have had more than we have.
    return (lagging < last ? lagging : last) + 1;
}

uint32_t
hf_core_behind (const hf_core_t *self, uint64_t *index)
{
    const hf_core_peer_t *last = s_last (self, self->config.election_us);
    *index = last ? last->match : 0;
    return last ? self->nodes[last - self->peers] : 0;
}

void
hf_core_pass_barriers (hf_core_t *self, hf_effects_t *effects)
{
    assert (self->role == HF_LEADER);
    bool opened = self->commit_index >= self->open_index || HF_MUTANT (serves_early);
    if (self->barriers.count == 0 || !opened)
        return;
    uint64_t rounds[HF_MEMBERS_MAX];
    for (uint32_t i = 0; i < HF_MEMBERS_MAX; i++)
        rounds[i] = i == self->slot ? self->round : self->peers[i].round;
    uint64_t round = hf_core_majority_value (self, rounds, hf_core_counted (self));
    size_t passed = 0;
    for (; passed < self->barriers.count; passed++) {
        const hf_core_barrier_t *barrier = &self->barriers.list[passed];
        if (barrier->round > round)
            break;
        assert (barrier->index <= self->commit_index);
        hf_core_notice (self, HF_NOTICE_PASSED, barrier->id, barrier->index, effects);
    }
    hf_array_drop (&self->barriers, passed);
}

//  ---- heartbeats ----------------------------------------------------------------

void
hf_core_on_heartbeat (hf_core_t *self, const hf_heartbeat_t *m, hf_effects_t *effects)
{
    if (!hf_core_hear_leader (self, m->from))
        return;
    //  What the leader said last counts, not the largest that it ever said: a forged number must
    //  not outlive the next heartbeat. What is committed stays committed.
    bool largest = HF_MUTANT (largest_said);
    self->round = largest && self->round > m->round ? self->round : m->round;
    self->leader_commit = m->commit;
    self->leader_last =
        largest && self->leader_last > m->last_index ? self->leader_last : m->last_index;
    self->leader_keep = m->keep;
    self->keep_us = self->now_us;
    self->ack_due = true;
    hf_core_hear_marks (self, m);
    //  With one point in common, everything before it is common too (log matching, 3.5).
    if (m->last_index > self->verified_index &&
        hf_core_log_has (&self->log, m->last_index, m->last_term)) {
        self->verified_index = m->last_index;
        self->needs_state = false;
        hf_core_repair_progress (self, false, effects);
    } else
        hf_core_repair_ask (self, effects);
}

//  ---- acks ----------------------------------------------------------------------

void
hf_core_on_ack (hf_core_t *self, const hf_ack_t *m, hf_effects_t *effects)
{
    (void)effects;
    //  No peer can have verified entries that we do not have, or heard a round that we did not
    //  send.
    if (self->role != HF_LEADER || m->index > self->log.last_index || m->round > self->round)
        return;
    uint32_t slot = hf_core_slot (self, m->from);
    if (slot == HF_MEMBERS_MAX)
        return;
    hf_core_peer_t *peer = &self->peers[slot];
    //  The incarnation changed: this is a new disk, so nothing acknowledged by the old one counts.
    //  If a late ack from the old disk arrives after the new one's, we reset again; that is
    //  harmless.
    if (hf_core_tracks (self) && m->incarnation != peer->incarnation) {
        *peer = (hf_core_peer_t){0};
        peer->incarnation = m->incarnation;
    }
    peer->heard_us = self->now_us;
    peer->speaks = m->speaks;
    if (m->index > peer->match)
        peer->match = m->index;
    //  Acks may overtake each other.
    if (m->round >= peer->round) {
        peer->round = m->round;
        peer->hears = m->hears;
        peer->sync_us = m->sync_us;
    }
}

//  ---- barriers ------------------------------------------------------------------

//  Read barriers (6.4): a round that begins now and is acknowledged by a majority in this term.

void
hf_core_on_barrier (hf_core_t *self, uint64_t id, hf_effects_t *effects)
{
    if (self->role != HF_LEADER)
        return;
    //  Full: drop the oldest. Its waiter waits for a later one too, which promises at least as
    //  much.
    if (self->barriers.count == HF_CORE_BARRIERS_MAX)
        hf_array_drop (&self->barriers, 1);
    //  A heartbeat is EARLY, so it may already be under way when this step begins: a barrier never
    //  shares the round of an earlier step.
    if (!HF_MUTANT (barrier_old_round) || self->round == 0)
        hf_core_beat (self, effects);
    uint64_t index = self->commit_index > self->open_index ? self->commit_index : self->open_index;
    if (HF_MUTANT (serves_early))
        index = self->commit_index;
    *hf_array_add (&self->barriers) =
        (hf_core_barrier_t){.id = id, .round = self->round, .index = index};
}
