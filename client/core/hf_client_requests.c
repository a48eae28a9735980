//  Requests on their way out: order, batches, windows, repeats, limits.
//
//  Requests for one lock must take effect in the order of submission even when a frame is lost or
//  refused on the way. So those for one lock that are out together went out in ONE frame; later
//  ones are parked until these are answered. Requests for different locks do not wait for each
//  other.

#include "client/core/hf_client_internal.h"
#include <assert.h>

//  ---- in ---------------------------------------------------------------------

void
hf_client_requests_line_up (hf_op_t *op, hf_chain_t *from)
{
    const hf_chain_t *ready = &op->session->ready;
    while (from != ready && HF_AROUND (from, hf_op_t, chain)->order < op->order)
        from = from->next;
    op->state = HF_OP_READY;
    hf_chain_append (from, &op->chain);
    hf_client_session_mark (op->session);
}

void
hf_client_requests_abandon (hf_client_place_t *place, hf_client_gone_t gone)
{
    bool same = !place->mixed && place->wants == gone.wants;
    bool reused = place->live > 0 && (same || HF_MUTANT (mixed_reused));
    if (place->held || place->session->ended || HF_MUTANT (grant_kept))
        return;
    place->left = reused;
    if (reused)
        return;
    hf_op_t *op = hf_op_silent (place->session, HF_OP_ABANDON, place->lock, place->lock_size);
    op->order = gone.order;
    hf_client_place_attach (place, op);
    hf_client_requests_line_up (op, op->session->ready.next);
}

void
hf_client_requests_withdraw (hf_client_place_t *place, hf_client_gone_t gone)
{
    if (!place->held || place->session->ended || HF_MUTANT (upgrade_kept))
        return;
    hf_op_t *op = hf_op_silent (place->session, HF_OP_ACQUIRE, place->lock, place->lock_size);
    hf_want_t want = {place->lock, place->mode, place->units, place->limit};
    hf_op_want (op, &want, 1);
    op->order = gone.order;
    hf_client_place_attach (place, op);
    hf_client_requests_line_up (op, op->session->ready.next);
}

void
hf_client_requests_return (hf_client_session_t *session, hf_span_t lock, uint64_t token)
{
    if (HF_MUTANT (strange_hold_kept))
        return;
    hf_op_t *op = hf_op_silent (session, HF_OP_CANCEL, (const char *)lock.at, lock.size);
    op->token = token;
    hf_client_place_attach (hf_client_place_have (session, op->text, lock.size), op);
    hf_client_requests_line_up (op, session->ready.next);
}

static void
s_give_back (hf_op_t *op)
{
    hf_client_place_t *place = hf_client_place_find (op->session, op->text, op->lock_size);
    if (place && place->held && place->token == op->token && --place->given == 0) {
        place->held = false;
        place->refs++;
        hf_client_requests_abandon (
            place, (hf_client_gone_t){.wants = place->held_wants, .order = op->order});
        hf_client_place_let (place);
    }
    hf_op_finish (op, HF_OK, 0, 0);
}

void
hf_client_requests_take (hf_op_t *op)
{
    hf_client_session_t *session = op->session;
    op->order = ++session->ordered;
    if (session->ended || op->lost || !hf_client_session_alive (session)) {
        hf_client_session_end (session);
        bool foreign = op->owner != 0 && op->owner != session->id;
        bool acquire = op->kind == HF_OP_ACQUIRE;
        hf_op_finish (op, foreign || acquire ? HF_SESSION_EXPIRED : HF_LOST, 0, 0);
    } else if (op->kind == HF_OP_GIVE_BACK) {
        s_give_back (op);
    } else {
        hf_client_place_t *place = hf_client_place_have (session, op->text, op->lock_size);
        hf_client_place_attach (place, op);
        if (op->kind == HF_OP_ACQUIRE)
            hf_heap_set (&session->core->op_timers, &op->timer, op->limit_us);
        hf_client_requests_line_up (op, &session->ready);
    }
}

/*  An acquire's limit has passed. The result is given now; ABANDON follows. */
void
hf_client_requests_limit (hf_op_t *op)
{
    assert (op->kind == HF_OP_ACQUIRE && !op->orphan);
    hf_client_place_t *place = op->place;
    place->refs++;
    if (op->state == HF_OP_OUT) {
        //  Its answer decides whether there is a grant or a place to give back.
        hf_op_tell (op, HF_TIMEOUT);
    } else {
        //  What an earlier one left in the queue is given up with this one, sent or not.
        bool sent = op->tries > 0 || (place->left && !HF_MUTANT (left_forgotten));
        bool upgrade = place->held && op->mode != place->mode;
        hf_client_gone_t gone = {.wants = op->wants, .order = op->order};
        hf_op_finish (op, HF_TIMEOUT, 0, 0);
        if (sent && upgrade)
            hf_client_requests_withdraw (place, gone);
        else if (sent)
            hf_client_requests_abandon (place, gone);
    }
    hf_client_place_let (place);
}

