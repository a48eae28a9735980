//  The life of a core, the dispatcher, and the small events: links, stalls, ticks.

#include "nodes/consensus/hf_core_internal.h"
#include "base/hf_alloc.h"
#include <stdlib.h>

void
hf_core_config_defaults (hf_core_config_t *config)
{
    *config = (hf_core_config_t){.heartbeat_us = 50000,
                                 .election_us = 300000,
                                 .rank_step_us = 60000,
                                 .stability_us = 2000000,
                                 .prefer_lowest = true,
                                 .regret_us = 120000000,
                                 .believed_us = 480000000,
                                 .speaks = HF_LEVEL_NEWEST,
                                 .seed = 1};
}

static bool
s_config_sane (const hf_core_config_t *config)
{
    uint32_t count = config->members_count;
    bool found = count == 0 && config->self != 0 && config->incarnation != 0;
    if (count > HF_MEMBERS_MAX || (count > 0 && count % 2 == 0))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (config->members[i] == 0 || (i > 0 && config->members[i] <= config->members[i - 1]))
            return false;
        found = found || config->members[i] == config->self;
    }
    return found && config->heartbeat_us > 0 && config->election_us > config->heartbeat_us;
}

hf_core_t *
hf_core_new (const hf_core_config_t *config, const hf_restored_t *restored, uint64_t now_us,
             hf_chunk_fn *chunk, void *chunk_arg)
{
    assert (config != NULL && restored != NULL);
    hf_core_log_t log;
    if (!s_config_sane (config) || !hf_core_log_init (&log, restored))
        return NULL;
    hf_core_t *self = hf_alloc (sizeof *self);
    self->config = *config;
    hf_core_sit (self);
    self->chunk = chunk;
    self->chunk_arg = chunk_arg;
    self->random.state = config->seed ^ (uint64_t)config->self << 32;
    self->now_us = now_us;
    self->term = restored->term;
    self->voted_for = restored->voted_for;
    self->opened = (hf_seen_mark_t){restored->term, restored->voted_for.node != 0, log.last_index};
    hf_pack_init (&self->marks);
    self->log = log;
    //  The store shows on start only what is on disk, and prunes only what is committed.
    self->durable_index = log.last_index;
    self->commit_index = log.first_index - 1;
    self->verified_index = self->commit_index;
    self->role = HF_FOLLOWER;
    self->notice_due = true;
    if (!hf_core_roster_init (self, restored)) {
        hf_core_destroy (&self);
        return NULL;
    }
    self->was_member = self->was_member || (self->rosters.count > 0 && config->members_count > 0);
    hf_core_repair_reset (self);
    self->stand_at_us = now_us;
    if (!hf_core_alone (self) || !hf_core_may_stand (self))
        self->stand_at_us += hf_core_election_timeout (self);
    return self;
}

void
hf_core_destroy (hf_core_t **self_p)
{
    assert (self_p != NULL);
    if (*self_p == NULL)
        return;
    hf_core_log_done (&(*self_p)->log);
    hf_core_roster_done (*self_p);
    hf_array_free (&(*self_p)->barriers);
    hf_pack_done (&(*self_p)->marks);
    free (*self_p);
    *self_p = NULL;
}

//  ---- small things ---------------------------------------------------------------------

uint32_t
hf_core_member (const hf_core_t *self, uint32_t slot)
{
    return slot < HF_MEMBERS_MAX ? self->nodes[slot] : 0;
}

uint64_t
hf_core_reached (const hf_core_t *self, uint32_t slot)
{
    if (slot == self->slot)
        return self->durable_index;
    if (slot >= HF_MEMBERS_MAX || self->nodes[slot] == 0)
        return 0;
    uint64_t acked = self->role == HF_LEADER ? self->peers[slot].match : 0;
    uint64_t seen = hf_seen_promised (&self->seen[slot]).index;
    return acked > seen ? acked : seen;
}

bool
hf_core_accepts (const hf_core_t *self)
{
    return self->role == HF_LEADER && self->commit_index >= self->open_index &&
           self->transfer_to == 0 && self->leaves_at_us == 0;
}

