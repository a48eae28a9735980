/*  What operators do over HTTP: the questions of each action, with a lock actor that the test
 * plays, its answer and its line in the audit; and bytes that mean nothing. */
#include "tests/kit/hf_test.h"
#include "base/hf_mutant.h"
#include "base/hf_random.h"
#include "msgs/hf_facts.h"
#include "nodes/http/hf_http_admin.h"
#include "nodes/http/hf_http_request.h"
#include <jansson.h>

int hf_mutant = HF_MUTANT_none;

static hf_http_request_t *s_request;
static hf_pack_t s_asked, s_rows, s_frame;
static uint64_t s_id;

static const uint8_t s_nonce[HF_NONCE_SIZE] = {2, 1};
#define CHANGE 0x103 //  its id, as the nonce gives it

static int
s_setup (void **state)
{
    (void)state;
    hf_pack_init (&s_asked);
    hf_pack_init (&s_rows);
    hf_pack_init (&s_frame);
    s_id = 0;
    return 0;
}

static int
s_teardown (void **state)
{
    (void)state;
    hf_mutant = HF_MUTANT_none;
    hf_http_request_destroy (&s_request);
    hf_pack_done (&s_asked);
    hf_pack_done (&s_rows);
    hf_pack_done (&s_frame);
    return 0;
}

#define TEST(name) HF_TEST_WITH (name, s_setup, s_teardown)

//  ---- the lock actor ----------------------------------------------------------------------

static void
s_post (const char *path, const char *json)
{
    hf_http_request_destroy (&s_request);
    s_request =
        hf_http_request_act (hf_http_action_new (path, hf_span_text (json), "10.0.0.7", s_nonce));
}

/*  The kind of the next question; 0: there is none. */
static uint32_t
s_next (hf_scan_t *scan)
{
    uint32_t kind;
    hf_pack_reset (&s_asked);
    if (!hf_http_request_next (s_request, ++s_id, 0, &s_asked))
        return 0;
    assert_int_equal (
        hf_frame_open (hf_pack_bytes (&s_asked), hf_pack_size (&s_asked), scan, &kind), HF_OK);
    return kind;
}

static bool
s_give (void)
{
    bool taken = hf_http_request_frame (
        s_request, hf_span (hf_pack_bytes (&s_frame), hf_pack_size (&s_frame)));
    hf_pack_reset (&s_frame);
    return taken;
}

/*  The next question is WHAT, of the node alone or of the leader. */
static hf_query_t
s_query (uint32_t what)
{
    hf_scan_t scan;
    hf_query_t query;
    assert_int_equal (s_next (&scan), HF_KIND_QUERY);
    assert_true (hf_query_get (&scan, &query));
    assert_int_equal (query.what, what);
    assert_false (query.stale);
    return query;
}

/*  The answer to the last question: what is in s_rows. */
static void
s_result (uint64_t id, hf_status_t status, bool more)
{
    hf_query_result_frame (&s_frame, &(hf_query_result_t){.id = id,
                                                          .status = (uint32_t)status,
                                                          .index = 44,
                                                          .more = more,
                                                          .rows = hf_pack_list (&s_rows)});
    assert_true (s_give ());
    hf_pack_reset (&s_rows);
}

static bool
s_refuse (hf_status_t status, uint32_t leader)
{
    hf_refused_frame (
        &s_frame,
        &(hf_refused_t){.status = (uint32_t)status, .text = hf_span_text ("no"), .leader = leader});
    return s_give ();
}

/*  Node 1 is asked; LEADER leads. */
static void
s_status (uint64_t leader)
{
    s_query (HF_WHAT_STATUS);
    hf_fact_row_put (&s_rows, &(hf_fact_row_t){.key = hf_span_text ("node"), .number = 1});
    hf_fact_row_put (&s_rows, &(hf_fact_row_t){.key = hf_span_text ("leader"), .number = leader});
    s_result (s_id, HF_OK, false);
}

