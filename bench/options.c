/*  The command line of holdfast-bench. */
#include "bench/bench.h"
#include "msgs/hf_limits.h"
#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define S_COMMANDS                                                                                 \
    "cycle, handoff, shared, sets, append, read, scale, watch, failover, stop, cut, catchup, "     \
    "rejoin, scrape, idle or soak"
#define S_WORKERS_PER_SESSION_MAX 2000

static const char s_help[] =
    "Usage: holdfast-bench [OPTION]... COMMAND\n"
    "Measure a holdfast cluster: how many locks a second, how long each takes, how long the\n"
    "cluster is without a leader when one dies, how soon a node that was away is back, and\n"
    "whether nodes take more memory and disk with time.\n"
    "\n"
    "Commands:\n"
    "  cycle      every worker acquires and releases a lock of its own, over and over:\n"
    "             what the cluster can do when nobody waits for anybody\n"
    "  handoff    all workers want the same lock, each in a session of its own: how fast\n"
    "             a contended lock goes from one holder to the next\n"
    "  shared     all workers share one lock, each in a session of its own: readers beside each\n"
    "             other\n"
    "  sets       every worker acquires --locks locks of its own at once, and releases them\n"
    "  append     every worker acquires a lock of its own, appends --appends times --append-bytes "
    "to\n"
    "             a file, each once the one before was answered, and releases\n"
    "  read       every worker reads a file of --append-bytes, over and over: from the leader, or\n"
    "             with --stale from whichever node answers first, which may be a moment behind\n"
    "  scale      cycles beside --held locks that others hold, --waiters sessions that wait for\n"
    "             one of them, and --idle connections; with --start also a node's memory for each\n"
    "             lock, and how long a node that is killed takes to have them all again\n"
    "  watch      one writer, --watchers watchers, spread over the nodes: how long after a\n"
    "             release they are told of it\n"
    "  failover   kill the leader (SIGKILL) under load, measure from the kill to the next\n"
    "             grant, start it again, wait until all is well; needs --start\n"
    "  stop       the same, but the leader is stopped (SIGSTOP) and goes on later: its "
    "connections\n"
    "             stay open, and nobody is told; needs --start\n"
    "  cut        the same, but the leader is cut off from all other nodes and from the clients;\n"
    "             each node is in a network namespace of its own, which /dev/net/tun and root, or\n"
    "             user namespaces, are needed for; needs --start\n"
    "  catchup    kill a follower (SIGKILL), run --ops operations without it, start it again\n"
    "             under a light load, and measure how long until it has all of them and counts,\n"
    "             and what the load sees of that; then the same with its data removed. By log or\n"
    "             by state: --log-keep decides which of them helps it. Needs --start\n"
    "  rejoin     stop a follower, kill one, kill and wipe one, each for --away seconds and\n"
    "             --rounds times, under a load that never pauses; measure how long until it has\n"
    "             all and counts, and how often it takes the whole state over. Needs --start\n"
    "  scrape     hold --held locks; read /metrics of each node each --every s under a load, for\n"
    "             --seconds, then not for as long, and so on for --rounds; measure the scrapes,\n"
    "             and acquires with and without. Needs --start 1, 3 or 5\n"
    "  idle       keep --sessions-per-connection sessions on each of --connections alive, which "
    "ask\n"
    "             for nothing: what that takes of a core, and how many are lost\n"
    "  soak       run --cycles cycles, each with a lock never seen before, and look at each\n"
    "             node's memory and disk a hundred times: they must come to a level and stay\n"
    "             there. Appended files are counted apart: they grow, as they should; needs "
    "--start\n"
    "\n"
    "Which cluster:\n"
    "  -e, --endpoints LIST   a running one: 1@host:port:port,2@... (default: the\n"
    "                         environment's HOLDFAST_ENDPOINTS, else 127.0.0.1)\n"
    "  -s, --start N          start one of N nodes (1, 3, 5 or 7) here for the time of the run,\n"
    "                         on free ports of 127.0.0.1, with fresh data that is removed again\n"
    "      --holdfastd PATH   the node's program (default: the one beside this program)\n"
    "      --data-root DIR    where the data of nodes started here goes: choose the disk that\n"
    "                         is to be measured (default: $TMPDIR or /tmp)\n"
    "      --log-keep SIZE    the --log-keep of nodes started here\n"
    "      --curve            nodes started here and their clients have keys: all is encrypted\n"
    "      --sync-ms N        each sync of a disk of nodes started here takes N ms longer\n"
    "\n"
    "The load:\n"
    "  -w, --workers N        workers, each with one request out at a time (default 64;\n"
    "                         failover, stop, cut and catchup: 4)\n"
    "  -c, --connections N    connections they share; W: one each (default 1)\n"
    "      --threads          each connection has a thread of its own here: else one serves all\n"
    "      --sessions-per-connection N\n"
    "                         sessions on each connection; W: one a worker (default 1;\n"
    "                         handoff, shared: always one a worker)\n"
    "      --ttl MS           the sessions' time to live (default 10000)\n"
    "  -t, --seconds N        how long to measure (default 10; catchup: its quiet load, 5;\n"
    "                         rejoin: before each round, 3; scrape: of each part, 3)\n"
    "      --warmup N         seconds before that which do not count (default 2)\n"
    "  -r, --rounds N         of failover, stop, cut (default 20), rejoin (default 3) and scrape\n"
    "                         (default 4)\n"
    "      --ops N            that a node misses in catchup; an acquire is one, a release\n"
    "                         another (default 200000)\n"
    "      --cycles N         of soak (default 1000000)\n"
    "      --locks N          in each of sets, 1 to 64 (default 4)\n"
    "      --watchers N       of watch (default 1000)\n"
    "      --away N           seconds that a node is away in rejoin (default 5)\n"
    "      --append-every N   soak, rejoin: one cycle in N appends to one of 4 files (default\n"
    "                         10; 0: none)\n"
    "      --append-bytes N   so much (default 16)\n"
    "      --held N           of scale (default 1000) and scrape (default 10000)\n"
    "      --every N          of scrape: seconds from one to the next (default 1)\n"
    "      --waiters N        of scale (default 0)\n"
    "      --idle N           of scale: in other processes, for the descriptors that each takes\n"
    "                         (default 0)\n"
    "      --stale            of read: any node may answer\n"
    "      --appends N        of append, in each section (default 4)\n"
    "      --out FILE         soak: write the samples to FILE, with tabs between columns\n"
    "\n"
    "  -j, --json             the result as one JSON object on stdout, times in microseconds\n"
    "  -h, --help             this text\n"
    "  -V, --version\n"
    "\n"
    "Progress goes to stderr, the result to stdout. Workers are closed loops: a worker asks\n"
    "again as soon as it is answered, so more workers give more throughput and longer latency.\n"
    "Try 1 worker for the latency of an idle cluster, and thousands for its throughput.\n"
    "\n"
    "Exit codes: 0 all went well; 1 a request failed or a node ended; 64 the command line is\n"
    "wrong; 69 the cluster did not start or cannot be reached.\n"
    "\n"
    "Examples:\n"
    "  holdfast-bench --start 3 cycle                   64 workers over one connection\n"
    "  holdfast-bench --start 3 -w 1 cycle              latency when nothing else goes on\n"
    "  holdfast-bench --start 3 -w 1000 -c 4 cycle      throughput\n"
    "  holdfast-bench --start 3 -w 16 -c W handoff      one lock, 16 clients\n"
    "  holdfast-bench --start 3 shared                  64 readers on one lock\n"
    "  holdfast-bench --start 3 sets                    64 workers, 4 locks at once each\n"
    "  holdfast-bench --start 3 append                  64 workers, 4 appends in each section\n"
    "  holdfast-bench --start 3 --stale read            64 readers, from any node\n"
    "  holdfast-bench --start 3 --held 100000 scale     beside 100,000 locks\n"
    "  holdfast-bench --start 3 -c 4 --sessions-per-connection 25000 idle\n"
    "  holdfast-bench --start 3 watch                   1,000 watchers\n"
    "  holdfast-bench --start 3 --rounds 20 failover\n"
    "  holdfast-bench --start 3 catchup\n"
    "  holdfast-bench --start 3 --out soak.tsv soak\n";

