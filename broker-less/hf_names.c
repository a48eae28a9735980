//  Names of a cluster list that cannot be right, and ports that the kernel gives away.

#include "broker-less/hf_names.h"
#include "base/hf_mutant.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

static bool
s_is_loopback (const char *address)
{
    return strncmp (address, "127.", 4) == 0 || strcmp (address, "[::1]") == 0;
}

/*  Every address of the machine. */
static bool
s_is_any (const char *address)
{
    return strcmp (address, "0.0.0.0") == 0 || strcmp (address, "[::]") == 0;
}

void
hf_names_add (char *text, const char *sentence)
{
    size_t used = strlen (text);
    snprintf (text + used, HF_NAMES_TEXT_SIZE - used, "%s%s", used > 0 ? "; " : "", sentence);
}

//  ---- loopback among other machines --------------------------------------------------

/*  An address at which other machines may reach it; NULL: there is none. */
static const char *
s_outside (const hf_addresses_t *addresses)
{
    for (uint32_t i = 0; i < addresses->count; i++)
        if (!s_is_loopback (addresses->text[i]))
            return addresses->text[i];
    return NULL;
}

/*  Whether it can be reached from its own machine only. */
static bool
s_inside (const hf_addresses_t *addresses)
{
    return addresses->count > 0 && !s_outside (addresses);
}

static void
s_judge_own (const hf_endpoints_t *list, const hf_addresses_t *addresses, uint32_t self,
             bool chosen, char *text)
{
    const hf_endpoint_t *own = &list->node[self];
    for (uint32_t i = 0; i < list->count; i++) {
        const char *outside = s_outside (&addresses[i]);
        if (i == self || !outside || HF_MUTANT (loopback_unseen))
            continue;
        char line[HF_NAMES_TEXT_SIZE];
        const char *address = addresses[self].text[0];
        if (chosen || !hf_host_is_name (own->host))
            snprintf (line, sizeof line,
                      "this node listens on %s, where other machines cannot reach it, and node %u "
                      "is at %s: start it with another --listen ADDRESS",
                      address, list->node[i].id, outside);
        else
            snprintf (line, sizeof line,
                      "%.100s, this node's own name, stands for %s, where other machines cannot "
                      "reach it, and node %u is at %s: take the name out of the line \"%s\" in "
                      "/etc/hosts, or start this node with --listen ADDRESS",
                      own->host, address, list->node[i].id, outside, address);
        hf_names_add (text, line);
        return;
    }
}

/*  Names of others that stand for this machine, when this node or a third one is elsewhere. */
static void
s_judge_peers (const hf_endpoints_t *list, const hf_addresses_t *addresses, uint32_t self,
               char *text)
{
    bool elsewhere = false;
    for (uint32_t i = 0; i < list->count; i++)
        elsewhere = elsewhere || s_outside (&addresses[i]);
    for (uint32_t i = 0; elsewhere && i < list->count; i++) {
        if (i == self || !s_inside (&addresses[i]))
            continue;
        char line[HF_NAMES_TEXT_SIZE];
        snprintf (line, sizeof line,
                  "%.100s, node %u, stands for %s, which is this machine: look for the name in "
                  "/etc/hosts",
                  list->node[i].host, list->node[i].id, addresses[i].text[0]);
        hf_names_add (text, line);
    }
}

//  ---- two nodes in one place -----------------------------------------------------------

static const char *
s_shared (const hf_addresses_t *a, const hf_addresses_t *b)
{
    for (uint32_t i = 0; i < a->count; i++)
        for (uint32_t k = 0; k < b->count; k++)
            if (strcmp (a->text[i], b->text[k]) == 0 && !s_is_any (a->text[i]))
                return a->text[i];
    return NULL;
}

static uint16_t
s_shared_port (const hf_endpoint_t *a, const hf_endpoint_t *b)
{
    if (a->node_port == b->node_port || a->node_port == b->client_port)
        return a->node_port;
    return a->client_port == b->client_port || a->client_port == b->node_port ? a->client_port : 0;
}

static void
s_judge_pairs (const hf_endpoints_t *list, const hf_addresses_t *addresses, char *text)
{
    for (uint32_t i = 0; i < list->count; i++) {
        for (uint32_t k = i + 1; k < list->count; k++) {
            const char *address = s_shared (&addresses[i], &addresses[k]);
            uint16_t port = s_shared_port (&list->node[i], &list->node[k]);
            if (!address || port == 0)
                continue;
            char line[HF_NAMES_TEXT_SIZE];
            snprintf (line, sizeof line, "nodes %u (%.100s) and %u (%.100s) are both at %s:%u",
                      list->node[i].id, list->node[i].host, list->node[k].id, list->node[k].host,
                      address, port);
            hf_names_add (text, line);
        }
    }
}

void
hf_names_judge (const hf_endpoints_t *list, const hf_addresses_t *addresses, uint32_t self,
                bool chosen, char *text)
{
    assert (self < list->count);
    text[0] = 0;
    if (s_inside (&addresses[self]))
        s_judge_own (list, addresses, self, chosen, text);
    else
        s_judge_peers (list, addresses, self, text);
    s_judge_pairs (list, addresses, text);
}

//  ---- the kernel's ports ------------------------------------------------------------------

/*  The number at *AT, which then is behind it and one separator. */
static uint32_t
s_number (const char **at)
{
    uint32_t value = 0;
    for (; **at >= '0' && **at <= '9'; (*at)++)
        value = value * 10 + (uint32_t)(**at - '0');
    *at += **at == ',' || **at == '\t' || **at == ' ';
    return value;
}

bool
hf_port_is_ephemeral (uint16_t port, const char *range, const char *reserved)
{
    uint32_t low = s_number (&range), high = s_number (&range);
    if (port < low || port > high)
        return false;
    //  PORT[-PORT],...
    while (*reserved >= '0' && *reserved <= '9') {
        uint32_t first = s_number (&reserved), last = first;
        if (*reserved == '-') {
            reserved++;
            last = s_number (&reserved);
        }
        if (port >= first && port <= last)
            return HF_MUTANT (reserved_unread);
    }
    return true;
}
