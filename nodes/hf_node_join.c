//  Before a node binds: it asks members where they are, and what its own place is. One that joins
//  waits until a member says it. One whose log says it asks for a moment only: it may have been
//  moved while it was away.

#include "broker-less/hf_link.h"
#include "msgs/hf_host.h"
#include "nodes/actors/hf_clock.h"
#include "nodes/hf_node.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#define ASK_US       1000000  //  between two questions to a member that knows no place of this node
#define SAY_US       10000000 //  between two lines about what it waits for
#define FIRST_US     200000   //  one that may go by its log waits for connections as long ...
#define ANSWER_US    1000000  //  ... and for answers
#define CONTACTS_MAX (2 * HF_MEMBERS_MAX)

typedef struct contact {
    hf_endpoint_t place;
    hf_link_t *link;
    bool connected, answered;
    uint64_t ask_us; //  again; 0: now
} contact_t;

typedef struct joining {
    hf_node_t *node;
    void *context;
    hf_resolver_t *resolver;
    int signals;
    contact_t contact[CONTACTS_MAX];
    uint32_t count;
    uint64_t begun_us, now_us, heard_us, said_us, keys_us;
    bool found;
    bool told_other;
    bool removed; //  its log says so, and members that know as much do not name it either
} joining_t;

/*  Whether it cannot begin without an answer. */
static bool
s_waits (const joining_t *self)
{
    return self->node->own.id == 0;
}

/*  Now and then. */
static void
s_say (joining_t *self, const char *text)
{
    if (!s_waits (self) || (self->said_us != 0 && self->now_us < self->said_us + SAY_US))
        return;
    self->said_us = self->now_us;
    hf_report (HF_WARN, "%s", text);
}

//  ---- what a member says --------------------------------------------------------------

static bool
s_take_row (const hf_member_row_t *row, hf_endpoint_t *endpoint)
{
    if (hf_host_read (row->host, endpoint->host) != NULL || row->node == 0 ||
        row->node > UINT16_MAX || row->client_port == 0 || row->client_port > UINT16_MAX ||
        row->node_port == 0 || row->node_port > UINT16_MAX)
        return false;
    endpoint->id = row->node;
    endpoint->client_port = (uint16_t)row->client_port;
    endpoint->node_port = (uint16_t)row->node_port;
    return true;
}

/*  The members are the node's contacts, and its own row is its place, if that is news to its log.
 *  Whether it is. When the log names this very disk, a row that names another one is that of a
 * machine that took its place. A disk that the log does not name learns, or is to take the place of
 * another: it goes where the newest roster says. */
static bool
s_take (joining_t *self, const hf_query_result_t *result)
{
    hf_node_t *node = self->node;
    hf_scan_t scan = hf_scan_list (result->rows);
    hf_member_row_t row;
    hf_endpoint_t own = {.id = 0};
    hf_endpoints_t members = {.count = 0};
    for (uint32_t i = 0; i < result->rows.count && hf_member_row_get (&scan, &row); i++) {
        hf_endpoint_t endpoint;
        uint64_t disk = hf_log_store_incarnation (node->election.store);
        bool other_disk = row.node == node->id && !s_waits (self) && node->recorded == disk &&
                          row.incarnation != disk;
        if (!s_take_row (&row, &endpoint) || other_disk)
            continue;
        if (row.node == node->id)
            own = endpoint;
        hf_endpoints_add (&members, &endpoint);
    }
    if (own.id == 0 || members.count < 2 || result->index <= node->told_index)
        return false;
    node->own = own;
    node->told = members;
    node->told_index = result->index;
    if (node->cluster == 0)
        node->cluster = result->cluster;
    return true;
}

/*  What another cluster says is no news, as when its node has taken the place of a member. */
static bool
s_is_other_cluster (joining_t *self, const contact_t *contact, const hf_query_result_t *result)
{
    uint64_t own = self->node->cluster;
    if (own == 0 || result->cluster == 0 || result->cluster == own)
        return false;
    if (!self->told_other)
        hf_report (HF_ERROR,
                   "%s:%u is of cluster %016" PRIx64 " and this node of cluster %016" PRIx64
                   ": what it says does not count",
                   contact->place.host, (unsigned)contact->place.client_port, result->cluster, own);
    self->told_other = true;
    return true;
}

