//  The lock actor as it runs: a real zactor behind a real door. The election actor, the file actor
//  and the clock are played here. What it decides is tested in tests/unit/services.
#include "base/hf_tsan.h"
#include "tests/unit/broker-less/test_net.h"
#include "nodes/actors/hf_actors.h"
#include "nodes/actors/hf_clock.h"
#include "nodes/actors/hf_pipe.h"
#include <stdatomic.h>
#include <stdlib.h>

#define LIMIT_MS 20000
#define SECOND   1000000ULL
#define TERM     3

//  ---- the clock: it stands still unless it is moved; a look at it may take time --------

static atomic_uint_fast64_t s_now_us;
static atomic_uint_fast64_t s_jump_us; //  by which it goes on behind the next look

uint64_t
hf_clock_us (void)
{
    uint64_t now_us = atomic_load (&s_now_us);
    atomic_fetch_add (&s_now_us, atomic_exchange (&s_jump_us, 0));
    return now_us;
}

//  ---- the gate: the actor waits there between two turns, when it is shut --------------

#define ACTOR_POLLS 4

static atomic_bool s_shut;
static atomic_bool s_at_gate;

int __real_zmq_poll (zmq_pollitem_t *items, int count, long limit_ms);
int __wrap_zmq_poll (zmq_pollitem_t *items, int count, long limit_ms);

int
__wrap_zmq_poll (zmq_pollitem_t *items, int count, long limit_ms)
{
    while (count == ACTOR_POLLS && atomic_load (&s_shut)) {
        atomic_store (&s_at_gate, true);
        __real_zmq_poll (NULL, 0, 1);
    }
    return __real_zmq_poll (items, count, limit_ms);
}

//  ---- the stage -----------------------------------------------------------------------

typedef struct stage {
    hf_endpoints_t list;
    hf_lock_args_t args;
    zactor_t *actor;
    zsock_t *election; //  our ends
    zsock_t *file;
    void *client;
    uint64_t index;    //  of the log that is played
    unsigned expiries; //  proposed so far
    unsigned steps;    //  of rows that the file actor was given
    hf_pack_t frame;
} stage_t;

static void
s_client_send (stage_t *self)
{
    size_t size = hf_pack_size (&self->frame);
    assert_int_equal (zmq_send (self->client, hf_pack_bytes (&self->frame), size, 0), size);
    hf_pack_reset (&self->frame);
}

/*  What was proposed is committed at once. */
static void
s_commit (stage_t *self, hf_list_t proposed)
{
    hf_pack_t entries;
    hf_pack_init (&entries);
    hf_scan_t scan = hf_scan_list (proposed);
    for (uint32_t i = 0; i < proposed.count; i++) {
        hf_entry_t entry;
        assert_true (hf_entry_get (&scan, &entry));
        hf_list_t commands;
        assert_int_equal (hf_payload_get (entry.payload, &commands), HF_OK);
        hf_scan_t command = hf_scan_list (commands);
        for (; !hf_scan_at_end (&command); hf_scan_skip (&command, 1))
            self->expiries += hf_scan_kind (&command) == HF_KIND_CMD_EXPIRE;
        entry.term = TERM;
        hf_entry_put (&entries, &entry);
    }
    hf_a_committed_frame (&self->frame, &(hf_a_committed_t){.first = self->index + 1,
                                                            .entries = hf_pack_list (&entries)});
    self->index += proposed.count;
    hf_pipe_send (self->election, &self->frame);
    hf_pack_done (&entries);
}

static void
s_from_actor (stage_t *self, hf_scan_t *scan, uint32_t kind)
{
    hf_a_propose_t propose;
    hf_a_barrier_t barrier;
    hf_a_facts_t facts;
    if (kind == HF_KIND_A_PROPOSE && hf_a_propose_get (scan, &propose))
        s_commit (self, propose.entries);
    else if (kind == HF_KIND_A_BARRIER && hf_a_barrier_get (scan, &barrier)) {
        hf_a_passed_frame (&self->frame, &(hf_a_passed_t){.id = barrier.id, .index = self->index});
        hf_pipe_send (self->election, &self->frame);
    } else if (kind == HF_KIND_A_FACTS && hf_a_facts_get (scan, &facts)) {
        hf_a_told_frame (&self->frame, &(hf_a_told_t){.id = facts.id});
        hf_pipe_send (self->election, &self->frame);
    } else
        self->steps += kind == HF_KIND_A_ROWS;
}

