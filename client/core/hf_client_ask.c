//  Questions (OPEN, CLOSE, QUERY, CHANGE): idempotent; sent, repeated and re-routed until answered
//  or out of time.

#include "base/hf_mutant.h"
#include "client/core/hf_client_internal.h"
#include <assert.h>
#include <string.h>

static hf_op_t *
s_find (const hf_client_core_t *core, hf_op_kind_t kind, uint64_t key)
{
    hf_table_node_t *node = hf_table_seek (&core->asks, key);
    for (; node; node = hf_table_again (node)) {
        hf_op_t *ask = HF_AROUND (node, hf_op_t, by_key);
        if (ask->kind == kind)
            return ask;
    }
    return NULL;
}

//  ---- sending ----------------------------------------------------------------

static void
s_put (hf_pack_t *frame, const hf_op_t *ask)
{
    if (ask->kind == HF_OP_OPEN)
        hf_open_frame (frame, &(hf_open_t){.nonce = hf_span (ask->nonce, HF_NONCE_SIZE),
                                           .ttl_ms = ask->ttl_ms,
                                           .label = hf_span_text (ask->label ? ask->label : ""),
                                           .detect = ask->detect,
                                           .delay_ms = ask->delay_ms});
    else if (ask->kind == HF_OP_CLOSE)
        hf_close_frame (frame, &(hf_close_t){.session = ask->session_id,
                                             .echo = ask->seq,
                                             .by = hf_span_text (ask->label ? ask->label : "")});
    else if (ask->kind == HF_OP_CHANGE)
        hf_change_request_frame (frame, &ask->change);
    else
        hf_query_frame (frame, &(hf_query_t){.id = ask->seq,
                                             .what = ask->what,
                                             .name = hf_span (ask->text, ask->lock_size),
                                             .offset = ask->offset,
                                             .limit = ask->size,
                                             .stale = ask->stale,
                                             .number = ask->number});
}

/*  To one particular node, or to all that are connected: the first answer counts. */
static bool
s_send_aside (hf_client_core_t *core, const hf_op_t *ask)
{
    bool sent = false;
    for (uint32_t i = 0; i < HF_MEMBERS_MAX; i++) {
        bool meant = ask->node == HF_NODE_ANY || core->ids[i] == ask->node;
        if (!meant || !core->choice.connected[i])
            continue;
        s_put (&core->outbox.frame, ask);
        hf_outbox_to_peer (&core->outbox, core->ids[i]);
        sent = true;
    }
    return sent;
}

static bool
s_send_leader (hf_client_core_t *core, const hf_op_t *ask)
{
    if (!hf_client_leader_ready (core))
        return false;
    if (ask->tries == 0)
        core->outstanding++;
    s_put (&core->outbox.frame, ask);
    hf_client_leader_send (core);
    return true;
}

static void
s_send (hf_client_core_t *core, hf_op_t *ask)
{
    bool leader = ask->node == HF_NODE_LEADER;
    bool sent = leader ? s_send_leader (core, ask) : s_send_aside (core, ask);
    uint64_t again = HF_NEVER;
    if (sent) {
        if (ask->tries++ == 0)
            ask->first_us = core->now_us;
        ask->sent_us = core->now_us;
        again = core->now_us + core->request_us;
    }
    hf_heap_set (&core->op_timers, &ask->timer, again < ask->limit_us ? again : ask->limit_us);
}

void
hf_client_ask_start (hf_client_core_t *core, hf_op_t *ask)
{
    ask->start_us = core->now_us;
    if (ask->kind == HF_OP_OPEN)
        memcpy (&ask->seq, ask->nonce, sizeof ask->seq);
    else
        ask->seq = ask->kind == HF_OP_CHANGE ? ask->change.id : core->next_key++;
    hf_table_insert (&core->asks, &ask->by_key, ask->seq);
    hf_chain_append (&core->asks_all, &ask->all);
    s_send (core, ask);
}

