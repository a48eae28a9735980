//  What is kept in memory of the entries: runs of terms, rosters, and how
//  many bytes lie where. It follows the open transaction; after a failure nobody reads it any more.

#include "msgs/hf_msg.h"
#include "nodes/store/hf_log_internal.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

//  A row's head and its place in the tree count too: a log of empty entries is not free.
#define ENTRY_COST 32U
#define MARK_EVERY (64U << 10) //  bytes between two marks

/*  Room for one more item of SIZE bytes in a list. */
static void *
s_grow (void *list, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return list;
    *room = *room > 0 ? 2 * *room : 64;
    list = realloc (list, *room * size);
    assert (list);
    return list;
}

/*  Take the first GONE items away. */
static void
s_shift (void *list, size_t *count, size_t gone, size_t size)
{
    assert (gone <= *count);
    *count -= gone;
    if (gone > 0)
        memmove (list, (uint8_t *)list + gone * size, *count * size);
}

//  ---- runs of terms -----------------------------------------------------------

static void
s_span_add (hf_log_store_t *self, uint64_t index, uint64_t term)
{
    if (self->span_count > 0 && self->spans[self->span_count - 1].term == term)
        return;
    self->spans = s_grow (self->spans, self->span_count, &self->span_room, sizeof *self->spans);
    self->spans[self->span_count++] = (hf_log_span_t){.first_index = index, .term = term};
}

int
hf_log_store_spans (hf_log_store_t *self, hf_span_fn *fn, void *arg)
{
    if (self->failed)
        return -1;
    for (size_t i = 0; i < self->span_count; i++)
        fn (arg, self->spans[i].first_index, self->spans[i].term);
    return 0;
}

uint64_t
hf_log_term_at (const hf_log_store_t *self, uint64_t index)
{
    assert (index >= self->node.base_index && index <= self->last_index);
    uint64_t term = self->node.base_term;
    for (size_t i = 0; i < self->span_count && self->spans[i].first_index <= index; i++)
        term = self->spans[i].term;
    return term;
}

static void
s_spans_prune (hf_log_store_t *self, uint64_t base)
{
    size_t gone = 0;
    while (gone + 1 < self->span_count && self->spans[gone + 1].first_index <= base + 1)
        gone++;
    if (base == self->last_index)
        gone = self->span_count;
    s_shift (self->spans, &self->span_count, gone, sizeof *self->spans);
    if (self->span_count > 0 && self->spans[0].first_index <= base)
        self->spans[0].first_index = base + 1;
}

//  ---- rosters -----------------------------------------------------------------

void
hf_log_bytes_set (hf_log_bytes_t *self, hf_span_t bytes)
{
    //  Never NULL, so that "none" needs no care; the new bytes may lie in the old ones.
    uint8_t *copy = malloc (bytes.size + 1U);
    assert (copy);
    if (bytes.size > 0)
        memcpy (copy, bytes.at, bytes.size);
    free (self->at);
    *self = (hf_log_bytes_t){.at = copy, .size = bytes.size};
}

hf_span_t
hf_log_bytes_span (const hf_log_bytes_t *self)
{
    return hf_span (self->at, self->size);
}

static void
s_roster_add (hf_log_store_t *self, uint64_t index, hf_span_t payload)
{
    self->rosters =
        s_grow (self->rosters, self->roster_count, &self->roster_room, sizeof *self->rosters);
    hf_log_roster_t *roster = &self->rosters[self->roster_count++];
    *roster = (hf_log_roster_t){.index = index};
    hf_log_bytes_set (&roster->payload, payload);
}

/*  The newest one at the new base or before it moves into the node's row. */
static void
s_roster_prune (hf_log_store_t *self, uint64_t base)
{
    size_t gone = 0;
    while (gone < self->roster_count && self->rosters[gone].index <= base)
        gone++;
    if (gone == 0)
        return;
    hf_log_bytes_set (&self->node.roster, hf_log_bytes_span (&self->rosters[gone - 1].payload));
    for (size_t i = 0; i < gone; i++)
        free (self->rosters[i].payload.at);
    s_shift (self->rosters, &self->roster_count, gone, sizeof *self->rosters);
}

