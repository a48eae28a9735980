//  Checks of what watchers are told: all that happened, in order, without gap or repeat, and
//  nothing before it is committed; of files, nothing before the node that tells it has it on its
//  disk.

#include "tests/sim/sim_internal.h"

//  ---- what happened --------------------------------------------------------------------

static uint64_t
s_hash (const hf_happened_t *it)
{
    const uint64_t numbers[] = {it->index, it->what, it->session, it->token, it->units, it->size};
    uint64_t hash = hf_hash (0, numbers, sizeof numbers);
    hash = hf_hash (hash, it->name.at, it->name.size);
    hash = hf_hash (hash, it->label.at, it->label.size);
    return hf_hash (hash, it->note.at, it->note.size);
}

static void
s_add (watch_t *watch, uint32_t what, const hf_happened_t *it)
{
    happened_t *happened = hf_array_add (&watch->happened[what]);
    assert (it->number == watch->happened[what].count);
    happened->hash = s_hash (it);
    happened->name = what == HF_WATCH_LOCKS ? sim_lock_name (model_lock (it->name))
                                            : sim_file_name (model_file (it->name));
}

void
sim_told_lock (void *watch, const hf_happened_t *happened)
{
    s_add (watch, HF_WATCH_LOCKS, happened);
}

void
sim_told_section (watch_t *watch, const hf_outcome_t *section)
{
    hf_scan_t scan = hf_scan_list (section->parts_list);
    hf_a_part_t part;
    for (uint32_t i = 0; i < section->parts_list.count && hf_a_part_get (&scan, &part); i++)
        s_add (watch, HF_WATCH_FILES,
               &(hf_happened_t){.number = section->number + i,
                                .index = section->index,
                                .what = HF_HAPPENED_APPENDED,
                                .name = part.file,
                                .session = section->session,
                                .size = part.data.size});
}

//  ---- what a node tells ----------------------------------------------------------------

void
sim_told_sent (sim_t *sim, const node_t *node, const hf_events_t *events)
{
    hf_scan_t scan = hf_scan_list (events->events);
    hf_happened_t it;
    for (uint32_t i = 0; i < events->events.count && hf_happened_get (&scan, &it); i++)
        if (it.what == HF_HAPPENED_APPENDED && it.index > node->section_durable)
            sim_fail (sim, SIM_BROKEN,
                      "P6: node %u tells of the section at %" PRIu64 ", and has %" PRIu64
                      " on its disk",
                      node->id, it.index, node->section_durable);
}

//  ---- what a watcher is told -------------------------------------------------------------

static uint64_t
s_last (const sim_t *sim, const watcher_t *watcher)
{
    return sim->watch.happened[watcher->what].count;
}

static bool
s_matches (const sim_t *sim, const watcher_t *watcher, uint64_t number)
{
    const char *name = sim->watch.happened[watcher->what].list[number - 1].name;
    return strncmp (name, watcher->prefix, strlen (watcher->prefix)) == 0;
}

/*  The first after TOLD, below LIMIT, that it must be told of; 0: none. */
static uint64_t
s_missed (const sim_t *sim, const watcher_t *watcher, uint64_t limit)
{
    for (uint64_t number = watcher->told + 1; number < limit; number++)
        if (s_matches (sim, watcher, number))
            return number;
    return 0;
}

static void
s_event (sim_t *sim, watcher_t *watcher, const hf_watch_event_t *event)
{
    const char *wrong = NULL;
    uint64_t number = event->number;
    hf_happened_t it = {.index = event->index,
                        .what = event->what,
                        .name = hf_span_text (event->name),
                        .session = event->session,
                        .token = event->token,
                        .units = event->units,
                        .size = event->size,
                        .label = hf_span_text (event->label),
                        .note = hf_span_text (event->note)};
    if (number > s_last (sim, watcher))
        wrong = "it has not happened";
    else if (number <= watcher->told)
        wrong = "it was told before";
    else if (s_missed (sim, watcher, number) > 0)
        wrong = "not of one before it";
    else if (!s_matches (sim, watcher, number) ||
             s_hash (&it) != sim->watch.happened[watcher->what].list[number - 1].hash)
        wrong = "something else happened";
    if (wrong)
        sim_fail (sim, SIM_BROKEN,
                  "P10: a watcher of '%s' that was told all up to %" PRIu64 " is told of %" PRIu64
                  ": %s",
                  watcher->prefix, watcher->told, number, wrong);
    watcher->told = number;
    sim->result->totals.told++;
}

static void
s_gap (sim_t *sim, watcher_t *watcher, uint64_t number)
{
    sim_tell (sim, "a watcher of '%s' has a gap: %" PRIu64 " to %" PRIu64, watcher->prefix,
              watcher->told, number);
    if (number <= watcher->told || number > s_last (sim, watcher))
        sim_fail (sim, SIM_BROKEN,
                  "P10: a gap from %" PRIu64 " to %" PRIu64 ", and %" PRIu64 " have happened",
                  watcher->told, number, s_last (sim, watcher));
    watcher->told = number;
    sim->result->totals.gaps++;
}

