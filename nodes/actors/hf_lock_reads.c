#include "nodes/actors/hf_lock_internal.h"
#include <assert.h>
#include <stdlib.h>
#include <uthash.h>

#define WAITING_MAX     50000       //  reads that wait for one barrier
#define QUERIES_MAX     25000       //  of these that are queries
#define ASKED_MAX       10000       //  queries that other actors work on
#define ASKED_BYTES_MAX (64U << 20) //  that these may give; beyond, queries wait
#define QUERIES_US      10000       //  a turn spends on queries: keepalives must not wait for them
#define ROW_BYTES       300         //  a row of a list is not much larger

typedef struct reads_list {
    hf_read_t *list;
    size_t count, room;
} reads_list_t;

/*  A query that the file or election actor works on. */
typedef struct asked {
    uint64_t id;
    hf_read_t read;
    UT_hash_handle hh;
} asked_t;

struct hf_reads {
    reads_list_t waiting; //  for the next barrier
    reads_list_t under;   //  the barrier under way, or the state to catch up with it
    bool barrier_out;     //  asked and not passed
    uint64_t barrier_id;
    bool passed; //  UNDER may be answered once INDEX is applied
    uint64_t index;
    reads_list_t queries; //  whose barrier passed
    size_t queries_at;    //  the first of these that is not answered
    bool blocked;         //  by what the file actor owes
    uint64_t asked_bytes;
    asked_t *asked;
    uint64_t last_asked;
};

hf_reads_t *
hf_reads_new (void)
{
    hf_reads_t *self = calloc (1, sizeof *self);
    assert (self);
    return self;
}

void
hf_reads_destroy (hf_reads_t **self_p)
{
    hf_reads_t *self = *self_p;
    if (!self)
        return;
    free (self->waiting.list);
    free (self->under.list);
    free (self->queries.list);
    asked_t *asked, *next;
    HASH_ITER (hh, self->asked, asked, next)
    {
        //  The analyzer does not follow uthash. NOLINTNEXTLINE(clang-analyzer-*)
        HASH_DEL (self->asked, asked);
        free (asked);
    }
    free (self);
    *self_p = NULL;
}

//  ---- the barrier ---------------------------------------------------------------

static void
s_add (reads_list_t *list, const hf_read_t *read)
{
    if (list->count == list->room) {
        list->room = list->room ? 2 * list->room : 64;
        list->list = realloc (list->list, list->room * sizeof *list->list);
        assert (list->list);
    }
    list->list[list->count++] = *read;
}

bool
hf_lock_read (hf_lock_actor_t *self, const hf_read_t *read)
{
    //  Queries pile up apart too, and never take the whole room: they must not shut keepalives out.
    const hf_reads_t *reads = self->reads;
    size_t queries = reads->queries.count - reads->queries_at;
    bool query = read->type == HF_READ_QUERY;
    if (reads->waiting.count >= (query ? QUERIES_MAX : WAITING_MAX) ||
        (query && queries >= QUERIES_MAX))
        return false;
    s_add (&self->reads->waiting, read);
    return true;
}

void
hf_lock_ask_barrier (hf_lock_actor_t *self)
{
    hf_reads_t *reads = self->reads;
    if (!self->leading || reads->under.count > 0 || reads->waiting.count == 0)
        return;
    reads_list_t empty = reads->under;
    reads->under = reads->waiting;
    reads->waiting = empty;
    reads->barrier_out = true;
    reads->passed = false;
    reads->barrier_id++;
    hf_pack_reset (&self->frame);
    hf_a_barrier_frame (&self->frame, &(hf_a_barrier_t){.id = reads->barrier_id});
    hf_pipe_send (self->args->election, &self->frame);
}

void
hf_lock_passed (hf_lock_actor_t *self, const hf_a_passed_t *passed)
{
    hf_reads_t *reads = self->reads;
    if (!reads->barrier_out || passed->id != reads->barrier_id)
        return; //  of a leadership that is over
    reads->barrier_out = false;
    reads->passed = true;
    reads->index = passed->index;
}

