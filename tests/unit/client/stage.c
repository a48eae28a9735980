//  The client's core in virtual time, and nodes for it.

#include "tests/unit/client/stage.h"
#include "base/hf_array.h"

stage_t g_stage;

typedef struct sent {
    uint32_t node;
    size_t size;
    uint8_t *bytes;
} sent_t;

static HF_ARRAY (sent_t) s_requests;
static HF_ARRAY (hf_op_t *) s_seen;

//  ---- the nodes --------------------------------------------------------------

void
stage_frame (uint32_t node, const void *bytes, size_t size)
{
    hf_client_core_frame (g_stage.core, node, hf_span (bytes, size), g_stage.now_us);
}

void
stage_pack (uint32_t node, hf_pack_t *pack)
{
    if (hf_pack_size (pack) > 0)
        stage_frame (node, hf_pack_bytes (pack), hf_pack_size (pack));
    hf_pack_done (pack);
}

void
stage_refuse (uint32_t node, hf_status_t status, uint32_t leader, uint64_t term)
{
    hf_pack_t pack;
    hf_pack_init (&pack);
    node_refuse (&pack, status, leader, term);
    stage_pack (node, &pack);
}

void
stage_items (hf_pack_t *items)
{
    hf_pack_t pack;
    hf_pack_init (&pack);
    node_items (&pack, g_stage.id, items);
    stage_pack (1, &pack);
}

void
stage_answer (uint64_t seq, hf_status_t status, uint64_t index, uint64_t token, uint64_t position)
{
    hf_pack_t item;
    hf_pack_init (&item);
    hf_answer_put (&item, &(hf_answer_t){seq, status, index, token, position});
    stage_items (&item);
}

void
stage_granted (const char *lock, uint64_t token, uint64_t index)
{
    hf_pack_t item;
    hf_pack_init (&item);
    hf_granted_put (&item,
                    &(hf_granted_t){.lock = hf_span_text (lock), .token = token, .index = index});
    stage_items (&item);
}

void
stage_moved (const char *lock, uint64_t position)
{
    hf_pack_t item;
    hf_pack_init (&item);
    hf_moved_put (&item, &(hf_moved_t){hf_span_text (lock), position});
    stage_items (&item);
}

/*  Record a frame for the test, whichever node received it. */
static void
s_note (uint32_t node, uint32_t kind, hf_scan_t scan, const sent_t *sent)
{
    g_stage.counts[node][kind]++;
    bool good = true;
    if (kind == HF_KIND_KEEPALIVE) {
        good = hf_keepalive_get (&scan, &g_stage.keepalive);
    } else if (kind == HF_KIND_OPEN) {
        good = hf_open_get (&scan, &g_stage.open);
        memcpy (g_stage.nonce, g_stage.open.nonce.at, HF_NONCE_SIZE);
        g_stage.open.nonce.at = g_stage.nonce;
    } else if (kind == HF_KIND_CLOSE) {
        good = hf_close_get (&scan, &g_stage.closing);
    } else if (kind == HF_KIND_QUERY) {
        good = hf_query_get (&scan, &g_stage.query);
    } else if (kind == HF_KIND_CHANGE) {
        good = hf_change_request_get (&scan, &g_stage.change);
    } else {
        assert_int_equal (kind, HF_KIND_REQUESTS);
        *hf_array_add (&s_requests) = *sent;
    }
    assert_true (good);
}

static void
s_received (sent_t *sent)
{
    hf_scan_t scan;
    uint32_t kind;
    assert_int_equal (hf_frame_open (sent->bytes, sent->size, &scan, &kind), HF_OK);
    s_note (sent->node, kind, scan, sent);
    if (!(g_stage.deaf & 1U << sent->node)) {
        hf_pack_t pack;
        hf_pack_init (&pack);
        if (node_members (&g_stage.node, kind, scan, &pack)) {
            //  Any node answers.
        } else if (sent->node == g_stage.leader)
            node_lead (&g_stage.node, kind, scan, &pack);
        else
            node_refuse (&pack, HF_NOT_LEADER, g_stage.names[sent->node], g_stage.term);
        stage_pack (sent->node, &pack);
    }
    if (kind != HF_KIND_REQUESTS)
        free (sent->bytes);
}

