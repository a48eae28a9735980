/*  test_random.h - numbers by seed, the same on every run, and exact heap copies: a read of one
 *  byte too many is seen by the address sanitizer. */
#ifndef TEST_RANDOM_H_INCLUDED
#define TEST_RANDOM_H_INCLUDED

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static inline uint64_t
test_random (uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/*  A number of any magnitude: small ones as often as large ones. */
static inline uint64_t
test_random_width (uint64_t *state)
{
    uint64_t value = test_random (state);
    return value >> (test_random (state) % 64);
}

static inline uint8_t *
test_exact (const void *bytes, size_t size)
{
    uint8_t *copy = malloc (size > 0 ? size : 1);
    if (size > 0)
        memcpy (copy, bytes, size);
    return copy;
}

#endif
