//  Committed entries: applied to the state, their outcomes answered; positions in queues pushed.

#include "base/hf_hash.h"
#include "nodes/services/hf_lock_private.h"

#define PUSH_INTERVAL_US 100000  //  between two pushes of positions, or of who is wanted
#define FAR_INTERVAL_US  1000000 //  of positions far behind in a queue

//  ---- outcomes -----------------------------------------------------------------

static void
s_opened (hf_lock_service_t *self, const hf_outcome_t *out)
{
    bool watches = self->leading || HF_MUTANT (ttl_not_restarted);
    if (watches && out->status == HF_OK) {
        hf_expiry_heard (self->expiry, out->session, out->ttl_ms, self->now_us);
        //  Opened again, and said to be silent in between: the client sends OPEN once more.
        if (hf_lock_marked (self, out->session))
            return;
    }
    hf_span_t nonce = hf_span (out->nonce, HF_NONCE_SIZE);
    hf_route_t route;
    if (!hf_routes_take_opening (&self->routes, nonce, &route))
        return;
    if (out->status == HF_OK && self->leading)
        hf_routes_opened (&self->routes, out->session, &route);
    hf_opened_frame (&self->out.frame, &(hf_opened_t){.nonce = nonce,
                                                      .status = (uint32_t)out->status,
                                                      .session = out->session,
                                                      .ttl_ms = out->ttl_ms,
                                                      .roster = hf_lock_roster (self),
                                                      .packs = true});
    hf_outbox_to_client (&self->out, &route, 0);
}

/*  As far as its user may see it. */
static void
s_ring (hf_lock_service_t *self, const hf_caller_t *caller, const hf_outcome_t *out)
{
    hf_list_t rows = hf_lock_sift_ring (self, &caller->route, out->ring);
    if (rows.count > 0)
        hf_ring_put (&self->routes.pack, &(hf_ring_t){.seq = out->answer.seq, .rows = rows});
}

static void
s_answer (hf_lock_service_t *self, const hf_outcome_t *out)
{
    if (self->guard.operated.count > 0)
        hf_lock_audit_done (self, out->session, out->answer.seq, (hf_status_t)out->answer.status,
                            out->answer.index);
    hf_caller_t *caller = hf_routes_find (&self->routes, out->session);
    if (!caller)
        return;
    hf_answer_put (&self->routes.pack, &out->answer);
    //  In one frame with the answer: a client does not wait for it.
    if (out->ring.count > 0)
        s_ring (self, caller, out);
    if (out->answer.status == HF_SESSION_EXPIRED)
        hf_routes_end (&self->routes, caller);
    hf_lock_item (self, caller);
}

static void
s_granted (hf_lock_service_t *self, const hf_outcome_t *out)
{
    hf_caller_t *caller = hf_routes_find (&self->routes, out->session);
    if (!caller)
        return;
    hf_granted_put (&self->routes.pack, &(hf_granted_t){.lock = out->lock,
                                                        .token = out->answer.token,
                                                        .index = out->answer.index,
                                                        .waiters = out->waiters,
                                                        .replaces = out->answer.position});
    hf_lock_item (self, caller);
}

/*  For the audit: who ended whose hold. Every node says so when it applies the command. */
static void
s_taken (hf_lock_service_t *self, const hf_outcome_t *out)
{
    uint64_t by = out->answer.position;
    hf_span_t who = hf_state_session_label (self->state, by);
    hf_span_t whose = hf_state_session_label (self->state, out->session);
    hf_caller_t *caller = hf_routes_find (&self->routes, out->session);
    hf_outbox_say (&self->out, HF_INFO,
                   "command %" PRIu64 ": session %" PRIu64 " (%.*s) %s lock %.*s, token %" PRIu64
                   ", of session %" PRIu64 " (%.*s)",
                   out->index, by, (int)who.size, (const char *)who.at,
                   out->status == HF_OK ? "released" : "cancelled", (int)out->lock.size,
                   (const char *)out->lock.at, out->answer.token, out->session, (int)whose.size,
                   (const char *)whose.at);
    if (!caller)
        return;
    hf_taken_put (&self->routes.pack, &(hf_taken_t){.lock = out->lock,
                                                    .token = out->answer.token,
                                                    .index = out->index,
                                                    .by = by,
                                                    .label = who,
                                                    .dropped = out->status != HF_OK});
    hf_lock_item (self, caller);
}

