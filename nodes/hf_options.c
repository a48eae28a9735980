//  The command line of holdfastd.

#include "nodes/hf_options.h"
#include "broker-less/hf_endpoints.h"
#include "msgs/hf_limits.h"
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_KEEP_DEFAULT (32U << 20)

static const char s_help[] =
    "Usage: holdfastd [OPTION]...\n"
    "Run one node of a holdfast cluster: a replicated lock service.\n"
    "\n"
    "  -i, --id N            this node's id in the cluster list (default: the only one)\n"
    "  -c, --cluster LIST    all nodes, the same list on every node and client:\n"
    "                        ID@HOST:CLIENT-PORT:NODE-PORT,... with 1, 3, 5 or 7 nodes;\n"
    "                        ports may be left out (8080, 8081).\n"
    "                        Default: " HF_ENDPOINTS_DEFAULT "\n"
    "  -j, --join HOST:PORT  join the cluster of which a member serves clients there, instead of\n"
    "                        --cluster: 'holdfast members add' tells that cluster first where\n"
    "                        this node is. Also for a machine that comes back with an empty disk\n"
    "      --listen ADDRESS[:CLIENT-PORT[:NODE-PORT]]\n"
    "                        listen there, not where the list says that this node is called (in a\n"
    "                        container, behind a port mapping): an IPv4 address, an IPv6 address\n"
    "                        in brackets, or * for all IPv4 addresses; ports that are left out\n"
    "                        are those of the list\n"
    "      --http ADDRESS:PORT   answer HTTP there: / is a page for a browser, /metrics for\n"
    "                        Prometheus, /healthz, /readyz, JSON under /v1/. It changes\n"
    "                        nothing, and asks nobody who he is: choose the address accordingly\n"
    "      --keys DIR        the folder of public keys, with nodes/ and clients/: who is let in.\n"
    "                        With it everything is encrypted (holdfast keys --help). It is looked\n"
    "                        at each second, and on SIGHUP\n"
    "      --key FILE        this node's own key, NAME_secret; goes with --keys\n"
    "      --rights FILE     who may do what: lines of USER PATTERN RIGHT[,RIGHT...], the same on "
    "each\n"
    "                        node. Goes with --keys. It is looked at each second, and on SIGHUP; "
    "one\n"
    "                        with a mistake changes nothing\n"
    "      --check           look at the options, the keys and the rights, say all that is wrong, "
    "and\n"
    "                        exit: 0 when nothing is, else 1 (64: wrong usage)\n"
    "      --insecure        without keys, let other machines reach this node: whoever does may\n"
    "                        do anything. Without it only loopback addresses are served\n"
    "  -d, --data DIR        where this node keeps its log and files\n"
    "                        (default: ./holdfast-data; made when it is not there)\n"
    "  -l, --log-level LEVEL error, warn, info (default) or debug; lines go to stderr\n"
    "      --log-format FORM how these lines look: text, json, or journal, which is the default\n"
    "                        where stderr goes to systemd's journal\n"
    "  -k, --log-keep SIZE   bytes of the log that are kept for nodes that were away, with k, m\n"
    "                        or g behind the number (default: 32m); a node that was away for\n"
    "                        longer takes over the whole state of the leader\n"
    "      --token-floor N   when a new cluster is formed in the place of an old one: tokens "
    "begin\n"
    "                        above N, as what compares tokens has seen those of the old one. Give\n"
    "                        it to every node; it changes nothing once tokens are above N\n"
    "      --dump DIR        print the state of a node that does not run, as JSON, and exit\n"
    "      --restore FILE    make the data folder of this node, the first of a new cluster, from "
    "a\n"
    "                        backup (holdfast backup), and exit; the folder must be empty\n"
    "      --drop-sessions   with --restore: without the sessions and what they hold\n"
    "      --recover         when the other disks are lost for good: say what the data folder of "
    "this\n"
    "                        node has and what may be lost, and exit with code 1; with --yes make "
    "it\n"
    "                        a new cluster of this node alone, and exit with code 0\n"
    "      --yes             with --recover: do it\n"
    "      --no-prefer-lowest  do not hand the lead over to the lowest id\n"
    "  -h, --help            show this and exit\n"
    "  -V, --version         show the version and exit\n"
    "\n"
    "With no arguments it is a cluster of one on 127.0.0.1. A cluster of three on one machine:\n"
    "\n"
    "  L=1@127.0.0.1:8080:8081,2@127.0.0.1:8082:8083,3@127.0.0.1:8084:8085\n"
    "  holdfastd --id 1 --cluster $L --data d1 &\n"
    "  holdfastd --id 2 --cluster $L --data d2 &\n"
    "  holdfastd --id 3 --cluster $L --data d3 &\n"
    "  holdfast --endpoints $L status\n"
    "\n"
    "SIGTERM ends it cleanly: a leader hands over first. SIGHUP makes it look at keys and rights "
    "now.\n"
    "Exit codes: 0 ended by a signal, or dumped, restored or recovered, 1 it could not start or a\n"
    "disk failed (stderr says which), 64 wrong usage, or other machines would reach it without\n"
    "keys.\n";

