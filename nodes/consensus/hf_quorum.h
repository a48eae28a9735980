/*  hf_quorum.h - the arithmetic of majorities.
 *
 *  Members are counted by their slot, 0 to HF_MEMBERS_MAX - 1; a mask has bit i for the member in
 *  slot i. VOTERS is the mask of those of whom a majority is needed, at least one.
 */
#ifndef HF_QUORUM_H_INCLUDED
#define HF_QUORUM_H_INCLUDED

#include <stdbool.h>
#include <stdint.h>

/*  How many of VOTERS are a majority. */
uint32_t hf_quorum_size (uint32_t voters);

/*  The largest value that a majority of VOTERS has reached: VALUES[i] is what the member in slot i
 *  has reached (an index, a round, a time), if it is in MASK; else it reached nothing. */
uint64_t hf_quorum_value_of (const uint64_t *values, uint32_t mask, uint32_t voters);

/*  Whether those of VOTERS that are in MASK are a majority of them. */
bool hf_quorum_reached (uint32_t mask, uint32_t voters);

/*  Whether those of VOTERS that are not in REFUSED are too few for a majority. */
bool hf_quorum_lost (uint32_t refused, uint32_t voters);

/*  Whether MASK holds all of VOTERS. */
bool hf_quorum_all (uint32_t mask, uint32_t voters);

#endif
