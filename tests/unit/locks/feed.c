//  Entries for the state, and what they caused (feed.h).
#include "tests/unit/locks/feed.h"
#include <assert.h>
#include <stdio.h>

feed_t *
feed_new (bool checked)
{
    return feed_over (hf_state_new (), checked ? hf_state_new () : NULL);
}

feed_t *
feed_over (hf_state_t *state, hf_state_t *twin)
{
    feed_t *self = hf_alloc (sizeof (*self));
    self->state = state;
    self->twin = twin;
    hf_outcomes_init (&self->out);
    hf_outcomes_init (&self->twin_out);
    hf_pack_init (&self->commands);
    hf_pack_init (&self->requests);
    self->term = FEED_TERM;
    return self;
}

feed_t *
feed_with (uint64_t sessions)
{
    feed_t *self = feed_new (true);
    for (uint64_t i = 1; i <= sessions; i++)
        feed_open (self, 100 + i, 10000);
    return self;
}

void
feed_destroy (feed_t **self_p)
{
    feed_t *self = *self_p;
    hf_state_destroy (&self->state);
    hf_state_destroy (&self->twin);
    hf_outcomes_done (&self->out);
    hf_outcomes_done (&self->twin_out);
    hf_pack_done (&self->commands);
    hf_pack_done (&self->requests);
    for (size_t i = 0; i < self->files.count; i++)
        free (self->files.list[i].bytes);
    hf_array_free (&self->files);
    hf_array_free (&self->next_seq);
    free (self);
    *self_p = NULL;
}

//  ---- building an entry ----------------------------------------------------------

static uint64_t *
s_next_seq (feed_t *self, uint64_t session)
{
    while (session >= self->next_seq.count)
        *hf_array_add (&self->next_seq) = 1;
    return &self->next_seq.list[session];
}

uint64_t
feed_seq (feed_t *self, uint64_t session)
{
    return *s_next_seq (self, session);
}

void
feed_stop (feed_t *self)
{
    if (self->session == 0)
        return;
    hf_cmd_requests_t command = {
        .session = self->session, .floor = self->floor, .requests = hf_pack_list (&self->requests)};
    hf_cmd_requests_put (&self->commands, &command);
    hf_pack_reset (&self->requests);
    self->session = 0;
}

void
feed_cmd_open (feed_t *self, uint64_t nonce, uint32_t ttl_ms)
{
    feed_stop (self);
    uint8_t bytes[HF_NONCE_SIZE] = {0};
    memcpy (bytes, &nonce, sizeof (nonce));
    if (self->user) {
        hf_cmd_open_as_put (
            &self->commands,
            &(hf_cmd_open_as_t){.nonce = hf_span (bytes, sizeof (bytes)),
                                .ttl_ms = ttl_ms,
                                .label = hf_span_text (self->label ? self->label : ""),
                                .detect = self->detect,
                                .delay_ms = self->delay_ms,
                                .user = hf_span_text (self->user)});
        return;
    }
    hf_cmd_open_t command = {.nonce = hf_span (bytes, sizeof (bytes)),
                             .ttl_ms = ttl_ms,
                             .label = hf_span_text (self->label ? self->label : ""),
                             .detect = self->detect,
                             .delay_ms = self->delay_ms};
    hf_cmd_open_put (&self->commands, &command);
}

void
feed_cmd_close (feed_t *self, uint64_t session)
{
    feed_stop (self);
    hf_cmd_close_t command = {.session = session};
    hf_cmd_close_put (&self->commands, &command);
}

void
feed_cmd_expire (feed_t *self, uint64_t session, uint64_t term)
{
    feed_stop (self);
    hf_cmd_expire_t command = {.session = session, .term = term};
    hf_cmd_expire_put (&self->commands, &command);
}

void
feed_start (feed_t *self, uint64_t session)
{
    assert (session != 0);
    feed_stop (self);
    self->session = session;
    self->floor = self->seq = feed_seq (self, session);
}

void
feed_again (feed_t *self, uint64_t seq)
{
    self->seq = seq;
}

static uint64_t
s_take_seq (feed_t *self)
{
    assert (self->session != 0);
    uint64_t seq = self->seq++;
    uint64_t *next = s_next_seq (self, self->session);
    *next = self->seq > *next ? self->seq : *next;
    return seq;
}

void
feed_acquire_mode (feed_t *self, const char *lock, uint32_t mode, bool wait)
{
    hf_acquire_t request = {s_take_seq (self), hf_span_text (lock), mode, wait};
    hf_acquire_put (&self->requests, &request);
}

void
feed_claim (feed_t *self, const hf_place_t *places, size_t count, bool wait)
{
    hf_pack_t list;
    hf_pack_init (&list);
    for (size_t i = 0; i < count; i++)
        hf_place_put (&list, &places[i]);
    hf_claim_t request = {.seq = s_take_seq (self),
                          .places = hf_pack_list (&list),
                          .wait = wait,
                          .acts_for = self->acts_for,
                          .note = hf_span_text (self->note ? self->note : "")};
    hf_claim_put (&self->requests, &request);
    hf_pack_done (&list);
}

