//  Well-formed requests that must be refused: each gets its answer, in order, from real nodes. All
//  that must be refused is listed in the tests of tests/unit/locks and of the services; here is one
//  of each kind, on the wire.

#include "tests/kit/hf_one.h"
#include "tests/cluster/badinput/siege.h"

typedef struct caller {
    siege_t *siege;
    hf_probe_t *probe;
    uint64_t session;
    uint64_t seq;
    hf_pack_t request; //  filled in by the test, sent by s_answer
    hf_pack_t frame;   //  on its way to the probe
} caller_t;

//  ---- a client made by hand ----------------------------------------------------------------

static hf_opened_t
s_open (caller_t *self, const char *nonce, uint32_t ttl_ms)
{
    hf_open_frame (&self->frame, &(hf_open_t){.nonce = hf_span_text (nonce), .ttl_ms = ttl_ms});
    hf_probe_send_pack (self->probe, &self->frame);
    hf_scan_t scan;
    hf_opened_t opened;
    assert_true (hf_probe_next_kind (self->probe, HF_KIND_OPENED, &scan, SIEGE_LIMIT_MS));
    assert_true (hf_opened_get (&scan, &opened));
    assert_true (hf_span_equal (opened.nonce, hf_span_text (nonce)));
    return opened;
}

/*  Send the request that is in self->request; the answer to SEQ. */
static hf_answer_t
s_answer (caller_t *self, uint64_t session, uint64_t floor, uint64_t seq)
{
    hf_requests_frame (&self->frame, &(hf_requests_t){.session = session,
                                                      .floor = floor,
                                                      .requests = hf_pack_list (&self->request)});
    hf_probe_send_pack (self->probe, &self->frame);
    hf_pack_reset (&self->request);
    for (;;) {
        hf_scan_t scan;
        hf_answers_t answers;
        assert_true (hf_probe_next_kind (self->probe, HF_KIND_ANSWERS, &scan, SIEGE_LIMIT_MS));
        assert_true (hf_answers_get (&scan, &answers));
        hf_scan_t items = hf_scan_list (answers.items);
        while (!hf_scan_at_end (&items)) {
            hf_answer_t answer;
            if (hf_scan_kind (&items) != HF_KIND_ANSWER)
                hf_scan_skip (&items, 1);
            else if (hf_answer_get (&items, &answer) && answer.seq == seq)
                return answer;
        }
    }
}

static void
s_must_answer (caller_t *self, uint64_t session, uint64_t floor, uint64_t seq, hf_status_t status)
{
    assert_int_equal (s_answer (self, session, floor, seq).status, status);
}

/*  The same with self->seq, which moves on. */
static hf_answer_t
s_ask (caller_t *self)
{
    self->seq++;
    return s_answer (self, self->session, self->seq - 1, self->seq - 1);
}

static hf_answer_t
s_acquire (caller_t *self, hf_span_t lock, uint32_t mode)
{
    hf_acquire_put (&self->request, &(hf_acquire_t){.seq = self->seq, .lock = lock, .mode = mode});
    return s_ask (self);
}

/*  Release, or cancel. */
static uint32_t
s_end (caller_t *self, bool cancel, hf_span_t lock, uint64_t token, uint64_t owner)
{
    if (cancel)
        hf_cancel_put (&self->request, &(hf_cancel_t){self->seq, lock, token, owner});
    else
        hf_release_put (&self->request, &(hf_release_t){self->seq, lock, token, owner});
    return s_ask (self).status;
}

static uint32_t
s_append (caller_t *self, hf_append_t append)
{
    append.seq = self->seq;
    hf_append_put (&self->request, &append);
    return s_ask (self).status;
}

/*  Join the siege as a second client. */
static void
s_join (caller_t *self, siege_t *siege)
{
    *self = (caller_t){.siege = siege, .seq = 1, .probe = siege_probe (siege, 1)};
    hf_pack_init (&self->request);
    hf_pack_init (&self->frame);
    hf_opened_t opened = s_open (self, "a nonce of 16 by", 60000);
    assert_int_equal (opened.status, HF_OK);
    self->session = opened.session;
}

/*  Leave again, so that all is as before. */
static void
s_leave (caller_t *self)
{
    hf_close_frame (&self->frame, &(hf_close_t){.session = self->session, .echo = 5});
    hf_probe_send_pack (self->probe, &self->frame);
    hf_scan_t scan;
    assert_true (hf_probe_next_kind (self->probe, HF_KIND_CLOSED_REPLY, &scan, SIEGE_LIMIT_MS));
    hf_pack_done (&self->request);
    hf_pack_done (&self->frame);
    hf_probe_destroy (&self->probe);
}

//  ---- what is refused ---------------------------------------------------------------------------

