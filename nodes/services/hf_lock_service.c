//  The lock service: its life, the leader, and the turn.

#include "nodes/services/hf_lock_private.h"

#define FLOOD_PATIENCE_US 1000000  //  so long messages that wait put expiry off
#define LOST_NAMED        5        //  locks of each, in that line
#define SILENT_NAMED      100      //  sessions that end in one turn, each in a line of the log
#define DOOR_SAYS_US      60000000 //  between two lines of the log on the same trouble at the door

#define DEFAULT(field, value) config->field = config->field != 0 ? config->field : (value)

static void
s_defaults (hf_lock_config_t *config)
{
    DEFAULT (flush_us, 1000000);
    DEFAULT (flush_bytes, 4U << 20);
    DEFAULT (flush_rows, 10000);
    DEFAULT (undecided_max, 32U << 20);
    DEFAULT (unwritten_max, 64U << 20);
    DEFAULT (unwritten_rows, 20000);
    DEFAULT (credit_bytes, 64U << 10);
    DEFAULT (readings_max, 50000);
    DEFAULT (journal_bytes, 24U << 20);
    DEFAULT (watches_max, 100000);
    DEFAULT (client_watches_max, 1000);
    DEFAULT (pushes_max, 1000);
    DEFAULT (pushes_near, 100);
    DEFAULT (client_sessions_max, HF_SESSIONS_MAX / 2);
    DEFAULT (together_us, 2000);
    //  Else credit could wait for a step that waits for more log.
    assert (config->flush_bytes <= config->unwritten_max);
    assert (config->flush_rows <= config->unwritten_rows);
}

hf_lock_service_t *
hf_lock_service_new (const hf_lock_config_t *config, hf_state_t *state, uint64_t now_us)
{
    assert (config->self != 0 && state);
    hf_lock_service_t *self = hf_alloc (sizeof *self);
    self->config = *config;
    s_defaults (&self->config);
    self->state = state;
    self->started_us = self->turn_us = self->now_us = now_us;
    self->step_index = hf_state_applied_index (state);
    self->expiry = hf_expiry_new ();
    hf_routes_init (&self->routes);
    hf_lock_reads_init (self);
    hf_lock_watch_init (self);
    hf_shares_init (&self->undecided_of);
    hf_shares_init (&self->undecided_old);
    hf_table_init (&self->moved.locks);
    hf_table_init (&self->moved_far.locks);
    hf_table_init (&self->wanted.locks);
    hf_outbox_init (&self->out);
    hf_outcomes_init (&self->outcomes);
    hf_lock_guard_init (&self->guard);
    hf_pack_init (&self->rows);
    hf_pack_init (&self->more_rows);
    hf_pack_init (&self->kept);
    hf_pack_init (&self->commands);
    hf_pack_init (&self->payload);
    hf_pack_init (&self->entries);
    hf_pack_init (&self->silences);
    hf_pack_init (&self->sections);
    hf_a_start_frame (&self->out.message, &(hf_a_start_t){.applied = self->step_index});
    hf_outbox_to_actor (&self->out, HF_TO_ELECTION);
    return self;
}

void
hf_lock_service_destroy (hf_lock_service_t **self_p)
{
    hf_lock_service_t *self = *self_p;
    if (!self)
        return;
    hf_table_free (&self->moved.locks);
    hf_table_free (&self->moved_far.locks);
    hf_table_free (&self->wanted.locks);
    hf_shares_done (&self->undecided_of);
    hf_shares_done (&self->undecided_old);
    hf_lock_reads_done (self);
    hf_lock_watch_done (self);
    hf_routes_done (&self->routes);
    hf_lock_guard_done (&self->guard);
    hf_expiry_destroy (&self->expiry);
    hf_state_destroy (&self->state);
    hf_outbox_done (&self->out);
    hf_outcomes_done (&self->outcomes);
    hf_array_free (&self->debts);
    hf_array_free (&self->named);
    hf_pack_done (&self->rows);
    hf_pack_done (&self->more_rows);
    hf_pack_done (&self->kept);
    hf_pack_done (&self->commands);
    hf_pack_done (&self->payload);
    hf_pack_done (&self->entries);
    hf_pack_done (&self->silences);
    hf_pack_done (&self->sections);
    free (self);
    *self_p = NULL;
}

//  ---- the leader -----------------------------------------------------------------

