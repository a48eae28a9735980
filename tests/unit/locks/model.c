#include "tests/unit/locks/model.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

model_t *
model_new (void)
{
    model_t *self = calloc (1, sizeof (*self));
    assert (self);
    return self;
}

void
model_destroy (model_t **self_p)
{
    free (*self_p);
    *self_p = NULL;
}

void
model_forget_events (model_t *self)
{
    self->events_count = 0;
}

static model_event_t *
s_event (model_t *self, hf_outcome_type_t type, uint64_t session)
{
    assert (self->events_count < sizeof (self->events) / sizeof (*self->events));
    model_event_t *event = &self->events[self->events_count++];
    *event = (model_event_t){.type = type, .session = session, .index = self->commands};
    return event;
}

static bool
s_alive (const model_t *self, uint64_t session)
{
    return session > 0 && session < MODEL_SESSIONS && self->sessions[session].alive;
}

//  ---- lines ----------------------------------------------------------------------

static size_t
s_place (const model_lock_t *lock, uint64_t session)
{
    for (size_t i = 0; i < lock->line_count; i++)
        if (lock->line[i].session == session)
            return i;
    return SIZE_MAX;
}

static void
s_drop_staged (model_lock_t *lock)
{
    for (size_t i = 0; i < MODEL_FILES; i++) {
        lock->staged[i].size = 0;
        lock->appended[i] = false;
    }
}

static void
s_leave (model_t *self, size_t number, size_t place)
{
    model_lock_t *lock = &self->locks[number];
    if (place == 0)
        s_drop_staged (lock);
    bool others_behind = place + 1 < lock->line_count;
    memmove (&lock->line[place], &lock->line[place + 1],
             (lock->line_count - place - 1) * sizeof (lock->line[0]));
    lock->line_count--;
    if (place == 0 && lock->line_count > 0) {
        lock->line[0].token = ++self->last_token;
        lock->line[0].index = self->commands;
        model_event_t *event = s_event (self, HF_OUT_GRANTED, lock->line[0].session);
        event->lock = number;
        event->answer.token = lock->line[0].token;
        event->answer.index = self->commands;
    }
    if (others_behind && lock->line_count > 1)
        s_event (self, HF_OUT_MOVED, 0)->lock = number;
}

//  ---- requests -------------------------------------------------------------------

static void
s_acquire (model_t *self, uint64_t session, const model_request_t *request, hf_answer_t *answer)
{
    if (request->lock == MODEL_LOCKS) {
        answer->status = HF_BAD_NAME;
        return;
    }
    model_lock_t *lock = &self->locks[request->lock];
    size_t place = s_place (lock, session);
    if (place == 0) {
        answer->token = lock->line[0].token;
        answer->index = lock->line[0].index;
        return;
    }
    if (place == SIZE_MAX && lock->line_count > 0 && !request->wait) {
        answer->status = HF_NOT_GRANTED;
        return;
    }
    if (place == SIZE_MAX) {
        assert (lock->line_count < MODEL_QUEUE);
        place = lock->line_count++;
        lock->line[place].session = session;
        lock->line[place].token = 0;
        lock->line[place].index = self->commands;
        lock->line[place].joined = ++self->joins;
    }
    if (place == 0)
        answer->token = lock->line[0].token = ++self->last_token;
    else {
        answer->status = HF_QUEUED;
        answer->position = place;
    }
}

static bool
s_holds (const model_t *self, uint64_t session, const model_request_t *request)
{
    if (request->lock == MODEL_LOCKS || self->locks[request->lock].line_count == 0)
        return false;
    uint64_t who = request->owner ? request->owner : session;
    return self->locks[request->lock].line[0].session == who &&
           self->locks[request->lock].line[0].token == request->token;
}

static void
s_add_text (model_text_t *to, const char *bytes, size_t size)
{
    assert (to->size + size < MODEL_BYTES);
    memcpy (to->bytes + to->size, bytes, size);
    to->size += size;
}

static void
s_release (model_t *self, uint64_t session, const model_request_t *request, hf_answer_t *answer)
{
    if (!s_holds (self, session, request)) {
        answer->status = HF_NOT_HOLDER;
        return;
    }
    model_lock_t *lock = &self->locks[request->lock];
    bool any = false;
    for (size_t i = 0; i < MODEL_FILES && request->verb == MODEL_RELEASE; i++) {
        s_add_text (&self->files[i], lock->staged[i].bytes, lock->staged[i].size);
        any = any || lock->appended[i];
    }
    if (any)
        s_event (self, HF_OUT_SECTION, lock->line[0].session);
    s_leave (self, request->lock, 0);
}

