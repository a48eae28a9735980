/*  hf_heap.h - a heap of rows, with the links inside the rows: the smallest key on top.
 *
 *  Equal keys come out in the order in which they were put in, so that a run can be repeated.
 *  A row changes its key or leaves in O(log n), wherever it is. The heap holds pointers; the rows
 *  are the caller's and must not move. Each place of the heap has the key beside the pointer, and
 *  four below it: of 100,000 rows, which no cache holds, nine are written to in a move, none read.
 */
#ifndef HF_HEAP_H_INCLUDED
#define HF_HEAP_H_INCLUDED

#include <stddef.h>
#include <stdint.h>

#define HF_NEVER UINT64_MAX //  a time that does not come

typedef struct hf_heap_node {
    uint64_t key;
    size_t slot; //  its place in the heap, from 1; 0: it is not in one
} hf_heap_node_t;

typedef struct hf_heap_place {
    uint64_t key;   //  that of the node
    uint64_t order; //  among equal keys
    hf_heap_node_t *node;
} hf_heap_place_t;

typedef struct hf_heap {
    hf_heap_place_t *list; //  from 1
    size_t count, room;
    uint64_t order;
} hf_heap_t;

/*  A heap that is all zero is an empty one. Give back its own memory. */
void hf_heap_done (hf_heap_t *self);

/*  Put NODE in, or move it, with KEY. HF_NEVER takes it out. */
void hf_heap_set (hf_heap_t *self, hf_heap_node_t *node, uint64_t key);
/*  No effect when it is not in. */
void hf_heap_remove (hf_heap_t *self, hf_heap_node_t *node);

/*  The one with the smallest key; NULL when the heap is empty. */
hf_heap_node_t *hf_heap_top (const hf_heap_t *self);
/*  Its key; HF_NEVER when the heap is empty. */
uint64_t hf_heap_key (const hf_heap_t *self);
/*  Take the top out when its key is at most LIMIT; NULL otherwise. */
hf_heap_node_t *hf_heap_take (hf_heap_t *self, uint64_t limit);

#endif
