//  Requests: the asynchronous calls, and the blocking ones made of them.

#include "client/io/hf_io.h"
#include <string.h>

#define ANSWER_WAIT_MS 10000 //  for an answer that no limit of the caller bounds

//  ---- asynchronous -----------------------------------------------------------

/*  Why an op could not be made. A child that inherited the client hears of that instead of a lease
 *  that it does not have. */
static hf_status_t
s_refusal (const hf_session_t *self, hf_status_t status)
{
    bool lease = status == HF_SESSION_EXPIRED || status == HF_LIMIT;
    return lease && hf_io_inherited (self->client) ? HF_CLOSED : status;
}

/*  Hand OP over when STATUS says that it was made. */
static hf_status_t
s_post (hf_session_t *self, hf_status_t status, hf_op_t *op, hf_done_fn *fn, void *arg)
{
    if (status != HF_OK)
        return s_refusal (self, status);
    op->fn = fn;
    op->arg = arg;
    return hf_io_post (self->client, self, op) ? HF_OK : HF_CLOSED;
}

static hf_want_t
s_want (const char *lock, const hf_acquire_options_t *options)
{
    bool shared = options->mode == HF_MODE_SHARED;
    return (hf_want_t){.lock = lock,
                       .mode = options->mode,
                       .units = shared && options->units == 0 ? 1 : options->units,
                       .limit = options->limit};
}

static hf_status_t
s_submit_set (hf_session_t *self, const hf_want_t *wants, size_t count,
              const hf_acquire_options_t *options, hf_done_fn *fn, void *arg)
{
    hf_op_t *op = NULL;
    hf_status_t status = hf_op_claim (self->core, wants, count, options->note, options->acts_for,
                                      hf_io_now_us (), &op);
    if (status == HF_OK) {
        op->wait = options->wait;
        op->limit_us = hf_io_until_us (options->limit_ms);
    }
    return s_post (self, status, op, fn, arg);
}

hf_status_t
hf_submit_acquire (hf_session_t *self, const char *lock, const hf_acquire_options_t *options,
                   hf_done_fn *fn, void *arg)
{
    hf_acquire_options_t own = HF_ACQUIRE_OPTIONS_INIT;
    if (!self || !lock || !hf_options_take (&own, sizeof own, options))
        return HF_INVALID;
    hf_want_t want = s_want (lock, &own);
    return s_submit_set (self, &want, 1, &own, fn, arg);
}

hf_status_t
hf_submit_acquire_set (hf_session_t *self, const hf_want_t *wants, size_t count,
                       const hf_acquire_options_t *options, hf_done_fn *fn, void *arg)
{
    hf_acquire_options_t own = HF_ACQUIRE_OPTIONS_INIT;
    if (!self || !wants || !hf_options_take (&own, sizeof own, options))
        return HF_INVALID;
    return s_submit_set (self, wants, count, &own, fn, arg);
}

hf_status_t
hf_submit_note (hf_session_t *self, const char *lock, uint64_t token, const char *note,
                hf_done_fn *fn, void *arg)
{
    hf_op_t *op = NULL;
    if (!self || !lock)
        return HF_INVALID;
    hf_status_t status = hf_op_note (self->core, 0, lock, token, note, hf_io_now_us (), &op);
    return s_post (self, status, op, fn, arg);
}

hf_status_t
hf_submit_read (hf_client_t *client, const char *file, uint64_t offset, uint32_t size,
                uint32_t limit_ms, hf_done_fn *fn, void *arg)
{
    if (!client || !file)
        return HF_INVALID;
    if (!hf_name_valid (hf_span (file, strnlen (file, 256))))
        return HF_BAD_NAME;
    if (size > HF_DATA_MAX)
        return HF_TOO_LARGE;
    hf_op_t *op = hf_op_query (HF_NODE_LEADER, HF_WHAT_READ, file, offset, size);
    op->limit_us = hf_io_until_us (limit_ms);
    op->fn = fn;
    op->arg = arg;
    return hf_io_post (client, NULL, op) ? HF_OK : HF_CLOSED;
}

//  ---- blocking ---------------------------------------------------------------

hf_status_t
hf_acquire (hf_session_t *self, const char *lock, uint32_t limit_ms, hf_grant_t *grant)
{
    return hf_acquire_as (self, lock, NULL, limit_ms, grant);
}

hf_status_t
hf_acquire_as (hf_session_t *self, const char *lock, const hf_acquire_options_t *options,
               uint32_t limit_ms, hf_grant_t *grant)
{
    hf_acquire_options_t own = HF_ACQUIRE_OPTIONS_INIT;
    if (!self || !lock || !hf_options_take (&own, sizeof own, options))
        return HF_INVALID;
    hf_want_t want = s_want (lock, &own);
    return hf_acquire_set (self, &want, 1, &own, limit_ms, grant);
}

