//  Frames of clients: checked, then refused, proposed, or set to wait for a barrier.

#include "nodes/services/hf_lock_private.h"

#define TURN_BYTES  (4U << 20) //  proposed in one turn
#define ITEMS_BYTES (1U << 20) //  answers that wait for the end of the turn
#define FREE_LEAST  8          //  answers that a session may keep while it is idle

//  ---- refusals -----------------------------------------------------------------------

void
hf_lock_refuse (hf_lock_service_t *self, const hf_route_t *route, hf_status_t status,
                const char *text)
{
    bool ready = self->leading || !self->elected;
    hf_refused_frame (&self->out.frame,
                      &(hf_refused_t){.status = (uint32_t)status,
                                      .text = hf_span_text (text ? text : hf_status_text (status)),
                                      .leader = ready ? self->leader : 0,
                                      .term = self->term});
    hf_outbox_to_client (&self->out, route, 0);
}

static void
s_refuse_input (hf_lock_service_t *self, const hf_route_t *route, hf_status_t status,
                const char *text)
{
    self->refused_frames++;
    hf_lock_refuse (self, route, status, text);
}

//  ---- proposing ----------------------------------------------------------------------

void
hf_lock_close_entry (hf_lock_service_t *self, bool even_small)
{
    size_t size = hf_pack_size (&self->commands);
    if (size == 0 || (!even_small && size < HF_ENTRY_TARGET))
        return;
    hf_pack_reset (&self->payload);
    hf_payload_put (&self->payload, hf_pack_list (&self->commands));
    //  The election actor fills in the term that it leads.
    hf_span_t payload = hf_span (hf_pack_bytes (&self->payload), hf_pack_size (&self->payload));
    hf_entry_put (&self->entries, &(hf_entry_t){.type = HF_ENTRY_COMMANDS, .payload = payload});
    self->undecided_bytes += payload.size;
    self->proposed_bytes += payload.size;
    if (self->asked_us > 0)
        hf_laps_put (&self->asked, self->proposed_bytes, self->asked_us, self->commands.count);
    self->asked_us = 0;
    self->patient_bytes = 0;
    hf_pack_reset (&self->commands);
}

/*  Whether all that is to be proposed may wait for something that may not. */
static bool
s_waits_for_more (const hf_lock_service_t *self)
{
    return self->patient_bytes > 0 && self->patient_bytes == hf_pack_size (&self->commands) &&
           self->entries.count == 0 &&
           (self->now_us - self->patient_us + 1 < self->config.together_us ||
            HF_MUTANT (queued_alone_never));
}

void
hf_lock_propose (hf_lock_service_t *self)
{
    if (s_waits_for_more (self))
        return;
    hf_lock_close_entry (self, true);
    if (self->entries.count == 0)
        return;
    hf_a_propose_frame (&self->out.message,
                        &(hf_a_propose_t){.entries = hf_pack_list (&self->entries)});
    hf_outbox_to_actor (&self->out, HF_TO_ELECTION);
    hf_pack_reset (&self->entries);
}

void
hf_lock_drop_proposals (hf_lock_service_t *self)
{
    hf_shares_clear (&self->undecided_of);
    hf_shares_clear (&self->undecided_old);
    self->undecided_before = 0;
    hf_pack_reset (&self->silences);
    hf_pack_reset (&self->commands);
    hf_pack_reset (&self->entries);
    self->undecided_bytes = 0;
    hf_laps_clear (&self->asked);
    self->asked_us = self->proposed_bytes = self->decided_bytes = 0;
    self->patient_bytes = 0;
}

bool
hf_lock_service_full (const hf_lock_service_t *self)
{
    return hf_pack_size (&self->entries) > TURN_BYTES;
}

void
hf_lock_decided (hf_lock_service_t *self, uint64_t bytes)
{
    self->undecided_bytes -= bytes < self->undecided_bytes ? bytes : self->undecided_bytes;
    self->undecided_before -= bytes < self->undecided_before ? bytes : self->undecided_before;
    if (self->undecided_before > 0)
        return;
    hf_shares_clear (&self->undecided_old);
    hf_shares_t empty = self->undecided_old;
    self->undecided_old = self->undecided_of;
    self->undecided_of = empty;
    self->undecided_before = self->undecided_bytes;
    if (self->undecided_bytes == 0)
        hf_shares_clear (&self->undecided_old);
}

