//  holdfast top: the cluster and its busiest locks, again and again, in plain text.

#include "client/tool/tool_cluster.h"
#include "client/tool/tool_events.h"
#include "msgs/hf_limits.h"
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define BUSY_MAX    100  //  locks that are kept, of all that are held
#define BUSY_PLAIN  20   //  that are shown where there is no terminal
#define LOOK_MS     1000 //  for a node's answer
#define NAME_SIZE   256
#define INTERVAL_MS 1000

static const char s_help[] =
    "usage: holdfast top [OPTION...]\n"
    "\n"
    "Show the cluster and its busiest locks, most waiters first, and again each second, until\n"
    "interrupted: each node's role, term and progress, the commands that it applied in a\n"
    "second, what its disk's sync takes; of a lock its holders (and who the first one is), its\n"
    "waiters, and the bytes staged. As much as fits the terminal. Locks are asked of any node,\n"
    "so they may be a moment old.\n"
    "\n"
    "options:\n"
    "      --once            print it once, and end\n"
    "      --interval TIME   between two looks (default 1s; at least 100ms)\n"
    "      --json            print a JSON object a line: time, leader, term, nodes: id, role,\n"
    "                        endpoint, and their facts; locks: lock, holders, waiters, staged,\n"
    "                        label, note\n" TOOL_HELP_QUERY "  holdfast top\n"
    "  holdfast top --once --json | jq '.locks[0]'\n";

//  ---- the busiest locks -------------------------------------------------------------

typedef struct busy {
    char lock[NAME_SIZE];
    uint64_t holders, waiters, staged;
    char label[HF_LABEL_MAX + 1], note[HF_NOTE_MAX + 1]; //  of the first holder
} busy_t;

typedef struct top {
    const tool_options_t *options;
    hf_client_t *client;
    tool_cluster_t cluster;
    busy_t busy[BUSY_MAX + 1]; //  the last one: that is being read
    size_t count;
    //  A look ago.
    struct {
        uint32_t id;
        uint64_t commands, at_ms;
    } before[HF_MEMBERS_MAX];
} top_t;

static bool
s_busier (const busy_t *a, const busy_t *b)
{
    if (a->waiters != b->waiters)
        return a->waiters > b->waiters;
    if (a->holders != b->holders)
        return a->holders > b->holders;
    return a->staged != b->staged ? a->staged > b->staged : strcmp (a->lock, b->lock) < 0;
}

/*  The lock that was read takes its place among the others. */
static void
s_rank (top_t *self)
{
    busy_t *last = &self->busy[BUSY_MAX];
    if (last->lock[0] == 0)
        return;
    size_t at = self->count;
    while (at > 0 && s_busier (last, &self->busy[at - 1]))
        at--;
    if (at < BUSY_MAX) {
        size_t behind = (self->count < BUSY_MAX ? self->count : BUSY_MAX - 1) - at;
        memmove (&self->busy[at + 1], &self->busy[at], behind * sizeof *last);
        self->busy[at] = *last;
        self->count += self->count < BUSY_MAX;
    }
    last->lock[0] = 0;
}

static void
s_on_place (void *arg, const hf_lock_info_t *lock, const hf_place_info_t *place)
{
    top_t *self = arg;
    busy_t *last = &self->busy[BUSY_MAX];
    if (strcmp (last->lock, lock->lock) != 0) {
        s_rank (self);
        *last = (busy_t){.holders = lock->holders, .waiters = lock->waiters};
        snprintf (last->lock, sizeof last->lock, "%s", lock->lock);
        snprintf (last->label, sizeof last->label, "%s", place->label);
        snprintf (last->note, sizeof last->note, "%s", place->note);
    }
    last->staged += place->staged;
}

static void
s_look (top_t *self)
{
    hf_query_options_t query = HF_QUERY_OPTIONS_INIT;
    query.stale = true;
    tool_cluster_ask (&self->cluster, self->client, LOOK_MS, false);
    self->count = 0;
    self->busy[BUSY_MAX].lock[0] = 0;
    hf_query_locks_as (self->client, &query, s_on_place, self, LOOK_MS);
    s_rank (self);
}