static void
s_holder (uint64_t session, uint64_t token)
{
    hf_holder_row_put (&s_rows, &(hf_holder_row_t){.session = session,
                                                   .token = token,
                                                   .label = hf_span_text ("ann@build-1")});
}

/*  The rows of lock db, with sessions 7 and, if SHARED, 8. */
static void
s_lock (bool shared, bool more)
{
    hf_query_t query = s_query (HF_WHAT_LOCK);
    assert_true (hf_span_equal (query.name, hf_span_text ("db")));
    hf_lock_row_put (&s_rows, &(hf_lock_row_t){.lock = hf_span_text ("db"), .waiters = 2});
    s_holder (7, 70);
    if (shared)
        s_holder (8, 80);
    s_result (s_id, HF_OK, more);
}

static void
s_session (uint64_t session, bool gone)
{
    hf_query_t query = s_query (HF_WHAT_SESSIONS);
    assert_true (query.offset == 41 && query.limit == 1);
    hf_session_row_put (&s_rows, &(hf_session_row_t){.session = session,
                                                     .label = hf_span_text ("ann@build-1"),
                                                     .gone = gone,
                                                     .held = 3,
                                                     .queued = 1});
    s_result (s_id, HF_OK, false);
}

/*  It is over, with CODE, JSON without blanks, and AUDIT as its line. */
static void
s_is (unsigned code, const char *json, const char *audit)
{
    hf_scan_t scan;
    assert_int_equal (s_next (&scan), 0);
    hf_http_answer_t answer = hf_http_request_answer (s_request);
    assert_string_equal (answer.type, "application/json");
    json_t *root = json_loadb (answer.text, answer.size, 0, NULL);
    assert_non_null (root);
    char *text = json_dumps (root, JSON_COMPACT);
    for (char *at = text; *at != 0; at++)
        *at = *at == '"' ? '\'' : *at;
    assert_string_equal (text, json);
    assert_int_equal (answer.code, code);
    free (text);
    json_decref (root);
    assert_string_equal (hf_http_request_audit (s_request), audit);
}

//  ---- a hold ------------------------------------------------------------------------------

/*  The session that asks has id 9. */
static void
s_open (void)
{
    hf_scan_t scan;
    hf_open_t open;
    assert_int_equal (s_next (&scan), HF_KIND_OPEN);
    assert_true (hf_open_get (&scan, &open));
    assert_true (hf_span_equal (open.label, hf_span_text ("http from 10.0.0.7")));
    hf_opened_frame (&s_frame, &(hf_opened_t){.nonce = open.nonce, .session = 9});
    assert_true (s_give ());
}

/*  It asks for the end of that hold, and is told STATUS. */
static void
s_cancel (uint64_t session, uint64_t token, hf_status_t status)
{
    hf_scan_t scan;
    hf_requests_t message;
    hf_request_t request;
    assert_int_equal (s_next (&scan), HF_KIND_REQUESTS);
    assert_true (hf_requests_get (&scan, &message));
    assert_true (message.session == 9 && message.requests.count == 1);
    scan = hf_scan_list (message.requests);
    assert_true (hf_request_get (&scan, &request));
    assert_int_equal (request.kind, HF_KIND_CANCEL);
    assert_true (hf_span_equal (request.cancel.lock, hf_span_text ("db")));
    assert_true (request.cancel.owner == session && request.cancel.token == token);
    hf_wanted_put (&s_rows, &(hf_wanted_t){.lock = hf_span_text ("x")}); //  something else
    hf_answer_put (&s_rows, &(hf_answer_t){.seq = 1, .status = (uint32_t)status, .index = 51});
    hf_answers_frame (&s_frame, &(hf_answers_t){.session = 9, .items = hf_pack_list (&s_rows)});
    assert_true (s_give ());
    hf_pack_reset (&s_rows);
}

