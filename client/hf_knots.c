#include "client/hf_knots.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_START 16

static hf_knot_t **
s_buckets (size_t size)
{
    hf_knot_t **buckets = calloc (size, sizeof *buckets);
    if (!buckets)
        abort ();
    return buckets;
}

void
hf_knots_init (hf_knots_t *self)
{
    self->size = SIZE_START;
    self->count = 0;
    self->buckets = s_buckets (self->size);
}

void
hf_knots_done (hf_knots_t *self)
{
    free (self->buckets);
    memset (self, 0, sizeof *self);
}

static void
s_grow (hf_knots_t *self)
{
    size_t size = self->size * 2;
    hf_knot_t **buckets = s_buckets (size);
    for (size_t i = 0; i < self->size; i++) {
        while (self->buckets[i]) {
            hf_knot_t *knot = self->buckets[i];
            self->buckets[i] = knot->next;
            knot->next = buckets[knot->hash & (size - 1)];
            buckets[knot->hash & (size - 1)] = knot;
        }
    }
    free (self->buckets);
    self->buckets = buckets;
    self->size = size;
}

void
hf_knots_put (hf_knots_t *self, hf_knot_t *knot, uint64_t hash)
{
    if (self->count >= self->size)
        s_grow (self);
    hf_knot_t **bucket = &self->buckets[hash & (self->size - 1)];
    knot->hash = hash;
    knot->next = *bucket;
    *bucket = knot;
    self->count++;
}

void
hf_knots_take (hf_knots_t *self, hf_knot_t *knot)
{
    hf_knot_t **at = &self->buckets[knot->hash & (self->size - 1)];
    while (*at && *at != knot)
        at = &(*at)->next;
    assert (*at == knot);
    *at = knot->next;
    knot->next = NULL;
    self->count--;
}

hf_knot_t *
hf_knots_first (const hf_knots_t *self, uint64_t hash)
{
    hf_knot_t *knot = self->buckets[hash & (self->size - 1)];
    while (knot && knot->hash != hash)
        knot = knot->next;
    return knot;
}

hf_knot_t *
hf_knots_next (const hf_knot_t *knot)
{
    uint64_t hash = knot->hash;
    hf_knot_t *next = knot->next;
    while (next && next->hash != hash)
        next = next->next;
    return next;
}