/*  Whether all, or this client, have enough undecided. What all clients have together is less than
 *  one may have, most of the time: then nobody's own share is looked for. */
static bool
s_busy (const hf_lock_service_t *self, const hf_route_t *route)
{
    uint64_t all = self->undecided_bytes, most = self->config.undecided_max;
    uint64_t frame = HF_MUTANT (packed_uncounted) ? 0 : self->frame_bytes;
    uint64_t shares = self->undecided_of.all + self->undecided_old.all + frame;
    if (HF_MUTANT (never_busy))
        return false;
    if (all > most || !hf_shares_full (shares, all, most))
        return all > most;
    uint64_t one = hf_shares_of (&self->undecided_of, route) +
                   hf_shares_of (&self->undecided_old, route) + frame;
    return hf_shares_full (one, all, most);
}

void
hf_lock_refuse_busy (hf_lock_service_t *self, const hf_route_t *route, bool all)
{
    hf_lock_refuse (self, route, HF_BUSY, all ? NULL : "too much of this client waits");
}

static void
s_refuse_busy (hf_lock_service_t *self, const hf_route_t *route)
{
    bool all = self->undecided_bytes > self->config.undecided_max || !s_busy (self, route);
    hf_lock_refuse_busy (self, route, all);
}

//  ---- frames -------------------------------------------------------------------------

/*  Whether the client has all the sessions that one may have. A repeat is answered all the same. */
static bool
s_has_enough (const hf_lock_service_t *self, const hf_route_t *route, hf_span_t nonce)
{
    return hf_shares_of (&self->routes.sessions, route) >= self->config.client_sessions_max &&
           !hf_routes_opens (&self->routes, nonce) && !hf_state_opened (self->state, nonce) &&
           !HF_MUTANT (client_takes_all);
}

static void
s_refuse_opening (hf_lock_service_t *self, const hf_route_t *route, const hf_open_t *open,
                  hf_status_t status, const char *text)
{
    hf_opened_frame (&self->out.frame, &(hf_opened_t){.nonce = open->nonce,
                                                      .status = (uint32_t)status,
                                                      .ttl_ms = open->ttl_ms,
                                                      .roster = hf_lock_roster (self),
                                                      .text = hf_span_text (text),
                                                      .packs = true});
    hf_outbox_to_client (&self->out, route, 0);
}

static void
s_open (hf_lock_service_t *self, const hf_route_t *route, hf_scan_t *scan)
{
    hf_open_t open;
    if (!hf_open_get (scan, &open))
        s_refuse_input (self, route, HF_MALFORMED, "OPEN wants [nonce, ttl_ms]");
    else if (open.nonce.size != HF_NONCE_SIZE)
        s_refuse_input (self, route, HF_BAD_REQUEST, "the nonce of OPEN must be 16 bytes");
    else if (s_has_enough (self, route, open.nonce))
        s_refuse_opening (self, route, &open, HF_LIMIT,
                          "this client has as many sessions as one connection may have");
    else if (!hf_lock_may_open (self, route, open.nonce))
        s_refuse_opening (self, route, &open, HF_LIMIT, self->guard.why);
    else if (!hf_state_label_valid (open.label)) //  it may be large: no log takes it
        s_refuse_opening (self, route, &open, HF_BAD_LABEL, "");
    else if (!hf_lock_may_ask (self, route, 1, false))
        return;
    else if (s_busy (self, route) || !hf_routes_pend_opening (&self->routes, open.nonce, route))
        s_refuse_busy (self, route);
    else if (route->user > 0 && hf_lock_roster (self) > 0)
        hf_cmd_open_as_put (&self->commands,
                            &(hf_cmd_open_as_t){.nonce = open.nonce,
                                                .ttl_ms = open.ttl_ms,
                                                .label = open.label,
                                                .detect = open.detect,
                                                .delay_ms = open.delay_ms,
                                                .user = hf_span_text (hf_lock_user (self, route))});
    else //  or at feature level 0, where nobody knows of owners
        hf_cmd_open_put (&self->commands, &(hf_cmd_open_t){.nonce = open.nonce,
                                                           .ttl_ms = open.ttl_ms,
                                                           .label = open.label,
                                                           .detect = open.detect,
                                                           .delay_ms = open.delay_ms});
}

