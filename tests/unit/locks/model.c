//  The slow and obvious state (model.h).
#include "tests/unit/locks/model_private.h"
#include <assert.h>

const char *const model_locks[MODEL_LOCKS] = {"alpha", "b", "gamma/1", "gamma/2", "δέλτα"};
const char *const model_files[MODEL_FILES] = {"log", "log.2", "päper"};
const char *const model_notes[MODEL_NOTES] = {"", "node 7:8080", "nötig"};
const char *const model_users[MODEL_USERS] = {"", "kim", "lee@example"};
const char *const model_labels[MODEL_LABELS] = {"", "kim@alpha pid 4711 ./backup.sh", "ünï"};

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

size_t
model_note (hf_span_t note)
{
    return s_number (model_notes, MODEL_NOTES, note);
}

size_t
model_label (hf_span_t label)
{
    return s_number (model_labels, MODEL_LABELS, label);
}

model_t *
model_new (void)
{
    return hf_alloc (sizeof (model_t));
}

void
model_destroy (model_t **self_p)
{
    model_t *self = *self_p;
    for (size_t id = 0; self && id < MODEL_SESSIONS; id++)
        hf_array_free (&self->sessions[id].answers);
    for (size_t i = 0; self && i < self->claims.count; i++)
        model_drop_staged (&self->claims.list[i]);
    for (size_t i = 0; self && i < MODEL_FILES; i++)
        free (self->files[i].bytes);
    if (self) {
        hf_array_free (&self->claims);
        hf_array_free (&self->events);
    }
    free (self);
    *self_p = NULL;
}

model_event_t *
model_add_event (model_t *self, hf_outcome_type_t type, uint64_t session)
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

static bool
s_gone (const model_t *self, uint64_t id)
{
    return id > 0 && id < MODEL_SESSIONS && self->sessions[id].gone;
}

//  ---- requests -------------------------------------------------------------------

static void
s_answer_claim (const model_t *self, const model_claim_t *claim, hf_answer_t *answer)
{
    answer->token = claim->token;
    if (claim->token > 0) {
        answer->index = claim->index;
        answer->position = claim->replaces;
    } else {
        answer->status = HF_QUEUED;
        answer->position = model_position (self, claim);
        if (claim->upgrade) //  the hold stays meanwhile
            answer->token = model_find (self, claim->places[0].lock, claim->session, false)->token;
    }
}

static model_claim_t *
s_add (model_t *self, const model_claim_t *like)
{
    model_claim_t *claim = hf_array_add (&self->claims);
    *claim = *like;
    claim->born = claim->index = self->commands;
    return claim;
}

static hf_status_t
s_read_place (const hf_place_t *place, model_claim_t *wanted)
{
    size_t number = model_lock (place->lock);
    if (place->mode > HF_MODE_SHARED ||
        (place->mode == HF_MODE_EXCLUSIVE && (place->units > 0 || place->limit > 0)) ||
        (place->mode == HF_MODE_SHARED &&
         (place->units == 0 || (place->limit > 0 && place->units > place->limit))))
        return HF_BAD_REQUEST;
    if (number == MODEL_LOCKS)
        return HF_BAD_NAME;
    if (model_at (wanted, number)) //  a lock twice: said when the rest is sound
        wanted->upgrade = true;
    else
        wanted->places[wanted->count++] = (model_place_t){number, place->units, place->limit};
    return HF_OK;
}

/*  Whoever uses the lock says which limit it has. */
static bool
s_conflict (const model_t *self, const model_place_t *place, uint32_t *limit)
{
    for (size_t i = 0; i < self->claims.count && place->units > 0; i++) {
        const model_place_t *other = model_at (&self->claims.list[i], place->lock);
        if (other && other->units > 0 && other->limit != place->limit) {
            *limit = other->limit;
            return true;
        }
    }
    return false;
}

