#include "nodes/actors/hf_lock_internal.h"
#include <assert.h>
#include <stdio.h>

#define DRAIN_MESSAGES  2000
#define TURN_BYTES      (4U << 20)  //  proposed in one turn
#define ITEMS_BYTES     (1U << 20)  //  answers to one session that wait for the end of the turn
#define UNDECIDED_BYTES (32U << 20) //  proposed and not applied; beyond: BUSY

//  ---- answers that need no state ---------------------------------------------------

void
hf_lock_send (hf_lock_actor_t *self, const hf_route_t *route, const hf_pack_t *frame)
{
    //  A client that is gone or does not read loses it: it will ask again.
    hf_door_send (self->args->door, route, hf_pack_bytes (frame), hf_pack_size (frame));
}

void
hf_lock_items_put (hf_lock_actor_t *self, hf_caller_t *caller)
{
    hf_routes_dirty (self->routes, caller);
    if (hf_pack_size (&caller->items) > ITEMS_BYTES)
        hf_routes_flush (self->routes, self->args->door);
}

static void
s_frame_refused (hf_lock_actor_t *self, hf_status_t status, const char *text)
{
    bool ready = self->leading || !self->elected;
    hf_pack_reset (&self->frame);
    hf_refused_frame (&self->frame, &(hf_refused_t){.status = (uint32_t)status,
                                                    .text = hf_span_text (text),
                                                    .leader = ready ? self->leader : 0,
                                                    .term = self->term});
}

void
hf_lock_refuse (hf_lock_actor_t *self, const hf_route_t *route, hf_status_t status,
                const char *text)
{
    s_frame_refused (self, status, text);
    hf_lock_send (self, route, &self->frame);
}

static void
s_refuse_input (hf_lock_actor_t *self, const hf_route_t *route, hf_status_t status,
                const char *text)
{
    self->dropped_frames++;
    hf_lock_refuse (self, route, status, text);
}

static void
s_send_away (hf_lock_actor_t *self, const hf_route_t *route)
{
    //  Whatever this node believes now, it tells the client when that changes: that makes a
    //  failover fast for those who ask while an election is under way.
    hf_routes_watch (self->routes, route);
    hf_lock_refuse (self, route, HF_NOT_LEADER, hf_status_text (HF_NOT_LEADER));
}

void
hf_lock_tell_watchers (hf_lock_actor_t *self)
{
    s_frame_refused (self, HF_NOT_LEADER, hf_status_text (HF_NOT_LEADER));
    bool known = self->leader != 0 && (self->leading || !self->elected);
    hf_routes_tell (self->routes, self->args->door, &self->frame, known);
}

//  ---- proposing ----------------------------------------------------------------

void
hf_lock_close_entry (hf_lock_actor_t *self, bool even_small)
{
    size_t size = hf_pack_size (&self->commands);
    if (size == 0 || (!even_small && size < HF_ENTRY_TARGET))
        return;
    hf_pack_reset (&self->frame);
    hf_payload_put (&self->frame, hf_pack_list (&self->commands));
    //  The election actor fills in the term that it leads.
    hf_entry_t entry = {.payload =
                            hf_span (hf_pack_bytes (&self->frame), hf_pack_size (&self->frame))};
    hf_entry_put (&self->entries, &entry);
    self->undecided_bytes += entry.payload.size;
    hf_pack_reset (&self->commands);
}

void
hf_lock_propose (hf_lock_actor_t *self)
{
    hf_lock_close_entry (self, true);
    if (self->entries.count == 0)
        return;
    hf_pack_reset (&self->frame);
    hf_a_propose_frame (&self->frame, &(hf_a_propose_t){.entries = hf_pack_list (&self->entries)});
    hf_pipe_send (self->args->election, &self->frame);
    hf_pack_reset (&self->entries);
}

static bool
s_busy (const hf_lock_actor_t *self)
{
    return self->undecided_bytes > UNDECIDED_BYTES;
}

//  ---- frames -------------------------------------------------------------------

