//  The lock service and the members: which roster clients are told of, who asks for it, and what
//  becomes of changes that operators ask for.

#include "base/hf_mutant.h"
#include "nodes/consensus/hf_core.h"
#include "tests/unit/services/lock_bench.h"

int hf_mutant = HF_MUTANT_none;

//  ---- the roster ---------------------------------------------------------------------

static const hf_roster_t s_grown = {
    .count = 2,
    .level = 1,
    .cluster = 99,
    .members = {{.node = 1,
                 .incarnation = 11,
                 .flags = HF_SEAT_VOTES | HF_SEAT_VOTED,
                 .host = {(const uint8_t *)"alpha", 5},
                 .client_port = 8080,
                 .node_port = 8081},
                {.node = 4,
                 .slot = 1,
                 .flags = HF_SEAT_JOINS,
                 .host = {(const uint8_t *)"delta", 5},
                 .client_port = 9080,
                 .node_port = 9081}},
};

/*  What the ALIVE to a keepalive of a session says. */
static uint64_t
s_alive_roster (bench_t *bench, uint64_t session)
{
    hf_alive_t alive;
    bench_keepalive (bench, 1, session, 5);
    hf_scan_t scan = bench_take (bench, 1, HF_KIND_ALIVE);
    assert_true (hf_alive_get (&scan, &alive));
    return alive.roster;
}

static uint64_t
s_opened_roster (bench_t *bench, uint8_t mark, uint32_t ttl_ms)
{
    bench_send_open (bench, 1, mark, ttl_ms);
    return bench_opened (bench, 1).roster;
}

BENCH_TEST (test_opened_and_alive_say_which_roster_is_in_force, bench)
{
    uint64_t session = bench_open (bench, 1, 1, 10000);
    assert_int_equal (s_alive_roster (bench, session), 0);
    bench_roster (bench, &s_grown, 40);
    assert_int_equal (s_alive_roster (bench, session), 40);
    assert_int_equal (s_opened_roster (bench, 2, 10000), 40);
    assert_int_equal (s_opened_roster (bench, 3, 1), 40); //  refused: not a TTL
    bench_roster (bench, &s_grown, 50);
    assert_int_equal (s_alive_roster (bench, session), 50);
    hf_mutant = HF_MUTANT_roster_index_untold;
    assert_int_equal (s_alive_roster (bench, session), 0);
    assert_int_equal (s_opened_roster (bench, 4, 10000), 0);
    hf_mutant = HF_MUTANT_none;
}

/*  Of level 0: its members are those of the list, and are never asked for. */
static const hf_roster_t s_listed = {
    .count = 1,
    .joins = 1,
    .members = {{.node = 1, .incarnation = 11, .flags = HF_SEAT_VOTES | HF_SEAT_VOTED}},
};

BENCH_TEST (test_a_roster_of_level_0_is_not_told, bench)
{
    uint64_t session = bench_open (bench, 1, 1, 10000);
    bench_roster (bench, &s_listed, 1);
    assert_int_equal (s_alive_roster (bench, session), 0);
}

static hf_member_row_t
s_row (hf_scan_t *scan)
{
    hf_member_row_t row;
    assert_true (hf_member_row_get (scan, &row));
    return row;
}

