//  The lock service: what clients are answered, where, in which order, and what they are refused.

#include "tests/unit/services/lock_bench.h"

//  ---- answers ------------------------------------------------------------------------------

static void
test_what_a_session_is_answered_in_a_turn_is_one_frame (void **state)
{
    (void)state;
    bench_t bench;
    bench_init (&bench, NULL, true);
    uint64_t one = bench_open (&bench, 1, 1, 10000), two = bench_open (&bench, 2, 2, 10000);
    bench_acquire (&bench, 1, one, 1, "A");
    bench_acquire (&bench, 2, two, 1, "B");
    bench_acquire (&bench, 1, one, 2, "C");
    bench_settle (&bench);
    assert_int_equal (bench.frames.count, 2);
    hf_answers_t answers;
    hf_answer_t answer;
    hf_scan_t scan = bench_take (&bench, 1, HF_KIND_ANSWERS);
    assert_true (hf_answers_get (&scan, &answers));
    assert_int_equal (answers.session, one);
    assert_int_equal (answers.items.count, 2);
    hf_scan_t items = hf_scan_list (answers.items);
    for (uint64_t seq = 1; seq <= 2; seq++) {
        assert_true (hf_answer_get (&items, &answer));
        assert_int_equal (answer.seq, seq);
    }
    assert_int_equal (bench_answer (&bench, 2).status, HF_OK);
    bench_done (&bench);
}

/*  Exactly once: a repeat of what was applied is answered without the log. */
static void
once_a_repeat_is_answered_from_the_state (void **state)
{
    (void)state;
    bench_t bench;
    bench_init (&bench, NULL, true);
    uint64_t session = bench_open (&bench, 1, 1, 10000);
    bench_acquire (&bench, 1, session, 1, "L");
    bench_settle (&bench);
    hf_answer_t first = bench_answer (&bench, 1);
    unsigned proposals = bench.proposals;
    bench_acquire (&bench, 9, session, 1, "L"); //  and where it comes from now
    bench_settle (&bench);
    hf_answer_t again = bench_answer (&bench, 9);
    assert_int_equal (bench.proposals, proposals);
    assert_int_equal (again.token, first.token);
    assert_int_equal (again.index, first.index);
    bench_done (&bench);
}

/*  P11. A grant goes to where the waiter spoke last. */
static void
p11_a_client_that_moved_is_answered_where_it_is (void **state)
{
    (void)state;
    bench_t bench;
    bench_init (&bench, NULL, true);
    uint64_t holder = bench_open (&bench, 1, 1, 10000), waiter = bench_open (&bench, 2, 2, 10000);
    bench_acquire (&bench, 1, holder, 1, "L");
    bench_acquire (&bench, 2, waiter, 1, "L");
    bench_settle (&bench);
    uint64_t token = bench_answer (&bench, 1).token;
    assert_int_equal (bench_answer (&bench, 2).status, HF_QUEUED);
    bench_keepalive (&bench, 7, waiter, 1);
    bench_settle (&bench);
    assert_int_equal (bench_alive (&bench, 7), HF_OK);
    bench_release (&bench, 1, holder, 2, "L", token);
    bench_settle (&bench);
    assert_int_equal (bench_kind (&bench, 2), 0);
    hf_answers_t answers;
    hf_granted_t granted;
    hf_scan_t scan = bench_take (&bench, 7, HF_KIND_ANSWERS);
    assert_true (hf_answers_get (&scan, &answers));
    hf_scan_t item = hf_scan_list (answers.items);
    assert_true (hf_granted_get (&item, &granted));
    assert_true (granted.token > token);
    bench_done (&bench);
}

