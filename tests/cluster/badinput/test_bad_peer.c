//  Something else stands where node 3 should: it speaks the nodes' protocol badly, or not at all.

#include "base/hf_hash.h"
#include "tests/cluster/badinput/bad_bytes.h"
#include "tests/cluster/badinput/siege.h"
#include "tests/cluster/badinput/tcp.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#define IMPOSTOR 3

//  ---- a node made by hand ----------------------------------------------------------------

typedef struct impostor {
    siege_t *siege;
    void *context;
    void *pub;
    uint64_t sent; //  messages that must all be dropped
} impostor_t;

static int
s_setup (void **state)
{
    *state = siege_new (3, 2);
    return 0;
}

static int
s_teardown (void **state)
{
    siege_t *siege = *state;
    siege_destroy (&siege);
    return 0;
}

static void
s_publish (impostor_t *self, const void *topic, size_t topic_size, const void *bytes, size_t size)
{
    int rc = zmq_send (self->pub, topic, topic_size, ZMQ_SNDMORE);
    assert_true (rc >= 0);
    rc = zmq_send (self->pub, bytes, size, 0);
    assert_true (rc >= 0);
    self->sent++;
}

/*  To everybody, under the right topic. */
static void
s_say (impostor_t *self, const void *bytes, size_t size)
{
    s_publish (self, "HF\0\0", 4, bytes, size);
}

static void
s_say_pack (impostor_t *self, hf_pack_t *pack)
{
    s_say (self, hf_pack_bytes (pack), hf_pack_size (pack));
    hf_pack_reset (pack);
}

static void
s_put_hello (hf_pack_t *pack, const char *list)
{
    hf_hello_frame (pack, &(hf_hello_t){.from = IMPOSTOR,
                                        .nonce = 42,
                                        .list_hash = hf_hash (0, list, strlen (list)),
                                        .list = hf_span_text (list)});
}

typedef struct hello_wait {
    impostor_t *impostor;
    uint64_t dropped;
} hello_wait_t;

/*  Say something wrong until it is seen to arrive: then all that follows arrives too. */
static bool
s_is_heard (void *arg)
{
    hello_wait_t *wait = arg;
    s_say (wait->impostor, "x", 1);
    return siege_dropped (wait->impostor->siege) > wait->dropped;
}

/*  Both nodes connect, and trust it from its HELLO on. */
static impostor_t
s_impostor (siege_t *siege)
{
    impostor_t self = {.siege = siege, .context = zmq_ctx_new ()};
    self.pub = zmq_socket (self.context, ZMQ_PUB);
    int none = 0;
    zmq_setsockopt (self.pub, ZMQ_SNDHWM, &none, sizeof none);
    zmq_setsockopt (self.pub, ZMQ_LINGER, &none, sizeof none);
    char address[64];
    snprintf (address, sizeof address, "tcp://127.0.0.1:%u",
              hf_cluster_node_port (siege->cluster, IMPOSTOR));
    assert_int_equal (zmq_bind (self.pub, address), 0);
    hello_wait_t wait = {.impostor = &self, .dropped = siege_dropped (siege)};
    assert_true (hf_wait_for (s_is_heard, &wait, HF_CLUSTER_LIMIT_MS));
    hf_pack_t pack;
    hf_pack_init (&pack);
    s_put_hello (&pack, hf_cluster_endpoints (siege->cluster));
    s_say_pack (&self, &pack);
    hf_pack_done (&pack);
    self.sent = 0;
    return self;
}

static void
s_go_away (impostor_t *self)
{
    zmq_close (self->pub);
    zmq_ctx_term (self->context);
}

typedef struct drop_wait {
    siege_t *siege;
    uint64_t dropped;
} drop_wait_t;

static bool
s_are_dropped (void *arg)
{
    drop_wait_t *wait = arg;
    return siege_dropped (wait->siege) >= wait->dropped;
}

/*  The impostor has said its say: all of it was dropped, and nothing came of it. */
static void
s_end (impostor_t *self, uint64_t dropped_before)
{
    drop_wait_t wait = {.siege = self->siege, .dropped = dropped_before + self->sent};
    if (!hf_wait_for (s_are_dropped, &wait, HF_CLUSTER_LIMIT_MS))
        fail_msg ("of %llu messages %llu were dropped and counted", (unsigned long long)self->sent,
                  (unsigned long long)(siege_dropped (self->siege) - dropped_before));
    siege_must_be_untouched (self->siege);
    s_go_away (self);
    siege_end (self->siege); //  starts the real node 3, which must be let in
}

