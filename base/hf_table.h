/*  hf_table.h - a hash table of rows, with the links inside the rows.
 *
 *  It knows hashes, not keys: seek gives rows whose hash is equal, one after
 *  the other, and the caller compares. It grows and shrinks by itself: a large one by a few buckets
 *  with each row that comes or goes (W. Litwin, "Linear hashing", 1980), so that no row takes long.
 */
#ifndef HF_TABLE_H_INCLUDED
#define HF_TABLE_H_INCLUDED

#include <stddef.h>
#include <stdint.h>

typedef struct hf_table_node {
    struct hf_table_node *next;
    uint64_t hash;
} hf_table_node_t;

typedef struct hf_table {
    hf_table_node_t **buckets;
    size_t buckets_count; //  in use: more than half of ROOM
    size_t room;          //  0 or a power of two
    size_t count;
} hf_table_t;

void hf_table_init (hf_table_t *self);
/*  Give back the table's own memory; the rows are the caller's. */
void hf_table_done (hf_table_t *self);
/*  And free () each row: its links must be its first field. */
void hf_table_free (hf_table_t *self);
/*  The same, but room for a few rows stays, for a table that is filled and emptied all the time. */
void hf_table_empty (hf_table_t *self);

/*  So many rows will be inserted: make room for them at once. */
void hf_table_reserve (hf_table_t *self, size_t more);
void hf_table_insert (hf_table_t *self, hf_table_node_t *node, uint64_t hash);
/*  NODE must be in the table. */
void hf_table_remove (hf_table_t *self, hf_table_node_t *node);

/*  The first row with this hash, and the next one with the same hash; NULL: no more. */
static inline hf_table_node_t *
hf_table_again (const hf_table_node_t *node)
{
    hf_table_node_t *next = node->next;
    while (next && next->hash != node->hash)
        next = next->next;
    return next;
}

/*  The bucket of a hash, while ROOM is not 0. Of buckets that are not in use yet, the rows are
 * still in those that they are split from. */
static inline size_t
hf_table_number (const hf_table_t *self, uint64_t hash)
{
    size_t at = hash & (self->room - 1);
    return at < self->buckets_count ? at : at - self->room / 2;
}

static inline hf_table_node_t *
hf_table_seek (const hf_table_t *self, uint64_t hash)
{
    hf_table_node_t *node = self->count > 0 ? self->buckets[hf_table_number (self, hash)] : NULL;
    while (node && node->hash != hash)
        node = node->next;
    return node;
}

/*  A walk in steps looks at PARTS parts, as many as hf_table_parts gives when it begins. While that
 *  gives no fewer, a row that stays is in the same part.
 *
 *  Part number AT is the buckets AT, AT + PARTS, AT + 2 * PARTS ... below buckets_count. */
static inline size_t
hf_table_parts (const hf_table_t *self)
{
    return self->buckets_count == self->room ? self->room : self->room / 2;
}
/*  The first row of a bucket, and behind it by its links; NULL: none. */
static inline hf_table_node_t *
hf_table_bucket (const hf_table_t *self, size_t at)
{
    return self->buckets[at];
}

/*  All rows, in an order that means nothing; the table must not change between. */
hf_table_node_t *hf_table_first (const hf_table_t *self);
hf_table_node_t *hf_table_next (const hf_table_t *self, const hf_table_node_t *node);

#endif
