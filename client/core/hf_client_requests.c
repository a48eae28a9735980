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
hf_client_requests_before (hf_op_t *op, hf_chain_t *later)
{
    op->state = HF_OP_READY;
    hf_chain_append (later, &op->chain);
    hf_client_session_mark (op->session);
}

/*  To be sent, after what is ready. */
static void
s_ready (hf_op_t *op)
{
    hf_client_requests_before (op, &op->session->ready);
}

void
hf_client_requests_abandon (hf_client_place_t *place)
{
    if (place->live > 0 || place->held || place->session->ended || HF_MUTANT (grant_kept))
        return;
    hf_op_t *op = hf_op_silent (place->session, HF_OP_ABANDON, place->lock, place->lock_size);
    hf_client_place_attach (place, op);
    s_ready (op);
}

static void
s_give_back (hf_op_t *op)
{
    hf_client_place_t *place = hf_client_place_find (op->session, op->text, op->lock_size);
    if (place && place->held && place->token == op->token && --place->given == 0) {
        place->held = false;
        place->refs++;
        hf_client_requests_abandon (place);
        hf_client_place_let (place);
    }
    hf_op_finish (op, HF_OK, 0, 0);
}

void
hf_client_requests_take (hf_op_t *op)
{
    hf_client_session_t *session = op->session;
    if (session->ended || op->lost || !hf_client_session_alive (session)) {
        hf_client_session_end (session);
        bool foreign = op->owner != 0 && op->owner != session->id;
        bool acquire = op->kind == HF_OP_ACQUIRE;
        hf_op_finish (op, foreign || acquire ? HF_SESSION_EXPIRED : HF_LOST, 0, 0);
    } else if (op->kind == HF_OP_GIVE_BACK) {
        s_give_back (op);
    } else {
        hf_client_place_attach (hf_client_place_have (session, op->text, op->lock_size), op);
        if (op->kind == HF_OP_ACQUIRE)
            hf_heap_set (&session->core->op_timers, &op->timer, op->limit_us);
        s_ready (op);
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
        bool sent = op->tries > 0;
        hf_op_finish (op, HF_TIMEOUT, 0, 0);
        if (sent)
            hf_client_requests_abandon (place);
    }
    hf_client_place_let (place);
}

//  ---- out --------------------------------------------------------------------

/*  Write the request: the same bytes every time. */
static void
s_put (hf_pack_t *pack, const hf_op_t *op)
{
    hf_span_t lock = hf_span (op->text, op->lock_size);
    switch (op->kind) {
    case HF_OP_ACQUIRE:
        hf_acquire_put (pack, &(hf_acquire_t){op->seq, lock, op->mode, op->wait});
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

/*  Close the frame that is being built and send it. */
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
    hf_requests_frame (&core->outbox.frame, &message);
    hf_client_leader_send (core);
    assert (core->outbox.frames.list[core->outbox.frames.count - 1].size <= HF_CLIENT_FRAME_MAX);
    hf_pack_reset (&core->list);
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
        if (op->frame != frame && hf_pack_size (&core->list) >= HF_BATCH_TARGET)
            s_send (session);
        if (HF_MUTANT (seq_anew) && !hf_window_full (window)) {
            hf_window_take (window, seq);
            op->seq = hf_window_put (window, op);
        }
        frame = op->frame;
        op->sent_us = core->now_us;
        op->tries++;
        s_put (&core->list, op);
    }
    s_send (session);
}

/*  An earlier frame holds a request for the same lock that is not answered. */
static bool
s_must_park (const hf_client_session_t *session, const hf_client_place_t *place)
{
    if (HF_MUTANT (locks_overtake))
        return false;
    return !hf_chain_empty (&place->parked) || (place->out > 0 && place->frame != session->frames);
}

static void
s_send_new (hf_client_session_t *session)
{
    hf_client_core_t *core = session->core;
    session->frames++;
    while (!hf_chain_empty (&session->ready) && !hf_window_full (&session->window)) {
        hf_op_t *op = HF_AROUND (session->ready.next, hf_op_t, chain);
        hf_client_place_t *place = op->place;
        hf_chain_remove (&op->chain);
        if (s_must_park (session, place)) {
            op->state = HF_OP_PARKED;
            hf_chain_append (&place->parked, &op->chain);
            continue;
        }
        op->state = HF_OP_OUT;
        op->seq = hf_window_put (&session->window, op);
        op->frame = place->frame = session->frames;
        place->out++;
        session->out++;
        op->tries++;
        op->first_us = op->sent_us = core->now_us;
        core->outstanding++;
        s_put (&core->list, op);
        if (hf_pack_size (&core->list) >= HF_BATCH_TARGET) {
            s_send (session);
            session->frames++;
        }
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
