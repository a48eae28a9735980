/*  hf_requests.c - requests on their way out: order, batches, windows, repeats, limits.
 *
 *  Order. Requests for one lock must take effect in the order of submission even when a frame is
 *  lost or refused on the way. So those for one lock that are out together went out in
 *  ONE frame; later ones are parked until these are answered. Requests for different
 *  locks do not wait for each other.
 */
#include "client/hf_impl.h"
#include <assert.h>

//  ---- in ---------------------------------------------------------------------

static void
s_ready (hf_op_t *op)
{
    op->state = HF_OP_READY;
    hf_ops_push (&op->session->ready, op);
    hf_session_mark (op->session);
}

/*  Leave the queue, or hand back what crossed with giving up; nobody waits for the answer. */
void
hf_requests_abandon (hf_place_t *place)
{
    if (place->live > 0 || place->held || place->session->ended)
        return;
    hf_op_t *op = hf_op_new (place->session->client);
    op->kind = HF_OP_ABANDON;
    op->session = place->session;
    op->orphan = true;
    op->lock_size = place->lock_size;
    for (uint32_t i = 0; i <= place->lock_size; i++)
        op->lock[i] = place->lock[i];
    atomic_fetch_add (&place->session->load, 1);
    hf_place_attach (place, op);
    s_ready (op);
}

static void
s_give_back (hf_op_t *op)
{
    hf_place_t *place = hf_place_find (op->session, op->lock, op->lock_size);
    if (place && place->held && place->token == op->token && --place->given == 0) {
        place->held = false;
        place->refs++;
        hf_requests_abandon (place);
        place->refs--;
        hf_place_check (place);
    }
    hf_op_finish (op, HF_OK, 0, 0, 0);
}

/*  From the inbox. */
void
hf_requests_take (hf_op_t *op)
{
    hf_session_t *session = op->session;
    if (session->ended || op->lost || !hf_lease_alive (&session->lease, hf_client_now_us ())) {
        hf_session_end (session);
        bool foreign = op->owner != 0 && op->owner != session->id;
        bool acquire = op->kind == HF_OP_ACQUIRE;
        hf_op_finish (op, foreign || acquire ? HF_SESSION_EXPIRED : HF_LOST, 0, 0, 0);
        return;
    }
    if (op->kind == HF_OP_GIVE_BACK) {
        s_give_back (op);
        return;
    }
    hf_place_attach (hf_place_have (session, op->lock, op->lock_size), op);
    if (op->kind == HF_OP_ACQUIRE && op->limit_us != HF_NEVER)
        hf_timers_set (&session->client->timers, &op->timer, op->limit_us);
    s_ready (op);
}

/*  An acquire's limit has passed. The result is given now; the cluster is told behind it. */
void
hf_requests_limit (hf_op_t *op)
{
    assert (op->kind == HF_OP_ACQUIRE && !op->orphan);
    hf_place_t *place = op->place;
    place->refs++;
    if (op->state == HF_OP_OUT) {
        //  Its answer will tell whether there is anything to give back.
        hf_op_tell (op, HF_TIMEOUT, 0, 0, 0);
    } else {
        bool known = op->tries > 0;
        hf_op_finish (op, HF_TIMEOUT, 0, 0, 0);
        if (known)
            hf_requests_abandon (place);
    }
    place->refs--;
    hf_place_check (place);
}

//  ---- out --------------------------------------------------------------------

/*  Close the frame that is being built and send it. */
static void
s_send (hf_session_t *session)
{
    hf_client_t *client = session->client;
    if (client->list.count == 0)
        return;
    hf_requests_t message = {.session = session->id,
                             .floor = session->window.floor,
                             .requests = hf_pack_list (&client->list)};
    hf_pack_reset (&client->frame);
    hf_requests_frame (&client->frame, &message);
    assert (hf_pack_size (&client->frame) <= HF_CLIENT_FRAME_MAX);
    //  When the link takes nothing now it is as if the frame were lost: the repeat heals it.
    hf_leader_send (client, &client->frame);
    hf_pack_reset (&client->list);
}

/*  Undecided requests again, in order; what went out in one frame stays in one frame. */
static void
s_send_again (hf_session_t *session, bool all)
{
    hf_client_t *client = session->client;
    uint64_t now = client->now_us;
    uint64_t frame = 0;
    for (uint64_t seq = session->window.floor; seq < session->window.next; seq++) {
        hf_op_t *op = hf_window_get (&session->window, seq);
        if (!op || (!all && now < op->sent_us + HF_REQUEST_US))
            continue;
        if (op->frame != frame && hf_pack_size (&client->list) >= HF_BATCH_TARGET)
            s_send (session);
        frame = op->frame;
        op->sent_us = now;
        op->tries++;
        hf_op_put (&client->list, op);
    }
    s_send (session);
}

/*  An earlier frame holds a request for the same lock that is not answered. */
static bool
s_must_park (const hf_session_t *session, const hf_place_t *place)
{
    return place->parked.first || (place->out > 0 && place->frame != session->frames);
}

static void
s_send_new (hf_session_t *session)
{
    hf_client_t *client = session->client;
    session->frames++;
    while (session->ready.first && !hf_window_full (&session->window)) {
        hf_op_t *op = hf_ops_pop (&session->ready);
        if (s_must_park (session, op->place)) {
            op->state = HF_OP_PARKED;
            hf_ops_push (&op->place->parked, op);
            continue;
        }
        op->state = HF_OP_OUT;
        op->seq = hf_window_put (&session->window, op);
        op->frame = op->place->frame = session->frames;
        op->place->out++;
        session->out++;
        op->tries++;
        op->first_us = op->sent_us = client->now_us;
        hf_leader_owes (client);
        hf_op_put (&client->list, op);
        if (hf_pack_size (&client->list) >= HF_BATCH_TARGET) {
            s_send (session);
            session->frames++;
        }
    }
    s_send (session);
}

void
hf_requests_send (hf_session_t *session, bool all)
{
    uint64_t now = session->client->now_us;
    if (session->out > 0 && (all || now >= session->check_us)) {
        s_send_again (session, all);
        session->check_us = now + HF_REQUEST_US / 4;
    }
    if (session->ready.first)
        s_send_new (session);
    if (session->out == 0)
        session->check_us = HF_NEVER;
    else if (session->check_us == HF_NEVER)
        session->check_us = now + HF_REQUEST_US;
}