static bool
s_gives_back (uint32_t kind)
{
    return kind == HF_KIND_RELEASE || kind == HF_KIND_CANCEL || kind == HF_KIND_ABANDON;
}

/*  A REQUESTS as it was read. */
typedef struct read {
    hf_requests_t message;
    const uint8_t *from, *end; //  its bytes
    uint32_t more;             //  fields that this release does not know
    uint32_t asks;             //  how many do not merely give back
    hf_request_t last;         //  the last request
} read_t;

/*  Whether each has the fields of its kind, or is of an unknown kind with a seq. */
static bool
s_read_requests (hf_scan_t *scan, read_t *read)
{
    hf_requests_t *message = &read->message;
    read->from = scan->at;
    read->asks = 0;
    if (!hf_requests_begin (scan, HF_KIND_REQUESTS, message, &read->more) ||
        message->requests.count > HF_WINDOW_MAX)
        return false;
    for (uint32_t i = 0; i < message->requests.count; i++) {
        if (!hf_request_get (scan, &read->last) || read->last.status == HF_MALFORMED)
            return false;
        read->asks += !s_gives_back (read->last.kind);
    }
    bool good = hf_requests_end (scan, message, read->more);
    read->end = scan->at;
    return good;
}

/*  Whether SESSION's one request can do no more than join a queue: it wants a lock for itself, at
 *  which it has no place and for which others wait already. Whoever leaves that lock next leaves it
 * to one of them. Such requests come when a hold ends, from who has just released, and an entry of
 * their own would keep the disks busy when the next release comes: each hand-off cost two syncs. */
static bool
s_only_queues (const hf_lock_service_t *self, uint64_t session, const hf_request_t *request)
{
    if (hf_state_waiting_count (self->state) == 0)
        return false;
    if (request->kind == HF_KIND_ACQUIRE)
        return request->acquire.wait && request->acquire.mode == HF_MODE_EXCLUSIVE &&
               (hf_state_queued (self->state, request->acquire.lock, session) > 0 ||
                HF_MUTANT (first_waits_too));
    hf_place_t place;
    hf_scan_t scan = hf_scan_list (request->claim.places);
    return request->kind == HF_KIND_CLAIM && request->claim.wait && hf_place_get (&scan, &place) &&
           place.mode == HF_MODE_EXCLUSIVE &&
           hf_state_queued (self->state, place.lock, session) > 0;
}

/*  Propose the requests of READ that are ALLOWED: as they came, if that are all. */
static void
s_propose_requests (hf_lock_service_t *self, const read_t *read, hf_list_t allowed)
{
    const hf_requests_t *message = &read->message;
    size_t before = hf_pack_size (&self->commands);
    bool known = read->more == 0 || HF_MUTANT (foreign_fields_logged);
    if (known && allowed.at == message->requests.at)
        hf_cmd_requests_copy (&self->commands, read->from, read->end);
    else
        hf_cmd_requests_put (&self->commands, &(hf_cmd_requests_t){.session = message->session,
                                                                   .floor = message->floor,
                                                                   .requests = allowed});
    //  Behind one that goes at once there is nothing to wait for.
    if (self->patient_bytes != before || self->entries.count > 0 || message->requests.count != 1 ||
        allowed.count != 1 || !s_only_queues (self, message->session, &read->last))
        return;
    if (before == 0)
        self->patient_us = self->now_us;
    self->patient_bytes = hf_pack_size (&self->commands);
}

void
hf_lock_close_silences (hf_lock_service_t *self)
{
    if (self->silences.count == 0)
        return;
    self->silences_sent++;
    hf_cmd_silence_put (
        &self->commands,
        &(hf_cmd_silence_t){.term = self->term, .sessions = hf_pack_list (&self->silences)});
    hf_pack_reset (&self->silences);
    hf_lock_close_entry (self, false);
}

