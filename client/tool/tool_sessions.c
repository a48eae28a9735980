//  holdfast sessions: who is there.

#include "client/tool/tool.h"

static const char s_help[] =
    "usage: holdfast sessions [OPTION...]\n"
    "\n"
    "List the sessions: time to live and lock delay in milliseconds, how many locks each holds\n"
    "and waits for, whether it is gone (it has expired, and what it held stays closed for its\n"
    "lock delay), and its label: who it is.\n"
    "\n"
    "options:\n"
    "      --json            print JSON: sessions: session, label, ttl_ms, delay_ms, detect,\n"
    "                        gone, held, queued\n"
    "      --stale           ask any node, which may be behind, instead of the "
    "leader\n" TOOL_HELP_QUERY "  holdfast sessions\n"
    "  holdfast sessions --json | jq '.sessions[] | select(.queued > 0).label'\n";

typedef struct listing {
    tool_table_t *table;
    json_t *sessions;
} listing_t;

static void
s_on_session (void *arg, const hf_session_info_t *info)
{
    listing_t *self = arg;
    if (self->table) {
        tool_table_number (self->table, info->session);
        tool_table_number (self->table, info->ttl_ms);
        tool_table_number (self->table, info->delay_ms);
        tool_table_number (self->table, info->held);
        tool_table_number (self->table, info->queued);
        tool_table_text (self->table, info->gone ? "gone" : "live");
        tool_table_text (self->table, info->user[0] ? info->user : "-");
        tool_table_text (self->table, info->label);
        return;
    }
    json_array_append_new (self->sessions,
                           json_pack ("{s:o, s:s, s:s, s:o, s:o, s:b, s:b, s:o, s:o}", "session",
                                      tool_json_number (info->session), "label", info->label,
                                      "user", info->user, "ttl_ms", tool_json_number (info->ttl_ms),
                                      "delay_ms", tool_json_number (info->delay_ms), "detect",
                                      info->detect, "gone", info->gone, "held",
                                      tool_json_number (info->held), "queued",
                                      tool_json_number (info->queued)));
}

static int
s_sessions (tool_options_t *options, hf_client_t *client)
{
    listing_t self = {.sessions = options->json ? json_array () : NULL};
    if (!options->json)
        self.table = tool_table_new (">SESSION|>TTL_MS|>DELAY_MS|>HELD|>QUEUED|STATE|USER|LABEL");
    hf_query_options_t query = HF_QUERY_OPTIONS_INIT;
    query.stale = options->stale;
    hf_status_t status =
        hf_query_sessions (client, &query, s_on_session, &self, options->timeout_ms);
    int code = status == HF_OK ? tool_print (self.table, "sessions", self.sessions)
                               : tool_fail (status, NULL, "cannot list the sessions");
    tool_table_destroy (&self.table);
    json_decref (self.sessions);
    return code;
}

const tool_command_t tool_sessions = {.name = "sessions",
                                      .help = s_help,
                                      .options = TOOL_TIMEOUT | TOOL_JSON | TOOL_STALE,
                                      .many = "takes no argument",
                                      .ask = s_sessions};
