//  The slow and obvious state machine (model.h).
#include "tests/unit/locks/model.h"
#include <assert.h>

model_t *
model_new (void)
{
    return hf_alloc (sizeof (model_t));
}

static void
s_drop_staged (model_place_t *place)
{
    for (size_t i = 0; i < MODEL_FILES; i++)
        free (place->staged[i]);
}

void
model_destroy (model_t **self_p)
{
    model_t *self = *self_p;
    for (size_t id = 0; self && id < MODEL_SESSIONS; id++)
        hf_array_free (&self->sessions[id].answers);
    for (size_t lock = 0; self && lock < MODEL_LOCKS; lock++)
        for (size_t i = 0; i < self->locks[lock].line_count; i++)
            s_drop_staged (&self->locks[lock].line[i]);
    free (self);
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

/*  Design 5a: EXCLUSIVE takes the whole lock. */
static bool
s_fits (const model_lock_t *lock, uint32_t mode)
{
    for (size_t i = 0; i < lock->holders; i++)
        if (mode == HF_MODE_EXCLUSIVE || lock->line[i].mode == HF_MODE_EXCLUSIVE)
            return false;
    return true;
}

/*  The next place in the line becomes a holder. */
static void
s_grant (model_t *self, model_lock_t *lock)
{
    model_place_t *place = &lock->line[lock->holders++];
    place->token = ++self->last_token;
    place->index = self->commands;
}

static void
s_leave (model_t *self, size_t number, size_t place)
{
    model_lock_t *lock = &self->locks[number];
    bool moved = place >= lock->holders && place + 1 < lock->line_count;
    s_drop_staged (&lock->line[place]);
    memmove (&lock->line[place], &lock->line[place + 1],
             (lock->line_count - place - 1) * sizeof (lock->line[0]));
    lock->line_count--;
    lock->holders -= place < lock->holders;
    while (lock->holders < lock->line_count && s_fits (lock, lock->line[lock->holders].mode)) {
        const model_place_t *next = &lock->line[lock->holders];
        s_grant (self, lock);
        model_event_t *event = s_event (self, HF_OUT_GRANTED, next->session);
        event->lock = number;
        event->answer.token = next->token;
        event->answer.index = next->index;
        moved = true;
    }
    if (moved && lock->line_count > lock->holders)
        s_event (self, HF_OUT_MOVED, 0)->lock = number;
}

//  ---- requests -------------------------------------------------------------------

static void
s_acquire (model_t *self, uint64_t session, const model_request_t *request, hf_answer_t *answer)
{
    if (request->mode != HF_MODE_EXCLUSIVE) {
        answer->status = HF_BAD_REQUEST;
        return;
    }
    if (request->lock == MODEL_LOCKS) {
        answer->status = HF_BAD_NAME;
        return;
    }
    model_lock_t *lock = &self->locks[request->lock];
    size_t place = s_place (lock, session);
    if (place == SIZE_MAX) {
        //  Whoever waits came before.
        bool open = lock->holders == lock->line_count && s_fits (lock, request->mode);
        if (!open && !request->wait) {
            answer->status = HF_NOT_GRANTED;
            return;
        }
        assert (lock->line_count < MODEL_QUEUE);
        place = lock->line_count++;
        lock->line[place] = (model_place_t){.session = session,
                                            .mode = request->mode,
                                            .index = self->commands,
                                            .joined = ++self->joins};
        if (open)
            s_grant (self, lock);
    }
    if (place < lock->holders) {
        answer->token = lock->line[place].token;
        answer->index = lock->line[place].index;
    } else {
        answer->status = HF_QUEUED;
        answer->position = place - lock->holders + 1;
    }
}

/*  The place that the request names as a holder's; SIZE_MAX: it holds nothing with that token. */
static size_t
s_hold (const model_t *self, uint64_t session, const model_request_t *request)
{
    if (request->lock == MODEL_LOCKS)
        return SIZE_MAX;
    const model_lock_t *lock = &self->locks[request->lock];
    size_t place = s_place (lock, request->owner ? request->owner : session);
    return place < lock->holders && lock->line[place].token == request->token ? place : SIZE_MAX;
}

static void
s_add_text (model_text_t *to, const char *bytes, size_t size)
{
    assert (to->size + size < MODEL_BYTES);
    memcpy (to->bytes + to->size, bytes, size);
    to->size += size;
}

uint64_t
model_staged (const model_place_t *place)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < MODEL_FILES; i++)
        bytes += place->staged[i] ? place->staged[i]->size : 0;
    return bytes;
}

static void
s_release (model_t *self, uint64_t session, const model_request_t *request, hf_answer_t *answer)
{
    size_t place = s_hold (self, session, request);
    if (place == SIZE_MAX) {
        answer->status = HF_NOT_HOLDER;
        return;
    }
    const model_place_t *hold = &self->locks[request->lock].line[place];
    bool any = false;
    for (size_t i = 0; i < MODEL_FILES && request->verb == MODEL_RELEASE; i++)
        if (hold->staged[i]) {
            s_add_text (&self->files[i], hold->staged[i]->bytes, hold->staged[i]->size);
            any = true;
        }
    if (any)
        s_event (self, HF_OUT_SECTION, hold->session);
    s_leave (self, request->lock, place);
}

static void
s_append (model_t *self, uint64_t session, const model_request_t *request, hf_answer_t *answer)
{
    size_t place = s_hold (self, session, request);
    if (place == SIZE_MAX) {
        answer->status = HF_NOT_HOLDER;
        return;
    }
    if (request->owner != 0 && request->owner != session)
        s_event (self, HF_OUT_TOUCHED, request->owner);
    if (request->file == MODEL_FILES) {
        answer->status = HF_BAD_NAME;
        return;
    }
    model_text_t **staged = &self->locks[request->lock].line[place].staged[request->file];
    if (!*staged)
        *staged = hf_alloc (sizeof (model_text_t));
    s_add_text (*staged, request->text, strlen (request->text));
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
    for (size_t i = 0; i < session->answers.count; i++)
        if (session->answers.list[i].seq == seq)
            return &session->answers.list[i];
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
        *hf_array_add (&session->answers) = answer;
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
