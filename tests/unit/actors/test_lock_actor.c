//  The lock actor as it runs: a real zactor behind a real door. The bench of the lock service plays
//  the election and the file actor; the clock is played here.
#include "base/hf_tsan.h"
#include "tests/kit/hf_one.h"
#include "tests/unit/broker-less/test_net.h"
#include "tests/unit/services/lock_bench.h"
#include "nodes/actors/hf_actors.h"
#include "nodes/actors/hf_clock.h"
#include "nodes/actors/hf_pipe.h"
#include "broker-less/hf_poll.h"
#include <stdatomic.h>
#include <stdlib.h>

#define LIMIT_MS 20000

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

static atomic_bool s_shut;
static atomic_bool s_at_gate;

void __real_hf_poll_wait (hf_poll_t *self, long ms);
void __wrap_hf_poll_wait (hf_poll_t *self, long ms);

void
__wrap_hf_poll_wait (hf_poll_t *self, long ms)
{
    while (atomic_load (&s_shut)) {
        atomic_store (&s_at_gate, true);
        poll (NULL, 0, 1);
    }
    __real_hf_poll_wait (self, ms);
}

//  ---- the stage -----------------------------------------------------------------------

typedef struct stage {
    hf_endpoints_t list;
    hf_lock_args_t args;
    zactor_t *actor;
    zsock_t *election; //  our ends
    zsock_t *file;
    void *client;
    zmq_msg_t message; //  the last that was read
    bench_t bench;
} stage_t;

static void
s_client_send (stage_t *self)
{
    hf_pack_t *frame = &self->bench.pack;
    size_t size = hf_pack_size (frame);
    assert_int_equal (zmq_send (self->client, hf_pack_bytes (frame), size, 0), size);
    hf_pack_reset (frame);
}

/*  Play on with what the actor sent to SOCK. */
static void
s_play (stage_t *self, zsock_t *sock)
{
    hf_scan_t scan;
    uint32_t kind;
    while (hf_pipe_next (sock, &self->message, &scan, &kind))
        bench_asked (&self->bench, &scan, kind);
    for (size_t i = 0; i < self->bench.said.count; i++) {
        bench_frame_t *said = &self->bench.said.list[i];
        hf_pack_raw (&self->bench.pack, said->bytes, said->size);
        free (said->bytes);
        hf_pipe_send (self->election, &self->bench.pack);
    }
    self->bench.said.count = 0;
}

/*  Play on until the client gets a frame of KIND; its record is valid until the next call. */
static hf_scan_t
s_until (stage_t *self, uint32_t wanted)
{
    zmq_pollitem_t items[] = {
        {.socket = zsock_resolve (self->election), .events = ZMQ_POLLIN},
        {.socket = zsock_resolve (self->file), .events = ZMQ_POLLIN},
        {.socket = self->client, .events = ZMQ_POLLIN},
    };
    hf_scan_t scan;
    uint32_t kind = 0;
    while (kind != wanted) {
        assert_true (zmq_poll (items, 3, LIMIT_MS) > 0);
        s_play (self, self->election);
        s_play (self, self->file);
        if (zmq_msg_recv (&self->message, self->client, ZMQ_DONTWAIT) >= 0)
            assert_int_equal (hf_frame_open (zmq_msg_data (&self->message),
                                             zmq_msg_size (&self->message), &scan, &kind),
                              HF_OK);
    }
    return scan;
}

/*  A question and its answer: the actor has had a turn, at the time that it is now. */
static void
s_status (stage_t *self)
{
    hf_query_frame (&self->bench.pack, &(hf_query_t){.id = 1, .what = HF_WHAT_STATUS});
    s_client_send (self);
    s_until (self, HF_KIND_RESULT);
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
s_open (stage_t *self)
{
    hf_opened_t opened;
    hf_open_frame (&self->bench.pack,
                   &(hf_open_t){.nonce = hf_span ("0123456789abcdef", 16), .ttl_ms = 1000});
    s_client_send (self);
    hf_scan_t scan = s_until (self, HF_KIND_OPENED);
    assert_true (hf_opened_get (&scan, &opened));
    assert_int_equal (opened.status, HF_OK);
    return opened.session;
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
    *self = (stage_t){.list = test_endpoints ("127.0.0.1", 1), .bench.term = TERM};
    atomic_store (&s_now_us, 1000 * SECOND);
    atomic_store (&s_jump_us, 0);
    char error[HF_ERROR_SIZE];
    void *context = zsys_init ();
    hf_pack_init (&self->bench.pack);
    zmq_msg_init (&self->message);
    self->args.state = hf_state_new ();
    self->args.own = self->list.node[0];
    hf_listen_t listen = test_listen (&self->list.node[0]);
    self->args.door = hf_door_new (context, self->list.node[0].host, &listen, error);
    assert_non_null (self->args.door);
    self->election = hf_pipe_new (&self->args.election);
    self->file = hf_pipe_new (&self->args.file);
    self->client = s_connect (self);
    self->actor = zactor_new (s_actor, &self->args);
    assert_non_null (self->actor);
    hf_a_leading_frame (&self->bench.pack, &(hf_a_leading_t){.term = TERM});
    hf_pipe_send (self->election, &self->bench.pack);
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
    zmq_msg_close (&self->message);
    bench_done (&self->bench);
    assert_null (self->args.state);
}

//  ---- the tests -----------------------------------------------------------------------

/*  P9. The turn that takes a keepalive may have begun long before. */
HF_TEST (test_time_to_live_runs_from_the_taking)
{
    stage_t stage;
    s_start (&stage);
    uint64_t session = s_open (&stage);
    s_shut_gate (&stage);
    uint64_t start_us = atomic_load (&s_now_us);
    //  The turn looks at the clock, and is held up for 900 ms before it reads what woke it.
    atomic_store (&s_jump_us, 900000);
    hf_keepalive_one (&stage.bench.pack, 7, session, 0);
    s_client_send (&stage);
    atomic_store (&s_shut, false);
    hf_kept_t alive;
    uint64_t echo;
    hf_scan_t scan = s_until (&stage, HF_KIND_ALIVE);
    assert_true (hf_alive_get_one (&scan, &echo, &alive));
    assert_int_equal (alive.status, HF_OK);
    assert_int_equal (atomic_load (&s_now_us), start_us + 900000);
    atomic_store (&s_now_us, start_us + 1800000);
    s_status (&stage);
    s_status (&stage);
    assert_int_equal (stage.bench.expiries, 0);
    atomic_store (&s_now_us, start_us + 1900000);
    s_status (&stage);
    s_status (&stage);
    assert_int_equal (stage.bench.expiries, 1);
    assert_int_equal (stage.bench.steps, 1); //  a second has passed
    s_stop (&stage);
}

/*  P11. The door is never empty, and yet a dead session ends. */
HF_TEST (test_a_flood_keeps_no_dead_session_alive)
{
    stage_t stage;
    s_start (&stage);
    s_open (&stage);
    void *flood = s_connect (&stage);
    for (int round = 0; stage.bench.expiries == 0; round++) {
        assert_in_range (round, 0, 200);
        for (int i = 0; i < 20000; i++)
            zmq_send (flood, "?", 1, ZMQ_DONTWAIT);
        atomic_fetch_add (&s_now_us, SECOND / 10);
        s_play (&stage, stage.election);
    }
    zmq_close (flood);
    s_stop (&stage);
}

int
main (void)
{
    zsys_handler_set (NULL);
    return hf_test_run (NULL, NULL);
}
