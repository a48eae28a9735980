//  The options of holdfastd: one table of their names, forms and help.

#include "nodes/hf_options_table.h"
#include "broker-less/hf_endpoints.h"
#include "msgs/hf_limits.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELP_COLUMN 24
#define NAME_MAX_   32

#define AT(field) .at = offsetof (hf_options_t, field)

const hf_option_t hf_option_table[] = {
    {"config", 0, HF_OPTION_TEXT, AT (config), .argument = "FILE",
     .help = "read options from it first: lines such as cluster = \"1@alpha\";\n"
             "the names are those of these options (default: no file)"},
    {"check", 0, HF_OPTION_FLAG, .once = true, AT (check),
     .help = "read options, keys and rights, say all that is wrong with them, and exit"},
    {"id", 'i', HF_OPTION_ID, AT (id), .argument = "N",
     .help = "this node's id in the cluster list (default: the only one)"},
    {"cluster", 'c', HF_OPTION_TEXT, AT (cluster), .argument = "LIST",
     .help = "all nodes, the same list on every node and client:\n"
             "ID@HOST:CLIENT-PORT:NODE-PORT,... with 1, 3, 5 or 7 nodes;\n"
             "ports may be left out (8080, 8081).\n"
             "Default: " HF_ENDPOINTS_DEFAULT},
    {"join", 'j', HF_OPTION_PLACE, AT (join), .argument = "HOST:PORT",
     .help = "join the cluster of which a member serves clients there, instead of\n"
             "--cluster: 'holdfast members add' tells that cluster first where\n"
             "this node is. Also for a machine that comes back with an empty disk"},
    {"listen", 0, HF_OPTION_LISTEN, AT (listen), .argument = "ADDRESS[:CLIENT-PORT[:NODE-PORT]]",
     .help = "listen there, not where the list says that this node is called (in a\n"
             "container, behind a port mapping): an IPv4 address, an IPv6 address\n"
             "in brackets, or * for all IPv4 addresses; ports that are left out\n"
             "are those of the list"},
    {"http", 0, HF_OPTION_HTTP, AT (http), .argument = "ADDRESS:PORT",
     .help = "answer HTTP there: / is a page for a browser, /metrics for\n"
             "Prometheus, /healthz, /readyz, JSON under /v1/. It asks nobody who\n"
             "reads who he is: choose the address accordingly"},
    {"http-admin", 0, HF_OPTION_TEXT, AT (http_admin), .argument = "FILE",
     .help = "with --http, who has the token in this file may end holds and\n"
             "sessions, hand over the lead and drain nodes, there and on the page.\n"
             "One line of 16 signs or more, that only its owner may read"},
    {"keys", 0, HF_OPTION_TEXT, AT (keys), .argument = "DIR",
     .help = "the folder of public keys, with nodes/ and clients/: who is let in.\n"
             "With it everything is encrypted (holdfast keys --help). It is looked\n"
             "at each second, and on SIGHUP"},
    {"key", 0, HF_OPTION_TEXT, AT (key), .argument = "FILE",
     .help = "this node's own key, NAME_secret; goes with --keys"},
    {"rights", 0, HF_OPTION_TEXT, AT (rights), .argument = "FILE",
     .help = "who may do what: lines of USER PATTERN RIGHT[,RIGHT...], the same on\n"
             "each node. Goes with --keys. It is looked at each second, and on\n"
             "SIGHUP; one with a mistake changes nothing"},
    {"insecure", 0, HF_OPTION_FLAG, AT (insecure),
     .help = "without keys, let other machines reach this node: whoever does may\n"
             "do anything. Without it only loopback addresses are served"},
    {"connections", 0, HF_OPTION_COUNT, AT (connections), .argument = "N",
     .help = "take at most N connections of clients (default: 0, as many as the limit\n"
             "on open files has room for)"},
    {"handshakes", 0, HF_OPTION_COUNT, AT (handshakes), .argument = "N",
     .help = "so many of them may not have ended their handshake; for one more the\n"
             "oldest of these is cut off (default: 0, half of all connections)"},
    {"user-connections", 0, HF_OPTION_COUNT, AT (user_connections), .argument = "N",
     .help = "with --keys, a user has at most N connections, and gets LIMIT or FULL\n"
             "for more (default: 0, any number)"},
    {"user-sessions", 0, HF_OPTION_COUNT, AT (user_sessions), .argument = "N",
     .help = "with --keys, a user has at most N sessions, and gets LIMIT for more\n"
             "(default: 0, any number)"},
    {"user-rate", 0, HF_OPTION_COUNT, AT (user_rate), .argument = "N",
     .help = "with --keys, a user has at most N requests in a second, and gets BUSY\n"
             "for more; keepalives and releases do not count (default: 0, any number)"},
    {"data", 'd', HF_OPTION_TEXT, AT (data), .argument = "DIR",
     .help = "where this node keeps its log and files\n"
             "(default: ./holdfast-data; made when it is not there)"},
    {"log-level", 'l', HF_OPTION_LEVEL, AT (level), .argument = "LEVEL",
     .help = "error, warn, info (default) or debug; lines go to stderr"},
    {"log-format", 0, HF_OPTION_FORM, AT (form), .argument = "FORM",
     .help = "how these lines look: text, json, or journal, which is the default\n"
             "where stderr goes to systemd's journal"},
    {"log-keep", 'k', HF_OPTION_SIZE, AT (log_keep), .argument = "SIZE",
     .help = "bytes of the log that are kept for nodes that were away, with k, m\n"
             "or g behind the number (default: 32m); a node that was away for\n"
             "longer takes over the whole state of the leader"},
    {"token-floor", 0, HF_OPTION_FLOOR, AT (token_floor), .argument = "N",
     .help = "when a new cluster is formed in the place of an old one: tokens begin\n"
             "above N, as what compares tokens has seen those of the old one. Give\n"
             "it to every node; it changes nothing once tokens are above N"},
    {"no-prefer-lowest", 0, HF_OPTION_FLAG, AT (no_prefer_lowest),
     .help = "do not hand the lead over to the lowest id"},
    {"dump", 0, HF_OPTION_TEXT, .once = true, AT (dump), .argument = "DIR",
     .help = "print the state of a node that does not run, as JSON, and exit"},
    {"restore", 0, HF_OPTION_TEXT, .once = true, AT (restore), .argument = "FILE",
     .help = "make the data folder of this node, the first of a new cluster, from a\n"
             "backup (holdfast backup), and exit; the folder must be empty"},
    {"drop-sessions", 0, HF_OPTION_FLAG, .once = true, AT (drop_sessions),
     .help = "with --restore: without the sessions and what they hold"},
    {"recover", 0, HF_OPTION_FLAG, .once = true, AT (recover),
     .help = "when the other disks are lost for good: say what the data folder of\n"
             "this node has and what may be lost, and exit with code 1; with --yes\n"
             "make it a new cluster of this node alone, and exit with code 0"},
    {"yes", 0, HF_OPTION_FLAG, .once = true, AT (yes), .help = "with --recover: do it"},
    {"help", 'h', HF_OPTION_HELP, .once = true, .help = "show this and exit"},
    {"version", 'V', HF_OPTION_VERSION, .once = true, .help = "show the version and exit"},
};
const unsigned hf_option_count = sizeof hf_option_table / sizeof *hf_option_table;

