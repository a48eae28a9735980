//  The list that names a cluster: parsed, checked, and written in its canonical form.

#include "broker-less/hf_endpoints.h"
#include "msgs/hf_host.h"
#include <assert.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CLIENT_PORT_DEFAULT 8080
#define NODE_PORT_DEFAULT   8081
#define ID_MAX              65535
#define QUOTED_MAX          80 //  bytes of a wrong part that are shown

//  ---- telling what is wrong ---------------------------------------------------

/*  The part that is read: its number, counted from 1, and its text. */
typedef struct part {
    unsigned number;
    const char *at;
    size_t size;
} part_t;

static int s_wrong (const part_t *part, char *error, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

static int
s_wrong (const part_t *part, char *error, const char *format, ...)
{
    char quoted[QUOTED_MAX + 1];
    size_t shown = part->size < QUOTED_MAX ? part->size : QUOTED_MAX;
    for (size_t i = 0; i < shown; i++)
        quoted[i] = isprint ((unsigned char)part->at[i]) ? part->at[i] : '?';
    quoted[shown] = 0;

    char why[HF_ERROR_SIZE - QUOTED_MAX - 40];
    va_list args;
    va_start (args, format);
    vsnprintf (why, sizeof (why), format, args);
    va_end (args);
    return hf_error_set (error, "endpoint %u \"%s%s\": %s", part->number, quoted,
                         shown < part->size ? "..." : "", why);
}

//  ---- one part: id@host:client:node -------------------------------------------

/*  A decimal number of 1 to 65535 in SIZE bytes; 0 when it is none. */
static uint32_t
s_number (const char *at, size_t size)
{
    uint32_t value = 0;
    if (size == 0 || size > 5)
        return 0;
    for (size_t i = 0; i < size; i++) {
        if (!isdigit ((unsigned char)at[i]))
            return 0;
        value = value * 10 + (uint32_t)(at[i] - '0');
    }
    return value <= ID_MAX ? value : 0;
}

/*  The port that *AT stands before, as ":port", or the default at the end of the part. */
static int
s_parse_port (const part_t *part, const char **at, uint16_t *port, const char *whose, char *error)
{
    const char *end = part->at + part->size;
    if (*at == end)
        return 0;
    assert (**at == ':');
    const char *first = *at + 1;
    const char *colon = memchr (first, ':', (size_t)(end - first));
    const char *last = colon == NULL ? end : colon;
    uint32_t value = s_number (first, (size_t)(last - first));
    if (value == 0)
        return s_wrong (part, error, "the %s port must be 1 to 65535", whose);
    *port = (uint16_t)value;
    *at = last;
    return 0;
}

/*  HOST[:CLIENT-PORT[:NODE-PORT]] from HOST to the end of the part. A port that is left out stays
 * as it is. */
static int
s_parse_place (hf_endpoint_t *self, const part_t *part, const char *host, char *error)
{
    const char *end = part->at + part->size;
    const char *at = host;
    if (at < end && *at == '[') {
        const char *close = memchr (at, ']', (size_t)(end - at));
        if (close == NULL)
            return s_wrong (part, error, "the [ has no ]");
        at = close + 1;
        if (at < end && *at != ':')
            return s_wrong (part, error, "after the ] must come : and a port, or nothing");
    } else {
        const char *colon = memchr (at, ':', (size_t)(end - at));
        at = colon == NULL ? end : colon;
    }
    const char *wrong = hf_host_read (hf_span (host, (size_t)(at - host)), self->host);
    if (wrong != NULL)
        return s_wrong (part, error, "%s", wrong);
    if (s_parse_port (part, &at, &self->client_port, "client", error) != 0 ||
        s_parse_port (part, &at, &self->node_port, "node", error) != 0)
        return -1;
    if (at != end)
        return s_wrong (part, error, "more than two ports; an IPv6 address goes in [ ]");
    return 0;
}

static int
s_parse_part (hf_endpoint_t *self, const part_t *part, char *error)
{
    const char *sign = memchr (part->at, '@', part->size);
    if (sign == NULL)
        return s_wrong (part, error, "not of the form id@host:clientport:nodeport");
    self->id = s_number (part->at, (size_t)(sign - part->at));
    if (self->id == 0)
        return s_wrong (part, error, "the id before @ must be 1 to 65535");
    self->client_port = CLIENT_PORT_DEFAULT;
    self->node_port = NODE_PORT_DEFAULT;
    if (s_parse_place (self, part, sign + 1, error) != 0)
        return -1;
    if (self->client_port == self->node_port)
        return s_wrong (part, error, "clients and nodes cannot share port %u", self->node_port);
    return 0;
}

bool
hf_endpoint_parse_place (hf_endpoint_t *self, const char *text)
{
    assert (self && text);
    char error[HF_ERROR_SIZE];
    hf_endpoint_t place = *self;
    part_t part = {.number = 1, .at = text, .size = strlen (text)};
    if (s_parse_place (&place, &part, text, error) != 0)
        return false;
    *self = place;
    return true;
}

//  ---- the list ------------------------------------------------------------------

static bool
s_ports_clash (const hf_endpoint_t *a, const hf_endpoint_t *b)
{
    return strcmp (a->host, b->host) == 0 &&
           (a->client_port == b->client_port || a->client_port == b->node_port ||
            a->node_port == b->client_port || a->node_port == b->node_port);
}

/*  Put it in its place by id; there is room for it. */
static void
s_place (hf_endpoints_t *self, const hf_endpoint_t *endpoint)
{
    assert (self->count < HF_MEMBERS_MAX);
    uint32_t place = self->count;
    for (; place > 0 && self->node[place - 1].id > endpoint->id; place--)
        self->node[place] = self->node[place - 1];
    self->node[place] = *endpoint;
    self->count++;
}

/*  The same; -1 when it cannot stand beside those that are there. */
static int
s_insert (hf_endpoints_t *self, const hf_endpoint_t *endpoint, const part_t *part, char *error)
{
    if (self->count == HF_MEMBERS_MAX)
        return s_wrong (part, error, "more than %d endpoints", HF_MEMBERS_MAX);
    for (uint32_t i = 0; i < self->count; i++) {
        if (self->node[i].id == endpoint->id)
            return s_wrong (part, error, "the id %u is there twice", endpoint->id);
        if (s_ports_clash (&self->node[i], endpoint))
            return s_wrong (part, error, "a port that node %u has on the same host",
                            self->node[i].id);
    }
    s_place (self, endpoint);
    return 0;
}

/*  The part that begins at TEXT, without blanks around it, as scripts leave them. */
static part_t
s_part (unsigned number, const char *text)
{
    part_t part = {.number = number, .at = text, .size = strcspn (text, ",")};
    while (part.size > 0 && isspace ((unsigned char)part.at[0])) {
        part.at++;
        part.size--;
    }
    while (part.size > 0 && isspace ((unsigned char)part.at[part.size - 1]))
        part.size--;
    return part;
}

int
hf_endpoints_parse (hf_endpoints_t *self, const char *text, char *error)
{
    assert (self && text && error);
    hf_endpoints_t list = {.count = 0};
    error[0] = 0;
    for (unsigned number = 1; text != NULL; number++) {
        const char *comma = strchr (text, ',');
        part_t part = s_part (number, text);
        hf_endpoint_t endpoint = {.id = 0};
        if (part.size == 0 && comma == NULL && list.count > 0)
            break; //  a comma at the end
        if (part.size == 0 && comma == NULL)
            return hf_error_set (error, "the list of endpoints is empty");
        if (s_parse_part (&endpoint, &part, error) != 0 ||
            s_insert (&list, &endpoint, &part, error) != 0)
            return -1;
        text = comma == NULL ? NULL : comma + 1;
    }
    assert (list.count > 0 && list.count <= HF_MEMBERS_MAX);
    *self = list;
    return 0;
}

int
hf_endpoints_check_cluster (const hf_endpoints_t *self, char *error)
{
    assert (self && error);
    error[0] = 0;
    if (self->count % 2 == 1 && self->count <= HF_MEMBERS_MAX)
        return 0;
    hf_error_set (error, "a cluster has 1, 3, 5 or 7 nodes; the list names %u", self->count);
    return -1;
}

//  ---- members ---------------------------------------------------------------------

static bool
s_read_seat (hf_endpoint_t *self, const hf_seat_t *seat)
{
    char text[HF_HOST_MAX + 32], error[HF_ERROR_SIZE];
    if (seat->host.size == 0 || seat->host.size > HF_HOST_MAX ||
        memchr (seat->host.at, 0, seat->host.size) != NULL)
        return false;
    int size = snprintf (text, sizeof (text), "%u@%.*s:%u:%u", seat->node, (int)seat->host.size,
                         (const char *)seat->host.at, seat->client_port, seat->node_port);
    assert (size > 0 && (size_t)size < sizeof (text));
    part_t part = {.number = 1, .at = text, .size = (size_t)size};
    return s_parse_part (self, &part, error) == 0;
}

uint32_t
hf_endpoints_of_roster (hf_endpoints_t *self, const hf_roster_t *roster)
{
    assert (self && roster && roster->count <= HF_MEMBERS_MAX);
    *self = (hf_endpoints_t){.count = 0};
    for (uint32_t i = 0; i < roster->count; i++) {
        hf_endpoint_t endpoint = {.id = 0};
        if (s_read_seat (&endpoint, &roster->members[i]))
            hf_endpoints_add (self, &endpoint);
    }
    return roster->count - self->count;
}

void
hf_endpoints_add (hf_endpoints_t *self, const hf_endpoint_t *endpoint)
{
    assert (self && endpoint);
    if (self->count < HF_MEMBERS_MAX && hf_endpoints_find (self, endpoint->id) == NULL)
        s_place (self, endpoint);
}

const hf_endpoint_t *
hf_endpoints_find (const hf_endpoints_t *self, uint32_t id)
{
    assert (self);
    for (uint32_t i = 0; i < self->count; i++) {
        if (self->node[i].id == id)
            return &self->node[i];
    }
    return NULL;
}

void
hf_endpoints_text (const hf_endpoints_t *self, char *text)
{
    assert (self && text);
    size_t used = 0;
    text[0] = 0;
    for (uint32_t i = 0; i < self->count; i++) {
        const hf_endpoint_t *node = &self->node[i];
        int added =
            snprintf (text + used, HF_ENDPOINTS_TEXT_SIZE - used, "%s%u@%s:%u:%u", i > 0 ? "," : "",
                      node->id, node->host, node->client_port, node->node_port);
        assert (added > 0);
        used += (size_t)added;
        assert (used < HF_ENDPOINTS_TEXT_SIZE);
    }
}