static void
s_tell_watchers (hf_lock_service_t *self)
{
    if (HF_MUTANT (watcher_untold))
        return;
    const hf_route_t *route = hf_routes_watcher (&self->routes, NULL);
    for (; route; route = hf_routes_watcher (&self->routes, route))
        hf_lock_refuse (self, route, HF_NOT_LEADER, NULL);
    if (self->leader != 0 && (self->leading || !self->elected))
        hf_routes_unwatch (&self->routes);
}

static void
s_start_all (hf_lock_service_t *self, uint64_t now_us)
{
    uint64_t session = 0;
    uint32_t ttl_ms;
    while (hf_state_next_session (self->state, session, &session, &ttl_ms)) {
        uint32_t ran_ms = hf_state_session_ran (self->state, session);
        if (HF_MUTANT (ttl_marks_lost))
            ran_ms = 0;
        *(ran_ms > 0 ? &self->resumed : &self->restarted) += 1;
        bool wanted =
            hf_state_session_wanted (self->state, session) && !HF_MUTANT (holder_marked_late);
        hf_expiry_start (self->expiry, session, ttl_ms, ran_ms, wanted, now_us);
    }
}

/*  Serve once everything before this term is applied. Every session's time starts anew (P9), but
 * for what the log says has run, from now: this turn may have begun before the old leader
 * acknowledged its last keepalive. */
static void
s_try_serve (hf_lock_service_t *self)
{
    bool applied = hf_state_applied_index (self->state) >= self->lead_index;
    if (!self->elected || self->leading || !(applied || HF_MUTANT (serves_early)))
        return;
    self->leading = true;
    uint64_t now_us = HF_MUTANT (served_at_turn_start) ? self->turn_us : self->now_us;
    self->silences_sent = hf_state_silences (self->state);
    if (!HF_MUTANT (ttl_not_restarted)) {
        hf_expiry_clear (self->expiry);
        s_start_all (self, now_us);
    }
    hf_lock_keep_floor (self);
    s_tell_watchers (self);
}

static void
s_leading (hf_lock_service_t *self, const hf_a_leading_t *leading)
{
    self->elected = true;
    self->leading = false;
    self->term = leading->term;
    self->lead_index = leading->index;
    self->leader = self->config.self;
    hf_lock_watch_leader (self);
    hf_lock_drop_proposals (self);
    hf_lock_drop_changes (self);
}

static void
s_following (hf_lock_service_t *self, const hf_a_following_t *following)
{
    bool news = self->elected || following->leader != 0;
    self->elected = self->leading = false;
    self->term = following->term;
    self->leader = following->leader;
    hf_lock_watch_leader (self);
    hf_lock_drop_proposals (self);
    if (!HF_MUTANT (ttl_not_restarted))
        hf_expiry_clear (self->expiry);
    hf_table_free (&self->moved.locks);
    hf_table_free (&self->moved_far.locks);
    hf_table_free (&self->wanted.locks);
    hf_lock_drop_reads (self, true);
    hf_routes_unlead (&self->routes);
    if (news)
        s_tell_watchers (self);
    hf_lock_drop_changes (self);
    hf_lock_audit_drop (self);
}

//  ---- other actors -----------------------------------------------------------------

void
hf_lock_service_from_actor (hf_lock_service_t *self, hf_scan_t *scan, uint32_t kind,
                            uint64_t now_us)
{
    self->now_us = now_us;
    switch (kind) {
        HF_OWN_CASE (scan, A_COMMITTED, a_committed, hf_lock_apply (self, &in));
        HF_OWN_CASE (scan, A_LEADING, a_leading, s_leading (self, &in));
        HF_OWN_CASE (scan, A_FOLLOWING, a_following, s_following (self, &in));
        HF_OWN_CASE (scan, A_PASSED, a_passed, hf_lock_passed (self, &in));
        HF_OWN_CASE (scan, A_TOLD, a_told, hf_lock_facts (self, &in));
        HF_OWN_CASE (scan, A_ROSTER, a_roster, hf_lock_take_roster (self, &in));
        HF_OWN_CASE (scan, A_VERDICT, a_verdict, hf_lock_verdict (self, &in));
        HF_OWN_CASE (scan, A_FILE_RESULT, a_file_result, hf_lock_file_result (self, &in));
        HF_OWN_CASE (scan, A_FILES_DURABLE, a_files_durable,
                     hf_lock_files_durable (self, in.index));
        HF_OWN_CASE (scan, A_FLUSHED, a_flushed, hf_lock_flushed (self, in.index));
        HF_OWN_CASE (scan, A_WANT_STATE, a_want_state, hf_lock_want_state (self, in.node));
        HF_OWN_CASE (scan, A_RIGHTS, a_rights, hf_lock_service_rights (self, in.text));
    default:
        assert (false && "a message that no actor sends to the lock actor");
    }
    s_try_serve (self);
}

