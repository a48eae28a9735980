//  holdfast status: the facts of every node.

#include "client/tool/tool_cluster.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define STATUS_TIMEOUT_MS 2000

static const char s_help[] =
    "usage: holdfast status [OPTION...]\n"
    "\n"
    "Ask every member of the cluster what it knows of itself: role, leader, term, how far it\n"
    "is, and what it keeps. All are asked at once; when a majority has answered and agrees on a\n"
    "leader, the others have 0.3 s: then they are shown as silent, or as unreachable. Who the\n"
    "members are, any node of the list says; if none does, it is the list.\n"
    "\n"
    "Exit code 0 when a majority of those that vote agrees on a leader, else 69.\n"
    "\n"
    "options:\n"
    "  -v, --verbose         every fact of every node, one on a line\n"
    "      --json            print JSON: leader, term, majority, nodes: id, reachable, facts\n"
    "      --timeout TIME    wait so long for each node (default: at most 2s)\n"
    "      --endpoints LIST  the nodes (default: HOLDFAST_ENDPOINTS)\n"
    "\n"
    "examples:\n"
    "  holdfast status\n"
    "  until holdfast status >/dev/null; do sleep 1; done\n";

//  ---- printing ------------------------------------------------------------------

static json_t *
s_cluster_json (const tool_cluster_t *self)
{
    json_t *nodes = json_array ();
    for (size_t i = 0; i < self->count; i++) {
        const tool_node_t *node = &self->node[i];
        char endpoint[HF_HOST_MAX + 16];
        tool_node_endpoint (node, endpoint, sizeof endpoint);
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

/*  LEADER's list of nodes whose disk it does not know has those as well that it has not heard of
 * yet. Of one that answers it is true, and worth a line. */
static void
s_print_not_counted (const tool_cluster_t *self, const tool_node_t *leader)
{
    const char *at = tool_node_text (leader, "not_counted");
    while (*at) {
        char *end;
        unsigned long id = strtoul (at, &end, 10);
        for (size_t i = 0; i < self->count; i++)
            if (self->node[i].id == id && self->node[i].status == HF_OK)
                printf ("not counted: node %lu: its disk is not the one that the cluster knows, so "
                        "it does not vote; it counts by itself once it has caught up\n",
                        id);
        at = end + (*end == ',');
        if (end == at)
            break;
    }
}

static void
s_print_table (const tool_cluster_t *self)
{
    static const char *const keys[] = {"leader",   "term",  "commit_index", "applied_index",
                                       "sessions", "locks", "links_up"};
    tool_table_t *table = tool_table_new (">NODE|ROLE|ENDPOINT|>LEADER|>TERM|>COMMITTED|>APPLIED|"
                                          ">SESSIONS|>LOCKS|>LINKS");
    for (size_t i = 0; i < self->count; i++) {
        const tool_node_t *node = &self->node[i];
        char endpoint[HF_HOST_MAX + 16];
        tool_node_endpoint (node, endpoint, sizeof endpoint);
        tool_table_number (table, node->id);
        tool_table_text (table, tool_node_role (node));
        tool_table_text (table, endpoint);
        for (size_t j = 0; j < sizeof keys / sizeof keys[0]; j++)
            tool_cell (table, json_object_get (node->facts, keys[j]));
    }
    tool_table_print (table, stdout);
    tool_table_destroy (&table);
    for (size_t i = 0; i < self->count; i++) {
        const tool_node_t *node = &self->node[i];
        const char *names = tool_node_text (node, "names");
        if (names[0])
            printf ("node %u: %s\n", node->id, names);
        if (node->id == self->leader)
            s_print_not_counted (self, node);
    }
}

static void
s_print_facts (const tool_cluster_t *self)
{
    tool_table_t *table = tool_table_new (">NODE|FACT|VALUE");
    for (size_t i = 0; i < self->count; i++) {
        const tool_node_t *node = &self->node[i];
        if (node->status != HF_OK) {
            tool_table_number (table, node->id);
            tool_table_text (table, tool_node_role (node));
            tool_table_text (table, hf_status_text (node->status));
        }
        const char *key;
        json_t *fact;
        json_object_foreach (node->facts, key, fact)
        {
            tool_table_number (table, node->id);
            tool_table_text (table, key);
            tool_cell (table, fact);
        }
    }
    tool_table_print (table, stdout);
    tool_table_destroy (&table);
}

/*  Whether so many disks were lost that no majority of those that vote has data: a new cluster has
 *  no data anywhere. WITHOUT: which answered and have none. */
static bool
s_lost_majority (const tool_cluster_t *self, char without[HF_MEMBERS_MAX * 12])
{
    size_t voters = 0, empty = 0, full = 0;
    without[0] = 0;
    for (size_t i = 0; i < self->count; i++) {
        const tool_node_t *node = &self->node[i];
        voters += node->votes;
        if (node->status != HF_OK || !node->votes)
            continue;
        bool has = tool_node_number (node, "last_index") > 0;
        full += has;
        if (has)
            continue;
        size_t used = strlen (without);
        snprintf (without + used, HF_MEMBERS_MAX * 12 - used, "%s%" PRIu32, empty++ ? ", " : "",
                  node->id);
    }
    return full > 0 && empty >= (voters + 1) / 2;
}

static int
s_print (const tool_cluster_t *self, const tool_options_t *options)
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
    char without[HF_MEMBERS_MAX * 12];
    if (code != TOOL_OK || self->leader > 0)
        return code;
    if (self->reachable == 0)
        return tool_fail (HF_UNREACHABLE, NULL, "no status");
    if (s_lost_majority (self, without))
        return tool_error (TOOL_UNREACHABLE,
                           "no majority is left: the disks of nodes %s are empty, and the others "
                           "cannot decide without them: put the old disks back; if they are lost, "
                           "see holdfastd --recover",
                           without);
    return tool_error (TOOL_UNREACHABLE,
                       "no leader that a majority of the %zu nodes knows: %zu answered; start "
                       "the others, or wait for an election",
                       self->count, self->reachable);
}

static int
s_status (tool_options_t *self, hf_client_t *client)
{
    tool_cluster_t cluster;
    tool_cluster_ask (&cluster, client, self->timeout_ms, self->timeout_given);
    int code = s_print (&cluster, self);
    tool_cluster_done (&cluster);
    return code;
}

const tool_command_t tool_status = {.name = "status",
                                    .help = s_help,
                                    .options = TOOL_TIMEOUT | TOOL_JSON | TOOL_STATUS,
                                    .many = "takes no argument",
                                    .timeout_ms = STATUS_TIMEOUT_MS,
                                    .ask = s_status};
