//  A ring of what has happened (hf_journal.h).

#include "nodes/services/hf_journal.h"
#include "base/hf_mutant.h"

#define BLOCK_BYTES 65536U

struct hf_journal_block {
    uint64_t first; //  number of its first record
    uint32_t used;
    uint8_t bytes[BLOCK_BYTES];
};

//  A record: this, then the name, the label and the note. It is small, for all that happens goes
//  through here, and what is written to it displaces other things from the caches.
typedef struct record {
    uint64_t index, session, token;
    uint32_t units, size;
    uint16_t after; //  the first of its block
    uint16_t label_size, note_size;
    uint8_t name_size, what;
} record_t;

static_assert (BLOCK_BYTES / sizeof (record_t) <= UINT16_MAX,
               "after counts the records of a block");

void
hf_journal_init (hf_journal_t *self, uint64_t last, size_t most_bytes)
{
    assert (most_bytes >= 2 * sizeof (hf_journal_block_t));
    *self = (hf_journal_t){.last = last, .most = most_bytes / sizeof (hf_journal_block_t)};
}

void
hf_journal_done (hf_journal_t *self)
{
    for (size_t i = 0; i < self->blocks.count; i++)
        free (self->blocks.list[i]);
    hf_array_free (&self->blocks);
}

void
hf_journal_skip (hf_journal_t *self, uint64_t number)
{
    assert (number >= self->last);
    self->last = number;
    if (HF_MUTANT (skip_untold))
        return;
    size_t count = self->blocks.count;
    for (size_t i = 0; i < count; i++)
        free (self->blocks.list[i]);
    self->blocks.count = 0;
    //  One more: without a block, who waits stands where the next one would be.
    self->first_block += count + 1;
}

//  ---- writing ------------------------------------------------------------------------

static hf_journal_block_t *
s_room (hf_journal_t *self, size_t size)
{
    size_t count = self->blocks.count;
    hf_journal_block_t *last = count > 0 ? self->blocks.list[count - 1] : NULL;
    if (last && BLOCK_BYTES - last->used >= size)
        return last;
    hf_journal_block_t *block = NULL;
    if (count == self->most) {
        block = self->blocks.list[0];
        hf_array_drop (&self->blocks, 1);
        self->first_block++;
    }
    if (!block)
        block = hf_alloc_again (NULL, sizeof *block);
    block->first = self->last;
    block->used = 0;
    *hf_array_add (&self->blocks) = block;
    return block;
}

static uint8_t *
s_put (uint8_t *at, hf_span_t span)
{
    if (span.size > 0)
        memcpy (at, span.at, span.size);
    return at + span.size;
}

static size_t
s_size (const hf_happened_t *happened)
{
    return sizeof (record_t) + happened->name.size + happened->label.size + happened->note.size;
}

static record_t
s_record (const hf_journal_block_t *block, const hf_happened_t *happened)
{
    assert (happened->name.size <= UINT8_MAX && happened->what <= UINT8_MAX);
    assert (happened->label.size <= UINT16_MAX && happened->note.size <= UINT16_MAX);
    assert (happened->size <= UINT32_MAX);
    return (record_t){.index = happened->index,
                      .session = happened->session,
                      .token = happened->token,
                      .units = happened->units,
                      .size = (uint32_t)happened->size,
                      .after = (uint16_t)(happened->number - block->first),
                      .label_size = (uint16_t)happened->label.size,
                      .note_size = (uint16_t)happened->note.size,
                      .name_size = (uint8_t)happened->name.size,
                      .what = (uint8_t)happened->what};
}

void
hf_journal_add (hf_journal_t *self, const hf_happened_t *happened)
{
    assert (happened->number == self->last + 1);
    size_t size = s_size (happened);
    assert (size <= BLOCK_BYTES);
    self->last = happened->number;
    hf_journal_block_t *block = s_room (self, size);
    record_t record = s_record (block, happened);
    uint8_t *at = block->bytes + block->used;
    memcpy (at, &record, sizeof record);
    at = s_put (at + sizeof record, happened->name);
    at = s_put (at, happened->label);
    s_put (at, happened->note);
    block->used += (uint32_t)size;
}

//  ---- reading ------------------------------------------------------------------------

uint64_t
hf_journal_before (const hf_journal_t *self)
{
    return self->blocks.count > 0 ? self->blocks.list[0]->first - 1 : self->last;
}

bool
hf_journal_gone (const hf_journal_t *self, hf_spot_t spot)
{
    return spot.block < self->first_block;
}

static void
s_read (const hf_journal_block_t *block, uint64_t from, hf_happened_t *happened)
{
    record_t record;
    const uint8_t *at = block->bytes + from;
    memcpy (&record, at, sizeof record);
    const uint8_t *name = at + sizeof record;
    const uint8_t *label = name + record.name_size;
    *happened = (hf_happened_t){.number = block->first + record.after,
                                .index = record.index,
                                .what = record.what,
                                .name = hf_span (name, record.name_size),
                                .session = record.session,
                                .token = record.token,
                                .units = record.units,
                                .size = record.size,
                                .label = hf_span (label, record.label_size),
                                .note = hf_span (label + record.label_size, record.note_size)};
}

bool
hf_journal_next (const hf_journal_t *self, hf_spot_t *spot, hf_happened_t *happened)
{
    assert (!hf_journal_gone (self, *spot));
    for (;;) {
        uint64_t number = spot->block - self->first_block;
        if (number >= self->blocks.count)
            return false;
        const hf_journal_block_t *block = self->blocks.list[number];
        if (spot->at < block->used) {
            s_read (block, spot->at, happened);
            spot->at += s_size (happened);
            return true;
        }
        if (number + 1 == self->blocks.count)
            return false;
        *spot = (hf_spot_t){.block = spot->block + 1};
    }
}

/*  The last block that begins at or before the record after NUMBER. */
static size_t
s_block_of (const hf_journal_t *self, uint64_t number)
{
    size_t low = 0, high = self->blocks.count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (self->blocks.list[middle]->first <= number + 1)
            low = middle;
        else
            high = middle;
    }
    return low;
}

hf_spot_t
hf_journal_seek (const hf_journal_t *self, uint64_t number)
{
    assert (number >= hf_journal_before (self));
    hf_spot_t spot = {.block = self->first_block};
    if (self->blocks.count == 0)
        return spot;
    spot.block += s_block_of (self, number < self->last ? number : self->last);
    hf_happened_t happened;
    for (hf_spot_t next = spot; hf_journal_next (self, &next, &happened); spot = next)
        if (happened.number > number)
            break;
    return spot;
}
