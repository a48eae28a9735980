/*  hf_election_actor.c - the actor that agrees: mesh, log store and clock around the election
 *  service.
 *
 *  What it takes and gives is in nodes/services/hf_election_service.h; and on its own pipe
 *  "HANDOVER", answered with "DONE", and "$TERM". It says "LEADER N" there whenever it knows of
 * another leader, 0 of none, "REMOVED", once, when this node is
 * no member of the cluster any more, "MOVED", once, when it is called at another place, and "OLD",
 * once, when its folder was an old copy and has a new incarnation now. It decides nothing: it
 * drains what waits, commits the log when the service has written to it, carries out its outbox,
 * and lets the mesh follow the roster in the log. A write or a read of the log that fails ends the
 * process at once: nothing may leave the node after it.
 */
#include "nodes/actors/hf_actors.h"
#include "nodes/actors/hf_clock.h"
#include "nodes/actors/hf_follow.h"
#include "nodes/actors/hf_pipe.h"
#include "nodes/actors/hf_report.h"
#include "broker-less/hf_poll.h"
#include <assert.h>

#define DRAIN_MESSAGES 2000    //  from one socket in one turn
#define LATER_BYTES    65536   //  of entries that wait to be written, and one more entry
#define AGAIN_US       5000000 //  before it starts again for what its own log does not say

typedef struct election {
    hf_election_args_t *args;
    zsock_t *pipe;
    hf_election_service_t *service;
    hf_outbox_t *out;
    hf_poll_t poll;
    unsigned from_mesh, from_monitor, from_lock, from_file, from_main; //  in it
    hf_pack_t later;      //  entries that are in no transaction yet,
    uint64_t later_index; //  from this index on
    hf_follow_t follow;
    bool told_removed, told_moved, told_old;
    uint32_t told_leader;
    uint64_t start_us;
    bool stop;
} election_t;

//  ---- the log -----------------------------------------------------------------------

static void
s_must (hf_log_store_t *store, bool written)
{
    if (!written)
        hf_die ("cannot write the log: %s", hf_log_store_error (store));
}

/*  What is appended goes into the transaction when something else is done with the log, or at the
 *  commit: a leader's entries are on their way by then. */
static hf_log_store_t *
s_log (election_t *self)
{
    hf_log_store_t *store = self->args->store;
    hf_list_t list = hf_pack_list (&self->later);
    hf_scan_t scan = hf_scan_list (list);
    for (uint32_t i = 0; i < list.count; i++) {
        hf_entry_t entry;
        bool good = hf_entry_get (&scan, &entry);
        assert (good);
        s_must (store, hf_log_store_append (store, self->later_index + i, &entry) == 0);
    }
    hf_pack_reset (&self->later);
    return store;
}

static void
s_vote (void *arg, uint64_t term, hf_member_t voted_for)
{
    hf_log_store_t *store = s_log (arg);
    s_must (store, hf_log_store_vote (store, term, voted_for) == 0);
}

static void
s_truncate (void *arg, uint64_t index)
{
    hf_log_store_t *store = s_log (arg);
    s_must (store, hf_log_store_truncate (store, index) == 0);
}

static void
s_append (void *arg, uint64_t index, const hf_entry_t *entry)
{
    election_t *self = arg;
    if (hf_pack_size (&self->later) > LATER_BYTES)
        s_log (self);
    if (hf_pack_size (&self->later) == 0)
        self->later_index = index;
    hf_entry_put (&self->later, entry);
}

static uint32_t
s_prune (void *arg, uint64_t upto, uint64_t keep_bytes, uint32_t most)
{
    hf_log_store_t *store = s_log (arg);
    int count = hf_log_store_prune (store, upto, keep_bytes, most);
    s_must (store, count >= 0);
    return (uint32_t)count;
}

static uint32_t
s_read (void *arg, uint64_t first, uint64_t last, size_t bytes, hf_pack_t *pack)
{
    hf_log_store_t *store = s_log (arg);
    int count = hf_log_store_read (store, first, last, bytes, pack);
    if (count <= 0)
        hf_die ("the log cannot be read at entry %" PRIu64 ": %s", first,
                hf_log_store_error (store));
    return (uint32_t)count;
}

