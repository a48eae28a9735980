/*  Parts of long lists, and events: which rows an answer has, in which order, and how much is asked
 *  for it; and the page's own files. */
#include "tests/kit/hf_test.h"
#include "msgs/hf_limits.h"
#include "nodes/http/hf_http_request.h"
#include "nodes/http/hf_page.h"
#include <stdio.h>
#include <string.h>

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

#define GET(path, ...)                                                                             \
    hf_http_request_new ("GET", path, &(hf_http_params_t){__VA_ARGS__}, s_history)

//  ---- questions and answers -------------------------------------------------------------------

/*  The kind of the question that REQUEST asks next; its record is at SCAN. */
static uint32_t
s_next (hf_http_request_t *request, uint64_t id, hf_scan_t *scan)
{
    uint32_t kind;
    hf_pack_reset (&s_asked);
    assert_true (hf_http_request_next (request, id, s_now_us, &s_asked));
    assert_int_equal (
        hf_frame_open (hf_pack_bytes (&s_asked), hf_pack_size (&s_asked), scan, &kind), HF_OK);
    return kind;
}

static hf_query_t
s_query (hf_http_request_t *request, uint64_t id)
{
    hf_scan_t scan;
    hf_query_t query;
    assert_int_equal (s_next (request, id, &scan), HF_KIND_QUERY);
    assert_true (hf_query_get (&scan, &query));
    return query;
}

static hf_watch_request_t
s_watch (hf_http_request_t *request, uint64_t id)
{
    hf_scan_t scan;
    hf_watch_request_t watch;
    assert_int_equal (s_next (request, id, &scan), HF_KIND_WATCH);
    assert_true (hf_watch_request_get (&scan, &watch));
    return watch;
}

static bool
s_take (hf_http_request_t *request)
{
    bool taken = hf_http_request_frame (
        request, hf_span (hf_pack_bytes (&s_frame), hf_pack_size (&s_frame)));
    hf_pack_reset (&s_rows);
    hf_pack_reset (&s_frame);
    return taken;
}

static void
s_answer (hf_http_request_t *request, uint64_t id, bool more, uint64_t number)
{
    hf_query_result_frame (
        &s_frame, &(hf_query_result_t){
                      .id = id, .more = more, .rows = hf_pack_list (&s_rows), .number = number});
    assert_true (s_take (request));
}

static bool
s_events (hf_http_request_t *request, uint64_t id, uint64_t upto)
{
    hf_events_frame (&s_frame,
                     &(hf_events_t){.id = id, .upto = upto, .events = hf_pack_list (&s_rows)});
    return s_take (request);
}

/*  A lock with one holder, or with none for token 0. */
static void
s_lock (const char *name, uint64_t waiters, uint64_t token, const char *label)
{
    hf_lock_row_put (
        &s_rows,
        &(hf_lock_row_t){.lock = hf_span_text (name), .holders = token > 0, .waiters = waiters});
    if (token > 0)
        hf_holder_row_put (&s_rows, &(hf_holder_row_t){.session = 1,
                                                       .token = token,
                                                       .label = hf_span_text (label),
                                                       .note = hf_span_text ("")});
}

static void
s_granted (uint64_t number)
{
    hf_happened_put (&s_rows, &(hf_happened_t){.number = number,
                                               .index = number + 100,
                                               .what = HF_HAPPENED_GRANTED,
                                               .name = hf_span_text ("a"),
                                               .session = 3,
                                               .token = number,
                                               .label = hf_span_text ("<kim>"),
                                               .note = hf_span_text ("")});
}

/*  Five locks in two pages. Gives whether the second was asked for. */
static bool
s_five (hf_http_request_t *request)
{
    assert_int_equal (s_query (request, 1).limit, HF_ROWS_MAX);
    s_lock ("a", 2, 30, "kim");
    s_lock ("b", 0, 10, "ANN");
    s_lock ("c", 7, 20, "kim");
    s_answer (request, 1, true, 0);
    if (!hf_http_request_asks (request))
        return false;
    hf_query_t query = s_query (request, 2);
    assert_true (hf_span_equal (query.name, hf_span_text ("c")));
    s_lock ("d", 2, 0, "");
    s_lock ("e", 0, 40, "ann");
    s_answer (request, 2, false, 0);
    return true;
}

