//  Links as proxies: a port for each link, on 127.0.0.1.

#include "tests/kit/hf_ports.h"
#include "tests/cluster/torture/links_internal.h"
#include "tests/cluster/torture/streams.h"
#include "base/hf_alloc.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define S_STREAMS_MAX 512
#define S_DOORS_MAX   (HF_ENDS_MAX * 7)
#define S_TEXT_SIZE   600

/*  Where connections of FROM to TO arrive. */
typedef struct s_door {
    unsigned from, to;
    int fd;
    hf_port_t port;
    uint16_t target; //  where TO listens
} s_door_t;

typedef struct s_proxies {
    s_door_t door[S_DOORS_MAX];
    unsigned doors;
    hf_stream_t *stream[S_STREAMS_MAX];
    unsigned streams;
    char list[HF_CREW_MAX + 1][S_TEXT_SIZE]; //  by client
    char ports[8][S_TEXT_SIZE];              //  by node: for the shim
    char preload[S_TEXT_SIZE];
    const char *variables[8][4];
} s_proxies_t;

static void
s_close (hf_links_t *self)
{
    s_proxies_t *own = self->own;
    for (unsigned i = 0; i < own->streams; i++)
        hf_stream_destroy (&own->stream[i]);
    for (unsigned i = 0; i < own->doors; i++) {
        close (own->door[i].fd);
        hf_port_give_back (&own->door[i].port);
    }
    free (own);
}

//  ---- doors ------------------------------------------------------------------------

static uint16_t
s_add_door (s_proxies_t *own, unsigned from, unsigned to, uint16_t target)
{
    assert (own->doors < S_DOORS_MAX);
    s_door_t *door = &own->door[own->doors++];
    *door = (s_door_t){.from = from, .to = to, .target = target, .port = hf_port_take ()};
    door->fd = hf_port_listen (door->port.number, SOCK_NONBLOCK);
    assert (door->fd >= 0);
    return door->port.number;
}

static size_t
s_add_text (char *text, size_t size, const char *more)
{
    size_t room = S_TEXT_SIZE - size;
    assert (strlen (more) < room);
    memcpy (text + size, more, strlen (more) + 1);
    return size + strlen (more);
}

/*  The ports by which node FROM reaches the other nodes. */
static void
s_wire_node (hf_links_t *self, hf_cluster_t *cluster, unsigned from)
{
    s_proxies_t *own = self->own;
    char word[64];
    size_t size = s_add_text (own->ports[from], 0, "HF_SHIM_PORTS=");
    for (unsigned to = 1; to <= self->nodes; to++) {
        if (to == from)
            continue;
        uint16_t target = hf_cluster_node_port (cluster, to);
        snprintf (word, sizeof word, "%u=%u,", target, s_add_door (own, from, to, target));
        size = s_add_text (own->ports[from], size, word);
    }
    snprintf (own->preload, sizeof own->preload, "LD_PRELOAD=%s", hf_beside ("libtorture-shim.so"));
    own->variables[from][0] = own->preload;
    //  The address sanitizer wants to be loaded first; the shim does nothing that it would miss.
    own->variables[from][1] = "ASAN_OPTIONS=verify_asan_link_order=0";
    own->variables[from][2] = own->ports[from];
    hf_cluster_set_environment (cluster, from, own->variables[from]);
}

static void
s_wire_client (hf_links_t *self, const hf_cluster_t *cluster, unsigned client)
{
    s_proxies_t *own = self->own;
    char word[96];
    size_t size = 0;
    for (unsigned to = 1; to <= self->nodes; to++) {
        uint16_t port =
            s_add_door (own, self->nodes + client, to, hf_cluster_client_port (cluster, to));
        snprintf (word, sizeof word, "%s%u@127.0.0.1:%u:%u", to > 1 ? "," : "", to, port,
                  hf_cluster_node_port (cluster, to));
        size = s_add_text (own->list[client], size, word);
    }
}

static hf_cluster_t *
s_open (hf_links_t *self, char why[HF_WHY_SIZE])
{
    (void)why; //  it says why there are no namespaces
    s_proxies_t *own = self->own = hf_alloc (sizeof *own);
    hf_cluster_t *cluster = hf_cluster_new (self->nodes);
    for (unsigned id = 1; id <= self->nodes; id++)
        s_wire_node (self, cluster, id);
    for (unsigned client = 1; client <= self->clients; client++) {
        s_wire_client (self, cluster, client);
        self->place[client].list = own->list[client];
    }
    return cluster;
}

//  ---- the thread -------------------------------------------------------------------

static void
s_accept (s_proxies_t *own, const s_door_t *door)
{
    int fd = accept4 (door->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    if (own->streams == S_STREAMS_MAX)
        close (fd);
    else
        own->stream[own->streams++] = hf_stream_new (fd, door->from, door->to, door->target);
}

static void
s_carry (hf_links_t *self, int wait_ms)
{
    s_proxies_t *own = self->own;
    struct pollfd wait[S_DOORS_MAX + 2 * S_STREAMS_MAX];
    unsigned doors = own->doors, streams = own->streams;
    for (unsigned i = 0; i < doors; i++)
        wait[i] = (struct pollfd){.fd = own->door[i].fd, .events = POLLIN};
    for (unsigned i = 0; i < streams; i++)
        hf_stream_prepare (own->stream[i], self, wait + doors + 2 * i, &wait_ms);
    if (poll (wait, doors + 2 * streams, wait_ms) < 0)
        return;
    unsigned kept = 0;
    for (unsigned i = 0; i < streams; i++) {
        if (hf_stream_carry (own->stream[i], self, wait + doors + 2 * i))
            own->stream[kept++] = own->stream[i];
        else
            hf_stream_destroy (&own->stream[i]);
    }
    own->streams = kept;
    for (unsigned i = 0; i < doors; i++) {
        if (wait[i].revents & POLLIN)
            s_accept (own, &own->door[i]);
    }
}

const hf_links_class_t hf_links_proxies = {HF_LINKS_PROXIES, s_open, s_carry, s_close};
