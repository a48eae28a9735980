//  Commands at random for the state and its model (play.h).
#include "tests/unit/locks/play.h"
#include <assert.h>

static const char *const s_bad_names[] = {"bad\tname", ""};
static const char *const s_bad_notes[] = {"bad\tnote", "no UTF-8: \xc3\x28"};

static uint64_t
s_below (play_t *self, uint64_t below)
{
    if (!self->at)
        return hf_random_below (&self->random, below);
    uint64_t number = 0;
    for (uint64_t room = 1; room < below; room *= 256)
        number = number * 256 + (self->at < self->end ? *self->at++ : 0);
    return number % below;
}

static bool
s_chance (play_t *self, unsigned percent)
{
    return s_below (self, 100) < percent;
}

static play_t
s_begin (play_t self)
{
    self.feed = feed_new (true);
    self.model = model_new ();
    self.view = hf_alloc (sizeof *self.view);
    hf_state_listen (self.feed->state, view_hear, self.view);
    self.max_live = 2 + s_below (&self, 30);
    self.locks = 1 + s_below (&self, MODEL_LOCKS);
    self.ends = (unsigned)s_below (&self, 12);
    static const unsigned shares[] = {0, 30, 60, 90};
    self.claims = s_chance (&self, 75) ? 60 : 0;
    self.shared = shares[s_below (&self, 4)];
    self.sets = s_chance (&self, 60) ? 50 : 0;
    self.detect = shares[s_below (&self, 4)];
    self.acting = s_chance (&self, 50) ? 30 : 0;
    self.owned = s_chance (&self, 50) ? 60 : 0;
    self.delayed = s_chance (&self, 40) ? 30 : 0;
    self.limit = s_chance (&self, 60) ? s_below (&self, 4) : 0;
    return self;
}

play_t
play_at_random (uint64_t seed)
{
    return s_begin ((play_t){.random = {.state = seed}});
}

play_t
play_by_bytes (const uint8_t *data, size_t size)
{
    return s_begin ((play_t){.at = data, .end = data + size});
}

void
play_done (play_t *self)
{
    feed_destroy (&self->feed);
    model_destroy (&self->model);
    if (self->view)
        view_done (self->view);
    free (self->view);
}

//  ---- commands -----------------------------------------------------------------------

/*  A live session mostly; sometimes one that has ended or never was. 0: there is none. */
static uint64_t
s_some_session (play_t *self)
{
    for (int tries = 0; tries < 50 && self->model->last_session > 0; tries++) {
        uint64_t id = 1 + s_below (self, self->model->last_session);
        if (self->model->sessions[id].alive || self->model->sessions[id].gone || s_chance (self, 2))
            return id;
    }
    return 0;
}

static void
s_open (play_t *self)
{
    static const uint32_t ttls[] = {1000, 5000, 600000, 999, 600001};
    uint64_t nonce = 1 + s_below (self, MODEL_SESSIONS / 2);
    self->feed->label = model_labels[s_below (self, MODEL_LABELS)];
    if (s_chance (self, 2))
        self->feed->label = s_bad_notes[s_below (self, 2)];
    self->feed->detect = s_chance (self, self->detect);
    self->feed->user =
        s_chance (self, self->owned) ? model_users[s_below (self, MODEL_USERS)] : NULL;
    static const uint32_t delays_ms[] = {100, 600000, 600001, 99};
    self->feed->delay_ms =
        s_chance (self, self->delayed) ? delays_ms[s_below (self, s_chance (self, 5) ? 4 : 2)] : 0;
    feed_cmd_open (self->feed, nonce, ttls[s_below (self, s_chance (self, 10) ? 5 : 3)]);
}

static void
s_end (play_t *self)
{
    uint64_t session = s_some_session (self);
    bool same_term = s_chance (self, 70);
    if (session != 0 && s_chance (self, 50))
        feed_cmd_close (self->feed, session);
    else if (session != 0)
        feed_cmd_expire (self->feed, session, self->feed->term - !same_term);
}

/*  Owner and token for a request at lock NUMBER: mostly its holder's, sometimes nearly. */
static void
s_aim (play_t *self, uint64_t session, size_t number, uint64_t *owner, uint64_t *token)
{
    size_t holders = 0;
    while (model_holder (self->model, number, holders))
        holders++;
    *owner = *token = 0;
    if (holders > 0) {
        const model_claim_t *hold = model_holder (self->model, number, s_below (self, holders));
        *token = hold->token;
        *owner = hold->session == session && s_chance (self, 80) ? 0 : hold->session;
        if (s_chance (self, 15))
            *owner = s_chance (self, 50) ? 0 : s_below (self, self->model->last_session + 2);
    }
    if (s_chance (self, 10))
        *token += s_below (self, 3) - 1;
}

