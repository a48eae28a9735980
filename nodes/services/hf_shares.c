//  What each client uses, by its route.

#include "nodes/services/hf_shares.h"
#include "base/hf_alloc.h"
#include "base/hf_chain.h"
#include "base/hf_hash.h"
#include "base/hf_mutant.h"
#include <assert.h>
#include <stdlib.h>

//  A table frees it: NODE comes first.
typedef struct share {
    hf_table_node_t node;
    uint64_t amount;
    hf_route_t route;
} share_t;

void
hf_shares_init (hf_shares_t *self)
{
    hf_table_init (&self->table);
    self->all = 0;
}

void
hf_shares_done (hf_shares_t *self)
{
    hf_table_free (&self->table);
    self->all = 0;
}

void
hf_shares_clear (hf_shares_t *self)
{
    hf_table_empty (&self->table);
    self->all = 0;
}

static uint64_t
s_hash (const hf_route_t *route)
{
    return hf_hash (route->delimiter, route->id, route->size);
}

static share_t *
s_find (const hf_shares_t *self, const hf_route_t *route, uint64_t hash)
{
    hf_table_node_t *node = hf_table_seek (&self->table, hash);
    while (node && !hf_route_equal (&HF_AROUND (node, share_t, node)->route, route))
        node = hf_table_again (node);
    return node ? HF_AROUND (node, share_t, node) : NULL;
}

uint64_t
hf_shares_of (const hf_shares_t *self, const hf_route_t *route)
{
    const share_t *share = s_find (self, route, s_hash (route));
    return share ? share->amount : 0;
}

void
hf_shares_add (hf_shares_t *self, const hf_route_t *route, uint64_t amount)
{
    uint64_t hash = s_hash (route);
    share_t *share = s_find (self, route, hash);
    if (!share && amount > 0) {
        share = hf_alloc (sizeof *share);
        share->route = *route;
        hf_table_insert (&self->table, &share->node, hash);
    }
    if (share)
        share->amount += amount;
    self->all += amount;
}

void
hf_shares_drop (hf_shares_t *self, const hf_route_t *route, uint64_t amount)
{
    share_t *share = s_find (self, route, s_hash (route));
    assert (share && share->amount >= amount);
    share->amount -= amount;
    self->all -= amount;
    if (share->amount > 0)
        return;
    hf_table_remove (&self->table, &share->node);
    free (share);
}

bool
hf_shares_full (uint64_t one, uint64_t all, uint64_t most)
{
    uint64_t left = all < most ? most - all : 0;
    return one > 0 && (one >= most / 2 || one > left) && !HF_MUTANT (client_takes_all);
}
