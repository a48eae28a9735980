//  A node that joins a cluster: it asks a member where the members are, and what its own place is.
//  Its log may know that as well, but be behind: of the time before it was moved or replaced.

#include "nodes/actors/hf_clock.h"
#include "nodes/actors/hf_pipe.h"
#include "nodes/hf_node.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#define ASK_MS   1000
#define AGAIN_MS 20   //  while no connection is there
#define KNOWN_MS 2000 //  who knows a place of its own goes on with that when nobody answers so long
#define SAY_US   10000000 //  between two lines about what it waits for

typedef struct joining {
    hf_node_t *node;
    void *context, *socket;
    int signals;
    bool known;        //  its log says a place
    bool removed;      //  its log says so, and the member that it asks knows it no more either
    uint64_t asked;    //  questions
    uint64_t heard_us; //  of an answer, or since the start
    uint64_t said_us;
} joining_t;

/*  Now and then. */
static void
s_say (joining_t *self, const char *text)
{
    if (self->said_us != 0 && hf_clock_us () < self->said_us + SAY_US)
        return;
    self->said_us = hf_clock_us ();
    hf_report (HF_WARN, "%s", text);
}

//  ---- what a member says --------------------------------------------------------------

static bool
s_take_row (const hf_member_row_t *row, hf_endpoint_t *endpoint)
{
    if (row->host.size == 0 || row->host.size > HF_HOST_MAX || row->node == 0 ||
        row->node > UINT16_MAX || row->client_port == 0 || row->client_port > UINT16_MAX ||
        row->node_port == 0 || row->node_port > UINT16_MAX)
        return false;
    endpoint->id = row->node;
    memcpy (endpoint->host, row->host.at, row->host.size);
    endpoint->host[row->host.size] = 0;
    endpoint->client_port = (uint16_t)row->client_port;
    endpoint->node_port = (uint16_t)row->node_port;
    return true;
}

/*  The members are the node's contacts, and its own row is its place. Whether it has one. */
static bool
s_take (joining_t *self, const hf_query_result_t *result)
{
    hf_node_t *node = self->node;
    hf_scan_t scan = hf_scan_list (result->rows);
    hf_member_row_t row;
    bool found = false;
    node->endpoints.count = 0;
    for (uint32_t i = 0; i < result->rows.count && hf_member_row_get (&scan, &row); i++) {
        hf_endpoint_t endpoint;
        if (!s_take_row (&row, &endpoint))
            continue;
        if (row.node == node->id) {
            node->own = endpoint;
            found = true;
        } else
            hf_endpoints_add (&node->endpoints, &endpoint);
    }
    return found && node->endpoints.count > 0;
}

/*  Whether FRAME tells this node its place, or that its log knows better, or that it was removed.
 */
static bool
s_heard (joining_t *self, hf_span_t frame)
{
    hf_scan_t scan;
    uint32_t kind;
    hf_query_result_t result;
    char text[HF_ERROR_SIZE];
    if (hf_frame_open (frame.at, frame.size, &scan, &kind) != HF_OK || kind != HF_KIND_RESULT ||
        !hf_query_result_get (&scan, &result) || result.id != self->asked)
        return false;
    self->heard_us = hf_clock_us ();
    if (self->known && result.index <= self->node->roster_index)
        return true;
    if (s_take (self, &result) || self->known)
        return true;
    self->removed = self->node->left && result.index >= self->node->roster_index;
    if (self->removed)
        return true;
    if (result.number == 0)
        snprintf (text, sizeof text,
                  "the cluster cannot take members yet: raise its feature level first, with "
                  "'holdfast upgrade'");
    else
        snprintf (text, sizeof text,
                  "waits to be added to the cluster: 'holdfast members add "
                  "%u@HOST:CLIENT-PORT:NODE-PORT' does it",
                  self->node->id);
    s_say (self, text);
    return false;
}

//  ---- asking ------------------------------------------------------------------------------

