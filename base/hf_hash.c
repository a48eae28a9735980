//  A fast 64-bit hash.

#include "base/hf_hash.h"
#include <stdbool.h>

/*  Eight bytes, least significant first: written out, a compiler makes one load of it. */
static uint64_t
s_word (const uint8_t *at)
{
    uint64_t low =
        (uint64_t)at[0] | (uint64_t)at[1] << 8 | (uint64_t)at[2] << 16 | (uint64_t)at[3] << 24;
    uint64_t high =
        (uint64_t)at[4] | (uint64_t)at[5] << 8 | (uint64_t)at[6] << 16 | (uint64_t)at[7] << 24;
    return low | high << 32;
}

uint64_t
hf_hash_more (uint64_t state, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    bool long_enough = size >= 8;
    for (; size >= 8; at += 8, size -= 8)
        state = hf_hash_mix (state, s_word (at));
    if (size > 0) {
        uint64_t word = 0;
        if (long_enough) //  the last eight bytes, without those that were taken
            word = s_word (at + size - 8) >> (8 * (8 - size));
        else
            for (unsigned i = 0; i < size; i++)
                word |= (uint64_t)at[i] << (8 * i);
        state = hf_hash_mix (state, word);
    }
    return state;
}

uint64_t
hf_hash (uint64_t seed, const void *bytes, size_t size)
{
    return hf_hash_finish (hf_hash_more (hf_hash_mix (seed, size), bytes, size));
}

uint64_t
hf_fnv (uint64_t sum, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < size; i++)
        sum = (sum ^ at[i]) * 0x100000001b3ULL;
    return sum;
}