BENCH_TEST_WITH (test_any_node_says_who_the_members_are, bench, false, .self = 1)
{
    bench_query (bench, 1, 7, HF_WHAT_MEMBERS, "");
    hf_query_result_t result = bench_result (bench, 1);
    assert_int_equal (result.status, HF_OK);
    assert_int_equal (result.total, 0);
    bench_roster (bench, &s_listed, 1);
    bench_query (bench, 1, 8, HF_WHAT_MEMBERS, "");
    result = bench_result (bench, 1);
    assert_int_equal (result.number, 0);
    assert_int_equal (result.cluster, 0);
    hf_scan_t scan = hf_scan_list (result.rows);
    hf_member_row_t row = s_row (&scan);
    assert_int_equal (row.node, 1);
    assert_int_equal (row.host.size, 0);
    bench_roster (bench, &s_grown, 40);
    bench_query (bench, 1, 9, HF_WHAT_MEMBERS, "");
    result = bench_result (bench, 1);
    assert_int_equal (result.id, 9);
    assert_int_equal (result.index, 40);
    assert_int_equal (result.number, 1);
    assert_int_equal (result.cluster, 99);
    assert_int_equal (result.total, 2);
    assert_int_equal (result.rows.count, 2);
    scan = hf_scan_list (result.rows);
    row = s_row (&scan);
    assert_true (row.votes && !row.joins && !row.leaves && row.incarnation == 11);
    row = s_row (&scan);
    assert_true (!row.votes && row.joins && !row.leaves && row.node == 4);
    assert_true (hf_span_equal (row.host, hf_span_text ("delta")));
    assert_true (row.client_port == 9080 && row.node_port == 9081 && row.incarnation == 0);
    assert_int_equal (bench->barriers, 0);
}

/*  It hears nothing of what happens: who asks is sent away. */
static bool
s_stranger_answers (int mutant)
{
    bench_t bench;
    hf_roster_t others = s_grown;
    others.members[0].node = 2;
    bench_init (&bench, (hf_lock_config_t){.self = 1}, false);
    bench_follow (&bench, TERM, 2);
    bench_roster (&bench, &others, 40);
    hf_mutant = mutant;
    hf_query_frame (&bench.pack,
                    &(hf_query_t){.id = 5, .what = HF_WHAT_LOCKS, .limit = 9, .stale = true});
    bench_send (&bench, 1);
    bench_settle (&bench);
    uint32_t kind = bench_kind (&bench, 1);
    hf_mutant = HF_MUTANT_none;
    bench_done (&bench);
    return kind == HF_KIND_RESULT;
}

HF_TEST (test_a_node_that_is_no_member_answers_nothing_that_is_stale)
{
    assert_false (s_stranger_answers (HF_MUTANT_none));
    assert_true (s_stranger_answers (HF_MUTANT_stranger_tells));
}

/*  The first token that a leader gives out whose floor is 500, and what the next leader's is. */
static uint64_t
s_first_token (bool raised, int mutant)
{
    bench_t bench;
    bench_init (&bench, (hf_lock_config_t){.token_floor = 500}, false);
    bench_roster (&bench, raised ? &s_grown : &s_listed, 40);
    hf_mutant = mutant;
    bench_lead (&bench, TERM, 0);
    bench_settle (&bench);
    hf_mutant = HF_MUTANT_none;
    uint64_t session = bench_open (&bench, 1, 1, 10000);
    bench_acquire (&bench, 1, session, 1, "a");
    uint64_t token = bench_answer (&bench, 1).token;
    bench_lead (&bench, TERM + 1, bench.index); //  once is enough
    bench_settle (&bench);
    bench_acquire (&bench, 1, session, 2, "b");
    uint64_t next = bench_answer (&bench, 1).token;
    assert_true (next == token + 1 || mutant != HF_MUTANT_none || !raised);
    bench_done (&bench);
    return token;
}

HF_TEST (p5a_tokens_begin_above_the_floor)
{
    assert_int_equal (s_first_token (true, HF_MUTANT_none), 501);
    assert_int_equal (s_first_token (false, HF_MUTANT_none), 1); //  older releases know of no such
    assert_int_equal (s_first_token (true, HF_MUTANT_floor_forgotten), 1);
}

/*  The same of one that leads when the level is raised. */
static uint64_t
s_raised_token (int mutant)
{
    bench_t bench;
    bench_init (&bench, (hf_lock_config_t){.token_floor = 500}, false);
    bench_roster (&bench, &s_listed, 40);
    bench_lead (&bench, TERM, 0);
    bench_settle (&bench);
    uint64_t session = bench_open (&bench, 1, 1, 10000);
    bench_acquire (&bench, 1, session, 1, "a");
    assert_int_equal (bench_answer (&bench, 1).token, 1);
    hf_mutant = mutant;
    bench_roster (&bench, &s_grown, 41);
    bench_roster (&bench, &s_grown, 42); //  once is enough
    bench_settle (&bench);
    hf_mutant = HF_MUTANT_none;
    bench_acquire (&bench, 1, session, 2, "b");
    uint64_t token = bench_answer (&bench, 1).token;
    bench_done (&bench);
    return token;
}

