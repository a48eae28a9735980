//  What waits for a barrier: keepalives, closings of sessions that are over, queries. A heartbeat
//  round that began after they came proves that this node still leads (design 4.3).

#include "nodes/services/hf_lock_private.h"

#define READS_KEPT    1000        //  reads that an empty list may keep room for
#define ALIVES_FIRST  16          //  frames that a turn sends before anything else
#define ALIVE_BYTES   (64U << 10) //  an ALIVE is closed at this size; one session may pass it
#define WAITING_BYTES (16U << 20) //  names and sessions of reads that wait; beyond: BUSY

//  ---- answers -------------------------------------------------------------------

/*  Pack the KEPT of a session that a keepalive names. */
static void
s_kept (hf_lock_service_t *self, const hf_reading_t *reading, uint64_t session)
{
    //  Its end is proposed: from now on nothing may make its client believe that it lives (4.7).
    if (hf_expiry_ending (self->expiry, session) && !HF_MUTANT (alive_while_ending))
        return;
    if (hf_lock_marked (self, session) && !HF_MUTANT (mark_acknowledged)) {
        if (self->reads.held.count < HF_SESSIONS_MAX) //  else the client asks again
            *hf_array_add (&self->reads.held) =
                (hf_held_t){.session = session, .echo = reading->id, .route = reading->route};
        return;
    }
    hf_pack_reset (&self->rows);
    hf_pack_reset (&self->more_rows);
    hf_kept_t kept = {.session = session, .status = HF_OK};
    if (hf_state_session_places (self->state, session, &self->rows, &self->more_rows)) {
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
    size_t kept = 0, count = self->reads.held.count;
    if (!self->silences_applied)
        return;
    self->silences_applied = false;
    for (size_t i = 0; i < count; i++) {
        hf_held_t held = self->reads.held.list[i];
        if (hf_lock_marked (self, held.session)) {
            self->reads.held.list[kept++] = held;
            continue;
        }
        hf_pack_reset (&self->kept);
        s_kept (self, &(hf_reading_t){.id = held.echo, .route = held.route}, held.session);
        if (self->kept.count == 0)
            continue;
        hf_alive_frame (&self->out.frame,
                        &(hf_alive_t){.echo = held.echo, .sessions = hf_pack_list (&self->kept)});
        hf_outbox_to_client (&self->out, &held.route, 0);
    }
    self->reads.held.count = kept;
}

/*  A session may have thousands of places, so a frame takes sessions up to a size. */
bool
hf_lock_answer_keepalive (hf_lock_service_t *self)
{
    hf_reads_t *reads = &self->reads;
    if (reads->keepalives.count == 0)
        return false;
    hf_reading_t *reading = &reads->keepalives.list[reads->keepalives_at];
    hf_pack_reset (&self->kept);
    for (; reading->done < reading->size / sizeof (uint64_t) &&
           hf_pack_size (&self->kept) < ALIVE_BYTES;
         reading->done++) {
        uint64_t session;
        memcpy (&session, reading->bytes + reading->done * sizeof session, sizeof session);
        s_kept (self, reading, session);
    }
    if (self->kept.count > 0) {
        hf_alive_frame (&self->out.frame,
                        &(hf_alive_t){.echo = reading->id, .sessions = hf_pack_list (&self->kept)});
        hf_outbox_to_client (&self->out, &reading->route, 0);
    }
    if (reading->done == reading->size / sizeof (uint64_t)) {
        free (reading->bytes);
        if (++reads->keepalives_at == reads->keepalives.count)
            reads->keepalives.count = reads->keepalives_at = 0;
    }
    return true;
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

static void
s_answer (hf_lock_service_t *self, hf_reading_t *reading)
{
    if (reading->type == HF_READING_KEEPALIVE)
        *hf_array_add (&self->reads.keepalives) = *reading;
    else if (reading->type == HF_READING_CLOSE)
        s_closed (self, reading);
    else
        *hf_array_add (&self->reads.queries) = *reading;
}

/*  Whether those under a barrier may be answered. */
static bool
s_passed (const hf_lock_service_t *self)
{
    bool applied = hf_state_applied_index (self->state) >= self->reads.index;
    return self->reads.passed && (applied || HF_MUTANT (read_unapplied));
}

bool
hf_lock_reads_due (const hf_lock_service_t *self)
{
    const hf_reads_t *reads = &self->reads;
    return reads->keepalives.count > 0 || (reads->queries.count > 0 && !reads->blocked) ||
           s_passed (self);
}

void
hf_lock_answer_reads (hf_lock_service_t *self)
{
    hf_reads_t *reads = &self->reads;
    //  Keepalives that were due before come first: what waits stays bounded.
    if (!s_passed (self) || reads->keepalives.count > 0)
        return;
    if (reads->queries_at > 0 && reads->queries_at >= reads->queries.count / 2) {
        hf_array_drop (&reads->queries, reads->queries_at);
        reads->queries_at = 0;
    }
    for (size_t i = 0; i < reads->under.count; i++)
        s_answer (self, &reads->under.list[i]);
    reads->under.count = 0;
    reads->passed = false;
    for (int i = 0; i < ALIVES_FIRST && hf_lock_answer_keepalive (self); i++)
        ;
}

/*  The memory that a burst needed, and that is not used now. */
void
hf_lock_reads_trim (hf_lock_service_t *self)
{
    hf_array_trim (&self->reads.waiting, READS_KEPT);
    hf_array_trim (&self->reads.under, READS_KEPT);
    hf_array_trim (&self->reads.keepalives, READS_KEPT);
    hf_array_trim (&self->reads.queries, READS_KEPT);
}

//  ---- barriers ------------------------------------------------------------------

static bool
s_unbarred (const hf_reading_t *reading)
{
    return reading->type == HF_READING_QUERY ? HF_MUTANT (read_unbarred)
                                             : HF_MUTANT (keepalive_unbarred);
}

/*  Whether there is room. Queries that wait, with or without a barrier, never take all of it: they
 *  must not shut keepalives out. */
static bool
s_room (const hf_lock_service_t *self, const hf_reading_t *reading)
{
    const hf_reads_t *reads = &self->reads;
    uint32_t max = self->config.readings_max;
    if (reads->waiting_bytes + reading->size > WAITING_BYTES)
        return false;
    if (reading->type != HF_READING_QUERY)
        return reads->waiting.count < max;
    return reads->waiting_queries < max / 2 && reads->queries.count - reads->queries_at < max / 2;
}

/*  And for this client, which must not shut others out. */
static bool
s_room_of (const hf_lock_service_t *self, const hf_reading_t *reading)
{
    const hf_reads_t *reads = &self->reads;
    uint32_t max = self->config.readings_max;
    if (hf_shares_full (hf_shares_of (&reads->bytes_of, &reading->route), reads->waiting_bytes,
                        WAITING_BYTES))
        return false;
    if (reading->type == HF_READING_QUERY)
        return hf_shares_of (&reads->queries_of, &reading->route) <= max / 8 ||
               HF_MUTANT (reader_takes_all);
    return !hf_shares_full (hf_shares_of (&reads->others_of, &reading->route), reads->waiting.count,
                            max);
}

void
hf_lock_read (hf_lock_service_t *self, hf_reading_t *reading)
{
    hf_reads_t *reads = &self->reads;
    if (s_unbarred (reading)) {
        s_answer (self, reading);
        return;
    }
    bool room = s_room (self, reading);
    if (!room || !s_room_of (self, reading)) {
        free (reading->bytes);
        hf_lock_refuse_busy (self, &reading->route, !room);
        return;
    }
    if (HF_MUTANT (barrier_joined) && reads->barrier_out) {
        *hf_array_add (&reads->under) = *reading;
        return;
    }
    *hf_array_add (&reads->waiting) = *reading;
    bool query = reading->type == HF_READING_QUERY;
    reads->waiting_queries += query;
    reads->waiting_bytes += reading->size;
    hf_shares_add (query ? &reads->queries_of : &reads->others_of, &reading->route, 1);
    hf_shares_add (&reads->bytes_of, &reading->route, reading->size);
}

static void
s_none_waits (hf_reads_t *reads)
{
    reads->waiting_queries = reads->waiting_bytes = 0;
    hf_shares_clear (&reads->queries_of);
    hf_shares_clear (&reads->others_of);
    hf_shares_clear (&reads->bytes_of);
}

void
hf_lock_ask_barrier (hf_lock_service_t *self)
{
    hf_reads_t *reads = &self->reads;
    if (!self->leading || reads->under.count > 0 || reads->waiting.count == 0)
        return;
    hf_readings_t empty = reads->under;
    reads->under = reads->waiting;
    reads->waiting = empty;
    s_none_waits (reads);
    reads->barrier_out = true;
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
    reads->passed = true;
    reads->index = passed->index;
}

//  ---- the end of a leadership -----------------------------------------------------

static void
s_drop (hf_lock_service_t *self, hf_readings_t *readings, size_t first, bool watch)
{
    for (size_t i = first; i < readings->count; i++) {
        if (watch)
            hf_routes_watch (&self->routes, &readings->list[i].route);
        free (readings->list[i].bytes);
    }
    readings->count = 0;
}

void
hf_lock_drop_reads (hf_lock_service_t *self, bool watch)
{
    hf_reads_t *reads = &self->reads;
    s_drop (self, &reads->waiting, 0, watch);
    s_drop (self, &reads->under, 0, watch);
    s_drop (self, &reads->keepalives, reads->keepalives_at, watch);
    s_drop (self, &reads->queries, reads->queries_at, watch);
    reads->keepalives_at = reads->queries_at = 0;
    s_none_waits (reads);
    for (size_t i = 0; watch && i < reads->held.count; i++)
        hf_routes_watch (&self->routes, &reads->held.list[i].route);
    reads->held.count = 0;
    reads->blocked = reads->barrier_out = reads->passed = false;
}

void
hf_lock_reads_init (hf_lock_service_t *self)
{
    hf_table_init (&self->reads.asked);
    hf_shares_init (&self->reads.asked_of);
    hf_shares_init (&self->reads.queries_of);
    hf_shares_init (&self->reads.others_of);
    hf_shares_init (&self->reads.bytes_of);
}

void
hf_lock_reads_done (hf_lock_service_t *self)
{
    hf_lock_drop_reads (self, false);
    hf_table_free (&self->reads.asked);
    hf_shares_clear (&self->reads.asked_of);
    hf_array_free (&self->reads.waiting);
    hf_array_free (&self->reads.under);
    hf_array_free (&self->reads.keepalives);
    hf_array_free (&self->reads.queries);
    hf_array_free (&self->reads.held);
}
