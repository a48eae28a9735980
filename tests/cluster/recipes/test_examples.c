//  The example programs on a real node, several of each at once, and what came of it.

#include "tests/cluster/recipes/stage.h"

#define PROGRAMS 4

typedef struct run {
    hf_process_t *process[PROGRAMS];
    char log[PROGRAMS][300];
    size_t count;
} run_t;

static run_t s_run;

/*  Start the example NAME ("": the first of all) with up to three arguments behind the endpoints.
 */
static void
s_start (const char *name, const char *one, const char *two, const char *three)
{
    char path[500];
    assert_true (s_run.count < PROGRAMS);
    size_t at = s_run.count++;
    snprintf (path, sizeof path, "%s%s%s", HF_EXAMPLE, *name ? "-" : "", name);
    snprintf (s_run.log[at], sizeof s_run.log[at], "%s/%s-%zu.log",
              hf_cluster_dir (g_stage.cluster), *name ? name : "example", at);
    const char *argv[] = {path, hf_cluster_endpoints (g_stage.cluster), one, two, three, NULL};
    remove (s_run.log[at]);
    s_run.process[at] =
        hf_process_new (&(hf_process_config_t){.argv = argv, .log_path = s_run.log[at]});
}

static int
s_clean (void **state)
{
    (void)state;
    for (size_t i = 0; i < s_run.count; i++)
        hf_process_destroy (&s_run.process[i]);
    s_run.count = 0;
    return 0;
}
#define EXAMPLE_TEST(name) HF_TEST_WITH (name, NULL, s_clean)

/*  What process AT said. */
static const char *
s_text (size_t at)
{
    static char text[1000];
    FILE *log = fopen (s_run.log[at], "r");
    size_t size = log ? fread (text, 1, sizeof text - 1, log) : 0;
    text[size] = 0;
    if (log)
        fclose (log);
    return text;
}

/*  All end well; how many said TEXT. */
static size_t
s_end (const char *text)
{
    size_t said = 0;
    for (size_t i = 0; i < s_run.count; i++) {
        int code = hf_process_wait (s_run.process[i], LIMIT_MS);
        if (code != 0)
            fail_msg ("%s ended with %d: %s", s_run.log[i], code, s_text (i));
        said += strstr (s_text (i), text) != NULL;
    }
    return said;
}

static const char *
s_file (const char *name)
{
    static char text[1000];
    size_t size = sizeof text - 1;
    assert_int_equal (hf_read (g_stage.client, name, 0, text, &size, NULL, LIMIT_MS), HF_OK);
    text[size] = 0;
    return text;
}

EXAMPLE_TEST (test_the_first_example_writes_each_number_once)
{
    for (int i = 0; i < 3; i++)
        s_start ("", NULL, NULL, NULL);
    assert_int_equal (s_end ("wrote"), 3);
    assert_string_equal (s_file ("numbers"), "1\n2\n3\n");
}

EXAMPLE_TEST (test_mutex)
{
    unsigned out, in;
    for (int i = 0; i < 3; i++)
        s_start ("mutex", NULL, NULL, NULL);
    assert_int_equal (s_end ("transferred"), 3);
    const char *at = s_file ("accounts");
    for (int i = 0; i < 3; i++) {
        int size = 0;
        assert_int_equal (sscanf (at, "out %u in %u%n", &out, &in, &size), 2);
        assert_int_equal (out, in);
        at += size + 1;
    }
    assert_int_equal (*at, 0);
}

EXAMPLE_TEST (test_rwlock)
{
    for (int i = 0; i < 3; i++)
        s_start ("rwlock", NULL, NULL, NULL);
    assert_int_equal (s_end ("12 bytes of settings"), 3);
    assert_int_equal (s_end ("written"), 1);
    assert_string_equal (s_file ("settings"), "colour blue\n");
}

EXAMPLE_TEST (test_semaphore)
{
    for (int i = 0; i < 4; i++)
        s_start ("semaphore", NULL, NULL, NULL);
    assert_int_equal (s_end ("restarts now: 1") + s_end ("restarts now: 2"), 4);
}

EXAMPLE_TEST (test_observe)
{
    hf_grant_t grant;
    s_start ("observe", "2", NULL, NULL);
    assert_true (HF_WAIT (strstr (s_text (0), "nobody leads"), LIMIT_MS));
    assert_int_equal (stage_open (state), 0);
    assert_int_equal (hf_acquire (g_stage.session[0], "service", LIMIT_MS, &grant), HF_OK);
    assert_int_equal (s_end ("nobody leads\nsession "), 1);
    stage_close (state);
}

EXAMPLE_TEST (test_election)
{
    s_start ("election", "alpha:1", NULL, NULL);
    s_start ("election", "beta:1", NULL, NULL);
    assert_int_equal (s_end ("alpha:1 leads: yes") + s_end ("beta:1 leads: yes"), 2);
}

EXAMPLE_TEST (test_barrier)
{
    for (int i = 0; i < 3; i++)
        s_start ("barrier", "3", NULL, NULL);
    assert_int_equal (s_end ("all 3 are here\nall 3 have left\n"), 3);
}

EXAMPLE_TEST (test_own_loop)
{
    for (int i = 0; i < 2; i++)
        s_start ("own_loop", NULL, NULL, NULL);
    assert_int_equal (s_end ("done\n"), 2);
}

EXAMPLE_TEST (test_latch)
{
    s_start ("latch", "migrated", "2", NULL);
    s_start ("latch", "migrated", "2", "done");
    assert_int_equal (hf_process_wait (s_run.process[1], LIMIT_MS), 0);
    assert_true (hf_process_running (s_run.process[0]));
    s_start ("latch", "migrated", "2", "done");
    assert_int_equal (s_end ("all are done"), 1);
}

HF_TEST_MAIN (stage_begin, stage_end)