static void
s_open (hf_lock_actor_t *self, const hf_route_t *route, hf_scan_t *scan)
{
    hf_open_t open;
    if (!hf_open_get (scan, &open)) {
        s_refuse_input (self, route, HF_MALFORMED, "OPEN wants [nonce, ttl_ms]");
        return;
    }
    if (open.nonce.size != HF_NONCE_SIZE) {
        s_refuse_input (self, route, HF_BAD_REQUEST, "the nonce of OPEN must be 16 bytes");
        return;
    }
    if (s_busy (self) || !hf_routes_opening (self->routes, open.nonce, route)) {
        hf_lock_refuse (self, route, HF_BUSY, hf_status_text (HF_BUSY));
        return;
    }
    hf_cmd_open_put (&self->commands, &(hf_cmd_open_t){.nonce = open.nonce, .ttl_ms = open.ttl_ms});
}

/*  Whether each is a record that the codec knows, or one of an unknown kind with a seq. */
static bool
s_requests_good (hf_list_t requests)
{
    hf_scan_t scan = hf_scan_list (requests);
    for (uint32_t i = 0; i < requests.count; i++) {
        union {
            hf_acquire_t acquire;
            hf_release_t release;
            hf_cancel_t cancel;
            hf_abandon_t abandon;
            hf_append_t append;
        } request;
        switch (hf_scan_kind (&scan)) {
        case HF_KIND_ACQUIRE:
            hf_acquire_get (&scan, &request.acquire);
            break;
        case HF_KIND_RELEASE:
            hf_release_get (&scan, &request.release);
            break;
        case HF_KIND_CANCEL:
            hf_cancel_get (&scan, &request.cancel);
            break;
        case HF_KIND_ABANDON:
            hf_abandon_get (&scan, &request.abandon);
            break;
        case HF_KIND_APPEND:
            hf_append_get (&scan, &request.append);
            break;
        default: {
            uint32_t fields = hf_scan_array (&scan);
            uint32_t kind;
            uint64_t seq;
            hf_get_u32 (&scan, &kind);
            hf_get_u64 (&scan, &seq);
            if (fields < 2)
                scan.bad = true;
            else
                hf_scan_skip (&scan, fields - 2);
        }
        }
        if (scan.bad)
            return false;
    }
    return true;
}

/*  The time is that of its being taken, which is after its being sent: this turn may have begun
 *  long before, and the client counts from when it sent. */
static void
s_heard (hf_lock_actor_t *self, uint64_t session)
{
    uint32_t ttl_ms;
    if (hf_state_session_ttl (self->state, session, &ttl_ms))
        hf_expiry_heard (self->expiry, session, ttl_ms, hf_clock_us ());
}

static void
s_requests (hf_lock_actor_t *self, const hf_route_t *route, hf_scan_t *scan)
{
    hf_requests_t message;
    if (!hf_requests_get (scan, &message) || message.requests.count > HF_WINDOW_MAX ||
        !s_requests_good (message.requests)) {
        s_refuse_input (self, route, HF_MALFORMED,
                        "REQUESTS wants [session, floor, [request, ...]], at most 4096 requests");
        return;
    }
    if (message.requests.count == 0)
        return;
    hf_caller_t *caller =
        s_busy (self) ? NULL : hf_routes_caller (self->routes, message.session, route);
    if (!caller) {
        hf_lock_refuse (self, route, HF_BUSY, hf_status_text (HF_BUSY));
        return;
    }
    s_heard (self, message.session);
    if (hf_state_answered (self->state, message.session, message.requests, &caller->items)) {
        hf_lock_items_put (self, caller);
        return;
    }
    hf_cmd_requests_put (&self->commands, &(hf_cmd_requests_t){.session = message.session,
                                                               .floor = message.floor,
                                                               .requests = message.requests});
}

static void
s_read (hf_lock_actor_t *self, const hf_route_t *route, hf_read_t *read)
{
    read->route = *route;
    if (!hf_lock_read (self, read))
        hf_lock_refuse (self, route, HF_BUSY, hf_status_text (HF_BUSY));
}

