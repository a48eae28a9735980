/*  hf_session_open.c - opening, closing and leaving sessions. */
#include "client/hf_impl.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define OPEN_KEY_BYTES 8

//  ---- opening ----------------------------------------------------------------

static void
s_free_unstarted (hf_session_t *session)
{
    hf_window_done (&session->window);
    hf_knots_done (&session->places);
    free (session);
}

static void
s_remember_late (hf_client_t *client, const hf_ask_t *ask)
{
    memcpy (client->late_nonces[client->late_next++ % 16], ask->nonce, HF_NONCE_SIZE);
}

/*  An opening that was given up came through after all: close what nobody will use. */
void
hf_session_opened_late (hf_client_t *client, const hf_opened_t *opened)
{
    static const uint8_t empty[HF_NONCE_SIZE];
    for (int i = 0; i < 16 && memcmp (opened->nonce.at, empty, HF_NONCE_SIZE) != 0; i++) {
        if (memcmp (client->late_nonces[i], opened->nonce.at, HF_NONCE_SIZE) != 0)
            continue;
        memset (client->late_nonces[i], 0, HF_NONCE_SIZE);
        if (opened->status == HF_OK)
            hf_session_close_ask (client, opened->session, opened->ttl_ms, NULL);
        return;
    }
}

static bool
s_opened_ok (const hf_opened_t *opened)
{
    return opened && opened->status == HF_OK && opened->session != 0 &&
           opened->ttl_ms >= HF_TTL_MIN_MS && opened->ttl_ms <= HF_TTL_MAX_MS;
}

static void
s_open_done (hf_client_t *client, hf_ask_t *ask, hf_status_t status, const void *reply)
{
    const hf_opened_t *opened = reply;
    hf_session_t *session = ask->session;
    hf_waiter_t *waiter = ask->waiter;
    bool open = s_opened_ok (opened) && !hf_session_find (client, opened->session);
    if (!opened && ask->tries > 0)
        s_remember_late (client, ask);
    if (open) {
        hf_session_start (session, opened->session, opened->ttl_ms, ask->first_us);
        if (ask->tries > 1)
            session->keepalive_at_us = client->now_us;
        //  It was so long under way that its lease is over by our own clock.
        if (!hf_lease_alive (&session->lease, hf_client_now_us ())) {
            hf_session_close_ask (client, opened->session, opened->ttl_ms, NULL);
            hf_session_drop (session);
            session = NULL;
            open = false;
            status = HF_TIMEOUT;
        }
    } else if (opened) {
        status = opened->status != HF_OK ? (hf_status_t)opened->status : HF_MALFORMED;
    }
    bool there = hf_waiter_enter (waiter);
    if (open && there) {
        waiter->session = session;
    } else if (open) {
        hf_session_close_ask (client, session->id, session->ttl_ms, NULL);
        hf_session_drop (session);
    } else if (session) {
        s_free_unstarted (session);
    }
    hf_waiter_leave (waiter, open ? HF_OK : status);
}

static hf_session_t *
s_session_new (hf_client_t *client, hf_session_fn *fn, void *arg)
{
    hf_session_t *session = calloc (1, sizeof *session);
    if (!session)
        abort ();
    session->client = client;
    session->fn = fn;
    session->arg = arg;
    session->timer.kind = HF_TIMER_SESSION;
    atomic_init (&session->load, 0);
    hf_window_init (&session->window);
    hf_knots_init (&session->places);
    return session;
}

hf_status_t
hf_session_open (hf_client_t *client, uint32_t ttl_ms, uint32_t limit_ms, hf_session_fn *fn,
                 void *arg, hf_session_t **session_p)
{
    if (session_p)
        *session_p = NULL;
    if (!client || !session_p || hf_client_on_thread (client))
        return HF_INVALID;
    ttl_ms = ttl_ms > 0 ? ttl_ms : HF_TTL_DEFAULT_MS;
    if (ttl_ms < HF_TTL_MIN_MS || ttl_ms > HF_TTL_MAX_MS)
        return HF_BAD_TTL;
    hf_ask_t *ask = hf_ask_new (client, HF_ASK_OPEN, limit_ms);
    if (getrandom (ask->nonce, HF_NONCE_SIZE, 0) != HF_NONCE_SIZE)
        abort ();
    memcpy (&ask->key, ask->nonce, OPEN_KEY_BYTES);
    ask->session = s_session_new (client, fn, arg);
    ask->done = s_open_done;
    ask->waiter = hf_waiter_new ();
    uint64_t start_us = ask->start_us;
    hf_pack_t pack;
    hf_pack_init (&pack);
    hf_open_frame (&pack, &(hf_open_t){hf_span (ask->nonce, HF_NONCE_SIZE), ttl_ms});
    ask->frame = hf_pack_take (&pack, &ask->frame_size);
    hf_pack_done (&pack);
    hf_waiter_t *waiter = ask->waiter;
    hf_client_post_ask (client, ask);
    hf_status_t status = HF_TIMEOUT;
    if (hf_waiter_wait (waiter, limit_ms)) {
        status = waiter->status;
        *session_p = waiter->session;
    } else if (!hf_client_reached (client, 0, start_us)) {
        status = HF_UNREACHABLE;
    }
    hf_waiter_drop (waiter);
    return status;
}

