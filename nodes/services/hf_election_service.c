//  The election service: its life, its inputs, its turn.

#include "nodes/services/hf_election_private.h"
#include <assert.h>
#include <inttypes.h>

//  ---- life ----------------------------------------------------------------------

static void
s_defaults (hf_election_config_t *config)
{
#define DEFAULT(field, value) config->field = config->field != 0 ? config->field : (value)
    DEFAULT (repair_keep, 256U << 20);
    DEFAULT (hold_us, 60000000);
    DEFAULT (handover_us, 1000000);
    DEFAULT (stall_us, 20000);
    DEFAULT (prune_step, 256);
    DEFAULT (tail_bytes, 16U << 20);
    DEFAULT (chunk_bytes, 256U << 10);
    DEFAULT (propose_bytes, 512U << 10);
    DEFAULT (deliver_bytes, 128U << 10);
    DEFAULT (deliver_ahead, 256U << 10);
    DEFAULT (lag_us, 5000);
#undef DEFAULT
}

hf_election_service_t *
hf_election_service_new (const hf_election_config_t *config, const hf_restored_t *restored,
                         const hf_election_log_t *log, uint64_t now_us)
{
    hf_election_service_t *self = hf_alloc (sizeof *self);
    self->config = *config;
    s_defaults (&self->config);
    self->log = *log;
    self->core = hf_core_new (&config->core, restored, now_us, hf_election_chunk, self);
    if (!self->core) {
        free (self);
        return NULL;
    }
    self->tail = hf_tail_new (restored->last_index, self->config.tail_bytes);
    hf_effects_init (&self->effects);
    hf_outbox_init (&self->out);
    hf_outbox_init (&self->held);
    hf_pack_init (&self->records);
    hf_pack_init (&self->proposals);
    self->now_us = self->began_us = self->listen_us = self->missing_told_us = now_us;
    self->prune_us = UINT64_MAX;
    self->effects.wake_at_us = now_us;
    if (restored->last_index > restored->base_index)
        hf_outbox_say (&self->out, HF_INFO,
                       "log: entries %" PRIu64 " to %" PRIu64 ", term %" PRIu64,
                       restored->base_index + 1, restored->last_index, restored->term);
    else
        hf_outbox_say (&self->out, HF_INFO, "log: no entries after %" PRIu64 ", term %" PRIu64,
                       restored->base_index, restored->term);
    return self;
}

void
hf_election_service_destroy (hf_election_service_t **self_p)
{
    hf_election_service_t *self = *self_p;
    if (!self)
        return;
    hf_core_destroy (&self->core);
    hf_tail_destroy (&self->tail);
    hf_effects_done (&self->effects);
    hf_outbox_done (&self->out);
    hf_outbox_done (&self->held);
    hf_pack_done (&self->records);
    hf_pack_done (&self->proposals);
    free (self);
    *self_p = NULL;
}

//  ---- peers -----------------------------------------------------------------------

/*  A disk that was wiped came back with an old release: nothing of this cluster can be taken. */
static void
s_watch_level (hf_election_service_t *self, const hf_event_t *event)
{
    hf_roster_t roster;
    if (event->peer.kind != HF_KIND_MEMBERS || self->newer_told ||
        !hf_roster_get (event->peer.members.roster, &roster) ||
        roster.level <= self->config.core.speaks)
        return;
    self->newer_told = true;
    hf_outbox_say (&self->out, HF_ERROR,
                   "the cluster is at feature level %" PRIu32
                   " and this holdfastd speaks level %" PRIu32
                   ": it cannot take part; start the release that the other nodes run",
                   roster.level, self->config.core.speaks);
}

void
hf_election_service_from_peer (hf_election_service_t *self, hf_span_t frame, uint64_t now_us)
{
    self->now_us = now_us;
    hf_event_t event = {.type = HF_EV_PEER};
    hf_scan_t scan;
    uint32_t kind = 0;
    bool good = hf_frame_open (frame.at, frame.size, &scan, &kind) == HF_OK;
    self->flows = false;
    if (good && (kind == HF_KIND_STATE_ASK || kind == HF_KIND_STATE_PART))
        good = hf_election_state_from_peer (self, &scan, kind);
    else if (good) {
        good = hf_core_read_peer (self->core, &scan, kind, &event);
        if (good)
            s_watch_level (self, &event);
        if (good)
            hf_election_step (self, &event,
                              kind == HF_KIND_ENTRIES ? event.peer.entries.entries
                                                      : (hf_list_t){0});
        if (good && kind == HF_KIND_MEMBERS)
            hf_election_heard_members (self, &event.peer.members);
    }
    if (good)
        return;
    self->dropped++;
    hf_outbox_say (&self->out, HF_DEBUG, "dropped a %s frame that is not for us",
                   hf_kind_name (kind));
}