//  ---- the turn ---------------------------------------------------------------------

void
hf_lock_service_begin (hf_lock_service_t *self, uint64_t now_us)
{
    assert (now_us >= self->turn_us);
    self->turn_us = self->now_us = now_us;
}

/*  What it loses: the first few by name. */
static void
s_name_lost (hf_lock_service_t *self, uint64_t session, char *text, size_t size)
{
    size_t used = 0;
    hf_granted_t granted;
    hf_pack_reset (&self->rows);
    hf_pack_reset (&self->more_rows);
    hf_state_session_places (self->state, session, &self->rows, &self->more_rows);
    hf_scan_t scan = hf_scan_list (hf_pack_list (&self->rows));
    for (uint32_t i = 0; i < self->rows.count && i < LOST_NAMED && used < size; i++)
        if (hf_granted_get (&scan, &granted))
            used += (size_t)snprintf (text + used, size - used, "%s%.*s (token %" PRIu64 ")",
                                      i > 0 ? ", " : "", (int)granted.lock.size, granted.lock.at,
                                      granted.token);
    if (self->rows.count > LOST_NAMED && used < size)
        snprintf (text + used, size - used, " and %u more", self->rows.count - LOST_NAMED);
}

static void
s_say_silent (hf_lock_service_t *self, uint64_t session)
{
    char lost[LOST_NAMED * 300] = "nothing";
    uint32_t ttl_ms, delay_ms;
    hf_span_t label = hf_state_session_label (self->state, session);
    const char *comma = label.size > 0 ? ", " : "";
    if (hf_state_session_gone (self->state, session, &delay_ms)) {
        hf_outbox_say (&self->out, HF_INFO,
                       "session %" PRIu64 "%s%.*s is gone for %.1f s: what it held is free",
                       session, comma, (int)label.size, label.at, delay_ms / 1000.0);
        return;
    }
    if (!hf_state_session_ttl (self->state, session, &ttl_ms))
        return;
    s_name_lost (self, session, lost, sizeof lost);
    hf_outbox_say (&self->out, HF_INFO,
                   "session %" PRIu64 "%s%.*s%s was silent for %.1f s: lost %s", session, comma,
                   (int)label.size, label.at, label.size > 0 ? "," : "", ttl_ms / 1000.0, lost);
}

/*  Propose the end of sessions that fell silent. What was sent in time counts before anybody is
 *  judged: not while messages wait, and by a time before the last of them was taken. Yet a flood of
 *  messages must not keep dead sessions alive. */
static void
s_expire (hf_lock_service_t *self, bool drained)
{
    if (drained)
        self->flooded_us = 0;
    else if (self->flooded_us == 0)
        self->flooded_us = self->turn_us;
    bool patient = self->turn_us - self->flooded_us < FLOOD_PATIENCE_US;
    if (self->flooded_us != 0 && patient && !HF_MUTANT (expires_in_flood))
        return;
    uint64_t session;
    uint32_t count = 0, ran_ms;
    while (self->leading && !HF_MUTANT (never_expires) &&
           (session = hf_expiry_take (self->expiry, self->turn_us, self->silences_sent + 1,
                                      &ran_ms)) != 0) {
        if (ran_ms > 0) {
            hf_lock_silence (self, session, ran_ms);
            continue;
        }
        if (++count <= SILENT_NAMED)
            s_say_silent (self, session);
        hf_cmd_expire_put (&self->commands,
                           &(hf_cmd_expire_t){.session = session, .term = self->term});
        hf_lock_close_entry (self, false);
    }
    if (count > SILENT_NAMED)
        hf_outbox_say (&self->out, HF_INFO, "and %u more sessions", count - SILENT_NAMED);
}

