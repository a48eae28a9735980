/*  fuzz.h - what the fuzz targets share.
 *
 *  A target is one file with LLVMFuzzerTestOneInput. Under the preset `fuzz` libFuzzer drives it;
 *  everywhere else fuzz_main.c does, over the seeds and some thousand changes of them, so
 *  that every build runs it. A target asserts what must hold; it never prints.
 */
#ifndef FUZZ_H_INCLUDED
#define FUZZ_H_INCLUDED

#include "msgs/hf_msg.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

//  ---- the input as a source of decisions -------------------------------------------

/*  Zeros come when the input has ended, so every input is a whole program. */
typedef struct fuzz_bytes {
    const uint8_t *at;
    const uint8_t *end;
} fuzz_bytes_t;

static inline fuzz_bytes_t
fuzz_bytes (const uint8_t *data, size_t size)
{
    return (fuzz_bytes_t){.at = data, .end = size > 0 ? data + size : data};
}

static inline size_t
fuzz_left (const fuzz_bytes_t *self)
{
    return (size_t)(self->end - self->at);
}

static inline uint8_t
fuzz_u8 (fuzz_bytes_t *self)
{
    return self->at < self->end ? *self->at++ : 0;
}

static inline uint32_t
fuzz_u16 (fuzz_bytes_t *self)
{
    uint32_t high = fuzz_u8 (self);
    return high << 8 | fuzz_u8 (self);
}

/*  Mostly small; one in eight near a power of two, where arithmetic goes wrong. */
static inline uint64_t
fuzz_number (fuzz_bytes_t *self)
{
    uint8_t byte = fuzz_u8 (self);
    if (byte < 224)
        return byte;
    uint64_t power = 1ULL << fuzz_u8 (self) % 64;
    return power + (byte & 3) - 2;
}

/*  A heap copy of the next SIZE bytes, or of what is left: one byte read too far is seen. */
static inline uint8_t *
fuzz_take (fuzz_bytes_t *self, size_t size, size_t *taken)
{
    *taken = size < fuzz_left (self) ? size : fuzz_left (self);
    uint8_t *copy = calloc (1, *taken > 0 ? *taken : 1);
    assert (copy);
    if (*taken > 0)
        memcpy (copy, self->at, *taken);
    self->at += *taken;
    return copy;
}

//  ---- records ------------------------------------------------------------------------

/*  Read the records of LIST and the lists inside them. What can be read is put and read
 *  again: it must come back the same. DEPTH: how far down to go. */
void fuzz_records (hf_list_t list, unsigned depth);

#endif