static bool
s_leaves (void)
{
    hf_scan_t scan;
    hf_close_t close;
    if (s_next (&scan) != HF_KIND_CLOSE)
        return false;
    assert_true (hf_close_get (&scan, &close));
    assert_int_equal (close.session, 9);
    hf_closed_frame (&s_frame, &(hf_closed_t){.session = 9, .echo = close.echo});
    assert_true (s_give ());
    return true;
}

TEST (test_a_hold_is_ended_in_a_session_that_leaves)
{
    s_post ("/v1/release", "{\"lock\": \"db\"}");
    s_status (1);
    s_lock (false, false);
    s_open ();
    s_cancel (7, 70, HF_OK);
    assert_true (s_leaves ());
    s_is (200, "{'lock':'db','token':70,'session':7,'label':'ann@build-1','index':51}",
          "audit: http: end a hold of lock db with token 70 of session 7 (ann@build-1): done, "
          "index 51 (from 10.0.0.7)");
    hf_mutant = HF_MUTANT_asker_stays;
    s_post ("/v1/release", "{\"lock\": \"db\"}");
    s_status (1);
    s_lock (false, false);
    s_open ();
    s_cancel (7, 70, HF_OK);
    assert_false (s_leaves ());
}

TEST (test_of_several_holders_one_is_named)
{
    s_post ("/v1/release", "{\"lock\": \"db\"}");
    s_status (1);
    s_lock (true, false);
    s_is (409, "{'error':'it has 2 holders: say which by its token or session'}",
          "audit: http: end a hold of lock db: it has 2 holders: say which by its token or "
          "session (from 10.0.0.7)");
    s_post ("/v1/release", "{\"lock\": \"db\", \"session\": 8}");
    s_status (1);
    s_lock (true, false);
    s_open ();
    s_cancel (8, 80, HF_NOT_HOLDER);
    assert_true (s_leaves ());
    s_is (409, "{'error':'it changed hands meanwhile: nothing was ended'}",
          "audit: http: end a hold of lock db with token 80 of session 8 (ann@build-1): it changed "
          "hands meanwhile: nothing was ended (from 10.0.0.7)");
    s_post ("/v1/release", "{\"lock\": \"db\", \"token\": 71}");
    s_status (1);
    s_lock (true, false);
    s_is (409, "{'error':'nobody holds it with that token or session'}",
          "audit: http: end a hold of lock db: nobody holds it with that token or session (from "
          "10.0.0.7)");
    hf_mutant = HF_MUTANT_any_hold_ended;
    s_post ("/v1/release", "{\"lock\": \"db\"}");
    s_status (1);
    s_lock (true, false);
    s_open ();
}

TEST (test_all_holders_are_looked_at)
{
    s_post ("/v1/release", "{\"lock\": \"db\", \"token\": 80}");
    s_status (1);
    s_lock (false, true);
    hf_query_t query = s_query (HF_WHAT_LOCK);
    assert_int_equal (query.offset, 2);
    hf_lock_row_put (&s_rows, &(hf_lock_row_t){.lock = hf_span_text ("db")});
    s_holder (8, 80);
    s_result (s_id, HF_OK, false);
    s_open ();
    s_cancel (8, 80, HF_OK);
    assert_true (s_leaves ());
}

TEST (test_a_lock_that_nobody_holds)
{
    s_post ("/v1/release", "{\"lock\": \"db\"}");
    s_status (1);
    s_query (HF_WHAT_LOCK);
    s_result (s_id, HF_NOT_FOUND, false);
    s_is (404, "{'error':'nobody holds it'}",
          "audit: http: end a hold of lock db: nobody holds it (from 10.0.0.7)");
}

//  ---- a session, a node -------------------------------------------------------------------

static void
s_close (hf_status_t status, uint64_t index)
{
    hf_scan_t scan;
    hf_close_t close;
    s_post ("/v1/close", "{\"session\": 42}");
    s_status (1);
    s_session (42, false);
    assert_int_equal (s_next (&scan), HF_KIND_CLOSE);
    assert_true (hf_close_get (&scan, &close));
    assert_int_equal (close.session, 42);
    assert_true (hf_span_equal (close.by, hf_span_text ("http from 10.0.0.7")));
    hf_closed_frame (&s_frame, &(hf_closed_t){.session = 42,
                                              .echo = close.echo,
                                              .status = (uint32_t)status,
                                              .index = index});
    assert_true (s_give ());
}

