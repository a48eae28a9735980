/*  Frames between actors: they arrive whole and in order, and a slow reader blocks nobody. */
#include "tests/kit/hf_test.h"
#include "nodes/actors/hf_pipe.h"

HF_TEST (test_a_slow_reader_blocks_nobody)
{
    enum { FRAMES = 50000 };
    zsock_t *reader;
    zsock_t *writer = hf_pipe_new (&reader);
    hf_pack_t pack;
    hf_pack_init (&pack);
    for (uint64_t i = 0; i < FRAMES; i++) {
        hf_a_barrier_frame (&pack, &(hf_a_barrier_t){.id = i});
        hf_pipe_send (writer, &pack);
        assert_int_equal (hf_pack_size (&pack), 0);
    }
    zmq_msg_t message;
    zmq_msg_init (&message);
    hf_scan_t scan;
    uint32_t kind;
    for (uint64_t i = 0; i < FRAMES; i++) {
        zmq_pollitem_t item = {.socket = zsock_resolve (reader), .events = ZMQ_POLLIN};
        assert_int_equal (zmq_poll (&item, 1, 10000), 1);
        assert_true (hf_pipe_next (reader, &message, &scan, &kind));
        assert_int_equal (kind, HF_KIND_A_BARRIER);
        hf_a_barrier_t barrier;
        assert_true (hf_a_barrier_get (&scan, &barrier));
        assert_int_equal (barrier.id, i);
    }
    assert_false (hf_pipe_next (reader, &message, &scan, &kind));
    zmq_msg_close (&message);
    hf_pack_done (&pack);
    zsock_destroy (&writer);
    zsock_destroy (&reader);
}

HF_TEST (test_commands_are_read_without_waiting)
{
    zsock_t *reader;
    zsock_t *writer = hf_pipe_new (&reader);
    bool handover = false;
    assert_false (hf_pipe_ends (reader, &handover));
    zstr_send (writer, "HANDOVER");
    zmq_pollitem_t item = {.socket = zsock_resolve (reader), .events = ZMQ_POLLIN};
    assert_int_equal (zmq_poll (&item, 1, 10000), 1);
    assert_false (hf_pipe_ends (reader, &handover));
    assert_true (handover);
    zstr_send (writer, "$TERM");
    assert_int_equal (zmq_poll (&item, 1, 10000), 1);
    assert_true (hf_pipe_ends (reader, NULL));
    zsock_destroy (&writer);
    zsock_destroy (&reader);
}

//  An actor that ends after the one it talks to must not wait for it.
HF_TEST (test_nobody_waits_for_one_who_is_gone)
{
    zsock_t *reader;
    zsock_t *writer = hf_pipe_new (&reader);
    zsock_destroy (&reader);
    hf_pack_t pack;
    hf_pack_init (&pack);
    for (uint64_t i = 0; i < 3; i++) {
        hf_a_barrier_frame (&pack, &(hf_a_barrier_t){.id = i});
        hf_pipe_send (writer, &pack);
        assert_int_equal (hf_pack_size (&pack), 0);
    }
    hf_pack_done (&pack);
    zsock_destroy (&writer);
}

int
main (void)
{
    zsys_handler_set (NULL);
    int rc = hf_test_run (NULL, NULL);
    zsys_shutdown ();
    return rc;
}