hf_core_view_t
hf_core_view (const hf_core_t *self)
{
    uint64_t behind_index = 0;
    uint32_t behind = hf_core_behind (self, &behind_index);
    return (hf_core_view_t){.role = self->role,
                            .term = self->term,
                            .voted_for = self->voted_for.node,
                            .leader = self->leader,
                            .commit_index = self->commit_index,
                            .verified_index = self->verified_index,
                            .durable_index = self->durable_index,
                            .last_index = self->log.last_index,
                            .last_term = hf_core_log_last_term (&self->log),
                            .first_index = self->log.first_index,
                            .links = self->links,
                            .counted = hf_core_full (self),
                            .sync_us = hf_core_sync_us (self),
                            .transfer_to = self->transfer_to,
                            .lagging = hf_core_lagging (self),
                            .behind = behind,
                            .behind_index = behind_index,
                            .outdated = hf_core_outdated (self),
                            .needs_state = self->needs_state};
}

hf_core_brief_t
hf_core_brief (const hf_core_t *self)
{
    return (hf_core_brief_t){.role = self->role,
                             .leader = self->leader,
                             .term = self->term,
                             .commit_index = self->commit_index,
                             .last_index = self->log.last_index,
                             .last_term = hf_core_log_last_term (&self->log),
                             .sync_us = hf_core_sync_us (self)};
}

uint64_t
hf_core_term_at (const hf_core_t *self, uint64_t index)
{
    return hf_core_log_term_at (&self->log, index);
}

void
hf_core_check (const hf_core_t *self)
{
    hf_core_log_check (&self->log);
    hf_core_roster_check (self);
    assert (self->slot == HF_MEMBERS_MAX || self->nodes[self->slot] == self->config.self);
    assert (self->commit_index <= self->verified_index);
    assert (self->verified_index <= self->log.last_index);
    assert (self->durable_index <= self->log.last_index);
    assert (self->commit_index + 1 >= self->log.first_index);
    assert (self->durable_index + 1 >= self->log.first_index);
    assert (!self->needs_state || (self->role != HF_LEADER && self->offer_noted));
    assert (hf_core_log_last_term (&self->log) <= self->term);
    bool leads = self->role == HF_LEADER;
    assert (leads == (self->leader == self->config.self));
    assert (!leads || self->verified_index == self->log.last_index);
    assert (!leads || self->open_index < self->log.first_index ||
            hf_core_log_term_at (&self->log, self->open_index) == self->term);
    assert (!leads || self->voted_for.node == self->config.self);
    assert (leads || (self->transfer_to == 0 && self->barriers.count == 0));
    assert (self->role != HF_CANDIDATE || self->voted_for.node == self->config.self);
    assert (self->role == HF_FOLLOWER || leads || self->leader == 0);
    assert (self->leader == 0 || self->leader == self->term_leader);
    assert (self->barriers.count <= HF_CORE_BARRIERS_MAX);
    for (uint32_t i = 0; leads && i < HF_MEMBERS_MAX; i++) {
        assert (self->peers[i].match <= self->log.last_index);
        assert (self->peers[i].round <= self->round);
    }
}

//  ---- proposals -----------------------------------------------------------------

static void
s_on_propose (hf_core_t *self, uint32_t count, hf_effects_t *effects)
{
    assert (count > 0 && count <= HF_CORE_ENTRIES_MAX);
    if (!hf_core_accepts (self))
        return;
    hf_persist_t *persist = hf_core_persist (effects, HF_PERSIST_APPEND);
    persist->term = self->term;
    persist->index = self->log.last_index + 1;
    persist->count = count;
    hf_core_publish (self, count, effects);
}

//  ---- durable -------------------------------------------------------------------

/*  The mean of the last few, so that one slow sync is soon forgotten. */
static void
s_synced (hf_core_t *self, uint64_t took_us)
{
    uint64_t before_us = hf_core_sync_us (self);
    self->sync_us = before_us == 0 ? took_us : (3 * before_us + took_us) / 4;
    self->sync_at_us = self->now_us;
}

