//  The other actors and the clients of a lock service on the bench.

#include "tests/kit/hf_one.h"
#include "tests/unit/services/lock_bench.h"

hf_route_t
bench_route (uint32_t number)
{
    if (number == BENCH_HTTP)
        return hf_route_http ();
    return (hf_route_t){.size = 5, .id = {0, 0, 0, (uint8_t)(number >> 8), (uint8_t)number}};
}

static uint32_t
s_number (const hf_route_t *route)
{
    if (hf_route_is_http (route))
        return BENCH_HTTP;
    assert_int_equal (route->size, 5);
    return (uint32_t)route->id[3] << 8 | route->id[4];
}

//  ---- the other actors -----------------------------------------------------------------

static void
s_keep (bench_frame_t *frame, const void *bytes, size_t size)
{
    frame->bytes = hf_alloc (size);
    frame->size = size;
    memcpy (frame->bytes, bytes, size);
}

static void
s_keep_pack (bench_t *self, bench_frame_t *frame)
{
    s_keep (frame, hf_pack_bytes (&self->pack), hf_pack_size (&self->pack));
    hf_pack_reset (&self->pack);
}

/*  What is in the pack will be said in the next turn. */
static void
s_later (bench_t *self)
{
    s_keep_pack (self, hf_array_add (&self->said));
}

void
bench_commit_late (bench_t *self)
{
    self->late_commits = false;
    for (size_t i = 0; i < self->late.count; i++)
        *hf_array_add (&self->said) = self->late.list[i];
    self->late.count = 0;
    self->late_entries = 0;
}

static void
s_count_commands (bench_t *self, hf_span_t payload)
{
    hf_list_t commands;
    assert_int_equal (hf_payload_get (payload, &commands), HF_OK);
    hf_scan_t command = hf_scan_list (commands);
    for (; !hf_scan_at_end (&command); hf_scan_skip (&command, 1)) {
        self->commands++;
        self->expiries += hf_scan_kind (&command) == HF_KIND_CMD_EXPIRE;
    }
}

static void
s_proposed (bench_t *self, hf_list_t proposed)
{
    self->proposals++;
    self->entries += proposed.count;
    hf_pack_t entries;
    hf_pack_init (&entries);
    hf_scan_t scan = hf_scan_list (proposed);
    for (uint32_t i = 0; i < proposed.count; i++) {
        hf_entry_t entry;
        assert_true (hf_entry_get (&scan, &entry));
        s_count_commands (self, entry.payload);
        entry.term = self->term;
        hf_entry_put (&entries, &entry);
    }
    if (!self->no_commits) {
        hf_a_committed_frame (&self->pack, &(hf_a_committed_t){.first = self->index + 1,
                                                               .entries = hf_pack_list (&entries)});
        self->index += proposed.count;
        self->late_entries += self->late_commits ? proposed.count : 0;
        s_keep_pack (self,
                     self->late_commits ? hf_array_add (&self->late) : hf_array_add (&self->said));
    }
    hf_pack_done (&entries);
}

void
bench_pass (bench_t *self, uint64_t index)
{
    hf_a_passed_frame (&self->pack, &(hf_a_passed_t){.id = self->barrier, .index = index});
    s_later (self);
}

static void
s_sections (bench_t *self, hf_list_t sections)
{
    hf_scan_t scan = hf_scan_list (sections);
    for (uint32_t i = 0; i < sections.count; i++) {
        hf_a_section_t section;
        assert_true (hf_a_section_get (&scan, &section));
        assert_true (section.index > self->section);
        self->section = section.index;
    }
    if (!self->no_files) {
        hf_a_files_durable_frame (&self->pack, &(hf_a_files_durable_t){.index = self->section});
        s_later (self);
    }
}

static void
s_rows (bench_t *self, const hf_a_rows_t *rows)
{
    assert_true (rows->section <= self->section); //  handed over before
    self->steps++;
    self->rows = *rows;
    if (!self->no_rows) {
        hf_a_flushed_frame (&self->pack, &(hf_a_flushed_t){.index = rows->index});
        s_later (self);
    }
}

static void
s_facts (bench_t *self, uint64_t id)
{
    hf_pack_t rows;
    hf_pack_init (&rows);
    hf_fact_row_put (&rows, &(hf_fact_row_t){.key = hf_span_text ("from_election"), .number = 77});
    hf_a_told_frame (&self->pack, &(hf_a_told_t){.id = id, .rows = hf_pack_list (&rows)});
    s_later (self);
    hf_pack_done (&rows);
}

