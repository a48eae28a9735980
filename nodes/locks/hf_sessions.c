//  The sessions and their tables (hf_sessions.h).
#include "nodes/locks/hf_sessions.h"
#include "base/hf_alloc.h"
#include "base/hf_hash.h"
#include "base/hf_mutant.h"
#include "nodes/locks/hf_state.h"
#include <stdlib.h>
#include <string.h>

void
hf_sessions_init (hf_sessions_t *self, hf_rows_t *rows)
{
    *self = (hf_sessions_t){.rows = rows, .found = hf_alloc (sizeof (hf_sessions_memo_t))};
    hf_table_init (&self->by_id);
    hf_table_init (&self->by_nonce);
    hf_owners_init (&self->owners);
    hf_chain_init (&self->in_order);
}

static hf_state_session_t *
s_in_order (hf_chain_t *at)
{
    return HF_AROUND (at, hf_state_session_t, in_order);
}

static void
s_free (hf_state_session_t *session)
{
    hf_replies_done (&session->replies);
    free (session->label);
    free (session);
}

void
hf_sessions_done (hf_sessions_t *self)
{
    hf_chain_t *at = self->in_order.next;
    while (at != &self->in_order) {
        hf_chain_t *next = at->next;
        s_free (s_in_order (at));
        at = next;
    }
    hf_table_done (&self->by_id);
    hf_table_done (&self->by_nonce);
    hf_owners_done (&self->owners);
    free (self->found);
    self->found = NULL;
    hf_chain_init (&self->in_order);
}

/*  The id is its own hash: ids are given one after the other, so buckets of sessions that were
 * opened together lie together. */
static uint64_t
s_id_hash (uint64_t id)
{
    return id;
}

static uint64_t
s_nonce_hash (const uint8_t *nonce)
{
    return hf_hash (0, nonce, HF_NONCE_SIZE);
}

bool
hf_state_label_valid (hf_span_t label)
{
    return label.size == 0 || (label.size <= HF_LABEL_MAX && hf_name_valid (label));
}

hf_state_session_t *
hf_sessions_open (hf_sessions_t *self, const hf_cmd_open_as_t *open)
{
    return hf_sessions_load (self, ++self->last_id, open);
}

hf_state_session_t *
hf_sessions_load (hf_sessions_t *self, uint64_t id, const hf_cmd_open_as_t *open)
{
    assert (!hf_sessions_find_nonce (self, open->nonce.at) && !hf_sessions_find_any (self, id));
    assert (open->ttl_ms >= HF_TTL_MIN_MS && open->ttl_ms <= HF_TTL_MAX_MS);
    assert (hf_state_label_valid (open->label) && hf_sessions_user_valid (open->user));
    hf_state_session_t *session = hf_alloc (sizeof (*session));
    session->id = id;
    session->ttl_ms = open->ttl_ms;
    session->detect = open->detect;
    session->delay_ms = open->delay_ms;
    memcpy (session->nonce, open->nonce.at, HF_NONCE_SIZE);
    session->label_size = (uint8_t)open->label.size;
    session->user_size = (uint8_t)open->user.size;
    if (open->label.size + open->user.size > 0)
        session->label = hf_alloc (open->label.size + open->user.size);
    if (open->label.size > 0)
        memcpy (session->label, open->label.at, open->label.size);
    if (open->user.size > 0)
        memcpy (session->label + open->label.size, open->user.at, open->user.size);
    if (open->user.size > 0)
        session->owner = hf_owners_add (&self->owners, open->user);
    hf_replies_init (&session->replies);
    hf_chain_init (&session->claims);
    hf_chain_init (&session->acted);
    hf_table_insert (&self->by_id, &session->by_id, s_id_hash (session->id));
    hf_table_insert (&self->by_nonce, &session->by_nonce, s_nonce_hash (session->nonce));
    hf_chain_append (&self->in_order, &session->in_order);
    hf_rows_dirty (self->rows, &self->rows->sessions, &session->row);
    return session;
}

void
hf_sessions_raise (hf_sessions_t *self, hf_state_session_t *session, uint64_t floor)
{
    if (floor <= session->replies.floor)
        return;
    uint32_t before = session->replies.count;
    hf_replies_raise (&session->replies, floor);
    self->answers -= before - session->replies.count;
    hf_rows_dirty (self->rows, &self->rows->sessions, &session->row);
}

void
hf_sessions_run (hf_sessions_t *self, hf_state_session_t *session, uint32_t ran_ms)
{
    assert (ran_ms <= hf_sessions_lease (session));
    if (ran_ms == session->ran_ms)
        return;
    session->ran_ms = ran_ms;
    hf_rows_dirty (self->rows, &self->rows->sessions, &session->row);
}

bool
hf_sessions_may_keep (const hf_sessions_t *self, const hf_state_session_t *session)
{
    uint64_t left = HF_ANSWERS_TOTAL_MAX - self->answers;
    return left > 0 &&
           (session->replies.count <= left / HF_ANSWERS_PART || HF_MUTANT (answers_take_all));
}

