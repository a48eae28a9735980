//  For operators: holdfast close, and holdfast release --force. They end what somebody else has.

#include "base/hf_span.h"
#include "client/tool/tool.h"
#include <inttypes.h>

#define CLOSE_LIMIT_MS 2000

static const char s_help[] =
    "usage: holdfast close [OPTION...] SESSION\n"
    "\n"
    "End a session of somebody else, for operators: its locks go to the next in line at once,\n"
    "its appends that are not released are dropped, and its client is told that it is over.\n"
    "Every node logs who asked. Exit code 2 when there is no such session.\n"
    "\n"
    "options:\n"
    "      --json            print JSON: session, label, held, queued (as it was\n"
    "                        before)\n" TOOL_HELP_QUERY "  holdfast sessions\n"
    "  holdfast close 42\n";

//  ---- a session -------------------------------------------------------------------

typedef struct closing {
    uint64_t id;
    bool found;
    char label[HF_LABEL_MAX + 1];
    uint64_t held, queued;
} closing_t;

static void
s_on_session (void *arg, const hf_session_info_t *info)
{
    closing_t *self = arg;
    if (info->session != self->id || info->gone)
        return;
    self->found = true;
    self->held = info->held;
    self->queued = info->queued;
    snprintf (self->label, sizeof self->label, "%s", info->label);
}

static int
s_print_closed (const tool_options_t *options, const closing_t *self)
{
    if (options->json)
        return tool_print_json (json_pack ("{s:o, s:s, s:o, s:o}", "session",
                                           tool_json_number (self->id), "label", self->label,
                                           "held", tool_json_number (self->held), "queued",
                                           tool_json_number (self->queued)),
                                TOOL_OK);
    printf ("session %" PRIu64 "%s%s%s is closed: it held %" PRIu64 ", and waited for %" PRIu64
            "\n",
            self->id, self->label[0] ? " (" : "", self->label, self->label[0] ? ")" : "",
            self->held, self->queued);
    return tool_flush (TOOL_OK);
}

static int
s_close (tool_options_t *options, hf_client_t *client)
{
    closing_t self = {.id = 0};
    char by[HF_LABEL_MAX + 1];
    hf_query_options_t query = HF_QUERY_OPTIONS_INIT;
    if (!tool_parse_number (options->args[0], &self.id) || self.id == 0)
        return tool_misuse (options, "'%s' is not the number of a session", options->args[0]);
    hf_status_t status =
        hf_query_sessions (client, &query, s_on_session, &self, options->timeout_ms);
    if (status == HF_OK && !self.found)
        return tool_error (TOOL_REFUSED, "there is no session %" PRIu64 "; see: holdfast sessions",
                           self.id);
    tool_session_label (by, options);
    if (status == HF_OK)
        status = hf_close_session_as (client, self.id, by, options->timeout_ms);
    //  It ended by itself meanwhile.
    if (status == HF_OK || status == HF_SESSION_EXPIRED)
        return s_print_closed (options, &self);
    return tool_fail (status, NULL, "cannot close session %" PRIu64, self.id);
}

const tool_command_t tool_close = {.name = "close",
                                   .help = s_help,
                                   .options = TOOL_TIMEOUT | TOOL_JSON,
                                   .least = 1,
                                   .most = 1,
                                   .missing = "which session? its number is missing",
                                   .many = "one session at a time",
                                   .ask = s_close};

//  ---- a hold ------------------------------------------------------------------------

typedef struct forcing {
    const tool_options_t *options;
    uint64_t holders; //  that the options may mean
    uint64_t session, token;
    char label[HF_LABEL_MAX + 1];
} forcing_t;

static void
s_on_place (void *arg, const hf_lock_info_t *lock, const hf_place_info_t *place)
{
    forcing_t *self = arg;
    (void)lock;
    if (place->token == 0 || (self->options->token != 0 && place->token != self->options->token) ||
        (self->options->session != 0 && place->session != self->options->session))
        return;
    self->holders++;
    self->session = place->session;
    self->token = place->token;
    snprintf (self->label, sizeof self->label, "%s", place->label);
}

/*  The token says which hold: one that came meanwhile is not touched. */
static int
s_end (const forcing_t *self, hf_client_t *client, const char *lock)
{
    uint32_t limit_ms = self->options->timeout_ms;
    hf_session_t *session = NULL;
    hf_status_t status = tool_session_open (self->options, client, NULL, &session);
    bool asked = status == HF_OK;
    if (asked)
        status = hf_cancel_for (session, self->session, lock, self->token, limit_ms);
    if (session)
        hf_session_close (&session, CLOSE_LIMIT_MS);
    if (status == HF_OK)
        return TOOL_OK;
    if (status == HF_NOT_HOLDER)
        return tool_error (TOOL_REFUSED,
                           "lock %s changed hands meanwhile, and nothing was ended; see: holdfast "
                           "locks",
                           lock);
    if (asked && (status == HF_TIMEOUT || status == HF_UNDECIDED || status == HF_LOST))
        return tool_error (TOOL_LOST,
                           "it is not known whether the hold of lock %s was ended; see: holdfast "
                           "locks",
                           lock);
    return tool_fail (status, NULL, "cannot end the hold of lock %s", lock);
}

int
tool_release_force (const tool_options_t *options, hf_client_t *client)
{
    forcing_t self = {.options = options};
    const char *lock = options->lock;
    if (!lock)
        return tool_misuse (options, "which lock? NAME is missing");
    hf_query_options_t query = HF_QUERY_OPTIONS_INIT;
    hf_status_t status =
        hf_query_lock_as (client, lock, &query, s_on_place, &self, options->timeout_ms);
    if (status == HF_NOT_FOUND)
        return tool_error (TOOL_REFUSED, "nobody holds lock %s", lock);
    if (status != HF_OK)
        return tool_fail (status, NULL, "cannot look at lock %s", lock);
    if (self.holders == 0)
        return tool_error (TOOL_REFUSED, "nobody holds lock %s with that token or session", lock);
    if (self.holders > 1)
        return tool_error (TOOL_REFUSED,
                           "lock %s has %" PRIu64 " holders: say which by --token or --session; "
                           "see: holdfast locks %s",
                           lock, self.holders, lock);
    int code = s_end (&self, client, lock);
    if (code != TOOL_OK)
        return code;
    if (options->json)
        return tool_print_json (json_pack ("{s:s, s:o, s:o, s:s}", "lock", lock, "token",
                                           tool_json_number (self.token), "session",
                                           tool_json_number (self.session), "label", self.label),
                                TOOL_OK);
    printf ("lock %s: ended the hold with token %" PRIu64 " of session %" PRIu64 "%s%s%s\n", lock,
            self.token, self.session, self.label[0] ? " (" : "", self.label,
            self.label[0] ? ")" : "");
    return tool_flush (TOOL_OK);
}