/*  A client that cannot be reached is forgotten, unless it spoke from elsewhere since. */
static void
test_a_frame_that_could_not_be_sent (void **state)
{
    (void)state;
    bench_t bench;
    bench_init (&bench, NULL, true);
    uint64_t holder = bench_open (&bench, 1, 1, 10000), waiter = bench_open (&bench, 2, 2, 10000);
    bench_acquire (&bench, 1, holder, 1, "L");
    bench_acquire (&bench, 2, waiter, 1, "L");
    bench_settle (&bench);
    bench_drop_frames (&bench);
    hf_route_t elsewhere = {.size = 5, .id = {9}}, here = {.size = 5, .id = {0, 0, 0, 0, 2}};
    hf_lock_service_unsent (bench.service, 12345, &here);
    hf_lock_service_unsent (bench.service, waiter, &elsewhere);
    hf_lock_service_unsent (bench.service, holder, &here);
    bench_keepalive (&bench, 2, waiter, 1);
    bench_settle (&bench);
    bench_drop_frames (&bench);
    hf_lock_service_unsent (bench.service, waiter, &here);
    bench_release (&bench, 1, holder, 2, "L", 1);
    bench_settle (&bench);
    assert_int_equal (bench_answer (&bench, 1).status, HF_OK);
    assert_int_equal (bench_kind (&bench, 2), 0);
    bench_keepalive (&bench, 2, waiter, 2); //  ALIVE heals the lost grant
    bench_settle (&bench);
    hf_alive_t alive;
    hf_scan_t scan = bench_take (&bench, 2, HF_KIND_ALIVE);
    assert_true (hf_alive_get (&scan, &alive));
    assert_int_equal (alive.held.count, 1);
    assert_int_equal (alive.queued.count, 0);
    bench_done (&bench);
}

/*  What a session was answered comes before its end, at whatever was closed and at whoever did. */
static void
test_answers_come_before_the_end (void **state)
{
    (void)state;
    bench_t bench;
    bench_init (&bench, NULL, true);
    uint64_t session = bench_open (&bench, 1, 1, 10000);
    bench_acquire (&bench, 1, session, 1, "L");
    hf_close_frame (&bench.pack, &(hf_close_t){.session = session, .echo = 5});
    bench_send (&bench, 1);
    bench_settle (&bench);
    hf_closed_t closed;
    assert_int_equal (bench_answer (&bench, 1).status, HF_OK);
    hf_scan_t scan = bench_take (&bench, 1, HF_KIND_CLOSED_REPLY);
    assert_true (hf_closed_get (&scan, &closed));
    assert_int_equal (closed.echo, 5);
    assert_int_equal (closed.status, HF_OK);
    assert_int_equal (bench_alive (&bench, 1), HF_SESSION_EXPIRED);
    //  A barrier makes sure that it is over.
    bench.no_barriers = true;
    hf_close_frame (&bench.pack, &(hf_close_t){.session = session, .echo = 6});
    bench_send (&bench, 1);
    bench_settle (&bench);
    assert_int_equal (bench_kind (&bench, 1), 0);
    bench_pass (&bench, bench.index);
    bench_settle (&bench);
    scan = bench_take (&bench, 1, HF_KIND_CLOSED_REPLY);
    assert_true (hf_closed_get (&scan, &closed));
    assert_int_equal (closed.echo, 6);
    assert_int_equal (closed.status, HF_SESSION_EXPIRED);
    bench_acquire (&bench, 1, session, 2, "L");
    bench_settle (&bench);
    assert_int_equal (bench_answer (&bench, 1).status, HF_SESSION_EXPIRED);
    bench_done (&bench);
}

