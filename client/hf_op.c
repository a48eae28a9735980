#include "client/hf_impl.h"
#include "base/hf_hash.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

//  ---- lists ------------------------------------------------------------------

void
hf_ops_push (hf_ops_t *self, hf_op_t *op)
{
    op->next = NULL;
    op->prev = self->last;
    if (self->last)
        self->last->next = op;
    else
        self->first = op;
    self->last = op;
}

void
hf_ops_remove (hf_ops_t *self, hf_op_t *op)
{
    assert (op->prev ? op->prev->next == op : self->first == op);
    if (op->prev)
        op->prev->next = op->next;
    else
        self->first = op->next;
    if (op->next)
        op->next->prev = op->prev;
    else
        self->last = op->prev;
    op->next = op->prev = NULL;
}

hf_op_t *
hf_ops_pop (hf_ops_t *self)
{
    hf_op_t *op = self->first;
    if (op)
        hf_ops_remove (self, op);
    return op;
}

//  ---- ops --------------------------------------------------------------------

hf_op_t *
hf_op_new (hf_client_t *client)
{
    pthread_mutex_lock (&client->mutex);
    hf_op_t *op = client->pool;
    if (op)
        client->pool = op->next;
    pthread_mutex_unlock (&client->mutex);
    if (!op)
        op = malloc (sizeof *op);
    if (!op)
        abort ();
    memset (op, 0, offsetof (hf_op_t, lock));
    op->timer.kind = HF_TIMER_OP;
    return op;
}

void
hf_op_free (hf_client_t *client, hf_op_t *op)
{
    free (op->blob);
    op->blob = NULL;
    pthread_mutex_lock (&client->mutex);
    op->next = client->pool;
    client->pool = op;
    pthread_mutex_unlock (&client->mutex);
}

/*  Write the record of an op that has its seq: the same bytes every time. */
void
hf_op_put (hf_pack_t *pack, const hf_op_t *op)
{
    hf_span_t lock = hf_span (op->lock, op->lock_size);
    switch (op->kind) {
    case HF_OP_ACQUIRE:
        hf_acquire_put (pack, &(hf_acquire_t){op->seq, lock, HF_MODE_EXCLUSIVE, op->wait});
        break;
    case HF_OP_RELEASE:
        hf_release_put (pack, &(hf_release_t){op->seq, lock, op->token, op->owner});
        break;
    case HF_OP_CANCEL:
        hf_cancel_put (pack, &(hf_cancel_t){op->seq, lock, op->token, op->owner});
        break;
    case HF_OP_APPEND: {
        hf_span_t file = hf_span (op->blob, op->file_size);
        hf_span_t data = hf_span (op->blob + op->file_size + 1, op->data_size);
        hf_append_put (pack, &(hf_append_t){op->seq, lock, op->token, op->owner, file, data});
        break;
    }
    case HF_OP_ABANDON:
        hf_abandon_put (pack, &(hf_abandon_t){op->seq, lock});
        break;
    default:
        assert (op->kind == 0); //  the others never travel
    }
}

/*  A result that nobody called back for: hf_client_poll gives it, and frees it later. */
static void
s_keep_for_poll (hf_client_t *client, const hf_op_t *op)
{
    hf_op_t *kept = hf_op_new (client);
    kept->result = op->result;
    memcpy (kept->lock, op->lock, sizeof kept->lock);
    kept->result.lock = kept->lock;
    pthread_mutex_lock (&client->mutex);
    hf_ops_push (&client->polled, kept);
    pthread_cond_signal (&client->polled_cond);
    pthread_mutex_unlock (&client->mutex);
}

