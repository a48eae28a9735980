//  A life of the lock service: any frame of any client, and forged ones with numbers that come
//  close, between terms, commits, barriers, answers of the other actors and time.

#include "base/hf_array.h"
#include "nodes/services/hf_lock_service.h"
#include "tests/kit/hf_one.h"
#include "tests/fuzz/fuzz.h"

#define SESSIONS 64 //  ending sessions are noted below this id

typedef struct life {
    hf_lock_service_t *service;
    fuzz_bytes_t input;
    uint64_t now_us, turn_us;
    uint64_t term, index;
    bool leads;
    hf_pack_t pack;              //  scratch: what is said or sent next
    hf_pack_t entries;           //  proposed and not committed
    uint64_t barrier, step, ask; //  the last that was asked for; 0: none is open
    uint64_t section;
    uint64_t ending; //  a bit for each session whose end was proposed in this term
    uint64_t seq;    //  mostly the next one of a session
} life_t;

//  ---- what the service says ------------------------------------------------------------

static void
s_proposed (life_t *self, hf_list_t entries)
{
    assert (self->leads);
    hf_scan_t scan = hf_scan_list (entries);
    for (uint32_t i = 0; i < entries.count; i++) {
        hf_entry_t entry;
        hf_list_t commands;
        bool good = hf_entry_get (&scan, &entry);
        assert (good && entry.payload.size < HF_FRAME_MAX);
        hf_status_t status = hf_payload_get (entry.payload, &commands);
        assert (status == HF_OK);
        hf_scan_t command = hf_scan_list (commands);
        while (!hf_scan_at_end (&command)) {
            uint32_t kind = hf_scan_kind (&command);
            assert (kind >= HF_KIND_CMD_OPEN && kind <= HF_KIND_CMD_SILENCE);
            hf_scan_t one = command;
            hf_cmd_expire_t expire;
            if (kind == HF_KIND_CMD_EXPIRE && hf_cmd_expire_get (&one, &expire) &&
                expire.session < SESSIONS)
                self->ending |= 1ULL << expire.session;
            hf_scan_skip (&command, 1);
        }
        entry.term = self->term;
        hf_entry_put (&self->entries, &entry);
    }
}

static void
s_look_message (life_t *self, const hf_out_message_t *message)
{
    uint32_t kind;
    hf_scan_t scan = hf_frame_own (message->bytes, message->size, &kind);
    hf_a_propose_t propose;
    hf_a_barrier_t barrier;
    hf_a_rows_t rows;
    hf_a_sections_t sections;
    hf_a_file_query_t query;
    if (kind == HF_KIND_A_PROPOSE && hf_a_propose_get (&scan, &propose))
        s_proposed (self, propose.entries);
    else if (kind == HF_KIND_A_BARRIER && hf_a_barrier_get (&scan, &barrier)) {
        assert (self->leads && barrier.id > self->barrier);
        self->barrier = barrier.id;
    } else if (kind == HF_KIND_A_ROWS && hf_a_rows_get (&scan, &rows)) {
        assert (self->step == 0 && rows.section <= self->section);
        self->step = rows.index;
    } else if (kind == HF_KIND_A_SECTIONS && hf_a_sections_get (&scan, &sections))
        self->section = hf_state_section_index (hf_lock_service_state (self->service));
    else if (kind == HF_KIND_A_FILE_QUERY && hf_a_file_query_get (&scan, &query)) {
        assert (hf_name_valid (query.name) || query.name.size == 0);
        self->ask = query.id;
    }
}

static void
s_look_frame (const life_t *self, hf_span_t bytes)
{
    hf_scan_t scan;
    uint32_t kind;
    hf_alive_t alive;
    hf_status_t status = hf_frame_open (bytes.at, bytes.size, &scan, &kind);
    assert (status == HF_OK && kind >= HF_KIND_OPENED && kind <= HF_KIND_EVENTS);
    //  P5b: what ends is acknowledged no more.
    if (kind != HF_KIND_ALIVE || !hf_alive_get (&scan, &alive))
        return;
    hf_scan_t list = hf_scan_list (alive.sessions);
    hf_kept_t kept;
    while (hf_kept_get (&list, &kept))
        if (kept.status == HF_OK)
            assert (self->leads &&
                    (kept.session >= SESSIONS || !(self->ending >> kept.session & 1)));
}

