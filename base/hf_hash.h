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

/*  The same in pieces, SIZE bytes in all: begin, the pieces in order, end. All pieces but the last
 *  have a multiple of 8 bytes. */
uint64_t hf_hash_begin (uint64_t seed, uint64_t size);
uint64_t hf_hash_more (uint64_t state, const void *bytes, size_t size);
uint64_t hf_hash_end (uint64_t state);

/*  The same for one number. */
uint64_t hf_hash_u64 (uint64_t seed, uint64_t value);

/*  FNV-1a of BYTES, continued from SUM, HF_FNV_EMPTY to start: the same however the bytes are cut.
 *  For the checksums of replicated files, which go on with every append. */
#define HF_FNV_EMPTY 0xcbf29ce484222325ULL
uint64_t hf_fnv (uint64_t sum, const void *bytes, size_t size);

#endif
