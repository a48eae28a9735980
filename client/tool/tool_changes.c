//  holdfast events: what happens to the cluster: who leads, who answers, who is a member, what was
//  lost.

#include "client/tool/tool_cluster.h"
#include "client/tool/tool_events.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOOK_MS      1000 //  for a node's answer
#define INTERVAL_MS  1000
#define SILENT_LOOKS 2 //  in a row until a node is said to be silent

static const char s_help[] =
    "usage: holdfast events [OPTION...]\n"
    "\n"
    "Print what happens to the cluster, a line each: who leads, which nodes answer, fall silent\n"
    "or started again, who joins, leaves, votes or is drained, and which locks were lost as\n"
    "their session expired. Until interrupted. Begins with who leads now.\n"
    "\n"
    "Lost locks come from a watch: none is left out. The rest is seen by asking every node each\n"
    "second: of what comes and goes in between only the last is seen, and the term tells how\n"
    "many elections there were. The nodes' logs have it all.\n"
    "\n"
    "options:\n"
    "      --interval TIME   between two looks at the nodes (default 1s; at least 100ms)\n"
    "      --json            print a JSON object a line: time, what (leader, no-leader, answers,\n"
    "                        silent, restarted, member, lost, gap), text, and node, term,\n"
    "                        or name, session, token, label\n" TOOL_HELP_QUERY "  holdfast events\n"
    "  holdfast events --json | jq -c 'select(.what == \"leader\")'\n";

/*  A node, as it was at the last look. */
typedef struct known {
    uint32_t id;
    bool member, votes, drained;
    char place[HF_HOST_MAX + 16];
    unsigned silent; //  looks in a row
    uint64_t uptime_ms;
} known_t;

typedef struct changes {
    const tool_options_t *options;
    hf_client_t *client;
    bool begun;
    uint32_t leader;
    uint64_t term, roster;
    known_t known[4 * HF_MEMBERS_MAX]; //  members come and go
    size_t count;
    int code;
} changes_t;

//  ---- a line --------------------------------------------------------------------------

/*  NODE 0: of none. FIELDS, which may be NULL, are added to the JSON, and taken over. */
static void __attribute__ ((format (printf, 5, 6)))
s_say (changes_t *self, const char *what, uint32_t node, json_t *fields, const char *format, ...)
{
    char text[1024], time[TOOL_TIME_SIZE];
    struct timespec now;
    va_list args;
    va_start (args, format);
    vsnprintf (text, sizeof text, format, args);
    va_end (args);
    clock_gettime (CLOCK_REALTIME, &now);
    tool_time_text ((uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000,
                    self->options->json, time);
    if (self->code == TOOL_OK && self->options->json) {
        json_t *json = json_pack ("{s:s, s:s, s:s}", "time", time, "what", what, "text", text);
        if (node > 0)
            json_object_set_new (json, "node", json_integer (node));
        if (fields)
            json_object_update (json, fields);
        self->code = tool_print_line (json);
    } else if (self->code == TOOL_OK) {
        printf ("%s  %s  %s\n", time, what, text);
        self->code = tool_flush (TOOL_OK);
    }
    json_decref (fields);
}

//  ---- the nodes -----------------------------------------------------------------------

static known_t *
s_known (changes_t *self, uint32_t id)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->known[i].id == id)
            return &self->known[i];
    if (self->count == sizeof self->known / sizeof self->known[0])
        return NULL;
    self->known[self->count] = (known_t){.id = id};
    return &self->known[self->count++];
}

static void
s_see_leader (changes_t *self, const tool_cluster_t *cluster)
{
    json_t *term = json_pack ("{s:o}", "term", tool_json_number (cluster->term));
    if (cluster->leader == 0 && (self->leader != 0 || !self->begun))
        s_say (self, "no-leader", 0, NULL,
               "no leader that a majority knows: %zu of %zu nodes answer", cluster->reachable,
               cluster->count);
    else if (cluster->leader != 0 &&
             (cluster->leader != self->leader || cluster->term != self->term))
        s_say (self, "leader", cluster->leader, json_incref (term),
               "node %" PRIu32 " leads in term %" PRIu64, cluster->leader, cluster->term);
    json_decref (term);
    self->leader = cluster->leader;
    if (cluster->leader != 0)
        self->term = cluster->term;
}

static void
s_see_answer (changes_t *self, known_t *known, const tool_node_t *node)
{
    uint64_t uptime_ms = tool_node_number (node, "uptime_ms");
    bool answers = node->status == HF_OK;
    if (!answers && ++known->silent == SILENT_LOOKS)
        s_say (self, "silent", node->id, NULL, "node %" PRIu32 " does not answer", node->id);
    else if (answers && known->silent >= SILENT_LOOKS)
        s_say (self, "answers", node->id, NULL, "node %" PRIu32 " answers again%s", node->id,
               uptime_ms < known->uptime_ms ? ", it was started anew" : "");
    else if (answers && uptime_ms < known->uptime_ms)
        s_say (self, "restarted", node->id, NULL, "node %" PRIu32 " was started anew", node->id);
    if (!answers)
        return;
    known->silent = 0;
    known->uptime_ms = uptime_ms;
}

