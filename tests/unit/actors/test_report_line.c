/*  Lines of the log, in every form. */
#include "tests/kit/hf_test.h"
#include "nodes/actors/hf_report_line.h"
#include <string.h>

static const char *
s_line (hf_report_form_t form, hf_level_t level, const char *text)
{
    static char line[200];
    struct tm local = {.tm_year = 126,
                       .tm_mon = 10,
                       .tm_mday = 30,
                       .tm_hour = 3,
                       .tm_min = 12,
                       .tm_sec = 4,
                       .tm_gmtoff = -16200};
    size_t size = hf_report_line (line, sizeof line, form, level, 7, &local, 31, text);
    assert_true (size < sizeof line && line[size - 1] == '\n');
    line[size - 1] = 0;
    return line;
}

HF_TEST (lines_in_every_form)
{
    assert_string_equal (s_line (HF_REPORT_TEXT, HF_WARN, "leads \"a\""),
                         "2026-11-30 03:12:04.031 -0430 warn  node 7: leads \"a\"");
    assert_string_equal (s_line (HF_REPORT_JOURNAL, HF_ERROR, "x"), "<3>node 7: x");
    assert_string_equal (s_line (HF_REPORT_JOURNAL, HF_DEBUG, "x"), "<7>node 7: x");
    assert_string_equal (s_line (HF_REPORT_JSON, HF_INFO, "lost \"a\\b\", \xc3\xa4"),
                         "{\"time\":\"2026-11-30T03:12:04.031-04:30\",\"level\":\"info\","
                         "\"node\":7,\"text\":\"lost \\\"a\\\\b\\\", \xc3\xa4\"}");
}

HF_TEST (a_line_stays_one_and_ends_whole)
{
    char text[400];
    assert_string_equal (s_line (HF_REPORT_JOURNAL, HF_INFO, "a\nb\x01\x7f"), "<6>node 7: a?b??");
    memset (text, '"', sizeof text - 1);
    text[sizeof text - 1] = 0;
    const char *line = s_line (HF_REPORT_JSON, HF_INFO, text);
    assert_in_range (strlen (line), 190, 199);
    assert_string_equal (line + strlen (line) - 4, "\\\"\"}");
    assert_in_range (strlen (s_line (HF_REPORT_TEXT, HF_INFO, text)), 190, 199);
    for (size_t i = 0; i < sizeof text - 1; i++)
        text[i] = i % 2 == 0 ? '\xc3' : '\xa4';
    line = s_line (HF_REPORT_JOURNAL, HF_INFO, text);
    assert_int_equal ((unsigned char)line[strlen (line) - 1], 0xa4);
    line = s_line (HF_REPORT_JOURNAL, HF_INFO, text + 1);
    assert_int_equal ((unsigned char)line[strlen (line) - 1], 0xa4);
}

HF_TEST (forms_have_names)
{
    hf_report_form_t form = HF_REPORT_TEXT;
    assert_int_equal (hf_report_form ("json", &form), 0);
    assert_int_equal (form, HF_REPORT_JSON);
    assert_int_equal (hf_report_form ("journal", &form), 0);
    assert_int_equal (hf_report_form ("xml", &form), -1);
    assert_int_equal (form, HF_REPORT_JOURNAL);
}

HF_TEST_MAIN (NULL, NULL)
