//  Sessions' handles: opening, closing, leaving.

#include "client/io/hf_io.h"
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

hf_status_t
hf_session_open (hf_client_t *client, const hf_session_options_t *options, uint32_t limit_ms,
                 hf_session_t **session_p)
{
    hf_session_options_t own = HF_SESSION_OPTIONS_INIT;
    if (session_p)
        *session_p = NULL;
    if (!client || !session_p || !hf_options_take (&own, sizeof own, options) ||
        hf_io_on_thread (client))
        return HF_INVALID;
    uint32_t ttl_ms = own.ttl_ms > 0 ? own.ttl_ms : HF_TTL_DEFAULT_MS;
    if (ttl_ms < HF_TTL_MIN_MS || ttl_ms > HF_TTL_MAX_MS)
        return HF_BAD_TTL;
    size_t label_size = own.label ? strlen (own.label) : 0;
    if (label_size > HF_LABEL_MAX || !hf_text_valid (hf_span (own.label, label_size)))
        return HF_BAD_LABEL;
    if (own.delay_ms > HF_DELAY_MAX_MS || (own.delay_ms > 0 && own.delay_ms < HF_DELAY_MIN_MS))
        return HF_INVALID;
    uint8_t nonce[HF_NONCE_SIZE];
    if (getrandom (nonce, sizeof nonce, 0) != sizeof nonce)
        abort ();
    hf_session_t *session = hf_alloc (sizeof *session);
    session->client = client;
    session->fn = own.fn;
    session->arg = own.arg;
    session->wanted = own.wanted;
    hf_op_t *op = hf_op_open (nonce, ttl_ms);
    op->limit_us = hf_io_until_us (limit_ms);
    op->arg = session;
    if (label_size > 0)
        op->label = memcpy (hf_alloc (label_size + 1), own.label, label_size);
    op->detect = own.detect;
    op->delay_ms = own.delay_ms;
    hf_status_t status = hf_io_ask (client, NULL, op, limit_ms, &op);
    if (status == HF_OK)
        *session_p = session;
    else if (op || status == HF_CLOSED)
        free (session); //  else the driver does, when it is done
    if (op)
        hf_op_free (op);
    return status;
}

/*  Wait until every result was given; free the handle. HF_SESSION_EXPIRED: the cluster
 *  ended the session before. */
static hf_status_t
s_leave (hf_session_t **session_p)
{
    hf_session_t *self = *session_p;
    hf_op_t *op = hf_op_leave (self->core);
    op->arg = self;
    hf_client_t *client = self->client;
    hf_status_t status = hf_io_ask (client, self, op, HF_FOREVER, NULL);
    hf_io_closed (client, status, self);
    *session_p = NULL; //  callbacks may have read it until now
    return status;
}

hf_status_t
hf_close_session_id (hf_client_t *client, uint64_t id, uint32_t limit_ms)
{
    if (!client || id == 0 || hf_io_on_thread (client))
        return HF_INVALID;
    hf_op_t *op = hf_op_close (id);
    op->limit_us = hf_io_until_us (limit_ms);
    return hf_io_ask (client, NULL, op, limit_ms, NULL);
}

hf_status_t
hf_close_session_as (hf_client_t *client, uint64_t id, const char *by, uint32_t limit_ms)
{
    if (!client || id == 0 || !by || hf_io_on_thread (client))
        return HF_INVALID;
    hf_span_t label = hf_span_text (by);
    if (label.size > HF_LABEL_MAX || !hf_name_valid (label))
        return HF_BAD_LABEL;
    hf_op_t *op = hf_op_close (id);
    op->label = memcpy (hf_alloc (label.size + 1), by, label.size);
    op->limit_us = hf_io_until_us (limit_ms);
    return hf_io_ask (client, NULL, op, limit_ms, NULL);
}

hf_status_t
hf_session_close (hf_session_t **session_p, uint32_t limit_ms)
{
    if (!session_p || !*session_p || hf_io_on_thread ((*session_p)->client))
        return HF_INVALID;
    hf_client_t *client = (*session_p)->client;
    hf_op_t *op = hf_op_close (hf_session_id (*session_p));
    op->limit_us = hf_io_until_us (hf_session_ttl_ms (*session_p)); //  expired by then anyway
    hf_status_t status = s_leave (session_p);
    if (status == HF_OK)
        return hf_io_ask (client, NULL, op, limit_ms, NULL);
    hf_op_free (op);
    return status;
}

void
hf_session_leave (hf_session_t **session_p)
{
    if (session_p && *session_p && !hf_io_on_thread ((*session_p)->client))
        s_leave (session_p);
}

//  ---- facts of a session -----------------------------------------------------

uint64_t
hf_session_id (const hf_session_t *self)
{
    return hf_client_session_id (self->core);
}

uint32_t
hf_session_ttl_ms (const hf_session_t *self)
{
    return hf_client_session_ttl_ms (self->core);
}

uint32_t
hf_session_remaining_ms (const hf_session_t *self)
{
    if (hf_io_inherited (self->client))
        return 0;
    //  This ends a lease that is over, so that no later call gets another answer.
    hf_lease_t *lease = hf_client_session_lease (self->core);
    return (uint32_t)(hf_lease_remaining_us (lease, hf_io_now_us ()) / 1000);
}