static void
s_see_member (changes_t *self, known_t *known, const tool_node_t *node)
{
    uint32_t id = node->id;
    bool told = self->begun;
    if (told && !known->member)
        s_say (self, "member", id, NULL, "node %" PRIu32 " is a member%s%s%s", id,
               node->place[0] ? " at " : "", node->place, node->votes ? "" : ", and does not vote");
    if (told && known->member && strcmp (known->place, node->place) != 0)
        s_say (self, "member", id, NULL, "node %" PRIu32 " is at %s", id, node->place);
    if (told && known->member && known->votes != node->votes)
        s_say (self, "member", id, NULL, "node %" PRIu32 " %s", id,
               node->votes ? "votes" : "votes no more");
    if (told && known->drained != node->drained)
        s_say (self, "member", id, NULL, "node %" PRIu32 " is %s", id,
               node->drained ? "drained" : "no longer drained");
    known->member = true;
    known->votes = node->votes;
    known->drained = node->drained;
    snprintf (known->place, sizeof known->place, "%s", node->place);
}

static void
s_look (changes_t *self)
{
    tool_cluster_t cluster;
    tool_cluster_ask (&cluster, self->client, LOOK_MS, false);
    //  When nobody says who the members are, they are those of the last look.
    bool members = cluster.roster > 0 || self->roster == 0;
    s_see_leader (self, &cluster);
    for (size_t i = 0; i < self->count && members; i++) {
        known_t *known = &self->known[i];
        bool found = false;
        for (size_t j = 0; j < cluster.count; j++)
            found = found || cluster.node[j].id == known->id;
        if (found || !known->member)
            continue;
        s_say (self, "member", known->id, NULL, "node %" PRIu32 " is no member any more",
               known->id);
        *known = (known_t){.id = known->id};
    }
    for (size_t i = 0; i < cluster.count; i++) {
        known_t *known = s_known (self, cluster.node[i].id);
        if (known && members)
            s_see_member (self, known, &cluster.node[i]);
        if (known && known->member)
            s_see_answer (self, known, &cluster.node[i]);
    }
    if (members)
        self->roster = cluster.roster;
    self->begun = true;
    tool_cluster_done (&cluster);
}

//  ---- locks ---------------------------------------------------------------------------

static void
s_told (changes_t *self, const tool_event_t *told)
{
    const hf_watch_event_t *it = &told->event;
    if (it->what == HF_WATCH_ENDED)
        self->code = tool_fail (it->status, NULL, "the watch has ended");
    else if (it->what == HF_WATCH_GAP)
        s_say (self, "gap", 0, NULL, "what was lost before is not kept any more");
    else if (it->what == HF_HAPPENED_LOST)
        s_say (self, "lost", 0,
               json_pack ("{s:s, s:o, s:o, s:s}", "name", it->name, "session",
                          tool_json_number (it->session), "token", tool_json_number (it->token),
                          "label", it->label),
               "lock %s, token %" PRIu64 ": session %" PRIu64 "%s%s%s expired", it->name, it->token,
               it->session, it->label[0] ? " (" : "", it->label, it->label[0] ? ")" : "");
}

static int
s_events (tool_options_t *options, hf_client_t *client)
{
    changes_t self = {.options = options, .client = client};
    uint32_t interval_ms = options->interval_ms > 0 ? options->interval_ms : INTERVAL_MS;
    hf_watch_options_t watch = HF_WATCH_OPTIONS_INIT;
    if (interval_ms < 100)
        return tool_misuse (options, "--interval must be at least 100ms");
    tool_events_t *events = tool_events_open (client, options, &watch, false, false, &self.code);
    if (!events)
        return self.code;
    for (uint64_t look_ms = tool_now_ms (); self.code == TOOL_OK;) {
        uint64_t now_ms = tool_now_ms ();
        if (now_ms >= look_ms) {
            s_look (&self);
            look_ms = now_ms + interval_ms;
            continue;
        }
        tool_event_t *told = tool_events_next (events, (uint32_t)(look_ms - now_ms));
        if (told)
            s_told (&self, told);
        free (told);
    }
    tool_events_close (&events);
    return self.code;
}

const tool_command_t tool_changes = {.name = "events",
                                     .help = s_help,
                                     .options = TOOL_TIMEOUT | TOOL_JSON | TOOL_EVENTS,
                                     .many = "takes no argument",
                                     .ask = s_events};