//  ---- names ------------------------------------------------------------------------------

const hf_option_t *
hf_option_find (const char *name)
{
    for (unsigned i = 0; i < hf_option_count; i++)
        if (strcmp (hf_option_table[i].name, name) == 0)
            return &hf_option_table[i];
    return NULL;
}

/*  How many letters must be put in, taken out or changed to make one of the other: Wagner and
 *  Fischer's table, of which one line is kept. */
static unsigned
s_distance (const char *a, const char *b)
{
    unsigned line[NAME_MAX_ + 1], width = (unsigned)strlen (b);
    assert (width <= NAME_MAX_);
    for (unsigned i = 0; i <= width; i++)
        line[i] = i;
    for (; *a != 0; a++) {
        unsigned corner = line[0]++;
        for (unsigned i = 1; i <= width; i++) {
            unsigned least = corner + (*a != b[i - 1]);
            least = line[i] + 1 < least ? line[i] + 1 : least;
            least = line[i - 1] + 1 < least ? line[i - 1] + 1 : least;
            corner = line[i];
            line[i] = least;
        }
    }
    return line[width];
}

const hf_option_t *
hf_option_like (const char *name)
{
    const hf_option_t *like = NULL;
    size_t length = strlen (name);
    unsigned best = length < 6 ? 2 : length < 10 ? 3 : 4; //  not as far as that
    for (unsigned i = 0; i < hf_option_count && length <= NAME_MAX_; i++) {
        unsigned distance = s_distance (name, hf_option_table[i].name);
        if (distance < best) {
            best = distance;
            like = &hf_option_table[i];
        }
    }
    return like;
}