static void
s_barrier (bench_t *self, uint64_t id)
{
    self->barriers++;
    self->barrier = id;
    if (!self->no_barriers)
        bench_pass (self, self->index - self->late_entries);
}

static void
s_take_change (bench_t *self, const hf_a_change_t *in)
{
    assert_true (in->host.size <= HF_HOST_MAX);
    self->changes++;
    self->change = *in;
    if (in->host.size > 0)
        memcpy (self->host, in->host.at, in->host.size);
    self->host[in->host.size] = 0;
}

void
bench_asked (bench_t *self, hf_scan_t *scan, uint32_t kind)
{
    *hf_array_add (&self->asked) = kind;
    switch (kind) {
        HF_OWN_CASE (scan, A_START, a_start, self->started = in.applied);
        HF_OWN_CASE (scan, A_PROPOSE, a_propose, s_proposed (self, in.entries));
        HF_OWN_CASE (scan, A_BARRIER, a_barrier, s_barrier (self, in.id));
        HF_OWN_CASE (scan, A_APPLIED, a_applied, self->credits++; self->credited = in.bytes);
        HF_OWN_CASE (scan, A_FACTS, a_facts, s_facts (self, in.id));
        HF_OWN_CASE (scan, A_WATCHED, a_watched, self->watched = in.watched);
        HF_OWN_CASE (scan, A_CHANGE, a_change, s_take_change (self, &in));
        HF_OWN_CASE (scan, A_SECTIONS, a_sections, s_sections (self, in.sections));
        HF_OWN_CASE (scan, A_ROWS, a_rows, s_rows (self, &in));
        HF_OWN_CASE (scan, A_FILE_QUERY, a_file_query, self->queries++; self->query = in.id);
        HF_OWN_CASE (scan, A_SNAPSHOT, a_snapshot, self->snapshot = in);
    default:
        fail_msg ("a message of kind %u", kind);
    }
}

static void
s_carry_out (bench_t *self)
{
    hf_outbox_t *out = hf_lock_service_outbox (self->service);
    for (size_t i = 0; i < out->frames.count; i++) {
        hf_span_t bytes = hf_outbox_bytes (out, &out->frames.list[i]);
        hf_scan_t scan;
        bench_frame_t *frame = hf_array_add (&self->frames);
        assert_int_equal (hf_frame_open (bytes.at, bytes.size, &scan, &frame->kind), HF_OK);
        frame->route = s_number (&out->frames.list[i].route);
        s_keep (frame, bytes.at, bytes.size);
    }
    for (size_t i = 0; i < out->messages.count; i++) {
        uint32_t kind;
        hf_scan_t scan =
            hf_frame_own (out->messages.list[i].bytes, out->messages.list[i].size, &kind);
        bench_asked (self, &scan, kind);
    }
    for (size_t i = 0; i < out->lines.count; i++) {
        size_t used = strlen (self->log);
        snprintf (self->log + used, sizeof self->log - used, "%s\n", out->lines.list[i].text);
    }
    hf_outbox_reset (out);
}

//  ---- turns ----------------------------------------------------------------------------

void
bench_begin (bench_t *self)
{
    if (self->in_turn)
        return;
    self->in_turn = true;
    hf_lock_service_begin (self->service, self->now_us);
    for (size_t i = 0; i < self->said.count; i++) {
        bench_frame_t *said = &self->said.list[i];
        hf_scan_t scan = hf_frame_own (said->bytes, said->size, &said->kind);
        hf_lock_service_from_actor (self->service, &scan, said->kind, self->now_us);
        free (said->bytes);
    }
    self->said.count = 0;
}

void
bench_turn (bench_t *self, bool drained)
{
    bench_begin (self);
    hf_lock_service_end (self->service, drained);
    s_carry_out (self);
    while (!self->no_time && hf_lock_service_more (self->service))
        s_carry_out (self);
    s_carry_out (self);
    self->in_turn = false;
    hf_state_check (hf_lock_service_state (self->service));
}

void
bench_settle (bench_t *self)
{
    do
        bench_turn (self, true);
    while (self->said.count > 0);
}

void
bench_say (bench_t *self)
{
    bench_begin (self);
    uint32_t kind;
    hf_scan_t scan = hf_frame_own (hf_pack_bytes (&self->pack), hf_pack_size (&self->pack), &kind);
    hf_lock_service_from_actor (self->service, &scan, kind, self->now_us);
    hf_pack_reset (&self->pack);
}

void
bench_roster (bench_t *self, const hf_roster_t *roster, uint64_t index)
{
    hf_pack_t payload;
    hf_pack_init (&payload);
    hf_roster_put (&payload, roster);
    hf_a_roster_frame (&self->pack, &(hf_a_roster_t){.index = index,
                                                     .roster = hf_span (hf_pack_bytes (&payload),
                                                                        hf_pack_size (&payload))});
    hf_pack_done (&payload);
    bench_say (self);
}

