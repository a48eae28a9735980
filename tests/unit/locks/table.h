/*  table.h - test help: a table of rows, as a disk would keep them. */
#ifndef TABLE_H_INCLUDED
#define TABLE_H_INCLUDED

#include "base/hf_array.h"
#include "nodes/locks/hf_state.h"

typedef struct table_row {
    uint8_t *key, *value;
    uint32_t key_size, value_size;
} table_row_t;

typedef struct table { //  an HF_ARRAY, in the order of keys
    table_row_t *list;
    size_t count, room;
} table_t;

void table_done (table_t *self);
void table_put (table_t *self, hf_span_t key, hf_span_t value);

/*  Apply the STATE_CHANGEs of a pack; take the STATE_ROWs of hf_state_rows. */
void table_change (table_t *self, const hf_pack_t *changes);
void table_fill (table_t *self, const hf_state_t *state);
bool table_equal (const table_t *a, const table_t *b);

/*  A new state from the rows; NULL: refused. In reverse order when BACKWARDS. */
hf_state_t *table_load (const table_t *self, bool backwards);

/*  Check a state that was loaded from any rows, and destroy it: it keeps its invariants, its rows
 *  are taken and give the same rows again, and both states go on alike. */
void table_check_loaded (hf_state_t *state);

#endif
