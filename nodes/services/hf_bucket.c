//  How often somebody may ask (hf_bucket.h).

#include "nodes/services/hf_bucket.h"
#include "base/hf_mutant.h"
#include <assert.h>

#define SECOND_NS 1000000000ULL
#define SPAN_NS   (HF_BUCKET_SPAN_US * 1000ULL)

/*  FULL_NS moved on by what was taken, but where it is owed no further than two spans from now:
 * with that the next is lent in two seconds, however much was taken. */
static uint64_t
s_bounded (uint64_t full_ns, uint64_t cost_ns, uint64_t now_ns)
{
    uint64_t most_ns = now_ns + 2 * SPAN_NS;
    if (HF_MUTANT (lent_without_bound) || full_ns + cost_ns <= most_ns)
        return full_ns + cost_ns;
    return full_ns > most_ns ? full_ns : most_ns;
}

bool
hf_bucket_take (hf_bucket_t *self, uint32_t rate, uint32_t count, bool lent, uint64_t now_us)
{
    assert (rate > 0 && rate <= HF_BUCKET_RATE_MAX);
    uint64_t now_ns = now_us * 1000, one_ns = SECOND_NS / rate, cost_ns = count * SECOND_NS / rate;
    uint64_t full_ns = self->full_ns > now_ns || HF_MUTANT (silence_saved) ? self->full_ns : now_ns;
    uint64_t lent_ns = self->lent_ns > now_ns ? self->lent_ns : now_ns;
    if (full_ns + one_ns <= now_ns + SPAN_NS || HF_MUTANT (rate_without_end)) {
        self->full_ns = full_ns + cost_ns;
        return true;
    }
    if (HF_MUTANT (debt_ends_credit))
        lent_ns = full_ns - SPAN_NS;
    if (!lent || HF_MUTANT (nothing_lent) || lent_ns + one_ns > now_ns + SPAN_NS)
        return false;
    self->lent_ns = s_bounded (lent_ns, cost_ns, now_ns);
    self->full_ns = s_bounded (full_ns, cost_ns, now_ns);
    return true;
}