typedef struct found {
    HF_ARRAY (hf_term_span_t) spans;
    HF_ARRAY (hf_roster_at_t) rosters;
} found_t;

static void
s_add_span (void *arg, uint64_t first_index, uint64_t term)
{
    found_t *found = arg;
    *hf_array_add (&found->spans) = (hf_term_span_t){.first_index = first_index, .term = term};
}

static void
s_add_roster (void *arg, uint64_t index, hf_span_t payload)
{
    found_t *found = arg;
    hf_roster_at_t *roster = hf_array_add (&found->rosters);
    assert (payload.size <= sizeof roster->payload);
    *roster = (hf_roster_at_t){.index = index, .size = payload.size};
    memcpy (roster->payload, payload.at, payload.size);
}

static void
s_restore (election_t *self)
{
    hf_log_store_t *store = self->args->store;
    const hf_log_state_t *state = hf_log_store_state (store);
    found_t found = {0};
    if (hf_log_store_spans (store, s_add_span, &found) != 0)
        hf_die ("the log cannot be read: %s", hf_log_store_error (store));
    hf_log_store_rosters (store, s_add_roster, &found);
    hf_restored_t restored = {.term = state->term,
                              .voted_for = state->voted_for,
                              .base_index = state->base_index,
                              .base_term = state->base_term,
                              .rosters = found.rosters.list,
                              .rosters_count = found.rosters.count,
                              .last_index = state->last_index,
                              .spans = found.spans.list,
                              .spans_count = found.spans.count};
    hf_core_config_t *config = &self->args->config.core;
    config->incarnation = hf_log_store_incarnation (store);
    config->start = hf_log_store_start (store, &config->life);
    hf_election_log_t log = {.arg = self,
                             .vote = s_vote,
                             .truncate = s_truncate,
                             .append = s_append,
                             .prune = s_prune,
                             .read = s_read};
    self->service = hf_election_service_new (&self->args->config, &restored, &log, hf_clock_us ());
    hf_array_free (&found.spans);
    hf_array_free (&found.rosters);
    if (!self->service)
        hf_die ("the log and the cluster list do not fit each other");
    self->out = hf_election_service_outbox (self->service);
}

//  ---- effects -----------------------------------------------------------------------

static void
s_carry_out (election_t *self)
{
    if (hf_outbox_empty (self->out))
        return;
    for (size_t i = 0; i < self->out->frames.count; i++) {
        const hf_out_frame_t *frame = &self->out->frames.list[i];
        hf_span_t bytes = hf_outbox_bytes (self->out, frame);
        hf_mesh_send (self->args->mesh, frame->peer, bytes.at, bytes.size);
    }
    zsock_t *const pipes[] = {[HF_TO_LOCK] = self->args->lock,
                              [HF_TO_FILE] = self->args->file,
                              [HF_TO_MAIN] = self->pipe};
    const unsigned items[] = {[HF_TO_LOCK] = self->from_lock,
                              [HF_TO_FILE] = self->from_file,
                              [HF_TO_MAIN] = self->from_main};
    unsigned sent = hf_pipe_carry_out (pipes, self->out);
    for (unsigned to = HF_TO_LOCK; to <= HF_TO_MAIN; to++)
        if ((sent & 1U << to) != 0)
            hf_poll_used (&self->poll, items[to]);
}

/*  A line for main. */
static void
s_tell_main (election_t *self, const char *text)
{
    zstr_send (self->pipe, text);
    hf_poll_used (&self->poll, self->from_main);
}

//  ---- the turn ------------------------------------------------------------------------