static void
s_heard (joining_t *self, contact_t *contact, hf_span_t frame)
{
    hf_scan_t scan;
    uint32_t kind;
    hf_query_result_t result;
    char text[HF_ERROR_SIZE];
    if (hf_frame_open (frame.at, frame.size, &scan, &kind) != HF_OK || kind != HF_KIND_RESULT ||
        !hf_query_result_get (&scan, &result))
        return;
    contact->answered = true;
    self->heard_us = self->now_us;
    if (s_is_other_cluster (self, contact, &result))
        return;
    if (s_take (self, &result)) {
        self->found = true;
        return;
    }
    self->removed = self->node->left && result.index >= self->node->roster_index;
    if (self->removed)
        return;
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
}

//  ---- asking ------------------------------------------------------------------------------

static void
s_ask (joining_t *self, contact_t *contact)
{
    hf_pack_t frame;
    hf_pack_init (&frame);
    hf_query_frame (&frame, &(hf_query_t){.id = 1, .what = HF_WHAT_MEMBERS});
    hf_link_send (contact->link, hf_pack_bytes (&frame), hf_pack_size (&frame));
    hf_pack_done (&frame);
    contact->ask_us = self->now_us + ASK_US;
}

static void
s_turn (joining_t *self, contact_t *contact)
{
    hf_span_t bytes;
    hf_link_event_type_t event;
    while ((event = hf_link_next (contact->link, self->now_us, &bytes)) != HF_LINK_NONE) {
        if (event == HF_LINK_FRAME)
            s_heard (self, contact, bytes);
        else
            contact->connected = event == HF_LINK_CONNECTED;
        contact->ask_us = event == HF_LINK_CONNECTED ? 0 : contact->ask_us;
    }
    if (contact->connected && self->now_us >= contact->ask_us)
        s_ask (self, contact);
}

/*  All that can be expected to answer have, or it has taken too long. */
static bool
s_enough (const joining_t *self)
{
    uint32_t silent = 0, answered = 0;
    for (uint32_t i = 0; i < self->count; i++) {
        silent += self->contact[i].connected && !self->contact[i].answered;
        answered += self->contact[i].answered;
    }
    if (s_waits (self))
        return false;
    return answered == self->count || self->now_us >= self->begun_us + ANSWER_US ||
           (silent == 0 && self->now_us >= self->begun_us + FIRST_US);
}

/*  Nothing is heard: SILENT says so; and why, if that is known. */
static void
s_say_silent (joining_t *self, const char *silent)
{
    char text[HF_ERROR_SIZE], why[HF_ERROR_SIZE / 2];
    snprintf (text, sizeof text, "%.240s", silent);
    for (uint32_t i = 0; i < self->count; i++) {
        if (!hf_link_trouble (self->contact[i].link, self->now_us, why, sizeof why))
            continue;
        snprintf (text, sizeof text, "%.240s: %s", silent, why);
        break;
    }
    s_say (self, text);
}

/*  The member to ask may have a new key. */
static void
s_look_at_keys (joining_t *self)
{
    if (!self->node->keys || self->now_us < self->keys_us)
        return;
    self->keys_us = self->now_us + ASK_US;
    hf_keys_refresh (self->node->keys, NULL, NULL);
}

