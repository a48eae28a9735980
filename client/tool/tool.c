/*  holdfast - the command-line tool: picks the command. */
#include "base/hf_std.h"
#include "client/tool/tool.h"
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

static const tool_command_t *const s_commands[] = {
    &tool_run,      &tool_elect,   &tool_acquire, &tool_release, &tool_append,
    &tool_cat,      &tool_ls,      &tool_locks,   &tool_leader,  &tool_status,
    &tool_sessions, &tool_follow,  &tool_wait,    &tool_observe, &tool_barrier,
    &tool_backup,   &tool_inspect, &tool_members, &tool_upgrade, &tool_keys,
    &tool_close,    &tool_lead,    &tool_drain,   &tool_top,     &tool_changes,
};

#define COMMANDS (sizeof s_commands / sizeof s_commands[0])

static const char s_help[] =
    "usage: holdfast [--endpoints LIST] COMMAND [OPTION...] [ARGUMENT...]\n"
    "\n"
    "Named locks, and files to append to while holding them, kept by a cluster of\n"
    "holdfastd nodes.\n"
    "\n"
    "commands (each has --help with examples):\n"
    "  run       run a command while holding a lock, like flock(1)\n"
    "  elect     run a command while elected: one in the whole cluster\n"
    "  acquire   take a lock and leave it held, for a shell script\n"
    "  release   release what acquire took: its appends come into effect\n"
    "  append    append to a file, within a lock's section or alone\n"
    "  cat       print a file\n"
    "  ls        list the files\n"
    "  locks     list the locks that are held, or show one and its queue\n"
    "  sessions  list the sessions: who is there\n"
    "  close     end a session: what it holds goes to the next in line\n"
    "  watch     print what happens to locks, or to files, as it happens\n"
    "  wait      wait until nobody holds a lock\n"
    "  barrier   wait until so many have arrived, and go on together\n"
    "  observe   print who holds a lock, at each change\n"
    "  leader    say which node leads\n"
    "  status    show every node of the cluster\n"
    "  top       show the cluster and its busiest locks, again and again\n"
    "  events    print what happens to the cluster, as it happens\n"
    "  members   list the members of the cluster, or change them\n"
    "  lead      hand the lead to a node, which keeps it\n"
    "  drain     keep a node from leading, as before work on its machine\n"
    "  upgrade   raise the feature level, once every node runs the new version\n"
    "  backup    write the whole state of the cluster to a file\n"
    "  inspect   check a backup, and say what is in it\n"
    "  keys      make the keys of nodes and users, and say whose they are\n"
    "\n"
    "options:\n"
    "  --endpoints LIST  the nodes, as ID@HOST:CLIENT_PORT:NODE_PORT,... (default: the\n"
    "                    environment's HOLDFAST_ENDPOINTS, else 1@127.0.0.1:8080:8081)\n"
    "                    It may be old: one that is still a member is enough\n"
    "  --fixed           reach them at these addresses alone, as through a tunnel\n"
    "  --key FILE        your own key, NAME_secret (default: HOLDFAST_KEY); goes with\n"
    "  --keys DIR        the folder that has the nodes' keys in nodes/ (default:\n"
    "                    HOLDFAST_KEYS)\n"
    "  -h, --help        this text\n"
    "  -V, --version     the version\n"
    "\n"
    "examples:\n"
    "  holdfast run backup -- ./backup.sh        one backup at a time, in the whole cluster\n"
    "  holdfast run -n nightly -- make           give up at once when somebody else runs it\n"
    "  holdfast run books -- sh -c 'holdfast append ledger \"42 EUR\"; holdfast append audit x'\n"
    "                                            both files change at once, or neither\n"
    "  eval \"$(holdfast acquire deploy)\"; ...; holdfast release\n"
    "  holdfast status\n"
    "\n"
    "exit codes:\n"
    "  0    done\n"
    "  1    the lock was not granted, or is held still (-n, -w), or what -E says\n"
    "  2    refused: you do not hold the lock, no such file, too large, bad name...\n"
    "  64   the command line is wrong\n"
    "  69   no node can be reached, or no majority of the nodes stands behind it\n"
    "  70   this machine ran out of memory, processes or open files\n"
    "  74   reading the input or writing the output failed\n"
    "  75   the lock was lost, or its release was not acknowledged\n"
    "  77   denied: the user of the key has not the right to do it\n"
    "  126, 127, 128+N  of run: not executable, not found, ended by signal N; otherwise\n"
    "                   run gives the exit code of its command\n";

static const tool_command_t *
s_find (const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp (s_commands[i]->name, name) == 0)
            return s_commands[i];
    return NULL;
}

static int
s_unknown (const char *name)
{
    const char *nearest = NULL;
    unsigned least = 3; //  more than two letters off is no slip
    for (size_t i = 0; i < COMMANDS; i++) {
        unsigned distance = tool_distance (name, s_commands[i]->name);
        if (distance < least && distance < strlen (s_commands[i]->name)) {
            least = distance;
            nearest = s_commands[i]->name;
        }
    }
    if (nearest)
        return tool_error (TOOL_USAGE, "no command '%s': did you mean '%s'?", name, nearest);
    return tool_error (TOOL_USAGE, "no command '%s' (see: holdfast --help)", name);
}

static int
s_ask (const tool_command_t *command, tool_options_t *options)
{
    hf_client_t *client;
    int code = tool_client_new (&client);
    if (client)
        code = command->ask (options, client);
    hf_client_destroy (&client);
    return code;
}

/*  `eval "$(holdfast acquire NAME)"` must not go on. When nobody reads it, it is not waited for. */
static void
s_say_false (void)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    if (!ferror (stdout) && poll (&out, 1, 0) == 1 && (out.revents & POLLOUT) != 0)
        puts ("false");
}

int
main (int argc, char **argv)
{
    hf_std_open ();
    static const tool_command_t tool = {.help = s_help, .most = INT_MAX};
    tool_options_t options = {.command = NULL};
    int code = tool_options_read (&options, &tool, argc, argv);
    if (code >= 0)
        return code;
    char **rest = options.args;
    int count = options.count;
    if (count == 0) {
        fputs (s_help, stderr);
        return TOOL_USAGE;
    }
    //  `holdfast help` and `holdfast help COMMAND`.
    bool help = strcmp (rest[0], "help") == 0;
    const char *name = rest[help && count > 1];
    const tool_command_t *command = s_find (name);
    if (help && (command || count == 1)) {
        fputs (command ? command->help : s_help, stdout);
        return tool_flush (TOOL_OK);
    }
    if (!command)
        return s_unknown (name);
    code = tool_options_read (&options, command, count, rest);
    if (code < 0)
        code = command->run ? command->run (&options) : s_ask (command, &options);
    if (command == &tool_acquire && code != TOOL_OK && !options.json)
        s_say_false ();
    return code;
}
