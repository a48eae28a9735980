//  The links to the nodes: which there are, the core says. And the set of all that a client waits
//  for.

#include "client/io/hf_io.h"
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#define RETRY_US 1000000 //  until a link is tried again for which there were no descriptors

//  ---- the set ------------------------------------------------------------------

//  What an event of it is about: a socket of a link, by slot and place in hf_link_descriptors, or
//  one of these.
#define LINK_EVENTS  (HF_MEMBERS_MAX * HF_LINK_SOCKETS)
#define WAKE_EVENT   LINK_EVENTS
#define LOOKED_EVENT (LINK_EVENTS + 1)
#define EVENTS_MAX   (LINK_EVENTS + 2)

static int
s_watch (hf_client_t *self, int fd, uint32_t what)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = what};
    return epoll_ctl (self->wait_fd, EPOLL_CTL_ADD, fd, &event);
}

int
hf_io_wait_start (hf_client_t *self)
{
    self->wait_fd = epoll_create1 (EPOLL_CLOEXEC);
    return self->wait_fd < 0 ? -1 : s_watch (self, self->wake_fd, WAKE_EVENT);
}

void
hf_io_wait (hf_client_t *self, int limit_ms)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait (self->wait_fd, events, EVENTS_MAX, limit_ms);
    assert (count >= 0 || errno == EINTR);
    for (int i = 0; i < count; i++) {
        uint32_t what = events[i].data.u32;
        hf_link_t *link = what < LINK_EVENTS ? self->nodes[what / HF_LINK_SOCKETS].link : NULL;
        if (link)
            hf_link_news (link, what % HF_LINK_SOCKETS);
    }
}

static int
s_watch_link (hf_client_t *self, uint32_t slot)
{
    int fds[HF_LINK_SOCKETS];
    hf_link_descriptors (self->nodes[slot].link, fds);
    for (uint32_t i = 0; i < HF_LINK_SOCKETS; i++)
        if (s_watch (self, fds[i], slot * HF_LINK_SOCKETS + i) != 0)
            return -1;
    return 0;
}

/*  libzmq closes a socket's descriptor some time later. */
static void
s_close (hf_client_t *self, uint32_t slot)
{
    int fds[HF_LINK_SOCKETS];
    if (!self->nodes[slot].link)
        return;
    hf_link_descriptors (self->nodes[slot].link, fds);
    for (uint32_t i = 0; i < HF_LINK_SOCKETS; i++)
        epoll_ctl (self->wait_fd, EPOLL_CTL_DEL, fds[i], NULL);
    hf_link_destroy (&self->nodes[slot].link);
    self->nodes[slot].up = false;
}

//  ---- links --------------------------------------------------------------------

static int
s_resolve (hf_client_t *self)
{
    if (self->resolver)
        return 0;
    self->resolver = hf_resolver_new ();
    if (!self->resolver)
        return -1;
    if (s_watch (self, hf_resolver_fd (self->resolver), LOOKED_EVENT) == 0)
        return 0;
    //  Nobody would hear its answers, and the next attempt is to begin anew.
    int code = errno;
    hf_resolver_destroy (&self->resolver);
    errno = code;
    return -1;
}

/*  The link to the node in SLOT. -1: errno. */
static int
s_open (hf_client_t *self, uint32_t slot)
{
    hf_io_node_t *node = &self->nodes[slot];
    node->tag = ++self->last_tag;
    if (hf_host_is_name (node->endpoint.host) && s_resolve (self) != 0)
        return -1;
    node->link = hf_link_new (self->context, &node->endpoint, self->resolver, node->tag);
    if (!node->link)
        return -1;
    if (self->keys)
        hf_link_secure (node->link, self->keys);
    if (s_watch_link (self, slot) == 0)
        return 0;
    int code = errno;
    s_close (self, slot);
    errno = code;
    return -1;
}

int
hf_io_links_start (hf_client_t *self, const hf_endpoints_t *endpoints)
{
    self->retry_us = HF_NEVER;
    for (uint32_t i = 0; i < endpoints->count; i++) {
        self->nodes[i].endpoint = endpoints->node[i];
        if (s_open (self, i) != 0)
            return -1;
    }
    return 0;
}

/*  A place that no node can have is as good as one that does not answer. */
static bool
s_endpoint (hf_endpoint_t *endpoint, const hf_client_link_t *link)
{
    char text[HF_HOST_MAX + 16];
    *endpoint = (hf_endpoint_t){.id = link->node};
    snprintf (text, sizeof text, "%s:%u", link->address.host, link->address.port);
    return link->node != 0 && hf_endpoint_parse_place (endpoint, text);
}

static void
s_retry (hf_client_t *self)
{
    uint64_t now_us = self->retry_us == HF_NEVER ? 0 : hf_io_now_us ();
    if (now_us < self->retry_us)
        return;
    self->retry_us = HF_NEVER;
    for (uint32_t i = 0; i < HF_MEMBERS_MAX; i++) {
        const hf_io_node_t *node = &self->nodes[i];
        if (node->endpoint.id != 0 && !node->link && s_open (self, i) != 0)
            self->retry_us = now_us + RETRY_US;
    }
}

bool
hf_io_links_follow (hf_client_t *self)
{
    hf_client_link_t link;
    bool any = false;
    while (hf_client_core_link (self->core, &link)) {
        hf_io_node_t *node = &self->nodes[link.slot];
        any = true;
        s_close (self, link.slot);
        if (s_endpoint (&node->endpoint, &link))
            self->retry_us = 0;
        else
            node->endpoint.id = 0;
    }
    s_retry (self);
    return any;
}

void
hf_io_links_destroy (hf_client_t *self)
{
    for (uint32_t i = 0; i < HF_MEMBERS_MAX; i++)
        s_close (self, i);
    hf_resolver_destroy (&self->resolver);
}