HF_TEST (p5a_a_level_that_is_raised_brings_the_floor)
{
    assert_int_equal (s_raised_token (HF_MUTANT_none), 501);
    assert_int_equal (s_raised_token (HF_MUTANT_floor_left_out), 2);
}

//  ---- changes --------------------------------------------------------------------------

static const hf_change_request_t s_add = {
    .id = 77,
    .op = HF_CHANGE_ADD,
    .node = 4,
    .host = {(const uint8_t *)"delta", 5},
    .client_port = 9080,
    .node_port = 9081,
};

static void
s_ask (bench_t *bench, uint32_t route, const hf_change_request_t *change)
{
    hf_change_request_frame (&bench->pack, change);
    bench_send (bench, route);
    bench_settle (bench);
}

static void
s_verdict (bench_t *bench, uint64_t id, hf_verdict_t verdict)
{
    hf_a_verdict_frame (&bench->pack, &(hf_a_verdict_t){.id = id, .verdict = (uint32_t)verdict});
    bench_say (bench);
    bench_settle (bench);
}

BENCH_TEST (test_a_change_is_answered_with_its_verdict, bench)
{
    s_ask (bench, 1, &s_add);
    assert_int_equal (bench->changes, 1);
    assert_int_equal (bench->change.id, 77);
    assert_int_equal (bench->change.op, HF_CHANGE_ADD);
    assert_int_equal (bench->change.client_port, 9080);
    assert_int_equal (bench_kind (bench, 1), 0);
    bench_roster (bench, &s_grown, 40);
    s_verdict (bench, 76, HF_VERDICT_DONE); //  of another leadership
    s_verdict (bench, 77, HF_VERDICT_DONE);
    hf_query_result_t result = bench_result (bench, 1);
    assert_int_equal (result.id, 77);
    assert_int_equal (result.status, HF_OK);
    assert_int_equal (result.index, 40);
    s_verdict (bench, 77, HF_VERDICT_DONE); //  it was answered
    assert_int_equal (bench_kind (bench, 1), 0);
}

BENCH_TEST (test_each_verdict_has_a_status, bench)
{
    static const int statuses[][2] = {
        {HF_VERDICT_BUSY, HF_CHANGING},           {HF_VERDICT_LEVEL, HF_LEVEL},
        {HF_VERDICT_NO_MEMBER, HF_NO_MEMBER},     {HF_VERDICT_ID_TAKEN, HF_ID_TAKEN},
        {HF_VERDICT_PLACE_TAKEN, HF_PLACE_TAKEN}, {HF_VERDICT_FULL, HF_MEMBERS_FULL},
        {HF_VERDICT_LAST, HF_LAST_VOTER},         {HF_VERDICT_NO_MAJORITY, HF_NO_MAJORITY},
        {HF_VERDICT_NO_PLACE, HF_NO_PLACE},       {HF_VERDICT_CANNOT_LEAD, HF_CANNOT_LEAD},
        {HF_VERDICT_ALL_DRAINED, HF_ALL_DRAINED}};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        s_ask (bench, 1, &s_add);
        s_verdict (bench, 77, (hf_verdict_t)statuses[i][0]);
        assert_int_equal (bench_result (bench, 1).status, statuses[i][1]);
    }
    s_ask (bench, 1, &s_add);
    s_verdict (bench, 77, HF_VERDICT_NOT_LEADER);
    assert_int_equal (bench_refused (bench, 1).status, HF_NOT_LEADER);
}