//  ---- the tests ----------------------------------------------------------------------------

static void
test_garbage_from_a_peer (void **state)
{
    siege_begin (*state);
    impostor_t impostor = s_impostor (*state);
    uint64_t dropped = siege_dropped (*state);
    hf_random_t random = {.state = 11};
    for (unsigned i = 0; i < 1000; i++) {
        uint8_t bytes[2048];
        size_t size = 1 + hf_random_u32 (&random, sizeof bytes);
        bad_fill (&random, bytes, size);
        s_say (&impostor, bytes, size);
    }
    hf_pack_t pack;
    hf_pack_init (&pack);
    for (unsigned i = 0; i < 1000; i++) {
        bad_frame (&pack, &random, 120 + hf_random_u32 (&random, 130), IMPOSTOR);
        s_say_pack (&impostor, &pack);
    }
    for (unsigned i = 0; bad_promise (&pack, i); i++)
        s_say_pack (&impostor, &pack);
    hf_pack_done (&pack);
    s_end (&impostor, dropped);
}

static void
test_truncated_from_a_peer (void **state)
{
    siege_begin (*state);
    impostor_t impostor = s_impostor (*state);
    uint64_t dropped = siege_dropped (*state);
    hf_pack_t frames[BAD_PEER_FRAMES];
    bad_peer_frames (frames, IMPOSTOR);
    for (unsigned i = 0; i < BAD_PEER_FRAMES; i++) {
        for (size_t size = 0; size < hf_pack_size (&frames[i]); size++)
            s_say (&impostor, hf_pack_bytes (&frames[i]), size);
        hf_pack_done (&frames[i]);
    }
    hf_pack_t hello;
    hf_pack_init (&hello);
    s_put_hello (&hello, hf_cluster_endpoints (((siege_t *)*state)->cluster));
    for (size_t size = 0; size < hf_pack_size (&hello); size++)
        s_say (&impostor, hf_pack_bytes (&hello), size);
    hf_pack_done (&hello);
    s_end (&impostor, dropped);
}

//  Whole messages, and of a high term, but from nobody who may say that.
static void
test_from_nobody (void **state)
{
    siege_begin (*state);
    impostor_t impostor = s_impostor (*state);
    uint64_t dropped = siege_dropped (*state);
    static const uint32_t nobodies[] = {0, 4, 65535, 65536 + IMPOSTOR, UINT32_MAX};
    for (size_t i = 0; i < sizeof nobodies / sizeof nobodies[0]; i++) {
        hf_pack_t frames[BAD_PEER_FRAMES];
        bad_peer_frames (frames, nobodies[i]);
        for (unsigned j = 0; j < BAD_PEER_FRAMES; j++) {
            s_say_pack (&impostor, &frames[j]);
            hf_pack_done (&frames[j]);
        }
    }
    s_end (&impostor, dropped);
}

//  One that plays a second leader of the term, with entries that are none: nobody falls for it.
static void
test_second_leader_of_the_term (void **state)
{
    siege_t *siege = *state;
    siege_begin (siege);
    impostor_t impostor = s_impostor (siege);
    uint64_t dropped = siege_dropped (siege);
    hf_pack_t entries, pack;
    hf_pack_init (&entries);
    hf_pack_init (&pack);
    hf_random_t random = {.state = 13};
    hf_entries_t message = {.from = IMPOSTOR,
                            .term = siege->before.term,
                            .prev_index = siege->before.last_index,
                            .prev_term = siege->before.term};
    for (unsigned i = 0; i < 200; i++) {
        hf_pack_reset (&entries);
        msgpack_pack_nil (&entries.packer);
        bad_value (&entries, &random, 4);
        entries.count = 2;
        message.entries = hf_pack_list (&entries);
        hf_entries_frame (&pack, &message);
        s_say_pack (&impostor, &pack);
        hf_heartbeat_frame (&pack, &(hf_heartbeat_t){.from = IMPOSTOR,
                                                     .term = message.term,
                                                     .round = i,
                                                     .commit = message.prev_index,
                                                     .last_index = message.prev_index,
                                                     .last_term = message.term});
        s_say_pack (&impostor, &pack);
        hf_ack_frame (&pack, &(hf_ack_t){.from = IMPOSTOR,
                                         .term = message.term,
                                         .index = 1ULL << 40,
                                         .round = 1ULL << 40});
        s_say_pack (&impostor, &pack);
        hf_vote_frame (&pack,
                       &(hf_vote_t){.from = IMPOSTOR, .term = message.term, .granted = true});
        s_say_pack (&impostor, &pack);
    }
    hf_pack_done (&entries);
    hf_pack_done (&pack);
    s_say (&impostor, "x", 1); //  when this one was dropped, those before were heard
    impostor.sent = 1;
    s_end (&impostor, dropped);
}