/*  CLAIM is new and waits: who holds what nobody waited for learns of it. */
static void
s_want (model_t *self, const model_claim_t *claim)
{
    model_place_t places[MODEL_LOCKS];
    size_t count = claim->count;
    memcpy (places, claim->places, sizeof places);
    for (size_t i = 0; i < count; i++) {
        size_t waiters = 0;
        for (size_t k = 0; k < self->claims.count; k++)
            waiters +=
                self->claims.list[k].token == 0 && model_at (&self->claims.list[k], places[i].lock);
        if (waiters == 1 && model_holder (self, places[i].lock, 0))
            model_add_event (self, HF_OUT_WANTED, 0)->lock = places[i].lock;
    }
}

/*  A holder of one lock asks for it in another mode. */
static void
s_change (model_t *self, model_claim_t *hold, const model_claim_t *wanted, bool wait,
          hf_answer_t *answer)
{
    model_place_t place = wanted->places[0];
    uint64_t session = hold->session, born = self->commands;
    if (place.units > 0 && hold->places[0].units > 0) {
        answer->status = HF_OVERLAP;
        return;
    }
    model_change_t change = model_begin (self);
    if (place.units > 0) {
        hold->places[0] = place;
        model_touch (&change, hold);
        model_finish (self, &change);
        s_answer_claim (self, model_find (self, place.lock, session, false), answer);
        return;
    }
    model_claim_t upgrade = *wanted;
    upgrade.session = session;
    upgrade.upgrade = true;
    bool alone = model_fits (self, &upgrade, &place), taken = false;
    for (size_t i = 0; i < self->claims.count; i++)
        taken =
            taken || (self->claims.list[i].upgrade && model_at (&self->claims.list[i], place.lock));
    model_claim_t *own = model_find (self, place.lock, session, true);
    if (own)
        s_answer_claim (self, own, answer);
    else if (!alone && (!wait || taken || model_rings (self, &upgrade)))
        answer->status = wait ? HF_DEADLOCK : HF_NOT_GRANTED;
    else if (alone) {
        model_grant (self, s_add (self, &upgrade));
        s_answer_claim (self, model_find (self, place.lock, session, false), answer);
    } else {
        own = s_add (self, &upgrade);
        own->born = born;
        model_touch (&change, own);
        model_finish (self, &change);
        s_want (self, model_find (self, place.lock, session, true));
        s_answer_claim (self, model_find (self, place.lock, session, true), answer);
        return;
    }
    hf_array_free (&change.before);
}

/*  The session has CLAIM at a lock that is asked for. */
static void
s_again (model_t *self, model_claim_t *claim, const model_claim_t *wanted, bool wait,
         hf_answer_t *answer)
{
    bool same = claim->count == wanted->count, units = true;
    for (size_t i = 0; i < wanted->count; i++) {
        const model_place_t *place = model_at (claim, wanted->places[i].lock);
        same = same && place;
        units = units && place && place->units == wanted->places[i].units;
    }
    if (same && !units && claim->token > 0 && claim->count == 1)
        s_change (self, claim, wanted, wait, answer);
    else if (!same || !units)
        answer->status = HF_OVERLAP;
    else {
        size_t number = claim->places[0].lock;
        uint64_t session = claim->session;
        model_claim_t *upgrade = model_find (self, number, session, true);
        if (upgrade)
            model_leave (self, upgrade);
        s_answer_claim (self, model_find (self, number, session, false), answer);
    }
}

static void
s_claim (model_t *self, uint64_t session, model_claim_t *wanted, bool wait, hf_answer_t *answer)
{
    wanted->session = session;
    model_claim_t *own = NULL;
    for (size_t i = 0; i < wanted->count; i++) {
        uint32_t limit;
        if (s_conflict (self, &wanted->places[i], &limit)) {
            answer->status = HF_CONFLICT;
            answer->position = limit;
            return;
        }
        own = own ? own : model_find (self, wanted->places[i].lock, session, false);
    }
    if (own) {
        s_again (self, own, wanted, wait, answer);
        return;
    }
    //  Whoever waits came before.
    wanted->born = UINT64_MAX;
    if (model_grantable (self, wanted)) {
        model_claim_t *claim = s_add (self, wanted);
        model_grant (self, claim);
        s_answer_claim (self, claim, answer);
    } else if (!wait)
        answer->status = HF_NOT_GRANTED;
    else if (model_rings (self, wanted))
        answer->status = HF_DEADLOCK;
    else {
        model_claim_t *claim = s_add (self, wanted);
        s_want (self, claim);
        s_answer_claim (self, claim, answer);
    }
}