/*  Each kind has its words in the log: what was asked, and what came of it. */
BENCH_TEST (test_each_kind_of_change_is_logged, bench)
{
    char line[64];
    for (uint32_t op = HF_CHANGE_ADD; op <= HF_CHANGE_UNDRAIN; op++) {
        hf_change_request_t change = s_add;
        change.op = op;
        change.level = change.node;
        bench->log[0] = 0;
        s_ask (bench, 1, &change);
        s_verdict (bench, 77, HF_VERDICT_BUSY);
        snprintf (line, sizeof line, " %u: ", change.node);
        assert_non_null (strstr (bench->log, "asked to "));
        assert_non_null (strstr (bench->log, "audit: "));
        assert_non_null (strstr (strstr (bench->log, "audit: "), line));
        assert_null (strstr (bench->log, "(null)"));
        assert_int_equal (bench_result (bench, 1).status, HF_CHANGING);
    }
}

/*  What was asked for at the HTTP port is in the audit once: that port says where it came from. */
BENCH_TEST (test_the_http_port_tells_its_own_changes, bench)
{
    s_ask (bench, BENCH_HTTP, &s_add);
    s_verdict (bench, 77, HF_VERDICT_BUSY);
    assert_int_equal (bench_result (bench, BENCH_HTTP).status, HF_CHANGING);
    s_ask (bench, BENCH_HTTP, &s_add);
    bench_follow (bench, TERM + 1, 2);
    bench_settle (bench);
    assert_int_equal (bench_refused (bench, BENCH_HTTP).status, HF_NOT_LEADER);
    assert_null (strstr (bench->log, "audit: "));
    bench_lead (bench, TERM + 2, bench->index);
    hf_mutant = HF_MUTANT_http_told_twice;
    s_ask (bench, BENCH_HTTP, &s_add);
    s_verdict (bench, 77, HF_VERDICT_BUSY);
    hf_mutant = HF_MUTANT_none;
    assert_non_null (strstr (bench->log, "audit: "));
}

/*  Repeated from another connection, it is answered there. */
BENCH_TEST (test_a_repeated_change_waits_once, bench)
{
    for (uint32_t i = 0; i < 20; i++)
        s_ask (bench, 1, &s_add);
    s_ask (bench, 2, &s_add);
    s_verdict (bench, 77, HF_VERDICT_DONE);
    assert_int_equal (bench_kind (bench, 1), 0);
    assert_int_equal (bench_result (bench, 2).status, HF_OK);
}

BENCH_TEST (p12_few_changes_wait, bench)
{
    hf_change_request_t change = s_add;
    for (change.id = 1; change.id <= 8; change.id++)
        s_ask (bench, 1, &change);
    assert_int_equal (bench_kind (bench, 1), 0);
    s_ask (bench, 2, &change);
    assert_int_equal (bench_refused (bench, 2).status, HF_BUSY);
    s_verdict (bench, 3, HF_VERDICT_BUSY);
    assert_int_equal (bench_result (bench, 1).id, 3);
    s_ask (bench, 2, &change);
    assert_int_equal (bench_kind (bench, 2), 0);
    assert_int_equal (bench->changes, 9);
}

static void
s_refused (bench_t *bench, const hf_change_request_t *change, hf_status_t status)
{
    s_ask (bench, 1, change);
    assert_int_equal (bench_result (bench, 1).status, status);
}

BENCH_TEST (test_a_change_out_of_range_is_refused, bench)
{
    hf_change_request_t bad[5];
    for (size_t i = 0; i < 5; i++)
        bad[i] = s_add;
    bad[0].id = 0;
    bad[1].op = 0;
    bad[2].op = HF_CHANGE_UNDRAIN + 1;
    bad[3].node = 0;
    bad[4].node = 65536;
    for (size_t i = 0; i < 5; i++)
        s_refused (bench, &bad[i], HF_BAD_REQUEST);
    s_refused (bench, &(hf_change_request_t){.id = 5, .op = HF_CHANGE_RAISE}, HF_BAD_REQUEST);
    assert_int_equal (bench->changes, 0);
    hf_put_array (&bench->pack, 2);
    hf_put_u64 (&bench->pack, HF_VERSION_WIRE);
    hf_put_array (&bench->pack, 1);
    hf_put_u64 (&bench->pack, HF_KIND_CHANGE);
    bench_send (bench, 1);
    assert_int_equal (bench_refused (bench, 1).status, HF_MALFORMED);
}