static void
s_carry_out (life_t *self)
{
    hf_outbox_t *out = hf_lock_service_outbox (self->service);
    for (size_t i = 0; i < out->messages.count; i++)
        s_look_message (self, &out->messages.list[i]);
    for (size_t i = 0; i < out->frames.count; i++)
        s_look_frame (self, hf_outbox_bytes (out, &out->frames.list[i]));
    hf_outbox_reset (out);
}

static void
s_end (life_t *self, bool drained)
{
    hf_lock_service_end (self->service, drained);
    s_carry_out (self);
    while (hf_lock_service_more (self->service))
        continue;
    s_carry_out (self);
    hf_state_check (hf_lock_service_state (self->service));
    hf_lock_service_begin (self->service, self->now_us);
}

//  ---- what comes in ----------------------------------------------------------------------

static void
s_say (life_t *self)
{
    uint32_t kind;
    hf_scan_t scan = hf_frame_own (hf_pack_bytes (&self->pack), hf_pack_size (&self->pack), &kind);
    hf_lock_service_from_actor (self->service, &scan, kind, self->now_us);
    s_carry_out (self);
    hf_pack_reset (&self->pack);
}

static void
s_lead (life_t *self, bool leads)
{
    s_carry_out (self);
    self->term++;
    hf_pack_reset (&self->entries);
    if (leads)
        hf_a_leading_frame (&self->pack,
                            &(hf_a_leading_t){.term = self->term, .index = self->index});
    else
        hf_a_following_frame (&self->pack, &(hf_a_following_t){.term = self->term,
                                                               .leader = (uint32_t)self->term % 3});
    self->leads = leads;
    self->ending = 0;
    s_say (self);
}

static void
s_commit (life_t *self)
{
    if (self->entries.count == 0)
        return;
    hf_a_committed_frame (
        &self->pack,
        &(hf_a_committed_t){.first = self->index + 1, .entries = hf_pack_list (&self->entries)});
    self->index += self->entries.count;
    hf_pack_reset (&self->entries);
    s_say (self);
}

static void
s_other_actors (life_t *self)
{
    hf_a_passed_frame (&self->pack, &(hf_a_passed_t){.id = self->barrier, .index = self->index});
    s_say (self);
    hf_a_files_durable_frame (&self->pack, &(hf_a_files_durable_t){.index = self->section});
    s_say (self);
    hf_a_file_result_frame (&self->pack, &(hf_a_file_result_t){.id = self->ask});
    s_say (self);
    if (self->step == 0)
        return;
    hf_a_flushed_frame (&self->pack, &(hf_a_flushed_t){.index = self->step});
    self->step = 0;
    s_say (self);
}

//  ---- clients ------------------------------------------------------------------------------

static void
s_send (life_t *self, const void *bytes, size_t size)
{
    hf_route_t route = {.size = 5, .id = {0, fuzz_u8 (&self->input) % 8}};
    hf_lock_service_from_client (self->service, &route, hf_span (bytes, size), self->now_us);
    if (fuzz_u8 (&self->input) % 16 == 1)
        hf_lock_service_unsent (self->service, fuzz_number (&self->input), &route);
}

static void
s_requests (life_t *self, uint64_t session)
{
    hf_pack_t list;
    hf_pack_init (&list);
    hf_span_t lock = hf_span_text (fuzz_u8 (&self->input) % 2 ? "a" : "b");
    for (unsigned i = fuzz_u8 (&self->input) % 4; i > 0; i--) {
        uint8_t choice = fuzz_u8 (&self->input);
        uint64_t seq = choice < 32 ? fuzz_number (&self->input) : ++self->seq;
        uint64_t token = fuzz_number (&self->input) % 16;
        switch (choice % 4) {
        case 0:
            hf_acquire_put (&list, &(hf_acquire_t){.seq = seq, .lock = lock, .wait = true});
            break;
        case 1:
            hf_release_put (&list, &(hf_release_t){.seq = seq, .lock = lock, .token = token});
            break;
        case 2:
            hf_abandon_put (&list, &(hf_abandon_t){.seq = seq, .lock = lock});
            break;
        default:
            hf_append_put (&list, &(hf_append_t){.seq = seq,
                                                 .lock = lock,
                                                 .token = token,
                                                 .owner = fuzz_number (&self->input) % 4,
                                                 .file = lock,
                                                 .data = lock});
        }
    }
    hf_requests_frame (&self->pack, &(hf_requests_t){.session = session,
                                                     .floor = self->seq / 2,
                                                     .requests = hf_pack_list (&list)});
    hf_pack_done (&list);
}

