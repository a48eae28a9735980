//  holdfast elect: a command that runs while this process is the one that was elected.

#include "client/tool/tool.h"
#include <limits.h>

static const char s_help[] =
    "usage: holdfast elect [OPTION...] NAME -- COMMAND [ARGUMENT...]\n"
    "\n"
    "Stand for election under NAME, and run COMMAND while elected: one in the whole cluster.\n"
    "It is elected until COMMAND ends, or until it cannot be sure of it any more: then COMMAND\n"
    "and all that came from it are ended, as by `holdfast run`, before another is elected. Who\n"
    "waits is elected in the order of asking.\n"
    "\n"
    "The note says where the elected can be reached; others see it with\n"
    "`holdfast locks NAME`. The rest is as of `holdfast run`.\n"
    "\n"
    "options; they stand before NAME:\n"
    "      --note TEXT          up to 1,024 bytes: an address, say\n"
    "      --again              after the election was lost, or when the cluster cannot be\n"
    "                           reached, stand again; without it the exit code is 75 or 69\n"
    "  -n, --nonblock; -w, --wait SECONDS; -E, --conflict-exit-code CODE; --ttl TIME;\n"
    "  -k, --kill-after TIME; --cancel-on-failure; --lock-delay TIME; -v, --verbose;\n"
    "      --connect-timeout TIME; --endpoints LIST\n"
    "                           as of `holdfast run`\n"
    "\n"
    "exit code: that of `holdfast run`.\n"
    "\n"
    "examples:\n"
    "  holdfast elect --again --note \"$(hostname):9000\" service -- ./serve\n"
    "  holdfast locks service\n";

static int
s_elect (tool_options_t *options)
{
    for (;;) {
        bool again = false;
        int code = tool_run_command (options, &again);
        if (!options->again || !again)
            return code;
        tool_error (0, "standing for election again");
    }
}

const tool_command_t tool_elect = {.name = "elect",
                                   .help = s_help,
                                   .options = TOOL_TAKE | TOOL_RUN | TOOL_ELECT,
                                   .least = 1,
                                   .most = INT_MAX,
                                   .missing = "which election? NAME is missing",
                                   .run = s_elect};