TEST (test_a_session_is_closed)
{
    s_close (HF_OK, 52);
    s_is (200, "{'session':42,'label':'ann@build-1','held':3,'queued':1,'index':52}",
          "audit: http: close session 42 (ann@build-1): done, index 52 (from 10.0.0.7)");
    s_close (HF_SESSION_EXPIRED, 0);
    s_is (200, "{'session':42,'label':'ann@build-1','held':3,'queued':1}",
          "audit: http: close session 42 (ann@build-1): done (from 10.0.0.7)");
    s_post ("/v1/close", "{\"session\": 42}");
    s_status (1);
    s_session (43, false);
    s_is (404, "{'error':'there is no such session'}",
          "audit: http: close session 42: there is no such session (from 10.0.0.7)");
    s_post ("/v1/close", "{\"session\": 42}");
    s_status (1);
    s_session (42, true);
    s_is (404, "{'error':'there is no such session'}",
          "audit: http: close session 42: there is no such session (from 10.0.0.7)");
}

/*  It asks for the change OP of node 3. */
static void
s_change (const char *path, uint32_t op)
{
    hf_scan_t scan;
    hf_change_request_t change;
    s_post (path, "{\"node\": 3}");
    s_status (1);
    assert_int_equal (s_next (&scan), HF_KIND_CHANGE);
    assert_true (hf_change_request_get (&scan, &change));
    assert_true (change.op == op && change.node == 3 && change.id == CHANGE);
    assert_true (hf_span_equal (change.by, hf_span_text ("http from 10.0.0.7")));
}

TEST (test_a_node_is_drained)
{
    s_change ("/v1/drain", HF_CHANGE_DRAIN);
    s_result (CHANGE, HF_OK, false);
    s_is (200, "{'node':3,'index':44}",
          "audit: http: drain node 3: done, index 44 (from 10.0.0.7)");
    s_change ("/v1/undrain", HF_CHANGE_UNDRAIN);
    s_result (CHANGE, HF_NO_MEMBER, false);
    s_is (404, "{'error':'the cluster has no member with this id'}",
          "audit: http: no longer drain node 3: the cluster has no member with this id (from "
          "10.0.0.7)");
    s_change ("/v1/drain", HF_CHANGE_DRAIN);
    assert_true (s_refuse (HF_NOT_LEADER, 2));
    s_is (
        504,
        "{'error':'it is not known whether it was done: this node lost the lead; look before you "
        "repeat it'}",
        "audit: http: drain node 3: it is not known whether it was done: this node lost the lead; "
        "look before you repeat it (from 10.0.0.7)");
}

/*  Who hands it over is told by losing it. */
TEST (test_the_lead_is_handed_over)
{
    s_change ("/v1/lead", HF_CHANGE_LEAD);
    assert_false (s_refuse (HF_NOT_LEADER, 0));
    assert_true (s_refuse (HF_NOT_LEADER, 3));
    s_is (200, "{'node':3}", "audit: http: hand the lead to node 3: done (from 10.0.0.7)");
    s_change ("/v1/lead", HF_CHANGE_LEAD);
    assert_true (s_refuse (HF_NOT_LEADER, 2));
    s_is (409, "{'error':'node 2 leads now'}",
          "audit: http: hand the lead to node 3: node 2 leads now (from 10.0.0.7)");
    s_change ("/v1/lead", HF_CHANGE_LEAD);
    s_result (CHANGE, HF_CANNOT_LEAD, false);
    assert_int_equal (hf_http_request_answer (s_request).code, 409);
}

//  ---- who does not lead, who is late --------------------------------------------------------

