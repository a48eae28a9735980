//  A client with thousands of sessions, whose leader dies, and links that do not take everything.
//
//  The links are as a DEALER is: they take so many frames in a moment, and no more.

#include "base/hf_alloc.h"
#include "base/hf_mutant.h"
#include "client/core/hf_client_core.h"
#include "tests/kit/hf_test.h"

#define SESSIONS 10000
#define TTL_MS   10000
#define ASKING   20

int hf_mutant = HF_MUTANT_none;

static struct {
    hf_client_core_t *core;
    uint64_t now_us;
    uint32_t leader, opened, lost;
    size_t takes;   //  frames that a link takes in one moment
    bool says;      //  it says so when it takes no more
    unsigned alive; //  KEEPALIVE frames that came to the leader
    hf_client_session_t *sessions[ASKING];
} s_world;

//  ---- the leader -------------------------------------------------------------------

static void
s_keepalive (hf_scan_t *scan, hf_pack_t *frame)
{
    hf_keepalive_t keepalive;
    hf_keep_t keep;
    assert_true (hf_keepalive_get (scan, &keepalive));
    assert_in_range (keepalive.sessions.count, 1, HF_KEEPS_MAX);
    hf_pack_t list;
    hf_pack_init (&list);
    hf_scan_t sessions = hf_scan_list (keepalive.sessions);
    while (hf_keep_get (&sessions, &keep))
        hf_kept_put (&list, &(hf_kept_t){.session = keep.session});
    hf_alive_frame (frame, &(hf_alive_t){.echo = keepalive.echo, .sessions = hf_pack_list (&list)});
    hf_pack_done (&list);
    s_world.alive++;
}

/*  Each request is granted. */
static void
s_requests (hf_scan_t *scan, hf_pack_t *frame)
{
    hf_requests_t message;
    hf_acquire_t acquire;
    hf_pack_t items;
    hf_pack_init (&items);
    assert_true (hf_requests_get (scan, &message));
    hf_scan_t requests = hf_scan_list (message.requests);
    while (hf_acquire_get (&requests, &acquire))
        hf_answer_put (&items, &(hf_answer_t){.seq = acquire.seq, .index = 7, .token = 5});
    hf_answers_frame (frame,
                      &(hf_answers_t){.session = message.session, .items = hf_pack_list (&items)});
    hf_pack_done (&items);
}

/*  The session that a nonce opens, however often it comes. */
static uint64_t
s_session (hf_span_t nonce)
{
    uint32_t number;
    memcpy (&number, nonce.at, sizeof number);
    return number;
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
    if (node != s_world.leader)
        hf_refused_frame (&frame, &(hf_refused_t){.status = HF_NOT_LEADER});
    else if (kind == HF_KIND_OPEN && hf_open_get (&scan, &open))
        hf_opened_frame (&frame, &(hf_opened_t){.nonce = open.nonce,
                                                .session = s_session (open.nonce),
                                                .ttl_ms = TTL_MS});
    else if (kind == HF_KIND_KEEPALIVE)
        s_keepalive (&scan, &frame);
    else if (kind == HF_KIND_REQUESTS)
        s_requests (&scan, &frame);
    else if (kind == HF_KIND_QUERY && hf_query_get (&scan, &query))
        hf_query_result_frame (&frame, &(hf_query_result_t){.id = query.id});
    hf_client_core_frame (s_world.core, node,
                          hf_span (hf_pack_bytes (&frame), hf_pack_size (&frame)), s_world.now_us);
    hf_pack_done (&frame);
}

//  ---- time -------------------------------------------------------------------------

static void
s_results (void)
{
    hf_op_t *op;
    while ((op = hf_client_core_next (s_world.core, s_world.now_us))) {
        s_world.lost += op->kind == HF_OP_EVENT && op->event.type == HF_SESSION_ENDED;
        if (op->kind == HF_OP_OPEN && op->result.status == HF_OK && s_world.opened++ < ASKING)
            s_world.sessions[s_world.opened - 1] = op->session;
        hf_op_free (op);
    }
}

/*  The frames that are on their way arrive when all are sent. */
static void
s_turn (void)
{
    hf_outbox_t *outbox = hf_client_core_outbox (s_world.core);
    hf_client_core_turn (s_world.core, s_world.now_us);
    s_results ();
    size_t count = outbox->frames.count, taken = count < s_world.takes ? count : s_world.takes;
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
    for (size_t i = taken; i < count && s_world.says; i++)
        hf_client_core_unsent (s_world.core, outbox->frames.list[i].peer, s_world.now_us);
    hf_outbox_reset (outbox);
    for (size_t i = 0; i < taken; i++) {
        s_arrives (sent[i].peer, hf_span (sent[i].bytes, sent[i].size));
        free (sent[i].bytes);
    }
    free (sent);
    s_results ();
}

