//  holdfast status: the facts of every node.

#include "broker-less/hf_endpoints.h"
#include "client/tool/tool.h"
#include "msgs/hf_facts.h"
#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define STATUS_TIMEOUT_MS 2000
#define MEMBERS_MS        500 //  for who the members are: any node says so

static const char s_help[] =
    "usage: holdfast status [OPTION...]\n"
    "\n"
    "Ask every member of the cluster what it knows of itself: role, leader, term, how far it\n"
    "is, and what it keeps. A node that does not answer is shown as unreachable. Who the\n"
    "members are, any node of the list says; if none does, it is the list.\n"
    "\n"
    "Exit code 0 when a majority of those that vote agrees on a leader, else 69.\n"
    "\n"
    "options:\n"
    "  -v, --verbose         every fact of every node, one on a line\n"
    "      --json            print JSON: leader, term, majority, nodes: id, reachable, facts\n"
    "      --timeout TIME    how long to wait for a node (default 2s)\n"
    "      --endpoints LIST  the nodes (default: HOLDFAST_ENDPOINTS)\n"
    "\n"
    "examples:\n"
    "  holdfast status\n"
    "  until holdfast status >/dev/null; do sleep 1; done\n";

/*  One node, asked on a thread of its own: the unreachable ones cost their time together. */
typedef struct node {
    hf_client_t *client;
    uint32_t id;
    bool votes;
    char place[HF_HOST_MAX + 16]; //  host:client-port, as the members know it; "": only the list
    uint32_t timeout_ms;
    hf_status_t status;
    json_t *facts; //  an object
    pthread_t thread;
    bool threaded;
} node_t;

typedef struct cluster {
    node_t node[HF_MEMBERS_MAX];
    size_t count;
    size_t reachable;
    uint32_t leader; //  0: no majority agrees on one
    uint64_t term;
} cluster_t;

//  ---- asking --------------------------------------------------------------------

/*  NULL: TEXT has no histogram. */
static json_t *
s_times (const char *text, uint64_t sum_us)
{
    hf_times_t times;
    if (!hf_times_get (&times, hf_span_text (text), sum_us))
        return NULL;
    return json_pack ("{s:o, s:o, s:o, s:o}", "count", tool_json_number (hf_times_count (&times)),
                      "p50_us", tool_json_number (hf_times_percentile_us (&times, 50)), "p99_us",
                      tool_json_number (hf_times_percentile_us (&times, 99)), "sum_us",
                      tool_json_number (sum_us));
}

/*  A hash is 64 bits of no meaning as a number, and past what JSON readers keep exactly. */
static void
s_on_fact (void *arg, const char *key, const char *text, uint64_t number)
{
    node_t *self = arg;
    const hf_fact_info_t *info = hf_fact_find (hf_span_text (key));
    json_t *times = text && info && info->unit == HF_UNIT_TIMES ? s_times (text, number) : NULL;
    json_t *value = times  ? times
                    : text ? json_string (text)
                    : info && info->unit == HF_UNIT_HASH
                        ? json_sprintf ("%016llx", (unsigned long long)number)
                        : tool_json_number (number);
    json_object_set_new (self->facts, key, value);
}

static void *
s_ask (void *arg)
{
    node_t *self = arg;
    self->status = hf_query_status (self->client, self->id, s_on_fact, self, self->timeout_ms);
    return NULL;
}

static uint64_t
s_number (const node_t *self, const char *key)
{
    return (uint64_t)json_integer_value (json_object_get (self->facts, key));
}

/*  Who leads, if a majority says the same of the same term. */
static void
s_judge (cluster_t *self)
{
    for (size_t i = 0; i < self->count; i++) {
        uint64_t leader = s_number (&self->node[i], "leader");
        uint64_t term = s_number (&self->node[i], "term");
        size_t votes = 0, voters = 0;
        for (size_t j = 0; j < self->count; j++) {
            voters += self->node[j].votes;
            votes += self->node[j].status == HF_OK && self->node[j].votes &&
                     s_number (&self->node[j], "leader") == leader &&
                     s_number (&self->node[j], "term") == term;
        }
        if (leader > 0 && leader <= UINT32_MAX && votes > voters / 2) {
            self->leader = (uint32_t)leader;
            self->term = term;
        }
        self->reachable += self->node[i].status == HF_OK;
    }
}

