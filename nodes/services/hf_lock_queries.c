//  Queries: answered from the state, or by the file or election actor.

#include "base/hf_hash.h"
#include "msgs/hf_facts.h"
#include "nodes/services/hf_lock_private.h"

#define ASKED_MAX       10000       //  queries that other actors work on
#define ASKED_BYTES_MAX (64U << 20) //  that these may give; beyond, queries wait
#define ROW_BYTES       300         //  a row of a list is not much larger
#define PAGE_LOCKS      10000       //  that one step of a page looks at: some 2 ms with a million

/*  A query that another actor works on. */
typedef struct asked {
    hf_table_node_t by_id;
    uint64_t id; //  for that actor
    hf_reading_t reading;
} asked_t;

static void
s_send (hf_lock_service_t *self, const hf_reading_t *reading, hf_query_result_t *result)
{
    result->id = reading->id;
    hf_query_result_frame (&self->out.frame, result);
    hf_outbox_to_client (&self->out, &reading->route, 0);
}

static uint64_t
s_number (const hf_lock_service_t *self, const hf_reading_t *reading)
{
    return hf_lock_watch_number (self,
                                 reading->what == HF_WHAT_FILES || reading->what == HF_WHAT_READ);
}

/*  An answer as of now. */
static void
s_result (hf_lock_service_t *self, const hf_reading_t *reading, hf_query_result_t *result)
{
    result->index = hf_state_command_index (self->state);
    result->number = s_number (self, reading);
    s_send (self, reading, result);
}

//  ---- with another actor -----------------------------------------------------------

/*  What the file actor may give to a query, at most. */
static uint64_t
s_answer_bytes (const hf_reading_t *reading)
{
    if (reading->what == HF_WHAT_READ || reading->what == HF_WHAT_BACKUP)
        return reading->limit < HF_DATA_MAX ? reading->limit : HF_DATA_MAX;
    if (reading->what == HF_WHAT_FILES)
        return (uint64_t)ROW_BYTES * (reading->limit < HF_ROWS_MAX ? reading->limit : HF_ROWS_MAX);
    return 0;
}

bool
hf_lock_query_blocked (const hf_lock_service_t *self, const hf_reading_t *reading)
{
    return s_answer_bytes (reading) > 0 && self->reads.asked_bytes >= ASKED_BYTES_MAX;
}

/*  Keep the query under an id for the other actor; 0: too many, and the client got an answer. */
static uint64_t
s_remember (hf_lock_service_t *self, const hf_reading_t *reading)
{
    hf_reads_t *reads = &self->reads;
    bool room = reads->asked.count < ASKED_MAX;
    if (!room || hf_shares_full (hf_shares_of (&reads->asked_of, &reading->route),
                                 reads->asked.count, ASKED_MAX)) {
        hf_lock_refuse_busy (self, &reading->route, !room);
        return 0;
    }
    hf_shares_add (&reads->asked_of, &reading->route, 1);
    asked_t *asked = hf_alloc (sizeof *asked);
    asked->id = ++reads->last_asked;
    asked->reading = *reading;
    asked->reading.bytes = NULL;
    reads->asked_bytes += s_answer_bytes (reading);
    hf_table_insert (&reads->asked, &asked->by_id, hf_hash_u64 (0, asked->id));
    return asked->id;
}

static bool
s_recall (hf_lock_service_t *self, uint64_t id, hf_reading_t *reading)
{
    hf_reads_t *reads = &self->reads;
    hf_table_node_t *node = hf_table_seek (&reads->asked, hf_hash_u64 (0, id));
    while (node && HF_AROUND (node, asked_t, by_id)->id != id)
        node = hf_table_again (node);
    if (!node)
        return false;
    asked_t *asked = HF_AROUND (node, asked_t, by_id);
    *reading = asked->reading;
    reads->asked_bytes -= s_answer_bytes (reading);
    reads->blocked = false;
    hf_shares_drop (&reads->asked_of, &reading->route, 1);
    hf_table_remove (&reads->asked, node);
    free (asked);
    return true;
}

