//  Waiting for several sockets with one system call.

#include "broker-less/hf_poll.h"
#include <assert.h>
#include <poll.h>
#include <stddef.h>
#include <zmq.h>

unsigned
hf_poll_add (hf_poll_t *self, void *socket)
{
    assert (self && socket && self->count < HF_POLL_MOST);
    hf_poll_item_t *item = &self->item[self->count];
    *item = (hf_poll_item_t){.socket = socket, .unsure = true, .ready = true};
    size_t size = sizeof item->fd;
    int rc = zmq_getsockopt (socket, ZMQ_FD, &item->fd, &size);
    assert (rc == 0);
    return self->count++;
}

void
hf_poll_used (hf_poll_t *self, unsigned item)
{
    assert (self && item < self->count);
    self->item[item].unsure = true;
}

void
hf_poll_emptied (hf_poll_t *self, unsigned item)
{
    assert (self && item < self->count);
    self->item[item].unsure = self->item[item].ready = false;
}

/*  A socket that cannot tell, since the process ends, is ready: who receives from it sees why. */
static bool
s_asked (const hf_poll_item_t *item)
{
    int events = 0;
    size_t size = sizeof events;
    return zmq_getsockopt (item->socket, ZMQ_EVENTS, &events, &size) != 0 ||
           (events & ZMQ_POLLIN) != 0;
}

void
hf_poll_wait (hf_poll_t *self, long ms)
{
    assert (self && ms >= 0);
    struct pollfd fds[HF_POLL_MOST];
    for (unsigned i = 0; i < self->count; i++) {
        hf_poll_item_t *item = &self->item[i];
        item->ready = item->unsure && s_asked (item);
        ms = item->ready ? 0 : ms;
        fds[i] = (struct pollfd){.fd = item->fd, .events = POLLIN};
    }
    bool news = poll (fds, self->count, (int)ms) > 0;
    for (unsigned i = 0; i < self->count; i++) {
        hf_poll_item_t *item = &self->item[i];
        item->ready = item->ready || (news && fds[i].revents != 0);
        item->unsure = item->ready; //  until it is found empty
    }
}

bool
hf_poll_ready (const hf_poll_t *self, unsigned item)
{
    assert (self && item < self->count);
    return self->item[item].ready;
}
