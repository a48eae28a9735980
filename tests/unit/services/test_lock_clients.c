//  The lock service: what clients are answered, where, in which order, and what they are refused.

#include "tests/unit/services/lock_bench.h"

//  ---- answers ------------------------------------------------------------------------------

BENCH_TEST (test_what_a_session_is_answered_in_a_turn_is_one_frame, bench)
{
    uint64_t one = bench_open (bench, 1, 1, 10000), two = bench_open (bench, 2, 2, 10000);
    bench_acquire (bench, 1, one, 1, "A");
    bench_acquire (bench, 2, two, 1, "B");
    bench_acquire (bench, 1, one, 2, "C");
    bench_settle (bench);
    assert_int_equal (bench->frames.count, 2);
    hf_answers_t answers = bench_answers (bench, 1);
    assert_int_equal (answers.session, one);
    assert_int_equal (answers.items.count, 2);
    hf_scan_t items = hf_scan_list (answers.items);
    for (uint64_t seq = 1; seq <= 2; seq++) {
        hf_answer_t answer;
        assert_true (hf_answer_get (&items, &answer));
        assert_int_equal (answer.seq, seq);
    }
    assert_int_equal (bench_answer (bench, 2).status, HF_OK);
}

/*  Exactly once: a repeat of what was applied is answered without the log. */
BENCH_TEST (once_a_repeat_is_answered_from_the_state, bench)
{
    uint64_t session = bench_open (bench, 1, 1, 10000);
    bench_acquire (bench, 1, session, 1, "L");
    hf_answer_t first = bench_answer (bench, 1);
    unsigned proposals = bench->proposals;
    bench_acquire (bench, 9, session, 1, "L"); //  and where it comes from now
    hf_answer_t again = bench_answer (bench, 9);
    assert_int_equal (bench->proposals, proposals);
    assert_int_equal (again.token, first.token);
    assert_int_equal (again.index, first.index);
}

/*  P11. A grant goes to where the waiter spoke last. */
BENCH_TEST (p11_a_client_that_moved_is_answered_where_it_is, bench)
{
    uint64_t holder = bench_open (bench, 1, 1, 10000), waiter = bench_open (bench, 2, 2, 10000);
    bench_acquire (bench, 1, holder, 1, "L");
    uint64_t token = bench_answer (bench, 1).token;
    bench_acquire (bench, 2, waiter, 1, "L");
    assert_int_equal (bench_answer (bench, 2).status, HF_QUEUED);
    bench_keepalive (bench, 7, waiter, 1);
    assert_int_equal (bench_alive (bench, 7).status, HF_OK);
    bench_release (bench, 1, holder, 2, "L", token);
    bench_settle (bench);
    assert_int_equal (bench_kind (bench, 2), 0);
    assert_true (bench_granted (bench, 7).token > token);
}

static void
s_cancel (bench_t *bench, uint32_t route, uint64_t session, uint64_t owner, uint64_t token)
{
    hf_pack_t request;
    hf_pack_init (&request);
    hf_cancel_put (
        &request,
        &(hf_cancel_t){.seq = 1, .lock = hf_span_text ("L"), .token = token, .owner = owner});
    hf_requests_frame (
        &bench->pack,
        &(hf_requests_t){.session = session, .floor = 1, .requests = hf_pack_list (&request)});
    bench_send (bench, route);
    hf_pack_done (&request);
}

/*  P5. Who held what another session ended is told so, once, and before the next holder is. */
BENCH_TEST (p5_a_holder_is_told_who_ended_its_hold, bench)
{
    uint64_t holder = bench_open (bench, 1, 1, 10000), other = bench_open (bench, 2, 2, 10000);
    bench_acquire (bench, 1, holder, 1, "L");
    uint64_t token = bench_answer (bench, 1).token;
    s_cancel (bench, 2, other, holder, token);
    hf_taken_t taken;
    hf_answers_t answers = bench_answers (bench, 1);
    hf_scan_t scan = hf_scan_list (answers.items);
    assert_int_equal (answers.session, holder);
    assert_true (hf_taken_get (&scan, &taken));
    assert_int_equal (taken.token, token);
    assert_int_equal (taken.by, other);
    assert_true (taken.dropped && taken.index > 0);
    assert_int_equal (bench_answer (bench, 2).status, HF_OK);
    s_cancel (bench, 2, other, holder, token); //  repeated: answered, and done once
    assert_int_equal (bench_answer (bench, 2).status, HF_OK);
    assert_int_equal (bench_kind (bench, 1), 0);
}

