//  The last hour of a node: a ring of samples.

#include "nodes/http/hf_history.h"
#include "base/hf_alloc.h"
#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#define STEP_US   (HF_HISTORY_STEP_S * 1000000ULL)
#define TOKEN_MAX 1000000000ULL //  granted in an hour at most: a restore leaves out more

typedef enum series {
    TOKEN,
    WAITING,
    HOLDS,
    LOCKS,
    SESSIONS,
    SYNC_MS,
    LEADER,
    TERM,
    SERIES
} series_t;

//  TOKEN is shown as what was granted.
static const struct {
    const char *fact, *name;
} s_series[SERIES] = {
    [TOKEN] = {"last_token", "grants"},    [WAITING] = {"waiting", "waiting"},
    [HOLDS] = {"holds", "holds"},          [LOCKS] = {"locks", "locks"},
    [SESSIONS] = {"sessions", "sessions"}, [SYNC_MS] = {"sync_ms", "sync_ms"},
    [LEADER] = {"leader", "leader"},       [TERM] = {"term", "term"},
};

typedef struct sample {
    uint64_t step; //  counted from 1; 0: none
    uint64_t value[SERIES];
} sample_t;

struct hf_history {
    sample_t ring[HF_HISTORY_STEPS];
    uint64_t first, last; //  steps; 0: no sample yet
};

hf_history_t *
hf_history_new (void)
{
    return hf_alloc (sizeof (hf_history_t));
}

void
hf_history_destroy (hf_history_t **self_p)
{
    assert (self_p);
    free (*self_p);
    *self_p = NULL;
}

void
hf_history_add (hf_history_t *self, uint64_t now_us, const json_t *status)
{
    uint64_t step = now_us / STEP_US + 1;
    if (step <= self->last)
        return;
    sample_t *sample = &self->ring[step % HF_HISTORY_STEPS];
    sample->step = step;
    for (int i = 0; i < SERIES; i++)
        sample->value[i] =
            (uint64_t)json_integer_value (json_object_get (status, s_series[i].fact));
    if (self->first == 0)
        self->first = step;
    self->last = step;
}

/*  NULL: a gap. */
static const sample_t *
s_at (const hf_history_t *self, uint64_t step)
{
    const sample_t *sample = &self->ring[step % HF_HISTORY_STEPS];
    return step > 0 && sample->step == step ? sample : NULL;
}

/*  What was granted in the step of NOW: its share of what was since BEFORE. */
static json_t *
s_grants (const sample_t *before, const sample_t *now)
{
    if (!before || now->value[TOKEN] < before->value[TOKEN] ||
        now->value[TOKEN] - before->value[TOKEN] > TOKEN_MAX)
        return json_null ();
    uint64_t grants = now->value[TOKEN] - before->value[TOKEN];
    return json_integer ((json_int_t)(grants / (now->step - before->step)));
}

json_t *
hf_history_json (const hf_history_t *self)
{
    json_t *root = json_object (), *list[SERIES];
    json_object_set_new (root, "step_s", json_integer (HF_HISTORY_STEP_S));
    for (int i = 0; i < SERIES; i++) {
        list[i] = json_array ();
        json_object_set_new (root, s_series[i].name, list[i]);
    }
    uint64_t step = self->first;
    if (self->last >= HF_HISTORY_STEPS && step <= self->last - HF_HISTORY_STEPS)
        step = self->last - HF_HISTORY_STEPS + 1;
    const sample_t *before = NULL;
    for (; step > 0 && step <= self->last; step++) {
        const sample_t *now = s_at (self, step);
        for (int i = 0; i < SERIES; i++)
            json_array_append_new (list[i], !now ? json_null ()
                                            : i == TOKEN
                                                ? s_grants (before, now)
                                                : json_integer ((json_int_t)now->value[i]));
        before = now ? now : before;
    }
    return root;
}