static void
s_send_end (hf_lock_service_t *self, const hf_outcome_t *out, const hf_caller_t *caller)
{
    hf_route_t route;
    uint64_t echo;
    if (hf_routes_take_closing (&self->routes, out->session, &echo, &route) &&
        !HF_MUTANT (close_unanswered)) {
        hf_closed_frame (&self->out.frame,
                         &(hf_closed_t){.session = out->session,
                                        .echo = echo,
                                        .status = (uint32_t)out->status,
                                        .index = out->status == HF_OK ? out->index : 0});
        hf_outbox_to_client (&self->out, &route, 0);
    }
    if (caller) {
        hf_alive_one (&self->out.frame, 0,
                      &(hf_kept_t){.session = out->session, .status = HF_SESSION_EXPIRED},
                      hf_lock_roster (self));
        hf_outbox_to_client (&self->out, &caller->route, 0);
    }
}

/*  A session is over: notify both the client that closed it and the session's own, after all that
 *  the session was answered. */
static void
s_ended (hf_lock_service_t *self, const hf_outcome_t *out)
{
    uint32_t delay_ms;
    hf_lock_audit_done (self, out->session, 0, out->status, out->index);
    hf_expiry_forget (self->expiry, out->session);
    if (self->leading && hf_state_session_gone (self->state, out->session, &delay_ms))
        hf_expiry_heard (self->expiry, out->session, delay_ms, self->now_us);
    hf_caller_t *caller = hf_routes_find (&self->routes, out->session);
    if (caller && !HF_MUTANT (end_before_answers))
        hf_routes_send (&self->routes, caller, &self->out);
    s_send_end (self, out, caller);
    if (caller)
        hf_routes_end (&self->routes, caller);
    else
        hf_routes_unused (&self->routes, out->session);
    if (out->by.size > 0)
        hf_outbox_say (&self->out, HF_INFO,
                       "command %" PRIu64 ": session %" PRIu64 " closed by %.*s", out->index,
                       out->session, (int)out->by.size, (const char *)out->by.at);
    else
        hf_outbox_say (&self->out, HF_DEBUG, "session %" PRIu64 " ended: %s", out->session,
                       out->status == HF_OK ? "closed" : "expired");
}

static bool
s_has (const hf_shifts_t *shifts, hf_span_t lock, uint64_t hash)
{
    hf_table_node_t *node = hf_table_seek (&shifts->locks, hash);
    for (; node; node = hf_table_again (node)) {
        const hf_shifted_t *shifted = HF_AROUND (node, hf_shifted_t, by_name);
        if (hf_span_equal (hf_span (shifted->name, shifted->size), lock))
            return true;
    }
    return false;
}

static void
s_shift (const hf_lock_service_t *self, hf_shifts_t *shifts, hf_span_t lock)
{
    uint64_t hash = hf_hash (0, lock.at, lock.size);
    if (!self->leading || s_has (shifts, lock, hash))
        return;
    hf_shifted_t *shifted = hf_alloc (sizeof *shifted + lock.size);
    shifted->size = lock.size;
    memcpy (shifted->name, lock.at, lock.size);
    hf_table_insert (&shifts->locks, &shifted->by_name, hash);
}

static void
s_outcome (hf_lock_service_t *self, const hf_outcome_t *out)
{
    bool marked;
    switch (out->type) {
    case HF_OUT_OPENED:
        s_opened (self, out);
        break;
    case HF_OUT_ANSWER:
        s_answer (self, out);
        break;
    case HF_OUT_GRANTED:
        s_granted (self, out);
        break;
    case HF_OUT_MOVED:
        s_shift (self, &self->moved, out->lock);
        break;
    case HF_OUT_WANTED:
        s_shift (self, &self->wanted, out->lock);
        break;
    case HF_OUT_ENDED:
        s_ended (self, out);
        break;
    case HF_OUT_SECTION:
        hf_lock_section (self, out);
        break;
    case HF_OUT_TOUCHED:
        if (self->leading)
            hf_lock_heard (self, out->session, &marked);
        break;
    case HF_OUT_REOPENED:
        hf_expiry_forget (self->expiry, out->session);
        hf_outbox_say (&self->out, HF_DEBUG, "what session %" PRIu64 " held is closed no more",
                       out->session);
        break;
    case HF_OUT_TAKEN:
        s_taken (self, out);
        break;
    case HF_OUT_SKIPPED:
        hf_lock_watch_skipped (self);
        break;
    }
}

//  ---- entries ------------------------------------------------------------------

static void
s_decided (hf_lock_service_t *self, const hf_entry_t *entry)
{
    if (!self->elected || entry->term != self->term || HF_MUTANT (busy_for_ever))
        return;
    hf_lock_decided (self, entry->payload.size);
    if (entry->type != HF_ENTRY_COMMANDS)
        return;
    self->decided_bytes += entry->payload.size;
    hf_laps_reach (&self->asked, self->decided_bytes, self->now_us, &self->request);
}

void
hf_lock_measure (hf_lock_service_t *self)
{
    hf_state_measure (self->state, self->now_us, self->leading || HF_MUTANT (measured_everywhere));
}

