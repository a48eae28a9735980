//  Checks of the state: every entry once more, through the slow and obvious model of
//  tests/unit/state. P4 equal state, P5a tokens and holders, P6 sections and files, P8 queue
//  order, P9 and exactly once.

#include "tests/sim/sim_internal.h"

//  ---- the entry, through the model ---------------------------------------------------------

static char s_text[256];

static bool
s_append (hf_scan_t *scan, model_request_t *request, hf_span_t *lock)
{
    hf_append_t append;
    if (!hf_append_get (scan, &append) || append.data.size >= sizeof s_text)
        return false;
    *lock = append.lock;
    memcpy (s_text, append.data.at, append.data.size);
    s_text[append.data.size] = 0;
    *request = (model_request_t){.verb = MODEL_APPEND,
                                 .seq = append.seq,
                                 .token = append.token,
                                 .owner = append.owner,
                                 .file = sim_file_number (append.file),
                                 .text = s_text};
    return true;
}

static bool
s_request (hf_scan_t *scan, model_request_t *request)
{
    hf_acquire_t acquire;
    hf_release_t release;
    hf_cancel_t cancel;
    hf_abandon_t abandon;
    hf_span_t lock = {0};
    bool read = false;
    uint32_t kind = hf_scan_kind (scan);
    if (kind == HF_KIND_ACQUIRE && (read = hf_acquire_get (scan, &acquire))) {
        lock = acquire.lock;
        *request =
            (model_request_t){.verb = MODEL_ACQUIRE, .seq = acquire.seq, .wait = acquire.wait};
    } else if (kind == HF_KIND_RELEASE && (read = hf_release_get (scan, &release))) {
        lock = release.lock;
        *request = (model_request_t){.verb = MODEL_RELEASE,
                                     .seq = release.seq,
                                     .token = release.token,
                                     .owner = release.owner};
    } else if (kind == HF_KIND_CANCEL && (read = hf_cancel_get (scan, &cancel))) {
        lock = cancel.lock;
        *request = (model_request_t){
            .verb = MODEL_CANCEL, .seq = cancel.seq, .token = cancel.token, .owner = cancel.owner};
    } else if (kind == HF_KIND_ABANDON && (read = hf_abandon_get (scan, &abandon))) {
        lock = abandon.lock;
        *request = (model_request_t){.verb = MODEL_ABANDON, .seq = abandon.seq};
    } else if (kind == HF_KIND_APPEND)
        read = s_append (scan, request, &lock);
    request->lock = sim_lock_number (lock);
    return read;
}

static void
s_requests (sim_t *sim, const hf_cmd_requests_t *command)
{
    model_t *model = sim->watch.model;
    model_floor (model, command->session, command->floor);
    hf_scan_t scan = hf_scan_list (command->requests);
    for (uint32_t i = 0; i < command->requests.count; i++) {
        model_request_t request;
        bool read = s_request (&scan, &request);
        assert (read);
        model_ask (model, command->session, &request);
    }
}

static void
s_expire (sim_t *sim, const hf_cmd_expire_t *expire, uint64_t term)
{
    model_t *model = sim->watch.model;
    uint64_t session = expire->session;
    bool alive = session < MODEL_SESSIONS && model->sessions[session].alive;
    bool same = expire->term == term;
    if (alive && same) {
        sim->result->totals.expiries++;
        sim_tell (sim, "session %" PRIu64 " expires", session);
        sim_belief_expired (sim, session, model->sessions[session].ttl_ms);
    }
    model_expire (model, session, same);
}

static void
s_command (sim_t *sim, hf_scan_t *scan, uint64_t term)
{
    model_t *model = sim->watch.model;
    union {
        hf_cmd_open_t open;
        hf_cmd_close_t close;
        hf_cmd_requests_t requests;
        hf_cmd_expire_t expire;
    } command;
    uint32_t kind = hf_scan_kind (scan);
    bool read = false;
    if (kind == HF_KIND_CMD_OPEN && (read = hf_cmd_open_get (scan, &command.open))) {
        uint64_t nonce;
        memcpy (&nonce, command.open.nonce.at, sizeof nonce);
        model_open (model, nonce, command.open.ttl_ms);
    } else if (kind == HF_KIND_CMD_CLOSE && (read = hf_cmd_close_get (scan, &command.close)))
        model_close (model, command.close.session);
    else if (kind == HF_KIND_CMD_REQUESTS && (read = hf_cmd_requests_get (scan, &command.requests)))
        s_requests (sim, &command.requests);
    else if (kind == HF_KIND_CMD_EXPIRE && (read = hf_cmd_expire_get (scan, &command.expire)))
        s_expire (sim, &command.expire, term);
    assert (read);
}

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

