//  Commands: entries of the log change the state (hf_state.h).
#include "nodes/locks/hf_state_private.h"
#include "base/hf_hash.h"

hf_state_t *
hf_state_new (void)
{
    hf_state_t *self = hf_alloc (sizeof (*self));
    hf_rows_init (&self->rows);
    hf_sessions_init (&self->sessions, &self->rows);
    hf_locks_init (&self->locks, &self->rows, &self->command_index);
    return self;
}

void
hf_state_destroy (hf_state_t **self_p)
{
    hf_state_t *self = *self_p;
    if (!self)
        return;
    hf_locks_done (&self->locks, &self->sessions);
    hf_sessions_done (&self->sessions);
    hf_rows_done (&self->rows);
    hf_state_load_done (self);
    free (self);
    *self_p = NULL;
}

void
hf_state_listen (hf_state_t *self, hf_happened_fn *fn, void *arg)
{
    self->locks.fn = fn;
    self->locks.arg = arg;
}

void
hf_state_measure (hf_state_t *self, uint64_t now_us, bool counts)
{
    assert (now_us >= self->locks.measures.now_us);
    if (self->locks.measures.began_us == 0)
        self->locks.measures.began_us = now_us;
    self->locks.measures.now_us = now_us;
    self->locks.measures.counts = counts;
}

const hf_measures_t *
hf_state_measures (const hf_state_t *self)
{
    return &self->locks.measures;
}

//  ---- commands -----------------------------------------------------------------

static void
s_open (hf_state_t *self, const hf_cmd_open_as_t *open, hf_outcomes_t *out)
{
    //  A nonce of another size cannot be answered. No leader proposes one.
    if (open->nonce.size != HF_NONCE_SIZE)
        return;
    hf_outcome_t *outcome = hf_outcomes_add (out, HF_OUT_OPENED, 0);
    memcpy (outcome->nonce, open->nonce.at, HF_NONCE_SIZE);
    hf_state_session_t *session = hf_sessions_find_nonce (&self->sessions, outcome->nonce);
    if (!session) {
        self->command_index++;
        if (open->ttl_ms < HF_TTL_MIN_MS || open->ttl_ms > HF_TTL_MAX_MS)
            outcome->status = HF_BAD_TTL;
        else if (!hf_sessions_delay_valid (open->delay_ms) || !hf_sessions_user_valid (open->user))
            outcome->status = HF_BAD_REQUEST;
        else if (!hf_state_label_valid (open->label))
            outcome->status = HF_BAD_LABEL;
        else if (hf_sessions_count (&self->sessions) >= HF_SESSIONS_MAX)
            outcome->status = HF_LIMIT;
        else
            session = hf_sessions_open (&self->sessions, open);
    }
    if (session && session->user_size > 0 &&
        !hf_span_equal (hf_sessions_user (session), open->user) && !HF_MUTANT (opened_by_another)) {
        outcome->status = HF_DENIED;
        session = NULL;
    }
    if (session)
        hf_sessions_run (&self->sessions, session, 0);
    outcome->index = self->command_index;
    outcome->session = session ? session->id : 0;
    outcome->ttl_ms = session ? session->ttl_ms : open->ttl_ms;
}

/*  A session ends. */
static void
s_tell_end (hf_state_t *self, hf_state_session_t *session, hf_status_t status, hf_outcomes_t *out)
{
    self->command_index++;
    hf_outcome_t *outcome = hf_outcomes_add (out, HF_OUT_ENDED, session->id);
    outcome->status = status;
    outcome->index = self->command_index;
    while (!hf_chain_empty (&session->acted))
        hf_locks_act_for (&self->locks,
                          HF_AROUND (session->acted.next, hf_state_extra_t, in_acted)->claim, NULL);
}

/*  All claims of the session that wait leave. None of them takes another one of the session with
 *  it: where one waits the session has no other, but the hold that an upgrade was to replace. */