static void
s_acquire (model_t *self, uint64_t session, const hf_acquire_t *acquire, hf_answer_t *answer)
{
    hf_place_t place = {acquire->lock, acquire->mode, acquire->mode == HF_MODE_SHARED, 0};
    model_claim_t wanted = {.session = 0};
    answer->status = s_read_place (&place, &wanted);
    if (answer->status == HF_OK)
        s_claim (self, session, &wanted, acquire->wait, answer);
}

static void
s_acquire_set (model_t *self, uint64_t session, const hf_claim_t *claim, hf_answer_t *answer)
{
    model_claim_t wanted = {.session = 0};
    hf_scan_t scan = hf_scan_list (claim->places);
    answer->status = claim->places.count == 0 || claim->places.count > 64 ? HF_BAD_REQUEST : HF_OK;
    for (uint32_t i = 0; i < claim->places.count && answer->status == HF_OK; i++) {
        hf_place_t place;
        answer->status =
            hf_place_get (&scan, &place) ? s_read_place (&place, &wanted) : HF_MALFORMED;
    }
    if (answer->status == HF_OK && wanted.upgrade)
        answer->status = HF_BAD_REQUEST;
    if (claim->acts_for != session && s_session (self, claim->acts_for))
        wanted.acts_for = claim->acts_for;
    size_t other = self->sessions[wanted.acts_for].user;
    if (answer->status == HF_OK && wanted.acts_for != 0 && other != 0 &&
        other != self->sessions[session].user)
        answer->status = HF_DENIED;
    wanted.note = model_note (claim->note);
    if (answer->status == HF_OK && wanted.note == MODEL_NOTES)
        answer->status = HF_BAD_NOTE;
    if (answer->status == HF_OK)
        s_claim (self, session, &wanted, claim->wait, answer);
}

/*  The claim of SESSION that holds lock NUMBER with TOKEN; NULL: there is none. */
static model_claim_t *
s_hold (const model_t *self, size_t number, uint64_t session, uint64_t token)
{
    model_claim_t *claim = model_find (self, number, session, false);
    return claim && claim->token > 0 && claim->token == token ? claim : NULL;
}

static void
s_add_text (model_text_t *to, const uint8_t *bytes, size_t size)
{
    to->bytes = hf_array_room (to->bytes, &to->room, to->size + size, 1);
    if (size > 0)
        memcpy (to->bytes + to->size, bytes, size);
    to->size += size;
}

static bool
s_claims (const model_t *self, uint64_t session)
{
    for (size_t i = 0; i < self->claims.count; i++)
        if (self->claims.list[i].session == session)
            return true;
    return false;
}

/*  From the oldest claim on, those that wait or ALL. Each that leaves may take another with it. */
static void
s_leave_all (model_t *self, uint64_t session, bool all)
{
    for (size_t i = 0; i < self->claims.count;) {
        model_claim_t *claim = &self->claims.list[i];
        if (claim->session == session && (all || claim->token == 0)) {
            model_leave (self, claim);
            i = 0;
        } else
            i++;
    }
}

/*  What it held when it expired is closed no more. */
static void
s_reopen (model_t *self, uint64_t session)
{
    model_add_event (self, HF_OUT_REOPENED, session);
    s_leave_all (self, session, true);
    self->sessions[session].gone = false;
}

