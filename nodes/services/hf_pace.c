//  When the leader pauses between proposals, and for how long.

#include "nodes/services/hf_pace.h"
#include "base/hf_mutant.h"

#define LEAST_SYNC_US 500 //  a pause that is much shorter does nothing

void
hf_pace_clear (hf_pace_t *self, uint64_t now_us)
{
    self->slowed_us = hf_pace_slowed_us (self, now_us);
    self->step = self->node = 0;
    self->next_us = self->vain_us = 0;
}

uint64_t
hf_pace_slowed_us (const hf_pace_t *self, uint64_t now_us)
{
    return self->slowed_us + (self->step > 0 ? now_us - self->since_us : 0);
}

/*  At the last step: whether it has come no nearer for a long time. */
static bool
s_is_vain (hf_pace_t *self, uint64_t now_us)
{
    if (self->vain_us != 0 && now_us - self->vain_us < HF_PACE_VAIN_US)
        return false;
    bool nearer = self->vain_us == 0 || self->distance < self->vain_distance;
    self->vain_us = now_us;
    self->vain_distance = self->distance;
    return !nearer && !HF_MUTANT (waits_for_ever);
}

/*  It hardly comes nearer: a longer pause. */
static hf_pace_news_t
s_slow (hf_pace_t *self, uint64_t now_us)
{
    if (self->step < HF_PACE_STEPS) {
        if (self->step++ > 0)
            return HF_PACE_NOTHING;
        self->since_us = now_us;
        return HF_PACE_SLOWS;
    }
    if (!s_is_vain (self, now_us))
        return HF_PACE_NOTHING;
    self->rest_us = now_us + HF_PACE_REST_US;
    hf_pace_clear (self, now_us);
    return HF_PACE_GIVES_UP;
}

/*  It is a moment behind, as everybody is. */
static hf_pace_news_t
s_hurry (hf_pace_t *self, uint64_t now_us)
{
    if (self->step > 1) {
        self->step--;
        return HF_PACE_NOTHING;
    }
    hf_pace_clear (self, now_us);
    return HF_PACE_ENDS;
}

hf_pace_news_t
hf_pace_look (hf_pace_t *self, uint32_t node, uint64_t index, uint64_t commit, uint64_t now_us)
{
    if (now_us < self->look_us || HF_MUTANT (no_slowing))
        return HF_PACE_NOTHING;
    self->look_us = now_us + HF_PACE_LOOK_US;
    uint64_t distance = node != 0 && index < commit ? commit - index : 0;
    uint64_t lately = commit > self->commit ? commit - self->commit : 0;
    uint64_t before = self->node == node ? self->distance : 0;
    bool slowed = self->step > 0;
    self->distance = distance;
    self->commit = commit;
    if (distance == 0 || now_us < self->rest_us || (!slowed && distance <= lately)) {
        hf_pace_clear (self, now_us);
        return slowed ? HF_PACE_ENDS : HF_PACE_NOTHING;
    }
    self->node = node;
    if (distance <= lately)
        return distance <= lately / 4 ? s_hurry (self, now_us) : HF_PACE_NOTHING;
    if (before == 0)
        return HF_PACE_NOTHING; //  a second look tells
    if (distance > before - before / 16)
        return s_slow (self, now_us);
    self->vain_us = 0;
    return HF_PACE_NOTHING;
}

void
hf_pace_emptied (hf_pace_t *self, uint64_t now_us)
{
    self->emptied_us = now_us;
}

/*  When all that waits is due. */
static uint64_t
s_all_us (const hf_pace_t *self)
{
    return HF_MUTANT (waits_in_line) ? UINT64_MAX : self->emptied_us + HF_PACE_WAIT_US;
}

bool
hf_pace_in_parts (const hf_pace_t *self, uint64_t now_us)
{
    return self->step > 0 && now_us < s_all_us (self);
}

uint64_t
hf_pace_due_us (const hf_pace_t *self)
{
    return self->next_us < s_all_us (self) ? self->next_us : s_all_us (self);
}

void
hf_pace_proposed (hf_pace_t *self, uint64_t sync_us, uint64_t now_us)
{
    uint64_t unit_us = (sync_us > LEAST_SYNC_US ? sync_us : LEAST_SYNC_US) / 4;
    self->next_us = self->step > 0 ? now_us + self->step * unit_us : 0;
}