/*  The names of the locks in the answer, and what it says of the rest. */
static void
s_has (hf_http_request_t **request, const char *names, int more, int found)
{
    hf_http_answer_t answer = hf_http_request_answer (*request);
    assert_int_equal (answer.code, 200);
    json_t *root = json_loadb (answer.text, answer.size, 0, NULL), *row;
    assert_non_null (root);
    char text[64] = "";
    size_t i;
    json_array_foreach (json_object_get (root, "locks"), i, row)
        strncat (text, json_string_value (json_object_get (row, "lock")), 8);
    assert_string_equal (text, names);
    assert_int_equal (json_is_true (json_object_get (root, "more")), more);
    const json_t *count = json_object_get (root, "found");
    assert_int_equal (count ? json_integer_value (count) : -1, found);
    json_decref (root);
    hf_http_request_destroy (request);
}

static void
s_refuses (hf_http_request_t *request, const char *why)
{
    hf_http_answer_t answer = hf_http_request_answer (request);
    assert_int_equal (answer.code, 400);
    assert_non_null (strstr (answer.text, why));
    hf_http_request_destroy (&request);
}

//  ---- parts of lists ----------------------------------------------------------------------------

TEST (locks_are_sorted_over_all_pages)
{
    hf_http_request_t *request = GET ("/v1/locks", .sort = "waiters", .limit = "2");
    assert_true (s_five (request));
    s_has (&request, "ca", 1, 5);
    request = GET ("/v1/locks", .sort = "waiters", .limit = "2", .offset = "1");
    assert_true (s_five (request));
    s_has (&request, "ad", 1, 5);
    request = GET ("/v1/locks", .sort = "age", .limit = "5");
    assert_true (s_five (request));
    s_has (&request, "bcaed", 0, 5);
    request = GET ("/v1/locks", .sort = "age", .offset = "7");
    assert_true (s_five (request));
    s_has (&request, "", 0, 5);
}

TEST (a_search_looks_at_names_and_labels)
{
    hf_http_request_t *request = GET ("/v1/locks", .search = "AnN");
    assert_true (s_five (request));
    s_has (&request, "be", 0, 2);
    request = GET ("/v1/locks", .search = "c", .sort = "waiters");
    assert_true (s_five (request));
    s_has (&request, "c", 0, 1);
    request = GET ("/v1/locks", .search = "exclusive");
    assert_true (s_five (request));
    s_has (&request, "", 0, 0);
}

/*  By name they come as they are wanted: no more is asked than the page needs. */
TEST (by_name_only_what_is_needed_is_asked)
{
    hf_http_request_t *request = GET ("/v1/locks", .limit = "2");
    assert_false (s_five (request));
    s_has (&request, "ab", 1, -1);
    request = GET ("/v1/locks", .sort = "name", .limit = "2", .offset = "2");
    assert_true (s_five (request));
    s_has (&request, "cd", 1, -1);
    request = GET ("/v1/locks", .offset = "3");
    assert_true (s_five (request));
    s_has (&request, "de", 0, 5);
}

/*  Thousands of rows: those that cannot be in the answer are not kept. */
TEST (a_long_list_gives_the_first_few)
{
    hf_http_request_t *request = GET ("/v1/locks", .sort = "waiters", .limit = "3");
    char name[16];
    for (uint64_t page = 0; page < 20; page++) {
        s_query (request, page);
        for (uint64_t i = 0; i < 500; i++) {
            uint64_t number = page * 500 + i;
            snprintf (name, sizeof name, "%05u", (unsigned)number);
            s_lock (name, number * 7919 % 10000, number + 1, "x");
        }
        s_answer (request, page, page < 19, 0);
    }
    s_has (&request, "023210464206963", 1, 10000);
}

/*  Pages of locks in the order of their number, the highest waits most, until REQUEST asks no more.
 *  Gives how many locks they had. Time goes on by STEP_US a page. */
static uint64_t
s_endless (hf_http_request_t *request, uint64_t step_us)
{
    char name[16];
    uint64_t number = 0, id = 1;
    for (; hf_http_request_next (request, id, s_now_us, &s_frame); id++) {
        hf_pack_reset (&s_frame);
        for (uint32_t i = 0; i < HF_ROWS_MAX; i++, number++) {
            snprintf (name, sizeof name, "%08u", (unsigned)number);
            s_lock (name, number, 0, "");
        }
        s_answer (request, id, true, 0);
        s_now_us += step_us;
        assert_in_range (id, 1, 1000);
    }
    hf_pack_reset (&s_frame);
    return number;
}