static bool
s_equal (const hf_outcome_t *got, const model_event_t *expected)
{
    const hf_answer_t *a = &got->answer;
    const hf_answer_t *b = &expected->answer;
    bool named = got->type == HF_OUT_GRANTED || got->type == HF_OUT_MOVED;
    if (named && sim_lock_number (got->lock) != expected->lock)
        return false;
    if (got->type == HF_OUT_OPENED && got->status != HF_OK)
        return got->status == expected->status;
    return got->type == expected->type && got->session == expected->session &&
           got->status == expected->status && a->seq == b->seq && a->status == b->status &&
           a->token == b->token && a->position == b->position && a->index == b->index;
}

/*  The parts of a section are what the model's files grew by, in order. */
static void
s_check_section (sim_t *sim, const hf_outcome_t *out)
{
    watch_t *watch = &sim->watch;
    sim->result->totals.sections++;
    hf_scan_t scan = hf_scan_list (out->parts_list);
    for (uint32_t i = 0; i < out->parts_list.count; i++) {
        hf_a_part_t part;
        bool read = hf_a_part_get (&scan, &part);
        size_t number = sim_file_number (part.file);
        assert (read && number < MODEL_FILES);
        const model_text_t *text = &watch->model->files[number];
        size_t *at = &watch->file_checked[number];
        if (*at + part.data.size > text->size ||
            memcmp (text->bytes + *at, part.data.at, part.data.size) != 0)
            sim_fail (sim, SIM_BROKEN, "P6: a section differs from what was appended in it");
        *at += part.data.size;
    }
    file_at_t *files = hf_array_add (&watch->files);
    files->index = out->index;
    memcpy (files->size, watch->file_checked, sizeof watch->file_checked);
}

static void
s_compare (sim_t *sim, uint64_t index)
{
    const hf_outcomes_t *outcomes = &sim->watch.outcomes;
    const model_t *model = sim->watch.model;
    for (size_t i = 0; i < outcomes->count || i < model->events_count; i++) {
        const hf_outcome_t *got = i < outcomes->count ? &outcomes->list[i] : NULL;
        const model_event_t *expected = i < model->events_count ? &model->events[i] : NULL;
        if (!got || !expected || !s_equal (got, expected)) {
            sim_fail (sim, SIM_BROKEN,
                      "%s: outcome %zu of entry %" PRIu64 " (type %d, session %" PRIu64
                      ") differs from the model's (type %d, session %" PRIu64 ")",
                      s_promise (expected ? expected->type : got->type), i, index,
                      got ? (int)got->type : 0, got ? got->session : 0,
                      expected ? (int)expected->type : 0, expected ? expected->session : 0);
            return;
        }
        if (got->type == HF_OUT_SECTION)
            s_check_section (sim, got);
        sim->result->totals.answers += got->type == HF_OUT_ANSWER;
    }
    for (size_t file = 0; file < MODEL_FILES; file++)
        if (sim->watch.file_checked[file] != model->files[file].size)
            sim_fail (sim, SIM_BROKEN, "P6: a released section did not reach file %s",
                      sim_file_name (file));
}

static void
s_note_holders (watch_t *watch)
{
    const model_t *model = watch->model;
    for (size_t lock = 0; lock < MODEL_LOCKS; lock++) {
        held_at_t now = {.index = model->commands};
        if (model->locks[lock].line_count > 0) {
            now.session = model->locks[lock].line[0].session;
            now.token = model->locks[lock].line[0].token;
        }
        size_t count = watch->holders[lock].count;
        if (count == 0 || watch->holders[lock].list[count - 1].token != now.token)
            *hf_array_add (&watch->holders[lock]) = now;
    }
}

static void
s_model (sim_t *sim, item_t item)
{
    hf_list_t commands;
    model_forget_events (sim->watch.model);
    if (item.type != HF_ENTRY_COMMANDS ||
        hf_payload_get (sim_entry (&item).payload, &commands) != HF_OK)
        return;
    hf_scan_t scan = hf_scan_list (commands);
    for (uint32_t i = 0; i < commands.count; i++)
        s_command (sim, &scan, item.term);
}

void
sim_oracle_committed (sim_t *sim, uint64_t index, item_t item)
{
    watch_t *watch = &sim->watch;
    committed_t *committed = &watch->committed.list[index - 1];
    hf_outcomes_reset (&watch->outcomes);
    hf_entry_t entry = sim_entry (&item);
    hf_state_apply (watch->state, index, &entry, &watch->outcomes);
    s_model (sim, item);
    s_compare (sim, index);
    s_note_holders (watch);
    committed->state_hash = hf_state_hash (watch->state);
    committed->view = sim_look_state (watch->state);
    if (committed->view != sim_look_model (watch->model))
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
        (sim_random (sim, 4) == 0 && sim_look_state (state) != committed->view))
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