static void
s_append (play_t *self, const char *lock, uint64_t token, uint64_t owner)
{
    //  Mostly small; sometimes over several pieces, or just to the end of one.
    static const uint32_t sizes[] = {0, 1, 7, 100, 16384, 16383, 40000, 32768};
    static uint8_t data[40000];
    const char *file = s_chance (self, 3) ? s_bad_names[s_below (self, 2)]
                                          : model_files[s_below (self, MODEL_FILES)];
    uint32_t size = sizes[s_below (self, s_chance (self, 92) ? 4 : 8)];
    data[0]++;
    feed_append (self->feed, lock, token, owner, file, hf_span (data, size));
}

/*  A place at some lock: mostly of the play's kinds, and mostly with the limit that all use. */
static hf_place_t
s_place (play_t *self)
{
    size_t number = s_below (self, self->locks);
    hf_place_t place = {.lock = hf_span_text (model_locks[number])};
    if (s_chance (self, 100 - self->shared))
        return place;
    place.mode = HF_MODE_SHARED;
    place.limit = (uint32_t)(self->limit + (s_chance (self, 4) ? 1 : 0));
    place.units = 1 + (uint32_t)s_below (self, s_chance (self, 70) ? 1 : self->limit + 1);
    if (s_chance (self, 2))
        place.units = 0;
    if (s_chance (self, 1))
        place.mode = s_chance (self, 50) ? 0 : 2;
    if (s_chance (self, 1))
        place.lock = hf_span_text (s_bad_names[s_below (self, 2)]);
    return place;
}

static const char *
s_some_note (play_t *self)
{
    return s_chance (self, 3) ? s_bad_notes[s_below (self, 2)]
                              : model_notes[s_below (self, MODEL_NOTES)];
}

static void
s_claim (play_t *self)
{
    hf_place_t places[MODEL_LOCKS];
    size_t count = 1 + s_below (self, s_chance (self, self->sets) ? self->locks : 1);
    for (size_t i = 0; i < count; i++) {
        bool twice = true;
        for (int tries = 0; tries < 20 && twice; tries++) {
            places[i] = s_place (self);
            twice = false;
            for (size_t k = 0; k < i; k++)
                twice = twice || hf_span_equal (places[k].lock, places[i].lock);
        }
    }
    self->feed->acts_for =
        s_chance (self, self->acting) ? s_below (self, self->model->last_session + 1) : 0;
    self->feed->note = s_some_note (self);
    feed_claim (self->feed, places, s_chance (self, 1) ? 0 : count, s_chance (self, 85));
}

/*  A lock that the session holds, to ask for it again in whatever mode; or any. */
static size_t
s_lock (play_t *self, uint64_t session)
{
    size_t number = s_below (self, self->locks);
    if (self->shared == 0 || !s_chance (self, 40))
        return number;
    for (size_t i = 0; i < self->model->claims.count; i++) {
        const model_claim_t *claim = &self->model->claims.list[i];
        if (claim->session == session && claim->token > 0)
            return claim->places[0].lock;
    }
    return number;
}

static void
s_request (play_t *self, uint64_t session)
{
    size_t number = s_lock (self, session);
    const char *lock = s_chance (self, 2) ? s_bad_names[s_below (self, 2)] : model_locks[number];
    uint64_t dice = s_below (self, 100), owner, token;
    s_aim (self, session, number, &owner, &token);
    if (dice < 35 && s_chance (self, self->claims))
        s_claim (self);
    else if (dice < 35)
        feed_acquire_mode (self->feed, lock,
                           s_chance (self, 98) ? s_chance (self, self->shared) : 2,
                           s_chance (self, 85));
    else if (dice < 55)
        feed_release (self->feed, lock, token, owner);
    else if (dice < 62)
        feed_cancel (self->feed, lock, token, owner);
    else if (dice < 70)
        feed_abandon (self->feed, lock);
    else if (dice < 75)
        feed_note (self->feed, lock, s_chance (self, 40) ? 0 : token,
                   s_chance (self, 40) ? 0 : owner, s_some_note (self));
    else
        s_append (self, lock, token, owner);
}