static void
s_keepalive (hf_lock_actor_t *self, const hf_route_t *route, hf_scan_t *scan)
{
    hf_keepalive_t message;
    if (!hf_keepalive_get (scan, &message)) {
        s_refuse_input (self, route, HF_MALFORMED, "KEEPALIVE wants [session, echo]");
        return;
    }
    s_heard (self, message.session);
    hf_read_t read = {.type = HF_READ_KEEPALIVE, .session = message.session, .id = message.echo};
    s_read (self, route, &read);
}

static void
s_close (hf_lock_actor_t *self, const hf_route_t *route, hf_scan_t *scan)
{
    hf_close_t message;
    if (!hf_close_get (scan, &message)) {
        s_refuse_input (self, route, HF_MALFORMED, "CLOSE wants [session, echo]");
        return;
    }
    uint32_t ttl_ms;
    if (!hf_state_session_ttl (self->state, message.session, &ttl_ms)) {
        //  Gone already, as far as this node knows: a barrier makes sure of it.
        hf_read_t read = {.type = HF_READ_CLOSE, .session = message.session, .id = message.echo};
        s_read (self, route, &read);
        return;
    }
    if (s_busy (self) || !hf_routes_closing (self->routes, message.session, message.echo, route)) {
        hf_lock_refuse (self, route, HF_BUSY, hf_status_text (HF_BUSY));
        return;
    }
    hf_cmd_close_put (&self->commands, &(hf_cmd_close_t){.session = message.session});
}

static void
s_query (hf_lock_actor_t *self, const hf_route_t *route, hf_scan_t *scan)
{
    hf_query_t message;
    if (!hf_query_get (scan, &message)) {
        s_refuse_input (self, route, HF_MALFORMED, "QUERY wants [id, what, name, offset, limit]");
        return;
    }
    hf_read_t read = {.type = HF_READ_QUERY,
                      .id = message.id,
                      .what = message.what,
                      .offset = message.offset,
                      .limit = message.limit,
                      .route = *route};
    //  A name that is too long is kept one byte too long: it is refused as a name.
    read.name_size = message.name.size < sizeof read.name ? message.name.size : sizeof read.name;
    if (read.name_size > 0)
        memcpy (read.name, message.name.at, read.name_size);
    if (message.what == HF_WHAT_STATUS)
        hf_lock_query_status (self, &read);
    else if (!self->leading)
        s_send_away (self, route);
    else
        s_read (self, route, &read);
}

static void
s_from_client (hf_lock_actor_t *self, const hf_route_t *route, hf_span_t bytes)
{
    hf_scan_t scan;
    uint32_t kind;
    hf_status_t status = bytes.size > HF_CLIENT_FRAME_MAX
                             ? HF_TOO_LARGE
                             : hf_frame_open (bytes.at, bytes.size, &scan, &kind);
    if (status != HF_OK) {
        s_refuse_input (self, route, status,
                        status == HF_TOO_LARGE     ? "a frame must be at most 2 MiB"
                        : status == HF_BAD_VERSION ? "this node speaks version 1 of the protocol"
                                                   : "a frame must be [1, [kind, fields...]]");
        return;
    }
    if (kind == HF_KIND_QUERY) {
        s_query (self, route, &scan);
        return;
    }
    if (kind < HF_KIND_OPEN || kind > HF_KIND_QUERY) {
        s_refuse_input (self, route, HF_UNKNOWN,
                        "a client sends OPEN, KEEPALIVE, REQUESTS, CLOSE or QUERY");
        return;
    }
    if (!self->leading) {
        s_send_away (self, route);
        return;
    }
    if (kind == HF_KIND_OPEN)
        s_open (self, route, &scan);
    else if (kind == HF_KIND_KEEPALIVE)
        s_keepalive (self, route, &scan);
    else if (kind == HF_KIND_REQUESTS)
        s_requests (self, route, &scan);
    else
        s_close (self, route, &scan);
    hf_lock_close_entry (self, false);
}

bool
hf_lock_drain_door (hf_lock_actor_t *self)
{
    hf_route_t route;
    hf_span_t bytes;
    for (int i = 0; i < DRAIN_MESSAGES; i++) {
        if (hf_pack_size (&self->entries) > TURN_BYTES)
            return false;
        if (!hf_door_next (self->args->door, &route, &bytes))
            return true;
        s_from_client (self, &route, bytes);
    }
    return false;
}
