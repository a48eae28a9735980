//  The sessions that the tool opens say who they are.

#include "client/tool/tool.h"
#include "msgs/hf_limits.h"
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *
s_user (void)
{
    const char *names[] = {getenv ("LOGNAME"), getenv ("USER")};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i] && *names[i])
            return names[i];
    const struct passwd *entry = getpwuid (geteuid ());
    return entry ? entry->pw_name : "?";
}

/*  The words of the command that is run under a lock: what follows "--", or else the first name. */
static char **
s_command (const tool_options_t *options, size_t *count)
{
    char **words = options->args, **end = options->args + options->count;
    char **at = words;
    while (at < end && strcmp (*at, "--") != 0)
        at++;
    if (at == end && words < end)
        at = words;
    if (at < end)
        at++;
    if (at < end && (strcmp (*at, "-c") == 0 || strcmp (*at, "--command") == 0))
        at++;
    *count = (size_t)(end - at);
    return at;
}

void
tool_session_label (char label[HF_LABEL_MAX + 1], const tool_options_t *options)
{
    char host[256] = "?", who[HF_LABEL_MAX];
    if (gethostname (host, sizeof host - 1) != 0)
        strcpy (host, "?");
    snprintf (who, sizeof who, "%s@%s pid %ld", s_user (), host, (long)getpid ());
    char own[] = "holdfast";
    char *words[] = {own, tool_copy (options->command->name)};
    size_t count = 0;
    char **command = options->command->most == INT_MAX ? s_command (options, &count) : NULL;
    if (count > 0)
        tool_label (label, HF_LABEL_MAX + 1, who, command, count);
    else
        tool_label (label, HF_LABEL_MAX + 1, who, words, 2);
    free (words[1]);
}

hf_status_t
tool_session_open (const tool_options_t *options, hf_client_t *client,
                   hf_session_options_t *session_options, hf_session_t **session_p)
{
    char label[HF_LABEL_MAX + 1];
    hf_session_options_t own = HF_SESSION_OPTIONS_INIT;
    own = session_options ? *session_options : own;
    tool_session_label (label, options);
    own.label = label;
    return hf_session_open (client, &own, options->timeout_ms, session_p);
}