static void
s_run_ms (uint64_t ms)
{
    uint64_t end_us = s_world.now_us + ms * 1000;
    while (s_world.now_us < end_us) {
        s_turn ();
        uint64_t due_us = hf_client_core_due_us (s_world.core);
        uint64_t next_us = s_world.now_us + 1000;
        s_world.now_us = due_us > next_us ? due_us < end_us ? due_us : end_us : next_us;
    }
}

/*  So many sessions are open at node 1. */
static void
s_open (int mutant, uint32_t sessions)
{
    hf_mutant = mutant;
    hf_client_config_t config = {.ids = {1, 2}, .count = 2, .seed = 5};
    memset (&s_world, 0, sizeof s_world);
    s_world.now_us = 1000000;
    s_world.leader = 1;
    s_world.takes = 5000;
    s_world.core = hf_client_core_new (&config);
    hf_client_core_connected (s_world.core, 1, s_world.now_us);
    hf_client_core_connected (s_world.core, 2, s_world.now_us);
    for (uint32_t i = 0; i < sessions; i++) {
        uint8_t nonce[HF_NONCE_SIZE] = {0};
        uint32_t number = i + 1;
        memcpy (nonce, &number, sizeof number);
        hf_client_core_submit (s_world.core, hf_op_open (nonce, TTL_MS), s_world.now_us);
        if (i % 1000 == 999)
            s_run_ms (10);
    }
    s_run_ms (10);
    s_run_ms (10); //  the leader was found
    assert_int_equal (s_world.opened, sessions);
}

/*  How many of SESSIONS are lost when the leader dies. */
static uint32_t
s_failover (int mutant, size_t takes, bool says)
{
    s_open (mutant, SESSIONS);
    s_world.takes = takes;
    s_world.says = says;
    s_run_ms (1000);
    s_world.leader = 2;
    hf_client_core_broken (s_world.core, 1, s_world.now_us);
    s_run_ms (4 * TTL_MS);
    hf_client_core_destroy (&s_world.core);
    hf_mutant = HF_MUTANT_none;
    return s_world.lost;
}

/*  How many KEEPALIVEs ASKING sessions send that ask for something once. */
static unsigned
s_ask (int mutant)
{
    s_open (mutant, ASKING);
    for (uint32_t i = 0; i < ASKING; i++) {
        hf_op_t *op = NULL;
        hf_client_session_t *session = s_world.sessions[i];
        assert_int_equal (hf_op_acquire (session, "lock", s_world.now_us, &op), HF_OK);
        hf_client_core_submit (s_world.core, op, s_world.now_us);
    }
    s_run_ms (4 * TTL_MS);
    hf_client_core_destroy (&s_world.core);
    hf_mutant = HF_MUTANT_none;
    assert_int_equal (s_world.lost, 0);
    return s_world.alive;
}

//  ---- tests ------------------------------------------------------------------------

/*  P11. Sessions share their keepalives, so no queue overflows however many they are. */
HF_TEST (p11_a_thousand_frames_at_once_are_enough_for_all_sessions)
{
    assert_int_equal (s_failover (HF_MUTANT_none, 1000, false), 0);
    assert_in_range (s_world.alive, SESSIONS / 1000 * 12, SESSIONS / 1000 * 40);
    assert_true (s_failover (HF_MUTANT_keepalives_alone, 1000, false) > 0);
}

/*  P11. What a link did not take goes out again soon, and what was answered does not. */
HF_TEST (p11_what_a_link_did_not_take_is_sent_again)
{
    assert_int_equal (s_failover (HF_MUTANT_none, 2, true), 0);
    assert_true (s_failover (HF_MUTANT_unsent_unseen, 2, true) > 0);
}

/*  P9. When a request is answered, the look for its answer is put off to the next keepalive. */
HF_TEST (p9_many_sessions_that_ask_are_kept_alive)
{
    assert_in_range (s_ask (HF_MUTANT_none), 11, 20);
    assert_int_equal (s_ask (HF_MUTANT_put_off_forgotten), 0);
}

HF_TEST_MAIN (NULL, NULL)
