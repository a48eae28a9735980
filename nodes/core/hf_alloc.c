#include "nodes/core/hf_alloc.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static void *
s_must (void *memory)
{
    if (!memory) {
        fputs ("holdfast: out of memory\n", stderr);
        abort ();
    }
    return memory;
}

void *
hf_alloc (size_t size)
{
    assert (size > 0);
    return s_must (calloc (1, size));
}

void *
hf_alloc_again (void *memory, size_t size)
{
    assert (size > 0);
    return s_must (realloc (memory, size));
}
