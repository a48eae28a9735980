/*  test_random.h - numbers of any width, and exact heap copies: the address sanitizer sees a
 *  read of one byte too many. */
#ifndef TEST_RANDOM_H_INCLUDED
#define TEST_RANDOM_H_INCLUDED

#include "base/hf_random.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*  A number of any magnitude: small ones as often as large ones. */
static inline uint64_t
test_random_width (hf_random_t *random)
{
    uint64_t value = hf_random_next (random);
    return value >> hf_random_below (random, 64);
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