void
hf_op_tell (hf_op_t *op, hf_status_t status, uint64_t index, uint64_t token, uint64_t position)
{
    if (op->orphan)
        return;
    op->orphan = true;
    if (op->kind == HF_OP_ACQUIRE && op->place) {
        assert (op->place->live > 0);
        op->place->live--;
    }
    op->result = (hf_result_t){.status = status,
                               .arg = op->arg,
                               .lock = op->lock,
                               .session = op->session->id,
                               .index = index,
                               .token = token,
                               .position = position};
    if (op->fn)
        op->fn (op->arg, &op->result);
    else
        s_keep_for_poll (op->session->client, op);
}

static void
s_detach (hf_op_t *op)
{
    hf_session_t *session = op->session;
    hf_place_t *place = op->place;
    switch (op->state) {
    case HF_OP_NEW:
        break;
    case HF_OP_READY:
        hf_ops_remove (&session->ready, op);
        break;
    case HF_OP_PARKED:
        hf_ops_remove (&place->parked, op);
        break;
    case HF_OP_WAITING:
        hf_ops_remove (&place->waiting, op);
        break;
    case HF_OP_OUT:
        hf_window_take (&session->window, op->seq);
        session->out--;
        place->out--;
        hf_leader_paid (session->client);
        break;
    }
}

void
hf_op_finish (hf_op_t *op, hf_status_t status, uint64_t index, uint64_t token, uint64_t position)
{
    hf_client_t *client = op->session->client;
    hf_place_t *place = op->place;
    s_detach (op);
    hf_timers_clear (&client->timers, &op->timer);
    hf_op_tell (op, status, index, token, position);
    atomic_fetch_sub (&op->session->load, 1);
    if (place) {
        place->refs--;
        hf_place_unpark (place);
        hf_place_check (place);
    }
    hf_op_free (client, op);
}

//  ---- places -----------------------------------------------------------------

hf_place_t *
hf_place_find (hf_session_t *session, const char *lock, uint32_t size)
{
    hf_knot_t *knot = hf_knots_first (&session->places, hf_hash (0, lock, size));
    for (; knot; knot = hf_knots_next (knot)) {
        hf_place_t *place = (hf_place_t *)knot;
        if (place->lock_size == size && memcmp (place->lock, lock, size) == 0)
            return place;
    }
    return NULL;
}

hf_place_t *
hf_place_have (hf_session_t *session, const char *lock, uint32_t size)
{
    hf_place_t *place = hf_place_find (session, lock, size);
    if (place)
        return place;
    hf_client_t *client = session->client;
    place = client->place_pool;
    if (place)
        client->place_pool = (hf_place_t *)place->knot.next;
    else
        place = malloc (sizeof *place);
    if (!place)
        abort ();
    memset (place, 0, offsetof (hf_place_t, lock));
    place->session = session;
    place->lock_size = size;
    memcpy (place->lock, lock, size);
    place->lock[size] = 0;
    hf_knots_put (&session->places, &place->knot, hf_hash (0, lock, size));
    return place;
}

void
hf_place_attach (hf_place_t *self, hf_op_t *op)
{
    assert (!op->place);
    op->place = self;
    self->refs++;
    if (op->kind == HF_OP_ACQUIRE && !op->orphan)
        self->live++;
}

void
hf_place_check (hf_place_t *self)
{
    if (self->refs > 0 || self->held)
        return;
    assert (self->out == 0 && self->live == 0 && !self->parked.first && !self->waiting.first);
    hf_knots_take (&self->session->places, &self->knot);
    self->knot.next = (hf_knot_t *)self->session->client->place_pool;
    self->session->client->place_pool = self;
}

/*  Nothing for this lock is out: what was parked may go. */
void
hf_place_unpark (hf_place_t *self)
{
    hf_op_t *op;
    while (self->out == 0 && (op = hf_ops_pop (&self->parked))) {
        op->state = HF_OP_READY;
        hf_ops_push (&self->session->ready, op);
        hf_session_mark (self->session);
    }
}

void
hf_place_lost (hf_place_t *self)
{
    if (!self->held)
        return;
    self->held = false;
    self->given = 0;
    hf_session_tell (self->session, HF_SESSION_LOST, self, self->token, 0);
}
