//  A client with many sessions whose user asks more often than a node lets him.
//
//  The leader takes so many frames of requests in a second, and refuses the rest as they come.

#include "base/hf_alloc.h"
#include "base/hf_mutant.h"
#include "client/core/hf_client_core.h"
#include "tests/kit/hf_test.h"

#define SESSIONS 400
#define RATE     100 //  frames in a second
#define TTL_MS   60000

int hf_mutant = HF_MUTANT_none;

static struct {
    hf_client_core_t *core;
    uint64_t now_us, from_us;
    bool again;     //  who was answered asks for more
    uint32_t asked; //  frames of requests that came
    uint32_t taken;
    uint32_t opened, answered;
    hf_client_session_t *session[SESSIONS + 1];
    uint32_t answers[SESSIONS + 1];
} s_world;

//  ---- the leader -------------------------------------------------------------------

static void
s_requests (hf_scan_t *scan, hf_pack_t *frame)
{
    hf_requests_t message;
    hf_request_t request;
    assert_true (hf_requests_get (scan, &message));
    s_world.asked++;
    if (s_world.taken >= (s_world.now_us - s_world.from_us) * RATE / 1000000 + RATE) {
        hf_refused_frame (frame, &(hf_refused_t){.status = HF_BUSY});
        return;
    }
    s_world.taken++;
    hf_pack_t items;
    hf_pack_init (&items);
    hf_scan_t list = hf_scan_list (message.requests);
    while (hf_request_get (&list, &request))
        hf_answer_put (&items, &(hf_answer_t){.seq = request.seq,
                                              .status = HF_OK,
                                              .index = s_world.taken,
                                              .token = s_world.taken});
    hf_answers_frame (frame,
                      &(hf_answers_t){.session = message.session, .items = hf_pack_list (&items)});
    hf_pack_done (&items);
}

static void
s_keepalive (hf_scan_t *scan, hf_pack_t *frame)
{
    hf_keepalive_t keepalive;
    hf_keep_t keep;
    hf_pack_t list;
    assert_true (hf_keepalive_get (scan, &keepalive));
    hf_pack_init (&list);
    hf_scan_t sessions = hf_scan_list (keepalive.sessions);
    while (hf_keep_get (&sessions, &keep))
        hf_kept_put (&list, &(hf_kept_t){.session = keep.session});
    hf_alive_frame (frame, &(hf_alive_t){.echo = keepalive.echo, .sessions = hf_pack_list (&list)});
    hf_pack_done (&list);
}