//  ---- time -------------------------------------------------------------------

static void
s_fetch (void)
{
    hf_op_t *op;
    while ((op = hf_client_core_next (g_stage.core, g_stage.now_us)))
        *hf_array_add (&s_seen) = op;
}

static void
s_turn (void)
{
    hf_outbox_t *outbox = hf_client_core_outbox (g_stage.core);
    bool came;
    do {
        hf_client_core_turn (g_stage.core, g_stage.now_us);
        s_fetch ();
        HF_ARRAY (sent_t) out = {0};
        for (size_t i = 0; i < outbox->frames.count; i++) {
            hf_span_t bytes = hf_outbox_bytes (outbox, &outbox->frames.list[i]);
            sent_t *sent = hf_array_add (&out);
            *sent = (sent_t){outbox->frames.list[i].peer, bytes.size, hf_alloc (bytes.size)};
            memcpy (sent->bytes, bytes.at, bytes.size);
        }
        hf_outbox_reset (outbox);
        for (size_t i = 0; i < out.count; i++)
            s_received (&out.list[i]);
        came = out.count > 0;
        hf_array_free (&out);
        s_fetch ();
    } while (came || hf_client_core_due_us (g_stage.core) <= g_stage.now_us);
}

/*  The next turn that is due until END_US, or none. */
static bool
s_step (uint64_t end_us)
{
    uint64_t due_us = hf_client_core_due_us (g_stage.core);
    if (due_us > end_us) {
        g_stage.now_us = end_us;
        return false;
    }
    g_stage.now_us = due_us > g_stage.now_us ? due_us : g_stage.now_us;
    s_turn ();
    return true;
}

void
stage_run_ms (uint64_t ms)
{
    uint64_t end_us = g_stage.now_us + ms * 1000;
    s_turn ();
    while (s_step (end_us))
        continue;
}

uint64_t
stage_until_ms (uint64_t ms)
{
    uint64_t start_us = g_stage.now_us;
    size_t requests = s_requests.count;
    s_turn ();
    while (s_seen.count == 0 && s_requests.count == requests)
        if (!s_step (start_us + ms * 1000))
            break;
    return (g_stage.now_us - start_us) / 1000;
}

//  ---- the user ---------------------------------------------------------------

void
stage_submit (hf_op_t *op)
{
    hf_client_core_submit (g_stage.core, op, g_stage.now_us);
    stage_run_ms (0);
}

void
stage_acquire (const char *lock, bool wait, uint64_t limit_ms)
{
    hf_op_t *op;
    assert_int_equal (hf_op_acquire (g_stage.session, lock, g_stage.now_us, &op), HF_OK);
    op->wait = wait;
    if (limit_ms != HF_FOREVER)
        op->limit_us = g_stage.now_us + limit_ms * 1000;
    stage_submit (op);
}

void
stage_end (hf_op_kind_t kind, const char *lock, uint64_t token)
{
    hf_op_t *op;
    assert_int_equal (hf_op_end (g_stage.session, kind, 0, lock, token, g_stage.now_us, &op),
                      HF_OK);
    stage_submit (op);
}

void
stage_append (const char *lock, uint64_t token, const void *data, size_t size)
{
    hf_op_t *op;
    assert_int_equal (
        hf_op_append (g_stage.session, 0, lock, token, "f", data, size, g_stage.now_us, &op),
        HF_OK);
    stage_submit (op);
}

const got_t *
stage_requests (void)
{
    stage_run_ms (0);
    assert_true (s_requests.count > 0);
    sent_t sent = s_requests.list[0];
    hf_array_drop (&s_requests, 1);
    const got_t *got = node_read (sent.node, sent.bytes, sent.size);
    free (sent.bytes);
    return got;
}

