/*  The election actor as it runs: a real zactor with a real log, between two peers that are played
 *  here and a lock actor that is played here. */
#include "base/hf_tsan.h"
#include "tests/unit/broker-less/test_net.h"
#include "nodes/actors/hf_actors.h"
#include "nodes/actors/hf_clock.h"
#include "nodes/actors/hf_pipe.h"
#include <ftw.h>
#include <stdlib.h>

#define PEERS    2
#define LIMIT_US 20000000

typedef struct stage {
    char dir[64];
    hf_election_args_t args;
    zactor_t *actor;
    zsock_t *lock;          //  our end
    zsock_t *file;          //  likewise
    hf_mesh_t *peer[PEERS]; //  nodes 1 and 3; the actor is node 2
    uint64_t last[PEERS];   //  of the log that they pretend to have
    uint64_t leads;         //  the term that the actor leads
    uint64_t committed;
    unsigned transfers; //  seen by the peers
    size_t largest;     //  frame seen by them
} stage_t;

static int
s_unlink (const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove (path);
}

static void
s_actor (zsock_t *pipe, void *args)
{
    hf_election_actor (pipe, args);
    HF_TSAN_GIVE (args);
}

static void
s_start (stage_t *self)
{
    *self = (stage_t){.dir = "/tmp/hf-election-XXXXXX"};
    char error[HF_ERROR_SIZE];
    assert_non_null (mkdtemp (self->dir));
    hf_endpoints_t list = test_endpoints ("127.0.0.1", 3);
    void *context = zsys_init ();
    hf_core_config_t *config = &self->args.config.core;
    hf_core_config_defaults (config);
    config->self = 2;
    config->members_count = 3;
    for (uint32_t i = 0; i < 3; i++)
        config->members[i] = i + 1;
    config->prefer_lowest = false;
    config->election_us = 1000000;
    self->args.store = hf_log_store_open (self->dir, error);
    assert_non_null (self->args.store);
    self->args.mesh = hf_mesh_new (context, &list, 2, error);
    assert_non_null (self->args.mesh);
    for (uint32_t i = 0; i < PEERS; i++) {
        self->peer[i] = hf_mesh_new (context, &list, 2 * i + 1, error);
        assert_non_null (self->peer[i]);
    }
    self->lock = hf_pipe_new (&self->args.lock);
    self->file = hf_pipe_new (&self->args.file);
    self->actor = zactor_new (s_actor, &self->args);
    assert_non_null (self->actor);
    hf_pack_t frame;
    hf_pack_init (&frame);
    hf_a_start_frame (&frame, &(hf_a_start_t){.applied = 0});
    hf_pipe_send (self->lock, &frame);
    hf_pack_done (&frame);
}

static void
s_stop (stage_t *self)
{
    zactor_destroy (&self->actor);
    HF_TSAN_TAKE (&self->args);
    assert_null (self->args.store); //  the actor has destroyed what it owned
    for (uint32_t i = 0; i < PEERS; i++)
        hf_mesh_destroy (&self->peer[i]);
    zsock_destroy (&self->lock);
    zsock_destroy (&self->file);
    nftw (self->dir, s_unlink, 8, FTW_DEPTH | FTW_PHYS);
}

//  ---- the peers: they vote for whoever asks, and have what they are sent ----------

static void
s_ack (stage_t *self, uint32_t i, uint64_t term, uint64_t round, hf_pack_t *frame)
{
    hf_ack_frame (frame, &(hf_ack_t){.from = 2 * i + 1,
                                     .to = 2,
                                     .term = term,
                                     .index = self->last[i],
                                     .round = round,
                                     .hears = 7,
                                     .incarnation = i + 1});
}

static void
s_peer_frame (stage_t *self, uint32_t i, hf_span_t bytes)
{
    hf_scan_t scan;
    uint32_t kind;
    hf_pack_t frame;
    hf_pack_init (&frame);
    assert_int_equal (hf_frame_open (bytes.at, bytes.size, &scan, &kind), HF_OK);
    self->largest = bytes.size > self->largest ? bytes.size : self->largest;
    hf_vote_request_t request;
    hf_heartbeat_t beat;
    hf_entries_t entries;
    if (kind == HF_KIND_VOTE_REQUEST && hf_vote_request_get (&scan, &request)) {
        hf_vote_frame (&frame, &(hf_vote_t){.from = 2 * i + 1,
                                            .to = request.from,
                                            .term = request.term,
                                            .pre = request.pre,
                                            .granted = true,
                                            .incarnation = i + 1});
    } else if (kind == HF_KIND_HEARTBEAT && hf_heartbeat_get (&scan, &beat)) {
        s_ack (self, i, beat.term, beat.round, &frame);
    } else if (kind == HF_KIND_ENTRIES && hf_entries_get (&scan, &entries)) {
        if (entries.prev_index == self->last[i])
            self->last[i] += entries.entries.count;
        s_ack (self, i, entries.term, 0, &frame);
    } else if (kind == HF_KIND_TRANSFER)
        self->transfers++;
    if (hf_pack_size (&frame) > 0)
        hf_mesh_send (self->peer[i], 2, hf_pack_bytes (&frame), hf_pack_size (&frame));
    hf_pack_done (&frame);
}

