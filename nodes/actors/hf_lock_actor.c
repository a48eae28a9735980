/*  hf_lock_actor.c - the actor that serves clients: the door, sessions, locks, sections.
 *
 *  From clients (ROUTER, docs/protocol.md): OPEN, KEEPALIVE, REQUESTS, CLOSE, QUERY.
 *  To clients: OPENED, ALIVE, ANSWERS, CLOSED_REPLY, RESULT, REFUSED.
 *  From the election actor (PAIR): A_COMMITTED, A_LEADING, A_FOLLOWING, A_PASSED, A_TOLD.
 *  To the election actor: A_START, A_PROPOSE, A_BARRIER, A_APPLIED, A_FACTS, A_FLUSHED.
 *  From the file actor (PAIR): A_FILE_RESULT, A_FILES_DURABLE, A_WANT_STATE.
 *  To the file actor: A_SECTIONS, A_FILE_QUERY, A_SNAPSHOT.
 *  On its own pipe: "$TERM".
 *
 *  A turn drains everything that waits, then sends one proposal, one barrier and one
 *  message a client. Requests are answered once they are committed and applied; keepalives
 *  and queries once a barrier passed that began after they came (design 4.3).
 */
#include "nodes/actors/hf_lock_internal.h"
#include <assert.h>
#include <stdlib.h>

#define DRAIN_MESSAGES    2000
#define FLOOD_PATIENCE_US 1000000 //  so long messages that wait put expiry off

//  ---- who leads ------------------------------------------------------------------

/*  Serve once everything before this term is applied. Every session's time starts anew (P9). */
static void
s_try_serve (hf_lock_actor_t *self)
{
    if (!self->elected || self->leading || hf_state_applied_index (self->state) < self->lead_index)
        return;
    self->leading = true;
    //  This turn may have begun before the old leader acknowledged its last keepalive.
    self->now_us = hf_clock_us ();
    hf_expiry_clear (self->expiry);
    uint64_t session = 0;
    uint32_t ttl_ms;
    while (hf_state_next_session (self->state, session, &session, &ttl_ms))
        hf_expiry_heard (self->expiry, session, ttl_ms, self->now_us);
    hf_lock_tell_watchers (self);
}

static void
s_drop_proposals (hf_lock_actor_t *self)
{
    hf_pack_reset (&self->commands);
    hf_pack_reset (&self->entries);
    self->undecided_bytes = 0;
}

static void
s_leading (hf_lock_actor_t *self, const hf_a_leading_t *leading)
{
    self->elected = true;
    self->leading = false;
    self->term = leading->term;
    self->lead_index = leading->index;
    self->leader = self->args->self;
    s_drop_proposals (self);
}

static void
s_following (hf_lock_actor_t *self, const hf_a_following_t *following)
{
    bool told = self->elected || following->leader != 0;
    self->elected = self->leading = false;
    self->term = following->term;
    self->leader = following->leader;
    s_drop_proposals (self);
    hf_expiry_clear (self->expiry);
    hf_lock_forget_moved (self);
    hf_lock_drop_reads (self);
    hf_routes_unlead (self->routes);
    if (told)
        hf_lock_tell_watchers (self);
}

//  ---- what the other actors say ------------------------------------------------------

static void
s_from_election (hf_lock_actor_t *self, hf_scan_t *scan, uint32_t kind)
{
    union {
        hf_a_committed_t committed;
        hf_a_leading_t leading;
        hf_a_following_t following;
        hf_a_passed_t passed;
        hf_a_told_t told;
    } in;
    bool good = false;
    switch (kind) {
    case HF_KIND_A_COMMITTED:
        if ((good = hf_a_committed_get (scan, &in.committed)))
            hf_lock_apply (self, &in.committed);
        break;
    case HF_KIND_A_LEADING:
        if ((good = hf_a_leading_get (scan, &in.leading)))
            s_leading (self, &in.leading);
        break;
    case HF_KIND_A_FOLLOWING:
        if ((good = hf_a_following_get (scan, &in.following)))
            s_following (self, &in.following);
        break;
    case HF_KIND_A_PASSED:
        if ((good = hf_a_passed_get (scan, &in.passed)))
            hf_lock_passed (self, &in.passed);
        break;
    case HF_KIND_A_TOLD:
        if ((good = hf_a_told_get (scan, &in.told)))
            hf_lock_told (self, &in.told);
        break;
    default:
        break;
    }
    assert (good);
    s_try_serve (self);
}

static void
s_from_file (hf_lock_actor_t *self, hf_scan_t *scan, uint32_t kind)
{
    hf_a_file_result_t result;
    hf_a_files_durable_t durable;
    hf_a_want_state_t want;
    bool good = false;
    if (kind == HF_KIND_A_FILE_RESULT) {
        good = hf_a_file_result_get (scan, &result);
        hf_lock_file_result (self, &result);
    } else if (kind == HF_KIND_A_FILES_DURABLE) {
        good = hf_a_files_durable_get (scan, &durable);
        hf_lock_files_durable (self, durable.index);
    } else if (kind == HF_KIND_A_WANT_STATE) {
        good = hf_a_want_state_get (scan, &want);
        hf_lock_snapshot (self, want.node);
    }
    assert (good);
}

