//  Ops: made, checked, and given back with their results.

#include "base/hf_hash.h"
#include "client/core/hf_client_internal.h"
#include <assert.h>
#include <string.h>

#define NAME_SIZE 256 //  the longest valid name, and its zero

/*  What strnlen gives, which not every C library has. */
static size_t
s_length (const char *name)
{
    const char *end = memchr (name, 0, NAME_SIZE);
    return end ? (size_t)(end - name) : NAME_SIZE;
}

//  ---- making them ------------------------------------------------------------

static hf_op_t *
s_new (hf_op_kind_t kind, const char *lock, size_t lock_size, hf_span_t file, hf_span_t data)
{
    size_t files = file.size > 0 ? file.size + 1 + data.size : 0;
    hf_op_t *op = hf_alloc (sizeof *op + lock_size + 1 + files);
    op->kind = kind;
    op->limit_us = HF_NEVER;
    op->lock_size = (uint32_t)lock_size;
    op->file_size = file.size;
    op->data_size = data.size;
    memcpy (op->text, lock, lock_size);
    if (file.size > 0)
        memcpy (op->text + lock_size + 1, file.at, file.size);
    if (data.size > 0)
        memcpy (op->text + lock_size + 1 + file.size + 1, data.at, data.size);
    return op;
}

/*  The session's lease comes before anything else. */
static hf_status_t
s_request (hf_client_session_t *session, hf_op_kind_t kind, uint64_t owner, const char *lock,
           hf_span_t file, hf_span_t data, uint64_t now_us, hf_op_t **op_p)
{
    bool alive = hf_lease_alive (&session->lease, now_us);
    bool own = owner == 0 || owner == session->id;
    size_t size = s_length (lock);
    if (!hf_name_valid (hf_span (lock, size)))
        return HF_BAD_NAME;
    if (!alive && (kind == HF_OP_ACQUIRE || !own))
        return HF_SESSION_EXPIRED;
    if (atomic_fetch_add (&session->load, 1) >= HF_LOCAL_MAX) {
        atomic_fetch_sub (&session->load, 1);
        return HF_LIMIT;
    }
    hf_op_t *op = s_new (kind, lock, size, file, data);
    op->session = session;
    op->counted = true;
    op->owner = owner;
    op->lost = !alive;
    *op_p = op;
    return HF_OK;
}

hf_status_t
hf_op_end (hf_client_session_t *session, hf_op_kind_t kind, uint64_t owner, const char *lock,
           uint64_t token, uint64_t now_us, hf_op_t **op_p)
{
    assert (kind == HF_OP_RELEASE || kind == HF_OP_CANCEL || kind == HF_OP_GIVE_BACK);
    hf_span_t none = {NULL, 0};
    hf_status_t status = s_request (session, kind, owner, lock, none, none, now_us, op_p);
    if (status != HF_OK)
        return status;
    (*op_p)->token = (*op_p)->given_token = token;
    (*op_p)->orphan = kind == HF_OP_GIVE_BACK;
    return HF_OK;
}

hf_status_t
hf_op_append (hf_client_session_t *session, uint64_t owner, const char *lock, uint64_t token,
              const char *file, const void *data, size_t size, uint64_t now_us, hf_op_t **op_p)
{
    hf_span_t name = hf_span (file, s_length (file));
    if (!hf_name_valid (name))
        return HF_BAD_NAME;
    if (size > HF_DATA_MAX)
        return HF_TOO_LARGE;
    hf_status_t status =
        s_request (session, HF_OP_APPEND, owner, lock, name, hf_span (data, size), now_us, op_p);
    if (status == HF_OK)
        (*op_p)->token = (*op_p)->given_token = token;
    return status;
}

//  ---- what an acquire asks for -------------------------------------------------

static bool
s_sound (const hf_want_t *want)
{
    bool exclusive = want->mode == HF_MODE_EXCLUSIVE && want->units == 0 && want->limit == 0;
    bool shared = want->mode == HF_MODE_SHARED && want->units > 0 &&
                  (want->limit == 0 || want->units <= want->limit);
    return exclusive || shared;
}

/*  The name of the first is looked at as that of every request. */
static hf_status_t
s_check_wants (const hf_want_t *wants, size_t count)
{
    if (count == 0 || count > HF_SET_MAX)
        return HF_INVALID;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && !hf_name_valid (hf_span (wants[i].lock, s_length (wants[i].lock))))
            return HF_BAD_NAME;
        if (!s_sound (&wants[i]))
            return HF_INVALID;
        for (size_t k = 0; k < i; k++)
            if (strcmp (wants[k].lock, wants[i].lock) == 0)
                return HF_INVALID;
    }
    return HF_OK;
}

