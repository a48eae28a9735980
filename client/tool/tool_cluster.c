//  Every member of the cluster, asked at once.

#include "client/tool/tool_cluster.h"
#include "broker-less/hf_endpoints.h"
#include "msgs/hf_facts.h"
#include "msgs/hf_limits.h"
#include "msgs/hf_times.h"
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MEMBERS_MS 500 //  for who the members are: any node says so
#define FIRST_MS   100 //  the first question to a node; each further one takes twice as long
#define LEAST_MS   300 //  for those that are silent, when the others agree

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
    tool_node_t *self = arg;
    const hf_fact_info_t *info = hf_fact_find (hf_span_text (key));
    json_t *times = text && info && info->unit == HF_UNIT_TIMES ? s_times (text, number) : NULL;
    json_t *value = times  ? times
                    : text ? json_string (text)
                    : info && info->unit == HF_UNIT_HASH
                        ? json_sprintf ("%016llx", (unsigned long long)number)
                        : tool_json_number (number);
    json_object_set_new (self->facts, key, value);
}

uint64_t
tool_node_number (const tool_node_t *self, const char *key)
{
    return (uint64_t)json_integer_value (json_object_get (self->facts, key));
}

const char *
tool_node_text (const tool_node_t *self, const char *key)
{
    const char *text = json_string_value (json_object_get (self->facts, key));
    return text ? text : "";
}

/*  Who leads, if a majority says the same of the same term. */
static void
s_judge (tool_cluster_t *self)
{
    self->reachable = 0;
    for (size_t i = 0; i < self->count; i++) {
        const tool_node_t *node = &self->node[i];
        uint64_t leader = tool_node_number (node, "leader");
        uint64_t term = tool_node_number (node, "term");
        size_t votes = 0, voters = 0;
        for (size_t j = 0; j < self->count; j++) {
            const tool_node_t *other = &self->node[j];
            voters += other->votes;
            votes += other->status == HF_OK && other->votes &&
                     tool_node_number (other, "leader") == leader &&
                     tool_node_number (other, "term") == term;
        }
        if (node->status == HF_OK && leader > 0 && leader <= UINT32_MAX && votes > voters / 2) {
            self->leader = (uint32_t)leader;
            self->term = term;
        }
        self->reachable += node->status == HF_OK;
    }
}

static const tool_node_t *
s_leader (const tool_cluster_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->leader != 0 && self->node[i].id == self->leader)
            return &self->node[i];
    return NULL;
}

/*  With the mutex held: whether those that were silent for so long need not be waited for. */
static bool
s_enough (const tool_cluster_t *self)
{
    uint64_t spent_ms = tool_now_ms () - self->began_ms;
    return !self->whole && self->agreed_ms > 0 && spent_ms >= LEAST_MS &&
           spent_ms >= 4 * self->agreed_ms;
}

static void *
s_ask (void *arg)
{
    tool_node_t *self = arg;
    tool_cluster_t *cluster = self->cluster;
    uint32_t spent_ms = 0, part_ms = FIRST_MS;
    bool enough = false;
    json_t *facts = self->facts;
    while (!enough && spent_ms < cluster->timeout_ms) {
        uint32_t left_ms = cluster->timeout_ms - spent_ms;
        uint32_t limit_ms = part_ms < left_ms ? part_ms : left_ms;
        //  Until it is done nobody else reads what comes.
        tool_node_t asked = {.facts = json_object ()};
        hf_status_t status =
            hf_query_status (cluster->client, self->id, s_on_fact, &asked, limit_ms);
        pthread_mutex_lock (&cluster->mutex);
        self->status = status;
        if (status == HF_OK)
            json_object_update (facts, asked.facts);
        s_judge (cluster);
        const tool_node_t *leader = s_leader (cluster);
        if (cluster->agreed_ms == 0 && leader && leader->status == HF_OK)
            cluster->agreed_ms = tool_now_ms () - cluster->began_ms + 1;
        enough = (status != HF_TIMEOUT && status != HF_UNREACHABLE) || s_enough (cluster);
        pthread_mutex_unlock (&cluster->mutex);
        json_decref (asked.facts);
        spent_ms += limit_ms;
        part_ms *= 2;
    }
    return NULL;
}

static void
s_on_member (void *arg, const hf_member_info_t *info)
{
    tool_cluster_t *self = arg;
    if (self->count == HF_MEMBERS_MAX)
        return;
    tool_node_t *node = &self->node[self->count++];
    *node = (tool_node_t){.id = info->id, .votes = info->votes, .drained = info->drained};
    if (info->host[0] != 0)
        snprintf (node->place, sizeof node->place, "%s:%u", info->host, info->client_port);
}

/*  The members, or the list when the cluster does not say, or says it without places. */
static void
s_members (tool_cluster_t *self)
{
    hf_query_options_t query = HF_QUERY_OPTIONS_INIT;
    hf_roster_info_t info;
    query.stale = true;
    if (hf_query_members (self->client, &query, &info, s_on_member, self, MEMBERS_MS) == HF_OK &&
        info.level > 0 && self->count > 0) {
        self->roster = info.index;
        return;
    }
    uint32_t ids[HF_MEMBERS_MAX];
    self->count = hf_client_nodes (self->client, ids);
    assert (self->count <= HF_MEMBERS_MAX);
    for (size_t i = 0; i < self->count; i++)
        self->node[i] = (tool_node_t){.id = ids[i], .votes = true};
}

void
tool_cluster_ask (tool_cluster_t *self, hf_client_t *client, uint32_t timeout_ms, bool whole)
{
    *self = (tool_cluster_t){.client = client, .timeout_ms = timeout_ms, .whole = whole};
    pthread_mutex_init (&self->mutex, NULL);
    s_members (self);
    self->began_ms = tool_now_ms ();
    for (size_t i = 0; i < self->count; i++) {
        self->node[i].cluster = self;
        self->node[i].status = HF_TIMEOUT;
        self->node[i].facts = json_object ();
    }
    for (size_t i = 0; i < self->count; i++) {
        tool_node_t *node = &self->node[i];
        node->threaded = pthread_create (&node->thread, NULL, s_ask, node) == 0;
        if (!node->threaded)
            s_ask (node);
    }
    for (size_t i = 0; i < self->count; i++)
        if (self->node[i].threaded)
            pthread_join (self->node[i].thread, NULL);
}

void
tool_cluster_done (tool_cluster_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        json_decref (self->node[i].facts);
    pthread_mutex_destroy (&self->mutex);
    self->count = 0;
}

//  ---- for people ------------------------------------------------------------------

void
tool_node_endpoint (const tool_node_t *self, char *text, size_t size)
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

const char *
tool_node_role (const tool_node_t *self)
{
    if (self->status == HF_OK)
        return tool_node_text (self, "role");
    return self->status == HF_TIMEOUT ? "silent" : "unreachable";
}

void
tool_cell (tool_table_t *table, const json_t *fact)
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
