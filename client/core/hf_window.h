/*  hf_window.h - the requests of a session that wait for their answers, by seq.
 *
 *  Pure. Seqs start at 1 and are never reused. The floor is the lowest seq whose answer has
 *  not come: the cluster forgets answers below it, and takes no seq >= floor + HF_WINDOW_MAX.
 */
#ifndef HF_WINDOW_H_INCLUDED
#define HF_WINDOW_H_INCLUDED

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct hf_window {
    void **slots; //  by seq modulo size; NULL: answered
    uint64_t size;
    uint64_t floor;
    uint64_t next; //  the seq that comes next; floor <= next
} hf_window_t;

void hf_window_init (hf_window_t *self);
void hf_window_done (hf_window_t *self);

/*  No more may be put until the floor rises. */
bool hf_window_full (const hf_window_t *self);
/*  Give ITEM the next seq; the window must not be full. */
uint64_t hf_window_put (hf_window_t *self, void *item);
/*  NULL: never sent, or answered before. */
void *hf_window_get (const hf_window_t *self, uint64_t seq);
/*  The answer to SEQ came: gives its item, once. The floor rises over what is answered. */
void *hf_window_take (hf_window_t *self, uint64_t seq);

#endif