static int
s_usage (const char *text, const char *value)
{
    fprintf (stderr, "holdfastd: %s%s%s%s; try 'holdfastd --help'\n", text, value ? " \"" : "",
             value ? value : "", value ? "\"" : "");
    return EXIT_USAGE;
}

static bool
s_parse_id (const char *text, uint32_t *id)
{
    char *end;
    unsigned long value = strtoul (text, &end, 10);
    *id = (uint32_t)value;
    return *text >= '0' && *text <= '9' && *end == 0 && value >= 1 && value <= 65535;
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
    *size = (uint64_t)value << shift;
    return *text >= '0' && *text <= '9' && value <= UINT64_MAX >> 32 &&
           (*end == 0 || (unit && end[1] == 0));
}

static bool
s_parse_floor (const char *text, uint64_t *floor)
{
    char *end;
    unsigned long long value = strtoull (text, &end, 10);
    *floor = (uint64_t)value;
    return *text >= '0' && *text <= '9' && *end == 0 && value <= HF_SKIP_MAX;
}

/*  Whether they go together; the default of what depends on others. -1: they do. */
static int
s_check (hf_options_t *options)
{
    if (!options->keys != !options->key)
        return s_usage ("--keys and --key go together: who is let in, and who this node is", NULL);
    if (options->rights && !options->keys)
        return s_usage ("--rights goes with --keys and --key: without them nobody is known", NULL);
    if (options->check && (options->dump || options->restore || options->recover))
        return s_usage ("--check goes without --dump, --restore and --recover", NULL);
    if (options->keys && options->insecure)
        return s_usage ("--insecure is for a node without --keys", NULL);
    if (options->drop_sessions && !options->restore)
        return s_usage ("--drop-sessions goes with --restore alone", NULL);
    if (options->join && (options->cluster || options->restore))
        return s_usage ("--join goes without --cluster and --restore", NULL);
    if (options->recover && (options->join || options->restore || options->dump))
        return s_usage ("--recover goes without --join, --restore and --dump", NULL);
    if (options->yes && !options->recover)
        return s_usage ("--yes goes with --recover alone", NULL);
    if (!options->cluster && !options->recover)
        options->cluster = HF_ENDPOINTS_DEFAULT;
    return -1;
}

enum {
    NO_PREFER = 256,
    DUMP,
    LISTEN,
    RESTORE,
    DROP,
    HTTP,
    FORM,
    RECOVER,
    YES,
    KEYS,
    KEY,
    RIGHTS,
    CHECK,
    INSECURE,
    FLOOR
};
static const struct option s_longs[] = {{"id", required_argument, NULL, 'i'},
                                        {"cluster", required_argument, NULL, 'c'},
                                        {"join", required_argument, NULL, 'j'},
                                        {"listen", required_argument, NULL, LISTEN},
                                        {"http", required_argument, NULL, HTTP},
                                        {"keys", required_argument, NULL, KEYS},
                                        {"key", required_argument, NULL, KEY},
                                        {"rights", required_argument, NULL, RIGHTS},
                                        {"check", no_argument, NULL, CHECK},
                                        {"insecure", no_argument, NULL, INSECURE},
                                        {"data", required_argument, NULL, 'd'},
                                        {"log-level", required_argument, NULL, 'l'},
                                        {"log-format", required_argument, NULL, FORM},
                                        {"dump", required_argument, NULL, DUMP},
                                        {"restore", required_argument, NULL, RESTORE},
                                        {"drop-sessions", no_argument, NULL, DROP},
                                        {"recover", no_argument, NULL, RECOVER},
                                        {"yes", no_argument, NULL, YES},
                                        {"log-keep", required_argument, NULL, 'k'},
                                        {"token-floor", required_argument, NULL, FLOOR},
                                        {"no-prefer-lowest", no_argument, NULL, NO_PREFER},
                                        {"help", no_argument, NULL, 'h'},
                                        {"version", no_argument, NULL, 'V'},
                                        {NULL, 0, NULL, 0}};