/*  Positions are pushed ten times a second at most, as they are then. */
static void
test_positions_are_pushed_at_intervals (void **state)
{
    (void)state;
    bench_t bench;
    bench_init (&bench, NULL, true);
    uint64_t session[6];
    for (uint32_t i = 1; i < 6; i++) {
        session[i] = bench_open (&bench, i, (uint8_t)i, 600000);
        bench_acquire (&bench, i, session[i], 1, "L");
    }
    bench_settle (&bench);
    bench_drop_frames (&bench);
    for (uint32_t i = 1; i < 4; i++) {
        hf_close_frame (&bench.pack, &(hf_close_t){.session = session[i]});
        bench_send (&bench, i);
        bench_settle (&bench);
        bench.now_us += 30 * MS;
    }
    hf_answers_t answers;
    hf_moved_t moved;
    hf_scan_t scan = bench_take (&bench, 5, HF_KIND_ANSWERS);
    assert_true (hf_answers_get (&scan, &answers));
    hf_scan_t item = hf_scan_list (answers.items);
    assert_true (hf_moved_get (&item, &moved));
    assert_int_equal (moved.position, 3);
    assert_int_equal (bench_kind (&bench, 5), 0);
    assert_int_equal (hf_lock_service_wake_us (bench.service), bench.now_us + 10 * MS);
    bench.now_us += 10 * MS;
    bench_settle (&bench);
    scan = bench_take (&bench, 5, HF_KIND_ANSWERS);
    assert_true (hf_answers_get (&scan, &answers));
    assert_int_equal (answers.items.count, 1);
    item = hf_scan_list (answers.items);
    assert_true (hf_moved_get (&item, &moved));
    assert_int_equal (moved.position, 1);
    bench_done (&bench);
}

//  ---- limits -------------------------------------------------------------------------------

/*  P12. What is proposed and undecided is bounded; decided, there is room again. */
static void
p12_busy_beyond_what_may_be_undecided (void **state)
{
    (void)state;
    bench_t bench;
    bench_init (&bench, &(hf_lock_config_t){.undecided_max = 100000}, true);
    uint64_t session = bench_open (&bench, 1, 1, 10000);
    bench.no_commits = true;
    bench_append (&bench, 1, session, 1, 1, 0, 150000);
    bench_settle (&bench);
    bench_acquire (&bench, 1, session, 2, "L");
    bench_settle (&bench);
    assert_int_equal (bench_refused (&bench, 1, NULL), HF_BUSY);
    unsigned commands = bench.commands;
    uint8_t nonce[HF_NONCE_SIZE] = {9};
    hf_open_frame (&bench.pack, &(hf_open_t){.nonce = hf_span (nonce, sizeof nonce)});
    bench_send (&bench, 1);
    hf_close_frame (&bench.pack, &(hf_close_t){.session = session});
    bench_send (&bench, 1);
    bench_settle (&bench);
    assert_int_equal (bench_refused (&bench, 1, NULL), HF_BUSY);
    assert_int_equal (bench_refused (&bench, 1, NULL), HF_BUSY);
    assert_int_equal (bench.commands, commands);
    //  The entries of a leadership that is over are no longer counted.
    bench.no_commits = false;
    bench_follow (&bench, TERM + 1, 2);
    bench_lead (&bench, TERM + 2, bench.index);
    bench_settle (&bench);
    bench_drop_frames (&bench);
    for (uint64_t seq = 1; seq < 4; seq++) {
        bench_append (&bench, 1, session, seq, 1, 0, 90000);
        bench_settle (&bench);
        assert_int_equal (bench_answer (&bench, 1).status, HF_NOT_HOLDER);
    }
    bench_done (&bench);
}

/*  Small requests share an entry, and a turn is full at some point. */
static void
test_entries_and_turns_are_bounded (void **state)
{
    (void)state;
    bench_t bench;
    bench_init (&bench, NULL, true);
    uint64_t session = bench_open (&bench, 1, 1, 10000);
    unsigned entries = bench.entries, proposals = bench.proposals;
    for (uint64_t seq = 1; seq <= 10; seq++)
        bench_acquire (&bench, 1, session, seq, "L");
    bench_turn (&bench, true);
    assert_int_equal (bench.entries, entries + 1);
    for (uint64_t seq = 11; !hf_lock_service_full (bench.service); seq++) {
        assert_in_range (seq, 11, 110);
        bench_append (&bench, 1, session, seq, 1, 0, 60000);
    }
    bench_turn (&bench, false);
    assert_false (hf_lock_service_full (bench.service));
    assert_int_equal (bench.proposals, proposals + 2);
    assert_in_range (bench.entries, entries + 30, entries + 80);
    bench_done (&bench);
}