static void
s_arrives (uint32_t node, hf_span_t bytes)
{
    hf_scan_t scan;
    uint32_t kind, number;
    hf_open_t open;
    hf_query_t query;
    hf_pack_t frame;
    hf_pack_init (&frame);
    assert_int_equal (hf_frame_open (bytes.at, bytes.size, &scan, &kind), HF_OK);
    if (kind == HF_KIND_OPEN && hf_open_get (&scan, &open)) {
        memcpy (&number, open.nonce.at, sizeof number);
        hf_opened_frame (&frame,
                         &(hf_opened_t){.nonce = open.nonce, .session = number, .ttl_ms = TTL_MS});
    } else if (kind == HF_KIND_KEEPALIVE)
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
s_asks (uint64_t session)
{
    hf_op_t *op;
    char lock[32];
    snprintf (lock, sizeof lock, "%u-%u", (unsigned)session, s_world.answers[session]);
    assert_int_equal (hf_op_acquire (s_world.session[session], lock, s_world.now_us, &op), HF_OK);
    op->wait = true;
    hf_client_core_submit (s_world.core, op, s_world.now_us);
}

static void
s_results (void)
{
    hf_op_t *op;
    while ((op = hf_client_core_next (s_world.core, s_world.now_us))) {
        uint64_t session = op->result.session;
        if (op->kind == HF_OP_OPEN) {
            session = hf_client_session_id (op->session);
            s_world.session[session] = op->session;
            s_world.opened++;
        } else if (op->kind == HF_OP_ACQUIRE) {
            assert_int_equal (op->result.status, HF_OK);
            s_world.answered += s_world.answers[session]++ == 0;
            if (s_world.again)
                s_asks (session);
        }
        hf_op_free (op);
    }
}

/*  Frames arrive when all are sent. Whether there were some. */
static bool
s_turn (void)
{
    hf_outbox_t *outbox = hf_client_core_outbox (s_world.core);
    hf_client_core_turn (s_world.core, s_world.now_us);
    size_t count = outbox->frames.count;
    struct {
        uint32_t peer;
        size_t size;
        uint8_t *bytes;
    } *sent = hf_alloc (count * sizeof *sent + 1);
    for (size_t i = 0; i < count; i++) {
        hf_span_t bytes = hf_outbox_bytes (outbox, &outbox->frames.list[i]);
        sent[i].peer = outbox->frames.list[i].peer;
        sent[i].size = bytes.size;
        sent[i].bytes = memcpy (hf_alloc (bytes.size), bytes.at, bytes.size);
    }
    hf_outbox_reset (outbox);
    for (size_t i = 0; i < count; i++) {
        s_arrives (sent[i].peer, hf_span (sent[i].bytes, sent[i].size));
        free (sent[i].bytes);
    }
    free (sent);
    s_results ();
    return count > 0;
}

static void
s_run_ms (uint64_t ms)
{
    uint64_t end_us = s_world.now_us + ms * 1000;
    while (s_world.now_us < end_us) {
        uint64_t due_us = s_turn () ? 0 : hf_client_core_due_us (s_world.core);
        uint64_t next_us = s_world.now_us + 1000;
        s_world.now_us = due_us > next_us ? due_us < end_us ? due_us : end_us : next_us;
    }
}

/*  Each of SESSIONS asks for a lock at one moment, AGAIN: and for the next when it has that. */
static void
s_play (int mutant, bool again, uint64_t ms)
{
    hf_client_config_t config = {.ids = {1}, .count = 1, .seed = 5};
    memset (&s_world, 0, sizeof s_world);
    s_world.now_us = 1000000;
    s_world.again = again;
    s_world.core = hf_client_core_new (&config);
    hf_client_core_connected (s_world.core, 1, s_world.now_us);
    for (uint32_t number = 1; number <= SESSIONS; number++) {
        uint8_t nonce[HF_NONCE_SIZE] = {0};
        memcpy (nonce, &number, sizeof number);
        hf_client_core_submit (s_world.core, hf_op_open (nonce, TTL_MS), s_world.now_us);
    }
    s_run_ms (100);
    assert_int_equal (s_world.opened, SESSIONS);
    hf_mutant = mutant;
    s_world.from_us = s_world.now_us;
    for (uint64_t session = 1; session <= SESSIONS; session++)
        s_asks (session);
    s_run_ms (ms);
    hf_mutant = HF_MUTANT_none;
    hf_client_core_destroy (&s_world.core);
}

//  ---- tests ------------------------------------------------------------------------

/*  P12. What is refused goes out again as often as nothing were taken. */
HF_TEST (p12_some_answers_do_not_end_the_back_off)
{
    s_play (HF_MUTANT_none, false, 10000);
    assert_int_equal (s_world.answered, SESSIONS);
    uint32_t asked = s_world.asked;
    s_play (HF_MUTANT_heard_is_ready, false, 10000);
    assert_int_equal (s_world.answered, SESSIONS);
    print_message ("%u frames, %u without the rule\n", asked, s_world.asked);
    assert_in_range (asked, SESSIONS, 20 * SESSIONS);
    assert_true (s_world.asked > 5 * asked);
}

/*  P11. Nobody waits for ever for others of his client that ask for more. */
HF_TEST (p11_each_session_has_its_turn)
{
    s_play (HF_MUTANT_none, true, 60000);
    assert_int_equal (s_world.answered, SESSIONS);
    s_play (HF_MUTANT_last_stays_last, true, 60000);
    print_message ("%u of %u without the rule\n", s_world.answered, SESSIONS);
    assert_true (s_world.answered < SESSIONS);
}

HF_TEST_MAIN (NULL, NULL)