static void
s_on_member (void *arg, const hf_member_info_t *info)
{
    cluster_t *self = arg;
    if (self->count == HF_MEMBERS_MAX)
        return;
    node_t *node = &self->node[self->count++];
    *node = (node_t){.id = info->id, .votes = info->votes};
    if (info->host[0] != 0)
        snprintf (node->place, sizeof node->place, "%s:%u", info->host, info->client_port);
}

/*  The members, or the list when the cluster does not say, or says it without places. */
static void
s_members (cluster_t *self, hf_client_t *client)
{
    hf_query_options_t query = HF_QUERY_OPTIONS_INIT;
    hf_roster_info_t info;
    query.stale = true;
    self->count = 0;
    if (hf_query_members (client, &query, &info, s_on_member, self, MEMBERS_MS) == HF_OK &&
        info.level > 0 && self->count > 0)
        return;
    uint32_t ids[HF_MEMBERS_MAX];
    self->count = hf_client_nodes (client, ids);
    assert (self->count <= HF_MEMBERS_MAX);
    for (size_t i = 0; i < self->count; i++)
        self->node[i] = (node_t){.id = ids[i], .votes = true};
}

static void
s_ask_all (cluster_t *self, hf_client_t *client, uint32_t timeout_ms)
{
    s_members (self, client);
    for (size_t i = 0; i < self->count; i++) {
        node_t *node = &self->node[i];
        node->client = client;
        node->timeout_ms = timeout_ms;
        node->facts = json_object ();
        node->threaded = pthread_create (&node->thread, NULL, s_ask, node) == 0;
        if (!node->threaded)
            s_ask (node);
    }
    for (size_t i = 0; i < self->count; i++)
        if (self->node[i].threaded)
            pthread_join (self->node[i].thread, NULL);
    s_judge (self);
}

//  ---- printing ------------------------------------------------------------------

/*  HOST:CLIENT_PORT of a node. */
static void
s_endpoint (const node_t *self, char *text, size_t size)
{
    hf_endpoints_t list;
    char error[HF_ERROR_SIZE];
    const char *chosen = getenv ("HOLDFAST_ENDPOINTS");
    const hf_endpoint_t *node = NULL;
    if (self->place[0] != 0) {
        snprintf (text, size, "%s", self->place);
        return;
    }
    if (hf_endpoints_parse (&list, chosen ? chosen : HF_ENDPOINTS_DEFAULT, error) == 0)
        node = hf_endpoints_find (&list, self->id);
    if (node)
        snprintf (text, size, "%s:%u", node->host, node->client_port);
    else
        snprintf (text, size, "-");
}

static json_t *
s_cluster_json (const cluster_t *self)
{
    json_t *nodes = json_array ();
    for (size_t i = 0; i < self->count; i++) {
        const node_t *node = &self->node[i];
        char endpoint[HF_HOST_MAX + 16];
        s_endpoint (node, endpoint, sizeof endpoint);
        json_t *json = json_pack ("{s:I, s:b, s:s}", "id", (json_int_t)node->id, "reachable",
                                  node->status == HF_OK, "endpoint", endpoint);
        json_object_update (json, node->facts);
        json_array_append_new (nodes, json);
    }
    bool known = self->leader > 0;
    return json_pack ("{s:o, s:o, s:b, s:o}", "leader",
                      known ? json_integer (self->leader) : json_null (), "term",
                      known ? tool_json_number (self->term) : json_null (), "majority", known,
                      "nodes", nodes);
}