#define S_ALL        UINT32_MAX //  "W": as many as there are workers
#define S_TO(field)  offsetof (hf_bench_options_t, field)
#define S_FIRST_LONG 256 //  getopt_long's value for the long option of row 0

/*  Every option but help and version: a text, a flag, or a number from LEAST to MOST. */
static const struct {
    char letter;
    const char *name;
    enum { S_TEXT, S_FLAG, S_NUMBER, S_NUMBER_OR_ALL } kind;
    size_t field;
    uint32_t least, most;
} s_options[] = {
    {'e', "endpoints", S_TEXT, S_TO (endpoints), 0, 0},
    {'s', "start", S_NUMBER, S_TO (start), 1, HF_MEMBERS_MAX},
    {0, "holdfastd", S_TEXT, S_TO (holdfastd), 0, 0},
    {0, "data-root", S_TEXT, S_TO (data_root), 0, 0},
    {0, "log-keep", S_TEXT, S_TO (log_keep), 0, 0},
    {'w', "workers", S_NUMBER, S_TO (workers), 1, HF_QUEUE_MAX + 1},
    {'c', "connections", S_NUMBER_OR_ALL, S_TO (connections), 1, 10000},
    {0, "sessions-per-connection", S_NUMBER_OR_ALL, S_TO (sessions), 1, HF_SESSIONS_MAX},
    {0, "ttl", S_NUMBER, S_TO (ttl_ms), HF_TTL_MIN_MS, HF_TTL_MAX_MS},
    {'t', "seconds", S_NUMBER, S_TO (seconds), 1, 86400},
    {0, "warmup", S_NUMBER, S_TO (warmup), 0, 3600},
    {'r', "rounds", S_NUMBER, S_TO (rounds), 1, 100000},
    {0, "ops", S_NUMBER, S_TO (ops), 2, 1000000000},
    {0, "cycles", S_NUMBER, S_TO (cycles), 1, 1000000000},
    {0, "append-every", S_NUMBER, S_TO (append_every), 0, 1000000000},
    {0, "append-bytes", S_NUMBER, S_TO (append_bytes), 1, HF_DATA_MAX},
    {0, "appends", S_NUMBER, S_TO (appends), 1, 10000},
    {0, "away", S_NUMBER, S_TO (away), 1, 3600},
    {0, "locks", S_NUMBER, S_TO (locks), 1, HF_SET_MAX},
    {0, "watchers", S_NUMBER, S_TO (watchers), 1, 100000},
    {0, "held", S_NUMBER, S_TO (held), 0, HF_PLACES_TOTAL_MAX - 1000},
    {0, "every", S_NUMBER, S_TO (every), 1, 3600},
    {0, "waiters", S_NUMBER, S_TO (waiters), 0, HF_QUEUE_MAX},
    {0, "idle", S_NUMBER, S_TO (idle), 0, 10000},
    {0, "stale", S_FLAG, S_TO (stale), 0, 0},
    {0, "curve", S_FLAG, S_TO (curve), 0, 0},
    {0, "threads", S_FLAG, S_TO (threads), 0, 0},
    {0, "sync-ms", S_NUMBER, S_TO (sync_ms), 0, 10000},
    {0, "out", S_TEXT, S_TO (out), 0, 0},
    {'j', "json", S_FLAG, S_TO (json), 0, 0},
};