//  ---- out --------------------------------------------------------------------

static void
s_put_acquire (hf_pack_t *pack, const hf_op_t *op)
{
    hf_span_t lock = hf_span (op->text, op->lock_size);
    if (!op->claim) {
        hf_acquire_put (pack, &(hf_acquire_t){op->seq, lock, op->mode, op->wait});
        return;
    }
    hf_list_t places = {
        .at = op->claim, .size = (uint32_t)op->claim_size, .count = op->claim_count};
    hf_claim_put (pack, &(hf_claim_t){.seq = op->seq,
                                      .places = places,
                                      .wait = op->wait,
                                      .acts_for = op->acts_for,
                                      .note = hf_span_text (op->note ? op->note : "")});
}

/*  Write the request: the same bytes every time. */
static void
s_put (hf_pack_t *pack, const hf_op_t *op)
{
    hf_span_t lock = hf_span (op->text, op->lock_size);
    switch (op->kind) {
    case HF_OP_ACQUIRE:
        s_put_acquire (pack, op);
        break;
    case HF_OP_NOTE:
        hf_note_put (pack, &(hf_note_t){op->seq, lock, op->token, op->owner,
                                        hf_span_text (op->note ? op->note : "")});
        break;
    case HF_OP_RELEASE:
        hf_release_put (pack, &(hf_release_t){op->seq, lock, op->token, op->owner});
        break;
    case HF_OP_CANCEL:
        hf_cancel_put (pack, &(hf_cancel_t){op->seq, lock, op->token, op->owner});
        break;
    case HF_OP_APPEND: {
        hf_span_t file = hf_span (op->text + op->lock_size + 1, op->file_size);
        hf_span_t data = hf_span (file.at + op->file_size + 1, op->data_size);
        hf_append_put (pack, &(hf_append_t){op->seq, lock, op->token, op->owner, file, data});
        break;
    }
    default:
        assert (op->kind == HF_OP_ABANDON);
        hf_abandon_put (pack, &(hf_abandon_t){op->seq, lock});
    }
}

void
hf_client_requests_flush (hf_client_core_t *core)
{
    if (core->packed.count == 0)
        return;
    hf_frame_begin (&core->outbox.frame, core->packed.count);
    hf_pack_raw (&core->outbox.frame, hf_pack_bytes (&core->packed), hf_pack_size (&core->packed));
    hf_client_leader_send (core);
    assert (core->outbox.frames.list[core->outbox.frames.count - 1].size <= HF_CLIENT_FRAME_MAX);
    hf_pack_reset (&core->packed);
}

/*  Whether those of the next session may go along. To a node that was busy, what gives back goes in
 *  frames of its own. */
static bool
s_together (const hf_client_core_t *core)
{
    bool packs = (core->packs & 1U << core->choice.target) != 0 || HF_MUTANT (packed_unasked);
    return packs && core->now_us >= core->hasty_until_us && core->packed.count < HF_PACKED_MAX &&
           hf_pack_size (&core->packed) < HF_BATCH_TARGET;
}

/*  Close the REQUESTS that are being built, and send them, or have them sent with others. */
static void
s_send (hf_client_session_t *session)
{
    hf_client_core_t *core = session->core;
    if (core->list.count == 0)
        return;
    hf_requests_t message = {.session = session->id,
                             .floor = session->window.floor,
                             .requests = hf_pack_list (&core->list)};
    if (HF_MUTANT (floor_early))
        message.floor = session->window.next;
    hf_requests_put (&core->packed, &message);
    hf_pack_reset (&core->list);
    if (!s_together (core))
        hf_client_requests_flush (core);
}

static bool
s_gives_back (const hf_op_t *op)
{
    return op->kind == HF_OP_RELEASE || op->kind == HF_OP_CANCEL || op->kind == HF_OP_ABANDON;
}

/*  Whether OP does not go in the frame that is being built. A node that has had too many requests
 *  of a user still takes what gives back, if nothing else is in its frame. */
