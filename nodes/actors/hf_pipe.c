//  Messages between the actors of one node.

#include "base/hf_tsan.h"
#include "nodes/actors/hf_pipe.h"
#include "nodes/actors/hf_clock.h"
#include "nodes/actors/hf_report.h"
#include <assert.h>
#include <stdlib.h>

#define WAIT_MAX_US 1000000

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

/*  Send BYTES, which come from malloc and are the pipe's from now on; *bytes_p is NULL then. */
static void
s_give (zsock_t *sock, uint8_t **bytes_p, size_t size)
{
    assert (*bytes_p && size > 0);
    HF_TSAN_GIVE (*bytes_p);
    zmq_msg_t message;
    int rc = zmq_msg_init_data (&message, *bytes_p, size, s_free, NULL);
    assert (rc == 0);
    *bytes_p = NULL;
    //  Without a high-water mark it fails only while the process ends and the other side is gone:
    //  a PAIR alone would wait for another one forever.
    rc = zmq_msg_send (&message, zsock_resolve (sock), ZMQ_DONTWAIT);
    if (rc < 0)
        zmq_msg_close (&message);
}

void
hf_pipe_send (zsock_t *sock, hf_pack_t *pack)
{
    size_t size;
    uint8_t *bytes = hf_pack_take (pack, &size);
    s_give (sock, &bytes, size);
}

unsigned
hf_pipe_carry_out (zsock_t *const pipes[], hf_outbox_t *out)
{
    unsigned sent = 0;
    for (size_t i = 0; i < out->messages.count; i++) {
        hf_out_message_t *message = &out->messages.list[i];
        s_give (pipes[message->to], &message->bytes, message->size);
        sent |= 1U << message->to;
    }
    for (size_t i = 0; i < out->lines.count; i++)
        hf_report (out->lines.list[i].level, "%s", out->lines.list[i].text);
    hf_outbox_reset (out);
    return sent;
}

bool
hf_pipe_next (zsock_t *sock, zmq_msg_t *message, hf_scan_t *scan, uint32_t *kind)
{
    if (zmq_msg_recv (message, zsock_resolve (sock), ZMQ_DONTWAIT) < 0)
        return false;
    HF_TSAN_TAKE (zmq_msg_data (message));
    *scan = hf_frame_own (zmq_msg_data (message), zmq_msg_size (message), kind);
    return true;
}

long
hf_pipe_wait_ms (uint64_t wake_us)
{
    uint64_t now_us = hf_clock_us ();
    uint64_t wait_us = wake_us > now_us ? wake_us - now_us : 0;
    return wait_us < WAIT_MAX_US ? (long)((wait_us + 999) / 1000) : WAIT_MAX_US / 1000;
}

static bool
s_is (zmq_msg_t *message, const char *command)
{
    return hf_span_equal (hf_span (zmq_msg_data (message), zmq_msg_size (message)),
                          hf_span_text (command));
}

bool
hf_pipe_ends (zsock_t *pipe, bool *handover)
{
    zmq_msg_t message;
    zmq_msg_init (&message);
    bool ends = false;
    while (zmq_msg_recv (&message, zsock_resolve (pipe), ZMQ_DONTWAIT) >= 0) {
        ends = ends || s_is (&message, "$TERM");
        if (handover)
            *handover = *handover || s_is (&message, "HANDOVER");
    }
    zmq_msg_close (&message);
    return ends;
}

bool
hf_pipe_told (zsock_t *pipe, zmq_msg_t *message, hf_scan_t *scan, uint32_t *kind, bool *ends)
{
    while (zmq_msg_recv (message, zsock_resolve (pipe), ZMQ_DONTWAIT) >= 0) {
        if (!s_is (message, "$TERM")) {
            *scan = hf_frame_own (zmq_msg_data (message), zmq_msg_size (message), kind);
            return true;
        }
        *ends = true;
    }
    return false;
}
