/*  scenarios.h - the small systems that are explored. */
#ifndef MODEL_SCENARIOS_H_INCLUDED
#define MODEL_SCENARIOS_H_INCLUDED

#include "world.h"

typedef struct scenario {
    const char *name, *what;
    bool longer;    //  not among the tests: it takes minutes
    bool formed;    //  three nodes have the first roster, committed; else their logs are empty
    uint8_t fourth; //  the disk of a fourth node; 0: there is none
    size_t rosters; //  that are committed when all is done, joint ones left out
    bounds_t bounds;
} scenario_t;

extern const scenario_t scenarios[];
extern const size_t scenarios_count;

/*  NULL: there is none of that name. */
const scenario_t *scenario_named (const char *name);
/*  Its first state; the stage must be open. */
world_t scenario_first (const scenario_t *scenario);

#endif