uint64_t
hf_core_sync_us (const hf_core_t *self)
{
    //  With the mutant's time each quiet half minute makes a slow disk fit to lead.
    uint64_t believed_us =
        HF_MUTANT (slow_disk_forgotten) ? 10 * self->config.stability_us : self->config.believed_us;
    return self->now_us < self->sync_at_us + believed_us ? self->sync_us : 0;
}

static void
s_on_durable (hf_core_t *self, uint64_t index, uint64_t term)
{
    //  Entries that were truncated meanwhile are durable no more.
    if (hf_core_log_term_at (&self->log, index) != term || term == 0)
        return;
    assert (index <= self->log.last_index);
    if (index > self->durable_index)
        self->durable_index = index;
}

//  ---- pruned --------------------------------------------------------------------

static void
s_on_pruned (hf_core_t *self, uint64_t index, hf_effects_t *effects)
{
    //  The driver deletes only entries that are committed and on this disk.
    assert (index <= self->commit_index && index <= self->durable_index);
    if (index < self->log.first_index)
        return;
    hf_core_log_prune (&self->log, index);
    hf_core_roster_forget (self);
    //  A message whose entries were deleted goes out without entries: it only names the point.
    for (size_t i = 0; i < effects->messages.count; i++) {
        hf_outgoing_t *out = &effects->messages.list[i];
        if (out->message.kind == HF_KIND_ENTRIES && out->message.entries.prev_index < index)
            out->entries_count = 0;
    }
}

//  ---- links ---------------------------------------------------------------------

static void
s_on_link (hf_core_t *self, uint32_t node, bool up)
{
    uint32_t at = 0;
    while (at < self->linked_count && self->linked[at] != node)
        at++;
    if (node == self->config.self || up == (at < self->linked_count))
        return;
    if (!up)
        self->linked[at] = self->linked[--self->linked_count];
    else if (self->linked_count < HF_CORE_LINKS_MAX)
        self->linked[self->linked_count++] = node;
    hf_core_links_update (self);
}

static void
s_on_broken (hf_core_t *self, uint32_t node, hf_effects_t *effects)
{
    if (self->role != HF_FOLLOWER || self->leader == 0 || self->leader != node)
        return;
    self->broken = node;
    self->broken_us = self->now_us;
    self->leader = 0;
    //  The remaining members stand one after the other, the lowest id at once.
    uint32_t rank = hf_core_rank (self, self->config.self);
    rank -= rank > 0 && hf_core_rank (self, node) < rank ? 1 : 0;
    if (rank == 0 && self->now_us >= self->abstain_until_us && hf_core_may_stand (self)) {
        hf_core_pre_stand (self, effects);
        return;
    }
    uint64_t step_us = self->config.heartbeat_us * 3 / 10;
    self->stand_at_us =
        self->now_us + rank * step_us + hf_random_below (&self->random, step_us / 5);
}

//  ---- stalls --------------------------------------------------------------------

//  This node was held up by a slow sync or a stopped process. The time in which it could not listen
//  does not count as silence of its peers: otherwise a disk that all nodes of a machine share could
//  make each of them stand for election at once. This is for liveness only: no promise rests on
//  clocks between nodes (design 4.3).

static uint64_t
s_later (const hf_core_t *self, uint64_t heard_us, uint64_t for_us)
{
    uint64_t since_us = self->now_us - heard_us;
    return since_us > for_us ? heard_us + for_us : self->now_us;
}

static void
s_on_stall (hf_core_t *self, uint64_t for_us)
{
    if (for_us > self->now_us)
        return;
    if (self->role != HF_LEADER) {
        //  Without a leader there is no silence to excuse.
        if (self->leader != 0) {
            self->heard_us = s_later (self, self->heard_us, for_us);
            self->stand_at_us += for_us;
        }
        return;
    }
    //  Whom the others hear they said before it: who is to lead must be fit for a while anew.
    bool long_ago = for_us >= self->config.election_us && !HF_MUTANT (fit_before_stall);
    for (uint32_t i = 0; i < HF_MEMBERS_MAX; i++) {
        self->peers[i].heard_us = s_later (self, self->peers[i].heard_us, for_us);
        if (long_ago)
            self->peers[i].fit_us = 0;
    }
    if (self->transfer_to != 0)
        self->transfer_until_us += for_us;
}

