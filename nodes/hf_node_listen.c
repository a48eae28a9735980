//  Where a node listens: the look-up of its own name, and its ports.

#include "broker-less/hf_names.h"
#include "broker-less/hf_resolver.h"
#include "nodes/actors/hf_clock.h"
#include "nodes/actors/hf_pipe.h"
#include "nodes/hf_node.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#define SAY_US 10000000 //  between two lines about a name that cannot be resolved

/*  One address of the node's own name, or why there is none, in WHY. Waits until TARGET has
 *  something to do. */
static void
s_look (hf_target_t *target, hf_resolver_t *resolver, int signals)
{
    char address[HF_ADDRESS_SIZE + 8];
    if (hf_target_next (target, hf_clock_us (), address) == HF_TARGET_LOOK)
        hf_resolver_ask (resolver, 0, target->host);
    struct pollfd items[] = {{.fd = signals, .events = POLLIN},
                             {.fd = hf_resolver_fd (resolver), .events = POLLIN}};
    uint64_t due_us = hf_target_due_us (target), most_us = hf_clock_us () + HF_LOOK_LONG_US;
    poll (items, 2, (int)hf_pipe_wait_ms (due_us < most_us ? due_us : most_us));
    hf_looked_t answer;
    while (hf_resolver_next (resolver, &answer)) {
        if (answer.found.count > 0)
            hf_target_found (target, &answer.found, hf_clock_us ());
        else
            hf_target_failed (target, answer.why, hf_clock_us ());
    }
}

/*  Look HOST up until that succeeds. 0; 1: a signal came. */
static int
s_resolve (hf_node_t *self, const char *host, hf_resolver_t *resolver, int signals)
{
    hf_target_t target;
    struct pollfd ends = {.fd = signals, .events = POLLIN};
    uint64_t said_us = 0;
    hf_target_init (&target, host, 1);
    while (target.found.count == 0) {
        char text[HF_ERROR_SIZE];
        if (poll (&ends, 1, 0) > 0)
            return 1;
        s_look (&target, resolver, signals);
        uint64_t now_us = hf_clock_us ();
        if (!hf_target_trouble (&target, now_us, text, sizeof text) ||
            (said_us != 0 && now_us < said_us + SAY_US))
            continue;
        said_us = now_us;
        hf_report (HF_WARN,
                   "%s; that is this node's own name, and it waits for its address (--listen "
                   "ADDRESS starts it without)",
                   text);
    }
    self->listen.at = target.found;
    return 0;
}

//  ---- ports ------------------------------------------------------------------------------

static void
s_read (const char *name, char *text, size_t size)
{
    char path[128];
    snprintf (path, sizeof path, "/proc/sys/net/ipv4/%s", name);
    FILE *file = fopen (path, "re");
    size_t got = file ? fread (text, 1, size - 1, file) : 0;
    text[got] = 0;
    if (file)
        fclose (file);
}

static void
s_warn_of_ports (const hf_listen_t *listen)
{
    char range[64], reserved[4096];
    s_read ("ip_local_port_range", range, sizeof range);
    s_read ("ip_local_reserved_ports", reserved, sizeof reserved);
    range[strcspn (range, "\n")] = 0;
    const uint16_t ports[] = {listen->client_port, listen->node_port};
    for (size_t i = 0; i < sizeof ports / sizeof *ports; i++)
        if (hf_port_is_ephemeral (ports[i], range, reserved))
            hf_report (
                HF_WARN,
                "port %u is one that the kernel gives to outgoing connections "
                "(net.ipv4.ip_local_port_range: %s): while this node is down any program may "
                "get it, and then the node cannot start; reserve it in "
                "net.ipv4.ip_local_reserved_ports, or choose a lower one",
                (unsigned)ports[i], range);
}

int
hf_node_listen (hf_node_t *self, const hf_options_t *options, int signals)
{
    const hf_endpoint_t *own = &self->own;
    char error[HF_ERROR_SIZE];
    self->listen = options->listen;
    if (hf_listen_complete (&self->listen, own, error) != 0) {
        fprintf (stderr, "holdfastd: %s\n", error);
        return -1;
    }
    s_warn_of_ports (&self->listen);
    if (self->listen.chosen) {
        hf_report (HF_INFO, "listens on %s, port %u for clients and port %u for nodes",
                   self->listen.at.text[0], (unsigned)self->listen.client_port,
                   (unsigned)self->listen.node_port);
        return 0;
    }
    if (!hf_host_is_name (own->host)) {
        self->listen.at.count = 1;
        snprintf (self->listen.at.text[0], HF_ADDRESS_SIZE, "%.63s", own->host);
        return 0;
    }
    hf_resolver_t *resolver = hf_resolver_new ();
    if (!resolver) {
        fprintf (stderr, "holdfastd: cannot look names up: %s\n", strerror (errno));
        return -1;
    }
    int rc = s_resolve (self, own->host, resolver, signals);
    hf_resolver_destroy (&resolver);
    return rc;
}