void
hf_election_service_link (hf_election_service_t *self, uint32_t node, bool up, uint64_t now_us)
{
    self->now_us = now_us;
    hf_outbox_say (&self->out, HF_INFO, "link to node %u is %s", node, up ? "up" : "down");
    if (!up)
        hf_election_link_down (self, node);
    hf_election_event (self, (hf_event_t){.type = HF_EV_LINK, .link = {.node = node, .up = up}});
}

void
hf_election_service_broken (hf_election_service_t *self, uint32_t node, uint64_t now_us)
{
    self->now_us = now_us;
    hf_outbox_say (&self->out, HF_DEBUG, "connection to node %u broke", node);
    hf_election_event (self, (hf_event_t){.type = HF_EV_BROKEN, .link.node = node});
}

void
hf_election_service_dropped (hf_election_service_t *self, uint64_t frames)
{
    self->mesh_dropped = frames;
}

void
hf_election_service_names (hf_election_service_t *self, hf_span_t text)
{
    size_t size = text.size < HF_NAMES_MAX ? text.size : HF_NAMES_MAX - 1;
    memcpy (self->names, text.at, size);
    self->names[size] = 0;
}

//  ---- other actors ------------------------------------------------------------------

static void
s_start (hf_election_service_t *self, uint64_t applied)
{
    assert (!self->started);
    self->started = true;
    self->delivered = applied;
    if (self->flushed < applied)
        self->flushed = applied;
    if (self->flushed > 0)
        self->prune_us = 0; //  the last life may have ended between flush and pruning
}

static void
s_proposals (hf_election_service_t *self, hf_list_t entries)
{
    hf_scan_t scan = hf_scan_list (entries);
    for (uint32_t i = 0; i < entries.count; i++) {
        hf_entry_t entry;
        bool good = hf_entry_get (&scan, &entry);
        assert (good && entry.type == HF_ENTRY_COMMANDS);
        if (hf_pack_size (&self->proposals) > self->config.propose_bytes)
            hf_election_propose (self, false);
        hf_entry_put (&self->proposals, &entry);
    }
}

static void
s_barrier (hf_election_service_t *self, uint64_t id)
{
    if (HF_MUTANT (barrier_unasked) && self->leading) {
        hf_a_passed_frame (&self->out.message,
                           &(hf_a_passed_t){.id = id, .index = self->effects.commit_index});
        hf_outbox_to_actor (&self->out, HF_TO_LOCK);
        return;
    }
    hf_election_event (self, (hf_event_t){.type = HF_EV_BARRIER, .barrier.id = id});
}

static void
s_applied (hf_election_service_t *self, uint64_t bytes)
{
    assert (bytes <= self->delivered_bytes);
    if (!HF_MUTANT (credit_forgotten))
        self->credited_bytes = bytes;
}

static void
s_flushed (hf_election_service_t *self, uint64_t index)
{
    self->flushed = index;
    self->prune_us = 0;
}

static void
s_change (hf_election_service_t *self, const hf_a_change_t *in)
{
    hf_change_t change = {.id = in->id,
                          .op = (hf_change_op_t)in->op,
                          .place = {.node = in->node,
                                    .host = in->host,
                                    .client_port = in->client_port,
                                    .node_port = in->node_port},
                          .learns = in->learns,
                          .force = in->force,
                          .level = in->level};
    hf_election_event (self, (hf_event_t){.type = HF_EV_CHANGE, .change = change});
}

uint64_t
hf_election_service_removed (const hf_election_service_t *self)
{
    return self->removed;
}

bool
hf_election_service_old (const hf_election_service_t *self)
{
    return self->old;
}

void
hf_election_service_from_actor (hf_election_service_t *self, hf_scan_t *scan, uint32_t kind,
                                uint64_t now_us)
{
    self->now_us = now_us;
    switch (kind) {
        HF_OWN_CASE (scan, A_START, a_start, s_start (self, in.applied));
        HF_OWN_CASE (scan, A_PROPOSE, a_propose, s_proposals (self, in.entries));
        HF_OWN_CASE (scan, A_BARRIER, a_barrier, s_barrier (self, in.id));
        HF_OWN_CASE (scan, A_APPLIED, a_applied, s_applied (self, in.bytes));
        HF_OWN_CASE (scan, A_FACTS, a_facts, hf_election_facts (self, in.id));
        HF_OWN_CASE (scan, A_CHANGE, a_change, s_change (self, &in));
        HF_OWN_CASE (scan, A_WATCHED, a_watched, self->watched = in.watched);
        HF_OWN_CASE (scan, A_FLUSHED, a_flushed, s_flushed (self, in.index));
        HF_OWN_CASE (scan, STATE_ASK, state_ask, hf_election_state_ask (self, &in));
        HF_OWN_CASE (scan, STATE_PART, state_part, hf_election_state_part (self, &in));
    default:
        assert (false && "a message that no actor sends to the election actor");
    }
}

void
hf_election_service_handover (hf_election_service_t *self, uint64_t now_us)
{
    self->now_us = now_us;
    self->handover_until_us =
        HF_MUTANT (handover_endless) ? UINT64_MAX : now_us + self->config.handover_us;
    hf_election_propose (self, true); //  what came before is not held back by the transfer
    hf_election_event (self, (hf_event_t){.type = HF_EV_HANDOVER});
}