//  ---- the tick ------------------------------------------------------------------

static void
s_leader_tick (hf_core_t *self, hf_effects_t *effects)
{
    if (self->now_us >= hf_core_majority_heard_us (self) + self->config.election_us) {
        hf_core_step_down (self, self->term, effects); //  check-quorum (6.2)
        return;
    }
    if (self->transfer_to != 0 && self->now_us >= self->transfer_until_us)
        hf_core_fail_transfer (self, effects);
    if (self->now_us < self->beat_at_us) {
        if (self->tell_at_us != 0 && self->now_us >= self->tell_at_us)
            hf_core_tell_commit (self, effects);
        return;
    }
    self->beat_at_us = self->now_us + self->config.heartbeat_us;
    hf_core_prefer_lowest (self);
    hf_core_admit (self, effects);
    self->beat_commit = self->commit_index;
    hf_core_beat (self, effects);
    self->beat_round = self->round;
    hf_core_tell_roster (self, effects);
    hf_core_push_transfer (self, true, effects);
}

static void
s_on_tick (hf_core_t *self, hf_effects_t *effects)
{
    if (self->role == HF_LEADER) {
        s_leader_tick (self, effects);
        return;
    }
    if (self->asked && self->now_us >= self->ask_again_us) {
        self->asked = false;
        hf_core_repair_ask (self, effects);
    }
    if (self->now_us < self->stand_at_us)
        return;
    if (self->now_us < self->abstain_until_us)
        self->stand_at_us = self->abstain_until_us;
    else if (!hf_core_may_stand (self)) {
        self->leader = 0;
        self->stand_at_us = self->now_us + hf_core_election_timeout (self);
    } else
        hf_core_pre_stand (self, effects);
}

//  ---- the step ------------------------------------------------------------------

/*  An old copy takes in only what its driver did with the log. */
static bool
s_is_deaf (const hf_core_t *self, hf_event_type_t type)
{
    return self->old && type != HF_EV_DURABLE && type != HF_EV_PRUNED;
}

void
hf_core_step (hf_core_t *self, const hf_event_t *event, hf_effects_t *effects)
{
    assert (self != NULL && event != NULL && effects != NULL);
    assert (effects->persists.count == 0); //  the driver writes them before the next step
    if (event->now_us > self->now_us)
        self->now_us = event->now_us;
    if (s_is_deaf (self, event->type)) {
        effects->wake_at_us = UINT64_MAX;
        return;
    }
    //  The request for our votes is still among the messages until the driver has
    //  committed our own; when there is none, it has.
    size_t sent = effects->messages.count;
    if (sent == 0)
        self->vote_pending = false;
    switch (event->type) {
    case HF_EV_TICK:
        s_on_tick (self, effects);
        break;
    case HF_EV_PEER:
        hf_core_on_peer (self, event, effects);
        break;
    case HF_EV_PROPOSE:
        s_on_propose (self, event->propose.count, effects);
        break;
    case HF_EV_BARRIER:
        hf_core_on_barrier (self, event->barrier.id, effects);
        break;
    case HF_EV_DURABLE:
        s_synced (self, event->durable.took_us);
        s_on_durable (self, event->durable.index, event->durable.term);
        break;
    case HF_EV_LINK:
        s_on_link (self, event->link.node, event->link.up);
        break;
    case HF_EV_BROKEN:
        s_on_broken (self, event->link.node, effects);
        break;
    case HF_EV_HANDOVER:
        hf_core_on_handover (self, effects);
        break;
    case HF_EV_STALL:
        s_on_stall (self, event->stall.for_us);
        break;
    case HF_EV_PRUNED:
        s_on_pruned (self, event->pruned.index, effects);
        break;
    case HF_EV_CHANGE:
        hf_core_on_change (self, &event->change, effects);
        break;
    }
    hf_core_settle (self, effects);
    for (; sent < effects->messages.count; sent++)
        assert (hf_core_sane (&effects->messages.list[sent].message));
}
