/*  hf_array.h - a growing array of any type.
 *
 *      HF_ARRAY (point_t) points = {0};
 *      *hf_array_add (&points) = point;
 *      for (size_t i = 0; i < points.count; i++) use (&points.list[i]);
 *      hf_array_free (&points);
 *
 *  Elements move when the array grows: keep indexes, not pointers. Running out of memory ends the
 *  process (hf_alloc.h).
 */
#ifndef HF_ARRAY_H_INCLUDED
#define HF_ARRAY_H_INCLUDED

#include "base/hf_alloc.h"
#include <stdlib.h>
#include <string.h>

#define HF_ARRAY(type)                                                                             \
    struct {                                                                                       \
        type *list;                                                                                \
        size_t count, room;                                                                        \
    }

/*  LIST with room for at least COUNT elements of SIZE bytes; *room is what there is room for. */
void *hf_array_room (void *list, size_t *room, size_t count, size_t size);

/*  Room for MORE elements behind the last one. */
#define hf_array_reserve(array, more)                                                              \
    ((array)->list = hf_array_room ((array)->list, &(array)->room, (array)->count + (more),        \
                                    sizeof *(array)->list))

/*  A pointer to one more element at the end; its contents are not set. */
#define hf_array_add(array) (hf_array_reserve (array, 1), &(array)->list[(array)->count++])

/*  Remove the first FIRST elements. */
#define hf_array_drop(array, first)                                                                \
    ((array)->count -= (first), (array)->count > 0                                                 \
                                    ? (void)memmove ((array)->list, (array)->list + (first),       \
                                                     (array)->count * sizeof *(array)->list)       \
                                    : (void)0)

/*  Of an array that is empty: give back the memory of more than MOST elements. */
#define hf_array_trim(array, most)                                                                 \
    do {                                                                                           \
        if ((array)->count == 0 && (array)->room > (most))                                         \
            hf_array_free (array);                                                                 \
    } while (0)

#define hf_array_free(array)                                                                       \
    (free ((array)->list), (array)->list = NULL, (array)->count = (array)->room = 0)

#endif