/*  A client that cannot be reached is forgotten, unless it spoke from elsewhere since. */
BENCH_TEST (test_a_frame_that_could_not_be_sent, bench)
{
    uint64_t holder = bench_open (bench, 1, 1, 10000), waiter = bench_open (bench, 2, 2, 10000);
    bench_acquire (bench, 1, holder, 1, "L");
    bench_acquire (bench, 2, waiter, 1, "L");
    bench_settle (bench);
    bench_drop_frames (bench);
    hf_route_t elsewhere = {.size = 5, .id = {9}}, here = {.size = 5, .id = {0, 0, 0, 0, 2}};
    hf_lock_service_unsent (bench->service, 12345, &here);
    hf_lock_service_unsent (bench->service, waiter, &elsewhere);
    hf_lock_service_unsent (bench->service, holder, &here);
    bench_keepalive (bench, 2, waiter, 1);
    bench_settle (bench);
    bench_drop_frames (bench);
    hf_lock_service_unsent (bench->service, waiter, &here);
    bench_release (bench, 1, holder, 2, "L", 1);
    assert_int_equal (bench_answer (bench, 1).status, HF_OK);
    assert_int_equal (bench_kind (bench, 2), 0);
    bench_keepalive (bench, 2, waiter, 2); //  ALIVE heals the lost grant
    hf_kept_t alive = bench_alive (bench, 2);
    assert_int_equal (alive.held.count, 1);
    assert_int_equal (alive.queued.count, 0);
}

/*  What a session was answered comes before its end, at whatever was closed and at whoever did. */
BENCH_TEST (test_answers_come_before_the_end, bench)
{
    uint64_t session = bench_open (bench, 1, 1, 10000);
    bench_acquire (bench, 1, session, 1, "L");
    bench_close (bench, 1, session, 5);
    assert_int_equal (bench_answer (bench, 1).status, HF_OK);
    hf_closed_t closed = bench_closed (bench, 1);
    assert_int_equal (closed.echo, 5);
    assert_int_equal (closed.status, HF_OK);
    assert_int_equal (closed.index,
                      hf_state_command_index (hf_lock_service_state (bench->service)));
    assert_int_equal (bench_alive (bench, 1).status, HF_SESSION_EXPIRED);
    //  A barrier makes sure that it is over.
    bench->no_barriers = true;
    bench_close (bench, 1, session, 6);
    bench_settle (bench);
    assert_int_equal (bench_kind (bench, 1), 0);
    bench_pass (bench, bench->index);
    closed = bench_closed (bench, 1);
    assert_int_equal (closed.echo, 6);
    assert_int_equal (closed.status, HF_SESSION_EXPIRED);
    assert_int_equal (closed.index, 0);
    bench_acquire (bench, 1, session, 2, "L");
    assert_int_equal (bench_answer (bench, 1).status, HF_SESSION_EXPIRED);
}

/*  Positions are pushed ten times a second at most, as they are then. */
BENCH_TEST (test_positions_are_pushed_at_intervals, bench)
{
    uint64_t session[6];
    for (uint32_t i = 1; i < 6; i++) {
        session[i] = bench_open (bench, i, (uint8_t)i, 600000);
        bench_acquire (bench, i, session[i], 1, "L");
    }
    bench_settle (bench);
    bench_drop_frames (bench);
    for (uint32_t i = 1; i < 4; i++) {
        bench_close (bench, i, session[i], 0);
        bench_settle (bench);
        bench->now_us += 30 * MS;
    }
    assert_int_equal (bench_moved (bench, 5).position, 3);
    assert_int_equal (bench_kind (bench, 5), 0);
    assert_int_equal (hf_lock_service_wake_us (bench->service), bench->now_us + 10 * MS);
    bench->now_us += 10 * MS;
    bench_settle (bench);
    assert_int_equal (bench_moved (bench, 5).position, 1);
}

//  ---- limits -------------------------------------------------------------------------------

