//  Checks of the state: every entry once more, through the slow and obvious model of
//  tests/unit/locks. P4 equal state, P5a tokens and holders, P6 sections and files, P8 queue
//  order, P9 and exactly once.

#include "tests/sim/sim_internal.h"

//  ---- what it caused ---------------------------------------------------------------------------

static const char *
s_promise (hf_outcome_type_t type)
{
    switch (type) {
    case HF_OUT_ANSWER:
        return "P5a and exactly once";
    case HF_OUT_GRANTED:
    case HF_OUT_MOVED:
        return "P8";
    case HF_OUT_SECTION:
        return "P6";
    default:
        return "P9";
    }
}

/*  What else a check needs of an outcome that agrees. */
/*  What a session lost by expiry is free again, by its second expiry: not before its delay. */
static void
s_reopened (sim_t *sim, uint64_t session)
{
    const watch_t *watch = &sim->watch;
    uint64_t delay_us = (uint64_t)watch->model->sessions[session].delay_ms * 1000;
    uint64_t least_us = delay_us * 1000000 / (1000000 + DRIFT_PPM_MAX);
    if (sim->now_us - watch->gone_us[session] < least_us)
        sim_fail (sim, SIM_BROKEN,
                  "P5: what session %" PRIu64 " held is free %" PRIu64 " ms after it expired, and "
                  "its delay is %u ms",
                  session, (sim->now_us - watch->gone_us[session]) / 1000,
                  watch->model->sessions[session].delay_ms);
}

static void
s_note (sim_t *sim, const hf_outcome_t *got, const model_event_t *event)
{
    watch_t *watch = &sim->watch;
    sim->result->totals.answers += got->type == HF_OUT_ANSWER;
    sim->result->totals.sections += got->type == HF_OUT_SECTION;
    if (got->type == HF_OUT_SECTION) {
        file_at_t *files = hf_array_add (&watch->files);
        files->index = got->index;
        memcpy (files->size, event->to, sizeof files->size);
        sim_told_section (watch, got);
    }
    if (event->expired)
        watch->gone_us[event->session] = sim->now_us;
    if (event->expired) {
        sim->result->totals.expiries++;
        sim_tell (sim, "session %" PRIu64 " expires", event->session);
        sim_belief_expired (sim, event->session, watch->model->sessions[event->session].ttl_ms);
    }
}

static void
s_compare (sim_t *sim, uint64_t index)
{
    const hf_outcomes_t *outcomes = &sim->watch.outcomes;
    const model_t *model = sim->watch.model;
    for (size_t i = 0; i < outcomes->count || i < model->events.count; i++) {
        const hf_outcome_t *got = i < outcomes->count ? &outcomes->list[i] : NULL;
        const model_event_t *expected = i < model->events.count ? &model->events.list[i] : NULL;
        if (!got || !expected || !model_agrees (model, expected, got)) {
            sim_fail (sim, SIM_BROKEN,
                      "%s: outcome %zu of entry %" PRIu64 " (type %d, session %" PRIu64
                      ") differs from the model's (type %d, session %" PRIu64 ")",
                      s_promise (expected ? expected->type : got->type), i, index,
                      got ? (int)got->type : 0, got ? got->session : 0,
                      expected ? (int)expected->type : 0, expected ? expected->session : 0);
            return;
        }
        s_note (sim, got, expected);
        //  By a request its answer would be next.
        bool released = i + 1 < outcomes->count && outcomes->list[i + 1].type == HF_OUT_ANSWER &&
                        outcomes->list[i + 1].index == got->index;
        if (got->type == HF_OUT_REOPENED && !released)
            s_reopened (sim, got->session);
    }
}

static void
s_note_holders (watch_t *watch)
{
    const model_t *model = watch->model;
    for (size_t lock = 0; lock < MODEL_LOCKS; lock++) {
        held_at_t now = {.index = model->commands};
        const model_claim_t *hold = model_holder (model, lock, 0);
        if (hold) {
            now.session = hold->session;
            now.token = hold->token;
        }
        size_t count = watch->holders[lock].count;
        if (count == 0 || watch->holders[lock].list[count - 1].token != now.token)
            *hf_array_add (&watch->holders[lock]) = now;
    }
}

void
sim_oracle_committed (sim_t *sim, uint64_t index, item_t item)
{
    watch_t *watch = &sim->watch;
    committed_t *committed = &watch->committed.list[index - 1];
    hf_outcomes_reset (&watch->outcomes);
    hf_entry_t entry = sim_entry (&item);
    hf_state_apply (watch->state, index, &entry, &watch->outcomes);
    model_apply (watch->model, &entry);
    s_compare (sim, index);
    s_note_holders (watch);
    committed->state_hash = hf_state_hash (watch->state);
    committed->view = model_look_state (watch->state);
    if (committed->view != model_look (watch->model))
        sim_fail (sim, SIM_BROKEN,
                  "P4: the state shows something else after entry %" PRIu64 " than the model",
                  index);
    size_t sections = watch->files.count;
    committed->section = sections > 0 ? watch->files.list[sections - 1].index : 0;
}

void
sim_oracle_state (sim_t *sim, node_t *node)
{
    const hf_state_t *state = hf_lock_service_state (node->lock);
    uint64_t index = hf_state_applied_index (state);
    if (index == 0)
        return;
    assert (index <= sim->watch.committed.count);
    const committed_t *committed = &sim->watch.committed.list[index - 1];
    if (hf_state_hash (state) != committed->state_hash ||
        (sim_random (sim, 4) == 0 && model_look_state (state) != committed->view))
        sim_fail (sim, SIM_BROKEN, "P4: the state of node %u differs after entry %" PRIu64,
                  node->id, index);
}

void
sim_oracle_file (sim_t *sim, const node_t *node, size_t file, size_t at, hf_span_t data)
{
    const model_text_t *text = &sim->watch.model->files[file];
    if (at + data.size > text->size || memcmp (text->bytes + at, data.at, data.size) != 0)
        sim_fail (sim, SIM_BROKEN,
                  "P6: file %s of node %u is not the released sections in order, at %zu",
                  sim_file_name (file), node->id, at);
}
