//  holdfast members: who they are; add, remove, replace, move, promote. And holdfast upgrade.

#include "client/tool/tool_members.h"
#include "broker-less/hf_endpoints.h"
#include "msgs/hf_facts.h"
#include "msgs/hf_limits.h"
#include <inttypes.h>
#include <string.h>
#include <time.h>

#define AGAIN_MS 200  //  while another change is under way
#define ABLE_MS  2000 //  for a node that is to lead to catch up
#define LOOK_MS  1000 //  for what a node says of itself

static const char s_help[] =
    "usage: holdfast members [OPTION...]\n"
    "       holdfast members add ID@HOST:CLIENT_PORT:NODE_PORT [--learner] [OPTION...]\n"
    "       holdfast members remove ID [--force] [OPTION...]\n"
    "       holdfast members replace ID HOST:CLIENT_PORT:NODE_PORT [OPTION...]\n"
    "       holdfast members move ID HOST:CLIENT_PORT:NODE_PORT [OPTION...]\n"
    "       holdfast members promote ID [OPTION...]\n"
    "\n"
    "List the members of the cluster: where each is, and whether it votes (counts for\n"
    "majorities, and may lead; drained: see holdfast drain), learns, joins (votes when it has "
    "caught up) or leaves.\n"
    "Or change them, one at a time, while the cluster serves:\n"
    "\n"
    "  add      a new node. Start it with: holdfastd --id ID --join HOST:PORT --data DIR\n"
    "           before or after. It gets the state, catches up, and then votes; a --learner\n"
    "           has everything and never votes\n"
    "  remove   a node, which then ends by itself. Refused when too few of the others are up\n"
    "           and caught up: first remove those that never come back\n"
    "  replace  a machine that is dead for good, by another with an empty disk: the id stays,\n"
    "           the place is new\n"
    "  move     a node to another place, with its disk: stop it, move it, start it there\n"
    "  promote  a learner: it is to vote\n"
    "\n"
    "The command waits until the change has come to its end, and says on standard error how\n"
    "far it is; the change goes on when the command is interrupted. Asked for again, what is\n"
    "done already is no error.\n"
    "\n"
    "Exit code 0: done. 2: refused, nothing has changed. 69: not answered, or another change\n"
    "is under way.\n"
    "\n"
    "options:\n"
    "      --learner         of add: it does not vote\n"
    "      --force           of remove: although others that are up have not caught up; of move\n"
    "                        and replace: although the others are no majority (of two)\n"
    "      --wait            wait until the member votes, or is gone (default)\n"
    "      --no-wait         end as soon as the change is committed\n"
    "      --json            print JSON: index, level, members: id, host, client_port,\n"
    "                        node_port, votes, joins, leaves, drained, incarnation\n"
    "      --stale           ask any node, which may be behind, instead of the "
    "leader\n" TOOL_HELP_QUERY "  holdfast members\n"
    "  holdfast members add 4@delta:8080:8081\n"
    "  holdfast members replace 2 epsilon:8080:8081     node 2's machine is dead\n"
    "  holdfast members remove 4\n";

static const char s_upgrade_help[] =
    "usage: holdfast upgrade [OPTION...]\n"
    "\n"
    "Raise the cluster's feature level to the newest that this program knows. Do it when every\n"
    "node runs the new version: before, nodes can be taken back to the old one, afterwards not.\n"
    "Refused when a member does not speak that level; it says which.\n"
    "\n"
    "options:\n" TOOL_HELP_QUERY "  holdfast upgrade\n";

//  ---- the list -----------------------------------------------------------------------

typedef struct listing {
    tool_table_t *table;
    json_t *members;
} listing_t;

static void
s_on_member (void *arg, const hf_member_info_t *info)
{
    listing_t *self = arg;
    if (!self->table) {
        json_array_append_new (
            self->members,
            json_pack ("{s:I, s:s, s:i, s:i, s:b, s:b, s:b, s:b, s:o}", "id", (json_int_t)info->id,
                       "host", info->host, "client_port", info->client_port, "node_port",
                       info->node_port, "votes", info->votes, "joins", info->joins, "leaves",
                       info->leaves, "drained", info->drained, "incarnation",
                       json_sprintf ("%016llx", (unsigned long long)info->incarnation)));
        return;
    }
    char place[HF_HOST_MAX + 16] = "-";
    if (info->host[0] != 0)
        snprintf (place, sizeof place, "%s:%u:%u", info->host, info->client_port, info->node_port);
    tool_table_number (self->table, info->id);
    tool_table_text (self->table, place);
    tool_table_text (self->table, info->votes && info->drained ? "votes, drained"
                                  : info->votes                ? "votes"
                                  : info->leaves               ? "leaves"
                                  : info->joins                ? "joins"
                                                               : "learns");
}