hf_status_t
hf_acquire_set (hf_session_t *self, const hf_want_t *wants, size_t count,
                const hf_acquire_options_t *options, uint32_t limit_ms, hf_grant_t *grant)
{
    hf_acquire_options_t own = HF_ACQUIRE_OPTIONS_INIT;
    if (!self || !wants || !hf_options_take (&own, sizeof own, options) ||
        hf_io_on_thread (self->client))
        return HF_INVALID;
    hf_op_t *op = NULL;
    hf_status_t status =
        hf_op_claim (self->core, wants, count, own.note, own.acts_for, hf_io_now_us (), &op);
    if (status != HF_OK)
        return s_refusal (self, status);
    op->wait = own.wait && limit_ms > 0;
    op->arg = self; //  a grant is handed back when the caller gave up
    limit_ms = limit_ms > 0 ? limit_ms : ANSWER_WAIT_MS;
    op->limit_us = hf_io_until_us (limit_ms);
    status = hf_io_ask (self->client, self, op, limit_ms, &op);
    if (status == HF_OK && grant)
        *grant = (hf_grant_t){.token = op->result.token, .index = op->result.index};
    if (op)
        hf_op_free (op);
    return status;
}

hf_status_t
hf_note (hf_session_t *self, const char *lock, uint64_t token, const char *note, uint32_t limit_ms)
{
    hf_op_t *op = NULL;
    if (!self || !lock || hf_io_on_thread (self->client))
        return HF_INVALID;
    hf_status_t status = hf_op_note (self->core, 0, lock, token, note, hf_io_now_us (), &op);
    return status == HF_OK ? hf_io_ask (self->client, self, op, limit_ms, NULL)
                           : s_refusal (self, status);
}

//  ---- in both forms, for a lock of this session or of another, OWNER -----------

/*  Submit OP, when STATUS says that it was made, and wait for it. */
static hf_status_t
s_wait (hf_session_t *self, hf_status_t status, hf_op_t *op, uint32_t limit_ms)
{
    return status == HF_OK ? hf_io_ask (self->client, self, op, limit_ms, NULL)
                           : s_refusal (self, status);
}

static hf_status_t
s_end (hf_session_t *self, hf_op_kind_t kind, uint64_t owner, const char *lock, uint64_t token,
       hf_op_t **op_p)
{
    if (!self || !lock)
        return HF_INVALID;
    return hf_op_end (self->core, kind, owner, lock, token, hf_io_now_us (), op_p);
}

#define SECTION_END(verb, KIND)                                                                    \
    hf_status_t hf_submit_##verb##_for (hf_session_t *self, uint64_t owner, const char *lock,      \
                                        uint64_t token, hf_done_fn *fn, void *arg)                 \
    {                                                                                              \
        hf_op_t *op = NULL;                                                                        \
        hf_status_t status = s_end (self, KIND, owner, lock, token, &op);                          \
        return s_post (self, status, op, fn, arg);                                                 \
    }                                                                                              \
    hf_status_t hf_submit_##verb (hf_session_t *self, const char *lock, uint64_t token,            \
                                  hf_done_fn *fn, void *arg)                                       \
    {                                                                                              \
        return hf_submit_##verb##_for (self, 0, lock, token, fn, arg);                             \
    }                                                                                              \
    hf_status_t hf_##verb##_for (hf_session_t *self, uint64_t owner, const char *lock,             \
                                 uint64_t token, uint32_t limit_ms)                                \
    {                                                                                              \
        hf_op_t *op = NULL;                                                                        \
        if (!self || hf_io_on_thread (self->client))                                               \
            return HF_INVALID;                                                                     \
        hf_status_t status = s_end (self, KIND, owner, lock, token, &op);                          \
        return s_wait (self, status, op, limit_ms);                                                \
    }                                                                                              \
    hf_status_t hf_##verb (hf_session_t *self, const char *lock, uint64_t token,                   \
                           uint32_t limit_ms)                                                      \
    {                                                                                              \
        return hf_##verb##_for (self, 0, lock, token, limit_ms);                                   \
    }

SECTION_END (release, HF_OP_RELEASE)
SECTION_END (cancel, HF_OP_CANCEL)

static hf_status_t
s_append (hf_session_t *self, uint64_t owner, const char *lock, uint64_t token, const char *file,
          const void *data, size_t size, hf_op_t **op_p)
{
    if (!self || !lock || !file || (!data && size > 0))
        return HF_INVALID;
    return hf_op_append (self->core, owner, lock, token, file, data, size, hf_io_now_us (), op_p);
}

hf_status_t
hf_submit_append_for (hf_session_t *self, uint64_t owner, const char *lock, uint64_t token,
                      const char *file, const void *data, size_t size, hf_done_fn *fn, void *arg)
{
    hf_op_t *op = NULL;
    hf_status_t status = s_append (self, owner, lock, token, file, data, size, &op);
    return s_post (self, status, op, fn, arg);
}

hf_status_t
hf_submit_append (hf_session_t *self, const char *lock, uint64_t token, const char *file,
                  const void *data, size_t size, hf_done_fn *fn, void *arg)
{
    return hf_submit_append_for (self, 0, lock, token, file, data, size, fn, arg);
}

hf_status_t
hf_append_for (hf_session_t *self, uint64_t owner, const char *lock, uint64_t token,
               const char *file, const void *data, size_t size, uint32_t limit_ms)
{
    hf_op_t *op = NULL;
    if (!self || hf_io_on_thread (self->client))
        return HF_INVALID;
    hf_status_t status = s_append (self, owner, lock, token, file, data, size, &op);
    return s_wait (self, status, op, limit_ms);
}

hf_status_t
hf_append (hf_session_t *self, const char *lock, uint64_t token, const char *file, const void *data,
           size_t size, uint32_t limit_ms)
{
    return hf_append_for (self, 0, lock, token, file, data, size, limit_ms);
}
