/*  hf_chain.h - a doubly linked ring of rows, with the links inside the rows.
 *
 *  One hf_chain_t is the anchor; each row brings one for every ring it can be in.
 *  Nothing is allocated, and a row leaves in one step.
 */
#ifndef HF_CHAIN_H_INCLUDED
#define HF_CHAIN_H_INCLUDED

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct hf_chain {
    struct hf_chain *prev, *next;
} hf_chain_t;

static inline void
hf_chain_init (hf_chain_t *anchor)
{
    anchor->prev = anchor->next = anchor;
}

static inline bool
hf_chain_empty (const hf_chain_t *anchor)
{
    return anchor->next == anchor;
}

static inline void
hf_chain_append (hf_chain_t *anchor, hf_chain_t *row)
{
    assert (!row->next && !row->prev);
    row->prev = anchor->prev;
    row->next = anchor;
    anchor->prev->next = row;
    anchor->prev = row;
}

static inline void
hf_chain_remove (hf_chain_t *row)
{
    assert (row->next && row->next->prev == row && row->prev->next == row);
    row->prev->next = row->next;
    row->next->prev = row->prev;
    row->prev = row->next = NULL;
}

//  Append all rows of OTHERS, which is empty then.
static inline void
hf_chain_splice (hf_chain_t *anchor, hf_chain_t *others)
{
    if (hf_chain_empty (others))
        return;
    others->next->prev = anchor->prev;
    anchor->prev->next = others->next;
    others->prev->next = anchor;
    anchor->prev = others->prev;
    hf_chain_init (others);
}

#define HF_CHAIN_EACH(anchor, at)                                                                  \
    for (hf_chain_t *at = (anchor)->next; at != (anchor); at = at->next)

//  The same when the body may take AT out of the chain, or free it.
#define HF_CHAIN_EACH_SAFE(anchor, at)                                                             \
    for (hf_chain_t *at = (anchor)->next, *at##_next = at->next; at != (anchor);                   \
         at = at##_next, at##_next = at->next)

#endif