/*  However much is answered, each frame can be sent. */
static void
test_many_answers_are_several_frames (void **state)
{
    (void)state;
    bench_t bench;
    bench_init (&bench, NULL, true);
    uint64_t session = bench_open (&bench, 1, 1, 10000);
    hf_pack_t requests;
    hf_pack_init (&requests);
    for (uint64_t seq = 1; seq <= 4000; seq++)
        hf_cancel_put (&requests, &(hf_cancel_t){.seq = seq, .lock = hf_span_text ("L")});
    for (unsigned i = 0; i < 60; i++) {
        hf_requests_frame (
            &bench.pack,
            &(hf_requests_t){.session = session, .floor = 1, .requests = hf_pack_list (&requests)});
        bench_send (&bench, 1);
    }
    hf_pack_done (&requests);
    bench_settle (&bench);
    assert_true (bench.frames.count > 1);
    uint64_t count = 0;
    while (bench_kind (&bench, 1)) {
        hf_answers_t answers;
        assert_true (bench.frames.list[0].size < HF_CLIENT_FRAME_MAX);
        hf_scan_t scan = bench_take (&bench, 1, HF_KIND_ANSWERS);
        assert_true (hf_answers_get (&scan, &answers));
        count += answers.items.count;
    }
    assert_int_equal (count, 60 * 4000);
    bench_done (&bench);
}

//  ---- refusals -----------------------------------------------------------------------------

static uint64_t
s_status_fact (bench_t *self, const char *wanted, char *text, size_t size)
{
    bench_query (self, 99, 1, HF_WHAT_STATUS, "");
    bench_turn (self, true);
    hf_pack_t rows;
    hf_pack_init (&rows);
    hf_fact_row_put (&rows, &(hf_fact_row_t){.key = hf_span_text ("from_election"), .number = 77});
    hf_a_told_frame (&self->pack, &(hf_a_told_t){.id = self->fact, .rows = hf_pack_list (&rows)});
    hf_pack_done (&rows);
    bench_say (self);
    bench_turn (self, true);
    hf_query_result_t result;
    hf_scan_t scan = bench_take (self, 99, HF_KIND_RESULT);
    assert_true (hf_query_result_get (&scan, &result));
    hf_scan_t row = hf_scan_list (result.rows);
    for (uint32_t i = 0; i < result.rows.count; i++) {
        hf_fact_row_t fact;
        assert_true (hf_fact_row_get (&row, &fact));
        if (!hf_span_equal (fact.key, hf_span_text (wanted)))
            continue;
        snprintf (text, size, "%.*s", (int)fact.text.size, (const char *)fact.text.at);
        return fact.number;
    }
    fail_msg ("no fact %s", wanted);
    return 0;
}

static void
test_any_node_tells_its_status (void **state)
{
    (void)state;
    bench_t bench;
    char text[32];
    bench_init (&bench, NULL, false);
    bench.now_us += 3 * SECOND;
    hf_lock_service_dropped (bench.service, 4);
    bench_drop_frames (&bench);
    hf_pack_raw (&bench.pack, "?", 1);
    bench_send (&bench, 1);
    assert_int_equal (s_status_fact (&bench, "node", text, sizeof text), 1);
    assert_int_equal (s_status_fact (&bench, "from_election", text, sizeof text), 77);
    assert_int_equal (s_status_fact (&bench, "dropped_frames", text, sizeof text), 5);
    assert_int_equal (s_status_fact (&bench, "uptime_ms", text, sizeof text), 3000);
    s_status_fact (&bench, "version", text, sizeof text);
    assert_string_equal (text, "1.2.3");
    s_status_fact (&bench, "endpoint", text, sizeof text);
    assert_string_equal (text, "here:8080");
    bench_done (&bench);
}

