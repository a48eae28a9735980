//  The next fault, drawn from a seed.

#include "tests/cluster/torture/plan.h"
#include <assert.h>

static const struct {
    const char *text;
    uint32_t weight;
} s_kind[HF_FAULT_KINDS] = {
#define S_ROW(name, text, weight) {text, weight},
    HF_FAULTS (S_ROW)
#undef S_ROW
};

/*  Shortest and longest, in milliseconds. */
static const struct {
    uint32_t from, to;
} s_duration[HF_FAULT_KINDS] = {
    [HF_FAULT_KILL] = {50, 5000},         [HF_FAULT_STOP] = {200, 5000},
    [HF_FAULT_CUT_WAY] = {200, 8000},     [HF_FAULT_CUT_PAIR] = {200, 8000},
    [HF_FAULT_ISOLATE] = {200, 8000},     [HF_FAULT_LOSS] = {1000, 8000},
    [HF_FAULT_DELAY] = {1000, 8000},      [HF_FAULT_FULL] = {2000, 6000},
    [HF_FAULT_MAJORITY] = {500, 4000},    [HF_FAULT_ALL] = {50, 2000},
    [HF_FAULT_WIPE] = {100, 3000},        [HF_FAULT_CLIENT_KILL] = {100, 5000},
    [HF_FAULT_CLIENT_STOP] = {500, 8000}, [HF_FAULT_CLIENT_CUT] = {200, 8000},
};

const char *
hf_fault_text (hf_fault_kind_t kind)
{
    assert (kind < HF_FAULT_KINDS);
    return s_kind[kind].text;
}

hf_fault_t
hf_plan_next (hf_plan_t *self)
{
    assert (self->pause_ms >= 10);
    uint32_t weights = 0;
    for (unsigned i = 0; i < HF_FAULT_KINDS; i++)
        weights += s_kind[i].weight;
    uint32_t draw = hf_random_u32 (&self->seed, weights);
    hf_fault_t fault = {0};
    while (draw >= s_kind[fault.kind].weight)
        draw -= s_kind[fault.kind++].weight;
    assert (fault.kind < HF_FAULT_KINDS);
    fault.after_ms = self->pause_ms / 5 + hf_random_u32 (&self->seed, self->pause_ms * 8 / 5);
    fault.leader = hf_random_u32 (&self->seed, 2) == 0;
    fault.node = hf_random_u32 (&self->seed, 1 << 20);
    fault.other = hf_random_u32 (&self->seed, 1 << 20);
    fault.client = hf_random_u32 (&self->seed, 1 << 20);
    fault.share = hf_random_u32 (&self->seed, 1000);
    fault.way = hf_random_u32 (&self->seed, 3);
    fault.loss_percent = 1 + hf_random_u32 (&self->seed, 30);
    fault.delay_ms = 1 + hf_random_u32 (&self->seed, 200);
    return fault;
}

uint32_t
hf_fault_duration_ms (const hf_fault_t *fault)
{
    //  Short ones more often than long ones.
    uint64_t share = (uint64_t)fault->share * fault->share;
    uint32_t from = s_duration[fault->kind].from, to = s_duration[fault->kind].to;
    return from + (uint32_t)((to - from) * share / 1000000);
}
