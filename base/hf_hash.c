//  A fast 64-bit hash.

#include "base/hf_hash.h"

/*  Each step is a bijection of the state for a given word, so that one changed
 *  word always changes the result; the finish spreads every bit (the finalizer
 *  is Steele, Lea and Flood's splitmix64, OOPSLA 2014). */
static uint64_t
s_mix (uint64_t state, uint64_t word)
{
    //  The constant (of the square root of 2) keeps zeros from hashing to zero: a row of zeros is
    //  damage, and must not carry its own checksum.
    state ^= word ^ 0x6a09e667f3bcc909ULL;
    state *= 0x9e3779b97f4a7c15ULL;
    return state ^ (state >> 29);
}

static uint64_t
s_finish (uint64_t state)
{
    state = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9ULL;
    state = (state ^ (state >> 27)) * 0x94d049bb133111ebULL;
    return state ^ (state >> 31);
}

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
hf_hash_begin (uint64_t seed, uint64_t size)
{
    return s_mix (seed, size);
}

uint64_t
hf_hash_end (uint64_t state)
{
    return s_finish (state);
}

uint64_t
hf_hash_more (uint64_t state, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    for (; size >= 8; at += 8, size -= 8)
        state = s_mix (state, s_word (at));
    if (size > 0) {
        uint64_t word = 0;
        for (unsigned i = 0; i < size; i++)
            word |= (uint64_t)at[i] << (8 * i);
        state = s_mix (state, word);
    }
    return state;
}

uint64_t
hf_hash (uint64_t seed, const void *bytes, size_t size)
{
    return s_finish (hf_hash_more (s_mix (seed, size), bytes, size));
}

uint64_t
hf_hash_u64 (uint64_t seed, uint64_t value)
{
    return s_finish (s_mix (seed, value));
}

uint64_t
hf_fnv (uint64_t sum, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < size; i++)
        sum = (sum ^ at[i]) * 0x100000001b3ULL;
    return sum;
}