static bool
s_apart (const hf_client_core_t *core, const hf_op_t *op)
{
    return core->list.count > 0 && core->now_us < core->hasty_until_us &&
           core->list_gives_back != s_gives_back (op);
}

static void
s_add (hf_client_core_t *core, const hf_op_t *op)
{
    s_put (&core->list, op);
    core->list_gives_back = s_gives_back (op);
}

/*  Undecided requests again, in order; what went out in one frame stays in one frame. */
static void
s_send_again (hf_client_session_t *session, bool all)
{
    hf_client_core_t *core = session->core;
    hf_window_t *window = &session->window;
    uint64_t frame = 0, end = window->next;
    for (uint64_t seq = window->floor; seq < end; seq++) {
        hf_op_t *op = hf_window_get (window, seq);
        if (!op || (!all && core->now_us < op->sent_us + core->request_us))
            continue;
        if (op->frame != frame &&
            (hf_pack_size (&core->list) >= HF_BATCH_TARGET || s_apart (core, op)))
            s_send (session);
        if (HF_MUTANT (seq_anew) && !hf_window_full (window)) {
            hf_window_take (window, seq);
            op->seq = hf_window_put (window, op);
        }
        frame = op->frame;
        op->sent_us = core->now_us;
        op->tries++;
        s_add (core, op);
    }
    s_send (session);
}

/*  A request that concerns several locks keeps its order with all others of its session: nothing
 * that went out in an earlier frame is out beside it. */
static bool
s_must_wait (const hf_client_session_t *session, const hf_op_t *op)
{
    bool earlier = session->out > session->out_now;
    return earlier && (op->wide || session->wide_out > 0) && !HF_MUTANT (sets_overtake);
}

/*  An earlier frame holds a request for the same lock that is not answered. */
static bool
s_must_park (const hf_client_session_t *session, const hf_client_place_t *place)
{
    if (HF_MUTANT (locks_overtake))
        return false;
    return !hf_chain_empty (&place->parked) || (place->out > 0 && place->frame != session->frames);
}

/*  In the order of submission; most are the last. */
static void
s_park (hf_op_t *op)
{
    hf_chain_t *parked = &op->place->parked, *before = parked;
    while (before->prev != parked && HF_AROUND (before->prev, hf_op_t, chain)->order > op->order)
        before = before->prev;
    op->state = HF_OP_PARKED;
    hf_chain_append (before, &op->chain);
}

/*  The user may know the hold by a token that was replaced. */
static void
s_name_hold (hf_op_t *op)
{
    const hf_client_place_t *place = op->place;
    bool own = op->owner == 0 || op->owner == op->session->id;
    if (own && place->held && op->token != 0 && op->token == place->alias)
        op->token = place->token;
}

static void
s_next_frame (hf_client_session_t *session)
{
    s_send (session);
    session->frames++;
    session->out_now = 0;
}

static void
s_send_new (hf_client_session_t *session)
{
    hf_client_core_t *core = session->core;
    session->frames++;
    session->out_now = 0;
    while (!hf_chain_empty (&session->ready) && !hf_window_full (&session->window)) {
        hf_op_t *op = HF_AROUND (session->ready.next, hf_op_t, chain);
        hf_client_place_t *place = op->place;
        if (s_apart (core, op))
            s_next_frame (session);
        if (s_must_wait (session, op))
            break;
        hf_chain_remove (&op->chain);
        if (s_must_park (session, place)) {
            s_park (op);
            continue;
        }
        s_name_hold (op);
        op->state = HF_OP_OUT;
        op->seq = hf_window_put (&session->window, op);
        op->frame = place->frame = session->frames;
        place->left = place->left && op->kind != HF_OP_ACQUIRE;
        place->out++;
        session->out++;
        session->out_now++;
        session->wide_out += op->wide;
        op->tries++;
        op->first_us = op->sent_us = core->now_us;
        core->outstanding++;
        s_add (core, op);
        if (hf_pack_size (&core->list) >= HF_BATCH_TARGET)
            s_next_frame (session);
    }
    s_send (session);
}

void
hf_client_requests_send (hf_client_session_t *session, bool all)
{
    const hf_client_core_t *core = session->core;
    if (session->out > 0 && (all || core->now_us >= session->check_us)) {
        s_send_again (session, all);
        session->check_us = core->now_us + core->request_us / 4;
    }
    if (!hf_chain_empty (&session->ready))
        s_send_new (session);
    if (session->out == 0)
        session->check_us = HF_NEVER;
    else if (session->check_us == HF_NEVER)
        session->check_us = core->now_us + core->request_us;
}