void
feed_acquire (feed_t *self, const char *lock, bool wait)
{
    feed_acquire_mode (self, lock, HF_MODE_EXCLUSIVE, wait);
}

void
feed_release (feed_t *self, const char *lock, uint64_t token, uint64_t owner)
{
    hf_release_t request = {
        .seq = s_take_seq (self), .lock = hf_span_text (lock), .token = token, .owner = owner};
    hf_release_put (&self->requests, &request);
}

void
feed_cancel (feed_t *self, const char *lock, uint64_t token, uint64_t owner)
{
    hf_cancel_t request = {
        .seq = s_take_seq (self), .lock = hf_span_text (lock), .token = token, .owner = owner};
    hf_cancel_put (&self->requests, &request);
}

void
feed_abandon (feed_t *self, const char *lock)
{
    hf_abandon_t request = {.seq = s_take_seq (self), .lock = hf_span_text (lock)};
    hf_abandon_put (&self->requests, &request);
}

void
feed_note (feed_t *self, const char *lock, uint64_t token, uint64_t owner, const char *note)
{
    hf_note_t request = {s_take_seq (self), hf_span_text (lock), token, owner, hf_span_text (note)};
    hf_note_put (&self->requests, &request);
}

void
feed_append (feed_t *self, const char *lock, uint64_t token, uint64_t owner, const char *file,
             hf_span_t data)
{
    hf_append_t request = {.seq = s_take_seq (self),
                           .lock = hf_span_text (lock),
                           .token = token,
                           .owner = owner,
                           .file = hf_span_text (file),
                           .data = data};
    hf_append_put (&self->requests, &request);
}

void
feed_raw (feed_t *self, const hf_pack_t *request)
{
    hf_pack_raw (&self->requests, hf_pack_bytes (request), hf_pack_size (request));
    self->requests.count++;
}

//  ---- applying -------------------------------------------------------------------

static bool
s_equal_answers (const hf_answer_t *a, const hf_answer_t *b)
{
    return a->seq == b->seq && a->status == b->status && a->index == b->index &&
           a->token == b->token && a->position == b->position;
}

static void
s_check_twin (const feed_t *self)
{
    assert (hf_state_hash (self->state) == hf_state_hash (self->twin));
    assert (self->out.count == self->twin_out.count);
    for (size_t i = 0; i < self->out.count; i++) {
        const hf_outcome_t *a = &self->out.list[i], *b = &self->twin_out.list[i];
        assert (a->type == b->type && a->status == b->status && a->session == b->session);
        assert (a->index == b->index && a->ttl_ms == b->ttl_ms);
        assert (memcmp (a->nonce, b->nonce, HF_NONCE_SIZE) == 0);
        assert (s_equal_answers (&a->answer, &b->answer) && hf_span_equal (a->lock, b->lock));
        hf_span_t parts = {.at = a->parts_list.at, .size = a->parts_list.size};
        hf_span_t twin_parts = {.at = b->parts_list.at, .size = b->parts_list.size};
        assert (hf_span_equal (parts, twin_parts));
    }
    hf_state_check (self->state);
}

static feed_file_t *
s_file (feed_t *self, hf_span_t name)
{
    for (size_t i = 0; i < self->files.count; i++)
        if (hf_span_equal (hf_span_text (self->files.list[i].name), name))
            return &self->files.list[i];
    feed_file_t *file = hf_array_add (&self->files);
    assert (name.size < sizeof (file->name));
    *file = (feed_file_t){.bytes = NULL};
    memcpy (file->name, name.at, name.size);
    return file;
}

static void
s_write_section (feed_t *self, hf_list_t parts)
{
    assert (parts.count > 0);
    hf_scan_t scan = hf_scan_list (parts);
    uint32_t count = 0;
    for (; !hf_scan_at_end (&scan); count++) {
        hf_a_part_t part;
        bool sound = hf_a_part_get (&scan, &part);
        assert (sound);
        feed_file_t *file = s_file (self, part.file);
        file->bytes = hf_array_room (file->bytes, &file->room, file->size + part.data.size + 1, 1);
        memcpy (file->bytes + file->size, part.data.at, part.data.size);
        file->size += part.data.size;
        file->bytes[file->size] = 0;
    }
    assert (count == parts.count);
}

void
feed_apply_payload (feed_t *self, hf_span_t payload)
{
    feed_apply_entry (self, HF_ENTRY_COMMANDS, payload);
}

