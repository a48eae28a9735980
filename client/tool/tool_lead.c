//  For operators: holdfast lead and holdfast drain, which say who leads the cluster.

#include "client/tool/tool_members.h"
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#define LOOK_MS 50 //  between two looks at who leads

static const char s_help_lead[] =
    "usage: holdfast lead [OPTION...] NODE\n"
    "\n"
    "Hand the lead to node NODE now, and wait until it leads. It keeps the lead until it stops or\n"
    "loses it, is drained, or another lead is asked for; otherwise the lowest id that is fit\n"
    "leads. Ask for that one to go back to the rule. Exit code 2 when the node cannot lead: it\n"
    "does not vote, is drained, or is not up and caught up.\n"
    "\n"
    "options:\n"
    "      --json            print JSON: id, term, endpoint\n" TOOL_HELP_QUERY
    "  holdfast lead 3\n";

static const char s_help_drain[] =
    "usage: holdfast drain [OPTION...] [--off] NODE\n"
    "\n"
    "Drain node NODE, as before work on its machine: it hands the lead over, and leads only when\n"
    "no other member can. It votes and serves as before. This is part of the cluster's state, and\n"
    "stays so whoever starts again, until --off. Waits until another node leads.\n"
    "\n"
    "Exit code 2: refused, as no member would be left that is not drained. `holdfast members`\n"
    "shows who is drained.\n"
    "\n"
    "options:\n"
    "      --off             no longer: the node leads as any other\n"
    "      --json            print JSON: id, drained, leader\n" TOOL_HELP_QUERY
    "  holdfast drain 2; ssh node2 reboot; ...; holdfast drain --off 2\n";

/*  Wait until NODE leads, or, with AWAY, another one does. */
static int
s_await_leader (const tool_members_t *self, bool away, hf_leader_info_t *info)
{
    const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};
    uint64_t end = tool_now_ms () + self->options->timeout_ms;
    for (;;) {
        hf_status_t status = hf_query_leader (self->client, info, self->options->timeout_ms);
        if (status != HF_OK)
            return tool_fail (status, NULL, "cannot ask for the leader");
        if ((info->id == self->change.node) != away)
            return TOOL_OK;
        if (tool_now_ms () >= end)
            return tool_error (TOOL_UNREACHABLE,
                               away ? "node %" PRIu32 " is drained, and leads as no other member "
                                      "can now; see: holdfast status"
                                    : "node %" PRIu32
                                      " led, and leads no more; see: holdfast status",
                               self->change.node);
        nanosleep (&pause, NULL);
    }
}

/*  Ask for OP, and wait for what it leads to. */
static int
s_ask (tool_options_t *options, hf_client_t *client, hf_member_op_t op, bool away,
       hf_leader_info_t *info)
{
    tool_members_t self = {.options = options,
                           .client = client,
                           .change = HF_MEMBER_CHANGE_INIT,
                           .end = TOOL_MEMBER_NOTHING};
    uint64_t node;
    if (!tool_parse_number (options->args[0], &node) || node == 0 || node > UINT16_MAX)
        return tool_misuse (options, "'%s' is not an id from 1 to 65535", options->args[0]);
    self.change.op = op;
    self.change.node = (uint32_t)node;
    int code = tool_members_ask (&self, op == HF_MEMBER_LEAD ? "the lead is not handed over"
                                                             : "nothing is changed");
    if (code != TOOL_OK)
        return code;
    if (op == HF_MEMBER_UNDRAIN) {
        hf_status_t status = hf_query_leader (client, info, options->timeout_ms);
        return status == HF_OK ? TOOL_OK : tool_fail (status, NULL, "cannot ask for the leader");
    }
    return s_await_leader (&self, away, info);
}

static int
s_lead (tool_options_t *options, hf_client_t *client)
{
    hf_leader_info_t info = {.id = 0};
    int code = s_ask (options, client, HF_MEMBER_LEAD, false, &info);
    if (code != TOOL_OK)
        return code;
    if (options->json)
        return tool_print_json (json_pack ("{s:I, s:o, s:s}", "id", (json_int_t)info.id, "term",
                                           tool_json_number (info.term), "endpoint", info.endpoint),
                                TOOL_OK);
    printf ("node %" PRIu32 " leads in term %" PRIu64 " at %s\n", info.id, info.term,
            info.endpoint);
    return tool_flush (TOOL_OK);
}

const tool_command_t tool_lead = {.name = "lead",
                                  .help = s_help_lead,
                                  .options = TOOL_TIMEOUT | TOOL_JSON,
                                  .least = 1,
                                  .most = 1,
                                  .missing = "which node? its id is missing",
                                  .many = "one node at a time",
                                  .ask = s_lead};

static int
s_drain (tool_options_t *options, hf_client_t *client)
{
    hf_leader_info_t info = {.id = 0};
    bool drain = !options->off;
    int code = s_ask (options, client, drain ? HF_MEMBER_DRAIN : HF_MEMBER_UNDRAIN, drain, &info);
    if (code != TOOL_OK)
        return code;
    if (options->json)
        return tool_print_json (json_pack ("{s:I, s:b, s:I}", "id",
                                           (json_int_t)strtoul (options->args[0], NULL, 10),
                                           "drained", drain, "leader", (json_int_t)info.id),
                                TOOL_OK);
    printf ("node %s is %s: node %" PRIu32 " leads\n", options->args[0],
            drain ? "drained" : "no longer drained", info.id);
    return tool_flush (TOOL_OK);
}

const tool_command_t tool_drain = {.name = "drain",
                                   .help = s_help_drain,
                                   .options = TOOL_TIMEOUT | TOOL_JSON | TOOL_DRAIN,
                                   .least = 1,
                                   .most = 1,
                                   .missing = "which node? its id is missing",
                                   .many = "one node at a time",
                                   .ask = s_drain};
