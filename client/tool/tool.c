/*  holdfast - the command-line tool: picks the command. */
#include "client/tool/tool.h"
#include <stdlib.h>
#include <string.h>

typedef struct command {
    const char *name;
    int (*run) (int argc, char **argv);
    const char *summary;
} command_t;

static const command_t s_commands[] = {
    {"run", tool_run, "run a command while holding a lock, like flock(1)"},
    {"acquire", tool_acquire, "take a lock and leave it held, for a shell script"},
    {"release", tool_release, "release what acquire took: its appends come into effect"},
    {"append", tool_append, "append to a file, within a lock's section or alone"},
    {"cat", tool_cat, "print a file"},
    {"ls", tool_ls, "list the files"},
    {"locks", tool_locks, "list the locks that are held, or show one and its queue"},
    {"leader", tool_leader, "say which node leads"},
    {"status", tool_status, "show every node of the cluster"},
};

#define COMMANDS (sizeof s_commands / sizeof s_commands[0])

static const char s_help_head[] =
    "usage: holdfast [--endpoints LIST] COMMAND [OPTION...] [ARGUMENT...]\n"
    "\n"
    "Named locks, and files to append to while holding them, kept by a cluster of\n"
    "holdfastd nodes.\n"
    "\n"
    "commands (each has --help with examples):\n";

static const char s_help_tail[] =
    "\n"
    "options:\n"
    "  --endpoints LIST  the nodes, as ID@HOST:CLIENT_PORT:NODE_PORT,... (default: the\n"
    "                    environment's HOLDFAST_ENDPOINTS, else 1@127.0.0.1:8080:8081)\n"
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
    "  1    the lock was not granted (-n, -w), or what -E says\n"
    "  2    refused: you do not hold the lock, no such file, too large, bad name...\n"
    "  64   the command line is wrong\n"
    "  69   no node can be reached, or no majority of the nodes stands behind it\n"
    "  70   this machine ran out of memory or processes\n"
    "  74   reading the input or writing the output failed\n"
    "  75   the lock was lost, or its release was not acknowledged\n"
    "  126, 127, 128+N  of run: not executable, not found, ended by signal N; otherwise\n"
    "                   run gives the exit code of its command\n";

static void
s_help (FILE *out)
{
    fputs (s_help_head, out);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf (out, "  %-8s  %s\n", s_commands[i].name, s_commands[i].summary);
    fputs (s_help_tail, out);
}

static const command_t *
s_find (const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp (s_commands[i].name, name) == 0)
            return &s_commands[i];
    return NULL;
}

static int
s_unknown (const char *name)
{
    const char *nearest = NULL;
    unsigned least = 3; //  more than two letters off is no slip
    for (size_t i = 0; i < COMMANDS; i++) {
        unsigned distance = tool_distance (name, s_commands[i].name);
        if (distance < least && distance < strlen (s_commands[i].name)) {
            least = distance;
            nearest = s_commands[i].name;
        }
    }
    if (nearest)
        return tool_error (TOOL_USAGE, "no command '%s': did you mean '%s'?", name, nearest);
    return tool_error (TOOL_USAGE, "no command '%s' (see: holdfast --help)", name);
}

/*  `holdfast help` and `holdfast help COMMAND`. */
static int
s_run_help (int argc, char **argv)
{
    if (argc < 2) {
        s_help (stdout);
        return tool_flush (TOOL_OK);
    }
    const command_t *command = s_find (argv[1]);
    if (!command)
        return s_unknown (argv[1]);
    char option[] = "--help";
    char *args[] = {argv[1], option, NULL};
    return command->run (2, args);
}

int
main (int argc, char **argv)
{
    static const struct option options[] = {TOOL_OPTIONS_COMMON, {NULL, 0, NULL, 0}};
    opterr = 0;
    for (int option; (option = getopt_long (argc, argv, "+:hV", options, NULL)) != -1;) {
        if (option == 'h') {
            s_help (stdout);
            return tool_flush (TOOL_OK);
        }
        if (option == 'V') {
            puts ("holdfast " HF_VERSION);
            return tool_flush (TOOL_OK);
        }
        if (option != TOOL_OPT_ENDPOINTS) {
            const char *what = option == ':' ? "needs a value" : "is unknown before the command";
            return tool_error (TOOL_USAGE, "option %s %s (see: holdfast --help)", argv[optind - 1],
                               what);
        }
        setenv ("HOLDFAST_ENDPOINTS", optarg, 1);
    }
    if (optind == argc) {
        s_help (stderr);
        return TOOL_USAGE;
    }
    char **rest = argv + optind;
    int count = argc - optind;
    if (strcmp (rest[0], "help") == 0)
        return s_run_help (count, rest);
    const command_t *command = s_find (rest[0]);
    return command ? command->run (count, rest) : s_unknown (rest[0]);
}