static void
s_append (model_t *self, uint64_t session, const model_request_t *request, hf_answer_t *answer)
{
    if (!s_holds (self, session, request)) {
        answer->status = HF_NOT_HOLDER;
        return;
    }
    if (request->owner != 0 && request->owner != session)
        s_event (self, HF_OUT_TOUCHED, request->owner);
    if (request->file == MODEL_FILES) {
        answer->status = HF_BAD_NAME;
        return;
    }
    model_lock_t *lock = &self->locks[request->lock];
    s_add_text (&lock->staged[request->file], request->text, strlen (request->text));
    lock->appended[request->file] = true;
}

static void
s_execute (model_t *self, uint64_t session, const model_request_t *request, hf_answer_t *answer)
{
    size_t place = 0;
    switch (request->verb) {
    case MODEL_ACQUIRE:
        s_acquire (self, session, request, answer);
        break;
    case MODEL_RELEASE:
    case MODEL_CANCEL:
        s_release (self, session, request, answer);
        break;
    case MODEL_ABANDON:
        if (request->lock == MODEL_LOCKS)
            break;
        place = s_place (&self->locks[request->lock], session);
        if (place != SIZE_MAX)
            s_leave (self, request->lock, place);
        break;
    case MODEL_APPEND:
        s_append (self, session, request, answer);
        break;
    }
}

static const hf_answer_t *
s_answered (const model_session_t *session, uint64_t seq)
{
    for (size_t i = 0; i < session->answers_count; i++)
        if (session->answers[i].seq == seq)
            return &session->answers[i];
    return NULL;
}

void
model_ask (model_t *self, uint64_t id, const model_request_t *request)
{
    hf_answer_t answer = {.seq = request->seq, .index = self->commands};
    model_session_t *session = s_alive (self, id) ? &self->sessions[id] : NULL;
    if (!session)
        answer.status = HF_SESSION_EXPIRED;
    else if (request->seq < session->floor)
        answer.status = HF_STALE;
    else if (request->seq >= session->floor + HF_WINDOW_MAX)
        answer.status = HF_LIMIT;
    else if (s_answered (session, request->seq))
        answer = *s_answered (session, request->seq);
    else {
        answer.index = ++self->commands;
        s_execute (self, id, request, &answer);
        assert (session->answers_count < MODEL_ANSWERS);
        session->answers[session->answers_count++] = answer;
    }
    model_event_t *event = s_event (self, HF_OUT_ANSWER, id);
    event->answer = answer;
    event->status = (hf_status_t)answer.status;
}

void
model_floor (model_t *self, uint64_t session, uint64_t floor)
{
    if (s_alive (self, session) && self->sessions[session].floor < floor)
        self->sessions[session].floor = floor;
}

//  ---- sessions -------------------------------------------------------------------

void
model_open (model_t *self, uint64_t nonce, uint32_t ttl_ms)
{
    uint64_t found = 0;
    for (uint64_t id = 1; id <= self->last_session; id++)
        if (self->sessions[id].alive && self->sessions[id].nonce == nonce)
            found = id;
    bool good = ttl_ms >= 1000 && ttl_ms <= 600000;
    if (found == 0) {
        self->commands++;
        if (good) {
            found = ++self->last_session;
            assert (found < MODEL_SESSIONS);
            model_session_t *session = &self->sessions[found];
            session->alive = true;
            session->nonce = nonce;
            session->ttl_ms = ttl_ms;
            session->floor = 1;
        }
    }
    s_event (self, HF_OUT_OPENED, found)->status = found != 0 ? HF_OK : HF_BAD_TTL;
}

static void
s_end (model_t *self, uint64_t session, hf_status_t status)
{
    self->commands++;
    s_event (self, HF_OUT_ENDED, session)->status = status;
    self->sessions[session].alive = false;
    for (;;) {
        size_t oldest = MODEL_LOCKS, oldest_place = 0;
        for (size_t i = 0; i < MODEL_LOCKS; i++) {
            size_t place = s_place (&self->locks[i], session);
            if (place == SIZE_MAX)
                continue;
            uint64_t joined = self->locks[i].line[place].joined;
            if (oldest == MODEL_LOCKS || joined < self->locks[oldest].line[oldest_place].joined) {
                oldest = i;
                oldest_place = place;
            }
        }
        if (oldest == MODEL_LOCKS)
            break;
        s_leave (self, oldest, oldest_place);
    }
}

void
model_close (model_t *self, uint64_t session)
{
    if (s_alive (self, session))
        s_end (self, session, HF_OK);
    else
        s_event (self, HF_OUT_ENDED, session)->status = HF_SESSION_EXPIRED;
}

void
model_expire (model_t *self, uint64_t session, bool same_term)
{
    if (same_term && s_alive (self, session))
        s_end (self, session, HF_SESSION_EXPIRED);
}