static int
s_list (const tool_options_t *options, hf_client_t *client)
{
    listing_t self = {.members = options->json ? json_array () : NULL};
    if (!options->json)
        self.table = tool_table_new (">ID|PLACE|STATE");
    hf_query_options_t query = HF_QUERY_OPTIONS_INIT;
    query.stale = options->stale;
    hf_roster_info_t info;
    hf_status_t status =
        hf_query_members (client, &query, &info, s_on_member, &self, options->timeout_ms);
    int code = TOOL_OK;
    if (status != HF_OK)
        code = tool_fail (status, NULL, "cannot list the members");
    else if (options->json)
        code =
            tool_print_json (json_pack ("{s:o, s:I, s:O}", "index", tool_json_number (info.index),
                                        "level", (json_int_t)info.level, "members", self.members),
                             TOOL_OK);
    else
        code = tool_print (self.table, NULL, NULL);
    tool_table_destroy (&self.table);
    json_decref (self.members);
    return code;
}

//  ---- what is asked for ------------------------------------------------------------------

typedef struct verb {
    const char *name;
    hf_member_op_t op;
    int words; //  behind it
    tool_members_end_t end;
    const char *missing;
} verb_t;

static const verb_t s_verbs[] = {
    {"add", HF_MEMBER_ADD, 1, TOOL_MEMBER_VOTES, "which node? ID@HOST:CLIENT_PORT:NODE_PORT"},
    {"remove", HF_MEMBER_REMOVE, 1, TOOL_MEMBER_GONE, "which node? its ID"},
    {"replace", HF_MEMBER_MOVE, 2, TOOL_MEMBER_NEW,
     "which node, and by which? ID HOST:CLIENT_PORT:NODE_PORT"},
    {"move", HF_MEMBER_MOVE, 2, TOOL_MEMBER_THERE,
     "which node, and where to? ID HOST:CLIENT_PORT:NODE_PORT"},
    {"promote", HF_MEMBER_PROMOTE, 1, TOOL_MEMBER_VOTES, "which node? its ID"},
};

static int
s_read_add (tool_members_t *self, hf_endpoint_t *place, const char *text)
{
    hf_endpoints_t list;
    char error[HF_ERROR_SIZE];
    if (hf_endpoints_parse (&list, text, error) != 0)
        return tool_misuse (self->options, "%s", error);
    if (list.count != 1)
        return tool_misuse (self->options, "one node at a time");
    *place = list.node[0];
    return -1;
}

static int
s_read_id (tool_members_t *self, hf_endpoint_t *place, const char *id, const char *where)
{
    uint64_t number;
    if (!tool_parse_number (id, &number) || number == 0 || number > UINT16_MAX)
        return tool_misuse (self->options, "'%s' is not an id from 1 to 65535", id);
    //  The ports of a list that names none.
    *place = (hf_endpoint_t){.id = (uint32_t)number, .client_port = 8080, .node_port = 8081};
    if (where && !hf_endpoint_parse_place (place, where))
        return tool_misuse (self->options, "'%s' is not HOST:CLIENT_PORT:NODE_PORT", where);
    if (where && place->client_port == place->node_port)
        return tool_misuse (self->options, "clients and nodes cannot share port %u",
                            place->node_port);
    return -1;
}

/*  Read the words of the command; PLACE holds the host that the change names. */
static int
s_read (tool_members_t *self, hf_endpoint_t *place)
{
    const tool_options_t *options = self->options;
    const verb_t *verb = NULL;
    for (size_t i = 0; i < sizeof s_verbs / sizeof *s_verbs && !verb; i++)
        verb = strcmp (options->args[0], s_verbs[i].name) == 0 ? &s_verbs[i] : NULL;
    if (!verb)
        return tool_misuse (options, "'%s' is not add, remove, replace, move or promote",
                            options->args[0]);
    if (options->count - 1 != verb->words)
        return tool_misuse (options, "%s: %s", verb->name,
                            options->count - 1 < verb->words ? verb->missing : "too many words");
    if (options->learner && verb->op != HF_MEMBER_ADD)
        return tool_misuse (options, "--learner is for add");
    if (options->force && verb->op != HF_MEMBER_REMOVE && verb->op != HF_MEMBER_MOVE)
        return tool_misuse (options, "--force is for remove, move and replace");
    int code = verb->op == HF_MEMBER_ADD
                   ? s_read_add (self, place, options->args[1])
                   : s_read_id (self, place, options->args[1], options->args[2]);
    self->end = options->learner ? TOOL_MEMBER_THERE : verb->end;
    self->change.op = verb->op;
    self->change.node = place->id;
    if (verb->op == HF_MEMBER_ADD || verb->op == HF_MEMBER_MOVE) {
        self->change.host = place->host;
        self->change.client_port = place->client_port;
        self->change.node_port = place->node_port;
    }
    self->change.learns = options->learner;
    self->change.force = options->force;
    return code;
}

//  ---- asking ------------------------------------------------------------------------------