void
feed_apply_entry (feed_t *self, uint32_t type, hf_span_t payload)
{
    hf_entry_t entry = {self->term, type, payload};
    uint64_t index = hf_state_applied_index (self->state) + 1;
    hf_outcomes_reset (&self->out);
    hf_state_apply (self->state, index, &entry, &self->out);
    if (self->twin) {
        hf_outcomes_reset (&self->twin_out);
        hf_state_apply (self->twin, index, &entry, &self->twin_out);
        s_check_twin (self);
    }
    for (size_t i = 0; i < self->out.count; i++)
        if (self->out.list[i].type == HF_OUT_SECTION)
            s_write_section (self, self->out.list[i].parts_list);
}

void
feed_apply (feed_t *self)
{
    feed_stop (self);
    hf_pack_t payload;
    hf_pack_init (&payload);
    hf_payload_put (&payload, hf_pack_list (&self->commands));
    feed_apply_payload (self, hf_span (hf_pack_bytes (&payload), hf_pack_size (&payload)));
    hf_pack_done (&payload);
    hf_pack_reset (&self->commands);
}

//  ---- one entry each -----------------------------------------------------------

uint64_t
feed_open (feed_t *self, uint64_t nonce, uint32_t ttl_ms)
{
    feed_cmd_open (self, nonce, ttl_ms);
    feed_apply (self);
    const hf_outcome_t *opened = feed_outcome (self, HF_OUT_OPENED, 0);
    assert (opened->status == HF_OK && opened->session != 0);
    return opened->session;
}

hf_answer_t
feed_do_acquire (feed_t *self, uint64_t session, const char *lock, bool wait)
{
    feed_start (self, session);
    feed_acquire (self, lock, wait);
    feed_apply (self);
    return *feed_answer (self, 0);
}

static hf_status_t
s_one (feed_t *self)
{
    feed_apply (self);
    return (hf_status_t)feed_answer (self, 0)->status;
}

hf_status_t
feed_do_release (feed_t *self, uint64_t session, const char *lock, uint64_t token)
{
    feed_start (self, session);
    feed_release (self, lock, token, 0);
    return s_one (self);
}

hf_status_t
feed_do_cancel (feed_t *self, uint64_t session, const char *lock, uint64_t token)
{
    feed_start (self, session);
    feed_cancel (self, lock, token, 0);
    return s_one (self);
}

hf_status_t
feed_do_abandon (feed_t *self, uint64_t session, const char *lock)
{
    feed_start (self, session);
    feed_abandon (self, lock);
    return s_one (self);
}

hf_status_t
feed_do_append (feed_t *self, uint64_t session, const char *lock, uint64_t token, const char *file,
                const char *text)
{
    feed_start (self, session);
    feed_append (self, lock, token, 0, file, hf_span_text (text));
    return s_one (self);
}

void
feed_do_close (feed_t *self, uint64_t session)
{
    feed_cmd_close (self, session);
    feed_apply (self);
}

//  ---- looking ------------------------------------------------------------------

size_t
feed_count (const feed_t *self, hf_outcome_type_t type)
{
    size_t count = 0;
    for (size_t i = 0; i < self->out.count; i++)
        count += self->out.list[i].type == type;
    return count;
}

const hf_outcome_t *
feed_outcome (const feed_t *self, hf_outcome_type_t type, size_t nth)
{
    for (size_t i = 0; i < self->out.count; i++)
        if (self->out.list[i].type == type && nth-- == 0)
            return &self->out.list[i];
    fputs ("no such outcome\n", stderr);
    abort ();
}

const hf_answer_t *
feed_answer (const feed_t *self, size_t nth)
{
    return &feed_outcome (self, HF_OUT_ANSWER, nth)->answer;
}

const char *
feed_file (const feed_t *self, const char *file)
{
    for (size_t i = 0; i < self->files.count; i++)
        if (strcmp (self->files.list[i].name, file) == 0)
            return (const char *)self->files.list[i].bytes;
    return "";
}

uint64_t
feed_holder (const feed_t *self, const char *lock, uint64_t *token)
{
    hf_pack_t rows;
    hf_pack_init (&rows);
    bool more = false;
    hf_lock_row_t row;
    hf_holder_row_t hold = {.session = 0};
    if (hf_state_lock_detail (self->state, hf_span_text (lock), 1, 1, &rows, &more)) {
        hf_scan_t scan = hf_scan_list (hf_pack_list (&rows));
        bool sound =
            hf_lock_row_get (&scan, &row) && (row.holders == 0 || hf_holder_row_get (&scan, &hold));
        assert (sound && (row.holders > 0) == (hold.session != 0));
    }
    hf_pack_done (&rows);
    if (token)
        *token = hold.token;
    return hold.session;
}

static void
s_tell_waiter (void *arg, hf_span_t lock, uint64_t session, uint64_t position)
{
    char *text = arg;
    assert (position >= 1 && lock.size > 0);
    sprintf (text + strlen (text), position > 1 ? " %llu" : "%llu", (unsigned long long)session);
}

const char *
feed_queue (const feed_t *self, const char *lock, char *text)
{
    text[0] = 0;
    hf_state_waiters (self->state, hf_span_text (lock), 0, UINT32_MAX, s_tell_waiter, text);
    return text;
}
