//  The slow and obvious state (model.h).
#include "tests/unit/locks/model.h"
#include "base/hf_hash.h"
#include <assert.h>

const char *const model_locks[MODEL_LOCKS] = {"alpha", "b", "gamma/1", "gamma/2", "δέλτα"};
const char *const model_files[MODEL_FILES] = {"log", "log.2", "päper"};

static size_t
s_number (const char *const *names, size_t count, hf_span_t name)
{
    size_t number = 0;
    while (number < count && !hf_span_equal (name, hf_span_text (names[number])))
        number++;
    return number;
}

size_t
model_lock (hf_span_t name)
{
    return s_number (model_locks, MODEL_LOCKS, name);
}

size_t
model_file (hf_span_t name)
{
    return s_number (model_files, MODEL_FILES, name);
}

model_t *
model_new (void)
{
    return hf_alloc (sizeof (model_t));
}

static void
s_drop_staged (model_place_t *place)
{
    for (size_t i = 0; i < MODEL_FILES; i++)
        free (place->staged[i].bytes);
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
    for (size_t i = 0; self && i < MODEL_FILES; i++)
        free (self->files[i].bytes);
    if (self)
        hf_array_free (&self->events);
    free (self);
    *self_p = NULL;
}

static model_event_t *
s_event (model_t *self, hf_outcome_type_t type, uint64_t session)
{
    model_event_t *event = hf_array_add (&self->events);
    *event = (model_event_t){.type = type, .session = session, .index = self->commands};
    return event;
}