//  Messages of the wrong shape: topics that only begin well, one part, many parts, too much.
static void
test_wrong_shapes (void **state)
{
    siege_begin (*state);
    impostor_t impostor = s_impostor (*state);
    uint64_t dropped = siege_dropped (*state);
    hf_pack_t frames[BAD_PEER_FRAMES];
    bad_peer_frames (frames, IMPOSTOR);
    for (unsigned i = 0; i < BAD_PEER_FRAMES; i++) {
        const uint8_t *bytes = hf_pack_bytes (&frames[i]);
        size_t size = hf_pack_size (&frames[i]);
        s_publish (&impostor, "HF\0\0\0", 5, bytes, size);
        s_publish (&impostor, "HF\0\0 and a lot more", 20, bytes, size);
        assert_int_equal (zmq_send (impostor.pub, "HF\0\0", 4, 0), 4);
        zmq_send (impostor.pub, "HF\0\0", 4, ZMQ_SNDMORE);
        zmq_send (impostor.pub, bytes, size, ZMQ_SNDMORE);
        zmq_send (impostor.pub, bytes, size, 0);
        impostor.sent += 2;
        hf_pack_done (&frames[i]);
    }
    uint8_t *large = calloc (1, HF_FRAME_MAX + 1);
    assert_non_null (large);
    s_say (&impostor, large, HF_FRAME_MAX + 1);
    free (large);
    s_end (&impostor, dropped);
}

//  A HELLO of another cluster: told once, and nothing that follows is taken.
static void
test_of_another_cluster (void **state)
{
    siege_t *siege = *state;
    siege_begin (siege);
    impostor_t impostor = s_impostor (siege);
    hf_pack_t pack;
    hf_pack_init (&pack);
    for (unsigned i = 0; i < 100; i++) {
        s_put_hello (&pack, "3@127.0.0.1:9:10");
        s_say_pack (&impostor, &pack);
    }
    hf_pack_done (&pack);
    impostor.sent = 0;
    uint64_t dropped = siege_dropped (siege);
    hf_pack_t frames[BAD_PEER_FRAMES];
    bad_peer_frames (frames, IMPOSTOR);
    for (unsigned i = 0; i < BAD_PEER_FRAMES; i++) {
        s_say_pack (&impostor, &frames[i]);
        hf_pack_done (&frames[i]);
    }
    s_end (&impostor, dropped);
}

//  A listener that does not speak ZMTP.
static void
test_no_zmtp_from_a_peer (void **state)
{
    siege_t *siege = *state;
    siege_begin (siege);
    int fd = tcp_listen (hf_cluster_node_port (siege->cluster, IMPOSTOR));
    hf_random_t random = {.state = 12};
    static uint8_t bytes[65536];
    unsigned callers = 0;
    uint64_t end = hf_wait_now_ms () + 5000;
    while (callers < 20 && hf_wait_now_ms () < end) {
        size_t size = 1 + hf_random_u32 (&random, sizeof bytes);
        bad_fill (&random, bytes, size);
        callers += tcp_answer (fd, bytes, size, 500);
    }
    assert_true (callers >= 2); //  each of the two has called
    close (fd);
    siege_must_be_untouched (siege);
    siege_end (siege);
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, s_setup, s_teardown)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_garbage_from_a_peer), TEST (test_truncated_from_a_peer),
        TEST (test_from_nobody),         TEST (test_second_leader_of_the_term),
        TEST (test_wrong_shapes),        TEST (test_of_another_cluster),
        TEST (test_no_zmtp_from_a_peer),
    };
    return cmocka_run_group_tests_name ("a peer that is none", tests, NULL, NULL);
}
