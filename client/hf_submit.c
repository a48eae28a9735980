/*  hf_submit.c - the asynchronous calls: check, copy, hand over. */
#include "client/hf_impl.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

/*  An op for LOCK in *op_p, or why not. The session's lease comes before anything else. */
static hf_status_t
s_op (hf_session_t *self, hf_op_kind_t kind, uint64_t owner, const char *lock, hf_op_t **op_p)
{
    if (!self || !lock)
        return HF_INVALID;
    bool alive = hf_lease_alive (&self->lease, hf_client_now_us ());
    bool own = owner == 0 || owner == self->id;
    size_t size = strnlen (lock, HF_NAME_SIZE);
    if (!hf_name_valid (hf_span (lock, size)))
        return HF_BAD_NAME;
    if (!alive && (kind == HF_OP_ACQUIRE || !own))
        return HF_SESSION_EXPIRED;
    if (atomic_fetch_add (&self->load, 1) >= HF_LOCAL_MAX) {
        atomic_fetch_sub (&self->load, 1);
        return HF_LIMIT;
    }
    hf_op_t *op = hf_op_new (self->client);
    op->kind = kind;
    op->session = self;
    op->owner = owner;
    op->lost = !alive;
    op->limit_us = HF_NEVER;
    op->lock_size = (uint32_t)size;
    memcpy (op->lock, lock, size);
    op->lock[size] = 0;
    *op_p = op;
    return HF_OK;
}

static hf_status_t
s_post (hf_op_t *op, hf_done_fn *fn, void *arg)
{
    op->fn = fn;
    op->arg = arg;
    hf_session_t *session = op->session;
    if (hf_client_post_op (session->client, op))
        return HF_OK;
    atomic_fetch_sub (&session->load, 1);
    hf_op_free (session->client, op);
    return HF_CLOSED;
}

hf_status_t
hf_submit_acquire (hf_session_t *self, const char *lock, bool wait, uint32_t limit_ms,
                   hf_done_fn *fn, void *arg)
{
    hf_op_t *op;
    hf_status_t status = s_op (self, HF_OP_ACQUIRE, 0, lock, &op);
    if (status != HF_OK)
        return status;
    op->wait = wait;
    if (limit_ms != HF_FOREVER)
        op->limit_us = hf_client_now_us () + (uint64_t)limit_ms * 1000;
    return s_post (op, fn, arg);
}

void
hf_submit_give_back (hf_session_t *self, const char *lock, uint64_t token)
{
    hf_op_t *op;
    if (s_op (self, HF_OP_GIVE_BACK, 0, lock, &op) != HF_OK)
        return;
    op->token = token;
    op->orphan = true;
    s_post (op, NULL, NULL);
}

static hf_status_t
s_end (hf_session_t *self, hf_op_kind_t kind, uint64_t owner, const char *lock, uint64_t token,
       hf_done_fn *fn, void *arg)
{
    hf_op_t *op;
    hf_status_t status = s_op (self, kind, owner, lock, &op);
    if (status != HF_OK)
        return status;
    op->token = token;
    return s_post (op, fn, arg);
}

hf_status_t
hf_submit_release (hf_session_t *self, const char *lock, uint64_t token, hf_done_fn *fn, void *arg)
{
    return s_end (self, HF_OP_RELEASE, 0, lock, token, fn, arg);
}

hf_status_t
hf_submit_cancel (hf_session_t *self, const char *lock, uint64_t token, hf_done_fn *fn, void *arg)
{
    return s_end (self, HF_OP_CANCEL, 0, lock, token, fn, arg);
}

hf_status_t
hf_submit_release_for (hf_session_t *self, uint64_t owner, const char *lock, uint64_t token,
                       hf_done_fn *fn, void *arg)
{
    return s_end (self, HF_OP_RELEASE, owner, lock, token, fn, arg);
}

hf_status_t
hf_submit_cancel_for (hf_session_t *self, uint64_t owner, const char *lock, uint64_t token,
                      hf_done_fn *fn, void *arg)
{
    return s_end (self, HF_OP_CANCEL, owner, lock, token, fn, arg);
}

hf_status_t
hf_submit_append_for (hf_session_t *self, uint64_t owner, const char *lock, uint64_t token,
                      const char *file, const void *data, size_t size, hf_done_fn *fn, void *arg)
{
    if (!file || (!data && size > 0))
        return HF_INVALID;
    size_t file_size = strnlen (file, HF_NAME_SIZE);
    if (!hf_name_valid (hf_span (file, file_size)))
        return HF_BAD_NAME;
    if (size > HF_DATA_MAX)
        return HF_TOO_LARGE;
    hf_op_t *op;
    hf_status_t status = s_op (self, HF_OP_APPEND, owner, lock, &op);
    if (status != HF_OK)
        return status;
    op->token = token;
    op->file_size = (uint32_t)file_size;
    op->data_size = (uint32_t)size;
    op->blob = malloc (file_size + 1 + size);
    if (!op->blob)
        abort ();
    memcpy (op->blob, file, file_size);
    op->blob[file_size] = 0;
    if (size > 0)
        memcpy (op->blob + file_size + 1, data, size);
    return s_post (op, fn, arg);
}

hf_status_t
hf_submit_append (hf_session_t *self, const char *lock, uint64_t token, const char *file,
                  const void *data, size_t size, hf_done_fn *fn, void *arg)
{
    return hf_submit_append_for (self, 0, lock, token, file, data, size, fn, arg);
}

//  ---- reading, which needs no session --------------------------------------------

/*  For hf_client_poll: a result that keeps its bytes. */
static void
s_keep_read (hf_client_t *client, const hf_result_t *result)
{
    hf_op_t *kept = hf_op_new (client);
    kept->result = *result;
    if (result->size > 0) {
        kept->blob = malloc (result->size);
        if (!kept->blob)
            abort ();
        memcpy (kept->blob, result->data, result->size);
        kept->result.data = kept->blob;
    }
    pthread_mutex_lock (&client->mutex);
    hf_ops_push (&client->polled, kept);
    pthread_cond_signal (&client->polled_cond);
    pthread_mutex_unlock (&client->mutex);
}

static void
s_read_done (hf_client_t *client, hf_ask_t *ask, hf_status_t status, const void *reply)
{
    const hf_query_result_t *message = reply;
    hf_result_t result = {.status = status, .arg = ask->arg};
    if (message) {
        result.status = message->status < HF_TIMEOUT ? (hf_status_t)message->status : HF_MALFORMED;
        result.index = message->index;
        result.total = message->total;
        result.data = message->data.at;
        result.size = message->data.size;
    }
    if (ask->fn)
        ask->fn (ask->arg, &result);
    else
        s_keep_read (client, &result);
}

hf_status_t
hf_submit_read (hf_client_t *client, const char *file, uint64_t offset, uint32_t size,
                uint32_t limit_ms, hf_done_fn *fn, void *arg)
{
    if (!client || !file)
        return HF_INVALID;
    hf_span_t name = hf_span (file, strnlen (file, HF_NAME_SIZE));
    if (!hf_name_valid (name))
        return HF_BAD_NAME;
    if (size > HF_DATA_MAX)
        return HF_TOO_LARGE;
    hf_query_t query = {.what = HF_WHAT_READ, .name = name, .offset = offset, .limit = size};
    hf_ask_t *ask = hf_ask_query (client, &query, limit_ms);
    ask->done = s_read_done;
    ask->fn = fn;
    ask->arg = arg;
    if (hf_client_post_ask (client, ask))
        return HF_OK;
    hf_ask_free (ask);
    return HF_CLOSED;
}
