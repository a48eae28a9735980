/*  Who may act over HTTP: the token and its file, pages of other sites, guesses, the audit. */
#include "tests/kit/hf_test.h"
#include "base/hf_mutant.h"
#include "nodes/http/hf_http_admin.h"

#define TOKEN "correct-horse-battery"
#define RIGHT "Bearer " TOKEN

int hf_mutant = HF_MUTANT_none;

static hf_http_admin_t *s_admin;
static uint64_t s_now_us;

static int
s_setup (void **state)
{
    (void)state;
    s_admin = hf_http_admin_new (hf_span_text (TOKEN));
    s_now_us = 1000000;
    return 0;
}

static int
s_teardown (void **state)
{
    (void)state;
    hf_mutant = HF_MUTANT_none;
    hf_http_admin_destroy (&s_admin);
    return 0;
}

#define TEST(name) HF_TEST_WITH (name, s_setup, s_teardown)

/*  One that may act. */
static const hf_http_asker_t s_good = {.path = "/v1/close",
                                       .from = "10.0.0.7",
                                       .host = "alpha:8090",
                                       .origin = "http://alpha:8090",
                                       .site = "same-origin",
                                       .type = "application/json",
                                       .authorization = RIGHT,
                                       .size = 12};

/*  The code of the refusal; 0: it may act. */
static unsigned
s_code (hf_http_asker_t asker)
{
    const hf_http_answer_t *answer = hf_http_admin_refuses (s_admin, &asker, s_now_us);
    if (answer)
        assert_int_equal (answer->size, strlen (answer->text));
    return answer ? answer->code : 0;
}

static unsigned
s_with (int mutant, hf_http_asker_t asker)
{
    hf_mutant = mutant;
    unsigned code = s_code (asker);
    hf_mutant = HF_MUTANT_none;
    return code;
}

static const char *
s_read (const char *text)
{
    hf_span_t token;
    const char *wrong = hf_http_token_read (hf_span_text (text), &token);
    return wrong ? wrong : hf_span_equal (token, hf_span_text (TOKEN)) ? "good" : "another";
}

HF_TEST (test_the_token_of_a_file)
{
    char text[300];
    memset (text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    assert_string_equal (s_read (TOKEN), "good");
    assert_string_equal (s_read (TOKEN "\n"), "good");
    assert_string_equal (s_read (TOKEN "\r\n\n"), "good");
    assert_non_null (strstr (s_read (""), "at least 16"));
    assert_non_null (strstr (s_read ("fifteen-letters"), "at least 16"));
    assert_string_equal (s_read ("sixteen-letters!"), "another");
    assert_non_null (strstr (s_read (TOKEN "\n" TOKEN), "one line"));
    assert_non_null (strstr (s_read (" " TOKEN), "without blanks"));
    assert_non_null (strstr (s_read (TOKEN "\xc3\xa4"), "without blanks"));
    assert_non_null (strstr (s_read (text), "at most 255"));
    text[255] = 0;
    assert_string_equal (s_read (text), "another");
}

TEST (test_who_has_the_token_may)
{
    hf_http_asker_t asker = s_good;
    assert_int_equal (s_code (asker), 0);
    asker.type = "Application/JSON; charset=utf-8";
    asker.authorization = "bearer  " TOKEN;
    asker.origin = asker.site = asker.host = NULL; //  no browser
    assert_int_equal (s_code (asker), 0);
    asker = s_good;
    asker.origin = "https://Alpha:8090"; //  behind a proxy that speaks TLS
    assert_int_equal (s_code (asker), 0);
    assert_null (hf_http_admin_audit (s_admin, s_now_us));
}

TEST (test_another_token_is_refused)
{
    static const char *const wrong[] = {
        "Bearer ", "Bearer x", "Bearer correct-horse-batterx", "Bearer correct-horse-batter",
        RIGHT "y", RIGHT " "};
    hf_http_asker_t asker = s_good;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        asker.authorization = wrong[i];
        assert_int_equal (s_code (asker), 401);
    }
    assert_int_equal (s_with (HF_MUTANT_any_token_taken, asker), 0);
    asker.authorization = NULL;
    assert_int_equal (s_code (asker), 401);
    asker.authorization = "Basic " TOKEN;
    assert_int_equal (s_code (asker), 401);
    asker.authorization = TOKEN;
    assert_int_equal (s_code (asker), 401);
}