//  ---- values -----------------------------------------------------------------------------

static bool
s_parse_id (const char *text, uint32_t *id)
{
    char *end;
    unsigned long value = strtoul (text, &end, 10);
    bool good = *text >= '0' && *text <= '9' && *end == 0 && value >= 1 && value <= 65535;
    if (good)
        *id = (uint32_t)value;
    return good;
}

static bool
s_parse_flag (const char *text, bool *flag)
{
    static const char *const names[][2] = {
        {"no", "yes"}, {"false", "true"}, {"off", "on"}, {"0", "1"}};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        for (unsigned value = 0; value < 2; value++) {
            if (strcmp (text, names[i][value]) == 0) {
                *flag = value;
                return true;
            }
        }
    }
    return false;
}

/*  HOST:PORT, both there. */
static bool
s_is_place (const char *text)
{
    hf_endpoint_t place = {.id = 1, .node_port = 1};
    return hf_endpoint_parse_place (&place, text) && place.client_port != 0 && place.node_port == 1;
}

static bool
s_parse_size (const char *text, uint64_t *size)
{
    static const char units[] = "kmg";
    char *end;
    unsigned long long value = strtoull (text, &end, 10);
    const char *unit = *end != 0 ? strchr (units, *end | 0x20) : NULL;
    unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;
    bool good = *text >= '0' && *text <= '9' && value <= UINT64_MAX >> 32 &&
                (*end == 0 || (unit && end[1] == 0));
    if (good)
        *size = (uint64_t)value << shift;
    return good;
}

static bool
s_parse_floor (const char *text, uint64_t *floor)
{
    char *end;
    unsigned long long value = strtoull (text, &end, 10);
    bool good = *text >= '0' && *text <= '9' && *end == 0 && value <= HF_SKIP_MAX;
    if (good)
        *floor = (uint64_t)value;
    return good;
}

static bool
s_parse_count (const char *text, uint32_t *count)
{
    char *end;
    unsigned long value = strtoul (text, &end, 10);
    bool good = *text >= '0' && *text <= '9' && *end == 0 && value <= HF_COUNT_MAX;
    if (good)
        *count = (uint32_t)value;
    return good;
}

static bool
s_parse_http (const char *text, hf_listen_t *http)
{
    hf_listen_t listen = {0};
    bool good = hf_listen_parse (&listen, text) && listen.client_port != 0 && listen.node_port == 0;
    if (good)
        *http = listen;
    return good;
}

