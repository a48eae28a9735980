/*  Who may do what. The table below is all there is to it: which right each kind of frame and of
 *  request needs, and for what. What is in no row nobody may do: a new kind needs one, also when it
 *  is for all users. A request of a kind that this node cannot read passes: when it is applied, it
 *  is refused.
 *
 *  Without a file of rights, and for the node's own HTTP port, nothing is checked.
 */
#include "nodes/services/hf_lock_private.h"

#define DENIALS 8 //  of one frame that is refused as a whole, which say why

typedef enum scope {
    NAMED,  //  for the name
    REACH,  //  for any name that begins so
    OTHERS, //  for the name, when it is about another user's session
    ALL,    //  for all users, whatever their rights
} scope_t;

//  N (mutant, KIND, what, RIGHT, scope, what it is to people)
#define NEEDS(N)                                                                                   \
    N (none, OPEN, 0, READ, ALL, "open a session")                                                 \
    N (none, CLAIM, 0, READ, ALL, "claim")     /*  its places are looked at, one by one */         \
    N (none, ABANDON, 0, READ, ALL, "abandon") /*  what the session itself has asked for */        \
    N (none, QUERY, HF_WHAT_LEADER, READ, ALL, "see the leader")                                   \
    N (none, QUERY, HF_WHAT_STATUS, READ, ALL, "see the status")                                   \
    N (none, QUERY, HF_WHAT_MEMBERS, READ, ALL, "see the members")                                 \
    N (none, QUERY, HF_WHAT_LOCKS, READ, ALL, "list locks")  /*  rows are left out ... */          \
    N (none, QUERY, HF_WHAT_FILES, READ, ALL, "list files")  /*  ... that the user ... */          \
    N (none, QUERY, HF_WHAT_SESSIONS, READ, ALL, "sessions") /*  ... may not see */                \
    N (unasked_acquire, ACQUIRE, HF_MODE_EXCLUSIVE, ACQUIRE, NAMED, "acquire")                     \
    N (unasked_shared, ACQUIRE, HF_MODE_SHARED, SHARED, NAMED, "share")                            \
    N (unasked_place, PLACE, HF_MODE_EXCLUSIVE, ACQUIRE, NAMED, "acquire")                         \
    N (unasked_shared_place, PLACE, HF_MODE_SHARED, SHARED, NAMED, "share")                        \
    N (unasked_append, APPEND, 0, APPEND, NAMED, "append to")                                      \
    N (unasked_append_for, APPEND, 0, CLOSE, OTHERS, "append for")                                 \
    N (unasked_note_for, NOTE, 0, CLOSE, OTHERS, "note for")                                       \
    N (unasked_release, RELEASE, 0, RELEASE, OTHERS, "release")                                    \
    N (unasked_cancel, CANCEL, 0, RELEASE, OTHERS, "cancel")                                       \
    N (unasked_speak, REQUESTS, 0, CLOSE, OTHERS, "speak for")                                     \
    N (unasked_keep, KEEPALIVE, 0, CLOSE, OTHERS, "keep alive")                                    \
    N (unasked_close, CLOSE, 0, CLOSE, OTHERS, "close")                                            \
    N (unasked_look, QUERY, HF_WHAT_LOCK, READ, NAMED, "see who holds")                            \
    N (unasked_read, QUERY, HF_WHAT_READ, READ, NAMED, "read")                                     \
    N (unasked_busy, QUERY, HF_WHAT_BUSY, READ, NAMED, "see the busiest locks")                    \
    N (unasked_backup, QUERY, HF_WHAT_BACKUP, BACKUP, NAMED, "take a backup")                      \
    N (unasked_watch, WATCH, 0, WATCH, REACH, "watch")                                             \
    N (unasked_change, CHANGE, 0, MEMBERS, NAMED, "change the members")

typedef struct need {
    int mutant;
    uint32_t kind, what;
    hf_right_t right;
    scope_t scope;
    const char *verb;
} need_t;