void
hf_op_want (hf_op_t *op, const hf_want_t *wants, size_t count)
{
    op->mode = wants[0].mode;
    op->units = wants[0].units;
    op->limit = wants[0].limit;
    bool plain = count == 1 && op->units == (op->mode == HF_MODE_SHARED) && op->limit == 0;
    if (plain && !op->note && op->acts_for == 0) {
        op->wants = 1 + op->mode;
        return;
    }
    hf_pack_t places;
    hf_pack_init (&places);
    for (size_t i = 0; i < count; i++)
        hf_place_put (&places, &(hf_place_t){.lock = hf_span_text (wants[i].lock),
                                             .mode = wants[i].mode,
                                             .units = wants[i].units,
                                             .limit = wants[i].limit});
    op->wants = plain ? 1 + op->mode : hf_hash (0, hf_pack_bytes (&places), hf_pack_size (&places));
    op->claim_count = places.count;
    op->claim = hf_pack_take (&places, &op->claim_size);
    hf_pack_done (&places);
}

static bool
s_note_valid (const char *note)
{
    size_t size = note ? strlen (note) : 0;
    return size <= HF_NOTE_MAX && (!note || hf_text_valid (hf_span (note, size)));
}

static void
s_take_note (hf_op_t *op, const char *note)
{
    if (note && *note)
        op->note = memcpy (hf_alloc (strlen (note) + 1), note, strlen (note));
}

hf_status_t
hf_op_claim (hf_client_session_t *session, const hf_want_t *wants, size_t count, const char *note,
             uint64_t acts_for, uint64_t now_us, hf_op_t **op_p)
{
    hf_span_t none = {NULL, 0};
    hf_status_t status = s_note_valid (note) ? s_check_wants (wants, count) : HF_BAD_NOTE;
    if (status == HF_OK)
        status = s_request (session, HF_OP_ACQUIRE, 0, wants[0].lock, none, none, now_us, op_p);
    if (status != HF_OK)
        return status;
    (*op_p)->wait = true;
    (*op_p)->acts_for = acts_for;
    s_take_note (*op_p, note);
    hf_op_want (*op_p, wants, count);
    return HF_OK;
}

hf_status_t
hf_op_note (hf_client_session_t *session, uint64_t owner, const char *lock, uint64_t token,
            const char *note, uint64_t now_us, hf_op_t **op_p)
{
    hf_span_t none = {NULL, 0};
    if (!s_note_valid (note))
        return HF_BAD_NOTE;
    hf_status_t status = s_request (session, HF_OP_NOTE, owner, lock, none, none, now_us, op_p);
    if (status != HF_OK)
        return status;
    (*op_p)->token = (*op_p)->given_token = token;
    s_take_note (*op_p, note);
    return HF_OK;
}

//  ---- questions ------------------------------------------------------------------

static hf_op_t *
s_question (hf_op_kind_t kind, const char *name)
{
    hf_span_t none = {NULL, 0};
    return s_new (kind, name, strlen (name), none, none);
}

hf_op_t *
hf_op_open (const uint8_t nonce[HF_NONCE_SIZE], uint32_t ttl_ms)
{
    hf_op_t *op = s_question (HF_OP_OPEN, "");
    memcpy (op->nonce, nonce, HF_NONCE_SIZE);
    op->ttl_ms = ttl_ms;
    return op;
}

hf_op_t *
hf_op_close (uint64_t session_id)
{
    hf_op_t *op = s_question (HF_OP_CLOSE, "");
    op->session_id = session_id;
    return op;
}

hf_op_t *
hf_op_leave (hf_client_session_t *session)
{
    hf_op_t *op = s_question (HF_OP_LEAVE, "");
    op->session = session;
    return op;
}

hf_op_t *
hf_op_query (uint32_t node, uint32_t what, const char *name, uint64_t offset, uint32_t size)
{
    hf_op_t *op = s_question (HF_OP_QUERY, name);
    op->node = node;
    op->what = what;
    op->offset = offset;
    op->size = size;
    return op;
}