/*  Play on until the client gets a frame of KIND; SCAN stands at its record. */
static void
s_until (stage_t *self, uint32_t wanted, zmq_msg_t *message, hf_scan_t *scan)
{
    zmq_pollitem_t items[] = {
        {.socket = zsock_resolve (self->election), .events = ZMQ_POLLIN},
        {.socket = zsock_resolve (self->file), .events = ZMQ_POLLIN},
        {.socket = self->client, .events = ZMQ_POLLIN},
    };
    uint32_t kind;
    zmq_msg_t own;
    zmq_msg_init (&own);
    for (;;) {
        assert_true (zmq_poll (items, 3, LIMIT_MS) > 0);
        while (hf_pipe_next (self->election, &own, scan, &kind))
            s_from_actor (self, scan, kind);
        while (hf_pipe_next (self->file, &own, scan, &kind))
            s_from_actor (self, scan, kind);
        if (zmq_msg_recv (message, self->client, ZMQ_DONTWAIT) < 0)
            continue;
        assert_int_equal (
            hf_frame_open (zmq_msg_data (message), zmq_msg_size (message), scan, &kind), HF_OK);
        if (kind == wanted)
            break;
    }
    zmq_msg_close (&own);
}

/*  A question and its answer: the actor has had a turn, at the time that it is now. */
static void
s_status (stage_t *self)
{
    zmq_msg_t message;
    hf_scan_t scan;
    zmq_msg_init (&message);
    hf_query_frame (&self->frame, &(hf_query_t){.id = 1, .what = HF_WHAT_STATUS});
    s_client_send (self);
    s_until (self, HF_KIND_RESULT, &message, &scan);
    zmq_msg_close (&message);
}

/*  Let the actor end its turn and begin no other. */
static void
s_shut_gate (stage_t *self)
{
    atomic_store (&s_at_gate, false);
    atomic_store (&s_shut, true);
    zmq_send (self->client, "?", 1, 0); //  it may be asleep behind the gate
    for (int i = 0; !atomic_load (&s_at_gate); i++) {
        assert_in_range (i, 0, LIMIT_MS);
        zmq_poll (NULL, 0, 1);
    }
}

static uint64_t
s_open (stage_t *self, uint8_t mark, uint32_t ttl_ms)
{
    uint8_t nonce[HF_NONCE_SIZE] = {mark};
    zmq_msg_t message;
    hf_scan_t scan;
    hf_opened_t opened;
    zmq_msg_init (&message);
    hf_open_frame (&self->frame,
                   &(hf_open_t){.nonce = hf_span (nonce, sizeof nonce), .ttl_ms = ttl_ms});
    s_client_send (self);
    s_until (self, HF_KIND_OPENED, &message, &scan);
    assert_true (hf_opened_get (&scan, &opened));
    assert_int_equal (opened.status, HF_OK);
    zmq_msg_close (&message);
    return opened.session;
}

static void
s_keepalive (stage_t *self, uint64_t session)
{
    hf_keepalive_frame (&self->frame, &(hf_keepalive_t){.session = session, .echo = 7});
    s_client_send (self);
}

static uint32_t
s_alive (stage_t *self)
{
    zmq_msg_t message;
    hf_scan_t scan;
    hf_alive_t alive;
    zmq_msg_init (&message);
    s_until (self, HF_KIND_ALIVE, &message, &scan);
    assert_true (hf_alive_get (&scan, &alive));
    zmq_msg_close (&message);
    return alive.status;
}

static void
s_actor (zsock_t *pipe, void *args)
{
    hf_lock_actor (pipe, args);
    HF_TSAN_GIVE (args);
}