void
bench_user (bench_t *self, uint32_t route, uint32_t number)
{
    assert_true (route < sizeof self->user_of / sizeof *self->user_of);
    self->user_of[route] = number;
}

void
bench_lead (bench_t *self, uint64_t term, uint64_t index)
{
    self->term = term;
    hf_a_leading_frame (&self->pack, &(hf_a_leading_t){.term = term, .index = index});
    bench_say (self);
}

void
bench_follow (bench_t *self, uint64_t term, uint32_t leader)
{
    self->term = term;
    hf_a_following_frame (&self->pack, &(hf_a_following_t){.term = term, .leader = leader});
    bench_say (self);
}

void
bench_init (bench_t *self, hf_lock_config_t config, bool leads)
{
    *self = (bench_t){.now_us = 1000 * SECOND};
    hf_pack_init (&self->pack);
    config.self = 1;
    config.endpoint = "here:8080";
    config.version = "1.2.3";
    //  Requests are not held back, unless the test is about that.
    config.together_us = config.together_us != 0 ? config.together_us : 1;
    self->service = hf_lock_service_new (&config, hf_state_new (), self->now_us);
    s_carry_out (self);
    assert_int_equal (self->asked.list[0], HF_KIND_A_START);
    if (leads)
        bench_lead (self, TERM, 0);
    bench_settle (self);
}

void
bench_drop_frames (bench_t *self)
{
    for (size_t i = 0; i < self->frames.count; i++)
        free (self->frames.list[i].bytes);
    self->frames.count = 0;
}

void
bench_done (bench_t *self)
{
    hf_lock_service_destroy (&self->service);
    bench_drop_frames (self);
    bench_commit_late (self);
    for (size_t i = 0; i < self->said.count; i++)
        free (self->said.list[i].bytes);
    hf_array_free (&self->frames);
    hf_array_free (&self->said);
    hf_array_free (&self->late);
    hf_array_free (&self->asked);
    hf_pack_done (&self->pack);
}

//  ---- clients ------------------------------------------------------------------------------

void
bench_send (bench_t *self, uint32_t route)
{
    bench_begin (self);
    hf_route_t from = bench_route (route);
    from.user = route < sizeof self->user_of / sizeof *self->user_of ? self->user_of[route] : 0;
    hf_span_t bytes = hf_span (hf_pack_bytes (&self->pack), hf_pack_size (&self->pack));
    hf_lock_service_from_client (self->service, &from, bytes, self->now_us);
    hf_pack_reset (&self->pack);
}

static bench_frame_t *
s_next (const bench_t *self, uint32_t route)
{
    for (size_t i = 0; i < self->frames.count; i++)
        if (self->frames.list[i].route == route)
            return &self->frames.list[i];
    return NULL;
}

uint32_t
bench_kind (const bench_t *self, uint32_t route)
{
    const bench_frame_t *frame = s_next (self, route);
    return frame ? frame->kind : 0;
}

hf_scan_t
bench_take (bench_t *self, uint32_t route, uint32_t kind)
{
    if (self->in_turn || self->said.count > 0)
        bench_settle (self);
    bench_frame_t *frame = s_next (self, route);
    assert_non_null (frame);
    assert_int_equal (frame->kind, kind);
    hf_pack_reset (&self->pack);
    hf_pack_raw (&self->pack, frame->bytes, frame->size);
    free (frame->bytes);
    size_t at = (size_t)(frame - self->frames.list);
    self->frames.count--;
    memmove (frame, frame + 1, (self->frames.count - at) * sizeof *frame);
    uint32_t found;
    hf_scan_t scan = hf_frame_own (hf_pack_bytes (&self->pack), hf_pack_size (&self->pack), &found);
    hf_pack_reset (&self->pack); //  the bytes stay until the next frame is packed
    return scan;
}

