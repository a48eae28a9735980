/*  Both ends of a state transfer against each other: the election actors, the lock actor and the
 *  network are played here, and the network loses, repeats and forgets. */
#include "tests/unit/broker-less/test_net.h"
#include "nodes/actors/hf_pipe.h"
#include "nodes/actors/hf_takeover.h"
#include "nodes/store/hf_install.h"
#include <ftw.h>
#include <stdlib.h>

#define SECOND 1000000ULL
#define TERM   7
#define INDEX  4000
#define LARGE  (3U << 20) //  bytes of the large file: several windows

typedef struct end {
    char dir[64];
    hf_file_args_t args;
    zsock_t *lock, *election, *main; //  our ends of its pipes
    zsock_t *to_main;
    hf_takeover_t *takeover;
} end_t;

typedef struct stage {
    end_t leader, follower; //  nodes 1 and 3
    uint64_t now_us;
    uint64_t random;
    unsigned loss;      //  of a hundred frames between them
    unsigned snapshots; //  asked of the leader's lock actor
    hf_pack_t frame;
    uint8_t *large;
} stage_t;

static int
s_unlink (const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove (path);
}

static void
s_end_start (end_t *self, uint32_t id)
{
    char error[HF_ERROR_SIZE];
    *self = (end_t){.dir = "/tmp/hf-takeover-XXXXXX", .args.self = id};
    assert_non_null (mkdtemp (self->dir));
    self->args.store = hf_file_store_open (self->dir, error);
    assert_non_null (self->args.store);
    self->args.dir = self->dir;
    self->lock = hf_pipe_new (&self->args.lock);
    self->election = hf_pipe_new (&self->args.election);
    self->main = hf_pipe_new (&self->to_main);
    self->takeover = hf_takeover_new (&self->args, self->to_main);
}

static void
s_end_close (end_t *self)
{
    hf_takeover_destroy (&self->takeover);
    hf_file_store_close (&self->args.store);
    zsock_destroy (&self->lock);
    zsock_destroy (&self->election);
    zsock_destroy (&self->main);
    zsock_destroy (&self->to_main);
    zsock_destroy (&self->args.lock);
    zsock_destroy (&self->args.election);
}

static void
s_append (end_t *self, uint64_t index, const char *file, hf_span_t data)
{
    hf_pack_t parts;
    hf_pack_init (&parts);
    hf_a_part_put (&parts, &(hf_a_part_t){.file = hf_span_text (file), .data = data});
    assert_int_equal (hf_file_store_section (self->args.store, index, hf_pack_list (&parts)), 0);
    assert_int_equal (hf_file_store_commit (self->args.store), 0);
    hf_pack_done (&parts);
}

static void
s_start (stage_t *self, unsigned loss)
{
    *self = (stage_t){.now_us = SECOND, .random = 88172645463325252ULL, .loss = loss};
    hf_pack_init (&self->frame);
    s_end_start (&self->leader, 1);
    s_end_start (&self->follower, 3);
    self->large = malloc (LARGE);
    assert_non_null (self->large);
    for (size_t i = 0; i < LARGE; i++)
        self->large[i] = (uint8_t)test_random (&self->random);
    s_append (&self->leader, 10, "large", hf_span (self->large, LARGE));
    s_append (&self->leader, 11, "small", hf_span_text ("A"));
    s_append (&self->leader, 12, "empty", hf_span_text (""));
    s_append (&self->follower, 3, "old", hf_span_text ("what it had before"));
}

static void
s_stop (stage_t *self)
{
    s_end_close (&self->leader);
    s_end_close (&self->follower);
    nftw (self->leader.dir, s_unlink, 8, FTW_DEPTH | FTW_PHYS);
    nftw (self->follower.dir, s_unlink, 8, FTW_DEPTH | FTW_PHYS);
    hf_pack_done (&self->frame);
    free (self->large);
}

/*  Bring FRAME, of our own making, to an end's takeover, as its election actor would. */
static void
s_give (stage_t *self, end_t *end, zmq_msg_t *message)
{
    hf_scan_t scan;
    uint32_t kind;
    assert_int_equal (hf_frame_open (zmq_msg_data (message), zmq_msg_size (message), &scan, &kind),
                      HF_OK);
    hf_takeover_from_election (end->takeover, &scan, kind, self->now_us);
}