static void
s_ask_files (hf_lock_service_t *self, const hf_reading_t *reading)
{
    uint64_t id = s_remember (self, reading);
    if (id == 0)
        return;
    hf_lock_send_sections (self);
    if (reading->what == HF_WHAT_BACKUP && reading->number == 0)
        hf_outbox_say_of (&self->out, &reading->route, HF_INFO, "audit: %s: takes a backup",
                          hf_lock_user (self, &reading->route));
    hf_a_file_query_frame (&self->out.message,
                           &(hf_a_file_query_t){.id = id,
                                                .what = reading->what,
                                                .name = hf_span (reading->bytes, reading->size),
                                                .offset = reading->offset,
                                                .limit = reading->limit,
                                                .number = reading->number});
    hf_outbox_to_actor (&self->out, HF_TO_FILE);
}

/*  Of a list of files, those that the user may read go into self->rows. True: there are none, but
 *  more behind them: the file actor was asked for those. */
static bool
s_sift_files (hf_lock_service_t *self, hf_reading_t *reading, const hf_a_file_result_t *file)
{
    hf_scan_t scan = hf_scan_list (file->rows);
    hf_file_row_t row = {.file = {.size = 0}};
    hf_pack_reset (&self->rows);
    for (uint32_t i = 0; i < file->rows.count && hf_file_row_get (&scan, &row); i++)
        if (hf_lock_sees (self, &reading->route, HF_RIGHT_READ, row.file) ||
            HF_MUTANT (listed_files))
            hf_file_row_put (&self->rows, &row);
    if (self->rows.count > 0 || !file->more || row.file.size == 0)
        return false;
    reading->bytes = row.file.at;
    reading->size = row.file.size;
    s_ask_files (self, reading);
    return true;
}

void
hf_lock_file_result (hf_lock_service_t *self, const hf_a_file_result_t *file)
{
    hf_reading_t reading;
    if (!s_recall (self, file->id, &reading))
        return;
    bool list = reading.what == HF_WHAT_FILES && file->status == HF_OK;
    if (list && s_sift_files (self, &reading, file))
        return;
    hf_query_result_t result = {.status = file->status,
                                .total = file->total,
                                .more = file->more,
                                .rows = list ? hf_pack_list (&self->rows) : file->rows,
                                .data = file->data,
                                .index = file->index,
                                .number = file->number};
    if (reading.what == HF_WHAT_BACKUP)
        s_send (self, &reading, &result);
    else
        s_result (self, &reading, &result);
}

void
hf_lock_query_status (hf_lock_service_t *self, const hf_reading_t *reading)
{
    uint64_t id = s_remember (self, reading);
    if (id == 0)
        return;
    hf_a_facts_frame (&self->out.message, &(hf_a_facts_t){.id = id});
    hf_outbox_to_actor (&self->out, HF_TO_ELECTION);
}

