//  A run: events in the order of virtual time; chance, clocks and other small things.

#include "tests/sim/sim_internal.h"
#include <stdarg.h>
#include <stdio.h>

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

//  ---- names -------------------------------------------------------------------------

const char *
sim_lock_name (size_t lock)
{
    assert (lock < MODEL_LOCKS);
    return model_locks[lock];
}

const char *
sim_file_name (size_t file)
{
    assert (file < MODEL_FILES);
    return model_files[file];
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

//  ---- events --------------------------------------------------------------------------

#define POOL 256

static event_t *
s_event (sim_t *sim)
{
    if (!sim->free) {
        event_t *pool = hf_alloc (POOL * sizeof *pool);
        *hf_array_add (&sim->pools) = pool;
        for (size_t i = 0; i < POOL; i++) {
            pool[i].next = sim->free;
            sim->free = &pool[i];
        }
    }
    event_t *event = sim->free;
    sim->free = event->next;
    return event;
}

void
sim_drop (sim_t *sim, event_t *event)
{
    free (event->message);
    *event = (event_t){.next = sim->free};
    sim->free = event;
}

void
sim_post (sim_t *sim, uint64_t after_us, event_t event)
{
    event_t *own = s_event (sim);
    *own = event;
    hf_heap_set (&sim->events, &own->due, sim->now_us + after_us);
}

void
sim_wake (sim_t *sim, event_t *turn, uint64_t after_us)
{
    uint64_t at_us = sim->now_us + after_us;
    if (after_us < 1000000000 && (turn->due.slot == 0 || at_us < turn->due.key))
        hf_heap_set (&sim->events, &turn->due, at_us);
}

void
sim_keep (queue_t *queue, event_t *event)
{
    event->next = NULL;
    if (queue->last)
        queue->last->next = event;
    else
        queue->first = event;
    queue->last = event;
    queue->count++;
}

event_t *
sim_take (queue_t *queue)
{
    event_t *event = queue->first;
    if (!event)
        return NULL;
    queue->first = event->next;
    if (!queue->first)
        queue->last = NULL;
    queue->count--;
    return event;
}

void
sim_drop_all (sim_t *sim, queue_t *queue)
{
    event_t *event;
    while ((event = sim_take (queue)))
        sim_drop (sim, event);
}

//  ---- what happens --------------------------------------------------------------------

static void
s_to_client (sim_t *sim, event_t *event)
{
    client_t *client = &sim->clients[event->to];
    if (event->type == EV_CLIENT)
        sim_client_turn (sim, client);
    else if (client->life != event->life || !client->core)
        sim_drop (sim, event);
    else if (event->type == EV_CONNECT)
        sim_connect (sim, event);
    else
        sim_client_input (sim, client, event);
}

static void
s_to_node (sim_t *sim, event_t *event)
{
    node_t *node = &sim->nodes[event->to];
    if (event->type == EV_START) {
        if (!node->up && event->life == node->life)
            sim_start (sim, node);
        sim_drop (sim, event);
    } else if (event->type == EV_TURN)
        sim_turn (sim, node, event->actor);
    else if (!node->up || (event->life != 0 && event->life != node->life))
        sim_drop (sim, event);
    else if (event->type == EV_SYNCED) {
        sim_synced (sim, node, event);
        sim_drop (sim, event);
    } else
        sim_arrive (sim, node, event);
}

static void
s_note (sim_t *sim, const event_t *event)
{
    uint64_t hash = hf_hash_u64 (sim->result->hash, sim->now_us << 8 | event->type);
    hash = hf_hash_u64 (hash, event->to << 16 | event->from << 8 | event->actor);
    if (event->frame)
        hash = hf_hash_u64 (hash, event->frame->hash);
    if (event->message)
        hash = hf_hash (hash, event->message, event->size);
    sim->result->hash = hf_hash_u64 (hash, event->a);
    sim->result->totals.events++;
}

bool
sim_next (sim_t *sim, uint64_t until_us)
{
    hf_heap_node_t *due = sim->failed ? NULL : hf_heap_top (&sim->events);
    if (!due || due->key > until_us)
        return false;
    assert (due->key >= sim->now_us);
    sim->now_us = due->key;
    hf_heap_remove (&sim->events, due);
    event_t *event = HF_AROUND (due, event_t, due);
    s_note (sim, event);
    if (event->type == EV_FAULT) {
        sim_drop (sim, event);
        sim_fault (sim);
    } else if (event->type == EV_OPERATE) {
        sim_drop (sim, event);
        sim_operate (sim);
    } else if (event->type == EV_CLIENT || event->type == EV_REPLY || event->type == EV_CONNECT ||
               event->type == EV_DISCONNECT)
        s_to_client (sim, event);
    else
        s_to_node (sim, event);
    return true;
}

//  ---- a run --------------------------------------------------------------------------

static sim_t *
s_new (uint64_t seed, bool trace, sim_result_t *result)
{
    sim_t *sim = hf_alloc (sizeof *sim);
    *result = (sim_result_t){.verdict = SIM_GOOD};
    sim->seed = seed;
    sim->random.state = seed * 0xd1342543de82ef95U + 1;
    sim->now_us = 1000000;
    sim->trace = trace;
    sim->result = result;
    sim_odds_pick (sim);
    sim_watch_new (&sim->watch);
    for (uint32_t id = 1; id <= sim->odds.members; id++) {
        node_t *node = &sim->nodes[id];
        node->id = id;
        node->life = 1;
        for (hf_to_t actor = HF_TO_ELECTION; actor <= HF_TO_FILE; actor++)
            node->actors[actor].turn = (event_t){.type = EV_TURN, .to = id, .actor = actor};
        sim_clock_start (sim, &node->clock);
        sim_incarnation (sim, node);
        node->old_release =
            sim->odds.old_release && id <= sim->odds.founders && sim_random (sim, 3) != 0;
    }
    return sim;
}

static void
s_free_node (sim_t *sim, node_t *node)
{
    sim_services_stop (node);
    hf_array_free (&node->written.items);
    hf_array_free (&node->durable.items);
    for (size_t i = 0; i < node->lost.count; i++)
        hf_array_free (&node->lost.list[i].items);
    hf_array_free (&node->lost);
    hf_array_free (&node->incarnations);
    hf_array_free (&node->rows.all);
    hf_array_free (&node->stage);
    hf_array_free (&node->duty.unaware);
    for (size_t file = 0; file < MODEL_FILES; file++)
        hf_array_free (&node->files[file].bytes);
    for (hf_to_t actor = HF_TO_ELECTION; actor <= HF_TO_FILE; actor++)
        for (size_t box = 0; box <= HF_TO_FILE; box++)
            sim_drop_all (sim, &node->actors[actor].boxes[box]);
}

static void
s_destroy (sim_t *sim)
{
    for (uint32_t id = 1; id <= sim->odds.members; id++)
        s_free_node (sim, &sim->nodes[id]);
    for (uint32_t id = 1; id <= CLIENTS_MAX; id++) {
        sim_drop_all (sim, &sim->clients[id].inbox);
        hf_client_core_destroy (&sim->clients[id].core);
    }
    hf_heap_node_t *due;
    while ((due = hf_heap_take (&sim->events, UINT64_MAX - 1)))
        free (HF_AROUND (due, event_t, due)->message);
    hf_heap_done (&sim->events);
    for (size_t i = 0; i < sim->pools.count; i++)
        free (sim->pools.list[i]);
    hf_array_free (&sim->pools);
    sim_watch_done (&sim->watch);
    sim_copy_free (sim);
    while (sim->blobs) {
        blob_t *blob = sim->blobs;
        sim->blobs = blob->next;
        free (blob);
    }
    free (sim);
}

void
sim_run (uint64_t seed, bool trace, sim_result_t *result)
{
    sim_t *sim = s_new (seed, trace, result);
    if (sim->odds.past)
        sim_past (sim);
    for (uint32_t id = 1; id <= sim->odds.members; id++)
        sim_start_later (sim, &sim->nodes[id], id == sim->odds.late ? 3000000 : 50000);
    for (uint32_t id = 1; id <= sim->odds.clients; id++) {
        sim->clients[id].id = id;
        sim->clients[id].turn = (event_t){.type = EV_CLIENT, .to = id};
        sim_client_start (sim, &sim->clients[id]);
    }
    sim_post (sim, 0, (event_t){.type = EV_FAULT});
    if (sim->odds.changes > 0)
        sim_post (sim, 0, (event_t){.type = EV_OPERATE});
    while (sim_next (sim, sim->odds.faults_until_us))
        ;
    if (!sim->failed) {
        sim->now_us = sim->odds.faults_until_us;
        sim_heal (sim);
        sim_demand (sim);
    }
    result->totals.entries = sim->watch.committed.count;
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