/*  There is another leader, or the old one takes requests again. */
void
hf_client_ask_send_all (hf_client_core_t *core)
{
    HF_CHAIN_EACH (&core->asks_all, at)
    {
        hf_op_t *ask = HF_AROUND (at, hf_op_t, all);
        if (ask->node == HF_NODE_LEADER)
            s_send (core, ask);
    }
}

void
hf_client_ask_connected (hf_client_core_t *core, uint32_t node)
{
    HF_CHAIN_EACH (&core->asks_all, at)
    {
        hf_op_t *ask = HF_AROUND (at, hf_op_t, all);
        if (ask->node == core->ids[node] || ask->node == HF_NODE_ANY)
            s_send (core, ask);
    }
}

//  ---- ending -----------------------------------------------------------------

static void
s_finish (hf_client_core_t *core, hf_op_t *ask, hf_status_t status)
{
    hf_chain_remove (&ask->all);
    hf_table_remove (&core->asks, &ask->by_key);
    hf_heap_remove (&core->op_timers, &ask->timer);
    if (ask->node == HF_NODE_LEADER && ask->tries > 0)
        hf_client_leader_paid (core);
    hf_op_done (core, ask, status);
}

/*  Without an answer. An opening that was given up may still take effect. */
static void
s_give_up (hf_client_core_t *core, hf_op_t *ask, hf_status_t status)
{
    if (ask->kind == HF_OP_OPEN && ask->tries > 0)
        memcpy (core->late[core->late_next++ % HF_LATE_MAX], ask->nonce, HF_NONCE_SIZE);
    s_finish (core, ask, status);
}

/*  Its timer: the limit, or the time to send again. */
void
hf_client_ask_wake (hf_client_core_t *core, hf_op_t *ask)
{
    uint32_t node = ask->node == HF_NODE_ANY ? 0 : ask->node;
    if (core->now_us < ask->limit_us)
        s_send (core, ask);
    else
        s_give_up (core, ask, hf_client_core_silence (core, node, ask->start_us));
}

void
hf_client_ask_stop (hf_client_core_t *core)
{
    HF_CHAIN_EACH_SAFE (&core->asks_all, at)
    {
        s_give_up (core, HF_AROUND (at, hf_op_t, all), HF_CLOSED);
    }
}

/*  NODE does not take a frame of ours, and does not say which. Questions that it has not
 *  answered are as good as refused; requests of sessions stay undecided until their end. */
void
hf_client_ask_refused (hf_client_core_t *core, uint32_t node, hf_status_t status)
{
    bool target = core->choice.target == (int)node;
    if (status >= HF_TIMEOUT || status <= HF_NOT_GRANTED)
        return;
    HF_CHAIN_EACH_SAFE (&core->asks_all, at)
    {
        hf_op_t *ask = HF_AROUND (at, hf_op_t, all);
        bool meant = ask->node == HF_NODE_LEADER ? target : ask->node == core->ids[node];
        if (meant && ask->tries > 0)
            s_give_up (core, ask, status);
    }
}

void
hf_client_ask_limited (hf_client_core_t *core, hf_span_t text)
{
    HF_CHAIN_EACH_SAFE (&core->asks_all, at)
    {
        hf_op_t *ask = HF_AROUND (at, hf_op_t, all);
        hf_client_why_text (ask, text);
        s_give_up (core, ask, HF_LIMIT);
    }
}

//  ---- answers ----------------------------------------------------------------

/*  End an unused session: repeat CLOSE until it is answered or the TTL has passed. */
static void
s_close_unused (hf_client_core_t *core, const hf_opened_t *opened)
{
    hf_op_t *ask = hf_op_silent (NULL, HF_OP_CLOSE, "", 0);
    ask->session_id = opened->session;
    ask->limit_us = core->now_us + (uint64_t)opened->ttl_ms * 1000;
    hf_client_ask_start (core, ask);
}

