//  The marks of dirty rows, and keys (hf_rows.h).
#include "nodes/locks/hf_rows.h"
#include "base/hf_array.h"
#include "base/hf_mutant.h"

#define AT_MAX    (UINT32_MAX >> 1)
#define ROOM_KEPT 4096 //  rows: an empty list with room for more gives it back

void
hf_rows_init (hf_rows_t *self)
{
    *self = (hf_rows_t){.count = 0};
    hf_chain_init (&self->files);
    hf_pack_init (&self->tombstones);
}

void
hf_rows_done (hf_rows_t *self)
{
    hf_array_free (&self->sessions);
    hf_array_free (&self->claims);
    hf_pack_done (&self->tombstones);
}

void
hf_rows_dirty (hf_rows_t *self, hf_rows_list_t *list, hf_row_t *row)
{
    if (row->at > 0 || (HF_MUTANT (row_forgotten) && row->flushed))
        return;
    assert (list->count < AT_MAX);
    *hf_array_add (list) = row;
    row->at = list->count & AT_MAX;
    self->count++;
}

/*  The last of LIST takes the place of ROW. */
static void
s_unlist (hf_rows_t *self, hf_rows_list_t *list, hf_row_t *row)
{
    if (row->at == 0)
        return;
    assert (self->count > 0 && row->at <= list->count && list->list[row->at - 1] == row);
    hf_row_t *last = list->list[--list->count];
    list->list[row->at - 1] = last;
    last->at = row->at;
    row->at = 0;
    self->count--;
}

void
hf_rows_clean (hf_rows_t *self, hf_rows_list_t *list)
{
    assert (self->count >= list->count);
    for (size_t i = 0; i < list->count; i++) {
        list->list[i]->at = 0;
        list->list[i]->flushed = true;
    }
    self->count -= list->count;
    list->count = 0;
    hf_array_trim (list, ROOM_KEPT);
}

void
hf_rows_delete (hf_rows_t *self, hf_rows_list_t *list, hf_row_t *row, hf_span_t key)
{
    s_unlist (self, list, row);
    if (row->flushed)
        hf_rows_bury (self, key, false);
    row->flushed = false;
}

void
hf_rows_bury (hf_rows_t *self, hf_span_t key, bool prefix)
{
    assert (key.size > 0 && key.size <= HF_ROW_KEY_MAX);
    if (HF_MUTANT (gone_forgotten))
        return;
    hf_state_change_t change = {.gone = true, .prefix = prefix, .key = key};
    hf_state_change_put (&self->tombstones, &change);
    self->count++;
}

void
hf_rows_put (hf_pack_t *pack, bool change, hf_span_t key, hf_span_t value)
{
    assert (key.size <= HF_ROW_KEY_MAX);
    if (change) {
        hf_state_change_t put = {.key = key, .value = value};
        hf_state_change_put (pack, &put);
    } else {
        hf_state_row_t row = {.key = key, .value = value};
        hf_state_row_put (pack, &row);
    }
}

uint8_t *
hf_row_key_u64 (uint8_t *at, uint64_t value)
{
    for (int shift = 56; shift >= 0; shift -= 8)
        *at++ = (uint8_t)(value >> shift);
    return at;
}

uint8_t *
hf_row_key_u32 (uint8_t *at, uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        *at++ = (uint8_t)(value >> shift);
    return at;
}
