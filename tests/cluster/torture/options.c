//  The command line of torture.

#include "tests/cluster/torture/options.h"
#include "tests/cluster/check/hf_history.h"
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char s_help[] =
    "usage: torture [OPTION]...\n"
    "A real cluster under faults, by seed; see tests/cluster/torture/torture.c.\n"
    "\n"
    "  --nodes N       1, 3, 5 or 7 (default: 3)\n"
    "  --minutes M     trouble for so long (default: 10)\n"
    "  --seconds S     the same, in seconds\n"
    "  --rounds N      instead: so many steps, drawn one by one\n"
    "  --seed S        default: the time\n"
    "  --clients K     1 to 24 (default: 8)\n"
    "  --pause MS      between two faults, on average (default: 1500)\n"
    "  --net KIND      namespaces, proxies or auto (default: namespaces if they can be had)\n"
    "  --no-wipe       no node loses its disk\n"
    "  --disk MIB      size of the small disks that are filled (default: 192)\n"
    "  --holdfastd PATH  another program than the build's\n"
    "  --log-keep SIZE for the nodes (default: 64k: a node that was away takes over the state)\n"
    "  --keep          keep data and logs even if all is well\n";

static bool
s_kind (hf_links_kind_t *kind, const char *text)
{
    if (strcmp (text, "auto") == 0)
        *kind = HF_LINKS_AUTO;
    else if (strcmp (text, "namespaces") == 0)
        *kind = HF_LINKS_NAMESPACES;
    else if (strcmp (text, "proxies") == 0)
        *kind = HF_LINKS_PROXIES;
    else
        return false;
    return true;
}

static bool
s_number (uint32_t *number, const char *text, uint32_t from, uint32_t to, uint32_t unit)
{
    uint64_t value = strtoull (text, NULL, 10);
    *number = (uint32_t)value * unit;
    return value >= from && value <= to;
}

/*  One option; false: it makes no sense. */
static bool
s_take (hf_options_t *self, int option, const char *value)
{
    switch (option) {
    case 'n':
        return s_number (&self->nodes, value, 1, 7, 1) && self->nodes % 2 == 1;
    case 'm':
        return s_number (&self->seconds, value, 1, 100000, 60);
    case 't':
        return s_number (&self->seconds, value, 1, 6000000, 1);
    case 'r':
        return s_number (&self->rounds, value, 1, 1000000, 1);
    case 'c':
        return s_number (&self->clients, value, 1, HF_CREW_MAX, 1);
    case 'p':
        return s_number (&self->pause_ms, value, 50, 60000, 1);
    case 'd':
        return s_number (&self->disk_mib, value, 4, 4096, 1);
    case 's':
        self->seed = strtoull (value, NULL, 10);
        return true;
    case 'N':
        return s_kind (&self->net, value);
    case 'H':
        self->holdfastd = value;
        return true;
    case 'l':
        self->log_keep = value;
        return true;
    case 'w':
        self->wipe = false;
        return true;
    case 'k':
        self->keep = true;
        return true;
    default:
        return false;
    }
}

bool
hf_options_read (hf_options_t *self, int argc, char **argv)
{
    static const struct option options[] = {
        {"nodes", required_argument, NULL, 'n'},     {"minutes", required_argument, NULL, 'm'},
        {"seconds", required_argument, NULL, 't'},   {"rounds", required_argument, NULL, 'r'},
        {"seed", required_argument, NULL, 's'},      {"clients", required_argument, NULL, 'c'},
        {"pause", required_argument, NULL, 'p'},     {"net", required_argument, NULL, 'N'},
        {"no-wipe", no_argument, NULL, 'w'},         {"disk", required_argument, NULL, 'd'},
        {"log-keep", required_argument, NULL, 'l'},  {"keep", no_argument, NULL, 'k'},
        {"holdfastd", required_argument, NULL, 'H'}, {NULL, 0, NULL, 0}};
    *self = (hf_options_t){.nodes = 3,
                           .clients = 8,
                           .seconds = 600,
                           .pause_ms = 1500,
                           .seed = hf_recorder_now_us (),
                           .disk_mib = 192,
                           .wipe = true,
                           .log_keep = "64k"};
    int option;
    bool good = true;
    while (good && (option = getopt_long (argc, argv, "", options, NULL)) != -1)
        good = s_take (self, option, optarg);
    if (!good || optind != argc)
        fputs (s_help, stderr);
    return good && optind == argc;
}
