//  The log's front: entries that are needed no more go, or all of them do.

#include "nodes/store/hf_log_internal.h"
#include <assert.h>
#include <limits.h>

static uint64_t
s_least (uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

int
hf_log_store_prune (hf_log_store_t *self, uint64_t upto, uint64_t keep_bytes, uint32_t most)
{
    if (self->failed)
        return -1;
    uint64_t before = self->node.base_index;
    uint64_t base =
        s_least (s_least (upto, self->last_index), hf_log_index_spare (self, keep_bytes));
    if (base <= before)
        return 0;
    base = s_least (base, before + s_least (most, INT_MAX));
    if (base == before)
        return 0;
    if (hf_log_begin (self) != 0)
        return -1;
    hf_db_bind_u64 (self->drop, 1, base);
    if (hf_db_run (self->drop, self->error) != 0)
        return hf_log_fail (self);
    assert ((uint64_t)sqlite3_changes64 (self->db) == base - before);
    hf_log_index_prune (self, base);
    return hf_log_node_save (self) != 0 ? hf_log_fail (self) : (int)(base - before);
}

int
hf_log_store_reset (hf_log_store_t *self, uint64_t index, uint64_t term, hf_span_t roster)
{
    assert (index <= INT64_MAX);
    if (hf_log_begin (self) != 0)
        return -1;
    hf_db_bind_u64 (self->drop, 1, INT64_MAX);
    if (hf_db_run (self->drop, self->error) != 0)
        return hf_log_fail (self);
    hf_log_node_t *node = &self->node;
    hf_log_bytes_set (&node->roster, roster); //  first: ROSTER may be of an entry that goes
    hf_log_index_clear (self);
    node->base_index = self->last_index = index;
    node->base_term = term;
    if (node->term < term) {
        node->term = term;
        node->voted_for = (hf_member_t){.node = 0};
    }
    return hf_log_node_save (self) != 0 ? hf_log_fail (self) : 0;
}
