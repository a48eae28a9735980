//  When slow things are said (hf_slow.h).

#include "nodes/services/hf_slow.h"
#include "base/hf_mutant.h"

bool
hf_slow_look (hf_slow_t *self, uint64_t us, uint64_t limit_us, uint64_t now_us, hf_slow_t *told)
{
    if (us < limit_us)
        return false;
    self->count++;
    if (us > self->worst_us)
        self->worst_us = us;
    if (self->said_us != 0 && now_us < self->said_us + HF_SLOW_AGAIN_US &&
        !HF_MUTANT (slow_said_each_time))
        return false;
    *told = *self;
    *self = (hf_slow_t){.said_us = now_us};
    return true;
}

bool
hf_flaps_down (hf_flaps_t *self, uint64_t now_us)
{
    if (self->count == 0 || now_us >= self->since_us + HF_SLOW_AGAIN_US)
        *self = (hf_flaps_t){.since_us = now_us};
    self->count++;
    return HF_MUTANT (each_end_flaps) ? self->count >= HF_FLAPS : self->count == HF_FLAPS;
}

bool
hf_jumps_look (hf_jumps_t *self, uint64_t wall_us, uint64_t before_us, uint64_t now_us,
               int64_t *by_us)
{
    *by_us = 0;
    if (now_us - before_us > HF_JUMP_US / 10)
        return false;
    int64_t ahead_us = (int64_t)wall_us - (int64_t)now_us;
    hf_slow_t told;
    *by_us = self->known ? ahead_us - self->ahead_us : 0;
    //  A clock that is slewed drifts slowly: each look begins anew.
    if (!self->known || !HF_MUTANT (drift_is_a_jump))
        self->ahead_us = ahead_us;
    self->known = true;
    uint64_t jump_us = (uint64_t)(*by_us < 0 ? -*by_us : *by_us);
    return hf_slow_look (&self->slow, jump_us, HF_JUMP_US, now_us, &told);
}
