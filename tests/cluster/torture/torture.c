/*  torture - a real cluster under all the faults that a machine, a network and a disk can have.
 *
 *  Nodes and clients are processes, each in a network namespace of its own (see links.h). For so
 *  many minutes nodes and clients are killed and stopped, links are cut, slow and lossy, and disks
 *  full, as the seed draws it; then all heals, and the answers to clients are compared with what
 * the nodes have (P1 to P11). One line of totals at the end.
 *
 *  Exit codes: 0; 2 a process crashed; 3 no progress once all was healed; 4 a promise was broken;
 *  64 usage; 77 the network that was asked for cannot be had here; 130 interrupted.
 */
#include "tests/cluster/check/hf_history.h"
#include "tests/cluster/lostfound/verdict.h"
#include "tests/cluster/torture/world.h"
#include "base/hf_std.h"
#include "msgs/hf_limits.h"
#include <assert.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define S_TURN_MS      10
#define S_STEP_MS      18 //  from one round to the next
#define S_FAULT_ROUNDS 14 //  one round in so many is a fault
#define S_END_EXTRA_S  420

static volatile sig_atomic_t s_interrupted;

static void
s_interrupt (int signal_number)
{
    (void)signal_number;
    s_interrupted = 1;
}

//  ---- options --------------------------------------------------------------------

typedef struct options {
    uint32_t nodes, clients, seconds, pause_ms, disk_mib;
    uint32_t rounds; //  0: by time
    uint64_t seed;
    hf_links_kind_t net;
    bool keep, wipe, members;
    const char *holdfastd; //  NULL: the build's
    const char *log_keep;  //  of the nodes
} options_t;

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
    "  --members       members come, go, are replaced and move\n"
    "  --no-wipe       no node loses its disk\n"
    "  --disk MIB      size of the small disks that are filled (default: 192)\n"
    "  --holdfastd PATH  another program than the build's\n"
    "  --log-keep SIZE for the nodes (default: 64k: a node that was away takes over the state)\n"
    "  --keep          keep data and logs even if all is well\n";

//  Those with a number come first, in the order of S_NUMBERS.
static const struct option s_options[] = {{"nodes", required_argument, NULL, 0},
                                          {"minutes", required_argument, NULL, 0},
                                          {"seconds", required_argument, NULL, 0},
                                          {"rounds", required_argument, NULL, 0},
                                          {"clients", required_argument, NULL, 0},
                                          {"pause", required_argument, NULL, 0},
                                          {"disk", required_argument, NULL, 0},
                                          {"seed", required_argument, NULL, 's'},
                                          {"net", required_argument, NULL, 'N'},
                                          {"no-wipe", no_argument, NULL, 'w'},
                                          {"members", no_argument, NULL, 'm'},
                                          {"log-keep", required_argument, NULL, 'l'},
                                          {"keep", no_argument, NULL, 'k'},
                                          {"holdfastd", required_argument, NULL, 'H'},
                                          {NULL, 0, NULL, 0}};

#define AT(field) offsetof (options_t, field)
static const struct {
    size_t at;
    uint32_t from, to, unit;
} s_numbers[] = {
    {AT (nodes), 1, 7, 1},        {AT (seconds), 1, 100000, 60},     {AT (seconds), 1, 6000000, 1},
    {AT (rounds), 1, 1000000, 1}, {AT (clients), 1, HF_CREW_MAX, 1}, {AT (pause_ms), 50, 60000, 1},
    {AT (disk_mib), 4, 4096, 1},
};

