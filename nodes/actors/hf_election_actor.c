/*  hf_election_actor.c - the actor that agrees: consensus core, log store, mesh.
 *
 *  From the lock actor (PAIR, frames of msgs/hf_msg.h):
 *    A_START    applied           once: deliver committed entries behind this index
 *    A_PROPOSE  entries           append them as leader; dropped when this node does not lead
 *    A_BARRIER  id                a read barrier is wanted
 *    A_APPLIED  index, bytes      applied so far, and all bytes of entries handled so far (credit)
 *    A_FACTS    id                what does the election know of itself?
 *  To the lock actor:
 *    A_COMMITTED first, entries   committed entries, in order, without gaps
 *    A_LEADING   term, index      leads; all before is committed up to INDEX
 *    A_FOLLOWING term, leader     does not lead; what was proposed or asked is void or undecided
 *    A_PASSED    id, index        the barrier passed: state at INDEX is linearizable for it
 *    A_TOLD      id, rows         FACT_ROWs
 *  To the file actor (PAIR):
 *    A_NEEDS_STATE term, leader            this node is too far behind; leader 0: no more
 *    STATE_ASK, STATE_PART                 of peers
 *  From the file actor:
 *    A_FLUSHED  index             the state of this index is on disk: the log may be pruned to it
 *    STATE_ASK, STATE_PART        for peers, sent as they are
 *
 *  On its own pipe: "HANDOVER" -> hand the lead over, then "DONE" (at once when there is nothing
 *  to hand over); "$TERM".
 *
 *  The core is driven in hf_election_driver.c.
 */
#include "nodes/actors/hf_clock.h"
#include "nodes/actors/hf_election_internal.h"
#include "nodes/actors/hf_pipe.h"
#include "nodes/actors/hf_report.h"
#include <assert.h>
#include <stdlib.h>

#define TAIL_BYTES        (16U << 20) //  entries kept in memory
#define DRAIN_MESSAGES    2000
#define HANDOVER_LIMIT_US 1000000
#define STALL_US          20000 //  a turn that took so long was no listening

//  ---- what comes in -------------------------------------------------------------

static void
s_add_fact (hf_pack_t *rows, const char *key, const char *text, uint64_t number)
{
    hf_fact_row_put (
        rows,
        &(hf_fact_row_t){.key = hf_span_text (key), .text = hf_span_text (text), .number = number});
}

/*  How many peers hear us and are heard. */
static uint64_t
s_links_up (const hf_election_t *self, uint32_t links)
{
    const hf_core_config_t *config = &self->args->config;
    uint64_t up = 0;
    for (uint32_t i = 0; i < config->members_count; i++)
        up += config->members[i] != config->self && (links >> i & 1);
    return up;
}

/*  The members that do not count: their disks are not those that the log knows. */
static void
s_add_not_counted (const hf_election_t *self, hf_pack_t *rows, uint32_t known)
{
    const hf_core_config_t *config = &self->args->config;
    char text[HF_MEMBERS_MAX * 12] = "";
    uint64_t count = 0;
    for (uint32_t i = 0; i < config->members_count; i++) {
        size_t used = strlen (text);
        if ((known >> i & 1) == 0)
            snprintf (text + used, sizeof text - used, "%s%u", count++ > 0 ? "," : "",
                      config->members[i]);
    }
    s_add_fact (rows, "not_counted", text, count);
}

static void
s_tell_facts (hf_election_t *self, uint64_t id)
{
    static const char *const roles[] = {"follower", "candidate", "candidate", "leader"};
    hf_core_view_t view = hf_core_view (self->core);
    hf_pack_t rows;
    hf_pack_init (&rows);
    s_add_fact (&rows, "role", roles[view.role], 0);
    s_add_fact (&rows, "leader", "", view.leader);
    s_add_fact (&rows, "term", "", view.term);
    s_add_fact (&rows, "first_index", "", view.first_index);
    s_add_fact (&rows, "last_index", "", view.last_index);
    s_add_fact (&rows, "commit_index", "", view.commit_index);
    s_add_fact (&rows, "flushed_index", "", self->flushed);
    s_add_fact (&rows, "links_up", "", s_links_up (self, view.links));
    s_add_not_counted (self, &rows, view.known);
    s_add_fact (&rows, "dropped_peer_frames", "",
                hf_mesh_dropped (self->args->mesh) + self->dropped);
    hf_pack_reset (&self->frame);
    hf_a_told_frame (&self->frame, &(hf_a_told_t){.id = id, .rows = hf_pack_list (&rows)});
    hf_pipe_send (self->args->lock, &self->frame);
    hf_pack_done (&rows);
}

