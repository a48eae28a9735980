//  holdfast-sim: simulated lives of a cluster, from seeds.
//
//      holdfast-sim --seed N [--trace]         one; prints the hash of all that happened
//      holdfast-sim --seeds N [--from S]       N of them, on both processors
//
//  The last line names the seed that failed. Exit codes: 0; 2 crash; 3 progress lost;
//  4 promise broken; 1 wrong usage.

#include "tests/sim/sim.h"
#include "base/hf_std.h"
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORKERS 2

/*  What a worker has done so far, in memory shared with the parent. */
typedef struct work {
    volatile uint64_t seed, done;
    uint64_t hash;
    sim_totals_t totals;
    sim_result_t failure;
} work_t;

static void
s_print_totals (const sim_totals_t *totals)
{
    printf ("elections %" PRIu64 ", entries %" PRIu64 ", grants %" PRIu64 ", expiries %" PRIu64
            ", transfers %" PRIu64 ", faults %" PRIu64 ", answers %" PRIu64 ", sections %" PRIu64
            ", reads %" PRIu64 ", events %" PRIu64 ", prunes %" PRIu64 ", state transfers %" PRIu64
            ", wipes %" PRIu64 ", admissions %" PRIu64 ", unsent %" PRIu64 ", told %" PRIu64
            ", gaps %" PRIu64 ", changes %" PRIu64 ", removals %" PRIu64 ", learners %" PRIu64
            ", promotions %" PRIu64 ", laggards %" PRIu64 ", old copies %" PRIu64 "\n",
            totals->elections, totals->entries, totals->grants, totals->expiries, totals->transfers,
            totals->faults, totals->answers, totals->sections, totals->reads, totals->events,
            totals->prunes, totals->states, totals->wipes, totals->admissions, totals->unsent,
            totals->told, totals->gaps, totals->changes, totals->removals, totals->learners,
            totals->promotions, totals->laggards, totals->copies);
}

static int
s_one (uint64_t seed, bool trace)
{
    sim_result_t result;
    printf ("seed %" PRIu64 "\n", seed);
    fflush (stdout);
    sim_run (seed, trace, &result);
    s_print_totals (&result.totals);
    printf ("hash %016" PRIx64 "\n", result.hash);
    if (result.verdict != SIM_GOOD)
        printf ("%s\nfailed: seed %" PRIu64 "\n", result.text, seed);
    return (int)result.verdict;
}

static void
s_work (work_t *work, uint64_t from, uint64_t count, uint64_t step)
{
    for (uint64_t i = 0; i < count; i += step) {
        work->seed = from + i;
        sim_result_t result;
        sim_run (from + i, false, &result);
        sim_totals_add (&work->totals, &result.totals);
        work->hash ^= result.hash;
        work->done++;
        if (result.verdict == SIM_GOOD)
            continue;
        work->failure = result;
        exit ((int)result.verdict);
    }
    exit (0);
}

static pid_t
s_fork (work_t *work, uint64_t from, uint64_t count, uint64_t step)
{
    fflush (stdout);
    pid_t pid = fork ();
    if (pid == 0)
        s_work (work, from, count, step);
    return pid;
}

/*  How a worker ended, as an exit code. */
static int
s_verdict (int status)
{
    return WIFEXITED (status) && WEXITSTATUS (status) <= SIM_BROKEN ? WEXITSTATUS (status)
                                                                    : SIM_CRASHED;
}

static void
s_progress (const work_t *works, uint64_t count)
{
    uint64_t done = 0;
    for (int i = 0; i < WORKERS; i++)
        done += works[i].done;
    if (isatty (STDOUT_FILENO))
        printf ("\r%" PRIu64 " of %" PRIu64 " seeds", done, count);
    fflush (stdout);
}

static int
s_many (uint64_t from, uint64_t count)
{
    work_t *works = mmap (NULL, WORKERS * sizeof *works, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (works == MAP_FAILED)
        return 1;
    pid_t pids[WORKERS];
    for (uint64_t i = 0; i < WORKERS; i++)
        pids[i] = s_fork (&works[i], from + i, count > i ? count - i : 0, WORKERS);
    int verdict = 0;
    uint64_t failed = 0;
    for (int left = WORKERS; left > 0;) {
        int status;
        pid_t pid = waitpid (-1, &status, WNOHANG);
        if (pid <= 0) {
            s_progress (works, count);
            select (0, NULL, NULL, NULL, &(struct timeval){.tv_usec = 100000});
            continue;
        }
        left--;
        int at = pid == pids[0] ? 0 : 1;
        if (s_verdict (status) != 0 && verdict == 0) {
            verdict = s_verdict (status);
            failed = works[at].seed;
            printf ("\n%s\n", works[at].failure.text);
            if (left > 0)
                kill (pids[1 - at], SIGTERM);
        }
    }
    sim_totals_t totals = {0};
    uint64_t done = 0;
    for (int i = 0; i < WORKERS; i++) {
        sim_totals_add (&totals, &works[i].totals);
        done += works[i].done;
    }
    printf ("%s%" PRIu64 " seeds from %" PRIu64 ": ", isatty (STDOUT_FILENO) ? "\r" : "", done,
            from);
    s_print_totals (&totals);
    if (verdict != 0)
        printf ("failed: seed %" PRIu64 "\n", failed);
    return verdict;
}

int
main (int argc, char **argv)
{
    hf_std_open ();
    static const struct option options[] = {{"seed", required_argument, NULL, 's'},
                                            {"seeds", required_argument, NULL, 'n'},
                                            {"from", required_argument, NULL, 'f'},
                                            {"trace", no_argument, NULL, 't'},
                                            {0}};
    uint64_t seed = 0, count = 0, from = (uint64_t)time (NULL) * 100000;
    bool one = false, trace = false;
    int option;
    while ((option = getopt_long (argc, argv, "", options, NULL)) != -1) {
        if (option == 's') {
            seed = strtoull (optarg, NULL, 10);
            one = true;
        } else if (option == 'n')
            count = strtoull (optarg, NULL, 10);
        else if (option == 'f')
            from = strtoull (optarg, NULL, 10);
        else if (option == 't')
            trace = true;
        else
            return 1;
    }
    if (!one && count == 0) {
        fprintf (stderr, "usage: holdfast-sim --seed N [--trace] | --seeds N [--from S]\n");
        return 1;
    }
    return one ? s_one (seed, trace) : s_many (from, count);
}
