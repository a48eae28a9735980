/*  The checker finds every kind of violation that it is there to find, and nothing else. */
#include "tests/kit/hf_test.h"
#include "tests/cluster/lostfound/history.h"

typedef struct s_files {
    char text[2][4096];
} s_files_t;

static void
s_put (s_files_t *files, hf_line_t line)
{
    char text[HF_LINE_SIZE];
    hf_line_text (&line, text);
    strcat (files->text[line.file], text);
}

static unsigned
s_check (hf_history_t *history, const s_files_t *files)
{
    hf_content_t content[2] = {{files->text[0], strlen (files->text[0])},
                               {files->text[1], strlen (files->text[1])}};
    return hf_history_check_files (history, content, 2, NULL);
}

/*  Two acknowledged sections of lock 0, a refused one, and one that nobody knows of. */
static const hf_line_t s_lines[] = {
    {.client = 1, .counter = 1, .token = 10, .file = 0, .staged = true, .fate = HF_FATE_ACKED},
    {.client = 1, .counter = 2, .token = 10, .file = 0, .staged = true, .fate = HF_FATE_ACKED},
    {.client = 1, .counter = 3, .token = 10, .file = 1, .staged = true, .fate = HF_FATE_ACKED},
    {.client = 2, .counter = 1, .token = 11, .file = 0, .staged = true, .fate = HF_FATE_ACKED},
    {.client = 2, .counter = 2, .token = 12, .file = 0, .staged = true, .fate = HF_FATE_REFUSED},
    {.client = 1, .counter = 4, .token = 13, .file = 0, .staged = true, .fate = HF_FATE_UNDECIDED},
    {.client = 1, .counter = 5, .token = 13, .file = 1, .staged = true, .fate = HF_FATE_UNDECIDED},
};
#define S_LINES (sizeof s_lines / sizeof *s_lines)

static hf_history_t *
s_story (void)
{
    hf_history_t *history = hf_history_new ();
    for (size_t i = 0; i < S_LINES; i++)
        hf_history_write (history, &s_lines[i]);
    return history;
}

/*  What the files hold, as indexes into s_lines, ended by -1; gives the violations. */
static unsigned
s_story_with (const int *order)
{
    hf_history_t *history = s_story ();
    s_files_t files = {0};
    for (; *order >= 0; order++)
        s_put (&files, s_lines[*order]);
    unsigned wrong = s_check (history, &files);
    hf_history_destroy (&history);
    return wrong;
}

static void
test_right_files (void **state)
{
    (void)state;
    assert_int_equal (s_story_with ((int[]){0, 1, 2, 3, -1}), 0);
    assert_int_equal (s_story_with ((int[]){0, 1, 2, 3, 5, 6, -1}), 0);
}

static void
test_wrong_files (void **state)
{
    (void)state;
    assert_int_not_equal (s_story_with ((int[]){0, 1, 2, -1}), 0);             //  lost
    assert_int_not_equal (s_story_with ((int[]){0, 1, 2, 3, 3, -1}), 0);       //  doubled
    assert_int_not_equal (s_story_with ((int[]){0, 1, 2, 3, 4, -1}), 0);       //  refused, there
    assert_int_not_equal (s_story_with ((int[]){0, 1, 2, 3, 5, -1}), 0);       //  half a section
    assert_int_not_equal (s_story_with ((int[]){0, 3, 1, 2, -1}), 0);          //  interleaved
    assert_int_not_equal (s_story_with ((int[]){1, 0, 2, 3, -1}), 0);          //  out of order
    assert_int_not_equal (s_story_with ((int[]){3, 0, 1, 2, -1}), 0);          //  tokens fall
    assert_int_not_equal (s_story_with ((int[]){0, 1, 2, 3, 5, 6, 6, -1}), 0); //  undecided, twice
}

static void
test_foreign_bytes (void **state)
{
    (void)state;
    const char *const foreign[] = {"x", "client 1 line 1 token 99 file 0\n", "\n",
                                   "client 9 line 1 token 10 file 0\n", "client 1 line 1 token 10"};
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        hf_history_t *history = s_story ();
        s_files_t files = {0};
        for (size_t line = 0; line < 4; line++)
            s_put (&files, s_lines[line]);
        assert_int_equal (s_check (history, &files), 0);
        strcat (files.text[0], foreign[i]);
        assert_int_not_equal (s_check (history, &files), 0);
        hf_history_destroy (&history);
    }
}

static unsigned
s_holds_with (hf_held_t second)
{
    hf_held_t first = {.client = 1, .token = 5, .index = 50, .received_ns = 100, .ended_ns = 200};
    hf_history_t *history = hf_history_new (), *other = hf_history_new ();
    hf_history_hold (other, &second);
    hf_history_hold (history, &first);
    hf_history_merge (history, other);
    assert_int_equal (hf_history_holds (history), 2);
    unsigned wrong = hf_history_check_holds (history, NULL);
    hf_history_destroy (&history);
    hf_history_destroy (&other);
    return wrong;
}

static void
test_holds (void **state)
{
    (void)state;
    hf_held_t right = {.client = 2, .token = 6, .index = 51, .received_ns = 200, .ended_ns = 300};
    assert_int_equal (s_holds_with (right), 0);
    hf_held_t wrong = right;
    wrong.received_ns = 199;
    assert_int_not_equal (s_holds_with (wrong), 0);
    wrong.lock = 1; //  another lock may overlap
    assert_int_equal (s_holds_with (wrong), 0);
    wrong = right;
    wrong.token = 5;
    assert_int_not_equal (s_holds_with (wrong), 0);
    wrong = right;
    wrong.index = 50;
    assert_int_not_equal (s_holds_with (wrong), 0);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_right_files),
        cmocka_unit_test (test_wrong_files),
        cmocka_unit_test (test_foreign_bytes),
        cmocka_unit_test (test_holds),
    };
    return cmocka_run_group_tests_name ("lostfound history", tests, NULL, NULL);
}
