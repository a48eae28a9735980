//  Well-formed requests that must be refused: each gets its answer, in order.

#include "base/hf_alloc.h"
#include "tests/cluster/badinput/siege.h"

typedef struct caller {
    siege_t *siege;
    hf_probe_t *probe;
    uint64_t session;
    uint64_t seq;
    hf_pack_t request; //  filled in by the test, sent by s_send
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

static void
s_send (caller_t *self, uint64_t session, uint64_t floor)
{
    hf_requests_frame (&self->frame, &(hf_requests_t){.session = session,
                                                      .floor = floor,
                                                      .requests = hf_pack_list (&self->request)});
    hf_probe_send_pack (self->probe, &self->frame);
    hf_pack_reset (&self->request);
}

/*  The answer to request SEQ. */
static hf_answer_t
s_hear (caller_t *self, uint64_t seq)
{
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

/*  Send the request that is in self->request and must be answered so. */
static void
s_must_answer (caller_t *self, uint64_t session, uint64_t floor, uint64_t seq, hf_status_t status)
{
    s_send (self, session, floor);
    assert_int_equal (s_hear (self, seq).status, status);
}

/*  Send the one request that is in self->request, whose seq is self->seq. */
static hf_answer_t
s_ask (caller_t *self)
{
    uint64_t seq = self->seq++;
    s_send (self, self->session, seq);
    return s_hear (self, seq);
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

//  ---- the tests ---------------------------------------------------------------------------------

SIEGES (test_bad_names, true)
{
    caller_t caller;
    s_join (&caller, siege);
    char name[300];
    memset (name, 'n', sizeof name);
    const hf_span_t bad[] = {
        hf_span (name, 0),         hf_span (name, 256),       hf_span (name, 300),
        hf_span ("a\0b", 3),       hf_span_text ("a\nb"),     hf_span_text ("\x7f"),
        hf_span_text ("\xff\xfe"), hf_span_text ("\xc0\xaf"), hf_span_text ("\xed\xa0\x80")};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal (s_acquire (&caller, bad[i], 0).status, HF_BAD_NAME);
    assert_int_equal (s_acquire (&caller, hf_span_text ("x"), 1).status, HF_BAD_REQUEST);
    assert_int_equal (s_acquire (&caller, hf_span_text ("x"), UINT32_MAX).status, HF_BAD_REQUEST);
    //  A name that would climb out of the folder is a name like any other.
    hf_answer_t grant = s_acquire (&caller, hf_span (name, 255), 0);
    assert_int_equal (grant.status, HF_OK);
    hf_append_t append = {.lock = hf_span (name, 255),
                          .token = grant.token,
                          .file = hf_span_text ("../../climb"),
                          .data = hf_span_text ("up")};
    assert_int_equal (s_append (&caller, append), HF_OK);
    const hf_span_t files[] = {hf_span_text (""), hf_span (name, 256), hf_span ("a\0b", 3)};
    for (size_t i = 0; i < 3; i++) {
        append.file = files[i];
        assert_int_equal (s_append (&caller, append), HF_BAD_NAME);
    }
    assert_int_equal (s_end (&caller, false, hf_span (name, 255), grant.token, 0), HF_OK);
    assert_true (hf_cluster_wait_file (siege->cluster, "../../climb", "up", SIEGE_LIMIT_MS));
    s_leave (&caller);
}

SIEGES (test_tokens_of_others, true)
{
    caller_t caller;
    s_join (&caller, siege);
    hf_span_t lock = hf_span_text ("W");
    static const uint64_t offsets[] = {0, 1, 1000, UINT64_MAX, UINT64_MAX / 2};
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        uint64_t token = siege->token + offsets[i];
        //  With our own session the right token is of no use, with its session a wrong one.
        uint64_t owners[] = {0, caller.session, siege->session + 1000, UINT64_MAX,
                             offsets[i] == 0 ? 0 : siege->session};
        for (size_t j = 0; j < 5; j++) {
            hf_append_t append = {.lock = lock,
                                  .token = token,
                                  .owner = owners[j],
                                  .file = hf_span_text ("W"),
                                  .data = hf_span_text ("X")};
            assert_int_equal (s_append (&caller, append), HF_NOT_HOLDER);
            assert_int_equal (s_end (&caller, false, lock, token, owners[j]), HF_NOT_HOLDER);
            assert_int_equal (s_end (&caller, true, lock, token, owners[j]), HF_NOT_HOLDER);
            assert_int_equal (s_end (&caller, false, hf_span_text ("no such"), token, owners[j]),
                              HF_NOT_HOLDER);
        }
    }
    assert_int_equal (s_acquire (&caller, lock, 0).status, HF_NOT_GRANTED);
    s_leave (&caller);
}

SIEGES (test_sessions_that_are_not, true)
{
    caller_t caller;
    s_join (&caller, siege);
    static const uint64_t sessions[] = {0, 999999, UINT64_MAX};
    for (size_t i = 0; i < 3; i++) {
        hf_release_put (&caller.request, &(hf_release_t){.seq = 1,
                                                         .lock = hf_span_text ("W"),
                                                         .token = siege->token,
                                                         .owner = 0});
        s_must_answer (&caller, sessions[i], 1, 1, HF_SESSION_EXPIRED);
        hf_keepalive_frame (&caller.frame, &(hf_keepalive_t){.session = sessions[i], .echo = 77});
        hf_probe_send_pack (caller.probe, &caller.frame);
        hf_scan_t scan;
        hf_alive_t alive;
        assert_true (hf_probe_next_kind (caller.probe, HF_KIND_ALIVE, &scan, SIEGE_LIMIT_MS));
        assert_true (hf_alive_get (&scan, &alive));
        assert_int_equal (alive.status, HF_SESSION_EXPIRED);
        assert_int_equal (alive.echo, 77);
    }
    static const uint32_t ttls[] = {0, 1, HF_TTL_MIN_MS - 1, HF_TTL_MAX_MS + 1, UINT32_MAX};
    for (size_t i = 0; i < 5; i++)
        assert_int_equal (s_open (&caller, "another nonce 16", ttls[i]).status, HF_BAD_TTL);
    s_leave (&caller);
}

SIEGES (test_sequence_games, true)
{
    caller_t caller;
    s_join (&caller, siege);
    hf_span_t lock = hf_span_text ("x");
    //  Beyond the window: nothing is done.
    hf_acquire_put (&caller.request, &(hf_acquire_t){.seq = 1 + HF_WINDOW_MAX, .lock = lock});
    s_must_answer (&caller, caller.session, 1, 1 + HF_WINDOW_MAX, HF_LIMIT);
    hf_acquire_put (&caller.request, &(hf_acquire_t){.seq = UINT64_MAX, .lock = lock});
    s_must_answer (&caller, caller.session, 1, UINT64_MAX, HF_LIMIT);
    //  Answered, and acknowledged by the floor: not executed again.
    hf_abandon_put (&caller.request, &(hf_abandon_t){.seq = 10, .lock = lock});
    s_must_answer (&caller, caller.session, 10, 10, HF_OK);
    hf_acquire_put (&caller.request, &(hf_acquire_t){.seq = 5, .lock = lock});
    s_must_answer (&caller, caller.session, 1, 5, HF_STALE);
    //  The same seq with other fields is still the same request.
    hf_acquire_put (&caller.request, &(hf_acquire_t){.seq = 10, .lock = lock});
    s_must_answer (&caller, caller.session, 10, 10, HF_OK);
    hf_lock_view_t view;
    assert_true (hf_cluster_wait_lock (siege->cluster, "x", &view, HF_CLUSTER_LIMIT_MS));
    assert_int_equal (view.holder, 0);
    //  A request of a kind that does not exist.
    hf_put_array (&caller.request, 3);
    hf_put_u32 (&caller.request, 79);
    hf_put_u64 (&caller.request, 11);
    hf_put_str (&caller.request, lock);
    caller.request.count = 1;
    s_must_answer (&caller, caller.session, 11, 11, HF_UNKNOWN);
    s_leave (&caller);
}

SIEGE (test_too_large_appends, 1, 1, true)
{
    caller_t caller;
    s_join (&caller, siege);
    hf_answer_t grant = s_acquire (&caller, hf_span_text ("big"), 0);
    assert_int_equal (grant.status, HF_OK);
    uint8_t *bytes = hf_alloc (HF_DATA_MAX + 1);
    hf_append_t append = {.lock = hf_span_text ("big"),
                          .token = grant.token,
                          .file = hf_span_text ("big"),
                          .data = hf_span (bytes, HF_DATA_MAX + 1)};
    assert_int_equal (s_append (&caller, append), HF_TOO_LARGE);
    append.data = hf_span (bytes, HF_DATA_MAX);
    for (unsigned i = 0; i < HF_SECTION_BYTES_MAX / HF_DATA_MAX; i++)
        assert_int_equal (s_append (&caller, append), HF_OK);
    append.data = hf_span (bytes, 1);
    assert_int_equal (s_append (&caller, append), HF_TOO_LARGE);
    hf_lock_view_t view;
    assert_true (hf_cluster_wait_lock (siege->cluster, "big", &view, HF_CLUSTER_LIMIT_MS));
    assert_int_equal (view.staged, HF_SECTION_BYTES_MAX);
    assert_int_equal (s_end (&caller, true, hf_span_text ("big"), grant.token, 0), HF_OK);
    free (bytes);
    s_leave (&caller);
}

HF_TEST_MAIN (NULL, NULL)