#define S_OPTIONS (sizeof s_options / sizeof *s_options)

/*  The number of row I into *value, or "W" where that is allowed. */
static bool
s_number (size_t i, const char *text, uint32_t *value)
{
    bool all = s_options[i].kind == S_NUMBER_OR_ALL;
    if (all && strcasecmp (text, "W") == 0) {
        *value = S_ALL;
        return true;
    }
    char *end;
    errno = 0;
    unsigned long number = strtoul (text, &end, 10);
    *value = (uint32_t)number;
    if (!errno && end != text && !*end && *text != '-' && number >= s_options[i].least &&
        number <= s_options[i].most)
        return true;
    hf_bench_say ("--%s must be %u to %u%s, not \"%s\"", s_options[i].name, s_options[i].least,
                  s_options[i].most, all ? " or W" : "", text);
    return false;
}

/*  One option; false: a mistake, which has been reported. */
static bool
s_option (hf_bench_options_t *self, int option)
{
    size_t i = 0;
    while (i < S_OPTIONS && option != S_FIRST_LONG + (int)i && option != s_options[i].letter)
        i++;
    if (i == S_OPTIONS)
        return false; //  getopt has reported it
    void *field = (char *)self + s_options[i].field;
    if (s_options[i].kind == S_TEXT)
        *(const char **)field = optarg;
    else if (s_options[i].kind == S_FLAG)
        *(bool *)field = true;
    else
        return s_number (i, optarg, field);
    return true;
}