/*  A client that queues without a limit, on both ways. */
static void *
s_connect (const stage_t *self)
{
    void *client = zmq_socket (zsys_init (), ZMQ_DEALER);
    int zero = 0;
    char address[64];
    zmq_setsockopt (client, ZMQ_LINGER, &zero, sizeof zero);
    zmq_setsockopt (client, ZMQ_SNDHWM, &zero, sizeof zero);
    zmq_setsockopt (client, ZMQ_RCVHWM, &zero, sizeof zero);
    snprintf (address, sizeof address, "tcp://127.0.0.1:%u", self->list.node[0].client_port);
    assert_int_equal (zmq_connect (client, address), 0);
    return client;
}

static void
s_start (stage_t *self)
{
    *self = (stage_t){.list = test_endpoints ("127.0.0.1", 1)};
    atomic_store (&s_now_us, 1000 * SECOND);
    atomic_store (&s_jump_us, 0);
    char error[HF_ERROR_SIZE];
    void *context = zsys_init ();
    hf_pack_init (&self->frame);
    self->args.state = hf_state_new ();
    self->args.endpoints = self->list;
    self->args.self = 1;
    self->args.door = hf_door_new (context, &self->list.node[0], error);
    assert_non_null (self->args.door);
    self->election = hf_pipe_new (&self->args.election);
    self->file = hf_pipe_new (&self->args.file);
    self->client = s_connect (self);
    self->actor = zactor_new (s_actor, &self->args);
    assert_non_null (self->actor);
    hf_a_leading_frame (&self->frame, &(hf_a_leading_t){.term = TERM});
    hf_pipe_send (self->election, &self->frame);
    s_status (self);
}

static void
s_stop (stage_t *self)
{
    zactor_destroy (&self->actor);
    HF_TSAN_TAKE (&self->args);
    assert_null (self->args.door);
    zmq_close (self->client);
    zsock_destroy (&self->election);
    zsock_destroy (&self->file);
    hf_pack_done (&self->frame);
    assert_null (self->args.state);
}

//  ---- the tests -----------------------------------------------------------------------

/*  P9. The turn that takes a keepalive may have begun long before. */
static void
test_time_to_live_runs_from_the_taking (void **state)
{
    (void)state;
    stage_t stage;
    s_start (&stage);
    uint64_t session = s_open (&stage, 1, 1000);
    s_shut_gate (&stage);
    uint64_t start_us = atomic_load (&s_now_us);
    //  The turn looks at the clock, and is held up for 900 ms before it reads what woke it.
    atomic_store (&s_jump_us, 900000);
    s_keepalive (&stage, session);
    atomic_store (&s_shut, false);
    assert_int_equal (s_alive (&stage), HF_OK);
    assert_int_equal (atomic_load (&s_now_us), start_us + 900000);
    atomic_store (&s_now_us, start_us + 1800000);
    s_status (&stage);
    s_status (&stage);
    assert_int_equal (stage.expiries, 0);
    atomic_store (&s_now_us, start_us + 1900000);
    s_status (&stage);
    s_status (&stage);
    assert_int_equal (stage.expiries, 1);
    assert_int_equal (stage.steps, 1); //  a second has passed
    s_stop (&stage);
}

/*  P11. The door is never empty, and yet a dead session ends. */
static void
test_a_flood_keeps_no_dead_session_alive (void **state)
{
    (void)state;
    stage_t stage;
    s_start (&stage);
    s_open (&stage, 1, 1000);
    void *flood = s_connect (&stage);
    zmq_msg_t own;
    zmq_msg_init (&own);
    for (int round = 0; stage.expiries == 0; round++) {
        assert_in_range (round, 0, 200);
        for (int i = 0; i < 20000; i++)
            zmq_send (flood, "?", 1, ZMQ_DONTWAIT);
        atomic_fetch_add (&s_now_us, SECOND / 10);
        hf_scan_t scan;
        uint32_t kind;
        while (hf_pipe_next (stage.election, &own, &scan, &kind))
            s_from_actor (&stage, &scan, kind);
    }
    zmq_msg_close (&own);
    zmq_close (flood);
    s_stop (&stage);
}

int
main (void)
{
    zsys_handler_set (NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_time_to_live_runs_from_the_taking),
        cmocka_unit_test (test_a_flood_keeps_no_dead_session_alive),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