void
hf_lock_silence (hf_lock_service_t *self, uint64_t session, uint32_t ran_ms)
{
    hf_silence_put (&self->silences, &(hf_silence_t){.session = session, .ran_ms = ran_ms});
    if (hf_pack_size (&self->silences) >= HF_ENTRY_TARGET / 2)
        hf_lock_close_silences (self);
}

/*  MARK: of the last command of this leader that says how much has run, applied or not. */
static bool
s_marked (const hf_lock_service_t *self, uint32_t ran_ms, uint64_t mark)
{
    return ran_ms > 0 || mark > hf_state_silences (self->state);
}

bool
hf_lock_marked (const hf_lock_service_t *self, uint64_t session)
{
    return s_marked (self, hf_state_session_ran (self->state, session),
                     hf_expiry_mark (self->expiry, session));
}

/*  The session is heard now, not when the turn began: its client counts its deadline from when it
 *  sent, and that may be later than the begin of a long turn. */
bool
hf_lock_heard (hf_lock_service_t *self, uint64_t session, bool *marked)
{
    uint32_t ttl_ms;
    *marked = false;
    if (!hf_state_session_ttl (self->state, session, &ttl_ms))
        return false;
    uint64_t now_us = HF_MUTANT (heard_at_turn_start) ? self->turn_us : self->now_us;
    uint64_t mark = hf_expiry_heard (self->expiry, session, ttl_ms, now_us);
    *marked = s_marked (self, hf_state_session_ran (self->state, session), mark);
    if (*marked && hf_expiry_clears (self->expiry, session))
        hf_lock_silence (self, session, 0);
    return true;
}

void
hf_lock_item (hf_lock_service_t *self, hf_caller_t *caller)
{
    hf_routes_put (&self->routes, caller);
    if (hf_pack_size (&self->routes.pack) > ITEMS_BYTES)
        hf_routes_send_all (&self->routes, &self->out);
}

/*  Whether the requests may come from there; they are answered if not. Session ids can be guessed:
 *  one that is not known here may be another user's when the requests are applied. So it is told,
 *  behind a barrier, what there is of it. PACKED: a denial counts as asking does, or one frame
 * would get any number of them. *refused: the client was told REFUSED. */
static bool
s_may_speak (hf_lock_service_t *self, const hf_route_t *route, const hf_requests_t *message,
             bool packed, bool *refused)
{
    uint32_t ttl_ms;
    const hf_caller_t *caller = hf_routes_find (&self->routes, message->session);
    if (caller && hf_route_equal (&caller->route, route) && caller->route.user == route->user &&
        (caller->rights == self->guard.version || HF_MUTANT (spoken_for_ever)))
        return true; //  it was asked before
    if (!hf_lock_may (self, route,
                      &(hf_asked_t){.kind = HF_KIND_REQUESTS, .session = message->session})) {
        *refused = packed && !hf_lock_may_ask (self, route, 1, false);
        if (!*refused)
            hf_lock_deny_all (self, route, message);
        return false;
    }
    if (hf_state_session_ttl (self->state, message->session, &ttl_ms) ||
        HF_MUTANT (session_awaited))
        return true;
    *refused = !hf_lock_read (self, &(hf_reading_t){.type = HF_READING_KEEPALIVE,
                                                    .bytes = (const uint8_t *)&message->session,
                                                    .size = sizeof message->session,
                                                    .route = *route});
    return false;
}

/*  Whether all requests of MESSAGE, of which LAST is one, were answered already, as when an answer
 *  was lost. Then they are answered again at once: nothing is proposed, so it does not count as
 *  asked. */
static bool
s_answered_again (hf_lock_service_t *self, hf_caller_t *caller, const hf_requests_t *message,
                  const hf_request_t *last)
{
    if (!hf_state_knows (self->state, message->session, last->seq) ||
        HF_MUTANT (answered_charged) ||
        !hf_state_answered (self->state, message->session, message->requests, &self->routes.pack))
        return false;
    hf_lock_item (self, caller);
    return true;
}