/*  Of a place that no node can read, every node would leave the member out. */
BENCH_TEST (test_a_place_that_cannot_be_read_is_refused, bench)
{
    static const char *const hosts[] = {
        "",       "/",   "a b", "a:b",   "a\nb",         "delta.",
        "a..b",   "-a",  "a@b", "1.2.3", "1.2.3.400",    "[::1",
        "[1::z]", "::1", "[]",  "[",     "d\xc3\xa9lta", "delta,5@eps"};
    char host[HF_HOST_MAX + 1];
    hf_change_request_t change = s_add;
    memset (host, 'h', sizeof host);
    for (int op = HF_CHANGE_ADD; op <= HF_CHANGE_MOVE; op += HF_CHANGE_MOVE - HF_CHANGE_ADD) {
        change.op = (uint32_t)op;
        for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
            change.host = hf_span_text (hosts[i]);
            s_refused (bench, &change, HF_BAD_PLACE);
        }
        change.host = hf_span (host, sizeof host);
        s_refused (bench, &change, HF_BAD_PLACE);
        change.host = hf_span ("del\0ta", 6);
        s_refused (bench, &change, HF_BAD_PLACE);
        hf_change_request_t ports[] = {s_add, s_add, s_add};
        ports[0].client_port = 0;
        ports[1].node_port = 65536;
        ports[2].node_port = ports[2].client_port;
        for (size_t i = 0; i < 3; i++) {
            ports[i].op = (uint32_t)op;
            s_refused (bench, &ports[i], HF_BAD_PLACE);
        }
    }
    assert_int_equal (bench->changes, 0);
    hf_mutant = HF_MUTANT_any_host_taken;
    change.host = hf_span_text ("/");
    s_ask (bench, 1, &change);
    hf_mutant = HF_MUTANT_none;
    assert_int_equal (bench->changes, 1);
}

/*  One place has one form: who is at a place that is asked for again can be found. */
BENCH_TEST (test_a_place_is_kept_in_its_one_form, bench)
{
    static const char *const hosts[][2] = {
        {"Delta.Example", "delta.example"}, {"[0::1]", "[::1]"}, {"10.0.0.1", "10.0.0.1"}};
    hf_change_request_t change = s_add;
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        change.host = hf_span_text (hosts[i][0]);
        s_ask (bench, 1, &change);
        assert_string_equal (bench->host, hosts[i][1]);
    }
}

BENCH_TEST_WITH (test_only_the_leader_takes_a_change, bench, false, .self = 1)
{
    s_ask (bench, 1, &s_add);
    assert_int_equal (bench_refused (bench, 1).status, HF_NOT_LEADER);
    assert_int_equal (bench->changes, 0);
    hf_mutant = HF_MUTANT_change_by_follower;
    s_ask (bench, 1, &s_add);
    hf_mutant = HF_MUTANT_none;
    assert_int_equal (bench->changes, 1);
}

/*  How often who asked is told that the lead was lost. */
static unsigned
s_told (int mutant)
{
    bench_t bench;
    unsigned count = 0;
    bench_init (&bench, (hf_lock_config_t){.self = 1}, true);
    s_ask (&bench, 1, &s_add);
    hf_mutant = mutant;
    bench_follow (&bench, TERM + 1, 2);
    bench_settle (&bench);
    for (; bench_kind (&bench, 1) == HF_KIND_REFUSED; count++) {
        hf_refused_t refused = bench_refused (&bench, 1);
        assert_true (refused.status == HF_NOT_LEADER && refused.leader == 2);
    }
    bench_lead (&bench, TERM + 2, 0);
    s_verdict (&bench, 77, HF_VERDICT_DONE); //  nobody waits for it
    assert_int_not_equal (bench_kind (&bench, 1), HF_KIND_RESULT);
    hf_mutant = HF_MUTANT_none;
    bench_done (&bench);
    return count;
}

HF_TEST (test_who_waits_for_a_change_is_told_that_the_lead_is_lost)
{
    assert_int_equal (s_told (HF_MUTANT_none), 1);
    assert_int_equal (s_told (HF_MUTANT_change_left_waiting), 0);
}

HF_TEST_MAIN (NULL, NULL)