static void
s_leave_queues (hf_state_t *self, hf_state_session_t *session, hf_outcomes_t *out)
{
    hf_chain_t *at = session->claims.next;
    while (at != &session->claims) {
        hf_state_claim_t *claim = HF_AROUND (at, hf_state_claim_t, in_session);
        at = at->next;
        if (claim->token == 0)
            hf_state_leave (self, claim, HF_HAPPENED_LEFT, out);
    }
}

/*  A session expires that asked for a delay: what it holds stays closed, without its section. */
static bool
s_depart (hf_state_t *self, hf_state_session_t *session, hf_outcomes_t *out)
{
    bool holds = false;
    HF_CHAIN_EACH (&session->claims, at)
    {
        holds = holds || HF_AROUND (at, hf_state_claim_t, in_session)->token > 0;
    }
    if (session->delay_ms == 0 || !holds || HF_MUTANT (delay_cut_short))
        return false;
    s_tell_end (self, session, HF_SESSION_EXPIRED, out);
    s_leave_queues (self, session, out);
    HF_CHAIN_EACH (&session->claims, at)
    {
        if (!HF_MUTANT (delay_keeps_section))
            hf_locks_drop_section (&self->locks, HF_AROUND (at, hf_state_claim_t, in_session));
    }
    hf_sessions_depart (&self->sessions, session);
    HF_CHAIN_EACH (&session->claims, at)
    {
        hf_locks_tell (&self->locks, HF_HAPPENED_LOST,
                       HF_AROUND (at, hf_state_claim_t, in_session));
    }
    return true;
}

void
hf_state_reopen (hf_state_t *self, hf_state_session_t *session, hf_outcomes_t *out)
{
    assert (session->gone);
    hf_outcomes_add (out, HF_OUT_REOPENED, session->id)->index = self->command_index;
    while (!hf_chain_empty (&session->claims))
        hf_state_leave (self, HF_AROUND (session->claims.next, hf_state_claim_t, in_session),
                        HF_HAPPENED_REOPENED, out);
    hf_sessions_end (&self->sessions, session);
}

/*  End a session: remove all its claims and grant their successors, in this one step. */
static void
s_end (hf_state_t *self, hf_state_session_t *session, hf_status_t status, hf_outcomes_t *out)
{
    s_tell_end (self, session, status, out);
    while (!hf_chain_empty (&session->claims)) {
        hf_state_claim_t *claim = HF_AROUND (session->claims.next, hf_state_claim_t, in_session);
        if (HF_MUTANT (dead_waiter) && claim->token == 0)
            break;
        hf_state_leave (self, claim, status == HF_OK ? HF_HAPPENED_RELEASED : HF_HAPPENED_LOST,
                        out);
    }
    if (HF_MUTANT (dead_waiter) && session->places_count > 0)
        return;
    hf_sessions_end (&self->sessions, session);
}

static void
s_close (hf_state_t *self, const hf_cmd_close_t *close, hf_outcomes_t *out)
{
    hf_state_session_t *session = hf_sessions_find (&self->sessions, close->session);
    if (session) {
        size_t told = out->count;
        if (!HF_MUTANT (delay_after_close) || !s_depart (self, session, out))
            s_end (self, session, HF_OK, out);
        assert (out->list[told].type == HF_OUT_ENDED);
        if (hf_state_label_valid (close->by))
            hf_outcomes_label (out, told, close->by);
        return;
    }
    hf_outcome_t *outcome = hf_outcomes_add (out, HF_OUT_ENDED, close->session);
    outcome->status = HF_SESSION_EXPIRED;
    outcome->index = self->command_index;
}

static void
s_expire (hf_state_t *self, const hf_cmd_expire_t *expire, uint64_t term, hf_outcomes_t *out)
{
    //  A later leader may have heard the session since this was decided (design 4.7).
    hf_state_session_t *session = hf_sessions_find_any (&self->sessions, expire->session);
    if (!session || (expire->term != term && !HF_MUTANT (expiry_any_term)))
        return;
    if (session->gone) {
        self->command_index++;
        hf_state_reopen (self, session, out);
    } else if (!s_depart (self, session, out))
        s_end (self, session, HF_SESSION_EXPIRED, out);
}

