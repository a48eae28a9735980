/*  The last hour for curves: samples, gaps, and what falls out. */
#include "tests/kit/hf_test.h"
#include "nodes/http/hf_http_request.h"
#include "msgs/hf_facts.h"
#include <stdio.h>
#include <string.h>

#define STEP_US (HF_HISTORY_STEP_S * 1000000ULL)

static hf_history_t *s_history;

static int
s_setup (void **state)
{
    (void)state;
    s_history = hf_history_new ();
    return 0;
}

static int
s_teardown (void **state)
{
    (void)state;
    hf_history_destroy (&s_history);
    return 0;
}

#define TEST(name) HF_TEST_WITH (name, s_setup, s_teardown)

/*  A sample as a node's server takes it: asked, and answered with facts. */
static void
s_sample (uint64_t now_us, uint64_t token, uint64_t waiting)
{
    hf_pack_t frame, rows;
    hf_pack_init (&frame);
    hf_pack_init (&rows);
    hf_http_request_t *request = hf_http_request_sample (s_history, now_us);
    assert_true (hf_http_request_next (request, 1, 1, &frame));
    hf_fact_put (&rows, HF_FACT_last_token, "", token);
    hf_fact_put (&rows, HF_FACT_waiting, "", waiting);
    hf_fact_put (&rows, HF_FACT_leader, "", 2);
    hf_pack_reset (&frame);
    hf_query_result_frame (&frame, &(hf_query_result_t){.id = 1, .rows = hf_pack_list (&rows)});
    assert_true (
        hf_http_request_frame (request, hf_span (hf_pack_bytes (&frame), hf_pack_size (&frame))));
    assert_false (hf_http_request_asks (request));
    hf_http_request_destroy (&request);
    hf_pack_done (&frame);
    hf_pack_done (&rows);
}

/*  The series NAME in the answer of /v1/history, in one line. */
static void
s_is (const char *name, const char *series)
{
    hf_http_request_t *request =
        hf_http_request_new ("GET", "/v1/history", &(hf_http_params_t){.sort = NULL}, s_history);
    hf_http_answer_t answer = hf_http_request_answer (request);
    json_t *root = json_loadb (answer.text, answer.size, 0, NULL);
    assert_non_null (root);
    assert_int_equal (json_integer_value (json_object_get (root, "step_s")), HF_HISTORY_STEP_S);
    char *text = json_dumps (json_object_get (root, name), JSON_COMPACT);
    assert_string_equal (text, series);
    free (text);
    json_decref (root);
    hf_http_request_destroy (&request);
}

TEST (each_step_has_its_sample_or_a_gap)
{
    s_is ("waiting", "[]");
    s_sample (100 * STEP_US, 50, 3);
    s_is ("grants", "[null]");
    s_sample (101 * STEP_US + 5, 80, 4);
    s_sample (101 * STEP_US + 6, 99, 9); //  the first of a step counts
    s_sample (104 * STEP_US, 140, 5);
    s_is ("waiting", "[3,4,null,null,5]");
    s_is ("grants", "[null,30,null,null,20]");
    s_is ("leader", "[2,2,null,null,2]");
    s_is ("term", "[0,0,null,null,0]");
    s_sample (103 * STEP_US, 1, 1); //  times do not go back
    s_is ("waiting", "[3,4,null,null,5]");
}

/*  A restored cluster leaves out many tokens, and a new one begins with the first. */
TEST (tokens_that_jump_are_no_grants)
{
    s_sample (0, 50, 0);
    s_sample (1 * STEP_US, 1000000000050, 0);
    s_sample (2 * STEP_US, 1000000000051, 0);
    s_sample (3 * STEP_US, 4, 0);
    s_is ("grants", "[null,null,1,null]");
}

TEST (an_hour_is_kept)
{
    char series[HF_HISTORY_STEPS * 8] = "[";
    for (uint64_t step = 1; step <= 2 * HF_HISTORY_STEPS + 7; step++)
        s_sample (step * STEP_US, step, step);
    for (unsigned i = 0; i < HF_HISTORY_STEPS; i++)
        snprintf (series + strlen (series), sizeof series - strlen (series), "%s%u",
                  i > 0 ? "," : "", HF_HISTORY_STEPS + 8 + i);
    s_is ("waiting", strcat (series, "]"));
    //  After a long gap only what is of the last hour is there.
    s_sample (5 * HF_HISTORY_STEPS * STEP_US, 9, 9);
    s_sample ((5 * HF_HISTORY_STEPS + 1) * STEP_US, 9, 8);
    strcpy (series, "[");
    for (unsigned i = 0; i < HF_HISTORY_STEPS - 2; i++)
        strcat (series, "null,");
    s_is ("waiting", strcat (series, "9,8]"));
}

/*  A sample that comes too late is a gap. */
TEST (a_busy_node_has_a_gap)
{
    hf_pack_t frame;
    hf_pack_init (&frame);
    hf_http_request_t *request = hf_http_request_sample (s_history, STEP_US);
    assert_true (hf_http_request_next (request, 1, 1, &frame));
    hf_http_request_late (request);
    assert_false (hf_http_request_next (request, 2, 1, &frame));
    hf_http_request_destroy (&request);
    hf_pack_done (&frame);
    s_is ("waiting", "[]");
}

HF_TEST_MAIN (NULL, NULL)
