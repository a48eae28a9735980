/*  hf_laps.h - since when things wait that end in the order of a number, to be counted when they
 *  do: proposals, until they are applied or committed.
 *
 *  Room for HF_LAPS at once. What comes beyond that is not counted, so nothing is allocated.
 */
#ifndef HF_LAPS_H_INCLUDED
#define HF_LAPS_H_INCLUDED

#include "msgs/hf_times.h"

#define HF_LAPS 256 //  a power of two

typedef struct hf_lap {
    uint64_t at, since_us, count;
} hf_lap_t;

typedef struct hf_laps {
    hf_lap_t ring[HF_LAPS];
    uint32_t first, count;
} hf_laps_t;

/*  COUNT things wait since SINCE_US, until AT is reached: not less than that of the lap before. */
void hf_laps_put (hf_laps_t *self, uint64_t at, uint64_t since_us, uint64_t count);
/*  AT is reached: what waited for it, or for less, is counted in TIMES. */
void hf_laps_reach (hf_laps_t *self, uint64_t at, uint64_t now_us, hf_times_t *times);
/*  Nothing waits any more. */
void hf_laps_clear (hf_laps_t *self);

#endif
