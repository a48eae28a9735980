//  A run: events in the order of virtual time; chance, clocks and other small things.

#include "tests/sim/sim_internal.h"
#include "base/hf_hash.h"
#include <stdarg.h>
#include <stdio.h>

//  ---- chance ----------------------------------------------------------------------

uint64_t
sim_random (sim_t *sim, uint64_t limit)
{
    sim->random += 0x9e3779b97f4a7c15U;
    uint64_t mixed = sim->random;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebU;
    mixed ^= mixed >> 31;
    return limit > 0 ? mixed % limit : 0;
}

bool
sim_odds (sim_t *sim, uint32_t permille)
{
    return permille > 0 && sim_random (sim, 1000) < permille;
}

//  ---- telling ---------------------------------------------------------------------

void
sim_fail (sim_t *sim, sim_verdict_t verdict, const char *format, ...)
{
    if (sim->failed)
        return;
    sim->failed = true;
    sim->result->verdict = verdict;
    char *text = sim->result->text;
    size_t size = sizeof sim->result->text;
    va_list args;
    va_start (args, format);
    int used = vsnprintf (text, size, format, args);
    va_end (args);
    if (used > 0 && (size_t)used < size)
        snprintf (text + used, size - (size_t)used, " (at %.6f s)", (double)sim->now_us / 1e6);
    sim_tell (sim, "FAILED: %s", text);
}

void
sim_tell (const sim_t *sim, const char *format, ...)
{
    if (!sim->trace)
        return;
    printf ("%11.6f ", (double)sim->now_us / 1e6);
    va_list args;
    va_start (args, format);
    vprintf (format, args);
    va_end (args);
    printf ("\n");
}

//  ---- memory ------------------------------------------------------------------------

const blob_t *
sim_blob (sim_t *sim, const void *bytes, size_t size)
{
    blob_t *blob = malloc (sizeof *blob + size); //  to the byte: a sanitizer sees a read beyond
    assert (blob != NULL);
    blob->next = sim->blobs;
    blob->size = (uint32_t)size;
    blob->hash = hf_hash (size, bytes, size);
    if (size > 0)
        memcpy (blob->bytes, bytes, size);
    sim->blobs = blob;
    return blob;
}

void *
sim_grow (void *list, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return list;
    *room = *room > 0 ? 2 * *room : 32;
    list = realloc (list, *room * size);
    assert (list != NULL);
    return list;
}

void
sim_keep (events_t *events, const event_t *event)
{
    events->list = sim_grow (events->list, events->count, &events->room, sizeof *events->list);
    events->list[events->count++] = *event;
}

//  ---- names -------------------------------------------------------------------------

static const char *const s_locks[MODEL_LOCKS] = {"alpha", "b", "gamma/1", "gamma/2", "δέλτα"};
static const char *const s_files[MODEL_FILES] = {"log", "log.2", "päper"};

const char *
sim_lock_name (size_t lock)
{
    assert (lock < MODEL_LOCKS);
    return s_locks[lock];
}

const char *
sim_file_name (size_t file)
{
    assert (file < MODEL_FILES);
    return s_files[file];
}

size_t
sim_lock_number (hf_span_t name)
{
    size_t lock = 0;
    while (lock < MODEL_LOCKS && !hf_span_equal (name, hf_span_text (s_locks[lock])))
        lock++;
    return lock;
}

size_t
sim_file_number (hf_span_t name)
{
    size_t file = 0;
    while (file < MODEL_FILES && !hf_span_equal (name, hf_span_text (s_files[file])))
        file++;
    return file;
}

//  ---- clocks ------------------------------------------------------------------------

void
sim_clock_start (sim_t *sim, sim_clock_t *clock)
{
    clock->local_us = 1000000 + sim_random (sim, 1000000000);
    clock->at_us = sim->now_us;
    clock->drift_ppm = (int64_t)sim_random (sim, 2 * DRIFT_PPM_MAX + 1) - DRIFT_PPM_MAX;
    clock->stopped = false;
}

uint64_t
sim_local (const sim_t *sim, const sim_clock_t *clock)
{
    uint64_t passed_us = clock->stopped ? 0 : sim->now_us - clock->at_us;
    return clock->local_us + passed_us * (uint64_t)(1000000 + clock->drift_ppm) / 1000000;
}

uint64_t
sim_until (const sim_t *sim, const sim_clock_t *clock, uint64_t local_us)
{
    uint64_t now_us = sim_local (sim, clock);
    if (local_us <= now_us)
        return 0;
    return (local_us - now_us) * 1000000 / (uint64_t)(1000000 + clock->drift_ppm) + 2;
}

