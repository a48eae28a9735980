//  XXH64 of each file (hf_file_sums.h).

#include "nodes/store/hf_file_sums.h"
#include "base/hf_alloc.h"
#include "base/hf_hash.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

typedef struct sum {
    hf_table_node_t by_name;
    XXH64_state_t *state;
    size_t name_size;
    uint8_t name[];
} sum_t;

static sum_t *
s_find (const hf_file_sums_t *self, hf_span_t name, uint64_t hash)
{
    hf_table_node_t *node = hf_table_seek (&self->by_name, hash);
    for (; node; node = hf_table_again (node)) {
        sum_t *sum = (sum_t *)node;
        if (hf_span_equal (hf_span (sum->name, sum->name_size), name))
            return sum;
    }
    return NULL;
}

void
hf_file_sums_init (hf_file_sums_t *self)
{
    hf_table_init (&self->by_name);
}

void
hf_file_sums_done (hf_file_sums_t *self)
{
    hf_table_node_t *node = hf_table_first (&self->by_name);
    for (; node; node = hf_table_next (&self->by_name, node))
        XXH64_freeState (((sum_t *)node)->state);
    hf_table_free (&self->by_name);
}

void
hf_file_sums_add (hf_file_sums_t *self, hf_span_t name, hf_span_t bytes)
{
    uint64_t hash = hf_hash (0, name.at, name.size);
    sum_t *sum = s_find (self, name, hash);
    if (!sum) {
        sum = hf_alloc (sizeof *sum + name.size);
        sum->name_size = name.size;
        memcpy (sum->name, name.at, name.size);
        sum->state = XXH64_createState ();
        if (!sum->state)
            abort (); //  as hf_alloc
        XXH64_reset (sum->state, 0);
        hf_table_insert (&self->by_name, &sum->by_name, hash);
    }
    if (bytes.size > 0)
        XXH64_update (sum->state, bytes.at, bytes.size);
}

uint64_t
hf_file_sums_get (const hf_file_sums_t *self, hf_span_t name)
{
    const sum_t *sum = s_find (self, name, hf_hash (0, name.at, name.size));
    return sum ? XXH64_digest (sum->state) : 0;
}
