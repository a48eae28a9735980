/*  Requests at the HTTP port: what each path asks, how pages come together, what is answered. */
#include "tests/kit/hf_test.h"
#include "base/hf_alloc.h"
#include "base/hf_random.h"
#include "msgs/hf_facts.h"
#include "nodes/http/hf_http_request.h"
#include <jansson.h>
#include <string.h>

#define DASHBOARD "../../../docs/prometheus/grafana.json"

static hf_pack_t s_asked, s_rows, s_frame;
static hf_history_t *s_history;
static uint64_t s_now_us;

static int
s_setup (void **state)
{
    (void)state;
    hf_pack_init (&s_asked);
    hf_pack_init (&s_rows);
    hf_pack_init (&s_frame);
    s_history = hf_history_new ();
    s_now_us = 5;
    return 0;
}

static int
s_teardown (void **state)
{
    (void)state;
    hf_pack_done (&s_asked);
    hf_pack_done (&s_rows);
    hf_pack_done (&s_frame);
    hf_history_destroy (&s_history);
    return 0;
}

#define TEST(name) HF_TEST_WITH (name, s_setup, s_teardown)

static hf_http_request_t *
s_new (const char *method, const char *path)
{
    return hf_http_request_new (method, path, &(hf_http_params_t){.sort = NULL}, s_history);
}

/*  The question that REQUEST asks next. */
static hf_query_t
s_next (hf_http_request_t *request, uint64_t id)
{
    hf_query_t query;
    hf_scan_t scan;
    uint32_t kind;
    hf_pack_reset (&s_asked);
    assert_true (hf_http_request_next (request, id, s_now_us, &s_asked));
    assert_int_equal (
        hf_frame_open (hf_pack_bytes (&s_asked), hf_pack_size (&s_asked), &scan, &kind), HF_OK);
    assert_int_equal (kind, HF_KIND_QUERY);
    assert_true (hf_query_get (&scan, &query));
    assert_true (query.id == id && query.stale);
    return query;
}

/*  Answer with what is in s_rows. */
static bool
s_answer (hf_http_request_t *request, uint64_t id, hf_status_t status, bool more)
{
    hf_pack_reset (&s_frame);
    hf_query_result_frame (&s_frame, &(hf_query_result_t){.id = id,
                                                          .status = (uint32_t)status,
                                                          .more = more,
                                                          .rows = hf_pack_list (&s_rows)});
    bool taken = hf_http_request_frame (
        request, hf_span (hf_pack_bytes (&s_frame), hf_pack_size (&s_frame)));
    hf_pack_reset (&s_rows);
    return taken;
}

static void
s_is (hf_http_request_t **request, unsigned code, const char *type, const char *has)
{
    assert_false (hf_http_request_asks (*request));
    hf_http_answer_t answer = hf_http_request_answer (*request);
    assert_int_equal (answer.code, code);
    assert_int_equal (answer.size, strlen (answer.text));
    assert_non_null (strstr (answer.type, type));
    if (!strstr (answer.text, has))
        fail_msg ("no '%s' in:\n%s", has, answer.text);
    hf_http_request_destroy (request);
}

/*  The answer is JSON, and without blanks this one. */
static void
s_is_json (hf_http_request_t **request, const char *json)
{
    hf_http_answer_t answer = hf_http_request_answer (*request);
    assert_int_equal (answer.code, 200);
    assert_string_equal (answer.type, "application/json");
    json_t *root = json_loadb (answer.text, answer.size, 0, NULL);
    assert_non_null (root);
    char *text = json_dumps (root, JSON_COMPACT);
    for (char *at = text; *at != 0; at++)
        *at = *at == '"' ? '\'' : *at;
    assert_string_equal (text, json);
    free (text);
    json_decref (root);
    hf_http_request_destroy (request);
}

