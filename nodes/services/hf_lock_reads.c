//  What waits for a barrier: keepalives, closings of sessions that are over, queries. A heartbeat
//  round that began after they came proves that this node still leads (design 4.3).

#include "nodes/services/hf_lock_private.h"

#define ALIVES_FIRST  16           //  steps of keepalives in a turn, before anything else
#define FIRST_BYTES   (256U << 10) //  or as many as have these together: each may list many locks
#define ALIVE_BYTES   (64U << 10)  //  an ALIVE is closed at this size; one session may pass it
#define WAITING_BYTES (16U << 20)  //  names and sessions of reads not answered; beyond: BUSY

//  ---- answers -------------------------------------------------------------------

static hf_held_t *
s_held (hf_lock_service_t *self, uint64_t session)
{
    hf_table_node_t *node = hf_table_seek (&self->reads.held_by, session); //  the id is its hash
    if (node)
        return HF_AROUND (node, hf_held_t, by_session);
    hf_held_t *held = hf_alloc (sizeof *held);
    held->session = session;
    hf_table_insert (&self->reads.held_by, &held->by_session, session);
    hf_chain_append (&self->reads.held, &held->link);
    return held;
}

/*  The answer waits until the log says that the session was heard. Of several the last is answered.
 */
static void
s_hold (hf_lock_service_t *self, const hf_reading_t *reading, uint64_t session)
{
    hf_held_t *held = s_held (self, session);
    held->echo = reading->id;
    held->route = reading->route;
}

/*  Held sessions that one KEEPALIVE named. */
typedef struct heard {
    hf_reading_t reading;
    HF_ARRAY (uint64_t) sessions;
} heard_t;

/*  They are answered together: of each alone, many would be more readings than a client may have.
 */
static void
s_release (hf_lock_service_t *self, heard_t *heard)
{
    if (heard->sessions.count == 0)
        return;
    hf_readers_t *readers = &self->reads.readers;
    heard->reading.bytes = (const uint8_t *)heard->sessions.list;
    heard->reading.size = (uint32_t)(heard->sessions.count * sizeof (uint64_t));
    hf_readers_due (readers, hf_readers_wait (readers, &heard->reading));
    heard->sessions.count = 0;
}

static void
s_hear (hf_lock_service_t *self, heard_t *heard, hf_held_t *held)
{
    if (held->echo != heard->reading.id || HF_MUTANT (heard_alone) ||
        !hf_route_equal (&held->route, &heard->reading.route))
        s_release (self, heard);
    heard->reading =
        (hf_reading_t){.type = HF_READING_KEEPALIVE, .id = held->echo, .route = held->route};
    *hf_array_add (&heard->sessions) = held->session;
    hf_chain_remove (&held->link);
    hf_table_remove (&self->reads.held_by, &held->by_session);
    free (held);
}

/*  Pack the KEPT of a session that a keepalive names. */
static void
s_kept (hf_lock_service_t *self, const hf_reading_t *reading, uint64_t session)
{
    //  Its end is proposed: from now on nothing may make its client believe that it lives (4.7).
    if (hf_expiry_ending (self->expiry, session) && !HF_MUTANT (alive_while_ending))
        return;
    bool speaks = hf_lock_speaks (self, &reading->route, session) || HF_MUTANT (unasked_keep);
    if (speaks && hf_lock_marked (self, session) && !HF_MUTANT (mark_acknowledged)) {
        s_hold (self, reading, session);
        return;
    }
    hf_pack_reset (&self->rows);
    hf_pack_reset (&self->more_rows);
    hf_kept_t kept = {.session = session, .status = HF_OK};
    if (speaks && hf_state_session_places (self->state, session, &self->rows, &self->more_rows)) {
        if (!HF_MUTANT (alive_without_holds))
            kept.held = hf_pack_list (&self->rows);
        kept.queued = hf_pack_list (&self->more_rows);
        if (!hf_routes_find (&self->routes, session)) //  else it may have moved since
            hf_routes_caller (&self->routes, session, &reading->route);
    } else
        kept.status = HF_SESSION_EXPIRED;
    hf_kept_put (&self->kept, &kept);
}

/*  Its barrier has passed; what was committed since lets the next leader know that it was heard. */
void
hf_lock_answer_held (hf_lock_service_t *self)
{
    if (!self->silences_applied)
        return;
    self->silences_applied = false;
    heard_t heard = {.reading.size = 0};
    HF_CHAIN_EACH_SAFE (&self->reads.held, at)
    {
        hf_held_t *held = HF_AROUND (at, hf_held_t, link);
        if (!hf_lock_marked (self, held->session))
            s_hear (self, &heard, held);
    }
    s_release (self, &heard);
    hf_array_free (&heard.sessions);
}