static void
s_needs (stage_t *self, uint32_t leader, uint64_t term)
{
    hf_pack_reset (&self->frame);
    hf_a_needs_state_frame (&self->frame, &(hf_a_needs_state_t){.leader = leader, .term = term});
    hf_scan_t scan;
    uint32_t kind;
    assert_int_equal (
        hf_frame_open (hf_pack_bytes (&self->frame), hf_pack_size (&self->frame), &scan, &kind),
        HF_OK);
    hf_takeover_from_election (self->follower.takeover, &scan, kind, self->now_us);
}

/*  All that FROM has for its peers, over a bad network. Gives whether there was anything. */
static bool
s_carry (stage_t *self, end_t *from, end_t *to)
{
    zmq_msg_t message;
    zmq_msg_init (&message);
    hf_scan_t scan;
    uint32_t kind;
    bool any = false;
    while (hf_pipe_next (from->election, &message, &scan, &kind)) {
        any = true;
        if (test_random (&self->random) % 100 < self->loss)
            continue;
        s_give (self, to, &message);
        if (test_random (&self->random) % 100 < self->loss)
            s_give (self, to, &message);
    }
    zmq_msg_close (&message);
    return any;
}

/*  The leader's lock actor: a snapshot without any rows. */
static bool
s_play_lock (stage_t *self)
{
    zmq_msg_t message;
    zmq_msg_init (&message);
    hf_scan_t scan;
    uint32_t kind;
    hf_a_want_state_t want;
    bool asked = hf_pipe_next (self->leader.lock, &message, &scan, &kind);
    if (asked) {
        assert_int_equal (kind, HF_KIND_A_WANT_STATE);
        assert_true (hf_a_want_state_get (&scan, &want));
        assert_int_equal (want.node, 3);
        self->snapshots++;
        hf_a_snapshot_t snapshot = {
            .node = 3, .index = INDEX, .term = TERM - 1, .section = 12, .rows = {.count = 0}};
        hf_takeover_snapshot (self->leader.takeover, &snapshot, self->now_us);
    }
    zmq_msg_close (&message);
    return asked;
}

/*  Until nothing moves any more; then the clock goes on by a little. */
static void
s_turn (stage_t *self)
{
    bool moved = true;
    while (moved) {
        moved = s_carry (self, &self->follower, &self->leader);
        moved = s_play_lock (self) || moved;
        moved = s_carry (self, &self->leader, &self->follower) || moved;
    }
    self->now_us += SECOND / 10;
    hf_takeover_tick (self->follower.takeover, self->now_us);
    hf_takeover_tick (self->leader.takeover, self->now_us);
}

static bool
s_told_main (stage_t *self)
{
    zmq_msg_t message;
    zmq_msg_init (&message);
    hf_scan_t scan;
    uint32_t kind = 0;
    bool told = hf_pipe_next (self->follower.main, &message, &scan, &kind);
    zmq_msg_close (&message);
    assert_true (!told || kind == HF_KIND_A_RESTART);
    return told;
}

static void
s_until_told (stage_t *self)
{
    for (unsigned turns = 0; !s_told_main (self); turns++) {
        assert_true (turns < 2000);
        s_turn (self);
    }
}

static void
s_expect_file (end_t *self, const char *file, hf_span_t content)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    uint64_t total = 0;
    for (uint64_t at = 0; at < content.size || at == 0; at += HF_DATA_MAX) {
        assert_int_equal (hf_file_store_read (self->args.store, hf_span_text (file), at,
                                              HF_DATA_MAX, &bytes, &size, &total),
                          HF_OK);
        assert_int_equal (total, content.size);
        assert_memory_equal (bytes, content.at + at, size);
        free (bytes);
    }
}

/*  What the next start does. */
static void
s_expect_swapped (stage_t *self)
{
    end_t *end = &self->follower;
    s_end_close (end);
    char error[HF_ERROR_SIZE] = "";
    uint64_t index = 0;
    assert_int_equal (hf_install_pending (end->dir, &index, error), 1);
    assert_int_equal (index, INDEX);
    assert_int_equal (hf_install_pending (end->dir, &index, error), 0);
    hf_log_store_t *log = hf_log_store_open (end->dir, error);
    assert_non_null (log);
    assert_int_equal (hf_log_store_first_index (log), INDEX + 1);
    assert_int_equal (hf_log_store_base_term (log), TERM - 1);
    hf_log_store_close (&log);
    end->args.store = hf_file_store_open (end->dir, error);
    assert_non_null (end->args.store);
    assert_int_equal (hf_file_store_applied (end->args.store), 12);
    s_expect_file (end, "large", hf_span (self->large, LARGE));
    s_expect_file (end, "small", hf_span_text ("A"));
    uint8_t *bytes;
    size_t size;
    uint64_t total;
    assert_int_equal (
        hf_file_store_read (end->args.store, hf_span_text ("old"), 0, 10, &bytes, &size, &total),
        HF_NOT_FOUND);
}

