//  A bare DEALER socket to one node.

#include "tests/cluster/harness/hf_probe.h"
#include "base/hf_alloc.h"
#include "tests/kit/hf_wait.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

struct hf_probe {
    void *context;
    void *socket;
    zmq_msg_t message; //  what hf_probe_next gave last
    uint64_t last_id;
};

//  ---- keys --------------------------------------------------------------------

static hf_key_t s_own; //  no keys: without
static char s_server[UINT16_MAX + 1][HF_KEY_TEXT + 1];

void
hf_probe_show (const hf_key_t *own)
{
    s_own = own ? *own : (hf_key_t){.node = 0};
}

void
hf_probe_take (uint16_t port, const char *server)
{
    strcpy (s_server[port], server);
}

static void
s_secure (void *socket, uint16_t port)
{
    if (s_own.public_text[0] == 0 || s_server[port][0] == 0)
        return;
    zmq_setsockopt (socket, ZMQ_CURVE_SERVERKEY, s_server[port], HF_KEY_TEXT);
    zmq_setsockopt (socket, ZMQ_CURVE_PUBLICKEY, s_own.public_text, HF_KEY_TEXT);
    zmq_setsockopt (socket, ZMQ_CURVE_SECRETKEY, s_own.secret_text, HF_KEY_TEXT);
}

//  ---- the socket --------------------------------------------------------------

hf_probe_t *
hf_probe_new (const char *host, uint16_t port)
{
    hf_probe_t *self = hf_alloc (sizeof *self);
    self->context = zmq_ctx_new ();
    self->socket = zmq_socket (self->context, ZMQ_DEALER);
    assert (self->socket);
    int none = 0;
    int often_ms = 10;
    zmq_setsockopt (self->socket, ZMQ_LINGER, &none, sizeof none);
    zmq_setsockopt (self->socket, ZMQ_SNDHWM, &none, sizeof none);
    zmq_setsockopt (self->socket, ZMQ_RCVHWM, &none, sizeof none);
    zmq_setsockopt (self->socket, ZMQ_RECONNECT_IVL, &often_ms, sizeof often_ms);
    s_secure (self->socket, port);
    char address[64];
    snprintf (address, sizeof address, "tcp://%s:%u", host, port);
    int rc = zmq_connect (self->socket, address);
    assert (rc == 0);
    zmq_msg_init (&self->message);
    return self;
}

void
hf_probe_destroy (hf_probe_t **self_p)
{
    hf_probe_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    zmq_msg_close (&self->message);
    zmq_close (self->socket);
    zmq_ctx_term (self->context);
    free (self);
}

void
hf_probe_send (hf_probe_t *self, const void *bytes, size_t size)
{
    int rc = zmq_send (self->socket, bytes, size, 0);
    assert (rc >= 0);
}

void
hf_probe_send_pack (hf_probe_t *self, hf_pack_t *pack)
{
    hf_probe_send (self, hf_pack_bytes (pack), hf_pack_size (pack));
    hf_pack_reset (pack);
}

void
hf_probe_send_parts (hf_probe_t *self, const hf_span_t *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int rc =
            zmq_send (self->socket, parts[i].at, parts[i].size, i + 1 < count ? ZMQ_SNDMORE : 0);
        assert (rc >= 0);
    }
}

bool
hf_probe_next (hf_probe_t *self, hf_span_t *bytes, uint32_t limit_ms)
{
    zmq_pollitem_t item = {.socket = self->socket, .events = ZMQ_POLLIN};
    if (zmq_poll (&item, 1, (long)limit_ms) <= 0)
        return false;
    do {
        int rc = zmq_msg_recv (&self->message, self->socket, 0);
        assert (rc >= 0);
    } while (zmq_msg_more (&self->message));
    *bytes = hf_span (zmq_msg_data (&self->message), zmq_msg_size (&self->message));
    return true;
}

static uint32_t
s_left_ms (uint64_t end)
{
    uint64_t now = hf_wait_now_ms ();
    return now < end ? (uint32_t)(end - now) : 0;
}

bool
hf_probe_next_kind (hf_probe_t *self, uint32_t kind, hf_scan_t *scan, uint32_t limit_ms)
{
    uint64_t end = hf_wait_now_ms () + limit_ms;
    hf_span_t bytes;
    while (hf_probe_next (self, &bytes, s_left_ms (end))) {
        uint32_t found = 0;
        if (hf_frame_open (bytes.at, bytes.size, scan, &found) == HF_OK && found == kind)
            return true;
    }
    return false;
}

bool
hf_probe_query (hf_probe_t *self, uint32_t what, const char *name, hf_query_result_t *result,
                uint32_t limit_ms)
{
    hf_query_t query = {.id = ++self->last_id, .what = what, .name = hf_span_text (name)};
    query.limit = what == HF_WHAT_READ ? HF_DATA_MAX : HF_ROWS_MAX;
    hf_pack_t pack;
    hf_pack_init (&pack);
    hf_query_frame (&pack, &query);
    hf_probe_send_pack (self, &pack);
    hf_pack_done (&pack);
    uint64_t end = hf_wait_now_ms () + limit_ms;
    hf_span_t bytes;
    while (hf_probe_next (self, &bytes, s_left_ms (end))) {
        hf_scan_t scan;
        uint32_t kind = 0;
        hf_refused_t refused;
        hf_frame_open (bytes.at, bytes.size, &scan, &kind);
        if (kind == HF_KIND_RESULT && hf_query_result_get (&scan, result) && result->id == query.id)
            return true;
        if (kind == HF_KIND_REFUSED && hf_refused_get (&scan, &refused) &&
            refused.status == HF_NOT_LEADER)
            return false;
    }
    return false;
}