static void
s_opened (sim_t *sim, watcher_t *watcher, const hf_op_t *op)
{
    hf_status_t status = op->result.status;
    watcher->state = status == HF_OK ? WATCHER_OPEN : WATCHER_NONE;
    watcher->core = op->watch;
    if (status == HF_OK && watcher->asked != HF_WATCH_NOW && watcher->asked != op->result.total)
        sim_fail (sim, SIM_BROKEN, "P10: a watch from %" PRIu64 " begins at %" PRIu64,
                  watcher->asked, op->result.total);
    else if (status == HF_OK && op->result.total > s_last (sim, watcher))
        sim_fail (sim, SIM_BROKEN, "P10: a watch begins at %" PRIu64 ", which has not happened",
                  op->result.total);
    else if (status != HF_OK && status != HF_TIMEOUT && status != HF_UNREACHABLE)
        sim_fail (sim, SIM_BROKEN, "P11: WATCH was answered %s", hf_status_name (status));
    if (status == HF_OK)
        watcher->told = op->result.total;
}

bool
sim_told_result (sim_t *sim, const hf_op_t *op)
{
    watcher_t *watcher = op->arg;
    hf_op_events_t events = {.at = 0};
    if (op->kind == HF_OP_WATCH)
        s_opened (sim, watcher, op);
    else if (op->kind == HF_OP_UNWATCH)
        watcher->state = WATCHER_NONE;
    else if (op->kind != HF_OP_HAPPENED)
        return false;
    while (op->kind == HF_OP_HAPPENED && !sim->failed && hf_op_next_event (op, &events)) {
        const hf_watch_event_t *event = &events.event;
        if (event->what == HF_WATCH_ENDED)
            sim_fail (sim, SIM_BROKEN, "P11: a watch ends: %s", hf_status_name (event->status));
        else if (event->what == HF_WATCH_GAP)
            s_gap (sim, watcher, event->number);
        else
            s_event (sim, watcher, event);
    }
    return true;
}

//  ---- what watchers want -------------------------------------------------------------------

/*  From now on, from where it was, from the begin, or from anywhere. */
static uint64_t
s_after (sim_t *sim, const watcher_t *watcher)
{
    switch (sim_random (sim, 4)) {
    case 0:
        return HF_WATCH_NOW;
    case 1:
        return sim_random (sim, s_last (sim, watcher) + 1);
    default:
        return watcher->told;
    }
}

static void
s_open (sim_t *sim, client_t *client, watcher_t *watcher, uint64_t now_us)
{
    if (watcher->what == 0 || sim_random (sim, 4) == 0) {
        watcher->told = 0;
        watcher->what = 1 + (uint32_t)sim_random (sim, 2);
        size_t lock = sim_random (sim, sim->odds.locks);
        const char *name = watcher->what == HF_WATCH_FILES
                               ? sim_file_name (sim_random (sim, MODEL_FILES))
                           : lock == 3 ? "gamma/"
                                       : sim_lock_name (lock);
        watcher->prefix = sim_random (sim, 2) == 0 ? "" : name;
    }
    watcher->asked = s_after (sim, watcher);
    watcher->state = WATCHER_OPENING;
    hf_op_t *op = hf_op_watch (watcher->what, watcher->prefix, watcher->asked);
    op->arg = watcher;
    op->limit_us = now_us + 100000 + sim_random (sim, 10000000);
    hf_client_core_submit (client->core, op, now_us);
}

void
sim_told_people (sim_t *sim, client_t *client, uint64_t now_us)
{
    for (size_t i = 0; i < sim->odds.watchers; i++) {
        watcher_t *watcher = &client->watchers[i];
        bool wants = sim_random (sim, watcher->state == WATCHER_NONE ? 20 : 500) == 0;
        if (!wants || sim_resting (sim))
            continue;
        if (watcher->state == WATCHER_NONE)
            s_open (sim, client, watcher, now_us);
        else if (watcher->state == WATCHER_OPEN) {
            hf_op_t *op = hf_op_unwatch (watcher->core);
            op->arg = watcher;
            hf_client_core_submit (client->core, op, now_us);
        }
    }
}

bool
sim_told_all (sim_t *sim)
{
    for (uint32_t id = 1; id <= sim->odds.clients; id++)
        for (size_t i = 0; i < WATCHERS_MAX; i++) {
            const watcher_t *watcher = &sim->clients[id].watchers[i];
            if (watcher->state == WATCHER_OPENING ||
                (watcher->state == WATCHER_OPEN &&
                 s_missed (sim, watcher, s_last (sim, watcher) + 1) > 0))
                return false;
        }
    return true;
}
