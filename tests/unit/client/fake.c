//  A node that answers to order.

#include "base/hf_alloc.h"
#include "broker-less/hf_door.h"
#include "client/io/hf_io.h"
#include "tests/unit/client/fixture.h"
#include <assert.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <zmq.h>

struct fake {
    pthread_t thread;
    void *context;
    hf_door_t *door;
    int wake_fd;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool stop;
    node_t node;
    bool refusing;
    uint32_t leader;
    uint64_t term;
    hf_route_t route; //  of the client last heard
    hf_chain_t in, out;
    uint32_t counts[256];
};

static fake_frame_t *
s_add (hf_chain_t *chain, const void *bytes, size_t size)
{
    fake_frame_t *frame = hf_alloc (sizeof *frame + size);
    frame->size = size;
    memcpy (frame->bytes, bytes, size);
    hf_chain_append (chain, &frame->chain);
    return frame;
}

static void
s_send (fake_t *self, const void *bytes, size_t size)
{
    if (self->route.size > 0 && size > 0)
        hf_door_send (self->door, &self->route, bytes, size);
}

static void
s_received (fake_t *self, hf_span_t bytes, hf_pack_t *pack)
{
    fake_frame_t *frame = s_add (&self->in, bytes.at, bytes.size);
    hf_status_t status = hf_frame_open (frame->bytes, frame->size, &frame->scan, &frame->kind);
    assert (status == HF_OK && frame->kind < 256);
    self->counts[frame->kind]++;
    if (node_members (&self->node, frame->kind, frame->scan, pack)) {
        //  Any node answers.
    } else if (self->refusing)
        node_refuse (pack, HF_NOT_LEADER, self->leader, self->term);
    else
        node_lead (&self->node, frame->kind, frame->scan, pack);
    s_send (self, hf_pack_bytes (pack), hf_pack_size (pack));
    hf_pack_reset (pack);
    pthread_cond_broadcast (&self->cond);
}

static void *
s_run (void *arg)
{
    fake_t *self = arg;
    hf_pack_t pack;
    hf_pack_init (&pack);
    bool stop = false;
    while (!stop) {
        zmq_pollitem_t items[] = {{.fd = self->wake_fd, .events = ZMQ_POLLIN},
                                  {.socket = hf_door_socket (self->door), .events = ZMQ_POLLIN}};
        zmq_poll (items, 2, 1000);
        uint64_t count;
        if (read (self->wake_fd, &count, sizeof count) < 0)
            count = 0;
        hf_route_t route;
        hf_span_t bytes;
        pthread_mutex_lock (&self->mutex);
        while (hf_door_next (self->door, &route, &bytes)) {
            self->route = route;
            s_received (self, bytes, &pack);
        }
        HF_CHAIN_EACH_SAFE (&self->out, at)
        {
            fake_frame_t *frame = HF_AROUND (at, fake_frame_t, chain);
            s_send (self, frame->bytes, frame->size);
            hf_chain_remove (at);
            free (frame);
        }
        stop = self->stop;
        pthread_mutex_unlock (&self->mutex);
    }
    hf_pack_done (&pack);
    return NULL;
}

//  ---- life -----------------------------------------------------------------------

fake_t *
fake_new (uint16_t port, unsigned autos)
{
    fake_t *self = hf_alloc (sizeof *self);
    self->context = zmq_ctx_new ();
    char error[HF_ERROR_SIZE] = "";
    hf_listen_t listen = {.at = {.count = 1, .text = {"127.0.0.1"}}, .client_port = port};
    self->door = hf_door_new (self->context, "127.0.0.1", &listen, error);
    if (!self->door)
        fail_msg ("%s", error);
    self->wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    self->node.autos = autos;
    hf_chain_init (&self->in);
    hf_chain_init (&self->out);
    hf_wait_init (&self->mutex, &self->cond);
    int rc = pthread_create (&self->thread, NULL, s_run, self);
    assert (rc == 0);
    return self;
}

static void
s_wake (fake_t *self)
{
    uint64_t one = 1;
    ssize_t rc = write (self->wake_fd, &one, sizeof one);
    assert (rc == sizeof one);
}

void
fake_destroy (fake_t **self_p)
{
    fake_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    pthread_mutex_lock (&self->mutex);
    self->stop = true;
    pthread_mutex_unlock (&self->mutex);
    s_wake (self);
    pthread_join (self->thread, NULL);
    hf_door_destroy (&self->door);
    zmq_ctx_term (self->context);
    close (self->wake_fd);
    HF_CHAIN_EACH_SAFE (&self->in, at)
    {
        free (HF_AROUND (at, fake_frame_t, chain));
    }
    pthread_cond_destroy (&self->cond);
    pthread_mutex_destroy (&self->mutex);
    free (self);
}

void
fake_set_autos (fake_t *self, unsigned autos)
{
    pthread_mutex_lock (&self->mutex);
    self->node.autos = autos;
    pthread_mutex_unlock (&self->mutex);
}

void
fake_set_pages (fake_t *self, const page_t *pages)
{
    pthread_mutex_lock (&self->mutex);
    self->node.pages = pages;
    pthread_mutex_unlock (&self->mutex);
}

void
fake_tell (fake_t *self, uint64_t roster, const hf_member_row_t *members)
{
    pthread_mutex_lock (&self->mutex);
    self->node.roster = roster;
    self->node.members = members;
    pthread_mutex_unlock (&self->mutex);
}

void
fake_follow (fake_t *self, bool on, uint32_t leader, uint64_t term)
{
    pthread_mutex_lock (&self->mutex);
    self->refusing = on;
    self->leader = leader;
    self->term = term;
    pthread_mutex_unlock (&self->mutex);
}

//  ---- what came in, what goes out --------------------------------------------------

/*  With the mutex held. */
static fake_frame_t *
s_next (fake_t *self, uint32_t kind)
{
    HF_CHAIN_EACH (&self->in, at)
    {
        fake_frame_t *frame = HF_AROUND (at, fake_frame_t, chain);
        if (frame->kind != kind)
            continue;
        hf_chain_remove (at);
        return frame;
    }
    return NULL;
}

fake_frame_t *
fake_take (fake_t *self, uint32_t kind, uint32_t limit_ms)
{
    struct timespec until = hf_wait_until (limit_ms);
    fake_frame_t *found;
    pthread_mutex_lock (&self->mutex);
    while (!(found = s_next (self, kind)) && hf_wait (&self->mutex, &self->cond, limit_ms, &until))
        continue;
    pthread_mutex_unlock (&self->mutex);
    return found;
}

uint32_t
fake_count (fake_t *self, uint32_t kind)
{
    pthread_mutex_lock (&self->mutex);
    uint32_t count = self->counts[kind];
    pthread_mutex_unlock (&self->mutex);
    return count;
}

void
fake_send (fake_t *self, hf_pack_t *frame)
{
    pthread_mutex_lock (&self->mutex);
    s_add (&self->out, hf_pack_bytes (frame), hf_pack_size (frame));
    pthread_mutex_unlock (&self->mutex);
    hf_pack_done (frame);
    s_wake (self);
}

void
fake_answer (fake_t *self, uint64_t session, uint64_t seq, hf_status_t status, uint64_t index,
             uint64_t token, uint64_t position)
{
    hf_pack_t items, pack;
    hf_pack_init (&items);
    hf_pack_init (&pack);
    hf_answer_put (&items, &(hf_answer_t){seq, status, index, token, position});
    node_items (&pack, session, &items);
    fake_send (self, &pack);
}
