/*  The lock actor as it runs: a real zactor behind a real door. The election actor, the file actor
 *  and the clock are played here. */
#include "base/hf_tsan.h"
#include "tests/unit/broker-less/test_net.h"
#include "nodes/actors/hf_actors.h"
#include "nodes/actors/hf_clock.h"
#include "nodes/actors/hf_pipe.h"
#include <stdatomic.h>
#include <ftw.h>
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
    char dir[64];
    hf_endpoints_t list;
    hf_lock_args_t args;
    zactor_t *actor;
    zsock_t *election; //  our ends
    zsock_t *file;
    void *client;
    uint64_t index;    //  of the log that is played
    unsigned expiries; //  proposed so far
    uint64_t flushed;  //  the last A_ROWS
    uint64_t section;  //  that they rest on
    unsigned steps;    //  of rows so far
    unsigned asked;    //  queries that the file actor was given
    unsigned alives;   //  ALIVE frames that came while another was waited for
    bool no_commits;   //  what is proposed stays undecided
    bool no_barriers;  //  they do not pass for now
    uint64_t barrier;  //  the last that was asked for
    hf_pack_t frame;
} stage_t;

static void
s_client_send (stage_t *self)
{
    size_t size = hf_pack_size (&self->frame);
    assert_int_equal (zmq_send (self->client, hf_pack_bytes (&self->frame), size, 0), size);
    hf_pack_reset (&self->frame);
}

/*  What was proposed is committed at once, unless nothing is for now. */
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
    if (!self->no_commits) {
        hf_a_committed_frame (
            &self->frame,
            &(hf_a_committed_t){.first = self->index + 1, .entries = hf_pack_list (&entries)});
        self->index += proposed.count;
        hf_pipe_send (self->election, &self->frame);
    }
    hf_pack_done (&entries);
}

static void
s_pass (stage_t *self)
{
    hf_a_passed_frame (&self->frame, &(hf_a_passed_t){.id = self->barrier, .index = self->index});
    hf_pipe_send (self->election, &self->frame);
}

