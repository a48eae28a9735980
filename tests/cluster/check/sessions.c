//  Sessions: none ends before its TTL has passed since it was last heard of (P9), and nothing
//  happens in one that is over.
#include "tests/cluster/check/check_private.h"
#include <inttypes.h>
#include <stdlib.h>

/*  The cluster heard of the session after START, and the client had its answer by END. */
typedef struct s_beat {
    uint64_t session, start, end;
    const op_t *op, *newest; //  newest: the last to start of those that ended by END
} s_beat_t;

typedef struct s_session {
    uint64_t id, ttl_us, delay_us;
    uint64_t closing; //  a client asked for its end
    uint64_t over;    //  it had surely ended
    const op_t *over_op;
    size_t first, count; //  beats
} s_session_t;

typedef struct s_table {
    HF_ARRAY (s_beat_t) beats; //  by session, end
    HF_ARRAY (s_session_t) sessions;
} s_table_t;

CHECK_COMPARE (s_by_session, s_beat_t, row->session, row->end)

/*  The cluster answered it. */
static bool
s_is_beat (const op_t *op)
{
    if (op->session == 0 || op->end == NEVER || op->again)
        return false;
    switch (op->kind) {
    case OP_OPEN:
    case OP_KEEPALIVE:
        return op->said == SAID_OK;
    case OP_ACQUIRE:
        return op->index > 0 && op->since == op->start &&
               (op->said == SAID_OK || op->said == SAID_NOT_GRANTED);
    case OP_RELEASE:
    case OP_CANCEL:
    case OP_ABANDON:
    case OP_APPEND:
    case OP_NOTE:
        return op->index > 0 && (op->said == SAID_OK || op->said == SAID_NOT_HOLDER);
    default:
        return false;
    }
}

static void
s_beats (const hf_check_t *self, s_table_t *table)
{
    for (size_t i = 0; i < self->ops.count; i++) {
        const op_t *op = &self->ops.list[i];
        if (!s_is_beat (op))
            continue;
        bool other = op->kind == OP_APPEND && op->said == SAID_OK && op->owner;
        for (int times = 0; times <= other; times++) {
            *hf_array_add (&table->beats) = (s_beat_t){.session = times ? op->owner : op->session,
                                                       .start = op->start,
                                                       .end = op->end,
                                                       .op = op};
        }
    }
    check_sort (table->beats.list, table->beats.count, sizeof (s_beat_t), s_by_session);
}

static void
s_sessions (s_table_t *table)
{
    for (size_t i = 0; i < table->beats.count; i++) {
        s_beat_t *beat = &table->beats.list[i];
        beat->newest = beat->op;
        if (i == 0 || beat[-1].session != beat->session)
            *hf_array_add (&table->sessions) =
                (s_session_t){.id = beat->session, .closing = NEVER, .over = NEVER, .first = i};
        else if (beat[-1].newest->start > beat->start)
            beat->newest = beat[-1].newest;
        s_session_t *session = &table->sessions.list[table->sessions.count - 1];
        session->count++;
        if (beat->op->kind == OP_OPEN) {
            session->ttl_us = beat->op->ttl_us;
            session->delay_us = beat->op->delay_us;
        }
    }
}

static s_session_t *
s_find (const s_table_t *table, uint64_t id)
{
    s_session_t *list = table->sessions.list;
    size_t at = CHECK_FIRST (i, 0, table->sessions.count, list[i].id < id);
    return at < table->sessions.count && list[at].id == id ? &list[at] : NULL;
}

/*  What the client knew by TIME to have reached the cluster last; NULL: nothing. */
static const op_t *
s_heard (const s_table_t *table, const s_session_t *session, uint64_t time)
{
    const s_beat_t *beats = table->beats.list;
    size_t at =
        CHECK_FIRST (i, session->first, session->first + session->count, beats[i].end <= time);
    return at > session->first ? beats[at - 1].newest : NULL;
}

//  ---- ends -------------------------------------------------------------------------

static void
s_note_ends (const hf_check_t *self, const s_table_t *table)
{
    for (size_t i = 0; i < self->ops.count; i++) {
        const op_t *op = &self->ops.list[i];
        if (op->kind != OP_CLOSE && op->kind != OP_ENDED)
            continue;
        s_session_t *session = s_find (table, op->session);
        if (!session)
            continue;
        if (op->kind == OP_CLOSE && op->start < session->closing)
            session->closing = op->start;
        bool over = op->kind == OP_ENDED || op->said == SAID_OK || op->said == SAID_EXPIRED;
        uint64_t when = op->kind == OP_ENDED ? op->start : op->end;
        if (over && when < session->over) {
            session->over = when;
            session->over_op = op;
        }
    }
}

/*  Another session gave the token back, or tried. */
static bool
s_ended_by_other (const hf_check_t *self, uint64_t token)
{
    const hold_t *hold = check_hold (self, token);
    return hold && hold->foreign;
}