/*  0: its place is known; 1: a signal came, or it was removed. */
static int
s_wait (joining_t *self)
{
    hf_looked_t answer;
    char silent[HF_ERROR_SIZE];
    snprintf (silent, sizeof silent, "hears nothing of %.200s, a member of the cluster to join",
              self->node->list);
    self->begun_us = self->heard_us = self->now_us = hf_clock_us ();
    while (!self->found && !self->removed && !s_enough (self)) {
        zmq_pollitem_t items[2 + CONTACTS_MAX * HF_LINK_SOCKETS] = {
            {.fd = self->signals, .events = ZMQ_POLLIN},
            {.fd = hf_resolver_fd (self->resolver), .events = ZMQ_POLLIN}};
        int count = 2;
        for (uint32_t i = 0; i < self->count; i++) {
            void *sockets[HF_LINK_SOCKETS];
            hf_link_sockets (self->contact[i].link, sockets);
            for (size_t k = 0; k < HF_LINK_SOCKETS; k++)
                items[count++] = (zmq_pollitem_t){.socket = sockets[k], .events = ZMQ_POLLIN};
        }
        zmq_poll (items, count, FIRST_US / 4000);
        if (items[0].revents != 0)
            return 1;
        self->now_us = hf_clock_us ();
        s_look_at_keys (self);
        while (hf_resolver_next (self->resolver, &answer))
            hf_link_resolved (self->contact[answer.tag].link, &answer, self->now_us);
        for (uint32_t i = 0; i < self->count && !self->found; i++)
            s_turn (self, &self->contact[i]);
        if (self->now_us >= self->heard_us + 2 * ASK_US)
            s_say_silent (self, silent);
    }
    if (self->removed)
        hf_node_say_removed (self->node);
    return self->removed ? 1 : 0;
}

//  ---- whom ----------------------------------------------------------------------------------

static void
s_add (joining_t *self, const hf_endpoint_t *place)
{
    for (uint32_t i = 0; i < self->count; i++) {
        const hf_endpoint_t *known = &self->contact[i].place;
        if (strcmp (known->host, place->host) == 0 && known->client_port == place->client_port)
            return;
    }
    if (place->id != self->node->id && self->count < CONTACTS_MAX)
        self->contact[self->count++].place = *place;
}

/*  The others in the log and in the list; of a node that joins, whom it was told to ask. */
static void
s_find_contacts (joining_t *self)
{
    const hf_node_t *node = self->node;
    hf_endpoint_t named = {.id = 0};
    if (node->joins && hf_endpoint_parse_place (&named, node->list))
        s_add (self, &named);
    for (uint32_t i = 0; i < node->told.count; i++)
        s_add (self, &node->told.node[i]);
    for (uint32_t i = 0; i < node->endpoints.count; i++)
        s_add (self, &node->endpoints.node[i]);
}

static int
s_open (joining_t *self)
{
    self->context = zmq_ctx_new ();
    self->resolver = hf_resolver_new ();
    for (uint32_t i = 0; i < self->count && self->resolver; i++) {
        contact_t *contact = &self->contact[i];
        contact->link = hf_link_new (self->context, &contact->place, self->resolver, i);
        if (!contact->link)
            break;
        if (self->node->keys)
            hf_link_secure (contact->link, self->node->keys);
    }
    if (self->resolver && (self->count == 0 || self->contact[self->count - 1].link))
        return 0;
    fprintf (stderr, "holdfastd: cannot ask other members: %s\n", strerror (errno));
    return -1;
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
    joining_t joining = {.node = self, .signals = signals};
    if (!self->joins && self->roster_index == 0)
        return 0;
    s_find_contacts (&joining);
    if (joining.count == 0)
        return 0;
    int rc = s_open (&joining);
    if (rc == 0)
        rc = s_wait (&joining);
    for (uint32_t i = 0; i < joining.count; i++)
        hf_link_destroy (&joining.contact[i].link);
    if (joining.resolver)
        hf_resolver_destroy (&joining.resolver);
    zmq_ctx_term (joining.context);
    for (uint32_t i = 0; i < self->told.count && self->joins; i++) {
        if (self->told.node[i].id != self->id)
            hf_endpoints_add (&self->endpoints, &self->told.node[i]);
    }
    if (rc == 0 && joining.found && self->roster_index != 0)
        hf_report (HF_INFO, "the members have changed meanwhile: this node is at %s:%u:%u",
                   self->own.host, (unsigned)self->own.client_port, (unsigned)self->own.node_port);
    return rc;
}