static void
s_cell (tool_table_t *table, const json_t *fact)
{
    if (json_is_integer (fact))
        tool_table_number (table, (uint64_t)json_integer_value (fact));
    else if (json_is_object (fact)) {
        char text[96];
        snprintf (text, sizeof text, "p50 %.3g ms, p99 %.3g ms, of %" JSON_INTEGER_FORMAT,
                  (double)json_integer_value (json_object_get (fact, "p50_us")) / 1000,
                  (double)json_integer_value (json_object_get (fact, "p99_us")) / 1000,
                  json_integer_value (json_object_get (fact, "count")));
        tool_table_text (table, text);
    } else
        tool_table_text (table, fact ? json_string_value (fact) : "-");
}

static void
s_print_table (const cluster_t *self)
{
    static const char *const keys[] = {"leader",   "term",  "commit_index", "applied_index",
                                       "sessions", "locks", "links_up"};
    tool_table_t *table = tool_table_new (">NODE|ROLE|ENDPOINT|>LEADER|>TERM|>COMMITTED|>APPLIED|"
                                          ">SESSIONS|>LOCKS|>LINKS");
    for (size_t i = 0; i < self->count; i++) {
        const node_t *node = &self->node[i];
        char endpoint[HF_HOST_MAX + 16];
        s_endpoint (node, endpoint, sizeof endpoint);
        tool_table_number (table, node->id);
        if (node->status == HF_OK)
            s_cell (table, json_object_get (node->facts, "role"));
        else
            tool_table_text (table, "unreachable");
        tool_table_text (table, endpoint);
        for (size_t j = 0; j < sizeof keys / sizeof keys[0]; j++)
            s_cell (table, json_object_get (node->facts, keys[j]));
    }
    tool_table_print (table, stdout);
    tool_table_destroy (&table);
    for (size_t i = 0; i < self->count; i++) {
        const char *names = json_string_value (json_object_get (self->node[i].facts, "names"));
        if (names && names[0])
            printf ("node %u: %s\n", self->node[i].id, names);
    }
}

static void
s_print_facts (const cluster_t *self)
{
    tool_table_t *table = tool_table_new (">NODE|FACT|VALUE");
    for (size_t i = 0; i < self->count; i++) {
        const node_t *node = &self->node[i];
        if (node->status != HF_OK) {
            tool_table_number (table, node->id);
            tool_table_text (table, "unreachable");
            tool_table_text (table, hf_status_text (node->status));
        }
        const char *key;
        json_t *fact;
        json_object_foreach (node->facts, key, fact)
        {
            tool_table_number (table, node->id);
            tool_table_text (table, key);
            s_cell (table, fact);
        }
    }
    tool_table_print (table, stdout);
    tool_table_destroy (&table);
}

static int
s_print (const cluster_t *self, const tool_options_t *options)
{
    int code = TOOL_OK;
    if (options->json)
        code = tool_print_json (s_cluster_json (self), TOOL_OK);
    else {
        if (options->verbose)
            s_print_facts (self);
        else
            s_print_table (self);
        code = tool_flush (TOOL_OK);
    }
    if (code != TOOL_OK || self->leader > 0)
        return code;
    if (self->reachable == 0)
        return tool_fail (HF_UNREACHABLE, NULL, "no status");
    return tool_error (TOOL_UNREACHABLE,
                       "no leader that a majority of the %zu nodes knows: %zu answered; start "
                       "the others, or wait for an election",
                       self->count, self->reachable);
}

static int
s_status (tool_options_t *self, hf_client_t *client)
{
    cluster_t cluster = {.count = 0};
    s_ask_all (&cluster, client, self->timeout_ms);
    int code = s_print (&cluster, self);
    for (size_t i = 0; i < cluster.count; i++)
        json_decref (cluster.node[i].facts);
    return code;
}

const tool_command_t tool_status = {.name = "status",
                                    .help = s_help,
                                    .options = TOOL_TIMEOUT | TOOL_JSON | TOOL_STATUS,
                                    .many = "takes no argument",
                                    .timeout_ms = STATUS_TIMEOUT_MS,
                                    .ask = s_status};