const char *
hf_option_set (const hf_option_t *option, hf_options_t *options, const char *value)
{
    void *at = (char *)options + option->at;
    switch (option->kind) {
    case HF_OPTION_FLAG:
        return s_parse_flag (value, at) ? NULL : "yes or no";
    case HF_OPTION_ID:
        return s_parse_id (value, at) ? NULL : "a number from 1 to 65535";
    case HF_OPTION_LEVEL:
        return hf_report_level (value, at) == 0 ? NULL : "error, warn, info or debug";
    case HF_OPTION_FORM:
        return hf_report_form (value, at) == 0 ? NULL : "text, json or journal";
    case HF_OPTION_LISTEN:
        return hf_listen_parse (at, value) ? NULL : HF_LISTEN_FORM;
    case HF_OPTION_HTTP:
        return s_parse_http (value, at) ? NULL
                                        : "ADDRESS:PORT, with an IPv4 address, an IPv6 address in "
                                          "brackets or *";
    case HF_OPTION_SIZE:
        return s_parse_size (value, at) ? NULL : "a number of bytes, such as 64k or 32m";
    case HF_OPTION_FLOOR:
        return s_parse_floor (value, at) ? NULL : "a number up to 1000000000000";
    case HF_OPTION_COUNT:
        return s_parse_count (value, at) ? NULL : "a number up to 1000000; 0: no limit";
    case HF_OPTION_PLACE:
        if (!s_is_place (value))
            return "HOST:PORT, where a member serves clients";
        break;
    default:
        assert (option->kind == HF_OPTION_TEXT);
    }
    *(const char **)at = value;
    return NULL;
}

//  ---- help -------------------------------------------------------------------------------

static void
s_help_of (const hf_option_t *option)
{
    char head[80], letter[] = "-?, ";
    letter[1] = option->letter;
    snprintf (head, sizeof head, "  %s--%s%s%s", option->letter ? letter : "    ", option->name,
              option->argument ? " " : "", option->argument ? option->argument : "");
    printf ("%-*s", HELP_COLUMN, head);
    if (strlen (head) >= HELP_COLUMN)
        printf ("\n%*s", HELP_COLUMN, "");
    for (const char *line = option->help; *line != 0;) {
        size_t size = strcspn (line, "\n");
        printf ("%.*s\n", (int)size, line);
        line += size;
        if (*line++ == 0)
            break;
        printf ("%*s", HELP_COLUMN, "");
    }
}

void
hf_options_help (void)
{
    fputs ("Usage: holdfastd [OPTION]...\n"
           "Run one node of a holdfast cluster: a replicated lock service.\n\n",
           stdout);
    for (unsigned i = 0; i < hf_option_count; i++)
        s_help_of (&hf_option_table[i]);
    fputs (
        "\n"
        "With no arguments it is a cluster of one on 127.0.0.1. A cluster of three on one "
        "machine:\n"
        "\n"
        "  L=1@127.0.0.1:8080:8081,2@127.0.0.1:8082:8083,3@127.0.0.1:8084:8085\n"
        "  holdfastd --id 1 --cluster $L --data d1 &\n"
        "  holdfastd --id 2 --cluster $L --data d2 &\n"
        "  holdfastd --id 3 --cluster $L --data d3 &\n"
        "  holdfast --endpoints $L status\n"
        "\n"
        "What is for a node that runs may stand in the file of --config as well, and in the\n"
        "environment: HOLDFASTD_LOG_LEVEL for --log-level. The command line wins over the\n"
        "environment, and that over the file. A flag may be given no: --insecure=no.\n"
        "\n"
        "SIGTERM ends it cleanly: a leader hands over first. SIGHUP makes it look at keys and "
        "rights\n"
        "now, and take the log level from the file.\n"
        "Exit codes: 0 ended by a signal, or dumped, restored, recovered or checked, 1 it could "
        "not\n"
        "start, a disk failed (stderr says which) or --check found something, 64 wrong usage, or\n"
        "other machines would reach it without keys.\n",
        stdout);
}
