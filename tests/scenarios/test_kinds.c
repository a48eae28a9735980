//  Scenario 6: every kind of lock across the death of the leader. Three nodes.

#include "tests/scenarios/stage.h"
#include "tests/cluster/harness/hf_probe.h"

/*  What the leader says of LOCK: so many hold it, and so many wait. */
static bool
s_places (stage_t *stage, const char *lock, uint64_t holders, uint64_t waiters)
{
    uint32_t leader = hf_cluster_leader (stage->cluster);
    if (leader == 0)
        return false;
    hf_probe_t *probe = hf_probe_new (hf_cluster_address (stage->cluster, leader),
                                      hf_cluster_client_port (stage->cluster, leader));
    hf_query_result_t result;
    hf_lock_row_t row = {.holders = 0};
    bool answered = hf_probe_query (probe, HF_WHAT_LOCK, lock, &result, 5000);
    if (answered && result.status == HF_OK) {
        hf_scan_t scan = hf_scan_list (result.rows);
        answered = hf_lock_row_get (&scan, &row);
    }
    hf_probe_destroy (&probe);
    return answered && row.holders == holders && row.waiters == waiters;
}

#define MUST_HAVE(stage, lock, holders, waiters)                                                   \
    assert_true (HF_WAIT (s_places (stage, lock, holders, waiters), HF_CLUSTER_LIMIT_MS))

/*  Node 1, which leads, dies; another one leads. */
static void
s_kill_leader (stage_t *stage)
{
    hf_cluster_kill (stage->cluster, 1);
    assert_true (HF_WAIT (hf_cluster_leader (stage->cluster) == 2, HF_CLUSTER_LIMIT_MS));
}

//  6a: readers beside each other, a writer behind them, a reader behind the writer.
SCENE (test_6a_readers_and_a_writer)
{
    stage_t *stage = stage_begin (*state, 3, 0, TTLS (LONG_MS, LONG_MS, LONG_MS, LONG_MS));
    hf_script_t *one = stage->client[1], *two = stage->client[2];
    hf_script_t *writer = stage->client[3], *late = stage->client[4];
    uint64_t first = MUST (one, "claim L:1").token;
    uint64_t second = MUST (two, "claim L:1").token;
    assert_true (second > first);
    hf_script_say (writer, "claim L");
    MUST_HAVE (stage, "L", 2, 1);
    hf_script_say (late, "claim L:1");
    MUST_HAVE (stage, "L", 2, 2);
    s_kill_leader (stage);
    MUST_HAVE (stage, "L", 2, 2);
    MUST (one, "append L F A");
    MUST (one, "release L");
    MUST_HAVE (stage, "L", 1, 2);
    assert_false (hf_script_has_result (writer) || hf_script_has_result (late));
    MUST (two, "append L F B");
    MUST (two, "release L");
    hf_script_result_t written = must_hear (writer);
    assert_true (written.token > second);
    MUST_HAVE (stage, "L", 1, 1);
    assert_false (hf_script_has_result (late));
    must_write (writer, "F", "C");
    assert_true (must_hear (late).token > written.token);
    must_write (late, "F", "D");
    assert_true (hf_cluster_start (stage->cluster, 1));
    stage_end (stage, "F", "ABCD");
}

//  6b: two sets in opposite order never hold a part each; the leader dies in the middle.
SCENE (test_6b_two_sets_in_opposite_order)
{
    enum { ROUNDS = 6 };
    stage_t *stage = stage_begin (*state, 3, 0, TTLS (LONG_MS, LONG_MS));
    hf_script_t *client[] = {stage->client[1], stage->client[2]};
    char content[2 * ROUNDS + 1] = "";
    uint64_t token = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        hf_script_say (client[0], "claim A B");
        hf_script_say (client[1], "claim B A");
        MUST_HAVE (stage, "A", 1, 1);
        MUST_HAVE (stage, "B", 1, 1);
        assert_true (HF_WAIT (hf_script_has_result (client[0]) || hf_script_has_result (client[1]),
                              HF_CLUSTER_LIMIT_MS));
        unsigned first = hf_script_has_result (client[0]) ? 0 : 1;
        assert_false (hf_script_has_result (client[1 - first]));
        if (round == ROUNDS / 2)
            s_kill_leader (stage);
        for (unsigned turn = 0; turn < 2; turn++) {
            unsigned i = turn == 0 ? first : 1 - first;
            hf_script_result_t granted = must_hear (client[i]);
            assert_true (granted.token > token);
            token = granted.token;
            MUST (client[i], "append %s F %c", turn == 0 ? "A" : "B", 'A' + (int)i);
            MUST (client[i], "release %s", round % 2 == 0 ? "A" : "B"); //  either name
            content[2 * round + turn] = (char)('A' + (int)i);
        }
        MUST_HAVE (stage, "A", 0, 0);
        MUST_HAVE (stage, "B", 0, 0);
    }
    assert_true (hf_cluster_start (stage->cluster, 1));
    stage_end (stage, "F", content);
}

//  ---- 6c: a ring of three ------------------------------------------------------------------

/*  A session of this test's own, on a bare socket, so that it sees all that the leader says. */
typedef struct own {
    hf_probe_t *probe;
    hf_pack_t request, frame;
    uint64_t session, seq;
} own_t;