static void
s_refused (bench_t *self, hf_status_t status)
{
    unsigned commands = self->commands;
    bench_send (self, 1);
    bench_settle (self);
    assert_int_equal (bench_refused (self, 1, NULL), status);
    assert_int_equal (self->commands, commands);
}

static void
test_what_is_not_as_the_protocol_says_is_refused (void **state)
{
    (void)state;
    bench_t bench;
    bench_init (&bench, NULL, true);
    bench_open (&bench, 1, 1, 10000);
    hf_pack_raw (&bench.pack, "?", 1);
    s_refused (&bench, HF_MALFORMED);
    hf_pack_raw (&bench.pack, "\x92\x02\x91\x05", 4);
    s_refused (&bench, HF_BAD_VERSION);
    hf_a_start_frame (&bench.pack, &(hf_a_start_t){.applied = 1});
    s_refused (&bench, HF_UNKNOWN);
    uint8_t *large = hf_alloc (HF_CLIENT_FRAME_MAX + 1);
    hf_pack_raw (&bench.pack, large, HF_CLIENT_FRAME_MAX + 1);
    free (large);
    s_refused (&bench, HF_TOO_LARGE);
    for (unsigned kind = HF_KIND_OPEN; kind <= HF_KIND_QUERY; kind++) {
        const uint8_t bare[] = {0x92, 1, 0x91, (uint8_t)kind};
        hf_pack_raw (&bench.pack, bare, sizeof bare);
        s_refused (&bench, HF_MALFORMED);
    }
    hf_open_frame (&bench.pack, &(hf_open_t){.nonce = hf_span_text ("short"), .ttl_ms = 1000});
    s_refused (&bench, HF_BAD_REQUEST);
    hf_pack_t requests;
    hf_pack_init (&requests);
    hf_open_put (&requests, &(hf_open_t){.nonce = hf_span_text ("a record without a seq")});
    hf_requests_frame (&bench.pack, &(hf_requests_t){.requests = hf_pack_list (&requests)});
    s_refused (&bench, HF_MALFORMED);
    hf_pack_done (&requests);
    bench_done (&bench);
}

//  ---- who leads ----------------------------------------------------------------------------

/*  A client that is sent away is told who leads, once that is known, and once only. */
static void
p11_watchers_are_told_who_leads (void **state)
{
    (void)state;
    bench_t bench;
    hf_refused_t refused;
    bench_init (&bench, NULL, false);
    uint8_t nonce[HF_NONCE_SIZE] = {1};
    for (unsigned i = 0; i < 2; i++) {
        hf_open_frame (&bench.pack, &(hf_open_t){.nonce = hf_span (nonce, sizeof nonce)});
        bench_send (&bench, 1);
        bench_settle (&bench);
        assert_int_equal (bench_refused (&bench, 1, &refused), HF_NOT_LEADER);
        assert_int_equal (refused.leader, 0);
    }
    bench_follow (&bench, 7, 2);
    bench_settle (&bench);
    assert_int_equal (bench_refused (&bench, 1, &refused), HF_NOT_LEADER);
    assert_int_equal (refused.leader, 2);
    assert_int_equal (refused.term, 7);
    bench_follow (&bench, 8, 3);
    bench_settle (&bench);
    assert_int_equal (bench.frames.count, 0);
    assert_int_equal (bench.proposals, 0);
    bench_done (&bench);
}