void
hf_lock_facts (hf_lock_service_t *self, const hf_a_told_t *told)
{
    hf_reading_t reading;
    if (!s_recall (self, told->id, &reading))
        return;
    const hf_state_t *state = self->state;
    hf_pack_t *rows = &self->rows;
    hf_pack_reset (rows);
    hf_fact_put (rows, HF_FACT_node, "", self->config.self);
    hf_pack_raw (rows, told->rows.at, told->rows.size);
    rows->count += told->rows.count;
    hf_fact_put (rows, HF_FACT_applied_index, "", hf_state_applied_index (state));
    hf_fact_put (rows, HF_FACT_command_index, "", hf_state_command_index (state));
    hf_fact_put (rows, HF_FACT_state_hash, "", hf_state_hash (state));
    hf_fact_put (rows, HF_FACT_sessions, "", hf_state_sessions_count (state));
    hf_fact_put (rows, HF_FACT_answers, "", hf_state_answers_count (state));
    hf_fact_put (rows, HF_FACT_locks, "", hf_state_locks_count (state));
    hf_fact_put (rows, HF_FACT_holds, "", hf_state_holds_count (state));
    hf_fact_put (rows, HF_FACT_waiting, "", hf_state_waiting_count (state));
    hf_fact_put (rows, HF_FACT_last_token, "", hf_state_last_token (state));
    hf_fact_put (rows, HF_FACT_ttl_restarts, "", self->restarted);
    hf_fact_put (rows, HF_FACT_ttl_resumed, "", self->resumed);
    hf_fact_put (rows, HF_FACT_staged_bytes, "", hf_state_staged_bytes (state));
    hf_fact_put (rows, HF_FACT_clients, "", self->routes.callers.count);
    hf_fact_put (rows, HF_FACT_dropped_frames, "", self->refused_frames + self->door.dropped);
    hf_fact_put (rows, HF_FACT_connections, "", self->door.connections);
    hf_fact_put (rows, HF_FACT_connections_max, "", self->config.connections_max);
    hf_fact_put (rows, HF_FACT_refused_connections, "", self->door.refused);
    hf_fact_put (rows, HF_FACT_received_bytes, "", self->door.received);
    hf_fact_put (rows, HF_FACT_waiting_bytes, "", self->door.waiting);
    hf_fact_put (rows, HF_FACT_cut_clients, "", self->door.cut);
    hf_fact_put (rows, HF_FACT_cut_handshakes, "", self->door.halves);
    hf_fact_put (rows, HF_FACT_limited_connections, "", self->door.turned_away);
    hf_fact_put (rows, HF_FACT_limited_sessions, "", self->limited_sessions);
    hf_fact_put (rows, HF_FACT_limited_requests, "", self->limited_requests);
    const hf_measures_t *measures = hf_state_measures (state);
    hf_fact_put_times (rows, HF_FACT_request_time, &self->request);
    hf_fact_put_times (rows, HF_FACT_barrier_time, &self->barrier);
    hf_fact_put_times (rows, HF_FACT_wait_time, &measures->wait);
    hf_fact_put_times (rows, HF_FACT_hold_time, &measures->hold);
    hf_fact_put (rows, HF_FACT_uptime_ms, "", (self->now_us - self->started_us) / 1000);
    hf_fact_put (rows, HF_FACT_encrypted, "", self->config.encrypted);
    hf_fact_put (rows, HF_FACT_insecure, "", self->config.insecure);
    hf_fact_put (rows, HF_FACT_version, self->config.version, 0);
    hf_fact_put (rows, HF_FACT_endpoint, self->config.endpoint, 0);
    s_result (self, &reading, &(hf_query_result_t){.status = HF_OK, .rows = hf_pack_list (rows)});
}

//  ---- from the state ---------------------------------------------------------------

/*  Of a node that does not lead, who asks for what is stale learns whom it believes in. */
static hf_status_t
s_leader (hf_lock_service_t *self)
{
    if (!self->leading)
        return HF_NOT_LEADER;
    hf_fact_put (&self->rows, HF_FACT_leader, "", self->config.self);
    hf_fact_put (&self->rows, HF_FACT_term, "", self->term);
    hf_fact_put (&self->rows, HF_FACT_endpoint, self->config.endpoint, 0);
    return HF_OK;
}

//  For whom a list is made.
typedef struct reader {
    const hf_lock_service_t *service;
    const hf_route_t *route;
} reader_t;

static bool
s_sees_lock (void *arg, hf_span_t name)
{
    const reader_t *reader = arg;
    return hf_lock_sees (reader->service, reader->route, HF_RIGHT_READ, name) ||
           HF_MUTANT (listed_locks);
}

/*  His own sessions, and all for who may close them. */
static bool
s_sees_session (void *arg, hf_span_t owner)
{
    const reader_t *reader = arg;
    return reader->route->user == 0 ||
           hf_span_equal (owner, hf_span_text (hf_lock_user (reader->service, reader->route))) ||
           hf_lock_sees (reader->service, reader->route, HF_RIGHT_CLOSE, hf_span ("", 0)) ||
           HF_MUTANT (listed_sessions);
}

