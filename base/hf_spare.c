//  Blocks of memory that are kept for the next of their size.

#include "base/hf_spare.h"
#include "base/hf_alloc.h"
#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/*  Under the address sanitizer nothing is kept: it finds who uses what was given back. */
#if defined(__SANITIZE_ADDRESS__)
#define KEEPS false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KEEPS false
#endif
#endif
#ifndef KEEPS
#define KEEPS true
#endif

//  The allocator counts in steps of so many bytes, of which its own head takes HEAD.
#define STEP 16U
#define HEAD 8U

/*  Blocks of one number are as large. */
static size_t
s_number (size_t size)
{
    assert (size > 0);
    return (size + HEAD - 1) / STEP;
}

static size_t
s_room (size_t number)
{
    return (number + 1) * STEP - HEAD;
}

void
hf_spare_done (hf_spare_t *self)
{
    for (size_t i = 0; i < HF_SPARE_SIZES; i++)
        while (self->kept[i]) {
            void *block = self->kept[i];
            memcpy (&self->kept[i], block, sizeof (void *));
            free (block);
        }
    self->bytes = 0;
}

void *
hf_spare_take (hf_spare_t *self, size_t size)
{
    size_t number = s_number (size);
    if (number >= HF_SPARE_SIZES)
        return hf_alloc (size);
    void *block = self->kept[number];
    if (!block)
        return hf_alloc (s_room (number));
    memcpy (&self->kept[number], block, sizeof (void *));
    assert (self->bytes >= s_room (number));
    self->bytes -= s_room (number);
    return memset (block, 0, size);
}

void
hf_spare_give (hf_spare_t *self, void *memory, size_t size)
{
    size_t number = s_number (size);
    if (!KEEPS || number >= HF_SPARE_SIZES || self->bytes >= HF_SPARE_BYTES) {
        free (memory);
        return;
    }
    memcpy (memory, &self->kept[number], sizeof (void *));
    self->kept[number] = memory;
    self->bytes += s_room (number);
}