/*  RELEASE (COMMIT) or CANCEL. */
static hf_status_t
s_release (model_t *self, uint64_t session, const hf_release_t *release, bool commit)
{
    size_t number = model_lock (release->lock);
    model_claim_t *hold =
        s_hold (self, number, release->owner ? release->owner : session, release->token);
    if (!hold)
        return HF_NOT_HOLDER;
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
    uint64_t holder = hold->session;
    if (holder != session) {
        model_event_t *taken = model_add_event (self, HF_OUT_TAKEN, holder);
        taken->status = commit ? HF_OK : HF_NOT_GRANTED;
        taken->answer.token = release->token;
        taken->answer.position = session;
    }
    model_leave (self, hold);
    if (self->sessions[holder].gone && !s_claims (self, holder))
        s_reopen (self, holder);
    return HF_OK;
}

/*  A waiting upgrade first; then the claim itself. */
static void
s_abandon (model_t *self, uint64_t session, const hf_abandon_t *abandon)
{
    size_t number = model_lock (abandon->lock);
    model_claim_t *claim = model_find (self, number, session, true);
    claim = claim ? claim : model_find (self, number, session, false);
    if (claim)
        model_leave (self, claim);
}

static hf_status_t
s_append (model_t *self, uint64_t session, const hf_append_t *append)
{
    uint64_t owner = append->owner ? append->owner : session;
    size_t number = model_lock (append->lock), file = model_file (append->file);
    model_claim_t *hold = s_hold (self, number, owner, append->token);
    if (!hold || self->sessions[owner].gone)
        return HF_NOT_HOLDER;
    if (owner != session)
        model_add_event (self, HF_OUT_TOUCHED, owner);
    if (file == MODEL_FILES)
        return HF_BAD_NAME;
    hold->appended[file] = true;
    s_add_text (&hold->staged[file], append->data.at, append->data.size);
    return HF_OK;
}

/*  Of a hold, of whomever; or of what the session waits for. A hold has no token 0. */
static hf_status_t
s_note (model_t *self, uint64_t session, const hf_note_t *note)
{
    size_t number = model_lock (note->lock), text = model_note (note->note);
    model_claim_t *claim = s_hold (self, number, note->owner ? note->owner : session, note->token);
    if (note->token == 0 && note->owner == 0) {
        claim = model_find (self, number, session, true);
        claim = claim ? claim : model_find (self, number, session, false);
    }
    if (!claim || self->sessions[claim->session].gone)
        return HF_NOT_HOLDER;
    if (text == MODEL_NOTES)
        return HF_BAD_NOTE;
    claim->note = text;
    return HF_OK;
}