/*  A few requests of one session: new ones, repeats, stale ones, and a floor that jumps. */
static void
s_requests (play_t *self)
{
    uint64_t session = s_some_session (self);
    if (session == 0)
        return;
    uint64_t base = self->model->sessions[session].floor, floor = base;
    floor += s_chance (self, 30) ? s_below (self, 12) : 0;
    floor -= s_chance (self, 10) ? s_below (self, floor + 1) : 0;
    feed_start (self->feed, session);
    self->feed->floor = floor;
    base = floor > base ? floor : base;
    for (uint64_t count = s_below (self, 6); count > 0; count--) {
        uint64_t seq = base + s_below (self, 14);
        seq -= s_chance (self, 5) ? s_below (self, seq + 1) : 0;
        seq += s_chance (self, 2) ? HF_WINDOW_MAX - 7 : 0;
        feed_again (self->feed, seq);
        s_request (self, session);
    }
    feed_stop (self->feed);
}

static void
s_command (play_t *self, uint64_t *room)
{
    uint64_t live = hf_state_sessions_count (self->feed->state);
    if (*room > 0 && live < self->max_live && s_chance (self, live < 3 ? 60 : 10)) {
        s_open (self);
        --*room;
    } else if (s_chance (self, self->ends))
        s_end (self);
    else
        s_requests (self);
}

/*  Sometimes of a form that is not taken. */
static void
s_roster (play_t *self, hf_pack_t *payload)
{
    hf_roster_t roster = {.count = (uint32_t)s_below (self, HF_MEMBERS_MAX + 1),
                          .joins = (uint32_t)s_below (self, 4)};
    for (uint32_t i = 0; i < roster.count; i++)
        roster.members[i] = (hf_seat_t){.node = i + 1, .incarnation = s_below (self, 5)};
    hf_roster_put (payload, &roster);
}

//  ---- an entry -----------------------------------------------------------------------

static void
s_compare (const play_t *self)
{
    const hf_outcomes_t *out = &self->feed->out;
    assert (out->count == self->model->events.count);
    for (size_t i = 0; i < out->count; i++) {
        bool agrees = model_agrees (self->model, &self->model->events.list[i], &out->list[i]);
        assert (agrees);
    }
    assert (model_look_state (self->feed->state) == model_look (self->model));
    assert (!self->feed->twin || model_look_state (self->feed->twin) == model_look (self->model));
    if (!self->view)
        return;
    assert (view_look (self->view) == view_look_state (self->feed->state));
    assert (self->view->number == hf_state_happened (self->feed->state));
    assert (self->view->number == hf_state_happened (self->feed->twin));
    assert (hf_state_appended (self->feed->state) == hf_state_appended (self->feed->twin));
}

void
play_apply (play_t *self)
{
    hf_pack_t payload;
    hf_pack_init (&payload);
    feed_stop (self->feed);
    hf_payload_put (&payload, hf_pack_list (&self->feed->commands));
    hf_pack_reset (&self->feed->commands);
    hf_entry_t entry = {self->feed->term, HF_ENTRY_COMMANDS,
                        hf_span (hf_pack_bytes (&payload), hf_pack_size (&payload))};
    feed_apply_entry (self->feed, entry.type, entry.payload);
    model_apply (self->model, &entry);
    hf_pack_done (&payload);
    if (!self->unchecked)
        s_compare (self);
}

void
play_entry (play_t *self)
{
    feed_t *feed = self->feed;
    hf_pack_t payload;
    hf_pack_init (&payload);
    uint64_t room = MODEL_SESSIONS - 1 - self->model->last_session;
    bool roster = s_chance (self, 3);
    if (roster)
        s_roster (self, &payload);
    for (uint64_t commands = roster ? 0 : s_below (self, 5); commands > 0; commands--)
        s_command (self, &room);
    if (!roster)
        hf_payload_put (&payload, hf_pack_list (&feed->commands));
    hf_pack_reset (&feed->commands);
    hf_entry_t entry = {feed->term, roster ? HF_ENTRY_ROSTER : HF_ENTRY_COMMANDS,
                        hf_span (hf_pack_bytes (&payload), hf_pack_size (&payload))};
    feed_apply_entry (feed, entry.type, entry.payload);
    model_apply (self->model, &entry);
    hf_pack_done (&payload);
    if (!self->unchecked)
        s_compare (self);
}
