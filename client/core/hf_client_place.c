//  Places: what a session has to do with one lock.

#include "base/hf_hash.h"
#include "client/core/hf_client_internal.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

static hf_client_place_t *
s_find (const hf_client_session_t *session, const void *lock, uint32_t size, uint64_t hash)
{
    hf_table_node_t *node = hf_table_seek (&session->places, hash);
    for (; node; node = hf_table_again (node)) {
        hf_client_place_t *place = HF_AROUND (node, hf_client_place_t, node);
        if (place->lock_size == size && memcmp (place->lock, lock, size) == 0)
            return place;
    }
    return NULL;
}

hf_client_place_t *
hf_client_place_find (const hf_client_session_t *session, const void *lock, uint32_t size)
{
    return s_find (session, lock, size, hf_hash (0, lock, size));
}

hf_client_place_t *
hf_client_place_have (hf_client_session_t *session, const char *lock, uint32_t size)
{
    uint64_t hash = hf_hash (0, lock, size);
    hf_client_place_t *place = s_find (session, lock, size, hash);
    if (place)
        return place;
    place = hf_alloc (sizeof *place + size + 1);
    place->session = session;
    place->lock_size = size;
    memcpy (place->lock, lock, size);
    hf_chain_init (&place->parked);
    hf_chain_init (&place->waiting);
    hf_table_insert (&session->places, &place->node, hash);
    hf_chain_append (&session->places_all, &place->all);
    return place;
}

void
hf_client_place_attach (hf_client_place_t *self, hf_op_t *op)
{
    assert (!op->place);
    op->place = self;
    op->wide = self->wide = self->wide || op->claim_count > 1;
    self->refs++;
    self->session->core->undecided++;
    if (op->kind != HF_OP_ACQUIRE || op->orphan)
        return;
    self->mixed = self->live > 0 && (self->mixed || self->wants != op->wants);
    self->wants = op->wants;
    self->live++;
}

void
hf_client_place_check (hf_client_place_t *self)
{
    if (self->refs > 0 || self->held)
        return;
    assert (self->out == 0 && self->live == 0);
    assert (hf_chain_empty (&self->parked) && hf_chain_empty (&self->waiting));
    hf_table_remove (&self->session->places, &self->node);
    hf_chain_remove (&self->all);
    free (self);
}

void
hf_client_place_let (hf_client_place_t *self)
{
    self->refs--;
    hf_client_place_check (self);
}

/*  Nothing for this lock is out: what was parked may go. */
void
hf_client_place_unpark (hf_client_place_t *self)
{
    hf_chain_t *from = self->session->ready.next;
    while (self->out == 0 && !hf_chain_empty (&self->parked)) {
        hf_op_t *op = HF_AROUND (self->parked.next, hf_op_t, chain);
        hf_chain_remove (&op->chain);
        hf_client_requests_line_up (op, from);
        from = op->chain.next; //  those behind it were submitted later
    }
}

void
hf_client_place_lost (hf_client_place_t *self, char *why)
{
    if (!self->held) {
        free (why);
        return;
    }
    uint64_t token = self->given == 0 && self->alias != 0 ? self->alias : self->token;
    self->held = false;
    self->given = 0;
    if (HF_MUTANT (loss_unreported))
        free (why);
    else //  by the token that was given
        hf_client_session_event (self->session, HF_SESSION_LOST, self, token, 0, why);
}