static void
s_names (caller_t *self)
{
    char name[256];
    memset (name, 'n', sizeof name);
    const hf_span_t bad[] = {hf_span (name, 0), hf_span (name, 256), hf_span ("a\0b", 3),
                             hf_span_text ("\x7f"), hf_span_text ("\xed\xa0\x80")};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal (s_acquire (self, bad[i], 0).status, HF_BAD_NAME);
    assert_int_equal (s_acquire (self, hf_span_text ("x"), UINT32_MAX).status, HF_BAD_REQUEST);
    hf_answer_t grant = s_acquire (self, hf_span (name, 255), 0);
    assert_int_equal (grant.status, HF_OK);
    hf_append_t append = {.lock = hf_span (name, 255), .token = grant.token};
    append.data = hf_span_text ("up");
    for (size_t i = 0; i < 3; i++) {
        append.file = bad[i];
        assert_int_equal (s_append (self, append), HF_BAD_NAME);
    }
    //  A name that would climb out of the folder is a name like any other.
    append.file = hf_span_text ("../../climb");
    assert_int_equal (s_append (self, append), HF_OK);
    assert_int_equal (s_end (self, false, append.lock, grant.token, 0), HF_OK);
    assert_true (hf_cluster_wait_file (self->siege->cluster, "../../climb", "up", SIEGE_LIMIT_MS));
}

static void
s_tokens_of_others (caller_t *self)
{
    hf_span_t lock = hf_span_text ("W");
    uint64_t holder = self->siege->session;
    static const uint64_t offsets[] = {0, 1, UINT64_MAX};
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        uint64_t token = self->siege->token + offsets[i];
        //  With our own session the right token is of no use, with its session a wrong one.
        uint64_t owners[] = {0, self->session, holder + 1000, offsets[i] == 0 ? 0 : holder};
        for (size_t j = 0; j < sizeof owners / sizeof owners[0]; j++) {
            hf_append_t append = {.lock = lock,
                                  .token = token,
                                  .owner = owners[j],
                                  .file = lock,
                                  .data = hf_span_text ("X")};
            assert_int_equal (s_append (self, append), HF_NOT_HOLDER);
            assert_int_equal (s_end (self, false, lock, token, owners[j]), HF_NOT_HOLDER);
            assert_int_equal (s_end (self, true, lock, token, owners[j]), HF_NOT_HOLDER);
        }
    }
    assert_int_equal (s_acquire (self, lock, 0).status, HF_NOT_GRANTED);
}

static void
s_no_sessions (caller_t *self)
{
    static const uint64_t sessions[] = {0, 999999, UINT64_MAX};
    for (size_t i = 0; i < sizeof sessions / sizeof sessions[0]; i++) {
        hf_release_put (&self->request,
                        &(hf_release_t){1, hf_span_text ("W"), self->siege->token, 0});
        s_must_answer (self, sessions[i], 1, 1, HF_SESSION_EXPIRED);
        hf_keepalive_one (&self->frame, 77, sessions[i], 0);
        hf_probe_send_pack (self->probe, &self->frame);
        hf_scan_t scan;
        hf_kept_t alive;
        uint64_t echo;
        assert_true (hf_probe_next_kind (self->probe, HF_KIND_ALIVE, &scan, SIEGE_LIMIT_MS));
        assert_true (hf_alive_get_one (&scan, &echo, &alive));
        assert_int_equal (alive.status, HF_SESSION_EXPIRED);
        assert_int_equal (echo, 77);
    }
    assert_int_equal (s_open (self, "another nonce 16", HF_TTL_MAX_MS + 1).status, HF_BAD_TTL);
}

static void
s_sequence_games (caller_t *self)
{
    hf_span_t lock = hf_span_text ("x");
    uint64_t session = self->session, floor = self->seq;
    hf_acquire_t acquire = {.seq = floor + HF_WINDOW_MAX, .lock = lock};
    hf_acquire_put (&self->request, &acquire);
    s_must_answer (self, session, floor, acquire.seq, HF_LIMIT); //  beyond the window
    hf_abandon_put (&self->request, &(hf_abandon_t){.seq = floor + 10, .lock = lock});
    s_must_answer (self, session, floor + 10, floor + 10, HF_OK);
    acquire.seq = floor + 5;
    hf_acquire_put (&self->request, &acquire);
    s_must_answer (self, session, floor, acquire.seq, HF_STALE); //  acknowledged by the floor
    acquire.seq = floor + 10; //  with other fields it is still the same request
    hf_acquire_put (&self->request, &acquire);
    s_must_answer (self, session, floor + 10, acquire.seq, HF_OK);
    hf_lock_view_t view;
    assert_true (hf_cluster_wait_lock (self->siege->cluster, "x", &view, HF_CLUSTER_LIMIT_MS));
    assert_int_equal (view.holder, 0);
    //  A request of a kind that does not exist.
    hf_put_array (&self->request, 3);
    hf_put_u32 (&self->request, 79);
    hf_put_u64 (&self->request, floor + 11);
    hf_put_str (&self->request, lock);
    self->request.count = 1;
    s_must_answer (self, session, floor + 11, floor + 11, HF_UNKNOWN);
}

SIEGES (test_refused_requests, true)
{
    caller_t caller;
    s_join (&caller, siege);
    s_names (&caller);
    s_tokens_of_others (&caller);
    s_no_sessions (&caller);
    s_sequence_games (&caller);
    s_leave (&caller);
}

HF_TEST_MAIN (NULL, NULL)