static void
s_take_proposals (hf_election_t *self, hf_list_t entries)
{
    hf_scan_t scan = hf_scan_list (entries);
    for (uint32_t i = 0; i < entries.count; i++) {
        hf_entry_t entry;
        bool good = hf_entry_get (&scan, &entry);
        assert (good);
        if (hf_pack_size (&self->proposals) > HF_ELECTION_STEP_BYTES)
            hf_election_step_proposals (self);
        hf_entry_put (&self->proposals, &entry);
    }
}

static void
s_from_lock (hf_election_t *self, hf_scan_t *scan, uint32_t kind)
{
    bool good = false;
    switch (kind) {
    case HF_KIND_A_START: {
        hf_a_start_t start;
        good = hf_a_start_get (scan, &start);
        self->started = true;
        self->delivered = start.applied;
        if (self->flushed < start.applied)
            self->flushed = start.applied;
        break;
    }
    case HF_KIND_A_PROPOSE: {
        hf_a_propose_t propose;
        good = hf_a_propose_get (scan, &propose);
        s_take_proposals (self, propose.entries);
        break;
    }
    case HF_KIND_A_BARRIER: {
        hf_a_barrier_t barrier;
        good = hf_a_barrier_get (scan, &barrier);
        hf_event_t event = {.type = HF_EV_BARRIER, .barrier.id = barrier.id};
        hf_election_step (self, &event);
        break;
    }
    case HF_KIND_A_APPLIED: {
        hf_a_applied_t applied;
        good = hf_a_applied_get (scan, &applied);
        self->credited_bytes = applied.bytes;
        break;
    }
    case HF_KIND_A_FACTS: {
        hf_a_facts_t facts;
        good = hf_a_facts_get (scan, &facts);
        s_tell_facts (self, facts.id);
        break;
    }
    default:
        break;
    }
    assert (good);
}

static void
s_drain_lock (hf_election_t *self)
{
    zmq_msg_t message;
    zmq_msg_init (&message);
    hf_scan_t scan;
    uint32_t kind;
    for (int i = 0; i < DRAIN_MESSAGES && hf_pipe_next (self->args->lock, &message, &scan, &kind);
         i++)
        s_from_lock (self, &scan, kind);
    zmq_msg_close (&message);
    hf_election_step_proposals (self);
}

static void
s_from_mesh (hf_election_t *self, const hf_mesh_event_t *in)
{
    hf_event_t event = {.type = HF_EV_PEER};
    hf_scan_t scan;
    uint32_t kind;
    switch (in->type) {
    case HF_MESH_NONE:
        return;
    case HF_MESH_FRAME:
        if (hf_election_state_from_peer (self, in->bytes))
            return;
        if (hf_frame_open (in->bytes.at, in->bytes.size, &scan, &kind) != HF_OK ||
            !hf_core_read_peer (self->core, &scan, kind, &event)) {
            self->dropped++;
            hf_report (HF_DEBUG, "dropped a %s frame that is not for us", hf_kind_name (kind));
            return;
        }
        break;
    case HF_MESH_UP:
    case HF_MESH_DOWN:
        event.type = HF_EV_LINK;
        event.link.node = in->node;
        event.link.up = in->type == HF_MESH_UP;
        hf_report (HF_INFO, "link to node %u is %s", in->node, event.link.up ? "up" : "down");
        break;
    case HF_MESH_BROKEN:
        event.type = HF_EV_BROKEN;
        event.link.node = in->node;
        hf_report (HF_DEBUG, "connection to node %u broke", in->node);
        break;
    case HF_MESH_OTHER_LIST:
        hf_report (HF_ERROR,
                   "node %u was started with another cluster list: \"%.*s\"; its messages are "
                   "dropped until both lists are the same",
                   in->node, (int)in->text.size, (const char *)in->text.at);
        return;
    }
    hf_election_step (self, &event);
}