/*  A later leader may have heard the sessions, and acknowledged it, since this was decided. */
static void
s_silence (hf_state_t *self, const hf_cmd_silence_t *command, uint64_t term)
{
    if (command->term != term && !HF_MUTANT (mark_any_term))
        return;
    self->silences++;
    hf_scan_t scan = hf_scan_list (command->sessions);
    hf_silence_t silence;
    while (!hf_scan_at_end (&scan) && hf_silence_get (&scan, &silence)) {
        hf_state_session_t *session = hf_sessions_find_any (&self->sessions, silence.session);
        if (session && silence.ran_ms <= hf_sessions_lease (session))
            hf_sessions_run (&self->sessions, session, silence.ran_ms);
    }
}

/*  A command index is as much as a token and a session id together, as if each that is left out had
 *  been given out by a command of its own. */
static void
s_skip (hf_state_t *self, uint64_t by, hf_outcomes_t *out)
{
    const uint64_t most = HF_STATE_COUNTER_MAX / 2;
    if (by > HF_SKIP_MAX || self->command_index > most || self->locks.happened > most ||
        self->appended > most)
        return;
    self->command_index += 2 * by;
    if (!HF_MUTANT (tokens_given_again))
        self->locks.last_token += by;
    if (!HF_MUTANT (sessions_given_again))
        self->sessions.last_id += by;
    if (!HF_MUTANT (numbers_told_again)) {
        self->locks.happened += by;
        self->appended += by;
    }
    hf_outcomes_add (out, HF_OUT_SKIPPED, 0)->index = self->command_index;
}

/*  SCAN stands at the first of the command's requests, and moves behind the last. */
static void
s_requests (hf_state_t *self, const hf_requests_t *command, hf_scan_t *scan, hf_outcomes_t *out)
{
    uint32_t count = command->requests.count;
    hf_state_session_t *session = hf_sessions_find (&self->sessions, command->session);
    if (session) {
        //  The answer is as good as a keepalive to its client.
        if (!HF_MUTANT (mark_outlives_request))
            hf_sessions_run (&self->sessions, session, 0);
        hf_sessions_raise (&self->sessions, session, command->floor);
        hf_state_requests (self, session, scan, count, out);
    } else
        hf_state_refuse_requests (self, command->session, scan, count, HF_SESSION_EXPIRED, out);
}

void
hf_state_leave (hf_state_t *self, hf_state_claim_t *claim, hf_what_happened_t what,
                hf_outcomes_t *out)
{
    hf_locks_remove (&self->locks, claim, what);
    hf_state_grant (self, out);
}

void
hf_state_grant (hf_state_t *self, hf_outcomes_t *out)
{
    hf_locks_t *locks = &self->locks;
    hf_state_claim_t *next = NULL;
    while ((next = hf_locks_grant_next (locks, self->command_index))) {
        hf_outcome_t *granted = hf_outcomes_add (out, HF_OUT_GRANTED, next->session->id);
        granted->answer.token = next->token;
        granted->answer.index = granted->index = next->index;
        granted->waiters = hf_locks_wanting (next);
        granted->answer.position = next->extra->replaces;
        hf_outcomes_name (out, hf_state_claim_name (next));
    }
    for (size_t i = 0; i < locks->touched.count; i++) {
        const hf_state_lock_t *lock = locks->touched.list[i];
        if (!lock->moved || lock->queue->waiters_count == 0)
            continue;
        hf_outcomes_add (out, HF_OUT_MOVED, 0)->index = self->command_index;
        hf_outcomes_name (out, hf_state_lock_name (lock));
    }
    hf_locks_settle (locks);
}

//  ---- entries --------------------------------------------------------------------

/*  A CMD_REQUESTS, of which most of the log is: it is not walked through before it is read, as its
 *  list is known to be well-formed. False: its fields are not good, and nothing was done. */