/*  Give back the memory that a burst needed. */
static void
s_trim (hf_lock_service_t *self)
{
    hf_pack_t *const scratch[] = {&self->rows, &self->more_rows, &self->kept, &self->payload,
                                  &self->guard.sifted};
    for (size_t i = 0; i < sizeof scratch / sizeof *scratch; i++) {
        hf_pack_reset (scratch[i]);
        hf_pack_trim (scratch[i]);
    }
    hf_pack_trim (&self->commands);
    hf_pack_trim (&self->entries);
    hf_pack_trim (&self->sections);
    hf_routes_trim (&self->routes);
}

void
hf_lock_service_end (hf_lock_service_t *self, bool drained)
{
    s_expire (self, drained);
    hf_lock_close_silences (self);
    hf_lock_propose (self);
    if (HF_MUTANT (barrier_before_reads))
        hf_lock_ask_barrier (self);
    hf_lock_answer_held (self);
    hf_lock_answer_reads (self);
    if (!HF_MUTANT (barrier_before_reads))
        hf_lock_ask_barrier (self);
    hf_lock_push (self);
    hf_routes_send_all (&self->routes, &self->out);
    hf_lock_send_sections (self);
    hf_lock_step (self);
    hf_lock_credit (self);
    hf_lock_watch_forget (self);
    hf_lock_watch_tell (self);
    hf_lock_audit_rest (self);
    hf_lock_slow (self);
    s_trim (self);
}

bool
hf_lock_service_more (hf_lock_service_t *self)
{
    //  Neither kind waits for all of the other.
    bool kept = hf_lock_answer_keepalive (self);
    if (!kept || !HF_MUTANT (queries_starve))
        hf_lock_answer_query (self);
    hf_lock_watch_step (self);
    hf_lock_watch_tell (self);
    return hf_lock_answers_due (self) || hf_lock_watch_due (self);
}

uint64_t
hf_lock_service_wake_us (const hf_lock_service_t *self)
{
    if (hf_lock_reads_due (self) || hf_lock_watch_due (self))
        return 0;
    uint64_t wake_us = self->leading ? hf_expiry_next_us (self->expiry, self->now_us) : UINT64_MAX;
    if (self->patient_bytes > 0 && self->patient_us + self->config.together_us < wake_us)
        wake_us = self->patient_us + self->config.together_us;
    uint64_t step_us = hf_lock_step_due_us (self), watch_us = hf_lock_watch_wake_us (self);
    wake_us = watch_us < wake_us ? watch_us : wake_us;
    uint64_t push_us = hf_lock_push_due_us (self);
    wake_us = push_us < wake_us ? push_us : wake_us;
    return step_us < wake_us ? step_us : wake_us;
}

/*  Whether a counter of the door has risen since it was last reported, and may be reported again.
 */
static bool
s_risen (hf_lock_service_t *self, uint64_t count, uint64_t *said, uint64_t *said_us)
{
    if (count == *said || (*said > 0 && self->now_us < *said_us + DOOR_SAYS_US))
        return false;
    *said = count;
    *said_us = self->now_us;
    return true;
}

void
hf_lock_service_door (hf_lock_service_t *self, const hf_lock_door_t *door)
{
    self->door = *door;
    if (s_risen (self, door->refused, &self->said_refused, &self->said_refused_us))
        hf_outbox_say (
            &self->out, HF_WARN,
            "takes no more connections: %" PRIu64 " clients are connected, and the limit "
            "on open files is reached (ulimit -n, LimitNOFILE=), or that of --connections; "
            "refused so far: %" PRIu64,
            door->connections, door->refused);
    if (s_risen (self, door->halves, &self->said_halves, &self->said_halves_us))
        hf_outbox_say (&self->out, HF_WARN,
                       "too many connections do not end their handshake (--handshakes); cut off or "
                       "refused so far: %" PRIu64,
                       door->halves);
    if (s_risen (self, door->cut, &self->said_cut, &self->said_cut_us))
        hf_outbox_say (&self->out, HF_WARN,
                       "cut off clients that did not read their answers, or did not end what they "
                       "sent; so far: %" PRIu64,
                       door->cut);
}

hf_outbox_t *
hf_lock_service_outbox (hf_lock_service_t *self)
{
    return &self->out;
}

const hf_state_t *
hf_lock_service_state (const hf_lock_service_t *self)
{
    return self->state;
}
