//  What is kept of the entries in memory: runs of terms, rosters, and where how many bytes lie. It
//  follows the open transaction; it is not read after a failure.

#include "nodes/store/hf_log_internal.h"
#include <assert.h>

//  A row's head and its place in the tree count too: a log of empty entries is not free.
#define ENTRY_COST 32U
#define MARK_EVERY (64U << 10) //  bytes between two marks

//  ---- runs of terms -----------------------------------------------------------

static void
s_span_add (hf_log_store_t *self, uint64_t index, uint64_t term)
{
    size_t count = self->spans.count;
    if (count == 0 || self->spans.list[count - 1].term != term)
        *hf_array_add (&self->spans) = (hf_log_span_t){.first_index = index, .term = term};
}

int
hf_log_store_spans (hf_log_store_t *self, hf_span_fn *fn, void *arg)
{
    if (self->tx.failed)
        return -1;
    for (size_t i = 0; i < self->spans.count; i++)
        fn (arg, self->spans.list[i].first_index, self->spans.list[i].term);
    return 0;
}

/*  The term of an entry, or of the base. */
static uint64_t
s_term_at (const hf_log_store_t *self, uint64_t index)
{
    assert (index >= self->now.base_index && index <= self->now.last_index);
    uint64_t term = self->now.base_term;
    for (size_t i = 0; i < self->spans.count && self->spans.list[i].first_index <= index; i++)
        term = self->spans.list[i].term;
    return term;
}

static void
s_spans_prune (hf_log_store_t *self, uint64_t base)
{
    size_t pruned = 0;
    while (pruned + 1 < self->spans.count && self->spans.list[pruned + 1].first_index <= base + 1)
        pruned++;
    if (base == self->now.last_index)
        pruned = self->spans.count;
    hf_array_drop (&self->spans, pruned);
    if (self->spans.count > 0 && self->spans.list[0].first_index <= base)
        self->spans.list[0].first_index = base + 1;
}

//  ---- rosters -----------------------------------------------------------------

void
hf_log_bytes_set (hf_log_bytes_t *self, hf_span_t bytes)
{
    //  Never NULL, so that "none" needs no care; the new bytes may lie in the old ones.
    uint8_t *copy = hf_alloc (bytes.size + 1U);
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
    hf_log_roster_t *roster = hf_array_add (&self->rosters);
    *roster = (hf_log_roster_t){.index = index};
    hf_log_bytes_set (&roster->payload, payload);
}

/*  The newest roster at the new base or before it moves into the node's row. */
static void
s_roster_prune (hf_log_store_t *self, uint64_t base)
{
    size_t pruned = 0;
    while (pruned < self->rosters.count && self->rosters.list[pruned].index <= base)
        pruned++;
    if (pruned == 0)
        return;
    hf_log_bytes_set (&self->roster, hf_log_bytes_span (&self->rosters.list[pruned - 1].payload));
    for (size_t i = 0; i < pruned; i++)
        free (self->rosters.list[i].payload.at);
    hf_array_drop (&self->rosters, pruned);
}

void
hf_log_store_rosters (const hf_log_store_t *self, hf_roster_fn *fn, void *arg)
{
    if (self->tx.failed)
        return;
    if (self->roster.size > 0)
        fn (arg, self->now.base_index, hf_log_bytes_span (&self->roster));
    for (size_t i = 0; i < self->rosters.count; i++)
        fn (arg, self->rosters.list[i].index, hf_log_bytes_span (&self->rosters.list[i].payload));
}

//  ---- bytes -------------------------------------------------------------------

static void
s_marks_add (hf_log_store_t *self, uint64_t index, uint64_t cost)
{
    size_t count = self->marks.count;
    self->bytes += cost;
    if (self->bytes - (count > 0 ? self->marks.list[count - 1].bytes : self->pruned) >= MARK_EVERY)
        *hf_array_add (&self->marks) = (hf_log_mark_t){.index = index, .bytes = self->bytes};
}

static void
s_marks_prune (hf_log_store_t *self, uint64_t base)
{
    size_t pruned = 0;
    while (pruned < self->marks.count && self->marks.list[pruned].index <= base)
        pruned++;
    if (pruned > 0)
        self->pruned = self->marks.list[pruned - 1].bytes;
    hf_array_drop (&self->marks, pruned);
}

uint64_t
hf_log_index_spare (const hf_log_store_t *self, uint64_t keep_bytes)
{
    if (keep_bytes == 0)
        return self->now.last_index;
    uint64_t index = self->now.base_index;
    for (size_t i = 0; i < self->marks.count; i++) {
        if (self->bytes - self->marks.list[i].bytes < keep_bytes)
            break;
        index = self->marks.list[i].index;
    }
    return index;
}

//  ---- all of it ---------------------------------------------------------------

void
hf_log_index_add (hf_log_store_t *self, uint64_t index, const hf_entry_t *entry)
{
    assert (index == self->now.last_index + 1);
    self->now.last_index = index;
    s_span_add (self, index, entry->term);
    if (entry->type == HF_ENTRY_ROSTER)
        s_roster_add (self, index, entry->payload);
    s_marks_add (self, index, entry->payload.size + ENTRY_COST);
}

void
hf_log_index_cut (hf_log_store_t *self, uint64_t from_index, uint64_t payload_bytes)
{
    assert (from_index > self->now.base_index && from_index <= self->now.last_index);
    while (self->spans.count > 0 &&
           self->spans.list[self->spans.count - 1].first_index >= from_index)
        self->spans.count--;
    while (self->rosters.count > 0 &&
           self->rosters.list[self->rosters.count - 1].index >= from_index)
        free (self->rosters.list[--self->rosters.count].payload.at);
    while (self->marks.count > 0 && self->marks.list[self->marks.count - 1].index >= from_index)
        self->marks.count--;
    uint64_t cost = payload_bytes + (self->now.last_index - from_index + 1) * ENTRY_COST;
    assert (cost <= self->bytes);
    self->bytes -= cost;
    self->now.last_index = from_index - 1;
}

void
hf_log_index_prune (hf_log_store_t *self, uint64_t base)
{
    assert (base > self->now.base_index && base <= self->now.last_index);
    uint64_t term = s_term_at (self, base);
    s_spans_prune (self, base);
    s_roster_prune (self, base);
    s_marks_prune (self, base);
    self->now.base_index = base;
    self->now.base_term = term;
}

void
hf_log_index_clear (hf_log_store_t *self)
{
    while (self->rosters.count > 0)
        free (self->rosters.list[--self->rosters.count].payload.at);
    self->spans.count = self->marks.count = 0;
    self->bytes = self->pruned = 0;
}

void
hf_log_index_free (hf_log_store_t *self)
{
    hf_log_index_clear (self);
    hf_array_free (&self->spans);
    hf_array_free (&self->rosters);
    hf_array_free (&self->marks);
}
