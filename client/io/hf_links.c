//  The links to the nodes: which there are, the core says.

#include "client/io/hf_io.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define RETRY_US 1000000 //  until a link is tried again for which there were no descriptors

/*  The link to the node in SLOT. -1: errno. */
static int
s_open (hf_client_t *self, uint32_t slot)
{
    hf_io_node_t *node = &self->nodes[slot];
    node->tag = ++self->last_tag;
    if (hf_host_is_name (node->endpoint.host) && !self->resolver &&
        !(self->resolver = hf_resolver_new ()))
        return -1;
    node->link = hf_link_new (self->context, &node->endpoint, self->resolver, node->tag);
    if (node->link && self->keys)
        hf_link_secure (node->link, self->keys);
    return node->link ? 0 : -1;
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
    uint64_t now_us = hf_io_now_us ();
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
        hf_link_destroy (&node->link);
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
        hf_link_destroy (&self->nodes[i].link);
    hf_resolver_destroy (&self->resolver);
}