TEST (test_a_node_that_does_not_lead_names_the_leader)
{
    hf_scan_t scan;
    s_post ("/v1/drain", "{\"node\": 3}");
    s_status (2);
    s_query (HF_WHAT_MEMBERS);
    hf_member_row_put (&s_rows, &(hf_member_row_t){.node = 2,
                                                   .host = hf_span_text ("beta"),
                                                   .client_port = 8080,
                                                   .node_port = 8081});
    s_result (s_id, HF_OK, false);
    s_is (
        409,
        "{'error':'node 2 leads, at beta: nothing was done; ask at its HTTP "
        "port','leader':2,'host':'beta'}",
        "audit: http: drain node 3: node 2 leads, at beta: nothing was done; ask at its HTTP port "
        "(from 10.0.0.7)");
    s_post ("/v1/drain", "{\"node\": 3}");
    s_status (0);
    s_is (503, "{'error':'nobody is known to lead: nothing was done'}",
          "audit: http: drain node 3: nobody is known to lead: nothing was done (from 10.0.0.7)");
    hf_mutant = HF_MUTANT_acts_anywhere;
    s_post ("/v1/drain", "{\"node\": 3}");
    s_status (2);
    assert_int_equal (s_next (&scan), HF_KIND_CHANGE);
}

TEST (test_no_answer_in_time)
{
    s_post ("/v1/release", "{\"lock\": \"db\"}");
    s_query (HF_WHAT_STATUS);
    hf_http_request_late (s_request);
    s_is (
        503, "{'error':'the cluster did not answer in time: nothing was done'}",
        "audit: http: end a hold of lock db: the cluster did not answer in time: nothing was done "
        "(from 10.0.0.7)");
    hf_scan_t scan;
    s_post ("/v1/close", "{\"session\": 42}");
    s_status (1);
    s_session (42, false);
    assert_int_equal (s_next (&scan), HF_KIND_CLOSE);
    hf_http_request_late (s_request);
    assert_int_equal (hf_http_request_answer (s_request).code, 504);
    //  The session that asked is closed all the same.
    s_post ("/v1/release", "{\"lock\": \"db\"}");
    s_status (1);
    s_lock (false, false);
    s_open ();
    assert_int_equal (s_next (&scan), HF_KIND_REQUESTS);
    hf_http_request_late (s_request);
    assert_int_equal (s_next (&scan), HF_KIND_CLOSE);
    hf_http_request_late (s_request);
    assert_int_equal (hf_http_request_answer (s_request).code, 504);
    //  One whose asker has left, or whose node ends, is in the audit all the same.
    s_post ("/v1/close", "{\"session\": 42}");
    assert_string_equal (hf_http_request_audit (s_request),
                         "audit: http: close session 42: the cluster did not answer in time: "
                         "nothing was done (from 10.0.0.7)");
}

/*  It names no question, so it may be of something else that was asked before. */
TEST (test_a_refusal_that_may_be_of_something_else)
{
    s_change ("/v1/drain", HF_CHANGE_DRAIN);
    assert_false (s_refuse (HF_NOT_LEADER, 1)); //  this node leads: who waited for that is told
    s_result (CHANGE, HF_OK, false);
    assert_int_equal (hf_http_request_answer (s_request).code, 200);
    hf_mutant = HF_MUTANT_notice_is_answer;
    s_change ("/v1/drain", HF_CHANGE_DRAIN);
    assert_true (s_refuse (HF_NOT_LEADER, 1));
    hf_mutant = HF_MUTANT_none;

    s_change ("/v1/drain", HF_CHANGE_DRAIN);
    assert_true (s_refuse (HF_BUSY, 1));
    assert_int_equal (hf_http_request_answer (s_request).code, 503);
    s_change ("/v1/drain", HF_CHANGE_DRAIN);
    hf_http_request_strays (s_request, true); //  one before was late
    assert_true (s_refuse (HF_BUSY, 1));
    s_is (504,
          "{'error':'it is not known whether it was done: what was refused may be a question "
          "before; look before you repeat it'}",
          "audit: http: drain node 3: it is not known whether it was done: what was refused may be "
          "a question before; look before you repeat it (from 10.0.0.7)");
    hf_mutant = HF_MUTANT_stray_is_answer;
    s_change ("/v1/drain", HF_CHANGE_DRAIN);
    hf_http_request_strays (s_request, true);
    assert_true (s_refuse (HF_BUSY, 1));
    assert_int_equal (hf_http_request_answer (s_request).code, 503);
}

