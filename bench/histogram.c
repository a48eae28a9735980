/*  Latencies counted by size, in fixed memory. */
#include "bench/histogram.h"
#include "base/hf_alloc.h"
#include <assert.h>
#include <stdlib.h>

#define S_SUB_BITS 7
#define S_SUB      (1U << S_SUB_BITS) //  buckets to a power of two
#define S_EXACT    (2U * S_SUB)       //  values below have a bucket each
#define S_BUCKETS  (S_EXACT + (63 - S_SUB_BITS) * S_SUB)

struct hf_histogram {
    uint64_t bucket[S_BUCKETS];
    uint64_t count;
    uint64_t max;
    double sum;
};

hf_histogram_t *
hf_histogram_new (void)
{
    return hf_alloc (sizeof (hf_histogram_t));
}

void
hf_histogram_destroy (hf_histogram_t **self_p)
{
    assert (self_p);
    free (*self_p);
    *self_p = NULL;
}

/*  A value keeps its leading S_SUB_BITS + 1 bits. */
static uint32_t
s_bucket_of (uint64_t value)
{
    if (value < S_EXACT)
        return (uint32_t)value;
    uint32_t shift = (uint32_t)(63 - __builtin_clzll (value)) - S_SUB_BITS;
    uint32_t index = S_EXACT + (shift - 1) * S_SUB + (uint32_t)(value >> shift) - S_SUB;
    assert (index < S_BUCKETS);
    return index;
}

/*  The middle of a bucket. */
static uint64_t
s_value_of (uint32_t index)
{
    if (index < S_EXACT)
        return index;
    uint32_t shift = (index - S_EXACT) / S_SUB + 1;
    uint64_t low = ((uint64_t)S_SUB + (index - S_EXACT) % S_SUB) << shift;
    return low + (1ULL << shift) / 2;
}

void
hf_histogram_add (hf_histogram_t *self, uint64_t value)
{
    self->bucket[s_bucket_of (value)]++;
    self->count++;
    self->sum += (double)value;
    if (value > self->max)
        self->max = value;
}

void
hf_histogram_merge (hf_histogram_t *self, const hf_histogram_t *other)
{
    assert (self != other);
    for (uint32_t i = 0; i < S_BUCKETS; i++)
        self->bucket[i] += other->bucket[i];
    self->count += other->count;
    self->sum += other->sum;
    if (other->max > self->max)
        self->max = other->max;
}

uint64_t
hf_histogram_count (const hf_histogram_t *self)
{
    return self->count;
}

double
hf_histogram_mean (const hf_histogram_t *self)
{
    return self->count ? self->sum / (double)self->count : 0;
}

uint64_t
hf_histogram_quantile (const hf_histogram_t *self, double q)
{
    assert (q >= 0 && q <= 1);
    if (self->count == 0 || q >= 1)
        return self->max;
    double exact = q * (double)self->count;
    uint64_t rank = (uint64_t)exact;
    if ((double)rank < exact || rank == 0)
        rank++;
    uint64_t seen = 0;
    for (uint32_t i = 0; i < S_BUCKETS; i++) {
        seen += self->bucket[i];
        if (seen >= rank) {
            uint64_t value = s_value_of (i);
            return value < self->max ? value : self->max;
        }
    }
    return self->max;
}