static void
s_forge (life_t *self)
{
    uint64_t session = fuzz_number (&self->input) % 8;
    uint8_t nonce[HF_NONCE_SIZE] = {0};
    switch (fuzz_u8 (&self->input) % 5) {
    case 0:
        nonce[0] = fuzz_u8 (&self->input) % 8;
        hf_open_frame (&self->pack, &(hf_open_t){.nonce = hf_span (nonce, sizeof nonce),
                                                 .ttl_ms = 1000U << fuzz_u8 (&self->input) % 12});
        break;
    case 1:
        hf_keepalive_one (&self->pack, 0, session, fuzz_u8 (&self->input));
        break;
    case 2:
        hf_close_frame (&self->pack, &(hf_close_t){.session = session});
        break;
    case 3:
        hf_query_frame (&self->pack, &(hf_query_t){.what = fuzz_u8 (&self->input) % 9,
                                                   .name = hf_span_text ("a"),
                                                   .limit = fuzz_u8 (&self->input)});
        break;
    default:
        s_requests (self, session);
    }
    s_send (self, hf_pack_bytes (&self->pack), hf_pack_size (&self->pack));
    hf_pack_reset (&self->pack);
}

/*  Three sessions of 10 s at three routes; 1 holds a with a staged byte, 2 and 3 wait for it. */
static void
s_people (life_t *self)
{
    hf_span_t lock = hf_span_text ("a");
    for (uint8_t i = 0; i < 6; i++) {
        uint8_t session = (uint8_t)(i % 3 + 1);
        hf_route_t route = {.size = 5, .id = {0, session}};
        uint8_t nonce[HF_NONCE_SIZE] = {session};
        hf_pack_t list;
        hf_pack_init (&list);
        hf_acquire_put (&list, &(hf_acquire_t){.seq = 1, .lock = lock, .wait = true});
        if (i == 3)
            hf_append_put (
                &list,
                &(hf_append_t){.seq = 2, .lock = lock, .token = 1, .file = lock, .data = lock});
        if (i < 3)
            hf_open_frame (&self->pack,
                           &(hf_open_t){.nonce = hf_span (nonce, sizeof nonce), .ttl_ms = 10000});
        else
            hf_requests_frame (
                &self->pack,
                &(hf_requests_t){.session = session, .floor = 1, .requests = hf_pack_list (&list)});
        hf_span_t bytes = hf_span (hf_pack_bytes (&self->pack), hf_pack_size (&self->pack));
        hf_lock_service_from_client (self->service, &route, bytes, self->now_us);
        hf_pack_reset (&self->pack);
        hf_pack_done (&list);
        s_end (self, true);
        s_commit (self);
    }
    self->seq = 2;
    assert (hf_state_sessions_count (hf_lock_service_state (self->service)) == 3);
    assert (hf_state_staged_bytes (hf_lock_service_state (self->service)) > 0);
}

static void
s_raw (life_t *self)
{
    size_t size = fuzz_u16 (&self->input);
    uint8_t *bytes = fuzz_take (&self->input, size, &size);
    s_send (self, bytes, size);
    free (bytes);
}

static void
s_act (life_t *self)
{
    uint8_t action = fuzz_u8 (&self->input) % 16;
    if (action == 0)
        s_raw (self);
    else if (action <= 5)
        s_forge (self);
    else if (action <= 7)
        self->now_us += fuzz_number (&self->input) * 20000 % 1000000000;
    else if (action == 8)
        s_lead (self, fuzz_u8 (&self->input) % 4 != 1);
    else if (action <= 12)
        s_end (self, action != 12);
    if (action == 9 || action == 13)
        s_commit (self);
    if (action == 9 || action == 14)
        s_other_actors (self);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    life_t self = {.input = fuzz_bytes (data, size), .now_us = 1000000, .term = 1};
    hf_lock_config_t config = {.self = 1,
                               .endpoint = "here:1",
                               .version = "1",
                               .flush_bytes = 2000,
                               .undecided_max = 5000,
                               .unwritten_max = 5000,
                               .readings_max = 20};
    self.service = hf_lock_service_new (&config, hf_state_new (), self.now_us);
    hf_pack_init (&self.pack);
    hf_pack_init (&self.entries);
    s_lead (&self, true);
    s_people (&self);
    for (unsigned i = 0; i < 2000 && fuzz_left (&self.input) > 0; i++)
        s_act (&self);
    for (unsigned i = 0; i < 2; i++) {
        s_end (&self, true);
        s_commit (&self);
        s_other_actors (&self);
    }
    hf_lock_service_destroy (&self.service);
    hf_pack_done (&self.pack);
    hf_pack_done (&self.entries);
    return 0;
}