static model_session_t *
s_session (model_t *self, uint64_t id)
{
    bool alive = id > 0 && id < MODEL_SESSIONS && self->sessions[id].alive;
    return alive ? &self->sessions[id] : NULL;
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
s_acquire (model_t *self, uint64_t session, const hf_acquire_t *acquire, hf_answer_t *answer)
{
    size_t number = model_lock (acquire->lock);
    if (acquire->mode != HF_MODE_EXCLUSIVE || number == MODEL_LOCKS) {
        answer->status = acquire->mode != HF_MODE_EXCLUSIVE ? HF_BAD_REQUEST : HF_BAD_NAME;
        return;
    }
    model_lock_t *lock = &self->locks[number];
    size_t place = s_place (lock, session);
    if (place == SIZE_MAX) {
        //  Whoever waits came before.
        bool open = lock->holders == lock->line_count && s_fits (lock, acquire->mode);
        if (!open && !acquire->wait) {
            answer->status = HF_NOT_GRANTED;
            return;
        }
        assert (lock->line_count < MODEL_QUEUE);
        place = lock->line_count++;
        lock->line[place] = (model_place_t){.session = session,
                                            .mode = acquire->mode,
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

/*  The place of SESSION that holds lock NUMBER with TOKEN; SIZE_MAX: there is none. */
static size_t
s_hold (const model_t *self, size_t number, uint64_t session, uint64_t token)
{
    if (number == MODEL_LOCKS)
        return SIZE_MAX;
    const model_lock_t *lock = &self->locks[number];
    size_t place = s_place (lock, session);
    return place < lock->holders && lock->line[place].token == token ? place : SIZE_MAX;
}

static void
s_add_text (model_text_t *to, const uint8_t *bytes, size_t size)
{
    to->bytes = hf_array_room (to->bytes, &to->room, to->size + size, 1);
    if (size > 0)
        memcpy (to->bytes + to->size, bytes, size);
    to->size += size;
}

/*  RELEASE (COMMIT) or CANCEL. */
static hf_status_t
s_release (model_t *self, uint64_t session, const hf_release_t *release, bool commit)
{
    size_t number = model_lock (release->lock);
    size_t place = s_hold (self, number, release->owner ? release->owner : session, release->token);
    if (place == SIZE_MAX)
        return HF_NOT_HOLDER;
    const model_place_t *hold = &self->locks[number].line[place];
    model_event_t section = {.type = HF_OUT_SECTION};
    for (size_t i = 0; i < MODEL_FILES && commit; i++) {
        section.from[i] = self->files[i].size;
        if (hold->appended[i])
            s_add_text (&self->files[i], hold->staged[i].bytes, hold->staged[i].size);
        section.to[i] = self->files[i].size;
        section.parts |= (uint32_t)hold->appended[i] << i;
    }
    section.session = hold->session;
    section.index = self->commands;
    if (section.parts > 0)
        *hf_array_add (&self->events) = section;
    s_leave (self, number, place);
    return HF_OK;
}

static hf_status_t
s_append (model_t *self, uint64_t session, const hf_append_t *append)
{
    uint64_t owner = append->owner ? append->owner : session;
    size_t number = model_lock (append->lock), file = model_file (append->file);
    size_t place = s_hold (self, number, owner, append->token);
    if (place == SIZE_MAX)
        return HF_NOT_HOLDER;
    if (owner != session)
        s_event (self, HF_OUT_TOUCHED, owner);
    if (file == MODEL_FILES)
        return HF_BAD_NAME;
    model_place_t *hold = &self->locks[number].line[place];
    hold->appended[file] = true;
    s_add_text (&hold->staged[file], append->data.at, append->data.size);
    return HF_OK;
}

static void
s_execute (model_t *self, uint64_t session, const hf_request_t *request, hf_answer_t *answer)
{
    hf_release_t cancel = {.lock = request->cancel.lock,
                           .token = request->cancel.token,
                           .owner = request->cancel.owner};
    size_t number, place;
    answer->status = request->status;
    if (answer->status != HF_OK)
        return;
    switch (request->kind) {
    case HF_KIND_ACQUIRE:
        s_acquire (self, session, &request->acquire, answer);
        break;
    case HF_KIND_RELEASE:
        answer->status = s_release (self, session, &request->release, true);
        break;
    case HF_KIND_CANCEL:
        answer->status = s_release (self, session, &cancel, false);
        break;
    case HF_KIND_ABANDON:
        number = model_lock (request->abandon.lock);
        place = number < MODEL_LOCKS ? s_place (&self->locks[number], session) : SIZE_MAX;
        if (place != SIZE_MAX)
            s_leave (self, number, place);
        break;
    default:
        answer->status = s_append (self, session, &request->append);
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

static void
s_request (model_t *self, uint64_t id, const hf_request_t *request)
{
    hf_answer_t answer = {.seq = request->seq, .index = self->commands};
    model_session_t *session = s_session (self, id);
    if (!session)
        answer.status = HF_SESSION_EXPIRED;
    else if (request->seq < session->floor)
        answer.status = HF_STALE;
    else if (request->seq - session->floor >= HF_WINDOW_MAX)
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
    event->index = answer.index;
    event->status = (hf_status_t)answer.status;
}

//  ---- commands -------------------------------------------------------------------

static void
s_open (model_t *self, const hf_cmd_open_t *open)
{
    uint64_t found = 0;
    assert (open->nonce.size == HF_NONCE_SIZE);
    for (uint64_t id = 1; id <= self->last_session; id++)
        if (s_session (self, id) &&
            memcmp (self->sessions[id].nonce, open->nonce.at, HF_NONCE_SIZE) == 0)
            found = id;
    bool good = open->ttl_ms >= 1000 && open->ttl_ms <= 600000;
    self->commands += found == 0;
    if (found == 0 && good) {
        found = ++self->last_session;
        assert (found < MODEL_SESSIONS);
        model_session_t *session = &self->sessions[found];
        *session = (model_session_t){.alive = true, .ttl_ms = open->ttl_ms, .floor = 1};
        memcpy (session->nonce, open->nonce.at, HF_NONCE_SIZE);
    }
    model_event_t *event = s_event (self, HF_OUT_OPENED, found);
    event->status = found != 0 ? HF_OK : HF_BAD_TTL;
    event->ttl_ms = found != 0 ? self->sessions[found].ttl_ms : open->ttl_ms;
}

static void
s_end (model_t *self, uint64_t session, hf_status_t status)
{
    self->commands++;
    model_event_t *event = s_event (self, HF_OUT_ENDED, session);
    event->status = status;
    event->expired = status == HF_SESSION_EXPIRED;
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

static void
s_requests (model_t *self, const hf_cmd_requests_t *command)
{
    model_session_t *session = s_session (self, command->session);
    if (session && session->floor < command->floor)
        session->floor = command->floor;
    hf_scan_t scan = hf_scan_list (command->requests);
    for (uint32_t i = 0; i < command->requests.count; i++) {
        hf_request_t request;
        if (hf_request_get (&scan, &request))
            s_request (self, command->session, &request);
    }
}

void
model_apply (model_t *self, const hf_entry_t *entry)
{
    hf_list_t commands;
    self->events.count = 0;
    if (entry->type != HF_ENTRY_COMMANDS || hf_payload_get (entry->payload, &commands) != HF_OK)
        return;
    hf_scan_t scan = hf_scan_list (commands);
    for (uint32_t i = 0; i < commands.count; i++) {
        hf_cmd_open_t open;
        hf_cmd_close_t close;
        hf_cmd_requests_t requests;
        hf_cmd_expire_t expire;
        uint32_t kind = hf_scan_kind (&scan);
        if (kind == HF_KIND_CMD_OPEN && hf_cmd_open_get (&scan, &open))
            s_open (self, &open);
        else if (kind == HF_KIND_CMD_REQUESTS && hf_cmd_requests_get (&scan, &requests))
            s_requests (self, &requests);
        else if (kind == HF_KIND_CMD_EXPIRE && hf_cmd_expire_get (&scan, &expire)) {
            if (expire.term == entry->term && s_session (self, expire.session))
                s_end (self, expire.session, HF_SESSION_EXPIRED);
        } else if (kind == HF_KIND_CMD_CLOSE && hf_cmd_close_get (&scan, &close)) {
            if (s_session (self, close.session))
                s_end (self, close.session, HF_OK);
            else
                s_event (self, HF_OUT_ENDED, close.session)->status = HF_SESSION_EXPIRED;
        }
    }
    assert (!scan.bad);
}

//  ---- comparing ------------------------------------------------------------------

static bool
s_agrees_section (const model_t *self, const model_event_t *event, const hf_outcome_t *got)
{
    hf_scan_t scan = hf_scan_list (got->parts_list);
    uint32_t seen = 0;
    for (uint32_t i = 0; i < got->parts_list.count; i++) {
        hf_a_part_t part;
        size_t file = hf_a_part_get (&scan, &part) ? model_file (part.file) : MODEL_FILES;
        if (file == MODEL_FILES || seen >> file & 1 ||
            !hf_span_equal (part.data, hf_span (self->files[file].bytes + event->from[file],
                                                event->to[file] - event->from[file])))
            return false;
        seen |= 1U << file;
    }
    return seen == event->parts;
}

bool
model_agrees (const model_t *self, const model_event_t *event, const hf_outcome_t *got)
{
    const hf_answer_t *a = &got->answer, *b = &event->answer;
    bool named = got->type == HF_OUT_GRANTED || got->type == HF_OUT_MOVED;
    return got->type == event->type && got->session == event->session &&
           got->status == event->status && got->index == event->index &&
           got->ttl_ms == event->ttl_ms && a->seq == b->seq && a->status == b->status &&
           a->token == b->token && a->position == b->position && a->index == b->index &&
           (!named || model_lock (got->lock) == event->lock) &&
           (got->type != HF_OUT_SECTION || s_agrees_section (self, event, got));
}

#define MIX(hash, ...)                                                                             \
    hf_hash (hash, (const uint64_t[]){__VA_ARGS__}, sizeof ((const uint64_t[]){__VA_ARGS__}))

/*  The places of a session; their order does not count. */
static uint64_t
s_look_places (const hf_state_t *state, uint64_t session)
{
    hf_pack_t held, queued;
    hf_pack_init (&held);
    hf_pack_init (&queued);
    bool alive = hf_state_session_places (state, session, &held, &queued);
    assert (alive);
    uint64_t sum = 0;
    hf_scan_t scan = hf_scan_list (hf_pack_list (&held));
    hf_granted_t granted;
    while (!hf_scan_at_end (&scan) && hf_granted_get (&scan, &granted))
        sum += MIX (1, model_lock (granted.lock), granted.token, granted.index);
    scan = hf_scan_list (hf_pack_list (&queued));
    hf_moved_t moved;
    while (!hf_scan_at_end (&scan) && hf_moved_get (&scan, &moved))
        sum += MIX (2, model_lock (moved.lock), moved.position);
    hf_pack_done (&held);
    hf_pack_done (&queued);
    return sum;
}

static uint64_t
s_look_lock (uint64_t hash, const hf_state_t *state, size_t lock)
{
    hf_pack_t rows;
    hf_pack_init (&rows);
    bool more = false;
    bool held =
        hf_state_lock_detail (state, hf_span_text (model_locks[lock]), 1, UINT32_MAX, &rows, &more);
    hf_scan_t scan = hf_scan_list (hf_pack_list (&rows));
    hf_lock_row_t row = {.holders = 0};
    hf_holder_row_t hold;
    hf_waiter_row_t waiter;
    bool good = !held || hf_lock_row_get (&scan, &row);
    hash = MIX (hash, row.holders, row.waiters);
    while (good && !hf_scan_at_end (&scan))
        if (hf_scan_kind (&scan) == HF_KIND_HOLDER_ROW) {
            good = hf_holder_row_get (&scan, &hold);
            hash = MIX (hash, hold.session, hold.mode, hold.token, hold.staged);
        } else {
            good = hf_waiter_row_get (&scan, &waiter);
            hash = MIX (hash, waiter.session, waiter.mode, waiter.position);
        }
    assert (good && !more);
    hf_pack_done (&rows);
    return hash;
}

uint64_t
model_look_state (const hf_state_t *state)
{
    uint64_t session = 0, hash = 0;
    uint32_t ttl_ms;
    for (size_t lock = 0; lock < MODEL_LOCKS; lock++)
        hash = s_look_lock (hash, state, lock);
    hash = MIX (hash, hf_state_command_index (state), hf_state_sessions_count (state),
                hf_state_locks_count (state), hf_state_staged_bytes (state));
    while (hf_state_next_session (state, session, &session, &ttl_ms))
        hash = MIX (hash, session, ttl_ms, s_look_places (state, session));
    return hash;
}

/*  How many bytes a place has staged; with COST, of each file. */
static uint64_t
s_staged (const model_place_t *place, uint64_t cost)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < MODEL_FILES; i++)
        bytes += place->staged[i].size + (place->appended[i] ? cost : 0);
    return bytes;
}

uint64_t
model_look (const model_t *self)
{
    uint64_t live = 0, held = 0, staged = 0, places[MODEL_SESSIONS] = {0}, hash = 0;
    for (size_t number = 0; number < MODEL_LOCKS; number++) {
        const model_lock_t *lock = &self->locks[number];
        hash = MIX (hash, lock->holders, lock->line_count - lock->holders);
        held += lock->line_count > 0;
        for (size_t i = 0; i < lock->line_count; i++) {
            const model_place_t *place = &lock->line[i];
            uint64_t position = i - lock->holders + 1;
            staged += s_staged (place, HF_STAGED_FILE_COST);
            if (i < lock->holders) {
                hash = MIX (hash, place->session, place->mode, place->token, s_staged (place, 0));
                places[place->session] += MIX (1, number, place->token, place->index);
            } else {
                hash = MIX (hash, place->session, place->mode, position);
                places[place->session] += MIX (2, number, position);
            }
        }
    }
    for (uint64_t id = 1; id <= self->last_session; id++)
        live += self->sessions[id].alive;
    hash = MIX (hash, self->commands, live, held, staged);
    for (uint64_t id = 1; id <= self->last_session; id++)
        if (self->sessions[id].alive)
            hash = MIX (hash, id, self->sessions[id].ttl_ms, places[id]);
    return hash;
}
