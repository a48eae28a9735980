//  Watches' handles: opening, closing, and what is told.

#include "client/io/hf_io.h"
#include <stdlib.h>
#include <string.h>

static hf_status_t
s_check (const hf_watch_options_t *options)
{
    const char *prefix = options->prefix ? options->prefix : "";
    if ((options->what != HF_WATCH_LOCKS && options->what != HF_WATCH_FILES) || !options->fn)
        return HF_INVALID;
    hf_span_t name = hf_span (prefix, strnlen (prefix, 256));
    return name.size > 0 && !hf_name_valid (name) ? HF_BAD_NAME : HF_OK;
}

hf_status_t
hf_watch_open (hf_client_t *client, const hf_watch_options_t *options, uint32_t limit_ms,
               hf_watch_t **watch_p, uint64_t *number)
{
    hf_watch_options_t own = HF_WATCH_OPTIONS_INIT;
    if (watch_p)
        *watch_p = NULL;
    if (!client || !watch_p || !hf_options_take (&own, sizeof own, options) ||
        hf_io_on_thread (client))
        return HF_INVALID;
    hf_status_t status = s_check (&own);
    if (status != HF_OK)
        return status;
    hf_watch_t *watch = hf_alloc (sizeof *watch);
    watch->client = client;
    watch->fn = own.fn;
    watch->arg = own.arg;
    hf_op_t *op = hf_op_watch (own.what, own.prefix ? own.prefix : "", own.after);
    op->limit_us = hf_io_until_us (limit_ms);
    op->arg = watch;
    status = hf_io_ask (client, NULL, op, limit_ms, &op);
    if (status == HF_OK) {
        *watch_p = watch;
        if (number)
            *number = op->result.total;
    } else if (op || status == HF_CLOSED) {
        free (watch); //  else the driver does, when it is done
    }
    if (op)
        hf_op_free (op);
    return status;
}

void
hf_watch_close (hf_watch_t **watch_p)
{
    if (!watch_p || !*watch_p || hf_io_on_thread ((*watch_p)->client))
        return;
    hf_client_t *client = (*watch_p)->client;
    hf_op_t *op = hf_op_unwatch ((*watch_p)->core);
    op->arg = *watch_p;
    hf_status_t status = hf_io_ask (client, NULL, op, HF_FOREVER, NULL);
    hf_io_closed (client, status, *watch_p);
    *watch_p = NULL;
}

void
hf_watch_tell (const hf_op_t *op)
{
    const hf_watch_t *watch = op->arg;
    hf_op_events_t events = {.at = 0};
    while (hf_op_next_event (op, &events))
        watch->fn (watch->arg, &events.event);
}
