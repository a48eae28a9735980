//  The marks of dirty rows, and keys (hf_rows.h).
#include "nodes/locks/hf_rows.h"
#include "base/hf_mutant.h"

void
hf_rows_init (hf_rows_t *self)
{
    *self = (hf_rows_t){.count = 0};
    hf_chain_init (&self->sessions);
    hf_chain_init (&self->claims);
    hf_chain_init (&self->files);
    hf_pack_init (&self->tombstones);
}

void
hf_rows_done (hf_rows_t *self)
{
    hf_pack_done (&self->tombstones);
}

void
hf_rows_dirty (hf_rows_t *self, hf_chain_t *ring, hf_row_t *row)
{
    if (row->dirty.next || (HF_MUTANT (row_forgotten) && row->flushed))
        return;
    hf_chain_append (ring, &row->dirty);
    self->count++;
}

static void
s_unlink (hf_rows_t *self, hf_row_t *row)
{
    if (!row->dirty.next)
        return;
    assert (self->count > 0);
    hf_chain_remove (&row->dirty);
    self->count--;
}

void
hf_rows_clean (hf_rows_t *self, hf_row_t *row)
{
    s_unlink (self, row);
    row->flushed = true;
}

void
hf_rows_delete (hf_rows_t *self, hf_row_t *row, hf_span_t key)
{
    s_unlink (self, row);
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
