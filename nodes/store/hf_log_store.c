//  The log as it runs: one transaction at a time, entries in and out.

#include "base/hf_hash.h"
#include "nodes/store/hf_log_internal.h"
#include <assert.h>
#include <inttypes.h>
#include <limits.h>

//  ---- state -------------------------------------------------------------------

const hf_log_state_t *
hf_log_store_state (const hf_log_store_t *self)
{
    return self->tx.failed ? &self->durable : &self->now;
}

const char *
hf_log_store_error (const hf_log_store_t *self)
{
    return self->tx.error;
}

uint64_t
hf_log_store_incarnation (const hf_log_store_t *self)
{
    assert (self->incarnation != 0);
    return self->incarnation;
}

//  ---- one transaction ---------------------------------------------------------

int
hf_log_store_vote (hf_log_store_t *self, uint64_t term, hf_member_t voted_for)
{
    assert (term >= self->now.term || self->tx.failed);
    self->now.term = term;
    self->now.voted_for = voted_for;
    return hf_log_node_save (self);
}

void
hf_log_store_applied (hf_log_store_t *self, uint64_t index)
{
    self->applied = index;
}

int
hf_log_store_truncate (hf_log_store_t *self, uint64_t from_index)
{
    hf_tx_t *tx = &self->tx;
    assert (from_index > self->now.base_index);
    if (tx->failed || from_index > self->now.last_index)
        return tx->failed ? -1 : 0;
    if (from_index <= self->applied) {
        hf_error_set (tx->error,
                      "%s: entry %" PRIu64
                      " is to be replaced, and the state on this disk is made of "
                      "it: it is left of another cluster; wipe this folder, and add the node again",
                      hf_tx_path (tx), from_index);
        return hf_tx_fail (tx);
    }
    hf_tx_bind (tx, HF_LOG_CUT_BYTES, hf_tx_number (from_index));
    int rc = hf_tx_row (tx, HF_LOG_CUT_BYTES);
    uint64_t bytes = rc == 1 ? hf_tx_u64 (tx, HF_LOG_CUT_BYTES, 0) : 0;
    hf_tx_done (tx, HF_LOG_CUT_BYTES);
    if (rc < 0 || hf_tx_write (tx, HF_LOG_CUT, hf_tx_number (from_index)) != 0)
        return -1;
    assert ((uint64_t)sqlite3_changes64 (tx->db) == self->now.last_index - from_index + 1);
    hf_log_index_cut (self, from_index, bytes);
    return 0;
}

static uint64_t
s_entry_sum (uint64_t index, const hf_entry_t *entry)
{
    uint64_t sum = hf_hash_u64 (hf_hash_u64 (hf_hash_u64 (0, index), entry->term), entry->type);
    return hf_hash (sum, entry->payload.at, entry->payload.size);
}

/*  A program that cannot read ROSTER must not open this log. */
static int
s_mark_roster (hf_log_store_t *self, hf_span_t payload)
{
    hf_roster_t roster;
    if (!hf_roster_get (payload, &roster) || roster.level == 0)
        return 0;
    return hf_tx_raise (&self->tx, HF_LOG_FORMAT_PLACES);
}

int
hf_log_store_append (hf_log_store_t *self, uint64_t index, const hf_entry_t *entry)
{
    if (self->tx.failed)
        return -1;
    assert (index == self->now.last_index + 1);
    assert (index <= INT64_MAX);
    if (entry->type == HF_ENTRY_ROSTER && s_mark_roster (self, entry->payload) != 0)
        return -1;
    if (hf_tx_write (&self->tx, HF_LOG_INSERT, hf_tx_number (index), hf_tx_number (entry->term),
                     hf_tx_number (entry->type), hf_tx_number (s_entry_sum (index, entry)),
                     hf_tx_bytes (entry->payload)) != 0)
        return -1;
    hf_log_index_add (self, index, entry);
    return 0;
}

int
hf_log_store_commit (hf_log_store_t *self)
{
    if (hf_tx_commit (&self->tx) != 0)
        return -1;
    self->durable = self->now;
    return 0;
}

int
hf_log_store_ready (hf_log_store_t *self)
{
    return hf_tx_ready (&self->tx);
}

