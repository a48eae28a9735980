/*  hf_bucket.h - how often somebody may ask: a token bucket, in virtual time. Pure.
 *
 *  It fills at a rate, and holds what comes in HF_BUCKET_SPAN_US: who was silent may ask for so
 *  much at once. A second one of the same size and rate lends: what is taken from the first, and
 *  owed there, leaves it as it is.
 */
#ifndef HF_BUCKET_H_INCLUDED
#define HF_BUCKET_H_INCLUDED

#include <stdbool.h>
#include <stdint.h>

#define HF_BUCKET_SPAN_US  1000000
#define HF_BUCKET_RATE_MAX 1000000

//  All zero: both are full.
typedef struct hf_bucket {
    uint64_t full_ns; //  when it is full again, if nobody takes anything until then
    uint64_t lent_ns; //  the same of the one that lends
} hf_bucket_t;

/*  Take COUNT from a bucket that RATE, 1 to HF_BUCKET_RATE_MAX, fill in a second. False: it has
 *  less than one, and nothing was taken. COUNT may be more than there is: what is over is owed.
 *  LENT: when the first has none, from the second, which then owes so much at most that it has one
 *  again in two seconds. What is lent is owed in the first as well, up to two seconds. */
bool hf_bucket_take (hf_bucket_t *self, uint32_t rate, uint32_t count, bool lent, uint64_t now_us);

#endif