/*  False: the client was told REFUSED. PACKED: they came with others in a frame. */
static bool
s_requests (hf_lock_service_t *self, const hf_route_t *route, hf_scan_t *scan, bool packed)
{
    read_t read;
    const hf_requests_t *message = &read.message;
    bool refused = false, marked = false;
    if (!s_read_requests (scan, &read)) {
        s_refuse_input (self, route, HF_MALFORMED,
                        "REQUESTS wants [session, floor, [request, ...]], at most 4096 requests");
        return false;
    }
    if (message->requests.count == 0 || (self->guard.rights && route->user > 0 &&
                                         !s_may_speak (self, route, message, packed, &refused)))
        return !refused;
    bool busy = s_busy (self, route);
    bool known = !busy && hf_lock_heard (self, message->session, &marked);
    hf_caller_t *caller = known ? hf_routes_caller (&self->routes, message->session, route)
                                : hf_routes_move (&self->routes, message->session, route);
    if (known && caller) {
        caller->rights = self->guard.version;
        caller->packs = caller->packs || packed;
    }
    if (known && caller && !marked && s_answered_again (self, caller, message, &read.last))
        return true;
    if (!busy && !hf_lock_may_ask (self, route, read.asks, read.asks < message->requests.count))
        return false;
    if (!busy && !known) //  it ends with its answer
        caller = hf_routes_caller (&self->routes, message->session, route);
    if (!caller || busy) {
        s_refuse_busy (self, route);
        return false;
    }
    caller->rights = self->guard.version;
    hf_list_t allowed = hf_lock_sift (self, route, caller, message);
    if (allowed.count > 0)
        s_propose_requests (self, &read, allowed);
    return true;
}

/*  What was proposed since the commands had BEFORE bytes is the client's whose frame this is. */
static void
s_count (hf_lock_service_t *self, size_t before)
{
    size_t after = hf_pack_size (&self->commands);
    if (after > before && (self->asked_us == 0 || HF_MUTANT (asked_last)))
        self->asked_us = self->now_us;
    self->frame_bytes += after > before ? after - before : 0;
    hf_lock_close_entry (self, false);
}

/*  The frame ends: what it had proposed is ROUTE's share. */
static void
s_charge (hf_lock_service_t *self, const hf_route_t *route)
{
    if (self->frame_bytes > 0)
        hf_shares_add (&self->undecided_of, route, self->frame_bytes);
    self->frame_bytes = 0;
}

/*  Each as if it came alone. But one refusal is all that a frame gets: what is behind it is not
 *  looked at. */
static void
s_packed (hf_lock_service_t *self, const hf_route_t *route, hf_scan_t *scan, uint32_t records)
{
    bool taken = records <= HF_PACKED_MAX;
    if (!taken)
        s_refuse_input (self, route, HF_MALFORMED, "a packed frame has at most 1024 REQUESTS");
    for (uint32_t i = 0; i < records && taken; i++) {
        size_t before = hf_pack_size (&self->commands);
        taken = s_requests (self, route, scan, records > 1) ||
                (HF_MUTANT (refused_goes_on) && !scan->bad);
        s_count (self, before);
    }
}

/*  The list of a KEEPALIVE as an array of sessions; false: a record is malformed. */
static bool
s_sessions (hf_lock_service_t *self, hf_list_t sessions)
{
    self->named.count = 0;
    hf_array_reserve (&self->named, sessions.count);
    hf_scan_t scan = hf_scan_list (sessions);
    hf_keep_t keep;
    for (uint32_t i = 0; i < sessions.count; i++) {
        if (!hf_keep_get (&scan, &keep))
            return false;
        *hf_array_add (&self->named) = keep.session;
    }
    return true;
}

