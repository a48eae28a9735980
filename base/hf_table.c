//  A hash table of rows that carry their own links.

#include "base/hf_table.h"
#include "base/hf_alloc.h"
#include <assert.h>
#include <stdlib.h>

#define BUCKETS_MIN 8 //  a line of a cache: a client has a table for each session

void
hf_table_init (hf_table_t *self)
{
    *self = (hf_table_t){.buckets = NULL};
}

void
hf_table_done (hf_table_t *self)
{
    free (self->buckets);
    hf_table_init (self);
}

void
hf_table_empty (hf_table_t *self)
{
    for (size_t i = 0; self->count > 0; i++) {
        for (hf_table_node_t *node = self->buckets[i], *next; node; node = next) {
            next = node->next;
            free (node);
            self->count--;
        }
        self->buckets[i] = NULL;
    }
    if (self->buckets_count > BUCKETS_MIN)
        hf_table_done (self);
}

void
hf_table_free (hf_table_t *self)
{
    hf_table_empty (self);
    hf_table_done (self);
}

static hf_table_node_t **
s_bucket (const hf_table_t *self, uint64_t hash)
{
    assert (self->buckets_count > 0);
    return &self->buckets[hash & (self->buckets_count - 1)];
}

static void
s_resize (hf_table_t *self, size_t buckets_count)
{
    hf_table_t before = *self;
    self->buckets = hf_alloc (buckets_count * sizeof (hf_table_node_t *));
    self->buckets_count = buckets_count;
    for (size_t i = 0; i < before.buckets_count; i++) {
        hf_table_node_t *node = before.buckets[i];
        while (node) {
            hf_table_node_t *next = node->next;
            hf_table_node_t **bucket = s_bucket (self, node->hash);
            node->next = *bucket;
            *bucket = node;
            node = next;
        }
    }
    free (before.buckets);
}

void
hf_table_reserve (hf_table_t *self, size_t more)
{
    size_t buckets_count = self->buckets_count > 0 ? self->buckets_count : BUCKETS_MIN;
    while (buckets_count < self->count + more)
        buckets_count *= 2;
    if (buckets_count > self->buckets_count)
        s_resize (self, buckets_count);
}

void
hf_table_insert (hf_table_t *self, hf_table_node_t *node, uint64_t hash)
{
    if (self->count >= self->buckets_count)
        s_resize (self, self->buckets_count > 0 ? 2 * self->buckets_count : BUCKETS_MIN);
    hf_table_node_t **bucket = s_bucket (self, hash);
    node->hash = hash;
    node->next = *bucket;
    *bucket = node;
    self->count++;
}

void
hf_table_remove (hf_table_t *self, hf_table_node_t *node)
{
    hf_table_node_t **at = s_bucket (self, node->hash);
    while (*at && *at != node)
        at = &(*at)->next;
    assert (*at == node);
    *at = node->next;
    node->next = NULL;
    self->count--;
    //  Shrinking late, by half, keeps a table that breathes from rebuilding all the time.
    if (self->buckets_count > BUCKETS_MIN && self->count < self->buckets_count / 8)
        s_resize (self, self->buckets_count / 2);
}

static hf_table_node_t *
s_first_from (const hf_table_t *self, size_t bucket)
{
    for (size_t i = bucket; i < self->buckets_count; i++)
        if (self->buckets[i])
            return self->buckets[i];
    return NULL;
}

hf_table_node_t *
hf_table_first (const hf_table_t *self)
{
    return s_first_from (self, 0);
}

hf_table_node_t *
hf_table_next (const hf_table_t *self, const hf_table_node_t *node)
{
    if (node->next)
        return node->next;
    return s_first_from (self, (size_t)(node->hash & (self->buckets_count - 1)) + 1);
}
