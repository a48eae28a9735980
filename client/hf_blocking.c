/*  hf_blocking.c - the blocking calls, made of the asynchronous ones. */
#include "client/hf_impl.h"
#include <string.h>

static void
s_done (void *arg, const hf_result_t *result)
{
    hf_waiter_t *waiter = arg;
    hf_waiter_enter (waiter);
    waiter->token = result->token;
    waiter->index = result->index;
    hf_waiter_leave (waiter, result->status);
}

/*  An acquire whose caller has gone: a grant would be nobody's, so it goes back. */
static void
s_acquired (void *arg, const hf_result_t *result)
{
    hf_waiter_t *waiter = arg;
    bool there = hf_waiter_enter (waiter);
    if (!there && result->status == HF_OK)
        hf_submit_give_back (waiter->session, result->lock, result->token);
    waiter->token = result->token;
    waiter->index = result->index;
    hf_waiter_leave (waiter, result->status);
}

/*  Wait for what SUBMITTED says was handed over. */
static hf_status_t
s_wait (hf_waiter_t *waiter, hf_status_t submitted, uint32_t limit_ms)
{
    if (submitted != HF_OK) {
        hf_waiter_drop (waiter); //  for the callback that will not come
        hf_waiter_drop (waiter);
        return submitted;
    }
    hf_status_t status = hf_waiter_wait (waiter, limit_ms) ? waiter->status : HF_TIMEOUT;
    hf_waiter_drop (waiter);
    return status;
}

hf_status_t
hf_acquire (hf_session_t *self, const char *lock, uint32_t limit_ms, hf_grant_t *grant)
{
    if (!self || hf_client_on_thread (self->client))
        return HF_INVALID;
    hf_waiter_t *waiter = hf_waiter_new ();
    waiter->session = self;
    bool wait = limit_ms > 0;
    uint32_t limit = wait ? limit_ms : HF_ANSWER_WAIT_MS;
    hf_status_t status = hf_submit_acquire (self, lock, wait, limit, s_acquired, waiter);
    if (status != HF_OK)
        return s_wait (waiter, status, limit);
    status = hf_waiter_wait (waiter, limit) ? waiter->status : HF_TIMEOUT;
    if (status == HF_OK && grant)
        *grant = (hf_grant_t){.token = waiter->token, .index = waiter->index};
    hf_waiter_drop (waiter);
    return status;
}

#define BLOCKING(...)                                                                              \
    if (!self || hf_client_on_thread (self->client))                                               \
        return HF_INVALID;                                                                         \
    hf_waiter_t *waiter = hf_waiter_new ();                                                        \
    return s_wait (waiter, __VA_ARGS__, limit_ms)

hf_status_t
hf_release (hf_session_t *self, const char *lock, uint64_t token, uint32_t limit_ms)
{
    BLOCKING (hf_submit_release (self, lock, token, s_done, waiter));
}

hf_status_t
hf_cancel (hf_session_t *self, const char *lock, uint64_t token, uint32_t limit_ms)
{
    BLOCKING (hf_submit_cancel (self, lock, token, s_done, waiter));
}

hf_status_t
hf_append (hf_session_t *self, const char *lock, uint64_t token, const char *file, const void *data,
           size_t size, uint32_t limit_ms)
{
    BLOCKING (hf_submit_append (self, lock, token, file, data, size, s_done, waiter));
}

hf_status_t
hf_release_for (hf_session_t *self, uint64_t owner, const char *lock, uint64_t token,
                uint32_t limit_ms)
{
    BLOCKING (hf_submit_release_for (self, owner, lock, token, s_done, waiter));
}

hf_status_t
hf_cancel_for (hf_session_t *self, uint64_t owner, const char *lock, uint64_t token,
               uint32_t limit_ms)
{
    BLOCKING (hf_submit_cancel_for (self, owner, lock, token, s_done, waiter));
}

hf_status_t
hf_append_for (hf_session_t *self, uint64_t owner, const char *lock, uint64_t token,
               const char *file, const void *data, size_t size, uint32_t limit_ms)
{
    BLOCKING (hf_submit_append_for (self, owner, lock, token, file, data, size, s_done, waiter));
}
