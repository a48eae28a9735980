//  A hash table of rows that carry their own links.

#include "base/hf_table.h"
#include "base/hf_alloc.h"
#include <assert.h>
#include <stdlib.h>

#define BUCKETS_MIN     8    //  a line of a cache: a client has a table for each session
#define BUCKETS_AT_ONCE 4096 //  up to so many are rebuilt at once, which takes below 0.1 ms
#define MERGES          16   //  for one row that goes

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
    return &self->buckets[hf_table_number (self, hash)];
}

/*  All at once: a power of two. */
static void
s_resize (hf_table_t *self, size_t buckets_count)
{
    hf_table_t before = *self;
    self->buckets = hf_alloc (buckets_count * sizeof (hf_table_node_t *));
    self->buckets_count = self->room = buckets_count;
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

static void
s_move_room (hf_table_t *self, size_t room)
{
    self->buckets = hf_alloc_again (self->buckets, room * sizeof (hf_table_node_t *));
    self->room = room;
}

/*  One more bucket, with those rows of another one that belong there now. */
static void
s_split (hf_table_t *self)
{
    if (self->buckets_count == self->room)
        s_move_room (self, 2 * self->room);
    size_t added = self->buckets_count++;
    hf_table_node_t **from = &self->buckets[added & (self->room / 2 - 1)];
    hf_table_node_t **to = &self->buckets[added];
    *to = NULL;
    while (*from) {
        hf_table_node_t *node = *from;
        if ((node->hash & (self->room - 1)) == added) {
            *from = node->next;
            node->next = *to;
            *to = node;
        } else
            from = &node->next;
    }
}

/*  One less: its rows go where they came from. */
static void
s_merge (hf_table_t *self)
{
    size_t gone = --self->buckets_count;
    hf_table_node_t **to = &self->buckets[gone & (self->room / 2 - 1)];
    for (hf_table_node_t *node = self->buckets[gone], *next; node; node = next) {
        next = node->next;
        node->next = *to;
        *to = node;
    }
    if (self->buckets_count == self->room / 2)
        s_move_room (self, self->buckets_count);
}

/*  A row comes. Twice as many buckets as rows that come are added, until their number is a power of
 *  two again. */
static void
s_grow (hf_table_t *self)
{
    if (self->count < hf_table_parts (self))
        return;
    if (self->buckets_count < BUCKETS_AT_ONCE) {
        s_resize (self, self->room > 0 ? 2 * self->room : BUCKETS_MIN);
        return;
    }
    s_split (self);
    s_split (self);
}

/*  A row has gone. Shrinking late keeps a table that breathes from rebuilding all the time. */
static void
s_shrink (hf_table_t *self)
{
    for (int i = 0; i < MERGES && self->count < self->buckets_count / 8; i++)
        if (self->buckets_count > BUCKETS_AT_ONCE)
            s_merge (self);
        else if (self->buckets_count > BUCKETS_MIN)
            s_resize (self, self->buckets_count / 2);
        else
            return;
}

void
hf_table_reserve (hf_table_t *self, size_t more)
{
    size_t buckets_count = self->room > 0 ? self->room : BUCKETS_MIN;
    while (buckets_count < self->count + more)
        buckets_count *= 2;
    if (buckets_count > self->buckets_count)
        s_resize (self, buckets_count);
}

void
hf_table_insert (hf_table_t *self, hf_table_node_t *node, uint64_t hash)
{
    if (self->count >= self->room / 2)
        s_grow (self);
    assert (self->buckets_count > 0);
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
    if (self->count < self->buckets_count / 8)
        s_shrink (self);
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
    return s_first_from (self, hf_table_number (self, node->hash) + 1);
}
