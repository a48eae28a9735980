//  Frames between the actors of one node.

#include "base/hf_tsan.h"
#include "nodes/actors/hf_pipe.h"
#include <assert.h>
#include <stdlib.h>

zsock_t *
hf_pipe_new (zsock_t **other_p)
{
    zsys_set_pipehwm (0); //  before it is connected: afterwards it has no effect
    zsock_t *self = zsys_create_pipe (other_p);
    assert (self && *other_p);
    return self;
}

static void
s_free (void *data, void *hint)
{
    (void)hint;
    HF_TSAN_TAKE (data);
    free (data);
}

void
hf_pipe_send (zsock_t *sock, hf_pack_t *pack)
{
    size_t size;
    uint8_t *bytes = hf_pack_take (pack, &size);
    assert (bytes && size > 0);
    HF_TSAN_GIVE (bytes);
    zmq_msg_t message;
    int rc = zmq_msg_init_data (&message, bytes, size, s_free, NULL);
    assert (rc == 0);
    //  Without a high-water mark it fails only while the process ends and the other side is gone:
    //  a PAIR alone would wait for another one forever.
    rc = zmq_msg_send (&message, zsock_resolve (sock), ZMQ_DONTWAIT);
    if (rc < 0)
        zmq_msg_close (&message);
}

bool
hf_pipe_next (zsock_t *sock, zmq_msg_t *message, hf_scan_t *scan, uint32_t *kind)
{
    if (zmq_msg_recv (message, zsock_resolve (sock), ZMQ_DONTWAIT) < 0)
        return false;
    HF_TSAN_TAKE (zmq_msg_data (message));
    hf_scan_t frame = hf_scan (zmq_msg_data (message), zmq_msg_size (message));
    //  Our own actors wrote this: a frame that does not open is a bug, not input.
    uint32_t parts = hf_scan_array (&frame);
    uint32_t version = 0;
    hf_get_u32 (&frame, &version);
    assert (!frame.bad && parts == 2 && version == HF_VERSION_WIRE);
    *scan = frame;
    *kind = hf_scan_kind (scan);
    assert (*kind != 0);
    return true;
}

char *
hf_pipe_command (zsock_t *pipe)
{
    zmq_msg_t message;
    zmq_msg_init (&message);
    char *command = NULL;
    if (zmq_msg_recv (&message, zsock_resolve (pipe), ZMQ_DONTWAIT) >= 0)
        command = strndup (zmq_msg_data (&message), zmq_msg_size (&message));
    zmq_msg_close (&message);
    return command;
}