/*  P12. What is proposed and undecided is bounded; decided, there is room again. */
BENCH_TEST_WITH (p12_busy_beyond_what_may_be_undecided, bench, true, .undecided_max = 100000)
{
    uint64_t session = bench_open (bench, 1, 1, 10000);
    bench->no_commits = true;
    bench_append (bench, 1, session, 1, 1, 0, 150000);
    bench_settle (bench);
    bench_acquire (bench, 1, session, 2, "L");
    assert_int_equal (bench_refused (bench, 1).status, HF_BUSY);
    unsigned commands = bench->commands;
    bench_send_open (bench, 1, 9, 0);
    bench_close (bench, 1, session, 0);
    assert_int_equal (bench_refused (bench, 1).status, HF_BUSY);
    assert_int_equal (bench_refused (bench, 1).status, HF_BUSY);
    assert_int_equal (bench->commands, commands);
    //  The entries of a leadership that is over are no longer counted.
    bench->no_commits = false;
    bench_follow (bench, TERM + 1, 2);
    bench_lead (bench, TERM + 2, bench->index);
    bench_settle (bench);
    bench_drop_frames (bench);
    for (uint64_t seq = 1; seq < 4; seq++) {
        bench_append (bench, 1, session, seq, 1, 0, 90000);
        assert_int_equal (bench_answer (bench, 1).status, HF_NOT_HOLDER);
    }
}

/*  Small requests share an entry, and a turn is full at some point. */
BENCH_TEST (test_entries_and_turns_are_bounded, bench)
{
    uint64_t session = bench_open (bench, 1, 1, 10000);
    unsigned entries = bench->entries, proposals = bench->proposals;
    for (uint64_t seq = 1; seq <= 10; seq++)
        bench_acquire (bench, 1, session, seq, "L");
    bench_turn (bench, true);
    assert_int_equal (bench->entries, entries + 1);
    for (uint64_t seq = 11; !hf_lock_service_full (bench->service); seq++) {
        assert_in_range (seq, 11, 110);
        bench_append (bench, 1, session, seq, 1, 0, 60000);
    }
    bench_turn (bench, false);
    assert_false (hf_lock_service_full (bench->service));
    assert_int_equal (bench->proposals, proposals + 2);
    assert_in_range (bench->entries, entries + 30, entries + 80);
}

/*  However much is answered, each frame can be sent. */
BENCH_TEST (test_many_answers_are_several_frames, bench)
{
    uint64_t session = bench_open (bench, 1, 1, 10000);
    hf_pack_t requests;
    hf_pack_init (&requests);
    for (uint64_t seq = 1; seq <= 4000; seq++)
        hf_cancel_put (&requests, &(hf_cancel_t){.seq = seq, .lock = hf_span_text ("L")});
    for (unsigned i = 0; i < 60; i++) {
        hf_requests_frame (
            &bench->pack,
            &(hf_requests_t){.session = session, .floor = 1, .requests = hf_pack_list (&requests)});
        bench_send (bench, 1);
    }
    hf_pack_done (&requests);
    bench_settle (bench);
    assert_true (bench->frames.count > 1);
    uint64_t count = 0;
    while (bench_kind (bench, 1)) {
        assert_true (bench->frames.list[0].size < HF_CLIENT_FRAME_MAX);
        count += bench_answers (bench, 1).items.count;
    }
    assert_int_equal (count, 60 * 4000);
}

//  ---- refusals -----------------------------------------------------------------------------

BENCH_TEST_WITH (test_any_node_tells_its_status, bench, false, .self = 1)
{
    static const struct {
        const char *key;
        uint64_t number;
        const char *text;
    } facts[] = {
        {"node", 1, ""},          {"from_election", 77, ""},    {"dropped_frames", 5, ""},
        {"connections", 2, ""},   {"connections_max", 0, ""},   {"refused_connections", 6, ""},
        {"waiting_bytes", 7, ""}, {"cut_clients", 8, ""},       {"uptime_ms", 3000, ""},
        {"version", 0, "1.2.3"},  {"endpoint", 0, "here:8080"}, {"", 0, ""},
    };
    bench->now_us += 3 * SECOND;
    hf_lock_door_t door = {.dropped = 4, .connections = 2, .refused = 6, .cut = 8, .waiting = 7};
    hf_lock_service_door (bench->service, &door);
    hf_pack_raw (&bench->pack, "?", 1);
    bench_send (bench, 1);
    bench_query (bench, 2, 1, HF_WHAT_STATUS, "");
    hf_query_result_t result = bench_result (bench, 2);
    hf_scan_t scan = hf_scan_list (result.rows);
    size_t found = 0;
    for (uint32_t i = 0; i < result.rows.count; i++) {
        hf_fact_row_t fact;
        assert_true (hf_fact_row_get (&scan, &fact));
        if (!hf_span_equal (fact.key, hf_span_text (facts[found].key)))
            continue;
        assert_int_equal (fact.number, facts[found].number);
        assert_true (hf_span_equal (fact.text, hf_span_text (facts[found].text)));
        found++;
    }
    assert_int_equal (found, sizeof facts / sizeof *facts - 1);
}