static void
s_drain_mesh (hf_election_t *self)
{
    hf_mesh_event_t event;
    for (int i = 0; i < DRAIN_MESSAGES &&
                    hf_mesh_next (self->args->mesh, hf_clock_us (), &event) != HF_MESH_NONE;
         i++)
        s_from_mesh (self, &event);
}

static void
s_drain_pipe (hf_election_t *self)
{
    char *command;
    while ((command = hf_pipe_command (self->pipe))) {
        if (strcmp (command, "$TERM") == 0)
            self->stop = true;
        else if (strcmp (command, "HANDOVER") == 0) {
            self->handover_until_us = hf_clock_us () + HANDOVER_LIMIT_US;
            hf_election_step_type (self, HF_EV_HANDOVER);
        }
        free (command);
    }
}

/*  Say "DONE" once nothing is to be handed over any more. */
static void
s_watch_handover (hf_election_t *self, uint64_t now_us)
{
    if (self->handover_until_us == 0)
        return;
    hf_core_view_t view = hf_core_view (self->core);
    bool busy = view.role == HF_LEADER ? view.transferring : view.leader == 0;
    if (busy && now_us < self->handover_until_us)
        return;
    self->handover_until_us = 0;
    zstr_send (self->pipe, "DONE");
}

//  ---- the loop ------------------------------------------------------------------

/*  When the next timer is due. */
static uint64_t
s_wake_us (const hf_election_t *self, uint64_t tick_us)
{
    uint64_t wake_us = self->effects.wake_at_us < tick_us ? self->effects.wake_at_us : tick_us;
    if (self->handover_until_us != 0 && self->handover_until_us < wake_us)
        wake_us = self->handover_until_us;
    return wake_us;
}

static long
s_wait_ms (uint64_t now_us, uint64_t wake_us)
{
    uint64_t wait_ms = wake_us > now_us ? (wake_us - now_us + 999) / 1000 : 0;
    return wait_ms < 1000 ? (long)wait_ms : 1000;
}

/*  Tell the core how long this actor did not listen: the turn before, and waking up late. */
static void
s_step_stall (hf_election_t *self, uint64_t turn_us, uint64_t wake_us)
{
    uint64_t now_us = hf_clock_us ();
    uint64_t stall_us = turn_us + (now_us > wake_us ? now_us - wake_us : 0);
    if (stall_us < STALL_US)
        return;
    hf_report (HF_DEBUG, "stood still for %" PRIu64 " ms", stall_us / 1000);
    hf_event_t event = {.type = HF_EV_STALL, .stall.for_us = stall_us};
    hf_election_step (self, &event);
}

static void
s_run (hf_election_t *self)
{
    void *mesh[HF_MESH_SOCKETS];
    hf_mesh_sockets (self->args->mesh, mesh);
    zmq_pollitem_t items[] = {
        {.socket = zsock_resolve (self->pipe), .events = ZMQ_POLLIN},
        {.socket = zsock_resolve (self->args->lock), .events = ZMQ_POLLIN},
        {.socket = mesh[0], .events = ZMQ_POLLIN},
        {.socket = mesh[1], .events = ZMQ_POLLIN},
        {.socket = zsock_resolve (self->args->file), .events = ZMQ_POLLIN},
    };
    uint64_t tick_us = hf_mesh_tick (self->args->mesh, hf_clock_us ());
    uint64_t began_us = hf_clock_us ();
    self->missing_told_us = began_us;
    hf_election_step_type (self, HF_EV_TICK);
    hf_election_flush (self);
    while (!self->stop) {
        uint64_t listen_us = hf_clock_us ();
        uint64_t wake_us = s_wake_us (self, tick_us);
        long wait_ms = self->prunes ? 1 : s_wait_ms (listen_us, wake_us);
        zmq_poll (items, sizeof items / sizeof *items, wait_ms);
        uint64_t turn_us = listen_us - began_us;
        began_us = hf_clock_us ();
        //  Sockets before timers: after a stall, what was said in time must count.
        hf_election_prune (self);
        s_drain_mesh (self);
        s_drain_lock (self);
        hf_election_drain_file (self);
        s_drain_pipe (self);
        s_step_stall (self, turn_us, wake_us > listen_us ? wake_us : listen_us);
        uint64_t now_us = hf_clock_us ();
        if (now_us >= tick_us)
            tick_us = hf_mesh_tick (self->args->mesh, now_us);
        if (now_us >= self->effects.wake_at_us)
            hf_election_step_type (self, HF_EV_TICK);
        hf_election_step_proposals (self);
        hf_election_flush (self);
        s_watch_handover (self, now_us);
        hf_election_watch_forming (self, now_us);
    }
}

