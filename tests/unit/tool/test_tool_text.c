//  Durations, numbers, quoting and tables.

#include "tests/kit/hf_test.h"
#include "client/tool/tool_text.h"

static uint64_t
s_time (const char *text)
{
    uint64_t ms = 0;
    return tool_parse_time (text, &ms) ? ms : UINT64_MAX;
}

/*  Fractions are rounded up to a millisecond, as far as they are looked at. */
HF_TEST (test_times)
{
    static const struct {
        const char *text;
        uint64_t ms;
    } rows[] = {{"10s", 10000}, {"500ms", 500}, {"2m", 120000},     {"1h", 3600000}, {"3", 3000},
                {"0", 0},       {".007", 7},    {"1.5", 1500},      {"1.5m", 90000}, {"2.", 2000},
                {"0.0001", 1},  {"0.1ms", 1},   {"0.0000000001", 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (s_time (rows[i].text) != rows[i].ms)
            fail_msg ("'%s' is %ju ms", rows[i].text, (uintmax_t)s_time (rows[i].text));
    static const char *const wrong[] = {
        "",           ".",        "s",    "-1",  "+1",  " 1",  "1 s",
        "1.5.",       "1d",       "1sec", "0x1", "1e3", "nan", "99999999999999999999",
        "9000000000", "31622401s"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (s_time (wrong[i]) != UINT64_MAX)
            fail_msg ("'%s' was taken for a time", wrong[i]);
}

HF_TEST (test_numbers)
{
    uint64_t number = 1;
    assert_true (tool_parse_number ("0", &number));
    assert_int_equal (number, 0);
    assert_true (tool_parse_number ("18446744073709551615", &number));
    assert_true (number == UINT64_MAX);
    number = 5;
    static const char *const wrong[] = {"",   "-1", " 1", "1 ", "0x10", "18446744073709551616",
                                        "1.0"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false (tool_parse_number (wrong[i], &number));
    assert_int_equal (number, 5);
}

/*  What a shell makes of the quoted text is the text. */
HF_TEST (test_quotes_survive_a_shell)
{
    static const char *const texts[] = {
        "plain",        "",   "it's",  "'", "''\\''", "$HOME `id` $(id) \"x\" ;&|",
        "zw\303\266lf", "-n", "a  b\\"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char *quoted = tool_shell_quote (texts[i]);
        char command[256];
        snprintf (command, sizeof command, "printf %%s %s", quoted);
        FILE *shell = popen (command, "r");
        assert_non_null (shell);
        char back[256] = "";
        size_t size = fread (back, 1, sizeof back - 1, shell);
        assert_int_equal (pclose (shell), 0);
        back[size] = '\0';
        assert_string_equal (back, texts[i]);
        free (quoted);
    }
}

HF_TEST (test_base64)
{
    //  RFC 4648, section 10.
    static const char *const pairs[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"},
                                           {"\377\376\375", "//79"}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char *text = tool_base64 (pairs[i][0], strlen (pairs[i][0]));
        assert_string_equal (text, pairs[i][1]);
        free (text);
    }
}

HF_TEST (test_distance)
{
    assert_int_equal (tool_distance ("status", "status"), 0);
    assert_int_equal (tool_distance ("staus", "status"), 1);
    assert_int_equal (tool_distance ("kitten", "sitting"), 3);
    assert_int_equal (tool_distance ("", "abc"), 3);
    char text[100];
    memset (text, 'x', sizeof text);
    text[99] = '\0';
    assert_int_equal (tool_distance (text, "run"), 255);
}

/*  Expect WORDS, two of them, to be LABEL where SIZE bytes have room. */
static void
s_label (size_t size, const char *first, const char *second, const char *label)
{
    char text[64], one[32], two[32];
    snprintf (one, sizeof one, "%s", first);
    snprintf (two, sizeof two, "%s", second);
    memset (text, 'z', sizeof text);
    tool_label (text, size, "me", (char *const[]){one, two}, 2);
    assert_string_equal (text, label);
    assert_int_equal (text[size], 'z');
}

HF_TEST (test_label)
{
    s_label (20, "a", "", "me a ");
    s_label (20, "a b", "c", "me a b c");
    s_label (20, "\302\205", "\n\177", "me ?? ??"); //  control characters, and one of two bytes
    s_label (20, "\303\266\303", "\360\237\230\200", "me \303\266? \360\237\230\200");
    //  It is cut between characters.
    s_label (6, "ab", "c", "me ab");
    s_label (5, "ab", "c", "me a");
    s_label (5, "\303\266", "c", "me ");
    s_label (6, "\303\266", "c", "me \303\266");
    s_label (3, "a", "b", "me");
    s_label (1, "a", "b", "");
    //  Nothing goes in behind what was cut.
    s_label (5, "\303\266\303\266", "c", "me ");
}

HF_TEST (test_table)
{
    tool_table_t *table = tool_table_new (">N|NAME|LAST");
    tool_table_number (table, 1);
    tool_table_text (table, "zw\303\266lf");
    tool_table_text (table, "a");
    tool_table_number (table, 1234);
    tool_table_text (table, "x");
    tool_table_hex (table, 0xabc);
    char text[256] = "";
    FILE *out = fmemopen (text, sizeof text, "w");
    tool_table_print (table, out);
    fclose (out);
    assert_string_equal (text, "   N  NAME   LAST\n"
                               "   1  zw\303\266lf  a\n"
                               "1234  x      0000000000000abc\n");
    tool_table_destroy (&table);
    assert_null (table);
}

HF_TEST_MAIN (NULL, NULL)