//  ---- closing ----------------------------------------------------------------

static void
s_close_done (hf_client_t *client, hf_ask_t *ask, hf_status_t status, const void *reply)
{
    (void)client;
    const hf_closed_t *closed = reply;
    if (!ask->waiter)
        return;
    hf_waiter_enter (ask->waiter);
    hf_waiter_leave (ask->waiter, closed ? (hf_status_t)closed->status : status);
}

/*  Close a session in the cluster: until answered, or until it has expired anyway. */
static hf_ask_t *
s_close_ask (hf_client_t *client, uint64_t id, uint32_t limit_ms, hf_waiter_t *waiter)
{
    hf_ask_t *ask = hf_ask_new (client, HF_ASK_CLOSE, limit_ms);
    ask->session_id = id;
    ask->done = s_close_done;
    ask->waiter = waiter;
    hf_pack_t pack;
    hf_pack_init (&pack);
    hf_close_frame (&pack, &(hf_close_t){id, ask->key});
    ask->frame = hf_pack_take (&pack, &ask->frame_size);
    hf_pack_done (&pack);
    return ask;
}

void
hf_session_close_ask (hf_client_t *client, uint64_t id, uint32_t ttl_ms, hf_waiter_t *waiter)
{
    hf_ask_start (client, s_close_ask (client, id, ttl_ms, waiter));
}

/*  Hand CLOSE or LEAVE to the I/O thread and wait until the results are out. */
static void
s_part (hf_session_t *self, hf_op_kind_t kind, hf_waiter_t *waiter)
{
    hf_client_t *client = self->client;
    hf_op_t *op = hf_op_new (client);
    op->kind = kind;
    op->session = self;
    op->orphan = true;
    op->arg = waiter;
    bool posted = hf_client_post_op (client, op);
    assert (posted); //  a handle is closed once
    (void)posted;
    hf_waiter_wait_flushed (waiter);
}

hf_status_t
hf_session_close (hf_session_t **session_p, uint32_t limit_ms)
{
    if (!session_p || !*session_p || hf_client_on_thread ((*session_p)->client))
        return HF_INVALID;
    hf_session_t *self = *session_p;
    *session_p = NULL;
    hf_client_t *client = self->client;
    uint64_t start_us = hf_client_now_us ();
    hf_waiter_t *waiter = hf_waiter_new ();
    s_part (self, HF_OP_CLOSE, waiter);
    hf_status_t status = HF_TIMEOUT;
    if (hf_waiter_wait (waiter, limit_ms))
        status = waiter->status;
    else if (!hf_client_reached (client, 0, start_us))
        status = HF_UNREACHABLE;
    hf_waiter_drop (waiter);
    return status;
}

void
hf_session_leave (hf_session_t **session_p)
{
    if (!session_p || !*session_p || hf_client_on_thread ((*session_p)->client))
        return;
    hf_waiter_t *waiter = hf_waiter_new ();
    s_part (*session_p, HF_OP_LEAVE, waiter);
    *session_p = NULL;
    hf_waiter_drop (waiter);
}

hf_status_t
hf_close_session_id (hf_client_t *client, uint64_t id, uint32_t limit_ms)
{
    if (!client || id == 0 || hf_client_on_thread (client))
        return HF_INVALID;
    hf_waiter_t *waiter = hf_waiter_new ();
    hf_ask_t *ask = s_close_ask (client, id, limit_ms, waiter);
    uint64_t start_us = ask->start_us;
    hf_client_post_ask (client, ask);
    hf_status_t status = HF_TIMEOUT;
    if (hf_waiter_wait (waiter, limit_ms))
        status = waiter->status;
    else if (!hf_client_reached (client, 0, start_us))
        status = HF_UNREACHABLE;
    hf_waiter_drop (waiter);
    return status;
}

//  ---- what a handle tells ------------------------------------------------------

uint64_t
hf_session_id (const hf_session_t *self)
{
    return self->id;
}

uint32_t
hf_session_ttl_ms (const hf_session_t *self)
{
    return self->ttl_ms;
}

uint32_t
hf_session_remaining_ms (const hf_session_t *self)
{
    //  Looking ends a lease that is over, so that nobody is told otherwise later.
    hf_lease_t *lease = (hf_lease_t *)&self->lease;
    return (uint32_t)(hf_lease_remaining_us (lease, hf_client_now_us ()) / 1000);
}