/*  OP reports an end that was certain at WHEN. */
static void
s_check_end (hf_check_t *self, const s_table_t *table, const op_t *op, uint64_t when,
             bool by_cluster)
{
    const s_session_t *session = s_find (table, op->session);
    if (!session || session->ttl_us == 0 || session->closing <= when)
        return;
    if (op->token && s_ended_by_other (self, op->token))
        return;
    const op_t *heard = s_heard (table, session, when);
    uint64_t margin = session->ttl_us / 10 > 100000 ? session->ttl_us / 10 : 100000;
    uint64_t least = session->ttl_us - (by_cluster ? 0 : margin);
    if (heard && heard->start + least > when)
        check_wrong (self, HF_PROMISE_P9, op, heard,
                     "session %" PRIu64 " ended %" PRIu64 " us after it was heard of, its TTL is "
                     "%" PRIu64 " us",
                     session->id, when - heard->start, session->ttl_us);
}

static void
s_check_ends (hf_check_t *self, const s_table_t *table)
{
    for (size_t i = 0; i < self->ops.count; i++) {
        const op_t *op = &self->ops.list[i];
        if (op->kind == OP_LOST || op->kind == OP_ENDED)
            s_check_end (self, table, op, op->start, op->by_cluster);
        else if (op->kind != OP_CLOSE && (op->said == SAID_EXPIRED || op->said == SAID_LOST) &&
                 op->end != NEVER)
            s_check_end (self, table, op, op->end, op->said == SAID_EXPIRED && op->index > 0);
    }
    for (size_t i = 0; i < table->beats.count; i++) {
        const op_t *op = table->beats.list[i].op;
        const s_session_t *session = s_find (table, table->beats.list[i].session);
        if (op->start > session->over)
            check_wrong (self, HF_PROMISE_P10, op, session->over_op,
                         "something happened in session %" PRIu64 " after it was over",
                         session->id);
    }
}

//  ---- ends that were not reported -----------------------------------------------------------

CHECK_COMPARE (s_by_grant, stay_t, row->place.lock, row->hold->index, row->hold->token)

/*  Sessions that gave a place up: their holds may have ended by that. */
static bool
s_abandons (const op_t *op)
{
    return op->kind == OP_ABANDON;
}

CHECK_COMPARE (s_by_place, op_t *, (*row)->session, (*row)->lock)

/*  HOLD was never given back, and NEXT was granted: so the session of HOLD had expired. */
static void
s_check_passed_on (hf_check_t *self, const s_table_t *table, const hold_t *hold, const hold_t *next)
{
    const s_session_t *session = s_find (table, hold->session);
    uint64_t when = next->grant->end;
    if (!session || session->ttl_us == 0 || session->closing <= when)
        return;
    const op_t *heard = table->beats.list[session->first + session->count - 1].newest;
    if (heard->start + session->ttl_us > when)
        check_wrong (self, HF_PROMISE_P9, next->grant, heard,
                     "token %" PRIu64 " was not given back, and its session was heard of less than "
                     "its TTL before token %" PRIu64 " was granted",
                     hold->token, next->token);
    else if (heard->start + session->ttl_us + session->delay_us > when)
        check_wrong (self, HF_PROMISE_P9, next->grant, heard,
                     "token %" PRIu64 " expired, and token %" PRIu64
                     " was granted before the delay was over",
                     hold->token, next->token);
}

static void
s_check_silent (hf_check_t *self, const s_table_t *table)
{
    size_t abandons_count, count, open = 0;
    const op_t **abandons = check_select (self, s_abandons, s_by_place, &abandons_count);
    stay_t *stays = check_stays (self, s_by_grant, &count);
    const stay_t **unended = check_list (count, sizeof *unended); //  at the lock at hand
    for (size_t i = 0; i < count; i++) {
        const hold_t *hold = stays[i].hold;
        size_t left = 0;
        open = i > 0 && stays[i - 1].place.lock != stays[i].place.lock ? 0 : open;
        for (size_t k = 0; k < open; k++) {
            if (check_excludes (self, unended[k], &stays[i], NEVER))
                s_check_passed_on (self, table, unended[k]->hold, hold);
            else
                unended[left++] = unended[k];
        }
        open = left;
        op_t key = {.session = hold->session, .lock = stays[i].place.lock};
        const op_t *key_p = &key;
        if (!hold->end && !hold->dropped && !hold->replaced &&
            !(abandons_count &&
              bsearch (&key_p, abandons, abandons_count, sizeof *abandons, s_by_place)))
            unended[open++] = &stays[i];
    }
    free (unended);
    free (abandons);
    free (stays);
}

void
check_sessions (hf_check_t *self)
{
    s_table_t table = {0};
    s_beats (self, &table);
    s_sessions (&table);
    s_note_ends (self, &table);
    s_check_ends (self, &table);
    s_check_silent (self, &table);
    hf_array_free (&table.beats);
    hf_array_free (&table.sessions);
}
