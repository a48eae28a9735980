/*  sim.h - one simulated life of a cluster, from one seed.
 *
 *  The seed picks the cluster's size and the odds of every fault. The product's services and its
 *  client core run over a simulated network, disks, clocks and users: first under faults, then
 *  healed, when progress is demanded (P11). The promises P1 to P10 are checked at every step.
 *  Equal seeds give equal runs.
 */
#ifndef SIM_H_INCLUDED
#define SIM_H_INCLUDED

#include <stdbool.h>
#include <stdint.h>

//  How a run ended; also the exit codes of holdfast-sim.
typedef enum sim_verdict {
    SIM_GOOD = 0,
    SIM_CRASHED = 2,
    SIM_STUCK = 3, //  progress lost: P11
    SIM_BROKEN = 4 //  a promise of P1 to P10
} sim_verdict_t;

typedef struct sim_totals {
    uint64_t elections, entries, grants, expiries, transfers, faults;
    uint64_t reads, answers, sections, events;
    uint64_t prunes, states, wipes, admissions, unsent, told, gaps;
    uint64_t changes, removals, learners, promotions, laggards, copies;
} sim_totals_t;

typedef struct sim_result {
    sim_verdict_t verdict;
    char text[200]; //  what went wrong, and when
    uint64_t hash;  //  of everything that happened, in order
    sim_totals_t totals;
} sim_result_t;

/*  TRACE: tell on standard output what happens. */
void sim_run (uint64_t seed, bool trace, sim_result_t *result);

void sim_totals_add (sim_totals_t *to, const sim_totals_t *more);

#endif