/*  A session may have thousands of places, so a frame takes sessions up to a size. */
bool
hf_lock_answer_keepalive (hf_lock_service_t *self)
{
    hf_readers_t *readers = &self->reads.readers;
    hf_reading_t *reading = hf_readers_next (readers, HF_LANE_KEEPALIVES);
    if (!reading)
        return false;
    hf_pack_reset (&self->kept);
    for (; reading->done < reading->size / sizeof (uint64_t) &&
           hf_pack_size (&self->kept) < ALIVE_BYTES;
         reading->done++) {
        uint64_t session;
        memcpy (&session, reading->bytes + reading->done * sizeof session, sizeof session);
        s_kept (self, reading, session);
    }
    if (self->kept.count > 0) {
        hf_alive_frame (&self->out.frame, &(hf_alive_t){.echo = reading->id,
                                                        .sessions = hf_pack_list (&self->kept),
                                                        .roster = hf_lock_roster (self),
                                                        .packs = true});
        hf_outbox_to_client (&self->out, &reading->route, 0);
    }
    hf_readers_turn (readers, reading);
    if (reading->done == reading->size / sizeof (uint64_t))
        hf_readers_done (readers, reading);
    return true;
}

void
hf_lock_answer_query (hf_lock_service_t *self)
{
    hf_reads_t *reads = &self->reads;
    const hf_reading_t *reading = hf_readers_next (&reads->readers, HF_LANE_QUERIES);
    reads->blocked = reading && hf_lock_query_blocked (self, reading);
    if (!reading || reads->blocked)
        return;
    if (!hf_lock_query (self, reading))
        return; //  goes on in the next step
    hf_readers_turn (&reads->readers, reading);
    hf_readers_done (&reads->readers, reading);
}

static void
s_closed (hf_lock_service_t *self, const hf_reading_t *reading)
{
    if (HF_MUTANT (close_unanswered))
        return;
    hf_closed_frame (&self->out.frame, &(hf_closed_t){.session = reading->session,
                                                      .echo = reading->id,
                                                      .status = HF_SESSION_EXPIRED});
    hf_outbox_to_client (&self->out, &reading->route, 0);
}

/*  It may be answered now. */
static void
s_due (hf_lock_service_t *self, const hf_reading_t *reading)
{
    hf_readers_t *readers = &self->reads.readers;
    if (reading->type != HF_READING_CLOSE) {
        hf_readers_due (readers, reading);
        return;
    }
    s_closed (self, reading);
    hf_readers_done (readers, reading);
}

/*  Whether those under a barrier may be answered. */
static bool
s_passed (const hf_lock_service_t *self)
{
    bool applied = hf_state_applied_index (self->state) >= self->reads.index;
    return self->reads.passed && (applied || HF_MUTANT (read_unapplied));
}

bool
hf_lock_answers_due (const hf_lock_service_t *self)
{
    const hf_reads_t *reads = &self->reads;
    return hf_readers_next (&reads->readers, HF_LANE_KEEPALIVES) ||
           (hf_readers_next (&reads->readers, HF_LANE_QUERIES) && !reads->blocked);
}

bool
hf_lock_reads_due (const hf_lock_service_t *self)
{
    return hf_lock_answers_due (self) || s_passed (self);
}

void
hf_lock_answer_reads (hf_lock_service_t *self)
{
    hf_reads_t *reads = &self->reads;
    if (s_passed (self)) {
        const hf_reading_t *reading;
        while ((reading = hf_readers_under (&reads->readers)))
            s_due (self, reading);
        reads->passed = false;
    }
    size_t from = hf_pack_size (&self->out.frame);
    for (int i = 0; i < ALIVES_FIRST; i++) {
        bool much = hf_pack_size (&self->out.frame) - from >= FIRST_BYTES;
        if ((much && !HF_MUTANT (alives_unbounded)) || !hf_lock_answer_keepalive (self))
            break;
    }
}

//  ---- barriers ------------------------------------------------------------------

static bool
s_unbarred (const hf_reading_t *reading)
{
    return reading->type == HF_READING_QUERY ? HF_MUTANT (read_unbarred)
                                             : HF_MUTANT (keepalive_unbarred);
}

