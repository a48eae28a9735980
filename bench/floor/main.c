/*  holdfast-floor - what a command costs at least on this machine: see floor.h. */
#include "bench/floor/floor.h"
#include "base/hf_std.h"
#include "tests/kit/hf_folder.h"
#include "tests/kit/hf_ports.h"
#include <getopt.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DONE = 0, FAILED = 1, USAGE = 64 };

static const char s_help[] =
    "usage: holdfast-floor [OPTION...] commands|echo|sync\n"
    "\n"
    "The cost below which no replicated lock service gets on this machine: the same messages over\n"
    "the same sockets to the same disks as holdfast's, with no logic.\n"
    "\n"
    "  commands  a DEALER sends to a ROUTER; that node and its followers commit (SQLite, WAL, "
    "FULL),\n"
    "            and each command is answered when a majority has. A cycle of a lock is two "
    "commands\n"
    "  echo      a ROUTER gives back what DEALERs in one process send: no disk, no other node\n"
    "  sync      write and sync 4 KiB at the end of a file\n"
    "\n"
    "options:\n"
    "  -w, --workers N    commands under way at once (default 1)\n"
    "  -n, --nodes N      of commands: 1, 3, 5 or 7 (default 3)\n"
    "  -k, --sockets N    of echo: the workers are shared out among so many (default: one each)\n"
    "  -t, --time SEC     that is measured, after a second that is not (default 5)\n"
    "  -b, --bytes N      of a command, 8 to 65536 (default 48)\n"
    "      --data DIR     where the disks are (default: TMPDIR, or /tmp)\n"
    "      --json         print JSON\n"
    "  -h, --help\n"
    "\n"
    "Processor time is of all processes of a kind, in microseconds for one command.\n";

static int
s_usage (const char *text)
{
    fprintf (stderr, "holdfast-floor: %s (see: holdfast-floor --help)\n", text);
    return USAGE;
}

static bool
s_number (const char *text, uint32_t least, uint32_t most, uint32_t *number)
{
    char *end;
    unsigned long value = strtoul (text, &end, 10);
    *number = (uint32_t)value;
    return *text >= '0' && *text <= '9' && *end == 0 && value >= least && value <= most;
}

/*  -1: go on. */
static int
s_read (floor_options_t *self, int argc, char **argv)
{
    enum { DATA = 256, JSON };
    static const struct option longs[] = {
        {"workers", 1, NULL, 'w'}, {"nodes", 1, NULL, 'n'}, {"sockets", 1, NULL, 'k'},
        {"time", 1, NULL, 't'},    {"bytes", 1, NULL, 'b'}, {"data", 1, NULL, DATA},
        {"json", 0, NULL, JSON},   {"help", 0, NULL, 'h'},  {NULL, 0, NULL, 0}};
    *self = (floor_options_t){.nodes = 3, .workers = 1, .seconds = 5, .bytes = 48};
    int option;
    bool good = true;
    while (good && (option = getopt_long (argc, argv, "w:n:k:t:b:h", longs, NULL)) != -1) {
        if (option == 'w')
            good = s_number (optarg, 1, 100000, &self->workers);
        else if (option == 'n')
            good = s_number (optarg, 1, HF_MEMBERS_MAX, &self->nodes) && self->nodes % 2 == 1;
        else if (option == 'k')
            good = s_number (optarg, 1, 10000, &self->sockets);
        else if (option == 't')
            good = s_number (optarg, 1, 3600, &self->seconds);
        else if (option == 'b')
            good = s_number (optarg, 8, 65536, &self->bytes);
        else if (option == DATA)
            self->root = optarg;
        else if (option == JSON)
            self->json = true;
        else if (option == 'h') {
            fputs (s_help, stdout);
            return DONE;
        } else
            return s_usage ("an option is wrong");
    }
    if (!good)
        return s_usage ("a number is wrong");
    self->what = optind + 1 == argc ? argv[optind] : "";
    if (strcmp (self->what, "commands") != 0 && strcmp (self->what, "echo") != 0 &&
        strcmp (self->what, "sync") != 0)
        return s_usage ("give one of commands, echo, sync");
    if (self->sockets == 0)
        self->sockets = strcmp (self->what, "echo") == 0 ? self->workers : 1;
    if (self->sockets > self->workers)
        return s_usage ("every socket needs a worker");
    return -1;
}

//  ---- processes ----------------------------------------------------------------------------

/*  A child that ends with this process; 0 in the child. */
static pid_t
s_fork (void)
{
    pid_t parent = getpid (), child = fork ();
    if (child < 0) {
        perror ("holdfast-floor: fork");
        exit (FAILED);
    }
    if (child == 0) {
        prctl (PR_SET_PDEATHSIG, SIGKILL);
        if (getppid () != parent)
            _Exit (FAILED);
    }
    return child;
}

static uint64_t
s_used_us (const struct rusage *usage)
{
    return (uint64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000 +
           (uint64_t)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec);
}