void
hf_lock_apply (hf_lock_service_t *self, const hf_a_committed_t *committed)
{
    hf_scan_t scan = hf_scan_list (committed->entries);
    uint64_t silences = hf_state_silences (self->state);
    hf_lock_measure (self);
    for (uint32_t i = 0; i < committed->entries.count; i++) {
        hf_entry_t entry;
        bool good = hf_entry_get (&scan, &entry);
        assert (good);
        hf_state_apply (self->state, committed->first + i, &entry, &self->outcomes);
        s_decided (self, &entry);
        self->silences_applied =
            self->silences_applied || hf_state_silences (self->state) > silences;
        for (size_t k = 0; k < self->outcomes.count; k++)
            s_outcome (self, &self->outcomes.list[k]);
        hf_outcomes_reset (&self->outcomes);
    }
    self->handled_bytes += committed->entries.size;
}

//  ---- positions, and who is wanted -----------------------------------------------

static void
s_push_position (void *arg, hf_span_t lock, uint64_t session, uint64_t position)
{
    hf_lock_service_t *service = arg;
    hf_routes_t *routes = &service->routes;
    hf_caller_t *caller = hf_routes_find (routes, session);
    if (!caller)
        return;
    hf_moved_put (&routes->pack, &(hf_moved_t){.lock = lock, .position = position});
    hf_lock_item (service, caller);
}

static void
s_push_wanted (void *arg, hf_span_t lock, uint64_t session, uint64_t token, uint64_t waiters)
{
    hf_lock_service_t *service = arg;
    hf_caller_t *caller = hf_routes_find (&service->routes, session);
    if (!caller)
        return;
    hf_wanted_put (&service->routes.pack,
                   &(hf_wanted_t){.lock = lock, .token = token, .waiters = waiters});
    hf_lock_item (service, caller);
}

/*  Whether it is time; then the next time is set. */
static bool
s_due (const hf_lock_service_t *self, hf_shifts_t *shifts, uint64_t interval_us)
{
    if (shifts->locks.count == 0 || self->turn_us < shifts->due_us)
        return false;
    shifts->due_us = self->turn_us + interval_us;
    return true;
}

static hf_span_t
s_name (const hf_table_node_t *node)
{
    const hf_shifted_t *shifted = HF_AROUND (node, const hf_shifted_t, by_name);
    return hf_span (shifted->name, shifted->size);
}

/*  So many places of a lock are told. The others are with their next keepalive. */
static uint32_t
s_most (const hf_lock_service_t *self)
{
    return HF_MUTANT (pushed_to_all) ? UINT32_MAX : self->config.pushes_max;
}

/*  And so many of them ten times a second. Whose turn is far away hears of it once a second. */
static uint32_t
s_near (const hf_lock_service_t *self)
{
    uint32_t most = s_most (self), near = self->config.pushes_near;
    return near < most && !HF_MUTANT (far_as_often) ? near : most;
}

static void
s_push_near (hf_lock_service_t *self)
{
    uint32_t near = s_near (self);
    hf_table_node_t *node = hf_table_first (&self->moved.locks);
    for (; node; node = hf_table_next (&self->moved.locks, node)) {
        bool more = hf_state_waiters (self->state, s_name (node), 0, near, s_push_position, self);
        if (more && near < s_most (self))
            s_shift (self, &self->moved_far, s_name (node));
    }
    hf_table_free (&self->moved.locks);
}

static void
s_push_far (hf_lock_service_t *self)
{
    uint32_t near = s_near (self);
    hf_table_node_t *node = hf_table_first (&self->moved_far.locks);
    for (; node; node = hf_table_next (&self->moved_far.locks, node))
        hf_state_waiters (self->state, s_name (node), near, s_most (self) - near, s_push_position,
                          self);
    hf_table_free (&self->moved_far.locks);
}

void
hf_lock_push (hf_lock_service_t *self)
{
    if (s_due (self, &self->moved, PUSH_INTERVAL_US))
        s_push_near (self);
    if (s_due (self, &self->moved_far, FAR_INTERVAL_US))
        s_push_far (self);
    if (s_due (self, &self->wanted, PUSH_INTERVAL_US)) {
        hf_table_node_t *node = hf_table_first (&self->wanted.locks);
        for (; node; node = hf_table_next (&self->wanted.locks, node))
            hf_state_holders (self->state, s_name (node), s_most (self), s_push_wanted, self);
        hf_table_free (&self->wanted.locks);
    }
}

uint64_t
hf_lock_push_due_us (const hf_lock_service_t *self)
{
    const hf_shifts_t *all[] = {&self->moved, &self->moved_far, &self->wanted};
    uint64_t due_us = UINT64_MAX;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i]->locks.count > 0 && all[i]->due_us < due_us)
            due_us = all[i]->due_us;
    return due_us;
}