/*  Whether there was somebody to ask. */
static bool
s_ask (joining_t *self)
{
    hf_pack_t frame;
    hf_pack_init (&frame);
    hf_query_frame (&frame, &(hf_query_t){.id = ++self->asked, .what = HF_WHAT_MEMBERS});
    bool sent =
        zmq_send (self->socket, hf_pack_bytes (&frame), hf_pack_size (&frame), ZMQ_DONTWAIT) >= 0;
    hf_pack_done (&frame);
    return sent;
}

/*  The last part of a message that waits is the frame. */
static bool
s_read (joining_t *self)
{
    zmq_msg_t message;
    zmq_msg_init (&message);
    bool found = false;
    while (!found && zmq_msg_recv (&message, self->socket, ZMQ_DONTWAIT) >= 0) {
        if (!zmq_msg_more (&message))
            found = s_heard (self, hf_span (zmq_msg_data (&message), zmq_msg_size (&message)));
    }
    zmq_msg_close (&message);
    return found;
}

/*  0: its place is known; 1: a signal came, or it was removed. */
static int
s_wait (joining_t *self)
{
    uint64_t ask_us = 0, start_us = hf_clock_us ();
    char silent[HF_ERROR_SIZE];
    snprintf (silent, sizeof silent, "hears nothing of %.200s, a member of the cluster to join",
              self->node->list);
    self->heard_us = start_us;
    for (;;) {
        uint64_t now_us = hf_clock_us ();
        if (now_us >= ask_us)
            ask_us = now_us + (s_ask (self) ? ASK_MS : AGAIN_MS) * 1000u;
        zmq_pollitem_t items[] = {{.socket = self->socket, .events = ZMQ_POLLIN},
                                  {.fd = self->signals, .events = ZMQ_POLLIN}};
        int ready = zmq_poll (items, 2, hf_pipe_wait_ms (ask_us));
        if (items[1].revents != 0)
            return 1;
        if (ready > 0 && s_read (self))
            return self->removed ? 1 : 0;
        now_us = hf_clock_us ();
        if (self->known && now_us >= start_us + KNOWN_MS * 1000)
            return 0;
        if (now_us >= self->heard_us + 2 * ASK_MS * 1000)
            s_say (self, silent);
    }
}

/*  Who knows other members by its log asks any of them. */
static void
s_connect_others (const joining_t *self)
{
    const hf_endpoints_t *members = &self->node->members;
    for (uint32_t i = 0; self->known && i < members->count; i++) {
        const hf_endpoint_t *member = &members->node[i];
        char address[HF_HOST_MAX + 32];
        bool bare = strchr (member->host, ':') != NULL;
        snprintf (address, sizeof address, "tcp://%s%s%s:%u", bare ? "[" : "", member->host,
                  bare ? "]" : "", (unsigned)member->client_port);
        if (member->id != self->node->id)
            zmq_connect (self->socket, address); //  if it cannot, the others are left
    }
}

void
hf_node_say_removed (const hf_node_t *self)
{
    fprintf (stderr,
             "holdfastd: node %u was removed from the cluster: it ends. Its data folder can be "
             "deleted.\n",
             self->id);
}

int
hf_node_join (hf_node_t *self, int signals)
{
    char address[sizeof self->list + 8];
    if (!self->joins)
        return 0;
    joining_t joining = {
        .node = self, .signals = signals, .known = self->own.id != 0, .context = zmq_ctx_new ()};
    joining.socket = zmq_socket (joining.context, ZMQ_DEALER);
    int no = 0, yes = 1;
    zmq_setsockopt (joining.socket, ZMQ_LINGER, &no, sizeof no);
    zmq_setsockopt (joining.socket, ZMQ_IPV6, &yes, sizeof yes);
    zmq_setsockopt (joining.socket, ZMQ_IMMEDIATE, &yes, sizeof yes);
    snprintf (address, sizeof address, "tcp://%s", self->list);
    int rc = 1;
    if (zmq_connect (joining.socket, address) == 0) {
        s_connect_others (&joining);
        rc = s_wait (&joining);
    } else {
        fprintf (stderr, "holdfastd: cannot connect to %s: %s\n", self->list,
                 zmq_strerror (zmq_errno ()));
        rc = -1;
    }
    zmq_close (joining.socket);
    zmq_ctx_term (joining.context);
    if (joining.removed)
        hf_node_say_removed (self);
    return rc;
}