void
sim_clock_stop (sim_t *sim, sim_clock_t *clock, bool stop)
{
    clock->local_us = sim_local (sim, clock);
    clock->at_us = sim->now_us;
    clock->stopped = stop;
}

//  ---- events: a heap by time ---------------------------------------------------------

static bool
s_before (const event_t *a, const event_t *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

void
sim_post (sim_t *sim, uint64_t after_us, event_t event)
{
    event.at_us = sim->now_us + after_us;
    event.order = sim->order++;
    sim->heap = sim_grow (sim->heap, sim->heap_count, &sim->heap_room, sizeof *sim->heap);
    size_t at = sim->heap_count++;
    while (at > 0 && s_before (&event, &sim->heap[(at - 1) / 2])) {
        sim->heap[at] = sim->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    sim->heap[at] = event;
}

static event_t
s_take (sim_t *sim)
{
    event_t top = sim->heap[0];
    event_t last = sim->heap[--sim->heap_count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child + 1 < sim->heap_count && s_before (&sim->heap[child + 1], &sim->heap[child]))
            child++;
        if (child >= sim->heap_count || s_before (&last, &sim->heap[child]))
            break;
        sim->heap[at] = sim->heap[child];
        at = child;
    }
    sim->heap[at] = last;
    return top;
}

//  ---- what happens --------------------------------------------------------------------

static void
s_to_client (sim_t *sim, const event_t *event)
{
    client_t *client = &sim->clients[event->to];
    if (event->type == EV_CLIENT)
        sim_client_tick (sim, client);
    else if (client->life != event->life || client->dead_until_us > sim->now_us)
        return;
    else if (client->stalled_until_us > sim->now_us)
        sim_keep (&client->inbox, event);
    else
        sim_talk_reply (sim, client, event);
}

static void
s_link (sim_t *sim, node_t *node, const event_t *event)
{
    const node_t *peer = &sim->nodes[event->from];
    if (event->type == EV_CONNECTION) {
        sim_keep (&node->mesh, event);
        return;
    }
    //  As things are now.
    event_t now = *event;
    now.a = peer->core != NULL && !sim->cut[node->id][peer->id] && !sim->cut[peer->id][node->id];
    sim_keep (&node->mesh, &now);
}

static void
s_to_node (sim_t *sim, const event_t *event)
{
    node_t *node = &sim->nodes[event->to];
    if (event->type == EV_START) {
        if (node->core == NULL && event->life == node->life)
            sim_start (sim, node);
        return;
    }
    if (node->core == NULL || (event->life != 0 && event->life != node->life))
        return;
    switch (event->type) {
    case EV_LINK:
    case EV_CONNECTION:
        s_link (sim, node, event);
        sim_election_turn (sim, node);
        break;
    case EV_PEER:
        if (sim->cut[event->from][event->to])
            return;
        sim_keep (&node->mesh, event);
        sim_election_turn (sim, node);
        break;
    case EV_FROM_LOCK:
        sim_keep (&node->pipe, event);
        sim_election_turn (sim, node);
        break;
    case EV_TURN_ELECTION:
        if (node->turn_at_us == event->at_us)
            node->turn_at_us = UINT64_MAX;
        sim_election_turn (sim, node);
        break;
    case EV_SYNCED:
        sim_election_synced (sim, node);
        break;
    case EV_FILES_SYNCED:
        sim_files_synced (sim, node);
        break;
    case EV_ROWS_SYNCED:
        sim_rows_synced (sim, node);
        break;
    case EV_PULL:
        sim_pull_tick (sim, node);
        break;
    case EV_READY:
        sim_pull_ready (sim, node);
        break;
    case EV_FROM_ELECTION:
        sim_keep (&node->said, event);
        sim_lock_turn (sim, node);
        break;
    case EV_FROM_CLIENT:
        if (sim->client_cut[event->from][event->to])
            return;
        sim_keep (&node->door, event);
        sim_lock_turn (sim, node);
        break;
    default:
        assert (event->type == EV_TURN_LOCK);
        if (node->lock_turn_at_us == event->at_us)
            node->lock_turn_at_us = UINT64_MAX;
        sim_lock_turn (sim, node);
        break;
    }
}

bool
sim_next (sim_t *sim, uint64_t until_us)
{
    if (sim->failed || sim->heap_count == 0 || sim->heap[0].at_us > until_us)
        return false;
    event_t event = s_take (sim);
    assert (event.at_us >= sim->now_us);
    sim->now_us = event.at_us;
    uint64_t hash = hf_hash_u64 (sim->result->hash, event.at_us << 8 | event.type);
    hash = hf_hash_u64 (hash, event.kind << 16 | event.to << 8 | event.from);
    hash = hf_hash_u64 (hash, event.a ^ event.b << 32);
    //  Between the halves of a node entries travel as pointers, which are not the same in every
    //  run.
    bool plain = event.bytes && event.type != EV_FROM_ELECTION;
    sim->result->hash = hf_hash_u64 (hash, plain ? event.bytes->hash : 0);
    sim->result->totals.events++;
    if (event.type == EV_FAULT)
        sim_fault (sim);
    else if (event.type == EV_CLIENT || event.type == EV_REPLY)
        s_to_client (sim, &event);
    else
        s_to_node (sim, &event);
    return true;
}

//  ---- a run --------------------------------------------------------------------------

static sim_t *
s_new (uint64_t seed, bool trace, sim_result_t *result)
{
    sim_t *sim = calloc (1, sizeof *sim);
    assert (sim != NULL);
    *result = (sim_result_t){.verdict = SIM_GOOD};
    sim->seed = seed;
    sim->random = seed * 0xd1342543de82ef95U + 1;
    sim->now_us = 1000000;
    sim->trace = trace;
    sim->result = result;
    sim_odds_pick (sim);
    sim_watch_new (&sim->watch);
    for (uint32_t id = 1; id <= sim->odds.members; id++) {
        sim->nodes[id].id = id;
        sim->nodes[id].life = 1;
        sim_clock_start (sim, &sim->nodes[id].clock);
        sim_incarnation (sim, &sim->nodes[id]);
    }
    return sim;
}

static void
s_free_node (node_t *node)
{
    sim_lock_stop (node);
    hf_core_destroy (&node->core);
    hf_effects_done (&node->effects);
    free (node->written.items);
    free (node->durable.items);
    for (size_t i = 0; i < node->lost_count; i++)
        free (node->lost[i].items);
    free (node->lost);
    free (node->rows.list);
    free (node->pull.bytes);
    free (node->mesh.list);
    free (node->pipe.list);
    free (node->said.list);
    free (node->door.list);
    free (node->waiting.list);
    free (node->under.list);
    for (size_t file = 0; file < MODEL_FILES; file++)
        free (node->files[file].bytes);
}

static void
s_destroy (sim_t *sim)
{
    for (uint32_t id = 1; id <= sim->odds.members; id++)
        s_free_node (&sim->nodes[id]);
    for (uint32_t id = 1; id <= CLIENTS_MAX; id++)
        free (sim->clients[id].inbox.list);
    sim_watch_done (&sim->watch);
    while (sim->blobs) {
        blob_t *blob = sim->blobs;
        sim->blobs = blob->next;
        free (blob);
    }
    free (sim->heap);
    free (sim);
}

void
sim_run (uint64_t seed, bool trace, sim_result_t *result)
{
    sim_t *sim = s_new (seed, trace, result);
    if (sim->odds.past)
        sim_past (sim);
    for (uint32_t id = 1; id <= sim->odds.members; id++)
        sim_post (sim, sim_random (sim, id == sim->odds.late ? 3000000 : 50000),
                  (event_t){.type = EV_START, .to = id, .life = sim->nodes[id].life});
    for (uint32_t id = 1; id <= sim->odds.clients; id++) {
        sim->clients[id].id = id;
        sim_client_start (sim, &sim->clients[id]);
        sim_post (sim, sim_random (sim, 500000), (event_t){.type = EV_CLIENT, .to = id});
    }
    sim_post (sim, 0, (event_t){.type = EV_FAULT});
    while (sim_next (sim, sim->odds.faults_until_us))
        ;
    if (!sim->failed) {
        sim->now_us = sim->odds.faults_until_us;
        sim_heal (sim);
        sim_demand (sim);
    }
    result->totals.entries = sim->watch.committed_count;
    s_destroy (sim);
}

void
sim_totals_add (sim_totals_t *to, const sim_totals_t *more)
{
    uint64_t *sums = (uint64_t *)to;
    const uint64_t *numbers = (const uint64_t *)more;
    for (size_t i = 0; i < sizeof *to / sizeof *sums; i++)
        sums[i] += numbers[i];
}