static void
s_refused (bench_t *self, hf_status_t status)
{
    unsigned commands = self->commands;
    bench_send (self, 1);
    assert_int_equal (bench_refused (self, 1).status, status);
    assert_int_equal (self->commands, commands);
}

BENCH_TEST (test_what_is_not_as_the_protocol_says_is_refused, bench)
{
    bench_open (bench, 1, 1, 10000);
    hf_pack_raw (&bench->pack, "?", 1);
    s_refused (bench, HF_MALFORMED);
    hf_pack_raw (&bench->pack, "\x92\x02\x91\x05", 4);
    s_refused (bench, HF_BAD_VERSION);
    hf_a_start_frame (&bench->pack, &(hf_a_start_t){.applied = 1});
    s_refused (bench, HF_UNKNOWN);
    uint8_t *large = hf_alloc (HF_CLIENT_FRAME_MAX + 1);
    hf_pack_raw (&bench->pack, large, HF_CLIENT_FRAME_MAX + 1);
    free (large);
    s_refused (bench, HF_TOO_LARGE);
    for (unsigned kind = HF_KIND_OPEN; kind <= HF_KIND_QUERY; kind++) {
        const uint8_t bare[] = {0x92, 1, 0x91, (uint8_t)kind};
        hf_pack_raw (&bench->pack, bare, sizeof bare);
        s_refused (bench, HF_MALFORMED);
    }
    hf_open_frame (&bench->pack, &(hf_open_t){.nonce = hf_span_text ("short"), .ttl_ms = 1000});
    s_refused (bench, HF_BAD_REQUEST);
    hf_pack_t requests;
    hf_pack_init (&requests);
    hf_open_put (&requests, &(hf_open_t){.nonce = hf_span_text ("a record without a seq")});
    hf_requests_frame (&bench->pack, &(hf_requests_t){.requests = hf_pack_list (&requests)});
    s_refused (bench, HF_MALFORMED);
    hf_pack_done (&requests);
}

/*  Requests that the state refuses: one answer each, and no lock is held. */
BENCH_TEST (test_claims_and_labels_that_cannot_be, bench)
{
    uint64_t one = bench_open (bench, 1, 1, 10000);
    hf_pack_t places, requests;
    hf_pack_init (&places);
    hf_pack_init (&requests);
    hf_place_t bad = {.lock = hf_span_text ("a"), .mode = HF_MODE_SHARED, .limit = 3};
    for (uint64_t seq = 1; seq <= 4; seq++) {
        hf_pack_reset (&places);
        bad.units = seq == 1 ? 0 : seq == 2 ? 4 : 1;
        for (unsigned i = 0; i < (seq == 3 ? HF_SET_MAX + 1 : 1); i++)
            hf_place_put (&places, &bad);
        hf_claim_put (&requests, &(hf_claim_t){.seq = seq,
                                               .places = hf_pack_list (&places),
                                               .wait = true,
                                               .note = hf_span_text (seq == 4 ? "a\nb" : "")});
    }
    hf_requests_frame (
        &bench->pack,
        &(hf_requests_t){.session = one, .floor = 1, .requests = hf_pack_list (&requests)});
    bench_send (bench, 1);
    hf_answers_t answers = bench_answers (bench, 1);
    assert_int_equal (answers.items.count, 4);
    hf_scan_t scan = hf_scan_list (answers.items);
    for (unsigned i = 1; i <= 4; i++) {
        hf_answer_t answer;
        assert_true (hf_answer_get (&scan, &answer));
        assert_int_equal (answer.seq, i);
        assert_int_equal (answer.status, i < 4 ? HF_BAD_REQUEST : HF_BAD_NOTE);
    }
    assert_int_equal (hf_state_locks_count (hf_lock_service_state (bench->service)), 0);
    hf_pack_done (&places);
    hf_pack_done (&requests);
}