static void
s_opened_late (hf_client_core_t *core, const hf_opened_t *opened)
{
    static const uint8_t empty[HF_NONCE_SIZE];
    if (memcmp (opened->nonce.at, empty, HF_NONCE_SIZE) == 0)
        return;
    for (int i = 0; i < HF_LATE_MAX; i++) {
        if (memcmp (core->late[i], opened->nonce.at, HF_NONCE_SIZE) != 0)
            continue;
        memset (core->late[i], 0, HF_NONCE_SIZE);
        if (opened->status == HF_OK)
            s_close_unused (core, opened);
        return;
    }
}

/*  Ask for another session in the time that is left. The nonce's first bytes are the key. */
static void
s_open_again (hf_client_core_t *core, hf_op_t *ask)
{
    ask->nonce[HF_NONCE_SIZE - 1]++;
    ask->first_us = core->now_us;
    s_send (core, ask);
}

void
hf_client_ask_opened (hf_client_core_t *core, const hf_opened_t *opened)
{
    uint64_t key;
    assert (opened->nonce.size == HF_NONCE_SIZE);
    memcpy (&key, opened->nonce.at, sizeof key);
    hf_op_t *ask = s_find (core, HF_OP_OPEN, key);
    if (!ask || memcmp (ask->nonce, opened->nonce.at, HF_NONCE_SIZE) != 0) {
        s_opened_late (core, opened);
        return;
    }
    bool good = opened->session != 0 && opened->ttl_ms >= HF_TTL_MIN_MS &&
                opened->ttl_ms <= HF_TTL_MAX_MS && !hf_client_session_find (core, opened->session);
    hf_status_t status = (hf_status_t)opened->status;
    if (status == HF_OK && !good)
        status = HF_MALFORMED;
    if (status == HF_OK) {
        hf_client_session_t *session = hf_client_session_start (
            core, opened->session, opened->ttl_ms, ask->first_us, ask->arg);
        if (ask->tries > 1)
            session->keepalive_at_us = core->now_us;
        //  It was so long under way that its lease is over by our own clock.
        if (!hf_client_session_alive (session)) {
            s_close_unused (core, opened);
            hf_client_session_drop (session);
            free (session);
            if (!HF_MUTANT (opening_given_up)) {
                s_open_again (core, ask);
                return;
            }
            status = HF_TIMEOUT;
        } else {
            ask->session = session;
        }
    } else
        hf_client_why_text (ask, opened->text);
    s_finish (core, ask, status);
}

void
hf_client_ask_closed (hf_client_core_t *core, const hf_closed_t *closed)
{
    hf_op_t *ask = s_find (core, HF_OP_CLOSE, closed->echo);
    if (ask && ask->session_id == closed->session)
        hf_client_why_text (ask, closed->text);
    if (ask && ask->session_id == closed->session)
        s_finish (core, ask, (hf_status_t)closed->status);
}

void
hf_client_ask_result (hf_client_core_t *core, uint32_t node, const hf_query_result_t *result)
{
    hf_op_t *ask = s_find (core, HF_OP_QUERY, result->id);
    if (!ask)
        ask = s_find (core, HF_OP_CHANGE, result->id);
    if (!ask)
        return;
    if (ask->what == HF_WHAT_MEMBERS)
        hf_client_members_heard (core, result);
    if (ask->node == HF_NODE_LEADER)
        hf_client_leader_heard (core, node);
    hf_pack_t pack;
    hf_pack_init (&pack);
    hf_query_result_put (&pack, result);
    ask->reply = hf_pack_take (&pack, &ask->reply_size);
    hf_pack_done (&pack);
    hf_scan_t scan = hf_scan (ask->reply, ask->reply_size);
    hf_query_result_t own;
    bool read = hf_query_result_get (&scan, &own);
    assert (read);
    (void)read;
    ask->result = (hf_result_t){
        .index = own.index, .total = own.total, .data = own.data.at, .size = own.data.size};
    if (own.status == HF_DENIED)
        hf_client_why_text (ask, own.data);
    s_finish (core, ask, own.status < HF_TIMEOUT ? (hf_status_t)own.status : HF_MALFORMED);
}
