/*  hf_lock_actor.c - the actor that serves clients: sockets and clock around the lock service.
 *
 *  What it takes and gives is in nodes/services/hf_lock_service.h; A_RIGHTS and "$TERM" come on its
 *  own pipe. It
 *  decides nothing: it drains what waits, tells the service the time, and carries out its outbox.
 */
#include "nodes/actors/hf_actors.h"
#include "nodes/actors/hf_clock.h"
#include "nodes/actors/hf_pipe.h"
#include "nodes/actors/hf_report.h"
#include "nodes/services/hf_lock_service.h"
#include "broker-less/hf_poll.h"
#include <assert.h>
#include <stdlib.h>

#define DRAIN_MESSAGES 2000       //  from one socket in one turn
#define QUERIES_US     10000      //  old, a turn begins no second query: keepalives must not wait
#define OUT_BYTES      (1U << 20) //  frames that may wait for the end of the turn
#define DOOR_US        10000      //  a door that was found empty is looked at again after that

typedef struct lock_actor {
    hf_lock_args_t *args;
    zsock_t *pipe;
    hf_lock_service_t *service;
    hf_outbox_t *out;
    hf_poll_t poll;
    unsigned from_election, from_file, from_main, from_door, from_http; //  in it
    uint32_t users;      //  of the door, that the service was told
    uint64_t drained_us; //  when the door was last found empty
    char endpoint[HF_HOST_MAX + 16];
} lock_actor_t;

//  ---- effects -----------------------------------------------------------------------

static void
s_send_frames (lock_actor_t *self)
{
    for (size_t i = 0; i < self->out->frames.count; i++) {
        const hf_out_frame_t *frame = &self->out->frames.list[i];
        hf_span_t bytes = hf_outbox_bytes (self->out, frame);
        if (self->args->http && hf_route_is_http (&frame->route)) {
            zmq_send (zsock_resolve (self->args->http), bytes.at, bytes.size, ZMQ_DONTWAIT);
            hf_poll_used (&self->poll, self->from_http);
            continue;
        }
        //  A client that has left or does not read loses it, and asks again.
        if (!hf_door_send (self->args->door, &frame->route, bytes.at, bytes.size))
            hf_lock_service_unsent (self->service, frame->session, &frame->route);
    }
}

/*  A line about a client says where he is. */
static void
s_locate (lock_actor_t *self)
{
    for (size_t i = 0; i < self->out->lines.count; i++) {
        hf_out_line_t *line = &self->out->lines.list[i];
        const char *address =
            line->route.size > 0 ? hf_door_address (self->args->door, &line->route) : NULL;
        if (!address)
            continue;
        size_t size = strlen (line->text) + strlen (address) + sizeof " (from )";
        char *text = hf_alloc (size);
        snprintf (text, size, "%s (from %s)", line->text, address);
        free (line->text);
        line->text = text;
    }
}

static void
s_carry_out (lock_actor_t *self)
{
    s_send_frames (self);
    s_locate (self);
    zsock_t *const pipes[] = {
        [HF_TO_ELECTION] = self->args->election, [HF_TO_FILE] = self->args->file};
    unsigned sent = hf_pipe_carry_out (pipes, self->out);
    if ((sent & 1U << HF_TO_ELECTION) != 0)
        hf_poll_used (&self->poll, self->from_election);
    if ((sent & 1U << HF_TO_FILE) != 0)
        hf_poll_used (&self->poll, self->from_file);
}

/*  The outbox in between, when much is in it. */
static void
s_carry_out_much (lock_actor_t *self)
{
    if (hf_pack_size (&self->out->frame) > OUT_BYTES)
        s_carry_out (self);
}

//  ---- the turn ------------------------------------------------------------------------

/*  The clock is read behind each message: see hf_lock_service.h. */
static void
s_drain (lock_actor_t *self, zsock_t *sock, unsigned item)
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
        hf_lock_service_from_actor (self->service, &scan, kind, hf_clock_us ());
        s_carry_out_much (self);
    }
    zmq_msg_close (&message);
}

static void
s_drain_http (lock_actor_t *self)
{
    if (!self->args->http || !hf_poll_ready (&self->poll, self->from_http))
        return;
    zmq_msg_t message;
    const hf_route_t route = hf_route_http ();
    zmq_msg_init (&message);
    while (zmq_msg_recv (&message, zsock_resolve (self->args->http), ZMQ_DONTWAIT) >= 0)
        hf_lock_service_from_client (self->service, &route,
                                     hf_span (zmq_msg_data (&message), zmq_msg_size (&message)),
                                     hf_clock_us ());
    zmq_msg_close (&message);
}

/*  Whether everything that waited was taken. When the wait has found nothing there, that is so, but
 *  for what came since: that is looked for when sessions are judged in this turn, and now and then,
 *  as an empty door also forgets what libzmq has dropped (hf_intake.h). */