TEST (what_needs_no_question)
{
    static const struct {
        const char *method, *path;
        unsigned code;
        const char *has;
    } rows[] = {
        {"GET", "/healthz", 200, "ok\n"},
        {"HEAD", "/healthz", 200, "ok\n"},
        {"GET", "/v1/", 200, "/v1/locks/NAME\n"},
        {"GET", "", 404, "no such path"},
        {"GET", "/v1", 404, "no such path"},
        {"GET", "/v1/locks/", 404, "no such path"},
        {"GET", "/v1/locks/\n", 404, "no such path"},
        {"GET", "/v1/locks/\xff", 404, "no such path"},
        {"GET", "/metrics/", 404, "no such path"},
        {"POST", "/v1/locks", 405, "only GET and HEAD"},
        {"DELETE", "/nowhere", 405, "only GET and HEAD"},
        {"GET", "/v1/close", 405, "only POST"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        hf_http_request_t *request = s_new (rows[i].method, rows[i].path);
        assert_false (hf_http_request_next (request, 1, s_now_us, &s_asked));
        s_is (&request, rows[i].code, "text/plain", rows[i].has);
    }
    char path[300] = "/v1/locks/";
    memset (path + strlen (path), 'a', 256);
    hf_http_request_t *request = s_new ("GET", path);
    s_is (&request, 404, "text/plain", "no such path");
}

static void
s_lock (const char *name, uint64_t holders, uint64_t waiters)
{
    hf_lock_row_put (&s_rows, &(hf_lock_row_t){.lock = hf_span_text (name),
                                               .holders = holders,
                                               .waiters = waiters,
                                               .limit = 3});
}

static void
s_holder (uint64_t session)
{
    hf_holder_row_put (&s_rows, &(hf_holder_row_t){.session = session,
                                                   .token = session + 10,
                                                   .mode = HF_MODE_SHARED,
                                                   .units = 1,
                                                   .label = hf_span_text ("kim"),
                                                   .note = hf_span_text (""),
                                                   .age_ms = 7});
}

static void
s_waiter (uint64_t session, uint64_t position)
{
    hf_waiter_row_put (&s_rows, &(hf_waiter_row_t){.session = session,
                                                   .position = position,
                                                   .mode = HF_MODE_EXCLUSIVE,
                                                   .label = hf_span_text (""),
                                                   .note = hf_span_text ("now"),
                                                   .age_ms = 8});
}

TEST (locks_come_in_pages)
{
    hf_http_request_t *request = s_new ("GET", "/v1/locks");
    hf_query_t query = s_next (request, 7);
    assert_true (query.what == HF_WHAT_LOCKS && query.name.size == 0 && query.offset == 0);
    s_lock ("a", 1, 2);
    s_holder (4);
    assert_false (s_answer (request, 6, HF_OK, true)); //  of another question
    s_lock ("a", 1, 2);
    s_holder (4);
    assert_true (s_answer (request, 7, HF_OK, true));
    query = s_next (request, 8);
    assert_true (hf_span_equal (query.name, hf_span_text ("a")) && query.offset == 0);
    s_lock ("b", 0, 1);
    assert_true (s_answer (request, 8, HF_OK, false));
    s_is_json (&request,
               "{'locks':[{'lock':'a','limit':3,'waiters':2,'holders':[{'session':4,"
               "'mode':'shared','units':1,'label':'kim','note':'','age_ms':7,'token':14,'staged':0}"
               "]},{'lock':'b','limit':3,'waiters':1,'holders':[]}]}");
}

TEST (one_lock_has_its_queue)
{
    hf_http_request_t *request = s_new ("GET", "/v1/locks/a/b c");
    hf_query_t query = s_next (request, 1);
    assert_true (query.what == HF_WHAT_LOCK && query.offset == 1);
    assert_true (hf_span_equal (query.name, hf_span_text ("a/b c")));
    s_lock ("a/b c", 1, 2);
    s_holder (4);
    s_waiter (5, 1);
    s_answer (request, 1, HF_OK, true);
    query = s_next (request, 2);
    assert_int_equal (query.offset, 3);
    s_lock ("a/b c", 1, 2);
    s_waiter (6, 2);
    s_answer (request, 2, HF_OK, false);
    s_is_json (&request,
               "{'lock':'a/b c','limit':3,'waiters':2,'holders':[{'session':4,'mode':'shared',"
               "'units':1,'label':'kim','note':'','age_ms':7,'token':14,'staged':0}],'queue':[{'"
               "session':5,"
               "'mode':'exclusive','units':0,'label':'','note':'now','age_ms':8,'position':1},{'"
               "session':6,"
               "'mode':'exclusive','units':0,'label':'','note':'now','age_ms':8,'position':2}],'"
               "held':true}");
    request = s_new ("GET", "/v1/locks/none");
    s_next (request, 3);
    s_answer (request, 3, HF_NOT_FOUND, false);
    s_is (&request, 404, "text/plain", "nobody holds");
}

static void
s_facts (uint64_t leader)
{
    hf_fact_put (&s_rows, HF_FACT_node, "", 2);
    hf_fact_put (&s_rows, HF_FACT_role, "follower", 0);
    hf_fact_put (&s_rows, HF_FACT_leader, "", leader);
    hf_fact_put (&s_rows, HF_FACT_uptime_ms, "", 1234567);
    hf_fact_put (&s_rows, HF_FACT_cut_clients, "", 5);
    hf_fact_put (&s_rows, HF_FACT_state_hash, "", UINT64_MAX);
    hf_fact_put (&s_rows, HF_FACT_version, "1.2", 0);
    hf_times_t times = {.sum_us = 0};
    hf_times_add (&times, 150, 2);
    hf_times_add (&times, 4000000000, 1);
    hf_fact_put_times (&s_rows, HF_FACT_sync_time, &times);
}

/*  Metrics ask for the busiest locks behind the facts. */
static void
s_answer_busy (hf_http_request_t *request, uint64_t id, const char *lock)
{
    assert_int_equal (s_next (request, id).what, HF_WHAT_BUSY);
    hf_busy_row_put (&s_rows, &(hf_busy_row_t){.lock = hf_span_text (lock),
                                               .holds = 12,
                                               .wait_us = 2500000,
                                               .hold_us = 7000001});
    assert_true (s_answer (request, id, HF_OK, false));
}

TEST (facts_are_json_and_metrics)
{
    hf_http_request_t *request = s_new ("GET", "/v1/status");
    assert_int_equal (s_next (request, 1).what, HF_WHAT_STATUS);
    s_facts (3);
    s_answer (request, 1, HF_OK, false);
    s_is_json (&request, "{'node':2,'role':'follower','leader':3,'uptime_ms':1234567,"
                         "'cut_clients':5,'state_hash':'ffffffffffffffff','version':'1.2',"
                         "'sync_time':{'count':3,'p50_us':175,'p99_us':1800000000,"
                         "'sum_us':4000000300,'counts':[0,2,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1]"
                         "}}");
    request = s_new ("GET", "/metrics");
    s_next (request, 2);
    s_facts (3);
    s_answer (request, 2, HF_OK, false);
    s_answer_busy (request, 3, "a \"b\\c");
    hf_http_answer_t answer = hf_http_request_answer (request);
    assert_non_null (strstr (answer.type, "version=0.0.4"));
    static const char *const lines[] = {
        "holdfast_info{version=\"1.2\",node=\"2\"} 1\n",
        "holdfast_leads 0\n",
        "\n# TYPE holdfast_uptime_seconds gauge\nholdfast_uptime_seconds 1234.567000\n",
        "\n# TYPE holdfast_cut_clients_total counter\nholdfast_cut_clients_total 5\n",
        "\nholdfast_leader 3\n",
        "\n# TYPE holdfast_busy_lock_holds_total counter\n"
        "holdfast_busy_lock_holds_total{lock=\"a \\\"b\\\\c\"} 12\n",
        "\nholdfast_busy_lock_wait_seconds_total{lock=\"a \\\"b\\\\c\"} 2.500000\n",
        "\nholdfast_busy_lock_hold_seconds_total{lock=\"a \\\"b\\\\c\"} 7.000001\n",
        "\n# TYPE holdfast_sync_time_seconds histogram\n"
        "holdfast_sync_time_seconds_bucket{le=\"0.0001\"} 0\n"
        "holdfast_sync_time_seconds_bucket{le=\"0.0002\"} 2\n",
        "\nholdfast_sync_time_seconds_bucket{le=\"1800\"} 2\n"
        "holdfast_sync_time_seconds_bucket{le=\"+Inf\"} 3\n"
        "holdfast_sync_time_seconds_sum 4000.000300\nholdfast_sync_time_seconds_count 3\n"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (!strstr (answer.text, lines[i]))
            fail_msg ("no '%s' in:\n%s", lines[i], answer.text);
    assert_null (strstr (answer.text, "state_hash"));
    assert_null (strstr (answer.text, "holdfast_node "));
    hf_http_request_destroy (&request);
}

/*  The longest names, of what must be quoted: each line is whole. */
TEST (the_longest_names_are_whole_lines)
{
    static const char marks[] = "\"\\a";
    for (const char *mark = marks; *mark != 0; mark++) {
        char name[256] = "", label[2 * 255 + 1] = "", line[700];
        memset (name, *mark, 255);
        for (int i = 0; i < 255; i++)
            snprintf (label + strlen (label), 3, *mark == 'a' ? "%c" : "\\%c", *mark);
        hf_http_request_t *request = s_new ("GET", "/metrics");
        s_next (request, 2);
        s_facts (3);
        s_answer (request, 2, HF_OK, false);
        s_answer_busy (request, 3, name);
        const char *text = hf_http_request_answer (request).text;
        snprintf (line, sizeof line, "\nholdfast_busy_lock_holds_total{lock=\"%s\"} 12\n", label);
        assert_non_null (strstr (text, line));
        snprintf (line, sizeof line,
                  "\nholdfast_busy_lock_wait_seconds_total{lock=\"%s\"} 2.500000\n", label);
        assert_non_null (strstr (text, line));
        snprintf (line, sizeof line,
                  "\nholdfast_busy_lock_hold_seconds_total{lock=\"%s\"} 7.000001\n", label);
        assert_non_null (strstr (text, line));
        hf_http_request_destroy (&request);
    }
}

/*  Every metric that is named in FILE of docs/prometheus is in TEXT. Gives how many names. */
static unsigned
s_named (const char *path, const char *text)
{
    char line[4096], name[128];
    unsigned found = 0;
    FILE *file = fopen (path, "r");
    assert_non_null (file);
    while (fgets (line, sizeof line, file)) {
        for (const char *at = line; (at = strstr (at, "holdfast_")) != NULL; found++) {
            int size = (int)strspn (at, "abcdefghijklmnopqrstuvwxyz_");
            snprintf (name, sizeof name, "\n%.*s ", size, at);
            bool plain = strstr (text, name) != NULL;
            snprintf (name, sizeof name, "\n%.*s{", size, at);
            if (!plain && !strstr (text, name))
                fail_msg ("%s: there is no metric %.*s", path, size, at);
            at += size;
        }
    }
    fclose (file);
    return found;
}

/*  The alerts and the dashboard speak of metrics that there are. */
TEST (docs_name_metrics_that_there_are)
{
    hf_times_t times = {.sum_us = 0};
    hf_http_request_t *request = s_new ("GET", "/metrics");
    s_next (request, 1);
    for (int fact = 0; fact < HF_FACT_COUNT; fact++) {
        if (hf_facts[fact].unit == HF_UNIT_TIMES)
            hf_fact_put_times (&s_rows, (hf_fact_t)fact, &times);
        else
            hf_fact_put (&s_rows, (hf_fact_t)fact, "", 1);
    }
    s_answer (request, 1, HF_OK, false);
    s_answer_busy (request, 2, "L");
    hf_http_answer_t answer = hf_http_request_answer (request);
    assert_in_range (s_named ("../../../docs/prometheus/alerts.yml", answer.text), 6, 100);
    assert_in_range (s_named (DASHBOARD, answer.text), 20, 100);
    hf_http_request_destroy (&request);
}

/*  Each has a title that no other has, and a question. */
TEST (the_dashboard_is_whole)
{
    json_error_t error;
    json_t *root = json_load_file (DASHBOARD, 0, &error), *panel, *other;
    size_t i, k;
    if (!root)
        fail_msg ("%s:%d: %s", DASHBOARD, error.line, error.text);
    const json_t *panels = json_object_get (root, "panels");
    assert_in_range (json_array_size (panels), 10, 100);
    json_array_foreach (panels, i, panel)
    {
        const char *title = json_string_value (json_object_get (panel, "title"));
        assert_non_null (title);
        assert_true (json_array_size (json_object_get (panel, "targets")) > 0);
        json_array_foreach (panels, k, other)
        {
            bool same =
                json_equal (json_object_get (panel, "title"), json_object_get (other, "title"));
            assert_true (k == i || !same);
        }
    }
    json_decref (root);
}

TEST (busy_locks_are_a_list)
{
    hf_http_request_t *request = s_new ("GET", "/v1/busy");
    s_answer_busy (request, 1, "L");
    s_is_json (&request, "{'busy':[{'lock':'L','holds':12,'wait_us':2500000,'hold_us':7000001}]}");
}

/*  What another program calls a histogram, and is none. */
TEST (a_histogram_that_is_none_is_refused)
{
    hf_http_request_t *request = s_new ("GET", "/metrics");
    s_next (request, 1);
    hf_fact_put (&s_rows, HF_FACT_sync_time, "1 x", 1);
    s_answer (request, 1, HF_OK, false);
    s_is (&request, 500, "text/plain", "cannot be read");
}

TEST (a_node_is_ready_when_it_knows_a_leader)
{
    hf_http_request_t *request = s_new ("GET", "/readyz");
    s_next (request, 1);
    s_facts (3);
    s_answer (request, 1, HF_OK, false);
    s_is (&request, 200, "text/plain", "ready\n");
    request = s_new ("GET", "/readyz");
    s_next (request, 2);
    s_facts (0);
    s_answer (request, 2, HF_OK, false);
    s_is (&request, 503, "text/plain", "no leader");
}

TEST (what_is_refused_or_late_is_said)
{
    hf_http_request_t *request = s_new ("GET", "/v1/sessions");
    //  The first time it may be for an action of before, which waited for a leader.
    for (uint64_t id = 1; id <= 2; id++) {
        assert_true (hf_http_request_asks (request));
        s_next (request, id);
        hf_pack_reset (&s_frame);
        hf_refused_frame (&s_frame,
                          &(hf_refused_t){.status = HF_NOT_LEADER, .text = hf_span_text ("")});
        assert_true (hf_http_request_frame (
            request, hf_span (hf_pack_bytes (&s_frame), hf_pack_size (&s_frame))));
    }
    s_is (&request, 503, "text/plain", hf_status_text (HF_NOT_LEADER));
    request = s_new ("GET", "/v1/files");
    s_next (request, 2);
    hf_http_request_late (request);
    assert_false (s_answer (request, 2, HF_OK, false)); //  too late
    s_is (&request, 503, "text/plain", "no answer in time");
}

/*  Metrics whose facts came; what is asked next is the busiest locks. */
static hf_http_request_t *
s_metrics (void)
{
    hf_http_request_t *request = s_new ("GET", "/metrics");
    s_next (request, 1);
    s_facts (3);
    s_answer (request, 1, HF_OK, false);
    assert_true (hf_http_request_yields (request));
    return request;
}

static void
s_has_facts_alone (hf_http_request_t *request)
{
    assert_null (strstr (hf_http_request_answer (request).text, "holdfast_busy"));
    s_is (&request, 200, "version=0.0.4", "\nholdfast_leader 3\n");
}

TEST (metrics_do_without_the_busiest_locks)
{
    hf_http_request_t *request = s_metrics ();
    s_next (request, 2);
    s_answer (request, 2, HF_BUSY, false);
    s_has_facts_alone (request);
    request = s_metrics ();
    s_next (request, 2);
    hf_pack_reset (&s_frame);
    hf_refused_frame (&s_frame, &(hf_refused_t){.status = HF_BUSY, .text = hf_span_text ("")});
    assert_true (hf_http_request_frame (
        request, hf_span (hf_pack_bytes (&s_frame), hf_pack_size (&s_frame))));
    s_has_facts_alone (request);
    request = s_metrics ();
    s_next (request, 2);
    hf_http_request_late (request);
    s_has_facts_alone (request);
    request = s_metrics ();
    s_now_us += HF_HTTP_ASKS_US;
    assert_false (hf_http_request_next (request, 2, s_now_us, &s_asked));
    s_has_facts_alone (request);
    //  Without facts there are none.
    request = s_new ("GET", "/metrics");
    s_next (request, 1);
    hf_http_request_late (request);
    s_is (&request, 503, "text/plain", "no answer in time");
}

/*  Rows of another question, and any bytes: one clear answer, and nothing grows. */
TEST (it_survives_any_bytes)
{
    hf_http_request_t *request = s_new ("GET", "/v1/members");
    s_next (request, 1);
    s_lock ("a", 1, 1);
    s_answer (request, 1, HF_OK, false);
    s_is (&request, 500, "text/plain", "cannot be read");
    hf_random_t random = {.state = 5};
    static const char *const paths[] = {"/v1/locks",   "/v1/locks/a", "/v1/sessions", "/v1/files",
                                        "/v1/members", "/v1/status",  "/metrics"};
    for (uint64_t id = 1; id < 20000; id++) {
        uint8_t bytes[64];
        request = s_new ("GET", paths[id % 7]);
        s_next (request, id);
        s_lock ("a", 1, 1);
        s_holder (id);
        hf_pack_reset (&s_frame);
        hf_query_result_frame (
            &s_frame, &(hf_query_result_t){.id = id, .more = true, .rows = hf_pack_list (&s_rows)});
        hf_pack_reset (&s_rows);
        size_t size = hf_pack_size (&s_frame);
        uint8_t *frame = memcpy (hf_alloc (size), hf_pack_bytes (&s_frame), size);
        frame[hf_random_below (&random, size)] = (uint8_t)hf_random_below (&random, 256);
        frame[hf_random_below (&random, size)] = (uint8_t)hf_random_below (&random, 256);
        hf_http_request_frame (request, hf_span (frame, hf_random_below (&random, size + 1)));
        hf_http_request_frame (request, hf_span (frame, size));
        free (frame);
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)hf_random_below (&random, 256);
        hf_http_request_frame (request, hf_span (bytes, hf_random_below (&random, 65)));
        hf_http_request_late (request);
        if (!hf_http_request_asks (request))
            assert_in_range (hf_http_request_answer (request).code, 200, 507);
        hf_http_request_destroy (&request);
    }
}

HF_TEST_MAIN (NULL, NULL)