#define TAKE(KIND, name, function)                                                                 \
    hf_##name##_t function (bench_t *self, uint32_t route)                                         \
    {                                                                                              \
        hf_##name##_t message;                                                                     \
        hf_scan_t scan = bench_take (self, route, HF_KIND_##KIND);                                 \
        assert_true (hf_##name##_get (&scan, &message));                                           \
        return message;                                                                            \
    }
TAKE (ANSWERS, answers, bench_answers)
TAKE (OPENED, opened, bench_opened)
TAKE (CLOSED_REPLY, closed, bench_closed)
TAKE (REFUSED, refused, bench_refused)
TAKE (RESULT, query_result, bench_result)

hf_kept_t
bench_alive (bench_t *self, uint32_t route)
{
    hf_kept_t kept;
    uint64_t echo;
    hf_scan_t scan = bench_take (self, route, HF_KIND_ALIVE);
    assert_true (hf_alive_get_one (&scan, &echo, &kept));
    return kept;
}

#define TAKE_ITEM(name)                                                                            \
    hf_##name##_t bench_##name (bench_t *self, uint32_t route)                                     \
    {                                                                                              \
        hf_##name##_t item;                                                                        \
        hf_answers_t answers = bench_answers (self, route);                                        \
        assert_int_equal (answers.items.count, 1);                                                 \
        hf_scan_t scan = hf_scan_list (answers.items);                                             \
        assert_true (hf_##name##_get (&scan, &item));                                              \
        return item;                                                                               \
    }
TAKE_ITEM (answer)
TAKE_ITEM (moved)
TAKE_ITEM (granted)

void
bench_send_open (bench_t *self, uint32_t route, uint8_t mark, uint32_t ttl_ms)
{
    uint8_t nonce[HF_NONCE_SIZE] = {mark};
    hf_open_frame (&self->pack,
                   &(hf_open_t){.nonce = hf_span (nonce, sizeof nonce), .ttl_ms = ttl_ms});
    bench_send (self, route);
}

uint64_t
bench_open (bench_t *self, uint32_t route, uint8_t mark, uint32_t ttl_ms)
{
    bench_send_open (self, route, mark, ttl_ms);
    hf_opened_t opened = bench_opened (self, route);
    assert_int_equal (opened.status, HF_OK);
    return opened.session;
}

void
bench_close (bench_t *self, uint32_t route, uint64_t session, uint64_t echo)
{
    hf_close_frame (&self->pack, &(hf_close_t){.session = session, .echo = echo});
    bench_send (self, route);
}

void
bench_keepalive (bench_t *self, uint32_t route, uint64_t session, uint64_t echo)
{
    hf_keepalive_one (&self->pack, echo, session, 0);
    bench_send (self, route);
}

static void
s_request (bench_t *self, uint32_t route, uint64_t session, const hf_pack_t *request)
{
    hf_requests_frame (
        &self->pack,
        &(hf_requests_t){.session = session, .floor = 1, .requests = hf_pack_list (request)});
    bench_send (self, route);
}

void
bench_acquire (bench_t *self, uint32_t route, uint64_t session, uint64_t seq, const char *lock)
{
    hf_pack_t request;
    hf_pack_init (&request);
    hf_acquire_put (&request,
                    &(hf_acquire_t){.seq = seq, .lock = hf_span_text (lock), .wait = true});
    s_request (self, route, session, &request);
    hf_pack_done (&request);
}

void
bench_append (bench_t *self, uint32_t route, uint64_t session, uint64_t seq, uint64_t token,
              uint64_t owner, size_t bytes)
{
    hf_pack_t request;
    hf_pack_init (&request);
    uint8_t *data = hf_alloc (bytes);
    hf_append_put (&request, &(hf_append_t){.seq = seq,
                                            .lock = hf_span_text ("L"),
                                            .token = token,
                                            .owner = owner,
                                            .file = hf_span_text ("file"),
                                            .data = hf_span (data, bytes)});
    s_request (self, route, session, &request);
    free (data);
    hf_pack_done (&request);
}

void
bench_release (bench_t *self, uint32_t route, uint64_t session, uint64_t seq, const char *lock,
               uint64_t token)
{
    hf_pack_t request;
    hf_pack_init (&request);
    hf_release_put (&request,
                    &(hf_release_t){.seq = seq, .lock = hf_span_text (lock), .token = token});
    s_request (self, route, session, &request);
    hf_pack_done (&request);
}

void
bench_query (bench_t *self, uint32_t route, uint64_t id, uint32_t what, const char *name)
{
    hf_query_frame (
        &self->pack,
        &(hf_query_t){.id = id, .what = what, .name = hf_span_text (name), .limit = HF_DATA_MAX});
    bench_send (self, route);
}

uint64_t
bench_open_fat (bench_t *self)
{
    uint64_t session = bench_open (self, 1, 1, 600000);
    char lock[201];
    memset (lock, 'x', sizeof lock - 1);
    for (uint32_t i = 0; i < 500; i++) {
        snprintf (lock + 190, sizeof lock - 190, "%u", i);
        bench_acquire (self, 1, session, i + 1, lock);
        if (i % 100 == 99)
            bench_settle (self);
    }
    bench_drop_frames (self);
    return session;
}