TEST (a_list_without_end_is_looked_at_so_far)
{
    hf_http_request_t *request = GET ("/v1/locks", .sort = "waiters", .limit = "1");
    assert_int_equal (s_endless (request, 1), HF_HTTP_LOOKED_MAX);
    const char *text = hf_http_request_answer (request).text;
    assert_non_null (strstr (text, "\"looked\": 100000"));
    s_has (&request, "00099999", 1, -1);
    request = GET ("/v1/locks", .search = "nowhere");
    assert_int_equal (s_endless (request, 1), HF_HTTP_LOOKED_MAX);
    assert_non_null (strstr (hf_http_request_answer (request).text, "\"looked\": 100000"));
    s_has (&request, "", 1, -1);
    //  A list that is looked at whole does not say so.
    request = GET ("/v1/locks", .search = "b");
    assert_true (s_five (request));
    assert_null (strstr (hf_http_request_answer (request).text, "looked"));
    hf_http_request_destroy (&request);
}

TEST (a_slow_list_ends_in_time)
{
    hf_http_request_t *request = GET ("/v1/locks", .sort = "waiters", .limit = "1");
    assert_int_equal (s_endless (request, HF_HTTP_ASKS_US / 4), 4 * HF_ROWS_MAX);
    assert_non_null (strstr (hf_http_request_answer (request).text, "\"looked\": 4000"));
    s_has (&request, "00003999", 1, -1);
    //  All of it cannot be given: there is no such list.
    request = GET ("/v1/locks", .sort = NULL);
    assert_int_equal (s_endless (request, HF_HTTP_ASKS_US / 4), 4 * HF_ROWS_MAX);
    hf_http_answer_t answer = hf_http_request_answer (request);
    assert_int_equal (answer.code, 507);
    assert_non_null (strstr (answer.text, "ask for a part of it"));
    hf_http_request_destroy (&request);
}

/*  The time is counted from the first question on, not from when it came into a queue. */
TEST (who_waits_for_his_turn_loses_no_time)
{
    hf_http_request_t *request = GET ("/v1/locks", .sort = "waiters");
    s_now_us += 10 * HF_HTTP_ASKS_US;
    assert_true (s_five (request));
    s_has (&request, "cadbe", 0, 5);
    //  A watch must be ended, however late it is.
    request = GET ("/v1/events", .after = "1");
    s_query (request, 1);
    s_answer (request, 1, false, 3);
    assert_false (hf_http_request_yields (request));
    s_now_us += HF_HTTP_ASKS_US;
    s_watch (request, 2);
    s_granted (3);
    assert_true (s_events (request, 2, 3));
    assert_int_equal (s_watch (request, 3).room, 0);
    assert_true (s_events (request, 2, 3));
    assert_int_equal (hf_http_request_answer (request).code, 200);
    hf_http_request_destroy (&request);
}

TEST (other_lists_have_parts_too)
{
    hf_http_request_t *request = GET ("/v1/sessions", .sort = "waiters", .search = "kim");
    s_query (request, 1);
    for (uint64_t i = 1; i < 4; i++)
        hf_session_row_put (
            &s_rows,
            &(hf_session_row_t){.session = i, .label = hf_span_text (i == 2 ? "ann" : "kim")});
    s_answer (request, 1, false, 0);
    hf_http_answer_t answer = hf_http_request_answer (request);
    assert_null (strstr (answer.text, "ann"));
    assert_non_null (strstr (answer.text, "\"found\": 2"));
    hf_http_request_destroy (&request);
    //  Of one lock, so many places in one page.
    request = GET ("/v1/locks/a", .limit = "1");
    assert_int_equal (s_query (request, 1).limit, 1);
    s_lock ("a", 5, 3, "kim");
    s_answer (request, 1, true, 0);
    assert_false (hf_http_request_asks (request));
    assert_non_null (strstr (hf_http_request_answer (request).text, "\"waiters\": 5"));
    hf_http_request_destroy (&request);
}

TEST (bad_parameters_are_refused)
{
    char search[300];
    memset (search, 'a', 299);
    search[299] = 0;
    s_refuses (GET ("/v1/locks", .limit = "0"), "from 1 to 1000");
    s_refuses (GET ("/v1/locks", .limit = "1001"), "from 1 to 1000");
    s_refuses (GET ("/v1/locks", .limit = ""), "from 1 to 1000");
    s_refuses (GET ("/v1/locks", .limit = "1e2"), "from 1 to 1000");
    s_refuses (GET ("/v1/locks", .offset = "-1"), "from 0 to 10000");
    s_refuses (GET ("/v1/locks", .offset = "10001"), "from 0 to 10000");
    s_refuses (GET ("/v1/files", .offset = "99999999999999999999"), "from 0 to 10000");
    s_refuses (GET ("/v1/sessions", .sort = "size"), "name, waiters or age");
    s_refuses (GET ("/v1/locks", .search = search), "at most 255");
    s_refuses (GET ("/v1/events", .after = "18446744073709551616"), "after: a number");
}