int
tool_members_ask (tool_members_t *self, const char *failed)
{
    const struct timespec wait = {.tv_nsec = AGAIN_MS * 1000000L};
    const tool_options_t *options = self->options;
    char by[HF_LABEL_MAX + 1];
    tool_session_label (by, options);
    self->change.by = by;
    uint64_t end = tool_now_ms () + options->timeout_ms;
    uint64_t able_ms = tool_now_ms () + ABLE_MS;
    for (;;) {
        hf_status_t status =
            hf_change_members (self->client, &self->change, &self->index, options->timeout_ms);
        if (status == HF_OK)
            break;
        bool again =
            status == HF_CHANGING || (status == HF_CANNOT_LEAD && tool_now_ms () < able_ms);
        if (!again || options->no_wait || tool_now_ms () >= end) {
            self->change.by = NULL;
            return tool_fail (status, NULL, "%s", failed);
        }
        nanosleep (&wait, NULL);
    }
    self->change.by = NULL;
    return TOOL_OK;
}

static void
s_on_wanted (void *arg, const hf_member_info_t *info)
{
    tool_member_t *member = arg;
    if (info->id != member->id)
        return;
    *member = (tool_member_t){.id = info->id,
                              .found = true,
                              .votes = info->votes,
                              .joins = info->joins,
                              .leaves = info->leaves,
                              .incarnation = info->incarnation};
    snprintf (member->place, sizeof member->place, "%s:%u:%u", info->host, info->client_port,
              info->node_port);
}

hf_status_t
tool_member_find (hf_client_t *client, uint32_t id, uint32_t limit_ms, tool_member_t *member)
{
    hf_roster_info_t info = {.index = 0};
    *member = (tool_member_t){.id = id};
    hf_status_t status = hf_query_members (client, NULL, &info, s_on_wanted, member, limit_ms);
    member->roster = info.index;
    return status;
}

static int
s_change (tool_members_t *self)
{
    int code = tool_members_ask (self, "the members are not changed");
    if (code != TOOL_OK || self->options->no_wait)
        return code;
    return tool_members_wait (self);
}

static int
s_members (tool_options_t *options, hf_client_t *client)
{
    tool_members_t self = {.options = options, .client = client, .change = HF_MEMBER_CHANGE_INIT};
    hf_endpoint_t place = {.id = 0};
    if (options->wait && options->no_wait)
        return tool_misuse (options, "--wait or --no-wait, not both");
    if (options->count == 0)
        return s_list (options, client);
    int code = s_read (&self, &place);
    return code >= 0 ? code : s_change (&self);
}

static void
s_on_speaks (void *arg, const char *key, const char *text, uint64_t number)
{
    (void)text;
    if (strcmp (key, hf_facts[HF_FACT_speaks].key) == 0)
        *(uint64_t *)arg = number;
}

/*  Which nodes keep the level down: those that speak a lower one, as all do that know of none, and
 *  those that do not answer. */
static void
s_name_old (const tool_members_t *self)
{
    bool named = false;
    uint32_t ids[HF_MEMBERS_MAX];
    size_t count = hf_client_nodes (self->client, ids);
    for (size_t i = 0; i < count; i++) {
        uint64_t speaks = 0;
        hf_status_t status = hf_query_status (self->client, ids[i], s_on_speaks, &speaks, LOOK_MS);
        named = named || status != HF_OK || speaks < self->change.level;
        if (status != HF_OK)
            tool_error (TOOL_OK, "node %" PRIu32 ": %s", ids[i], hf_status_text (status));
        else if (speaks < self->change.level)
            tool_error (TOOL_OK,
                        "node %" PRIu32 " speaks level %" PRIu64 ", not %" PRIu32
                        ": start the new version there",
                        ids[i], speaks, self->change.level);
    }
    if (!named)
        tool_error (TOOL_OK,
                    "every node speaks level %" PRIu32 ", but the leader has not heard it yet: "
                    "repeat the command",
                    self->change.level);
}

static int
s_upgrade (tool_options_t *options, hf_client_t *client)
{
    tool_members_t self = {.options = options,
                           .client = client,
                           .change = HF_MEMBER_CHANGE_INIT,
                           .end = TOOL_MEMBER_NOTHING};
    self.change.op = HF_MEMBER_RAISE;
    self.change.level = HF_LEVEL_NEWEST;
    int code = s_change (&self);
    if (code == TOOL_REFUSED)
        s_name_old (&self);
    return code;
}

const tool_command_t tool_members = {.name = "members",
                                     .help = s_help,
                                     .options =
                                         TOOL_TIMEOUT | TOOL_JSON | TOOL_STALE | TOOL_MEMBERS,
                                     .most = 3,
                                     .many = "takes at most three words",
                                     .ask = s_members};

const tool_command_t tool_upgrade = {.name = "upgrade",
                                     .help = s_upgrade_help,
                                     .options = TOOL_TIMEOUT,
                                     .many = "takes no argument",
                                     .ask = s_upgrade};
