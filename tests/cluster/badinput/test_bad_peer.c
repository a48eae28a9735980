//  An impostor at node 3's address: it speaks the nodes' protocol badly, or not at all.

#include "base/hf_alloc.h"
#include "base/hf_hash.h"
#include "tests/cluster/badinput/bad_bytes.h"
#include "tests/cluster/badinput/siege.h"
#include "tests/kit/hf_ports.h"
#include <unistd.h>
#include <zmq.h>

#define IMPOSTOR 3

//  ---- a node made by hand ----------------------------------------------------------------

typedef struct impostor {
    siege_t *siege;
    void *context;
    void *pub;
    uint64_t sent;    //  messages that must all be dropped
    uint64_t dropped; //  before them
} impostor_t;

static void
s_publish (impostor_t *self, const void *topic, size_t topic_size, const void *bytes, size_t size)
{
    int rc = zmq_send (self->pub, topic, topic_size, ZMQ_SNDMORE);
    assert_true (rc >= 0);
    rc = zmq_send (self->pub, bytes, size, 0);
    assert_true (rc >= 0);
    self->sent++;
}

/*  To all nodes, under the right topic. */
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

/*  Say something wrong until it is seen to arrive: then all that follows arrives too. */
static bool
s_is_heard (impostor_t *self, uint64_t dropped)
{
    s_say (self, "x", 1);
    return siege_dropped (self->siege) > dropped;
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
    uint64_t dropped = siege_dropped (siege);
    assert_true (HF_WAIT (s_is_heard (&self, dropped), HF_CLUSTER_LIMIT_MS));
    hf_pack_t pack;
    hf_pack_init (&pack);
    s_put_hello (&pack, hf_cluster_endpoints (siege->cluster));
    s_say_pack (&self, &pack);
    hf_pack_done (&pack);
    self.sent = 0;
    self.dropped = siege_dropped (siege);
    return self;
}

/*  All that the impostor sent was dropped, and nothing came of it. */
static void
s_end (impostor_t *self)
{
    if (!HF_WAIT (siege_dropped (self->siege) >= self->dropped + self->sent, HF_CLUSTER_LIMIT_MS))
        fail_msg ("of %llu messages %llu were dropped and counted", (unsigned long long)self->sent,
                  (unsigned long long)(siege_dropped (self->siege) - self->dropped));
    siege_must_be_untouched (self->siege);
    zmq_close (self->pub); //  the end of the siege starts the real node 3, which must be let in
    zmq_ctx_term (self->context);
}

/*  One of each kind of message between nodes, from FROM. */
static void
s_say_each (impostor_t *self, uint32_t from)
{
    hf_pack_t frames[BAD_PEER_FRAMES];
    bad_peer_frames (frames, from);
    for (unsigned i = 0; i < BAD_PEER_FRAMES; i++) {
        s_say_pack (self, &frames[i]);
        hf_pack_done (&frames[i]);
    }
}

/*  What is in the pack, cut off at every length. */
static void
s_say_truncated (impostor_t *self, hf_pack_t *pack)
{
    for (size_t size = 0; size < hf_pack_size (pack); size++)
        s_say (self, hf_pack_bytes (pack), size);
    hf_pack_done (pack);
}

//  ---- the tests ----------------------------------------------------------------------------

SIEGE (test_garbage_from_a_peer, 3, 2, false)
{
    impostor_t impostor = s_impostor (siege);
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
    s_end (&impostor);
}

SIEGE (test_truncated_from_a_peer, 3, 2, false)
{
    impostor_t impostor = s_impostor (siege);
    hf_pack_t frames[BAD_PEER_FRAMES];
    bad_peer_frames (frames, IMPOSTOR);
    for (unsigned i = 0; i < BAD_PEER_FRAMES; i++)
        s_say_truncated (&impostor, &frames[i]);
    hf_pack_t hello;
    hf_pack_init (&hello);
    s_put_hello (&hello, hf_cluster_endpoints (siege->cluster));
    s_say_truncated (&impostor, &hello);
    s_end (&impostor);
}

//  Whole messages of a high term, from an id that is not a member's or not the impostor's.
SIEGE (test_from_no_member, 3, 2, false)
{
    impostor_t impostor = s_impostor (siege);
    static const uint32_t strangers[] = {0, 4, 65535, 65536 + IMPOSTOR, UINT32_MAX};
    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++)
        s_say_each (&impostor, strangers[i]);
    s_end (&impostor);
}

//  The impostor claims to lead the term and sends entries that are none: no node accepts them.
SIEGE (test_second_leader_of_the_term, 3, 2, false)
{
    impostor_t impostor = s_impostor (siege);
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
    s_say (&impostor, "x", 1); //  when this is dropped, all before it has arrived
    impostor.sent = 1;
    s_end (&impostor);
}

//  Messages of the wrong shape: topics that only begin well, one part, many parts, too much.
SIEGE (test_wrong_shapes, 3, 2, false)
{
    impostor_t impostor = s_impostor (siege);
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
    uint8_t *large = hf_alloc (HF_FRAME_MAX + 1);
    s_say (&impostor, large, HF_FRAME_MAX + 1);
    free (large);
    s_end (&impostor);
}

//  A HELLO of another cluster: logged once, and all that follows is dropped.
SIEGE (test_of_another_cluster, 3, 2, false)
{
    impostor_t impostor = s_impostor (siege);
    hf_pack_t pack;
    hf_pack_init (&pack);
    for (unsigned i = 0; i < 100; i++) {
        s_put_hello (&pack, "3@127.0.0.1:9:10");
        s_say_pack (&impostor, &pack);
    }
    hf_pack_done (&pack);
    impostor.sent = 0;
    impostor.dropped = siege_dropped (siege);
    s_say_each (&impostor, IMPOSTOR);
    s_end (&impostor);
}

//  A listener that does not speak ZMTP.
SIEGE (test_no_zmtp_from_a_peer, 3, 2, false)
{
    int fd = hf_port_listen (hf_cluster_node_port (siege->cluster, IMPOSTOR), 0);
    assert_true (fd >= 0);
    hf_random_t random = {.state = 12};
    static uint8_t bytes[65536];
    unsigned callers = 0;
    uint64_t end = hf_wait_now_ms () + 5000;
    while (callers < 20 && hf_wait_now_ms () < end) {
        size_t size = 1 + hf_random_u32 (&random, sizeof bytes);
        bad_fill (&random, bytes, size);
        callers += bad_answer (fd, hf_span (bytes, size), 500);
    }
    assert_true (callers >= 2); //  each of the two has called
    close (fd);
}

HF_TEST_MAIN (NULL, NULL)
