/*  hf_quorum.h - the arithmetic of majorities.
 *
 *  Members are counted by their slot in the cluster's list; a mask has bit i
 *  for the member in slot i. COUNT is the number of members, 1 to HF_MEMBERS_MAX.
 */
#ifndef HF_QUORUM_H_INCLUDED
#define HF_QUORUM_H_INCLUDED

#include <stdbool.h>
#include <stdint.h>

/*  How many members are a majority. */
uint32_t hf_quorum_size (uint32_t count);

/*  The largest value that a majority of all COUNT members has reached: VALUES[i] is what the member
 *  in slot i has reached (an index, a round, a time), if it is in MASK; else it reached nothing. */
uint64_t hf_quorum_value_of (const uint64_t *values, uint32_t mask, uint32_t count);

/*  Whether the members in MASK are a majority. Bits beyond COUNT do not count. */
bool hf_quorum_reached (uint32_t mask, uint32_t count);

/*  Whether the members that are not in REFUSED are too few for a majority. */
bool hf_quorum_lost (uint32_t refused, uint32_t count);

/*  Whether MASK holds all of the members. */
bool hf_quorum_all (uint32_t mask, uint32_t count);

#endif