static const need_t s_needs[] = {
#define NEED(mutant, kind, what, right, scope, verb)                                               \
    {HF_MUTANT_##mutant, HF_KIND_##kind, what, HF_RIGHT_##right, scope, verb},
    NEEDS (NEED)
#undef NEED
};

//  ---- users --------------------------------------------------------------------------

void
hf_lock_guard_init (hf_guard_t *self)
{
    hf_pack_init (&self->sifted);
}

void
hf_lock_guard_done (hf_guard_t *self)
{
    hf_rights_destroy (&self->rights);
    hf_array_free (&self->users);
    hf_pack_done (&self->sifted);
    for (size_t i = 0; i < self->operated.count; i++)
        free (self->operated.list[i].what);
    hf_array_free (&self->operated);
}

void
hf_lock_service_user (hf_lock_service_t *self, uint32_t number, const char *name)
{
    hf_guard_t *guard = &self->guard;
    assert (number == guard->users.count + 1 && strlen (name) <= HF_USER_MAX);
    hf_lock_user_t *user = hf_array_add (&guard->users);
    *user = (hf_lock_user_t){.said = 0};
    strcpy (user->name, name);
    if (guard->rights)
        user->rules = hf_rights_of (guard->rights, user->name);
}

static void
s_never (void *arg, uint32_t line, const char *what)
{
    (void)arg;
    (void)line;
    (void)what;
    assert (false && "main gives rights that are good");
}

void
hf_lock_service_rights (hf_lock_service_t *self, hf_span_t text)
{
    hf_guard_t *guard = &self->guard;
    hf_rights_destroy (&guard->rights);
    guard->rights = hf_rights_read (text, s_never, NULL);
    guard->version++;
    for (size_t i = 0; i < guard->users.count; i++)
        guard->users.list[i].rules = hf_rights_of (guard->rights, guard->users.list[i].name);
    hf_watches_stir (&self->watching.watches);
}

/*  NULL: it is nobody's connection, which has no rights to lack. */
static const hf_lock_user_t *
s_user (const hf_lock_service_t *self, const hf_route_t *route)
{
    assert (route->user <= self->guard.users.count);
    return route->user > 0 ? &self->guard.users.list[route->user - 1] : NULL;
}

const char *
hf_lock_user (const hf_lock_service_t *self, const hf_route_t *route)
{
    const hf_lock_user_t *user = s_user (self, route);
    return user ? user->name : "a client";
}

/*  Whom the rights are asked for; NULL: nothing is checked. */
static const hf_lock_user_t *
s_guarded (const hf_lock_service_t *self, const hf_route_t *route)
{
    return self->guard.rights ? s_user (self, route) : NULL;
}

//  ---- the check ----------------------------------------------------------------------

/*  Whether the session is the user's, or everybody's. 0: the one that asks. */
static bool
s_owns (const hf_lock_service_t *self, const hf_lock_user_t *user, uint64_t session)
{
    hf_span_t owner = hf_state_session_user (self->state, session);
    return owner.size == 0 || hf_span_equal (owner, hf_span_text (user->name));
}

/*  "acquire db/x", "release db/x of session 7, which is another user's", "close session 7, which is
 *  another user's". Whose it is, is for the log alone: TELLS. */
static void
s_describe (const hf_lock_service_t *self, const need_t *need, const hf_asked_t *asked, bool tells,
            char text[HF_DOING_SIZE])
{
    hf_span_t owner = hf_state_session_user (self->state, asked->session);
    if (!tells && !HF_MUTANT (owner_told))
        owner = hf_span_text ("another user");
    bool others = need->scope == OTHERS, closes = need->right == HF_RIGHT_CLOSE;
    bool named = need->scope == REACH || (hf_name_valid (asked->name) && !(others && closes));
    size_t used = (size_t)snprintf (text, HF_DOING_SIZE, "%s", need->verb);
    if (named)
        used +=
            (size_t)snprintf (text + used, HF_DOING_SIZE - used, " %.*s%s", (int)asked->name.size,
                              (const char *)asked->name.at, need->scope == REACH ? "*" : "");
    if (others)
        snprintf (text + used, HF_DOING_SIZE - used, "%s session %" PRIu64 ", which is %.*s's",
                  closes  ? ""
                  : named ? " of"
                          : " a hold of",
                  asked->session, (int)owner.size, (const char *)owner.at);
}

static void
s_deny (hf_lock_service_t *self, const hf_route_t *route, const need_t *need,
        const hf_asked_t *asked)
{
    static const char form[] = "%s may not %s: the right \"%s\" is missing";
    const char *user = hf_lock_user (self, route), *right = hf_right_name (need->right);
    char doing[HF_DOING_SIZE];
    s_describe (self, need, asked, true, doing);
    snprintf (self->guard.why, HF_WHY_SIZE, form, user, doing, right);
    hf_lock_audit_refusal (self, route);
    s_describe (self, need, asked, false, doing);
    snprintf (self->guard.why, HF_WHY_SIZE, form, user, doing, right);
}

static void
s_deny_uncovered (hf_lock_service_t *self, const hf_route_t *route)
{
    snprintf (self->guard.why, HF_WHY_SIZE, "%s may not do this: no right is known for it",
              hf_lock_user (self, route));
    hf_lock_audit_refusal (self, route);
}

/*  What somebody may do because he is an operator is worth a line. */
static void
s_operates (hf_lock_service_t *self, const hf_route_t *route, const need_t *need,
            const hf_asked_t *asked)
{
    hf_guard_t *guard = &self->guard;
    if (asked->kind == HF_KIND_KEEPALIVE || asked->kind == HF_KIND_REQUESTS)
        return; //  what is then done in it is told
    s_describe (self, need, asked, true, guard->doing);
    if (asked->kind != HF_KIND_CLOSE) //  that may be refused yet
        hf_lock_audit_later (self, route, guard->session, guard->seq, guard->doing);
}

/*  It is about a name that nothing can have: it is refused for that. */
static bool
s_nameless (const hf_asked_t *asked)
{
    return asked->name.size > 0 && !hf_name_valid (asked->name);
}

bool
hf_lock_may (hf_lock_service_t *self, const hf_route_t *route, const hf_asked_t *asked)
{
    const hf_lock_user_t *user = s_guarded (self, route);
    bool covered = !user || HF_MUTANT (uncovered_allowed);
    self->guard.doing[0] = 0;
    for (size_t i = 0; user && i < sizeof s_needs / sizeof *s_needs; i++) {
        const need_t *need = &s_needs[i];
        if (need->kind != asked->kind || need->what != asked->what)
            continue;
        covered = true;
        if (need->scope == ALL || HF_MUTANT_IS (need->mutant) ||
            (need->scope == OTHERS ? s_owns (self, user, asked->session) : s_nameless (asked)))
            continue;
        bool allowed = need->scope == REACH
                           ? hf_rules_reach (&user->rules, need->right, asked->name)
                           : hf_rules_allow (&user->rules, need->right, asked->name);
        if (!allowed) {
            s_deny (self, route, need, asked);
            return false;
        }
        if (need->scope == OTHERS)
            s_operates (self, route, need, asked);
    }
    if (!covered)
        s_deny_uncovered (self, route);
    return covered;
}

bool
hf_lock_covers (const hf_lock_service_t *self, const hf_route_t *route, uint32_t kind)
{
    bool covered = !s_guarded (self, route);
    for (size_t i = 0; !covered && i < sizeof s_needs / sizeof *s_needs; i++)
        covered = s_needs[i].kind == kind;
    return covered;
}

bool
hf_lock_speaks (const hf_lock_service_t *self, const hf_route_t *route, uint64_t session)
{
    const hf_lock_user_t *user = s_guarded (self, route);
    return !user || s_owns (self, user, session) ||
           hf_rules_allow (&user->rules, HF_RIGHT_CLOSE, hf_span ("", 0));
}

bool
hf_lock_sees (const hf_lock_service_t *self, const hf_route_t *route, hf_right_t right,
              hf_span_t name)
{
    const hf_lock_user_t *user = s_guarded (self, route);
    return !user || hf_rules_allow (&user->rules, right, name);
}

hf_list_t
hf_lock_sift_ring (hf_lock_service_t *self, const hf_route_t *route, hf_list_t rows)
{
    hf_pack_t *seen = &self->guard.sifted;
    hf_scan_t scan = hf_scan_list (rows);
    hf_ring_row_t row;
    if (!s_guarded (self, route) || HF_MUTANT (ring_told_unseen))
        return rows;
    hf_pack_reset (seen);
    for (uint32_t i = 0; i < rows.count && hf_ring_row_get (&scan, &row); i++)
        if (hf_lock_sees (self, route, HF_RIGHT_READ, row.waits) &&
            (row.holds.size == 0 || hf_lock_sees (self, route, HF_RIGHT_READ, row.holds)))
            hf_ring_row_put (seen, &row);
    return hf_pack_list (seen);
}

//  ---- requests -----------------------------------------------------------------------

/*  All its places. What cannot be read is refused when it is applied. */
static bool
s_claim_may (hf_lock_service_t *self, const hf_route_t *route, const hf_claim_t *claim)
{
    hf_scan_t scan = hf_scan_list (claim->places);
    hf_place_t place;
    for (uint32_t i = 0; i < claim->places.count && i < HF_SET_MAX; i++) {
        if (!hf_place_get (&scan, &place))
            break;
        if (!hf_lock_may (self, route, &(hf_asked_t){HF_KIND_PLACE, place.mode, place.lock, 0}))
            return false;
    }
    return true;
}

static bool
s_request_may (hf_lock_service_t *self, const hf_route_t *route, const hf_request_t *request)
{
    hf_asked_t asked = {.kind = request->kind};
    if (request->status != HF_OK)
        return true;
    switch (request->kind) {
    case HF_KIND_CLAIM:
        if (!s_claim_may (self, route, &request->claim))
            return false;
        break;
    case HF_KIND_ACQUIRE:
        asked.name = request->acquire.lock;
        asked.what = request->acquire.mode;
        break;
    case HF_KIND_APPEND:
        asked.name = request->append.file;
        asked.session = request->append.owner;
        break;
    case HF_KIND_RELEASE:
        asked.name = request->release.lock;
        asked.session = request->release.owner;
        break;
    case HF_KIND_CANCEL:
        asked.name = request->cancel.lock;
        asked.session = request->cancel.owner;
        break;
    case HF_KIND_NOTE:
        asked.session = request->note.owner;
        break;
    default: //  it is about no name
        break;
    }
    return hf_lock_may (self, route, &asked);
}

/*  Unless it was answered before its right was taken away: then that answer stands. */
static void
s_answer_denied (hf_lock_service_t *self, hf_caller_t *caller, hf_list_t one, uint64_t seq)
{
    hf_pack_t *pack = &self->routes.pack;
    if (!hf_state_answered (self->state, caller->session, one, pack)) {
        hf_answer_put (pack, &(hf_answer_t){.seq = seq,
                                            .status = HF_DENIED,
                                            .index = hf_state_command_index (self->state)});
        hf_denial_put (pack, &(hf_denial_t){.seq = seq, .text = hf_span_text (self->guard.why)});
    }
    hf_lock_item (self, caller);
}

hf_list_t
hf_lock_sift (hf_lock_service_t *self, const hf_route_t *route, hf_caller_t *caller,
              const hf_requests_t *message)
{
    hf_guard_t *guard = &self->guard;
    if (!s_guarded (self, route))
        return message->requests;
    hf_pack_reset (&guard->sifted);
    hf_scan_t scan = hf_scan_list (message->requests);
    guard->session = message->session;
    for (uint32_t i = 0; i < message->requests.count; i++) {
        hf_request_t request;
        const uint8_t *from = scan.at;
        if (!hf_request_get (&scan, &request))
            break;
        hf_list_t one = {.at = from, .size = (uint32_t)(scan.at - from), .count = 1};
        guard->seq = request.seq;
        if (s_request_may (self, route, &request)) {
            hf_pack_raw (&guard->sifted, one.at, one.size);
            guard->sifted.count++;
        } else
            s_answer_denied (self, caller, one, request.seq);
    }
    return guard->sifted.count == message->requests.count ? message->requests
                                                          : hf_pack_list (&guard->sifted);
}

void
hf_lock_deny_all (hf_lock_service_t *self, const hf_route_t *route, const hf_requests_t *message)
{
    hf_pack_t *items = &self->guard.sifted;
    hf_pack_reset (items);
    hf_scan_t scan = hf_scan_list (message->requests);
    hf_request_t request;
    for (uint32_t i = 0; i < message->requests.count && hf_request_get (&scan, &request); i++) {
        hf_answer_put (items, &(hf_answer_t){.seq = request.seq,
                                             .status = HF_DENIED,
                                             .index = hf_state_command_index (self->state)});
        if (i < DENIALS)
            hf_denial_put (
                items, &(hf_denial_t){.seq = request.seq, .text = hf_span_text (self->guard.why)});
    }
    hf_answers_frame (&self->out.frame,
                      &(hf_answers_t){.session = message->session, .items = hf_pack_list (items)});
    hf_outbox_to_client (&self->out, route, 0);
}

void
hf_lock_deny_question (hf_lock_service_t *self, const hf_route_t *route, uint64_t id)
{
    hf_query_result_frame (
        &self->out.frame,
        &(hf_query_result_t){.id = id,
                             .status = HF_DENIED,
                             .index = hf_state_command_index (self->state),
                             .data = hf_span (self->guard.why, strlen (self->guard.why))});
    hf_outbox_to_client (&self->out, route, 0);
}