/*  Say DONE once nothing is to be handed over any more. */
static void
s_watch_handover (hf_election_service_t *self)
{
    if (self->handover_until_us == 0)
        return;
    hf_core_view_t view = hf_core_view (self->core);
    bool busy = view.role == HF_LEADER ? view.transfer_to != 0 : view.leader == 0;
    if (busy && !self->old && self->now_us < self->handover_until_us)
        return;
    self->handover_until_us = 0;
    static const char done[] = "DONE";
    hf_pack_raw (&self->out.message, done, sizeof done);
    hf_outbox_to_actor (&self->out, HF_TO_MAIN);
}

//  ---- the turn ----------------------------------------------------------------------

void
hf_election_service_begin (hf_election_service_t *self, uint64_t now_us)
{
    assert (!self->dirty && self->held.frames.count == 0);
    self->turn_us = self->listen_us - self->began_us;
    uint64_t wake_us = hf_election_service_wake_us (self);
    self->due_us = wake_us > self->listen_us ? wake_us : self->listen_us;
    self->now_us = self->began_us = now_us;
    hf_election_prune (self);
}

/*  Tell the core for how long this node did not listen: the turn before, and waking up late. */
static void
s_stall (hf_election_service_t *self)
{
    uint64_t late_us = self->now_us > self->due_us ? self->now_us - self->due_us : 0;
    uint64_t stall_us = self->turn_us + late_us;
    hf_election_slow_turn (self);
    if (stall_us < self->config.stall_us)
        return;
    hf_outbox_say (&self->out, HF_DEBUG, "stood still for %" PRIu64 " ms", stall_us / 1000);
    hf_election_event (self, (hf_event_t){.type = HF_EV_STALL, .stall.for_us = stall_us});
}

/*  The end of a turn, or of a commit that may be the last of it. */
static void
s_settle (hf_election_service_t *self)
{
    self->listen_us = self->sync_us = self->now_us;
    if (self->dirty)
        return;
    hf_election_release (self);
    s_watch_handover (self);
    hf_election_watch_forming (self);
    hf_election_watch_levels (self);
    hf_election_watch_leader (self);
}

static void
s_step_durable (hf_election_service_t *self)
{
    hf_core_brief_t brief = hf_core_brief (self->core);
    uint64_t took_us = self->now_us - self->sync_us;
    hf_times_add (&self->sync, took_us, 1);
    hf_election_slow_sync (self, took_us);
    hf_election_event (self, (hf_event_t){.type = HF_EV_DURABLE,
                                          .durable = {.index = brief.last_index,
                                                      .term = brief.last_term,
                                                      .took_us = took_us}});
}

void
hf_election_service_end (hf_election_service_t *self, uint64_t now_us)
{
    self->now_us = now_us;
    hf_election_pace (self);
    hf_election_propose (self, false);
    //  After the inputs: what was sent during a stall counts first.
    s_stall (self);
    if (now_us >= self->effects.wake_at_us)
        hf_election_event (self, (hf_event_t){.type = HF_EV_TICK});
    hf_election_propose (self, false); //  a transfer may be over
    if (self->dirty && HF_MUTANT (count_before_durable))
        hf_election_deliver (self); //  the core counts this node already
    s_settle (self);
}

bool
hf_election_service_dirty (const hf_election_service_t *self)
{
    return self->dirty;
}

void
hf_election_service_committed (hf_election_service_t *self, uint64_t now_us)
{
    assert (self->dirty);
    self->now_us = now_us;
    self->dirty = false;
    hf_election_release (self);
    s_step_durable (self);
    s_settle (self);
}

//  ---- outputs -------------------------------------------------------------------------

hf_outbox_t *
hf_election_service_outbox (hf_election_service_t *self)
{
    return &self->out;
}

uint64_t
hf_election_service_wake_us (const hf_election_service_t *self)
{
    uint64_t wake_us = self->effects.wake_at_us;
    if (self->handover_until_us != 0 && self->handover_until_us < wake_us)
        wake_us = self->handover_until_us;
    if (self->proposals.count > 0 && hf_core_accepts (self->core) &&
        hf_pace_due_us (&self->pace) < wake_us)
        wake_us = hf_pace_due_us (&self->pace);
    if (self->lag_us != 0 && self->lag_us + self->config.lag_us < wake_us)
        wake_us = self->lag_us + self->config.lag_us;
    if (self->pace.node != 0 && self->pace.look_us < wake_us)
        wake_us = self->pace.look_us;
    uint64_t prune_us = hf_election_prune_us (self);
    return prune_us < wake_us ? prune_us : wake_us;
}

hf_core_view_t
hf_election_service_view (const hf_election_service_t *self)
{
    return hf_core_view (self->core);
}

const hf_core_t *
hf_election_service_core (const hf_election_service_t *self)
{
    return self->core;
}