//  ---- the tests ---------------------------------------------------------------

static void
test_the_whole_state_is_taken_over (void **state)
{
    (void)state;
    stage_t stage;
    s_start (&stage, 0);
    s_needs (&stage, 1, TERM);
    s_until_told (&stage);
    assert_int_equal (stage.snapshots, 1);
    s_expect_swapped (&stage);
    s_stop (&stage);
}

static void
test_what_is_lost_is_asked_for_again (void **state)
{
    (void)state;
    stage_t stage;
    s_start (&stage, 20);
    s_needs (&stage, 1, TERM);
    s_until_told (&stage);
    s_expect_swapped (&stage);
    s_stop (&stage);
}

/*  The leader goes on while the state is sent: files that grow stay as they were in the stream. */
static void
test_the_stream_is_as_of_one_index (void **state)
{
    (void)state;
    stage_t stage;
    s_start (&stage, 10);
    s_needs (&stage, 1, TERM);
    s_turn (&stage);
    s_append (&stage.leader, 13, "small", hf_span_text ("later"));
    s_append (&stage.leader, 14, "new", hf_span_text ("later"));
    s_until_told (&stage);
    s_expect_swapped (&stage);
    s_stop (&stage);
}

/*  Another term, another leader: what was received of the old one is dropped. */
static void
test_another_leader_begins_from_the_start (void **state)
{
    (void)state;
    stage_t stage;
    s_start (&stage, 30);
    s_needs (&stage, 1, TERM);
    s_turn (&stage);
    s_needs (&stage, 0, TERM + 1);
    s_turn (&stage);
    assert_false (s_told_main (&stage));
    s_needs (&stage, 1, TERM + 1);
    s_until_told (&stage);
    s_expect_swapped (&stage);
    s_stop (&stage);
}

/*  A sender that has forgotten the stream begins another one, and the receiver goes along. */
static void
test_a_sender_that_forgot_begins_again (void **state)
{
    (void)state;
    stage_t stage;
    s_start (&stage, 30);
    s_needs (&stage, 1, TERM);
    s_turn (&stage);
    hf_takeover_destroy (&stage.leader.takeover);
    stage.leader.takeover = hf_takeover_new (&stage.leader.args, stage.leader.to_main);
    s_until_told (&stage);
    assert_int_equal (stage.snapshots, 2);
    s_expect_swapped (&stage);
    s_stop (&stage);
}

/*  A size that no stream can have comes from a peer: it is dropped, and the node goes on. */
static void
test_a_size_that_cannot_be_is_dropped (void **state)
{
    (void)state;
    static const uint64_t totals[] = {1, 8, UINT64_MAX};
    stage_t stage;
    s_start (&stage, 0);
    s_needs (&stage, 1, TERM);
    for (unsigned i = 0; i < 3; i++) {
        hf_state_part_t part = {.from = 1,
                                .to = 3,
                                .term = TERM,
                                .id = 5,
                                .index = INDEX,
                                .index_term = TERM,
                                .total = totals[i],
                                .data = hf_span_text ("x")};
        hf_pack_reset (&stage.frame);
        hf_state_part_frame (&stage.frame, &part);
        hf_scan_t scan;
        uint32_t kind;
        assert_int_equal (
            hf_frame_open (hf_pack_bytes (&stage.frame), hf_pack_size (&stage.frame), &scan, &kind),
            HF_OK);
        hf_takeover_from_election (stage.follower.takeover, &scan, kind, stage.now_us);
    }
    s_until_told (&stage);
    s_expect_swapped (&stage);
    s_stop (&stage);
}

int
main (void)
{
    zsys_handler_set (NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_the_whole_state_is_taken_over),
        cmocka_unit_test (test_what_is_lost_is_asked_for_again),
        cmocka_unit_test (test_the_stream_is_as_of_one_index),
        cmocka_unit_test (test_another_leader_begins_from_the_start),
        cmocka_unit_test (test_a_sender_that_forgot_begins_again),
        cmocka_unit_test (test_a_size_that_cannot_be_is_dropped),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
