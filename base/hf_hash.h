/*  hf_hash.h - a fast 64-bit hash for checksums and running hashes.
 *
 *  It finds damage and difference; it withstands no adversary. The result is
 *  the same on every machine and in every version: it is stored and compared.
 */
#ifndef HF_HASH_H_INCLUDED
#define HF_HASH_H_INCLUDED

#include <stddef.h>
#include <stdint.h>

/*  The hash of BYTES, continued from SEED: the hash before, or any number to start. */
uint64_t hf_hash (uint64_t seed, const void *bytes, size_t size);

/*  What hashes are made of. Each step is a bijection of the state for a given word, so that one
 *  changed word always changes the result; the finish spreads every bit (the finalizer is Steele,
 *  Lea and Flood's splitmix64, OOPSLA 2014). */
static inline uint64_t
hf_hash_mix (uint64_t state, uint64_t word)
{
    //  The constant (of the square root of 2) keeps zeros from hashing to zero: a row of zeros is
    //  damage, and must not carry its own checksum.
    state ^= word ^ 0x6a09e667f3bcc909ULL;
    state *= 0x9e3779b97f4a7c15ULL;
    return state ^ (state >> 29);
}

static inline uint64_t
hf_hash_finish (uint64_t state)
{
    state = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9ULL;
    state = (state ^ (state >> 27)) * 0x94d049bb133111ebULL;
    return state ^ (state >> 31);
}

/*  hf_hash for one number. */
static inline uint64_t
hf_hash_u64 (uint64_t seed, uint64_t value)
{
    return hf_hash_finish (hf_hash_mix (seed, value));
}

/*  hf_hash in pieces: hf_hash_mix (seed, all of the bytes' size), this for each piece in order, and
 *  hf_hash_finish. All pieces but the last have a multiple of 8 bytes. */
uint64_t hf_hash_more (uint64_t state, const void *bytes, size_t size);

/*  FNV-1a of BYTES, continued from SUM, HF_FNV_EMPTY to start: the same however the bytes are cut.
 *  For the checksums of replicated files, which go on with every append. */
#define HF_FNV_EMPTY 0xcbf29ce484222325ULL
uint64_t hf_fnv (uint64_t sum, const void *bytes, size_t size);

#endif
