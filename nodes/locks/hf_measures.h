/*  hf_measures.h - how long claims wait and hold, as this node saw it.
 *
 *  No part of the replicated state: not in its hash, not in its rows, and other on each node. The
 *  time is what hf_state_measure was told. Of claims that were loaded from rows it is not known
 *  since when they wait or hold: they are not counted, and are as old as the state at least.
 */
#ifndef HF_MEASURES_H_INCLUDED
#define HF_MEASURES_H_INCLUDED

#include "msgs/hf_times.h"
#include "nodes/locks/hf_busy.h"

typedef struct hf_measures {
    uint64_t now_us;   //  0: not told
    uint64_t began_us; //  told first
    bool counts;       //  what ends now is counted
    hf_times_t wait;   //  in a queue, of claims that were granted
    hf_times_t hold;   //  from a grant to the end of the hold, whatever ended it
    hf_busy_t busy;
} hf_measures_t;

#endif