/*  Talk to node ID. */
static void
s_connect (own_t *self, stage_t *stage, uint32_t id)
{
    hf_probe_destroy (&self->probe);
    self->probe = hf_probe_new (hf_cluster_address (stage->cluster, id),
                                hf_cluster_client_port (stage->cluster, id));
}

static void
s_open (own_t *self)
{
    hf_scan_t scan;
    hf_opened_t opened;
    hf_open_frame (&self->frame, &(hf_open_t){.nonce = hf_span_text ("nonce of 16 byte"),
                                              .ttl_ms = 60000,
                                              .label = hf_span_text ("three"),
                                              .detect = true});
    hf_probe_send_pack (self->probe, &self->frame);
    assert_true (hf_probe_next_kind (self->probe, HF_KIND_OPENED, &scan, HF_CLUSTER_LIMIT_MS));
    assert_true (hf_opened_get (&scan, &opened));
    assert_int_equal (opened.status, HF_OK);
    self->session = opened.session;
}

/*  Send what was packed. The answer; *scan: what came behind it. */
static hf_answer_t
s_ask (own_t *self, hf_scan_t *scan)
{
    hf_requests_frame (&self->frame, &(hf_requests_t){.session = self->session,
                                                      .floor = self->seq,
                                                      .requests = hf_pack_list (&self->request)});
    hf_pack_reset (&self->request);
    hf_probe_send_pack (self->probe, &self->frame);
    hf_answers_t answers;
    hf_answer_t answer;
    assert_true (hf_probe_next_kind (self->probe, HF_KIND_ANSWERS, scan, HF_CLUSTER_LIMIT_MS));
    assert_true (hf_answers_get (scan, &answers));
    *scan = hf_scan_list (answers.items);
    assert_true (hf_answer_get (scan, &answer));
    assert_int_equal (answer.seq, self->seq);
    self->seq++;
    return answer;
}

static hf_answer_t
s_acquire (own_t *self, const char *lock, hf_scan_t *scan)
{
    hf_acquire_put (&self->request,
                    &(hf_acquire_t){.seq = self->seq, .lock = hf_span_text (lock), .wait = true});
    return s_ask (self, scan);
}

/*  "three holds c, waits for a; ..." */
static void
s_expect_ring (hf_scan_t *scan, const char *expected)
{
    char text[256] = "";
    size_t used = 0;
    hf_ring_t ring;
    assert_true (hf_ring_get (scan, &ring));
    hf_scan_t rows = hf_scan_list (ring.rows);
    for (uint32_t i = 0; i < ring.rows.count; i++) {
        hf_ring_row_t row;
        assert_true (hf_ring_row_get (&rows, &row));
        used +=
            (size_t)snprintf (text + used, sizeof text - used,
                              "%s%.*s holds %.*s, waits for "
                              "%.*s",
                              used > 0 ? "; " : "", (int)row.label.size, row.label.at,
                              (int)row.holds.size, row.holds.at, (int)row.waits.size, row.waits.at);
        assert_true (used < sizeof text);
    }
    assert_string_equal (text, expected);
}

//  The ring is closed at a leader that has only read of the other two; who closed it gives way.
SCENE (test_6c_a_ring_of_three_is_found_and_named)
{
    stage_t *stage = stage_begin (*state, 3, 0, TTLS (0));
    own_t own = {.seq = 1};
    hf_pack_init (&own.request);
    hf_pack_init (&own.frame);
    for (unsigned i = 1; i <= 2; i++) {
        stage_client (stage, i, LONG_MS);
        MUST (stage->client[i], "open %u %s", LONG_MS, i == 1 ? "one" : "two");
        MUST (stage->client[i], "claim %s", i == 1 ? "a" : "b");
    }
    hf_scan_t scan;
    s_connect (&own, stage, 1);
    s_open (&own);
    uint64_t token = s_acquire (&own, "c", &scan).token;
    assert_true (token > 0);
    hf_script_say (stage->client[1], "claim b");
    MUST_HAVE (stage, "b", 1, 1);
    hf_script_say (stage->client[2], "claim c");
    MUST_HAVE (stage, "c", 1, 1);
    s_kill_leader (stage);
    s_connect (&own, stage, 2);
    assert_int_equal (s_acquire (&own, "a", &scan).status, HF_DEADLOCK);
    s_expect_ring (&scan, "three holds c, waits for a; one holds a, waits for b; "
                          "two holds b, waits for c");
    MUST_HAVE (stage, "a", 1, 0); //  nothing happened
    hf_release_put (&own.request,
                    &(hf_release_t){.seq = own.seq, .lock = hf_span_text ("c"), .token = token});
    assert_int_equal (s_ask (&own, &scan).status, HF_OK);
    must_hear (stage->client[2]);
    assert_false (hf_script_has_result (stage->client[1]));
    MUST (stage->client[2], "close");
    must_hear (stage->client[1]);
    assert_true (hf_cluster_start (stage->cluster, 1));
    hf_probe_destroy (&own.probe);
    hf_pack_done (&own.request);
    hf_pack_done (&own.frame);
    stage_end (stage, "", "");
}

HF_TEST_MAIN (NULL, NULL)