static void
s_watch_all (hf_lock_actor_t *self, reads_list_t *list, size_t first)
{
    for (size_t i = first; i < list->count; i++)
        hf_routes_watch (self->routes, &list->list[i].route);
    list->count = 0;
}

void
hf_lock_drop_reads (hf_lock_actor_t *self)
{
    s_watch_all (self, &self->reads->waiting, 0);
    s_watch_all (self, &self->reads->under, 0);
    s_watch_all (self, &self->reads->queries, self->reads->queries_at);
    self->reads->queries_at = 0;
    self->reads->blocked = false;
    self->reads->barrier_out = false;
    self->reads->passed = false;
}

//  ---- answers -------------------------------------------------------------------

static void
s_alive (hf_lock_actor_t *self, const hf_read_t *read)
{
    //  Its end is proposed: from now on nothing may make it believe that it lives (design 4.7).
    if (hf_expiry_ending (self->expiry, read->session))
        return;
    hf_pack_t held, queued;
    hf_pack_init (&held);
    hf_pack_init (&queued);
    hf_alive_t alive = {.session = read->session, .echo = read->id, .status = HF_OK};
    if (hf_state_session_places (self->state, read->session, &held, &queued)) {
        alive.held = hf_pack_list (&held);
        alive.queued = hf_pack_list (&queued);
        hf_routes_caller (self->routes, read->session, &read->route);
    } else
        alive.status = HF_SESSION_EXPIRED;
    hf_pack_reset (&self->frame);
    hf_alive_frame (&self->frame, &alive);
    hf_lock_send (self, &read->route, &self->frame);
    hf_pack_done (&held);
    hf_pack_done (&queued);
}

static void
s_closed (hf_lock_actor_t *self, const hf_read_t *read)
{
    hf_pack_reset (&self->frame);
    hf_closed_frame (
        &self->frame,
        &(hf_closed_t){.session = read->session, .echo = read->id, .status = HF_SESSION_EXPIRED});
    hf_lock_send (self, &read->route, &self->frame);
}

static void
s_result (hf_lock_actor_t *self, const hf_read_t *read, hf_query_result_t *result)
{
    result->id = read->id;
    result->index = hf_state_command_index (self->state);
    hf_pack_reset (&self->frame);
    hf_query_result_frame (&self->frame, result);
    hf_lock_send (self, &read->route, &self->frame);
}

static void
s_fact (hf_pack_t *rows, const char *key, const char *text, uint64_t number)
{
    hf_fact_row_put (
        rows,
        &(hf_fact_row_t){.key = hf_span_text (key), .text = hf_span_text (text), .number = number});
}

static void
s_endpoint_text (const hf_lock_actor_t *self, uint32_t id, char *text, size_t size)
{
    const hf_endpoint_t *endpoint = hf_endpoints_find (&self->args->endpoints, id);
    text[0] = 0;
    if (endpoint)
        snprintf (text, size, "%s:%u", endpoint->host, (unsigned)endpoint->client_port);
}

static void
s_query_leader (hf_lock_actor_t *self, hf_pack_t *rows)
{
    char endpoint[HF_HOST_MAX + 16];
    s_endpoint_text (self, self->args->self, endpoint, sizeof endpoint);
    s_fact (rows, "leader", "", self->args->self);
    s_fact (rows, "term", "", self->term);
    s_fact (rows, "endpoint", endpoint, 0);
}

/*  What the file actor may give to a query, at most. */
static uint64_t
s_answer_bytes (const hf_read_t *read)
{
    if (read->what == HF_WHAT_READ)
        return read->limit < HF_DATA_MAX ? read->limit : HF_DATA_MAX;
    if (read->what == HF_WHAT_FILES)
        return (uint64_t)ROW_BYTES * (read->limit < HF_ROWS_MAX ? read->limit : HF_ROWS_MAX);
    return 0;
}

