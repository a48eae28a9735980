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
s_drop_staged (model_claim_t *claim)
{
    for (size_t i = 0; i < MODEL_FILES; i++)
        free (claim->staged[i].bytes);
}

void
model_destroy (model_t **self_p)
{
    model_t *self = *self_p;
    for (size_t id = 0; self && id < MODEL_SESSIONS; id++)
        hf_array_free (&self->sessions[id].answers);
    for (size_t i = 0; self && i < self->claims.count; i++)
        s_drop_staged (&self->claims.list[i]);
    for (size_t i = 0; self && i < MODEL_FILES; i++)
        free (self->files[i].bytes);
    if (self) {
        hf_array_free (&self->claims);
        hf_array_free (&self->events);
    }
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

//  ---- claims ---------------------------------------------------------------------

/*  The claim's place at lock NUMBER; NULL: it has none. */
static const model_place_t *
s_at (const model_claim_t *claim, size_t number)
{
    for (size_t i = 0; i < claim->count; i++)
        if (claim->places[i].lock == number)
            return &claim->places[i];
    return NULL;
}

/*  The claim of SESSION at lock NUMBER, its upgrade there or not; NULL: it has none. */
static model_claim_t *
s_find (const model_t *self, size_t number, uint64_t session, bool upgrade)
{
    for (size_t i = 0; i < self->claims.count; i++) {
        model_claim_t *claim = &self->claims.list[i];
        if (claim->session == session && claim->upgrade == upgrade && s_at (claim, number))
            return claim;
    }
    return NULL;
}

/*  How many claims wait in the queue of lock NUMBER before this one, which waits there. */
static size_t
s_before (const model_t *self, const model_claim_t *claim, size_t number)
{
    size_t before = 0;
    for (size_t i = 0; i < self->claims.count; i++) {
        const model_claim_t *other = &self->claims.list[i];
        if (other->token == 0 && s_at (other, number) && !claim->upgrade)
            before += other->upgrade || other->born < claim->born;
    }
    return before;
}

/*  Design 5a: EXCLUSIVE takes the whole lock, SHARED takes units of it. An upgrade fits beside the
 *  hold that it replaces. */
static bool
s_fits (const model_t *self, const model_claim_t *claim, const model_place_t *place)
{
    uint64_t units = place->units;
    for (size_t i = 0; i < self->claims.count; i++) {
        const model_claim_t *other = &self->claims.list[i];
        const model_place_t *hold = other->token > 0 ? s_at (other, place->lock) : NULL;
        if (!hold || (claim->upgrade && other->session == claim->session))
            continue;
        if (place->units == 0 || hold->units == 0)
            return false;
        units += hold->units;
    }
    return place->limit == 0 || units <= place->limit;
}

static bool
s_grantable (const model_t *self, const model_claim_t *claim)
{
    for (size_t i = 0; i < claim->count; i++)
        if (s_before (self, claim, claim->places[i].lock) > 0 ||
            !s_fits (self, claim, &claim->places[i]))
            return false;
    return claim->token == 0;
}

bool
model_starves (const model_t *self)
{
    for (size_t i = 0; i < self->claims.count; i++)
        if (s_grantable (self, &self->claims.list[i]))
            return true;
    return false;
}

const model_claim_t *
model_holder (const model_t *self, size_t number, size_t nth)
{
    uint64_t after = 0;
    const model_claim_t *found;
    do {
        found = NULL;
        for (size_t i = 0; i < self->claims.count; i++) {
            const model_claim_t *claim = &self->claims.list[i];
            if (claim->token > after && s_at (claim, number) &&
                (!found || claim->token < found->token))
                found = claim;
        }
        after = found ? found->token : 0;
    } while (found && nth-- > 0);
    return found;
}

static uint64_t
s_position (const model_t *self, const model_claim_t *claim)
{
    uint64_t worst = 0;
    for (size_t i = 0; i < claim->count; i++) {
        uint64_t position = 1 + s_before (self, claim, claim->places[i].lock);
        worst = position > worst ? position : worst;
    }
    return worst;
}

static void
s_drop (model_t *self, model_claim_t *claim)
{
    size_t at = (size_t)(claim - self->claims.list);
    s_drop_staged (claim);
    memmove (claim, claim + 1, (self->claims.count - at - 1) * sizeof (*claim));
    self->claims.count--;
}

/*  The claim becomes a hold. An upgrade takes over what the hold that it replaces has staged. */
static void
s_grant (model_t *self, model_claim_t *claim)
{
    claim->token = ++self->last_token;
    claim->index = self->commands;
    if (!claim->upgrade)
        return;
    model_claim_t *hold = s_find (self, claim->places[0].lock, claim->session, false);
    assert (hold);
    memcpy (claim->appended, hold->appended, sizeof (hold->appended));
    memcpy (claim->staged, hold->staged, sizeof (hold->staged));
    memset (hold->staged, 0, sizeof (hold->staged));
    claim->upgrade = false;
    s_drop (self, hold);
}

//  ---- a command changes claims -----------------------------------------------------

/*  The locks that it touched, in order, and the queues as they were before. */
typedef struct change {
    size_t locks[MODEL_LOCKS], count;
    HF_ARRAY (model_claim_t) before;
} change_t;

static change_t
s_begin (const model_t *self)
{
    change_t change = {.count = 0};
    for (size_t i = 0; i < self->claims.count; i++)
        *hf_array_add (&change.before) = self->claims.list[i];
    return change;
}

static void
s_touch (change_t *change, const model_claim_t *claim)
{
    for (size_t i = 0; i < claim->count; i++) {
        bool known = false;
        for (size_t k = 0; k < change->count; k++)
            known = known || change->locks[k] == claim->places[i].lock;
        if (!known)
            change->locks[change->count++] = claim->places[i].lock;
    }
}

/*  Whether a claim that waits at lock NUMBER had another place in its queue, or a new one came in
 *  front. */
static bool
s_moved (const model_t *self, const change_t *change, size_t number)
{
    model_t old = {.commands = 0};
    old.claims.list = change->before.list;
    old.claims.count = change->before.count;
    for (size_t i = 0; i < self->claims.count; i++) {
        const model_claim_t *claim = &self->claims.list[i];
        if (claim->token > 0 || !s_at (claim, number))
            continue;
        for (size_t k = 0; k < old.claims.count; k++)
            if (old.claims.list[k].born == claim->born &&
                s_before (&old, &old.claims.list[k], number) != s_before (self, claim, number))
                return true;
        if (claim->upgrade && claim->born == self->commands)
            return true;
    }
    return false;
}

/*  Grant the first in the queue of lock NUMBER, if it can be granted. */
static bool
s_grant_first (model_t *self, change_t *change, size_t number)
{
    for (size_t i = 0; i < self->claims.count; i++) {
        model_claim_t *claim = &self->claims.list[i];
        if (!s_at (claim, number) || !s_grantable (self, claim))
            continue;
        uint64_t born = claim->born;
        s_touch (change, claim);
        s_grant (self, claim);
        for (size_t k = 0; k < self->claims.count; k++) {
            claim = &self->claims.list[k];
            if (claim->born != born)
                continue;
            model_event_t *event = s_event (self, HF_OUT_GRANTED, claim->session);
            event->lock = claim->places[0].lock;
            event->answer.token = claim->token;
            event->answer.index = claim->index;
        }
        return true;
    }
    return false;
}

/*  Grant at the touched locks, in order and again, until nothing can be granted. */
static void
s_finish (model_t *self, change_t *change)
{
    bool again = true;
    while (again) {
        again = false;
        for (size_t i = 0; i < change->count; i++)
            while (s_grant_first (self, change, change->locks[i]))
                again = true;
    }
    for (size_t i = 0; i < change->count; i++)
        if (s_moved (self, change, change->locks[i]))
            s_event (self, HF_OUT_MOVED, 0)->lock = change->locks[i];
    hf_array_free (&change->before);
    assert (!model_starves (self));
}

static void
s_leave (model_t *self, model_claim_t *claim)
{
    change_t change = s_begin (self);
    s_touch (&change, claim);
    size_t number = claim->places[0].lock;
    uint64_t session = claim->session;
    bool hold = !claim->upgrade;
    s_drop (self, claim);
    if (hold && (claim = s_find (self, number, session, true)))
        s_drop (self, claim);
    s_finish (self, &change);
}

//  ---- requests -------------------------------------------------------------------

static void
s_answer_claim (const model_t *self, const model_claim_t *claim, hf_answer_t *answer)
{
    answer->token = claim->token;
    if (claim->token > 0)
        answer->index = claim->index;
    else {
        answer->status = HF_QUEUED;
        answer->position = s_position (self, claim);
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
    if (s_at (wanted, number)) //  a lock twice: said when the rest is sound
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
        const model_place_t *other = s_at (&self->claims.list[i], place->lock);
        if (other && other->units > 0 && other->limit != place->limit) {
            *limit = other->limit;
            return true;
        }
    }
    return false;
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
    change_t change = s_begin (self);
    if (place.units > 0) {
        hold->places[0] = place;
        s_touch (&change, hold);
        s_finish (self, &change);
        s_answer_claim (self, s_find (self, place.lock, session, false), answer);
        return;
    }
    model_claim_t upgrade = *wanted;
    upgrade.session = session;
    upgrade.upgrade = true;
    bool alone = s_fits (self, &upgrade, &place), taken = false;
    for (size_t i = 0; i < self->claims.count; i++)
        taken = taken || (self->claims.list[i].upgrade && s_at (&self->claims.list[i], place.lock));
    model_claim_t *own = s_find (self, place.lock, session, true);
    if (own)
        s_answer_claim (self, own, answer);
    else if (!alone && (!wait || taken))
        answer->status = wait ? HF_DEADLOCK : HF_NOT_GRANTED;
    else if (alone) {
        s_grant (self, s_add (self, &upgrade));
        s_answer_claim (self, s_find (self, place.lock, session, false), answer);
    } else {
        own = s_add (self, &upgrade);
        own->born = born;
        s_touch (&change, own);
        s_finish (self, &change);
        s_answer_claim (self, s_find (self, place.lock, session, true), answer);
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
        const model_place_t *place = s_at (claim, wanted->places[i].lock);
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
        model_claim_t *upgrade = s_find (self, number, session, true);
        if (upgrade)
            s_leave (self, upgrade);
        s_answer_claim (self, s_find (self, number, session, false), answer);
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
        own = own ? own : s_find (self, wanted->places[i].lock, session, false);
    }
    if (own) {
        s_again (self, own, wanted, wait, answer);
        return;
    }
    //  Whoever waits came before.
    wanted->born = UINT64_MAX;
    if (s_grantable (self, wanted)) {
        model_claim_t *claim = s_add (self, wanted);
        s_grant (self, claim);
        s_answer_claim (self, claim, answer);
    } else if (wait)
        s_answer_claim (self, s_add (self, wanted), answer);
    else
        answer->status = HF_NOT_GRANTED;
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
    if (answer->status == HF_OK)
        s_claim (self, session, &wanted, claim->wait, answer);
}

/*  The claim of SESSION that holds lock NUMBER with TOKEN; NULL: there is none. */
static model_claim_t *
s_hold (const model_t *self, size_t number, uint64_t session, uint64_t token)
{
    model_claim_t *claim = s_find (self, number, session, false);
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
    s_leave (self, hold);
    return HF_OK;
}

/*  A waiting upgrade first; then the claim itself. */
static void
s_abandon (model_t *self, uint64_t session, const hf_abandon_t *abandon)
{
    size_t number = model_lock (abandon->lock);
    model_claim_t *claim = s_find (self, number, session, true);
    claim = claim ? claim : s_find (self, number, session, false);
    if (claim)
        s_leave (self, claim);
}

static hf_status_t
s_append (model_t *self, uint64_t session, const hf_append_t *append)
{
    uint64_t owner = append->owner ? append->owner : session;
    size_t number = model_lock (append->lock), file = model_file (append->file);
    model_claim_t *hold = s_hold (self, number, owner, append->token);
    if (!hold)
        return HF_NOT_HOLDER;
    if (owner != session)
        s_event (self, HF_OUT_TOUCHED, owner);
    if (file == MODEL_FILES)
        return HF_BAD_NAME;
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
    //  From the oldest claim on. Each that leaves may take another with it.
    for (size_t i = 0; i < self->claims.count;)
        if (self->claims.list[i].session == session) {
            s_leave (self, &self->claims.list[i]);
            i = 0;
        } else
            i++;
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
    hash = MIX (hash, row.holders, row.waiters, row.limit);
    while (good && !hf_scan_at_end (&scan))
        if (hf_scan_kind (&scan) == HF_KIND_HOLDER_ROW) {
            good = hf_holder_row_get (&scan, &hold);
            hash = MIX (hash, hold.session, hold.mode, hold.units, hold.token, hold.staged);
        } else {
            good = hf_waiter_row_get (&scan, &waiter);
            hash = MIX (hash, waiter.session, waiter.mode, waiter.units, waiter.position);
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

/*  How many bytes a claim has staged; with COST, of each file. */
static uint64_t
s_staged (const model_claim_t *claim, uint64_t cost)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < MODEL_FILES; i++)
        bytes += claim->staged[i].size + (claim->appended[i] ? cost : 0);
    return bytes;
}

/*  The holders by token, the waiters by their places. *HELD counts locks with any. */
static uint64_t
s_look_line (uint64_t hash, const model_t *self, size_t number, uint64_t *held)
{
    const model_claim_t *waiters[MODEL_SESSIONS] = {NULL}, *hold;
    uint64_t holders = 0, waiting = 0, limit = 0;
    for (size_t i = 0; i < self->claims.count; i++) {
        const model_claim_t *claim = &self->claims.list[i];
        const model_place_t *place = s_at (claim, number);
        holders += place && claim->token > 0;
        limit = place && place->units > 0 ? place->limit : limit;
        if (!place || claim->token > 0)
            continue;
        waiters[s_before (self, claim, number)] = claim;
        waiting++;
    }
    *held += holders + waiting > 0;
    hash = MIX (hash, holders, waiting, limit);
    for (size_t i = 0; (hold = model_holder (self, number, i)); i++) {
        uint32_t units = s_at (hold, number)->units;
        hash = MIX (hash, hold->session, units > 0, units, hold->token, s_staged (hold, 0));
    }
    for (size_t i = 0; i < waiting; i++) {
        uint32_t units = s_at (waiters[i], number)->units;
        hash = MIX (hash, waiters[i]->session, units > 0, units, i + 1);
    }
    return hash;
}

uint64_t
model_look (const model_t *self)
{
    uint64_t live = 0, held = 0, staged = 0, places[MODEL_SESSIONS] = {0}, hash = 0;
    for (size_t number = 0; number < MODEL_LOCKS; number++)
        hash = s_look_line (hash, self, number, &held);
    for (size_t i = 0; i < self->claims.count; i++) {
        const model_claim_t *claim = &self->claims.list[i];
        size_t number = claim->places[0].lock;
        staged += s_staged (claim, HF_STAGED_FILE_COST);
        if (claim->token > 0)
            places[claim->session] += MIX (1, number, claim->token, claim->index);
        else
            places[claim->session] += MIX (2, number, s_position (self, claim));
    }
    for (uint64_t id = 1; id <= self->last_session; id++)
        live += self->sessions[id].alive;
    hash = MIX (hash, self->commands, live, held, staged);
    for (uint64_t id = 1; id <= self->last_session; id++)
        if (self->sessions[id].alive)
            hash = MIX (hash, id, self->sessions[id].ttl_ms, places[id]);
    return hash;
}
