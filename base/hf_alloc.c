//  Memory: one way to run out of it.

#include "base/hf_alloc.h"
#include "base/hf_array.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SMALL 1024 //  bytes: the C library keeps such blocks for each thread

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
    if (size > SMALL)
        return s_must (calloc (1, size));
    //  calloc of the C library does not look at what it keeps for the thread, and a compiler makes
    //  a calloc of malloc and memset.
    return memset (hf_alloc_again (NULL, size), 0, size);
}

void *
hf_alloc_again (void *memory, size_t size)
{
    assert (size > 0);
    return s_must (realloc (memory, size));
}

void
hf_zero (void *at, size_t size)
{
    memset (at, 0, size);
}

void *
hf_array_room (void *list, size_t *room, size_t count, size_t size)
{
    if (count <= *room)
        return list;
    size_t more = *room > 0 ? 2 * *room : 16;
    *room = more > count ? more : count;
    return hf_alloc_again (list, *room * size);
}