/*  Labels that no session can have: an answer each, and no log takes them, however large. */
BENCH_TEST (test_labels_that_cannot_be, bench)
{
    static const uint8_t nonce[HF_NONCE_SIZE] = {77};
    static char long_one[1U << 20];
    memset (long_one, 'a', sizeof long_one);
    const hf_span_t labels[] = {hf_span_text ("kim\x1b[2J"), hf_span_text ("\xff"),
                                hf_span (long_one, HF_LABEL_MAX + 1),
                                hf_span (long_one, sizeof long_one)};
    unsigned before = bench->commands;
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        hf_open_frame (&bench->pack, &(hf_open_t){.nonce = hf_span (nonce, sizeof nonce),
                                                  .ttl_ms = 10000,
                                                  .label = labels[i]});
        bench_send (bench, 2);
        assert_int_equal (bench_opened (bench, 2).status, HF_BAD_LABEL);
    }
    bench_settle (bench);
    assert_int_equal (bench->commands, before);
    assert_int_equal (bench->frames.count, 0);
}

//  ---- who leads ----------------------------------------------------------------------------

static void
s_sent_away (bench_t *bench, uint32_t route, uint32_t leader, uint64_t term)
{
    hf_refused_t refused = bench_refused (bench, route);
    assert_int_equal (refused.status, HF_NOT_LEADER);
    assert_int_equal (refused.leader, leader);
    assert_int_equal (refused.term, term);
}

/*  A client that is sent away is notified of the next leader, once. */
BENCH_TEST_WITH (p11_watchers_are_told_who_leads, bench, false, .self = 1)
{
    for (unsigned i = 0; i < 2; i++) {
        bench_send_open (bench, 1, 1, 0);
        s_sent_away (bench, 1, 0, 0);
    }
    bench_follow (bench, 7, 2);
    s_sent_away (bench, 1, 2, 7);
    bench_follow (bench, 8, 3);
    bench_settle (bench);
    assert_int_equal (bench->frames.count, 0);
    assert_int_equal (bench->proposals, 0);
}

/*  When the node stops to lead, every client that waits for anything is notified. */
BENCH_TEST (p11_who_waits_becomes_a_watcher, bench)
{
    uint64_t one = bench_open (bench, 1, 1, 10000), two = bench_open (bench, 2, 2, 10000);
    uint64_t three = bench_open (bench, 3, 3, 10000);
    bench->no_commits = bench->no_barriers = true;
    bench_acquire (bench, 1, one, 1, "L");
    bench_close (bench, 2, two, 0);
    bench_keepalive (bench, 3, three, 1);
    bench_settle (bench);
    bench_query (bench, 4, 1, HF_WHAT_LOCK, "L"); //  behind the barrier that is under way
    bench_send_open (bench, 5, 7, 0);
    bench_turn (bench, true);
    assert_int_equal (bench->frames.count, 0);
    unsigned proposals = bench->proposals;
    bench_follow (bench, TERM + 1, 0);
    bench_settle (bench);
    bench_follow (bench, TERM + 1, 4);
    bench_settle (bench);
    for (uint32_t route = 1; route <= 5; route++) {
        s_sent_away (bench, route, 0, TERM + 1);
        s_sent_away (bench, route, 4, TERM + 1);
        assert_int_equal (bench_kind (bench, route), 0);
    }
    assert_int_equal (bench->proposals, proposals);
}

BENCH_TEST (test_queries_of_locks, bench)
{
    uint64_t session = bench_open (bench, 1, 1, 10000);
    bench_acquire (bench, 1, session, 1, "L");
    bench_settle (bench);
    bench_drop_frames (bench);
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
        bench_query (bench, 1, 100 + i, cases[i].what, cases[i].name);
        hf_query_result_t result = bench_result (bench, 1);
        assert_int_equal (result.id, 100 + i);
        assert_int_equal (result.status, cases[i].status);
        assert_int_equal (result.rows.count, cases[i].rows);
    }
}

HF_TEST_MAIN (NULL, NULL)
