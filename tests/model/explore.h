/*  explore.h - every state that can be reached from a first one, breadth first. */
#ifndef MODEL_EXPLORE_H_INCLUDED
#define MODEL_EXPLORE_H_INCLUDED

#include "world.h"

typedef struct explored {
    size_t states, moves, depth;
    size_t cut;        //  leaders whose log is too long to go on
    size_t rosters;    //  the most that were committed, joint ones left out: how far changes came
    double seconds;    //  of this process
    bool whole;        //  there was no more to see
    const char *wrong; //  NULL: nothing is
} explored_t;

/*  Up to MOST states. What is wrong first is printed, with the shortest way to it. */
explored_t explore (const world_t *first, const bounds_t *bounds, size_t most);

#endif
