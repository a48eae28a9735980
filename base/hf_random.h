/*  hf_random.h - numbers that look random and follow from a seed (splitmix64, Steele et al. 2014).
 *
 *  For jitter, tests and the simulator: the same seed gives the same numbers on every machine.
 *  Nothing that must not be guessed comes from here.
 */
#ifndef HF_RANDOM_H_INCLUDED
#define HF_RANDOM_H_INCLUDED

#include <stdbool.h>
#include <stdint.h>

typedef struct hf_random {
    uint64_t state; //  the seed, at the start
} hf_random_t;

static inline uint64_t
hf_random_next (hf_random_t *self)
{
    uint64_t mixed = self->state += 0x9e3779b97f4a7c15U;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebU;
    return mixed ^ mixed >> 31;
}

/*  From 0 to LIMIT - 1; 0 when LIMIT is 0. */
static inline uint64_t
hf_random_below (hf_random_t *self, uint64_t limit)
{
    uint64_t number = hf_random_next (self);
    return limit > 0 ? number % limit : 0;
}

static inline uint32_t
hf_random_u32 (hf_random_t *self, uint32_t limit)
{
    return (uint32_t)hf_random_below (self, limit);
}

/*  True PERMILLE times of 1,000. */
static inline bool
hf_random_odds (hf_random_t *self, uint32_t permille)
{
    return hf_random_below (self, 1000) < permille;
}

#endif