/*  One option; false: it makes no sense. */
static bool
s_take (options_t *self, int option, int index, const char *value)
{
    static const char *const kinds[] = {"auto", "namespaces", "proxies"};
    uint64_t number = value ? strtoull (value, NULL, 10) : 0;
    switch (option) {
    case 0:
        *(uint32_t *)(void *)((char *)self + s_numbers[index].at) =
            (uint32_t)number * s_numbers[index].unit;
        return number >= s_numbers[index].from && number <= s_numbers[index].to;
    case 's':
        self->seed = number;
        return true;
    case 'N':
        for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
            if (strcmp (value, kinds[i]) == 0) {
                self->net = (hf_links_kind_t)i;
                return true;
            }
        }
        return false;
    case 'm':
        return self->members = true;
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

/*  False, with help or the mistake printed. */
static bool
s_read_options (options_t *self, int argc, char **argv)
{
    *self = (options_t){.nodes = 3,
                        .clients = 8,
                        .seconds = 600,
                        .pause_ms = 1500,
                        .seed = hf_recorder_now_us (),
                        .disk_mib = 192,
                        .wipe = true,
                        .log_keep = "64k"};
    int option, index = 0;
    bool good = true;
    while (good && (option = getopt_long (argc, argv, "", s_options, &index)) != -1)
        good = s_take (self, option, index, optarg);
    good = good && optind == argc && self->nodes % 2 == 1;
    if (!good)
        fputs (s_help, stderr);
    return good;
}

//  ---- the world --------------------------------------------------------------------

/*  About half of the nodes have small disks, one at least. */
static void
s_mount_disks (hf_world_t *world, const options_t *options)
{
    if (hf_links_kind (world->links) != HF_LINKS_NAMESPACES) {
        printf ("torture: no disks to fill: a mount needs a namespace\n");
        return;
    }
    uint64_t first = options->seed % world->nodes;
    for (uint32_t id = 1; id <= world->nodes; id++) {
        if (id - 1 == first || (options->seed >> id & 1))
            world->node[id].small_disk = hf_disk_mount (world->cluster, id, options->disk_mib);
    }
}

static bool
s_make (hf_world_t *world, const options_t *options)
{
    if (options->holdfastd)
        hf_cluster_set_program (options->holdfastd);
    char why[HF_WHY_SIZE];
    world->members = options->members;
    world->founders = options->nodes;
    world->nodes = options->members ? HF_MEMBERS_MAX : options->nodes;
    world->clients = options->clients;
    world->wipe = options->wipe;
    world->hurry = options->rounds ? 5 : 1;
    world->links = hf_links_new (options->net, world->nodes, options->clients, options->seed, why,
                                 &world->cluster);
    if (!world->links) {
        printf ("torture: this machine does not let us: %s\n", why);
        return false;
    }
    if (world->members && hf_links_kind (world->links) != HF_LINKS_NAMESPACES) {
        printf ("torture: members get new ports, and proxies cannot follow: %s\n", why);
        return false;
    }
    bool namespaces = hf_links_kind (world->links) == HF_LINKS_NAMESPACES;
    printf ("torture: seed %" PRIu64 ", %u nodes, %u clients, network: %s%s%s%s\n", options->seed,
            options->nodes, options->clients,
            namespaces ? "a namespace for each" : "proxies in user space", why[0] ? " (" : "", why,
            why[0] ? ")" : "");
    char path[600];
    snprintf (path, sizeof path, "%s/faults.log", hf_cluster_dir (world->cluster));
    world->journal = fopen (path, "we");
    assert (world->journal);
    world->start_ms = hf_wait_now_ms ();
    hf_cluster_add_argument (world->cluster, "--log-keep");
    hf_cluster_add_argument (world->cluster, options->log_keep);
    s_mount_disks (world, options);
    hf_members_init (world);
    return true;
}

static bool
s_start (hf_world_t *world, const options_t *options)
{
    if (!hf_cluster_start_all (world->cluster) ||
        hf_cluster_wait_leader (world->cluster, HF_CLUSTER_LIMIT_MS) == 0) {
        fprintf (stderr, "violation: the cluster did not start\n");
        return false;
    }
    world->watch = hf_watch_new (world->cluster);
    hf_crew_config_t config = {.program = hf_beside ("torture-client"),
                               .links = world->links,
                               .folder = hf_cluster_dir (world->cluster),
                               .clients = options->clients,
                               .seed = options->seed,
                               .gated = options->rounds > 0,
                               .follows = world->members};
    world->crew = hf_crew_new (&config);
    return true;
}

static void
s_unmake (hf_world_t *world, bool keep)
{
    hf_process_destroy (&world->change.tool);
    hf_watch_destroy (&world->watch);
    hf_crew_destroy (&world->crew);
    for (uint32_t id = 1; world->cluster && id <= world->nodes; id++) {
        if (world->node[id].small_disk) {
            hf_cluster_kill (world->cluster, id);
            hf_disk_unmount (world->cluster, id, keep);
        }
    }
    if (world->journal)
        fclose (world->journal);
    hf_cluster_destroy (&world->cluster);
    hf_links_destroy (&world->links);
}

//  ---- trouble ----------------------------------------------------------------------

/*  Faults until the time is over; false when something crashed. */
static bool
s_minutes (hf_world_t *world, const options_t *options)
{
    hf_plan_t plan = {
        .seed = {options->seed}, .pause_ms = options->pause_ms, .members = options->members};
    uint64_t end_ms = hf_wait_now_ms () + (uint64_t)options->seconds * 1000;
    hf_fault_t fault = hf_plan_next (&plan);
    uint64_t next_ms = hf_wait_now_ms () + fault.after_ms;
    bool well = true;
    while (well && !s_interrupted && hf_wait_now_ms () < end_ms) {
        well = hf_crew_listen (world->crew, S_TURN_MS) && hf_world_tick (world);
        if (hf_wait_now_ms () < next_ms)
            continue;
        //  What cannot be now gives way to the next one.
        uint32_t after_ms = hf_world_fault (world, &fault) ? 0 : options->pause_ms / 5;
        fault = hf_plan_next (&plan);
        next_ms = hf_wait_now_ms () + (after_ms ? after_ms : fault.after_ms);
    }
    return well;
}

/*  So many rounds, each one step of one client, or a fault. */
static bool
s_rounds (hf_world_t *world, const options_t *options)
{
    hf_plan_t plan = {
        .seed = {options->seed}, .pause_ms = options->pause_ms, .members = options->members};
    hf_random_t seed = {~options->seed};
    bool well = true;
    for (uint32_t i = 0; well && !s_interrupted && i < options->rounds; i++) {
        uint32_t client = 1 + hf_random_u32 (&seed, world->clients);
        if (hf_random_u32 (&seed, S_FAULT_ROUNDS) == 0) {
            hf_fault_t fault = hf_plan_next (&plan);
            hf_world_fault (world, &fault);
        } else
            hf_crew_step (world->crew, client);
        well = hf_crew_listen (world->crew, S_STEP_MS) && hf_world_tick (world);
    }
    return well;
}

static void
s_totals (const hf_world_t *world, const options_t *options, uint64_t took_ms, unsigned violations)
{
    hf_crew_counts_t counts = hf_crew_counts (world->crew);
    unsigned faults = 0;
    for (unsigned i = 0; i < HF_FAULT_KINDS; i++)
        faults += world->done[i];
    printf ("torture: seed %" PRIu64 ", %.1f minutes, %u nodes, %u clients, %s; %u faults (",
            options->seed, (double)took_ms / 60000, world->founders, world->clients,
            hf_links_kind (world->links) == HF_LINKS_NAMESPACES ? "namespaces" : "proxies", faults);
    for (unsigned i = 0, listed = 0; i < HF_FAULT_KINDS; i++) {
        if (world->done[i])
            printf ("%s%u %s", listed++ ? ", " : "", world->done[i], hf_fault_text (i));
    }
    if (world->members)
        printf ("; %u to %u members, %u learners promoted, %u started again", world->fewest,
                world->largest, world->promotions, world->started_again);
    printf ("); packets: %" PRIu64 " passed, %" PRIu64 " late, %" PRIu64 " lost, %" PRIu64
            " cut; %" PRIu64 " operations, %" PRIu64 " grants, %" PRIu64
            " acknowledged sections, %" PRIu64 " locks lost, %u leader changes; %u violations\n",
            hf_links_count (world->links, HF_PASSED), hf_links_count (world->links, HF_LATE),
            hf_links_count (world->links, HF_LOST), hf_links_count (world->links, HF_CUT),
            counts.operations, counts.grants, counts.sections, counts.lost, world->leader_changes,
            violations);
}

static int
s_all (hf_world_t *world, const options_t *options)
{
    if (!s_start (world, options))
        return HF_VERDICT_NO_PROGRESS;
    uint64_t start_ms = hf_wait_now_ms ();
    bool well = options->rounds ? s_rounds (world, options) : s_minutes (world, options);
    uint64_t took_ms = hf_wait_now_ms () - start_ms;
    if (s_interrupted)
        return 130;
    well = hf_world_heal (world) && well;
    unsigned violations = 0;
    hf_verdict_code_t code = hf_judge (world, &violations);
    s_totals (world, options, took_ms, violations);
    return well ? (int)code : HF_VERDICT_CRASH;
}

int
main (int argc, char **argv)
{
    hf_std_open ();
    static hf_world_t world;
    options_t options;
    if (!s_read_options (&options, argc, argv))
        return 64;
    setvbuf (stdout, NULL, _IOLBF, 0);
    if (!s_make (&world, &options)) {
        s_unmake (&world, false);
        return 77;
    }
    struct sigaction action = {.sa_handler = s_interrupt};
    sigaction (SIGINT, &action, NULL);
    sigaction (SIGTERM, &action, NULL);
    sigaction (SIGHUP, &action, NULL);
    hf_watchdog (options.seconds + S_END_EXTRA_S, HF_VERDICT_NO_PROGRESS);
    int code = s_all (&world, &options);
    //  Interrupted, nothing is judged and nothing stays behind.
    bool ended = code != 0 || hf_cluster_passed (world.cluster);
    if (!ended)
        code = HF_VERDICT_CRASH;
    bool keep = options.keep || (code != 0 && code != 130);
    if (keep)
        hf_cluster_keep (world.cluster);
    if (code == 130)
        hf_cluster_forget (world.cluster);
    if (code != 0)
        fprintf (stderr, "torture: exit code %d; again with: --seed %" PRIu64 "\n", code,
                 options.seed);
    s_unmake (&world, keep);
    return code;
}