//  Who answers a query.
typedef enum answer_by { BY_STATE, BY_PAGE, BY_NEXT_STEP, BY_FILE_ACTOR } answer_by_t;

/*  A step of a page of locks, of which there is one at a time. It is as of when it was begun: what
 *  happened since is told to who watches from there. */
static answer_by_t
s_lock_page (hf_lock_service_t *self, const hf_reading_t *reading, uint32_t limit,
             hf_query_result_t *result)
{
    hf_reads_t *reads = &self->reads;
    reader_t reader = {.service = self, .route = &reading->route};
    hf_shown_t shown = {s_sees_lock, &reader};
    if ((reads->page_serial != reading->serial && !HF_MUTANT (page_of_another)) ||
        (reads->page_rights != self->guard.version && !HF_MUTANT (page_of_old_rights)))
        hf_lock_page_destroy (&reads->page);
    if (!reads->page) {
        reads->page = hf_lock_page_new (hf_span (reading->bytes, reading->size), limit);
        reads->page_serial = reading->serial;
        reads->page_rights = self->guard.version;
        reads->page_index = hf_state_command_index (self->state);
        reads->page_number = s_number (self, reading);
    }
    if (!hf_lock_page_step (reads->page, self->state, PAGE_LOCKS,
                            self->guard.rights ? &shown : NULL, &self->rows, &result->more))
        return BY_NEXT_STEP;
    hf_lock_page_destroy (&reads->page);
    result->index = reads->page_index;
    result->number = reads->page_number;
    return BY_PAGE;
}

static answer_by_t
s_query (hf_lock_service_t *self, const hf_reading_t *reading, hf_query_result_t *result)
{
    hf_span_t name = hf_span (reading->bytes, reading->size);
    uint32_t limit = reading->limit < HF_ROWS_MAX ? reading->limit : HF_ROWS_MAX;
    uint32_t what = reading->what;
    bool list = what == HF_WHAT_LOCKS || what == HF_WHAT_FILES;
    bool named = what == HF_WHAT_LOCK || what == HF_WHAT_READ;
    reader_t reader = {.service = self, .route = &reading->route};
    if ((named || (list && name.size > 0)) && !hf_name_valid (name))
        result->status = HF_BAD_NAME;
    else if (what == HF_WHAT_LEADER)
        result->status = s_leader (self);
    else if (what == HF_WHAT_LOCKS)
        return s_lock_page (self, reading, limit, result);
    else if (what == HF_WHAT_SESSIONS)
        result->more = hf_state_session_rows (
            self->state, reading->offset, limit,
            self->guard.rights ? &(hf_shown_t){s_sees_session, &reader} : NULL, &self->rows);
    else if (what == HF_WHAT_BUSY)
        hf_busy_rows (&hf_state_measures (self->state)->busy, &self->rows);
    else if (what == HF_WHAT_LOCK) {
        if (!hf_state_lock_detail (self->state, name, reading->offset, limit, &self->rows,
                                   &result->more))
            result->status = HF_NOT_FOUND;
    } else if (what == HF_WHAT_FILES || what == HF_WHAT_READ || what == HF_WHAT_BACKUP)
        return BY_FILE_ACTOR;
    else
        result->status = HF_UNKNOWN;
    return BY_STATE;
}

/*  Answering after the barrier passed is safe: the state can only be newer. */
bool
hf_lock_query (hf_lock_service_t *self, const hf_reading_t *reading)
{
    hf_query_result_t result = {.status = HF_OK};
    hf_pack_reset (&self->rows);
    if (!HF_MUTANT (age_stands_still))
        hf_lock_measure (self);
    answer_by_t by = s_query (self, reading, &result);
    if (by == BY_FILE_ACTOR)
        s_ask_files (self, reading);
    result.rows = hf_pack_list (&self->rows);
    if (by == BY_PAGE)
        s_send (self, reading, &result);
    else if (by == BY_STATE)
        s_result (self, reading, &result);
    return by != BY_NEXT_STEP;
}