/*  Remember who asked, under an id for the other actor; 0: too many. */
static uint64_t
s_remember (hf_lock_actor_t *self, const hf_read_t *read)
{
    hf_reads_t *reads = self->reads;
    if (HASH_COUNT (reads->asked) >= ASKED_MAX)
        return 0;
    asked_t *asked = calloc (1, sizeof *asked);
    assert (asked);
    asked->id = ++reads->last_asked;
    asked->read = *read;
    reads->asked_bytes += s_answer_bytes (read);
    HASH_ADD (hh, reads->asked, id, sizeof asked->id, asked);
    return asked->id;
}

/*  The read that was remembered under ID; its memory of it is gone. */
static bool
s_recall (hf_lock_actor_t *self, uint64_t id, hf_read_t *read)
{
    asked_t *asked;
    HASH_FIND (hh, self->reads->asked, &id, sizeof id, asked);
    if (!asked)
        return false;
    *read = asked->read;
    self->reads->asked_bytes -= s_answer_bytes (read);
    self->reads->blocked = false;
    HASH_DEL (self->reads->asked, asked);
    free (asked);
    return true;
}

static void
s_ask_files (hf_lock_actor_t *self, const hf_read_t *read)
{
    uint64_t id = s_remember (self, read);
    if (id == 0) {
        hf_lock_refuse (self, &read->route, HF_BUSY, hf_status_text (HF_BUSY));
        return;
    }
    hf_pack_reset (&self->frame);
    hf_a_file_query_frame (&self->frame,
                           &(hf_a_file_query_t){.id = id,
                                                .what = read->what,
                                                .name = hf_span (read->name, read->name_size),
                                                .offset = read->offset,
                                                .limit = read->limit});
    hf_pipe_send (self->args->file, &self->frame);
}

static void
s_query (hf_lock_actor_t *self, const hf_read_t *read)
{
    hf_span_t name = hf_span (read->name, read->name_size);
    uint32_t limit = read->limit < HF_ROWS_MAX ? read->limit : HF_ROWS_MAX;
    bool list = read->what == HF_WHAT_LOCKS || read->what == HF_WHAT_FILES;
    bool named = read->what == HF_WHAT_LOCK || read->what == HF_WHAT_READ;
    hf_pack_t rows;
    hf_pack_init (&rows);
    hf_query_result_t result = {.status = HF_OK};
    if ((named || (list && name.size > 0)) && !hf_name_valid (name))
        result.status = HF_BAD_NAME;
    else if (read->what == HF_WHAT_LEADER)
        s_query_leader (self, &rows);
    else if (read->what == HF_WHAT_LOCKS)
        result.more = hf_state_lock_rows (self->state, name, limit, &rows);
    else if (read->what == HF_WHAT_LOCK) {
        if (!hf_state_lock_detail (self->state, name, read->offset, limit, &rows, &result.more))
            result.status = HF_NOT_FOUND;
    } else if (read->what == HF_WHAT_FILES || read->what == HF_WHAT_READ) {
        hf_pack_done (&rows);
        s_ask_files (self, read);
        return;
    } else
        result.status = HF_UNKNOWN;
    result.rows = hf_pack_list (&rows);
    s_result (self, read, &result);
    hf_pack_done (&rows);
}

/*  Give the room of what was answered back, once it is half of the list. */
static void
s_close_up (hf_reads_t *reads)
{
    reads_list_t *queries = &reads->queries;
    if (reads->queries_at == 0 || reads->queries_at < queries->count / 2)
        return;
    queries->count -= reads->queries_at;
    memmove (queries->list, queries->list + reads->queries_at,
             queries->count * sizeof *queries->list);
    reads->queries_at = 0;
}