typedef struct spans {
    hf_term_span_t *list;
    size_t count, room;
} spans_t;

typedef struct knowns {
    hf_known_at_t *list;
    size_t count, room;
} knowns_t;

static void
s_add_known (void *arg, uint64_t index, hf_span_t payload)
{
    knowns_t *knowns = arg;
    if (knowns->count == knowns->room) {
        knowns->room = knowns->room ? 2 * knowns->room : 4;
        knowns->list = realloc (knowns->list, knowns->room * sizeof *knowns->list);
        assert (knowns->list);
    }
    hf_known_at_t *known = &knowns->list[knowns->count++];
    assert (payload.size <= sizeof known->payload);
    *known = (hf_known_at_t){.index = index, .size = (uint8_t)payload.size};
    memcpy (known->payload, payload.at, payload.size);
}

static void
s_add_span (void *arg, uint64_t first_index, uint64_t term)
{
    spans_t *spans = arg;
    if (spans->count == spans->room) {
        spans->room = spans->room ? 2 * spans->room : 16;
        spans->list = realloc (spans->list, spans->room * sizeof *spans->list);
        assert (spans->list);
    }
    spans->list[spans->count++] = (hf_term_span_t){.first_index = first_index, .term = term};
}

static void
s_restore (hf_election_t *self)
{
    hf_log_store_t *store = self->args->store;
    spans_t spans = {0};
    if (hf_log_store_spans (store, s_add_span, &spans) != 0)
        hf_die ("the log cannot be read: %s", hf_log_store_error (store));
    knowns_t knowns = {0};
    hf_log_store_known (store, s_add_known, &knowns);
    self->args->config.incarnation = hf_log_store_incarnation (store);
    hf_restored_t restored = {.term = hf_log_store_term (store),
                              .voted_for = hf_log_store_voted_for (store),
                              .base_index = hf_log_store_first_index (store) - 1,
                              .base_term = hf_log_store_base_term (store),
                              .known = knowns.list,
                              .known_count = knowns.count,
                              .last_index = hf_log_store_last_index (store),
                              .spans = spans.list,
                              .spans_count = spans.count};
    self->core =
        hf_core_new (&self->args->config, &restored, hf_clock_us (), hf_election_chunk, self);
    free (spans.list);
    free (knowns.list);
    if (!self->core)
        hf_die ("the log and the cluster list do not fit each other");
    self->tail = hf_tail_new (restored.last_index, TAIL_BYTES);
    hf_report (HF_INFO, "log: entries %" PRIu64 " to %" PRIu64 ", term %" PRIu64,
               restored.base_index + 1, restored.last_index, restored.term);
}

void
hf_election_actor (zsock_t *pipe, void *args)
{
    hf_election_t self = {.args = args, .pipe = pipe};
    hf_pack_init (&self.frame);
    hf_pack_init (&self.records);
    hf_pack_init (&self.proposals);
    hf_effects_init (&self.effects);
    s_restore (&self);
    zsock_signal (pipe, 0);
    s_run (&self);
    hf_core_destroy (&self.core);
    hf_tail_destroy (&self.tail);
    hf_effects_done (&self.effects);
    hf_pack_done (&self.frame);
    hf_pack_done (&self.records);
    hf_pack_done (&self.proposals);
    hf_mesh_destroy (&self.args->mesh);
    hf_log_store_close (&self.args->store);
    zsock_destroy (&self.args->lock);
    zsock_destroy (&self.args->file);
}