typedef void (from_fn) (hf_lock_actor_t *self, hf_scan_t *scan, uint32_t kind);

static void
s_drain (hf_lock_actor_t *self, zsock_t *sock, from_fn *from)
{
    zmq_msg_t message;
    zmq_msg_init (&message);
    hf_scan_t scan;
    uint32_t kind;
    for (int i = 0; i < DRAIN_MESSAGES && hf_pipe_next (sock, &message, &scan, &kind); i++)
        from (self, &scan, kind);
    zmq_msg_close (&message);
}

static void
s_drain_pipe (hf_lock_actor_t *self)
{
    char *command;
    while ((command = hf_pipe_command (self->pipe))) {
        if (strcmp (command, "$TERM") == 0)
            self->stop = true;
        free (command);
    }
}

//  ---- the loop ------------------------------------------------------------------

static long
s_wait_ms (const hf_lock_actor_t *self)
{
    uint64_t wake_us = self->leading ? hf_expiry_next_us (self->expiry) : UINT64_MAX;
    if (self->shifted && self->moved_due_us < wake_us)
        wake_us = self->moved_due_us;
    uint64_t flush_us = hf_lock_flush_due_us (self);
    if (flush_us < wake_us)
        wake_us = flush_us;
    if (hf_lock_queries_wait (self))
        return 0;
    uint64_t now_us = hf_clock_us ();
    uint64_t wait_us = wake_us > now_us ? wake_us - now_us : 0;
    return wait_us < 1000000 ? (long)((wait_us + 999) / 1000) : 1000;
}

static void
s_turn (hf_lock_actor_t *self)
{
    self->now_us = hf_clock_us ();
    s_drain (self, self->args->election, s_from_election);
    s_drain (self, self->args->file, s_from_file);
    //  What was said in time must count before anybody is taken for dead: no expiry while
    //  messages wait, and by a clock read before the last of them was taken. Yet a flood of them
    //  must not keep the dead alive.
    if (hf_lock_drain_door (self))
        self->flooded_us = 0;
    else if (self->flooded_us == 0)
        self->flooded_us = self->now_us;
    if (self->flooded_us == 0 || self->now_us - self->flooded_us >= FLOOD_PATIENCE_US)
        hf_lock_expire (self);
    hf_lock_propose (self);
    hf_lock_ask_barrier (self);
    hf_lock_answer_reads (self);
    hf_lock_push_moved (self);
    hf_routes_flush (self->routes, self->args->door);
    hf_lock_credit (self);
    hf_lock_flush (self);
}

static void
s_run (hf_lock_actor_t *self)
{
    zmq_pollitem_t items[] = {
        {.socket = zsock_resolve (self->pipe), .events = ZMQ_POLLIN},
        {.socket = zsock_resolve (self->args->election), .events = ZMQ_POLLIN},
        {.socket = zsock_resolve (self->args->file), .events = ZMQ_POLLIN},
        {.socket = hf_door_socket (self->args->door), .events = ZMQ_POLLIN},
    };
    hf_a_start_frame (&self->frame,
                      &(hf_a_start_t){.applied = hf_state_applied_index (self->state)});
    hf_pipe_send (self->args->election, &self->frame);
    while (!self->stop) {
        zmq_poll (items, sizeof items / sizeof *items, s_wait_ms (self));
        s_turn (self);
        s_drain_pipe (self);
    }
}

void
hf_lock_actor (zsock_t *pipe, void *args)
{
    hf_lock_actor_t self = {.args = args, .pipe = pipe, .started_us = hf_clock_us ()};
    self.state = self.args->state;
    self.taken_index = hf_state_applied_index (self.state);
    self.expiry = hf_expiry_new ();
    self.routes = hf_routes_new ();
    self.reads = hf_reads_new ();
    hf_outcomes_init (&self.outcomes);
    hf_pack_init (&self.commands);
    hf_pack_init (&self.entries);
    hf_pack_init (&self.frame);
    hf_pack_init (&self.sections);
    hf_pack_init (&self.changes);
    zsock_signal (pipe, 0);
    s_run (&self);
    hf_lock_forget_moved (&self);
    hf_lock_files_durable (&self, UINT64_MAX);
    hf_reads_destroy (&self.reads);
    hf_routes_destroy (&self.routes);
    hf_expiry_destroy (&self.expiry);
    hf_state_destroy (&self.args->state);
    hf_state_store_close (&self.args->store);
    hf_outcomes_done (&self.outcomes);
    hf_pack_done (&self.commands);
    hf_pack_done (&self.entries);
    hf_pack_done (&self.frame);
    hf_pack_done (&self.sections);
    hf_pack_done (&self.changes);
    hf_door_destroy (&self.args->door);
    zsock_destroy (&self.args->election);
    zsock_destroy (&self.args->file);
}