static void
s_lock_frame (stage_t *self, hf_scan_t *scan, uint32_t kind)
{
    hf_a_leading_t leading;
    hf_a_committed_t committed;
    if (kind == HF_KIND_A_LEADING && hf_a_leading_get (scan, &leading))
        self->leads = leading.term;
    else if (kind == HF_KIND_A_FOLLOWING)
        self->leads = 0;
    else if (kind == HF_KIND_A_COMMITTED && hf_a_committed_get (scan, &committed)) {
        assert_int_equal (committed.first, self->committed + 1);
        self->committed += committed.entries.count;
    }
}

/*  One turn of everybody who is played here. */
static void
s_turn (stage_t *self)
{
    hf_mesh_event_t event;
    zmq_pollitem_t items[1 + PEERS] = {
        {.socket = zsock_resolve (self->lock), .events = ZMQ_POLLIN}};
    for (uint32_t i = 0; i < PEERS; i++) {
        void *sockets[HF_MESH_SOCKETS];
        hf_mesh_sockets (self->peer[i], sockets);
        items[1 + i] = (zmq_pollitem_t){.socket = sockets[0], .events = ZMQ_POLLIN};
    }
    zmq_poll (items, 1 + PEERS, 10);
    for (uint32_t i = 0; i < PEERS; i++) {
        while (hf_mesh_next (self->peer[i], hf_clock_us (), &event) != HF_MESH_NONE)
            if (event.type == HF_MESH_FRAME)
                s_peer_frame (self, i, event.bytes);
        hf_mesh_tick (self->peer[i], hf_clock_us ());
    }
    zmq_msg_t message;
    zmq_msg_init (&message);
    hf_scan_t scan;
    uint32_t kind;
    while (hf_pipe_next (self->lock, &message, &scan, &kind))
        s_lock_frame (self, &scan, kind);
    zmq_msg_close (&message);
}

#define WAIT_FOR(stage, condition)                                                                 \
    do {                                                                                           \
        uint64_t until_us = hf_clock_us () + LIMIT_US;                                             \
        while (!(condition)) {                                                                     \
            assert_true (hf_clock_us () < until_us);                                               \
            s_turn (stage);                                                                        \
        }                                                                                          \
    } while (0)

//  ---- the tests ---------------------------------------------------------------------

static void
s_propose (stage_t *self, uint32_t count, uint32_t size)
{
    uint8_t *bytes = calloc (1, size);
    assert_non_null (bytes);
    hf_pack_t entries, frame;
    hf_pack_init (&entries);
    hf_pack_init (&frame);
    for (uint32_t i = 0; i < count; i++)
        hf_entry_put (&entries, &(hf_entry_t){.payload = hf_span (bytes, size)});
    hf_a_propose_frame (&frame, &(hf_a_propose_t){.entries = hf_pack_list (&entries)});
    hf_pipe_send (self->lock, &frame);
    hf_pack_done (&entries);
    hf_pack_done (&frame);
    free (bytes);
}

static void
test_what_was_held_back_leaves_in_frames_that_fit (void **state)
{
    (void)state;
    stage_t stage;
    s_start (&stage);
    WAIT_FOR (&stage, stage.leads != 0);
    uint64_t before = stage.committed;
    //  The lead is offered to a peer that does not take it; meanwhile more is proposed than one
    //  frame between nodes may carry.
    zstr_send (stage.actor, "HANDOVER");
    WAIT_FOR (&stage, stage.transfers > 0);
    s_propose (&stage, 24, 300000);
    WAIT_FOR (&stage, stage.committed == before + 24);
    assert_true (stage.largest <= HF_FRAME_MAX);
    s_stop (&stage);
}

int
main (void)
{
    zsys_handler_set (NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_what_was_held_back_leaves_in_frames_that_fit),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