static void
s_keep (hf_lock_service_t *self, const hf_route_t *route, const hf_keep_t *keep)
{
    if (!hf_lock_may (self, route,
                      &(hf_asked_t){.kind = HF_KIND_KEEPALIVE, .session = keep->session}))
        return;
    bool marked;
    //  From now on its answers go there, also those to what it asked over an earlier connection.
    if (hf_lock_heard (self, keep->session, &marked))
        hf_routes_caller (&self->routes, keep->session, route);
    else
        hf_routes_move (&self->routes, keep->session, route);
    //  Requests carry the floor, too; this is for sessions that send no more of them. Few answers
    //  are not worth a command.
    if (hf_state_answers_below (self->state, keep->session, keep->floor) >= FREE_LEAST &&
        !s_busy (self, route) && !HF_MUTANT (floor_not_kept))
        hf_cmd_requests_put (&self->commands,
                             &(hf_cmd_requests_t){.session = keep->session, .floor = keep->floor});
}

static void
s_keepalive (hf_lock_service_t *self, const hf_route_t *route, hf_scan_t *scan)
{
    hf_keepalive_t message;
    bool good = hf_keepalive_get (scan, &message) && message.sessions.count <= HF_KEEPS_MAX;
    if (good && message.sessions.count == 0)
        return;
    if (!good || !s_sessions (self, message.sessions)) {
        s_refuse_input (
            self, route, HF_MALFORMED,
            "KEEPALIVE wants [echo, [[69, session, floor], ...]], at most 4096 sessions");
        return;
    }
    hf_scan_t list = hf_scan_list (message.sessions);
    hf_keep_t keep;
    while (hf_keep_get (&list, &keep))
        s_keep (self, route, &keep);
    hf_lock_read (self, &(hf_reading_t){.type = HF_READING_KEEPALIVE,
                                        .id = message.echo,
                                        .bytes = (const uint8_t *)self->named.list,
                                        .size = (uint32_t)(self->named.count * sizeof (uint64_t)),
                                        .route = *route});
}

static void
s_close (hf_lock_service_t *self, const hf_route_t *route, hf_scan_t *scan)
{
    hf_close_t message;
    uint32_t ttl_ms;
    if (!hf_close_get (scan, &message))
        s_refuse_input (self, route, HF_MALFORMED, "CLOSE wants [session, echo, by]");
    else if (!hf_state_label_valid (message.by))
        hf_lock_refuse (self, route, HF_BAD_LABEL, NULL);
    else if (!hf_lock_may (self, route,
                           &(hf_asked_t){.kind = HF_KIND_CLOSE, .session = message.session})) {
        hf_closed_frame (&self->out.frame, &(hf_closed_t){.session = message.session,
                                                          .echo = message.echo,
                                                          .status = HF_DENIED,
                                                          .text = hf_span_text (self->guard.why)});
        hf_outbox_to_client (&self->out, route, 0);
    } else if (!hf_state_session_ttl (self->state, message.session, &ttl_ms))
        //  It is over already, as far as this node knows: a barrier makes sure of it.
        hf_lock_read (self, &(hf_reading_t){.type = HF_READING_CLOSE,
                                            .session = message.session,
                                            .id = message.echo,
                                            .route = *route});
    else if (s_busy (self, route) ||
             !hf_routes_pend_closing (&self->routes, message.session, message.echo, route))
        s_refuse_busy (self, route);
    else {
        if (self->guard.doing[0] != 0)
            hf_lock_audit_later (self, route, message.session, 0, self->guard.doing);
        hf_cmd_close_put (&self->commands,
                          &(hf_cmd_close_t){.session = message.session, .by = message.by});
    }
}

void
hf_lock_send_away (hf_lock_service_t *self, const hf_route_t *route)
{
    hf_routes_watch (&self->routes, route);
    hf_lock_refuse (self, route, HF_NOT_LEADER, NULL);
}