//  ---- what is no action ---------------------------------------------------------------------

TEST (test_json_that_is_none_of_it)
{
    static const struct {
        const char *path, *json;
    } bad[] = {
        {"/v1/close", ""},
        {"/v1/close", "{"},
        {"/v1/close", "42"},
        {"/v1/close", "[42]"},
        {"/v1/close", "{}"},
        {"/v1/close", "{\"session\": 0}"},
        {"/v1/close", "{\"session\": -1}"},
        {"/v1/close", "{\"session\": 1.5}"},
        {"/v1/close", "{\"session\": \"42\"}"},
        {"/v1/close", "{\"session\": 42, \"session\": 43}"},
        {"/v1/close", "{\"session\": 42, \"lock\": \"db\"}"},
        {"/v1/close", "{\"session\": 42, \"by\": \"me\"}"},
        {"/v1/close", "{\"session\": 99999999999999999999}"},
        {"/v1/close", "{\"node\": 3}"},
        {"/v1/lead", "{\"node\": 65536}"},
        {"/v1/lead", "{\"session\": 3}"},
        {"/v1/drain", "{\"node\": 3} x"},
        {"/v1/release", "{\"lock\": \"\"}"},
        {"/v1/release", "{\"lock\": 7}"},
        {"/v1/release", "{\"lock\": \"a\\u0000b\"}"},
        {"/v1/release", "{\"lock\": \"a\\nb\"}"},
        {"/v1/release", "{\"token\": 7}"},
        {"/v1/release", "{\"lock\": \"db\", \"node\": 7}"},
        {"/v1/release", "{\"lock\": \"db\", \"token\": null}"},
    };
    char audit[100];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        s_post (bad[i].path, bad[i].json);
        assert_false (hf_http_request_asks (s_request));
        assert_int_equal (hf_http_request_answer (s_request).code, 400);
        snprintf (audit, sizeof audit, "audit: http: POST %s: it wants {", bad[i].path);
        assert_memory_equal (hf_http_request_audit (s_request), audit, strlen (audit));
    }
    assert_false (hf_http_action_is ("/v1/members"));
    assert_false (hf_http_action_is ("/v1/closed"));
    assert_false (hf_http_action_is ("close"));
}

/*  Some bytes of a frame or of JSON are others, or missing. */
static size_t
s_spoil (uint8_t *bytes, size_t size, hf_random_t *random)
{
    for (uint32_t i = hf_random_u32 (random, 4); i > 0 && size > 0; i--)
        bytes[hf_random_below (random, size)] = (uint8_t)hf_random_next (random);
    return hf_random_odds (random, 100) ? hf_random_below (random, size + 1) : size;
}