/*  Whether there is room. Queries never take all of it: they must not shut keepalives out. */
static bool
s_room (const hf_lock_service_t *self, const hf_reading_t *reading)
{
    const hf_readers_t *readers = &self->reads.readers;
    uint32_t max = self->config.readings_max;
    if (readers->bytes + reading->size > WAITING_BYTES)
        return false;
    if (reading->type == HF_READING_QUERY)
        return readers->queries < max / 2;
    return readers->queries + readers->others < max;
}

/*  And for this client, which must not shut others out. */
static bool
s_room_of (const hf_lock_service_t *self, const hf_reading_t *reading)
{
    const hf_readers_t *readers = &self->reads.readers;
    const hf_reader_t *reader = hf_readers_find (readers, &reading->route);
    uint32_t max = self->config.readings_max;
    if (!reader)
        return true;
    if (hf_shares_full (reader->bytes, readers->bytes, WAITING_BYTES))
        return false;
    if (reading->type == HF_READING_QUERY)
        return reader->queries <= max / 8 || HF_MUTANT (reader_takes_all);
    return !hf_shares_full (reader->others, readers->queries + readers->others, max);
}

bool
hf_lock_read (hf_lock_service_t *self, const hf_reading_t *reading)
{
    hf_readers_t *readers = &self->reads.readers;
    if (s_unbarred (reading)) {
        s_due (self, hf_readers_wait (readers, reading));
        return true;
    }
    bool room = s_room (self, reading);
    if (!room || !s_room_of (self, reading)) {
        hf_lock_refuse_busy (self, &reading->route, !room);
        return false;
    }
    const hf_reading_t *waits = hf_readers_wait (readers, reading);
    if (reading->stale)
        s_due (self, waits);
    else if (HF_MUTANT (barrier_joined) && self->reads.barrier_out)
        hf_chain_splice (&readers->under, &readers->waiting);
    return true;
}

void
hf_lock_ask_barrier (hf_lock_service_t *self)
{
    hf_reads_t *reads = &self->reads;
    if (!self->leading || hf_readers_under (&reads->readers) ||
        hf_chain_empty (&reads->readers.waiting))
        return;
    hf_readers_begin (&reads->readers);
    reads->barrier_out = true;
    self->barrier_us = self->now_us;
    reads->barrier_id++;
    hf_a_barrier_frame (&self->out.message, &(hf_a_barrier_t){.id = reads->barrier_id});
    hf_outbox_to_actor (&self->out, HF_TO_ELECTION);
}

void
hf_lock_passed (hf_lock_service_t *self, const hf_a_passed_t *passed)
{
    hf_reads_t *reads = &self->reads;
    if (!reads->barrier_out || passed->id != reads->barrier_id)
        return; //  of a leadership that is over
    reads->barrier_out = false;
    hf_times_add (&self->barrier, self->now_us - self->barrier_us, 1);
    reads->passed = true;
    reads->index = passed->index;
}

/*  What is due for a client is not worth the packing any more. */
void
hf_lock_reads_unsent (hf_lock_service_t *self, const hf_route_t *route)
{
    if (!HF_MUTANT (packed_for_nobody))
        hf_readers_leave (&self->reads.readers, route);
}

//  ---- the end of a leadership -----------------------------------------------------

static void
s_watch_all (hf_lock_service_t *self)
{
    hf_reads_t *reads = &self->reads;
    hf_table_node_t *node = hf_table_first (&reads->readers.table);
    for (; node; node = hf_table_next (&reads->readers.table, node))
        hf_routes_watch (&self->routes, &HF_AROUND (node, hf_reader_t, by_route)->route);
    HF_CHAIN_EACH (&reads->held, at)
    {
        hf_routes_watch (&self->routes, &HF_AROUND (at, hf_held_t, link)->route);
    }
}

void
hf_lock_drop_reads (hf_lock_service_t *self, bool watch)
{
    hf_reads_t *reads = &self->reads;
    if (watch)
        s_watch_all (self);
    hf_readers_clear (&reads->readers);
    hf_lock_page_destroy (&reads->page);
    hf_table_free (&reads->held_by);
    hf_chain_init (&reads->held);
    reads->blocked = reads->barrier_out = reads->passed = false;
}

void
hf_lock_reads_init (hf_lock_service_t *self)
{
    hf_readers_init (&self->reads.readers);
    hf_chain_init (&self->reads.held);
    hf_table_init (&self->reads.held_by);
    hf_table_init (&self->reads.asked);
    hf_shares_init (&self->reads.asked_of);
}

void
hf_lock_reads_done (hf_lock_service_t *self)
{
    hf_lock_drop_reads (self, false);
    hf_table_free (&self->reads.asked);
    hf_shares_done (&self->reads.asked_of);
}