static void
s_take_from_mesh (election_t *self)
{
    hf_mesh_event_t in;
    for (int i = 0; i < DRAIN_MESSAGES; i++) {
        switch (hf_mesh_next (self->args->mesh, hf_clock_us (), &in)) {
        case HF_MESH_NONE:
            return;
        case HF_MESH_FRAME:
            hf_election_service_from_peer (self->service, in.bytes, hf_clock_us ());
            break;
        case HF_MESH_UP:
        case HF_MESH_DOWN:
            hf_election_service_link (self->service, in.node, in.type == HF_MESH_UP,
                                      hf_clock_us ());
            break;
        case HF_MESH_BROKEN:
            hf_election_service_broken (self->service, in.node, hf_clock_us ());
            break;
        case HF_MESH_NAMES:
            hf_election_service_names (self->service, in.text);
            if (in.text.size > 0)
                hf_report (HF_WARN, "%.*s", (int)in.text.size, (const char *)in.text.at);
            else
                hf_report (HF_INFO, "the names in the cluster list are well now");
            break;
        case HF_MESH_PEERS:
            hf_report (HF_INFO, "%.*s", (int)in.text.size, (const char *)in.text.at);
            break;
        case HF_MESH_OTHER_CLUSTER:
            hf_report (HF_ERROR, "%.*s", (int)in.text.size, (const char *)in.text.at);
            break;
        case HF_MESH_OTHER_LIST:
            hf_report (HF_ERROR,
                       "node %u was started with another cluster list: \"%.*s\"; its messages are "
                       "dropped until both lists are the same",
                       in.node, (int)in.text.size, (const char *)in.text.at);
            break;
        }
        s_carry_out (self);
    }
}

static void
s_drain_mesh (election_t *self)
{
    if (!hf_poll_ready (&self->poll, self->from_monitor))
        hf_mesh_is_quiet (self->args->mesh, !hf_poll_ready (&self->poll, self->from_mesh));
    s_take_from_mesh (self);
}

/*  What waits in SOCK, if something does. */
static void
s_drain (election_t *self, zsock_t *sock, unsigned item)
{
    if (!hf_poll_ready (&self->poll, item))
        return;
    zmq_msg_t message;
    zmq_msg_init (&message);
    hf_scan_t scan;
    uint32_t kind;
    for (int i = 0; i < DRAIN_MESSAGES; i++) {
        if (!hf_pipe_next (sock, &message, &scan, &kind)) {
            if (zmq_errno () == EAGAIN)
                hf_poll_emptied (&self->poll, item);
            break;
        }
        hf_election_service_from_actor (self->service, &scan, kind, hf_clock_us ());
        s_carry_out (self);
    }
    zmq_msg_close (&message);
}

/*  The order of hf_election_service.h. Sockets come before timers: after a stall, what was said in
 *  time must count. */
static void
s_turn (election_t *self)
{
    hf_election_service_begin (self->service, hf_clock_us ());
    hf_election_service_dropped (self->service, hf_mesh_dropped (self->args->mesh));
    s_drain_mesh (self);
    s_drain (self, self->args->lock, self->from_lock);
    s_drain (self, self->args->file, self->from_file);
    bool handover = false;
    if (hf_poll_ready (&self->poll, self->from_main))
        self->stop = hf_pipe_ends (self->pipe, &handover);
    if (handover)
        hf_election_service_handover (self->service, hf_clock_us ());
    hf_election_service_end (self->service, hf_clock_us ());
    s_carry_out (self);
    while (hf_election_service_dirty (self->service)) {
        hf_log_store_t *store = s_log (self);
        s_must (store, hf_log_store_commit (store) == 0);
        hf_election_service_committed (self->service, hf_clock_us ());
        s_carry_out (self);
    }
}

/*  Where it is called was told by another node: it asks for that at its start, and may have got no
 *  answer. */
static void
s_watch_moved (election_t *self)
{
    bool logged = self->follow.index >= self->follow.told_index;
    if (self->told_moved || !self->follow.moved ||
        (!logged && hf_clock_us () < self->start_us + AGAIN_US))
        return;
    self->told_moved = true;
    hf_report (HF_WARN, "the cluster has moved this node to another place: starts again there");
    s_tell_main (self, "MOVED");
}

/*  What another node said of the members. */
static void
s_hear_told (election_t *self, const hf_core_t *core)
{
    uint64_t index;
    hf_roster_t roster;
    hf_endpoints_t members;
    hf_span_t told = hf_core_told (core, &index);
    if (index <= self->follow.told_index || !hf_roster_get (told, &roster))
        return;
    hf_endpoints_of_roster (&members, &roster);
    hf_follow_told (&self->follow, &members, index);
}

static void
s_tell_leader (election_t *self, uint32_t leader)
{
    if (self->told_leader == leader)
        return;
    char text[32];
    self->told_leader = leader;
    snprintf (text, sizeof text, "LEADER %u", leader);
    s_tell_main (self, text);
}