static bool
s_command_requests (hf_state_t *self, hf_scan_t *scan, hf_outcomes_t *out)
{
    hf_scan_t record = *scan;
    hf_requests_t command;
    uint32_t more;
    if (!hf_requests_begin (&record, HF_KIND_CMD_REQUESTS, &command, &more))
        return false;
    s_requests (self, &command, &record, out);
    bool good = hf_requests_end (&record, &command, more);
    assert (good);
    *scan = record;
    return true;
}

/*  Execute the next command in SCAN, which is ALONE in its entry or not. A malformed or unknown one
 * has no effect, and SCAN moves behind it: the list was well-formed as a whole. */
static void
s_command (hf_state_t *self, uint64_t term, hf_scan_t *scan, bool alone, hf_outcomes_t *out)
{
    uint32_t kind = hf_scan_kind (scan);
    if (kind == HF_KIND_CMD_REQUESTS && s_command_requests (self, scan, out))
        return;
    hf_scan_t record = *scan;
    hf_scan_skip (scan, 1);
    union {
        hf_cmd_open_t open;
        hf_cmd_open_as_t open_as;
        hf_cmd_close_t close;
        hf_cmd_expire_t expire;
        hf_cmd_silence_t silence;
        hf_cmd_skip_t skip;
    } command;
    switch (kind) {
    case HF_KIND_CMD_OPEN:
        if (hf_cmd_open_get (&record, &command.open))
            s_open (self,
                    &(hf_cmd_open_as_t){.nonce = command.open.nonce,
                                        .ttl_ms = command.open.ttl_ms,
                                        .label = command.open.label,
                                        .detect = command.open.detect,
                                        .delay_ms = command.open.delay_ms},
                    out);
        break;
    case HF_KIND_CMD_OPEN_AS:
        if (hf_cmd_open_as_get (&record, &command.open_as))
            s_open (self, &command.open_as, out);
        break;
    case HF_KIND_CMD_CLOSE:
        if (hf_cmd_close_get (&record, &command.close))
            s_close (self, &command.close, out);
        break;
    case HF_KIND_CMD_EXPIRE:
        if (hf_cmd_expire_get (&record, &command.expire))
            s_expire (self, &command.expire, term, out);
        break;
    case HF_KIND_CMD_SILENCE:
        if (hf_cmd_silence_get (&record, &command.silence))
            s_silence (self, &command.silence, term);
        break;
    case HF_KIND_CMD_SKIP:
        if (alone && hf_cmd_skip_get (&record, &command.skip))
            s_skip (self, command.skip.by, out);
        break;
    default:
        break;
    }
}

void
hf_state_forget_members (hf_state_t *self)
{
    self->roster_size = 0;
}

static void
s_keep_roster (hf_state_t *self, hf_span_t payload)
{
    if (!hf_roster_valid (payload) || HF_MUTANT (roster_not_kept))
        return;
    assert (payload.size <= sizeof (self->roster));
    memcpy (self->roster, payload.at, payload.size);
    self->roster_size = payload.size;
}

void
hf_state_apply (hf_state_t *self, uint64_t index, const hf_entry_t *entry, hf_outcomes_t *out)
{
    assert (index == self->applied_index + 1 && !self->loading);
    size_t first = out->count;
    uint64_t hash = hf_hash_u64 (self->hash, index);
    hash = hf_hash_u64 (hash, entry->term);
    hash = hf_hash_u64 (hash, entry->type);
    hash = hf_hash (hash, entry->payload.at, entry->payload.size);
    hf_list_t commands;
    if (entry->type == HF_ENTRY_ROSTER)
        s_keep_roster (self, entry->payload);
    else if (entry->type == HF_ENTRY_COMMANDS &&
             hf_payload_get (entry->payload, &commands) == HF_OK) {
        hf_scan_t scan = hf_scan_list (commands);
        while (!hf_scan_at_end (&scan))
            s_command (self, entry->term, &scan, commands.count == 1, out);
    }
    self->applied_index = index;
    self->applied_term = entry->term;
    hash = hf_hash_u64 (hash, self->command_index);
    self->hash = hf_outcomes_hash (out, first, hash);
}