static bool
s_drain_door (lock_actor_t *self)
{
    hf_route_t route;
    hf_span_t bytes;
    uint64_t now_us = hf_clock_us ();
    if (!hf_poll_ready (&self->poll, self->from_door) && now_us < self->drained_us + DOOR_US &&
        now_us < hf_lock_service_wake_us (self->service))
        return true;
    for (int i = 0; i < DRAIN_MESSAGES && !hf_lock_service_full (self->service); i++) {
        if (!hf_door_next (self->args->door, &route, &bytes)) {
            self->drained_us = now_us;
            return true;
        }
        while (self->users < route.user) {
            self->users++;
            hf_lock_service_user (self->service, self->users,
                                  hf_door_user (self->args->door, self->users));
        }
        hf_lock_service_from_client (self->service, &route, bytes, hf_clock_us ());
        s_carry_out_much (self);
    }
    return false;
}

static void
s_look_at_door (lock_actor_t *self)
{
    hf_door_tick (self->args->door, hf_clock_us ());
    char news[HF_ERROR_SIZE];
    while (hf_door_news (self->args->door, news))
        hf_report (HF_WARN, "%s", news);
    hf_door_facts_t facts = hf_door_facts (self->args->door);
    hf_lock_service_door (self->service, &(hf_lock_door_t){.dropped = facts.dropped,
                                                           .connections = facts.connections,
                                                           .refused = facts.refused,
                                                           .cut = facts.cut,
                                                           .halves = facts.halves,
                                                           .turned_away = facts.turned_away,
                                                           .received = facts.received,
                                                           .waiting = facts.waiting});
}

static void
s_turn (lock_actor_t *self)
{
    uint64_t begun_us = hf_clock_us ();
    hf_lock_service_begin (self->service, begun_us);
    s_drain (self, self->args->election, self->from_election);
    s_drain (self, self->args->file, self->from_file);
    s_drain_http (self);
    hf_lock_service_end (self->service, s_drain_door (self));
    s_carry_out (self);
    s_look_at_door (self); //  behind the answers; before the queries, which show it
    while (hf_lock_service_more (self->service) && hf_clock_us () < begun_us + QUERIES_US)
        s_carry_out_much (self);
    s_carry_out (self);
}

/*  Whether main wants it to end. */
static bool
s_hear_main (lock_actor_t *self)
{
    zmq_msg_t message;
    zmq_msg_init (&message);
    hf_scan_t scan;
    uint32_t kind;
    bool ends = false;
    while (hf_pipe_told (self->pipe, &message, &scan, &kind, &ends))
        hf_lock_service_from_actor (self->service, &scan, kind, hf_clock_us ());
    zmq_msg_close (&message);
    return ends;
}

static void
s_wait_for (lock_actor_t *self)
{
    self->from_election = hf_poll_add (&self->poll, zsock_resolve (self->args->election));
    self->from_file = hf_poll_add (&self->poll, zsock_resolve (self->args->file));
    self->from_main = hf_poll_add (&self->poll, zsock_resolve (self->pipe));
    self->from_door = hf_poll_add (&self->poll, hf_door_socket (self->args->door));
    if (self->args->http)
        self->from_http = hf_poll_add (&self->poll, zsock_resolve (self->args->http));
}

static void
s_wait (lock_actor_t *self)
{
    if (hf_door_emptied (self->args->door))
        hf_poll_emptied (&self->poll, self->from_door);
    else
        hf_poll_used (&self->poll, self->from_door);
    hf_poll_wait (&self->poll, hf_pipe_wait_ms (hf_lock_service_wake_us (self->service)));
}

static void
s_run (lock_actor_t *self)
{
    s_wait_for (self);
    s_carry_out (self); //  A_START
    do {
        hf_pulse_beat (&self->args->pulse);
        s_wait (self);
        s_turn (self);
    } while (!hf_poll_ready (&self->poll, self->from_main) || !s_hear_main (self));
}

void
hf_lock_actor (zsock_t *pipe, void *args)
{
    lock_actor_t self = {.args = args, .pipe = pipe};
    const hf_endpoint_t *own = &self.args->own;
    snprintf (self.endpoint, sizeof self.endpoint, "%s:%u", own->host, (unsigned)own->client_port);
    hf_lock_config_t config = {.self = own->id,
                               .endpoint = self.endpoint,
                               .version = HF_VERSION,
                               .connections_max = self.args->connections_max,
                               .token_floor = self.args->token_floor,
                               .user_sessions_max = self.args->user_sessions_max,
                               .user_rate = self.args->user_rate,
                               .insecure = self.args->insecure,
                               .encrypted = self.args->encrypted};
    self.service = hf_lock_service_new (&config, self.args->state, hf_clock_us ());
    self.args->state = NULL; //  the service's
    self.out = hf_lock_service_outbox (self.service);
    if (self.args->rights.size > 0)
        hf_lock_service_rights (self.service, self.args->rights);
    hf_pulse_name ("hf-lock");
    zsock_signal (pipe, 0);
    s_run (&self);
    hf_lock_service_destroy (&self.service);
    hf_door_destroy (&self.args->door);
    zsock_destroy (&self.args->election);
    zsock_destroy (&self.args->file);
    zsock_destroy (&self.args->http);
}