void
stage_requests_none (void)
{
    stage_run_ms (0);
    assert_int_equal (s_requests.count, 0);
}

void
stage_hold (const char *lock, uint64_t token)
{
    stage_acquire (lock, true, HF_FOREVER);
    stage_answer (stage_requests ()->request[0].seq, HF_OK, token * 10, token, 0);
    stage_expect (HF_OK, token);
}

uint64_t
stage_queue (const char *lock, uint64_t limit_ms, uint64_t index)
{
    stage_acquire (lock, true, limit_ms);
    uint64_t seq = stage_requests ()->request[0].seq;
    stage_answer (seq, HF_QUEUED, index, 0, 2);
    stage_event (HF_SESSION_MOVED, 0, 2);
    return seq;
}

//  ---- what was reported ------------------------------------------------------

hf_op_t *
stage_result (void)
{
    s_fetch ();
    assert_true (s_seen.count > 0);
    hf_op_t *op = s_seen.list[0];
    hf_array_drop (&s_seen, 1);
    return op;
}

static hf_op_t
s_take (void)
{
    hf_op_t *taken = stage_result ();
    hf_op_t op = *taken;
    hf_op_free (taken);
    return op;
}

hf_status_t
stage_status (void)
{
    hf_op_t op = s_take ();
    assert_int_not_equal (op.kind, HF_OP_EVENT);
    return op.result.status;
}

void
stage_expect (hf_status_t status, uint64_t token)
{
    hf_op_t op = s_take ();
    assert_int_not_equal (op.kind, HF_OP_EVENT);
    assert_int_equal (op.result.status, status);
    assert_int_equal (op.result.token, token);
    if (op.kind == HF_OP_OPEN && status == HF_OK)
        g_stage.session = op.session;
}

void
stage_event (hf_session_event_type_t type, uint64_t token, uint64_t position)
{
    hf_op_t op = s_take ();
    assert_int_equal (op.kind, HF_OP_EVENT);
    assert_int_equal (op.event.type, type);
    assert_int_equal (op.event.token, token);
    assert_int_equal (op.event.position, position);
}

void
stage_quiet (void)
{
    s_fetch ();
    assert_int_equal (s_seen.count, 0);
}

//  ---- life -------------------------------------------------------------------

void
stage_open (uint32_t nodes, uint32_t ttl_ms)
{
    stage_open_with (nodes, ttl_ms, false);
}

void
stage_open_with (uint32_t nodes, uint32_t ttl_ms, bool fixed)
{
    hf_client_config_t config = {.ids = {1, 2, 3},
                                 .addresses = {{"a", 1}, {"b", 2}, {"c", 3}},
                                 .fixed = fixed,
                                 .count = nodes,
                                 .seed = 5};
    g_stage = (stage_t){.now_us = 1000000, .leader = 1, .names = {0, 0, 1, 1}, .term = 1};
    g_stage.node.autos = NODE_LEADS;
    g_stage.core = hf_client_core_new (&config);
    for (uint32_t node = 1; node <= nodes; node++)
        hf_client_core_connected (g_stage.core, node, g_stage.now_us);
    stage_run_ms (0);
    if (ttl_ms == 0)
        return;
    static const uint8_t nonce[HF_NONCE_SIZE] = {1, 2, 3};
    stage_submit (hf_op_open (nonce, ttl_ms));
    stage_expect (HF_OK, 0);
    g_stage.id = hf_client_session_id (g_stage.session);
}

int
stage_close (void **state)
{
    (void)state;
    hf_client_core_destroy (&g_stage.core);
    for (size_t i = 0; i < s_seen.count; i++)
        hf_op_free (s_seen.list[i]);
    for (size_t i = 0; i < s_requests.count; i++)
        free (s_requests.list[i].bytes);
    hf_array_free (&s_seen);
    hf_array_free (&s_requests);
    return 0;
}