/*  End it. False: it had ended by itself, which is a failure. */
static bool
s_end (pid_t child, uint64_t *used_us)
{
    int status;
    struct rusage usage;
    bool ran = kill (child, 0) == 0 && waitpid (child, &status, WNOHANG) == 0;
    if (!ran)
        return false;
    kill (child, SIGKILL);
    if (wait4 (child, &status, 0, &usage) == child)
        *used_us += s_used_us (&usage);
    return true;
}

static bool
s_commands (const floor_options_t *options, floor_result_t *result)
{
    char root[PATH_MAX], dir[PATH_MAX + 16];
    pid_t nodes[HF_MEMBERS_MAX];
    hf_port_t ports[HF_MEMBERS_MAX + 1];
    floor_places_t places;
    if (hf_folder_make (options->root, "holdfast-floor-", root) != 0) {
        perror ("holdfast-floor: the folder");
        return false;
    }
    for (uint32_t i = 0; i <= options->nodes; i++)
        ports[i] = hf_port_take ();
    places.clients = ports[options->nodes].number;
    for (uint32_t i = 0; i < options->nodes; i++)
        places.nodes[i] = ports[i].number;
    for (uint32_t i = 0; i < options->nodes; i++) {
        snprintf (dir, sizeof dir, "%s/%u", root, i);
        if (mkdir (dir, 0700) != 0)
            perror ("holdfast-floor: the folder");
        nodes[i] = s_fork ();
        if (nodes[i] == 0)
            floor_node (options, &places, i, dir);
    }
    floor_load (options, places.clients, 1, result);
    bool good = true;
    for (uint32_t i = 0; i < options->nodes; i++)
        good = s_end (nodes[i], i == 0 ? &result->leader_us : &result->followers_us) && good;
    for (uint32_t i = 0; i <= options->nodes; i++)
        hf_port_give_back (&ports[i]);
    hf_folder_remove (root);
    return good;
}

static bool
s_echo (const floor_options_t *options, floor_result_t *result)
{
    hf_port_t port = hf_port_take ();
    pid_t child = s_fork ();
    if (child == 0)
        floor_echo (port.number);
    floor_load (options, port.number, options->sockets, result);
    bool good = s_end (child, &result->leader_us);
    hf_port_give_back (&port);
    return good;
}

//  ---- the result -----------------------------------------------------------------------------

static double
s_ms (const floor_result_t *self, double q)
{
    return (double)hf_histogram_quantile (self->latency, q) / 1e6;
}

/*  Of the time that was used, the part of one command. The second before what counts used some,
 * too.
 */
static double
s_each_us (const floor_options_t *options, const floor_result_t *self, uint64_t used_us)
{
    double share = (double)options->seconds / (options->seconds + 1);
    return (double)used_us * share / (double)self->count;
}

static void
s_print (const floor_options_t *options, const floor_result_t *self)
{
    double rate = (double)self->count / ((double)self->elapsed_ns / 1e9);
    double leader = s_each_us (options, self, self->leader_us);
    double followers = s_each_us (options, self, self->followers_us);
    double client = s_each_us (options, self, self->client_us);
    if (options->json) {
        json_t *root =
            json_pack ("{s:s, s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:f}", "floor", options->what,
                       "nodes", (json_int_t)options->nodes, "workers", (json_int_t)options->workers,
                       "sockets", (json_int_t)options->sockets, "per_second", rate, "p50_ms",
                       s_ms (self, 0.5), "p99_ms", s_ms (self, 0.99), "leader_cpu_us", leader,
                       "followers_cpu_us", followers, "client_cpu_us", client);
        json_dumpf (root, stdout, JSON_INDENT (2) | JSON_REAL_PRECISION (7));
        putchar ('\n');
        json_decref (root);
        return;
    }
    printf ("%s: %.0f/s, p50 %.3f ms, p99 %.3f ms\n", options->what, rate, s_ms (self, 0.5),
            s_ms (self, 0.99));
    if (strcmp (options->what, "sync") != 0)
        printf (
            "processor time: %.2f us for each on the side that answers, %.2f on the other nodes "
            "together, %.2f in the client\n",
            leader, followers, client);
}

int
main (int argc, char **argv)
{
    hf_std_open ();
    floor_options_t options;
    int code = s_read (&options, argc, argv);
    if (code >= 0)
        return code;
    floor_result_t result = {.latency = hf_histogram_new ()};
    bool good = strcmp (options.what, "sync") == 0       ? floor_sync (&options, &result)
                : strcmp (options.what, "commands") == 0 ? s_commands (&options, &result)
                                                         : s_echo (&options, &result);
    struct rusage usage;
    getrusage (RUSAGE_SELF, &usage);
    result.client_us = s_used_us (&usage);
    good = good && result.count > 0;
    if (good)
        s_print (&options, &result);
    else
        fprintf (stderr, "holdfast-floor: nothing was measured\n");
    hf_histogram_destroy (&result.latency);
    return good ? DONE : FAILED;
}