hf_op_t *
hf_op_change (const hf_change_request_t *change)
{
    hf_span_t none = {NULL, 0};
    assert (change->id != 0 && change->id <= INT64_MAX);
    hf_op_t *op =
        s_new (HF_OP_CHANGE, (const char *)change->host.at, change->host.size, none, none);
    op->change = *change;
    op->change.host = hf_span (op->text, change->host.size);
    if (change->by.size > 0) {
        op->label = memcpy (hf_alloc (change->by.size + 1), change->by.at, change->by.size);
        op->change.by = hf_span (op->label, change->by.size);
    }
    return op;
}

hf_op_t *
hf_op_watch (uint32_t what, const char *prefix, uint64_t after)
{
    hf_span_t none = {NULL, 0};
    hf_op_t *op = s_new (HF_OP_WATCH, prefix, strlen (prefix), none, none);
    op->what = what;
    op->offset = after;
    return op;
}

hf_op_t *
hf_op_unwatch (hf_client_watch_t *watch)
{
    hf_span_t none = {NULL, 0};
    hf_op_t *op = s_new (HF_OP_UNWATCH, "", 0, none, none);
    op->watch = watch;
    return op;
}

hf_op_t *
hf_op_silent (hf_client_session_t *session, hf_op_kind_t kind, const char *lock, uint32_t size)
{
    hf_span_t none = {NULL, 0};
    hf_op_t *op = s_new (kind, lock, size, none, none);
    op->session = session;
    op->orphan = true;
    op->counted = session != NULL;
    if (session)
        atomic_fetch_add (&session->load, 1);
    return op;
}

void
hf_op_free (hf_op_t *op)
{
    if (op->counted)
        atomic_fetch_sub (&op->session->load, 1);
    if (op->state == HF_OP_LEFT)
        free (op->session);
    free (op->reply);
    free (op->ring);
    free (op->why);
    free (op->claim);
    free (op->note);
    free (op->label);
    free (op);
}

//  ---- giving them back -------------------------------------------------------

static void
s_give (hf_client_core_t *core, hf_op_t *op, hf_status_t status, uint64_t index, uint64_t token)
{
    op->result.status = status;
    op->result.arg = op->arg;
    op->result.lock =
        op->lock_size > 0 && op->kind != HF_OP_QUERY && op->kind != HF_OP_CHANGE ? op->text : NULL;
    op->result.session = op->session ? op->session->id : 0;
    op->result.index = index;
    op->result.token = token;
    op->token = op->given_token;
    hf_chain_append (&core->done, &op->chain);
}

void
hf_op_done (hf_client_core_t *core, hf_op_t *op, hf_status_t status)
{
    if (op->orphan)
        hf_op_free (op);
    else
        s_give (core, op, status, op->result.index, 0);
}

static void
s_unwanted (hf_op_t *op)
{
    if (op->kind == HF_OP_ACQUIRE && op->place && !op->orphan) {
        assert (op->place->live > 0);
        op->place->live--;
    }
    op->orphan = true;
}

void
hf_op_tell (hf_op_t *op, hf_status_t status)
{
    assert (!op->orphan && op->place);
    s_unwanted (op);
    hf_span_t none = {NULL, 0};
    hf_op_t *told = s_new (op->kind, op->text, op->lock_size, none, none);
    told->session = op->session;
    told->fn = op->fn;
    told->arg = op->arg;
    told->waiter = op->waiter;
    s_give (op->session->core, told, status, 0, 0);
}

void
hf_op_remove (hf_op_t *op)
{
    switch (op->state) {
    case HF_OP_READY:
    case HF_OP_PARKED:
    case HF_OP_WAITING:
        hf_chain_remove (&op->chain);
        break;
    case HF_OP_OUT:
        hf_window_take (&op->session->window, op->seq);
        op->session->out--;
        op->session->wide_out -= op->wide;
        op->place->out--;
        hf_client_leader_paid (op->session->core);
        break;
    default:
        break;
    }
    op->state = HF_OP_NEW;
}

void
hf_op_finish (hf_op_t *op, hf_status_t status, uint64_t index, uint64_t token)
{
    hf_client_core_t *core = op->session->core;
    hf_client_place_t *place = op->place;
    hf_op_remove (op);
    hf_heap_remove (&core->op_timers, &op->timer);
    atomic_fetch_sub (&op->session->load, 1);
    op->counted = false;
    if (op->orphan) {
        hf_op_free (op);
    } else {
        s_unwanted (op);
        op->place = NULL;
        s_give (core, op, status, index, token);
    }
    if (place) {
        assert (core->undecided > 0);
        core->undecided--;
        place->refs--;
        hf_client_place_unpark (place);
        hf_client_place_check (place);
    }
}