/*  Tell the mesh who the members are; whether there was something to tell. */
static bool
s_follow (election_t *self)
{
    uint64_t index;
    uint32_t unreadable = self->follow.unreadable;
    const hf_core_t *core = hf_election_service_core (self->service);
    const hf_roster_t *roster = hf_core_members (core, &index);
    hf_core_brief_t brief = hf_core_brief (core);
    s_hear_told (self, core);
    s_tell_leader (self, brief.leader);
    if (!hf_follow_roster (&self->follow, roster, index, brief.commit_index, brief.leader))
        return false;
    if (self->follow.unreadable > unreadable)
        hf_report (HF_ERROR, "the places of %u members in the log cannot be read",
                   self->follow.unreadable);
    hf_mesh_follow (self->args->mesh, &self->follow.members, self->follow.cluster);
    return true;
}

static void
s_watch_removed (election_t *self)
{
    if (self->told_removed || !hf_election_service_removed (self->service))
        return;
    self->told_removed = true;
    s_tell_main (self, "REMOVED");
}

/*  What the copy lacks was promised by the disk with the old incarnation. */
static void
s_watch_old (election_t *self)
{
    if (self->told_old || !hf_election_service_old (self->service))
        return;
    self->told_old = true;
    s_must (self->args->store, hf_log_store_disown (self->args->store) == 0);
    s_tell_main (self, "OLD");
}

static void
s_wait_for (election_t *self)
{
    void *mesh[HF_MESH_SOCKETS];
    hf_mesh_sockets (self->args->mesh, mesh);
    self->from_mesh = hf_poll_add (&self->poll, mesh[0]);
    self->from_monitor = hf_poll_add (&self->poll, mesh[1]);
    self->from_lock = hf_poll_add (&self->poll, zsock_resolve (self->args->lock));
    self->from_file = hf_poll_add (&self->poll, zsock_resolve (self->args->file));
    self->from_main = hf_poll_add (&self->poll, zsock_resolve (self->pipe));
}

static void
s_wait (election_t *self, uint64_t wake_us)
{
    if (hf_mesh_emptied (self->args->mesh))
        hf_poll_emptied (&self->poll, self->from_mesh);
    else
        hf_poll_used (&self->poll, self->from_mesh);
    hf_poll_wait (&self->poll, hf_pipe_wait_ms (wake_us));
}

static void
s_look_at_wall (election_t *self)
{
    uint64_t before_us = hf_clock_us (), wall_us = hf_clock_wall_us ();
    hf_election_service_wall (self->service, wall_us, before_us, hf_clock_us ());
    s_carry_out (self);
}

static void
s_run (election_t *self)
{
    s_wait_for (self);
    s_follow (self);
    uint64_t tick_us = hf_mesh_tick (self->args->mesh, hf_clock_us ());
    while (!self->stop) {
        hf_pulse_beat (&self->args->pulse);
        s_turn (self);
        s_watch_removed (self);
        s_watch_old (self);
        s_watch_moved (self);
        if (s_follow (self) || hf_clock_us () >= tick_us) {
            tick_us = hf_mesh_tick (self->args->mesh, hf_clock_us ());
            s_look_at_wall (self);
        }
        //  Before the sleep, when all that others wait for has left.
        s_must (self->args->store, hf_log_store_ready (self->args->store) == 0);
        uint64_t wake_us = hf_election_service_wake_us (self->service);
        if (!self->stop)
            s_wait (self, wake_us < tick_us ? wake_us : tick_us);
    }
}

void
hf_election_actor (zsock_t *pipe, void *args)
{
    election_t self = {.args = args, .pipe = pipe, .start_us = hf_clock_us ()};
    hf_pack_init (&self.later);
    s_restore (&self);
    hf_follow_init (&self.follow, &self.args->own, &self.args->endpoints, self.args->cluster);
    self.follow.own.id = self.args->config.core.self;
    hf_follow_told (&self.follow, &self.args->told, self.args->told_index);
    hf_pulse_name ("hf-election");
    zsock_signal (pipe, 0);
    s_run (&self);
    hf_election_service_destroy (&self.service);
    hf_mesh_destroy (&self.args->mesh);
    hf_log_store_close (&self.args->store);
    hf_pack_done (&self.later);
    zsock_destroy (&self.args->lock);
    zsock_destroy (&self.args->file);
}