static void
s_execute (model_t *self, uint64_t session, const hf_request_t *request, hf_answer_t *answer)
{
    hf_release_t cancel = {.lock = request->cancel.lock,
                           .token = request->cancel.token,
                           .owner = request->cancel.owner};
    answer->status = request->status;
    if (answer->status != HF_OK)
        return;
    switch (request->kind) {
    case HF_KIND_ACQUIRE:
        s_acquire (self, session, &request->acquire, answer);
        break;
    case HF_KIND_CLAIM:
        s_acquire_set (self, session, &request->claim, answer);
        break;
    case HF_KIND_RELEASE:
        answer->status = s_release (self, session, &request->release, true);
        break;
    case HF_KIND_CANCEL:
        answer->status = s_release (self, session, &cancel, false);
        break;
    case HF_KIND_ABANDON:
        s_abandon (self, session, &request->abandon);
        break;
    case HF_KIND_NOTE:
        answer->status = s_note (self, session, &request->note);
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
    model_event_t *event = model_add_event (self, HF_OUT_ANSWER, id);
    event->answer = answer;
    event->index = answer.index;
    event->status = (hf_status_t)answer.status;
}

//  ---- commands -------------------------------------------------------------------

static void
s_open (model_t *self, const hf_cmd_open_as_t *open)
{
    uint64_t found = 0;
    assert (open->nonce.size == HF_NONCE_SIZE);
    for (uint64_t id = 1; id <= self->last_session; id++)
        if (s_session (self, id) &&
            memcmp (self->sessions[id].nonce, open->nonce.at, HF_NONCE_SIZE) == 0)
            found = id;
    bool good = open->ttl_ms >= 1000 && open->ttl_ms <= 600000;
    size_t label = model_label (open->label);
    bool late = open->delay_ms > 600000 || (open->delay_ms > 0 && open->delay_ms < 100);
    hf_status_t bad = !good ? HF_BAD_TTL : late ? HF_BAD_REQUEST : HF_BAD_LABEL;
    size_t user = s_number (model_users, MODEL_USERS, open->user);
    self->commands += found == 0;
    if (found != 0 && self->sessions[found].user != 0 && self->sessions[found].user != user) {
        found = 0;
        bad = HF_DENIED;
    } else if (found == 0 && good && !late && label < MODEL_LABELS) {
        found = ++self->last_session;
        assert (found < MODEL_SESSIONS);
        model_session_t *session = &self->sessions[found];
        *session = (model_session_t){.alive = true,
                                     .detect = open->detect,
                                     .label = label,
                                     .user = user,
                                     .delay_ms = open->delay_ms,
                                     .ttl_ms = open->ttl_ms,
                                     .floor = 1};
        memcpy (session->nonce, open->nonce.at, HF_NONCE_SIZE);
    }
    model_event_t *event = model_add_event (self, HF_OUT_OPENED, found);
    event->status = found != 0 ? HF_OK : bad;
    event->ttl_ms = found != 0 ? self->sessions[found].ttl_ms : open->ttl_ms;
}

static void
s_end (model_t *self, uint64_t session, hf_status_t status)
{
    self->commands++;
    model_event_t *event = model_add_event (self, HF_OUT_ENDED, session);
    event->status = status;
    event->expired = status == HF_SESSION_EXPIRED;
    self->sessions[session].alive = false;
    for (size_t i = 0; i < self->claims.count; i++)
        if (self->claims.list[i].acts_for == session)
            self->claims.list[i].acts_for = 0;
    bool holds = false;
    for (size_t i = 0; i < self->claims.count; i++)
        holds =
            holds || (self->claims.list[i].session == session && self->claims.list[i].token > 0);
    bool stays = status == HF_SESSION_EXPIRED && self->sessions[session].delay_ms > 0 && holds;
    s_leave_all (self, session, !stays);
    self->sessions[session].gone = stays && s_claims (self, session);
    for (size_t i = 0; i < self->claims.count; i++) {
        model_claim_t *hold = &self->claims.list[i];
        if (hold->session != session)
            continue;
        model_drop_staged (hold);
        memset (hold->staged, 0, sizeof hold->staged);
        memset (hold->appended, 0, sizeof hold->appended);
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
        hf_cmd_open_as_t open_as;
        hf_cmd_close_t close;
        hf_cmd_requests_t requests;
        hf_cmd_expire_t expire;
        uint32_t kind = hf_scan_kind (&scan);
        if (kind == HF_KIND_CMD_OPEN && hf_cmd_open_get (&scan, &open))
            s_open (self, &(hf_cmd_open_as_t){.nonce = open.nonce,
                                              .ttl_ms = open.ttl_ms,
                                              .label = open.label,
                                              .detect = open.detect,
                                              .delay_ms = open.delay_ms});
        else if (kind == HF_KIND_CMD_OPEN_AS && hf_cmd_open_as_get (&scan, &open_as))
            s_open (self, &open_as);
        else if (kind == HF_KIND_CMD_REQUESTS && hf_cmd_requests_get (&scan, &requests))
            s_requests (self, &requests);
        else if (kind == HF_KIND_CMD_EXPIRE && hf_cmd_expire_get (&scan, &expire)) {
            if (expire.term == entry->term && s_session (self, expire.session))
                s_end (self, expire.session, HF_SESSION_EXPIRED);
            else if (expire.term == entry->term && s_gone (self, expire.session)) {
                self->commands++;
                s_reopen (self, expire.session);
            }
        } else if (kind == HF_KIND_CMD_CLOSE && hf_cmd_close_get (&scan, &close)) {
            if (s_session (self, close.session))
                s_end (self, close.session, HF_OK);
            else
                model_add_event (self, HF_OUT_ENDED, close.session)->status = HF_SESSION_EXPIRED;
        }
    }
    assert (!scan.bad);
}