TEST (test_a_page_of_another_site_is_refused)
{
    static const char *const origins[] = {
        "http://evil",        "http://alpha",      "null", "", "ftp://alpha:8090", "alpha:8090",
        "http://alpha:80901", "http://alpha:8090/"};
    static const char *const sites[] = {"cross-site", "same-site", ""};
    hf_http_asker_t asker = s_good;
    for (size_t i = 0; i < sizeof origins / sizeof *origins; i++) {
        asker.origin = origins[i];
        assert_int_equal (s_code (asker), 403);
    }
    assert_int_equal (s_with (HF_MUTANT_any_site_acts, asker), 0);
    asker = s_good;
    asker.host = NULL;
    assert_int_equal (s_code (asker), 403);
    asker.origin = NULL;
    for (size_t i = 0; i < sizeof sites / sizeof *sites; i++) {
        asker.site = sites[i];
        assert_int_equal (s_code (asker), 403);
    }
    //  Forms of other sites cannot say that they are JSON.
    static const char *const types[] = {"text/plain", "application/x-www-form-urlencoded",
                                        "multipart/form-data", "application/jsonp", ""};
    asker = s_good;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        asker.type = types[i];
        assert_int_equal (s_code (asker), 415);
    }
    assert_int_equal (s_with (HF_MUTANT_any_type_acts, asker), 0);
    asker.type = NULL;
    assert_int_equal (s_code (asker), 415);
}

TEST (test_a_long_body_is_refused)
{
    hf_http_asker_t asker = s_good;
    asker.size = HF_HTTP_BODY_MAX;
    assert_int_equal (s_code (asker), 0);
    asker.size++;
    assert_int_equal (s_code (asker), 413);
}

TEST (test_guesses_are_bounded)
{
    hf_http_asker_t wrong = s_good, other = s_good;
    wrong.authorization = "Bearer guess-guess-guess";
    other.authorization = wrong.authorization;
    other.from = "10.0.0.8";
    for (int i = 0; i < HF_HTTP_GUESSES; i++) {
        assert_int_equal (s_code (s_good), 0); //  is no guess
        assert_int_equal (s_code (wrong), 401);
    }
    assert_int_equal (s_code (wrong), 429);
    assert_int_equal (s_with (HF_MUTANT_guesses_unbounded, wrong), 401);
    assert_int_equal (s_code (other), 401);
    s_now_us += HF_HTTP_GUESSES_US;
    assert_int_equal (s_code (wrong), 401);
}

/*  All that come through a tunnel or a proxy have one address. */
TEST (test_guesses_do_not_keep_the_right_token_out)
{
    hf_http_asker_t wrong = s_good;
    wrong.authorization = "Bearer guess-guess-guess";
    for (int i = 0; i < 3 * HF_HTTP_GUESSES; i++) {
        s_code (wrong);
        assert_int_equal (s_code (s_good), 0);
    }
    assert_int_equal (s_code (wrong), 429);
    assert_int_equal (s_with (HF_MUTANT_guesses_shut_out, s_good), 429);
    assert_int_equal (s_code (s_good), 0);
}

/*  Many addresses do not help. */
TEST (test_guesses_of_many_addresses_are_bounded)
{
    hf_http_asker_t asker = s_good;
    char from[HF_HTTP_FROM_MAX];
    unsigned compared = 0;
    asker.authorization = "Bearer guess-guess-guess";
    for (int round = 0; round < 2 * HF_HTTP_GUESSES; round++) {
        for (unsigned i = 0; i < 10 * HF_HTTP_ASKERS; i++) {
            snprintf (from, sizeof from, "10.1.%u.%u", i / 256, i % 256);
            asker.from = from;
            compared += s_code (asker) == 401;
        }
    }
    assert_int_equal (compared, (HF_HTTP_ASKERS + 1) * HF_HTTP_GUESSES);
}

TEST (test_refusals_are_in_the_audit_and_do_not_flood_it)
{
    hf_http_asker_t asker = s_good;
    const char *line;
    unsigned lines = 0;
    asker.type = "text/plain";
    assert_int_equal (s_code (asker), 415);
    line = hf_http_admin_audit (s_admin, s_now_us);
    assert_string_equal (line, "audit: http: refused: POST /v1/close: an action is JSON: "
                               "Content-Type: application/json (from 10.0.0.7)");
    assert_null (hf_http_admin_audit (s_admin, s_now_us));
    for (int i = 0; i < 1000; i++) {
        s_code (asker);
        while ((line = hf_http_admin_audit (s_admin, s_now_us)) != NULL)
            lines++;
    }
    assert_int_equal (lines, 9);
    s_now_us += 10000000;
    line = hf_http_admin_audit (s_admin, s_now_us);
    assert_string_equal (line, "audit: http: refused: 991 times more");
    assert_null (hf_http_admin_audit (s_admin, s_now_us));
    s_code (asker);
    assert_non_null (hf_http_admin_audit (s_admin, s_now_us));
}

HF_TEST_MAIN (NULL, NULL)