void
hf_log_store_rosters (const hf_log_store_t *self, hf_roster_fn *fn, void *arg)
{
    if (self->failed)
        return;
    if (self->node.roster.size > 0)
        fn (arg, self->node.base_index, hf_log_bytes_span (&self->node.roster));
    for (size_t i = 0; i < self->roster_count; i++)
        fn (arg, self->rosters[i].index, hf_log_bytes_span (&self->rosters[i].payload));
}

//  ---- bytes -------------------------------------------------------------------

static void
s_marks_add (hf_log_store_t *self, uint64_t index, uint64_t cost)
{
    self->bytes += cost;
    uint64_t before = self->mark_count > 0 ? self->marks[self->mark_count - 1].bytes : self->pruned;
    if (self->bytes - before < MARK_EVERY)
        return;
    self->marks = s_grow (self->marks, self->mark_count, &self->mark_room, sizeof *self->marks);
    self->marks[self->mark_count++] = (hf_log_mark_t){.index = index, .bytes = self->bytes};
}

static void
s_marks_prune (hf_log_store_t *self, uint64_t base)
{
    size_t gone = 0;
    while (gone < self->mark_count && self->marks[gone].index <= base)
        gone++;
    if (gone > 0)
        self->pruned = self->marks[gone - 1].bytes;
    s_shift (self->marks, &self->mark_count, gone, sizeof *self->marks);
}

uint64_t
hf_log_index_spare (const hf_log_store_t *self, uint64_t keep_bytes)
{
    if (keep_bytes == 0)
        return self->last_index;
    uint64_t index = self->node.base_index;
    for (size_t i = 0; i < self->mark_count; i++) {
        if (self->bytes - self->marks[i].bytes < keep_bytes)
            break;
        index = self->marks[i].index;
    }
    return index;
}

//  ---- all of it ---------------------------------------------------------------

void
hf_log_index_add (hf_log_store_t *self, uint64_t index, const hf_entry_t *entry)
{
    assert (index == self->last_index + 1);
    self->last_index = index;
    s_span_add (self, index, entry->term);
    if (entry->type == HF_ENTRY_ROSTER)
        s_roster_add (self, index, entry->payload);
    s_marks_add (self, index, entry->payload.size + ENTRY_COST);
}

void
hf_log_index_cut (hf_log_store_t *self, uint64_t from_index, uint64_t payload_bytes)
{
    assert (from_index > self->node.base_index && from_index <= self->last_index);
    while (self->span_count > 0 && self->spans[self->span_count - 1].first_index >= from_index)
        self->span_count--;
    while (self->roster_count > 0 && self->rosters[self->roster_count - 1].index >= from_index)
        free (self->rosters[--self->roster_count].payload.at);
    while (self->mark_count > 0 && self->marks[self->mark_count - 1].index >= from_index)
        self->mark_count--;
    uint64_t cost = payload_bytes + (self->last_index - from_index + 1) * ENTRY_COST;
    assert (cost <= self->bytes);
    self->bytes -= cost;
    self->last_index = from_index - 1;
}

void
hf_log_index_prune (hf_log_store_t *self, uint64_t base)
{
    assert (base > self->node.base_index && base <= self->last_index);
    uint64_t term = hf_log_term_at (self, base);
    s_spans_prune (self, base);
    s_roster_prune (self, base);
    s_marks_prune (self, base);
    self->node.base_index = base;
    self->node.base_term = term;
}

void
hf_log_index_clear (hf_log_store_t *self)
{
    while (self->roster_count > 0)
        free (self->rosters[--self->roster_count].payload.at);
    self->span_count = self->mark_count = 0;
    self->bytes = self->pruned = 0;
}

void
hf_log_index_free (hf_log_store_t *self)
{
    hf_log_index_clear (self);
    free (self->spans);
    free (self->rosters);
    free (self->marks);
}