//  ---- events ---------------------------------------------------------------------------------

/*  What follows is asked after WANTED when NUMBER have happened; SKIPPED are left out. */
static void
s_follows (const char *after, uint64_t number, uint64_t wanted, const char *skipped)
{
    hf_http_request_t *request = GET ("/v1/events", .after = after);
    assert_int_equal (s_query (request, 5).what, HF_WHAT_LEADER);
    s_answer (request, 5, false, number);
    hf_watch_request_t watch = s_watch (request, 6);
    assert_true (watch.id == 6 && watch.what == HF_WATCH_LOCKS && watch.room > 0);
    assert_int_equal (watch.after, wanted);
    s_granted (number);
    assert_false (s_events (request, 4, 0)); //  of an earlier watch
    s_granted (number);
    assert_true (s_events (request, 6, number));
    watch = s_watch (request, 7);
    assert_true (watch.id == 6 && watch.room == 0);
    s_granted (number + 1); //  on its way when the watch ended: comes with the next question
    assert_true (s_events (request, 6, number + 1));
    assert_false (s_events (request, 6, number));
    hf_http_answer_t answer = hf_http_request_answer (request);
    char upto[48];
    snprintf (upto, sizeof upto, "\"upto\": %llu,", (unsigned long long)number);
    assert_non_null (strstr (answer.text, upto));
    assert_non_null (strstr (answer.text, skipped));
    assert_non_null (strstr (answer.text, "\"what\": \"granted\""));
    assert_non_null (strstr (answer.text, "<kim>"));
    hf_http_request_destroy (&request);
}

TEST (events_go_on_where_the_last_answer_ended)
{
    s_follows (NULL, 7, 0, "\"skipped\": 0");
    s_follows (NULL, 1000, 1000 - HF_HTTP_EVENTS_MAX, "\"skipped\": 0");
    s_follows ("990", 1000, 990, "\"skipped\": 0");
    s_follows ("700", 1000, 1000 - HF_HTTP_EVENTS_MAX, "\"skipped\": 100");
    s_follows ("5000", 1000, 1000, "\"skipped\": 0"); //  this node is behind
}

/*  The node was started anew, and has forgotten what came before. */
TEST (events_that_are_forgotten_are_skipped)
{
    hf_http_request_t *request = GET ("/v1/events", .after = "990");
    s_query (request, 1);
    s_answer (request, 1, false, 1000);
    assert_int_equal (s_watch (request, 2).after, 990);
    hf_events_frame (&s_frame, &(hf_events_t){.id = 2, .status = HF_GAP, .upto = 1000});
    assert_true (s_take (request));
    s_watch (request, 3);
    assert_true (s_events (request, 2, 990)); //  there is no such watch any more
    hf_http_answer_t answer = hf_http_request_answer (request);
    assert_non_null (strstr (answer.text, "\"events\": [],"));
    assert_non_null (strstr (answer.text, "\"upto\": 1000,"));
    assert_non_null (strstr (answer.text, "\"skipped\": 10"));
    hf_http_request_destroy (&request);
}

//  ---- the page ------------------------------------------------------------------------------

TEST (the_page_has_all_that_it_names)
{
    char name[64];
    hf_http_request_t *request = GET ("/", .sort = NULL);
    hf_http_answer_t answer = hf_http_request_answer (request);
    assert_true (answer.code == 200 && strlen (answer.text) == answer.size);
    assert_string_equal (answer.type, "text/html; charset=utf-8");
    for (size_t i = 1; i < hf_page_files_count; i++) {
        hf_http_request_t *other = GET (hf_page_files[i].path, .sort = NULL);
        assert_int_equal (hf_http_request_answer (other).code, 200);
        snprintf (name, sizeof name, "%s\"", hf_page_files[i].path);
        assert_true (strstr (answer.text, name) || strstr (hf_page_files[2].text, name));
        hf_http_request_destroy (&other);
    }
    //  Nothing of it needs what the policy forbids, or comes from elsewhere.
    static const char *const never[] = {"onclick", "style=\"", "innerHTML",
                                        "http:",   "https:",   "eval ("};
    for (size_t i = 0; i < hf_page_files_count; i++)
        for (size_t j = 0; j < sizeof never / sizeof *never; j++)
            assert_null (strstr (hf_page_files[i].text, never[j]));
    hf_http_request_destroy (&request);
}

HF_TEST_MAIN (NULL, NULL)
