//  How often somebody may ask (hf_bucket.h).

#include "nodes/services/hf_bucket.h"
#include "base/hf_mutant.h"
#include <assert.h>

#define SECOND_NS 1000000000ULL

bool
hf_bucket_take (hf_bucket_t *self, uint32_t rate, uint32_t count, bool lent, uint64_t now_us)
{
    assert (rate > 0 && rate <= HF_BUCKET_RATE_MAX);
    uint64_t now_ns = now_us * 1000, span_ns = HF_BUCKET_SPAN_US * 1000ULL;
    uint64_t full_ns = self->full_ns > now_ns || HF_MUTANT (silence_saved) ? self->full_ns : now_ns;
    uint64_t empty_ns = now_ns + (lent && !HF_MUTANT (nothing_lent) ? 2 : 1) * span_ns;
    if (full_ns + SECOND_NS / rate > empty_ns && !HF_MUTANT (rate_without_end))
        return false;
    self->full_ns = full_ns + count * SECOND_NS / rate;
    return true;
}