/*  A text that is taken as it is, or a flag. False: option C is none. */
static bool
s_take (hf_options_t *options, int c)
{
    const char **text = c == 'c'       ? &options->cluster
                        : c == 'd'     ? &options->data
                        : c == DUMP    ? &options->dump
                        : c == RESTORE ? &options->restore
                        : c == KEYS    ? &options->keys
                        : c == KEY     ? &options->key
                        : c == RIGHTS  ? &options->rights
                                       : NULL;
    bool *flag = c == DROP       ? &options->drop_sessions
                 : c == RECOVER  ? &options->recover
                 : c == YES      ? &options->yes
                 : c == INSECURE ? &options->insecure
                 : c == CHECK    ? &options->check
                                 : NULL;
    if (text)
        *text = optarg;
    if (flag)
        *flag = true;
    if (c == NO_PREFER)
        options->prefer_lowest = false;
    return text || flag || c == NO_PREFER;
}

static bool
s_is_http (const hf_listen_t *listen)
{
    return listen->client_port != 0 && listen->node_port == 0;
}

/*  One that has a form. -1: go on. */
static int
s_read (hf_options_t *options, int c, char *const *argv)
{
    switch (c) {
    case 'i':
        return s_parse_id (optarg, &options->id)
                   ? -1
                   : s_usage ("--id must be a number from 1 to 65535, not", optarg);
    case 'j':
        options->join = optarg;
        return s_is_place (optarg)
                   ? -1
                   : s_usage ("--join must be HOST:PORT, where a member serves clients, not",
                              optarg);
    case 'l':
        return hf_report_level (optarg, &options->level) == 0
                   ? -1
                   : s_usage ("--log-level must be error, warn, info or debug, not", optarg);
    case FORM:
        return hf_report_form (optarg, &options->form) == 0
                   ? -1
                   : s_usage ("--log-format must be text, json or journal, not", optarg);
    case LISTEN:
        return hf_listen_parse (&options->listen, optarg) ? -1 : s_usage (HF_LISTEN_FORM, optarg);
    case HTTP:
        return hf_listen_parse (&options->http, optarg) && s_is_http (&options->http)
                   ? -1
                   : s_usage ("--http must be ADDRESS:PORT, with an IPv4 address, an IPv6 "
                              "address in brackets or *, not",
                              optarg);
    case 'k':
        return s_parse_size (optarg, &options->log_keep)
                   ? -1
                   : s_usage ("--log-keep must be a number of bytes, such as 64k or 32m, not",
                              optarg);
    case FLOOR:
        return s_parse_floor (optarg, &options->token_floor)
                   ? -1
                   : s_usage ("--token-floor must be a number up to 1000000000000, not", optarg);
    case 'h':
        fputs (s_help, stdout);
        return EXIT_OK;
    case 'V':
        puts ("holdfastd " HF_VERSION);
        return EXIT_OK;
    default:
        return s_usage (optopt != 0 ? "incomplete option" : "unknown option", argv[optind - 1]);
    }
}

int
hf_options_parse (hf_options_t *options, int argc, char **argv)
{
    *options = (hf_options_t){.cluster = NULL,
                              .data = "./holdfast-data",
                              .level = HF_INFO,
                              .form = hf_report_form_here (),
                              .prefer_lowest = true,
                              .log_keep = LOG_KEEP_DEFAULT};
    opterr = 0; //  this file says what is wrong
    for (int c; (c = getopt_long (argc, argv, "i:c:j:d:l:k:hV", s_longs, NULL)) != -1;) {
        int code = s_take (options, c) ? -1 : s_read (options, c, argv);
        if (code >= 0)
            return code;
    }
    if (optind < argc)
        return s_usage ("unexpected argument", argv[optind]);
    return s_check (options);
}