static bool
s_command (hf_bench_options_t *self, const char *text)
{
    for (hf_bench_command_t i = HF_BENCH_CYCLE; i <= HF_BENCH_LAST; i++) {
        if (strcmp (text, hf_bench_command_name (i)) == 0) {
            self->command = i;
            return true;
        }
    }
    hf_bench_say ("there is no command \"%s\"; it is " S_COMMANDS, text);
    return false;
}

/*  Which nodes, and whether the command can do with them. */
static bool
s_settle_nodes (const hf_bench_options_t *self)
{
    if (self->curve && !self->start) {
        hf_bench_say ("--curve goes with --start; a running cluster takes HOLDFAST_KEY and "
                      "HOLDFAST_KEYS");
        return false;
    }
    if (self->start && self->start % 2 == 0) {
        hf_bench_say ("a cluster has 1, 3, 5 or 7 nodes, not %u", self->start);
        return false;
    }
    if (self->start && self->endpoints) {
        hf_bench_say ("--start and --endpoints exclude each other");
        return false;
    }
    bool kills = self->command == HF_BENCH_FAILOVER || self->command == HF_BENCH_CATCHUP ||
                 self->command == HF_BENCH_REJOIN || self->command == HF_BENCH_STOP ||
                 self->command == HF_BENCH_CUT;
    if (kills && self->start < 3) {
        hf_bench_say (
            "%s kills, stops or cuts off nodes that it started itself: give --start 3, 5 or 7",
            hf_bench_command_name (self->command));
        return false;
    }
    if (self->command == HF_BENCH_SOAK && self->start == 0) {
        hf_bench_say ("soak looks at nodes that it started itself: give --start 1, 3, 5 or 7");
        return false;
    }
    if (self->command == HF_BENCH_SCRAPE &&
        (self->start == 0 || self->start > 5 || self->log_keep != NULL)) {
        hf_bench_say ("scrape starts nodes with an HTTP port: give --start 1, 3 or 5, and no "
                      "--log-keep");
        return false;
    }
    if ((self->log_keep || self->sync_ms) && self->start == 0) {
        hf_bench_say ("--log-keep and --sync-ms are for nodes started here: give --start");
        return false;
    }
    return true;
}