void
hf_sessions_keep (hf_sessions_t *self, hf_state_session_t *session, const hf_answer_t *answer)
{
    hf_replies_keep (&session->replies, answer);
    self->answers++;
    hf_rows_dirty (self->rows, &self->rows->sessions, &session->row);
}

void
hf_sessions_depart (hf_sessions_t *self, hf_state_session_t *session)
{
    assert (!session->gone && session->delay_ms > 0 && hf_chain_empty (&session->acted));
    hf_table_remove (&self->by_nonce, &session->by_nonce);
    self->answers -= session->replies.count;
    hf_replies_done (&session->replies);
    session->ran_ms = 0;
    session->gone = true;
    hf_rows_dirty (self->rows, &self->rows->sessions, &session->row);
}

void
hf_sessions_end (hf_sessions_t *self, hf_state_session_t *session)
{
    assert (session->places_count == 0 && hf_chain_empty (&session->claims));
    assert (hf_chain_empty (&session->acted));
    hf_table_remove (&self->by_id, &session->by_id);
    if (!session->gone)
        hf_table_remove (&self->by_nonce, &session->by_nonce);
    hf_chain_remove (&session->in_order);
    self->answers -= session->replies.count;
    uint8_t key[HF_ROW_KEY_MAX] = {'s'};
    uint8_t *end = hf_row_key_u64 (key + 1, session->id);
    hf_rows_delete (self->rows, &self->rows->sessions, &session->row,
                    hf_span (key, (size_t)(end - key)));
    if (session->owner)
        hf_owners_drop (&self->owners, session->owner);
    if (self->found->session == session)
        self->found->session = NULL;
    s_free (session);
}

size_t
hf_sessions_count (const hf_sessions_t *self)
{
    return self->by_id.count;
}

hf_state_session_t *
hf_sessions_find (const hf_sessions_t *self, uint64_t id)
{
    hf_state_session_t *session = hf_sessions_find_any (self, id);
    return session && !session->gone ? session : NULL;
}

hf_state_session_t *
hf_sessions_find_any (const hf_sessions_t *self, uint64_t id)
{
    if (self->found->session && self->found->session->id == id)
        return self->found->session;
    hf_table_node_t *node = hf_table_seek (&self->by_id, s_id_hash (id));
    for (; node; node = hf_table_again (node)) {
        hf_state_session_t *session = HF_AROUND (node, hf_state_session_t, by_id);
        if (session->id == id)
            return self->found->session = session;
    }
    return NULL;
}

hf_state_session_t *
hf_sessions_find_nonce (const hf_sessions_t *self, const uint8_t *nonce)
{
    hf_table_node_t *node = hf_table_seek (&self->by_nonce, s_nonce_hash (nonce));
    for (; node; node = hf_table_again (node)) {
        hf_state_session_t *session = HF_AROUND (node, hf_state_session_t, by_nonce);
        if (memcmp (session->nonce, nonce, HF_NONCE_SIZE) == 0)
            return session;
    }
    return NULL;
}

hf_state_session_t *
hf_sessions_next (const hf_sessions_t *self, uint64_t after)
{
    hf_state_session_t *found = after > 0 ? hf_sessions_find_any (self, after) : NULL;
    hf_chain_t *at = found ? found->in_order.next : self->in_order.next;
    //  If AFTER has ended, skip from the start.
    while (at != &self->in_order && s_in_order (at)->id <= after)
        at = at->next;
    return at != &self->in_order ? s_in_order (at) : NULL;
}

void
hf_sessions_check (const hf_sessions_t *self)
{
    size_t count = 0, gone = 0, owned = 0;
    uint64_t last = 0, answers = 0;
    HF_CHAIN_EACH (&self->in_order, at)
    {
        hf_state_session_t *session = s_in_order (at);
        assert (session->id > last && session->id <= self->last_id);
        assert (session->ttl_ms >= HF_TTL_MIN_MS && session->ttl_ms <= HF_TTL_MAX_MS);
        assert (hf_sessions_find_any (self, session->id) == session);
        if (session->gone)
            assert (session->delay_ms > 0 && session->replies.count == 0);
        else
            assert (hf_sessions_find_nonce (self, session->nonce) == session);
        assert (session->ran_ms <= hf_sessions_lease (session));
        assert (hf_sessions_delay_valid (session->delay_ms));
        gone += session->gone;
        assert (hf_state_label_valid (hf_sessions_label (session)));
        assert (hf_sessions_user_valid (hf_sessions_user (session)));
        assert (!session->owner == (session->user_size == 0));
        owned += session->owner != NULL;
        hf_replies_check (&session->replies);
        last = session->id;
        answers += session->replies.count;
        count++;
    }
    assert (count == self->by_id.count && count == self->by_nonce.count + gone);
    assert (count <= HF_SESSIONS_MAX && owned == hf_owners_all (&self->owners));
    assert (answers == self->answers && answers <= HF_ANSWERS_TOTAL_MAX);
}