/*  Any frame that may come in the life of an action. */
static void
s_any_frame (hf_random_t *random)
{
    uint32_t status = hf_random_odds (random, 700) ? 0 : hf_random_u32 (random, 50);
    hf_pack_reset (&s_rows);
    hf_pack_reset (&s_frame);
    if (hf_random_odds (random, 10)) {
        hf_refused_frame (&s_frame, &(hf_refused_t){.status = hf_random_odds (random, 500)
                                                                  ? HF_NOT_LEADER
                                                                  : hf_random_u32 (random, 50),
                                                    .leader = hf_random_u32 (random, 3)});
        return;
    }
    switch (hf_random_below (random, 6)) {
    case 0:
        hf_fact_row_put (&s_rows, &(hf_fact_row_t){.key = hf_span_text ("node"), .number = 1});
        hf_fact_row_put (&s_rows, &(hf_fact_row_t){.key = hf_span_text ("leader"), .number = 1});
        break;
    case 1:
        hf_lock_row_put (&s_rows, &(hf_lock_row_t){.lock = hf_span_text ("db")});
        s_holder (7, 70);
        break;
    case 2:
        hf_session_row_put (&s_rows, &(hf_session_row_t){.session = 42});
        break;
    case 3:
        hf_opened_frame (&s_frame, &(hf_opened_t){.nonce = hf_span (s_nonce, sizeof s_nonce),
                                                  .status = status,
                                                  .session = 9});
        return;
    case 4:
        hf_answer_put (&s_rows, &(hf_answer_t){.seq = 1, .status = status});
        hf_answers_frame (&s_frame, &(hf_answers_t){.session = 9, .items = hf_pack_list (&s_rows)});
        return;
    default:
        hf_closed_frame (&s_frame, &(hf_closed_t){.session = 9, .echo = s_id, .status = status});
        return;
    }
    hf_query_result_frame (&s_frame,
                           &(hf_query_result_t){.id = hf_random_odds (random, 500) ? s_id : CHANGE,
                                                .status = status,
                                                .more = hf_random_odds (random, 100),
                                                .rows = hf_pack_list (&s_rows)});
}

/*  It ends with JSON and one line, whatever comes: asked and answered, or late, as the server does
 * it. */
static void
s_live (hf_random_t *random, uint32_t spoilt)
{
    uint8_t bytes[4096];
    hf_scan_t scan;
    for (int i = 0; hf_http_request_asks (s_request); i++) {
        assert_in_range (i, 0, 200);
        hf_http_request_strays (s_request, hf_random_odds (random, 200));
        assert_int_not_equal (s_next (&scan), 0);
        for (int frames = hf_random_odds (random, 20) ? 19 : 0; frames < 20; frames++) {
            s_any_frame (random);
            size_t size = hf_pack_size (&s_frame);
            memcpy (bytes, hf_pack_bytes (&s_frame), size);
            if (hf_random_odds (random, spoilt))
                size = s_spoil (bytes, size, random);
            if (hf_http_request_frame (s_request, hf_span (bytes, size)))
                break;
            if (frames == 19)
                hf_http_request_late (s_request);
        }
    }
    const char *line = hf_http_request_audit (s_request);
    assert_true (strlen (line) > 20 && hf_text_valid (hf_span_text (line)));
    hf_http_answer_t answer = hf_http_request_answer (s_request);
    assert_true (answer.code >= 200 && answer.code <= 504);
    json_t *root = json_loadb (answer.text, answer.size, 0, NULL);
    assert_non_null (root);
    json_decref (root);
}

TEST (test_any_bytes_end_in_an_answer)
{
    static const struct {
        const char *path, *json;
    } good[] = {{"/v1/release", "{\"lock\": \"db\", \"token\": 70}"},
                {"/v1/close", "{\"session\": 42}"},
                {"/v1/drain", "{\"node\": 3}"}};
    uint8_t body[HF_HTTP_BODY_MAX];
    unsigned done = 0, unknown = 0;
    hf_random_t random = {.state = 7};
    for (int i = 0; i < 30000; i++) {
        size_t which = hf_random_below (&random, 3), size = strlen (good[which].json);
        memcpy (body, good[which].json, size);
        if (hf_random_odds (&random, 300))
            size = s_spoil (body, size, &random);
        hf_http_request_destroy (&s_request);
        s_request = hf_http_request_act (
            hf_http_action_new (good[which].path, hf_span (body, size), "10.0.0.7", s_nonce));
        s_live (&random, 300);
        done += hf_http_request_answer (s_request).code == 200;
        unknown += hf_http_request_answer (s_request).code == 504;
    }
    assert_true (unknown > 100);
    assert_true (done > 1000); //  of those that were not spoilt
}

HF_TEST_MAIN (NULL, NULL)
