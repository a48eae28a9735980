/*  Which signals the guard passes on. The tool has the note, the guard its own copy of the signal,
 * in either order and some time apart. */
#include "client/tool/tool_pass.h"
#include "tests/kit/hf_test.h"

#define AT_MS 5000

/*  What is passed on until UNTIL_MS, as one digit for each signal; the command is INSIDE the group.
 */
static const char *
s_passed (tool_pass_t *pass, bool inside, uint64_t until_ms)
{
    static char text[16];
    size_t size = 0;
    for (int signal; (signal = tool_pass_next (pass, inside, until_ms)) > 0;)
        text[size++] = (char)(signal < 10 ? '0' + signal : 'a' + signal - 10);
    text[size] = '\0';
    return text;
}

typedef struct step {
    int note, seen; //  signals
    pid_t from;
    uint64_t at_ms;
} step_t;

static const struct {
    step_t steps[4];
    const char *inside, *outside; //  what is passed on to a command there
} s_stories[] = {
    //  To the tool alone; to the guard alone.
    {{{.note = 3, .from = 7}}, "3", "3"},
    {{{.seen = 3, .from = 7}}, "", ""},
    {{{.note = 3, .from = 7}, {.note = 3, .from = 7, .at_ms = 1}}, "33", "33"},
    //  To the group, or to one after the other.
    {{{.seen = 3, .from = 7}, {.note = 3, .from = 7}}, "", "3"},
    {{{.note = 3, .from = 7}, {.seen = 3, .from = 7, .at_ms = 49}}, "", "3"},
    {{{.seen = 3, .from = 7}, {.note = 3, .from = 7, .at_ms = 900}}, "", "3"},
    //  Too far apart to be one.
    {{{.seen = 3, .from = 7}, {.note = 3, .from = 7, .at_ms = 1000}}, "3", "3"},
    //  By another sender, or another signal.
    {{{.seen = 3, .from = 8}, {.note = 3, .from = 7}}, "3", "3"},
    {{{.seen = 2, .from = 7}, {.note = 3, .from = 7}}, "3", "3"},
    {{{.seen = 3, .from = -1}, {.note = 3, .from = -1}}, "", "3"},
    //  First to the tool and then to the group, of which the tool has two and the guard one.
    {{{.note = 3, .from = 7},
      {.seen = 3, .from = 7, .at_ms = 1},
      {.note = 3, .from = 7, .at_ms = 1}},
     "",
     "3"},
    //  In their order: stop, continue, stop.
    {{{.note = 9, .from = 7}, {.note = 2, .from = 7}, {.note = 9, .from = 7}}, "929", "929"},
    //  What is no signal.
    {{{.note = NSIG, .from = 7}, {.note = -1, .from = 7}}, "", ""},
};

static const char *
s_play (const step_t steps[4], bool inside)
{
    tool_pass_t pass = {.held.count = 0};
    for (const step_t *step = steps; step < steps + 4 && step->from != 0; step++) {
        uint64_t now_ms = AT_MS + step->at_ms;
        if (step->seen != 0)
            tool_pass_seen (&pass, step->seen, step->from, now_ms);
        else
            tool_pass_hold (&pass, step->note, step->from, now_ms);
    }
    const char *passed = s_passed (&pass, inside, AT_MS + 2000);
    assert_int_equal (tool_pass_due_ms (&pass), UINT64_MAX);
    hf_array_free (&pass.held);
    return passed;
}

HF_TEST (test_stories)
{
    for (size_t i = 0; i < sizeof s_stories / sizeof *s_stories; i++) {
        assert_string_equal (s_play (s_stories[i].steps, true), s_stories[i].inside);
        assert_string_equal (s_play (s_stories[i].steps, false), s_stories[i].outside);
    }
}

HF_TEST (test_the_decision_has_its_time)
{
    tool_pass_t pass = {.held.count = 0};
    assert_int_equal (tool_pass_due_ms (&pass), UINT64_MAX);
    tool_pass_hold (&pass, 3, 7, AT_MS);
    tool_pass_hold (&pass, 4, 7, AT_MS + 10);
    assert_int_equal (tool_pass_due_ms (&pass), AT_MS + 50);
    assert_string_equal (s_passed (&pass, true, AT_MS + 49), "");
    assert_string_equal (s_passed (&pass, true, AT_MS + 50), "3");
    assert_int_equal (tool_pass_due_ms (&pass), AT_MS + 60);
    tool_pass_seen (&pass, 4, 7, AT_MS + 55);
    assert_string_equal (s_passed (&pass, true, AT_MS + 60), "");
    //  The guard's copy was used up: the next one is for the tool alone.
    tool_pass_hold (&pass, 4, 7, AT_MS + 70);
    assert_string_equal (s_passed (&pass, true, AT_MS + 120), "4");
    hf_array_free (&pass.held);
}

HF_TEST_MAIN (NULL, NULL)