/*  When the node stops to lead, everybody who waits for anything is told. */
static void
p11_who_waits_becomes_a_watcher (void **state)
{
    (void)state;
    bench_t bench;
    bench_init (&bench, NULL, true);
    uint64_t one = bench_open (&bench, 1, 1, 10000), two = bench_open (&bench, 2, 2, 10000);
    uint64_t three = bench_open (&bench, 3, 3, 10000);
    bench.no_commits = bench.no_barriers = true;
    bench_acquire (&bench, 1, one, 1, "L");
    hf_close_frame (&bench.pack, &(hf_close_t){.session = two});
    bench_send (&bench, 2);
    bench_keepalive (&bench, 3, three, 1);
    bench_settle (&bench);
    bench_query (&bench, 4, 1, HF_WHAT_LOCK, "L"); //  behind the barrier that is under way
    uint8_t nonce[HF_NONCE_SIZE] = {7};
    hf_open_frame (&bench.pack, &(hf_open_t){.nonce = hf_span (nonce, sizeof nonce)});
    bench_send (&bench, 5);
    bench_turn (&bench, true);
    assert_int_equal (bench.frames.count, 0);
    unsigned proposals = bench.proposals;
    bench_follow (&bench, TERM + 1, 0);
    bench_settle (&bench);
    bench_follow (&bench, TERM + 1, 4);
    bench_settle (&bench);
    for (uint32_t route = 1; route <= 5; route++) {
        hf_refused_t refused;
        assert_int_equal (bench_refused (&bench, route, &refused), HF_NOT_LEADER);
        assert_int_equal (refused.leader, 0);
        assert_int_equal (bench_refused (&bench, route, &refused), HF_NOT_LEADER);
        assert_int_equal (refused.leader, 4);
        assert_int_equal (bench_kind (&bench, route), 0);
    }
    assert_int_equal (bench.proposals, proposals);
    bench_done (&bench);
}

static void
test_queries_of_locks (void **state)
{
    (void)state;
    bench_t bench;
    bench_init (&bench, NULL, true);
    uint64_t session = bench_open (&bench, 1, 1, 10000);
    bench_acquire (&bench, 1, session, 1, "L");
    bench_settle (&bench);
    bench_drop_frames (&bench);
    char long_name[300];
    memset (long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = 0;
    const struct {
        uint32_t what;
        const char *name;
        uint32_t status, rows;
    } cases[] = {
        {HF_WHAT_LOCK, "L", HF_OK, 2},
        {HF_WHAT_LOCK, "M", HF_NOT_FOUND, 0},
        {HF_WHAT_LOCK, "", HF_BAD_NAME, 0},
        {HF_WHAT_LOCK, long_name, HF_BAD_NAME, 0},
        {HF_WHAT_LOCKS, "", HF_OK, 2},
        {HF_WHAT_LOCKS, "L", HF_OK, 0},
        {HF_WHAT_FILES, "\x01", HF_BAD_NAME, 0},
        {HF_WHAT_LEADER, "", HF_OK, 3},
        {77, "", HF_UNKNOWN, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hf_query_result_t result;
        bench_query (&bench, 1, 100 + i, cases[i].what, cases[i].name);
        bench_settle (&bench);
        hf_scan_t scan = bench_take (&bench, 1, HF_KIND_RESULT);
        assert_true (hf_query_result_get (&scan, &result));
        assert_int_equal (result.id, 100 + i);
        assert_int_equal (result.status, cases[i].status);
        assert_int_equal (result.rows.count, cases[i].rows);
    }
    bench_done (&bench);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_what_a_session_is_answered_in_a_turn_is_one_frame),
        cmocka_unit_test (once_a_repeat_is_answered_from_the_state),
        cmocka_unit_test (p11_a_client_that_moved_is_answered_where_it_is),
        cmocka_unit_test (test_a_frame_that_could_not_be_sent),
        cmocka_unit_test (test_answers_come_before_the_end),
        cmocka_unit_test (test_positions_are_pushed_at_intervals),
        cmocka_unit_test (p12_busy_beyond_what_may_be_undecided),
        cmocka_unit_test (test_entries_and_turns_are_bounded),
        cmocka_unit_test (test_many_answers_are_several_frames),
        cmocka_unit_test (test_any_node_tells_its_status),
        cmocka_unit_test (test_what_is_not_as_the_protocol_says_is_refused),
        cmocka_unit_test (p11_watchers_are_told_who_leads),
        cmocka_unit_test (p11_who_waits_becomes_a_watcher),
        cmocka_unit_test (test_queries_of_locks),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