static void
s_from_actor (stage_t *self, hf_scan_t *scan, uint32_t kind)
{
    hf_a_propose_t propose;
    hf_a_barrier_t barrier;
    hf_a_facts_t facts;
    hf_a_rows_t rows;
    if (kind == HF_KIND_A_PROPOSE && hf_a_propose_get (scan, &propose))
        s_commit (self, propose.entries);
    else if (kind == HF_KIND_A_BARRIER && hf_a_barrier_get (scan, &barrier)) {
        self->barrier = barrier.id;
        if (!self->no_barriers)
            s_pass (self);
    } else if (kind == HF_KIND_A_FACTS && hf_a_facts_get (scan, &facts)) {
        hf_a_told_frame (&self->frame, &(hf_a_told_t){.id = facts.id});
        hf_pipe_send (self->election, &self->frame);
    } else if (kind == HF_KIND_A_ROWS && hf_a_rows_get (scan, &rows)) {
        self->flushed = rows.index;
        self->section = rows.section;
        self->steps++;
    } else if (kind == HF_KIND_A_FILE_QUERY)
        self->asked++; //  and it is never answered
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
        self->alives += kind == HF_KIND_ALIVE;
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

static int
s_unlink (const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove (path);
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
    *self = (stage_t){.dir = "/tmp/hf-lock-XXXXXX", .list = test_endpoints ("127.0.0.1", 1)};
    assert_non_null (mkdtemp (self->dir));
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
    nftw (self->dir, s_unlink, 8, FTW_DEPTH | FTW_PHYS);
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
    s_stop (&stage);
}

/*  P5b, design 4.7. Once its end is proposed a session is acknowledged no more: not for a keepalive
 *  whose barrier was under way, nor for one that comes later. */
static void
test_an_ending_session_is_not_acknowledged (void **state)
{
    (void)state;
    stage_t stage;
    s_start (&stage);
    uint64_t session = s_open (&stage, 1, 1000);
    stage.no_barriers = true;
    s_keepalive (&stage, session);
    s_status (&stage);
    stage.no_commits = true;
    atomic_fetch_add (&s_now_us, SECOND);
    s_status (&stage);
    s_status (&stage);
    assert_int_equal (stage.expiries, 1);
    stage.no_barriers = false;
    s_pass (&stage);
    s_status (&stage);
    s_keepalive (&stage, session);
    s_status (&stage);
    s_status (&stage);
    assert_int_equal (stage.alives, 0);
    s_stop (&stage);
}

/*  P9. So may the turn that learns of the lead. */
static void
test_a_new_leader_gives_everybody_the_full_time (void **state)
{
    (void)state;
    stage_t stage;
    s_start (&stage);
    s_open (&stage, 1, 1000);
    hf_a_following_frame (&stage.frame, &(hf_a_following_t){.term = TERM + 1});
    hf_pipe_send (stage.election, &stage.frame);
    s_status (&stage);
    s_shut_gate (&stage);
    uint64_t start_us = atomic_load (&s_now_us);
    atomic_store (&s_jump_us, 900000);
    hf_a_leading_frame (&stage.frame, &(hf_a_leading_t){.term = TERM + 2, .index = stage.index});
    hf_pipe_send (stage.election, &stage.frame);
    atomic_store (&s_shut, false);
    s_status (&stage);
    assert_int_equal (atomic_load (&s_now_us), start_us + 900000);
    atomic_store (&s_now_us, start_us + 1800000);
    s_status (&stage);
    s_status (&stage);
    assert_int_equal (stage.expiries, 0);
    atomic_store (&s_now_us, start_us + 1900000);
    s_status (&stage);
    s_status (&stage);
    assert_int_equal (stage.expiries, 1);
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

/*  A disk that is slow to give files stops neither keepalives nor other questions' memory. */
static void
test_reads_of_files_wait_for_each_other_and_keepalives_for_none (void **state)
{
    (void)state;
    stage_t stage;
    s_start (&stage);
    uint64_t session = s_open (&stage, 1, 1000);
    for (uint32_t i = 0; i < 200; i++) {
        hf_query_frame (&stage.frame, &(hf_query_t){.id = i,
                                                    .what = HF_WHAT_READ,
                                                    .name = hf_span_text ("file"),
                                                    .limit = HF_DATA_MAX});
        s_client_send (&stage);
    }
    for (int i = 0; i < 3; i++) {
        s_keepalive (&stage, session);
        assert_int_equal (s_alive (&stage), HF_OK);
    }
    assert_int_equal (stage.asked, 64);
    s_stop (&stage);
}

static void
test_queries_do_not_shut_keepalives_out (void **state)
{
    (void)state;
    stage_t stage;
    s_start (&stage);
    uint64_t session = s_open (&stage, 1, 1000);
    zmq_msg_t message;
    hf_scan_t scan;
    hf_refused_t refused;
    zmq_msg_init (&message);
    stage.no_barriers = true;
    //  Apart, as answers beyond what the door holds for one client are dropped.
    void *client = stage.client;
    void *flood = stage.client = s_connect (&stage);
    for (uint32_t i = 0; i < 60000; i++) {
        hf_query_frame (&stage.frame, &(hf_query_t){.id = i, .what = HF_WHAT_LEADER});
        s_client_send (&stage);
    }
    s_until (&stage, HF_KIND_REFUSED, &message, &scan);
    assert_true (hf_refused_get (&scan, &refused));
    assert_int_equal (refused.status, HF_BUSY);
    stage.client = client;
    s_keepalive (&stage, session);
    s_status (&stage); //  it was taken
    stage.no_barriers = false;
    s_pass (&stage);
    assert_int_equal (s_alive (&stage), HF_OK);
    zmq_msg_close (&message);
    zmq_close (flood);
    s_stop (&stage);
}

/*  One section, released. */
static void
s_section (stage_t *self, uint64_t session)
{
    hf_span_t lock = hf_span_text ("L");
    hf_pack_t list;
    hf_pack_init (&list);
    hf_acquire_put (&list, &(hf_acquire_t){.seq = 1, .lock = lock});
    hf_append_put (&list,
                   &(hf_append_t){.seq = 2, .lock = lock, .token = 1, .file = lock, .data = lock});
    hf_release_put (&list, &(hf_release_t){.seq = 3, .lock = lock, .token = 1});
    hf_requests_frame (
        &self->frame,
        &(hf_requests_t){.session = session, .floor = 1, .requests = hf_pack_list (&list)});
    s_client_send (self);
    zmq_msg_t message;
    hf_scan_t scan;
    zmq_msg_init (&message);
    s_until (self, HF_KIND_ANSWERS, &message, &scan);
    zmq_msg_close (&message);
    hf_pack_done (&list);
}

static void
s_some_turns (stage_t *self)
{
    for (unsigned i = 0; i < 3; i++)
        s_status (self);
}

/*  Changed rows go to the file actor: no second step before the first is acknowledged. */
static void
test_one_step_of_rows_at_a_time (void **state)
{
    (void)state;
    stage_t stage;
    s_start (&stage);
    uint64_t session = s_open (&stage, 1, 600000);
    s_section (&stage, session);
    for (unsigned i = 0; i < 2; i++) {
        atomic_fetch_add (&s_now_us, 2 * SECOND);
        s_some_turns (&stage);
        assert_int_equal (stage.steps, 1);
        assert_int_equal (stage.flushed, stage.index - i);
        assert_true (stage.section > 0);
        if (i == 0)
            s_open (&stage, 2, 600000);
    }
    hf_a_flushed_frame (&stage.frame, &(hf_a_flushed_t){.index = stage.flushed});
    hf_pipe_send (stage.file, &stage.frame);
    s_some_turns (&stage);
    atomic_fetch_add (&s_now_us, 2 * SECOND);
    s_some_turns (&stage);
    assert_int_equal (stage.steps, 2);
    assert_int_equal (stage.flushed, stage.index);
    s_stop (&stage);
}

int
main (void)
{
    zsys_handler_set (NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_time_to_live_runs_from_the_taking),
        cmocka_unit_test (test_an_ending_session_is_not_acknowledged),
        cmocka_unit_test (test_a_new_leader_gives_everybody_the_full_time),
        cmocka_unit_test (test_a_flood_keeps_no_dead_session_alive),
        cmocka_unit_test (test_queries_do_not_shut_keepalives_out),
        cmocka_unit_test (test_one_step_of_rows_at_a_time),
        cmocka_unit_test (test_reads_of_files_wait_for_each_other_and_keepalives_for_none),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
