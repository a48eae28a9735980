//  The log as it runs: one transaction at a time, entries in and out.

#include "nodes/store/hf_log_internal.h"
#include "msgs/hf_msg.h"
#include <assert.h>
#include <inttypes.h>
#include <limits.h>

//  ---- what was found ----------------------------------------------------------

const char *
hf_log_store_error (const hf_log_store_t *self)
{
    return self->error;
}

uint64_t
hf_log_store_term (const hf_log_store_t *self)
{
    return self->node.term;
}

hf_member_t
hf_log_store_voted_for (const hf_log_store_t *self)
{
    return self->node.voted_for;
}

uint64_t
hf_log_store_first_index (const hf_log_store_t *self)
{
    return self->node.base_index + 1;
}

uint64_t
hf_log_store_base_term (const hf_log_store_t *self)
{
    return self->node.base_term;
}

uint64_t
hf_log_store_last_index (const hf_log_store_t *self)
{
    return self->last_index;
}

uint64_t
hf_log_store_incarnation (const hf_log_store_t *self)
{
    assert (self->node.incarnation != 0);
    return self->node.incarnation;
}

uint32_t
hf_log_store_bound (const hf_log_store_t *self, const char **list)
{
    *list = self->node.list;
    return self->node.member;
}

bool
hf_log_store_dirty (const hf_log_store_t *self)
{
    return self->open;
}

//  ---- one transaction ---------------------------------------------------------

uint64_t
hf_log_entry_sum (uint64_t index, const hf_entry_t *entry)
{
    uint64_t sum = hf_hash_u64 (hf_hash_u64 (hf_hash_u64 (0, index), entry->term), entry->type);
    return hf_hash (sum, entry->payload.at, entry->payload.size);
}

bool
hf_log_entry_take (sqlite3_stmt *row, uint64_t index, hf_entry_t *entry)
{
    *entry = (hf_entry_t){.term = hf_db_u64 (row, 1),
                          .type = (uint32_t)hf_db_u64 (row, 2),
                          .payload = hf_db_span (row, 4)};
    return entry->type == hf_db_u64 (row, 2) &&
           hf_db_u64 (row, 3) == hf_log_entry_sum (index, entry);
}

int
hf_log_begin (hf_log_store_t *self)
{
    if (self->failed)
        return -1;
    if (self->open)
        return 0;
    if (hf_db_run (self->begin, self->error) != 0)
        return hf_log_fail (self);
    self->open = true;
    return 0;
}

int
hf_log_fail (hf_log_store_t *self)
{
    assert (self->error[0] != 0);
    self->failed = true;
    self->open = false;
    self->node.term = self->durable.term;
    self->node.voted_for = self->durable.voted_for;
    self->last_index = self->durable.last_index;
    self->node.base_index = self->durable.base_index;
    self->node.base_term = self->durable.base_term;
    char ignored[HF_ERROR_SIZE]; //  the first error is the one to tell
    if (!sqlite3_get_autocommit (self->db))
        hf_db_run (self->rollback, ignored);
    return -1;
}

int
hf_log_store_vote (hf_log_store_t *self, uint64_t term, hf_member_t voted_for)
{
    assert (term >= self->node.term || self->failed);
    if (hf_log_begin (self) != 0)
        return -1;
    self->node.term = term;
    self->node.voted_for = voted_for;
    return hf_log_node_save (self) != 0 ? hf_log_fail (self) : 0;
}

int
hf_log_store_truncate (hf_log_store_t *self, uint64_t from_index)
{
    assert (from_index > self->node.base_index);
    if (self->failed)
        return -1;
    if (from_index > self->last_index)
        return 0;
    if (hf_log_begin (self) != 0)
        return -1;
    hf_db_bind_u64 (self->cut_bytes, 1, from_index);
    int rc = hf_db_row (self->cut_bytes, self->error);
    uint64_t bytes = rc == 1 ? hf_db_u64 (self->cut_bytes, 0) : 0;
    sqlite3_reset (self->cut_bytes);
    hf_db_bind_u64 (self->cut, 1, from_index);
    if (rc < 0 || hf_db_run (self->cut, self->error) != 0)
        return hf_log_fail (self);
    assert ((uint64_t)sqlite3_changes64 (self->db) == self->last_index - from_index + 1);
    hf_log_index_cut (self, from_index, bytes);
    return 0;
}

int
hf_log_store_append (hf_log_store_t *self, uint64_t index, const hf_entry_t *entry)
{
    if (hf_log_begin (self) != 0)
        return -1;
    assert (index == self->last_index + 1);
    assert (index <= INT64_MAX);
    hf_db_bind_u64 (self->insert, 1, index);
    hf_db_bind_u64 (self->insert, 2, entry->term);
    hf_db_bind_u64 (self->insert, 3, entry->type);
    hf_db_bind_u64 (self->insert, 4, hf_log_entry_sum (index, entry));
    hf_db_bind_span (self->insert, 5, entry->payload);
    if (hf_db_run (self->insert, self->error) != 0)
        return hf_log_fail (self);
    hf_log_index_add (self, index, entry);
    return 0;
}

void
hf_log_durable (hf_log_store_t *self)
{
    self->durable.term = self->node.term;
    self->durable.voted_for = self->node.voted_for;
    self->durable.last_index = self->last_index;
    self->durable.base_index = self->node.base_index;
    self->durable.base_term = self->node.base_term;
}

int
hf_log_store_commit (hf_log_store_t *self)
{
    if (self->failed)
        return -1;
    if (!self->open)
        return 0;
    if (hf_db_run (self->commit, self->error) != 0)
        return hf_log_fail (self);
    self->open = false;
    hf_log_durable (self);
    return 0;
}

//  ---- reading -----------------------------------------------------------------

/*  The row under the cursor: 1: packed. 0: it would not fit in ROOM bytes any more. */
static int
s_read_row (hf_log_store_t *self, uint64_t index, size_t room, hf_pack_t *pack)
{
    sqlite3_stmt *row = self->select;
    hf_entry_t entry;
    if (hf_db_u64 (row, 0) != index || !hf_log_entry_take (row, index, &entry))
        return hf_db_say (self->error,
                          "%s is damaged: entry %" PRIu64 " is not what was written; %s",
                          sqlite3_db_filename (self->db, "main"), index, HF_DB_WAY_OUT);
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
    assert (first > self->node.base_index);
    if (self->failed)
        return -1;
    if (last > self->last_index)
        last = self->last_index;
    hf_db_bind_u64 (self->select, 1, first);
    hf_db_bind_u64 (self->select, 2, last);
    int count = 0;
    int rc = 1;
    for (uint64_t index = first; index <= last && count < INT_MAX; index++) {
        rc = hf_db_row (self->select, self->error);
        if (rc == 0)
            rc = hf_db_say (self->error, "entry %" PRIu64 " is missing; %s", index, HF_DB_WAY_OUT);
        else if (rc == 1)
            rc = s_read_row (self, index, count == 0 ? SIZE_MAX : bytes, pack);
        if (rc <= 0)
            break;
        count++;
    }
    //  A statement left open would keep the WAL from being folded in.
    sqlite3_reset (self->select);
    return rc < 0 ? -1 : count;
}