static void
s_answer_passed (hf_lock_actor_t *self)
{
    hf_reads_t *reads = self->reads;
    if (!reads->passed || hf_state_applied_index (self->state) < reads->index)
        return;
    s_close_up (reads);
    for (size_t i = 0; i < reads->under.count; i++) {
        const hf_read_t *read = &reads->under.list[i];
        if (read->type == HF_READ_KEEPALIVE)
            s_alive (self, read);
        else if (read->type == HF_READ_CLOSE)
            s_closed (self, read);
        else
            s_add (&reads->queries, read);
    }
    reads->under.count = 0;
    reads->passed = false;
}

/*  A query may be answered later than its barrier passed: it sees the more. */
static void
s_answer_queries (hf_lock_actor_t *self)
{
    hf_reads_t *reads = self->reads;
    uint64_t end_us = hf_clock_us () + QUERIES_US;
    while (reads->queries_at < reads->queries.count) {
        const hf_read_t *read = &reads->queries.list[reads->queries_at];
        reads->blocked = s_answer_bytes (read) > 0 && reads->asked_bytes >= ASKED_BYTES_MAX;
        if (reads->blocked)
            return;
        s_query (self, read);
        reads->queries_at++;
        if (hf_clock_us () >= end_us)
            return;
    }
    reads->queries.count = reads->queries_at = 0;
}

bool
hf_lock_queries_wait (const hf_lock_actor_t *self)
{
    return self->reads->queries.count > 0 && !self->reads->blocked;
}

void
hf_lock_answer_reads (hf_lock_actor_t *self)
{
    s_answer_passed (self);
    if (self->reads->queries.count > 0)
        s_answer_queries (self);
}

//  ---- what other actors answer -----------------------------------------------------

void
hf_lock_file_result (hf_lock_actor_t *self, const hf_a_file_result_t *file)
{
    hf_read_t read;
    if (!s_recall (self, file->id, &read))
        return;
    hf_query_result_t result = {.status = file->status,
                                .total = file->total,
                                .more = file->more,
                                .rows = file->rows,
                                .data = file->data};
    s_result (self, &read, &result);
}

void
hf_lock_query_status (hf_lock_actor_t *self, const hf_read_t *read)
{
    uint64_t id = s_remember (self, read);
    if (id == 0) {
        hf_lock_refuse (self, &read->route, HF_BUSY, hf_status_text (HF_BUSY));
        return;
    }
    hf_pack_reset (&self->frame);
    hf_a_facts_frame (&self->frame, &(hf_a_facts_t){.id = id});
    hf_pipe_send (self->args->election, &self->frame);
}

void
hf_lock_told (hf_lock_actor_t *self, const hf_a_told_t *told)
{
    hf_read_t read;
    if (!s_recall (self, told->id, &read))
        return;
    char endpoint[HF_HOST_MAX + 16];
    s_endpoint_text (self, self->args->self, endpoint, sizeof endpoint);
    const hf_state_t *state = self->state;
    hf_pack_t rows;
    hf_pack_init (&rows);
    s_fact (&rows, "node", "", self->args->self);
    hf_pack_raw (&rows, told->rows.at, told->rows.size);
    rows.count += told->rows.count;
    s_fact (&rows, "applied_index", "", hf_state_applied_index (state));
    s_fact (&rows, "command_index", "", hf_state_command_index (state));
    s_fact (&rows, "state_hash", "", hf_state_hash (state));
    s_fact (&rows, "sessions", "", hf_state_sessions_count (state));
    s_fact (&rows, "locks", "", hf_state_locks_count (state));
    s_fact (&rows, "staged_bytes", "", hf_state_staged_bytes (state));
    s_fact (&rows, "clients", "", hf_routes_count (self->routes));
    s_fact (&rows, "dropped_frames", "", self->dropped_frames + hf_door_dropped (self->args->door));
    s_fact (&rows, "uptime_ms", "", (self->now_us - self->started_us) / 1000);
    s_fact (&rows, "version", HF_VERSION, 0);
    s_fact (&rows, "endpoint", endpoint, 0);
    hf_query_result_t result = {.status = HF_OK, .rows = hf_pack_list (&rows)};
    s_result (self, &read, &result);
    hf_pack_done (&rows);
}
