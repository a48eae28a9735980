//  The client's core before one leader: frames carried, and what every session wants answered.

#include "tests/unit/client/crowd.h"
#include "base/hf_alloc.h"
#include "tests/kit/hf_test.h"

crowd_t g_crowd;

//  ---- the leader -------------------------------------------------------------------

static void
s_keepalive (hf_scan_t *scan, hf_pack_t *frame)
{
    hf_keepalive_t keepalive;
    hf_keep_t keep;
    hf_pack_t list;
    assert_true (hf_keepalive_get (scan, &keepalive));
    assert_in_range (keepalive.sessions.count, 1, HF_KEEPS_MAX);
    hf_pack_init (&list);
    hf_scan_t sessions = hf_scan_list (keepalive.sessions);
    while (hf_keep_get (&sessions, &keep))
        hf_kept_put (&list, &(hf_kept_t){.session = keep.session});
    hf_alive_frame (frame, &(hf_alive_t){.echo = keepalive.echo, .sessions = hf_pack_list (&list)});
    hf_pack_done (&list);
    g_crowd.alive++;
}

/*  The same session however often its nonce comes. */
static void
s_opens (const hf_open_t *open, hf_pack_t *frame)
{
    uint32_t number;
    memcpy (&number, open->nonce.at, sizeof number);
    hf_opened_frame (
        frame, &(hf_opened_t){.nonce = open->nonce, .session = number, .ttl_ms = g_crowd.ttl_ms});
}

static void
s_arrives (uint32_t node, hf_span_t bytes)
{
    hf_scan_t scan;
    uint32_t kind;
    hf_open_t open;
    hf_query_t query;
    hf_pack_t frame;
    hf_pack_init (&frame);
    assert_int_equal (hf_frame_open (bytes.at, bytes.size, &scan, &kind), HF_OK);
    if (!g_crowd.leads (node))
        hf_refused_frame (&frame, &(hf_refused_t){.status = HF_NOT_LEADER});
    else if (kind == HF_KIND_OPEN && hf_open_get (&scan, &open))
        s_opens (&open, &frame);
    else if (kind == HF_KIND_KEEPALIVE)
        s_keepalive (&scan, &frame);
    else if (kind == HF_KIND_REQUESTS && g_crowd.requests)
        g_crowd.requests (&scan, &frame);
    else if (kind == HF_KIND_QUERY && hf_query_get (&scan, &query))
        hf_query_result_frame (&frame, &(hf_query_result_t){.id = query.id});
    hf_client_core_frame (g_crowd.core, node,
                          hf_span (hf_pack_bytes (&frame), hf_pack_size (&frame)), g_crowd.now_us);
    hf_pack_done (&frame);
}

//  ---- time -------------------------------------------------------------------------

static void
s_results (void)
{
    hf_op_t *op;
    while ((op = hf_client_core_next (g_crowd.core, g_crowd.now_us))) {
        g_crowd.result (op);
        hf_op_free (op);
    }
}

/*  Whether a frame was sent. */
static bool
s_turn (void)
{
    hf_outbox_t *outbox = hf_client_core_outbox (g_crowd.core);
    hf_client_core_turn (g_crowd.core, g_crowd.now_us);
    s_results ();
    size_t count = outbox->frames.count, taken = count < g_crowd.takes ? count : g_crowd.takes;
    struct {
        uint32_t peer;
        uint8_t *bytes;
        size_t size;
    } *sent = hf_alloc (count * sizeof *sent + 1);
    for (size_t i = 0; i < taken; i++) {
        hf_span_t bytes = hf_outbox_bytes (outbox, &outbox->frames.list[i]);
        sent[i].peer = outbox->frames.list[i].peer;
        sent[i].size = bytes.size;
        sent[i].bytes = memcpy (hf_alloc (bytes.size), bytes.at, bytes.size);
    }
    for (size_t i = taken; i < count && g_crowd.says; i++)
        hf_client_core_unsent (g_crowd.core, outbox->frames.list[i].peer, g_crowd.now_us);
    hf_outbox_reset (outbox);
    for (size_t i = 0; i < taken; i++) {
        s_arrives (sent[i].peer, hf_span (sent[i].bytes, sent[i].size));
        free (sent[i].bytes);
    }
    free (sent);
    s_results ();
    return count > 0;
}

void
crowd_run_ms (uint64_t ms)
{
    uint64_t end_us = g_crowd.now_us + ms * 1000;
    while (g_crowd.now_us < end_us) {
        uint64_t due_us = s_turn () ? 0 : hf_client_core_due_us (g_crowd.core);
        uint64_t next_us = g_crowd.now_us + 1000;
        g_crowd.now_us = due_us > next_us ? due_us < end_us ? due_us : end_us : next_us;
    }
}

//  ---- life -------------------------------------------------------------------------

void
crowd_begin (uint32_t nodes, uint32_t ttl_ms)
{
    hf_client_config_t config = {.ids = {1, 2}, .count = nodes, .seed = 5};
    memset (&g_crowd, 0, sizeof g_crowd);
    g_crowd.now_us = 1000000;
    g_crowd.ttl_ms = ttl_ms;
    g_crowd.takes = SIZE_MAX;
    g_crowd.core = hf_client_core_new (&config);
    for (uint32_t node = 1; node <= nodes; node++)
        hf_client_core_connected (g_crowd.core, node, g_crowd.now_us);
}

void
crowd_end (void)
{
    hf_client_core_destroy (&g_crowd.core);
}

void
crowd_open (uint32_t number)
{
    uint8_t nonce[HF_NONCE_SIZE] = {0};
    memcpy (nonce, &number, sizeof number);
    hf_client_core_submit (g_crowd.core, hf_op_open (nonce, g_crowd.ttl_ms), g_crowd.now_us);
}
