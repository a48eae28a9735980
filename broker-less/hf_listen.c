//  Where a node listens: the option and the cluster list.

#include "broker-less/hf_listen.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

#define OPTION_MAX 80 //  the longest address and two ports are shorter

bool
hf_listen_parse (hf_listen_t *self, const char *text)
{
    char place[OPTION_MAX];
    bool all = text[0] == '*';
    int size = snprintf (place, sizeof place, "%s%s", all ? "0.0.0.0" : "", text + (all ? 1 : 0));
    hf_endpoint_t endpoint = {.id = 0};
    if (size < 0 || (size_t)size >= sizeof place || !hf_endpoint_parse_place (&endpoint, place) ||
        hf_host_is_name (endpoint.host) ||
        (endpoint.client_port != 0 && endpoint.client_port == endpoint.node_port))
        return false;
    *self = (hf_listen_t){.at.count = 1,
                          .client_port = endpoint.client_port,
                          .node_port = endpoint.node_port,
                          .chosen = true};
    snprintf (self->at.text[0], HF_ADDRESS_SIZE, "%.63s", endpoint.host);
    return true;
}

bool
hf_host_is_loopback (const char *host)
{
    return strncmp (host, "127.", 4) == 0 || strcmp (host, "[::1]") == 0;
}

bool
hf_listen_is_loopback (const hf_listen_t *self)
{
    for (uint32_t i = 0; i < self->at.count; i++)
        if (!hf_host_is_loopback (self->at.text[i]))
            return false;
    return true;
}

int
hf_listen_complete (hf_listen_t *self, const hf_endpoint_t *own, char *error)
{
    assert (self && own && error);
    if (self->client_port == 0)
        self->client_port = own->client_port;
    if (self->node_port == 0)
        self->node_port = own->node_port;
    if (self->client_port != self->node_port)
        return 0;
    return hf_error_set (error,
                         "clients and nodes cannot share port %u: --listen names one of the two "
                         "ports, and the other is that of the cluster list",
                         self->node_port);
}

bool
hf_listen_is_mapped (const hf_listen_t *self, const hf_endpoint_t *own)
{
    return self->client_port != own->client_port || self->node_port != own->node_port;
}