static void
s_query (hf_lock_service_t *self, const hf_route_t *route, hf_scan_t *scan)
{
    hf_query_t message;
    if (!hf_query_get (scan, &message)) {
        s_refuse_input (self, route, HF_MALFORMED,
                        "QUERY wants [id, what, name, offset, limit, stale, number]");
        return;
    }
    bool named = message.what == HF_WHAT_LOCK || message.what == HF_WHAT_READ;
    if (!hf_lock_may (self, route,
                      &(hf_asked_t){.kind = HF_KIND_QUERY,
                                    .what = message.what,
                                    .name = named ? message.name : hf_span ("", 0)})) {
        hf_lock_deny_question (self, route, message.id);
        return;
    }
    bool own = message.what == HF_WHAT_STATUS || message.what == HF_WHAT_MEMBERS;
    bool refused = message.stale ? hf_lock_is_stranger (self) : !self->leading;
    if (!own && refused) {
        hf_lock_send_away (self, route);
        return;
    }
    hf_reading_t reading = {.type = HF_READING_QUERY,
                            .id = message.id,
                            .what = message.what,
                            .offset = message.offset,
                            .limit = message.limit,
                            .stale = message.stale,
                            .number = message.number,
                            .route = *route};
    if (own) {
        if (message.what == HF_WHAT_STATUS)
            hf_lock_query_status (self, &reading);
        else
            hf_lock_query_members (self, &reading);
        return;
    }
    if (message.what != HF_WHAT_LEADER && !hf_lock_may_ask (self, route, 1, false))
        return;
    //  A name that is too long is kept one byte too long: it is refused as a name.
    reading.bytes = message.name.at;
    reading.size = message.name.size < 256 ? message.name.size : 256;
    hf_lock_read (self, &reading);
}

static void
s_watch (hf_lock_service_t *self, const hf_route_t *route, hf_scan_t *scan)
{
    hf_watch_request_t message;
    if (hf_watch_request_get (scan, &message))
        hf_lock_watch (self, route, &message);
    else
        s_refuse_input (self, route, HF_MALFORMED, "WATCH wants [id, what, prefix, after, room]");
}

static void
s_change (hf_lock_service_t *self, const hf_route_t *route, hf_scan_t *scan)
{
    hf_change_request_t message;
    if (hf_change_request_get (scan, &message)) {
        if (hf_lock_may (self, route, &(hf_asked_t){.kind = HF_KIND_CHANGE}))
            hf_lock_change (self, route, &message);
        else
            hf_lock_deny_question (self, route, message.id);
    } else
        s_refuse_input (self, route, HF_MALFORMED,
                        "CHANGE wants [id, op, node, host, client_port, node_port, learns, force, "
                        "level]");
}

void
hf_lock_service_from_client (hf_lock_service_t *self, const hf_route_t *route, hf_span_t bytes,
                             uint64_t now_us)
{
    self->now_us = now_us;
    size_t before = hf_pack_size (&self->commands);
    hf_scan_t scan;
    uint32_t kind, records;
    hf_status_t status = bytes.size > HF_CLIENT_FRAME_MAX
                             ? HF_TOO_LARGE
                             : hf_frame_open_packed (bytes.at, bytes.size, &scan, &kind, &records);
    if (status != HF_OK)
        s_refuse_input (self, route, status,
                        status == HF_TOO_LARGE     ? "a frame must be at most 2 MiB"
                        : status == HF_BAD_VERSION ? "this node speaks version 1 of the protocol"
                                                   : "a frame must be [1, [kind, fields...]]");
    else if (kind < HF_KIND_OPEN || kind > HF_KIND_CHANGE)
        s_refuse_input (self, route, HF_UNKNOWN,
                        "a client sends OPEN, KEEPALIVE, REQUESTS, CLOSE, QUERY, WATCH or CHANGE");
    else if (!hf_lock_covers (self, route, kind))
        s_refuse_input (self, route, HF_DENIED, "no right is known for this kind of frame");
    else if (kind == HF_KIND_QUERY)
        s_query (self, route, &scan);
    else if (kind == HF_KIND_WATCH)
        s_watch (self, route, &scan);
    else if (!self->leading && !(kind == HF_KIND_CHANGE && HF_MUTANT (change_by_follower)))
        hf_lock_send_away (self, route);
    else if (kind == HF_KIND_CHANGE)
        s_change (self, route, &scan);
    else if (kind == HF_KIND_OPEN)
        s_open (self, route, &scan);
    else if (kind == HF_KIND_KEEPALIVE)
        s_keepalive (self, route, &scan);
    else if (kind == HF_KIND_REQUESTS) {
        s_packed (self, route, &scan, records);
        before = hf_pack_size (&self->commands); //  it has counted each
    } else
        s_close (self, route, &scan);
    s_count (self, before);
    s_charge (self, route);
}