//  ---- the front: entries that are no longer needed, or all of them -------------

static uint64_t
s_least (uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

int
hf_log_store_prune (hf_log_store_t *self, uint64_t upto, uint64_t keep_bytes, uint32_t most)
{
    hf_tx_t *tx = &self->tx;
    if (tx->failed)
        return -1;
    uint64_t before = self->now.base_index;
    uint64_t base =
        s_least (s_least (upto, self->now.last_index), hf_log_index_spare (self, keep_bytes));
    base = s_least (base, before + s_least (most, INT_MAX));
    if (base <= before)
        return 0;
    if (hf_tx_write (tx, HF_LOG_DROP, hf_tx_number (base)) != 0)
        return -1;
    assert ((uint64_t)sqlite3_changes64 (tx->db) == base - before);
    hf_log_index_prune (self, base);
    return hf_log_node_save (self) != 0 ? -1 : (int)(base - before);
}

int
hf_log_store_reset (hf_log_store_t *self, uint64_t index, uint64_t term, hf_span_t roster)
{
    assert (index <= INT64_MAX);
    if (hf_tx_write (&self->tx, HF_LOG_DROP, hf_tx_number (INT64_MAX)) != 0 ||
        s_mark_roster (self, roster) != 0)
        return -1;
    hf_log_bytes_set (&self->roster, roster); //  first: ROSTER may lie in what is cleared
    hf_log_index_clear (self);
    hf_log_state_t *now = &self->now;
    now->base_index = now->last_index = index;
    now->base_term = term;
    if (now->term < term) {
        now->term = term;
        now->voted_for = (hf_member_t){.node = 0};
    }
    return hf_log_node_save (self);
}

//  ---- reading -----------------------------------------------------------------

bool
hf_log_entry_take (hf_log_store_t *self, uint64_t index, hf_entry_t *entry)
{
    const hf_tx_t *tx = &self->tx;
    uint64_t type = hf_tx_u64 (tx, HF_LOG_SELECT, 2);
    *entry = (hf_entry_t){.term = hf_tx_u64 (tx, HF_LOG_SELECT, 1),
                          .type = (uint32_t)type,
                          .payload = hf_tx_span (tx, HF_LOG_SELECT, 4)};
    return hf_tx_u64 (tx, HF_LOG_SELECT, 0) == index && entry->type == type &&
           hf_tx_u64 (tx, HF_LOG_SELECT, 3) == s_entry_sum (index, entry);
}

/*  Pack the next row. 1: packed. 0: it would not fit in ROOM bytes any more. */
static int
s_read_row (hf_log_store_t *self, uint64_t index, size_t room, hf_pack_t *pack)
{
    hf_entry_t entry;
    int rc = hf_tx_row (&self->tx, HF_LOG_SELECT);
    if (rc < 0)
        return -1;
    if (rc == 0)
        return hf_tx_damaged (&self->tx, "entry %" PRIu64 " is missing", index);
    if (!hf_log_entry_take (self, index, &entry))
        return hf_tx_damaged (&self->tx, "entry %" PRIu64 " is not what was written", index);
    const size_t head = 32; //  no record's head is larger than this
    if (hf_pack_size (pack) + head + entry.payload.size > room)
        return 0;
    hf_entry_put (pack, &entry);
    return 1;
}

int
hf_log_store_read (hf_log_store_t *self, uint64_t first, uint64_t last, size_t bytes,
                   hf_pack_t *pack)
{
    assert (first > self->now.base_index || self->tx.failed);
    if (self->tx.failed)
        return -1;
    last = s_least (last, self->now.last_index);
    hf_tx_bind (&self->tx, HF_LOG_SELECT, hf_tx_number (first), hf_tx_number (last));
    int count = 0;
    int rc = 1;
    for (uint64_t index = first; rc > 0 && index <= last && count < INT_MAX; index++) {
        rc = s_read_row (self, index, count == 0 ? SIZE_MAX : bytes, pack);
        count += rc > 0;
    }
    hf_tx_done (&self->tx, HF_LOG_SELECT);
    return rc < 0 ? -1 : count;
}