/*  What goes together, and what is left to the workload. */
static bool
s_settle (hf_bench_options_t *self)
{
    bool light = self->command == HF_BENCH_FAILOVER || self->command == HF_BENCH_STOP ||
                 self->command == HF_BENCH_CUT || self->command == HF_BENCH_CATCHUP;
    if (self->workers == 0)
        self->workers = light ? 4 : 64;
    if (self->rounds == 0)
        self->rounds = self->command == HF_BENCH_REJOIN   ? 3
                       : self->command == HF_BENCH_SCRAPE ? 4
                                                          : 20;
    if (self->held == UINT32_MAX)
        self->held = self->command == HF_BENCH_SCRAPE ? 10000 : 1000;
    bool parts = self->command == HF_BENCH_REJOIN || self->command == HF_BENCH_SCRAPE;
    if (self->seconds == 0)
        self->seconds = parts ? 3 : light ? 5 : 10;
    if (self->command == HF_BENCH_IDLE) {
        bool numbers = self->connections != S_ALL && self->sessions != S_ALL;
        self->workers = numbers ? self->connections * (self->sessions ? self->sessions : 1) : 0;
        if (self->workers < 1 || self->workers > HF_SESSIONS_MAX) {
            hf_bench_say ("idle needs numbers of --connections and --sessions-per-connection, for "
                          "at most %u sessions",
                          HF_SESSIONS_MAX);
            return false;
        }
    }
    if (self->connections == S_ALL)
        self->connections = self->workers;
    if (self->connections > self->workers) {
        hf_bench_say ("--connections %u is more than the %u workers", self->connections,
                      self->workers);
        return false;
    }
    uint32_t each = (self->workers + self->connections - 1) / self->connections;
    if (self->command == HF_BENCH_HANDOFF || self->command == HF_BENCH_SHARED) {
        if (self->sessions && self->sessions != S_ALL && self->sessions < each) {
            hf_bench_say ("%s needs a session for every worker: a session that holds the lock is "
                          "given it again",
                          hf_bench_command_name (self->command));
            return false;
        }
        self->sessions = each;
    }
    if (self->sessions == 0)
        self->sessions = 1;
    if (self->sessions > each)
        self->sessions = each;
    if (self->appends == 0)
        self->appends = self->command == HF_BENCH_APPEND ? 4 : 1;
    assert (self->sessions > 0);
    if ((each + self->sessions - 1) / self->sessions > S_WORKERS_PER_SESSION_MAX) {
        hf_bench_say ("more than %u workers would share a session; use more of "
                      "--sessions-per-connection or --connections",
                      S_WORKERS_PER_SESSION_MAX);
        return false;
    }
    return s_settle_nodes (self);
}

bool
hf_bench_options_read (hf_bench_options_t *self, int argc, char **argv, int *exit_code)
{
    *self = (hf_bench_options_t){.connections = 1,
                                 .warmup = 2,
                                 .rounds = 0,
                                 .ttl_ms = HF_TTL_DEFAULT_MS,
                                 .cycles = 1000000,
                                 .append_every = 10,
                                 .append_bytes = 16,
                                 .away = 5,
                                 .locks = 4,
                                 .watchers = 1000,
                                 .held = UINT32_MAX, //  of the command
                                 .every = 1,
                                 .ops = 200000};
    *exit_code = HF_EXIT_USAGE;
    struct option names[S_OPTIONS + 3] = {{"help", 0, NULL, 'h'}, {"version", 0, NULL, 'V'}};
    char letters[2 * S_OPTIONS + 3] = "hV", *at = letters + 2;
    for (size_t i = 0; i < S_OPTIONS; i++) {
        int value = s_options[i].kind != S_FLAG;
        names[i + 2] = (struct option){s_options[i].name, value, NULL, S_FIRST_LONG + (int)i};
        if (s_options[i].letter)
            at += sprintf (at, "%c%s", s_options[i].letter, value ? ":" : "");
    }
    bool right = true;
    int option;
    while (right && (option = getopt_long (argc, argv, letters, names, NULL)) != -1) {
        if (option == 'h' || option == 'V') {
            fputs (option == 'h' ? s_help : "holdfast-bench " HF_VERSION "\n", stdout);
            *exit_code = HF_EXIT_OK;
            return false;
        }
        right = s_option (self, option);
    }
    if (right && optind != argc - 1) {
        hf_bench_say ("give one command: " S_COMMANDS);
        right = false;
    }
    right = right && s_command (self, argv[optind]) && s_settle (self);
    if (!right)
        fputs ("Try: holdfast-bench --help\n", stderr);
    return right;
}
