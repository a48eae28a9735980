/*  hf_knots.h - a hash table of things that carry their own link.
 *
 *  Grows by doubling, allocates nothing else. The caller compares keys: equal hashes
 *  are walked with hf_knots_first and hf_knots_next. Not thread-safe.
 */
#ifndef HF_KNOTS_H_INCLUDED
#define HF_KNOTS_H_INCLUDED

#include <stddef.h>
#include <stdint.h>

typedef struct hf_knot {
    struct hf_knot *next;
    uint64_t hash;
} hf_knot_t;

typedef struct hf_knots {
    hf_knot_t **buckets;
    size_t size; //  a power of two
    size_t count;
} hf_knots_t;

void hf_knots_init (hf_knots_t *self);
void hf_knots_done (hf_knots_t *self);
void hf_knots_put (hf_knots_t *self, hf_knot_t *knot, uint64_t hash);
/*  It must be there. */
void hf_knots_take (hf_knots_t *self, hf_knot_t *knot);
hf_knot_t *hf_knots_first (const hf_knots_t *self, uint64_t hash);
hf_knot_t *hf_knots_next (const hf_knot_t *knot);

#endif