/*  Commands in a second that the node in PLACE has applied since the last look; 0 at the first. */
static uint64_t
s_rate (top_t *self, size_t place)
{
    const tool_node_t *node = &self->cluster.node[place];
    uint64_t commands = tool_node_number (node, "command_index"), now_ms = tool_now_ms ();
    uint64_t rate = 0;
    if (node->status != HF_OK)
        return 0;
    if (self->before[place].id == node->id && commands >= self->before[place].commands &&
        now_ms > self->before[place].at_ms)
        rate =
            (commands - self->before[place].commands) * 1000 / (now_ms - self->before[place].at_ms);
    self->before[place].id = node->id;
    self->before[place].commands = commands;
    self->before[place].at_ms = now_ms;
    return rate;
}

//  ---- the page ----------------------------------------------------------------------

static uint64_t
s_time_ms (void)
{
    struct timespec now;
    clock_gettime (CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t
s_leaders (const tool_cluster_t *cluster, const char *key)
{
    uint64_t most = 0;
    for (size_t i = 0; i < cluster->count; i++) {
        uint64_t number = tool_node_number (&cluster->node[i], key);
        if (cluster->node[i].id == cluster->leader)
            return number;
        most = number > most ? number : most;
    }
    return most;
}

static void
s_write_head (const tool_cluster_t *cluster, FILE *out)
{
    char time[TOOL_TIME_SIZE], leader[64] = "no leader that a majority knows";
    tool_time_text (s_time_ms (), false, time);
    time[19] = 0; //  without the milliseconds
    if (cluster->leader > 0)
        snprintf (leader, sizeof leader, "node %" PRIu32 " leads in term %" PRIu64, cluster->leader,
                  cluster->term);
    fprintf (out, "holdfast  %s  %s  %zu of %zu nodes  %" PRIu64 " sessions  %" PRIu64 " locks\n\n",
             time, leader, cluster->reachable, cluster->count, s_leaders (cluster, "sessions"),
             s_leaders (cluster, "locks"));
}

static void
s_write_nodes (top_t *self, FILE *out)
{
    static const char *const keys[] = {"term", "applied_index", "clients", "sync_ms", "links_up"};
    tool_table_t *table =
        tool_table_new (">NODE|ROLE|ENDPOINT|>TERM|>APPLIED|>CLIENTS|>SYNC_MS|>LINKS|>CMD/S|");
    for (size_t i = 0; i < self->cluster.count; i++) {
        const tool_node_t *node = &self->cluster.node[i];
        char endpoint[HF_HOST_MAX + 16];
        tool_node_endpoint (node, endpoint, sizeof endpoint);
        tool_table_number (table, node->id);
        tool_table_text (table, tool_node_role (node));
        tool_table_text (table, endpoint);
        for (size_t j = 0; j < sizeof keys / sizeof keys[0]; j++)
            tool_cell (table, json_object_get (node->facts, keys[j]));
        tool_table_number (table, s_rate (self, i));
        tool_table_text (table, node->drained ? "drained" : node->votes ? "" : "does not vote");
    }
    tool_table_print (table, out);
    tool_table_destroy (&table);
}

static void
s_write_locks (const top_t *self, size_t most, FILE *out)
{
    tool_table_t *table = tool_table_new (">WAITERS|>HOLDERS|>STAGED|LOCK|LABEL|NOTE");
    for (size_t i = 0; i < self->count && i < most; i++) {
        const busy_t *busy = &self->busy[i];
        tool_table_number (table, busy->waiters);
        tool_table_number (table, busy->holders);
        tool_table_number (table, busy->staged);
        tool_table_text (table, busy->lock);
        tool_table_text (table, busy->label);
        tool_table_text (table, busy->note);
    }
    fputc ('\n', out);
    tool_table_print (table, out);
    tool_table_destroy (&table);
}

/*  PAGE, of which each line is cut to COLUMNS code points and no more than ROWS are shown, over
 * what is on the terminal. */
static void
s_show (const char *page, size_t rows, size_t columns)
{
    fputs ("\033[H", stdout);
    for (size_t row = 0; *page && row < rows; row++) {
        size_t column = 0;
        for (; *page && *page != '\n'; page++) {
            column += ((unsigned char)*page & 0xc0) != 0x80;
            if (column <= columns)
                putchar (*page);
        }
        page += *page == '\n';
        fputs (row + 1 < rows && *page ? "\033[K\n" : "\033[K", stdout);
    }
    fputs ("\033[J", stdout);
}

static int
s_print_text (top_t *self, bool first)
{
    struct winsize size = {.ws_row = 0};
    bool terminal = !self->options->once && isatty (STDOUT_FILENO) &&
                    ioctl (STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0;
    char *page = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream (&page, &bytes);
    if (!out)
        return tool_error (TOOL_INTERNAL, "out of memory");
    s_write_head (&self->cluster, out);
    s_write_nodes (self, out);
    s_write_locks (self, terminal ? size.ws_row : BUSY_PLAIN, out);
    if (fclose (out) != 0) {
        free (page);
        return tool_error (TOOL_INTERNAL, "out of memory");
    }
    if (terminal)
        s_show (page, size.ws_row, size.ws_col);
    else
        printf ("%s%s", first ? "" : "\n", page);
    free (page);
    return tool_flush (TOOL_OK);
}

static int
s_print_json (const top_t *self)
{
    char time[TOOL_TIME_SIZE];
    tool_time_text (s_time_ms (), true, time);
    json_t *nodes = json_array (), *locks = json_array ();
    for (size_t i = 0; i < self->cluster.count; i++) {
        const tool_node_t *node = &self->cluster.node[i];
        char endpoint[HF_HOST_MAX + 16];
        tool_node_endpoint (node, endpoint, sizeof endpoint);
        json_t *json = json_pack ("{s:I, s:s, s:s, s:b, s:b}", "id", (json_int_t)node->id, "role",
                                  tool_node_role (node), "endpoint", endpoint, "votes", node->votes,
                                  "drained", node->drained);
        json_object_update_missing (json, node->facts);
        json_array_append_new (nodes, json);
    }
    for (size_t i = 0; i < self->count; i++) {
        const busy_t *busy = &self->busy[i];
        json_array_append_new (locks,
                               json_pack ("{s:s, s:o, s:o, s:o, s:s, s:s}", "lock", busy->lock,
                                          "holders", tool_json_number (busy->holders), "waiters",
                                          tool_json_number (busy->waiters), "staged",
                                          tool_json_number (busy->staged), "label", busy->label,
                                          "note", busy->note));
    }
    bool known = self->cluster.leader > 0;
    return tool_print_line (json_pack ("{s:s, s:o, s:o, s:o, s:o}", "time", time, "leader",
                                       known ? json_integer (self->cluster.leader) : json_null (),
                                       "term",
                                       known ? tool_json_number (self->cluster.term) : json_null (),
                                       "nodes", nodes, "locks", locks));
}

//  ---- again and again ---------------------------------------------------------------

static void
s_resized (int signal)
{
    (void)signal; //  it ends the pause
}

static int
s_top (tool_options_t *options, hf_client_t *client)
{
    static top_t self; //  too large for a stack
    uint32_t interval_ms = options->interval_ms > 0 ? options->interval_ms : INTERVAL_MS;
    struct timespec pause = {.tv_sec = interval_ms / 1000,
                             .tv_nsec = (long)(interval_ms % 1000) * 1000000};
    int code = TOOL_OK;
    if (interval_ms < 100)
        return tool_misuse (options, "--interval must be at least 100ms");
    self = (top_t){.options = options, .client = client};
    sigaction (SIGWINCH, &(struct sigaction){.sa_handler = s_resized}, NULL);
    if (!options->once && !options->json && isatty (STDOUT_FILENO))
        fputs ("\033[2J", stdout);
    for (bool first = true; code == TOOL_OK; first = false) {
        s_look (&self);
        size_t reachable = self.cluster.reachable;
        code = options->json ? s_print_json (&self) : s_print_text (&self, first);
        tool_cluster_done (&self.cluster);
        if (options->once && code == TOOL_OK && reachable == 0)
            return tool_fail (HF_UNREACHABLE, NULL, "nobody answers");
        if (options->once)
            break;
        nanosleep (&pause, NULL);
    }
    return code;
}

const tool_command_t tool_top = {.name = "top",
                                 .help = s_help,
                                 .options = TOOL_TIMEOUT | TOOL_JSON | TOOL_TOP,
                                 .many = "takes no argument",
                                 .ask = s_top};
