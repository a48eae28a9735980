//  Waiting for several sockets with one system call.

#include "broker-less/hf_poll.h"
#include <assert.h>
#include <poll.h>
#include <stddef.h>
#include <zmq.h>

unsigned
hf_poll_add (hf_poll_t *self, void *socket, hf_poll_use_t use)
{
    assert (self && socket && self->count < HF_POLL_MOST);
    hf_poll_item_t *item = &self->item[self->count];
    *item = (hf_poll_item_t){.socket = socket, .use = use, .ready = true};
    size_t size = sizeof item->fd;
    int rc = zmq_getsockopt (socket, ZMQ_FD, &item->fd, &size);
    assert (rc == 0);
    return self->count++;
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
        item->ready = (item->use == HF_POLL_TALKS || item->ready) && s_asked (item);
        ms = item->ready ? 0 : ms;
        fds[i] = (struct pollfd){.fd = item->fd, .events = POLLIN};
    }
    if (poll (fds, self->count, (int)ms) <= 0)
        return;
    for (unsigned i = 0; i < self->count; i++)
        self->item[i].ready = self->item[i].ready || fds[i].revents != 0;
}

bool
hf_poll_ready (const hf_poll_t *self, unsigned item)
{
    assert (self && item < self->count);
    return self->item[item].ready;
}
