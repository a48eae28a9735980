//  How many sessions each user has (hf_owners.h).
#include "nodes/locks/hf_owners.h"
#include "base/hf_alloc.h"
#include "base/hf_chain.h"
#include "base/hf_hash.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

//  A table frees it: BY_NAME comes first.
struct hf_owner {
    hf_table_node_t by_name;
    uint32_t sessions, size;
    uint8_t name[];
};

void
hf_owners_init (hf_owners_t *self)
{
    hf_table_init (&self->by_name);
}

void
hf_owners_done (hf_owners_t *self)
{
    hf_table_free (&self->by_name);
}

static hf_owner_t *
s_find (const hf_owners_t *self, hf_span_t user, uint64_t hash)
{
    hf_table_node_t *node = hf_table_seek (&self->by_name, hash);
    for (; node; node = hf_table_again (node)) {
        hf_owner_t *owner = HF_AROUND (node, hf_owner_t, by_name);
        if (hf_span_equal (hf_span (owner->name, owner->size), user))
            return owner;
    }
    return NULL;
}

hf_owner_t *
hf_owners_add (hf_owners_t *self, hf_span_t user)
{
    assert (user.size > 0);
    uint64_t hash = hf_hash (0, user.at, user.size);
    hf_owner_t *owner = s_find (self, user, hash);
    if (!owner) {
        owner = hf_alloc (sizeof *owner + user.size);
        owner->size = user.size;
        memcpy (owner->name, user.at, user.size);
        hf_table_insert (&self->by_name, &owner->by_name, hash);
    }
    owner->sessions++;
    return owner;
}

void
hf_owners_drop (hf_owners_t *self, hf_owner_t *owner)
{
    assert (owner->sessions > 0);
    if (--owner->sessions > 0)
        return;
    hf_table_remove (&self->by_name, &owner->by_name);
    free (owner);
}

uint32_t
hf_owners_count (const hf_owners_t *self, hf_span_t user)
{
    const hf_owner_t *owner = s_find (self, user, hf_hash (0, user.at, user.size));
    return owner ? owner->sessions : 0;
}

size_t
hf_owners_all (const hf_owners_t *self)
{
    size_t all = 0;
    hf_table_node_t *node = hf_table_first (&self->by_name);
    for (; node; node = hf_table_next (&self->by_name, node))
        all += HF_AROUND (node, hf_owner_t, by_name)->sessions;
    return all;
}
